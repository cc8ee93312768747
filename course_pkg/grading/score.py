"""Partial credit: what was shown right, never the number of assertions.

The parts of an exercise are its named results, each with and without what the declaration leaves open (a mask, a
direction), and each in the special cases that the exercise gives in full. A part is earned when it is right in all of
its cases. What a constant, a zero or an input handed back would get right shows nothing by itself, and nor do cases
that students know. Such a part is earned only together with one that shows something.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..exercises.compare import compare
from ..exercises.judge import CaseReport, Task, Verdict
from ..exercises.values import transform

SPECIAL = "special cases"
DAMAGED = 0.5  # share of the points that is kept when the results are right but the caller's arrays were changed


@dataclass(frozen=True)
class Part:
    """One result of the function under one choice of options, and the numbers of its hidden cases."""

    output: str
    options: str  # "masked=True", or "" where nothing is left open
    cases: tuple[int, ...]
    free: bool = False  # a constant, a zero or an input handed back would be right, too

    @property
    def name(self) -> str:
        return f"{self.output} ({self.options})" if self.options else self.output


@dataclass(frozen=True)
class PartScore:
    """How a part went: passed of its cases, and whether it was earned."""

    name: str
    passed: int
    cases: int
    earned: bool


def parts_of(task: Task, options: Sequence[Mapping[str, Any]]) -> tuple[Part, ...]:
    """The parts of a task, from its results and the options with which each case was drawn; the others are special."""
    groups: dict[str, list[int]] = {}
    for k, chosen in enumerate(options):
        groups.setdefault(", ".join(f"{name}={value}" for name, value in chosen.items()), []).append(k)
    if len(task.cases) > len(options):
        groups[SPECIAL] = list(range(len(options), len(task.cases)))
    return tuple(
        Part(output, label, tuple(cases), label == SPECIAL or _is_free(task, position, cases))
        for position, output in enumerate(task.returns)
        for label, cases in groups.items()
    )


def _is_free(task: Task, position: int, cases: Sequence[int]) -> bool:
    """Whether an answer that computes nothing is right in all of these cases."""
    whole = len(task.returns) == 1
    inputs = [task.cases[k].inputs for k in cases]
    wanted = [task.cases[k].expected if whole else task.cases[k].expected[position] for k in cases]
    guesses = [[wanted[0]] * len(wanted), [_filled(w, 0) for w in wanted], [_filled(w, 1) for w in wanted]]
    guesses += [[given[a] for given in inputs] for a in range(len(task.arguments))]
    return any(all(_equal(task, g, w) for g, w in zip(guess, wanted, strict=True)) for guess in guesses)


def _filled(value: Any, number: int) -> Any:
    def leaf(x: Any) -> Any:
        if isinstance(x, np.ndarray):
            return np.full_like(x, number)
        return type(x)(number) if isinstance(x, bool | int | float | np.generic) else x

    return transform(value, leaf)


def _equal(task: Task, guess: Any, wanted: Any) -> bool:
    return not compare(guess, wanted, ("value",), task.tolerance)


def score(parts: Sequence[Part], verdict: Verdict) -> tuple[float, tuple[PartScore, ...]]:
    """The share of the points, 0 to 1, and how each part went."""
    reports = verdict.reports
    if len(reports) != len(verdict.task.cases):  # the function was not called on every case: nothing was shown
        return 0.0, tuple(PartScore(part.name, 0, len(part.cases), False) for part in parts)
    passed = [sum(_shows(reports[k], part.output) for k in part.cases) for part in parts]
    full = [count == len(part.cases) > 0 for count, part in zip(passed, parts, strict=True)]
    shown = any(right and not part.free for right, part in zip(full, parts, strict=True))
    shown = shown or (all(full) and bool(parts))
    scores = tuple(
        PartScore(part.name, count, len(part.cases), right and shown)
        for part, count, right in zip(parts, passed, full, strict=True)
    )
    share = sum(s.earned for s in scores) / max(1, len(scores))
    if any(report.outcome.changed for report in reports):
        share *= DAMAGED
    return share, scores


def _shows(report: CaseReport, output: str) -> bool:
    """Whether this result was right in this case; a finding about the whole counts against every result."""
    if report.outcome.error or report.outcome.fault:
        return False
    about = {re.split(r"[.\[]", finding.output)[0] for finding in report.findings}
    return not about & {output, "the result"}

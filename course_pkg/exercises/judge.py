"""Run a function on the cases of a task and find out what is right, what is wrong, and which mistake it looks like.

Nothing here knows a task, and nothing here speaks to the student: `judge` returns a `Verdict`, and messages.py puts it
into words. Public checks, hidden tests, the proofs of the mutants and later the grading all pass through `judge`.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import linecache
import re
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .compare import Finding, Tolerance, compare
from .values import copy, same_bits

PATIENCE = 2.0  # seconds after which the second round, which looks for changing results, is left out


@dataclass(frozen=True)
class TestCase:
    """One call: its name for the student, the positional inputs, the expected result."""

    name: str
    inputs: tuple[Any, ...]
    expected: Any

    __test__ = False  # not a class of tests, whatever pytest thinks of the name


@dataclass(frozen=True)
class Outcome:
    """What one call gave: a value, or an error with the student's line; and what it did beside that."""

    value: Any = None
    error: str = ""  # name of the exception's class
    message: str = ""
    line: str = ""  # "line 4 of its cell, `h = x @ W`"
    changed: tuple[int, ...] = ()  # positions of inputs that were changed in place
    printed: str = ""
    warned: tuple[str, ...] = ()
    fault: str = ""  # what a box reports beside it: "timeout" "memory" "killed" "output" "protocol" "non-deterministic"


@dataclass(frozen=True)
class Mistake:
    """A known wrong implementation: per case its outcome, or None where it is right; and the hint."""

    hint: str
    outcomes: tuple[Outcome | None, ...]


@dataclass(frozen=True)
class Task:
    """All that is needed to judge a function; no code of the solution."""

    id: str
    title: str
    function: str
    arguments: tuple[str, ...]
    returns: tuple[str, ...]
    cases: tuple[TestCase, ...]
    mistakes: Sequence[Mistake] = ()
    tolerance: Tolerance = field(default_factory=Tolerance)


@dataclass(frozen=True)
class CaseReport:
    case: TestCase
    outcome: Outcome
    findings: tuple[Finding, ...]

    @property
    def right(self) -> bool:
        return not (self.findings or self.outcome.error or self.outcome.changed or self.outcome.fault)


@dataclass(frozen=True)
class Verdict:
    """status: right, wrong, unwritten, error, changing, signature, not a function, stopped; or a box's fault."""

    task: Task
    status: str
    reports: tuple[CaseReport, ...] = ()
    hints: tuple[str, ...] = ()
    detail: str = ""

    @property
    def right(self) -> bool:
        return self.status == "right"

    @property
    def count(self) -> int:
        return sum(report.right for report in self.reports)


def judge(function: Any, task: Task) -> Verdict:
    """Two rounds over all cases: the second one finds results that change from call to call."""
    if not callable(function):
        return Verdict(task, "not a function")
    misfit = signature_misfit(function, len(task.arguments))
    if misfit:
        return Verdict(task, "signature", detail=misfit)
    started = time.perf_counter()
    reports: list[CaseReport] = []
    for case in task.cases:
        outcome = call(function, case.inputs)
        if outcome.error == "KeyboardInterrupt":
            return Verdict(task, "stopped", detail=case.name)
        if outcome.error == "NotImplementedError":
            return Verdict(task, "unwritten", detail=outcome.line)
        findings = () if outcome.error else compare(outcome.value, case.expected, task.returns, task.tolerance)
        reports.append(CaseReport(case, outcome, tuple(findings)))
    changing = ""
    if time.perf_counter() - started < PATIENCE:
        again = (call(function, report.case.inputs) for report in reports)
        changing = next((r.case.name for r, o in zip(reports, again, strict=False) if not _repeats(r, o)), "")
    status = "changing" if changing else _status(reports)
    hints = () if status in ("right", "changing") else diagnose(task, reports)
    return Verdict(task, status, tuple(reports), hints, changing)


class Caller(Protocol):
    """Something that calls a function elsewhere, such as a box of course_pkg.grading: one outcome for each case."""

    def call(self, function: str, cases: Sequence[tuple[Any, ...]]) -> Sequence[Outcome]:
        """The outcomes of `function` on the cases, in their order; it has called each of them twice."""


def judge_through(caller: Caller, task: Task) -> Verdict:
    """judge() for a function in another process. Only the inputs go there; what is expected stays here."""
    outcomes = caller.call(task.function, [case.inputs for case in task.cases])
    return judge_outcomes(task, outcomes)


def judge_outcomes(task: Task, outcomes: Sequence[Outcome]) -> Verdict:
    """The verdict on outcomes that were obtained elsewhere, one for each case."""
    if len(outcomes) != len(task.cases):
        raise ValueError(f"judge_outcomes: {len(outcomes)} outcomes for {len(task.cases)} cases of {task.id}")
    reports = []
    for case, outcome in zip(task.cases, outcomes, strict=True):
        failed = outcome.error or outcome.fault
        findings = () if failed else compare(outcome.value, case.expected, task.returns, task.tolerance)
        reports.append(CaseReport(case, outcome, tuple(findings)))
    faults = {outcome.fault for outcome in outcomes}
    if all(outcome.error == "NotImplementedError" for outcome in outcomes):
        return Verdict(task, "unwritten", tuple(reports), detail=outcomes[0].line)
    if len(faults) == 1 and faults != {""}:
        fault = faults.pop()
        return Verdict(task, "changing" if fault == CHANGING else fault, tuple(reports), detail=outcomes[0].message)
    misfit = re.escape(task.function) + _MISFIT
    if all(outcome.error == "TypeError" and re.match(misfit, outcome.message) for outcome in outcomes):
        return Verdict(task, "signature", tuple(reports), detail=outcomes[0].message)
    changing = next((r.case.name for r in reports if r.outcome.fault == CHANGING), "")
    status = "changing" if changing else _status(reports)
    hints = () if status in ("right", "changing") else diagnose(task, reports)
    return Verdict(task, status, tuple(reports), hints, changing)


CHANGING = "non-deterministic"
_MISFIT = r"\(\) (takes (from )?\d+ .*positional argument|missing \d+ required positional argument)"


def call(function: Callable[..., Any], inputs: Sequence[Any]) -> Outcome:
    """One call on fresh copies. Output and warnings are caught; no exception of the student's comes through."""
    arguments = copy(tuple(inputs))
    printed = io.StringIO()
    value, failure = None, None
    with warnings.catch_warnings(record=True) as warned, contextlib.redirect_stdout(printed):
        warnings.simplefilter("always")
        try:
            value = function(*arguments)
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            failure = error
    changed = tuple(k for k, (a, b) in enumerate(zip(arguments, inputs, strict=True)) if not same_bits(a, b))
    value = _detach(value)
    error, message, line = _failure(function, failure) if failure else ("", "", "")
    notes = tuple(dict.fromkeys(str(warning.message) for warning in warned))
    return Outcome(value, error, message, line, changed, printed.getvalue(), notes)


def _detach(value: Any) -> Any:
    """A copy, so that a later call cannot change what an earlier one returned."""
    try:
        return copy(value)
    except Exception:  # an object of the student's own making; compare() will name its kind
        return value


def signature_misfit(function: Callable[..., Any], count: int) -> str:
    """Empty when the function takes `count` positional arguments, otherwise what it takes instead."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return ""
    try:
        signature.bind(*range(count))
    except TypeError:
        return ", ".join(signature.parameters) or "no arguments"
    return ""


def _failure(function: Any, error: BaseException) -> tuple[str, str, str]:
    """Class, first line of the message, and the deepest line that stands in the student's own cells."""
    message = (str(error).splitlines() or [""])[0][:300]
    own = getattr(getattr(function, "__code__", None), "co_filename", None)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename == own or _is_cell(frame.filename):
            text = linecache.getline(frame.filename, frame.lineno or 0).strip()
            return type(error).__name__, message, f"line {frame.lineno} of its cell" + (f", `{text}`" if text else "")
    return type(error).__name__, message, ""


def _is_cell(filename: str) -> bool:
    return "ipykernel_" in filename or filename.startswith(("<ipython-input", "<cell"))


def _status(reports: Sequence[CaseReport]) -> str:
    if all(report.right for report in reports):
        return "right"
    return "error" if all(report.outcome.error for report in reports) else "wrong"


def _repeats(report: CaseReport, again: Outcome) -> bool:
    first = report.outcome
    if any(finding.kind not in ("value", "nan") for finding in report.findings):
        return True  # there is something plainer to say about this result
    if first.error or again.error:
        return first.error == again.error
    try:
        return same_bits(first.value, again.value)
    except Exception:  # an object that cannot be compared: other findings speak about it
        return True


def diagnose(task: Task, reports: Sequence[CaseReport]) -> tuple[str, ...]:
    """The hint of the mistake that behaves like this function; failing that, one hint for each wrong output."""
    alike = [mistake for mistake in task.mistakes if _behaves_like(task, reports, mistake)]
    if alike:
        right = {k for k, report in enumerate(reports) if report.right}
        exact = [m for m in alike if right == {k for k, outcome in enumerate(m.outcomes) if outcome is None}]
        return (max(exact or alike, key=_reach).hint,)
    hints = []
    for position in range(len(task.returns) if len(task.returns) > 1 else 0):
        found = [m for m in task.mistakes if _output_like(task, reports, m, position)]
        if found:
            hints.append(max(found, key=_reach).hint)
    return tuple(dict.fromkeys(hints))


def _reach(mistake: Mistake) -> int:
    return sum(outcome is not None for outcome in mistake.outcomes)


def _behaves_like(task: Task, reports: Sequence[CaseReport], mistake: Mistake) -> bool:
    """Equal to the mistake on every case where the mistake is wrong, at least once by value and not by an error."""
    pairs = [(report.outcome, o) for report, o in zip(reports, mistake.outcomes, strict=True) if o is not None]
    return any(not o.error for _, o in pairs) and all(same_outcome(task, mine, o) for mine, o in pairs)


def same_outcome(task: Task, a: Outcome, b: Outcome) -> bool:
    """The same error, or values equal within tolerance with the same inputs changed in place."""
    if a.fault or b.fault:
        return False
    if a.error or b.error:
        return a.error == b.error
    return a.changed == b.changed and not compare(a.value, b.value, _loose(task, b.value), task.tolerance)


def _loose(task: Task, value: Any) -> tuple[str, ...]:
    """The names of the outputs when `value` has that many, one name for the whole when it has not."""
    fits = isinstance(value, tuple | list) and len(value) == len(task.returns)
    return task.returns if len(task.returns) == 1 or fits else ("result",)


def _output_like(task: Task, reports: Sequence[CaseReport], mistake: Mistake, position: int) -> bool:
    """One output alone: wrong, and equal to the mistake's wherever the mistake gets this output wrong."""
    differs = False
    for report, outcome in zip(reports, mistake.outcomes, strict=True):
        if outcome is None:
            continue
        if outcome.error or report.outcome.error or report.outcome.fault or outcome.changed != report.outcome.changed:
            return False
        values = report.outcome.value, outcome.value, report.case.expected
        mine, its, expected = (_part(task, value, position) for value in values)
        name = (task.returns[position],)
        if compare(its, expected, name, task.tolerance):
            differs = True
            if compare(mine, its, name, task.tolerance):
                return False
    return differs


def _part(task: Task, value: Any, position: int) -> Any:
    fits = isinstance(value, tuple | list) and len(value) == len(task.returns)
    return value[position] if fits else None

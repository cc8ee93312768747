"""A verdict in words: plain text, and the same words in HTML that is readable in light and in dark.

The order is: what is the matter, on which case, what was found and expected, and what it looks like. All text is
deterministic, so that nbval can compare it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from .judge import CaseReport, Verdict
from .values import describe

_MARK = {"right": ("✓", "teal", "#1b8a7a"), "unwritten": ("…", "blue", "#3b7dc4")}
_NOT_RIGHT = ("✗", "orange", "#c8641b")
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def lines(verdict: Verdict) -> list[str]:
    """The message: its first line is the headline, the others are details."""
    task, name = verdict.task, verdict.task.function
    match verdict.status:
        case "right":
            names = "; ".join(report.case.name for report in verdict.reports)
            return [
                f"{name}: right on {_cases(len(verdict.reports))} ({names}).",
                *_warnings(verdict.reports),
            ]
        case "unwritten":
            return [
                f"{name}: not written yet.",
                "Replace the line `raise NotImplementedError(...)` by your code. Run that cell, then this one again.",
            ]
        case "not a function":
            return [
                f"{name}: check wants the function itself.",
                f'Write check("{task.id}", {name}), without a call.',
            ]
        case "signature":
            return [
                f"{name}: the exercise calls it with {_arguments(len(task.arguments))}: {', '.join(task.arguments)}.",
                f"Yours takes {verdict.detail}. Put the first line of the function back as it was.",
            ]
        case "stopped":
            return [
                f"{name}: stopped while it was running on case {_quoted(verdict.detail)}.",
                "Is there a loop without an end?",
            ]
        case "changing":
            return [
                f"{name}: gives different results for the same inputs (case {_quoted(verdict.detail)}).",
                "Does it draw random numbers, or keep something in a global variable between calls?",
            ]
    return _wrong(verdict)


def _wrong(verdict: Verdict) -> list[str]:
    name, reports = verdict.task.function, verdict.reports
    worst = next(report for report in reports if not report.right)
    if verdict.status == "error":
        out = [f"{name}: stops with an error on every case."]
    else:
        out = [f"{name}: not right yet, {verdict.count} of {_cases(len(reports))} right."]
    out.append(f"Case {_quoted(worst.case.name)}, called with {_inputs(verdict, worst)}.")
    out += _found(verdict, worst)
    out += [f"Hint: this looks like a known mistake. {hint}" for hint in verdict.hints]
    if verdict.count > 0:
        good, bad = [r for r in reports if r.right], [r for r in reports if not r.right]
        out.append(f"Right: {_names(good)}. Wrong: {_names(bad)}.")
    out += _warnings([worst])
    if worst.outcome.printed.strip():
        shown = worst.outcome.printed.strip().splitlines()
        out.append("Printed on this case: " + " / ".join(shown[:5]) + (" / ..." if len(shown) > 5 else ""))
    out.append(f"To run this case alone: `{name}(*check({name}).inputs)`.")
    return out


def _found(verdict: Verdict, report: CaseReport) -> list[str]:
    """What is wrong on one case: the error, the inputs that were changed, the differences."""
    outcome, task = report.outcome, verdict.task
    if outcome.error == "SystemExit":
        return ["The function calls exit. It should return its result instead."]
    if outcome.error:
        at = f" in {outcome.line}" if outcome.line else ""
        said = f": {_ADDRESS.sub('', outcome.message)}" if outcome.message else ""
        return [f"{outcome.error}{at}{said}", *_explained(outcome.message)]
    out = []
    if outcome.changed:
        which = ", ".join(task.arguments[k] for k in outcome.changed)
        out.append(f"The function changes its input {which} in place; the caller still needs it. Work on a copy.")
    out += [finding.text for finding in report.findings]
    wrong = {re.split(r"[.\[]", finding.output)[0] for finding in report.findings}
    fine = [output for output in task.returns if output not in wrong]
    if wrong <= set(task.returns) and wrong and fine:
        out.append(f"Right in this case: {', '.join(fine)}.")
    return out


def _explained(message: str) -> list[str]:
    """NumPy's words about a product whose shapes do not fit, in plain words."""
    sizes = re.search(r"matmul: Input operand 1 .* core dimension 0, .*\(size (\d+) is different from (\d+)\)", message)
    if not sizes:
        return []
    rows, columns = sizes.groups()
    return [f"In a product A @ B the columns of A and the rows of B must agree. Here A has {columns}, B has {rows}."]


def _inputs(verdict: Verdict, report: CaseReport) -> str:
    pairs = zip(verdict.task.arguments, report.case.inputs, strict=True)
    return ", ".join(describe(name, value) for name, value in pairs)


def _warnings(reports: Sequence[CaseReport]) -> list[str]:
    texts = dict.fromkeys(text for report in reports for text in report.outcome.warned)
    firsts = [_ADDRESS.sub("", (text.splitlines() or [""])[0])[:200].rstrip(". ") for text in texts]
    return [f"There was a warning: {text}." for text in firsts[:3]]


def _names(reports: Sequence[CaseReport]) -> str:
    return "; ".join(report.case.name for report in reports)


def _quoted(name: str) -> str:
    return f"“{name}”"


def _cases(count: int) -> str:
    return f"{count} case" + "s" * (count != 1)


def _arguments(count: int) -> str:
    return f"{count} argument" + "s" * (count != 1)


def as_text(message: list[str]) -> str:
    """The message as plain text, all lines after the first indented."""
    return "\n".join([message[0], *("  " + line for line in message[1:])])


def as_html(message: list[str], status: str) -> str:
    """Ink and background are the page's own; only the bar has a colour, and the mark says the same without it."""
    mark, name, colour = _MARK.get(status, _NOT_RIGHT)
    head, *rest = (_with_code(html.escape(line)) for line in message)
    body = "".join(f'<div style="margin-top:.25em">{line}</div>' for line in rest)
    bar = f"border-left:4px solid var(--course-{name},{colour})"
    tint = "background:rgba(128,128,128,.09)"
    style = f"{bar};{tint};color:inherit;padding:.5em .9em;margin:.3em 0;border-radius:0 4px 4px 0;line-height:1.45"
    return f'<div class="course-check" style="{style}"><strong>{mark} {head}</strong>{body}</div>'


def _with_code(line: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", line)

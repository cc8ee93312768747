"""What a student is told about hidden tests: the kind of mistake, shapes and dtypes, the hint of a known mistake.

Hidden inputs, expected numbers and texts that come from the student's code never pass: the code has seen the hidden
inputs, and whatever text it makes could carry them out. Sentences are built here from codes and from a list of names.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..exercises.compare import Finding
from ..exercises.judge import CaseReport, Task, Verdict
from ..exercises.values import entries_in_words

_ERRORS = {name for name, thing in vars(builtins).items() if isinstance(thing, type)} | {"LinAlgError", "AxisError"}
_DTYPES = {"float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex128"}

ABOUT = {
    "unwritten": "The answer is not written yet.",
    "missing": "The notebook does not define `{function}`. Was the cell deleted, or the function renamed?",
    "not a function": "`{function}` is not a function at the end of the notebook. Is its name used again for a value?",
    "timeout": "`{function}` did not come to an end in time. Is there a loop without an end?",
    "memory": "`{function}` asked for more memory than is allowed.",
    "killed": "`{function}` ended the whole Python process, or was ended. A function returns, it never exits.",
    "output": "`{function}` printed or returned more than is allowed.",
    "protocol": "`{function}` returned something that is not plain data: arrays, numbers, texts, or tuples, lists and "
    "dictionaries of them.",
    "changing": "`{function}` gives different results for the same inputs. Does it draw random numbers, or keep "
    "something between calls?",
    "signature": "`{function}` is called with {arguments}. Yours takes other arguments. Put its first line back.",
    "no notebook": "No notebook of this chapter was handed in.",
    "unreadable": "The notebook could not be read, so nothing in it could be graded.",
    "grader": "The grader itself failed on this exercise. Your instructor sees what happened.",
    "not run": "The notebook could not be run, so nothing in it could be graded.",
}


def about(reason: str, function: str, arguments: Sequence[str] = ()) -> str:
    """The sentence for a reason code."""
    return ABOUT[reason].format(function=function, arguments=", ".join(arguments) or "no arguments")


def sentences(verdict: Verdict) -> tuple[str, ...]:
    """What the hidden tests found, for the student."""
    task, status = verdict.task, verdict.status
    if status == "right":
        return (f"Right in all {len(verdict.reports)} cases.",)
    if status in ABOUT:
        return (about(status, task.function, task.arguments),)
    out = [f"Right in {verdict.count} of {len(verdict.reports)} cases."]
    out += _changed(task, verdict.reports) + _errors(task, verdict.reports)
    for output in [*task.returns, "the result"]:
        out += _output(task, output, verdict.reports)
    return tuple(out)


def _changed(task: Task, reports: Sequence[CaseReport]) -> list[str]:
    which = sorted({k for report in reports for k in report.outcome.changed if k < len(task.arguments)})
    if not which:
        return []
    names = ", ".join(task.arguments[k] for k in which)
    return [f"It changes its input {names} in place; the caller still needs it. Work on a copy."]


def _errors(task: Task, reports: Sequence[CaseReport]) -> list[str]:
    out = []
    stopped: dict[str, list[CaseReport]] = {}
    for report in reports:
        if name := report.outcome.error:
            stopped.setdefault(name if name in _ERRORS else "an exception of its own", []).append(report)
    for shown, found in stopped.items():
        out.append(f"It stops with {shown} in {places(found)}, for example with {inputs_in_words(task, found[0])}.")
    for fault in dict.fromkeys(report.outcome.fault for report in reports if report.outcome.fault):
        if fault == "non-deterministic":
            out.append("Some results differ from one call to the next with the same inputs.")
        elif fault in ABOUT:
            out.append(about(fault, task.function))
    return out


def _output(task: Task, output: str, reports: Sequence[CaseReport]) -> list[str]:
    """One sentence about one result: the plainest thing that is wrong with it, and in how many cases."""
    found = [(r, f) for r in reports for f in r.findings if f.output.split(".")[0].split("[")[0] == output]
    if not found:
        return []
    where = places(list({id(report): report for report, _ in found}.values()))
    report, finding = next((pair for pair in found if pair[1].kind != "value"), found[0])
    return [f"{_difference(task, output, report, finding)} Wrong in {where}."]


def _difference(task: Task, output: str, report: CaseReport, finding: Finding) -> str:
    wanted, got = (_part(task, output, value) for value in (report.case.expected, report.outcome.value))
    match finding.kind:
        case "shape" if isinstance(wanted, np.ndarray) and isinstance(got, np.ndarray):
            shape = _shape(got.shape, _known_sizes(report))
            turned = " That is the transpose." if got.ndim > 1 and got.shape == wanted.shape[::-1] else ""
            inputs = inputs_in_words(task, report)
            return f"{output} has shape {shape}, expected {wanted.shape}, with {inputs}.{turned}"
        case "dtype" if isinstance(wanted, np.ndarray) and isinstance(got, np.ndarray):
            return f"{output} has dtype {_dtype(got)}; expected {entries_in_words(wanted.dtype)} ({wanted.dtype})."
        case "nan":
            return f"{output} holds NaN or infinite entries."
        case "count":
            return f"The function returns another number of values than {len(task.returns)}: {', '.join(task.returns)}."
        case "type":
            return f"{output} is {_kind(got)}; expected {_kind(wanted)}."
        case "keys":
            return f"{output} has other entries than expected."
    return f"{output} has the right form, but other numbers than expected."


def _part(task: Task, output: str, value: Any) -> Any:
    if len(task.returns) > 1 and output in task.returns and isinstance(value, tuple | list):
        position = task.returns.index(output)
        return value[position] if position < len(value) else None
    return value


def inputs_in_words(task: Task, report: CaseReport) -> str:
    """The arguments of a hidden case by shape and dtype; numbers are not shown."""
    pairs = zip(task.arguments, report.case.inputs, strict=True)
    return ", ".join(f"{name} {value.shape}" if isinstance(value, np.ndarray) else name for name, value in pairs)


def _known_sizes(report: CaseReport) -> set[int]:
    """Sizes that shapes of this case may show, with their sums and products. Any other could be a message."""
    sizes = {0, 1} | {n for array in _arrays((report.case.inputs, report.case.expected)) for n in array.shape}
    return sizes | {a + b for a in sizes for b in sizes} | {a * b for a in sizes for b in sizes}


def _arrays(value: Any) -> Iterable[np.ndarray]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple | list):
        for entry in value:
            yield from _arrays(entry)
    elif isinstance(value, dict):
        yield from _arrays(list(value.values()))


def _shape(shape: tuple[int, ...], known: set[int]) -> str:
    sizes = [str(n) if n in known else "other" for n in shape[:6]] + (["..."] if len(shape) > 6 else [])
    return f"({', '.join(sizes)}{',' if len(shape) == 1 else ''})"


def _dtype(array: np.ndarray) -> str:
    return str(array.dtype) if str(array.dtype) in _DTYPES else "another one"


def _kind(value: Any) -> str:
    """The kind of plain data in words; the names of classes are not the student's to choose."""
    kinds = {bool: "a boolean", int: "an integer", float: "a number", str: "a text", list: "a list",
             dict: "a dictionary", np.ndarray: "an array"}  # fmt: skip
    if value is None:
        return "None (is the `return` missing?)"
    if isinstance(value, np.generic):
        value = value.item()
    return kinds.get(type(value), "a tuple" if isinstance(value, tuple) else "something else")


def places(reports: Sequence[CaseReport]) -> str:
    """In how many hidden cases, and in which public ones by name."""
    public = [report.case.name for report in reports if not report.case.name.startswith("hidden")]
    count = len(reports) - len(public)
    hidden = [f"{count} hidden case{'s' * (count != 1)}"] if count else []
    return " and in ".join(hidden + [f"the {name}" for name in public])

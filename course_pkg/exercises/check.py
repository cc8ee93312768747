"""check(...): the student's call. It finds the public cases, runs them, and answers in words.

The cases lie in checks/NN.json: beside the notebook, or in ../exercises/checks when the notebook is in solutions/. It
needs NumPy and this package, no file of the repository beside that.
"""

from __future__ import annotations

import json
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from .compare import Tolerance
from .judge import Mistake, Outcome, Task, TestCase, Verdict, judge
from .messages import as_html, as_text, lines
from .values import copy, decode

PLACES = ("checks", "../exercises/checks", "exercises/checks")
FORMAT = 1


class CheckResult:
    """What check() found. Jupyter shows nothing for it at the end of a cell: the message stands there already."""

    def __init__(self, status: str, message: list[str], verdict: Verdict | None = None) -> None:
        self.status, self.message, self.verdict = status, message, verdict

    @property
    def right(self) -> bool:
        return self.status == "right"

    @property
    def text(self) -> str:
        return as_text(self.message)

    @property
    def html(self) -> str:
        return as_html(self.message, self.status)

    @property
    def hints(self) -> tuple[str, ...]:
        return self.verdict.hints if self.verdict else ()

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The inputs of the first case that is not right, or of the first case: rnn_step(*check(rnn_step).inputs)."""
        reports = self.verdict.reports if self.verdict else ()
        chosen = next((report for report in reports if not report.right), reports[0] if reports else None)
        return copy(chosen.case.inputs) if chosen else ()

    def __repr__(self) -> str:
        return f"<check: {self.status}>"

    def _ipython_display_(self) -> None:
        """Silence: the message has been shown by check()."""


def check(*arguments: Any, folder: str | Path | None = None) -> CheckResult:
    """check(rnn_step) or check("03-rnn-step", rnn_step): run the public cases and say what is right and what is not."""
    result = examine(*arguments, folder=folder)
    show(result)
    return result


def examine(*arguments: Any, folder: str | Path | None = None) -> CheckResult:
    """check() without showing anything."""
    if not 1 <= len(arguments) <= 2 or (len(arguments) == 2 and not isinstance(arguments[0], str)):
        return CheckResult("misused", ["check wants the function, or an id and the function.", _EXAMPLE])
    function = arguments[-1]
    if isinstance(function, str):
        return CheckResult("misused", ["check wants the function after the id.", _EXAMPLE])
    places = [Path(folder)] if folder is not None else [Path(place) for place in PLACES]
    found = next((place for place in places if any(place.glob("[0-9][0-9].json"))), None)
    if found is None:
        return CheckResult("no checks", _no_checks(places))
    try:
        tasks = [task for path in sorted(found.glob("[0-9][0-9].json")) for task in load(path)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return CheckResult("no checks", ["check: a file in the folder `checks` is damaged.", f"{error}", _COPY])
    task = _choose(tasks, arguments[0] if len(arguments) == 2 else None, function)
    if not isinstance(task, Task):
        return task
    verdict = judge(function, task)
    return CheckResult(verdict.status, lines(verdict), verdict)


_EXAMPLE = 'For example check(rnn_step), or check("03-rnn-step", rnn_step).'
_COPY = "Copy the folder `checks` of the course's `exercises` beside this notebook and run the cell again."


def _no_checks(places: list[Path]) -> list[str]:
    looked = ", ".join(f"`{place.as_posix()}`" for place in places)
    return ["check: the folder `checks` is missing.", f"Looked for {looked}.", _COPY]


def _choose(tasks: list[Task], wanted: str | None, function: Any) -> Task | CheckResult:
    """The task of this id, or else the only one whose function has this name."""
    if wanted is not None:
        fits = [task for task in tasks if task.id == wanted]
        known = _like(wanted, [task.id for task in tasks])
        return fits[0] if fits else CheckResult("unknown", [f'check: there is no exercise "{wanted}".', known])
    name = getattr(function, "__name__", None)
    if name is None:
        return CheckResult("misused", ["check wants the function itself, not a result of calling it.", _EXAMPLE])
    fits = [task for task in tasks if task.function == name]
    if len(fits) == 1:
        return fits[0]
    if fits:
        calls = " or ".join(f'check("{task.id}", {name})' for task in fits)
        return CheckResult("unknown", [f"check: {len(fits)} exercises have a function {name}.", f"Write {calls}."])
    known = _like(name, [task.function for task in tasks])
    return CheckResult("unknown", [f"check: no exercise asks for a function called {name}.", known])


def _like(wanted: str, known: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(wanted, known, n=1)
    return f"Did you mean {close[0]}?" if close else f"There are: {', '.join(known)}."


def load(path: Path) -> list[Task]:
    """The tasks of one checks/NN.json. Read once for each version of the file."""
    stat = path.stat()
    return list(_load(path.resolve(), stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=64)
def _load(path: Path, _changed: int, _size: int) -> tuple[Task, ...]:
    data = json.loads(path.read_text(encoding="utf-8"))
    if data.get("format") != FORMAT:
        raise ValueError(f"{path.name} has format {data.get('format')!r}; this version of the course reads {FORMAT}")
    return tuple(_task(entry) for entry in data["exercises"])


def _task(data: dict[str, Any]) -> Task:
    return Task(
        id=data["id"],
        title=data["title"],
        function=data["function"],
        arguments=tuple(data["arguments"]),
        returns=tuple(data["returns"]),
        tolerance=Tolerance(**data["tolerance"]),
        cases=tuple(
            TestCase(c["name"], tuple(decode(x) for x in c["inputs"]), decode(c["expected"])) for c in data["cases"]
        ),
        mistakes=tuple(Mistake(m["hint"], tuple(o and _outcome(o) for o in m["outcomes"])) for m in data["mistakes"]),
    )


def _outcome(data: dict[str, Any]) -> Outcome:
    return Outcome(decode(data.get("value")), data.get("error", ""), changed=tuple(data.get("changed", ())))


def show(result: CheckResult) -> None:
    """In a notebook HTML with the text beside it; elsewhere the text."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None and hasattr(shell, "kernel"):
        from IPython.display import display

        display({"text/plain": result.text, "text/html": result.html}, raw=True)
    else:
        print(result.text)

"""Check a student's notebook from the command line: run its code cells, then judge every exercise of its chapter."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import warnings
from pathlib import Path
from typing import Any

from . import notebooks
from .check import PLACES, examine, load
from .errors import ExerciseError
from .messages import as_text


def check_notebook(path: Path) -> int:
    """Prints one message per exercise and a last line with the count; 0 when all are right."""
    notebook = notebooks.read(path)
    number = path.name[:2]
    places = [path.parent / place for place in PLACES]
    folder = next((place for place in places if (place / f"{number}.json").is_file()), None)
    if folder is None:
        message = f"no file `checks/{number}.json` beside it; the notebook keeps its name, and `checks` its place"
        raise ExerciseError(path.name, message)
    namespace, failed = run_all(notebook, path.parent)
    tasks = load(folder / f"{number}.json")
    right = 0
    for task in tasks:
        if task.function in namespace:
            result = examine(task.id, namespace[task.function], folder=folder)
            right += result.right
            print(as_text(result.message))
        else:
            print(f"{task.function}: not found in the notebook.{_why(notebook, task.id, failed)}")
    print(f"\n{right} of {len(tasks)} exercises right.")
    return 0 if right == len(tasks) else 1


def run_all(notebook: notebooks.Notebook, folder: Path) -> tuple[dict[str, Any], dict[int, str]]:
    """All code cells in order, as in a notebook: a cell that fails does not stop the others, and shows nothing.

    Returns the names they define, and the errors by number of the cell.
    """
    silent = lambda *arguments, **options: None  # noqa: E731  (check() itself: judged once, at the end)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    failed: dict[int, str] = {}
    backend = os.environ.get("MPLBACKEND")
    os.environ["MPLBACKEND"] = "Agg"  # no window opens; put back below, since kernels inherit it
    before = os.getcwd()
    os.chdir(folder)
    try:
        for cell in notebook.cells:
            if cell.kind != "code":
                continue
            with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    notebooks.run(_plain(cell.source), namespace, f"<cell {cell.number} of {notebook.name}>")
                except (Exception, SystemExit) as error:
                    first = (str(error).splitlines() or [""])[0]
                    failed[cell.number] = f"{type(error).__name__}: {first}"
            if "check" in namespace:
                namespace["check"] = silent
    finally:
        os.chdir(before)
        if backend is None:
            del os.environ["MPLBACKEND"]
        else:
            os.environ["MPLBACKEND"] = backend
    return namespace, failed


def _plain(source: str) -> str:
    """Without lines for IPython (%magic, !shell, name?): they are notes to Jupyter, not part of an answer."""
    if source.lstrip().startswith("%%"):
        return ""
    with contextlib.suppress(SyntaxError):
        ast.parse(source)
        return source
    out = []
    for line in source.splitlines():
        bare = line.lstrip()
        special = bare.startswith(("%", "!", "?")) or bare.rstrip().endswith("?")
        out.append(line[: len(line) - len(bare)] + "pass" if special and not bare.startswith("#") else line)
    return "\n".join(out)


def _why(notebook: notebooks.Notebook, id: str, failed: dict[int, str]) -> str:
    cell = next((cell for cell in notebook.cells if cell.exercise == id), None)
    if cell is None:
        return " Its cell is gone; take it from a fresh copy."
    if cell.number in failed:
        return f" Cell {cell.number}, where it belongs, stops with {failed[cell.number]}."
    return f" Cell {cell.number}, where it belongs, does not define it."

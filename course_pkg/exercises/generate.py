"""solutions/ -> exercises/: the notebooks without their solutions, and the public cases with what they should give.

`plan` makes every byte of exercises/ in memory. `write` puts it there, `differences` compares. Nothing that the plan
contains is the code of a solution or of a mutant; of both only the results on the public cases are kept.
"""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any

from . import markers, notebooks
from .check import FORMAT
from .declare import Exercise, hidden_inputs, public_inputs
from .errors import ExerciseError
from .judge import Mistake, Outcome, Task, TestCase, call, judge, same_outcome
from .messages import as_text, lines
from .sources import Chapter
from .values import encode
from .variants import chapters_of_term

KEPT = ("tags", "exercise", "mystnb")  # metadata of cells that students need, too
IGNORED = (".ipynb_checkpoints", "__pycache__", ".DS_Store")


def public_task(chapter: Chapter, exercise: Exercise) -> Task:
    """The public cases with what the reference gives, and what every mutant gives where that differs."""
    cases = [(one.name, public_inputs(exercise, one)) for one in exercise.public]
    task = task_for(chapter, exercise, cases)
    mistakes = []
    for mutant in exercise.mutants:
        function = chapter.edited(exercise, mutant.pairs)
        outcomes = [call(function, case.inputs) for case in task.cases]
        kept = tuple(None if _same_as_reference(task, c, o) else o for c, o in zip(task.cases, outcomes, strict=True))
        if any(outcome is not None and not outcome.error for outcome in kept):
            mistakes.append(Mistake(mutant.hint, kept))
    return Task(**{**vars(task), "mistakes": tuple(mistakes)})


def task_for(chapter: Chapter, exercise: Exercise, cases: list[tuple[str, tuple[Any, ...]]]) -> Task:
    """A task whose expected values come from the reference, which must be right on it itself."""
    place = f"{chapter.tasks_place}, {exercise.id}"
    function = chapter.reference(exercise)
    expected = []
    for name, inputs in cases:
        outcome = call(function, inputs)
        if outcome.error:
            raise ExerciseError(place, f'the solution fails on "{name}": {outcome.error}: {outcome.message}')
        if outcome.warned:
            raise ExerciseError(place, f'the solution warns on "{name}": {outcome.warned[0]}')
        expected.append(TestCase(name, inputs, outcome.value))
    arguments = function.__code__.co_varnames[: function.__code__.co_argcount]
    arguments = arguments[: len(cases[0][1])]
    task = Task(exercise.id, exercise.title, exercise.function, tuple(arguments), exercise.returns, tuple(expected),
                tolerance=exercise.tolerance)  # fmt: skip
    verdict = judge(function, task)
    if not verdict.right:
        raise ExerciseError(place, "the solution does not pass its own check: " + as_text(lines(verdict)))
    return task


def hidden_task(chapter: Chapter, exercise: Exercise, count: int = 12, term: str = "") -> Task:
    """Random inputs of other shapes, with what the reference gives for them. Never written to exercises/."""
    return task_for(chapter, exercise, hidden_inputs(exercise, count, term))


def _same_as_reference(task: Task, case: TestCase, outcome: Outcome) -> bool:
    return same_outcome(task, outcome, Outcome(case.expected))


def plan(root: Path, term: str | None = None) -> dict[str, bytes]:
    """Path below exercises/ -> bytes: all that belongs there. With a term, its versions of the tasks (variants.py)."""
    found = chapters_of_term(root, term)
    files = {"README.md": readme(found).encode()}
    for chapter in found:
        files[chapter.notebook.name] = notebooks.write(student_notebook(chapter))
        if chapter.exercises:
            tasks = [public_task(chapter, exercise) for exercise in chapter.exercises]
            files[f"checks/{chapter.number}.json"] = checks_file(chapter.number, tasks)
    return files


def student_notebook(chapter: Chapter) -> dict[str, Any]:
    """The notebook without solutions, outputs, execution counts and traces of how it was run."""
    titles = {exercise.id: exercise.title for exercise in chapter.exercises}
    place = chapter.notebook.place
    cells = []
    for cell in chapter.notebook.cells:
        source = cell.source
        metadata = {key: cell.metadata[key] for key in KEPT if key in cell.metadata}
        if cell.exercise is not None:
            source = markers.starter(source, titles[cell.exercise], place, cell.number)
            metadata["deletable"] = False
        new = {"cell_type": cell.kind, "metadata": metadata, "source": source.splitlines(keepends=True)}
        if "id" in cell.data:
            new["id"] = cell.exercise or cell.data["id"]
        if "attachments" in cell.data:
            new["attachments"] = cell.data["attachments"]
        if cell.kind == "code":
            new |= {"execution_count": None, "outputs": []}
        cells.append(new)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    minor = chapter.notebook.data.get("nbformat_minor", 5)
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": minor}


def checks_file(number: str, tasks: list[Task]) -> bytes:
    """The bytes of exercises/checks/NN.json: the public tasks of a chapter."""
    exercises = [
        {
            "id": task.id,
            "title": task.title,
            "function": task.function,
            "arguments": list(task.arguments),
            "returns": list(task.returns),
            "tolerance": vars(task.tolerance),
            "cases": [
                {"name": c.name, "inputs": [encode(x) for x in c.inputs], "expected": encode(c.expected)}
                for c in task.cases
            ],
            "mistakes": [{"hint": m.hint, "outcomes": [o and _stored(o) for o in m.outcomes]} for m in task.mistakes],
        }
        for task in tasks
    ]
    return (_pretty({"format": FORMAT, "chapter": number, "exercises": exercises}) + "\n").encode()


def _stored(outcome: Outcome) -> dict[str, Any]:
    """Of a mutant's outcome: the class of its error, or its value and the inputs that it changed."""
    if outcome.error:
        return {"error": outcome.error}
    try:
        value = {"value": encode(outcome.value)}
    except TypeError:
        value = {"value": None}
    return value | ({"changed": list(outcome.changed)} if outcome.changed else {})


def _pretty(data: Any, indent: str = "") -> str:
    """JSON with one value a line where it fits: small differences stay small in a diff."""
    line = json.dumps(data, ensure_ascii=False, allow_nan=False)
    if len(line) + len(indent) <= 110 or not isinstance(data, dict | list) or not data:
        return line
    inner = indent + " "
    if isinstance(data, dict):
        if "array" in data:
            return line
        rows = [f"{inner}{json.dumps(key)}: {_pretty(value, inner)}" for key, value in data.items()]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + _pretty(value, inner) for value in data) + f"\n{indent}]"


def readme(found: list[Chapter]) -> str:
    """The text of exercises/README.md, with the table of all exercises."""
    rows = [
        f"| [{chapter.notebook.name}]({chapter.notebook.name}) | {exercise.title} | `{exercise.function}` |"
        for chapter in found
        for exercise in chapter.exercises
    ]
    text = Path(__file__).with_name("student_readme.md").read_text(encoding="utf-8")
    return text.replace("TABLE_OF_EXERCISES", "\n".join(rows))


def present(folder: Path) -> dict[str, bytes]:
    """What lies in exercises/ now, without the caches of Jupyter and Python."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() or path.is_symlink()]
    kept = [path for path in paths if not any(part in IGNORED for part in path.relative_to(folder).parts)]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in kept}


def differences(root: Path) -> list[str]:
    """One text per file that is missing, stray or different; empty when exercises/ is what the solutions give."""
    wanted, found = plan(root), present(root / "exercises")
    out = [f"exercises/{name} is missing" for name in sorted(wanted.keys() - found.keys())]
    out += [f"exercises/{name} is stray: no solution gives it" for name in sorted(found.keys() - wanted.keys())]
    for name in sorted(wanted.keys() & found.keys()):
        if wanted[name] != found[name]:
            a, b = (data.decode("utf-8", "replace").splitlines() for data in (found[name], wanted[name]))
            names = f"exercises/{name}", f"exercises/{name} (generated)"
            diff = list(difflib.unified_diff(a, b, *names, lineterm="", n=1))
            diff = diff or ["(they differ in line ends only)"]
            shown = [line[:160] for line in diff[:40]] + (["..."] if len(diff) > 40 else [])
            out.append(f"exercises/{name} differs\n" + "\n".join(shown))
    return out


def worked_in(folder: Path) -> list[str]:
    """Notebooks of exercises/ in which somebody has run cells: their answers must not be overwritten."""
    out = []
    for path in sorted(folder.glob("*.ipynb")):
        try:
            cells = notebooks.read(path).cells
        except ExerciseError:
            continue
        if any(cell.data.get("execution_count") or cell.data.get("outputs") for cell in cells):
            out.append(path.name)
    return out


def write(root: Path, force: bool = False) -> list[str]:
    """Make exercises/ what the solutions give; returns the names of the files that changed."""
    folder = root / "exercises"
    wanted, found = plan(root), present(folder) if folder.exists() else {}
    busy = [name for name in worked_in(folder) if found.get(name) != wanted.get(name)]
    if busy and not force:
        message = "somebody has run cells in it; copy it elsewhere first, or repeat with --force to overwrite it"
        raise ExerciseError(f"exercises/{busy[0]}", message)
    changed = [name for name in sorted(wanted.keys() | found.keys()) if wanted.get(name) != found.get(name)]
    for name in changed:
        path = folder / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wanted[name])
        else:
            path.unlink()
    return changed

"""solutions/ read and held to the grammar: notebooks, declarations, and that the two fit each other.

Whatever is refused here is refused with file, cell and line, before a byte of exercises/ is made.
"""

from __future__ import annotations

import re
import symtable
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import markers, notebooks
from .declare import Exercise
from .errors import ExerciseError
from .notebooks import Notebook


@dataclass(frozen=True)
class Chapter:
    """One notebook of solutions/ with the declarations beside it; every rule of the grammar has been checked."""

    number: str
    notebook: Notebook
    exercises: tuple[Exercise, ...]
    tasks_place: str

    def reference(self, exercise: Exercise) -> Any:
        """The solution's function of an exercise."""
        return notebooks.functions_of(self.notebook)[exercise.function]

    def edited(self, exercise: Exercise, pairs: list[tuple[str, str]]) -> Any:
        """The function with the text of its solution edited: a mutant or an alternative."""
        cell = self.notebook.task(exercise.id)
        source = markers.edit(cell.source, pairs, self.tasks_place + f", {exercise.id}", cell.number)
        return notebooks.functions_of(self.notebook, {exercise.id: source})[exercise.function]


def chapters(root: Path, only: str = "") -> list[Chapter]:
    """All chapters of solutions/ (or the one with this number). Refuses whatever does not follow the grammar."""
    folder = root / "solutions"
    found: dict[str, Path] = {}
    for path in sorted(folder.glob(f"{only}*.ipynb")):
        number = path.name[:2]
        if not re.fullmatch(r"\d\d_[a-z0-9_]+\.ipynb", path.name):
            raise ExerciseError(f"solutions/{path.name}", "is not called NN_name.ipynb")
        if number in found:
            message = f"chapter {number} has a notebook already: {found[number].name}"
            raise ExerciseError(f"solutions/{path.name}", message)
        found[number] = path
    declared = {path.stem[-2:]: path for path in sorted(folder.glob(f"tasks_{only or '*'}.py"))}
    for number, path in declared.items():
        if number not in found:
            raise ExerciseError(f"solutions/{path.name}", f"there is no notebook solutions/{number}_*.ipynb")
    out = [_chapter(number, path, declared.get(number)) for number, path in found.items()]
    if not only:
        _refuse_double_ids(out)
    return out


def _chapter(number: str, path: Path, tasks: Path | None) -> Chapter:
    notebook = notebooks.read(path, f"solutions/{path.name}")
    tasks_place = f"solutions/tasks_{number}.py"
    exercises = load_declarations(tasks, tasks_place) if tasks else ()
    return held(number, notebook, exercises, tasks_place)


def held(number: str, notebook: Notebook, exercises: tuple[Exercise, ...], tasks_place: str) -> Chapter:
    """The notebook and its declarations, held to every rule of the grammar."""
    by_id = {exercise.id: exercise for exercise in exercises}
    if len(by_id) < len(exercises):
        raise ExerciseError(tasks_place, "declares an id twice")
    for exercise in exercises:
        if exercise.chapter != number:
            raise ExerciseError(tasks_place, f'the id "{exercise.id}" does not begin with "{number}-"')
    seen: set[str] = set()
    known: set[str] = set()
    for cell in notebook.cells:
        markers.refuse_lookalikes(cell.source, notebook.place, cell.number, cell.kind == "code")
        if cell.is_setup:
            known |= _defined(notebook, cell)
        if "exercise" in cell.metadata:
            _check_task(notebook, cell, by_id, seen, known, tasks_place)
        elif cell.kind == "code" and markers.regions(cell.source, notebook.place, cell.number):
            message = 'has a solution, but no {"exercise": {"id": ...}} in its metadata'
            raise ExerciseError(notebook.place, message, cell.number)
    for id in by_id:
        if id not in seen:
            raise ExerciseError(tasks_place, f'"{id}" is declared, but no cell of {notebook.name} has this id')
    return Chapter(number, notebook, exercises, tasks_place)


def _check_task(
    notebook: Notebook,
    cell: notebooks.Cell,
    by_id: Mapping[str, Exercise],
    seen: set[str],
    known: set[str],
    tasks: str,
) -> None:
    def refuse(message: str) -> None:
        raise ExerciseError(notebook.place, message, cell.number)

    entry, id = cell.metadata["exercise"], cell.exercise
    if not isinstance(entry, dict) or set(entry) != {"id"} or not isinstance(id, str):
        refuse('the metadata "exercise" must be {"id": "..."} and nothing else')
    if cell.kind != "code":
        refuse(f'the id "{id}" belongs on a code cell')
    if id in seen:
        refuse(f'the id "{id}" is used twice')
    if id not in by_id:
        refuse(f'the id "{id}" is not declared in {tasks}')
    if not markers.regions(cell.source, notebook.place, cell.number):
        refuse(f'the task "{id}" has no region {markers.BEGIN} ... {markers.END}')
    seen.add(id)
    unknown = notebooks.unknown_names(cell.source, known)
    if unknown:
        refuse(f'uses {", ".join(unknown)}, which no setup cell and no task before it defines; tag the cell "setup"')
    known |= _defined(notebook, cell)
    function = by_id[id].function
    if function not in known:
        refuse(f"does not define the function {function} that {tasks} names")
    after = next((c for c in notebook.cells[cell.number :] if c.kind == "code"), None)
    if after is None or not notebooks.calls_check(after.source, id, function):
        refuse(f'the next code cell must be the check: check("{id}", {function})')


def _defined(notebook: Notebook, cell: notebooks.Cell) -> set[str]:
    try:
        table = symtable.symtable(cell.source, "cell", "exec")
    except SyntaxError as error:
        raise ExerciseError(notebook.place, f"must be plain Python: {error.msg}", cell.number, error.lineno) from error
    return {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}


def _refuse_double_ids(found: list[Chapter]) -> None:
    """Function names may repeat between chapters; then check() needs the id."""
    where: dict[str, list[Chapter]] = {}
    for chapter in found:
        for exercise in chapter.exercises:
            where.setdefault(exercise.function, []).append(chapter)
    for chapter in found:
        for exercise in chapter.exercises:
            cell = chapter.notebook.task(exercise.id)
            after = next(c for c in chapter.notebook.cells[cell.number :] if c.kind == "code")
            if len(where[exercise.function]) > 1 and f'"{exercise.id}"' not in after.source:
                message = f'{exercise.function} is asked for twice in the course: write check("{exercise.id}", ...)'
                raise ExerciseError(chapter.notebook.place, message, after.number)


def load_declarations(path: Path, place: str) -> tuple[Exercise, ...]:
    """EXERCISES of a tasks_NN.py."""
    namespace: dict[str, Any] = {"__name__": path.stem, "__file__": str(path)}
    try:
        notebooks.run(path.read_text(encoding="utf-8"), namespace, str(path))
    except ExerciseError as error:
        raise ExerciseError(place, str(error)) from error
    except Exception as error:
        raise ExerciseError(place, f"fails with {type(error).__name__}: {error}") from error
    exercises = namespace.get("EXERCISES")
    if not isinstance(exercises, list | tuple) or not all(isinstance(e, Exercise) for e in exercises):
        raise ExerciseError(place, "must define EXERCISES, a list of Exercise(...)")
    return tuple(exercises)

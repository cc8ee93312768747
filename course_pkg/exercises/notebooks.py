"""Notebooks as plain JSON: read, find the tasks, run the cells that define functions, write byte-stable files."""

from __future__ import annotations

import ast
import json
import linecache
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ExerciseError

SETUP = "setup"  # tag of the cells with imports and given helpers that the tasks need


@dataclass(frozen=True)
class Cell:
    """number counts from 1, as a reader does."""

    number: int
    kind: str
    source: str
    data: dict[str, Any]

    @property
    def metadata(self) -> dict[str, Any]:
        return self.data.get("metadata", {})

    @property
    def exercise(self) -> Any:
        """The id in {"exercise": {"id": ...}}, or None for a cell that is no task."""
        entry = self.metadata.get("exercise")
        return entry.get("id") if isinstance(entry, dict) else None

    @property
    def is_setup(self) -> bool:
        return self.kind == "code" and SETUP in self.metadata.get("tags", [])


@dataclass(frozen=True)
class Notebook:
    place: str  # "solutions/03_recurrent_neuron.ipynb", for messages
    data: dict[str, Any]
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        return self.place.rsplit("/", 1)[-1]

    def task(self, id: str) -> Cell:
        """The cell that holds the exercise with this id."""
        return next(cell for cell in self.cells if cell.exercise == id)


def read(path: Path, place: str | None = None) -> Notebook:
    """A notebook of format 4, or an ExerciseError that names the file."""
    place = place or path.name
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ExerciseError(place, "cannot be read; is the path right?") from error
    except (ValueError, RecursionError) as error:
        raise ExerciseError(place, f"is not a notebook: {type(error).__name__} while reading it") from error
    if not isinstance(data, dict) or data.get("nbformat") != 4 or not isinstance(data.get("cells"), list):
        raise ExerciseError(place, "is not a notebook of format 4; open it in Jupyter and save it again")
    cells = []
    for number, cell in enumerate(data["cells"], 1):
        if not isinstance(cell, dict) or not isinstance(cell.get("source", ""), str | list):
            raise ExerciseError(place, "the cell is damaged", number)
        source = cell.get("source", "")
        source = source if isinstance(source, str) else "".join(map(str, source))
        metadata = cell.get("metadata")
        cell = cell | {"metadata": metadata if isinstance(metadata, dict) else {}}
        cells.append(Cell(number, str(cell.get("cell_type")), source, cell))
    return Notebook(place, data, tuple(cells))


def write(data: dict[str, Any]) -> bytes:
    """The bytes that Jupyter itself would write."""
    return (json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def run(source: str, namespace: dict[str, Any], filename: str) -> None:
    """Execute one cell. The file name is known to linecache, so that messages can show the line."""
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    exec(compile(source, filename, "exec"), namespace)


def functions_of(notebook: Notebook, replace: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The namespace after the setup cells and the task cells, with the sources of some tasks replaced."""
    namespace: dict[str, Any] = {"__name__": "exercise"}
    for cell in notebook.cells:
        if cell.is_setup or (cell.kind == "code" and cell.exercise is not None):
            source = (replace or {}).get(cell.exercise, cell.source)
            try:
                run(source, namespace, f"<cell {cell.number} of {notebook.name}>")
            except Exception as error:
                message = f"the cell fails when only setup cells and tasks are run: {type(error).__name__}: {error}"
                raise ExerciseError(notebook.place, message, cell.number) from error
    return namespace


def unknown_names(source: str, known: Iterable[str]) -> list[str]:
    """Names that a task cell reads and that neither it nor `known` defines: its helpers need the tag "setup"."""
    import builtins
    import symtable

    known = set(known) | set(dir(builtins))
    table = symtable.symtable(source, "cell", "exec")
    known |= {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
    read: set[str] = set()

    def walk(scope: symtable.SymbolTable) -> None:
        top = scope.get_type() == "module"
        read.update(s.get_name() for s in scope.get_symbols() if s.is_referenced() and (s.is_global() or top))
        for child in scope.get_children():
            walk(child)

    walk(table)
    return sorted(read - known)


def calls_check(source: str, id: str, function: str) -> bool:
    """Whether the cell calls check(function) or check("id", function)."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return False
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check":
            *ids, last = node.args or [None]
            named = isinstance(last, ast.Name) and last.id == function
            if named and [getattr(a, "value", None) for a in ids] in ([], [id]):
                return True
    return False

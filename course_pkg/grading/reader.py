"""Bytes that a student handed in -> the code cells in them. Never raises: what cannot be read has a reason instead.

Nothing is executed or compiled here; the text of a cell is only searched for `def name(`. Size and depth are checked
before the JSON is read. What is odd but harmless (a lost tag, a copied cell, an old format) is repaired and told.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .inside.protocol import nesting

LARGEST = 32 << 20  # bytes of a file
DEEPEST = 100  # nested brackets; pictures and tables of Jupyter need about fifteen
ENTRIES = 600_000  # commas and brackets, in strings too: bounds what the JSON takes in memory
CELLS = 2000
CODE = 2 << 20  # bytes of code

# The reason why there is no notebook, in words for the student.
REASONS = {
    "empty": "The file is empty. Was it handed in before it was saved?",
    "too long": "The notebook is too large. Clear its outputs (Edit, Clear Outputs of All Cells), save it, and hand it "
    "in again.",
    "too deep": "The file is nested far deeper than any notebook that Jupyter writes.",
    "json": "The file is damaged: it does not follow the format of notebooks (JSON). Open it in Jupyter; if that fails "
    "too, hand in an earlier copy.",
    "not a notebook": "The file is not a notebook. Hand in the file whose name ends in .ipynb.",
    "format": "The notebook's format is not known. Open it in Jupyter, save it, and hand it in again.",
    "no code": "The notebook has no code cells.",
    "unreadable": "The file could not be read.",
}


@dataclass(frozen=True)
class SubmittedCell:
    """A cell to run. `exercise` is the id of the task it answers, or "". number counts from 1, as in Jupyter."""

    name: str
    source: str
    exercise: str = ""
    number: int = 0


@dataclass(frozen=True)
class Submission:
    """The cells in order; or, with a `reason` (a key of REASONS), none. `codes` names each of the `oddities`."""

    cells: tuple[SubmittedCell, ...] = ()
    reason: str = ""
    detail: str = ""
    oddities: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()

    @property
    def exercises(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(cell.exercise for cell in self.cells if cell.exercise))


@dataclass
class _Notes:
    codes: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def add(self, code: str, words: str) -> None:
        """Once for each sentence, and not more of them than a person reads."""
        if words not in self.words and len(self.words) < 40:
            self.codes.append(code)
            self.words.append(words)


class _Refused(Exception):
    pass


def read(data: bytes, expected: Mapping[str, str] | None = None) -> Submission:
    """A notebook. `expected` (id -> function) finds answers whose tags are lost, and tells which are missing."""
    notes = _Notes()
    try:
        cells = _cells(_json(data, notes), notes)
        cells = _named(cells, dict(expected or {}), notes)
    except _Refused as refused:
        reason, *more = refused.args
        detail = " ".join([REASONS[reason], *more])
        return Submission((), reason, detail, tuple(notes.words), tuple(notes.codes))
    except (Exception, MemoryError):  # nothing that a student hands in may stop the others
        return Submission((), "unreadable", REASONS["unreadable"])
    return Submission(tuple(cells), "", "", tuple(notes.words), tuple(notes.codes))


def _json(data: bytes, notes: _Notes) -> dict[str, Any]:
    if not data.strip():
        raise _Refused("empty")
    if len(data) > LARGEST:
        raise _Refused("too long")
    text = _text(data, notes)
    plain = text.encode("utf-8")
    if not plain.lstrip().startswith(b"{"):
        raise _Refused("not a notebook", *_what_it_is(plain))
    if plain.count(b",") + plain.count(b"[") + plain.count(b"{") > ENTRIES:
        raise _Refused("too long")
    if nesting(plain) > DEEPEST:
        raise _Refused("too deep")
    try:
        notebook = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        if re.search(r"^<{7} |^>{7} ", text, re.M):
            raise _Refused("json", "It holds the marks of a merge conflict.") from None
        line = getattr(error, "lineno", 0)
        raise _Refused("json", *([f"The damage is at line {line} of the file."] if line else [])) from None
    if not isinstance(notebook, dict):
        raise _Refused("not a notebook")
    return notebook


def _text(data: bytes, notes: _Notes) -> str:
    """Decoded, without lone surrogates. UTF-8 is right; what editors make of it is accepted and told."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(mark):
            notes.add("encoding", f"The file begins with a byte order mark and is in {name[:6].upper().rstrip('-')}.")
            return data[len(mark) :].decode(name, "replace").encode("utf-8", "replace").decode("utf-8")
    if b"\x00" in data[:4]:
        name = "utf-16-le" if data[1:2] == b"\x00" else "utf-16-be"
        notes.add("encoding", "The file is in UTF-16 instead of UTF-8.")
        return data.decode(name, "replace").encode("utf-8", "replace").decode("utf-8")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        notes.add("encoding", "The file is not in UTF-8; it was read as Latin-1.")
        return data.decode("latin-1")


def _what_it_is(data: bytes) -> list[str]:
    start = data.lstrip()[:200].lower()
    kinds = {b"%pdf": "a PDF", b"pk\x03\x04": "an archive", b"<!doctype": "a web page", b"<html": "a web page"}
    found = [f"It looks like {name}." for mark, name in kinds.items() if start.startswith(mark)]
    python = re.search(rb"^(import|from|def|# %%)\b", data[:5000], re.M)
    return found or (["It looks like a Python program."] if python else [])


def _cells(notebook: dict[str, Any], notes: _Notes) -> list[SubmittedCell]:
    """Code cells of format 4, or of format 3 with its worksheets."""
    version, cells = notebook.get("nbformat"), notebook.get("cells")
    if not isinstance(cells, list):
        sheets = notebook.get("worksheets")
        if not isinstance(sheets, list):
            raise _Refused("format" if "nbformat" in notebook else "not a notebook")
        parts = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
        cells = [cell for part in parts if isinstance(part, list) for cell in part]
        notes.add("old format", "The notebook is in format 3, of before 2015. It was read all the same.")
    elif version != 4:
        notes.add("format", "The notebook does not say that it is in format 4. It was read as if it did.")
    if len(cells) > CELLS:
        raise _Refused("too long", f"It has {len(cells)} cells.")
    _language(notebook.get("metadata"), notes)
    found, size = [], 0
    for number, cell in enumerate(cells, 1):
        source = _source(cell)
        if source is None:
            notes.add("damaged cell", f"Cell {number} is damaged and was left out.")
            continue
        exercise = _exercise(cell)
        if cell.get("cell_type") != "code":
            if not exercise:
                continue
            notes.add("cell type", f"Cell {number} ({exercise}) is no code cell any more. It was read as one.")
        size += len(source)
        if size > CODE:
            raise _Refused("too long", "Its code alone has more than two million characters.")
        found.append(SubmittedCell(_name(number, exercise), source, exercise, number))
    if not found:
        raise _Refused("no code")
    return found


def _source(cell: Any) -> str | None:
    if not isinstance(cell, dict):
        return None
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    return source.encode("utf-8", "replace").decode("utf-8") if isinstance(source, str) else None


def _exercise(cell: dict[str, Any]) -> str:
    """The id in the metadata; where that was dropped, the cell's own id, which is the same in the hand-out."""
    metadata = cell.get("metadata")
    entry = metadata.get("exercise") if isinstance(metadata, dict) else None
    for id in (entry.get("id") if isinstance(entry, dict) else None, cell.get("id")):
        if isinstance(id, str) and re.fullmatch(r"\d\d-[\w-]{1,80}", id, re.ASCII):
            return id
    return ""


def _language(metadata: Any, notes: _Notes) -> None:
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        entry = metadata.get(key) if isinstance(metadata, dict) else None
        found = entry.get(name) if isinstance(entry, dict) else None
        if isinstance(found, str) and found.lower() not in ("python", "python3", "ipython", "ipython3", ""):
            notes.add("language", f"The notebook says that it is written in {_short(found)}. It was run as Python.")


def _short(text: str) -> str:
    return re.sub(r"[^\w .+#-]", "", text.encode("utf-8", "replace").decode("utf-8"))[:30] or "another language"


def _name(number: int, exercise: str) -> str:
    return f"Cell {number}" + (f" ({exercise})" if exercise else "")


def _named(cells: list[SubmittedCell], expected: Mapping[str, str], notes: _Notes) -> list[SubmittedCell]:
    """Answers without a tag found by their function; of copied cells the one that counts; what is missing."""
    tagged = {cell.exercise for cell in cells}
    for id, function in expected.items():
        if id in tagged or not function.isidentifier():
            continue
        here = [k for k, cell in enumerate(cells) if not cell.exercise and defines(cell.source, function)]
        if here:
            cell = cells[here[-1]]
            cells[here[-1]] = SubmittedCell(_name(cell.number, id), cell.source, id, cell.number)
            notes.add("tag lost", f"The tag of {id} is lost; its answer was found by its function, {function}.")
        else:
            notes.add("missing", f"There is no cell for {id}, and no cell defines {function}.")
    counts: dict[str, list[SubmittedCell]] = {}
    for cell in cells:
        if cell.exercise:
            counts.setdefault(cell.exercise, []).append(cell)
    dropped = set()
    for id, copies in counts.items():
        if len(copies) > 1:
            empty = [cell.number for cell in copies if "NotImplementedError" in cell.source]
            dropped |= set(empty) if len(empty) < len(copies) else set()
            notes.add("copied", f"{id} stands in {len(copies)} cells. The last one that is written counts.")
    order = [expected_at for cell in cells if (expected_at := _place(cell.exercise, expected)) >= 0]
    if order != sorted(order):
        notes.add("order", "The exercises stand in another order than in the hand-out. They were run as they stand.")
    return [cell for cell in cells if cell.number not in dropped]


def _place(id: str, expected: Mapping[str, str]) -> int:
    return list(expected).index(id) if id in expected else -1


def defines(source: str, function: str) -> bool:
    """Whether the text defines this function at its left margin."""
    return re.search(rf"^(?:async +)?def +{re.escape(function)} *\(", source, re.M) is not None

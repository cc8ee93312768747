"""From the files of one student to one notebook for each chapter."""

from __future__ import annotations

import hashlib
import io
import keyword
import re
import tokenize
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .results import FileResult
from .submissions import resubmission


@dataclass(frozen=True)
class Sheet:
    """The notebook that is graded for a chapter: its code cells in order, or the reason why there are none."""

    name: str
    chapter: str
    cells: tuple[tuple[str, str], ...]
    reason: str = ""


def sheets_of(files: Mapping[str, bytes], papers: Mapping[str, Any]) -> tuple[dict[str, Sheet], list[FileResult]]:
    """Chapter -> the notebook graded for it, and a word about every file."""
    sheets: dict[str, Sheet] = {}
    about: dict[str, FileResult] = {}
    for name in sorted(files, key=lambda name: (resubmission(name), name)):  # what was handed in last comes last
        sheet, told = _read(name, files[name], papers)
        about[name] = told
        if not sheet.chapter:
            continue
        before = sheets.get(sheet.chapter)
        if before is None or not sheet.reason or before.reason:
            sheets[sheet.chapter] = sheet
            before, kept = (before, sheet)
        else:
            before, kept = (sheet, before)
        if before is not None:
            note = f"not graded: {kept.name} was handed in for the same chapter"
            old = about[before.name]
            about[before.name] = FileResult(**{**vars(old), "oddities": (*old.oddities, note)})
    return sheets, [about[name] for name in sorted(about)]


def _read(name: str, data: bytes, papers: Mapping[str, Any]) -> tuple[Sheet, FileResult]:
    """One file through the reader. Without a readable notebook the name of the file says which chapter is lost."""
    from .reader import read

    submission = read(data)
    digest = hashlib.sha256(data).hexdigest()
    if submission.reason:
        named = re.search(r"(?<!\d)(\d\d)_", name)
        chapter = named[1] if named and named[1] in papers else ""
        told = FileResult(name, digest, chapter, submission.reason, submission.detail, tuple(submission.oddities))
        return Sheet(name, chapter, (), submission.reason), told
    cells = tuple((cell.name, cell.source) for cell in submission.cells)
    ids = [cell.exercise for cell in submission.cells if cell.exercise]
    chapter = _chapter(name, ids, papers)
    answers = [cell.source for cell in submission.cells if cell.exercise]
    oddities = tuple(submission.oddities) + (() if chapter else ("no exercise of this course is in it",))
    told = FileResult(name, digest, chapter, "" if chapter else "no exercises", "", oddities,
                      answers=answers_fingerprint(answers))  # fmt: skip
    return Sheet(name, chapter, cells), told


def _chapter(name: str, ids: Sequence[str], papers: Mapping[str, Any]) -> str:
    """The chapter most of the exercises belong to; failing them, the number at the beginning of the file's own name."""
    votes = Counter(id[:2] for id in ids if id[:2] in papers)
    if votes:
        return votes.most_common(1)[0][0]
    named = re.search(r"(?<!\d)(\d\d)_", name)
    return named[1] if named and named[1] in papers else ""


def answers_fingerprint(sources: Sequence[str]) -> str:
    """Of the code of the answers without comments, layout and the choice of names; "" where there is too little."""
    out: list[str] = []
    names: dict[str, str] = {}
    for source in sources:
        try:
            for token in tokenize.generate_tokens(io.StringIO(source[:100_000]).readline):
                if token.type == tokenize.NAME and not keyword.iskeyword(token.string):
                    out.append(names.setdefault(token.string, f"n{len(names)}"))
                elif token.type in (tokenize.OP, tokenize.NUMBER, tokenize.NAME):
                    out.append(token.string)
        except (tokenize.TokenError, SyntaxError, ValueError):
            out.append(hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest())
    return hashlib.sha256(" ".join(out).encode()).hexdigest()[:16] if len(out) > 80 else ""

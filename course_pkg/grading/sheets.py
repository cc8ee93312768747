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

from .reader import Submission, defines, read
from .results import FileResult
from .submissions import resubmission


@dataclass(frozen=True)
class Sheet:
    """The notebook that is graded for a chapter: its code cells in order, or the reason why there are none."""

    name: str
    chapter: str
    cells: tuple[tuple[str, str], ...]
    reason: str = ""


def sheets_of(files: Mapping[str, bytes], papers: Any) -> tuple[dict[str, Sheet], list[FileResult]]:
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


def _read(name: str, data: bytes, papers: Any) -> tuple[Sheet, FileResult]:
    """One file through the reader. Without a readable notebook the name of the file says which chapter is lost."""
    submission = read(data)
    digest = hashlib.sha256(data).hexdigest()
    if submission.reason:
        chapter = _named(name, papers)
        told = FileResult(name, digest, chapter, submission.reason, submission.detail, submission.oddities)
        return Sheet(name, chapter, (), submission.reason), told
    chapter = _chapter(name, submission, papers)
    if not chapter:
        detail = "It holds no exercise of this course."
        return Sheet(name, "", ()), FileResult(name, digest, "", "no exercises", detail, submission.oddities)
    submission = read(data, papers.functions(chapter))
    answers = answers_fingerprint([cell.source for cell in submission.cells if cell.exercise])
    cells = tuple((cell.name, cell.source) for cell in submission.cells)
    return Sheet(name, chapter, cells), FileResult(name, digest, chapter, oddities=submission.oddities, answers=answers)


def _chapter(name: str, submission: Submission, papers: Any) -> str:
    """The chapter most of the exercises belong to; without tags the file's number, and then the functions in it."""
    votes = Counter(id[:2] for id in submission.exercises if id[:2] in papers)
    if not votes and not _named(name, papers):
        for number in papers:
            functions = papers.functions(number).values()
            votes[number] = sum(any(defines(cell.source, f) for cell in submission.cells) for f in functions)
    best = votes.most_common(1)
    return best[0][0] if best and best[0][1] else _named(name, papers)


def _named(name: str, papers: Any) -> str:
    """The chapter's number in the name of a file, such as 03_recurrent_neuron.ipynb."""
    found = re.search(r"(?<!\d)(\d\d)_", name)
    return found[1] if found and found[1] in papers else ""


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

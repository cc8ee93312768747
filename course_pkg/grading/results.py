"""What grading one submission gave, and the file it is kept in.

`SubmissionResult` is data only, so it goes into JSON and back unchanged. Its file is written in one step and flushed to
the disk, and its name holds the key of all that the result depends on: what lies there is finished and never stale.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .score import PartScore

FORMAT = 1


@dataclass(frozen=True)
class QuestionResult:
    """One exercise of one student.

    reason is a code: right, partial, wrong, error, unwritten, changing (results differ from call to call), changed
    (right, but the caller's arrays were changed), signature, missing, not a function, no notebook, unreadable, not run
    (the box could not run the notebook), timeout, memory, killed, output, protocol, grader (our own failure).
    `hints` are those of the known mistakes that it behaves as. `said` is for the student: no hidden input, no expected
    number, no text of the student's own from a hidden test. `public` is what the public check says, with its numbers.
    `private` is for the instructor alone.
    """

    id: str
    title: str
    function: str
    reason: str
    points: float
    max_points: float
    parts: tuple[PartScore, ...] = ()
    hints: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    private: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        return self.points == self.max_points


@dataclass(frozen=True)
class FileResult:
    """One file of a submission: what the reader found, which cells failed, and how long it took.

    reason is "" for a notebook that was graded, otherwise a code of the reader or of the box. `failed_cells` holds
    sentences about cells that stopped when the notebook was run.
    """

    name: str
    sha256: str
    chapter: str = ""
    reason: str = ""
    detail: str = ""
    oddities: tuple[str, ...] = ()
    failed_cells: tuple[str, ...] = ()
    answers: str = ""  # fingerprint of the answers' code without comments and layout: equal answers, equal fingerprints


@dataclass(frozen=True)
class SubmissionResult:
    """All about one student's submission: result of grade_submission, content of results/*.json.

    student, name: how the files call them. status: "graded", "failed" (not one notebook could be judged), or "grader"
    (our own failure; a restart tries it again). score, max_score: over `questions`, which are those of the chapters
    handed in. level: A, B, C or D. key: of content, tests, term and level. seed: fingerprint of the term's key, never
    the key itself. `files` says for each file what the reader found.
    """

    student: str
    name: str
    status: str
    score: float
    max_score: float
    questions: tuple[QuestionResult, ...]
    files: tuple[FileResult, ...]
    level: str
    term: str
    seed: str
    content: str
    tests: Mapping[str, str]
    key: str
    versions: Mapping[str, str] = field(default_factory=dict)
    times: Mapping[str, float] = field(default_factory=dict)
    late: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)  # the student's numbers elsewhere: canvas, moodle, sid, email
    notes: tuple[str, ...] = ()  # for the instructor
    chapters: tuple[str, ...] = ()  # those of the course that were looked for

    def question(self, id: str) -> QuestionResult | None:
        """The result of one exercise, or None when it is not among the questions."""
        return next((question for question in self.questions if question.id == id), None)

    @property
    def reasons(self) -> tuple[str, ...]:
        """All reason codes, each once: of the files that could not be graded, then of the questions."""
        codes = [file.reason for file in self.files if file.reason] + [q.reason for q in self.questions]
        return tuple(dict.fromkeys(codes))

    @property
    def verdict(self) -> dict[str, Any]:
        """Everything that must be the same wherever and whenever it is graded: all but times and versions."""
        out = as_data(self)
        return {name: entry for name, entry in out.items() if name not in ("times", "versions", "format")}


def content_hash(files: Mapping[str, bytes]) -> str:
    """Of the names and bytes of a submission's files, in the order of their names."""
    out = hashlib.sha256()
    for name in sorted(files):
        for piece in (name.encode("utf-8", "surrogateescape"), files[name]):
            out.update(len(piece).to_bytes(8, "big") + piece)
    return out.hexdigest()


def result_key(content: str, tests: Mapping[str, str], term: str, level: str) -> str:
    """The name of all that a result depends on."""
    text = json.dumps([FORMAT, content, sorted(tests.items()), term, level])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def as_data(result: SubmissionResult) -> dict[str, Any]:
    """Plain lists, dictionaries, texts and numbers."""
    return {"format": FORMAT, **json.loads(json.dumps(dataclasses.asdict(result)))}


def from_data(data: Mapping[str, Any]) -> SubmissionResult:
    """What as_data gave, or ValueError."""
    if data.get("format") != FORMAT:
        raise ValueError(f"a result of format {data.get('format')!r}; this version reads {FORMAT}")
    try:
        questions = tuple(_question(entry) for entry in data["questions"])
        files = tuple(FileResult(**_tuples(entry)) for entry in data["files"])
        rest = {name: entry for name, entry in data.items() if name not in ("format", "questions", "files")}
        return SubmissionResult(questions=questions, files=files, **_tuples(rest))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a result: {error}") from error


def _question(entry: Mapping[str, Any]) -> QuestionResult:
    parts = tuple(PartScore(**part) for part in entry["parts"])
    return QuestionResult(**_tuples(entry) | {"parts": parts})


def _tuples(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}


def slug(text: str) -> str:
    """A name for a file: letters and digits of any script, dashes; never empty, never a path, at most 120 bytes."""
    text = re.sub(r"[^\w-]+", "-", unicodedata.normalize("NFC", text)).strip("-")[:60]
    return text.encode()[:120].decode("utf-8", "ignore") or "student"


def own_name(student: str) -> str:
    """The same with a few digits that keep apart two students whose names look alike in a file name."""
    return f"{slug(student)}-{hashlib.sha256(student.encode('utf-8', 'surrogateescape')).hexdigest()[:6]}"


def file_name(student: str, key: str) -> str:
    """results/<student>.<key>.json"""
    return f"{own_name(student)}.{key}.json"


def write_durably(path: Path, data: bytes) -> None:
    """The whole file or nothing, and on the disk before this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with open(own, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(own, path)
    except BaseException:
        own.unlink(missing_ok=True)
        raise
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_result(folder: Path, result: SubmissionResult) -> Path:
    """Into folder/<student>.<key>.json, durably."""
    path = folder / file_name(result.student, result.key)
    text = json.dumps(as_data(result), ensure_ascii=True, indent=1)
    write_durably(path, (text + "\n").encode("ascii"))
    return path


def read_result(path: Path) -> SubmissionResult | None:
    """The result in a file, or None when the file is not one (cut off by hand, of another format)."""
    try:
        return from_data(json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError):
        return None


def read_results(folder: Path) -> list[SubmissionResult]:
    """All results of a run, ordered by student."""
    found = (read_result(path) for path in sorted(folder.glob("*.json")))
    return sorted((result for result in found if result is not None), key=lambda r: (r.student, r.key))


def versions() -> dict[str, str]:
    """Of Python, NumPy and this package: those of the grader."""
    import platform

    import numpy

    from .. import __version__

    return {"python": platform.python_version(), "numpy": numpy.__version__, "course_pkg": __version__}


def total(questions: Iterable[QuestionResult]) -> tuple[float, float]:
    """Points and the most that could be had, to two decimals."""
    questions = list(questions)
    return round(sum(q.points for q in questions), 2), round(sum(q.max_points for q in questions), 2)

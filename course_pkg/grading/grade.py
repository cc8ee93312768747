"""Grade one submission: read its notebooks, run each in a box of its own, judge every exercise, say what happened.

    from course_pkg.grading.grade import grade_submission
    result = grade_submission(Path("ada.ipynb"), term="2027-spring")
    result.score, result.max_score, result.question("03-rnn-step").reason

`SubmissionResult` and the codes are described in results.py. Nothing that a student hands in makes this raise; it
raises GradingError for what the instructor can mend: no course, no key, no box that is safe enough.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..exercises.judge import Outcome, Verdict, judge_through
from ..exercises.messages import lines
from . import words
from .hidden import Paper, Papers, Question, Sealed
from .keys import GradingError, term_key
from .results import QuestionResult, SubmissionResult, content_hash, result_key, total, versions
from .score import score
from .sheets import Sheet, sheets_of

ROOT = Path(__file__).resolve().parents[2]
SLOW = ("timeout", "memory", "killed", "output")  # faults after which the other cases of a part are not tried


@dataclass(frozen=True)
class Settings:
    """How submissions are run. `box` opens a box: box(level=..., torch=..., limits=...); None means the real one."""

    level: str | None = None
    allow_unsafe: bool = False
    limits: Any = None
    box: Callable[..., AbstractContextManager[Any]] | None = None

    def ready(self) -> Settings:
        """With the level that this machine gives, or GradingError where hidden tests must not be run."""
        from .box import Box, Limits
        from .levels import best_level, probe

        level = self.level or best_level()
        if level == "D" and not self.allow_unsafe:
            raise GradingError(UNSAFE)
        problem = probe(level) if self.level else ""
        if problem:
            raise GradingError(f"level {level} does not run on this machine: {problem}")
        return replace(self, level=level, limits=self.limits or Limits(), box=self.box or Box)


UNSAFE = """hidden tests are not run at level D: a submission could read them, and whatever else this account can read.
Install bubblewrap (Debian, Ubuntu: sudo apt-get install bubblewrap; Fedora: sudo dnf install bubblewrap) for level A,
or let Docker or Podman run for level C. If you know every submission, add --allow-unsafe; each result will say so."""


def grade_submission(
    files: bytes | Path | Mapping[str, bytes],
    term: str = "",
    *,
    student: str = "",
    name: str = "",
    papers: Papers | Sealed | None = None,
    settings: Settings | None = None,
) -> SubmissionResult:
    """The result of one student's notebook (bytes or path), or of all their files (name -> bytes).

    `papers` holds the questions of the term and is worth keeping for a batch; without it they are made from this
    repository and the term's key, which is made if there is none.
    """
    settings = settings if settings and settings.box and settings.level else (settings or Settings()).ready()
    if papers is None:
        papers = Papers(ROOT, term_key(ROOT, term)[0], term)
    if isinstance(files, Path):
        student = student or files.stem
        files = {files.name: _bytes(files)}
    elif isinstance(files, bytes):
        files = {"notebook.ipynb": files}
    started = time.perf_counter(), time.process_time()
    sheets, found = sheets_of(files, papers)
    tests = {chapter: papers.hash_of(chapter) for chapter in sorted(sheets)}
    content = content_hash(files)
    questions: list[QuestionResult] = []
    for chapter in sorted(sheets):
        sheet = sheets[chapter]
        graded, run = _grade_sheet(sheet, papers, settings)
        questions += graded
        found = [replace(file, **run) if file.name == sheet.name else file for file in found]
    reasons = {question.reason for question in questions}
    status = "grader" if "grader" in reasons else "graded" if reasons - {"unreadable", "not run"} else "failed"
    points, most = total(questions)
    now = time.perf_counter(), time.process_time()
    times = {what: round(b - a, 4) for what, a, b in zip(("wall", "grader_cpu"), started, now, strict=True)}
    return SubmissionResult(
        student=student or "student", name=name, status=status, score=points, max_score=most, files=tuple(found),
        questions=tuple(questions), level=settings.level or "", term=papers.key.term, seed=papers.key.fingerprint,
        content=content, tests=tests, key=result_key(content, tests, papers.key.term, settings.level or ""),
        versions=versions(), times=times, chapters=tuple(papers),
    )  # fmt: skip


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise GradingError(f"{path} cannot be read: {error.strerror}") from error


def _grade_sheet(
    sheet: Sheet, papers: Papers | Sealed, settings: Settings
) -> tuple[list[QuestionResult], dict[str, Any]]:
    """All questions of a chapter, answered by one notebook in one box; and what to note about the file."""
    paper = papers[sheet.chapter]
    if sheet.reason:
        return [lost(question, "unreadable") for question in paper.questions], {}
    try:
        with settings.box(level=settings.level, torch=paper.torch, limits=settings.limits) as box:
            report = box.load(_cells(sheet, paper))
            failed = tuple(failed_cells(report))
            if not report.alive:
                return [lost(question, "not run") for question in paper.questions], {"failed_cells": failed}
            graded = [_grade_question(box, question) for question in paper.questions]
        return _with_public(graded, sheet, paper, settings), {"failed_cells": failed}
    except GradingError:
        raise
    except Exception:  # the grader's own failure: this submission is reported, the others go on
        said = traceback.format_exc(limit=-4)[-2000:]
        return [lost(question, "grader", private=(said,)) for question in paper.questions], {"reason": "grader"}


def _cells(sheet: Sheet, paper: Paper) -> list[tuple[str, str]]:
    """What is run: the given cells, then the student's own."""
    return [*(("the given first cell", source) for source in paper.given), *sheet.cells]


def failed_cells(report: Any) -> list[str]:
    """One sentence about each cell that stopped. Cells ran before any hidden input came: their texts are harmless."""
    out = []
    for cell in report.cells:
        if cell.fault == "timeout":
            out.append(f"{cell.name} did not come to an end in time.")
        elif cell.fault:
            out.append(f"{cell.name} was not finished: {_FAULTS.get(cell.fault, cell.fault)}.")
        elif cell.error:
            said = f": {cell.message}" if cell.message else ""
            out.append(f"{cell.name} stopped with {cell.error}{f' in {cell.line}' if cell.line else ''}{said}"[:400])
    return out[:20]


_FAULTS = {
    "memory": "it asked for more memory than is allowed",
    "killed": "it ended the whole Python process",
    "output": "it printed more than is allowed",
    "protocol": "what came back was no answer",
    "not run": "it was not run",
}


def lost(question: Question, reason: str, private: tuple[str, ...] = ()) -> QuestionResult:
    """No points, for a reason that lies before the question itself."""
    said = (words.about(reason, question.function, question.asked.arguments),)
    return QuestionResult(question.id, question.title, question.function, reason, 0.0, question.points, said=said,
                          private=private)  # fmt: skip


def _grade_question(box: Any, question: Question) -> QuestionResult:
    try:
        verdict = judge_through(_Prudent(box, _groups(question)), question.asked)
        share, parts = score(question.parts, verdict)
        points = round(question.points * share, 2)
        return QuestionResult(
            question.id, question.title, question.function, _reason(verdict, share), points, question.points, parts,
            verdict.hints, words.sentences(verdict), (), _private(verdict),
        )  # fmt: skip
    except Exception:
        return lost(question, "grader", private=(traceback.format_exc(limit=-4)[-2000:],))


def _with_public(
    graded: Sequence[QuestionResult], sheet: Sheet, paper: Paper, settings: Settings
) -> list[QuestionResult]:
    """The same results, those that lost points with what the public check says.

    It shows texts of the student's own, so it is made in a box that has never seen a hidden input: in the other one a
    hidden call could have left its inputs in a file or in shared memory, for a public call to tell.
    """
    useless = ("right", "unwritten", "missing", "not a function", "grader", "timeout")
    if all(result.reason in useless for result in graded):
        return list(graded)
    with settings.box(level=settings.level, torch=paper.torch, limits=settings.limits) as box:
        box.load(_cells(sheet, paper))
        return [
            result if result.reason in useless
            else replace(result, public=public_words(judge_through(_Prudent(box), question.public)))
            for result, question in zip(graded, paper.questions, strict=True)
        ]  # fmt: skip


def _reason(verdict: Verdict, share: float) -> str:
    if share == 1:
        return "right"
    if all(not r.findings and not r.outcome.error and not r.outcome.fault for r in verdict.reports) and share:
        return "changed"
    return "partial" if share else verdict.status


def public_words(verdict: Verdict) -> tuple[str, ...]:
    """The public check's words, with the numbers in them: students have these cases themselves."""
    name, status = verdict.task.function, verdict.status
    faults = [report.outcome.fault for report in verdict.reports if report.outcome.fault in words.ABOUT]
    if status in ("unwritten", "changing") or not (faults or status in words.ABOUT):
        return tuple(line[:1000] for line in lines(verdict))
    code = status if status in words.ABOUT else faults[0]
    return (f"{name}: not right yet.", words.about(code, name, verdict.task.arguments))


def _private(verdict: Verdict) -> tuple[str, ...]:
    """For the instructor: the first cases that failed, with the texts that the student's code gave."""
    out = []
    for report in [report for report in verdict.reports if not report.right][:3]:
        outcome = report.outcome
        what = outcome.fault or (f"{outcome.error}: {outcome.message}" if outcome.error else "")
        what = what or "; ".join(finding.text for finding in report.findings)
        out.append(f"{report.case.name}: {what or 'input changed in place'} {outcome.line}".strip()[:500])
    return tuple(out)


def _groups(question: Question) -> list[tuple[int, ...]]:
    return list(dict.fromkeys(part.cases for part in question.parts))


class _Prudent:
    """Calls through a box: all cases at once, and where that is not enough in three rounds, the smallest case of each
    group, the largest, the others.

    A part is earned only when all of its cases are right. So once a case has run into a limit the others of its group
    cannot change anything, and they are not waited for; they are reported like it.
    """

    def __init__(self, box: Any, groups: Sequence[Sequence[int]] | None = None) -> None:
        self.box, self.groups = box, groups

    def call(self, function: str, cases: Sequence[tuple[Any, ...]]) -> list[Outcome]:
        """One outcome for each case."""
        call, quick = self.box.call, None
        if hasattr(self.box, "quick"):
            call, quick = self.box.apart, self.box.quick(function, cases)
        if quick is not None:
            return quick
        groups = self.groups or [range(len(cases))]
        out: dict[int, Outcome] = {}
        for first, last in ((0, 1), (1, 2), (2, None)):
            now = [k for group in groups for k in group[first:last] if k not in out]
            if now:
                out |= zip(now, call(function, [cases[k] for k in now]), strict=True)
            for group in groups:
                stuck = next((out[k] for k in group if k in out and out[k].fault in SLOW), None)
                if stuck is not None:
                    out |= {k: stuck for k in group if k not in out}
        return [out[k] for k in range(len(cases))]

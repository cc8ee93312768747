"""The folder of a run: its reports, several shards made one, two runs compared."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .batch import RESULTS, Batch
from .feedback import write_feedback
from .gradebook import Gradebook, gradebook, plain, write_grades
from .keys import GradingError
from .results import SubmissionResult, file_name, read_result, write_durably, write_result
from .summary import About, summary_page

CURRENT = "run.json"  # which of the results are those of the run: an older submission of a student stays beside it


def write_reports(
    out: Path,
    results: Sequence[SubmissionResult],
    about: About | None = None,
    chapters: dict[str, str] | None = None,
) -> Gradebook:
    """run.json, grades.csv, feedback/ and summary.html from the results of a run."""
    book = gradebook(results)
    about = about or About({})
    run = {
        "results": {row.student: file_name(row.student, row.result.key) for row in book.rows},
        "chapters": chapters or {},
        "waiting": about.waiting,
    }
    write_durably(out / CURRENT, (json.dumps(run, indent=1, sort_keys=True) + "\n").encode())
    write_grades(out / "grades.csv", book)
    if (out / "feedback").is_dir():
        shutil.rmtree(out / "feedback")
    pages = write_feedback(out / "feedback", book, chapters)
    (out / "summary.html").write_text(summary_page(book, pages, about), encoding="utf-8")
    return book


def about_batch(batch: Batch, why: Mapping[str, str] | None = None) -> About:
    """What the summary says about a batch."""
    return About(why or {}, batch.seconds, batch.waiting)


@dataclass(frozen=True)
class Stored:
    """What lies in the folder of a run."""

    place: Path
    results: tuple[SubmissionResult, ...]
    chapters: dict[str, str]
    waiting: int


def read_run(place: Path) -> Stored:
    """The results of a run, by its run.json."""
    try:
        run = json.loads((place / CURRENT).read_text(encoding="utf-8"))
        names = dict(run["results"])
        chapters, waiting = dict(run["chapters"]), int(run["waiting"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GradingError(f"{place} is not the folder of a run: `course grade ... --out {place}` makes one") from error
    results = []
    for student, name in sorted(names.items()):
        result = read_result(place / RESULTS / Path(name).name)
        if result is None:
            raise GradingError(f"{place / RESULTS / name} is missing or damaged: grade {student} again")
        results.append(result)
    return Stored(place, tuple(results), chapters, waiting)


def merge(places: Sequence[Path], out: Path) -> tuple[Gradebook, tuple[str, ...]]:
    """Several runs as one: the shards of a batch system, or machines that shared the work. Also what did not fit."""
    stored = [read_run(place) for place in places]
    chosen: dict[str, SubmissionResult] = {}
    conflicts: list[str] = []
    for run in stored:
        for result in run.results:
            before = chosen.setdefault(result.student, result)
            if before.verdict != result.verdict:
                conflicts.append(f"{result.student} is in two runs with different results; kept {plain(before.score)} "
                                 f"points, left out {plain(result.score)}")  # fmt: skip
    everything = [result for run in stored for result in run.results]
    for what, values in (
        ("terms", {result.term for result in everything}),
        ("keys of the term", {result.seed for result in everything}),
        ("isolation levels", {result.level for result in everything}),
        *((f"hidden tests of chapter {c}", v) for c, v in _tests(everything).items()),
    ):
        if len(values) > 1:
            conflicts.append(f"The runs have different {what}: {', '.join(sorted(v[:12] for v in values))}.")
    for result in chosen.values():
        write_result(out / RESULTS, result)
    chapters = {number: title for run in stored for number, title in run.chapters.items()}
    waiting = sum(run.waiting for run in stored)
    book = write_reports(out, list(chosen.values()), About({}, 0.0, waiting, tuple(conflicts)), chapters)
    return book, tuple(conflicts)


def _tests(results: Sequence[SubmissionResult]) -> dict[str, set[str]]:
    out: dict[str, set[str]] = {}
    for result in results:
        for chapter, hash in result.tests.items():
            out.setdefault(chapter, set()).add(hash)
    return out


def diff(one: Path, other: Path) -> list[str]:
    """What differs between two runs, a line each, with the reason where there is one; empty when nothing does."""
    before, after = ({result.student: result for result in read_run(place).results} for place in (one, other))
    out = [f"{student}: only in {one}" for student in sorted(before.keys() - after.keys())]
    out += [f"{student}: only in {other}" for student in sorted(after.keys() - before.keys())]
    for student in sorted(before.keys() & after.keys()):
        a, b = before[student], after[student]
        if a.verdict == b.verdict:
            continue
        lines = []
        for id in dict.fromkeys(question.id for question in (*a.questions, *b.questions)):
            p, q = a.question(id), b.question(id)
            if p is None or q is None:
                lines.append(f"  {id}: " + ("not graded before" if p is None else "not graded now"))
            elif (p.points, p.reason) != (q.points, q.reason):
                lines.append(f"  {id}: {plain(p.points)} ({p.reason}) -> {plain(q.points)} ({q.reason})")
            elif p != q:
                lines.append(f"  {id}: the same points, another explanation")
        why = _why(a, b)
        out.append(f"{student}: {plain(a.score)} -> {plain(b.score)}" + (f" ({why})" if why else ""))
        out += lines
    return out


def _why(a: SubmissionResult, b: SubmissionResult) -> str:
    causes = {
        "another submission": a.content != b.content,
        "another term": a.term != b.term,
        "another key of the term": a.seed != b.seed,
        "other hidden tests or another version of the grader": a.seed == b.seed and a.tests != b.tests,
        f"level {a.level} -> {b.level}": a.level != b.level,
    }
    return ", ".join(cause for cause, holds in causes.items() if holds)

"""The results of a run as one table: a row for each student, a column for each exercise."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import words
from .results import QuestionResult, SubmissionResult, total


@dataclass(frozen=True)
class Column:
    """One exercise of the gradebook."""

    id: str
    title: str
    function: str
    points: float

    @property
    def chapter(self) -> str:
        return self.id[:2]


@dataclass(frozen=True)
class Row:
    """One student: a result for every column, those of missing notebooks included."""

    result: SubmissionResult
    questions: tuple[QuestionResult, ...]

    @property
    def student(self) -> str:
        return self.result.student

    @property
    def points(self) -> float:
        return total(self.questions)[0]

    @property
    def share(self) -> float:
        points, most = total(self.questions)
        return points / most if most else 0.0

    @property
    def needs_a_look(self) -> tuple[str, ...]:
        """What an instructor should see: files that could not be graded, failures of the grader, odd things."""
        out = [f"{file.name}: {file.reason}. {file.detail}".strip() for file in self.result.files if file.reason]
        out += [f"{file.name}: {oddity}" for file in self.result.files for oddity in file.oddities]
        if self.result.status == "grader":
            out.append("the grader failed on it; grading again tries it again")
        if not self.result.files and self.result.status != "grader":
            out.append("no notebook was handed in")
        return tuple(out)


@dataclass(frozen=True)
class Gradebook:
    """All rows, ordered by student, and all columns, in the order of the course."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def most(self) -> float:
        return round(sum(column.points for column in self.columns), 2)

    @property
    def chapters(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(column.chapter for column in self.columns))


def gradebook(results: Iterable[SubmissionResult]) -> Gradebook:
    """The columns are the exercises of every chapter that somebody handed in; who did not has 0 there."""
    results = sorted(results, key=lambda result: result.student)
    columns = {
        question.id: Column(question.id, question.title, question.function, question.max_points)
        for result in reversed(results)
        for question in result.questions
    }
    order = _order(results, columns)
    chosen = [columns[id] for id in order]
    rows = [Row(r, tuple(r.question(column.id) or _missing(column, r) for column in chosen)) for r in results]
    return Gradebook(tuple(chosen), tuple(rows))


def _order(results: Sequence[SubmissionResult], ids: Iterable[str]) -> list[str]:
    """Chapter by chapter; inside, as the chapter's notebook has them."""
    place: dict[str, int] = {}
    for result in results:
        for k, question in enumerate(result.questions):
            place.setdefault(question.id, k)
    return sorted(ids, key=lambda id: (id[:2], place[id]))


def _missing(column: Column, result: SubmissionResult) -> QuestionResult:
    reason = "grader" if result.status == "grader" and not result.questions else "no notebook"
    said = (words.about(reason, column.function),)
    return QuestionResult(column.id, column.title, column.function, reason, 0.0, column.points, said=said)


def plain(number: float) -> str:
    """7.5, 10, 3.33: no zeros behind the point."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def safe(text: str) -> str:
    """A text for a spreadsheet: what would be read as a formula gets an apostrophe."""
    text = "".join(c if c.isprintable() else " " for c in text)
    return "'" + text if text.lstrip()[:1] in ("=", "+", "-", "@") else text


def write_grades(path: Path, book: Gradebook) -> None:
    """grades.csv: student, name, points of each exercise, total, most, percent, late, level, what needs a look."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    ids = [column.id for column in book.columns]
    writer.writerow(["student", "name", *ids, "total", "out of", "percent", "late", "level", "needs a look"])
    for row in book.rows:
        points = [plain(question.points) for question in row.questions]
        writer.writerow([
            safe(row.student), safe(row.result.name), *points, plain(row.points), plain(book.most),
            plain(100 * row.share), row.result.late, row.result.level, safe("; ".join(row.needs_a_look)),
        ])  # fmt: skip
    path.write_text(text.getvalue(), encoding="utf-8")

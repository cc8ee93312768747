"""Marks into an nbgrader gradebook, through nbgrader's own interface, for those who use its formgrader."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .exports import Filled
from .gradebook import Column, Gradebook, Row
from .keys import GradingError
from .results import QuestionResult

MISSING = "nbgrader is not installed here. Install it beside the course (pip install nbgrader) and repeat the command."


def nbgrader(book: Gradebook, database: Path) -> Filled:
    """One assignment for each chapter, with a grade cell for each exercise. What people graded by hand stays."""
    try:
        from nbgrader.api import Gradebook as Database
    except ImportError as error:
        raise GradingError(MISSING) from error
    database.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _its_programs(), Database(f"sqlite:///{database}") as db:
            for chapter in book.chapters:
                name = f"chapter-{chapter}"
                columns = [column for column in book.columns if column.chapter == chapter]
                _structure(db, name, columns)
                for row in book.rows:
                    _grades(db, name, columns, row)
    except Exception as error:
        if not type(error).__module__.startswith(("sqlalchemy", "alembic")):
            raise
        said = (str(error).splitlines() or [""])[0]
        raise GradingError(f"{database} could not be filled in as a gradebook of nbgrader: {said}") from error
    return Filled(database, len(book.rows))


@contextlib.contextmanager
def _its_programs() -> Iterator[None]:
    """nbgrader calls alembic by name; in an environment that is not activated its folder is not on the path."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


def _structure(db: Any, name: str, columns: Sequence[Column]) -> None:
    db.update_or_create_assignment(name)
    db.update_or_create_notebook(name, name)
    for column in columns:
        db.update_or_create_grade_cell(column.id, name, name, max_score=column.points, cell_type="code")
        db.update_or_create_solution_cell(f"{column.id}-answer", name, name)


def _grades(db: Any, name: str, columns: Sequence[Column], row: Row) -> None:
    from nbgrader.api import MissingEntry

    questions: dict[str, QuestionResult] = {question.id: question for question in row.questions}
    if all(questions[column.id].reason == "no notebook" for column in columns):
        return  # nothing was handed in: nbgrader shows such students as missing
    student = row.result.ids.get("sid") or row.student
    first, _, last = row.result.name.rpartition(" ")
    db.update_or_create_student(student, **({"first_name": first, "last_name": last} if last else {}))
    submission = db.update_or_create_submission(name, student)
    try:
        for column in columns:
            db.find_grade(column.id, name, name, student)
    except MissingEntry:  # made before this exercise was there
        db.remove_submission(name, student)
        submission = db.update_or_create_submission(name, student)
    for column in columns:
        question = questions[column.id]
        grade = db.find_grade(column.id, name, name, student)
        grade.auto_score, grade.needs_manual_grade = question.points, False
        comment = db.find_comment(f"{column.id}-answer", name, name, student)
        comment.auto_comment = " ".join((*question.said, *question.hints)).replace("`", "")
    db.db.add(submission)
    db.db.commit()

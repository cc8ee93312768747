"""Hidden tests of every exercise: random inputs of other shapes against the reference. They never leave this folder.

COURSE_EXERCISES_FROM=exercises runs them on the notebooks of students instead of on the solutions.
"""

import os
from pathlib import Path

import pytest

from course_pkg.exercises import notebooks
from course_pkg.exercises.compare import compare
from course_pkg.exercises.generate import hidden_task
from course_pkg.exercises.sources import chapters
from course_pkg.exercises.values import copy

ROOT = Path(__file__).resolve().parents[3]
FROM = os.environ.get("COURSE_EXERCISES_FROM", "solutions")
TASKS = [(chapter, hidden_task(chapter, exercise)) for chapter in chapters(ROOT) for exercise in chapter.exercises]
CASES = [pytest.param(chapter, task, c, id=f"{task.id}: {c.name}") for chapter, task in TASKS for c in task.cases]


@pytest.mark.parametrize(("chapter", "task", "case"), CASES)
def test_hidden_case(chapter, task, case):
    function = notebooks.functions_of(notebooks.read(ROOT / FROM / chapter.notebook.name))[task.function]
    found = function(*copy(case.inputs))
    assert [finding.text for finding in compare(found, case.expected, task.returns, task.tolerance)] == []

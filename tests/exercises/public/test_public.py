"""The public cases of every exercise: what check() shows to students, one test for each case.

COURSE_EXERCISES_FROM=exercises runs them on the notebooks of students instead of on the solutions.
"""

import os
from pathlib import Path

import pytest

from course_pkg.exercises import notebooks
from course_pkg.exercises.check import load
from course_pkg.exercises.compare import compare
from course_pkg.exercises.values import copy

ROOT = Path(__file__).resolve().parents[3]
FROM = os.environ.get("COURSE_EXERCISES_FROM", "solutions")
TASKS = [(path.stem, task) for path in sorted((ROOT / "exercises/checks").glob("*.json")) for task in load(path)]
CASES = [pytest.param(n, task, c, id=f"{task.id}: {c.name}") for n, task in TASKS for c in task.cases]


@pytest.mark.parametrize(("number", "task", "case"), CASES)
def test_public_case(number, task, case):
    notebook = next((ROOT / FROM).glob(f"{number}_*.ipynb"))
    function = notebooks.functions_of(notebooks.read(notebook))[task.function]
    found = function(*copy(case.inputs))
    assert [finding.text for finding in compare(found, case.expected, task.returns, task.tolerance)] == []

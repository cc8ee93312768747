"""The three locks on exercises/, and the tests of the tests, for every exercise of the course."""

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
import pytest

from course_pkg.exercises import Alternative, markers, notebooks
from course_pkg.exercises.check import examine, load
from course_pkg.exercises.generate import differences, hidden_task, public_task
from course_pkg.exercises.judge import judge
from course_pkg.exercises.sources import chapters
from course_pkg.exercises.values import same_bits

ROOT = Path(__file__).resolve().parents[2]
EXERCISES = [(chapter, exercise) for chapter in chapters(ROOT) for exercise in chapter.exercises]
EACH = [pytest.param(chapter, exercise, id=exercise.id) for chapter, exercise in EXERCISES]
MUTANTS = [
    pytest.param(chapter, exercise, mutant, id=f"{exercise.id}: {mutant.hint[:50]}")
    for chapter, exercise in EXERCISES
    for mutant in exercise.mutants
]
ALTERNATIVES = [
    pytest.param(chapter, exercise, alternative, id=f"{exercise.id}: {about}")
    for chapter, exercise in EXERCISES
    for alternative in exercise.alternatives
    for about in [alternative.about if isinstance(alternative, Alternative) else alternative.__name__]
]


def as_students_get_it(chapter, exercise):
    """The task as it is read from exercises/checks, not as it was declared."""
    return next(t for t in load(ROOT / f"exercises/checks/{chapter.number}.json") if t.id == exercise.id)


def test_lock_1_exercises_are_what_the_solutions_give():
    assert "\n".join(differences(ROOT)) == ""


@pytest.mark.parametrize(("chapter", "exercise"), EACH)
def test_lock_2_the_solutions_pass(chapter, exercise):
    function = chapter.reference(exercise)
    assert judge(function, as_students_get_it(chapter, exercise)).right
    assert judge(function, hidden_task(chapter, exercise)).right
    assert judge(function, hidden_task(chapter, exercise, term="another term")).right


def test_lock_3_on_the_exercises_every_test_fails_by_not_implemented(tmp_path):
    report = tmp_path / "report.xml"
    folders = ["tests/exercises/public", "tests/exercises/hidden"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *folders]
    environment = os.environ | {"COURSE_EXERCISES_FROM": "exercises"}
    subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False, timeout=900)
    tests = list(ElementTree.parse(report).iter("testcase"))
    assert len(tests) == sum(len(exercise.public) + 12 for _, exercise in EXERCISES)
    for test in tests:
        outcomes = list(test)
        assert [entry.tag for entry in outcomes] == ["failure"], test.get("name")
        assert outcomes[0].get("message", "").startswith("NotImplementedError: "), test.get("name")


@pytest.mark.parametrize(("chapter", "exercise"), EACH)
def test_no_line_of_a_solution_is_in_exercises(chapter, exercise):
    cell = chapter.notebook.task(exercise.id)
    long = [line for line in markers.solution_lines(cell.source, "", cell.number) if len(line) >= 20]
    long += [new for mutant in exercise.mutants for _, new in mutant.pairs if len(new) >= 20]
    for path in (ROOT / "exercises").rglob("*"):
        if path.is_file() and ".ipynb_checkpoints" not in path.parts:
            text = path.read_text(encoding="utf-8")
            assert [line for line in long if line in text] == [], path.name


@pytest.mark.parametrize(("chapter", "exercise", "mutant"), MUTANTS)
def test_mutant_is_rejected_and_gets_its_own_hint(chapter, exercise, mutant):
    function = chapter.edited(exercise, mutant.pairs)
    verdict = judge(function, as_students_get_it(chapter, exercise))
    if verdict.right:
        assert not judge(function, hidden_task(chapter, exercise)).right
    else:
        assert verdict.hints == (mutant.hint,)


@pytest.mark.parametrize(("chapter", "exercise", "alternative"), ALTERNATIVES)
def test_alternative_is_accepted(chapter, exercise, alternative):
    function = chapter.edited(exercise, alternative.pairs) if isinstance(alternative, Alternative) else alternative
    for task in (as_students_get_it(chapter, exercise), hidden_task(chapter, exercise)):
        verdict = judge(function, task)
        assert verdict.right, [finding.text for report in verdict.reports for finding in report.findings]


@pytest.mark.parametrize(("chapter", "exercise"), EACH)
def test_answers_learned_by_heart_fail_the_hidden_tests(chapter, exercise):
    task = as_students_get_it(chapter, exercise)

    def by_heart(*inputs):
        return next((case.expected for case in task.cases if same_bits(case.inputs, inputs)), task.cases[0].expected)

    assert judge(by_heart, task).right
    assert not judge(by_heart, hidden_task(chapter, exercise)).right


@pytest.mark.parametrize(("chapter", "exercise"), EACH)
def test_a_check_takes_less_than_a_second(chapter, exercise):
    function = chapter.reference(exercise)
    started = time.process_time()
    assert examine(exercise.id, function, folder=ROOT / "exercises/checks").right
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize(("chapter", "exercise"), EACH)
def test_exercise_notebooks_hold_no_results(chapter, exercise):
    nbformat.validate(nbformat.read(ROOT / "exercises" / chapter.notebook.name, as_version=4))
    for cell in notebooks.read(ROOT / "exercises" / chapter.notebook.name).cells:
        if cell.kind == "code":
            assert (cell.data["execution_count"], cell.data["outputs"]) == (None, [])


@pytest.mark.parametrize(("chapter", "exercise"), EACH)
def test_hidden_inputs_follow_the_term(chapter, exercise):
    one, other = (hidden_task(chapter, exercise, term=term) for term in ("autumn", "spring"))
    again = hidden_task(chapter, exercise, term="autumn")
    assert same_bits([c.inputs for c in one.cases], [c.inputs for c in again.cases])
    assert not same_bits([c.inputs for c in one.cases], [c.inputs for c in other.cases])


@pytest.mark.parametrize(("chapter", "exercise"), EACH)
def test_declared_task_equals_the_stored_one(chapter, exercise):
    declared, stored = public_task(chapter, exercise), as_students_get_it(chapter, exercise)
    assert [mistake.hint for mistake in declared.mistakes] == [mistake.hint for mistake in stored.mistakes]
    assert same_bits([case.inputs for case in declared.cases], [case.inputs for case in stored.cases])

"""The tests of the tests: every exercise, in every version that a term can choose, on the hidden cases of a key.

New chapters and new versions are covered as soon as they are declared.
"""

import hashlib

import pytest

from course_pkg.exercises import Alternative, markers, notebooks
from course_pkg.exercises.judge import judge
from course_pkg.exercises.sources import chapters
from course_pkg.exercises.variants import BOOK, versions
from course_pkg.grading.hidden import make_question
from course_pkg.grading.keys import Key
from course_pkg.grading.release import COURSE

KEY = Key("test", hashlib.sha256(b"a key for the tests").digest())
VERSIONS = [
    pytest.param(name, found, exercise.id, id=f"{exercise.id}-{name}")
    for chapter in chapters(COURSE)
    for exercise in chapter.exercises
    for found in [versions(COURSE, chapter, exercise.id)]
    for name in found
]


def exercise_of(chapter, id):
    return next(exercise for exercise in chapter.exercises if exercise.id == id)


@pytest.mark.parametrize(("name", "found", "id"), VERSIONS)
def test_version(name, found, id):
    """Solution right, starter unwritten, mutants and other versions rejected, other right ways accepted."""
    chapter = found[name]
    exercise = exercise_of(chapter, id)
    question = make_question(chapter, exercise, KEY)
    tasks = {"public": question.public, "hidden": question.asked}
    assert exercise.version == name
    assert len(exercise.mutants) - (len(found) - 1) >= 5  # besides the solutions of the other versions

    for task in tasks.values():
        assert judge(chapter.reference(exercise), task).right
    for where, task in tasks.items():
        assert judge(starter(chapter, exercise), task).status == "unwritten", where
    for mutant in exercise.mutants:
        function = chapter.edited(exercise, mutant.pairs)
        assert not judge(function, question.asked).right, f"the hidden tests accept: {mutant.hint}"
        verdict = judge(function, question.public)
        if not verdict.right and not mutant.hint.startswith("This answers another version"):
            assert verdict.hints == (mutant.hint,)
    assert len(exercise.alternatives) >= 2
    for alternative in exercise.alternatives:
        function = chapter.edited(exercise, alternative.pairs) if isinstance(alternative, Alternative) else alternative
        for where, task in tasks.items():
            assert judge(function, task).right, (where, alternative)


@pytest.mark.parametrize(("name", "found", "id"), [p for p in VERSIONS if len(p.values[1]) > 1])
def test_answers_to_other_versions_fail(name, found, id):
    """Last year's solution, whole, with its own first line and names, on this year's hidden tests."""
    mine = found[name]
    task = make_question(mine, exercise_of(mine, id), KEY).asked
    for other in found.keys() - {name}:
        solution = found[other].reference(exercise_of(found[other], id))
        assert judge(task=task, function=solution).count < len(task.cases), other
        assert not judge(solution, task).right


def starter(chapter, exercise):
    """The function as students find it."""
    cell = chapter.notebook.task(exercise.id)
    source = markers.starter(cell.source, exercise.title, chapter.notebook.place, cell.number)
    return notebooks.functions_of(chapter.notebook, {exercise.id: source})[exercise.function]


def test_enough_versions_over_enough_chapters():
    changed = {p.values[2] for p in VERSIONS if p.values[0] != BOOK}
    assert len(changed) >= 10 and len({id[:2] for id in changed}) >= 5

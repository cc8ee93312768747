"""Partial credit follows what was shown right. Proved on every exercise of the course, and by hand on a small one."""

from pathlib import Path

import numpy as np
import pytest

from course_pkg.exercises.judge import Outcome, call, judge_outcomes
from course_pkg.exercises.sources import chapters
from course_pkg.exercises.values import same_bits
from course_pkg.grading.hidden import make_question
from course_pkg.grading.score import Part, parts_of, score
from tests.grading import kit

ROOT = Path(__file__).resolve().parents[2]
EVERY = [
    pytest.param(chapter, exercise, id=exercise.id) for chapter in chapters(ROOT) for exercise in chapter.exercises
]


def share(question, function):
    """The share of the points that a function earns."""
    outcomes = [call(function, case.inputs) for case in question.asked.cases]
    return score(question.parts, judge_outcomes(question.asked, outcomes))


@pytest.mark.parametrize(("chapter", "exercise"), EVERY)
def test_on_every_exercise_only_what_was_shown_right_earns(chapter, exercise):
    question = make_question(chapter, exercise, kit.KEY)
    assert share(question, chapter.reference(exercise))[0] == 1
    for mutant in exercise.mutants:
        assert share(question, chapter.edited(exercise, mutant.pairs))[0] < 1, mutant.hint

    def starter(*inputs):
        raise NotImplementedError

    def by_heart(*inputs):
        cases = question.public.cases
        return next((case.expected for case in cases if same_bits(case.inputs, inputs)), cases[0].expected)

    empty = [starter, by_heart, *(lambda *inputs, k=k: inputs[k] for k in range(len(question.asked.arguments)))]
    if len(exercise.returns) > 1:
        empty += [lambda *inputs, k=k: (inputs[k],) * len(exercise.returns) for k in range(len(inputs_of(question)))]
    empty += [lambda *inputs, v=v: v for v in (0, 1, 0.0, None, True, np.zeros(1), (0.0,) * len(exercise.returns))]
    for function in empty:
        assert share(question, function)[0] == 0


def inputs_of(question):
    return question.asked.cases[0].inputs


@pytest.fixture
def questions(course):
    return {question.id: question for question in kit.papers(course)["04"].questions}


def test_one_result_of_two(questions):
    def step_back(x, h, dh):
        da = dh * (1 - h**2)
        return da.T @ x, da.mean(axis=0) + 1

    found, parts = share(questions[kit.BACK], step_back)
    assert found == 0.5
    assert [(part.name, part.earned) for part in parts] == [("dW", True), ("db", False)]
    assert parts[1].passed == 0


def test_right_without_a_mask(questions):
    found, parts = share(questions[kit.SUM], lambda xs, mask: float(xs.sum()))
    assert found == 0.5
    earned = {part.name: part.earned for part in parts}
    assert earned == {"total (masked=False)": True, "total (masked=True)": False}


def test_a_part_needs_all_of_its_cases(questions):
    def step_back(x, h, dh):
        da = dh * (1 - h**2)
        return da.T @ x, (da.sum(axis=0) if len(x) < 3 else da[0])

    found, parts = share(questions[kit.BACK], step_back)
    assert found == 0.5
    assert 0 < parts[1].passed < parts[1].cases


def test_errors_in_some_cases_cost_the_parts_they_are_in(questions):
    def masked_sum(xs, mask):
        if not mask.all():
            raise NotImplementedError
        return float(xs.sum())

    assert share(questions[kit.SUM], masked_sum)[0] == 0.5


def test_damage_to_the_callers_arrays_costs_half(questions):
    def step_back(x, h, dh):
        dh *= 1 - h**2
        return dh.T @ x, dh.sum(axis=0)

    assert share(questions[kit.BACK], step_back)[0] == 0.5


@pytest.mark.parametrize("fault", ["timeout", "memory", "killed", "protocol", "non-deterministic", "missing"])
def test_nothing_for_what_did_not_come_to_an_end(questions, fault):
    question = questions[kit.SUM]
    verdict = judge_outcomes(question.asked, [Outcome(fault=fault) for _ in question.asked.cases])
    assert score(question.parts, verdict)[0] == 0
    assert verdict.status == ("changing" if fault == "non-deterministic" else fault)


def test_a_part_that_a_constant_would_get_right_earns_nothing_alone(questions):
    question = questions[kit.BACK]
    parts = (Part("dW", "", tuple(range(12)), free=True), Part("db", "", tuple(range(12))))

    def only_dW(x, h, dh):
        return (dh * (1 - h**2)).T @ x, 0 * dh[0] + 7

    outcomes = [call(only_dW, case.inputs) for case in question.asked.cases]
    assert score(parts, judge_outcomes(question.asked, outcomes))[0] == 0
    assert score(question.parts, judge_outcomes(question.asked, outcomes))[0] == 0.5


@pytest.mark.parametrize("expected, free", [(lambda x: np.zeros_like(x), True), (lambda x: np.ones_like(x), True),
                                            (lambda x: 3.0, True), (lambda x: x.copy(), True), (lambda x: 2 * x, False),
                                            (lambda x: float(x.sum()), False)])  # fmt: skip
def test_what_needs_no_computing_is_found(questions, expected, free):
    from dataclasses import replace

    task = questions[kit.SUM].hidden
    task = replace(task, cases=tuple(replace(case, expected=expected(case.inputs[0])) for case in task.cases))
    assert {part.free for part in parts_of(task, [{} for _ in task.cases])} == {free}

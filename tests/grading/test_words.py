"""What students are told: enough to go on, and nothing that carries a hidden input out."""

import re

import numpy as np
import pytest

from course_pkg.exercises.judge import Outcome, call, judge_outcomes
from course_pkg.grading import words
from course_pkg.grading.grade import grade_submission
from tests.grading import kit


@pytest.fixture
def back(course):
    return kit.papers(course)["04"].questions[0]


def told(question, function):
    """All that the page says about the hidden cases."""
    outcomes = [call(function, case.inputs) for case in question.asked.cases]
    return " ".join(words.sentences(judge_outcomes(question.asked, outcomes)))


def right(x, h, dh):
    da = dh * (1 - h**2)
    return da.T @ x, da.sum(axis=0)


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda dW, db, x: (dW, db), "Right in all 12 cases"),
        (lambda dW, db, x: (2 * dW, db), "dW has the right form, but other numbers than expected. Wrong in 12 hidden"),
        (lambda dW, db, x: (dW, db[None]), "db has shape (1, 1), expected (1,), with x (1, 1)"),
        (lambda dW, db, x: (dW.T, db), "That is the transpose."),
        (lambda dW, db, x: (dW, np.rint(db).astype(int)), "db has dtype int64; expected floating-point numbers"),
        (lambda dW, db, x: (dW, db.astype(np.float16)), "db has dtype float16; expected floating-point"),
        (lambda dW, db, x: (dW * np.nan, db), "dW holds NaN or infinite entries."),
        (lambda dW, db, x: dW, "The function returns another number of values than 2: dW, db."),
        (lambda dW, db, x: (dW, db.tolist()), "db is a list; expected an array."),
        (lambda dW, db, x: None, "None (is the `return` missing?)"),
    ],
)
def test_what_is_wrong_is_named(back, change, said):
    assert said in told(back, lambda x, h, dh: change(*right(x, h, dh), x))


def test_errors_are_named_by_their_class_and_by_shapes(back):
    assert "It stops with ValueError in 12 hidden cases, for example with x (1, 1), h (1, 1), dh (1, 1)." in told(
        back, lambda x, h, dh: np.ones(3) @ np.ones(4))  # fmt: skip


def test_inputs_changed_in_place_are_named(back):
    def damaging(x, h, dh):
        dh *= 1 - h**2
        return dh.T @ x, dh.sum(axis=0)

    assert "It changes its input dh in place; the caller still needs it." in told(back, damaging)


def carriers():
    """Ways to get a hidden number out through the feedback, each as a function of that number."""
    def message(v): raise ValueError(f"x is {v}")
    def own_class(v): raise type(f"E{v}", (Exception,), {})
    def own_class_with_a_known_name(v): raise type("ValueError", (ValueError,), {})(v)
    def shape(v): return np.zeros((int(abs(v) * 1000) + 50, 1)), np.zeros(3)
    def many_axes(v): return np.zeros((1,) * 30 + (int(abs(v) * 100) + 50,)), np.zeros(3)
    def text(v): return str(v), str(v)
    def number(v): return v, v
    def integer(v): return int(v * 10**6), 0
    def keys(v): return {str(v): v}, {v: v}
    def length(v): return (v,) * (int(abs(v) * 100) + 40)
    def dtype(v): return np.zeros(3, dtype=[(f"v{v}", float)]), np.zeros(3)
    def printed(v): return print(v), v
    return [f for f in locals().values() if callable(f)]  # fmt: skip


@pytest.mark.parametrize("carrier", carriers(), ids=lambda f: f.__name__)
def test_hidden_numbers_do_not_come_out(back, carrier):
    said = told(back, lambda x, h, dh: carrier(float(x.flat[0])))
    for case in back.hidden.cases:
        first = float(case.inputs[0].flat[0])
        digits = {f"{abs(first):.3f}", str(int(abs(first) * 1000) + 50), str(int(abs(first) * 100) + 50),
                  str(int(abs(first) * 100) + 40), str(int(abs(first) * 10**6))}  # fmt: skip
        assert not any(number in said for number in digits), said
    assert "." in said and not re.search(r"\d\.\d|\d{3}", said), said


def test_a_whole_result_holds_no_hidden_number_for_the_student(course):
    wrong = "def step_back(x, h, dh):\n    raise ValueError(repr(x) + repr(h))"
    result = grade_submission(kit.notebook(course, {kit.BACK: wrong}), papers=kit.papers(course),
                              settings=kit.settings())  # fmt: skip
    question = result.question(kit.BACK)
    back = kit.papers(course)["04"].questions[0]
    numbers = {f"{abs(v):.6f}" for case in back.hidden.cases for a in case.inputs for v in a.flat}
    assert not any(number in line for line in (*question.said, *question.hints) for number in numbers)
    public = " ".join(question.public)
    assert "ValueError" in public and "line 2 of its cell" in public
    assert not any(number in public for number in numbers)
    assert repr(back.hidden.cases[0].inputs[0]) in question.private[0]


@pytest.mark.parametrize("fault", sorted(words.ABOUT))
def test_every_code_has_its_sentence(fault):
    sentence = words.about(fault, "step_back", ("x", "h"))
    assert sentence.endswith((".", "?")) and "{" not in sentence


def test_faults_in_some_cases_are_told(back):
    outcomes = [call(right, case.inputs) for case in back.asked.cases]
    outcomes[3] = Outcome(fault="timeout")
    said = " ".join(words.sentences(judge_outcomes(back.asked, outcomes)))
    assert "Right in 11 of 12 cases." in said and "did not come to an end in time" in said


def test_public_special_cases_are_called_by_name():
    from pathlib import Path

    from course_pkg.grading.hidden import Papers

    papers = Papers(Path(__file__).resolve().parents[2], kit.KEY)
    question = next(q for q in papers["02"].questions if q.id == "02-cross-entropy")
    special = question.asked.cases[question.drawn :]
    assert special and all(case.name.startswith("public case “") for case in special)
    outcomes = [Outcome(case.expected) for case in question.asked.cases]
    outcomes[question.drawn] = Outcome((0.0, special[0].expected[1]))
    verdict = judge_outcomes(question.asked, outcomes)
    assert f"Wrong in the {special[0].name}." in " ".join(words.sentences(verdict))

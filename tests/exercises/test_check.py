"""What check() says, in each situation a student can be in. The words are part of what is tested."""

import json

import numpy as np
import pytest

from course_pkg.exercises import check, notebooks
from course_pkg.exercises.check import examine
from course_pkg.exercises.generate import write

GOOD = "da = dh * (1 - h**2)\n    return da.T @ x, da.sum(axis=0)"


@pytest.fixture
def answer(project):
    """answer(body) -> what check says to this body of step_backward."""
    root = project.write()
    write(root)

    def say(body, signature="x, h, dh"):
        namespace = {"np": np}
        notebooks.run(f"def step_backward({signature}):\n    {body}", namespace, "<cell 4 of a test>")
        return examine(namespace["step_backward"], folder=root / "exercises/checks")

    return say


def test_right(answer):
    result = answer(GOOD)
    assert result.text == "step_backward: right on 3 cases (D≠H; B=1; D=H)."
    assert result.right and repr(result) == "<check: right>"


def test_not_written_yet(answer):
    result = answer('raise NotImplementedError("One step back: write this part")')
    assert result.status == "unwritten"
    assert result.text.startswith(
        "step_backward: not written yet.\n  Replace the line `raise NotImplementedError(...)`"
    )


def test_error_names_itself_the_line_and_the_shapes(answer):
    text = answer("da = dh\n    return da @ x, missing").text
    assert text.startswith("step_backward: stops with an error on every case.")
    assert "Case “D≠H”, called with x (3, 2), h (3, 4), dh (3, 4)." in text
    assert "ValueError in line 3 of its cell, `return da @ x, missing`: matmul" in text
    assert "Here A has 4, B has 3." in text
    assert "NameError in line 2 of its cell, `return y`: name 'y' is not defined" in answer("return y").text


def test_error_in_a_helper_of_numpy_points_at_the_students_line(answer):
    text = answer("a = 1\n    return np.concatenate([x, np.ones(3)]), a").text
    assert "ValueError in line 3 of its cell, `return np.concatenate" in text
    assert "site-packages" not in text and "judge.py" not in text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("pass", "the function returns None. Does it end with `return dW, db`?"),
        ("return 3.0", "the result is a floating-point number; expected 2 values: dW, db."),
        ("return dh.T @ x", "the result is an array of shape (4, 2); expected 2 values: dW, db."),
        ("return x, h, dh", "the result holds 3 values; expected 2: dW, db."),
        ("return (x,)", "the result holds 1 value; expected 2: dW, db."),
        ("return {'dW': 1}", "the result is a dictionary; expected 2 values: dW, db."),
        ("return [[1.0]], dh.sum(axis=0)", "dW is a list; expected an array of shape (4, 2)."),
        ("return None, dh.sum(axis=0)", "dW is None. Does the function end with a `return`?"),
        ("return np.asmatrix(dh.T @ x), 1.0", "dW is a matrix of numpy of shape (4, 2); expected an array"),
        ("return dh.T @ x, 1.0", "db is a floating-point number; expected an array of shape (4,)."),
        ("return x[0], h", "dW has shape (2,); expected (4, 2)."),
        ("return x.T @ (dh * (1 - h**2)), h", "dW has shape (2, 4); expected (4, 2). This is the transpose, with"),
        ("return x.T @ dh, h", "dW has shape (2, 4); expected (4, 2). This is the transpose of that shape."),
        ("return (dh.T @ x).astype(int), h[0]", "dW holds integers (dtype int64); expected floating-point numbers"),
        ("return (dh.T @ x) > 0, h[0]", "dW holds booleans (dtype bool); expected floating-point numbers"),
        ("return (dh.T @ x).astype(np.float16), h[0]", "dW has dtype float16, which keeps 3 digits; expected float64."),
        ("return (dh.T @ x).astype(complex), h[0]", "dW holds complex numbers (dtype complex128)"),
        ("return dh.T @ x * np.nan, h[0]", "dW[0, 0] is nan; 8 of 8 entries are NaN or infinite."),
        ("return (1 - h**2).T @ x, np.zeros(4) / 0", "db[0] is nan; 4 of 4 entries are NaN or infinite."),
        ("return -(dh * (1 - h**2)).T @ x, h[0]", "Every entry has the wrong sign."),
        ("return 0.5 * (dh * (1 - h**2)).T @ x, h[0]", "Every entry is 0.5 times what is expected."),
    ],
)  # fmt: skip
def test_wrong_results_in_words(answer, body, words):
    result = answer(body)
    assert result.status == "wrong"
    assert words in result.text
    assert "Traceback" not in result.text


def test_right_numbers_transposed_where_the_shape_hides_it(answer):
    result = answer(
        "da = dh * (1 - h**2)\n    dW = da.T @ x\n    return (dW.T if len(dW) == 3 else dW), da.sum(axis=0)"
    )
    assert "step_backward: not right yet, 2 of 3 cases right." in result.text
    assert "These are the right numbers, transposed." in result.text
    assert "Right: D≠H; B=1. Wrong: D=H." in result.text


def test_first_differing_entry_with_found_expected_and_share(answer):
    result = answer("da = dh * (1 - h**2)\n    dW = da.T @ x\n    dW[2, 1] += 1\n    return dW, da.sum(axis=0)")
    text = result.text
    assert "dW: 7 of 8 entries right; the first that differs is dW[2, 1]: found " in text
    assert "Right in this case: db." in text


def test_numbers_are_shown_with_enough_digits_to_differ(answer):
    text = answer("da = dh * (1 - h**2)\n    return da.T @ x, da.sum(axis=0) + 3e-5").text
    found, expected = text.split("found ")[1].split(", expected ")
    assert found != expected.split(".\n")[0].split(". ")[0]


def test_inputs_changed_in_place(answer):
    text = answer("dh *= 1 - h**2\n    return dh.T @ x, dh.sum(axis=0)").text
    assert "The function changes its input dh in place; the caller still needs it. Work on a copy." in text


def test_nan_written_into_an_input_is_a_change(answer):
    assert "changes its input x in place" in answer("y = x.copy(); x[:] = np.nan; x = y\n    " + GOOD).text


def test_results_that_change_from_call_to_call(answer):
    text = answer("da = dh * (1 - h**2)\n    return da.T @ x + np.random.default_rng().normal(), da.sum(axis=0)").text
    assert text.startswith("step_backward: gives different results for the same inputs (case “D≠H”).")


def test_state_kept_between_calls_is_found(answer):
    body = (
        "global seen\n    seen = globals().get('seen', 0) + 1\n    da = dh * (1 - h**2) * (1 if seen < 4 else 2)\n    "
    )
    assert answer(body + "return da.T @ x, da.sum(axis=0)").status == "changing"


def test_result_array_reused_between_calls_is_no_reason_to_fail(answer):
    body = "da = dh * (1 - h**2)\n    keep = globals().setdefault('keep', {})\n    "
    body += "out = keep.setdefault(da.shape, da)\n    "
    assert answer(body + "out[:] = da\n    return out.T @ x, out.sum(axis=0)").right


@pytest.mark.parametrize(
    ("body", "hints"),
    [
        ("da = dh * (1 - h)\n    return da.T @ x, da.sum(axis=0)", ["The derivative of tanh is 1 - h squared."]),
        ("da = dh * (1 - h**2)\n    return x.T @ da, da.sum(axis=0)", ["dW is transposed."]),
        (
            "da = dh * (1 - h**2)\n    return da.T @ x / len(x), da.mean(axis=0)",
            ["dW is a mean over the batch.", "db is a mean over the batch."],
        ),
        ("return 3 * x, h", []),
    ],
)
def test_known_mistakes_get_their_hints_even_two_at_once(answer, body, hints):
    result = answer(body)
    assert set(result.hints) == set(hints)
    assert all(f"Hint: this looks like a known mistake. {hint}" in result.text for hint in hints)


@pytest.mark.parametrize("signature", ["x, h", "x, h, dh, extra", "", "x, *, h, dh"])
def test_first_line_changed(answer, signature):
    text = answer("return 1", signature).text
    assert "the exercise calls it with 3 arguments: x, h, dh." in text
    assert f"Yours takes {signature.replace('*, ', '') or 'no arguments'}." in text


def test_extra_arguments_with_defaults_are_fine(answer):
    assert answer(GOOD, "x, h, dh, verbose=False").right
    assert answer(GOOD.replace("dh *", "rest[0] *"), "x, h, *rest").right


@pytest.mark.parametrize("body", ["raise SystemExit", "raise KeyboardInterrupt", "return step_backward(x, h, dh)"])
def test_nothing_comes_through(answer, body):
    result = answer(body)
    words = {"raise SystemExit": "calls exit", "raise KeyboardInterrupt": "stopped while it was running"}
    assert words.get(body, "RecursionError in line 2 of its cell") in result.text


def test_warnings_and_prints_are_told_and_cost_nothing(answer, capsys):
    result = answer("print('hello'); np.log(0.0 * h)\n    " + GOOD)
    assert result.right
    assert result.text.endswith("\n  There was a warning: divide by zero encountered in log.")
    assert capsys.readouterr().out == ""
    assert "Printed on this case: hello / (3, 2)" in answer("print('hello'); print(x.shape)\n    return x, h").text


def test_objects_that_lie_about_equality_are_not_believed(answer):
    lying = "class A(np.ndarray):\n        def __eq__(self, other): return True\n    "
    assert (
        "dW is a A of shape (4, 2); expected an array" in answer(lying + "return np.zeros((4, 2)).view(A), h[0]").text
    )
    obj = "class E:\n        def __eq__(self, other): return True\n        def __array__(self): return 1 / 0\n    "
    assert "dW is a E; expected an array" in answer(obj + "return E(), E()").text


def test_float32_and_lists_for_tuples_are_accepted(answer):
    assert answer("x, h, dh = (v.astype(np.float32) for v in (x, h, dh))\n    " + GOOD).right
    assert answer("da = dh * (1 - h**2)\n    return [da.T @ x, da.sum(axis=0)]").right


def test_the_inputs_of_the_failing_case_can_be_had_and_are_a_copy(answer):
    result = answer("da = dh * (1 - h**2)\n    return da.T @ x, da.sum(axis=0) if len(x) > 1 else h[0]")
    assert result.text.endswith("To run this case alone: `step_backward(*check(step_backward).inputs)`.")
    assert [v.shape for v in result.inputs] == [(1, 3), (1, 2), (1, 2)]
    result.inputs[0][:] = np.nan
    assert np.isfinite(result.inputs[0]).all()
    assert answer("raise NotImplementedError").inputs == ()


def test_html_says_the_same_and_escapes_what_the_student_wrote(answer):
    result = answer("raise ValueError('<b>bold</b>')")
    assert "&lt;b&gt;bold&lt;/b&gt;" in result.html and "<b>bold" not in result.html
    assert result.html.count("<div") == result.html.count("</div>")
    assert "var(--course-orange," in result.html
    assert "✓" in answer(GOOD).html


def test_addresses_are_taken_out(answer):
    assert " at 0x" not in answer("raise ValueError(f'{object()}')").text


def test_misuse_is_answered_in_words(project, tmp_path, monkeypatch, capsys):
    root = project.write()
    write(root)
    monkeypatch.chdir(root / "exercises")
    says = {
        (): "check wants the function, or an id and the function.",
        (3.0,): "check wants the function itself",
        ("04-step-backward",): "check wants the function after the id.",
        (np.tanh,): "no exercise asks for a function called tanh",
        ("04-step-backwards", np.tanh): "Did you mean 04-step-backward?",
        ("04-step-backward", 3.0): "check wants the function itself",
        (np.tanh, np.tanh): "check wants the function, or",
    }
    for arguments, words in says.items():
        result = check(*arguments)
        assert words in result.text and not result.right
        assert capsys.readouterr().out == result.text + "\n"


def test_checks_folder_missing_or_damaged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = examine(np.tanh)
    assert result.text.startswith(
        "check: the folder `checks` is missing.\n  Looked for `checks`, `../exercises/checks`"
    )
    assert "Copy the folder `checks`" in result.text
    (tmp_path / "checks").mkdir()
    for text in ("{", "[]", json.dumps({"format": 99}), json.dumps({"format": 1, "exercises": [{}]})):
        (tmp_path / "checks/04.json").write_text(text, encoding="utf-8")
        result = examine(np.tanh)
        assert result.status == "no checks" and "damaged" in result.text

"""Values into JSON and back, rounding that no CPU can disturb, and comparison of every kind of result."""

import json
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_pkg.exercises.compare import Tolerance, compare
from course_pkg.exercises.values import copy, decode, encode, nice, rounded, same_bits


class Gradients(NamedTuple):
    W: np.ndarray
    b: np.ndarray


VALUES = [
    np.arange(6.0).reshape(2, 3),
    np.zeros((0, 3)),
    np.array(2.5),
    np.array([np.nan, np.inf, -np.inf, 0.5]),
    np.array([[True], [False]]),
    np.array([1, -2]),
    np.array([0.5], dtype=np.float32),
    3,
    -0.25,
    float("nan"),
    float("-inf"),
    True,
    None,
    "word",
    (1, (2.0, "x")),
    [np.ones(2), []],
    {"a": np.ones(1), 3: [None]},
    Gradients(np.ones((2, 2)), np.zeros(2)),
]


@pytest.mark.parametrize("value", VALUES)
def test_through_json_and_back(value):
    back = decode(json.loads(json.dumps(encode(value), allow_nan=False)))
    assert same_bits(back, value)
    assert getattr(back, "_fields", None) == getattr(value, "_fields", None)


@pytest.mark.parametrize(
    "value",
    [object(), 1j, np.array(["a"]), np.array([1j]), {1, 2}, np.array([object()])],
    ids=["object", "complex", "texts", "complex array", "set", "objects"],  # the same in every process
)
def test_what_is_no_data_is_refused(value):
    with pytest.raises(TypeError, match="an exercise cannot hold"):
        encode(value)


def test_copies_share_no_memory():
    value = {"a": [np.ones(2)], "g": Gradients(np.ones(1), np.ones(1))}
    other = copy(value)
    other["a"][0][0] = 5
    other["g"].b[0] = 5
    assert value["a"][0][0] == 1 and value["g"].b[0] == 1
    assert type(other["g"]) is Gradients


@given(st.integers(-(10**8), 10**8), st.integers(0, 8), st.integers(-3, 3))
def test_rounding_survives_the_last_bits(mantissa, decimals, ulps):
    """Numbers on the decimal grid, ties included, round alike from a few units in the last place away."""
    x = mantissa / 10**decimals
    moved = x + ulps * np.spacing(max(abs(x), 1.0))
    assert rounded(x) == rounded(float(moved))


def test_rounding_keeps_eight_digits_and_drops_noise():
    assert rounded(1 / 3) == 0.33333333
    assert rounded(-123456.789123) == -123456.79
    assert rounded(5.5e-17) == 0.0
    assert rounded(1.23456789e-9) == 1.23e-9
    assert encode(np.array([1e6, 1e-7]))["array"] == [1e6, 0.0]


def test_nice_rounds_floats_only():
    inputs = nice((np.array([0.123, -0.001]), 0.987, 3, np.array([1, 2]), None))
    assert inputs[0].tolist() == [0.12, 0.0] and not np.signbit(inputs[0][1])
    assert inputs[1:3] == (0.99, 3)


def kinds(found, expected, returns=("y",)):
    return [finding.kind for finding in compare(found, expected, returns, Tolerance())]


@pytest.mark.parametrize("value", VALUES)
def test_every_value_equals_itself(value):
    assert kinds(copy(value), value) == []


@pytest.mark.parametrize(
    ("found", "expected", "kind"),
    [
        (3.0, 3, "type"),
        (True, 1, "type"),
        (1, True, "type"),
        ("3", 3, "type"),
        (4, 3, "value"),
        (np.int64(3), 3, None),
        (np.array(3), 3, None),
        (np.float32(0.5), 0.5, None),
        (2, 2.0, None),
        (np.array([2.0]), 2.0, "type"),
        (float("nan"), 2.0, "nan"),
        (0.5 + 1e-7, 0.5, None),
        (0.501, 0.5, "value"),
        ("a", "b", "value"),
        (0, None, "type"),
        (np.float64(0.5), np.array(0.5), None),
        (np.array([1, 2], dtype=np.uint8), np.array([1, 2]), None),
        (np.array([1, 3]), np.array([1, 2]), "value"),
        (np.array([True]), np.array([1]), "dtype"),
        (np.array([0.0]), np.array([np.nan]), "value"),
        (np.zeros(3), np.zeros((1, 3)), "shape"),
        ([1, 2], (1, 2), None),
        ((1, 2), [1, 2], None),
        ([1], [1, 2], "count"),
        ({"a": 1}, {"a": 1, "b": 2}, "keys"),
        ({"a": 1, "c": 3}, {"a": 1}, "keys"),
        ({"a": 2}, {"a": 1}, "value"),
        ([1], {"a": 1}, "type"),
        (Gradients(np.ones(1), np.zeros(1)), Gradients(np.ones(1), np.ones(1)), "value"),
        ((np.ones(1), np.ones(1)), Gradients(np.ones(1), np.ones(1)), None),
    ],
)
def test_comparison_by_kind(found, expected, kind):
    assert kinds(found, expected) == ([kind] if kind else [])


def test_outputs_are_named_by_their_path():
    found = {"grads": Gradients(np.ones(2), np.zeros(1)), "list": [1, 5]}
    expected = {"grads": Gradients(np.zeros(2), np.zeros(1)), "list": [1, 2]}
    assert [f.output for f in compare(found, expected, ("out",), Tolerance())] == ["out['grads'].W", "out['list'][1]"]


def test_fields_in_another_order_are_refused():
    class Swapped(NamedTuple):
        b: np.ndarray
        W: np.ndarray

    (finding,) = compare(Swapped(np.ones(1), np.ones(1)), Gradients(np.ones(1), np.ones(1)), ("g",), Tolerance())
    assert finding.text == "g has the fields b, W; expected W, b."

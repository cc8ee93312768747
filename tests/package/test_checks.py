"""The checkers are checked on functions whose derivatives are known on paper."""

import builtins
from typing import NamedTuple

import numpy as np
import pytest

from course_pkg.checks import central_difference, check_gradients, compare_trees, complex_step, relative_error
from course_pkg.checks.claims import claim, claim_between
from course_pkg.checks.parity import autograd, check_autograd, to_tensors
from tests.package.helpers import torch


class Pair(NamedTuple):
    u: np.ndarray  # (2, 3)
    v: np.ndarray  # (3,)


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    return Pair(rng.normal(size=(2, 3)), rng.normal(size=3))


def cubic(p):  # u enters as a cube, v as sin, and they meet in a product
    return (p.u**3).sum() + np.sin(p.v).sum() + (p.u @ p.v).sum()


def cubic_by_hand(p):
    return Pair(3 * p.u**2 + p.v, np.cos(p.v) + p.u.sum(axis=0))


def test_central_difference_finds_the_derivative_known_on_paper(pair):
    assert max(compare_trees(central_difference(cubic, pair), cubic_by_hand(pair)).values()) < 1e-9


def test_complex_step_finds_it_to_the_last_digits(pair):
    assert max(compare_trees(complex_step(cubic, pair), cubic_by_hand(pair)).values()) < 1e-15


def test_a_bare_array_and_a_scalar_array_are_trees_too():
    x = np.array([0.3, -1.2])
    assert relative_error(central_difference(lambda v: np.exp(v).sum(), x), np.exp(x)) < 1e-9
    assert relative_error(complex_step(lambda v: np.exp(v), np.array(0.5)), np.exp(np.array(0.5))) < 1e-15


def test_the_differences_leave_their_input_as_it_was(pair):
    before = Pair(pair.u.copy(), pair.v.copy())
    central_difference(cubic, pair)
    complex_step(cubic, pair)
    assert np.array_equal(before.u, pair.u) and np.array_equal(before.v, pair.v)


def test_complex_step_is_more_exact_than_central_differences(pair):
    errors = {
        method: max(check_gradients(cubic, pair, cubic_by_hand(pair), method).values())
        for method in ("central", "complex")
    }
    assert errors["complex"] < 1e-15 < errors["central"] < 1e-9


@pytest.mark.parametrize("method", ["central", "complex"])
@pytest.mark.parametrize("leaf", ["u", "v"])
def test_check_gradients_names_the_leaf_that_is_wrong(pair, method, leaf):
    right = cubic_by_hand(pair)
    wrong = right._replace(**{leaf: -getattr(right, leaf)})
    errors = check_gradients(cubic, pair, wrong, method)
    assert [name for name, error in errors.items() if error > 1e-6] == [leaf]
    assert errors[leaf] == pytest.approx(2)  # a flipped sign is twice the value away


def test_one_wrong_entry_of_many_shows(pair):
    right = cubic_by_hand(pair)
    wrong = right._replace(u=right.u + np.array([[0, 0, 1e-3], [0, 0, 0]]))
    assert check_gradients(cubic, pair, wrong)["u"] > 1e-5


def test_relative_error_divides_by_the_largest_entry_and_not_entry_by_entry():
    assert relative_error(np.array([4.0, 0.0]), np.array([4.0, 1e-12])) == pytest.approx(2.5e-13)
    assert relative_error(np.array([1.0, 2.0]), np.array([1.0, -2.0])) == 2
    assert relative_error(np.zeros(3), np.zeros(3)) == 0
    assert relative_error(np.zeros((0, 2)), np.zeros((0, 2))) == 0


def test_below_the_floor_the_error_is_absolute():
    assert relative_error(np.array([1e-17]), np.array([0.0])) == pytest.approx(1e-9)
    assert relative_error(np.array([1e-17]), np.array([0.0]), floor=1e-17) == 1


def test_autograd_finds_the_same_derivative(pair):
    value, grads = autograd(lambda p: (p.u**3).sum() + torch.sin(p.v).sum() + (p.u @ p.v).sum(), pair)
    assert value == pytest.approx(cubic(pair), rel=1e-14)
    assert isinstance(grads, Pair)
    assert max(compare_trees(grads, cubic_by_hand(pair)).values()) < 1e-15


def test_autograd_gives_zero_for_an_unused_leaf_and_check_autograd_finds_a_flipped_sign(pair):
    assert np.array_equal(autograd(lambda p: p.v.sum(), pair)[1].u, np.zeros((2, 3)))
    errors = check_autograd(lambda p: p.u.sum() + p.v.sum(), pair, Pair(np.ones((2, 3)), -np.ones(3)))
    assert errors == {"u": 0, "v": 2}


def test_to_tensors_copies_and_keeps_the_dtype():
    tree = (np.ones(2, np.float32), np.arange(3))
    floats, ints = to_tensors(tree)
    assert (floats.dtype, ints.dtype) == (torch.float32, torch.int64)
    assert floats.requires_grad and not ints.requires_grad
    tree[0][0] = 5
    assert floats[0].item() == 1


def test_without_torch_the_message_says_what_is_missing(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "torch":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match="checks.parity: torch is needed .* not installed"):
        to_tensors((np.ones(2),))


VECTOR = np.ones(3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: central_difference(np.sum, np.arange(3)),
            TypeError,
            "central_difference: leaf 'value' .* int64",
        ),
        (
            lambda: complex_step(np.sum, (np.ones(2), VECTOR * 1j)),
            TypeError,
            "complex_step: leaf '1' .* complex128",
        ),
        (
            lambda: central_difference(np.sum, VECTOR, eps=0),
            ValueError,
            "central_difference: eps must be .* got 0",
        ),
        (lambda: complex_step(np.sum, VECTOR, eps=-1.0), ValueError, "complex_step: eps must be .* got -1.0"),
        (
            lambda: central_difference(lambda v: v, VECTOR),
            ValueError,
            r"f must return one number, got .* \(3,\)",
        ),
        (
            lambda: complex_step(lambda v: v, VECTOR),
            ValueError,
            r"complex_step: f must return one number, .* \(3,\)",
        ),
        (
            lambda: central_difference(lambda v: np.nan, VECTOR),
            ValueError,
            "f must return a finite number, got nan",
        ),
        (
            lambda: complex_step(lambda v: float(v.real.sum()), VECTOR),
            TypeError,
            "a complex number .* got float",
        ),
        (
            lambda: check_gradients(np.sum, VECTOR, VECTOR, "forward"),
            ValueError,
            "method .*'central', 'complex', got 'f",
        ),
        (
            lambda: check_gradients(np.sum, VECTOR, np.ones((3, 1))),
            ValueError,
            r"'value' must have shape \(3,\), got",
        ),
        (
            lambda: check_gradients(np.sum, (VECTOR,), VECTOR),
            ValueError,
            r"same leaves, expected \['0'\], got",
        ),
        (
            lambda: check_autograd(None, (VECTOR,), VECTOR),
            ValueError,
            "check_autograd: the trees must have the same",
        ),
        (lambda: relative_error(VECTOR, np.ones((3, 1))), ValueError, r"same shape, got \(3,\) and \(3, 1\)"),
        (
            lambda: relative_error(VECTOR, VECTOR * np.inf),
            ValueError,
            "b must be finite, got 3 NaN or infinite of 3",
        ),
        (lambda: relative_error(VECTOR * np.nan, VECTOR), ValueError, "a must be finite, got 3 NaN"),
        (lambda: relative_error(VECTOR, VECTOR, floor=0), ValueError, "floor must be greater than 0, got 0"),
        (
            lambda: autograd(lambda v: v * 2, VECTOR),
            ValueError,
            r"autograd: f must return a tensor .* got \(3,\)",
        ),
        (
            lambda: autograd(lambda v: 2.0, VECTOR),
            ValueError,
            "autograd: f must return a tensor .* got float",
        ),
    ],
)
def test_bad_input_is_refused_with_a_message_that_says_what_was_found(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_claim_that_holds_is_printed_without_the_number(capsys):
    claim("padding changes nothing", True)
    claim_between("bits per character", 2.345, 2, 3)
    assert capsys.readouterr().out == "✓ padding changes nothing\n✓ bits per character: between 2 and 3\n"


def test_a_claim_that_does_not_hold_stops_the_cell():
    with pytest.raises(AssertionError, match="^claim: does not hold: the loss falls$"):
        claim("the loss falls", False)
    for value in (1.99, 3.01, np.nan, np.inf):
        with pytest.raises(AssertionError, match=f"^claim_between: bits must be between 2 and 3, got {value}$"):
            claim_between("bits", value, 2, 3)
    claim_between("bits", 2, 2, 3)  # both ends belong to it

"""Jacobians, their products and their bounds: against the forward pass alone, and against theorems."""

import numpy as np
import pytest

from course_pkg.cells import CELLS, unroll
from course_pkg.initialisers import orthogonal, scaled_to_radius
from course_pkg.rnn import RNNParams
from course_pkg.spectra import (
    gradient_norms,
    jacobian_products,
    largest_singular_value,
    power_norms,
    slope,
    spectral_radius,
    step_jacobian,
)
from course_pkg.tree import flatten, unflatten

T, D, H = 5, 3, 4


def case(name, seed=0):
    """A cell, its parameters with biases that are not zero, inputs of one sequence and its states."""
    rng, cell = np.random.default_rng(seed), CELLS[name]
    params = cell.init(rng, D, H)
    params = unflatten(flatten(params) + 0.1 * rng.normal(size=flatten(params).size), params)
    xs = rng.normal(size=(T, 1, D))
    start = unflatten(rng.normal(size=flatten(cell.initial_state(params, 1)).size), cell.initial_state(params, 1))
    return cell, params, xs, unroll(cell, params, xs, start)


def measured_jacobian(cell, params, xs, start):
    """d (last state) / d (first state) by nudging each entry of the first state: knows nothing of any derivative."""
    flat, columns = flatten(start), []
    for unit in np.eye(flat.size):
        ends = [flatten(unroll(cell, params, xs, unflatten(flat + e * unit, start))[-1]) for e in (1e-6, -1e-6)]
        columns.append((ends[0] - ends[1]) / 2e-6)
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("name", CELLS)
def test_jacobian_and_products_are_those_of_the_forward_pass(name):
    cell, params, xs, states = case(name)
    jacobians = [step_jacobian(cell, params, xs[t], states[t], states[t + 1]) for t in range(T)]
    products = jacobian_products(jacobians)
    assert len(products) == T
    for n, product in enumerate(products, start=1):
        np.testing.assert_allclose(
            product, measured_jacobian(cell, params, xs[T - n :], states[T - n]), rtol=1e-5, atol=1e-8
        )


@pytest.mark.parametrize("name", CELLS)
def test_gradient_norms_are_those_of_the_products(name):
    cell, params, xs, states = case(name, seed=1)
    dh = np.random.default_rng(2).normal(size=(1, H))
    jacobians = [step_jacobian(cell, params, xs[t], states[t], states[t + 1]) for t in range(T)]
    dstate = np.zeros(flatten(states[0]).size)
    dstate[:H] = dh[0]  # h is the first part of every state
    expected = [np.linalg.norm(dstate), *(np.linalg.norm(dstate @ P) for P in jacobian_products(jacobians))]
    np.testing.assert_allclose(gradient_norms(cell, params, xs, dh, states[0])[:, 0], expected, rtol=1e-12)


def test_gradient_norms_keep_the_sequences_of_a_batch_apart():
    cell, rng = CELLS["lstm"], np.random.default_rng(3)
    params, xs, dh = cell.init(rng, D, H), rng.normal(size=(T, 3, D)), rng.normal(size=(3, H))
    together = gradient_norms(cell, params, xs, dh)
    assert together.shape == (T + 1, 3)
    for b in range(3):
        alone = gradient_norms(cell, params, xs[:, b : b + 1], dh[b : b + 1])
        np.testing.assert_allclose(together[:, b : b + 1], alone, rtol=1e-12)


def test_an_orthogonal_linear_network_keeps_every_length():
    rng = np.random.default_rng(4)
    params = RNNParams(np.zeros((H, D)), orthogonal(rng, H), np.zeros(H))
    norms = gradient_norms(CELLS["rnn"], params, np.zeros((50, 1, D)), rng.normal(size=(1, H)))  # tanh'(0) = 1
    np.testing.assert_allclose(norms, norms[0, 0], rtol=1e-12)


def test_powers_lie_between_the_two_bounds_and_follow_the_radius():
    for seed in range(20):
        W = np.random.default_rng(seed).normal(size=(6, 6))
        n, norms = np.arange(1, 31), power_norms(W, 30)
        assert (norms >= spectral_radius(W) ** n * (1 - 1e-9)).all()
        assert (norms <= largest_singular_value(W) ** n * (1 + 1e-9)).all()
        np.testing.assert_allclose(norms[2], np.linalg.norm(W @ W @ W, 2))
        long = power_norms(W, 400)
        assert long[-1] ** (1 / 400) == pytest.approx(spectral_radius(W), rel=0.02)


def test_radius_and_singular_value_of_a_matrix_that_tells_them_apart():
    W = np.array([[0.9, 5.0], [0.0, 0.9]])
    assert spectral_radius(W) == pytest.approx(0.9)
    assert largest_singular_value(W) == pytest.approx(np.linalg.svd(W)[1][0])
    assert spectral_radius(np.array([[0.0, -2.0], [2.0, 0.0]])) == pytest.approx(2)  # eigenvalues 2i and -2i
    assert spectral_radius(scaled_to_radius(W, 3.0)) == pytest.approx(3)


def test_slope_is_that_of_the_logarithm():
    norms = 7.0 * 0.8 ** np.arange(30)
    norms[:5] = 100.0  # outside of the window
    assert slope(norms, 5, 29) == pytest.approx(np.log(0.8))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: slope(np.ones(5), 2, 5), r"slope: start and stop must satisfy 0 <= start < stop <= 4"),
        (lambda: slope(np.ones(5), 3, 3), r"got 3 and 3"),
        (lambda: slope(np.zeros(5), 0, 4), r"slope: norms must be positive"),
        (lambda: spectral_radius(np.ones((2, 3))), r"spectral_radius: W must be \(H, H\)"),
        (lambda: power_norms(np.eye(2), 0), r"power_norms: n must be an integer >= 1"),
        (lambda: jacobian_products([]), r"jacobian_products: jacobians must hold at least one matrix"),
        (lambda: step_jacobian(*case("rnn")[:2], np.zeros((2, D)), np.zeros((2, H)), np.zeros((2, H))),
         r"step_jacobian: x must be one sequence, \(1, D\), got shape \(2, 3\)"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()

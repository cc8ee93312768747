"""Losses against three oracles and against torch.nn.functional, with masks, and where exponentials would overflow."""

from typing import NamedTuple

import numpy as np
import pytest

from course_pkg.checks import relative_error
from course_pkg.losses import (
    binary_cross_entropy_with_logits,
    log_softmax,
    mean_squared_error,
    softmax,
    softmax_cross_entropy,
)
from tests.package.helpers import SHAPES, prove, random_mask, rng_for, shape_id, tensor, torch

F = torch.nn.functional


class Logits(NamedTuple):
    values: np.ndarray


def selected(array, mask):
    """What counts of a tensor: everything, or the entries under the mask."""
    return array if mask is None else array[tensor(mask)]


def mask_for(masked, rng, T, B):
    return random_mask(rng, T, B) if masked else None


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_softmax_cross_entropy(shape, masked):
    (T, B, V, _), rng = shape, rng_for(*shape)
    logits, targets = rng.normal(0, 2, size=(T, B, V)), rng.integers(0, V, size=(T, B))
    mask = mask_for(masked, rng, T, B)
    prove(
        Logits(logits),
        Logits(softmax_cross_entropy(logits, targets, mask)[1]),
        lambda i: softmax_cross_entropy(i.values, targets, mask)[0],
        lambda i: F.cross_entropy(selected(i.values, mask).reshape(-1, V), selected(tensor(targets), mask).reshape(-1)),
    )


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_binary_cross_entropy_with_logits(shape, masked):
    (T, B, *_), rng = shape, rng_for(*shape)
    logits, targets = rng.normal(0, 3, size=(T, B)), rng.random(size=(T, B))  # soft targets too
    targets[0, 0] = 1
    mask = mask_for(masked, rng, T, B)
    prove(
        Logits(logits),
        Logits(binary_cross_entropy_with_logits(logits, targets, mask)[1]),
        lambda i: binary_cross_entropy_with_logits(i.values, targets, mask)[0],
        lambda i: F.binary_cross_entropy_with_logits(selected(i.values, mask), selected(tensor(targets), mask)),
        complex_too=False,  # np.logaddexp is for real numbers only
    )


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_mean_squared_error(shape, masked):
    (T, B, *_), rng = shape, rng_for(*shape)
    predictions, targets = rng.normal(size=(T, B)), rng.normal(size=(T, B))
    mask = mask_for(masked, rng, T, B)
    prove(
        Logits(predictions),
        Logits(mean_squared_error(predictions, targets, mask)[1]),
        lambda i: mean_squared_error(i.values, targets, mask)[0],
        lambda i: F.mse_loss(selected(i.values, mask), selected(tensor(targets), mask)),
    )


def test_log_softmax_and_softmax_equal_torch():
    logits = np.random.default_rng(0).normal(0, 20, size=(4, 3, 7))
    assert relative_error(log_softmax(logits), torch.log_softmax(tensor(logits), -1).numpy()) < 1e-15
    assert relative_error(softmax(logits), torch.softmax(tensor(logits), -1).numpy()) < 1e-14
    assert np.abs(softmax(logits).sum(axis=-1) - 1).max() < 1e-14


def test_softmax_does_not_see_a_shift():
    logits = np.random.default_rng(0).normal(size=(3, 5))
    assert relative_error(softmax(logits + 1000), softmax(logits)) < 1e-12


@pytest.mark.parametrize("size", [1e3, 1e6, 1e300])
def test_logits_of_any_size_give_finite_losses(size):
    loss, dlogits = softmax_cross_entropy(np.array([[size, -size], [-size, size]]), np.array([0, 1]))
    assert loss == 0 and np.array_equal(dlogits, np.zeros((2, 2)))
    loss, dlogits = softmax_cross_entropy(np.array([[size / 2, 0.0]]), np.array([1]))
    assert loss == size / 2 and np.array_equal(dlogits, [[1, -1]])
    loss, dlogits = binary_cross_entropy_with_logits(np.array([size, -size]), np.array([0.0, 0.0]))
    assert loss == size / 2 and np.array_equal(dlogits, [0.5, 0])


def test_a_uniform_guess_costs_the_logarithm_of_the_number_of_classes():
    assert softmax_cross_entropy(np.zeros((2, 3, 10)), np.zeros((2, 3), int))[0] == pytest.approx(np.log(10), rel=1e-15)
    assert binary_cross_entropy_with_logits(np.zeros(4), np.ones(4))[0] == pytest.approx(np.log(2), rel=1e-15)


def test_the_gradient_of_each_row_of_logits_sums_to_zero():
    rng = np.random.default_rng(0)
    _, dlogits = softmax_cross_entropy(rng.normal(size=(6, 9)), rng.integers(0, 9, 6))
    assert np.abs(dlogits.sum(axis=-1)).max() < 1e-16


@pytest.mark.parametrize("axes", [(), (3,), (2, 3), (2, 1, 3)])
def test_any_number_of_leading_axes(axes):
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(*axes, 4)), np.array(rng.integers(0, 4, axes))
    loss, dlogits = softmax_cross_entropy(logits, targets)
    wanted = F.cross_entropy(tensor(logits).reshape(-1, 4), tensor(targets).reshape(-1))
    assert dlogits.shape == logits.shape
    assert loss == pytest.approx(wanted.item(), rel=1e-14)


LOSSES = {
    "cross-entropy": lambda values, mask: softmax_cross_entropy(values, np.zeros(values.shape[:-1], int), mask),
    "bce": lambda values, mask: binary_cross_entropy_with_logits(values[..., 0], np.ones(values.shape[:-1]), mask),
    "mse": lambda values, mask: mean_squared_error(values[..., 0], np.ones(values.shape[:-1]), mask),
}


@pytest.mark.parametrize("padding", [0.0, -7.0, 1e200, -1e300])
@pytest.mark.parametrize("name", LOSSES)
def test_what_stands_under_padding_changes_nothing(name, padding):
    values = np.random.default_rng(0).normal(size=(5, 3, 4))
    mask = np.arange(5)[:, None] < np.array([5, 2, 1])
    loss, grad = LOSSES[name](values, mask)
    padded_loss, padded_grad = LOSSES[name](np.where(mask[..., None], values, padding), mask)
    assert padded_loss == loss and np.array_equal(padded_grad, grad)
    assert np.array_equal(grad[~mask], np.zeros_like(grad[~mask]))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_gradients_keep_the_precision_of_what_they_belong_to(name, masked):
    values = np.random.default_rng(0).normal(size=(5, 3, 4)).astype(np.float32)
    mask = np.ones((5, 3), bool) if masked else None
    assert LOSSES[name](values, mask)[1].dtype == np.float32

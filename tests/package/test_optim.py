"""Optimizers and clipping equal torch's, step by step, for 50 steps."""

from typing import NamedTuple

import numpy as np
import pytest

from course_pkg.checks import compare_trees, relative_error
from course_pkg.optim import SGD, Adam, RMSProp, clip_by_global_norm, clip_by_value
from course_pkg.tree import flatten, global_norm, leaves, scale, tree_map
from tests.package.helpers import tensor, torch


class Params(NamedTuple):
    W: np.ndarray
    layers: tuple


def start(seed):
    rng = np.random.default_rng(seed)
    return Params(rng.normal(size=(3, 4)), (rng.normal(size=5), rng.normal(size=(1, 1)))), rng


OPTIMIZERS = {
    "SGD": (SGD(0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
    "SGD with momentum": (SGD(0.05, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
    "RMSProp": (RMSProp(0.01), lambda p: torch.optim.RMSprop(p, lr=0.01)),
    "RMSProp, other numbers": (
        RMSProp(0.02, decay=0.9, eps=1e-4),
        lambda p: torch.optim.RMSprop(p, lr=0.02, alpha=0.9, eps=1e-4),
    ),
    "Adam": (Adam(), lambda p: torch.optim.Adam(p)),
    "Adam, other numbers": (
        Adam(0.03, beta1=0.8, beta2=0.95, eps=1e-3),
        lambda p: torch.optim.Adam(p, lr=0.03, betas=(0.8, 0.95), eps=1e-3),
    ),
}


def decayed(step):
    return 0.1 / (1 + step)


SCHEDULES = {
    "SGD": (SGD(decayed, momentum=0.5), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.5)),
    "RMSProp": (RMSProp(decayed), lambda p: torch.optim.RMSprop(p, lr=0.1)),
    "Adam": (Adam(decayed), lambda p: torch.optim.Adam(p, lr=0.1)),
}


def unsteady(rng, params):
    """Gradients whose size changes from step to step by up to four orders of magnitude, with some exact zeros."""
    size = 10 ** rng.uniform(-3, 1)
    return tree_map(lambda array: size * rng.normal(size=array.shape) * (rng.random(array.shape) < 0.8), params)


def worst_over_fifty_steps(ours, theirs, seed, schedule=None):
    """The same random gradients for both; the largest difference after any step."""
    params, rng = start(seed)
    state = ours.init(params)
    tensors = [tensor(array).requires_grad_() for _, array in leaves(params)]
    optimizer, worst = theirs(tensors), 0.0
    for step in range(50):
        grads = unsteady(rng, params)
        for group in optimizer.param_groups:
            group["lr"] = schedule(step) if schedule else group["lr"]
        for parameter, (_, grad) in zip(tensors, leaves(grads), strict=True):
            parameter.grad = tensor(grad)
        optimizer.step()
        params, state = ours.update(params, grads, state)
        for parameter, (_, array) in zip(tensors, leaves(params), strict=True):
            worst = max(worst, relative_error(array, parameter.detach().numpy()))
    assert state.step == 50
    return worst


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fifty_steps_equal_torch(name, seed):
    assert worst_over_fifty_steps(*OPTIMIZERS[name], seed) < 1e-12


@pytest.mark.parametrize("name", SCHEDULES)
def test_fifty_steps_with_a_schedule_equal_torch(name):
    assert worst_over_fifty_steps(*SCHEDULES[name], 0, decayed) < 1e-12


@pytest.mark.parametrize(
    "optimizer", [SGD(0.1), SGD(np.float64(0.1), 0.9), RMSProp(0.1), Adam(lambda n: np.float64(0.1))]
)
def test_float32_stays_float32_and_nothing_is_written_in_place(optimizer):
    params = (np.ones((2, 3), np.float32), np.ones(1, np.float32))
    grads = (np.full((2, 3), 0.5, np.float32), np.full(1, -0.5, np.float32))
    state = optimizer.init(params)
    for _ in range(3):
        new, state = optimizer.update(params, grads, state)
    assert {array.dtype for _, array in leaves(new)} == {np.dtype(np.float32)}
    assert np.array_equal(flatten(params), np.ones(7)) and np.array_equal(flatten(grads)[:6], np.full(6, 0.5))
    assert np.all(new[0] < 1) and np.all(new[1] > 1)  # against the gradient


def test_a_state_serves_any_step_again():
    params, rng = start(0)
    grads = tree_map(lambda array: rng.normal(size=array.shape), params)
    optimizer = Adam(0.1)
    state = optimizer.update(params, grads, optimizer.init(params))[1]
    first, second = optimizer.update(params, grads, state)[0], optimizer.update(params, grads, state)[0]
    assert np.array_equal(flatten(first), flatten(second))


# ---- clipping ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("max_norm", [1e-3, 0.5, 3.0, 1e3])
@pytest.mark.parametrize("seed", range(5))
def test_clipping_by_global_norm_equals_torch(seed, max_norm):
    """torch divides by norm + 1e-6, so its gradient is shorter than max_norm by that; we divide by the norm."""
    params, rng = start(seed)
    grads = tree_map(lambda array: rng.normal(size=array.shape), params)
    tensors = [tensor(array).requires_grad_() for _, array in leaves(params)]
    for parameter, (_, grad) in zip(tensors, leaves(grads), strict=True):
        parameter.grad = tensor(grad)
    clipped, norm = clip_by_global_norm(grads, max_norm)
    assert norm == pytest.approx(torch.nn.utils.clip_grad_norm_(tensors, max_norm).item(), rel=1e-14)
    factor = (norm + 1e-6) / norm if max_norm < norm + 1e-6 else 1.0
    theirs = iter([factor * parameter.grad.numpy() for parameter in tensors])
    assert max(compare_trees(clipped, tree_map(lambda _: next(theirs), grads)).values()) < 1e-14


def test_a_long_gradient_gets_the_length_asked_for_and_keeps_its_direction():
    grads, _ = start(0)
    clipped, norm = clip_by_global_norm(grads, 0.25)
    assert norm == global_norm(grads) > 0.25
    assert global_norm(clipped) == pytest.approx(0.25, rel=1e-14)
    assert relative_error(flatten(clipped) * norm / 0.25, flatten(grads)) < 1e-15


def test_a_short_gradient_is_left_alone():
    grads, _ = start(0)
    assert clip_by_global_norm(grads, 100.0)[0] is grads
    zeros = scale(grads, 0.0)
    clipped, norm = clip_by_global_norm(zeros, 1.0)
    assert norm == 0 and np.array_equal(flatten(clipped), flatten(zeros))


def test_clipping_by_value_equals_torch():
    grads, _ = start(0)
    tensors = [tensor(array).requires_grad_() for _, array in leaves(grads)]
    for parameter, (_, grad) in zip(tensors, leaves(grads), strict=True):
        parameter.grad = tensor(grad)
    torch.nn.utils.clip_grad_value_(tensors, 0.3)
    theirs = np.concatenate([parameter.grad.numpy().ravel() for parameter in tensors])
    assert np.array_equal(flatten(clip_by_value(grads, 0.3)), theirs)
    assert np.abs(theirs).max() == 0.3


def test_clipping_keeps_float32():
    grads = (np.full(4, 3.0, np.float32),)
    assert clip_by_global_norm(grads, 1.0)[0][0].dtype == clip_by_value(grads, 1.0)[0].dtype == np.float32

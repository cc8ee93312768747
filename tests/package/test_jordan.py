"""Recurrence from the output to the hidden state: every output function, masks, gradients into x and y_0."""

from typing import NamedTuple

import numpy as np
import pytest

from course_pkg.checks import relative_error
from course_pkg.jordan import (
    JordanParams,
    init_jordan,
    jordan_backward,
    jordan_forward,
    jordan_step,
    jordan_step_backward,
)
from course_pkg.tree import count
from tests.package.helpers import SHAPES, prove, random_mask, rng_for, shape_id, some_steps, tensor, torch

F = torch.nn.functional
TAU = {"softmax": lambda a: torch.softmax(a, -1), "sigmoid": torch.sigmoid, "identity": lambda a: a}


class Inputs(NamedTuple):
    p: JordanParams
    xs: np.ndarray
    y0: np.ndarray


def draw(shape):
    (T, B, D, H), rng = shape, rng_for(*shape)
    V = int(rng.integers(1, 5))
    shapes = ((H, D), (H, V), (H,), (V, H), (V,))
    p = JordanParams(*(rng.normal(0, 0.7, size) for size in shapes))
    return Inputs(p, rng.normal(size=(T, B, D)), rng.normal(size=(B, V))), rng, V


def oracle(i, mask, output):
    """logits (T, B, V) by torch.nn.functional."""
    y, logits = i.y0, []
    for t, x in enumerate(i.xs):
        h = torch.tanh(F.linear(x, i.p.W_xh, i.p.b_h) + F.linear(y, i.p.W_yh))
        logits.append(F.linear(h, i.p.W_hy, i.p.b_y))
        new = TAU[output](logits[-1])
        y = new if mask is None else torch.where(tensor(mask)[t, :, None], new, y)
    return torch.stack(logits)


@pytest.mark.parametrize("output", TAU)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_backward_from_any_steps_into_parameters_inputs_and_the_first_output(shape, masked, output):
    inputs, rng, V = draw(shape)
    T, B = shape[:2]
    mask = random_mask(rng, T, B) if masked else None
    upstream = some_steps(rng, T, B, V)
    counted = upstream if mask is None else upstream * mask[..., None]  # a padded step has no loss of its own
    states = jordan_forward(*inputs, mask, output)
    prove(
        inputs,
        Inputs(*jordan_backward(inputs.p, inputs.xs, states, upstream, mask, output)),
        lambda i: (jordan_forward(*i, mask, output).logits * counted).sum(),
        lambda i: (oracle(i, mask, output) * tensor(counted)).sum(),
    )


@pytest.mark.parametrize("output", TAU)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_step_backward(shape, output):
    (p, xs, y0), rng, V = draw(shape)
    x, dlogits, dy = xs[0], rng.normal(size=y0.shape), rng.normal(size=y0.shape)
    h, _, y = jordan_step(p, x, y0, output)

    def loss(i):
        _, logits, y = jordan_step(i.p, i.xs, i.y0, output)
        return (logits * dlogits).sum() + (y * dy).sum()

    def loss_torch(i):
        logits = oracle(Inputs(i.p, i.xs[None], i.y0), None, output)[0]
        return (logits * tensor(dlogits)).sum() + (TAU[output](logits) * tensor(dy)).sum()

    grads = Inputs(*jordan_step_backward(p, x, y0, h, y, dlogits, dy, output))
    prove(Inputs(p, x, y0), grads, loss, loss_torch)


@pytest.mark.parametrize("output", TAU)
def test_states_hold_what_their_names_say(output):
    inputs, rng, V = draw((5, 3, 2, 4))
    mask = random_mask(rng, 5, 3)
    hs, logits, ys = jordan_forward(*inputs, mask, output)
    assert (hs.shape, logits.shape, ys.shape) == ((5, 3, 4), (5, 3, V), (6, 3, V))
    assert np.array_equal(ys[0], inputs.y0)
    assert relative_error(logits, hs @ inputs.p.W_hy.T + inputs.p.b_y) < 1e-15
    outputs = TAU[output](tensor(logits)).numpy()
    for t in range(5):  # where padded, the output before is carried over, bit for bit
        assert np.abs(ys[t + 1] - outputs[t])[mask[t]].max(initial=0) < 1e-15
        assert np.array_equal(ys[t + 1][~mask[t]], ys[t][~mask[t]])


def test_without_a_first_output_it_is_zero_and_the_dtype_is_kept():
    rng = np.random.default_rng(0)
    p, xs = init_jordan(rng, 3, 4, 2, np.float32), rng.normal(size=(5, 2, 3)).astype(np.float32)
    states, with_zeros = jordan_forward(p, xs), jordan_forward(p, xs, np.zeros((2, 2), np.float32))
    assert all(np.array_equal(a, b) for a, b in zip(states, with_zeros, strict=True))
    dp, dxs, dy0 = jordan_backward(p, xs, states, np.ones((5, 2, 2), np.float32))
    assert {array.dtype for array in (*states, *dp, dxs, dy0)} == {np.dtype(np.float32)}


def test_the_parameter_count_does_not_depend_on_the_number_of_steps():
    assert count(init_jordan(np.random.default_rng(0), 3, 4, 2)) == 4 * 3 + 4 * 2 + 4 + 2 * 4 + 2

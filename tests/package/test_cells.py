"""The cell contract: one unroll for every cell, forward and backward, equal to what each cell's module does."""

from typing import NamedTuple

import numpy as np
import pytest

from course_pkg.cells import CELLS, Cell, unroll, unroll_backward
from course_pkg.rnn import RNNParams, rnn_backward, rnn_forward
from tests.package.helpers import (
    SHAPES,
    assert_close,
    prove,
    random_mask,
    rng_for,
    shape_id,
    some_steps,
    tensor,
    torch,
    torch_rnn,
)


class Inputs(NamedTuple):
    p: RNNParams
    xs: np.ndarray
    h0: np.ndarray


class Pair(NamedTuple):
    """A state of two arrays, as the LSTM's will be."""

    h: np.ndarray
    c: np.ndarray


class PairInputs(NamedTuple):
    p: np.ndarray
    xs: np.ndarray
    state: Pair


def draw(shape):
    (T, B, D, H), rng = shape, rng_for(*shape)
    p = RNNParams(rng.normal(size=(H, D)), rng.normal(size=(H, H)) / np.sqrt(H), rng.normal(size=H))
    return Inputs(p, rng.normal(size=(T, B, D)), rng.normal(size=(B, H))), rng


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_unrolling_the_vanilla_cell(shape, masked):
    inputs, rng = draw(shape)
    T, B, _, H = shape
    mask, upstream = (random_mask(rng, T, B) if masked else None), some_steps(rng, T, B, H)
    cell = CELLS["rnn"]
    states = unroll(cell, *inputs, mask)
    assert np.array_equal(np.stack(states), rnn_forward(*inputs, mask))
    grads = Inputs(*unroll_backward(cell, inputs.p, inputs.xs, states, list(upstream), mask))
    assert_close(grads, Inputs(*rnn_backward(inputs.p, inputs.xs, np.stack(states), upstream, mask)), 1e-15, "unroll")
    prove(
        inputs,
        grads,
        lambda i: sum((h * up).sum() for h, up in zip(unroll(cell, *i, mask)[1:], upstream, strict=True)),
        lambda i: (torch_rnn(i.p, i.xs, i.h0, mask)[1:] * tensor(upstream)).sum(),
    )


def pair_step(p, x, state):  # c remembers, h is what is seen of it
    c = np.tanh(x @ p) + 0.5 * state.c * state.h
    return Pair(np.sin(c), c)


def pair_step_backward(p, x, state_prev, state, dstate):
    dc = dstate.c + dstate.h * np.cos(state.c)
    da = dc * (1 - np.tanh(x @ p) ** 2)
    return x.T @ da, da @ p.T, Pair(0.5 * dc * state_prev.c, 0.5 * dc * state_prev.h)


PAIR_CELL = Cell(
    None, lambda p, B: Pair(np.zeros((B, p.shape[1])), np.ones((B, p.shape[1]))), pair_step, pair_step_backward
)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_unrolling_a_cell_whose_state_is_a_named_tuple(shape, masked):
    (T, B, D, H), rng = shape, rng_for(*shape)
    inputs = PairInputs(
        rng.normal(size=(D, H)), rng.normal(size=(T, B, D)), Pair(rng.normal(size=(B, H)), rng.normal(size=(B, H)))
    )
    mask, upstream = (random_mask(rng, T, B) if masked else None), rng.normal(size=(T, 2, B, H))
    states = unroll(PAIR_CELL, *inputs, mask)
    assert all(isinstance(state, Pair) for state in states) and len(states) == T + 1
    dstates = [Pair(*up) for up in upstream]

    def loss(i):
        states = unroll(PAIR_CELL, *i, mask)[1:]
        return sum((s.h * up[0]).sum() + (s.c * up[1]).sum() for s, up in zip(states, upstream, strict=True))

    def loss_torch(i):
        (h, c), total = i.state, 0.0
        for t, x in enumerate(i.xs):
            new = torch.tanh(x @ i.p) + 0.5 * c * h
            real = torch.ones(B, dtype=bool) if mask is None else tensor(mask[t])
            h, c = torch.where(real[:, None], torch.sin(new), h), torch.where(real[:, None], new, c)
            total = total + (h * tensor(upstream[t, 0])).sum() + (c * tensor(upstream[t, 1])).sum()
        return total

    grads = PairInputs(*unroll_backward(PAIR_CELL, inputs.p, inputs.xs, states, dstates, mask))
    prove(inputs, grads, loss, loss_torch)


def test_the_first_state_is_the_cells_own_if_none_is_given():
    inputs, _ = draw((3, 2, 4, 5))
    assert np.array_equal(unroll(CELLS["rnn"], inputs.p, inputs.xs)[0], np.zeros((2, 5)))
    assert np.array_equal(unroll(PAIR_CELL, np.ones((4, 3)), inputs.xs)[0].c, np.ones((2, 3)))

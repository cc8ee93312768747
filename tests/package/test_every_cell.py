"""Every cell by its name: one step, whole sequences, and what must hold for any cell whatever its equations."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_pkg.cells import CELLS, as_state, hidden, run, run_backward, unroll, unroll_backward
from course_pkg.checks import relative_error
from course_pkg.checks.parity import autograd
from course_pkg.gru import GRUParams, gru_step
from course_pkg.lstm import LSTMParams, LSTMState, lstm_step
from course_pkg.lstm_variants import coupled_as_lstm, coupled_step, peephole_step
from course_pkg.tree import add, count, leaves, scale, tree_map
from course_pkg.variants import fit, fit_backward, mut1_step, mut2_step, mut3_step
from tests.package import torch_cells
from tests.package.helpers import (
    AUTOGRAD,
    SHAPES,
    assert_close,
    length_mask,
    prove,
    random_mask,
    rng_for,
    shape_id,
    some_steps,
    tensor,
)

NAMES = st.sampled_from(list(CELLS))


class Inputs(NamedTuple):
    p: Any
    x: np.ndarray  # one step or all steps
    state: Any


def draw(name, T, B, D, H, rng):
    """Random parameters (biases and peepholes too), inputs and initial state of a cell."""
    p = CELLS[name].init(rng, D, H)
    p = tree_map(lambda a: rng.normal(0, 1 / np.sqrt(a.shape[-1]) if a.ndim == 2 else 0.7, a.shape), p)
    zeros = CELLS[name].initial_state(p, B)
    state = tree_map(lambda a: rng.choice([-1, 1], a.shape) * rng.uniform(0.4, 1, a.shape), zeros)
    return Inputs(p, rng.normal(0, 0.5, (T, B, D)), state)  # no gate all but shut, no state all but 0


def dot(a, b):
    """The sum of products over two states."""
    return sum((x * y).sum() for x, y in zip(a, b, strict=True)) if isinstance(a, tuple) else (a * b).sum()


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_one_step(name, shape):
    cell, rng = CELLS[name], rng_for(*shape)
    inputs = draw(name, *shape, rng)
    inputs = inputs._replace(x=inputs.x[0])
    new = cell.step(*inputs)
    assert_close(new, tree_map(np.asarray, torch_cells.STEPS[name](*tree_map(tensor, inputs))), 1e-13, "torch")
    up = tree_map(lambda a: rng.normal(size=a.shape), new)
    prove(
        inputs,
        Inputs(*cell.step_backward(*inputs, new, up)),
        lambda i: dot(cell.step(*i), up),
        lambda i: dot(torch_cells.STEPS[name](*i), tree_map(tensor, up)),
    )


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_a_sequence_from_any_outputs_and_the_last_state(name, shape):
    cell, rng = CELLS[name], rng_for(*shape)
    inputs, (T, B, _, H) = draw(name, *shape, rng), shape
    mask = random_mask(rng, T, B) if sum(shape) % 2 else None
    up, dlast = some_steps(rng, T, B, H), tree_map(lambda a: rng.normal(size=a.shape), inputs.state)

    def loss_torch(i):
        states = torch_cells.states(torch_cells.STEPS[name], *i, mask)
        outputs = sum((hidden(s) * tensor(u)).sum() for s, u in zip(states[1:], up, strict=True))
        return outputs + dot(states[-1], tree_map(tensor, dlast))

    result = run(cell, *inputs, mask)
    value, wanted = autograd(loss_torch, inputs)
    assert (result.outputs * up).sum() + dot(result.last, dlast) == pytest.approx(value, rel=1e-12, abs=1e-12)
    assert_close(
        Inputs(*run_backward(cell, *inputs[:2], result, up, dlast, mask)), wanted, AUTOGRAD, "autograd"
    )
    without = run_backward(cell, *inputs[:2], result, up, None, mask)
    assert_close(without, run_backward(cell, *inputs[:2], result, up, scale(dlast, 0.0), mask), 1e-15, "no dlast")


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES[:8], ids=shape_id)
def test_the_fast_run_equals_the_unrolled_one(name, shape, masked):
    cell, rng = CELLS[name], rng_for(*shape)
    inputs, (T, B, _, H) = draw(name, *shape, rng), shape
    mask, up = (random_mask(rng, T, B) if masked else None), rng.normal(size=(T, B, H))
    plain = cell._replace(forward=None, backward=None)
    fast, slow = run(cell, *inputs, mask), run(plain, *inputs, mask)
    states = unroll(cell, *inputs, mask)
    assert_close(slow.outputs, np.stack([hidden(s) for s in states[1:]]), 1e-15, "unroll")
    assert_close((fast.outputs, fast.last), (slow.outputs, states[-1]), 1e-12, "run against unroll")
    dstates = [as_state(u, inputs.state) for u in up]
    wanted = unroll_backward(cell, *inputs[:2], states, dstates, mask)
    for one, result in ((cell, fast), (plain, slow)):
        assert_close(run_backward(one, *inputs[:2], result, up, None, mask), wanted, 1e-12, "run against unroll")


# ---- what must hold for any cell ---------------------------------------------------------------------------------


@st.composite
def problems(draw_, max_sequences=4, max_length=6):
    """A cell's name, a generator, the lengths of some sequences, D and H."""
    sizes = st.integers(1, 5)
    return (
        draw_(NAMES),
        np.random.default_rng(draw_(st.integers(0, 2**32 - 1))),
        draw_(st.lists(st.integers(1, max_length), min_size=1, max_size=max_sequences)),
        draw_(sizes),
        draw_(sizes),
    )


def row(tree, b):
    """Sequence b of a state, as a batch of one."""
    return tree_map(lambda a: a[b : b + 1], tree)


@given(problems(), st.floats(-1e100, 1e100))
def test_a_padded_batch_is_its_sequences_one_by_one(problem, padding):
    name, rng, lengths, D, H = problem
    cell, T, B = CELLS[name], max(problem[2]), len(problem[2])
    inputs, mask = draw(name, T, B, D, H, rng), length_mask(lengths, max(lengths))
    xs = np.where(mask[..., None], inputs.x, padding)
    up, dlast = rng.normal(size=(T, B, H)) * mask[..., None], tree_map(lambda a: rng.normal(size=a.shape), inputs.state)
    result = run(cell, inputs.p, xs, inputs.state, mask)
    dp, dxs, dstate = run_backward(cell, inputs.p, xs, result, up, dlast, mask)
    total = scale(dp, 0.0)
    for b, n in enumerate(lengths):
        one = run(cell, inputs.p, inputs.x[:n, b : b + 1], row(inputs.state, b))
        assert_close(one.last, row(result.last, b), 1e-12, "padding")
        assert_close(one.outputs, result.outputs[:n, b : b + 1], 1e-12, "padding")
        found = run_backward(cell, inputs.p, inputs.x[:n, b : b + 1], one, up[:n, b : b + 1], row(dlast, b))
        assert_close(found[1:], (dxs[:n, b : b + 1], row(dstate, b)), 1e-10, "padding")
        total = add(total, found[0])
    assert_close(dp, total, 1e-10, "padding")
    assert not dxs[~mask].any()


@given(problems())
def test_the_order_of_the_batch_does_not_matter(problem):
    name, rng, lengths, D, H = problem
    cell, T, B = CELLS[name], max(problem[2]), len(problem[2])
    inputs, mask, up = draw(name, T, B, D, H, rng), length_mask(lengths, T), rng.normal(size=(T, B, H))
    order = rng.permutation(B)
    result = run(cell, *inputs, mask)
    shuffled = inputs.x[:, order], tree_map(lambda a: a[order], inputs.state), mask[:, order]
    other = run(cell, inputs.p, *shuffled)
    assert_close(other.outputs, result.outputs[:, order], 1e-12, "batch order")
    dp, dxs, _ = run_backward(cell, *inputs[:2], result, up, None, mask)
    dp_other, dxs_other, _ = run_backward(cell, inputs.p, shuffled[0], other, up[:, order], None, shuffled[2])
    assert_close((dp_other, dxs_other), (dp, dxs[:, order]), 1e-11, "batch order")


@given(problems(max_length=8), st.data())
def test_a_sequence_may_be_cut_and_carried_on(problem, data):
    """Forward from the state, backward with the gradient of the state: both chunks together are the whole."""
    name, rng, lengths, D, H = problem
    cell, T, B = CELLS[name], max(problem[2]) + 1, len(problem[2])
    inputs, up = draw(name, T, B, D, H, rng), rng.normal(size=(T, B, H))
    cut = data.draw(st.integers(1, T - 1))
    whole = run(cell, *inputs)
    first = run(cell, inputs.p, inputs.x[:cut], inputs.state)
    second = run(cell, inputs.p, inputs.x[cut:], first.last)
    assert_close(np.concatenate([first.outputs, second.outputs]), whole.outputs, 1e-12, "split and carry")
    dp_2, dxs_2, dlast = run_backward(cell, inputs.p, inputs.x[cut:], second, up[cut:])
    dp_1, dxs_1, dstate = run_backward(cell, inputs.p, inputs.x[:cut], first, up[:cut], dlast)
    parts = add(dp_1, dp_2), np.concatenate([dxs_1, dxs_2]), dstate
    assert_close(parts, run_backward(cell, *inputs[:2], whole, up), 1e-11, "split and carry")


GATES = {"rnn": 1, "lstm": 4, "gru": 3, "gru_before": 3, "peephole": 4, "coupled": 3}


@given(st.integers(1, 8), st.integers(1, 8))
def test_the_number_of_parameters_is_the_formula(D, H):
    rng = np.random.default_rng(0)
    numbers = {name: count(cell.init(rng, D, H)) for name, cell in CELLS.items()}
    extra = {"gru": H, "gru_before": H, "peephole": 3 * H}  # b_hn; the peepholes
    for name, gates in GATES.items():
        assert numbers[name] == gates * (H * D + H * H + H) + extra.get(name, 0)
    assert numbers["mut1"] == 2 * H * D + 2 * H * H + 3 * H
    assert numbers["mut2"] == 2 * H * D + 3 * H * H + 3 * H
    assert numbers["mut3"] == 3 * H * D + 3 * H * H + 3 * H


@pytest.mark.parametrize("name", CELLS)
def test_the_cell_contract(name):
    cell, rng = CELLS[name], np.random.default_rng(0)
    p = cell.init(rng, 3, 5)
    assert all(array.dtype == np.float64 for _, array in leaves(p))
    state = cell.initial_state(p, 4)
    assert not np.any(hidden(state)) and hidden(state).shape == (4, 5)
    new = cell.step(p, rng.normal(size=(4, 3)), state)
    assert type(new) is type(state) and hidden(new).shape == (4, 5) and np.any(hidden(new))
    p32 = cell.init(np.random.default_rng(0), 3, 5, dtype=np.float32)
    assert {array.dtype for _, array in leaves(p32)} == {np.dtype(np.float32)}
    again = cell.init(np.random.default_rng(0), 3, 5)
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(leaves(p), leaves(again), strict=True))


# ---- how the variants hang together ------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_the_coupled_lstm_is_an_lstm_whose_input_gate_is_one_minus_f(shape):
    p, xs, state = draw("coupled", *shape, rng_for(*shape))
    assert_close(lstm_step(coupled_as_lstm(p), xs[0], state), coupled_step(p, xs[0], state), 1e-14, "coupled")


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_without_peepholes_the_peephole_lstm_is_the_lstm(shape):
    p, xs, state = draw("peephole", *shape, rng_for(*shape))
    blind = p._replace(p_i=0 * p.p_i, p_f=0 * p.p_f, p_o=0 * p.p_o)
    assert_close(peephole_step(blind, xs[0], state), lstm_step(LSTMParams(*p[:3]), xs[0], state), 1e-15, "peephole")


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_mut2_and_mut3_are_near_the_gru_with_reset_before(shape):
    """MUT3 is that GRU but for the tanh in z, MUT2 but for the input of r; both overwrite."""
    p, xs, h0 = draw("mut3", *shape, rng_for(*shape))
    H = len(p.b_n)

    def as_gru(p, W_xr):
        arrays = [(W_xr, p.W_xz, p.W_xn), (p.W_hr, p.W_hz, p.W_hn), (p.b_r, p.b_z, p.b_n)]
        return GRUParams(*map(np.concatenate, arrays), np.zeros(H))

    def gru(p, W_xr):
        return gru_step(as_gru(p, W_xr), xs[0], h0, "before", "overwrites")

    deaf = p._replace(W_hz=0 * p.W_hz)  # z does not see h: then the tanh does not matter
    assert relative_error(mut3_step(deaf, xs[0], h0), gru(deaf, p.W_xr)) < 1e-14
    p, xs, h0 = draw("mut2", *shape, rng_for(*shape))
    joined = fit(np.eye(shape[2]), H).T  # (H, D): what adds x to r
    assert relative_error(mut2_step(p, xs[0], h0), gru(p, joined)) < 1e-14


def test_mut1_reads_the_past_only_through_the_reset_gate():
    p, xs, h0 = draw("mut1", 1, 2, 3, 3, np.random.default_rng(0))
    shut = p._replace(b_r=np.full(3, -50.0), b_z=np.full(3, 50.0))  # r = 0, z = 1: the past is gone
    assert relative_error(mut1_step(shut, xs[0], h0), np.tanh(np.tanh(xs[0]) + p.b_n)) < 1e-12


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_fit_is_the_identity_for_equal_sizes_and_its_backward_the_transpose(D, H, seed):
    rng = np.random.default_rng(seed)
    x, dy = rng.normal(size=(4, D)), rng.normal(size=(4, H))
    y = fit(x, H)
    assert y.shape == (4, H) and fit_backward(dy, D).shape == (4, D)
    assert (y * dy).sum() == pytest.approx((x * fit_backward(dy, D)).sum(), abs=1e-12)
    assert D != H or np.array_equal(y, x)
    assert all((y[0] == value).any() for value in x[0]) if D <= H else y.sum() == pytest.approx(x.sum())


def test_states_as_named_tuples_and_as_arrays():
    pair = LSTMState(np.ones((2, 3)), np.full((2, 3), 2.0))
    assert hidden(pair) is pair.h and hidden(pair.c) is pair.c
    assert not as_state(pair.h, pair).c.any() and as_state(pair.h, pair).h is pair.h
    assert as_state(pair.h, pair.c) is pair.h

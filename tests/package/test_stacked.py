"""Depth and direction over any cell: torch's packed sequences, central differences, dropout, padding."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_pkg import torch_twins
from course_pkg.bidirectional import (
    Directions,
    bidirectional,
    bidirectional_backward,
    bidirectional_forward,
    init_bidirectional,
)
from course_pkg.cells import CELLS, hidden, run, run_backward
from course_pkg.checks import relative_error
from course_pkg.stacked import (
    dropout_factors,
    init_stacked,
    stacked_backward,
    stacked_forward,
    stacked_step,
)
from course_pkg.tree import count, tree_map
from tests.package.helpers import (
    AUTOGRAD,
    SHAPES,
    assert_close,
    length_mask,
    prove,
    rng_for,
    shape_id,
    tensor,
    torch,
)

TORCH_CELLS = ("rnn", "lstm", "gru")


class Inputs(NamedTuple):
    p: Any  # parameters of each layer
    xs: np.ndarray
    states: Any


def layer_of(name, directions):
    return bidirectional(CELLS[name]) if directions == 2 else CELLS[name]


def draw(layer, shape, layers, rng):
    """Random parameters, inputs and first states of a stack."""
    T, B, D, H = shape
    p = init_stacked(layer, rng, D, H, layers)
    p = tree_map(lambda a: rng.normal(0, 1 / np.sqrt(a.shape[-1]) if a.ndim == 2 else 0.7, a.shape), p)
    states = tree_map(lambda a: rng.normal(0, 0.7, a.shape), tuple(layer.initial_state(q, B) for q in p))
    return Inputs(p, rng.normal(size=(T, B, D)), states)


def like(tree, rng):
    return tree_map(lambda a: rng.normal(size=a.shape), tree)


# ---- torch -------------------------------------------------------------------------------------------------------


def stacked_states(states):
    """The states of all layers and directions as torch wants them: h (L*directions, B, H), and c for the LSTM."""
    one_by_one = [s for state in states for s in (state if isinstance(state, Directions) else (state,))]
    h = np.stack([hidden(s) for s in one_by_one])
    return (h, np.stack([s.c for s in one_by_one])) if hasattr(one_by_one[0], "c") else h


def map_states(f, states):
    return tuple(f(s) for s in states) if isinstance(states, tuple) else f(states)


def torch_packed(inputs, lengths):
    """nn.RNN, nn.LSTM or nn.GRU on packed sequences: module, tensors, outputs and last states in our order."""
    module = torch_twins.to_torch_layers(inputs.p)
    x = tensor(inputs.xs).requires_grad_()
    first = map_states(lambda s: tensor(s).requires_grad_(), stacked_states(inputs.states))
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    outputs, last = module(packed, first)
    outputs, _ = torch.nn.utils.rnn.pad_packed_sequence(outputs, total_length=len(inputs.xs))
    return module, x, first, outputs, last


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("name", TORCH_CELLS)
def test_torch_agrees_on_packed_sequences(name, layers, directions):
    """Outputs, last states and every gradient, sequences of all lengths in one batch, at all shapes."""
    layer = layer_of(name, directions)
    for shape in SHAPES:
        (T, B, _, _), rng = shape, rng_for(*shape, layers, directions)
        inputs = draw(layer, shape, layers, rng)
        lengths = rng.integers(1, T + 1, B)
        lengths[0] = T
        mask = length_mask(lengths, T)
        module, x, first, outputs, last = torch_packed(inputs, lengths)
        result = stacked_forward(layer, *inputs, mask)
        assert relative_error(result.outputs * mask[..., None], outputs.detach().numpy()) < 1e-12
        wanted_last = map_states(lambda s: s.detach().numpy(), last)
        assert_close(stacked_states(result.last), wanted_last, 1e-12, "torch.nn, packed")
        up, dlast = rng.normal(size=outputs.shape) * mask[..., None], like(inputs.states, rng)
        loss = (outputs * tensor(up)).sum()
        for s, ds in zip(as_tuple(last), as_tuple(stacked_states(dlast)), strict=True):
            loss = loss + (s * tensor(ds)).sum()
        loss.backward()
        dp, dxs, dstates = stacked_backward(layer, inputs.p, result, up, dlast, mask)
        assert_close(dp, torch_twins.from_torch_layers(module, grads=True), AUTOGRAD, "torch.nn, packed")
        assert relative_error(dxs, x.grad.numpy()) < AUTOGRAD
        wanted = map_states(lambda s: s.grad.numpy(), first)
        assert_close(stacked_states(dstates), wanted, AUTOGRAD, "torch.nn, packed")


def as_tuple(states):
    return states if isinstance(states, tuple) else (states,)


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("name", TORCH_CELLS)
def test_weights_travel_to_torch_and_back(name, directions):
    inputs = draw(layer_of(name, directions), (2, 2, 3, 4), 3, np.random.default_rng(0))
    module = torch_twins.to_torch_layers(inputs.p)
    assert module.num_layers == 3 and module.bidirectional == (directions == 2)
    assert_close(torch_twins.from_torch_layers(module), inputs.p, 1e-15, "loaders")
    bare = type(module)(3, 4, num_layers=2, bidirectional=directions == 2, bias=False, dtype=torch.float64)
    p = torch_twins.from_torch_layers(bare)
    xs = np.random.default_rng(1).normal(size=(3, 2, 3))
    outputs = stacked_forward(layer_of(name, directions), p, xs).outputs
    assert relative_error(outputs, bare(tensor(xs))[0].detach().numpy()) < 1e-12


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: t.to_torch_layers([1]), TypeError, "params must be a tuple of layers, got list$"),
        (lambda t: t.to_torch_layers((CELLS["mut1"].init(RNG, 2, 3),)), TypeError, "RNNParams, .* got MUT1Params$"),
        (lambda t: t.to_torch_lstm(CELLS["gru"].init(RNG, 2, 3)), TypeError, "must be LSTMParams, got GRUParams$"),
        (lambda t: t.to_torch_gru(CELLS["lstm"].init(RNG, 2, 3)), TypeError, "must be GRUParams, got LSTMParams$"),
        (lambda t: t.from_torch_lstm(torch.nn.GRU(2, 3)), TypeError, "must be a torch.nn.LSTM, got GRU$"),
        (lambda t: t.from_torch_gru(torch.nn.GRU(2, 3, 2)), ValueError, "one layer and one .*, got num_layers=2"),
        (lambda t: t.from_torch_layers(torch.nn.Linear(2, 3)), TypeError, "must be an nn.RNN, .*, got Linear$"),
        (lambda t: t.from_torch_layers(torch.nn.RNN(2, 3, nonlinearity="relu")), ValueError, "got 'relu'$"),
        (lambda t: t.from_torch_layers(torch.nn.LSTM(2, 3, proj_size=1)), ValueError, "got proj_size=1$"),
        (lambda t: t.from_torch_layers(torch.nn.GRU(2, 3), grads=True), ValueError, r"call loss.backward\(\) before$"),
        (lambda t: t.from_torch_layers(torch.nn.GRU(2, 3, bias=False), grads=True), ValueError, "got bias=False$"),
        (lambda t: t.GRU(2, 3, reset="never"), ValueError, "reset must be one of 'after', .* got 'never'$"),
    ],
)
def test_what_torch_cannot_take_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(torch_twins)


RNG = np.random.default_rng(0)


# ---- any cell ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "directions"), [*((name, 1) for name in CELLS), ("mut1", 2), ("peephole", 2)])
def test_gradients_of_two_layers_with_dropout(name, directions):
    """Through both layers, the same entries dropped each time (the same seed)."""
    layer, shape, rng = layer_of(name, directions), (2, 2, 1, 2), np.random.default_rng(directions)
    T, B, _, H = shape
    inputs, mask = draw(layer, shape, 2, rng), np.array([[True, True], [True, False]])
    up, dlast = rng.normal(size=(T, B, directions * H)), like(inputs.states, rng)

    def forward(i):
        return stacked_forward(layer, *i, mask, dropout=0.4, rng=np.random.default_rng(5))

    def loss(i):
        result = forward(i)
        last = zip(stacked_list(result.last), stacked_list(dlast), strict=True)
        return (result.outputs * up).sum() + sum((a * b).sum() for a, b in last)

    result = forward(inputs)
    assert np.any(result.drops[1] == 0) and np.any(result.drops[1] > 0)
    prove(inputs, Inputs(*stacked_backward(layer, inputs.p, result, up, dlast, mask)), loss)


def stacked_list(tree):
    return [array for part in tree for array in stacked_list(part)] if isinstance(tree, tuple) else [tree]


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_two_directions_are_two_runs_of_which_one_reads_the_reversed_sequence(name, shape):
    """Sequence by sequence without any padding: the definition."""
    cell, (T, B, D, H), rng = CELLS[name], shape, rng_for(*shape)
    p = like(init_bidirectional(cell, rng, D, H), rng)
    lengths = rng.integers(1, T + 1, B)
    xs, mask = rng.normal(size=(T, B, D)), length_mask(lengths, T)
    xs[~mask] = 1e3  # padding that would show
    result = bidirectional_forward(cell, p, xs, None, mask)
    assert result.outputs.shape == (T, B, 2 * H)
    up = rng.normal(size=(T, B, 2 * H)) * mask[..., None]
    dp, dxs, _ = bidirectional_backward(cell, p, xs, result, up, None, mask)
    assert not dxs[~mask].any() and dp.ahead[0].shape == p.ahead[0].shape
    for b, n in enumerate(lengths):
        x = xs[:n, b : b + 1]
        ahead, back = run(cell, p.ahead, x), run(cell, p.back, x[::-1])
        assert relative_error(result.outputs[:n, b : b + 1, :H], ahead.outputs) < 1e-12
        assert relative_error(result.outputs[:n, b : b + 1, H:], back.outputs[::-1]) < 1e-12
        assert relative_error(hidden(result.last.back)[b], back.outputs[-1, 0]) < 1e-12  # the state after x_1
        _, dx_ahead, _ = run_backward(cell, p.ahead, x, ahead, up[:n, b : b + 1, :H])
        _, dx_back, _ = run_backward(cell, p.back, x[::-1], back, up[:n, b : b + 1, H:][::-1])
        assert relative_error(dxs[:n, b : b + 1], dx_ahead + dx_back[::-1]) < 1e-11


def test_a_network_of_two_directions_has_no_step():
    layer = bidirectional(CELLS["gru"])
    p = layer.init(np.random.default_rng(0), 2, 3)
    with pytest.raises(TypeError, match="has no step"):
        layer.step(p, np.zeros((1, 2)), layer.initial_state(p, 1))
    with pytest.raises(TypeError, match="has no step"):
        stacked_step(layer, (p,), np.zeros((1, 2)), (layer.initial_state(p, 1),))


@pytest.mark.parametrize("name", CELLS)
def test_stepping_equals_reading_the_sequence(name):
    cell, rng = CELLS[name], np.random.default_rng(0)
    inputs = draw(cell, (5, 3, 2, 4), 3, rng)
    result, states = stacked_forward(cell, *inputs), inputs.states
    for t, x in enumerate(inputs.xs):
        states = stacked_step(cell, inputs.p, x, states)
        assert relative_error(hidden(states[-1]), result.outputs[t]) < 1e-12
    assert_close(states, result.last, 1e-12, "steps")


@given(st.sampled_from(list(CELLS)), st.integers(1, 6), st.integers(1, 6), st.integers(1, 3), st.booleans())
def test_the_number_of_parameters_of_a_stack(name, D, H, layers, two):
    layer, rng = layer_of(name, 2 if two else 1), np.random.default_rng(0)
    one = [count(CELLS[name].init(rng, size, H)) for size in [D] + [(2 if two else 1) * H] * (layers - 1)]
    assert count(init_stacked(layer, rng, D, H, layers)) == (2 if two else 1) * sum(one)


# ---- dropout -----------------------------------------------------------------------------------------------------


def test_dropout_is_inverted_seeded_and_between_layers_only():
    inputs = draw(CELLS["gru"], (4, 3, 2, 50), 3, np.random.default_rng(0))

    def outputs(rate, seed):
        rng = None if seed is None else np.random.default_rng(seed)
        return stacked_forward(CELLS["gru"], *inputs, dropout=rate, rng=rng)

    plain = outputs(0.0, None).outputs
    assert np.array_equal(outputs(0.5, None).outputs, plain)  # evaluation: nothing drops
    assert np.array_equal(outputs(0.0, 1).outputs, plain)
    assert np.array_equal(outputs(0.5, 1).outputs, outputs(0.5, 1).outputs)
    assert not np.array_equal(outputs(0.5, 1).outputs, outputs(0.5, 2).outputs)
    result = outputs(0.5, 1)
    assert result.drops[0] is None and np.array_equal(result.inputs[0], inputs.xs)
    assert result.outputs.all()  # the last layer's outputs are whole
    for layer in (1, 2):
        assert np.array_equal(result.inputs[layer], result.layers[layer - 1].outputs * result.drops[layer])
        assert set(np.unique(result.drops[layer])) == {0.0, 2.0}


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_keeps_the_mean(rate, dtype):
    factors = dropout_factors(np.random.default_rng(0), np.ones((400, 500), dtype), rate)
    assert factors.dtype == dtype and np.unique(factors) == pytest.approx([0, 1 / (1 - rate)], rel=1e-6)
    assert (factors == 0).mean() == pytest.approx(rate, abs=0.004)
    assert factors.mean() == pytest.approx(1, abs=5 * np.sqrt(rate / (1 - rate) / factors.size))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: stack(dropout=1.0), ValueError, r"^stacked_forward: the dropout rate must be in \[0, 1\), got 1.0$"),
        (lambda: stack(dropout=-0.1), ValueError, r"^stacked_forward: the dropout rate must be .* got -0.1$"),
        (lambda: stack(dropout=0.5, rng=7), TypeError, "^dropout_factors: rng must be a numpy Generator"),
        (lambda: stack(states=(np.zeros((2, 3)),)), ValueError, "states must be a tuple of 2 .*, got a tuple of 1$"),
        (lambda: stack(states=np.zeros((2, 2, 3))), ValueError, "states must be a tuple of 2 .*, got ndarray$"),
        (lambda: stack(xs=np.zeros((4, 2, 5))), ValueError, r"with D=2 \(from p.W_x\), got shape \(4, 2, 5\)$"),
        (lambda: stack(params=CELLS["gru"].init(RNG, 2, 3)), TypeError, "the parameters of each layer, got GRU"),
        (lambda: init_stacked(CELLS["gru"], RNG, 2, 3, 0), ValueError, "layers must be an integer >= 1, got 0$"),
        (
            lambda: bidirectional_forward(CELLS["gru"], CELLS["gru"].init(RNG, 2, 3), np.zeros((4, 2, 2))),
            TypeError,
            "^bidirectional_forward: params must be a Directions, got GRUParams$",
        ),
    ],
)
def test_bad_stacks_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def stack(params=None, xs=None, **options):
    params = init_stacked(CELLS["gru"], RNG, 2, 3, 2) if params is None else params
    return stacked_forward(CELLS["gru"], params, np.zeros((4, 2, 2)) if xs is None else xs, **options)

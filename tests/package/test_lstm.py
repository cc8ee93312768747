"""The LSTM: sequences forward and backward, reference and fast form, one matrix or four, torch's own.

Single steps are in test_every_cell.py.
"""

from typing import NamedTuple

import numpy as np
import pytest

from course_pkg import torch_twins
from course_pkg.checks import relative_error
from course_pkg.checks.parity import autograd
from course_pkg.lstm import (
    GateParams,
    Gates,
    LSTMParams,
    LSTMState,
    LSTMStates,
    init_lstm,
    lstm_backward,
    lstm_forward,
    lstm_step,
    lstm_step_backward,
    lstm_step_separate,
    split_gates,
    stack_gates,
)
from course_pkg.lstm_fast import lstm_backward_fast, lstm_forward_fast
from course_pkg.tree import tree_map
from tests.package import torch_cells
from tests.package.helpers import (
    AUTOGRAD,
    SHAPES,
    assert_close,
    prove,
    random_mask,
    rng_for,
    shape_id,
    some_steps,
    tensor,
    torch,
)

FORMS = {"reference": (lstm_forward, lstm_backward), "fast": (lstm_forward_fast, lstm_backward_fast)}
LONG = (70, 5, 7, 33)  # more steps than one chunk of the fast form would hold in a small cache


class Inputs(NamedTuple):
    p: LSTMParams
    xs: np.ndarray
    state: LSTMState


def draw(shape):
    """Parameters with biases, inputs and initial states, all random, and the generator for what else is drawn."""
    (T, B, D, H), rng = shape, rng_for(*shape)
    p = LSTMParams(rng.normal(0, 0.7, (4 * H, D)), rng.normal(0, 1, (4 * H, H)) / np.sqrt(H), rng.normal(size=4 * H))
    state = LSTMState(rng.normal(0, 0.7, (B, H)), rng.normal(size=(B, H)))
    return Inputs(p, rng.normal(size=(T, B, D)), state), rng


def torch_states(i, mask=None):
    states = torch_cells.states(torch_cells.lstm, i.p, i.xs, i.state, mask)
    return torch.stack([s.h for s in states]), torch.stack([s.c for s in states])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_backward_from_any_steps_of_h_and_c(shape, form):
    forward, backward = FORMS[form]
    inputs, rng = draw(shape)
    T, B, _, H = shape
    mask = random_mask(rng, T, B) if sum(shape) % 2 else None
    up_h, up_c = some_steps(rng, T, B, H), some_steps(rng, T, B, H)

    def loss(i):
        states = forward(*i, mask)
        return (states.hs[1:] * up_h).sum() + (states.cs[1:] * up_c).sum()

    def loss_torch(i):
        hs, cs = torch_states(i, mask)
        return (hs[1:] * tensor(up_h)).sum() + (cs[1:] * tensor(up_c)).sum()

    prove(inputs, Inputs(*backward(*inputs[:2], forward(*inputs, mask), up_h, up_c, mask)), loss, loss_torch)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_backward_from_h_alone_and_from_the_final_state_alone(shape, masked, form):
    forward, backward = FORMS[form]
    inputs, rng = draw(shape)
    T, B, _, H = shape
    mask = random_mask(rng, T, B) if masked else None
    states, up, zeros = forward(*inputs, mask), rng.normal(size=(T, B, H)), np.zeros((T, B, H))
    _, wanted = torch_cells_gradient(inputs, mask, up, zeros)
    assert_close(Inputs(*backward(*inputs[:2], states, up, mask=mask)), wanted, AUTOGRAD, "autograd")
    up[:-1] = 0  # the decoder of a translation hands back dL/dh_T and dL/dc_T, nothing else
    _, wanted = torch_cells_gradient(inputs, mask, up, up[:, ::-1])
    assert_close(Inputs(*backward(*inputs[:2], states, up, up[:, ::-1], mask)), wanted, AUTOGRAD, "autograd")


def torch_cells_gradient(inputs, mask, up_h, up_c):
    def loss(i):
        hs, cs = torch_states(i, mask)
        return (hs[1:] * tensor(up_h)).sum() + (cs[1:] * tensor(up_c)).sum()

    return autograd(loss, inputs)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [*SHAPES, (100, 2, 3, 8)], ids=shape_id)
def test_torch_nn_lstm_agrees_on_states_and_gradients(shape, form):
    """nn.LSTM with the weights that our loader gave it, and its gradients read back by the loader."""
    forward, backward = FORMS[form]
    (p, xs, state), rng = draw(shape)
    up = rng.normal(size=(*xs.shape[:2], shape[3]))
    module = torch_twins.to_torch_lstm(p)
    x, h0, c0 = (tensor(a).requires_grad_() for a in (xs, state.h[None], state.c[None]))
    outputs, (h, c) = module(x, (h0, c0))
    states = forward(p, xs, state)
    assert np.array_equal(states.hs[0], state.h) and np.array_equal(states.cs[0], state.c)
    assert relative_error(states.hs[1:], outputs.detach().numpy()) < 1e-12
    assert relative_error(states.cs[-1], c[0].detach().numpy()) < 1e-12
    ((outputs * tensor(up)).sum() + (c * 0.5).sum() - h.sum()).backward()
    up[-1] -= 1
    dcs = np.zeros_like(up)
    dcs[-1] = 0.5
    wanted = Inputs(
        torch_twins.from_torch_layers(module, grads=True)[0],
        x.grad.numpy(),
        LSTMState(h0.grad[0].numpy(), c0.grad[0].numpy()),
    )
    assert_close(Inputs(*backward(p, xs, states, up, dcs)), wanted, AUTOGRAD, "torch.nn")
    assert_close(torch_twins.from_torch_lstm(module), p, 1e-15, "loaders")


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_the_torch_twin_is_equal(shape):
    inputs, rng = draw(shape)
    T, B, _, H = shape
    mask, up = random_mask(rng, T, B), rng.normal(size=(T, B, H))
    twin = torch_twins.LSTM.from_params(inputs.p)
    states = lstm_forward(*inputs, mask)
    found = twin(tensor(inputs.xs), tree_map(tensor, inputs.state), tensor(mask))
    assert_close(LSTMStates(*(a.detach().numpy() for a in found)), states, 1e-13, "twins")
    (found.hs[1:] * tensor(up)).sum().backward()
    wanted = torch_twins.read_grads(twin, inputs.p)
    assert_close(lstm_backward(*inputs[:2], states, up, mask=mask)[0], wanted, AUTOGRAD, "twins")


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 5e-5)])
@pytest.mark.parametrize("shape", [*SHAPES, LONG], ids=shape_id)
def test_the_fast_form_equals_the_reference(shape, dtype, tolerance, masked, monkeypatch):
    one_step = 4 * shape[1] * shape[3] * np.dtype(dtype).itemsize
    monkeypatch.setattr("course_pkg.fast.CACHE", 3 * one_step)  # chunks of 3 steps, blocks of 8
    monkeypatch.setattr("course_pkg.fast.BLOCK", 8 * one_step)
    inputs, rng = draw(shape)
    T, B, _, H = shape
    mask = random_mask(rng, T, B) if masked else None
    up_h, up_c = (some_steps(rng, T, B, H).astype(dtype) for _ in range(2))
    inputs = tree_map(lambda a: a.astype(dtype), inputs)
    states, trace = lstm_forward(*inputs, mask), lstm_forward_fast(*inputs, mask)
    oracle = f"fast against reference, {np.dtype(dtype).name}"
    assert_close(LSTMStates(trace.hs, trace.cs), states, tolerance, oracle)
    found = Inputs(*lstm_backward_fast(*inputs[:2], trace, up_h, up_c, mask))
    wanted = Inputs(*lstm_backward(*inputs[:2], states, up_h, up_c, mask))
    assert_close(found, wanted, tolerance, oracle)
    every = [trace.hs, trace.cs, *trace.gates, *found.p, found.xs, *found.state, *wanted.p, wanted.xs, *wanted.state]
    assert {array.dtype for array in every} == {np.dtype(dtype)}


@pytest.mark.parametrize("form", FORMS)
def test_a_hundred_steps_back_equal_autograd(form):
    forward, backward = FORMS[form]
    inputs, rng = draw((100, 3, 4, 16))
    up = np.zeros((100, 3, 16))
    up[-1] = rng.normal(size=(3, 16))  # the loss sits at the last step alone
    _, wanted = torch_cells_gradient(inputs, None, up, 2 * up)
    assert_close(Inputs(*backward(*inputs[:2], forward(*inputs), up, 2 * up)), wanted, AUTOGRAD, "autograd")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_without_an_initial_state_it_is_zero(shape, form):
    (p, xs, state), _ = draw(shape)
    found, zeros = FORMS[form][0](p, xs), tree_map(np.zeros_like, state)
    wanted = FORMS[form][0](p, xs, zeros)
    assert_close((found.hs, found.cs), (wanted.hs, wanted.cs), 1e-15, "zero state")
    assert not found.hs[0].any() and not found.cs[0].any() and found.hs[1:].all()


@pytest.mark.parametrize("form", FORMS)
def test_no_form_writes_into_its_inputs(form):
    forward, backward = FORMS[form]
    inputs, rng = draw((4, 3, 2, 5))
    mask, up = random_mask(rng, 4, 3), rng.normal(size=(4, 3, 5))
    states = forward(*inputs, mask)
    arguments = (inputs, mask, up, tuple(states))
    before = tree_map(np.copy, arguments)
    forward(*inputs, mask)
    first = backward(*inputs[:2], states, up, up, mask)
    assert_close(backward(*inputs[:2], states, up, up, mask), first, 1e-15, "called again")
    assert all(np.array_equal(a, b) for a, b in zip(flat(arguments), flat(before), strict=True))


def flat(tree):
    return [array for part in tree for array in flat(part)] if isinstance(tree, tuple) else [tree]


# ---- one matrix or four ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_four_gates_compute_what_one_matrix_computes(shape):
    (p, xs, state), _ = draw(shape)
    gates = split_gates(p)
    assert isinstance(gates, Gates) and all(isinstance(gate, GateParams) for gate in gates)
    assert_close(lstm_step_separate(gates, xs[0], state), lstm_step(p, xs[0], state), 1e-15, "four gates")
    assert all(np.array_equal(a, b) for a, b in zip(stack_gates(gates), p, strict=True))


class SeparateInputs(NamedTuple):
    gates: Gates
    x: np.ndarray
    state: LSTMState


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_the_gradients_of_four_gates_are_the_pieces_of_the_one_matrix(shape):
    (p, xs, state), rng = draw(shape)
    up = LSTMState(rng.normal(size=state.h.shape), rng.normal(size=state.h.shape))
    dp, dx, dstate = lstm_step_backward(p, xs[0], state, lstm_step(p, xs[0], state), up)

    def loss(i):
        new = lstm_step_separate(*i)
        return (new.h * up.h).sum() + (new.c * up.c).sum()

    prove(SeparateInputs(split_gates(p), xs[0], state), SeparateInputs(split_gates(dp), dx, dstate), loss)


def test_the_gate_order_is_torchs():
    """Each gate alone is set to 0 or 1 by its bias; what the cell then does tells which gate it was."""
    H = 3
    zero = GateParams(np.zeros((H, 2)), np.zeros((H, H)), np.zeros(H))
    shut, open_ = zero._replace(b=np.full(H, -50.0)), zero._replace(b=np.full(H, 50.0))
    state = LSTMState(np.full((1, H), 0.3), np.full((1, H), 0.7))
    x = np.ones((1, 2))

    def step(**gates):
        return lstm_step(stack_gates(Gates(*[gates.get(name, shut) for name in Gates._fields])), x, state)

    assert np.allclose(step(f=open_).c, 0.7) and np.allclose(step(f=open_).h, 0)  # kept, and not shown
    assert np.allclose(step(f=open_, o=open_).h, np.tanh(0.7))  # shown
    assert np.allclose(step(i=open_, g=open_).c, 1) and np.allclose(step(i=open_, g=shut).c, -1)  # written


def test_initial_weights_and_the_forget_bias():
    rng = np.random.default_rng(0)
    p = init_lstm(rng, 3, 20)
    gates = split_gates(p)
    for name, gate in gates._asdict().items():
        assert np.abs(gate.W_h @ gate.W_h.T - np.eye(20)).max() < 1e-14
        assert np.array_equal(gate.b, np.full(20, 1.0 if name == "f" else 0.0))
    assert np.abs(p.W_x).max() <= 1 / np.sqrt(3)
    assert np.array_equal(split_gates(init_lstm(rng, 2, 4, forget_bias=-2.5)).f.b, np.full(4, -2.5))
    uniform = init_lstm(rng, 3, 25, recurrent="uniform").W_h
    assert uniform.shape == (100, 25) and 0.19 < np.abs(uniform).max() <= 0.2  # 1 / sqrt(25)
    assert {v.dtype for v in init_lstm(rng, 2, 4, dtype=np.float32)} == {np.dtype(np.float32)}


def test_the_forget_bias_keeps_the_gradient_of_the_cell():
    """At bias b the cell keeps sigmoid(b) a step at first: with no input and no weights, exactly."""
    for bias in (0.0, 1.0, 3.0):
        p = init_lstm(np.random.default_rng(0), 1, 2, forget_bias=bias)
        p = p._replace(W_x=0 * p.W_x, W_h=0 * p.W_h)
        xs, dhs, dcs = np.zeros((20, 1, 1)), np.zeros((20, 1, 2)), np.zeros((20, 1, 2))
        dcs[-1] = 1
        kept = 1 / (1 + np.exp(-bias))
        dstate = lstm_backward(p, xs, lstm_forward(p, xs), dhs, dcs)[2]
        assert relative_error(dstate.c, np.full((1, 2), kept**20), floor=1e-300) < 1e-12

"""The vanilla RNN: step, unrolling, full and truncated BPTT, reference and fast form."""

from typing import NamedTuple

import numpy as np
import pytest

from course_pkg import fast
from course_pkg.checks import relative_error
from course_pkg.checks.parity import autograd
from course_pkg.dense import ACTIVATIONS
from course_pkg.rnn import (
    RNNParams,
    init_rnn,
    rnn_backward,
    rnn_backward_truncated,
    rnn_forward,
    rnn_step,
    rnn_step_backward,
)
from course_pkg.rnn_fast import rnn_backward_fast, rnn_forward_fast
from course_pkg.tree import count
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
    torch_rnn,
)

PHI = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid, "identity": lambda a: a}
FORMS = {"reference": (rnn_forward, rnn_backward), "fast": (rnn_forward_fast, rnn_backward_fast)}


class StepInputs(NamedTuple):
    p: RNNParams
    x: np.ndarray
    h_prev: np.ndarray


class Inputs(NamedTuple):
    p: RNNParams
    xs: np.ndarray
    h0: np.ndarray


class NoState(NamedTuple):
    p: RNNParams
    xs: np.ndarray


def draw(shape, scale=0.7):
    """Parameters with biases, inputs and an initial state, all random, and the generator for what else is drawn."""
    (T, B, D, H), rng = shape, rng_for(*shape)
    p = RNNParams(rng.normal(0, scale, (H, D)), rng.normal(0, scale / np.sqrt(H), (H, H)), rng.normal(0, scale, H))
    return Inputs(p, rng.normal(size=(T, B, D)), rng.normal(0, 0.7, size=(B, H))), rng


@pytest.mark.parametrize("activation", PHI)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_step_backward(shape, activation):
    (p, xs, h0), rng = draw(shape)
    x, upstream = xs[0], rng.normal(size=h0.shape)
    h = rnn_step(p, x, h0, activation)
    prove(
        StepInputs(p, x, h0),
        StepInputs(*rnn_step_backward(p, x, h0, h, upstream, activation)),
        lambda i: (rnn_step(i.p, i.x, i.h_prev, activation) * upstream).sum(),
        lambda i: (torch_rnn(i.p, i.x[None], i.h_prev, None, PHI[activation])[1] * tensor(upstream)).sum(),
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_backward_from_any_steps_into_parameters_inputs_and_the_initial_state(shape, masked, form):
    forward, backward = FORMS[form]
    inputs, rng = draw(shape)
    T, B, _, H = shape
    mask = random_mask(rng, T, B) if masked else None
    upstream = some_steps(rng, T, B, H)
    hs = forward(*inputs, mask)
    prove(
        inputs,
        Inputs(*backward(inputs.p, inputs.xs, hs, upstream, mask)),
        lambda i: (forward(i.p, i.xs, i.h0, mask)[1:] * upstream).sum(),
        lambda i: (torch_rnn(i.p, i.xs, i.h0, mask)[1:] * tensor(upstream)).sum(),
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", PHI)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_backward_with_every_activation(shape, activation, form):
    forward, backward = FORMS[form]
    inputs, rng = draw(shape)
    T, B, _, H = shape
    mask, upstream = random_mask(rng, T, B), rng.normal(size=(T, B, H))
    hs = forward(*inputs, mask, activation)
    value, wanted = autograd(
        lambda i: (torch_rnn(i.p, i.xs, i.h0, mask, PHI[activation])[1:] * tensor(upstream)).sum(), inputs
    )
    assert (hs[1:] * upstream).sum() == pytest.approx(value, rel=1e-12, abs=1e-12)
    assert_close(Inputs(*backward(inputs.p, inputs.xs, hs, upstream, mask, activation)), wanted, AUTOGRAD, "autograd")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_without_an_initial_state_it_is_zero(shape, form):
    forward, backward = FORMS[form]
    (p, xs, h0), rng = draw(shape)
    hs = forward(p, xs)
    assert np.array_equal(hs, forward(p, xs, np.zeros_like(h0)))
    upstream = rng.normal(size=hs[1:].shape)
    prove(
        NoState(p, xs),
        NoState(*backward(p, xs, hs, upstream)[:2]),
        lambda i: (forward(i.p, i.xs)[1:] * upstream).sum(),
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [*SHAPES, (100, 2, 3, 8)], ids=shape_id)
def test_forward_equals_torch_nn_rnn(shape, form):
    (p, xs, h0), _ = draw(shape)
    module = torch.nn.RNN(shape[2], shape[3], dtype=torch.float64)
    with torch.no_grad():
        module.weight_ih_l0.copy_(tensor(p.W_xh))
        module.weight_hh_l0.copy_(tensor(p.W_hh))
        module.bias_ih_l0.copy_(tensor(p.b_h) * 0.25)  # torch has two biases; only their sum matters
        module.bias_hh_l0.copy_(tensor(p.b_h) * 0.75)
        outputs, last = module(tensor(xs), tensor(h0)[None])
    hs = FORMS[form][0](p, xs, h0)
    assert np.array_equal(hs[0], h0)
    assert relative_error(hs[1:], outputs.numpy()) < 1e-12
    assert relative_error(hs[-1], last[0].numpy()) < 1e-12


@pytest.mark.parametrize("form", FORMS)
def test_a_hundred_steps_back_equal_autograd(form):
    forward, backward = FORMS[form]
    shape = (100, 3, 4, 16)
    inputs, rng = draw(shape)
    upstream = np.zeros((100, 3, 16))
    upstream[-1] = rng.normal(size=(3, 16))  # the loss sits at the last step alone
    got = Inputs(*backward(inputs.p, inputs.xs, forward(*inputs), upstream))
    _, wanted = autograd(lambda i: (torch_rnn(i.p, i.xs, i.h0)[-1] * tensor(upstream[-1])).sum(), inputs)
    assert_close(got, wanted, AUTOGRAD, "autograd")


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-5)])
@pytest.mark.parametrize("shape", [*SHAPES, (60, 5, 7, 33)], ids=shape_id)
def test_the_fast_form_equals_the_reference(shape, dtype, tolerance, masked, activation):
    (p, xs, h0), rng = draw(shape)
    T, B, _, H = shape
    mask = random_mask(rng, T, B) if masked else None
    upstream = some_steps(rng, T, B, H).astype(dtype)
    p, xs, h0 = RNNParams(*(v.astype(dtype) for v in p)), xs.astype(dtype), h0.astype(dtype)
    hs = rnn_forward(p, xs, h0, mask, activation)
    hs_fast = rnn_forward_fast(p, xs, h0, mask, activation)
    grads = Inputs(*rnn_backward(p, xs, hs, upstream, mask, activation))
    grads_fast = Inputs(*rnn_backward_fast(p, xs, hs, upstream, mask, activation))
    assert hs.dtype == hs_fast.dtype == dtype
    assert {v.dtype for v in (*grads.p, *grads[1:], *grads_fast.p, *grads_fast[1:])} == {np.dtype(dtype)}
    oracle = f"fast against reference, {np.dtype(dtype).name}"
    assert_close(hs_fast, hs, tolerance, oracle)
    assert_close(grads_fast, grads, tolerance, oracle)


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", [*SHAPES, (11, 2, 3, 4)], ids=shape_id)
def test_the_fast_form_may_work_in_chunks_of_any_number_of_steps(shape, masked, steps, monkeypatch):
    (p, xs, h0), rng = draw(shape)
    T, B, _, H = shape
    mask, upstream = (random_mask(rng, T, B) if masked else None), some_steps(rng, T, B, H)
    monkeypatch.setattr(fast, "CACHE", steps * B * H * 8)
    assert len(fast.chunks(T, B * H * 8)) == -(-T // steps)
    hs = rnn_forward(p, xs, h0, mask)
    assert_close(rnn_forward_fast(p, xs, h0, mask), hs, 1e-12, "fast in chunks")
    grads = rnn_backward_fast(p, xs, hs, upstream, mask)
    assert_close(Inputs(*grads), Inputs(*rnn_backward(p, xs, hs, upstream, mask)), 1e-12, "fast in chunks")


def test_both_forms_choose_the_same_precision():
    (p, xs, h0), _ = draw((3, 2, 4, 5))
    for types in [(a, b, c) for a in "fd" for b in "fd" for c in "fd"]:
        arguments = RNNParams(*(v.astype(types[0]) for v in p)), xs.astype(types[1]), h0.astype(types[2])
        assert rnn_forward(*arguments).dtype == rnn_forward_fast(*arguments).dtype == np.result_type(*types)


@pytest.mark.parametrize("form", FORMS)
def test_no_form_writes_into_its_inputs(form):
    forward, backward = FORMS[form]
    (p, xs, h0), rng = draw((4, 3, 2, 5))
    mask, upstream = random_mask(rng, 4, 3), rng.normal(size=(4, 3, 5))
    arguments = [*p, xs, h0, mask, upstream]
    before = [array.copy() for array in arguments]
    hs = forward(p, xs, h0, mask)
    hs_before = hs.copy()
    backward(p, xs, hs, upstream, mask)
    assert all(np.array_equal(a, b) for a, b in zip([*arguments, hs], [*before, hs_before], strict=True))


def test_the_same_weights_serve_every_step():
    (p, xs, _), _ = draw((5, 2, 3, 4))
    assert count(p) == 4 * 3 + 4 * 4 + 4  # no T in it
    assert rnn_forward(p, xs).shape == (6, 2, 4) and rnn_forward(p, np.tile(xs, (20, 1, 1))).shape == (101, 2, 4)


# ---- truncated BPTT ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_truncation_after_the_end_is_full_bptt(shape, masked):
    (p, xs, h0), rng = draw(shape)
    T, B, _, H = shape
    mask, upstream = (random_mask(rng, T, B) if masked else None), some_steps(rng, T, B, H)
    hs = rnn_forward(p, xs, h0, mask)
    full = Inputs(*rnn_backward(p, xs, hs, upstream, mask))
    for k in (T, T + 1, 10 * T):
        assert_close(Inputs(*rnn_backward_truncated(p, xs, hs, upstream, k, mask)), full, 1e-15, "truncated k >= T")


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_truncation_to_one_step_is_the_formula_by_hand(shape):
    (p, xs, h0), rng = draw(shape)
    upstream = rng.normal(size=(shape[0], shape[1], shape[3]))
    hs = rnn_forward(p, xs, h0)
    da = upstream * (1 - hs[1:] ** 2)  # each h_t sees its own loss and nothing of the future
    wanted = Inputs(
        RNNParams(np.einsum("tbh,tbd->hd", da, xs), np.einsum("tbh,tbg->hg", da, hs[:-1]), np.einsum("tbh->h", da)),
        np.einsum("tbh,hd->tbd", da, p.W_xh),
        np.einsum("bh,hg->bg", da[0], p.W_hh),
    )
    assert_close(Inputs(*rnn_backward_truncated(p, xs, hs, upstream, 1)), wanted, 1e-13, "truncated k = 1")


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_truncation_is_a_detached_state_at_each_chunk(shape, activation, masked):
    inputs, rng = draw(shape)
    T, B, _, H = shape
    k = int(rng.integers(1, T + 1))
    mask, upstream = (random_mask(rng, T, B) if masked else None), rng.normal(size=(T, B, H))
    hs = rnn_forward(*inputs, mask, activation)

    def chunk(i, start, h):  # what chunk adds to the loss when h is its first state
        steps = slice(start, start + k)
        chunk_mask = None if mask is None else mask[steps]
        return steps, chunk_mask, h if start else i.h0

    def loss(i):
        total = 0.0
        for start in range(0, T, k):
            steps, chunk_mask, h = chunk(i, start, hs[start])  # a constant: no derivative goes through it
            total += (rnn_forward(i.p, i.xs[steps], h, chunk_mask, activation)[1:] * upstream[steps]).sum()
        return total

    def loss_torch(i):
        total, h = 0.0, i.h0
        for start in range(0, T, k):
            steps, chunk_mask, h = chunk(i, start, h.detach())
            states = torch_rnn(i.p, i.xs[steps], h, chunk_mask, PHI[activation])
            total, h = total + (states[1:] * tensor(upstream[steps])).sum(), states[-1]
        return total

    grads = Inputs(*rnn_backward_truncated(inputs.p, inputs.xs, hs, upstream, k, mask, activation))
    prove(inputs, grads, loss, loss_torch)


def test_truncation_drops_what_crosses_a_chunk():
    (p, xs, h0), rng = draw((6, 2, 3, 4))
    upstream = np.zeros((6, 2, 4))
    upstream[-1] = rng.normal(size=(2, 4))
    _, dxs, dh0 = rnn_backward_truncated(p, xs, rnn_forward(p, xs, h0), upstream, 2)
    assert np.abs(dxs[4:]).min() > 0
    assert np.array_equal(dxs[:4], np.zeros((4, 2, 3))) and np.array_equal(dh0, np.zeros((2, 4)))


# ---- initial weights ---------------------------------------------------------------------------------------------


def test_initial_recurrent_weights():
    rng = np.random.default_rng(0)
    W = init_rnn(rng, 3, 20).W_hh
    assert np.abs(W @ W.T - np.eye(20)).max() < 1e-14
    assert np.array_equal(init_rnn(rng, 3, 5, "identity").W_hh, np.eye(5))
    uniform = init_rnn(rng, 3, 25, "uniform")
    assert 0.19 < np.abs(uniform.W_hh).max() <= 0.2  # 1 / sqrt(25)
    assert np.array_equal(uniform.b_h, np.zeros(25))
    assert {v.dtype for v in init_rnn(rng, 2, 4, dtype=np.float32)} == {np.dtype(np.float32)}

"""The GRU in its four forms: sequences forward and backward, reference and fast form, conversions, torch's own.

Single steps with z that keeps are in test_every_cell.py.
"""

from typing import NamedTuple

import numpy as np
import pytest

from course_pkg import torch_twins
from course_pkg.checks import relative_error
from course_pkg.checks.parity import autograd
from course_pkg.gru import (
    RESETS,
    UPDATES,
    GRUGates,
    GRUParams,
    gru_backward,
    gru_forward,
    gru_step,
    gru_step_backward,
    init_gru,
    split_gru_gates,
    stack_gru_gates,
    swap_update,
)
from course_pkg.gru_fast import gru_backward_fast, gru_forward_fast
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

FORMS = {"reference": (gru_forward, gru_backward), "fast": (gru_forward_fast, gru_backward_fast)}
LONG = (70, 5, 7, 33)


class Inputs(NamedTuple):
    p: GRUParams
    xs: np.ndarray
    h0: np.ndarray


def draw(shape):
    """Parameters with biases, inputs and initial states, all random, and the generator for what else is drawn."""
    (T, B, D, H), rng = shape, rng_for(*shape)
    W_h = rng.normal(0, 1, (3 * H, H)) / np.sqrt(H)
    p = GRUParams(rng.normal(0, 0.7, (3 * H, D)), W_h, rng.normal(size=3 * H), rng.normal(size=H))
    return Inputs(p, rng.normal(size=(T, B, D)), rng.normal(0, 0.7, (B, H))), rng


def states_of(result):
    """hs: (T+1, B, H), whichever form computed them."""
    return result if isinstance(result, np.ndarray) else result.hs


def torch_states(i, mask=None, **form):
    return torch.stack(torch_cells.states(lambda p, x, h: torch_cells.gru(p, x, h, **form), i.p, i.xs, i.h0, mask))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_backward_from_any_steps(shape, form):
    forward, backward = FORMS[form]
    inputs, rng = draw(shape)
    T, B, _, H = shape
    mask, up = (random_mask(rng, T, B) if sum(shape) % 2 else None), some_steps(rng, T, B, H)
    prove(
        inputs,
        Inputs(*backward(*inputs[:2], forward(*inputs, mask), up, mask)),
        lambda i: (states_of(forward(*i, mask))[1:] * up).sum(),
        lambda i: (torch_states(i, mask)[1:] * tensor(up)).sum(),
    )


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_all_four_forms_forward_and_backward(shape, reset, update):
    inputs, rng = draw(shape)
    T, B, _, H = shape
    mask, up = random_mask(rng, T, B), rng.normal(size=(T, B, H))
    hs = gru_forward(*inputs, mask, reset, update)
    value, wanted = autograd(
        lambda i: (torch_states(i, mask, reset=reset, update=update)[1:] * tensor(up)).sum(), inputs
    )
    assert (hs[1:] * up).sum() == pytest.approx(value, rel=1e-12, abs=1e-12)
    found = Inputs(*gru_backward(*inputs[:2], hs, up, mask, reset, update))
    assert_close(found, wanted, AUTOGRAD, "autograd")


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_a_step_whose_update_gate_overwrites(shape, reset):
    (p, xs, h0), rng = draw(shape)
    up, form = rng.normal(size=h0.shape), (reset, "overwrites")
    h = gru_step(p, xs[0], h0, *form)
    prove(
        Inputs(p, xs[0], h0),
        Inputs(*gru_step_backward(p, xs[0], h0, h, up, *form)),
        lambda i: (gru_step(*i, *form) * up).sum(),
        lambda i: (torch_cells.gru(*i, *form) * tensor(up)).sum(),
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [*SHAPES, (100, 2, 3, 8)], ids=shape_id)
def test_torch_nn_gru_agrees_on_states_and_gradients(shape, form):
    forward, backward = FORMS[form]
    (p, xs, h0), rng = draw(shape)
    up = rng.normal(size=(*xs.shape[:2], shape[3]))
    module = torch_twins.to_torch_gru(p)
    x, h = (tensor(a).requires_grad_() for a in (xs, h0[None]))
    outputs, last = module(x, h)
    states = forward(p, xs, h0)
    assert np.array_equal(states_of(states)[0], h0)
    assert relative_error(states_of(states)[1:], outputs.detach().numpy()) < 1e-12
    ((outputs * tensor(up)).sum() - last.sum()).backward()
    up[-1] -= 1
    wanted = Inputs(torch_twins.from_torch_layers(module, grads=True)[0], x.grad.numpy(), h.grad[0].numpy())
    assert_close(Inputs(*backward(p, xs, states, up)), wanted, AUTOGRAD, "torch.nn")
    assert_close(torch_twins.from_torch_gru(module), p, 1e-15, "loaders")


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("reset", RESETS)
def test_the_torch_twin_is_equal(reset, update):
    for shape in SHAPES:
        inputs, rng = draw(shape)
        T, B, _, H = shape
        mask, up = random_mask(rng, T, B), rng.normal(size=(T, B, H))
        twin = torch_twins.GRU.from_params(inputs.p, reset, update)
        hs = gru_forward(*inputs, mask, reset, update)
        found = twin(tensor(inputs.xs), tensor(inputs.h0), tensor(mask))
        assert relative_error(found.detach().numpy(), hs) < 1e-13
        (found[1:] * tensor(up)).sum().backward()
        wanted = torch_twins.read_grads(twin, inputs.p)
        assert_close(gru_backward(*inputs[:2], hs, up, mask, reset, update)[0], wanted, AUTOGRAD, "twins")


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
    up = some_steps(rng, T, B, H).astype(dtype)
    inputs = tree_map(lambda a: a.astype(dtype), inputs)
    hs, trace = gru_forward(*inputs, mask), gru_forward_fast(*inputs, mask)
    oracle = f"fast against reference, {np.dtype(dtype).name}"
    assert_close(trace.hs, hs, tolerance, oracle)
    found = Inputs(*gru_backward_fast(*inputs[:2], trace, up, mask))
    wanted = Inputs(*gru_backward(*inputs[:2], hs, up, mask))
    assert_close(found, wanted, tolerance, oracle)
    every = [hs, trace.hs, *trace.gates, *found.p, *found[1:], *wanted.p, *wanted[1:]]
    assert {array.dtype for array in every} == {np.dtype(dtype)}


@pytest.mark.parametrize("form", FORMS)
def test_a_hundred_steps_back_equal_autograd(form):
    forward, backward = FORMS[form]
    inputs, rng = draw((100, 3, 4, 16))
    up = np.zeros((100, 3, 16))
    up[-1] = rng.normal(size=(3, 16))  # the loss sits at the last step alone
    _, wanted = autograd(lambda i: (torch_states(i)[-1] * tensor(up[-1])).sum(), inputs)
    assert_close(Inputs(*backward(*inputs[:2], forward(*inputs), up)), wanted, AUTOGRAD, "autograd")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_without_an_initial_state_it_is_zero(shape, form):
    (p, xs, h0), _ = draw(shape)
    found = states_of(FORMS[form][0](p, xs))
    assert np.array_equal(found, states_of(FORMS[form][0](p, xs, np.zeros_like(h0))))
    assert not found[0].any() and found[1:].all()


@pytest.mark.parametrize("form", FORMS)
def test_no_form_writes_into_its_inputs(form):
    forward, backward = FORMS[form]
    inputs, rng = draw((4, 3, 2, 5))
    mask, up = random_mask(rng, 4, 3), rng.normal(size=(4, 3, 5))
    states = forward(*inputs, mask)
    kept = (states,) if isinstance(states, np.ndarray) else tuple(states)
    arguments = [*inputs.p, *inputs[1:], mask, up, *flat(kept)]
    before = [array.copy() for array in arguments]
    forward(*inputs, mask)
    first = backward(*inputs[:2], states, up, mask)
    assert_close(backward(*inputs[:2], states, up, mask), first, 1e-15, "called again")
    assert all(np.array_equal(a, b) for a, b in zip(arguments, before, strict=True))


def flat(tree):
    return [array for part in tree for array in flat(part)] if isinstance(tree, tuple) else [tree]


# ---- conversions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_keeping_and_overwriting_convert_exactly(shape, reset):
    (p, xs, h0), _ = draw(shape)
    kept = gru_forward(p, xs, h0, None, reset, "keeps")
    assert relative_error(gru_forward(swap_update(p), xs, h0, None, reset, "overwrites"), kept) < 1e-15
    assert relative_error(gru_forward(p, xs, h0, None, reset, "overwrites"), kept) > 1e-4  # it does matter
    assert all(np.array_equal(a, b) for a, b in zip(swap_update(swap_update(p)), p, strict=True))


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_the_gradients_convert_by_the_same_signs(shape):
    (p, xs, h0), rng = draw(shape)
    up = rng.normal(size=(*xs.shape[:2], len(p.b_hn)))
    kept = gru_backward(p, xs, gru_forward(p, xs, h0), up)
    q, form = swap_update(p), (None, "after", "overwrites")
    swapped = gru_backward(q, xs, gru_forward(q, xs, h0, *form), up, *form)
    assert_close((swap_update(swapped[0]), *swapped[1:]), kept, 1e-12, "swap")


def test_reset_before_and_after_the_product_differ_unless_h_or_r_is_trivial():
    (p, xs, h0), _ = draw((1, 4, 3, 5))
    after, before = (gru_step(p, xs[0], h0, reset) for reset in RESETS)
    assert np.abs(after - before).max() > 1e-2
    zero = np.zeros_like(h0)
    unbiased = p._replace(b_hn=0 * p.b_hn)  # r also multiplies b_hn, if it comes after
    assert relative_error(*(gru_step(unbiased, xs[0], zero, reset) for reset in RESETS)) < 1e-15
    gates, b_hn = split_gru_gates(p)
    open_ = stack_gru_gates(gates._replace(r=gates.r._replace(b=np.full(5, 50.0))), b_hn)  # r = 1
    assert relative_error(*(gru_step(open_, xs[0], h0, reset) for reset in RESETS)) < 1e-15
    H1 = draw((1, 4, 3, 1))[0]  # with one unit, r * (w h) = w (r * h): alike but for the bias
    one = H1.p._replace(b_hn=0 * H1.p.b_hn)
    assert relative_error(*(gru_step(one, H1.xs[0], H1.h0, reset) for reset in RESETS)) < 1e-15


def test_splitting_and_stacking_are_inverse():
    p = draw((1, 1, 3, 4))[0].p
    gates, b_hn = split_gru_gates(p)
    assert isinstance(gates, GRUGates) and gates.z.W_x.shape == (4, 3)
    assert all(np.array_equal(a, b) for a, b in zip(stack_gru_gates(gates, b_hn), p, strict=True))


def test_initial_weights_and_the_update_bias():
    rng = np.random.default_rng(0)
    gates, b_hn = split_gru_gates(init_gru(rng, 3, 20, update_bias=2.0))
    for name, gate in gates._asdict().items():
        assert np.abs(gate.W_h @ gate.W_h.T - np.eye(20)).max() < 1e-14
        assert np.array_equal(gate.b, np.full(20, 2.0 if name == "z" else 0.0))
    assert np.array_equal(b_hn, np.zeros(20))
    uniform = init_gru(rng, 3, 25, recurrent="uniform").W_h
    assert uniform.shape == (75, 25) and 0.19 < np.abs(uniform).max() <= 0.2  # 1 / sqrt(25)
    assert {v.dtype for v in init_gru(rng, 2, 4, dtype=np.float32)} == {np.dtype(np.float32)}

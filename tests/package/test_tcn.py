"""Causal convolution, weight normalisation and the TCN: gradients, torch's own convolution, the fast form."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from course_pkg import torch_twins
from course_pkg.causal_conv import (
    causal_conv,
    conv_backward,
    conv_forward,
    init_conv,
    weight_length,
    weight_norm,
    weight_norm_backward,
)
from course_pkg.checks import relative_error
from course_pkg.tcn import (
    block_backward,
    block_forward,
    draw_dropout,
    init_tcn,
    receptive_field,
    tcn_backward,
    tcn_forward,
)
from course_pkg.tcn_fast import tcn_backward_fast, tcn_forward_fast
from course_pkg.tree import count, tree_map
from tests.package.helpers import AUTOGRAD, SHAPES, assert_close, prove, rng_for, shape_id, tensor, torch


class Inputs(NamedTuple):
    p: Any
    xs: np.ndarray


def noisy(tree, rng):
    """Every entry random and none near zero, biases too, so that no ReLU stands on its corner."""
    return tree_map(lambda a: rng.choice([-1, 1], a.shape) * rng.uniform(0.2, 1, a.shape), tree)


def draw(shape, levels):
    """(T, B, D, H) -> a TCN of `levels` blocks with K = 1, 2 or 3 taps, its inputs, an upstream gradient."""
    (T, B, D, H), rng = shape, rng_for(*shape, levels)
    p = noisy(init_tcn(rng, D, H, levels, K=int(rng.integers(1, 4))), rng)
    return Inputs(p, rng.normal(size=(T, B, D))), rng.normal(size=(T, B, H))


# ---- weight normalisation ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_weight_norm(shape):
    (K, _, n_in, n_out), rng = shape, rng_for(*shape)
    v, g = rng.normal(size=(K + 1, n_out, n_in)), rng.normal(size=n_out)
    upstream = rng.normal(size=v.shape)
    W = weight_norm(v, g)
    assert np.allclose(weight_length(W), np.abs(g))
    assert np.allclose(weight_norm(3 * v, g), W)  # only the direction of v counts
    dv, dg = weight_norm_backward(v, g, upstream)
    assert np.abs((dv * v).sum(axis=(0, 2))).max() < 1e-13  # at a right angle
    prove(Inputs(v, g), Inputs(dv, dg), lambda t: (weight_norm(*t) * upstream).sum(),
          lambda t: (t[0] * (t[1] / t[0].norm(dim=(0, 2)))[:, None] * tensor(upstream)).sum())  # fmt: skip


def test_weight_norm_starts_as_if_it_were_not_there():
    p = init_conv(np.random.default_rng(0), 3, 4, 5)
    assert np.allclose(weight_norm(p.v, p.g), p.v, rtol=1e-15)
    assert not p.b.any() and p.v.shape == (5, 4, 3) and np.abs(p.v).max() < 1 / np.sqrt(15)


def test_a_direction_of_length_zero_is_refused():
    v = np.ones((2, 3, 2))
    v[:, 1] = 0
    with pytest.raises(ValueError, match="v must have a direction for every output, got zeros at output 1"):
        weight_norm(v, np.ones(3))


# ---- one convolution ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dilation", (1, 2, 3))
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_conv_against_torch(shape, dilation):
    (T, B, n_in, n_out), rng = shape, rng_for(*shape, dilation)
    p = noisy(init_conv(rng, n_in, n_out, K=int(rng.integers(2, 5))), rng)  # with one tap and I = 1, dv is 0
    xs, upstream = rng.normal(size=(T, B, n_in)), rng.normal(size=(T, B, n_out))
    module = torch_twins.to_torch_conv(p, dilation)  # torch's convolution, and torch's weight normalisation
    reach = (len(p.v) - 1) * dilation

    def by_torch(x):
        return module(torch.nn.functional.pad(x.permute(1, 2, 0), (reach, 0))).permute(2, 0, 1)

    assert relative_error(by_torch(tensor(xs)).detach().numpy(), conv_forward(p, xs, dilation)) < 1e-13
    dp, dxs = conv_backward(p, xs, upstream, dilation)
    x = tensor(xs).requires_grad_()
    (by_torch(x) * tensor(upstream)).sum().backward()
    assert relative_error(dxs, x.grad.numpy()) < AUTOGRAD
    back = torch_twins.from_torch_conv(module)
    assert all((a == b).all() for a, b in zip(back, p, strict=True))
    twin = torch_twins.CausalConv.from_params(p, dilation)
    (twin(tensor(xs)) * tensor(upstream)).sum().backward()
    assert_close(dp, torch_twins.read_grads(twin, p), AUTOGRAD, "twins")


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_conv_gradients(shape):
    (T, B, n_in, n_out), rng = shape, rng_for(*shape, 9)
    p, dilation = noisy(init_conv(rng, n_in, n_out, K=3), rng), int(rng.integers(1, 4))
    xs, upstream = rng.normal(size=(T, B, n_in)), rng.normal(size=(T, B, n_out))
    prove(Inputs(p, xs), Inputs(*conv_backward(p, xs, upstream, dilation)),
          lambda t: (conv_forward(t.p, t.xs, dilation) * upstream).sum())  # fmt: skip


def test_conv_by_the_sum_itself():
    """y_t = b + sum_j W_j x_{t-jd}, one number after the other."""
    rng = np.random.default_rng(0)
    W, b, xs, d = rng.normal(size=(3, 2, 4)), rng.normal(size=2), rng.normal(size=(7, 3, 4)), 2
    ys = causal_conv(W, b, xs, d)
    for t in range(7):
        for n in range(3):
            wanted = b + sum(W[j] @ xs[t - j * d, n] for j in range(3) if t - j * d >= 0)
            assert np.allclose(ys[t, n], wanted)


# ---- the network -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", (1, 3))
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_tcn_gradients(shape, levels):
    inputs, upstream = draw(shape, levels)
    values = tcn_forward(*inputs)
    grads = Inputs(*tcn_backward(*inputs, values, upstream))
    prove(inputs, grads, lambda t: (tcn_forward(t.p, t.xs)[-1].y * upstream).sum())
    twin = torch_twins.TCN.from_params(inputs.p)
    ys = twin(tensor(inputs.xs))
    assert relative_error(ys.detach().numpy(), values[-1].y) < 1e-12
    (ys * tensor(upstream)).sum().backward()
    assert_close(grads.p, torch_twins.read_grads(twin, inputs.p), AUTOGRAD, "twins")


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_one_block(shape):
    inputs, upstream = draw(shape, 1)
    drops = draw_dropout(rng_for(*shape), inputs.p, *shape[:2], rate=0.4)[0]
    p, xs = inputs.p[0], inputs.xs
    values = block_forward(p, xs, 2, *drops)
    grads = Inputs(*block_backward(p, xs, values, upstream, 2, *drops))
    if not all((v[v != 0] ** 2 > 1e-12).all() for v in values):
        pytest.skip("a ReLU stands on its corner")
    prove(Inputs(p, xs), grads, lambda t: (block_forward(t.p, t.xs, 2, *drops).y * upstream).sum())


@pytest.mark.parametrize("levels", (1, 2, 4))
@pytest.mark.parametrize("shape", [*SHAPES, (37, 3, 2, 4), (64, 2, 3, 3)], ids=shape_id)
def test_the_fast_form_is_equal(shape, levels):
    (p, xs), upstream = draw(shape, levels)
    rng = rng_for(*shape)
    for dropout in (None, draw_dropout(rng, p, *shape[:2], rate=0.3)):
        values, trace = tcn_forward(p, xs, dropout), tcn_forward_fast(p, xs, dropout)
        assert relative_error(trace.ys, values[-1].y) < 1e-13
        slow = Inputs(*tcn_backward(p, xs, values, upstream, dropout))
        assert_close(Inputs(*tcn_backward_fast(p, trace, upstream, dropout)), slow, 1e-12, "fast")


@pytest.mark.parametrize("levels", (1, 2, 5))
@pytest.mark.parametrize("shape", [*SHAPES, (37, 3, 2, 4), (64, 2, 3, 3), (65, 1, 1, 2)], ids=shape_id)
def test_the_last_output_alone_is_equal(shape, levels):
    """Every second step is dropped after each block, counted from the end; the last output does not notice."""
    (p, xs), upstream = draw(shape, levels)
    upstream[:-1] = 0
    values, trace = tcn_forward(p, xs), tcn_forward_fast(p, xs, last_only=True)
    assert trace.ys.shape == (1, *values[-1].y.shape[1:])
    assert relative_error(trace.ys[0], values[-1].y[-1]) < 1e-13
    slow = Inputs(*tcn_backward(p, xs, values, upstream))
    assert_close(Inputs(*tcn_backward_fast(p, trace, upstream[-1:])), slow, 1e-12, "strided")


def test_the_last_output_alone_computes_two_T_steps():
    p, xs = init_tcn(np.random.default_rng(0), 2, 3, 6, 2), np.zeros((64, 1, 2))
    trace = tcn_forward_fast(p, xs, last_only=True)
    assert [x.shape[1] for x, *_ in trace.inside] == [64, 32, 16, 8, 4, 2]


@pytest.mark.parametrize("K, levels", [(2, 1), (2, 3), (3, 2), (4, 3), (1, 3), (8, 2)])
def test_receptive_field_by_gradient(K, levels):
    """The oldest step that the last output's gradient reaches is receptive_field - 1 steps back, not one less."""
    reach = receptive_field(K, levels)
    rng = np.random.default_rng(0)
    p = init_tcn(rng, 1, 4, levels, K)
    xs = rng.random((reach + 9, 2, 1))
    up = np.zeros((reach + 9, 2, 4))
    up[-1] = 1
    positive = tree_map(np.abs, p)  # no ReLU shuts, no path cancels another
    _, dxs = tcn_backward(positive, xs, tcn_forward(positive, xs), up)
    seen = np.flatnonzero(np.abs(dxs[:, 0, 0])[::-1])
    assert seen.max() == reach - 1


def test_sizes():
    p = init_tcn(np.random.default_rng(0), 2, 24, 8, 8)
    assert count(p) == 24 * 2 * 8 + 15 * 24 * 24 * 8 + 16 * 2 * 24 + 3 * 24
    assert p[0].skip and not any(block.skip for block in p[1:])
    assert receptive_field(8, 8) == 3571


def test_dropout_keeps_the_mean():
    p = init_tcn(np.random.default_rng(0), 2, 20, 1, 2)
    (one, two), = draw_dropout(np.random.default_rng(1), p, 100, 5, 0.25)
    assert set(np.unique(one)) == {0, 1 / 0.75} and abs(one.mean() - 1) < 0.02 and (one != two).any()
    assert (draw_dropout(np.random.default_rng(1), p, 3, 2, 0.0)[0][0] == 1).all()


def test_what_is_refused():
    p, xs = init_tcn(np.random.default_rng(0), 2, 3, 2, 2), np.zeros((4, 1, 2))
    drop = draw_dropout(np.random.default_rng(0), p, 4, 1, 0.5)
    with pytest.raises(ValueError, match="dropout must have 2 pairs"):
        tcn_forward(p, xs, drop[:1])
    with pytest.raises(ValueError, match="dropout must be None with last_only"):
        tcn_forward_fast(p, xs, drop, last_only=True)
    with pytest.raises(ValueError, match=r"rate must be in \[0, 1\), got 1"):
        draw_dropout(np.random.default_rng(0), p, 4, 1, 1.0)
    with pytest.raises(ValueError, match=r"xs must be \(T, B, D\) with D=2 .from p.conv_1.v."):
        tcn_forward(p, np.zeros((4, 1, 3)))
    with pytest.raises(ValueError, match=r"xs must be \(T, B, I\) with I=3"):
        causal_conv(np.zeros((2, 4, 3)), np.zeros(4), np.zeros((5, 2, 2)))
    for bad in (0, -1):
        with pytest.raises(ValueError, match="dilation must be an integer >= 1"):
            causal_conv(np.zeros((2, 4, 3)), np.zeros(4), np.zeros((5, 2, 3)), bad)
    for arguments in ((0, 3), (3, 0)):
        with pytest.raises(ValueError, match="receptive_field"):
            receptive_field(*arguments)

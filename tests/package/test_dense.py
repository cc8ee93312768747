"""Dense layers and activations against three oracles, and against torch.nn.functional."""

from typing import NamedTuple

import numpy as np
import pytest

from course_pkg.checks import relative_error
from course_pkg.dense import (
    ACTIVATIONS,
    DenseParams,
    dense_backward,
    dense_forward,
    init_dense,
    init_mlp,
    mlp_backward,
    mlp_forward,
    sigmoid,
)
from tests.package.helpers import SHAPES, prove, rng_for, shape_id, tensor, torch

F = torch.nn.functional
PHI = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid, "identity": lambda a: a}


class Inputs(NamedTuple):
    p: DenseParams
    x: np.ndarray


class MLPInputs(NamedTuple):
    layers: tuple
    x: np.ndarray


def dense(rng, n_in, n_out):
    return DenseParams(rng.normal(size=(n_out, n_in)), rng.normal(size=n_out))


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
@pytest.mark.parametrize("lead", ["(I)", "(B, I)", "(T, B, I)"])
def test_dense_backward(shape, lead):
    (T, B, n_in, n_out), rng = shape, rng_for(*shape)
    axes = {"(I)": (), "(B, I)": (B,), "(T, B, I)": (T, B)}[lead]
    p, x, upstream = dense(rng, n_in, n_out), rng.normal(size=(*axes, n_in)), rng.normal(size=(*axes, n_out))
    prove(
        Inputs(p, x),
        Inputs(*dense_backward(p, x, upstream)),
        lambda i: (dense_forward(i.p, i.x) * upstream).sum(),
        lambda i: (F.linear(i.x, i.p.W, i.p.b) * tensor(upstream)).sum(),
    )


@pytest.mark.parametrize("activation", PHI)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_mlp_backward(shape, activation):
    (T, B, D, H), rng = shape, rng_for(*shape)
    sizes = (D, H, T)[: 2 + B % 2] + (B + 1,)  # two or three layers
    layers = tuple(dense(rng, n_in, n_out) for n_in, n_out in zip(sizes, sizes[1:], strict=False))
    x, upstream = rng.normal(size=(3, D)), rng.normal(size=(3, B + 1))

    def loss_torch(i):
        y = i.x
        for p in i.layers[:-1]:
            y = PHI[activation](F.linear(y, p.W, p.b))
        return (F.linear(y, i.layers[-1].W, i.layers[-1].b) * tensor(upstream)).sum()

    prove(
        MLPInputs(layers, x),
        MLPInputs(*mlp_backward(layers, mlp_forward(layers, x, activation), upstream, activation)),
        lambda i: (mlp_forward(i.layers, i.x, activation)[-1] * upstream).sum(),
        loss_torch,
    )


def test_mlp_forward_returns_every_output_from_the_input_to_the_logits():
    rng = np.random.default_rng(0)
    layers, x = init_mlp(rng, (3, 4, 5, 2)), rng.normal(size=(6, 3))
    outputs = mlp_forward(layers, x)
    assert [y.shape for y in outputs] == [(6, 3), (6, 4), (6, 5), (6, 2)]
    assert outputs[0] is x
    assert max(np.abs(outputs[1]).max(), np.abs(outputs[2]).max()) < 1  # tanh; the logits are linear


def test_one_layer_is_a_linear_model():
    rng = np.random.default_rng(0)
    layers, x = init_mlp(rng, (3, 2)), rng.normal(size=(4, 3))
    assert np.array_equal(mlp_forward(layers, x, "relu")[-1], dense_forward(layers[0], x))


@pytest.mark.parametrize("activation", PHI)
def test_activations_and_their_derivatives_equal_torch(activation):
    a = np.random.default_rng(1).normal(0, 3, size=(7, 5))
    leaf = tensor(a).requires_grad_()
    PHI[activation](leaf).sum().backward()
    phi, dphi = ACTIVATIONS[activation]
    assert relative_error(phi(a), PHI[activation](leaf).detach().numpy()) < 1e-15
    assert relative_error(dphi(phi(a)), leaf.grad.numpy()) < 1e-14


def test_activations_keep_the_precision_they_are_given():
    a = np.linspace(-2, 2, 5, dtype=np.float32)
    for phi, dphi in ACTIVATIONS.values():
        assert phi(a).dtype == np.float32
        assert dphi(phi(a)).dtype == np.float32


def test_sigmoid_neither_overflows_nor_leaves_the_unit_interval():
    a = np.array([-1e300, -1000.0, -40.0, 0.0, 40.0, 1000.0, 1e300])
    assert np.array_equal(sigmoid(a)[[0, 1, 3, 5, 6]], [0, 0, 0.5, 1, 1])
    assert np.all((sigmoid(a) >= 0) & (sigmoid(a) <= 1))
    assert np.abs(sigmoid(a) - torch.sigmoid(tensor(a)).numpy()).max() < 1e-15


def test_initial_weights_are_bounded_by_the_fan_in_and_repeat_with_the_seed():
    p = init_dense(np.random.default_rng(0), 16, 50)
    assert p.W.shape == (50, 16) and p.b.shape == (50,)
    assert 0.2 < np.abs(p.W).max() <= 0.25 and 0.2 < np.abs(p.b).max() <= 0.25  # 1 / sqrt(16)
    again = init_dense(np.random.default_rng(0), 16, 50)
    assert np.array_equal(p.W, again.W) and np.array_equal(p.b, again.b)
    assert init_dense(np.random.default_rng(0), 2, 3, np.float32).b.dtype == np.float32


def test_backward_does_not_write_into_its_inputs():
    rng = np.random.default_rng(0)
    p, x, da = dense(rng, 3, 2), rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    before = [array.copy() for array in (*p, x, da)]
    dense_backward(p, x, da)
    assert all(np.array_equal(a, b) for a, b in zip((*p, x, da), before, strict=True))

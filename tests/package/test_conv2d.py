"""Convolution and pooling over images: against loops, central differences, the complex step and torch."""

from typing import NamedTuple

import numpy as np
import pytest

from course_pkg.conv2d import (
    ConvParams,
    conv2d_backward,
    conv2d_forward,
    init_conv,
    max_pool,
    max_pool_backward,
    mean_pool,
    mean_pool_backward,
    receptive_field,
)
from tests.package.helpers import prove, rng_for, shape_id, torch

_EDGES = [  # (B, R, C, I, O, P, Q)
    (1, 1, 1, 1, 1, 1, 1), (1, 1, 1, 2, 3, 3, 3), (2, 5, 4, 3, 2, 3, 3), (1, 3, 6, 1, 4, 5, 3), (3, 4, 4, 2, 1, 1, 1),
    (2, 2, 7, 1, 2, 1, 5), (1, 6, 1, 2, 2, 3, 1), (2, 3, 3, 4, 4, 3, 3),
]  # fmt: skip
_RANDOM = np.random.default_rng(5).integers([1, 1, 1, 1, 1, 0, 0], [4, 7, 7, 4, 4, 2, 2], size=(16, 7))
SHAPES = _EDGES + [(*map(int, row[:5]), 2 * int(row[5]) + 1, 2 * int(row[6]) + 1) for row in _RANDOM]


class Inputs(NamedTuple):
    p: ConvParams
    x: np.ndarray


def draw(shape):
    B, R, C, n_in, n_out, P, Q = shape
    rng = rng_for(*shape)
    p = ConvParams(rng.normal(size=(n_out, n_in, P, Q)), rng.normal(size=n_out))
    return Inputs(p, rng.normal(size=(B, R, C, n_in))), rng


def by_loops(p, x, padding):
    """Place by place, as the equation says."""
    (P, Q), (B, R, C, _) = p.W.shape[2:], x.shape
    top, left = (P // 2, Q // 2) if padding == "same" else (0, 0)
    rows, columns = (R, C) if padding == "same" else (R - P + 1, C - Q + 1)
    y = np.tile(p.b, (B, rows, columns, 1))
    for r in range(rows):
        for c in range(columns):
            for i in range(P):
                for j in range(Q):
                    u, v = r + i - top, c + j - left
                    if 0 <= u < R and 0 <= v < C:
                        y[:, r, c] += x[:, u, v] @ p.W[:, :, i, j].T
    return y


def fits(shape, padding):
    return padding == "same" or (shape[1] >= shape[5] and shape[2] >= shape[6])


CASES = [(shape, padding) for padding in ("same", "valid") for shape in SHAPES if fits(shape, padding)]


def test_both_paddings_have_enough_cases():
    assert len(SHAPES) >= 20 and sum(padding == "valid" for _, padding in CASES) >= 10


@pytest.mark.parametrize("shape, padding", CASES, ids=lambda v: v if isinstance(v, str) else shape_id(v))
def test_convolution_and_its_gradient(shape, padding):
    v, rng = draw(shape)
    y = conv2d_forward(*v, padding)
    assert np.allclose(y, by_loops(*v, padding), rtol=0, atol=1e-12)
    da = rng.normal(size=y.shape)

    def loss_torch(v):
        size = (shape[5] // 2, shape[6] // 2) if padding == "same" else 0
        out = torch.nn.functional.conv2d(v.x.permute(0, 3, 1, 2), v.p.W, v.p.b, padding=size)
        return (out.permute(0, 2, 3, 1) * torch.tensor(da)).sum()

    grads = Inputs(*conv2d_backward(*v, da, padding))
    prove(v, grads, lambda v: (conv2d_forward(*v, padding) * da).sum(), loss_torch)


class Image(NamedTuple):
    x: np.ndarray


POOLS = [(1, 2, 2, 1, 2), (2, 4, 6, 3, 2), (1, 3, 3, 2, 3), (3, 1, 1, 2, 1), (2, 6, 3, 1, 3), (1, 2, 8, 4, 2)]
POOLS += [
    (int(b), int(r * s), int(c * s), int(i), int(s))
    for b, r, c, i, s in np.random.default_rng(6).integers(1, [4, 4, 4, 4, 4], (16, 5))
]


@pytest.mark.parametrize("kind", ["max", "mean"])
@pytest.mark.parametrize("shape", POOLS, ids=shape_id)
def test_pooling_and_its_gradient(shape, kind):
    rng, size = rng_for(*shape), shape[-1]
    v = Image(rng.normal(size=shape[:4]))
    pool = {"max": max_pool, "mean": mean_pool}[kind]
    dy = rng.normal(size=pool(v.x, size).shape)
    theirs = {"max": torch.nn.functional.max_pool2d, "mean": torch.nn.functional.avg_pool2d}[kind]

    def loss_torch(v):
        return (theirs(v.x.permute(0, 3, 1, 2), size).permute(0, 2, 3, 1) * torch.tensor(dy)).sum()

    dx = max_pool_backward(v.x, pool(v.x, size), dy, size) if kind == "max" else mean_pool_backward(dy, size)
    prove(v, Image(dx), lambda v: (pool(v.x, size) * dy).sum(), loss_torch)


def test_of_equal_numbers_the_first_one_of_a_tile_receives_the_gradient():
    dx = max_pool_backward(np.zeros((1, 4, 2, 1)), np.zeros((1, 2, 1, 1)), np.array([[[[3.0]], [[5.0]]]]))
    assert dx[0, ..., 0].tolist() == [[3, 0], [0, 0], [5, 0], [0, 0]]
    x = torch.zeros(1, 1, 4, 2, requires_grad=True)
    (torch.nn.functional.max_pool2d(x, 2) * torch.tensor([3.0, 5.0]).reshape(1, 1, 2, 1)).sum().backward()
    assert np.array_equal(x.grad[0, 0].numpy(), dx[0, ..., 0])


def test_a_shifted_image_gives_the_shifted_output():
    v, rng = draw((1, 9, 9, 2, 3, 3, 3))
    x = np.zeros((1, 9, 9, 2))
    x[:, 2:5, 2:5] = rng.normal(size=(1, 3, 3, 2))
    moved = np.roll(x, (2, 1), axis=(1, 2))
    y, y_moved = conv2d_forward(v.p, x), conv2d_forward(v.p, moved)
    assert np.allclose(np.roll(y, (2, 1), axis=(1, 2)), y_moved, rtol=0, atol=1e-13) and np.abs(y - y_moved).max() > 1


@pytest.mark.parametrize("kernels, pool", [((3, 3), 2), ((5, 3), 2), ((3, 1), 3)])
def test_receptive_field_is_what_the_gradient_sees(kernels, pool):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 36, 36, 1))
    first, second = init_conv(rng, 1, 2, kernels[0]), init_conv(rng, 2, 1, kernels[1])
    hidden = conv2d_forward(first, x)
    pooled = mean_pool(hidden, pool)  # a mean sees its whole tile
    y = conv2d_forward(second, pooled)
    dy = np.zeros_like(y)
    dy[:, 5, 5] = 1
    dpooled = conv2d_backward(second, pooled, dy)[1]
    dx = conv2d_backward(first, x, mean_pool_backward(dpooled, pool))[1][0, ..., 0]
    seen = [int(np.ptp(np.flatnonzero(dx.any(axis=axis)))) + 1 for axis in (0, 1)]
    assert seen == [receptive_field([(kernels[0], 1), (pool, pool), (kernels[1], 1)])[0]] * 2


def test_precision_is_kept_and_init_is_scaled():
    p = init_conv(np.random.default_rng(0), 8, 64, 5, dtype=np.float32)
    assert p.W.dtype == p.b.dtype == np.float32 and not p.b.any()
    assert p.W.std() == pytest.approx(np.sqrt(2 / (8 * 25)), rel=0.05)
    x = np.ones((2, 6, 6, 8), np.float32)
    y = conv2d_forward(p, x)
    grads, dx = conv2d_backward(p, x, y)
    pooled = max_pool(y)
    arrays = (y, dx, grads.W, pooled, max_pool_backward(y, pooled, pooled), mean_pool(y), mean_pool_backward(pooled))
    assert {a.dtype for a in arrays} == {np.dtype("float32")}


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda p, x: conv2d_forward(p, x[..., :1]), r"x must be \(B, R, C, I\) with I=2 \(from p.W\)"),
        (lambda p, x: conv2d_forward(p, x, "full"), "padding must be one of 'same', 'valid', got 'full'"),
        (lambda p, x: conv2d_forward(p, x[:, :2], "valid"), "x must have at least 3 rows and 3 columns"),
        (lambda p, x: conv2d_forward(p._replace(W=p.W[:, :, :2]), x), 'odd kernel for padding "same", got 2 x 3'),
        (lambda p, x: conv2d_backward(p, x, np.ones((1, 3, 4, 3))), r"da must be \(1, 4, 4, 3\) \(from x and W\)"),
        (lambda p, x: max_pool(x, 3), r"rows and columns that 3 divides \(from size\), got shape \(1, 4, 4, 2\)"),
        (lambda p, x: max_pool(x, 0), "size must be an integer >= 1, got 0"),
        (lambda p, x: mean_pool(x * np.inf), "x must be finite"),
        (lambda p, x: max_pool_backward(x, max_pool(x), x), r"dy must be \(B, R2, C2, I\) with B=1 .*R2=2"),
        (lambda p, x: max_pool_backward(x, x, x), r"y must be \(1, 2, 2, 2\) \(from x\), got shape \(1, 4, 4, 2\)"),
        (lambda p, x: init_conv(np.random.default_rng(0), 0, 1, 3), "n_in must be an integer >= 1"),
    ],
)
def test_refusals(call, said):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=said):
        call(init_conv(rng, 2, 3, 3), rng.random((1, 4, 4, 2)) + 0.5)

"""The temporal convolutional network in the form used for training: equal to `tcn.py` by test, and faster.

1. Channels stand outermost, (C, T, B): a tap then shifts long runs of memory, and all taps of a convolution are one
   product of (C, K*C) with (K*C, T*B).
2. Where only the last output is read, block l is needed only at every 2^l-th step, counted from the end. So every
   second step is dropped after each block, and what remains has dilation 1: about 2 T steps in all instead of
   `levels` times T. The last output is the same.
"""

from typing import Any, NamedTuple

import numpy as np

from course_pkg import fast
from course_pkg.causal_conv import ConvParams, weight_norm, weight_norm_backward
from course_pkg.dense import DenseParams
from course_pkg.shapes import Float, checked
from course_pkg.tcn import BlockParams, Dropout, _check_dropout


class TCNTrace(NamedTuple):
    """The output, and what the backward pass needs: for each block its input, u and w, channels outermost."""

    ys: np.ndarray  # (T, B, C), or (1, B, C) where only the last step was asked for
    inside: tuple[tuple[np.ndarray, ...], ...]  # x (D, T, B), u, w and y (C, T, B)
    last_only: bool


@checked
def tcn_forward_fast(
    p: tuple, xs: Float["T B D"], dropout: Dropout = None, last_only: bool = False
) -> TCNTrace:
    """As `tcn_forward`: xs (T, B, D) -> ys (T, B, C); with last_only ys[0] (1, B, C) is the last step's output."""
    _check_dropout("tcn_forward_fast", p, dropout)
    if dropout is not None and last_only:
        raise ValueError("tcn_forward_fast: dropout must be None with last_only, where not every step is computed")
    x, inside = np.ascontiguousarray(xs.transpose(2, 0, 1)), []  # (D, T, B)
    for level, block in enumerate(p):
        if last_only and level:
            x = np.ascontiguousarray(x[:, (x.shape[1] - 1) % 2 :: 2])  # every second step, the last one kept
        dilation = 1 if last_only else 2**level
        u = _relu(_conv(block.conv_1, x, dilation))
        _drop(u, dropout, level, 0)
        w = _relu(_conv(block.conv_2, u, dilation))
        _drop(w, dropout, level, 1)
        y = _relu(w + _skip(block.skip, x))  # (C, T, B)
        inside.append((x, u, w, y))
        x = y
    return TCNTrace(y[:, -1:].transpose(1, 2, 0) if last_only else y.transpose(1, 2, 0), tuple(inside), last_only)


@checked
def tcn_backward_fast(
    p: tuple, trace: TCNTrace, dys: Float["T B C"], dropout: Dropout = None
) -> tuple[tuple[BlockParams, ...], np.ndarray]:
    """As `tcn_backward`: dys (T, B, C), or (1, B, C) with last_only -> gradients of each block, dxs (T, B, D)."""
    _check_dropout("tcn_backward_fast", p, dropout)
    grads, dy = [], np.zeros_like(trace.inside[-1][3])  # (C, T, B)
    dy[:, -len(dys) :] = dys.transpose(2, 0, 1)
    for level in reversed(range(len(p))):
        block, (x, u, w, y) = p[level], trace.inside[level]
        dilation = 1 if trace.last_only else 2**level
        dy *= y > 0
        dw = dy * (w > 0)
        _drop(dw, dropout, level, 1)
        dconv_2, du = _conv_backward(block.conv_2, u, dw, dilation)
        du *= u > 0
        _drop(du, dropout, level, 0)
        dconv_1, dx = _conv_backward(block.conv_1, x, du, dilation)
        dskip, dx_skip = _skip_backward(block.skip, x, dy)
        dx += dx_skip
        grads.append(BlockParams(dconv_1, dconv_2, dskip))
        dy = dx
        if trace.last_only and level:  # back to all the steps of the block below
            dy = np.zeros_like(trace.inside[level - 1][3])
            dy[:, (dy.shape[1] - 1) % 2 :: 2] = dx
    return tuple(reversed(grads)), np.ascontiguousarray(dy.transpose(1, 2, 0))


def _relu(a: np.ndarray) -> np.ndarray:
    return np.maximum(a, 0, out=a)


def _drop(a: np.ndarray, dropout: Dropout, level: int, which: int) -> None:
    """a: (C, T, B) times what was drawn for it, in place."""
    if dropout is not None:
        a *= dropout[level][which].transpose(2, 0, 1)


def _skip(p: Any, x: np.ndarray) -> np.ndarray:
    """x: (D, T, B) -> (C, T, B)."""
    if not p:
        return x
    return (p.W @ x.reshape(len(x), -1) + p.b[:, None]).reshape(-1, *x.shape[1:])


def _skip_backward(p: Any, x: np.ndarray, dy: np.ndarray) -> tuple[Any, np.ndarray]:
    """dy: (C, T, B) -> gradients, dx: (D, T, B)."""
    if not p:
        return (), dy
    flat = dy.reshape(len(dy), -1)
    return DenseParams(flat @ x.reshape(len(x), -1).T, flat.sum(axis=1)), (p.W.T @ flat).reshape(x.shape)


def _flat_weights(p: ConvParams) -> np.ndarray:
    """The taps side by side: (O, K*I)."""
    K, n_out, n_in = p.v.shape
    return weight_norm(p.v, p.g).swapaxes(0, 1).reshape(n_out, K * n_in)


def _shifted(x: np.ndarray, K: int, dilation: int, start: int, stop: int) -> np.ndarray:
    """x: (I, T, B) -> (K*I, steps*B): for the steps start ... stop, below each other, what every tap reads."""
    n_in, _, B = x.shape
    found = np.empty((K, n_in, stop - start, B), x.dtype)
    for j in range(K):
        first = start - j * dilation
        before = min(max(-first, 0), stop - start)  # so many steps read zeros before the beginning
        found[j, :, :before] = 0
        found[j, :, before:] = x[:, first + before : max(stop - j * dilation, 0)]
    return found.reshape(K * n_in, -1)


def _blocks(x: np.ndarray, K: int) -> list[tuple[int, int]]:
    """Blocks of steps of x: (I, T, B) whose shifted copies stay in the cache."""
    return fast.chunks(x.shape[1], K * x.shape[0] * x.shape[2] * x.itemsize)


def _conv(p: ConvParams, x: np.ndarray, dilation: int) -> np.ndarray:
    """x: (I, T, B) -> (O, T, B)."""
    W, K = _flat_weights(p), len(p.v)
    y = np.empty((len(W), *x.shape[1:]), np.result_type(W, x))
    for start, stop in _blocks(x, K):
        product = W @ _shifted(x, K, dilation, start, stop)  # (O, steps*B)
        product += p.b[:, None]
        y[:, start:stop] = product.reshape(len(W), stop - start, -1)
    return y


def _conv_backward(p: ConvParams, x: np.ndarray, dy: np.ndarray, dilation: int) -> tuple[ConvParams, np.ndarray]:
    """dy: (O, T, B) -> gradients, dx: (I, T, B)."""
    (K, n_out, n_in), W = p.v.shape, _flat_weights(p)
    dW, dx = np.zeros_like(W), np.zeros_like(x)
    W_back = W.reshape(n_out, K, n_in).transpose(1, 2, 0).reshape(K * n_in, n_out)
    for start, stop in _blocks(x, K):
        d = np.ascontiguousarray(dy[:, start:stop]).reshape(n_out, -1)  # (O, steps*B)
        dW += d @ _shifted(x, K, dilation, start, stop).T
        shares = (W_back @ d).reshape(K, n_in, stop - start, -1)
        for j in range(K):
            first, last = start - j * dilation, stop - j * dilation
            if last > 0:
                dx[:, max(first, 0) : last] += shares[j, :, max(-first, 0) :]
    dv, dg = weight_norm_backward(p.v, p.g, np.ascontiguousarray(dW.reshape(n_out, K, n_in).swapaxes(0, 1)))
    return ConvParams(dv, dg, dy.sum(axis=(1, 2))), dx

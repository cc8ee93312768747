"""The causal dilated convolution, with weight normalisation (Bai et al. 2018; Salimans and Kingma 2016).

    y_t = b + sum_j W_j x_{t - j d},  j = 0 ... K-1        W_j = g * v_j / ||v||, one length ||v|| for each output

K taps, d apart (the dilation). Before the first step stand zeros, and y_t reads x_t and what came before it, nothing
later. Sequences are time-major: xs (T, B, I). Tap 0 is the newest. torch's nn.Conv1d keeps its taps the other way
round, (O, I, K) with the newest last: see `course_pkg.torch_twins.tcn`.
"""

from typing import NamedTuple

import numpy as np

from course_pkg.initialisers import uniform_fan_in
from course_pkg.shapes import Float, check_positive_int, checked


class ConvParams(NamedTuple):
    """A convolution whose weights are a direction and a length. Gradients have this same type."""

    v: Float["K O I"]  # K matrices (out, in), one for each tap; only the direction of v[:, o, :] matters
    g: Float["O"]  # the length of each output's weights
    b: Float["O"]


def init_conv(rng: np.random.Generator, n_in: int, n_out: int, K: int, dtype: type = np.float64) -> ConvParams:
    """K taps from n_in channels to n_out: v as torch starts a convolution, g its length, so that W = v at first."""
    check_positive_int("init_conv", "n_in", n_in)
    check_positive_int("init_conv", "n_out", n_out)
    check_positive_int("init_conv", "K", K)
    v = uniform_fan_in(rng, n_out, K * n_in, dtype).reshape(n_out, K, n_in).swapaxes(0, 1).copy()  # (K, O, I)

    return ConvParams(v, weight_length(v), np.zeros(n_out, dtype))


# ---- weight normalisation ----------------------------------------------------------------------------------------


def weight_length(v: np.ndarray) -> np.ndarray:
    """v: (K, O, I) -> the length of each output's weights, (O,)."""
    return np.sqrt((v**2).sum(axis=(0, 2)))  # v * v, not abs: the complex step goes through


@checked
def weight_norm(v: Float["K O I"], g: Float["O"]) -> np.ndarray:
    """(weight-norm)  v: (K, O, I), g: (O,) -> W: (K, O, I), whose length for output o is |g_o|."""
    length = weight_length(v)  # (O,)
    if not (np.abs(length) > 0).all():
        raise ValueError(f"weight_norm: v must have a direction for every output, "
                         f"got zeros at output {int(np.argmin(np.abs(length)))}")  # fmt: skip
    return v * (g / length)[:, None]


@checked
def weight_norm_backward(v: Float["K O I"], g: Float["O"], dW: Float["K O I"]) -> tuple[np.ndarray, np.ndarray]:
    """(weight-norm-grad)  dW: (K, O, I) -> dv: (K, O, I), dg: (O,). dv is at a right angle to v."""
    length = weight_length(v)  # (O,)
    unit = v / length[:, None]  # (K, O, I)
    dg = (dW * unit).sum(axis=(0, 2))  # (O,): the part of dW along v
    return (g / length)[:, None] * (dW - dg[:, None] * unit), dg


# ---- the convolution ---------------------------------------------------------------------------------------------


@checked
def causal_conv(
    W: Float["K O I"], b: Float["O"], xs: Float["T B I"], dilation: int = 1
) -> np.ndarray:
    """(causal-conv)  xs: (T, B, I) -> ys: (T, B, O); ys[t] reads xs[t], xs[t-d], ..., xs[t-(K-1)d]."""
    check_positive_int("causal_conv", "dilation", dilation)
    ys = np.zeros((*xs.shape[:2], len(b)), np.result_type(W, b, xs)) + b  # (T, B, O)
    for j in range(len(W)):
        late = j * dilation  # tap j reads so many steps back
        if late < len(xs):
            ys[late:] += xs[: len(xs) - late] @ W[j].T
    return ys


@checked
def causal_conv_backward(
    W: Float["K O I"], b: Float["O"], xs: Float["T B I"], dys: Float["T B O"], dilation: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(causal-conv-grad)  dys: (T, B, O) -> dW: (K, O, I), db: (O,), dxs: (T, B, I).

    What y_t read from x_{t - j d} comes back from y_t to there: the same taps, run towards the past.
    """
    check_positive_int("causal_conv_backward", "dilation", dilation)
    dtype = np.result_type(W, xs, dys)
    dW, dxs = np.zeros(W.shape, dtype), np.zeros(xs.shape, dtype)
    for j in range(len(W)):
        late = j * dilation
        if late < len(xs):
            dW[j] = np.tensordot(dys[late:], xs[: len(xs) - late], axes=[(0, 1), (0, 1)])  # (O, I): over T and B
            dxs[: len(xs) - late] += dys[late:] @ W[j]
    return dW, dys.sum(axis=(0, 1)), dxs


@checked
def conv_forward(p: ConvParams, xs: Float["T B I"], dilation: int = 1) -> np.ndarray:
    """xs: (T, B, I) -> ys: (T, B, O), with the weights that v and g stand for."""
    return causal_conv(weight_norm(p.v, p.g), p.b, xs, dilation)


@checked
def conv_backward(
    p: ConvParams, xs: Float["T B I"], dys: Float["T B O"], dilation: int = 1
) -> tuple[ConvParams, np.ndarray]:
    """dys: (T, B, O) -> gradients of v, g and b, dxs: (T, B, I)."""
    dW, db, dxs = causal_conv_backward(weight_norm(p.v, p.g), p.b, xs, dys, dilation)
    return ConvParams(*weight_norm_backward(p.v, p.g, dW), db), dxs

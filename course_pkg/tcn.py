"""The temporal convolutional network (Bai, Kolter and Koltun 2018): residual blocks of causal dilated convolutions.

    u  = phi(conv_1(x)),  w = phi(conv_2(u))        both with K taps and dilation d, phi the ReLU
    y_t = phi(w_t + S x_t)                          S the identity, or a dense layer where the widths differ

Block number l = 0, 1, 2, ... has dilation 2^l, so the past that an output sees doubles with every block.
Everything is time-major, (T, B, C). `tcn_fast.py` has the form used for training.
"""

from typing import Any, NamedTuple

import numpy as np

from course_pkg.causal_conv import ConvParams, conv_backward, conv_forward, init_conv
from course_pkg.dense import dense_backward, dense_forward, init_dense
from course_pkg.shapes import Float, Part, check_positive_int, checked
from course_pkg.stacked import dropout_factors

Dropout = Any  # None, or for each block two arrays (T, B, C) that multiply u and w: 0, or 1 / (1 - rate)


class BlockParams(NamedTuple):
    """One residual block. Gradients have this same type."""

    conv_1: Part[ConvParams, "I=D O=C"]
    conv_2: Part[ConvParams, "I=C O=C"]
    skip: Any  # DenseParams (C, D), or () where D = C and x itself is added


class BlockValues(NamedTuple):
    """What a block computes on its way; all (T, B, C)."""

    u: np.ndarray  # after the first convolution and its ReLU
    w: np.ndarray  # after the second
    y: np.ndarray  # the block's output


def init_tcn(
    rng: np.random.Generator, D: int, C: int, levels: int, K: int, dtype: type = np.float64
) -> tuple[BlockParams, ...]:
    """`levels` blocks with C channels and K taps that read D inputs."""
    for name, value in zip(("D", "C", "levels", "K"), (D, C, levels, K), strict=True):
        check_positive_int("init_tcn", name, value)
    return tuple(_init_block(rng, C if level else D, C, K, dtype) for level in range(levels))


def _init_block(rng: np.random.Generator, D: int, C: int, K: int, dtype: type) -> BlockParams:
    skip = () if D == C else init_dense(rng, D, C, dtype)
    return BlockParams(init_conv(rng, D, C, K, dtype), init_conv(rng, C, C, K, dtype), skip)


def receptive_field(K: int, levels: int) -> int:
    """(receptive-field)  How many steps of the input one output sees, itself included: 1 + 2 (K - 1) (2^levels - 1)."""
    check_positive_int("receptive_field", "K", K)
    check_positive_int("receptive_field", "levels", levels)
    return 1 + 2 * (K - 1) * (2**levels - 1)


# ---- one block ---------------------------------------------------------------------------------------------------


@checked
def block_forward(
    p: BlockParams, xs: Float["T B D"], dilation: int = 1, drop_1: Any = 1.0, drop_2: Any = 1.0
) -> BlockValues:
    """(tcn-block)  xs: (T, B, D) -> u, w, y: (T, B, C) each."""
    u = np.maximum(conv_forward(p.conv_1, xs, dilation), 0) * drop_1
    w = np.maximum(conv_forward(p.conv_2, u, dilation), 0) * drop_2
    skip = dense_forward(p.skip, xs) if p.skip else xs  # (T, B, C)
    return BlockValues(u, w, np.maximum(w + skip, 0))


@checked
def block_backward(
    p: BlockParams,
    xs: Float["T B D"],
    values: BlockValues,
    dys: Float["T B C"],
    dilation: int = 1,
    drop_1: Any = 1.0,
    drop_2: Any = 1.0,
) -> tuple[BlockParams, np.ndarray]:
    """(tcn-block-grad)  dys: (T, B, C) -> parameter gradients, dxs: (T, B, D)."""
    u, w, y = values
    da = dys * (y > 0)  # (T, B, C): it goes on into the convolutions and past them
    dskip, dxs = dense_backward(p.skip, xs, da) if p.skip else ((), da)
    dconv_2, du = conv_backward(p.conv_2, u, da * (w > 0) * drop_2, dilation)
    dconv_1, dxs_conv = conv_backward(p.conv_1, xs, du * (u > 0) * drop_1, dilation)
    return BlockParams(dconv_1, dconv_2, dskip), dxs + dxs_conv


# ---- the network -------------------------------------------------------------------------------------------------


@checked(through=True)
def tcn_forward(p: tuple, xs: Float["T B D"], dropout: Dropout = None) -> list[BlockValues]:
    """xs: (T, B, D) -> the values of each block; the last one's y (T, B, C) is the output."""
    _check_dropout("tcn_forward", p, dropout)
    values = []
    for level, block in enumerate(p):
        drop = (1.0, 1.0) if dropout is None else dropout[level]
        values.append(block_forward(block, values[-1].y if values else xs, 2**level, *drop))
    return values


@checked(through=True)
def tcn_backward(
    p: tuple, xs: Float["T B D"], values: list, dys: Float["T B C"], dropout: Dropout = None
) -> tuple[tuple[BlockParams, ...], np.ndarray]:
    """dys: (T, B, C), the gradient of the last block's output -> gradients of each block, dxs: (T, B, D)."""
    _check_dropout("tcn_backward", p, dropout)
    grads = []
    for level in reversed(range(len(p))):
        drop = (1.0, 1.0) if dropout is None else dropout[level]
        below = values[level - 1].y if level else xs
        grad, dys = block_backward(p[level], below, values[level], dys, 2**level, *drop)
        grads.append(grad)
    return tuple(reversed(grads)), dys


def draw_dropout(
    rng: np.random.Generator, p: tuple, T: int, B: int, rate: float
) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """For each block two arrays (T, B, C): 0 with probability `rate`, else 1 / (1 - rate) (Srivastava et al. 2014)."""
    outputs = [np.empty((T, B, len(block.conv_1.g)), block.conv_1.g.dtype) for block in p]
    return tuple((dropout_factors(rng, like, rate), dropout_factors(rng, like, rate)) for like in outputs)


def _check_dropout(function: str, p: tuple, dropout: Dropout) -> None:
    if dropout is not None and len(dropout) != len(p):
        raise ValueError(f"{function}: dropout must have {len(p)} pairs (from p), got {len(dropout)}")

"""Convolution over images, and pooling: forward and backward side by side.

Images are (B, R, C, I): batch, rows, columns, channels. Features stand last, as everywhere in this course; torch has
them second, (B, I, R, C). As in every library of neural networks the kernel is not flipped: this is what signal
processing calls cross-correlation.
"""

from functools import reduce
from typing import NamedTuple

import numpy as np

from course_pkg.shapes import Float, check_choice, check_positive_int, check_rng, checked

PADDINGS = ("same", "valid")  # zeros around the image so that it keeps its size, or none


class ConvParams(NamedTuple):
    """O kernels of P x Q places that read I channels. Gradients have this same type."""

    W: Float["O I P Q"]
    b: Float["O"]


def init_conv(
    rng: np.random.Generator, n_in: int, n_out: int, size: int, gain: float = 2.0, dtype: type = np.float64
) -> ConvParams:
    """n_out kernels of size x size over n_in channels; normal, variance gain / (numbers read); biases 0.

    gain 2 keeps the size of signals through ReLU (He et al. 2015).
    """
    check_rng("init_conv", rng)
    for name, value in (("n_in", n_in), ("n_out", n_out), ("size", size)):
        check_positive_int("init_conv", name, value)
    W = rng.normal(size=(n_out, n_in, size, size)) * np.sqrt(gain / (n_in * size * size))
    return ConvParams(W.astype(dtype), np.zeros(n_out, dtype))


# ---- convolution -------------------------------------------------------------------------------------------------


@checked
def conv2d_forward(p: ConvParams, x: Float["B R C I"], padding: str = "same") -> np.ndarray:
    """(conv2d)  x: (B, R, C, I) -> pre-activation (B, R', C', O).

    "same": R' = R and C' = C, zeros outside (P and Q must be odd); "valid": R' = R - P + 1, C' = C - Q + 1.
    """
    patches = _patches("conv2d_forward", p, x, padding)  # (B, R', C', I, P, Q), a view
    return _rows(patches).reshape(*patches.shape[:3], -1) @ p.W.reshape(len(p.W), -1).T + p.b


@checked
def conv2d_backward(
    p: ConvParams, x: Float["B R C I"], da: Float["B R2 C2 O"], padding: str = "same"
) -> tuple[ConvParams, np.ndarray]:
    """(conv2d-grad)  da = dL/da: (B, R', C', O) -> gradients of W (O, I, P, Q) and b (O,), and dx: (B, R, C, I)."""
    patches = _patches("conv2d_backward", p, x, padding)  # (B, R', C', I, P, Q)
    if da.shape[:3] != patches.shape[:3]:
        expected = (*patches.shape[:3], len(p.b))
        raise ValueError(f"conv2d_backward: da must be {expected} (from x and W), got shape {da.shape}")
    (P, Q), (rows, columns) = p.W.shape[2:], da.shape[1:3]
    flat = da.reshape(-1, len(p.b))  # (N, O), N = B R' C'
    dW = (flat.T @ _rows(patches)).reshape(p.W.shape)
    top, left = _margins(p, padding)
    dpadded = np.zeros((len(x), x.shape[1] + 2 * top, x.shape[2] + 2 * left, x.shape[3]), np.result_type(da, p.W))
    for i in range(P):  # every place of the kernel read a shifted image: add its share to that image
        for j in range(Q):
            dpadded[:, i : i + rows, j : j + columns] += da @ p.W[:, :, i, j]  # (B, R', C', I)
    dx = dpadded[:, top : top + x.shape[1], left : left + x.shape[2]]
    return ConvParams(dW, flat.sum(axis=0)), dx


def _margins(p: ConvParams, padding: str) -> tuple[int, int]:
    return (p.W.shape[2] // 2, p.W.shape[3] // 2) if padding == "same" else (0, 0)


def _patches(function: str, p: ConvParams, x: np.ndarray, padding: str) -> np.ndarray:
    """x: (B, R, C, I) -> a view (B, R', C', I, P, Q): what each place of the output reads."""
    check_choice(function, "padding", padding, PADDINGS)
    P, Q = p.W.shape[2:]
    if padding == "same" and not (P % 2 and Q % 2):
        raise ValueError(f'{function}: W must have an odd kernel for padding "same", got {P} x {Q}')
    if padding == "valid" and (x.shape[1] < P or x.shape[2] < Q):
        raise ValueError(f"{function}: x must have at least {P} rows and {Q} columns (from W), got shape {x.shape}")
    top, left = _margins(p, padding)
    padded = np.pad(x, ((0, 0), (top, top), (left, left), (0, 0))) if top or left else x
    return np.lib.stride_tricks.sliding_window_view(padded, (P, Q), axis=(1, 2))


def _rows(patches: np.ndarray) -> np.ndarray:
    """(B, R', C', I, P, Q) -> (B R' C', I P Q), copied: one row for each place of the output."""
    return patches.reshape(int(np.prod(patches.shape[:3])), -1)


# ---- pooling -----------------------------------------------------------------------------------------------------


@checked
def max_pool(x: Float["B R C I"], size: int = 2) -> np.ndarray:
    """(max-pool)  x: (B, R, C, I) -> the largest number of every size x size tile: (B, R/size, C/size, I)."""
    return reduce(np.maximum, [x[place] for place in _tile_places("max_pool", x, size)])


@checked
def max_pool_backward(x: Float["B R C I"], y: Float["B R2 C2 I"], dy: Float["B R2 C2 I"], size: int = 2) -> np.ndarray:
    """(max-pool-grad)  y = max_pool(x), dy: (B, R/size, C/size, I) -> dx: (B, R, C, I).

    The largest number of a tile receives the gradient, the first one (row by row) if several are equal.
    """
    places = _tile_places("max_pool_backward", x, size)
    _check_pooled("max_pool_backward", x, size, y=y, dy=dy)
    dx, open_tiles = np.zeros_like(x, dtype=dy.dtype), np.ones(y.shape, bool)
    for place in places:
        winner = open_tiles & (x[place] == y)
        dx[place] = winner * dy
        open_tiles &= ~winner
    return dx


@checked
def mean_pool(x: Float["B R C I"], size: int = 2) -> np.ndarray:
    """x: (B, R, C, I) -> the mean of every size x size tile: (B, R/size, C/size, I)."""
    return reduce(np.add, [x[place] for place in _tile_places("mean_pool", x, size)]) / size**2


@checked
def mean_pool_backward(dy: Float["B R C I"], size: int = 2) -> np.ndarray:
    """dy: (B, R, C, I) -> dx: (B, size R, size C, I): every number of a tile receives its share."""
    check_positive_int("mean_pool_backward", "size", size)
    return np.repeat(np.repeat(dy / size**2, size, axis=1), size, axis=2)


def _tile_places(function: str, x: np.ndarray, size: int) -> list[tuple[slice, ...]]:
    """For each place within a tile, row by row, the slice of x: (B, R, C, I) that has it of every tile."""
    check_positive_int(function, "size", size)
    if x.shape[1] % size or x.shape[2] % size:
        raise ValueError(f"{function}: x must have rows and columns that {size} divides (from size), "
                         f"got shape {x.shape}")  # fmt: skip
    return [np.s_[:, i::size, j::size] for i in range(size) for j in range(size)]


def _check_pooled(function: str, x: np.ndarray, size: int, **arrays: np.ndarray) -> None:
    expected = (x.shape[0], x.shape[1] // size, x.shape[2] // size, x.shape[3])
    for name, array in arrays.items():
        if array.shape != expected:
            raise ValueError(f"{function}: {name} must be {expected} (from x), got shape {array.shape}")


def receptive_field(layers: list[tuple[int, int]]) -> tuple[int, int]:
    """(receptive-field-2d)  Layers (kernel size, stride), first to last -> how many pixels a place of the output sees,
    and by how many pixels two neighbours are apart."""
    pixels, step = 1, 1
    for size, stride in layers:
        pixels, step = pixels + (size - 1) * step, step * stride
    return pixels, step

"""Layer normalisation: each vector is shifted to mean 0, scaled to variance 1, and gets a scale and a shift of its own.

Ba, Kiros and Hinton (2016). Nothing is shared between steps or between examples, so padding and batch size do not
matter.
"""

from typing import NamedTuple

import numpy as np

from course_pkg.shapes import Float, check_positive_int, checked

EPS = 1e-5  # keeps the square root away from 0, as in torch


class LayerNormParams(NamedTuple):
    """Gradients have this same type."""

    gain: Float["M"]
    bias: Float["M"]


def init_layer_norm(M: int, dtype: type = np.float64) -> LayerNormParams:
    """Gain 1 and bias 0, both (M,): at first it only normalises."""
    check_positive_int("init_layer_norm", "M", M)
    return LayerNormParams(np.ones(M, dtype), np.zeros(M, dtype))


@checked
def layer_norm_forward(p: LayerNormParams, x: Float["... M"]) -> np.ndarray:
    """(layer-norm)  x: (..., M) -> (..., M)."""
    return p.gain * _normalised(x)[0] + p.bias


@checked
def layer_norm_backward(
    p: LayerNormParams, x: Float["... M"], dy: Float["... M"]
) -> tuple[LayerNormParams, np.ndarray]:
    """(layer-norm-grad)  dy: (..., M) -> gradients of gain and bias, and dx: (..., M).

    What would move the mean or the variance of a vector is taken out of its gradient: they are fixed.
    """
    if dy.shape != x.shape:
        raise ValueError(f"layer_norm_backward: dy must be {x.shape} (from x), got shape {dy.shape}")
    n, deviation = _normalised(x)
    dn = dy * p.gain
    shift = dn.mean(axis=-1, keepdims=True)
    stretch = (dn * n).mean(axis=-1, keepdims=True)
    rows = tuple(range(x.ndim - 1))
    return LayerNormParams((dy * n).sum(axis=rows), dy.sum(axis=rows)), (dn - shift - n * stretch) / deviation


def _normalised(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x with mean 0 and variance 1 along the last axis, and the standard deviation (..., 1)."""
    centred = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPS)
    return centred / deviation, deviation

"""A mixture-density output: where the pen goes next, as a probability over the plane (Bishop 1994; Graves 2013).

A network's 6M + 1 outputs for a step are M bivariate Gaussians with weights, and one Bernoulli for the pen:

    log of each weight (M, before the softmax), means (M for x, M for y), log of the standard deviations (M, M),
    correlation before its tanh (M), and at the end the logit of "the stroke ends here" (1).

Everything is computed from logarithms. With z = (point - mean) / scale, rho = tanh(r) and u = z_y cosh r - z_x sinh r,

    (z_x^2 + z_y^2 - 2 rho z_x z_y) / (1 - rho^2) = z_x^2 + u^2        and        -log(1 - rho^2) / 2 = log cosh r,

so that no 1 - rho^2 is ever formed: near rho = 1 its digits would be gone. For the same reason u is computed as
(z_y - s z_x) cosh r + s z_x exp(-|r|), with s the sign of r.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from course_pkg.dense import sigmoid
from course_pkg.losses import binary_cross_entropy_with_logits, check_same_shape, counted_entries, log_softmax
from course_pkg.sampling import draw
from course_pkg.shapes import Bool, Float, check_positive_int, check_rng, checked

LOG_2, LOG_2PI = float(np.log(2)), float(np.log(2 * np.pi))


class Mixture(NamedTuple):
    """M Gaussians in the plane for each step."""

    log_weights: np.ndarray  # (..., M), their exponentials sum to 1
    means: np.ndarray  # (..., 2, M), x and y
    log_scales: np.ndarray  # (..., 2, M)
    r: np.ndarray  # (..., M), the correlation is tanh(r)


def outputs_of(M: int) -> int:
    """How many outputs a network needs for M Gaussians and the pen: 6M + 1."""
    check_positive_int("outputs_of", "M", M)
    return 6 * M + 1


def split_mixture(function: str, outputs: np.ndarray) -> Mixture:
    """(mdn-parameters)  outputs: (..., 6M) -> the mixture; raises ValueError where 6 does not divide their number."""
    if outputs.shape[-1] % 6 or not outputs.shape[-1]:
        raise ValueError(f"{function}: outputs must be (..., 6M), six for each Gaussian, got shape {outputs.shape}")
    weights, x, y, log_x, log_y, r = np.split(outputs, 6, axis=-1)  # (..., M) each
    return Mixture(log_softmax(weights), np.stack([x, y], axis=-2), np.stack([log_x, log_y], axis=-2), r)


class _Parts(NamedTuple):
    """What the density and its gradient share."""

    z: np.ndarray  # (..., 2, M)
    u: np.ndarray  # (..., M)
    log_terms: np.ndarray  # (..., M), log of weight times density


def _terms(function: str, mixture: Mixture, points: np.ndarray) -> _Parts:
    widest = 0.5 * float(np.log(np.finfo(mixture.r.real.dtype).max)) - 10  # 345 in float64, 34 in float32
    reach = float((np.abs(mixture.log_scales.real).max(axis=-2) + np.abs(mixture.r.real)).max())
    if reach > widest:
        raise ValueError(f"{function}: |log scale| + |r| must stay below {widest:.0f} (beyond, the density overflows), "
                         f"got {reach:.3g}")  # fmt: skip
    z = (points[..., None] - mixture.means) * np.exp(-mixture.log_scales)  # (..., 2, M)
    s = np.where(mixture.r.real < 0, -1, 1).astype(mixture.r.real.dtype)
    r = s * mixture.r  # |r|, in a form that complex numbers pass
    u = (z[..., 1, :] - s * z[..., 0, :]) * np.cosh(r) + s * z[..., 0, :] * np.exp(-r)  # (..., M)
    quadratic = z[..., 0, :] ** 2 + u**2
    log_cosh = r + np.log1p(np.exp(-2 * r)) - LOG_2
    log_density = log_cosh - LOG_2PI - mixture.log_scales.sum(axis=-2) - quadratic / 2
    return _Parts(z, u, mixture.log_weights + log_density)


def _log_sum_exp(a: np.ndarray) -> np.ndarray:
    """(..., M) -> (...): log of the sum of exponentials; the largest is taken out, so nothing overflows."""
    top = a.max(axis=-1, keepdims=True)
    return (top + np.log(np.exp(a - top).sum(axis=-1, keepdims=True)))[..., 0]


@checked
def mixture_log_density(outputs: Float["... O"], points: Float["... 2"]) -> np.ndarray:
    """(mdn-density)  outputs: (..., 6M), points: (..., 2) -> log p(point): (...). A density: it may be above 0."""
    mixture = split_mixture("mixture_log_density", outputs)
    return _log_sum_exp(_terms("mixture_log_density", mixture, points).log_terms)


@checked
def mixture_loss(
    outputs: Float["... O"], points: Float["... 2"], mask: Bool["..."] | None = None
) -> tuple[float, np.ndarray]:
    """(mdn-loss) (mdn-grad)  outputs: (..., 6M), points: (..., 2) -> mean of -log p in nats, doutputs (..., 6M)."""
    mixture = split_mixture("mixture_loss", outputs)
    check_same_shape("mixture_loss", "points", points, (*outputs.shape[:-1], 2), "outputs")
    counted, n = counted_entries("mixture_loss", mask, outputs.shape[:-1], outputs.real.dtype)
    (z, u, log_terms), r = _terms("mixture_loss", mixture, points), mixture.r
    nats = -_log_sum_exp(log_terms)  # (...)
    share = np.exp(log_terms + nats[..., None])  # (..., M): how much of the point each Gaussian answers for
    pull = np.stack([z[..., 0, :] - u * np.sinh(r), u * np.cosh(r)], axis=-2)  # (..., 2, M): -dlog N / dz
    dmeans = -share[..., None, :] * pull * np.exp(-mixture.log_scales)
    dlog_scales = share[..., None, :] * (1 - z * pull)
    dr = share * (u * (z[..., 1, :] * np.sinh(r) - z[..., 0, :] * np.cosh(r)) - np.tanh(r))
    dweights = np.exp(mixture.log_weights) - share
    parts = (dweights, dmeans[..., 0, :], dmeans[..., 1, :], dlog_scales[..., 0, :], dlog_scales[..., 1, :], dr)
    return (nats * counted).sum() / n, np.concatenate(parts, axis=-1) * (counted / n)[..., None]


@checked
def stroke_loss(
    outputs: Float["... O"], strokes: Float["... 3"], mask: Bool["..."] | None = None
) -> tuple[float, np.ndarray]:
    """(stroke-loss)  outputs: (..., 6M+1), strokes: (..., 3) with dx, dy and 1 where a stroke ends, 0 elsewhere
    -> mean of -log p(dx, dy) - log p(end) in nats, doutputs (..., 6M+1)."""
    _check_strokes("stroke_loss", outputs)
    where, doutputs = mixture_loss(outputs[..., :-1], strokes[..., :2], mask)
    ends, dend = binary_cross_entropy_with_logits(outputs[..., -1], strokes[..., 2], mask)
    return where + ends, np.concatenate([doutputs, dend[..., None]], axis=-1)


# ---- sampling ----------------------------------------------------------------------------------------------------


def biased(outputs: np.ndarray, bias: float) -> np.ndarray:
    """(mdn-bias)  outputs: (..., 6M) -> the same with weights sharpened and scales shrunk (Graves 2013, section 5.4).

    bias 0 changes nothing; a large one leaves the likeliest Gaussian, and of it the mean.
    """
    if not (np.isfinite(bias) and bias >= 0):
        raise ValueError(f"biased: bias must be a number >= 0, got {bias}")
    mixture = split_mixture("biased", outputs)
    M = mixture.r.shape[-1]
    outputs = outputs.copy()
    outputs[..., :M] *= 1 + bias
    outputs[..., 3 * M : 5 * M] -= bias
    return outputs


@checked
def draw_strokes(rng: Any, outputs: Float["... O"], bias: float = 0.0) -> np.ndarray:
    """(mdn-sample)  outputs: (..., 6M+1) -> strokes (..., 3): a Gaussian by its weight, a point from it, the pen."""
    check_rng("draw_strokes", rng)
    _check_strokes("draw_strokes", outputs)
    mixture = split_mixture("draw_strokes", biased(outputs[..., :-1], bias))
    chosen = draw(rng, np.exp(mixture.log_weights))[..., None]  # (..., 1)
    r = np.take_along_axis(mixture.r, chosen, axis=-1)[..., 0]  # (...)
    means, log_scales = (np.take_along_axis(a, chosen[..., None, :], axis=-1)[..., 0] for a in mixture[1:3])
    noise = rng.normal(size=means.shape)  # (..., 2)
    noise[..., 1] = np.tanh(r) * noise[..., 0] + noise[..., 1] / np.cosh(r)  # now correlated: sqrt(1 - rho^2) = 1/cosh
    ends = rng.random(r.shape) < sigmoid(outputs[..., -1])
    return np.concatenate([means + np.exp(log_scales) * noise, ends[..., None]], axis=-1)


def write_strokes(
    step: Callable, state: Any, rng: Any, first: np.ndarray, steps: int, bias: float = 0.0
) -> np.ndarray:
    """Read `first` (B, 3), then draw `steps` points, each read before the next: (steps, B, 3).

    step(strokes (B, 3), state) -> (outputs (B, 6M+1), state).
    """
    check_positive_int("write_strokes", "steps", steps)
    last, written = first, []
    for _ in range(steps):
        outputs, state = step(last, state)
        last = draw_strokes(rng, outputs, bias)  # (B, 3)
        written.append(last)
    return np.stack(written)


def _check_strokes(function: str, outputs: np.ndarray) -> None:
    if outputs.shape[-1] % 6 != 1 or outputs.shape[-1] < 7:
        raise ValueError(f"{function}: outputs must be (..., 6M+1), six for each Gaussian and one for the pen, "
                         f"got shape {outputs.shape}")  # fmt: skip

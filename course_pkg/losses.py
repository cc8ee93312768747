"""Losses. Each returns the loss and its gradient together: the mean over the entries that count.

A mask has the shape of the entries; False entries (padding) neither count nor receive a gradient.
"""

import numpy as np

from course_pkg.dense import sigmoid
from course_pkg.shapes import Bool, Float, Int, checked


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """(log-softmax)  log of softmax over the last axis, (..., V) -> (..., V); no overflow at any magnitude."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def softmax(logits: np.ndarray) -> np.ndarray:
    """(softmax)  exp(logits) over its sum along the last axis, (..., V) -> (..., V)."""
    return np.exp(log_softmax(logits))


@checked
def softmax_cross_entropy(
    logits: Float["... V"], targets: Int["..."], mask: Bool["..."] | None = None
) -> tuple[float, np.ndarray]:
    """(cross-entropy) (cross-entropy-grad)  logits (..., V), targets (...) in 0..V-1 -> loss in nats, dlogits (..., V).

    Raises ValueError for a target outside the vocabulary, also under padding: pad with any valid token.
    """
    V = logits.shape[-1]
    check_same_shape("softmax_cross_entropy", "targets", targets, logits.shape[:-1], "logits")
    if targets.min() < 0 or targets.max() >= V:
        worst = targets.max() if targets.max() >= V else targets.min()
        raise ValueError(f"softmax_cross_entropy: targets must be in 0..{V - 1} (V={V} from logits), got {worst}")
    counted, n = counted_entries("softmax_cross_entropy", mask, targets.shape, logits.real.dtype)
    log_probs = log_softmax(logits)  # (..., V)
    picked = np.take_along_axis(log_probs, targets[..., None], axis=-1)[..., 0]  # (...): log p of the right token
    loss = -(picked * counted).sum() / n
    dlogits = np.exp(log_probs)  # probs - one_hot(targets)
    np.put_along_axis(dlogits, targets[..., None], np.exp(picked)[..., None] - 1, axis=-1)
    return loss, dlogits * (counted / n)[..., None]


@checked
def binary_cross_entropy_with_logits(
    logits: Float["..."], targets: Float["..."], mask: Bool["..."] | None = None
) -> tuple[float, np.ndarray]:
    """(bce) (bce-grad)  logits (...), targets (...) in [0, 1] -> loss in nats, dlogits (...)."""
    check_same_shape("binary_cross_entropy_with_logits", "targets", targets, logits.shape, "logits")
    if targets.min() < 0 or targets.max() > 1:
        raise ValueError("binary_cross_entropy_with_logits: targets must be in [0, 1], "
                         f"got values from {targets.min()} to {targets.max()}")  # fmt: skip
    counted, n = counted_entries("binary_cross_entropy_with_logits", mask, targets.shape, logits.dtype)
    targets = targets.astype(logits.dtype)
    losses = np.logaddexp(0, logits) - logits * targets  # -y log p - (1-y) log(1-p), stable for any logit
    return (losses * counted).sum() / n, (sigmoid(logits) - targets) * (counted / n)


@checked
def mean_squared_error(
    predictions: Float["..."], targets: Float["..."], mask: Bool["..."] | None = None
) -> tuple[float, np.ndarray]:
    """(mse) (mse-grad)  predictions and targets (...) -> mean of (prediction - target)^2, dpredictions (...)."""
    check_same_shape("mean_squared_error", "targets", targets, predictions.shape, "predictions")
    dtype = predictions.real.dtype
    counted, n = counted_entries("mean_squared_error", mask, targets.shape, dtype)
    error = (predictions - targets.astype(dtype)) * counted  # zero under padding, before squares can overflow
    return (error**2).sum() / n, 2 * error / n


# ---- what all losses share ---------------------------------------------------------------------------------------


def check_same_shape(function: str, name: str, array: np.ndarray, shape: tuple, origin: str) -> None:
    """Raises ValueError if `array` has another shape than (...) `shape`, which `origin` asks for."""
    if array.shape != shape:
        raise ValueError(f"{function}: {name} must be {shape} (from {origin}), got shape {array.shape}")


def counted_entries(function: str, mask: np.ndarray | None, shape: tuple, dtype: np.dtype) -> tuple[np.ndarray, int]:
    """(masked-loss)  Ones where an entry counts and zeros where it is padding, and how many count."""
    if mask is None:
        return np.ones(shape, dtype), int(np.prod(shape))
    check_same_shape(function, "mask", mask, shape, "targets")
    if not mask.any():
        raise ValueError(f"{function}: mask must keep at least one entry, got only False")
    return mask.astype(dtype), int(mask.sum())

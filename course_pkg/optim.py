"""Optimizers as pure functions of (parameters, gradients, state), and gradient clipping.

    state = optimizer.init(params);   params, state = optimizer.update(params, grads, state)

Equal to torch.optim's by test. `lr` is a number, or a function of the step number 0, 1, 2, ... (a schedule).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from course_pkg.tree import global_norm, leaves, scale, tree_map, zeros_like

LearningRate = float | Callable[[int], float]


class MomentumState(NamedTuple):
    step: int
    velocity: Any  # as the parameters


class RMSPropState(NamedTuple):
    step: int
    square: Any  # running mean of the squared gradients, as the parameters


class AdamState(NamedTuple):
    step: int
    mean: Any  # running mean of the gradients
    square: Any  # running mean of their squares


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent with (heavy-ball) momentum: v <- momentum v + g, p <- p - lr v."""

    lr: LearningRate
    momentum: float = 0.0

    def __post_init__(self) -> None:
        _check_lr("SGD", self.lr)
        _check_range("SGD", "momentum", self.momentum, 0, 1)

    def init(self, params: Any) -> MomentumState:
        """State before the first step."""
        return MomentumState(0, zeros_like(params))

    def update(self, params: Any, grads: Any, state: MomentumState) -> tuple[Any, MomentumState]:
        """(sgd-momentum)  One step; every array keeps its shape and dtype."""
        lr = _rate("SGD", self.lr, state.step)
        velocity = tree_map(lambda v, g: self.momentum * v + g, state.velocity, grads)
        return tree_map(lambda p, v: p - lr * v, params, velocity), MomentumState(state.step + 1, velocity)


@dataclass(frozen=True)
class RMSProp:
    """Gradient over the root of its running mean square (Tieleman and Hinton 2012)."""

    lr: LearningRate
    decay: float = 0.99
    eps: float = 1e-8

    def __post_init__(self) -> None:
        _check_lr("RMSProp", self.lr)
        _check_range("RMSProp", "decay", self.decay, 0, 1)
        _check_positive("RMSProp", "eps", self.eps)

    def init(self, params: Any) -> RMSPropState:
        """State before the first step."""
        return RMSPropState(0, zeros_like(params))

    def update(self, params: Any, grads: Any, state: RMSPropState) -> tuple[Any, RMSPropState]:
        """(rmsprop)  One step; every array keeps its shape and dtype."""
        lr = _rate("RMSProp", self.lr, state.step)
        square = tree_map(lambda s, g: self.decay * s + (1 - self.decay) * g**2, state.square, grads)
        new = tree_map(lambda p, g, s: p - lr * g / (np.sqrt(s) + self.eps), params, grads, square)
        return new, RMSPropState(state.step + 1, square)


@dataclass(frozen=True)
class Adam:
    """Momentum and RMSProp with bias correction (Kingma and Ba 2015, algorithm 1)."""

    lr: LearningRate = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        _check_lr("Adam", self.lr)
        _check_range("Adam", "beta1", self.beta1, 0, 1)
        _check_range("Adam", "beta2", self.beta2, 0, 1)
        _check_positive("Adam", "eps", self.eps)

    def init(self, params: Any) -> AdamState:
        """State before the first step."""
        return AdamState(0, zeros_like(params), zeros_like(params))

    def update(self, params: Any, grads: Any, state: AdamState) -> tuple[Any, AdamState]:
        """(adam)  One step; every array keeps its shape and dtype."""
        lr, n = _rate("Adam", self.lr, state.step), state.step + 1
        mean = tree_map(lambda m, g: self.beta1 * m + (1 - self.beta1) * g, state.mean, grads)
        square = tree_map(lambda s, g: self.beta2 * s + (1 - self.beta2) * g**2, state.square, grads)
        size, root = lr / (1 - self.beta1**n), float(np.sqrt(1 - self.beta2**n))
        new = tree_map(lambda p, m, s: p - size * m / (np.sqrt(s) / root + self.eps), params, mean, square)
        return new, AdamState(n, mean, square)


def clip_by_global_norm(grads: Any, max_norm: float) -> tuple[Any, float]:
    """(clip-norm)  Shorten the whole gradient to length max_norm if it is longer (Pascanu et al. 2013).

    Returns the gradients and their norm before clipping. The direction never changes.
    """
    _check_positive("clip_by_global_norm", "max_norm", max_norm)
    norm = global_norm(grads)
    if not np.isfinite(norm):
        raise ValueError(f"clip_by_global_norm: grads must be finite, got norm {norm} in "
                         f"{_not_finite(grads)}")  # fmt: skip
    return (scale(grads, max_norm / norm) if norm > max_norm else grads), norm


def clip_by_value(grads: Any, limit: float) -> Any:
    """(clip-value)  Cut every entry to [-limit, limit]; this changes the direction."""
    _check_positive("clip_by_value", "limit", limit)
    return tree_map(lambda g: np.clip(g, -limit, limit), grads)


def _rate(function: str, lr: LearningRate, step: int) -> float:
    if not callable(lr):
        return float(lr)
    _check_positive(function, "lr", rate := lr(step))
    return float(rate)  # a NumPy float64 would turn float32 parameters into float64


def _check_lr(function: str, lr: LearningRate) -> None:
    if not callable(lr):
        _check_positive(function, "lr", lr)


def _check_positive(function: str, name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{function}: {name} must be a number > 0, got {type(value).__name__}")
    if not (value > 0 and np.isfinite(value)):
        raise ValueError(f"{function}: {name} must be a number > 0, got {value}")


def _check_range(function: str, name: str, value: float, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{function}: {name} must be a number in [{low}, {high}), got {type(value).__name__}")
    if not low <= value < high:
        raise ValueError(f"{function}: {name} must be in [{low}, {high}), got {value}")


def _not_finite(grads: Any) -> str:
    return ", ".join(name for name, g in leaves(grads) if not np.isfinite(g).all())

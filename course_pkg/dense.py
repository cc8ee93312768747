"""Dense layers and activations: forward and backward side by side.

A layer maps rows x (..., I) to pre-activations a (..., O). Weights are (out, in), as in the equation a = W x + b;
batches are rows, hence the transposes.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from course_pkg.initialisers import uniform_fan_in
from course_pkg.shapes import Float, Part, check_arguments, check_choice, checked


class DenseParams(NamedTuple):
    """One layer. Gradients have this same type."""

    W: Float["O I"]
    b: Float["O"]


class Activation(NamedTuple):
    """phi(a), and its derivative phi'(a) written in terms of the output y = phi(a)."""

    phi: Callable[[np.ndarray], np.ndarray]
    dphi: Callable[[np.ndarray], np.ndarray]


def sigmoid(a: np.ndarray) -> np.ndarray:
    """(sigmoid)  1 / (1 + exp(-a)), any shape, written with tanh so that it never overflows."""
    return 0.5 * (1 + np.tanh(0.5 * a))


ACTIVATIONS = {
    "tanh": Activation(np.tanh, lambda y: 1 - y**2),
    "sigmoid": Activation(sigmoid, lambda y: y * (1 - y)),
    "relu": Activation(lambda a: np.maximum(a, 0), lambda y: (y > 0).astype(y.dtype)),
    "identity": Activation(lambda a: a, lambda y: np.ones_like(y)),
}


def named_activation(function: str, name: str) -> Activation:
    """The Activation called `name`; a ValueError that begins with `function` if there is none."""
    check_choice(function, "activation", name, ACTIVATIONS)
    return ACTIVATIONS[name]


def init_dense(rng: np.random.Generator, n_in: int, n_out: int, dtype: type = np.float64) -> DenseParams:
    """W (n_out, n_in) and b (n_out,), both uniform in (-1/sqrt(n_in), 1/sqrt(n_in)) as in torch's nn.Linear."""
    W = uniform_fan_in(rng, n_out, n_in, dtype)
    return DenseParams(W, rng.uniform(-1, 1, n_out).astype(dtype) / dtype(np.sqrt(n_in)))


@checked
def dense_forward(p: DenseParams, x: Float["... I"]) -> np.ndarray:
    """(dense)  x: (..., I) -> pre-activation a = x W^T + b: (..., O)."""
    return x @ p.W.T + p.b


@checked
def dense_backward(p: DenseParams, x: Float["... I"], da: Float["... O"]) -> tuple[DenseParams, np.ndarray]:
    """(dense-grad)  da = dL/da: (..., O) -> gradients of W and b, and dx: (..., I)."""
    if x.shape[:-1] != da.shape[:-1]:
        expected = (*x.shape[:-1], p.W.shape[0])
        raise ValueError(f"dense_backward: da must be {expected} (from x and W), got shape {da.shape}")
    rows_x, rows_da = x.reshape(-1, x.shape[-1]), da.reshape(-1, da.shape[-1])  # (N, I), (N, O): all rows alike
    return DenseParams(rows_da.T @ rows_x, rows_da.sum(axis=0)), da @ p.W


def init_mlp(rng: np.random.Generator, sizes: tuple[int, ...], dtype: type = np.float64) -> tuple[DenseParams, ...]:
    """Layers for sizes = (n_in, hidden, ..., n_out): one DenseParams fewer than sizes."""
    if len(sizes) < 2:
        raise ValueError(f"init_mlp: sizes must name at least input and output, got {sizes}")
    return tuple(init_dense(rng, n_in, n_out, dtype) for n_in, n_out in zip(sizes, sizes[1:], strict=False))


def mlp_forward(layers: tuple[DenseParams, ...], x: np.ndarray, activation: str = "tanh") -> list[np.ndarray]:
    """(mlp)  x: (..., I) -> [x, y_1, ..., logits]; every layer but the last one is followed by the activation."""
    phi = named_activation("mlp_forward", activation).phi
    _check_mlp("mlp_forward", layers, ("x", x, Float["... N0"]))
    outputs = [x]
    for p in layers[:-1]:
        outputs.append(phi(dense_forward(p, outputs[-1])))  # (..., O)
    outputs.append(dense_forward(layers[-1], outputs[-1]))  # logits: the last layer is linear
    return outputs


def mlp_backward(
    layers: tuple[DenseParams, ...], outputs: list[np.ndarray], dlogits: np.ndarray, activation: str = "tanh"
) -> tuple[tuple[DenseParams, ...], np.ndarray]:
    """(mlp-grad)  dlogits = dL/dlogits: (..., V) -> gradients of every layer, and dx: (..., I)."""
    dphi = named_activation("mlp_backward", activation).dphi
    _check_mlp("mlp_backward", layers, ("dlogits", dlogits, Float[f"... N{len(layers)}"]))
    if len(outputs) != len(layers) + 1:
        raise ValueError(f"mlp_backward: outputs must hold {len(layers) + 1} arrays (one more than layers, as from "
                         f"mlp_forward), got {len(outputs)}")  # fmt: skip
    if dlogits.shape != outputs[-1].shape:
        expected, found = outputs[-1].shape, dlogits.shape
        raise ValueError(f"mlp_backward: dlogits must be {expected} (from outputs), got shape {found}")
    da, grads = dlogits, []
    for i in reversed(range(len(layers))):
        dp, dy = dense_backward(layers[i], outputs[i], da)
        grads.append(dp)
        if i > 0:  # outputs[i] is phi(a_i): through the activation to the pre-activation of the layer below
            da = dy * dphi(outputs[i])
    return tuple(reversed(grads)), dy


def _check_mlp(function: str, layers: tuple[DenseParams, ...], *arguments: tuple) -> None:
    """Raise unless each layer takes as many numbers (N1, N2, ...) as the one before gives; check further arguments."""
    if not isinstance(layers, tuple) or isinstance(layers, DenseParams):
        raise TypeError(f"{function}: layers must be a tuple of DenseParams, got {type(layers).__name__}")
    if not layers:
        raise ValueError(f"{function}: layers must hold at least one layer, got none")
    named = [(f"layers[{i}]", p, Part[DenseParams, f"I=N{i} O=N{i + 1}"]) for i, p in enumerate(layers)]
    check_arguments(function, *named, *arguments)

"""Twins of `course_pkg.dense`: the dense layer and the multi-layer perceptron as torch modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import torch
from torch import nn

from course_pkg.dense import DenseParams
from course_pkg.torch_twins.loaders import load_params, tensor

ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid, "identity": lambda a: a}


def activation_function(caller: str, name: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """The torch function for one of our activation names; ValueError for another name."""
    if name not in ACTIVATIONS:
        raise ValueError(f"{caller}: activation must be one of {', '.join(map(repr, ACTIVATIONS))}, got {name!r}")
    return ACTIVATIONS[name]


def uniform(shape: tuple[int, ...], fan_in: int, dtype: torch.dtype | None) -> nn.Parameter:
    """A parameter drawn from U(-1/sqrt(fan_in), 1/sqrt(fan_in)), which is torch's own default."""
    bound = fan_in**-0.5
    return nn.Parameter(torch.empty(shape, dtype=dtype).uniform_(-bound, bound))


class Dense(nn.Module):
    """Twin of dense_forward, equation (dense): a = x W^T + b."""

    def __init__(self, n_in: int, n_out: int, dtype: torch.dtype | None = None):
        super().__init__()
        self.W = uniform((n_out, n_in), n_in, dtype)  # (O, I)
        self.b = nn.Parameter(torch.zeros(n_out, dtype=dtype))  # (O,)

    @classmethod
    def from_params(cls, p: DenseParams) -> Self:
        """A twin with a copy of our parameters, in their precision."""
        n_out, n_in = p.W.shape
        return load_params(cls(n_in, n_out, tensor(p.W).dtype), p)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (..., I) -> a: (..., O)."""
        check_last_axis("Dense.forward", "x", x, self.W.shape[1])
        return x @ self.W.T + self.b


class MLP(nn.ModuleList):
    """Twin of mlp_forward, equation (mlp): Dense layers with an activation after each but the last.

    sizes (I, N_1, ..., O) makes len(sizes) - 1 layers. As a ModuleList it names its parameters "0.W",
    "0.b", "1.W", ..., as our tree of layers does.
    """

    def __init__(self, sizes: tuple[int, ...], activation: str = "tanh", dtype: torch.dtype | None = None):
        if len(sizes) < 2:
            raise ValueError(f"MLP: sizes must have an input and an output size at least, got {tuple(sizes)}")
        super().__init__(Dense(n_in, n_out, dtype) for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True))
        self.phi = activation_function("MLP", activation)

    @classmethod
    def from_params(cls, layers: tuple[DenseParams, ...], activation: str = "tanh") -> Self:
        """A twin with a copy of our layers, in their precision."""
        sizes = (layers[0].W.shape[1], *(layer.W.shape[0] for layer in layers))
        return load_params(cls(sizes, activation, tensor(layers[0].W).dtype), layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (..., I) -> logits: (..., O)."""
        *hidden, last = self
        for layer in hidden:
            x = self.phi(layer(x))
        return last(x)


def check_last_axis(caller: str, name: str, x: torch.Tensor, size: int) -> None:
    """Raise ValueError unless x is (..., size)."""
    if x.ndim == 0 or x.shape[-1] != size:
        raise ValueError(f"{caller}: {name} must be (..., {size}) (from the weights), got shape {tuple(x.shape)}")

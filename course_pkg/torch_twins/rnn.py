"""Twin of `course_pkg.rnn`: the same equation step by step, autograd in place of the backward by hand."""

from __future__ import annotations

from typing import Self

import torch
from torch import nn

from course_pkg.rnn import RNNParams
from course_pkg.torch_twins.dense import activation_function, uniform
from course_pkg.torch_twins.loaders import load_params, tensor
from course_pkg.torch_twins.unrolled import Hidden


class RNN(Hidden):
    """Twin of rnn_step (rnn-step) and of rnn_forward: h_t = phi(W_xh x_t + W_hh h_{t-1} + b_h)."""

    def __init__(self, D: int, H: int, activation: str = "tanh", dtype: torch.dtype | None = None):
        super().__init__()
        self.W_xh = uniform((H, D), H, dtype)  # (H, D)
        self.W_hh = uniform((H, H), H, dtype)  # (H, H)
        self.b_h = nn.Parameter(torch.zeros(H, dtype=dtype))  # (H,)
        self.phi = activation_function("RNN", activation)

    @classmethod
    def from_params(cls, p: RNNParams, activation: str = "tanh") -> Self:
        """A twin with a copy of our parameters, in their precision."""
        H, D = p.W_xh.shape
        return load_params(cls(D, H, activation, tensor(p.W_xh).dtype), p)

    def step(self, x: torch.Tensor, h_prev: torch.Tensor) -> torch.Tensor:
        """x: (B, D), h_prev: (B, H) -> h: (B, H)."""
        return self.phi(x @ self.W_xh.T + h_prev @ self.W_hh.T + self.b_h)

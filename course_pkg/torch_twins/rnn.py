"""Twin of `course_pkg.rnn`: the same equation step by step, autograd in place of the backward by hand."""

from __future__ import annotations

from typing import Self

import torch
from torch import nn

from course_pkg.rnn import RNNParams
from course_pkg.torch_twins.dense import activation_function, uniform
from course_pkg.torch_twins.loaders import load_params, tensor


class RNN(nn.Module):
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

    def forward(
        self, xs: torch.Tensor, h0: torch.Tensor | None = None, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """xs: (T, B, D), h0: (B, H), mask: (T, B) bool -> hs: (T+1, B, H) with hs[0] = h0 (zeros if None).

        Where the mask is False the state is carried over unchanged.
        """
        check_sequence("RNN.forward", xs, self.W_xh.shape[1], mask)
        h = xs.new_zeros(xs.shape[1], self.W_hh.shape[0]) if h0 is None else h0
        hs = [h]
        for t, x in enumerate(xs):
            h_new = self.step(x, h)
            h = h_new if mask is None else torch.where(mask[t, :, None], h_new, h)  # (B, H)
            hs.append(h)
        return torch.stack(hs)


def check_sequence(
    caller: str, xs: torch.Tensor, D: int, mask: torch.Tensor | None, weights: str = "W_xh"
) -> None:
    """Raise ValueError or TypeError unless xs is (T, B, D) and mask is a (T, B) bool tensor or None."""
    if xs.ndim != 3 or xs.shape[2] != D:
        raise ValueError(f"{caller}: xs must be (T, B, D) with D={D} (from {weights}), got shape {tuple(xs.shape)}")
    if mask is None:
        return
    if mask.shape != xs.shape[:2]:
        raise ValueError(f"{caller}: mask must be {tuple(xs.shape[:2])} (from xs), got shape {tuple(mask.shape)}")
    if mask.dtype != torch.bool:
        raise TypeError(f"{caller}: mask must be torch.bool, got {mask.dtype}")

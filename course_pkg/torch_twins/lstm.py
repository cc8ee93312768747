"""Twin of `course_pkg.lstm`: the same equations step by step, autograd in place of the backward by hand."""

from __future__ import annotations

import torch
from torch import nn

from course_pkg.torch_twins.dense import uniform
from course_pkg.torch_twins.unrolled import HiddenAndCell


class LSTM(HiddenAndCell):
    """Twin of lstm_step (lstm-step) and of lstm_forward (lstm-unroll)."""

    def __init__(self, D: int, H: int, forget_bias: float = 1.0, dtype: torch.dtype | None = None):
        super().__init__()
        self.W_x = uniform((4 * H, D), H, dtype)  # (4H, D), in the order i, f, g, o
        self.W_h = uniform((4 * H, H), H, dtype)  # (4H, H)
        self.b = nn.Parameter(torch.zeros(4 * H, dtype=dtype))  # (4H,)
        with torch.no_grad():
            self.b[H : 2 * H] = forget_bias

    def step(self, x: torch.Tensor, h_prev: torch.Tensor, c_prev: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """x: (B, D), h_prev and c_prev: (B, H) -> h, c: (B, H)."""
        a = x @ self.W_x.T + h_prev @ self.W_h.T + self.b  # (B, 4H)
        i, f, g, o = a.chunk(4, dim=-1)  # (B, H) each
        c = torch.sigmoid(f) * c_prev + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

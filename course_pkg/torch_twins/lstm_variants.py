"""Twins of `course_pkg.lstm_variants`: peepholes, and coupled gates. Autograd in place of the backward by hand."""

from __future__ import annotations

import torch
from torch import nn

from course_pkg.torch_twins.dense import uniform
from course_pkg.torch_twins.lstm import LSTM
from course_pkg.torch_twins.unrolled import HiddenAndCell


class PeepholeLSTM(LSTM):
    """Twin of peephole_step (peephole-step): an LSTM whose gates look at the cell (Gers and Schmidhuber 2000)."""

    def __init__(self, D: int, H: int, forget_bias: float = 1.0, dtype: torch.dtype | None = None):
        super().__init__(D, H, forget_bias, dtype)
        self.p_i, self.p_f, self.p_o = (uniform((H,), H, dtype) for _ in range(3))  # (H,) each

    def step(self, x: torch.Tensor, h_prev: torch.Tensor, c_prev: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """x: (B, D), h_prev and c_prev: (B, H) -> h, c: (B, H)."""
        a = x @ self.W_x.T + h_prev @ self.W_h.T + self.b  # (B, 4H)
        i, f, g, o = a.chunk(4, dim=-1)  # (B, H) each
        i, f = torch.sigmoid(i + self.p_i * c_prev), torch.sigmoid(f + self.p_f * c_prev)
        c = f * c_prev + i * torch.tanh(g)
        return torch.sigmoid(o + self.p_o * c) * torch.tanh(c), c  # the output gate looks at c_t


class CoupledLSTM(HiddenAndCell):
    """Twin of coupled_step (coupled-step): what is written is what was forgotten (Greff et al. 2017)."""

    def __init__(self, D: int, H: int, forget_bias: float = 1.0, dtype: torch.dtype | None = None):
        super().__init__()
        self.W_x = uniform((3 * H, D), H, dtype)  # (3H, D), in the order f, g, o
        self.W_h = uniform((3 * H, H), H, dtype)  # (3H, H)
        self.b = nn.Parameter(torch.zeros(3 * H, dtype=dtype))  # (3H,)
        with torch.no_grad():
            self.b[:H] = forget_bias

    def step(self, x: torch.Tensor, h_prev: torch.Tensor, c_prev: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """x: (B, D), h_prev and c_prev: (B, H) -> h, c: (B, H)."""
        a = x @ self.W_x.T + h_prev @ self.W_h.T + self.b  # (B, 3H)
        f, g, o = a.chunk(3, dim=-1)  # (B, H) each
        f = torch.sigmoid(f)
        c = f * c_prev + (1 - f) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

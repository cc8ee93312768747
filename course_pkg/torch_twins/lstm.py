"""Twin of `course_pkg.lstm`: the same equations step by step, autograd in place of the backward by hand."""

from __future__ import annotations

from typing import NamedTuple, Self

import torch
from torch import nn

from course_pkg.lstm import LSTMParams
from course_pkg.torch_twins.dense import uniform
from course_pkg.torch_twins.loaders import load_params, tensor
from course_pkg.torch_twins.rnn import check_sequence


class LSTMTensors(NamedTuple):
    """All states, named as in course_pkg.lstm.LSTMStates: (T+1, B, H) each."""

    hs: torch.Tensor
    cs: torch.Tensor


class LSTM(nn.Module):
    """Twin of lstm_step (lstm-step) and of lstm_forward (lstm-unroll)."""

    def __init__(self, D: int, H: int, forget_bias: float = 1.0, dtype: torch.dtype | None = None):
        super().__init__()
        self.W_x = uniform((4 * H, D), H, dtype)  # (4H, D), in the order i, f, g, o
        self.W_h = uniform((4 * H, H), H, dtype)  # (4H, H)
        self.b = nn.Parameter(torch.zeros(4 * H, dtype=dtype))  # (4H,)
        with torch.no_grad():
            self.b[H : 2 * H] = forget_bias

    @classmethod
    def from_params(cls, p: LSTMParams) -> Self:
        """A twin with a copy of our parameters, in their precision."""
        D, H = p.W_x.shape[1], p.W_h.shape[1]
        return load_params(cls(D, H, dtype=tensor(p.W_x).dtype), p)

    def step(self, x: torch.Tensor, h_prev: torch.Tensor, c_prev: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """x: (B, D), h_prev and c_prev: (B, H) -> h, c: (B, H)."""
        a = x @ self.W_x.T + h_prev @ self.W_h.T + self.b  # (B, 4H)
        i, f, g, o = a.chunk(4, dim=-1)  # (B, H) each
        c = torch.sigmoid(f) * c_prev + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    def forward(
        self,
        xs: torch.Tensor,
        state0: tuple[torch.Tensor, torch.Tensor] | None = None,
        mask: torch.Tensor | None = None,
    ) -> LSTMTensors:
        """xs: (T, B, D), state0: h_0 and c_0 (B, H), zeros if None; where mask (T, B) is False the state is carried."""
        check_sequence("LSTM.forward", xs, self.W_x.shape[1], mask, "W_x")
        zeros = xs.new_zeros(xs.shape[1], self.W_h.shape[1])
        h, c = (zeros, zeros) if state0 is None else state0
        hs, cs = [h], [c]
        for t, x in enumerate(xs):
            h_new, c_new = self.step(x, h, c)
            h = h_new if mask is None else torch.where(mask[t, :, None], h_new, h)  # (B, H)
            c = c_new if mask is None else torch.where(mask[t, :, None], c_new, c)  # (B, H)
            hs.append(h)
            cs.append(c)
        return LSTMTensors(torch.stack(hs), torch.stack(cs))

"""Twin of `course_pkg.jordan`: what a step knows of the past has gone through the output of the step before."""

from __future__ import annotations

from typing import NamedTuple, Self

import torch
from torch import nn

from course_pkg.jordan import JordanParams
from course_pkg.torch_twins.dense import uniform
from course_pkg.torch_twins.loaders import load_params, tensor
from course_pkg.torch_twins.unrolled import check_sequence

OUTPUTS = {"softmax": lambda a: torch.softmax(a, dim=-1), "sigmoid": torch.sigmoid, "identity": lambda a: a}


class JordanTensors(NamedTuple):
    """What the forward pass returns, named as in course_pkg.jordan.JordanStates."""

    hs: torch.Tensor  # (T, B, H)
    logits: torch.Tensor  # (T, B, V)
    ys: torch.Tensor  # (T+1, B, V), ys[0] = y_0


class Jordan(nn.Module):
    """Twin of jordan_step (jordan-step) and of jordan_forward (jordan-unroll).

    h_t = tanh(W_xh x_t + W_yh y_{t-1} + b_h),   logits_t = W_hy h_t + b_y,   y_t = tau(logits_t)
    """

    def __init__(self, D: int, H: int, V: int, output: str = "softmax", dtype: torch.dtype | None = None):
        super().__init__()
        if output not in OUTPUTS:
            raise ValueError(f"Jordan: output must be one of {', '.join(map(repr, OUTPUTS))}, got {output!r}")
        self.W_xh = uniform((H, D), D, dtype)  # (H, D)
        self.W_yh = uniform((H, V), V, dtype)  # (H, V)
        self.b_h = nn.Parameter(torch.zeros(H, dtype=dtype))  # (H,)
        self.W_hy = uniform((V, H), H, dtype)  # (V, H)
        self.b_y = nn.Parameter(torch.zeros(V, dtype=dtype))  # (V,)
        self.tau = OUTPUTS[output]

    @classmethod
    def from_params(cls, p: JordanParams, output: str = "softmax") -> Self:
        """A twin with a copy of our parameters, in their precision."""
        (H, D), V = p.W_xh.shape, len(p.b_y)
        return load_params(cls(D, H, V, output, tensor(p.W_xh).dtype), p)

    def step(self, x: torch.Tensor, y_prev: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """x: (B, D), y_prev: (B, V) -> h: (B, H), logits: (B, V), y: (B, V)."""
        h = torch.tanh(x @ self.W_xh.T + y_prev @ self.W_yh.T + self.b_h)  # (B, H)
        logits = h @ self.W_hy.T + self.b_y  # (B, V)
        return h, logits, self.tau(logits)

    def forward(
        self, xs: torch.Tensor, y0: torch.Tensor | None = None, mask: torch.Tensor | None = None
    ) -> JordanTensors:
        """xs: (T, B, D), y0: (B, V), zeros if None; where mask (T, B) is False the output is carried over."""
        check_sequence("Jordan.forward", xs, self.W_xh.shape[1], mask)
        y = xs.new_zeros(xs.shape[1], len(self.b_y)) if y0 is None else y0
        hs, logits, ys = [], [], [y]
        for t, x in enumerate(xs):
            h, a, y_new = self.step(x, y)
            y = y_new if mask is None else torch.where(mask[t, :, None], y_new, y)  # (B, V)
            hs.append(h)
            logits.append(a)
            ys.append(y)
        return JordanTensors(torch.stack(hs), torch.stack(logits), torch.stack(ys))

"""Twin of `course_pkg.gru`: the same equations step by step, autograd in place of the backward by hand."""

from __future__ import annotations

from typing import Self

import torch
from torch import nn

from course_pkg.gru import RESETS, UPDATES, GRUParams
from course_pkg.torch_twins.dense import uniform
from course_pkg.torch_twins.loaders import load_params, tensor
from course_pkg.torch_twins.unrolled import Hidden


class GRU(Hidden):
    """Twin of gru_step (gru-step) and of gru_forward (gru-unroll), in all four forms."""

    def __init__(self, D: int, H: int, reset: str = "after", update: str = "keeps", dtype: torch.dtype | None = None):
        super().__init__()
        for name, value, choices in (("reset", reset, RESETS), ("update", update, UPDATES)):
            if value not in choices:
                raise ValueError(f"GRU: {name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
        self.W_x = uniform((3 * H, D), H, dtype)  # (3H, D), in the order r, z, n
        self.W_h = uniform((3 * H, H), H, dtype)  # (3H, H)
        self.b = nn.Parameter(torch.zeros(3 * H, dtype=dtype))  # (3H,)
        self.b_hn = nn.Parameter(torch.zeros(H, dtype=dtype))  # (H,)
        self.reset, self.update = reset, update

    @classmethod
    def from_params(cls, p: GRUParams, reset: str = "after", update: str = "keeps") -> Self:
        """A twin with a copy of our parameters, in their precision."""
        D, H = p.W_x.shape[1], len(p.b_hn)
        return load_params(cls(D, H, reset, update, tensor(p.W_x).dtype), p)

    def step(self, x: torch.Tensor, h_prev: torch.Tensor) -> torch.Tensor:
        """x: (B, D), h_prev: (B, H) -> h: (B, H)."""
        x_r, x_z, x_n = (x @ self.W_x.T + self.b).chunk(3, dim=-1)  # (B, H) each
        W_r, W_z, W_n = self.W_h.chunk(3)  # (H, H) each
        r = torch.sigmoid(x_r + h_prev @ W_r.T)
        z = torch.sigmoid(x_z + h_prev @ W_z.T)
        past = r * (h_prev @ W_n.T + self.b_hn) if self.reset == "after" else (r * h_prev) @ W_n.T + self.b_hn
        n = torch.tanh(x_n + past)
        return (1 - z) * n + z * h_prev if self.update == "keeps" else z * n + (1 - z) * h_prev

"""Twins of `course_pkg.variants`: MUT1, MUT2 and MUT3 of Jozefowicz, Zaremba and Sutskever (2015)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from course_pkg.torch_twins.dense import uniform
from course_pkg.torch_twins.unrolled import Hidden


def fit(x: torch.Tensor, H: int) -> torch.Tensor:
    """(mut-fit)  x: (B, D) -> (B, H): x itself if D = H, repeated if D < H, folded (H at a time, summed) if D > H."""
    B, D = x.shape
    if D <= H:
        return x.repeat(1, -(-H // D))[:, :H]
    return functional.pad(x, (0, -D % H)).reshape(B, -1, H).sum(dim=1)


class MUT(Hidden):
    """What the three share: h_t = z_t * n_t + (1 - z_t) * h_{t-1}, and the weights by their names.

    Each has its own `gates`: x (B, D), h_{t-1} (B, H) -> what z and r are the sigmoids of, and what of x goes to n.
    """

    weights: tuple[str, ...]

    def __init__(self, D: int, H: int, dtype: torch.dtype | None = None):
        super().__init__()
        for name in self.weights:
            n_in = D if name.startswith("W_x") else H
            self.register_parameter(name, uniform((H, n_in), H, dtype))  # (H, D) or (H, H)
        for name in ("b_z", "b_r", "b_n"):
            self.register_parameter(name, nn.Parameter(torch.zeros(H, dtype=dtype)))  # (H,)

    def step(self, x: torch.Tensor, h_prev: torch.Tensor) -> torch.Tensor:
        """x: (B, D), h_prev: (B, H) -> h: (B, H)."""
        a_z, a_r, x_n = self.gates(x, h_prev)
        z, r = torch.sigmoid(a_z), torch.sigmoid(a_r)
        n = torch.tanh((r * h_prev) @ self.W_hn.T + x_n + self.b_n)
        return z * n + (1 - z) * h_prev


class MUT1(MUT):
    """Twin of mut1_step (mut1-step)."""

    weights = ("W_xz", "W_xr", "W_hr", "W_hn")

    def gates(self, x: torch.Tensor, h_prev: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """x: (B, D), h_prev: (B, H) -> (B, H) each; z does not see h; the candidate reads tanh(x) itself."""
        a_r = x @ self.W_xr.T + h_prev @ self.W_hr.T + self.b_r
        return x @ self.W_xz.T + self.b_z, a_r, torch.tanh(fit(x, len(self.b_n)))


class MUT2(MUT):
    """Twin of mut2_step (mut2-step)."""

    weights = ("W_xz", "W_hz", "W_hr", "W_xn", "W_hn")

    def gates(self, x: torch.Tensor, h_prev: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """x: (B, D), h_prev: (B, H) -> (B, H) each; r reads x itself."""
        a_z = x @ self.W_xz.T + h_prev @ self.W_hz.T + self.b_z
        return a_z, fit(x, len(self.b_r)) + h_prev @ self.W_hr.T + self.b_r, x @ self.W_xn.T


class MUT3(MUT):
    """Twin of mut3_step (mut3-step)."""

    weights = ("W_xz", "W_hz", "W_xr", "W_hr", "W_xn", "W_hn")

    def gates(self, x: torch.Tensor, h_prev: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """x: (B, D), h_prev: (B, H) -> (B, H) each; z sees tanh(h)."""
        a_z = x @ self.W_xz.T + torch.tanh(h_prev) @ self.W_hz.T + self.b_z
        return a_z, x @ self.W_xr.T + h_prev @ self.W_hr.T + self.b_r, x @ self.W_xn.T

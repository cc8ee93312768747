"""A cell's twin reads a whole sequence: what all the twins in `torch_twins.cells` share.

A twin of a cell has `step(x, *state)`, one equation, and `forward`, which takes it along the sequence. The state is h
alone for the vanilla RNN, the GRU and MUT1-3, and h and c for the LSTM and its relatives.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import torch
from torch import nn

from course_pkg.torch_twins.loaders import load_params, tensor
from course_pkg.tree import leaves

State = tuple[torch.Tensor, ...]  # (h,), or (h, c): (B, H) each


class LSTMTensors(NamedTuple):
    """All states, named as in course_pkg.lstm.LSTMStates: (T+1, B, H) each."""

    hs: torch.Tensor
    cs: torch.Tensor


class Unrolled(nn.Module):
    """Its parameters are named as the leaves of ours: W_x... (..., D) read the input, W_h... (..., H) the state h."""

    arrays: int  # of the state

    @classmethod
    def from_params(cls, p: Any) -> Self:
        """A twin with a copy of our parameters, in their precision."""
        W_x, W_h = (_first(leaves(p), start)[1] for start in ("W_x", "W_h"))
        return load_params(cls(W_x.shape[1], W_h.shape[1], dtype=tensor(W_x).dtype), p)

    def _unroll(self, xs: torch.Tensor, state: State | None, mask: torch.Tensor | None) -> State:
        """(unroll)  xs: (T, B, D) -> each array of the state at all T+1 steps, (T+1, B, H); zeros at first if None."""
        (name, W_x), (_, W_h) = (_first(self.named_parameters(), start) for start in ("W_x", "W_h"))
        check_sequence(f"{type(self).__name__}.forward", xs, W_x.shape[1], mask, name)
        state = (xs.new_zeros(xs.shape[1], W_h.shape[1]),) * self.arrays if state is None else tuple(state)
        states = [state]
        for t, x in enumerate(xs):
            new = self.step(x, *state)
            new = new if isinstance(new, tuple) else (new,)
            if mask is not None:
                real = mask[t, :, None]  # (B, 1)
                new = tuple(torch.where(real, a, b) for a, b in zip(new, state, strict=True))
            state = new
            states.append(state)
        return tuple(torch.stack(parts) for parts in zip(*states, strict=True))


def _first(named: Iterable[tuple[str, Any]], start: str) -> tuple[str, Any]:
    """The first of these whose name begins so."""
    return next((name, value) for name, value in named if name.startswith(start))


class Hidden(Unrolled):
    """A cell whose state is h (B, H)."""

    arrays = 1

    def forward(
        self, xs: torch.Tensor, h0: torch.Tensor | None = None, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """xs: (T, B, D), h0: (B, H), mask: (T, B) bool -> hs: (T+1, B, H) with hs[0] = h0 (zeros if None).

        Where the mask is False the state is carried over unchanged.
        """
        return self._unroll(xs, None if h0 is None else (h0,), mask)[0]


class HiddenAndCell(Unrolled):
    """A cell whose state is h and c, (B, H) each."""

    arrays = 2

    def forward(
        self,
        xs: torch.Tensor,
        state0: tuple[torch.Tensor, torch.Tensor] | None = None,
        mask: torch.Tensor | None = None,
    ) -> LSTMTensors:
        """xs: (T, B, D), state0: h_0 and c_0 (B, H), zeros if None; where mask (T, B) is False the state is carried."""
        return LSTMTensors(*self._unroll(xs, state0, mask))


def check_sequence(caller: str, xs: torch.Tensor, D: int, mask: torch.Tensor | None, weights: str = "W_xh") -> None:
    """Raise ValueError or TypeError unless xs is (T, B, D) and mask is a (T, B) bool tensor or None."""
    if xs.ndim != 3 or xs.shape[2] != D:
        raise ValueError(f"{caller}: xs must be (T, B, D) with D={D} (from {weights}), got shape {tuple(xs.shape)}")
    if mask is None:
        return
    if mask.shape != xs.shape[:2]:
        raise ValueError(f"{caller}: mask must be {tuple(xs.shape[:2])} (from xs), got shape {tuple(mask.shape)}")
    if mask.dtype != torch.bool:
        raise TypeError(f"{caller}: mask must be torch.bool, got {mask.dtype}")

"""Twins of `course_pkg.sequence_models`: an RNN, and a dense layer that reads its states."""

from __future__ import annotations

from typing import Self

import torch
from torch import nn

from course_pkg import sequence_models
from course_pkg.sequence_models import POOLS
from course_pkg.torch_twins.dense import Dense
from course_pkg.torch_twins.loaders import load_params, tensor
from course_pkg.torch_twins.rnn import RNN


class ReadoutRNN(nn.Module):
    """Twin of ReadoutRNN: many to one (many-to-one), and aligned many to many (aligned)."""

    def __init__(self, D: int, H: int, V: int, dtype: torch.dtype | None = None):
        super().__init__()
        self.rnn = RNN(D, H, dtype=dtype)
        self.out = Dense(H, V, dtype)

    @classmethod
    def from_params(cls, p: sequence_models.ReadoutRNN) -> Self:
        """A twin with a copy of our parameters, in their precision."""
        (H, D), V = p.rnn.W_xh.shape, len(p.out.b)
        return load_params(cls(D, H, V, tensor(p.out.W).dtype), p)

    def forward(
        self, xs: torch.Tensor, mask: torch.Tensor | None = None, h0: torch.Tensor | None = None
    ) -> torch.Tensor:
        """(aligned) xs: (T, B, D), mask: (T, B) -> logits: (T, B, V), one row for every step."""
        return self.out(self.rnn(xs, h0, mask)[1:])

    def many_to_one(self, xs: torch.Tensor, mask: torch.Tensor | None = None, pool: str = "last") -> torch.Tensor:
        """(many-to-one) xs: (T, B, D) -> logits: (B, V), read from the last, mean or largest state."""
        return self.out(pool_states(self.rnn(xs, None, mask), mask, pool))


class OneToMany(nn.Module):
    """Twin of OneToMany (one-to-many): h_0 = tanh(start(x)), then an RNN that reads the token before."""

    def __init__(self, D: int, H: int, V: int, dtype: torch.dtype | None = None):
        super().__init__()
        self.start, self.rnn, self.out = Dense(D, H, dtype), RNN(V, H, dtype=dtype), Dense(H, V, dtype)

    @classmethod
    def from_params(cls, p: sequence_models.OneToMany) -> Self:
        """A twin with a copy of our parameters, in their precision."""
        (H, D), V = p.start.W.shape, len(p.out.b)
        return load_params(cls(D, H, V, tensor(p.out.W).dtype), p)

    def forward(self, x: torch.Tensor, inputs: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """x: (B, D), inputs: (T, B, V) one-hot -> logits: (T, B, V)."""
        h0 = torch.tanh(self.start(x))  # (B, H)
        return self.out(self.rnn(inputs, h0, mask)[1:])


class EncoderDecoder(nn.Module):
    """Twin of EncoderDecoder (encoder-decoder): the encoder's last state is the decoder's first one."""

    def __init__(self, D: int, H: int, V: int, dtype: torch.dtype | None = None):
        super().__init__()
        self.encoder, self.decoder, self.out = (
            RNN(D, H, dtype=dtype),
            RNN(V, H, dtype=dtype),
            Dense(H, V, dtype),
        )

    @classmethod
    def from_params(cls, p: sequence_models.EncoderDecoder) -> Self:
        """A twin with a copy of our parameters, in their precision."""
        (H, D), V = p.encoder.W_xh.shape, len(p.out.b)
        return load_params(cls(D, H, V, tensor(p.out.W).dtype), p)

    def forward(
        self,
        xs: torch.Tensor,
        inputs: torch.Tensor,
        mask: torch.Tensor | None = None,
        target_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """xs: (T, B, D) read, inputs: (N, B, V) one-hot -> logits: (N, B, V)."""
        s0 = self.encoder(xs, None, mask)[-1]  # (B, H)
        return self.out(self.decoder(inputs, s0, target_mask)[1:])


def pool_states(hs: torch.Tensor, mask: torch.Tensor | None, pool: str) -> torch.Tensor:
    """(pool) hs: (T+1, B, H) -> (B, H): the last state, or the mean or the maximum over the real steps."""
    if pool not in POOLS:
        raise ValueError(f"pool_states: pool must be one of {', '.join(map(repr, POOLS))}, got {pool!r}")
    if pool == "last":
        return hs[-1]
    if mask is None:
        return hs[1:].mean(dim=0) if pool == "mean" else hs[1:].amax(dim=0)
    real = mask[:, :, None]  # (T, B, 1)
    if pool == "mean":
        return (hs[1:] * real).sum(dim=0) / real.sum(dim=0)
    return torch.where(real, hs[1:], -torch.inf).amax(dim=0)

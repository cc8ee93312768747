"""Twin of `course_pkg.encoder_decoder`, with additive attention, with the summary at every step, or with neither.

The same equations with autograd in place of the backward by hand. `forward` stops before the output layer, so that a
training with a large vocabulary can choose which of its rows to compute; `logits` is `forward` and that layer.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import torch
from torch import nn
from torch.nn import functional

from course_pkg import encoder_decoder
from course_pkg.attention import AdditiveParams
from course_pkg.bidirectional import Directions as DirectionsParams
from course_pkg.decoders import SummaryParams
from course_pkg.gru import GRUParams
from course_pkg.lstm import LSTMParams
from course_pkg.rnn import RNNParams
from course_pkg.torch_twins.dense import Dense, uniform
from course_pkg.torch_twins.gru import GRU
from course_pkg.torch_twins.loaders import load_params, tensor
from course_pkg.torch_twins.lstm import LSTM
from course_pkg.torch_twins.rnn import RNN

CELLS = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
CELL_OF = {RNNParams: "rnn", LSTMParams: "lstm", GRUParams: "gru"}
LOOKS = ("additive", "summary", None)
State = tuple[torch.Tensor, ...]  # (h,), or (h, c) of an LSTM: (B, H) each


class Additive(nn.Module):
    """Twin of additive_scores (attention-additive): e_j = v^T tanh(W h_j + U s)."""

    def __init__(self, A: int, Q: int, K: int, dtype: torch.dtype | None = None):
        super().__init__()
        self.W, self.U, self.v = uniform((A, K), K, dtype), uniform((A, Q), Q, dtype), uniform((A,), A, dtype)

    def forward(self, query: torch.Tensor, projected: torch.Tensor) -> torch.Tensor:
        """query: (B, Q), projected: (S, B, A), which is W h_j for every j -> scores (B, S)."""
        return (torch.tanh(projected + query @ self.U.T) @ self.v).T


class Directions(nn.Module):
    """Two cells, one reads ahead and one back; see bidirectional_forward (bidirectional)."""

    def __init__(self, ahead: nn.Module, back: nn.Module):
        super().__init__()
        self.ahead, self.back = ahead, back


class Memory(NamedTuple):
    """What the decoder may look at, computed once for a source."""

    keys: torch.Tensor  # (S, B, K)
    projected: torch.Tensor | None  # (S, B, A)
    mask: torch.Tensor | None  # (S, B)
    summary: torch.Tensor  # (B, K)


class Seq2Seq(nn.Module):
    """Twin of EncoderDecoder. look: "additive", "summary" or None; K is H, the sum of an encoder's two directions."""

    def __init__(
        self, V_source: int, V_target: int, D: int, H: int, cell: str = "gru", look: str | None = "additive",
        two_directions: bool = True, bridge: bool = True, dtype: torch.dtype | None = None,
    ):  # fmt: skip
        super().__init__()
        if cell not in CELLS or look not in LOOKS:
            raise ValueError(f"Seq2Seq: cell must be one of {', '.join(CELLS)} and look one of "
                             f"{', '.join(map(repr, LOOKS))}, got {cell!r} and {look!r}")  # fmt: skip
        if two_directions and (H % 2 or not bridge):
            raise ValueError(f"Seq2Seq: two_directions needs an even H and a bridge, got H={H} and bridge={bridge}")
        kind, K = CELLS[cell], 0 if look is None else H
        both = [kind(D, H // 2, dtype=dtype) for _ in range(2)] if two_directions else []
        self.source = nn.Parameter(torch.randn(V_source, D, dtype=dtype) * D**-0.5)  # (V_source, D)
        self.encoder = Directions(*both) if two_directions else kind(D, H, dtype=dtype)
        arrays = (2 if cell == "lstm" else 1) if bridge else 0
        self.bridge = nn.ModuleList(Dense(H, H, dtype) for _ in range(arrays))
        self.target = nn.Parameter(torch.randn(V_target, D, dtype=dtype) * D**-0.5)  # (V_target, D)
        self.decoder = kind(D + K, H, dtype=dtype)
        self.attention = Additive(H, H, H, dtype) if look == "additive" else None
        self.out, self.look = Dense(H + K, V_target, dtype), look

    @classmethod
    def from_params(cls, p: encoder_decoder.EncoderDecoder) -> Self:
        """A twin with a copy of our parameters, in their precision. TypeError for another score than the additive."""
        looks = {AdditiveParams: "additive", SummaryParams: "summary", tuple: None}
        if type(p.attention) not in looks:
            raise TypeError(f"Seq2Seq.from_params: attention must be AdditiveParams, SummaryParams or (), "
                            f"got {type(p.attention).__name__}")  # fmt: skip
        if type(p.decoder) not in CELL_OF:
            raise TypeError(f"Seq2Seq.from_params: decoder must be {', '.join(c.__name__ for c in CELL_OF)}, "
                            f"got {type(p.decoder).__name__}")  # fmt: skip
        look, two = looks[type(p.attention)], isinstance(p.encoder, DirectionsParams)
        (V_source, D), V_target = p.source.shape, len(p.out.b)
        H = p.out.W.shape[1] // (1 if look is None else 2)
        twin = cls(V_source, V_target, D, H, CELL_OF[type(p.decoder)], look, two, bool(p.bridge), tensor(p.out.W).dtype)
        return load_params(twin, p)

    def start(
        self, source: torch.Tensor, mask: torch.Tensor | None = None, dropout: float = 0.0
    ) -> tuple[Memory, State]:
        """(seq2seq-encode)  source: (S, B) ids, mask: (S, B) bool -> the memory and the decoder's first state."""
        xs = functional.dropout(self.source[source], dropout)  # (S, B, D)
        if isinstance(self.encoder, Directions):
            keys, last = _read(self.encoder.ahead, xs, mask)
            back, first = _read(self.encoder.back, xs.flip(0), None if mask is None else mask.flip(0))
            keys = torch.cat([keys, back.flip(0)], dim=-1)  # (S, B, K)
            last = tuple(torch.cat(pair, dim=-1) for pair in zip(last, first, strict=True))
        else:
            keys, last = _read(self.encoder, xs, mask)
        projected = None if self.attention is None else keys @ self.attention.W.T  # (S, B, A)
        crossed = tuple(dense(a) for dense, a in zip(self.bridge, last, strict=True)) if len(self.bridge) else last
        state = (torch.tanh(crossed[0]), *crossed[1:]) if len(self.bridge) else crossed
        return Memory(keys, projected, mask, last[0]), state

    def step(
        self, memory: Memory, y: torch.Tensor, state: State
    ) -> tuple[torch.Tensor, State, torch.Tensor | None]:
        """(seq2seq-step)  y: (B, D), the row of the word before -> what `out` reads, the state, weights (B, S)."""
        beside, weights = () if self.look is None else (memory.summary,), None
        if self.attention is not None:
            scores = self.attention(state[0], memory.projected)  # (B, S)
            if memory.mask is not None:
                scores = scores.masked_fill(~memory.mask.T, -torch.inf)
            weights = torch.softmax(scores, dim=-1)
            beside = (torch.einsum("bs,sbk->bk", weights, memory.keys),)  # the context (B, K)
        new = self.decoder.step(torch.cat([y, *beside], dim=-1), *state)
        new = new if isinstance(new, tuple) else (new,)
        return torch.cat([new[0], *beside], dim=-1), new, weights

    def forward(
        self, source: torch.Tensor, inputs: torch.Tensor, mask: torch.Tensor | None = None, dropout: float = 0.0
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """source: (S, B), inputs: (T, B) -> features (T, B, H + K), which `out` reads, and weights (T, B, S).

        dropout: share of the entries of both tables' rows that are left out.
        """
        memory, state = self.start(source, mask, dropout)
        features, looked = [], []
        for y in functional.dropout(self.target[inputs], dropout):
            shown, state, weights = self.step(memory, y, state)
            features.append(shown)
            looked.append(weights)
        return torch.stack(features), None if self.attention is None else torch.stack(looked)

    def logits(self, source: torch.Tensor, inputs: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """source: (S, B), inputs: (T, B) -> logits (T, B, V)."""
        return self.out(self(source, inputs, mask)[0])


def _read(cell: nn.Module, xs: torch.Tensor, mask: torch.Tensor | None) -> tuple[torch.Tensor, State]:
    """-> the states h_1 ... h_S (S, B, H), and the last state."""
    found = cell(xs, None, mask)
    arrays = found if isinstance(found, tuple) else (found,)
    return arrays[0][1:], tuple(a[-1] for a in arrays)

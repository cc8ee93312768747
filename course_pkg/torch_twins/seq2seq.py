"""Twin of `course_pkg.encoder_decoder`: any cell of CELLS, any score of SCORES, the summary at every step, or neither.

The same equations with autograd in place of the backward by hand. `forward` stops before the output layer, so that a
training with a large vocabulary can choose which of its rows to compute; `logits` is `forward` and that layer, and
`loss` the training loss. What the decoder reads is teacher forcing or, from `scheduled_sampling.py`, its own words too.

    twin = Seq2Seq.from_params(p, cell)            # p: course_pkg.encoder_decoder.EncoderDecoder, any dtype
    twin.loss(source, mask, targets, target_mask).backward()
    p, grads = twin.to_params(), read_grads(twin, p)
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from course_pkg import encoder_decoder
from course_pkg.bidirectional import Directions as DirectionsParams
from course_pkg.pair_weights import attention_name
from course_pkg.shapes import check_choice, check_positive_int
from course_pkg.torch_twins.cells import CELLS, cell_of, make_cell
from course_pkg.torch_twins.dense import Dense
from course_pkg.torch_twins.loaders import load_params, read_params, tensor
from course_pkg.torch_twins.scores import SCORES
from course_pkg.torch_twins.unrolled import State, Unrolled

LOOKS = (*SCORES, "summary", None)


class Directions(nn.Module):
    """Two cells, one reads ahead and one back; see bidirectional_forward (bidirectional)."""

    def __init__(self, ahead: nn.Module, back: nn.Module):
        super().__init__()
        self.ahead, self.back = ahead, back


class Memory(NamedTuple):
    """What the decoder may look at, computed once for a source."""

    keys: torch.Tensor  # (S, B, K)
    projected: torch.Tensor | None  # (S, B, ...), the keys as the score compares them
    mask: torch.Tensor | None  # (S, B)
    summary: torch.Tensor  # (B, K)


class Seq2Seq(nn.Module):
    """Twin of EncoderDecoder. cell: a name in CELLS. look: a name in SCORES, "summary" or None.

    K is H, the sum of an encoder's two directions.
    """

    def __init__(
        self, V_source: int, V_target: int, D: int, H: int, cell: str = "gru", look: str | None = "additive",
        two_directions: bool = True, bridge: bool = True, dtype: torch.dtype | None = None,
    ):  # fmt: skip
        super().__init__()
        check_choice("Seq2Seq", "cell", cell, CELLS)
        check_choice("Seq2Seq", "look", look, LOOKS)
        for name, size in zip(("V_source", "V_target", "D", "H"), (V_source, V_target, D, H), strict=True):
            check_positive_int("Seq2Seq", name, size)
        if two_directions and (H % 2 or not bridge):
            raise ValueError(f"Seq2Seq: two_directions needs an even H and a bridge, got H={H} and bridge={bridge}")
        K = 0 if look is None else H
        both = [make_cell(cell, D, H // 2, dtype) for _ in range(2)] if two_directions else []
        self.source = nn.Parameter(torch.randn(V_source, D, dtype=dtype) * D**-0.5)  # (V_source, D)
        self.encoder = Directions(*both) if two_directions else make_cell(cell, D, H, dtype)
        arrays = (both[0] if two_directions else self.encoder).arrays  # of the state: h, or h and c
        self.bridge = nn.ModuleList(Dense(H, H, dtype) for _ in range(arrays if bridge else 0))
        self.target = nn.Parameter(torch.randn(V_target, D, dtype=dtype) * D**-0.5)  # (V_target, D)
        self.decoder = make_cell(cell, D + K, H, dtype)
        self.attention = SCORES[look](H, H, H, dtype) if look in SCORES else None
        self.out, self.cell, self.look = Dense(H + K, V_target, dtype), cell, look

    # ---- weights both ways ---------------------------------------------------------------------------------------

    @classmethod
    def from_params(cls, p: encoder_decoder.EncoderDecoder, cell: str | None = None) -> Self:
        """A twin with a copy of our parameters, in their precision.

        cell: the name that the NumPy functions are called with; None is what the decoder's parameters tell, "gru" for
        GRUParams. ValueError if it has parameters of another class.
        """
        if not isinstance(p, encoder_decoder.EncoderDecoder):
            raise TypeError(f"Seq2Seq.from_params: p must be an EncoderDecoder, got {type(p).__name__}")
        cell = cell_of(p.decoder) if cell is None else cell
        check_choice("Seq2Seq.from_params", "cell", cell, CELLS)
        if type(p.decoder) is not (kind := CELLS[cell].params):
            raise ValueError(f"Seq2Seq.from_params: p.decoder must be {kind.__name__} (from cell={cell!r}), "
                             f"got {type(p.decoder).__name__}")  # fmt: skip
        look, two = attention_name(p), isinstance(p.encoder, DirectionsParams)
        (V_source, D), V_target = p.source.shape, len(p.out.b)
        H = p.out.W.shape[1] // (1 if look is None else 2)
        return load_params(cls(V_source, V_target, D, H, cell, look, two, bool(p.bridge), tensor(p.out.W).dtype), p)

    def to_params(self) -> encoder_decoder.EncoderDecoder:
        """A copy of the weights as the course's own parameters, in their precision; the inverse of from_params."""
        (V_source, D), V_target, H = self.source.shape, len(self.target), self.out.W.shape[1]
        H = H if self.look is None else H // 2
        kind = self.cell, self.look, isinstance(self.encoder, Directions), len(self.bridge) > 0
        like = encoder_decoder.init_encoder_decoder(np.random.default_rng(0), V_source, V_target, D, H, *kind)
        return read_params(self, like)

    # ---- reading and writing -------------------------------------------------------------------------------------

    def start(
        self, source: torch.Tensor, mask: torch.Tensor | None = None, dropout: float = 0.0
    ) -> tuple[Memory, State]:
        """(seq2seq-encode)  source: (S, B) ids, mask: (S, B) bool -> the memory and the decoder's first state."""
        check_ids("Seq2Seq.start", "source", source, len(self.source))
        check_mask("Seq2Seq.start", "mask", mask, source, "source")
        if mask is not None and not mask.any(dim=0).all():
            empty = torch.nonzero(~mask.any(dim=0)).flatten().tolist()
            raise ValueError("Seq2Seq.start: mask must keep at least one token of every sequence, "
                             f"got none for {empty}")  # fmt: skip
        xs = functional.dropout(self.source[source], dropout)  # (S, B, D)
        if isinstance(self.encoder, Directions):
            keys, last = _read(self.encoder.ahead, xs, mask)
            back, first = _read(self.encoder.back, xs.flip(0), None if mask is None else mask.flip(0))
            keys = torch.cat([keys, back.flip(0)], dim=-1)  # (S, B, K)
            last = tuple(torch.cat(pair, dim=-1) for pair in zip(last, first, strict=True))
        else:
            keys, last = _read(self.encoder, xs, mask)
        projected = None if self.attention is None else self.attention.project(keys)  # (S, B, ...)
        return Memory(keys, projected, mask, last[0]), self._cross(last)

    def _cross(self, last: State) -> State:
        """(seq2seq-bridge)  The encoder's last state -> the decoder's first: h through tanh, a cell state linearly."""
        if not len(self.bridge):
            return last
        h, *rest = (dense(a) for dense, a in zip(self.bridge, last, strict=True))
        return torch.tanh(h), *rest

    def step(self, memory: Memory, y: torch.Tensor, state: State) -> tuple[torch.Tensor, State, torch.Tensor | None]:
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

        mask: (S, B), True = real. dropout: share of the entries of both tables' rows that are left out.
        """
        check_ids("Seq2Seq.forward", "inputs", inputs, len(self.target), source)
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

    def loss(
        self, source: torch.Tensor, mask: torch.Tensor | None, targets: torch.Tensor,
        target_mask: torch.Tensor | None = None, inputs: torch.Tensor | None = None,
    ) -> torch.Tensor:  # fmt: skip
        """(conditional-lm)  Twin of encoder_decoder_loss: the mean cross-entropy in nats of the real targets.

        source, mask: (S, B); targets, target_mask: (T, B). inputs: (T, B), what the decoder reads; None is teacher
        forcing, and `scheduled_inputs` makes others, through which no gradient flows.
        """
        check_ids("Seq2Seq.loss", "targets", targets, len(self.target), source)
        check_mask("Seq2Seq.loss", "target_mask", target_mask, targets, "targets")
        if target_mask is not None and not target_mask.any():
            raise ValueError("Seq2Seq.loss: target_mask must count at least one token, got none")
        inputs = decoder_inputs(targets) if inputs is None else inputs
        if inputs.shape != targets.shape:
            raise ValueError(f"Seq2Seq.loss: inputs must be {tuple(targets.shape)} (from targets), "
                             f"got shape {tuple(inputs.shape)}")  # fmt: skip
        logits = self.logits(source, inputs, mask)  # (T, B, V)
        real = torch.ones_like(targets, dtype=torch.bool) if target_mask is None else target_mask
        return functional.cross_entropy(logits[real], targets[real])


def decoder_inputs(targets: torch.Tensor) -> torch.Tensor:
    """targets: (T, B) -> what the decoder reads under teacher forcing: START, then all targets but the last."""
    return torch.cat([torch.full_like(targets[:1], encoder_decoder.START), targets[:-1]])


def _read(cell: Unrolled, xs: torch.Tensor, mask: torch.Tensor | None) -> tuple[torch.Tensor, State]:
    """-> the states h_1 ... h_S (S, B, H), and the last state."""
    found = cell(xs, None, mask)
    arrays = found if isinstance(found, tuple) else (found,)
    return arrays[0][1:], tuple(a[-1] for a in arrays)


def check_ids(function: str, name: str, ids: torch.Tensor, V: int, source: torch.Tensor | None = None) -> None:
    """Raise unless ids is a tensor of integers in 0..V-1, (S, B), or (T, B) beside the source (S, B)."""
    axes = "(S, B)" if source is None else "(T, B)"
    if not isinstance(ids, torch.Tensor) or ids.dtype not in (torch.int64, torch.int32):
        found = f"dtype {ids.dtype}" if isinstance(ids, torch.Tensor) else type(ids).__name__
        raise TypeError(f"{function}: {name} must be a tensor of integers {axes}, got {found}")
    if ids.ndim != 2 or not ids.numel() or (source is not None and ids.shape[1] != source.shape[-1]):
        beside = "" if source is None else f" with B={source.shape[-1]} (from source)"
        raise ValueError(f"{function}: {name} must be {axes}{beside}, got shape {tuple(ids.shape)}")
    low, high = ids.min().item(), ids.max().item()
    if low < 0 or high >= V:
        raise ValueError(f"{function}: {name} must be in 0..{V - 1} (from the table), got {high if high >= V else low}")


def check_mask(function: str, name: str, mask: torch.Tensor | None, ids: torch.Tensor, of: str) -> None:
    """Raise unless mask is None or a bool tensor of the shape of `ids`, the argument called `of`."""
    if mask is None:
        return
    if not isinstance(mask, torch.Tensor) or mask.dtype != torch.bool:
        found = f"dtype {mask.dtype}" if isinstance(mask, torch.Tensor) else type(mask).__name__
        raise TypeError(f"{function}: {name} must be a tensor of booleans (True marks a real token), got {found}")
    if mask.shape != ids.shape:
        raise ValueError(f"{function}: {name} must be {tuple(ids.shape)} (from {of}), got shape {tuple(mask.shape)}")

"""Twin of `course_pkg.language_models`: a table, layers of one kind of cell, a dense layer."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import nn

from course_pkg import language_models
from course_pkg.gru import GRUParams
from course_pkg.lstm import LSTMParams
from course_pkg.rnn import RNNParams
from course_pkg.torch_twins.dense import Dense
from course_pkg.torch_twins.gru import GRU
from course_pkg.torch_twins.loaders import load_params, tensor
from course_pkg.torch_twins.lstm import LSTM
from course_pkg.torch_twins.rnn import RNN

KINDS = {RNNParams: RNN, LSTMParams: LSTM, GRUParams: GRU}


class LanguageModel(nn.Module):
    """Twin of lm_forward (language-model), for layers of the vanilla RNN, the LSTM or the GRU."""

    def __init__(self, embedding: torch.Tensor, layers: list[nn.Module], out: Dense):
        super().__init__()
        self.embedding = nn.Parameter(embedding)  # (V, E)
        self.layers, self.out = nn.ModuleList(layers), out

    @classmethod
    def from_params(cls, p: language_models.LanguageModel) -> Self:
        """A twin with a copy of our parameters, in their precision."""
        kinds = [KINDS.get(type(layer)) for layer in p.layers]
        if None in kinds:
            names = ", ".join(kind.__name__ for kind in KINDS)
            raise TypeError(f"LanguageModel.from_params: layers must be {names}, "
                            f"got {type(p.layers[kinds.index(None)]).__name__}")  # fmt: skip
        (V, H), table = p.out.W.shape, tensor(p.embedding)
        layers = [kind.from_params(layer) for kind, layer in zip(kinds, p.layers, strict=True)]
        return load_params(cls(table, layers, Dense(H, V, table.dtype)), p)

    def forward(self, ids: torch.Tensor, states: list[Any] | None = None) -> tuple[torch.Tensor, list[Any]]:
        """ids: (T, B) -> logits: (T, B, V), and the last state of each layer, h (B, H) or (h, c)."""
        y, last = self.embedding[ids], []  # (T, B, E)
        for i, layer in enumerate(self.layers):
            read = layer(y, None if states is None else states[i])  # (T+1, B, H), or such an hs and a cs
            hs = read[0] if isinstance(layer, LSTM) else read
            last.append((hs[-1], read[1][-1]) if isinstance(layer, LSTM) else hs[-1])
            y = hs[1:]  # (T, B, H)
        return self.out(y), last

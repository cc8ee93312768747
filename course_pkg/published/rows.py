"""The rows of the published table: what was published, and with which sizes and settings we train.

Published figures: Bai, Kolter and Koltun (2018), table 1. Sizes are theirs: those of the TCN from their table 2, and
for a cell the hidden units that come nearest to the row's number of parameters from below.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from . import sources
from .nets import Size
from .sources import Source


class Settings(NamedTuple):
    """How one architecture is trained on one row."""

    lr: float
    clip: float | None = 1.0
    dropout: float = 0.0


class Row(NamedTuple):
    """One row of the table."""

    title: str
    measure: str
    parameters: int
    published: dict[str, float | None]  # architecture -> figure
    loss: str = ""  # "squared", "softmax" or "bernoulli"
    last_only: bool = False
    D: int = 0
    V: int = 0
    tcn: Size = Size(0)
    settings: dict[str, Settings] = {}
    steps: int = 0
    look_every: int = 0
    source: Callable[[Path], Source] | None = None
    reason: str = ""  # why it is not run here

    @property
    def higher_is_better(self) -> bool:
        return self.measure == "accuracy"


def _figures(lstm: float | None, gru: float | None, rnn: float | None, tcn: float | None) -> dict[str, float | None]:
    return {"lstm": lstm, "gru": gru, "rnn": rnn, "tcn": tcn}


def _cells(lr: float, clip: float = 1.0, dropout: float = 0.0) -> dict[str, Settings]:
    return {name: Settings(lr, clip, dropout) for name in ("lstm", "gru", "rnn")}


_PIXELS = {"loss": "softmax", "last_only": True, "D": 1, "V": 10, "tcn": Size(25, 8, 7), "steps": 937,
           "look_every": 100, "settings": {"tcn": Settings(2e-3), **_cells(1e-3)}}  # fmt: skip
_MUSIC = {"loss": "bernoulli", "D": 88, "V": 88,
          "settings": {"tcn": Settings(1e-3, 0.4, 0.25), **_cells(2e-3, 1.0, 0.25)}}  # fmt: skip

ROWS = {
    "seqmnist": Row("Sequential MNIST", "accuracy", 70_000, _figures(87.2, 96.2, 21.5, 99.0), **_PIXELS,
                    source=sources.sequential_mnist),
    "pmnist": Row("Permuted MNIST", "accuracy", 70_000, _figures(85.7, 87.3, 25.3, 97.2), **_PIXELS,
                  source=partial(sources.sequential_mnist, permuted=True)),
    "adding": Row("Adding problem T=600", "loss", 70_000, _figures(0.164, 5.3e-5, 0.177, 5.8e-5), "squared", True, 2, 1,
                  Size(24, 8, 8), {"tcn": Settings(4e-3), **_cells(2e-3)}, 15_600, 200, sources.adding),
    "copy": Row("Copy memory T=1000", "loss", 16_000, _figures(0.0204, 0.0197, 0.0202, 3.5e-5), "softmax", False, 10,
                10, Size(10, 8, 8), {"tcn": Settings(2e-3), **_cells(1e-3)}, 6_000, 100, sources.copy),
    "jsb": Row("JSB Chorales", "loss", 300_000, _figures(8.45, 8.43, 8.91, 8.10), **_MUSIC, tcn=Size(150, 2, 3),
               steps=29 * 60, look_every=29, source=partial(sources.music, name="JSB_Chorales")),
    "nottingham": Row("Nottingham", "loss", 1_000_000, _figures(3.29, 3.46, 4.05, 3.07), **_MUSIC, tcn=Size(150, 4, 6),
                      steps=87 * 10, look_every=87, source=partial(sources.music, name="Nottingham")),
    "ptb-word": Row("Word-level PTB", "perplexity", 13_000_000, _figures(78.93, 92.48, 114.50, 88.68),
                    reason="the Penn Treebank's licence does not allow it"),
    "wikitext-103": Row("Word-level WikiText-103", "perplexity", 0, _figures(48.4, None, None, 45.19),
                        reason="103 million words: days on a processor"),
    "lambada": Row("LAMBADA", "perplexity", 0, _figures(4186, None, 14725, 1279),
                   reason="its text, 200 million words of novels, is not free to use"),
    "ptb-char": Row("Char-level PTB", "bpc", 3_000_000, _figures(1.36, 1.37, 1.48, 1.31),
                    reason="the Penn Treebank's licence does not allow it"),
    "text8": Row("Char-level text8", "bpc", 5_000_000, _figures(1.50, 1.53, 1.69, 1.45),
                 reason="100 million characters: days on a processor"),
}  # fmt: skip
RUNNABLE = tuple(name for name, row in ROWS.items() if row.source)

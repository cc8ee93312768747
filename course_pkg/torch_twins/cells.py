"""The cells' twins by name, as `course_pkg.cells.CELLS` has the cells."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch

from course_pkg.gru import GRUParams
from course_pkg.lstm import LSTMParams
from course_pkg.lstm_variants import CoupledParams, PeepholeParams
from course_pkg.rnn import RNNParams
from course_pkg.shapes import check_choice, check_positive_int
from course_pkg.torch_twins.gru import GRU
from course_pkg.torch_twins.lstm import LSTM
from course_pkg.torch_twins.lstm_variants import CoupledLSTM, PeepholeLSTM
from course_pkg.torch_twins.rnn import RNN
from course_pkg.torch_twins.unrolled import Unrolled
from course_pkg.torch_twins.variants import MUT1, MUT2, MUT3
from course_pkg.variants import MUT1Params, MUT2Params, MUT3Params


class Twin(NamedTuple):
    """How a cell's twin is made, and the class of the cell's own parameters."""

    make: Callable[..., Unrolled]  # (D, H, dtype=...) -> the module
    params: type


CELLS = {
    "rnn": Twin(RNN, RNNParams),
    "lstm": Twin(LSTM, LSTMParams),
    "gru": Twin(GRU, GRUParams),
    "gru_before": Twin(partial(GRU, reset="before"), GRUParams),
    "mut1": Twin(MUT1, MUT1Params),
    "mut2": Twin(MUT2, MUT2Params),
    "mut3": Twin(MUT3, MUT3Params),
    "peephole": Twin(PeepholeLSTM, PeepholeParams),
    "coupled": Twin(CoupledLSTM, CoupledParams),
}


def make_cell(name: str, D: int, H: int, dtype: torch.dtype | None = None) -> Unrolled:
    """A fresh twin of the cell called `name`, a key of CELLS, for D inputs and H units."""
    check_choice("make_cell", "name", name, CELLS)
    check_positive_int("make_cell", "D", D)
    check_positive_int("make_cell", "H", H)
    return CELLS[name].make(D, H, dtype=dtype)


def cell_of(p: Any) -> str:
    """The name in CELLS of the cell that these parameters belong to; for GRUParams "gru", though "gru_before" has them.

    TypeError for parameters of no cell.
    """
    for name, twin in CELLS.items():
        if type(p) is twin.params:
            return name
    known = ", ".join(dict.fromkeys(twin.params.__name__ for twin in CELLS.values()))
    raise TypeError(f"cell_of: p must be one of {known}, got {type(p).__name__}")

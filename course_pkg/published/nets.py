"""The four architectures of the table, each with a dense read-out: one form, whatever the body is."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..cells import CELLS, run, run_backward
from ..dense import DenseParams, dense_backward, dense_forward, init_dense
from ..stacked import dropout_factors
from ..tcn import draw_dropout, init_tcn
from ..tcn_fast import tcn_backward_fast, tcn_forward_fast
from ..tree import count

ARCHITECTURES = ("tcn", "lstm", "gru", "rnn")


class Net(NamedTuple):
    """A TCN or a recurrent cell, and the dense layer that reads its outputs. Gradients have this same type."""

    body: Any
    out: DenseParams


class Size(NamedTuple):
    """Of a TCN all three; of a cell C alone, its hidden units."""

    C: int
    levels: int = 0
    K: int = 0


def init_net(rng: np.random.Generator, architecture: str, size: Size, D: int, V: int) -> Net:
    """A net in float32 that reads D inputs and gives V outputs."""
    if architecture == "tcn":
        body = init_tcn(rng, D, size.C, size.levels, size.K, np.float32)
    else:
        body = CELLS[architecture].init(rng, D, size.C, dtype=np.float32)
    return Net(body, init_dense(rng, size.C, V, np.float32))


def units_for(architecture: str, budget: int, D: int, V: int) -> int:
    """The most hidden units with which a cell and its read-out stay within `budget` parameters."""
    H, rng = 1, np.random.default_rng(0)
    while count(init_net(rng, architecture, Size(2 * H), D, V)) <= budget:
        H *= 2
    below, above = H, 2 * H  # the right number is below `above`
    while above - below > 1:
        middle = (below + above) // 2
        fits = count(init_net(rng, architecture, Size(middle), D, V)) <= budget
        below, above = (middle, above) if fits else (below, middle)
    return below


class Pass(NamedTuple):
    """A forward pass: the logits, and what the backward pass needs."""

    logits: np.ndarray  # (T, B, V), or (1, B, V) where only the last step is read
    ys: np.ndarray  # what the read-out reads: (T, B, C) or (1, B, C)
    kept: Any
    dropped: Any


def forward(
    architecture: str,
    net: Net,
    xs: np.ndarray,
    last_only: bool,
    dropout: float = 0.0,
    rng: np.random.Generator | None = None,
) -> Pass:
    """xs: (T, B, D) -> Pass. Dropout acts inside a TCN's blocks, and on what the read-out of a cell reads."""
    T, B, _ = xs.shape
    if architecture == "tcn":
        dropped = draw_dropout(rng, net.body, T, B, dropout) if dropout and rng else None
        kept = tcn_forward_fast(net.body, xs, dropped, last_only)
        ys = kept.ys
    else:
        kept = run(CELLS[architecture], net.body, xs)
        ys = kept.outputs[-1:] if last_only else kept.outputs
        dropped = None
        if dropout and rng:
            dropped = dropout_factors(rng, ys, dropout)
            ys = ys * dropped
    return Pass(dense_forward(net.out, ys), ys, kept, dropped)


def backward(architecture: str, net: Net, xs: np.ndarray, done: Pass, dlogits: np.ndarray) -> Net:
    """dlogits: (T, B, V) or (1, B, V) -> the gradients as a tree."""
    dout, dys = dense_backward(net.out, done.ys, dlogits)
    if architecture == "tcn":
        return Net(tcn_backward_fast(net.body, done.kept, dys, done.dropped)[0], dout)
    if done.dropped is not None:
        dys = dys * done.dropped
    doutputs = np.zeros_like(done.kept.outputs)
    doutputs[-len(dys) :] = dys
    return Net(run_backward(CELLS[architecture], net.body, xs, done.kept, doutputs)[0], dout)

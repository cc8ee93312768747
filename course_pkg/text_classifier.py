"""Opinions from words: token numbers in, one logit a text out, in NumPy with gradients by hand.

    words -> table (T, B, E) -> recurrent cell (T, B, H) -> last state, mean or maximum (B, H) -> dense -> logit (B,)

Without a cell the rows of the table themselves are pooled: a bag of words, whose order does not count.
"""

from typing import Any, NamedTuple

import numpy as np

from course_pkg.cells import Cell, run, run_backward
from course_pkg.dense import DenseParams, dense_backward, dense_forward, init_dense
from course_pkg.embedding import embedding_backward, embedding_forward, init_embedding
from course_pkg.losses import binary_cross_entropy_with_logits
from course_pkg.sequence_models import POOLS, pool_states, pool_states_backward
from course_pkg.shapes import Bool, Float, Int, Part, check_choice, check_positive_int, check_rng, checked
from course_pkg.stacked import dropout_factors
from course_pkg.tree import tree_map


class TextClassifier(NamedTuple):
    """All weights. Gradients have this same type."""

    table: Float["V E"]
    cell: Any  # parameters of the recurrent cell; an empty tuple without one
    out: Part[DenseParams, "I=H O=1"]


def init_text_classifier(
    rng: np.random.Generator, cell: Cell | None, V: int, E: int, H: int, dtype: type = np.float64
) -> TextClassifier:
    """V words with E numbers each; H units of the cell, which are not used without one."""
    check_rng("init_text_classifier", rng)
    for name, size in (("V", V), ("E", E), ("H", H)):
        check_positive_int("init_text_classifier", name, size)
    _check_cell("init_text_classifier", cell)
    params = () if cell is None else cell.init(rng, E, H)
    p = TextClassifier(init_embedding(rng, V, E), params, init_dense(rng, E if cell is None else H, 1))
    return tree_map(lambda v: v.astype(dtype), p)


@checked(through=True)
def text_states(
    cell: Cell | None, p: TextClassifier, ids: Int["T B"], mask: Bool["T B"] | None = None
) -> np.ndarray:
    """ids: (T, B) -> hs: (T+1, B, H), zeros and the state after each word; without a cell the rows of the words."""
    _check_cell("text_states", cell)
    x = embedding_forward(p.table, ids)  # (T, B, E)
    return _with_start(x if cell is None else run(cell, p.cell, x, mask=mask).outputs)


@checked(through=True)
def classifier_logits(
    cell: Cell | None,
    p: TextClassifier,
    ids: Int["T B"],
    mask: Bool["T B"] | None = None,
    pool: str = "last",
) -> np.ndarray:
    """(text-classifier)  ids: (T, B) -> logits: (B,), positive for a positive opinion. Nothing drops."""
    hs = text_states(cell, p, ids, mask)  # (T+1, B, H)
    if pool == "last" and cell is None:
        raise ValueError("classifier_logits: pool must be 'mean' or 'max' without a cell, got 'last'")
    return dense_forward(p.out, pool_states(hs, mask, pool))[:, 0]


@checked(through=True)
def classifier_loss(
    cell: Cell | None,
    p: TextClassifier,
    ids: Int["T B"],
    targets: Float["B"],
    mask: Bool["T B"] | None = None,
    pool: str = "last",
    dropout: float = 0.0,
    rng: np.random.Generator | None = None,
) -> tuple[float, TextClassifier]:
    """(text-classifier-grad)  ids (T, B), targets (B,) in [0, 1] -> mean cross-entropy in nats, gradients.

    dropout: the share of the words' numbers and of the pooled numbers that is set to zero, which needs an rng.
    """
    check_choice("classifier_loss", "pool", pool, POOLS if cell is not None else POOLS[1:])
    _check_cell("classifier_loss", cell)
    rows = embedding_forward(p.table, ids)  # (T, B, E)
    drop_rows = _factors(rng, rows, dropout)
    x = rows * drop_rows
    read = None if cell is None else run(cell, p.cell, x, mask=mask)
    hs = _with_start(x if cell is None else read.outputs)  # (T+1, B, H)
    pooled = pool_states(hs, mask, pool)  # (B, H)
    drop_pooled = _factors(rng, pooled, dropout)
    logits = dense_forward(p.out, pooled * drop_pooled)[:, 0]  # (B,)
    loss, dlogits = binary_cross_entropy_with_logits(logits, targets)
    dout, dpooled = dense_backward(p.out, pooled * drop_pooled, dlogits[:, None])
    dhs = pool_states_backward(hs, mask, pool, dpooled * drop_pooled)  # (T, B, H)
    if cell is None:
        dcell, dx = (), dhs
    else:
        dcell, dx, _ = run_backward(cell, p.cell, x, read, dhs, mask=mask)
    return loss, TextClassifier(embedding_backward(p.table, ids, dx * drop_rows), dcell, dout)


def _with_start(outputs: np.ndarray) -> np.ndarray:
    """(T, B, H) -> (T+1, B, H), zeros in front, as `pool_states` wants it."""
    return np.concatenate([np.zeros_like(outputs[:1]), outputs])


def _factors(rng: np.random.Generator | None, like: np.ndarray, rate: float) -> np.ndarray:
    return dropout_factors(rng, like, rate) if rng is not None and rate else np.ones((), like.real.dtype)


def _check_cell(function: str, cell: Cell | None) -> None:
    if cell is not None and (not isinstance(cell, Cell) or cell.directions != 1):
        found = type(cell).__name__ if not isinstance(cell, Cell) else "one of two directions"
        raise ValueError(f"{function}: cell must be a Cell of one direction or None, got {found}")

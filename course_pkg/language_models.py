"""A recurrent language model: it reads a token and says how likely each token is to come next.

    token -> row of a table (E) -> one or more layers of any cell (H) -> dense -> V logits

Its memory is the state. It goes in and comes out of every function, so a text may be cut anywhere: in chunks while
training (truncated backpropagation through time with the state carried on), in single tokens while writing.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from course_pkg.cells import CELLS, Cell, hidden
from course_pkg.dense import DenseParams, dense_backward, dense_forward, init_dense
from course_pkg.embedding import embedding_backward, embedding_forward, init_embedding
from course_pkg.losses import log_softmax, softmax_cross_entropy
from course_pkg.shapes import check_positive_int, check_rng
from course_pkg.stacked import StackedRun, init_stacked, stacked_backward, stacked_forward, stacked_step
from course_pkg.tree import tree_map


class LanguageModel(NamedTuple):
    """All weights. Gradients have this same type."""

    embedding: np.ndarray  # (V, E)
    layers: tuple  # the parameters of each layer
    out: DenseParams  # W (V, H), b (V,)


class LanguageRun(NamedTuple):
    """A text that was read: the logits, the state to go on from, and what the backward pass needs."""

    logits: np.ndarray  # (T, B, V): after each token, the scores of the next
    states: tuple  # the last state of each layer
    read: StackedRun


def init_language_model(
    rng: np.random.Generator, V: int, E: int, H: int, layers: int = 1, cell: str = "lstm", dtype: type = np.float64
) -> LanguageModel:
    """A model of V tokens with E numbers for each, and `layers` layers of H units of the kind `cell` (cells.CELLS)."""
    check_rng("init_language_model", rng)
    for name, size in (("V", V), ("E", E), ("H", H)):
        check_positive_int("init_language_model", name, size)
    net = init_stacked(_cell("init_language_model", cell), rng, E, H, layers)
    p = LanguageModel(init_embedding(rng, V, E), net, init_dense(rng, H, V))
    return tree_map(lambda w: w.astype(dtype), p)


# ---- a text ------------------------------------------------------------------------------------------------------


def lm_forward(p: LanguageModel, ids: np.ndarray, states: tuple | None = None, cell: str = "lstm") -> LanguageRun:
    """(language-model)  ids: (T, B) -> logits: (T, B, V) and the last states; `states`: where to go on from."""
    xs = embedding_forward(p.embedding, _steps("lm_forward", "ids", ids))  # (T, B, E)
    read = stacked_forward(_cell("lm_forward", cell), p.layers, xs, states)
    return LanguageRun(dense_forward(p.out, read.outputs), read.last, read)  # (T, B, H) -> (T, B, V)


def lm_backward(p: LanguageModel, ids: np.ndarray, run: LanguageRun, dlogits: np.ndarray, cell: str = "lstm") -> tuple:
    """(language-model-grad)  dlogits: (T, B, V) -> gradients like p, and those of the first states."""
    dout, dys = dense_backward(p.out, run.read.outputs, dlogits)
    dlayers, dxs, dstates = stacked_backward(_cell("lm_backward", cell), p.layers, run.read, dys)
    return LanguageModel(embedding_backward(p.embedding, ids, dxs), dlayers, dout), dstates


def lm_loss(
    p: LanguageModel, inputs: np.ndarray, targets: np.ndarray, states: tuple | None = None, cell: str = "lstm"
) -> tuple[float, LanguageModel, tuple]:
    """(language-model-loss)  inputs, targets: (T, B) -> mean cross-entropy in nats, gradients, the last states.

    No gradient flows into `states`: this is truncated backpropagation through time, cut at the chunk's beginning.
    """
    _same_shape("lm_loss", inputs, targets)
    run = lm_forward(p, inputs, states, cell)
    loss, dlogits = softmax_cross_entropy(run.logits, targets)
    grads, _ = lm_backward(p, inputs, run, dlogits, cell)
    return loss, grads, run.states


def carried(cell: str = "lstm") -> Callable[[LanguageModel, Any], tuple[float, LanguageModel]]:
    """A loss for `train` that hands the state of each chunk on to the next, and starts at zeros where one is fresh.

    A chunk has inputs (T, B), targets (T, B) and fresh, as from data.streams.consecutive_chunks.

    This is the one function here that remembers something between calls: make a new one for every training.
    """
    states: Any = None

    def loss_and_grads(p: LanguageModel, chunk: Any) -> tuple[float, LanguageModel]:
        nonlocal states
        loss, grads, states = lm_loss(p, chunk.inputs, chunk.targets, None if chunk.fresh else states, cell)
        return loss, grads

    return loss_and_grads


def next_token_nats(p: LanguageModel, ids: np.ndarray, cell: str = "lstm", chunk: int = 500) -> np.ndarray:
    """(surprise)  ids: (T+1, B), read from zero states -> (T, B): -log p(ids[t+1] | ids[0..t]) in nats.

    Cut in chunks with the state carried on, to save memory; the result does not depend on the cut.
    """
    ids, states, nats = _steps("next_token_nats", "ids", ids), None, []
    for start in range(0, len(ids) - 1, chunk):
        targets = ids[start + 1 : start + 1 + chunk]  # (chunk, B), the last one may be shorter
        run = lm_forward(p, ids[start : start + len(targets)], states, cell)
        states = run.states
        nats.append(-np.take_along_axis(log_softmax(run.logits), targets[..., None], axis=-1)[..., 0])
    if not nats:
        raise ValueError(f"next_token_nats: ids must hold at least two steps, got shape {ids.shape}")
    return np.concatenate(nats)


# ---- one token ---------------------------------------------------------------------------------------------------


def initial_states(p: LanguageModel, batch_size: int, cell: str = "lstm") -> tuple:
    """Zeros for each layer, arrays (B, H)."""
    return tuple(_cell("initial_states", cell).initial_state(layer, batch_size) for layer in p.layers)


def lm_step(p: LanguageModel, ids: np.ndarray, states: tuple, cell: str = "lstm") -> tuple[np.ndarray, tuple]:
    """(language-model-step)  ids: (B,), one token for each text -> logits of the next: (B, V), new states."""
    x = embedding_forward(p.embedding, np.asarray(ids))  # (B, E)
    states = stacked_step(_cell("lm_step", cell), p.layers, x, states)
    return dense_forward(p.out, hidden(states[-1])), states  # (B, H) -> (B, V)


def _cell(function: str, name: str) -> Cell:
    if name not in CELLS:
        raise ValueError(f"{function}: cell must be one of {', '.join(map(repr, CELLS))}, got {name!r}")
    return CELLS[name]


def _steps(function: str, name: str, ids: np.ndarray) -> np.ndarray:
    ids = np.asarray(ids)
    if ids.ndim != 2:
        raise ValueError(f"{function}: {name} must be (T, B), got shape {ids.shape}")
    return ids


def _same_shape(function: str, inputs: np.ndarray, targets: np.ndarray) -> None:
    if np.shape(inputs) != np.shape(targets):
        raise ValueError(f"{function}: targets must be {np.shape(inputs)} (from inputs), got shape {np.shape(targets)}")

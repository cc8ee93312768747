"""Language models that see a fixed number of tokens: a neural bigram, and the feed-forward model of Bengio et al. 2003.

Token numbers in, logits over the V tokens out; forward beside backward. Embeddings, dense layers and the cross-entropy
are those of the other modules.
"""

from typing import NamedTuple

import numpy as np

from course_pkg.dense import DenseParams, dense_backward, dense_forward, init_dense
from course_pkg.embedding import embedding_backward, embedding_forward, init_embedding
from course_pkg.losses import softmax_cross_entropy
from course_pkg.shapes import Float, Int, Part, check_positive_int, check_rng, checked


class NeuralBigram(NamedTuple):
    """W[v] are the logits of the next token after token v. Gradients have this same type."""

    W: Float["V V"]


class FeedForwardLM(NamedTuple):
    """N tokens -> their rows of the table, side by side -> tanh layer -> logits. Gradients have this same type."""

    table: Float["V E"]
    hidden: Part[DenseParams, "I=NE O=H"]  # reads N rows of E numbers
    out: Part[DenseParams, "I=H O=V"]


def windows(ids: np.ndarray, N: int) -> tuple[np.ndarray, np.ndarray]:
    """A text (T,) cut into examples: contexts (T-N, N) and the token that follows each, (T-N,)."""
    check_positive_int("windows", "N", N)
    if not isinstance(ids, np.ndarray) or ids.ndim != 1 or ids.dtype.kind not in "iu" or len(ids) <= N:
        found = f"shape {ids.shape}, dtype {ids.dtype}" if isinstance(ids, np.ndarray) else type(ids).__name__
        raise ValueError(f"windows: ids must be an array of integers (T,) with T > N={N}, got {found}")
    return np.lib.stride_tricks.sliding_window_view(ids[:-1], N), ids[N:]


def init_neural_bigram(V: int) -> NeuralBigram:
    """All logits zero: every token is equally likely after every other."""
    check_positive_int("init_neural_bigram", "V", V)
    return NeuralBigram(np.zeros((V, V)))


@checked
def neural_bigram_logits(p: NeuralBigram, previous: Int["..."]) -> np.ndarray:
    """(neural-bigram)  previous: token numbers (...) -> logits (..., V): one-hot times W, which is a row of W."""
    return embedding_forward(p.W, previous)


@checked
def neural_bigram_loss(p: NeuralBigram, previous: Int["..."], targets: Int["..."]) -> tuple[float, NeuralBigram]:
    """(neural-bigram-grad)  previous, targets: (...) -> mean cross-entropy in nats, gradient."""
    loss, dlogits = softmax_cross_entropy(neural_bigram_logits(p, previous), targets)
    return loss, NeuralBigram(embedding_backward(p.W, previous, dlogits))


def init_feedforward_lm(
    rng: np.random.Generator, V: int, N: int, E: int, H: int, dtype: type = np.float64
) -> FeedForwardLM:
    """V tokens, N of them seen, E numbers for each, H hidden units."""
    check_rng("init_feedforward_lm", rng)
    for name, size in (("V", V), ("N", N), ("E", E), ("H", H)):
        check_positive_int("init_feedforward_lm", name, size)
    table = init_embedding(rng, V, E, dtype)
    return FeedForwardLM(table, init_dense(rng, N * E, H, dtype), init_dense(rng, H, V, dtype))


@checked
def feedforward_lm_logits(p: FeedForwardLM, contexts: Int["B N"]) -> np.ndarray:
    """(feedforward-lm)  contexts: token numbers (B, N) -> logits (B, V)."""
    return _forward("feedforward_lm_logits", p, contexts)[-1]


@checked
def feedforward_lm_loss(p: FeedForwardLM, contexts: Int["B N"], targets: Int["B"]) -> tuple[float, FeedForwardLM]:
    """(feedforward-lm-grad)  contexts (B, N), targets (B,) -> mean cross-entropy in nats, gradients."""
    x, y, logits = _forward("feedforward_lm_loss", p, contexts)
    loss, dlogits = softmax_cross_entropy(logits, targets)
    dout, dy = dense_backward(p.out, y, dlogits)
    dhidden, dx = dense_backward(p.hidden, x, dy * (1 - y**2))  # tanh'(a) = 1 - tanh(a)^2
    drows = dx.reshape(*contexts.shape, p.table.shape[1])  # (B, N, E): each token its own share again
    return loss, FeedForwardLM(embedding_backward(p.table, contexts, drows), dhidden, dout)


def _forward(function: str, p: FeedForwardLM, contexts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """-> x (B, N E), y (B, H), logits (B, V)."""
    (B, N), E = contexts.shape, p.table.shape[1]
    if p.hidden.W.shape[1] != N * E:
        wanted = f"(B, N) with N={p.hidden.W.shape[1] // E} (from hidden.W and table)"
        raise ValueError(f"{function}: contexts must be {wanted}, got shape {contexts.shape}")
    x = embedding_forward(p.table, contexts).reshape(B, N * E)  # (B, N, E) -> side by side
    y = np.tanh(dense_forward(p.hidden, x))  # (B, H)
    return x, y, dense_forward(p.out, y)

"""Skip-gram and CBOW with negative sampling (Mikolov et al. 2013a, 2013b), loss beside gradient, rows by AdaGrad.

Two vectors for each word: one for when it is given, one for when it is to be told. The first are the word vectors.

    skip-gram   the word in the middle is given, each word around it is told apart from K drawn ones
    CBOW        the mean of the words around is given, the word in the middle is told apart from K drawn ones
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from course_pkg.dense import sigmoid
from course_pkg.embedding import embedding_backward, embedding_forward
from course_pkg.shapes import Bool, Float, Int, check_positive_int, check_rng, checked
from course_pkg.word_pairs import (
    cbow_windows,
    draw_words,
    join_sentences,
    noise_distribution,
    skip_gram_pairs,
    subsample,
)


class WordTables(NamedTuple):
    """Gradients have this same type."""

    inputs: Float["V E"]  # rows of given words: the word vectors
    outputs: Float["V E"]  # rows of words to be told


def init_word_tables(rng: np.random.Generator, V: int, E: int, dtype: type = np.float64) -> WordTables:
    """inputs (V, E) uniform in (-1/2E, 1/2E), outputs (V, E) zero, as in Mikolov's program."""
    check_rng("init_word_tables", rng)
    check_positive_int("init_word_tables", "V", V)
    check_positive_int("init_word_tables", "E", E)
    return WordTables(((rng.random((V, E)) - 0.5) / E).astype(dtype), np.zeros((V, E), dtype))


# ---- the loss ----------------------------------------------------------------------------------------------------


def softplus(a: np.ndarray) -> np.ndarray:
    """log(1 + exp(a)) = -log sigmoid(-a), any shape, no overflow; keeps complex numbers for the complex step."""
    up = a.real > 0
    return np.where(up, a, 0) + np.log1p(np.exp(np.where(up, -a, a)))


@checked
def negative_sampling(
    given: Float["B E"], true: Float["B E"], drawn: Float["B K E"]
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """(negative-sampling) (negative-sampling-grad)  K drawn words for each pair

    -> mean loss in nats, gradients of all three: (B, E), (B, E), (B, K, E).
    """
    B = len(given)
    score = np.einsum("be,be->b", given, true)
    drawn_score = np.einsum("bke,be->bk", drawn, given)
    loss = (softplus(-score).sum() + softplus(drawn_score).sum()) / B
    dscore = (sigmoid(score) - 1) / B  # (B,): the pair shall score higher
    ddrawn = sigmoid(drawn_score) / B  # (B, K): the drawn words lower
    dgiven = dscore[:, None] * true + np.einsum("bk,bke->be", ddrawn, drawn)
    dtrue = dscore[:, None] * given
    return loss, dgiven, dtrue, ddrawn[:, :, None] * given[:, None]


@checked(through=True)
def skip_gram_loss(
    p: WordTables, centres: Int["B"], contexts: Int["B"], drawn: Int["B K"]
) -> tuple[float, WordTables]:
    """(skip-gram)  centres, contexts: (B,), drawn words: (B, K) -> mean loss over the pairs, gradients (V, E) each."""
    given, true, other = (embedding_forward(t, i) for t, i in zip((p.inputs, p.outputs, p.outputs),
                                                                  (centres, contexts, drawn)))  # fmt: skip
    loss, dgiven, dtrue, dother = negative_sampling(given, true, other)
    doutputs = embedding_backward(p.outputs, contexts, dtrue) + embedding_backward(p.outputs, drawn, dother)
    return loss, WordTables(embedding_backward(p.inputs, centres, dgiven), doutputs)


@checked(through=True)
def cbow_loss(
    p: WordTables, around: Int["B C"], mask: Bool["B C"], middles: Int["B"], drawn: Int["B K"]
) -> tuple[float, WordTables]:
    """(cbow) (cbow-grad)  around: (B, C), True in mask where a word counts; middles: (B,), drawn: (B, K)
    -> mean loss over the windows, gradients (V, E) each."""
    share = _shares(mask)  # (B, C)
    given = np.einsum("bc,bce->be", share, embedding_forward(p.inputs, around))
    loss, dgiven, dtrue, dother = negative_sampling(
        given, embedding_forward(p.outputs, middles), embedding_forward(p.outputs, drawn)
    )
    doutputs = embedding_backward(p.outputs, middles, dtrue) + embedding_backward(p.outputs, drawn, dother)
    dinputs = embedding_backward(p.inputs, around, share[:, :, None] * dgiven[:, None])
    return loss, WordTables(dinputs, doutputs)


def _shares(mask: np.ndarray) -> np.ndarray:
    """(B, C): 1 / n for each of the n words that count, 0 elsewhere."""
    n = mask.sum(axis=1, keepdims=True)
    if not n.all():
        raise ValueError(f"cbow_loss: mask must keep a word of each window, got none in window {int(n.argmin())}")
    return mask / n


# ---- training ----------------------------------------------------------------------------------------------------


def sum_rows(rows: np.ndarray, drows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """rows: (N,), drows: (N, E) -> the distinct rows (R,) and the sum of what each receives (R, E).

    The scatter-add of an embedding's gradient, without the rows that receive nothing.
    """
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return ordered[starts], np.add.reduceat(drows[order], starts, axis=0)


@dataclass(frozen=True)
class RowAdagrad:
    """AdaGrad (Duchi et al. 2011) with one step size for each row: a rare word's row still takes large steps."""

    lr: float = 0.1
    eps: float = 1e-10

    def __post_init__(self) -> None:
        if not (self.lr > 0 and self.eps > 0):
            raise ValueError(f"RowAdagrad: lr and eps must be > 0, got lr={self.lr}, eps={self.eps}")

    def update(self, table: np.ndarray, squares: np.ndarray, rows: np.ndarray, drows: np.ndarray) -> None:
        """(row-adagrad)  In place: table (V, E) and squares (V,), the sum of each row's mean squared gradients.

        rows: (N,) in any order and number, drows: (N, E), what each receives.
        """
        distinct, sums = sum_rows(rows, drows)
        squares[distinct] += np.mean(sums**2, axis=1)
        rate = table.dtype.type(self.lr) / np.sqrt(squares[distinct] + table.dtype.type(self.eps))
        table[distinct] -= rate[:, None] * sums


class Trained(NamedTuple):
    """Word vectors, and the mean loss of each epoch."""

    tables: WordTables
    losses: list[float]


def train_word_vectors(
    rng: np.random.Generator,
    sentences: Sequence[np.ndarray],
    V: int,
    *,
    method: str = "skip-gram",
    E: int = 50,
    window: int = 5,
    K: int = 5,
    epochs: int = 5,
    threshold: float | None = None,
    power: float = 0.75,
    batch: int = 512,
    optimizer: RowAdagrad | None = None,
    dtype: type = np.float64,
) -> Trained:
    """Vectors (V, E) from sentences of (T,) word numbers. Frequent words are thinned out anew in each epoch if a
    threshold is given. method: "skip-gram" or "cbow"."""
    if method not in ("skip-gram", "cbow"):
        raise ValueError(f"train_word_vectors: method must be 'skip-gram' or 'cbow', got {method!r}")
    for name, value in (("K", K), ("epochs", epochs), ("batch", batch), ("window", window)):
        check_positive_int("train_word_vectors", name, value)
    text = join_sentences(sentences, V)
    noise = noise_distribution(np.bincount(text.ids, minlength=V).astype(float), power)
    p = init_word_tables(rng, V, E, dtype)
    squares = np.zeros(V, dtype), np.zeros(V, dtype)
    optimizer, losses = optimizer or RowAdagrad(), []
    for _ in range(epochs):
        thinned = text if threshold is None else subsample(rng, text, V, threshold)
        step = _skip_gram_step if method == "skip-gram" else _cbow_step
        examples = (skip_gram_pairs if method == "skip-gram" else cbow_windows)(rng, thinned, window)
        if len(examples[0]) == 0:
            raise ValueError("train_word_vectors: sentences must hold two words side by side, got none "
                             f"(threshold={threshold})")  # fmt: skip
        total = 0.0
        for start in range(0, len(examples[0]), batch):
            chosen = [part[start : start + batch] for part in examples]
            drawn = draw_words(rng, noise, (len(chosen[0]), K))
            total += step(p, squares, optimizer, *chosen, drawn) * len(chosen[0])
        losses.append(total / len(examples[0]))
    return Trained(p, losses)


def _skip_gram_step(p, squares, optimizer, centres, contexts, drawn) -> float:
    """`skip_gram_loss` and an update of the rows it touches, in place."""
    B, K = drawn.shape
    loss, dgiven, dtrue, dother = negative_sampling(p.inputs[centres], p.outputs[contexts], p.outputs[drawn])
    optimizer.update(p.inputs, squares[0], centres, dgiven * B)  # the sum over the batch, not the mean
    rows = np.concatenate([contexts, drawn.ravel()])
    drows = np.concatenate([dtrue, dother.reshape(B * K, -1)])
    optimizer.update(p.outputs, squares[1], rows, drows * B)
    return float(loss)


def _cbow_step(p, squares, optimizer, around, mask, middles, drawn) -> float:
    """`cbow_loss` and an update of the rows it touches, in place."""
    B, K = drawn.shape
    share = _shares(mask).astype(p.inputs.dtype)
    given = np.einsum("bc,bce->be", share, p.inputs[around])
    loss, dgiven, dtrue, dother = negative_sampling(given, p.outputs[middles], p.outputs[drawn])
    b, c = np.nonzero(mask)
    optimizer.update(p.inputs, squares[0], around[b, c], share[b, c, None] * dgiven[b] * B)
    rows = np.concatenate([middles, drawn.ravel()])
    drows = np.concatenate([dtrue, dother.reshape(B * K, -1)])
    optimizer.update(p.outputs, squares[1], rows, drows * B)
    return float(loss)

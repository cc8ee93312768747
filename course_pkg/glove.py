"""GloVe: word vectors whose products are the logarithms of counts (Pennington, Socher and Manning, Stanford, 2014)."""

from typing import NamedTuple

import numpy as np

from course_pkg.embedding import embedding_backward, embedding_forward
from course_pkg.shapes import Float, Int, check_positive_int, check_rng, checked
from course_pkg.word_pairs import Neighbours
from course_pkg.word_vectors import RowAdagrad


class GloVeParams(NamedTuple):
    """A vector and a bias for each word, and another of both for each word as a neighbour. Gradients alike."""

    W: Float["V E"]
    W_near: Float["V E"]
    b: Float["V"]
    b_near: Float["V"]


def init_glove(rng: np.random.Generator, V: int, E: int, dtype: type = np.float64) -> GloVeParams:
    """Vectors (V, E) uniform in (-1/2E, 1/2E), biases (V,) zero."""
    check_rng("init_glove", rng)
    check_positive_int("init_glove", "V", V)
    check_positive_int("init_glove", "E", E)
    W, W_near = ((rng.random((2, V, E)) - 0.5) / E).astype(dtype)
    return GloVeParams(W, W_near, np.zeros(V, dtype), np.zeros(V, dtype))


@checked
def glove_weight(counts: Float["N"], x_max: float = 100.0, alpha: float = 0.75) -> np.ndarray:
    """(glove-weight)  counts: (N,), not negative -> weights (N,), from 0 for count 0 to 1 at x_max and above."""
    if counts.min() < 0:
        raise ValueError(f"glove_weight: counts must be >= 0, got {counts.min()}")
    if not (x_max > 0 and alpha > 0):
        raise ValueError(f"glove_weight: x_max and alpha must be > 0, got x_max={x_max}, alpha={alpha}")
    return np.minimum(counts / x_max, 1.0) ** alpha


@checked(through=True)
def glove_loss(
    p: GloVeParams, rows: Int["N"], cols: Int["N"], counts: Float["N"], x_max: float = 100.0, alpha: float = 0.75
) -> tuple[float, GloVeParams]:
    """(glove) (glove-grad)  Pairs rows, cols: (N,) with counts (N,) > 0 -> mean weighted squared error, gradients."""
    if counts.min() <= 0:
        raise ValueError(f"glove_loss: counts must be > 0 (leave out pairs that never met), got {counts.min()}")
    w, near = embedding_forward(p.W, rows), embedding_forward(p.W_near, cols)  # (N, E)
    biases = (embedding_forward(b[:, None], i)[:, 0] for b, i in ((p.b, rows), (p.b_near, cols)))
    loss, dscore = _weighted_error(np.einsum("ne,ne->n", w, near) + sum(biases), counts, x_max, alpha)
    return loss, GloVeParams(
        embedding_backward(p.W, rows, dscore[:, None] * near),
        embedding_backward(p.W_near, cols, dscore[:, None] * w),
        embedding_backward(p.b[:, None], rows, dscore[:, None])[:, 0],
        embedding_backward(p.b_near[:, None], cols, dscore[:, None])[:, 0],
    )


def _weighted_error(score: np.ndarray, counts: np.ndarray, x_max: float, alpha: float) -> tuple[float, np.ndarray]:
    """score: (N,) -> mean of weight * (score - log count)^2, and its gradient (N,)."""
    error, weight = score - np.log(counts), glove_weight(counts, x_max, alpha).astype(counts.dtype)
    return (weight * error**2).sum() / len(counts), 2 * weight * error / len(counts)


class TrainedGloVe(NamedTuple):
    """Parameters, and the mean loss of each epoch."""

    params: GloVeParams
    losses: list[float]

    @property
    def vectors(self) -> np.ndarray:
        """(V, E): the sum of a word's two vectors, as Pennington et al. recommend."""
        return self.params.W + self.params.W_near


def train_glove(
    rng: np.random.Generator,
    neighbours: Neighbours,
    V: int,
    *,
    E: int = 50,
    epochs: int = 20,
    x_max: float = 100.0,
    alpha: float = 0.75,
    batch: int = 512,
    optimizer: RowAdagrad | None = None,
    dtype: type = np.float64,
) -> TrainedGloVe:
    """Vectors (V, E) from P counted pairs, all of them in random order in each epoch."""
    check_positive_int("train_glove", "epochs", epochs)
    check_positive_int("train_glove", "batch", batch)
    if len(neighbours.counts) == 0:
        raise ValueError("train_glove: neighbours must hold at least one pair, got none")
    if max(neighbours.rows.max(), neighbours.cols.max()) >= V:
        raise ValueError(f"train_glove: neighbours must be of words 0..{V - 1} (V={V}), "
                         f"got {max(neighbours.rows.max(), neighbours.cols.max())}")  # fmt: skip
    p, squares = init_glove(rng, V, E, dtype), [np.zeros(V, dtype) for _ in range(4)]
    optimizer, losses, counts = optimizer or RowAdagrad(0.05), [], neighbours.counts.astype(dtype)
    for _ in range(epochs):
        order, total = rng.permutation(len(counts)), 0.0
        for start in range(0, len(order), batch):
            n = order[start : start + batch]
            rows, cols = neighbours.rows[n], neighbours.cols[n]
            w, near = p.W[rows], p.W_near[cols]  # (N, E)
            score = np.einsum("ne,ne->n", w, near) + p.b[rows] + p.b_near[cols]
            loss, dscore = _weighted_error(score, counts[n], x_max, alpha)
            dscore = (dscore * len(n))[:, None]  # the sum over the batch, not the mean
            optimizer.update(p.W, squares[0], rows, dscore * near)
            optimizer.update(p.W_near, squares[1], cols, dscore * w)
            optimizer.update(p.b[:, None], squares[2], rows, dscore)
            optimizer.update(p.b_near[:, None], squares[3], cols, dscore)
            total += float(loss) * len(n)
        losses.append(total / len(order))
    return TrainedGloVe(p, losses)

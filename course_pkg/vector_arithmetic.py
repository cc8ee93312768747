"""What one asks of word vectors: the nearest words, a : b = c : ?, and agreement with other measures of likeness.

Vectors are the rows of a table (V, E). Words are their numbers.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from course_pkg.shapes import Float, Int, check_choice, check_positive_int, checked


@checked
def unit_rows(vectors: Float["... E"]) -> np.ndarray:
    """(..., E) -> the same directions with length 1. A vector of zeros has no direction: ValueError."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if (length == 0).any():
        where = tuple(int(i) for i in np.argwhere(length[..., 0] == 0)[0])
        raise ValueError(f"unit_rows: vectors must not be zero (no direction), got zeros at index {where}")
    return vectors / length


@checked(through=True)
def cosine(a: Float["... E"], b: Float["... E"]) -> np.ndarray:
    """(cosine)  The cosine of the angle between a and b, (..., E) each -> (...)."""
    return (unit_rows(a) * unit_rows(b)).sum(axis=-1)


def nearest(
    vectors: np.ndarray, query: np.ndarray, k: int, exclude: Sequence[int] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """The k rows of vectors (V, E) with the largest cosine to query (E,), best first, and the cosines: (k,), (k,)."""
    check_positive_int("nearest", "k", k)
    if k > len(vectors) - len(set(exclude)):
        raise ValueError(f"nearest: k must be at most {len(vectors) - len(set(exclude))} "
                         f"(V={len(vectors)} less {len(set(exclude))} excluded), got {k}")  # fmt: skip
    cosines = unit_rows(vectors) @ unit_rows(query)  # (V,)
    ranked = cosines.copy()
    ranked[list(exclude)] = -np.inf
    best = np.argsort(-ranked, kind="stable")[:k]
    return best, cosines[best]


# ---- analogies ---------------------------------------------------------------------------------------------------

EPS = 0.001  # in the denominator of 3CosMul, from Levy and Goldberg (2014)


def _cos_add(to_a: np.ndarray, to_b: np.ndarray, to_c: np.ndarray) -> np.ndarray:
    """(three-cos-add)  Cosines (N, V) of every word to the words of N questions a : b = c : ? -> scores (N, V)."""
    return to_b - to_a + to_c


def _cos_mul(to_a: np.ndarray, to_b: np.ndarray, to_c: np.ndarray) -> np.ndarray:
    """(three-cos-mul)  The same with products; cosines are moved to 0..1 first, so that signs cannot cancel."""
    a, b, c = ((cosines + 1) / 2 for cosines in (to_a, to_b, to_c))
    return b * c / (a + EPS)


def _near_c(to_a: np.ndarray, to_b: np.ndarray, to_c: np.ndarray) -> np.ndarray:
    """The baseline that ignores the relation: the word nearest to c (Linzen 2016), scores (N, V)."""
    return to_c


SCORES = {"add": _cos_add, "mul": _cos_mul, "nearest to c": _near_c}


@checked(through=True)
def analogy_scores(vectors: Float["V E"], questions: Int["N 3"], method: str = "add") -> np.ndarray:
    """questions: (N, 3), words a, b, c of "a is to b as c is to ?" -> a score for every word: (N, V)."""
    check_choice("analogy_scores", "method", method, SCORES)
    V = len(vectors)
    if questions.min() < 0 or questions.max() >= V:
        worst = questions.max() if questions.max() >= V else questions.min()
        raise ValueError(f"analogy_scores: questions must be words in 0..{V - 1} (V={V} from vectors), got {worst}")
    unit = unit_rows(vectors)
    return SCORES[method](*(unit[questions[:, i]] @ unit.T for i in range(3)))


def solve_analogies(
    vectors: np.ndarray, questions: np.ndarray, method: str = "add", exclude: bool = True, chunk: int = 512
) -> np.ndarray:
    """vectors: (V, E), questions: (N, 3) -> the best word for each: (N,).

    exclude: the three words of a question may not be its answer. This is how results are usually reported.
    """
    check_positive_int("solve_analogies", "chunk", chunk)
    answers = []
    for start in range(0, len(questions), chunk):
        part = questions[start : start + chunk]
        scores = analogy_scores(vectors, part, method)
        if exclude:
            np.put_along_axis(scores, part, -np.inf, axis=1)
        answers.append(scores.argmax(axis=1))
    return np.concatenate(answers) if answers else np.zeros(0, int)


class AnalogyResult(NamedTuple):
    """Of N questions: the shares with the right answer, and with one of the question's own words as the answer."""

    right: float
    answer_is_a: float
    answer_is_b: float
    answer_is_c: float


def analogy_accuracy(
    vectors: np.ndarray, questions: np.ndarray, method: str = "add", exclude: bool = True
) -> AnalogyResult:
    """vectors: (V, E), questions: (N, 4) with the expected word last -> AnalogyResult."""
    if questions.ndim != 2 or questions.shape[1] != 4 or len(questions) == 0:
        raise ValueError(f"analogy_accuracy: questions must be (N, 4) with N >= 1, got shape {questions.shape}")
    answers = solve_analogies(vectors, questions[:, :3], method, exclude)
    return AnalogyResult(*(float(np.mean(answers == questions[:, i])) for i in (3, 0, 1, 2)))


# ---- agreement ---------------------------------------------------------------------------------------------------


@checked
def ranks(values: Float["N"]) -> np.ndarray:
    """(N,) -> the place of each value, 1 for the smallest; equal values share the mean of their places."""
    _, place, times = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(times)
    return (last - (times - 1) / 2)[place]


@checked(through=True)
def spearman(x: Float["N"], y: Float["N"]) -> float:
    """(spearman)  Rank correlation of x and y, (N,) each: 1 if they rise together, -1 if one falls."""
    a, b = (r - r.mean() for r in (ranks(x), ranks(y)))
    size = np.sqrt((a**2).sum() * (b**2).sum())
    if size == 0:
        raise ValueError("spearman: x and y must each hold at least two different values")
    return float((a * b).sum() / size)


@checked(through=True)
def similarity_correlation(vectors: Float["V E"], pairs: Int["N 2"], scores: Float["N"]) -> float:
    """How well the cosines of word pairs (N, 2) follow the order of given scores (N,): Spearman's correlation."""
    return spearman(cosine(vectors[pairs[:, 0]], vectors[pairs[:, 1]]), scores)


@checked
def principal_axes(vectors: Float["V E"], k: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """(pca)  Vectors (V, E) -> their places along the k directions of largest variance (V, k), and each one's share
    of the variance (k,). The sign of an axis is arbitrary: here its largest entry is positive."""
    if not 1 <= k <= min(vectors.shape):
        raise ValueError(f"principal_axes: k must be in 1..{min(vectors.shape)} (from vectors), got {k}")
    left, size, axes = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    if size[0] == 0:
        raise ValueError("principal_axes: vectors must differ from each other, got equal rows")
    sign = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    return (left * size * sign)[:, :k], (size**2 / (size**2).sum())[:k]

"""Language models that count: n-grams, and five ways to make probabilities of the counts.

A model gives each token w a probability to come next after a context c of at most n-1 tokens. Each function here
returns all V of them at once, shape (V,), and they sum to one. At the beginning of a sequence the context is shorter; a
longer one is cut to its last n-1 tokens.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from course_pkg.shapes import Int, check_arguments, check_positive_int

Table = dict[tuple[int, ...], dict[int, int]]  # context -> next token -> how often


class NGramCounts(NamedTuple):
    """tables[k] counts what came after each context of k tokens, k = 0..n-1. V tokens in the vocabulary."""

    n: int
    V: int
    tables: tuple[Table, ...]


def count_ngrams(sequences: Sequence[np.ndarray], n: int, V: int) -> NGramCounts:
    """Counts of all 1-, 2-, ... n-grams in sequences of token numbers, each of shape (T,).

    No n-gram reaches from one sequence into the next.
    """
    check_positive_int("count_ngrams", "n", n)
    check_positive_int("count_ngrams", "V", V)
    if isinstance(sequences, np.ndarray) or not sequences:
        raise ValueError("count_ngrams: sequences must be a list of at least one array, "
                         f"got {'an array' if isinstance(sequences, np.ndarray) else 'none'}")  # fmt: skip
    tables: tuple[Table, ...] = tuple({} for _ in range(n))
    for i, ids in enumerate(sequences):
        _check_ids("count_ngrams", f"sequences[{i}]", ids, V)
        tokens = ids.tolist()
        for t, token in enumerate(tokens):
            for k in range(min(n - 1, t) + 1):
                after = tables[k].setdefault(tuple(tokens[t - k : t]), {})
                after[token] = after.get(token, 0) + 1
    return NGramCounts(n, V, tables)


def count_of(counts: NGramCounts, context: Sequence[int]) -> np.ndarray:
    """How often each token came after the context: (V,), zeros where the context never occurred."""
    context = _cut("count_of", counts, context)
    row = np.zeros(counts.V)
    for token, found in counts.tables[len(context)].get(context, {}).items():
        row[token] = found
    return row


def relative_frequencies(counts: NGramCounts, context: Sequence[int]) -> np.ndarray:
    """(ngram-counts)  The share of each token in what came after the context: (V,). It sums to one only if the context
    has occurred; after one that never did, nothing was ever seen, and every share is zero."""
    row = count_of(counts, context)  # (V,)
    return row / max(row.sum(), 1)


def add_k(counts: NGramCounts, context: Sequence[int], k: float = 1.0) -> np.ndarray:
    """(add-k)  Every count k larger, then shared out: (V,)."""
    _check_range("add_k", "k", k, 0, np.inf)
    row = count_of(counts, context) + k  # (V,)
    if row.sum() == 0:
        raise ValueError(f"add_k: context must have occurred when k is 0, got {_cut('add_k', counts, context)}")
    return row / row.sum()


def interpolated(counts: NGramCounts, context: Sequence[int], weights: Sequence[float]) -> np.ndarray:
    """(interpolation)  A weighted mean of relative frequencies: (V,). weights: n+1 numbers that sum to one, for the
    uniform distribution, the unigram, ... the n-gram. Orders that do not know the context leave their weight to the
    others, in proportion."""
    weights = np.asarray(weights, float)
    if weights.shape != (counts.n + 1,) or weights.min() < 0 or abs(weights.sum() - 1) > 1e-9 or weights[0] == 0:
        raise ValueError(f"interpolated: weights must be {counts.n + 1} numbers (n={counts.n}) of at least 0 that sum "
                         f"to 1, the first above 0, got {weights.tolist()}")  # fmt: skip
    context = _cut("interpolated", counts, context)
    mixed, total = np.full(counts.V, weights[0] / counts.V), weights[0]
    for k in range(len(context) + 1):
        row = count_of(counts, context[len(context) - k :])  # after the last k tokens
        if row.sum() > 0:
            mixed, total = mixed + weights[k + 1] * row / row.sum(), total + weights[k + 1]
    return mixed / total


def absolute_discounting(counts: NGramCounts, context: Sequence[int], discount: float = 0.75) -> np.ndarray:
    """(absolute-discounting)  Each count that is not zero gives `discount` away; what is saved is shared out by the
    probabilities after a context that is one token shorter: (V,). Below the unigram stands the uniform distribution."""
    _check_range("absolute_discounting", "discount", discount, 0, 1)
    context = _cut("absolute_discounting", counts, context)
    probs = np.full(counts.V, 1 / counts.V)
    for k in range(len(context) + 1):  # from the shortest context to the longest
        row = count_of(counts, context[len(context) - k :])
        if row.sum() > 0:
            saved = discount * np.count_nonzero(row) / row.sum()
            probs = np.maximum(row - discount, 0) / row.sum() + saved * probs
    return probs


def continuation_counts(counts: NGramCounts) -> NGramCounts:
    """(kneser-ney)  Counts for Kneser-Ney smoothing, which is `absolute_discounting` of these: below the highest order
    a count says after how many different tokens an n-gram came, not how often."""
    if counts.n < 2:
        raise ValueError(f"continuation_counts: counts must have n >= 2, got n={counts.n}")
    tables: list[Table] = []
    for longer in counts.tables[1:]:
        table: Table = {}
        for context, after in longer.items():
            shorter = table.setdefault(context[1:], {})
            for token in after:
                shorter[token] = shorter.get(token, 0) + 1
        tables.append(table)
    return counts._replace(tables=(*tables, counts.tables[-1]))


def token_probs(
    model: Callable[..., np.ndarray], counts: NGramCounts, ids: np.ndarray, *settings: object
) -> np.ndarray:
    """(chain-rule)  The probability of each token of ids (T,) given those before it, by one of the models above: (T,).
    Their product is the probability of the sequence. settings: k, the discount or the weights."""
    _check_ids("token_probs", "ids", ids, counts.V)
    tokens, past = ids.tolist(), counts.n - 1
    return np.array([model(counts, tokens[max(0, t - past) : t], *settings)[w] for t, w in enumerate(tokens)])


def _cut(function: str, counts: NGramCounts, context: Sequence[int]) -> tuple[int, ...]:
    """The last n-1 tokens of the context."""
    context = tuple(int(token) for token in context)
    for token in context:
        if not 0 <= token < counts.V:
            raise ValueError(f"{function}: context must hold tokens in 0..{counts.V - 1} (V={counts.V} from counts), "
                             f"got {token}")  # fmt: skip
    return context[len(context) - min(len(context), counts.n - 1) :]


def _check_ids(function: str, name: str, ids: np.ndarray, V: int) -> None:
    check_arguments(function, (name, ids, Int["T"]))
    if ids.min() < 0 or ids.max() >= V:
        worst = ids.max() if ids.max() >= V else ids.min()
        raise ValueError(f"{function}: {name} must hold tokens in 0..{V - 1} (V={V}), got {worst}")


def _check_range(function: str, name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high or not np.isfinite(value):
        upper = f" and at most {high}" if np.isfinite(high) else ""
        raise ValueError(f"{function}: {name} must be at least {low}{upper}, got {value}")

"""What a search finds: hypotheses, the scores that rank them, and the tree of prefixes that it walked through."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from course_pkg.shapes import check_positive_int

Step = Callable[[Any, np.ndarray], tuple[np.ndarray, Any]]  # (state, last tokens (N,)) -> (log_probs (N, V), state)
SMALLEST = 1e-12  # the coverage of a source word is not counted as less than this, so that its logarithm is finite


class Hypothesis(NamedTuple):
    """One outcome of a search. `finished` says whether it ends in eos; if not, it was cut at the largest length."""

    tokens: np.ndarray  # (n,), the start symbol not among them, eos included
    log_prob: float  # sum of the log probabilities of its tokens
    score: float  # what it is ranked by
    finished: bool
    weights: np.ndarray | None  # (n, S): where each step looked, if the search was told how to find out


class Node(NamedTuple):
    """A prefix in the tree of a search. Its parent is the prefix with one token less: an index, -1 at a root."""

    parent: int
    row: int  # which sequence of the batch
    length: int  # tokens so far
    token: int
    log_prob: float  # of the whole prefix
    kept: bool  # False: it was looked at and cut
    finished: bool


class Ranking(NamedTuple):
    """How outcomes are scored. normalise: "none", "mean", or the alpha of Wu et al.; coverage: their beta."""

    normalise: str | float = "none"
    coverage: float = 0.0
    source_mask: np.ndarray | None = None  # (S, B), True = real

    def score(self, log_prob: float, length: int, weights: np.ndarray | None, row: int) -> float:
        """(beam-score)  log P / lp(length) + coverage penalty, for a hypothesis of sequence `row`."""
        found = log_prob / length_penalty(length, self.normalise)
        if self.coverage:
            mask = None if self.source_mask is None else self.source_mask[:, row]
            found += self.coverage * coverage_penalty(weights, mask)
        return float(found)

    def bound(self, log_prob: float, max_length: int) -> float:
        """No continuation of a prefix with this log_prob can score more: log P only falls, coverage is at most 0."""
        return log_prob / length_penalty(max_length, self.normalise)


def length_penalty(length: int, normalise: str | float) -> float:
    """(length-penalty)  What log P is divided by: 1 for "none", the length for "mean", ((5 + length) / 6)^alpha else.

    The last is the form of Wu et al. 2016; alpha = 0 is "none". The length counts eos.
    """
    if normalise == "none":
        return 1.0
    if normalise == "mean":
        return float(length)
    return ((5 + length) / 6) ** float(normalise)


def coverage_penalty(weights: np.ndarray, mask: np.ndarray | None = None) -> float:
    """(coverage-penalty)  weights: (n, S) -> sum over source words of log min(attention received, 1); at most 0.

    Wu et al. 2016. Padding (mask (S,) False) is left out.
    """
    received = np.clip(weights.sum(axis=0), SMALLEST, 1.0)  # (S,)
    return float(np.sum(np.log(received), where=True if mask is None else mask))


def check_ranking(function: str, ranking: Ranking, has_weights: bool) -> None:
    """Raise a ValueError for an unknown normalisation, a negative strength, or coverage without attention."""
    normalise, coverage = ranking.normalise, ranking.coverage
    if isinstance(normalise, str):
        known = normalise in ("none", "mean")
    else:
        known = bool(np.isfinite(normalise)) and normalise >= 0
    if not known:
        raise ValueError(f"{function}: normalise must be 'none', 'mean' or a number >= 0 (alpha), got {normalise!r}")
    if not (np.isfinite(coverage) and coverage >= 0):
        raise ValueError(f"{function}: coverage must be a number >= 0 (beta), got {coverage!r}")
    if coverage and not has_weights:
        raise ValueError(f"{function}: coverage needs the attention weights: give weights_of")


def check_search(function: str, start: np.ndarray, eos: int, max_length: int) -> None:
    """Raise unless start is (B,) integers, eos a token and max_length a positive integer."""
    if not isinstance(start, np.ndarray) or start.dtype.kind not in "iu" or start.ndim != 1 or not start.size:
        got = f"{start.dtype} {start.shape}" if isinstance(start, np.ndarray) else type(start).__name__
        raise TypeError(f"{function}: start must be an array of integers (B,), the first tokens read, got {got}")
    if isinstance(eos, bool) or not isinstance(eos, (int, np.integer)) or eos < 0:
        raise ValueError(f"{function}: eos must be the number of a token, got {eos!r}")
    check_positive_int(function, "max_length", max_length)


def checked_step(function: str, step: Step, state: Any, last: np.ndarray, eos: int) -> tuple[np.ndarray, Any]:
    """One step of the model, refused unless it gives log probabilities (N, V), not logits, with eos among the V."""
    log_probs, state = step(state, last)
    log_probs = np.asarray(log_probs, dtype=float)
    if log_probs.ndim != 2 or len(log_probs) != len(last):
        raise ValueError(f"{function}: step must give log_probs (N, V) with N={len(last)}, got shape {log_probs.shape}")
    if eos >= log_probs.shape[1]:
        raise ValueError(f"{function}: eos must be below V={log_probs.shape[1]} (from step's log_probs), got {eos}")
    if np.isnan(log_probs).any() or log_probs.max() > 1e-6:
        raise ValueError(f"{function}: step must give log probabilities, numbers <= 0, got {log_probs.max()}; "
                         "are these logits?")  # fmt: skip
    return np.minimum(log_probs, 0.0), state  # a rounding error above 0 is taken back


def best_first(hypotheses: list[Hypothesis]) -> list[Hypothesis]:
    """By falling score; of equal scores the one whose tokens come first in the order of a dictionary."""
    return sorted(hypotheses, key=lambda h: (-h.score, tuple(h.tokens.tolist())))

"""From a text to what word vectors are trained on: pairs of neighbours, counts of neighbours, words to tell apart.

A text is a list of sentences, each an array of the numbers of its words. No pair reaches over the end of a sentence.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from course_pkg.shapes import Float, check_positive_int, check_rng, checked


class Text(NamedTuple):
    """All words one after the other, and for each the number of its sentence."""

    ids: np.ndarray  # (N,)
    sentence: np.ndarray  # (N,)


class Neighbours(NamedTuple):
    """Counts of neighbours, the pairs with a count above zero only: `counts[n]` for the words rows[n], cols[n]."""

    rows: np.ndarray  # (P,)
    cols: np.ndarray  # (P,)
    counts: np.ndarray  # (P,)


def join_sentences(sentences: Sequence[np.ndarray], V: int) -> Text:
    """Sentences, each (T,) with numbers in 0..V-1, as one Text of N words."""
    check_positive_int("join_sentences", "V", V)
    if len(sentences) == 0 or sum(len(s) for s in sentences) == 0:
        raise ValueError("join_sentences: sentences must hold at least one word, got none")
    ids = np.concatenate([np.asarray(s) for s in sentences if len(s)])
    if ids.ndim != 1 or ids.dtype.kind not in "iu":
        raise TypeError(f"join_sentences: each sentence must be (T,) integers, got dtype {ids.dtype}, {ids.ndim} axes")
    if ids.min() < 0 or ids.max() >= V:
        worst = ids.max() if ids.max() >= V else ids.min()
        raise ValueError(f"join_sentences: words must be in 0..{V - 1} (V={V}), got {worst}")
    return Text(ids, np.repeat(np.arange(len(sentences)), [len(s) for s in sentences]))


def keep_probability(counts: np.ndarray, threshold: float) -> np.ndarray:
    """(subsample)  counts: (V,), how often each word occurs -> (V,), the chance that an occurrence is kept.

    min(1, sqrt(threshold / share of the text)), from Mikolov et al. (2013b), eq. 5. Words that never occur get 1.
    """
    if not threshold > 0:
        raise ValueError(f"keep_probability: threshold must be > 0, got {threshold}")
    share = counts / counts.sum()
    return np.minimum(1.0, np.sqrt(threshold / np.maximum(share, 1e-300)))


def subsample(rng: np.random.Generator, text: Text, V: int, threshold: float) -> Text:
    """The Text of N words with frequent words thinned out; neighbours move together."""
    check_rng("subsample", rng)
    keep = keep_probability(np.bincount(text.ids, minlength=V), threshold)[text.ids]
    kept = rng.random(len(keep)) < keep
    return Text(text.ids[kept], text.sentence[kept])


def pair_positions(text: Text, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """reach: (N,) words to both sides -> positions (P,), (P,) of each centre and of each word around it."""
    centres, around = [], []
    for d in range(1, int(reach.max(initial=0)) + 1):
        same = text.sentence[d:] == text.sentence[:-d]  # (N-d,): one sentence
        ahead = np.flatnonzero(same & (reach[:-d] >= d))
        back = np.flatnonzero(same & (reach[d:] >= d))
        centres += [ahead, back + d]
        around += [ahead + d, back]
    empty = np.zeros(0, int)
    return np.concatenate([empty, *centres]), np.concatenate([empty, *around])


def skip_gram_pairs(rng: np.random.Generator, text: Text, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of centre and context word of every pair, (P,) and (P,), in random order.

    Each centre draws its reach from 1..window, so near neighbours count for more (Mikolov et al. 2013a).
    """
    check_rng("skip_gram_pairs", rng)
    check_positive_int("skip_gram_pairs", "window", window)
    centres, around = pair_positions(text, rng.integers(1, window + 1, len(text.ids)))
    order = rng.permutation(len(centres))
    return text.ids[centres[order]], text.ids[around[order]]


def cbow_windows(rng: np.random.Generator, text: Text, window: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Words around (P, 2*window), which of them count (P, 2*window), and the word in the middle (P,), shuffled.

    Each middle draws its reach from 1..window; a word without any neighbour is left out.
    """
    check_rng("cbow_windows", rng)
    check_positive_int("cbow_windows", "window", window)
    N = len(text.ids)
    reach = rng.integers(1, window + 1, N)
    offsets = np.concatenate([np.arange(-window, 0), np.arange(1, window + 1)])
    places = np.arange(N)[:, None] + offsets  # (N, 2*window)
    inside = (places >= 0) & (places < N) & (np.abs(offsets) <= reach[:, None])
    places = np.clip(places, 0, N - 1)
    mask = inside & (text.sentence[places] == text.sentence[:, None])
    order = rng.permutation(np.flatnonzero(mask.any(axis=1)))
    return np.where(mask, text.ids[places], 0)[order], mask[order], text.ids[order]


@checked
def noise_distribution(counts: Float["V"], power: float = 0.75) -> np.ndarray:
    """(noise)  counts: (V,) -> probabilities (V,), proportional to counts ** power (Mikolov et al. 2013b)."""
    if counts.min() < 0 or counts.sum() == 0:
        raise ValueError("noise_distribution: counts must be >= 0 and not all 0, "
                         f"got values from {counts.min()} to {counts.max()}")  # fmt: skip
    weights = np.where(counts > 0, np.maximum(counts, 1e-300) ** power, 0.0)
    return weights / weights.sum()


def draw_words(rng: np.random.Generator, probabilities: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Word numbers of the given shape, drawn with `probabilities` (V,)."""
    check_rng("draw_words", rng)
    edges = np.cumsum(probabilities)
    return np.searchsorted(edges, rng.random(shape) * edges[-1], side="right")


def count_neighbours(text: Text, V: int, window: int, by_distance: bool = True) -> Neighbours:
    """(neighbour-counts)  How often each two of the V words stand at most `window` places apart; P pairs occur.

    A pair d places apart counts 1/d (Pennington et al. 2014), or 1 if not by_distance. Both orders are counted.
    """
    check_positive_int("count_neighbours", "window", window)
    keys, weights = [], []
    for d in range(1, window + 1):
        near = np.flatnonzero(text.sentence[d:] == text.sentence[:-d])
        left, right = text.ids[near].astype(np.int64), text.ids[near + d].astype(np.int64)
        keys += [left * V + right, right * V + left]
        weights += [np.full(2 * len(near), 1 / d if by_distance else 1.0)]
    distinct, place = np.unique(np.concatenate(keys), return_inverse=True)
    counts = np.bincount(place, weights=np.concatenate(weights), minlength=len(distinct))
    return Neighbours(distinct // V, distinct % V, counts)

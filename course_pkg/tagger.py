"""A part-of-speech tagger: words and their letters in, a tag for every word out, in NumPy with gradients by hand.

    letters of a word -> two-directional LSTM -> its two last states        } side by side
    the word          -> row of a table                                     } (T, B, E + 2 H_c)
        -> stacked LSTM in one or two directions -> dense -> tags

A word that the table does not know still has its letters (Ling et al. 2015; Plank, Soegaard and Goldberg 2016).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from course_pkg.bidirectional import bidirectional
from course_pkg.cells import CELLS, Cell, run, run_backward
from course_pkg.dense import DenseParams, dense_backward, dense_forward, init_dense
from course_pkg.embedding import embedding_backward, embedding_forward, init_embedding
from course_pkg.losses import softmax_cross_entropy
from course_pkg.stacked import dropout_factors, init_stacked, stacked_backward, stacked_forward
from course_pkg.tree import tree_map, zeros_like

UNKNOWN, PAD = 0, 0  # number of the unknown word; padding is masked, so its number does not matter
LETTERS = bidirectional(CELLS["lstm"])


class TaggerParams(NamedTuple):
    """All weights. Gradients have this same type."""

    words: np.ndarray  # (V, E)
    letters: np.ndarray  # (C, E_c)
    speller: Any  # two-directional LSTM over the letters
    net: tuple  # layers over the words
    out: DenseParams


class TaggerBatch(NamedTuple):
    """Sentences side by side. The letters of each distinct word are read once, however often it occurs."""

    ids: np.ndarray  # (T, B), numbers of the words
    mask: np.ndarray  # (T, B)
    letters: np.ndarray  # (L, U), numbers of the letters of the U distinct words
    letters_mask: np.ndarray  # (L, U)
    spelling: np.ndarray  # (T, B), which of the U words stands there
    targets: np.ndarray  # (T, B)


def word_layer(directions: int) -> Cell:
    """The cell of the layers over the words: an LSTM in one or two directions."""
    return CELLS["lstm"] if directions == 1 else bidirectional(CELLS["lstm"])


def init_tagger(
    rng: np.random.Generator,
    words: int,
    letters: int,
    tags: int,
    *,
    E: int = 64,
    E_c: int = 24,
    H_c: int = 32,
    H: int = 96,
    layers: int = 1,
    directions: int = 2,
    dtype: type = np.float64,
) -> TaggerParams:
    """Tables for `words` words and `letters` letters, networks of H_c and H units a direction, `tags` answers."""
    speller = LETTERS.init(rng, E_c, H_c)
    net = init_stacked(word_layer(directions), rng, E + 2 * H_c, H, layers)
    out = init_dense(rng, directions * H, tags)
    p = TaggerParams(init_embedding(rng, words, E), init_embedding(rng, letters, E_c), speller, net, out)
    return tree_map(lambda v: v.astype(dtype), p)


def make_batch(
    sentences: Sequence[Sequence[str]],
    tags: Sequence[np.ndarray] | None,
    word_ids: dict[str, int],
    letter_ids: dict[str, int],
) -> TaggerBatch:
    """Sentences of words (and the numbers of their tags) -> a padded batch. Words and letters that are not in the
    dictionaries get UNKNOWN. An empty letter_ids makes a tagger that reads no letters at all, not even how many."""
    if not sentences or any(len(s) == 0 for s in sentences):
        raise ValueError("make_batch: sentences must hold at least one sentence of at least one word each")
    T, B = max(len(s) for s in sentences), len(sentences)
    distinct = list(dict.fromkeys(word for s in sentences for word in s))
    place = {word: u for u, word in enumerate(distinct)}
    L = max(len(word) for word in distinct)
    ids, spelling, targets = (np.zeros((T, B), int) for _ in range(3))
    mask, letters_mask = np.zeros((T, B), bool), np.zeros((L, len(distinct)), bool)
    letters = np.full((L, len(distinct)), PAD)
    for b, sentence in enumerate(sentences):
        n = len(sentence)
        ids[:n, b] = [word_ids.get(word.lower(), UNKNOWN) for word in sentence]
        spelling[:n, b] = [place[word] for word in sentence]
        mask[:n, b] = True
        if tags is not None:
            targets[:n, b] = tags[b]
    for u, word in enumerate(distinct):
        letters[: len(word), u] = [letter_ids.get(letter, UNKNOWN) for letter in word]
        letters_mask[: len(word), u] = bool(letter_ids)
    return TaggerBatch(ids, mask, letters, letters_mask, spelling, targets)


def _forward(p: TaggerParams, batch: TaggerBatch, dropout: float, rng: np.random.Generator | None) -> tuple:
    """Everything that the backward pass needs, and the logits."""
    directions = 2 if hasattr(p.net[0], "back") else 1
    spelt = embedding_forward(p.letters, batch.letters)  # (L, U, E_c)
    read = run(LETTERS, p.speller, spelt, mask=batch.letters_mask)
    endings = np.concatenate([read.last.ahead.h, read.last.back.h], axis=-1)  # (U, 2 H_c)
    x = np.concatenate([embedding_forward(p.words, batch.ids), endings[batch.spelling]], axis=-1)  # (T, B, E + 2 H_c)
    drop_in = dropout_factors(rng, x, dropout) if rng is not None and dropout else np.ones((), x.dtype)
    result = stacked_forward(word_layer(directions), p.net, x * drop_in, mask=batch.mask, dropout=dropout, rng=rng)
    drop_out = dropout_factors(rng, result.outputs, dropout) if rng is not None and dropout else np.ones((), x.dtype)
    logits = dense_forward(p.out, result.outputs * drop_out)  # (T, B, tags)
    return directions, spelt, read, endings, drop_in, result, drop_out, logits


def tagger_logits(p: TaggerParams, batch: TaggerBatch) -> np.ndarray:
    """(tagger)  -> logits (T, B, tags), one row for every word; nothing drops."""
    return _forward(p, batch, 0.0, None)[-1]


def tagger_loss(
    p: TaggerParams, batch: TaggerBatch, dropout: float = 0.0, rng: np.random.Generator | None = None
) -> tuple[float, TaggerParams]:
    """(tagger-grad)  Mean cross-entropy over the real words, and its gradients. Dropout needs an rng."""
    directions, spelt, read, endings, drop_in, result, drop_out, logits = _forward(p, batch, dropout, rng)
    loss, dlogits = softmax_cross_entropy(logits, batch.targets, batch.mask)
    dout, dy = dense_backward(p.out, result.outputs * drop_out, dlogits)
    dnet, dx, _ = stacked_backward(word_layer(directions), p.net, result, dy * drop_out, mask=batch.mask)
    dx = dx * drop_in  # (T, B, E + 2 H_c)
    E = p.words.shape[1]
    dwords = embedding_backward(p.words, batch.ids, np.ascontiguousarray(dx[..., :E]))
    dendings = np.zeros_like(endings)  # a word that stands in several places collects from all of them
    np.add.at(dendings, batch.spelling.ravel(), dx[..., E:].reshape(-1, endings.shape[1]))
    d_ahead, d_back = np.split(dendings, 2, axis=-1)
    dlast = zeros_like(read.last)
    dlast = dlast._replace(ahead=dlast.ahead._replace(h=d_ahead), back=dlast.back._replace(h=d_back))
    dspeller, dspelt, _ = run_backward(
        LETTERS, p.speller, spelt, read, np.zeros_like(read.outputs), dlast, batch.letters_mask
    )
    dletters = embedding_backward(p.letters, batch.letters, dspelt)
    return loss, TaggerParams(dwords, dletters, dspeller, dnet, dout)

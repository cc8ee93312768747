"""Fill in the word: a network of two directions tells each word from all the words to its left and to its right.

    before_t = h_{t-1} of the network that reads ahead,   after_t = h_{t+1} of the network that reads back
    logits_t = W [before_t; after_t] + b                  neither half has seen the word at t

It learns from bare text, as a language model does. What it says of a word in its place, [h_t ahead; h_t back], is a
contextual vector: the same word has another one in another sentence. (Peters et al. 2018 use two language models in
the same way; Devlin et al. 2019 mask the word instead.)
"""

from typing import Any, NamedTuple

import numpy as np

from course_pkg.bidirectional import Directions, bidirectional
from course_pkg.cells import CELLS, run, run_backward
from course_pkg.dense import DenseParams, dense_backward, dense_forward, init_dense
from course_pkg.embedding import embedding_backward, embedding_forward, init_embedding
from course_pkg.losses import softmax_cross_entropy
from course_pkg.shapes import Bool, Int, check_positive_int, check_rng, checked

READER = bidirectional(CELLS["lstm"])


class ClozeParams(NamedTuple):
    """Gradients have this same type."""

    words: np.ndarray  # (V, E)
    net: Directions  # two LSTMs of H units
    out: DenseParams  # (V, 2H)


def init_cloze(rng: np.random.Generator, V: int, E: int, H: int) -> ClozeParams:
    """V words, rows of E numbers, H units in each direction."""
    check_rng("init_cloze", rng)
    for name, value in (("V", V), ("E", E), ("H", H)):
        check_positive_int("init_cloze", name, value)
    return ClozeParams(init_embedding(rng, V, E), READER.init(rng, E, H), init_dense(rng, 2 * H, V))


def _both_sides(outputs: np.ndarray) -> np.ndarray:
    """outputs (T, B, 2H) -> what stands beside each word (T, B, 2H): ahead from the left, back from the right."""
    H = outputs.shape[-1] // 2
    beside = np.zeros_like(outputs)
    beside[1:, :, :H] = outputs[:-1, :, :H]
    beside[:-1, :, H:] = outputs[1:, :, H:]
    return beside


def _both_sides_backward(dbeside: np.ndarray) -> np.ndarray:
    """(T, B, 2H) -> (T, B, 2H): each share back to the step it came from."""
    H = dbeside.shape[-1] // 2
    doutputs = np.zeros_like(dbeside)
    doutputs[:-1, :, :H] = dbeside[1:, :, :H]
    doutputs[1:, :, H:] = dbeside[:-1, :, H:]
    return doutputs


def _read(p: ClozeParams, ids: np.ndarray, mask: np.ndarray | None) -> tuple[np.ndarray, Any]:
    xs = embedding_forward(p.words, ids)  # (T, B, E)
    return xs, run(READER, p.net, xs, mask=mask)


@checked(through=True)
def cloze_logits(p: ClozeParams, ids: Int["T B"], mask: Bool["T B"] | None = None) -> np.ndarray:
    """(cloze)  ids: (T, B) -> logits (T, B, V) for each word, made without looking at it."""
    return dense_forward(p.out, _both_sides(_read(p, ids, mask)[1].outputs))


@checked(through=True)
def cloze_loss(p: ClozeParams, ids: Int["T B"], mask: Bool["T B"] | None = None) -> tuple[float, ClozeParams]:
    """(cloze-grad)  ids: (T, B) -> mean cross-entropy in nats over the real words, and its gradients."""
    xs, result = _read(p, ids, mask)
    beside = _both_sides(result.outputs)
    loss, dlogits = softmax_cross_entropy(dense_forward(p.out, beside), ids, mask)
    dout, dbeside = dense_backward(p.out, beside, dlogits)
    dnet, dxs, _ = run_backward(READER, p.net, xs, result, _both_sides_backward(dbeside), mask=mask)
    return loss, ClozeParams(embedding_backward(p.words, ids, dxs), dnet, dout)


@checked(through=True)
def contextual_vectors(p: ClozeParams, ids: Int["T B"], mask: Bool["T B"] | None = None) -> np.ndarray:
    """ids: (T, B) -> [h_t ahead; h_t back] of each word in its place, (T, B, 2H)."""
    return _read(p, ids, mask)[1].outputs

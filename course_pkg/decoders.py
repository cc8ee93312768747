"""The decoder of `encoder_decoder.py`: all steps at once, one step for searches, and the gradients by hand.

Without a context that changes, all steps go through the cell's own fast run. With attention they cannot: the query
of step i is the state of step i - 1, so we go step by step, forward and back.
"""

from typing import Any, NamedTuple

import numpy as np

from course_pkg.attention import SCORES, Attended, Score, attend, look_backward, score_name
from course_pkg.cells import Cell, as_state, hidden, run, run_backward
from course_pkg.dense import dense_backward, dense_forward
from course_pkg.embedding import embedding_backward, embedding_forward
from course_pkg.tree import add, zeros_like


class SummaryParams(NamedTuple):
    """No attention: the encoder's last state C goes into every step (Cho et al. 2014). Nothing to learn."""


class Memory(NamedTuple):
    """What a decoder may look at. Its gradient has this type, too."""

    keys: np.ndarray  # (S, B, K): the encoder's states
    projected: np.ndarray  # (S, B, ...): the keys as the score compares them
    mask: np.ndarray  # (S, B)
    summary: np.ndarray  # (B, K): the encoder's last state


class Decoded(NamedTuple):
    """A target that was read or written, and what the backward pass needs."""

    logits: np.ndarray  # (T, B, V)
    weights: np.ndarray | None  # (T, B, S)
    xs: np.ndarray  # (T, B, D + K), what the cell read
    features: np.ndarray  # (T, B, H + K), what the output layer read
    kept: Any  # the cell's Run, or (states, looks)


def memory_score(attention: Any) -> Score | None:
    """The score that the parameters belong to; None for a decoder without attention."""
    return SCORES[score_name(attention)] if _attends(attention) else None


def _attends(attention: Any) -> bool:
    return type(attention) is not tuple and not isinstance(attention, SummaryParams)


# ---- all steps ---------------------------------------------------------------------------------------------------


def decode(p: Any, memory: Memory, state: Any, inputs: np.ndarray, cell: Cell) -> Decoded:
    """(seq2seq-decoder)  inputs: (T, B), state: s_0 -> logits: (T, B, V). p: an EncoderDecoder."""
    embedded = embedding_forward(p.target, inputs)  # (T, B, D)
    if _attends(p.attention):
        return _decode_attending(p, memory, state, embedded, cell)
    beside = _summaries(p, memory, len(inputs))
    xs = np.concatenate([embedded, *beside], axis=-1)  # (T, B, D) or (T, B, D + K)
    result = run(cell, p.decoder, xs, state)
    features = np.concatenate([result.outputs, *beside], axis=-1)
    return Decoded(dense_forward(p.out, features), None, xs, features, (state, result))


def decode_backward(
    p: Any, memory: Memory, inputs: np.ndarray, decoded: Decoded, dlogits: np.ndarray, cell: Cell
) -> tuple[Any, Memory, Any]:
    """dlogits: (T, B, V) -> gradients like p (zeros for the encoder's), dmemory, ds_0."""
    dout, dfeatures = dense_backward(p.out, decoded.features, dlogits)
    if _attends(p.attention):
        ddecoder, dattention, dembedded, dmemory, dstate = _attending_backward(p, memory, decoded, dfeatures, cell)
    else:
        _, result = decoded.kept
        H, D = result.outputs.shape[-1], p.target.shape[1]
        ddecoder, dxs, dstate = run_backward(cell, p.decoder, decoded.xs, result, dfeatures[..., :H])
        dembedded, dattention, dmemory = dxs[..., :D], p.attention, _no_gradient(memory)
        if isinstance(p.attention, SummaryParams):
            dmemory = dmemory._replace(summary=(dxs[..., D:] + dfeatures[..., H:]).sum(axis=0))
    dtarget = embedding_backward(p.target, inputs, dembedded)
    grads = zeros_like(p)._replace(target=dtarget, decoder=ddecoder, attention=dattention, out=dout)
    return grads, dmemory, dstate


def _summaries(p: Any, memory: Memory, T: int) -> list[np.ndarray]:
    """[C at each of T steps: (T, B, K)], or nothing for a decoder that has s_0 alone."""
    alone = not isinstance(p.attention, SummaryParams)
    return [] if alone else [np.broadcast_to(memory.summary, (T, *memory.summary.shape))]


def _no_gradient(memory: Memory) -> Memory:
    return Memory(np.zeros_like(memory.keys), np.zeros_like(memory.projected), memory.mask,
                  np.zeros_like(memory.summary))  # fmt: skip


# ---- attention ---------------------------------------------------------------------------------------------------


def _look(p: Any, memory: Memory, state: Any) -> Attended:
    """c_i from s_{i-1}."""
    return attend(score_name(p.attention), p.attention, hidden(state), memory.keys, memory.mask, memory.projected)


def _decode_attending(p: Any, memory: Memory, state: Any, embedded: np.ndarray, cell: Cell) -> Decoded:
    states, looks, xs = [state], [], []
    for x in embedded:
        looks.append(_look(p, memory, states[-1]))
        xs.append(np.concatenate([x, looks[-1].context], axis=-1))  # (B, D + K)
        states.append(cell.step(p.decoder, xs[-1], states[-1]))
    shown = [np.concatenate([hidden(s), look.context], axis=-1) for s, look in zip(states[1:], looks, strict=True)]
    features, weights = np.stack(shown), np.stack([look.weights for look in looks])  # (T, B, H + K), (T, B, S)
    return Decoded(dense_forward(p.out, features), weights, np.stack(xs), features, (states, looks))


def _attending_backward(p: Any, memory: Memory, decoded: Decoded, dfeatures: np.ndarray, cell: Cell) -> tuple:
    name, (states, looks) = score_name(p.attention), decoded.kept
    D, H = p.target.shape[1], hidden(states[0]).shape[1]
    ddecoder, dattention, dmemory = zeros_like(p.decoder), zeros_like(p.attention), _no_gradient(memory)
    dembedded, dstate = np.zeros((*decoded.xs.shape[:2], D), dfeatures.dtype), zeros_like(states[0])
    for i in reversed(range(len(looks))):
        dstate = add(dstate, as_state(dfeatures[i, :, :H], dstate))
        dp, dx, dstate = cell.step_backward(p.decoder, decoded.xs[i], states[i], states[i + 1], dstate)
        dembedded[i], dcontext = dx[:, :D], dx[:, D:] + dfeatures[i, :, H:]  # the context went to the cell and out
        dscore, dquery, dkeys, dprojected = look_backward(
            name, p.attention, hidden(states[i]), memory.keys, looks[i], dcontext
        )
        dstate = add(dstate, as_state(dquery, dstate))  # the state before was the query
        ddecoder, dattention = add(ddecoder, dp), add(dattention, dscore)
        dmemory.keys[...] += dkeys
        dmemory.projected[...] += dprojected
    return ddecoder, dattention, dembedded, dmemory, dstate


# ---- one step ----------------------------------------------------------------------------------------------------


def decode_step(
    p: Any, memory: Memory, state: Any, y_prev: np.ndarray, cell: Cell
) -> tuple[np.ndarray, Any, np.ndarray | None]:
    """y_prev: (B,), the token before -> logits: (B, V), the new state, weights: (B, S) or None."""
    x, weights = embedding_forward(p.target, y_prev), None  # (B, D)
    beside = [] if not isinstance(p.attention, SummaryParams) else [memory.summary]
    if _attends(p.attention):
        look = _look(p, memory, state)
        beside, weights = [look.context], look.weights
    state = cell.step(p.decoder, np.concatenate([x, *beside], axis=-1), state)
    return dense_forward(p.out, np.concatenate([hidden(state), *beside], axis=-1)), state, weights

"""Associative recall: pairs of a key and a value are read, then a key is asked for its value.

    a pair    one-hot key and one-hot value side by side
    the last  a key alone; the answer is the value it came with

Keys are all different within a sequence, values are not. Every batch is new. Chapters 22 and 23 train four readers on
it, each with a dense answer from its last output:

    "block"             a Transformer block without places; its order does not matter here
    "linear attention"  one head of causal linear attention, nothing else
    "gru", "min gru"    recurrent cells
"""

from typing import Any, NamedTuple

import numpy as np

from course_pkg.cells import CELLS, Cell, run, run_backward
from course_pkg.dense import DenseParams, dense_backward, dense_forward, init_dense
from course_pkg.linear_attention import linear_attention_backward, linear_attention_chunked
from course_pkg.losses import softmax_cross_entropy
from course_pkg.min_gru import MIN_GRU
from course_pkg.optim import Adam
from course_pkg.train import train
from course_pkg.transformer_blocks import encoder_block_backward, encoder_block_forward, init_encoder_block

KEYS, VALUES = 16, 8
RECURRENT: dict[str, Cell] = {"gru": CELLS["gru"], "min gru": MIN_GRU}
READERS = ("block", "linear attention", *RECURRENT)


class Asked(NamedTuple):
    """Sequences with their questions."""

    xs: np.ndarray  # (P + 1, B, KEYS + VALUES)
    answers: np.ndarray  # (B,)


class Reader(NamedTuple):
    """What reads, and the dense layer that answers from its last output."""

    net: Any
    out: DenseParams


class Block(NamedTuple):
    """A Transformer block behind a dense layer."""

    inputs: DenseParams
    block: Any


class LinearHead(NamedTuple):
    """One head of linear attention."""

    query: DenseParams
    key: DenseParams
    value: DenseParams


def draw(rng: np.random.Generator, B: int, pairs: int) -> Asked:
    """B sequences of `pairs` pairs (at most KEYS) and one question each."""
    if not 1 <= pairs <= KEYS:
        raise ValueError(f"draw: pairs must be from 1 to {KEYS}, got {pairs}")
    keys = np.argsort(rng.random((B, KEYS)), axis=1)[:, :pairs]  # (B, P), all different in a row
    values = rng.integers(0, VALUES, (B, pairs))
    asked, b = rng.integers(0, pairs, B), np.arange(B)
    xs = np.zeros((pairs + 1, B, KEYS + VALUES))
    for i in range(pairs):
        xs[i, b, keys[:, i]] = 1
        xs[i, b, KEYS + values[:, i]] = 1
    xs[pairs, b, keys[b, asked]] = 1
    return Asked(xs, values[b, asked])


def init_reader(rng: np.random.Generator, name: str, size: int) -> Reader:
    """`size`: the width of the block's vectors, the numbers of a key, or the units of a cell."""
    D = KEYS + VALUES
    if name == "block":
        net: Any = Block(init_dense(rng, D, size), init_encoder_block(rng, size, 1, size))
    elif name == "linear attention":
        net = LinearHead(*(init_dense(rng, D, size) for _ in range(3)))
    elif name in RECURRENT:
        net = RECURRENT[name].init(rng, D, size)
    else:
        raise ValueError(f"init_reader: name must be one of {', '.join(map(repr, READERS))}, got {name!r}")
    return Reader(net, init_dense(rng, size, VALUES))


def read(name: str, net: Any, xs: np.ndarray) -> tuple[np.ndarray, Any]:
    """xs: (T, B, D) -> outputs (T, B, size), and what the way back needs."""
    if name == "block":
        vectors = dense_forward(net.inputs, xs)
        made = encoder_block_forward(net.block, vectors)
        return made.outputs, made
    if name == "linear attention":
        offered = tuple(dense_forward(layer, xs) for layer in net)
        return linear_attention_chunked(*offered)[0], offered
    result = run(RECURRENT[name], net, xs)
    return result.outputs, result


def read_backward(name: str, net: Any, xs: np.ndarray, kept: Any, douts: np.ndarray) -> Any:
    """douts: (T, B, size) -> gradients like net."""
    if name == "block":
        dblock, dvectors = encoder_block_backward(net.block, kept, douts)
        return Block(dense_backward(net.inputs, xs, dvectors)[0], dblock)
    if name == "linear attention":
        doffered = linear_attention_backward(*kept, douts)
        return LinearHead(*(dense_backward(p, xs, d)[0] for p, d in zip(net, doffered, strict=True)))
    return run_backward(RECURRENT[name], net, xs, kept, douts)[0]


def logits(name: str, p: Reader, xs: np.ndarray) -> np.ndarray:
    """xs: (T, B, D) -> (B, VALUES)."""
    return dense_forward(p.out, read(name, p.net, xs)[0][-1])


def loss_and_grads(name: str, p: Reader, batch: Asked) -> tuple[float, Reader]:
    """Mean cross-entropy of the answers, and gradients like p."""
    outputs, kept = read(name, p.net, batch.xs)
    loss, dlogits = softmax_cross_entropy(dense_forward(p.out, outputs[-1]), batch.answers)
    dout, dlast = dense_backward(p.out, outputs[-1], dlogits)
    douts = np.zeros_like(outputs)
    douts[-1] = dlast
    return loss, Reader(read_backward(name, p.net, batch.xs, kept, douts), dout)


def accuracy(name: str, p: Reader, batch: Asked) -> float:
    """Share of right answers."""
    return float(np.mean(logits(name, p, batch.xs).argmax(axis=-1) == batch.answers))


def learn(name: str, size: int, pairs: int, seed: int, updates: int, lr: float = 5e-3) -> tuple[Reader, float]:
    """Train on new batches of 32 -> the reader, and its accuracy on 1,000 new sequences."""
    rng = np.random.default_rng(seed)
    batches = (draw(rng, 32, pairs) for _ in range(updates))
    start = init_reader(rng, name, size)
    p, _ = train(start, lambda q, batch: loss_and_grads(name, q, batch), batches, Adam(lr), clip_norm=1.0)
    return p, accuracy(name, p, draw(np.random.default_rng(99), 1000, pairs))

"""Multi-head attention: every vector looks at every other, in N ways at once.

    query, key and value of every vector  ->  scores q . k / sqrt(K)  ->  weights  ->  weighted mean of the values

Vaswani et al. (2017). Sequences are time-major: queries (T, B, M), context (S, B, C), mask (S, B), True = real. With
the queries' own sequence as context it is self-attention, with another one cross-attention.
"""

from typing import NamedTuple

import numpy as np

from course_pkg.attention import masked_softmax, masked_softmax_backward
from course_pkg.initialisers import glorot_uniform
from course_pkg.shapes import Bool, Float, check_positive_int, check_rng, checked


class MultiHeadParams(NamedTuple):
    """N heads of size K; their number stands in the shapes, so nothing can contradict it. Gradients have this type."""

    W_q: Float["N K M"]
    b_q: Float["N K"]
    W_k: Float["N K C"]
    b_k: Float["N K"]
    W_v: Float["N K C"]
    b_v: Float["N K"]
    W_o: Float["M N K"]  # reads all heads side by side
    b_o: Float["M"]


class KeysValues(NamedTuple):
    """What a context offers: a key to be found by and a value to be read, for every head and every vector."""

    keys: np.ndarray  # (B, N, S, K)
    values: np.ndarray  # (B, N, S, K)


class MultiHeadRun(NamedTuple):
    """The outputs, the weights, and what the backward pass needs."""

    outputs: np.ndarray  # (T, B, M)
    weights: np.ndarray  # (B, N, T, S), rows sum to 1
    queries: np.ndarray  # (B, N, T, K)
    offered: KeysValues
    read: np.ndarray  # (T, B, N K): the heads' weighted means side by side


def init_multi_head(
    rng: np.random.Generator, M: int, heads: int, C: int | None = None, dtype: type = np.float64
) -> MultiHeadParams:
    """Vectors of M numbers attend to vectors of C (M if None) with `heads` heads of M / heads numbers; biases 0."""
    check_rng("init_multi_head", rng)
    check_positive_int("init_multi_head", "M", M)
    check_positive_int("init_multi_head", "heads", heads)
    if M % heads:
        raise ValueError(f"init_multi_head: heads must divide M={M}, got {heads}")
    C, K = M if C is None else C, M // heads
    W_q, W_k, W_v = (glorot_uniform(rng, M, n, dtype).reshape(heads, K, n) for n in (M, C, C))
    b = np.zeros((heads, K), dtype)
    W_o = glorot_uniform(rng, M, M, dtype).reshape(M, heads, K)
    return MultiHeadParams(W_q, b, W_k, b.copy(), W_v, b.copy(), W_o, np.zeros(M, dtype))


# ---- forward -----------------------------------------------------------------------------------------------------


def keys_values(p: MultiHeadParams, context: np.ndarray) -> KeysValues:
    """context: (S, B, C) -> keys and values: (B, N, S, K) each. They do not depend on who will ask."""
    return KeysValues(_into_heads(context, p.W_k, p.b_k), _into_heads(context, p.W_v, p.b_v))


def look_up(
    p: MultiHeadParams,
    queries: np.ndarray,
    offered: KeysValues,
    mask: np.ndarray | None = None,
    causal: bool = False,
) -> MultiHeadRun:
    """(multi-head)  queries: (T, B, M), offered: (B, N, S, K) -> (T, B, M).

    mask: (S, B), False where the context is padding. causal: the last query
    sees all S vectors, the one before it all but the last, and so on
    (causal-mask); with T = S each sees itself and what came before.
    """
    T, B, M = queries.shape
    q = _into_heads(queries, p.W_q, p.b_q)  # (B, N, T, K)
    scores = q @ offered.keys.swapaxes(-1, -2)  # (B, N, T, S)
    scores = scores / np.sqrt(q.shape[-1])
    seen = visible(T, scores.shape[-1], mask, causal)
    weights = masked_softmax(scores, seen)
    read = weights @ offered.values  # (B, N, T, K)
    read = read.transpose(2, 0, 1, 3).reshape(T, B, -1)  # (T, B, N K)
    outputs = read @ p.W_o.reshape(M, -1).T + p.b_o  # (T, B, M)
    return MultiHeadRun(outputs, weights, q, offered, read)


@checked
def multi_head_forward(
    p: MultiHeadParams,
    queries: Float["T B M"],
    context: Float["S B C"],
    mask: Bool["S B"] | None = None,
    causal: bool = False,
) -> MultiHeadRun:
    """Queries (T, B, M) attend to a context (S, B, C): `look_up` in the keys and values of the context.

    mask: (S, B), False at padding, which gets weight 0. A query with nothing to look at raises ValueError.
    """
    return look_up(p, queries, keys_values(p, context), mask, causal)


def visible(T: int, S: int, mask: np.ndarray | None, causal: bool) -> np.ndarray | None:
    """(causal-mask)  Who may look at whom: (B, 1, T, S), axes of length 1 where it does not matter; None: everyone."""
    seen = None if mask is None else mask.T[:, None, None, :]  # (S, B) -> (B, 1, 1, S)
    if not causal:
        return seen
    past = np.tri(T, S, S - T, dtype=bool)  # (T, S): query i stands at place i + S - T
    return past[None, None] if seen is None else past & seen


def multi_head_step(p: MultiHeadParams, x: np.ndarray, past: KeysValues) -> tuple[np.ndarray, KeysValues]:
    """(key-value-cache)  x: (B, M), the next vector -> its output (B, M), and what the next one may look at.

    `past`: (B, N, S, K), the keys and values of the S vectors before, which are not computed again.
    """
    new = keys_values(p, x[None])  # (B, N, 1, K)
    seen = KeysValues(*(np.concatenate(pair, axis=2) for pair in zip(past, new, strict=True)))  # (B, N, S+1, K)
    return look_up(p, x[None], seen).outputs[0], seen


def nothing_seen(p: MultiHeadParams, batch_size: int) -> KeysValues:
    """No keys and no values, (B, N, 0, K): where a sequence begins."""
    empty = np.zeros((batch_size, p.W_k.shape[0], 0, p.W_k.shape[1]), p.W_k.dtype)
    return KeysValues(empty, empty.copy())


# ---- backward ----------------------------------------------------------------------------------------------------


@checked
def multi_head_backward(
    p: MultiHeadParams,
    queries: Float["T B M"],
    context: Float["S B C"],
    run: MultiHeadRun,
    doutputs: Float["T B M"],
) -> tuple[MultiHeadParams, np.ndarray, np.ndarray]:
    """(multi-head-grad)  doutputs: (T, B, M) -> parameter gradients, dqueries: (T, B, M), dcontext: (S, B, C).

    In self-attention queries and context are one sequence, whose gradient is the sum of the two.
    """
    M, N, K = p.W_o.shape
    T, B = doutputs.shape[:2]
    rows = doutputs.reshape(-1, M)  # (T B, M)
    dW_o = (rows.T @ run.read.reshape(-1, N * K)).reshape(p.W_o.shape)
    dread = (doutputs @ p.W_o.reshape(M, -1)).reshape(T, B, N, K).transpose(1, 2, 0, 3)  # (B, N, T, K)
    dweights = dread @ run.offered.values.swapaxes(-1, -2)  # (B, N, T, S)
    dvalues = run.weights.swapaxes(-1, -2) @ dread  # (B, N, S, K)
    dscores = masked_softmax_backward(run.weights, dweights) / np.sqrt(K)  # (B, N, T, S)
    dq, dkeys = dscores @ run.offered.keys, dscores.swapaxes(-1, -2) @ run.queries
    dW_q, db_q, dqueries = _into_heads_backward(queries, p.W_q, dq)
    dW_k, db_k, dcontext_k = _into_heads_backward(context, p.W_k, dkeys)
    dW_v, db_v, dcontext_v = _into_heads_backward(context, p.W_v, dvalues)
    dp = MultiHeadParams(dW_q, db_q, dW_k, db_k, dW_v, db_v, dW_o, rows.sum(axis=0))
    return dp, dqueries, dcontext_k + dcontext_v


def _into_heads(xs: np.ndarray, W: np.ndarray, b: np.ndarray) -> np.ndarray:
    """xs: (T, B, I), W: (N, K, I), b: (N, K) -> (B, N, T, K)."""
    N, K, width = W.shape
    a = xs @ W.reshape(-1, width).T + b.reshape(-1)  # (T, B, N K): one product for all heads
    return a.reshape(*xs.shape[:2], N, K).transpose(1, 2, 0, 3)


def _into_heads_backward(xs: np.ndarray, W: np.ndarray, da: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """da: (B, N, T, K) -> dW: (N, K, I), db: (N, K), dxs: (T, B, I)."""
    rows = da.transpose(2, 0, 1, 3).reshape(-1, W.shape[0] * W.shape[1])  # (T B, N K)
    dW = (rows.T @ xs.reshape(-1, xs.shape[-1])).reshape(W.shape)
    return dW, rows.sum(axis=0).reshape(W.shape[:2]), (rows @ W.reshape(-1, W.shape[-1])).reshape(xs.shape)

"""Attention: a query looks at all keys and gets back their weighted sum (Bahdanau, Cho and Bengio 2015).

    e_ij = score(s_{i-1}, h_j)             how well key j fits query i
    alpha_ij = softmax over j of e_ij      weights: at least 0, sum 1, exactly 0 at padding
    c_i = sum_j alpha_ij h_j               the context

In a translator the query is the decoder's state and the keys are the encoder's states, which are the values, too.
Keys have time first: (S, B, K). A query is (B, Q), one for each sequence. A mask (S, B) is True where a key is real.
The scores and their gradients are in `attention_scores.py`.
"""

from typing import Any, NamedTuple

import numpy as np

from course_pkg.attention_scores import (
    SCORES,
    AdditiveParams,
    ConcatParams,
    DotParams,
    GeneralParams,
    ScaledDotParams,
    Score,
    additive_scores,
    additive_scores_backward,
    as_concat,
    concat_scores,
    concat_scores_backward,
    dot_scores,
    dot_scores_backward,
    general_scores,
    general_scores_backward,
    scaled_dot_scores,
    scaled_dot_scores_backward,
)
from course_pkg.shapes import Bool, Float, check_choice, check_positive_int, check_rng, checked
from course_pkg.tree import add, tree_map

__all__ = [
    "SCORES", "AdditiveParams", "Attended", "ConcatParams", "DotParams", "GeneralParams", "ScaledDotParams", "Score",
    "additive_scores", "additive_scores_backward", "as_concat", "attend", "attend_backward",
    "concat_scores", "concat_scores_backward", "context", "context_backward", "dot_scores", "dot_scores_backward",
    "general_scores", "general_scores_backward", "init_attention", "look_backward",
    "masked_softmax", "masked_softmax_backward",
    "scaled_dot_scores", "scaled_dot_scores_backward", "score_name",
]  # fmt: skip


class Attended(NamedTuple):
    """One look of each query."""

    context: np.ndarray  # (B, K)
    weights: np.ndarray  # (B, S), rows sum to 1
    cache: Any  # (projected keys, what the score kept), for the backward pass


def init_attention(
    rng: np.random.Generator, score: str, Q: int, K: int, A: int | None = None, dtype: type = np.float64
) -> Any:
    """Parameters of the score called `score` (a name in SCORES) for queries of Q numbers and keys of K.

    A: the size of the hidden layer of "additive" and "concat", Q if None. "dot" and "scaled dot" have no parameters,
    and need Q = K.
    """
    check_rng("init_attention", rng)
    check_choice("init_attention", "score", score, SCORES)
    A = Q if A is None else A
    for name, size in (("Q", Q), ("K", K), ("A", A)):
        check_positive_int("init_attention", name, size)
    return tree_map(lambda w: w.astype(dtype), SCORES[score].init(rng, Q, K, A))


def score_name(p: Any) -> str:
    """The name in SCORES of the score that these parameters belong to: each has a class of its own."""
    for name, score in SCORES.items():
        if type(p) is score.params:
            return name
    known = ", ".join(score.params.__name__ for score in SCORES.values())
    raise TypeError(f"score_name: p must be one of {known}, got {type(p).__name__}")


# ---- weights -----------------------------------------------------------------------------------------------------


@checked
def masked_softmax(scores: Float["... S"], mask: Bool["... S"] | None = None) -> np.ndarray:
    """(attention-weights)  scores: (..., S) -> weights (..., S): softmax over the last axis among the real entries.

    mask: (..., S), or a shape that broadcasts to it; where it is False the weight is exactly 0, whatever the score.
    The largest real score is subtracted first, so that no score is too large. A row without a real entry has nothing
    to look at: ValueError.
    """
    if mask is None:
        exps = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return exps / exps.sum(axis=-1, keepdims=True)
    mask = _fitting_mask(mask, scores.shape)
    top = np.where(mask, scores.real, -np.inf).max(axis=-1, keepdims=True)  # (..., 1): of the real entries alone
    exps = np.where(mask, np.exp(np.where(mask, scores - top, 0)), 0)
    return exps / exps.sum(axis=-1, keepdims=True)


@checked
def masked_softmax_backward(weights: Float["... S"], dweights: Float["... S"]) -> np.ndarray:
    """(attention-weights-grad)  weights, dweights: (..., S) -> dscores (..., S), exactly 0 where the weight is 0."""
    if weights.shape != dweights.shape:
        raise ValueError(f"masked_softmax_backward: dweights must be {weights.shape} (from weights), "
                         f"got shape {dweights.shape}")  # fmt: skip
    return weights * (dweights - (weights * dweights).sum(axis=-1, keepdims=True))


def _fitting_mask(mask: np.ndarray, shape: tuple) -> np.ndarray:
    try:
        mask = np.broadcast_to(mask, shape)
    except ValueError:
        raise ValueError(f"masked_softmax: mask must fit {shape} (from scores), got shape {mask.shape}") from None
    if not mask.any(axis=-1).all():
        where = tuple(int(i) for i in np.argwhere(~mask.any(axis=-1))[0])
        raise ValueError(f"masked_softmax: mask must keep at least one entry in every row, got none in row {where}")
    return mask


# ---- context -----------------------------------------------------------------------------------------------------


@checked
def context(weights: Float["B S"], keys: Float["S B K"]) -> np.ndarray:
    """(attention-context)  weights: (B, S), keys: (S, B, K) -> each sequence's weighted sum of its keys: (B, K)."""
    return np.einsum("bs,sbk->bk", weights, keys)


@checked
def context_backward(
    weights: Float["B S"], keys: Float["S B K"], dcontext: Float["B K"]
) -> tuple[np.ndarray, np.ndarray]:
    """(attention-context-grad)  dcontext: (B, K) -> dweights: (B, S), dkeys: (S, B, K)."""
    return np.einsum("bk,sbk->bs", dcontext, keys), weights.T[:, :, None] * dcontext


# ---- all three steps ---------------------------------------------------------------------------------------------


@checked(through=True)
def attend(
    score: str,
    p: Any,
    query: Float["B Q"],
    keys: Float["S B K"],
    mask: Bool["S B"] | None = None,
    projected: np.ndarray | None = None,
) -> Attended:
    """query: (B, Q), keys: (S, B, K) -> context (B, K), weights (B, S), and what the backward pass needs.

    score: a name in SCORES. mask: (S, B), True = real. projected: SCORES[score].project(p, keys), for many queries
    of the same keys; it is computed here if None.
    """
    check_choice("attend", "score", score, SCORES)
    projected = SCORES[score].project(p, keys) if projected is None else projected
    scores, kept = SCORES[score].compare(p, query, projected)  # (B, S)
    weights = masked_softmax(scores, None if mask is None else mask.T)
    return Attended(context(weights, keys), weights, (projected, kept))


@checked(through=True)
def attend_backward(
    score: str,
    p: Any,
    query: Float["B Q"],
    keys: Float["S B K"],
    attended: Attended,
    dcontext: Float["B K"],
) -> tuple[Any, np.ndarray, np.ndarray]:
    """dcontext: (B, K) -> gradients of the score's parameters, dquery: (B, Q), dkeys: (S, B, K).

    The keys count twice: they are compared, and they are summed up.
    """
    check_choice("attend_backward", "score", score, SCORES)
    dp, dquery, dkeys, dprojected = look_backward(score, p, query, keys, attended, dcontext)
    dp_keys, dkeys_compared = SCORES[score].project_backward(p, keys, dprojected)
    return add(dp, dp_keys), dquery, dkeys + dkeys_compared


def look_backward(
    score: str, p: Any, query: np.ndarray, keys: np.ndarray, attended: Attended, dcontext: np.ndarray
) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
    """`attend_backward` without the keys' projection -> dp, dquery, dkeys (as summed up), dprojected.

    For many queries of the same keys: add up dprojected, then use SCORES[score].project_backward once.
    """
    projected, kept = attended.cache
    dweights, dkeys = context_backward(attended.weights, keys, dcontext)
    dscores = masked_softmax_backward(attended.weights, dweights)  # (B, S)
    dp, dquery, dprojected = SCORES[score].compare_backward(p, query, projected, kept, dscores)
    return dp, dquery, dkeys, dprojected

"""How well does key h_j fit query s? Five scores, each with its gradient by hand.

    additive      e_j = v^T tanh(W h_j + U s)         Bahdanau, Cho and Bengio (2015)
    concat        e_j = v^T tanh(W_c [s; h_j])        the same, written with one matrix W_c = [U | W]
    dot           e_j = s^T h_j                       Luong, Pham and Manning (2015); needs Q = K
    general       e_j = s^T W h_j                     Luong, Pham and Manning (2015)
    scaled dot    e_j = s^T h_j / sqrt(K)             Vaswani et al. (2017); needs Q = K

Shapes: query s (B, Q), keys (S, B, K), scores (B, S). Each score is cut in two: `project` does what depends on the
keys alone, once for all queries; `compare` does the rest. Their gradients are cut in the same place.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from course_pkg.initialisers import uniform_fan_in
from course_pkg.shapes import Float, checked
from course_pkg.tree import add, zeros_like


class AdditiveParams(NamedTuple):
    """Gradients of these and of all other parameters have the same type."""

    W: Float["A K"]  # from a key
    U: Float["A Q"]  # from the query
    v: Float["A"]


class ConcatParams(NamedTuple):
    """One matrix for [s; h_j]. Its first Q columns read the query, the other K the key."""

    W: np.ndarray  # (A, Q + K)
    v: np.ndarray  # (A,)


class GeneralParams(NamedTuple):
    """A matrix between query and key."""

    W: Float["Q K"]


class DotParams(NamedTuple):
    """Nothing to learn."""


class ScaledDotParams(NamedTuple):
    """Nothing to learn."""


class Score(NamedTuple):
    """A score by its functions. forward and backward are project and compare, one after the other."""

    params: type
    init: Callable  # (rng, Q, K, A) -> params
    forward: Callable  # (p, query, keys) -> (scores (B, S), kept)
    backward: Callable  # (p, query, keys, kept, dscores (B, S)) -> (dp, dquery (B, Q), dkeys (S, B, K))
    project: Callable  # (p, keys) -> projected (S, B, ...)
    project_backward: Callable  # (p, keys, dprojected) -> (dp, dkeys)
    compare: Callable  # (p, query, projected) -> (scores, kept)
    compare_backward: Callable  # (p, query, projected, kept, dscores) -> (dp, dquery, dprojected)


# ---- additive ----------------------------------------------------------------------------------------------------


def init_additive(rng: np.random.Generator, Q: int, K: int, A: int) -> AdditiveParams:
    """Each weight uniform in (-1/sqrt(n), 1/sqrt(n)), n the number of inputs of its layer, as in torch."""
    return AdditiveParams(uniform_fan_in(rng, A, K), uniform_fan_in(rng, A, Q), uniform_fan_in(rng, 1, A)[0])


@checked
def additive_scores(
    p: AdditiveParams, query: Float["B Q"], keys: Float["S B K"]
) -> tuple[np.ndarray, np.ndarray]:
    """(attention-additive)  query: (B, Q), keys: (S, B, K) -> scores: (B, S), and the hidden layer: (S, B, A)."""
    return _additive_compare(p, query, _additive_project(p, keys))


@checked
def additive_scores_backward(
    p: AdditiveParams, query: Float["B Q"], keys: Float["S B K"], hidden: Float["S B A"], dscores: Float["B S"]
) -> tuple[AdditiveParams, np.ndarray, np.ndarray]:
    """(attention-additive-grad)  dscores: (B, S) -> parameter gradients, dquery: (B, Q), dkeys: (S, B, K)."""
    dp, dquery, dprojected = _additive_compare_backward(p, query, None, hidden, dscores)
    dp_keys, dkeys = _additive_project_backward(p, keys, dprojected)
    return add(dp, dp_keys), dquery, dkeys


def _additive_project(p: AdditiveParams, keys: np.ndarray) -> np.ndarray:
    return keys @ p.W.T  # (S, B, A)


def _additive_project_backward(p: AdditiveParams, keys: np.ndarray, da: np.ndarray) -> tuple:
    dW = da.reshape(-1, da.shape[-1]).T @ keys.reshape(-1, keys.shape[-1])  # all S * B rows alike
    return zeros_like(p)._replace(W=dW), da @ p.W


def _additive_compare(p: AdditiveParams, query: np.ndarray, projected: np.ndarray) -> tuple:
    hidden = np.tanh(projected + query @ p.U.T)  # (S, B, A): the query's share is the same at every key
    return (hidden @ p.v).T, hidden  # (B, S)


def _additive_compare_backward(p: AdditiveParams, query: np.ndarray, _: Any, hidden: np.ndarray, dscores: Any) -> tuple:
    dhidden = dscores.T[:, :, None] * p.v  # (S, B, A)
    da = dhidden * (1 - hidden**2)
    da_query = da.sum(axis=0)  # (B, A)
    dv = dscores.T.reshape(-1) @ hidden.reshape(-1, hidden.shape[-1])
    return AdditiveParams(np.zeros_like(p.W), da_query.T @ query, dv), da_query @ p.U, da


# ---- additive, written with one matrix ---------------------------------------------------------------------------


def as_concat(p: AdditiveParams) -> ConcatParams:
    """(attention-two-forms)  The same score with one matrix: W_c = [U | W]."""
    return ConcatParams(np.concatenate([p.U, p.W], axis=1), p.v)  # (A, Q + K)


def init_concat(rng: np.random.Generator, Q: int, K: int, A: int) -> ConcatParams:
    """As one layer of Q + K inputs in torch."""
    return ConcatParams(uniform_fan_in(rng, A, Q + K), uniform_fan_in(rng, 1, A)[0])


@checked
def concat_scores(p: ConcatParams, query: Float["B Q"], keys: Float["S B K"]) -> tuple[np.ndarray, np.ndarray]:
    """(attention-concat)  query: (B, Q), keys: (S, B, K) -> scores: (B, S), and the hidden layer: (S, B, A).

    The query is copied beside every key, as the equation says. `attend` does the same without the copies.
    """
    _check_concat("concat_scores", p, query, keys)
    beside = np.concatenate([np.broadcast_to(query, (len(keys), *query.shape)), keys], axis=-1)  # (S, B, Q + K)
    hidden = np.tanh(beside @ p.W.T)  # (S, B, A)
    return (hidden @ p.v).T, hidden


@checked
def concat_scores_backward(
    p: ConcatParams, query: Float["B Q"], keys: Float["S B K"], hidden: Float["S B A"], dscores: Float["B S"]
) -> tuple[ConcatParams, np.ndarray, np.ndarray]:
    """(attention-concat-grad)  dscores: (B, S) -> parameter gradients, dquery: (B, Q), dkeys: (S, B, K)."""
    _check_concat("concat_scores_backward", p, query, keys)
    Q = query.shape[1]
    beside = np.concatenate([np.broadcast_to(query, (len(keys), *query.shape)), keys], axis=-1)  # (S, B, Q + K)
    da = dscores.T[:, :, None] * p.v * (1 - hidden**2)  # (S, B, A)
    dbeside = da @ p.W  # (S, B, Q + K)
    dW = da.reshape(-1, da.shape[-1]).T @ beside.reshape(-1, beside.shape[-1])
    dv = dscores.T.reshape(-1) @ hidden.reshape(-1, hidden.shape[-1])
    return ConcatParams(dW, dv), dbeside[..., :Q].sum(axis=0), dbeside[..., Q:]


def _check_concat(function: str, p: ConcatParams, query: np.ndarray, keys: np.ndarray) -> None:
    Q, K = query.shape[-1], keys.shape[-1]
    if p.W.ndim != 2 or p.W.shape[1] != Q + K or p.v.shape != p.W.shape[:1]:
        raise ValueError(f"{function}: p.W must be (A, {Q + K}) (from query and keys) and p.v (A,), "
                         f"got shapes {p.W.shape} and {p.v.shape}")  # fmt: skip


def _halves(p: ConcatParams, K: int) -> AdditiveParams:
    return AdditiveParams(p.W[:, p.W.shape[1] - K :], p.W[:, : p.W.shape[1] - K], p.v)


def _concat_project(p: ConcatParams, keys: np.ndarray) -> np.ndarray:
    return _additive_project(_halves(p, keys.shape[-1]), keys)


def _concat_project_backward(p: ConcatParams, keys: np.ndarray, da: np.ndarray) -> tuple:
    dp, dkeys = _additive_project_backward(_halves(p, keys.shape[-1]), keys, da)
    return as_concat(dp), dkeys


def _concat_compare(p: ConcatParams, query: np.ndarray, projected: np.ndarray) -> tuple:
    return _additive_compare(_halves(p, p.W.shape[1] - query.shape[-1]), query, projected)


def _concat_compare_backward(p: ConcatParams, query: np.ndarray, _: Any, hidden: np.ndarray, dscores: Any) -> tuple:
    halves = _halves(p, p.W.shape[1] - query.shape[-1])
    dp, dquery, da = _additive_compare_backward(halves, query, None, hidden, dscores)
    return as_concat(dp), dquery, da


# ---- products ----------------------------------------------------------------------------------------------------


@checked
def general_scores(p: GeneralParams, query: Float["B Q"], keys: Float["S B K"]) -> tuple[np.ndarray, None]:
    """(attention-general)  query: (B, Q), keys: (S, B, K) -> scores: (B, S); nothing is kept."""
    return _dot_compare(p, query, _general_project(p, keys))


@checked
def general_scores_backward(
    p: GeneralParams, query: Float["B Q"], keys: Float["S B K"], kept: None, dscores: Float["B S"]
) -> tuple[GeneralParams, np.ndarray, np.ndarray]:
    """(attention-general-grad)  dscores: (B, S) -> gradient of W, dquery: (B, Q), dkeys: (S, B, K)."""
    _, dquery, dprojected = _dot_compare_backward(p, query, _general_project(p, keys), kept, dscores)
    dp, dkeys = _general_project_backward(p, keys, dprojected)
    return dp, dquery, dkeys


def _general_project(p: GeneralParams, keys: np.ndarray) -> np.ndarray:
    return keys @ p.W.T  # (S, B, Q)


def _general_project_backward(p: GeneralParams, keys: np.ndarray, dprojected: np.ndarray) -> tuple:
    dW = dprojected.reshape(-1, dprojected.shape[-1]).T @ keys.reshape(-1, keys.shape[-1])
    return GeneralParams(dW), dprojected @ p.W


@checked
def dot_scores(p: DotParams, query: Float["B K"], keys: Float["S B K"]) -> tuple[np.ndarray, None]:
    """(attention-dot)  query: (B, K), keys: (S, B, K) -> scores: (B, S); nothing is kept."""
    return _dot_compare(p, query, keys)


@checked
def dot_scores_backward(
    p: DotParams, query: Float["B K"], keys: Float["S B K"], kept: None, dscores: Float["B S"]
) -> tuple[DotParams, np.ndarray, np.ndarray]:
    """(attention-dot-grad)  dscores: (B, S) -> no parameters, dquery: (B, K), dkeys: (S, B, K)."""
    return _dot_compare_backward(p, query, keys, kept, dscores)


@checked
def scaled_dot_scores(p: ScaledDotParams, query: Float["B K"], keys: Float["S B K"]) -> tuple[np.ndarray, None]:
    """(attention-scaled)  query: (B, K), keys: (S, B, K) -> scores: (B, S); nothing is kept.

    With independent entries of variance 1 the product has variance K; divided by sqrt(K), it has variance 1.
    """
    return _dot_compare(p, query, _scaled_project(p, keys))


@checked
def scaled_dot_scores_backward(
    p: ScaledDotParams, query: Float["B K"], keys: Float["S B K"], kept: None, dscores: Float["B S"]
) -> tuple[ScaledDotParams, np.ndarray, np.ndarray]:
    """(attention-scaled-grad)  dscores: (B, S) -> no parameters, dquery: (B, K), dkeys: (S, B, K)."""
    _, dquery, dprojected = _dot_compare_backward(p, query, _scaled_project(p, keys), kept, dscores)
    return p, dquery, _scaled_project(p, dprojected)


def _scaled_project(_: ScaledDotParams, keys: np.ndarray) -> np.ndarray:
    return keys / keys.real.dtype.type(np.sqrt(keys.shape[-1]))


def _dot_compare(_: Any, query: np.ndarray, projected: np.ndarray) -> tuple[np.ndarray, None]:
    if projected.shape[-1] != query.shape[-1]:
        raise ValueError(f"dot_scores: query and keys must have the same size, got {query.shape[-1]} and "
                         f'{projected.shape[-1]}; "general" has a matrix between them')  # fmt: skip
    return np.einsum("bk,sbk->bs", query, projected), None


def _dot_compare_backward(p: Any, query: np.ndarray, projected: np.ndarray, _: None, dscores: np.ndarray) -> tuple:
    return zeros_like(p), np.einsum("bs,sbk->bk", dscores, projected), dscores.T[:, :, None] * query


def _no_params(params: type) -> Callable:
    return lambda _rng, _Q, _K, _A: params()


def _as_it_is(_: DotParams, keys: np.ndarray) -> np.ndarray:
    return keys


SCORES = {
    "additive": Score(
        AdditiveParams, init_additive, additive_scores, additive_scores_backward,
        _additive_project, _additive_project_backward, _additive_compare, _additive_compare_backward,
    ),
    "concat": Score(
        ConcatParams, init_concat, concat_scores, concat_scores_backward,
        _concat_project, _concat_project_backward, _concat_compare, _concat_compare_backward,
    ),
    "dot": Score(
        DotParams, _no_params(DotParams), dot_scores, dot_scores_backward,
        _as_it_is, lambda p, _, d: (p, d), _dot_compare, _dot_compare_backward,
    ),
    "general": Score(
        GeneralParams, lambda rng, Q, K, _: GeneralParams(uniform_fan_in(rng, Q, K)), general_scores,
        general_scores_backward, _general_project, _general_project_backward, _dot_compare, _dot_compare_backward,
    ),
    "scaled dot": Score(
        ScaledDotParams, _no_params(ScaledDotParams), scaled_dot_scores, scaled_dot_scores_backward,
        _scaled_project, lambda p, _, d: (p, _scaled_project(p, d)), _dot_compare, _dot_compare_backward,
    ),
}  # fmt: skip

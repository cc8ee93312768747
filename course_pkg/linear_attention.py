"""Causal linear attention in three forms that compute the same: parallel, recurrent and in chunks.

    out_t = sum_{j <= t} (phi(q_t) . phi(k_j)) v_j  /  sum_{j <= t} phi(q_t) . phi(k_j)

In place of exp(q . k) stands a product phi(q) . phi(k), so the sum over j can be taken before the query is known: a
matrix S_t = sum phi(k_j) v_j^T and a vector z_t = sum phi(k_j) are all that the past leaves behind (Katharopoulos,
Vyas, Pappas and Fleuret 2020). Sequences are time-major: qs and ks (T, B, K), vs (T, B, U).
"""

from typing import NamedTuple

import numpy as np

from course_pkg.shapes import Float, check_positive_int, checked


class LinearState(NamedTuple):
    """What is left of the past. Its size does not depend on how long that was."""

    S: np.ndarray  # (B, K, U)
    z: np.ndarray  # (B, K)


def feature_map(x: np.ndarray) -> np.ndarray:
    """(feature-map)  elu(x) + 1, any shape: x + 1 where x > 0, exp(x) elsewhere. Always positive."""
    return np.where(x.real > 0, x + 1, np.exp(np.where(x.real > 0, 0, x)))


def feature_map_slope(x: np.ndarray) -> np.ndarray:
    """Its derivative, same shape: 1 where x > 0, exp(x) elsewhere."""
    return np.exp(np.where(x > 0, 0, x))


def empty_state(B: int, K: int, U: int) -> LinearState:
    """Nothing remembered: S (B, K, U) and z (B, K), zeros."""
    return LinearState(np.zeros((B, K, U)), np.zeros((B, K)))


# ---- three forms -------------------------------------------------------------------------------------------------


@checked
def linear_attention_parallel(qs: Float["T B K"], ks: Float["T B K"], vs: Float["T B U"]) -> np.ndarray:
    """(linear-attention)  -> outs: (T, B, U), by a table of weights (T, T) for each sequence, as attention does it."""
    q, k = feature_map(qs), feature_map(ks)
    scores = np.einsum("tbk,sbk->bts", q, k) * np.tri(len(qs))  # (B, T, T), 0 for what is to come
    weights = scores / scores.sum(axis=-1, keepdims=True)
    return np.einsum("bts,sbu->tbu", weights, vs)


def linear_attention_step(
    state: LinearState, q: np.ndarray, k: np.ndarray, v: np.ndarray
) -> tuple[np.ndarray, LinearState]:
    """(linear-attention-step)  q, k: (B, K), v: (B, U) -> out (B, U), state."""
    q, k = feature_map(q), feature_map(k)
    S = state.S + k[:, :, None] * v[:, None, :]  # (B, K, U)
    z = state.z + k
    above = np.einsum("bk,bku->bu", q, S)
    below = np.sum(q * z, axis=-1, keepdims=True)  # (B, 1)
    return above / below, LinearState(S, z)


@checked
def linear_attention_recurrent(
    qs: Float["T B K"], ks: Float["T B K"], vs: Float["T B U"], state: LinearState | None = None
) -> tuple[np.ndarray, LinearState]:
    """(linear-attention-step)  -> outs: (T, B, U) and the last state: an RNN with a matrix as state."""
    state = empty_state(*qs.shape[1:], vs.shape[-1]) if state is None else state
    outs = []
    for q, k, v in zip(qs, ks, vs, strict=True):
        out, state = linear_attention_step(state, q, k, v)
        outs.append(out)
    return np.stack(outs), state


@checked
def linear_attention_chunked(
    qs: Float["T B K"], ks: Float["T B K"], vs: Float["T B U"], chunk: int = 16, state: LinearState | None = None
) -> tuple[np.ndarray, LinearState]:
    """(linear-attention-chunks)  -> outs: (T, B, U), the last state; parallel in a chunk, recurrent between.

    The cost grows with T times chunk, not with T squared. The last chunk may be shorter.
    """
    check_positive_int("linear_attention_chunked", "chunk", chunk)
    state = empty_state(*qs.shape[1:], vs.shape[-1]) if state is None else state
    outs = []
    for start in range(0, len(qs), chunk):
        q, k = (feature_map(x[start : start + chunk]) for x in (qs, ks))  # (C, B, K)
        v = vs[start : start + chunk]
        scores = np.einsum("tbk,sbk->bts", q, k) * np.tri(len(q))  # (B, C, C): within the chunk
        above = np.einsum("bts,sbu->tbu", scores, v) + np.einsum("tbk,bku->tbu", q, state.S)
        below = scores.sum(axis=-1).T + np.einsum("tbk,bk->tb", q, state.z)  # (C, B)
        outs.append(above / below[..., None])
        state = LinearState(state.S + np.einsum("sbk,sbu->bku", k, v), state.z + k.sum(axis=0))
    return np.concatenate(outs), state


# ---- backward ----------------------------------------------------------------------------------------------------


@checked
def linear_attention_backward(
    qs: Float["T B K"], ks: Float["T B K"], vs: Float["T B U"], douts: Float["T B U"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """douts: (T, B, U) -> dqs, dks: (T, B, K), dvs: (T, B, U), in two walks of T steps.

    Forwards S_t and z_t are built up again for the queries; backwards their gradients add up for keys and values. No
    table (T, T) is made, and no state is kept but the last.
    """
    q, k = feature_map(qs), feature_map(ks)
    state = empty_state(*qs.shape[1:], vs.shape[-1])
    dq, dk, dvs = np.zeros_like(q), np.zeros_like(k), np.zeros_like(vs)
    dabove, dbelow = np.zeros_like(douts), np.zeros(douts.shape[:2])
    for t in range(len(q)):
        state = LinearState(state.S + k[t][:, :, None] * vs[t][:, None, :], state.z + k[t])
        below = np.sum(q[t] * state.z, axis=-1)  # (B,)
        out = np.einsum("bk,bku->bu", q[t], state.S) / below[:, None]
        dabove[t] = douts[t] / below[:, None]
        dbelow[t] = -np.sum(douts[t] * out, axis=-1) / below
        dq[t] = np.einsum("bu,bku->bk", dabove[t], state.S) + dbelow[t][:, None] * state.z
    dS, dz = np.zeros_like(state.S), np.zeros_like(state.z)
    for t in reversed(range(len(q))):
        dS = dS + q[t][:, :, None] * dabove[t][:, None, :]  # (B, K, U): from the output at t, and from all later ones
        dz = dz + q[t] * dbelow[t][:, None]
        dk[t] = np.einsum("bku,bu->bk", dS, vs[t]) + dz
        dvs[t] = np.einsum("bku,bk->bu", dS, k[t])
    return dq * feature_map_slope(qs), dk * feature_map_slope(ks), dvs

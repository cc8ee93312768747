"""The LSTM in the form used for training: equal to `lstm.py` by test, and faster by the means of `fast.py`.

The gates of a step lie one after the other, (4, B, H), so that each is one piece of memory. Their gradients lie side
by side, (B, 4H), so that one product gives dh_{t-1}, and one over all steps each weight gradient.
"""

from typing import NamedTuple

import numpy as np

from course_pkg import fast
from course_pkg.fast import backwards, blocked, chunks, joined, multiply, one_minus_square, rows, state_beside_input
from course_pkg.lstm import LSTMParams, LSTMState, initial_lstm_state
from course_pkg.shapes import Bool, Float, checked


class LSTMTrace(NamedTuple):
    """As `LSTMStates`, and what the backward pass would have to compute again."""

    hx: Float["T+1 B K"]  # h_0 ... h_T, each with the input that is read next, and a 1: K = H + D + 1
    cs: Float["T+1 B H"]
    gates: tuple[np.ndarray, ...]  # block after block of steps: (steps, 4, B, H), o, i, f and g

    @property
    def hs(self) -> np.ndarray:
        """(T+1, B, H), a view."""
        return self.hx[..., : self.cs.shape[-1]]


@checked
def lstm_forward_fast(
    p: LSTMParams, xs: Float["T B D"], state0: LSTMState | None = None, mask: Bool["T B"] | None = None
) -> LSTMTrace:
    """(lstm-unroll)  As `lstm_forward`: xs (T, B, D), state0 (B, H) each, mask (T, B) -> hs, cs (T+1, B, H), gates."""
    (T, B, _), H = xs.shape, p.W_h.shape[1]
    state0 = initial_lstm_state(p, xs) if state0 is None else state0
    dtype = np.result_type(p.W_h, xs, *state0)
    W, hx, cs = _one_matrix(p, B, dtype), state_beside_input(state0.h, xs, dtype), np.empty((T + 1, B, H), dtype)
    cs[0] = state0.c
    padded = None if mask is None else ~mask[..., None]  # (T, B, 1)
    gates = []
    for first, last in _blocks(cs):
        states = hx[first : last + 1], cs[first : last + 1]  # views: written in place
        gates.append(_read(W, *states, None if mask is None else padded[first:last]))
    return LSTMTrace(hx, cs, tuple(gates))


def _one_matrix(p: LSTMParams, B: int, dtype: np.dtype) -> np.ndarray:
    """W_h, W_x and b beside each other, to be multiplied by (B, K): (4*S, K, H/S), gates in the order o, i, f, g.

    Those of the sigmoids are halved: sigmoid(a) = 0.5 + 0.5 tanh(0.5 a). A single row is multiplied by (1, K, 4H).
    """
    H, D = p.W_h.shape[1], p.W_x.shape[1]
    W = np.empty((4, H, H + D + 1), dtype)
    half = np.array([0.5, 0.5, 1], dtype)[:, None, None]  # of i, f and g
    for part, place in ((p.W_h, W[..., :H]), (p.W_x, W[..., H:-1]), (p.b, W[..., -1:])):
        gates = part.reshape(4, H, -1)
        np.multiply(gates[:3], half, out=place[1:])
        np.multiply(gates[3], half[0], out=place[0])
    return W.reshape(1, 4 * H, -1).swapaxes(1, 2) if B == 1 else blocked(W.swapaxes(1, 2), B)


def _blocks(cs: np.ndarray) -> list[tuple[int, int]]:
    """The blocks of steps in which cs: (T+1, B, H) is computed, forward and backward."""
    return chunks(len(cs) - 1, 4 * cs[0].nbytes, fast.BLOCK)


def _read(W: np.ndarray, hx: np.ndarray, cs: np.ndarray, padded: np.ndarray | None) -> np.ndarray:
    """One block: W (4*S, K, H/S), padded (T, B, 1) -> gates (T, 4, B, H).

    The states in hx: (T+1, B, K) and cs: (T+1, B, H) are filled from their first entries on.
    """
    T, (B, H) = len(cs) - 1, cs[0].shape
    hs, half = hx[..., :H], cs.dtype.type(0.5)
    gates, written = np.empty((T, 4, B, H), cs.dtype), np.empty((B, H), cs.dtype)
    product = np.empty((len(W), B, W.shape[-1]), cs.dtype)
    logits = joined(product, 4)  # (4, B, S, H/S)
    cut = gates.reshape(T, *logits.shape)
    for t in range(T):
        a, c = gates[t], cs[t + 1]  # views: written in place
        multiply(hx[t], W, out=product)
        np.tanh(logits, out=cut[t])  # into a: (4, B, H)
        sigmoids = a[:3]  # o, i and f; g stays a tanh
        sigmoids *= half
        sigmoids += half
        o, i, f, g = a
        np.multiply(f, cs[t], out=c)
        c += np.multiply(i, g, out=written)
        np.multiply(o, np.tanh(c, out=written), out=hs[t + 1])
        if padded is not None:
            np.copyto(hs[t + 1], hs[t], where=padded[t])
            np.copyto(c, cs[t], where=padded[t])
    return gates


@checked
def lstm_backward_fast(
    p: LSTMParams,
    xs: Float["T B D"],
    trace: LSTMTrace,
    dhs: Float["T B H"],
    dcs: Float["T B H"] | None = None,
    mask: Bool["T B"] | None = None,
) -> tuple[LSTMParams, np.ndarray, LSTMState]:
    """(lstm-bptt)  As `lstm_backward`: dhs, dcs (T, B, H) -> parameter gradients, dxs (T, B, D), dh_0, dc_0 (B, H)."""
    hx, cs, gates = trace
    H = cs.shape[-1]
    dstate = LSTMState(np.zeros_like(cs[0]), np.zeros_like(cs[0]))
    dxs, dW = np.empty(xs.shape, cs.dtype), 0
    W_h = blocked(p.W_h[None], xs.shape[1])  # (S, 4H, H/S)
    for (first, last), block in zip(reversed(_blocks(cs)), reversed(gates), strict=True):
        steps = slice(first, last)
        dcs_block, real = (None if v is None else v[steps] for v in (dcs, mask))
        da = _gate_gradients(W_h, block, cs[first : last + 1], dhs[steps], dcs_block, real, dstate)  # (steps*B, 4H)
        dxs[steps] = (da @ p.W_x).reshape(dxs[steps].shape)
        dW += da.T @ rows(hx[steps])  # (4H, K)
    return LSTMParams(dW[:, H:-1].copy(), dW[:, :H].copy(), dW[:, -1].copy()), dxs, dstate


def _gate_gradients(
    W_h: np.ndarray,
    gates: np.ndarray,
    cs: np.ndarray,
    dhs: np.ndarray,
    dcs: np.ndarray | None,
    mask: np.ndarray | None,
    dstate: LSTMState,
) -> np.ndarray:
    """One block: W_h (S, 4H, H/S), gates (T, 4, B, H), cs (T+1, B, H), dhs, dcs (T, B, H) -> gradients of the
    pre-activations (T*B, 4H), in the order of `Gates`: i, f, g, o.

    dstate: (B, H) each, is carried through.
    """
    T, B, H = dhs.shape
    das = np.empty((T, B, 4, H), cs.dtype)
    dh, dc = dstate  # written in place: from that of the block's last state to that of its first one
    through_h = np.empty_like(dh)
    product = np.empty((len(W_h), B, W_h.shape[-1]), cs.dtype)
    from_da = joined(product, 1)[0]  # (B, S, H/S): dh_{t-1} through the gates of step t
    cut, dhs = dh.reshape(from_da.shape), dhs.reshape(T, *from_da.shape)
    from_da[...] = cut
    for start, stop in reversed(chunks(T, gates[0].nbytes)):
        real = None if mask is None else mask[start:stop, :, None]  # (steps, B, 1)
        local, dc_dh, keep = _local_derivatives(gates[start:stop], cs[start : stop + 1], real)
        for t, k in backwards(start, stop):
            np.add(from_da, dhs[t], out=cut)  # into dh: (B, H)
            if dcs is not None:
                dc += dcs[t]
            passed_over = None if mask is None else np.where(real[k], 0, dh)
            dc += np.multiply(dh, dc_dh[k], out=through_h)
            da = das[t].swapaxes(0, 1)  # (4, B, H), a view
            np.multiply(local[k, 1:], dc, out=da[:3])  # i, f, g act through c_t
            np.multiply(local[k, 0], dh, out=da[3])  # o acts on h_t
            multiply(das[t].reshape(B, 4 * H), W_h, out=product)
            dc *= keep[k]
            if mask is not None:
                from_da += passed_over.reshape(from_da.shape)
    cut[...] = from_da
    return rows(das)


def _local_derivatives(gates: np.ndarray, cs: np.ndarray, real: np.ndarray | None) -> tuple[np.ndarray, ...]:
    """gates: (steps, 4, B, H), cs: (steps+1, B, H), real: (steps, B, 1) or None, all steps real. Returns

    (steps, 4, B, H): dh/da of o, and dc/da of i, f and g, with 0 at padded steps;
    (steps, B, H): dh/dc; and dc_t/dc_{t-1}, which is f, and 1 at padded steps.
    """
    o, i, f, g = gates.swapaxes(0, 1)  # (steps, B, H) each
    tanh_c = np.tanh(cs[1:])
    dh_dc = one_minus_square(tanh_c)
    dh_dc *= o
    local = gates * gates
    np.subtract(gates, local, out=local)  # s - s^2 = s (1 - s), for the sigmoids
    local[:, 0] *= tanh_c
    local[:, 1] *= g
    local[:, 2] *= cs[:-1]
    np.multiply(i, one_minus_square(g), out=local[:, 3])
    if real is None:
        return local, dh_dc, f
    np.copyto(local, 0, where=~real[:, None])
    np.copyto(dh_dc, 0, where=~real)
    return local, dh_dc, np.where(real, f, 1)

"""The LSTM in the form used for training: equal to `lstm.py` by test, and faster by the means of `fast.py`.

The gates of a step lie one after the other, (4, B, H), so that each is one piece of memory. Their gradients lie side
by side, (B, 4H), so that one product gives dh_{t-1}, and one over all steps each weight gradient.
"""

from typing import NamedTuple

import numpy as np

from course_pkg import fast
from course_pkg.fast import backwards, blocked, chunks, joined, one_minus_square, rows, with_one
from course_pkg.lstm import Gates, LSTMParams, LSTMState, initial_lstm_state
from course_pkg.shapes import Bool, Float, checked
from course_pkg.tree import add


class LSTMTrace(NamedTuple):
    """As `LSTMStates`, and the gates, which the backward pass would have to compute again."""

    hs: Float["T+1 B H"]
    cs: Float["T+1 B H"]
    gates: tuple[np.ndarray, ...]  # block after block of steps: (steps, 4, B, H), in the order of `Gates`


SCALE = Gates(i=0.5, f=0.5, g=1.0, o=0.5)  # sigmoid(a) = 0.5 + 0.5 tanh(0.5 a) for i, f and o


@checked
def lstm_forward_fast(
    p: LSTMParams, xs: Float["T B D"], state0: LSTMState | None = None, mask: Bool["T B"] | None = None
) -> LSTMTrace:
    """(lstm-unroll)  As `lstm_forward`: xs (T, B, D), state0 (B, H) each, mask (T, B) -> hs, cs (T+1, B, H), gates."""
    (T, B, D), H = xs.shape, p.W_h.shape[1]
    state0 = initial_lstm_state(p, xs) if state0 is None else state0
    dtype = np.result_type(p.W_h, xs, *state0)
    scale = np.array(SCALE, dtype.type)[:, None, None]  # (4, 1, 1)
    W = np.column_stack([p.W_x, p.b, p.W_h]).reshape(4, H, D + 1 + H) * scale
    W = blocked(W.swapaxes(1, 2), B, max(D + 1, H))  # (4*S, D+1+H, H/S)
    W_x, W_h = W[:, : D + 1], W[:, D + 1 :]
    hs, cs = np.empty((T + 1, B, H), dtype), np.empty((T + 1, B, H), dtype)
    hs[0], cs[0] = state0
    padded = None if mask is None else ~mask[..., None]  # (T, B, 1)
    gates = []
    for first, last in _blocks(hs):
        states = hs[first : last + 1], cs[first : last + 1]  # views: written in place
        gates.append(_read(W_h, W_x, xs[first:last], *states, None if mask is None else padded[first:last]))
    return LSTMTrace(hs, cs, tuple(gates))


def _blocks(hs: np.ndarray) -> list[tuple[int, int]]:
    """The blocks of steps in which hs: (T+1, B, H) is computed, forward and backward."""
    return chunks(len(hs) - 1, 4 * hs[0].nbytes, fast.BLOCK)


def _read(
    W_h: np.ndarray, W_x: np.ndarray, xs: np.ndarray, hs: np.ndarray, cs: np.ndarray, padded: np.ndarray | None
) -> np.ndarray:
    """One block: W_h (4*S, H, H/S), W_x (4*S, D+1, H/S), xs (T, B, D), padded (T, B, 1) -> gates (T, 4, B, H).

    hs and cs: (T+1, B, H) are filled from their first entries on.
    """
    T, B, H = len(xs), *hs[0].shape
    xs1 = with_one(xs)
    gates, written = np.empty((T, 4, B, H), hs.dtype), np.empty((B, H), hs.dtype)
    product = np.empty((len(W_h), B, W_h.shape[-1]), hs.dtype)
    from_h = joined(product, 4)  # (4, B, S, H/S)
    cut = gates.reshape(T, *from_h.shape)
    for start, stop in chunks(T, gates[0].nbytes):
        from_x = np.matmul(xs1[start:stop, None], W_x)  # (steps, 4*S, B, H/S)
        for t in range(start, stop):
            a, c = gates[t], cs[t + 1]  # views: written in place
            np.matmul(hs[t], W_h, out=product)
            np.add(from_h, joined(from_x[t - start], 4), out=cut[t])  # into a: (4, B, H)
            np.tanh(a, out=a)
            for sigmoids in (a[:2], a[3]):  # i, f and o; g stays a tanh
                sigmoids *= 0.5
                sigmoids += 0.5
            i, f, g, o = a
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
    hs, cs, gates = trace
    dstate = LSTMState(np.zeros_like(hs[0]), np.zeros_like(cs[0]))
    dxs, dp = np.empty(xs.shape, hs.dtype), None
    W_h = blocked(p.W_h[None], hs.shape[1])  # (S, 4H, H/S)
    for (first, last), block in zip(reversed(_blocks(hs)), reversed(gates), strict=True):
        steps = slice(first, last)
        states = LSTMTrace(hs[first : last + 1], cs[first : last + 1], block)
        dcs_block, real = (None if v is None else v[steps] for v in (dcs, mask))
        da = _gate_gradients(W_h, states, dhs[steps], dcs_block, real, dstate)  # (steps*B, 4H)
        dxs[steps] = (da @ p.W_x).reshape(dxs[steps].shape)
        dW_x = da.T @ rows(with_one(xs[steps]))  # (4H, D+1): the last column is db
        dp_block = LSTMParams(dW_x[:, :-1], da.T @ rows(hs[steps]), dW_x[:, -1])
        dp = dp_block if dp is None else add(dp, dp_block)
    return LSTMParams(*map(np.ascontiguousarray, dp)), dxs, dstate


def _gate_gradients(
    W_h: np.ndarray,
    states: LSTMTrace,
    dhs: np.ndarray,
    dcs: np.ndarray | None,
    mask: np.ndarray | None,
    dstate: LSTMState,
) -> np.ndarray:
    """One block: W_h (S, 4H, H/S), dhs, dcs (T, B, H) -> gradients of the pre-activations (T*B, 4H).

    dstate: (B, H) each, is carried through.
    """
    hs, cs, gates = states
    T, B, H = dhs.shape
    das = np.empty((T, B, 4, H), hs.dtype)
    dh, dc = dstate  # written in place: from that of the block's last state to that of its first one
    through_h = np.empty_like(dh)
    product = np.empty((len(W_h), B, W_h.shape[-1]), hs.dtype)
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
            np.multiply(local[k, :3], dc, out=da[:3])  # i, f, g act through c_t
            np.multiply(local[k, 3], dh, out=da[3])  # o acts on h_t
            np.matmul(das[t].reshape(B, 4 * H), W_h, out=product)
            dc *= keep[k]
            if mask is not None:
                from_da += passed_over.reshape(from_da.shape)
    cut[...] = from_da
    return rows(das)


def _local_derivatives(gates: np.ndarray, cs: np.ndarray, real: np.ndarray | None) -> tuple[np.ndarray, ...]:
    """gates: (steps, 4, B, H), cs: (steps+1, B, H), real: (steps, B, 1) or None, all steps real. Returns

    (steps, 4, B, H): dc/da of i, f and g, and dh/da of o, with 0 at padded steps;
    (steps, B, H): dh/dc; and dc_t/dc_{t-1}, which is f, and 1 at padded steps.
    """
    i, f, g, o = gates.swapaxes(0, 1)  # (steps, B, H) each
    tanh_c = np.tanh(cs[1:])
    dh_dc = one_minus_square(tanh_c)
    dh_dc *= o
    local = gates * gates
    np.subtract(gates, local, out=local)  # s - s^2 = s (1 - s), for the sigmoids
    local[:, 0] *= g
    local[:, 1] *= cs[:-1]
    np.multiply(i, one_minus_square(g), out=local[:, 2])
    local[:, 3] *= tanh_c
    if real is None:
        return local, dh_dc, f
    np.copyto(local, 0, where=~real[:, None])
    np.copyto(dh_dc, 0, where=~real)
    return local, dh_dc, np.where(real, f, 1)

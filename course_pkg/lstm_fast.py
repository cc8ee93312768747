"""The LSTM in the form used for training: equal to `lstm.py` by test, and faster by the means of `fast.py`.

The gates of a step lie one after the other, (4, B, H), so that each is one piece of memory. Their gradients lie side
by side, (B, 4H), so that one product gives dh_{t-1}, and one over all steps each weight gradient.
"""

from typing import NamedTuple

import numpy as np

from course_pkg.fast import backwards, chunks, laid_out, rows, transposed, with_one
from course_pkg.lstm import Gates, LSTMParams, LSTMState, initial_lstm_state
from course_pkg.shapes import Bool, Float, checked


class LSTMTrace(NamedTuple):
    """As `LSTMStates`, and the gates, which the backward pass would have to compute again."""

    hs: Float["T+1 B H"]
    cs: Float["T+1 B H"]
    gates: np.ndarray  # (T, 4, B, H), in the order of `Gates`


SCALE = Gates(i=0.5, f=0.5, g=1.0, o=0.5)  # gate = SHIFT + SCALE * tanh(SCALE * a): tanh for g, sigmoid for the others
SHIFT = Gates(i=0.5, f=0.5, g=0.0, o=0.5)


@checked
def lstm_forward_fast(
    p: LSTMParams, xs: Float["T B D"], state0: LSTMState | None = None, mask: Bool["T B"] | None = None
) -> LSTMTrace:
    """(lstm-unroll)  As `lstm_forward`: xs (T, B, D), state0 (B, H) each, mask (T, B) -> hs, cs (T+1, B, H), gates."""
    (T, B, D), H = xs.shape, p.W_h.shape[1]
    dtype = np.result_type(p.W_h, xs)
    scale, shift = (np.array(values, dtype.type)[:, None, None] for values in (SCALE, SHIFT))  # (4, 1, 1)
    W_h = transposed(p.W_h.reshape(4, H, H) * scale)
    W_x = transposed(np.column_stack([p.W_x, p.b]).reshape(4, H, D + 1) * scale)
    xs1 = with_one(xs)
    hs, cs = np.empty((2, T + 1, B, H), dtype)
    gates = np.empty((T, 4, B, H), dtype)
    hs[0], cs[0] = initial_lstm_state(p, xs) if state0 is None else state0
    written = np.empty((B, H), dtype)
    for start, stop in chunks(T, gates[0].nbytes):
        from_x = np.matmul(rows(xs1[start:stop]), W_x).reshape(4, stop - start, B, H)
        for t in range(start, stop):
            a, c = gates[t], cs[t + 1]  # views: written in place
            np.matmul(hs[t], W_h, out=a)  # (4, B, H)
            a += from_x[:, t - start]
            np.tanh(a, out=a)
            a *= scale
            a += shift
            i, f, g, o = a
            np.multiply(f, cs[t], out=c)
            c += np.multiply(i, g, out=written)
            np.multiply(o, np.tanh(c, out=written), out=hs[t + 1])
            if mask is not None:
                padded = ~mask[t][:, None]  # (B, 1)
                np.copyto(hs[t + 1], hs[t], where=padded)
                np.copyto(c, cs[t], where=padded)
    return LSTMTrace(hs, cs, gates)


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
    (T, B, D), H = xs.shape, p.W_h.shape[1]
    hs, cs, gates = trace
    das = np.empty((T, B, 4, H), hs.dtype)  # gradients of the pre-activations: side by side for the products
    dh, dc, through_h = np.zeros((3, B, H), hs.dtype)
    W_h = laid_out(p.W_h)
    for start, stop in reversed(chunks(T, gates[0].nbytes)):
        real = None if mask is None else mask[start:stop, :, None]  # (steps, B, 1)
        local, dc_dh, keep = _local_derivatives(gates[start:stop], cs[start : stop + 1], real)
        for t, k in backwards(start, stop):
            dh += dhs[t]
            if dcs is not None:
                dc += dcs[t]
            passed_over = None if mask is None else np.where(real[k], 0, dh)
            dc += np.multiply(dh, dc_dh[k], out=through_h)
            da = das[t].swapaxes(0, 1)  # (4, B, H), a view
            np.multiply(local[k, :3], dc, out=da[:3])  # i, f, g act through c_t
            np.multiply(local[k, 3], dh, out=da[3])  # o acts on h_t
            np.matmul(das[t].reshape(B, 4 * H), W_h, out=dh)
            dc *= keep[k]
            if mask is not None:
                dh += passed_over
    da = rows(das)  # (T*B, 4H)
    dW_x = da.T @ rows(with_one(xs))  # (4H, D+1): the last column is db
    dp = LSTMParams(dW_x[:, :D].copy(), da.T @ rows(hs[:-1]), dW_x[:, D].copy())
    return dp, (da @ p.W_x).reshape(T, B, D), LSTMState(dh, dc)


def _local_derivatives(gates: np.ndarray, cs: np.ndarray, real: np.ndarray | None) -> tuple[np.ndarray, ...]:
    """gates: (steps, 4, B, H), cs: (steps+1, B, H), real: (steps, B, 1) or None, all steps real. Returns

    (steps, 4, B, H): dc/da of i, f and g, and dh/da of o, with 0 at padded steps;
    (steps, B, H): dh/dc; and dc_t/dc_{t-1}, which is f, and 1 at padded steps.
    """
    i, f, g, o = gates.swapaxes(0, 1)  # (steps, B, H) each
    tanh_c = np.tanh(cs[1:])
    dh_dc = o * (1 - tanh_c**2)
    local = gates - gates**2  # s (1 - s) for the sigmoids
    local[:, 0] *= g
    local[:, 1] *= cs[:-1]
    local[:, 2] = i * (1 - g**2)
    local[:, 3] *= tanh_c
    if real is None:
        return local, dh_dc, f
    np.copyto(local, 0, where=~real[:, None])
    np.copyto(dh_dc, 0, where=~real)
    return local, dh_dc, np.where(real, f, 1)

"""The GRU in the form used for training: equal to `gru.py` by test, and faster by the means of `fast.py`.

It is torch's GRU, reset after the product and z that keeps. A z that overwrites converts by `gru.swap_update`.
"""

from typing import NamedTuple

import numpy as np

from course_pkg.fast import backwards, chunks, laid_out, rows, transposed, with_one
from course_pkg.gru import GRUGates, GRUParams, initial_gru_state
from course_pkg.shapes import Bool, Float, checked


class GRUTrace(NamedTuple):
    """The states, and what the backward pass would have to compute again."""

    hs: Float["T+1 B H"]
    gates: np.ndarray  # (T, 3, B, H), in the order of `GRUGates`
    ms: np.ndarray  # (T, B, H): W_hn h_{t-1} + b_hn


SCALE = GRUGates(r=0.5, z=0.5, n=1.0)  # sigmoid(a) = 0.5 + 0.5 tanh(0.5 a) for r and z


@checked
def gru_forward_fast(
    p: GRUParams, xs: Float["T B D"], h0: Float["B H"] | None = None, mask: Bool["T B"] | None = None
) -> GRUTrace:
    """(gru-unroll)  As `gru_forward`: xs (T, B, D), h0 (B, H), mask (T, B) -> hs (T+1, B, H), gates, ms."""
    (T, B, D), H = xs.shape, len(p.b_hn)
    dtype = np.result_type(p.W_h, xs)
    scale = np.array(SCALE, dtype.type)[:, None, None]  # (3, 1, 1)
    W_h = transposed(p.W_h.reshape(3, H, H) * scale)
    W_x = transposed(np.column_stack([p.W_x, p.b]).reshape(3, H, D + 1) * scale)
    xs1 = with_one(xs)
    hs, gates, ms = (np.empty(shape, dtype) for shape in ((T + 1, B, H), (T, 3, B, H), (T, B, H)))
    hs[0] = initial_gru_state(p, xs) if h0 is None else h0
    from_h = np.empty((3, B, H), dtype)
    for start, stop in chunks(T, gates[0].nbytes):
        from_x = np.matmul(rows(xs1[start:stop]), W_x).reshape(3, stop - start, B, H)
        for t in range(start, stop):
            a, x = gates[t], from_x[:, t - start]  # views: a is written in place
            np.matmul(hs[t], W_h, out=from_h)  # (3, B, H)
            rz, n, m, h = a[:2], a[2], ms[t], hs[t + 1]
            np.add(from_h[:2], x[:2], out=rz)
            np.tanh(rz, out=rz)
            rz *= 0.5
            rz += 0.5
            np.add(from_h[2], p.b_hn, out=m)
            np.multiply(a[0], m, out=n)
            n += x[2]
            np.tanh(n, out=n)
            np.subtract(hs[t], n, out=h)  # h_t = n + z (h_{t-1} - n)
            h *= a[1]
            h += n
            if mask is not None:
                np.copyto(h, hs[t], where=~mask[t][:, None])
    return GRUTrace(hs, gates, ms)


@checked
def gru_backward_fast(
    p: GRUParams, xs: Float["T B D"], trace: GRUTrace, dhs: Float["T B H"], mask: Bool["T B"] | None = None
) -> tuple[GRUParams, np.ndarray, np.ndarray]:
    """(gru-bptt)  As `gru_backward`: dhs (T, B, H) -> parameter gradients, dxs (T, B, D), dh0 (B, H).

    The gradients of a step lie side by side as m, r, z, n, so that both products read neighbours: W_h meets the
    first three, W_x the last three.
    """
    (T, B, D), H = xs.shape, len(p.b_hn)
    hs, gates, ms = trace
    das = np.empty((T, B, 4, H), hs.dtype)
    dh, kept = np.zeros((2, B, H), hs.dtype)
    W_h = laid_out(np.roll(p.W_h, H, axis=0))  # (3H, H): n, r, z
    for start, stop in reversed(chunks(T, das[0].nbytes)):
        steps = slice(start, stop)
        real = None if mask is None else mask[steps, :, None]  # (steps, B, 1)
        local, keep = _local_derivatives(gates[steps], ms[steps], hs[steps], real)
        for t, k in backwards(start, stop):
            dh += dhs[t]
            np.multiply(local[k], dh, out=das[t].swapaxes(0, 1))  # (4, B, H): every path is dh times its own factor
            np.multiply(dh, keep[k], out=kept)
            np.matmul(das[t, :, :3].reshape(B, 3 * H), W_h, out=dh)
            dh += kept
    da = rows(das)  # (T*B, 4H)
    dW_x = da[:, H:].T @ rows(with_one(xs))  # (3H, D+1): the last column is db
    dW_h = np.roll(da[:, : 3 * H].T @ rows(hs[:-1]), -H, axis=0)  # (3H, H): r, z, n again
    dp = GRUParams(dW_x[:, :D].copy(), dW_h, dW_x[:, D].copy(), da[:, :H].sum(axis=0))
    return dp, (da[:, H:] @ p.W_x).reshape(T, B, D), dh


def _local_derivatives(
    gates: np.ndarray, ms: np.ndarray, h_prev: np.ndarray, real: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """gates: (steps, 3, B, H), ms and h_prev: (steps, B, H), real: (steps, B, 1) or None, all steps real. Returns

    (steps, 4, B, H): what dh_t is multiplied with to reach m, r, z and n, with 0 at padded steps;
    (steps, B, H): the share of h_{t-1} in h_t, which is z, and 1 at padded steps.
    """
    r, z, n = gates.swapaxes(0, 1)  # (steps, B, H) each
    local = np.empty((len(ms), 4, *ms.shape[1:]), ms.dtype)
    to_m, to_r, to_z, to_n = local.swapaxes(0, 1)  # views
    np.multiply(1 - z, 1 - n**2, out=to_n)
    np.multiply(to_n, r, out=to_m)
    np.multiply(to_m, ms * (1 - r), out=to_r)
    np.multiply(h_prev - n, z - z**2, out=to_z)
    if real is None:
        return local, z
    np.copyto(local, 0, where=~real[:, None])
    return local, np.where(real, z, 1)

"""The GRU in the form used for training: equal to `gru.py` by test, and faster by the means of `fast.py`.

It is torch's GRU, reset after the product and z that keeps. A z that overwrites converts by `gru.swap_update`.
"""

from typing import NamedTuple

import numpy as np

from course_pkg import fast
from course_pkg.fast import backwards, blocked, chunks, joined, multiply, one_minus_square, rows, with_one
from course_pkg.gru import GRUGates, GRUParams, initial_gru_state
from course_pkg.shapes import Bool, Float, checked
from course_pkg.tree import add


class GRUTrace(NamedTuple):
    """The states, and what the backward pass would have to compute again."""

    hs: Float["T+1 B H"]
    gates: tuple[np.ndarray, ...]  # block after block of steps: (steps, 4, B, H), r, z, n and m = W_hn h_{t-1} + b_hn


SCALE = GRUGates(r=0.5, z=0.5, n=1.0)  # sigmoid(a) = 0.5 + 0.5 tanh(0.5 a) for r and z


@checked
def gru_forward_fast(
    p: GRUParams, xs: Float["T B D"], h0: Float["B H"] | None = None, mask: Bool["T B"] | None = None
) -> GRUTrace:
    """(gru-unroll)  As `gru_forward`: xs (T, B, D), h0 (B, H), mask (T, B) -> hs (T+1, B, H), gates."""
    (T, B, D), H = xs.shape, len(p.b_hn)
    h0 = initial_gru_state(p, xs) if h0 is None else h0
    dtype = np.result_type(p.W_h, xs, h0)
    scale = np.array(SCALE, dtype.type)[:, None, None]  # (3, 1, 1)
    W_h = blocked((p.W_h.reshape(3, H, H) * scale).swapaxes(1, 2), B)  # (3*S, H, H/S)
    W_x = (np.column_stack([p.W_x, p.b]).reshape(3, H, D + 1) * scale).swapaxes(1, 2)  # (3, D+1, H)
    hs = np.empty((T + 1, B, H), dtype)
    hs[0] = h0
    padded = None if mask is None else ~mask[..., None]  # (T, B, 1)
    gates = []
    for first, last in _blocks(hs):
        real = None if mask is None else padded[first:last]
        gates.append(_read(W_h, W_x, p.b_hn, xs[first:last], hs[first : last + 1], real))
    return GRUTrace(hs, tuple(gates))


def _blocks(hs: np.ndarray) -> list[tuple[int, int]]:
    """The blocks of steps in which hs: (T+1, B, H) is computed, forward and backward."""
    return chunks(len(hs) - 1, 4 * hs[0].nbytes, fast.BLOCK)


def _read(
    W_h: np.ndarray, W_x: np.ndarray, b_hn: np.ndarray, xs: np.ndarray, hs: np.ndarray, padded: np.ndarray | None
) -> np.ndarray:
    """One block: W_h (3*S, H, H/S), W_x (3, D+1, H), xs (T, B, D), padded (T, B, 1) -> r, z, n, m: (T, 4, B, H).

    hs: (T+1, B, H) is filled from its first entry on.
    """
    T, B, H = len(xs), *hs[0].shape
    xs1 = with_one(xs)
    gates, product = np.empty((T, 4, B, H), hs.dtype), np.empty((len(W_h), B, W_h.shape[-1]), hs.dtype)
    from_h = joined(product, 3)  # (3, B, S, H/S)
    cut, b_m = gates.reshape(T, 4, *from_h.shape[1:]), b_hn.reshape(from_h.shape[2:])
    for start, stop in chunks(T, gates[0].nbytes):
        from_x = np.matmul(rows(xs1[start:stop]), W_x).reshape(3, stop - start, B, H)
        for t in range(start, stop):
            x, h = from_x[:, t - start], hs[t + 1]  # views, as all that follow: written in place
            rz, (r, z, n, m) = gates[t, :2], gates[t]
            np.matmul(hs[t], W_h, out=product)
            np.add(from_h[:2], x[:2].reshape(from_h[:2].shape), out=cut[t, :2])  # into r and z
            np.add(from_h[2], b_m, out=cut[t, 3])  # into m
            np.tanh(rz, out=rz)
            rz *= 0.5
            rz += 0.5
            np.multiply(r, m, out=n)
            n += x[2]
            np.tanh(n, out=n)
            np.subtract(hs[t], n, out=h)  # h_t = n + z (h_{t-1} - n)
            h *= z
            h += n
            if padded is not None:
                np.copyto(h, hs[t], where=padded[t])
    return gates


@checked
def gru_backward_fast(
    p: GRUParams, xs: Float["T B D"], trace: GRUTrace, dhs: Float["T B H"], mask: Bool["T B"] | None = None
) -> tuple[GRUParams, np.ndarray, np.ndarray]:
    """(gru-bptt)  As `gru_backward`: dhs (T, B, H) -> parameter gradients, dxs (T, B, D), dh0 (B, H).

    The gradients of a step lie side by side as m, r, z, n, so that both products read neighbours: W_h meets the
    first three, W_x the last three.
    """
    hs, gates = trace
    H = len(p.b_hn)
    dxs, dh, dp = np.empty(xs.shape, hs.dtype), np.zeros_like(hs[0]), None
    W_h = blocked(np.roll(p.W_h, H, axis=0)[None], len(dh))  # (S, 3H, H/S): n, r, z
    for (first, last), block in zip(reversed(_blocks(hs)), reversed(gates), strict=True):
        steps = slice(first, last)
        da = _gate_gradients(W_h, block, hs[steps], dhs[steps], None if mask is None else mask[steps], dh)
        dxs[steps] = (da[:, H:] @ p.W_x).reshape(dxs[steps].shape)
        dW_x = da[:, H:].T @ rows(with_one(xs[steps]))  # (3H, D+1): the last column is db
        dW_h = np.roll(da[:, : 3 * H].T @ rows(hs[steps]), -H, axis=0)  # (3H, H): r, z, n again
        dp_block = GRUParams(dW_x[:, :-1], dW_h, dW_x[:, -1], da[:, :H].sum(axis=0))
        dp = dp_block if dp is None else add(dp, dp_block)
    return GRUParams(*map(np.ascontiguousarray, dp)), dxs, dh


def _gate_gradients(
    W_h: np.ndarray, gates: np.ndarray, h_prev: np.ndarray, dhs: np.ndarray, mask: np.ndarray | None, dh: np.ndarray
) -> np.ndarray:
    """One block: W_h (S, 3H, H/S), gates (T, 4, B, H), h_prev, dhs (T, B, H) -> gradients of m, r, z, n (T*B, 4H).

    dh: (B, H) is carried through in place, from that of the block's last state to that of its first one.
    """
    T, B, H = dhs.shape
    das, product = np.empty((T, B, 4, H), h_prev.dtype), np.empty((len(W_h), B, W_h.shape[-1]), h_prev.dtype)
    from_da = joined(product, 1)[0]  # (B, S, H/S): dh_{t-1} through the gates of step t
    cut = dh.reshape(from_da.shape)
    for start, stop in reversed(chunks(T, das[0].nbytes)):
        real = None if mask is None else mask[start:stop, :, None]  # (steps, B, 1)
        local, keep = _local_derivatives(gates[start:stop], h_prev[start:stop], real)
        for t, k in backwards(start, stop):
            dh += dhs[t]
            np.multiply(local[k], dh, out=das[t].swapaxes(0, 1))  # (4, B, H): every path is dh times its own factor
            multiply(das[t, :, :3].reshape(B, 3 * H), W_h, out=product)
            dh *= keep[k]
            cut += from_da  # into dh
    return rows(das)


def _local_derivatives(
    gates: np.ndarray, h_prev: np.ndarray, real: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """gates: (steps, 4, B, H), h_prev: (steps, B, H), real: (steps, B, 1) or None, all steps real. Returns

    (steps, 4, B, H): what dh_t is multiplied with to reach m, r, z and n, with 0 at padded steps;
    (steps, B, H): the share of h_{t-1} in h_t, which is z, and 1 at padded steps.
    """
    r, z, n, m = gates.swapaxes(0, 1)  # (steps, B, H) each
    local = np.empty_like(gates)
    to_m, to_r, to_z, to_n = local.swapaxes(0, 1)  # views
    np.multiply(one_minus_square(n), np.subtract(1, z, out=to_m), out=to_n)
    np.multiply(to_n, r, out=to_m)
    np.subtract(1, r, out=to_r)
    to_r *= m
    to_r *= to_m
    np.multiply(z, z, out=to_z)
    np.subtract(z, to_z, out=to_z)
    to_z *= h_prev - n
    if real is None:
        return local, z
    np.copyto(local, 0, where=~real[:, None])
    return local, np.where(real, z, 1)

"""The vanilla recurrent network in the form used for training: equal to `rnn.py` by test, and faster.

Two ideas: what does not depend on the previous state leaves the time loop (the input projection, the local
derivatives, the weight gradients: one matrix product each for all steps), and the loop writes into memory that is
already there.
"""

import numpy as np

from course_pkg.dense import named_activation
from course_pkg.rnn import RNNParams, initial_state
from course_pkg.shapes import Bool, Float, checked


@checked
def rnn_forward_fast(
    p: RNNParams,
    xs: Float["T B D"],
    h0: Float["B H"] | None = None,
    mask: Bool["T B"] | None = None,
    activation: str = "tanh",
) -> np.ndarray:
    """(rnn-unroll)  As `rnn_forward`: xs (T, B, D), h0 (B, H), mask (T, B) -> hs (T+1, B, H)."""
    phi = named_activation("rnn_forward_fast", activation).phi
    T, B, D = xs.shape
    H = len(p.b_h)
    start = initial_state(p, xs) if h0 is None else h0
    hs = np.empty((T + 1, B, H), np.result_type(p.W_hh, xs, start))
    hs[0] = start
    projected = xs.reshape(T * B, D) @ p.W_xh.T  # (T*B, H): the input's share of every step at once
    projected += p.b_h
    projected = projected.reshape(T, B, H)
    U = np.ascontiguousarray(p.W_hh.T)  # (H, H)
    padded = None if mask is None else ~mask[:, :, None]  # (T, B, 1)
    for t in range(T):
        h = hs[t + 1]  # a view: written in place
        np.matmul(hs[t], U, out=h)
        h += projected[t]
        if activation == "tanh":
            np.tanh(h, out=h)
        else:
            h[...] = phi(h)
        if padded is not None:
            np.copyto(h, hs[t], where=padded[t])
    return hs


@checked
def rnn_backward_fast(
    p: RNNParams,
    xs: Float["T B D"],
    hs: Float["T+1 B H"],
    dhs: Float["T B H"],
    mask: Bool["T B"] | None = None,
    activation: str = "tanh",
) -> tuple[RNNParams, np.ndarray, np.ndarray]:
    """(bptt)  As `rnn_backward`: hs (T+1, B, H), dhs (T, B, H) -> parameter gradients, dxs (T, B, D), dh0 (B, H)."""
    T, B, D = xs.shape
    H = len(p.b_h)
    dphi = named_activation("rnn_backward_fast", activation).dphi
    das = dphi(hs[1:])  # (T, B, H): local derivatives now, dL/da_t after the loop
    if mask is not None:
        das *= mask[:, :, None]
    dh = np.zeros_like(hs[0])
    for t in reversed(range(T)):
        dh += dhs[t]
        das[t] *= dh
        through = das[t] @ p.W_hh  # (B, H)
        if mask is not None:
            through += np.where(mask[t][:, None], 0, dh)  # a padded step hands its gradient on untouched
        dh = through
    rows = das.reshape(T * B, H)
    dp = RNNParams(rows.T @ xs.reshape(T * B, D), rows.T @ hs[:-1].reshape(T * B, H), rows.sum(axis=0))
    return dp, (rows @ p.W_xh).reshape(T, B, D), dh

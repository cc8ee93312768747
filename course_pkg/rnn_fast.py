"""The vanilla recurrent network in the form used for training: equal to `rnn.py` by test, and faster.

Two ideas: what does not depend on the previous state leaves the time loop (the input projection, the local
derivatives, the weight gradients: one matrix product each for all steps), and the loop writes into memory that is
already there. `fast.py` has the parts that LSTM and GRU share.
"""

import numpy as np

from course_pkg.dense import named_activation
from course_pkg.fast import backwards, blocked, chunks, joined, multiply, rows, with_one
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
    T, B, _ = xs.shape
    H = len(p.b_h)
    start_state = initial_state(p, xs) if h0 is None else h0
    hs = np.empty((T + 1, B, H), np.result_type(p.W_hh, xs, start_state))
    hs[0] = start_state
    W_hh = blocked(p.W_hh.T[None], B)  # (S, H, H/S)
    W_xh = np.column_stack([p.W_xh, p.b_h]).T  # (D+1, H): the bias is the weight of a 1
    xs1 = with_one(xs)
    product = np.empty((len(W_hh), B, W_hh.shape[-1]), hs.dtype)
    from_h = joined(product, 1)[0]  # (B, S, H/S)
    cut = hs.reshape(T + 1, *from_h.shape)
    for start, stop in chunks(T, hs[0].nbytes):
        # The input's share of all steps of a chunk at once, written to where the states will be.
        np.matmul(rows(xs1[start:stop]), W_xh, out=rows(hs[start + 1 : stop + 1]))
        for t in range(start, stop):
            h = hs[t + 1]  # a view: written in place
            multiply(hs[t], W_hh, out=product)
            np.add(cut[t + 1], from_h, out=cut[t + 1])  # into h
            if activation == "tanh":
                np.tanh(h, out=h)
            else:
                h[...] = phi(h)
            if mask is not None:
                np.copyto(h, hs[t], where=~mask[t][:, None])
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
    dphi = named_activation("rnn_backward_fast", activation).dphi
    T, B, D = xs.shape
    das = np.empty_like(hs[1:])  # (T, B, H)
    dh = np.zeros_like(hs[0])
    W_hh = blocked(p.W_hh[None], B)  # (S, H, H/S)
    product = np.empty((len(W_hh), B, W_hh.shape[-1]), hs.dtype)
    from_da = joined(product, 1)[0]  # (B, S, H/S): dh_{t-1} through step t
    from_da[...] = 0
    cut, dhs = dh.reshape(from_da.shape), dhs.reshape(T, *from_da.shape)
    for start, stop in reversed(chunks(T, das[0].nbytes)):
        local = dphi(hs[start + 1 : stop + 1])  # (steps, B, H)
        if mask is not None:
            local *= mask[start:stop, :, None]
        for t, k in backwards(start, stop):
            np.add(from_da, dhs[t], out=cut)  # into dh: (B, H)
            np.multiply(local[k], dh, out=das[t])
            passed_over = None if mask is None else np.where(mask[t][:, None], 0, dh)
            multiply(das[t], W_hh, out=product)
            if mask is not None:
                from_da += passed_over.reshape(from_da.shape)  # a padded step hands its gradient on untouched
    cut[...] = from_da
    da = rows(das)  # (T*B, H)
    dW_x = da.T @ rows(with_one(xs))  # (H, D+1): the last column is db
    return RNNParams(dW_x[:, :D].copy(), da.T @ rows(hs[:-1]), dW_x[:, D].copy()), (da @ p.W_xh).reshape(T, B, D), dh

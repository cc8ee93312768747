"""The vanilla recurrent network (Elman 1990), equation by equation. `rnn_fast.py` has the form used for training.

    h_t = phi(W_xh x_t + W_hh h_{t-1} + b_h),  t = 1 ... T,  h_0 given

Sequences are time-major: xs (T, B, D). States are hs (T+1, B, H) with hs[0] = h_0, so hs[t] is h_t.
A mask (T, B) says which steps are real; at a padded step the state is carried over unchanged.
"""

from typing import NamedTuple

import numpy as np

from course_pkg.dense import named_activation
from course_pkg.initialisers import orthogonal, uniform_fan_in
from course_pkg.shapes import Bool, Float, check_choice, check_positive_int, checked
from course_pkg.tree import add, zeros_like


class RNNParams(NamedTuple):
    """Weights are (out, in), as in the equation and in torch. Gradients have this same type."""

    W_xh: Float["H D"]  # from the input
    W_hh: Float["H H"]  # from the previous state
    b_h: Float["H"]


def init_rnn(
    rng: np.random.Generator, D: int, H: int, recurrent: str = "orthogonal", dtype: type = np.float64
) -> RNNParams:
    """Weights for D inputs and H units; `recurrent` chooses W_hh: "orthogonal", "uniform" (torch's) or "identity"."""
    check_choice("init_rnn", "recurrent", recurrent, ("orthogonal", "uniform", "identity"))
    check_positive_int("init_rnn", "D", D)
    check_positive_int("init_rnn", "H", H)
    W_xh = uniform_fan_in(rng, H, D, dtype)
    if recurrent == "identity":
        W_hh = np.eye(H, dtype=dtype)
    else:
        W_hh = orthogonal(rng, H, dtype) if recurrent == "orthogonal" else uniform_fan_in(rng, H, H, dtype)
    return RNNParams(W_xh, W_hh, np.zeros(H, dtype))


@checked
def rnn_step(
    p: RNNParams, x: Float["B D"], h_prev: Float["B H"], activation: str = "tanh"
) -> np.ndarray:
    """(rnn-step)  x: (B, D), h_prev: (B, H) -> h: (B, H)."""
    phi = named_activation("rnn_step", activation).phi
    return phi(x @ p.W_xh.T + h_prev @ p.W_hh.T + p.b_h)


@checked
def rnn_step_backward(
    p: RNNParams,
    x: Float["B D"],
    h_prev: Float["B H"],
    h: Float["B H"],
    dh: Float["B H"],
    activation: str = "tanh",
) -> tuple[RNNParams, np.ndarray, np.ndarray]:
    """(rnn-step-grad)  dh = dL/dh: (B, H) -> parameter gradients,
    dx: (B, D), dh_prev: (B, H)."""
    dphi = named_activation("rnn_step_backward", activation).dphi
    da = dh * dphi(h)  # a is the pre-activation; for tanh, phi'(a) = 1 - h^2
    dp = RNNParams(da.T @ x, da.T @ h_prev, da.sum(axis=0))
    return dp, da @ p.W_xh, da @ p.W_hh


@checked
def rnn_forward(
    p: RNNParams,
    xs: Float["T B D"],
    h0: Float["B H"] | None = None,
    mask: Bool["T B"] | None = None,
    activation: str = "tanh",
) -> np.ndarray:
    """(rnn-unroll)  xs: (T, B, D), h0: (B, H), zeros if None -> hs: (T+1, B, H), hs[0] = h_0.

    mask: (T, B), False at padded steps, where h_t = h_{t-1}.
    """
    named_activation("rnn_forward", activation)  # refuses an unknown name
    hs = [initial_state(p, xs) if h0 is None else h0]
    for t in range(len(xs)):
        h = rnn_step(p, xs[t], hs[-1], activation)  # (B, H)
        hs.append(h if mask is None else np.where(mask[t][:, None], h, hs[-1]))
    return np.stack(hs)  # (T+1, B, H)


@checked
def rnn_backward(
    p: RNNParams,
    xs: Float["T B D"],
    hs: Float["T+1 B H"],
    dhs: Float["T B H"],
    mask: Bool["T B"] | None = None,
    activation: str = "tanh",
) -> tuple[RNNParams, np.ndarray, np.ndarray]:
    """(bptt)  Backpropagation through time (Werbos 1990; L3, L4).

    hs: (T+1, B, H) from `rnn_forward`; dhs: (T, B, H), dhs[t-1] is the gradient
    that h_t receives directly, from its own loss (zeros where there is none)
    -> parameter gradients, dxs: (T, B, D), dh0: (B, H).
    """
    named_activation("rnn_backward", activation)  # refuses an unknown name
    dp, dxs, dh = zeros_like(p), np.zeros_like(xs), np.zeros_like(hs[0])
    for t in reversed(range(len(xs))):
        dh = dh + dhs[t]  # total: from the future, and from the step's own loss
        passed_over = 0.0
        if mask is not None:  # a padded step hands its gradient on untouched
            real = mask[t][:, None]  # (B, 1)
            dh, passed_over = np.where(real, dh, 0), np.where(real, 0, dh)
        step = xs[t], hs[t], hs[t + 1], dh
        dp_t, dxs[t], dh = rnn_step_backward(p, *step, activation)
        dh = dh + passed_over
        dp = add(dp, dp_t)  # shared weights: their gradients add up
    return dp, dxs, dh


@checked
def rnn_backward_truncated(
    p: RNNParams,
    xs: Float["T B D"],
    hs: Float["T+1 B H"],
    dhs: Float["T B H"],
    k: int,
    mask: Bool["T B"] | None = None,
    activation: str = "tanh",
) -> tuple[RNNParams, np.ndarray, np.ndarray]:
    """(bptt-truncated)  As `rnn_backward`, but no gradient crosses from one chunk of k steps into the one before.

    The states are carried over, the gradient is not: what one pass over a stream in chunks of k steps computes, the
    weights held fixed (Williams and Peng 1990, BPTT(h; h') with h = h' = k). Chunks begin at the first step; k >= T is
    full BPTT. dh0 is the gradient of the first chunk alone.
    """
    named_activation("rnn_backward_truncated", activation)  # refuses an unknown name
    check_positive_int("rnn_backward_truncated", "k", k)
    dp, dxs, dh0 = zeros_like(p), np.zeros_like(xs), None
    for start in range(0, len(xs), k):
        steps = slice(start, start + k)
        chunk_mask = None if mask is None else mask[steps]
        chunk = xs[steps], hs[start : start + k + 1], dhs[steps], chunk_mask
        dp_chunk, dxs[steps], dh_first = rnn_backward(p, *chunk, activation)
        dp, dh0 = add(dp, dp_chunk), dh_first if start == 0 else dh0
    return dp, dxs, dh0


def initial_state(p: RNNParams, xs: np.ndarray) -> np.ndarray:
    """h_0 = 0: (B, H), in the precision of weights and inputs."""
    return np.zeros((xs.shape[1], p.W_hh.shape[0]), np.result_type(p.W_hh, xs))


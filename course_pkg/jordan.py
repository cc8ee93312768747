"""Recurrence from the output to the hidden state (Jordan 1986), beside Elman's from hidden to hidden in `rnn.py`.

    h_t = tanh(W_xh x_t + W_yh y_{t-1} + b_h),   logits_t = W_hy h_t + b_y,   y_t = tau(logits_t)

All that a step knows of the past has gone through the output: V numbers, and those are trained to be predictions.
"""

from typing import NamedTuple

import numpy as np

from course_pkg.dense import sigmoid
from course_pkg.initialisers import uniform_fan_in
from course_pkg.losses import softmax
from course_pkg.shapes import Bool, Float, check_choice, check_positive_int, checked
from course_pkg.tree import add, zeros_like

OUTPUTS = ("softmax", "sigmoid", "identity")  # tau, the function from logits to the output that is fed back


class JordanParams(NamedTuple):
    """Weights are (out, in). Gradients have this same type."""

    W_xh: Float["H D"]
    W_yh: Float["H V"]  # from the previous output
    b_h: Float["H"]
    W_hy: Float["V H"]
    b_y: Float["V"]


class JordanStates(NamedTuple):
    """What the forward pass keeps for the backward pass."""

    hs: Float["T B H"]  # hs[t-1] is h_t
    logits: Float["T B V"]
    ys: Float["T+1 B V"]  # ys[0] = y_0, ys[t] is y_t


def init_jordan(rng: np.random.Generator, D: int, H: int, V: int, dtype: type = np.float64) -> JordanParams:
    """Uniform fan-in weights and zero biases for D inputs, H units and V outputs."""
    for name, size in (("D", D), ("H", H), ("V", V)):
        check_positive_int("init_jordan", name, size)
    W_xh, W_yh, W_hy = (uniform_fan_in(rng, *shape, dtype) for shape in ((H, D), (H, V), (V, H)))
    return JordanParams(W_xh, W_yh, np.zeros(H, dtype), W_hy, np.zeros(V, dtype))


@checked
def jordan_step(
    p: JordanParams, x: Float["B D"], y_prev: Float["B V"], output: str = "softmax"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(jordan-step)  x: (B, D), y_prev: (B, V) -> h: (B, H), logits: (B, V), y: (B, V)."""
    check_choice("jordan_step", "output", output, OUTPUTS)
    h = np.tanh(x @ p.W_xh.T + y_prev @ p.W_yh.T + p.b_h)  # (B, H)
    logits = h @ p.W_hy.T + p.b_y  # (B, V)
    return h, logits, {"softmax": softmax, "sigmoid": sigmoid, "identity": np.array}[output](logits)


@checked
def jordan_step_backward(
    p: JordanParams,
    x: Float["B D"],
    y_prev: Float["B V"],
    h: Float["B H"],
    y: Float["B V"],
    dlogits: Float["B V"],
    dy: Float["B V"],
    output: str = "softmax",
) -> tuple[JordanParams, np.ndarray, np.ndarray]:
    """(jordan-step-grad)  dlogits: (B, V) from the step's own loss, dy: (B, V) from the step that reads y
    -> parameter gradients, dx: (B, D), dy_prev: (B, V)."""
    check_choice("jordan_step_backward", "output", output, OUTPUTS)
    if output == "softmax":
        dlogits = dlogits + y * (dy - (dy * y).sum(axis=-1, keepdims=True))
    else:
        dlogits = dlogits + dy * (y * (1 - y) if output == "sigmoid" else 1)
    da = (dlogits @ p.W_hy) * (1 - h**2)  # (B, H)
    dp = JordanParams(da.T @ x, da.T @ y_prev, da.sum(axis=0), dlogits.T @ h, dlogits.sum(axis=0))
    return dp, da @ p.W_xh, da @ p.W_yh


@checked
def jordan_forward(
    p: JordanParams,
    xs: Float["T B D"],
    y0: Float["B V"] | None = None,
    mask: Bool["T B"] | None = None,
    output: str = "softmax",
) -> JordanStates:
    """(jordan-unroll)  xs: (T, B, D), y0: (B, V), zeros if None -> states, logits, outputs of every step.

    mask: (T, B), False at padded steps, where the output is carried over: y_t = y_{t-1}.
    """
    check_choice("jordan_forward", "output", output, OUTPUTS)
    B, V = xs.shape[1], len(p.b_y)
    ys = [np.zeros((B, V), np.result_type(p.W_yh, xs)) if y0 is None else y0]
    hs, logits = [], []
    for t in range(len(xs)):
        h, a, y = jordan_step(p, xs[t], ys[-1], output)
        hs.append(h)
        logits.append(a)
        ys.append(y if mask is None else np.where(mask[t][:, None], y, ys[-1]))
    return JordanStates(np.stack(hs), np.stack(logits), np.stack(ys))


@checked
def jordan_backward(
    p: JordanParams,
    xs: Float["T B D"],
    states: JordanStates,
    dlogits: Float["T B V"],
    mask: Bool["T B"] | None = None,
    output: str = "softmax",
) -> tuple[JordanParams, np.ndarray, np.ndarray]:
    """(jordan-bptt)  dlogits: (T, B, V), what each step's logits receive from its own loss (ignored at padded steps)
    -> parameter gradients, dxs: (T, B, D), dy0: (B, V)."""
    check_choice("jordan_backward", "output", output, OUTPUTS)
    dp, dxs, dy = zeros_like(p), np.zeros_like(xs), np.zeros_like(states.ys[0])
    for t in reversed(range(len(xs))):
        da, passed_over = dlogits[t], 0.0
        if mask is not None:  # a padded step hands its gradient on untouched
            real = mask[t][:, None]  # (B, 1)
            da, dy, passed_over = np.where(real, da, 0), np.where(real, dy, 0), np.where(real, 0, dy)
        y_prev, y = states.ys[t], states.ys[t + 1]
        dp_t, dxs[t], dy = jordan_step_backward(p, xs[t], y_prev, states.hs[t], y, da, dy, output)
        dy = dy + passed_over
        dp = add(dp, dp_t)
    return dp, dxs, dy

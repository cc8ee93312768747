"""The long short-term memory, equation by equation. `lstm_fast.py` has the form used for training.

    i_t = sigmoid(W_xi x_t + W_hi h_{t-1} + b_i)     input gate: how much of the candidate is written
    f_t = sigmoid(W_xf x_t + W_hf h_{t-1} + b_f)     forget gate: how much of the cell is kept
    g_t = tanh(W_xg x_t + W_hg h_{t-1} + b_g)        candidate: what would be written
    o_t = sigmoid(W_xo x_t + W_ho h_{t-1} + b_o)     output gate: how much of the cell is shown
    c_t = f_t * c_{t-1} + i_t * g_t
    h_t = o_t * tanh(c_t)

Hochreiter and Schmidhuber (1997), with the forget gate of Gers, Schmidhuber and Cummins (2000).
Sequences are time-major: xs (T, B, D). States are hs and cs (T+1, B, H) with hs[0] = h_0 and cs[0] = c_0.
"""

from typing import Any, NamedTuple

import numpy as np

from course_pkg.dense import sigmoid
from course_pkg.initialisers import orthogonal, uniform_fan_in
from course_pkg.shapes import Bool, Float, check_choice, check_positive_int, checked
from course_pkg.tree import add, zeros_like


class Gates(NamedTuple):
    """One thing for each gate: values (B, H), pre-activations or parameters. The gate order is this order (torch's)."""

    i: Any
    f: Any
    g: Any
    o: Any


class LSTMParams(NamedTuple):
    """The four gates stacked in the order of `Gates`, so that a step needs one product. Gradients have this type."""

    W_x: Float["4H D"]  # from the input
    W_h: Float["4H H"]  # from the previous hidden state
    b: Float["4H"]


class GateParams(NamedTuple):
    """One gate alone."""

    W_x: Float["H D"]
    W_h: Float["H H"]
    b: Float["H"]


class LSTMState(NamedTuple):
    """Between two steps: what the cell shows, and what it remembers."""

    h: Float["B H"]
    c: Float["B H"]


class LSTMStates(NamedTuple):
    """All states of a sequence: hs[0] = h_0, hs[t] = h_t, and so for cs."""

    hs: Float["T+1 B H"]
    cs: Float["T+1 B H"]


def init_lstm(
    rng: np.random.Generator,
    D: int,
    H: int,
    forget_bias: float = 1.0,
    recurrent: str = "orthogonal",
    dtype: type = np.float64,
) -> LSTMParams:
    """Weights for D inputs and H units; `recurrent` chooses each gate's W_h: "orthogonal" or "uniform" (torch's).

    Biases are 0, that of the forget gate is `forget_bias`: at 1 the cell keeps 73 % a step at first, at 0 it keeps
    50 % and forgets a step 50 back to 1e-15 (Gers et al. 2000; Jozefowicz et al. 2015).
    """
    check_positive_int("init_lstm", "D", D)
    check_positive_int("init_lstm", "H", H)
    b = np.repeat(Gates(i=0.0, f=forget_bias, g=0.0, o=0.0), H).astype(dtype)  # (4H,)
    W_h = stacked_recurrent("init_lstm", rng, len(Gates._fields), H, recurrent, dtype)
    return LSTMParams(uniform_fan_in(rng, len(b), D, dtype), W_h, b)


def stacked_recurrent(
    function: str, rng: np.random.Generator, n: int, H: int, recurrent: str, dtype: type
) -> np.ndarray:
    """Recurrent weights of n gates on top of each other: (n*H, H), each gate "orthogonal" or "uniform"."""
    check_choice(function, "recurrent", recurrent, ("orthogonal", "uniform"))
    one = {"orthogonal": orthogonal, "uniform": lambda rng, H, dtype: uniform_fan_in(rng, H, H, dtype)}[recurrent]
    return np.concatenate([one(rng, H, dtype) for _ in range(n)])


# ---- one matrix or four ------------------------------------------------------------------------------------------


@checked
def split_gates(p: LSTMParams) -> Gates:
    """Stacked parameters (4H, ...) -> Gates of four GateParams (H, ...), copied. The inverse of `stack_gates`."""
    parts = [np.split(array, 4) for array in p]  # of W_x, W_h and b
    return Gates(*[GateParams(*[part[k].copy() for part in parts]) for k in range(4)])


def stack_gates(gates: Gates) -> LSTMParams:
    """Gates of four GateParams (H, ...) -> stacked parameters (4H, ...)."""
    return LSTMParams(*[np.concatenate(arrays) for arrays in zip(*gates, strict=True)])


@checked
def lstm_step_separate(gates: Gates, x: Float["B D"], state: LSTMState) -> LSTMState:
    """(lstm-step-separate)  As `lstm_step` with four matrices: x (B, D), h and c (B, H) -> h and c (B, H)."""
    a = Gates(*[x @ p.W_x.T + state.h @ p.W_h.T + p.b for p in gates])  # four times (B, H)
    c = sigmoid(a.f) * state.c + sigmoid(a.i) * np.tanh(a.g)
    return LSTMState(sigmoid(a.o) * np.tanh(c), c)


# ---- one step ----------------------------------------------------------------------------------------------------


@checked
def lstm_gates(
    p: LSTMParams,
    x: Float["B D"],
    h_prev: Float["B H"],
) -> Gates:
    """(lstm-gates)  x: (B, D), h_prev: (B, H) -> four gates, (B, H) each."""
    stacked = x @ p.W_x.T + h_prev @ p.W_h.T + p.b  # (B, 4H)
    a = Gates(*np.split(stacked, 4, axis=-1))  # four times (B, H)
    i, f, o = sigmoid(a.i), sigmoid(a.f), sigmoid(a.o)
    return Gates(i=i, f=f, g=np.tanh(a.g), o=o)


@checked
def lstm_step(p: LSTMParams, x: Float["B D"], state: LSTMState) -> LSTMState:
    """(lstm-step)  x: (B, D), state: h and c (B, H) -> h and c (B, H)."""
    i, f, g, o = lstm_gates(p, x, state.h)
    c = f * state.c + i * g
    return LSTMState(o * np.tanh(c), c)


@checked
def lstm_step_backward(
    p: LSTMParams,
    x: Float["B D"],
    prev: LSTMState,
    state: LSTMState,
    dstate: LSTMState,
) -> tuple[LSTMParams, np.ndarray, LSTMState]:
    """(lstm-step-grad)  dstate: dL/dh_t and dL/dc_t, (B, H) each

    -> parameter gradients, dx: (B, D), dprev: (B, H) each. dstate.c is what c_t
    receives from later steps; what it receives through h_t is added here.
    """
    i, f, g, o = lstm_gates(p, x, prev.h)
    tanh_c = np.tanh(state.c)
    through_h = dstate.h * o * (1 - tanh_c**2)
    dc = dstate.c + through_h  # (B, H): along the cell, and through h_t
    da = np.concatenate(
        Gates(
            i=dc * g * i * (1 - i),
            f=dc * prev.c * f * (1 - f),
            g=dc * i * (1 - g**2),
            o=dstate.h * tanh_c * o * (1 - o),
        ),
        axis=-1,
    )  # (B, 4H)
    dp = LSTMParams(da.T @ x, da.T @ prev.h, da.sum(axis=0))
    return dp, da @ p.W_x, LSTMState(da @ p.W_h, dc * f)


# ---- a sequence --------------------------------------------------------------------------------------------------


@checked
def lstm_forward(
    p: LSTMParams, xs: Float["T B D"], state0: LSTMState | None = None, mask: Bool["T B"] | None = None
) -> LSTMStates:
    """(lstm-unroll)  xs: (T, B, D), state0: h_0 and c_0 (B, H), zeros if None -> hs and cs: (T+1, B, H).

    mask: (T, B), False at padded steps, where h_t = h_{t-1} and c_t = c_{t-1}.
    """
    states = [initial_lstm_state(p, xs) if state0 is None else state0]
    for t in range(len(xs)):
        new, old = lstm_step(p, xs[t], states[-1]), states[-1]
        if mask is not None:
            real = mask[t][:, None]  # (B, 1)
            new = LSTMState(np.where(real, new.h, old.h), np.where(real, new.c, old.c))
        states.append(new)
    return LSTMStates(np.stack([s.h for s in states]), np.stack([s.c for s in states]))  # (T+1, B, H) each


@checked
def lstm_backward(
    p: LSTMParams,
    xs: Float["T B D"],
    states: LSTMStates,
    dhs: Float["T B H"],
    dcs: Float["T B H"] | None = None,
    mask: Bool["T B"] | None = None,
) -> tuple[LSTMParams, np.ndarray, LSTMState]:
    """(lstm-bptt)  The transpose of `lstm_forward`: parameter gradients, dxs: (T, B, D), dh_0 and dc_0: (B, H).

    dhs[t-1] and dcs[t-1], (T, B, H), are what h_t and c_t receive directly, from a loss or as the final state;
    zeros where there is nothing, and dcs is all zeros if None.
    """
    dp, dxs = zeros_like(p), np.zeros_like(xs)
    dh, dc = np.zeros_like(states.hs[0]), np.zeros_like(states.cs[0])  # from the future: none after the last step
    for t in reversed(range(len(xs))):
        dh, dc = dh + dhs[t], dc if dcs is None else dc + dcs[t]
        dh_over = dc_over = 0.0
        if mask is not None:  # a padded step hands its gradients on untouched
            real = mask[t][:, None]  # (B, 1)
            dh, dh_over = np.where(real, dh, 0), np.where(real, 0, dh)
            dc, dc_over = np.where(real, dc, 0), np.where(real, 0, dc)
        prev, state = LSTMState(states.hs[t], states.cs[t]), LSTMState(states.hs[t + 1], states.cs[t + 1])
        dp_t, dxs[t], dprev = lstm_step_backward(p, xs[t], prev, state, LSTMState(dh, dc))
        dh, dc = dprev.h + dh_over, dprev.c + dc_over
        dp = add(dp, dp_t)  # the same weights at every step: their gradients add up
    return dp, dxs, LSTMState(dh, dc)


def initial_lstm_state(p: LSTMParams, xs: np.ndarray) -> LSTMState:
    """h_0 = c_0 = 0: (B, H) each, in the precision of weights and inputs."""
    zeros = np.zeros((xs.shape[1], p.W_h.shape[1]), np.result_type(p.W_h, xs))
    return LSTMState(zeros, zeros.copy())

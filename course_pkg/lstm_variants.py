"""Two relatives of the LSTM on the same state (h, c): peepholes and coupled gates. Forward beside backward."""

from typing import Any, NamedTuple

import numpy as np

from course_pkg.dense import sigmoid
from course_pkg.initialisers import uniform_fan_in
from course_pkg.lstm import Gates, LSTMParams, LSTMState, init_lstm, stacked_recurrent
from course_pkg.shapes import Float, check_positive_int, checked

# ---- peepholes ---------------------------------------------------------------------------------------------------


class PeepholeParams(NamedTuple):
    """An LSTM whose gates look at the cell: three vectors more (Gers and Schmidhuber 2000, Gers et al. 2002)."""

    W_x: Float["4H D"]  # stacked in the order of lstm.Gates
    W_h: Float["4H H"]
    b: Float["4H"]
    p_i: Float["H"]  # the input gate looks at c_{t-1}
    p_f: Float["H"]  # the forget gate looks at c_{t-1}
    p_o: Float["H"]  # the output gate looks at c_t, which is there by then


def init_peephole(
    rng: np.random.Generator,
    D: int,
    H: int,
    forget_bias: float = 1.0,
    recurrent: str = "orthogonal",
    dtype: type = np.float64,
) -> PeepholeParams:
    """As `init_lstm` for D inputs and H units, and peepholes uniform in (-1/sqrt(H), 1/sqrt(H))."""
    lstm = init_lstm(rng, D, H, forget_bias, recurrent, dtype)
    return PeepholeParams(*lstm, *[uniform_fan_in(rng, 1, H, dtype)[0] for _ in range(3)])


def _peephole_gates(p: PeepholeParams, x: np.ndarray, prev: LSTMState) -> tuple[Gates, np.ndarray]:
    """The values of the gates, (B, H) each, and c_t: (B, H)."""
    a = Gates(*np.split(x @ p.W_x.T + prev.h @ p.W_h.T + p.b, 4, axis=-1))  # (B, 4H) -> four times (B, H)
    i = sigmoid(a.i + p.p_i * prev.c)
    f = sigmoid(a.f + p.p_f * prev.c)
    g = np.tanh(a.g)
    c = f * prev.c + i * g
    return Gates(i, f, g, sigmoid(a.o + p.p_o * c)), c


@checked
def peephole_step(p: PeepholeParams, x: Float["B D"], state: LSTMState) -> LSTMState:
    """(peephole-step)  x: (B, D), state: h and c (B, H) -> h and c (B, H)."""
    gates, c = _peephole_gates(p, x, state)
    return LSTMState(gates.o * np.tanh(c), c)


@checked
def peephole_step_backward(
    p: PeepholeParams, x: Float["B D"], prev: LSTMState, state: LSTMState, dstate: LSTMState
) -> tuple[PeepholeParams, np.ndarray, LSTMState]:
    """(peephole-step-grad)  dstate: dL/dh_t, dL/dc_t (B, H) -> parameter gradients, dx: (B, D), dprev: (B, H) each."""
    (i, f, g, o), c = _peephole_gates(p, x, prev)
    tanh_c = np.tanh(c)
    da_o = dstate.h * tanh_c * o * (1 - o)
    dc = dstate.c + dstate.h * o * (1 - tanh_c**2) + da_o * p.p_o  # one path more: the output gate looks at c_t
    da_i, da_f = dc * g * i * (1 - i), dc * prev.c * f * (1 - f)
    da = np.concatenate(Gates(i=da_i, f=da_f, g=dc * i * (1 - g**2), o=da_o), axis=-1)  # (B, 4H)
    peepholes = (da_i * prev.c).sum(axis=0), (da_f * prev.c).sum(axis=0), (da_o * c).sum(axis=0)  # (H,) each
    dp = PeepholeParams(da.T @ x, da.T @ prev.h, da.sum(axis=0), *peepholes)
    return dp, da @ p.W_x, LSTMState(da @ p.W_h, dc * f + da_i * p.p_i + da_f * p.p_f)


# ---- coupled gates -----------------------------------------------------------------------------------------------


class CoupledGates(NamedTuple):
    """One thing for each gate; the gate order is this order. There is no input gate: i_t = 1 - f_t."""

    f: Any
    g: Any
    o: Any


class CoupledParams(NamedTuple):
    """An LSTM that writes exactly where it forgets (Greff et al. 2017, CIFG): a quarter fewer parameters."""

    W_x: Float["3H D"]  # stacked in the order of CoupledGates
    W_h: Float["3H H"]
    b: Float["3H"]


def init_coupled(
    rng: np.random.Generator,
    D: int,
    H: int,
    forget_bias: float = 1.0,
    recurrent: str = "orthogonal",
    dtype: type = np.float64,
) -> CoupledParams:
    """As `init_lstm` for D inputs and H units, without an input gate."""
    check_positive_int("init_coupled", "D", D)
    check_positive_int("init_coupled", "H", H)
    b = np.repeat(CoupledGates(f=forget_bias, g=0.0, o=0.0), H).astype(dtype)  # (3H,)
    W_h = stacked_recurrent("init_coupled", rng, len(CoupledGates._fields), H, recurrent, dtype)
    return CoupledParams(uniform_fan_in(rng, len(b), D, dtype), W_h, b)


@checked
def coupled_as_lstm(p: CoupledParams) -> LSTMParams:
    """(coupled-lstm)  The LSTM that computes the same: its input gate is 1 - f, so minus f's weights and bias."""
    (W_x, W_h, b) = (np.split(array, 3) for array in p)  # three times (H, ...)
    return LSTMParams(*[np.concatenate(Gates(i=-v[0], f=v[0], g=v[1], o=v[2])) for v in (W_x, W_h, b)])


def _coupled_gates(p: CoupledParams, x: np.ndarray, h_prev: np.ndarray) -> CoupledGates:
    """The values of the gates, (B, H) each."""
    a = CoupledGates(*np.split(x @ p.W_x.T + h_prev @ p.W_h.T + p.b, 3, axis=-1))  # (B, 3H) -> three times (B, H)
    return CoupledGates(f=sigmoid(a.f), g=np.tanh(a.g), o=sigmoid(a.o))


@checked
def coupled_step(p: CoupledParams, x: Float["B D"], state: LSTMState) -> LSTMState:
    """(coupled-step)  x: (B, D), state: h and c (B, H) -> h and c (B, H)."""
    f, g, o = _coupled_gates(p, x, state.h)
    c = f * state.c + (1 - f) * g
    return LSTMState(o * np.tanh(c), c)


@checked
def coupled_step_backward(
    p: CoupledParams, x: Float["B D"], prev: LSTMState, state: LSTMState, dstate: LSTMState
) -> tuple[CoupledParams, np.ndarray, LSTMState]:
    """(coupled-step-grad)  dstate: dL/dh_t, dL/dc_t (B, H) -> parameter gradients, dx: (B, D), dprev: (B, H) each."""
    f, g, o = _coupled_gates(p, x, prev.h)
    tanh_c = np.tanh(state.c)
    dc = dstate.c + dstate.h * o * (1 - tanh_c**2)
    da = np.concatenate(
        CoupledGates(
            f=dc * (prev.c - g) * f * (1 - f),
            g=dc * (1 - f) * (1 - g**2),
            o=dstate.h * tanh_c * o * (1 - o),
        ),
        axis=-1,
    )  # (B, 3H)
    return CoupledParams(da.T @ x, da.T @ prev.h, da.sum(axis=0)), da @ p.W_x, LSTMState(da @ p.W_h, dc * f)

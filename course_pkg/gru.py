"""The gated recurrent unit, equation by equation. `gru_fast.py` has the form used for training.

    r_t = sigmoid(W_xr x_t + W_hr h_{t-1} + b_r)                 reset gate: how much of the past the candidate sees
    z_t = sigmoid(W_xz x_t + W_hz h_{t-1} + b_z)                 update gate: how much of the past is kept
    n_t = tanh(W_xn x_t + b_n + r_t * (W_hn h_{t-1} + b_hn))     candidate
    h_t = (1 - z_t) * n_t + z_t * h_{t-1}

This is torch's. Cho et al. (2014) is the source, and two choices differ between papers, lectures and libraries:
    reset:  "after" the product with W_hn, as above, or "before" it, W_hn (r_t * h_{t-1}) + b_hn;
    update: z "keeps" the past, as above, or "overwrites" it, h_t = z_t * n_t + (1 - z_t) * h_{t-1}.
The second converts exactly, by `swap_update`. The first does not convert. Sequences are time-major: xs (T, B, D).
"""

from typing import Any, NamedTuple

import numpy as np

from course_pkg.dense import sigmoid
from course_pkg.initialisers import uniform_fan_in
from course_pkg.lstm import GateParams, stacked_recurrent
from course_pkg.shapes import Bool, Float, check_choice, check_positive_int, checked
from course_pkg.tree import add, zeros_like

RESETS = ("after", "before")
UPDATES = ("keeps", "overwrites")


class GRUGates(NamedTuple):
    """One thing for each gate: values (B, H), pre-activations or parameters. The gate order is this order (torch's)."""

    r: Any
    z: Any
    n: Any


class GRUParams(NamedTuple):
    """The gates stacked in the order of `GRUGates`. Gradients have this same type.

    b_hn stands inside the reset gate's product. torch stores three such biases, but those of r and z only add to b.
    """

    W_x: Float["3H D"]  # from the input
    W_h: Float["3H H"]  # from the previous state
    b: Float["3H"]
    b_hn: Float["H"]


def init_gru(
    rng: np.random.Generator,
    D: int,
    H: int,
    update_bias: float = 0.0,
    recurrent: str = "orthogonal",
    dtype: type = np.float64,
) -> GRUParams:
    """Weights for D inputs and H units; `recurrent` chooses each gate's W_h: "orthogonal" or "uniform" (torch's).

    Biases are 0, that of the update gate is `update_bias`: with z that keeps, a positive one remembers longer.
    """
    check_positive_int("init_gru", "D", D)
    check_positive_int("init_gru", "H", H)
    b = np.repeat(GRUGates(r=0.0, z=update_bias, n=0.0), H).astype(dtype)  # (3H,)
    W_h = stacked_recurrent("init_gru", rng, len(GRUGates._fields), H, recurrent, dtype)
    return GRUParams(uniform_fan_in(rng, len(b), D, dtype), W_h, b, np.zeros(H, dtype))


# ---- conversions -------------------------------------------------------------------------------------------------


@checked
def swap_update(p: GRUParams) -> GRUParams:
    """(gru-swap)  z that keeps <-> z that overwrites: the same function, because 1 - sigmoid(a) = sigmoid(-a).

    The update gate's rows of W_x (3H, D), W_h (3H, H) and b (3H,) change their sign. Twice is the identity.
    """
    H = len(p.b_hn)
    sign = np.repeat(GRUGates(r=1.0, z=-1.0, n=1.0), H).astype(p.b.dtype)  # (3H,)
    return GRUParams(p.W_x * sign[:, None], p.W_h * sign[:, None], p.b * sign, p.b_hn.copy())


@checked
def split_gru_gates(p: GRUParams) -> tuple[GRUGates, np.ndarray]:
    """Stacked parameters (3H, ...) -> three GateParams (H, ...) and b_hn (H,), copied."""
    parts = [np.split(array, 3) for array in p[:3]]  # of W_x, W_h and b
    return GRUGates(*[GateParams(*[part[k].copy() for part in parts]) for k in range(3)]), p.b_hn.copy()


def stack_gru_gates(gates: GRUGates, b_hn: np.ndarray) -> GRUParams:
    """Three GateParams (H, ...) and b_hn (H,) -> stacked parameters (3H, ...). The inverse of `split_gru_gates`."""
    return GRUParams(*[np.concatenate(arrays) for arrays in zip(*gates, strict=True)], b_hn.copy())


# ---- one step ----------------------------------------------------------------------------------------------------


class GRUValues(NamedTuple):
    """What a step computes on its way; all (B, H)."""

    r: np.ndarray
    z: np.ndarray
    n: np.ndarray
    m: np.ndarray  # W_hn h_{t-1} + b_hn, or W_hn (r_t * h_{t-1}) + b_hn with reset "before"
    keep: np.ndarray  # the share of h_{t-1} that is kept: z or 1 - z


@checked
def gru_gates(
    p: GRUParams,
    x: Float["B D"],
    h_prev: Float["B H"],
    reset: str = "after",
    update: str = "keeps",
) -> GRUValues:
    """(gru-gates)  x: (B, D), h_prev: (B, H) -> all values, (B, H) each."""
    _check_form("gru_gates", reset, update)
    stacked = x @ p.W_x.T + p.b  # (B, 3H)
    a_x = GRUGates(*np.split(stacked, 3, axis=-1))  # three times (B, H)
    W_h = GRUGates(*np.split(p.W_h, 3))  # three times (H, H)
    r = sigmoid(a_x.r + h_prev @ W_h.r.T)
    z = sigmoid(a_x.z + h_prev @ W_h.z.T)
    if reset == "after":
        m = h_prev @ W_h.n.T + p.b_hn
        n = np.tanh(a_x.n + r * m)
    else:
        m = (r * h_prev) @ W_h.n.T + p.b_hn
        n = np.tanh(a_x.n + m)
    return GRUValues(r, z, n, m, keep=z if update == "keeps" else 1 - z)


@checked
def gru_step(
    p: GRUParams, x: Float["B D"], h_prev: Float["B H"], reset: str = "after", update: str = "keeps"
) -> np.ndarray:
    """(gru-step)  x: (B, D), h_prev: (B, H) -> h: (B, H)."""
    _check_form("gru_step", reset, update)
    v = gru_gates(p, x, h_prev, reset, update)
    return (1 - v.keep) * v.n + v.keep * h_prev


@checked
def gru_step_backward(
    p: GRUParams,
    x: Float["B D"],
    h_prev: Float["B H"],
    h: Float["B H"],
    dh: Float["B H"],
    reset: str = "after",
    update: str = "keeps",
) -> tuple[GRUParams, np.ndarray, np.ndarray]:
    """(gru-step-grad)  dh = dL/dh: (B, H)

    -> parameter gradients, dx: (B, D), dh_prev: (B, H).
    """
    _check_form("gru_step_backward", reset, update)
    r, z, n, m, keep = gru_gates(p, x, h_prev, reset, update)
    W_h = GRUGates(*np.split(p.W_h, 3))  # three times (H, H)
    dkeep = dh * (h_prev - n)  # (B, H)
    da_z = (dkeep if update == "keeps" else -dkeep) * z * (1 - z)
    da_n = dh * (1 - keep) * (1 - n**2)
    if reset == "after":  # r_t multiplies m_t, the product with h_{t-1}
        read, dm = h_prev, da_n * r
        dr, through_n = da_n * m, dm @ W_h.n
    else:  # r_t multiplies h_{t-1}, which the product then reads
        read, dm = r * h_prev, da_n
        dread = dm @ W_h.n
        dr, through_n = dread * h_prev, dread * r
    da_r = dr * r * (1 - r)
    da = np.concatenate(GRUGates(r=da_r, z=da_z, n=da_n), axis=-1)  # (B, 3H)
    dW_h = GRUGates(r=da_r.T @ h_prev, z=da_z.T @ h_prev, n=dm.T @ read)
    db, db_hn = da.sum(axis=0), dm.sum(axis=0)
    dp = GRUParams(da.T @ x, np.concatenate(dW_h), db, db_hn)  # dW_h: (3H, H)
    dh_prev = dh * keep + through_n + da_r @ W_h.r + da_z @ W_h.z
    return dp, da @ p.W_x, dh_prev


# ---- a sequence --------------------------------------------------------------------------------------------------


@checked
def gru_forward(
    p: GRUParams,
    xs: Float["T B D"],
    h0: Float["B H"] | None = None,
    mask: Bool["T B"] | None = None,
    reset: str = "after",
    update: str = "keeps",
) -> np.ndarray:
    """(gru-unroll)  xs: (T, B, D), h0: (B, H), zeros if None -> hs: (T+1, B, H), hs[0] = h_0.

    mask: (T, B), False at padded steps, where h_t = h_{t-1}.
    """
    _check_form("gru_forward", reset, update)
    hs = [initial_gru_state(p, xs) if h0 is None else h0]
    for t in range(len(xs)):
        h = gru_step(p, xs[t], hs[-1], reset, update)  # (B, H)
        hs.append(h if mask is None else np.where(mask[t][:, None], h, hs[-1]))
    return np.stack(hs)  # (T+1, B, H)


@checked
def gru_backward(
    p: GRUParams,
    xs: Float["T B D"],
    hs: Float["T+1 B H"],
    dhs: Float["T B H"],
    mask: Bool["T B"] | None = None,
    reset: str = "after",
    update: str = "keeps",
) -> tuple[GRUParams, np.ndarray, np.ndarray]:
    """(gru-bptt)  dhs: (T, B, H), dhs[t-1] is what h_t receives directly, zeros where there is nothing
    -> parameter gradients, dxs: (T, B, D), dh0: (B, H)."""
    _check_form("gru_backward", reset, update)
    dp, dxs, dh = zeros_like(p), np.zeros_like(xs), np.zeros_like(hs[0])
    for t in reversed(range(len(xs))):
        dh = dh + dhs[t]  # total derivative of h_t: from the future, and from its own loss
        passed_over = 0.0
        if mask is not None:  # a padded step hands its gradient on untouched
            real = mask[t][:, None]  # (B, 1)
            dh, passed_over = np.where(real, dh, 0), np.where(real, 0, dh)
        dp_t, dxs[t], dh = gru_step_backward(p, xs[t], hs[t], hs[t + 1], dh, reset, update)
        dh = dh + passed_over
        dp = add(dp, dp_t)  # the same weights at every step: their gradients add up
    return dp, dxs, dh


def initial_gru_state(p: GRUParams, xs: np.ndarray) -> np.ndarray:
    """h_0 = 0: (B, H), in the precision of weights and inputs."""
    return np.zeros((xs.shape[1], len(p.b_hn)), np.result_type(p.W_h, xs))


def _check_form(function: str, reset: str, update: str) -> None:
    check_choice(function, "reset", reset, RESETS)
    check_choice(function, "update", update, UPDATES)

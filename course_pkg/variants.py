"""Relatives of LSTM and GRU: MUT1-3 (found by search), peephole LSTM, coupled-gate LSTM. Forward beside backward.

MUT1, MUT2 and MUT3 are the best three of ten thousand cells in Jozefowicz, Zaremba and Sutskever (2015):

    MUT1: z_t = sigmoid(W_xz x_t + b_z)
          r_t = sigmoid(W_xr x_t + W_hr h_{t-1} + b_r)
          n_t = tanh(W_hn (r_t * h_{t-1}) + tanh(x_t) + b_n)
    MUT2: z_t = sigmoid(W_xz x_t + W_hz h_{t-1} + b_z)
          r_t = sigmoid(x_t + W_hr h_{t-1} + b_r)
          n_t = tanh(W_hn (r_t * h_{t-1}) + W_xn x_t + b_n)
    MUT3: z_t = sigmoid(W_xz x_t + W_hz tanh(h_{t-1}) + b_z)
          r_t = sigmoid(W_xr x_t + W_hr h_{t-1} + b_r)
          n_t = tanh(W_hn (r_t * h_{t-1}) + W_xn x_t + b_n)
    all:  h_t = z_t * n_t + (1 - z_t) * h_{t-1}

Where the paper adds x_t itself to a state it takes D = H for granted. For other sizes `fit` repeats or folds x_t.
"""

from typing import NamedTuple

import numpy as np

from course_pkg.dense import sigmoid
from course_pkg.initialisers import uniform_fan_in
from course_pkg.lstm import stacked_recurrent
from course_pkg.shapes import Float, check_positive_int, checked


def fit(x: np.ndarray, H: int) -> np.ndarray:
    """(mut-fit)  x: (B, D) -> (B, H): x itself if D = H, repeated if D < H, folded (H at a time, summed) if D > H."""
    B, D = x.shape
    if D <= H:
        return np.tile(x, -(-H // D))[:, :H]
    padded = np.concatenate([x, np.zeros((B, -D % H), x.dtype)], axis=1)  # (B, multiple of H)
    return padded.reshape(B, -1, H).sum(axis=1)


def fit_backward(dy: np.ndarray, D: int) -> np.ndarray:
    """(mut-fit-grad)  dy: (B, H) -> dx: (B, D). The transpose of repeating is folding, and the other way round."""
    return fit(dy, D)


# ---- MUT1, MUT2, MUT3 --------------------------------------------------------------------------------------------


class MUT1Params(NamedTuple):
    """Weights are (out, in). Gradients have this same type."""

    W_xz: Float["H D"]
    b_z: Float["H"]
    W_xr: Float["H D"]
    W_hr: Float["H H"]
    b_r: Float["H"]
    W_hn: Float["H H"]
    b_n: Float["H"]


class MUT2Params(NamedTuple):
    """Weights are (out, in). Gradients have this same type."""

    W_xz: Float["H D"]
    W_hz: Float["H H"]
    b_z: Float["H"]
    W_hr: Float["H H"]
    b_r: Float["H"]
    W_xn: Float["H D"]
    W_hn: Float["H H"]
    b_n: Float["H"]


class MUT3Params(NamedTuple):
    """Weights are (out, in). Gradients have this same type."""

    W_xz: Float["H D"]
    W_hz: Float["H H"]
    b_z: Float["H"]
    W_xr: Float["H D"]
    W_hr: Float["H H"]
    b_r: Float["H"]
    W_xn: Float["H D"]
    W_hn: Float["H H"]
    b_n: Float["H"]


def _init_mut(cls: type, rng: np.random.Generator, D: int, H: int, recurrent: str, dtype: type) -> NamedTuple:
    """W_x. uniform by fan-in, W_h. orthogonal or uniform, biases zero."""
    name = f"init_{cls.__name__[:4].lower()}"
    check_positive_int(name, "D", D)
    check_positive_int(name, "H", H)
    make = {
        "W_x": lambda: uniform_fan_in(rng, H, D, dtype),
        "W_h": lambda: stacked_recurrent(name, rng, 1, H, recurrent, dtype),
        "b_": lambda: np.zeros(H, dtype),
    }
    return cls(*[make["b_" if field.startswith("b_") else field[:3]]() for field in cls._fields])


def init_mut1(
    rng: np.random.Generator, D: int, H: int, recurrent: str = "orthogonal", dtype: type = np.float64
) -> MUT1Params:
    """Weights for D inputs and H units; `recurrent` chooses the W_h: "orthogonal" or "uniform". Biases are 0."""
    return _init_mut(MUT1Params, rng, D, H, recurrent, dtype)


def init_mut2(
    rng: np.random.Generator, D: int, H: int, recurrent: str = "orthogonal", dtype: type = np.float64
) -> MUT2Params:
    """Weights for D inputs and H units; `recurrent` chooses the W_h: "orthogonal" or "uniform". Biases are 0."""
    return _init_mut(MUT2Params, rng, D, H, recurrent, dtype)


def init_mut3(
    rng: np.random.Generator, D: int, H: int, recurrent: str = "orthogonal", dtype: type = np.float64
) -> MUT3Params:
    """Weights for D inputs and H units; `recurrent` chooses the W_h: "orthogonal" or "uniform". Biases are 0."""
    return _init_mut(MUT3Params, rng, D, H, recurrent, dtype)


def _mut1_gates(p: MUT1Params, x: np.ndarray, h_prev: np.ndarray) -> tuple[np.ndarray, ...]:
    """z, r, n: (B, H) each."""
    z = sigmoid(x @ p.W_xz.T + p.b_z)
    r = sigmoid(x @ p.W_xr.T + h_prev @ p.W_hr.T + p.b_r)
    n = np.tanh((r * h_prev) @ p.W_hn.T + np.tanh(fit(x, len(p.b_n))) + p.b_n)
    return z, r, n


@checked
def mut1_step(p: MUT1Params, x: Float["B D"], h_prev: Float["B H"]) -> np.ndarray:
    """(mut1-step)  x: (B, D), h_prev: (B, H) -> h: (B, H)."""
    z, _, n = _mut1_gates(p, x, h_prev)
    return z * n + (1 - z) * h_prev


@checked
def mut1_step_backward(
    p: MUT1Params, x: Float["B D"], h_prev: Float["B H"], h: Float["B H"], dh: Float["B H"]
) -> tuple[MUT1Params, np.ndarray, np.ndarray]:
    """(mut1-step-grad)  dh = dL/dh: (B, H) -> parameter gradients, dx: (B, D), dh_prev: (B, H)."""
    z, r, n = _mut1_gates(p, x, h_prev)
    da_z, da_r, da_n, dh_prev = _mut_backward(p.W_hn, h_prev, z, r, n, dh)
    x_fit = np.tanh(fit(x, len(p.b_n)))  # (B, H)
    dx = da_z @ p.W_xz + da_r @ p.W_xr + fit_backward(da_n * (1 - x_fit**2), x.shape[1])
    dp = MUT1Params(
        W_xz=da_z.T @ x, b_z=da_z.sum(axis=0),
        W_xr=da_r.T @ x, W_hr=da_r.T @ h_prev, b_r=da_r.sum(axis=0),
        W_hn=da_n.T @ (r * h_prev), b_n=da_n.sum(axis=0),
    )  # fmt: skip
    return dp, dx, dh_prev + da_r @ p.W_hr


def _mut2_gates(p: MUT2Params, x: np.ndarray, h_prev: np.ndarray) -> tuple[np.ndarray, ...]:
    """z, r, n: (B, H) each."""
    z = sigmoid(x @ p.W_xz.T + h_prev @ p.W_hz.T + p.b_z)
    r = sigmoid(fit(x, len(p.b_r)) + h_prev @ p.W_hr.T + p.b_r)
    n = np.tanh((r * h_prev) @ p.W_hn.T + x @ p.W_xn.T + p.b_n)
    return z, r, n


@checked
def mut2_step(p: MUT2Params, x: Float["B D"], h_prev: Float["B H"]) -> np.ndarray:
    """(mut2-step)  x: (B, D), h_prev: (B, H) -> h: (B, H)."""
    z, _, n = _mut2_gates(p, x, h_prev)
    return z * n + (1 - z) * h_prev


@checked
def mut2_step_backward(
    p: MUT2Params, x: Float["B D"], h_prev: Float["B H"], h: Float["B H"], dh: Float["B H"]
) -> tuple[MUT2Params, np.ndarray, np.ndarray]:
    """(mut2-step-grad)  dh = dL/dh: (B, H) -> parameter gradients, dx: (B, D), dh_prev: (B, H)."""
    z, r, n = _mut2_gates(p, x, h_prev)
    da_z, da_r, da_n, dh_prev = _mut_backward(p.W_hn, h_prev, z, r, n, dh)
    dx = da_z @ p.W_xz + fit_backward(da_r, x.shape[1]) + da_n @ p.W_xn
    dp = MUT2Params(
        W_xz=da_z.T @ x, W_hz=da_z.T @ h_prev, b_z=da_z.sum(axis=0),
        W_hr=da_r.T @ h_prev, b_r=da_r.sum(axis=0),
        W_xn=da_n.T @ x, W_hn=da_n.T @ (r * h_prev), b_n=da_n.sum(axis=0),
    )  # fmt: skip
    return dp, dx, dh_prev + da_z @ p.W_hz + da_r @ p.W_hr


def _mut3_gates(p: MUT3Params, x: np.ndarray, h_prev: np.ndarray) -> tuple[np.ndarray, ...]:
    """z, r, n: (B, H) each."""
    z = sigmoid(x @ p.W_xz.T + np.tanh(h_prev) @ p.W_hz.T + p.b_z)
    r = sigmoid(x @ p.W_xr.T + h_prev @ p.W_hr.T + p.b_r)
    n = np.tanh((r * h_prev) @ p.W_hn.T + x @ p.W_xn.T + p.b_n)
    return z, r, n


@checked
def mut3_step(p: MUT3Params, x: Float["B D"], h_prev: Float["B H"]) -> np.ndarray:
    """(mut3-step)  x: (B, D), h_prev: (B, H) -> h: (B, H)."""
    z, _, n = _mut3_gates(p, x, h_prev)
    return z * n + (1 - z) * h_prev


@checked
def mut3_step_backward(
    p: MUT3Params, x: Float["B D"], h_prev: Float["B H"], h: Float["B H"], dh: Float["B H"]
) -> tuple[MUT3Params, np.ndarray, np.ndarray]:
    """(mut3-step-grad)  dh = dL/dh: (B, H) -> parameter gradients, dx: (B, D), dh_prev: (B, H)."""
    z, r, n = _mut3_gates(p, x, h_prev)
    da_z, da_r, da_n, dh_prev = _mut_backward(p.W_hn, h_prev, z, r, n, dh)
    seen = np.tanh(h_prev)  # what the update gate reads: (B, H)
    dp = MUT3Params(
        W_xz=da_z.T @ x, W_hz=da_z.T @ seen, b_z=da_z.sum(axis=0),
        W_xr=da_r.T @ x, W_hr=da_r.T @ h_prev, b_r=da_r.sum(axis=0),
        W_xn=da_n.T @ x, W_hn=da_n.T @ (r * h_prev), b_n=da_n.sum(axis=0),
    )  # fmt: skip
    dx = da_z @ p.W_xz + da_r @ p.W_xr + da_n @ p.W_xn
    return dp, dx, dh_prev + (da_z @ p.W_hz) * (1 - seen**2) + da_r @ p.W_hr


def _mut_backward(
    W_hn: np.ndarray, h_prev: np.ndarray, z: np.ndarray, r: np.ndarray, n: np.ndarray, dh: np.ndarray
) -> tuple[np.ndarray, ...]:
    """(mut-grad-shared)  -> da_z, da_r, da_n (B, H), and dh_prev (B, H) but for the paths through the gates."""
    da_z = dh * (n - h_prev) * z * (1 - z)
    da_n = dh * z * (1 - n**2)
    dseen = da_n @ W_hn  # what r_t * h_{t-1} receives
    da_r = dseen * h_prev * r * (1 - r)
    return da_z, da_r, da_n, dh * (1 - z) + dseen * r

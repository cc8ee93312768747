"""minGRU: a GRU whose gate and candidate look at the input only (Feng, Tung, Ahmed, Bengio and Hajimirsadeghi 2024).

    z_t = sigmoid(W_z x_t + b_z)                  how much is taken in
    n_t = W_n x_t + b_n                           candidate, no tanh
    h_t = (1 - z_t) * h_{t-1} + z_t * n_t

Nothing on the right but h_{t-1} itself depends on the state, so h is a linear recurrence, a_t = 1 - z_t and
b_t = z_t n_t, and a scan computes all states at once. As in the paper z overwrites: the GRU of the course has
1 - z in its place.
"""

from typing import NamedTuple

import numpy as np

from course_pkg.cells import Cell, Run
from course_pkg.dense import sigmoid
from course_pkg.initialisers import uniform_fan_in
from course_pkg.scans import recurrence_scan, recurrence_scan_backward
from course_pkg.shapes import Bool, Float, check_positive_int, check_rng, checked


class MinGRUParams(NamedTuple):
    """Gradients have this same type."""

    W_z: Float["H D"]
    b_z: Float["H"]
    W_n: Float["H D"]
    b_n: Float["H"]


def init_min_gru(rng: np.random.Generator, D: int, H: int, dtype: type = np.float64) -> MinGRUParams:
    """Weights for D inputs and H units. The gates' biases are spread from -4 to 0, so that units differ in memory."""
    check_rng("init_min_gru", rng)
    check_positive_int("init_min_gru", "D", D)
    check_positive_int("init_min_gru", "H", H)
    b_z = np.linspace(-4, 0, H).astype(dtype)
    return MinGRUParams(uniform_fan_in(rng, H, D, dtype), b_z, uniform_fan_in(rng, H, D, dtype), np.zeros(H, dtype))


@checked
def min_gru_step(p: MinGRUParams, x: Float["B D"], h_prev: Float["B H"]) -> np.ndarray:
    """(min-gru)  x: (B, D), h_prev: (B, H) -> h: (B, H)."""
    z, n = _gate(p, x)
    return (1 - z) * h_prev + z * n


@checked
def min_gru_step_backward(
    p: MinGRUParams, x: Float["B D"], h_prev: Float["B H"], h: Float["B H"], dh: Float["B H"]
) -> tuple[MinGRUParams, np.ndarray, np.ndarray]:
    """dh: (B, H) -> parameter gradients, dx: (B, D), dh_prev: (B, H)."""
    z, n = _gate(p, x)
    dp, dx = _gate_backward(p, x, z, dh * (n - h_prev), dh * z)
    return dp, dx, dh * (1 - z)


@checked
def min_gru_forward(
    p: MinGRUParams, xs: Float["T B D"], h0: Float["B H"] | None = None, mask: Bool["T B"] | None = None
) -> np.ndarray:
    """xs: (T, B, D), h0: (B, H), zeros if None -> h_1 ... h_T: (T, B, H), by a scan.

    mask: (T, B), False at padded steps, which keep the state: a = 1, b = 0.
    """
    z, n = _gate(p, xs)  # (T, B, H), all at once
    if mask is not None:
        z = z * mask[..., None]
    return recurrence_scan(1 - z, z * n, h0)


@checked
def min_gru_backward(
    p: MinGRUParams,
    xs: Float["T B D"],
    hs: Float["T B H"],
    dhs: Float["T B H"],
    h0: Float["B H"] | None = None,
    mask: Bool["T B"] | None = None,
) -> tuple[MinGRUParams, np.ndarray, np.ndarray]:
    """hs, dhs: (T, B, H), dhs[t-1] is what h_t receives directly
    -> parameter gradients, dxs: (T, B, D), dh0: (B, H)."""
    z, n = _gate(p, xs)
    real = np.ones(xs.shape[:2], bool)[..., None] if mask is None else mask[..., None]
    da, db, dh0 = recurrence_scan_backward(1 - z * real, hs, dhs, h0)
    dp, dxs = _gate_backward(p, xs, z, (db * n - da) * real, db * z * real)  # a = 1 - z, b = z n
    return dp, dxs, dh0


def _gate(p: MinGRUParams, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x: (..., D) -> z and n: (..., H)."""
    return sigmoid(x @ p.W_z.T + p.b_z), x @ p.W_n.T + p.b_n


def _gate_backward(
    p: MinGRUParams, x: np.ndarray, z: np.ndarray, dz: np.ndarray, dn: np.ndarray
) -> tuple[MinGRUParams, np.ndarray]:
    """x: (..., D), dz and dn: (..., H) -> parameter gradients, dx: (..., D)."""
    da_z = dz * z * (1 - z)
    rows_x, rows_z, rows_n = (v.reshape(-1, v.shape[-1]) for v in (x, da_z, dn))  # (N, D), (N, H): all rows alike
    dp = MinGRUParams(rows_z.T @ rows_x, rows_z.sum(axis=0), rows_n.T @ rows_x, rows_n.sum(axis=0))
    return dp, da_z @ p.W_z + dn @ p.W_n


def _initial(p: MinGRUParams, batch_size: int) -> np.ndarray:
    return np.zeros((batch_size, len(p.b_z)), p.b_z.dtype)


def _run(p: MinGRUParams, xs: np.ndarray, state: np.ndarray | None, mask: np.ndarray | None) -> Run:
    hs = min_gru_forward(p, xs, state, mask)
    return Run(hs, hs[-1], state)


def _run_backward(
    p: MinGRUParams, xs: np.ndarray, run: Run, doutputs: np.ndarray, dlast: np.ndarray | None, mask: np.ndarray | None
) -> tuple[MinGRUParams, np.ndarray, np.ndarray]:
    dhs = doutputs.copy()
    if dlast is not None:
        dhs[-1] += dlast  # the last state is an output, too
    return min_gru_backward(p, xs, run.outputs, dhs, run.kept, mask)


MIN_GRU = Cell(init_min_gru, _initial, min_gru_step, min_gru_step_backward, _run, _run_backward)

"""How a gradient changes its length on the way back: Jacobians of any cell, their products, and what bounds them.

A Jacobian here is dh_t/dh_{t-1}, built from the cell's own `step_backward`, one row for each unit of h_t. A state
of several parts (the LSTM's h and c) counts as one long vector, in the order of its fields.
"""

from typing import Any

import numpy as np

from course_pkg.cells import Cell, as_state, unroll
from course_pkg.shapes import Float, check_positive_int, checked
from course_pkg.tree import flatten, tree_map, unflatten


@checked
def spectral_radius(W: Float["H H"]) -> float:
    """(spectral-radius)  W: (H, H) -> the largest |eigenvalue|."""
    return float(np.abs(np.linalg.eigvals(W)).max())


@checked
def largest_singular_value(W: Float["H H"]) -> float:
    """(largest-singular-value)  W: (H, H) -> the largest factor by which W can lengthen a vector."""
    return float(np.linalg.norm(W, 2))


@checked
def power_norms(W: Float["H H"], n: int) -> np.ndarray:
    """W: (H, H) -> the norms |W|, |W^2|, ..., |W^n| (largest singular values), shape (n,)."""
    check_positive_int("power_norms", "n", n)
    norms, power = [], np.eye(len(W))
    for _ in range(n):
        power = power @ W  # (H, H)
        norms.append(np.linalg.norm(power, 2))
    return np.array(norms)


# ---- Jacobians of any cell ---------------------------------------------------------------------------------------


@checked(through=True)
def step_jacobian(cell: Cell, params: Any, x: Float["B D"], prev: Any, state: Any) -> np.ndarray:
    """(jacobian)  d state_t / d state_{t-1} of one sequence: (N, N) for a state of N numbers.

    x: (1, D); prev and state: the states before and after the step, of batch size 1. Row i is what the backward step
    makes of a gradient that is 1 at entry i of state_t and 0 elsewhere.
    """
    if len(x) != 1:
        raise ValueError(f"step_jacobian: x must be one sequence, (1, D), got shape {x.shape}")
    rows = [
        flatten(cell.step_backward(params, x, prev, state, unflatten(unit, like=state))[2])
        for unit in np.eye(flatten(state).size)
    ]
    return np.stack(rows)


def jacobian_products(jacobians: list[np.ndarray]) -> list[np.ndarray]:
    """(jacobian-product)  [J_1, ..., J_T] -> [d state_T / d state_{T-n} for n = 1 ... T] = [J_T, J_T J_{T-1}, ...]."""
    if not jacobians:
        raise ValueError("jacobian_products: jacobians must hold at least one matrix, got none")
    products = [jacobians[-1]]
    for J in reversed(jacobians[:-1]):
        products.append(products[-1] @ J)
    return products


@checked(through=True)
def gradient_norms(
    cell: Cell, params: Any, xs: Float["T B D"], dh: Float["B H"], state: Any = None
) -> np.ndarray:
    """A gradient dh (B, H) that arrives at h_T alone -> its norm n = 0, 1, ..., T steps back, (T+1, B).

    Entry n belongs to state_{T-n}; the norm is that of the whole state's gradient, h and c for an LSTM.
    """
    states = unroll(cell, params, xs, state)
    dstate = as_state(dh, states[-1])
    norms = [_row_norms(dstate)]
    for t in reversed(range(len(xs))):
        _, _, dstate = cell.step_backward(params, xs[t], states[t], states[t + 1], dstate)
        norms.append(_row_norms(dstate))
    return np.stack(norms)


def slope(norms: np.ndarray, start: int, stop: int) -> float:
    """The slope of log(norms) between the distances start and stop, by least squares: norms (T+1,) -> per step."""
    if not 0 <= start < stop < len(norms):
        raise ValueError(f"slope: start and stop must satisfy 0 <= start < stop <= {len(norms) - 1} (from norms), "
                         f"got {start} and {stop}")  # fmt: skip
    chosen = norms[start : stop + 1]
    if not (chosen > 0).all():
        raise ValueError("slope: norms must be positive between start and stop, got a zero (underflow?)")
    return float(np.polyfit(np.arange(start, stop + 1), np.log(chosen), 1)[0])


def _row_norms(state: Any) -> np.ndarray:
    """The norm of each example's part of a state: (B,)."""
    squares: list[np.ndarray] = []
    tree_map(lambda v: squares.append((v.reshape(len(v), -1) ** 2).sum(axis=1)), state)
    return np.sqrt(np.sum(squares, axis=0))

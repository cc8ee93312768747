"""One contract for every recurrent cell, and one unroll for all of them.

    step(params, x, state) -> state

The state is explicit: an array for the vanilla RNN and the GRU, a NamedTuple of arrays for the LSTM. Nothing hidden
survives a call, so a sequence can be cut anywhere and go on from the state.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from course_pkg.rnn import RNNParams, init_rnn, rnn_step, rnn_step_backward
from course_pkg.shapes import Bool, Float, checked
from course_pkg.tree import add, tree_map, zeros_like


class Cell(NamedTuple):
    """A recurrent cell by its four functions."""

    init: Callable  # (rng, D, H) -> params
    initial_state: Callable  # (params, batch_size) -> state
    step: Callable  # (params, x, state) -> state
    step_backward: Callable  # (params, x, state_prev, state, dstate) -> (dparams, dx, dstate_prev)


def _rnn_initial_state(p: RNNParams, batch_size: int) -> np.ndarray:
    """h_0 = 0, shape (B, H)."""
    return np.zeros((batch_size, len(p.b_h)), p.W_hh.dtype)


CELLS = {"rnn": Cell(init_rnn, _rnn_initial_state, rnn_step, rnn_step_backward)}


@checked
def unroll(
    cell: Cell, params: Any, xs: Float["T B D"], state: Any = None, mask: Bool["T B"] | None = None
) -> list[Any]:
    """(unroll)  xs: (T, B, D) -> the T+1 states [state_0, ..., state_T]; zeros for state_0 if None.

    mask: (T, B), False at padded steps, where the state is carried over.
    """
    states = [cell.initial_state(params, xs.shape[1]) if state is None else state]
    for t in range(len(xs)):
        new = cell.step(params, xs[t], states[-1])
        states.append(new if mask is None else _select(mask[t], new, states[-1]))
    return states


@checked
def unroll_backward(
    cell: Cell, params: Any, xs: Float["T B D"], states: list, dstates: list, mask: Bool["T B"] | None = None
) -> tuple[Any, np.ndarray, Any]:
    """(unroll-grad)  dstates[t-1]: what state_t receives directly -> dparams, dxs (T, B, D), dstate_0."""
    if len(states) != len(xs) + 1 or len(dstates) != len(xs):
        raise ValueError(f"unroll_backward: states and dstates must hold {len(xs) + 1} and {len(xs)} states "
                         f"(from xs), got {len(states)} and {len(dstates)}")  # fmt: skip
    dparams, dxs, dstate = zeros_like(params), np.zeros_like(xs), zeros_like(states[0])
    for t in reversed(range(len(xs))):
        dstate = add(dstate, dstates[t])
        passed_over = zeros_like(dstate)
        if mask is not None:
            passed_over = _select(mask[t], passed_over, dstate)
            dstate = _select(mask[t], dstate, zeros_like(dstate))
        dp, dxs[t], dstate = cell.step_backward(params, xs[t], states[t], states[t + 1], dstate)
        dparams, dstate = add(dparams, dp), add(dstate, passed_over)
    return dparams, dxs, dstate


def _select(real: np.ndarray, new: Any, old: Any) -> Any:
    """new where `real` (B,) is True, old elsewhere, for every array (B, ...) of a state."""
    return tree_map(lambda a, b: np.where(real.reshape(-1, *[1] * (a.ndim - 1)), a, b), new, old)

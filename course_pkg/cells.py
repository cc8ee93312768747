"""One contract for every recurrent cell, and one unroll for all of them.

    step(params, x, state) -> state

The state is explicit: an array for the vanilla RNN and the GRU, a NamedTuple of arrays for the LSTM. Nothing hidden
survives a call, so a sequence can be cut anywhere and go on from the state.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from course_pkg.gru import gru_step, gru_step_backward, init_gru
from course_pkg.gru_fast import gru_backward_fast, gru_forward_fast
from course_pkg.lstm import LSTMState, init_lstm, lstm_step, lstm_step_backward
from course_pkg.lstm_fast import lstm_backward_fast, lstm_forward_fast
from course_pkg.lstm_variants import (
    coupled_step,
    coupled_step_backward,
    init_coupled,
    init_peephole,
    peephole_step,
    peephole_step_backward,
)
from course_pkg.rnn import init_rnn, rnn_step, rnn_step_backward
from course_pkg.rnn_fast import rnn_backward_fast, rnn_forward_fast
from course_pkg.shapes import Bool, Float, checked
from course_pkg.tree import add, leaves, tree_map, zeros_like
from course_pkg.variants import (
    init_mut1,
    init_mut2,
    init_mut3,
    mut1_step,
    mut1_step_backward,
    mut2_step,
    mut2_step_backward,
    mut3_step,
    mut3_step_backward,
)


class Run(NamedTuple):
    """A sequence that was read: what `run_backward` needs, and what the next layer or the next chunk reads."""

    outputs: np.ndarray  # (T, B, H): h_1 ... h_T
    last: Any  # the state after the last step
    kept: Any  # for the backward pass


class Cell(NamedTuple):
    """A recurrent cell by its functions. The last two are for speed; without them a sequence is unrolled."""

    init: Callable  # (rng, D, H) -> params
    initial_state: Callable  # (params, batch_size) -> state
    step: Callable  # (params, x, state) -> state
    step_backward: Callable  # (params, x, state_prev, state, dstate) -> (dparams, dx, dstate_prev)
    forward: Callable | None = None  # (params, xs, state, mask) -> Run
    backward: Callable | None = None  # (params, xs, run, doutputs, dlast, mask) -> (dparams, dxs, dstate_0)
    directions: int = 1  # an output has directions * H entries


def hidden(state: Any) -> np.ndarray:
    """The part of a state that others see: h (B, H)."""
    return state.h if hasattr(state, "h") else state


def as_state(dh: np.ndarray, like: Any) -> Any:
    """dh: (B, H) as the gradient of a state like `like`, whose other parts receive nothing."""
    return zeros_like(like)._replace(h=dh) if hasattr(like, "h") else dh


@checked(through=True)
def unroll(
    cell: Cell,
    params: Any,
    xs: Float["T B D"],
    state: Any = None,
    mask: Bool["T B"] | None = None,
) -> list[Any]:
    """(unroll)  xs: (T, B, D) -> the T+1 states [state_0, ..., state_T].

    state_0: zeros if None. mask: (T, B), False at padded steps, where the
    state is carried over.
    """
    if state is None:
        state = cell.initial_state(params, xs.shape[1])
    states = [state]
    for t in range(len(xs)):
        new = cell.step(params, xs[t], states[-1])
        if mask is not None:
            new = _select(mask[t], new, states[-1])
        states.append(new)
    return states


@checked(through=True)
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


# ---- whole sequences, by the fastest form there is ---------------------------------------------------------------


@checked(through=True)
def run(
    cell: Cell, params: Any, xs: Float["T B D"], state: Any = None, mask: Bool["T B"] | None = None
) -> Run:
    """xs: (T, B, D) -> Run with outputs (T, B, H) and the last state; zeros for state_0 if None.

    mask: (T, B), False at padded steps, where the state is carried over: `last` is each sequence's own last state.
    """
    if cell.forward is not None:
        return cell.forward(params, xs, state, mask)
    states = unroll(cell, params, xs, state, mask)
    return Run(np.stack([hidden(s) for s in states[1:]]), states[-1], states)


@checked(through=True)
def run_backward(
    cell: Cell,
    params: Any,
    xs: Float["T B D"],
    result: Run,
    doutputs: Float["T B H"],
    dlast: Any = None,
    mask: Bool["T B"] | None = None,
) -> tuple[Any, np.ndarray, Any]:
    """doutputs: (T, B, H), what each output receives; dlast: what the last state receives besides, nothing if None
    -> dparams, dxs: (T, B, D), dstate_0."""
    if cell.backward is not None:
        return cell.backward(params, xs, result, doutputs, dlast, mask)
    dstates = [as_state(dh, result.last) for dh in doutputs]
    if dlast is not None:
        dstates[-1] = add(dstates[-1], dlast)
    return unroll_backward(cell, params, xs, result.kept, dstates, mask)


# ---- the cells by name -------------------------------------------------------------------------------------------


def _zero_state(params: Any, batch_size: int) -> np.ndarray:
    """h_0 = 0, shape (B, H); every cell has a recurrent matrix (..., H) and names it W_h..."""
    W_h = next(array for name, array in leaves(params) if name.startswith("W_h"))
    return np.zeros((batch_size, W_h.shape[-1]), W_h.dtype)


def _zero_pair(params: Any, batch_size: int) -> LSTMState:
    """h_0 = c_0 = 0, shape (B, H) each."""
    return LSTMState(_zero_state(params, batch_size), _zero_state(params, batch_size))


def _rnn_run(p: Any, xs: np.ndarray, h0: Any, mask: Any) -> Run:
    hs = rnn_forward_fast(p, xs, h0, mask)
    return Run(hs[1:], hs[-1], hs)


def _rnn_run_backward(p: Any, xs: np.ndarray, result: Run, doutputs: np.ndarray, dlast: Any, mask: Any) -> tuple:
    return rnn_backward_fast(p, xs, result.kept, _with_last(doutputs, dlast), mask)


def _lstm_run(p: Any, xs: np.ndarray, state: Any, mask: Any) -> Run:
    trace = lstm_forward_fast(p, xs, state, mask)
    return Run(trace.hs[1:], LSTMState(trace.hs[-1], trace.cs[-1]), trace)


def _lstm_run_backward(p: Any, xs: np.ndarray, result: Run, doutputs: np.ndarray, dlast: Any, mask: Any) -> tuple:
    dh, dc = (None, None) if dlast is None else dlast
    dcs = None if dc is None else _with_last(np.zeros_like(doutputs), dc)
    return lstm_backward_fast(p, xs, result.kept, _with_last(doutputs, dh), dcs, mask)


def _gru_run(p: Any, xs: np.ndarray, h0: Any, mask: Any) -> Run:
    trace = gru_forward_fast(p, xs, h0, mask)
    return Run(trace.hs[1:], trace.hs[-1], trace)


def _gru_run_backward(p: Any, xs: np.ndarray, result: Run, doutputs: np.ndarray, dlast: Any, mask: Any) -> tuple:
    return gru_backward_fast(p, xs, result.kept, _with_last(doutputs, dlast), mask)


def _with_last(dhs: np.ndarray, dlast: np.ndarray | None) -> np.ndarray:
    """dhs: (T, B, H) with dlast: (B, H) added at the last step, where the last state is an output too."""
    return dhs if dlast is None else np.concatenate([dhs[:-1], dhs[-1:] + dlast])


_before = {"reset": "before"}

CELLS = {
    "rnn": Cell(init_rnn, _zero_state, rnn_step, rnn_step_backward, _rnn_run, _rnn_run_backward),
    "lstm": Cell(init_lstm, _zero_pair, lstm_step, lstm_step_backward, _lstm_run, _lstm_run_backward),
    "gru": Cell(init_gru, _zero_state, gru_step, gru_step_backward, _gru_run, _gru_run_backward),
    "gru_before": Cell(init_gru, _zero_state, partial(gru_step, **_before), partial(gru_step_backward, **_before)),
    "mut1": Cell(init_mut1, _zero_state, mut1_step, mut1_step_backward),
    "mut2": Cell(init_mut2, _zero_state, mut2_step, mut2_step_backward),
    "mut3": Cell(init_mut3, _zero_state, mut3_step, mut3_step_backward),
    "peephole": Cell(init_peephole, _zero_pair, peephole_step, peephole_step_backward),
    "coupled": Cell(init_coupled, _zero_pair, coupled_step, coupled_step_backward),
}

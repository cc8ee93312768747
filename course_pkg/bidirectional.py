"""Two directions: one network reads forwards, one backwards, each step sees both (Schuster and Paliwal 1997).

    h_t^> = cell(x_t, h_{t-1}^>)    t = 1 ... T
    h_t^< = cell(x_t, h_{t+1}^<)    t = T ... 1
    y_t   = [h_t^>, h_t^<]

Padding: the backward network reads xs and mask flipped in time. It meets the padding of a short sequence first, and
carries its first state over it; so it starts at the sequence's own last step, as it would without padding.
"""

from typing import Any, NamedTuple

import numpy as np

from course_pkg.cells import Cell, Run, run, run_backward
from course_pkg.shapes import Bool, Float, checked


class Directions(NamedTuple):
    """Parameters, states or gradients of the network that reads ahead and of the one that reads back."""

    ahead: Any
    back: Any


def init_bidirectional(cell: Cell, rng: np.random.Generator, D: int, H: int) -> Directions:
    """Two networks of their own for D inputs with H units each."""
    return Directions(cell.init(rng, D, H), cell.init(rng, D, H))


@checked(through=True)
def bidirectional_forward(
    cell: Cell,
    params: Directions,
    xs: Float["T B D"],
    states: Directions | None = None,
    mask: Bool["T B"] | None = None,
) -> Run:
    """(bidirectional)  xs: (T, B, D) -> Run with outputs: (T, B, 2H), and the last states of both directions.

    states: the two first states, zeros if None. The last state of the network that reads back is the one after x_1.
    mask: (T, B), False at padded steps; outputs there are carried states and mean nothing.
    """
    ahead, back = (None, None) if states is None else states
    a = run(cell, params.ahead, xs, ahead, mask)
    b = run(cell, params.back, xs[::-1], back, None if mask is None else mask[::-1])
    outputs = np.concatenate([a.outputs, b.outputs[::-1]], axis=-1)  # (T, B, 2H)
    return Run(outputs, Directions(a.last, b.last), Directions(a, b))


@checked(through=True)
def bidirectional_backward(
    cell: Cell,
    params: Directions,
    xs: Float["T B D"],
    result: Run,
    doutputs: Float["T B 2H"],
    dlast: Directions | None = None,
    mask: Bool["T B"] | None = None,
) -> tuple[Directions, np.ndarray, Directions]:
    """(bidirectional-grad)  doutputs: (T, B, 2H), dlast: what the last states receive besides
    -> parameter gradients, dxs: (T, B, D), gradients of the first states."""
    d_ahead, d_back = np.split(doutputs, 2, axis=-1)  # (T, B, H) each
    last = (None, None) if dlast is None else dlast
    flipped = None if mask is None else mask[::-1]
    dp_a, dxs_a, dstate_a = run_backward(cell, params.ahead, xs, result.kept.ahead, d_ahead, last[0], mask)
    dp_b, dxs_b, dstate_b = run_backward(cell, params.back, xs[::-1], result.kept.back, d_back[::-1], last[1], flipped)
    return Directions(dp_a, dp_b), dxs_a + dxs_b[::-1], Directions(dstate_a, dstate_b)


def bidirectional(cell: Cell) -> Cell:
    """A layer of two directions as a Cell, for `run` and for `stacked.py`. It has no step: the future must be there."""

    def init(rng: np.random.Generator, D: int, H: int) -> Directions:
        return init_bidirectional(cell, rng, D, H)

    def initial_state(params: Directions, batch_size: int) -> Directions:
        return Directions(*[cell.initial_state(p, batch_size) for p in params])

    def no_step(*_: Any) -> None:
        raise TypeError("bidirectional: a network of two directions has no step, it needs the whole sequence; use run")

    def forward(params: Directions, xs: np.ndarray, states: Any, mask: Any) -> Run:
        return bidirectional_forward(cell, params, xs, states, mask)

    def backward(params: Directions, xs: np.ndarray, result: Run, doutputs: np.ndarray, dlast: Any, mask: Any) -> tuple:
        return bidirectional_backward(cell, params, xs, result, doutputs, dlast, mask)

    return Cell(init, initial_state, no_step, no_step, forward, backward, directions=2)

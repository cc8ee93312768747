"""Depth: layers of any cell, each of which reads the outputs of the one below; dropout between them.

    y_t^1 = layer_1(x_t),   y_t^l = layer_l(dropout(y_t^{l-1})),   l = 2 ... L

Dropout is between layers only, as in torch: never on the recurrent path, where fresh masks at every step would wipe
out a plain state within some steps. (Zaremba et al. 2014 also drop the input and the last outputs.) A layer of two
directions is a cell too: `stacked_forward(bidirectional(CELLS["lstm"]), ...)`.
"""

from typing import Any, NamedTuple

import numpy as np

from course_pkg.cells import Cell, Run, hidden, run, run_backward
from course_pkg.shapes import Bool, Float, check_positive_int, check_rng, checked


class StackedRun(NamedTuple):
    """A sequence that was read by all layers."""

    outputs: np.ndarray  # (T, B, H) of the last layer, (T, B, 2H) for two directions
    last: tuple  # the last state of each layer
    layers: tuple[Run, ...]
    inputs: tuple[np.ndarray, ...]  # what each layer read, after dropout
    drops: tuple  # dropout's factors between the layers, (T, B, H) each, or None


def init_stacked(cell: Cell, rng: np.random.Generator, D: int, H: int, layers: int) -> tuple:
    """Parameters of each layer: D inputs to the first, H (two directions: 2H) to all others."""
    check_positive_int("init_stacked", "layers", layers)
    return tuple(cell.init(rng, D if layer == 0 else cell.directions * H, H) for layer in range(layers))


# ---- dropout -----------------------------------------------------------------------------------------------------


def dropout_factors(rng: np.random.Generator, like: np.ndarray, rate: float) -> np.ndarray:
    """(dropout)  Factors like `like` (...): 0 with probability `rate`, else 1 / (1 - rate).

    The mean stays what it is without dropout, so evaluation needs no factor ("inverted" dropout, Srivastava et al.
    2014). The gradient is multiplied by the same factors.
    """
    check_rng("dropout_factors", rng)
    _check_rate("dropout_factors", rate)
    return (rng.random(like.shape) >= rate).astype(like.dtype) / like.dtype.type(1 - rate)


# ---- all layers --------------------------------------------------------------------------------------------------


@checked(through=True)
def stacked_forward(
    cell: Cell,
    params: tuple,
    xs: Float["T B D"],
    states: tuple | None = None,
    mask: Bool["T B"] | None = None,
    dropout: float = 0.0,
    rng: np.random.Generator | None = None,
) -> StackedRun:
    """(stacked)  xs: (T, B, D) -> StackedRun with outputs: (T, B, H) and the last state of each layer.

    states: the first state of each layer, zeros if None. mask: (T, B), False at padded steps.
    dropout: the rate between layers; it needs an rng, which means training. Without one (evaluation) nothing drops.
    """
    _check_layers("stacked_forward", "states", states, params)
    _check_rate("stacked_forward", dropout)
    runs, inputs, drops = [], [], []
    y = xs
    for layer, p in enumerate(params):
        drop = dropout_factors(rng, y, dropout) if layer > 0 and dropout > 0 and rng is not None else None
        y = y if drop is None else y * drop  # (T, B, D), then (T, B, H)
        drops.append(drop)
        inputs.append(y)
        runs.append(run(cell, p, y, None if states is None else states[layer], mask))
        y = runs[-1].outputs
    return StackedRun(y, tuple(r.last for r in runs), tuple(runs), tuple(inputs), tuple(drops))


@checked(through=True)
def stacked_backward(
    cell: Cell,
    params: tuple,
    result: StackedRun,
    doutputs: Float["T B H"],
    dlast: tuple | None = None,
    mask: Bool["T B"] | None = None,
) -> tuple[tuple, np.ndarray, tuple]:
    """(stacked-grad)  doutputs: (T, B, H), dlast: what each layer's last state receives besides
    -> parameter gradients of each layer, dxs: (T, B, D), gradient of each layer's first state."""
    _check_layers("stacked_backward", "dlast", dlast, params)
    dparams, dstates, dy = [], [], doutputs
    for layer in reversed(range(len(params))):
        d = None if dlast is None else dlast[layer]
        dp, dy, dstate = run_backward(cell, params[layer], result.inputs[layer], result.layers[layer], dy, d, mask)
        dy = dy if result.drops[layer] is None else dy * result.drops[layer]
        dparams.append(dp)
        dstates.append(dstate)
    return tuple(reversed(dparams)), dy, tuple(reversed(dstates))


@checked(through=True)
def stacked_step(cell: Cell, params: tuple, x: Float["B D"], states: tuple) -> tuple:
    """(stacked-step)  x: (B, D), one state for each layer -> the next states; the last one's h is the output (B, H).

    For writing step by step; nothing drops.
    """
    _check_layers("stacked_step", "states", states, params)
    new = []
    for p, state in zip(params, states, strict=True):
        new.append(cell.step(p, x, state))
        x = hidden(new[-1])  # (B, H)
    return tuple(new)


def _check_layers(function: str, name: str, value: Any, params: tuple) -> None:
    if not isinstance(params, tuple) or hasattr(params, "_fields") or not params:
        raise TypeError(f"{function}: params must be a tuple with the parameters of each layer, "
                        f"got {type(params).__name__}")  # fmt: skip
    if value is not None and (not isinstance(value, tuple) or len(value) != len(params)):
        found = f"a tuple of {len(value)}" if isinstance(value, tuple) else type(value).__name__
        raise ValueError(f"{function}: {name} must be a tuple of {len(params)} (from params), got {found}")


def _check_rate(function: str, rate: float) -> None:
    if not 0 <= rate < 1:
        raise ValueError(f"{function}: the dropout rate must be in [0, 1), got {rate}")

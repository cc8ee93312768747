"""A small dense net learns a disc inside a ring: one unit draws a line, two a band, three close the boundary."""

from __future__ import annotations

import functools

import numpy as np

from course_pkg.dense import DenseParams, init_mlp, mlp_backward, mlp_forward
from course_pkg.losses import binary_cross_entropy_with_logits
from course_pkg.tree import tree_map
from course_pkg.viz.live.figure import LiveFigure, shipped

N, SEED, RATE, EVERY, LONGEST = 40, 3, 1.0, 10, 1000  # points of each kind; learning rate; steps
UNITS = (1, 2, 3, 8)
EDGE, CELLS = 1.7, 23  # the picture goes from -EDGE to EDGE, in CELLS squares each way


def points() -> tuple[np.ndarray, np.ndarray]:
    """A disc (1) inside a ring (0): x (2N, 2), two decimals, and y (2N,)."""
    rng = np.random.default_rng(SEED)
    radius = np.concatenate([0.75 * np.sqrt(rng.uniform(0, 1, N)), rng.uniform(1.05, 1.6, N)])
    angle = rng.uniform(0, 2 * np.pi, 2 * N)
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)  # (2N, 2)
    return x.round(2), np.repeat([1.0, 0.0], N)


def train(net: tuple, activation: str, steps: int) -> tuple[tuple, list[float]]:
    """Gradient descent on all points at once: the net after `steps` steps, and the loss at every tenth."""
    x, y = points()
    losses = []
    for n in range(steps + 1):
        outputs = mlp_forward(net, x, activation)
        loss, dlogits = binary_cross_entropy_with_logits(outputs[-1][:, 0], y)
        if n % EVERY == 0:
            losses.append(loss)
        if n < steps:
            grads, _ = mlp_backward(net, outputs, dlogits[:, None], activation)
            net = tree_map(lambda p, g: p - RATE * g, net, grads)  # (gradient-descent)
    return net, losses


def figure() -> LiveFigure:
    """Bend the boundary by training in the page."""
    x, y = points()
    nets: dict[int, tuple[DenseParams, ...]] = {}
    weights = {}
    for units in UNITS:
        nets[units], named = shipped(init_mlp(np.random.default_rng(SEED), (2, units, 1)))
        weights |= {f"net{units}.{'out' if name[0] == '1' else 'hidden'}.{name[2:]}": w for name, w in named.items()}
    trained = functools.cache(lambda units, activation, steps: train(nets[units], activation, steps))
    middles = (np.arange(CELLS) + 0.5) * 2 * EDGE / CELLS - EDGE
    grid = np.stack(np.meshgrid(middles, -middles), axis=-1).reshape(-1, 2)  # rows from above

    def numbers(state: dict) -> dict:
        activation = state["activation"]
        net, losses = trained(state["units"], activation, state["steps"])
        right = (mlp_forward(net, x, activation)[-1][:, 0] > 0) == (y == 1)
        return {"losses": losses, "right": right.sum(), "grid": mlp_forward(net, grid, activation)[-1][:, 0],
                "lines": np.column_stack([net[0].W, net[0].b])}  # fmt: skip

    return LiveFigure(
        name="dense_net", label="A dense net with a few hidden units learns to tell a disc from a ring around it",
        data={"x": x, "y": y, "rate": RATE, "every": EVERY, "longest": LONGEST, "edge": EDGE, "cells": CELLS,
              "units": list(UNITS)},
        state={"units": 3, "activation": "tanh", "steps": 500, "running": False}, weights=weights, numbers=numbers,
        cases=({"units": 8, "steps": 1000}, {"units": 1, "steps": 200}, {"steps": 0},
               {"activation": "identity", "steps": 300}),
    )  # fmt: skip

"""The space of architectures: which outputs are joined to which inputs, and which of the joints share a weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from course_pkg.losses import softmax
from course_pkg.viz.canvas import Canvas
from course_pkg.viz.svg import Diagram, side_by_side


@dataclass(frozen=True, eq=False)
class Connectivity:
    """What joins n positions to n positions.

    ties: (n, n) of int, ties[i, j] is the number of the weight from input j to output i, -1 for none.
    within: (n, n), the same between outputs. strength: (n, n) or None, weights that the data decide, not training.
    """

    name: str
    words: str
    ties: np.ndarray
    within: np.ndarray | None = None
    strength: np.ndarray | None = None

    @property
    def weights(self) -> int:
        """How many different weights there are."""
        found = np.concatenate([self.ties.ravel(), [] if self.within is None else self.within.ravel()])
        return len(np.unique(found[found >= 0]))

    def reach(self) -> np.ndarray:
        """(n, n) of bool: does output i depend on input j, also by way of other outputs?"""
        n = len(self.ties)
        step = np.zeros((n, n), bool) if self.within is None else self.within >= 0
        through = np.eye(n, dtype=bool)
        for _ in range(n):
            through = through | (step.astype(int) @ through.astype(int) > 0)
        return through.astype(int) @ (self.ties >= 0).astype(int) > 0


def dense_connectivity(n: int) -> Connectivity:
    """Every unit hears every unit, each through a weight of its own."""
    return Connectivity("dense", "every pair has a weight of its own", np.arange(n * n).reshape(n, n))


def convolutional_connectivity(n: int, width: int = 3) -> Connectivity:
    """The weight depends on the distance alone, and is zero beyond a window."""
    distance = np.arange(n)[None, :] - np.arange(n)[:, None] + width // 2
    ties = np.where((distance >= 0) & (distance < width), distance, -1)
    return Connectivity("convolutional", "neighbours, a weight for each distance", ties)


def recurrent_connectivity(n: int) -> Connectivity:
    """The input at the same position, and the output one position before."""
    return Connectivity(
        "recurrent",
        "here, and the step before",
        np.where(np.eye(n, dtype=bool), 0, -1),
        np.where(np.eye(n, k=-1, dtype=bool), 1, -1),
    )


def attention_connectivity(n: int, size: int = 4, seed: int = 1) -> Connectivity:
    """All pairs; how strong a joint is comes from the data: softmax of q_i . k_j, with one W_q and one W_k for all."""
    rng = np.random.default_rng(seed)
    xs, W_q, W_k = rng.normal(size=(n, size)), rng.normal(size=(size, size)), rng.normal(size=(size, size))
    strength = softmax((xs @ W_q.T) @ (xs @ W_k.T).T / np.sqrt(size))
    return Connectivity(
        "attention", "every pair, as strong as the data say", np.zeros((n, n), int), strength=strength
    )


def graph_connectivity(edges: tuple[tuple[int, int], ...], n: int) -> Connectivity:
    """The neighbours in a given graph, all with one weight, and the position itself with another."""
    ties = np.where(np.eye(n, dtype=bool), 1, -1)
    for i, j in edges:
        ties[i, j] = ties[j, i] = 0
    return Connectivity("graph", "neighbours in a given graph", ties)


def connectivities(n: int = 5) -> list[Connectivity]:
    """The five patterns of the course's map, for n positions."""
    ring = tuple((i, (i + 2) % n) for i in range(0, n, 2) if i != (i + 2) % n)
    return [
        dense_connectivity(n),
        convolutional_connectivity(n),
        recurrent_connectivity(n),
        attention_connectivity(n),
        graph_connectivity(ring, n),
    ]


INKS = ("blue", "orange", "teal")
DASHES = ("", "6 4", "1.5 4")


def draw_connectivity(pattern: Connectivity, pitch: float = 38.0, level: float = 74.0) -> Diagram:
    """One pattern: inputs below, outputs above, a line for each joint; lines that look alike share a weight."""
    canvas, n = Canvas(), len(pattern.ties)
    below = [canvas.unit(j * pitch, level, "", 9) for j in range(n)]
    above = [canvas.unit(i * pitch, 0, "", 9, "hidden") for i in range(n)]
    few = pattern.weights <= 3
    for i in range(n):
        for j in range(n):
            tie = int(pattern.ties[i, j])
            if tie < 0:
                continue
            ink = (
                INKS[tie]
                if few and pattern.strength is None
                else "purple"
                if pattern.strength is not None
                else "ink"
            )
            width, opacity = (1.8, 1.0) if few else (1.1, 0.55)
            if pattern.strength is not None:
                width, opacity = 0.4 + 5.0 * float(pattern.strength[i, j]), 0.75
            ends = [
                below[j].edge_towards((above[i].x, above[i].y)),
                above[i].edge_towards((below[j].x, below[j].y)),
            ]
            canvas.line(ends, ink, width, DASHES[tie] if few and pattern.strength is None else "", opacity)
    if pattern.within is not None:
        for i, j in np.argwhere(pattern.within >= 0):
            tie = int(pattern.within[i, j])
            canvas.arrow(above[j], above[i], ink=INKS[tie], width=1.8, gap=2)
    middle = (n - 1) * pitch / 2
    canvas.text(middle, level + 32, pattern.name, 13, bold=True)
    canvas.text(middle, level + 49, pattern.words, 12, faint=True)
    number = _weights_in_words(pattern)
    canvas.text(middle, level + 66, number, 12, faint=True)
    canvas.cover((middle - 104, 0), (middle + 104, 0))
    joints = int((pattern.ties >= 0).sum() + (0 if pattern.within is None else (pattern.within >= 0).sum()))
    return canvas.diagram(
        f"{pattern.name}: {n} inputs and {n} outputs, {joints} joints, {pattern.words}; {number}."
    )


def _weights_in_words(pattern: Connectivity) -> str:
    if pattern.strength is not None:
        return "shared weights compute the widths"
    count = pattern.weights
    return f"{count} weights" + (" for any length" if count <= 3 else f" for {len(pattern.ties)} positions")


def draw_architectures(n: int = 5, caption: str | None = None, name: str | None = None) -> Diagram:
    """Five ways to join n positions to n positions, as small multiples."""
    panels = [draw_connectivity(pattern) for pattern in connectivities(n)]
    if caption is None:
        caption = "Inputs below, outputs above. Lines of one kind within a panel are one and the same weight."
    return side_by_side(
        panels, "The space of architectures. " + " ".join(panel.alt for panel in panels), caption, name
    )

"""What the last output of chapter 20's network sees: the tree of taps, for any kernel, dilation and depth."""

from __future__ import annotations

import itertools

import numpy as np

from course_pkg.causal_conv import causal_conv_backward
from course_pkg.tcn import receptive_field
from course_pkg.viz.live.figure import LiveFigure

STEPS = 33  # that are drawn, now included
TASK = 600  # numbers of the adding problem: what the network should see
TAPS, BLOCKS = 8, 6  # at most


def paths(K: int, base: int, L: int) -> list[np.ndarray]:
    """The output and each row of values below it: how many paths lead from each step to the last output, newest first.

    The gradient of the last output, back through convolutions whose weights are all 1: two to a block, dilation base^l.
    """
    ones, none = np.ones((K, 1, 1)), np.zeros(1)
    dys = np.zeros((spanned(K, base, L), 1, 1))
    dys[-1] = 1
    rows = [dys]
    for level in reversed(range(L)):
        for _ in range(2):
            rows.append(causal_conv_backward(ones, none, np.ones_like(dys), rows[-1], base**level)[2])
    return [row[::-1, 0, 0] for row in rows]


def spanned(K: int, base: int, L: int) -> int:
    """From the oldest step that is seen to the last: (receptive-field) where the dilation doubles."""
    if base == 2:
        return receptive_field(K, L)
    return 1 + 2 * (K - 1) * sum(base**level for level in range(L))


def figure() -> LiveFigure:
    """Taps, dilation and depth under the reader's hands; the tree of what the last output sees."""

    def numbers(state: dict) -> dict:
        K, base, L = state["K"], state["base"], state["L"]
        rows = [row > 0 for row in paths(K, base, L)]
        edges = np.flatnonzero(np.diff(rows[-1][:TASK].astype(int), prepend=0, append=0))
        enough = next(n for n in itertools.count(1) if spanned(K, base, n) >= TASK)
        drawn = [np.pad(row[:STEPS], (0, max(0, STEPS - len(row)))) for row in rows]
        return {"spanned": spanned(K, base, L), "plain": spanned(K, 1, L), "seen": int(rows[-1].sum()),
                "rows": ["".join("01"[int(there)] for there in row) for row in drawn],
                "runs": edges.reshape(-1, 2), "enough": enough}  # fmt: skip

    return LiveFigure(
        name="receptive_field", label="What the last output of a temporal convolutional network sees",
        data={"steps": STEPS, "task": TASK, "taps": TAPS, "blocks": BLOCKS},
        state={"K": 2, "base": 2, "L": 4}, numbers=numbers,
        cases=({"base": 1}, {"L": 1}, {"base": 3}, {"base": 4}, {"K": 3, "L": 3}, {"K": 8, "L": 6},
               {"K": 8, "base": 1, "L": 6}, {"K": 8, "base": 4, "L": 6}, {"K": 2, "base": 4, "L": 6}),
    )  # fmt: skip

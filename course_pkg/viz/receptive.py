"""What one output of a temporal convolutional network sees. Every line is read off a gradient of the package's code."""

from __future__ import annotations

import numpy as np

from course_pkg.causal_conv import causal_conv_backward
from course_pkg.tcn import BlockParams
from course_pkg.viz.canvas import Canvas
from course_pkg.viz.labels import counted
from course_pkg.viz.svg import Diagram

PITCH, ROW = 27.0, 46.0  # from step to step, from layer to layer


def reads(taps: int, dilation: int, T: int, t: int) -> list[int]:
    """The steps that step t of a causal convolution reads, found by its gradient: those that it reaches."""
    dys = np.zeros((T, 1, 1))
    dys[t] = 1
    _, _, dxs = causal_conv_backward(np.ones((taps, 1, 1)), np.zeros(1), np.ones((T, 1, 1)), dys, dilation)
    return [int(s) for s in np.flatnonzero(dxs)]


def draw_receptive_field(
    p: tuple[BlockParams, ...], T: int = 16, caption: str | None = None, name: str | None = None
) -> Diagram:
    """The convolutions of a TCN as rows of T steps; blue is what the last output depends on.

    The paths around the convolutions (the residual connections) are not drawn: each stays at its own step.
    """
    layers = [(level, len(conv.v)) for level, block in enumerate(p) for conv in (block.conv_1, block.conv_2)]
    canvas, seen = Canvas(), {T - 1}
    rows = len(layers)
    for row in range(rows, -1, -1):  # from the output down to the input
        y = -row * ROW
        for t in range(T):
            canvas.unit(t * PITCH, y, r=6.5, role="hidden" if t in seen else "data", tint=0.5 if t in seen else 0.03)
        if row == 0:
            break
        level, taps = layers[row - 1]
        below = set()
        for t in range(T):
            for s in reads(taps, 2**level, T, t):
                inside = t in seen
                canvas.line([(s * PITCH, y + ROW - 6.5), (t * PITCH, y + 6.5)], "blue" if inside else "ink",
                            1.6 if inside else 0.8, opacity=1.0 if inside else 0.22)  # fmt: skip
                if inside:
                    below.add(s)
        label = f"block {level}, dilation {2**level}" if row % 2 else ""
        if label:
            canvas.text(-1.2 * PITCH, y - ROW / 2, label, 12, anchor="end", faint=True)
        seen = below
    canvas.text(-1.2 * PITCH, 0, "input", 12, anchor="end", faint=True)
    canvas.text((T - 1) * PITCH, 19, "now", 12, faint=True)
    oldest = T - 1 - min(seen)
    canvas.bracket(min(seen) * PITCH, (T - 1) * PITCH, 28, counted(len(seen), "step") + " seen")
    dilations = ", ".join(str(2**level) for level in range(len(p)))
    alt = (f"{counted(rows, 'convolution')} above the input, two to a block, dilations {dilations}. The last output "
           f"depends on {counted(len(seen), 'step')} of the input, from {counted(oldest, 'step')} back to now, and on "
           "nothing later.")  # fmt: skip
    return canvas.diagram(alt, caption, name)

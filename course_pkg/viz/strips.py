"""Sequences of numbers beside what they belong to: words, characters, pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from course_pkg.viz.canvas import Canvas
from course_pkg.viz.labels import counted, label_width, plain, signed
from course_pkg.viz.svg import Diagram


def heat_strip(
    values: np.ndarray,
    labels: Sequence[str] | None = None,
    *,
    rows: Sequence[str] | None = None,
    limit: float | None = None,
    digits: int | None = 2,
    side: float = 20,
    width: float = 680,
    title: str | None = None,
    caption: str | None = None,
    name: str | None = None,
) -> Diagram:
    """Values along a sequence as cells under their words: (T,) one a step, or (T, H) a column of H a step.

    A cell's side grows with the size of its number; positive is filled orange, negative is hollow blue. labels: T words
    or characters. rows: names of the H rows, maths between dollar signs. limit: the size of a full cell, the largest by
    default. digits: decimals printed under single values, None for none. width: longer lines are wrapped (pixels).
    """
    grid = np.asarray(values, dtype=float)
    if grid.ndim not in (1, 2) or grid.size == 0:
        raise ValueError(f"heat_strip: values must be (T,) or (T, H) and not empty, got shape {grid.shape}")
    single = grid.ndim == 1
    grid = grid[:, None] if single else grid
    T, H = grid.shape
    if labels is not None and len(labels) != T:
        raise ValueError(
            f"heat_strip: labels must be {T} strings (one for each step of values), got {len(labels)}"
        )
    if rows is not None and len(rows) != H:
        raise ValueError(
            f"heat_strip: rows must be {H} names (one for each column of values), got {len(rows)}"
        )
    limit = float(np.abs(grid).max()) if limit is None else limit
    numbers = single and digits is not None
    words = list(labels) if labels is not None else [""] * T
    shown = [signed(v, digits or 0) for v in grid[:, 0]] if numbers else [""] * T
    pitches = [
        max(side + 3, label_width(word, 13, "n") + 10, label_width(text, 11.5, "n") + 9 if numbers else 0)
        for word, text in zip(words, shown, strict=True)
    ]
    canvas = Canvas()
    indent = max((label_width(row, 13) for row in rows), default=0) + 12 if rows else 0
    if title:
        canvas.text(0, -24, title, 13.5, anchor="start", bold=True)
    x, y, down = indent, 0.0, (side + 3) * H + (26 if labels is not None else 0) + (20 if numbers else 0) + 16
    for t in range(T):
        if x + pitches[t] > width and x > indent:
            x, y = indent, y + down
        centre, top = x + pitches[t] / 2, y
        if labels is not None:
            canvas.text(centre, y, words[t], 13, face="n")
            top = y + 24
        canvas.cells(centre, top + (side + 3) * (H - 1) / 2, grid[t], side, 3, limit)
        if numbers:
            canvas.text(centre, top + side / 2 + 13, shown[t], 11.5, face="n", faint=True)
        if rows and x == indent:
            for i, row in enumerate(rows):
                canvas.text(indent - 10, top + i * (side + 3), row, 13, anchor="end")
        x += pitches[t]
    words_said = (
        " ".join(f"{word} {text}".strip() for word, text in zip(words, shown, strict=True))
        if single and T <= 40
        else ""
    )
    alt = f"{plain(title) + ': ' if title else ''}{counted(T, 'step')} of {counted(H, 'value')} "
    alt += f"between {signed(grid.min())} and {signed(grid.max())}"
    return canvas.diagram(f"{alt}{': ' + words_said if words_said else ''}.", caption, name)

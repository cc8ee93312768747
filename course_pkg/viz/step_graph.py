"""The computational graph of a recurrent model, one column a step: the graph of :mod:`graphs`, placed by time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from course_pkg.viz.canvas import Canvas
from course_pkg.viz.geometry import Node, Point
from course_pkg.viz.graphs import WAY_BACK, draw_item
from course_pkg.viz.labels import label_width, plain, short
from course_pkg.viz.picture import RESULT_NAMES, Item, Picture
from course_pkg.viz.recorder import Op
from course_pkg.viz.svg import Diagram
from course_pkg.viz.trace import Trace

COLUMN, ROW, ASIDE = (
    196.0,
    68.0,
    98.0,
)  # from step to step; from row to row; from an operation to what stands beside it


def draw_step_graph(
    run: Trace,
    cell: str = "rnn_step",
    *,
    names: Mapping[str, str] | None = None,
    gradients: bool | Mapping[Op, np.ndarray] = False,
    caption: str | None = None,
    name: str | None = None,
) -> Diagram:
    """The computational graph of a recorded run of a recurrent model, with a column for each call of ``cell``.

    Functions that the traced function calls are one box each. names: function -> letter for its results, as in
    ``draw_graph``. gradients: True for a reverse pass over the graph, or the result of ``run.gradients(...)``: dashed
    arrows on the way back, with the norm of dL/d(value) beside each value.
    """
    if not run.calls(cell):
        raise ValueError(f"draw_step_graph: run must contain calls of {cell}, got a trace of {run.function}")
    around = {
        call[0]
        for op in run.calls(cell)[0]
        for call in op.scope[: [name for name, _ in op.scope].index(cell)]
    }
    inner = (
        [call[0] for call in op.scope if call[0] not in {run.function, *around}] for op in run.operations
    )
    collapse = {functions[0] for functions in inner if functions}
    picture = Picture(run, collapse, RESULT_NAMES if names is None else names, repeat=True)
    found = run.gradients() if gradients is True else (gradients or {})
    T = len(run.calls(cell))
    picture.drop("const")
    step = _steps(picture.shown, cell, T)
    place = _places(picture.shown, step, T + 1)
    canvas = Canvas()
    nodes: dict[Item, Node] = {}
    for item in picture.shown:
        if item.kind == "param":
            continue
        nodes[item] = draw_item(canvas, item, *place[item])
        if item.source in found and item.kind != "op":
            x, y = place[item]
            text, side = short(float(np.linalg.norm(found[item.source]))), item.size[0] / 2 + 5
            canvas.text(x + side, y - 9, text, 11, "start", "n", "purple")
    for item in picture.shown:
        weights = [source for source in item.inputs if source.kind == "param"]
        if weights:
            canvas.arrow(_weights(canvas, weights, nodes[item], above=step[item] > T), nodes[item])
        sources = [source for source in dict.fromkeys(item.inputs) if source.kind != "param"]
        for i, source in enumerate(sources):
            shift = (i - (len(sources) - 1) / 2) * 11
            path = _path(nodes[source], nodes[item], step[source] != step[item], shift)
            canvas.shaft(path)
            if source.source in found:
                canvas.shaft(_parallel(path, 6.0)[::-1], "purple", 1.4, "4 3", head=6.5)
    inputs = list(dict.fromkeys(plain(item.label) for item in picture.shown if item.kind == "data"))
    alt = f"Computational graph of {run.function} over {T} steps, a column for each: {', '.join(inputs)} go in; "
    alt += "each step computes its state from its input and the state before it, with the same weights."
    if found:
        alt += " Dashed arrows carry the gradients back; numbers are their norms."
    return canvas.diagram(alt, caption or (WAY_BACK if found else None), name)


def _steps(items: list[Item], cell: str, T: int) -> dict[Item, int]:
    """The column of each item: 1 ... T, 0 for the initial state, and T + 1 for what joins several steps."""
    step: dict[Item, int] = {}
    calls = [item for item in items if isinstance(item.key, tuple) and item.key[0] == cell]
    for item in items:
        if item in calls:
            step[item] = calls.index(item) + 1
        elif item.inputs:
            before = {step[source] for source in item.inputs if source in step and source.inputs}
            step[item] = before.pop() if len(before) == 1 else T + 1
    for item in items:
        for source in item.inputs:
            if not source.inputs and source.kind != "param":
                read = isinstance(source.key, tuple) and source.key[0] == "element"  # x_t, one row of xs
                step[source] = 0 if item in calls and step[item] == 1 and not read else step[item]
    return step


def _places(items: list[Item], step: dict[Item, int], last: int) -> dict[Item, Point]:
    """Columns by step, rows by the longest path within a step; what joins the steps (``last``) stands on top."""
    row: dict[Item, int] = {}
    for item in items:
        if item in step and item.inputs:
            row[item] = max(
                (row[s] + 1 for s in item.inputs if s in row and step[s] == step[item]), default=1
            )
    top = max(row[item] for item in row if step[item] < last)
    place: dict[Item, Point] = {}
    joins = [item for item in items if item.inputs and step.get(item) == last]
    for item in items:
        if item in joins or item not in step:
            continue
        column = step[item] * COLUMN
        if item in row:
            place[item] = (column, -row[item] * ROW)
            continue
        user = next(
            other for other in items if item in other.inputs
        )  # an input stands below, or beside, its first use
        if user in joins:
            continue
        if step[item] == 0:
            place[item] = (COLUMN - ASIDE * 1.15, -row[user] * ROW - 0.72 * ROW)
        elif row[user] == 1:
            place[item] = (column, 0.0)
        else:
            place[item] = (column - ASIDE, -row[user] * ROW)
    length = sum(item.size[0] + 28 for item in joins) - 28
    x = (
        max(COLUMN, last / 2 * COLUMN - length / 2)
        if len(joins) > 3
        else last / 2 * COLUMN - joins[0].size[0] / 2
        if joins
        else 0
    )
    for item in joins:
        place[item] = (x + item.size[0] / 2, -(top + 1.15) * ROW)
        x += item.size[0] + 28
        for source in item.inputs:
            if source not in place and source.kind != "param":
                place[source] = (place[item][0], place[item][1] - 0.9 * ROW)
    return place


def _weights(canvas: Canvas, weights: list[Item], node: Node, above: bool) -> Node:
    """One hexagon for all weights that an operation uses."""
    label = ", ".join(weight.label for weight in weights)
    width = label_width(label, 12.5) + 22
    x, y = (node.x, node.y - 52) if above else (node.x - node.w / 2 - 14 - width / 2, node.y + 31)
    return canvas.param(x, y, label, w=width, h=23, size=12.5)


def _path(a: Node, b: Node, between: bool, shift: float) -> list[Point]:
    """Straight up within a step, an S-curve to the right between steps; ``shift`` keeps heads that meet apart."""
    if abs(a.x - b.x) < 1 and a.y < b.y:
        return [a.bottom, (b.x, b.top[1] - 3)]
    if abs(a.x - b.x) < 1:
        return [a.top, (b.x, b.bottom[1] + 3)]
    if abs(a.y - b.y) < 1:
        return [a.right, (b.left[0] - 3, b.y)]
    if (
        between and b.y < a.y and b.shape == "box" and abs(b.y - a.y) < 1.6 * ROW
    ):  # up into what joins the steps
        start, end = a.top, (b.x + shift, b.bottom[1] + 3)
        handles = [(a.x, (start[1] + end[1]) / 2), (end[0], (start[1] + end[1]) / 2)]
    else:
        start, end = a.right, (b.left[0] - 3, b.y)
        handles = [(start[0] + 46, start[1]), (end[0] - 46, end[1])]
    return [_bezier(start, *handles, end, k / 24) for k in range(25)]


def _bezier(p: Point, q: Point, r: Point, s: Point, t: float) -> Point:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    x, y = (sum(w * c[axis] for w, c in zip(weights, (p, q, r, s), strict=True)) for axis in (0, 1))
    return (x, y)


def _parallel(points: list[Point], shift: float) -> list[Point]:
    """The same line, moved to its right-hand side and a little shorter at both ends."""
    if len(points) == 2:
        points = [tuple(a + (b - a) * k / 12 for a, b in zip(*points, strict=True)) for k in range(13)]
    moved = []
    for (x1, y1), (x2, y2) in zip(points, points[1:], strict=False):
        length = float(np.hypot(x2 - x1, y2 - y1)) or 1.0
        moved.append(((x1 + x2) / 2 - (y2 - y1) / length * shift, (y1 + y2) / 2 + (x2 - x1) / length * shift))
    return moved[:-1]

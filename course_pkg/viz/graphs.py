"""Computational graphs: the operations that a run of real code went through, and the gradients that come back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from course_pkg.viz.canvas import Canvas
from course_pkg.viz.geometry import Node
from course_pkg.viz.labels import plain, short
from course_pkg.viz.layered import arrange
from course_pkg.viz.picture import RESULT_NAMES, Item, Picture
from course_pkg.viz.svg import Diagram
from course_pkg.viz.trace import Op, Trace

WAY_BACK = (
    "Dashed: the gradients on their way back. A number is the norm of the loss's gradient at that value."
)


def draw_graph(
    run: Trace,
    *,
    collapse: Iterable[str] = (),
    names: Mapping[str, str] | None = None,
    repeat: bool = True,
    params: bool = True,
    shapes: bool = False,
    gradients: bool | Mapping[Op, np.ndarray] = False,
    caption: str | None = None,
    name: str | None = None,
) -> Diagram:
    """The computational graph of a recorded run, laid out in layers from left to right.

    collapse: functions whose every call is shown as one box. names: function -> letter; the result of its t-th call
    is shown as letter_t ("rnn_step" -> h, losses -> L by default). repeat: draw a shared weight at each of its uses, or
    once, with long arrows. params: draw the weights at all. shapes: print shapes under values.
    gradients: True for a reverse pass over the graph (its first output must then be one number), or the result of
    ``run.gradients(...)``. Draws the way back, with the norm of dL/d(value) at each node.
    """
    picture = Picture(run, collapse, RESULT_NAMES if names is None else names, repeat, params)
    found = run.gradients() if gradients is True else (gradients or {})
    under = 14.0 if shapes or found else 0.0
    sizes = {
        item: (max(item.size[0], 40 if under else 0), item.size[1] + 2 * under) for item in picture.shown
    }
    light = {item for item in picture.shown if item.kind in ("param", "const")}
    heavy = {item for item in picture.shown if item.kind == "hidden"}
    layout = arrange(
        picture.shown,
        picture.edges,
        sizes,
        light,
        heavy,
        gap=26 if not found else 36,
        apart=10 if under else 16,
    )
    canvas = Canvas()
    nodes = {item: draw_item(canvas, item, *layout.place[item]) for item in picture.shown}
    for item in picture.shown:
        sources = sorted(
            dict.fromkeys(item.inputs), key=lambda s: (layout.route[s, item] or [layout.place[s]])[-1][1]
        )
        for i, source in enumerate(sources):
            port = _port(nodes[item], i, len(sources))
            path = _flow([nodes[source].right, *layout.route[source, item], port])
            canvas.shaft(path)
            if found and source.source in found:
                canvas.shaft(_beside(path, 5.0)[::-1], "purple", 1.3, "4 3", head=6)
    for item in picture.shown:
        x, y = layout.place[item]
        if shapes and (item.kind != "op" or item.key != item.source):
            canvas.text(
                x,
                y + item.size[1] / 2 + 9,
                str(item.value.shape).replace(",)", ")"),
                10.5,
                face="n",
                faint=True,
            )
        if item.source in found:
            text = short(float(np.linalg.norm(found[item.source])))
            canvas.text(x, y - item.size[1] / 2 - 9, text, 10.5, face="n", ink="purple")
    return canvas.diagram(_words(picture, bool(found)), caption or (WAY_BACK if found else None), name)


def draw_item(canvas: Canvas, item: Item, x: float, y: float) -> Node:
    """Draw an item of a graph at (x, y) in the form of its kind."""
    w, h = item.size
    if item.kind == "param":
        return canvas.param(x, y, item.label, w=w, h=h, size=13)
    if item.kind == "const":
        return canvas.box(x, y, item.label, w=w, h=h, size=12, radius=2, dashed=True)
    if item.kind == "loss":
        return (
            canvas.loss(x, y, item.label, r=21, size=13.5)
            if w == 42
            else canvas.box(x, y, item.label, w, 30, "loss", 13.5, 15)
        )
    if item.kind == "op":
        return canvas.operation(x, y, item.label, w)
    if w == h:
        return canvas.unit(x, y, item.label, w / 2, item.kind, 14)
    return canvas.box(x, y, item.label, w, h, item.kind, 14, radius=h / 2)


def _port(node: Node, i: int, n: int) -> tuple[float, float]:
    """Where the i-th of n arrows arrives on a node's left side."""
    shift = (i - (n - 1) / 2) * min(11.0, 0.62 * node.h / max(1, n - 1)) if n > 1 else 0.0
    inset = 0.0 if node.shape == "box" else abs(shift) * 0.4
    return (node.left[0] - 3 + inset, node.y + shift)


def _flow(points: list[tuple[float, float]], count: int = 12) -> list[tuple[float, float]]:
    """A line through points that leaves and arrives horizontally."""
    out = [points[0]]
    for (x1, y1), (x2, y2) in zip(points, points[1:], strict=False):
        for k in range(1, count + 1):
            t = k / count
            ease = t * t * (3 - 2 * t)
            out.append((x1 + (x2 - x1) * t, y1 + (y2 - y1) * ease))
    return out


def _beside(points: list[tuple[float, float]], shift: float) -> list[tuple[float, float]]:
    """The same line moved to its right-hand side, without its ends."""
    out = []
    for (x1, y1), (x2, y2) in zip(points[1:-3], points[3:-1], strict=True):
        length = float(np.hypot(x2 - x1, y2 - y1)) or 1.0
        out.append(((x1 + x2) / 2 - (y2 - y1) / length * shift, (y1 + y2) / 2 + (x2 - x1) / length * shift))
    return out


def _words(picture: Picture, gradients: bool) -> str:
    """The graph as a sentence for screen readers."""
    operations = [item for item in picture.shown if item.kind == "op"]
    inputs = list(
        dict.fromkeys(plain(item.label) for item in picture.shown if item.kind in ("data", "param"))
    )
    text = (
        f"Computational graph of {picture.run.function}: from {', '.join(inputs)} through "
        f"{', then '.join(_spoken(item.label) for item in operations[:14])}"
        f"{f' and {len(operations) - 14} more operations' if len(operations) > 14 else ''}."
    )
    return text + (" Dashed arrows carry the gradients back; numbers are their norms." if gradients else "")


def _spoken(label: str) -> str:
    spoken = {
        "@": "matrix product",
        "+": "sum",
        "×": "product",
        "\N{MINUS SIGN}": "difference",
        "\N{MINUS SIGN}·": "negation",
    }
    return spoken.get(label, plain(label).replace("\n", " "))

"""The canvas of the course's diagrams: shapes for data, operations, parameters and losses, arrows, labels, cells.

The grammar is the same in every picture: what flows is round (data), what is learnt is a hexagon (parameter), what is
done is a rounded box (operation), what is minimised is a diamond (loss).
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from course_pkg.viz.geometry import Node, Point, bezier_chain, centre, cut_head, rounded, sample
from course_pkg.viz.labels import label_width, number, parse_label
from course_pkg.viz.svg import Diagram, colour

# The kind of a node decides its colour; its shape is decided by the method that draws it.
ROLES = {"data": "ink", "hidden": "blue", "output": "teal", "param": "orange", "op": "ink", "loss": "rose"}


@dataclass
class Canvas:
    """Collects shapes. ``back`` lies under ``front``: arrows never cross over a node's face."""

    back: list[str] = field(default_factory=list)
    front: list[str] = field(default_factory=list)
    extent: list[float] = field(default_factory=lambda: [math.inf, math.inf, -math.inf, -math.inf])

    def cover(self, *points: Point, margin: float = 0.0) -> None:
        """Makes the drawing large enough to hold these points."""
        for x, y in points:
            low, high = (x - margin, y - margin), (x + margin, y + margin)
            self.extent[:2] = [min(self.extent[0], low[0]), min(self.extent[1], low[1])]
            self.extent[2:] = [max(self.extent[2], high[0]), max(self.extent[3], high[1])]

    def diagram(
        self, alt: str, caption: str | None = None, name: str | None = None, margin: float = 6.0
    ) -> Diagram:
        """What was drawn, as a Diagram, with a margin around it."""
        x1, y1, x2, y2 = self.extent
        if not math.isfinite(x1):
            raise ValueError("Canvas.diagram: nothing was drawn")
        box = (x1 - margin, y1 - margin, x2 - x1 + 2 * margin, y2 - y1 + 2 * margin)
        return Diagram("".join(self.back + self.front), tuple(round(v, 1) for v in box), alt, caption, name)

    # -- text

    def text(
        self,
        x: float,
        y: float,
        label: str,
        size: float = 13,
        anchor: str = "middle",
        face: str = "s",
        ink: str = "ink",
        bold: bool = False,
        faint: bool = False,
    ) -> None:
        """A label whose middle line is at ``y``. Maths goes between dollar signs."""
        runs, parts, level = parse_label(label, face), [], 0.0
        for run in runs:
            grown = (
                size * run.scale * (1.12 if run.face in "mr" else 1)
            )  # serif letters look smaller at the same size
            move = f' dy="{number(run.shift * size - level)}"' if abs(run.shift * size - level) > 0.05 else ""
            level = run.shift * size
            mark = "" if run.face == "s" else f' class="cd-{run.face}"'
            parts.append(
                f'<tspan{mark} font-size="{number(grown)}"{move}>{html.escape(run.text, quote=False)}</tspan>'
            )
        extra = ' font-weight="600"' if bold else ""
        extra += ' opacity="0.72"' if faint else ""
        extra += f' style="fill:{colour(ink)}"' if ink != "ink" else ""
        self.front.append(
            f'<text x="{number(x)}" y="{number(y + 0.35 * size)}" text-anchor="{anchor}"{extra}>{"".join(parts)}</text>'
        )
        width = label_width(label, size, face) * (1.14 if bold else 1.0)
        left = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * width
        self.cover((left, y - 0.6 * size), (left + width, y + 0.6 * size))

    # -- nodes

    def _paint(self, role: str, tint: float | None = None, dashed: bool = False, width: float = 1.5) -> str:
        ink = colour(ROLES.get(role, role))
        tint = (0.05 if role in ("data", "op") else 0.13) if tint is None else tint
        dash = ' stroke-dasharray="4 3.5"' if dashed else ""
        return f'stroke="{ink}" stroke-width="{number(width)}" fill="{ink}" fill-opacity="{tint:g}"{dash}'

    def _finish(self, node: Node, label: str, size: float, face: str = "s") -> Node:
        self.cover(
            (node.x - node.w / 2, node.y - node.h / 2), (node.x + node.w / 2, node.y + node.h / 2), margin=1
        )
        if label:
            self.text(node.x, node.y, label, size, face=face)
        return node

    def unit(
        self,
        x: float,
        y: float,
        label: str = "",
        r: float = 20,
        role: str = "data",
        size: float = 15,
        **paint,
    ) -> Node:
        """Data: a round unit."""
        self.front.append(
            f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(r)}" {self._paint(role, **paint)}/>'
        )
        return self._finish(Node(x, y, 2 * r, 2 * r, "circle"), label, size)

    def box(
        self,
        x: float,
        y: float,
        label: str = "",
        w: float = 0,
        h: float = 28,
        role: str = "op",
        size: float = 13,
        radius: float = 7,
        face: str = "s",
        **paint,
    ) -> Node:
        """An operation: a rounded box, as wide as its label needs."""
        w = w or max(h, label_width(label, size, face) + 16)
        self.front.append(
            f'<rect {rectangle(x, y, w, h)} rx="{number(radius)}" '
            f"{self._paint(role, paint.get('tint'), paint.get('dashed', False))}/>"
        )
        return self._finish(Node(x, y, w, h, "box"), label, size, face)

    def operation(self, x: float, y: float, label: str, w: float = 0, size: float = 13) -> Node:
        """An operation whose label may have several lines."""
        lines = label.split("\n")
        w = w or max(30.0, *(label_width(line, size) + 16 for line in lines))
        node = self.box(x, y, "" if len(lines) > 1 else label, w, 27.0 + 15 * (len(lines) - 1), size=size)
        for i, line in enumerate(lines if len(lines) > 1 else []):
            self.text(x, y + (i - (len(lines) - 1) / 2) * 15, line, size)
        return node

    def _polygon(self, node: Node, label: str, size: float, role: str, paint: dict) -> Node:
        points = " ".join(f"{number(px)},{number(py)}" for px, py in node.corners())
        self.front.append(f'<polygon points="{points}" {self._paint(role, **paint)}/>')
        return self._finish(node, label, size)

    def param(
        self,
        x: float,
        y: float,
        label: str = "",
        w: float = 0,
        h: float = 26,
        role: str = "param",
        size: float = 14,
        **paint,
    ) -> Node:
        """A parameter: a hexagon, as wide as its label needs."""
        w = w or max(h * 1.35, label_width(label, size) + 18)
        return self._polygon(Node(x, y, w, h, "hexagon"), label, size, role, paint)

    def loss(self, x: float, y: float, label: str = "", r: float = 23, size: float = 14, **paint) -> Node:
        """What is minimised: a diamond."""
        return self._polygon(Node(x, y, 2 * r, 2 * r, "diamond"), label, size, "loss", paint)

    # -- lines

    def line(
        self,
        points: Sequence[Point],
        ink: str = "ink",
        width: float = 1.4,
        dash: str = "",
        opacity: float = 1.0,
        front: bool = False,
    ) -> None:
        """A plain stroke through points."""
        path = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
        self._stroke(path, ink, width, dash, opacity, front)
        self.cover(*points, margin=width / 2)

    def _stroke(
        self, path: str, ink: str, width: float, dash: str = "", opacity: float = 1.0, front: bool = False
    ) -> None:
        extra = f' stroke-dasharray="{dash}"' if dash else ""
        extra += f' opacity="{opacity:.2f}"' if opacity < 1 else ""
        (self.front if front else self.back).append(
            f'<path d="{path}" stroke="{colour(ink)}" stroke-width="{number(width)}"{extra}/>'
        )

    def arrow(
        self,
        start: Node | Point,
        end: Node | Point,
        via: Sequence[Point] = (),
        bend: float = 0.0,
        ink: str = "ink",
        width: float = 1.4,
        dash: str = "",
        opacity: float = 1.0,
        head: float | None = None,
        gap: float = 3.0,
        smooth: bool = False,
        corner: float = 10.0,
        cubic: bool = False,
    ) -> list[Point]:
        """An arrow from outline to outline; returns points of its shaft, so that a label can be put beside it.

        via: corners (rounded), or points of a curve (``smooth``), or the two handles of one Bezier curve
        (``cubic``). bend: bows a straight arrow by this much.
        """
        a, b = centre(start), centre(end)
        inner = list(via)
        if bend and not inner:
            across = (-(b[1] - a[1]), b[0] - a[0])
            length = math.hypot(*across) or 1.0
            inner = [
                ((a[0] + b[0]) / 2 + across[0] / length * bend, (a[1] + b[1]) / 2 + across[1] / length * bend)
            ]
            smooth = True
        first = (
            start.edge_towards(inner[0] if inner else b, 0 if gap == 0 else 1.5)
            if isinstance(start, Node)
            else a
        )
        last = end.edge_towards(inner[-1] if inner else a, gap) if isinstance(end, Node) else b
        points = [first, *inner, last]
        if cubic:
            samples = sample([tuple(points)], 24)
        else:
            samples = sample(bezier_chain(points)) if smooth and inner else rounded(points, corner)
        self.shaft(samples, ink, width, dash, opacity, head)
        return samples

    def shaft(
        self,
        samples: list[Point],
        ink: str = "ink",
        width: float = 1.4,
        dash: str = "",
        opacity: float = 1.0,
        head: float | None = None,
    ) -> None:
        """A line along sampled points, with an arrow head at its end (none for ``head=0``)."""
        shaft, (tip, left, right) = cut_head(samples, 5.5 + 1.6 * width if head is None else head)
        path = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in shaft)
        self._stroke(path, ink, width, dash, opacity)
        if head != 0:
            faded = f' opacity="{opacity:.2f}"' if opacity < 1 else ""
            corners = " ".join(f"{number(x)},{number(y)}" for x, y in (tip, left, right))
            self.back.append(f'<polygon points="{corners}" fill="{colour(ink)}"{faded}/>')
        self.cover(*shaft, tip, left, right, margin=width / 2)

    def bracket(
        self,
        x1: float,
        x2: float,
        y: float,
        label: str = "",
        size: float = 13,
        depth: float = 7,
        below: bool = True,
    ) -> None:
        """A horizontal bracket with a label, under (or over) what it spans."""
        sign = 1 if below else -1
        self.line([(x1, y), (x1, y + sign * depth), (x2, y + sign * depth), (x2, y)], width=1.1, opacity=0.6)
        if label:
            self.text((x1 + x2) / 2, y + sign * (depth + size), label, size)

    # -- values

    def cell(self, x: float, y: float, value: float, side: float = 16, limit: float = 1.0) -> None:
        """One number as a square: side grows with its size; positive is full orange, negative is hollow blue."""
        share = min(1.0, abs(float(value)) / limit) if limit > 0 else 0.0
        share = share if share > 1e-9 else 0.0  # the sign of a rounding error is not shown
        self.front.append(
            f'<rect {rectangle(x, y, side, side)} rx="2" fill="currentColor" fill-opacity="0.09"/>'
        )
        inner = side * (0.14 + 0.86 * share) if share > 0 else 0.0
        if inner:
            positive = value > 0
            inset = 0.0 if positive else min(1.0, inner / 4)
            s = inner - 2 * inset
            ink = colour("orange" if positive else "blue")
            stroke = f'fill-opacity="0.16" stroke="{ink}" stroke-width="{number(2 * inset)}"'
            paint = f'fill="{ink}" {stroke}' if not positive else f'fill="{ink}" fill-opacity="0.85"'
            self.front.append(f'<rect {rectangle(x, y, s, s)} rx="1.5" {paint}/>')
        self.cover((x - side / 2, y - side / 2), (x + side / 2, y + side / 2))

    def cells(
        self, x: float, y: float, values: np.ndarray, side: float = 16, gap: float = 2, limit: float = 1.0
    ) -> None:
        """A matrix of cells, rows downwards, centred at (x, y). A vector is one column."""
        grid = np.atleast_2d(np.asarray(values, dtype=float))
        grid = grid.T if np.ndim(values) == 1 else grid
        rows, columns = grid.shape
        pitch = side + gap
        for i in range(rows):
            for j in range(columns):
                self.cell(
                    x + (j - (columns - 1) / 2) * pitch,
                    y + (i - (rows - 1) / 2) * pitch,
                    grid[i, j],
                    side,
                    limit,
                )


def rectangle(x: float, y: float, w: float, h: float) -> str:
    """The attributes of a rectangle with its centre at (x, y)."""
    return f'x="{number(x - w / 2)}" y="{number(y - h / 2)}" width="{number(w)}" height="{number(h)}"'

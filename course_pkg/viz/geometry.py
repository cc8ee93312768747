"""Outlines and curves of the drawing kit: where an arrow meets a node, and which way it takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, float]


@dataclass(frozen=True)
class Node:
    """Something drawn that arrows can start from and end at."""

    x: float
    y: float
    w: float
    h: float
    shape: str  # "circle", "box", "hexagon", "diamond"

    @property
    def top(self) -> Point:
        return (self.x, self.y - self.h / 2)

    @property
    def bottom(self) -> Point:
        return (self.x, self.y + self.h / 2)

    @property
    def left(self) -> Point:
        return (self.x - self.w / 2, self.y)

    @property
    def right(self) -> Point:
        return (self.x + self.w / 2, self.y)

    def corners(self) -> list[Point]:
        """The corners of the outline, in order."""
        x, y, a, b = self.x, self.y, self.w / 2, self.h / 2
        if self.shape == "hexagon":
            cut = min(b, a) * 0.62
            return [
                (x - a, y),
                (x - a + cut, y - b),
                (x + a - cut, y - b),
                (x + a, y),
                (x + a - cut, y + b),
                (x - a + cut, y + b),
            ]
        if self.shape == "diamond":
            return [(x - a, y), (x, y - b), (x + a, y), (x, y + b)]
        return [(x - a, y - b), (x + a, y - b), (x + a, y + b), (x - a, y + b)]

    def edge_towards(self, target: Point, gap: float = 0.0) -> Point:
        """The point of the outline on the way from the centre to ``target``, moved out by ``gap``."""
        dx, dy = target[0] - self.x, target[1] - self.y
        distance = math.hypot(dx, dy)
        if distance == 0:
            return (self.x, self.y)
        if self.shape == "circle":
            reach = self.w / 2
        else:
            reach = distance
            corners = self.corners()
            for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
                ex, ey = x2 - x1, y2 - y1
                cross = dx * ey - dy * ex
                if abs(cross) < 1e-9:
                    continue
                along = ((x1 - self.x) * ey - (y1 - self.y) * ex) / cross
                across = ((x1 - self.x) * dy - (y1 - self.y) * dx) / cross
                if along > 0 and -1e-9 <= across <= 1 + 1e-9:
                    reach = min(reach, along * distance)
        reach += gap
        return (self.x + dx / distance * reach, self.y + dy / distance * reach)


def centre(end: Node | Point) -> Point:
    """The middle of a node; a point is its own."""
    return (end.x, end.y) if isinstance(end, Node) else end


def bezier_chain(points: Sequence[Point]) -> list[tuple[Point, Point, Point, Point]]:
    """A smooth curve through the points (Catmull-Rom), as cubic pieces."""
    padded = [points[0], *points, points[-1]]
    pieces = []
    for p0, p1, p2, p3 in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        c1 = (p1[0] + (p2[0] - p0[0]) / 6, p1[1] + (p2[1] - p0[1]) / 6)
        c2 = (p2[0] - (p3[0] - p1[0]) / 6, p2[1] - (p3[1] - p1[1]) / 6)
        pieces.append((p1, c1, c2, p2))
    return pieces


def sample(pieces: Sequence[tuple[Point, Point, Point, Point]], count: int = 10) -> list[Point]:
    """Points along a curve of cubic pieces, `count` on each."""
    out = [pieces[0][0]]
    for p, q, r, s in pieces:
        for k in range(1, count + 1):
            t = k / count
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            out.append(
                tuple(sum(w * c[axis] for w, c in zip(weights, (p, q, r, s), strict=True)) for axis in (0, 1))
            )
    return out


def rounded(points: Sequence[Point], radius: float) -> list[Point]:
    """A polyline whose corners are rounded, as points."""
    out = [points[0]]
    for before, here, after in zip(points, points[1:], points[2:], strict=False):
        size_in, size_out = math.dist(before, here), math.dist(here, after)
        r = min(radius, size_in / 2, size_out / 2)
        if r < 0.5:
            out.append(here)
            continue
        a = tuple(here[i] + (before[i] - here[i]) / size_in * r for i in (0, 1))
        b = tuple(here[i] + (after[i] - here[i]) / size_out * r for i in (0, 1))
        for k in range(7):
            t = k / 6
            out.append(tuple((1 - t) ** 2 * a[i] + 2 * t * (1 - t) * here[i] + t * t * b[i] for i in (0, 1)))
    return [*out, points[-1]]


def cut_head(points: list[Point], head: float) -> tuple[list[Point], tuple[Point, Point, Point]]:
    """Shortens a shaft so that an arrow head of this length fits in front of it."""
    tip, shaft = points[-1], list(points)
    while len(shaft) > 2 and math.dist(shaft[-2], tip) < head * 0.8:
        shaft.pop()
    base = shaft[-2] if len(shaft) > 1 else shaft[0]
    length = math.dist(base, tip) or 1.0
    ux, uy = (tip[0] - base[0]) / length, (tip[1] - base[1]) / length
    back = min(head, length)
    foot = (tip[0] - ux * back, tip[1] - uy * back)
    half = head * 0.42
    shaft[-1] = (tip[0] - ux * back * 0.8, tip[1] - uy * back * 0.8)
    return shaft, (
        tip,
        (foot[0] - uy * half, foot[1] + ux * half),
        (foot[0] + uy * half, foot[1] - ux * half),
    )

"""Pen strokes: digits drawn by a pen that lifts, from curves of our own, and what every pen drawing needs.

A drawing is (T, 3): dx, dy from the point before (the first from the origin), and 1 where a stroke ends. y points up.
"""

from collections.abc import Sequence

import numpy as np

from course_pkg.shapes import Float, check_choice, check_positive_int, check_rng, checked

UNIT = 8.0  # a digit is about 2 high; offsets are multiplied by this, so that they are about 1


def line(*points: tuple[float, float]) -> np.ndarray:
    """A path through these points: (n, 2)."""
    return np.array(points, float)


def arc(x: float, y: float, wide: float, high: float, start: float, end: float) -> np.ndarray:
    """A piece of an ellipse round (x, y), between two angles in degrees (0 is right, 90 is up): (25, 2)."""
    angle = np.radians(np.linspace(start, end, 25))
    return np.stack([x + wide * np.cos(angle), y + high * np.sin(angle)], axis=-1)


def _joined(*pieces: np.ndarray) -> np.ndarray:
    return np.concatenate(pieces)


# Digit -> the ways it is written; a way is its strokes, the pen is lifted between them.
WAYS: dict[int, list[list[np.ndarray]]] = {
    0: [[arc(0, 0, 0.6, 1, 90, 450)], [arc(0, 0, 0.6, 1, 90, -270)]],  # anticlockwise or clockwise
    1: [[line((0, 1), (0, -1))], [line((-0.4, 0.6), (0, 1), (0, -1))]],
    2: [[_joined(arc(0, 0.45, 0.55, 0.55, 160, -40), line((-0.6, -1), (0.6, -1)))]],
    3: [[_joined(arc(0, 0.5, 0.5, 0.5, 150, -90), arc(0, -0.5, 0.55, 0.5, 90, -150))]],
    4: [[line((-0.1, 1), (-0.6, -0.2), (0.6, -0.2)), line((0.25, 0.4), (0.25, -1))],
        [line((0.25, -1), (0.25, 1), (-0.6, -0.3), (0.6, -0.3))]],
    5: [[_joined(line((-0.4, 1), (-0.45, 0.15)), arc(-0.05, -0.4, 0.6, 0.6, 125, -140)), line((-0.4, 1), (0.5, 1))]],
    6: [[_joined(arc(0.35, 0, 0.9, 1, 90, 200), arc(0, -0.45, 0.5, 0.55, 180, 540))]],
    7: [[line((-0.5, 1), (0.55, 1), (-0.15, -1))],
        [line((-0.5, 1), (0.55, 1), (-0.15, -1)), line((-0.3, 0), (0.5, 0))]],  # with a bar
    8: [[_joined(arc(0, 0.5, 0.45, 0.5, 90, 270), arc(0, -0.5, 0.55, 0.5, 90, -270), arc(0, 0.5, 0.45, 0.5, -90, 90))]],
    9: [[_joined(arc(0, 0.45, 0.5, 0.55, 20, 380), line((0.45, 0.6), (0.3, -1)))]],
}  # fmt: skip


def even_steps(path: np.ndarray, n: int) -> np.ndarray:
    """path: (m, 2) -> n >= 2 points (n, 2) along it at equal distances, its two ends among them."""
    path = path[np.r_[True, (np.diff(path, axis=0) != 0).any(axis=1)]]
    if len(path) == 1:
        return np.repeat(path, n, axis=0)
    length = np.r_[0, np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))]
    places = np.linspace(0, length[-1], n)
    return np.stack([np.interp(places, length, path[:, k]) for k in (0, 1)], axis=-1)


def share_points(paths: Sequence[np.ndarray], n: int) -> list[int]:
    """How many of n points each path gets: at least 2, the rest by length."""
    if n < 2 * len(paths):
        raise ValueError(f"share_points: n must be at least 2 for each of {len(paths)} strokes, got {n}")
    lengths = np.array([np.linalg.norm(np.diff(p, axis=0), axis=1).sum() for p in paths]) + 1e-9
    ends = np.round(2 * np.arange(len(paths) + 1) + np.r_[0, np.cumsum(lengths / lengths.sum())] * (n - 2 * len(paths)))
    return np.diff(ends.astype(int)).tolist()


def as_offsets(paths: Sequence[np.ndarray], unit: float = UNIT) -> np.ndarray:
    """Strokes of points (n_i, 2) -> a drawing (sum of n_i, 3)."""
    points = np.concatenate(paths)
    ends = np.zeros(len(points))
    ends[np.cumsum([len(p) for p in paths]) - 1] = 1
    return np.column_stack([unit * np.diff(points, axis=0, prepend=0.0), ends])


@checked
def as_paths(drawing: Float["T 3"], unit: float = UNIT) -> list[np.ndarray]:
    """A drawing (T, 3) -> its strokes, points (n_i, 2). The inverse of `as_offsets`."""
    points = np.cumsum(drawing[:, :2], axis=0) / unit
    cuts = np.flatnonzero(drawing[:, 2] > 0.5) + 1
    return [p for p in np.split(points, cuts) if len(p)]


def draw_digit(rng: np.random.Generator, digit: int, points: int = 24) -> np.ndarray:
    """A digit in one of its ways, by a hand with a size, slant, turn and tremble of its own: (points, 3)."""
    check_rng("draw_digit", rng)
    check_choice("draw_digit", "digit", digit, WAYS)
    check_positive_int("draw_digit", "points", points)
    way = WAYS[digit][rng.integers(len(WAYS[digit]))]
    slant, turn = rng.normal(0.1, 0.12), rng.normal(0, 0.08)
    size = np.diag(np.exp(rng.normal(0, 0.1, 2)))
    shear = np.array([[1, slant], [0, 1]])
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    hand = rotation @ shear @ size
    paths = [even_steps(path, n) @ hand.T for path, n in zip(way, share_points(way, points), strict=True)]
    return as_offsets([path + rng.normal(0, 0.015, path.shape) for path in paths])


def draw_digits(rng: np.random.Generator, n: int, points: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """n digits by chance -> drawings (points, n, 3), which digit each is (n,)."""
    digits = rng.integers(0, 10, n)
    return np.stack([draw_digit(rng, int(d), points) for d in digits], axis=1), digits

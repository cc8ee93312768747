"""Forecasts of a series (n,): the baselines that every network must beat, and what a network may see and when.

An origin t is the last value that a forecast knows, a horizon h says how far ahead: the forecast is for y[t + h].
Every function looks at y[: t + 1] only, and `settled_origins` keeps what is learnt before the split.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from course_pkg.shapes import Float, Int, check_positive_int, checked


class Scale(NamedTuple):
    """Mean and standard deviation of the past."""

    mean: float
    std: float


def scale_of(past: np.ndarray) -> Scale:
    """past: (n,), the values before the split, and only they: the future is not known yet."""
    return Scale(float(past.mean()), float(past.std()))


def settled_origins(first: int, split: int, horizon: int) -> np.ndarray:
    """The origins t >= first whose last target y[t + horizon] lies before `split`, to learn from: (N,)."""
    check_positive_int("settled_origins", "horizon", horizon)
    if not 0 <= first < split - horizon:
        raise ValueError(f"settled_origins: first must be in 0..{split - horizon - 1} (split={split}, "
                         f"horizon={horizon}), got {first}")  # fmt: skip
    return np.arange(first, split - horizon)


@checked
def truth(y: Float["n"], origins: Int["N"], horizons: Sequence[int]) -> np.ndarray:
    """What came: y[t + h], (N, K)."""
    return y[_places("truth", y, origins, horizons)]


@checked
def persistence(y: Float["n"], origins: Int["N"], horizons: Sequence[int]) -> np.ndarray:
    """(persistence)  Nothing changes: y[t] for every horizon, (N, K)."""
    _places("persistence", y, origins, horizons)
    return np.repeat(y[origins][:, None], len(horizons), axis=1)


@checked
def seasonal_naive(y: Float["n"], origins: Int["N"], horizons: Sequence[int], season: int) -> np.ndarray:
    """(seasonal-naive)  As in the last season: y[t + h - k season] with the smallest k that is known at t, (N, K)."""
    return y[_season_ago("seasonal_naive", y, origins, horizons, season)[0]]


@checked
def seasonal_drift(y: Float["n"], origins: Int["N"], horizons: Sequence[int], season: int) -> np.ndarray:
    """(seasonal-drift)  The seasonal forecast, moved by what the series gained since: + y[t] - y[t - k season]."""
    then, back = _season_ago("seasonal_drift", y, origins, horizons, season)
    if (origins[:, None] - back).min() < 0:
        raise ValueError(f"seasonal_drift: origins must be at least {back.max()} (whole seasons back), "
                         f"got {origins.min()}")  # fmt: skip
    return y[then] + y[origins][:, None] - y[origins[:, None] - back]


@checked
def windows(y: Float["n"], origins: Int["N"], length: int) -> np.ndarray:
    """The last `length` values before and at each origin, time first: (length, N)."""
    check_positive_int("windows", "length", length)
    if origins.min() < length - 1 or origins.max() >= len(y):
        raise ValueError(f"windows: origins must be in {length - 1}..{len(y) - 1} (length={length}, n={len(y)}), "
                         f"got {origins.min()} to {origins.max()}")  # fmt: skip
    return y[origins[None, :] + np.arange(1 - length, 1)[:, None]]


@checked
def linear_forecast(
    y: Float["n"],
    learn: Int["L"],
    origins: Int["N"],
    horizons: Sequence[int],
    length: int,
    level: bool = False,
    ridge: float = 1e-3,
) -> np.ndarray:
    """(linear-forecast)  Least squares from the last `length` values to each horizon, learnt at the origins `learn`.

    What is predicted is the gain y[t + h] - y[t]; what is known are the window relative to y[t], and 1; and y[t] itself
    only if `level`. All in units of the standard deviation of what was learnt from. -> (N, K)
    """
    unit = float((windows(y, learn, length) - y[learn]).std()) or 1.0
    middle = float(y[learn].mean())
    known = []
    for at in (learn, origins):
        relative = (windows(y, at, length)[:-1] - y[at]).T / unit  # (N, length-1)
        known.append(np.column_stack([relative, level * (y[at] - middle) / unit, np.ones(len(at))]))
    gains = (truth(y, learn, horizons) - y[learn][:, None]) / unit  # (L, K)
    square = known[0].T @ known[0] + ridge * len(learn) * np.eye(length + 1)
    weights = np.linalg.solve(square, known[0].T @ gains)  # (length + 1, K)
    return y[origins][:, None] + unit * known[1] @ weights


def rmse(forecast: np.ndarray, what_came: np.ndarray) -> np.ndarray:
    """(rmse)  Root of the mean squared error over the origins: (N, K) -> (K,)."""
    return np.sqrt(((forecast - what_came) ** 2).mean(axis=0))


def _places(function: str, y: np.ndarray, origins: np.ndarray, horizons: Sequence[int]) -> np.ndarray:
    """t + h: (N, K), checked to lie in the series."""
    if not len(horizons) or min(horizons) < 1:
        raise ValueError(f"{function}: horizons must be integers >= 1, at least one, got {list(horizons)}")
    places = origins[:, None] + np.asarray(horizons)[None, :]
    if origins.min() < 0 or places.max() >= len(y):
        raise ValueError(f"{function}: origins must be in 0..{len(y) - 1 - max(horizons)} (n={len(y)}, "
                         f"horizon={max(horizons)}), got {origins.min()} to {origins.max()}")  # fmt: skip
    return places


def _season_ago(
    function: str, y: np.ndarray, origins: np.ndarray, horizons: Sequence[int], season: int
) -> tuple[np.ndarray, np.ndarray]:
    """The same place of the last known season, t + h - k season: (N, K), and k season: (1, K)."""
    check_positive_int(function, "season", season)
    places = _places(function, y, origins, horizons)
    back = -(-np.asarray(horizons)[None, :] // season) * season  # the fewest whole seasons
    if (places - back).min() < 0:
        raise ValueError(f"{function}: origins must reach one season back (season={season}), got {origins.min()}")
    return places - back, back

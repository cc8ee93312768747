"""Baselines of forecasting: by hand on small series, and never a look beyond the origin."""

import numpy as np
import pytest

from course_pkg import forecasts as fc
from tests.package.helpers import rng_for

RAMP = np.arange(12.0)


def test_small_series_by_hand():
    at, horizons = np.array([5, 6]), (1, 4, 5)
    assert fc.truth(RAMP, at, horizons).tolist() == [[6, 9, 10], [7, 10, 11]]
    assert fc.persistence(RAMP, at, horizons).tolist() == [[5, 5, 5], [6, 6, 6]]
    assert fc.seasonal_naive(RAMP, at, horizons, 4).tolist() == [[2, 5, 2], [3, 6, 3]]  # h=5 goes two seasons back
    assert np.array_equal(fc.seasonal_drift(RAMP, at + 3, (1, 2), 4), fc.truth(RAMP, at + 3, (1, 2)))  # a ramp drifts
    assert fc.windows(RAMP, at, 3).tolist() == [[3, 4], [4, 5], [5, 6]]
    assert fc.settled_origins(3, 8, 2).tolist() == [3, 4, 5]  # 5 + 2 lies before 8
    assert fc.rmse(np.zeros((2, 1)), np.array([[3.0], [4.0]])).tolist() == [np.sqrt(12.5)]
    assert fc.scale_of(np.array([1.0, 3.0])) == (2.0, 1.0)


@pytest.mark.parametrize("seed", range(20))
def test_no_forecast_sees_beyond_its_origin(seed):
    rng = rng_for(seed)
    n, season, length = int(rng.integers(50, 60)), int(rng.integers(1, 8)), int(rng.integers(1, 6))
    y, horizons = rng.normal(size=n), (1, 2, 9)
    split = n - 15
    learn, at = fc.settled_origins(20, split, 9), np.array([split])
    other = y.copy()
    other[split + 1 :] = rng.normal(size=n - split - 1)
    for method in (
        lambda s: fc.persistence(s, at, horizons),
        lambda s: fc.seasonal_naive(s, at, horizons, season),
        lambda s: fc.seasonal_drift(s, at, horizons, season),
        lambda s: fc.linear_forecast(s, learn, at, horizons, length),
        lambda s: fc.windows(s, at, length),
    ):
        assert np.array_equal(method(y), method(other))
    assert not np.array_equal(fc.truth(y, at, horizons), fc.truth(other, at, horizons))
    kept = y.copy()
    kept[: split + 1] += 1.0  # and all of them do look at what is before
    assert not np.array_equal(fc.persistence(y, at, horizons), fc.persistence(kept, at, horizons))


@pytest.mark.parametrize("level", [False, True])
def test_least_squares_is_least_squares(level):
    """With a tiny ridge, no other weights fit the learnt origins better, and a linear law is found."""
    rng = rng_for(3)
    y = np.zeros(200)
    for t in range(2, 200):
        y[t] = 1.2 * y[t - 1] - 0.5 * y[t - 2] + rng.normal()
    learn = fc.settled_origins(10, 150, 2)
    found = fc.linear_forecast(y, learn, learn, (1, 2), 3, level, ridge=1e-9)
    x = np.column_stack([y[learn - 2] - y[learn], y[learn - 1] - y[learn], level * y[learn], np.ones(len(learn))])
    gains = fc.truth(y, learn, (1, 2)) - y[learn][:, None]
    wanted = y[learn][:, None] + x @ np.linalg.lstsq(x, gains, rcond=None)[0]
    assert np.allclose(found, wanted, rtol=0, atol=1e-5)


def test_refusals_say_what_was_expected():
    at = np.array([5])
    with pytest.raises(ValueError, match=r"truth: origins must be in 0..5 \(n=12, horizon=6\), got 6 to 6"):
        fc.truth(RAMP, at + 1, (6,))
    with pytest.raises(ValueError, match="horizons must be integers >= 1"):
        fc.persistence(RAMP, at, (0,))
    with pytest.raises(ValueError, match=r"origins must reach one season back \(season=8\), got 5"):
        fc.seasonal_naive(RAMP, at, (1,), 8)
    with pytest.raises(ValueError, match="seasonal_drift: origins must be at least 6"):
        fc.seasonal_drift(RAMP, at, (1,), 6)
    with pytest.raises(ValueError, match=r"windows: origins must be in 6..11 \(length=7, n=12\), got 5 to 5"):
        fc.windows(RAMP, at, 7)
    with pytest.raises(ValueError, match=r"settled_origins: first must be in 0..5 \(split=8, horizon=2\), got 7"):
        fc.settled_origins(7, 8, 2)

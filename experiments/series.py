"""Forecasts of two real series, months ahead, against persistence, seasonal baselines and a linear forecast.

    python -m experiments.series --data ../shared/data/timeseries     the recorded run: experiments/results/series.json
    python -m experiments.series --small                              a made series, printed and not written

The series: carbon dioxide at Mauna Loa 1958-2001, months as means of the weeks, and sunspots 1749-2009, months. The
first 75 % in time are learnt from, the rest is the test; choices are made on the last fifth of the first part.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from course_pkg import forecasts as fc
from course_pkg.frames import FrameModel, frame_outputs, init_frame_model, sequence_loss
from course_pkg.losses import mean_squared_error
from course_pkg.optim import Adam
from course_pkg.train import train
from experiments.records import conditions

RESULTS = Path(__file__).parent / "results" / "series.json"
HORIZONS = (1, 3, 6, 12, 24)
SEEDS = (0, 1, 2, 3, 4)
FORMS = ("levels", "changes")
SPLIT, CHOICE = 0.75, 0.6  # learn up to here, test from there on; and the same for choices, within the first part


def made_series(rng: np.random.Generator, n: int = 480) -> np.ndarray:
    """Not measured but made: a rising trend, a year of 12 months, and weather that lasts for some months. (n,)"""
    month, weather = np.arange(n), np.zeros(n)
    for i in range(1, n):
        weather[i] = 0.8 * weather[i - 1] + rng.normal(0, 0.35)
    year = 2 * np.pi * month / 12
    return 50 + 0.05 * month + 6e-5 * month**2 + (2 + 0.003 * month) * np.sin(year) + 0.8 * np.cos(2 * year) + weather


def read_co2(path: Path) -> np.ndarray:
    """Means of the weeks of each month, 1958-03 ... 2001-12; months without a week are filled by a straight line."""
    weeks: dict[tuple[int, int], list[float]] = {}
    for row in path.read_text(encoding="utf8").split("\n")[1:]:
        date, _, value = row.partition(",")
        if value:
            weeks.setdefault((int(date[:4]), int(date[4:6])), []).append(float(value))
    months = [(y, m) for y in range(1958, 2002) for m in range(1, 13) if (y, m) >= (1958, 3)]
    values = np.array([np.mean(weeks[month]) if month in weeks else np.nan for month in months])
    gaps = np.isnan(values)
    values[gaps] = np.interp(np.flatnonzero(gaps), np.flatnonzero(~gaps), values[~gaps])
    return values


def read_sunspots(path: Path) -> np.ndarray:
    """Monthly means 1749-01 ...: lines that begin with a year, then twelve numbers."""
    rows = [line.split() for line in path.read_text(encoding="utf8").split("\n")]
    return np.array([float(v) for row in rows if row and row[0].isdigit() and len(row[0]) == 4 for v in row[1:13]])


# ---- the network -------------------------------------------------------------------------------------------------


def inputs(y: np.ndarray, origins: np.ndarray, length: int, form: str, past: np.ndarray) -> np.ndarray:
    """(length, N, 1): the values themselves, or the changes from month to month, in units of the past."""
    if form == "levels":
        mean, std = fc.scale_of(past)
        return ((fc.windows(y, origins, length) - mean) / std)[..., None]
    return (fc.windows(np.diff(y, prepend=y[0]), origins, length) / np.diff(past).std())[..., None]


def gru_forecast(
    y: np.ndarray, learn: np.ndarray, split: int, form: str, seed: int,
    *, length: int = 36, H: int = 16, updates: int = 400, lr: float = 1e-2, horizons: Sequence[int] = HORIZONS,
) -> Callable[[np.ndarray], np.ndarray]:  # fmt: skip
    """Train on the origins `learn` -> a function from origins (N,) to forecasts (N, K).

    levels: values in, values out. changes: changes in, and out comes the gain over y[t]. Scales are of y[:split].
    """
    past = y[:split]
    mean, std = fc.scale_of(past)
    unit = (fc.truth(y, learn, horizons) - y[learn][:, None]).std()
    rng = np.random.default_rng(seed)
    start = init_frame_model(rng, 1, H, len(horizons))

    def answers(at: np.ndarray) -> np.ndarray:
        if form == "levels":
            return (fc.truth(y, at, horizons) - mean) / std
        return (fc.truth(y, at, horizons) - y[at][:, None]) / unit

    def loss_and_grads(p: FrameModel, at: np.ndarray) -> tuple[float, FrameModel]:
        targets = np.zeros((length, len(at), len(horizons)))
        counted = np.zeros(targets.shape, bool)
        targets[-1], counted[-1] = answers(at), True  # the forecast is made at the end of the window
        xs = inputs(y, at, length, form, past)
        return sequence_loss(mean_squared_error, p, xs, targets, counted=counted)

    batches = (rng.choice(learn, 32) for _ in range(updates))
    slower = Adam(lambda step: lr * max(0.05, 1 - step / updates))
    p, _ = train(start, loss_and_grads, batches, slower, clip_norm=1.0, progress=False)

    def forecast(at: np.ndarray) -> np.ndarray:
        out = frame_outputs(p, inputs(y, at, length, form, past))[0][-1]  # (N, K)
        return out * std + mean if form == "levels" else y[at][:, None] + unit * out

    return forecast


# ---- all methods on one series -----------------------------------------------------------------------------------


def compare(
    y: np.ndarray, season: int, seeds: Sequence[int], begin: int, split: int, end: int, length: int, **options: Any
) -> tuple[list[dict], dict]:
    """Learn before `split`, judge origins whose targets lie in split..end -> rows, and the last forecasts 12 ahead."""
    learn = fc.settled_origins(begin, split, max(HORIZONS))
    judge = np.arange(split, end - max(HORIZONS))
    came = fc.truth(y, judge, HORIZONS)
    fixed = {
        "persistence": fc.persistence(y, judge, HORIZONS),
        "as a season ago": fc.seasonal_naive(y, judge, HORIZONS, season),
        "season and drift": fc.seasonal_drift(y, judge, HORIZONS, season),
        "linear, levels": fc.linear_forecast(y, learn, judge, HORIZONS, length, level=True),
        "linear, changes": fc.linear_forecast(y, learn, judge, HORIZONS, length),
    }
    rows = [{"method": name, "rmse": numbers(fc.rmse(found, came))} for name, found in fixed.items()]
    year = HORIZONS.index(12)
    keep = {"truth": came[:, year]} | {name: found[:, year] for name, found in fixed.items()}
    for form in FORMS:
        found, learnt = [], []
        for seed in seeds:
            network = gru_forecast(y, learn, split, form, seed, length=length, **options)
            found.append(fc.rmse(network(judge), came))
            learnt.append(fc.rmse(network(learn), fc.truth(y, learn, HORIZONS)))
            keep.setdefault(f"gru, {form}", network(judge)[:, year])  # of the first seed
        rows.append({"method": f"gru, {form}", "rmse": numbers(np.mean(found, axis=0)),
                     "seeds": [numbers(f) for f in found], "learnt": numbers(np.mean(learnt, axis=0))})  # fmt: skip
    return rows, {name: numbers(values[-120:], 2) for name, values in keep.items()}


def shuffled(y: np.ndarray, seeds: Sequence[int], begin: int, length: int, **options: Any) -> list[list[float]]:
    """The mistake: test months drawn by chance from all years, their neighbours learnt from. "levels" only."""
    found = []
    for seed in seeds:
        order = np.random.default_rng(seed).permutation(np.arange(begin, len(y) - max(HORIZONS)))
        learn, judge = np.sort(order[: 3 * len(order) // 4]), np.sort(order[3 * len(order) // 4 :])
        network = gru_forecast(y, learn, len(y), "levels", seed, length=length, **options)
        found.append(numbers(fc.rmse(network(judge), fc.truth(y, judge, HORIZONS))))
    return found


def numbers(values: np.ndarray, digits: int = 4) -> list[float]:
    return [round(float(v), digits) for v in values]


def one_series(y: np.ndarray, season: int, seeds: Sequence[int], length: int, **options: Any) -> dict:
    """Both parts, choice and test, and the mistake."""
    begin, n = max(2 * season, length), len(y)
    choice, _ = compare(y, season, seeds, begin, int(CHOICE * n), int(SPLIT * n), length, **options)
    test, ahead = compare(y, season, seeds, begin, int(SPLIT * n), n, length, **options)
    return {"n": n, "season": season, "window": length, "split": int(SPLIT * n), "choice": choice, "test": test,
            "shuffled levels": shuffled(y, seeds, begin, length, **options), "12 ahead": ahead}  # fmt: skip


def main(arguments: list[str] | None = None) -> dict:
    """Run everything and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/timeseries"))
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args(arguments)
    begin = time.process_time()
    if options.small:
        found = {"made": one_series(made_series(np.random.default_rng(0), 200), 12, (0,), 24, updates=5)}
    else:
        found = {
            "co2": one_series(read_co2(options.data / "co2_mauna_loa_weekly.csv"), 12, SEEDS, 36),
            "sunspots": one_series(read_sunspots(options.data / "sunspots_monthly_statsmodels.dat"), 132, SEEDS, 132),
        }
    result = {
        "command": "python -m experiments.series --data FOLDER",
        "data": "CO2 at Mauna Loa (Keeling and Whorf), sunspots (SIDC), both as in statsmodels, public domain",
        "horizons": HORIZONS, "series": found,
        **conditions(begin),
    }  # fmt: skip
    if not options.small:
        RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")
    return result


if __name__ == "__main__":
    main()

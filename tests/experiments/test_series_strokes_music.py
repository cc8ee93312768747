"""The recorded runs of chapter 21: small ones work, the records are whole, and no forecast learns from its future."""

import json

import numpy as np
import pytest

from experiments import music, series, strokes


def test_a_small_run_of_each():
    made = series.main(["--small"])["series"]["made"]
    assert [row["method"] for row in made["test"]][-2:] == ["gru, levels", "gru, changes"]
    assert all(np.isfinite(row["rmse"]).all() for row in made["choice"] + made["test"])
    drawn = strokes.main(["--small"])
    assert [row["gaussians"] for row in drawn["rows"]] == [1, 2] and np.shape(drawn["written"]["0.0"]) == (12, 40, 3)
    played = music.main(["--small"])
    assert played["baselines"]["how often each note sounds"] < played["baselines"]["a coin for every note"]


@pytest.mark.parametrize("form", series.FORMS)
def test_a_network_learns_nothing_from_behind_the_split(form):
    y = series.made_series(np.random.default_rng(0), 200)
    other = y.copy()
    other[151:] = np.random.default_rng(1).normal(60, 5, 49)
    learn, at = series.fc.settled_origins(24, 150, 24), np.array([150])
    a, b = (series.gru_forecast(s, learn, 150, form, 0, length=24, updates=4)(at) for s in (y, other))
    assert np.array_equal(a, b)


def test_co2_weeks_become_months_with_gaps_filled(tmp_path):
    weeks = ["date,co2", "19580329,316.0", "19580405,317.0", "19580412,319.0", "19580607,", "19580705,315.0"]
    path = tmp_path / "co2.csv"
    path.write_text("\n".join(weeks), encoding="utf8")
    found = series.read_co2(path)
    assert found[:5].tolist() == [316.0, 318.0, 317.0, 316.0, 315.0] and len(found) == 526


def test_sunspot_lines(tmp_path):
    path = tmp_path / "sun.dat"
    path.write_text("TITLE\nYear Jan Feb\n1749 " + " ".join(str(k) for k in range(12)) + "\n=====\n", encoding="utf8")
    assert series.read_sunspots(path).tolist() == list(range(12))


def test_an_omniglot_file_is_read_and_centred():
    paths = strokes.read_drawing("START\n0,-10,0\n10,-10,5\nBREAK\n5,-5,9\n5,-15,12\nBREAK\n")
    assert len(paths) == 2 and np.allclose(np.concatenate(paths).mean(axis=0), 0)
    assert np.allclose(np.ptp(paths[0], axis=0) * strokes.SIDE, [10, 0])


def test_the_constant_model_is_the_gaussian_it_says():
    rng = np.random.default_rng(0)
    drawn = np.concatenate([rng.normal(size=(40, 500, 2)), rng.random((40, 500, 1)) < 0.25], axis=-1)
    entropy = np.log(2 * np.pi) + 1 - 0.25 * np.log(0.25) - 0.75 * np.log(0.75)
    assert abs(strokes.constant_loss(drawn, drawn) - entropy) < 0.02


def test_padding_does_not_count_in_music():
    rng = np.random.default_rng(1)
    p = music.init_frame_model(rng, 5, 3, 5)
    pieces = [(rng.random((T, 5)) < 0.3).astype(float) for T in (3, 7)]
    alone = [music.nats(p, [piece]) for piece in pieces]
    assert abs(music.nats(p, pieces) - (2 * alone[0] + 6 * alone[1]) / 8) < 1e-12


def record(name):
    return json.loads((series.RESULTS.parent / f"{name}.json").read_text(encoding="utf8"))


def test_the_records_are_whole():
    found = record("series")
    assert found["command"].startswith("python -m experiments.series") and {"python", "numpy"} <= set(found["versions"])
    for one in found["series"].values():
        for row in one["test"]:
            if "seeds" in row:
                assert len(row["seeds"]) == 5
                assert np.allclose(np.mean(row["seeds"], axis=0), row["rmse"], atol=2e-4)
    drawn = record("strokes")
    assert drawn["learnt from"] + drawn["test"] == drawn["drawings"] <= 2720
    assert {(r["gaussians"], r["seed"]) for r in drawn["rows"]} == {(m, s) for m in (1, 5, 20) for s in (0, 1)}
    played = record("music")
    assert played["pieces"] == {"learn": 229, "stop": 76, "test": 77}
    assert all(min(row["curve"]) == row["stop"] == row["curve"][row["epoch"] - 1] for row in played["rows"])
    assert all(0 < one["cpu_seconds"] < 600 for one in (found, drawn, played))

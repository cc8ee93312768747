"""The recorded run of the lag task: what is written is what the code gives, and the task is what the book says."""

import json

import numpy as np
import pytest

from experiments.lag_task import (
    CONTENDERS,
    COUNTRIES,
    DISTANCES,
    RESULTS,
    SEEDS,
    VOCABULARY,
    draw,
    init_model,
    loss_and_grads,
    one_run,
)


def record():
    return json.loads(RESULTS.read_text(encoding="utf8"))


def test_the_country_is_k_words_back_and_nothing_else_tells():
    for k in (1, 2, 7):
        xs, countries = draw(np.random.default_rng(0), k, 500)
        words = xs.argmax(axis=-1)
        assert xs.shape == (k + 1, 500, len(VOCABULARY)) and (xs.sum(axis=-1) == 1).all()
        assert (words[0] == countries).all() and VOCABULARY[words[-1, 0]] == "speak"
        assert (words[-1] == words[-1, 0]).all()
        assert (words[1:-1] >= len(COUNTRIES)).all() and (words[1:-1] < len(VOCABULARY) - 1).all()
        assert np.bincount(countries).min() > 90  # four classes, about equally often


@pytest.mark.parametrize("name", CONTENDERS)
def test_gradient_of_every_contender(name):
    from course_pkg.checks.gradients import check_gradients

    cell, rng = CONTENDERS[name], np.random.default_rng(1)
    params, batch = init_model(cell, rng, 3), draw(rng, 3, 4)
    _, grads = loss_and_grads(cell, params, batch)
    errors = check_gradients(lambda p: loss_and_grads(cell, p, batch)[0], params, grads)
    assert max(errors.values()) < 1e-6


@pytest.mark.parametrize("name", CONTENDERS)
def test_a_small_run_learns_and_repeats(name):
    first, second = (one_run(CONTENDERS[name], k=1, seed=0) for _ in range(2))
    assert first == second
    assert first["accuracy"] >= 0.995


@pytest.mark.parametrize("name", ("rnn", "lstm", "gru", "mut1", "coupled"))
def test_the_record_is_what_the_code_gives(name):
    row = next(r for r in record()["results"] if (r["cell"], r["k"], r["seed"]) == (name, 1, 0))
    again = one_run(CONTENDERS[name], k=1, seed=0)
    assert again["accuracy"] == row["accuracy"]
    assert again["updates"] == pytest.approx(row["updates"], abs=25)  # one look, on another processor


def test_the_record_is_whole():
    written = record()
    assert written["command"] == "python -m experiments.lag_task"
    assert written["seeds"] == list(SEEDS) and {"python", "numpy"} <= set(written["versions"])
    assert 0 < written["cpu_seconds"] < 600
    found = [(r["cell"], r["k"], r["seed"]) for r in written["results"]]
    assert found == [(name, k, seed) for name in CONTENDERS for k in DISTANCES for seed in SEEDS]
    for r in written["results"]:
        assert r["looks"][-1] == pytest.approx(r["accuracy"], abs=1e-3)
        assert (r["accuracy"] >= 0.995) or r["updates"] == written["settings"]["updates at most"]

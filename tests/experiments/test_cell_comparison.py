"""The recorded comparison of cells: its tasks are what the book says, its record is whole and what the code gives."""

import json

import numpy as np
import pytest

from experiments import cell_comparison as lab


def record():
    return json.loads(lab.RESULTS.read_text(encoding="utf8"))


def test_the_sum_is_of_the_marked_numbers_one_in_each_half():
    batch = lab.draw_sums(np.random.default_rng(0), 9, 300)
    numbers, marks = batch.xs[:, :, 0], batch.xs[:, :, 1]
    assert batch.xs.shape == (9, 300, 2) and (numbers >= 0).all() and (numbers < 1).all()
    assert (marks[:4].sum(axis=0) == 1).all() and (marks[4:].sum(axis=0) == 1).all()
    assert np.abs((numbers * marks).sum(axis=0) - batch.targets[:, 0]).max() < 1e-15


@pytest.mark.parametrize("name", lab.TASKS)
def test_nothing_is_learnt_from_test_data(name):
    which = lab.task(name)
    seen = {sequence.tobytes() for sequence in which.train.xs.swapaxes(0, 1)}
    shared = np.mean([sequence.tobytes() in seen for sequence in which.test.xs.swapaxes(0, 1)])
    assert shared < 0.02  # a line of Python may occur twice


@pytest.mark.parametrize("name", lab.NAMES)
@pytest.mark.parametrize("task_name", lab.TASKS)
def test_gradients(task_name, name):
    from course_pkg.checks.gradients import check_gradients

    cell, which, rng = lab.CELLS[name], lab.task(task_name), np.random.default_rng(0)
    batch = next(iter(which.batches(rng, 1)))
    mask = None if batch.mask is None else batch.mask[-12:, :2]
    targets = batch.targets[:2] if which.last else batch.targets[-12:, :2]
    batch = lab.Batch(batch.xs[-12:, :2], targets, mask)
    params = lab.init_model(cell, which, 3, rng)
    _, grads = lab.loss_and_grads(cell, which, params, batch)
    errors = check_gradients(lambda p: lab.loss_and_grads(cell, which, p, batch)[0], params, grads)
    assert max(errors.values()) < 1e-5


def test_widths_meet_the_budget():
    for D in (2, 8, 95):
        budget = lab.parameters("gru", D, lab.UNITS)
        assert lab.width_for("gru", D, budget) == lab.UNITS
        for name in lab.NAMES:
            assert abs(lab.parameters(name, D, lab.width_for(name, D, budget)) / budget - 1) < 0.04


def test_a_small_run_works_and_repeats(capsys):
    first, second = (lab.main(["--small"])["results"] for _ in range(2))
    assert first == second
    assert {r["cell"] for r in first} == {"rnn", "gru", "mut1"}


@pytest.mark.parametrize("name", ("rnn", "lstm", "gru"))
def test_the_record_is_what_the_code_gives(name):
    row = next(r for r in record()["results"] if (r["task"], r["cell"], r["equal"]) == ("digits", name, "units"))
    again = lab.one_run(name, "digits", row["H"], row["seed"])
    assert again["parameters"] == row["parameters"]
    assert again["test"] == pytest.approx(row["test"], abs=0.02)  # another processor rounds otherwise


def test_the_record_is_whole():
    written = record()
    assert written["command"] == "python -m experiments.cell_comparison"
    assert written["seeds"] == list(lab.SEEDS) and {"python", "numpy"} <= set(written["versions"])
    assert 0 < written["cpu_seconds"] <= 480
    found = [(r["task"], r["cell"], r["equal"], r["seed"]) for r in written["results"]]
    wanted = [
        (task, name, equal, seed)
        for task in lab.TASKS
        for name in lab.NAMES
        for equal in ("units", "parameters")
        if (name, equal) != ("gru", "parameters")
        for seed in lab.SEEDS
    ]
    assert found == wanted
    for times in written["times"]:
        assert set(times["plain"]) == set(lab.NAMES) and times["plain"]["rnn"] == times["fast"]["rnn"] == 1


def test_what_the_book_says_of_the_record():
    rows = record()["results"]
    error = {
        name: np.median([r["test"] for r in rows if (r["task"], r["cell"], r["equal"]) == ("adding", name, "units")])
        for name in lab.NAMES
    }
    assert error["rnn"] > 0.1 and max(v for name, v in error.items() if name != "rnn") < 0.02

"""The benchmark compares like with like, and the page shows what was recorded."""

import json

import numpy as np
import pytest

from course_pkg.tree import leaves
from tools import bench, bench_page


@pytest.mark.parametrize("cell", bench.CELLS)
def test_contestants_compute_the_same(cell):
    results = {name: step() for name, step in bench.contestants(cell, 5, 3, 2, 4, np.float64).items()}
    assert list(results) == ["fast", *bench.OTHERS]
    fast = [array for _, array in leaves(results["fast"])]
    readable = [array for _, array in leaves(results["readable"])]
    loop = [tensor.numpy() for tensor in results["loop"]]
    for ours, same, theirs in zip(fast, readable, loop, strict=True):
        assert ours.shape == same.shape
        np.testing.assert_allclose(ours, same, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)
    dW_x, dW_h, db, _, *inputs = (tensor.numpy() for tensor in results["torch"])  # b_hh's is that of b, or holds b_hn's
    for ours, theirs in zip([*fast[:3], *fast[-len(inputs) :]], [dW_x, dW_h, db, *inputs], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def test_ratios_are_pairwise():
    assert bench.ratios({"fast": [1.0, 2.0], "torch": [3.0, 3.0]}, "torch") == [3.0, 1.5]


def test_every_round_times_every_contestant():
    called = []
    steps = {name: (lambda name=name: called.append(name) or sum(range(10**5))) for name in "abc"}
    times = bench.compare(steps, 4)
    assert {name: len(found) for name, found in times.items()} == {"a": 4, "b": 4, "c": 4}
    assert min(map(min, times.values())) > 0 and set(called) == set("abc")


@pytest.mark.parametrize("cell", bench.CELLS)
def test_the_products_alone_are_those_of_a_training_step(cell, monkeypatch):
    made = []

    def count(x, W, out):
        made.append(2 * len(x) * W.size)

    monkeypatch.setattr(bench, "multiply", count)
    T, B, D, H = 5, 3, 2, 4
    from_x, dxs, dW = bench.products_alone(cell, T, B, D, H, np.float64)()
    G = bench.GATES[cell]
    whole = (
        sum(made)
        + sum(2 * T * B * G * H * n for n in (D, H + D + 1))
        + (0 if from_x is None else 2 * T * B * G * H * (D + 1))
    )
    assert dxs.shape == (T * B, D) and dW.shape == (G * H, H + D + 1)
    assert whole == G * 6 * T * B * H * (D + H) + 2 * 2 * T * B * G * H  # and the bias, forward and backward


def test_memory_is_what_is_kept():
    T, B, D, H = 6, 4, 3, 16
    kept, most = bench.memory("lstm", T, B, D, H, np.float32)
    states = H + (H + D + 1)  # c, and h beside the input
    assert kept == pytest.approx((4 * T * H + (T + 1) * states) * B * 4 / T / 1024)
    assert most * 1024 > kept * T


def test_two_threads_are_refused(monkeypatch, capsys):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert bench.main([]) == 2
    assert "make bench" in capsys.readouterr().out


def test_foreign_kernels_are_refused(monkeypatch, capsys):
    for name in bench.THREADS:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert bench.main([]) == 2
    assert "unset OPENBLAS_CORETYPE" in capsys.readouterr().out


def recorded():
    return json.loads(bench.RECORD.read_text("utf8"))


def test_the_page_is_the_record():
    assert bench.PAGE.read_text("utf8") == bench_page.page(recorded()), "python -m tools.bench --page writes it again"


def test_the_record_is_complete():
    record = recorded()
    cases = {(case["cell"], case["dtype"], *case["size"]) for case in record["cases"]}
    assert cases == {(c, t, *size) for c in bench.CELLS for t in bench_page.TYPES for size in bench.SIZES}
    assert record["conditions"]["threads"] == 1 and record["conditions"]["rounds"] >= 7
    for case in record["cases"]:
        for spread in case["ratios"].values():
            assert spread["least"] <= spread["median"] <= spread["greatest"]


def test_the_verdict_tells_reached_from_missed():
    record = recorded()
    for case in record["cases"]:
        case["ratios"]["torch"]["median"] = case["ratios"]["readable"]["median"] = 2.0
    text = bench_page.verdict(record)
    assert text.count(": reached") == 6 and "missed" not in text and "never" in text
    record["cases"][0]["ratios"]["torch"]["median"] = 1.0
    record["cases"][0]["ratios"]["readable"]["median"] = 0.9
    assert "missed" in bench_page.verdict(record) and "never" not in bench_page.verdict(record)

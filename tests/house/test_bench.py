"""The benchmark compares like with like: its contestants compute the same gradients."""

import numpy as np

from course_pkg.tree import leaves
from tools import bench


def test_contestants_compute_the_same():
    steps = bench.contestants(5, 3, 2, 4, np.float64)
    results = {}
    for name, step in steps.items():
        result = step()
        results[name] = [np.asarray(array) for _, array in leaves(result)] if name != "torch" else result
    fast, readable, (dW_xh, dW_hh, db_h, _, dxs, dh0) = results["fast"], results["readable"], results["torch"]
    assert [array.shape for array in fast] == [(4, 2), (4, 4), (4,), (5, 3, 2), (3, 4)]
    for ours, same, theirs in zip(fast, readable, (dW_xh, dW_hh, db_h, dxs, dh0[0]), strict=True):
        np.testing.assert_allclose(ours, same, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-10, atol=1e-12)


def test_ratios_are_pairwise():
    assert bench.ratios({"fast": [1.0, 2.0], "torch": [3.0, 3.0]}, "torch") == [3.0, 1.5]


def test_two_threads_are_refused(monkeypatch, capsys):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert bench.main([]) == 2
    assert "make bench" in capsys.readouterr().out

"""The parts that the fast forms share."""

import ctypes
import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_pkg import fast


@given(st.integers(1, 50), st.integers(1, 100), st.integers(1, 1000))
def test_chunks_follow_one_another_and_stay_below_the_limit(T, bytes_per_step, limit):
    found = fast.chunks(T, bytes_per_step, limit)
    assert [t for start, stop in found for t in range(start, stop)] == list(range(T))
    sizes = {(stop - start) * bytes_per_step for start, stop in found}
    assert max(sizes) <= max(limit, bytes_per_step)  # one step at least
    assert len(found) == -(-T // max(1, limit // bytes_per_step))  # no more chunks than needed


def test_the_limit_is_the_cache_unless_told(monkeypatch):
    monkeypatch.setattr(fast, "CACHE", 30)
    assert fast.chunks(7, 10) == [(0, 3), (3, 6), (6, 7)]


def test_backwards_counts_in_the_sequence_and_in_the_chunk():
    assert list(fast.backwards(3, 6)) == [(5, 2), (4, 1), (3, 0)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_layouts_change_where_numbers_lie_and_nothing_else(dtype):
    rng = np.random.default_rng(0)
    W, xs, y = (rng.normal(size=shape).astype(dtype) for shape in ((3, 4, 5), (6, 2, 3), (4, 5)))
    assert np.array_equal(fast.transposed(W), W.transpose(0, 2, 1))
    assert np.array_equal(fast.laid_out(W), W)
    columns = fast.laid_out(W).swapaxes(1, 2)
    assert (W if dtype == np.float32 else columns).flags.c_contiguous  # float64: the columns in memory
    ones = fast.with_one(xs)
    assert ones.dtype == dtype and np.array_equal(ones[..., :3], xs) and np.array_equal(ones[..., 3], np.ones((6, 2)))
    assert np.array_equal(fast.rows(xs), xs.reshape(12, 3)) and np.shares_memory(fast.rows(xs), xs)
    before = y.copy()
    assert np.allclose(fast.one_minus_square(y), 1 - y**2, rtol=1e-6) and np.array_equal(y, before)


@pytest.mark.parametrize("error", [AttributeError, OSError, TypeError])
def test_without_glibc_nothing_happens(monkeypatch, error):
    def refuse(name):
        raise error

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    fast.keep_freed_memory()


def test_every_part_is_used():
    from course_pkg import gru_fast, lstm_fast, rnn_fast

    used = "".join(inspect.getsource(module) for module in (rnn_fast, lstm_fast, gru_fast))
    names = [name for name, part in vars(fast).items() if inspect.isfunction(part) and name != "keep_freed_memory"]
    assert len(names) >= 6 and all(f"{name}(" in used for name in names)

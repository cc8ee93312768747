"""The parts that the fast forms share."""

import ctypes
import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_pkg import fast
from course_pkg.cells import CELLS, run, run_backward
from course_pkg.tree import leaves, tree_map


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
    xs, y = (rng.normal(size=shape).astype(dtype) for shape in ((6, 2, 3), (4, 5)))
    ones = fast.with_one(xs)
    assert ones.dtype == dtype and np.array_equal(ones[..., :3], xs) and np.array_equal(ones[..., 3], np.ones((6, 2)))
    assert np.array_equal(fast.rows(xs), xs.reshape(12, 3)) and np.shares_memory(fast.rows(xs), xs)
    before = y.copy()
    assert np.allclose(fast.one_minus_square(y), 1 - y**2, rtol=1e-6) and np.array_equal(y, before)


@pytest.mark.parametrize(
    ("G", "K", "N", "count", "pieces"),
    [
        (4, 128, 128, 32, 4),  # rows of 256 bytes, 32 columns, are fastest
        (1, 512, 128, 32, 4),
        (1, 1024, 256, 32, 16),  # 32 columns would be 1,048,576 multiplications
        (1, 800, 200, 20, 5),  # 40 columns: no larger multiple of 4 that divides 200 is few enough
        (1, 200, 200, 20, 1),
        (1, 2000, 99, 20, 1),  # no multiple of 4 divides 99
        (4, 128, 128, 1, 1),  # a single row is never cut
        (1, 3, 1, 5, 1),
    ],
)
def test_blocks_are_those_of_the_fastest_products_and_give_the_same_product(G, K, N, count, pieces):
    rng = np.random.default_rng(0)
    W, x = rng.normal(size=(G, K, N)), rng.normal(size=(count, K))
    blocks = fast.blocked(W, count)
    assert blocks.shape == (G * pieces, K, N // pieces) and blocks.flags.c_contiguous
    product = np.matmul(x, blocks)
    view = fast.joined(product, G)
    assert view.shape == (G, count, pieces, N // pieces) and np.shares_memory(view, product)
    assert np.allclose(view.reshape(G, count, N), x @ W, rtol=1e-12, atol=1e-12)
    fast.multiply(x, blocks, out=(found := np.empty_like(product)))
    assert np.allclose(found, product, rtol=1e-12, atol=1e-12)


def test_one_row_may_be_multiplied_by_all_gates_at_once():
    rng = np.random.default_rng(0)
    W, x = rng.normal(size=(4, 5, 3)), rng.normal(size=(1, 5))
    whole = np.matmul(x, W.swapaxes(0, 1).reshape(5, 12)[None])  # (1, 1, 12)
    assert np.allclose(fast.joined(whole, 4)[:, :, 0], x @ W, rtol=1e-12)


def test_a_state_stands_beside_the_input_that_is_read_next():
    rng = np.random.default_rng(0)
    h0, xs = rng.normal(size=(2, 3)), rng.normal(size=(4, 2, 5))
    hx = fast.state_beside_input(h0, xs, np.dtype(float))
    assert hx.shape == (5, 2, 9) and np.array_equal(hx[0, :, :3], h0) and np.array_equal(hx[:4, :, 3:8], xs)
    assert np.array_equal(hx[..., 8], np.ones((5, 2))) and not hx[4, :, 3:8].any()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["rnn", "gru", "lstm"])
def test_sequences_are_the_same_in_blocks(name, dtype, masked, monkeypatch):
    T, B, D, H = 7, 3, 2, 24
    rng = np.random.default_rng(0)
    params = tree_map(
        lambda v: v + 0.1 * rng.normal(size=v.shape).astype(dtype), CELLS[name].init(rng, D, H, dtype=dtype)
    )
    xs, up = rng.normal(size=(T, B, D)).astype(dtype), rng.normal(size=(T, B, H)).astype(dtype)
    mask = np.arange(T)[:, None] < np.array([7, 3, 5]) if masked else None

    def results():
        done = run(CELLS[name], params, xs, None, mask)
        return [done.outputs, *(v for _, v in leaves(run_backward(CELLS[name], params, xs, done, up, None, mask)))]

    whole = results()
    monkeypatch.setattr(fast, "SMALL", B * H * 8)  # blocks of 8 columns, and all columns where 4H rows are too many
    monkeypatch.setattr(fast, "BLOCK", 3 * 4 * B * H * np.dtype(dtype).itemsize)  # and three steps at a time
    assert len(fast.blocked(np.ones((1, H, H)), B)) == 3
    in_blocks = results()
    monkeypatch.setattr(fast, "SMALL", B * 4 * H * 8)
    assert len(fast.blocked(np.ones((1, 4 * H, H)), B)) == 3
    for a, b, c in zip(whole, in_blocks, results(), strict=True):
        tolerance = 1e-12 if dtype == np.float64 else 1e-5
        assert np.allclose(a, b, rtol=tolerance, atol=tolerance) and np.allclose(a, c, rtol=tolerance, atol=tolerance)


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

"""Consecutive streams: nothing lost, nothing twice, every target the next token."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_pkg.data.streams import consecutive_chunks, parallel_streams


@given(n=st.integers(2, 200), B=st.integers(1, 9), T=st.integers(1, 12))
def test_chunks_are_the_text_cut_up(n, B, T):
    ids = np.arange(n)
    if n <= B:
        with pytest.raises(ValueError, match=f"at least B \\+ 1 = {B + 1} tokens, got {n}"):
            parallel_streams(ids, B)
        return
    chunks = list(consecutive_chunks(ids, B, T))
    inputs = np.concatenate([c.inputs for c in chunks])
    assert np.array_equal(inputs.T.ravel(), ids[: (n - 1) // B * B])  # each token once, in order, stream after stream
    assert all(np.array_equal(c.targets, c.inputs + 1) for c in chunks)
    assert [c.fresh for c in chunks] == [True] + [False] * (len(chunks) - 1)
    assert all(c.inputs.shape[1] == B and 1 <= len(c.inputs) <= T for c in chunks)
    assert all(len(c.inputs) == T for c in chunks[:-1])


def test_passes():
    ids = np.arange(11)
    twice = list(consecutive_chunks(ids, 2, 2, passes=2))
    assert [c.fresh for c in twice] == [True, False, False] * 2
    for_ever = consecutive_chunks(ids, 2, 2, passes=None)
    assert [next(for_ever).inputs[0, 0] for _ in range(7)] == [0, 2, 4, 0, 2, 4, 0]


@pytest.mark.parametrize("ids", [np.zeros((2, 3), int), np.zeros(5), np.array(["a", "b"])])
def test_what_is_no_text_is_refused(ids):
    with pytest.raises(ValueError, match=r"parallel_streams: ids must be integers \(N,\)"):
        parallel_streams(ids, 1)

"""A long text as B streams that are read side by side, each from its own place on, without a gap.

    text   a b c d e f g h i j k l m        B = 3, T = 2
    stream 1   a b | c d     targets   b c | d e
    stream 2   e f | g h               f g | h i
    stream 3   i j | k l               j k | l m

Chunk n+1 goes on where chunk n stopped, so a network may carry its state from one to the next.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from course_pkg.shapes import check_positive_int


class Chunk(NamedTuple):
    """Some steps of all streams. Each target is the token that follows its input in the text."""

    inputs: np.ndarray  # (T, B)
    targets: np.ndarray  # (T, B)
    fresh: bool  # True for the first chunk of a pass: the text begins anew, and so must the state


def parallel_streams(ids: np.ndarray, B: int) -> tuple[np.ndarray, np.ndarray]:
    """ids: (N,) -> inputs and targets: (n, B) each with n = (N - 1) // B; stream b reads ids[b*n : (b+1)*n].

    The last (N - 1) % B tokens are left over.
    """
    check_positive_int("parallel_streams", "B", B)
    ids = np.asarray(ids)
    if ids.ndim != 1 or not np.issubdtype(ids.dtype, np.integer):
        raise ValueError(f"parallel_streams: ids must be integers (N,), got {ids.dtype} of shape {ids.shape}")
    n = (len(ids) - 1) // B
    if n < 1:
        raise ValueError(f"parallel_streams: ids must hold at least B + 1 = {B + 1} tokens, got {len(ids)}")
    return ids[: n * B].reshape(B, n).T, ids[1 : n * B + 1].reshape(B, n).T  # (n, B) each


def consecutive_chunks(ids: np.ndarray, B: int, T: int, passes: int | None = 1) -> Iterator[Chunk]:
    """ids: (N,) -> chunks (T, B), each where the one before stopped; the last of a pass may be shorter.

    passes: how often the text is read; None for ever.
    """
    check_positive_int("consecutive_chunks", "T", T)
    inputs, targets = parallel_streams(ids, B)
    done = 0
    while passes is None or done < passes:
        for start in range(0, len(inputs), T):
            yield Chunk(inputs[start : start + T], targets[start : start + T], start == 0)
        done += 1

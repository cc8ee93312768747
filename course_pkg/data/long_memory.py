"""Two tasks that ask for a long memory and need no data: the adding problem and copy memory."""

import numpy as np

from course_pkg.data.batches import one_hot
from course_pkg.shapes import check_positive_int, check_rng

SYMBOLS, BLANK, GO = 10, 0, 9  # of copy memory: 1 ... 8 are to be remembered, ten of them


def adding_problem(
    rng: np.random.Generator, T: int, B: int, dtype: type = np.float64
) -> tuple[np.ndarray, np.ndarray]:
    """xs: (T, B, 2): random numbers in [0, 1), and marks at two of the steps -> targets (B, 1), the marked two's sum.

    Hochreiter and Schmidhuber (1997), in the form of Bai et al. (2018). To answer 1 always costs 1/6 on average.
    """
    check_rng("adding_problem", rng)
    if T < 2:
        raise ValueError(f"adding_problem: T must be >= 2, two steps are marked, got {T}")
    check_positive_int("adding_problem", "B", B)
    xs = np.zeros((T, B, 2), dtype)
    xs[:, :, 0] = rng.random((T, B))
    first = rng.integers(0, T, B)
    second = (first + rng.integers(1, T, B)) % T  # any other step
    for marked in (first, second):
        xs[marked, np.arange(B), 1] = 1
    targets = xs[first, np.arange(B), 0] + xs[second, np.arange(B), 0]
    return xs, targets[:, None]


def copy_memory(
    rng: np.random.Generator, T: int, B: int, dtype: type = np.float64
) -> tuple[np.ndarray, np.ndarray]:
    """xs: (T+20, B, 10) one-hot: ten symbols, T-1 blanks, then 11 times "go" -> targets (T+20, B): blank, and in the
    last ten steps the ten symbols again.

    Arjovsky et al. (2016), in the form of Bai et al. (2018). To know which steps are blank and nothing else costs
    10 ln 8 / (T + 20) a step.
    """
    check_rng("copy_memory", rng)
    check_positive_int("copy_memory", "T", T)
    check_positive_int("copy_memory", "B", B)
    words = rng.integers(1, GO, (SYMBOLS, B))
    ids = np.full((T + 2 * SYMBOLS, B), BLANK)
    ids[:SYMBOLS] = words
    ids[T + SYMBOLS - 1 :] = GO
    targets = np.full_like(ids, BLANK)
    targets[-SYMBOLS:] = words
    return one_hot(ids, GO + 1).astype(dtype), targets


def memoryless_loss(T: int) -> float:
    """(copy-baseline)  What copy memory costs a step without any memory: 10 ln 8 / (T + 20)."""
    return SYMBOLS * float(np.log(GO - 1)) / (T + 2 * SYMBOLS)

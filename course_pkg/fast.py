"""What the fast forms of RNN, LSTM and GRU share: equal to the readable forms by test, and faster.

1. What does not depend on the previous state leaves the time loop: the product with the inputs, the local
   derivatives, and the weight gradients, which are one product over many steps.
2. Only so many steps at a time leave it that their arrays stay in the processor's cache (`chunks`).
3. The bias is one more weight, of an input that is always 1 (`with_one`): it costs no pass of its own.
4. One tanh serves all gates: sigmoid(a) = (1 + tanh(a / 2)) / 2, the inner half folded into the weights.
5. Everything is computed into memory that is already there: `out=`, blocks of moderate size, `keep_freed_memory`.
6. The product with the state, a few rows at a time, is cut into pieces that OpenBLAS computes fastest (`blocked`).
"""

import ctypes
from collections.abc import Iterator

import numpy as np

CACHE = 2**20  # bytes: about a core's second-level cache
SMALL = 10**6  # multiplications of a product that OpenBLAS takes for a small one; see blocked
BLOCK = 2**24  # bytes: long sequences are read in blocks whose gates are no larger; see keep_freed_memory


def keep_freed_memory() -> None:
    """Ask glibc to keep up to 1 GiB of freed memory for the next arrays, instead of handing it to the system.

    Fresh memory comes page by page and zeroed; without this, a training step spends up to half its time on it. Only
    arrays below 32 MiB profit. Elsewhere than on Linux with glibc nothing happens.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    trim_threshold, mmap_threshold = -1, -3  # the numbers of <malloc.h>
    mallopt(trim_threshold, 2**30)
    mallopt(mmap_threshold, 2**25)


keep_freed_memory()


def chunks(T: int, bytes_per_step: int, limit: int | None = None) -> list[tuple[int, int]]:
    """0 ... T cut into (start, stop) of as many steps as stay below `limit` bytes (CACHE if None), at least one."""
    steps = max(1, (CACHE if limit is None else limit) // bytes_per_step)
    return [(start, min(start + steps, T)) for start in range(0, T, steps)]


def backwards(start: int, stop: int) -> Iterator[tuple[int, int]]:
    """(t, k) from the last step of a chunk to its first: t in the sequence, k in the chunk."""
    return ((t, t - start) for t in range(stop - 1, start - 1, -1))


def with_one(xs: np.ndarray) -> np.ndarray:
    """xs: (T, B, D) -> (T, B, D+1) with a 1 behind each input."""
    T, B, D = xs.shape
    xs1 = np.empty((T, B, D + 1), xs.dtype)
    xs1[..., :D], xs1[..., D] = xs, 1
    return xs1


def rows(array: np.ndarray) -> np.ndarray:
    """(T, B, ...) -> (T*B, ...), the last axes joined: all steps of all sequences alike. A view where possible."""
    return array.reshape(array.shape[0] * array.shape[1], -1)


def one_minus_square(y: np.ndarray) -> np.ndarray:
    """1 - y^2, same shape (...): the derivative of tanh in terms of its output, without a second array."""
    result = y * y
    return np.subtract(1, result, out=result)


def blocked(W: np.ndarray, rows: int, inner: int | None = None) -> np.ndarray:
    """W: (G, K, N), to be multiplied by (rows, K) -> (G*S, K, N/S): its columns in S blocks, 1 if it is small enough.

    inner: how many of the K one product takes, if not all.

    OpenBLAS has a kernel for products of at most SMALL multiplications that copies nothing first; on processors with
    AVX-512 it is up to 1.7 times as fast. (On those without, a training step is up to a tenth slower for the blocks.)
    """
    G, K, N = W.shape
    fits = [n for n in (N, *range(8, N, 8)) if N % n == 0 and rows * (inner or K) * n <= SMALL]
    n = max(fits, default=N)
    return np.ascontiguousarray(W.reshape(G, K, N // n, n).swapaxes(1, 2)).reshape(-1, K, n)


def joined(product: np.ndarray, G: int) -> np.ndarray:
    """product: (G*S, B, n), with a `blocked` matrix -> (G, B, S, n), a view: the columns in their order again."""
    _, B, n = product.shape
    return product.reshape(G, -1, B, n).swapaxes(1, 2)

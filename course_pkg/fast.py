"""What the fast forms of RNN, LSTM and GRU share: equal to the readable forms by test, and faster.

1. What does not depend on the previous state leaves the time loop: the product with the inputs (but the LSTM takes
   them into the product with the state, `state_beside_input`), the local derivatives, and the weight gradients, which
   are one product over many steps.
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
WIDTH = 256  # bytes
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


def state_beside_input(h0: np.ndarray, xs: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """h0: (B, H), xs: (T, B, D) -> (T+1, B, H+D+1): h_0 to h_T, of which the first is filled, each with the input that
    is read next and a 1. One product with all weights, bias included, is then a step's whole pre-activation.
    """
    (T, B, D), H = xs.shape, h0.shape[1]
    hx = np.empty((T + 1, B, H + D + 1), dtype)
    hx[0, :, :H] = h0
    hx[:T, :, H:-1], hx[T, :, H:-1] = xs, 0
    hx[..., -1] = 1
    return hx


def rows(array: np.ndarray) -> np.ndarray:
    """(T, B, ...) -> (T*B, ...), the last axes joined: all steps of all sequences alike. A view where possible."""
    return array.reshape(array.shape[0] * array.shape[1], -1)


def one_minus_square(y: np.ndarray) -> np.ndarray:
    """1 - y^2, same shape (...): the derivative of tanh in terms of its output, without a second array."""
    result = y * y
    return np.subtract(1, result, out=result)


def blocked(W: np.ndarray, rows: int) -> np.ndarray:
    """W: (G, K, N), to be multiplied by (rows, K) -> (G*S, K, N/S): its columns in S blocks, 1 if that is fastest.

    OpenBLAS has a kernel for products of at most SMALL multiplications that copies nothing first. With AVX-512 it is
    up to 1.7 times as fast, and fastest where the rows of W are WIDTH bytes. (On processors without, a training step
    is up to a tenth slower for the blocks.)
    """
    G, K, N = W.shape
    best = [WIDTH // W.itemsize, WIDTH // 2 // W.itemsize, *range(N - N % 4, 0, -4)]
    fits = (n for n in best if N % n == 0 and rows * K * n <= SMALL)
    n = next(fits, N) if rows > 1 else N
    return np.ascontiguousarray(W.reshape(G, K, N // n, n).swapaxes(1, 2)).reshape(-1, K, n)


def joined(product: np.ndarray, G: int) -> np.ndarray:
    """product: (G*S, B, n), with a `blocked` matrix -> (G, B, S, n), a view: the columns in their order again.

    Where B is 1, the G*S blocks of n columns may also be one of G*S*n.
    """
    G_S, B, _ = product.shape
    return product.reshape(G, max(1, G_S // G), B, -1).swapaxes(1, 2)


def multiply(x: np.ndarray, W: np.ndarray, out: np.ndarray) -> None:
    """x: (B, K), W: (S, K, N) -> out: (S, B, N). np.dot takes one matrix only, and has less to prepare for it."""
    if len(W) == 1:
        np.dot(x, W[0], out=out[0])
    else:
        np.matmul(x, W, out=out)

"""The linear recurrence h_t = a_t * h_{t-1} + b_t, step by step and by parallel prefix scans; gradients by hand.

A step is the pair (a, b). Two steps in a row are one step again:

    (a_1, b_1) then (a_2, b_2)  =  (a_2 a_1, a_2 b_1 + b_2)

This is associative, so the T steps may be put together in any grouping, and many groups at the same time: about log2 T
rounds in place of T steps (Blelloch 1990; Martin and Cundy 2018 for recurrent networks). The recurrence must be linear
in the state, and a_t must not depend on it. Arrays are time-major: a and b (T, ...), all entries for themselves.
"""

from collections.abc import Callable

import numpy as np

from course_pkg.shapes import check_choice

Pair = tuple[np.ndarray, np.ndarray]


def combine(first: Pair, then: Pair) -> Pair:
    """(scan-combine)  Two steps, arrays of one shape (..., ), as one: -> (a, b) of that shape."""
    return then[0] * first[0], then[0] * first[1] + then[1]


def recurrence_steps(a: np.ndarray, b: np.ndarray, h0: np.ndarray | None = None) -> np.ndarray:
    """(linear-recurrence)  a, b: (T, ...), h0: (...), zeros if None -> h_1 ... h_T: (T, ...), one step at a time."""
    _check("recurrence_steps", a, b, h0)
    h = np.zeros_like(b[0]) if h0 is None else h0
    hs = []
    for a_t, b_t in zip(a, b, strict=True):
        h = a_t * h + b_t
        hs.append(h)
    return np.stack(hs)


def scan_doubling(
    a: np.ndarray,
    b: np.ndarray,
    together: Callable[[Pair, Pair], Pair] = combine,
) -> Pair:
    """(scan-doubling)  a, b: (T, ...) -> steps 1 ... t as one, for each t.

    Round k joins every stretch of 2^k steps with the one before it: in all
    ceil(log2 T) rounds and about T log2 T joins (Hillis and Steele 1986).
    `together` joins two pairs, in one call for a whole round.
    """
    width = 1
    while width < len(a):
        earlier, later = (a[:-width], b[:-width]), (a[width:], b[width:])
        new_a, new_b = together(earlier, later)
        a = np.concatenate([a[:width], new_a])
        b = np.concatenate([b[:width], new_b])
        width *= 2
    return a, b


def scan_pairs(a: np.ndarray, b: np.ndarray, together: Callable[[Pair, Pair], Pair] = combine) -> Pair:
    """As scan_doubling: (T, ...) -> (T, ...), with fewer than 2 T combinations, about 2 log2 T rounds (Blelloch 1990).

    Neighbours are joined, the half as long sequence is scanned in the same way, and what lies between is filled in.
    """
    T = len(a)
    if T == 1:
        return a, b
    even = T - T % 2
    halves = together((a[0:even:2], b[0:even:2]), (a[1:even:2], b[1:even:2]))  # (T // 2, ...)
    odd_places = scan_pairs(*halves, together)  # steps 1 ... 2, 1 ... 4, 1 ... 6, ...
    out = np.empty_like(a), np.empty_like(b)
    for whole, first, odd in zip(out, (a, b), odd_places, strict=True):
        whole[0], whole[1::2] = first[0], odd
    if T > 2:
        before = tuple(odd[: (T - 1) // 2] for odd in odd_places)
        filled = together(before, (a[2::2], b[2::2]))
        for whole, part in zip(out, filled, strict=True):
            whole[2::2] = part
    return out


SCANS = {"doubling": scan_doubling, "pairs": scan_pairs}


def recurrence_scan(a: np.ndarray, b: np.ndarray, h0: np.ndarray | None = None, how: str = "doubling") -> np.ndarray:
    """(linear-recurrence)  recurrence_steps by a scan: a, b: (T, ...), h0: (...) -> (T, ...). how: a name in SCANS."""
    _check("recurrence_scan", a, b, h0)
    check_choice("recurrence_scan", "how", how, SCANS)
    factors, sums = SCANS[how](a, b)
    return sums if h0 is None else factors * h0 + sums


def recurrence_scan_backward(
    a: np.ndarray,
    hs: np.ndarray,
    dhs: np.ndarray,
    h0: np.ndarray | None = None,
    how: str = "doubling",
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(linear-recurrence-grad)  dhs: (T, ...), what each h_t receives directly
    -> da, db: (T, ...), dh0: (...).

    g_t = dh_t + a_{t+1} g_{t+1}: the same kind of recurrence, from the end.
    """
    _check("recurrence_scan_backward", a, hs, h0)
    _check("recurrence_scan_backward", a, dhs, None, "dhs")
    nothing = np.zeros_like(a[:1])
    later = np.concatenate([nothing, a[:0:-1]])  # 0, a_T, ..., a_2
    db = recurrence_scan(later, dhs[::-1], how=how)[::-1]  # g_1 ... g_T
    first = np.zeros_like(hs[:1]) if h0 is None else h0[None]
    before = np.concatenate([first, hs[:-1]])  # h_0 ... h_{T-1}
    return db * before, db, a[0] * db[0]


def _check(function: str, a: np.ndarray, b: np.ndarray, h0: np.ndarray | None, name: str = "b") -> None:
    if a.ndim < 1 or len(a) == 0:
        raise ValueError(f"{function}: a must be (T, ...) with T >= 1, got shape {a.shape}")
    if b.shape != a.shape:
        raise ValueError(f"{function}: {name} must be {a.shape} (from a), got shape {b.shape}")
    if h0 is not None and h0.shape != a.shape[1:]:
        raise ValueError(f"{function}: h0 must be {a.shape[1:]} (from a), got shape {h0.shape}")

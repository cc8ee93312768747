"""Seeded mutations of bytes, for the tests that feed the notebook reader and the frame decoder with them."""

from __future__ import annotations

import os
import random
import time
import tracemalloc
from collections.abc import Callable, Sequence

TOKENS = [b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"null", b"NaN", b"-1", b"1e999", b"\x00", b"\xff\xfe",
          b"\xef\xbb\xbf", b"\\ud800", b"[" * 50, b'{"a":' * 30, b'"cells"', b'"source"', b'"metadata"', b"9" * 400,
          b"RNN1", b"\xff" * 8, b"<f8", b"|O8", b'["a","<f8",[2]]', b'["t",[', b"true"]  # fmt: skip


def count(short: int) -> int:
    """How many inputs: `short`, or COURSE_FUZZ of them."""
    return int(os.environ.get("COURSE_FUZZ", short))


def mutant(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds, changed in a few places: cut, doubled, spliced with another, bits flipped, tokens put in."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6, 12))):
        at = rng.randrange(len(data) + 1)
        to = min(len(data), at + rng.choice((1, 1, 2, 8, 40, 400)))
        match rng.randrange(8):
            case 0:
                del data[at:to]
            case 1:
                data[at:at] = data[at:to] * rng.choice((1, 2, 30))
            case 2:
                data[at:at] = rng.choice(TOKENS)
            case 3:
                data[at:to] = rng.choice(TOKENS)
            case 4:
                other = rng.choice(seeds)
                begin = rng.randrange(len(other) + 1)
                data[at:to] = other[begin : begin + rng.choice((4, 40, 400))]
            case 5 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 6 if at < len(data):
                data[at] = rng.randrange(256)
            case 7 if rng.random() < 0.1:
                del data[at:]
    return bytes(data)


def run(seeds: Sequence[bytes], take: Callable[[bytes], None], inputs: int, seed: int) -> tuple[float, int]:
    """Feed `take` with mutants. The longest time of one in CPU seconds, and the most memory in use, in bytes.

    Memory is watched on one input in fifty, because watching is slow.
    """
    rng, longest, most = random.Random(seed), 0.0, 0
    for k in range(inputs):
        data = mutant(rng, seeds)
        watched = k % 50 == 0
        if watched:
            tracemalloc.start()
        started = time.process_time()
        take(data)
        if watched:
            most = max(most, tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        else:
            longest = max(longest, time.process_time() - started)
    return longest, most

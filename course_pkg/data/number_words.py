"""Numbers in digits and in words, British style: 412 -> "four hundred and twelve"."""

from typing import NamedTuple

import numpy as np

from course_pkg.shapes import check_positive_int, check_rng

SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
         "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")  # fmt: skip
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


class NumberPair(NamedTuple):
    """The digits of a number, and its words."""

    source: tuple[str, ...]
    target: tuple[str, ...]


def spell(n: int) -> tuple[str, ...]:
    """0 <= n < 1,000,000 -> its words: ("four", "hundred", "and", "twelve")."""
    if not 0 <= n < 1_000_000:
        raise ValueError(f"spell: n must be in 0..999999, got {n}")
    if n < 20:
        return (SMALL[n],)
    if n < 100:
        return (TENS[n // 10], *([SMALL[n % 10]] if n % 10 else []))
    if n < 1000:
        return (SMALL[n // 100], "hundred", *(("and", *spell(n % 100)) if n % 100 else ()))
    rest = n % 1000
    joint = ("and",) if 0 < rest < 100 else ()
    return (*spell(n // 1000), "thousand", *joint, *(spell(rest) if rest else ()))


def is_held_out(n: int) -> bool:
    """One number in ten is for testing; which ones has nothing to do with its digits."""
    return (n * 2654435761 % 2**32) // 1000 % 10 == 0


def draw_numbers(
    rng: np.random.Generator, count: int, digits: tuple[int, int] = (1, 4), *, held_out: bool | None = False
) -> list[NumberPair]:
    """`count` numbers of digits[0] to digits[1] digits: first how many, then which. held_out: all, none, or (None)
    as they come."""
    check_rng("draw_numbers", rng)
    check_positive_int("draw_numbers", "count", count)
    if not 1 <= digits[0] <= digits[1] <= 6:
        raise ValueError(f"draw_numbers: digits must be (least, most) with 1 <= least <= most <= 6, got {digits}")
    pairs: list[NumberPair] = []
    while len(pairs) < count:
        d = int(rng.integers(digits[0], digits[1] + 1))
        n = int(rng.integers(0 if d == 1 else 10 ** (d - 1), 10**d))
        if held_out is None or is_held_out(n) == held_out:
            pairs.append(NumberPair(tuple(str(n)), spell(n)))
    return pairs

"""Dates as people write them, and as ISO 8601 wants them: "Thursday, March 7th, 2019" -> "2019-03-07".

Eight ways to write a date, all with one reading: the day stands before the month where both are numbers, and a year
of two digits is one from 1930 to 2029.
"""

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

import numpy as np

from course_pkg.shapes import check_positive_int, check_rng

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FIRST, LAST = date(1930, 1, 1).toordinal(), date(2029, 12, 31).toordinal()


class DatePair(NamedTuple):
    """Letters of a date, letters of its ISO form, and the number of the format."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    format: int


def _th(day: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st ..."""
    return f"{day}{'th' if 10 < day < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


FORMATS: tuple[Callable[[date], str], ...] = (
    lambda d: f"{d.day} {MONTHS[d.month - 1]} {d.year}",  # 7 March 2019
    lambda d: f"{MONTHS[d.month - 1]} {d.day}, {d.year}",  # March 7, 2019
    lambda d: f"{d.day:02}.{d.month:02}.{d.year}",  # 07.03.2019
    lambda d: f"{DAYS[d.weekday()][:3]} {d.day} {MONTHS[d.month - 1][:3]} {d.year}",  # Thu 7 Mar 2019
    lambda d: f"{DAYS[d.weekday()]}, {MONTHS[d.month - 1]} {_th(d.day)}, {d.year}",  # Thursday, March 7th, 2019
    lambda d: f"{d.day}.{d.month}.{d.year % 100:02}",  # 7.3.19
    lambda d: f"the {_th(d.day)} of {MONTHS[d.month - 1]} {d.year}",  # the 7th of March 2019
    lambda d: f"{d.year}, {d.day} {MONTHS[d.month - 1][:3]}",  # 2019, 7 Mar
)


def is_held_out(day: date) -> bool:
    """One day in ten is for testing, in every format; which ones has nothing to do with the calendar."""
    return (day.toordinal() * 2654435761 % 2**32) // 1000 % 10 == 0


def write_date(day: date, form: int) -> DatePair:
    """The pair of a day in format 0..7."""
    if not 0 <= form < len(FORMATS):
        raise ValueError(f"write_date: form must be in 0..{len(FORMATS) - 1}, got {form}")
    return DatePair(tuple(FORMATS[form](day)), tuple(day.isoformat()), form)


def draw_dates(rng: np.random.Generator, n: int, *, held_out: bool = False) -> list[DatePair]:
    """n days from 1930 to 2029, each in a format drawn at random; either all held out or none."""
    check_rng("draw_dates", rng)
    check_positive_int("draw_dates", "n", n)
    pairs: list[DatePair] = []
    while len(pairs) < n:
        day = date.fromordinal(int(rng.integers(FIRST, LAST + 1)))
        form = int(rng.integers(len(FORMATS)))
        if is_held_out(day) == held_out:
            pairs.append(write_date(day, form))
    return pairs

"""Boxes for the tests: one zygote for each level that runs here, and why the others do not."""

import pytest

from course_pkg.grading.box import Box, Limits
from course_pkg.grading.levels import probe
from course_pkg.grading.warm import Zygote, shared

QUICK = Limits(wall_s=1.0, call_s=0.5, memory_mb=160, output_bytes=1 << 20)
LEVELS = ("A", "B", "D")
WALLED = ("A", "B")


def zygote(level):
    """Started once for all tests of this process, and closed at its end."""
    return shared(level, False)


def box(level, limits=QUICK):
    """A fresh box, or the test is skipped and says what this machine lacks."""
    problem = probe(level)
    if problem:
        pytest.skip(f"level {level} does not run here: {problem}")
    return Box(zygote=Zygote(level) if zygote(level).single_use else zygote(level), limits=limits)


def run(level, source, *cases, function="f", limits=QUICK):
    """(report, outcomes) of one cell and its function."""
    with box(level, limits) as opened:
        report = opened.load([("Cell 1", source)])
        return report, opened.call(function, cases or [(1.0,)])

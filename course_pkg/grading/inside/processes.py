"""Processes below this one: their clocks, and their end."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from . import confine


def cpu(pid: int) -> float:
    """Seconds of processor time of another process; its clock is named by its number."""
    try:
        return time.clock_gettime((~pid << 3) | 2) if confine.LINUX else 1e9
    except OSError:
        return 1e9


def sweep() -> None:
    """Kill and collect every process that is below this one, also those that left their group."""
    for _ in range(100):
        for child in children(os.getpid()) or ():
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
        try:
            if os.waitpid(-1, 0)[0] == 0:
                return
        except ChildProcessError:
            return


def children(pid: int) -> list[int] | None:
    """The processes that this one has forked, as the kernel tells; None where there is no /proc."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return None


def present(numbers: range) -> list[int]:
    """Those of the numbers that are processes."""
    found = []
    for number in numbers:
        with contextlib.suppress(OSError):
            os.kill(number, 0)
            found.append(number)
    return found

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
        for child in _children():
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
        try:
            if os.waitpid(-1, 0)[0] == 0:
                return
        except ChildProcessError:
            return


def _children() -> list[int]:
    own = os.getpid()
    try:
        with open(f"/proc/{own}/task/{own}/children", "rb") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []

"""Run a command and measure it with everything that it starts: wall seconds, CPU seconds, peak memory. Linux only.

CPU seconds are the kernel's account of a control group that the command starts in, and so count every descendant, also
those that nobody waited for. That needs the right to make such a group (root); without it they are those of the command
and of all descendants that were waited for, and `exact` is False. Memory is the sum of the proportional set sizes (PSS:
a page shared by n processes counts 1/n for each), sampled every 40 ms.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PAUSE = 0.04  # seconds between two samples


@dataclass(frozen=True)
class Cost:
    wall_s: float
    cpu_s: float
    peak_mib: float
    code: int
    output: str
    exact: bool  # whether cpu_s counts every descendant


def measure(command: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Cost:
    """The cost of a command; its output and its exit code beside it."""
    with _group() as group:
        return _measure(command, cwd, env, group)


def _measure(command: Sequence[str], cwd: Path | None, env: Mapping[str, str] | None, group: Path | None) -> Cost:
    started = time.perf_counter()
    if group is not None:  # a shell that enters the group and then becomes the command
        command = ["/bin/sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', str(group), *command]
    process = subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    peak = [0.0]
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(process.pid, peak, done), daemon=True)
    watch.start()
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    done.set()
    watch.join()
    cpu = usage.ru_utime + usage.ru_stime if group is None else _used(group)
    return Cost(wall, cpu, peak[0], process.returncode, output, group is not None)


@contextmanager
def _group() -> Iterator[Path | None]:
    """A new control group that counts processor time, of version 1 or 2; None where none can be made."""
    for top in (Path("/sys/fs/cgroup/cpuacct"), Path("/sys/fs/cgroup")):
        group = top / f"measured-{os.getpid()}-{time.monotonic_ns()}"
        try:
            if not (top / "cgroup.procs").exists():
                continue
            group.mkdir()
            _used(group)
        except OSError:
            with suppress(OSError):
                group.rmdir()
            continue
        try:
            yield group
        finally:
            for _ in range(100):  # what was killed may take a moment to go
                try:
                    group.rmdir()
                    break
                except OSError:
                    time.sleep(0.05)
        return
    yield None


def _used(group: Path) -> float:
    """Seconds of processor time of all processes that are or were in the group."""
    old = group / "cpuacct.usage"
    if old.exists():
        return int(old.read_text()) / 1e9
    fields = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
    return int(fields["usage_usec"]) / 1e6


def _watch(root: int, peak: list[float], done: threading.Event) -> None:
    while not done.wait(PAUSE):
        peak[0] = max(peak[0], sum(pss(pid) for pid in tree(root)) / 1024)


def tree(root: int) -> list[int]:
    """The process and all its descendants that live now."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parent = int(Path("/proc", name, "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue  # it has just ended
            children.setdefault(parent, []).append(int(name))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def pss(pid: int) -> float:
    """Proportional set size of one process in KiB; its share of ordinary memory where PSS may not be read."""
    try:
        for line in Path("/proc", str(pid), "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return float(line.split()[1])
    except OSError:
        pass
    try:  # a process that hides its map: resident pages that belong to it alone
        fields = Path("/proc", str(pid), "statm").read_text().split()
        return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE") / 1024
    except (OSError, IndexError):
        return 0.0

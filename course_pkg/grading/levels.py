"""The ladder: which levels of isolation this machine really gives, and why not the higher ones.

A level counts only when a box at that level has refused, here and now, what it promises to refuse.
"""

from __future__ import annotations

import functools

from .warm import BoxError, close_shared

LADDER = ("A", "B", "C", "D")
MUST_REFUSE = {
    "A": "fork, run a program, open a socket, read files, write files, signal others, read the course",
    "B": "fork, run a program, open a socket, read files, write files, signal others, read the course",
    "C": "write files, read the course, reach the network",
    "D": "",
}
GUARANTEES = {
    "A": "own namespaces, an empty read-only root with Python and NumPy, no network, no new programs, no forks",
    "B": "nothing but Python and NumPy can be read, nothing written, no network, no new programs, no forks",
    "C": "a container: no network, a read-only image, limits on memory and processes",
    "D": "a process of its own with limits on time and memory; its code can read every file and use the network",
}
HOW_TO_ALLOW_A = (
    "bubblewrap is here but may not make namespaces. In a container: start it with --security-opt seccomp=unconfined "
    "--security-opt apparmor=unconfined; on Ubuntu 24.04: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"
)
PROBE = '''
import os, socket
def tries():
    """What this box allows."""
    def tried(what):
        try:
            what()
        except OSError:
            return False
        return True
    def fork():
        if os.fork() == 0:
            os._exit(0)
    def run():
        if os.posix_spawn("/bin/true", ["true"], {}):
            return
    return {
        "fork": tried(fork),
        "run a program": tried(run),
        "open a socket": tried(lambda: socket.socket()),
        "read files": tried(lambda: open("/etc/passwd")) or tried(lambda: os.listdir("/proc")),
        "write files": tried(lambda: os.open("/tmp/probe", os.O_CREAT | os.O_WRONLY)),
        "signal others": tried(lambda: os.kill(os.getppid(), 0)),
        "read the course": tried(lambda: open(COURSE)),
        "reach the network": tried(lambda: socket.create_connection(("192.0.2.1", 9), 0.05)),
    }
'''


class Level(str):
    """"A", "B" or "D"; `why` says for each level above it why it does not run here."""

    why: dict[str, str]

    @classmethod
    def of(cls, name: str, why: dict[str, str]) -> Level:
        """The level with its reasons."""
        level = cls(name)
        level.why = why
        return level


@functools.cache
def best_level() -> Level:
    """The highest level that a box really reaches on this machine."""
    why: dict[str, str] = {}
    for name in LADDER:
        problem = probe(name)
        if not problem:
            return Level.of(name, why)
        why[name] = problem
    raise BoxError(f"no box starts on this machine: {why}")


@functools.cache
def probe(level: str) -> str:
    """Empty when a box at this level runs and refuses what it must; otherwise why not."""
    problem = _tried(level)
    if problem:
        close_shared(level)
    return problem


def _tried(level: str) -> str:
    """The same, of a box like all that will follow."""
    from .box import Box

    try:
        with Box(level) as box:
            report = box.load([("course", f"COURSE = {__file__!r}"), ("probe", PROBE)])
            (outcome,) = box.call("tries", [()])
    except (BoxError, OSError) as error:
        return f"{error}. {HOW_TO_ALLOW_A}" if "bwrap" in str(error) else str(error)
    if not report.ok or not isinstance(outcome.value, dict):
        return f"the probe does not run: {outcome.fault or outcome.error or [cell.fault for cell in report.cells]}"
    wanted = filter(None, MUST_REFUSE[level].split(", "))
    allowed = [name for name in wanted if outcome.value.get(name) is not False]
    return f"the box does not keep the student's code from: {', '.join(allowed)}" if allowed else ""


def main() -> None:
    """Print the level of this machine, what it guarantees, and what keeps it from a higher one."""
    level = best_level()
    print(f"level {level}: {GUARANTEES[level]}")
    for name, reason in level.why.items():
        print(f"not level {name}: {reason}")


if __name__ == "__main__":
    main()

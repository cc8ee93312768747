"""Processes that have imported NumPy already and wait: a box then starts in milliseconds.

A zygote never runs a student's code. For each box it forks a guard, which at level A has namespaces of its own. One
zygote serves one grader process; after a fork of the grader the child makes its own.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import socket
import subprocess
import tempfile
import threading

from .inside import protocol
from .launch import launch

STARTS_WITHIN = 60.0  # seconds for Python, NumPy and torch to be there, on a machine that is busy


class BoxError(RuntimeError):
    """The box itself does not work: a matter for the instructor, never a student's fault."""


class Zygote:
    """A process that has imported NumPy (or torch) and forks a guard for each box. Bound to its maker's process.

    It is started here and waited for when something is first asked of it.
    """

    def __init__(self, level: str, torch: bool = False) -> None:
        self.level, self.torch, self._owner = level, torch, os.getpid()
        self._waiting, self._hello, self.used = threading.Lock(), None, False
        self._control, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed in hello or close
        try:
            with theirs:
                plan = launch(level, torch, theirs.fileno())
                through = theirs if plan.stdio else subprocess.DEVNULL
                passed = [] if plan.stdio else [theirs.fileno()]
                self._process = subprocess.Popen(
                    plan.command, env=plan.environment, pass_fds=passed, stdin=through, stdout=through,
                    stderr=self._errors, start_new_session=True, cwd="/",
                )  # fmt: skip
                self._stdio, self._first = plan.stdio, protocol.pack(plan.settings, plan.filter)
        except BaseException:
            self._control.close()
            self._errors.close()
            raise

    @property
    def hello(self) -> protocol.Frame:
        """What it says once NumPy is there; BoxError, with its last words, when it does not come so far."""
        with self._waiting:
            if self._hello is None:
                try:
                    self._control.settimeout(STARTS_WITHIN)
                    self._control.sendall(self._first)
                    self._hello = receive(self._control, protocol.FrameReader(protocol.Sizes(1 << 16, 0)))
                except (OSError, ValueError) as error:
                    said = self._last_words()
                    self.close()
                    raise BoxError(f"level {self.level} does not start: {said or error}") from error
                self._errors.close()
            return self._hello

    def _last_words(self) -> str:
        with contextlib.suppress(OSError, ValueError):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.5)
            self._errors.seek(0)
            return (self._errors.read(2000).decode("utf-8", "replace").strip().splitlines() or [""])[-1]
        return ""

    @property
    def single_use(self) -> bool:
        """Whether boxes of this zygote would share namespaces, so that each needs its own."""
        nested = self.hello.header.get("nested") is True
        return self._stdio or (self.level == "A" and not nested)

    def session(self) -> socket.socket:
        """The socket of a new guard, which serves one submission."""
        if os.getpid() != self._owner:
            raise BoxError("this box belongs to another process; after a fork make a new one")
        if self.single_use and self.used:
            raise BoxError("this machine needs a zygote for each box")
        self.used = True
        if self._stdio:
            return self._control.dup()
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._control, [b"S"], [theirs.fileno()])
            except OSError as error:
                ours.close()
                raise BoxError("the zygote has ended") from error
        return ours

    @property
    def alive(self) -> bool:
        return os.getpid() == self._owner and self._process.poll() is None

    def close(self) -> None:
        """End it and wait until it is gone. Boxes that are open end with it at level A, by themselves elsewhere."""
        self._control.close()
        self._errors.close()
        if os.getpid() != self._owner:
            return
        try:
            self._process.wait(2.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def receive(link: socket.socket, reader: protocol.FrameReader) -> protocol.Frame:
    """The next frame, kept ones first; ConnectionError when the other side has ended."""
    data = b""
    while True:
        for frame in reader.feed(data):
            return frame
        data = link.recv(1 << 20)
        if not data:
            raise ConnectionError("the box has ended")


_shared: dict[tuple[int, str, bool], Zygote] = {}
_lock = threading.Lock()


def shared(level: str, torch: bool) -> Zygote:
    """The zygote of this process for a level, started when it is first asked for and again if it has ended."""
    key = (os.getpid(), level, torch)
    with _lock:
        zygote = _shared.get(key)
        if zygote is None or not zygote.alive:
            zygote = _shared[key] = Zygote(level, torch)
        return zygote


def begin(level: str) -> None:
    """Start a level's zygote without waiting for it, so that it is there sooner. Whoever needs it hears what failed."""
    with contextlib.suppress(OSError, ValueError):
        shared(level, False)


@atexit.register
def close_shared(level: str = "") -> None:
    """End the zygotes of this process, or those of a level; those of the process it was forked from are not its own."""
    with _lock:
        for key in [key for key in _shared if key[0] == os.getpid() and level in ("", key[1])]:
            with contextlib.suppress(Exception):
                _shared.pop(key).close()

"""Imports NumPy once, then waits for orders and gives each submission a fresh guard, in namespaces of its own.

    python -s -S -P -B -c "..." FD      FD: the socket to the trusted side

It never runs a student's code and never reads a student's bytes: a submission's socket goes through its hands unread.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from typing import Any

from . import confine, protocol, student, supervisor


class Pipes:
    """Standard input and output as one connection: all that a container has. Other output goes nowhere."""

    def __init__(self) -> None:
        self._reading, self._writing = os.dup(0), os.dup(1)
        _silence()

    def recv(self, most: int) -> bytes:
        """Up to `most` bytes; none when the other side has hung up."""
        return os.read(self._reading, most)

    def sendall(self, data: bytes) -> None:
        """Write everything."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._writing, view) :]

    def fileno(self) -> int:
        """What to watch for a hang-up."""
        return self._reading

    def close(self) -> None:
        """Close both ends."""
        os.close(self._reading)
        os.close(self._writing)


def _silence() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.close(nothing)


def main(descriptor: int) -> None:
    """Read the settings, say what is here, fork a guard for each socket that comes; in a container, be the guard."""
    control: Any = socket.socket(fileno=descriptor) if descriptor >= 0 else Pipes()
    confine.undumpable()
    settings = _settings(control)
    import numpy as np

    student.warm_up()
    if settings["torch"]:
        _warm_torch()
    for path in settings["forget"]:
        while path in sys.path:
            sys.path.remove(path)
    gc.enable()  # start turned it off
    gc.freeze()  # no later collection, in any child, goes over NumPy again
    confine.held()  # asked once, after the imports
    settings["nested"] = _can_nest(settings)
    control.sendall(protocol.pack({"ready": True, "nested": settings["nested"], "numpy": np.__version__}))
    if descriptor < 0:
        supervisor.guard(control, settings)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel collects the ended
    while True:
        order, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not order or not descriptors:
            os._exit(0)
        _fork(control, descriptors[0], settings)


def _settings(control: Any) -> dict[str, Any]:
    reader = protocol.FrameReader()
    while True:
        data = control.recv(1 << 16)
        if not data:
            os._exit(0)
        for frame in reader.feed(data):
            return frame.header | {"filter": frame.body}


def _warm_torch() -> None:
    import torch

    torch.set_num_threads(1)
    layer = torch.nn.Linear(2, 2)
    layer(torch.zeros(1, 2)).sum().backward()


def _can_nest(settings: dict[str, Any]) -> bool:
    """Whether a child can have namespaces of its own, tried in a child."""
    if settings["level"] != "A" or not settings["nest"]:
        return False
    child = os.fork()
    if child == 0:
        try:
            confine.enter_namespaces(settings["work"], settings["folder_bytes"])
            os._exit(0)
        except OSError:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _fork(control: socket.socket, descriptor: int, settings: dict[str, Any]) -> None:
    """A guard for one submission. With namespaces: by way of a process that enters them and ends at once."""
    child = os.fork()
    if child:
        os.close(descriptor)
        return
    try:
        control.close()
        _silence()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if settings["level"] == "A":
            if settings["nested"]:
                confine.enter_namespaces(settings["work"], settings["folder_bytes"])
                if os.fork():
                    os._exit(0)
            confine.drop_capabilities()
        confine.undumpable()
        supervisor.guard(socket.socket(fileno=descriptor), settings)
    finally:
        os._exit(1)


def start() -> None:
    """From the command line: the last argument is the number of the descriptor, or -1 for standard input and output."""
    main(int(sys.argv[-1]))

"""The guard of one submission. It forks the process that runs the student's code, watches the clock, passes bytes on.

It runs none of the student's code. It reads what the student's process says with the same care as the trusted side. It
alone can let that process fork: once for each call. When the trusted side hangs up, it kills what runs and ends.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import time
from typing import Any

from . import confine, processes, protocol, student
from .protocol import MOST, WORDS

RESTARTS = 5  # times that the cells are run again without the cell that hung or killed
GIVE_UP = 2  # calls of a function that ran out of time before the rest is not tried
GRACE = 1.0  # seconds for the alarm in the student's process before the guard kills
PATIENCE = 4.0  # a call that waits, instead of computing, may take so many times its limit
ORDERS = protocol.Sizes(header=4 << 20, body=256 << 20)


class _Gone(Exception):
    """The trusted side has hung up."""


class Guard:
    """One submission: at most one student's process at a time, and at most one call in it."""

    def __init__(self, trusted: Any, settings: dict[str, Any]) -> None:
        self.trusted, self.settings = trusted, settings
        self.orders = protocol.FrameReader(ORDERS)
        self.cells: list[tuple[str, str]] = []
        self.reports: list[dict[str, Any]] = []
        self.skip: set[int] = set()
        self.pid, self.link, self.listener = 0, None, -1
        self.words = protocol.FrameReader(WORDS)
        self.grants, self.granted, self.restarts = 0, 0, 0

    def run(self) -> None:
        """Orders until the trusted side hangs up."""
        try:
            while True:
                data = self.trusted.recv(1 << 20)
                if not data:
                    raise _Gone
                for frame in self.orders.feed(data):
                    self._obey(frame)
        except (_Gone, OSError, protocol.ProtocolError):
            pass
        finally:
            self._kill()

    def _obey(self, frame: protocol.Frame) -> None:
        header = frame.header
        if header["order"] == "load":
            self.settings |= header["limits"]
            parts = _cut(frame.body, header["sizes"])
            self.cells = [(name, part.decode("utf-8")) for name, part in zip(header["names"], parts, strict=True)]
            self.reports = [{"fault": "not run"} for _ in self.cells]
            self._load()
            self.trusted.sendall(protocol.pack({"alive": self.pid > 0, "restarts": self.restarts}, self._report()))
        else:
            self._calls(header, _cut(frame.body, header["sizes"]))

    def _report(self) -> bytes:
        return b"".join(protocol.pack(report) for report in self.reports)

    # --- the cells ----------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        """Run the cells. A cell that hangs or kills its process is left out, and all others run again."""
        deadline = time.monotonic() + 3 * self.settings["wall_s"]
        while self.restarts <= RESTARTS:
            self._start()
            fault, at = self._watch_cells(deadline)
            if not fault:
                return
            self._kill()
            self.restarts += 1
            if at is None:
                return
            self.skip.add(at)
            self.reports[at] = {"fault": fault}
            if time.monotonic() > deadline:
                self.skip |= {k for k, report in enumerate(self.reports) if report.get("fault")}
                deadline = time.monotonic() + self.settings["wall_s"]

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            try:
                self.trusted.close()
                ours.close()
                student.run(theirs, self.cells, self.skip, self.settings)
            finally:
                os._exit(1)
        theirs.close()
        self.pid, self.link, self.grants, self.granted = child, ours, 0, 0
        self.words = protocol.FrameReader(WORDS)
        if self.settings["filter"]:
            with contextlib.suppress(OSError):
                ours.settimeout(10.0)
                _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
                self.listener = descriptors[0] if descriptors else -1
        ours.setblocking(False)

    def _watch_cells(self, deadline: float) -> tuple[str, int | None]:
        """("", None) when all cells are through; otherwise what happened, and in which cell."""
        at, since = None, time.monotonic()
        while True:
            limit = min(deadline, since + self.settings["wall_s"] + GRACE)
            ready = self._wait(limit, self.link)
            if not ready:
                return "timeout", at
            try:
                data = self.link.recv(1 << 16)
                for frame in self.words.feed(data):
                    state, k = frame.header.pop("state", ""), frame.header.pop("cell", None)
                    if state == "ready":
                        return "", None
                    if type(k) is not int or not 0 <= k < len(self.cells):
                        return "protocol", at
                    at, since = k, time.monotonic()
                    if state == "end":
                        self.reports[k] = frame.header
            except (protocol.ProtocolError, OSError):
                return "protocol", at
            if not data:
                return "killed", at

    def _wait(self, until: float, *wanted: Any, write: Any = None) -> list[Any]:
        """Descriptors that can be read (or written); requests to fork are answered meanwhile. Empty: time is up."""
        while True:
            left = until - time.monotonic()
            if left <= 0:
                return []
            poller = select.poll()
            numbers = {x if isinstance(x, int) else x.fileno(): x for x in wanted}
            for number in numbers:
                poller.register(number, select.POLLIN | (select.POLLOUT if numbers[number] is write else 0))
            poller.register(self.trusted, select.POLLRDHUP if hasattr(select, "POLLRDHUP") else 0)
            if self.listener >= 0:
                poller.register(self.listener, select.POLLIN)
            found = []
            for number, events in poller.poll(left * 1000 + 1):
                if number == self.trusted.fileno():
                    raise _Gone
                if number == self.listener:
                    self._decide(events)
                else:
                    found.append(numbers[number])
            if found:
                return found

    def _decide(self, events: int) -> None:
        if not events & select.POLLIN:
            os.close(self.listener)
            self.listener = -1
        elif confine.answer_fork(self.listener, self.grants > 0) and self.grants > 0:
            self.grants, self.granted = self.grants - 1, self.granted + 1

    # --- the calls ----------------------------------------------------------------------------------------------------

    def _calls(self, header: dict[str, Any], cases: list[bytes]) -> None:
        """All cases in one fork, or each in a fork of its own and there twice. The answers go on as they are."""
        orders = {"cases": len(cases), "times": 1, "reseed": header["reseed"]}
        if not header["fresh"]:
            fault, data = self._call(protocol.pack(orders) + b"".join(cases), len(cases))
            return self.trusted.sendall(protocol.pack({"case": 0, "fault": fault}, data))
        slow, start = 0, protocol.pack({"cases": 1, "times": 2, "reseed": False})
        for k, case in enumerate(cases):
            fault, data = ("timeout", b"") if slow >= GIVE_UP else self._call(start + case, 2)
            slow += fault == "timeout"
            self.trusted.sendall(protocol.pack({"case": k, "fault": fault}, data))

    def _call(self, cases: bytes, answers: int) -> tuple[str, bytes]:
        """What a fork of the student's process answers to `cases`."""
        if not self.pid and self.restarts <= RESTARTS:
            self.restarts += 1
            self._load()
        if not self.pid:
            return "killed", b""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self.grants, child = 1, 0
        with ours:
            try:
                with theirs:
                    socket.send_fds(self.link, [b"F"], [theirs.fileno()])
                child = self._child()
                fault, data = self._exchange(ours, cases, child, answers) if child else ("killed", b"")
            except (BrokenPipeError, ConnectionResetError):
                fault, data = "killed", b""
            except (OSError, protocol.ProtocolError):
                child, fault, data = 0, "killed", b""
        self.grants = 0
        for process in self._forked() if child else ():
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        if not child:
            self._kill()
        return fault, data

    def _forked(self) -> list[int]:
        """What the student's process has forked, whatever it says. Without /proc we are in a world of our own, where
        process numbers follow each other, and it got one for each fork that was granted."""
        found = processes.children(self.pid)
        return processes.present(range(self.pid + 1, self.pid + self.granted + 1)) if found is None else found

    def _child(self) -> int:
        """The number of the process that was forked for this call, held to be a process of the student's; 0 for no."""
        until = time.monotonic() + 10.0  # it has nothing else to do, but the machine may be busy
        while self._wait(until, self.link):
            data = self.link.recv(1 << 16)
            for frame in self.words.feed(data):
                child = frame.header.get("pid")
                return child if type(child) is int and child in self._forked() else 0
            if not data:
                return 0
        return 0

    def _exchange(self, ours: socket.socket, cases: bytes, child: int, answers: int) -> tuple[str, bytes]:
        """Send the cases, read until the end, within size, and within the time of one call for each answer."""
        call, most = self.settings["call_s"], MOST + 2 * self.settings["output_bytes"] - 1000
        clock, used, sent, data = time.monotonic(), 0.0, 0, bytearray()
        count, end, until = 0, 0, clock + call
        while True:
            ready = self._wait(until, ours, write=ours if sent < len(cases) else None)
            if not ready:
                now, spent = time.monotonic() - clock, processes.cpu(child) - used
                if spent >= call or now >= PATIENCE * call:
                    return "timeout", bytes(data)
                until = clock + min(now + max(call - spent, 0.01), PATIENCE * call)
                continue
            if sent < len(cases):
                with contextlib.suppress(BlockingIOError):
                    sent += ours.send(memoryview(cases)[sent : sent + (1 << 20)])
            try:
                part = ours.recv(1 << 20)
            except BlockingIOError:
                continue
            if not part:
                return "" if data else "killed", bytes(data)
            data += part
            if len(data) > most:
                return "output", b""
            while count < answers and len(data) - end >= protocol.PREFIX.size:
                following = end + protocol.length(data, end)
                if following > len(data):
                    break
                count, end = count + 1, following
                clock, used = time.monotonic(), processes.cpu(child)
                until = clock + call

    def _kill(self) -> None:
        """End the student's process and all that it may have left."""
        if self.link is not None:
            self.link.close()
            self.link = None
        if self.listener >= 0:
            os.close(self.listener)
            self.listener = -1
        if self.pid:
            for kill in (os.killpg, os.kill):
                with contextlib.suppress(OSError):
                    kill(self.pid, signal.SIGKILL)
            self.pid = 0
        processes.sweep()


def _cut(body: bytes, sizes: list[int]) -> list[bytes]:
    out, at = [], 0
    for size in sizes:
        out.append(body[at : at + size])
        at += size
    return out


def guard(trusted: Any, settings: dict[str, Any]) -> None:
    """Guard one submission, then end this process."""
    try:
        if confine.LINUX:
            confine.prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: what the student leaves behind comes to us
        Guard(trusted, settings).run()
    finally:
        os._exit(0)



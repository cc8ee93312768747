"""A box: one submission's code, run apart from the grader, at the best level that this machine allows.

The trusted side sends cells and inputs and gets data back. It never evaluates, unpickles or imports what comes
out, keeps no more of it than `Limits` allow, and waits no longer. Expected results and tests are never sent.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ..exercises.judge import Outcome as PlainOutcome
from ..exercises.values import Fields, same_bits
from .inside import protocol
from .inside.protocol import MOST, WORDS
from .levels import best_level
from .warm import BoxError, Zygote, receive, shared

FAULTS = {"not a function", "not run", "timeout", "memory", "killed", "output", "protocol", "missing", "signature"}
FAULTS |= {"non-deterministic"}


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Times are for each cell and each call, sizes for each process."""

    wall_s: float = 10.0  # a cell
    call_s: float = 2.0  # a call: of processor time; a call that only waits gets four times as long
    cpu_s: int = 60  # a process
    memory_mb: int = 1024
    file_bytes: int = 16 << 20  # the files in its own folder, which is gone with the box
    output_bytes: int = 16 << 20  # a result


@dataclass(frozen=True)
class Outcome(PlainOutcome):
    """What one call gave. `fault` is empty when it came to an end; "signature" has the parameters in `message`."""

    fault: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class CellReport:
    """What happened to one cell. All text is the student's and may say anything."""

    name: str
    error: str = ""
    message: str = ""
    line: str = ""
    fault: str = ""  # "timeout" "memory" "killed" "protocol" "not run"
    printed: str = ""
    warned: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not (self.error or self.fault)


@dataclass(frozen=True)
class LoadReport:
    cells: tuple[CellReport, ...]
    alive: bool  # whether functions can be called
    restarts: int = 0  # times that all cells were run again without one that hung or killed

    @property
    def ok(self) -> bool:
        return self.alive and all(cell.ok for cell in self.cells)


class Box:
    """One submission: `load` its cells once, then `call` its functions. Single-use; nothing is left behind."""

    def __init__(
        self,
        level: str | None = None,
        torch: bool = False,
        limits: Limits | None = None,
        zygote: Zygote | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._owner, self._own, self._link = os.getpid(), None, None
        level = str(level or (zygote.level if zygote else best_level()))
        if zygote is None:
            zygote = shared(level, torch)
            if zygote.single_use:
                zygote = self._own = Zygote(level, torch)
        self.level, self.torch = zygote.level, zygote.torch
        self._link = zygote.session()
        most = MOST + 2 * self.limits.output_bytes
        self._reader = protocol.FrameReader(protocol.Sizes(header=1 << 20, body=most))
        self._loaded = False

    def load(self, cells: Sequence[tuple[str, str]]) -> LoadReport:
        """Run the cells once, in order: (name, source). Magics are made harmless; a cell that fails stops no other."""
        if self._loaded:
            raise BoxError("a box is for one submission: load was called before")
        self._loaded = True
        parts = [source.encode("utf-8", "replace") for _, source in cells]
        names = [name[:80] for name, _ in cells]
        header = {"order": "load", "names": names, "sizes": [len(part) for part in parts]}
        header["limits"] = asdict(self.limits)
        try:
            self._send(protocol.pack(header, b"".join(parts)), 10.0)
            frame = self._receive(60.0 + 8 * self.limits.wall_s)
            inner = protocol.FrameReader(WORDS)
            reports = [_cell_report(name, f.header) for name, f in zip(names, inner.feed(frame.body), strict=True)]
        except (OSError, ValueError):
            self.close()
            return LoadReport(tuple(CellReport(name, fault="protocol") for name in names), False)
        restarts = frame.header.get("restarts")
        return LoadReport(tuple(reports), frame.header.get("alive") is True, restarts if type(restarts) is int else 0)

    def call(self, function: str, cases: Sequence[Sequence[object]]) -> list[Outcome]:
        """Each case (a tuple of inputs) twice, in forks of the loaded state; one outcome for each case.

        First all cases in one fork, and all in another in the reverse order and with other random numbers. Where both
        agree, no call has changed what a later one gives, so this is what forks for each case would give, sooner.
        Where they do not, or something went wrong, every case gets a fork of its own and is called there twice.
        """
        quick = self.quick(function, cases) if len(cases) > 1 else None
        return self.apart(function, cases) if quick is None else quick

    def apart(self, function: str, cases: Sequence[Sequence[object]]) -> list[Outcome]:
        """The second half of `call`: a fork for each case, which is called there twice."""
        try:
            return self._apart(_packed(function, cases))
        except (OSError, ValueError):
            self.close()
            return [Outcome(fault="killed") for _ in cases]

    def quick(self, function: str, cases: Sequence[Sequence[object]]) -> list[Outcome] | None:
        """The first half of `call`: what two forks for all cases gave, or None where every case needs its own."""
        parts = _packed(function, cases)
        try:
            first = self._together(parts, False)
            if first and first[0].fault in ("missing", "not a function", "signature"):
                return first
            second = self._together(parts[::-1], True)[::-1] if first else []
        except (OSError, ValueError):
            self.close()
            return [Outcome(fault="killed") for _ in cases]
        return first if second and all(map(_agree, first, second)) else None

    def _together(self, parts: list[bytes], reseed: bool) -> list[Outcome]:
        """Outcomes of all cases, called in one fork; [] when they did not all come to an end there."""
        self._order(parts, fresh=False, reseed=reseed)
        frame = self._receive(60.0 + 8 * self.limits.call_s * len(parts))
        fault = frame.header.get("fault")
        outcomes = [] if fault else _outcomes(frame.body, self.limits.output_bytes, len(parts))
        good = len(outcomes) == len(parts) and not any(o.fault in ("memory", "output", "protocol") for o in outcomes)
        return outcomes if good else []

    def _apart(self, parts: list[bytes]) -> list[Outcome]:
        self._order(parts, fresh=True, reseed=False)
        found = []
        for k in range(len(parts)):
            frame = self._receive(60.0 + 16 * self.limits.call_s)
            fault = frame.header.get("fault")
            if frame.header.get("case") != k or (fault and fault not in FAULTS):
                raise protocol.ProtocolError("an answer out of order")
            outcomes = [] if fault else _outcomes(frame.body, self.limits.output_bytes, 2)
            found.append(_both(*outcomes) if len(outcomes) == 2 else Outcome(fault=fault or "killed"))
        return found

    def _order(self, parts: list[bytes], **how: bool) -> None:
        header = {"order": "call", "sizes": [len(part) for part in parts], **how}
        self._send(protocol.pack(header, b"".join(parts)), 30.0)

    def _send(self, data: bytes, seconds: float) -> None:
        if os.getpid() != self._owner:
            raise BoxError("this box belongs to another process; after a fork make a new one")
        if self._link is None:
            raise ConnectionError("the box is closed")
        self._link.settimeout(seconds)
        self._link.sendall(data)

    def _receive(self, seconds: float) -> protocol.Frame:
        if self._link is None:
            raise ConnectionError("the box is closed")
        self._link.settimeout(seconds)
        return receive(self._link, self._reader)

    def close(self) -> None:
        """Hang up: the guard kills what runs and ends. Waits until it has."""
        link, self._link = self._link, None
        if link is not None:
            with contextlib.suppress(OSError):
                if os.getpid() == self._owner:
                    link.shutdown(socket.SHUT_WR)
                    link.settimeout(5.0)
                    while link.recv(1 << 16):
                        pass
            link.close()
        own, self._own = self._own, None
        if own is not None:
            own.close()

    def __enter__(self) -> Box:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class BoxPool:
    """Boxes that are started before they are needed, each used once. For one process, any number of its threads."""

    def __init__(
        self, level: str | None = None, torch: bool = False, limits: Limits | None = None, ready: int = 2
    ) -> None:
        self.level, self.torch, self.limits, self._count = level, torch, limits or Limits(), ready
        self._lock, self._ready, self._owner = threading.Lock(), [], os.getpid()
        with self._lock:
            self._fill()

    def _fill(self) -> None:
        while len(self._ready) < self._count:
            self._ready.append(Box(self.level, self.torch, self.limits))

    def take(self) -> Box:
        """A fresh box; the caller closes it."""
        if os.getpid() != self._owner:
            raise BoxError("this pool belongs to another process; after a fork make a new one")
        with self._lock:
            box = self._ready.pop(0) if self._ready else Box(self.level, self.torch, self.limits)
            self._fill()
        return box

    def close(self) -> None:
        """Close the boxes that were not taken."""
        with self._lock:
            boxes, self._ready, self._count = self._ready, [], 0
        for box in boxes:
            box.close()

    def __enter__(self) -> BoxPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _packed(function: str, cases: Sequence[Sequence[object]]) -> list[bytes]:
    """A frame for each case."""
    out = []
    for case in cases:
        tree, body = protocol.encode(tuple(case), strict=True)
        out.append(protocol.pack({"function": function, "value": tree}, body))
    return out


# --- what came out, made of plain parts -------------------------------------------------------------------------------


def _outcomes(data: bytes, most: int, count: int) -> list[Outcome]:
    """The frames that a child wrote -> outcomes, one more than `count` at most; what is no frame becomes a fault."""
    reader = protocol.FrameReader(protocol.Sizes(header=1 << 20, body=most))
    found: list[Outcome] = []
    try:
        for frame in itertools.islice(reader.feed(data), count + 1):
            found.append(_one(frame))
    except (ValueError, RecursionError, MemoryError):
        found.append(Outcome(fault="protocol"))
    return found


def _one(frame: protocol.Frame) -> Outcome:
    header = frame.header
    value = protocol.decode(header.get("value"), frame.body, Fields.of)
    fault = _words(header.get("fault"), 20)
    changed = header.get("changed")
    changed = [k for k in changed[:64] if type(k) is int and 0 <= k < 64] if type(changed) is list else []
    error, message, line = _words(header.get("error"), 80), _words(header.get("message")), _words(header.get("line"))
    printed, warned = _words(header.get("printed"), 2000), _notes(header.get("warned"))
    fault = fault if fault in FAULTS or not fault else "protocol"
    seconds = _seconds(header.get("seconds"))
    return Outcome(value, error, message, line, tuple(changed), printed, warned, fault, seconds)


def _both(first: Outcome, second: Outcome) -> Outcome:
    """One outcome of two calls: the first, unless they differ."""
    if first.fault or second.fault:
        return first if first.fault else second
    return first if _agree(first, second) else Outcome(fault="non-deterministic", printed=first.printed)


def _agree(first: Outcome, second: Outcome) -> bool:
    if first.error or second.error:
        return first.error == second.error
    return first.changed == second.changed and same_bits(first.value, second.value)


def _cell_report(name: str, header: dict[str, object]) -> CellReport:
    words = [_words(header.get(key)) for key in ("error", "message", "line")]
    fault = _words(header.get("fault"), 20)
    fault = fault if fault in FAULTS or not fault else "protocol"
    printed, warned = _words(header.get("printed"), 2000), _notes(header.get("warned"))
    return CellReport(name, words[0], words[1], words[2], fault, printed, warned, _seconds(header.get("seconds")))


def _words(text: object, most: int = 400) -> str:
    return text[:most].encode("utf-8", "replace").decode("utf-8") if type(text) is str else ""


def _notes(notes: object) -> tuple[str, ...]:
    return tuple(_words(note) for note in notes[:20]) if type(notes) is list else ()


def _seconds(number: object) -> float:
    plain = isinstance(number, int | float) and not isinstance(number, bool)
    return float(number) if plain and 0 <= number < 1e6 else 0.0

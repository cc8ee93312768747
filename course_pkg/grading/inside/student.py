"""The process that runs the student's code: the cells once, then each call of a function in a fork of its own.

It is confined before the first cell. Everything that it reports may be forged by the code that it runs, so the reports
are data to the guard and to the trusted side, and nothing more: a forged result is a wrong result.
"""

from __future__ import annotations

import builtins
import contextlib
import gc
import inspect
import io
import linecache
import os
import random
import signal
import socket
import sys
import time
import traceback
import types
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from . import confine, magics, protocol, standins

HEADER = 1 << 20  # bytes of an answer beside its arrays
PRINTED = 2000  # characters of what was printed that are kept


class _OutOfTime(BaseException):
    """Raised in a cell by the alarm; not an Exception, so that a bare `except Exception` lets it through."""


class _Printed(io.StringIO):
    """Keeps the first characters of what is printed and drops the rest."""

    def write(self, text: str) -> int:
        room = PRINTED - self.tell()
        if room > 0:
            super().write(str(text)[:room])
        return len(text)


def run(link: socket.socket, cells: Sequence[tuple[str, str]], skip: set[int], settings: dict[str, Any]) -> None:
    """Confine this process, run the cells, then serve calls until the guard hangs up."""
    _confine(link, settings)
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    standins.install(module.__dict__)
    _reseed(seed=1)
    for k, (name, source) in enumerate(cells):
        if k not in skip:
            _say(link, {"cell": k, "state": "start"})
            _say(link, {"cell": k, "state": "end", **_cell(module.__dict__, name, source, settings["wall_s"])})
    gc.collect()
    gc.freeze()
    _say(link, {"state": "ready"})
    _serve(link, module.__dict__, settings)


def _confine(link: socket.socket, settings: dict[str, Any]) -> None:
    os.setsid()
    os.chdir(settings["work"])
    confine.die_with_parent()
    confine.undumpable()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    confine.limit(settings["memory_mb"] << 20, settings["cpu_s"], settings["file_bytes"])
    if settings["level"] == "B":
        confine.restrict_files(settings["readable"], settings["landlock"])
    if settings["filter"]:
        listener = confine.install_filter(settings["filter"], settings["seccomp"])
        socket.send_fds(link, [b"L"], [listener])
        os.close(listener)


def _say(link: socket.socket, words: dict[str, Any]) -> None:
    link.sendall(protocol.pack(words))


# --- cells ------------------------------------------------------------------------------------------------------------


def _cell(namespace: dict[str, Any], name: str, source: str, seconds: float) -> dict[str, Any]:
    """Run one cell; what happened, in a few words."""
    file = f"<cell {name}>"
    text = magics.neutralise(source)
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    failure: BaseException | None = None
    started = time.perf_counter()

    def alarm(*_: Any) -> None:
        raise _OutOfTime

    with _caught() as caught:
        signal.signal(signal.SIGALRM, alarm)
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            exec(compile(text, file, "exec", dont_inherit=True), namespace)
            signal.setitimer(signal.ITIMER_REAL, 0)
        except BaseException as error:
            signal.setitimer(signal.ITIMER_REAL, 0)
            failure = error
    error, message, line = _failure(failure) if failure is not None else ("", "", "")
    fault = "timeout" if isinstance(failure, _OutOfTime) else "memory" if isinstance(failure, MemoryError) else ""
    report = {"error": "" if fault == "timeout" else error, "message": message, "line": line, "fault": fault}
    return report | {"seconds": round(time.perf_counter() - started, 4), **_notes(caught)}


@contextlib.contextmanager
def _caught() -> Any:
    """What is printed and warned in here is kept, a little of it, and costs nobody a point."""
    printed = _Printed()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = printed, _Printed()
        try:
            yield printed, warned
        finally:
            sys.stdout, sys.stderr = before


def _notes(caught: Any) -> dict[str, Any]:
    printed, warned = caught
    notes = list(dict.fromkeys(_text(w.message) for w in (warned or [])[:20]))
    return {"printed": _text(printed.getvalue(), PRINTED), "warned": notes}


def _failure(error: BaseException) -> tuple[str, str, str]:
    """Class, first line of the message, and the deepest line that stands in a cell of the student's."""
    message = _text(error, 300)
    name = _text(type(error).__name__, 80)
    if isinstance(error, SyntaxError) and str(error.filename).startswith("<cell"):
        return name, _text(error.msg), f"line {error.lineno} of its cell" + _quoted((error.text or "").strip())
    with contextlib.suppress(Exception):
        for frame in reversed(traceback.extract_tb(error.__traceback__, limit=-200)):
            if frame.filename.startswith("<cell"):
                text = linecache.getline(frame.filename, frame.lineno or 0).strip()
                return name, message, f"line {frame.lineno} of its cell" + _quoted(text)
    return name, message, ""


def _quoted(text: str) -> str:
    return f", `{_text(text, 160)}`" if text else ""


def _text(thing: Any, most: int = 300) -> str:
    try:
        text = str(thing) if most == PRINTED else (str(thing).splitlines() or [""])[0]
        return text[:most].encode("utf-8", "replace").decode("utf-8")
    except BaseException:
        return ""


# --- calls ------------------------------------------------------------------------------------------------------------


def _serve(link: socket.socket, namespace: dict[str, Any], settings: dict[str, Any]) -> None:
    """One byte and one descriptor from the guard: fork, and let the child answer on the descriptor."""
    while True:
        order, descriptors, _, _ = socket.recv_fds(link, 1, 1)
        if not order or not descriptors:
            os._exit(0)
        try:
            child = os.fork()
        except OSError:
            child = -1
        if child == 0:
            link.close()
            _answer(descriptors[0], namespace, settings)
        os.close(descriptors[0])
        _say(link, {"pid": child})
        if child > 0:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, 0)


def _answer(descriptor: int, namespace: dict[str, Any], settings: dict[str, Any]) -> None:
    """Read cases, call, answer; with `times` 2 each case twice, with other random numbers and fresh inputs."""
    try:
        confine.die_with_parent()
        channel = socket.socket(fileno=descriptor)
        frames = _frames(channel)
        orders = next(frames).header
        if orders["reseed"]:
            _reseed()
        for _ in range(orders["cases"]):
            frame = next(frames)
            for turn in range(orders["times"]):
                if turn:
                    _reseed()
                channel.sendall(_outcome(frame, namespace, settings["output_bytes"]))
    finally:
        os._exit(0)


def _frames(channel: socket.socket) -> Iterator[protocol.Frame]:
    reader = protocol.FrameReader(protocol.Sizes(header=4 << 20, body=1 << 30))
    while data := channel.recv(1 << 16):
        yield from reader.feed(data)


def _outcome(frame: protocol.Frame, namespace: dict[str, Any], most: int) -> bytes:
    """Call the function on the case in the frame; a frame with what it gave."""
    name = frame.header["function"]
    inputs = protocol.decode(frame.header["value"], frame.body)
    function = namespace.get(name)
    if name not in namespace:
        return protocol.pack({"fault": "missing"})
    if not callable(function):
        return protocol.pack({"fault": "not a function"})
    misfit = signature_misfit(function, len(inputs))
    if misfit:
        return protocol.pack({"fault": "signature", "message": misfit})
    value, failure, seconds, arguments, caught = _call(function, inputs)
    untouched = protocol.decode(frame.header["value"], frame.body)
    changed = [k for k, (a, b) in enumerate(zip(arguments, untouched, strict=True)) if not _same(a, b)]
    error, message, line = _failure(failure) if failure is not None else ("", "", "")
    fault = "memory" if isinstance(failure, MemoryError) else ""
    tree, body = None, b""
    if not error:
        try:
            tree, body = protocol.encode(value, most)
        except protocol.TooMuch as too_much:
            fault, message = "output", str(too_much)
        except MemoryError:
            fault = "memory"
        except BaseException:  # an object whose every attribute is code of the student's
            tree, body = ["o", "an object that cannot be read"], b""
    out = {"value": tree, "error": error, "message": message, "line": line, "changed": changed, "fault": fault}
    out |= {"seconds": round(seconds, 5), **_notes(caught)}
    packed = protocol.pack(out, body)
    return packed if len(packed) - len(body) < HEADER else protocol.pack(out | {"value": None, "fault": "output"})


def _call(function: Any, arguments: Sequence[Any]) -> tuple[Any, BaseException | None, float, Sequence[Any], Any]:
    value, failure = None, None
    started = time.perf_counter()
    with _caught() as caught:
        try:
            value = function(*arguments)
        except BaseException as error:
            failure = error
    return value, failure, time.perf_counter() - started, arguments, caught


def _reseed(seed: int = 2001) -> None:
    """Other random numbers than in the first call, whatever a cell has seeded."""
    np.random.seed(seed)  # noqa: NPY002  the generator that students' code may use
    random.seed(seed)
    torch = sys.modules.get("torch")
    if isinstance(torch, types.ModuleType) and hasattr(torch, "manual_seed"):
        torch.manual_seed(seed)


def signature_misfit(function: Any, count: int) -> str:
    """Empty when the function takes `count` positional arguments, otherwise what it takes instead."""
    try:
        signature = inspect.signature(function)
    except Exception:
        return ""
    try:
        signature.bind(*range(count))
    except TypeError:
        return _text(", ".join(signature.parameters) or "no arguments")
    return ""


def _same(a: Any, b: Any) -> bool:
    """Equal in structure, shapes, dtypes and every entry."""
    if isinstance(b, np.ndarray):
        same_kind = type(a) is np.ndarray and a.shape == b.shape and a.dtype == b.dtype
        return same_kind and (a.tobytes() == b.tobytes() or bool(np.array_equal(a, b, equal_nan=b.dtype.kind in "fc")))
    if isinstance(b, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(builtins.map(_same, a, b))
    if isinstance(b, dict):
        return type(a) is dict and list(a) == list(b) and all(_same(a[key], b[key]) for key in b)
    return a is b or (type(a) is type(b) and (a == b or (a != a and b != b)))


def warm_up() -> None:
    """Go once through what every call needs, so that no fork has to import or compile it again."""
    import numpy.linalg
    import numpy.random  # noqa: F401  loaded late by NumPy, used by most notebooks

    _reseed()
    x = np.linspace(0.0, 1.0, 6).reshape(2, 3)
    np.tanh(x @ x.T).sum(axis=0)
    namespace = {"twice": lambda x: (x + x, None)}
    tree, body = protocol.encode((x,))
    frame = protocol.unpack(protocol.pack({"function": "twice", "value": tree}, body))
    _outcome(frame, namespace, 1 << 20)
    _cell({}, "warm", "%matplotlib inline\nimport numpy as np\nraise ValueError(1)", 5.0)

"""Frames: a fixed prefix, a JSON header, a body of bytes. The reader checks every size before it allocates.

    frame = "RNN1" | length of header, 4 bytes | length of body, 8 bytes | header, JSON | body, bytes
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

MAGIC = b"RNN1"
PREFIX = struct.Struct("<4sIQ")
DEPTH = 96  # nested brackets of a header
ENTRIES = 100_000  # commas and brackets of a header
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.S)  # one that is left open reaches to the end
_STEPS = np.zeros(256, np.int8)
_STEPS[[ord("["), ord("{")]] = 1
_STEPS[[ord("]"), ord("}")]] = -1


class ProtocolError(ValueError):
    """Bytes that are no frame, or a frame that holds no value. The message says which rule it broke."""


@dataclass(frozen=True)
class Sizes:
    """The most that a reader takes, in bytes."""

    header: int = 1 << 20
    body: int = 64 << 20


@dataclass(frozen=True)
class Frame:
    header: dict[str, Any]
    body: bytes = b""


def pack(header: dict[str, Any], body: bytes = b"") -> bytes:
    """A frame as bytes."""
    text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode("ascii")
    return PREFIX.pack(MAGIC, len(text), len(body)) + text + body


class FrameReader:
    """Takes bytes as they come and gives frames. A prefix that announces too much is refused at once."""

    def __init__(self, sizes: Sizes | None = None) -> None:
        self.sizes = sizes or Sizes()
        self._kept = bytearray()

    @property
    def waiting(self) -> int:
        """Bytes of a frame that is not complete."""
        return len(self._kept)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete with `data`."""
        self._kept += data
        while len(self._kept) >= PREFIX.size:
            header, body = _lengths(self._kept, self.sizes)
            if len(self._kept) < PREFIX.size + header + body:
                return
            text = bytes(self._kept[PREFIX.size : PREFIX.size + header])
            content = bytes(self._kept[PREFIX.size + header : PREFIX.size + header + body])
            del self._kept[: PREFIX.size + header + body]
            yield Frame(read_header(text), content)


def length(data: bytes | bytearray, at: int = 0) -> int:
    """Bytes of the frame whose prefix begins at `at`."""
    _, header, body = PREFIX.unpack_from(data, at)
    return PREFIX.size + header + body


def unpack(data: bytes, sizes: Sizes | None = None) -> Frame:
    """Exactly one frame, or ProtocolError."""
    if len(data) < PREFIX.size:
        raise ProtocolError(f"a frame begins with {PREFIX.size} bytes, got {len(data)}")
    header, body = _lengths(data, sizes or Sizes())
    if len(data) != PREFIX.size + header + body:
        raise ProtocolError(f"the prefix announces {header} + {body} bytes, {len(data) - PREFIX.size} follow")
    return Frame(read_header(data[PREFIX.size : PREFIX.size + header]), data[PREFIX.size + header :])


def _lengths(data: bytes | bytearray, sizes: Sizes) -> tuple[int, int]:
    magic, header, body = PREFIX.unpack_from(data)
    if magic != MAGIC:
        raise ProtocolError("the frame does not begin with RNN1")
    if header > sizes.header or body > sizes.body:
        raise ProtocolError(f"a frame of {header} + {body} bytes; the most is {sizes.header} + {sizes.body}")
    return header, body


def nesting(text: bytes) -> int:
    """How deep the brackets of a JSON text are nested, outside of strings. Linear in its length."""
    steps = _STEPS[np.frombuffer(_STRING.sub(b"", text), np.uint8)]
    return int(np.cumsum(steps, dtype=np.int32).max(initial=0))


def read_header(text: bytes) -> dict[str, Any]:
    """JSON -> dict, after its depth and its number of entries were counted."""
    if text.count(b",") + text.count(b"[") + text.count(b"{") > ENTRIES:
        raise ProtocolError(f"a header of more than {ENTRIES} entries")
    if nesting(text) > DEPTH:
        raise ProtocolError(f"a header nested more than {DEPTH} levels deep")
    try:
        header = json.loads(text.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"the header is not JSON: {type(error).__name__}") from error
    if not isinstance(header, dict):
        raise ProtocolError("the header is not a JSON object")
    return header


def _no_constant(name: str) -> Any:
    raise ProtocolError(f"{name} in a header")

"""Values as data. No pickle, and no code crosses.

A value is None, a boolean, a number, a string, an array of an allowed dtype, a NumPy scalar, or a tuple, named tuple,
list or dict of values. In the header of a frame it is a tree: None, booleans, numbers and strings stand for themselves,
everything else is a list that begins with its tag. Arrays take their bytes from the body one after the other, so no
byte is used twice. What is not a value becomes `Opaque`, which only holds words.
"""

from __future__ import annotations

import collections
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .frames import PREFIX, Frame, FrameReader, ProtocolError, Sizes, length, nesting, pack, read_header, unpack

__all__ = ["PREFIX", "Frame", "FrameReader", "ProtocolError", "Sizes", "length", "nesting", "pack", "read_header"]
__all__ += ["unpack", "MOST", "WORDS", "DEPTH", "NODES", "Opaque", "TooMuch", "decode", "encode", "in_words"]
MOST = 32 << 20  # bytes of all answers to one order, beside one result
WORDS = Sizes(header=1 << 18, body=0)  # of the reports about cells
DTYPES = frozenset("|b1 |i1 |u1 <i2 <u2 <i4 <u4 <i8 <u8 <f2 <f4 <f8 <c8 <c16".split())
DEPTH = 32  # levels of nesting of a value
NODES = 50_000  # entries of a value, counted over all levels
TEXT = 200  # characters of the words of an Opaque
DICTS = (dict, collections.OrderedDict, collections.defaultdict, collections.Counter)


class TooMuch(ValueError):
    """A value with more entries or bytes than may cross."""


@dataclass(frozen=True)
class Opaque:
    """Stands for an object that is no data: a model, a function, an array of objects. It holds words only."""

    kind_in_words: str


def encode(value: Any, most: int = 64 << 20, strict: bool = False) -> tuple[Any, bytes]:
    """Value -> (tree, body). By exact type: what only looks like an array is Opaque, or TypeError if strict."""
    buffers: list[bytes] = []
    left = [NODES, most]

    def node(x: Any, depth: int) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise TooMuch(f"a value of more than {NODES} entries")
        kind = type(x)
        if x is None or kind is bool:
            return x
        if kind is int:
            return x if -(1 << 63) <= x < 1 << 63 else big(x)
        if kind is float:
            return x if math.isfinite(x) else ["f", repr(x)]
        if kind is str:
            spend(len(x))
            return x
        if kind is np.ndarray:
            return array("a", x)
        if isinstance(x, np.generic) and kind.__module__ == "numpy":
            return array("s", np.asarray(x))
        if kind is complex:
            return ["c", repr(x.real), repr(x.imag)]
        if depth >= DEPTH:
            return opaque(f"something nested more than {DEPTH} levels deep")
        if kind is tuple:
            return ["t", [node(y, depth + 1) for y in x]]
        if kind is list:
            return ["l", [node(y, depth + 1) for y in x]]
        if kind in DICTS:
            if not all(map(_is_key, dict.keys(x))):
                return opaque("a dictionary with keys that are neither texts nor numbers")
            return ["d", [[node(k, DEPTH), node(y, depth + 1)] for k, y in dict.items(x)]]
        if isinstance(x, tuple) and _names(getattr(x, "_fields", None), len(x)):
            return ["n", list(x._fields), [node(y, depth + 1) for y in tuple.__iter__(x)]]
        return opaque(in_words(x))

    def big(x: int) -> Any:
        if x.bit_length() > 8192:
            return opaque("an integer of more than 2,000 digits")
        return ["i", hex(x)]

    def array(tag: str, x: np.ndarray) -> Any:
        dtype = x.dtype.newbyteorder("<")
        if dtype.kind in "fc" and dtype.str not in DTYPES:
            dtype = np.dtype("<f8" if dtype.kind == "f" else "<c16")  # long double
        if dtype.str not in DTYPES or x.ndim > DEPTH:
            return opaque(f"an array of dtype {str(x.dtype)[:40]}")
        spend(x.size * dtype.itemsize)
        buffers.append(x.astype(dtype).tobytes())
        return [tag, dtype.str, list(x.shape)]

    def opaque(words: str) -> Any:
        if strict:
            raise TypeError(f"encode: {words} is no value")
        return ["o", _clean(words)[:TEXT]]

    def spend(count: int) -> None:
        left[1] -= count
        if left[1] < 0:
            raise TooMuch(f"a value of more than {most} bytes")

    return node(value, 0), b"".join(buffers)


def in_words(x: Any) -> str:
    """The kind of an object that is no value."""
    kind = type(x)
    if isinstance(x, type) or callable(x):
        return "a class" if isinstance(x, type) else "a function"
    name, module = str(kind.__name__), str(kind.__module__).split(".")[0]
    return f"a {name}" if module in ("builtins", "__main__", "notebook") else f"a {name} of {module}"


def decode(tree: Any, body: bytes, fields: Callable[[tuple[str, ...], list[Any]], Any] | None = None) -> Any:
    """(tree, body) -> the value, made of plain parts only; ProtocolError for anything else."""
    at = 0
    left = NODES
    make = fields or _plain_fields

    def value(x: Any, depth: int) -> Any:
        nonlocal left
        left -= 1
        if left < 0 or depth > DEPTH:
            raise ProtocolError(f"a value of more than {NODES} entries or {DEPTH} levels")
        kind = type(x)
        if x is None or kind is bool or kind is float:
            return x
        if kind is int:
            if not -(1 << 63) <= x < 1 << 63:
                raise ProtocolError("an integer that does not fit in 64 bits")
            return x
        if kind is str:
            return _clean(x)
        if kind is not list or not x or type(x[0]) is not str:
            raise ProtocolError("an entry without a tag")
        tag, rest = x[0], x[1:]
        if tag in ("a", "s") and len(rest) == 2:
            return array(tag, *rest)
        if tag in ("t", "l") and len(rest) == 1 and type(rest[0]) is list:
            entries = [value(y, depth + 1) for y in rest[0]]
            return tuple(entries) if tag == "t" else entries
        if tag == "d" and len(rest) == 1 and type(rest[0]) is list:
            return {key(k): value(y, depth + 1) for k, y in map(pair, rest[0])}
        if tag == "n" and len(rest) == 2 and type(rest[1]) is list and _names(rest[0], len(rest[1])):
            return make(tuple(rest[0]), [value(y, depth + 1) for y in rest[1]])
        if tag == "o" and len(rest) == 1 and type(rest[0]) is str and len(rest[0]) <= TEXT:
            return Opaque(_clean(rest[0]))
        return number(tag, rest)

    def number(tag: str, rest: list[Any]) -> Any:
        if not all(type(y) is str and len(y) <= 2100 for y in rest):
            raise ProtocolError(f"an entry with the tag {tag[:20]!r} and the wrong content")
        try:
            if tag == "f" and len(rest) == 1:
                return float(rest[0])
            if tag == "c" and len(rest) == 2:
                return complex(float(rest[0]), float(rest[1]))
            if tag == "i" and len(rest) == 1:
                return int(rest[0], 16)
        except ValueError as error:
            raise ProtocolError("a number that is none") from error
        raise ProtocolError(f"an entry with the unknown tag {tag[:20]!r}")

    def pair(x: Any) -> list[Any]:
        if type(x) is not list or len(x) != 2:
            raise ProtocolError("a dict entry is not a pair")
        return x

    def key(x: Any) -> Any:
        if not (x is None or type(x) in (str, int, bool, float)):
            raise ProtocolError("a dict key that is no string and no number")
        return value(x, DEPTH)

    def array(tag: str, dtype: Any, shape: Any) -> Any:
        nonlocal at
        if type(dtype) is not str or dtype not in DTYPES:
            raise ProtocolError(f"an array of dtype {str(dtype)[:20]!r}, which may not cross")
        if type(shape) is not list or len(shape) > DEPTH or (tag == "s" and shape):
            raise ProtocolError("the shape of an array is not a short list")
        if not all(type(n) is int and 0 <= n < 1 << 31 for n in shape):
            raise ProtocolError("an array with a length that is none")
        size = math.prod(shape) * int(dtype[2:])
        if size > len(body) - at or math.prod(n for n in shape if n) >= 1 << 40:
            raise ProtocolError("an array that needs more bytes than the frame has")
        out = np.frombuffer(body, dtype, math.prod(shape), at).reshape(shape) if size else np.zeros(shape, dtype)
        if dtype == "|b1" and size and np.frombuffer(body, np.uint8, size, at).max() > 1:
            raise ProtocolError("a boolean that is neither 0 nor 1")
        at += size
        return out.copy() if tag == "a" else out[()]

    out = value(tree, 0)
    if at != len(body):
        raise ProtocolError(f"{len(body) - at} bytes of the body belong to no array")
    return out


def _is_key(x: Any) -> bool:
    """What `decode` takes as the key of a dict."""
    kind = type(x)
    if kind is int:
        return -(1 << 63) <= x < 1 << 63
    return x is None or kind in (bool, str) or (kind is float and math.isfinite(x))


def _plain_fields(names: tuple[str, ...], entries: list[Any]) -> Any:
    return collections.namedtuple("Fields", names, rename=True)(*entries)


def _names(names: Any, count: int) -> bool:
    return (
        isinstance(names, tuple | list)
        and len(names) == count <= 256
        and len(set(map(str, names))) == count
        and all(type(name) is str and len(name) <= 64 and name.isidentifier() for name in names)
    )


def _clean(text: str) -> str:
    """Without lone surrogates, which no file can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")

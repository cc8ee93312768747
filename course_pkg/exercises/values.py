"""Values of exercises: into JSON and back, copied, rounded and described in words.

A value is an array, a number, a string, None, or a tuple, list or dict of values. Nothing else crosses the border,
so what is stored and what is later sent to another process is data and never code.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

SIGNIFICANT = 8  # digits that are stored; they are the same on every CPU
FINEST = 12  # no digit finer than 1e-12 of the largest entry: below it stands rounding noise, not a result
_TIE = 1.23e-4  # moves the rounding threshold off the decimal grid, where results of nice inputs like to lie
_KINDS = {
    "b": "booleans",
    "i": "integers",
    "u": "integers",
    "f": "floating-point numbers",
    "c": "complex numbers",
}


class Fields(tuple):
    """A tuple whose entries have names: what a NamedTuple becomes when its class is not at hand."""

    _fields: tuple[str, ...] = ()

    @classmethod
    def of(cls, names: tuple[str, ...], entries: list[Any]) -> Fields:
        """Entries with the names of their fields."""
        out = cls(entries)
        out._fields = tuple(names)
        return out


def encode(value: Any) -> Any:
    """Value -> what json.dumps takes. Floats are rounded, so that the file does not depend on the CPU."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return _encode_float(value, max(1.0, abs(value)) if math.isfinite(value) else 1.0, SIGNIFICANT)
    if type(value) is np.ndarray:
        return _encode_array(value)
    if isinstance(value, tuple):
        out = {"tuple": [encode(entry) for entry in value]}
        return out | {"names": list(value._fields)} if hasattr(value, "_fields") else out
    if isinstance(value, list):
        return {"list": [encode(entry) for entry in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key), encode(entry)] for key, entry in value.items()]}
    raise TypeError(f"encode: an exercise cannot hold {kind_of(value)}")


def decode(data: Any) -> Any:
    """What encode wrote -> the value, freshly made at every call."""
    if not isinstance(data, dict):
        return data
    if "float" in data:
        return float(data["float"])
    if "array" in data:
        entries = [float(entry) if isinstance(entry, str) else entry for entry in data["array"]]
        return np.array(entries, dtype=data["dtype"]).reshape(data["shape"])
    if "tuple" in data:
        entries = [decode(entry) for entry in data["tuple"]]
        return Fields.of(data["names"], entries) if "names" in data else tuple(entries)
    if "list" in data:
        return [decode(entry) for entry in data["list"]]
    return {decode(key): decode(entry) for key, entry in data["dict"]}


def _encode_array(array: np.ndarray) -> dict[str, Any]:
    if array.dtype.kind not in "biuf":
        raise TypeError(f"encode: an exercise cannot hold an array of dtype {array.dtype}")
    entries = array.ravel().tolist()
    if array.dtype.kind == "f":
        digits = SIGNIFICANT if array.dtype.itemsize >= 8 else 5
        largest = max([1.0, *(abs(entry) for entry in entries if math.isfinite(entry))])
        entries = [_encode_float(entry, largest, digits) for entry in entries]
        entries = [entry["float"] if isinstance(entry, dict) else entry for entry in entries]
    return {"array": entries, "shape": list(array.shape), "dtype": str(array.dtype)}


def _encode_float(x: float, largest: float, digits: int) -> Any:
    return rounded(x, largest, digits) if math.isfinite(x) else {"float": str(x)}


def rounded(x: float, largest: float = 1.0, digits: int = SIGNIFICANT) -> float:
    """x to `digits` significant digits, but to none finer than FINEST digits below `largest`."""
    if x == 0:
        return 0.0
    exponent = math.floor(math.log10(abs(x)))
    digits = min(digits, exponent - math.floor(math.log10(largest)) + FINEST)
    if digits <= 0:
        return 0.0
    x += math.copysign(_TIE * 10.0 ** (exponent - digits + 1), x)
    return float(f"{x:.{digits - 1}e}")


def transform(value: Any, leaf: Callable[[Any], Any]) -> Any:
    """The same structure, with every array and scalar replaced by leaf(it)."""
    if isinstance(value, tuple):
        entries = [transform(entry, leaf) for entry in value]
        if isinstance(value, Fields):
            return Fields.of(value._fields, entries)
        return type(value)(*entries) if hasattr(value, "_fields") else tuple(entries)
    if isinstance(value, list):
        return [transform(entry, leaf) for entry in value]
    if isinstance(value, dict):
        return {key: transform(entry, leaf) for key, entry in value.items()}
    return leaf(value)


def copy(value: Any) -> Any:
    """A copy whose arrays share no memory with the value's."""
    return transform(value, lambda x: x.copy() if isinstance(x, np.ndarray) else x)


def nice(value: Any, decimals: int = 2) -> Any:
    """Floats rounded to two decimals, for inputs that a student can follow by hand."""

    def leaf(x: Any) -> Any:
        if isinstance(x, np.ndarray) and x.dtype.kind == "f":
            return np.round(x, decimals) + 0.0  # + 0.0 turns -0.0 into 0.0
        return round(x, decimals) + 0.0 if isinstance(x, float) else x

    return transform(value, leaf)


def same_bits(a: Any, b: Any) -> bool:
    """Equal in structure, shapes, dtypes and every entry (NaN equals NaN): nothing was changed in place."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        if type(a) is not type(b) or a.shape != b.shape or a.dtype != b.dtype:
            return False
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(same_bits(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same_bits(a[key], b[key]) for key in a)
    return type(a) is type(b) and (a == b or (a != a and b != b))


def kind_of(value: Any) -> str:
    """The kind of a value in words: "a list", "an array", "a torch Tensor", "nothing (None)"."""
    plain = {bool: "a boolean", int: "an integer", float: "a floating-point number", str: "a string",
             complex: "a complex number", list: "a list", dict: "a dictionary", np.ndarray: "an array"}  # fmt: skip
    if value is None:
        return "nothing (None)"
    if type(getattr(value, "kind_in_words", None)) is str:  # what stands for an object that stayed in its box
        return value.kind_in_words
    if isinstance(value, np.generic):
        value = value.item()
    if type(value) in plain:
        return plain[type(value)]
    if isinstance(value, tuple):
        return "a tuple"
    if callable(value):
        return "a function"
    name, module = type(value).__name__, type(value).__module__.split(".")[0]
    return f"a {name} of {module}" if module not in ("builtins", "__main__") else f"a {name}"


def describe(name: str, value: Any) -> str:
    """One argument in words: its shape when it is an array, its value when it is small."""
    if isinstance(value, np.ndarray):
        return f"{name} {value.shape}"
    if isinstance(value, list | tuple | dict):
        return f"{name} ({kind_of(value)} of {len(value)})"
    return f"{name}={value!r}"


def entries_in_words(dtype: np.dtype) -> str:
    """What the entries of an array of this dtype are, in words."""
    return _KINDS.get(dtype.kind, f"entries of dtype {dtype}")


def number(x: Any, other: Any = None) -> str:
    """x in four significant digits, in more where `other` would read the same."""
    if isinstance(x, np.generic):
        x = x.item()
    if isinstance(other, np.generic):
        other = other.item()
    if not isinstance(x, float):
        return repr(x)
    for digits in (4, 7, 10):
        if not isinstance(other, float) or x == other or f"{x:.{digits}g}" != f"{other:.{digits}g}":
            return f"{x:.{digits}g}"
    return repr(x)

"""Compare what a function returned with what was expected, and say the difference in words.

The order of the questions is the order in which a student can act: the kind of the value, how many values, the shape,
the dtype, NaN, and only then the numbers. Every answer is one `Finding`; no finding means equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .values import entries_in_words, kind_of, number


@dataclass(frozen=True)
class Tolerance:
    """|found - expected| <= absolute + relative |expected|. Wide enough for correct work in float32."""

    relative: float = 1e-5
    absolute: float = 1e-6


@dataclass(frozen=True)
class Finding:
    """One difference: which output, of which kind, and the sentence for the student."""

    output: str
    kind: str  # "type" "count" "keys" "shape" "dtype" "nan" "value"
    text: str


def compare(found: Any, expected: Any, returns: tuple[str, ...], tolerance: Tolerance) -> list[Finding]:
    """Findings for the whole result; `returns` names the value, or the entries of the tuple that is expected."""
    if len(returns) == 1:
        return _compare(found, expected, returns[0], tolerance)
    return _sequence(found, expected, "the result", tolerance, list(returns))


def _compare(found: Any, expected: Any, name: str, tolerance: Tolerance) -> list[Finding]:
    if found is None and expected is not None:
        return [Finding(name, "type", f"{name} is None. Does the function end with a `return`?")]
    if isinstance(expected, np.ndarray):
        return _array(found, expected, name, tolerance)
    if isinstance(expected, tuple | list):
        fields = list(getattr(expected, "_fields", ()))
        names = [f"{name}.{field}" for field in fields] or [f"{name}[{k}]" for k in range(len(expected))]
        return _sequence(found, expected, name, tolerance, names)
    if isinstance(expected, dict):
        return _dict(found, expected, name, tolerance)
    return _scalar(found, expected, name, tolerance)


def _sequence(found: Any, expected: Any, name: str, tolerance: Tolerance, names: list[str]) -> list[Finding]:
    """Tuples, named tuples and lists; a list in place of a tuple is accepted, and the other way round."""
    parts = ", ".join(names) if len(names) <= 6 else f"{len(names)} entries"
    if found is None:
        text = f"the function returns None. Does it end with `return {parts}`?"
        return [Finding(name, "type", text)]
    if not isinstance(found, list | tuple):
        text = f"{name} is {_with_shape(found)}; expected {len(names)} values: {parts}."
        return [Finding(name, "count" if isinstance(found, np.ndarray) else "type", text)]
    if len(found) != len(expected):
        text = f"{name} holds {len(found)} {_plural(len(found), 'value')}; expected {len(names)}: {parts}."
        return [Finding(name, "count", text)]
    wanted, given = getattr(expected, "_fields", None), getattr(found, "_fields", None)
    if wanted and given and tuple(wanted) != tuple(given):
        return [Finding(name, "keys", f"{name} has the fields {', '.join(given)}; expected {', '.join(wanted)}.")]
    findings = []
    for k, entry_name in enumerate(names):
        findings += _compare(found[k], expected[k], entry_name, tolerance)
    return findings


def _dict(found: Any, expected: dict, name: str, tolerance: Tolerance) -> list[Finding]:
    if not isinstance(found, dict):
        return [Finding(name, "type", f"{name} is {_with_shape(found)}; expected a dictionary.")]
    missing = [key for key in expected if key not in found]
    extra = [key for key in found if key not in expected]
    if missing or extra:
        parts = [f"lacks {', '.join(map(repr, missing))}"] if missing else []
        parts += [f"has {', '.join(map(repr, extra))}, which is not expected"] if extra else []
        return [Finding(name, "keys", f"{name}: the dictionary {' and '.join(parts)}.")]
    findings = []
    for key, entry in expected.items():
        findings += _compare(found[key], entry, f"{name}[{key!r}]", tolerance)
    return findings


def _scalar(found: Any, expected: Any, name: str, tolerance: Tolerance) -> list[Finding]:
    if type(found) is np.ndarray and found.ndim == 0:
        found = found[()]
    if isinstance(found, np.generic):
        found = found.item()
    if isinstance(expected, np.generic):  # a solution may return np.float64 as well as float
        expected = expected.item()
    wanted = kind_of(expected)
    if isinstance(expected, float) and type(found) is int:
        found = float(found)
    if type(found) is not type(expected):
        shown = f" ({found!r})" if isinstance(found, bool | int | float) else ""
        return [Finding(name, "type", f"{name} is {_with_shape(found)}{shown}; expected {wanted}.")]
    if isinstance(expected, float):
        if not np.isfinite(found) and np.isfinite(expected):
            return [Finding(name, "nan", f"{name} is {found}; expected {number(expected)}.")]
        if _close(np.float64(found), np.float64(expected), tolerance):
            return []
    elif found == expected:
        return []
    text = f"{name} is {number(found, expected)}; expected {number(expected, found)}."
    return [Finding(name, "value", text)]


def _array(found: Any, expected: np.ndarray, name: str, tolerance: Tolerance) -> list[Finding]:
    if isinstance(found, np.generic):
        found = np.asarray(found)
    if type(found) is not np.ndarray:
        return [Finding(name, "type", f"{name} is {_with_shape(found)}; expected an array of shape {expected.shape}.")]
    if found.shape != expected.shape:
        text = f"{name} has shape {found.shape}; expected {expected.shape}."
        if found.ndim > 1 and found.shape == expected.shape[::-1]:
            right = found.dtype.kind in "biuf" and bool(np.all(_close(found.T, expected, tolerance)))
            text += " This is the transpose" + (", with the right numbers in it." if right else " of that shape.")
        return [Finding(name, "shape", text)]
    if _family(found) != _family(expected):
        text = f"{name} holds {entries_in_words(found.dtype)} (dtype {found.dtype}); "
        return [Finding(name, "dtype", text + f"expected {entries_in_words(expected.dtype)} (dtype {expected.dtype}).")]
    if expected.dtype.kind == "f" and found.dtype.itemsize < 4:
        return [Finding(name, "dtype", f"{name} has dtype {found.dtype}, which keeps 3 digits; expected float64.")]
    return _entries(found, expected, name, tolerance)


def _entries(found: np.ndarray, expected: np.ndarray, name: str, tolerance: Tolerance) -> list[Finding]:
    """Same shape, same family of dtype: NaN, then the numbers."""
    if expected.dtype.kind == "f":
        broken = ~np.isfinite(found) & np.isfinite(expected)
        if broken.any():
            at = np.argwhere(broken)[0]
            share = f"{int(broken.sum())} of {found.size} entries are NaN or infinite"
            return [Finding(name, "nan", f"{_entry(name, at)} is {found[tuple(at)]}; {share}.")]
        right = _close(found, expected, tolerance)
    else:
        right = found == expected
    if np.all(right):
        return []
    at = np.argwhere(~np.asarray(right))[0]
    a, b = found[tuple(at)], expected[tuple(at)]
    share = f"{int(np.sum(right))} of {found.size} {_plural(found.size, 'entry', 'entries')} right"
    first = "" if found.size == 1 else "the first that differs is "
    text = f"{name}: {share}; {first}{_entry(name, at)}: found {number(a, b)}, expected {number(b, a)}."
    return [Finding(name, "value", text + _pattern(found, expected, tolerance))]


def _pattern(found: np.ndarray, expected: np.ndarray, tolerance: Tolerance) -> str:
    """What the wrong numbers have in common, where that is plain: transposed, sign flipped, one constant factor."""
    if expected.dtype.kind != "f" or expected.size < 2:
        return ""
    if expected.ndim == 2 and expected.shape[0] == expected.shape[1] and np.all(_close(found.T, expected, tolerance)):
        return " These are the right numbers, transposed."
    if np.all(_close(-found, expected, tolerance)):
        return " Every entry has the wrong sign."
    large = np.abs(expected) > 1e-3
    if large.sum() >= 2 and np.all(found[large] != 0):
        with np.errstate(all="ignore"):  # expected may be a known mistake, with infinities in it
            factor = float(np.median(found[large] / expected[large]))
            scaled = factor * expected
        if np.all(_close(found, scaled, tolerance)):
            return f" Every entry is {number(factor)} times what is expected."
    return ""


def _close(found: Any, expected: Any, tolerance: Tolerance) -> Any:
    """Entry by entry, without a warning; NaN and infinities are close to themselves."""
    with np.errstate(all="ignore"):
        return np.isclose(found, expected, rtol=tolerance.relative, atol=tolerance.absolute, equal_nan=True)


def _family(array: np.ndarray) -> str:
    return {"u": "i"}.get(array.dtype.kind, array.dtype.kind)


def _entry(name: str, at: np.ndarray) -> str:
    return f"{name}[{', '.join(str(int(k)) for k in at)}]" if len(at) else name


def _with_shape(value: Any) -> str:
    return f"{kind_of(value)} of shape {value.shape}" if isinstance(value, np.ndarray) else kind_of(value)


def _plural(count: int, one: str, many: str = "") -> str:
    return one if count == 1 else many or one + "s"

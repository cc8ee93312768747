"""Labels with mathematics in them: ``"loss $L_{t-1}$"``; how they are read, spoken and measured."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any


def number(value: float) -> str:
    """A coordinate with one decimal and no trailing zero: the same text on every machine."""
    text = f"{value + 0.0:.1f}"
    text = text[:-2] if text.endswith(".0") else text
    return "0" if text == "-0" else text


def signed(value: float, digits: int = 2) -> str:
    """A value as figures print it: fixed digits and a true minus sign."""
    text = f"{value:.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}") if float(text) != 0 else text.lstrip("-")


_NARROW, _WIDE = set("ijltfrI.,:;'|!()[] /"), set("mwMW@%")
_GREEK = "αβγδεηθλμστφψωΣΔ∂"


def _advance(text: str, size: float, face: str) -> float:
    """Estimated width of a run of text. Fonts differ between machines, so the estimate is on the wide side."""
    if face == "n":
        return 0.61 * size * len(text)
    width = 0.0
    for char in text:
        if char in _NARROW:
            width += 0.34
        elif char in _WIDE:
            width += 0.9
        elif char.isupper():
            width += 0.69
        else:
            width += 0.57 if face == "s" else 0.52
    return width * size


@dataclass(frozen=True)
class Run:
    """A stretch of text in one face: "s" sans, "m" maths italic, "r" maths upright, "n" monospace."""

    text: str
    face: str
    scale: float = 1.0
    shift: float = 0.0  # in em of the full size; positive is down


def _maths_runs(source: str) -> list[Run]:
    runs: list[Run] = []

    def emit(text: str, scale: float = 1.0, shift: float = 0.0) -> None:
        pattern = rf"[A-Za-zŷẑ{_GREEK}]+|[^A-Za-zŷẑ{_GREEK}]+"
        for piece in re.findall(pattern, text.replace("-", "\N{MINUS SIGN}")):
            runs.append(Run(piece, "m" if piece[0].isalpha() else "r", scale, shift))

    position = 0
    for match in re.finditer(r"([_^])(\{[^}]*\}|.)", source):
        emit(source[position : match.start()])
        emit(match[2].strip("{}"), 0.72, 0.24 if match[1] == "_" else -0.36)
        position = match.end()
    emit(source[position:])
    return runs


def parse_label(label: str, face: str = "s") -> list[Run]:
    """A label into runs. Between dollar signs is maths: ``"loss $L_{t-1}$"``; ``_`` lowers and ``^`` raises."""
    pieces = label.split("$")
    if len(pieces) % 2 == 0:
        raise ValueError(f"parse_label: a dollar sign is left open in {label!r}")
    runs: list[Run] = []
    for i, piece in enumerate(pieces):
        if piece:
            runs += _maths_runs(piece) if i % 2 else [Run(piece, face)]
    return runs


def maths(name: str) -> str:
    """A variable's name in code, set as in the equations: ``W_hh`` -> ``$W_{hh}$``; longer words stay words."""
    name = re.sub(r"^(d?[A-Za-z])(\d+)$", r"\1_\2", name)
    numbered = re.fullmatch(r"([A-Za-z]{3,})_(\d+)", name)
    if numbered:
        return f"{numbered[1]}$_{{{numbered[2]}}}$"
    match = re.fullmatch(rf"(d?[A-Za-z{_GREEK}]s?|loss|logits)(?:_(\w+))?(\[\d+\])?(\^T)?", name)
    if match is None:
        return name
    head, below, index, above = match.groups()
    below = "t-1" if below == "prev" else below
    below = (below or "") + ("," if below and index else "") + (index or "").strip("[]")
    text = head if head in ("loss", "logits") else ""
    subscript = f"_{{{below}}}" if below else ""
    superscript = "^T" if above else ""
    return f"{text} ${below}$" if text and below else text or f"${head}{subscript}{superscript}$"


def plain(label: str) -> str:
    """A label without its markup, for the descriptions that screen readers speak."""
    return re.sub(r"[${}]", "", label)


def counted(n: int, word: str) -> str:
    """ "1 step", "3 steps"."""
    return f"{n} {word}{'' if n == 1 else 's'}"


def label_width(label: str, size: float, face: str = "s") -> float:
    """The width of a label in pixels, estimated from the advances of its letters."""
    return sum(
        _advance(run.text, size * run.scale * (1.12 if run.face in "mr" else 1), run.face)
        for run in parse_label(label, face)
    )


def shape_text(array: Any) -> str:
    """The shape of an array as captions print it: 4×3."""
    return "×".join(map(str, array.shape))


def short(norm: float) -> str:
    """Two significant digits; powers of ten where plain digits would not fit."""
    if norm == 0 or 1e-3 <= norm < 1e4:
        if norm == 0 or norm >= 10:
            return f"{norm:.0f}"
        return f"{norm:.{1 - math.floor(math.log10(norm))}f}"
    mantissa, exponent = f"{norm:.0e}".split("e")
    digits = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa}·10{digits}"

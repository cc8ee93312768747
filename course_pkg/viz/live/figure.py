"""What a live figure is, as the package sees it: a model, a first state, and the numbers that belong to a state.

A module of this folder defines ``figure() -> LiveFigure``; the script of the same name in book/site/live computes the
same numbers in the page and draws them. The build compares the two, and both with what the fixture has kept.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from course_pkg.tree import leaves, tree_map

ROOT = Path(__file__).resolve().parents[3]
RESULTS = ROOT / "experiments" / "results"  # recorded runs
SMALL = 4000  # numbers; more become a file of their own, as float16, that the page loads when the figure is near


@dataclass(frozen=True)
class LiveFigure:
    """One figure. ``numbers(state)`` is the package's answer for a state: arrays by name, from the shipped weights."""

    name: str  # of NAME.py here, NAME.js there
    label: str  # what a screen reader calls the figure
    data: Mapping[str, Any]  # all that the page must know besides the weights: words, sizes, names
    state: Mapping[str, Any]  # the first state; its picture must carry the lesson without a click
    numbers: Callable[[dict], dict]
    weights: Mapping[str, np.ndarray] = field(default_factory=dict)  # "rnn.W_xh" is data.weights.rnn.W_xh in the page
    cases: tuple[Mapping[str, Any], ...] = ()  # further states in which page and package must agree
    bytewise: bool = False  # matrices as bytes with a scale for each row, where float16 would be too much for a page

    @property
    def lazy(self) -> bool:
        """Whether the weights are a file of their own (float16) or stand in the page (float32)."""
        return sum(w.size for w in self.weights.values()) > SMALL

    def packed(self) -> dict[str, list]:
        """{name: [shape, "float32", "float16" or "int8", base64]}; of bytes follow the scales of the rows, float32."""
        return {name: self._pack(w) for name, w in self.weights.items()}

    def _pack(self, w: np.ndarray) -> list:
        if self.bytewise and w.ndim == 2:
            steps, scale = in_bytes(w)
            return [list(w.shape), "int8", _base64(steps), _base64(scale)]
        kind, stored = ("float16", "<f2") if self.lazy else ("float32", "<f4")
        return [list(w.shape), kind, _base64(w.astype(stored))]

    def states(self) -> list[dict]:
        """The first state, and each further case as changes to it."""
        return [dict(self.state), *({**self.state, **case} for case in self.cases)]

    def fixture(self) -> dict[str, Any]:
        """What the repository keeps of the figure: the hash of its weights, and its numbers in every case."""
        text = repr(sorted(self.packed().items())).encode()
        cases = [{"state": state, "numbers": plain(self.numbers(state))} for state in self.states()]
        return {"weights": hashlib.sha256(text).hexdigest(), "cases": cases}


def shipped(model: Any, bytewise: bool = False) -> tuple[Any, dict[str, np.ndarray]]:
    """model: a tree of arrays -> the model as the page gets it (rounded, in float64), and its arrays by name.

    More than 4,000 numbers are rounded to float16, fewer to float32; bytewise: matrices to 255 steps in each row.
    A figure computes with this model, no other.
    """
    small = sum(w.size for _, w in leaves(model)) <= SMALL

    def rounded(w: np.ndarray) -> np.ndarray:
        if bytewise and w.ndim == 2:
            steps, scale = in_bytes(w)
            return steps * scale.astype(np.float64)[:, None]
        return w.astype(np.float32 if small else np.float16).astype(np.float64)

    model = tree_map(rounded, model)
    return model, dict(leaves(model))


def in_bytes(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """w: (O, I) -> whole steps (O, I), -127 to 127, and the size of a step in each row (O,): w is near steps * size."""
    scale = (np.abs(w).max(axis=1) / 127).astype("<f4")  # (O,)
    return np.rint(w / np.where(scale == 0, 1, scale)[:, None]).astype(np.int8), scale


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array)).decode()


def load(name: str) -> LiveFigure:
    """The figure of this name: module ``course_pkg.viz.live.NAME``, function ``figure``."""
    module = importlib.import_module(f"course_pkg.viz.live.{name}")
    made: LiveFigure = module.figure()
    if made.name != name:
        raise ValueError(f"load: the figure of viz/live/{name}.py must have the name {name!r}, got {made.name!r}")
    return made


def names() -> list[str]:
    """All figures: the modules of this folder that define one."""
    modules = sorted(Path(__file__).parent.glob("*.py"))
    return [path.stem for path in modules if "\ndef figure()" in path.read_text(encoding="utf8")]


def plain(value: Any) -> Any:
    """Arrays -> lists, NumPy's numbers -> Python's, all the way down; the shapes stay, as nesting."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def differences(
    ours: Any, theirs: Any, tolerance: float, looser: Mapping[str, float] | None = None, where: str = ""
) -> Iterator[str]:
    """"hs[2][0]: 0.5 against 0.6" for every two numbers further apart than the tolerance (absolute and relative).

    looser: keys, such as "c" for a cell's state, below which another tolerance holds.
    """
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        if set(ours) != set(theirs):
            yield f"{where or 'numbers'}: {sorted(ours)} against {sorted(theirs)}"
            return
        for key in ours:
            kept = (looser or {}).get(key, tolerance)
            yield from differences(ours[key], theirs[key], kept, looser, f"{where}.{key}" if where else key)
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            yield f"{where}: {len(ours)} entries against {len(theirs)}"
            return
        for i, (a, b) in enumerate(zip(ours, theirs)):
            yield from differences(a, b, tolerance, looser, f"{where}[{i}]")
    elif _number(ours) and _number(theirs):
        if not abs(ours - theirs) <= tolerance * max(1.0, abs(theirs)):
            yield f"{where}: {ours:.8g} against {theirs:.8g}"
    elif ours != theirs:
        yield f"{where}: {ours!r} against {theirs!r}"


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

"""Arrays that note what NumPy does to them: the machinery behind :func:`course_pkg.viz.trace.trace`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(eq=False)
class Op:
    """One recorded value: where it came from and what it is. An input has no ``args`` and op "input" or "constant"."""

    index: int
    op: str
    value: np.ndarray
    args: tuple = ()  # positional arguments of the NumPy call, with Ops in place of recorded arrays
    kwargs: dict = field(default_factory=dict)
    name: str = ""
    kind: str = "op"  # "op", "data", "param", "const"
    scope: tuple[
        tuple[str, int], ...
    ] = ()  # the functions it was computed in, outermost first, each with its call number

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def inputs(self) -> list[Op]:
        return list(_ops_in(self.args))

    def __repr__(self) -> str:
        return f"{self.name or f'v{self.index}'} = {self.op}{self.shape}"


def _ops_in(item: Any) -> Iterator[Op]:
    if isinstance(item, Op):
        yield item
    elif isinstance(item, list | tuple):
        for part in item:
            yield from _ops_in(part)


class Recorder:
    """Holds what is recorded during one run."""

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self.scalars: dict[float, Op] = {}  # values that left the graph through float()
        self._calls: dict[Any, tuple[str, int]] = {}  # frame -> (function, call number)
        self._counts: dict[str, int] = {}
        self._constants: dict[int, tuple[np.ndarray, Op]] = {}
        self._outside = sys._getframe(2)

    def scope(self) -> tuple[tuple[str, int], ...]:
        """Which functions of the traced code are running, outermost first."""
        frame, found = sys._getframe(1), []
        while frame is not None and frame is not self._outside:
            code, module = frame.f_code, frame.f_globals.get("__name__", "")
            ours = module == "course_pkg.shapes" or module.startswith(("course_pkg.viz", "numpy"))
            if not ours and not code.co_name.startswith("<"):
                if frame not in self._calls:
                    number = self._counts.get(code.co_name, 0)
                    self._counts[code.co_name] = number + 1
                    self._calls[frame] = (code.co_name, number)
                found.append(self._calls[frame])
            frame = frame.f_back
        return tuple(reversed(found))

    def add(
        self,
        op: str,
        value: Any,
        args: tuple = (),
        kwargs: dict | None = None,
        name: str = "",
        kind: str = "op",
    ) -> Op:
        """Record an operation with its value and what it was computed from."""
        node = Op(len(self.ops), op, np.array(value), args, kwargs or {}, name, kind)
        node.scope = self.scope() if kind != "data" and kind != "param" else ()
        self.ops.append(node)
        return node

    def wrap(self, value: Any, node: Op) -> Traced:
        """The value as an array that records what is done with it."""
        array = np.asarray(value).view(Traced)
        array.node, array.recorder = node, self
        return array

    def constant(self, array: np.ndarray) -> Op:
        """An array that is not recorded: made by the traced code itself (zeros, ones), one node for each object.

        ``np.array(x)`` copies without telling anybody; a copy is known by its values and joined to what it copies.
        """
        if id(array) not in self._constants:
            source = self._copied_from(array)
            node = (
                self.add("constant", array, kind="const")
                if source is None
                else self.add("copy", array, (source,))
            )
            self._constants[id(array)] = (array, node)
        return self._constants[id(array)][1]

    def _copied_from(self, array: np.ndarray) -> Op | None:
        if array.dtype.kind != "f" or np.all(array == array.flat[0]):
            return None
        same = (op for op in reversed(self.ops) if op.value.shape == array.shape and op.op != "constant")
        return next((op for op in same if np.array_equal(op.value, array)), None)

    def close(self) -> None:
        """Forget what was needed only while recording."""
        self._calls.clear()
        self._constants.clear()
        self._outside = None


class Traced(np.ndarray):
    """An array that records what NumPy does to it."""

    node: Op | None
    recorder: Recorder | None

    def __array_finalize__(self, source: Any) -> None:
        self.node, self.recorder = None, getattr(source, "recorder", None)

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *args: Any, out: Any = None, **kwargs: Any
    ) -> Any:
        names = {"reduce": {"add": "sum", "maximum": "max", "minimum": "min", "multiply": "prod"}}
        name = (
            ufunc.__name__
            if method == "__call__"
            else names.get(method, {}).get(ufunc.__name__, f"{ufunc.__name__}.{method}")
        )
        return _record(name, getattr(ufunc, method), args, kwargs, out[0] if out else None)

    def __array_function__(self, func: Callable, types: Any, args: tuple, kwargs: dict) -> Any:
        if func.__name__ in _SHAPE_ONLY:
            return func(*plain_arrays(args), **plain_arrays(kwargs))
        out = kwargs.pop("out", None)
        if func.__name__ in _IN_PLACE:
            return _record(func.__name__, func, args, kwargs, args[0], in_place=True)
        return _record(func.__name__, func, args, kwargs, out)

    def __getitem__(self, key: Any) -> Any:
        return _record("getitem", lambda array, index: array[index], (self, key), {})

    def __setitem__(self, key: Any, value: Any) -> None:
        def assign(array: np.ndarray, index: Any, part: Any) -> None:
            array[index] = part

        _record("setitem", assign, (self, key, value), {}, self, in_place=True)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __float__(self) -> float:
        number = float(plain_arrays(self))
        if self.recorder is not None and self.node is not None:
            self.recorder.scalars[number] = self.node
        return number

    @property
    def T(self) -> Any:
        return _record("transpose", np.transpose, (self,), {})

    def item(self, *args: Any) -> Any:
        """As of an array, but a number: nothing is recorded."""
        return float(self) if not args and self.dtype.kind == "f" else plain_arrays(self).item(*args)

    def any(self, *args: Any, **kwargs: Any) -> Any:
        """As of an array; a question is not recorded."""
        return plain_arrays(self).any(*args, **kwargs)

    def all(self, *args: Any, **kwargs: Any) -> Any:
        """As of an array; a question is not recorded."""
        return plain_arrays(self).all(*args, **kwargs)


def _method(name: str) -> Callable:
    def method(self: Traced, *args: Any, **kwargs: Any) -> Any:
        return _record(name, lambda array, *a, **k: getattr(array, name)(*a, **k), (self, *args), kwargs)

    return method


for _name in (
    "sum",
    "mean",
    "max",
    "min",
    "prod",
    "reshape",
    "transpose",
    "astype",
    "copy",
    "ravel",
    "squeeze",
    "swapaxes",
    "argmax",
):
    setattr(Traced, _name, _method(_name))

# Functions that look at shapes and types only, and functions that write into their first argument.
_SHAPE_ONLY = {
    "zeros_like",
    "ones_like",
    "empty_like",
    "full_like",
    "result_type",
    "shape",
    "ndim",
    "size",
    "can_cast",
}
_IN_PLACE = {"put_along_axis", "copyto", "put"}


def plain_arrays(item: Any) -> Any:
    """The same structure with ordinary arrays in it."""
    if isinstance(item, Traced):
        return np.asarray(item).view(np.ndarray)
    if type(item) in (list, tuple):
        return type(item)(plain_arrays(part) for part in item)
    return {key: plain_arrays(part) for key, part in item.items()} if isinstance(item, dict) else item


def _find(item: Any) -> Traced | None:
    if isinstance(item, Traced):
        return item if item.recorder is not None else None
    if isinstance(item, list | tuple):
        return next((found for part in item if (found := _find(part)) is not None), None)
    return None


def _note(item: Any, recorder: Recorder) -> Any:
    """Arguments as the graph keeps them: Ops for arrays, everything else as it is."""
    if isinstance(item, Traced):
        if item.node is None:
            item.node = recorder.add("untracked", plain_arrays(item), kind="const")
        return item.node
    if isinstance(item, np.ndarray) and item.ndim:
        return recorder.constant(item)
    return type(item)(_note(part, recorder) for part in item) if type(item) in (list, tuple) else item


def _record(
    name: str, func: Callable, args: tuple, kwargs: dict, out: Any = None, in_place: bool = False
) -> Any:
    first = _find((args, tuple(kwargs.values())))
    if first is None:  # a traced array after the end of its run: plain NumPy
        return func(*plain_arrays(args), **plain_arrays(kwargs))
    recorder = first.recorder
    noted = _note(args, recorder)
    result = func(*plain_arrays(args), **plain_arrays(kwargs))
    if in_place or out is not None:
        if not isinstance(out, Traced):
            raise ValueError(
                f"trace: {name} writes into an array that is not recorded; trace the equation-by-equation form instead"
            )
        if not in_place:
            plain_arrays(out)[...] = result
        out.node, out.recorder = recorder.add(name, plain_arrays(out), noted, plain_arrays(kwargs)), recorder
        return None if in_place else out
    if isinstance(result, tuple):  # divmod, modf, ...: not needed by this course
        return result
    return recorder.wrap(result, recorder.add(name, result, noted, plain_arrays(kwargs)))

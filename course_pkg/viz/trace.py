"""Records the computational graph of a real function while it runs.

    run = trace(rnn_step, p, x, h_prev)
    print(run)                 # one line per operation, in the order in which the code did them
    run.gradients()            # reverse pass over the recorded graph: {operation: dL/d(its value)}

Nothing is parsed and nothing is declared: arrays are wrapped in a subclass of ndarray that notes each NumPy operation
it goes through. Change the code, and the graph changes. The reverse pass knows the derivative of each NumPy operation
and nothing of recurrent networks, so it is one more independent check of the gradients that the package writes by hand.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

# How the leaves of the package's models are called in the equations.
EQUATION_NAMES = {"out.W": "W_hy", "out.b": "b_y"}


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
            ours = module in (__name__, "course_pkg.shapes") or module.split(".")[0] == "numpy"
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
        node = Op(len(self.ops), op, np.array(value), args, kwargs or {}, name, kind)
        node.scope = self.scope() if kind != "data" and kind != "param" else ()
        self.ops.append(node)
        return node

    def wrap(self, value: Any, node: Op) -> Traced:
        array = np.asarray(value).view(Traced)
        array.node, array.recorder = node, self
        return array

    def constant(self, array: np.ndarray) -> Op:
        """An array that the traced code made itself (zeros, ones): one node for each object."""
        if id(array) not in self._constants:
            self._constants[id(array)] = (array, self.add("constant", array, kind="const"))
        return self._constants[id(array)][1]

    def close(self) -> None:
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
            return func(*_plain(args), **_plain(kwargs))
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
        number = float(_plain(self))
        if self.recorder is not None and self.node is not None:
            self.recorder.scalars[number] = self.node
        return number

    @property
    def T(self) -> Any:
        return _record("transpose", np.transpose, (self,), {})

    def item(self, *args: Any) -> Any:
        return float(self) if not args and self.dtype.kind == "f" else _plain(self).item(*args)

    def any(self, *args: Any, **kwargs: Any) -> Any:
        return _plain(self).any(*args, **kwargs)

    def all(self, *args: Any, **kwargs: Any) -> Any:
        return _plain(self).all(*args, **kwargs)


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


def _plain(item: Any) -> Any:
    """The same structure with ordinary arrays in it."""
    if isinstance(item, Traced):
        return np.asarray(item).view(np.ndarray)
    if type(item) in (list, tuple):
        return type(item)(_plain(part) for part in item)
    return {key: _plain(part) for key, part in item.items()} if isinstance(item, dict) else item


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
            item.node = recorder.add("untracked", _plain(item), kind="const")
        return item.node
    if isinstance(item, np.ndarray) and item.ndim:
        return recorder.constant(item)
    return type(item)(_note(part, recorder) for part in item) if type(item) in (list, tuple) else item


def _record(
    name: str, func: Callable, args: tuple, kwargs: dict, out: Any = None, in_place: bool = False
) -> Any:
    first = _find((args, tuple(kwargs.values())))
    if first is None:  # a traced array after the end of its run: plain NumPy
        return func(*_plain(args), **_plain(kwargs))
    recorder = first.recorder
    noted = _note(args, recorder)
    result = func(*_plain(args), **_plain(kwargs))
    if in_place or out is not None:
        if not isinstance(out, Traced):
            raise ValueError(
                f"trace: {name} writes into an array that is not recorded; trace the equation-by-equation form instead"
            )
        if not in_place:
            _plain(out)[...] = result
        out.node, out.recorder = recorder.add(name, _plain(out), noted, _plain(kwargs)), recorder
        return None if in_place else out
    if isinstance(result, tuple):  # divmod, modf, ...: not needed by this course
        return result
    return recorder.wrap(result, recorder.add(name, result, noted, _plain(kwargs)))


# ------------------------------------------------------------------------------------------------------------- run


@dataclass(eq=False)
class Trace:
    """The recorded graph of one run: the operations that its outputs depend on, in order."""

    function: str
    ops: list[Op]
    outputs: list[Op]
    result: Any  # what the function returned, as ordinary arrays

    def named(self, name: str) -> Op:
        """The recorded value of this name."""
        for op in self.ops:
            if op.name == name:
                return op
        raise ValueError(
            f"Trace.named: no value is called {name!r}; known: {', '.join(op.name for op in self.ops if op.name)}"
        )

    @property
    def inputs(self) -> list[Op]:
        return [op for op in self.ops if op.kind in ("data", "param")]

    @property
    def parameters(self) -> list[Op]:
        return [op for op in self.ops if op.kind == "param"]

    @property
    def operations(self) -> list[Op]:
        return [op for op in self.ops if op.kind == "op"]

    def consumers(self, op: Op) -> list[Op]:
        """The operations that use this value directly."""
        return [other for other in self.ops if op in other.inputs]

    def calls(self, function: str) -> list[list[Op]]:
        """The operations of each call of ``function`` during the run, in order: T lists for a cell run over T steps."""
        groups: dict[int, list[Op]] = {}
        for op in self.operations:
            for name, number in op.scope:
                if name == function:
                    groups.setdefault(number, []).append(op)
        return [groups[number] for number in sorted(groups)]

    def gradients(self, output: Op | None = None, seed: np.ndarray | None = None) -> dict[Op, np.ndarray]:
        """dL/d(value) for every recorded value that L depends on through derivatives; L is the first output by default."""
        return reverse_pass(self, self.outputs[0] if output is None else output, seed)

    def only(self, *outputs: int) -> Trace:
        """The part of the graph that these outputs need: ``run.only(0)`` is the loss without the hand-written gradient."""
        kept = [self.outputs[i] for i in outputs]
        needed = _ancestors(kept)
        return replace(self, ops=[op for op in self.ops if op in needed], outputs=kept)

    def __str__(self) -> str:
        order = {op.index: i for i, op in enumerate(self.operations, start=1)}
        names = {op: op.name or (f"v{order[op.index]}" if op.index in order else op.op) for op in self.ops}

        def text(item: Any) -> str:
            if isinstance(item, Op):
                return names[item]
            return "[" + ", ".join(map(text, item)) + "]" if isinstance(item, list | tuple) else str(item)

        lines = []
        for op in self.operations:
            extra = "".join(f", {key}={value}" for key, value in op.kwargs.items())
            lines.append(f"{names[op]:<4} = {op.op}({', '.join(map(text, op.args))}{extra})  {op.shape}")
        return "\n".join(lines)


def trace(
    function: Callable,
    *args: Any,
    names: dict[str, str] | None = None,
    outputs: Iterable[str] = (),
    **kwargs: Any,
) -> Trace:
    """Runs ``function(*args, **kwargs)`` and records it.

    Arrays in NamedTuples become parameters (named after their fields), other arrays become data (named after the argument).
    names: other names for them, by argument or path ("out.W" -> "W_hy"). outputs: names for what the function returns.
    """
    recorder = Recorder()
    renamed = {**EQUATION_NAMES, **(names or {})}
    bound = inspect.signature(function).bind(*args, **kwargs)
    for name, value in bound.arguments.items():
        bound.arguments[name] = _wrap_argument(recorder, value, name, "data", renamed)
    result = function(*bound.args, **bound.kwargs)
    found = list(_outputs(result, recorder))
    recorder.close()
    if not found:
        raise ValueError(
            f"trace: {function.__name__} returned nothing that was recorded, got {type(result).__name__}"
        )
    for node, name in zip(found, outputs, strict=False):
        node.name = name
    needed = _ancestors(found)
    ops = [op for op in recorder.ops if op in needed]
    return Trace(function.__name__, ops, found, _strip(result))


def _wrap_argument(recorder: Recorder, value: Any, name: str, kind: str, renamed: dict[str, str]) -> Any:
    """Arguments with every array in them wrapped; fields of NamedTuples are parameters."""
    if isinstance(value, np.ndarray):
        path = name.split(".", 1)[1] if kind == "param" and "." in name else name
        label = renamed.get(path, path.rsplit(".", 1)[-1] if kind == "param" else path)
        return recorder.wrap(value, recorder.add("input", value, name=label, kind=kind))
    if hasattr(value, "_fields"):
        return type(value)(
            *(
                _wrap_argument(recorder, part, f"{name}.{key}", "param", renamed)
                for key, part in zip(value._fields, value, strict=True)
            )
        )
    if type(value) in (list, tuple):
        wrapped = []
        for i, part in enumerate(value, start=1):
            numbered = {
                key: f"{key}_{i}" for key in getattr(part, "_fields", ())
            }  # layers: W_1, b_1, W_2, b_2, ...
            wrapped.append(
                _wrap_argument(
                    recorder, part, name if numbered else f"{name}[{i - 1}]", kind, {**numbered, **renamed}
                )
            )
        return type(value)(wrapped)
    return value


def _outputs(result: Any, recorder: Recorder) -> Iterator[Op]:
    if isinstance(result, Traced):
        if result.node is not None:
            yield result.node
    elif isinstance(result, float) and result in recorder.scalars:
        yield recorder.scalars[result]
    elif isinstance(result, list | tuple):
        for part in result:
            yield from _outputs(part, recorder)


def _strip(result: Any) -> Any:
    if hasattr(result, "_fields"):
        return type(result)(*map(_strip, result))
    return type(result)(map(_strip, result)) if type(result) in (list, tuple) else _plain(result)


def _ancestors(outputs: list[Op]) -> set[Op]:
    needed, waiting = set(), list(outputs)
    while waiting:
        op = waiting.pop()
        if op not in needed:
            needed.add(op)
            waiting += op.inputs
    return needed


# ---------------------------------------------------------------------------------------------------- reverse pass


def _fit(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sums a gradient over the axes along which an operand was broadcast."""
    gradient = np.sum(gradient, axis=tuple(range(gradient.ndim - len(shape))))
    stretched = tuple(i for i, size in enumerate(shape) if size == 1 and gradient.shape[i] != 1)
    return np.sum(gradient, axis=stretched, keepdims=True) if stretched else gradient


def _matmul(g: np.ndarray, op: Op, a: np.ndarray, b: np.ndarray) -> tuple:
    return g @ np.swapaxes(b, -1, -2), np.swapaxes(a, -1, -2) @ g


def _spread(g: np.ndarray, op: Op, a: np.ndarray) -> np.ndarray:
    """Puts back the axes that a reduction removed."""
    axis = op.kwargs.get("axis", op.args[1] if len(op.args) > 1 else None)
    return g if axis is None or op.kwargs.get("keepdims") else np.expand_dims(g, axis)


def _extreme(g: np.ndarray, op: Op, a: np.ndarray, *rest: Any) -> tuple:
    hit = a == _spread(op.value, op, a)
    axis = op.kwargs.get("axis", op.args[1] if len(op.args) > 1 else None)
    return (_spread(g, op, a) * hit / hit.sum(axis=axis, keepdims=True),)


def _scatter(g: np.ndarray, op: Op, a: np.ndarray, index: Any) -> tuple:
    da = np.zeros_like(a, dtype=g.dtype)
    np.add.at(da, index, g)
    return (da,)


def _stacked(g: np.ndarray, op: Op, parts: list) -> tuple:
    return (list(np.moveaxis(g, op.kwargs.get("axis", 0), 0)),)


def _joined(g: np.ndarray, op: Op, parts: list, axis: int = 0) -> tuple:
    axis = op.kwargs.get("axis", axis)
    return (np.split(g, np.cumsum([part.shape[axis] for part in parts])[:-1], axis=axis),)


def _picked(g: np.ndarray, op: Op, a: np.ndarray, index: np.ndarray, *rest: Any) -> tuple:
    da = np.zeros_like(a)
    np.put_along_axis(da, index, g, axis=op.kwargs.get("axis", rest[0] if rest else -1))
    return (da,)


# operation -> (gradient of its result, operation, *argument values) -> gradient for each argument
DERIVATIVES: dict[str, Callable] = {
    "add": lambda g, op, a, b: (g, g),
    "subtract": lambda g, op, a, b: (g, -g),
    "multiply": lambda g, op, a, b: (g * b, g * a),
    "divide": lambda g, op, a, b: (g / b, -g * a / b**2),
    "negative": lambda g, op, a: (-g,),
    "matmul": _matmul,
    "tanh": lambda g, op, a: (g * (1 - op.value**2),),
    "exp": lambda g, op, a: (g * op.value,),
    "log": lambda g, op, a: (g / a,),
    "square": lambda g, op, a: (2 * g * a,),
    "sqrt": lambda g, op, a: (g / (2 * op.value),),
    "power": lambda g, op, a, n: (g * n * a ** (n - 1),),
    "abs": lambda g, op, a: (g * np.sign(a),),
    "maximum": lambda g, op, a, b: (g * (a > b), g * (b >= a)),
    "minimum": lambda g, op, a, b: (g * (a < b), g * (b <= a)),
    "logaddexp": lambda g, op, a, b: (g * np.exp(a - op.value), g * np.exp(b - op.value)),
    "where": lambda g, op, condition, a, b: (None, np.where(condition, g, 0), np.where(condition, 0, g)),
    "sum": lambda g, op, a, *rest: (np.broadcast_to(_spread(g, op, a), a.shape),),
    "mean": lambda g, op, a, *rest: (np.broadcast_to(_spread(g, op, a), a.shape) * (op.value.size / a.size),),
    "max": _extreme,
    "min": _extreme,
    "transpose": lambda g, op, a, *axes: (
        np.transpose(g, np.argsort(axes[0]) if axes and axes[0] is not None else None),
    ),
    "swapaxes": lambda g, op, a, i, j: (np.swapaxes(g, i, j),),
    "reshape": lambda g, op, a, *shape: (g.reshape(a.shape),),
    "ravel": lambda g, op, a: (g.reshape(a.shape),),
    "squeeze": lambda g, op, a, *axis: (g.reshape(a.shape),),
    "expand_dims": lambda g, op, a, *axis: (g.reshape(a.shape),),
    "copy": lambda g, op, a: (g,),
    "astype": lambda g, op, a, dtype: (g,),
    "getitem": _scatter,
    "take_along_axis": _picked,
    "stack": _stacked,
    "concatenate": _joined,
}


def reverse_pass(run: Trace, output: Op, seed: np.ndarray | None = None) -> dict[Op, np.ndarray]:
    """Backpropagation over a recorded graph. seed: dL/d(output), needed unless the output is a single number."""
    if seed is None and output.value.size != 1:
        raise ValueError(
            f"reverse_pass: seed must be {output.shape} (from the output), because it is not one number; got None"
        )
    seed = np.ones(output.shape) if seed is None else np.asarray(seed)
    if seed.shape != output.shape:
        raise ValueError(
            f"reverse_pass: seed must be {output.shape} (from the output), got shape {seed.shape}"
        )
    total: dict[Op, np.ndarray] = {output: seed}
    for op in reversed(run.ops):
        if op not in total or op.kind != "op" or op.value.dtype.kind != "f":
            continue
        if op.op not in DERIVATIVES:
            raise NotImplementedError(f"reverse_pass: the derivative of {op.op!r} is not known here")
        parts = DERIVATIVES[op.op](total[op], op, *_values(op.args))
        _collect(op.args, parts, total)
    return total


def _values(item: Any) -> Any:
    if isinstance(item, Op):
        return item.value
    return type(item)(_values(part) for part in item) if type(item) in (list, tuple) else item


def _collect(args: Any, parts: Any, total: dict[Op, np.ndarray]) -> None:
    for arg, part in zip(args, parts, strict=False):
        if isinstance(arg, Op) and part is not None and arg.value.dtype.kind == "f":
            total[arg] = total.get(arg, 0.0) + _fit(np.asarray(part), arg.shape)
        elif isinstance(arg, list):
            _collect(arg, part, total)

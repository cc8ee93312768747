"""Backpropagation over a recorded graph: it knows the derivative of each NumPy operation, and nothing of networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_pkg.viz.trace import Op, Trace


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
    "absolute": lambda g, op, a: (g * np.sign(a),),
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

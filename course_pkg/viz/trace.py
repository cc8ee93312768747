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
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from course_pkg.viz.recorder import Op, Recorder, Traced, plain_arrays

# How the leaves of the package's models are called in the equations.
EQUATION_NAMES = {"out.W": "W_hy", "out.b": "b_y"}


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
        """dL/d(value) for every value that L depends on; L is the first output by default."""
        from course_pkg.viz.reverse import reverse_pass

        return reverse_pass(self, self.outputs[0] if output is None else output, seed)

    def only(self, *outputs: int) -> Trace:
        """The part of the graph that these outputs need: ``run.only(0)`` is a loss without its gradient."""
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

    Arrays in NamedTuples become parameters, named after their fields; other arrays become data, named after arguments.
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
    return type(result)(map(_strip, result)) if type(result) in (list, tuple) else plain_arrays(result)


def _ancestors(outputs: list[Op]) -> set[Op]:
    needed, waiting = set(), list(outputs)
    while waiting:
        op = waiting.pop()
        if op not in needed:
            needed.add(op)
            waiting += op.inputs
    return needed

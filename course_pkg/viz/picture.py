"""What a computational graph shows of a recorded run: which operations stand as items, under which names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from course_pkg.viz.labels import label_width, maths
from course_pkg.viz.trace import Op, Trace

SYMBOLS = {
    "matmul": "@",
    "add": "+",
    "subtract": "\N{MINUS SIGN}",
    "multiply": "×",
    "divide": "÷",
    "negative": "\N{MINUS SIGN}·",
    "take_along_axis": "pick",
    "transpose": "T",
    "square": "$·^2$",
    "concatenate": "join",
}
# The result of the t-th call of such a function is called h_t, L_t.
RESULT_NAMES = {
    "rnn_step": "h",
    "softmax_cross_entropy": "L",
    "binary_cross_entropy_with_logits": "L",
    "mean_squared_error": "L",
}


@dataclass(eq=False)
class Item:
    """A node of the picture. Usually one recorded operation; several, if a whole function is shown as one box."""

    key: Any
    label: str
    kind: str  # "data", "param", "const", "op", "hidden", "loss"
    value: np.ndarray
    source: Op
    inputs: list[Item] = field(default_factory=list)

    @property
    def size(self) -> tuple[float, float]:
        if self.kind in ("data", "hidden", "output"):
            width = label_width(self.label, 14)
            return (36.0, 36.0) if width < 30 else (width + 20, 30.0)
        if self.kind == "param":
            return (max(34.0, label_width(self.label, 13) + 18), 25.0)
        if self.kind == "loss":
            return (
                (42.0, 42.0)
                if label_width(self.label, 13.5) < 26
                else (label_width(self.label, 13.5) + 26, 42.0)
            )
        if self.kind == "const":
            return (26.0, 22.0)
        lines = self.label.split("\n")
        return (max(30.0, *(label_width(line, 13) + 16 for line in lines)), 27.0 + 15 * (len(lines) - 1))


class Picture:
    """What is drawn of a recorded run: transposes go into labels, functions into boxes, weights stand at each use."""

    def __init__(
        self, run: Trace, collapse: Iterable[str], names: Mapping[str, str], repeat: bool, params: bool = True
    ):
        self.run, self.collapse, self.repeat = run, set(collapse), repeat
        self.items: dict[Any, Item] = {}
        self.shown: list[Item] = []
        self.states = {}
        for function, letter in names.items():
            calls = run.calls(function)
            for t, ops in enumerate(calls, start=1):
                if not ops[-1].name:
                    self.states[ops[-1]] = f"{letter}_{t}" if len(calls) > 1 else letter
        for output in run.outputs:
            self._value(output)
        self._name_outputs()
        if not params:
            self.drop("param")
        order = {op: i for i, op in enumerate(run.ops)}
        self.shown.sort(key=lambda item: order[item.source])

    def _add(self, key: Any, label: str, kind: str, op: Op, inputs: list[Item]) -> Item:
        item = Item(key, label, kind, op.value, op, inputs)
        self.items[key] = item
        self.shown.append(item)
        return item

    def _value(self, op: Op, use: Any = None) -> Item:
        """The item that stands for an operation's result."""
        if op.kind in ("param", "data", "const"):
            return self._leaf(op, op, "", use)
        if op.op == "transpose" and len(op.args) == 1 and op.args[0].kind in ("param", "data"):
            return self._leaf(op.args[0], op, "^T", use)
        if op.op == "getitem" and op.args[0].kind == "data" and isinstance(op.args[1], int):
            return self._element(op)
        if op.op == "getitem" and op.args[0].op == "stack" and isinstance(op.args[1], int):
            return self._value(op.args[0].args[0][op.args[1]])
        if op.op == "getitem" and op.args[0].op == "stack" and isinstance(op.args[1], slice):
            return self._part(op, op.args[0].args[0][op.args[1]])
        box = self._box(op)
        if op not in self.states:
            return box
        if ("state", op) not in self.items:
            kind = "hidden" if op.value.ndim else "loss"
            self._add(("state", op), maths(self.states[op]), kind, op, [box])
        return self.items["state", op]

    def _leaf(self, op: Op, seen: Op, mark: str, use: Any) -> Item:
        key = (op, mark, use if self.repeat and op.kind == "param" else None)
        if key not in self.items:
            label = maths(op.name + mark) if op.name else _constant(op.value)
            self._add(key, label, op.kind, op, [])
        return self.items[key]

    def _element(self, op: Op) -> Item:
        source, index = op.args
        key = ("element", source, index)
        if key not in self.items:
            name = source.name[:-1] if len(source.name) > 1 and source.name.endswith("s") else source.name
            self._add(key, maths(f"{name}_{index % source.shape[0] + 1}"), "data", op, [])
        return self.items[key]

    def _part(self, op: Op, parts: list[Op]) -> Item:
        """Some of what was stacked: np.stack([h_0, h_1, h_2])[1:] is the stack of h_1 and h_2."""
        if op not in self.items:
            inputs = [self._value(inner) for inner in parts]
            self._add(op, "stack", "op", op, inputs)
        return self.items[op]

    def _box(self, op: Op) -> Item:
        inside = next((call for call in op.scope if call[0] in self.collapse), None)
        if inside is not None:
            return self._function(op, inside)
        if op not in self.items:
            inputs = [self._value(inner, use=op) for inner in op.inputs]
            self._add(op, _label(op), "op", op, inputs)
        return self.items[op]

    def _function(self, op: Op, call: tuple[str, int]) -> Item:
        """One box for a whole call: what goes in is what its operations took from outside."""
        if call not in self.items:
            inside = {inner for inner in self.run.operations if call in inner.scope}
            outer = []
            for inner in self.run.operations:
                if inner in inside:
                    outer += [
                        source for source in inner.inputs if source not in inside and source not in outer
                    ]
            last = [inner for inner in self.run.operations if inner in inside][-1]
            box = self._add(call, _two_lines(call[0].replace("_", " ")), "op", last, [])
            named = [source for source in outer if source.kind != "const"]
            box.inputs = [self._value(source, use=call) for source in named]
        return self.items[call]

    def _name_outputs(self) -> None:
        """Outputs that carry a name get a node of their own: a loss is a diamond."""
        for op in self.run.outputs:
            if op.name and op.kind == "op" and op not in self.states:
                kind = "loss" if op.value.ndim == 0 else "output"
                self._add(("output", op), maths(op.name), kind, op, [self._value(op)])

    def drop(self, kind: str) -> None:
        """Leaves items of one kind out."""
        self.shown = [item for item in self.shown if item.kind != kind]
        for item in self.shown:
            item.inputs = [source for source in item.inputs if source.kind != kind]

    @property
    def edges(self) -> list[tuple[Item, Item]]:
        return [(source, item) for item in self.shown for source in dict.fromkeys(item.inputs)]


def _two_lines(words: str) -> str:
    """A long name, broken at the space nearest to its middle."""
    spaces = [i for i, char in enumerate(words) if char == " "]
    if len(words) < 14 or not spaces:
        return words
    cut = min(spaces, key=lambda i: abs(i - len(words) / 2))
    return f"{words[:cut]}\n{words[cut + 1 :]}"


def _constant(value: np.ndarray) -> str:
    for number in (0, 1):
        if np.all(value == number):
            return str(number)
    return "const"


def _label(op: Op) -> str:
    """What an operation's box says: its symbol, and the plain number that takes part in it, if there is one."""
    symbol = SYMBOLS.get(op.op, op.op)
    numbers = [arg for arg in op.args if isinstance(arg, int | float) and not isinstance(arg, bool)]
    if op.op in ("add", "subtract", "multiply", "divide", "maximum", "power", "logaddexp") and numbers:
        text = f"{numbers[0]:g}"
        first = not isinstance(op.args[0], Op)
        if op.op == "power":
            return f"$·^{{{text}}}$"
        if op.op in ("maximum", "logaddexp"):
            return f"max(·, {text})" if op.op == "maximum" else "log(1+exp ·)"
        return f"{text} {symbol} ·" if first else f"{symbol} {text}"
    if op.op == "getitem":
        key = op.args[1] if isinstance(op.args[1], list | tuple) else [op.args[1]]
        return f"[{', '.join({Ellipsis: '…', None: 'new'}.get(part, str(part)) for part in map(_hashable, key))}]"
    return symbol


def _hashable(part: Any) -> Any:
    if isinstance(part, slice):
        return f"{'' if part.start is None else part.start}:{'' if part.stop is None else part.stop}"
    return "·" if isinstance(part, Op | np.ndarray) else part

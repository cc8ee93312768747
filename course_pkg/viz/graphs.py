"""Computational graphs: the operations that a run of real code went through, and the gradients that come back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from course_pkg.viz.canvas import Canvas
from course_pkg.viz.geometry import Node
from course_pkg.viz.labels import label_width, maths, plain, short
from course_pkg.viz.layered import arrange
from course_pkg.viz.svg import Diagram
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


WAY_BACK = (
    "Dashed: the gradients on their way back. A number is the norm of the loss's gradient at that value."
)


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


def draw_graph(
    run: Trace,
    *,
    collapse: Iterable[str] = (),
    names: Mapping[str, str] | None = None,
    repeat: bool = True,
    params: bool = True,
    shapes: bool = False,
    gradients: bool | Mapping[Op, np.ndarray] = False,
    caption: str | None = None,
    name: str | None = None,
) -> Diagram:
    """The computational graph of a recorded run, laid out in layers from left to right.

    collapse: functions whose every call is shown as one box. names: function -> letter; the result of its t-th call
    is shown as letter_t ("rnn_step" -> h, losses -> L by default). repeat: draw a shared weight at each of its uses, or
    once, with long arrows. params: draw the weights at all. shapes: print shapes under values.
    gradients: True for a reverse pass over the graph (its first output must then be one number), or the result of
    ``run.gradients(...)``. Draws the way back, with the norm of dL/d(value) at each node.
    """
    picture = Picture(run, collapse, RESULT_NAMES if names is None else names, repeat, params)
    found = run.gradients() if gradients is True else (gradients or {})
    under = 14.0 if shapes or found else 0.0
    sizes = {
        item: (max(item.size[0], 40 if under else 0), item.size[1] + 2 * under) for item in picture.shown
    }
    light = {item for item in picture.shown if item.kind in ("param", "const")}
    heavy = {item for item in picture.shown if item.kind == "hidden"}
    layout = arrange(
        picture.shown,
        picture.edges,
        sizes,
        light,
        heavy,
        gap=26 if not found else 36,
        apart=10 if under else 16,
    )
    canvas = Canvas()
    nodes = {item: draw_item(canvas, item, *layout.place[item]) for item in picture.shown}
    for item in picture.shown:
        sources = sorted(
            dict.fromkeys(item.inputs), key=lambda s: (layout.route[s, item] or [layout.place[s]])[-1][1]
        )
        for i, source in enumerate(sources):
            port = _port(nodes[item], i, len(sources))
            path = _flow([nodes[source].right, *layout.route[source, item], port])
            canvas.shaft(path)
            if found and source.source in found:
                canvas.shaft(_beside(path, 5.0)[::-1], "purple", 1.3, "4 3", head=6)
    for item in picture.shown:
        x, y = layout.place[item]
        if shapes and (item.kind != "op" or item.key != item.source):
            canvas.text(
                x,
                y + item.size[1] / 2 + 9,
                str(item.value.shape).replace(",)", ")"),
                10.5,
                face="n",
                faint=True,
            )
        if item.source in found:
            text = short(float(np.linalg.norm(found[item.source])))
            canvas.text(x, y - item.size[1] / 2 - 9, text, 10.5, face="n", ink="purple")
    return canvas.diagram(_words(picture, bool(found)), caption or (WAY_BACK if found else None), name)


def draw_item(canvas: Canvas, item: Item, x: float, y: float) -> Node:
    """Draw an item of a graph at (x, y) in the form of its kind."""
    w, h = item.size
    if item.kind == "param":
        return canvas.param(x, y, item.label, w=w, h=h, size=13)
    if item.kind == "const":
        return canvas.box(x, y, item.label, w=w, h=h, size=12, radius=2, dashed=True)
    if item.kind == "loss":
        return (
            canvas.loss(x, y, item.label, r=21, size=13.5)
            if w == 42
            else canvas.box(x, y, item.label, w, 30, "loss", 13.5, 15)
        )
    if item.kind == "op":
        return canvas.operation(x, y, item.label, w)
    if w == h:
        return canvas.unit(x, y, item.label, w / 2, item.kind, 14)
    return canvas.box(x, y, item.label, w, h, item.kind, 14, radius=h / 2)


def _port(node: Node, i: int, n: int) -> tuple[float, float]:
    """Where the i-th of n arrows arrives on a node's left side."""
    shift = (i - (n - 1) / 2) * min(11.0, 0.62 * node.h / max(1, n - 1)) if n > 1 else 0.0
    inset = 0.0 if node.shape == "box" else abs(shift) * 0.4
    return (node.left[0] - 3 + inset, node.y + shift)


def _flow(points: list[tuple[float, float]], count: int = 12) -> list[tuple[float, float]]:
    """A line through points that leaves and arrives horizontally."""
    out = [points[0]]
    for (x1, y1), (x2, y2) in zip(points, points[1:], strict=False):
        for k in range(1, count + 1):
            t = k / count
            ease = t * t * (3 - 2 * t)
            out.append((x1 + (x2 - x1) * t, y1 + (y2 - y1) * ease))
    return out


def _beside(points: list[tuple[float, float]], shift: float) -> list[tuple[float, float]]:
    """The same line moved to its right-hand side, without its ends."""
    out = []
    for (x1, y1), (x2, y2) in zip(points[1:-3], points[3:-1], strict=True):
        length = float(np.hypot(x2 - x1, y2 - y1)) or 1.0
        out.append(((x1 + x2) / 2 - (y2 - y1) / length * shift, (y1 + y2) / 2 + (x2 - x1) / length * shift))
    return out


def _words(picture: Picture, gradients: bool) -> str:
    """The graph as a sentence for screen readers."""
    operations = [item for item in picture.shown if item.kind == "op"]
    inputs = list(
        dict.fromkeys(plain(item.label) for item in picture.shown if item.kind in ("data", "param"))
    )
    text = (
        f"Computational graph of {picture.run.function}: from {', '.join(inputs)} through "
        f"{', then '.join(_spoken(item.label) for item in operations[:14])}"
        f"{f' and {len(operations) - 14} more operations' if len(operations) > 14 else ''}."
    )
    return text + (" Dashed arrows carry the gradients back; numbers are their norms." if gradients else "")


def _spoken(label: str) -> str:
    spoken = {
        "@": "matrix product",
        "+": "sum",
        "×": "product",
        "\N{MINUS SIGN}": "difference",
        "\N{MINUS SIGN}·": "negation",
    }
    return spoken.get(label, plain(label).replace("\n", " "))

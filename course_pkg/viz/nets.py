"""Dense nets drawn two ways: every neuron and weight, or the compact graph of layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from course_pkg.dense import DenseParams, mlp_forward
from course_pkg.losses import softmax_cross_entropy
from course_pkg.tree import count
from course_pkg.viz.canvas import Canvas
from course_pkg.viz.geometry import Node
from course_pkg.viz.labels import label_width, maths, plain, shape_text, signed
from course_pkg.viz.svg import Diagram
from course_pkg.viz.trace import Op, Trace, trace

ROW, COLUMN = 46.0, 150.0


def draw_network(
    layers: Sequence[DenseParams],
    x: np.ndarray | None = None,
    activation: str = "tanh",
    *,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    most: int = 9,
    caption: str | None = None,
    name: str | None = None,
) -> Diagram:
    """Every neuron and every weight of a dense net, from its parameters.

    A line's width is |w|; positive weights are solid orange, negative ones dashed blue. x: (I,), one example, whose
    values are then written into the neurons. inputs, outputs: names beside the first and last neurons. most: larger
    layers are cut short.
    """
    sizes = [layers[0].W.shape[1], *(p.W.shape[0] for p in layers)]
    values = None if x is None else mlp_forward(tuple(layers), np.asarray(x, float), activation)
    if values is not None and values[0].ndim != 1:
        raise ValueError(
            f"draw_network: x must be (I,) with I={sizes[0]} (from W), got shape {values[0].shape}"
        )
    canvas = Canvas()
    shown = [_shown(size, most) for size in sizes]
    strongest = max(float(np.abs(p.W).max()) for p in layers)
    columns: list[dict[int, Node]] = []
    for depth, rows in enumerate(shown):
        columns.append({})
        role = "data" if depth == 0 else "output" if depth == len(layers) else "hidden"
        for place, unit in enumerate(rows):
            y = (place - (len(rows) - 1) / 2) * ROW
            if unit is None:
                for k in (-7, 0, 7):
                    canvas.unit(depth * COLUMN, y + k, "", 1.2, role, tint=1.0)
                continue
            columns[-1][unit] = canvas.unit(depth * COLUMN, y, "", 18, role)
            if values is not None:
                value = float(values[depth][unit])
                canvas.text(depth * COLUMN, y, signed(value, 2 if abs(value) < 10 else 1), 10.5, face="n")
    lines = sum(len(left) * len(right) for left, right in zip(columns, columns[1:], strict=False))
    for p, left, right in zip(layers, columns, columns[1:], strict=False):
        for i, target in right.items():
            for j, source in left.items():
                _weight(canvas, source, target, float(p.W[i, j]), strongest, 3.6 if lines <= 60 else 2.4)
    for names, column, anchor, shift in (
        (inputs, columns[0], "end", -27),
        (outputs, columns[-1], "start", 27),
    ):
        for unit, node in column.items() if names is not None else ():
            canvas.text(node.x + shift, node.y, names[unit], 13, anchor=anchor)
    foot = max(len(rows) for rows in shown) / 2 * ROW + 8
    for depth, size in enumerate(sizes):
        words = "inputs" if depth == 0 else "logits" if depth == len(layers) else f"{activation} units"
        canvas.text(depth * COLUMN, foot, f"{size} {words}", 12, faint=True)
        if depth:
            canvas.text(
                (depth - 0.5) * COLUMN, foot, f"${shape_text(layers[depth - 1].W)}$", 11.5, faint=True
            )
    weights = sum(p.W.size for p in layers)
    drawn = "a line for each" if lines == weights else f"{lines} of them drawn"
    alt = (
        f"A dense net with {', '.join(map(str, sizes))} units from inputs to logits: {weights} weights, {drawn}, "
        f"and {count(tuple(layers)) - weights} biases. Wide lines are large weights; dashed lines are negative."
    )
    if caption is None:
        every = "A line for every weight" if lines == weights else f"{lines} of the {weights} weights"
        caption = (
            f"{every}: a line's width is the weight's size; positive is solid orange, negative dashed blue."
        )
    return canvas.diagram(alt, caption, name)


def _shown(size: int, most: int) -> list[int | None]:
    return list(range(size)) if size <= most else [*range(most - 2), None, size - 1]


def _weight(canvas: Canvas, source: Node, target: Node, w: float, strongest: float, widest: float) -> None:
    share = abs(w) / strongest if strongest else 0.0
    ends = [source.edge_towards((target.x, target.y)), target.edge_towards((source.x, source.y))]
    width = 0.5 + widest * share
    ink, dash = ("orange", "") if w >= 0 else ("blue", "5 4.5")
    canvas.line(ends, ink, width, dash, 0.35 + 0.55 * share)


def draw_compact(
    layers: Sequence[DenseParams],
    activation: str = "tanh",
    *,
    batch: str = "B",
    caption: str | None = None,
    name: str | None = None,
) -> Diagram:
    """The same net as a compact graph: data, the weights it passes, and what is done to it, from a recorded run.

    Below each value stands its shape, with ``batch`` for the number of examples.
    """
    n_in = layers[0].W.shape[1]

    def loss_of(layers: tuple, x: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return softmax_cross_entropy(mlp_forward(layers, x, activation)[-1], targets)[0]

    run = trace(loss_of, tuple(layers), np.full((2, n_in), 0.5), np.zeros(2, int), outputs=["L"])
    canvas, x, last = Canvas(), 0.0, None
    seen: list[str] = []
    for kind, label, op in _spine(run):
        width = {"data": 40.0, "loss": 44.0}.get(
            kind, max(label_width(line, 13.5) for line in label.split("\n")) + 18
        )
        x += width / 2
        place = {
            "data": lambda x=x, label=label: canvas.unit(x, 0, label, 20),
            "param": lambda x=x, label=label, width=width: canvas.param(x, 0, label, w=width, size=13.5),
            "op": lambda x=x, label=label, width=width: canvas.operation(x, 0, label, w=width),
            "output": lambda x=x, label=label, width=width: canvas.box(
                x, 0, label, width, 30, "output", radius=15
            ),
            "loss": lambda x=x, label=label: canvas.loss(x, 0, label, r=22),
        }
        node = place[kind]()
        shape = f"({', '.join([batch, *map(str, op.shape[1:])])})" if op.shape else "one number"
        if kind != "param":
            canvas.text(x, 35, shape, 11, face="n", faint=True)
        else:
            canvas.text(
                x,
                35,
                shape_text(run.named(label[1 : label.index(",")].replace("{", "").replace("}", "")).value),
                11,
                faint=True,
            )
        if kind == "op" and label.startswith("softmax"):
            targets = canvas.box(x, -52, "targets", 66, 30, "data", radius=15)
            canvas.arrow(targets, node)
        if last is not None:
            canvas.arrow(last, node)
        seen.append(plain(label).replace("\n", " "))
        last, x = node, x + width / 2 + 26
    alt = f"The same net as a compact graph: {' to '.join(seen)}; the targets enter at the loss."
    return canvas.diagram(alt, caption, name)


def _spine(run: Trace) -> list[tuple[str, str, Op]]:
    """The way of the data through a net, read off the recorded operations: (kind, label, operation)."""
    found: list[tuple[str, str, Op]] = [("data", "$x$", run.named("x"))]
    calls = run.calls("dense_forward")
    for op in run.operations:
        if any(function == "softmax_cross_entropy" for function, _ in op.scope):
            break
        weights = [
            _behind_transpose(source) for source in op.inputs if _behind_transpose(source).kind == "param"
        ]
        if op.op == "transpose":
            continue
        if op.op == "add" and weights:  # the bias joins the weight that it follows
            kind, label, _ = found.pop()
            found.append((kind, f"{label[:-1]}, {maths(weights[0].name)[1:]}", op))
        elif weights:
            found.append(("param", maths(weights[0].name), op))
        else:
            found.append(("op", op.op, op))
        if calls and op is calls[-1][-1]:
            found.append(("output", "logits", op))
    loss = run.outputs[0]
    return [*found, ("op", "softmax\ncross entropy", loss), ("loss", "$L$", loss)]


def _behind_transpose(op: Op) -> Op:
    return op.args[0] if op.op == "transpose" else op

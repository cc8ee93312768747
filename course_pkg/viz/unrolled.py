"""Recurrent networks, folded and unrolled. What is drawn is read off a recorded run of the package's own code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_pkg.jordan import JordanParams, jordan_forward
from course_pkg.rnn import RNNParams, rnn_forward
from course_pkg.tree import count, leaves
from course_pkg.viz.canvas import Canvas
from course_pkg.viz.geometry import Node
from course_pkg.viz.labels import counted, maths, shape_text
from course_pkg.viz.svg import Diagram, side_by_side
from course_pkg.viz.trace import EQUATION_NAMES, Op, Trace, trace

PITCH, RADIUS, TAG = 112.0, 20.0, 24.0  # from step to step; of a unit; height of a weight on an arrow


@dataclass(frozen=True)
class Step:
    """One use of the recurrent neuron, as found in a recorded run."""

    t: int  # 1 ... T
    reads: int  # which x_t it reads
    previous: int  # which state it continues: 0 is h_0
    params: tuple[int, ...]  # identities of the parameter arrays that it uses
    state: np.ndarray  # h_t, (B, H)


def steps_of(run: Trace, function: str = "rnn_step") -> list[Step]:
    """Every call of ``function`` in a recorded run: what it read, which state it continued, which weights it used."""
    calls = run.calls(function)
    if not calls:
        raise ValueError(f"steps_of: run must contain calls of {function}, got a trace of {run.function}")
    made_by = {
        ops[-1]: t for t, ops in enumerate(calls, start=1)
    }  # the last operation of a call computes h_t
    steps = []
    for t, ops in enumerate(calls, start=1):
        outside = [op for inner in ops for op in inner.inputs if op not in ops]
        reads = [op.args[1] + 1 for op in outside if op.op == "getitem" and op.args[0].kind == "data"]
        states = [_behind_mask(op, made_by) for op in outside]
        previous = [made_by[op] for op in states if op in made_by]
        params = tuple(sorted({op.index for op in outside if op.kind == "param"}))
        steps.append(Step(t, reads[0] if reads else 0, previous[0] if previous else 0, params, ops[-1].value))
    return steps


def _behind_mask(op: Op, made_by: dict[Op, int]) -> Op:
    """The state that a mask lets through: np.where(mask, h_t, h_{t-1}) continues h_t."""
    return next((inner for inner in op.inputs if inner in made_by), op) if op.op == "where" else op


def draw_unrolled(
    params: Any,
    xs: np.ndarray | int = 3,
    h0: np.ndarray | None = None,
    *,
    tokens: Sequence[str] | None = None,
    outputs: str | None = None,
    losses: bool = False,
    folded: bool = True,
    values: bool = False,
    most: int = 5,
    caption: str | None = None,
    name: str | None = None,
) -> Diagram:
    """The recurrent neuron folded (left) and unrolled (right), from a recorded run of ``rnn_forward``.

    params: RNNParams, or a model with ``.rnn`` and ``.out``. xs: (T, B, D), or just T. tokens: what x_1 ... x_T stand
    for. outputs: None, "each" or "last" (needs a model with a read-out). losses: one above each output. values: h_t as
    cells (first sequence of the batch). most: longer runs show the first steps, dots, and the last.
    """
    rnn = getattr(params, "rnn", params)
    if outputs not in (None, "each", "last"):
        raise ValueError(f"draw_unrolled: outputs must be None, 'each' or 'last', got {outputs!r}")
    if outputs is not None and not hasattr(params, "out"):
        raise ValueError(
            f"draw_unrolled: outputs={outputs!r} needs a model with a read-out (.out), got {type(params).__name__}"
        )
    if isinstance(xs, int):
        xs = np.zeros((xs, 1, rnn.W_xh.shape[1]))
    run = trace(rnn_forward, rnn, xs, h0)
    steps = steps_of(run)
    if tokens is not None and len(tokens) != len(steps):
        raise ValueError(
            f"draw_unrolled: tokens must be {len(steps)} strings (one a step of xs), got {len(tokens)}"
        )
    cells = rnn.W_hh.shape[0] if values else 0
    T = len(steps)
    shown = steps if most >= T else steps[: most - 2] + [None, steps[-1]]
    drawing = _Unrolled(Canvas(), outputs, losses, cells, title_below=tokens is not None)
    title = f"unrolled over {counted(T, 'step')}" if folded else ""
    drawing.unrolled(steps, shown, tokens, run.result[0][0], title)
    names = {key: maths(EQUATION_NAMES.get(key, key.split(".")[-1])) for key, _ in leaves(params)}
    shapes = ", ".join(f"{names[key]}\N{NO-BREAK SPACE}{shape_text(array)}" for key, array in leaves(params))
    ends = {
        None: "",
        "each": "; every state gives an output",
        "last": "; only the last state gives an output",
    }
    alt = (
        f"unrolled over {counted(T, 'step')}: each state h_t is computed from x_t through W_xh "
        f"and from h_(t-1) through W_hh, with the same weights at every step"
        f"{ends[outputs]}{' and a loss' if losses else ''}."
    )
    if caption is None:
        caption = (
            f"Hexagons with the same name are one and the same array ({shapes}): "
            f"{count(params)} numbers, whatever the number of steps."
        )
    if not folded:
        return drawing.canvas.diagram(f"A recurrent neuron {alt}", caption, name)
    loop = _Unrolled(Canvas(), outputs, losses, cells, title_below=tokens is not None)
    loop.folded()
    heights = [*drawing.canvas.extent[1::2], *loop.canvas.extent[1::2]]
    for canvas in (drawing.canvas, loop.canvas):  # the same height, so that the states stand on one line
        canvas.cover((canvas.extent[0], min(heights)), (canvas.extent[0], max(heights)))
    left = loop.canvas.diagram("A recurrent neuron with a loop: its state comes back one step later.")
    right = drawing.canvas.diagram(f"The same neuron {alt}")
    return side_by_side(
        [left, right], f"A recurrent neuron with a loop, and the same neuron {alt}", caption, name
    )


def fed_back(run: Trace, function: str, step_outputs: Sequence[Sequence[Op]]) -> int:
    """Which result of a step the next step takes up. step_outputs: for each step, its results (say h, logits, y)."""
    found = set()
    for results, ops in zip(
        step_outputs, run.calls(function)[1:], strict=False
    ):  # step t, and the call for step t + 1
        taken = {source for op in ops for source in op.inputs}
        found |= {i for i, result in enumerate(results) if result in taken}
    if len(found) != 1:
        raise ValueError(f"fed_back: one result of {function} must go into its next call, found {len(found)}")
    return found.pop()


def draw_jordan(
    params: JordanParams,
    T: int = 2,
    output: str = "softmax",
    caption: str | None = None,
    name: str | None = None,
) -> Diagram:
    """Recurrence from the output (Jordan) beside recurrence from the state (Elman), both from recorded runs."""
    H, D = params.W_xh.shape
    xs = np.full((T, 1, D), 0.5)
    run = trace(jordan_forward, params, xs, output=output)
    results = [list(step) for step in zip(*(stack.args[0][-T:] for stack in run.outputs), strict=True)]
    from_output = fed_back(run, "jordan_step", results) > 0  # 0 is h; 1 and 2 are logits and y
    elman_run = trace(rnn_forward, RNNParams(params.W_xh, np.eye(H), params.b_h), xs)
    panels = [_recurrence("Elman: the state comes back", steps_of(elman_run), False)]
    panels.append(_recurrence("Jordan: the output comes back", steps_of(run, "jordan_step"), from_output))
    V = len(params.b_y)
    alt = (
        f"Two unrolled networks of {T} steps. Elman: each state h_t is computed from x_t and from the state before it. "
        f"Jordan: each state is computed from x_t and from the output before it."
    )
    if caption is None:
        caption = f"Elman hands on {H} state values from step to step; Jordan hands on {V} outputs, and nothing else."
    return side_by_side(panels, alt, caption, name)


def _recurrence(title: str, steps: list[Step], from_output: bool) -> Diagram:
    drawing = _Unrolled(Canvas(), "each", False, 0)
    canvas, pitch = drawing.canvas, 126.0
    start = -pitch
    if from_output:
        before = canvas.unit(start, drawing.y_out, "$ŷ_0$", RADIUS, dashed=True)
    else:
        before = drawing.state(start, "$h_0$", dashed=True)
    for column, step in enumerate(steps):
        state = drawing.state(column * pitch, f"$h_{{{step.t}}}$")
        drawing.column(state, f"{{{step.t}}}", None, True)
        middle = ((before.x + state.x) / 2, (before.y + state.y) / 2)
        drawing.through(before, state, *middle, "$W_{yh}$" if from_output else "$W_{hh}$")
        before = Node(state.x, drawing.y_out, 2 * RADIUS, 2 * RADIUS, "circle") if from_output else state
    canvas.text((start + state.x) / 2, drawing.y_in + 44, title, 13, bold=True)
    return canvas.diagram(title)


class _Unrolled:
    """Where things stand: states on the line y = 0, inputs below, outputs and losses above."""

    def __init__(
        self, canvas: Canvas, outputs: str | None, losses: bool, cells: int, title_below: bool = False
    ):
        self.canvas, self.outputs, self.losses = canvas, outputs, losses
        self.cells = cells
        self.half = max(RADIUS, cells * 8 + 6) if cells else RADIUS  # half the height of a state
        self.y_tag_in, self.y_in = self.half + 40, self.half + 92
        self.y_tag_out, self.y_out = -self.half - 40, -self.half - 92
        self.y_loss = self.y_out - 62
        self.y_title = self.y_in + (64 if title_below else 44)

    def state(self, x: float, label: str, values: np.ndarray | None = None, dashed: bool = False) -> Node:
        if not self.cells:
            return self.canvas.unit(x, 0, label, RADIUS, "data" if dashed else "hidden", dashed=dashed)
        node = self.canvas.box(
            x, 0, "", 28, 2 * self.half, "data" if dashed else "hidden", radius=9, dashed=dashed
        )
        if values is not None:
            self.canvas.cells(x, 0, values, side=13, gap=3)
        self.canvas.text(x - 18, -self.half - 9, label, 14, anchor="middle")
        return node

    def through(self, start: Node, end: Node, x: float, y: float, label: str, **paint) -> Node:
        """An arrow that passes a weight on its way."""
        tag = self.canvas.param(x, y, label, h=TAG, size=12.5, **paint)
        self.canvas.arrow(start, tag, gap=0, head=0)
        self.canvas.arrow(tag, end)
        return tag

    def column(self, state: Node, t: str, token: str | None, read_out: bool) -> tuple[Node, Node | None]:
        """What hangs on one state: its input, and its output and loss if it has them."""
        x = state.x
        below = self.canvas.unit(x, self.y_in, f"$x_{t}$", RADIUS)
        tag_in = self.through(below, state, x, self.y_tag_in, "$W_{xh}$")
        if token is not None:
            self.canvas.text(x, self.y_in + RADIUS + 15, token, 13, face="n")
        if not read_out:
            return tag_in, None
        above = self.canvas.unit(x, self.y_out, f"$ŷ_{t}$", RADIUS, "output")
        tag_out = self.through(state, above, x, self.y_tag_out, "$W_{hy}$")
        if self.losses:
            loss = self.canvas.loss(x, self.y_loss, f"$L_{t}$", r=21)
            self.canvas.arrow(above, loss)
        return tag_in, tag_out

    def folded(self) -> None:
        """The neuron with its loop. The loop is one step late: what leaves at t comes back at t + 1."""
        x = 0.0
        state = self.state(x, "$h_t$")
        self.column(state, "t", None, self.outputs is not None)
        reach, tall = 60, self.half * 0.55 + 30
        tag = self.canvas.param(x + reach, 0, "$W_{hh}$", h=TAG, size=12.5)
        out, back = (x + state.w * 0.36, -self.half * 0.72), (x + state.w * 0.36 + 2, self.half * 0.72 + 3)
        if self.cells:
            out, back = (state.right[0] + 1, -self.half * 0.5), (state.right[0] + 3, self.half * 0.5)
        self.canvas.arrow(
            out, tag.top, via=[(x + reach * 0.5, -tall), (x + reach, -tall)], cubic=True, head=0
        )
        self.canvas.arrow(tag.bottom, back, via=[(x + reach, tall), (x + reach * 0.5, tall)], cubic=True)
        self.canvas.text(x + reach - 14, tall + 6, "one step later", 11.5, anchor="start", faint=True)
        self.canvas.text(x + reach / 2, self.y_title, "folded", 13, bold=True)

    def unrolled(
        self,
        steps: list[Step],
        shown: list[Step | None],
        tokens: Sequence[str] | None,
        start: np.ndarray,
        title: str,
    ) -> None:
        """A column for each step that is shown; None stands for steps left out."""
        place = {0: -PITCH * 0.45}
        for column, step in enumerate(shown):
            if step is not None:
                place[step.t] = (column + 0.55) * PITCH
        nodes = {0: self.state(place[0], "$h_0$", start, dashed=True)}
        tags: dict[str, list[Node]] = {}
        for step in filter(None, shown):
            node = self.state(place[step.t], f"$h_{{{step.t}}}$", step.state[0])
            nodes[step.t] = node
            read_out = self.outputs == "each" or (self.outputs == "last" and step is steps[-1])
            token = tokens[step.reads - 1] if tokens is not None else None
            tag_in, tag_out = self.column(node, f"{{{step.reads}}}", token, read_out)
            tags.setdefault("in", []).append(tag_in)
            if tag_out is not None:
                tags.setdefault("out", []).append(tag_out)
            if step.previous in nodes:
                before = nodes[step.previous]
                self.through(before, node, (before.right[0] + node.left[0]) / 2, 0, "$W_{hh}$")
            else:  # the steps between are left out: dots stand for them
                self.canvas.text(node.x - PITCH, 0, "···", 22, bold=True, faint=True)
                self.canvas.arrow((node.x - PITCH * 0.72, 0), node)
                self.canvas.line([(node.x - 2 * PITCH + node.w / 2 + 2, 0), (node.x - PITCH * 1.28, 0)])
        for same in tags.values():
            for a, b in zip(same, same[1:], strict=False):
                self.canvas.line([(a.right[0] + 4, a.y), (b.left[0] - 4, b.y)], "orange", 1.6, "0.1 4.5", 0.9)
        if title:
            self.canvas.text((place[0] + place[steps[-1].t]) / 2, self.y_title, title, 13, bold=True)

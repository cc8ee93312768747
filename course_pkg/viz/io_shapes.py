"""The five input/output shapes, drawn from descriptors that tests hold against the package's models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from course_pkg.viz.canvas import Canvas
from course_pkg.viz.labels import counted
from course_pkg.viz.svg import Diagram, side_by_side


@dataclass(frozen=True)
class IOShape:
    """Who reads and who writes along the states h_1 ... h_n of a model (n = ``states``).

    reads: the state that reads each input. writes: the states with an output, in order. fed_back: states that read the
    output before them (the first one reads a start token). recurrent: whether a state continues the one before it.
    """

    name: str
    example: str
    model: str  # the function of the package that computes it
    states: int
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    fed_back: tuple[int, ...] = ()
    recurrent: bool = True
    decoder_from: int | None = None  # the first state of a second network
    starts: int = 0  # 1 if the first state is the h_0 of the rest

    def edges(self) -> list[tuple[str, str]]:
        """What the picture draws: ("x1", "h1"), ("h1", "h2"), ("h2", "y1"), and ("y1", "h3") for an output fed back."""
        found = [(f"x{i}", f"h{state}") for i, state in enumerate(self.reads, start=1)]
        if self.recurrent:
            found += [(f"h{state}", f"h{state + 1}") for state in range(1, self.states)]
        found += [(f"h{state}", f"y{i}") for i, state in enumerate(self.writes, start=1)]
        written = {state: i for i, state in enumerate(self.writes, start=1)}
        return found + [
            (f"y{written[state - 1]}", f"h{state}") for state in self.fed_back if state - 1 in written
        ]

    def reach(self) -> np.ndarray:
        """(outputs, inputs) of bool: does output i depend on input j, by the arrows alone?"""
        after: dict[str, list[str]] = {}
        for start, end in self.edges():
            after.setdefault(start, []).append(end)
        table = np.zeros((len(self.writes), len(self.reads)), bool)
        for j in range(len(self.reads)):
            waiting, seen = [f"x{j + 1}"], set()
            while waiting:
                node = waiting.pop()
                if node not in seen:
                    seen.add(node)
                    waiting += after.get(node, [])
            table[:, j] = [f"y{i + 1}" in seen for i in range(len(self.writes))]
        return table


SHAPES = (
    IOShape("one to one", "a digit from an image", "one_to_one_loss", 1, (1,), (1,), recurrent=False),
    IOShape(
        "one to many", "a caption from an image", "one_to_many_loss", 4, (1,), (2, 3, 4), fed_back=(2, 3, 4), starts=1
    ),
    IOShape("many to one", "the mood of a review", "many_to_one_loss", 3, (1, 2, 3), (3,)),
    IOShape("many to many, aligned", "a tag for every word", "aligned_loss", 3, (1, 2, 3), (1, 2, 3)),
    IOShape(
        "many to many, encoder and decoder", "a translation", "encoder_decoder_loss", 6, (1, 2, 3), (4, 5, 6),
        fed_back=(4, 5, 6), decoder_from=4,
    ),
)  # fmt: skip

PITCH, RADIUS, LEVEL = 47.0, 14.5, 54.0


def draw_shape(shape: IOShape) -> Diagram:
    """One shape: inputs below, states in the middle, outputs above; dashed circles are outputs read back in."""
    canvas = Canvas()
    x = {state: state * PITCH for state in range(1, shape.states + 1)}
    states = {}
    for state in x:
        second = shape.decoder_from is not None and state >= shape.decoder_from
        label = f"$s_{state - shape.decoder_from + 1}$" if second else f"$h_{state - shape.starts}$"
        label = label if shape.recurrent else "$h$"
        states[state] = canvas.unit(x[state], 0, label, RADIUS, "purple" if second else "hidden", 12.5)
    inputs = {
        f"x{i}": canvas.unit(
            x[state], LEVEL, f"$x_{i}$" if len(shape.reads) > 1 else "$x$", RADIUS, "data", 12.5
        )
        for i, state in enumerate(shape.reads, start=1)
    }
    outputs = {
        f"y{i}": canvas.unit(
            x[state], -LEVEL, f"$ŷ_{i}$" if len(shape.writes) > 1 else "$ŷ$", RADIUS, "output", 12.5
        )
        for i, state in enumerate(shape.writes, start=1)
    }
    for start, end in shape.edges():
        if start[0] == "y":  # drawn where it is read, as a dashed copy
            again = canvas.unit(
                x[int(end[1:])], LEVEL, f"$ŷ_{start[1:]}$", RADIUS, "output", 12.5, tint=0.0, dashed=True
            )
            canvas.arrow(again, states[int(end[1:])])
            continue
        a = inputs[start] if start[0] == "x" else states[int(start[1:])]
        b = states[int(end[1:])] if end[0] == "h" else outputs[end]
        canvas.arrow(a, b)
    for state in shape.fed_back:
        if state - 1 not in shape.writes:
            first = canvas.unit(x[state], LEVEL, "", 4.5, "output", tint=1.0)
            canvas.arrow(first, states[state])
    middle = (x[1] + x[shape.states]) / 2
    for i, (text, size, bold) in enumerate([(shape.name, 13.0, True), (shape.example, 12.0, False)]):
        canvas.text(middle, LEVEL + RADIUS + 20 + 17 * i, text, size, bold=bold, faint=not bold)
    alt = (
        f"{shape.name.capitalize()}, for instance {shape.example}: {counted(len(shape.reads), 'input')}, "
        f"{counted(shape.states, 'state')}, {counted(len(shape.writes), 'output')}"
        f"{', each output read back in at the next step' if shape.fed_back else ''}."
    )
    return canvas.diagram(alt)


def draw_shapes(
    shapes: tuple[IOShape, ...] = SHAPES, caption: str | None = None, name: str | None = None
) -> Diagram:
    """The input/output shapes side by side."""
    panels = [draw_shape(shape) for shape in shapes]
    if caption is None:
        caption = "Inputs below, outputs above. A dot is the start token; a dashed circle is an output read back in."
    return side_by_side(panels, " ".join(panel.alt for panel in panels), caption, name)

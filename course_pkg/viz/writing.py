"""A language model at work: what it reads and expects step by step, and a text with a unit's activity under it."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from course_pkg.viz.canvas import Canvas
from course_pkg.viz.labels import counted, number, signed
from course_pkg.viz.svg import Diagram, colour

PITCH, SHOWN = 104.0, {"\n": "⏎", "\t": "⇥", " ": "␣", "$": "＄"}


def shown(token: str) -> str:
    """A token as it can be seen: blank, tab and line's end have signs of their own."""
    return SHOWN.get(token, token)


def draw_reading(
    inputs: Sequence[str],
    probs: np.ndarray,
    outputs: Sequence[str],
    tokens: Sequence[str],
    *,
    fed_back: bool,
    best: int = 3,
    caption: str | None = None,
    name: str | None = None,
) -> Diagram:
    """T steps of a language model: probs (T, V) of the `tokens` after each of the T `inputs`, and what came then.

    fed_back: the outputs were drawn by the model and read again (writing). Otherwise they are the text's own next
    tokens, and their surprise in bits stands above them (training).
    """
    probs = np.asarray(probs)
    if probs.shape != (len(inputs), len(tokens)):
        raise ValueError(f"draw_reading: probs must be {(len(inputs), len(tokens))} (from inputs and tokens), "
                         f"got shape {probs.shape}")  # fmt: skip
    if len(outputs) != len(inputs):
        raise ValueError(f"draw_reading: outputs must be {len(inputs)} tokens (from inputs), got {len(outputs)}")
    if fed_back and list(inputs[1:]) != list(outputs[:-1]):
        raise ValueError("draw_reading: with fed_back, each input must be the output before it")
    canvas, said, before, box_before = Canvas(), [], None, None
    for t, (read, row, came) in enumerate(zip(inputs, probs, outputs, strict=True)):
        x = t * PITCH
        below = canvas.unit(x, 0, shown(read), r=15, role="data", dashed=fed_back and t > 0)
        box = canvas.box(x, -58, "LSTM", w=58, role="hidden")
        canvas.arrow(below, box)
        if box_before is not None:
            canvas.arrow(box_before, box)
        order = np.argsort(-row, kind="stable")[:best]
        for i, k in enumerate(order):
            y = -104 - 18 * (best - 1 - i)
            canvas.text(x - 30, y, shown(tokens[k]), 13, face="n", bold=tokens[k] == came)
            bar = 34 * float(row[k])
            canvas.front.append(f'<rect x="{number(x - 20)}" y="{number(y - 5)}" width="{number(max(bar, 0.8))}" '
                                f'height="10" fill="{colour("teal")}" fill-opacity="0.55"/>')  # fmt: skip
            canvas.text(x - 16 + bar, y, f"{row[k]:.2f}", 11, anchor="start", faint=True)
        top = -104 - 18 * best - 16
        canvas.arrow((x, -73), (x, -93))
        p = float(row[list(tokens).index(came)])
        above = canvas.unit(x, top - 10, shown(came), r=15, role="output" if fed_back else "data")
        if not fed_back:
            canvas.text(x, top - 40, f"{-np.log2(p):.1f} bits", 12, ink="rose")
        if before is not None and fed_back:
            middle = x - PITCH / 2 + 2
            canvas.arrow(before, below, via=[(middle, before.y), (middle, 0)], ink="teal", dash="4 3")
        said.append(f"reads {shown(read)}, expects {shown(tokens[order[0]])} ({row[order[0]]:.2f}), "
                    + (f"draws {shown(came)}" if fed_back else f"then comes {shown(came)} ({p:.2f})"))  # fmt: skip
        before, box_before = above, box
    kind = "writing: each drawn token is read next" if fed_back else "reading a text: each input is the text's own"
    return canvas.diagram(f"A language model {kind}. {counted(len(inputs), 'step')}: {'; '.join(said)}.", caption, name)


def coloured_text(
    text: str,
    values: np.ndarray,
    *,
    limit: float = 1.0,
    size: float = 12.5,
    tab: int = 4,
    title: str | None = None,
    caption: str | None = None,
    name: str | None = None,
) -> Diagram:
    """A text with one value for each of its characters: values (N,), N = len(text).

    Above 0 a full orange bar rises behind the character, below 0 a hollow blue one hangs under it; the bar's height is
    the value's share of `limit`. So the sign does not hang on the colour alone.
    """
    values = np.asarray(values, float)
    if values.shape != (len(text),) or not text:
        raise ValueError(f"coloured_text: values must be ({len(text)},) (from text), got shape {values.shape}")
    width, high, deep = 0.61 * size, 1.15 * size, 0.5 * size
    line_height = high + deep + 4
    canvas = Canvas()
    canvas.cover((0, 0))
    if title:
        canvas.text(0, -2.3 * size, title, 13.5, anchor="start", bold=True)
    column, y, rising, hanging, run = 0, 0.0, [], [], []

    def flush() -> None:
        if run:
            start, letters = run[0][0], "".join(letter for _, letter in run)
            long = number(len(letters) * width)
            canvas.front.append(
                f'<text x="{number(start * width)}" y="{number(y - 0.15 * size)}" class="cd-n" '
                f'font-size="{number(size)}" textLength="{long}">{html.escape(letters, quote=False)}</text>'
            )
            run.clear()

    for letter, value in zip(text, values, strict=True):
        wide = tab if letter == "\t" else 1
        share = max(-1.0, min(1.0, float(value) / limit))
        x, w = column * width, wide * width - 0.8
        if share >= 0.02:
            rising.append(f"M{number(x)} {number(y)}v{number(-high * share)}h{number(w)}v{number(high * share)}z")
        elif share <= -0.02:
            hanging.append(f"M{number(x)} {number(y + 1)}v{number(-deep * share)}h{number(w)}v{number(deep * share)}")
        if letter in " \t\n":
            flush()
        else:
            run.append((column, letter))
        column += wide
        canvas.cover((column * width, y + deep), (0, y - high))
        if letter == "\n":
            column, y = 0, y + line_height
    flush()
    if rising:
        canvas.back.append(f'<path d="{"".join(rising)}" fill="{colour("orange")}" fill-opacity="0.42"/>')
    if hanging:
        canvas.back.append(f'<path d="{"".join(hanging)}" stroke="{colour("blue")}" stroke-width="1"/>')
    alt = f"{title + '. ' if title else ''}{counted(len(text), 'character')} with values between "
    alt += f"{signed(values.min())} and {signed(values.max())}. {_stretches(text, values, limit)}"
    return canvas.diagram(alt, caption, name)


def _stretches(text: str, values: np.ndarray, limit: float, most: int = 6) -> str:
    """In words: where the values are high."""
    high, parts, start = values > 0.4 * limit, [], None
    for i in range(len(text) + 1):
        if i < len(text) and high[i]:
            start = i if start is None else start
        elif start is not None:
            parts.append(" ".join(text[start:i].split()))
            start = None
    parts = sorted((p for p in parts if p), key=len, reverse=True)[:most]
    return "High at: " + "; ".join(parts) + "." if parts else "Nowhere high."

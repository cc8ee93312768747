"""How gradients travel back through time: arrows as wide as the measured norms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from course_pkg.rnn import RNNParams, rnn_forward, rnn_step_backward
from course_pkg.viz.canvas import Canvas
from course_pkg.viz.labels import short
from course_pkg.viz.svg import Diagram


class GradientFlow(NamedTuple):
    """Norms of the gradients at the states of one run. Entry t-1 belongs to h_t."""

    direct: np.ndarray  # (T,), what h_t receives from its own loss
    total: np.ndarray  # (T,), dL/dh_t: from its own loss and from the future
    passed: np.ndarray  # (T,), what h_t passes back to h_{t-1}
    cut: tuple[int, ...] = ()  # steps t whose gradient is not passed to h_{t-1}


def gradient_flow(
    p: RNNParams,
    xs: np.ndarray,
    dhs: np.ndarray,
    h0: np.ndarray | None = None,
    k: int | None = None,
    activation: str = "tanh",
) -> GradientFlow:
    """Measures the flow with the package's own backward step. xs: (T, B, D), dhs: (T, B, H) as for ``rnn_backward``.

    k: length of the chunks of truncated backpropagation through time; None for the full one.
    """
    hs = rnn_forward(p, xs, h0, activation=activation)
    T = len(xs)
    if dhs.shape != hs[1:].shape:
        raise ValueError(
            f"gradient_flow: dhs must be {hs[1:].shape} (from xs and W_hh), got shape {dhs.shape}"
        )
    total, passed, dh, cut = np.zeros(T), np.zeros(T), np.zeros_like(hs[0]), []
    for t in reversed(range(T)):
        dh = dh + dhs[t]
        total[t] = np.linalg.norm(dh)
        _, _, dh = rnn_step_backward(p, xs[t], hs[t], hs[t + 1], dh, activation)
        if k is not None and t % k == 0 and t > 0:
            dh = np.zeros_like(dh)
            cut.append(t + 1)
        passed[t] = np.linalg.norm(dh)
    return GradientFlow(np.array([np.linalg.norm(d) for d in dhs]), total, passed, tuple(reversed(cut)))


def draw_gradient_flow(
    flow: GradientFlow,
    *,
    tokens: Sequence[str] | None = None,
    log: bool = False,
    pitch: float = 84.0,
    caption: str | None = None,
    name: str | None = None,
) -> Diagram:
    """States in a row, and the gradients that come back as purple arrows; width and number are the norm.

    flow: from ``gradient_flow``. log: widths follow the logarithm, for norms over many powers of ten.
    """
    T = len(flow.total)
    if tokens is not None and len(tokens) != T:
        raise ValueError(
            f"draw_gradient_flow: tokens must be {T} strings (one a step of flow), got {len(tokens)}"
        )
    canvas = Canvas()
    everything = np.concatenate([flow.direct, flow.passed])
    width = _widths(everything[everything > 0], log)
    states = [
        canvas.unit(t * pitch, 0, f"$h_{{{t}}}$", 19, "hidden" if t else "data", dashed=t == 0)
        for t in range(T + 1)
    ]
    for t in range(1, T + 1):
        x, passed, direct = t * pitch, flow.passed[t - 1], flow.direct[t - 1]
        canvas.arrow(states[t - 1], states[t], width=1.1, opacity=0.55)
        if direct > 0:
            loss = canvas.loss(x, -92, f"$L_{{{t}}}$", r=19, size=13)
            canvas.arrow(
                (x, loss.bottom[1] + 2 + width(direct) / 2),
                (x, -21),
                ink="purple",
                width=width(direct),
                head=_head(width(direct)),
                gap=2,
            )
            canvas.text(x + 7 + width(direct) / 2, -47, short(direct), 11, "start", "n", "purple")
        y = 46.0
        if t in flow.cut:
            canvas.line([(x - pitch / 2, -30), (x - pitch / 2, 72)], "rose", 1.6, "5 4")
            canvas.text(x - pitch / 2, 82, "cut", 11.5, ink="rose")
        elif passed > 0:
            w = width(passed)
            a, b = (x - 9, 20.0 + w / 2), (x - pitch + 9, 20.0)
            handles = [(x - 14, y + 14), (x - pitch + 14, y + 14)]
            canvas.arrow(a, b, via=handles, cubic=True, ink="purple", width=w, head=_head(w))
            canvas.text(x - pitch / 2, y + 12 + w / 2, short(passed), 11, face="n", ink="purple")
        if tokens is not None:
            canvas.text(x, 92, tokens[t - 1], 13, face="n")
    alt = (
        f"Gradients flowing back through {T} steps. "
        f"Norms of dL/dh_t from t = 1 to {T}: {', '.join(short(v) for v in flow.total)}."
        f"{' The gradient is cut before step ' + ', '.join(map(str, flow.cut)) + '.' if flow.cut else ''}"
    )
    if caption is None:
        scale = "the logarithm of the norm" if log else "the norm"
        caption = f"Purple: gradients on their way back; an arrow's width is {scale}, printed beside it."
    return canvas.diagram(alt, caption, name)


def _widths(norms: np.ndarray, log: bool):  # noqa: ANN202 (a function from a norm to a width)
    """A scale from norms to widths between 0.8 and 9."""
    if not norms.size:
        return lambda norm: 0.8
    low, high = float(norms.min()), float(norms.max())
    if log and low < high:
        return lambda norm: 0.8 + 8.2 * (np.log(norm) - np.log(low)) / (np.log(high) - np.log(low))
    return lambda norm: max(0.8, 9.0 * norm / high)


def _head(width: float) -> float:
    return 6.0 + 1.15 * width

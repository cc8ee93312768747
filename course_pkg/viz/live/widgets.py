"""The lessons of the live figures as ipywidgets: with a kernel the words are free, without one the sliders still work.

Each function returns a box. Its pages are computed beforehand and linked in the browser, so that a page of the book
shows them without a kernel; whatever needs the kernel says so there. The numbers are those of course_pkg.viz.live.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_pkg.viz.live import bptt, gradients, lstm, unrolling

W, H, PAD = 520, 200, 34  # of a chart, in pixels
INK, BLUE, ORANGE = "currentColor", "var(--course-blue, #1d3bb4)", "var(--course-orange, #c24f05)"


def line_chart(
    curves: dict[str, Sequence[float]], low: float, high: float, says: str, across: str = "step"
) -> str:
    """Curves over 0, 1, 2, ... as SVG: the first full, the others dashed, each named at its right end.

    Values beyond low and high are drawn at the edge. `says` is the description, for those who don't see it.
    """
    if not curves or not low < high:
        raise ValueError(f"line_chart: curves must not be empty and low < high, got {len(curves)} and {low}, {high}")
    n = max(len(values) for values in curves.values())
    zero = height_of(0, low, high)
    ground = f'<path d="M{PAD} {zero:.1f}H{W - 90}" stroke="{INK}" stroke-opacity=".35"/>'
    parts = [ground] if low <= 0 <= high else []
    for k, (name, values) in enumerate(curves.items()):
        xs = PAD + np.arange(len(values)) * (W - 90 - PAD) / max(n - 1, 1)
        ys = [height_of(v, low, high) for v in values]
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(xs, ys))
        colour, dash = (BLUE, "") if k == 0 else (ORANGE, ' stroke-dasharray="6 4"')
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"{dash}/>')
        parts.append(f'<text x="{W - 84}" y="{ys[-1] + 4 + 15 * k * (abs(ys[-1] - ys[0]) < 1):.1f}" fill="{colour}" '
                     f'font-size="13">{html.escape(name)}</text>')  # fmt: skip
    for value in (low, high):
        parts.append(f'<text x="{PAD - 6}" y="{height_of(value, low, high) + 4:.1f}" fill="{INK}" font-size="12" '
                     f'text-anchor="end">{value:g}</text>')  # fmt: skip
    parts.append(f'<text x="{W - 90}" y="{H + 16}" fill="{INK}" font-size="12" text-anchor="end">{across}</text>')
    return picture(parts, H + 24, says)


def height_of(value: float, low: float, high: float) -> float:
    """How far from the top of a chart a value stands, in pixels; at the edge if it is not between low and high."""
    return 12 + (H - 24) * (1 - (min(max(value, low), high) - low) / (high - low))


def bar_chart(names: Sequence[str], values: Sequence[float], top: float, says: str, chosen: int = -1) -> str:
    """One row for each name, as wide as its value; the chosen row is marked by a pointer as well as by its colour."""
    if len(names) != len(values) or not top > 0:
        raise ValueError(f"bar_chart: names and values must be equally many and top > 0, "
                         f"got {len(names)}, {len(values)} and {top}")  # fmt: skip
    parts = []
    for k, (name, value) in enumerate(zip(names, values)):
        wide = (W - 200) * min(max(value / top, 0), 1)
        colour, mark = (ORANGE, "\u25b8 ") if k == chosen else (BLUE, "")
        parts.append(f'<text x="108" y="{24 * k + 18}" fill="{INK}" font-size="14" text-anchor="end">{mark}'
                     f"{html.escape(name)}</text>")  # fmt: skip
        parts.append(f'<rect x="116" y="{24 * k + 5}" width="{wide:.1f}" height="16" fill="{colour}"/>')
        parts.append(f'<text x="{122 + wide:.1f}" y="{24 * k + 18}" fill="{INK}" font-size="13">{value:.3g}</text>')
    return picture(parts, 24 * len(names) + 8, says)


def picture(parts: list[str], height: float, says: str) -> str:
    """The parts as one SVG of this height, with its description, read aloud and under it."""
    return (f'<svg viewBox="0 0 {W} {height:.0f}" style="width:100%;max-width:{W}px" role="img" '
            f'aria-label="{html.escape(says)}">{"".join(parts)}</svg><p>{html.escape(says)}</p>')  # fmt: skip


def stack(pages: Sequence[str], selected: int = 0) -> Any:
    """Pages of HTML of which one shows."""
    import ipywidgets as w

    return w.Stack([w.HTML(page) for page in pages], selected_index=selected)


def stepper(pages: Sequence[str], description: str, selected: int = 0) -> tuple[Any, Any]:
    """A slider and the pages that it turns, linked in the browser."""
    import ipywidgets as w

    shown = stack(pages, selected)
    slider = w.IntSlider(min=0, max=len(pages) - 1, value=selected, description=description)
    w.jslink((slider, "value"), (shown, "selected_index"))
    return slider, shown


def with_words(text: str, label: str, pages: Callable[[str], list[str]], description: str) -> Any:
    """A box whose pages follow from words: with a kernel, Enter computes them anew for what the reader has typed."""
    import ipywidgets as w

    slider, shown = stepper(pages(text), description)
    field = w.Text(value=text, description=label, continuous_update=False)

    def changed(_: Any) -> None:
        made = pages(field.value)
        shown.selected_index = None
        shown.children = [w.HTML(page) for page in made]
        slider.max = len(made) - 1
        slider.value = min(slider.value, slider.max)
        shown.selected_index = slider.value

    field.observe(changed, "value")
    return w.VBox([field, slider, shown])


# ---- the lessons -------------------------------------------------------------------------------------------------


def unrolling_widget(text: str = "This is good news") -> Any:
    """Chapter 3: read a sentence word by word; the two hidden units and what the network would answer now."""
    figure = unrolling.figure()

    def pages(words: str) -> list[str]:
        found = figure.numbers({"text": words})
        unknown = f" It does not know {', '.join(found['unknown'])}." if found["unknown"] else ""
        return [
            bar_chart(
                ["h 1, size", "h 2, size", "positive"],
                [*np.abs(found["hs"][t + 1]), float(found["p"][t])],
                1.0,
                f"After {t + 1} of {len(found['words'])} words ({' '.join(found['words'][: t + 1])}): "
                f"h = ({found['hs'][t + 1][0]:.2f}, {found['hs'][t + 1][1]:.2f}), "
                f"positive with probability {float(found['p'][t]):.2f}.{unknown}",
                chosen=2,
            )
            for t in range(len(found["words"]))
        ]

    return with_words(text, "sentence", pages, "word")


def gradients_widget() -> Any:
    """Chapter 5: how long a gradient still is, n steps back, for seventeen spectral radii, linear and with tanh."""
    import ipywidgets as w

    figure, radii = gradients.figure(), [round(0.6 + 0.05 * k, 2) for k in range(17)]
    stacks, sliders = [], []
    for activation in ("identity", "tanh"):
        pages = []
        for rho in radii:
            found = figure.numbers({"rho": rho, "gap": 100, "activation": activation})
            predicted = np.arange(len(found["logs"])) * np.log10(rho)
            pages.append(
                line_chart(
                    {"measured": found["logs"], "predicted": predicted}, -25, 15,
                    f"Radius {rho:.2f}, {activation}: after 100 steps the gradient's length is "
                    f"10^{found['logs'][-1]:.1f} of the first; the radius alone predicts 10^{predicted[-1]:.1f}.",
                    across="steps back; upright: the length's decimal logarithm",
                )
            )  # fmt: skip
        slider, shown = stepper(pages, "radius", selected=6)
        sliders.append(slider)
        stacks.append(shown)
    w.jslink((sliders[0], "value"), (sliders[1], "value"))
    both = w.Stack(stacks, selected_index=0)
    choice = w.ToggleButtons(options=["linear", "tanh"], description="activation")
    w.jslink((choice, "index"), (both, "selected_index"))
    return w.VBox([choice, sliders[0], both])


def gates_widget() -> Any:
    """Chapter 6: one LSTM unit with gates set by hand carries a bit over fifty steps, or loses it."""
    import ipywidgets as w

    figure, pages = lstm.figure(), []
    for label, changes in lstm.PRESETS:
        found = figure.numbers({**figure.state, **changes})
        pages.append(
            line_chart(
                {"cell c": found["c"], "shown h": found["h"]}, -2, 2,
                f"Gates: {label}. At step 50 the cell holds {found['c'][-1]:.2f} and shows {found['h'][-1]:.2f}; "
                f"the bit was written at step {lstm.WRITE}.",
            )
        )  # fmt: skip
    shown = stack(pages)
    choice = w.Dropdown(options=[label for label, _ in lstm.PRESETS], description="gates")
    w.jslink((choice, "index"), (shown, "selected_index"))
    return w.VBox([choice, shown])


def backwards_widget() -> Any:
    """Chapter 4: walk the gradient back from the loss; what each step adds to the recurrent weights' gradient."""
    import ipywidgets as w

    figure = bptt.figure()
    stacks = []
    sliders = []
    for losses in ("last", "each"):
        found = figure.numbers({**figure.state, "losses": losses})
        words, sizes = found["words"], [share["W_hh"] for share in found["shares"]]
        top = max(sizes)
        pages = [
            bar_chart(
                words, [0.0] * t + sizes[t:], top,
                f"Back at step {t + 1}, {words[t]}: it adds a share of size {sizes[t]:.3g} to the gradient of W_hh; "
                f"together so far {found['sums'][t]['W_hh']:.3g}.",
                chosen=t,
            )
            for t in reversed(range(len(words)))
        ]  # fmt: skip
        slider, shown = stepper(pages, "steps back")
        sliders.append(slider)
        stacks.append(shown)
    w.jslink((sliders[0], "value"), (sliders[1], "value"))
    both = w.Stack(stacks, selected_index=0)
    choice = w.ToggleButtons(options=["at the end", "at each step"], description="loss")
    w.jslink((choice, "index"), (both, "selected_index"))
    return w.VBox([choice, sliders[0], both])

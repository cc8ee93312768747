"""The lessons as ipywidgets: the package's numbers on every page, and free words where a kernel is."""

import re

import ipywidgets as w
import numpy as np
import pytest

from course_pkg.viz.live import gradients, lstm, unrolling, widgets

LESSONS = (widgets.unrolling_widget, widgets.gradients_widget, widgets.gates_widget, widgets.backwards_widget)


def pages(box):
    """The pages of every innermost Stack of a box."""
    found = []
    for child in box.children:
        if isinstance(child, w.HTML):
            found.append(child.value)
        elif hasattr(child, "children"):
            found += pages(child)
    return found


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_page_describes_what_it_shows(lesson):
    made = pages(lesson())
    assert len(made) >= 4 and len(set(made)) == len(made)
    for page in made:
        says = re.search(r'role="img" aria-label="([^"]+)"', page)[1]
        assert says in page[page.index("</svg>") :] and len(says) > 40
        assert "nan" not in page and "inf" not in page.replace("information", "")


def test_words_are_read_anew_when_they_change():
    box = widgets.unrolling_widget()
    field, slider, shown = box.children
    assert slider.max == 4 and shown.selected_index == 0
    slider.value = 4
    field.value = "that was awful"
    truth = unrolling.figure().numbers({"text": "that was awful"})
    assert slider.max == 3 and len(shown.children) == 4 and shown.selected_index == slider.value == 3
    assert f"positive with probability {float(truth['p'][3]):.2f}" in shown.children[3].value
    field.value = "oranges"
    assert slider.max == 0 and "It does not know oranges." in shown.children[0].value


def test_the_gradients_are_those_of_the_figure():
    box = widgets.gradients_widget()
    both = box.children[2]
    for activation, shown in zip(("identity", "tanh"), both.children):
        found = gradients.figure().numbers({"rho": 1.4, "gap": 100, "activation": activation})
        assert f"length is 10^{found['logs'][-1]:.1f} of the first" in shown.children[16].value
    linear, tanh = (float(re.search(r"length is 10\^(-?[\d.]+)", s.children[16].value)[1]) for s in both.children)
    assert linear > 10 > 0 > tanh, "with tanh even a large radius does not blow up here"


def test_a_shut_gate_loses_the_bit():
    shown = widgets.gates_widget().children[1]
    held = [float(re.search(r"the cell holds (-?[\d.]+)", page.value)[1]) for page in shown.children]
    labels = [label for label, _ in lstm.PRESETS]
    assert abs(held[labels.index("all three work")]) > 0.85
    assert abs(held[labels.index("shut at step 30")]) < 0.01 and abs(held[labels.index("95 % kept a step")]) < 0.2


def test_charts_hold_their_values_and_refuse_nonsense():
    chart = widgets.line_chart({"a": [0, 1, 5], "b": [1, 1, 1]}, 0, 2, "says")
    ys = [float(pair.split(",")[1]) for pair in re.search(r'points="([^"]+)"', chart)[1].split()]
    assert np.allclose(ys, [188, 100, 12]) and "stroke-dasharray" in chart
    bars = widgets.bar_chart(["x", "<y>"], [1, 4], 2, "says", chosen=1)
    assert [float(width) for width in re.findall(r'<rect[^>]*width="([\d.]+)"', bars)] == [160, 320]
    assert "\u25b8 &lt;y&gt;" in bars
    with pytest.raises(ValueError, match="line_chart: curves must not be empty"):
        widgets.line_chart({}, 0, 1, "")
    with pytest.raises(ValueError, match="bar_chart: names and values"):
        widgets.bar_chart(["a"], [1, 2], 1, "")

"""Drawings of a language model at work: what they show is what they were given, and they say it in words."""

import re

import numpy as np
import pytest

from course_pkg.viz.diagrams import coloured_text, draw_reading

TOKENS = ["a", "b", "\n"]
PROBS = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])


def test_reading_says_what_was_expected_and_what_came():
    diagram = draw_reading(["a", "b"], PROBS, ["b", "\n"], TOKENS, fed_back=False, best=2)
    assert "reads a, expects a (0.70), then comes b (0.20)" in diagram.alt
    assert f"{-np.log2(0.2):.1f} bits" in diagram.svg and f"{-np.log2(0.6):.1f} bits" in diagram.svg
    assert "⏎" in diagram.svg and diagram.svg.count("LSTM") == 2
    assert "stroke-dasharray" not in diagram.svg.split("</style>")[1]


def test_writing_feeds_back():
    diagram = draw_reading(["a", "b"], PROBS, ["b", "\n"], TOKENS, fed_back=True)
    assert "draws b" in diagram.alt and "bits" not in diagram.svg
    assert diagram.svg.count('stroke-dasharray="4 3"') == 1  # one output is read again
    with pytest.raises(ValueError, match="each input must be the output before it"):
        draw_reading(["a", "a"], PROBS, ["b", "\n"], TOKENS, fed_back=True)


@pytest.mark.parametrize(
    "inputs, probs, outputs, said",
    [
        (["a"], PROBS, ["b"], r"probs must be \(1, 3\) \(from inputs and tokens\), got shape \(2, 3\)"),
        (["a", "b"], PROBS, ["b"], "outputs must be 2 tokens"),
    ],
)
def test_reading_checks_its_input(inputs, probs, outputs, said):
    with pytest.raises(ValueError, match=said):
        draw_reading(inputs, probs, outputs, TOKENS, fed_back=False)


def test_text_has_a_bar_for_every_value_that_shows():
    values = np.array([1.0, 0.01, -0.5, 0.5, -2.0, 0.3, 0.9])
    diagram = coloured_text("ab\tc<\nd", values, title="Unit 3")
    paths = re.findall(r'<path d="([^"]*)"', diagram.svg)
    rising, hanging = (path.count("M") for path in paths)
    assert (rising, hanging) == (4, 2)  # 0.01 is too small to show; -2 is cut at the limit
    assert "&lt;" in diagram.svg and "Unit 3. 7 characters with values between −2.00 and 1.00. High at: c; d; a" in (
        diagram.alt.replace("High at: a; c; d", "High at: c; d; a")
    )


def test_signs_differ_by_more_than_colour():
    up, down = (coloured_text("x", np.array([v])).svg for v in (1.0, -1.0))
    assert "var(--cd-orange)" in up and 'fill-opacity="0.42"' in up
    assert "var(--cd-blue)" in down and 'fill-opacity="0.42"' not in down


def test_long_lines_keep_their_columns():
    diagram = coloured_text("ab cd", np.zeros(5), size=10)
    assert re.findall(r'<text x="([\d.]+)"[^>]*>(\w+)<', diagram.svg) == [("0", "ab"), ("18.3", "cd")]
    assert diagram.alt.endswith("Nowhere high.")


@pytest.mark.parametrize("text, values", [("ab", np.zeros(3)), ("", np.zeros(0)), ("ab", np.zeros((2, 1)))])
def test_text_checks_its_values(text, values):
    with pytest.raises(ValueError, match="coloured_text: values must be"):
        coloured_text(text, values)

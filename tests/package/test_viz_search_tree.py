"""The drawn tree is the search that was recorded; the drawn table is the weights that were given."""

import re

import numpy as np
import pytest

from course_pkg.decoding import beam_search
from course_pkg.viz.search_tree import draw_alignment, draw_search

WORDS = ["a", "b", "</s>"]
TABLE = np.log(np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8], [1 / 3, 1 / 3, 1 / 3], [0.55, 0.44, 0.01]]))


def searched(**setting):
    def step(state, last):
        return TABLE[last], state

    start = np.full(2, 3)
    return beam_search(step, np.zeros((2, 1)), start, 2, 3, 2, n_best=2, **setting)


def test_every_prefix_is_drawn_once_with_its_probability():
    search = searched(show=2)
    nodes = [node for node in search.nodes if node.row == 1]
    diagram = draw_search(search, WORDS, row=1)
    text = diagram.svg.split("</style>")[1]
    shown = sorted(re.findall(r">(0\.\d{3})<", text))
    assert shown == sorted(f"{np.exp(node.log_prob):.3f}" for node in nodes)
    assert text.count("stroke-dasharray") == sum(not node.kept for node in nodes) > 0
    best = " ".join(WORDS[t] for t in search.best[1][0].tokens)
    assert f"Best: {best}, probability {np.exp(search.best[1][0].log_prob):.3f}" in diagram.alt
    assert f"{sum(node.kept for node in nodes)} prefixes kept" in diagram.alt
    assert text.count('stroke-width="2"') == len(search.best[1][0].tokens)  # the path of the best


def test_a_search_without_its_tree_is_refused():
    with pytest.raises(ValueError, match="was it made with show >= 1"):
        draw_search(searched(), WORDS)


def test_the_table_shows_every_weight():
    weights = np.array([[1.0, 0.0, 0.0], [0.0, 0.25, 0.75]])
    diagram = draw_alignment(weights, ["the", "green", "car"], ["la", "voiture"])
    text = diagram.svg.split("</style>")[1]
    assert text.count("<rect") == 6 and text.count(">.00<") == 3
    assert text.count(">1.0<") == 1 and text.count(">.75<") == 1
    assert "voiture looks at car 0.75, green 0.25" in diagram.alt
    opacities = [float(v) for v in re.findall(r'fill-opacity="([\d.]+)"', text)]
    assert np.argmax(opacities) == 0 and opacities[5] > opacities[4] > opacities[3]
    with pytest.raises(ValueError, match=r"weights must be \(2, 2\) \(from target and source\), got shape \(2, 3\)"):
        draw_alignment(weights, ["the", "car"], ["la", "voiture"])

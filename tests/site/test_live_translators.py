"""What the figures of chapters 16 and 17 say in their first states, and how they read what is typed."""

import numpy as np
import pytest

from course_pkg.viz.live.beam import PRESETS, ROWS
from course_pkg.viz.live.figure import load
from course_pkg.viz.live.translators import known_words, read, recorded


def sentence(figure, tokens):
    return " ".join(figure.data["target"][token] for token in tokens)


def test_the_green_car_is_reordered():
    figure = load("attention")
    found = figure.numbers(dict(figure.state))
    assert sentence(figure, found["tokens"]) == "la voiture verte <end>"
    weights = np.array(found["weights"])
    assert weights.shape == (4, 3) and np.allclose(weights.sum(axis=1), 1)
    assert weights[1, 2] > 0.9 and weights[2, 1] > 0.9 and weights[0].argmax() == 2  # voiture: car, verte: green


def test_a_beam_of_two_mends_greedys_mistake():
    figure = load("beam")
    found = figure.numbers(dict(figure.state))
    best, greedy = found["best"][0], found["greedy"][0]
    assert sentence(figure, best["tokens"]) == "la voiture verte <end>"
    assert sentence(figure, greedy["tokens"]) == "le bolide vert <end>" and best["logProb"] > greedy["logProb"] + 0.2


@pytest.mark.parametrize("changes", [changes for _, changes in PRESETS])
def test_columns_are_the_beam(changes):
    figure = load("beam")
    found = figure.numbers({**figure.state, **changes})
    for k, column in enumerate(found["columns"]):
        values = [one["logProb"] for one in column]
        kept = [one["kept"] for one in column]
        assert len(column) == ROWS and values == sorted(values, reverse=True)
        assert kept == [True] * changes["width"] + [False] * (ROWS - changes["width"])
        parents = [found["columns"][k - 1][one["up"]] for one in column] if k else []
        assert all(parent["kept"] and parent["logProb"] >= value for parent, value in zip(parents, values))
    scores = [one["score"] for one in found["best"]]
    assert scores == sorted(scores, reverse=True)


def test_silence_and_its_cure():
    figure = load("beam")
    (_, silence), (_, cured) = PRESETS[2:]
    tokens = [figure.numbers({**figure.state, **changes})["best"][0]["tokens"].tolist() for changes in (silence, cured)]
    assert tokens[0] == [figure.data["end"]]
    assert sentence(figure, tokens[1]) == "les tables et les chapeaux et les portes <end>"


def test_reading():
    _, source, _ = recorded("seed0")
    words, ids, unknown = read('The RED car, and "the" banana is <b>', source)
    assert words == ["the", "red", "car", "and", "the"] and [source[k] for k in ids] == words
    assert unknown == ["banana", "is", "<b>"] and set(known_words()) < set(source)
    assert len(read("the " * 40, source)[0]) == 24 and read("", source)[1].shape == (0,)

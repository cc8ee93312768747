"""Tabs for indents, and back; every character has its place; the vocabulary never changes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from course_pkg.data import code_text
from course_pkg.data.code_text import CHARACTERS, UNKNOWN, character_ids, characters, tabbed, with_spaces
from course_pkg.data.stdlib_source import MODULES


@given(st.text(alphabet=" \nax\t", max_size=60))
def test_each_character_knows_its_place(source):
    text, places = tabbed(source)
    assert len(text) == len(places)
    assert all(a == source[i] or (a == "\t" and source[i : i + 4] == "    ") for a, i in zip(text, places, strict=True))
    assert np.all(np.diff(places) > 0)
    if "\t" not in source:
        assert with_spaces(text) == source


def test_tabs_stand_for_indents_only():
    text, places = tabbed("if x:\n        y = 1    # why\n      z\n")
    assert text == "if x:\n\t\ty = 1    # why\n\t  z\n"
    assert places[:10].tolist() == [0, 1, 2, 3, 4, 5, 6, 10, 14, 15]


def test_unknown_characters():
    assert len(CHARACTERS) == 98
    assert characters(character_ids("aé\n\t~")) == f"a{UNKNOWN}\n\t~"


def test_held_out_modules_are_not_trained_on():
    assert set(code_text.HELD_OUT) <= set(MODULES)
    train, held_out = code_text.training_text(), code_text.held_out_text()
    assert len(train) > 5 * len(held_out) > 400_000
    assert held_out[:1000] not in train and "\t" in held_out and "\n    " not in held_out

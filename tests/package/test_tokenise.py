"""Tokenisers keep what is seen as one character together, lose nothing that they promise to keep, and come back."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from course_pkg.data.tokenise import detokenise, graphemes, normalise, words

FAMILY, FRANCE, WAVE = "👩‍👩‍👧", "🇫🇷", "👋🏽"
# Text in which the hard cases are not rare: marks, joiners, emoji, flags, brackets, apostrophes, all kinds of blanks.
HARD = st.text(
    st.one_of(st.sampled_from("ab9_ .,;:!?()[]{}%'’-\n\r\t\u00a0\u0301\u200d\ufe0f👩👧🏽🇫🇷İΣेन<≮가각"), st.characters()),
    max_size=25,
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("hello", list("hello")),
        ("e\u0301a", ["e\u0301", "a"]),
        ("हिन्दी", ["हि", "न्", "दी"]),
        (f"a{FAMILY}b", ["a", FAMILY, "b"]),
        (FRANCE + "🇩🇪🇸", [FRANCE, "🇩🇪", "🇸"]),
        (WAVE + "!", [WAVE, "!"]),
        ("❤️x", ["❤️", "x"]),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿.", ["🏴󠁧󠁢󠁥󠁮󠁧󠁿", "."]),
        ("a\r\nb\n\nc", ["a", "\r\n", "b", "\n", "\n", "c"]),
        ("\u0301a", ["\u0301", "a"]),
        ("", []),
    ],
)
def test_graphemes(text, wanted):
    assert graphemes(text) == wanted


@given(HARD)
@settings(max_examples=300)
def test_graphemes_lose_nothing(text):
    assert "".join(graphemes(text)) == text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Don't stop, it's 3.5 km!", ["Don't", "stop", ",", "it's", "3", ".", "5", "km", "!"]),
        ("grown-up -- and 'so on'", ["grown-up", "-", "-", "and", "'", "so", "on", "'"]),
        ("l’été", ["l’été"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("snake_case x2", ["snake_case", "x2"]),
        (f"so {FAMILY}{WAVE}", ["so", FAMILY, WAVE]),
        ("你好。", ["你好", "。"]),
        (" \n ", []),
    ],
)
def test_words(text, wanted):
    assert words(text) == wanted


def test_both_forms_of_an_accent_give_the_same_word():
    for word in ("café", "Ångström", "naïve"):
        composed, decomposed = (unicodedata.normalize(form, word) for form in ("NFC", "NFD"))
        assert composed != decomposed and normalise(decomposed) == composed
        assert words(composed) == words(decomposed) == [composed]


def test_lower():
    assert words("The FERRY, Ärger", lower=True) == ["the", "ferry", ",", "ärger"]


@pytest.mark.parametrize("text", ["Ida counts the boats (all eleven), and goes home.", "Who? Ida.", "So: 5% of [it]."])
def test_text_with_usual_blanks_comes_back_as_it_was(text):
    assert detokenise(words(text)) == text


@given(HARD, st.booleans())
@settings(max_examples=500)
@example("(\u0301", False)
@example("a'", False)
@example("İx", True)
@example("a\u200d👩", False)
def test_detokenised_text_has_the_same_tokens(text, lower):
    tokens = words(text, lower)
    assert words(detokenise(tokens), lower) == tokens


@given(HARD)
@settings(max_examples=300)
def test_words_hold_all_that_is_not_blank(text):
    whole = normalise(text)
    assert "".join(words(text)) == "".join(piece for piece in graphemes(whole) if not piece.isspace())

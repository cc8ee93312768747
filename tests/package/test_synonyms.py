"""Sentences with more than one translation: agreement follows the noun that was chosen."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from course_pkg.data.synonyms import MORE, is_translation, vocabularies, with_synonyms
from course_pkg.data.tiny_french import NOUNS, draw_translations, translation


def right(english, *french):
    return [is_translation(english.split(), one.split()) for one in french]


def test_agreement_is_that_of_the_noun_that_was_taken():
    assert right("the green car", "la voiture verte", "le véhicule vert", "le bolide vert") == [True] * 3
    assert right("the green car", "la bolide verte", "le voiture vert", "le bolide verte", "le bolide") == [False] * 4
    english = "the small boats are white and the car sees the dog"
    assert right(english, "les petits bateaux sont blancs et la voiture voit le chien") == [True]
    assert right(english, "les petites péniches sont blanches et le bolide voit le chien") == [True]
    assert right(english, "les petites péniches sont blancs et le bolide voit le chien") == [False]
    assert right(english, "les petits bateaux sont blancs et la voiture voit la chien") == [False]
    assert right("the hat is behind the old house", "la toque est derrière le vieux logis") == [True]


@given(st.integers(0, 10**6), st.booleans())
def test_what_is_drawn_is_a_translation_in_known_words(seed, held_out):
    rng = np.random.default_rng(seed)
    english, french = vocabularies(synonyms=True)
    for plain in draw_translations(rng, 3, units=(1, 3), held_out=held_out):
        drawn = with_synonyms(rng, plain)
        assert is_translation(drawn.english, drawn.french) and is_translation(plain.english, plain.french)
        assert drawn.alignment == plain.alignment
        assert set(drawn.english) <= set(english.tokens) and set(drawn.french) <= set(french.tokens)
        assert not is_translation(drawn.english, (*drawn.french[:-1], "et"))


def test_shares_and_vocabularies():
    rng, plain = np.random.default_rng(0), translation("the car")
    words = [with_synonyms(rng, plain).french for _ in range(3000)]
    shares = [words.count(w) / 3000 for w in (("la", "voiture"), ("le", "véhicule"), ("le", "bolide"))]
    np.testing.assert_allclose(shares, [0.4, 0.3, 0.3], atol=0.03)
    assert with_synonyms(rng, translation("the apple is big")) == translation("the apple is big")
    assert set(MORE) <= set(NOUNS)
    for noun, ways in MORE.items():
        assert {gender for *_, gender in ways} == {"f", "m"} - {NOUNS[noun][3]}
    plain, more = vocabularies()[1], vocabularies(synonyms=True)[1]
    assert set(plain.tokens) < set(more.tokens) and more.tokens[:3] == ("<pad>", "<start>", "<end>")

"""The tiny grammar: agreement, order, links; what it draws is what it accepts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_pkg.data.tiny_french import (
    AFTER,
    ENGLISH,
    FRENCH,
    NOUNS,
    Pair,
    draw_pair,
    is_translation,
    pair_batch,
    translate,
)


def french(text, *choices):
    return " ".join(translate(text.split(), choices or None).target)


def test_order_and_agreement():
    assert french("the green car") == "la voiture verte"
    assert french("the green car", 0, 0, 1) == "le véhicule vert"
    assert french("my old black dog sees a big white house") == "mon vieux chien noir voit une grande maison blanche"
    assert french("this key hides the apple and a pretty heavy stone") == (
        "cette clé cache la pomme et une jolie pierre lourde"
    )
    assert translate("the green car".split()).links == (0, 2, 1)


@given(st.integers(0, 10**6), st.integers(1, 6), st.booleans())
def test_a_drawn_pair_is_a_translation_and_its_links_are_right(seed, phrases, synonyms):
    pair = draw_pair(np.random.default_rng(seed), phrases, synonyms)
    assert is_translation(pair.source, pair.target)
    assert sorted(pair.links) == list(range(len(pair.source)))
    assert sum(word in NOUNS for word in pair.source) == phrases
    for word, j in zip(pair.target, pair.links, strict=True):
        ways = NOUNS.get(pair.source[j])
        assert ways is None or word in [way for way, _ in ways]
        if pair.source[j] in AFTER:
            assert word in AFTER[pair.source[j]]
    wrong = (*pair.target[:-1], "et")
    assert not is_translation(pair.source, wrong) and not is_translation(pair.source, pair.target[:-1])
    if not synonyms:
        assert pair == translate(pair.source)


def test_agreement_is_checked_with_the_synonym_that_was_taken():
    source = "the green car".split()
    assert is_translation(source, "le bolide vert".split())
    assert not is_translation(source, "la bolide verte".split())
    assert not is_translation(source, "le voiture vert".split())


def test_synonyms_come_in_their_shares():
    rng = np.random.default_rng(0)
    words = [w for _ in range(4000) for w in draw_pair(rng, 1, True).target if w in ("voiture", "véhicule", "bolide")]
    shares = [words.count(w) / len(words) for w in ("voiture", "véhicule", "bolide")]
    np.testing.assert_allclose(shares, [0.4, 0.3, 0.3], atol=0.06)


def test_a_batch_is_padded_and_ends_with_eos():
    batch = pair_batch([translate("the green car".split()), translate(["a", "dog"])])
    assert ENGLISH.tokens[:3] == FRENCH.tokens[:3] == ("<pad>", "<s>", "</s>")
    assert [FRENCH.tokens[i] for i in batch.target[:, 1]] == ["un", "chien", "</s>", "<pad>"]
    assert batch.source.shape == (3, 2) and batch.source_mask.sum(axis=0).tolist() == [3, 2]
    assert batch.target_mask.sum(axis=0).tolist() == [4, 3]
    np.testing.assert_array_equal(batch.source_mask, batch.source > 0)


@pytest.mark.parametrize(
    "text, said",
    [
        ("green car", "word 1 .* must be a determiner, got 'green'"),
        ("the green old car", "word 3 .* must be a noun, got 'old'"),
        ("the car the dog", "word 3 .* must be a verb, got 'the'"),
        ("the car sees the dog sees", "word 6 .* must be 'and', got 'sees'"),
        ("the car sees", "word 4 .* must be a determiner, got its end"),
    ],
)
def test_other_sentences_are_refused(text, said):
    with pytest.raises(ValueError, match=said):
        translate(text.split())


def test_bad_input():
    with pytest.raises(ValueError, match="phrases must be an integer >= 1"):
        draw_pair(np.random.default_rng(0), 0)
    with pytest.raises(TypeError, match="rng must be a numpy Generator"):
        draw_pair(0, 1)
    assert isinstance(draw_pair(np.random.default_rng(0), 1), Pair)

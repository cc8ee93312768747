"""The course's own tagged sentences: repeatable, ambiguous where the chapter says so, new words only when asked for."""

import numpy as np
import pytest

from course_pkg.data.conllu import UPOS
from course_pkg.data.tagged_sentences import NEW_WORDS, NEXT_DECIDES, WORDS, tagged_sentences


def test_sentences_repeat_differ_and_carry_known_tags():
    first, second = (tagged_sentences(np.random.default_rng(4), 200) for _ in range(2))
    assert first == second
    assert len(set(first)) == 200
    assert all(len(s.words) == len(s.tags) and set(s.tags) <= set(UPOS) for s in first)


def test_the_words_that_wait_have_two_tags_and_their_next_word_or_clause_decides():
    sentences = tagged_sentences(np.random.default_rng(0), 500)
    for word in NEXT_DECIDES:
        tags = [tag for s in sentences for w, tag in zip(s.words, s.tags, strict=True) if w == word]
        assert len(set(tags)) == 2 and min(tags.count(t) for t in set(tags)) > 10
    for s in sentences:
        for i, (word, tag) in enumerate(zip(s.words, s.tags, strict=True)):
            if word == "to":
                assert (tag == "PART") == (s.tags[i + 1] == "VERB")
            if word == "before":
                assert (tag == "SCONJ") == ("VERB" in s.tags[i:])


def test_new_words_come_only_when_asked_for():
    new = {w for words in NEW_WORDS.values() for w in words}
    assert not new & {w for words in WORDS.values() for w in words}
    plain, mixed = (tagged_sentences(np.random.default_rng(0), 300, flag) for flag in (False, True))
    assert not any(w in new for s in plain for w in s.words)
    assert {w for s in mixed for w in s.words} >= new


def test_bad_input():
    with pytest.raises(TypeError, match="tagged_sentences: rng must be a numpy Generator"):
        tagged_sentences(0, 3)
    with pytest.raises(ValueError, match="count must be an integer >= 1, got 0"):
        tagged_sentences(np.random.default_rng(0), 0)

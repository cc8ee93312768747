"""The sentences around "bank": the sense is where they say it is told, and nowhere else."""

import numpy as np
import pytest

from course_pkg.data.bank_sentences import ACTS, KINDS, MONEY, RIVER, THINGS, bank_sentences

TELLING = {sense: {*ACTS[sense], *THINGS[sense], *KINDS[sense]} for sense in (RIVER, MONEY)}


def test_each_sentence_is_what_it_says():
    sentences = bank_sentences(np.random.default_rng(0), 2000)
    assert not TELLING[RIVER] & TELLING[MONEY]
    assert {s.sense for s in sentences} == {RIVER, MONEY}
    assert {s.told for s in sentences} == {"before", "after", "both", ""}
    for s in sentences:
        sides = [set(s.words[: s.place]), set(s.words[s.place + 1 :])]
        if s.place < 0:
            assert "bank" not in s.words and s.told == ""
            continue
        assert s.words[s.place] == "bank" and s.words.count("bank") == 1
        told = [bool(TELLING[s.sense] & side) for side in sides]
        assert told == {"before": [True, False], "after": [False, True], "both": [True, True]}[s.told]
        assert not TELLING[1 - s.sense] & set(s.words)


def test_with_bank_only_or_without():
    rng = np.random.default_rng(1)
    assert all(s.place >= 0 for s in bank_sentences(rng, 50, bank=True))
    assert all(s.place < 0 for s in bank_sentences(rng, 50, bank=False))


def test_the_seed_decides():
    first, again, other = (bank_sentences(np.random.default_rng(s), 20) for s in (3, 3, 4))
    assert first == again != other


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="bank_sentences: count must be an integer >= 1, got 0"):
        bank_sentences(np.random.default_rng(0), 0)
    with pytest.raises(TypeError, match="bank_sentences: rng must be a numpy Generator"):
        bank_sentences(0, 3)

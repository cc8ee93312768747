"""Vocabularies: unknown and padding tokens, counts, saved and loaded; damaged files are refused by name."""

import json
import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_pkg.data.batches import pad_sequences
from course_pkg.data.vocabulary import FORMAT, Vocabulary

SURROGATES = st.text(st.characters(codec=None, categories=None), min_size=1, max_size=4)  # every code point there is
TOKENS = st.lists(SURROGATES, min_size=1, max_size=12)


def test_unknown_words_get_the_unknown_number():
    vocabulary = Vocabulary("a b c".split(), unknown="<unk>")
    assert vocabulary.tokens == ("<unk>", "a", "b", "c") and vocabulary.unknown_id == 0
    assert vocabulary.encode("b x a".split()).tolist() == [2, 0, 1]
    assert vocabulary.decode([2, 0, 1]) == ["b", "<unk>", "a"]


def test_padding_comes_first_and_fills_batches():
    vocabulary = Vocabulary("a b".split(), unknown="?", padding="<pad>")
    assert vocabulary.tokens == ("<pad>", "?", "a", "b")
    sentences = [vocabulary.encode(s.split()) for s in ("a b a", "x")]
    batch = pad_sequences(sentences, value=vocabulary.padding_id)
    assert batch.xs.T.tolist() == [[2, 3, 2], [1, 0, 0]]


def test_special_tokens_that_are_there_keep_their_place():
    vocabulary = Vocabulary(["a", "<unk>", "b"], unknown="<unk>")
    assert vocabulary.tokens == ("a", "<unk>", "b") and vocabulary.unknown_id == 1
    assert Vocabulary("ab").unknown_id is None and Vocabulary("ab").padding_id is None


def test_the_most_frequent_come_first_and_ties_by_code_point():
    vocabulary = Vocabulary.build("b a c a b d".split(), unknown=None)
    assert vocabulary.tokens == ("a", "b", "c", "d") and vocabulary.counts.tolist() == [2, 2, 1, 1]


def test_what_is_left_out_is_counted_as_unknown():
    text = "a a a b b c d".split()
    rare = Vocabulary.build(text, min_count=2, padding="<pad>")
    assert rare.tokens == ("<pad>", "<unk>", "a", "b") and rare.counts.tolist() == [0, 2, 3, 2]
    small = Vocabulary.build(text, max_size=2)
    assert small.tokens == ("<unk>", "a") and small.counts.tolist() == [4, 3]


def test_an_unknown_token_that_stands_in_the_text_is_counted_with_the_others():
    vocabulary = Vocabulary.build("a a <unk> b".split(), min_count=2)
    assert vocabulary.tokens == ("<unk>", "a") and vocabulary.counts.tolist() == [2, 2]


@given(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=40), st.integers(1, 4), st.integers(2, 9))
def test_counts_are_those_of_the_encoded_text(text, min_count, max_size):
    vocabulary = Vocabulary.build(text, min_count=min_count, max_size=max_size)
    ids = vocabulary.encode(text)
    assert np.bincount(ids, minlength=len(vocabulary)).tolist() == vocabulary.counts.tolist()
    assert len(vocabulary) <= max_size
    assert all(Counter(text)[token] >= min_count for token in vocabulary.tokens[1:])


@given(TOKENS, SURROGATES, SURROGATES, st.booleans())
def test_saved_and_loaded_it_is_the_same(tmp_path_factory, tokens, unknown, padding, counted):
    path = tmp_path_factory.mktemp("vocabulary") / "v.json"
    options = {"unknown": unknown, "padding": padding if padding != unknown else None}
    vocabulary = Vocabulary.build(tokens, **options) if counted else Vocabulary(tokens, **options)
    vocabulary.save(path)
    again = Vocabulary.load(path)
    assert again == vocabulary and hash(again) == hash(vocabulary)
    assert again.tokens == vocabulary.tokens and again.encode(tokens).tolist() == vocabulary.encode(tokens).tolist()
    assert path.read_bytes().isascii()


def test_vocabularies_that_differ_are_not_equal():
    one = Vocabulary("ab", unknown="?")
    assert one == Vocabulary("ab", unknown="?") and one != Vocabulary("ba", unknown="?")
    assert one != Vocabulary("?ab") and one != Vocabulary("ab", unknown="?", counts=[1, 2]) and one != ("?", "a", "b")
    assert "a" in one and "c" not in one


def test_composed_and_decomposed_letters_are_different_tokens():
    """The vocabulary compares code points; bringing a text to one form is the tokeniser's work."""
    composed, decomposed = "é", unicodedata.normalize("NFD", "é")
    assert len(Vocabulary([composed, decomposed])) == 2


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Vocabulary(["a", 3]), TypeError, "^Vocabulary: tokens must be strings, got int 3$"),
        (lambda: Vocabulary("ab", unknown="?", padding="?"), ValueError, "must be different tokens, got '.' for both"),
        (lambda: Vocabulary("ab", unknown=0), TypeError, "^Vocabulary: tokens must be strings, got int 0$"),
        (lambda: Vocabulary("ab", counts=[1]), ValueError, r"counts must be 2 integers .*, got int64 of shape \(1,\)$"),
        (lambda: Vocabulary("ab", counts=[1, -1]), ValueError, "counts must be 2 integers of at least 0"),
        (lambda: Vocabulary("ab", counts=[0.5, 1.0]), ValueError, "counts must be 2 integers .*, got float64"),
        (lambda: Vocabulary.build([]), ValueError, "^Vocabulary.build: tokens must hold at least one token, got none$"),
        (lambda: Vocabulary.build("ab", min_count=0), ValueError, "^Vocabulary.build: min_count must be an integer"),
        (lambda: Vocabulary.build("ab", max_size=1), ValueError, "must leave room for a token beside the 1 special"),
        (lambda: Vocabulary.build("aab", min_count=2, unknown=None), ValueError, "unknown must name a token when"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


GOOD = {"format": FORMAT, "unknown": "a", "padding": None, "tokens": ["a", "b"], "counts": [3, 4]}


def test_the_good_file_is_good(tmp_path):
    (tmp_path / "v.json").write_text(json.dumps(GOOD))
    assert Vocabulary.load(tmp_path / "v.json") == Vocabulary("ab", unknown="a", counts=[3, 4])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must be a JSON file"),
        (b"\xff\xfe\xfd", "must be a JSON file"),
        (json.dumps(GOOD).encode()[:-9], "must be a JSON file"),
        ([1, 2], "must have the format 'course vocabulary, version 1', got 'list'$"),
        ({**GOOD, "format": "other"}, "must have the format .*, got 'other'$"),
        ({k: v for k, v in GOOD.items() if k != "counts"}, "must have the keys .*, got none called counts$"),
        ({**GOOD, "tokens": "ab"}, "tokens must be a list of strings, at least one, got ab$"),
        ({**GOOD, "tokens": []}, "tokens must be a list of strings, at least one, got"),
        ({**GOOD, "tokens": ["a", 1]}, "tokens must be a list of strings"),
        ({**GOOD, "tokens": ["a", "b", "b"]}, "tokens must be distinct, got 'b' more than once$"),
        ({**GOOD, "unknown": "c"}, "unknown must be null or one of the tokens, got 'c'$"),
        ({**GOOD, "padding": 7}, "padding must be null or one of the tokens, got 7$"),
        ({**GOOD, "counts": [3]}, "counts must be null or 2 integers of at least 0, one for each token"),
        ({**GOOD, "counts": [3, -4]}, "counts must be null or 2 integers of at least 0"),
        ({**GOOD, "counts": [3, True]}, "counts must be null or 2 integers of at least 0"),
        ({**GOOD, "counts": {"a": 3}}, "counts must be null or 2 integers of at least 0"),
    ],
)
def test_damaged_files_are_refused(tmp_path, content, message):
    path = tmp_path / "damaged.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(ValueError, match="^Vocabulary.load: damaged.json.*" + message):
        Vocabulary.load(path)

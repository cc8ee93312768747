"""GloVe and word2vec files: what is written is read back; damaged files are refused by line, expected and found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from course_pkg.data.vector_files import FORBIDDEN, read_glove, read_word2vec, write_glove, write_word2vec

LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters=FORBIDDEN)
WORDS = st.text(LETTERS, min_size=1, max_size=8)


@st.composite
def word_tables(draw, dtype=np.float64):
    words = draw(st.lists(WORDS, min_size=1, max_size=6, unique=True))
    E, width = draw(st.integers(1, 5)), np.dtype(dtype).itemsize * 8
    return words, draw(arrays(dtype, (len(words), E), elements=st.floats(width=width, allow_nan=False,
                                                                         allow_infinity=False)))  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("vectors") / "v"


@given(word_tables())
def test_glove_round_trip(file, table):
    words, vectors = table
    write_glove(file, words, vectors)
    found = read_glove(file)
    assert found.words == tuple(words) and np.array_equal(found.vectors, vectors)


@given(word_tables())
def test_word2vec_text_round_trip(file, table):
    words, vectors = table
    write_word2vec(file, words, vectors)
    found = read_word2vec(file)
    assert found.words == tuple(words) and np.array_equal(found.vectors, vectors)


@given(word_tables(np.float32))
def test_float32_round_trips_in_every_format(file, table):
    words, vectors = table
    for write, read in (
        (lambda: write_word2vec(file, words, vectors), lambda: read_word2vec(file, dtype=np.float32)),
        (lambda: write_word2vec(file, words, vectors, True), lambda: read_word2vec(file, True, dtype=np.float32)),
    ):
        write()
        found = read()
        assert found.words == tuple(words) and found.vectors.dtype == np.float32
        assert np.array_equal(found.vectors, vectors)


@given(st.binary(max_size=80), st.booleans())
def test_any_bytes_give_a_table_or_a_value_error(file, data, binary):
    file.write_bytes(data)
    for read in (read_glove, lambda path: read_word2vec(path, binary)):
        try:
            found = read(file)
        except ValueError as error:
            assert str(error).startswith(("read_glove: ", "read_word2vec: "))
        else:
            assert len(found.words) == len(found.vectors) and np.isfinite(found.vectors).all()


@given(word_tables(np.float32), st.data())
def test_a_truncated_binary_file_is_refused(file, table, data):
    words, vectors = table
    write_word2vec(file, words, vectors, binary=True)
    whole = file.read_bytes()
    cut = data.draw(st.integers(0, len(whole) - 2))  # the very last newline may be missing
    file.write_bytes(whole[:cut])
    with pytest.raises(ValueError, match="^read_word2vec: "):
        read_word2vec(file, binary=True)


def test_bytes_are_those_of_the_formats(file):
    words, vectors = ["no", "né\u00a0e"], np.array([[0.5, -2.0], [1e-7, 3.0]])
    write_glove(file, words, vectors)
    assert file.read_bytes() == "no 0.5 -2.0\nné\u00a0e 1e-07 3.0\n".encode()
    write_word2vec(file, words, vectors)
    assert file.read_bytes().startswith(b"2 2\nno 0.5 -2.0\n")
    write_word2vec(file, words, vectors, binary=True)
    assert file.read_bytes().startswith(b"2 2\nno " + np.array([0.5, -2], "<f4").tobytes() + b"\n")


def test_other_writers_habits_are_read(file):
    file.write_bytes(b"2 2\r\na 1 2 \r\nb 3 4 \r\n")  # a blank at the end of each line, lines of Windows
    assert read_word2vec(file).vectors.tolist() == [[1, 2], [3, 4]]
    row = np.array([1, 2], "<f4").tobytes()
    file.write_bytes(b"2 2\na " + row + b"b " + row)  # no newlines between
    assert read_word2vec(file, binary=True).words == ("a", "b")


def test_limit_reads_the_beginning_only(file):
    words, vectors = ["a", "b", "c"], np.arange(6.0).reshape(3, 2)
    write_glove(file, words, vectors)
    assert read_glove(file, limit=2).words == ("a", "b")
    for binary in (False, True):
        write_word2vec(file, words, vectors, binary)
        found = read_word2vec(file, binary, limit=2)
        assert found.words == ("a", "b") and np.array_equal(found.vectors, vectors[:2])


GLOVE_DAMAGE = {
    b"": "must hold at least one line",
    b"a 1 2\nb 1\n": r"line 2: expected a word and 2 numbers \(from line 1\), got 1$",
    b"a 1 2\nb c 1 2\n": r"line 2: expected a word and 2 numbers \(from line 1\), got 3 \(does the word contain a",
    b"a 1 2\nb 1 x\n": r"line 2: expected a number, got 'x'",
    b"a 1 2\nb 1 1_0\n": r"line 2: expected a number, got '1_0'",
    b"a 1 2\nb 1 nan\n": r"line 2: expected a finite number, got 'nan'",
    b"a 1 2\nb 1 1e999\n": r"line 2: expected a finite number, got '1e999'",
    b"a 1 2\nb 1 2\na 3 4\n": r"line 3: expected a new word, got 'a' again \(first in line 1\)",
    b"a 1 2\n\xff 1 2\n": "line 2: expected a word in UTF-8",
    b"a 1 2\n\nb 1 2\n": "line 2: expected a word and 2 numbers",
    b"a 1 2\n 1 2\n": "line 2: expected a word without blanks",
    b"a\n": "line 1: expected a word and 1 numbers",
    b"2 2\na 1 2\nb 3 4\n": "line 1: .* looks like the header of a word2vec file; use read_word2vec",
}


@pytest.mark.parametrize("data", GLOVE_DAMAGE)
def test_damaged_glove_files_are_refused(file, data):
    file.write_bytes(data)
    with pytest.raises(ValueError, match=GLOVE_DAMAGE[data]):
        read_glove(file)


WORD2VEC_DAMAGE = {
    b"": "line 1: expected the number of words",
    b"a 1 2\n": "line 1: expected the number of words and their dimension, .* got 'a 1 2'",
    b"0 2\n": "line 1: expected at least one word and dimension 1, got 0 and 2",
    b"3 2\na 1 2\nb 3 4\n": r"expected 3 words \(from line 1\), got 2 lines",
    b"1 2\na 1 2\nb 3 4\n": r"expected 1 words \(from line 1\), got 2 lines",
    b"1 3\na 1 2\n": r"line 2: expected a word and 3 numbers \(from line 1\), got 2",
    b"2 1\na 1\na 2\n": r"line 3: expected a new word, got 'a' again \(first in line 2\)",
}


@pytest.mark.parametrize("data", WORD2VEC_DAMAGE)
def test_damaged_word2vec_text_is_refused(file, data):
    file.write_bytes(data)
    with pytest.raises(ValueError, match=WORD2VEC_DAMAGE[data]):
        read_word2vec(file)


ROW = np.array([1, 2], "<f4").tobytes()
BINARY_DAMAGE = {
    b"9999999999999 300\na " + ROW: "truncated",  # refused before memory is asked for
    b"2 2\na " + ROW + b"\nb " + ROW[:7]: r"truncated|word 2 of 2: .* end of the file",
    b"2 2\nabcdefghij " + ROW + b"\nb": r"word 2 of 2: expected a word, a space and 8 bytes, got the end",
    b"1 2\na " + ROW + b"\nb " + ROW: r"expected 1 words \(from line 1\), got 11 more bytes",
    b"2 2\na " + ROW + b"\na " + ROW: r"word 2 of 2: expected a new word, got 'a' again \(first in word 1\)",
    b"1 1\na " + np.array([np.nan], "<f4").tobytes(): "word 1 of 1: expected finite numbers, got nan",
}


@pytest.mark.parametrize("data", BINARY_DAMAGE)
def test_damaged_word2vec_binary_is_refused(file, data):
    file.write_bytes(data)
    with pytest.raises(ValueError, match=BINARY_DAMAGE[data]):
        read_word2vec(file, binary=True)


@pytest.mark.parametrize("write", [write_glove, write_word2vec])
@pytest.mark.parametrize(
    "words, vectors, error, said",
    [
        (["a b"], np.ones((1, 2)), ValueError, "no blanks or line ends"),
        (["a\nb"], np.ones((1, 2)), ValueError, "no blanks or line ends"),
        ([""], np.ones((1, 2)), ValueError, "not be empty"),
        (["a", "a"], np.ones((2, 2)), ValueError, "distinct, got 'a' twice"),
        (["a"], np.ones((2, 2)), ValueError, r"\(V, E\) with V=1 \(from words\)"),
        (["a"], np.full((1, 2), np.inf), ValueError, "finite, got inf"),
        (["a"], np.ones((1, 2), int), TypeError, "floats"),
        (["a"], [[1.0]], TypeError, "got list"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(file, write, words, vectors, error, said):
    file.write_bytes(b"before")
    with pytest.raises(error, match=said):
        write(file, words, vectors)
    assert file.read_bytes() == b"before"


def test_too_large_for_float32_is_said(file):
    with pytest.raises(ValueError, match="fit into float32, got an entry as large as 1e"):
        write_word2vec(file, ["a"], np.array([[1e300]]), binary=True)

"""The data sets that every reader has: digits, the standard library's source, the course's own sentences."""

import ast
import tokenize
from io import StringIO

import numpy as np
import pytest

from course_pkg.data.digits import as_pixels, as_rows, load_digits_split
from course_pkg.data.sentences import WORDS, encode_words, opinion_sentences
from course_pkg.data.stdlib_source import MODULES, inside_string, labelled_lines, module_source, stdlib_text


def test_digits_are_split_without_a_common_image_and_by_the_seed():
    train_images, train_labels, test_images, test_labels = load_digits_split(seed=0, test_size=360)
    assert train_images.shape == (1437, 8, 8) and test_images.shape == (360, 8, 8)
    assert train_labels.shape == (1437,) and test_labels.shape == (360,)
    everything = np.concatenate([train_images, test_images])
    assert everything.min() == 0 and everything.max() == 1
    assert np.array_equal(np.unique(train_labels), np.arange(10))
    train = {image.tobytes() for image in train_images}
    assert not any(image.tobytes() in train for image in test_images)  # no image comes twice in this data set
    again, other = load_digits_split(seed=0), load_digits_split(seed=1)
    assert np.array_equal(again.test_labels, test_labels) and not np.array_equal(other.test_labels, test_labels)


def test_each_label_stays_with_its_image():
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    label_of = {image.tobytes(): label for image, label in zip(images.reshape(-1, 8, 8) / 16, labels, strict=True)}
    split = load_digits_split(seed=3)
    for image, label in zip(split.test_images, split.test_labels, strict=True):
        assert label_of[image.tobytes()] == label


def test_rows_and_pixels_come_in_reading_order():
    images = np.arange(2 * 3 * 4.0).reshape(2, 3, 4)
    rows, pixels = as_rows(images), as_pixels(images)
    assert rows.shape == (3, 2, 4) and pixels.shape == (12, 2, 1)
    for b in range(2):
        assert np.array_equal(rows[:, b], images[b])
        assert np.array_equal(pixels[:, b, 0], images[b].ravel())


def test_every_module_of_the_text_is_in_this_python_and_is_python():
    assert len(set(MODULES)) == len(MODULES)
    for name in MODULES:
        ast.parse(module_source(name))


def test_the_text_is_cut_where_it_was_asked_for():
    text = stdlib_text(10_000)
    assert len(text) == 10_000 and text.startswith(module_source(MODULES[0])[:1000])
    assert stdlib_text() == "".join(module_source(name) for name in MODULES)


def test_a_module_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="^module_source: name must be a module .* got 'no_such_module'"):
        module_source("no_such_module")


@pytest.mark.parametrize(
    ("source", "inside"),
    [
        ("x = 'ab' + c\n", "....####.....\n"),
        ('f("")  # "no"\n', "..##..........."),
        ("a = '''x\ny'''\n", "....#########."),
        ("r'\\n' b'q'\n", "#####.####."),
        ("f'x{y}z'\n", "########."),
        ("x = 1\n", "......"),
    ],
)
def test_characters_inside_strings(source, inside):
    labels = inside_string(source)
    assert labels.shape == (len(source),)
    marks = "".join("#" if label else "." for label in labels)
    assert marks[: len(source) - 1] == inside[: len(source) - 1]


def test_labels_of_a_module_agree_with_the_tokenizer_s_text():
    source = module_source("textwrap")
    inside = inside_string(source)
    lines = source.splitlines(keepends=True)
    starts = np.cumsum([0, *map(len, lines)])
    strings = [token for token in tokenize.generate_tokens(StringIO(source).readline) if token.type == tokenize.STRING]
    assert len(strings) > 20
    for token in strings:
        begin = starts[token.start[0] - 1] + token.start[1]
        assert source[begin : begin + len(token.string)] == token.string
        assert inside[begin : begin + len(token.string)].all()


def test_labelled_lines_are_whole_and_short():
    lines = labelled_lines("textwrap", 5, 60)
    assert len(lines) > 50
    for text, inside in lines:
        assert 5 <= len(text) <= 60 and inside.shape == (len(text),) and "\n" not in text
        if inside.any():
            assert text[np.flatnonzero(inside)[0]] in "'\"rbfuRBFU" and text[np.flatnonzero(inside)[-1]] in "'\""
    assert 0.02 < np.mean([inside.mean() for _, inside in lines]) < 0.5


def test_sentences_mean_what_their_label_says():
    sentences = opinion_sentences()
    assert len(sentences) == len({sentence.words for sentence in sentences}) == 48
    assert sum(sentence.positive for sentence in sentences) == 24
    label = {" ".join(words): positive for words, positive in sentences}
    assert label["this is good news <eos>"] == 1 and label["this is not good news <eos>"] == 0
    assert label["that was not awful <eos>"] == 1 and label["that was bad <eos>"] == 0


def test_sentences_are_encoded_word_by_word():
    xs = encode_words(("this", "is", "good", "<eos>"))
    assert xs.shape == (4, len(WORDS)) and np.array_equal(xs.sum(axis=1), np.ones(4))
    assert WORDS.decode(xs.argmax(axis=1)) == ["this", "is", "good", "<eos>"]
    with pytest.raises(ValueError, match="got 'excellent' at position 2"):
        encode_words(("this", "is", "excellent"))

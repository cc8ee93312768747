"""Embedding layer, tagger and CoNLL-U reader: against one-hot products, central differences and torch."""

import gzip

import numpy as np
import pytest

from course_pkg.checks.gradients import check_gradients
from course_pkg.data.batches import one_hot
from course_pkg.data.conllu import read_conllu
from course_pkg.embedding import embedding_backward, embedding_forward, init_embedding
from course_pkg.tagger import init_tagger, make_batch, tagger_logits, tagger_loss

SENTENCES = ["the cat sat".split(), "a dog".split(), "the dog ran off home".split(), ["sat"]]
WORDS = {word: i for i, word in enumerate("the cat sat a dog ran".split(), start=1)}  # off and home are unknown
LETTERS = {letter: i for i, letter in enumerate("abcdefghijklmnopqrstuvw", start=1)}


def tags(seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 3, len(s)) for s in SENTENCES]


def small_tagger(directions, layers=2, seed=0):
    rng = np.random.default_rng(seed)
    return init_tagger(rng, 7, 24, 3, E=3, E_c=2, H_c=2, H=3, layers=layers, directions=directions)


@pytest.mark.parametrize("seed", range(20))
def test_lookup_is_the_one_hot_product_and_its_gradient_is_the_products(seed):
    rng = np.random.default_rng(seed)
    V, E, shape = rng.integers(1, 9), rng.integers(1, 6), tuple(rng.integers(1, 5, rng.integers(1, 4)))
    table, ids = init_embedding(rng, int(V), int(E)), rng.integers(0, V, shape)
    drows = rng.normal(size=(*shape, E))
    hot = one_hot(ids, int(V)).reshape(-1, V)
    assert np.allclose(embedding_forward(table, ids), one_hot(ids, int(V)) @ table, rtol=0, atol=1e-14)
    assert np.allclose(embedding_backward(table, ids, drows), hot.T @ drows.reshape(-1, E), rtol=0, atol=1e-12)


def test_embedding_gradient_equals_torchs():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    table, ids, drows = rng.normal(size=(6, 4)), rng.integers(0, 6, (5, 3)), rng.normal(size=(5, 3, 4))
    weight = torch.tensor(table, requires_grad=True)
    (torch.nn.functional.embedding(torch.tensor(ids), weight) * torch.tensor(drows)).sum().backward()
    assert np.abs(embedding_backward(table, ids, drows) - weight.grad.numpy()).max() < 1e-12


def test_embedding_refuses_what_it_cannot_look_up():
    table = np.ones((4, 2))
    with pytest.raises(ValueError, match=r"embedding_forward: ids must be in 0..3 \(V=4 from table\), got 4"):
        embedding_forward(table, np.array([1, 4]))
    with pytest.raises(ValueError, match="got -1"):
        embedding_forward(table, np.array([-1]))
    with pytest.raises(TypeError, match="ids must be an array of integers"):
        embedding_forward(table, np.array([0.0]))
    with pytest.raises(ValueError, match=r"drows must be \(2, 2\) \(from ids and table\), got shape \(3, 2\)"):
        embedding_backward(table, np.array([0, 1]), np.ones((3, 2)))


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("layers", [1, 2])
def test_tagger_gradients_against_central_differences(directions, layers):
    p = small_tagger(directions, layers)
    batch = make_batch(SENTENCES, tags(), WORDS, LETTERS)
    loss, grads = tagger_loss(p, batch)
    errors = check_gradients(lambda q: tagger_loss(q, batch)[0], p, grads)
    assert max(errors.values()) < 5e-6, errors


def test_tagger_gradients_hold_with_dropout():
    p, batch = small_tagger(2), make_batch(SENTENCES, tags(), WORDS, LETTERS)
    _, grads = tagger_loss(p, batch, 0.4, np.random.default_rng(3))
    errors = check_gradients(lambda q: tagger_loss(q, batch, 0.4, np.random.default_rng(3))[0], p, grads)
    assert max(errors.values()) < 5e-6, errors


@pytest.mark.parametrize("directions", [1, 2])
def test_a_sentence_is_tagged_alike_alone_and_in_a_batch(directions):
    p = small_tagger(directions)
    together = tagger_logits(p, make_batch(SENTENCES, None, WORDS, LETTERS))
    for b, sentence in enumerate(SENTENCES):
        alone = tagger_logits(p, make_batch([sentence], None, WORDS, LETTERS))[:, 0]
        assert np.allclose(together[: len(sentence), b], alone, rtol=0, atol=1e-12)


def test_one_direction_knows_nothing_of_words_to_come_and_two_do():
    first, other = ["the", "cat", "sat"], ["the", "cat", "ran"]
    for directions, same in ((1, True), (2, False)):
        p = small_tagger(directions)
        a, b = (tagger_logits(p, make_batch([s], None, WORDS, LETTERS))[:2] for s in (first, other))
        assert np.allclose(a, b, rtol=0, atol=1e-12) is same


def test_an_unknown_word_is_told_by_its_letters():
    p = small_tagger(2)
    a, b = (tagger_logits(p, make_batch([[word]], None, WORDS, LETTERS)) for word in ("off", "home"))
    assert make_batch([["off", "home"]], None, WORDS, LETTERS).ids.tolist() == [[0], [0]]
    assert np.abs(a - b).max() > 1e-6


def test_make_batch_refuses_empty_sentences():
    with pytest.raises(ValueError, match="make_batch: sentences must hold at least one sentence"):
        make_batch([["the"], []], None, WORDS, LETTERS)


GOOD = "# text\n1\tThe\tthe\tDET\tDT\t_\t2\tdet\t_\t_\n"
GOOD += "2-3\tdon't\t_\t_\t_\t_\t_\t_\t_\t_\n2\tdo\tdo\tAUX\tV\t_\t0\troot\t_\t_\n\n"


@pytest.mark.parametrize("packed", [False, True])
def test_conllu_is_read_with_multiword_tokens_left_out(tmp_path, packed):
    path = tmp_path / ("a.conllu.gz" if packed else "a.conllu")
    raw = (GOOD + GOOD.replace("The", "One").rstrip("\n")).encode()
    path.write_bytes(gzip.compress(raw) if packed else raw)
    sentences = read_conllu(path)
    assert [s.words for s in sentences] == [("The", "do"), ("One", "do")]
    assert sentences[0].tags == ("DET", "AUX")


def test_conllu_errors_name_file_and_line(tmp_path):
    path = tmp_path / "bad.conllu"
    path.write_text(GOOD + "1\tonly three\tcolumns\n", encoding="utf8")
    with pytest.raises(ValueError, match=r"bad.conllu, line 6: must have 10 columns, got 3"):
        read_conllu(path)
    path.write_text(GOOD.replace("DET", "WHAT"), encoding="utf8")
    with pytest.raises(ValueError, match=r"line 2: the tag must be one of UPOS, got 'WHAT'"):
        read_conllu(path)


def test_without_letters_not_even_the_length_of_a_word_is_seen():
    p = small_tagger(2)
    a, b = (tagger_logits(p, make_batch([[word]], None, WORDS, {})) for word in ("off", "somewhere"))
    assert np.array_equal(a, b)

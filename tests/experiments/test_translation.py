"""The translation run works and repeats at small size; its parts are right; its record holds what chapter 18 says."""

import json

import numpy as np
import pytest
import torch

from course_pkg.data.gold_alignments import Aligned
from course_pkg.data.tatoeba import Pair, french_words
from course_pkg.decoding import Hypothesis
from course_pkg.encoder_decoder import END, START
from course_pkg.metrics import bleu
from experiments import translation, translation_alignments, translation_scores
from experiments.translation_data import corpus, made_up

RECORD = json.loads(translation.RESULT.read_text("utf8"))
SIZES = translation.Sizes(8, 8, 8)


def data():
    return corpus(made_up(), 0, 4, 8, min_count=1)


def without_times(record):
    for one in record["networks"].values():
        for row in one["curve"]:
            row.pop("cpu_seconds")
    return record


def test_the_run_works_repeats_and_records_nothing(capsys):
    before = translation.RESULT.read_bytes() if translation.RESULT.exists() else None
    first, second = (without_times(translation.main(["small"])) for _ in range(2))
    assert first == second
    after = translation.RESULT.read_bytes() if translation.RESULT.exists() else None
    assert after == before
    assert {row["method"] for row in first["alignment"]["rows"]} == {
        "attention", "next word", "word before", "diagonal", "model 1"}  # fmt: skip
    assert first["leak"]["by sentence"]["english seen"] == 0


def test_a_break_changes_nothing(tmp_path):
    text, quiet = data(), lambda line: None
    whole = translation.Learning(text, "attention", 0, SIZES, None, quiet)
    broken = translation.Learning(text, "attention", 0, SIZES, tmp_path, quiet)
    whole.round(), whole.round(), broken.round()
    again = translation.Learning(text, "attention", 0, SIZES, tmp_path, quiet)
    again.round()
    for a, b in ((whole.model, again.model), (whole.mean, again.mean)):
        assert all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))
    assert [row["learnt"] for row in whole.curve] == [row["learnt"] for row in again.curve]


def test_it_learns_the_made_up_sentences(monkeypatch):
    monkeypatch.setattr(translation, "LR", 1e-2)
    text, sizes = data(), translation.Sizes(16, 24, 4)
    one = translation.Learning(text, "attention", 0, sizes, None, lambda line: None)
    for _ in range(30):
        one.round()
    before = translation.nats(translation.new_model(text, "attention", 0, sizes), text.development)
    assert translation.nats(one.mean, text.development) < 0.3 * before
    p = translation.params_of(one.mean, text, sizes, "additive")
    tested = translation_scores.Tested(text.parts.test)
    rows = translation_scores.beam_rows(p, text, tested, ((1, "none"), (2, "mean")), lambda line: None)
    assert [row["width"] for row in rows] == [1, 2] and all(row["bleu"] > 50 for row in rows), rows


def test_every_pair_is_read_once_in_an_epoch():
    seen = []
    one = translation.Learning(data(), "summary", 0, SIZES, None, lambda line: None)
    one.update = lambda batch, rng: seen.extend(map(tuple, batch[2].T.tolist())) or 1.0
    for _ in range(translation.ROUNDS):
        one.round()
    ends = [tuple(i for i in ids if i) for ids in seen]
    assert sorted(ends) == sorted(tuple(f.tolist()) for _, f in data().learnt)


def test_the_estimated_softmax_is_the_exact_one_when_every_word_is_in_it():
    text = data()
    model = translation.new_model(text, "attention", 0, SIZES)
    batch = next(translation.batches(np.random.default_rng(0), text.learnt, 8))
    features, words = translation.states_of(model, batch)
    exact = torch.nn.functional.cross_entropy(model.out(features), words)
    quiet = {"FREQUENT": 3, "DRAWN": 10_000}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**quiet, "DROPOUT": 0.0}.items():
            patch.setattr(translation, name, value)
        assert torch.isclose(translation.estimated_loss(model, batch, np.random.default_rng(0)), exact, rtol=1e-5)
        batch = next(translation.batches(np.random.default_rng(0), text.learnt[:1], 1))
        features, words = translation.states_of(model, batch)
        exact = torch.nn.functional.cross_entropy(model.out(features), words)
        patch.setattr(translation, "DRAWN", 2)
        found = [float(translation.estimated_loss(model, batch, np.random.default_rng(s)).detach()) for s in range(200)]
    assert np.std(found) > 0 and abs(np.mean(found) - float(exact.detach())) < 0.05


def test_padding_of_batches():
    pairs = [(np.array([4, 5]), np.array([1, 6, 2])), (np.array([4]), np.array([1, 7, 8, 2]))]
    source, mask, target, real = next(translation.batches(np.random.default_rng(0), pairs, 2))
    assert source.T.tolist() == [[4, 0], [4, 5]] and mask.T.tolist() == [[True, False], [True, True]]
    assert target.T.tolist() == [[1, 7, 8, 2], [1, 6, 2, 0]] and real.T.tolist()[1] == [True, True, True, False]


def test_unknown_words_are_copied_from_where_the_network_looks():
    text = data()
    unknown = text.french.unknown_id
    weights = np.array([[0.1, 0.9], [0.8, 0.2], [0.5, 0.5]])
    found = Hypothesis(np.array([unknown, 5, END]), -1.0, -1.0, True, weights)
    assert translation_scores.words_of(found, text.french, ["old", "tom"]) == ["tom", text.french.tokens[5]]
    assert translation_scores.words_of(found, text.french) == ["<unk>", text.french.tokens[5]]
    assert START not in found.tokens


def test_the_translation_memory_gives_the_nearest_sentence():
    pairs = made_up()
    assert translation_scores.memory_texts(pairs, [pairs[7].english]) == [pairs[7].french]
    two = [Pair("They want a house.", "Ils veulent une maison."), Pair("We see the cat here.", "Nous voyons le chat.")]
    assert translation_scores.memory_texts(two, ["Do we see the cat?"]) == ["Nous voyons le chat."]


def test_model_one_learns_who_belongs_to_whom():
    """Three sentences of Knight's kind: from them alone follows that "maison" is house."""
    english = {"the": 0, "house": 1, "blue": 2, "flower": 3}
    french = {"la": 0, "maison": 1, "bleue": 2, "fleur": 3}
    texts = [("the house", "la maison"), ("the blue house", "la maison bleue"), ("the flower", "la fleur")]
    pairs = [(np.array([english[w] for w in e.split()]), np.array([french[w] for w in f.split()])) for e, f in texts]
    model = translation_alignments.ModelOne(pairs, 4, rounds=30)
    t = model.links(np.arange(4), np.arange(4))[:, :4]  # t(f | e), no column for no word
    assert t[1].argmax() == 1 and t[2].argmax() == 2 and t[3].argmax() == 3
    totals = model.links(np.arange(4), np.arange(4)).sum(axis=0)
    assert np.allclose(totals, 1), "t(. | e) is a distribution over French words"


def test_pieces_remember_their_words():
    tokens, owners = translation_alignments.pieces(("Dit-il", "l'ami", "…"), french_words)
    assert tokens == ["dit", "-il", "l'", "ami", "…"] and owners.tolist() == [0, 0, 1, 1, 2]


def test_links_of_the_diagonal_against_gold():
    gold = [Aligned(("a", "b"), ("x", "y"), frozenset({(0, 0), (1, 1)}), frozenset({(0, 0), (1, 1)}), "ours")]
    rows = translation_alignments.alignment_rows(gold, {"diagonal": translation_alignments.diagonal(gold)})
    assert [row["length"] for row in rows] == ["all", "1-10", "without articles"]
    assert all(row["error_rate"] == 0 for row in rows)


def test_shifted_links_stay_in_the_sentence():
    gold = [Aligned(("a", "b"), ("x", "y", "z"), frozenset(), frozenset(), "ours")]
    assert translation_alignments.shifted([{(0, 0), (1, 2)}], gold, 1) == [{(0, 1), (1, 2)}]
    assert translation_alignments.shifted([{(0, 0), (1, 2)}], gold, -1) == [{(0, 0), (1, 1)}]


def test_articles_are_left_out_on_both_sides():
    gold = [Aligned(("La", "car"), ("the", "car"), frozenset({(0, 0), (1, 1)}), frozenset({(0, 0), (1, 1)}), "ours")]
    rows = translation_alignments.alignment_rows(gold, {"looks at nouns": [{(0, 1), (1, 1)}]})
    assert [row["error_rate"] for row in rows] == [0.5, 0.5, 0.0]


def test_the_record_is_whole():
    leak, found = RECORD["leak"], RECORD["translations"]
    assert RECORD["command"].startswith("python -m experiments.translation learn --data FOLDER")
    assert leak["by sentence"]["english seen"] == 0 < leak["by chance"]["english seen"]
    assert leak["by chance"]["memory"]["bleu"] > leak["by sentence"]["memory"]["bleu"]
    for name, searches in translation.SEARCHES.items():
        assert [(row["width"], row["normalise"]) for row in found["beams"][name]] == list(searches)
    assert all("version:" in signature for signature in found["signatures"])
    curves = [RECORD["networks"][name]["curve"] for name in translation.NETWORKS]
    for curve in curves:
        nats = [row["learnt"] for row in curve]
        assert nats == sorted(nats, reverse=True)
    assert {len(curve) for curve in curves} == {len(curves[0])}, "both have read as much"
    assert translation.RESULT.stat().st_size < 150_000


def test_examples_of_the_record_score_as_the_scorer_says():
    examples = RECORD["translations"]["examples"]
    assert len(examples) == translation_scores.EXAMPLES
    value = bleu([e["attention"] for e in examples], [e["references"] for e in examples], lowercase=True).value
    (whole,) = [row["bleu"] for row in RECORD["translations"]["rows"]
                if row["method"] == "attention" and row["group"] == "all"]  # fmt: skip
    assert abs(value - whole) < 20  # forty of two thousand
    for picture in RECORD["alignment"]["pictures"]:
        weights = np.array(picture["weights"])
        assert weights.shape == (len(picture["french"]), len(picture["english"]))
        assert np.allclose(weights.sum(axis=1), 1, atol=0.01)

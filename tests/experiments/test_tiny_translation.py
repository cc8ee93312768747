"""The run of the little translators repeats at small size; its record and weights hold what chapters 16 and 17 say."""

import json

import numpy as np
import pytest

from course_pkg.data.synonyms import is_translation
from course_pkg.data.tiny_french import combinations, is_held_out
from course_pkg.pair_weights import attention_name, load_encoder_decoder
from experiments import tiny_translation as lab


def small(*arguments):
    result = lab.main(["--small", *arguments])
    for run in result["runs"]:
        run.pop("cpu_seconds")
    for run in result.get("numbers", []):
        run.pop("cpu_seconds")
    return result


def test_the_run_works_repeats_and_records_nothing_when_small():
    before = lab.RESULT.read_bytes() if lab.RESULT.exists() else None
    assert small() == small()
    assert (lab.RESULT.read_bytes() if lab.RESULT.exists() else None) == before
    assert [run["kind"] for run in small("--only", "dot")["runs"]] == ["dot"]
    assert small("--only", "numbers")["runs"] == []


def test_a_few_updates_lower_the_loss():
    _, record = lab.learn("additive", 0, updates=60, n=2, looks=3)
    first, _, last = record["losses"]
    assert last < 0.8 * first and first < 1.2 * np.log(len(lab.FRENCH))


def test_no_training_sentence_has_a_combination_of_a_test_sentence():
    for phrases in (1, 4):
        pairs = lab.test_sentences(phrases, 50)
        assert all(any(is_held_out(*pair) for pair in combinations(one.english)) for one in pairs)
        assert all(one.english.count("the") == phrases for one in pairs)
    for one in lab.draw(np.random.default_rng(0), 100, lab.TRAINED):
        assert not any(is_held_out(*pair) for pair in combinations(one.english))


def test_gaps_are_empty_translations_in_their_share():
    rng = np.random.default_rng(0)
    empty = [(lab.draw_batch(rng, True, 0.05).target_mask.sum(axis=0) == 1).mean() for _ in range(60)]
    assert 0.03 < np.mean(empty) < 0.07
    assert (lab.draw_batch(rng, True, 0.0).target_mask.sum(axis=0) > 1).all()


def test_the_record_is_whole():
    record = json.loads(lab.RESULT.read_text("utf8"))
    runs = {(run["kind"], run["seed"]): run for run in record["runs"]}
    assert set(runs) == {(kind, s) for kind in lab.KINDS for s in range(lab.SEEDS)}
    assert {(run["H"], run["seed"]) for run in record["numbers"]} == {(H, s) for H in (32,) for s in range(3)}
    for (kind, _), run in runs.items():
        assert run["updates"] == lab.KINDS[kind][1] and len(run["right"]) == lab.TESTED
        assert (run["looked"] is None) == (lab.KINDS[kind][0] is None)
        assert ("known" in run) == (kind in lab.COMPARED) and ("looks" in run) == (kind == "additive")
        assert ("wider" in run) == (kind == "synonyms and gaps")


@pytest.mark.parametrize("kind", [kind for kind, setting in lab.KINDS.items() if setting[4]])
def test_the_kept_weights_are_those_of_the_record(kind):
    attention, *_, name = lab.KINDS[kind]
    path = lab.RESULTS / f"tiny_translation_{name}.npz"
    assert path.stat().st_size < 180_000
    model = load_encoder_decoder(path)
    assert (model.source_tokens, model.target_tokens) == (lab.ENGLISH.tokens, lab.FRENCH.tokens)
    assert attention_name(model.params) == attention
    record = json.loads(lab.RESULT.read_text("utf8"))
    recorded = next(run for run in record["runs"] if (run["kind"], run["seed"]) == (kind, 0))
    again = lab.evaluate(model.params, lab.SENTENCES)["right"]
    np.testing.assert_allclose(again, recorded["right"], atol=0.0101)  # two sentences of 200
    if kind == "additive":
        np.testing.assert_allclose(lab.share_known(model.params, 200), recorded["known"], atol=0.0101)
        looks = lab.count_looks(model.params, 2, lab.SENTENCES)
        assert looks.keys() == recorded["looks"].keys()
        np.testing.assert_allclose(list(looks.values()), list(recorded["looks"].values()), atol=0.0101)
    if "wider" in recorded:
        wider = lab.search_wider(model.params, 4, 50)
        for name, shares in wider.items():
            np.testing.assert_allclose(shares, recorded["wider"]["4"][name], atol=0.0201)  # one sentence of 50


def test_the_green_car():
    model = load_encoder_decoder(lab.RESULTS / "tiny_translation_seed0.npz").params
    source = lab.ENGLISH.encode("the green car".split())[:, None]
    written = lab.write_greedily(model, source, None, 10)
    words = lab.sentences(written.tokens, lab.FRENCH)[0]
    assert words == ("la", "voiture", "verte") and is_translation(["the", "green", "car"], words)
    assert written.weights[1:3, 0].argmax(axis=1).tolist() == [2, 1]  # voiture at car, verte at green

"""The recorded run of the character model repeats at small size, and its record and weights hold what the book says."""

import json

import numpy as np

from course_pkg.data.code_text import CHARACTERS, character_ids
from course_pkg.language_models import next_token_nats
from course_pkg.ngrams import absolute_discounting, continuation_counts, count_ngrams
from course_pkg.weights import load_language_model
from experiments import char_model


def small(**changed):
    result = char_model.main(["--small", *changed.get("arguments", [])])
    for run in result["runs"]:
        run.pop("cpu_seconds")
        for stage in run["stages"]:
            stage.pop("cpu_seconds")
    return result


def test_the_run_works_repeats_and_learns(tmp_path):
    first, second = small(arguments=["--weights", str(tmp_path)]), small()
    first.pop("command"), second.pop("command")
    assert first == second
    (run,) = first["runs"]
    before, after = run["stages"]
    assert (before["updates"], after["updates"]) == (0, 20)
    assert after["bits_per_character"] < before["bits_per_character"] < np.log2(len(CHARACTERS)) + 0.5
    p, tokens, cell = load_language_model(tmp_path / "char_model_seed0.npz")
    assert tokens == CHARACTERS.tokens and cell == "lstm" and p.out.W.shape == (98, 16)
    assert {len(text) for text in run["samples"].values()} == {40}


def test_another_seed_is_another_run():
    assert small()["runs"][0]["samples"] != small(arguments=["--seeds", "1"])["runs"][0]["samples"]


def test_counting_is_right_on_a_text_that_one_can_count():
    train, test = np.array([0, 0, 1, 0, 0, 1, 0, 0, 1]), np.array([0, 0, 1])
    p0 = (3 + 2 / 98) / (7 + 2)  # of the 7 characters after the second, 3 are 1; 2 kinds; below that all 98 alike
    found = char_model.counting_bits(train, test, 2)
    after_zero = [b for a, b in zip(train[1:], train[2:], strict=False) if a == 0]
    p1 = (sum(b == 1 for b in after_zero) + 2 * p0) / (len(after_zero) + 2)
    assert np.allclose(2.0 ** -np.array(found), [p0, p1, (3 + p1) / 4], atol=1e-3)  # 00 came thrice, then 1


def test_kneser_ney_bits_are_those_of_the_probabilities():
    train, test = np.array([0, 1, 0, 2, 0, 1, 3] * 5), np.array([0, 1, 0, 2])
    found = char_model.kneser_ney_bits(train, test, n=3)
    counts = continuation_counts(count_ngrams([train], 3, len(CHARACTERS)))
    probs = [absolute_discounting(counts, test[:t], 0.85)[test[t]] for t in range(4)]
    assert found["n"] == 3 and set(found["by_discount"]) == {"0.75", "0.85", "0.95"}
    assert np.isclose(found["by_discount"]["0.85"], -np.log2(probs).mean(), atol=1e-4)


def test_record_and_weights_agree():
    record = json.loads(char_model.RESULT.read_text("utf8"))
    assert [run["seed"] for run in record["runs"]] == [0, 1, 2]
    for run in record["runs"]:
        bits = [stage["bits_per_character"] for stage in run["stages"]]
        assert bits == sorted(bits, reverse=True)
        assert bits[-1] < min(record["counting_bits"]) - 0.2  # chapter 11: simple counts are beaten, but Kneser-Ney
        assert all(abs(bits[-1] - found) < 0.12 for found in record["kneser_ney"]["by_discount"].values())  # is not
        assert run["cpu_seconds"] < 600
    file = char_model.RESULT.with_name("char_model_seed0.npz")
    assert file.stat().st_size <= 300_000
    p, tokens, _ = load_language_model(file)
    assert tokens == CHARACTERS.tokens
    code = character_ids('def area(width, height):\n\t"""Return the area."""\n\treturn width * height\n')
    bits = next_token_nats(p, code[:, None]).mean() / np.log(2)
    assert bits < 3.2  # this text hangs on no library; equal chances cost 6.6

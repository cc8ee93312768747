"""The run on review sentences repeats at small size, its folds and intervals are right, its record is whole."""

import json
from pathlib import Path

import numpy as np
import pytest

from experiments import sentiment

DATA = Path(__file__).parents[3] / "shared" / "data" / "uci_sentiment"


def make_reviews(folder, count=40):
    """Made-up sentences in the same format; "good" and "bad" decide, the second line occurs twice."""
    rng = np.random.default_rng(0)
    things = ("soup", "film", "phone", "door", "bread", "sound", "table")
    for source in sentiment.SOURCES:
        lines = []
        for i in range(count):
            positive = i // 2 % 2
            tone = "good" if positive else "bad"
            a, b = rng.choice(things, 2)
            lines.append(f"The {a} number {i} of {source} and the {b} were {tone}.\t{positive}")
        lines.append(lines[1])
        (folder / f"{source}_labelled.txt").write_text("\n".join(lines) + "\n", encoding="utf8")


def test_the_run_works_and_repeats(tmp_path, capsys):
    make_reviews(tmp_path)
    before = sentiment.RESULT.read_bytes() if sentiment.RESULT.exists() else None
    for arguments in (["real", "--data", str(tmp_path), "--small"], ["own", "--small"]):
        first, second = (sentiment.main(arguments) for _ in range(2))
        for result in (first, second):
            result.pop("cpu_seconds")
            for row in result["rows"]:
                row.pop("cpu_seconds", None)
        assert first == second
    assert {row["tail"] for row in first["rows"]} == {0, 1}
    after = sentiment.RESULT.read_bytes() if sentiment.RESULT.exists() else None
    assert after == before, "a small run records nothing"


def test_a_bag_and_a_network_learn_what_two_words_say(tmp_path):
    make_reviews(tmp_path)
    data = sentiment.load(tmp_path)
    assert len(data) == 120, "repeated sentences are left out"
    truth = np.array([d.positive for d in data], bool)
    learn, stop = data[::2], data[1::4]
    assert np.mean(sentiment.fit_bag(True, learn, stop)(data) == truth) > 0.95
    assert np.mean(sentiment.fit("gru", "max", learn, stop, 0, 40)(data) == truth) > 0.9


def test_each_fold_has_its_share_and_each_sentence_one_fold(tmp_path):
    make_reviews(tmp_path)
    data = sentiment.load(tmp_path)
    where = sentiment.folds(data, 3)
    assert sorted(set(where)) == list(range(sentiment.FOLDS))
    for source in sentiment.SOURCES:
        for label in (0, 1):
            own = [d.source == source and d.positive == label for d in data]
            assert np.ptp(np.bincount(where[own], minlength=sentiment.FOLDS)) <= 1
    assert not np.array_equal(where, sentiment.folds(data, 4))


@pytest.mark.parametrize(("right", "n"), [(84, 100), (20, 20), (0, 7), (2420, 2979)])
def test_wilsons_interval_holds_the_rates_that_the_count_does_not_refuse(right, n):
    low, high = sentiment.wilson(right / n, n)
    rates = np.linspace(0, 1, 200_001)
    kept = rates[np.abs(right / n - rates) <= 1.96 * np.sqrt(rates * (1 - rates) / n) + 1e-12]
    assert [low, high] == pytest.approx([kept.min(), kept.max()], abs=1e-4)


def test_the_difference_of_equals_is_zero_and_of_unequals_is_not():
    rng = np.random.default_rng(0)
    a, b = rng.random((3, 500)) < 0.8, rng.random((3, 500)) < 0.7
    assert sentiment.difference(a, a) == [0, 0, 0]
    mean, low, high = sentiment.difference(a, b)
    assert low < mean < high and low > 0 and mean == pytest.approx(a.mean() - b.mean(), abs=1e-4)


@pytest.mark.parametrize("line", ["no tab 1", "a sentence\t2", "\t1", "a sentence\t"])
def test_damaged_files_are_refused(tmp_path, line):
    make_reviews(tmp_path)
    path = tmp_path / "imdb_labelled.txt"
    path.write_text("Fine.\t1\n" + line + "\n", encoding="utf8")
    with pytest.raises(ValueError, match="imdb_labelled.txt, line 2: must be a sentence, a tab and 0 or 1"):
        sentiment.load(tmp_path)


def test_missing_data_say_what_to_get(tmp_path):
    with pytest.raises(FileNotFoundError, match="must hold amazon_cells_labelled.txt; get"):
        sentiment.main(["real", "--data", str(tmp_path)])


def test_negations_are_found():
    assert sentiment.has_negation(("i", "don't", "know")) and sentiment.has_negation(("never", "again"))
    assert not sentiment.has_negation(("nothingness", "knots", "good"))


def test_the_record_is_whole():
    record = json.loads(sentiment.RESULT.read_text(encoding="utf8"))
    own, real = record["own"]["rows"], record["real"]["rows"]
    assert len(own) == 2 * 3 * 4 and all(len(row["new"]) == 3 for row in own)
    assert len(real) == 2 + len(sentiment.NETWORKS) and record["real"]["sentences"] == 2979
    for row in real:
        assert row["interval"][0] < row["accuracy"] < row["interval"][1] and row["accuracy"] > 0.7
        assert row["accuracy"] == pytest.approx(np.mean(row["seeds"]), abs=1e-3)


@pytest.mark.skipif(not DATA.is_dir(), reason="the sentences are not there: only where shared data are mounted")
def test_the_real_sentences_are_read_whole():
    data = sentiment.load(DATA)
    assert len(data) == 2979 and {d.source for d in data} == set(sentiment.SOURCES)
    assert max(len(d.words) for d in data) == 79

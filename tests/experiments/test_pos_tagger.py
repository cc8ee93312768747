"""The recorded run of the tagger repeats at small size, and its record holds what the book says of it."""

import json
from pathlib import Path

import pytest

from experiments import pos_tagger

DATA = Path(__file__).parents[3] / "shared" / "data" / "ud_english_ewt"


def make_treebank(folder):
    """A made-up treebank in the same format: articles, nouns, verbs."""
    nouns, verbs = ("cat", "dog", "bird", "child"), ("runs", "sleeps", "sings")
    lines = []
    for i in range(60):
        words = (("the", "DET"), (nouns[i % 4], "NOUN"), (verbs[i % 3], "VERB"), (".", "PUNCT"))
        lines += [f"{n}\t{w}\t_\t{tag}\t_\t_\t_\t_\t_\t_" for n, (w, tag) in enumerate(words, 1)] + [""]
    for part in ("train", "dev", "test"):
        (folder / f"en_ewt-ud-{part}.conllu").write_text("\n".join(lines) + "\n", encoding="utf8")


def test_the_run_works_and_repeats(tmp_path, capsys):
    make_treebank(tmp_path)
    arguments = ["--data", str(tmp_path), "--small", "--seed", "3"]
    first, second = (pos_tagger.main(arguments) for _ in range(2))
    for result in (first, second):
        for run in result["runs"]:
            run.pop("cpu_seconds")
    assert first == second
    assert first["baseline_test"] == 1.0  # in this treebank a word has one tag
    assert [run["directions"] for run in first["runs"]] == [2, 1, 2]


def test_missing_data_say_what_to_get(tmp_path):
    with pytest.raises(FileNotFoundError, match="must hold en_ewt-ud-train.conllu"):
        pos_tagger.main(["--data", str(tmp_path)])


def test_the_record_reaches_what_the_book_says():
    record = json.loads(pos_tagger.RESULT.read_text(encoding="utf8"))
    two, one, blind = record["runs"]
    assert blind["letters"] is False and two["test_unknown_words"] > blind["test_unknown_words"]
    assert two["directions"] == 2 and two["test"] >= 0.935
    assert two["test"] > one["test"] > record["baseline_test"]


@pytest.mark.skipif(not DATA.is_dir(), reason="the treebank is not there: only where shared data are mounted")
def test_the_real_treebank_is_read_whole():
    sizes = [len(pos_tagger.load(DATA, part)) for part in ("train", "dev", "test")]
    assert sizes == [12544, 2001, 2077]

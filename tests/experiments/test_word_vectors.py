"""The recorded run of the word vectors repeats at small size, and its record holds what the book says of it."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from course_pkg.data.small_world import CAPITAL_PAIRS, world_sentences
from experiments import word_vectors

DATA = Path(__file__).parents[3] / "shared" / "data"


def make_data(folder):
    """The small world as a text, and the questions about its capitals, in the formats of the real files."""
    lines = [" ".join(s) + " <unk> \n" for s in world_sentences(np.random.default_rng(0), 400)]
    (folder / "train.txt.gz").write_bytes(gzip.compress("".join([" \n", *lines]).upper().encode()))
    questions = [f"{a} {b} {c} {d}\n" for a, b in CAPITAL_PAIRS for c, d in CAPITAL_PAIRS if a != c]
    unknown = "Norway Oslo Sweden Stockholm\n"
    (folder / "questions.txt").write_text(": capitals\n" + "".join(questions).title() + unknown, encoding="utf8")
    return ["--data", str(folder), "--questions", str(folder / "questions.txt"), "--small", "--seed", "3"]


def test_the_run_works_and_repeats(tmp_path):
    arguments = make_data(tmp_path)
    first, second = (word_vectors.main(arguments) for _ in range(2))
    for result in (first, second):
        for run in result["runs"].values():
            run.pop("cpu_seconds")
    assert first == second
    assert first["questions"] == [31, 30] and first["vocabulary"] > 50
    assert set(first["runs"]) == {"skip-gram", "GloVe"}
    for run in first["runs"].values():
        own = run["all"]["then the answer is"]
        assert 0 <= run["all"]["add, nothing excluded"] + sum(own.values()) <= 1


def test_missing_data_say_what_to_get(tmp_path):
    with pytest.raises(FileNotFoundError, match="must hold WikiText-2's train.txt"):
        word_vectors.read_text(tmp_path)


def test_a_damaged_question_is_refused_by_its_line(tmp_path):
    (tmp_path / "q.txt").write_text(": a\nx y z w\nx y z\n", encoding="utf8")
    with pytest.raises(ValueError, match="line 3: expected four words, got 'x y z'"):
        word_vectors.read_questions(tmp_path / "q.txt")


def test_the_record_reaches_what_the_book_says():
    record = json.loads(word_vectors.RESULT.read_text(encoding="utf8"))
    run = record["runs"]["skip-gram"]
    total, capitals = run["all"], run["categories"]["capital-common-countries"]
    assert record["questions"] == [19544, 8087] and total["questions"] == 8087
    assert abs(total["add"] - total["nearest to c"]) < 0.02  # no better than nearness
    assert capitals["add"] > 0.04 and capitals["nearest to c"] == 0  # but here it is
    assert total["add, nothing excluded"] < 0.01 < 0.99 < sum(total["then the answer is"].values())


@pytest.mark.skipif(not DATA.is_dir(), reason="the text is not there: only where shared data are mounted")
def test_the_real_files_are_read_whole():
    questions = word_vectors.read_questions(DATA / "embeddings_eval" / "questions-words.txt")
    assert len(questions) == 14 and sum(map(len, questions.values())) == 19544
    lines = word_vectors.read_text(DATA / "wikitext2")
    assert sum(map(len, lines)) > 1_900_000

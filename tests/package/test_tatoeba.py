"""Pairs of sentences: words there and back, splits that leak nothing and the one that does, gold alignments."""

import zipfile

import numpy as np
import pytest

from course_pkg.data.gold_alignments import STORIES, read_gold, read_story
from course_pkg.data.tatoeba import (
    Pair,
    english_words,
    french_words,
    join_french,
    read_pairs,
    references,
    seen_share,
    sentence_key,
    split_by_english,
    split_pairs_by_chance,
)

FRENCH = {
    "Où l'as-tu mis ?": "où l' as -tu mis ?",
    "Donne-le-moi aujourd’hui, peut-être.": "donne -le -moi aujourd'hui , peut-être .",
    "A-t-il dit : « Oui » ?": "a -t-il dit : « oui » ?",
    "Quelqu'un l'a-t-elle vu là-bas ?": "quelqu' un l' a -t-elle vu là-bas ?",
    "J'ai pris rendez-vous ; allez-vous-en !": "j' ai pris rendez-vous ; allez -vous -en !",
    "Il a dit 'non' à 10 %.": "il a dit ' non ' à 10 % .",
    "-tu": "- tu",
}
ENGLISH = {
    "I don't know Tom's well-known brother.": "i don 't know tom 's well-known brother .",
    "It’s 5 o'clock.": "it 's 5 o 'clock .",
    "'Yes,' he said.": "' yes , ' he said .",
}


@pytest.mark.parametrize("text", FRENCH)
def test_french_is_cut_and_joined(text):
    assert french_words(text) == FRENCH[text].split()
    assert french_words(join_french(french_words(text))) == french_words(text)


@pytest.mark.parametrize("text", ENGLISH)
def test_english_is_cut(text):
    assert english_words(text) == ENGLISH[text].split()


@pytest.mark.parametrize("seed", range(200))
def test_joined_french_is_cut_as_before(seed):
    """Any text: words, clitics, apostrophes and marks in any order."""
    rng = np.random.default_rng(seed)
    bits = ["l'", "j'", "'", "-", "-tu", "-t-il", " ", " ", "ami", "été", ".", ",", "?", "«", "rendez-vous", "10", "’",
            "\u202f!", "(", ")", "…", "aujourd'hui", "\u00a0:", "-là", "e\u0301t"]  # fmt: skip
    tokens = french_words("".join(rng.choice(bits, rng.integers(1, 12))))
    assert french_words(join_french(tokens)) == tokens
    assert not any(token.isspace() or not token for token in tokens)


def test_joined_text_is_written_as_usual():
    text = "n'est-ce pas ? l'ami, lui, dit-il, viendra."
    assert join_french(french_words(text)) == text


def test_the_key_forgets_capitals_and_marks():
    assert sentence_key("Go!") == sentence_key("go.") == ("go",)
    assert sentence_key("Don't go.") == ("don", "'t", "go") != sentence_key("Do go.")


def pairs(count=60):
    return [Pair(f"Sentence {i // 3}{'.!?'[i % 3]}", f"Phrase {i} ou {i % 7}.") for i in range(count)]


@pytest.mark.parametrize("seed", range(10))
def test_no_sentence_is_in_two_parts(seed):
    parts = split_by_english(np.random.default_rng(seed), pairs(), 4, 5)
    keys = [{sentence_key(p.english) for p in part} for part in parts]
    assert [len(k) for k in keys] == [11, 4, 5]
    assert not (keys[0] & keys[1] or keys[0] & keys[2] or keys[1] & keys[2])
    assert sorted(p for part in parts for p in part) == sorted(pairs())
    assert seen_share(parts.train, parts.test) == 0


def test_a_split_of_pairs_leaks():
    train, test = split_pairs_by_chance(np.random.default_rng(0), pairs(600), 0.1)
    assert sorted(train + test) == sorted(pairs(600)) and 30 < len(test) < 90
    assert seen_share(train, test) > 0.9  # three pairs of each sentence
    assert seen_share(train, test, "french") == 0


def test_seen_share_counts_pairs():
    train = [Pair("Go.", "Va !"), Pair("Run.", "Cours !")]
    test = [Pair("Go!", "Allez !"), Pair("Stop.", "Va."), Pair("Wait.", "Attends !"), Pair("Wait.", "Attendez !")]
    assert seen_share(train, test) == 1 / 4
    assert seen_share(train, test, "french") == 1 / 4


def test_references_are_grouped():
    found = references([Pair("Go.", "Va !"), Pair("Stop.", "Arrête !"), Pair("Go!", "Allez !")])
    assert [len(group) for group in found.values()] == [2, 1]


def test_both_forms_of_the_file_are_read(tmp_path):
    text = "Go.\tVa !\nGo.\tVa !\nRun!\tCours\u202f!\tCC-BY 2.0 (France)\n"
    (tmp_path / "fra.txt").write_text(text, "utf8")
    with zipfile.ZipFile(tmp_path / "fra-eng.zip", "w") as archive:
        archive.writestr("fra.txt", text)
        archive.writestr("_about.txt", "")
    wanted = [Pair("Go.", "Va !"), Pair("Run!", "Cours\u202f!")]
    assert read_pairs(tmp_path / "fra.txt") == read_pairs(tmp_path / "fra-eng.zip") == wanted


@pytest.mark.parametrize("line", ["no tab here", "Go.\t", "\tVa !"])
def test_a_broken_line_is_named(tmp_path, line):
    (tmp_path / "fra.txt").write_text("Go.\tVa !\n" + line + "\n", "utf8")
    with pytest.raises(ValueError, match=r"read_pairs: fra.txt, line 2: must be a sentence, a tab and a sentence"):
        read_pairs(tmp_path / "fra.txt")


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"fra-eng.zip is not there"):
        read_pairs(tmp_path / "fra-eng.zip")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("deu.txt", "Go.\tGeh.")
    with pytest.raises(ValueError, match=r"other.zip must hold fra.txt, got deu.txt"):
        read_pairs(tmp_path / "other.zip")
    with pytest.raises(FileNotFoundError, match=r"ChatBotte_sents.txt is not there"):
        read_gold(tmp_path)


BAD = [
    (lambda: split_by_english(0, pairs(), 1, 1), TypeError, "rng must be a numpy Generator"),
    (lambda: split_by_english(np.random.default_rng(0), pairs(), 10, 10), ValueError, "must be less than 20"),
    (lambda: split_by_english(np.random.default_rng(0), pairs(), 0, 1), ValueError, "development must be"),
    (lambda: split_pairs_by_chance(np.random.default_rng(0), pairs(), 1.0), ValueError, "share must be"),
    (lambda: seen_share(pairs(), pairs(), "german"), ValueError, "side must be 'english' or 'french'"),
    (lambda: seen_share(pairs(), []), ValueError, "at least one pair"),
]


@pytest.mark.parametrize("call, error, message", BAD, ids=[message for _, _, message in BAD])
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---- gold alignments ---------------------------------------------------------------------------------------------


def write_stories(folder, links="0-0 1p1\n"):
    for french, english in STORIES.items():
        (folder / f"{french}_sents.txt").write_text("0\tle chat\n1\tun deux trois\n", "utf8")
        (folder / f"{english}_sents.txt").write_text("0\tthe cat\n1\tone two\n", "utf8")
        (folder / f"ali_w2w_{french}_{english}.txt").write_text(f"0\t{links}1\t2-1 0p0 0p1\n", "utf8")


def test_gold_links_are_read(tmp_path):
    write_stories(tmp_path)
    found = read_gold(tmp_path)
    assert len(found) == 2 * len(STORIES)
    first, second = found[:2]
    assert (first.french, first.english) == (("le", "chat"), ("the", "cat"))
    assert first.sure == {(0, 0)} and first.possible == {(0, 0), (1, 1)}
    assert second.sure == {(2, 1)} and second.possible == {(2, 1), (0, 0), (0, 1)}


@pytest.mark.parametrize("links, message", [
    ("0-2\n", "line 0: links must be between 2 French and 2 English words, got '0-2'"),
    ("0+1\n", "line 0: a link must be like 3-4 or 3p4, got '0\\+1'"),
    ("a-1\n", "must be like"),
])  # fmt: skip
def test_a_wrong_link_is_named(tmp_path, links, message):
    write_stories(tmp_path, links)
    with pytest.raises(ValueError, match=message):
        read_gold(tmp_path)


def test_lines_must_be_numbered_alike(tmp_path):
    write_stories(tmp_path)
    (tmp_path / "MasterCat_sents.txt").write_text("0\tthe cat\n", "utf8")
    with pytest.raises(ValueError, match=r"must number the same lines, got \[1\] not in all"):
        read_story(tmp_path, "ChatBotte", "MasterCat")
    (tmp_path / "MasterCat_sents.txt").write_text("the cat\n", "utf8")
    with pytest.raises(ValueError, match=r"a line must be a number, a tab and a text"):
        read_story(tmp_path, "ChatBotte", "MasterCat")

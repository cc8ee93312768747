"""Hidden tests: drawn from the key of the term, balanced over options, never outside the trusted side."""

import pickle
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from course_pkg.exercises.sources import chapters
from course_pkg.exercises.values import same_bits
from course_pkg.grading.grade import grade_submission
from course_pkg.grading.hidden import EACH, Papers, draw, options_of
from course_pkg.grading.keys import GradingError, Key, key_path, read_key, term_key
from tests.grading import kit

ROOT = Path(__file__).resolve().parents[2]


def inputs_of(root, key):
    return [case.inputs for question in kit.papers(root, key)["04"].questions for case in question.hidden.cases]


def test_the_same_key_gives_the_same_tests_and_another_key_others(course):
    one, again, other = (inputs_of(course, Key("t", bytes([n]) * 32)) for n in (1, 1, 2))
    assert same_bits(one, again)
    assert not any(same_bits(a, b) for a, b in zip(one, other, strict=True))


def test_no_hidden_input_is_a_public_one(course):
    for question in kit.papers(course)["04"].questions:
        known = [case.inputs for case in question.public.cases]
        assert not any(same_bits(case.inputs, k) for case in question.hidden.cases for k in known)


@pytest.mark.parametrize("number", ["03", "09"])
def test_every_combination_of_options_has_its_smallest_and_largest_case(number):
    (chapter,) = chapters(ROOT, number)
    for exercise in chapter.exercises:
        options = options_of(exercise)
        drawn = draw(exercise, kit.KEY)
        groups = {}
        for chosen, inputs in drawn:
            groups.setdefault(tuple(chosen.items()), []).append(inputs)
        assert len(groups) == np.prod([len(choices) for choices in options.values()], dtype=int)
        for inputs in groups.values():
            assert len(inputs) >= EACH
            sizes = [sum(getattr(a, "size", 1) for a in case) for case in inputs]
            assert sizes[0] == min(sizes)


def test_options_are_booleans_and_words_never_sizes():
    (chapter,) = chapters(ROOT, "09")
    assert [list(options_of(exercise)) for exercise in chapter.exercises][:2] == [
        ["bidirectional", "batch_first"], ["masked"]]  # fmt: skip


def test_the_hash_follows_whatever_the_tests_depend_on(course, tmp_path):
    root = kit.small_course(tmp_path / "copy")
    before = kit.papers(root).hash_of("04")
    assert kit.papers(course).hash_of("04") == before
    assert kit.papers(root, Key("default", b"x" * 32)).hash_of("04") != before
    assert kit.papers(root, term="2027").hash_of("04") != before
    path = root / "solutions/tasks_04.py"
    path.write_text(path.read_text(encoding="utf-8").replace("range(2, 9)", "range(2, 10)"), encoding="utf-8")
    assert kit.papers(root).hash_of("04") != before


def test_sealed_papers_travel_without_the_key(course):
    papers = kit.papers(course)
    data = pickle.dumps(papers.sealed())
    assert kit.KEY.secret not in data and kit.KEY.secret.hex().encode() not in data
    there = pickle.loads(data)
    assert (there.key.fingerprint, there.hash_of("04")) == (kit.KEY.fingerprint, papers.hash_of("04"))
    assert there.functions("04") == papers.functions("04") == {kit.BACK: "step_back", kit.SUM: "masked_sum"}
    for a, b in zip(there["04"].questions, papers["04"].questions, strict=True):
        assert same_bits([c.inputs for c in a.hidden.cases], [c.inputs for c in b.hidden.cases])


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    key, made = term_key(tmp_path, "2027-spring")
    again, made_again = term_key(tmp_path, "2027-spring")
    assert (made, made_again) == (True, False)
    assert key == again and len(key.secret) == 32
    path = key_path(tmp_path, "2027-spring")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["2027-spring.key"]
    assert term_key(tmp_path, "2028-spring")[0].secret != key.secret
    assert key.secret.hex() not in repr(key) and key.fingerprint not in key.secret.hex()


def test_starts_at_the_same_time_agree_on_one_key(tmp_path):
    found, start = [], threading.Barrier(8)

    def ask():
        start.wait()
        found.append(term_key(tmp_path, "t"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len({key.secret for key, _ in found}) == 1 and sum(made for _, made in found) == 1
    assert [entry.name for entry in key_path(tmp_path, "t").parent.iterdir()] == ["t.key"]


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "x" * 50, "spring 2027", "ä"])
def test_names_that_are_no_names_of_terms(tmp_path, name):
    with pytest.raises(GradingError, match="cannot name a term"):
        term_key(tmp_path, name)


@pytest.mark.parametrize("text", ["", "abc", "g" * 64, "\u00e4" * 64])
def test_files_that_are_no_keys(tmp_path, text):
    path = tmp_path / "k"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GradingError, match="is not a key"):
        read_key(path)
    with pytest.raises(GradingError, match="cannot be read|can be read"):
        read_key(tmp_path / "missing")


def test_no_course_and_no_chapter(tmp_path, course):
    with pytest.raises(GradingError, match="--course"):
        Papers(tmp_path, kit.KEY)
    with pytest.raises(GradingError, match="no chapter 07"):
        Papers(course, kit.KEY, only=["07"])


def test_what_the_mutants_give_is_computed_when_an_answer_is_wrong_and_only_then(course, monkeypatch):
    """Right answers need none of it. Eight threads that need it at once get the same, made once."""
    made = []
    monkeypatch.setattr("course_pkg.grading.hidden._mistakes", lambda *about: made.append(about) or iter(["one"]))
    monkeypatch.setattr("course_pkg.grading.hidden.public_task", lambda *about: made.append(about))
    papers = kit.papers(course)
    result = grade_submission(kit.notebook(course), papers=papers, settings=kit.settings())
    assert (result.score, made) == (20, [])
    mistakes = papers["04"].questions[0].asked.mistakes
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: tuple(mistakes), range(8))) == [("one",)] * 8
    assert len(made) == 1
    assert pickle.loads(pickle.dumps(mistakes)) == ("one",)


@pytest.mark.parametrize(("points", "scores"), [(4, (4.0, 10.0)), (2.5, (2.5, 10.0))])
def test_an_exercise_is_worth_what_its_declaration_says(tmp_path, points, scores):
    root = kit.small_course(tmp_path)
    tasks = root / "solutions" / "tasks_04.py"
    tasks.write_text(tasks.read_text("utf8").replace('title="One step back",', f'title="One", points={points},'))
    result = grade_submission(kit.notebook(root), papers=kit.papers(root), settings=kit.settings())
    assert tuple(question.points for question in result.questions) == scores and result.max_score == sum(scores)


@pytest.mark.parametrize("points", ["0", "-1", "float('nan')", "float('inf')"])
def test_points_that_are_none(tmp_path, points):
    root = kit.small_course(tmp_path)
    tasks = root / "solutions" / "tasks_04.py"
    tasks.write_text(tasks.read_text("utf8").replace('title="One step back",', f'title="One", points={points},'))
    with pytest.raises(GradingError, match="points is a positive number"):
        kit.papers(root)["04"]

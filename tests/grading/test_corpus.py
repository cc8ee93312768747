"""Every submission of the corpus gets what it deserves, leaves nothing behind, and does not touch the one after it."""

import os
import re
import time

import pytest

from course_pkg.grading.levels import probe
from tests.grading.corpus import CLASSES, ENTRIES, FUNCTIONS, WRONG, Entry, notebook
from tests.grading.corpus import run as runs
from tools.process_tree import tree


@pytest.fixture(scope="module")
def grader():
    runs.adopt_orphans()
    with runs.grader() as made:
        made.grade(runs.right())
        yield made


def test_every_class_is_covered():
    kinds = {entry.kind for entry in ENTRIES}
    assert kinds == set(CLASSES)
    assert len(ENTRIES) == len({entry.name for entry in ENTRIES}) >= 200


def test_the_level_is_real(grader):
    assert grader.settings.level in ("A", "B"), "neither level A nor B runs here: hidden tests would not be safe"
    assert grader.grade(runs.right()).level == grader.settings.level


def test_the_honest_bases(grader):
    """What the entries start from: all points, and no point."""
    right = grader.grade(runs.right())
    wrong = grader.grade(Entry("wrong", "beyond the list", notebook(WRONG)).bytes())
    assert set(runs.earned(right).values()) == {1.0}
    assert set(runs.earned(wrong).values()) == {0.0}
    assert set(runs.earned(right)) == set(FUNCTIONS)


class OneByOne:
    """In two classes, so that two workers can share them."""

    def test_entry(self, grader, entry):
        before = set(tree(os.getpid()))
        result = grader.grade(entry.bytes(grader.where))
        assert runs.problems(entry, result) == [], runs.feedback(result)[:3000]
        assert runs.traces(grader) == []
        assert runs.survivors(before) == []


@pytest.mark.parametrize("entry", ENTRIES[::2], ids=lambda entry: entry.name)
class TestOneHalf(OneByOne):
    pass


@pytest.mark.parametrize("entry", ENTRIES[1::2], ids=lambda entry: entry.name)
class TestOtherHalf(OneByOne):
    pass


OUTWARD = ("forks", "deletion and overwriting of files", "reading tests or solutions", "sockets",
           "writing to results or gradebook")  # fmt: skip


def test_level_b_holds_what_reaches_outwards():
    """Where bubblewrap runs, level B is not taken by itself; here it is asked for."""
    why = probe("B")
    if why:
        pytest.skip(f"level B does not run here: {why}")
    with runs.grader("B") as grader:
        for entry in ENTRIES:
            if entry.kind in OUTWARD:
                result = grader.grade(entry.bytes(grader.where))
                assert (entry.name, runs.problems(entry, result) + runs.traces(grader)) == (entry.name, [])
                assert result.level == "B"


def test_the_next_one_is_unaffected(grader):
    """After each class of attack an honest submission is graded as it was before all of them."""
    first = grader.grade(runs.right(), "ada").verdict
    for kind in CLASSES:
        entry = next(e for e in ENTRIES if e.kind == kind)
        grader.grade(entry.bytes(grader.where))
        assert grader.grade(runs.right(), "ada").verdict == first, kind


def test_a_false_reject_is_seen(grader):
    """The test of these tests: wrong expectations are noticed."""
    result = grader.grade(runs.right())
    odd = Entry("odd", "NaN", notebook(WRONG), (), ("no such words",), "", ("right",), seen=False)
    found = runs.problems(odd, result)
    assert len([p for p in found if p.startswith("false accept")]) == len(FUNCTIONS)
    assert any("does not say" in p for p in found) and any("the feedback says" in p for p in found)
    assert any("nobody is told" in p for p in found)


def test_traces_and_survivors_are_seen(grader):
    book = grader.where.victim / "gradebook.csv"
    kept = book.read_text()
    book.write_text("mallory,297\n")
    left = grader.where.victim.parent / f"{grader.where.marker}-x"
    left.write_text("")
    try:
        found = runs.traces(grader)
    finally:
        book.write_text(kept)
        left.unlink()
    assert any("gradebook" in text for text in found)
    assert any(re.search("left behind", text) for text in found)
    before = set(tree(os.getpid()))
    child = os.fork()
    if child == 0:
        time.sleep(30)
        os._exit(0)
    try:
        assert len(runs.survivors(before, patience=0.1)) == 1
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert runs.survivors(before) == []

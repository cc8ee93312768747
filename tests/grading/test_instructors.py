"""The guide for instructors shows what the commands print, and its tables what was recorded."""

import json
import re

import pytest

from tests.grading.corpus import ENTRIES
from tools import instructors_page
from tools.instructors_demo import play


def steady(name, text):
    """Without seconds, counts of files and lines, and the level, which differ from machine to machine."""
    text = re.sub(r"\d+\.\d s", "N s", text)
    text = re.sub(r"isolation level [ABC]", "isolation level X", text)
    text = re.sub(r"\| [ABC] \|", "| X |", text)
    if name == "release":
        text = re.sub(r"Searched \d+ files and \d+ numbers|Lines .*: \d+\.", "counts", text)
    return re.sub(r"\s+", " ", text)


def record(path):
    return json.loads(path.read_text(encoding="utf8"))


def test_the_page_is_made_from_the_records():
    text = instructors_page.PAGE.read_text("utf8")
    assert instructors_page.rendered(text, instructors_page.blocks()) == text
    assert set(re.findall(r"<!-- begin ([\w-]+) -->", text)) == set(instructors_page.blocks())


def test_the_demonstration_prints_what_the_page_shows():
    recorded, now = record(instructors_page.SHOWN)["blocks"], play()
    assert set(recorded) == set(now)
    for name in recorded:
        assert steady(name, now[name]) == steady(name, recorded[name]), name


def test_the_table_of_attacks_is_about_this_corpus():
    found = record(instructors_page.ATTACKS)["entries"]
    assert [(e["name"], e["kind"], e["aim"]) for e in found] == [(e.name, e.kind, e.aim) for e in ENTRIES]
    assert [e["name"] for e in found if e["problems"]] == []
    table = instructors_page.attack_table({"level": "A", "entries": found})
    assert f"{len(ENTRIES)} submissions" in table and "Accepted without right: 0. Rejected without reason: 0." in table


def test_what_goes_wrong_is_shown_in_the_table():
    bad = {"name": "x", "kind": "forks", "aim": "more", "problems": ["false accept: f earns 1.00 of 1, deserves 0.00"]}
    table = instructors_page.attack_table({"level": "A", "entries": [bad]})
    assert "| forks | 1 | 1 | more | 1 |" in table and "Accepted without right: 1" in table


@pytest.mark.parametrize("who", ["ours", "nbgrader"])
def test_the_bench_was_complete(who):
    found = record(instructors_page.BENCH)
    assert found["full_marks"] == "the same" and found["batch"]["submissions"] == 1000
    for spread in found["graders"][who].values():
        assert 0 < spread["least"] <= spread["median"] <= spread["greatest"]


def test_the_bench_shows_what_was_promised():
    """Processor time and memory; the wall clock of a shared machine promises nothing."""
    found = record(instructors_page.BENCH)
    assert found["batch"]["cpu_s_per_submission"] <= 0.15
    assert found["batch"]["peak_mib"] <= 300
    assert found["ratios"]["cpu"]["least"] > 1

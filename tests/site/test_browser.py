"""The built book in a browser: over http and from the disk, wide and narrow, light and dark. `make browser` runs these.

They need Node, Chromium and the two packages of package.json, and are skipped, with the reason, where one is missing.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.site.sample import ROOT, build_book, build_sample

pytestmark = pytest.mark.browser
SCRIPTS = Path(__file__).parent / "browser"
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


def missing() -> str:
    """What the browser tests lack here; empty when they can run."""
    if shutil.which("node") is None:
        return "Node is not installed"
    if not all((ROOT / "node_modules" / name).is_dir() for name in ("playwright-core", "axe-core")):
        return "the npm packages are not installed (npm install)"
    if not os.environ.get("CHROMIUM") and not any(map(shutil.which, CHROMIUMS)):
        return "Chromium is not installed (or set CHROMIUM to its path)"
    return ""


def node(script: str, *arguments: object) -> list[dict]:
    """Run one of the scripts; each line that it prints is a JSON record."""
    if reason := missing():
        pytest.skip(reason)
    command = ["node", str(SCRIPTS / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="session")
def visits(tmp_path_factory):
    """One record for each page of the book and each way to open it."""
    if reason := missing():
        pytest.skip(reason)
    return node("check.mjs", build_book(ROOT, tmp_path_factory.mktemp("book")))


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """A small book with a page of widgets, built; its folder."""
    if reason := missing():
        pytest.skip(reason)
    return build_sample(tmp_path_factory.mktemp("sample"))


def found(visits, *keys):
    """(page, way, what) for every record that has something under one of the keys."""
    return [(v["path"], v["via"], key, v[key]) for v in visits for key in keys if v.get(key)]


def test_every_page_was_opened_both_ways(visits):
    assert {v["path"] for v in visits} >= {"book/intro.html", "book/notation.html", "search.html"}
    assert len([v for v in visits if v["via"] == "http"]) == len([v for v in visits if v["via"] == "file"])


def test_nothing_is_asked_of_another_host(visits):
    assert found(visits, "outside") == []


def test_the_console_stays_silent(visits):
    assert found(visits, "errors", "failed") == []


def test_all_mathematics_is_typeset(visits):
    assert sum(v["math"] for v in visits) > 0
    assert found(visits, "untypeset", "mathErrors") == []


def test_widgets_are_drawn_and_pictures_are_there(visits):
    assert found(visits, "waiting", "broken", "unnamed") == []


def test_nothing_sticks_out_on_small_screens(visits):
    assert found(visits, "wide800", "wide375") == []


def test_axe_finds_nothing_in_light_or_dark(visits):
    assert found(visits, "light", "dark") == []


def test_pages_are_not_heavy(visits):
    assert {v["path"]: v["kB"] for v in visits if v["kB"] > 1500} == {}


def test_widgets_answer_without_a_kernel(sample):
    records = node("widgets.mjs", sample)
    assert [r["via"] for r in records] == ["http", "file"]
    for record in records:
        assert record["errors"] == record["outside"] == record["failed"] == record["violations"] == []
        assert record["start"] == ["step 0: 1.000"]
        assert record["afterThreeArrows"] == ["step 3: 0.512"]
        assert record["sliderText"] == "3"
        assert record["afterToggle"] == "can grow"
        assert record["afterDropdown"] == 1
        assert record["afterPlay"] > 3
        assert record["playSays"] == ["Play", "Pause"]
        assert "needs a running notebook" in record["unknown"]


def test_the_widget_script_loads_only_where_it_is_needed(sample):
    for record in node("widgets.mjs", sample)[:1]:
        assert "_static/widgets.js" in record["scripts"] and "_static/widgets.js" not in record["otherScripts"]

"""The built book in a browser: over http and from the disk, wide and narrow, light and dark. `make browser` runs these.

They need Node, Chromium and the two packages of package.json, and are skipped, with the reason, where one is missing.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.site.sample import ROOT, build_book, build_sample
from tools import slides

pytestmark = pytest.mark.browser
SCRIPTS = Path(__file__).parent / "browser"
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


def missing() -> str:
    """What the browser tests lack here; empty when they can run."""
    if shutil.which("node") is None:
        return "Node is not installed"
    if not all((ROOT / "node_modules" / name).is_dir() for name in ("playwright-core", "axe-core", "reveal.js")):
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
def built(tmp_path_factory):
    """The whole book, built; its folder."""
    if reason := missing():
        pytest.skip(reason)
    return build_book(ROOT, tmp_path_factory.mktemp("book"))


@pytest.fixture(scope="session")
def visits(built):
    """One record for each page of the book and each way to open it."""
    return node("check.mjs", built)


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
    ways = [f"{theme}{width}" for theme in ("light", "dark") for width in (1400, 375)]
    assert all(way in visit for visit in visits if visit["via"] == "file" for way in ways)
    assert found(visits, *ways) == []


def test_pages_are_not_heavy(visits):
    assert {v["path"]: v["kB"] for v in visits if v["kB"] > 1500} == {}


QUERIES = {
    "dense net": "02_dense_nets",
    "recurrent neuron": "03_recurrent_neuron",
    "backpropagation through time": "04_backpropagation_through_time",
    "truncated": "04_backpropagation_through_time",
    "vanishing gradient": "05_vanishing_gradients",
    "exploding": "05_vanishing_gradients",
    "LSTM forget gate": "06_lstm",
    "GRU": "07_gru",
    "two directions": "08_depth_and_direction",
    "batch_first": "09_the_same_in_pytorch",
    "bracket depth": "12_reading_the_cells",
    "word vectors": "13_words_as_vectors",
    "sentiment": "14_sentiment",
    "encoder decoder": "15_encoder_and_decoder",
    "beam search": "16_beam_search",
    "attention": "17_attention",
    "translation": "18_translation",
    "captions": "19_captions",
    "dilated convolution": "20_convolutions_or_recurrence",
    "strokes": "21_series_strokes_music",
    "Transformer": "22_transformer",
    "scan": "23_why_recurrence_came_back",
    "perplexity": "glossary",
    "grading": "instructors",
}


def test_the_search_finds_the_right_page_first(built):
    records = node("search.mjs", built, *QUERIES)
    assert len(records) == 2 * len(QUERIES) and not any(record["errors"] for record in records)
    first = {(r["via"], r["query"]): (r["found"] or ["nothing"])[0].split(".")[0] for r in records}
    assert {key: page for key, page in first.items() if page != QUERIES[key[1]]} == {}


def test_reading_is_helped(built):
    records = node("reading.mjs", built, "book/07_gru.html")
    assert [record["via"] for record in records] == ["http", "file"]
    for record in records:
        for kind in ("word", "equation", "far", "source"):
            shown = record["links"][kind]
            assert shown["inside"] and shown["described"] == "course-preview", (kind, shown)
            assert shown["formulas"] if kind in ("equation", "far") else len(shown["text"]) > 30
        assert record["onFocus"]["text"] and record["afterBlur"] is None
        assert record["opened"] == 1
        assert record["firstPaint"] < 1000, "milliseconds to the first content, the best of three"
        assert record["says"] == "1 of 5 questions answered, 1 right at the first try. Start again"
        assert record["remembered"] == record["says"]
        assert record["cookies"] == 0 and record["skip"] and record["copy"] > 10 and record["neighbours"] == 2


def test_decks_open_from_the_disk_and_every_slide_fits(built, tmp_path):
    counts = slides.make(built, tmp_path, ROOT / "node_modules/reveal.js/dist")
    assert set(counts) == {path.stem for path in (ROOT / "book").glob("[0-9][0-9]_*.ipynb")}
    assert min(counts.values()) >= 5
    records = node("slides.mjs", tmp_path, *(f"{name}.html" for name in counts))
    troubles = ("errors", "outside", "tooBig")
    assert [(r["deck"], key, r[key]) for r in records for key in troubles if r[key]] == []
    assert {Path(r["deck"]).stem: r["slides"] for r in records} == counts
    assert all(r["withNotes"] > r["slides"] / 3 and r["next"] == 1 for r in records)
    chapters = {name: (ROOT / f"book/{name}.ipynb").read_text("utf8") for name in counts}
    figures = {name: re.findall(r":::\{live-figure\} (\w+)", text) for name, text in chapters.items()}
    assert {Path(r["deck"]).stem: [one["name"] for one in r["live"]] for r in records} == figures
    for figure in (one for r in records for one in r["live"]):
        assert figure["lowest"] <= 720 and figure["letters"] >= 15, ("fits whatever is chosen, to be read", figure)
        assert figure["states"] > 1 and figure["stayed"] and figure["left"], ("its keys are its own", figure)


def test_a_number_is_asked_for_and_judged(sample):
    for record in node("number.mjs", sample):
        assert record["before"] == ["Show the answer"], "slips are hidden until they are met"
        assert record["nonsense"] == "Write a number, such as 12, 0.25 or 3/4."
        assert record["far"] == "No. Three gates, and one bias more."
        assert "the biases are missing" in record["slip"]
        assert "inside the reset gate" in record["right"]


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

"""Live figures without a browser: the page computes what the package does, and a wrong figure is refused."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from course_pkg.data.code_text import character_ids, held_out_text
from course_pkg.language_models import lm_forward
from course_pkg.losses import softmax_cross_entropy
from course_pkg.tree import tree_map
from course_pkg.viz.live import fixtures
from course_pkg.viz.live.figure import RESULTS, LiveFigure, differences, in_bytes, load, names, plain, shipped
from course_pkg.viz.live.unrolling import chapter_model
from course_pkg.weights import load_language_model
from tests.site.live_sample import build_live
from tests.site.sample import ROOT

sys.path.insert(0, str(ROOT / "book/site/ext"))
import course_live
from sphinx.errors import ExtensionError

LIVE = ROOT / "book/site/live"


def test_node_agrees_with_the_package(tmp_path):
    """`node --test`: every operation of core.js and every figure's numbers, against the package's."""
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    kept = tmp_path / "fixtures.json"
    printed = {"core": fixtures.core_cases(), "figures": [fixtures.pages_view(name) for name in names()]}
    kept.write_text(json.dumps(printed, allow_nan=False), encoding="utf8")
    command = ["node", "--test", "tests/site/live/"]
    environment = {**os.environ, "LIVE_FIXTURES": str(kept)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.parametrize("name", names())
def test_package_fixture_and_script_agree(name, tmp_path):
    made = course_live.build(name, tmp_path)
    assert f'<live-figure name="{name}">' in made and f'class="lf lf-{name}"' in made
    page = json.loads(made.split('<script type="application/json">')[1].split("</script>")[0])
    figure = load(name)
    assert page["state"] == plain(dict(figure.state))
    assert (tmp_path / f"{name}.weights.js").is_file() == figure.lazy == ("weights" not in page)
    assert len(made.encode()) < 150e3
    if figure.lazy:
        assert (tmp_path / f"{name}.weights.js").stat().st_size <= 250e3


@pytest.mark.parametrize("name", names())
def test_scripts_are_small(name):
    texts = [(LIVE / file).read_text(encoding="utf8") for file in ("core.js", "frame.js", f"{name}.js")]
    assert sum(len(gzip.compress(course_live.slim(text).encode(), 9)) for text in texts) <= 15e3
    for text in texts:
        assert text.count("\n") < 300 and not re.search(r"\bimport\b|\bfetch\(|://", text)


def test_slim_scripts_and_cut_sheets_lose_nothing_else():
    script = "// a\n(() => {\n  /** b\n   *  c */\n  const d = `x\n  y`; // e\n\n})();\n"
    assert course_live.slim(script) == "(() => {\nconst d = `x\ny`; // e\n})();\n"
    whole, sheets = (LIVE / "live.css").read_text(encoding="utf8"), course_live.style_sheets()
    assert sum(sheet.count("{") for sheet in sheets.values()) == re.sub(r"/\*.*?\*/", "", whole).count("{")
    assert set(sheets) <= {"live", *names()} and ".lfu-steps" in sheets["unrolling"] and ".lfu-" not in sheets["live"]


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the scripts and fixtures that a test may spoil."""
    shutil.copytree(LIVE, tmp_path / "live")
    monkeypatch.setattr(course_live, "LIVE", tmp_path / "live")
    return tmp_path / "live"


def spoil(path, old, new):
    text = path.read_text(encoding="utf8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf8")


def refused(folder, name, words):
    with pytest.raises(ExtensionError, match=words):
        course_live.build(name, folder)


def test_a_script_that_computes_something_else_is_refused(copy, tmp_path):
    spoil(copy / "unrolling.js", "core.rnnStep(rnn, x, h)", "core.rnnStep(rnn, x, h, Math.sin)")
    refused(tmp_path, "unrolling", r"unrolling\.js against the package, fromH\[1\]\[0\]: -0\.572\d+ against -0\.571")


def test_an_operation_that_is_wrong_is_refused(copy, tmp_path):
    spoil(copy / "core.js", "let s = b ? b[r] : 0;", "let s = 0;")
    refused(tmp_path, "unrolling", "case 0: unrolling.js against the package")


def test_a_fixture_of_another_model_is_refused(copy, tmp_path):
    fixture = copy / "fixtures/unrolling.json"
    kept = json.loads(fixture.read_text(encoding="utf8"))
    fixture.write_text(json.dumps({**kept, "weights": "0" * 64}), encoding="utf8")
    refused(tmp_path, "unrolling", "the weights are no longer those of the fixture. `python -m course_pkg")
    kept["cases"][1]["numbers"]["p"][2] += 1e-4
    fixture.write_text(json.dumps(kept), encoding="utf8")
    refused(tmp_path, "unrolling", r"case 1: package against fixture, p\[2\]: 0\.\d+ against 0\.\d+")
    kept["cases"] = kept["cases"][:1]
    fixture.write_text(json.dumps(kept), encoding="utf8")
    refused(tmp_path, "unrolling", "other states than the package")


def test_what_is_missing_is_named(copy, tmp_path):
    refused(tmp_path, "unroling", "no such figure; known: .*unrolling")
    (copy / "fixtures/unrolling.json").unlink()
    refused(tmp_path, "unrolling", "there is no fixture; `python -m course_pkg.viz.live.fixtures unrolling`")


def test_a_script_that_fails_is_named(copy, tmp_path):
    spoil(copy / "unrolling.js", 'figure("unrolling", {', 'figure("rolling", {')
    refused(tmp_path, "unrolling", 'calls no CourseLive.figure\\("unrolling"')
    spoil(copy / "unrolling.js", 'figure("rolling", {', 'nothing("rolling", {')
    refused(tmp_path, "unrolling", "nothing is not defined")
    (copy / "unrolling.js").unlink()
    refused(tmp_path, "unrolling", "there is no script unrolling.js")


def test_differences_are_found_and_named():
    ours = {"h": [0.5, 1.0], "c": [[100.0]], "word": "good", "on": True}
    assert list(differences(ours, ours, 1e-9)) == []
    near = {**ours, "c": [[100.005]], "h": [0.5, 1.0 + 1e-6]}
    assert list(differences(near, ours, 1e-5, {"c": 1e-4})) == []
    assert list(differences(near, ours, 1e-5)) == ["c[0][0]: 100.005 against 100"]
    assert list(differences({**ours, "word": "bad"}, ours, 1)) == ["word: 'bad' against 'good'"]
    assert list(differences({**ours, "h": [0.5]}, ours, 1)) == ["h: 1 entries against 2"]
    assert list(differences({"h": 0.5}, {"g": 0.5}, 1)) == ["numbers: ['h'] against ['g']"]
    assert len(list(differences({"h": float("nan")}, {"h": 0.5}, 1))) == 1
    assert len(list(differences({"h": "1"}, {"h": 1.0}, 1))) == 1


def test_the_network_in_bytes_is_as_good():
    """The chapter says it: rounded to 255 steps a row it loses less than 0.01 bits per character on new text."""
    exact = load_language_model(RESULTS / "char_model_seed0.npz")[0]
    bits = []
    for model in (exact, shipped(exact, bytewise=True)[0]):
        model = tree_map(lambda w: w.astype(np.float32), model)
        ids = character_ids(held_out_text()[:24001])
        read, following = (part.reshape(20, -1).T for part in (ids[:-1], ids[1:]))
        logits = lm_forward(model, read).logits
        bits.append(softmax_cross_entropy(logits[200:].astype(float), following[200:])[0] / np.log(2))
    assert 2 < bits[0] < 3 and 0 < abs(bits[1] - bits[0]) < 0.01


def test_bytes_come_back():
    w = np.random.default_rng(0).normal(size=(4, 30))
    w[2] = 0
    steps, scale = in_bytes(w)
    near = steps * scale.astype(float)[:, None]
    assert np.abs(steps).max() == 127 and np.all(np.abs(near - w) <= scale[:, None] / 2 + 1e-7)
    again, same = in_bytes(near)
    assert np.array_equal(again, steps) and np.array_equal(same, scale)


def test_what_is_shipped_is_what_is_computed_with():
    model = chapter_model()
    rounded, weights = shipped(model)
    assert weights["rnn.W_hh"].dtype == np.float64 and set(weights) >= {"rnn.W_xh", "rnn.b_h", "out.W", "out.b"}
    assert 0 < np.abs(weights["rnn.W_xh"] - model.rnn.W_xh).max() < 1e-6
    assert np.array_equal(rounded.rnn.W_xh, weights["rnn.W_xh"])
    many = {"W": np.linspace(0.1, 1, 5000)}
    figure = LiveFigure("x", "x", {}, {}, dict, weights=shipped(many["W"])[1])
    assert figure.lazy and next(iter(figure.packed().values()))[1] == "float16"


def test_pages_load_scripts_in_the_order_that_they_need(tmp_path):
    """Only where a figure stands; frame.js, which starts the figures, after all of them. Search finds their words."""
    pages = build_live(tmp_path / "sample", ["unrolling"])
    page = (pages / "book/unrolling.html").read_text("utf8")
    assert re.findall(r"_static/live/(\w+\.js)", page) == ["core.js", "unrolling.js", "frame.js"]
    assert re.findall(r"_static/live/(\w+\.css)", page) == ["live.css", "unrolling.css"]
    assert "advic" in (pages / "searchindex.js").read_text("utf8")
    assert "_static/live/" not in (pages / "book/intro.html").read_text("utf8")

"""Live figures in a browser, each on a page of its own: over http and from the disk, by mouse, keys and finger."""

import functools

import pytest

from course_pkg.viz.live.figure import names
from tests.site.live_sample import build_live
from tests.site.test_browser import missing, node

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """name -> its two records; the book is built once, a figure is used when it is asked for."""
    if reason := missing():
        pytest.skip(reason)
    book = build_live(tmp_path_factory.mktemp("live") / "sample", names())
    return functools.cache(lambda name: node("live.mjs", book, name))


@pytest.mark.parametrize("name", names())
def test_figure(records, name):
    by_http, from_disk = records(name)
    for record in (by_http, from_disk):
        assert record["outside"] == record["errors"] == record["failed"] == []
        assert record["unlike"] == [], "the picture of the build is not the picture of the page"
    assert 5e3 < by_http["scripts"] <= 15e3 and by_http["weights"] <= 250e3
    found = {key: from_disk[key] for key in ("light", "dark", "phone", "keys", "click", "small", "sideways", "narrow")}
    assert found == dict.fromkeys(found, [])
    assert from_disk["wide"] <= 0 and from_disk["jump"] <= 2 and from_disk["tall"] < 1000
    assert from_disk["usableWithoutScript"] == 0 and from_disk["wordsWithoutScript"] > 20
    assert from_disk["printed"] == 0 and from_disk["said"] == "Heard."
    assert from_disk["ms"]["withPicture"] < 100
    sizes = f"{by_http['scripts']} bytes of scripts (compressed), {by_http['weights']} of weights"
    print(f"\n{name}: {sizes}, milliseconds a change: {from_disk['ms']}, {from_disk['tall']:.0f} px high on a phone")

"""What the site's extension promises, checked on the files of a small built book: no browser needed."""

import re
from html import unescape

import pytest

from tests.site.sample import ROOT, build_sample


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    """The folder of the small book's pages."""
    return build_sample(tmp_path_factory.mktemp("sample"))


def loaded(page: str) -> list[str]:
    """What a page makes the browser fetch, without the part after the question mark."""
    tags = re.findall(r"<(?:script|link|img|iframe|source)\b[^>]*?(?:src|href)=\"([^\"]+)\"", page)
    return [unescape(url).split("?")[0] for url in tags]


def test_pages_load_only_files_of_the_book(html):
    pages = [path for path in html.rglob("*.html") if "_static" not in path.parts]
    assert len(pages) >= 4
    for page in pages:
        for url in loaded(page.read_text(encoding="utf8")):
            assert not re.match(r"(?:https?:)?//", url), f"{page.name} asks another host for {url}"
            if not url.startswith("data:") and not url.startswith("#") and not url.endswith(".html"):
                assert (page.parent / url).resolve().is_file(), f"{page.name} lacks {url}"


def test_style_sheets_and_scripts_of_ours_name_no_other_host(html):
    for path in [*(ROOT / "book/site").glob("*.*s"), html / "_static/course-fonts.css"]:
        for host in re.findall(
            r"(?:url\(\s*[\"']?|from\s+[\"']|fetch\(\s*[\"'])(?:https?:)?//[^\s\"')]+", path.read_text("utf8")
        ):
            raise AssertionError(f"{path.name} names {host}")


def test_scripts_stand_only_where_they_are_needed(html):
    intro = loaded((html / "book/intro.html").read_text(encoding="utf8"))
    widgets = loaded((html / "book/widgets.html").read_text(encoding="utf8"))
    assert "../_static/mathjax/startup.js" in intro and "../_static/widgets.js" not in intro
    assert "../_static/widgets.js" in widgets and "../_static/mathjax/startup.js" not in widgets
    assert not [url for url in intro + widgets if "thebe" in url or "fontawesome" in url or "require" in url]


def test_mathematics_in_a_quiz_answer(html):
    page = (html / "book/intro.html").read_text(encoding="utf8")
    assert r'<summary><span class="math notranslate nohighlight">\(a &lt; b\)</span> and ' in page


def test_what_others_wrote_is_small(html):
    size = sum(path.stat().st_size for path in (html / "_static/mathjax").rglob("*") if path.is_file())
    assert size < 2.5e6
    assert (html / "_static/course-fonts.css").stat().st_size < 300e3


def test_fonts_carry_their_licence_and_our_name(html):
    sheet = (html / "_static/course-fonts.css").read_text(encoding="utf8")
    assert "SIL OPEN FONT LICENSE" in sheet
    assert len(re.findall(r"@font-face", sheet)) == 5
    assert 'font-family: "Source' not in sheet


def test_nothing_of_others_is_committed():
    ours = {"course.js", "widgets.js", "course.css", "icons.css"}
    here = {path.name for path in (ROOT / "book/site").rglob("*") if path.suffix in {".js", ".css", ".woff", ".woff2"}}
    assert here == ours


def test_scripts_are_short():
    for name in ("course.js", "widgets.js"):
        assert len((ROOT / "book/site" / name).read_text(encoding="utf8").splitlines()) < 250

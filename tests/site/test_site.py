"""What the site's extension promises, checked on the files of a small built book: no browser needed."""

import re
import sys
from html import unescape

import pytest

from course_pkg.viz.live.figure import names
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
    assert "../_static/widgets.js" not in intro and "../_static/widgets.js" in widgets
    assert not [url for url in intro + widgets if "mathjax" in url]
    assert not [url for url in intro + widgets if "thebe" in url or "fontawesome" in url or "require" in url]


def test_every_page_tells_its_version(html):
    number = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf8"), re.MULTILINE)[1]
    for page in (html / "book").glob("*.html"):
        assert f'<span class="course-version">Version {number}' in page.read_text(encoding="utf8"), page.name


def test_mathematics_in_a_quiz_answer(html):
    page = (html / "book/intro.html").read_text(encoding="utf8")
    assert re.search(r'<summary><span class="math notranslate nohighlight"><mjx-container.*?</span> and ', page)


def test_mathematics_is_typeset_in_the_page(html):
    page = (html / "book/intro.html").read_text(encoding="utf8")
    formulas = re.findall(r'class="math notranslate nohighlight"', page)
    assert formulas and len(formulas) == page.count("<mjx-container") == page.count("<mjx-assistive-mml")
    assert r"\(" not in re.sub(r"<(script|code|pre)\b.*?</\1>", "", page, flags=re.S)


def test_every_letter_of_a_formula_has_its_rule(html):
    sheet = (html / "_static/course-math.css").read_text(encoding="utf8")
    pages = "".join(path.read_text(encoding="utf8") for path in (html / "book").glob("*.html"))
    letters = set(re.findall(r'class="(mjx-c[0-9A-F]+(?: TEX-\w+)?)"', pages))
    assert len(letters) > 5
    for letter in letters:
        assert f".{letter.replace(' ', '.')}::before" in sheet, letter
        if "TEX-" in letter:
            assert f"font-family: MJX{letter.split()[1]};" in sheet


def test_tall_bars_and_brackets_have_their_pieces(tmp_path):
    sys.path.insert(0, str(ROOT / "book/site/ext"))
    from course_math import Typesetter

    setter = Typesetter(tmp_path / "memory.json")
    made = setter(r"\left|\frac{a}{b}\right| \left(\begin{matrix}1\\2\\3\\4\\5\end{matrix}\right)", True)
    setter.finish(tmp_path / "math.css")
    sheet = (tmp_path / "math.css").read_text(encoding="utf8")
    tall = re.findall(r'<mjx-stretchy-v[^>]* class="(mjx-c[0-9A-F]+)', made)
    assert len(tall) == 4
    for letter in tall:
        assert f"mjx-stretchy-v.{letter} mjx-ext mjx-c::before" in sheet


def test_a_formula_that_is_wrong_is_refused(tmp_path):
    sys.path.insert(0, str(ROOT / "book/site/ext"))
    from course_math import Typesetter

    setter = Typesetter(tmp_path / "memory.json")
    assert "mjx-c1D465" in setter("x", False)
    with pytest.raises(ValueError, match="Undefined control sequence"):
        setter(r"\hidenstate", True)
    setter.finish(tmp_path / "math.css")
    again = Typesetter(tmp_path / "memory.json")
    assert again("x", False) == setter.known["Ix"] and again.engine is None


def test_braces_in_a_formula_break_no_rule(tmp_path):
    sys.path.insert(0, str(ROOT / "book/site/ext"))
    from course_math import Typesetter

    setter = Typesetter(tmp_path / "memory.json")
    setter(r"\{ v : x > 0 \}", True)
    setter.finish(tmp_path / "math.css")
    sheet = (tmp_path / "math.css").read_text(encoding="utf8")
    assert 'mjx-c.mjx-c7B::before' in sheet and 'content: "{"; }' in sheet and 'content: "}"; }' in sheet
    plain = re.sub(r'"[^"]*"', "", sheet)
    assert plain.count("{") == plain.count("}") > 50


def test_what_others_wrote_is_small(html):
    assert not (html / "_static/mathjax").exists()
    assert (html / "_static/course-math.css").stat().st_size < 150e3
    assert (html / "_static/course-fonts.css").stat().st_size < 300e3


def test_fonts_carry_their_licence_and_our_name(html):
    sheet = (html / "_static/course-fonts.css").read_text(encoding="utf8")
    assert "SIL OPEN FONT LICENSE" in sheet
    assert len(re.findall(r"@font-face", sheet)) == 5
    assert 'font-family: "Source' not in sheet


def test_nothing_of_others_is_committed():
    scripts = {"course.js", "previews.js", "quiz.js", "search-scorer.js", "slides.js", "widgets.js"}
    ours = scripts | {"course.css", "icons.css", "quiz.css", "print.css", "reference.css", "slides.css"}
    ours |= {"core.js", "frame.js", "live.css", *(f"{name}.js" for name in names())}  # book/site/live
    here = {path.name for path in (ROOT / "book/site").rglob("*") if path.suffix in {".js", ".css", ".woff", ".woff2"}}
    assert here == ours


def test_scripts_are_short():
    for name in ("course.js", "previews.js", "quiz.js", "widgets.js"):
        assert len((ROOT / "book/site" / name).read_text(encoding="utf8").splitlines()) < 250


def test_rules_that_no_page_needs_are_cut(html):
    sys.path.insert(0, str(ROOT / "book/site/ext"))
    from course_styles import cut, words_of_pages

    sheet = ".used, .unused{a:b} /* c */ #gone{a:b} p:not(.unused) > .used{a:b} @media print{.unused{a:b} .used{c:d}}"
    assert cut(sheet, {"used"}).split("\n")[:3] == [
        ".used{a:b}", "p:not(.unused) > .used{a:b}", "@media print{.used{c:d}}"
    ]  # fmt: skip
    words = words_of_pages(html)
    assert {"bd-article", "show"} <= words and "no-such-class-anywhere" not in words
    assert (html / "_static/styles/pydata-sphinx-theme.css").stat().st_size < 150e3
    for page in (html / "book").glob("*.html"):
        assert "searchindex.js" not in page.read_text(encoding="utf8")


def test_code_keeps_its_text_without_marks_that_show_nothing(html):
    page = (html / "book/widgets.html").read_text(encoding="utf8")
    assert ">box" in re.sub(r"\s", "", page) and '<span class="n">' not in page
    sheet = (html / "_static/pygments.css").read_text(encoding="utf8")
    for theme in ("light", "dark"):
        rules = re.findall(rf'html\[data-theme="{theme}"\] \.highlight \.(\w+) {{ color: (#\w+) }}', sheet)
        assert len({colour for name, colour in rules if name in ("n", "nn", "p", "w")}) == 1

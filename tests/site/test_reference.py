"""The pages to look things up: the package reference, the glossary, the references, and what links show."""

import re
import sys

import pytest

from tests.site.sample import QUIZ, ROOT, build_sample

sys.path.insert(0, str(ROOT / "book/site/ext"))
NOT_TO_IMPORT = ("course_pkg/grading/inside/", "/__init__.py", "/__main__.py")


def modules() -> set[str]:
    """Every module that a reader may import."""
    paths = [path.relative_to(ROOT).as_posix() for path in (ROOT / "course_pkg").rglob("*.py")]
    return {p[:-3].replace("/", ".") for p in paths if not any(part in p for part in NOT_TO_IMPORT)}


def test_every_module_stands_on_one_page_of_the_reference():
    pages = "\n".join(path.read_text(encoding="utf8") for path in sorted((ROOT / "book/api").glob("*.md")))
    listed = re.findall(r"^```\{api\} (\S+)$", pages, re.MULTILINE)
    assert sorted(set(listed)) == sorted(listed), "a module stands twice"
    assert modules() - set(listed) == set(), "add these to a page of book/api"
    assert set(listed) - modules() == set(), "these are no modules"


def test_signatures_are_the_sources_own():
    import ast

    from course_api import prose, signature

    source = "def f(x: Float['T B'], *, k: int = 3, **rest) -> tuple: 'Doc.'\nclass C(NamedTuple):\n    W: int  # c\n"
    function, named = ast.parse(source).body
    assert signature(function) == "f(x: Float['T B'], *, k: int=3, **rest) -> tuple"
    assert signature(named) == "class C(NamedTuple)\n    W: int"
    six = ", ".join(f"argument_{k}: int = {k}" for k in range(6))
    lines = signature(ast.parse(f"def g({six}, *rest, z=None): 'x'").body[0]).split("\n")
    assert lines[:2] == ["g(", "    argument_0: int = 0,"] and lines[-3:] == ["    *rest,", "    z=None,", ")"]
    made = prose("(no-such-label) Text `x`.\n\n    a = b\n\nMore:\n    c\nend.", "page")
    kinds = " ".join(type(node).__name__ for node in made)
    assert kinds == "paragraph literal_block paragraph literal_block paragraph"


def test_words_are_linked_once_and_whole():
    from course_links import pattern

    words = {"gate": 1, "forget gate": 1, "cell state": 1}
    found = pattern(words).findall("Gates: a forget gate, gateways, the cell states")
    assert found == [("Gate", "s"), ("forget gate", ""), ("cell state", "s")]


def test_what_pages_explain_is_found():
    from course_links import explanations

    page = (
        '<div class="math notranslate" id="equation-a-b"><span class="eqno">(1)</span><mjx-x>f</mjx-x></div>'
        '<dt id="term-gate">gate<a class="headerlink" href="#">#</a></dt><dd><p>Opens.</p></dd>'
    )
    assert explanations(page) == [
        ("equation-a-b", "<mjx-x>f</mjx-x>"),
        ("term-gate", "<strong>gate</strong> <p>Opens.</p>"),
    ]


def test_the_glossary_has_at_least_80_words_in_order():
    text = (ROOT / "book/glossary.md").read_text(encoding="utf8")
    words = re.findall(r"^(\S.*)\n  \S", text.split(":::{glossary}")[1], re.MULTILINE)
    assert len(words) >= 80 and len(set(words)) == len(words)
    assert words == sorted(words, key=str.lower)


def entries() -> dict[str, str]:
    text = (ROOT / "book/references.bib").read_text(encoding="utf8")
    return {found[1]: found[0] for found in re.finditer(r"^@\w+\{([^,]+),.*?^\}", text, re.MULTILINE | re.DOTALL)}


def test_every_reference_is_cited_and_every_citation_has_one():
    pages = [*(ROOT / "book").glob("*.ipynb"), *(ROOT / "book").glob("*.md")]
    cited = {
        key.strip()
        for page in pages
        for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", page.read_text(encoding="utf8"))
        for key in keys.split(",")
    }
    assert cited == set(entries())


@pytest.mark.parametrize("key", sorted(entries()))
def test_a_reference_has_its_doi_or_says_where_it_is(key):
    """Whatever has a DOI gives it; arXiv papers have one too. The few without say how they were published."""
    entry = entries()[key]
    doi = re.search(r"doi\s*=\s*\{(10\.\d{4,}/[^}]+)\}", entry)
    places = "howpublished|institution|school|publisher|booktitle|journal|url"
    assert doi or re.search(rf"(?:{places})\s*=\s*\{{", entry), entry
    assert doi or "arxiv" not in entry.lower(), f"{key}: arXiv papers have a DOI, 10.48550/arXiv.NUMBER"


def test_a_question_for_a_number_is_computed_by_the_package(tmp_path):
    page = (build_sample(tmp_path) / "book/intro.html").read_text(encoding="utf8")
    box = page[page.index('class="quiz-number') :]
    assert 'data-value="31300.0" data-within="0.0"><summary>Show the answer</summary>' in box
    assert "<strong>31300.</strong>" in box and 'data-value="30900.0"' in box and "the biases are missing" in box
    other = (tmp_path / "_build/html/book/widgets.html").read_text(encoding="utf8")
    assert "quiz.js" in page and "quiz.js" not in other


def test_a_question_may_name_modules_with_digits_and_within_packages():
    from course_quiz import compute

    assert compute("course_pkg.conv2d.receptive_field([(3, 1), (2, 2)])[0]") == 4
    assert compute("course_pkg.published.rows.ROWS['adding'].parameters + np.ones(2).sum()") == 70_002


def test_a_wrong_number_stops_the_build(tmp_path):
    start = QUIZ.index(":::{number-question}")
    question = QUIZ[start:]
    wrong = [("} 31300", "} 31000"), ("? 30900", "? 31300"), ("init_gru(rng", "init_gro(rng")]
    with pytest.raises(AssertionError) as stop:
        build_sample(tmp_path, QUIZ[:start] + "\n".join(question.replace(old, new) for old, new in wrong))
    assert "the page says 31000, the package computes 31300.0" in str(stop.value)
    assert "a slip is the right answer" in str(stop.value) and "has no attribute 'init_gro'" in str(stop.value)

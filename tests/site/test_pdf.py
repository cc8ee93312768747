"""`make pdf`: pages printed by Chromium and joined, with contents, an outline, numbers, and links within the PDF."""

import shutil
import subprocess
import sys

import pytest
from pypdf import PdfReader

from tests.site.sample import QUIZ, ROOT, build_sample
from tools import pdf

pytestmark = pytest.mark.browser
LINKS = "\nSee [the other page](widgets), and [a page of others](https://example.org/).\n"


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    if not any(map(shutil.which, pdf.BROWSERS)):
        pytest.skip("Chromium is not installed (or set CHROMIUM to its path)")
    folder = tmp_path_factory.mktemp("sample")
    built = build_sample(folder, QUIZ + LINKS)
    first = pdf.make(built, folder / "book.pdf", folder / "_toc.yml")
    return PdfReader(folder / "book.pdf"), first


def test_pages_stand_in_the_books_order_with_an_outline(printed):
    reader, first = printed
    assert list(first) == ["book/intro", "book/widgets"] and first["book/intro"] == 1
    assert 2 <= first["book/widgets"] < len(reader.pages)
    assert [entry.title for entry in reader.outline] == ["Contents", "Mathematics", "Widgets"]
    places = [reader.get_destination_page_number(entry) for entry in reader.outline]
    assert places == [0, first["book/intro"], first["book/widgets"]]
    assert reader.metadata.title == "Recurrent networks from scratch"
    assert "Mathematics" in reader.pages[1].extract_text()


def test_the_contents_say_on_which_sheet_a_page_begins_and_each_sheet_has_its_number(printed):
    reader, first = printed
    front = " ".join(reader.pages[0].extract_text().split())
    for title, page in (("Mathematics", "book/intro"), ("Widgets", "book/widgets")):
        assert f"{title} {first[page] + 1}" in front
    for number, page in enumerate(reader.pages):
        foot = page.extract_text().rstrip().split("\n")[-1]
        title = "" if not number else "Mathematics" if number < first["book/widgets"] else "Widgets"
        assert foot.split() == [*title.split(), str(number + 1)]


def test_answers_are_open_on_paper_and_bars_are_gone(printed):
    reader, first = printed
    text = " ".join(" ".join(page.extract_text() for page in reader.pages[1 : first["book/widgets"]]).split())
    assert "inside the reset gate" in text and "Show the answer" in text
    assert text.count("Right") == 1, "the one right answer is marked as such"
    assert "Search" not in text and "On this page" not in text


def test_links_stay_within_the_pdf(printed):
    reader, first = printed
    links = [a.get_object() for page in reader.pages for a in page.get("/Annots", [])]
    outside = [str(link["/A"]["/URI"]) for link in links if "/A" in link and "/URI" in link["/A"]]
    assert [address for address in outside if address.startswith("file:")] == []
    assert "https://example.org/" in outside
    targets = [link["/Dest"][0].get_object() for link in links if isinstance(link.get("/Dest"), list)]
    assert reader.pages[first["book/widgets"]].get_object() in targets


SHEET = '<div style="break-before: page"></div>'


def test_links_lead_to_their_very_place_although_pages_use_the_same_names(tmp_path):
    """Both pages have a place named quiz: in one on its second sheet, in the other on its third."""
    if not any(map(shutil.which, pdf.BROWSERS)):
        pytest.skip("Chromium is not installed (or set CHROMIUM to its path)")
    links = '<a href="#quiz">mine</a> <a href="{}.html#quiz">the other\'s</a> <a href="../gone.html#quiz">gone</a>'
    for name, other, sheets in (("a", "b", 1), ("b", "a", 2)):
        body = f'<h1>{name}</h1>{links.format(other)}{SHEET * sheets}<p>Before.</p><h2 id="quiz">Quiz of {name}</h2>'
        (tmp_path / f"{name}.html").write_text(f"<html><body>{body}</body></html>", encoding="utf8")
    (tmp_path / "_toc.yml").write_text("root: a\nchapters:\n  - file: b\n", encoding="utf8")
    first = pdf.make(tmp_path, tmp_path / "book.pdf", tmp_path / "_toc.yml")
    reader = PdfReader(tmp_path / "book.pdf")
    assert first == {"a": 1, "b": 3} and len(reader.pages) == 6
    sheets = {page.indirect_reference.idnum: number for number, page in enumerate(reader.pages)}
    for name, mine, other in (("a", 2, 5), ("b", 5, 2)):
        found = [link.get_object() for link in reader.pages[first[name]]["/Annots"]]
        places = [link["/Dest"] for link in found if "/Dest" in link]
        assert [sheets[place[0].idnum] for place in places] == [mine, other]
        assert all(600 < place[3] < 780 for place in places), "below the first line, in the sheet's upper quarter"
        assert len(places) == len(found), "what leads out of the book is gone"
    assert [[entry.title for entry in part] for part in reader.outline if isinstance(part, list)] == [
        ["Quiz of a"], ["Quiz of b"],
    ]  # fmt: skip


def test_the_parts_of_the_book_are_those_of_its_contents():
    parts = dict(pdf.parts(ROOT / "_toc.yml"))
    assert parts[""] == ["book/intro"] and parts["Part I. From dense nets to recurrence"][0] == "book/01_why_sequences"
    assert "book/api/recurrence" in parts["To look things up"]


def test_without_a_browser_it_says_what_to_do():
    program = "from tools import pdf; pdf.BROWSERS = (); pdf.browser()"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, env={}, cwd=ROOT, check=False)
    assert done.returncode == 1 and "no Chromium found" in done.stderr

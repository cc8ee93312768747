"""`make pdf`: pages printed by Chromium and joined, with an outline, and with links that stay within the PDF."""

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
    assert list(first) == ["book/intro", "book/widgets"] and first["book/intro"] == 0
    assert 1 <= first["book/widgets"] < len(reader.pages)
    assert [entry.title for entry in reader.outline] == ["Mathematics", "Widgets"]
    assert reader.metadata.title == "Recurrent networks from scratch"
    assert "Mathematics" in reader.pages[0].extract_text()


def test_answers_are_open_on_paper_and_bars_are_gone(printed):
    reader, first = printed
    text = "".join(page.extract_text() for page in reader.pages[: first["book/widgets"]])
    assert "inside the reset gate" in text and "Show the answer" in text
    assert "Search" not in text and "On this page" not in text


def test_links_stay_within_the_pdf(printed):
    reader, first = printed
    links = [a.get_object() for page in reader.pages for a in page.get("/Annots", [])]
    outside = [str(link["/A"]["/URI"]) for link in links if "/A" in link and "/URI" in link["/A"]]
    assert [address for address in outside if address.startswith("file:")] == []
    assert "https://example.org/" in outside
    targets = [link["/Dest"][0].get_object() for link in links if isinstance(link.get("/Dest"), list)]
    assert reader.pages[first["book/widgets"]].get_object() in targets


def test_the_parts_of_the_book_are_those_of_its_contents():
    parts = dict(pdf.parts(ROOT / "_toc.yml"))
    assert parts[""] == ["book/intro"] and parts["Part I. From dense nets to recurrence"][0] == "book/01_why_sequences"
    assert "book/api/recurrence" in parts["To look things up"]


def test_without_a_browser_it_says_what_to_do():
    program = "from tools import pdf; pdf.BROWSERS = (); pdf.browser()"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, env={}, cwd=ROOT, check=False)
    assert done.returncode == 1 and "no Chromium found" in done.stderr

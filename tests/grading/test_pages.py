"""Feedback and summary: whole, escaped, without anything that runs or loads, and with what people need."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from course_pkg.grading.batch import failure, grade_one
from course_pkg.grading.feedback import feedback_page, write_feedback
from course_pkg.grading.gradebook import gradebook
from course_pkg.grading.pages import text
from course_pkg.grading.submissions import Handed
from course_pkg.grading.summary import About, histogram, identical, summary_page
from tests.grading import kit

EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)>"
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Tags balanced; what is in it."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    @property
    def words(self):
        return re.sub(r"\s+", " ", " ".join(self.text))


def graded(course, student, answers, name="", **more):
    data = answers if isinstance(answers, bytes) else kit.notebook(course, answers, **more)
    return grade_one(Handed(student, name, contents={"04_steps.ipynb": data}), kit.papers(course), kit.settings())


@pytest.fixture(scope="module")
def book(course):
    evil = {kit.BACK: f"def step_back(x, h, dh):\n    raise ValueError({EVIL!r})",
            kit.SUM: f"def masked_sum(xs, mask):\n    return {EVIL!r}"}  # fmt: skip
    results = [
        graded(course, "ada", {}),
        graded(course, "boole", kit.WRONG),
        graded(course, EVIL, evil, name=EVIL + "\u202e", last=f"raise ValueError({EVIL!r})"),
        graded(course, "broken", b"{"),
        graded(course, "half", {kit.SUM: kit.WRONG[kit.SUM]}),
        failure(Handed("unlucky"), kit.papers(course), "A", "Traceback\nOSError: " + EVIL),
        grade_one(Handed("absent", contents={}), kit.papers(course), kit.settings()),
    ]
    return gradebook(results)


def page_of(book, student):
    row = next(row for row in book.rows if row.student == student)
    return Page(feedback_page(row, book, {"04": "Steps"}))


def all_pages(book):
    pages = {row.student: f"{k}.html" for k, row in enumerate(book.rows)}
    whole = [feedback_page(row, book, {"04": "Steps"}) for row in book.rows]
    return [*whole, summary_page(book, pages, About({"A": "bubblewrap is missing"}, conflicts=(EVIL,)))]


def test_pages_run_and_load_nothing(book):
    for html in all_pages(book):
        page = Page(html)
        assert not {"script", "img", "iframe", "object", "link", "form"} & set(page.tags)
        names = {name for name, _ in page.attributes}
        assert not {name for name in names if name.startswith("on")} and "src" not in names
        links = [value for name, value in page.attributes if name == "href"]
        assert all(re.fullmatch(r"feedback/[\w.%-]+", link) for link in links)
        assert "default-src 'none'" in html and "\u202e" not in html
        assert "url(" not in html and "@import" not in html


def test_pages_follow_the_readers_light_and_width(book):
    for html in all_pages(book):
        assert 'name="viewport"' in html and "prefers-color-scheme:dark" in html and '<html lang="en">' in html


def test_what_a_student_reads(book):
    boole = page_of(book, "boole")
    assert "5 of 20 points" in boole.words and "Chapter 4: Steps" in boole.words
    assert "This looks like a known mistake. The derivative of tanh is missing." in boole.words
    assert "What the check in your notebook says" in boole.words
    assert "✓ total (masked=False)" in boole.words and "✗ total (masked=True)" in boole.words
    assert "cut off from files and network (level A)" in boole.words
    ada = page_of(book, "ada")
    assert "2 of 2 exercises are fully right." in ada.words and "known mistake" not in ada.words


def test_every_kind_of_trouble_has_its_words(book):
    assert "could not be graded. The file is damaged" in page_of(book, "broken").words
    assert "No notebook of this chapter was handed in: 0 of 20 points." in page_of(book, "absent").words
    assert "The grader itself failed on this submission." in page_of(book, "unlucky").words
    evil = page_of(book, EVIL).words
    assert "that did not run to their end" in evil and "stopped with ValueError" in evil
    assert "It stops with ValueError in 12 hidden cases" in evil


def test_private_notes_are_not_in_the_feedback(book):
    row = next(row for row in book.rows if row.student == EVIL)
    private = [line for question in row.questions for line in question.private]
    assert private
    shown = page_of(book, EVIL).words
    assert not any(line in shown for line in private)
    assert "Traceback" not in page_of(book, "unlucky").words


def test_summary(book):
    page = Page(summary_page(book, {row.student: "x.html" for row in book.rows}, About({}, waiting=3)))
    assert "7 submissions" in page.words and "3 not graded" in page.words
    assert "3 submissions not graded yet" in page.words
    assert re.search(r"One step back step_back|One step back 04-step-back", page.words)
    assert "2 fully right, 0 partly" in page.words
    assert "The padding is added, too." in page.words and "The derivative of tanh is missing." in page.words
    assert "broken.ipynb" not in page.words and "04_steps.ipynb: json" in page.words
    assert "no notebook was handed in" in page.words and "OSError: " in page.words
    assert kit.KEY.fingerprint in page.words and kit.KEY.secret.hex() not in page.words


def test_level_d_is_a_warning_everywhere(course):
    result = replace(graded(course, "ada", {}), level="D")
    book = gradebook([result])
    assert "without protection (level D)" in Page(feedback_page(book.rows[0], book)).words
    assert "Level D: 1 submission ran without protection." in Page(summary_page(book, {}, About({}))).words


def test_identical_answers_are_found_and_short_or_empty_ones_are_not(course):
    long = "def step_back(x, h, dh):\n    da = dh * (1 - h**2)\n    db = da.sum(axis=0)\n    dW = da.T @ x\n"
    long += "    assert dW.shape == (h.shape[1], x.shape[1]), dW.shape\n    assert db.shape == (h.shape[1],)\n"
    long += "    return dW, db"
    renamed = long.replace("dW", "weights").replace("db", "bias").replace("    return", "\n    # done\n    return")
    book = gradebook([graded(course, "a", {kit.BACK: long}), graded(course, "b", {kit.BACK: renamed}),
                      graded(course, "c", {kit.BACK: long.replace("(1 - h**2)", "(1 - h * h)")})])  # fmt: skip
    assert identical(book) == [(["a", "b"], "04")]
    assert "The same answers in chapter 4" in Page(summary_page(book, {}, About({}))).words
    starters = dict.fromkeys(kit.RIGHT, "def f():\n    raise NotImplementedError")
    assert identical(gradebook([graded(course, name, starters) for name in "ab"])) == []


def test_histogram_says_its_numbers():
    html = histogram([0.0, 0.05, 0.7, 1.0, 1.0])
    assert "0 to 10 %: 2" in html and "70 to 80 %: 1" in html and "90 to 100 %: 2" in html
    Page(html)
    assert histogram([]) == "<p>Nothing was graded.</p>"


def test_files_of_students_whose_names_look_alike(course, tmp_path):
    book = gradebook([graded(course, name, {}) for name in ("a b", "a-b", "A b", "../../x", "")])
    names = write_feedback(tmp_path / "feedback", book)
    assert len({name.lower() for name in names.values()}) == 5
    assert sorted(path.name for path in (tmp_path / "feedback").iterdir()) == sorted(names.values())
    assert [path.name for path in tmp_path.iterdir()] == ["feedback"]


def test_text_hides_nothing():
    assert text("a\x00b\u202ec<&\"'") == "a\ufffdb\ufffdc&lt;&amp;&quot;&#x27;"

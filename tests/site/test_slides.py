"""`make slides`: what of a chapter stands on its slides, and what in the speaker's notes."""

import json
import sys

import pytest
from bs4 import BeautifulSoup

from tests.site.sample import ROOT
from tools.slides import LIVE_NOTE, Deck, first_sentence, last_sentence, make

sys.path.insert(0, str(ROOT / "book/site/ext"))
import course_live

OUTPUT = '<div class="cell"><div class="cell_output"><div class="output stream"><pre>{}</pre></div></div></div>'
SECTIONS = [
    '<section id="first"><h2>First</h2><p>Why so. Here it is:</p><div class="math" id="equation-a">a</div>',
    '<p>And then:</p><div class="math">b</div>',
    '<div class="predict admonition"><p class="admonition-title">Predict</p><p>How many?</p></div>',
    OUTPUT.format("t  1\ny  2"),
    "<p>That was it.</p></section>",
    '<section id="long"><h2>Long</h2>' + OUTPUT.format("\n".join(["line"] * 40)) + "<p>Only words. More.</p></section>",
    '<section id="picture"><h2>Picture</h2><figure><img src="../_images/p.png" alt="A line.">',
    '<figcaption><span class="caption-text">It falls. Slowly.</span></figcaption></figure></section>',
    '<section id="quiz"><h2>Quiz</h2><p><strong>Question 1.</strong> Which?</p>',
    '<details class="quiz right"><summary>This</summary><p>Yes.</p></details>',
    '<details class="quiz wrong"><summary>That</summary><p>No.</p></details></section>',
    '<section id="sources"><h2>Sources</h2><p>Papers.</p></section>',
]
PAGE = f"""<html><article class="bd-article"><section id="x">
<h1><span class="section-number">3. </span>A net<a class="headerlink">#</a></h1>
<p><strong>In one sentence.</strong> It <a class="term-link" href="glossary.html">remembers</a>.</p>
<div class="objectives admonition"><p class="admonition-title">After this</p><ul><li>see</li></ul></div>
{"".join(SECTIONS)}</section></article></html>"""


@pytest.fixture(scope="module")
def deck():
    return Deck(PAGE)


def test_the_slides_in_order(deck):
    assert deck.title == "3. A net"
    kinds = [slide.kind.split()[0] for slide in deck.slides]
    assert kinds == ["title", "aims", "equations", "box", "output", "words", "figure", "quiz"]


def test_text_that_leads_to_a_slide_is_in_its_notes(deck):
    title, _, equations, box, output, words, figure, quiz = deck.slides
    assert "remembers" in title.html() and "<a " not in title.html() and "headerlink" not in title.html()
    assert equations.notes == ["Why so. Here it is:", "And then:"]
    assert equations.body[0] == '<p class="lead">Here it is:</p>'
    assert sum("math" in part for part in equations.body) == 2, "neighbouring equations share a slide"
    assert "How many?" in box.html() and box.heading == "Predict"
    assert "t  1\ny  2" in output.html() and output.notes == ["That was it."]
    assert words.body == ["<p>Only words.</p>"], "an output too long for a slide leaves the section's first sentence"
    assert 'alt="A line."' in figure.html() and '<span class="caption-text">It falls.</span></p>' in figure.html()
    assert "It falls. Slowly." in figure.notes[0]


def test_a_question_shows_its_choices_and_keeps_the_answer_for_the_speaker(deck):
    shown, notes = deck.slides[-1].html().split('<aside class="notes">')
    assert "<li>This</li><li>That</li>" in shown and "Yes." not in shown and "Right" not in shown
    assert "<b>Right: This</b> Yes." in notes and "<b>Wrong: That</b> No." in notes


@pytest.fixture(scope="module")
def live_book(tmp_path_factory):
    """A built book of one chapter with a real live figure, and a package of reveal.js of empty files."""
    folder = tmp_path_factory.mktemp("live")
    drawn = course_live.build("beam", folder / "_static/live")
    caption = '<figcaption><span class="caption-text">A beam. Width is yours.</span></figcaption>'
    figure = f'<p>Make it wider.</p><figure class="live" id="live-beam">{drawn}{caption}</figure>'
    for name in ("book", "_images"):
        (folder / name).mkdir()
    (folder / "_images/p.png").touch()
    quiz = '<section id="quiz">'
    page = PAGE.replace(quiz, f'<section id="hands"><h2>Yours</h2>{figure}</section>{quiz}')
    (folder / "book/03_net.html").write_text(page, encoding="utf8")
    for name, text in course_live.style_sheets().items():
        (folder / f"_static/live/{name}.css").write_text(text, encoding="utf8")
    for name in ("core", "frame", "beam", "lstm"):
        (folder / f"_static/live/{name}.js").write_text(f"// {name}", encoding="utf8")
    for file in ("reset.css", "reveal.css", "reveal.js", "plugin/notes.js"):
        (folder / "reveal" / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / "reveal" / file).touch()
    return folder, drawn


def test_a_live_figure_is_whole_on_a_slide_and_what_to_try_is_in_the_notes(live_book):
    folder, drawn = live_book
    deck = Deck((folder / "book/03_net.html").read_text("utf8"))
    assert deck.live == ["beam"]
    (slide,) = [slide for slide in deck.slides if slide.kind == "live"]
    assert slide.heading == "Yours" and slide.notes == ["Make it wider.", "A beam. Width is yours.", LIVE_NOTE]
    shown, given = (BeautifulSoup(text, "html.parser").find("live-figure") for text in (slide.html(), drawn))
    assert json.loads(shown.script.string) == json.loads(given.script.string)
    assert str(shown.find(class_="lf")) == str(given.find(class_="lf")), "the first state, as the build has drawn it"
    assert shown.find(class_="lf")["aria-label"] and shown.find(role="img")["aria-label"]
    assert "data-prevent-swipe" in shown.attrs and '<p class="caption">A beam.</p>' in slide.html()


def test_a_deck_with_a_live_figure_loads_what_it_needs_and_no_more(live_book, tmp_path):
    folder, _ = live_book
    assert make(folder, tmp_path, folder / "reveal") == {"03_net": 9}
    page = BeautifulSoup((tmp_path / "03_net.html").read_text("utf8"), "html.parser")
    asked = [tag.get("src") or tag.get("href") for tag in page.select("script[src], link[href]")]
    assert [name.split("/")[-1] for name in asked if "/live/" in name] == [
        "live.css", "beam.css", "core.js", "beam.js", "frame.js",
    ]  # fmt: skip
    assert all((tmp_path / name).is_file() for name in asked)
    weights = "assets/live/beam.weights.js"  # the frame asks for them beside itself
    assert (tmp_path / weights).read_bytes() == (folder / "_static/live/beam.weights.js").read_bytes()
    assert not (tmp_path / "assets/live/lstm.js").exists()


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("One. Two.", "One.", "Two."),
        ("No stop", "No stop", "No stop"),
        ("It is 0.5 now. So", "It is 0.5 now.", "So"),
        ("<b>A. b</b> c. D", "<b>A.</b>", "D"),
    ],
)
def test_sentences(text, first, last):
    assert (first_sentence(text), last_sentence(text)) == (first, last)


def test_clear_errors(tmp_path):
    with pytest.raises(ValueError, match="Deck: the page must have an article"):
        Deck("<html></html>")
    with pytest.raises(SystemExit, match="npm install"):
        make(tmp_path, tmp_path / "out", tmp_path / "reveal")

"""`make slides`: what of a chapter stands on its slides, and what in the speaker's notes."""

import pytest

from tools.slides import Deck, first_sentence, last_sentence, make

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

"""The corpora: ours never changes; Python's help texts come in one order, as prose, each paragraph once."""

import hashlib
import pydoc_data.topics
import random

from course_pkg.data.corpora import harbour_text, topics_paragraphs
from course_pkg.data.tokenise import detokenise, words


def test_the_story_is_the_one_that_the_chapters_count_on():
    text = harbour_text()
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "8d1b0c060f68e937"
    assert text.count("\n") == 12 and len(text.split()) == 973 and text.isascii()
    for paragraph in text.splitlines():
        assert paragraph.startswith("In ") and detokenise(words(paragraph)) == paragraph


def test_the_order_of_the_topics_does_not_matter(monkeypatch):
    before = topics_paragraphs()
    shuffled = list(pydoc_data.topics.topics.items())
    random.Random(3).shuffle(shuffled)
    monkeypatch.setattr(pydoc_data.topics, "topics", dict(shuffled))
    assert topics_paragraphs() == before


def test_the_paragraphs_are_prose_and_each_stands_once():
    paragraphs = topics_paragraphs()
    assert 500 <= len(paragraphs) <= 1500 and 100_000 <= sum(map(len, paragraphs)) <= 400_000
    assert len(set(paragraphs)) == len(paragraphs)
    assert all("::=" not in p and ">>>" not in p and "\n" not in p and p[-1] in ".:!?" for p in paragraphs)


def test_code_headings_and_grammar_are_left_out(monkeypatch):
    topic = (
        "A heading\n*********\n\nThis sentence is prose and goes on\nfor a second line.\n\n   indented = code()\n\n"
        "stmt ::= (target_list) and much more of it.\n\n* an item of a list, long enough to count here.\n\nShort one.\n"
    )
    monkeypatch.setattr(pydoc_data.topics, "topics", {"b": topic, "a": topic.replace("second", "third")})
    sentence = "This sentence is prose and goes on for a {} line."
    assert topics_paragraphs() == [sentence.format("third"), sentence.format("second")]

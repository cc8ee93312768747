"""Texts that every reader has, in the same order everywhere.

- `harbour_text`: "A year at the harbour", a short story written for this course (ours, CC BY 4.0). It never changes,
  so numbers computed from it are exact.
- `topics_paragraphs`: the English of `pydoc_data.topics`, the help texts that come with Python. They change with the
  version of Python; what is computed from them is claimed as a range (course_pkg.checks.claims).

Python's own source is in course_pkg.data.stdlib_source.
"""

import re
from importlib import resources

STORY = "our_harbour.txt"
MINIMUM = 40  # characters of a paragraph; shorter ones are headings and leftovers


def harbour_text() -> str:
    """The story: twelve paragraphs, each on one line, 973 words."""
    text = resources.files("course_pkg.data").joinpath(STORY).read_text(encoding="ascii")
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs) + "\n"


def topics_paragraphs() -> list[str]:
    """The paragraphs of English prose in Python's help texts, each on one line, in the order of the topics' names.

    Code, grammar, headings, lists and tables are left out, and so is a paragraph that occurred before: some topics hold
    others word for word.
    """
    from pydoc_data.topics import topics

    found: dict[str, None] = {}
    for name in sorted(topics):
        for block in re.split(r"\n[ \t]*\n", topics[name]):
            paragraph = " ".join(block.split())
            if _is_prose(block) and len(paragraph) >= MINIMUM:
                found[paragraph] = None
    return list(found)


def _is_prose(block: str) -> bool:
    """A paragraph as one writes it: not indented, from a letter or a quotation mark to the end of a sentence."""
    lines = block.strip("\n").split("\n")
    plain = all(line and not line[0].isspace() for line in lines)
    marks = ("::=", ">>>", "***", "===", "---", "~~~", "+=", "|")
    first, last = block.strip()[:1], block.strip()[-1:]
    return plain and (first.isalpha() or first in '"“') and last in ".:!?" and not any(m in block for m in marks)

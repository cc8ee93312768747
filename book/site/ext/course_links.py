"""Links that explain themselves: the glossary's words where they first stand, and what a link shows on hover.

- The first time that a chapter's running text uses a word of the glossary, the word becomes a link to it.
- Every link to an equation or a word that stands on another page carries that equation or explanation with it, in a
  <template> at the page's end: previews.js shows it, without a request, on a disk as well as from a server.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging

LOG = logging.getLogger(__name__)
NO_LINKS_ON = ("book/glossary", "book/references", "book/notation", "book/api")  # these explain, or list
NOT_WITHIN = (
    nodes.reference, nodes.literal, nodes.math, nodes.raw, nodes.title, nodes.caption, nodes.term,
    addnodes.pending_xref, addnodes.download_reference, nodes.table, nodes.strong,
)  # fmt: skip
EQUATION = re.compile(r'<div class="math[^"]*" id="(equation-[^"]+)">(.*?)</div>', re.DOTALL)
TERM = re.compile(r'<dt id="(term-[^"]+)">(.*?)</dt>\s*<dd>(.*?)</dd>', re.DOTALL)
LINK = re.compile(r'<a class="(?:term-link )?reference internal" href="([^"#]+\.html)#((?:equation|term)-[^"]+)"')
OURS = re.compile(r'<template id="course-previews">.*?</template>\n', re.DOTALL)
UNWANTED = re.compile(
    r'<a class="headerlink".*?</a>|<span class="eqno">.*?</span>|<mjx-assistive-mml.*?</mjx-assistive-mml>', re.DOTALL
)


def glossary(app: Sphinx) -> dict[str, tuple[str, str]]:
    """Word in small letters -> (page, anchor), from Sphinx's own index of terms."""
    objects = app.env.get_domain("std").get_objects()
    return {name.lower(): (page, anchor) for name, _, kind, page, anchor, _ in objects if kind == "term"}


def pattern(words: dict[str, Any]) -> re.Pattern[str]:
    """Any of the words, whole, long ones first, with a plural s if it has one."""
    alternatives = "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))
    return re.compile(rf"(?<![\w-])({alternatives})(s?)(?![\w-])", re.IGNORECASE)


def link_words(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Make the first use of each word in the page's paragraphs a link to the glossary."""
    words = glossary(app)
    if app.builder.format != "html" or docname.startswith(NO_LINKS_ON) or not words:
        return
    find, seen = pattern(words), set()
    for paragraph in list(doctree.findall(nodes.paragraph)):
        for text in list(paragraph.findall(nodes.Text)):
            if not inside(text, NOT_WITHIN):
                pieces = linked(app, text.astext(), find, words, seen, docname)
                if any(isinstance(piece, nodes.reference) for piece in pieces):
                    text.parent.replace(text, pieces)


def inside(node: nodes.Node, kinds: tuple[type, ...]) -> bool:
    while node.parent is not None:
        node = node.parent
        if isinstance(node, kinds):
            return True
    return False


def linked(
    app: Sphinx, text: str, find: re.Pattern[str], words: dict[str, tuple[str, str]], seen: set[str], docname: str
) -> list[nodes.Node]:
    """The text as nodes, with a link wherever a word is met that was not seen before."""
    pieces, end = [], 0
    for found in find.finditer(text):
        word = found[1].lower()
        if word in seen:
            continue
        seen.add(word)
        page, anchor = words[word]
        target = app.builder.get_relative_uri(docname, page) + "#" + anchor
        link = nodes.reference("", found[0], internal=True, refuri=target, classes=["term-link"])
        pieces += [nodes.Text(text[end : found.start()])] if found.start() > end else []
        pieces.append(link)
        end = found.end()
    return [*pieces, nodes.Text(text[end:])]


def add_previews(app: Sphinx, failure: Exception | None) -> None:
    """Give each page a copy of what its links lead to on other pages."""
    if failure is not None or app.builder.format != "html":
        return
    pages = {path: path.read_text(encoding="utf8") for path in Path(app.outdir).glob("book/*.html")}
    targets = {path.name: dict(explanations(text)) for path, text in pages.items()}
    for path, text in pages.items():
        wanted = sorted(set(LINK.findall(text)))
        made = [
            f'<div data-for="{page}#{anchor}">{targets[page][anchor]}</div>'
            for page, anchor in wanted
            if anchor in targets.get(page, {})
        ]
        block = f'<template id="course-previews">{"".join(made)}</template>\n' if made else ""
        better = OURS.sub("", text).replace("</body>", f"{block}</body>")
        if better != text:
            path.write_text(better, encoding="utf8")


def explanations(page: str) -> list[tuple[str, str]]:
    """The (anchor, HTML) of each equation and each word that a page explains."""
    equations = [(anchor, UNWANTED.sub("", inner)) for anchor, inner in EQUATION.findall(page)]
    words = [
        (anchor, f"<strong>{UNWANTED.sub('', word)}</strong> {UNWANTED.sub('', inner)}")
        for anchor, word, inner in TERM.findall(page)
    ]
    return equations + words


def setup(app: Sphinx) -> None:
    app.connect("doctree-resolved", link_words)
    app.connect("build-finished", add_previews)
    app.add_js_file("previews.js", loading_method="defer")

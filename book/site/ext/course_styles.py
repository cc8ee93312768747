"""Style sheets of others, cut down to the rules that the book's pages can need.

The theme's sheet is 390 kB, of which a page uses a tenth. A rule stays when each class and id of its selector stands in
a page of the book, or as a word in a script that the pages load, so that what a script adds later is styled too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import tinycss2
from sphinx.application import Sphinx
from tinycss2 import ast

HEAVY = ("styles/pydata-sphinx-theme.css", "styles/sphinx-book-theme.css", "sphinx-design.min.css", "mystnb.*.css",
         "proof.css", "togglebutton.css")  # fmt: skip
SAFE = {"show", "active", "collapse", "collapsing", "modal-open", "success"}  # states that scripts switch on


def words_of_pages(folder: Path) -> set[str]:
    """Every class and id of the built pages, and every word in the strings of their scripts."""
    words = set(SAFE)
    for page in folder.rglob("*.html"):
        text = page.read_text(encoding="utf8")
        for value in re.findall(r'\b(?:class|id)="([^"]*)"', text):
            words.update(value.split())
        for script in re.findall(r"<script\b[^>]*>(.*?)</script>", text, re.DOTALL):
            words.update(re.findall(r"[\w-]+", script))
    for script in (folder / "_static").rglob("*.js"):
        words.update(re.findall(r"[\w-]+", script.read_text(encoding="utf8", errors="replace")))
    return words


def cut(sheet: str, words: set[str]) -> str:
    """The sheet without the rules that no page can need, without comments and blank space."""
    rules = tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True)
    return "\n".join(_kept(rules, words)) + "\n"


def _kept(rules: Iterable[Any], words: set[str]) -> Iterator[str]:
    for rule in rules:
        if isinstance(rule, ast.QualifiedRule):
            selectors = [one for one in _selectors(rule.prelude) if _needed(one, words)]
            if selectors:
                heads = ",".join(tinycss2.serialize(one).strip() for one in selectors)
                yield f"{heads}{{{_declarations(rule.content)}}}"
        elif isinstance(rule, ast.AtRule) and rule.lower_at_keyword in ("media", "supports") and rule.content:
            inner = "".join(_kept(tinycss2.parse_rule_list(rule.content, True, True), words))
            if inner:
                yield f"@{rule.at_keyword} {tinycss2.serialize(rule.prelude).strip()}{{{inner}}}"
        else:
            yield rule.serialize()


def _declarations(content: list[Any]) -> str:
    return re.sub(r"\s+", " ", tinycss2.serialize([t for t in content if not isinstance(t, ast.Comment)])).strip()


def _selectors(prelude: list[Any]) -> list[list[Any]]:
    """The selectors between the commas."""
    found: list[list[Any]] = [[]]
    for token in prelude:
        if isinstance(token, ast.LiteralToken) and token.value == ",":
            found.append([])
        elif not isinstance(token, ast.Comment):
            found[-1].append(token)
    return found


def _needed(selector: list[Any], words: set[str]) -> bool:
    """True when every class and id is among the words; what stands in :not(...), :is(...) is not looked at."""
    for before, token in zip([None, *selector], selector, strict=False):
        if isinstance(token, ast.HashToken) and token.value not in words:
            return False
        named = isinstance(token, ast.IdentToken) and isinstance(before, ast.LiteralToken) and before.value == "."
        if named and token.value not in words:
            return False
    return True


def cut_sheets(app: Sphinx, exception: Exception | None) -> None:
    """Cut the heavy sheets of the built book; each is remembered by what it was and what the pages hold."""
    if exception or app.builder.format != "html":
        return
    words = words_of_pages(Path(app.outdir))
    marks = hashlib.sha256(" ".join(sorted(words)).encode())
    for sheet in (path for pattern in HEAVY for path in (Path(app.outdir) / "_static").glob(pattern)):
        text = sheet.read_text(encoding="utf8")
        memory = Path(app.doctreedir) / f"course-{sheet.name}"
        mark = hashlib.sha256(text.encode() + marks.digest()).hexdigest()
        if not memory.exists() or memory.read_text(encoding="utf8").split("\n", 1)[0] != mark:
            memory.write_text(f"{mark}\n{cut(text, words)}", encoding="utf8")
        sheet.write_text(memory.read_text(encoding="utf8").split("\n", 1)[1], encoding="utf8")


def setup(app: Sphinx) -> None:
    app.connect("build-finished", cut_sheets, priority=900)

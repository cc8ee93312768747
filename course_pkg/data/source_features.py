"""What is known about each character of a Python source: is it in a string, in a comment, how deep, where in its line.

The labels come from Python's own tokenizer, never from looking at the characters.
"""

import io
import tokenize
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from course_pkg.data.code_text import tabbed
from course_pkg.data.stdlib_source import inside_string, module_source

OPEN, SHUT = "([{", ")]}"


class SourceFeatures(NamedTuple):
    """One number for each character, (n,) each."""

    string: np.ndarray  # 1 inside a string literal, quotation marks included
    comment: np.ndarray  # 1 from the # to the end of the line
    depth: np.ndarray  # brackets that are open after this character
    indent: np.ndarray  # level of the block: 0 at the top; lines that go on, and blank ones, keep theirs
    column: np.ndarray  # place in the line, 0 for the first character


def source_features(source: str) -> SourceFeatures:
    """The features of each character of a Python source: (len(source),) each, floats."""
    lines = list(io.StringIO(source))
    starts = np.cumsum([0, *(len(line) for line in lines)])
    n = len(source)
    comment, change, indent = np.zeros(n), np.zeros(n), np.zeros(n)
    level, done = 0, 0

    def place(where: tuple[int, int]) -> int:
        return int(starts[where[0] - 1] + where[1])

    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            comment[place(token.start) : place(token.end)] = 1
        elif token.type == tokenize.OP and token.string in OPEN:
            change[place(token.start)] += 1
        elif token.type == tokenize.OP and token.string in SHUT:
            change[place(token.start)] -= 1
        elif token.type in (tokenize.INDENT, tokenize.DEDENT):
            begin = int(starts[token.start[0] - 1])  # the block's first line
            indent[done:begin] = level
            level, done = level + (1 if token.type == tokenize.INDENT else -1), begin
    indent[done:] = level
    column = np.arange(n) - np.repeat(starts[:-1], np.diff(starts))
    string = inside_string(source)
    change[string] = 0  # from Python 3.12 on, the brackets of an f-string are tokens too
    return SourceFeatures(string.astype(float), comment, np.cumsum(change), indent, column.astype(float))


def labelled_text(sources: Iterable[str]) -> tuple[str, SourceFeatures]:
    """Python sources, tabbed (code_text.tabbed), one after the other, and the features of the N characters: (N,) each.

    The column is that in the source, so a tab moves on by four.
    """
    texts, found = [], []
    for source in sources:
        text, places = tabbed(source)
        texts.append(text)
        found.append([values[places] for values in source_features(source)])
    return "".join(texts), SourceFeatures(*(np.concatenate(values) for values in zip(*found, strict=True)))


def labelled_modules(names: Iterable[str]) -> tuple[str, SourceFeatures]:
    """Modules of the standard library as one labelled text of N characters, features (N,) each."""
    return labelled_text(module_source(name) for name in names)


def string_ends(text: str, string: np.ndarray) -> np.ndarray:
    """Places of the quotation marks that shut a string on one line, not tripled and not empty: integers (n,).

    string: (N,), not 0 inside a literal, as in SourceFeatures.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(string) > 0, [0]]).astype(int)))
    ends = []
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        literal = text[begin:end]
        if len(literal) > 2 and literal[0] in "'\"" and literal[:3] != 3 * literal[0] and "\n" not in literal:
            ends.append(end - 1)
    return np.array(ends, int)

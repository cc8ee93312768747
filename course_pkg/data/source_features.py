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

    quote: np.ndarray  # 1 inside a string in single marks, '...' or "...", the marks included
    docstring: np.ndarray  # 1 inside a string in triple marks
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
    quote, docstring = _single_and_triple(source)
    change[(quote + docstring) > 0] = 0  # from Python 3.12 on, the brackets of an f-string are tokens too
    return SourceFeatures(quote, docstring, comment, np.cumsum(change), indent, column.astype(float))


def _single_and_triple(source: str) -> tuple[np.ndarray, np.ndarray]:
    """1 inside strings in single marks, and in triple ones: (len(source),) each."""
    both = np.zeros((2, len(source)))
    for begin, end in _stretches(inside_string(source)):
        literal = source[begin:end].lstrip("rbfuRBFU")
        both[int(literal[:3] in ("\'\'\'", '"""')), begin:end] = 1
    return both[0], both[1]


def _stretches(inside: np.ndarray) -> list[tuple[int, int]]:
    """Where a mask (N,) is True: (begin, end) of each stretch."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(inside) > 0, [0]]).astype(int)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


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


def string_ends(quote: np.ndarray) -> np.ndarray:
    """quote: (N,) as in SourceFeatures -> places of the marks that shut a string that is not empty: integers (n,)."""
    return np.array([end - 1 for begin, end in _stretches(quote) if end - begin > 2], int)


def by_mark(text: str, quote: np.ndarray) -> dict[str, np.ndarray]:
    """quote: (N,) as in SourceFeatures -> the same for strings in ' and for those in " alone, (N,) each."""
    found = {mark: np.zeros(len(text)) for mark in ("'", '"')}
    for begin, end in _stretches(quote):
        found[text[begin:end].lstrip("rbfuRBFU")[0]][begin:end] = 1
    return found

"""What is known about each character of a Python source: is it in a string, in a comment, how deep, where in its line.

The labels come from Python's own tokenizer, never from looking at the characters.
"""

import io
import tokenize
from typing import NamedTuple

import numpy as np

from course_pkg.data.stdlib_source import inside_string

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

"""Python source as a text to learn: a tab for every four spaces of indent, and 98 characters that never change.

The vocabulary does not depend on the text, so a trained model fits the standard library of every Python version.
"""

import re

import numpy as np

from course_pkg.data.stdlib_source import MODULES, module_source
from course_pkg.data.vocabulary import Vocabulary

HELD_OUT = ("textwrap", "shlex", "heapq", "calendar", "configparser", "fractions")  # never trained on
UNKNOWN = "\ufffd"  # stands for every other character
CHARACTERS = Vocabulary(["\n", "\t", *map(chr, range(32, 127)), UNKNOWN], unknown=UNKNOWN)
INDENT = re.compile(r"(?m)^(?: {4})+")


def tabbed(source: str) -> tuple[str, np.ndarray]:
    """The source with a tab for every four spaces at the beginning of a line, and for each of its n characters the
    place in the source: (n,). Without this, a model learns to write spaces."""
    pieces, places, done = [], [], 0
    for found in INDENT.finditer(source):
        begin, end = found.span()
        pieces += [source[done:begin], "\t" * ((end - begin) // 4)]
        places += [np.arange(done, begin), np.arange(begin, end, 4)]
        done = end
    places.append(np.arange(done, len(source)))
    return "".join([*pieces, source[done:]]), np.concatenate(places)


def with_spaces(text: str) -> str:
    """The way back: four spaces for every tab at the beginning of a line."""
    return re.sub(r"(?m)^\t+", lambda found: "    " * len(found[0]), text)


def character_ids(text: str) -> np.ndarray:
    """The numbers of the characters of a text: (n,), those outside the vocabulary as UNKNOWN."""
    return CHARACTERS.encode(text)


def characters(ids: np.ndarray) -> str:
    """Numbers (n,) -> the text."""
    return "".join(CHARACTERS.decode(ids))


def training_text() -> str:
    """The modules of MODULES without those of HELD_OUT, tabbed, one after the other."""
    return "".join(tabbed(module_source(name))[0] for name in MODULES if name not in HELD_OUT)


def held_out_text() -> str:
    """The modules of HELD_OUT, tabbed, one after the other."""
    return "".join(tabbed(module_source(name))[0] for name in HELD_OUT)

"""Submissions that cheat, break or merely look odd, and what each of them deserves.

An entry is a notebook made from the exercises of chapter 3, with the answers of an honest student and one thing added.
It says which class it belongs to, which functions earn their points, and which words its feedback must hold. run.py
grades it; tests/grading/test_corpus.py asks for what it deserves, and the table in book/instructors.md is made from
the same run.
"""

from . import answers, beyond, cells, cheats, files, running
from .base import CLASSES, FUNCTIONS, RIGHT, WRONG, Entry, Where, notebook

ENTRIES: tuple[Entry, ...] = (
    *running.ENTRIES, *files.ENTRIES, *cheats.ENTRIES, *answers.ENTRIES, *cells.ENTRIES, *beyond.ENTRIES,
)  # fmt: skip

__all__ = ["CLASSES", "ENTRIES", "FUNCTIONS", "RIGHT", "WRONG", "Entry", "Where", "notebook"]

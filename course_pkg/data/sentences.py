"""The course's own sentences: small enough to follow by hand, and order decides their meaning.

Every sentence is "this is [not] ADJECTIVE [NOUN] <eos>" or "that was ...": 48 in all. A sentence is positive when
its adjective is and no "not" stands before it, or the other way round. The text is ours (CC BY 4.0).
"""

from itertools import product
from typing import NamedTuple

import numpy as np

from course_pkg.data.batches import one_hot
from course_pkg.data.vocabulary import Vocabulary

OPENINGS = ("this is", "that was")
ADJECTIVES = {"good": 1, "great": 1, "bad": 0, "awful": 0}
NOUNS = ("", "news", "advice")
WORDS = Vocabulary(["this", "that", "is", "was", "not", *ADJECTIVES, "news", "advice", "<eos>"])


class Sentence(NamedTuple):
    """The words, <eos> included, and 1 for a positive sentence, 0 for a negative one."""

    words: tuple[str, ...]
    positive: int


def opinion_sentences() -> list[Sentence]:
    """All 48 sentences, in a fixed order."""
    sentences = []
    for opening, negation, (adjective, tone), noun in product(OPENINGS, ("", "not"), ADJECTIVES.items(), NOUNS):
        words = (*f"{opening} {negation} {adjective} {noun}".split(), "<eos>")
        sentences.append(Sentence(words, tone ^ bool(negation)))
    return sentences


def encode_words(words: tuple[str, ...]) -> np.ndarray:
    """Words -> one-hot rows (T, 12)."""
    return one_hot(WORDS.encode(words), len(WORDS))

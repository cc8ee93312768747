"""The course's own reviews: short opinions on meals, films and things, made by a small grammar.

Order decides many of them: "not" turns the opinion after it round, after "but" stands what counts, and after "although"
what does not. Some sentences say neutral things besides. The grammar and its sentences are ours (CC BY 4.0).
"""

from typing import NamedTuple

import numpy as np

from course_pkg.shapes import check_positive_int, check_rng

THINGS = (
    "the soup", "the bread", "the waiter", "the table", "the film", "the ending", "the music", "the story", "the phone",
    "the screen", "the case", "the sound", "the room", "the price", "the coffee", "the cover",
)  # fmt: skip
GOOD = ("good", "great", "lovely", "fresh", "friendly", "clever", "perfect", "pleasant", "reliable", "funny")
BAD = ("bad", "awful", "dull", "stale", "rude", "cheap", "broken", "boring", "terrible", "slow")
LIKE = ("liked", "loved", "enjoyed", "recommend")
DISLIKE = ("hated", "regret", "returned", "disliked")
DEGREES = ("very", "really", "rather", "so")
FACTS = (
    "we went there on a monday", "it came in a box", "i sat near the door", "my sister was with me",
    "the film lasts two hours", "we paid by card", "it was raining outside", "the box was blue", "i bought it in april",
    "they open at nine", "it has two buttons", "we took the bus home", "there were four of us", "it is made of steel",
)  # fmt: skip
KINDS = ("plain", "not", "but", "although")


class Review(NamedTuple):
    """The words, 1 for a positive review and 0 for a negative one, and which rule decides it (one of KINDS)."""

    words: tuple[str, ...]
    positive: int
    kind: str


def review_sentences(rng: np.random.Generator, count: int) -> list[Review]:
    """`count` different reviews, as many of each kind and tone as chance gives; about half are positive."""
    check_rng("review_sentences", rng)
    check_positive_int("review_sentences", "count", count)
    found: dict[tuple[str, ...], Review] = {}
    while len(found) < count:
        review = _review(rng)
        found.setdefault(review.words, review)
    return list(found.values())


def facts(rng: np.random.Generator, count: int) -> tuple[str, ...]:
    """`count` neutral sentences one after the other, each with a full stop: words that say nothing of the opinion."""
    return tuple(word for _ in range(count) for word in f"{_one(rng, FACTS)} .".split())


def _one(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[rng.integers(len(choices))]


def _clause(rng: np.random.Generator, positive: bool, turned: bool) -> str:
    """An opinion with this tone; turned: said by the opposite and a "not"."""
    word_tone = positive != turned
    if rng.random() < 0.6:
        degree = f"{_one(rng, DEGREES)} " if rng.random() < 0.4 else ""
        verb = "was not" if turned else "was"
        return f"{_one(rng, THINGS)} {verb} {degree}{_one(rng, GOOD if word_tone else BAD)}"
    verb = _one(rng, LIKE if word_tone else DISLIKE)
    return f"i {'would not say i ' if turned else ''}{verb} {_one(rng, THINGS)}"


def _review(rng: np.random.Generator) -> Review:
    kind, positive = _one(rng, KINDS), bool(rng.random() < 0.5)
    if kind in ("plain", "not"):
        text = _clause(rng, positive, turned=kind == "not")
    else:
        weak = _clause(rng, not positive, turned=rng.random() < 0.3)
        strong = _clause(rng, positive, turned=rng.random() < 0.3)
        text = f"{weak} , but {strong}" if kind == "but" else f"although {weak} , {strong}"
    before = f"{_one(rng, FACTS)} . " if rng.random() < 0.3 else ""
    return Review(tuple(f"{before}{text} .".split()), int(positive), kind)

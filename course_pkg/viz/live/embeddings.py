"""Chapter 13's word vectors, trained as there: nearest words, b - a + c, and where the arithmetic goes wrong."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from course_pkg.data.small_world import PEOPLE, world_sentences
from course_pkg.data.vocabulary import Vocabulary
from course_pkg.vector_arithmetic import analogy_scores, nearest, unit_rows
from course_pkg.viz.live.figure import LiveFigure, shipped
from course_pkg.word_vectors import train_word_vectors

SHOWN, NEAR = 6, 7  # answers, neighbours
QUESTIONS = (  # b, a, c of "a is to b as c is to ?", and what is right
    ("paris", "france", "italy", "rome"),
    ("king", "man", "woman", "queen"),
    ("prince", "boy", "girl", "princess"),
    ("greek", "greece", "norway", "norwegian"),
    ("young", "old", "king", "prince"),
    ("doctor", "man", "woman", "doctor"),
)


class Words(NamedTuple):
    """What the page gets."""

    vectors: np.ndarray  # (V, E)


@cache
def chapter_vectors() -> tuple[Vocabulary, np.ndarray]:
    """The words of the small world and their skip-gram vectors (V, E) of seed 2, to four decimals."""
    sentences = world_sentences(np.random.default_rng(0), 3000)
    words = Vocabulary(sorted({word for s in sentences for word in s}))
    ids = [words.encode(s) for s in sentences]
    run = train_word_vectors(np.random.default_rng(2), ids, len(words), E=20, window=5, K=5, epochs=8)
    return words, run.tables.inputs.round(4)


def figure() -> LiveFigure:
    """Type words: their neighbours, and what b - a + c finds, with and without the words of the question."""
    words, table = chapter_vectors()
    model, weights = shipped(Words(table))
    vectors, unit = model.vectors, unit_rows(model.vectors)

    def number(word: str) -> int:
        word = word.strip().lower()
        return words.tokens.index(word) if word in words.tokens else -1

    def answers(b: int, a: int, c: int, ban: bool) -> np.ndarray:
        scores = analogy_scores(vectors, np.array([[a, b, c]]))[0]
        scores[[a, b, c] if ban else []] = -np.inf
        return np.argsort(-scores, kind="stable")[:SHOWN]

    def numbers(state: dict) -> dict:
        asked, near = [number(state[key]) for key in "bac"], number(state["near"])
        best = answers(*asked, state["ban"]) if min(asked) >= 0 else []
        parts = unit[best] @ unit[asked].T * (1, -1, 1) if len(best) else []  # (SHOWN, 3)
        around = zip(*nearest(vectors, vectors[near], NEAR, [near])) if near >= 0 else ()
        return {"asked": asked, "near": near, "best": best, "parts": parts,
                "first": [answers(*map(number, q[:3]), state["ban"])[0] for q in QUESTIONS],
                "around": [{"word": word, "cos": cosine} for word, cosine in around]}  # fmt: skip

    questions = [{**dict(zip("bac", q)), "right": [w for w in words.tokens if _same(w, q[3])]} for q in QUESTIONS]
    b, a, c, _ = QUESTIONS[-1]
    return LiveFigure(
        name="embeddings", label="Vectors of 89 words: nearest words, and adding and subtracting words",
        data={"words": list(words.tokens), "questions": questions, "wanted": [q[3] for q in QUESTIONS]},
        state={"b": b, "a": a, "c": c, "ban": False, "near": "old"}, weights=weights, numbers=numbers,
        cases=({"ban": True}, {"b": " King", "near": "the"}, {"b": "car", "near": ""}, {"a": "doctor", "near": "oslo"},
               {"b": "the", "a": "the", "c": "the", "ban": True}, {"b": "<b>", "a": "", "near": "\"&"}),
    )  # fmt: skip


def _same(word: str, wanted: str) -> bool:
    """Whether the small world's grammar uses both words by the same rules."""
    return word == wanted or (word in PEOPLE and PEOPLE[word] == PEOPLE.get(wanted))

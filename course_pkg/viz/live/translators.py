"""What the figures of chapters 16 and 17 share: the recorded translators of the small English, and reading for them."""

from __future__ import annotations

import re

import numpy as np

from course_pkg.data.tiny_french import BEFORE, BEHIND, NOUNS
from course_pkg.encoder_decoder import EncoderDecoder
from course_pkg.pair_weights import load_encoder_decoder
from course_pkg.viz.live.figure import RESULTS

LONGEST = 24  # English words that a figure reads
PHRASES = 4  # of a training sentence, at most


def recorded(name: str) -> tuple[EncoderDecoder, tuple[str, ...], tuple[str, ...]]:
    """A model of experiments/tiny_translation.py, its English and its French tokens."""
    model = load_encoder_decoder(RESULTS / f"tiny_translation_{name}.npz")
    return model.params, model.source_tokens, model.target_tokens


def known_words() -> tuple[str, ...]:
    """The words of its training sentences; the lists of tokens have some more, which no sentence had."""
    return ("the", "and", *BEHIND, *BEFORE, *nouns())


def nouns() -> list[str]:
    """Singular and plural, in turn."""
    return [word for one, (many, *_) in NOUNS.items() for word in (one, many)]


def about_words(source: tuple[str, ...], target: tuple[str, ...]) -> dict:
    """What the page must know of the words."""
    knows = f"the, and, {', '.join((*BEHIND, *BEFORE))}; {', '.join(NOUNS)}; plurals"
    known = {word: source.index(word) for word in known_words()}
    return {"known": known, "nouns": nouns(), "knows": knows, "target": list(target), "longest": LONGEST,
            "phrases": PHRASES}  # fmt: skip


def read(text: str, source: tuple[str, ...]) -> tuple[list[str], np.ndarray, list[str]]:
    """A sentence -> its words that the model knows, their numbers (S,), and the words that it does not know."""
    known, found = known_words(), re.findall(r"[^ \t\n.,;:!?\"()]+", text.lower())
    words = [word for word in found if word in known][:LONGEST]
    numbers = np.array([source.index(word) for word in words], dtype=int)
    return words, numbers, [word for word in found if word not in known]

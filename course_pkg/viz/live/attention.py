"""Chapter 17's recorded translator: type a sentence, and see for every word where the model looks."""

from __future__ import annotations

import numpy as np

from course_pkg.encoder_decoder import END, START, start, step
from course_pkg.viz.live.figure import LiveFigure, shipped
from course_pkg.viz.live.translators import about_words, read, recorded

MORE = 6  # a translation may be so many tokens longer than its source
TRY = ("the green car", "the small black cats and the white house", "the old boats and the red apple")


def figure() -> LiveFigure:
    """Ribbons from each French word to the English words that it looked at."""
    model, source, target = recorded("seed0")
    model, weights = shipped(model)

    def numbers(state: dict) -> dict:
        words, ids, unknown = read(state["text"], source)
        found: dict = {"words": words, "unknown": unknown, "tokens": [], "p": [], "weights": []}
        if not words:
            return found
        memory, token = start(model, ids[:, None]), START
        while token != END and len(found["tokens"]) < len(words) + MORE:
            log_probs, memory = step(model, memory, np.array([token]))
            token = int(log_probs[0].argmax())
            found["tokens"].append(token)
            found["p"].append(np.exp(log_probs[0, token]))
            found["weights"].append(memory.weights[0])
        return found

    return LiveFigure(
        name="attention", label="A translator, and where it looks for each word that it writes",
        data={**about_words(source, target), "start": START, "end": END, "more": MORE, "try": list(TRY)},
        state={"text": TRY[0], "side": "french", "at": 2},
        weights=weights, numbers=numbers,
        cases=({"text": TRY[1], "at": 3}, {"text": TRY[2], "side": "english", "at": 0}, {"text": ""},
               {"text": "  The HOUSES, and the banana! <b>is</b> the small green cat"},
               {"text": " and ".join(["the small green cars"] * 7), "at": 30}),
    )  # fmt: skip

"""The recorded network of chapters 11 and 12, 160 LSTM units that know Python: it reads, writes, shows its cells."""

from __future__ import annotations

import json

import numpy as np

from course_pkg.data.code_text import CHARACTERS, character_ids, characters
from course_pkg.language_models import lm_forward, lm_step
from course_pkg.losses import softmax
from course_pkg.reading_cells import unit_activity
from course_pkg.viz.live.figure import RESULTS, LiveFigure, shipped
from course_pkg.weights import load_language_model

TEXT = """\tdef enter(self, boat, length):
\t\t# a boat that is too long stays outside
\t\tif length > 4:
\t\t\traise ValueError("no place for %s" % boat)
\t\treturn self.boats.get(boat, 'nobody')
\t\t"""
NAMES = {"quote": "in a string", "indent": "indent", "comment": "prose", "column": "place in the line"}
LIKELY, AHEAD, SURPRISE = 8, 22, -1  # bars, characters that are guessed ahead, the lens that is no cell


def lenses() -> list[dict]:
    """The units that chapter 12 found, with their names, signs and correlations, from the record."""
    found = json.loads((RESULTS / "reading_cells.json").read_text(encoding="utf8"))["seeds"]["0"]
    return [{"unit": found[key]["unit"], "sign": int(np.sign(found[key]["r"])), "name": name,
             "note": "single quotes" if key == "quote" else key,
             "r": abs(found[key]["r"])} for key, name in NAMES.items()]  # fmt: skip


def figure() -> LiveFigure:
    """A language model that reads and writes, its text coloured by a cell or by surprise."""
    model, _, _ = load_language_model(RESULTS / "char_model_seed0.npz")
    model, weights = shipped(model, bytewise=True)
    H, units = model.out.W.shape[1], lenses()
    signs = {one["unit"]: one["sign"] for one in units}

    def ahead(ids: np.ndarray) -> str:
        """The likeliest next character, and again, up to the end of the line."""
        run, guessed = lm_forward(model, ids[:, None]), []
        logits, states = run.logits[-1], run.states
        while len(guessed) < AHEAD and characters(best := logits.argmax(axis=-1)) != "\n":
            guessed.append(best)
            logits, states = lm_step(model, best, states)
        return characters(np.concatenate(guessed)) if guessed else ""

    def numbers(state: dict) -> dict:
        ids = character_ids(state["text"])
        if not len(ids):
            return {"ids": [], "values": [], "bits": 0.0, "cells": np.zeros(H), "likely": [], "ghost": ""}
        inner = unit_activity(model, ids)  # tanh(c), (N, H)
        probs = softmax(lm_forward(model, ids[:, None]).logits[:, 0])  # (N, V)
        surprise = np.append(0.0, -np.log2(probs[np.arange(len(ids) - 1), ids[1:]]))
        at = len(ids) - 1 if state["head"] < 0 else min(state["head"], len(ids) - 1)
        lens = state["lens"]
        warm = softmax(np.log(probs[at]) / state["temperature"])
        order = np.argsort(-warm, kind="stable")[:LIKELY]
        return {"ids": ids, "values": np.minimum(1, surprise / 10) if lens < 0 else signs.get(lens, 1) * inner[:, lens],
                "bits": surprise[1:].mean() if len(ids) > 1 else 0.0, "cells": inner[at],
                "likely": [{"id": k, "p": warm[k]} for k in order], "ghost": ahead(ids)}  # fmt: skip

    return LiveFigure(
        name="language_model", label="A network of 160 LSTM units reads and writes Python, character by character",
        data={"tokens": list(CHARACTERS.tokens), "units": units, "H": H, "likely": LIKELY, "ahead": AHEAD,
              "longest": 700},
        state={"text": TEXT, "head": -1, "lens": units[0]["unit"], "temperature": 1.0, "writing": False},
        weights=weights, numbers=numbers, bytewise=True,
        cases=({"text": "", "lens": SURPRISE},
               {"text": "# caf\u00e9: a \"quoted\" word", "lens": SURPRISE, "temperature": 0.4},
               {"text": "import os\n\n", "head": 3, "lens": 17, "temperature": 1.6}),
    )  # fmt: skip

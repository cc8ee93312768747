"""Chapter 16's recorded translators, and the beam that searches in them, candidate by candidate."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from course_pkg.decoding import beam_search
from course_pkg.encoder_decoder import END, START, EncoderDecoder, start, step
from course_pkg.hypotheses import Hypothesis, Node
from course_pkg.viz.live.figure import LiveFigure, shipped
from course_pkg.viz.live.translators import about_words, read, recorded

MORE = 6  # a translation may be so many tokens longer than its source, as in the chapter
WIDEST, ROWS, LISTED = 6, 7, 3  # widest beam, candidates that are drawn for each length, hypotheses that are listed
SILENT = "the tables and the hats and the doors"
PRESETS = (
    ("greedy's mistake", {"text": "the green car", "model": "careful", "width": 2, "alpha": 0}),
    ("it takes five", {"text": "the small black cats and the white house", "model": "careful", "width": 5,
                             "alpha": 0}),
    ("silence wins", {"text": SILENT, "model": "careless", "width": 3, "alpha": 0}),
    ("length counted", {"text": SILENT, "model": "careless", "width": 3, "alpha": 0.6}),
)  # fmt: skip


class Pair(NamedTuple):
    """The two translators of the chapter."""

    careful: EncoderDecoder
    careless: EncoderDecoder  # five of 100 training sentences had lost their translation


def columns(nodes: list[Node]) -> list[list[dict]]:
    """For each length its best candidates, best first; up: the place of the parent one column before, -1 at first."""
    found: list[list[dict]] = []
    places: dict[int, int] = {-1: -1}
    for length in range(1, max((node.length for node in nodes), default=0) + 1):
        there = sorted((k for k, node in enumerate(nodes) if node.length == length), key=lambda k: -nodes[k].log_prob)
        there = there[:ROWS]
        found.append([{"token": nodes[k].token, "logProb": nodes[k].log_prob, "kept": nodes[k].kept,
                       "up": places[nodes[k].parent]} for k in there])  # fmt: skip
        places |= {k: place for place, k in enumerate(there)}
    return found


def figure() -> LiveFigure:
    """The candidates of each length in their order, and the edge of the beam: what is below is cut."""
    models = {"careful": recorded("synonyms_seed0"), "careless": recorded("gaps_seed0")}
    _, source, target = models["careful"]
    pair, weights = shipped(Pair(*(model[0] for model in models.values())))

    def listed(found: list[Hypothesis]) -> list[dict]:
        return [{"tokens": h.tokens, "logProb": h.log_prob, "score": h.score} for h in found[:LISTED]]

    def numbers(state: dict) -> dict:
        words, ids, unknown = read(state["text"], source)
        if not words:
            return {"words": words, "unknown": unknown, "columns": [], "best": [], "greedy": []}
        model = getattr(pair, state["model"])

        def search(width: int, alpha: float, show: int = 0):
            return beam_search(partial(step, model), start(model, ids[:, None]), np.array([START]), END,
                               len(ids) + MORE, width, n_best=width, normalise=float(alpha), show=show)  # fmt: skip

        found = search(state["width"], state["alpha"], ROWS)
        return {"words": words, "unknown": unknown, "columns": columns(found.nodes), "best": listed(found.best[0]),
                "greedy": listed(search(1, 0).best[0])}  # fmt: skip

    return LiveFigure(
        name="beam", label="A beam search in a trained translator, candidate by candidate",
        data={**about_words(source, target), "start": START, "end": END, "more": MORE, "widest": WIDEST, "rows": ROWS,
              "listed": LISTED, "presets": [{"name": name, "set": changes} for name, changes in PRESETS]},
        state=dict(PRESETS[0][1]), weights=weights, numbers=numbers,
        cases=(*(changes for _, changes in PRESETS[1:]), {"width": 1}, {"text": "is it?", "width": 6},
               {"text": "the big old heavy red horses", "width": 6, "alpha": 1, "model": "careless"}),
    )  # fmt: skip

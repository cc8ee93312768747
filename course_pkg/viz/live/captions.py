"""Chapter 19's captioner with attention: digits that the reader arranges, the caption, the gaze before each word."""

from __future__ import annotations

import numpy as np

from course_pkg.captioner import caption_step, captioner_forward, load_captioner, start_caption
from course_pkg.data import digit_scenes as ds
from course_pkg.decoding import greedy_search
from course_pkg.losses import softmax
from course_pkg.viz.live.figure import RESULTS, LiveFigure, shipped

HANDS, LONGEST, GRID = 3, 20, (6, 6)
SCENES = (  # the word whose gaze is shown, the digits, their places (row and column), whose handwriting
    ("three digits", 11, "718", ((1, 1), (2, 14), (15, 5)), 0),
    ("one digit", 1, "4", ((9, 12),), 1),
    ("a pair that training never had", 7, "14", ((3, 2), (9, 15)), 0),
    ("on a diagonal", 1, "53", ((3, 3), (13, 13)), 0),
)


def handwriting() -> list[list[str]]:
    """For each digit the first three images that training never saw, as 64 signs, 0 to g, for sixteenths of black."""
    pool = ds.digit_pools()[1]
    chosen = [pool.images[found[:HANDS]] for found in ds.images_by_label(pool)]
    return [["".join("0123456789abcdefg"[v] for v in np.rint(16 * image.ravel()).astype(int)) for image in images]
            for images in chosen]  # fmt: skip


def scene(state: dict, pixels: list[list[str]]) -> ds.Scene:
    """The digits that are there, on their canvas."""
    there = [k for k in range(3) if state[f"d{k}"]]
    labels = np.array([int(state[f"d{k}"]) for k in there], int)
    signs = [pixels[label][state["hand"]] for label in labels]
    images = np.array([[int(sign, 17) / 16 for sign in text] for text in signs]).reshape(-1, ds.SIDE, ds.SIDE)
    return ds.compose(images, labels, np.array([state["places"][k] for k in there], int).reshape(-1, 2))


def as_state(digits: str, places: tuple, hand: int) -> dict:
    """A scene as the state has it: a digit that is not there is an empty text."""
    named = {f"d{k}": digits[k : k + 1] for k in range(3)}
    return {**named, "places": [list(place) for place in (*places, (8, 8), (8, 8))][:3], "hand": hand}


def figure() -> LiveFigure:
    """Arrange digits, read the caption, see where the decoder looked before each of its words."""
    p, tokens, _ = load_captioner(RESULTS / "captions_seed0.npz")
    p, weights = shipped(p)
    pixels = handwriting()

    def numbers(state: dict) -> dict:
        shown = scene(state, pixels)
        image = shown.image[None, :, :, None]
        start = start_caption(p, image)
        found = greedy_search(lambda s, y: caption_step(p, s, y), start, np.zeros(1, int), 0, LONGEST)[0]
        ids = np.array(found.tokens)
        run = captioner_forward(p, image, np.append(0, ids[:-1])[:, None])
        probs = softmax(run.logits[:, 0])[np.arange(len(ids)), ids]
        shares = [[ds.share_in_box(look, GRID, place) for place in shown.places] for look in run.weights[:, 0]]
        verdict = ds.judge(ds.as_caption(ids), shown)
        return {"ids": ids, "p": probs, "gaze": run.weights[:, 0], "shares": shares, "digits": verdict.digits,
                "whole": verdict.whole, "clear": len(ds.true_captions(shown))}  # fmt: skip

    scenes = [{"label": label, "set": {**as_state(*rest), "word": word}} for label, word, *rest in SCENES]
    return LiveFigure(
        name="captions", label="Digits on a canvas, the caption that a network writes, and where it looked",
        data={"tokens": list(tokens), "names": list(ds.NAMES), "pixels": pixels, "scenes": scenes, "longest": LONGEST},
        state=scenes[0]["set"], weights=weights, numbers=numbers,
        cases=(*(one["set"] for one in scenes[1:]), {"d0": "", "d1": "", "d2": ""}, {"d1": "", "d2": "", "hand": 2},
               {"places": [[0, 0], [1, 1], [16, 16]], "word": 30}, {"d0": "8", "d1": "8", "d2": "8"}),
    )  # fmt: skip

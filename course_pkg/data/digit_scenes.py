"""Scenes of one to three handwritten digits on a small canvas, and captions that say what is where.

    digits of scikit-learn, 8 x 8  ->  a canvas of 24 x 24, each digit at a place  ->  "a seven to the left of a three"

The grammar of the captions:

    caption   ->  digit  |  digit relation digit  |  digit relation digit and relation digit
    digit     ->  a zero | a one | ... | an eight | a nine
    relation  ->  to the left of | to the right of | above | below

A scene has several true captions, since any digit may come first; `true_captions` lists all of them. Two things are
kept away from training: the images of the test digits, and some pairs of digits (`HELD_OUT_PAIRS`) in any image.
"""

from itertools import permutations
from typing import NamedTuple

import numpy as np

from course_pkg.data.digits import load_digits_split
from course_pkg.data.vocabulary import Vocabulary
from course_pkg.shapes import check_choice, check_positive_int, check_rng

CANVAS, SIDE = 24, 8  # pixels of the canvas and of a digit
CLEAR = 3  # a relation is clear when one distance beats the other by as many pixels
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
RELATIONS = ("to the left of", "to the right of", "above", "below")
HELD_OUT_PAIRS = ((0, 7), (1, 4), (2, 9), (3, 6), (5, 8))  # never together in a training scene
PAIRS = ("training", "held out", "any")  # which pairs a scene may show
SHARES = (0.2, 0.4, 0.4)  # of scenes with one, two and three digits
END = "<end>"  # after the last word, and before the first one
WORDS = Vocabulary([END, "a", *NAMES, "to", "the", "left", "right", "of", "above", "below", "and"])


class DigitPool(NamedTuple):
    """Images (N, 8, 8) with values in [0, 1] to compose scenes from, and their labels (N,)."""

    images: np.ndarray
    labels: np.ndarray


class Scene(NamedTuple):
    """A canvas (24, 24), the labels of its n digits (n,), and the row and column of each one's upper left corner."""

    image: np.ndarray
    labels: np.ndarray
    places: np.ndarray  # (n, 2)


def digit_pools(seed: int = 0) -> tuple[DigitPool, DigitPool]:
    """The digits for training scenes, 1,437 images, and those for test scenes, 360: no image is in both."""
    split = load_digits_split(seed)
    return DigitPool(split.train_images, split.train_labels), DigitPool(split.test_images, split.test_labels)


# ---- scenes ------------------------------------------------------------------------------------------------------


def relation(a: np.ndarray, b: np.ndarray) -> str | None:
    """Where a digit at place a stands, seen from one at b: a relation, or None if it is not clear. Places: (2,)."""
    down, right = (int(d) for d in np.subtract(b, a))
    far, near = max(abs(down), abs(right)), min(abs(down), abs(right))
    if far < SIDE or far - near < CLEAR:
        return None
    if abs(right) > abs(down):
        return RELATIONS[0] if right > 0 else RELATIONS[1]
    return RELATIONS[2] if down > 0 else RELATIONS[3]


def describable(places: np.ndarray) -> list[int]:
    """The digits whose relation to all others is clear: a caption may begin with each of them. places: (n, 2)."""
    n = len(places)
    return [a for a in range(n) if all(relation(places[a], places[b]) for b in range(n) if b != a)]


def place_digits(rng: np.random.Generator, n: int) -> np.ndarray:
    """n places (n, 2) whose boxes of 8 x 8 do not touch; at least one digit has a clear relation to all others."""
    while True:
        tries = rng.integers(0, CANVAS - SIDE + 1, (64, n, 2))
        apart = np.abs(tries[:, :, None] - tries[:, None]).max(axis=-1) >= SIDE  # (64, n, n)
        apart |= np.eye(n, dtype=bool)
        for places in tries[apart.all(axis=(1, 2))]:
            if describable(places):
                return places


def choose_labels(rng: np.random.Generator, n: int, pairs: str = "any") -> np.ndarray:
    """n labels (n,): without a held-out pair ("training"), with one ("held out"), or as they come ("any")."""
    check_choice("choose_labels", "pairs", pairs, PAIRS)
    if pairs == "held out" and n < 2:
        raise ValueError(f"choose_labels: n must be at least 2 for a pair, got {n}")
    while True:
        labels = rng.integers(0, 10, n)
        if pairs == "any" or has_held_out_pair(labels) == (pairs == "held out"):
            return labels


def has_held_out_pair(labels: np.ndarray) -> bool:
    """Whether the labels (n,) contain both digits of a held-out pair."""
    return any({*pair} <= {*np.asarray(labels).tolist()} for pair in HELD_OUT_PAIRS)


def compose(images: np.ndarray, labels: np.ndarray, places: np.ndarray) -> Scene:
    """Digits (n, 8, 8) set on an empty canvas at their places (n, 2); where boxes overlap the darker pixel stays."""
    canvas = np.zeros((CANVAS, CANVAS))
    for image, (row, column) in zip(images, places, strict=True):
        if not (0 <= row <= CANVAS - SIDE and 0 <= column <= CANVAS - SIDE):
            raise ValueError(f"compose: places must be in 0..{CANVAS - SIDE}, got ({row}, {column})")
        box = canvas[row : row + SIDE, column : column + SIDE]  # a view
        np.maximum(box, image, out=box)
    return Scene(canvas, np.asarray(labels), np.asarray(places))


def draw_scene(
    rng: np.random.Generator,
    pool: DigitPool,
    n: int | None = None,
    pairs: str = "training",
    by_label: list[np.ndarray] | None = None,
) -> Scene:
    """A scene of n digits, or of one to three by `SHARES`. by_label: where each label's images are, if known."""
    check_rng("draw_scene", rng)
    if n is None:
        n = int(rng.choice([1, 2, 3], p=SHARES)) if pairs != "held out" else int(rng.integers(2, 4))
    check_positive_int("draw_scene", "n", n)
    labels = choose_labels(rng, n, pairs)
    by_label = images_by_label(pool) if by_label is None else by_label
    images = pool.images[[rng.choice(by_label[label]) for label in labels]]  # (n, 8, 8)
    return compose(images, labels, place_digits(rng, n))


def images_by_label(pool: DigitPool) -> list[np.ndarray]:
    """For each label 0..9 the numbers (k,) of its images in the pool."""
    return [np.flatnonzero(pool.labels == label) for label in range(10)]


def draw_scenes(
    rng: np.random.Generator, pool: DigitPool, count: int, n: int | None = None, pairs: str = "training"
) -> list[Scene]:
    """`count` scenes as of `draw_scene`."""
    by_label = images_by_label(pool)
    return [draw_scene(rng, pool, n, pairs, by_label) for _ in range(count)]


# ---- captions ----------------------------------------------------------------------------------------------------


def true_captions(scene: Scene) -> list[str]:
    """Every caption of the grammar that names all digits of the scene and says only what is true."""
    labels, places = scene.labels, scene.places
    found = []
    for first in describable(places):
        for others in permutations([b for b in range(len(labels)) if b != first]):
            parts = [f"{relation(places[first], places[b])} a {NAMES[labels[b]]}" for b in others]
            found.append(_written(" ".join([f"a {NAMES[labels[first]]}", " and ".join(parts)]).strip()))
    return list(dict.fromkeys(found))


def caption_words(caption: str) -> list[str]:
    """The words of a caption as the vocabulary has them: the article is one token, whether it is written a or an."""
    return ["a" if word == "an" else word for word in caption.split()]


def _written(words: str) -> str:
    return words.replace("a eight", "an eight")


def named_digits(caption: str) -> list[int]:
    """The digits that a caption names, in order."""
    return [NAMES.index(word) for word in caption.split() if word in NAMES]


class Verdict(NamedTuple):
    """What is right in a caption."""

    digits: bool  # it names the scene's digits, each as often as it is there, and no other
    whole: bool  # besides, every relation is true


def judge(caption: str, scene: Scene) -> Verdict:
    """Whether the digits, and whether the whole caption is right. A true caption in other words than ours is wrong."""
    digits = sorted(named_digits(caption)) == sorted(scene.labels.tolist())
    return Verdict(digits, caption in true_captions(scene))


class CaptionBatch(NamedTuple):
    """Images with one caption each; END stands before and after the words."""

    images: np.ndarray  # (B, 24, 24, 1)
    inputs: np.ndarray  # (T, B): END and the words
    targets: np.ndarray  # (T, B): the words and END
    mask: np.ndarray  # (T, B): True where a target counts


def caption_batch(rng: np.random.Generator, scenes: list[Scene], dtype: type = np.float64) -> CaptionBatch:
    """The scenes, each with one of its true captions, drawn by chance: images (B, 24, 24, 1), tokens (T, B)."""
    captions = [true_captions(scene) for scene in scenes]
    ids = [WORDS.encode(caption_words(options[rng.integers(len(options))])) for options in captions]
    T, end = max(map(len, ids)) + 1, WORDS.encode([END])[0]
    tokens, mask = np.full((T + 1, len(ids)), end), np.zeros((T, len(ids)), bool)
    for b, words in enumerate(ids):
        tokens[1 : len(words) + 1, b] = words
        mask[: len(words) + 1, b] = True
    images = np.stack([scene.image for scene in scenes])[..., None].astype(dtype)
    return CaptionBatch(images, tokens[:-1], tokens[1:], mask)


def as_caption(ids: np.ndarray) -> str:
    """Tokens (T,) -> the words before the first END, with "an" where it is written so."""
    words = WORDS.decode(ids)
    return _written(" ".join(words[: words.index(END)] if END in words else words))


# ---- where a captioner looks -------------------------------------------------------------------------------------


def gaze_map(weights: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Weights (S,) on a grid of R x C places, row by row -> pixels (24, 24): each weight spread evenly on its tile."""
    R, C = grid
    if weights.shape != (R * C,) or CANVAS % R or CANVAS % C:
        raise ValueError(f"gaze_map: weights must be ({R * C},) (from grid) on tiles of whole pixels, "
                         f"got shape {weights.shape}")  # fmt: skip
    tile = np.full((CANVAS // R, CANVAS // C), R * C / CANVAS**2)
    return np.kron(weights.reshape(R, C), tile)  # (24, 24)


def share_in_box(weights: np.ndarray, grid: tuple[int, int], place: np.ndarray) -> float:
    """(gaze-share)  How much of the weights (S,) lies in the box of 8 x 8 pixels at `place` (2,): from 0 to 1.

    Equal weights everywhere have the share 64 / 576, a ninth.
    """
    row, column = place
    return float(gaze_map(weights, grid)[row : row + SIDE, column : column + SIDE].sum())

"""Little pieces for four voices, from a grammar of our own whose likelihood is known exactly.

A piece is in one of five keys. Every four frames the harmony moves on, to a chord drawn from a table; in the third of
the four frames the highest voice steps to a neighbour with probability one half. All else follows from that.
"""

from typing import NamedTuple

import numpy as np

from course_pkg.shapes import check_positive_int, check_rng

LOWEST, NOTES = 45, 32  # the numbers of the notes as in MIDI: 60 is middle C; notes 45 ... 76
KEYS = (-2, -1, 0, 1, 2)  # half tones above C
FRAMES = 4  # each harmony lasts so long
CHORDS = {  # bass, tenor, alto, soprano in C, and the soprano's neighbour
    "I": ((48, 60, 64, 67), 69),
    "ii": ((50, 57, 65, 69), 67),
    "IV": ((53, 60, 65, 69), 71),
    "V": ((55, 59, 62, 67), 65),
    "vi": ((57, 60, 64, 72), 71),
    "I6": ((52, 60, 67, 72), 74),
}
NEXT = {  # where the harmony may go, and how often
    "I": {"IV": 0.3, "V": 0.3, "vi": 0.2, "I6": 0.2},
    "ii": {"V": 0.8, "I6": 0.2},
    "IV": {"I": 0.3, "V": 0.4, "ii": 0.3},
    "V": {"I": 0.6, "vi": 0.3, "I6": 0.1},
    "vi": {"IV": 0.5, "ii": 0.5},
    "I6": {"IV": 0.5, "ii": 0.5},
}


class Piece(NamedTuple):
    """Frames and what the grammar itself expected of them."""

    notes: np.ndarray  # (T, NOTES), 1 where a note sounds
    joint: np.ndarray  # (T,): -log p(frame | all before) in nats, from the grammar
    apart: np.ndarray  # (T,): the same if each note is told its own probability only, notes independent


def frame_of(chord: str, key: int, stepped: bool = False) -> np.ndarray:
    """(NOTES,): the notes of a chord; `stepped`: the soprano on its neighbour."""
    (*lower, soprano), neighbour = CHORDS[chord]
    notes = np.zeros(NOTES)
    notes[[note + key - LOWEST for note in (*lower, neighbour if stepped else soprano)]] = 1
    return notes


def apart_nats(options: list[tuple[float, np.ndarray]], notes: np.ndarray) -> float:
    """notes: (NOTES,) -> -log of the product over the notes, whose probabilities are known one by one, not together."""
    p = sum(share * frame for share, frame in options)  # (NOTES,)
    return float(-np.log(np.where(notes > 0, p, 1 - p)).sum())


def draw_piece(rng: np.random.Generator, harmonies: int = 8) -> Piece:
    """A piece of 4 * harmonies frames; it begins on I."""
    check_rng("draw_piece", rng)
    check_positive_int("draw_piece", "harmonies", harmonies)
    key, chord = int(rng.choice(KEYS)), "I"
    options = [(1 / len(KEYS), frame_of("I", k)) for k in KEYS]  # the key is not known before the first frame
    share = 1 / len(KEYS)
    frames, joint, apart = [], [], []
    for number in range(harmonies):
        if number:
            names, shares = zip(*NEXT[chord].items(), strict=True)
            options = [(s, frame_of(name, key)) for s, name in zip(shares, names, strict=True)]
            picked = rng.choice(len(names), p=shares)
            chord, share = names[picked], shares[picked]
        stepped = bool(rng.random() < 0.5)
        plain, other = frame_of(chord, key), frame_of(chord, key, True)
        third = other if stepped else plain
        frames += [plain, plain, third, plain]
        joint += [-np.log(share), 0.0, np.log(2), 0.0]
        apart += [apart_nats(options, plain), 0.0, apart_nats([(0.5, plain), (0.5, other)], third), 0.0]
    return Piece(np.array(frames), np.array(joint), np.array(apart))


def draw_pieces(rng: np.random.Generator, n: int, harmonies: int = 8) -> Piece:
    """n pieces side by side: notes (T, n, NOTES), joint and apart (T, n)."""
    pieces = [draw_piece(rng, harmonies) for _ in range(n)]
    return Piece(*(np.stack(parts, axis=1) for parts in zip(*pieces, strict=True)))

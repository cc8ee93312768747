"""Chapter 6's unit with gates that are set by hand: a bit is written once and must be shown 45 steps later."""

from __future__ import annotations

import numpy as np

from course_pkg.lstm import LSTMParams, lstm_forward, lstm_gates
from course_pkg.viz.live.figure import LiveFigure, shipped

T, WRITE, READ = 50, 5, 46  # steps, from 1: the bit comes at WRITE, and is asked for from READ on
SHARP = 12.0  # the pre-activation of a gate that is all but open, as in the chapter; minus that: all but shut


def unit() -> LSTMParams:
    """One unit that reads four numbers, the pre-activation of each gate: what the reader sets is what it does."""
    return LSTMParams(np.eye(4), np.zeros((4, 1)), np.zeros(4))


def gate(open_at: range) -> str:
    """A gate over all steps, "1" where it is open."""
    return "".join(str(int(t in open_at)) for t in range(1, T + 1))


ALWAYS, NEVER = gate(range(1, T + 1)), gate(range(0))
WRITES, READS = gate(range(WRITE, WRITE + 1)), gate(range(READ, T + 1))
PRESETS = (
    ("all three work", {"i": WRITES, "f": ALWAYS, "o": READS, "keep": 1.0}),
    ("input left open", {"i": ALWAYS, "f": ALWAYS, "o": READS, "keep": 1.0}),
    ("95 % kept a step", {"i": WRITES, "f": ALWAYS, "o": READS, "keep": 0.95}),
    ("output left open", {"i": WRITES, "f": ALWAYS, "o": ALWAYS, "keep": 1.0}),
    ("shut at step 30", {"i": WRITES, "f": ALWAYS[:29] + "0" + ALWAYS[30:], "o": READS, "keep": 1.0}),
)


def noise() -> np.ndarray:
    """What comes in besides the bit: (T,), between -1 and 1, two decimals."""
    return np.random.default_rng(8).uniform(-1, 1, T).round(2)


def figure() -> LiveFigure:
    """Open and close the gates, and watch the cell carry a bit over fifty steps."""
    p, weights = shipped(unit())
    heard = noise()

    def numbers(state: dict) -> dict:
        value = heard.copy()
        value[WRITE - 1] = 1.5 * state["bit"]
        kept = SHARP if state["keep"] >= 1 else np.log(state["keep"] / (1 - state["keep"]))
        opened = {name: np.array([mark == "1" for mark in state[name]]) for name in "ifo"}
        a_f = np.where(opened["f"], kept, -SHARP)
        a_i, a_o = (np.where(opened[name], SHARP, -SHARP) for name in "io")
        xs = np.stack([a_i, a_f, value, a_o], axis=-1)[:, None]  # (T, 1, 4), in the order of the gates: i, f, g, o
        states = lstm_forward(p, xs)
        gates = [lstm_gates(p, x, h) for x, h in zip(xs, states.hs)]
        return {"x": value, "g": [s.g.item() for s in gates], "f": [s.f.item() for s in gates],
                "c": states.cs[1:, 0, 0], "h": states.hs[1:, 0, 0]}  # fmt: skip

    presets = [{"label": label, "set": changes} for label, changes in PRESETS]
    return LiveFigure(
        name="lstm", label="One LSTM unit, its gates set by hand, over fifty steps",
        data={"noise": heard, "sharp": SHARP, "write": WRITE, "read": READ, "presets": presets},
        state={"bit": 1, "at": WRITE, **PRESETS[0][1]}, weights=weights, numbers=numbers,
        cases=(*(changes for _, changes in PRESETS), {"bit": -1, "i": ALWAYS, "f": NEVER, "o": NEVER}, {"keep": 0.8}),
    )  # fmt: skip

"""Which unit of a language model follows what in the text? Correlations against a control, and interventions.

A unit that keeps its value for many characters looks like any feature that does the same: strings, comments and
indents come in long runs. So the control keeps the runs: the feature is moved along the text, around a circle, to where
it does not belong. And 160 units are 160 chances: what counts is the best unit of each moved text.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from course_pkg.cells import CELLS, hidden
from course_pkg.dense import dense_forward
from course_pkg.embedding import embedding_forward
from course_pkg.language_models import LanguageModel, initial_states, lm_forward
from course_pkg.losses import log_softmax
from course_pkg.shapes import Float, check_positive_int, check_rng, checked
from course_pkg.stacked import stacked_step


class Finding(NamedTuple):
    """How all units go with one feature."""

    r: np.ndarray  # (H,), correlation of each unit with the feature
    p: np.ndarray  # (H,), chance of so large an |r| for the best of all units, under the control
    control: np.ndarray  # (S,), largest |r| of all units for each moved feature

    @property
    def best(self) -> int:
        """The unit with the largest |r|."""
        return int(np.abs(self.r).argmax())


def unit_activity(p: LanguageModel, ids: np.ndarray, streams: int = 1) -> np.ndarray:
    """ids: (N,) -> tanh(c_t) of the last LSTM layer after each character: (n, H), n = N // streams * streams.

    streams > 1 is faster: so many parts of the text are read at once, each from zero states.
    """
    check_positive_int("unit_activity", "streams", streams)
    n = len(ids) // streams
    if n == 0:
        raise ValueError(f"unit_activity: ids must hold at least streams = {streams} tokens, got {len(ids)}")
    run = lm_forward(p, np.asarray(ids)[: n * streams].reshape(streams, n).T)  # (n, streams)
    cs = run.read.layers[-1].kept.cs[1:]  # (n, streams, H)
    return np.tanh(cs).swapaxes(0, 1).reshape(n * streams, -1)


# ---- correlation -------------------------------------------------------------------------------------------------


@checked
def correlations(activity: Float["N H"], feature: Float["N"]) -> np.ndarray:
    """(unit-correlation)  activity: (N, H), feature: (N,) -> Pearson's r of each unit: (H,); 0 for what is constant."""
    return _standard(activity).T @ _standard(feature[:, None])[:, 0] / len(feature)


@checked
def moved_correlations(activity: Float["N H"], feature: Float["N"], shifts: np.ndarray) -> np.ndarray:
    """(moved-correlation)  The correlations with the feature moved by each of `shifts` (S,), around a circle: (S, H).

    np.roll(feature, s) for each s, all at once by the convolution theorem.
    """
    N = len(feature)
    units = np.fft.rfft(_standard(activity), axis=0)  # (N//2+1, H)
    text = np.fft.rfft(_standard(feature[:, None]), axis=0)  # (N//2+1, 1)
    return np.fft.irfft(units * text.conj(), N, axis=0)[np.asarray(shifts) % N] / N


def _standard(values: np.ndarray) -> np.ndarray:
    """Each column of values: (N, H) with mean 0 and variance 1; a constant one becomes 0."""
    centred = values - values.mean(axis=0)
    size = np.sqrt((centred**2).mean(axis=0))
    return centred / np.where(size > 1e-12 * (1 + np.abs(values).max(axis=0)), size, np.inf)


def random_shifts(rng: np.random.Generator, N: int, least: int, S: int) -> np.ndarray:
    """S ways to move a text of N characters, each at least `least` away from its place on either side: (S,)."""
    check_rng("random_shifts", rng)
    if not 0 < least <= N // 2:
        raise ValueError(f"random_shifts: least must be in 1..{N // 2} (half of N={N}), got {least}")
    return rng.integers(least, N - least + 1, S)


def find_units(
    rng: np.random.Generator, activity: np.ndarray, feature: np.ndarray, least: int = 2000, S: int = 999
) -> Finding:
    """(unit-test)  activity: (N, H), feature: (N,) -> Finding against S moved copies of the feature.

    p counts the moved features whose best unit is at least as good: corrected for the number of units (Westfall and
    Young 1993), and never below 1 / (S + 1).
    """
    check_positive_int("find_units", "S", S)
    r = correlations(activity, feature)
    shifts = random_shifts(rng, len(feature), least, S)
    control = np.abs(moved_correlations(activity, feature, shifts)).max(axis=1)  # (S,)
    p = (1 + (control[:, None] >= np.abs(r) - 1e-12).sum(axis=0)) / (S + 1)  # (H,)
    return Finding(r, p, control)


# ---- interventions -----------------------------------------------------------------------------------------------


def resting_values(p: LanguageModel, ids: np.ndarray, streams: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """ids: (N,) -> medians over the text of h and of c in the last LSTM layer, (H,) each: where units usually are."""
    check_positive_int("resting_values", "streams", streams)
    n = len(ids) // streams
    if n == 0:
        raise ValueError(f"resting_values: ids must hold at least streams = {streams} tokens, got {len(ids)}")
    run = lm_forward(p, np.asarray(ids)[: n * streams].reshape(streams, n).T).read  # (n, streams)
    return np.median(run.outputs, axis=(0, 1)), np.median(run.layers[-1].kept.cs[1:], axis=(0, 1))


def read_with_factors(
    p: LanguageModel, ids: np.ndarray, factors: np.ndarray, cell: str = "lstm", rest: Sequence[np.ndarray] | None = None
) -> np.ndarray:
    """(intervention)  ids: (T, B) -> logits (T, B, V); after each step the last layer's state becomes
    factors * state + (1 - factors) * rest.

    factors: (T or 1, B or 1, H); rest: (H,) for each part of the state, h and c of an LSTM; None: 0. A factor 0 holds a
    unit at its rest. Without rest, -1 turns the unit's sign round.
    """
    ids = np.asarray(ids)
    if ids.ndim != 2:
        raise ValueError(f"read_with_factors: ids must be (T, B), got shape {ids.shape}")
    (T, B), H = ids.shape, p.out.W.shape[1]
    try:
        factors = np.broadcast_to(factors, (T, B, H))
    except ValueError:
        raise ValueError(f"read_with_factors: factors must fit {(T, B, H)} (from ids and p.out), "
                         f"got shape {np.shape(factors)}") from None  # fmt: skip
    states, logits = initial_states(p, B, cell), []
    parts = len(states[-1]) if isinstance(states[-1], tuple) else 1
    rest = [np.zeros(H, factors.dtype)] * parts if rest is None else list(rest)
    if [np.shape(r) for r in rest] != [(H,)] * parts:
        raise ValueError(f"read_with_factors: rest must be {parts} arrays {(H,)} (from p.out and the cell), "
                         f"got shapes {[np.shape(r) for r in rest]}")  # fmt: skip
    for t in range(T):
        *below, last = stacked_step(CELLS[cell], p.layers, embedding_forward(p.embedding, ids[t]), states)
        held = [(1 - factors[t]) * r for r in rest]
        if isinstance(last, tuple):
            last = type(last)(*[factors[t] * part + r for part, r in zip(last, held, strict=True)])
        else:
            last = factors[t] * last + held[0]
        states = (*below, last)
        logits.append(dense_forward(p.out, hidden(last)))  # (B, H) -> (B, V)
    return np.stack(logits)


def silenced(H: int, units: list[int]) -> np.ndarray:
    """Factors (1, B, H) for B = len(units) copies of a text: 0 for unit units[b] in copy b, for none if it is -1."""
    factors = np.ones((1, len(units), H))
    for b, unit in enumerate(units):
        if not -1 <= unit < H:
            raise ValueError(f"silenced: units must be in -1..{H - 1} (from H), got {unit}")
        if unit >= 0:
            factors[0, b, unit] = 0
    return factors


def bits_without(
    p: LanguageModel, ids: np.ndarray, units: list[int], rest: Sequence[np.ndarray] | None = None
) -> np.ndarray:
    """ids: (T+1, B), read once for each unit with that unit held at `rest` (None: 0; unit -1: none is held)
    -> bits of each next token: (U, T, B)."""
    (steps, B), H = ids.shape, p.out.W.shape[1]
    copies = np.tile(ids, (1, len(units)))  # (T+1, U * B)
    factors = np.repeat(silenced(H, units), B, axis=1).astype(p.out.W.dtype)
    logits = read_with_factors(p, copies[:-1], factors, rest=rest)
    nats = -np.take_along_axis(log_softmax(logits), copies[1:, :, None], axis=-1)[..., 0]  # (T, U * B)
    return (nats / np.log(2)).reshape(steps - 1, len(units), B).swapaxes(0, 1)

"""From scores to a token: temperature, top-k, nucleus; and writing, where each token drawn is read next.

All functions take logits (..., V) and work on the last axis.
"""

from collections.abc import Callable

import numpy as np

from course_pkg.language_models import LanguageModel, initial_states, lm_forward, lm_step
from course_pkg.losses import softmax
from course_pkg.shapes import check_positive_int, check_rng


def with_temperature(logits: np.ndarray, temperature: float) -> np.ndarray:
    """(temperature)  logits: (..., V) -> probabilities (..., V): softmax(logits / temperature).

    Below 1 the likely tokens gain, above 1 the unlikely ones. 0 is not allowed: its limit is the arg max.
    """
    if not (temperature > 0 and np.isfinite(temperature)):
        raise ValueError(f"with_temperature: temperature must be a number > 0, got {temperature}")
    logits = np.asarray(logits)
    return softmax((logits - logits.max(axis=-1, keepdims=True)) / temperature)


def keep_top_k(probs: np.ndarray, k: int) -> np.ndarray:
    """(top-k)  probs: (..., V) -> the same with all but the k largest set to 0, made to sum to 1 again.

    Of equal probabilities at the edge, the tokens with the smaller numbers stay.
    """
    check_positive_int("keep_top_k", "k", k)
    order = np.argsort(-probs, axis=-1, kind="stable")
    return _only(probs, order, np.arange(probs.shape[-1]) < k)


def keep_nucleus(probs: np.ndarray, mass: float) -> np.ndarray:
    """(nucleus)  probs: (..., V) -> only the likeliest tokens that together reach `mass`, made to sum to 1 again.

    The fewest such tokens stay, at least one (Holtzman et al. 2020). Equal ones at the edge: as in `keep_top_k`.
    """
    if not 0 < mass <= 1:
        raise ValueError(f"keep_nucleus: mass must be in (0, 1], got {mass}")
    order = np.argsort(-probs, axis=-1, kind="stable")
    falling = np.take_along_axis(probs, order, axis=-1)  # (..., V), the largest first
    before = np.cumsum(falling, axis=-1) - falling  # what the likelier ones have together
    stays = before < mass * (1 - 1e-12)  # so that rounding of the sum adds no token
    stays[..., 0] = True
    return _only(probs, order, stays)


def _only(probs: np.ndarray, order: np.ndarray, stays: np.ndarray) -> np.ndarray:
    """Keep probs (..., V) where `stays`, which is given in the order of falling probability."""
    keep = np.zeros(probs.shape, bool)
    np.put_along_axis(keep, order, np.broadcast_to(stays, probs.shape), axis=-1)
    kept = np.where(keep, probs, 0)
    return kept / kept.sum(axis=-1, keepdims=True)


def draw(rng: np.random.Generator, probs: np.ndarray) -> np.ndarray:
    """(sampling)  probs: (..., V) -> one token for each row: (...). A token of probability 0 is never drawn."""
    check_rng("draw", rng)
    total = np.cumsum(probs, axis=-1)  # (..., V)
    spin = rng.random(probs.shape[:-1])[..., None] * total[..., -1:]  # (..., 1), below the last total
    return (total > spin).argmax(axis=-1)  # the first token whose share of the wheel holds the number


Chooser = Callable[[np.random.Generator, np.ndarray], np.ndarray]


def chooser(temperature: float = 1.0, top_k: int | None = None, mass: float | None = None) -> Chooser:
    """(rng, logits (..., V)) -> tokens (...): drawn at this temperature, from the top k or the nucleus if given.

    temperature 0 means the likeliest token, always.
    """

    def choose(rng: np.random.Generator, logits: np.ndarray) -> np.ndarray:
        if temperature == 0:
            return logits.argmax(axis=-1)
        probs = with_temperature(logits, temperature)
        probs = probs if top_k is None else keep_top_k(probs, top_k)
        probs = probs if mass is None else keep_nucleus(probs, mass)
        return draw(rng, probs)

    return choose


def write(
    p: LanguageModel, rng: np.random.Generator, prompt: np.ndarray, n: int, choose: Chooser, cell: str = "lstm"
) -> np.ndarray:
    """(autoregression)  prompt: (T, B), T >= 1, is read; then n tokens are drawn, each read before the next: (n, B)."""
    check_positive_int("write", "n", n)
    prompt = np.asarray(prompt)
    states = initial_states(p, prompt.shape[1], cell)
    run = lm_forward(p, prompt, states, cell)
    logits, states, written = run.logits[-1], run.states, []
    for _ in range(n):
        written.append(choose(rng, logits))  # (B,)
        logits, states = lm_step(p, written[-1], states, cell)
    return np.stack(written)

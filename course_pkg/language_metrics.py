"""How good is a language model? Two scores, defined once, both made from the mean negative log-probability in nats.

That mean is what `softmax_cross_entropy` returns: (1/N) sum of -ln P(token | what came before).
"""

import math

import numpy as np

from course_pkg.shapes import Float, checked

NATS_PER_BIT = math.log(2)


@checked
def mean_nats(probs: Float["..."]) -> float:
    """(mean-nats)  probs: (...), the probability that each token had before it came -> mean of -ln p.

    A probability of zero costs infinitely much: a model that called the impossible by its name.
    """
    if probs.min() < 0 or probs.max() > 1:
        raise ValueError(f"mean_nats: probs must be in [0, 1], got values from {probs.min()} to {probs.max()}")
    if probs.min() == 0:
        return math.inf
    return float(-np.log(probs).mean()) + 0.0  # not -0.0


def perplexity(nats_per_token: float) -> float:
    """(perplexity)  exp of the mean negative log-probability: as uncertain as among so many equally likely tokens."""
    nats = _score("perplexity", "nats_per_token", nats_per_token)
    return math.exp(nats) if nats < 709 else math.inf  # exp(710) is beyond float64


def bits_per_character(nats_per_token: float, characters_per_token: float = 1.0) -> float:
    """(bits-per-character)  The mean negative log-probability in bits, shared out among the characters.

    A model of characters has characters_per_token = 1. For a model of words it is the length of the text, blanks and
    all, divided by the number of tokens: then models of words and of characters can be compared.
    """
    nats = _score("bits_per_character", "nats_per_token", nats_per_token)
    characters = _score("bits_per_character", "characters_per_token", characters_per_token)
    if characters == 0 or math.isinf(characters):
        raise ValueError("bits_per_character: characters_per_token must be finite and greater than 0, "
                         f"got {characters_per_token}")  # fmt: skip
    return nats / NATS_PER_BIT / characters


def _score(function: str, argument: str, value: float) -> float:
    """`value` as a float; a TypeError or ValueError unless it is a number of at least 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{function}: {argument} must be a number, got {type(value).__name__}")
    if not value >= 0:
        raise ValueError(f"{function}: {argument} must be a number of at least 0, got {value}")
    return float(value)

"""Perplexity and bits per character: the same numbers as their definitions, from torch's own cross-entropy."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_pkg.language_metrics import bits_per_character, mean_nats, perplexity
from course_pkg.losses import softmax_cross_entropy
from tests.package.helpers import tensor


@pytest.mark.parametrize("V", [1, 2, 27, 1000])
def test_a_uniform_guess_has_the_perplexity_of_its_vocabulary(V):
    assert perplexity(mean_nats(np.full((5, 3), 1 / V))) == pytest.approx(V, rel=1e-12)
    assert bits_per_character(mean_nats(np.full(7, 1 / V))) == pytest.approx(math.log2(V), abs=1e-12)


@given(st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=30))
def test_perplexity_is_the_inverse_geometric_mean(probs):
    product = math.prod(p ** (1 / len(probs)) for p in probs)
    assert perplexity(mean_nats(np.array(probs))) == pytest.approx(1 / product, rel=1e-9)


@given(st.integers(1, 40), st.integers(2, 30), st.integers(0, 99))
def test_they_agree_with_cross_entropy_in_torch(T, V, seed):
    rng = np.random.default_rng(seed)
    logits, targets = rng.normal(0, 3, size=(T, V)), rng.integers(0, V, T)
    nats = softmax_cross_entropy(logits, targets)[0]
    theirs = torch.nn.functional.cross_entropy(tensor(logits), tensor(targets)).item()
    probs = torch.softmax(tensor(logits), -1).numpy()[np.arange(T), targets]
    assert mean_nats(probs) == pytest.approx(nats, rel=1e-12) == pytest.approx(theirs, rel=1e-12)
    assert perplexity(nats) == pytest.approx(2 ** bits_per_character(nats), rel=1e-12)


def test_words_and_characters_can_be_compared():
    """Two words of 4 and 6 characters, with their blanks, at 1/8 each: 6 bits for 10 characters."""
    assert bits_per_character(mean_nats(np.full(2, 1 / 8)), characters_per_token=5) == pytest.approx(0.6, rel=1e-12)


def test_what_was_impossible_costs_infinitely_much():
    nats = mean_nats(np.array([0.5, 0.0]))
    assert nats == perplexity(nats) == bits_per_character(nats) == math.inf
    assert perplexity(1e5) == math.inf


def test_certainty_costs_nothing():
    nats = mean_nats(np.ones(3))
    assert str(nats) == "0.0" and perplexity(nats) == 1 and bits_per_character(nats) == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mean_nats([0.5]), TypeError, r"^mean_nats: probs must be a NumPy array \(...\), got list$"),
        (lambda: mean_nats(np.array([])), ValueError, "^mean_nats: probs must hold at least one entry"),
        (lambda: mean_nats(np.array([0.5, np.nan])), ValueError, "^mean_nats: probs must be finite, got nan"),
        (lambda: mean_nats(np.array([-0.1, 0.2])), ValueError, r"must be in \[0, 1\], got values from -0.1 to 0.2$"),
        (lambda: mean_nats(np.array([0.5, 1.1])), ValueError, r"must be in \[0, 1\], got values from 0.5 to 1.1$"),
        (lambda: perplexity("2"), TypeError, "^perplexity: nats_per_token must be a number, got str$"),
        (lambda: perplexity(True), TypeError, "^perplexity: nats_per_token must be a number, got bool$"),
        (lambda: perplexity(-0.1), ValueError, "^perplexity: nats_per_token must be a number of at least 0, got -0.1$"),
        (lambda: perplexity(math.nan), ValueError, "at least 0, got nan$"),
        (lambda: bits_per_character(1.0, 0), ValueError, "^bits_per_character: characters_per_token must be"),
        (lambda: bits_per_character(1.0, math.inf), ValueError, "greater than 0, got inf$"),
        (lambda: bits_per_character(None), TypeError, "^bits_per_character: nats_per_token must be a number, got None"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()

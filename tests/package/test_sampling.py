"""Temperature, top-k, nucleus and drawing: properties over random distributions; writing reads what it wrote."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_pkg.language_models import init_language_model, lm_forward
from course_pkg.losses import softmax
from course_pkg.sampling import chooser, draw, keep_nucleus, keep_top_k, with_temperature, write


def logits_of(seed, V, spread):
    return np.random.default_rng(seed).normal(0, spread, (3, V))


DRAWN = {"seed": st.integers(0, 9999), "V": st.integers(1, 12), "spread": st.sampled_from([0.1, 1.0, 5.0, 300.0])}


@given(**DRAWN, temperature=st.floats(0.05, 20))
def test_temperature(seed, V, spread, temperature):
    logits = logits_of(seed, V, spread)
    probs = with_temperature(logits, temperature)
    assert np.allclose(probs.sum(axis=-1), 1) and (probs >= 0).all()
    assert np.allclose(with_temperature(logits, 1.0), softmax(logits), atol=1e-15)
    assert np.allclose(with_temperature(logits + 1000, temperature), probs, atol=1e-9)  # a shift changes nothing
    if V > 1:  # the order stays, and a cooler distribution is more certain
        assert (np.take_along_axis(probs, logits.argmax(-1)[:, None], -1)[:, 0] == probs.max(-1)).all()
        assert (with_temperature(logits, temperature / 2).max(axis=-1) >= probs.max(axis=-1) - 1e-12).all()


@pytest.mark.filterwarnings("error")
def test_temperatures_at_the_ends():
    logits = np.array([1.0, 2.0, 3.0])
    assert np.array_equal(with_temperature(logits, 1e-300), [0, 0, 1])
    assert np.allclose(with_temperature(logits, 1e9), 1 / 3)
    for wrong in (0, -1, np.inf, np.nan):
        with pytest.raises(ValueError, match="with_temperature: temperature must be a number > 0"):
            with_temperature(logits, wrong)


@given(**DRAWN, k=st.integers(1, 14))
def test_top_k(seed, V, spread, k):
    probs = softmax(logits_of(seed, V, spread))
    kept = keep_top_k(probs, k)
    assert np.allclose(kept.sum(axis=-1), 1)
    for p, q in zip(probs, kept, strict=True):
        largest = np.sort(p)[::-1][:k]
        assert np.allclose(np.sort(q)[::-1][: len(largest)], largest / largest.sum())
        assert np.count_nonzero(q) <= k
    if k >= V:
        assert np.allclose(kept, probs)
    assert np.array_equal(keep_top_k(probs, 1).argmax(-1), probs.argmax(-1))


@given(**DRAWN, mass=st.floats(0.01, 1))
def test_nucleus(seed, V, spread, mass):
    probs = softmax(logits_of(seed, V, spread))
    kept = keep_nucleus(probs, mass)
    assert np.allclose(kept.sum(axis=-1), 1)
    for p, q in zip(probs, kept, strict=True):
        n = np.count_nonzero(q)
        falling = np.sort(p)[::-1]
        assert falling[:n].sum() >= mass - 1e-9  # enough
        assert n == 1 or falling[: n - 1].sum() < mass  # and not one too many
        assert np.allclose(np.sort(q)[::-1][:n], falling[:n] / falling[:n].sum())


def test_equal_probabilities_keep_the_smaller_numbers():
    even = np.full(4, 0.25)
    assert np.array_equal(keep_top_k(even, 2), [0.5, 0.5, 0, 0])
    assert np.array_equal(keep_nucleus(even, 0.5), [0.5, 0.5, 0, 0])
    assert np.array_equal(keep_nucleus(even, 0.51), np.array([1, 1, 1, 0]) / 3)
    ten = np.full(10, 0.1)
    assert np.count_nonzero(keep_nucleus(ten, 0.3)) == 3  # though 0.1 + 0.1 + 0.1 > 0.3 in floating point


@pytest.mark.parametrize("mass", [0, -0.1, 1.1, np.nan])
def test_nucleus_refuses(mass):
    with pytest.raises(ValueError, match=r"keep_nucleus: mass must be in \(0, 1\]"):
        keep_nucleus(np.ones(2) / 2, mass)


def test_draw_has_the_frequencies_of_the_probabilities():
    probs = np.array([0.5, 0.0, 0.2, 0.3])
    n = 40_000
    drawn = draw(np.random.default_rng(0), np.tile(probs, (n, 1)))
    counts = np.bincount(drawn, minlength=4)
    assert counts[1] == 0
    assert np.abs(counts / n - probs).max() < 4 * np.sqrt(0.25 / n)


@given(seed=st.integers(0, 9999), V=st.integers(1, 9))
def test_draw_never_takes_what_is_impossible(seed, V):
    rng = np.random.default_rng(seed)
    probs = softmax(rng.normal(0, 5, (20, V))) * (rng.random((20, V)) < 0.5)
    probs[np.arange(20), rng.integers(0, V, 20)] += 1e-3
    assert (probs[np.arange(20), draw(rng, probs)] > 0).all()


def test_choosers():
    logits = np.log(np.array([[0.1, 0.6, 0.3]]))
    rng = np.random.default_rng(1)
    assert chooser(0)(rng, logits) == [1]
    assert {int(chooser(top_k=2)(rng, logits)[0]) for _ in range(60)} == {1, 2}
    assert {int(chooser(mass=0.5)(rng, logits)[0]) for _ in range(60)} == {1}
    assert {int(chooser(9.0)(rng, logits)[0]) for _ in range(60)} == {0, 1, 2}


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@given(seed=st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_writing_reads_what_it_wrote(cell, seed):
    rng = np.random.default_rng(seed)
    p = init_language_model(rng, 6, 3, 4, layers=2, cell=cell)
    prompt = rng.integers(0, 6, (3, 2))
    written = write(p, np.random.default_rng(7), prompt, 8, chooser(1.5), cell)
    assert written.shape == (8, 2)
    assert np.array_equal(written, write(p, np.random.default_rng(7), prompt, 8, chooser(1.5), cell))
    # the same text read whole asks for the same tokens, one after the other
    logits = lm_forward(p, np.concatenate([prompt, written[:-1]]), cell=cell).logits[2:]
    again = np.random.default_rng(7)
    assert np.array_equal(written, np.stack([chooser(1.5)(again, row) for row in logits]))


def test_the_likeliest_is_greedy():
    p = init_language_model(np.random.default_rng(0), 6, 3, 4)
    prompt = np.array([[2]])
    written = write(p, np.random.default_rng(0), prompt, 5, chooser(0))
    logits = lm_forward(p, np.concatenate([prompt, written[:-1]])).logits
    assert np.array_equal(written, logits.argmax(axis=-1))

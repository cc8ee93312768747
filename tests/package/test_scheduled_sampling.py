"""Scheduled sampling: between teacher forcing and reading one's own words; the falling epsilon."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_pkg import encoder_decoder as ed
from course_pkg.scheduled_sampling import inverse_sigmoid_decay, scheduled_inputs
from course_pkg.tree import tree_map
from tests.package.test_encoder_decoder import problems


def sharp(p, factor=1e4):
    """The same model, all but certain of its likeliest token."""
    return p._replace(out=tree_map(lambda w: w * factor, p.out))


@given(problems())
def test_at_one_it_is_teacher_forcing_and_at_zero_its_own_words(case):
    cell, _, (p, source, mask, targets, _), rng = case
    taught = scheduled_inputs(p, source, mask, targets, rng, 1.0, cell)
    assert np.array_equal(taught, ed.decoder_inputs(targets))
    own = scheduled_inputs(sharp(p), source, mask, targets, rng, 0.0, cell)
    assert own.shape == targets.shape and (own[0] == ed.START).all()
    logits, _ = ed.encoder_decoder_logits(sharp(p), source, mask, own, cell)
    top = np.sort(logits, axis=-1)
    clear = (top[..., -1] - top[..., -2] > 50)[:-1]  # what it draws is then what it finds likeliest
    assert (own[1:] == logits.argmax(-1)[:-1])[clear].all()


@given(problems(), st.floats(0, 1))
def test_each_word_read_is_the_right_one_or_one_it_may_say(case, epsilon):
    cell, _, (p, source, mask, targets, _), rng = case
    silent = p._replace(out=p.out._replace(b=np.where(np.arange(len(p.out.b)) == 3, 1e6, -1e6), W=0 * p.out.W))
    read = scheduled_inputs(silent, source, mask, targets, rng, epsilon, cell)  # it says 3, always
    assert ((read[1:] == targets[:-1]) | (read[1:] == 3)).all()


def test_epsilon_is_the_share_of_right_words():
    p = ed.init_encoder_decoder(np.random.default_rng(0), 5, 6, 2, 2)
    p = p._replace(out=p.out._replace(b=np.array([0, 0, 0, 1e6, 0, 0]), W=0 * p.out.W))
    targets, rng = np.full((21, 500), 5), np.random.default_rng(1)
    for epsilon in (0.1, 0.5, 0.9):
        read = scheduled_inputs(p, np.ones((1, 500), int), None, targets, rng, epsilon)
        assert np.mean(read[1:] == 5) == pytest.approx(epsilon, abs=0.02)  # 10,000 coins


def test_it_draws_in_proportion():
    p = ed.init_encoder_decoder(np.random.default_rng(0), 5, 6, 2, 2)
    probs = np.array([0.05, 0.1, 0.15, 0.2, 0.2, 0.3])
    p = p._replace(out=p.out._replace(b=np.log(probs), W=0 * p.out.W))
    read = scheduled_inputs(p, np.ones((1, 1000), int), None, np.zeros((11, 1000), int), np.random.default_rng(1), 0.0)
    assert np.bincount(read[1:].ravel(), minlength=6) / 10_000 == pytest.approx(probs, abs=0.02)


@pytest.mark.parametrize("k", [1, 10, 500, 1e4])
def test_the_decay(k):
    epsilon = inverse_sigmoid_decay(k)
    steps = np.linspace(0, 5 * k * max(np.log(k), 1), 20)
    values = [epsilon(n) for n in steps]
    assert values == pytest.approx([k / (k + np.exp(n / k)) for n in steps], rel=1e-9, abs=1e-15)
    assert values == sorted(values, reverse=True) and epsilon(k * np.log(k)) == pytest.approx(0.5)
    assert epsilon(1e9) == pytest.approx(0, abs=1e-12)  # exp would have overflown


def test_bad_input_is_refused():
    p, source, targets = ed.init_encoder_decoder(np.random.default_rng(0), 5, 6, 2, 2), np.ones((2, 3), int), None
    targets = np.ones((4, 3), int)
    with pytest.raises(ValueError, match=r"^scheduled_inputs: epsilon must be in \[0, 1\], got 1.5$"):
        scheduled_inputs(p, source, None, targets, np.random.default_rng(0), 1.5)
    with pytest.raises(TypeError, match="^scheduled_inputs: rng must be a numpy Generator"):
        scheduled_inputs(p, source, None, targets, 0, 0.5)
    with pytest.raises(ValueError, match="^inverse_sigmoid_decay: k must be at least 1, got 0$"):
        inverse_sigmoid_decay(0)

"""The recall task asks what it says, and every reader's gradients are right."""

import numpy as np
import pytest

from course_pkg.checks.gradients import check_gradients
from experiments import associative_recall as lab


def test_every_question_has_its_answer_in_the_sequence():
    asked = lab.draw(np.random.default_rng(0), 200, 5)
    keys, values = asked.xs[..., : lab.KEYS], asked.xs[..., lab.KEYS :]
    assert np.all(keys.sum(axis=-1) == 1) and np.all(values[:-1].sum(axis=-1) == 1) and np.all(values[-1] == 0)
    assert np.all(keys[:-1].sum(axis=0) <= 1)  # no key twice
    match = np.einsum("tbk,bk->bt", keys[:-1], keys[-1])  # (B, P): where the asked key stood
    found = np.einsum("bt,tbv->bv", match, values[:-1]).argmax(axis=-1)
    assert np.all(match.sum(axis=1) == 1) and np.array_equal(found, asked.answers)


@pytest.mark.parametrize("name", lab.READERS)
def test_gradients(name):
    rng = np.random.default_rng(1)
    p, batch = lab.init_reader(rng, name, 4), lab.draw(rng, 3, 2)
    _, grads = lab.loss_and_grads(name, p, batch)
    errors = check_gradients(lambda q: lab.loss_and_grads(name, q, batch)[0], p, grads)
    assert max(e for leaf, e in errors.items() if not leaf.endswith("b_k")) < 1e-4, errors  # b_k's gradient is 0


def test_a_block_learns_it():
    assert lab.learn("block", 16, 3, 0, 120)[1] > 0.9


def test_refusals():
    with pytest.raises(ValueError, match="pairs must be from 1 to 16, got 17"):
        lab.draw(np.random.default_rng(0), 1, 17)
    with pytest.raises(ValueError, match="name must be one of 'block', .* 'min gru', got 'rnn'"):
        lab.init_reader(np.random.default_rng(0), "rnn", 4)

"""The training loop: what it does at each step, what it records, and when it stops with a message."""

import numpy as np
import pytest

from course_pkg.data.batches import iterate_batches
from course_pkg.optim import SGD, Adam
from course_pkg.sequence_models import init_readout_rnn, many_to_one_loss
from course_pkg.train import train


def quadratic(params, batch):
    """Half the squared distance from `batch`: the gradient is the difference."""
    return 0.5 * float(((params - batch) ** 2).sum()), params - batch


def test_every_batch_is_one_update_and_one_entry_of_the_history():
    params, history = train(np.array([1.0]), quadratic, [np.zeros(1)] * 3, SGD(0.5))
    assert np.array_equal(params, [0.125])
    assert history.losses == [0.5, 0.125, 0.03125]  # each before its update
    assert history.grad_norms == [1, 0.5, 0.25]
    assert history.evaluated_at == history.evaluations == []


def test_clipping_acts_on_the_step_and_the_history_keeps_the_norm_before_it():
    params, history = train(np.array([10.0]), quadratic, [np.zeros(1)] * 2, SGD(1.0), clip_norm=2.0)
    assert np.array_equal(params, [6.0])
    assert history.grad_norms == [10, 8]


def test_evaluations_come_before_the_first_step_at_every_interval_and_at_the_end():
    _, history = train(
        np.array([1.0]), quadratic, [np.zeros(1)] * 5, SGD(0.5), evaluate=lambda p: float(p[0]), evaluate_every=2
    )
    assert history.evaluated_at == [0, 2, 4, 5]
    assert history.evaluations == [1, 0.25, 0.0625, 0.03125]
    _, history = train(np.array([1.0]), quadratic, [np.zeros(1)] * 4, SGD(0.5), evaluate=len)
    assert history.evaluated_at == [4]  # without an interval only at the end


def test_batches_may_be_a_generator_and_parameters_a_tree():
    target = (np.ones(2), np.zeros((1, 2)))

    def loss_and_grads(params, batch):
        grads = tuple(p - t for p, t in zip(params, target, strict=True))
        return sum(0.5 * float((g**2).sum()) for g in grads), grads

    start = (np.zeros(2), np.full((1, 2), 3.0))
    params, history = train(start, loss_and_grads, (None for _ in range(200)), Adam(0.1))
    assert history.losses[-1] < 1e-3 < history.losses[0]
    assert np.array_equal(start[0], np.zeros(2))  # training does not write into what it was given


def test_a_small_task_is_learned_the_same_way_on_every_run():
    """Which of two tokens came first? Many to one over sequences of 3 to 6 steps."""

    def run():
        rng = np.random.default_rng(0)
        labels = rng.integers(0, 2, 64)
        sequences = [rng.normal(0, 0.1, (int(rng.integers(3, 7)), 2)) for _ in labels]
        for sequence, label in zip(sequences, labels, strict=True):
            sequence[0, label] += 1
        params = init_readout_rnn(rng, 2, 8, 2)
        batches = iterate_batches(rng, sequences, labels, 16, epochs=25)
        return train(
            params, lambda p, b: many_to_one_loss(p, b[0].xs, b[1], b[0].mask), batches, Adam(0.02), clip_norm=1.0
        )

    first, history = run()
    second, _ = run()
    assert len(history.losses) == 100
    assert history.losses[0] > 0.6 and max(history.losses[-4:]) < 0.05
    assert all(np.array_equal(a, b) for a, b in zip(first.rnn, second.rnn, strict=True))


def test_a_loss_that_is_no_number_stops_with_the_step_and_the_last_norm():
    losses = iter([1.0, np.nan])
    message = r"train: loss and gradient must stay finite, got loss nan.* at step 1 .*before: 2\)"
    with pytest.raises(FloatingPointError, match=message):
        train(np.zeros(4), lambda p, b: (next(losses), np.ones(4)), range(5), SGD(0.1))


def test_the_bar_shows_only_where_it_is_wanted(capsys, monkeypatch):
    train(np.array([1.0]), quadratic, [np.zeros(1)] * 12, SGD(0.5), progress=True)
    assert "batch" in capsys.readouterr().err
    monkeypatch.setenv("COURSE_PROGRESS", "0")
    train(np.array([1.0]), quadratic, [np.zeros(1)] * 12, SGD(0.5))
    assert capsys.readouterr().err == ""


def test_a_gradient_that_is_no_number_stops_too():
    with pytest.raises(FloatingPointError, match="got loss 1.0, gradient norm nan at step 0"):
        train(np.ones(2), lambda p, _: (1.0, np.full(2, np.nan)), [None], SGD(0.1))

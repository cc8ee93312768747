"""The neural bigram's optimum is the counted bigram; the feed-forward model's gradients agree with three oracles."""


import numpy as np
import pytest
import torch

from course_pkg.language_metrics import mean_nats
from course_pkg.losses import softmax
from course_pkg.neural_ngrams import (
    FeedForwardLM,
    NeuralBigram,
    feedforward_lm_logits,
    feedforward_lm_loss,
    init_feedforward_lm,
    init_neural_bigram,
    neural_bigram_logits,
    neural_bigram_loss,
    windows,
)
from course_pkg.ngrams import count_ngrams, relative_frequencies
from course_pkg.optim import SGD
from course_pkg.train import train
from tests.package.helpers import SHAPES, prove, rng_for, shape_id, tensor

CE = torch.nn.functional.cross_entropy


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_gradient_of_the_neural_bigram(shape):
    (T, B, V, _), rng = shape, rng_for(*shape)
    p, previous, targets = NeuralBigram(rng.normal(size=(V, V))), *rng.integers(0, V, (2, T, B))

    def loss_torch(q):
        return CE(q.W[tensor(previous)].reshape(-1, V), tensor(targets).reshape(-1))

    if V == 1:
        assert neural_bigram_loss(p, previous, targets) == (0.0, NeuralBigram(np.zeros((1, 1))))
    else:
        grads = neural_bigram_loss(p, previous, targets)[1]
        prove(p, grads, lambda q: neural_bigram_loss(q, previous, targets)[0], loss_torch)


@pytest.mark.parametrize("seed", range(5))
def test_the_optimum_of_the_neural_bigram_is_the_counted_bigram(seed):
    """At the logarithms of the counts the gradient is zero and no other point is better; training gets there."""
    rng = np.random.default_rng(seed)
    V = int(rng.integers(2, 6))
    ids = np.concatenate([rng.integers(0, V, 60), *np.ndindex(V, V)])  # every pair occurs
    counts = count_ngrams([ids], 2, V)
    counted = np.stack([relative_frequencies(counts, [v]) for v in range(V)])  # (V, V): row v is P(. | v)
    best = NeuralBigram(np.log(counted))
    loss, grads = neural_bigram_loss(best, ids[:-1], ids[1:])
    assert np.abs(grads.W).max() < 1e-15
    assert loss == pytest.approx(mean_nats(counted[ids[:-1], ids[1:]]), rel=1e-12)
    for _ in range(20):
        other = NeuralBigram(best.W + rng.normal(0, 0.3, (V, V)))
        assert neural_bigram_loss(other, ids[:-1], ids[1:])[0] > loss
    start, batch = init_neural_bigram(V), (ids[:-1], ids[1:])
    assert np.ptp(softmax(start.W)) == 0
    found, _ = train(start, lambda q, b: neural_bigram_loss(q, *b), [batch] * 2000, SGD(2.0))
    assert np.abs(softmax(found.W) - counted).max() < 1e-4


def test_logits_of_the_neural_bigram_are_one_hot_times_table():
    rng = np.random.default_rng(0)
    p, previous = NeuralBigram(rng.normal(size=(5, 5))), rng.integers(0, 5, (3, 2))
    assert np.array_equal(neural_bigram_logits(p, previous), np.eye(5)[previous] @ p.W)


def feedforward_case(shape):
    (N, B, E, H), rng = shape, rng_for(*shape)
    V = int(rng.integers(2, 7))
    p = init_feedforward_lm(rng, V, N, E, H)
    return p, rng.integers(0, V, (B, N)), rng.integers(0, V, B)


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_gradients_of_the_feedforward_model(shape):
    p, contexts, targets = feedforward_case(shape)

    def loss_torch(q):
        x = q.table[tensor(contexts)].flatten(1)  # (B, N E)
        y = torch.tanh(torch.nn.functional.linear(x, q.hidden.W, q.hidden.b))
        return CE(torch.nn.functional.linear(y, q.out.W, q.out.b), tensor(targets))

    grads = feedforward_lm_loss(p, contexts, targets)[1]
    assert isinstance(grads, FeedForwardLM)
    prove(p, grads, lambda q: feedforward_lm_loss(q, contexts, targets)[0], loss_torch)


def test_the_feedforward_model_knows_which_place_a_token_stands_at():
    p, contexts, _ = feedforward_case((3, 4, 3, 5))
    logits = feedforward_lm_logits(p, contexts)
    assert logits.shape == (4, len(p.table))
    assert np.abs(feedforward_lm_logits(p, contexts[:, ::-1].copy()) - logits).max() > 1e-3


def test_windows():
    contexts, targets = windows(np.arange(6), 2)
    assert contexts.tolist() == [[0, 1], [1, 2], [2, 3], [3, 4]] and targets.tolist() == [2, 3, 4, 5]


RNG = np.random.default_rng(0)
P = init_feedforward_lm(RNG, 5, 3, 2, 4)
CONTEXTS, TARGETS = np.ones((2, 3), int), np.ones(2, int)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: windows(np.arange(3), 3), ValueError, r"^windows: ids must be .* with T > N=3, got shape \(3,\)"),
        (lambda: windows(np.ones((2, 2), int), 1), ValueError, r"got shape \(2, 2\)"),
        (lambda: windows(np.ones(4), 1), ValueError, "dtype float64$"),
        (lambda: windows([1, 2], 1), ValueError, "got list$"),
        (lambda: windows(np.arange(3), 0), ValueError, "^windows: N must be an integer >= 1, got 0$"),
        (lambda: init_neural_bigram(0), ValueError, "^init_neural_bigram: V must be an integer >= 1, got 0$"),
        (lambda: init_feedforward_lm(3, 5, 3, 2, 4), TypeError, "^init_feedforward_lm: rng must be a"),
        (lambda: init_feedforward_lm(RNG, 5, 0, 2, 4), ValueError, "^init_feedforward_lm: N must be"),
        (lambda: neural_bigram_logits(NeuralBigram(np.zeros((2, 3))), TARGETS), ValueError, r"p.W must be \(V, V\)"),
        (lambda: neural_bigram_logits(init_neural_bigram(3), np.array([3])), ValueError, "ids must be in 0..2"),
        (lambda: feedforward_lm_logits(P, CONTEXTS[:, :2]), ValueError,
         r"contexts must be \(B, N\) with N=3 \(from hidden.W and table\), got shape \(2, 2\)$"),
        (lambda: feedforward_lm_loss(P, CONTEXTS, TARGETS[:1]), ValueError, r"targets must be \(B,\) with B=2"),
        (lambda: feedforward_lm_loss(P, CONTEXTS, TARGETS + 4), ValueError, "targets must be in 0..4"),
        (lambda: feedforward_lm_loss(P, CONTEXTS.astype(float), TARGETS), TypeError, "contexts must be an array"),
        (lambda: feedforward_lm_loss(P._replace(out=P.out._replace(b=np.zeros(4))), CONTEXTS, TARGETS), ValueError,
         r"p.out.b must be \(V,\) with V=5"),
        (lambda: feedforward_lm_loss(P.out, CONTEXTS, TARGETS), TypeError, "p must be a FeedForwardLM, got Dense"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()

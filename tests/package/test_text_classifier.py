"""The text classifier against central differences and torch, its poolings under padding; the course's own reviews."""

from itertools import product

import numpy as np
import pytest
import torch

from course_pkg.bidirectional import bidirectional
from course_pkg.cells import CELLS
from course_pkg.data.reviews import BAD, DISLIKE, FACTS, GOOD, KINDS, LIKE, facts, review_sentences
from course_pkg.text_classifier import (
    TextClassifier,
    classifier_logits,
    classifier_loss,
    init_text_classifier,
    text_states,
)
from tests.package.helpers import SHAPES, length_mask, prove, rng_for, shape_id, tensor, torch_rnn

POOLS = ("last", "mean", "max")


def example(shape, name, masked):
    (T, B, E, H), rng = shape, rng_for(*shape)
    cell = CELLS[name] if name else None
    V = int(rng.integers(2, 7))
    p = init_text_classifier(rng, cell, V, E, H)
    mask = length_mask(rng.integers(1, T + 1, B), T) if masked else None
    return cell, p, rng.integers(0, V, (T, B)), rng.integers(0, 2, B).astype(float), mask


def pooled_in_torch(hs, mask, pool):
    """hs: (T, B, H), lengths from the mask."""
    T, B = hs.shape[:2]
    lengths = np.full(B, T) if mask is None else mask.sum(axis=0)
    rows = []
    for b in range(B):
        real = hs[: int(lengths[b]), b]
        rows.append({"last": real[-1], "mean": real.mean(0), "max": real.max(0).values}[pool])
    return torch.stack(rows)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_gradients_of_a_vanilla_rnn_for_every_pool(shape, masked):
    for pool in POOLS:
        cell, p, ids, targets, mask = example(shape, "rnn", masked)

        def loss_torch(q, ids=ids, targets=targets, mask=mask, pool=pool):
            x = q.table[tensor(ids)]
            h0 = torch.zeros(x.shape[1], len(q.cell.b_h), dtype=torch.float64)
            logits = torch.nn.functional.linear(
                pooled_in_torch(torch_rnn(q.cell, x, h0, mask)[1:], mask, pool), q.out.W, q.out.b
            )
            return torch.nn.functional.binary_cross_entropy_with_logits(logits[:, 0], tensor(targets))

        grads = classifier_loss(cell, p, ids, targets, mask, pool)[1]
        assert isinstance(grads, TextClassifier)
        prove(p, grads, lambda q: classifier_loss(cell, q, ids, targets, mask, pool)[0], loss_torch, False)  # noqa: B023


@pytest.mark.parametrize(("name", "pool"), [*product(["lstm", "gru"], POOLS), ("", "mean"), ("", "max")])
def test_gradients_of_the_other_cells_and_of_none(name, pool):
    for shape in SHAPES[:10]:
        cell, p, ids, targets, mask = example(shape, name, True)
        grads = classifier_loss(cell, p, ids, targets, mask, pool)[1]
        prove(p, grads, lambda q: classifier_loss(cell, q, ids, targets, mask, pool)[0], complex_too=False)  # noqa: B023


@pytest.mark.parametrize("name", ["gru", ""])
def test_gradients_hold_with_dropout(name):
    cell, p, ids, targets, mask = example((5, 3, 4, 3), name, True)
    options = {"mask": mask, "pool": "mean", "dropout": 0.4}
    grads = classifier_loss(cell, p, ids, targets, **options, rng=np.random.default_rng(3))[1]
    def loss(q):
        return classifier_loss(cell, q, ids, targets, **options, rng=np.random.default_rng(3))[0]

    prove(p, grads, loss, complex_too=False)
    assert classifier_loss(cell, p, ids, targets, **options)[0] == classifier_loss(
        cell, p, ids, targets, mask=mask, pool="mean"
    )[0], "without an rng nothing drops"


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_a_text_is_judged_alike_alone_and_padded(name, pool):
    cell, p, ids, _, mask = example((6, 3, 4, 5), name, True)
    together = classifier_logits(cell, p, ids, mask, pool)
    for b in range(3):
        alone = classifier_logits(cell, p, ids[: mask[:, b].sum(), b : b + 1], None, pool)
        assert np.abs(together[b] - alone[0]) < 1e-14


def test_without_a_cell_the_order_of_the_words_does_not_count_and_with_one_it_does():
    for name, same in (("", True), ("gru", False)):
        cell, p, ids, _, _ = example((6, 3, 4, 5), name, False)
        for pool in ("mean", "max"):
            ahead, back = (classifier_logits(cell, p, order, None, pool) for order in (ids, ids[::-1]))
            assert (np.abs(ahead - back).max() < 1e-14) == same


def test_states_are_those_of_the_cell_after_a_start_of_zeros():
    cell, p, ids, _, _ = example((4, 2, 3, 5), "gru", False)
    hs = text_states(cell, p, ids)
    assert hs.shape == (5, 2, 5) and not hs[0].any() and hs[1:].any()


RNG = np.random.default_rng(0)
GRU = CELLS["gru"]
P = init_text_classifier(RNG, GRU, 5, 3, 4)
BAG = init_text_classifier(RNG, None, 5, 3, 4)
IDS, TARGETS, NONE = np.ones((3, 2), int), np.ones(2), np.zeros((3, 2), bool)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: init_text_classifier(3, GRU, 5, 3, 4), TypeError, "^init_text_classifier: rng must be a numpy Gen"),
        (lambda: init_text_classifier(RNG, GRU, 5, 0, 4), ValueError, "^init_text_classifier: E must be an integer"),
        (lambda: init_text_classifier(RNG, "gru", 5, 3, 4), ValueError, "cell must be a Cell .* or None, got str$"),
        (lambda: init_text_classifier(RNG, bidirectional(GRU), 5, 3, 4), ValueError, "got one of two directions$"),
        (lambda: classifier_logits(GRU, P, IDS, None, "median"), ValueError, "pool must be one of 'last', 'mean'"),
        (lambda: classifier_logits(None, BAG, IDS, None, "last"), ValueError, "pool must be 'mean' or 'max' with"),
        (lambda: classifier_loss(None, BAG, IDS, TARGETS), ValueError, "must be one of 'mean', 'max', got 'last'$"),
        (lambda: classifier_loss(GRU, P, IDS + 4, TARGETS), ValueError, "ids must be in 0..4"),
        (lambda: classifier_loss(GRU, P, IDS, np.ones(2, int)), TypeError, "targets must be an array of floats"),
        (lambda: classifier_loss(GRU, P, IDS, TARGETS[:1]), ValueError, r"targets must be \(B,\) with B=2"),
        (lambda: classifier_loss(GRU, P, IDS, TARGETS * 2), ValueError, r"targets must be in \[0, 1\]"),
        (lambda: classifier_loss(GRU, P, IDS, TARGETS, NONE, "mean"), ValueError, "must keep at least one step"),
        (lambda: classifier_loss(GRU, P._replace(out=P.cell), IDS, TARGETS), TypeError, "p.out must be a DenseParams"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_reviews_are_what_their_labels_say():
    """The label follows from the words: the tone of the strong clause, turned by its "not"."""
    reviews = review_sentences(np.random.default_rng(0), 500)
    assert len({r.words for r in reviews}) == 500 and {r.kind for r in reviews} == set(KINDS)
    assert 0.4 < np.mean([r.positive for r in reviews]) < 0.6
    for review in reviews:
        opinions = [p for p in " ".join(review.words).removesuffix(" .").split(" . ") if p not in FACTS]
        assert len(opinions) == 1
        clauses = opinions[0].split(" , ")
        strong = clauses[-1]
        assert (review.kind == "but") == strong.startswith("but")
        assert (review.kind == "although") == opinions[0].startswith("although")
        words = strong.split()
        tone = sum(w in (*GOOD, *LIKE) for w in words) - sum(w in (*BAD, *DISLIKE) for w in words)
        turned = "not" in words
        assert abs(tone) == 1 and review.positive == ((tone == 1) != turned)
        if len(clauses) == 2:  # what the other clause says is the opposite
            weak = clauses[0].split()
            other = sum(w in (*GOOD, *LIKE) for w in weak) - sum(w in (*BAD, *DISLIKE) for w in weak)
            assert ((other == 1) != ("not" in weak)) != review.positive


def test_facts_say_nothing_of_the_opinion():
    words = facts(np.random.default_rng(0), 20)
    assert words.count(".") == 20 and not set(words) & {*GOOD, *BAD, *LIKE, *DISLIKE, "not", "but", "although"}
    assert facts(np.random.default_rng(0), 0) == ()

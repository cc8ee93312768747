"""Skip-gram, CBOW and GloVe: gradients against three oracles, training, and the pairs and counts they are fed."""

from typing import NamedTuple

import numpy as np
import pytest
import torch

from course_pkg.checks.parity import check_autograd
from course_pkg.data.small_world import (
    AGE_PAIRS,
    BY_SEX,
    CAPITAL_PAIRS,
    COUNTRIES,
    NEUTRAL,
    PEOPLE,
    RANK_PAIRS,
    SEX_PAIRS,
    analogy_questions,
    world_sentences,
)
from course_pkg.data.vocabulary import Vocabulary
from course_pkg.glove import GloVeParams, glove_loss, glove_weight, init_glove, train_glove
from course_pkg.vector_arithmetic import analogy_accuracy
from course_pkg.word_pairs import (
    cbow_windows,
    count_neighbours,
    draw_words,
    join_sentences,
    keep_probability,
    noise_distribution,
    skip_gram_pairs,
    subsample,
)
from course_pkg.word_vectors import (
    RowAdagrad,
    WordTables,
    cbow_loss,
    init_word_tables,
    negative_sampling,
    skip_gram_loss,
    softplus,
    sum_rows,
    train_word_vectors,
)

from .helpers import prove, rng_for, shape_id

SIZES = [(1, 1, 1, 1), (1, 4, 3, 2), (6, 1, 2, 3), (5, 3, 1, 4), (4, 4, 4, 4), (7, 2, 5, 1)]
SIZES += [tuple(int(n) for n in s) for s in np.random.default_rng(5).integers(1, [8, 6, 6, 6], size=(18, 4))]  # V E B K
log_sigmoid = torch.nn.functional.logsigmoid


class Rows(NamedTuple):
    given: np.ndarray
    true: np.ndarray
    drawn: np.ndarray


def tables(rng, V, E):
    return WordTables(rng.normal(size=(V, E)), rng.normal(size=(V, E)))


@pytest.mark.parametrize("size", SIZES, ids=shape_id)
def test_negative_sampling_by_three_oracles(size):
    _, E, B, K = size
    rng = rng_for(1, *size)
    rows = Rows(rng.normal(size=(B, E)), rng.normal(size=(B, E)), rng.normal(size=(B, K, E)))
    _, *grads = negative_sampling(*rows)

    def in_torch(r):
        told_apart = log_sigmoid(-(r.drawn @ r.given[:, :, None])[..., 0]).sum()
        return -(log_sigmoid((r.given * r.true).sum(-1)).sum() + told_apart) / B

    prove(rows, Rows(*grads), lambda r: negative_sampling(*r)[0], in_torch)


@pytest.mark.parametrize("size", SIZES, ids=shape_id)
def test_skip_gram_by_three_oracles(size):
    V, E, B, K = size
    rng = rng_for(2, *size)
    p, centres, contexts = tables(rng, V, E), rng.integers(0, V, B), rng.integers(0, V, B)
    drawn = rng.integers(0, V, (B, K))
    _, grads = skip_gram_loss(p, centres, contexts, drawn)

    def in_torch(q):
        v = q.inputs[centres]
        loss = -log_sigmoid((v * q.outputs[contexts]).sum(-1))
        return (loss - log_sigmoid(-torch.einsum("be,bke->bk", v, q.outputs[drawn])).sum(-1)).mean()

    prove(p, grads, lambda q: skip_gram_loss(q, centres, contexts, drawn)[0], in_torch)


@pytest.mark.parametrize("size", SIZES, ids=shape_id)
def test_cbow_by_three_oracles(size):
    V, E, B, K = size
    rng = rng_for(3, *size)
    C = int(rng.integers(1, 5))
    p, around, middles = tables(rng, V, E), rng.integers(0, V, (B, C)), rng.integers(0, V, B)
    mask, drawn = rng.random((B, C)) < 0.6, rng.integers(0, V, (B, K))
    mask[:, 0] |= ~mask.any(axis=1)
    _, grads = cbow_loss(p, around, mask, middles, drawn)

    def in_torch(q):
        v = torch.stack([q.inputs[words[real]].mean(0) for words, real in zip(around, mask, strict=True)])
        loss = -log_sigmoid((v * q.outputs[middles]).sum(-1))
        return (loss - log_sigmoid(-torch.einsum("be,bke->bk", v, q.outputs[drawn])).sum(-1)).mean()

    prove(p, grads, lambda q: cbow_loss(q, around, mask, middles, drawn)[0], in_torch)


@pytest.mark.parametrize("size", SIZES, ids=shape_id)
def test_glove_by_three_oracles(size):
    V, E, N, _ = size
    rng = rng_for(4, *size)
    p = GloVeParams(rng.normal(size=(V, E)), rng.normal(size=(V, E)), rng.normal(size=V), rng.normal(size=V))
    rows, cols, counts = rng.integers(0, V, N), rng.integers(0, V, N), rng.uniform(0.1, 20, N)
    _, grads = glove_loss(p, rows, cols, counts, 10.0)

    def in_torch(q):
        score = (q.W[rows] * q.W_near[cols]).sum(-1) + q.b[rows] + q.b_near[cols]
        x = torch.tensor(counts)
        return (torch.clamp(x / 10, max=1) ** 0.75 * (score - torch.log(x)) ** 2).mean()

    prove(p, grads, lambda q: glove_loss(q, rows, cols, counts, 10.0)[0], in_torch)


def test_losses_do_not_overflow():
    rows = np.full((1, 1), 1e3), np.full((1, 1), -1e3), np.full((1, 2, 1), 1e3)
    loss, *grads = negative_sampling(*rows)
    assert loss == pytest.approx(3e6) and all(np.isfinite(g).all() for g in grads)
    assert softplus(np.array([-800.0, 0.0, 800.0])) == pytest.approx([0, np.log(2), 800])


def test_before_training_the_loss_is_known():
    """The outputs begin at zero: each of the 1 + K choices is a coin toss."""
    p = init_word_tables(np.random.default_rng(0), 7, 4)
    ids = np.arange(5)
    assert skip_gram_loss(p, ids, ids, np.ones((5, 3), int))[0] == pytest.approx(4 * np.log(2), abs=1e-12)


@pytest.mark.parametrize("size", SIZES[:12], ids=shape_id)
def test_rows_are_summed_as_a_dense_gradient_is(size):
    V, E, B, K = size
    rng = rng_for(6, *size)
    rows, drows = rng.integers(0, V, B * K), rng.normal(size=(B * K, E))
    dense = np.zeros((V, E))
    np.add.at(dense, rows, drows)
    distinct, sums = sum_rows(rows, drows)
    assert np.array_equal(distinct, np.unique(rows))
    assert np.allclose(sums, dense[distinct], rtol=0, atol=1e-12)


def test_row_adagrad_equals_adagrad_of_torch_where_rows_have_one_entry():
    """With E = 1 a row's mean square is the entry's square, and the optimizer is plain AdaGrad."""
    rng = np.random.default_rng(0)
    table, squares, target = rng.normal(size=(5, 1)), np.zeros(5), rng.normal(size=(5, 1))
    weight = torch.tensor(table.copy(), requires_grad=True)
    oracle = torch.optim.Adagrad([weight], lr=0.3, eps=1e-12)
    for _ in range(6):
        oracle.zero_grad()
        ((weight - torch.tensor(target)) ** 2).sum().backward()
        oracle.step()
        RowAdagrad(0.3, eps=1e-24).update(table, squares, np.arange(5), 2 * (table - target))
    assert np.abs(weight.detach().numpy() - table).max() < 1e-12


def test_row_adagrad_leaves_other_rows_alone_and_takes_one_step_size_a_row():
    table, squares = np.ones((4, 3)), np.zeros(4)
    RowAdagrad(0.1).update(table, squares, np.array([2, 0, 2]), np.array([[1.0, 0, 0], [4, 4, 4], [2, 0, 0]]))
    assert np.array_equal(table[[1, 3]], np.ones((2, 3))) and squares[1] == squares[3] == 0
    assert table[0] == pytest.approx(0.9) and squares[0] == pytest.approx(16)
    assert table[2] == pytest.approx([1 - 0.1 * np.sqrt(3), 1, 1]) and squares[2] == pytest.approx(3)


@pytest.mark.parametrize("method", ["skip-gram", "cbow"])
def test_one_update_is_the_checked_gradient(method, monkeypatch):
    """With one batch and plain steps instead of AdaGrad, training moves along the gradient of the checked loss."""
    from course_pkg import word_vectors as module

    seen = {}
    rng = np.random.default_rng(3)
    start = tables(rng, 6, 3)
    monkeypatch.setattr(module, "init_word_tables", lambda *_: WordTables(*(t.copy() for t in start)))

    def plain(self, table, squares, rows, drows):
        np.subtract.at(table, rows, 0.1 * drows)

    monkeypatch.setattr(RowAdagrad, "update", plain)
    name = "skip_gram_pairs" if method == "skip-gram" else "cbow_windows"
    original, draw = getattr(module, name), module.draw_words
    monkeypatch.setattr(module, name, lambda *a: seen.setdefault("examples", original(*a)))
    monkeypatch.setattr(module, "draw_words", lambda *a: seen.setdefault("drawn", draw(*a)))
    sentences = [np.array([0, 1, 2, 3]), np.array([4, 5, 1])]
    p, losses = train_word_vectors(np.random.default_rng(0), sentences, 6, method=method, E=3, window=2, K=2,
                                   epochs=1, batch=1000)  # fmt: skip
    loss, grads = (skip_gram_loss if method == "skip-gram" else cbow_loss)(start, *seen["examples"], seen["drawn"])
    B = len(seen["drawn"])
    assert losses == pytest.approx([loss])
    for moved, began, gradient in zip(p, start, grads, strict=True):
        assert np.allclose(moved, began - 0.1 * B * gradient, rtol=0, atol=1e-12)


# ---- pairs, counts, noise ----------------------------------------------------------------------------------------


def text_of(*sentences):
    return join_sentences([np.array(s) for s in sentences], 10)


def test_pairs_stay_inside_a_sentence_and_within_reach():
    text = text_of([0, 1, 2], [3, 4], [5])
    centres, contexts = skip_gram_pairs(np.random.default_rng(0), text, 1)
    wanted = [(0, 1), (1, 0), (1, 2), (2, 1), (3, 4), (4, 3)]
    assert sorted(zip(centres.tolist(), contexts.tolist(), strict=True)) == wanted


def test_reach_is_drawn_evenly():
    """A neighbour d places away is a pair with chance (window - d + 1) / window."""
    text = text_of(list(range(10)))
    times, n = np.zeros(5), 4000
    for seed in range(n):
        centres, contexts = skip_gram_pairs(np.random.default_rng(seed), text, 4)
        times += np.bincount(np.abs(contexts - centres)[centres == 5], minlength=5)[:5]
    assert times / (2 * n) == pytest.approx([0, 1, 0.75, 0.5, 0.25], abs=0.02)


def test_cbow_windows_hold_the_same_pairs_as_skip_gram():
    text = text_of([0, 1, 2, 3], [4], [5, 6])
    around, mask, middles = cbow_windows(np.random.default_rng(1), text, 1)
    rows, cols = np.nonzero(mask)
    pairs = sorted(zip(middles[rows].tolist(), around[rows, cols].tolist(), strict=True))
    centres, contexts = skip_gram_pairs(np.random.default_rng(1), text, 1)
    assert pairs == sorted(zip(centres.tolist(), contexts.tolist(), strict=True))
    assert 4 not in middles  # it has no neighbour


def test_cbow_windows_reach_as_far_as_drawn():
    around, mask, _ = cbow_windows(np.random.default_rng(0), text_of(list(range(10))), 3)
    assert around.shape == mask.shape == (10, 6)
    assert set(mask.sum(axis=1)) <= {1, 2, 3, 4, 5, 6} and mask.sum(axis=1).max() > 2


def test_neighbours_are_counted_by_distance():
    text = text_of([0, 1, 0], [2, 0])
    rows, cols, counts = count_neighbours(text, 10, 2)
    found = {(int(a), int(b)): c for a, b, c in zip(rows, cols, counts, strict=True)}
    assert found == {(0, 0): 1.0, (0, 1): 2.0, (1, 0): 2.0, (0, 2): 1.0, (2, 0): 1.0}  # 0 . 0: 1/2, twice
    flat = count_neighbours(text, 10, 2, by_distance=False)
    assert dict(zip(zip(flat.rows.tolist(), flat.cols.tolist()), flat.counts, strict=True))[0, 0] == 2.0


def test_neighbours_agree_with_a_plain_count():
    rng = np.random.default_rng(4)
    sentences = [rng.integers(0, 8, n) for n in (1, 7, 12, 3)]
    table = np.zeros((8, 8))
    for s in sentences:
        for i in range(len(s)):
            for j in range(len(s)):
                if 0 < abs(i - j) <= 3:
                    table[s[i], s[j]] += 1 / abs(i - j)
    found = np.zeros((8, 8))
    rows, cols, counts = count_neighbours(join_sentences(sentences, 8), 8, 3)
    found[rows, cols] = counts
    assert np.allclose(found, table, rtol=0, atol=1e-12)


def test_subsampling_keeps_the_promised_share():
    ids = np.repeat([0, 1, 2], [80_000, 19_000, 1_000])
    text = subsample(np.random.default_rng(0), join_sentences([ids], 3), 3, 0.01)
    kept = np.bincount(text.ids, minlength=3) / np.bincount(ids)
    assert kept == pytest.approx(np.sqrt(0.01 / np.array([0.8, 0.19, 0.01])), abs=0.01)
    assert keep_probability(np.array([0, 10]), 1e-3) == pytest.approx([1, np.sqrt(1e-3)])
    assert len(text.ids) == len(text.sentence)


def test_noise_has_the_power_and_is_drawn_as_it_says():
    noise = noise_distribution(np.array([16.0, 1.0, 0.0, 81.0]))
    assert noise == pytest.approx(np.array([8, 1, 0, 27]) / 36)
    drawn = np.bincount(draw_words(np.random.default_rng(0), noise, (200, 300)).ravel(), minlength=4)
    assert drawn[2] == 0 and drawn / 60_000 == pytest.approx(noise, abs=0.01)


def test_glove_weight_rises_to_one():
    assert glove_weight(np.array([0.0, 10.0, 100.0, 1e6])) == pytest.approx([0, 0.1**0.75, 1, 1])


# ---- training finds what is there --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world():
    sentences = world_sentences(np.random.default_rng(0), 3000)
    words = Vocabulary(sorted({word for s in sentences for word in s}))
    return words, [words.encode(s) for s in sentences]


def test_the_world_has_what_it_says(world):
    words, ids = world
    assert set(PEOPLE) | set(NEUTRAL) | set(COUNTRIES) <= set(words.tokens)
    for a, b in (*SEX_PAIRS, *AGE_PAIRS, *RANK_PAIRS):
        assert sum(x != y for x, y in zip(PEOPLE[a], PEOPLE[b], strict=True)) == 1
    his, her = words.encode(["his", "her"])
    for noun, person in PEOPLE.items():
        told = [set(s.tolist()) for s in ids if words.encode([noun])[0] in s]
        wrong = his if person.female else her
        assert not any(wrong in s for s in told)
    for noun in NEUTRAL:
        told = [set(s.tolist()) for s in ids if words.encode([noun])[0] in s]
        assert {his, her} <= set().union(*told)
    assert len(set(sum(BY_SEX.values(), ()))) == 10


@pytest.mark.parametrize("method", ["skip-gram", "cbow"])
def test_training_finds_the_capitals(world, method):
    words, ids = world
    epochs = 6 if method == "skip-gram" else 20
    p, losses = train_word_vectors(np.random.default_rng(1), ids, len(words), method=method, E=20, epochs=epochs)
    questions = analogy_questions(CAPITAL_PAIRS, words)
    assert losses[-1] < losses[0] < 6 * np.log(2)
    assert analogy_accuracy(p.inputs, questions).right > 0.6  # by chance 1 / 86


def test_training_repeats_and_depends_on_the_seed(world):
    words, ids = world
    runs = [train_word_vectors(np.random.default_rng(s), ids[:100], len(words), E=4, epochs=1, threshold=0.01)
            for s in (1, 1, 2)]  # fmt: skip
    assert np.array_equal(runs[0].tables.inputs, runs[1].tables.inputs)
    assert not np.array_equal(runs[0].tables.inputs, runs[2].tables.inputs)


def test_glove_reaches_the_logarithm_of_counts():
    """With as many dimensions as words every matrix of logarithms can be met exactly."""
    rng = np.random.default_rng(0)
    neighbours = count_neighbours(join_sentences([rng.integers(0, 5, 400)], 5), 5, 2)
    glove = train_glove(rng, neighbours, 5, E=5, epochs=3000, batch=7, x_max=50.0, optimizer=RowAdagrad(0.2))
    p = glove.params
    score = p.W @ p.W_near.T + p.b[:, None] + p.b_near
    assert np.abs(score[neighbours.rows, neighbours.cols] - np.log(neighbours.counts)).max() < 0.02
    assert np.array_equal(glove.vectors, p.W + p.W_near)


def test_one_glove_update_is_the_checked_gradient(monkeypatch):
    from course_pkg import glove as module

    rng = np.random.default_rng(3)
    start = GloVeParams(*(rng.normal(size=v.shape) for v in init_glove(rng, 4, 3)))
    monkeypatch.setattr(module, "init_glove", lambda *_: GloVeParams(*(v.copy() for v in start)))
    monkeypatch.setattr(RowAdagrad, "update",
                        lambda self, table, squares, rows, drows: np.subtract.at(table, rows, 0.1 * drows))  # fmt: skip
    neighbours = count_neighbours(join_sentences([rng.integers(0, 4, 30)], 4), 4, 2)
    trained = train_glove(rng, neighbours, 4, E=3, epochs=1, batch=1000, x_max=5.0)
    N = len(neighbours.counts)
    loss, grads = glove_loss(start, *neighbours, x_max=5.0)
    assert trained.losses == pytest.approx([loss])
    for moved, began, gradient in zip(trained.params, start, grads, strict=True):
        assert np.allclose(moved, began - 0.1 * N * gradient, rtol=0, atol=1e-12)


def test_float32_stays_float32(world):
    words, ids = world
    for method in ("skip-gram", "cbow"):
        p, _ = train_word_vectors(np.random.default_rng(0), ids[:50], len(words), method=method, E=4, epochs=1,
                                  dtype=np.float32)  # fmt: skip
        assert p.inputs.dtype == p.outputs.dtype == np.float32
    neighbours = count_neighbours(join_sentences(ids[:50], len(words)), len(words), 2)
    glove = train_glove(np.random.default_rng(0), neighbours, len(words), E=4, epochs=1, dtype=np.float32)
    assert glove.vectors.dtype == np.float32


# ---- bad input ---------------------------------------------------------------------------------------------------

RNG, P = np.random.default_rng(0), WordTables(np.ones((4, 2)), np.ones((4, 2)))
ID, G = np.zeros(3, int), init_glove(np.random.default_rng(0), 4, 2)
ONE = [np.array([0, 1, 2])]


@pytest.mark.parametrize(
    "call, error, said",
    [
        (lambda: skip_gram_loss(P, ID, ID[:2], np.zeros((3, 1), int)), ValueError, r"contexts must be \(B,\) with B=3"),
        (lambda: skip_gram_loss(P, ID + 4, ID, np.zeros((3, 1), int)), ValueError, r"must be in 0..3"),
        (lambda: skip_gram_loss(P, ID, ID, np.zeros((3, 1))), TypeError, "drawn must be an array of integers"),
        (lambda: cbow_loss(P, ID[:, None], np.zeros((3, 1), bool), ID, ID[:, None]), ValueError, "keep a word of each"),
        (lambda: glove_loss(G, ID, ID, np.array([1.0, 0.0, 2.0])), ValueError, r"counts must be > 0 .* got 0.0"),
        (lambda: glove_weight(np.array([-1.0])), ValueError, "counts must be >= 0"),
        (lambda: glove_weight(np.array([1.0]), x_max=0.0), ValueError, "x_max and alpha must be > 0"),
        (lambda: join_sentences([], 3), ValueError, "at least one word"),
        (lambda: join_sentences([np.array([0, 3])], 3), ValueError, r"0..2 \(V=3\), got 3"),
        (lambda: join_sentences([np.array([0.5])], 3), TypeError, "integers"),
        (lambda: keep_probability(np.ones(2), 0.0), ValueError, "threshold must be > 0"),
        (lambda: noise_distribution(np.zeros(3)), ValueError, "not all 0"),
        (lambda: RowAdagrad(lr=0.0), ValueError, "lr and eps must be > 0"),
        (lambda: train_word_vectors(RNG, ONE, 3, method="bow"), ValueError, "method must be 'skip-gram' or 'cbow'"),
        (lambda: train_word_vectors(RNG, ONE, 3, epochs=0), ValueError, "epochs must be an integer >= 1"),
        (lambda: train_word_vectors(RNG, [np.array([0]), np.array([1])], 3), ValueError, "two words side by side"),
        (lambda: train_glove(RNG, count_neighbours(text_of([0, 5]), 10, 1), 4), ValueError, r"0..3 \(V=4\), got 5"),
        (lambda: train_glove(RNG, count_neighbours(text_of([0], [5]), 10, 1), 4), ValueError, "at least one pair"),
        (lambda: skip_gram_pairs(0, text_of([0, 1]), 1), TypeError, "rng must be a numpy Generator"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(call, error, said):
    with pytest.raises(error, match=said):
        call()


def test_the_oracle_in_torch_can_fail():
    """A gradient with one sign turned is not accepted."""
    grads = skip_gram_loss(P, ID, ID, np.ones((3, 2), int))[1]

    def in_torch(q):
        v, n = q.inputs[ID], q.outputs[np.ones((3, 2), int)]
        told_apart = log_sigmoid(-torch.einsum("be,bke->bk", v, n)).sum(-1)
        return (-log_sigmoid((v * q.outputs[ID]).sum(-1)) - told_apart).mean()

    assert max(check_autograd(in_torch, P, grads).values()) < 1e-12
    assert check_autograd(in_torch, P, grads._replace(inputs=-grads.inputs))["inputs"] > 1

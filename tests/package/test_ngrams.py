"""Counting models: their probabilities sum to one, and equal slow definitions written from the equations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_pkg.language_metrics import mean_nats, perplexity
from course_pkg.ngrams import (
    absolute_discounting,
    add_k,
    continuation_counts,
    count_ngrams,
    count_of,
    interpolated,
    relative_frequencies,
    token_probs,
)


@st.composite
def corpora(draw):
    """(sequences, n, V, context): the context may be longer than the model's, and may never have occurred."""
    V, n = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    token = st.integers(0, V - 1)
    texts = draw(st.lists(st.lists(token, min_size=1, max_size=25), min_size=1, max_size=3))
    return [np.array(text) for text in texts], n, V, draw(st.lists(token, max_size=n))


def grams(sequences, k):
    """All k-grams as tuples, with repetitions."""
    return [tuple(map(int, ids[i : i + k])) for ids in sequences for i in range(len(ids) - k + 1)]


def slow_discount(sequences, n, V, context, w, d, continuation=False):
    """P(w | context) by the recursive definition, from lists of n-grams."""
    context = tuple(context)[-(n - 1) :] if n > 1 else ()
    top = len(context) == n - 1

    def count(gram):
        if not continuation or top:
            return grams(sequences, len(gram)).count(gram)
        return len({g[0] for g in grams(sequences, len(gram) + 1) if g[1:] == gram})

    if context:
        lower = slow_discount_lower(sequences, n, V, context[1:], w, d, continuation)
    else:
        lower = 1 / V
    row = [count((*context, v)) for v in range(V)]
    if sum(row) == 0:
        return lower
    return max(row[w] - d, 0) / sum(row) + d * sum(c > 0 for c in row) / sum(row) * lower


def slow_discount_lower(sequences, n, V, context, w, d, continuation):
    """The same below the highest order: a count there is a continuation count, if asked for."""

    def count(gram):
        if not continuation:
            return grams(sequences, len(gram)).count(gram)
        return len({g[0] for g in grams(sequences, len(gram) + 1) if g[1:] == gram})

    lower = slow_discount_lower(sequences, n, V, context[1:], w, d, continuation) if context else 1 / V
    row = [count((*context, v)) for v in range(V)]
    if sum(row) == 0:
        return lower
    return max(row[w] - d, 0) / sum(row) + d * sum(c > 0 for c in row) / sum(row) * lower


@given(corpora(), st.floats(0.01, 3), st.floats(0, 1), st.lists(st.floats(0.01, 1), min_size=5, max_size=5))
def test_probabilities_sum_to_one(corpus, k, discount, weights):
    sequences, n, V, context = corpus
    counts, weights = count_ngrams(sequences, n, V), np.array(weights[: n + 1]) / sum(weights[: n + 1])
    models = [add_k(counts, context, k), absolute_discounting(counts, context, discount)]
    models.append(interpolated(counts, context, weights))
    if n > 1:
        models.append(absolute_discounting(continuation_counts(counts), context, discount))
    for probs in models:
        assert probs.shape == (V,) and probs.min() >= 0 and abs(probs.sum() - 1) < 1e-12


@given(corpora())
def test_counts_are_counted(corpus):
    sequences, n, V, context = corpus
    counts = count_ngrams(sequences, n, V)
    cut = tuple(context)[len(context) - min(len(context), n - 1) :]
    every = grams(sequences, len(cut) + 1)
    assert count_of(counts, context).tolist() == [every.count((*cut, w)) for w in range(V)]


@given(corpora(), st.floats(0.01, 1))
def test_discounting_is_its_recursive_definition(corpus, d):
    sequences, n, V, context = corpus
    counts = count_ngrams(sequences, n, V)
    wanted = [slow_discount(sequences, n, V, context, w, d) for w in range(V)]
    assert np.abs(absolute_discounting(counts, context, d) - wanted).max() < 1e-12
    if n > 1:
        wanted = [slow_discount(sequences, n, V, context, w, d, continuation=True) for w in range(V)]
        assert np.abs(absolute_discounting(continuation_counts(counts), context, d) - wanted).max() < 1e-12


@given(corpora(), st.floats(0.01, 2))
def test_add_k_and_interpolation_are_their_definitions(corpus, k):
    sequences, n, V, context = corpus
    counts, cut = count_ngrams(sequences, n, V), tuple(context)[len(context) - min(len(context), n - 1) :]
    every = grams(sequences, len(cut) + 1)
    row = [every.count((*cut, w)) for w in range(V)]
    assert np.abs(add_k(counts, context, k) - [(c + k) / (sum(row) + k * V) for c in row]).max() < 1e-12
    weights, terms = np.arange(1, n + 2) / np.arange(1, n + 2).sum(), [(0, np.full(V, 1 / V))]
    for size in range(len(cut) + 1):
        every = grams(sequences, size + 1)
        row = np.array([every.count((*cut[len(cut) - size :], w)) for w in range(V)])
        if row.sum():
            terms.append((size + 1, row / row.sum()))
    wanted = sum(weights[i] * p for i, p in terms) / sum(weights[i] for i, _ in terms)
    assert np.abs(interpolated(counts, context, weights) - wanted).max() < 1e-12


def test_what_francisco_follows():
    """Kneser and Ney's point: a word that is frequent, but after one word only, is no likely guess after others."""
    text = "san francisco san francisco san francisco the glass a glass my glass end".split()
    words = list(dict.fromkeys(text))
    ids = np.array([words.index(w) for w in text])
    counts, new = count_ngrams([ids], 2, len(words)), [words.index("end")]  # nothing ever came after "end"
    plain, kneser_ney = (absolute_discounting(c, new) for c in (counts, continuation_counts(counts)))
    francisco, glass = words.index("francisco"), words.index("glass")
    assert plain[francisco] == plain[glass]
    assert kneser_ney[glass] > 2 * kneser_ney[francisco]


@given(corpora())
def test_token_probs_multiply_to_the_probability_of_the_sequence(corpus):
    sequences, n, V, _ = corpus
    counts = count_ngrams(sequences, n, V)
    probs = token_probs(add_k, counts, sequences[0])
    ids = sequences[0].tolist()
    wanted = [add_k(counts, ids[:t])[ids[t]] for t in range(len(ids))]  # the model cuts the whole past itself
    assert np.array_equal(probs, wanted) and np.prod(probs) == pytest.approx(np.exp(-mean_nats(probs) * len(ids)))


def test_relative_frequencies_fit_the_text_best_and_smoothing_survives_the_new():
    ids, new = np.array([0, 1, 0, 1, 2, 0, 1]), np.array([0, 2, 2])
    counts = count_ngrams([ids], 2, 3)
    fit = [perplexity(mean_nats(token_probs(add_k, counts, ids, k))) for k in (0, 0.1, 1, 10)]
    assert fit == sorted(fit) and fit[0] == perplexity(mean_nats(token_probs(relative_frequencies, counts, ids)))
    assert perplexity(mean_nats(token_probs(relative_frequencies, counts, new))) == np.inf
    assert np.isfinite(perplexity(mean_nats(token_probs(absolute_discounting, counts, new))))


@given(corpora())
def test_relative_frequencies_are_shares_of_what_came(corpus):
    sequences, n, V, context = corpus
    counts = count_ngrams(sequences, n, V)
    row, shares = count_of(counts, context), relative_frequencies(counts, context)
    assert np.array_equal(shares, row / row.sum() if row.any() else np.zeros(V))
    if row.any():
        assert np.array_equal(shares, add_k(counts, context, 0))
        assert np.abs(shares - absolute_discounting(counts, context, 0)).max() < 1e-15


def test_no_ngram_reaches_into_the_next_sequence():
    counts = count_ngrams([np.array([0, 1]), np.array([2, 0])], 2, 3)
    assert count_of(counts, [1]).tolist() == [0, 0, 0] and count_of(counts, [2]).tolist() == [1, 0, 0]


COUNTS = count_ngrams([np.array([0, 1, 2, 0])], 3, 4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: count_ngrams(np.array([0]), 1, 1), ValueError, "^count_ngrams: sequences must be a list .*an array$"),
        (lambda: count_ngrams([], 1, 1), ValueError, "must be a list of at least one array, got none$"),
        (lambda: count_ngrams([np.array([0])], 0, 1), ValueError, "^count_ngrams: n must be an integer >= 1"),
        (lambda: count_ngrams([np.array([0])], 1, 1.5), TypeError, "^count_ngrams: V must be an integer"),
        (lambda: count_ngrams([np.array([0, 3])], 1, 3), ValueError, r"sequences\[0\] must hold tokens in 0..2"),
        (lambda: count_ngrams([np.array([-1])], 1, 3), ValueError, r"in 0..2 \(V=3\), got -1$"),
        (lambda: count_ngrams([np.array([0.0])], 1, 3), TypeError, r"sequences\[0\] must be an array of integers"),
        (lambda: count_ngrams([[0, 1]], 1, 3), TypeError, r"sequences\[0\] must be a NumPy array \(T,\), got list$"),
        (lambda: count_ngrams([np.array([], int)], 1, 3), ValueError, r"must be \(T,\) with T >= 1"),
        (lambda: add_k(COUNTS, [4]), ValueError, r"context must hold tokens in 0..3 \(V=4 from counts\), got 4$"),
        (lambda: add_k(COUNTS, [0], -1), ValueError, "^add_k: k must be at least 0, got -1$"),
        (lambda: add_k(COUNTS, [0], np.nan), ValueError, "^add_k: k must be at least 0, got nan$"),
        (lambda: add_k(COUNTS, [3], 0), ValueError, r"context must have occurred when k is 0, got \(3,\)$"),
        (lambda: absolute_discounting(COUNTS, [0], 1.5), ValueError, "must be at least 0 and at most 1, got 1.5$"),
        (lambda: interpolated(COUNTS, [0], [0.5, 0.5]), ValueError, r"weights must be 4 numbers \(n=3\)"),
        (lambda: interpolated(COUNTS, [0], [0.5, 0.5, 0.5, 0.5]), ValueError, "that sum to 1"),
        (lambda: interpolated(COUNTS, [0], [0, 0.5, 0.5, 0]), ValueError, "the first above 0"),
        (lambda: continuation_counts(count_ngrams([np.array([0])], 1, 1)), ValueError, "must have n >= 2, got n=1$"),
        (lambda: token_probs(add_k, COUNTS, np.array([0, 4])), ValueError, "^token_probs: ids must hold tokens in"),
        (lambda: token_probs(add_k, COUNTS, [0]), TypeError, "^token_probs: ids must be a NumPy array"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()

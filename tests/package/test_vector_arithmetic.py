"""Nearest words, analogies, rank correlation and the map: against plain formulas, SciPy and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr
from sklearn.decomposition import PCA

from course_pkg.vector_arithmetic import (
    EPS,
    analogy_accuracy,
    analogy_scores,
    cosine,
    nearest,
    principal_axes,
    ranks,
    similarity_correlation,
    solve_analogies,
    spearman,
    unit_rows,
)

RNG = np.random.default_rng(0)


def plain_cosine(a, b):
    return a @ b / np.sqrt((a @ a) * (b @ b))


@pytest.mark.parametrize("seed", range(10))
def test_cosine_and_nearest_by_the_plain_formula(seed):
    rng = np.random.default_rng(seed)
    V, E = rng.integers(3, 12), rng.integers(2, 6)
    vectors, query = rng.normal(size=(V, E)), rng.normal(size=E)
    wanted = np.array([plain_cosine(v, query) for v in vectors])
    assert np.allclose(cosine(vectors, np.broadcast_to(query, vectors.shape)), wanted, rtol=0, atol=1e-12)
    best, cosines = nearest(vectors, query, int(V - 1), exclude=[1])
    assert 1 not in best and np.array_equal(best, [i for i in np.argsort(-wanted, kind="stable") if i != 1])
    assert np.allclose(cosines, wanted[best], rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", ["add", "mul", "nearest to c"])
@pytest.mark.parametrize("seed", range(5))
def test_analogy_scores_by_the_plain_formulas(method, seed):
    rng = np.random.default_rng(seed)
    V, E, N = 7, 3, 5
    vectors, questions = rng.normal(size=(V, E)), rng.integers(0, V, (N, 3))
    scores = analogy_scores(vectors, questions, method)
    for n, (a, b, c) in enumerate(questions):
        for d in range(V):
            to_a, to_b, to_c = (plain_cosine(vectors[d], vectors[i]) for i in (a, b, c))
            moved_a, moved_b, moved_c = ((x + 1) / 2 for x in (to_a, to_b, to_c))
            wanted = {"add": to_b - to_a + to_c, "mul": moved_b * moved_c / (moved_a + EPS), "nearest to c": to_c}
            assert scores[n, d] == pytest.approx(wanted[method], rel=1e-12, abs=1e-12)


def test_3cosadd_is_the_cosine_to_the_sum_of_unit_vectors():
    """Levy and Goldberg 2014: argmax of the three cosines is argmax of cos(d, b - a + c), on unit vectors."""
    vectors, questions = RNG.normal(size=(30, 4)), RNG.integers(0, 30, (50, 3))
    unit = unit_rows(vectors)
    target = unit[questions[:, 1]] - unit[questions[:, 0]] + unit[questions[:, 2]]
    assert np.array_equal(solve_analogies(vectors, questions, exclude=False), (target @ unit.T).argmax(axis=1))


def test_a_perfect_parallelogram_is_solved():
    kinds = np.array([[x, y] for x in (1.0, 3.0) for y in (1.0, 2.0, 5.0)])  # two features, all combinations
    vectors = np.c_[kinds @ RNG.normal(size=(2, 8)) + 4 * RNG.normal(size=8), RNG.normal(size=(6, 0))]
    centred = vectors - vectors.mean(axis=0)
    a, b, c, d = 0, 1, 3, 4
    assert np.allclose(centred[b] - centred[a] + centred[c], centred[d])
    best, _ = nearest(centred, centred[b] - centred[a] + centred[c], 1)
    assert best[0] == d


def test_exclusion_changes_only_answers_among_the_questions_words():
    vectors, questions = RNG.normal(size=(12, 3)), RNG.integers(0, 12, (200, 3))
    free, barred = (solve_analogies(vectors, questions, exclude=e, chunk=7) for e in (False, True))
    own = (free[:, None] == questions).any(axis=1)
    assert own.any() and not own.all()
    assert np.array_equal(free[~own], barred[~own])
    assert not (barred[:, None] == questions).any()


def test_accuracy_counts_each_kind_of_answer():
    vectors = np.eye(5) + 0.01
    questions = np.array([[0, 1, 2, 1], [0, 1, 2, 4], [3, 3, 2, 2]])
    result = analogy_accuracy(vectors, questions, exclude=False)
    answers = solve_analogies(vectors, questions[:, :3], exclude=False)
    assert result == tuple(np.mean(answers == questions[:, i]) for i in (3, 0, 1, 2))
    assert result.right > 0 and result.answer_is_c > 0


@given(st.lists(st.integers(-5, 5), min_size=2, max_size=30), st.randoms(use_true_random=False))
def test_ranks_and_spearman_agree_with_scipy(values, random):
    x = np.array(values, float)
    y = np.array([random.randint(-3, 3) for _ in values], float)
    assert np.array_equal(ranks(x), rankdata(x))
    if len(set(x)) > 1 and len(set(y)) > 1:
        assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)
        assert spearman(x, x**3) == pytest.approx(1) and spearman(x, -x) == pytest.approx(-1)


def test_similarity_correlation_compares_cosines_with_scores():
    vectors, pairs = RNG.normal(size=(9, 4)), np.argwhere(np.triu(np.ones((9, 9)), 1))
    scores = RNG.normal(size=len(pairs))
    cosines = [plain_cosine(vectors[a], vectors[b]) for a, b in pairs]
    assert similarity_correlation(vectors, pairs, scores) == pytest.approx(spearmanr(cosines, scores).statistic)


def test_principal_axes_agree_with_scikit_learn():
    vectors = RNG.normal(size=(20, 6)) * np.arange(1, 7)
    places, shares = principal_axes(vectors, 3)
    theirs = PCA(3).fit(vectors)
    assert shares == pytest.approx(theirs.explained_variance_ratio_)
    assert np.abs(places) == pytest.approx(np.abs(theirs.transform(vectors)))
    assert np.allclose(principal_axes(vectors[::-1], 3)[0][::-1], places)  # the sign is fixed


@pytest.mark.parametrize(
    "call, error, said",
    [
        (lambda: unit_rows(np.array([[1.0, 0], [0, 0]])), ValueError, r"zeros at index \(1,\)"),
        (lambda: nearest(np.eye(3), np.ones(3), 3, exclude=[0]), ValueError, r"k must be at most 2 \(V=3 less 1"),
        (lambda: nearest(np.eye(3), np.ones(3), 0), ValueError, "k must be an integer >= 1"),
        (lambda: analogy_scores(np.eye(3), np.array([[0, 1, 3]])), ValueError, r"words in 0..2 \(V=3 .*got 3"),
        (lambda: analogy_scores(np.eye(3), np.array([[0, 1, 2]]), "sum"), ValueError, "method must be one of 'add'"),
        (lambda: analogy_accuracy(np.eye(3), np.array([[0, 1, 2]])), ValueError, r"\(N, 4\) with N >= 1, got shape"),
        (lambda: spearman(np.ones(3), np.arange(3.0)), ValueError, "at least two different values"),
        (lambda: principal_axes(np.ones((4, 3))), ValueError, "got equal rows"),
        (lambda: principal_axes(np.eye(3), 4), ValueError, r"k must be in 1..3"),
    ],
)
def test_bad_input_is_refused(call, error, said):
    with pytest.raises(error, match=said):
        call()

"""Initial weights: bounds, variances, orthogonality, seeds and dtypes."""

import numpy as np
import pytest

from course_pkg.initialisers import glorot_uniform, he_normal, orthogonal, scaled_to_radius, uniform_fan_in

MATRICES = {"uniform_fan_in": uniform_fan_in, "glorot_uniform": glorot_uniform, "he_normal": he_normal}


@pytest.mark.parametrize(
    ("name", "variance"),
    [("uniform_fan_in", 1 / (3 * 200)), ("glorot_uniform", 2 / (200 + 300)), ("he_normal", 2 / 200)],
)
def test_the_variance_is_that_of_the_formula(name, variance):
    W = MATRICES[name](np.random.default_rng(0), 300, 200)
    assert W.shape == (300, 200) and W.dtype == np.float64
    assert W.var() == pytest.approx(variance, rel=0.02)  # 60,000 draws: the spread is about 0.6 %
    assert abs(W.mean()) < 5 * np.sqrt(variance / W.size)


@pytest.mark.parametrize(("name", "limit"), [("uniform_fan_in", 0.1), ("glorot_uniform", np.sqrt(6 / 150))])
def test_uniform_weights_fill_their_interval_and_stay_inside(name, limit):
    W = MATRICES[name](np.random.default_rng(0), 50, 100)
    assert 0.99 * limit < np.abs(W).max() <= limit


@pytest.mark.parametrize("name", MATRICES)
def test_the_seed_decides(name):
    first, again, other = (MATRICES[name](np.random.default_rng(seed), 3, 4) for seed in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert MATRICES[name](np.random.default_rng(0), 3, 4, np.float32).dtype == np.float32


@pytest.mark.parametrize("n", [1, 2, 7, 64])
def test_orthogonal_matrices_keep_lengths(n):
    Q = orthogonal(np.random.default_rng(n), n)
    assert np.abs(Q @ Q.T - np.eye(n)).max() < 1e-13
    x = np.random.default_rng(0).normal(size=n)
    assert np.linalg.norm(Q @ x) == pytest.approx(np.linalg.norm(x), rel=1e-13)


def test_orthogonal_matrices_favour_no_direction():
    """Without the change of signs the diagonal of a QR factor would lean to one side (Mezzadri 2007)."""
    rng = np.random.default_rng(0)
    diagonals = np.array([np.diag(orthogonal(rng, 3)) for _ in range(2000)])
    assert np.abs(diagonals.mean(axis=0)).max() < 5 * np.sqrt(1 / 3 / 2000)


@pytest.mark.parametrize("radius", [0.0, 0.5, 1.0, 3.0])
def test_the_spectral_radius_is_what_was_asked_for(radius):
    W = np.random.default_rng(0).normal(size=(9, 9))
    assert np.abs(np.linalg.eigvals(scaled_to_radius(W, radius))).max() == pytest.approx(radius, rel=1e-12, abs=1e-300)

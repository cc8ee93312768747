"""Where the weights start. Every function takes a seeded Generator and returns float64 unless told otherwise."""

import numpy as np

from course_pkg.shapes import check_positive_int, check_rng


def uniform_fan_in(rng: np.random.Generator, n_out: int, n_in: int, dtype: type = np.float64) -> np.ndarray:
    """Uniform in (-1/sqrt(n_in), 1/sqrt(n_in)), shape (n_out, n_in): torch's default for nn.Linear."""
    _check("uniform_fan_in", rng, n_out, n_in)
    limit = 1 / np.sqrt(n_in)
    return rng.uniform(-limit, limit, size=(n_out, n_in)).astype(dtype)


def glorot_uniform(rng: np.random.Generator, n_out: int, n_in: int, dtype: type = np.float64) -> np.ndarray:
    """Uniform with variance 2 / (n_in + n_out), shape (n_out, n_in) (Glorot and Bengio 2010, eq. 16)."""
    _check("glorot_uniform", rng, n_out, n_in)
    limit = np.sqrt(6 / (n_in + n_out))
    return rng.uniform(-limit, limit, size=(n_out, n_in)).astype(dtype)


def he_normal(rng: np.random.Generator, n_out: int, n_in: int, dtype: type = np.float64) -> np.ndarray:
    """Normal with variance 2 / n_in, shape (n_out, n_in), for ReLU (He et al. 2015, eq. 10)."""
    _check("he_normal", rng, n_out, n_in)
    return (rng.standard_normal((n_out, n_in)) * np.sqrt(2 / n_in)).astype(dtype)


def orthogonal(rng: np.random.Generator, n: int, dtype: type = np.float64) -> np.ndarray:
    """A random rotation or reflection, shape (n, n): all singular values are 1 (Saxe et al. 2014)."""
    _check("orthogonal", rng, n, n)
    q, r = np.linalg.qr(rng.standard_normal((n, n)))
    return (q * np.sign(np.diag(r))).astype(dtype)  # the signs make the distribution uniform (Mezzadri 2007)


def scaled_to_radius(W: np.ndarray, radius: float) -> np.ndarray:
    """W (n, n) rescaled so that its spectral radius (largest |eigenvalue|) equals `radius` >= 0."""
    if W.ndim != 2 or W.shape[0] != W.shape[1]:
        raise ValueError(f"scaled_to_radius: W must be square (n, n), got shape {W.shape}")
    if not radius >= 0:
        raise ValueError(f"scaled_to_radius: radius must be >= 0, got {radius}")
    found = np.abs(np.linalg.eigvals(W)).max()
    if found == 0:
        raise ValueError("scaled_to_radius: W must have an eigenvalue that is not zero, got only zeros")
    return W * (radius / found)


def _check(function: str, rng: np.random.Generator, n_out: int, n_in: int) -> None:
    check_rng(function, rng)
    check_positive_int(function, "n_out", n_out)
    check_positive_int(function, "n_in", n_in)

"""Handwritten digits that come inside scikit-learn: 1,797 images of 8 x 8 pixels (Alpaydin and Kaynak 1998).

A real data set without a download. Read as sequences: eight rows of eight pixels, or sixty-four single pixels.
"""

from typing import NamedTuple

import numpy as np

from course_pkg.shapes import Float, checked


class DigitsSplit(NamedTuple):
    """Images are (N, 8, 8) with values in [0, 1]; labels (N,) are 0..9."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def load_digits_split(seed: int = 0, test_size: int = 360) -> DigitsSplit:
    """The digits, shuffled with `seed` and split into 1,797 - test_size images to learn from and test_size to test."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    if not 0 < test_size < len(images):
        raise ValueError(f"load_digits_split: test_size must be in 1..{len(images) - 1}, got {test_size}")
    order = np.random.default_rng(seed).permutation(len(images))
    images, labels = images[order].reshape(-1, 8, 8) / 16, labels[order]
    return DigitsSplit(images[test_size:], labels[test_size:], images[:test_size], labels[:test_size])


@checked
def as_rows(images: Float["B R C"]) -> np.ndarray:
    """images: (B, 8, 8) -> xs: (8, B, 8): step t shows row t of every image."""
    return np.ascontiguousarray(images.transpose(1, 0, 2))


@checked
def as_pixels(images: Float["B R C"]) -> np.ndarray:
    """images: (B, 8, 8) -> xs: (64, B, 1): one pixel a step, in reading order."""
    return np.ascontiguousarray(images.reshape(len(images), -1).T[:, :, None])

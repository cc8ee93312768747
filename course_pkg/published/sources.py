"""Where the batches of each row come from. Batch number n of a seed is always the same, so a run can go on anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..data.long_memory import adding_problem, copy_memory
from ..data.mnist import load_mnist
from ..data.piano_rolls import load_piano_rolls


class Batch(NamedTuple):
    """Time-major: xs (T, B, D); targets as the row's loss asks for; mask (T, B) or None, False at padding."""

    xs: np.ndarray
    targets: np.ndarray
    mask: np.ndarray | None = None


class Source(NamedTuple):
    """What a run reads."""

    batch: Callable[[int, int], Batch]  # (seed, number of the batch) -> Batch
    look: list[Batch]  # measured along the way; where there is a validation set, it is this
    test: list[Batch]  # measured at the end
    per_epoch: int = 0  # batches an epoch; 0 where every batch is made anew
    choose: bool = False  # keep the weights that were best on `look`


class DataMissing(ValueError):
    """The row's data are not where they were looked for."""


def adding(_: Path, T: int = 600, B: int = 32, items: int = 1000) -> Source:
    """The adding problem."""

    def batch(seed: int, number: int) -> Batch:
        return Batch(*adding_problem(np.random.default_rng([seed, number, 600]), T, B, np.float32))

    test = _cut(Batch(*adding_problem(np.random.default_rng([600]), T, items, np.float32)), 50)
    return Source(batch, test, test)


def copy(_: Path, T: int = 1000, B: int = 32, items: int = 320) -> Source:
    """Copy memory."""

    def batch(seed: int, number: int) -> Batch:
        return Batch(*copy_memory(np.random.default_rng([seed, number, 1000]), T, B, np.float32))

    test = _cut(Batch(*copy_memory(np.random.default_rng([1000]), T, items, np.float32)), B)
    return Source(batch, test, test)


def sequential_mnist(folder: Path, permuted: bool = False, B: int = 64) -> Source:
    """Images pixel by pixel, row after row, or in one random order that is the same for all images."""
    _need(folder / "mnist" / "train-images-idx3-ubyte.gz")
    images, labels = load_mnist(folder / "mnist", "train")
    test_images, test_labels = load_mnist(folder / "mnist", "t10k")
    order = np.random.default_rng(92).permutation(images.shape[1]) if permuted else np.arange(images.shape[1])

    def pixels(chosen: np.ndarray, of: np.ndarray) -> np.ndarray:
        values = (of[chosen][:, order].T / np.float32(255) - np.float32(0.1307)) / np.float32(0.3081)
        return np.ascontiguousarray(values[:, :, None])  # (784, B, 1)

    def batch(seed: int, number: int) -> Batch:
        chosen = _of_epoch(seed, number, len(images) // B, len(images), B)
        return Batch(pixels(chosen, images), labels[chosen].astype(np.int64))

    def tests(items: int) -> list[Batch]:
        parts = np.split(np.arange(items), range(100, items, 100))
        return [Batch(pixels(part, test_images), test_labels[part].astype(np.int64)) for part in parts]

    return Source(batch, tests(1000), tests(len(test_images)), len(images) // B)


def music(folder: Path, name: str, B: int = 8) -> Source:
    """Each moment's keys from those before it. Pieces of like length are read together; padding is at their ends."""
    _need(folder / "music" / f"{name}.mat")
    pieces = load_piano_rolls(folder / "music" / f"{name}.mat")

    def grouped(part: Sequence[np.ndarray]) -> list[Batch]:
        in_order = sorted((piece for piece in part if len(piece) > 1), key=len)
        return [_padded(in_order[i : i + B]) for i in range(0, len(in_order), B)]

    train = grouped(pieces["train"])

    def batch(seed: int, number: int) -> Batch:
        return train[int(_of_epoch(seed, number, len(train), len(train), 1)[0])]

    return Source(batch, grouped(pieces["valid"]), grouped(pieces["test"]), len(train), choose=True)


def _padded(pieces: Sequence[np.ndarray]) -> Batch:
    """Pieces (T_i, 88) -> all but the last moment, all but the first, and which are real."""
    T = max(map(len, pieces)) - 1
    xs, targets = (np.zeros((T, len(pieces), pieces[0].shape[1]), np.float32) for _ in range(2))
    mask = np.zeros((T, len(pieces)), bool)
    for i, piece in enumerate(pieces):
        xs[: len(piece) - 1, i], targets[: len(piece) - 1, i] = piece[:-1], piece[1:]
        mask[: len(piece) - 1, i] = True
    return Batch(xs, targets, mask)


def _of_epoch(seed: int, number: int, per_epoch: int, items: int, B: int) -> np.ndarray:
    """Which items batch `number` holds: every epoch has an order of its own."""
    epoch, within = divmod(number, per_epoch)
    return np.random.default_rng([seed, epoch, 1]).permutation(items)[within * B : (within + 1) * B]


def _cut(batch: Batch, B: int) -> list[Batch]:
    """A batch whose targets are (N, ...) or (T, N) in batches of B sequences."""
    along = 0 if batch.targets.ndim == 2 and batch.targets.shape[1] == 1 else 1
    N = batch.xs.shape[1]
    return [Batch(batch.xs[:, i : i + B], np.take(batch.targets, range(i, min(i + B, N)), along))
            for i in range(0, N, B)]  # fmt: skip


def _need(path: Path) -> None:
    if not path.exists():
        raise DataMissing(f"{path} is not there; this row reads it. Say with --data where the data are")

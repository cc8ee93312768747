"""MNIST from the four files as they are published (LeCun et al. 1998), if you have them: nothing is downloaded."""

import gzip
from pathlib import Path

import numpy as np


def load_mnist(folder: str | Path, part: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 784) as bytes 0 ... 255, row after row, and labels (N,); part is "train" or "t10k"."""
    images = _read_idx(Path(folder) / f"{part}-images-idx3-ubyte.gz")
    labels = _read_idx(Path(folder) / f"{part}-labels-idx1-ubyte.gz")
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        raise ValueError(f"load_mnist: {part} must hold images (N, 28, 28) and labels (N,), "
                         f"got shapes {images.shape} and {labels.shape}")  # fmt: skip
    return images.reshape(len(images), -1), labels


def _read_idx(path: Path) -> np.ndarray:
    """An IDX file of bytes: 0, 0, 8, the number of axes, their sizes as four bytes each, the entries."""
    raw = gzip.decompress(path.read_bytes())
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08":
        raise ValueError(f"load_mnist: {path.name} must be an IDX file of bytes, it begins with {raw[:4]!r}")
    axes = raw[3]
    shape = tuple(int(n) for n in np.frombuffer(raw, ">i4", axes, offset=4))
    entries = np.frombuffer(raw, np.uint8, offset=4 + 4 * axes)
    if entries.size != np.prod(shape):
        raise ValueError(f"load_mnist: {path.name} must hold {np.prod(shape)} entries, got {entries.size}")
    return entries.reshape(shape)

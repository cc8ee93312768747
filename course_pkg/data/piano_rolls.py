"""Polyphonic music as piano rolls (Boulanger-Lewandowski et al. 2012), if you have the files: nothing is downloaded.

A piece is an array (T, 88) of 0 and 1: which of a piano's 88 keys sound at each of T moments.
"""

from pathlib import Path

import numpy as np

PARTS = {"train": "traindata", "valid": "validdata", "test": "testdata"}


def load_piano_rolls(path: str | Path) -> dict[str, list[np.ndarray]]:
    """A .mat file as it comes with Bai et al. (2018) -> the pieces of "train", "valid" and "test", (T, 88) each."""
    from scipy.io import loadmat

    file = loadmat(path)
    if missing := [key for key in PARTS.values() if key not in file]:
        raise ValueError(f"load_piano_rolls: {Path(path).name} must hold {missing[0]}, it does not")
    return {part: [np.asarray(piece, np.float32) for piece in file[key][0]] for part, key in PARTS.items()}

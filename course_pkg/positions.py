"""Where a vector stands in its sequence, as a vector that is added to it. Attention alone does not know.

Fixed sines and cosines of many wavelengths (Vaswani et al. 2017), or a table that is learnt with the rest.
"""

import numpy as np

from course_pkg.embedding import embedding_backward, embedding_forward
from course_pkg.shapes import check_positive_int

LONGEST_WAVE = 10000.0  # wavelengths go from 2 pi towards 2 pi times this


def sinusoidal_positions(T: int, M: int, first: int = 0) -> np.ndarray:
    """(positions)  T rows from place `first` on: (T, M), sines in even columns, cosines in odd ones."""
    check_positive_int("sinusoidal_positions", "T", T)
    check_positive_int("sinusoidal_positions", "M", M)
    angles = (first + np.arange(T))[:, None] / LONGEST_WAVE ** (np.arange(0, M, 2) / M)  # (T, ceil(M/2))
    table = np.zeros((T, M))
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles[:, : M // 2])
    return table


def embed_forward(embedding: np.ndarray, positions: np.ndarray | tuple, ids: np.ndarray, first: int = 0) -> np.ndarray:
    """ids: (T, B), the first of them at place `first` -> vectors: (T, B, M), token plus place.

    embedding: (V, M), scaled by sqrt(M), so that rows of length 1 get entries of size 1 as the sines have.
    positions: a learnt table (L, M), or () for the sinusoids.
    """
    T, M = len(ids), embedding.shape[1]
    if isinstance(positions, tuple):
        places = sinusoidal_positions(T, M, first).astype(embedding.real.dtype)
    elif first + T > len(positions):
        raise ValueError(f"embed_forward: ids must end before place {len(positions)} (L from positions), "
                         f"got {T} from place {first} on")  # fmt: skip
    else:
        places = positions[first : first + T]
    return embedding_forward(embedding, ids) * np.sqrt(M) + places[:, None]  # (T, B, M)


def embed_backward(
    embedding: np.ndarray, positions: np.ndarray | tuple, ids: np.ndarray, dxs: np.ndarray
) -> tuple[np.ndarray, np.ndarray | tuple]:
    """dxs: (T, B, M) -> dembedding: (V, M), dpositions: (L, M), or () where nothing is learnt."""
    dembedding = embedding_backward(embedding, ids, dxs * np.sqrt(embedding.shape[1]))
    if isinstance(positions, tuple):
        return dembedding, ()
    dpositions = np.zeros_like(positions)
    dpositions[: len(ids)] = dxs.sum(axis=1)  # a place is shared by all sequences of the batch
    return dembedding, dpositions

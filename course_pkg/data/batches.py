"""From sequences of different lengths to time-major batches with a mask."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from course_pkg.shapes import check_positive_int, check_rng


class PaddedBatch(NamedTuple):
    """Sequences side by side, filled up with zeros (or `value`) at the end."""

    xs: np.ndarray  # (T, B, D) or (T, B)
    mask: np.ndarray  # (T, B), True at real steps
    lengths: np.ndarray  # (B,)


def one_hot(ids: np.ndarray, V: int, dtype: type = np.float64) -> np.ndarray:
    """(one-hot)  ids: integers (...) in 0..V-1 -> (..., V), one at the place of the id, zero elsewhere."""
    check_positive_int("one_hot", "V", V)
    ids = np.asarray(ids)
    if ids.dtype.kind not in "iu":
        raise TypeError(f"one_hot: ids must be integers, got dtype {ids.dtype}")
    if ids.size and (ids.min() < 0 or ids.max() >= V):
        worst = ids.max() if ids.max() >= V else ids.min()
        raise ValueError(f"one_hot: ids must be in 0..{V - 1} (V={V}), got {worst}")
    rows = np.zeros((*ids.shape, V), dtype)
    np.put_along_axis(rows, ids[..., None], 1, axis=-1)
    return rows


def pad_sequences(sequences: Sequence[np.ndarray], value: float = 0) -> PaddedBatch:
    """B arrays (T_i, D) or (T_i,) -> xs (T, B, D) or (T, B) with T = max T_i, mask (T, B), lengths (B,)."""
    if len(sequences) == 0:
        raise ValueError("pad_sequences: sequences must hold at least one sequence, got none")
    for i, s in enumerate(sequences):
        if not isinstance(s, np.ndarray):
            raise TypeError(f"pad_sequences: sequences[{i}] must be an array (T, D) or (T,), got {type(s).__name__}")
        if s.ndim not in (1, 2) or s.shape[1:] != sequences[0].shape[1:]:
            expected = ("T_i", *sequences[0].shape[1:])
            raise ValueError(f"pad_sequences: sequences[{i}] must be ({', '.join(map(str, expected))}) "
                             f"(from sequences[0]), got shape {s.shape}")  # fmt: skip
        if len(s) == 0:
            raise ValueError(f"pad_sequences: sequences[{i}] must have at least one step, got length 0")
    lengths = np.array([len(s) for s in sequences])
    mask = np.arange(lengths.max())[:, None] < lengths  # (T, B)
    dtype = np.result_type(*(s.dtype for s in sequences), value)
    xs = np.full((*mask.shape, *sequences[0].shape[1:]), value, dtype)  # (T, B, D)
    for b, s in enumerate(sequences):
        xs[: len(s), b] = s
    return PaddedBatch(xs, mask, lengths)


def iterate_batches(
    rng: np.random.Generator,
    sequences: Sequence[np.ndarray],
    targets: Sequence[Any] | np.ndarray,
    batch_size: int,
    epochs: int = 1,
    bucket: bool = True,
) -> Iterator[tuple[PaddedBatch, Any]]:
    """Shuffled batches of (padded sequences, targets), every sequence once an epoch.

    bucket: neighbours in length share a batch, which wastes less on padding; the order of the batches stays random.
    Targets are one value a sequence, stacked to (B, ...), or one array (T_i,) a sequence, padded to (T, B) with 0.
    """
    check_rng("iterate_batches", rng)
    check_positive_int("iterate_batches", "batch_size", batch_size)
    check_positive_int("iterate_batches", "epochs", epochs)
    if len(sequences) == 0:
        raise ValueError("iterate_batches: sequences must hold at least one sequence, got none")
    if len(sequences) != len(targets):
        raise ValueError(f"iterate_batches: targets must be {len(sequences)} (from sequences), got {len(targets)}")
    lengths = np.array([len(s) for s in sequences])
    for i, target in enumerate(targets):
        if lengths[i] == 0:
            raise ValueError(f"iterate_batches: sequences[{i}] must have at least one step, got length 0")
        if np.ndim(target) == 1 and len(target) != lengths[i]:
            raise ValueError(f"iterate_batches: targets[{i}] must have {lengths[i]} steps (from sequences[{i}]), "
                             f"got {len(target)}")  # fmt: skip
    orders = _batch_orders(rng, lengths, batch_size, epochs, bucket)
    return ((pad_sequences([sequences[i] for i in o]), _stack([targets[i] for i in o])) for o in orders)


def _batch_orders(
    rng: np.random.Generator, lengths: np.ndarray, batch_size: int, epochs: int, bucket: bool
) -> Iterator[np.ndarray]:
    """The numbers of the sequences of each batch."""
    for _ in range(epochs):
        order = rng.permutation(len(lengths))
        if bucket:
            order = order[np.argsort(lengths[order], kind="stable")]
        chunks = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
        for j in rng.permutation(len(chunks)):
            yield chunks[j]


def _stack(targets: list[Any]) -> np.ndarray:
    if np.ndim(targets[0]) == 1:
        return pad_sequences([np.asarray(t) for t in targets]).xs  # (T, B)
    return np.stack(targets)

"""Parameters as trees: NamedTuples and tuples of arrays, nested as a model needs.

Gradients have the same type as the parameters, so one optimizer, one clipping and one gradient check serve
every model of the course.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Tree = Any  # an array, or a tuple / NamedTuple of trees


def tree_map(f: Callable, tree: Tree, *rest: Tree) -> Tree:
    """Apply f to every array of `tree` (and the arrays at the same place in `rest`), keeping the structure.

    Raises TypeError when a tree of `rest` has another structure or an array another shape.
    """
    return _map(f, "", tree, rest)


def leaves(tree: Tree) -> list[tuple[str, np.ndarray]]:
    """All arrays with their names, in order: [("rnn.W_xh", array), ("rnn.W_hh", array), ...]."""
    found: list[tuple[str, np.ndarray]] = []
    _walk(tree, "", found)
    return found


def zeros_like(tree: Tree) -> Tree:
    """The same structure, filled with zeros."""
    return tree_map(np.zeros_like, tree)


def add(a: Tree, b: Tree) -> Tree:
    """a + b, array by array."""
    return tree_map(np.add, a, b)


def scale(tree: Tree, factor: float) -> Tree:
    """factor * tree, array by array; each array keeps its dtype."""
    return tree_map(lambda v: v * v.dtype.type(factor), tree)


def count(tree: Tree) -> int:
    """How many numbers the tree holds: the parameter count of a model."""
    return sum(array.size for _, array in leaves(tree))


def global_norm(tree: Tree) -> float:
    """(global-norm)  The Euclidean norm of all entries taken as one long vector."""
    return float(np.sqrt(sum(float(np.sum(np.abs(array) ** 2)) for _, array in leaves(tree))))


def flatten(tree: Tree) -> np.ndarray:
    """All entries as one vector of shape (n,), in the order of `leaves`."""
    return np.concatenate([array.ravel() for _, array in leaves(tree)])


def unflatten(vector: np.ndarray, like: Tree) -> Tree:
    """The inverse of `flatten`: a tree with the structure and shapes of `like`, with the entries of `vector` (n,)."""
    if vector.shape != (count(like),):
        raise ValueError(f"unflatten: vector must be ({count(like)},) (from like), got shape {vector.shape}")
    position = 0

    def take(array: np.ndarray) -> np.ndarray:
        nonlocal position
        piece = vector[position : position + array.size].reshape(array.shape)
        position += array.size
        return piece

    return tree_map(take, like)


def _rebuild(tree: tuple, values: list) -> Tree:
    return type(tree)(*values) if hasattr(tree, "_fields") else tuple(values)


def _keys(tree: tuple) -> tuple[str, ...]:
    return tree._fields if hasattr(tree, "_fields") else tuple(str(i) for i in range(len(tree)))


def _map(f: Callable, path: str, tree: Tree, rest: tuple) -> Tree:
    if isinstance(tree, tuple):
        for other in rest:
            if type(other) is not type(tree) or len(other) != len(tree):
                found = type(other).__name__ + (f" of {len(other)}" if isinstance(other, tuple) else "")
                raise TypeError(f"tree_map: {path or 'the tree'} must be a {type(tree).__name__} of {len(tree)}, "
                                f"got {found}")  # fmt: skip
        values = [
            _map(f, f"{path}.{key}".lstrip("."), child, tuple(other[i] for other in rest))
            for i, (key, child) in enumerate(zip(_keys(tree), tree, strict=True))
        ]
        return _rebuild(tree, values)
    for other in rest:
        if not hasattr(other, "shape") or other.shape != tree.shape:
            raise TypeError(f"tree_map: {path or 'the tree'} must be an array of shape {tree.shape}, "
                            f"got {getattr(other, 'shape', type(other).__name__)}")  # fmt: skip
    return f(tree, *rest)


def _walk(tree: Tree, path: str, found: list) -> None:
    if isinstance(tree, tuple):
        for key, child in zip(_keys(tree), tree, strict=True):
            _walk(child, f"{path}.{key}".lstrip("."), found)
    elif isinstance(tree, np.ndarray):
        found.append((path or "value", tree))
    else:
        raise TypeError(f"leaves: {path or 'the tree'} must be an array or a tuple of arrays, "
                        f"got {type(tree).__name__}")  # fmt: skip

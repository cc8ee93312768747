"""Gradients from the forward pass alone: two independent ways to test a backward pass written by hand.

A backward pass is a claim about a forward pass. We test the claim with a method that never looks at the
backward: central differences (any forward, about 9 digits) or the complex step (a forward that computes
with complex numbers too, about 15 digits). Parameters may be one array or any tree of `course_pkg.tree`.

    errors = check_gradients(lambda p: loss(p), params, grads)      # {"rnn.W_xh": 3.1e-10, ...}
    assert max(errors.values()) < 1e-6
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_pkg.tree import leaves, tree_map

Loss = Callable[[Any], float]


def central_difference(f: Loss, tree: Any, eps: float = 1e-5) -> Any:
    """df/dp ~ (f(p + eps) - f(p - eps)) / (2 eps), for one entry p of `tree` after the other.

    `f` maps a tree to one real number; the result is a tree like `tree`. It costs two calls of `f` per
    entry, so use small shapes. Two errors compete: truncation, about eps^2 f'''/6, and rounding, about
    1e-16 |f| / eps. Their sum is smallest near eps = 1e-5, where 9 to 10 digits are right. Use float64: in
    float32 hardly 2 digits are left.

    Raises TypeError if a leaf is not a real floating-point array, ValueError if `f` is not a finite real
    number. Source: Nocedal and Wright, Numerical Optimization (2006), section 8.1.
    """
    if not eps > 0:
        raise ValueError(f"central_difference: eps must be greater than 0, got {eps}")
    point = _floating_copy("central_difference", tree)

    def slope(array: np.ndarray, index: tuple[int, ...]) -> float:
        kept = array[index]
        array[index] = kept + eps
        above = _scalar("central_difference", f(point))
        step_up = array[index] - kept  # what was really added: kept + eps is rounded
        array[index] = kept - eps
        below = _scalar("central_difference", f(point))
        step_down = kept - array[index]
        array[index] = kept
        return (above - below) / (step_up + step_down)

    return _every_entry(slope, point, tree)


def complex_step(f: Loss, tree: Any, eps: float = 1e-30) -> Any:
    """df/dp = Im f(p + i eps) / eps: no difference is taken, so nothing cancels and all digits are right.

    It needs a forward that is analytic (no abs, no conj; a maximum only between different numbers) and that
    keeps complex numbers complex: no cast to float, no output array of a fixed dtype. The result is a tree
    like `tree`.

    Raises TypeError if `f` returns a real number, because then the imaginary part was lost on the way.
    Source: Squire and Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review
    40 (1998).
    """
    if not eps > 0:
        raise ValueError(f"complex_step: eps must be greater than 0, got {eps}")
    point = tree_map(lambda a: a.astype(np.complex128), _floating_copy("complex_step", tree))

    def slope(array: np.ndarray, index: tuple[int, ...]) -> float:
        kept = array[index]
        array[index] = kept + 1j * eps
        value = f(point)
        array[index] = kept
        if not np.iscomplexobj(value):
            raise TypeError(
                "complex_step: f must return a complex number when its input is complex, "
                f"got {type(value).__name__}; a cast to float inside the forward loses the derivative"
            )
        return _scalar("complex_step", value).imag / eps

    return _every_entry(slope, point, tree)


def relative_error(a: Any, b: Any, floor: float = 1e-8) -> float:
    """max |a - b| / max(max |a|, max |b|, floor): one number for two arrays of the same shape.

    Why not entry by entry: a gradient has entries that are zero up to rounding, and there |a - b| / |a| is
    large although nothing is wrong. The largest entry of the array is the scale on which rounding happens.
    A sign flip or a missing term moves large entries too, so it still shows. The floor keeps 0 against
    1e-17 from counting as an error of 100 %: below 1e-8 two gradients are compared absolutely.

    Raises ValueError if the shapes differ (nothing is broadcast) or if a value is NaN or infinite.
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        raise ValueError(f"relative_error: a and b must have the same shape, got {a.shape} and {b.shape}")
    if not floor > 0:
        raise ValueError(f"relative_error: floor must be greater than 0, got {floor}")
    for name, array in (("a", a), ("b", b)):
        if not np.all(np.isfinite(array)):
            bad = int(np.sum(~np.isfinite(array)))
            raise ValueError(f"relative_error: {name} must be finite, got {bad} NaN or infinite of {array.size} values")
    if a.size == 0:
        return 0.0
    scale = max(float(np.abs(a).max()), float(np.abs(b).max()), floor)
    return float(np.abs(a - b).max()) / scale


METHODS = {"central": central_difference, "complex": complex_step}


def check_gradients(f: Loss, params: Any, grads: Any, method: str = "central") -> dict[str, float]:
    """Compare `grads`, written by hand, with the gradient of `f` at `params` found by `method`.

    `f` maps a tree like `params` to the loss; `grads` is a tree like `params`. Returns the relative error
    of each leaf by its name. In float64 expect below 1e-6 by "central" and below 1e-12 by "complex".

    Raises ValueError if the two trees differ in their leaves or shapes, or if the method is unknown.
    """
    if method not in METHODS:
        raise ValueError(f"check_gradients: method must be one of {', '.join(map(repr, METHODS))}, got {method!r}")
    compare_names("check_gradients", params, grads)
    return compare_trees(grads, METHODS[method](f, params))


def compare_trees(a: Any, b: Any) -> dict[str, float]:
    """relative_error of each pair of leaves, by name; a and b are trees with the same leaves."""
    compare_names("compare_trees", a, b)
    return {name: relative_error(x, y) for (name, x), (_, y) in zip(leaves(a), leaves(b), strict=True)}


def compare_names(caller: str, expected: Any, found: Any) -> None:
    """Raise ValueError unless the two trees have the same leaf names and shapes."""
    want = {name: np.shape(array) for name, array in leaves(expected)}
    have = {name: np.shape(array) for name, array in leaves(found)}
    if want.keys() != have.keys():
        raise ValueError(f"{caller}: the trees must have the same leaves, expected {list(want)}, got {list(have)}")
    for name, shape in want.items():
        if have[name] != shape:
            raise ValueError(f"{caller}: leaf {name!r} must have shape {shape}, got {have[name]}")


def _floating_copy(caller: str, tree: Any) -> Any:
    """A copy of the tree that we may write into, after checking that every leaf holds real floats."""
    for name, array in leaves(tree):
        dtype = np.asarray(array).dtype
        if not np.issubdtype(dtype, np.floating):
            raise TypeError(f"{caller}: leaf {name!r} must be a real floating-point array, got dtype {dtype}")
    return tree_map(lambda array: np.array(array), tree)


def _scalar(caller: str, value: Any) -> Any:
    """The loss as a Python number; a complex one stays complex."""
    value = np.asarray(value)
    if value.size != 1:
        raise ValueError(f"{caller}: f must return one number, got an array of shape {value.shape}")
    if not np.isfinite(value).all():
        raise ValueError(f"{caller}: f must return a finite number, got {value.item()}")
    return value.item()


def _every_entry(slope: Callable[[np.ndarray, tuple[int, ...]], float], point: Any, tree: Any) -> Any:
    """A tree like `tree`; each entry is slope(the leaf of `point` that it lies in, its index there)."""
    found = [
        np.array([slope(array, index) for index in np.ndindex(array.shape)]).reshape(array.shape)
        for _, array in leaves(point)
    ]
    remaining = iter(found)
    return tree_map(lambda _: next(remaining), tree)

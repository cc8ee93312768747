"""Gradients from torch's autograd, for trees of NumPy arrays: the second oracle beside `checks.gradients`.

torch is imported inside the functions, so that `course_pkg` works without it.

    def loss(p):                                    # the forward pass once more, written in torch
        return torch.tanh(xs @ p.W.T + p.b).sum()
    value, wanted = autograd(loss, params)          # a float, and a tree like params
    errors = compare_trees(grads, wanted)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_pkg.checks.gradients import compare_names, compare_trees
from course_pkg.tree import tree_map


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            "checks.parity: torch is needed to compare with autograd and is not installed (see the README)"
        ) from error
    return torch


def to_tensors(tree: Any, requires_grad: bool = True) -> Any:
    """Each array copied into a tensor of the same dtype; float tensors require gradients if asked."""
    torch = _torch()

    def tensor(array: np.ndarray) -> Any:
        copied = torch.from_numpy(np.array(array))
        return copied.requires_grad_(requires_grad and copied.is_floating_point())

    return tree_map(tensor, tree)


def autograd(f: Callable[[Any], Any], tree: Any) -> tuple[float, Any]:
    """(f(tree), gradient of f): `f` maps a tree of tensors to one number; the gradient is a tree of arrays
    like `tree`.

    A leaf that f does not use has the gradient zero.
    """
    torch = _torch()
    inputs: list[Any] = []  # the tensors in the order of the leaves

    def collected(array: np.ndarray) -> Any:
        inputs.append(to_tensors(array))
        return inputs[-1]

    loss = f(tree_map(collected, tree))
    if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
        found = tuple(loss.shape) if isinstance(loss, torch.Tensor) else type(loss).__name__
        raise ValueError(f"autograd: f must return a tensor with one number, got {found}")
    grads = torch.autograd.grad(loss.reshape(()), inputs, allow_unused=True)
    arrays = iter([np.zeros(x.shape) if dx is None else dx.numpy() for x, dx in zip(inputs, grads, strict=True)])
    return float(loss.detach()), tree_map(lambda _: next(arrays), tree)


def check_autograd(f: Callable[[Any], Any], params: Any, grads: Any) -> dict[str, float]:
    """Relative error of each leaf of `grads` against autograd on `f` (written in torch) at `params`."""
    compare_names("check_autograd", params, grads)
    return compare_trees(grads, autograd(f, params)[1])

"""What the proofs share: the shapes, the random inputs, and `prove`, which asks three independent oracles.

Biases, initial states and upstream gradients are random and never zero, so that a forgotten term shows.
"""

from typing import Any, NamedTuple

import numpy as np
import torch

from course_pkg.checks.gradients import central_difference, compare_names, complex_step, relative_error
from course_pkg.checks.parity import autograd
from course_pkg.tree import leaves

torch.set_num_threads(1)

CENTRAL, COMPLEX, AUTOGRAD = 1e-6, 1e-12, 1e-10  # relative errors that are allowed, in float64

_EDGES = [
    (1, 1, 1, 1),
    (1, 3, 2, 4),
    (5, 1, 3, 2),
    (4, 2, 3, 1),
    (3, 2, 4, 4),
    (6, 3, 1, 5),
    (2, 1, 5, 1),
    (1, 1, 3, 3),
]
_RANDOM = np.random.default_rng(2).integers(1, [7, 5, 6, 6], size=(16, 4))
SHAPES = _EDGES + [tuple(int(n) for n in shape) for shape in _RANDOM]  # (T, B, D, H)

WORST: dict[str, float] = {}  # the largest error that each oracle saw, for reports


def shape_id(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def rng_for(*key: int) -> np.random.Generator:
    """A generator that depends on the test's shape only: every run draws the same numbers."""
    return np.random.default_rng(list(key))


def random_mask(rng: np.random.Generator, T: int, B: int) -> np.ndarray:
    """(T, B): real and padded steps in any order, gaps too; a step at least is real in every sequence."""
    mask = rng.random((T, B)) < 0.6
    mask[rng.integers(0, T, B), np.arange(B)] = True
    return mask


def length_mask(lengths: Any, T: int) -> np.ndarray:
    """(T, B): True for the first lengths[b] steps of sequence b."""
    return np.arange(T)[:, None] < np.asarray(lengths)[None, :]


def assert_close(a: Any, b: Any, tolerance: float, oracle: str, floor: float = 1e-8) -> None:
    """Every leaf of the trees a and b agrees to the relative error `tolerance`."""
    compare_names("assert_close", a, b)
    pairs = zip(leaves(a), leaves(b), strict=True)
    errors = {name: relative_error(x, y, floor) for (name, x), (_, y) in pairs}
    worst = max(errors.values())
    WORST[oracle] = max(worst, WORST.get(oracle, 0.0))
    assert worst < tolerance, f"{oracle}: relative errors {errors}, allowed {tolerance}"


def prove(inputs: NamedTuple, grads: Any, loss: Any, loss_torch: Any = None, complex_too: bool = True) -> None:
    """`grads` is the gradient of `loss` at `inputs`, say central differences, the complex step and torch's
    autograd.

    loss maps a tree like `inputs` to a number; loss_torch does the same for a tree of tensors, written in
    torch.
    """
    # Rounding in a central difference grows with the loss, not with the leaf: a saturated unit's gradient may be
    # smaller than its digits. So a leaf under a thousandth of the largest gradient is compared on that scale.
    floor = 1e-3 * max(float(np.abs(array).max()) for _, array in leaves(grads))
    assert_close(grads, central_difference(loss, inputs), CENTRAL, "central", max(floor, 1e-8))
    if complex_too:
        assert_close(grads, complex_step(loss, inputs), COMPLEX, "complex")
    if loss_torch is not None:
        value, wanted = autograd(loss_torch, inputs)
        assert abs(value - loss(inputs)) <= AUTOGRAD * max(1, abs(value))
        assert_close(grads, wanted, AUTOGRAD, "autograd")


def tensor(array: Any) -> Any:
    """A tensor with the array's values; None stays None."""
    return None if array is None else torch.from_numpy(np.array(array))


def torch_rnn(p: Any, xs: Any, h0: Any, mask: Any = None, phi: Any = torch.tanh) -> Any:
    """The oracle for every RNN: hs (T+1, B, H) from tensors, by torch.nn.functional, nothing of ours in it."""
    hs = [h0]
    for t in range(len(xs)):
        a = torch.nn.functional.linear(xs[t], p.W_xh) + torch.nn.functional.linear(hs[-1], p.W_hh, p.b_h)
        hs.append(phi(a) if mask is None else torch.where(tensor(mask)[t, :, None], phi(a), hs[-1]))
    return torch.stack(hs)


def some_steps(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Upstream gradients (T, ...) that are zero at some of the steps, and never at all of them."""
    upstream = rng.normal(size=shape)
    silent = rng.random(shape[0]) < 0.4
    silent[rng.integers(shape[0])] = False
    upstream[silent] = 0
    return upstream

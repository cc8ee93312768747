"""The twin of every cell: states, gradients, first states, masks, against `run`; weights both ways."""

import numpy as np
import pytest

from course_pkg.cells import CELLS, run, run_backward
from course_pkg.torch_twins import cells as twins
from course_pkg.torch_twins import read_grads, read_params
from course_pkg.tree import leaves, tree_map
from tests.package.helpers import AUTOGRAD, SHAPES, assert_close, random_mask, rng_for, shape_id, tensor, torch


def draw(name, shape):
    """Parameters with biases, the twin with the same, inputs, a first state, a mask in every second shape."""
    (T, B, D, H), rng = shape, rng_for(*shape)
    p = tree_map(lambda a: rng.normal(0, 0.5, a.shape), CELLS[name].init(rng, D, H))
    twin = twins.make_cell(name, D, H, torch.float64)
    state = tree_map(lambda a: rng.normal(0, 0.7, a.shape), CELLS[name].initial_state(p, B))
    twin.load_state_dict({key: tensor(w) for key, w in leaves(p)})
    return p, twin, rng.normal(size=(T, B, D)), state, random_mask(rng, T, B) if sum(shape) % 2 else None, rng


def as_tuple(states):
    return tuple(states) if isinstance(states, tuple) else (states,)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_states_and_gradients(name, shape):
    p, twin, xs, state, mask, rng = draw(name, shape)
    x, first = tensor(xs).requires_grad_(), tuple(tensor(a).requires_grad_() for a in as_tuple(state))
    found = as_tuple(twin(x, first if len(first) == 2 else first[0], tensor(mask)))
    result = run(CELLS[name], p, xs, state, mask)
    assert_close(found[0][1:].detach().numpy(), result.outputs, 1e-12, "twins")
    for theirs, ours, start in zip(found, as_tuple(result.last), as_tuple(state), strict=True):
        assert_close(theirs[-1].detach().numpy(), ours, 1e-12, "twins")
        assert np.array_equal(theirs[0].detach().numpy(), start)
    up, dlast = rng.normal(size=result.outputs.shape), tree_map(lambda a: rng.normal(size=a.shape), state)
    total = (found[0][1:] * tensor(up)).sum()
    for theirs, d in zip(found, as_tuple(dlast), strict=True):
        total = total + (theirs[-1] * tensor(d)).sum()
    total.backward()
    dp, dxs, dstate = run_backward(CELLS[name], p, xs, result, up, dlast, mask)
    assert_close(read_grads(twin, p), dp, AUTOGRAD, "twins")
    assert_close(x.grad.numpy(), dxs, AUTOGRAD, "twins")
    assert_close(tuple(a.grad.numpy() for a in first), as_tuple(dstate), AUTOGRAD, "twins")


@pytest.mark.parametrize("name", CELLS)
def test_without_a_first_state_it_is_zero_and_the_loader_keeps_every_bit(name):
    p, twin, xs, *_ = draw(name, SHAPES[-1])
    assert_close(as_tuple(twin(tensor(xs)))[0][1:].detach().numpy(), run(CELLS[name], p, xs).outputs, 1e-12, "twins")
    for dtype in (np.float32, np.float64):
        q = tree_map(lambda w, dtype=dtype: w.astype(dtype), p)
        made = twins.CELLS[name].make
        kind = getattr(made, "func", made)  # the class, also where an option of it is fixed
        pairs = zip(leaves(read_params(kind.from_params(q), q)), leaves(q), strict=True)
        assert all(a.dtype == dtype and np.array_equal(a, b) for (_, a), (_, b) in pairs)


@pytest.mark.parametrize("name", CELLS)
def test_bad_sequences_are_refused(name):
    twin, xs = twins.make_cell(name, 3, 4), torch.zeros(5, 2, 3)
    kind = type(twin).__name__
    with pytest.raises(ValueError, match=rf"^{kind}.forward: xs must be \(T, B, D\) with D=3 \(from W_x.*\), got"):
        twin(torch.zeros(5, 2, 4))
    with pytest.raises(ValueError, match=rf"^{kind}.forward: mask must be \(5, 2\) \(from xs\), got shape \(2, 5\)$"):
        twin(xs, None, torch.ones(2, 5, dtype=torch.bool))
    with pytest.raises(TypeError, match=rf"^{kind}.forward: mask must be torch.bool, got torch.float32$"):
        twin(xs, None, torch.ones(5, 2))

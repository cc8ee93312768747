"""Parameter trees: names, order, structure, and the vector they flatten to."""

from typing import NamedTuple

import numpy as np
import pytest

from course_pkg.tree import add, count, flatten, global_norm, leaves, scale, tree_map, unflatten, zeros_like


class Inner(NamedTuple):
    W: np.ndarray
    b: np.ndarray


class Outer(NamedTuple):
    rnn: Inner
    layers: tuple


@pytest.fixture
def tree():
    rng = np.random.default_rng(0)
    return Outer(
        Inner(rng.normal(size=(2, 3)), rng.normal(size=2)),
        (Inner(rng.normal(size=(1, 2)), rng.normal(size=1)),),
    )


def test_leaves_are_named_by_their_path_and_come_in_order(tree):
    assert [name for name, _ in leaves(tree)] == ["rnn.W", "rnn.b", "layers.0.W", "layers.0.b"]
    assert leaves(tree)[2][1] is tree.layers[0].W
    assert leaves(tree.rnn.b)[0][1] is tree.rnn.b


def test_flatten_and_unflatten_are_inverse(tree):
    vector = flatten(tree)
    assert vector.shape == (count(tree),) == (6 + 2 + 2 + 1,)
    again = unflatten(vector, tree)
    assert type(again) is Outer and type(again.rnn) is Inner and type(again.layers) is tuple
    for (_, a), (_, b) in zip(leaves(tree), leaves(again), strict=True):
        assert np.array_equal(a, b)
    assert np.array_equal(flatten(unflatten(np.arange(11.0), tree)), np.arange(11.0))


def test_global_norm_is_the_norm_of_the_flat_vector(tree):
    assert global_norm(tree) == pytest.approx(np.linalg.norm(flatten(tree)), rel=1e-15)
    assert isinstance(global_norm(tree), float)


def test_add_scale_and_zeros_work_entry_by_entry(tree):
    assert np.array_equal(flatten(add(tree, tree)), flatten(tree) + flatten(tree))
    assert np.array_equal(flatten(scale(tree, -0.5)), -0.5 * flatten(tree))
    assert np.array_equal(flatten(zeros_like(tree)), np.zeros(11))
    assert scale(np.ones(2, np.float32), 0.1).dtype == np.float32


def test_tree_map_leaves_its_arguments_alone(tree):
    before = flatten(tree).copy()
    doubled = tree_map(lambda a, b: a + b, tree, tree)
    doubled.rnn.W[:] = 0
    assert np.array_equal(flatten(tree), before)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: add(t, t.rnn), TypeError, "the tree must be a Outer of 2, got Inner of 2"),
        (lambda t: add(t, t._replace(layers=t.rnn)), TypeError, "layers must be a tuple of 1, got Inner of 2"),
        (
            lambda t: add(t, t._replace(layers=t.layers * 2)),
            TypeError,
            "layers must be a tuple of 1, got tuple of 2",
        ),
        (
            lambda t: add(t, t._replace(rnn=Inner(t.rnn.W.T, t.rnn.b))),
            TypeError,
            r"rnn.W must be an array of shape \(2, 3\), got \(3, 2\)",
        ),
        (
            lambda t: add(t, t._replace(rnn=Inner(1.0, t.rnn.b))),
            TypeError,
            r"rnn.W must be an array .* got float",
        ),
        (
            lambda t: leaves(Inner([1.0], t.rnn.b)),
            TypeError,
            "leaves: W must be an array or a tuple .* got list",
        ),
        (
            lambda t: leaves({"W": t.rnn.W}),
            TypeError,
            "leaves: the tree must be an array or a tuple .* got dict",
        ),
        (
            lambda t: unflatten(np.ones(10), t),
            ValueError,
            r"unflatten: vector must be \(11,\).* got shape \(10,\)",
        ),
    ],
)
def test_trees_that_do_not_fit_are_refused(tree, call, error, message):
    with pytest.raises(error, match=message):
        call(tree)

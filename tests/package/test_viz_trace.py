"""Recorded graphs: they hold what the code did, and the reverse pass over them agrees with our gradients."""

import numpy as np
import pytest

from course_pkg.dense import DenseParams, init_mlp, mlp_backward, mlp_forward
from course_pkg.jordan import OUTPUTS, init_jordan, jordan_backward, jordan_forward
from course_pkg.losses import binary_cross_entropy_with_logits, mean_squared_error, softmax_cross_entropy
from course_pkg.rnn import init_rnn, rnn_backward, rnn_forward, rnn_step, rnn_step_backward
from course_pkg.rnn_fast import rnn_forward_fast
from course_pkg.tree import leaves
from course_pkg.viz.recorder import Traced
from course_pkg.viz.reverse import DERIVATIVES
from course_pkg.viz.trace import trace
from tests.package.helpers import SHAPES, assert_close, random_mask, rng_for, shape_id

SOME = SHAPES[:12]


def small_step(**changes):
    rng = rng_for(1)
    p = init_rnn(rng, 3, 4)._replace(**changes)
    return p, rng.normal(size=(2, 3)), rng.normal(size=(2, 4))


def test_the_graph_of_a_step_is_what_its_code_does():
    p, x, h_prev = small_step()
    run = trace(rnn_step, p, x, h_prev)
    assert [op.op for op in run.operations] == [
        "transpose",
        "matmul",
        "transpose",
        "matmul",
        "add",
        "add",
        "tanh",
    ]
    assert {op.name for op in run.parameters} == {"W_xh", "W_hh", "b_h"}
    assert {op.name for op in run.inputs} == {"W_xh", "W_hh", "b_h", "x", "h_prev"}
    assert [op.shape for op in run.outputs] == [(2, 4)]
    np.testing.assert_array_equal(run.result, rnn_step(p, x, h_prev))
    assert type(run.result) is np.ndarray


def test_other_code_gives_another_graph():
    p, x, h_prev = small_step()

    def without_bias(p, x, h_prev):
        return np.tanh(x @ p.W_xh.T + h_prev @ p.W_hh.T)

    assert [op.op for op in trace(without_bias, p, x, h_prev).operations].count("add") == 1
    assert trace(rnn_step, p, x, h_prev, "relu").operations[-1].op == "maximum"
    assert trace(rnn_step, p, x, h_prev, "identity").operations[-1].op == "add"


def test_a_listing_names_every_operation():
    p, x, h_prev = small_step()
    lines = str(trace(rnn_step, p, x, h_prev, outputs=["h"])).splitlines()
    assert lines[1] == "v2   = matmul(x, v1)  (2, 4)"
    assert lines[-1] == "h    = tanh(v6)  (2, 4)"


def test_nothing_that_the_output_does_not_need_is_kept():
    p, x, h_prev = small_step()

    def wasteful(p, x, h_prev):
        np.exp(h_prev)
        return rnn_step(p, x, h_prev), np.log(x**2)

    run = trace(wasteful, p, x, h_prev)
    assert "exp" not in [op.op for op in run.operations]
    assert "log" in [op.op for op in run.operations]
    assert "log" not in [op.op for op in run.only(0).operations]


@pytest.mark.parametrize("T", [1, 2, 5])
def test_the_unrolled_graph_has_a_copy_for_each_step_and_one_set_of_weights(T):
    rng = rng_for(T)
    run = trace(rnn_forward, init_rnn(rng, 3, 4), rng.normal(size=(T, 2, 3)))
    calls = run.calls("rnn_step")
    assert len(calls) == T
    assert [len(ops) for ops in calls] == [7] * T
    assert len(run.parameters) == 3
    for weight in run.parameters:
        assert len(run.consumers(weight)) == T  # the one array is used at every step


@pytest.mark.parametrize("shape", SOME, ids=shape_id)
@pytest.mark.parametrize("masked", [False, True])
def test_the_reverse_pass_equals_backpropagation_through_time(shape, masked):
    T, B, D, H = shape
    rng = rng_for(*shape)
    p = init_rnn(rng, D, H)._replace(b_h=rng.normal(size=H))
    xs, h0, dhs = rng.normal(size=(T, B, D)), rng.normal(size=(B, H)), rng.normal(size=(T, B, H))
    mask = random_mask(rng, T, B) if masked else None
    run = trace(rnn_forward, p, xs, h0, mask)
    found = run.gradients(seed=np.concatenate([np.zeros((1, B, H)), dhs]))
    dp, dxs, dh0 = rnn_backward(p, xs, rnn_forward(p, xs, h0, mask), dhs, mask)
    for name, ours in [*leaves(dp), ("xs", dxs), ("h0", dh0)]:
        assert_close(found[run.named(name)], ours, 1e-12, name)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "identity"])
def test_the_reverse_pass_equals_the_step_backward(activation):
    p, x, h_prev = small_step()
    dh = rng_for(4).normal(size=(2, 4))
    run = trace(rnn_step, p, x, h_prev, activation)
    dp, dx, dh_prev = rnn_step_backward(p, x, h_prev, run.result, dh, activation)
    if activation == "identity":  # nothing after the sum
        assert run.outputs[0].op == "add"
    found = run.gradients(seed=dh)
    for name, ours in [*leaves(dp), ("x", dx), ("h_prev", dh_prev)]:
        assert_close(found[run.named(name)], ours, 1e-12, name)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_reverse_pass_equals_the_gradients_of_a_net(activation):
    rng = rng_for(5)
    layers = init_mlp(rng, (3, 5, 4, 2))
    x, dlogits = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    run = trace(mlp_forward, layers, x, activation)
    found = run.gradients(run.outputs[-1], dlogits)
    grads, dx = mlp_backward(layers, mlp_forward(layers, x, activation), dlogits, activation)
    for i, layer in enumerate(grads, start=1):
        assert_close(found[run.named(f"W_{i}")], layer.W, 1e-12, f"W_{i}")
        assert_close(found[run.named(f"b_{i}")], layer.b, 1e-12, f"b_{i}")
    assert_close(found[run.named("x")], dx, 1e-12, "x")


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    "loss", [softmax_cross_entropy, binary_cross_entropy_with_logits, mean_squared_error]
)
def test_the_reverse_pass_equals_the_gradient_that_a_loss_returns(loss, masked):
    rng = rng_for(6, masked)
    logits = rng.normal(size=(4, 3, 5))
    targets = rng.integers(5, size=(4, 3)) if loss is softmax_cross_entropy else rng.uniform(size=(4, 3, 5))
    mask = rng.uniform(size=targets.shape) < 0.6 if masked else None
    run = trace(loss, logits, targets, mask)
    assert run.outputs[0].shape == ()
    found = run.gradients()[run.inputs[0]]
    assert_close(found, loss(logits, targets, mask)[1], 1e-12, loss.__name__)


@pytest.mark.parametrize("output", OUTPUTS)
def test_the_reverse_pass_equals_the_gradients_of_the_jordan_network(output):
    rng = rng_for(7)
    p = init_jordan(rng, 3, 4, 2)
    xs, dlogits = rng.normal(size=(5, 2, 3)), rng.normal(size=(5, 2, 2))
    run = trace(jordan_forward, p, xs, output=output)
    dp, dxs, _ = jordan_backward(p, xs, jordan_forward(p, xs, output=output), dlogits, output=output)
    found = run.gradients(run.outputs[1], dlogits)  # hs, logits, ys
    for name, ours in [*leaves(dp), ("xs", dxs)]:
        assert_close(found[run.named(name)], ours, 1e-12, name)


TWO = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b[0],
    "multiply": lambda a, b: a * b[:, :1],
    "divide": lambda a, b: a / (3 + b),
    "matmul": lambda a, b: a @ b.T,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "logaddexp": np.logaddexp,
    "where": lambda a, b: np.where(np.asarray(a) > 0, a, b),
    "stack": lambda a, b: np.stack([a, b], axis=1),
    "concatenate": lambda a, b: np.concatenate([a, b], axis=1),
}
ONE = {
    "negative": lambda a: -a,
    "tanh": np.tanh,
    "exp": np.exp,
    "log": lambda a: np.log(a + 4),
    "square": np.square,
    "sqrt": lambda a: np.sqrt(a + 4),
    "power": lambda a: a**3,
    "absolute": np.abs,
    "sum": lambda a: a.sum(axis=0),
    "mean": lambda a: a.mean(axis=1, keepdims=True),
    "max": lambda a: a.max(axis=-1),
    "min": lambda a: np.min(a, axis=0),
    "transpose": lambda a: a.T @ a,
    "swapaxes": lambda a: a.swapaxes(0, 1),
    "reshape": lambda a: a.reshape(-1, 2),
    "ravel": lambda a: a.ravel(),
    "squeeze": lambda a: a[:1].squeeze(0),
    "expand_dims": lambda a: np.expand_dims(a, 1),
    "copy": lambda a: a.copy(),
    "astype": lambda a: a.astype(float),
    "getitem": lambda a: a[[0, 0, 2], 1:],
    "take_along_axis": lambda a: np.take_along_axis(a, np.array([[0], [2], [1]]), axis=-1),
}


def test_every_derivative_of_the_table_is_tested_here():
    assert {*TWO, *ONE} == set(DERIVATIVES)


@pytest.mark.parametrize("name", [*TWO, *ONE])
def test_a_derivative_equals_central_differences(name):
    rng = rng_for(len(name))
    function = TWO.get(name, ONE.get(name))
    values = [rng.normal(size=(3, 4)) for _ in range(2 if name in TWO else 1)]
    weight = rng.normal(size=function(*values).shape)

    def two(a, b):
        return (function(a, b) * weight).sum()

    def one(a):
        return (function(a) * weight).sum()

    scalar = two if name in TWO else one
    run = trace(scalar, *values)
    assert name in [op.op for op in run.operations]
    found = run.gradients()
    for argument, leaf in enumerate(run.inputs):
        measured = np.zeros((3, 4))
        for index in np.ndindex(3, 4):
            ends = []
            for sign in (1, -1):
                moved = [value.copy() for value in values]
                moved[argument][index] += sign * 1e-6
                ends.append(scalar(*moved))
            measured[index] = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(found[leaf], measured, rtol=1e-6, atol=1e-8)


def test_a_loss_that_left_as_a_float_is_still_found():
    run = trace(lambda x: float((x**2).sum()), np.arange(3.0))
    assert run.outputs[0].op == "sum"
    np.testing.assert_array_equal(run.gradients()[run.named("x")], [0.0, 2.0, 4.0])


def test_weights_used_twice_add_their_gradients():
    layer = DenseParams(np.array([[2.0]]), np.array([0.0]))
    run = trace(lambda p, x: ((x @ p.W) @ p.W).sum(), layer, np.array([[3.0]]))
    assert run.gradients()[run.named("W")].item() == 3.0 * 2 * 2.0


def test_a_silent_copy_is_joined_to_what_it_copies():
    run = trace(lambda x: (np.array(x * 2) * x).sum(), np.arange(3.0))
    assert [op.op for op in run.operations] == ["multiply", "copy", "multiply", "sum"]
    np.testing.assert_array_equal(run.gradients()[run.named("x")], [0.0, 4.0, 8.0])


def test_what_is_written_in_place_is_followed():
    def fill(x):
        total = x * 2
        total += x
        total[0] = 0.0
        return total

    run = trace(fill, np.arange(3.0))
    assert [op.op for op in run.operations] == ["multiply", "add", "setitem"]
    np.testing.assert_array_equal(run.result, [0.0, 3.0, 6.0])


def test_a_traced_array_is_an_ordinary_one_after_its_run():
    kept = []

    def keep(x):
        kept.append(x)
        return x + 1

    trace(keep, np.arange(3.0))
    assert isinstance(kept[0], Traced)
    np.testing.assert_array_equal(np.asarray(kept[0] * 2), [0.0, 2.0, 4.0])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: trace(lambda x: 3, np.arange(3.0)),
            ValueError,
            "returned nothing that was recorded, got int",
        ),
        (
            lambda: trace(rnn_forward_fast, init_rnn(rng_for(1), 3, 4), np.ones((2, 1, 3))),
            ValueError,
            "trace the equation-by-equation form",
        ),
        (lambda: trace(np.tanh, np.ones(2)).named("h"), ValueError, "no value is called 'h'; known: x"),
        (lambda: trace(lambda x: x * 2, np.ones(2)).gradients(), ValueError, r"seed must be \(2,\)"),
        (
            lambda: trace(lambda x: x * 2, np.ones(2)).gradients(seed=np.ones(3)),
            ValueError,
            r"seed must be \(2,\) \(from the output\), got shape \(3,\)",
        ),
        (lambda: trace(lambda x: np.sin(x).sum(), np.ones(2)).gradients(), NotImplementedError, "'sin'"),
    ],
)
def test_errors_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()

"""What the diagrams claim is true of the models and runs that they are drawn from."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from course_pkg.dense import dense_forward, init_dense, init_mlp, mlp_forward
from course_pkg.jordan import init_jordan, jordan_forward
from course_pkg.rnn import init_rnn, rnn_backward, rnn_backward_truncated, rnn_forward, rnn_step
from course_pkg.sequence_models import (
    aligned_loss,
    init_encoder_decoder,
    init_one_to_many,
    init_readout_rnn,
    many_to_one_logits,
)
from course_pkg.tree import count
from course_pkg.viz import diagrams as viz
from course_pkg.viz.architectures import (
    convolutional_connectivity,
    dense_connectivity,
    recurrent_connectivity,
)
from course_pkg.viz.picture import Picture
from course_pkg.viz.step_graph import _steps
from course_pkg.viz.unrolled import fed_back
from tests.package.helpers import rng_for
from tests.package.viz_gallery import flow, loss_per_step, trace_losses, trace_net, trace_step

SVG = "{http://www.w3.org/2000/svg}"


def elements(diagram: viz.Diagram, kind: str, **wanted: str) -> list[ET.Element]:
    found = ET.fromstring(diagram.svg).iter(f"{SVG}{kind}")
    return [e for e in found if all(e.get(key.replace("_", "-")) == value for key, value in wanted.items())]


def words(diagram: viz.Diagram) -> list[str]:
    return ["".join(element.itertext()) for element in elements(diagram, "text")]


def hexagons(diagram: viz.Diagram) -> list[ET.Element]:
    return elements(diagram, "polygon", stroke="var(--cd-orange)")


# ---- nets


@pytest.mark.parametrize("sizes", [(1, 1), (3, 4, 2), (5, 2, 6, 3)])
def test_a_line_for_every_weight_and_a_unit_for_every_neuron(sizes):
    layers = init_mlp(rng_for(*sizes), sizes)
    diagram = viz.draw_network(layers)
    assert len(elements(diagram, "path")) == sum(p.W.size for p in layers)
    assert len(elements(diagram, "circle")) == sum(sizes)
    assert f"{sum(p.W.size for p in layers)} weights" in diagram.alt


def test_a_line_is_as_wide_as_its_weight_and_dashed_when_negative():
    layers = (init_dense(rng_for(1), 1, 3)._replace(W=np.array([[1.0], [-0.5], [0.25]])),)
    lines = elements(viz.draw_network(layers), "path")
    widths = [float(line.get("stroke-width")) for line in lines]
    assert widths[0] > widths[1] > widths[2]
    assert widths[0] - widths[1] == pytest.approx(2 * (widths[1] - widths[2]), abs=0.15)
    assert [line.get("stroke-dasharray") is not None for line in lines] == [False, True, False]


def test_neurons_hold_the_values_of_the_real_forward_pass():
    layers = (init_dense(rng_for(2), 2, 2)._replace(W=np.eye(2), b=np.array([0.5, -0.25])),)
    assert {"1.50", "0.75", "1.00"} <= set(words(viz.draw_network(layers, np.array([1.0, 1.0]))))


def test_a_large_net_says_how_much_of_it_is_drawn():
    layers = init_mlp(rng_for(3), (64, 16, 10))
    diagram = viz.draw_network(layers, most=9)
    lines = len(elements(diagram, "path"))
    assert lines == 8 * 8 + 8 * 8
    assert f"{lines} of the {64 * 16 + 16 * 10} weights" in diagram.caption
    assert "64 inputs" in words(diagram)


@pytest.mark.parametrize("sizes", [(3, 2), (3, 4, 2), (64, 32, 16, 10)])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_compact_graph_is_read_off_the_run(sizes, activation):
    diagram = viz.draw_compact(init_mlp(rng_for(*sizes), sizes), activation)
    assert len(hexagons(diagram)) == len(sizes) - 1
    assert words(diagram).count({"tanh": "tanh", "relu": "maximum"}[activation]) == len(sizes) - 2
    for n_in, n_out in zip(sizes, sizes[1:]):
        assert f"{n_out}×{n_in}" in words(diagram)


# ---- the recurrent neuron


@pytest.mark.parametrize("T", [1, 2, 5])
def test_T_steps_give_T_copies_with_the_same_arrays(T):
    rng = rng_for(T)
    p = init_rnn(rng, 3, 4)
    steps = viz.steps_of(viz.trace(rnn_forward, p, rng.normal(size=(T, 2, 3))))
    assert [(step.t, step.reads, step.previous) for step in steps] == [(t, t, t - 1) for t in range(1, T + 1)]
    assert len({step.params for step in steps}) == 1  # one and the same three arrays at every step
    assert len(steps[0].params) == 3
    diagram = viz.draw_unrolled(p, T, folded=False)
    assert len(elements(diagram, "circle", stroke="var(--cd-blue)")) == T
    assert len(hexagons(diagram)) == 2 * T  # W_xh and W_hh at each step
    assert f"{count(p)} numbers" in diagram.caption


def test_the_number_of_weights_in_the_caption_does_not_depend_on_T():
    model = init_readout_rnn(rng_for(1), 3, 4, 2)
    captions = {viz.draw_unrolled(model, T, outputs="each").caption for T in (1, 3, 28)}
    assert len(captions) == 1
    assert f"{count(model)} numbers" in captions.pop()


def test_a_mask_does_not_change_which_state_a_step_continues():
    rng = rng_for(3)
    mask = np.array([[True, True], [True, False], [False, False]])
    run = viz.trace(rnn_forward, init_rnn(rng, 3, 4), rng.normal(size=(3, 2, 3)), None, mask)
    assert [step.previous for step in viz.steps_of(run)] == [0, 1, 2]


def test_a_run_that_reads_backwards_is_drawn_so():
    def backwards(p, xs):
        h = np.zeros((xs.shape[1], len(p.b_h)))
        for t in reversed(range(len(xs))):
            h = rnn_step(p, xs[t], h)
        return h

    rng = rng_for(4)
    run = viz.trace(backwards, init_rnn(rng, 3, 4), rng.normal(size=(3, 2, 3)))
    assert [step.reads for step in viz.steps_of(run)] == [3, 2, 1]


def test_the_cells_show_the_states_of_the_real_run():
    p = init_rnn(rng_for(5), 1, 2)._replace(W_xh=np.array([[5.0], [-5.0]]), W_hh=np.zeros((2, 2)))
    diagram = viz.draw_unrolled(p, np.ones((1, 1, 1)), values=True, folded=False)
    cells = elements(diagram, "rect", rx="1.5")
    assert [cell.get("fill") for cell in cells] == ["var(--cd-orange)", "var(--cd-blue)"]


@pytest.mark.parametrize(("outputs", "number"), [("each", 4), ("last", 1)])
def test_outputs_and_losses_stand_where_they_are_asked_for(outputs, number):
    diagram = viz.draw_unrolled(
        init_readout_rnn(rng_for(6), 3, 4, 2), 4, outputs=outputs, losses=True, folded=False
    )
    assert len(elements(diagram, "circle", stroke="var(--cd-teal)")) == number
    assert len(elements(diagram, "polygon", stroke="var(--cd-rose)")) == number


def test_jordan_hands_on_the_output_and_elman_the_state():
    p = init_jordan(rng_for(7), 3, 4, 2)
    for output in ("softmax", "sigmoid"):
        run = viz.trace(jordan_forward, p, np.full((3, 1, 3), 0.5), output=output)
        results = [list(step) for step in zip(*(stack.args[0][-3:] for stack in run.outputs))]
        assert fed_back(run, "jordan_step", results) == 2
    labels = words(viz.draw_jordan(p))
    assert labels.count("Wyh") == 2
    assert labels.count("Whh") == 2
    assert "4 state values" in viz.draw_jordan(p).caption


# ---- computational graphs


def labels_of(picture: Picture, kind: str) -> list[str]:
    return [item.label for item in picture.shown if item.kind == kind]


def test_the_graph_of_a_step_shows_its_operations_and_weights():
    picture = Picture(trace_step(), (), {}, repeat=True)
    assert labels_of(picture, "op") == ["@", "@", "+", "+", "tanh"]
    assert labels_of(picture, "param") == ["$W_{xh}^T$", "$W_{hh}^T$", "$b_{h}$"]
    diagram = viz.draw_graph(trace_step(), names={})
    assert len(hexagons(diagram)) == 3
    arrows = elements(diagram, "polygon", fill="currentColor")
    assert len(arrows) == len(picture.edges) == 10


def test_changing_the_code_changes_the_picture():
    def other_step(p, x, h_prev):
        return np.maximum(x @ p.W_xh.T + h_prev @ p.W_hh.T, 0)

    rng = rng_for(8)
    run = viz.trace(other_step, init_rnn(rng, 3, 4), rng.normal(size=(2, 3)), rng.normal(size=(2, 4)))
    assert labels_of(Picture(run, (), {}, True), "op") == ["@", "@", "+", "max(·, 0)"]
    assert len(hexagons(viz.draw_graph(run))) == 2


def test_a_weight_is_repeated_or_drawn_once():
    rng = rng_for(9)
    run = viz.trace(rnn_forward, init_rnn(rng, 3, 4), rng.normal(size=(3, 2, 3)))
    assert len(hexagons(viz.draw_graph(run, repeat=True))) == 9
    assert len(hexagons(viz.draw_graph(run, repeat=False))) == 3
    assert not hexagons(viz.draw_graph(run, params=False))


def test_the_numbers_on_the_way_back_are_the_gradients():
    run = trace_net()
    found = run.gradients()
    shown = words(viz.draw_graph(run, collapse=["softmax_cross_entropy"], gradients=True))
    for name in ("W_1", "b_1", "W_2", "b_2", "x"):
        norm = np.linalg.norm(found[run.named(name)])
        assert any(
            float(text) == pytest.approx(norm, rel=0.06) for text in shown if re.fullmatch(r"[\d.]+", text)
        ), name


@pytest.mark.parametrize("T", [1, 2, 4])
def test_the_graph_by_steps_has_a_column_and_a_loss_for_each(T):
    run = trace_losses(T)
    picture = Picture(run, {"rnn_step", "dense_forward", "softmax_cross_entropy"}, {"rnn_step": "h"}, True)
    step = _steps(picture.shown, "rnn_step", T)
    assert [step[item] for item in picture.shown if item.label == "rnn step"] == list(range(1, T + 1))
    diagram = viz.draw_step_graph(run)
    assert words(diagram).count("rnn step") == words(diagram).count("dense forward") == T
    assert [word for word in words(diagram) if re.fullmatch(r"h\d", word)] == ["h0"] + (
        [f"h{t}" for t in range(1, T + 1)] if T > 1 else []
    )
    assert len(hexagons(diagram)) == 2 * T


def test_the_graph_by_steps_carries_the_gradients_of_the_package():
    rng = rng_for(10)
    params = init_readout_rnn(rng, 3, 4, 5)
    xs, targets = rng.normal(size=(3, 2, 3)), rng.integers(5, size=(3, 2))
    h0 = np.zeros((2, 4))
    run = viz.trace(loss_per_step, params, xs, h0, targets)
    loss, grads = aligned_loss(params, xs, targets)
    found = run.gradients()
    assert float(run.result) == pytest.approx(loss, rel=1e-12)
    for name, ours in [
        ("W_xh", grads.rnn.W_xh),
        ("W_hh", grads.rnn.W_hh),
        ("W_hy", grads.out.W),
        ("b_y", grads.out.b),
    ]:
        np.testing.assert_allclose(found[run.named(name)], ours, rtol=1e-10, atol=1e-14)


# ---- gradients through time


def test_the_flow_is_that_of_backpropagation_through_time():
    rng = rng_for(11)
    p, xs = init_rnn(rng, 3, 4), rng.normal(size=(6, 2, 3))
    dhs, h0 = rng.normal(size=(6, 2, 4)), rng.normal(size=(2, 4))
    hs = rnn_forward(p, xs, h0)
    measured = viz.gradient_flow(p, xs, dhs, h0)
    assert measured.passed[0] == pytest.approx(np.linalg.norm(rnn_backward(p, xs, hs, dhs)[2]), rel=1e-12)
    assert measured.total[-1] == measured.direct[-1] == pytest.approx(np.linalg.norm(dhs[-1]))
    cut = viz.gradient_flow(p, xs, dhs, h0, k=2)
    assert cut.cut == (3, 5)
    assert list(cut.passed == 0) == [False, False, True, False, True, False]
    truncated = rnn_backward_truncated(p, xs, hs, dhs, 2)[2]
    assert cut.passed[0] == pytest.approx(np.linalg.norm(truncated), rel=1e-12)


def test_arrows_are_as_wide_as_the_norms_and_missing_where_the_gradient_is_cut():
    measured = viz.GradientFlow(np.array([0, 0, 4.0]), np.array([1, 2, 4.0]), np.array([0.5, 1.0, 2.0]))
    arrows = elements(viz.draw_gradient_flow(measured), "path", stroke="var(--cd-purple)")
    assert sorted(float(arrow.get("stroke-width")) for arrow in arrows) == [1.1, 2.2, 4.5, 9.0]
    assert {"0.50", "1.0", "2.0", "4.0"} <= set(words(viz.draw_gradient_flow(measured)))
    cut = viz.draw_gradient_flow(flow(6, k=3))
    whole = viz.draw_gradient_flow(flow(6))
    assert len(elements(whole, "path", stroke="var(--cd-purple)")) == 12
    assert len(elements(cut, "path", stroke="var(--cd-purple)")) == 11
    assert words(cut).count("cut") == 1
    assert "cut before step 4" in cut.alt


# ---- input/output shapes: the descriptors against the models, by moving each input and looking at each output


def depends(function, inputs: list[np.ndarray], outputs: int) -> np.ndarray:
    """(outputs, inputs): does output i move when input j is moved?"""
    base = function(inputs)
    table = np.zeros((outputs, len(inputs)), bool)
    for j in range(len(inputs)):
        moved = [value + 0.1 * (i == j) for i, value in enumerate(inputs)]
        table[:, j] = [not np.array_equal(a, b) for a, b in zip(function(moved), base)]
    return table


def one_to_one(inputs):
    return [mlp_forward(init_mlp(rng_for(12), (3, 4, 2)), inputs[0])[-1]]


def many_to_one(inputs):
    return [many_to_one_logits(init_readout_rnn(rng_for(12), 3, 4, 2), np.stack(inputs))]


def aligned(inputs):
    params = init_readout_rnn(rng_for(12), 3, 4, 2)
    return list(dense_forward(params.out, rnn_forward(params.rnn, np.stack(inputs))[1:]))


def written(rnn, out, h, V=5):
    """What the package's writers compute, with the logits kept: each step reads the token written before it."""
    logits, token = [], np.zeros(1, int)
    for _ in range(3):
        h = rnn_step(rnn, np.eye(V)[token], h)
        logits.append(dense_forward(out, h))
        token = logits[-1].argmax(axis=-1)
    return logits


def one_to_many(inputs):
    params = init_one_to_many(rng_for(12), 3, 4, 5)
    return written(params.rnn, params.out, np.tanh(dense_forward(params.start, inputs[0])))


def encoder_decoder(inputs):
    params = init_encoder_decoder(rng_for(12), 3, 4, 5)
    return written(params.decoder, params.out, rnn_forward(params.encoder, np.stack(inputs))[-1])


MODELS = {
    "one_to_one_loss": one_to_one,
    "one_to_many_loss": one_to_many,
    "many_to_one_loss": many_to_one,
    "aligned_loss": aligned,
    "encoder_decoder_loss": encoder_decoder,
}


@pytest.mark.parametrize("shape", viz.SHAPES, ids=lambda shape: shape.name)
def test_a_shape_joins_what_the_model_joins(shape):
    inputs = [rng_for(13, j).normal(size=(1, 3)) for j in range(len(shape.reads))]
    measured = depends(MODELS[shape.model], inputs, len(shape.writes))
    np.testing.assert_array_equal(measured, shape.reach())


@pytest.mark.parametrize("shape", viz.SHAPES, ids=lambda shape: shape.name)
def test_a_shape_is_drawn_arrow_by_arrow(shape):
    import course_pkg.sequence_models as models

    assert hasattr(models, shape.model)
    diagram = viz.draw_shape(shape)
    arrows = [p for p in elements(diagram, "polygon") if len(p.get("points").split()) == 3]
    starts = sum(state - 1 not in shape.writes for state in shape.fed_back)
    assert len(arrows) == len(shape.edges()) + starts
    assert words(diagram)[-2:] == [shape.name, shape.example]


def test_the_five_shapes_are_those_of_the_course():
    assert [(len(shape.reads), len(shape.writes)) for shape in viz.SHAPES] == [
        (1, 1),
        (1, 3),
        (3, 1),
        (3, 3),
        (3, 3),
    ]
    lower = np.tri(3, dtype=bool)
    assert np.array_equal(viz.SHAPES[3].reach(), lower)  # aligned: nothing of the future
    assert viz.SHAPES[4].reach().all()  # encoder and decoder: everything is read before anything is written


# ---- architectures


def test_the_patterns_are_those_of_the_package_and_of_numpy():
    n, rng = 5, rng_for(14)
    inputs = list(rng.normal(size=(n, 1)))
    layer = init_dense(rng, n, n)
    dense = depends(lambda xs: list(dense_forward(layer, np.concatenate(xs))), inputs, n)
    np.testing.assert_array_equal(dense, dense_connectivity(n).reach())
    kernel = rng.normal(size=3)
    convolved = depends(lambda xs: list(np.convolve(np.concatenate(xs), kernel, mode="same")), inputs, n)
    np.testing.assert_array_equal(convolved, convolutional_connectivity(n).reach())
    p = init_rnn(rng, 1, 3)
    states = depends(lambda xs: list(rnn_forward(p, np.array(xs)[:, None])[1:]), inputs, n)
    np.testing.assert_array_equal(states, recurrent_connectivity(n).reach())


def test_convolution_by_ties_is_convolution():
    rng = rng_for(15)
    x, kernel = rng.normal(size=7), rng.normal(size=3)
    ties = convolutional_connectivity(7).ties
    matrix = np.where(ties >= 0, kernel[ties], 0.0)
    np.testing.assert_allclose(matrix @ x, np.convolve(x, kernel[::-1], mode="same"), rtol=1e-12)


@pytest.mark.parametrize("n", [3, 5, 8])
def test_how_many_weights_a_pattern_has(n):
    found = {pattern.name: pattern.weights for pattern in viz.connectivities(n)}
    assert found["dense"] == n * n
    assert found["convolutional"] == 3
    assert found["recurrent"] == found["graph"] == 2


def test_a_pattern_is_drawn_joint_by_joint():
    for pattern in viz.connectivities(5):
        diagram = viz.draw_connectivity(pattern)
        joints = (pattern.ties >= 0).sum() + (0 if pattern.within is None else (pattern.within >= 0).sum())
        assert len(elements(diagram, "path")) == joints
    strength = viz.connectivities(5)[3].strength
    np.testing.assert_allclose(strength.sum(axis=1), 1.0)
    assert len(viz.draw_architectures().panels) == 5


# ---- strips


def test_a_strip_has_a_cell_for_every_value_and_wraps():
    values = rng_for(16).normal(size=(30, 2))
    diagram = viz.heat_strip(values, list("abcdefghijklmnopqrstuvwxyzabcd"), width=300)
    assert len(elements(diagram, "rect", fill="currentColor")) == 60
    assert diagram.width <= 320
    lines = {element.get("y") for element in elements(diagram, "text")}
    assert len(lines) == -(-30 // (300 // 23))


def test_a_strip_says_its_numbers():
    diagram = viz.heat_strip(np.array([0.5, -0.25]), ["good", "bad"])
    assert words(diagram) == ["good", "0.50", "bad", "\N{MINUS SIGN}0.25"]
    assert "good 0.50 bad \N{MINUS SIGN}0.25" in diagram.alt


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: viz.draw_network(init_mlp(rng_for(1), (3, 2)), np.ones((1, 3))),
            r"x must be \(I,\) with I=3",
        ),
        (
            lambda: viz.draw_unrolled(init_rnn(rng_for(1), 3, 4), outputs="all"),
            "outputs must be None, 'each' or 'last'",
        ),
        (
            lambda: viz.draw_unrolled(init_rnn(rng_for(1), 3, 4), outputs="each"),
            "needs a model with a read-out",
        ),
        (lambda: viz.draw_unrolled(init_rnn(rng_for(1), 3, 4), 3, tokens=["a"]), "tokens must be 3 strings"),
        (lambda: viz.steps_of(trace_net()), "must contain calls of rnn_step"),
        (lambda: viz.draw_step_graph(trace_net()), "must contain calls of rnn_step"),
        (lambda: viz.draw_gradient_flow(flow(6), tokens=["a"]), "tokens must be 6 strings"),
        (
            lambda: viz.gradient_flow(init_rnn(rng_for(1), 3, 4), np.ones((2, 1, 3)), np.ones((3, 1, 4))),
            r"dhs must be \(2, 1, 4\)",
        ),
        (lambda: viz.heat_strip(np.ones((2, 2, 2))), r"values must be \(T,\) or \(T, H\)"),
        (lambda: viz.heat_strip(np.ones(2), ["a"]), "labels must be 2 strings"),
        (lambda: viz.heat_strip(np.ones((2, 3)), rows=["a"]), "rows must be 3 names"),
    ],
)
def test_bad_calls_are_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()

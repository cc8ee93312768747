"""One of each diagram of the course, drawn from small real models: what the tests of the drawings share."""

from collections.abc import Callable

import numpy as np

from course_pkg.dense import dense_forward, init_mlp, mlp_forward
from course_pkg.jordan import init_jordan
from course_pkg.losses import softmax_cross_entropy
from course_pkg.rnn import init_rnn, rnn_step
from course_pkg.sequence_models import init_readout_rnn
from course_pkg.viz import diagrams as viz

WORDS = ["This", "is", "good", "news", "<eos>"]


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def net_loss(layers: tuple, x: np.ndarray, targets: np.ndarray) -> float:
    return softmax_cross_entropy(mlp_forward(layers, x)[-1], targets)[0]


def loss_per_step(params, xs: np.ndarray, h0: np.ndarray, targets: np.ndarray) -> float:
    """Aligned outputs written step by step: what the chapter's computational graph is recorded from."""
    h, losses = h0, []
    for x, target in zip(xs, targets):
        h = rnn_step(params.rnn, x, h)
        losses.append(softmax_cross_entropy(dense_forward(params.out, h), target)[0])
    return np.stack(losses).mean()


def trace_step() -> viz.Trace:
    draw = rng()
    return viz.trace(
        rnn_step, init_rnn(draw, 3, 4), draw.normal(size=(2, 3)), draw.normal(size=(2, 4)), outputs=["h"]
    )


def trace_net() -> viz.Trace:
    draw = rng()
    return viz.trace(
        net_loss, init_mlp(draw, (3, 4, 5)), draw.normal(size=(2, 3)), np.array([1, 3]), outputs=["L"]
    )


def trace_losses(T: int = 3) -> viz.Trace:
    draw = rng()
    params = init_readout_rnn(draw, 3, 4, 5)
    xs, h0, targets = draw.normal(size=(T, 2, 3)), draw.normal(size=(2, 4)), draw.integers(5, size=(T, 2))
    return viz.trace(loss_per_step, params, xs, h0, targets, outputs=["L"])


def flow(T: int = 6, k: int | None = None) -> viz.GradientFlow:
    draw = rng()
    return viz.gradient_flow(
        init_rnn(draw, 3, 4), draw.normal(size=(T, 2, 3)), draw.normal(size=(T, 2, 4)), k=k
    )


GALLERY: dict[str, Callable[[], viz.Diagram]] = {
    "network": lambda: viz.draw_network(init_mlp(rng(), (3, 4, 2)), outputs=["cat", "dog"]),
    "network with values": lambda: viz.draw_network(init_mlp(rng(), (3, 4, 2)), rng().normal(size=3)),
    "network cut short": lambda: viz.draw_network(init_mlp(rng(), (64, 16, 10))),
    "compact": lambda: viz.draw_compact(init_mlp(rng(), (64, 32, 32, 10))),
    "unrolled": lambda: viz.draw_unrolled(init_rnn(rng(), 3, 4), caption="$h_1$ & <so> on", name="fig-unrolled"),
    "unrolled words": lambda: viz.draw_unrolled(
        init_readout_rnn(rng(), 3, 4, 1), 5, tokens=WORDS, outputs="last", folded=False
    ),
    "unrolled losses": lambda: viz.draw_unrolled(init_readout_rnn(rng(), 3, 4, 2), outputs="each", losses=True),
    "unrolled values": lambda: viz.draw_unrolled(
        init_readout_rnn(rng(), 3, 4, 2), rng().normal(size=(3, 1, 3)), outputs="each", values=True
    ),
    "unrolled far": lambda: viz.draw_unrolled(init_rnn(rng(), 3, 4), 28),
    "graph of a step": lambda: viz.draw_graph(trace_step(), names={}, shapes=True),
    "graph of a net": lambda: viz.draw_graph(trace_net(), collapse=["softmax_cross_entropy"]),
    "graph with gradients": lambda: viz.draw_graph(
        trace_net(), collapse=["softmax_cross_entropy"], gradients=True
    ),
    "graph of everything": lambda: viz.draw_graph(trace_net()),
    "graph of steps": lambda: viz.draw_step_graph(trace_losses()),
    "graph of steps with gradients": lambda: viz.draw_step_graph(trace_losses(), gradients=True),
    "gradient flow": lambda: viz.draw_gradient_flow(flow()),
    "truncated flow": lambda: viz.draw_gradient_flow(flow(k=3), tokens=list("abcdef"), log=True),
    "shapes": viz.draw_shapes,
    "architectures": viz.draw_architectures,
    "jordan": lambda: viz.draw_jordan(init_jordan(rng(), 3, 4, 2)),
    "strip": lambda: viz.heat_strip(np.array([0.1, -0.2, 0.9, -1.0, 0.0]), WORDS, title="Score of each word"),
    "strip of states": lambda: viz.heat_strip(
        np.tanh(rng().normal(size=(40, 3))),
        list("for word in text.split():  count[word]++"),
        rows=["$h_1$", "$h_2$", "$h_3$"],
    ),
}  # fmt: skip


def largest_overlap(svg: str) -> float:
    """How deep the two nodes that overlap most lie in one another, in pixels; 0 when all stand apart."""
    boxes = node_boxes(svg)
    worst = 0.0
    for i, (ax1, ay1, ax2, ay2) in enumerate(boxes):
        for bx1, by1, bx2, by2 in boxes[i + 1 :]:
            worst = max(worst, min(min(ax2, bx2) - max(ax1, bx1), min(ay2, by2) - max(ay1, by1)))
    return worst


def node_boxes(svg: str) -> list[tuple[float, float, float, float]]:
    """The bounding boxes of the nodes of a drawing: its outlined circles, boxes and polygons (not cells, not dots)."""
    import xml.etree.ElementTree as ET

    found = []
    for element in ET.fromstring(svg).iter():
        kind, get = element.tag.split("}")[-1], lambda key, e=element: float(e.get(key, "0"))
        if element.get("stroke") is None or element.get("stroke-width") != "1.5":
            continue
        if kind == "circle" and get("r") > 3:
            r = get("r")
            found.append((get("cx") - r, get("cy") - r, get("cx") + r, get("cy") + r))
        elif kind == "rect":
            found.append((get("x"), get("y"), get("x") + get("width"), get("y") + get("height")))
        elif kind == "polygon":
            points = [tuple(map(float, point.split(","))) for point in element.get("points").split()]
            xs, ys = zip(*points)
            found.append((min(xs), min(ys), max(xs), max(ys)))
    return found

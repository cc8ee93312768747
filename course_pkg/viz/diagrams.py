"""The diagrams of the course, all in one place. Each is drawn from real structure: parameters, or a recorded run."""

from course_pkg.viz.architectures import Connectivity, connectivities, draw_architectures, draw_connectivity
from course_pkg.viz.canvas import Canvas
from course_pkg.viz.flow import GradientFlow, draw_gradient_flow, gradient_flow
from course_pkg.viz.graphs import draw_graph
from course_pkg.viz.io_shapes import SHAPES, IOShape, draw_shape, draw_shapes
from course_pkg.viz.nets import draw_compact, draw_network
from course_pkg.viz.receptive import draw_receptive_field
from course_pkg.viz.search_tree import draw_alignment, draw_search
from course_pkg.viz.step_graph import draw_step_graph
from course_pkg.viz.strips import heat_strip
from course_pkg.viz.svg import Diagram, side_by_side
from course_pkg.viz.trace import Trace, trace
from course_pkg.viz.unrolled import draw_jordan, draw_unrolled, steps_of
from course_pkg.viz.writing import coloured_text, draw_reading

__all__ = [
    "Canvas", "Connectivity", "Diagram", "GradientFlow", "IOShape", "SHAPES", "Trace", "coloured_text",
    "connectivities", "draw_alignment", "draw_architectures", "draw_compact", "draw_connectivity",
    "draw_gradient_flow", "draw_graph", "draw_jordan", "draw_network", "draw_reading", "draw_receptive_field",
    "draw_search", "draw_shape", "draw_shapes", "draw_step_graph", "draw_unrolled", "gradient_flow",
    "heat_strip", "side_by_side", "steps_of", "trace",
]  # fmt: skip

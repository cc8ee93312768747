"""The diagrams of the course, all in one place. Each is drawn from real structure: parameters, or a recorded run."""

from course_pkg.viz.graphs import draw_graph
from course_pkg.viz.io_shapes import SHAPES, IOShape, draw_shape, draw_shapes
from course_pkg.viz.strips import heat_strip
from course_pkg.viz.svg import Canvas, Diagram, side_by_side
from course_pkg.viz.trace import Trace, trace
from course_pkg.viz.unrolled import draw_unrolled, steps_of

__all__ = [
    "SHAPES", "Canvas", "Diagram", "IOShape", "Trace", "draw_graph", "draw_shape", "draw_shapes", "draw_unrolled",
    "heat_strip", "side_by_side", "steps_of", "trace",
]  # fmt: skip

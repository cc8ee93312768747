"""Proofs that a gradient is right: central differences, the complex step, torch's autograd."""

from course_pkg.checks.gradients import (
    central_difference,
    check_gradients,
    compare_trees,
    complex_step,
    relative_error,
)

__all__ = ["central_difference", "check_gradients", "compare_trees", "complex_step", "relative_error"]

"""What runs inside the box, beside the student's code. NumPy and the standard library only; it knows no task.

The folder is mounted alone: nothing here imports course_pkg. `zygote` imports NumPy once and waits; `supervisor` is one
submission's guard and never runs the student's code; `student` does, confined by `confine`; `protocol` is the language
that all of them and the trusted side speak.
"""

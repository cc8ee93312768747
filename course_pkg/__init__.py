"""Companion package of the course: recurrent networks in NumPy, with every gradient written by hand.

Nothing heavy is imported here. Import what you need from its own module:
`from course_pkg.rnn import rnn_forward`.
"""

__version__ = "0.1.0"

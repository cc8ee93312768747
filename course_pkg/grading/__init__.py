"""Grading: the term's key, hidden tests, boxes for students' code, partial credit, reports, exports.

For one submission: `from course_pkg.grading.grade import grade_submission`. For a folder: the command `course grade`.
"""

"""Grading: the term's key, hidden tests, boxes for students' code, partial credit, reports, exports.

For one submission: `from course_pkg.grading.grade import grade_submission`. For a folder: the command `course grade`.

submissions (a folder -> who handed in what), reader, sheets (bytes -> the cells of a chapter) -> grade (one submission)
with keys, hidden (questions from the declarations and the key), box, warm, launch, levels, seccomp, inside/ (where the
cells run), score, words -> results (a file for each) -> batch, cluster (many) -> gradebook, feedback, summary, pages,
exports, export_nbgrader -> runs (merge, diff). release, leaks: what students get. commands: what `course` does.
"""

"""A whole term through the command line: release, thirty submissions, grades, feedback, exports, an appeal."""

import contextlib
import csv
import html
import io
import json
import re
from collections import Counter

import pytest

from course_pkg.cli import main
from course_pkg.grading.results import read_results
from tests.grading import term

CANVAS = "Student,ID,SIS User ID,SIS Login ID,Section,Homework (77)\n    Points Possible,,,,,50\n"
MOODLE = "Identifier,Full name,Email address,Status,Grade,Maximum grade,Feedback comments\n"


def course(*arguments):
    """(code, what was printed) of one command."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = main([str(argument) for argument in arguments])
    return code, out.getvalue()


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """The term until the grades are there: folder, students, and what the commands said."""
    folder = tmp_path_factory.mktemp("term")
    root = term.course(folder / "course")
    of = ["--term", term.TERM, "--key", root / "term.key", "--course", root]
    said = {"release": course("release", folder / "bundle", *of)}
    students = term.Class(root, folder / "bundle").fill()
    term.hand_in(folder / "handed-in", students)
    said["grade"] = course("grade", folder / "handed-in", "--out", folder / "grades", *of)
    results = {result.student: result for result in read_results(folder / "grades" / "results")}
    return folder, {s.name: s for s in students}, said, results, of


def test_the_class(played):
    _, students, _, _, _ = played
    kinds = Counter(student.kind for student in students.values())
    assert len(students) == 30 and kinds["right"] == 6 and len(kinds) >= 15


def test_the_release(played):
    folder, _, said, _, _ = played
    code, text = said["release"]
    assert code == 0 and "found none" in text, text
    released = [path.read_text() for path in (folder / "bundle").rglob("*") if path.is_file()]
    notebooks = "".join(path.read_text() for path in (folder / "bundle" / "exercises").glob("*.ipynb"))
    assert not any(term.KEY in text for text in released)
    assert "raise NotImplementedError" in notebooks and "SOLUTION" not in notebooks


def test_the_grades(played):
    """Everybody gets what is deserved, to the point, and only one file could not be graded."""
    folder, students, said, results, _ = played
    assert set(results) == set(students)
    for name, student in students.items():
        points = {q.id: q.points for q in results[name].questions}
        for id, got in points.items():
            expected = student.lost.get(id)
            fine = got == 10 if expected is None else got == 0 if expected == "none" else 0 <= got < 10
            assert fine, f"{name}, {student.kind}: {id} got {got}, lost is {expected}"
    full = [name for name, student in students.items() if not student.lost]
    with open(folder / "grades" / "grades.csv", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(students)
    assert [name for name, row in rows.items() if float(row["total"]) == term.POINTS] == sorted(full)
    assert len(full) == 14
    assert all(float(row["out of"]) == term.POINTS for row in rows.values())
    code, text = said["grade"]
    assert code == 0 and "Graded 30 in" in text, text


def test_last_years_answers_fail(played):
    _, students, _, results, _ = played
    name, student = next((n, s) for n, s in students.items() if s.kind == "last year's answers")
    assert len(student.lost) >= 2
    assert results[name].score == term.POINTS - 10 * len(student.lost)


def test_known_mistakes_get_their_hint(played):
    folder, students, _, results, _ = played
    named = [(n, s) for n, s in students.items() if s.hint]
    assert len(named) == 5
    for name, student in named:
        (id,) = student.lost
        assert student.hint in results[name].question(id).hints
        page = html.unescape((folder / "grades" / "feedback" / f"{name}.html").read_text())
        assert student.hint.replace("`", "") in re.sub(r"</?code>", "", page).replace("`", "")


def test_no_page_tells_a_hidden_input(played):
    folder, _, _, _, _ = played
    for path in (folder / "grades" / "feedback").iterdir():
        page = path.read_text().partition("</style>")[2].partition("<footer>")[0]
        assert not re.search(r"\d\.\d{7,}", page), path.name
    summary = (folder / "grades" / "summary.html").read_text()
    assert "30" in summary and "Common mistakes" in summary


def test_a_second_run_changes_nothing(played):
    folder, _, _, _, of = played
    before = {path: path.read_bytes() for path in (folder / "grades" / "results").iterdir()}
    code, text = course("grade", folder / "handed-in", "--out", folder / "grades", *of)
    assert code == 0 and "Graded 0 in" in text and "30 known" in text
    assert {path: path.read_bytes() for path in (folder / "grades" / "results").iterdir()} == before


def test_exports(played):
    folder, students, _, results, of = played
    names = sorted(students)
    canvas = CANVAS + "".join(f'"{name.title()}",{k},,{name},A,\n' for k, name in enumerate(names, 100))
    (folder / "canvas.csv").write_text(canvas)
    moodle = MOODLE + "".join(f"Participant {k},{name.title()},,,,20.00,\n" for k, name in enumerate(names, 100))
    (folder / "moodle.csv").write_text(moodle)
    to = ["--to", "canvas", folder / "canvas.csv", "--to", "moodle", folder / "moodle.csv", "--to", "gradescope"]
    code, text = course("grade", folder / "handed-in", "--out", folder / "grades", *of, *to)
    assert code == 0 and text.count("30 grades.") == 3, text
    with open(folder / "grades" / "canvas.csv", newline="") as file:
        filled = {row[3]: row[5] for row in list(csv.reader(file))[2:]}
    with open(folder / "grades" / "moodle.csv", newline="") as file:
        marks = {row[1].lower(): float(row[4]) for row in list(csv.reader(file))[1:]}
    for name in names:
        share = sum(q.points for q in results[name].questions) / term.POINTS
        assert float(filled[name]) == pytest.approx(50 * share, abs=0.006)
        assert marks[name] == pytest.approx(20 * share, abs=0.006)
    found = [json.loads(path.read_text()) for path in (folder / "grades" / "gradescope").rglob("results.json")]
    assert len(found) == 30 and sum(one["score"] for one in found) == pytest.approx(
        sum(result.score for result in results.values()))  # fmt: skip


def test_an_appeal(played):
    """A student who forgot an exercise hands it in again; nobody else's grade changes, and the difference is shown."""
    folder, students, _, results, of = played
    name = next(n for n, s in students.items() if s.kind == "one not written")
    (id,) = students[name].lost
    right = next(s for s in students.values() if s.kind == "right")
    again = folder / "again"
    term.hand_in(again, [s for s in students.values() if s.name != name])
    term.hand_in(again, [term.Student(name, "", right.files)])
    code, text = course("grade", again, "--out", folder / "appeal", *of, "--only", name)
    assert code == 0, text
    graded = {result.student: result for result in read_results(folder / "appeal" / "results")}
    assert graded[name].score == term.POINTS and results[name].score == term.POINTS - 10
    code, text = course("diff", folder / "grades", folder / "appeal")
    line = next(line for line in text.splitlines() if line.startswith(f"{name}:"))
    assert code == 1 and "90 -> 100" in line and "another submission" in line
    assert f"{id}: 0 (unwritten) -> 10 (right)" in text

"""Files for Canvas, Moodle, Gradescope and nbgrader: the instructor's own file, filled in, and nothing else changed."""

import csv
import importlib.util
import io
import json
import subprocess
from pathlib import Path

import pytest

from course_pkg.grading.batch import grade_one
from course_pkg.grading.export_nbgrader import nbgrader
from course_pkg.grading.exports import canvas, gradescope, moodle
from course_pkg.grading.gradebook import gradebook, safe, write_grades
from course_pkg.grading.keys import GradingError
from course_pkg.grading.submissions import Handed
from tests.grading import kit

ROOT = Path(__file__).parents[2]


def needs_nbgrader(test):
    """Collected only where nbgrader is installed; SQLAlchemy warns there about nbgrader."""
    if importlib.util.find_spec("nbgrader") is None:
        return None
    return pytest.mark.nbgrader(pytest.mark.filterwarnings("default")(test))


CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Essay (11),Steps (12),Final Score
    Points Possible,,,,,10,50,(read only)
"Lovelace, Ada",4321,s1,ada,A,7,,70
"Boole, George",17,s2,gboole,A,,3,10
"Curie, Marie",18,s3,mcurie,A,,EX,0
"Student, Test",99,,abc,A,,,
"""
MOODLE_EN = """Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,\
Last modified (submission),Last modified (grade),Feedback comments
Participant 4321,Ada Lovelace,ada@example.org,Submitted,,100.00,Yes,-,-,
Participant 17,George Boole,boole@example.org,Submitted,,100.00,Yes,-,-,old
Participant 99,Emmy Noether,emmy@example.org,No submission,,100.00,Yes,-,-,
"""
MOODLE_DE = """ID,Vollständiger Name,E-Mail-Adresse,Status,Bewertung,Bestwertung,Bewertung kann geändert werden,\
Zuletzt geändert (Bewertung),Feedback als Kommentar
Teilnehmer/in4321,Ada Lovelace,ada@example.org,Abgegeben,,"30,00",Ja,-,
Teilnehmer/in17,George Boole,boole@example.org,Abgegeben,,"30,00",Ja,-,
"""


@pytest.fixture
def book(course):
    """Ada has 20 of 20 points, Boole 5, Curie 15."""
    papers, settings = kit.papers(course), kit.settings()

    def one(student, name, answers, tmp, **ids):
        handed = Handed(student, name, ids=ids, contents={"04_steps.ipynb": kit.notebook(course, answers)})
        return grade_one(handed, papers, settings)

    return gradebook([
        one("lovelaceada_4321", "", {}, 0, canvas="4321", moodle="4321", sid="900"),
        one("booleg", "George Boole", kit.WRONG, 0, moodle="17"),
        one("mcurie", "", {kit.SUM: kit.WRONG[kit.SUM]}, 0),
    ])  # fmt: skip


def rows(path, delimiter=","):
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")), delimiter=delimiter))


def test_canvas(book, tmp_path):
    (tmp_path / "in.csv").write_text(CANVAS, encoding="utf-8")
    filled = canvas(book, tmp_path / "in.csv", tmp_path / "out.csv", "Steps")
    before, after = rows(tmp_path / "in.csv"), rows(tmp_path / "out.csv")
    assert [row[6] for row in after] == ["Steps (12)", "50", "50", "12.5", "EX", ""]
    for a, b in zip(before, after, strict=True):
        assert a[:6] + a[7:] == b[:6] + b[7:]
    assert (filled.count, filled.unmatched, filled.untouched) == (2, (), ("Student, Test",))


def test_canvas_needs_to_know_the_column(book, tmp_path):
    (tmp_path / "in.csv").write_text(CANVAS, encoding="utf-8")
    with pytest.raises(GradingError, match=r'more than one column .*--column.*"Essay \(11\)", "Steps \(12\)"'):
        canvas(book, tmp_path / "in.csv", tmp_path / "out.csv")
    with pytest.raises(GradingError, match='no column matches "Quiz"'):
        canvas(book, tmp_path / "in.csv", tmp_path / "out.csv", "Quiz")


def test_canvas_with_semicolons_commas_and_a_mark(book, tmp_path):
    text = "Student;ID;SIS User ID;SIS Login ID;Section;Steps (12)\r\n    Points Possible;;;;;50,0\r\n" \
           "Lovelace, Ada;4321;s1;ada;A;\r\nBoole, George;17;s2;gboole;A;\r\n"  # fmt: skip
    (tmp_path / "in.csv").write_bytes(text.encode("utf-8-sig"))
    canvas(book, tmp_path / "in.csv", tmp_path / "out.csv")
    data = (tmp_path / "out.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbfStudent;ID") and b"\r\n" in data
    assert [row[5] for row in rows(tmp_path / "out.csv", ";")][1:] == ["50,0", "50", "12,5"]


@pytest.mark.parametrize("text, most, grades", [(MOODLE_EN, 100, ["100", "25", ""]), (MOODLE_DE, 30, ["30", "7,5"])])
def test_moodle_in_two_languages(book, tmp_path, text, most, grades):
    (tmp_path / "in.csv").write_text(text, encoding="utf-8-sig")
    filled = moodle(book, tmp_path / "in.csv", tmp_path / "out.csv")
    head, *body = rows(tmp_path / "out.csv")
    assert [row[4] for row in body] == grades
    assert body[0][-1] == ("20 of 20 points.<br>step_back: 10 of 10. right<br>masked_sum: 10 of 10. right")
    assert "The derivative of tanh is missing." in body[1][-1]
    assert filled.unmatched == ("mcurie",)
    assert head == rows(tmp_path / "in.csv")[0]


def test_moodle_in_a_language_that_nobody_thought_of(book, tmp_path):
    head, *rest = MOODLE_EN.splitlines()
    unknown = ",".join(f"q{k}" for k in range(head.count(",") + 1))
    (tmp_path / "in.csv").write_text("\n".join([unknown, *rest]) + "\n", encoding="utf-8")
    moodle(book, tmp_path / "in.csv", tmp_path / "out.csv")
    assert [row[4] for row in rows(tmp_path / "out.csv")[1:]] == ["100", "25", ""]


def test_moodle_comments_cannot_carry_markup(course, tmp_path):
    (tmp_path / "in.csv").write_text(MOODLE_EN, encoding="utf-8")
    answers = {kit.BACK: "def step_back(x, h, dh):\n    raise ValueError('<script>alert(1)</script>')"}
    handed = Handed("x", "George Boole", ids={"moodle": "17"}, contents={"04_a.ipynb": kit.notebook(course, answers)})
    moodle(gradebook([grade_one(handed, kit.papers(course), kit.settings())]), tmp_path / "in.csv", tmp_path / "o.csv")
    assert "<script" not in (tmp_path / "o.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("system", [canvas, moodle])
@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n3,4\n", b"\xff\xfe\xfa", b"Student,ID\nx,y\n"])
def test_files_that_are_something_else(book, tmp_path, system, data):
    (tmp_path / "in.csv").write_bytes(data)
    with pytest.raises(GradingError):
        system(book, tmp_path / "in.csv", tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_names_that_fit_two_students_fit_none(course, tmp_path):
    (tmp_path / "in.csv").write_text(CANVAS, encoding="utf-8")
    data = {"04_steps.ipynb": kit.notebook(course)}
    twins = [Handed(f"x{k}", "Ada Lovelace", contents=data) for k in range(2)]
    twins = [grade_one(one, kit.papers(course), kit.settings()) for one in twins]
    filled = canvas(gradebook(twins), tmp_path / "in.csv", tmp_path / "out.csv", "Steps")
    assert (filled.count, filled.unmatched) == (0, ("x0", "x1"))


def test_gradescope(book, tmp_path):
    gradescope(book, tmp_path)
    found = {path.parent.name: json.loads(path.read_text("utf-8")) for path in tmp_path.glob("*/results.json")}
    assert len(found) == 3
    boole = next(data for name, data in found.items() if name.startswith("booleg"))
    assert boole["score"] == 5 == sum(test["score"] for test in boole["tests"])
    first = boole["tests"][0]
    assert (first["name"], first["max_score"], first["visibility"]) == ("One step back (step_back)", 10, "visible")
    assert "The derivative of tanh is missing." in first["output"] and first["status"] == "failed"


def test_grades_for_spreadsheets(book, tmp_path):
    write_grades(tmp_path / "grades.csv", book)
    head, *body = rows(tmp_path / "grades.csv")
    assert head[:6] == ["student", "name", kit.BACK, kit.SUM, "total", "out of"]
    assert [row[:6] for row in body] == [["booleg", "George Boole", "0", "5", "5", "20"],
                                         ["lovelaceada_4321", "", "10", "10", "20", "20"],
                                         ["mcurie", "", "10", "5", "15", "20"]]  # fmt: skip


@pytest.mark.parametrize("name", ["=1+1", "+x", "-x", "@SUM(A1)", " =1", "\t=1"])
def test_names_are_no_formulas(name):
    assert safe(name).startswith("'")
    assert safe("Ada-Maria") == "Ada-Maria"


@pytest.mark.skipif(importlib.util.find_spec("nbgrader") is not None, reason="nbgrader is installed here")
def test_nbgrader_missing_is_said(book, tmp_path):
    with pytest.raises(GradingError, match="nbgrader is not installed"):
        nbgrader(book, tmp_path / "gradebook.db")
    assert not (tmp_path / "gradebook.db").exists()


def test_nbgrader_in_its_own_environment():
    """The tests below, run where nbgrader is: its many dependencies stay out of ours."""
    python = ROOT / ".venv-nbgrader/bin/python"
    if not python.exists():
        pytest.skip("nbgrader is not installed: `make nbgrader` does it")
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-m", "nbgrader"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr


@needs_nbgrader
def test_nbgrader_gradebook(book, tmp_path):
    from nbgrader import api

    path = tmp_path / "gradebook.db"
    for _ in range(2):  # again without doubling
        nbgrader(book, path)
    with api.Gradebook(f"sqlite:///{path}") as db:
        assert db.find_submission("chapter-04", "booleg").score == 5
        assert db.find_submission("chapter-04", "900").score == 20
        assert db.find_grade(kit.SUM, "chapter-04", "chapter-04", "mcurie").auto_score == 5
        grade = db.find_grade(kit.BACK, "chapter-04", "chapter-04", "booleg")
        grade.manual_score = 9
        db.db.commit()
        comment = db.find_comment(f"{kit.BACK}-answer", "chapter-04", "chapter-04", "booleg")
        assert "The derivative of tanh is missing." in comment.comment
    nbgrader(book, path)
    with api.Gradebook(f"sqlite:///{path}") as db:
        assert db.find_submission("chapter-04", "booleg").score == 9 + 5


@needs_nbgrader
def test_nbgrader_of_a_file_that_is_something_else(book, tmp_path):
    (tmp_path / "gradebook.db").write_bytes(b"Student,ID,Section\n" * 100)
    with pytest.raises(GradingError, match="could not be filled in as a gradebook of nbgrader: .*not a database"):
        nbgrader(book, tmp_path / "gradebook.db")

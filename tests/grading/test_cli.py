"""The command `course`: what it writes, what it says when something is wrong, and its codes."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course_pkg.cli import main, parser
from course_pkg.grading.results import read_results
from tests.grading import kit

ROOT = Path(__file__).resolve().parents[2]
CLASS = {"ada": {}, "boole": kit.WRONG, "curie": {kit.SUM: kit.WRONG[kit.SUM]}}


@pytest.fixture
def place(course, tmp_path, without_walls):
    """Submissions and a key."""
    kit.hand_in(tmp_path / "in", course, **CLASS)
    (tmp_path / "key").write_text(kit.KEY.secret.hex() + "\n", encoding="ascii")
    return tmp_path


def grade(place, course, *more, out="out", submissions="in"):
    return main(["grade", str(place / submissions), "--out", str(place / out), "--course", str(course),
                 "--key", str(place / "key"), *map(str, more)])  # fmt: skip


def totals(place, out="out"):
    with open(place / out / "grades.csv", encoding="utf-8", newline="") as file:
        return {row["student"]: float(row["total"]) for row in csv.DictReader(file)}


def test_grade_writes_everything(place, course, capsys, monkeypatch):
    assert grade(place, course) == 0
    out = place / "out"
    written = ["feedback", "grades.csv", "results", "run.json", "summary.html"]
    assert sorted(path.name for path in out.iterdir()) == written
    assert sorted(path.name for path in (out / "feedback").iterdir()) == ["ada.html", "boole.html", "curie.html"]
    assert totals(place) == {"ada": 20, "boole": 5, "curie": 15}
    said = capsys.readouterr()
    assert "Graded 3 in" in said.out and "Mean 13.33 of 20 points, 2 exercises." in said.out
    assert "3 submissions, isolation level A" in said.err
    assert "Chapter 4: Steps" in (out / "feedback/ada.html").read_text(encoding="utf-8")
    monkeypatch.setattr("course_pkg.grading.hidden.make_paper", None)  # nothing to grade, so no test is made
    assert grade(place, course) == 0
    assert "Graded 0 in" in capsys.readouterr().out


def test_results_hold_what_they_depend_on(place, course):
    grade(place, course)
    for result in read_results(place / "out/results"):
        assert (result.level, result.term, result.seed) == ("A", "default", kit.KEY.fingerprint)
        assert set(result.versions) == {"python", "numpy", "course_pkg"} and set(result.times) == {"wall", "grader_cpu"}
        assert len(result.content) == 64 and set(result.tests) == {"04"}
        assert kit.KEY.secret.hex() not in json.dumps(result.verdict)


def test_a_submission_that_cannot_be_read_gives_code_1(place, course, capsys):
    kit.hand_in(place / "in", course, zeno=b"{")
    assert grade(place, course) == 1
    assert "Not graded: zeno." in capsys.readouterr().err
    assert totals(place)["zeno"] == 0


def test_exports_on_the_way(place, course, capsys):
    text = "Student,ID,SIS User ID,SIS Login ID,Section,Steps (12)\n    Points Possible,,,,,100\nada,1,,ada,A,\n"
    (place / "canvas.csv").write_text(text, encoding="utf-8")
    assert grade(place, course, "--to", "canvas", place / "canvas.csv", "--to", "gradescope") == 0
    assert "ada,1,,ada,A,100" in (place / "out/canvas.csv").read_text(encoding="utf-8")
    assert len(list((place / "out/gradescope").glob("*/results.json"))) == 3
    assert "Graded, but not found in that file: boole, curie." in capsys.readouterr().out
    assert (place / "canvas.csv").read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    "more, said",
    [
        (["--to", "blackboard"], "--to knows canvas, moodle, gradescope and nbgrader"),
        (["--to", "canvas"], "--to canvas needs one file"),
        (["--to", "moodle", "missing.csv"], "there is no file missing.csv"),
        (["--to", "gradescope", "x"], "takes no file"),
        (["--shard", "3/2"], "--shard is I/N"),
        (["--shard", "0/2"], "--shard is I/N"),
        (["--chapters", "04;05"], "--chapters is a list of numbers"),
        (["--chapters", "9"], "there is no chapter 09"),
        (["--only", "adda"], "did you mean ada"),
        (["--course", "nowhere"], "name the course by --course"),
    ],
)
def test_what_an_instructor_can_mend_is_a_sentence_and_code_2(place, course, capsys, more, said):
    assert grade(place, course, *more) == 2
    error = capsys.readouterr().err
    assert said in error and "Traceback" not in error
    assert not (place / "out/grades.csv").exists()


def test_the_folder_of_the_run_may_lie_among_the_submissions(place, course):
    assert grade(place, course, out="in/grades") == 0
    assert grade(place, course, out="in/grades") == 0
    assert set(totals(place, "in/grades")) == set(CLASS)


def test_no_folder(place, course, capsys):
    assert grade(place, course, submissions="missing") == 2
    assert "there is no folder" in capsys.readouterr().err


def test_level_d_refuses_hidden_tests_without_the_flag(place, course, capsys, monkeypatch):
    monkeypatch.setattr("course_pkg.grading.levels.best_level", lambda: "D")
    assert grade(place, course) == 2
    error = capsys.readouterr().err
    assert "bubblewrap" in error and "--allow-unsafe" in error
    assert grade(place, course, "--level", "D") == 2
    assert not (place / "out").exists()
    assert grade(place, course, "--allow-unsafe") == 0
    assert {result.level for result in read_results(place / "out/results")} == {"D"}
    for page in ("summary.html", "feedback/ada.html"):
        assert "without protection" in (place / "out" / page).read_text(encoding="utf-8")


def test_a_level_that_does_not_run_here_is_refused(place, course, capsys, monkeypatch):
    monkeypatch.setattr("course_pkg.grading.levels.probe", lambda level: "bubblewrap is missing")
    assert grade(place, course, "--level", "A") == 2
    assert "level A does not run on this machine: bubblewrap is missing" in capsys.readouterr().err


def test_the_key_is_made_said_and_kept(place, tmp_path, capsys):
    course = kit.small_course(tmp_path / "own")
    command = ["grade", str(place / "in"), "--course", str(course), "--term", "2027-spring", "--out", str(place / "a")]
    assert main(command) == 0
    said = capsys.readouterr().err
    assert "Made the key of this term" in said and "2027-spring.key" in said
    command[-1] = str(place / "b")
    assert main(command) == 0
    assert "Made the key" not in capsys.readouterr().err
    assert main(["diff", str(place / "a"), str(place / "b")]) == 0


def test_shards_merged_are_the_whole(place, course, capsys):
    grade(place, course)
    for k in (1, 2):
        assert grade(place, course, "--shard", f"{k}/2", out=f"s{k}") == 0
    assert set(totals(place, "s1")) | set(totals(place, "s2")) == set(CLASS)
    assert not set(totals(place, "s1")) & set(totals(place, "s2"))
    assert main(["merge", str(place / "s1"), str(place / "s2"), "--out", str(place / "all")]) == 0
    assert totals(place, "all") == totals(place)
    assert main(["diff", str(place / "out"), str(place / "all")]) == 0
    assert "No difference in 3 submissions." in capsys.readouterr().out


def test_merging_what_does_not_fit_is_told(place, course, capsys):
    grade(place, course, out="one")
    (place / "in/boole.ipynb").write_bytes(kit.notebook(course))
    (place / "key").write_text("ab" * 32, encoding="ascii")
    grade(place, course, out="two")
    assert main(["merge", str(place / "one"), str(place / "two"), "--out", str(place / "all")]) == 1
    error = capsys.readouterr().err
    assert "boole is in two runs with different results; kept 5 points, left out 20" in error
    assert "different keys of the term" in error
    assert "different keys of the term" in (place / "all/summary.html").read_text(encoding="utf-8")


def test_an_appeal(place, course, capsys):
    """One student is graded again after a word with the instructor, and the difference is shown with its reason."""
    grade(place, course)
    kit.hand_in(place / "appeal", course, boole={kit.SUM: kit.WRONG[kit.SUM]})
    assert grade(place, course, "--only", "boole", out="after", submissions="appeal") == 0
    capsys.readouterr()
    assert main(["diff", str(place / "out"), str(place / "after")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "boole: 5 -> 15 (another submission)" in lines
    assert f"  {kit.BACK}: 0 (wrong) -> 10 (right)" in lines
    assert any(line.startswith("ada: only in") for line in lines)


def test_only_one_again_leaves_the_others(place, course, capsys):
    grade(place, course)
    assert grade(place, course, "--only", "boole", "--again") == 0
    assert "Graded 1 in" in capsys.readouterr().out
    assert totals(place) == {"ada": 20, "boole": 5, "curie": 15}


def test_diff_of_something_else(tmp_path, capsys):
    assert main(["diff", str(tmp_path), str(tmp_path)]) == 2
    assert "is not the folder of a run" in capsys.readouterr().err


@pytest.fixture
def student(course, tmp_path):
    """A notebook with the folder checks beside it, as in the bundle, and nothing else of the course."""
    shutil.copytree(course / "exercises/checks", tmp_path / "mine/checks")
    return tmp_path / "mine/04_steps.ipynb"


def test_check_says_what_the_notebook_would(course, student, capsys, without_walls):
    def said(code, **answers):
        student.write_bytes(kit.notebook(course, answers.get("answers")))
        assert main(["check", str(student)]) == code
        return capsys.readouterr().out

    right = said(0)
    assert "step_back: right on 3 cases" in right and "2 of 2 exercises right." in right
    wrong = said(1, answers=kit.WRONG)
    assert "Hint: this looks like a known mistake. The derivative of tanh is missing." in wrong
    assert "0 of 2 exercises right." in wrong
    assert "The notebook does not define `masked_sum`" in said(1, answers={kit.SUM: "x = 1"})
    assert "stopped with ZeroDivisionError" in said(1, answers={kit.SUM: "1 / 0"})


def test_check_of_what_cannot_be_checked(student, capsys, without_walls):
    assert main(["check", str(student)]) == 2
    assert "there is no notebook" in capsys.readouterr().err
    student.write_bytes(b"{")
    assert main(["check", str(student)]) == 1
    assert "The file is damaged" in capsys.readouterr().out
    (student.parent / "checks/04.json").write_text("{}", encoding="utf-8")
    assert main(["check", str(student)]) in (1, 2)
    (student.parent / "checks/04.json").unlink()
    assert main(["check", str(student)]) == 2
    assert "no folder `checks` beside" in capsys.readouterr().err


def test_check_in_the_real_box(course, student, capsys):
    student.write_bytes(kit.notebook(course, {kit.SUM: kit.WRONG[kit.SUM]}))
    assert main(["check", str(student)]) == 1
    said = capsys.readouterr().out
    assert "step_back: right on 3 cases" in said and "The padding is added, too." in said


def test_help_names_every_command_and_every_option():
    top = parser()
    text = top.format_help()
    (commands,) = (action for action in top._actions if action.dest == "command")
    assert set(commands.choices) == {"release", "grade", "check", "merge", "diff", "reproduce"}
    for name, command in commands.choices.items():
        assert text.count(f"\n    {name} ") + text.count(f"\n    {name}\n") == 1
        assert all(action.help for action in command._actions if action.option_strings)
        assert len(command.description) > 40
    for name in ("summary.html", "grades.csv", "feedback/", "results/", "Ctrl-C"):
        assert name in commands.choices["grade"].description


def test_python_m_course_pkg_and_the_script_are_the_same():
    said = [subprocess.run([*command, "--version"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
            for command in ([sys.executable, "-m", "course_pkg"], [str(Path(sys.executable).with_name("course"))])]
    assert said[0] == said[1] == "course 0.1.0\n"


def test_release_is_called(tmp_path, monkeypatch, capsys):
    seen = {}
    monkeypatch.setattr("course_pkg.grading.release.release", lambda out, term, **more: seen.update(out=out, term=term)
                        or "one bundle")  # fmt: skip
    course = kit.small_course(tmp_path / "own")
    assert main(["release", str(tmp_path / "b"), "--term", "t1", "--course", str(course)]) == 0
    assert seen == {"out": tmp_path / "b", "term": "t1"} and "one bundle" in capsys.readouterr().out

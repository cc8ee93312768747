"""The command `course` where disk, folders or names are not what it needs: a sentence, and never a traceback."""

import errno

import pytest

from course_pkg.cli import main
from course_pkg.grading.commands import printable
from course_pkg.grading.results import file_name, slug
from tests.grading import kit


@pytest.fixture
def run(course, tmp_path, without_walls, capsys):
    """run(words...) -> (code, what was said), in a folder with one submission and a key."""
    kit.hand_in(tmp_path / "in", course, ada={})
    (tmp_path / "key").write_text(kit.KEY.secret.hex() + "\n", encoding="ascii")

    def go(*more, out="out"):
        words = ["grade", tmp_path / "in", "--out", tmp_path / out, "--course", course, "--key", tmp_path / "key"]
        code = main([str(word) for word in [*words, *more]])
        said = capsys.readouterr()
        return code, said.out + said.err

    return go


def test_out_is_a_file(course, run, tmp_path):
    (tmp_path / "file").write_text("mine", encoding="ascii")
    code, said = run(out="file")
    assert code == 2 and "course grade: " in said and "file/results: Not a directory" in said
    code, said = run(out="file/deeper")
    assert code == 2 and "Not a directory" in said
    assert (tmp_path / "file").read_text(encoding="ascii") == "mine"
    of = ["--course", str(course), "--key", str(tmp_path / "key")]
    assert main(["release", str(tmp_path / "file" / "bundle"), *of]) == 2


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_the_disk_is_full_in_the_middle_and_then_has_room(run, tmp_path, monkeypatch, code):
    """What is lost is said; the next start goes on as if nothing had been."""

    def full(path, data):
        raise OSError(code, "No room")

    with monkeypatch.context() as broken:
        broken.setattr("course_pkg.grading.results.write_durably", full)
        assert run() == (2, "1 submission, isolation level A\ncourse grade: No room\n")
    code, said = run()
    assert code == 0 and "Graded 1 in" in said


def test_a_fault_of_ours_is_not_taken_for_one_of_the_disk(run, monkeypatch):
    def broken(*about):
        raise OSError("ours")

    monkeypatch.setattr("course_pkg.grading.results.write_durably", broken)
    with pytest.raises(OSError, match="ours"):
        run()


def test_no_key_is_made_where_there_is_no_course(tmp_path, without_walls, capsys):
    """A student who types `course grade` in the bundle, or an instructor with a slip in --course."""
    bundle, own = tmp_path / "bundle", tmp_path / "bundle" / "exercises"
    own.mkdir(parents=True)
    (own / "a.ipynb").write_text("{}", encoding="ascii")
    for words in (["grade", own, "--out", tmp_path / "o"], ["release", tmp_path / "b"]):
        assert main([*map(str, words), "--course", str(bundle)]) == 2
        assert "there are no solutions/tasks_NN.py below" in capsys.readouterr().err
    assert not (bundle / ".course").exists()


def test_how_many_at_once(run):
    assert run("--jobs", "-3") == (2, "course grade: --jobs is how many at once, 1 or more, not -3\n")


def test_names_do_not_steer_the_terminal(course, run, tmp_path):
    kit.hand_in(tmp_path / "in", course, **{"a\x1b[2Jb\rc": b"{"})
    code, said = run()
    assert code == 1 and "Not graded: a?[2Jb?c. The summary says why." in said and "\x1b" not in said
    assert "\x1b" not in run("--only", "nobody")[1]
    assert printable("ändern\nада 名\x1b]0;x\x07\u202e\udcff") == "ändern\nада 名?]0;x???"


@pytest.mark.parametrize(("name", "file"), [("Ada Łovelace", "Ada-Łovelace"), ("ада", "ада"), ("名前", "名前"),
    ("noe\u0308l", "noël"), ("../../etc", "etc"), ("a/b\\c:d", "a-b-c-d"), ("\u202egnp", "gnp"), ("\udcff", "student"),
    ("", "student"), ("x" * 300, "x" * 60), ("名" * 300, "名" * 40)])  # fmt: skip
def test_names_of_files_are_those_of_people(name, file):
    """Any script is kept, since a folder of pages called student-7 helps nobody; no path, and short enough to write."""
    assert slug(name) == file
    assert len(file_name(name, "f" * 16).encode()) < 200


def test_students_whose_names_look_alike_get_a_page_each(course, run, tmp_path):
    kit.hand_in(tmp_path / "in", course, **{"b!": {}, "b?": {}, "B!": kit.WRONG})
    assert run("--to", "gradescope")[0] == 0
    for folder, count in (("feedback", 4), ("results", 4), ("gradescope", 4)):
        assert len({path.name.lower() for path in (tmp_path / "out" / folder).iterdir()}) == count

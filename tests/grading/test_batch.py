"""Batches: nothing lost, nothing done twice, no submission that stops the others."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from course_pkg.grading import batch as batches
from course_pkg.grading.batch import run, sweep
from course_pkg.grading.grade import Settings
from course_pkg.grading.keys import Key, key_path
from course_pkg.grading.results import file_name, read_result, read_results
from course_pkg.grading.submissions import find
from tests.grading import kit
from tests.grading.fake_box import FakeBox

ROOT = Path(__file__).resolve().parents[2]
CLASS = {"ada": {}, "boole": kit.WRONG, "curie": {kit.SUM: kit.WRONG[kit.SUM]}, "dirac": b"{", "euler": b""}


@pytest.fixture
def place(course, tmp_path):
    """A class that has handed in, and a folder for the run."""
    kit.hand_in(tmp_path / "in", course, **CLASS)
    FakeBox.opened = 0
    return tmp_path


def start(place, course, **options):
    options = {"jobs": 2} | options
    key = options.pop("key", kit.KEY)
    settings = options.pop("settings", kit.settings())
    return run(find(place / "in"), place / "out", kit.papers(course, key), settings, **options)


def scores(batch):
    return {result.student: result.score for result in batch.results}


def test_a_class_is_graded(place, course):
    batch = start(place, course)
    assert scores(batch) == {"ada": 20, "boole": 5, "curie": 15, "dirac": 0, "euler": 0}
    assert (batch.graded, batch.kept, batch.stopped) == (5, 0, False)
    reasons = {result.student: result.reasons for result in batch.results}
    assert reasons["dirac"] == ("json",) and reasons["euler"] == ("empty",)
    assert reasons["curie"] == ("right", "partial")
    assert len(read_results(place / "out/results")) == 5


def test_a_second_start_does_nothing_again(place, course):
    first = start(place, course)
    opened = FakeBox.opened
    second = start(place, course)
    assert (second.graded, second.kept, FakeBox.opened) == (0, 5, opened)
    assert [r.verdict for r in second.results] == [r.verdict for r in first.results]


def test_only_what_changed_is_graded_again(place, course):
    start(place, course)
    (place / "in/boole.ipynb").write_bytes(kit.notebook(course))
    kit.hand_in(place / "in", course, fermat={})
    batch = start(place, course)
    assert (batch.graded, batch.kept) == (2, 4)
    assert scores(batch)["boole"] == 20


@pytest.mark.parametrize("change", ["key", "level", "tests"])
def test_other_tests_or_another_level_are_another_run(place, course, change, tmp_path_factory):
    start(place, course)
    if change == "key":
        batch = start(place, course, key=Key("default", b"other" * 7))
    elif change == "level":
        batch = start(place, course, settings=replace(kit.settings(), level="B"))
        assert {result.level for result in batch.results} == {"B"}
    else:
        other = kit.small_course(tmp_path_factory.mktemp("other"))
        path = other / "solutions/tasks_04.py"
        path.write_text(path.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
        batch = start(place, other)
    assert batch.graded >= 3  # those without a chapter depend on no test
    assert scores(batch)["ada"] == 20


def test_a_damaged_or_half_written_result_is_made_again(place, course):
    batch = start(place, course)
    folder = place / "out/results"
    ada, boole = (folder / file_name(r.student, r.key) for r in batch.results[:2])
    ada.write_bytes(ada.read_bytes()[:-20])
    boole.write_text(json.dumps({"format": 0}), encoding="utf-8")
    (folder / f".{ada.name}.123.abc").write_bytes(b"{")
    assert read_result(ada) is None
    again = start(place, course)
    assert (again.graded, again.kept) == (2, 3)
    assert not list(folder.glob(".*"))
    assert scores(again) == scores(batch)


def test_again_and_only(place, course):
    start(place, course)
    batch = start(place, course, again=True)
    assert (batch.graded, batch.kept) == (5, 0)
    batch = start(place, course, again=True, only=["ada"])
    assert (batch.graded, batch.kept) == (1, 4)
    assert len(batch.results) == 5


def test_failures_of_the_grader_are_reported_stop_nobody_and_are_tried_again(place, course):
    class Broken(FakeBox):
        broken = True

        def load(self, cells):
            if self.broken and any("dh.sum" in source for _, source in cells):
                raise OSError("no space left on device")
            return super().load(cells)

    settings = replace(kit.settings(), box=Broken)
    batch = start(place, course, settings=settings)
    boole = next(result for result in batch.results if result.student == "boole")
    assert boole.status == "grader" and {q.reason for q in boole.questions} == {"grader"}
    assert "no space left" in " ".join(boole.questions[0].private)
    assert "no space left" not in " ".join(boole.questions[0].said)
    assert scores(batch)["ada"] == 20
    Broken.broken = False
    again = start(place, course, settings=settings)
    assert (again.graded, again.kept) == (1, 4)
    assert scores(again)["boole"] == 5


def test_what_raises_outside_a_box_becomes_a_result_too(place, course, monkeypatch):
    def fails(files, papers):
        if any(b"dh.sum" in data for data in files.values()):
            raise MemoryError
        return real(files, papers)

    from course_pkg.grading import grade

    real = grade.sheets_of
    monkeypatch.setattr(grade, "sheets_of", fails)
    batch = start(place, course)
    boole = next(result for result in batch.results if result.student == "boole")
    assert (boole.status, boole.score) == ("grader", 0) and "MemoryError" in boole.notes[0]
    assert scores(batch)["curie"] == 15


def test_ctrl_c_keeps_what_is_finished_and_the_next_start_goes_on(place, course, monkeypatch):
    class Impatient(batches._Lines):
        def update(self, count):
            super().update(count)
            if self.done == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(batches, "progress", Impatient)
    stopped = start(place, course, jobs=1)
    assert (stopped.graded, stopped.waiting, stopped.stopped) == (2, 3, True)
    monkeypatch.undo()
    batch = start(place, course)
    assert (batch.graded, batch.kept, batch.stopped) == (3, 2, False)
    assert scores(batch) == {"ada": 20, "boole": 5, "curie": 15, "dirac": 0, "euler": 0}


def test_a_stop_closes_the_boxes_that_are_open():
    closed = threading.Event()

    class Slow(FakeBox):
        def close(self):
            closed.set()

    boxes = batches.Boxes(Settings("A", box=Slow))
    with boxes.open(level="A"):
        boxes.stop()
        assert closed.is_set()
    with pytest.raises(RuntimeError, match="stopping"), boxes.open(level="A"):
        pass


def test_many_jobs_never_take_more_than_a_few_ahead(course, tmp_path):
    kit.hand_in(tmp_path / "in", course, **{f"s{k:03}": {} for k in range(40)})
    taken, most = [], 0

    class Counting(FakeBox):
        def __enter__(self):
            nonlocal most
            taken.append(1)
            most = max(most, len(taken) - len(list((tmp_path / "out/results").glob("*.json"))))
            return super().__enter__()

    batch = start(tmp_path, course, settings=replace(kit.settings(), box=Counting), jobs=3)
    assert batch.graded == 40 and most <= 2 * 3 + 3


def test_names_that_look_alike_keep_their_own_results(course, tmp_path):
    kit.hand_in(tmp_path / "in", course, **{"a b": {}, "a-b": kit.WRONG, "a_b": {}})
    assert scores(start(tmp_path, course)) == {"a b": 20, "a-b": 5, "a_b": 20}
    assert file_name("../../x", "k").startswith("x-")


def test_sweep_leaves_finished_results(tmp_path):
    for name in ("a.k.json", ".a.k.json.12.ff"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.k.json"]


def test_progress_without_a_terminal_tells_the_time_left(capsys):
    bar = batches._Lines(20)
    for _ in range(20):
        bar.update(1)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10 and lines[0].startswith("2 of 20 submissions, about ") and lines[-1].startswith("20 of 20")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="boxes of levels A and B need Linux")
def test_ctrl_c_on_the_real_command(course, tmp_path):
    """A signal to the whole group, as a terminal sends it: code 130, nothing left alive, and a restart completes."""
    slow = "import time\ntime.sleep(0.4)"
    students = {f"s{k:02}": kit.notebook(course, first=slow) for k in range(8)}
    kit.hand_in(tmp_path / "in", course, **students)
    key_path(tmp_path, "").parent.mkdir(parents=True)
    key = key_path(tmp_path, "")
    key.write_text(kit.KEY.secret.hex(), encoding="ascii")
    command = [sys.executable, "-m", "course_pkg", "grade", tmp_path / "in", "--out", tmp_path / "out"]
    command = [*map(str, command), "--course", str(course), "--key", str(key), "--jobs", "2",
               "--allow-unsafe"]  # fmt: skip
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, **pipes)
    signal.signal(signal.SIGINT, before)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "out/results").glob("*.json")) and time.monotonic() < deadline:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    finished = len(list((tmp_path / "out/results").glob("*.json")))
    assert 1 <= finished < 8 and b"Start the same command again" in said
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert answer.returncode == 0, answer.stderr
    assert f"{finished} known from before" in answer.stdout
    assert {r.score for r in read_results(tmp_path / "out/results")} == {20.0}

"""Grade the same answers with our grader and with nbgrader, and time both.

    make bench-grading                          everything: prints, records in experiments/results/bench_grading.json,
                                                writes the table of book/instructors.md (about a quarter of an hour)
    python -m tools.bench_grading --only ours   without nbgrader, printed only

Pairwise: each round grades the same class once with either, in turn, so that a busy machine slows both alike. We give
the median over the rounds, with the least and the greatest. Ours grades with two workers, as it does by itself on two
cores; nbgrader has one process. Seconds of CPU and memory are those of the whole process tree (tools/process_tree.py).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from course_pkg.grading.hidden import Papers
from course_pkg.grading.keys import term_key
from course_pkg.grading.results import read_results
from tools import grading_course as course
from tools.bench import spread
from tools.notebooks import ROOT
from tools.process_tree import Cost, measure

RECORD = ROOT / "experiments" / "results" / "bench_grading.json"
NBGRADER = ROOT / ".venv-nbgrader" / "bin"
PLAIN = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "COURSE_PROGRESS": "0"}
CLASS = 20  # students in a round


def ours(folder: Path, workers: int = 2) -> Callable[[], Cost]:
    """One run of `course grade` over folder/handed-in."""

    def run() -> Cost:
        out = folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        command = [sys.executable, "-m", "course_pkg", "grade", str(folder / "handed-in"), "--out", str(out),
                   "--course", str(folder / "course"), "--jobs", str(workers)]  # fmt: skip
        return measure(command, ROOT, os.environ | PLAIN)

    return run


def theirs(folder: Path) -> Callable[[], Cost]:
    """One run of `nbgrader autograde` over the same answers."""

    def run() -> Cost:
        shutil.rmtree(folder / "autograded", ignore_errors=True)
        path = f"{NBGRADER}{os.pathsep}{os.environ['PATH']}"
        command = [str(NBGRADER / "nbgrader"), "autograde", "ps1", "--force"]
        return measure(command, folder, os.environ | PLAIN | {"PATH": path, "HOME": str(folder)})

    return run


def prepare(folder: Path, count: int, with_nbgrader: bool) -> None:
    """Our course and nbgrader's, with the same class and the same hidden cases."""
    students = course.handed_in(count)
    root = course.write_course(folder / "course")
    course.write_submissions(folder / "handed-in", students)
    if with_nbgrader:
        questions = Papers(root, term_key(root)[0])[course.CHAPTER].questions
        place = course.write_nbgrader(folder / "nbgrader", students, list(questions))
        env = os.environ | {"PATH": f"{NBGRADER}{os.pathsep}{os.environ['PATH']}", "HOME": str(place)}
        made = measure([str(NBGRADER / "nbgrader"), "generate_assignment", "ps1"], place, env)
        if made.code:
            raise SystemExit(f"nbgrader could not make the assignment:\n{made.output}")


def our_marks(folder: Path) -> dict[str, float]:
    """Student -> share of the points, ours."""
    return {r.student: r.score / r.max_score for r in read_results(folder / "out" / "results")}


def their_marks(folder: Path) -> dict[str, float]:
    """Student -> share of the points, from nbgrader's gradebook."""
    query = """select student.id, sum(coalesce(grade.manual_score, grade.auto_score)) from student
               join submitted_assignment as s on s.student_id = student.id
               join submitted_notebook as n on n.assignment_id = s.id
               join grade on grade.notebook_id = n.id group by student.id"""
    with sqlite3.connect(folder / "nbgrader" / "gradebook.db") as book:
        return {student: score / 30 for student, score in book.execute(query)}


def rounds(folder: Path, count: int, with_nbgrader: bool) -> tuple[dict[str, list[Cost]], str]:
    """Grader -> what each round cost; and whether both gave full marks to the same students."""
    contestants = {"ours": ours(folder)} | ({"nbgrader": theirs(folder / "nbgrader")} if with_nbgrader else {})
    costs: dict[str, list[Cost]] = {name: [] for name in contestants}
    names = list(contestants)
    for turn in range(count):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            cost = contestants[name]()
            if cost.code not in (0, 1):
                raise SystemExit(f"{name} failed:\n{cost.output[-3000:]}")
            costs[name].append(cost)
            print(f"  round {turn + 1}: {name:<9}{cost.wall_s:7.2f} s wall {cost.cpu_s:7.2f} s CPU "
                  f"{cost.peak_mib:6.0f} MiB", flush=True)  # fmt: skip
    if not with_nbgrader:
        return costs, "not compared"
    mine, other = our_marks(folder), their_marks(folder)
    full = [{student for student, mark in marks.items() if mark > 0.999} for marks in (mine, other)]
    if set(mine) != set(other) or full[0] != full[1]:
        return costs, f"different: {sorted(full[0] ^ full[1])}"
    return costs, "the same"


def summary(costs: list[Cost], students: int) -> dict[str, Any]:
    return {
        "wall_s_per_submission": spread([c.wall_s / students for c in costs]),
        "cpu_s_per_submission": spread([c.cpu_s / students for c in costs]),
        "peak_mib": spread([c.peak_mib for c in costs]),
    }


def single(folder: Path, times: int) -> dict[str, Any]:
    """The whole command for one submission, from its start to its end."""
    prepare(folder, 1, False)
    run = ours(folder, workers=1)
    run()
    return summary([run() for _ in range(times)], 1)


def batch(folder: Path, count: int) -> dict[str, Any]:
    """A thousand submissions at once."""
    prepare(folder, count, False)
    cost = ours(folder)()
    marks = our_marks(folder)
    assert len(marks) == count, f"{len(marks)} of {count} were graded:\n{cost.output[-2000:]}"
    return {"submissions": count, "wall_s": cost.wall_s, "cpu_s_per_submission": cost.cpu_s / count,
            "peak_mib": cost.peak_mib}  # fmt: skip


def level(folder: Path) -> str:
    """The isolation that our results were stamped with."""
    return "".join(sorted({r.level for r in read_results(folder / "out" / "results")}))


def conditions(folder: Path, count: int) -> dict[str, Any]:
    """Where and how it was measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    version = measure([str(NBGRADER / "nbgrader"), "--version"]).output.split()[-1] if NBGRADER.exists() else ""
    return {"command": "make bench-grading", "rounds": count, "students": CLASS, "functions": list(course.IDS),
            "processor": processor, "cores": os.cpu_count(), "python": platform.python_version(),
            "nbgrader": version, "level": level(folder), "load_before": round(os.getloadavg()[0], 1)}  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when everything was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=1000, help="submissions of the large batch")
    parser.add_argument("--only", choices=["ours"], help="without nbgrader; nothing is recorded")
    options = parser.parse_args(arguments)
    with_nbgrader = options.only is None
    if with_nbgrader and not (NBGRADER / "nbgrader").exists():
        print("nbgrader is not installed; `make bench-grading` installs it into an environment of its own")
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"A class of {CLASS}, three functions each:")
        prepare(folder / "class", CLASS, with_nbgrader)
        costs, agree = rounds(folder / "class", options.rounds, with_nbgrader)
        record = {"conditions": conditions(folder / "class", options.rounds), "full_marks": agree,
                  "graders": {who: summary(found, CLASS) for who, found in costs.items()}}  # fmt: skip
        if with_nbgrader:
            pairs = list(zip(costs["nbgrader"], costs["ours"], strict=True))
            record["ratios"] = {"wall": spread([a.wall_s / b.wall_s for a, b in pairs]),
                                "cpu": spread([a.cpu_s / b.cpu_s for a, b in pairs])}  # fmt: skip
        record["single"] = single(folder / "single", 5)
        record["batch"] = batch(folder / "batch", options.batch)
    print(json.dumps(record, indent=1))
    if with_nbgrader:
        RECORD.write_text(json.dumps(record, indent=1) + "\n", "utf8")
    return 0 if agree in ("the same", "not compared") else 1


if __name__ == "__main__":
    sys.exit(main())

"""The demonstration of book/instructors.md: a term, chapters 3 and 4, nine students, played by the real commands."""

from __future__ import annotations

import contextlib
import csv
import html
import io
import os
import re
import shutil
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

from course_pkg.cli import main
from tests.grading import term

KINDS = ("right", "right in another way", "one known mistake", "one not written", "nothing written",
         "last year's answers", "a file cut off", "ends the process", "patches NumPy")  # fmt: skip
MOODLE = ["Identifier,Full name,Email address,Status,Grade,Maximum grade,Feedback comments",
          "Participant 501,Ada,ada@uni.example,Submitted,,20.00,",
          "Participant 502,Jacobi,jacobi@uni.example,Submitted,,20.00,",
          "Participant 503,Nobody,nobody@uni.example,No submission,,20.00,"]  # fmt: skip
OF = ["--term", term.TERM]


def play() -> dict[str, str]:
    """Block -> text."""
    with tempfile.TemporaryDirectory() as name, _inside(Path(name)):
        root = term.course(Path("course"))
        out = {"release": shown("release", "bundle", *OF)}
        (root / ".course" / "keys" / f"{term.TERM}.key").write_text(term.KEY + "\n")  # the same hidden tests each time
        students = {s.kind: s for s in reversed(term.Class(root, Path("bundle")).fill())}
        mine = sorted((students[kind] for kind in KINDS), key=lambda student: student.name)
        term.hand_in(Path("handed-in"), mine)
        out["who"] = who(mine)
        out["grade"] = shown("grade", "handed-in", "--out", "grades", *OF)
        out["grades"] = grades(Path("grades/grades.csv"))
        mistaken = students["one known mistake"].name
        out["feedback"] = page(Path(f"grades/feedback/{mistaken}.html"))
        out["again"] = shown("grade", "handed-in", "--out", "grades", *OF)
        Path("moodle.csv").write_text("\n".join(MOODLE) + "\n")
        out["moodle"] = shown("grade", "handed-in", "--out", "grades", *OF, "--to", "moodle", "moodle.csv")
        lines = Path("grades/moodle.csv").read_text("utf-8-sig").splitlines()
        out["moodle-file"] = "```text\n" + "\n".join(f"{line[:76]} ..." for line in lines) + "\n```"
        out["shards"] = "\n".join(
            [shown("grade", "handed-in", "--out", f"part-{k}", *OF, "--shard", f"{k}/2", keep=1) for k in (1, 2)]
            + [shown("merge", "part-1", "part-2", "--out", "merged"), shown("diff", "grades", "merged")]
        ).replace("\n```\n```text\n", "\n")
        out["unsafe"] = shown("grade", "handed-in", "--out", "unsafe", *OF, "--level", "D")
        out["appeal"] = appeal(students["one not written"], students["right"])
        shutil.copy(f"handed-in/{mistaken}/03_recurrent_neuron.ipynb", "bundle/exercises")
        out["check"] = shown("check", "bundle/exercises/03_recurrent_neuron.ipynb", keep=9)
    return out


def appeal(forgot: term.Student, right: term.Student) -> str:
    """One student hands in again; the two runs are compared."""
    shutil.copytree("grades", "appeal")
    term.hand_in(Path("handed-in"), [term.Student(forgot.name, "", right.files)])
    said = ["```text\n$ cp -r grades appeal\n```", shown("grade", "handed-in", "--out", "appeal", *OF)]
    return "\n".join([*said, shown("diff", "grades", "appeal")]).replace("\n```\n```text\n", "\n")


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def shown(*arguments: str, keep: int = 0) -> str:
    """A command and what it prints, as a block; `keep`: so many lines of it, from the end when negative."""
    out = io.StringIO()
    words = list(arguments) if arguments[0] in ("merge", "diff", "check") else [*arguments, "--course", "course"]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        main(words)
    lines = [line for line in out.getvalue().splitlines() if not re.search(r"about \d+ s left|^  course_pkg/", line)]
    if keep:
        lines = lines[:keep] + ["..."] if keep > 0 else lines[keep:]
    command = "course " + " ".join(f'"{word}"' if " " in word else word for word in arguments)
    return "```text\n$ " + command + "\n" + "\n".join(_wrapped(lines)) + "\n```"


def _wrapped(lines: list[str]) -> Iterator[str]:
    for line in lines:
        line = re.sub(r"course/\.course", ".course", line)
        whole = {"break_long_words": False, "break_on_hyphens": False}
        yield from textwrap.wrap(line, 80, subsequent_indent="    ", **whole) or [""]


def who(students: list[term.Student]) -> str:
    """Name and what was handed in."""
    return "\n".join(["| student | handed in |", "|---|---|", *(f"| {s.name} | {s.kind} |" for s in students)])


def grades(path: Path) -> str:
    """The gradebook, without the columns of the single exercises."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    out = ["| student | ... | total | out of | percent | level | needs a look |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        look = row["needs a look"].replace("|", "\\|")
        out.append(f"| {row['student']} | ... | {row['total']} | {row['out of']} | {row['percent']} | {row['level']} | "
                   f"{look} |")  # fmt: skip
    return "\n".join(out)


def page(path: Path) -> str:
    """The words of a feedback page, from its top to the first exercise that is not right."""
    body = path.read_text("utf8").partition("<main")[2].partition("<footer>")[0].partition(">")[2]
    wrong = body.find('class="card partial"'), body.find('class="card wrong"')
    end = body.find("</section>", min(k for k in wrong if k >= 0))
    text = re.sub(r"</?(?:code|span|strong)[^>]*>", "", body[:end])
    text = html.unescape(re.sub(r"<[^>]+>", "", re.sub(r"(</[^>]+>)", r"\1\n", text)))
    lines = [line.strip() for line in text.split("\n")]
    return "```text\n" + "\n".join(_wrapped([line for line in lines if line])) + "\n```"

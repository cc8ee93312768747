"""A term with two chapters and thirty students: what they hand in, and what each of them deserves.

The notebooks are those of the released bundle, filled in with the term's own solutions, known mistakes, last year's
answers, oddities and attacks. tests/grading/test_term.py plays it through the command line.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course_pkg.exercises import markers
from course_pkg.exercises.declare import Alternative, Exercise
from course_pkg.exercises.sources import Chapter
from course_pkg.exercises.variants import chapters_of_term
from tests.grading.corpus.base import code
from tools.notebooks import ROOT

TERM, LAST_YEAR = "2027-spring", "2026-spring"
NUMBERS = ("03", "04")
KEY = "5" * 64
POINTS = 100.0  # two chapters, five exercises each, ten points an exercise
NAMES = """ada boole cantor dirac euler fermat gauss hopper ito jacobi klein lagrange markov noether oresme pascal
quine riemann sylvester turing ulam viete weyl xenakis young zeno abel bayes cauchy descartes""".split()


@dataclass(frozen=True)
class Student:
    """Files by name; lost: exercise -> what is known of its points ("none", or "some" less than all)."""

    name: str
    kind: str
    files: dict[str, bytes]
    lost: dict[str, str] = field(default_factory=dict)
    hint: str = ""


def course(folder: Path) -> Path:
    """The course with two chapters: what `--course` needs of the repository."""
    (folder / "solutions").mkdir(parents=True)
    for number in NUMBERS:
        for path in sorted((ROOT / "solutions").glob(f"*{number}*")):
            shutil.copy(path, folder / "solutions" / path.name)
    for name in ("LICENSE", "requirements.txt", "pyproject.toml", "exercises"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    (folder / "course_pkg").symlink_to(ROOT / "course_pkg")
    (folder / "term.key").write_text(KEY + "\n")
    return folder


class Answers:
    """The answers of a term: solution, mistakes, other right ways, as the cells that a student would write."""

    def __init__(self, root: Path, term: str) -> None:
        self.chapters: dict[str, Chapter] = {c.number: c for c in chapters_of_term(root, term)}
        self.exercises: list[Exercise] = [e for c in self.chapters.values() for e in c.exercises]

    def solution(self, exercise: Exercise, pairs: list[tuple[str, str]] | None = None) -> str:
        """The term's solution, edited by `pairs`, without the markers."""
        cell = self.chapters[exercise.chapter].notebook.task(exercise.id)
        source = markers.edit(cell.source, pairs or [], exercise.id, cell.number)
        return "\n".join(line for line in source.splitlines() if "### " not in line)

    def all(self) -> dict[str, str]:
        """Exercise -> right answer."""
        return {exercise.id: self.solution(exercise) for exercise in self.exercises}

    def other(self) -> dict[str, str]:
        """Exercise -> right answer written otherwise, where that is declared as an edit."""
        out = self.all()
        for exercise in self.exercises:
            edits = [a for a in exercise.alternatives if isinstance(a, Alternative)]
            if edits:
                out[exercise.id] = self.solution(exercise, edits[-1].pairs)
        return out

    def mistake(self, id: str, position: int) -> tuple[str, str]:
        """The answer with a known mistake, and the hint for it."""
        exercise = next(e for e in self.exercises if e.id == id)
        mutant = exercise.mutants[position]
        return self.solution(exercise, mutant.pairs), mutant.hint


class Class:
    """Makes the thirty students of a term from the released bundle."""

    def __init__(self, root: Path, bundle: Path) -> None:
        self.now, self.before = Answers(root, TERM), Answers(root, LAST_YEAR)
        self.blank = {p.name: p.read_bytes() for p in sorted((bundle / "exercises").glob("0[34]_*.ipynb"))}
        self.students: list[Student] = []

    def files(self, answers: dict[str, str], first: str = "", change: Callable[[dict], Any] | None = None) -> dict:
        """The bundle's notebooks with these answers; each student's has a comment of its own."""
        out = {}
        for name, data in self.blank.items():
            notebook = json.loads(data)
            for cell in notebook["cells"]:
                id = cell["metadata"].get("exercise", {}).get("id")
                if id in answers:
                    cell["source"] = answers[id]
            notebook["cells"].append(code(f"# handed in by {NAMES[len(self.students)]}", "mine"))
            if first:
                notebook["cells"].insert(2, code(first, "first"))
            if change:
                change(notebook)
            out[name] = json.dumps(notebook).encode()
        return out

    def add(self, kind: str, files: dict[str, bytes], lost: dict[str, str] | None = None, hint: str = "") -> None:
        """One student more."""
        self.students.append(Student(NAMES[len(self.students)], kind, files, lost or {}, hint))

    def fill(self) -> list[Student]:
        """All thirty."""
        right, ids = self.now.all(), [e.id for e in self.now.exercises]
        for _ in range(6):
            self.add("right", self.files(right))
        for _ in range(3):
            self.add("right in another way", self.files(self.now.other()))
        for k, id in enumerate(("03-rnn-step", "03-rnn-sequence", "03-last-answer", "04-through-tanh", "04-bptt")):
            source, hint = self.now.mistake(id, k % 3)
            self.add("one known mistake", self.files(right | {id: source}), {id: "some"}, hint)
        for id in ("03-jordan-step", "04-truncated"):
            rest = {k: v for k, v in right.items() if k != id}
            self.add("one not written", self.files(rest), {id: "none"})
        self._odd(right, ids)
        self._attacks(right)
        return self.students

    def _odd(self, right: dict[str, str], ids: list[str]) -> None:
        self.add("nothing written", dict(self.blank), dict.fromkeys(ids, "none"))
        versions = {e.id: e.version for e in self.before.exercises}
        other = {e.id: "none" for e in self.now.exercises if e.version != versions[e.id]}
        self.add("last year's answers", self.files(right | self.before.all()), other)
        only = {name: data for name, data in self.files(right).items() if name.startswith("03")}
        self.add("one chapter only", only, {id: "none" for id in ids if id.startswith("04")})
        files = self.files(right)
        broken = next(name for name in files if name.startswith("04"))
        cut = files | {broken: files[broken][: len(files[broken]) // 2]}
        self.add("a file cut off", cut, {id: "none" for id in ids if id.startswith("04")})
        self.add("UTF-16", {name: data.decode().encode("utf-16") for name, data in self.files(right).items()})
        self.add("magics", self.files(right, first="%matplotlib inline\n!pip install numpy"))
        self.add("a scratch cell that fails", self.files(right, first="1 / 0"))
        self.add("metadata lost", self.files(right, change=_without_metadata))

    def _attacks(self, right: dict[str, str]) -> None:
        step = right["03-rnn-step"]
        head = step.splitlines()[0]
        lost = {"03-rnn-step": "none"}

        def attack(kind: str, body: str, first: str = "", loses: dict[str, str] = lost) -> None:
            self.add(kind, self.files(right | {"03-rnn-step": f"{head}\n    {body}"}, first), loses)

        attack("ends the process", "import os; os._exit(0)")
        attack("never ends", "while True: pass")
        attack("always equal", "return type('E', (), {'__eq__': lambda s, o: True, '__class__': np.ndarray})()")
        attack("tells its inputs", "raise ValueError(repr([v.tolist() for v in locals().values()]))")
        patch = "np.allclose = np.isclose = np.array_equal = lambda *a, **k: True"
        attack("patches NumPy", "return 0.0", patch)
        self.add("forks in a cell", self.files(right, first="import os\nos.fork()"))


def _without_metadata(notebook: dict[str, Any]) -> None:
    for k, cell in enumerate(notebook["cells"]):
        cell["metadata"], cell["id"] = {}, f"cell-{k}"


def hand_in(folder: Path, students: list[Student]) -> Path:
    """folder/<student>/<file>, as a download has it."""
    for student in students:
        for name, data in student.files.items():
            path = folder / student.name / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return folder

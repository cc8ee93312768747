"""`course release OUT --term NAME`: the bundle for students, made from the one source and proved to give nothing away.

The bundle is built in memory and written beside its place. Then it is read again from the disk, by code that does not
know how it was made (leaks.py), and moved to its place only if nothing was found.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..exercises.declare import Exercise
from ..exercises.generate import plan
from ..exercises.sources import Chapter, chapters
from ..exercises.variants import BOOK, chapters_of_term, versions
from .hidden import make_question
from .keys import GradingError, Key, term_key
from .leaks import PACKAGE, READABLE, Findings, Leak, Secrets, inspect

COURSE = Path(__file__).resolve().parents[2]
TOOLS = ("numpy", "jupyterlab", "matplotlib", "tqdm")  # what students install, with the versions of requirements.txt
MODULES = {"sklearn": "scikit-learn", "scipy": "scipy", "torch": "torch", "ipywidgets": "ipywidgets"}


@dataclass(frozen=True)
class Report:
    """What was released and what was looked for; str(report) is for the instructor to read."""

    out: Path
    term: str | None
    chapters: int
    exercises: int
    changed: Mapping[str, str]  # exercise -> its version, where that is not the book's
    findings: Findings
    searched: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        shared = [leak for leak in self.findings.shared if "line of the solution" in leak.what]
        whose = f"the term {self.term}" if self.term else "no term: every task in the book's own version"
        lines = [
            f"{self.out}: {self.chapters} notebooks with {self.exercises} exercises, for {whose}.",
            f"In another version than the book's: {len(self.changed)}."
            + "".join(f"\n  {id}: {version}" for id, version in self.changed.items()),
            f"Searched {self.findings.files} files and {self.findings.numbers} numbers for "
            + ", ".join(f"{count} {what}" for what, count in self.searched.items())
            + ": found none.",
            f"Lines of solutions that the published course_pkg has, too: {len(shared)} (always less than half of "
            "a solution, or its only line)." + "".join(f"\n  {leak}" for leak in shared),
            "The grader's boxes hold no course_pkg, so calling it in an answer earns nothing.",
        ]
        return "\n".join(lines)


class LeakError(GradingError):
    """The bundle would give something away; it was not released."""

    def __init__(self, leaks: list[Leak]) -> None:
        self.leaks = leaks
        shown = "".join(f"\n  {leak}" for leak in leaks[:20]) + ("\n  ..." if len(leaks) > 20 else "")
        super().__init__(f"not released, the bundle would give away ({len(leaks)}):{shown}")


def release(out: Path, term: str | None = None, *, root: Path = COURSE, key: Key | None = None) -> Report:
    """Make the bundle of a term in the new folder `out`. LeakError, and no folder, if it gives anything away."""
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise GradingError(f"{out} is there already; name a new folder")
    key = key or term_key(root, term or "")[0]
    found = chapters_of_term(root, term)
    files = bundle(root, term, found)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".release-", dir=out.parent) as beside:
        made = Path(beside) / "bundle"
        for name, data in files.items():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).write_bytes(data)
        report = prove(made, files, root, term, found, key, out)
        if out.exists():
            out.rmdir()
        shutil.move(made, out)
    return report


def prove(
    made: Path, files: Mapping[str, bytes], root: Path, term: str | None, found: list[Chapter], key: Key, out: Path
) -> Report:
    """Read the finished folder; LeakError for whatever must not be there."""
    secrets, searched = secrets_of(root, found, key)
    findings = inspect(made, secrets, root / "course_pkg")
    leaks = findings.leaks + strangers(made, files)
    if leaks:
        raise LeakError(leaks)
    exercises = [exercise for chapter in found for exercise in chapter.exercises]
    changed = {exercise.id: exercise.version for exercise in exercises if exercise.version != BOOK}
    return Report(out, term, len(found), len(exercises), changed, findings, searched)


def secrets_of(root: Path, found: list[Chapter], key: Key) -> tuple[Secrets, dict[str, int]]:
    """The solutions and mutants of every version, the hidden cases of this term, the key; and how many of each."""
    secrets, hidden = Secrets(key=key.secret.hex()), 0
    count = {"solutions": 0, "mutants": 0}
    for book, chapter in zip(chapters(root), found, strict=True):
        for exercise in chapter.exercises:
            others = [(other, _exercise(other, exercise.id)) for other in versions(root, book, exercise.id).values()]
            for other, version in others:
                secrets.add_solution(other, version)
                count["solutions"] += 1
            for _, version in others:  # last, since the solution of one version is a mutant of the others
                secrets.add_mutants(version)
                count["mutants"] += len(version.mutants)
            secrets.add_public(exercise)
            task = make_question(chapter, exercise, key).hidden
            secrets.add_hidden(task)
            hidden += len(task.cases)
    return secrets, count | {"hidden cases": hidden, "keys": 1}


def _exercise(chapter: Chapter, id: str) -> Exercise:
    return next(exercise for exercise in chapter.exercises if exercise.id == id)


def strangers(made: Path, files: Mapping[str, bytes]) -> list[Leak]:
    """Files that nothing accounts for, or that are not what was meant to be there."""
    present = {path.relative_to(made).as_posix(): path for path in made.rglob("*") if path.is_file()}
    out = [Leak(name, "does not belong into the bundle") for name in sorted(present.keys() - files.keys())]
    out += [Leak(name, "is missing") for name in sorted(files.keys() - present.keys())]
    same = sorted(present.keys() & files.keys())
    return out + [Leak(name, "was changed") for name in same if present[name].read_bytes() != files[name]]


def bundle(root: Path, term: str | None, found: list[Chapter]) -> dict[str, bytes]:
    """Path -> bytes of everything that students get."""
    files = {f"exercises/{name}": data for name, data in plan(root, term).items()}
    files["exercises/README.md"] = _for_students(files["exercises/README.md"].decode()).encode()
    for path in sorted((root / "course_pkg").rglob("*")):
        if path.is_file() and path.suffix in READABLE and path.suffix and "__pycache__" not in path.parts:
            files[PACKAGE + path.relative_to(root / "course_pkg").as_posix()] = path.read_bytes()
    files["LICENSE"] = (root / "LICENSE").read_bytes()
    files["requirements.txt"] = _requirements(root, found).encode()
    files["pyproject.toml"] = _pyproject(root).encode()
    text = Path(__file__).with_name("student_readme.md").read_text(encoding="utf-8")
    title = f"Exercises, {term}" if term else "Exercises"
    files["README.md"] = text.replace("TITLE", title).encode()
    return files


def _for_students(text: str) -> str:
    """exercises/README.md without what only the whole repository has."""
    begin, end = text.index("This folder is"), text.index("3. Run the cells")
    first = "1. Install the course as [README.md](../README.md) says.\n2. Open a notebook here.\n"
    text = text[:begin] + first + text[end:]
    return text[: text.index("\nThese files are generated")]


def _requirements(root: Path, found: list[Chapter]) -> str:
    """The versions of what the exercises import, and the course itself."""
    pins = dict(line.split("==") for line in _lines(root / "requirements.txt"))
    source = "\n".join(cell.source for chapter in found for cell in chapter.notebook.cells if cell.is_setup)
    more = [name for module, name in MODULES.items() if re.search(rf"^\s*(import|from) {module}\b", source, re.M)]
    return "".join(f"{name}=={pins[name]}\n" for name in (*TOOLS, *more)) + "-e .\n"


def _lines(path: Path) -> list[str]:
    bare = [line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in bare if line]


def _pyproject(root: Path) -> str:
    """What pip needs to install course_pkg, from the course's own file."""
    whole = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    project = whole["project"]
    scripts = "".join(f'{name} = "{target}"\n' for name, target in project.get("scripts", {}).items())
    return f"""[build-system]
requires = ["setuptools>=68"]
build-backend = "setuptools.build_meta"

[project]
name = "{project["name"]}"
version = "{project["version"]}"
description = "{project["description"]}"
requires-python = "{project["requires-python"]}"
dependencies = {project["dependencies"]!r}
{chr(10) + "[project.scripts]" + chr(10) + scripts if scripts else ""}
[tool.setuptools.packages.find]
include = ["course_pkg*"]

[tool.setuptools.package-data]
"*" = {whole["tool"]["setuptools"]["package-data"]["*"]!r}
""".replace("'", '"')

"""What the subcommands of `course` do, in the order in which an instructor needs them."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..exercises.check import PLACES, load
from ..exercises.judge import Task, judge_through
from ..exercises.messages import as_text
from .batch import run
from .grade import Settings, failed_cells, public_words
from .gradebook import Gradebook, plain
from .hidden import Papers
from .keys import GradingError, Key, key_path, read_key, term_key
from .runs import about_batch, read_run, write_reports
from .runs import diff as diff_of
from .runs import merge as merge_runs
from .sheets import sheets_of
from .submissions import Handed, find

if TYPE_CHECKING:
    from .exports import Filled

NEEDS_FILE = {"canvas": "the gradebook that you exported from Canvas",
              "moodle": "the grading worksheet that you downloaded from Moodle",
              "nbgrader": "the database, such as gradebook.db"}  # fmt: skip


def release(arguments: argparse.Namespace) -> int:
    """course release"""
    from .release import release as make

    report = make(arguments.out, arguments.term or None, root=arguments.course, key=_key(arguments))
    print(report)
    return 0


def grade(arguments: argparse.Namespace) -> int:
    """course grade"""
    exports = [_export(words_) for words_ in arguments.to]
    if arguments.jobs < 0:
        raise GradingError(f"--jobs is how many at once, 1 or more, not {arguments.jobs}")
    settings = Settings(arguments.level, arguments.allow_unsafe).ready()
    handed = _shard(find(arguments.submissions, arguments.out), arguments.shard)
    _refuse_unknown(arguments.only, handed)
    papers = Papers(arguments.course, _key(arguments), arguments.term, _chapters(arguments.chapters))
    print(f"{len(handed)} {'submission' if len(handed) == 1 else 'submissions'}, isolation level {settings.level}",
          file=sys.stderr)  # fmt: skip
    batch = run(handed, arguments.out, papers, settings, jobs=arguments.jobs, again=arguments.again,
                only=arguments.only, scheduler=arguments.scheduler)  # fmt: skip
    used = sorted({chapter for result in batch.results for chapter in result.tests})
    titles = {chapter: papers.title(chapter) for chapter in used}
    why = getattr(settings.level, "why", {})
    book = write_reports(arguments.out, batch.results, about_batch(batch, why), titles)
    print(_graded(book, batch.kept, batch.seconds))
    for system, file in exports:
        print(printable(str(_fill(system, file, book, arguments.out, arguments.column))))
    print(f"{arguments.out / 'summary.html'}  {arguments.out / 'grades.csv'}  {arguments.out / 'feedback'}")
    if batch.stopped:
        print(f"Stopped: {batch.waiting} not graded yet. Start the same command again to go on.", file=sys.stderr)
        return 130
    failed = [row.student for row in book.rows if row.result.status != "graded"]
    if failed:
        shown = ", ".join(map(printable, failed[:10])) + (", ..." if len(failed) > 10 else "")
        print(f"Not graded: {shown}. The summary says why.", file=sys.stderr)
    return 1 if failed else 0


def check(arguments: argparse.Namespace) -> int:
    """course check: the public cases of checks/NN.json alone; no solutions, no key, and every level is good enough."""
    if not arguments.notebook.is_file():
        raise GradingError(f"there is no notebook {arguments.notebook}")
    public = Public(arguments.notebook)
    settings = Settings(arguments.level, allow_unsafe=True).ready()
    sheets, files = sheets_of(find(arguments.notebook)[0].read(), public)
    for file in files:
        for said in (file.reason and f"{file.name}: {file.reason}. {file.detail}", *file.oddities):
            if said:
                print(printable(said))
    if not sheets or any(sheet.reason for sheet in sheets.values()):
        return 1
    ((number, sheet),) = sheets.items()
    torch = any("import torch" in source for _, source in sheet.cells)
    with settings.box(level=settings.level, torch=torch, limits=settings.limits) as box:  # type: ignore[misc]
        for said in failed_cells(box.load(sheet.cells)):
            print(printable(said))
        verdicts = [judge_through(box, task) for task in public[number]]
    for verdict in verdicts:
        print(printable(as_text(list(public_words(verdict)))))
    right = sum(verdict.right for verdict in verdicts)
    print(f"\n{right} of {len(verdicts)} exercises right.")
    return 0 if right == len(verdicts) else 1


class Public(Mapping[str, list[Task]]):
    """The public tasks of every chapter, from the folder `checks` that belongs to a notebook."""

    def __init__(self, notebook: Path) -> None:
        places = [notebook.resolve().parent / place for place in PLACES]
        found = next((place for place in places if any(place.glob("[0-9][0-9].json"))), None)
        if found is None:
            raise GradingError(f"there is no folder `checks` beside {notebook}; copy it there from the course")
        self._files = {path.stem: path for path in sorted(found.glob("[0-9][0-9].json"))}

    def __getitem__(self, number: str) -> list[Task]:
        try:
            return load(self._files[number])
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise GradingError(f"{self._files[number].name} in the folder `checks` is damaged: {error}") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, number: object) -> bool:
        return number in self._files

    def functions(self, number: str) -> dict[str, str]:
        """id -> function of a chapter's exercises."""
        return {task.id: task.function for task in self[number]}


def merge(arguments: argparse.Namespace) -> int:
    """course merge"""
    book, conflicts = merge_runs(arguments.runs, arguments.out)
    for conflict in conflicts:
        print(printable(conflict), file=sys.stderr)
    print(f"{len(book.rows)} submissions from {len(arguments.runs)} runs: {arguments.out / 'summary.html'}")
    return 1 if conflicts else 0


def diff(arguments: argparse.Namespace) -> int:
    """course diff"""
    found = diff_of(*arguments.runs)
    print(printable("\n".join(found)) or f"No difference in {len(read_run(arguments.runs[0]).results)} submissions.")
    return 1 if found else 0


def printable(text: str) -> str:
    """Text that may hold names of files and words of students, with a question mark for what steers a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


def _key(arguments: argparse.Namespace) -> Key:
    if not any((arguments.course / "solutions").glob("tasks_[0-9][0-9].py")):  # before a key is made that is no use
        raise GradingError(f"there are no solutions/tasks_NN.py below {arguments.course}; name the course by --course")
    if arguments.key:
        return read_key(arguments.key, arguments.term)
    key, made = term_key(arguments.course, arguments.term)
    if made:
        place = key_path(arguments.course, arguments.term)
        print(f"Made the key of this term: {place}\nKeep it and show it to nobody. The hidden tests are drawn from it.",
              file=sys.stderr)  # fmt: skip
    return key


def _export(words_: Sequence[str]) -> tuple[str, Path | None]:
    system, *rest = words_
    if system not in (*NEEDS_FILE, "gradescope"):
        raise GradingError(f"--to knows canvas, moodle, gradescope and nbgrader, not {system!r}")
    if system in NEEDS_FILE and len(rest) != 1:
        raise GradingError(f"--to {system} needs one file: {NEEDS_FILE[system]}")
    if system == "gradescope" and rest:
        raise GradingError("--to gradescope takes no file; it writes OUT/gradescope")
    if system in ("canvas", "moodle") and not Path(rest[0]).is_file():
        raise GradingError(f"--to {system}: there is no file {rest[0]}")
    return system, Path(rest[0]) if rest else None


def _fill(system: str, file: Path | None, book: Gradebook, out: Path, column: str) -> Filled:
    from .exports import canvas, gradescope, moodle

    if system == "gradescope" or file is None:
        return gradescope(book, out / "gradescope")
    if system == "nbgrader":
        from .export_nbgrader import nbgrader

        return nbgrader(book, file)
    return {"canvas": canvas, "moodle": moodle}[system](book, file, out / f"{system}.csv", column)


def _refuse_unknown(wanted: Sequence[str], handed: Sequence[Handed]) -> None:
    known = [one.student for one in handed]
    missing = [name for name in wanted if name not in known]
    if missing:
        from difflib import get_close_matches

        close = get_close_matches(missing[0], known, n=3, cutoff=0.3)
        meant = printable(", ".join(close) or "another")
        raise GradingError(f"there is no submission of {missing[0]}; did you mean {meant}?")


def _shard(handed: list[Handed], share: str) -> list[Handed]:
    if not share:
        return handed
    match = re.fullmatch(r"(\d+)/(\d+)", share)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise GradingError(f"--shard is I/N with I from 1 to N, such as 2/8, not {share!r}")
    return handed[int(match[1]) - 1 :: int(match[2])]


def _chapters(text: str) -> list[str]:
    if text and not re.fullmatch(r"\d{1,2}(,\d{1,2})*", text):
        raise GradingError(f"--chapters is a list of numbers, such as 03,04, not {text!r}")
    return [number.zfill(2) for number in text.split(",") if number]


def _graded(book: Gradebook, kept: int, seconds: float) -> str:
    new = len(book.rows) - kept
    known = f", {kept} known from before" if kept else ""
    mean = sum(row.points for row in book.rows) / max(1, len(book.rows))
    return (f"Graded {new} in {seconds:.1f} s{known}. Mean {plain(mean)} of {plain(book.most)} points, "
            f"{len(book.columns)} exercises.")  # fmt: skip

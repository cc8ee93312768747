"""Grade an entry and say in which points its result is not what it deserves; used by the tests and by the table."""

from __future__ import annotations

import ctypes
import os
import re
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from course_pkg.grading.box import Limits
from course_pkg.grading.feedback import feedback_page
from course_pkg.grading.grade import Settings, grade_submission
from course_pkg.grading.gradebook import gradebook
from course_pkg.grading.hidden import Label, Papers, Sealed
from course_pkg.grading.keys import Key
from course_pkg.grading.results import SubmissionResult
from course_pkg.grading.summary import About, summary_page
from tools.process_tree import tree

from .base import CHAPTER, FUNCTIONS, IDS, RIGHT, ROOT, Entry, Where, notebook, share

LIMITS = Limits(wall_s=1.5, call_s=0.5, memory_mb=256)
NAME = f"{CHAPTER}.ipynb"
PLACES = ("/tmp", "/dev/shm", "/var/tmp", "/run", "/", ".", "~")  # where something might be left behind


@dataclass
class Grader:
    """One grader for all entries, as in a batch, and what the attackers know about the machine it runs on."""

    papers: Sealed
    settings: Settings
    where: Where
    heard: list[object] = field(default_factory=list)
    door: socket.socket | None = None

    def grade(self, data: bytes, student: str = "mallory") -> SubmissionResult:
        """The result of one file."""
        return grade_submission({NAME: data}, papers=self.papers, settings=self.settings, student=student)

    def visited(self) -> bool:
        """Whether somebody has come to the socket since the last question."""
        assert self.door is not None
        try:
            self.door.accept()[0].close()
            return True
        except BlockingIOError:
            return False


def three_exercises() -> Sealed:
    """The questions of the corpus, with hidden tests drawn from a key of its own."""
    every = Papers(ROOT, Key("corpus", bytes(range(32))))
    paper = every[CHAPTER[:2]]
    paper = replace(paper, questions=tuple(q for q in paper.questions if q.id in IDS))
    return Sealed({paper.chapter: paper}, {paper.chapter: paper.hash}, Label(every.key.term, every.key.fingerprint))


@contextmanager
def grader(level: str | None = None) -> Iterator[Grader]:
    """A grader, a folder of the instructor, and a socket on which nobody should be heard."""
    with tempfile.TemporaryDirectory(prefix="instructor-") as folder, socket.socket() as door:
        victim = Path(folder)
        (victim / "gradebook.csv").write_text("other,10\n")
        (victim / "other.ipynb").write_bytes(right())
        (victim / "results").mkdir()
        (victim / "results" / "other.json").write_text('{"score": 10}')
        os.chmod(victim, 0o755)
        door.bind(("127.0.0.1", 0))
        door.listen()
        door.setblocking(False)
        marker = f"left-behind-{os.urandom(4).hex()}"
        where = Where(ROOT, victim, door.getsockname()[1], marker)
        papers = three_exercises()
        settings = Settings(level=level, allow_unsafe=level == "D", limits=LIMITS).ready()
        yield Grader(papers, settings, where, door=door)


def right() -> bytes:
    """What an honest student hands in, right in everything."""
    return Entry("honest", "beyond the list", notebook(RIGHT), FUNCTIONS).bytes()


def feedback(result: SubmissionResult) -> str:
    """All that the student is told, as one text."""
    out = [text for q in result.questions for text in (*q.said, *q.hints, *q.public)]
    out += [f"{q.function}: {q.reason}" for q in result.questions]
    for file in result.files:
        out += [file.reason, file.detail, *file.oddities, *file.failed_cells]
    return "\n".join(out)


def pages(result: SubmissionResult) -> str:
    """The page that the student gets, without its footer, which holds hashes; and the instructor's summary."""
    book = gradebook([result])
    mine = feedback_page(book.rows[0], book).partition("<footer>")[0]
    return mine.partition("</style>")[2] + summary_page(book, {}, About({})).partition("</style>")[2]


def earned(result: SubmissionResult) -> dict[str, float]:
    """Function -> share of its points."""
    found = {q.id: q.points / q.max_points for q in result.questions}
    return {name: found.get(id, 0.0) for id, name in zip(IDS, FUNCTIONS, strict=True)}


def problems(entry: Entry, result: SubmissionResult) -> list[str]:
    """What the result gets wrong about this entry; empty when it is as it should be."""
    out = []
    got = earned(result)
    for name in FUNCTIONS:
        deserved = share(entry, name)
        if abs(got[name] - deserved) > 1e-9:
            what = "false accept" if got[name] > deserved else "false reject"
            out.append(f"{what}: {name} earns {got[name]:.2f} of 1, deserves {deserved:.2f}")
    text = feedback(result)
    out += [f"the feedback does not say /{word}/" for word in entry.says if not re.search(word, text, re.I)]
    shown = pages(result)
    out += [f"the feedback says /{word}/" for word in entry.never if re.search(word, shown)]
    if entry.seen == any(file.reason for file in result.files):
        out.append("the file was not graded" if entry.seen else "nobody is told that the file could not be read")
    if "grader" in result.reasons or result.status == "grader":
        out.append("it looks like a failure of the grader")
    return out


def traces(grader: Grader) -> list[str]:
    """What an entry has left on the machine."""
    victim, marker = grader.where.victim, grader.where.marker
    out = [] if (victim / "gradebook.csv").read_text() == "other,10\n" else ["the gradebook was changed"]
    if sorted(p.name for p in victim.iterdir()) != ["gradebook.csv", "other.ipynb", "results"]:
        out.append("the instructor's folder was changed")
    if (victim / "other.ipynb").read_bytes() != right() or len(list((victim / "results").iterdir())) != 1:
        out.append("another student's files were changed")
    for place in PLACES:
        out += [f"left behind: {p}" for p in Path(place).expanduser().glob(f"*{marker}*")]
    if grader.visited():
        out.append("somebody came to the socket")
    return out


def adopt_orphans() -> None:
    """From now on this process is the parent of all descendants whose own parents have ended: none can hide."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def survivors(before: set[int], patience: float = 3.0) -> list[str]:
    """Descendants that were not there before and do not end by themselves, by their command lines."""
    end = time.monotonic() + patience
    while True:
        found = [pid for pid in tree(os.getpid()) if pid not in before and not _ended(pid)]
        if not found or time.monotonic() > end:
            return [_command(pid) for pid in found]
        time.sleep(0.01)


def _ended(pid: int) -> bool:
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _command(pid: int) -> str:
    try:
        return Path("/proc", str(pid), "cmdline").read_text().replace("\0", " ")[:200] or str(pid)
    except OSError:
        return str(pid)

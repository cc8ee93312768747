"""The command `course`: release the exercises of a term, grade what comes back, compare, export.

Each subcommand is a thin call; the work is in course_pkg.grading. What an instructor can mend is said in a sentence
and ends with code 2, Ctrl-C with 130, and everything else is a fault of ours and shows where it happened.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import __version__

ROOT = Path(__file__).resolve().parents[1]
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # of a write that names no file
ROWS = ("seqmnist", "pmnist", "adding", "copy", "jsb", "nottingham", "ptb-word", "wikitext-103", "lambada", "ptb-char",
        "text8")  # fmt: skip
FORMATS = ("canvas", "moodle", "gradescope", "nbgrader")
EXAMPLES = """\
A term in five commands:
  course release bundle --term 2027-spring        what students get, proved to hold no solution
  course check ada.ipynb                          what a student sees, in the box of the grading
  course grade handed-in --out grades --term 2027-spring
  course grade handed-in --out grades --term 2027-spring --to moodle Grades-5412.csv
  course diff grades grades-after-appeal

`course COMMAND --help` tells more. The guide for instructors is a chapter of the book.
"""
GRADE = """\
SUBMISSIONS is a folder: one notebook for each student, a folder for each student, or what Canvas, Moodle, Gradescope
or nbgrader gave you, unpacked. The folder OUT gets:

  summary.html     how it went: distribution, exercises, common mistakes, what needs a look
  grades.csv       a row for each student, a column for each exercise
  feedback/        a page for each student, which gives no hidden test away
  results/         one JSON file for each submission; a second start grades only what is new or changed

Stop with Ctrl-C whenever you like, and start the same command again to go on. Commit neither OUT nor the folder
.course, where the key of the term is kept: from it the hidden tests are drawn, and without it never the same again.
"""
REPRODUCE = """\
Stop with Ctrl-C, and start the same command again to go on: the result is that of a run without interruption. With more
--steps than before, a run goes on from where its learning rate was still constant. Two rows need no data, four read
--data, and the others say why they are not run. One thread, float32, no GPU.
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    raw = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser("course", description=__doc__.splitlines()[0], epilog=EXAMPLES, formatter_class=raw)
    top.add_argument("--version", action="version", version=f"course {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, text: str, more: str = "") -> argparse.ArgumentParser:
        description = text[0].upper() + text[1:] + ".\n\n" + more
        return commands.add_parser(name, help=text, description=description, formatter_class=raw)

    def of_term(one: argparse.ArgumentParser) -> None:
        one.add_argument("--term", default="", metavar="NAME", help="the term, such as 2027-spring: its name draws the "
                         "versions of the tasks, its key the hidden tests")  # fmt: skip
        one.add_argument("--key", type=Path, metavar="FILE", help="the key of the term, when it is not in .course/keys")
        one.add_argument("--course", type=Path, default=ROOT, metavar="FOLDER", help="the course, when it is elsewhere")

    release = command("release", "make the students' bundle and prove that it gives nothing away")
    release.add_argument("out", type=Path, metavar="OUT", help="a new folder")
    of_term(release)

    grade = command("grade", "grade the submissions in a folder", GRADE)
    grade.add_argument("submissions", type=Path, metavar="SUBMISSIONS")
    grade.add_argument("--out", type=Path, required=True, metavar="OUT", help="the folder of this run")
    of_term(grade)
    grade.add_argument("--to", nargs="+", action="append", default=[], metavar=("FORMAT", "FILE"),
                       help="also: canvas FILE or moodle FILE (the file you downloaded; a copy is filled in), "
                       "gradescope, nbgrader DATABASE")  # fmt: skip
    grade.add_argument("--column", default="", metavar="NAME", help="the column of that file, when there are several")
    grade.add_argument("--chapters", default="", metavar="NN,NN", help="grade only these chapters")
    grade.add_argument("--only", action="append", default=[], metavar="STUDENT", help="grade only this student; the "
                       "other results in OUT stay")  # fmt: skip
    grade.add_argument("--again", action="store_true", help="grade again what is graded already")
    grade.add_argument("--jobs", type=int, default=0, metavar="N", help="how many at once (default: one a processor)")
    grade.add_argument("--level", choices="ABCD", help="isolation: A bubblewrap, B Landlock, C container, D none "
                       "(default: the best that runs here)")  # fmt: skip
    grade.add_argument("--allow-unsafe", action="store_true", help="run hidden tests at level D, too, where a "
                       "submission can read them; every result says so")  # fmt: skip
    grade.add_argument("--shard", default="", metavar="I/N", help="grade only the I-th of N shares, for batch systems; "
                       "then `course merge`")  # fmt: skip
    grade.add_argument("--scheduler", default="", metavar="ADDRESS", help="use the machines of a Dask scheduler, such "
                       "as tcp://host:8786")  # fmt: skip

    check = command("check", "what a student sees: the public checks of a notebook, in the box of the grading",
                    "The folder `checks` stands beside the notebook, as in the bundle. Hidden tests play no part.")
    check.add_argument("notebook", type=Path, metavar="NOTEBOOK")
    check.add_argument("--level", choices="ABCD", help="isolation (default: the best that runs here)")

    merge = command("merge", "make one run of several: the shards of a batch system, or several machines")
    merge.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="the OUT folders")
    merge.add_argument("--out", type=Path, required=True, metavar="OUT", help="a new folder")

    diff = command("diff", "what differs between two runs, student by student and exercise by exercise")
    diff.add_argument("runs", type=Path, nargs=2, metavar="RUN", help="the OUT folders")

    again = command("reproduce", "train a row of the published table of Bai et al. (2018) again", REPRODUCE)
    again.add_argument("row", nargs="?", choices=ROWS, metavar="ROW", help="one of " + ", ".join(ROWS) + "; "
                       "without it, a list of all rows")  # fmt: skip
    again.add_argument("--architecture", choices=("tcn", "lstm", "gru", "rnn"), help="one of the four (default: all)")
    again.add_argument("--seed", type=int, default=0, help="of the weights and the batches (default: 0)")
    again.add_argument("--steps", type=int, help="how many updates (default: the row's own)")
    again.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", metavar="FOLDER",
                       help="where the data are (default: ../shared/data)")  # fmt: skip
    again.add_argument("--out", type=Path, default=ROOT / "experiments" / "results" / "published", metavar="FOLDER",
                       help="where the records go (default: experiments/results/published)")  # fmt: skip
    again.add_argument("--checkpoints", type=Path, default=ROOT / ".checkpoints", metavar="FOLDER",
                       help="where the state of a run is kept (default: .checkpoints)")  # fmt: skip
    return top


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Imports make no garbage worth looking for; to look for it takes a tenth of their time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def main(argv: Sequence[str] | None = None) -> int:
    """0 all is well; 1 something differs, is not right, or could not be graded; 2 a matter for you; 130 stopped."""
    arguments = parser().parse_args(argv)
    with _no_collection():
        if arguments.command in ("grade", "check"):
            from .grading.warm import begin

            begin(arguments.level or "A")  # NumPy is imported there while we import ours
        if arguments.command == "reproduce":
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: small products want one
            os.environ.setdefault("OMP_NUM_THREADS", "1")
        from .exercises.errors import ExerciseError
        from .grading import commands
        from .grading.box import BoxError
        from .grading.keys import GradingError
        from .published.commands import reproduce
        from .published.sources import DataMissing
    try:
        if arguments.command == "reproduce":
            return reproduce(arguments)
        return getattr(commands, arguments.command)(arguments)
    except (GradingError, ExerciseError, BoxError, DataMissing) as error:
        print(f"course {arguments.command}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.filename is None and error.errno not in FULL:
            raise
        about = [str(part) for part in (error.filename, error.strerror) if part]
        print(f"course {arguments.command}: {': '.join(about)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130

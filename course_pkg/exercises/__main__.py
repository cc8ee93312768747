"""python -m course_pkg.exercises [generate] generate exercises/ from solutions/
python -m course_pkg.exercises --check    fail with a diff when exercises/ is not what would be generated
python -m course_pkg.exercises check NB   run the checks of a student's notebook
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .errors import ExerciseError

ROOT = Path(__file__).resolve().parents[2]


def main(argv: list[str] | None = None) -> int:
    """Returns 0 when all is well, 1 when something differs or is not right, 2 when it could not be done."""
    parser = argparse.ArgumentParser("python -m course_pkg.exercises", description="Generate or check the exercises.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when exercises/ is not up to date")
    parser.add_argument("--force", action="store_true", help="overwrite notebooks in which cells have been run")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", metavar="generate | check NOTEBOOK")
    commands.add_parser("generate", help="generate exercises/ (what happens without a command, too)")
    student = commands.add_parser("check", help="run the checks of a notebook with answers")
    student.add_argument("notebook", type=Path)
    arguments = parser.parse_args(argv)
    try:
        if arguments.command == "check":
            from .student import check_notebook

            return check_notebook(arguments.notebook)
        return _compare(arguments.root) if arguments.check else _write(arguments.root, arguments.force)
    except ExerciseError as error:
        print(error, file=sys.stderr)
        return 2


def _compare(root: Path) -> int:
    from .generate import differences

    found = differences(root)
    if found:
        print("\n\n".join(found))
        print("\nRun `make exercises` and commit the result.")
    else:
        print("exercises/ is what the solutions give.")
    return 1 if found else 0


def _write(root: Path, force: bool) -> int:
    from .generate import write

    changed = write(root, force)
    print("\n".join(f"exercises/{name}" for name in changed) or "exercises/ was up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

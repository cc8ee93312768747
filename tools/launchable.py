"""Copies of the notebooks that prepare their own machine: for Colab and for a JupyterHub, which open one file alone.

    python -m tools.launchable https://github.com/OWNER/NAME COMMIT FOLDER

Each copy has one cell more, at its head: it fetches the course at exactly this commit, installs its package with what
the notebooks need, and goes to the notebook's folder. The workflow of .github puts the copies on the branch
`notebooks`, under the first seven digits, where the book's buttons look (book/site/ext/course_launch.py).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat

from tools.notebooks import ROOT

FOLDERS = ("book", "exercises")
ADDRESS = re.compile(r"https://[\w.-]+/[\w.-]+/[\w.-]+")
COMMIT = re.compile(r"[0-9a-f]{40}")
CELL = """\
# Fetches the course at the commit that this notebook belongs to. It runs once, for a minute or two.
import pathlib

if not pathlib.Path("/tmp/course-{short}/course_pkg").exists():
    !git clone --quiet --filter=blob:none {address} /tmp/course-{short}
    !git -C /tmp/course-{short} checkout --quiet {commit}
%pip install --quiet -c /tmp/course-{short}/requirements.txt -e "/tmp/course-{short}[{extras}]"
%cd /tmp/course-{short}/{folder}
"""


def prepared(path: Path, address: str, commit: str) -> nbformat.NotebookNode:
    """The notebook with the cell in front. It asks for torch only where the notebook does."""
    notebook = nbformat.read(path, as_version=4)
    text = "".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    extras = "notebooks,torch" if re.search(r"\btorch", text) else "notebooks"
    source = CELL.format(
        address=address, commit=commit, short=commit[:7], extras=extras, folder=path.parent.relative_to(ROOT).as_posix()
    )
    cell = nbformat.v4.new_code_cell(source.rstrip("\n"), id="prepare")
    notebook.cells.insert(0, cell)
    return notebook


def main(arguments: list[str]) -> int:
    if len(arguments) != 3 or not ADDRESS.fullmatch(arguments[0]) or not COMMIT.fullmatch(arguments[1]):
        print(__doc__.split("\n\n")[1].strip(), file=sys.stderr)
        return 2
    address, commit, folder = arguments
    made = 0
    for name in FOLDERS:
        for path in sorted((ROOT / name).glob("*.ipynb")):
            target = Path(folder) / commit[:7] / name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(prepared(path, address, commit), target)
            made += 1
    print(f"{made} notebooks in {folder}/{commit[:7]}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

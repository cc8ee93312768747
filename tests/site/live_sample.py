"""A small book with one page for each live figure, for the tests and for those who draw figures:

    python -m tests.site.live_sample unrolling lstm     pictures in light, dark and on a phone, into _build/live
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from course_pkg.viz.live.figure import names
from tests.site.sample import ROOT, build_book

TEXT = "The words before it, as they stand in a chapter, and {{numref}}`live-{name}` with its number.\n"


def build_live(folder: Path, chosen: list[str]) -> Path:
    """Write and build the book there, warnings as errors. Returns the folder of its pages."""
    book = folder / "book"
    book.mkdir(parents=True)
    shutil.copytree(ROOT / "book/site", book / "site")
    shutil.copy(ROOT / "book/references.bib", book)
    for name in ("_config.yml", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    pages = "".join(f"      - file: book/{name}\n" for name in chosen)
    toc = f"format: jb-book\nroot: book/intro\nparts:\n  - caption: Figures\n    numbered: 1\n    chapters:\n{pages}"
    (folder / "_toc.yml").write_text(toc, encoding="utf8")
    (book / "intro.md").write_text("# A page without a figure\n\nText.\n", encoding="utf8")
    for name in chosen:
        figure = f":::{{live-figure}} {name}\nA caption with $\\rho^n$ in it. Touch it and see.\n:::\n"
        text = f"# Page of {name}\n\n{TEXT.format(name=name)}\n{figure}\nThe words after it.\n"
        (book / f"{name}.md").write_text(text, encoding="utf8")
    return build_book(folder, folder)


def main(chosen: list[str]) -> None:
    """Build a page for each figure and take its pictures."""
    out = ROOT / "_build/live"
    with tempfile.TemporaryDirectory() as folder:
        pages = build_live(Path(folder) / "sample", chosen)
        command = ["node", ROOT / "tests/site/browser/live-shots.mjs", pages, out, *chosen]
        subprocess.run(list(map(str, command)), check=True)


if __name__ == "__main__":
    main(sys.argv[1:] or names())

"""A folder of submissions full of traps: names that are formulas, links, pipes, giants. All honest ones are graded."""

import csv
import os

import pytest

from course_pkg.cli import main
from tests.grading import kit

NAMES = ["+cmd", "-2+3", "@SUM(1)", "a\nb", "x" * 200, "é", "ada;rm -rf", "CON", "a,b", '"quoted"', "\u202egnp.exe"]


@pytest.fixture
def trapped(course, tmp_path):
    """(folder of submissions, file that nobody handed in)."""
    place = tmp_path / "in"
    place.mkdir()
    data = kit.notebook(course)
    for name in NAMES:
        (place / name).mkdir()
        (place / name / "04_steps.ipynb").write_bytes(data)
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(data)
    (place / "link.ipynb").symlink_to(secret)
    (place / "mallory").mkdir()
    (place / "mallory" / "04_steps.ipynb").symlink_to(secret)
    (place / "loop").mkdir()
    (place / "loop" / "again").symlink_to(place)
    os.mkfifo(place / "pipe.ipynb")
    (place / "giant").mkdir()
    with open(place / "giant" / "04_steps.ipynb", "wb") as file:
        file.truncate(5 * 2**30)
    return place


def test_traps(trapped, course, tmp_path, without_walls, capsys):
    (tmp_path / "term.key").write_text("5" * 64)
    out = tmp_path / "out"
    of = ["--course", str(course), "--key", str(tmp_path / "term.key")]
    code = main(["grade", str(trapped), "--out", str(out), *of])
    capsys.readouterr()
    with open(out / "grades.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert code == 1  # some could not be graded
    full = [row for row in rows if row["total"] == "20"]
    others = {row["student"]: row for row in rows if row["total"] != "20"}
    assert len(full) == len(NAMES) and set(others) == {"giant", "loop", "mallory"}
    assert "too long" in others["giant"]["needs a look"] and "no notebook" in others["mallory"]["needs a look"]
    assert not any(row["student"].startswith(("=", "+", "-", "@")) for row in rows), "a spreadsheet would run it"
    pages = [path.name for path in (out / "feedback").iterdir()]
    assert len(pages) == len(rows) and all(name.isprintable() and "/" not in name for name in pages)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out", "secret.ipynb", "term.key"]

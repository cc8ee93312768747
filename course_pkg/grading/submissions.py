"""Find the submissions in a folder, whatever it was downloaded from.

| download | names |
|---|---|
| plain | `ada.ipynb`, `ada_03_recurrent_neuron.ipynb`, or a folder `ada/` with notebooks anywhere below it |
| Canvas | `lovelaceada_4321_98765_03_recurrent_neuron-1.ipynb`, with `LATE_` before the numbers |
| Moodle | `Ada Lovelace_12345_assignsubmission_file_`, as a folder or before a file's name |
| Gradescope | `submission_12345/` beside `submission_metadata.yml` |
| nbgrader | `submitted/ada/assignment/*.ipynb` |

Links and anything that is not a plain file are never opened.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from .keys import GradingError

LARGEST = 32 * 2**20  # bytes of a file that are read; the reader refuses what is longer
MOST = 60  # notebooks of one student
_CANVAS = re.compile(r"(?P<who>.+?)_(?P<late>LATE_)?(?P<id>\d+)_(?P<submission>\d+)_(?P<file>.+)", re.I)
_MOODLE = re.compile(r"(?P<who>.+)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<file>.*))?")
_GRADESCOPE = re.compile(r"submission_(?P<id>\d+)")
_CHAPTER = re.compile(r"(?P<who>.+?)[-_ ]+(?P<file>\d\d_[a-z0-9_]+(?:[- ]?\(?\d+\)?)?\.ipynb)", re.I)
_SKIPPED = {"__MACOSX", ".ipynb_checkpoints", "__pycache__", ".git"}


@dataclass(frozen=True)
class Handed:
    """What one student handed in: paths by the names under which they are graded, and who the student is elsewhere."""

    student: str
    name: str = ""
    files: Mapping[str, Path] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    late: str = ""
    notes: tuple[str, ...] = ()
    contents: Mapping[str, bytes] | None = field(default=None, repr=False)  # where it travels without its files

    def packed(self) -> Handed:
        """The same with the bytes in it, for another machine."""
        return replace(self, files={}, contents=self.read())

    def read(self) -> dict[str, bytes]:
        """The bytes of the files; of a file that is too long only the first bytes, which the reader then refuses."""
        if self.contents is not None:
            return dict(self.contents)
        out = {}
        for name, path in self.files.items():
            try:
                with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)),
                               "rb") as file:  # fmt: skip
                    out[name] = file.read(LARGEST + 1)
            except OSError:
                out[name] = b""
        return out


def find(place: Path, beside: Path | None = None) -> list[Handed]:
    """All submissions in a folder (or the one file), ordered by student; the folder `beside` holds none."""
    if place.is_file():
        return [Handed(place.stem, files={place.name: place})]
    if not place.is_dir():
        raise GradingError(f"there is no folder {place}; name the folder with the notebooks that were handed in")
    inner = place / "submitted"
    place = inner if inner.is_dir() and not any(place.glob("*.ipynb")) else place
    people = _gradescope_people(place / "submission_metadata.yml")
    found: dict[str, dict] = {}
    for entry in sorted(place.iterdir(), key=lambda path: path.name):
        if entry.name.startswith(".") or entry.name in _SKIPPED or not _plain(entry):
            continue
        if beside is not None and beside.exists() and entry.samefile(beside):
            continue
        for who, file, path in _files(entry, people):
            record = found.setdefault(who["student"], {"files": {}, "ids": {}, "name": "", "late": "", "notes": []})
            record["ids"] |= who.get("ids", {})
            record["name"] = record["name"] or who.get("name", "")
            record["late"] = record["late"] or who.get("late", "")
            if path is not None:
                record["files"][file] = path
    out = []
    for student, record in sorted(found.items()):
        files = dict(sorted(record["files"].items())[:MOST])
        notes = (f"{len(record['files'])} notebooks, of which {MOST} are read",) if len(record["files"]) > MOST else ()
        out.append(Handed(student, record["name"], files, record["ids"], record["late"], notes))
    if not out:
        raise GradingError(f"there are no notebooks in {place}")
    return out


def _plain(path: Path) -> bool:
    """A file or a folder itself, no link, no pipe, no device."""
    mode = path.lstat().st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _files(entry: Path, people: Mapping[str, dict]) -> Iterator[tuple[dict, str, Path | None]]:
    """(who, name of the file, path) for each notebook of an entry; a folder without any gives one without path."""
    moodle, gradescope = _MOODLE.fullmatch(entry.name), _GRADESCOPE.fullmatch(entry.name)
    if entry.is_dir():
        who: dict = {"student": entry.name}
        if moodle:
            who = _moodle(moodle)
        elif gradescope and people:
            who = people.get(entry.name, who) | {"late": ""}
            who["ids"] = {**who.get("ids", {}), "gradescope": gradescope["id"]}
        paths = list(_below(entry))
        for path in paths:
            yield who, path.relative_to(entry).as_posix(), path
        if not paths:
            yield who, "", None
        return
    if entry.suffix.lower() != ".ipynb":
        return
    canvas, chapter = _CANVAS.fullmatch(entry.name), _CHAPTER.fullmatch(entry.name)
    if moodle:
        yield _moodle(moodle), moodle["file"] or entry.name, entry
    elif canvas:
        late = "late" if canvas["late"] else ""
        who = {"student": f"{canvas['who']}_{canvas['id']}", "ids": {"canvas": canvas["id"]}, "late": late}
        yield who, canvas["file"], entry
    elif chapter:
        yield {"student": chapter["who"]}, chapter["file"], entry
    else:
        yield {"student": entry.stem}, entry.name, entry


def _moodle(match: re.Match[str]) -> dict:
    return {"student": f"{match['who']}_{match['id']}", "name": match["who"], "ids": {"moodle": match["id"]}}


def _below(folder: Path) -> Iterator[Path]:
    for here, folders, files in os.walk(folder, followlinks=False):
        folders[:] = sorted(f for f in folders if f not in _SKIPPED and not f.startswith("."))
        for name in sorted(files):
            path = Path(here) / name
            if name.lower().endswith(".ipynb") and not name.startswith(".") and stat.S_ISREG(path.lstat().st_mode):
                yield path


def _gradescope_people(path: Path) -> dict[str, dict]:
    """submission_12345 -> who, from Gradescope's own YAML, of which only the submitters' lines are read."""
    if not path.is_file():
        return {}
    out: dict[str, dict] = {}
    current: dict | None = None
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        head = re.fullmatch(r"(submission_\d+):\s*", line)
        entry = re.fullmatch(r"\s+(?:- )?:?(name|sid|email): ['\"]?(.*?)['\"]?\s*", line)
        if head:
            current = out.setdefault(head[1], {"student": head[1], "ids": {}})
        elif entry and current is not None and entry[2]:
            what, text = entry[1], entry[2]
            if what == "name":
                current.setdefault("name", text)
            else:
                current["ids"].setdefault(what, text)
    for record in out.values():
        record["student"] = record["ids"].get("email") or record["ids"].get("sid") or record["student"]
    return out


def resubmission(name: str) -> int:
    """The number that a download adds to a file handed in again: "-2.ipynb", " (2).ipynb"; 0 without one."""
    match = re.search(r"(?:-| ?\()(\d{1,3})\)?\.ipynb$", name, re.I)
    return int(match[1]) if match else 0

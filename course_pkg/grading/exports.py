"""Gradebooks for other systems. Canvas and Moodle get back the file they gave, filled in; Gradescope a results.json.

Their headers are in the instructor's language and their columns in an order of their own, so no file is invented here.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .gradebook import Gradebook, Row, plain
from .keys import GradingError
from .results import QuestionResult, own_name


@dataclass(frozen=True)
class Filled:
    """What became of an export: the file, how many rows got a grade, and who was not found in it."""

    path: Path
    count: int
    unmatched: tuple[str, ...] = ()
    untouched: tuple[str, ...] = ()

    def __str__(self) -> str:
        out = f"{self.path}: {self.count} grades."
        if self.unmatched:
            out += f"\nGraded, but not found in that file: {', '.join(self.unmatched)}."
        if self.untouched:
            out += f"\nIn that file, but without a submission (left as they were): {', '.join(self.untouched)}."
        return out


@dataclass
class Sheet:
    """A CSV file as it came: its rows, and how it was written."""

    rows: list[list[str]]
    delimiter: str
    bom: bool
    newline: str

    @classmethod
    def read(cls, path: Path) -> Sheet:
        """Comma or semicolon or tab; UTF-8 with or without a mark, or UTF-16."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise GradingError(f"{path} cannot be read: {error.strerror}") from error
        try:
            utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
            text = data.decode("utf-16" if utf16 else "utf-8-sig")
        except UnicodeDecodeError as error:
            raise GradingError(f"{path} is not UTF-8; download it again, and open it with no spreadsheet") from error
        head = text.splitlines()[0] if text.strip() else ""
        delimiter = max(",;\t", key=head.count)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        if len(rows) < 2:
            raise GradingError(f"{path} has no rows of students")
        return cls(rows, delimiter, data[:3] == b"\xef\xbb\xbf", "\r\n" if "\r\n" in text else "\n")

    def write(self, path: Path) -> None:
        """As it came, with the changed cells."""
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=self.delimiter, lineterminator=self.newline).writerows(self.rows)
        path.write_bytes(out.getvalue().encode("utf-8-sig" if self.bom else "utf-8"))


def canvas(book: Gradebook, file: Path, out: Path, column: str = "") -> Filled:
    """The gradebook that Canvas exported, with the totals in the assignment's column, scaled to its points."""
    sheet = Sheet.read(file)
    header = [cell.strip() for cell in sheet.rows[0]]
    who = {name: header.index(name) for name in ("ID", "SIS Login ID", "SIS User ID", "Student") if name in header}
    if "Student" not in who or "ID" not in who:
        raise GradingError(f"{file} is no gradebook of Canvas: its first row needs the columns Student and ID")
    assignments = [k for k, name in enumerate(header) if re.search(r"\(\d+\)$", name)]
    at = _choose(header, assignments, column, file, "an assignment of Canvas")
    body = next((k for k, row in enumerate(sheet.rows) if k and "points possible" in " ".join(row[:1]).lower()), None)
    if body is None:
        raise GradingError(f'{file} has no row "Points Possible"; export the gradebook from Canvas again')
    most = _number(sheet.rows[body][at]) or book.most
    comma = "," in sheet.rows[body][at]
    keys = [(lambda row, k=k: row[k]) for k in who.values()]
    return _fill(sheet, book, out, sheet.rows[body + 1 :], keys, "canvas",
                 lambda row, cells: _set(cells, at, row.share * most, comma))  # fmt: skip


_GRADE = set("grade bewertung note calificación calificacion valutazione nota cijfer ocena betyg karakter arvosana "
             "оценка 成绩 評点".split())  # fmt: skip
_COMMENTS = ("feedback comments", "feedback als kommentar", "feedback par commentaires", "comentarios de",
             "commenti", "comentários", "feedbackopmerkingen", "komentarz zwrotny")  # fmt: skip


def moodle(book: Gradebook, file: Path, out: Path, column: str = "") -> Filled:
    """The offline grading worksheet that Moodle gave, with grades and comments; its headers in whatever language."""
    sheet = Sheet.read(file)
    header = [cell.strip() for cell in sheet.rows[0]]
    body = [row for row in sheet.rows[1:] if row]
    if not body or not all(re.search(r"\d+\s*$", row[0]) for row in body):
        raise GradingError(f"{file} is no grading worksheet of Moodle: its first column must identify the participants")
    named = [k for k, name in enumerate(header) if name.lower() in _GRADE]
    at = _choose(header, named or _left_of_most(body), column, file, "the column of the grades")
    most = _number(body[0][at + 1]) if len(body[0]) > at + 1 else None
    comma = most is not None and "," in body[0][at + 1]
    comments = next((k for k, name in enumerate(header) if name.lower().startswith(_COMMENTS)), None)
    emails = next((k for k in range(len(header)) if any("@" in row[k] for row in body if len(row) > k)), None)

    def number(row: Sequence[str]) -> str:
        match = re.search(r"(\d+)\s*$", row[0])
        return match[1] if match else ""

    keys: list[Callable[[Sequence[str]], str]] = [number, lambda row: row[1] if len(row) > 1 else ""]
    if emails is not None:
        keys.append(lambda row: row[emails])

    def fill(row: Row, cells: list[str]) -> bool:
        if comments is not None and len(cells) > comments:
            cells[comments] = comment(row, book)
        return _set(cells, at, row.share * (most or book.most), comma)

    return _fill(sheet, book, out, body, keys, "moodle", fill)


def _left_of_most(body: Sequence[Sequence[str]]) -> list[int]:
    """The column before the one that holds the same number in every row: the most that can be had."""
    width = min(len(row) for row in body)
    same = [k for k in range(2, width) if len({row[k] for row in body}) == 1 and (_number(body[0][k]) or 0) > 0]
    return [k - 1 for k in same]


def _choose(header: Sequence[str], possible: Sequence[int], wanted: str, file: Path, what: str) -> int:
    if wanted:
        possible = [k for k, name in enumerate(header) if wanted.lower() in name.lower()]
    if len(possible) == 1:
        return possible[0]
    names = ", ".join(f'"{header[k]}"' for k in (possible or range(len(header))))
    problem = f'matches "{wanted}"' if wanted else "can be told to be " + what
    count = "more than one column" if len(possible) > 1 else "no column"
    raise GradingError(f'{file}: {count} {problem}. Name it by --column "...": {names}')


def _fill(
    sheet: Sheet,
    book: Gradebook,
    out: Path,
    rows: Iterable[list[str]],
    keys: Sequence[Callable[[Sequence[str]], str]],
    system: str,
    fill: Callable[[Row, list[str]], bool],
) -> Filled:
    """Rows of the file are matched by number, login, address, name, in this order; what fits two students fits none."""
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    used: set[str] = set()
    count, untouched = 0, []
    tables = [_table(book, names) for names in (lambda r: [r.result.ids.get(system, "")], _names)]
    for cells in rows:
        cells += [""] * (len(sheet.rows[0]) - len(cells))
        found = next((r for table in tables for key in keys if (r := _look_up(table, key(cells)))), None)
        if found is None or found.student in used:
            untouched.append(cells[1] if system == "moodle" else cells[0])
        else:
            used.add(found.student)
            count += fill(found, cells)
    sheet.write(out)
    unmatched = tuple(row.student for row in book.rows if row.student not in used)
    return Filled(out, count, unmatched, tuple(untouched))


def _names(row: Row) -> list[str]:
    ids = [value for name, value in row.result.ids.items() if name in ("sid", "email")]
    return [row.student, row.result.name, re.sub(r"_\d+$", "", row.student), *ids]


def _table(book: Gradebook, names: Callable[[Row], list[str]]) -> dict[str, Row]:
    out: dict[str, Row | None] = {}
    for row in book.rows:
        for key in {key for name in names(row) for key in _keys(name)} - {""}:
            out[key] = None if key in out else row
    return {key: row for key, row in out.items() if row is not None}


def _look_up(table: dict[str, Row], text: str) -> Row | None:
    return next((table[key] for key in _keys(text) if key in table), None)


def _keys(text: str) -> list[str]:
    """Names without case, accents and punctuation, from whichever word on: "Lovelace, Ada" is "Ada Lovelace"."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c)).strip()
    if "@" in bare or bare.isdigit():
        return [bare]
    words = re.findall(r"\w+", bare.replace("_", " "))
    return ["".join(words[k:] + words[:k]) for k in range(len(words))]


def _set(cells: list[str], at: int, number: float, comma: bool) -> bool:
    """Write a grade; an excused student (EX in Canvas) stays excused."""
    if cells[at].strip().upper() == "EX":
        return False
    cells[at] = plain(number).replace(".", ",") if comma else plain(number)
    return True


def _number(text: str) -> float | None:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return None


def comment(row: Row, book: Gradebook) -> str:
    """The feedback in a few lines of HTML, which Moodle shows as such."""
    lines = [f"{plain(row.points)} of {plain(book.most)} points."]
    lines += [_line(question) for question in row.questions]
    return "<br>".join(html.escape(line) for line in lines)


def _line(question: QuestionResult) -> str:
    said = " ".join((*question.said, *question.hints)) if not question.right else "right"
    return f"{question.function}: {plain(question.points)} of {plain(question.max_points)}. {said}".replace("`", "")


def gradescope(book: Gradebook, out: Path) -> Filled:
    """gradescope/<student>/results.json: what an autograder of Gradescope leaves in results/results.json."""
    for row in book.rows:
        name = row.result.ids.get("gradescope") or own_name(row.student)
        path = out / name / "results.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(gradescope_results(row), indent=1), encoding="utf-8")
    return Filled(out, len(book.rows))


def gradescope_results(row: Row) -> dict[str, object]:
    """score, tests with name, score, max_score, output and visibility."""
    return {
        "score": row.points,
        "output": " ".join(f"{file.name}: {file.reason}." for file in row.result.files if file.reason),
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [
            {
                "name": f"{question.title} ({question.function})",
                "number": question.id,
                "score": question.points,
                "max_score": question.max_points,
                "status": "passed" if question.right else "failed",
                "output": "\n".join((*question.said, *question.hints)).replace("`", ""),
                "visibility": "visible",
            }
            for question in row.questions
        ],
    }

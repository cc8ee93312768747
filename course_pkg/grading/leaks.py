"""The proof that a student bundle gives nothing away: it reads the finished folder and names what it finds, and where.

It looks for the lines and the whole text of every solution in every version, for the text of every mutant, for the
numbers of the hidden cases and of what they should give, and for the key. It looks in the text of each file and in all
strings of its JSON (sources, outputs, metadata), spaces and line breaks aside. What it cannot read, it refuses.

One rule about `course_pkg`, which is published and implements much of what exercises ask. A file there that is byte for
byte the published one may share lines with a solution, as long as they make less than half of its characters; of a
solution of one line, which is then an equation of the book, it may hold that line. Each such line is listed
(`Findings.shared`). Anywhere else, and in any other file, a shared line is a leak.
"""

from __future__ import annotations

import io
import json
import re
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..exercises import markers
from ..exercises.declare import Exercise, public_inputs
from ..exercises.judge import Task
from ..exercises.sources import Chapter
from ..exercises.values import encode

READABLE = {".py", ".md", ".txt", ".toml", ".json", ".ipynb", ".css", ".js", ".svg", ".mplstyle", ".typed", ""}
LINE = 12  # characters of code without spaces from which a line of a solution tells something
SHORT = 10  # the same for a solution that is one line
MUTANT = 12
BLOB = re.compile(r"[A-Za-z0-9+/=_-]{160,}")  # encoded data: nothing that students need looks like this
NUMBER = re.compile(r"(?<![\w.])-?(?:\d+\.\d*|\.\d+|\d+(?=[eE][-+]?\d))(?:[eE][-+]?\d+)?")
RUNS = ((6, 3), (3, 5), (2, 7))  # so many numbers in a row, equal in so many significant digits: no chance
CELL = {"cell_type", "metadata", "source", "id", "attachments"}
METADATA = {"tags", "exercise", "mystnb", "deletable"}
PACKAGE = "course_pkg/"


@dataclass(frozen=True)
class Leak:
    """Where and what, in words."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass
class Secret:
    """A text that must not be found: what it is in words, and the solutions it belongs to."""

    what: str
    of: set[str] = field(default_factory=set)


@dataclass
class Secrets:
    """All that a bundle must not hold, and the public cases, beside which its checks may hold none."""

    texts: dict[str, Secret] = field(default_factory=dict)  # without spaces
    lines: dict[str, list[str]] = field(default_factory=dict)  # solution -> its lines, to count how much of it is found
    runs: dict[tuple[str, ...], str] = field(default_factory=dict)  # numbers in a row -> the case they belong to
    public: dict[str, list[Any]] = field(default_factory=dict)  # exercise -> names and inputs of its public cases
    key: str = ""

    def add_solution(self, chapter: Chapter, exercise: Exercise) -> None:
        """The lines of a solution, and its text as a whole."""
        cell = chapter.notebook.task(exercise.id)
        of = f"{exercise.id} ({exercise.version})"
        lines = [bare(line) for line in markers.solution_lines(cell.source, chapter.notebook.place, cell.number)]
        self.lines[of] = [line for line in lines if line]
        for line in lines:
            if len(line) >= LINE:
                self._add(line, f"{'a' if len(lines) > 1 else 'the one'} line of the solution of {of}", of)
        if len("".join(lines)) >= SHORT:
            self._add("".join(lines), f"the solution of {of}", of)

    def add_mutants(self, exercise: Exercise) -> None:
        """What the mutants write in place of the solution."""
        of = f"{exercise.id} ({exercise.version})"
        for new in (new for mutant in exercise.mutants for _, new in mutant.pairs):
            for text in (bare(text) for text in (new, *new.splitlines())):
                if len(text) >= MUTANT:
                    self._add(text, f"text of a mutant of {of}", of)

    def add_hidden(self, task: Task) -> None:
        """The numbers of the hidden cases: inputs, expected results, and what known mistakes give.

        A case that is also public (add_public comes first) is no secret.
        """
        public = [inputs for _, inputs in self.public.get(task.id, [])]
        for k, case in enumerate(task.cases, 1):
            if [encode(x) for x in case.inputs] in public:
                continue
            what = f"numbers of hidden case {k} of {task.id}"
            values = [[case.inputs, case.expected], case.expected, case.inputs]
            values += [m.outcomes[k - 1].value for m in task.mistakes if m.outcomes[k - 1] is not None]
            for run in (run for value in values for run in runs_of(numbers_in(value, "f"))):
                self.runs.setdefault(run, what)
            for integers in (numbers_in(value, "iu") for value in (*case.inputs, case.expected)):
                if _bits(integers) >= 48:
                    self._add(",".join(map(str, integers)), what, "")

    def add_public(self, exercise: Exercise) -> None:
        """The names and inputs that checks/NN.json may hold."""
        self.public[exercise.id] = [[c.name, [encode(x) for x in public_inputs(exercise, c)]] for c in exercise.public]

    def _add(self, text: str, what: str, of: str) -> None:
        secret = self.texts.setdefault(text, Secret(what))
        secret.of |= {of} if of else set()


@dataclass
class Findings:
    leaks: list[Leak]
    shared: list[Leak]  # lines that the published package has in common with solutions
    files: int
    numbers: int


def inspect(folder: Path, secrets: Secrets, package: Path) -> Findings:
    """Read every file of the bundle; `package` is the published course_pkg."""
    out = Findings([], [], 0, 0)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            out.leaks.append(Leak(name, "is no plain file"))
        elif path.is_dir():
            if not any(path.iterdir()):
                out.leaks.append(Leak(name, "is an empty folder"))
        else:
            out.files += 1
            _inspect_file(path, name, secrets, package, out)
    return out


def _inspect_file(path: Path, name: str, secrets: Secrets, package: Path, out: Findings) -> None:
    data = path.read_bytes()
    published = name.startswith(PACKAGE) and _same(package / name.removeprefix(PACKAGE), data)
    found: dict[str, Leak] = {}
    for place, text in _texts(path, name, data, secrets, out.leaks):
        _search(place, text, secrets, found)
        out.leaks += [Leak(_at(place, text, m.start()), "encoded data") for m in BLOB.finditer(text) if not published]
        out.numbers += _search_numbers(place, text, secrets, out.leaks)
        if secrets.key and secrets.key in text:
            out.leaks.append(Leak(place, "the key of the term"))
    for text, leak in found.items():
        half = any(_half(secrets.lines[of], found) for of in secrets.texts[text].of)
        shared = published and secrets.texts[text].of and not half
        (out.shared if shared else out.leaks).append(leak)


def _half(lines: list[str], found: Mapping[str, Leak]) -> bool:
    """Whether a file holds half of a solution of more than one line."""
    held = sum(len(line) for line in lines if line in found)
    return len(lines) > 1 and 2 * held >= sum(map(len, lines))


def _texts(path: Path, name: str, data: bytes, secrets: Secrets, leaks: list[Leak]) -> list[tuple[str, str]]:
    """The name and the text of a file, and all strings in its JSON; what is wrong with its form goes to `leaks`."""
    try:
        if path.suffix not in READABLE:
            raise ValueError
        texts = [(name, path.name), (name, data.decode("utf-8"))]
    except ValueError:
        leaks.append(Leak(name, "cannot be read as text, so nothing is known about it"))
        return [(name, path.name), (name, data.decode("latin-1"))]
    if path.suffix in (".json", ".ipynb"):
        try:
            content = json.loads(data)
        except (ValueError, RecursionError):
            leaks.append(Leak(name, "is no valid JSON"))
        else:
            texts += [(place, text) for place, text in _strings(content, name) if len(text) >= SHORT]
            if path.suffix == ".ipynb":
                leaks += _notebook(content, name)
            if re.fullmatch(r"exercises/checks/\d\d\.json", name):
                leaks += _checks(content, name, secrets)
    return texts


def _search(place: str, text: str, secrets: Secrets, found: dict[str, Leak]) -> None:
    """Every secret text, in the text without its spaces and line breaks."""
    joined = re.sub(r"\s+", "", text)
    for secret in (secret for secret in secrets.texts if secret in joined and secret not in found):
        line = _line_of(text, joined.index(secret))
        found[secret] = Leak(f"{place}, line {line}", secrets.texts[secret].what)


def _search_numbers(place: str, text: str, secrets: Secrets, leaks: list[Leak]) -> int:
    """Runs of hidden numbers, whatever stands between them, to however many digits; returns how many were read."""
    tokens = [(float(match.group()), match.start()) for match in NUMBER.finditer(text)]
    seen = set()
    for length, digits in RUNS:
        rounded = [f"{x:.{digits - 1}e}" for x, _ in tokens]
        for k in range(len(rounded) - length + 1):
            what = secrets.runs.get((str(digits), *rounded[k : k + length]))
            if what and what not in seen:
                seen.add(what)
                leaks.append(Leak(_at(place, text, tokens[k][1]), what))
    return len(tokens)


def runs_of(stream: list[float]) -> Iterator[tuple[str, ...]]:
    """All runs of a stream that cannot be met by chance: of six at most one round, a small fraction or repeated."""
    parts = np.outer(np.asarray(stream, float), np.arange(1, 61))  # a fraction such as 1/3 is whole in one column
    fractions = np.isclose(parts, np.round(parts), rtol=0, atol=1e-9).any(axis=1)
    long = [len(_mantissa(repr(x))) >= 11 and not simple for x, simple in zip(stream, fractions)]
    for length, digits in RUNS:
        rounded = [f"{x:.{digits - 1}e}" for x in stream]
        for k in range(len(rounded) - length + 1):
            run = zip(rounded[k : k + length], long[k : k + length])
            telling = {key.strip("-") for key, full in run if full and len(_mantissa(key)) >= digits - 1}
            if len(telling) >= min(length, 5):
                yield str(digits), *rounded[k : k + length]


def _mantissa(number: str) -> str:
    """The digits that count: those of "-1.20e-03" are 12."""
    return re.sub(r"e.*|[-.]", "", number).strip("0")


def numbers_in(value: Any, kinds: str) -> list[Any]:
    """All numbers of these kinds of dtype in a value, in order."""
    if isinstance(value, np.ndarray):
        return value.ravel().tolist() if value.dtype.kind in kinds else []
    if isinstance(value, dict):
        return [x for entry in value.values() for x in numbers_in(entry, kinds)]
    if isinstance(value, list | tuple):
        return [x for entry in value for x in numbers_in(entry, kinds)]
    wanted = isinstance(value, float | np.floating) if kinds == "f" else False
    return [float(value)] if wanted else []


def _bits(integers: list[int]) -> float:
    """How much a list of integers tells: its entropy in bits."""
    counts = np.unique(integers, return_counts=True)[1] if integers else np.array([1])
    return float(-(counts * np.log2(counts / counts.sum())).sum())


def _checks(content: Any, name: str, secrets: Secrets) -> list[Leak]:
    """checks/NN.json holds the public cases of its exercises and no other."""
    out = []
    for entry in content["exercises"]:
        cases = [[case["name"], case["inputs"]] for case in entry["cases"]]
        if json.dumps(cases) != json.dumps(secrets.public.get(entry["id"])):
            out.append(Leak(f"{name}, {entry['id']}", "holds cases that are not the public ones"))
    return out


def _notebook(content: Any, name: str) -> list[Leak]:
    """A notebook for students holds sources and a few words of metadata; no outputs, nothing else."""
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        return [Leak(name, "is no notebook")]
    out = []
    if set(content.get("metadata", {})) - {"kernelspec", "language_info"} or set(content) - {
        "cells", "metadata", "nbformat", "nbformat_minor"}:  # fmt: skip
        out.append(Leak(name, "has metadata that no student needs"))
    for number, cell in enumerate(content["cells"], 1):
        place = f"{name}, cell {number}"
        if cell.get("outputs") or cell.get("execution_count"):
            out.append(Leak(place, "has outputs"))
        if set(cell) - CELL - {"outputs", "execution_count"} or set(cell.get("metadata", {})) - METADATA:
            out.append(Leak(place, "has metadata that no student needs"))
        source = "".join(cell.get("source", ""))
        if any(line.strip() in (markers.BEGIN, markers.END) for line in source.splitlines()):
            out.append(Leak(place, "has the marker of a solution"))
    return out


def _strings(content: Any, place: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """All strings of a JSON value, keys too; lists of strings also joined, as notebooks split their sources."""
    if isinstance(content, str):
        yield place, content
    elif isinstance(content, dict):
        for key, value in content.items():
            yield f"{place}, {key!r}"[:120], key
            yield from _strings(value, place if depth > 8 else f"{place}, {key}", depth + 1)
    elif isinstance(content, list):
        if content and all(isinstance(entry, str) for entry in content):
            yield place, "".join(content)
        for k, entry in enumerate(content, 1):
            if not isinstance(entry, str) and not isinstance(entry, float | int | None):
                yield from _strings(entry, place if depth > 8 else f"{place} {k}", depth + 1)


def bare(code: str) -> str:
    """Code without its comment and without spaces."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(code.strip()).readline):
            if token.type == tokenize.COMMENT:
                lines = code.strip().splitlines()
                lines[token.start[0] - 1] = lines[token.start[0] - 1][: token.start[1]]
                code = "\n".join(lines)
    except (tokenize.TokenError, SyntaxError, IndexError):
        pass
    return re.sub(r"\s+", "", code)


def _line_of(text: str, position: int) -> int:
    """The line of the character that is at `position` when spaces are left out."""
    count = 0
    for number, line in enumerate(text.splitlines(), 1):
        count += len(re.sub(r"\s+", "", line))
        if count > position:
            return number
    return 1


def _at(place: str, text: str, position: int) -> str:
    return f"{place}, line {text.count(chr(10), 0, position) + 1}"


def _same(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data

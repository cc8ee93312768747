"""The two markers of a solution, and everything that looks like one and is not.

    ### BEGIN SOLUTION
    ...
    ### END SOLUTION

A typing mistake in a marker would publish the answer. So a marker is written exactly so, or the notebook is refused.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from .errors import ExerciseError

BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"


@dataclass(frozen=True)
class Region:
    """Lines of a cell, counted from 0: `begin` and `end` are those of the markers."""

    begin: int
    end: int
    indent: str


def refuse_lookalikes(source: str, place: str, cell: int, code: bool) -> None:
    """A line that was meant as a marker and is none; outside of code cells, every marker."""
    for number, line in enumerate(source.splitlines(), 1):
        exact = line.strip() in (BEGIN, END)
        if exact and not code:
            raise ExerciseError(place, f"`{line.strip()}` stands in a cell that is not code", cell, number)
        if not exact and _looks_like_marker(line, code):
            exactly = f"write exactly `{BEGIN}` or `{END}`, or reword it"
            message = f"`{line.strip()}` looks like a marker and is none; {exactly}"
            raise ExerciseError(place, message, cell, number)


@lru_cache(maxsize=1 << 16)  # versions of a notebook have most lines in common
def _looks_like_marker(line: str, code: bool) -> bool:
    words = re.findall(r"[A-Za-z]+", line)
    if code and re.match(r"\s*##+\s*(BEGIN|END)\b", line):  # regions of other tools are not ours
        return True
    if any(_alike(word, joined, 0.85) for word in words for joined in ("beginsolution", "endsolution")):
        return True
    for first, second in zip(words, words[1:], strict=False):
        if not _alike(second, "solution", 0.8):
            continue
        shouted, short = first.isupper() or second.isupper(), len(words) <= 4
        if (shouted or short) and (_alike(first, "begin", 0.75) or _alike(first, "end", 0.75)):
            return True
        if code and first.lower() in ("begin", "end"):
            return True
    return False


def _alike(word: str, target: str, ratio: float) -> bool:
    word = word.lower()
    return SequenceMatcher(None, word, target).ratio() >= ratio or sorted(word) == sorted(target)


def regions(source: str, place: str, cell: int) -> list[Region]:
    """The regions of a code cell, in order; refuses what is stray, nested, open, empty or outside a function."""
    found: list[Region] = []
    begin: int | None = None
    lines = source.splitlines()
    for k, line in enumerate(lines):
        marker = line.strip()
        if marker == BEGIN:
            if begin is not None:
                raise ExerciseError(place, f"`{BEGIN}` inside a region that began in line {begin + 1}", cell, k + 1)
            begin = k
        elif marker == END:
            if begin is None:
                raise ExerciseError(place, f"`{END}` without a `{BEGIN}` before it", cell, k + 1)
            found.append(_region(lines, begin, k, place, cell))
            begin = None
    if begin is not None:
        raise ExerciseError(place, f"`{BEGIN}` is never closed by `{END}`", cell, begin + 1)
    if found:
        _refuse_outside_functions(source, found, place, cell)
    return found


def _region(lines: list[str], begin: int, end: int, place: str, cell: int) -> Region:
    indent = lines[begin][: len(lines[begin]) - len(lines[begin].lstrip())]
    if lines[end][: len(lines[end]) - len(lines[end].lstrip())] != indent:
        raise ExerciseError(place, f"`{END}` is indented otherwise than its `{BEGIN}`", cell, end + 1)
    body = [(k, line) for k, line in enumerate(lines[begin + 1 : end], begin + 2) if line.strip()]
    if all(line.strip().startswith("#") for _, line in body):
        raise ExerciseError(place, "the region holds no code", cell, begin + 1)
    for number, line in body:
        if not line.startswith(indent):
            raise ExerciseError(place, "this line stands further left than the marker above it", cell, number)
    return Region(begin, end, indent)


def _refuse_outside_functions(source: str, found: list[Region], place: str, cell: int) -> None:
    try:
        tree = ast.parse(source)
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (SyntaxError, tokenize.TokenError) as error:
        raise ExerciseError(place, f"a cell with a solution must be plain Python: {error}", cell) from error
    comments = {token.start[0] for token in tokens if token.type == tokenize.COMMENT}
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    for region in found:
        for k in (region.begin, region.end):
            if k + 1 not in comments:
                raise ExerciseError(place, "this marker stands inside a string", cell, k + 1)
        inside = range(region.begin + 2, region.end + 1)
        code = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.stmt) and n.lineno in inside]
        if not code or not any(f.lineno < min(code) and max(code) <= (f.end_lineno or 0) and
                               f.lineno <= region.begin for f in functions):  # fmt: skip
            raise ExerciseError(place, "the region is outside a function", cell, region.begin + 1)


def starter(source: str, title: str, place: str, cell: int) -> str:
    """The cell that students get: each region becomes one raise, at the region's own indentation."""
    lines = source.splitlines()
    for region in reversed(regions(source, place, cell)):
        message = f"{title}: write this part"
        lines[region.begin : region.end + 1] = [f"{region.indent}raise NotImplementedError({_quoted(message)})"]
    out = "\n".join(lines)
    try:
        ast.parse(out)
    except SyntaxError as error:
        raise ExerciseError(place, f"without its solution the cell is no valid Python: {error}", cell) from error
    return out


def solution_lines(source: str, place: str, cell: int) -> list[str]:
    """The stripped lines of code inside the regions: what must not be found in exercises/."""
    lines = source.splitlines()
    return [line.strip() for r in regions(source, place, cell) for line in lines[r.begin + 1 : r.end] if line.strip()]


def edit(source: str, pairs: list[tuple[str, str]], place: str, cell: int) -> str:
    """The cell with text of its regions replaced; each text must occur there exactly once."""
    lines = source.splitlines()
    for old, new in pairs:
        hits = 0
        for region in reversed(regions("\n".join(lines), place, cell)):
            body = "\n".join(lines[region.begin + 1 : region.end]) + "\n"
            hits += body.count(old) if old else 0
            if old and old in body:
                lines[region.begin + 1 : region.end] = body.replace(old, new).removesuffix("\n").split("\n")
        if hits != 1:
            raise ExerciseError(place, f"the edit of {old!r} fits {hits} times in the solution; it must fit once", cell)
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

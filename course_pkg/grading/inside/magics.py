"""What Jupyter understands and Python does not: magics, shell lines, questions. They become Python that does nothing.

Line numbers stay as they are, so that a message about line 4 is about the student's line 4. Only text that is not
Python already is touched, and only lines that begin a statement: a `%` inside a string or a bracket is left alone.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"#[^\n]*"  # a comment
    r"|[rbfuRBFU]{0,2}(?:\"\"\"|''')"  # opens a long string
    r"|[rbfuRBFU]{0,2}\"(?:[^\"\\\n]|\\.)*\"?|[rbfuRBFU]{0,2}'(?:[^'\\\n]|\\.)*'?"  # a short string
    r"|[\[({]|[\])}]",
    re.S,
)
_ASSIGNED = re.compile(r"^(\s*)([^=!%#'\"()]*?[^=!<>%\s])\s*=\s*([!%])(?![=])(.*)$")
_RUNS_BODY = {"time", "capture", "prun", "debug"}
_RUNS_LINE = {"time", "prun"}


def neutralise(source: str) -> str:
    """The source, with what is IPython's replaced by `pass` or by the Python in it."""
    source = source.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff").replace("\x00", "")
    if _is_python(source):
        return source
    first = source.lstrip()
    if first.startswith("%%"):
        word = re.match(r"%%(\w*)", first)
        head, _, body = source.partition(first.split("\n", 1)[0])
        if word and word.group(1) in _RUNS_BODY:
            return head + "pass" + neutralise(body)
        return "\n" * source.count("\n")
    lines = source.split("\n")
    open_string, depth, continued = "", 0, False
    for k, line in enumerate(lines):
        if not open_string and depth == 0 and not continued:
            lines[k] = line = _line(line)
        open_string, depth = _scan(line, open_string, depth)
        continued = line.endswith("\\") and not open_string
    return "\n".join(lines)


def _is_python(source: str) -> bool:
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "<cell>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _line(line: str) -> str:
    text = line.strip()
    indent = line[: len(line) - len(line.lstrip())]
    if text.startswith("%"):
        word, _, rest = text[1:].lstrip("%").partition(" ")
        return indent + (rest.strip() if word in _RUNS_LINE and rest.strip() else "pass")
    if text.startswith(("!", "?")) or _is_question(text):
        return indent + "pass"
    found = _ASSIGNED.match(line)
    if found:
        return f"{found[1]}{found[2]} = {'[]' if found[3] == '!' else 'None'}"
    return line


def _is_question(text: str) -> bool:
    return text.endswith("?") and re.fullmatch(r"[\w.\[\]'\"*]+\?{1,2}", text) is not None


def _scan(line: str, open_string: str, depth: int) -> tuple[str, int]:
    """The open long string and the depth of brackets after this line."""
    at = 0
    while at < len(line):
        if open_string:
            end = _end_of_long(line, at, open_string)
            if end < 0:
                return open_string, depth
            at, open_string = end, ""
            continue
        found = _TOKEN.search(line, at)
        if found is None:
            return "", depth
        token, at = found.group(), found.end()
        if token.endswith(('"""', "'''")) and token.lstrip("rbfuRBFU") in ('"""', "'''"):
            open_string = token[-3:]
        elif token in "([{":
            depth += 1
        elif token in ")]}":
            depth = max(0, depth - 1)
    return open_string, depth


def _end_of_long(line: str, at: int, quotes: str) -> int:
    while at < len(line):
        if line[at] == "\\":
            at += 2
        elif line.startswith(quotes, at):
            return at + 3
        else:
            at += 1
    return -1

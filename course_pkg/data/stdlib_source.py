"""The source of Python's own standard library: real text that every reader has.

Its wording differs from one Python version to the next, so nothing computed from it is ever compared exactly: the
chapters assert ranges and properties.
"""

import io
import sysconfig
import tokenize
from pathlib import Path

import numpy as np

# Read in this order; all are in every supported version of Python.
MODULES = (
    "textwrap", "string", "random", "statistics", "fractions", "heapq", "bisect", "calendar", "shlex", "csv",
    "json/decoder", "json/encoder", "configparser", "argparse", "collections/__init__", "contextlib", "copy",
    "datetime", "difflib", "fnmatch", "functools", "getopt", "glob", "gzip", "inspect", "locale", "mimetypes",
    "numbers", "os", "pathlib", "pprint", "queue", "sched", "shutil", "tarfile", "tempfile", "threading",
    "timeit", "traceback", "types", "typing", "unittest/case", "unittest/mock", "uuid", "warnings", "weakref",
    "zipfile",
)  # fmt: skip


def module_source(name: str) -> str:
    """The text of one module, e.g. "textwrap" or "json/decoder"; a package stands for its __init__."""
    root = Path(sysconfig.get_paths()["stdlib"])
    for path in (root / f"{name}.py", root / name / "__init__.py"):
        if path.is_file():
            return path.read_text(encoding="utf8")
    raise ValueError(f"module_source: name must be a module of the standard library, got {name!r} (no such file)")


def stdlib_text(max_chars: int | None = None) -> str:
    """The modules of MODULES, one after the other, cut after max_chars characters."""
    parts, size = [], 0
    for name in MODULES:
        parts.append(module_source(name))
        size += len(parts[-1])
        if max_chars is not None and size >= max_chars:
            break
    return "".join(parts)[:max_chars]


def _lines(source: str) -> list[str]:
    """The lines as the tokenizer counts them: split at newlines only (str.splitlines splits at form feeds too)."""
    return list(io.StringIO(source))


def inside_string(source: str) -> np.ndarray:
    """For each character of a Python source: True inside a string literal, its quotation marks included.

    Returns (len(source),). The labels come from Python's own tokenizer.
    """
    starts = np.cumsum([0, *(len(line) for line in _lines(source))])
    inside, opened = np.zeros(len(source), bool), []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = tokenize.tok_name[token.type]
        begin, end = (starts[row - 1] + column for row, column in (token.start, token.end))
        if kind == "STRING":
            inside[begin:end] = True
        elif kind.endswith("STRING_START"):  # an f-string is several tokens from Python 3.12 on
            opened.append(begin)
        elif kind.endswith("STRING_END"):
            inside[opened.pop() : end] = True
    return inside


def labelled_lines(name: str, min_length: int = 5, max_length: int = 80) -> list[tuple[str, np.ndarray]]:
    """The lines of a module that hold a whole string or none, with a label for each character: [(line, inside)].

    Lines that begin or end inside a string (docstrings) and lines that are too short or too long are left out.
    """
    source = module_source(name)
    inside, lines, position = inside_string(source), [], 0
    for line in _lines(source):
        labels = inside[position : position + len(line)]
        before = position > 0 and inside[position - 1]
        position += len(line)
        text = line.rstrip()
        plain = text.isascii() and text.isprintable()
        whole = not before and not labels[len(text) :].any()
        if min_length <= len(text) <= max_length and plain and whole:
            lines.append((text, labels[: len(text)]))
    return lines

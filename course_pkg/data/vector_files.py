"""Word vectors in the file formats in which they are handed round: GloVe's text, word2vec's text and binary.

    GloVe text       one line a word: the word and its E numbers, single spaces between; UTF-8
    word2vec text    the same, after a first line "V E"
    word2vec binary  a first line "V E", then for each word: the word, a space, E float32 (little-endian), a newline

Every error names the file, the line (or the word's number), what was expected and what was found.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

FORBIDDEN = " \t\n\r\v\f"  # these part words from numbers and lines; a no-break space inside a word is allowed


class VectorFile(NamedTuple):
    """Words (V of them) and their vectors (V, E), row by row."""

    words: tuple[str, ...]
    vectors: np.ndarray


def read_glove(path: str | Path, limit: int | None = None, dtype: type = np.float64) -> VectorFile:
    """V words and vectors (V, E) from a file in GloVe's text format; only the first `limit` lines if given.

    E is known from the first line. A line whose word contains a space has too many fields and is refused.
    """
    function, lines = "read_glove", _lines(Path(path).read_bytes())
    lines = lines if limit is None else lines[:limit]
    if not lines:
        raise ValueError(f"{function}: {path} must hold at least one line, got an empty file")
    E = len(lines[0].split(b" ")) - 1
    if E == 1 and len(lines) > 1 and all(part.isdigit() for part in lines[0].split(b" ")):
        raise ValueError(f"{function}: {path} line 1: expected a word and its numbers, got {lines[0].decode()!r}, "
                         "which looks like the header of a word2vec file; use read_word2vec")  # fmt: skip
    return _parse(function, path, lines, 1, E, "from line 1", dtype)


def read_word2vec(
    path: str | Path, binary: bool = False, limit: int | None = None, dtype: type = np.float64
) -> VectorFile:
    """V words and vectors (V, E) from a word2vec file, text or binary; only the first `limit` words if given."""
    function, data = "read_word2vec", Path(path).read_bytes()
    end = data.find(b"\n")
    header = (data if end < 0 else data[:end]).removesuffix(b"\r")
    V, E = _header(function, path, header)
    if binary:
        return _parse_binary(function, path, data, end + 1, V, E, limit, dtype)
    lines = _lines(data)[1:]
    if limit is not None and limit < len(lines):
        V, lines = min(V, limit), lines[:limit]
    if len(lines) != V:
        raise ValueError(f"{function}: {path}: expected {V} words (from line 1), got {len(lines)} lines after it")
    return _parse(function, path, lines, 2, E, "from line 1", dtype)


def write_glove(path: str | Path, words: Sequence[str], vectors: np.ndarray) -> None:
    """Write V words and vectors (V, E) as GloVe's text; reading gives the same numbers back, to the last digit."""
    _check_table("write_glove", words, vectors)
    Path(path).write_bytes(b"".join(_text_lines(words, vectors)))


def write_word2vec(path: str | Path, words: Sequence[str], vectors: np.ndarray, binary: bool = False) -> None:
    """Write V words and vectors (V, E) as a word2vec file. The binary form holds float32, whatever comes in."""
    _check_table("write_word2vec", words, vectors)
    header = f"{vectors.shape[0]} {vectors.shape[1]}\n".encode()
    if not binary:
        Path(path).write_bytes(header + b"".join(_text_lines(words, vectors)))
        return
    with np.errstate(over="ignore"):
        rows = vectors.astype("<f4")
    if not np.isfinite(rows).all():
        raise ValueError("write_word2vec: vectors must fit into float32, got an entry as large as "
                         f"{np.abs(vectors).max():.3g}")  # fmt: skip
    body = (word.encode() + b" " + row.tobytes() + b"\n" for word, row in zip(words, rows, strict=True))
    Path(path).write_bytes(header + b"".join(body))


# ---- pieces ------------------------------------------------------------------------------------------------------


def _text_lines(words: Sequence[str], vectors: np.ndarray) -> Iterable[bytes]:
    """str of a NumPy float is the shortest text that is read back as the same float."""
    for word, row in zip(words, vectors, strict=True):
        yield " ".join([word, *map(str, row)]).encode() + b"\n"


def _lines(data: bytes) -> list[bytes]:
    """Lines end at a newline and nowhere else (str.splitlines ends them at characters that words may contain)."""
    lines = data.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    return [line.removesuffix(b"\r") for line in lines]


def _header(function: str, path: str | Path, header: bytes) -> tuple[int, int]:
    parts = header.split()
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        raise ValueError(f"{function}: {path} line 1: expected the number of words and their dimension, as in "
                         f"'400000 100', got {header[:60].decode(errors='replace')!r}")  # fmt: skip
    V, E = map(int, parts)
    if V < 1 or E < 1:
        raise ValueError(f"{function}: {path} line 1: expected at least one word and dimension 1, got {V} and {E}")
    return V, E


def _parse(
    function: str, path: str | Path, lines: list[bytes], first: int, E: int, origin: str, dtype: type
) -> VectorFile:
    """Text lines, the first of which is line `first` of the file."""
    words: dict[str, int] = {}
    vectors = np.empty((len(lines), E), dtype)
    for row, line in enumerate(lines):
        here = f"{function}: {path} line {first + row}"
        fields = line.rstrip(b" ").split(b" ")
        if len(fields) != E + 1 or E < 1:
            hint = " (does the word contain a space?)" if len(fields) > E + 1 else ""
            raise ValueError(f"{here}: expected a word and {max(E, 1)} numbers ({origin}), "
                             f"got {len(fields) - 1}{hint}")  # fmt: skip
        _remember(here, fields[0], row, first, words)
        for column, field in enumerate(fields[1:]):
            vectors[row, column] = _number(here, field)
    return VectorFile(tuple(words), vectors)


def _remember(here: str, raw: bytes, row: int, first: int, words: dict[str, int], unit: str = "line") -> None:
    """Decode a word and note its place; refuse an empty one and one that came before."""
    try:
        word = raw.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{here}: expected a word in UTF-8, got {raw[:40]!r}") from error
    if not word or any(c in FORBIDDEN for c in word):
        raise ValueError(f"{here}: expected a word without blanks in front of the numbers, got {word!r}")
    if word in words:
        raise ValueError(f"{here}: expected a new word, got {word!r} again (first in {unit} {first + words[word]})")
    words[word] = row


def _number(here: str, field: bytes) -> float:
    try:
        value = float(field) if b"_" not in field else None
    except ValueError:
        value = None
    if value is None:
        raise ValueError(f"{here}: expected a number, got {field[:40].decode(errors='replace')!r}")
    if not np.isfinite(value):
        raise ValueError(f"{here}: expected a finite number, got {field.decode()!r}")
    return value


def _parse_binary(
    function: str, path: str | Path, data: bytes, start: int, V: int, E: int, limit: int | None, dtype: type
) -> VectorFile:
    """Words and raw float32 from byte `start`. Some writers leave out the newline after a vector: both are read."""
    wanted = V if limit is None else min(V, limit)
    words: dict[str, int] = {}
    if wanted * (4 * E + 2) > len(data) - start + 1:  # before any memory is asked for
        raise ValueError(f"{function}: {path}: expected {V} words of dimension {E} (from line 1), "
                         f"got only {len(data) - start} bytes after it: the file is truncated")  # fmt: skip
    vectors = np.empty((wanted, E), dtype)
    for row in range(wanted):
        here = f"{function}: {path} word {row + 1} of {V}"
        if data[start : start + 1] == b"\n":
            start += 1
        space = data.find(b" ", start)
        if space < 0 or space + 1 + 4 * E > len(data):
            raise ValueError(f"{here}: expected a word, a space and {4 * E} bytes, got the end of the file")
        _remember(here, data[start:space], row, 1, words, "word")
        values = np.frombuffer(data, "<f4", E, space + 1)
        if not np.isfinite(values).all():
            raise ValueError(f"{here}: expected finite numbers, got {values[~np.isfinite(values)][0]}")
        vectors[row], start = values, space + 1 + 4 * E
    if wanted == V and data[start:].strip(b"\n"):
        raise ValueError(f"{function}: {path}: expected {V} words (from line 1), got {len(data) - start} more bytes")
    return VectorFile(tuple(words), vectors)


def _check_table(function: str, words: Sequence[str], vectors: np.ndarray) -> None:
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2 or vectors.dtype.kind != "f":
        found = f"{vectors.dtype} {vectors.shape}" if isinstance(vectors, np.ndarray) else type(vectors).__name__
        raise TypeError(f"{function}: vectors must be floats (V, E), got {found}")
    if len(words) != len(vectors) or vectors.size == 0:
        raise ValueError(f"{function}: vectors must be (V, E) with V={len(words)} (from words) and E >= 1, "
                         f"got shape {vectors.shape}")  # fmt: skip
    if not np.isfinite(vectors).all():
        raise ValueError(f"{function}: vectors must be finite, got {vectors[~np.isfinite(vectors)][0]}")
    seen: set[str] = set()
    for word in words:
        if not word or any(c in FORBIDDEN for c in word):
            raise ValueError(f"{function}: words must hold no blanks or line ends and not be empty, got {word!r}")
        if word in seen:
            raise ValueError(f"{function}: words must be distinct, got {word!r} twice")
        seen.add(word)

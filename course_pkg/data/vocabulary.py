"""Tokens and their numbers."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from course_pkg.shapes import check_positive_int

FORMAT = "course vocabulary, version 1"


class Vocabulary:
    """Distinct tokens (characters or words) in a fixed order, numbered 0..V-1.

    unknown: the token that stands for all that are not in the vocabulary; without it they are refused.
    padding: the token that fills up short sequences. Either is put in front if it is not among the tokens, padding
    first. counts: how often each token occurs, in the order of `tokens`, or None.
    """

    def __init__(
        self,
        tokens: Iterable[str],
        *,
        unknown: str | None = None,
        padding: str | None = None,
        counts: Iterable[int] | None = None,
    ):
        own = tuple(dict.fromkeys(tokens))  # first occurrence decides the place
        if not own:
            raise ValueError("Vocabulary: tokens must hold at least one token, got none")
        if padding is not None and padding == unknown:
            raise ValueError(f"Vocabulary: padding and unknown must be different tokens, got {padding!r} for both")
        special = [s for s in (padding, unknown) if s is not None and s not in own]
        self.tokens = (*special, *own)
        for token in self.tokens:
            if not isinstance(token, str):
                raise TypeError(f"Vocabulary: tokens must be strings, got {type(token).__name__} {token!r}")
        self.unknown, self.padding = unknown, padding
        self._ids = {token: i for i, token in enumerate(self.tokens)}
        self.counts = None if counts is None else _checked_counts(counts, len(own), len(special))

    @classmethod
    def build(
        cls,
        tokens: Iterable[str],
        *,
        min_count: int = 1,
        max_size: int | None = None,
        unknown: str | None = "<unk>",
        padding: str | None = None,
    ) -> "Vocabulary":
        """From a text: the tokens that occur min_count times or more, the most frequent ones first (equally frequent
        ones in the order of their code points), at most max_size tokens with the special ones. `counts` is kept; the
        unknown token counts all that were left out."""
        check_positive_int("Vocabulary.build", "min_count", min_count)
        special = sum(s is not None for s in (unknown, padding))
        if max_size is not None:
            check_positive_int("Vocabulary.build", "max_size", max_size)
            if max_size <= special:
                raise ValueError(f"Vocabulary.build: max_size must leave room for a token beside the {special} special "
                                 f"ones, got {max_size}")  # fmt: skip
        found = Counter(tokens)
        if not found:
            raise ValueError("Vocabulary.build: tokens must hold at least one token, got none")
        given = {s: found.pop(s, 0) for s in (padding, unknown) if s is not None}  # they may stand in the text
        order = sorted((t for t in found if found[t] >= min_count), key=lambda t: (-found[t], t))
        kept = order[: None if max_size is None else max_size - special]
        left_out = sum(found.values()) - sum(found[t] for t in kept)
        if left_out and unknown is None:
            raise ValueError("Vocabulary.build: unknown must name a token when min_count or max_size leaves tokens "
                             "out, got None")  # fmt: skip
        if unknown is not None:
            given[unknown] += left_out
        tokens = [*given, *kept]
        return cls(tokens, unknown=unknown, padding=padding, counts=[{**found, **given}[t] for t in tokens])

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self._ids

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash((self.tokens, self.unknown, self.padding))

    @property
    def unknown_id(self) -> int | None:
        return None if self.unknown is None else self._ids[self.unknown]

    @property
    def padding_id(self) -> int | None:
        return None if self.padding is None else self._ids[self.padding]

    def encode(self, tokens: Iterable[str]) -> np.ndarray:
        """Tokens -> their numbers, shape (n,). What is not in the vocabulary becomes the unknown token; without one, a
        ValueError names the first such token."""
        ids = []
        for position, token in enumerate(tokens):
            if token not in self._ids and self.unknown is None:
                raise ValueError(f"Vocabulary.encode: tokens must be among the {len(self)} known ones, "
                                 f"got {token!r} at position {position}")  # fmt: skip
            ids.append(self._ids.get(token, self.unknown_id))
        return np.array(ids, dtype=int)

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Numbers -> tokens. A ValueError names the first number outside 0..V-1."""
        tokens = []
        for position, i in enumerate(ids):
            if not 0 <= i < len(self):
                raise ValueError(f"Vocabulary.decode: ids must be in 0..{len(self) - 1}, "
                                 f"got {i} at position {position}")  # fmt: skip
            tokens.append(self.tokens[i])
        return tokens

    def save(self, path: str | Path) -> None:
        """Write a JSON file, in ASCII (other characters as their \\u escapes), so that any token survives."""
        text = json.dumps({"format": FORMAT, **self._content()}, indent=0)
        Path(path).write_text(text + "\n", encoding="ascii", newline="\n")

    @classmethod
    def load(cls, path: str | Path) -> "Vocabulary":
        """Read what `save` wrote. A ValueError names the file and what is wrong with it."""
        path = Path(path)
        try:
            content = json.loads(path.read_bytes())
        except ValueError as error:  # not JSON, or not text
            raise ValueError(f"Vocabulary.load: {path.name} must be a JSON file, got {error}") from None
        _check_content(path.name, content)
        return cls(**{key: content[key] for key in ("tokens", "unknown", "padding", "counts")})

    def _content(self) -> dict:
        counts = None if self.counts is None else self.counts.tolist()
        return {"unknown": self.unknown, "padding": self.padding, "tokens": list(self.tokens), "counts": counts}


def _checked_counts(counts: Iterable[int], own: int, special: int) -> np.ndarray:
    """Counts (V,) of all tokens; special tokens that were put in front count 0."""
    found = np.array(list(counts))
    if found.shape != (own,) or found.dtype.kind not in "iu" or found.min() < 0:
        raise ValueError(f"Vocabulary: counts must be {own} integers of at least 0, one for each token, "
                         f"got {found.dtype} of shape {found.shape}")  # fmt: skip
    return np.concatenate([np.zeros(special, int), found])


def _check_content(name: str, content: object) -> None:
    """Raise a ValueError unless `content` is what `save` writes."""
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else type(content).__name__
        raise ValueError(f"Vocabulary.load: {name} must have the format {FORMAT!r}, got {found!r}")
    missing = {"tokens", "unknown", "padding", "counts"} - set(content)
    if missing:
        raise ValueError(f"Vocabulary.load: {name} must have the keys tokens, unknown, padding and counts, "
                         f"got none called {', '.join(sorted(missing))}")  # fmt: skip
    tokens, counts = content["tokens"], content["counts"]
    if not isinstance(tokens, list) or not tokens or not all(isinstance(t, str) for t in tokens):
        raise ValueError(f"Vocabulary.load: {name}: tokens must be a list of strings, at least one, "
                         f"got {str(tokens)[:60]}")  # fmt: skip
    if len(set(tokens)) < len(tokens):
        twice = Counter(tokens).most_common(1)[0][0]
        raise ValueError(f"Vocabulary.load: {name}: tokens must be distinct, got {twice!r} more than once")
    for key in ("unknown", "padding"):
        if content[key] is not None and content[key] not in tokens:
            raise ValueError(f"Vocabulary.load: {name}: {key} must be null or one of the tokens, got {content[key]!r}")
    whole = isinstance(counts, list) and all(type(c) is int and c >= 0 for c in counts)
    if counts is not None and not (whole and len(counts) == len(tokens)):
        raise ValueError(f"Vocabulary.load: {name}: counts must be null or {len(tokens)} integers of at least 0, one "
                         f"for each token, got {str(counts)[:60]}")  # fmt: skip

"""Tokens and their numbers."""

from collections.abc import Iterable

import numpy as np


class Vocabulary:
    """Distinct tokens (characters or words) in a fixed order, numbered 0..V-1."""

    def __init__(self, tokens: Iterable[str]):
        self.tokens = tuple(dict.fromkeys(tokens))  # first occurrence decides the place
        if not self.tokens:
            raise ValueError("Vocabulary: tokens must hold at least one token, got none")
        self._ids = {token: i for i, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, tokens: Iterable[str]) -> np.ndarray:
        """Tokens -> their numbers, shape (n,). A ValueError names the first token that is not in the vocabulary."""
        ids = []
        for position, token in enumerate(tokens):
            if token not in self._ids:
                raise ValueError(f"Vocabulary.encode: tokens must be among the {len(self)} known ones, "
                                 f"got {token!r} at position {position}")  # fmt: skip
            ids.append(self._ids[token])
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

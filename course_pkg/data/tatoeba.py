"""English sentences and their French translations from Tatoeba, split so that no English sentence is in two parts.

The file is fra-eng.zip of manythings.org/anki: fra.txt holds an English sentence, a tab and a French one on each line.
The sentences are by the contributors of tatoeba.org (CC BY 2.0); the course ships none of them but a few examples.
Many English sentences occur several times, each time with another translation: "Go." is "Va !" and "Allez !".
"""

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_pkg.data.tokenise import normalise, words
from course_pkg.shapes import check_positive_int, check_rng

ATTRIBUTION = "sentences by the contributors of tatoeba.org, by way of manythings.org/anki, CC BY 2.0"
FILE = "fra.txt"
APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "\u200b": None})
# What French hangs on a verb with a hyphen: "viens-tu", "a-t-il", "dites-le".
CLITICS = {"-" + word for word in "ce ci je tu il elle on nous vous ils elles moi toi lui leur le la les y en".split()}
CLITICS |= {"-t-" + word for word in ("il", "elle", "on", "ils", "elles")}
WHOLE = {"aujourd'hui", "rendez-vous"}  # one word each
CLOSING = {".", ",", ")", "]", "…", "%"}  # no blank before them; ? ! : ; and guillemets have one in French


class Pair(NamedTuple):
    """A sentence and one translation, as written."""

    english: str
    french: str


class Parts(NamedTuple):
    """Three lists of pairs that have no English sentence in common."""

    train: list[Pair]
    development: list[Pair]
    test: list[Pair]


def read_pairs(path: str | Path) -> list[Pair]:
    """The pairs of the zip file, or of a text file like fra.txt; a pair that occurs again is left out.

    ValueError for a line that is not a sentence, a tab and a sentence (more columns, as in newer files, are ignored).
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"read_pairs: {path.name} is not there; get fra-eng.zip from manythings.org/anki")
    content = path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if FILE not in archive.namelist():
                raise ValueError(f"read_pairs: {path.name} must hold {FILE}, got {', '.join(archive.namelist())[:60]}")
            content = archive.read(FILE)
    found: dict[Pair, None] = {}
    for number, line in enumerate(content.decode("utf8").split("\n"), start=1):
        columns = [normalise(part).strip() for part in line.split("\t")[:2]]
        if columns == [""]:
            continue
        if len(columns) < 2 or not all(columns):
            raise ValueError(f"read_pairs: {path.name}, line {number}: must be a sentence, a tab and a sentence, "
                             f"got {line[:60]!r}")  # fmt: skip
        found.setdefault(Pair(*columns), None)
    return list(found)


def english_words(text: str) -> list[str]:
    """Words and marks in lower case, cut before an apostrophe: "I don't." -> i, don, 't, the full stop."""
    tokens = []
    for token in words(text.translate(APOSTROPHES), lower=True):
        head, *rest = token.split("'") if len(token) > 1 else [token]
        tokens += [head, *("'" + part for part in rest)]
    return tokens


def french_words(text: str) -> list[str]:
    """Words and marks in lower case, cut after an apostrophe and before what hangs on a verb.

    "Où l'as-tu mis ?" -> où, l', as, -tu, mis, and the mark; "peut-être" stays whole.
    """
    tokens = []
    for token in words(text.translate(APOSTROPHES), lower=True):
        *elided, last = [token] if token in WHOLE or len(token) == 1 else token.split("'")
        tokens += [part + "'" for part in elided] + _clitics_off(last)
    return tokens


def join_french(tokens: Iterable[str]) -> str:
    """Tokens -> a line of French, so that french_words(join_french(tokens)) == tokens for tokens of `french_words`."""
    text, glued = "", True  # nothing before the first token
    for token in tokens:
        hangs_on = token in CLITICS or token in CLOSING
        text += token if glued or hangs_on else " " + token
        glued = len(token) > 1 and token.endswith("'")
    return text


def sentence_key(english: str) -> tuple[str, ...]:
    """What makes two English sentences the same one: their words, without capitals and without marks."""
    return tuple(token for token in english_words(english) if any(c.isalnum() for c in token))


def split_by_english(rng: np.random.Generator, pairs: Sequence[Pair], development: int, test: int) -> Parts:
    """All translations of an English sentence go to the same part; two parts have `development` and `test` sentences.

    Which sentences is decided by `rng`. ValueError if no sentence would be left to learn from.
    """
    check_rng("split_by_english", rng)
    check_positive_int("split_by_english", "development", development)
    check_positive_int("split_by_english", "test", test)
    keys = sorted({sentence_key(pair.english) for pair in pairs})
    if development + test >= len(keys):
        raise ValueError(f"split_by_english: development + test must be less than {len(keys)} (different English "
                         f"sentences of pairs), got {development} + {test}")  # fmt: skip
    order = rng.permutation(len(keys))
    part = dict.fromkeys((keys[i] for i in order[:test]), 2)
    part |= dict.fromkeys((keys[i] for i in order[test : test + development]), 1)
    parts = Parts([], [], [])
    for pair in pairs:
        parts[part.get(sentence_key(pair.english), 0)].append(pair)
    return parts


def split_pairs_by_chance(rng: np.random.Generator, pairs: Sequence[Pair], share: float) -> tuple[list, list]:
    """(train, test): each pair by itself goes to the test part with probability `share`; the split that leaks."""
    check_rng("split_pairs_by_chance", rng)
    if not 0 < share < 1:
        raise ValueError(f"split_pairs_by_chance: share must be greater than 0 and less than 1, got {share}")
    chosen = rng.random(len(pairs)) < share
    parts: tuple[list, list] = ([], [])
    for pair, to_test in zip(pairs, chosen, strict=True):
        parts[int(to_test)].append(pair)
    return parts


def references(pairs: Iterable[Pair]) -> dict[tuple[str, ...], list[Pair]]:
    """The pairs of each English sentence, by its key, in the order of the pairs."""
    found: dict[tuple[str, ...], list[Pair]] = {}
    for pair in pairs:
        found.setdefault(sentence_key(pair.english), []).append(pair)
    return found


def seen_share(train: Iterable[Pair], test: Sequence[Pair], side: str = "english") -> float:
    """Share of the test pairs whose English (or French) sentence is in a training pair too (words compared)."""
    if side not in Pair._fields:
        raise ValueError(f"seen_share: side must be 'english' or 'french', got {side!r}")
    if not test:
        raise ValueError("seen_share: test must hold at least one pair, got none")
    cut = sentence_key if side == "english" else lambda text: tuple(w for w in french_words(text) if w.strip(".,?!"))
    known = {cut(getattr(pair, side)) for pair in train}
    return sum(cut(getattr(pair, side)) in known for pair in test) / len(test)


def _clitics_off(token: str) -> list[str]:
    """ "donne-le-moi" -> donne, -le, -moi; a token without them is returned alone."""
    tail: list[str] = []
    while token not in WHOLE and "-" in token[1:]:
        cut = next((end for end in _ends(token) if end in CLITICS), None)
        if cut is None:
            break
        token, tail = token.removesuffix(cut), [cut, *tail]
    return [token, *tail]


def _ends(token: str) -> list[str]:
    """The endings of a token that begin with a hyphen, the longest first, never the whole token."""
    return [token[i:] for i in range(1, len(token)) if token[i] == "-"]

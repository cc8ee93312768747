"""A tiny piece of English with its French: "the green car" is "la voiture verte".

    sentence = phrase | phrase verb phrase | phrase verb phrase "and" phrase ...
    phrase   = determiner [old, small ...] [green, black ...] noun

In French colours and weights follow their noun, age and size do not, and all of them agree with its gender. With
synonyms, some nouns have three translations, a feminine one and two masculine ones, so that the article already
decides for some of them. The grammar and its sentences are ours (CC BY 4.0).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from course_pkg.data.vocabulary import Vocabulary
from course_pkg.shapes import check_positive_int, check_rng

SPECIAL = ("<pad>", "<s>", "</s>")  # 0, 1, 2: PAD, START and END of encoder_decoder.py
SHARES = (0.4, 0.3, 0.3)  # of the three translations of a noun
NOUNS = {  # English: its French words with their gender; the first is the only one without synonyms
    "car": (("voiture", "f"), ("véhicule", "m"), ("bolide", "m")),
    "house": (("maison", "f"), ("logis", "m"), ("pavillon", "m")),
    "coat": (("veste", "f"), ("manteau", "m"), ("paletot", "m")),
    "boat": (("barque", "f"), ("bateau", "m"), ("navire", "m")),
    "stone": (("pierre", "f"), ("caillou", "m"), ("galet", "m")),
    "dog": (("chien", "m"),), "cat": (("chat", "m"),), "book": (("livre", "m"),), "garden": (("jardin", "m"),),
    "apple": (("pomme", "f"),), "table": (("table", "f"),), "key": (("clé", "f"),), "flower": (("fleur", "f"),),
}  # fmt: skip
DETERMINERS = {"the": ("le", "la"), "a": ("un", "une"), "my": ("mon", "ma"), "this": ("ce", "cette")}
BEFORE = {"small": ("petit", "petite"), "big": ("grand", "grande"), "old": ("vieux", "vieille"),
          "pretty": ("joli", "jolie")}  # fmt: skip
AFTER = {"green": ("vert", "verte"), "red": ("rouge", "rouge"), "blue": ("bleu", "bleue"), "black": ("noir", "noire"),
         "white": ("blanc", "blanche"), "heavy": ("lourd", "lourde")}  # fmt: skip
VERBS = {"sees": "voit", "hides": "cache", "follows": "suit", "finds": "trouve", "wants": "veut", "draws": "dessine"}
AND = {"and": "et"}


class Pair(NamedTuple):
    """A sentence and its translation. links[i] is the place of the source word that target word i translates."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    links: tuple[int, ...]


class PairBatch(NamedTuple):
    """Numbers, time first; targets end with </s>, padding is 0 and False in the mask."""

    source: np.ndarray  # (S, B)
    source_mask: np.ndarray  # (S, B)
    target: np.ndarray  # (T, B)
    target_mask: np.ndarray  # (T, B)


def _french_words() -> set[str]:
    forms = [word for table in (DETERMINERS, BEFORE, AFTER) for pair in table.values() for word in pair]
    nouns = [word for words in NOUNS.values() for word, _ in words]
    return {*forms, *nouns, *VERBS.values(), *AND.values()}


ENGLISH = Vocabulary([*SPECIAL, *sorted({*NOUNS, *DETERMINERS, *BEFORE, *AFTER, *VERBS, *AND})])
FRENCH = Vocabulary([*SPECIAL, *sorted(_french_words())])


def draw_pair(rng: np.random.Generator, phrases: int, synonyms: bool = False) -> Pair:
    """A sentence of so many noun phrases, and a translation; with synonyms one of its translations, by SHARES."""
    check_rng("draw_pair", rng)
    check_positive_int("draw_pair", "phrases", phrases)
    source: list[str] = []
    for k in range(phrases):
        if k:
            source.append(_one(rng, VERBS) if k == 1 else "and")
        source.append(_one(rng, DETERMINERS))
        source += [_one(rng, table) for table, share in ((BEFORE, 0.4), (AFTER, 0.6)) if rng.random() < share]
        source.append(_one(rng, NOUNS))
    choices = [_choice(rng, word) if synonyms else 0 for word in source]
    return translate(source, choices)


def translate(source: Sequence[str], choices: Sequence[int] | None = None) -> Pair:
    """The grammar's translation of a sentence; choices says, for each word, which of a noun's translations is meant.

    A ValueError says what the grammar does not know: a word, or an order of words.
    """
    choices = [0] * len(source) if choices is None else choices
    target: list[str] = []
    links: list[int] = []
    for first, last in _phrases(source):
        noun, gender = NOUNS[source[last]][choices[last]]
        form = int(gender == "f")
        inside = range(first, last)
        late = [j for j in inside if source[j] in AFTER]
        for j in (*(j for j in inside if j not in late), last, *late):
            word = source[j]
            target.append(noun if j == last else (DETERMINERS | BEFORE | AFTER)[word][form])
            links.append(j)
        if last + 1 < len(source):
            target.append((VERBS | AND)[source[last + 1]])
            links.append(last + 1)
    return Pair(tuple(source), tuple(target), tuple(links))


def is_translation(source: Sequence[str], target: Sequence[str]) -> bool:
    """Is target one of the sentences that translate this source, each noun in any of its ways?"""
    if len(source) != len(target):
        return False
    choices = []
    for word, place in zip(source, np.argsort(translate(source).links), strict=True):
        known = [french for french, _ in NOUNS.get(word, ())]
        choices.append(known.index(target[place]) if target[place] in known else 0)
    return translate(source, choices).target == tuple(target)


def pair_batch(pairs: Sequence[Pair]) -> PairBatch:
    """Pairs of different lengths, padded, as numbers; each target gets its </s>."""
    sources = [ENGLISH.encode(pair.source) for pair in pairs]
    targets = [FRENCH.encode((*pair.target, "</s>")) for pair in pairs]
    return PairBatch(*_padded(sources), *_padded(targets))


def _padded(rows: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    longest = max(len(row) for row in rows)
    ids, mask = np.zeros((longest, len(rows)), int), np.zeros((longest, len(rows)), bool)
    for b, row in enumerate(rows):
        ids[: len(row), b], mask[: len(row), b] = row, True
    return ids, mask


def _one(rng: np.random.Generator, choices: dict) -> str:
    return list(choices)[rng.integers(len(choices))]


def _choice(rng: np.random.Generator, word: str) -> int:
    ways = len(NOUNS.get(word, "."))
    return int(rng.choice(3, p=SHARES)) if ways == 3 else 0


def _phrases(source: Sequence[str]) -> list[tuple[int, int]]:
    """(first, last) place of each noun phrase; ValueError for what is no sentence of the grammar."""
    found, at = [], 0
    while True:
        first = at
        for table, needed in ((DETERMINERS, True), (BEFORE, False), (AFTER, False), (NOUNS, True)):
            if at < len(source) and source[at] in table:
                at += 1
            elif needed:
                _refuse(source, at, "a determiner" if table is DETERMINERS else "a noun")
        found.append((first, at - 1))
        if at == len(source):
            return found
        if source[at] not in (VERBS if len(found) == 1 else AND):
            _refuse(source, at, "a verb" if len(found) == 1 else "'and'")
        at += 1


def _refuse(source: Sequence[str], at: int, wanted: str) -> None:
    got = repr(source[at]) if at < len(source) else "its end"
    raise ValueError(f"translate: word {at + 1} of {' '.join(source)!r} must be {wanted}, got {got}")

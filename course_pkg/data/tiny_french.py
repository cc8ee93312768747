"""A small English and its French: "the green car" -> "la voiture verte", made by a grammar, with who translates whom.

French differs in what a translator must learn: most adjectives stand behind their noun, three before it; article and
adjective take the noun's gender and number; "in front of" is one word. The lexicon is this project's own.

Some pairs of an adjective and a noun are held out, "green car" among them: no training sentence has one, though each
of the words occurs in others. So a test sentence asks for a combination that was never seen.
"""

from typing import NamedTuple

import numpy as np

from course_pkg.shapes import check_choice, check_positive_int, check_rng

NOUNS = {  # English singular: (English plural, French singular, French plural, gender)
    "car": ("cars", "voiture", "voitures", "f"),
    "house": ("houses", "maison", "maisons", "f"),
    "boat": ("boats", "bateau", "bateaux", "m"),
    "dog": ("dogs", "chien", "chiens", "m"),
    "flower": ("flowers", "fleur", "fleurs", "f"),
    "hat": ("hats", "chapeau", "chapeaux", "m"),
    "door": ("doors", "porte", "portes", "f"),
    "cat": ("cats", "chat", "chats", "m"),
    "table": ("tables", "table", "tables", "f"),
    "horse": ("horses", "cheval", "chevaux", "m"),
    "apple": ("apples", "pomme", "pommes", "f"),
    "book": ("books", "livre", "livres", "m"),
}
BEHIND = {  # adjectives behind the noun: masculine, feminine, and their plurals
    "green": ("vert", "verte", "verts", "vertes"),
    "white": ("blanc", "blanche", "blancs", "blanches"),
    "black": ("noir", "noire", "noirs", "noires"),
    "blue": ("bleu", "bleue", "bleus", "bleues"),
    "red": ("rouge", "rouge", "rouges", "rouges"),
    "heavy": ("lourd", "lourde", "lourds", "lourdes"),
}
BEFORE = {
    "small": ("petit", "petite", "petits", "petites"),
    "big": ("grand", "grande", "grands", "grandes"),
    "old": ("vieux", "vieille", "vieux", "vieilles"),
}
ADJECTIVES = {**BEHIND, **BEFORE}
PLACES = {("behind",): "derrière", ("in", "front", "of"): "devant", ("under",): "sous", ("on",): "sur"}
KINDS = ("phrase", "clause")


class Translation(NamedTuple):
    """A sentence, its translation, and the pairs (place in French, place in English) of words that belong together."""

    english: tuple[str, ...]
    french: tuple[str, ...]
    alignment: tuple[tuple[int, int], ...]


class _Piece(NamedTuple):
    english: tuple[str, ...]
    french: tuple[str, ...]
    links: tuple[tuple[int, int], ...]


def is_held_out(adjective: str, noun: str) -> bool:
    """One pair in six: ("green", "car"), ("white", "house"), ... nouns in the singular."""
    return (list(NOUNS).index(noun) - list(ADJECTIVES).index(adjective)) % 6 == 0


def combinations(english: tuple[str, ...]) -> list[tuple[str, str]]:
    """All pairs (adjective, noun in the singular) of a sentence: "the green cars", and "the cars are green"."""
    singular = {word: one for one, (many, *_) in NOUNS.items() for word in (one, many)}
    found, waiting, subject = [], [], ""
    for before, word in zip(("", *english), english, strict=False):
        if word in singular:
            subject = singular[word]
            found += [(adjective, subject) for adjective in waiting]
            waiting = []
        elif word in ADJECTIVES:
            if before in ("is", "are"):
                found.append((word, subject))
            else:
                waiting.append(word)
    return found


def translation(english: str) -> Translation:
    """The right translation of a sentence of this small English, such as "the green car is behind the old house"."""
    words, pieces, at = tuple(english.split()), [], 0
    number = gender = ""
    while at < len(words):
        word = words[at]
        if word == "the":
            piece, number, gender = _phrase(words[at:])
        elif word in ("is", "are", "sees", "see"):
            piece = _one(word, {"is": "est", "are": "sont", "sees": "voit", "see": "voient"}[word])
        elif word in ADJECTIVES:
            piece = _one(word, _agree(word, number, gender))
        elif word == "and":
            piece = _one(word, "et")
        else:
            piece = _place(words[at:])
        pieces.append(piece)
        at += len(piece.english)
    return _joined(pieces)


def draw_translations(
    rng: np.random.Generator, n: int, *, units: tuple[int, int] = (1, 1), kind: str = "clause", held_out: bool = False
) -> list[Translation]:
    """n sentences of units[0] to units[1] phrases or clauses, joined by "and".

    kind: "phrase" ("the small green car") or "clause" ("the small green car is behind the dogs").
    held_out: each sentence has at least one combination that is held out; otherwise none has.
    """
    check_rng("draw_translations", rng)
    check_positive_int("draw_translations", "n", n)
    check_choice("draw_translations", "kind", kind, KINDS)
    if not 1 <= units[0] <= units[1]:
        raise ValueError(f"draw_translations: units must be (least, most) with 1 <= least <= most, got {units}")
    found: list[Translation] = []
    while len(found) < n:
        many = int(rng.integers(units[0], units[1] + 1))
        seen = [_draw_unit(rng, kind, allow=held_out) for _ in range(many)]
        sentence = " and ".join(seen)
        if not held_out or any(is_held_out(*pair) for pair in combinations(tuple(sentence.split()))):
            found.append(translation(sentence))
    return found


# ---- grammar -----------------------------------------------------------------------------------------------------


def _draw_unit(rng: np.random.Generator, kind: str, allow: bool) -> str:
    """A phrase or a clause in English, without combinations that are held out unless `allow`."""
    while True:
        unit = _draw_phrase(rng) if kind == "phrase" else _draw_clause(rng)
        if allow or not any(is_held_out(*pair) for pair in combinations(tuple(unit.split()))):
            return unit


def _draw_phrase(rng: np.random.Generator) -> str:
    noun = str(rng.choice(list(NOUNS)))
    before = [str(rng.choice(list(BEFORE)))] if rng.random() < 0.4 else []
    behind = [str(rng.choice(list(BEHIND)))] if rng.random() < 0.6 else []
    return " ".join(["the", *before, *behind, NOUNS[noun][0] if rng.random() < 0.4 else noun])


def _draw_clause(rng: np.random.Generator) -> str:
    subject = _draw_phrase(rng)
    many = subject.split()[-1] not in NOUNS
    verb = "are" if many else "is"
    kind = rng.random()
    if kind < 0.25:
        return f"{subject} {verb} {rng.choice(list(ADJECTIVES))}"
    if kind < 0.5:
        return f"{subject} {'see' if many else 'sees'} {_draw_phrase(rng)}"
    place = list(PLACES)[rng.integers(len(PLACES))]
    return f"{subject} {verb} {' '.join(place)} {_draw_phrase(rng)}"


def _agree(adjective: str, number: str, gender: str) -> str:
    return ADJECTIVES[adjective][2 * (number == "many") + (gender == "f")]


def _phrase(words: tuple[str, ...]) -> tuple[_Piece, str, str]:
    """the ADJECTIVE ... NOUN -> article, adjectives before, noun, adjectives behind; number and gender."""
    n = 1
    while n < len(words) and words[n] in ADJECTIVES:
        n += 1
    noun = next((one for one, (many, *_) in NOUNS.items() if n < len(words) and words[n] in (one, many)), None)
    if noun is None:
        raise ValueError(f"translation: english must have a noun in {' '.join(words[: n + 1])!r}, got none that I know")
    number = "one" if words[n] == noun else "many"
    gender = NOUNS[noun][3]
    article = "les" if number == "many" else {"f": "la", "m": "le"}[gender]
    places = list(range(1, n))
    order = [j for j in places if words[j] in BEFORE] + [n] + [j for j in places if words[j] in BEHIND]
    shown = [NOUNS[noun][2 if number == "many" else 1] if j == n else _agree(words[j], number, gender) for j in order]
    links = tuple(enumerate([0, *order]))
    return _Piece(words[: n + 1], (article, *shown), links), number, gender


def _one(english: str, french: str) -> _Piece:
    return _Piece((english,), (french,), ((0, 0),))


def _place(words: tuple[str, ...]) -> _Piece:
    for english, french in PLACES.items():
        if words[: len(english)] == english:
            return _Piece(english, (french,), tuple((0, j) for j in range(len(english))))
    raise ValueError(f"translation: english must be words of the grammar, got {words[0]!r}")


def _joined(pieces: list[_Piece]) -> Translation:
    english: tuple[str, ...] = ()
    french: tuple[str, ...] = ()
    alignment: list[tuple[int, int]] = []
    for piece in pieces:
        alignment += [(len(french) + i, len(english) + j) for i, j in piece.links]
        english, french = english + piece.english, french + piece.french
    return Translation(english, french, tuple(alignment))

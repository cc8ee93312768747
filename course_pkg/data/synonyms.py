"""The tiny French with more than one translation: "the green car" is "la voiture verte", "le véhicule vert", ...

All nouns of tiny_french.py but one get two more translations each, of the other gender. So a translator cannot choose
the article without choosing the noun, and which article is likelier depends on all nouns that may follow.
"""

from collections.abc import Sequence

import numpy as np

from course_pkg.data.pairs import pair_vocabulary
from course_pkg.data.tiny_french import ADJECTIVES, NOUNS, PLACES, Translation, translation
from course_pkg.data.vocabulary import Vocabulary
from course_pkg.shapes import check_rng

SHARES = (0.4, 0.3, 0.3)  # of the first translation and of the two more
MORE = {  # English noun: (French singular, plural, gender) of two more translations
    "car": (("véhicule", "véhicules", "m"), ("bolide", "bolides", "m")),
    "house": (("logis", "logis", "m"), ("pavillon", "pavillons", "m")),
    "boat": (("barque", "barques", "f"), ("péniche", "péniches", "f")),
    "hat": (("casquette", "casquettes", "f"), ("toque", "toques", "f")),
    "door": (("portail", "portails", "m"), ("portillon", "portillons", "m")),
    "horse": (("jument", "juments", "f"), ("monture", "montures", "f")),
    "dog": (("chienne", "chiennes", "f"), ("levrette", "levrettes", "f")),
    "cat": (("chatte", "chattes", "f"), ("minette", "minettes", "f")),
    "table": (("guéridon", "guéridons", "m"), ("pupitre", "pupitres", "m")),
    "flower": (("lis", "lis", "m"), ("lilas", "lilas", "m")),
    "book": (("brochure", "brochures", "f"), ("plaquette", "plaquettes", "f")),
}


def vocabularies(synonyms: bool = False) -> tuple[Vocabulary, Vocabulary]:
    """All words of the small English and of its French, with their special tokens."""
    english = ["the", "is", "are", "sees", "see", "and", *ADJECTIVES, *(w for place in PLACES for w in place)]
    english += [word for one, (many, *_) in NOUNS.items() for word in (one, many)]
    french = ["le", "la", "les", "est", "sont", "voit", "voient", "et", *PLACES.values()]
    french += [word for forms in ADJECTIVES.values() for word in forms]
    french += [word for noun in NOUNS.values() for word in noun[1:3]]
    french += [word for ways in MORE.values() for way in ways for word in way[:2]] if synonyms else []
    return pair_vocabulary([english]), pair_vocabulary([french])


def with_synonyms(rng: np.random.Generator, sentence: Translation) -> Translation:
    """The same sentence, each noun in one of its translations, drawn by SHARES."""
    check_rng("with_synonyms", rng)
    ways = [int(rng.choice(3, p=SHARES)) if _singular(word) in MORE else 0 for word in sentence.english]
    return _in_words(sentence, ways)


def is_translation(english: Sequence[str], french: Sequence[str]) -> bool:
    """Is this one of the sentences that translate the English one, each noun in any of its ways?"""
    plain = translation(" ".join(english))
    if len(plain.french) != len(french):
        return False
    ways = [0] * len(plain.english)
    for i, j in plain.alignment:
        known = [word for way in MORE.get(_singular(plain.english[j]), ()) for word in way[:2]]
        if french[i] in known:
            ways[j] = known.index(french[i]) // 2 + 1
    return _in_words(plain, ways).french == tuple(french)


def _in_words(sentence: Translation, ways: Sequence[int]) -> Translation:
    """ways: for each English word which translation is meant, 0 for the first. All that agrees with a noun follows."""
    french, owners = list(sentence.french), _owners(sentence.english)
    for i, j in sentence.alignment:
        owner = owners.get(j)
        if owner is None or ways[owner] == 0:
            continue
        word, noun = sentence.english[j], sentence.english[owner]
        one, many, gender = MORE[_singular(noun)][ways[owner] - 1]
        plural = _singular(noun) != noun
        if j == owner:
            french[i] = many if plural else one
        elif word in ADJECTIVES:
            french[i] = ADJECTIVES[word][2 * plural + (gender == "f")]
        elif not plural:
            french[i] = "la" if gender == "f" else "le"
    return sentence._replace(french=tuple(french))


def _owners(english: Sequence[str]) -> dict[int, int]:
    """Place of an article, adjective or noun -> place of the noun that it agrees with."""
    owners: dict[int, int] = {}
    waiting: list[int] = []
    subject = -1
    for j, word in enumerate(english):
        if _singular(word) in NOUNS:
            owners |= dict.fromkeys([*waiting, j], j)
            subject, waiting = j, []
        elif word in ADJECTIVES and english[j - 1] in ("is", "are"):
            owners[j] = subject
        elif word == "the" or word in ADJECTIVES:
            waiting.append(j)
    return owners


def _singular(word: str) -> str:
    return next((one for one, (many, *_) in NOUNS.items() if word in (one, many)), "")

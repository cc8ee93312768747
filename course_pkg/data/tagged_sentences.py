"""The course's own tagged sentences: made by a small grammar in which many words have two parts of speech.

Some of them are decided by the words before ("the can", "they can"), some only by words to come: "to" (to run, to
school), "that" (that is, that dog), "before" (before the show, before the show starts). Tags are those of Universal
Dependencies. The grammar and its sentences are ours (CC BY 4.0).
"""

import numpy as np

from course_pkg.data.conllu import TaggedSentence
from course_pkg.shapes import check_positive_int, check_rng

WORDS = {
    "DET": ("the", "a", "this", "every"),
    "ADJ": ("small", "old", "green", "happy", "quiet"),
    "NOUN": ("child", "dog", "teacher", "show", "park", "can", "fish", "duck", "watch", "walk", "play", "school"),
    "PRON": ("we", "they", "you"),
    "PROPN": ("Anna", "Omar", "Lima", "Oslo"),
    "VERB": ("walk", "play", "fish", "watch", "duck", "sing", "wait", "eat"),
    "AUX": ("can", "will", "must"),
    "ADV": ("slowly", "quickly", "loudly", "often", "here"),
    "NUM": ("two", "three"),
}
NEW_WORDS = {  # only in sentences asked for with new_words=True: never seen in training
    "ADV": ("sadly", "kindly", "rarely", "boldly"),
    "ADJ": ("noisy", "tiny", "wooden"),
    "NOUN": ("farmer", "painter", "garden", "kitchen"),
    "PROPN": ("Bergen", "Maria", "Tom"),
    "VERB": ("listen", "travel", "whisper"),
}
NEXT_DECIDES = ("to", "that", "before")  # their tag depends on what follows

Pairs = list[tuple[str, str]]


def _word(rng: np.random.Generator, tag: str, new: bool) -> Pairs:
    choices = NEW_WORDS[tag] if new and tag in NEW_WORDS and rng.random() < 0.5 else WORDS[tag]
    return [(choices[rng.integers(len(choices))], tag)]


def _noun_phrase(rng: np.random.Generator, new: bool) -> Pairs:
    kind = rng.integers(4)
    if kind == 0:
        return _word(rng, "PROPN", new)
    if kind == 1:
        return [*_word(rng, "NUM", new), *_word(rng, "ADJ", new), *_word(rng, "NOUN", new)]
    adjective = _word(rng, "ADJ", new) if kind == 2 else []
    return [*_word(rng, "DET", new), *adjective, *_word(rng, "NOUN", new)]


def _subject(rng: np.random.Generator, new: bool) -> Pairs:
    return _word(rng, "PRON", new) if rng.random() < 0.5 else _noun_phrase(rng, new)


def _clause(rng: np.random.Generator, new: bool) -> Pairs:
    """Subject, perhaps an auxiliary, verb."""
    auxiliary = _word(rng, "AUX", new) if rng.random() < 0.5 else []
    return [*_subject(rng, new), *auxiliary, *_word(rng, "VERB", new)]


def _sentence(rng: np.random.Generator, new: bool) -> Pairs:
    kind = rng.integers(7)
    if kind == 0:  # they wait to eat
        body = [*_clause(rng, new), ("to", "PART"), *_word(rng, "VERB", new)]
    elif kind == 1:  # they walk to the park
        body = [*_clause(rng, new), ("to", "ADP"), *_noun_phrase(rng, new)]
    elif kind == 2:  # that duck can sing
        body = [("that", "DET"), *_word(rng, "NOUN", new), *_word(rng, "AUX", new), *_word(rng, "VERB", new)]
    elif kind == 3:  # that is quiet, that is quiet and old
        body = [("that", "PRON"), ("is", "AUX"), *_word(rng, "ADJ", new)]
        if rng.random() < 0.8:
            body += [("and", "CCONJ"), *_word(rng, "ADJ", new)]
    elif kind == 4:  # we eat before the show
        body = [*_clause(rng, new), ("before", "ADP"), *_noun_phrase(rng, new)]
    elif kind == 5:  # we eat before the show can play
        body = [*_clause(rng, new), ("before", "SCONJ"), *_clause(rng, new)]
    else:  # the teacher can watch the fish
        body = [*_clause(rng, new), *_noun_phrase(rng, new)]
    adverb = _word(rng, "ADV", new) if rng.random() < 0.4 else []
    return [*body, *adverb, (".", "PUNCT")]


def tagged_sentences(rng: np.random.Generator, count: int, new_words: bool = False) -> list[TaggedSentence]:
    """`count` different sentences, drawn from the grammar. new_words: half of the open-class words are ones that
    never occur without this option."""
    check_rng("tagged_sentences", rng)
    check_positive_int("tagged_sentences", "count", count)
    found: dict[Pairs, None] = {}
    while len(found) < count:
        found[tuple(_sentence(rng, new_words))] = None
    return [TaggedSentence(*zip(*pairs, strict=True)) for pairs in found]

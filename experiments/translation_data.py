"""The text of `experiments.translation`: parts that share no English sentence, words of both languages, numbers."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_pkg.data.tatoeba import Pair, Parts, english_words, french_words, references, split_by_english
from course_pkg.data.vocabulary import Vocabulary
from course_pkg.encoder_decoder import END, START

RESULT = Path(__file__).parent / "results" / "translation.json"
MOST_ENGLISH, MOST_FRENCH, MIN_COUNT = 10, 14, 4  # longer pairs and rarer words are not learnt
DEVELOPMENT, TEST = 1000, 2000  # English sentences
SPECIAL = ("<pad>", "<start>", "<end>", "<unk>")  # the first three are tokens 0, 1, 2, as in encoder_decoder


english_tokens = lru_cache(maxsize=None)(english_words)  # cutting takes longer than anything else here
french_tokens = lru_cache(maxsize=None)(french_words)


class Corpus(NamedTuple):
    """The parts of the text and the words of both languages that are learnt."""

    parts: Parts
    english: Vocabulary
    french: Vocabulary
    learnt: list  # (english ids, french ids with start and end) of the pairs that are learnt
    development: list
    counts: tuple[Counter, Counter]  # how often each English and each French word occurs in what is learnt


def corpus(pairs: list, seed: int = 0, development: int = DEVELOPMENT, test: int = TEST,
           min_count: int = MIN_COUNT) -> Corpus:  # fmt: skip
    """Split by English sentence; cut long pairs off the part that is learnt; words from that part alone."""
    parts = split_by_english(np.random.default_rng(seed), pairs, development, test)
    cut = [[(english_tokens(p.english), french_tokens(p.french)) for p in part] for part in parts[:2]]
    cut = [[(e, f) for e, f in part if len(e) <= MOST_ENGLISH and len(f) <= MOST_FRENCH] for part in cut]
    counts = tuple(Counter(w for pair in cut[0] for w in pair[i]) for i in (0, 1))
    english, french = (word_list(c.elements(), min_count) for c in counts)
    learnt, held = ([(english.encode(e), with_ends(french, f)) for e, f in part] for part in cut)
    return Corpus(parts, english, french, learnt, held, counts)


def word_list(tokens: Iterable[str], min_count: int) -> Vocabulary:
    """The special tokens, then the words that occur min_count times or more, the most frequent first."""
    own = Vocabulary.build(tokens, min_count=min_count, unknown=SPECIAL[3])
    return Vocabulary([*SPECIAL, *own.tokens], unknown=SPECIAL[3], padding=SPECIAL[0])


def with_ends(vocabulary: Vocabulary, tokens: list[str]) -> np.ndarray:
    return np.array([START, *vocabulary.encode(tokens), END])


def text_facts(data: Corpus, cuts: tuple[int, ...] = (1, 2, 4, 8)) -> dict:
    """Of the test part: words that were not learnt, for several least counts; how many translations a sentence has."""
    test = [(english_tokens(p.english), french_tokens(p.french)) for p in data.parts.test]
    rows = []
    for cut in cuts:
        row = {"min_count": cut}
        for i, language in enumerate(("english", "french")):
            known = {w for w, n in data.counts[i].items() if n >= cut}
            unknown = [[w not in known for w in pair[i]] for pair in test]
            row[language] = {"words": len(known), "unknown": round(float(np.mean(np.concatenate(unknown))), 4),
                             "sentences": round(float(np.mean([any(u) for u in unknown])), 4)}  # fmt: skip
        rows.append(row)
    groups = references(data.parts.test)
    sizes = Counter(len({p.french for p in group}) for group in groups.values())
    most = max(groups.values(), key=len)
    return {"cuts": rows, "translations": {str(n): sizes[n] for n in sorted(sizes)},
            "most": [most[0].english, [p.french for p in most]]}  # fmt: skip


def made_up() -> list[Pair]:
    """Our own 60 sentences, for a look at the whole run."""
    does = (("see", "voyons"), ("like", "aimons"), ("want", "voulons"))
    what = (("the cat", "le chat"), ("the green car", "la voiture verte"), ("a house", "une maison"), ("all", "tout"))
    when = (("", ""), (" here", " ici"), (" today", " aujourd'hui"), (" now", " maintenant"), (" too", " aussi"))
    return [Pair(f"We {b} {c}{d}.", f"Nous {y} {z}{w}.") for b, y in does for c, z in what for d, w in when]


def fingerprint(pairs: list) -> str:
    return hashlib.sha256("\n".join("\t".join(pair) for pair in pairs).encode()).hexdigest()[:16]

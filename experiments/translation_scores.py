"""What `experiments.translation` measures of its translations: BLEU and chrF by beam width and length, baselines.

The networks were trained in torch and are evaluated by the course's own NumPy code: `course_pkg.encoder_decoder.step`
under `course_pkg.decoding.beam_search`. Both sides of every score are in lower case, in the usual writing of French.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from course_pkg.data.tatoeba import Pair, join_french, references
from course_pkg.data.vocabulary import Vocabulary
from course_pkg.decoding import beam_search
from course_pkg.encoder_decoder import END, PAD, START, EncoderDecoder, SearchState, start, step
from course_pkg.metrics import bleu, chrf
from experiments.translation_data import Corpus, english_tokens, french_tokens

LENGTHS = ((1, 5), (6, 7), (8, 10), (11, 99))  # English words; the last were never learnt
MAX_LENGTH = 25  # words of a translation
MAIN = (4, "mean")  # beam width and normalisation of all other scores, chosen before any was seen
EXAMPLES = 40


class Tested:
    """The English sentences of the test part with all their translations; `most` of them, drawn by chance."""

    def __init__(self, pairs: Sequence[Pair], most: int | None = None):
        groups = [group for key, group in references(pairs).items() if key]
        if most is not None:
            groups = [groups[i] for i in np.random.default_rng(2).permutation(len(groups))[:most]]
        self.english = [group[0].english for group in groups]
        self.words = [english_tokens(text) for text in self.english]
        self.references = [list(dict.fromkeys(pair.french for pair in group)) for group in groups]


# ---- writing translations ----------------------------------------------------------------------------------------


def padded(sentences: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """-> ids (S, B), mask (S, B)."""
    mask = np.arange(max(map(len, sentences)))[:, None] < np.array([len(s) for s in sentences])
    ids = np.full(mask.shape, PAD)
    for b, sentence in enumerate(sentences):
        ids[: len(sentence), b] = sentence
    return ids, mask


def without(unwanted: list[int], p: EncoderDecoder, state: SearchState, last: np.ndarray) -> tuple[np.ndarray, Any]:
    """A step of the search that never writes the unwanted tokens."""
    log_probs, state = step(p, state, last)
    log_probs[:, unwanted] = -np.inf
    return log_probs, state


def translate(p: EncoderDecoder, english: Vocabulary, sentences: list[list[str]], width: int, normalise: str | float,
              unwanted: list[int], at_once: int = 50) -> list[Any]:  # fmt: skip
    """The best hypothesis for each sentence, with its attention; sentences of like length are searched together."""
    order, found = np.argsort([len(s) for s in sentences], kind="stable"), {}
    weights_of = (lambda state: state.weights) if len(p.attention) else None
    for first in range(0, len(order), at_once):
        part = order[first : first + at_once]
        ids, mask = padded([english.encode(sentences[i]) for i in part])
        begin = np.full(len(part), START)
        search = beam_search(partial(without, unwanted, p), start(p, ids, mask), begin, END, MAX_LENGTH, width,
                             normalise=normalise, weights_of=weights_of)  # fmt: skip
        found |= {int(i): best[0] for i, best in zip(part, search.best, strict=True)}
    return [found[i] for i in range(len(sentences))]


def words_of(hypothesis: Any, french: Vocabulary, source: list[str] | None = None) -> list[str]:
    """The words of a hypothesis; with `source`, an unknown word is replaced by the source word most looked at."""
    words = []
    for i, token in enumerate(hypothesis.tokens):
        if token == END:
            break
        unknown = token == french.unknown_id and source is not None
        words.append(source[int(hypothesis.weights[i, : len(source)].argmax())] if unknown else french.tokens[token])
    return words


# ---- scores ------------------------------------------------------------------------------------------------------


def text_scores(texts: list[str], tested: Tested, chosen: Sequence[int] | None = None) -> dict:
    """BLEU, chrF and share of the texts that are one of the references, for the chosen sentences."""
    chosen = range(len(texts)) if chosen is None else chosen
    own, refs = [texts[i] for i in chosen], [tested.references[i] for i in chosen]
    b, c = bleu(own, refs, lowercase=True), chrf(own, refs, lowercase=True)
    exact = [any(french_tokens(r) == french_tokens(t) for r in rs) for t, rs in zip(own, refs, strict=True)]
    return {"sentences": len(own), "bleu": round(b.value, 2), "chrf": round(c.value, 2),
            "exact": round(float(np.mean(exact)), 4), "brevity": round(b.brevity, 4),
            "precisions": [round(x, 1) for x in b.precisions]}  # fmt: skip


def of_lengths(words: Sequence[Sequence], groups: Sequence[tuple[int, int]]) -> dict[str, list[int]]:
    """"6-7" -> positions of the sentences with so many words; groups without a sentence are left out."""
    found = {f"{a}-{b}": [i for i, w in enumerate(words) if a <= len(w) <= b] for a, b in groups}
    return {name: chosen for name, chosen in found.items() if chosen}


def beam_rows(p: EncoderDecoder, data: Corpus, tested: Tested, searches: Sequence[tuple], log: Callable) -> list[dict]:
    """A row for each (width, normalisation); width 1 is greedy search and needs no normalisation."""
    unwanted, rows = [PAD, START, data.french.unknown_id], []
    for width, normalise in searches:
        found = translate(p, data.english, tested.words, width, normalise, unwanted)
        words = [words_of(h, data.french) for h in found]
        texts = [join_french(w) for w in words]
        row = {"width": width, "normalise": normalise, **text_scores(texts, tested),
               "log_prob": round(float(np.mean([h.log_prob for h in found])), 3),
               "words": round(float(np.mean([len(w) for w in words])), 2)}  # fmt: skip
        log(str(row))
        rows.append(row | {"texts": texts})
    return rows


def memory_texts(train: Sequence[Pair], sentences: Sequence[str]) -> list[str]:
    """Translation memory: the French of the training sentence that is most alike in its words and pairs of words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    known = list({pair.english: pair for pair in reversed(train)}.values())  # the first translation of each
    vectors = TfidfVectorizer(analyzer=lambda text: with_pairs(english_tokens(text)))
    table = vectors.fit_transform([pair.english for pair in known]).T.tocsc()
    texts = []
    for first in range(0, len(sentences), 100):
        alike = vectors.transform(sentences[first : first + 100]) @ table
        texts += [known[int(row.argmax())].french for row in alike]
    return texts


def with_pairs(words: list[str]) -> list[str]:
    return [*words, *map(" ".join, zip(words, words[1:], strict=False))]


def memory_scores(train: Sequence[Pair], test: Sequence[Pair]) -> dict:
    """The translation memory on pairs, each by itself with its one reference."""
    return text_scores(memory_texts(train, [pair.english for pair in test]), single(test))


def single(pairs: Sequence[Pair]) -> Tested:
    """Each pair by itself, with its one reference."""
    tested = Tested(pairs[:1])
    tested.english = [pair.english for pair in pairs]
    tested.words = [english_tokens(text) for text in tested.english]
    tested.references = [[pair.french] for pair in pairs]
    return tested


# ---- all of it ---------------------------------------------------------------------------------------------------


def translations(p: dict[str, EncoderDecoder], data: Corpus, searches: dict, most: int | None, log: Callable) -> dict:
    """Everything that is measured of translations of the test part."""
    tested, beams = Tested(data.parts.test, most), {}
    for network, params in p.items():
        beams[network] = beam_rows(params, data, tested, searches[network], log)
    texts = {network: next(r["texts"] for r in rows if (r["width"], r["normalise"]) == MAIN)
             for network, rows in beams.items()}  # fmt: skip
    copied = translate(p["attention"], data.english, tested.words, *MAIN, [PAD, START])
    words = [words_of(h, data.french, source) for h, source in zip(copied, tested.words, strict=True)]
    unknown = sum(data.french.unknown_id in h.tokens for h in copied)
    texts |= {"attention, unknown copied": [join_french(w) for w in words],
              "memory": memory_texts(data.parts.train, tested.english)}  # fmt: skip
    known = {tuple(french_tokens(pair.french)) for pair in data.parts.train}
    new = [i for i, refs in enumerate(tested.references) if not any(tuple(french_tokens(r)) in known for r in refs)]
    groups = {"all": None, "no reference learnt": new} | of_lengths(tested.words, LENGTHS)
    rows = [{"method": name, "group": group, **text_scores(own, tested, chosen)}
            for name, own in texts.items() for group, chosen in groups.items()]  # fmt: skip
    one = [refs[:1] for refs in tested.references]
    examples = [{"english": tested.english[i], "references": tested.references[i]} | {n: t[i] for n, t in texts.items()}
                for i in np.random.default_rng(1).permutation(len(tested.english))[:EXAMPLES]]  # fmt: skip
    return {
        "main": MAIN, "with unknown words": unknown, "rows": rows, "examples": examples,
        "beams": {n: [{k: v for k, v in r.items() if k != "texts"} for r in own] for n, own in beams.items()},
        "one reference": round(bleu(texts["attention"], one, lowercase=True).value, 2),
        "signatures": [m(texts["attention"], tested.references, lowercase=True).signature for m in (bleu, chrf)],
        "references": round(float(np.mean([len(refs) for refs in tested.references])), 3),
    }  # fmt: skip

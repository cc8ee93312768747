"""What `experiments.translation` measures of its attention: word alignments against links by hand, and two baselines.

Attention was never told which word belongs to which. Its links are read while the right French words are fed, the
largest weight of each (teacher forcing); words that were cut apart by hand are put together again.
"""

from collections.abc import Callable, Sequence

import numpy as np

from course_pkg.data.gold_alignments import Aligned
from course_pkg.data.tatoeba import english_words, french_words
from course_pkg.encoder_decoder import START, EncoderDecoder, encoder_decoder_logits
from course_pkg.metrics import alignment_error_rate, diagonal_links, join_pieces, links_of_weights
from experiments.translation_data import Corpus
from experiments.translation_scores import of_lengths

GOLD_LENGTHS = ((1, 10), (11, 20), (21, 40), (41, 99))
ARTICLES = {"le", "la", "les", "l'", "l’"}


def pieces(words: Sequence[str], cut: Callable[[str], list[str]]) -> tuple[list[str], np.ndarray]:
    """Words as they were cut by hand -> our tokens, and the number of the word that each came from."""
    tokens, owners = [], []
    for number, word in enumerate(words):
        own = cut(word) or [word]
        tokens += own
        owners += [number] * len(own)
    return tokens, np.array(owners)


def forced_weights(p: EncoderDecoder, data: Corpus, pair: Aligned) -> tuple[np.ndarray, list[bool], list[bool]]:
    """Attention while the right French words are fed -> weights between words (T, S); which French and English words
    hold a piece that the network does not know."""
    (french, f_owner), (english, e_owner) = pieces(pair.french, french_words), pieces(pair.english, english_words)
    source = data.english.encode(english)[:, None]
    inputs = np.array([START, *data.french.encode(french)])[:-1, None]
    weights = encoder_decoder_logits(p, source, None, inputs)[1][:, 0]  # (pieces of T, pieces of S)
    unknown = [[any(t not in vocabulary for t, o in zip(tokens, owner, strict=True) if o == k) for k in range(n)]
               for tokens, owner, vocabulary, n in ((french, f_owner, data.french, len(pair.french)),
                                                    (english, e_owner, data.english, len(pair.english)))]  # fmt: skip
    return join_pieces(weights.astype(float), f_owner, e_owner), *unknown


def alignment_rows(gold: list[Aligned], methods: dict[str, list[set]]) -> list[dict]:
    """Error rate, precision and recall of each method on all sentences and by English length."""
    rows = []
    groups = {"all": list(range(len(gold)))} | of_lengths([g.english for g in gold], GOLD_LENGTHS)
    for method, found in methods.items():
        links = found, [g.sure for g in gold], [g.possible for g in gold]
        scores = {name: alignment_error_rate(*([part[i] for i in chosen] for part in links))
                  for name, chosen in groups.items()}  # fmt: skip
        bare = [[without_articles(g, own) for g, own in zip(gold, part, strict=True)] for part in links]
        scores["without articles"] = alignment_error_rate(*bare)
        for name, score in scores.items():
            rows.append({"method": method, "length": name, "sentences": len(groups.get(name, gold)),
                         **{key: round(value, 4) for key, value in score._asdict().items()}})  # fmt: skip
    return rows


def without_articles(pair: Aligned, links: set) -> set:
    """The links of all French words but le, la, les, l': attention may look at the noun, whose gender they take."""
    return {(i, j) for i, j in links if pair.french[i].lower() not in ARTICLES}


class ModelOne:
    """IBM Model 1 (Brown et al. 1993): a word of the target comes from any word of its source with the same chance;
    t(f | e) is learnt by EM from pairs of number arrays. Number 0 of the source stands for no word at all."""

    def __init__(self, pairs: Sequence[tuple[np.ndarray, np.ndarray]], V_target: int, rounds: int = 5):
        self.V = V_target
        cells = [(np.append(e + 1, 0)[:, None] * V_target + f).T for e, f in pairs]  # (T, S + 1) each
        flat = np.concatenate([c.ravel() for c in cells])
        sizes = np.concatenate([np.full(len(c), c.shape[1]) for c in cells])  # of each target word's row
        row = np.repeat(np.arange(len(sizes)), sizes)
        self.keys, which = np.unique(flat, return_inverse=True)
        source = self.keys // V_target
        self.t = np.ones(len(self.keys))
        for _ in range(rounds):
            share = self.t[which] / np.bincount(row, self.t[which])[row]
            counts = np.bincount(which, share)
            self.t = counts / np.bincount(source, counts)[source]

    def links(self, english: np.ndarray, french: np.ndarray) -> np.ndarray:
        """t(f | e): (T, S + 1), the last column for no word."""
        wanted = (np.append(english + 1, 0)[:, None] * self.V + french).T
        place = np.searchsorted(self.keys, wanted).clip(max=len(self.keys) - 1)
        return np.where(self.keys[place] == wanted, self.t[place], 0.0)


def model_one_links(model: ModelOne, data: Corpus, pair: Aligned) -> set:
    """Each French word's likeliest English word, unless it is likelier to come from none."""
    (french, f_owner), (english, e_owner) = pieces(pair.french, french_words), pieces(pair.english, english_words)
    found = model.links(data.english.encode(english), data.french.encode(french))
    return {(int(f_owner[i]), int(e_owner[j])) for i, j in enumerate(found.argmax(axis=1)) if j < len(english)}


def attention_links(p: EncoderDecoder, data: Corpus, gold: list[Aligned]) -> tuple[list[set], dict]:
    """Links of the largest weights, and how many words the network does not know."""
    links, unknown = [], np.zeros(2)
    for pair in gold:
        weights, *strange = forced_weights(p, data, pair)
        links.append(links_of_weights(weights))
        unknown += [sum(s) for s in strange]
    words = [sum(len(g.french) for g in gold), sum(len(g.english) for g in gold)]
    return links, {"french": round(unknown[0] / words[0], 4), "english": round(unknown[1] / words[1], 4)}


def shifted(links: list[set], gold: list[Aligned], by: int) -> list[set]:
    """Every link moved by so many English words; those that would leave the sentence stay at its edge."""
    return [{(i, min(max(j + by, 0), len(pair.english) - 1)) for i, j in own}
            for own, pair in zip(links, gold, strict=True)]  # fmt: skip


def diagonal(gold: list[Aligned]) -> list[set]:
    return [diagonal_links(len(g.french), len(g.english)) for g in gold]


def pictures(p: EncoderDecoder, data: Corpus, gold: list[Aligned], most: int = 4) -> list[dict]:
    """The first short sentences, by English length, of which the network knows every word: links, and weights."""
    found = []
    for pair in sorted(gold, key=lambda g: len(g.english)):
        if min(len(pair.english), len(pair.french)) < 5 or len(found) == most:
            continue
        weights, *strange = forced_weights(p, data, pair)
        if not any(map(any, strange)):
            found.append({"french": list(pair.french), "english": list(pair.english), "story": pair.story,
                          "sure": sorted(map(list, pair.sure)), "possible": sorted(map(list, pair.possible)),
                          "weights": np.round(weights, 3).tolist()})  # fmt: skip
    return found

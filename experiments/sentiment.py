"""Sentiment, chapter 14: recurrent classifiers and bags of words on real review sentences, and poolings on our own.

    python -m experiments.sentiment own                        poolings on our reviews: part "own" of the record
    python -m experiments.sentiment real --data FOLDER         the folds: part "real" of results/sentiment.json
    python -m experiments.sentiment real --data FOLDER --small a few sentences and one epoch, prints only

FOLDER holds {amazon_cells,imdb,yelp}_labelled.txt ("Sentiment Labelled Sentences", Kotzias et al. 2015, CC BY 4.0,
from the UCI repository). Five folds: each sentence is tested once a seed. In each fold an eighth of the other sentences
decides when to stop and how much to regularise; the test fold decides nothing.
"""

import argparse
import hashlib
import json
import platform
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_pkg.cells import CELLS
from course_pkg.data.batches import pad_sequences
from course_pkg.data.reviews import facts, review_sentences
from course_pkg.data.tokenise import words
from course_pkg.data.vocabulary import Vocabulary
from course_pkg.optim import Adam, clip_by_global_norm
from course_pkg.text_classifier import classifier_logits, classifier_loss, init_text_classifier

RESULT = Path(__file__).parent / "results" / "sentiment.json"
SOURCES = ("amazon_cells", "imdb", "yelp")
FOLDS, BATCH, E, H, RATE, DROPOUT = 5, 64, 64, 48, 5e-3, 0.5
POOLS = ("last", "mean", "max")
BAGS = ("words, logistic regression", "words and pairs, logistic regression")
NETWORKS = {"mean of embeddings": ("", "mean"), "maximum of embeddings": ("", "max")}  # no cell: bags of words too
NETWORKS |= {f"{cell}, {pool}": (cell, pool) for cell in ("lstm", "gru") for pool in POOLS}
ORDERED, SHUFFLED = "lstm, max", "lstm, max, words shuffled"  # each sentence in an order by chance, all folds
NETWORKS[SHUFFLED] = NETWORKS[ORDERED]
STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0)  # of the logistic regression: small is strongly regularised
NEGATIONS = ("not", "no", "never", "nothing", "nobody", "none", "without", "cannot", "hardly")


class Labelled(NamedTuple):
    """A sentence of a review."""

    words: tuple[str, ...]
    positive: int
    source: str


def load(folder: Path) -> list[Labelled]:
    """The sentences of the three files, in lower case; one that occurs again word for word is left out."""
    found: dict[tuple[str, ...], Labelled] = {}
    for source in SOURCES:
        path = folder / f"{source}_labelled.txt"
        if not path.exists():
            raise FileNotFoundError(f"sentiment: {folder} must hold {path.name}; get \"Sentiment Labelled Sentences\" "
                                    "from the UCI machine learning repository")  # fmt: skip
        for number, line in enumerate(path.read_bytes().decode("utf8").split("\n"), start=1):
            if not line.strip():
                continue
            text, _, label = line.rstrip().rpartition("\t")
            if label not in ("0", "1") or not text.strip():
                raise ValueError(f"sentiment: {path.name}, line {number}: must be a sentence, a tab and 0 or 1, "
                                 f"got {line[:60]!r}")  # fmt: skip
            tokens = tuple(words(text, lower=True))
            found.setdefault(tokens, Labelled(tokens, int(label), source))
    return list(found.values())


def folds(data: list[Labelled], seed: int) -> np.ndarray:
    """(n,): the fold of each sentence; every fold has its share of each source and label."""
    rng, where = np.random.default_rng(seed), np.zeros(len(data), int)
    for source in SOURCES:
        for label in (0, 1):
            own = np.flatnonzero([d.source == source and d.positive == label for d in data])
            where[rng.permutation(own)] = np.arange(len(own)) % FOLDS
    return where


def has_negation(sentence: tuple[str, ...]) -> bool:
    return any(w in NEGATIONS or w.endswith(("n't", "n’t")) for w in sentence)


# ---- networks ----------------------------------------------------------------------------------------------------


def batch_of(data: list, vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """-> ids (T, B), mask (T, B), targets (B,)."""
    padded = pad_sequences([vocabulary.encode(d.words) for d in data], value=vocabulary.padding_id)
    return padded.xs, padded.mask, np.array([d.positive for d in data], np.float32)


def chunks(data: list, size: int, rng: np.random.Generator | None = None) -> list[list]:
    """Neighbours in length together; shuffled when an rng is given."""
    noise = np.zeros(len(data)) if rng is None else rng.uniform(0, 4, len(data))
    order = np.argsort([len(d.words) for d in data] + noise, kind="stable")
    parts = [[data[i] for i in order[a : a + size]] for a in range(0, len(order), size)]
    return parts if rng is None else [parts[i] for i in rng.permutation(len(parts))]


def answers(cell, p, data: list, vocabulary: Vocabulary, pool: str) -> np.ndarray:
    """(n,): True where the network says positive."""
    said = {}
    for part in chunks(data, 200):
        ids, mask, _ = batch_of(part, vocabulary)
        said |= {d.words: logit > 0 for d, logit in zip(part, classifier_logits(cell, p, ids, mask, pool), strict=True)}
    return np.array([said[d.words] for d in data])


def fit(name: str, pool: str, learn: list, stop: list, seed: int, epochs: int) -> Callable[[list], np.ndarray]:
    """Train on `learn`, keep the epoch that is best on `stop` -> a function from sentences to answers (n,)."""
    rng, cell = np.random.default_rng(seed), CELLS[name] if name else None
    vocabulary = Vocabulary.build((w for d in learn for w in d.words), padding="<pad>")
    once = vocabulary.counts == 1
    p = init_text_classifier(rng, cell, len(vocabulary), E, H, np.float32)
    steps = epochs * -(-len(learn) // BATCH)
    optimizer = Adam(lambda step: RATE * max(0.05, 1 - step / steps))
    state, best = optimizer.init(p), (-1.0, p)
    for _ in range(epochs):
        for part in chunks(learn, BATCH, rng):
            ids, mask, targets = batch_of(part, vocabulary)
            forget = once[ids] & (rng.random(ids.shape) < 0.5)  # so that the unknown word is learnt
            ids = np.where(forget, vocabulary.unknown_id, ids)
            grads = classifier_loss(cell, p, ids, targets, mask, pool, DROPOUT, rng)[1]
            p, state = optimizer.update(p, clip_by_global_norm(grads, 1.0)[0], state)
        right = np.mean(answers(cell, p, stop, vocabulary, pool) == [d.positive for d in stop])
        if right > best[0]:
            best = (right, p)
    return lambda data: answers(cell, best[1], data, vocabulary, pool)


# ---- bags of words -----------------------------------------------------------------------------------------------


def features(sentence: tuple[str, ...], pairs: bool) -> dict[str, int]:
    """Which words (and pairs of neighbours) occur."""
    found = dict.fromkeys(sentence, 1)
    return found | dict.fromkeys(map(" ".join, zip(sentence, sentence[1:], strict=False)), 1) if pairs else found


def fit_bag(pairs: bool, learn: list, stop: list) -> Callable[[list], np.ndarray]:
    """Logistic regression on the words that occur; its strength is chosen on `stop`."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    vectors = DictVectorizer()
    x, y = vectors.fit_transform([features(d.words, pairs) for d in learn]), [d.positive for d in learn]
    x_stop, y_stop = vectors.transform([features(d.words, pairs) for d in stop]), [d.positive for d in stop]
    fitted = [LogisticRegression(C=c, max_iter=1000).fit(x, y) for c in STRENGTHS]
    best = max(fitted, key=lambda model: model.score(x_stop, y_stop))
    return lambda data: best.predict(vectors.transform([features(d.words, pairs) for d in data])).astype(bool)


# ---- intervals ---------------------------------------------------------------------------------------------------


def wilson(rate: float, n: int, z: float = 1.96) -> list[float]:
    """Wilson's interval for a share `rate` of n."""
    middle, half = rate + z * z / (2 * n), z * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return [round(float((middle + sign * half) / (1 + z * z / n)), 4) for sign in (-1, 1)]


def difference(a: np.ndarray, b: np.ndarray, draws: int = 2000) -> list[float]:
    """a, b: (seeds, n), right or not -> mean of a - b and its 95 % interval, sentences drawn with replacement."""
    per_sentence, rng = a.mean(axis=0) - b.mean(axis=0), np.random.default_rng(0)
    drawn = [per_sentence[rng.integers(0, len(per_sentence), len(per_sentence))].mean() for _ in range(draws)]
    return [round(float(v), 4) for v in (per_sentence.mean(), *np.quantile(drawn, [0.025, 0.975]))]


# ---- the two experiments -----------------------------------------------------------------------------------------


def method_on_folds(name: str, data: list[Labelled], seeds: int, epochs: int) -> tuple[np.ndarray, list[float], float]:
    """One method on every fold of every seed -> right or not (seeds, n), accuracies on what was learnt, CPU seconds."""
    truth, begin = np.array([d.positive for d in data], bool), time.process_time()
    if name == SHUFFLED:
        rng = np.random.default_rng(0)
        data = [d._replace(words=tuple(d.words[i] for i in rng.permutation(len(d.words)))) for d in data]
    hits, learnt = np.zeros((seeds, len(data)), bool), []
    for seed in range(seeds):
        fold = folds(data, seed)
        for k in range(FOLDS):
            rest = np.random.default_rng([seed, k]).permutation(np.flatnonzero(fold != k))
            stop, learn = ([data[i] for i in part] for part in (rest[: len(rest) // 8], rest[len(rest) // 8 :]))
            if name in BAGS:
                judge = fit_bag(name == BAGS[1], learn, stop)
            else:
                judge = fit(*NETWORKS[name], learn, stop, 100 * seed + k, epochs)
            test = np.flatnonzero(fold == k)
            hits[seed, test] = judge([data[i] for i in test]) == truth[test]
            learnt.append(float(np.mean(judge(learn) == [d.positive for d in learn])))
    return hits, learnt, time.process_time() - begin


def real_sentences(data: list[Labelled], seeds: int, epochs: int, log: Callable, jobs: int = 1) -> list[dict]:
    """Every method on every fold of every seed, `jobs` methods side by side."""
    names, rows, right = [*BAGS, *NETWORKS], [], {}
    negated = np.array([has_negation(d.words) for d in data])
    one = partial(method_on_folds, data=data, seeds=seeds, epochs=epochs)
    with ProcessPoolExecutor(jobs) if jobs > 1 else nullcontext() as side_by_side:
        results = map(one, names) if side_by_side is None else side_by_side.map(one, names)
        for name, (hits, learnt, seconds) in zip(names, results, strict=True):
            right[name], rate = hits, float(hits.mean())
            rows.append({
                "method": name, "accuracy": round(rate, 4), "seeds": [round(float(v), 4) for v in hits.mean(axis=1)],
                "interval": wilson(rate, len(data)), "learnt": round(float(np.mean(learnt)), 4),
                "with_negation": round(float(hits[:, negated].mean()), 4) if negated.any() else None,
                "sources": {s: round(float(hits[:, [d.source == s for d in data]].mean()), 4) for s in SOURCES},
                "cpu_seconds": round(seconds),
            })  # fmt: skip
            log(json.dumps(rows[-1]))
    bag = max(BAGS, key=lambda name: right[name].mean())
    for row in rows:
        row["minus_best_bag"] = difference(right[row["method"]], right[bag])
        if row["method"] == ORDERED:
            row["minus_shuffled"] = difference(right[ORDERED], right[SHUFFLED])
            few = negated if negated.any() else ~negated  # a few sentences may hold none
            row["minus_best_bag_with_negation"] = difference(right[ORDERED][:, few], right[bag][:, few])
    return rows


def own_reviews(seeds: int, updates: int, tails: tuple[int, ...], log: Callable) -> list[dict]:
    """Our reviews with neutral sentences after them: accuracy on new ones by cell, pool and length of this tail."""
    rows = []
    reviews = review_sentences(np.random.default_rng(1), 1000)
    vocabulary = Vocabulary.build((w for r in reviews for w in (*r.words, *facts(np.random.default_rng(0), 99))),
                                  padding="<pad>")  # fmt: skip
    for tail in tails:
        parts = []
        for part, seed in ((reviews[:600], 0), (reviews[600:], 1)):
            rng = np.random.default_rng(seed)
            parts.append(batch_of([r._replace(words=r.words + facts(rng, tail)) for r in part], vocabulary))
        for cell_name, pool in [(cell, pool) for cell in ("rnn", "gru") for pool in POOLS]:
            found = [one_pool(CELLS[cell_name], pool, *parts, len(vocabulary), s, updates)
                     for s in range(seeds)]  # fmt: skip
            rows.append({"cell": cell_name, "pool": pool, "tail": tail, "words": len(parts[1][0]),
                         "learnt": [a for a, _ in found], "new": [b for _, b in found]})  # fmt: skip
            log(json.dumps(rows[-1]))
    return rows


def one_pool(cell, pool: str, learn: tuple, new: tuple, V: int, seed: int, updates: int) -> tuple[float, float]:
    """-> accuracy on what was learnt and on new reviews."""
    rng = np.random.default_rng(seed)
    p = init_text_classifier(rng, cell, V, 12, 24)
    optimizer = Adam(5e-3)
    state = optimizer.init(p)
    ids, mask, targets = learn
    for _ in range(updates):
        i = rng.integers(0, len(targets), 32)
        grads = classifier_loss(cell, p, ids[:, i], targets[i].astype(float), mask[:, i], pool)[1]
        p, state = optimizer.update(p, clip_by_global_norm(grads, 1.0)[0], state)
    scores = [np.mean((classifier_logits(cell, p, i, m, pool) > 0) == (y > 0.5)) for i, m, y in (learn, new)]
    return tuple(round(float(s), 4) for s in scores)


def main(arguments: list[str] | None = None) -> dict:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("own", "real"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=1, help="methods side by side; changes no number")
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args(arguments)
    if options.part == "real" and options.data is None:
        parser.error("real needs --data FOLDER")
    begin = time.process_time()
    if options.part == "own":
        updates, tails = (5, (0, 1)) if options.small else (400, (0, 2, 4, 6))
        seeds = 1 if options.small else options.seeds
        result = {"command": f"python -m experiments.sentiment own --seeds {seeds}", "updates": updates,
                  "rows": own_reviews(seeds, updates, tails, print)}  # fmt: skip
    else:
        data = load(options.data)
        if options.small:
            data, options.seeds, options.epochs = data[:: max(1, len(data) // 60)], 1, 1
        result = {
            "command": "python -m experiments.sentiment real --data FOLDER "
                       f"--seeds {options.seeds} --epochs {options.epochs}",
            "data": "Sentiment Labelled Sentences (Kotzias et al. 2015), CC BY 4.0, without repeated sentences",
            "fingerprint": hashlib.sha256(repr(data).encode()).hexdigest()[:16],
            "sentences": len(data), "positive": int(sum(d.positive for d in data)),
            "different_words": len({w for d in data for w in d.words}),
            "with_negation": int(sum(has_negation(d.words) for d in data)),
            "sizes": {"E": E, "H": H, "batch": BATCH, "folds": FOLDS, "rate": RATE, "dropout": DROPOUT},
            "precision": "float32",
            "rows": real_sentences(data, options.seeds, options.epochs, print, options.jobs),
        }  # fmt: skip
    result["versions"] = {"python": platform.python_version(), "numpy": np.__version__}
    result["machine"] = f"{platform.machine()}, one thread a method"
    elsewhere = sum(row.get("cpu_seconds", 0) for row in result["rows"]) if options.jobs > 1 else 0
    result["cpu_seconds"] = elsewhere + round(time.process_time() - begin)
    if not options.small:
        known = json.loads(RESULT.read_text(encoding="utf8")) if RESULT.exists() else {}
        RESULT.write_text(json.dumps({**known, options.part: result}, indent=1) + "\n", encoding="utf8")
    return result


if __name__ == "__main__":
    main()

"""The part-of-speech tagger of chapter 8 on UD English EWT: one against two directions, with letters and without.

    python -m experiments.pos_tagger --data FOLDER               the recorded run: writes results/pos_tagger.json
    python -m experiments.pos_tagger --data FOLDER --small       some sentences and one epoch, prints only

FOLDER holds en_ewt-ud-{train,dev,test}.conllu(.gz) (Universal Dependencies, CC BY-SA 4.0). The epoch is chosen on dev;
test is read once, at the end.
"""

import argparse
import hashlib
import json
import platform
import time
from collections import Counter
from pathlib import Path

import numpy as np

from course_pkg.data.conllu import UPOS, TaggedSentence, read_conllu
from course_pkg.optim import Adam, clip_by_global_norm
from course_pkg.tagger import init_tagger, make_batch, tagger_logits, tagger_loss
from course_pkg.tree import count

RESULT = Path(__file__).parent / "results" / "pos_tagger.json"
SIZES = {"E": 100, "E_c": 32, "H_c": 48, "H": 128, "layers": 1}
DROPOUT = 0.4  # on the input of the word network and on its outputs
TAG_IDS = {tag: i for i, tag in enumerate(UPOS)}


def load(folder: Path, part: str) -> list[TaggedSentence]:
    """One part of the treebank, packed or not."""
    for ending in (".conllu", ".conllu.gz"):
        path = folder / f"en_ewt-ud-{part}{ending}"
        if path.exists():
            return read_conllu(path)
    raise FileNotFoundError(f"pos_tagger: {folder} must hold en_ewt-ud-{part}.conllu or .conllu.gz; "
                            "get UD_English-EWT from universaldependencies.org")  # fmt: skip


def fingerprint(sentences: list[TaggedSentence]) -> str:
    """Tells one release of the treebank from another: the beginning of a hash of all words and tags."""
    return hashlib.sha256(repr(sentences).encode()).hexdigest()[:16]


def batches_of(sentences: list, size: int, rng: np.random.Generator | None = None) -> list[list]:
    """Neighbours in length together; shuffled when an rng is given."""
    noise = np.zeros(len(sentences)) if rng is None else rng.uniform(0, 3, len(sentences))
    order = np.argsort([len(s.words) for s in sentences] + noise, kind="stable")
    chunks = [[sentences[i] for i in order[a : a + size]] for a in range(0, len(order), size)]
    return chunks if rng is None else [chunks[i] for i in rng.permutation(len(chunks))]


def as_batch(sentences: list, word_ids: dict, letter_ids: dict):
    tags = [np.array([TAG_IDS[tag] for tag in s.tags]) for s in sentences]
    return make_batch([s.words for s in sentences], tags, word_ids, letter_ids)


def accuracy(params, sentences: list, word_ids: dict, letter_ids: dict) -> float:
    right = total = 0
    for chunk in batches_of(sentences, 64):
        batch = as_batch(chunk, word_ids, letter_ids)
        hit = tagger_logits(params, batch).argmax(axis=-1) == batch.targets
        right, total = right + hit[batch.mask].sum(), total + batch.mask.sum()
    return float(right / total)


def baseline(train: list, test: list) -> float:
    """Each word's most frequent tag in train; for unknown words the tag that is most frequent among rare words."""
    seen: dict[str, Counter] = {}
    for s in train:
        for word, tag in zip(s.words, s.tags, strict=True):
            seen.setdefault(word.lower(), Counter())[tag] += 1
    best = {word: tags.most_common(1)[0][0] for word, tags in seen.items()}
    fewest = min(sum(tags.values()) for tags in seen.values())
    rare = Counter(tag for tags in seen.values() if sum(tags.values()) == fewest for tag in tags).most_common(1)[0][0]
    pairs = [(best.get(w.lower(), rare), t) for s in test for w, t in zip(s.words, s.tags, strict=True)]
    return float(np.mean([a == b for a, b in pairs]))


def train_tagger(train: list, dev: list, directions: int, letters: bool, seed: int, epochs: int, log) -> tuple:
    """-> parameters of the best epoch on dev, dictionaries, curve."""
    rng = np.random.default_rng(seed)
    frequency = Counter(word.lower() for s in train for word in s.words)
    word_ids = {word: i for i, word in enumerate(frequency, start=1)}
    alphabet = sorted({c for s in train for w in s.words for c in w}) if letters else []
    letter_ids = {c: i for i, c in enumerate(alphabet, start=1)}
    once = np.array([False] + [frequency[w] == 1 for w in word_ids])
    params = init_tagger(rng, len(word_ids) + 1, len(letter_ids) + 1, len(UPOS), directions=directions,
                         dtype=np.float32, **SIZES)  # fmt: skip
    steps = epochs * -(-len(train) // 32)
    optimizer = Adam(lambda step: 3e-3 * max(0.02, 1 - step / steps))
    state, best, curve = optimizer.init(params), (0.0, params), []
    for epoch in range(1, epochs + 1):
        losses = []
        for chunk in batches_of(train, 32, rng):
            batch = as_batch(chunk, word_ids, letter_ids)
            forget = once[batch.ids] & (rng.random(batch.ids.shape) < 0.5)  # so that the unknown word is learnt
            loss, grads = tagger_loss(params, batch._replace(ids=np.where(forget, 0, batch.ids)), DROPOUT, rng)
            grads, _ = clip_by_global_norm(grads, 5.0)
            params, state = optimizer.update(params, grads, state)
            losses.append(float(loss))
        score = accuracy(params, dev, word_ids, letter_ids)
        curve.append({"epoch": epoch, "loss": round(float(np.mean(losses)), 4), "dev": round(score, 4)})
        log(f"directions {directions}, letters {letters}, epoch {epoch}: loss {curve[-1]['loss']}, dev {score:.4f}")
        if score > best[0]:
            best = (score, params)
    return best[1], word_ids, letter_ids, curve


def unknown_accuracy(params, sentences: list, word_ids: dict, letter_ids: dict) -> float | None:
    """Accuracy on the words that the training set does not hold; None if there are none."""
    right = total = 0
    for chunk in batches_of(sentences, 64):
        batch = as_batch(chunk, word_ids, letter_ids)
        new = (batch.ids == 0) & batch.mask
        hit = tagger_logits(params, batch).argmax(axis=-1) == batch.targets
        right, total = right + hit[new].sum(), total + new.sum()
    return round(float(right / total), 4) if total else None


def confusions(params, sentences: list, word_ids: dict, letter_ids: dict, most: int = 6) -> list:
    """The commonest mistakes: [true tag, answered tag, how often]."""
    pairs: Counter = Counter()
    for chunk in batches_of(sentences, 64):
        batch = as_batch(chunk, word_ids, letter_ids)
        answers = tagger_logits(params, batch).argmax(axis=-1)
        wrong = (answers != batch.targets) & batch.mask
        pairs.update(zip(batch.targets[wrong].tolist(), answers[wrong].tolist(), strict=True))
    return [[UPOS[a], UPOS[b], n] for (a, b), n in pairs.most_common(most)]


def main(arguments: list[str] | None = None) -> dict:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args(arguments)
    train, dev, test = (load(options.data, part) for part in ("train", "dev", "test"))
    if options.small:
        train, dev, test, options.epochs = train[:300], dev[:60], test[:60], 1
    result = {
        "command": f"python -m experiments.pos_tagger --data FOLDER --epochs {options.epochs} --seed {options.seed}",
        "data": "UD_English-EWT, CC BY-SA 4.0", "sentences": [len(train), len(dev), len(test)],
        "words": [sum(len(s.words) for s in part) for part in (train, dev, test)],
        "fingerprints": [fingerprint(part) for part in (train, dev, test)],
        "sizes": SIZES, "dropout": DROPOUT, "seed": options.seed, "precision": "float32",
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "machine": f"{platform.machine()}, one thread",
        "different_words": len({w.lower() for s in train for w in s.words}),
        "baseline_test": round(baseline(train, test), 4), "runs": [],
    }  # fmt: skip
    for directions, letters in ((2, True), (1, True), (2, False)):
        begin = time.process_time()
        params, word_ids, letter_ids, curve = train_tagger(
            train, dev, directions, letters, options.seed, options.epochs, print
        )
        seconds = time.process_time() - begin
        result["runs"].append({
            "directions": directions, "letters": letters, "parameters": count(params), "curve": curve,
            "test": round(accuracy(params, test, word_ids, letter_ids), 4),
            "test_unknown_words": unknown_accuracy(params, test, word_ids, letter_ids),
            "confusions": confusions(params, test, word_ids, letter_ids), "cpu_seconds": round(seconds),
        })  # fmt: skip
        print(result["runs"][-1])
        if not options.small:
            RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")
    return result


if __name__ == "__main__":
    main()

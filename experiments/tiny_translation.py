"""The little translators of chapters 16 and 17: "the green car" to "la voiture verte", with and without attention.

    python -m experiments.tiny_translation                 all runs, writes results/tiny_translation.json and weights
    python -m experiments.tiny_translation --only KIND     one kind of model (a name in KINDS), put into that record
    python -m experiments.tiny_translation --only numbers  numbers in words as in chapter 15, with attention
    python -m experiments.tiny_translation --small         a few updates, prints only

The weights of seed 0 of three kinds are kept as results/tiny_translation_*seed0.npz (float16, vocabularies inside).
Every model is evaluated as it would be published, with weights rounded to float16.
"""

import argparse
import json
import platform
import time
from functools import partial
from pathlib import Path

import numpy as np

from course_pkg.data.pairs import PairBatch, pair_batch, sentences
from course_pkg.data.synonyms import is_translation, vocabularies, with_synonyms
from course_pkg.data.tiny_french import ADJECTIVES, Translation, draw_translations
from course_pkg.decoding import beam_search
from course_pkg.encoder_decoder import (
    END,
    START,
    EncoderDecoder,
    encoder_decoder_loss,
    init_encoder_decoder,
    start,
    step,
    write_greedily,
)
from course_pkg.optim import Adam
from course_pkg.pair_weights import save_encoder_decoder
from course_pkg.train import train
from course_pkg.tree import count, tree_map
from experiments.encoder_decoder import number_model

RESULTS = Path(__file__).parent / "results"
RESULT = RESULTS / "tiny_translation.json"
D, H, B, LR, CLIP = 16, 32, 32, 5e-3, 1.0
TRAINED = (1, 4)  # phrases of a training sentence
SEEDS, TESTED, SENTENCES = 3, 6, 200  # tested: 1 to 6 phrases, so many sentences of each
SCORE_UPDATES, LONG = 900, 4000
COMPARED = ("additive", "plain", "plain, longer")  # kinds that are also tested on known combinations
WIDTHS = (1, 2, 3, 10)  # of the beam, for the kind with gaps
# kind: attention, updates, synonyms, share of training sentences that are translated by nothing, name of its weights
KINDS = {
    "additive": ("additive", SCORE_UPDATES, False, 0.0, "seed0"),
    "dot": ("dot", SCORE_UPDATES, False, 0.0, None),
    "general": ("general", SCORE_UPDATES, False, 0.0, None),
    "scaled dot": ("scaled dot", SCORE_UPDATES, False, 0.0, None),
    "plain": (None, SCORE_UPDATES, False, 0.0, None),
    "plain, longer": (None, LONG, False, 0.0, None),
    "synonyms": ("additive", 1600, True, 0.0, "synonyms_seed0"),
    "synonyms and gaps": ("additive", 1600, True, 0.05, "gaps_seed0"),
}


ENGLISH, FRENCH = vocabularies(synonyms=True)


def draw(rng: np.random.Generator, n: int, units: tuple[int, int], held_out: bool = False) -> list[Translation]:
    """n sentences of so many phrases, joined by "and": "the green car and the old houses"."""
    return draw_translations(rng, n, units=units, kind="phrase", held_out=held_out)


def test_sentences(phrases: int, n: int, held_out: bool = True) -> list[Translation]:
    """The same n sentences for every model; each has a combination of words that no training sentence has, or none."""
    return draw(np.random.default_rng([2017, phrases]), n, (phrases, phrases), held_out)


def batch_of(pairs: list[Translation]) -> PairBatch:
    """Numbers and masks."""
    return pair_batch([one.english for one in pairs], [one.french for one in pairs], ENGLISH, FRENCH)


def draw_batch(rng: np.random.Generator, synonyms: bool, gaps: float) -> PairBatch:
    """B training sentences; a share of them, `gaps`, has an empty translation."""
    pairs = draw(rng, B, TRAINED)
    pairs = [with_synonyms(rng, one) for one in pairs] if synonyms else pairs
    return batch_of([one._replace(french=()) if gaps and rng.random() < gaps else one for one in pairs])


def evaluate(p: EncoderDecoder, n: int) -> dict:
    """By number of phrases: share of right translations; in these, share of words that look at a word they translate.

    A word looks where its weight is largest.
    """
    right, looked = [], []
    for phrases in range(1, TESTED + 1):
        pairs = test_sentences(phrases, n)
        batch = batch_of(pairs)
        written = write_greedily(p, batch.source, batch.source_mask, max_steps=len(batch.targets) + 5)
        hits, links = 0, []
        for b, (pair, words) in enumerate(zip(pairs, sentences(written.tokens, FRENCH), strict=True)):
            if is_translation(pair.english, words):
                hits += 1
                largest = written.weights[: len(words), b].argmax(axis=1)
                links += [(i, int(j)) in pair.alignment for i, j in enumerate(largest)]
        right.append(round(hits / n, 4))
        looked.append(round(float(np.mean(links)), 4) if links else None)
    return {"right": right, "looked": looked if written.weights.any() else None}


def share_known(p: EncoderDecoder, n: int) -> list[float]:
    """By number of phrases: share of right translations where all combinations are of the kind seen in training."""
    right = []
    for phrases in range(1, TESTED + 1):
        pairs = test_sentences(phrases, n, held_out=False)
        batch = batch_of(pairs)
        written = write_greedily(p, batch.source, batch.source_mask, max_steps=len(batch.targets) + 5)
        said = sentences(written.tokens, FRENCH)
        right.append(round(float(np.mean([is_translation(a.english, b) for a, b in zip(pairs, said, strict=True)])), 4))
    return right


def count_looks(p: EncoderDecoder, phrases: int, n: int) -> dict[str, float]:
    """In right translations, where the largest weight is: shares of articles at "the" and at their noun, of others."""
    found: dict[str, list[bool]] = {"articles: the": [], "articles: noun": [], "others": []}
    for pair in test_sentences(phrases, n):
        written = write_greedily(p, ENGLISH.encode(pair.english)[:, None], None, 40)
        words = sentences(written.tokens, FRENCH)[0]
        if words != pair.french:
            continue
        links = dict(pair.alignment)
        for i, j in enumerate(written.weights[: len(words), 0].argmax(axis=1)):
            if words[i] not in ("le", "la", "les"):
                found["others"].append(j == links[i])
                continue
            noun = links[i] + 1
            while pair.english[noun] in ADJECTIVES:
                noun += 1
            found["articles: the"].append(j == links[i])
            found["articles: noun"].append(j == noun)
    return {name: round(float(np.mean(hits)), 4) if hits else 0.0 for name, hits in found.items()}


def search_wider(p: EncoderDecoder, phrases: int, n: int) -> dict[str, list[float]]:
    """Share of right and of empty translations by the width of the beam (WIDTHS), ranked by log P."""
    pairs = test_sentences(phrases, n)
    batch = batch_of(pairs)
    S, B = batch.source.shape
    found: dict[str, list[float]] = {"right": [], "empty": []}
    for width in WIDTHS:
        state = start(p, batch.source, batch.source_mask)
        best = beam_search(partial(step, p), state, np.full(B, START), END, S + 6, width).best
        said = [[FRENCH.tokens[t] for t in row[0].tokens if t != END] for row in best]
        right = [is_translation(pair.english, words) for pair, words in zip(pairs, said, strict=True)]
        found["right"].append(round(float(np.mean(right)), 4))
        found["empty"].append(round(float(np.mean([not words for words in said])), 4))
    return found


def learn(kind: str, seed: int, updates: int, n: int, looks: int = 6) -> tuple[EncoderDecoder, dict]:
    """Train one model -> its weights rounded to float16, its record."""
    attention, _, synonyms, gaps, _ = KINDS[kind]
    rng, begin = np.random.default_rng(seed), time.process_time()
    p = init_encoder_decoder(rng, len(ENGLISH), len(FRENCH), D, H, attention=attention)
    batches = (draw_batch(rng, synonyms, gaps) for _ in range(updates))

    def rate(step: int) -> float:  # in a straight line, almost to 0
        return LR * (1.02 - step / updates)

    def loss_and_grads(params: EncoderDecoder, batch: tuple) -> tuple:
        return encoder_decoder_loss(params, *batch)

    p, history = train(p, loss_and_grads, batches, Adam(rate), clip_norm=CLIP, progress=False)
    p = tree_map(lambda w: w.astype(np.float16).astype(float), p)
    parts = np.array_split(np.array(history.losses), min(looks, updates))
    record = {"kind": kind, "seed": seed, "updates": updates, "parameters": count(p),
              "losses": [round(float(part.mean()), 4) for part in parts],
              **evaluate(p, n), "cpu_seconds": round(time.process_time() - begin)}  # fmt: skip
    if kind in COMPARED:
        record["known"] = share_known(p, n)
    if kind == "additive":
        record["looks"] = count_looks(p, 2, n)
    if gaps:
        record["wider"] = {str(phrases): search_wider(p, phrases, min(n, 50)) for phrases in (3, 4)}
    return p, record


def main(arguments: list[str] | None = None) -> dict:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=[*KINDS, "numbers"], help="one kind of model")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(SEEDS)))
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args(arguments)
    kinds = [kind for kind in KINDS if options.only in (None, kind)]
    result = {
        "command": "python -m experiments.tiny_translation",
        "task": "course_pkg.data.tiny_french, phrases joined by and", "trained_on_phrases": TRAINED,
        "test": f"{SENTENCES} sentences of each length, each with a combination that is held out",
        "sizes": {"D": D, "H": H}, "batch": B, "learning_rate": LR, "clip_norm": CLIP, "weights": "float16",
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "machine": f"{platform.machine()}, one thread", "runs": [],
    }  # fmt: skip
    if options.only in (None, "numbers"):
        size, seeds, updates = (4, (0,), 3) if options.small else (32, options.seeds, 1500)
        result["numbers"] = [number_model(s, size, (1, 6), updates, context="additive")[1] for s in seeds]
        print([run["right"] for run in result["numbers"]], flush=True)
        if not options.small:
            write_down(result)
    for kind in kinds:
        for seed in options.seeds[:1] if options.small else options.seeds:
            updates, n = (3, 4) if options.small else (KINDS[kind][1], SENTENCES)
            p, record = learn(kind, seed, updates, n)
            result["runs"].append(record)
            print(kind, seed, record["right"], record["looked"], record["cpu_seconds"], "s", flush=True)
            if not options.small:
                write_down(result)
                if seed == 0 and KINDS[kind][4]:
                    path = RESULTS / f"tiny_translation_{KINDS[kind][4]}.npz"
                    save_encoder_decoder(path, p, ENGLISH.tokens, FRENCH.tokens)
    return result


def write_down(result: dict) -> None:
    """Into the record, in place of earlier runs of the same kind and seed, or of the same size and seed."""
    earlier = json.loads(RESULT.read_text("utf8")) if RESULT.exists() else {}
    merged = {}
    for part, keys in (("runs", ("kind", "seed")), ("numbers", ("H", "seed"))):
        found = {tuple(run[k] for k in keys): run for run in earlier.get(part, []) + result.get(part, [])}
        merged[part] = list(found.values())
    merged["runs"].sort(key=lambda run: (list(KINDS).index(run["kind"]), run["seed"]))
    merged["numbers"].sort(key=lambda run: (run["H"], run["seed"]))
    RESULT.write_text(json.dumps(result | merged, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()

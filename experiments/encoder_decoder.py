"""Encoder and decoder without attention, chapter 15: the size of the context, the order of the source, own words.

    python -m experiments.encoder_decoder                  all runs, writes results/encoder_decoder.json and weights
    python -m experiments.encoder_decoder --only PART      one part (a name in PARTS), put into that record
    python -m experiments.encoder_decoder --small          a few updates, prints only

size      numbers in words, 1 to 6 digits, by models with contexts of 8 to 64 numbers
summary   the context at every step, 32 numbers, as in Cho et al. (2014)
beyond    trained on 1 to 4 digits, tested on 3 to 6
own       teacher forcing against scheduled sampling on 1 to 6 digits
order     small French, one encoder that reads ahead against one that reads from the end

The weights of the first model of `beyond` are kept (float16). Every model is evaluated as it would be
published, with weights rounded to float16.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from course_pkg.data.number_words import draw_numbers
from course_pkg.data.pairs import PairBatch, exact_matches, pair_batch, pair_vocabulary, sentences
from course_pkg.data.synonyms import vocabularies
from course_pkg.data.tiny_french import draw_translations
from course_pkg.encoder_decoder import (
    EncoderDecoder,
    decoder_inputs,
    encoder_decoder_logits,
    encoder_decoder_loss,
    init_encoder_decoder,
    write_greedily,
)
from course_pkg.optim import Adam
from course_pkg.pair_weights import save_encoder_decoder
from course_pkg.scheduled_sampling import inverse_sigmoid_decay, scheduled_inputs
from course_pkg.train import train
from course_pkg.tree import count, tree_map

RESULTS = Path(__file__).parent / "results"
RESULT, WEIGHTS = RESULTS / "encoder_decoder.json", RESULTS / "encoder_decoder_seed0.npz"
D, B, CLIP, TESTED = 16, 32, 1.0, 200
DIGITS, WORDS = (
    pair_vocabulary(side) for side in zip(*draw_numbers(np.random.default_rng(0), 5000, (1, 6)), strict=True)
)
ENGLISH, FRENCH = vocabularies(synonyms=True)


def numbers(rng: np.random.Generator, n: int, digits: tuple[int, int], held_out: bool = False) -> PairBatch:
    """n numbers, none of them held out, or all."""
    return pair_batch(*zip(*draw_numbers(rng, n, digits, held_out=held_out), strict=True), DIGITS, WORDS)


def phrases(rng: np.random.Generator, n: int, many: tuple[int, int], held_out: bool, reverse: bool) -> PairBatch:
    """n lists of phrases in English and French."""
    pairs = draw_translations(rng, n, units=many, kind="phrase", held_out=held_out)
    return pair_batch([p.english for p in pairs], [p.french for p in pairs], ENGLISH, FRENCH, reverse)


def share_right(p: EncoderDecoder, batch: PairBatch, vocabulary) -> float:
    """Sequences that are written right from the first word to the last."""
    written = write_greedily(p, batch.source, batch.source_mask, max_steps=len(batch.targets) + 5)
    return round(exact_matches(sentences(written.tokens, vocabulary), sentences(batch.targets, vocabulary)), 4)


def share_of_words(p: EncoderDecoder, batch: PairBatch) -> list[float]:
    """Words that are right: while reading the right ones, and while reading its own."""
    logits, _ = encoder_decoder_logits(p, batch.source, batch.source_mask, decoder_inputs(batch.targets))
    own = write_greedily(p, batch.source, batch.source_mask, max_steps=len(batch.targets)).tokens
    own = np.pad(own, ((0, len(batch.targets) - len(own)), (0, 0)))
    return [round(float((said == batch.targets)[batch.target_mask].mean()), 4) for said in (logits.argmax(-1), own)]


def learn(
    p: EncoderDecoder, draw: Callable[[], PairBatch], updates: int, lr: float, epsilon: Callable | None = None,
    rng: np.random.Generator | None = None,
) -> tuple[EncoderDecoder, list[float]]:  # fmt: skip
    """Adam with a rate that falls in a straight line, almost to 0 -> weights rounded to float16, ten mean losses."""
    step = -1

    def loss_and_grads(p: EncoderDecoder, batch: PairBatch) -> tuple:
        nonlocal step
        step += 1
        inputs = None
        if epsilon is not None:
            inputs = scheduled_inputs(p, *batch[:3], rng, epsilon(step))
        return encoder_decoder_loss(p, *batch, inputs=inputs)

    rate = Adam(lambda n: lr * (1.02 - n / updates))
    batches = (draw() for _ in range(updates))
    p, history = train(p, loss_and_grads, batches, rate, clip_norm=CLIP, progress=False)
    losses = [round(float(part.mean()), 4) for part in np.array_split(history.losses, min(10, updates))]
    return tree_map(lambda w: w.astype(np.float16).astype(float), p), losses


def number_model(
    seed: int, H: int, digits: tuple[int, int], updates: int, scheduled: bool = False, context: str | None = None
) -> tuple:
    """One direction, the last state handed over as it is -> the model, its record."""
    rng, begin = np.random.default_rng(seed), time.process_time()
    p = init_encoder_decoder(rng, len(DIGITS), len(WORDS), D, H, "gru", context, two_directions=False, bridge=False)
    epsilon = inverse_sigmoid_decay(max(1.0, updates / 8)) if scheduled else None
    p, losses = learn(p, lambda: numbers(rng, B, digits), updates, 1e-2, epsilon, rng)
    tests = [numbers(np.random.default_rng([5, d]), TESTED, (d, d), held_out=True) for d in (3, 4, 5, 6)]
    record = {"seed": seed, "H": H, "digits": digits, "updates": updates, "parameters": count(p), "losses": losses,
              "right": [share_right(p, t, WORDS) for t in tests], "words": [share_of_words(p, t) for t in tests],
              "cpu_seconds": round(time.process_time() - begin, 1)}  # fmt: skip
    return p, record


def order_model(seed: int, reverse: bool, updates: int) -> dict:
    """Small French, lists of 1 to 3 phrases, one encoder in one direction -> its record."""
    rng, begin = np.random.default_rng(seed), time.process_time()
    p = init_encoder_decoder(rng, len(ENGLISH), len(FRENCH), D, 64, two_directions=False, bridge=False)
    p, losses = learn(p, lambda: phrases(rng, B, (1, 3), False, reverse), updates, 1e-2)
    record = {"seed": seed, "reverse": reverse, "updates": updates, "losses": losses}
    for name, held_out in (("known", False), ("right", True)):  # known: of combinations as in training
        tests = [phrases(np.random.default_rng([5, n]), TESTED, (n, n), held_out, reverse) for n in range(1, 5)]
        record[name] = [share_right(p, t, FRENCH) for t in tests]
    return {**record, "cpu_seconds": round(time.process_time() - begin, 1)}


PARTS = {
    "size": lambda k: [number_model(s, H, (1, 6), k or 1500) for H in (8, 16, 32, 64) for s in range(3)],
    "summary": lambda k: [number_model(s, 32, (1, 6), k or 1500, context="summary") for s in range(3)],
    "beyond": lambda k: [number_model(s, 64, (1, 4), k or 1000) for s in range(3)],
    "own": lambda k: [number_model(s, 32, (1, 6), k or 800, how) for how in (False, True) for s in range(5)],
    "order": lambda k: [(None, order_model(s, how, k or 1500)) for how in (False, True) for s in range(2 if k else 8)],
}


def main(arguments: list[str] | None = None) -> dict:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=list(PARTS), help="one part")
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args(arguments)
    result = {
        "command": "python -m experiments.encoder_decoder",
        "test": f"{TESTED} for each length, held out; weights rounded to float16",
        "D": D, "batch": B, "clip_norm": CLIP,
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "machine": f"{platform.machine()}, one thread",
    }  # fmt: skip
    for part in [options.only] if options.only else list(PARTS):
        runs = PARTS[part](3 if options.small else None)
        result[part] = [record for _, record in runs]
        for record in result[part]:
            print(part, record, flush=True)
        if options.small:
            continue
        if part == "beyond":
            save_encoder_decoder(WEIGHTS, runs[0][0], DIGITS.tokens, WORDS.tokens)
        known = json.loads(RESULT.read_text(encoding="utf8")) if RESULT.exists() else {}
        RESULT.write_text(json.dumps({**known, **result}, indent=1) + "\n", encoding="utf8")
    return result


if __name__ == "__main__":
    main()

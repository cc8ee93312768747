"""The character model of chapters 11 and 12: an LSTM reads the standard library's source, three seeds.

    python -m experiments.char_model --seeds 0 1 2 --weights FOLDER     writes results/char_model.json, and the weights
    python -m experiments.char_model --counts                           Kneser-Ney alone, put into that record
    python -m experiments.char_model --small                            a few updates of a small model, prints only

The weights of seed 0 are kept as results/char_model_seed0.npz (float16, with the vocabulary). Bits per character are
those of modules that no model was trained on (course_pkg.data.code_text.HELD_OUT).
"""

import argparse
import hashlib
import json
import platform
import time
from pathlib import Path

import numpy as np

from course_pkg.data.code_text import CHARACTERS, character_ids, characters, held_out_text, training_text
from course_pkg.data.streams import consecutive_chunks, parallel_streams
from course_pkg.language_metrics import bits_per_character, mean_nats
from course_pkg.language_models import LanguageModel, carried, init_language_model, next_token_nats
from course_pkg.ngrams import absolute_discounting, continuation_counts, count_ngrams, token_probs
from course_pkg.optim import Adam
from course_pkg.sampling import chooser, write
from course_pkg.train import train
from course_pkg.tree import count
from course_pkg.weights import save_language_model

RESULT = Path(__file__).parent / "results" / "char_model.json"
SIZES = {"E": 32, "H": 160}
STREAMS, STEPS, LR, CLIP = 32, 64, 7e-3, 1.0
UPDATES = 12_000
STAGES = (0, 100, 300, 1000, 3000)  # and the last one
STYLES = {
    "likeliest": {"temperature": 0}, "temperature 0.3": {"temperature": 0.3}, "temperature 0.5": {"temperature": 0.5},
    "temperature 0.7": {"temperature": 0.7}, "temperature 1": {}, "temperature 1.3": {"temperature": 1.3},
    "top 5": {"top_k": 5}, "nucleus 0.9": {"mass": 0.9},
}  # fmt: skip


def bits(params: LanguageModel, text: str, streams: int = 16) -> float:
    """Bits per character of a text, read in some streams from zero states."""
    inputs, targets = parallel_streams(character_ids(text), streams)
    return float(next_token_nats(params, np.concatenate([inputs, targets[-1:]])).mean() / np.log(2))


def counting_bits(train_ids: np.ndarray, test_ids: np.ndarray, most: int) -> list[float]:
    """Bits per character of models that count what came after the last 0, 1, ... `most` characters.

    Each mixes its counts with the model of one character less, by the number of different followers (Witten and Bell
    1991). Numbers (N,) and (M,) below 128.
    """
    targets, probs, bits = test_ids[most:], np.full(len(test_ids) - most, 1 / len(CHARACTERS)), []
    for order in range(most + 1):
        context, ask = (_codes(ids, order, most) for ids in (train_ids, test_ids))  # one number for each context
        pairs, counts = np.unique(context * 128 + train_ids[most:], return_counts=True)
        contexts, first, kinds = np.unique(pairs // 128, return_index=True, return_counts=True)
        totals = np.add.reduceat(counts, first)
        seen, times = _look_up(pairs, counts, ask * 128 + targets), _look_up(contexts, totals, ask)
        mixed = _look_up(contexts, kinds, ask)
        known = times > 0
        probs = np.where(known, (seen + mixed * probs) / np.where(known, times + mixed, 1), probs)
        bits.append(round(float(-np.log2(probs).mean()), 4))
    return bits


def kneser_ney_bits(train_ids: np.ndarray, test_ids: np.ndarray, n: int = 7) -> dict:
    """The strongest counts of chapter 10: bits per character of the test text with several discounts."""
    counts = continuation_counts(count_ngrams([train_ids], n, len(CHARACTERS)))
    found = {}
    for discount in (0.75, 0.85, 0.95):
        nats = mean_nats(token_probs(absolute_discounting, counts, test_ids, discount))
        found[str(discount)] = round(bits_per_character(nats), 4)
    return {"n": n, "by_discount": found}


def put_counts_into_record(train_ids: np.ndarray, test_ids: np.ndarray, fingerprints: list[str]) -> dict:
    """Kneser-Ney on the texts of the recorded run, written beside the other counts."""
    record = json.loads(RESULT.read_text("utf8"))
    if record["fingerprints"] != fingerprints:
        raise ValueError("char_model: the record was made from another version of the library's text")
    record["kneser_ney"] = kneser_ney_bits(train_ids, test_ids)
    RESULT.write_text(json.dumps(record, indent=1) + "\n", encoding="utf8")
    return record


def _codes(ids: np.ndarray, order: int, most: int) -> np.ndarray:
    """The `order` characters before each place from `most` on, as one number."""
    code = np.zeros(len(ids) - most, np.int64)
    for back in range(order, 0, -1):
        code = code * 128 + ids[most - back : len(ids) - back]
    return code


def _look_up(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """values of the wanted keys, 0 where there is none; keys rise."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0)


def sample(params: LanguageModel, n: int, seed: int = 0, **how) -> str:
    """n characters after a line's end."""
    prompt = character_ids("\n")[:, None]  # (1, 1)
    return characters(write(params, np.random.default_rng(seed), prompt, n, chooser(**how))[:, 0])


def learn(seed: int, text: str, held_out: str, updates: int, sizes: dict, stages: tuple, length: int, log) -> tuple:
    """Train one model -> parameters, its record."""
    ids = character_ids(text)
    begin, looks = time.process_time(), []
    rng = np.random.default_rng(seed)
    params = init_language_model(rng, len(CHARACTERS), **sizes, dtype=np.float32)
    chunks = consecutive_chunks(ids, STREAMS, STEPS, passes=None)
    chunks = (chunk for _, chunk in zip(range(updates), chunks, strict=False))

    def rate(step: int) -> float:  # half a cosine, down to a fiftieth
        return LR * (0.51 + 0.49 * np.cos(np.pi * step / updates))

    done = [0]

    def look(p: LanguageModel) -> None:
        if done[0] in stages or done[0] == updates:
            found = {"updates": done[0], "bits_per_character": round(bits(p, held_out), 4),
                     "cpu_seconds": round(time.process_time() - begin),
                     "sample": sample(p, length, temperature=0.7)}  # fmt: skip
            looks.append(found)
            log(f"seed {seed}: {found['updates']} updates, {found['bits_per_character']} bits, "
                f"{found['cpu_seconds']} s")  # fmt: skip
        done[0] += every

    every = 100 if updates > 100 else updates
    params, history = train(params, carried(), chunks, Adam(rate), clip_norm=CLIP, evaluate=look,
                            evaluate_every=every, progress=False)  # fmt: skip
    record = {"seed": seed, "parameters": count(params), "cpu_seconds": round(time.process_time() - begin),
              "stages": looks, "training_bits_last_100": round(float(np.mean(history.losses[-100:]) / np.log(2)), 4),
              "samples": {name: sample(params, length, seed=1, **how) for name, how in STYLES.items()}}  # fmt: skip
    return params, record


def main(arguments: list[str] | None = None) -> dict:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--updates", type=int, default=UPDATES)
    parser.add_argument("--weights", type=Path, help="folder for the weights of every seed")
    parser.add_argument("--counts", action="store_true", help="only Kneser-Ney, for the record that there is")
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args(arguments)
    text, held_out, sizes, stages, length = training_text(), held_out_text(), SIZES, STAGES, 500
    if options.small:
        text, held_out, sizes, length = text[:60_000], held_out[:4_000], {"E": 8, "H": 16}, 40
        options.updates, options.seeds, stages = 20, options.seeds[:1], (0,)
    fingerprints = [hashlib.sha256(part.encode()).hexdigest()[:16] for part in (text, held_out)]
    train_ids, test_ids = character_ids(text), character_ids(held_out)
    if options.counts:
        return put_counts_into_record(train_ids, test_ids, fingerprints)
    result = {
        "command": f"python -m experiments.char_model --seeds 0 1 2 --updates {options.updates} --weights FOLDER",
        "text": "the standard library's source, modules of course_pkg.data.code_text, tabs for four spaces",
        "characters": [len(text), len(held_out)],
        "fingerprints": fingerprints,
        "sizes": sizes, "streams": STREAMS, "steps": STEPS, "learning_rate": LR, "clip_norm": CLIP,
        "updates": options.updates, "precision": "float32",
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "machine": f"{platform.machine()}, one thread",
        "counting_bits": counting_bits(train_ids, test_ids, 6), "kneser_ney": kneser_ney_bits(train_ids, test_ids),
        "runs": [],
    }  # fmt: skip
    for seed in options.seeds:
        params, record = learn(seed, text, held_out, options.updates, sizes, stages, length, print)
        result["runs"].append(record)
        if options.weights:
            options.weights.mkdir(parents=True, exist_ok=True)
            save_language_model(options.weights / f"char_model_seed{seed}.npz", params, CHARACTERS.tokens)
        if not options.small:
            earlier = json.loads(RESULT.read_text("utf8"))["runs"] if RESULT.exists() else []
            others = [run for run in earlier if run["seed"] not in options.seeds]
            runs = sorted([*others, *result["runs"]], key=lambda run: run["seed"])
            RESULT.write_text(json.dumps(result | {"runs": runs}, indent=1) + "\n", encoding="utf8")
    return result


if __name__ == "__main__":
    main()

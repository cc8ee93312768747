"""Captions of digit scenes, chapter 19: a convolutional encoder, and a GRU with and without attention (two ways).

    python -m experiments.captions --seeds 0 1                  writes results/captions.json, and weights
    python -m experiments.captions --models mean --seeds 0      one model, put into that record
    python -m experiments.captions --small                      a few updates of small models, prints only

The weights of seed 0 are kept as results/captions_seed0.npz and results/captions_mean_seed0.npz. Every number of the
record is that of the weights as they are published, rounded to float16.

Each update sees new scenes of training digits. Three kinds of scenes are captioned afterwards: with training digits,
with digits that no scene had before, and with digits and pairs of digits that no scene had before.
"""

import argparse
import json
import platform
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_pkg.captioner import (
    Captioner,
    caption_step,
    captioner_forward,
    captioner_loss,
    has_attention,
    init_captioner,
    save_captioner,
    start_caption,
)
from course_pkg.data import digit_scenes as ds
from course_pkg.decoding import greedy_search
from course_pkg.losses import softmax_cross_entropy
from course_pkg.optim import Adam
from course_pkg.train import train
from course_pkg.tree import count, tree_map

RESULT = Path(__file__).parent / "results" / "captions.json"
IMAGE = (ds.CANVAS, ds.CANVAS, 1)
GRID = (ds.CANVAS // 4, ds.CANVAS // 4)  # two poolings by 2
MODELS = {  # all features side by side are many: fewer kernels, and a lower learning rate
    "attention": {"attention": "additive", "kernels": ((16, 3), (32, 3), (48, 1))},
    "mean": {"attention": "mean feature", "kernels": ((16, 3), (32, 3), (48, 1))},
    "all": {"attention": "all features", "kernels": ((16, 3), (32, 3), (16, 1))},
}
RATES = {"attention": 6e-3, "mean": 6e-3, "all": 2e-3}
SIZES = {"E": 16, "H": 64, "A": 32}
BATCH, CLIP, UPDATES = 32, 1.0, 8000
TESTS = {"training digits": (0, "training"), "new digits": (1, "training"), "new digits, new pairs": (1, "held out")}
SCENES, TEST_SEED, LONGEST = 400, 1000, 20


class Written(NamedTuple):
    """A caption that a model wrote, and where it looked before each word (n, S), None without attention."""

    text: str
    weights: np.ndarray | None


def write_captions(p: Captioner, scenes: list[ds.Scene]) -> list[Written]:
    """The likeliest next word each time, until END."""
    images = np.stack([s.image for s in scenes])[..., None].astype(p.embedding.dtype)
    looks = None if not has_attention(p) else (lambda state: state.weights)
    found = greedy_search(lambda state, y: caption_step(p, state, y), start_caption(p, images),
                          np.zeros(len(scenes), int), 0, LONGEST, weights_of=looks)  # fmt: skip
    return [Written(ds.as_caption(h.tokens), h.weights) for h in found]


def test_scenes(name: str, count: int = SCENES) -> list[ds.Scene]:
    """The scenes of a test: always the same ones, two or three digits where pairs are held out, else one to three."""
    pool, pairs = TESTS[name]
    return ds.draw_scenes(np.random.default_rng(TEST_SEED + pool), ds.digit_pools()[pool], count, pairs=pairs)


# ---- what is right -----------------------------------------------------------------------------------------------


def rates(texts: list[str], scenes: list[ds.Scene]) -> dict:
    """Shares of captions with all digits right, with everything right, and of the latter among the former."""
    verdicts = [ds.judge(text, scene) for text, scene in zip(texts, scenes, strict=True)]
    digits, whole = (float(np.mean([getattr(v, name) for v in verdicts])) for name in ("digits", "whole"))
    among = round(whole / max(digits, 1e-9), 4)
    found = {"digits": round(digits, 4), "whole": round(whole, 4), "whole_of_digits": among}
    for n in (1, 2, 3):
        own = [v for v, scene in zip(verdicts, scenes, strict=True) if len(scene.labels) == n]
        if own:
            found[f"n={n}"] = {"scenes": len(own), "digits": round(float(np.mean([v.digits for v in own])), 4),
                               "whole": round(float(np.mean([v.whole for v in own])), 4)}  # fmt: skip
    return found


def gaze_shares(written: list[Written], scenes: list[ds.Scene]) -> dict:
    """Mean share of the weights in the named digit's box, and in the box of another digit of the scene.

    Counted: words that name a digit which the scene has exactly once, in captions that are wholly right, two or three
    digits. Equal weights everywhere would have the share 64 / 576 = 0.1111.
    """
    own, other = [], []
    for w, scene in zip(written, scenes, strict=True):
        if len(scene.labels) == 1 or not ds.judge(w.text, scene).whole or len(set(scene.labels)) < len(scene.labels):
            continue
        for t, word in enumerate(w.text.split()):
            if word in ds.NAMES:
                for label, place in zip(scene.labels, scene.places, strict=True):
                    share = ds.share_in_box(w.weights[t], GRID, place)
                    (own if ds.NAMES[label] == word else other).append(share)
    if not own:
        return {"words": 0}
    shares = {"named": np.mean(own), "other": np.mean(other), "most_on_named": np.mean(np.array(own) > 0.5)}
    return {"words": len(own)} | {name: round(float(share), 4) for name, share in shares.items()}


def nats_a_word(p: Captioner, scenes: list[ds.Scene]) -> float:
    """Mean surprise at the words of one true caption of each scene, END among them."""
    b = ds.caption_batch(np.random.default_rng(0), scenes, p.embedding.dtype.type)
    return softmax_cross_entropy(captioner_forward(p, b.images, b.inputs).logits, b.targets, b.mask)[0]


def shuffled_rates(texts: list[str], scenes: list[ds.Scene]) -> dict:
    """The same captions, each for the next scene with as many digits: what a model reaches that sees only how many."""
    moved = list(texts)
    for n in (1, 2, 3):
        own = [k for k, scene in enumerate(scenes) if len(scene.labels) == n]
        for k, source in zip(own, own[1:] + own[:1], strict=True):
            moved[k] = texts[source]
    return rates(moved, scenes)


def evaluate(p: Captioner, count: int = SCENES) -> dict:
    """All that the record says of a model's captions."""
    found = {}
    for name in TESTS:
        scenes = test_scenes(name, count)
        written = write_captions(p, scenes)
        texts = [w.text for w in written]
        found[name] = rates(texts, scenes) | {"nats_a_word": round(nats_a_word(p, scenes), 4)}
        if name == "new digits":
            found["captions of other scenes"] = shuffled_rates(texts, scenes)
        if written[0].weights is not None:
            found[name]["gaze"] = gaze_shares(written, scenes)
    return found


# ---- learning ----------------------------------------------------------------------------------------------------


def batches(rng: np.random.Generator, pool: ds.DigitPool, updates: int, size: int):
    """New scenes for each update, all of a batch with as many digits, so that captions are about equally long."""
    for _ in range(updates):
        n = int(rng.choice([1, 2, 3], p=ds.SHARES))
        yield ds.caption_batch(rng, ds.draw_scenes(rng, pool, size, n), np.float32)


def as_published(p: Captioner) -> Captioner:
    """The weights rounded to float16, in float64."""
    return tree_map(lambda w: w.astype(np.float16).astype(np.float64), p)


def learn(model: str, seed: int, updates: int, sizes: dict, size: int, scenes: int, log) -> tuple[Captioner, dict]:
    """Train one model -> parameters as published, its record."""
    begin, rng = time.process_time(), np.random.default_rng([seed, 19])
    p = init_captioner(rng, len(ds.WORDS), IMAGE, **MODELS[model], **sizes, dtype=np.float32)

    def rate(step: int) -> float:  # half a cosine, down to a fiftieth
        return RATES[model] * (0.51 + 0.49 * np.cos(np.pi * step / updates))

    watched = test_scenes("new digits", min(scenes, 200))

    def look(q: Captioner) -> float:
        found = nats_a_word(q, watched)
        log(f"{model}, seed {seed}: {found:.3f} nats a word, {time.process_time() - begin:.0f} s")
        return round(float(found), 4)

    every = max(updates // 20, 1)
    p, history = train(p, lambda q, b: captioner_loss(q, *b), batches(rng, ds.digit_pools()[0], updates, size),
                       Adam(rate), clip_norm=CLIP, evaluate=look, evaluate_every=every, progress=False)  # fmt: skip
    seconds, p = time.process_time() - begin, as_published(p)
    curve = [list(pair) for pair in zip(history.evaluated_at, history.evaluations, strict=True)]
    record = {"model": model, "seed": seed, "parameters": count(p), "cpu_seconds": round(seconds),
              "training_nats_last_twentieth": round(float(np.mean(history.losses[-every:])), 4),
              "nats_while_learning": curve, "results": evaluate(p, scenes)}  # fmt: skip
    log(json.dumps(record["results"]))
    return p, record


def main(arguments: list[str] | None = None) -> dict:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--updates", type=int, default=UPDATES)
    parser.add_argument("--weights", type=Path, help="a folder for the weights of seed 0, besides that of the record")
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args(arguments)
    sizes, size, scenes = SIZES, BATCH, SCENES
    if options.small:
        sizes, size, scenes = {"E": 4, "H": 8, "A": 4}, 8, 12
        options.updates, options.seeds = 4, options.seeds[:1]
    result = {
        "command": "python -m experiments.captions --seeds 0 1",
        "sizes": sizes, "models": {name: str(spec) for name, spec in MODELS.items()}, "batch": size,
        "learning_rates": RATES, "clip_norm": CLIP, "updates": options.updates, "scenes_of_each_test": scenes,
        "precision": "float32 while learning; evaluated in float64 on weights rounded to float16",
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "machine": f"{platform.machine()}, one thread", "runs": [],
    }  # fmt: skip
    for seed in options.seeds:
        for model in options.models:
            p, record = learn(model, seed, options.updates, sizes, size, scenes, print)
            result["runs"].append(record)
            name = f"captions{'' if model == 'attention' else '_' + model}_seed{seed}.npz"
            folders = [options.weights] if options.weights else []
            folders += [RESULT.parent] if seed == 0 and model != "all" and not options.small else []
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
                save_captioner(folder / name, p, ds.WORDS.tokens, IMAGE)
            if not options.small:
                write_record(result)
    return result


def write_record(result: dict) -> None:
    """Put these runs into the record, in place of earlier ones of the same model and seed."""
    earlier = json.loads(RESULT.read_text("utf8"))["runs"] if RESULT.exists() else []
    new = {(run["model"], run["seed"]): run for run in [*earlier, *result["runs"]] if run["model"] in MODELS}
    runs = [new[key] for key in sorted(new, key=lambda key: (list(MODELS).index(key[0]), key[1]))]
    RESULT.write_text(json.dumps(result | {"runs": runs}, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()

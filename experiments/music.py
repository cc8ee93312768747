"""The likelihood of real chorales, frame by frame: a GRU with a yes or no for each of 88 notes.

    python -m experiments.music --data ../shared/data/music     the recorded run: experiments/results/music.json
    python -m experiments.music --small                         our own little pieces, printed and not written

JSB Chorales in the form and split of Boulanger-Lewandowski et al. (2012): 229 pieces to learn from, 76 to stop by, 77
for the test. Nats a frame: notes are added, frames averaged; the first frame of a piece is read and not predicted.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from course_pkg.data.batches import pad_sequences
from course_pkg.data.chorales import draw_piece
from course_pkg.frames import FrameModel, frame_loss, frame_outputs, init_frame_model, sequence_loss
from course_pkg.optim import Adam, clip_by_global_norm
from experiments.records import conditions

RESULTS = Path(__file__).parent / "results" / "music.json"
FILE = "JSB_Chorales.mat"
H, EPOCHS, BATCH, LR, SEEDS = 100, 150, 16, 1e-2, (0, 1, 2)
FLOOR = 1e-4  # no note is ever given less than this by a counted baseline


def load(folder: Path) -> dict[str, list[np.ndarray]]:
    """The parts "learn", "stop" and "test": pieces (T, 88)."""
    from scipy.io import loadmat

    held = loadmat(str(folder / FILE))
    names = {"learn": "traindata", "stop": "validdata", "test": "testdata"}
    return {part: [np.asarray(piece, np.float32) for piece in held[name][0]] for part, name in names.items()}


def counted_nats(p: np.ndarray, notes: np.ndarray) -> float:
    """Nats a frame, notes (n, N), of the probabilities p that a count gave."""
    p = np.clip(p, FLOOR, 1 - FLOOR)
    return float(-np.log(np.where(notes > 0, p, 1 - p)).sum(axis=-1).mean())


def baselines(learn: list[np.ndarray], test: list[np.ndarray]) -> dict[str, float]:
    """A coin for every note; how often each note sounds; the same, given whether it sounded in the frame before."""
    before, now = (np.concatenate([piece[cut] for piece in learn]) for cut in (slice(None, -1), slice(1, None)))
    old, new = (np.concatenate([piece[cut] for piece in test]) for cut in (slice(None, -1), slice(1, None)))
    sounded, silent = before.sum(axis=0), (1 - before).sum(axis=0)
    stays = (before * now).sum(axis=0) / np.maximum(sounded, 1)
    starts = ((1 - before) * now).sum(axis=0) / np.maximum(silent, 1)
    found = {
        "a coin for every note": now.shape[1] * np.log(2),
        "how often each note sounds": counted_nats(now.mean(axis=0), new),
        "given the frame before, note by note": counted_nats(np.where(old > 0, stays, starts), new),
    }
    return {name: round(float(value), 4) for name, value in found.items()}


def nats(p: FrameModel, pieces: list[np.ndarray]) -> float:
    """Nats a frame over all pieces."""
    batch = pad_sequences(pieces)
    return float(frame_loss(frame_outputs(p, batch.xs[:-1], batch.mask[1:])[0], batch.xs[1:], batch.mask[1:])[0])


def one_run(parts: dict, seed: int, epochs: int, units: int) -> dict[str, Any]:
    """Train one GRU, keep the epoch that is best on "stop" -> nats a frame."""
    rng, begin = np.random.default_rng(seed), time.process_time()
    learn, N = parts["learn"], parts["learn"][0].shape[1]
    p = init_frame_model(rng, N, units, N, dtype=np.float32)
    steps = epochs * -(-len(learn) // BATCH)
    optimizer = Adam(lambda step: LR * max(0.05, 1 - step / steps))
    state, best, curve = optimizer.init(p), (np.inf, p, 0), []
    for epoch in range(1, epochs + 1):
        order = rng.permutation(len(learn))
        for chosen in np.split(order, range(BATCH, len(order), BATCH)):
            batch = pad_sequences([learn[i] for i in chosen])
            grads = sequence_loss(frame_loss, p, batch.xs[:-1], batch.xs[1:], batch.mask[1:])[1]
            p, state = optimizer.update(p, clip_by_global_norm(grads, 1.0)[0], state)
        curve.append(round(nats(p, parts["stop"]), 3))
        if curve[-1] < best[0]:
            best = (curve[-1], p, epoch)
    return {"seed": seed, "learnt": round(nats(best[1], learn), 4), "stop": best[0],
            "test": round(nats(best[1], parts["test"]), 4), "epoch": best[2], "curve": curve,
            "cpu_seconds": round(time.process_time() - begin)}  # fmt: skip


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Run everything and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/music"))
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args(arguments)
    begin = time.process_time()
    if options.small:
        rng = np.random.default_rng(0)
        parts = {part: [draw_piece(rng, int(rng.integers(2, 5))).notes for _ in range(20)] for part in
                 ("learn", "stop", "test")}  # fmt: skip
    else:
        parts = load(options.data)
    epochs, units, seeds = (2, 8, (0,)) if options.small else (EPOCHS, H, SEEDS)
    rows = []
    for seed in seeds:
        rows.append(one_run(parts, seed, epochs, units))
        print(json.dumps(rows[-1]), flush=True)
    result = {
        "command": "python -m experiments.music --data FOLDER",
        "data": "JSB Chorales as published by Boulanger-Lewandowski et al. 2012, file of Bai et al. 2018; not shipped",
        "pieces": {part: len(pieces) for part, pieces in parts.items()},
        "frames predicted in the test": sum(len(piece) - 1 for piece in parts["test"]),
        "baselines": baselines(parts["learn"], parts["test"]),
        "settings": {"H": units, "epochs": epochs, "batch": BATCH, "rate": LR, "precision": "float32"}, "rows": rows,
        **conditions(begin),
    }  # fmt: skip
    if not options.small:
        RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")
    return result


if __name__ == "__main__":
    main()

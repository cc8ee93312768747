"""Real pen strokes: characters of Omniglot, and what a mixture of Gaussians gains over one.

    python -m experiments.strokes --data ../shared/data/omniglot_strokes     experiments/results/strokes.json
    python -m experiments.strokes --small                                    our own digits, printed and not written

Drawings of 136 characters by 20 people each. Five people are left out for the test. Every drawing is 40 points at even
steps along its strokes (Lake, Salakhutdinov and Tenenbaum 2015). Positions were recorded in whole pixels, so each point
is moved by chance within its pixel: else a density could grow without bound on the offsets that are exactly 0.
"""

import argparse
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from course_pkg.data.strokes import as_offsets, draw_digits, even_steps, share_points
from course_pkg.frames import FrameModel, frame_outputs, frame_step, init_frame_model, sequence_loss
from course_pkg.mixture_density import outputs_of, stroke_loss, write_strokes
from course_pkg.optim import Adam
from course_pkg.train import train
from experiments.records import conditions

RESULTS = Path(__file__).parent / "results" / "strokes.json"
POINTS, TEST_PEOPLE, SIDE = 40, 5, 105.0  # the drawing field of Omniglot is 105 wide
GAUSSIANS, SEEDS, H, UPDATES, BATCH, LR = (1, 5, 20), (0, 1), 96, 1500, 32, 6e-3
NAME = "strokes_background_small1.zip"


def read_drawing(text: str) -> list[np.ndarray]:
    """The strokes of one file: lines x,y,time between START and BREAKs -> points (n_i, 2), centred."""
    strokes = [[[float(v) for v in line.split(",")[:2]] for line in part.split("\n") if "," in line]
               for part in text.split("BREAK")]  # fmt: skip
    paths = [np.array(s) / SIDE for s in strokes if s]
    middle = np.concatenate(paths).mean(axis=0)
    return [path - middle for path in paths]


def load(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """All drawings with at most a quarter as many strokes as points -> (POINTS, n, 3), who drew each (n,)."""
    drawings, people, rng = [], [], np.random.default_rng(0)
    with zipfile.ZipFile(folder / NAME) as archive:
        for name in sorted(archive.namelist()):
            if not name.endswith(".txt") or "MACOSX" in name:
                continue
            paths = read_drawing(archive.read(name).decode("ascii"))
            if len(paths) > POINTS // 4:
                continue
            shares = share_points(paths, POINTS)
            paths = [even_steps(path, n) for path, n in zip(paths, shares, strict=True)]
            paths = [path + rng.uniform(-0.5, 0.5, path.shape) / SIDE for path in paths]
            drawings.append(as_offsets(paths, unit=10.0))
            people.append(int(name.rpartition("_")[2].removesuffix(".txt")))
    return np.stack(drawings, axis=1), np.array(people)


def shifted(strokes: np.ndarray) -> np.ndarray:
    """(T, n, 3): what is read before each point; zeros first."""
    return np.concatenate([np.zeros_like(strokes[:1]), strokes[:-1]])


def constant_loss(learn: np.ndarray, test: np.ndarray) -> float:
    """Nats a point of one Gaussian and one pen for all points, fitted to what was learnt from."""
    points = learn[..., :2].reshape(-1, 2)
    mean, covariance, ends = points.mean(axis=0), np.cov(points.T), learn[..., 2].mean()
    away = test[..., :2].reshape(-1, 2) - mean
    squares = np.einsum("ni,ij,nj->n", away, np.linalg.inv(covariance), away)
    where = 0.5 * squares + 0.5 * np.log(np.linalg.det(covariance)) + np.log(2 * np.pi)
    last = test[..., 2].reshape(-1)
    return float((where - last * np.log(ends) - (1 - last) * np.log(1 - ends)).mean())


def one_run(
    learn: np.ndarray, test: np.ndarray, M: int, seed: int, updates: int, units: int
) -> tuple[FrameModel, dict[str, Any]]:
    """Train one writer with M Gaussians -> it, and its nats a point."""
    rng, begin = np.random.default_rng([seed, M]), time.process_time()
    start = init_frame_model(rng, 3, units, outputs_of(M), dtype=np.float32)
    learn, test = learn.astype(np.float32), test.astype(np.float32)

    def loss_and_grads(p: FrameModel, chosen: np.ndarray) -> tuple[float, FrameModel]:
        strokes = learn[:, chosen]
        return sequence_loss(stroke_loss, p, shifted(strokes), strokes)

    batches = (rng.integers(0, learn.shape[1], BATCH) for _ in range(updates))
    slower = Adam(lambda step: LR * max(0.05, 1 - step / updates))
    p, history = train(start, loss_and_grads, batches, slower, clip_norm=1.0, progress=False)
    nats = stroke_loss(frame_outputs(p, shifted(test))[0], test)[0]
    return p, {"gaussians": M, "seed": seed, "learnt": round(float(np.mean(history.losses[-100:])), 4),
               "test": round(float(nats), 4), "cpu_seconds": round(time.process_time() - begin)}  # fmt: skip


def samples(p: FrameModel, n: int, bias: float, seed: int = 0) -> list:
    """n drawings by the trained writer: for each, rows dx, dy, end."""
    first = np.zeros((n, 3))
    drawn = write_strokes(lambda x, s: frame_step(p, x.astype(np.float32), s), None, np.random.default_rng(seed), first,
                          POINTS, bias)  # fmt: skip
    return np.round(drawn.swapaxes(0, 1), 2).tolist()


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Run everything and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/omniglot_strokes"))
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args(arguments)
    begin = time.process_time()
    if options.small:
        drawings, people = draw_digits(np.random.default_rng(0), 60)[0], np.arange(60) % 20 + 1
    else:
        drawings, people = load(options.data)
    learn, test = drawings[:, people <= 20 - TEST_PEOPLE], drawings[:, people > 20 - TEST_PEOPLE]
    updates, units = (3, 8) if options.small else (UPDATES, H)
    rows, writer = [], None
    for M in (1, 2) if options.small else GAUSSIANS:
        for seed in (0,) if options.small else SEEDS:
            writer, row = one_run(learn, test, M, seed, updates, units)
            rows.append(row)
            print(json.dumps(row), flush=True)
    result = {
        "command": "python -m experiments.strokes --data FOLDER",
        "data": "Omniglot, strokes_background_small1 (Lake et al. 2015), MIT licence",
        "moved by": "up to half a pixel of 105", "drawings": drawings.shape[1],
        "learnt from": learn.shape[1], "test": test.shape[1], "test people": TEST_PEOPLE, "points": POINTS,
        "pen ends": round(float(learn[..., 2].mean()), 4), "constant": round(constant_loss(learn, test), 4),
        "settings": {"H": units, "updates": updates, "batch": BATCH, "rate": LR, "precision": "float32"}, "rows": rows,
        "written": {str(bias): samples(writer, 12, bias) for bias in (0.0, 1.0)},  # by the last writer
        **conditions(begin),
    }  # fmt: skip
    if not options.small:
        RESULTS.write_text(json.dumps(result) + "\n", encoding="utf8")
    return result


if __name__ == "__main__":
    main()

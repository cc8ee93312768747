"""The country k words back: accuracy against the distance, for every cell of the package by its name.

    python -m experiments.lag_task            the recorded run: experiments/results/lag_task.json
    python -m experiments.lag_task --small    a few distances, a few cells, printed and not written

A sequence is a country, k - 1 words that mean nothing, and "speak". After "speak" the network names the language, one
of four, so guessing is right for 0.25. Every batch is new, so no sequence is learnt by heart. A run ends when the
network is right on 99.5 % of a fixed set of 256 new sequences at two looks in a row, or after the last update.
"""

import argparse
import json
import platform
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from course_pkg.cells import CELLS, Cell, Run, run, run_backward
from course_pkg.data.batches import one_hot
from course_pkg.dense import DenseParams, dense_backward, dense_forward, init_dense
from course_pkg.losses import softmax_cross_entropy
from course_pkg.optim import Adam, clip_by_global_norm
from course_pkg.rnn import init_rnn, rnn_step, rnn_step_backward
from course_pkg.rnn_fast import rnn_backward_fast, rnn_forward_fast

COUNTRIES = ("France", "Italy", "Spain", "Poland")
FILLERS = ("where", "I", "saw", "many", "kind", "people", "and", "then")
VOCABULARY = (*COUNTRIES, *FILLERS, "speak")
RESULTS = Path(__file__).parent / "results" / "lag_task.json"

DISTANCES = (1, 5, 20, 50, 100)
SEEDS = (0, 1, 2, 3, 4)
UPDATES, LOOK_EVERY, BATCH, HIDDEN = 500, 25, 32, 32
LR, CLIP, SOLVED = 5e-3, 1.0, 0.995


class Model(NamedTuple):
    """A cell and the dense layer that reads its last output."""

    cell: Any
    out: DenseParams


def relu_cell() -> Cell:
    """The vanilla RNN with ReLU, W_hh = identity (Le, Jaitly and Hinton 2015)."""

    def forward(p: Any, xs: np.ndarray, h0: Any, mask: Any) -> Run:
        hs = rnn_forward_fast(p, xs, h0, mask, activation="relu")
        return Run(hs[1:], hs[-1], hs)

    def backward(p: Any, xs: np.ndarray, result: Run, doutputs: np.ndarray, dlast: Any, mask: Any) -> tuple:
        return rnn_backward_fast(p, xs, result.kept, doutputs, mask, activation="relu")

    return Cell(
        partial(init_rnn, recurrent="identity"),
        CELLS["rnn"].initial_state,
        partial(rnn_step, activation="relu"),
        partial(rnn_step_backward, activation="relu"),
        forward,
        backward,
    )


def started(name: str, **options: Any) -> Cell:
    """The cell called `name` with options of its init fixed."""
    return CELLS[name]._replace(init=partial(CELLS[name].init, **options))


CONTENDERS = {
    "rnn": CELLS["rnn"],
    "lstm": CELLS["lstm"],
    "gru": CELLS["gru"],
    "mut1": CELLS["mut1"],
    "mut2": CELLS["mut2"],
    "mut3": CELLS["mut3"],
    "peephole": CELLS["peephole"],
    "coupled": CELLS["coupled"],
    "rnn, uniform": started("rnn", recurrent="uniform"),
    "rnn, relu, identity": relu_cell(),
    "lstm, uniform, forget bias 0": started("lstm", recurrent="uniform", forget_bias=0.0),
    "lstm, forget bias 3": started("lstm", forget_bias=3.0),
    "gru, update bias 3": started("gru", update_bias=3.0),
}


def draw(rng: np.random.Generator, k: int, B: int) -> tuple[np.ndarray, np.ndarray]:
    """B sequences with the country k words before "speak" -> xs: (k+1, B, 13), the country's number: (B,)."""
    countries = rng.integers(0, len(COUNTRIES), B)
    fillers = rng.integers(0, len(FILLERS), (k - 1, B)) + len(COUNTRIES)
    speak = np.full(B, len(VOCABULARY) - 1)
    return one_hot(np.vstack([countries, fillers, speak]), len(VOCABULARY)), countries


def init_model(cell: Cell, rng: np.random.Generator, H: int) -> Model:
    """H units that read the vocabulary and name one of four languages."""
    return Model(cell.init(rng, len(VOCABULARY), H), init_dense(rng, H, len(COUNTRIES)))


def loss_and_grads(cell: Cell, params: Model, batch: tuple) -> tuple[float, Model]:
    """Cross-entropy of the answer after "speak", and its gradients."""
    xs, countries = batch
    result = run(cell, params.cell, xs)
    loss, dlogits = softmax_cross_entropy(dense_forward(params.out, result.outputs[-1]), countries)
    doutputs = np.zeros_like(result.outputs)
    dout, doutputs[-1] = dense_backward(params.out, result.outputs[-1], dlogits)
    return loss, Model(run_backward(cell, params.cell, xs, result, doutputs)[0], dout)


def accuracy(cell: Cell, params: Model, batch: tuple) -> float:
    """Share of the sequences whose language is named."""
    xs, countries = batch
    logits = dense_forward(params.out, run(cell, params.cell, xs).outputs[-1])
    return float(np.mean(logits.argmax(axis=-1) == countries))


def one_run(
    cell: Cell, k: int, seed: int, updates: int = UPDATES, look_every: int = LOOK_EVERY, H: int = HIDDEN
) -> dict[str, Any]:
    """Train one network -> accuracy at the last look, updates made, accuracy at every look."""
    rng = np.random.default_rng([seed, k])
    params, test = init_model(cell, rng, H), draw(np.random.default_rng([99, k]), k, 256)
    optimizer, losses, looks = Adam(LR), [], [accuracy(cell, params, test)]
    state = optimizer.init(params)
    while len(losses) < updates and min(looks[-2:]) < SOLVED:
        loss, grads = loss_and_grads(cell, params, draw(rng, k, BATCH))
        grads, _ = clip_by_global_norm(grads, CLIP)
        params, state = optimizer.update(params, grads, state)
        losses.append(loss)
        if len(losses) % look_every == 0:
            looks.append(accuracy(cell, params, test))
    return {"accuracy": round(looks[-1], 4), "updates": len(losses), "looks": [round(v, 3) for v in looks]}


def main() -> None:
    """Run everything and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="two distances, three cells, one seed; nothing written")
    small = parser.parse_args().small
    distances, seeds = ((1, 5), (0,)) if small else (DISTANCES, SEEDS)
    names = ("rnn", "lstm", "gru") if small else tuple(CONTENDERS)
    start, results = time.process_time(), []
    for name in names:
        for k in distances:
            for seed in seeds:
                found = one_run(CONTENDERS[name], k, seed)
                results.append({"cell": name, "k": k, "seed": seed} | found)
            right = sorted(r["accuracy"] for r in results if r["cell"] == name and r["k"] == k)
            print(f"{name:30} k={k:3}  accuracy", *(f"{v:.3f}" for v in right), flush=True)
    if small:
        return
    record = {
        "command": "python -m experiments.lag_task",
        "what": "Accuracy of naming the language of a country k words back; four languages, guessing 0.25",
        "seeds": list(seeds),
        "settings": {"units": HIDDEN, "batch": BATCH, "optimizer": f"Adam({LR})", "clip_norm": CLIP,
                     "updates at most": UPDATES, "looks every": LOOK_EVERY, "test sequences": 256},
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "cpu_seconds": round(time.process_time() - start),
        "results": results,
    }  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(_readable(record), encoding="utf8")


def _readable(record: dict[str, Any]) -> str:
    """JSON with one line a run."""
    rows = ",\n".join("  " + json.dumps(row) for row in record["results"])
    head = json.dumps(record | {"results": []}, indent=1)
    return head.replace('"results": []', f'"results": [\n{rows}\n ]') + "\n"


if __name__ == "__main__":
    main()

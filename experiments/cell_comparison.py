"""Six recurrent cells on three tasks, at equal width and at equal parameter count; time of a step as ratios.

    python -m experiments.cell_comparison            the recorded run: experiments/results/cell_comparison.json
    python -m experiments.cell_comparison --small    one seed, three cells, few updates, printed and not written

adding   two of 40 numbers are marked; the answer is their sum. Every batch is new. Score: mean squared error.
digits   images of 8 x 8 pixels, row by row, named after the last row. Score: accuracy.
strings  lines of Python's standard library; is each character inside a string literal? Score: accuracy.

Equal width: 32 units each. Equal parameters: as many units as come nearest to the parameters of the GRU with 32.
One learning rate for all cells, chosen before the run and not tuned for any of them.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from course_pkg.cells import CELLS, Cell, as_state, run, run_backward, unroll, unroll_backward
from course_pkg.data.batches import iterate_batches, one_hot, pad_sequences
from course_pkg.data.digits import as_rows, load_digits_split
from course_pkg.data.stdlib_source import MODULES, labelled_lines
from course_pkg.dense import DenseParams, dense_backward, dense_forward, init_dense
from course_pkg.losses import mean_squared_error, softmax_cross_entropy
from course_pkg.optim import Adam, clip_by_global_norm
from course_pkg.tree import count

RESULTS = Path(__file__).parent / "results" / "cell_comparison.json"
NAMES = ("rnn", "lstm", "gru", "mut1", "mut2", "mut3")
SEEDS = (0, 1, 2, 3, 4)
UNITS, BATCH, LR, CLIP = 32, 32, 5e-3, 1.0
ADDING_LENGTH = 40


class Batch(NamedTuple):
    """xs: (T, B, D), targets, mask: (T, B) or None."""

    xs: np.ndarray
    targets: np.ndarray
    mask: np.ndarray | None = None


class Task(NamedTuple):
    """What a network reads and answers."""

    D: int
    V: int
    last: bool  # one answer after the last step, or one at each step
    loss: Callable
    batches: Callable[[np.random.Generator, int], Iterator[Batch]]  # (rng, updates) -> that many batches
    train: Batch  # to look at, as test is
    test: Batch
    updates: int


class Model(NamedTuple):
    """A cell and the dense layer that reads its outputs."""

    cell: Any
    out: DenseParams


# ---- the tasks ---------------------------------------------------------------------------------------------------


def draw_sums(rng: np.random.Generator, T: int, B: int) -> Batch:
    """B sequences of T numbers in (0, 1), one marked in each half -> xs: (T, B, 2), sums of the marked: (B, 1)."""
    xs = np.zeros((T, B, 2))
    xs[:, :, 0] = rng.random((T, B))
    rows, first, second = np.arange(B), rng.integers(0, T // 2, B), rng.integers(T // 2, T, B)
    xs[first, rows, 1] = xs[second, rows, 1] = 1
    return Batch(xs, (xs[first, rows, 0] + xs[second, rows, 0])[:, None])


def adding() -> Task:
    def batches(rng: np.random.Generator, updates: int) -> Iterator[Batch]:
        return (draw_sums(rng, ADDING_LENGTH, BATCH) for _ in range(updates))

    train, test = (draw_sums(np.random.default_rng([99, i]), ADDING_LENGTH, 512) for i in range(2))
    return Task(2, 1, True, mean_squared_error, batches, train, test, updates=700)


def digits() -> Task:
    split = load_digits_split()
    train = Batch(as_rows(split.train_images), split.train_labels)
    test = Batch(as_rows(split.test_images), split.test_labels)

    def batches(rng: np.random.Generator, updates: int) -> Iterator[Batch]:
        for _ in range(updates):
            chosen = rng.choice(train.xs.shape[1], BATCH, replace=False)
            yield Batch(train.xs[:, chosen], train.targets[chosen])

    return Task(8, 10, True, softmax_cross_entropy, batches, train, test, updates=400)


def strings() -> Task:
    lines = [line for name in MODULES[:14] for line in labelled_lines(name, 20, 60) if line[1].any()]
    sequences = [one_hot(np.array([ord(c) - 32 for c in text]), 95) for text, _ in lines]
    labels = [inside.astype(int) for _, inside in lines]
    held_out = len(lines) // 5

    def whole(part: slice) -> Batch:
        padded = pad_sequences(sequences[part])
        return Batch(padded.xs, pad_sequences(labels[part]).xs, padded.mask)

    def batches(rng: np.random.Generator, updates: int) -> Iterator[Batch]:
        endless = iterate_batches(rng, sequences[held_out:], labels[held_out:], BATCH, epochs=updates)
        return (Batch(batch.xs, aims, batch.mask) for (batch, aims), _ in zip(endless, range(updates), strict=False))

    return Task(
        95, 2, False, softmax_cross_entropy, batches,
        whole(slice(held_out, 2 * held_out)), whole(slice(held_out)), updates=150,
    )  # fmt: skip


@cache
def task(name: str) -> Task:
    """A task by its name, its data read once."""
    return {"adding": adding, "digits": digits, "strings": strings}[name]()


TASKS = ("adding", "digits", "strings")


# ---- one network -------------------------------------------------------------------------------------------------


def init_model(cell: Cell, which: Task, H: int, rng: np.random.Generator) -> Model:
    return Model(cell.init(rng, which.D, H), init_dense(rng, H, which.V))


def answers(cell: Cell, which: Task, params: Model, batch: Batch) -> np.ndarray:
    """(B, V) after the last step, or (T, B, V)."""
    outputs = run(cell, params.cell, batch.xs, None, batch.mask).outputs
    return dense_forward(params.out, outputs[-1] if which.last else outputs)


def loss_and_grads(cell: Cell, which: Task, params: Model, batch: Batch) -> tuple[float, Model]:
    """Loss on a batch, and its gradients."""
    result = run(cell, params.cell, batch.xs, None, batch.mask)
    read = result.outputs[-1] if which.last else result.outputs
    loss, dlogits = which.loss(dense_forward(params.out, read), batch.targets, batch.mask)
    dout, dread = dense_backward(params.out, read, dlogits)
    doutputs = dread
    if which.last:
        doutputs = np.zeros_like(result.outputs)
        doutputs[-1] = dread
    return loss, Model(run_backward(cell, params.cell, batch.xs, result, doutputs, None, batch.mask)[0], dout)


def score(cell: Cell, which: Task, params: Model, batch: Batch) -> float:
    """Mean squared error of the sums, else the share of right answers."""
    found = answers(cell, which, params, batch)
    if which.loss is mean_squared_error:
        return float(np.mean((found - batch.targets) ** 2))
    right = found.argmax(axis=-1) == batch.targets
    return float(np.mean(right if batch.mask is None else right[batch.mask]))


def one_run(name: str, task_name: str, H: int, seed: int, updates: int | None = None) -> dict[str, Any]:
    """Train one network -> its size, its score on data it learnt from and on new data."""
    cell, which, rng = CELLS[name], task(task_name), np.random.default_rng(seed)
    params, optimizer = init_model(cell, which, H, rng), Adam(LR)
    state = optimizer.init(params)
    for batch in which.batches(rng, updates or which.updates):
        _, grads = loss_and_grads(cell, which, params, batch)
        grads, _ = clip_by_global_norm(grads, CLIP)
        params, state = optimizer.update(params, grads, state)
    train, test = (score(cell, which, params, batch) for batch in (which.train, which.test))
    return {"parameters": count(params.cell), "train": round(train, 5), "test": round(test, 5)}


def parameters(name: str, D: int, H: int) -> int:
    """Parameters of the cell alone, without the read-out."""
    return count(CELLS[name].init(np.random.default_rng(0), D, H))


def width_for(name: str, D: int, budget: int) -> int:
    """The number of units that brings a cell nearest to a budget of parameters."""
    return min(range(1, 129), key=lambda H: abs(parameters(name, D, H) - budget))


# ---- time of a step ----------------------------------------------------------------------------------------------


def times(B: int, D: int, H: int, T: int = 20, rounds: int = 15) -> dict[str, dict[str, float]]:
    """Forward and backward through T steps, CPU time over that of the rnn; median of rounds, the cells in turn.

    "plain": step by step, the same loop for every cell. "fast": the form used for training, where there is one.
    """
    rng = np.random.default_rng(0)
    xs, doutputs = rng.normal(size=(T, B, D)), rng.normal(size=(T, B, H))
    weights = {name: CELLS[name].init(rng, D, H) for name in NAMES}

    def plain(name: str) -> None:
        states = unroll(CELLS[name], weights[name], xs)
        unroll_backward(CELLS[name], weights[name], xs, states, [as_state(d, states[0]) for d in doutputs])

    def fast(name: str) -> None:
        run_backward(CELLS[name], weights[name], xs, run(CELLS[name], weights[name], xs), doutputs)

    table = {}
    for form, names in ((plain, NAMES), (fast, [n for n in NAMES if CELLS[n].forward])):
        seconds: dict[str, list[float]] = {name: [] for name in names}
        repeats = max(1, 4096 // (B * H))  # so that one round is long enough to be timed
        for _ in range(rounds):
            for name in names:
                begin = time.process_time()
                for _ in range(repeats):
                    form(name)
                seconds[name].append(time.process_time() - begin)
        rnn = np.median(seconds["rnn"])
        table[form.__name__] = {name: round(float(np.median(s) / rnn), 2) for name, s in seconds.items()}
    return table


# ---- the run -----------------------------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Run everything and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="one seed, three cells, few updates; nothing written")
    small = parser.parse_args(arguments).small
    names, seeds = (("rnn", "gru", "mut1"), (0,)) if small else (NAMES, SEEDS)
    start, results = time.process_time(), []
    for task_name in TASKS:
        budget = parameters("gru", task(task_name).D, UNITS)
        for name in names:
            nearest = width_for(name, task(task_name).D, budget)
            for equal, H in (("units", UNITS), ("parameters", nearest)):
                if (equal, name) == ("parameters", "gru"):
                    continue  # it is the budget: the same network as with equal units
                for seed in seeds:
                    found = one_run(name, task_name, H, seed, updates=3 if small else None)
                    results.append({"task": task_name, "cell": name, "equal": equal, "H": H, "seed": seed} | found)
                scores = sorted(r["test"] for r in results[-len(seeds) :])
                print(f"{task_name:8} {name:5} equal {equal:10} H={H:3} ", *scores, flush=True)
    sizes = ((32, 32, 32),) if small else ((32, 32, 32), (32, 128, 256))
    record = {
        "command": "python -m experiments.cell_comparison",
        "what": "Six cells on three tasks, at equal width and at equal parameters; time of a step over the rnn's",
        "seeds": list(seeds),
        "settings": {"units": UNITS, "batch": BATCH, "optimizer": f"Adam({LR})", "clip_norm": CLIP,
                     "updates": {name: task(name).updates for name in TASKS}, "adding length": ADDING_LENGTH},
        "baselines": baselines(),
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "times": [{"B": B, "D": D, "H": H} | times(B, D, H, rounds=2 if small else 15) for B, D, H in sizes],
        "results": results,
    }  # fmt: skip
    record["cpu_seconds"] = round(time.process_time() - start)
    if not small:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(_readable(record), encoding="utf8")
    return record


def baselines() -> dict[str, float]:
    """What a constant answer reaches on each test set: the mean of the sums, the commonest class."""
    targets = {name: task(name).test for name in TASKS}
    shares = {}
    for name, test in targets.items():
        right = test.targets if test.mask is None else test.targets[test.mask]
        constant = np.mean((right - 1.0) ** 2) if name == "adding" else np.bincount(right).max() / right.size
        shares[name] = round(float(constant), 4)
    return shares


def _readable(record: dict[str, Any]) -> str:
    """JSON with one line a run."""
    rows = ",\n".join("  " + json.dumps(row) for row in record["results"])
    head = json.dumps(record | {"results": []}, indent=1)
    return head.replace('"results": []', f'"results": [\n{rows}\n ]') + "\n"


if __name__ == "__main__":
    main()

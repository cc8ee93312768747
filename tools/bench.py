"""Time one training step, forward and backward: our fast RNN, GRU and LSTM against four others.

    make bench                             everything: prints, records in experiments/results/bench.json, and writes
                                           the page book/speed.md from the record (some minutes)
    python -m tools.bench --cells lstm     some cells, printed only
    python -m tools.bench --page           the page again, from the record

The others: torch.nn under autograd; a loop over the steps in torch, as one writes it from scratch (our twins), under
autograd; and our readable form, plain NumPy step by step. All compute the gradients of the parameters, of xs and of the
first state, for the same upstream gradient.

Pairwise: each round times every contestant once, in turn, and a large matrix product too, so that a busy machine slows
them alike. We print the median over the rounds of other time / our time, with the least and the greatest.
Seconds are CPU seconds, on one thread. Each case has a process of its own: what an earlier case has freed would serve a
later one as memory that need not be fetched from the system, which changes torch's time by up to a factor of two.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from course_pkg.fast import blocked, multiply
from course_pkg.gru import gru_backward, gru_forward, init_gru
from course_pkg.gru_fast import gru_backward_fast, gru_forward_fast
from course_pkg.lstm import LSTMState, init_lstm, lstm_backward, lstm_forward
from course_pkg.lstm_fast import lstm_backward_fast, lstm_forward_fast
from course_pkg.rnn import init_rnn, rnn_backward, rnn_forward
from course_pkg.rnn_fast import rnn_backward_fast, rnn_forward_fast
from course_pkg.tree import leaves
from tools import bench_page
from tools.notebooks import ROOT

SIZES = ((32, 32, 64, 128), (100, 32, 128, 256), (35, 20, 200, 200), (600, 32, 2, 128), (25, 1, 65, 100))
CELLS = {  # name -> initial parameters, fast form, readable form
    "rnn": (init_rnn, (rnn_forward_fast, rnn_backward_fast), (rnn_forward, rnn_backward)),
    "gru": (init_gru, (gru_forward_fast, gru_backward_fast), (gru_forward, gru_backward)),
    "lstm": (init_lstm, (lstm_forward_fast, lstm_backward_fast), (lstm_forward, lstm_backward)),
}
GATES = {"rnn": 1, "gru": 3, "lstm": 4}
OTHERS = ("torch", "loop", "readable")
SHORTEST = 0.02  # seconds: a contestant is repeated until one timing takes as long
SIDE = 768  # of the matrices whose product is the peak
RECORD = ROOT / "experiments" / "results" / "bench.json"
PAGE = ROOT / "book" / "speed.md"
Step = Callable[[], object]
KERNELS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # would make NumPy's library compute as on another processor
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # read when NumPy and torch are imported


def numpy_step(forward: Callable, backward: Callable, p: tuple, xs: np.ndarray, state: object, dhs: np.ndarray) -> Step:
    """A training step of one of our forms. xs: (T, B, D), state: h_0 (and c_0), dhs: (T, B, H)."""
    return lambda: backward(p, xs, forward(p, xs, state), dhs)


def torch_steps(cell: str, p: tuple, xs: np.ndarray, state: object, dhs: np.ndarray) -> dict[str, Step]:
    """The same step by torch.nn and by a loop over the steps, both under autograd. Shapes as in numpy_step."""
    import torch

    from course_pkg import torch_twins

    torch.set_num_threads(1)
    x, dh = torch.tensor(xs, requires_grad=True), torch.tensor(dhs)
    first = [torch.tensor(s, requires_grad=True) for _, s in leaves(state)]  # h_0, and c_0 of the LSTM
    module = torch_twins.to_torch_layers((p,))
    twin = {"rnn": torch_twins.RNN, "gru": torch_twins.GRU, "lstm": torch_twins.LSTM}[cell].from_params(p)

    def nn_step() -> object:
        given = [s[None] for s in first]
        outputs, _ = module(x, tuple(given) if cell == "lstm" else given[0])
        return torch.autograd.grad(outputs, [*module.parameters(), x, *first], dh)

    def loop_step() -> object:
        states = twin(x, tuple(first) if cell == "lstm" else first[0])
        hs = states.hs if cell == "lstm" else states
        return torch.autograd.grad(hs[1:], [*twin.parameters(), x, *first], dh)

    return {"torch": nn_step, "loop": loop_step}


def contestants(cell: str, T: int, B: int, D: int, H: int, dtype: type) -> dict[str, Step]:
    """Name -> training step, all on the same parameters and data; the first one is ours."""
    init, fast, readable = CELLS[cell]
    rng = np.random.default_rng(0)
    p = init(rng, D, H, dtype=dtype)
    xs, dhs = (rng.standard_normal((T, B, size)).astype(dtype) for size in (D, H))
    h0, c0 = rng.standard_normal((2, B, H)).astype(dtype)
    state = LSTMState(h0, c0) if cell == "lstm" else h0
    given = p, xs, state, dhs
    return {"fast": numpy_step(*fast, *given)} | torch_steps(cell, *given) | {"readable": numpy_step(*readable, *given)}


def seconds(step: Step, repeats: int) -> float:
    """CPU seconds of one call, the mean over some repeats."""
    start = time.process_time()
    for _ in range(repeats):
        step()
    return (time.process_time() - start) / repeats


def repeats_for(step: Step) -> int:
    """How often to call it so that one timing takes SHORTEST or longer."""
    step()
    return max(1, round(SHORTEST / max(seconds(step, 1), 1e-6)))


def large_product(dtype: type) -> Step:
    """A product of two SIDE x SIDE matrices: what the processor can do at best."""
    a = np.random.default_rng(0).standard_normal((SIDE, SIDE)).astype(dtype)
    return lambda: a @ a


def products_alone(cell: str, T: int, B: int, D: int, H: int, dtype: type) -> Step:
    """The matrix products of one training step and nothing else, in the shapes in which the fast forms make them."""
    G, beside = GATES[cell], cell == "lstm"  # the LSTM multiplies state and input by one matrix
    rng = np.random.default_rng(0)
    hx, das, W, W_x = (rng.standard_normal(shape).astype(dtype)
                       for shape in ((T * B, H + D + 1), (T * B, G * H), (G, H + D + 1, H), (G * H, D)))  # fmt: skip
    W_h, W_back = blocked(W if beside else W[:, :H], B), blocked(W[:, :H].reshape(1, G * H, H), B)
    h, da = (np.ascontiguousarray(v) for v in (hx[:B, : W_h.shape[1]], das[:B]))
    forward, backward = (np.empty((len(m), B, m.shape[-1]), dtype) for m in (W_h, W_back))

    def step() -> object:
        for _ in range(T):
            multiply(h, W_h, out=forward)
            multiply(da, W_back, out=backward)
        from_x = None if beside else hx[:, H:] @ W[0, H:].repeat(G, axis=1)
        return from_x, das @ W_x, das.T @ hx

    return step


def compare(steps: dict[str, Step], rounds: int) -> dict[str, list[float]]:
    """Contestant -> CPU seconds of each round; another one begins each time."""
    repeats = {name: repeats_for(step) for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    names = list(steps)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            times[name].append(seconds(steps[name], repeats[name]))
    return times


def ratios(times: dict[str, list[float]], other: str) -> list[float]:
    """Other time / our fast time, round by round."""
    return [theirs / ours for theirs, ours in zip(times[other], times["fast"], strict=True)]


def memory(cell: str, T: int, B: int, D: int, H: int, dtype: type) -> tuple[float, float]:
    """KiB that our forward pass keeps for each step, and MiB at most during a training step besides its inputs."""
    init, (forward, _), _ = CELLS[cell]
    p = init(np.random.default_rng(0), D, H, dtype=dtype)
    kept = sum(array.nbytes for _, array in leaves(forward(p, np.zeros((T, B, D), dtype)))) / T / 1024
    step = contestants(cell, T, B, D, H, dtype)["fast"]
    step()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    step()
    most = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return kept, most / 2**20


def measure(cell: str, size: tuple[int, int, int, int], dtype: type, rounds: int) -> dict:
    """One line of the tables."""
    T, B, D, H = size
    bounds = {"peak": large_product(dtype), "products": products_alone(cell, *size, dtype)}
    times = compare(contestants(cell, *size, dtype) | bounds, rounds)
    work = GATES[cell] * 6 * T * B * H * (D + H)  # operations: three products a step, each with W_x and W_h
    share = statistics.median(ratios(times, "peak")) * work / (2 * SIDE**3)
    kept, most = memory(cell, *size, dtype)
    return {
        "cell": cell,
        "dtype": np.dtype(dtype).name,
        "size": list(size),
        "fast_ms": 1000 * statistics.median(times["fast"]),
        "peak_gflops": 2e-9 * SIDE**3 / statistics.median(times["peak"]),
        "share_of_peak": share,
        "products_share_of_peak": share / statistics.median(ratios(times, "products")),
        "kept_kib_per_step": kept,
        "most_mib": most,
        "ratios": {other: spread(ratios(times, other)) for other in OTHERS},
    }


def measure_apart(*case: object) -> dict:
    """`measure` in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, *case).result()


def cpu_seconds() -> float:
    """Of this process and of its finished children."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "least": min(values), "greatest": max(values)}


def conditions(rounds: int) -> dict:
    """Where and how it was measured."""
    import torch
    from threadpoolctl import threadpool_info

    kernels = {lib["architecture"] for lib in threadpool_info() if "numpy" in lib["filepath"]}
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        processor = platform.processor() or platform.machine()
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "command": "make bench",
        "seed": 0,
        "rounds": rounds,
        "threads": 1,
        "processor": processor,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas['name']} {blas['version']}",
        "kernels": ", ".join(sorted(kernels)) or "unknown",
        "torch": torch.__version__.split("+")[0],
    }


def main(arguments: list[str] | None = None) -> int:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--cells", nargs="+", choices=CELLS, help="these only; nothing is recorded")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--page", action="store_true", help="write the page from the record, measure nothing")
    options = parser.parse_args(arguments)
    if options.page:
        PAGE.write_text(bench_page.page(json.loads(RECORD.read_text("utf8"))), "utf8")
        return 0
    if any(os.environ.get(name) != "1" for name in THREADS):
        print(f"One thread, please: run `make bench`, or set {', '.join(THREADS)} to 1")
        return 2
    if any(os.environ.get(name) for name in KERNELS):
        print(f"NumPy's library must choose its own kernels: run `make bench`, or unset {' and '.join(KERNELS)}")
        return 2
    start = cpu_seconds()
    print("One training step; more than 1: our fast form is faster. Median (least - greatest).\n")
    print(bench_page.HEADER)
    cases = []
    for cell in options.cells or CELLS:
        for dtype in (np.float32, np.float64):
            for size in SIZES:
                cases.append(measure_apart(cell, size, dtype, options.rounds))
                print(bench_page.line(cases[-1]), flush=True)
    record = {"conditions": conditions(options.rounds), "cases": cases}
    record["conditions"]["cpu_seconds"] = round(cpu_seconds() - start)
    print("\n" + bench_page.verdict(record))
    if not options.cells:
        RECORD.write_text(json.dumps(record, indent=1) + "\n", "utf8")
        PAGE.write_text(bench_page.page(record), "utf8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

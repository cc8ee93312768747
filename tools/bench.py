"""Time one training step of the RNN, forward and backward: our fast form, our readable one, and torch.nn.RNN.

    make bench        all sizes, both precisions (about 20 s)

Pairwise: each round times every contestant once, in turn, so that a busy machine slows them alike; we print the
median over the rounds of other time / our fast time, with the least and the greatest. Seconds are CPU seconds, on
one thread. All three compute the gradients of the parameters, of xs and of h_0, for the same upstream gradient.
Peak: what one large matrix product reaches in the same run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from course_pkg.rnn import RNNParams, init_rnn, rnn_backward, rnn_forward
from course_pkg.rnn_fast import rnn_backward_fast, rnn_forward_fast

SIZES = ((32, 32, 64, 128), (100, 32, 128, 256), (35, 20, 200, 200), (600, 32, 2, 128), (25, 1, 65, 100))
SHORTEST = 0.02  # seconds: a contestant is repeated until one timing takes as long
Step = Callable[[], object]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # read when NumPy and torch are imported


def numpy_step(forward: Callable, backward: Callable, p: RNNParams, *arrays: np.ndarray) -> Step:
    """A training step of one of our two forms. arrays: xs (T, B, D), h0 (B, H), dhs (T, B, H)."""
    xs, h0, dhs = arrays

    def step() -> object:
        hs = forward(p, xs, h0)  # (T+1, B, H)
        return backward(p, xs, hs, dhs)

    return step


def torch_step(p: RNNParams, xs: np.ndarray, h0: np.ndarray, dhs: np.ndarray) -> Step:
    """The same step by torch.nn.RNN under autograd. xs: (T, B, D), h0: (B, H), dhs: (T, B, H)."""
    import torch

    from course_pkg.torch_twins import to_torch_rnn

    torch.set_num_threads(1)
    module = to_torch_rnn(p)
    x, h, dh = torch.tensor(xs, requires_grad=True), torch.tensor(h0[None], requires_grad=True), torch.tensor(dhs)
    inputs = [*module.parameters(), x, h]

    def step() -> object:
        hs, _ = module(x, h)
        return torch.autograd.grad(hs, inputs, dh)

    return step


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


def peak(dtype: type) -> float:
    """Floating-point operations per second of a 768 x 768 matrix product; the best of ten."""
    a = np.ones((768, 768), dtype)
    return 2 * 768**3 / min(seconds(lambda: a @ a, 2) for _ in range(10))


def contestants(T: int, B: int, D: int, H: int, dtype: type) -> dict[str, Step]:
    """Name -> training step, all on the same parameters and data."""
    rng = np.random.default_rng(0)
    p = init_rnn(rng, D, H, dtype=dtype)
    xs, h0 = rng.standard_normal((T, B, D)).astype(dtype), rng.standard_normal((B, H)).astype(dtype)
    dhs = rng.standard_normal((T, B, H)).astype(dtype)
    return {
        "fast": numpy_step(rnn_forward_fast, rnn_backward_fast, p, xs, h0, dhs),
        "readable": numpy_step(rnn_forward, rnn_backward, p, xs, h0, dhs),
        "torch": torch_step(p, xs, h0, dhs),
    }


def compare(steps: dict[str, Step], rounds: int) -> dict[str, list[float]]:
    """Contestant -> CPU seconds of each round."""
    repeats = {name: repeats_for(step) for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            times[name].append(seconds(step, repeats[name]))
    return times


def ratios(times: dict[str, list[float]], other: str) -> list[float]:
    """Other time / our fast time, round by round."""
    return [theirs / ours for theirs, ours in zip(times[other], times["fast"], strict=True)]


def main(arguments: list[str] | None = None) -> int:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(arguments)
    if any(os.environ.get(name) != "1" for name in THREADS):
        print(f"One thread, please: run `make bench`, or set {', '.join(THREADS)} to 1")
        return 2
    print("RNN, one training step; more than 1: our fast form is faster. Median (least - greatest).\n")
    print(f"{'(T, B, D, H)':<20}{'type':<9}{'fast, ms':>9}{'of peak':>9}   {'readable / fast':<20}{'torch / fast':<20}")
    medians: dict[str, list[float]] = {"readable": [], "torch": []}
    for dtype in (np.float32, np.float64):
        fastest = peak(dtype)
        for T, B, D, H in SIZES:
            times = compare(contestants(T, B, D, H, dtype), options.rounds)
            ours = statistics.median(times["fast"])
            share = 6 * T * B * H * (D + H) / ours / fastest  # three products a step, each with W_xh and W_hh
            line = f"{f'({T}, {B}, {D}, {H})':<20}{dtype.__name__:<9}{1000 * ours:>9.2f}{share:>9.0%}   "
            for other, middle in medians.items():
                found = ratios(times, other)
                middle.append(statistics.median(found))
                line += f"{f'{middle[-1]:.2f} ({min(found):.2f} - {max(found):.2f})':<20}"
            print(line.rstrip(), flush=True)
    means = {name: statistics.geometric_mean(found) for name, found in medians.items()}
    print(f"\nGeometric mean: readable / fast {means['readable']:.2f}, torch / fast {means['torch']:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

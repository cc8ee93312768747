"""From the record of `make bench` to the lines that it prints and to the page book/speed.md."""

from __future__ import annotations

import statistics

NAMES = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}
TYPES = ("float32", "float64")
HEADER = (
    f"{'cell':<6}{'(T, B, D, H)':<20}{'type':<9}{'fast, ms':>9}{'of peak':>9}   "
    f"{'torch.nn / fast':<20}{'torch loop / fast':<20}{'readable / fast':<20}{'kept per step':>13}"
)
GOALS = {  # torch.nn's time over ours: in every case, in the geometric mean
    ("rnn", "float32"): (1.1, 1.6),
    ("rnn", "float64"): (1.1, 1.6),
    ("gru", "float32"): (1.1, 1.6),
    ("gru", "float64"): (1.1, 1.6),
    ("lstm", "float32"): (0.9, 1.0),
    ("lstm", "float64"): (1.2, 1.7),
}


def line(case: dict) -> str:
    """One case as it is printed."""
    size = f"({', '.join(map(str, case['size']))})"
    start = f"{case['cell']:<6}{size:<20}{case['dtype']:<9}{case['fast_ms']:>9.2f}{case['share_of_peak']:>9.0%}   "
    found = [case["ratios"][other] for other in ("torch", "loop", "readable")]
    parts = "".join(f"{ratio(r):<20}" for r in found)
    return f"{start}{parts}{case['kept_kib_per_step']:>9.3g} KiB"


def ratio(spread: dict) -> str:
    return f"{spread['median']:.2f} ({spread['least']:.2f} - {spread['greatest']:.2f})"


def medians(record: dict, cell: str, dtype: str, other: str = "torch") -> list[float]:
    """The medians of all sizes of one cell in one precision."""
    cases = (case for case in record["cases"] if case["cell"] == cell and case["dtype"] == dtype)
    return [case["ratios"][other]["median"] for case in cases]


def verdict(record: dict) -> str:
    """The goals, and what was reached: torch.nn's time over ours."""
    lines = ["torch.nn / fast, least and geometric mean over the sizes:"]
    for (cell, dtype), (least, mean) in GOALS.items():
        found = medians(record, cell, dtype)
        if found:
            got = min(found), statistics.geometric_mean(found)
            said = "reached" if got[0] >= least and got[1] >= mean else "missed"
            lines.append(f"  {NAMES[cell]:<5}{dtype:<9}{got[0]:.2f} and {got[1]:.2f}, goal {least} and {mean}: {said}")
    shares = [(c["share_of_peak"], c["cell"], c["size"]) for c in record["cases"] if c["dtype"] == "float32"]
    large = [share for share in shares if share[2][1] > 1 and share[2][2] > 2]
    least_share, cell, size = min(large)
    lines.append(f"Share of the peak at the first three sizes, float32: at least {least_share:.0%} ({cell}, {size})")
    slower = [c for c in record["cases"] if c["ratios"]["readable"]["median"] < 1]
    lines.append(f"Slower than plain NumPy: {', '.join(line(c)[:35].strip() for c in slower) or 'never'}")
    return "\n".join(lines)


def page(record: dict) -> str:
    """The page of the book."""
    where = record["conditions"]
    letters = ", ".join(f"{letter} {size}" for size, letter in sizes(record).items())
    tables = "\n".join(f"## {NAMES[cell]}\n\n{table(record, cell)}" for cell in NAMES)
    return f"""# How fast it is

% Written by `make bench` from experiments/results/bench.json. Do not edit.

{conclusion(record)}

{summary(record)}

Every number compares one training step, forward and backward, on the same weights and the same data: states, and the
gradients of all parameters, of the inputs and of the first state. Above 1, ours is faster.

- *ours*: `rnn_fast.py`, `gru_fast.py` and `lstm_fast.py`, NumPy alone.
- *torch.nn*: `nn.RNN`, `nn.GRU`, `nn.LSTM` under autograd.
- *torch loop*: the same equations written out step by step in torch, under autograd, as in the course's own twins.
- *plain NumPy*: our readable form, one step after the other.

Each round times all of them in turn, so that a busy machine slows them alike; a ratio is the median over
{where["rounds"]} rounds, with the least and the greatest in brackets. Each case runs in a process of its own.
*Of peak* is our share of the operations per second that one large matrix product reached in the same rounds; *products*
is what the share would be if nothing but the step's own matrix products, in their shapes, had to be computed. *Kept* is
what the forward pass keeps for the backward pass, per time step of the whole batch. One thread, CPU time.
{where["processor"]}, NumPy {where["numpy"]} ({where["blas"]}), torch {where["torch"]}.

The sizes (T, B, D, H): {letters}.
f32 and f64 are float32 and float64. The columns with three numbers are the other's time over ours.

{tables}
## Why

1. What does not depend on the previous state leaves the time loop: the products with the inputs (but see 6), the local
   derivatives, and the weight gradients, which are one product over all steps.
2. Only so many steps at a time leave it that their arrays stay in the processor's cache.
3. One `tanh` serves all gates, because $\\sigma(a) = (1 + \\tanh(a/2))/2$; the inner half is folded into the weights.
4. Within a step, each gate is one piece of memory, and everything is computed into memory that is already there; the
   memory of one training step serves the next one.
5. The product with $W_h$, 20 or 32 rows at a time, is cut into pieces that OpenBLAS's kernel for small products takes:
   it copies nothing first, and with AVX-512 it is up to 1.7 times as fast as the kernel for large ones.
6. In the LSTM, state, input and a 1 for the bias stand side by side: one product is a step's whole pre-activation, and
   one product over all steps the gradient of all weights.

Of the time of LSTM and GRU at the first four sizes, matrix products are more than half (compare the columns *of peak*
and *products*); the rest goes through all gates once for every operation, where torch's kernel for the float32 LSTM
does several at one go. No form that calls NumPy once for each operation reaches the column *products*.

Both libraries choose the kernels that fit the processor; here OpenBLAS chose those for {where["kernels"]}. `make bench`
sees to it that no variable of the environment makes NumPy compute as on an older one: that alone would halve its speed
on a processor with AVX-512.
"""


def conclusion(record: dict) -> str:
    """What the tables say, in words and with their own numbers."""
    means = {cell: [statistics.geometric_mean(medians(record, cell, dtype)) for dtype in TYPES] for cell in NAMES}
    lstm32 = medians(record, "lstm", "float32")
    faster = [f"{means[c][0]:.1f} and {means[c][1]:.1f} times as fast" for c in ("rnn", "gru")]
    return f"""The fast forms of this course, NumPy and nothing else, are on average {faster[0]} as torch.nn
under autograd for the RNN (float32 and float64) and {faster[1]} for the GRU. The LSTM is
{means["lstm"][1]:.1f} times as fast in float64. In float32 torch has a fused kernel for it: there torch's time over
ours lies between {min(lstm32):.2f} and {max(lstm32):.2f}, {means["lstm"][0]:.2f} on average."""


def summary(record: dict) -> str:
    """Least and mean ratio to torch.nn by cell and precision."""
    rows = ["| | type | least | mean (geometric) |", "|---|---|---|---|"]
    for cell, name in NAMES.items():
        for dtype in TYPES:
            found = medians(record, cell, dtype)
            rows.append(f"| {name} | {dtype} | {min(found):.2f} | {statistics.geometric_mean(found):.2f} |")
    return "torch.nn's time over ours:\n\n" + "\n".join(rows)


def sizes(record: dict) -> dict[tuple[int, ...], str]:
    """(T, B, D, H) -> the letter that stands for it in the tables, in the order of the record."""
    found = dict.fromkeys(tuple(case["size"]) for case in record["cases"])
    return dict(zip(found, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", strict=False))


def table(record: dict, cell: str) -> str:
    """All sizes and both precisions of one cell."""
    rows = [
        "| size | ours, ms | of peak | products | torch.nn | torch loop | plain NumPy | kept, KiB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    letters = sizes(record)
    for case in record["cases"]:
        if case["cell"] == cell:
            found = [ratio(case["ratios"][other]).replace(" - ", " to ") for other in ("torch", "loop", "readable")]
            name = f"{letters[tuple(case['size'])]} {case['dtype'].replace('float', 'f')}"
            cells = [name, f"{case['fast_ms']:.2f}", f"{case['share_of_peak']:.0%}"]
            cells += [f"{case['products_share_of_peak']:.0%}", *found]
            cells.append(f"{case['kept_kib_per_step']:.3g}")
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"

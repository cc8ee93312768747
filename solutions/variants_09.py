"""Versions of exercises of chapter 9 for terms; the book shows those of tasks_09.py."""

import numpy as np

from course_pkg.exercises import Mutant, Variant

two_ends_batch_first = Variant(
    of="09-two-ends",
    name="batch-first",
    says="output is (B, T, 2H)",
    text=[("`output` (T, B, 2H) comes from one bidirectional layer", "`output` (B, T, 2H) comes from one bidirectional layer with `batch_first=True`")],
    code=[("output: (T, B, 2H)", "output: (B, T, 2H)"),
          ("output[lengths - 1, np.arange(len(lengths)), :H]", "output[np.arange(len(lengths)), lengths - 1, :H]"),
          ("output[0, :, H:]", "output[:, 0, H:]")],
    arguments=lambda output, lengths: (output.swapaxes(0, 1).copy(), lengths),
    without=["The backward half is read", "The forward half is read after", "The forward half is read at", "The forward half is one"],
    mutants=[
        Mutant(replace="output[:, 0, H:]", by="output[np.arange(len(lengths)), lengths - 1, H:]",
               hint="The backward half is read at the end. There it has read a single step; it is finished at step 0."),
        Mutant(replace="output[np.arange(len(lengths)), lengths - 1, :H]", by="output[:, -1, :H]",
               hint="The forward half is read after the padding. Each sequence ends at its own step, lengths - 1."),
        Mutant(replace="output[np.arange(len(lengths)), lengths - 1, :H]", by="output[:, 0, :H]",
               hint="The forward half is read at the first step. It is finished at the end of the sequence."),
        Mutant(replace="lengths - 1, :H]", by="lengths - 2, :H]",
               hint="The forward half is one step early: with steps counted from 0, the last one of n is n - 1."),
    ],
)  # fmt: skip


def blocks(order):
    """W -> its four blocks in this order."""
    return lambda W: (np.concatenate([np.split(W, 4)[k] for k in order]),)


CUT = "o, f, i, g = np.split(W, 4)"

order_ofig = Variant(
    of="09-gate-order",
    name="from-ofig",
    says="the lecture stacks o, f, i, g",
    text=[("Some lecture stacks the gates of the LSTM as i, f, o, g;", "Some lecture stacks the gates of the LSTM as o, f, i, g;")],
    code=[("W: (4H, D) with gates i, f, o, g ->", "W: (4H, D) with gates o, f, i, g ->"), ("i, f, o, g = np.split(W, 4)", CUT)],
    arguments=blocks([2, 1, 0, 3]),
    back=blocks([2, 1, 0, 3]),
    without=["The order has not", "i and f are exchanged", "All gates are moved"],
    mutants=[
        Mutant(replace="[i, f, g, o]", by="[o, f, i, g]", hint="The order has not changed: o still stands first."),
        Mutant(replace="[i, f, g, o]", by="[i, f, o, g]", hint="g and o are exchanged at the end. PyTorch has o last."),
        Mutant(replace="[i, f, g, o]", by="[f, i, g, o]", hint="i and f are exchanged. PyTorch has i first."),
    ],
)  # fmt: skip

VARIANTS = [two_ends_batch_first, order_ofig]

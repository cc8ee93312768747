"""Exercises of chapter 9, the same in PyTorch: cases, known mistakes, other correct ways. NumPy only."""

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case, given


def shape_inputs(rng, T, B, H, layers, bidirectional, batch_first):
    """T, B, H, layers, bidirectional, batch_first."""
    return T, B, H, layers, bidirectional, batch_first


def shapes_counted(T, B, H, layers, bidirectional, batch_first):
    """Taken from arrays of that shape."""
    output = np.zeros((T, B, H * 2 if bidirectional else H))
    if batch_first:
        output = output.swapaxes(0, 1)
    h_n = np.concatenate([np.zeros((1, B, H))] * layers * (2 if bidirectional else 1))
    return np.array(output.shape), np.array(h_n.shape)


def shapes_by_arithmetic(T, B, H, layers, bidirectional, batch_first):
    """Without a branch."""
    D = 1 + int(bidirectional)
    first, second = ((T, B), (B, T))[int(batch_first)]
    return np.array([first, second, D * H]), np.array([D * layers, B, H])


torch_shapes = Exercise(
    id="09-shapes",
    title="Shapes",
    function="torch_shapes",
    returns=("output_shape", "h_n_shape"),
    inputs=shape_inputs,
    public=[
        case("one layer", T=7, B=4, H=32, layers=1, bidirectional=False, batch_first=False),
        case("three layers", T=7, B=4, H=32, layers=3, bidirectional=False, batch_first=False),
        case("two directions", T=5, B=2, H=6, layers=2, bidirectional=True, batch_first=False),
        case("batch first", T=5, B=2, H=6, layers=1, bidirectional=False, batch_first=True),
        case("everything", T=9, B=3, H=8, layers=2, bidirectional=True, batch_first=True),
    ],
    hidden={"T": range(1, 20), "B": range(1, 20), "H": range(1, 20), "layers": range(1, 5),
            "bidirectional": (False, True), "batch_first": (False, True)},
    mutants=[
        Mutant(replace="[layers * directions, B, H]", by="[layers, B, H * directions]",
               hint="In h_n the directions are rows of their own: (layers * directions, B, H)."),
        Mutant(replace="[layers * directions, B, H]", by="[layers, B, H]",
               hint="h_n has a row for each direction of each layer."),
        Mutant(replace="[layers * directions, B, H]", by="[directions, B, H]",
               hint="h_n holds the last state of every layer, not only of the top one."),
        Mutant(replace="directions * H]), np", by="H]), np",
               hint="output holds both directions side by side: directions * H features."),
        Mutant(replace="first, second = (B, T) if batch_first else (T, B)", by="first, second = T, B",
               hint="With batch_first the output is (batch, time, features)."),
        Mutant(replace="[layers * directions, B, H]",
               by="[B, layers * directions, H] if batch_first else [layers * directions, B, H]",
               hint="batch_first does not change h_n: the axis of layers and directions stays first."),
    ],
    alternatives=[shapes_counted, shapes_by_arithmetic],
)  # fmt: skip


def ends_inputs(rng, T, B, H, masked):
    """output (T, B, 2H), lengths (B,)."""
    lengths = rng.integers(1, T + 1, B) if masked else np.full(B, T)
    return np.tanh(rng.normal(size=(T, B, 2 * H))), lengths


def two_ends_one_by_one(output, lengths):
    """Each sequence for itself."""
    H = output.shape[2] // 2
    return np.array([[*output[n - 1, b, :H], *output[0, b, H:]] for b, n in enumerate(lengths)])


two_ends = Exercise(
    id="09-two-ends",
    title="The two ends",
    function="two_ends",
    returns=("ends",),
    inputs=ends_inputs,
    public=[
        case("equal lengths", T=4, B=2, H=2, masked=False),
        case("different lengths", T=5, B=3, H=2, masked=True),
        case("one step, T=1", T=1, B=2, H=3, masked=False),
        case("one unit, H=1", T=4, B=3, H=1, masked=True),
    ],
    hidden={"T": range(1, 8), "B": range(1, 6), "H": range(1, 5), "masked": (False, True)},
    mutants=[
        Mutant(replace="output[0, :, H:]", by="output[lengths - 1, np.arange(len(lengths)), H:]",
               hint="The backward half is read at the end. There it has read a single step; it is finished at step 0."),
        Mutant(replace="output[lengths - 1, np.arange(len(lengths)), :H]", by="output[-1, :, :H]",
               hint="The forward half is read after the padding. Each sequence ends at its own step, lengths - 1."),
        Mutant(replace="output[lengths - 1, np.arange(len(lengths)), :H]", by="output[0, :, :H]",
               hint="The forward half is read at the first step. It is finished at the end of the sequence."),
        Mutant(replace="output[lengths - 1,", by="output[lengths - 2,",
               hint="The forward half is one step early: with steps counted from 0, the last one of n is n - 1."),
        Mutant(replace="[forward, backward]", by="[backward, forward]",
               hint="The halves are in reverse order: forward comes first."),
        Mutant(replace="axis=-1", by="axis=0",
               hint="The halves are put one below the other. Side by side is along the last axis: (B, 2H)."),
    ],
    alternatives=[
        two_ends_one_by_one,
        Alternative(replace="np.concatenate([forward, backward], axis=-1)", by="np.hstack([forward, backward])",
                    about="hstack"),
    ],
)  # fmt: skip


def order_inputs(rng, H, D):
    """W (4H, D), gates stacked as i, f, o, g."""
    return (rng.normal(size=(4 * H, D)),)


def reordered_by_reshape(W):
    """As a stack of four matrices."""
    return W.reshape(4, -1, W.shape[1])[[0, 1, 3, 2]].reshape(W.shape)


def reordered_by_index(W):
    """By the numbers of the rows."""
    H = len(W) // 4
    rows = list(range(2 * H)) + list(range(3 * H, 4 * H)) + list(range(2 * H, 3 * H))
    return W[rows].astype(np.float32)


to_torch_order = Exercise(
    id="09-gate-order",
    title="Gates in another order",
    function="to_torch_order",
    returns=("W",),
    inputs=order_inputs,
    public=[
        case("H=2, D=3", H=2, D=3),
        case("one unit, H=1", H=1, D=2),
        case("H=3, D=1", H=3, D=1),
        given("rows named by their gate", np.array([[0.0], [0.1], [1.0], [1.1], [3.0], [3.1], [2.0], [2.1]])),
    ],
    hidden={"H": range(1, 6), "D": range(1, 5)},
    mutants=[
        Mutant(replace="[i, f, g, o]", by="[i, f, o, g]", hint="The order has not changed: o still stands before g."),
        Mutant(replace="[i, f, g, o]", by="[f, i, g, o]", hint="i and f are exchanged. The first two gates stay in their places."),
        Mutant(replace="[i, f, g, o]", by="[o, i, f, g]", hint="All gates are moved round by one. Only g and o change places."),
        Mutant(replace="np.concatenate([i, f, g, o])", by="np.stack([i, f, g, o], axis=1).reshape(W.shape)",
               hint="The rows of the gates are interleaved, unit by unit. Each gate's H rows stay together."),
        Mutant(replace="np.concatenate([i, f, g, o])", by="np.concatenate([i, f, g, g])",
               hint="The last block is g once more; it should be o."),
        Mutant(replace="np.split(W, 4)", by="(W[k::4] for k in range(4))",
               hint="The gates are taken as every fourth row. They are stacked in blocks: H rows of i, then H rows of f, ..."),
    ],
    alternatives=[reordered_by_reshape, reordered_by_index],
)  # fmt: skip


def packing_inputs(rng, T, B, D):
    """xs (T, B, D), lengths (B,) falling, the first one T."""
    lengths = np.sort(rng.integers(1, T + 1, B))[::-1].copy()
    lengths[0] = T
    return rng.normal(size=(T, B, D)), lengths


def packed_by_mask(xs, lengths):
    """A boolean index keeps the real entries in order of time."""
    mask = np.arange(len(xs))[:, None] < lengths
    return xs[mask], mask.sum(axis=1)


def packed_one_by_one(xs, lengths):
    """Entry after entry."""
    data, sizes = [], []
    for t, x in enumerate(xs):
        alive = [x[b] for b in range(len(lengths)) if t < lengths[b]]
        data += alive
        sizes.append(len(alive))
    return np.array(data), np.array(sizes)


pack = Exercise(
    id="09-packing",
    title="Packing",
    function="pack",
    returns=("data", "batch_sizes"),
    inputs=packing_inputs,
    public=[
        case("three sequences", T=4, B=3, D=2),
        case("one sequence, B=1", T=3, B=1, D=2),
        case("one step, T=1", T=1, B=3, D=1),
        case("five sequences", T=6, B=5, D=3),
    ],
    hidden={"T": range(1, 8), "B": range(1, 6), "D": range(1, 4)},
    mutants=[
        Mutant(replace="[x[:n] for x, n in zip(xs, batch_sizes)]", by="[xs[:n, b] for b, n in enumerate(lengths)]",
               hint="The data are sequence after sequence. A packed sequence goes step by step: first the first step of all."),
        Mutant(replace="[x[:n] for x, n in zip(xs, batch_sizes)]", by="[x for x in xs]",
               hint="The padding is still in the data. At each step keep only the sequences that are alive."),
        Mutant(replace="(lengths > t).sum()", by="(lengths >= t).sum()",
               hint="Every sequence lives one step too long. With t counted from 0, a sequence of length n is alive while t < n."),
        Mutant(replace="x[:n]", by="x[-n:]",
               hint="The last n sequences are taken at each step. The longest stand first, so the first n are alive."),
        Mutant(replace="np.array([(lengths > t).sum() for t in range(len(xs))])", by="lengths",
               hint="batch_sizes is not the lengths: it says for each STEP how many sequences are alive."),
        Mutant(replace=", batch_sizes\n", by=", batch_sizes[::-1].copy()\n",
               hint="batch_sizes is in reverse order: it begins with the first step, when all sequences are alive."),
    ],
    alternatives=[packed_by_mask, packed_one_by_one],
)  # fmt: skip

EXERCISES = [torch_shapes, two_ends, to_torch_order, pack]

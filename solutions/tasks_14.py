"""Exercises of chapter 14, sentiment: cases, known mistakes, other correct ways."""

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case, given


def some_lengths(rng, T, B):
    """(B,): at least one sequence is as long as T, all have at least one step."""
    lengths = rng.integers(1, T + 1, B)
    lengths[rng.integers(B)] = T
    return lengths


def bag_inputs(rng, T, B, V):
    """ids (T, B), lengths (B,), weights (V,), bias."""
    return rng.integers(0, V, (T, B)), some_lengths(rng, T, B), rng.normal(size=V), float(np.round(rng.normal(), 2))


def bag_by_counts(ids, lengths, weights, bias):
    """How often each word occurs, times its weight."""
    rows = [np.bincount(ids[:n, b], minlength=len(weights)) for b, n in enumerate(lengths)]
    return np.array(rows) @ weights + bias


def bag_in_loops(ids, lengths, weights, bias):
    """Word by word, in float32."""
    logits = np.full(ids.shape[1], bias, np.float32)
    for t, row in enumerate(ids):
        for b, word in enumerate(row):
            if t < lengths[b]:
                logits[b] += weights[word]
    return logits


bag = Exercise(
    id="14-bag",
    title="A bag of words",
    function="bag",
    returns=("logits",),
    inputs=bag_inputs,
    public=[
        case("three reviews", T=5, B=3, V=6),
        case("one review", T=4, B=1, V=3),
        given("a word twice, padding at the end", np.array([[1, 0], [1, 2], [2, 0]]), np.array([3, 1]),
              np.array([0.5, 2.0, -1.0]), 0.25),
        case("as long as wide", T=3, B=3, V=4),
    ],
    hidden={"T": range(1, 9), "B": range(1, 6), "V": range(2, 9)},
    mutants=[
        Mutant(replace="(weights[ids] * real).sum(axis=0)", by="weights[ids].sum(axis=0)",
               hint="Filled-up steps are counted as well: the padding has a word's number too. Use the lengths."),
        Mutant(replace="(weights[ids] * real).sum(axis=0)", by="(weights[ids] * real).sum(axis=0) / lengths",
               hint="This is the mean of the weights. Asked for is their sum."),
        Mutant(replace="sum(axis=0) + bias", by="sum(axis=0)", hint="The bias is missing."),
        Mutant(replace="< lengths", by="<= lengths",
               hint="One step too many: the steps 0, ..., length - 1 are real."),
        Mutant(replace="sum(axis=0) + bias", by="sum(axis=0) + bias * lengths",
               hint="The bias is added once for each word. It belongs to the review, once."),
        Mutant(replace="(weights[ids] * real).sum(axis=0)",
               by="np.array([weights[np.unique(ids[:n, b])].sum() for b, n in enumerate(lengths)])",
               hint="A word that occurs twice counts once here. It should count twice."),
    ],
    alternatives=[bag_by_counts, bag_in_loops],
)  # fmt: skip


def pooling_inputs(rng, T, B, H, shift=0.0):
    """hs (T, B, H) with rubbish under padding, lengths (B,)."""
    hs, lengths = rng.normal(size=(T, B, H)) + shift, some_lengths(rng, T, B)
    hs[np.arange(T)[:, None] >= lengths] = 9.0
    return hs, lengths


def poolings_one_by_one(hs, lengths):
    """Each sequence by itself, cut to its length."""
    cut = [hs[:n, b] for b, n in enumerate(lengths)]
    return np.array([s[-1] for s in cut]), np.array([s.mean(axis=0) for s in cut]), np.array([s.max(axis=0) for s in cut])


def poolings_step_by_step(hs, lengths):
    """Running values."""
    last, total, largest = np.zeros(hs.shape[1:]), np.zeros(hs.shape[1:]), np.full(hs.shape[1:], -np.inf)
    for t, h in enumerate(hs):
        real = (t < lengths)[:, None]
        last, total = np.where(real, h, last), total + np.where(real, h, 0)
        largest = np.where(real, np.maximum(h, largest), largest)
    return last, total / lengths[:, None], largest


poolings = Exercise(
    id="14-poolings",
    title="Three poolings",
    function="poolings",
    returns=("last", "mean", "maximum"),
    inputs=pooling_inputs,
    public=[
        case("three sequences", T=5, B=3, H=2),
        case("one sequence, one unit", T=4, B=1, H=1),
        case("all states negative", T=4, B=2, H=3, shift=-6.0),
        case("one step", T=1, B=2, H=3),
    ],
    hidden={"T": range(1, 8), "B": range(1, 6), "H": range(1, 5), "shift": (0.0, -5.0, 5.0)},
    mutants=[
        Mutant(replace="hs[lengths - 1, np.arange(B)]", by="hs[-1]",
               hint="The state of the last step is rubbish for short sequences. Take each sequence's own last real step."),
        Mutant(replace="/ lengths[:, None]", by="/ T",
               hint="The sum is divided by the longest length. Divide by each sequence's own."),
        Mutant(replace="np.where(real, hs, -np.inf).max(axis=0)", by="np.where(real, hs, 0).max(axis=0)",
               hint="Zeros stand in place of the padding, and win where all real values are negative."),
        Mutant(replace="np.where(real, hs, -np.inf).max(axis=0)", by="hs.max(axis=0)",
               hint="The maximum looks at filled-up steps too."),
        Mutant(replace="np.where(real, hs, 0).sum(axis=0)", by="hs.sum(axis=0)",
               hint="The mean adds filled-up steps too."),
        Mutant(replace="hs[lengths - 1, np.arange(B)]", by="hs[0, np.arange(B)]",
               hint="This is the first state. Asked for is the last real one."),
        Mutant(replace="np.where(real, hs, -np.inf).max(axis=0)",
               by="np.take_along_axis(hs, np.where(real, np.linalg.norm(hs, axis=2, keepdims=True), -np.inf).argmax(axis=0)[None], 0)[0]",
               hint="The largest whole state is taken. The maximum is over each unit by itself."),
    ],
    alternatives=[poolings_one_by_one, poolings_step_by_step],
)  # fmt: skip


def back_inputs(rng, T, B, H, shift=0.0):
    """hs, lengths, ds (B, H); the values of a unit are all different."""
    hs, lengths = pooling_inputs(rng, T, B, H, shift)
    order = np.argsort(rng.random((T, B, H)), axis=0)
    real = np.arange(T)[:, None] < lengths
    hs = np.where(real[..., None], 0.1 * order + shift, hs)
    return hs, lengths, rng.normal(size=(B, H))


def back_by_indices(hs, lengths, ds):
    """Each sequence and each unit by itself."""
    d_last, d_mean, d_max = np.zeros_like(hs), np.zeros_like(hs), np.zeros_like(hs)
    for b, n in enumerate(lengths):
        d_last[n - 1, b] = ds[b]
        d_mean[:n, b] = ds[b] / n
        for k in range(hs.shape[2]):
            d_max[hs[:n, b, k].argmax(), b, k] = ds[b, k]
    return d_last, d_mean, d_max


def back_by_one_hot(hs, lengths, ds):
    """Weights (T, B, H) for every pooling, times ds."""
    T = len(hs)
    last = np.eye(T)[lengths - 1].T[..., None]
    real = np.cumsum(last[::-1], axis=0)[::-1]
    winner = np.where(real > 0, hs, -np.inf).argmax(axis=0)
    return last * ds, real / real.sum(axis=0) * ds, np.moveaxis(np.eye(T)[winner], -1, 0) * ds


poolings_back = Exercise(
    id="14-poolings-back",
    title="Back through the poolings",
    function="poolings_back",
    returns=("d_last", "d_mean", "d_max"),
    inputs=back_inputs,
    public=[
        case("three sequences", T=5, B=3, H=2),
        case("one sequence, one unit", T=4, B=1, H=1),
        case("all states negative", T=4, B=2, H=3, shift=-6.0),
        case("one step", T=1, B=2, H=3),
    ],
    hidden={"T": range(1, 8), "B": range(1, 6), "H": range(1, 5), "shift": (0.0, -5.0)},
    mutants=[
        Mutant(replace="steps == lengths - 1", by="steps == T - 1",
               hint="The gradient of the last state goes to the last step of the batch. Each sequence has its own last step."),
        Mutant(replace="np.where(real, ds / lengths[:, None], 0)", by="np.where(real, ds, 0)",
               hint="The mean hands on the whole gradient to each step. A step's share is one part in its sequence's length."),
        Mutant(replace="np.where(real, ds / lengths[:, None], 0)", by="np.where(real, ds / T, 0)",
               hint="The mean is divided by the longest length. Each sequence has its own."),
        Mutant(replace="np.where(real, ds / lengths[:, None], 0)", by="ds / lengths[:, None] + 0 * hs",
               hint="Filled-up steps receive a gradient from the mean. They were not in it."),
        Mutant(replace="np.where(real & (hs == largest), ds, 0)", by="np.where(real, ds, 0)",
               hint="The maximum hands its gradient to every step. Only the winning step of each unit made a difference."),
        Mutant(replace="np.where(real & (hs == largest), ds, 0)", by="np.where(real & (hs == largest), ds * hs, 0)",
               hint="The gradient of the maximum is multiplied by the state. The winner is passed on unchanged: its derivative is 1."),
        Mutant(replace="np.where(real, hs, -np.inf).max(axis=0)", by="hs.max(axis=0)",
               hint="The winner of the maximum is looked for among filled-up steps as well."),
    ],
    alternatives=[back_by_indices, back_by_one_hot],
)  # fmt: skip


def wilson_inputs(rng, n):
    """right, n, z."""
    return int(rng.integers(0, n + 1)), int(n), float(np.round(rng.uniform(1, 3), 2))


def wilson_by_quadratic(right, n, z):
    """The roots of (n + z^2) p^2 - (2 right + z^2) p + right^2 / n."""
    a, b, c = n + z * z, -(2 * right + z * z), right * right / n
    root = np.sqrt(max(b * b - 4 * a * c, 0.0))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def wilson_by_weights(right, n, z):
    """A weighted mean of the rate and one half, and its spread."""
    weight, rate = n / (n + z * z), right / n
    middle = weight * rate + (1 - weight) / 2
    half = z * np.sqrt(weight * rate * (1 - rate) / (n + z * z) + (1 - weight) / (4 * (n + z * z)))
    return middle - half, middle + half


wilson = Exercise(
    id="14-wilson",
    title="Wilson's interval",
    function="wilson",
    returns=("low", "high"),
    inputs=wilson_inputs,
    public=[
        given("84 of 100", 84, 100, 1.96),
        given("all right", 20, 20, 1.96),
        given("one of one", 1, 1, 1.0),
        given("none of ten", 0, 10, 2.0),
        case("a large test set", n=3000),
    ],
    hidden={"n": (1, 2, 5, 12, 40, 300, 2979)},
    mutants=[
        Mutant(replace=("middle = rate + z**2 / (2 * n)", "(middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)",
                        " + z**2 / (4 * n**2)"),
               by=("middle = rate", "middle - half, middle + half", ""),
               hint="This is the usual interval, rate ± z times the standard deviation. With all right it has no width at all."),
        Mutant(replace="rate * (1 - rate) / n +", by="rate * (1 - rate) +",
               hint="The variance of one answer stands under the root. Divide by n for that of the rate."),
        Mutant(replace="middle = rate + z**2 / (2 * n)", by="middle = rate + z**2 / n",
               hint="The middle is shifted twice as far as it should be: z^2 / (2 n)."),
        Mutant(replace=" + z**2 / (4 * n**2)", by=" + z**2 / (4 * n)",
               hint="The second term under the root is z^2 / (4 n^2); the square of n is missing."),
        Mutant(replace="half = z * np.sqrt", by="half = np.sqrt",
               hint="The width does not grow with z in front of the root."),
        Mutant(replace="(middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)", by="middle - half, middle + half",
               hint="The division by 1 + z^2/n is missing: the ends can lie outside of 0 and 1."),
    ],
    alternatives=[wilson_by_quadratic, wilson_by_weights],
)  # fmt: skip


def classifier_inputs(rng, T, B, E, H, V=5):
    """ids (T, B), lengths (B,), table (V, E), W_xh, W_hh, b_h, w (H,), b."""
    return (rng.integers(0, V, (T, B)), some_lengths(rng, T, B), rng.normal(size=(V, E)),
            rng.normal(size=(H, E)) / np.sqrt(E), rng.normal(size=(H, H)) / np.sqrt(H), 0.5 * rng.normal(size=H),
            2 * rng.normal(size=H), float(np.round(rng.normal(), 2)))  # fmt: skip


def classifier_one_by_one(ids, lengths, table, W_xh, W_hh, b_h, w, b):
    """Each review by itself, cut to its length; a sigmoid written with tanh."""
    answers = []
    for k, n in enumerate(lengths):
        h, states = np.zeros(len(b_h)), []
        for word in ids[:n, k]:
            h = np.tanh(W_xh @ table[word] + W_hh @ h + b_h)
            states.append(h)
        answers.append(0.5 + 0.5 * np.tanh(0.5 * (np.max(states, axis=0) @ w + b)))
    return np.array(answers)


classifier = Exercise(
    id="14-classifier",
    title="A whole classifier",
    function="classifier",
    returns=("probs",),
    inputs=classifier_inputs,
    public=[
        case("three reviews", T=5, B=3, E=2, H=4),
        case("E=H=B", T=4, B=3, E=3, H=3),
        case("one word", T=1, B=2, E=2, H=1),
        case("long and short", T=9, B=4, E=2, H=3),
    ],
    hidden={"T": range(1, 9), "B": range(1, 6), "E": range(1, 5), "H": range(1, 5)},
    mutants=[
        Mutant(replace="np.where((t < lengths)[:, None], np.maximum(s, h), s)", by="np.maximum(s, h)",
               hint="States after the end of a review count in the maximum. Only real steps do."),
        Mutant(replace="np.full((B, len(b_h)), -np.inf)", by="np.zeros((B, len(b_h)))",
               hint="The running maximum starts at zero, which wins where all states of a unit are negative."),
        Mutant(replace="np.where((t < lengths)[:, None], np.maximum(s, h), s)", by="np.where((t < lengths)[:, None], h, s)",
               hint="This is the last real state. Asked for is the maximum of each unit over the real states."),
        Mutant(replace="table[ids[t]] @ W_xh.T + h @ W_hh.T + b_h", by="table[ids[t]] @ W_xh.T + b_h",
               hint="The state before is not used: every word is read by itself."),
        Mutant(replace="table[ids[t]] @ W_xh.T + h @ W_hh.T + b_h", by="table[ids[t]] @ W_xh.T + s @ W_hh.T + b_h",
               hint="The cell reads the running maximum. It reads its own last state."),
        Mutant(replace="return 1 / (1 + np.exp(-(s @ w + b)))", by="return s @ w + b",
               hint="These are logits. The sigmoid makes probabilities of them."),
        Mutant(replace="(t < lengths)", by="(t <= lengths)", hint="One step too many: the steps 0, ..., length - 1 are real."),
    ],
    alternatives=[
        classifier_one_by_one,
        Alternative(replace="np.where((t < lengths)[:, None], np.maximum(s, h), s)",
                    by="np.maximum(s, np.where((t < lengths)[:, None], h, -np.inf))", about="Minus infinity for states that do not count."),
    ],
)  # fmt: skip

EXERCISES = [bag, poolings, poolings_back, wilson, classifier]

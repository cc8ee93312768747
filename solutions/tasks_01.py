"""Exercises of chapter 1, why sequences: cases, known mistakes, other correct ways."""

import numpy as np

from course_pkg.exercises import Exercise, Mutant, case, given


def bag_inputs(rng, T, V):
    """ids (T,), V."""
    return rng.integers(0, V, T), V


def bag_by_one_hot(ids, V):
    """The sum of one-hot vectors, as in the chapter."""
    return np.eye(V, dtype=int)[ids].sum(axis=0)


def bag_by_counting(ids, V):
    """One word at a time."""
    counts = [0] * V
    for i in ids:
        counts[i] += 1
    return np.array(counts)


bag_of_words = Exercise(
    id="01-bag-of-words",
    title="A bag of words",
    function="bag_of_words",
    returns=("counts",),
    inputs=bag_inputs,
    public=[
        given("six words", np.array([2, 0, 2, 1, 2, 0]), 4),
        given("one word, T=1", np.array([1]), 3),
        given("one word again and again", np.array([0, 0, 0, 0, 0]), 3),
        case("a larger vocabulary", T=5, V=9),
    ],
    hidden={"T": range(1, 12), "V": range(1, 9)},
    mutants=[
        Mutant(replace="np.bincount(ids, minlength=V)", by="np.bincount(ids)",
               hint="The vector ends with the largest number in the text. It must have V entries for every text."),
        Mutant(replace="np.bincount(ids, minlength=V)", by="np.minimum(np.bincount(ids, minlength=V), 1)",
               hint="Each word is counted once at most. The bag counts how often a word occurs."),
        Mutant(replace="np.bincount(ids, minlength=V)", by="np.bincount(ids, minlength=V) / len(ids)",
               hint="These are shares of the text. Asked for are the counts."),
        Mutant(replace="np.bincount(ids, minlength=V)", by="np.bincount(ids[:-1], minlength=V)",
               hint="The last word of the text is left out."),
        Mutant(replace="np.bincount(ids, minlength=V)", by="np.bincount(ids, minlength=V) * (np.arange(V) > 0)",
               hint="The word with the number 0 is never counted. It is a word like the others; word numbers begin at 0."),
        Mutant(replace="np.bincount(ids, minlength=V)", by="np.bincount(ids, minlength=V + 1)",
               hint="The vector has V + 1 entries. Words are numbered from 0 to V - 1."),
    ],
    alternatives=[bag_by_one_hot, bag_by_counting],
)  # fmt: skip


def window_inputs(rng, T, k, V):
    """ids (T,), k, V."""
    return rng.integers(0, V, T), k, V


def windows_by_sliding(ids, k, V):
    """A zero row for the padding, and NumPy's sliding windows."""
    table = np.vstack([np.eye(V), np.zeros(V)])
    padded = np.concatenate([np.full(k - 1, V), ids])
    return table[np.lib.stride_tricks.sliding_window_view(padded, k)].reshape(len(ids), -1)


def windows_by_shifting(ids, k, V):
    """One place of the window at a time, in float32."""
    hot = np.eye(V, dtype=np.float32)[ids]  # (T, V)
    places = []
    for back in range(k - 1, -1, -1):
        shifted = np.zeros_like(hot)
        shifted[back:] = hot[: max(len(ids) - back, 0)]
        places.append(shifted)
    return np.concatenate(places, axis=1)


windows = Exercise(
    id="01-windows",
    title="Windows",
    function="windows",
    returns=("rows",),
    inputs=window_inputs,
    public=[
        given("three characters, k=2", np.array([0, 1, 2]), 2, 3),
        case("k=1 is the line itself", T=4, k=1, V=3),
        case("T=5, k=3", T=5, k=3, V=4),
        case("the window is longer than the line", T=2, k=4, V=2),
        case("one character, T=1", T=1, k=3, V=3),
    ],
    hidden={"T": range(1, 9), "k": range(1, 6), "V": range(1, 6)},
    mutants=[
        Mutant(replace="s = t - k + 1 + j", by="s = t - j",
               hint="The newest character stands first. The window is in reading order: the oldest first, the current one last."),
        Mutant(replace="s = t - k + 1 + j", by="s = t - k + j",
               hint="The window ends one character too early. The current character belongs to it."),
        Mutant(replace="if s >= 0:", by="if s >= -len(ids):",
               hint="Before the beginning stand characters from the end of the line: a negative index counts from the end. "
                    "These places must be zero."),
        Mutant(replace=("if s >= 0:", "x[t, j, ids[s]] = 1"), by=("if True:", "x[t, j, ids[s] if s >= 0 else 0] = 1"),
               hint="Before the beginning stands the character 0. Padding is no character: all V entries must be zero."),
        Mutant(replace=("s = t - k + 1 + j", "if s >= 0:"), by=("s = t + j", "if s < len(ids):"),
               hint="The window looks ahead. It holds the current character and those before it."),
        Mutant(replace="x.reshape(len(ids), k * V)", by="x.transpose(0, 2, 1).reshape(len(ids), k * V)",
               hint="The vector is sorted by character number first. Each place of the window has V neighbouring entries."),
        Mutant(replace="x.reshape(len(ids), k * V)", by="x",
               hint="The three axes (T, k, V) are still apart. The net wants one vector a step: (T, k * V)."),
    ],
    alternatives=[windows_by_sliding, windows_by_shifting],
)  # fmt: skip


def pad_inputs(rng, B, longest):
    """values (N,) with zeros among them, lengths (B,)."""
    lengths = rng.integers(1, longest + 1, B)
    return rng.integers(0, 4, lengths.sum()), lengths


def pad_by_the_mask(values, lengths):
    """The mask first; assignment through its transpose fills text after text."""
    mask = np.arange(max(lengths))[:, None] < lengths
    xs = np.zeros(mask.shape, int)
    xs.T[mask.T] = values
    return xs, mask


def pad_column_by_column(values, lengths):
    """Split into texts, fill each up, and stack."""
    T = max(lengths)
    texts = np.split(values, np.cumsum(lengths)[:-1])
    columns = [np.concatenate([text, np.zeros(T - len(text), int)]) for text in texts]
    return np.stack(columns, axis=1), np.stack([np.arange(T) < n for n in lengths], axis=1)


padding = Exercise(
    id="01-padding",
    title="Padding and mask",
    function="pad",
    returns=("xs", "mask"),
    inputs=pad_inputs,
    public=[
        given("lengths 2 and 3", np.array([5, 6, 7, 8, 9]), np.array([2, 3])),
        given("a real zero", np.array([4, 0, 3, 0, 0, 1]), np.array([3, 1, 2])),
        given("one text, B=1", np.array([1, 2, 3]), np.array([3])),
        case("four texts", B=4, longest=5),
    ],
    hidden={"B": range(1, 7), "longest": range(1, 8)},
    mutants=[
        Mutant(replace="mask[:n, b] = True", by="mask[:n, b] = values[start : start + n] != 0",
               hint="A real zero counts as padding. The mask follows from the lengths, not from the values."),
        Mutant(replace=("xs[:n, b]", "mask[:n, b]"), by=("xs[T - n :, b]", "mask[T - n :, b]"),
               hint="The padding stands above the texts. Each text begins at the top, in row 0."),
        Mutant(replace="start += n", by="start += 0",
               hint="Every column begins with the first text. After a text of n values, the next begins n further on."),
        Mutant(replace="return xs, mask", by="return xs, ~mask",
               hint="The mask is turned round: it must be True at the real values."),
        Mutant(replace="return xs, mask", by="return xs.T, mask.T",
               hint="Here texts are rows, (B, T). The course puts time first: (T, B)."),
        Mutant(replace="return xs, mask", by="return np.where(mask, xs, -1), mask",
               hint="The padding is -1. It must be zero."),
        Mutant(replace="mask[:n, b] = True", by="mask[:, b] = True",
               hint="The mask is True everywhere. Below the end of a text it must be False."),
    ],
    alternatives=[pad_by_the_mask, pad_column_by_column],
)  # fmt: skip


def distance_inputs(rng, E, extra):
    """predicted, truth, distance (N,), edges (E+1,): all four combinations occur inside each group."""
    edges = np.concatenate([[1], 1 + np.cumsum(rng.integers(3, 6, E))])
    rows = [(y, p, a + 1) for a in edges[:-1] for y in (0, 1) for p in (0, 1)]
    for _ in range(extra):
        rows.append((int(rng.integers(2)), int(rng.random() < 0.8), int(rng.integers(0, edges[-1] + 3))))
    rows = np.array(rows)[rng.permutation(len(rows))]
    return rows[:, 1], rows[:, 0], rows[:, 2], edges


def by_distance_with_digitize(predicted, truth, distance, edges):
    """Sort all characters into groups first, then count hits."""
    group = np.digitize(distance, edges) - 1
    result = np.zeros(len(edges) - 1)
    for e in range(len(result)):
        for y in (0, 1):
            found = predicted[(group == e) & (truth == y)]
            result[e] += 0.5 * (found == y).sum() / len(found)
    return result


def by_distance_in_loops(predicted, truth, distance, edges):
    """One character at a time, in plain Python."""
    hits = [[0, 0] for _ in edges[1:]]
    number = [[0, 0] for _ in edges[1:]]
    for p, y, d in zip(predicted, truth, distance, strict=True):
        for e in range(len(hits)):
            if edges[e] <= d < edges[e + 1]:
                number[e][y] += 1
                hits[e][y] += int(p == y)
    return np.array([(h[0] / n[0] + h[1] / n[1]) / 2 for h, n in zip(hits, number, strict=True)])


by_distance = Exercise(
    id="01-by-distance",
    title="Balanced accuracy by distance",
    function="balanced_by_distance",
    returns=("accuracies",),
    inputs=distance_inputs,
    public=[
        given("one group", np.array([1, 1, 0, 1]), np.array([1, 1, 1, 0]), np.array([1, 2, 2, 1]), np.array([1, 3])),
        case("two groups", E=2, extra=12),
        case("four groups", E=4, extra=30),
    ],
    hidden={"E": range(1, 5), "extra": range(20, 60, 5)},
    mutants=[
        Mutant(replace=("of_class = [np.mean(predicted[group & (truth == y)] == y) for y in (0, 1)]", "np.mean(of_class)"),
               by=("", "np.mean(predicted[group] == truth[group])"),
               hint="This is the plain accuracy, in which the more frequent class counts more. Take the mean of the two "
                    "classes' accuracies."),
        Mutant(replace="(distance < b)", by="(distance <= b)",
               hint="The upper edge belongs to two groups. A group ends before edges[e + 1]."),
        Mutant(replace="(distance >= a)", by="(distance > a)",
               hint="The lower edge is left out. A group begins with edges[e] itself."),
        Mutant(replace="group & (truth == y)", by="group & (predicted == y)",
               hint="The classes are chosen by the answers given. Choose by the truth, then look how many answers agree."),
        Mutant(replace="for y in (0, 1)]", by="for y in (1,)]",
               hint="Only the characters with truth 1 count here. Those with truth 0 have an accuracy too."),
        Mutant(replace="np.mean(of_class)", by="np.sum(of_class)",
               hint="The two accuracies are added. Take their mean, so that guessing is at 0.5."),
        Mutant(replace="(distance >= a) & (distance < b)", by="(distance < b)",
               hint="Each group holds all the smaller distances as well. It begins with edges[e]."),
    ],
    alternatives=[by_distance_with_digitize, by_distance_in_loops],
)  # fmt: skip


def marks_inputs(rng, T):
    """marks (T,): half of the characters are ordinary."""
    return (rng.choice(3, T, p=(0.5, 0.25, 0.25)),)


def by_hand_with_a_table(marks):
    """The step as a table: NEXT[state, mark]."""
    NEXT = np.array([[0, 1, 2], [1, 0, 1], [2, 2, 0]])
    states = [0]
    for mark in marks:
        states.append(NEXT[states[-1], mark])
    return np.array(states), np.array([a + b > 0 for a, b in zip(states, states[1:], strict=False)])


def by_hand_with_products(marks):
    """The step as a sum of products: open, or keep unless closed."""
    states, inside, s = [0], [], 0
    for m in marks:
        new = (s == 0) * m + (s != 0) * (m != s) * s
        inside.append(bool(s) or bool(new))
        s = int(new)
        states.append(s)
    return np.array(states), np.array(inside)


by_hand = Exercise(
    id="01-by-hand",
    title="A recurrent net by hand",
    function="inside_by_hand",
    returns=("states", "inside"),
    inputs=marks_inputs,
    public=[
        given("one string", np.array([0, 1, 0, 0, 1, 0])),
        given("an apostrophe in double quotes", np.array([0, 2, 0, 1, 0, 2, 0])),
        given("two strings, both kinds", np.array([1, 0, 2, 1, 0, 2, 1, 0, 2, 0])),
        given("no mark", np.array([0, 0, 0])),
        given("never closed", np.array([0, 2, 0, 0, 0, 0])),
        case("twelve characters", T=12),
    ],
    hidden={"T": range(1, 25)},
    mutants=[
        Mutant(replace="elif mark == states[t]:", by="elif mark != 0:",
               hint="Any mark closes the string. Only the like of the mark that opened it does."),
        Mutant(replace="(states[:-1] != 0) | (states[1:] != 0)", by="states[1:] != 0",
               hint="The closing mark is missing: after it the state is 0 again. It belongs to the string, so look at the "
                    "state before it too."),
        Mutant(replace="(states[:-1] != 0) | (states[1:] != 0)", by="states[:-1] != 0",
               hint="The opening mark is missing: before it the state is 0. Look at the state after it too."),
        Mutant(replace="states[t + 1] = states[t]", by="states[t + 1] = mark or states[t]",
               hint="Inside a string the other mark changes the state. It must leave it as it is."),
        Mutant(replace="states[t + 1] = states[t]", by="states[t + 1] = mark",
               hint="The state is forgotten at the first ordinary character. It must be kept until the like closes."),
        Mutant(replace="states[t + 1] = mark", by="states[t + 1] = min(mark, 1)",
               hint="The state only says that a string is open, not which mark opened it. Two strings that begin with "
                    "different marks need different states."),
        Mutant(replace="states[t + 1] = 0", by="states[t + 1] = states[t]",
               hint="A string that was opened is never closed. The like mark sets the state back to 0."),
    ],
    alternatives=[by_hand_with_a_table, by_hand_with_products],
)  # fmt: skip


def ways_inputs(rng, n, share):
    """joined (n, n) of bool, each joint with probability share / n."""
    return (rng.random((n, n)) < share / n,)


def ways_by_queue(joined):
    """Breadth first from each position."""
    n = len(joined)
    ways = np.full((n, n), -1)
    for start in range(n):
        ways[start, start] = 0
        queue = [start]
        for j in queue:
            for i in range(n):
                if joined[i, j] and ways[i, start] < 0:
                    ways[i, start] = ways[j, start] + 1
                    queue.append(i)
    return ways


def ways_by_relaxing(joined):
    """Floyd and Warshall: shorten by way of one position after the other."""
    n = len(joined)
    ways = np.where(joined, 1.0, np.inf)
    np.fill_diagonal(ways, 0)
    for m in range(n):
        ways = np.minimum(ways, ways[:, m, None] + ways[m])
    return np.where(np.isinf(ways), -1, ways).astype(int)


ways = Exercise(
    id="01-ways",
    title="The shortest way",
    function="shortest_ways",
    returns=("ways",),
    inputs=ways_inputs,
    public=[
        given("recurrent: each to the next", np.eye(4, k=-1, dtype=bool)),
        given("convolutional: to both neighbours", np.abs(np.subtract.outer(np.arange(5), np.arange(5))) == 1),
        given("dense: all to all", np.ones((3, 3), bool)),
        given("no joints", np.zeros((3, 3), bool)),
        given("a ring, one way round", np.roll(np.eye(5, dtype=bool), 1, axis=0)),
        case("six positions", n=6, share=1.5),
    ],
    hidden={"n": range(1, 9), "share": (0.8, 1.2, 1.6, 2.4)},
    mutants=[
        Mutant(replace="return ways", by="return ways.T",
               hint="Rows and columns are changed over. Entry [i, j] is the way from j to i."),
        Mutant(replace="range(1, n)", by="range(1, n - 1)",
               hint="The longest ways are missing. A way without detours may pass n - 1 joints."),
        Mutant(replace="ways[further & ~reached] = length", by="ways[further & ~reached] = length + 1",
               hint="The positions on the way are counted, both ends included. Count the joints: one for neighbours."),
        Mutant(replace="ways[further & ~reached] = length", by="ways[further] = length",
               hint="Shorter ways are overwritten in every round. Only the entries that are new have the current length."),
        Mutant(replace="(joined @ reached)", by="((joined | joined.T) @ reached)",
               hint="Joints are used against their direction. joined[i, j] leads from j to i only."),
        Mutant(replace="return ways", by="return np.maximum(ways, 0)",
               hint="Where no way leads the answer is -1; here it is 0."),
        Mutant(replace="np.where(reached, 0, -1)", by="np.where(reached, 1, -1)",
               hint="From a position to itself no joint has to be passed: 0."),
        Mutant(replace="range(1, n)", by="range(1, min(n, 2))",
               hint="Only direct joints are found. Go on: with one more joint, what can be reached from what was reached?"),
    ],
    alternatives=[ways_by_queue, ways_by_relaxing],
)  # fmt: skip

EXERCISES = [bag_of_words, windows, padding, by_distance, by_hand, ways]

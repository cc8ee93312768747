"""Exercises of chapter 8, depth and direction: cases, known mistakes, other correct ways."""

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case, given


def frequent_inputs(rng, N, V, K):
    """words (N,), tags (N,), V, K: the numbers of the tags hang on the words."""
    words = rng.integers(0, V, N)
    return words, np.where(rng.random(N) < 0.6, words % K, rng.integers(0, K, N)), V, K


def frequent_by_lists(words, tags, V, K):
    """Word by word."""
    answer = []
    for v in range(V):
        own = tags[words == v]
        answer.append(max(range(K), key=lambda k: (np.sum(own == k), -k)) if len(own) else 0)
    return np.array(answer)


def frequent_by_one_hot(words, tags, V, K):
    """The table of counts as a product of one-hot matrices."""
    return (np.eye(V)[words].T @ np.eye(K)[tags]).argmax(axis=1)


most_frequent_tag = Exercise(
    id="08-most-frequent-tag",
    title="The most frequent tag",
    function="most_frequent_tag",
    returns=("answer",),
    inputs=frequent_inputs,
    public=[
        case("twelve words", N=12, V=4, K=3),
        case("one word", N=1, V=3, K=2),
        case("many words", N=60, V=7, K=4),
        given("a word that never occurs, and a tie", np.array([0, 0, 0, 2, 2]), np.array([1, 1, 2, 2, 1]), 3, 3),
    ],
    hidden={"N": range(1, 60), "V": range(1, 10), "K": range(1, 6)},
    mutants=[
        Mutant(replace="np.add.at(counts, (words, tags), 1)", by="counts[words, tags] += 1",
               hint="Adding one through plain indexing counts a pair once, however often it occurs. Use np.add.at."),
        Mutant(replace="argmax(axis=1)", by="argmax(axis=0)",
               hint="This is the most frequent word of each tag. Asked for is the most frequent tag of each word."),
        Mutant(replace="argmax(axis=1)", by="argmin(axis=1)", hint="This is the rarest tag of each word."),
        Mutant(replace="argmax(axis=1)", by="max(axis=1).astype(int)",
               hint="This is how often the most frequent tag occurs. Asked for is its number."),
        Mutant(replace="argmax(axis=1)", by="argmax(axis=1)[words]",
               hint="This is an answer for each word of the text. Return one for each word of the vocabulary: (V,)."),
        Mutant(replace="return counts.argmax(axis=1)", by="return np.full(V, counts.sum(axis=0).argmax())",
               hint="Every word gets the tag that is most frequent over all. Count for each word separately."),
    ],
    alternatives=[frequent_by_lists, frequent_by_one_hot],
)  # fmt: skip


def embedding_inputs(rng, V, E, T, B):
    """ids (T, B), drows (T, B, E), V."""
    return rng.integers(0, V, (T, B)), rng.normal(size=(T, B, E)), V


def embedding_one_by_one(ids, drows, V):
    """Token after token."""
    dtable = np.zeros((V, drows.shape[-1]))
    for t in range(ids.shape[0]):
        for b in range(ids.shape[1]):
            dtable[ids[t, b]] += drows[t, b]
    return dtable


def embedding_by_product(ids, drows, V):
    """One-hot, transposed, times the gradient."""
    hot = (ids.ravel()[:, None] == np.arange(V)).astype(np.float32)
    return hot.T @ drows.reshape(-1, drows.shape[-1])


embedding_gradient = Exercise(
    id="08-embedding-gradient",
    title="Looking up, and back",
    function="embedding_gradient",
    returns=("dtable",),
    inputs=embedding_inputs,
    public=[
        case("some words twice", V=4, E=2, T=4, B=2),
        case("one step, T=1", V=3, E=3, T=1, B=2),
        case("one sequence, B=1", V=5, E=2, T=6, B=1),
        case("one word only, V=1", V=1, E=2, T=3, B=2),
    ],
    hidden={"V": range(1, 7), "E": range(1, 5), "T": range(1, 6), "B": range(1, 4)},
    mutants=[
        Mutant(replace="np.add.at(dtable, ids.ravel(), rows)", by="dtable[ids.ravel()] = rows",
               hint="A row that was looked up several times keeps only one of its gradients (dtable[ids] += rows does the same). They must "
                    "be added up: np.add.at."),
        Mutant(replace="drows.reshape(-1, E)", by="drows.swapaxes(0, 1).reshape(-1, E)",
               hint="Gradients and words are in different orders: steps and sequences have been exchanged on one side."),
        Mutant(replace="np.zeros((V, E))", by="np.ones((V, E))",
               hint="Rows that were not looked up must have gradient zero; yours begin with one."),
        Mutant(replace="return dtable", by="return dtable / np.maximum(np.bincount(ids.ravel(), minlength=V), 1)[:, None]",
               hint="The gradients of a word are averaged. They are added: each place has its share in the loss."),
        Mutant(replace="return dtable", by="return dtable.T", hint="dtable is transposed. It has the shape of the table, (V, E)."),
    ],
    alternatives=[embedding_one_by_one, embedding_by_product],
)  # fmt: skip


def lengths_of(rng, T, B):
    lengths = rng.integers(1, T + 1, B)
    lengths[rng.integers(B)] = T
    return lengths


def reverse_inputs(rng, T, B, D):
    """xs (T, B, D), lengths (B,); zeros after the end."""
    lengths = lengths_of(rng, T, B)
    return rng.normal(size=(T, B, D)) * (np.arange(T)[:, None] < lengths)[:, :, None], lengths


def reversed_by_index(xs, lengths):
    """With an index for every entry; padding stays where it is."""
    t = np.arange(len(xs))[:, None]
    index = np.where(t < lengths, lengths - 1 - t, t)  # (T, B)
    return np.take_along_axis(xs, index[:, :, None], axis=0)


def reversed_by_roll(xs, lengths):
    """Everything reversed, then each sequence moved up by its padding."""
    flipped = xs[::-1]
    return np.stack([np.roll(flipped[:, b], n - len(xs), axis=0) for b, n in enumerate(lengths)], axis=1)


reverse_each = Exercise(
    id="08-reverse",
    title="Reversed, each to its own length",
    function="reverse_each",
    returns=("reversed",),
    inputs=reverse_inputs,
    public=[
        case("three lengths", T=4, B=3, D=2),
        case("one step, T=1", T=1, B=2, D=2),
        case("one sequence, B=1", T=5, B=1, D=1),
        given("a letter a step", np.array([[1.0, 4.0], [2.0, 5.0], [3.0, 0.0]])[:, :, None], np.array([3, 2])),
    ],
    hidden={"T": range(1, 7), "B": range(1, 5), "D": range(1, 4)},
    mutants=[
        Mutant(replace="out[:n, b] = xs[:n, b][::-1]", by="out[:, b] = xs[::-1, b]",
               hint="The whole array is reversed, padding included, so short sequences begin with padding. Reverse each to "
                    "its own length."),
        Mutant(replace="out[:n, b] = xs[:n, b][::-1]", by="out[:n, b] = xs[:n, b]", hint="Nothing is reversed."),
        Mutant(replace="out[:n, b] = xs[:n, b][::-1]", by="out[:n, b] = xs[:n, b][::-1, ::-1]",
               hint="The features are reversed as well. Only the order of the steps changes."),
        Mutant(replace="out[:n, b] = xs[:n, b][::-1]", by="out[:n, b] = np.roll(xs[:n, b][::-1], 1, axis=0)",
               hint="The steps are one place off: the first step must be the sequence's last one."),
        Mutant(replace="out[:n, b] = xs[:n, b][::-1]", by="out[: n - 1, b] = xs[: n - 1, b][::-1]",
               hint="The last step of each sequence is lost. A sequence of n steps has all of xs[:n]."),
        Mutant(replace="out = np.zeros_like(xs)", by="out = xs",
               hint="The result is written into the array that was given. Make a new one."),
    ],
    alternatives=[reversed_by_index, reversed_by_roll],
)  # fmt: skip


def weights(rng, D, H):
    return rng.normal(size=(H, D)) / np.sqrt(D), rng.normal(size=(H, H)) / np.sqrt(H), 0.5 * rng.normal(size=H)


def two_inputs(rng, T, B, D, H):
    """xs (T, B, D), mask (T, B), then W_xh, W_hh, b_h of the network that reads ahead, and of the one that reads back."""
    mask = np.arange(T)[:, None] < lengths_of(rng, T, B)
    return rng.normal(size=(T, B, D)), mask, *weights(rng, D, H), *weights(rng, D, H)


def two_one_by_one(xs, mask, W_xa, W_ha, b_a, W_xb, W_hb, b_b):
    """One sequence after the other; what stands at padded steps is the carried state."""
    T, B, _ = xs.shape
    H = len(b_a)
    ys = np.zeros((T, B, 2 * H))
    for b in range(B):
        h = np.zeros(H)
        for t in range(T):
            h = np.tanh(W_xa @ xs[t, b] + W_ha @ h + b_a) if mask[t, b] else h
            ys[t, b, :H] = h
        h = np.zeros(H)
        for t in reversed(range(T)):
            h = np.tanh(W_xb @ xs[t, b] + W_hb @ h + b_b) if mask[t, b] else h
            ys[t, b, H:] = h
    return ys


def two_with_factors(xs, mask, W_xa, W_ha, b_a, W_xb, W_hb, b_b):
    """Projections at once, the mask as a factor, float32."""
    m = mask[:, :, None].astype(np.float32)
    sides = []
    for x, keep, W_x, W_h, b in ((xs, m, W_xa, W_ha, b_a), (xs[::-1], m[::-1], W_xb, W_hb, b_b)):
        a, h, hs = x @ W_x.T + b, np.zeros((xs.shape[1], len(b))), []
        for t in range(len(xs)):
            h = keep[t] * np.tanh(a[t] + h @ W_h.T) + (1 - keep[t]) * h
            hs.append(h)
        sides.append(np.stack(hs))
    return np.concatenate([sides[0], sides[1][::-1]], axis=2).astype(np.float32)


two_directions = Exercise(
    id="08-two-directions",
    title="Two directions",
    function="two_directions",
    returns=("ys",),
    inputs=two_inputs,
    public=[
        case("D≠H", T=4, B=2, D=3, H=2),
        case("one step, T=1", T=1, B=2, D=2, H=2),
        case("one sequence, B=1", T=5, B=1, D=2, H=3),
        case("padding", T=5, B=4, D=2, H=2),
    ],
    hidden={"T": range(1, 7), "B": range(1, 5), "D": range(1, 5), "H": range(1, 4)},
    mutants=[
        Mutant(replace="back = read(xs[::-1], mask[::-1], W_xb, W_hb, b_b)[::-1]",
               by="back = read(xs[::-1], mask[::-1], W_xb, W_hb, b_b)",
               hint="The backward states are not turned round again: y_1 must hold the backward state at step 1."),
        Mutant(replace="back = read(xs[::-1], mask[::-1], W_xb, W_hb, b_b)[::-1]",
               by="back = read(xs, mask, W_xb, W_hb, b_b)",
               hint="The second network reads ahead as well. It must read from the last step to the first."),
        Mutant(replace="xs[::-1], mask[::-1], W_xb", by="xs[::-1], np.ones_like(mask), W_xb",
               hint="The backward network reads the padding before the sentence. Where mask is False its state must not change."),
        Mutant(replace="xs[::-1], mask[::-1], W_xb", by="xs[::-1], mask, W_xb",
               hint="The mask is not reversed together with the input."),
        Mutant(replace="mask[::-1], W_xb, W_hb, b_b)", by="mask[::-1], W_xa, W_ha, b_a)",
               hint="Both directions use the weights of the first. Each has its own."),
        Mutant(replace="[ahead, back]", by="[back, ahead]", hint="The halves are in reverse order: reading ahead comes first."),
        Mutant(replace="np.concatenate([ahead, back], axis=-1)", by="ahead + back",
               hint="The two states are added. They stand side by side: (T, B, 2H)."),
    ],
    alternatives=[two_one_by_one, two_with_factors],
)  # fmt: skip


def dropout_inputs(rng, T, B, H, rate):
    """x (T, B, H), dy (T, B, H), u (T, B, H) uniform in [0, 1), rate."""
    return rng.normal(size=(T, B, H)), rng.normal(size=(T, B, H)), rng.random((T, B, H)), rate


def dropout_by_where(x, dy, u, rate):
    """With np.where."""
    return np.where(u < rate, 0.0, x / (1 - rate)), np.where(u < rate, 0.0, dy / (1 - rate))


def dropout_in_loops(x, dy, u, rate):
    """Entry by entry, in float32."""
    y, dx = np.zeros(x.shape, np.float32), np.zeros(x.shape, np.float32)
    for i in np.ndindex(x.shape):
        if u[i] >= rate:
            y[i], dx[i] = x[i] / (1 - rate), dy[i] / (1 - rate)
    return y, dx


dropout = Exercise(
    id="08-dropout",
    title="Dropout between layers",
    function="dropout",
    returns=("y", "dx"),
    inputs=dropout_inputs,
    public=[
        case("rate 0.5", T=2, B=2, H=3, rate=0.5),
        case("rate 0.2", T=3, B=1, H=4, rate=0.2),
        case("rate 0 changes nothing", T=2, B=2, H=2, rate=0.0),
        case("one unit", T=4, B=2, H=1, rate=0.3),
    ],
    hidden={"T": range(1, 4), "B": range(1, 4), "H": range(1, 5), "rate": (0.0, 0.1, 0.25, 0.5, 0.8)},
    mutants=[
        Mutant(replace="keep = (u >= rate) / (1 - rate)", by="keep = (u >= rate) * 1.0",
               hint="The entries that stay are not enlarged. Divide them by 1 - rate, so that the mean stays what it was."),
        Mutant(replace="keep = (u >= rate) / (1 - rate)", by="keep = (u < rate) / (1 - rate)",
               hint="The wrong entries are dropped: an entry is dropped where u < rate."),
        Mutant(replace="keep = (u >= rate) / (1 - rate)", by="keep = (u >= rate) / max(rate, 1e-9)",
               hint="The entries are divided by rate. Divide by the probability that they stay, 1 - rate."),
        Mutant(replace="return x * keep, dy * keep", by="return x * keep, dy",
               hint="The gradient is not masked. It goes back only through entries that were kept, with the same factor."),
        Mutant(replace="return x * keep, dy * keep", by="return x * keep, dy * (u >= rate)",
               hint="The gradient lacks the factor 1 / (1 - rate) of the forward pass."),
        Mutant(replace="return x * keep, dy * keep", by="return x * keep, dy * keep * x",
               hint="The gradient is multiplied by x. The layer is linear in x: its derivative is the mask with its factor."),
        Mutant(replace="keep = (u >= rate) / (1 - rate)", by="keep = (u[:1] >= rate) / (1 - rate)",
               hint="One mask is used for all steps. Here each entry has its own number in u."),
    ],
    alternatives=[
        dropout_by_where,
        dropout_in_loops,
        Alternative(replace="(u >= rate) / (1 - rate)", by="np.floor(u + (1 - rate)) / (1 - rate)", about="floor of u + 1 - rate"),
    ],
)  # fmt: skip

EXERCISES = [most_frequent_tag, embedding_gradient, reverse_each, two_directions, dropout]

"""Exercises of chapter 10, what comes next?: cases, known mistakes, other correct ways."""

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case, given


def score_inputs(rng, T):
    """probs (T,), the number of characters: about five a token."""
    return np.round(rng.uniform(0.01, 1, T), 3), int(T * rng.integers(3, 8))


def scores_in_bits(probs, characters):
    """Everything in bits, with a loop."""
    bits = 0.0
    for p in probs:
        bits -= np.log2(p)
    return 2 ** (bits / len(probs)), bits / characters


def scores_by_roots(probs, characters):
    """The product of T-th roots."""
    perplexity = np.prod(np.asarray(probs) ** (-1 / len(probs)))
    return perplexity, np.log2(perplexity) * len(probs) / characters


two_scores = Exercise(
    id="10-two-scores",
    title="Two scores",
    function="two_scores",
    returns=("perplexity", "bits"),
    inputs=score_inputs,
    public=[
        given("½, ¼, ½, ¼", np.array([0.5, 0.25, 0.5, 0.25]), 4),
        case("words", T=6),
        given("one token, certain", np.array([1.0]), 3),
        given("500 tokens", np.full(500, 0.01), 2500),
    ],
    hidden={"T": range(1, 40)},
    mutants=[
        Mutant(replace="-np.log(probs).mean()", by="-np.log(probs.mean())",
               hint="This is the logarithm of the mean. Asked for is the mean of the logarithms."),
        Mutant(replace="-np.log(probs).mean()", by="-np.log(probs).sum()",
               hint="The logarithms are added. Divide by the number of tokens, or long texts look worse."),
        Mutant(replace="np.exp(nats)", by="2**nats",
               hint="The perplexity is 2 to the power of bits, or e to the power of nats. Here the two are mixed."),
        Mutant(replace="nats / np.log(2) *", by="nats *",
               hint="These are nats per character. Divide by ln 2 for bits."),
        Mutant(replace="* len(probs) / characters", by="* characters / len(probs)",
               hint="Tokens and characters are swapped: the bits of T tokens are shared out among the characters."),
        Mutant(replace=" * len(probs) / characters", by="",
               hint="These are bits per token. The number of characters does not occur."),
        Mutant(replace="np.exp(nats)", by="np.prod(probs) ** (-1 / len(probs))",
               hint="The product of many probabilities underflows to zero. Work with their logarithms."),
    ],
    alternatives=[scores_in_bits, scores_by_roots],
)  # fmt: skip


def bigram_inputs(rng, T, V):
    """ids (T,), V, k."""
    return rng.integers(0, V, T), V, float(np.round(rng.uniform(0.05, 2), 2))


def bigram_in_loops(ids, V, k):
    """Pair by pair, in lists."""
    table = [[k] * V for _ in range(V)]
    for v, w in zip(ids[:-1], ids[1:]):
        table[v][w] += 1
    return np.array([[c / sum(row) for c in row] for row in table])


def bigram_by_one_hot(ids, V, k):
    """The counts as a product of one-hot matrices."""
    counts = np.eye(V)[ids[:-1]].T @ np.eye(V)[ids[1:]]
    return (counts + k) / (counts.sum(axis=1)[:, None] + k * V)


smoothed_bigram = Exercise(
    id="10-smoothed-bigram",
    title="A smoothed bigram",
    function="smoothed_bigram",
    returns=("probs",),
    inputs=bigram_inputs,
    public=[
        given("hello", np.array([0, 1, 2, 2, 3]), 4, 0.5),
        case("thirty tokens", T=30, V=3),
        given("one pair, twice", np.array([1, 0, 1, 0]), 2, 1.0),
        given("a token that never comes", np.array([0, 2, 0]), 3, 0.1),
    ],
    hidden={"T": range(2, 60), "V": range(2, 8)},
    mutants=[
        Mutant(replace="np.add.at(counts, (ids[:-1], ids[1:]), 1)", by="counts[ids[:-1], ids[1:]] += 1",
               hint="Adding one through plain indexing counts a pair once, however often it occurs. Use np.add.at."),
        Mutant(replace="(ids[:-1], ids[1:])", by="(ids[1:], ids[:-1])",
               hint="Rows and columns are swapped: row v must hold what comes after v."),
        Mutant(replace="counts.sum(axis=1, keepdims=True)", by="counts.sum(axis=0, keepdims=True)",
               hint="The columns sum to one. Each row is a distribution."),
        Mutant(replace="counts.sum(axis=1, keepdims=True)", by="counts.sum()",
               hint="These are probabilities of pairs. Asked for are those of the second token, given the first."),
        Mutant(replace="counts + k", by="counts + 1", hint="One is added, whatever k is."),
        Mutant(replace=("counts = counts + k", "counts / counts.sum(axis=1, keepdims=True)"),
               by=("total = counts.sum(axis=1, keepdims=True)", "(counts + k) / (total + k)"),
               hint="k is added to each of the V counts of a row, so the total grows by k V, not by k."),
    ],
    alternatives=[bigram_in_loops, bigram_by_one_hot],
)  # fmt: skip


def discount_inputs(rng, V):
    """counts (V, V) with many zeros and perhaps an empty row, lower (V,), d."""
    counts = rng.integers(0, 6, (V, V)) * (rng.random((V, V)) < 0.6)
    counts[rng.integers(V)] = 0
    lower = rng.integers(1, 9, V) * 1.0
    return counts * 1.0, lower / lower.sum(), float(np.round(rng.uniform(0.1, 1), 2))


def discount_in_loops(counts, lower, d):
    """Row by row, token by token."""
    table = np.zeros(counts.shape)
    for v, row in enumerate(counts):
        kinds, total = sum(c > 0 for c in row), sum(row)
        for w, c in enumerate(row):
            table[v, w] = lower[w] if total == 0 else ((c - d if c > 0 else 0) + d * kinds * lower[w]) / total
    return table


def discount_by_what_is_left(counts, lower, d):
    """What a row keeps, and one minus that for the shorter context: empty rows need no care of their own."""
    kept = np.clip(counts - d, 0, None) / np.maximum(counts.sum(axis=1), 1e-300)[:, None]
    return kept + (1 - kept.sum(axis=1))[:, None] * lower


discounting = Exercise(
    id="10-discount",
    title="Discount and hand over",
    function="discount",
    returns=("probs",),
    inputs=discount_inputs,
    public=[
        given("two tokens", np.array([[3.0, 1.0], [0.0, 2.0]]), np.array([0.5, 0.5]), 0.5),
        given("an empty row", np.array([[0.0, 0.0], [4.0, 1.0]]), np.array([0.25, 0.75]), 0.75),
        given("the lower ones differ", np.array([[2.0, 0, 1], [0, 5, 0], [1, 1, 1]]), np.array([0.7, 0.2, 0.1]), 0.6),
        case("five tokens", V=5),
    ],
    hidden={"V": range(1, 9)},
    mutants=[
        Mutant(replace="np.maximum(counts - d, 0)", by="(counts - d)",
               hint="Counts of zero become negative. Only counts that are not zero give something away."),
        Mutant(replace="(counts > 0).sum(axis=1, keepdims=True)", by="total",
               hint="Each occurrence has saved d here. A row saves d once for each different token in it."),
        Mutant(replace="(counts > 0).sum(axis=1, keepdims=True)", by="1",
               hint="Each row has saved d only once here. It saves d for each *different* token in it."),
        Mutant(replace="(counts > 0).sum(axis=1, keepdims=True)", by="(counts > 0).sum(axis=0)",
               hint="The different tokens are counted down the columns. Count those that came after v: along row v."),
        Mutant(replace="divisor * lower", by="divisor / len(lower)",
               hint="What was saved is shared out evenly. It goes by the probabilities of the shorter context."),
        Mutant(replace="np.where(total > 0, probs, lower)", by="probs",
               hint="After a token that was never seen all is zero here. Such a row must be `lower` itself."),
        Mutant(replace="d * different", by="different",
               hint="More is handed over than was saved: d for each different token, not 1. Do the rows sum to one?"),
        Mutant(replace="+ d * different / divisor * lower", by="+ 0 * different / divisor * lower",
               hint="The saved part is not handed over, so the rows sum to less than one."),
    ],
    alternatives=[discount_in_loops, discount_by_what_is_left],
)  # fmt: skip


def neural_inputs(rng, V, T):
    """W (V, V), previous (T,), targets (T,)."""
    return rng.normal(size=(V, V)), rng.integers(0, V, T), rng.integers(0, V, T)


def neural_bigram_by_counts(W, previous, targets):
    """Row by row from the counts of the pairs: N(v)/T (probability minus relative frequency)."""
    V, T = len(W), len(targets)
    counts = np.zeros((V, V))
    for v, w in zip(previous, targets):
        counts[v, w] += 1
    log_probs = W - np.logaddexp.reduce(W, axis=1, keepdims=True)
    return -(counts * log_probs).sum() / T, (counts.sum(axis=1)[:, None] * np.exp(log_probs) - counts) / T


def neural_bigram_by_one_hot(W, previous, targets):
    """One-hot matrices in place of looking up."""
    V, T = len(W), len(targets)
    x, y = np.eye(V)[previous], np.eye(V)[targets]
    logits = x @ W
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    log_p = np.log(weights) - np.log(weights.sum(axis=1, keepdims=True)) if weights.min() > 0 else (
        logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    return -(y * log_p).sum() / T, x.T @ (np.exp(log_p) - y) / T


neural_bigram = Exercise(
    id="10-neural-bigram",
    title="The gradient of the neural bigram",
    function="neural_bigram",
    returns=("loss", "dW"),
    inputs=neural_inputs,
    public=[
        case("eight pairs", V=4, T=8),
        case("one pair", V=3, T=1),
        given("hello", np.zeros((4, 4)), np.array([0, 1, 2, 2]), np.array([1, 2, 2, 3])),
        given("large weights", np.array([[900.0, -900.0], [0.0, 800.0]]), np.array([0, 1, 0]), np.array([0, 1, 1])),
    ],
    hidden={"V": range(2, 8), "T": range(1, 30)},
    mutants=[
        Mutant(replace="dlogits / T", by="dlogits", hint="The loss is a mean over T places; its gradient too: divide by T."),
        Mutant(replace="np.add.at(dW, previous, dlogits / T)", by="dW[previous] = dlogits / T",
               hint="Each row holds the gradient of one place only. A token that stands in several places collects the sum."),
        Mutant(replace="np.add.at(dW, previous, dlogits / T)", by="np.add.at(dW, targets, dlogits / T)",
               hint="The gradient goes to the rows of the targets. The rows of the tokens before were looked up."),
        Mutant(replace="dlogits[np.arange(T), targets] -= 1", by="dlogits[np.arange(T), targets] -= 0",
               hint="The one-hot vector of the target is missing: probability minus one at the right token."),
        Mutant(replace="-log_probs[np.arange(T), targets].mean()", by="-log_probs[np.arange(T), targets].sum()",
               hint="The loss is added up. Asked for is the mean over the places."),
        Mutant(replace="logits - logits.max(axis=1, keepdims=True)", by="np.clip(logits, -50, 50)",
               hint="Clipping large logits changes the probabilities. Take the largest logit of each place off instead."),
        Mutant(replace="return loss, dW", by="return loss, dW.T",
               hint="dW is transposed: row v is the gradient of the logits after token v."),
    ],
    alternatives=[neural_bigram_by_counts, neural_bigram_by_one_hot],
)  # fmt: skip


def recurrent_inputs(rng, T, H, V):
    """ids (T,) and the weights of an RNN."""
    W_hh = rng.normal(size=(H, H)) / np.sqrt(H)
    return (rng.integers(0, V, T), rng.normal(size=(H, V)), W_hh, 0.5 * rng.normal(size=H),
            rng.normal(size=(V, H)), 0.5 * rng.normal(size=V))  # fmt: skip


def recurrent_by_rows(ids, W_xh, W_hh, b_h, W_hy, b_y):
    """All input shares and all read-outs at once; one-hot rows; log-softmax."""
    V = len(b_y)
    shares = np.eye(V)[ids[:-1]] @ W_xh.T + b_h
    hs = np.zeros((len(ids), len(b_h)))
    for t, share in enumerate(shares):
        hs[t + 1] = np.tanh(share + hs[t] @ W_hh.T)
    logits = hs[1:] @ W_hy.T + b_y
    return np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))


recurrent_model = Exercise(
    id="10-recurrent-model",
    title="A recurrent language model",
    function="recurrent_model",
    returns=("probs",),
    inputs=recurrent_inputs,
    public=[
        case("five tokens", T=5, H=3, V=4),
        case("H=V", T=4, H=3, V=3),
        case("two tokens, one unit", T=2, H=1, V=2),
        case("a long text", T=12, H=2, V=5),
    ],
    hidden={"T": range(2, 15), "H": range(1, 6), "V": range(2, 7)},
    mutants=[
        Mutant(replace="W_xh[:, i] + W_hh @ h + b_h", by="W_xh[:, i] + b_h",
               hint="Every token is read with an empty state: nothing is carried over."),
        Mutant(replace="W_xh[:, i] + W_hh @ h + b_h", by="W_xh[:, i] + W_hh @ h",
               hint="The bias b_h is missing."),
        Mutant(replace="W_hh @ h + b_h", by="W_hh.T @ h + b_h", hint="W_hh is transposed: a column vector stands on its right."),
        Mutant(replace="W_hy @ h + b_y", by="W_hy @ h", hint="The bias b_y of the read-out is missing."),
        Mutant(replace="for i in ids[:-1]:", by="for i in ids[1:]:",
               hint="It reads the tokens that it should guess: the first token is left out and the last one read."),
        Mutant(replace="for i in ids[:-1]:", by="for i in ids:",
               hint="One row too many: after the last token nothing is asked for."),
        Mutant(replace="probs.append(weights / weights.sum())", by="probs.append(logits)",
               hint="These are logits. The softmax makes probabilities of them."),
    ],
    alternatives=[
        recurrent_by_rows,
        Alternative(replace=("np.exp(logits - logits.max())", "W_xh[:, i] + W_hh @ h + b_h"),
                    by=("np.exp(logits)", "np.hstack([W_hh, W_xh]) @ np.concatenate([h, np.eye(len(b_y))[i]]) + b_h"),
                    about="One stacked matrix on state and one-hot input."),
    ],
)  # fmt: skip

EXERCISES = [two_scores, smoothed_bigram, discounting, neural_bigram, recurrent_model]

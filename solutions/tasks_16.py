"""Exercises of chapter 16, beam search: cases, known mistakes, other correct ways."""

import heapq

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case, given


def score_inputs(rng, n, alpha=0.6):
    """Log probabilities of n tokens, and alpha."""
    return np.log(rng.uniform(0.05, 1, n)), alpha


def score_in_a_loop(log_probs, alpha):
    """One token at a time; the power by a logarithm."""
    total = 0.0
    for value in log_probs:
        total += value
    return total * np.exp(-alpha * np.log((len(log_probs) + 5) / 6))


def score_by_parts(log_probs, alpha):
    """The powers of numerator and denominator apart, in float32."""
    log_probs = log_probs.astype(np.float32)
    return 6**alpha * np.sum(log_probs) / (5 + log_probs.size) ** alpha


score = Exercise(
    id="16-score",
    title="The score of a hypothesis",
    function="score",
    returns=("score",),
    inputs=score_inputs,
    public=[
        case("six tokens", n=6),
        case("one token: no division", n=1, alpha=0.7),
        case("alpha = 0: the plain sum", n=4, alpha=0),
        case("alpha = 1", n=9, alpha=1.0),
    ],
    hidden={"n": range(1, 20), "alpha": (0, 0.2, 0.6, 1.0)},
    mutants=[
        Mutant(replace="((5 + n) / 6) ** alpha", by="n**alpha",
               hint="You divide by a power of n alone. Here it is a power of (5 + n) / 6, which is 1 for one token."),
        Mutant(replace="((5 + n) / 6) ** alpha", by="((5 + n) ** alpha / 6)",
               hint="The 6 is outside the power. The whole fraction is raised to alpha."),
        Mutant(replace="((5 + n) / 6) ** alpha", by="(alpha * (5 + n) / 6 + 1e-9)",
               hint="You multiply by alpha. It is the exponent."),
        Mutant(replace="log_probs.sum()", by="log_probs.mean()",
               hint="You take the mean. The sum is what is divided, by something that grows more slowly than n."),
        Mutant(replace="log_probs.sum()", by="np.exp(log_probs).sum()",
               hint="You add up probabilities. The score begins with the logarithm of their product."),
        Mutant(replace="n = len(log_probs)", by="n = len(log_probs) - 1",
               hint="The length is one too small: eos counts as a token, too."),
    ],
    alternatives=[score_in_a_loop, score_by_parts],
)  # fmt: skip


def log_rows(rng, *shape):
    """Log probabilities along the last axis."""
    probs = rng.dirichlet(np.ones(shape[-1]), size=shape[:-1]) if len(shape) > 1 else rng.dirichlet(np.ones(shape[0]))
    return np.log(np.maximum(probs, 1e-3))


def table_inputs(rng, V, most):
    """first (V,), table (V, V), eos = V - 1, the largest length."""
    return log_rows(rng, V), log_rows(rng, V, V), V - 1, most


def greedy_by_recursion(first, table, eos, most):
    """The first token, then the same question with its row."""
    token = int(np.flatnonzero(first == first.max())[0])
    if token == eos or most == 1:
        return np.array([token])
    return np.concatenate([[token], greedy_by_recursion(table[token], table, eos, most - 1)])


def greedy_cut_afterwards(first, table, eos, most):
    """Go on to the end, then cut after the first eos."""
    choices = table.argmax(axis=1)
    path = [int(first.argmax())]
    for _ in range(most - 1):
        path.append(int(choices[path[-1]]))
    return np.array(path[: path.index(eos) + 1] if eos in path else path)


ROWS = np.round(np.log(np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3], [0.3, 0.4, 0.3]])), 2)
greedy = Exercise(
    id="16-greedy",
    title="Greedy search",
    function="greedy",
    returns=("tokens",),
    inputs=table_inputs,
    public=[
        case("four tokens", V=4, most=6),
        given("it never says eos", np.array([-0.69, -1.2, -1.61]), ROWS, 2, 5),
        given("eos at once", np.array([-1.61, -1.2, -0.69]), ROWS, 2, 5),
        given("eos is token 0", np.array([-1.61, -1.2, -0.69]), ROWS, 0, 5),
        given("equals: the first", np.array([-1.39, -0.98, -0.98]), ROWS, 2, 3),
        case("one step", V=3, most=1),
    ],
    hidden={"V": range(2, 7), "most": range(1, 9)},
    mutants=[
        Mutant(replace="row = table[token]", by="row = row",
               hint="Every step looks at the same row. What comes next depends on the token just taken."),
        Mutant(replace="row = table[token]", by="row = table[:, token]",
               hint="This is a column: what comes before the token. Row v holds what comes after v."),
        Mutant(replace="            break", by="            pass",
               hint="The search goes on after eos. With eos the sequence has ended."),
        Mutant(replace="return np.array(tokens)", by="return np.array([t for t in tokens if t != eos], dtype=int)",
               hint="eos is missing at the end. It is a token of the hypothesis."),
        Mutant(replace="while len(tokens) < most:", by="while len(tokens) <= most:",
               hint="There is one token too many: no more than `most`."),
        Mutant(replace="np.argmax(row)", by="len(row) - 1 - np.argmax(row[::-1])",
               hint="Of equal probabilities the last one was taken. Take the first."),
    ],
    alternatives=[greedy_by_recursion, greedy_cut_afterwards],
)  # fmt: skip


def step_inputs(rng, K, V, width):
    """totals (K,), log_probs (K, V), width."""
    return -np.sort(rng.uniform(0.5, 3, K)), log_rows(rng, K, V), width


def step_by_sorting_triples(totals, log_probs, width):
    """A list of triples, sorted by Python."""
    triples = [(-(total + value), k, v) for k, total in enumerate(totals) for v, value in enumerate(log_probs[k])]
    best = sorted(triples)[:width]
    return (np.array([k for _, k, _ in best]), np.array([v for _, _, v in best]), np.array([-t for t, _, _ in best]))


def step_one_after_the_other(totals, log_probs, width):
    """Take the largest, cross it out, and so on."""
    left = totals[:, None] + log_probs
    found = []
    for _ in range(min(width, left.size)):
        k, v = np.unravel_index(np.argmax(left), left.shape)
        found.append((k, v, left[k, v]))
        left[k, v] = -np.inf
    prefixes, tokens, best = zip(*found, strict=True)
    return np.array(prefixes), np.array(tokens), np.array(best)


beam_step = Exercise(
    id="16-beam-step",
    title="One step of the beam",
    function="beam_step",
    returns=("prefixes", "tokens", "totals"),
    inputs=step_inputs,
    public=[
        case("two prefixes, width 2", K=2, V=4, width=2),
        case("one prefix", K=1, V=4, width=3),
        case("width 1", K=3, V=3, width=1),
        given("one prefix has all the best", np.array([-0.5, -4.0]), np.round(np.log(np.array([[0.4, 0.35, 0.25]] * 2)), 2), 2),
        given("equals", np.array([-1.0, -1.0]), np.array([[-1.5, -0.75, -1.5], [-1.5, -1.5, -0.75]]), 3),
        case("wider than there is", K=2, V=2, width=9),
    ],
    hidden={"K": range(1, 5), "V": range(2, 6), "width": range(1, 7)},
    mutants=[
        Mutant(replace="(totals[:, None] + log_probs)", by="(0 * totals[:, None] + log_probs)",
               hint="The prefixes' own log probabilities are missing: a good next word does not save a bad beginning."),
        Mutant(replace="best // log_probs.shape[1], best % log_probs.shape[1]",
               by="best % log_probs.shape[0], best // log_probs.shape[0]",
               hint="Prefix and token are mixed up. In the flat array each prefix has V entries in a row."),
        Mutant(replace="np.argsort(-longer", by="np.argsort(longer",
               hint="These are the unlikeliest. Log probabilities are at most 0; the best is the largest."),
        Mutant(replace="[:width]", by="[:width + 1]", hint="One too many: exactly `width` stay."),
        Mutant(replace="best = np.argsort(-longer, kind=\"stable\")[:width]",
               by="best = np.sort(np.argsort(-longer, kind=\"stable\")[:width])",
               hint="They are the right ones, in the wrong order: the likeliest comes first."),
        Mutant(replace="best = np.argsort(-longer, kind=\"stable\")[:width]",
               by="best = (np.arange(len(totals)) * log_probs.shape[1] + log_probs.argmax(axis=1))[:width]",
               hint="Each prefix got one continuation. All continuations compete: one prefix may place several."),
        Mutant(replace="longer[best]", by="log_probs.ravel()[best]",
               hint="The third result is the total of the longer prefix, its beginning included."),
    ],
    alternatives=[step_by_sorting_triples, step_one_after_the_other],
)  # fmt: skip


def coverage_inputs(rng, n, S, padding=0, beta=0.2):
    """weights (n, S + padding) with rows that sum to 1, mask (S + padding,), beta."""
    weights = np.concatenate([rng.dirichlet(np.ones(S) / 2, size=n), np.zeros((n, padding))], axis=1)
    weights[:, :S] = 0.9 * weights[:, :S] + 0.1 / S
    return weights, np.arange(S + padding) < S, beta


def coverage_in_loops(weights, mask, beta):
    """Word by word."""
    total = 0.0
    for j in range(weights.shape[1]):
        if mask[j]:
            total += np.log(min(1.0, sum(weights[:, j])))
    return total * beta


def coverage_by_where(weights, mask, beta):
    """Padding gets a 1, whose logarithm is 0; in float32."""
    received = np.where(mask, weights.astype(np.float32).sum(0), 1)
    return beta * np.minimum(np.log(received), 0).sum()


coverage = Exercise(
    id="16-coverage",
    title="Coverage",
    function="coverage",
    returns=("penalty",),
    inputs=coverage_inputs,
    public=[
        case("three words, three words", n=3, S=3),
        case("padding", n=3, S=3, padding=2),
        case("more target words than source words", n=6, S=2),
        case("one target word", n=1, S=4),
        case("beta = 1", n=2, S=3, beta=1.0),
    ],
    hidden={"n": range(1, 6), "S": range(1, 6), "padding": range(3), "beta": (0.2, 0.5)},
    mutants=[
        Mutant(replace="np.minimum(received, 1)", by="received",
               hint="A word that got more than one look is rewarded. More than 1 counts as 1."),
        Mutant(replace="[mask]", by="[~mask] if (~mask).any() else weights.sum(axis=0)",
               hint="These are the padded places. mask is True at the real words."),
        Mutant(replace="weights.sum(axis=0)[mask]", by="weights[:, mask].sum(axis=1)",
               hint="You added up along the rows, which always gives 1. A column holds what one source word received."),
        Mutant(replace="weights.sum(axis=0)[mask]", by="np.maximum(weights.sum(axis=0), 1e-12)",
               hint="Padding counts here. Nobody looks at it, and it must not be punished for."),
        Mutant(replace="np.minimum(received, 1)).sum()", by="np.minimum(received, 1)).mean()",
               hint="You took the mean over the source words. It is a sum."),
        Mutant(replace="beta * np.log", by="np.log", hint="beta is missing: it says how much coverage counts."),
        Mutant(replace="weights.sum(axis=0)[mask]", by="weights.mean(axis=0)[mask]",
               hint="You took the mean over the target words. A word received the sum of its column."),
    ],
    alternatives=[coverage_in_loops, coverage_by_where],
)  # fmt: skip


def beam_inputs(rng, V, most, width):
    """first, table, eos = V - 1, the largest length, width."""
    return (*table_inputs(rng, V, most), width)


def beam_with_arrays(first, table, eos, most, width):
    """Arrays of live prefixes, one row each."""
    paths, totals, best = np.zeros((1, 0), int), np.zeros(1), (None, -np.inf)
    for _ in range(most):
        rows = table[paths[:, -1]] if paths.shape[1] else first[None]
        longer = totals[:, None] + rows
        order = np.argsort(-longer, axis=None, kind="stable")[:width]
        k, v = np.unravel_index(order, longer.shape)
        paths, totals = np.column_stack([paths[k], v]), longer[k, v]
        ends = (v == eos) | (paths.shape[1] == most)
        if ends.any() and totals[ends].max() > best[1]:
            i = np.flatnonzero(ends)[totals[ends].argmax()]
            best = (paths[i], totals[i])
        paths, totals = paths[~ends], totals[~ends]
        if not len(paths):
            break
    return best


def beam_with_a_heap(first, table, eos, most, width):
    """The best of each step from a heap; it stops when the best outcome cannot be reached any more."""
    live, best = [(0.0, ())], (-np.inf, ())
    for length in range(1, most + 1):
        candidates = [(t + x, (*p, v)) for t, p in live for v, x in enumerate(table[p[-1]] if p else first)]
        chosen = heapq.nlargest(width, candidates, key=lambda c: c[0])
        best = max([best, *(c for c in chosen if c[1][-1] == eos or length == most)], key=lambda c: c[0])
        live = [c for c in chosen if c[1][-1] != eos]
        if not live or live[0][0] < best[0]:
            break
    return np.array(best[1]), best[0]


GARDEN = np.round(np.log(np.array([[0.35, 0.3, 0.35], [0.04, 0.06, 0.9], [0.34, 0.33, 0.33]])), 2)
beam = Exercise(
    id="16-beam",
    title="Beam search",
    function="beam",
    returns=("tokens", "log_prob"),
    inputs=beam_inputs,
    public=[
        case("three tokens, width 2", V=3, most=4, width=2),
        case("four tokens, width 3", V=4, most=5, width=3),
        given("greedy is led astray", np.array([-0.69, -0.92, -2.3]), GARDEN, 2, 4, 2),
        given("width 1 is greedy", np.array([-0.69, -0.92, -2.3]), GARDEN, 2, 4, 1),
        given("nothing ends", np.array([-0.67, -0.73, -4.6]), np.array(
            [[-0.48, -1.0, -4.6], [-0.92, -0.53, -4.6], [-1.2, -1.2, -0.92]]), 2, 3, 2),
        given("a short outcome first, a likelier one after it", np.array([-0.5, -1.39, -1.9]), np.array(
            [[-2.3, -4.6, -0.12], [-0.69, -1.2, -1.61], [-1.1, -1.1, -1.1]]), 2, 4, 3),
        case("wider than there is", V=3, most=3, width=50),
    ],
    hidden={"V": range(2, 6), "most": range(1, 6), "width": range(1, 6)},
    mutants=[
        Mutant(replace="total + row[v]", by="row[v]",
               hint="A prefix's own log probability is forgotten. The total grows by each token's."),
        Mutant(replace="longer[:width]", by="longer[:1]",
               hint="One prefix stays: this is greedy search, whatever the width."),
        Mutant(replace="table[tokens[-1]] if tokens else first", by="table[tokens[0]] if tokens else first",
               hint="What comes next depends on the last token of the prefix, not on its first."),
        Mutant(replace="one[0][-1] == eos or len(one[0]) == most", by="len(one[0]) == most",
               hint="A prefix goes on after eos. With eos it has ended, and leaves the beam."),
        Mutant(replace="max(outcomes, key=lambda one: one[1])", by="outcomes[0]",
               hint="This is the best of those that ended first. A later outcome may be likelier: go on while anything is alive."),
        Mutant(replace="max(outcomes, key=lambda one: one[1])",
               by="max(outcomes, key=lambda one: one[1] / len(one[0]))",
               hint="Outcomes were compared by the mean. Here the plain log probability decides."),
        Mutant(replace="longer.sort(key=lambda one: -one[1])", by="longer.sort(key=lambda one: one[1])",
               hint="The beam keeps the unlikeliest prefixes. Sort downwards."),
        Mutant(replace="return np.array(tokens), total", by="return np.array(tokens), np.exp(total)",
               hint="The second result is a probability. Return its logarithm."),
    ],
    alternatives=[beam_with_arrays, beam_with_a_heap,
                  Alternative(replace="longer.sort(key=lambda one: -one[1])",
                              by="longer = sorted(longer, key=lambda one: one[1], reverse=True)", about="sorted")],
)  # fmt: skip

EXERCISES = [score, greedy, beam_step, coverage, beam]

"""Exercises of chapter 11, a network that writes code: cases, known mistakes, other correct ways."""

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case, given


def probs_of(rng, V, sharp=1.5):
    """A distribution over V tokens, all probabilities different."""
    weights = np.exp(sharp * rng.normal(size=V))
    return weights / weights.sum()


# ---- streams -----------------------------------------------------------------------------------------------------


def streams_inputs(rng, N, B):
    """ids (N,), B."""
    return rng.integers(0, 30, max(N, B + 1)), B


def streams_by_columns(ids, B):
    """One column after the other."""
    n = (len(ids) - 1) // B
    inputs, targets = np.zeros((n, B), int), np.zeros((n, B), int)
    for b in range(B):
        inputs[:, b] = ids[b * n : (b + 1) * n]
        targets[:, b] = ids[b * n + 1 : (b + 1) * n + 1]
    return inputs, targets


def streams_by_index(ids, B):
    """By a table of places."""
    n = (len(ids) - 1) // B
    place = np.arange(n)[:, None] + n * np.arange(B)
    return ids[place], ids[place + 1]


streams = Exercise(
    id="11-streams",
    title="Parallel streams",
    function="streams",
    returns=("inputs", "targets"),
    inputs=streams_inputs,
    public=[
        given("thirteen tokens, three streams", np.arange(13), 3),
        given("nothing left over", np.arange(11), 2),
        given("five left over", np.arange(18) * 2, 6),
        given("one stream", np.array([4, 1, 4, 2]), 1),
    ],
    hidden={"N": range(4, 40), "B": range(1, 7)},
    mutants=[
        Mutant(replace="(len(ids) - 1) // B", by="max(1, (len(ids) - 2) // B)",
               hint="The streams can be a step too short: of N tokens, N - 1 have a next one and can be shared out."),
        Mutant(replace="ids[: n * B].reshape(B, n).T", by="ids[: n * B].reshape(n, B)",
               hint="Neighbours of the text stand beside each other in a step. They must follow each other in one stream, a column."),
        Mutant(replace="ids[1 : n * B + 1].reshape(B, n).T", by="ids[: n * B].reshape(B, n).T",
               hint="The targets are the inputs themselves. A target is the token that comes next."),
        Mutant(replace="ids[1 : n * B + 1].reshape(B, n).T", by="np.roll(ids[: n * B], -1).reshape(B, n).T",
               hint="The last target of the last stream is the text's first token. It is the one that really follows."),
        Mutant(replace="ids[1 : n * B + 1].reshape(B, n).T", by="np.roll(inputs, -1, axis=0)",
               hint="The last target of each stream is its own first token. It is the token that follows in the text."),
        Mutant(replace="ids[: n * B].reshape(B, n).T", by="ids[: n * B].reshape(B, n)",
               hint="The streams are rows. Time comes first: (n, B)."),
        Mutant(replace="return inputs, targets", by="return targets, inputs", hint="Inputs and targets have changed places."),
    ],
    alternatives=[streams_by_columns, streams_by_index],
)  # fmt: skip


# ---- temperature -------------------------------------------------------------------------------------------------


def temperature_inputs(rng, V, T):
    """logits (V,), temperature."""
    return 2 * rng.normal(size=V), T


def temperature_by_loop(logits, temperature):
    """One exponential at a time, the largest taken away first."""
    scaled = [a / temperature for a in logits]
    weights = [np.exp(a - max(scaled)) for a in scaled]
    return np.array([w / sum(weights) for w in weights])


with_temperature = Exercise(
    id="11-temperature",
    title="Temperature",
    function="with_temperature",
    returns=("probs",),
    inputs=temperature_inputs,
    public=[
        case("temperature 1", V=4, T=1.0),
        case("cool", V=5, T=0.5),
        case("hot", V=5, T=3.0),
        given("large scores", np.array([1000.0, 999.0, -1000.0]), 0.5),
        given("very cool", np.array([0.5, 0.25, -3.0]), 1e-4),
    ],
    hidden={"V": range(1, 9), "T": (0.2, 0.5, 0.8, 1.0, 1.5, 4.0)},
    mutants=[
        Mutant(replace="logits / temperature", by="logits * temperature",
               hint="The scores are multiplied by the temperature. A high temperature must make them more alike."),
        Mutant(replace="logits / temperature", by="logits", hint="The temperature has no effect. (Divided or taken away after the exponential, from all alike, it has none either.)"),
        Mutant(replace="logits / temperature", by="logits / temperature**2",
               hint="The scores are divided by the square of the temperature."),
        Mutant(replace="np.exp(a - a.max())", by="np.exp(a)",
               hint="exp of large scores overflows. Take the largest score away first: it changes no probability."),
        Mutant(replace="weights / weights.sum()", by="weights", hint="The weights do not sum to 1."),
        Mutant(replace="np.exp(a - a.max())", by="2.0 ** (a - a.max())",
               hint="Powers of 2 are taken. The softmax takes powers of e."),
    ],
    alternatives=[
        temperature_by_loop,
        Alternative(replace="a = logits / temperature\n", by="a = (logits - logits.max()) / temperature\n",
                    about="the largest score taken away first"),
    ],
)  # fmt: skip


# ---- top-k -------------------------------------------------------------------------------------------------------


def top_k_inputs(rng, V, k):
    """probs (V,), k."""
    return probs_of(rng, V), min(k, V)


def top_k_by_sorting(probs, k):
    """The places in falling order."""
    order = np.argsort(-probs, kind="stable")[:k]
    kept = np.zeros_like(probs)
    kept[order] = probs[order]
    return kept / kept.sum()


def top_k_by_counting(probs, k):
    """A token stays if fewer than k are larger."""
    larger = (probs[None, :] > probs[:, None]).sum(axis=1)
    kept = np.where(larger < k, probs, 0.0)
    return kept / kept.sum()


top_k = Exercise(
    id="11-top-k",
    title="The k likeliest",
    function="top_k",
    returns=("probs",),
    inputs=top_k_inputs,
    public=[
        given("two of four", np.array([0.1, 0.5, 0.15, 0.25]), 2),
        given("one: the likeliest", np.array([0.2, 0.3, 0.5]), 1),
        given("all", np.array([0.2, 0.5, 0.3]), 3),
        given("three of five", np.array([0.05, 0.4, 0.3, 0.05, 0.2]), 3),
    ],
    hidden={"V": range(2, 10), "k": range(1, 6)},
    mutants=[
        Mutant(replace="probs >= smallest", by="probs > smallest", hint="One token too few stays: the k-th itself is left out."),
        Mutant(replace="np.sort(probs)[-k]", by="np.sort(probs)[k - 1]",
               hint="np.sort rises: the edge is counted from the wrong end."),
        Mutant(replace="kept / kept.sum()", by="kept", hint="What stays does not sum to 1."),
        Mutant(replace="kept / kept.sum()", by="np.where(kept > 0, 1 / k, 0.0)",
               hint="All that stay get the same probability. They must keep their proportions."),
        Mutant(replace="kept / kept.sum()", by="np.exp(kept) / np.exp(kept).sum()",
               hint="A softmax over probabilities gives what was cut off a share again. Divide by the sum."),
        Mutant(replace="np.where(probs >= smallest, probs, 0.0)", by="np.sort(probs)[::-1] * (np.arange(len(probs)) < k)",
               hint="The probabilities are sorted. Each must stay at its token's place."),
    ],
    alternatives=[top_k_by_sorting, top_k_by_counting],
)  # fmt: skip


# ---- nucleus -----------------------------------------------------------------------------------------------------


def nucleus_inputs(rng, V, mass):
    """probs (V,), mass."""
    return probs_of(rng, V), mass


def nucleus_by_loop(probs, mass):
    """Take the likeliest that is left, until there is enough."""
    kept, total = np.zeros_like(probs), 0.0
    for token in np.argsort(-probs, kind="stable"):
        kept[token] = probs[token]
        total += probs[token]
        if total >= mass - 1e-12:
            break
    return kept / kept.sum()


def nucleus_by_pairs(probs, mass):
    """A token stays if the likelier ones have not yet enough."""
    before = (probs[None, :] * (probs[None, :] > probs[:, None])).sum(axis=1)
    kept = probs * (before < mass - 1e-12)
    return kept / kept.sum()


nucleus = Exercise(
    id="11-nucleus",
    title="The nucleus",
    function="nucleus",
    returns=("probs",),
    inputs=nucleus_inputs,
    public=[
        given("0.8 of four", np.array([0.1, 0.45, 0.15, 0.3]), 0.8),
        given("one is enough", np.array([0.02, 0.9, 0.08]), 0.7),
        given("exactly reached", np.array([0.125, 0.5, 0.25, 0.125]), 0.75),
        given("all", np.array([0.25, 0.35, 0.4]), 1.0),
        given("nearly flat", np.array([0.19, 0.22, 0.2, 0.21, 0.18]), 0.5),
    ],
    hidden={"V": range(2, 10), "mass": (0.3, 0.5, 0.7, 0.85, 0.95)},
    mutants=[
        Mutant(replace="total - falling < mass - 1e-12", by="total < mass - 1e-12",
               hint="One token too few stays: the one with which the mass is reached belongs to the nucleus."),
        Mutant(replace="total - falling < mass - 1e-12", by="total <= mass + 1e-12",
               hint="The token with which the sum steps over the mass is left out. It belongs to the nucleus."),
        Mutant(replace="total - falling < mass - 1e-12", by="falling >= 1 - mass",
               hint="Each probability alone is held against a number. What counts is the sum of the likelier ones."),
        Mutant(replace="total - falling < mass - 1e-12", by="total - falling <= mass + 1e-12",
               hint="One token too many stays where the mass is exactly reached."),
        Mutant(replace="np.argsort(-probs", by="np.argsort(probs", hint="The unlikeliest tokens come first."),
        Mutant(replace="kept[order] = np.where(stays, falling, 0.0)", by="kept[:] = np.where(stays, falling, 0.0)",
               hint="The probabilities are sorted. Each must go back to its token's place."),
        Mutant(replace="kept / kept.sum()", by="kept", hint="What stays does not sum to 1."),
        Mutant(replace="kept / kept.sum()", by="kept / mass",
               hint="The nucleus holds at least the mass, mostly a little more: divide by what it really holds."),
    ],
    alternatives=[nucleus_by_loop, nucleus_by_pairs],
)  # fmt: skip


# ---- drawing -----------------------------------------------------------------------------------------------------


def draw_inputs(rng, B, V):
    """probs (B, V), u (B,)."""
    return np.stack([probs_of(rng, V) for _ in range(B)]), rng.uniform(0.001, 0.999, B)


def draw_by_search(probs, u):
    """By binary search in the running sum."""
    return np.array([np.searchsorted(np.cumsum(row), spin, side="right") for row, spin in zip(probs, u)])


def draw_by_loop(probs, u):
    """Go along the wheel."""
    tokens = np.zeros(len(probs), int)
    for b in range(len(probs)):
        total = 0.0
        for token in range(probs.shape[1]):
            total += probs[b, token]
            if total > u[b]:
                tokens[b] = token
                break
    return tokens


draw = Exercise(
    id="11-draw",
    title="Spinning the wheel",
    function="draw",
    returns=("tokens",),
    inputs=draw_inputs,
    public=[
        given("three spins of one wheel", np.array([[0.2, 0.5, 0.3]] * 3), np.array([0.1, 0.6, 0.95])),
        given("impossible tokens", np.array([[0.0, 0.5, 0.0, 0.5], [0.0, 0.5, 0.0, 0.5]]), np.array([0.0, 0.75])),
        given("on the edge", np.array([[0.25, 0.25, 0.5]]), np.array([0.25])),
        case("five texts", B=5, V=6),
    ],
    hidden={"B": range(1, 9), "V": range(1, 8)},
    mutants=[
        Mutant(replace="total > u[:, None]", by="total >= u[:, None]",
               hint="On an edge, and at 0, the token before is taken, and with it one of probability 0. A share begins at its edge."),
        Mutant(replace="(total > u[:, None]).argmax(axis=1)", by="probs.argmax(axis=1)",
               hint="The likeliest token is taken, whatever u says."),
        Mutant(replace="(total > u[:, None]).argmax(axis=1)", by="(probs > u[:, None]).argmax(axis=1)",
               hint="The number is held against each probability alone. It must be held against their running sum."),
        Mutant(replace="(total > u[:, None]).argmax(axis=1)", by="(total < u[:, None]).argmax(axis=1)",
               hint="The comparison is turned round."),
        Mutant(replace="np.cumsum(probs, axis=1)", by="np.cumsum(probs, axis=0)",
               hint="The running sum goes over the texts. It must go over the tokens of each."),
        Mutant(replace="(total > u[:, None]).argmax(axis=1)", by="(total > u[:, None]).sum(axis=1)",
               hint="It is counted how many shares end after u. The token is the first of these."),
    ],
    alternatives=[
        draw_by_search,
        draw_by_loop,
        Alternative(replace="(total > u[:, None]).argmax(axis=1)", by="(total <= u[:, None]).sum(axis=1)",
                    about="count the shares that end at u or before"),
    ],
)  # fmt: skip


# ---- the state goes on -------------------------------------------------------------------------------------------


def chunks_inputs(rng, N, V, H, chunk):
    """ids (N,), E (V, 3), W_xh (H, 3), W_hh (H, H), b_h (H,), W_hy (V, H), b_y (V,), chunk."""
    E, W_xh, W_hh = rng.normal(size=(V, 3)), rng.normal(size=(H, 3)), 1.5 * rng.normal(size=(H, H)) / np.sqrt(H)
    W_hy, b_y = 2 * rng.normal(size=(V, H)), rng.normal(size=V)
    return rng.integers(0, V, N), E, W_xh, W_hh, 0.5 * rng.normal(size=H), W_hy, b_y, chunk


def surprise_token_by_token(ids, E, W_xh, W_hh, b_h, W_hy, b_y, chunk):
    """Without any chunks: the result does not depend on them."""
    h, total = np.zeros(len(b_h)), 0.0
    for now, following in zip(ids[:-1], ids[1:]):
        h = np.tanh(W_xh @ E[now] + W_hh @ h + b_h)
        a = W_hy @ h + b_y
        total += np.log(np.exp(a - a.max()).sum()) + a.max() - a[following]
    return total / (len(ids) - 1) / np.log(2)


def surprise_all_states_first(ids, E, W_xh, W_hh, b_h, W_hy, b_y, chunk):
    """All states, then all probabilities."""
    hs = [np.zeros(len(b_h))]
    for now in ids[:-1]:
        hs.append(np.tanh(W_xh @ E[now] + W_hh @ hs[-1] + b_h))
    a = np.array(hs[1:]) @ W_hy.T + b_y
    a = a - a.max(axis=1, keepdims=True)
    log_probs = a - np.log(np.exp(a).sum(axis=1, keepdims=True))
    return -log_probs[np.arange(len(ids) - 1), ids[1:]].mean() / np.log(2)


surprise = Exercise(
    id="11-carry",
    title="The state goes on",
    function="bits_in_chunks",
    returns=("bits",),
    inputs=chunks_inputs,
    public=[
        case("two chunks of three", N=7, V=4, H=3, chunk=3),
        case("the last chunk is shorter", N=9, V=5, H=2, chunk=3),
        case("one chunk", N=5, V=3, H=3, chunk=10),
        case("token by token", N=6, V=4, H=4, chunk=1),
    ],
    hidden={"N": range(2, 15), "V": range(2, 6), "H": range(1, 5), "chunk": (1, 2, 3, 5, 20)},
    mutants=[
        Mutant(replace="for start in range(0, len(ids) - 1, chunk):\n", by="for start in range(0, len(ids) - 1, chunk):\n        h = np.zeros(len(b_h))\n",
               hint="Each chunk begins with a state of zeros. It must go on from where the chunk before stopped."),
        Mutant(replace="targets = ids[start + 1 : start + 1 + chunk]", by="targets = ids[start + 1 : start + chunk]",
               hint="The last token of each chunk has no target. Its target is the first token of the next chunk."),
        Mutant(replace="targets = ids[start + 1 : start + 1 + chunk]", by="targets = ids[start : start + chunk]",
               hint="Each token is asked for itself. The target is the token after it."),
        Mutant(replace="/ (len(ids) - 1)", by="/ len(ids)", hint="The first token is not predicted: there is one prediction fewer than tokens."),
        Mutant(replace=" / np.log(2)", by="", hint="The result is in nats. Bits are nats divided by ln 2."),
        Mutant(replace="+ W_hh @ h + b_h", by="+ b_h", hint="The state plays no part: the recurrent weights are missing."),
        Mutant(replace="total = 0.0\n", by="total, h = 0.0, np.ones(len(b_h))\n", hint="The first state must be zeros."),
    ],
    alternatives=[surprise_token_by_token, surprise_all_states_first],
)  # fmt: skip


EXERCISES = [streams, with_temperature, top_k, nucleus, draw, surprise]

"""Exercises of chapter 17, attention: cases, known mistakes, other correct ways."""

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case, given


def lengths_mask(rng, S, B, padded):
    """(S, B): True for the words of each sequence; at least one is real, and with `padded` some are not."""
    lengths = rng.integers(1, S + 1, B) if padded else np.full(B, S)
    return np.arange(S)[:, None] < lengths


def weights_inputs(rng, B, S, padded=False, scale=1.0):
    """scores (B, S), mask (S, B)."""
    return scale * rng.normal(size=(B, S)), lengths_mask(rng, S, B, padded)


def weigh_row_by_row(scores, mask):
    """One sequence after the other, only its real words."""
    weights = np.zeros(scores.shape)
    for b, row in enumerate(scores):
        real = np.flatnonzero(mask[:, b])
        e = np.exp(row[real] - row[real].max())
        weights[b, real] = e / e.sum()
    return weights


def weigh_by_logarithms(scores, mask):
    """exp(score - log of the sum of exponentials), times the mask."""
    keep = mask.T
    top = np.max(np.where(keep, scores, -1e300), axis=1)
    shifted = np.minimum(scores - top[:, None], 0)
    total = np.log(np.sum(np.exp(shifted) * keep, axis=1))
    return np.exp(shifted - total[:, None]) * keep


weights = Exercise(
    id="17-weights",
    title="The weights",
    function="weigh",
    returns=("weights",),
    inputs=weights_inputs,
    public=[
        case("no padding", B=2, S=3),
        given("padding", np.array([[1.0, 2.0, 5.0], [0.5, -1.0, 0.25]]),
              np.array([[True, True], [True, True], [False, True]])),
        given("scores of 10,000", np.array([[10000.0, 9999.0], [-10000.0, -9999.0]]), np.ones((2, 2), bool)),
        given("padding with the largest score", np.array([[1.0, 9000.0]]), np.array([[True], [False]])),
        case("one word", B=3, S=1),
        given("as many sequences as words", np.array([[1.0, 2.0], [3.0, 1.0]]), np.array([[True, True], [False, True]])),
    ],
    hidden={"B": range(1, 5), "S": range(1, 6), "padded": (False, True), "scale": (1.0, 1000.0)},
    mutants=[
        Mutant(replace="np.where(mask.T, scores, -np.inf)", by="scores",
               hint="Padding got a weight. It must be exactly 0, whatever the score is."),
        Mutant(replace="np.where(mask.T, scores, -np.inf)", by="np.where(mask.T, scores, 0.0)",
               hint="The scores of padding were set to 0, and exp(0) is 1. Minus infinity is what the exponential turns into 0."),
        Mutant(replace="real.max(axis=1, keepdims=True)", by="real.max()",
               hint="You subtract the largest score of the whole batch. In another row all exponentials may then be 0: take each row's own."),
        Mutant(replace="exps.sum(axis=1, keepdims=True)", by="exps.sum()",
               hint="The whole batch sums to 1. Each row must."),
        Mutant(replace="exps.sum(axis=1, keepdims=True)", by="mask.T.sum(axis=1, keepdims=True)",
               hint="You divide by the number of words. Divide by the sum of the exponentials."),
        Mutant(replace="np.exp(real - real.max(axis=1, keepdims=True))",
               by="np.where(mask.T, np.exp(np.clip(scores, -700, 700)), 0)",
               hint="Large scores were cut off, so that 10,000 and 9,999 get the same weight. Subtract the row's largest instead."),
        Mutant(replace="real.max(axis=1, keepdims=True)", by="scores.max(axis=1, keepdims=True)",
               hint="The largest score may be that of padding; then all real exponentials can become 0. Take the largest real one."),
    ],
    alternatives=[weigh_row_by_row, weigh_by_logarithms],
)  # fmt: skip


def additive_inputs(rng, B, S, A, Q, K):
    """W (A, K), U (A, Q), v (A,), query (B, Q), keys (S, B, K)."""
    W, U = rng.normal(size=(A, K)) / np.sqrt(K), rng.normal(size=(A, Q)) / np.sqrt(Q)
    return W, U, rng.normal(size=A), rng.normal(size=(B, Q)), rng.normal(size=(S, B, K))


def additive_in_loops(W, U, v, query, keys):
    """One pair of query and key at a time."""
    scores = np.empty((keys.shape[1], keys.shape[0]))
    for b, j in np.ndindex(scores.shape):
        scores[b, j] = v @ np.tanh(W @ keys[j, b] + U @ query[b])
    return scores


def additive_concatenated(W, U, v, query, keys):
    """One matrix for query and key side by side, in float32."""
    both = np.concatenate([np.repeat(query[None], len(keys), axis=0), keys], axis=2).astype(np.float32)
    return np.einsum("sba,a->bs", np.tanh(both @ np.hstack([U, W]).T), v)


additive = Exercise(
    id="17-additive",
    title="Additive scores",
    function="additive",
    returns=("scores",),
    inputs=additive_inputs,
    public=[
        case("all sizes differ", B=2, S=3, A=4, Q=5, K=2),
        case("one sequence, B=1", B=1, S=4, A=3, Q=2, K=3),
        case("one word, S=1", B=3, S=1, A=2, Q=2, K=2),
        case("one hidden unit, A=1", B=2, S=3, A=1, Q=3, K=3),
        case("as many words as sequences", B=3, S=3, A=2, Q=2, K=2),
    ],
    hidden={"B": range(1, 4), "S": range(1, 5), "A": range(1, 5), "Q": range(1, 5), "K": range(1, 5)},
    mutants=[
        Mutant(replace="(hidden @ v).T", by="(hidden @ v)",
               hint="These scores are (S, B). The batch comes first: (B, S)."),
        Mutant(replace="np.tanh(keys @ W.T + query @ U.T)", by="(keys @ W.T + query @ U.T)",
               hint="The tanh is missing. Without it, the query shifts all scores of a row alike and decides nothing."),
        Mutant(replace="np.tanh(keys @ W.T + query @ U.T)", by="np.tanh(keys @ W.T)",
               hint="The query does not take part: every query would look at the same place."),
        Mutant(replace="np.tanh(keys @ W.T + query @ U.T)", by="np.tanh(keys @ W.T) + np.tanh(query @ U.T)",
               hint="There are two tanhs. The sum is inside one tanh: only so can query and key act together."),
        Mutant(replace="hidden @ v)", by="hidden.sum(axis=-1))",
               hint="The hidden units were added up without v, their weights."),
        Mutant(replace="keys @ W.T + query @ U.T", by="(keys @ W.T) * (query @ U.T)",
               hint="The two parts are multiplied. In the additive score they are added."),
    ],
    alternatives=[additive_in_loops, additive_concatenated],
)  # fmt: skip


def matrices_inputs(rng, A, Q, K):
    """W_c (A, Q + K), Q."""
    return rng.normal(size=(A, Q + K)), Q


def matrices_by_split(W_c, Q):
    """np.split cuts after column Q."""
    left, right = np.split(W_c, [Q], axis=1)
    return right, left


def matrices_by_products(W_c, Q):
    """Let the matrix act on unit vectors."""
    eye = np.eye(W_c.shape[1], dtype=np.float32)
    return W_c @ eye[:, Q:], W_c @ eye[:, :Q]


two_matrices = Exercise(
    id="17-two-matrices",
    title="Two matrices from one",
    function="two_matrices",
    returns=("W", "U"),
    inputs=matrices_inputs,
    public=[
        case("Q≠K", A=2, Q=3, K=2),
        case("Q=K", A=3, Q=2, K=2),
        case("one number each", A=2, Q=1, K=1),
        case("A=Q+K", A=4, Q=1, K=3),
    ],
    hidden={"A": range(1, 5), "Q": range(1, 5), "K": range(1, 5)},
    mutants=[
        Mutant(replace="return W, U", by="return U, W", hint="W and U have changed places. W reads the keys, U the query."),
        Mutant(replace="W_c[:, :Q], W_c[:, Q:]", by="W_c[:, -Q:], W_c[:, :-Q]",
               hint="This is for [h; s]. Here the query stands on top, so its columns come first."),
        Mutant(replace="W_c[:, :Q], W_c[:, Q:]", by="W_c[:, :Q].T, W_c[:, Q:].T",
               hint="The matrices are transposed. Weights are (out, in) here as there."),
        Mutant(replace="W_c[:, Q:]", by="W_c[:, Q + 1:]", hint="A column is lost between the two."),
        Mutant(replace="W_c[:, :Q], W_c[:, Q:]", by="W_c[:, :Q] / 2, W_c[:, Q:] / 2",
               hint="The values have changed. Each column goes over as it is."),
    ],
    alternatives=[matrices_by_split, matrices_by_products],
)  # fmt: skip


def look_inputs(rng, B, S, K, padded=False, scale=1.0):
    """query (B, K), keys (S, B, K), mask (S, B)."""
    return scale * rng.normal(size=(B, K)), scale * rng.normal(size=(S, B, K)), lengths_mask(rng, S, B, padded)


def look_one_by_one(query, keys, mask):
    """Each sequence alone, its padding cut off."""
    context, all_weights = np.zeros(query.shape), np.zeros((len(query), len(keys)))
    for b in range(len(query)):
        real = np.flatnonzero(mask[:, b])
        h = keys[real, b]
        e = h @ query[b] * h.shape[1] ** -0.5
        e = np.exp(e - e.max())
        all_weights[b, real] = e / e.sum()
        context[b] = h.T @ all_weights[b, real]
    return context, all_weights


def look_scaled_query(query, keys, mask):
    """The scale on the query, before the product; the batch first inside."""
    k = np.moveaxis(keys, 0, 1)  # (B, S, K)
    e = (k @ (query / k.shape[2] ** 0.5)[:, :, None])[:, :, 0]
    e[~mask.T] = -np.inf
    w = np.exp(e - e.max(1)[:, None])
    w /= w.sum(1)[:, None]
    return (w[:, None] @ k)[:, 0], w


look = Exercise(
    id="17-look",
    title="One look",
    function="look",
    returns=("context", "weights"),
    inputs=look_inputs,
    public=[
        case("no padding", B=2, S=3, K=4),
        case("padding", B=3, S=4, K=2, padded=True),
        case("one word, S=1", B=2, S=1, K=3),
        case("K=1", B=2, S=3, K=1),
        case("large: no overflow", B=2, S=3, K=2, scale=100.0),
        case("B=S=K", B=3, S=3, K=3),
    ],
    hidden={"B": range(1, 4), "S": range(1, 5), "K": range(1, 5), "padded": (False, True)},
    mutants=[
        Mutant(replace=" / np.sqrt(keys.shape[2])", by="",
               hint="The scores are not scaled. Divide by the square root of K, the number of entries that each product adds up."),
        Mutant(replace="np.sqrt(keys.shape[2])", by="keys.shape[2]",
               hint="You divide by K. It is its square root."),
        Mutant(replace="np.sqrt(keys.shape[2])", by="np.sqrt(keys.shape[0])",
               hint="You divide by the root of the source's length. It is the root of K, the size of a key."),
        Mutant(replace="weigh(scores, mask)", by="weigh(scores, np.ones_like(mask))",
               hint="Padding is looked at. Hand the mask to `weigh`."),
        Mutant(replace='np.einsum("bs,sbk->bk", weights, keys)', by='np.einsum("bs,sbk->bk", scores, keys)',
               hint="The context was summed up with the scores. It is a mean with the weights."),
        Mutant(replace='np.einsum("bs,sbk->bk", weights, keys)', by='keys[weights.argmax(axis=1), np.arange(len(query))]',
               hint="You took the one key with the largest weight. The context is the weighted sum of all."),
        Mutant(replace='np.einsum("bs,sbk->bk", weights, keys)', by='np.einsum("bs,sbk->bk", weights, keys) / len(keys)',
               hint="You divided by the length once more. The weights sum to 1 already."),
    ],
    alternatives=[look_one_by_one, look_scaled_query],
)  # fmt: skip


def back_inputs(rng, B, S, K):
    """query (B, K), keys (S, B, K), weights (B, S) of dot scores, dcontext (B, K)."""
    query, keys = rng.normal(size=(B, K)), rng.normal(size=(S, B, K))
    e = np.exp(np.einsum("bk,sbk->bs", query, keys) / 2)
    return query, keys, e / e.sum(axis=1, keepdims=True), rng.normal(size=(B, K))


def back_by_jacobians(query, keys, weights, dcontext):
    """One sequence at a time, with the Jacobian of the softmax written out."""
    dquery, dkeys = np.zeros_like(query), np.zeros_like(keys)
    for b in range(len(query)):
        h, a = keys[:, b], weights[b]
        de = (np.diag(a) - np.outer(a, a)) @ (h @ dcontext[b])
        dquery[b] = h.T @ de
        dkeys[:, b] = np.outer(a, dcontext[b]) + np.outer(de, query[b])
    return dquery, dkeys


def back_by_context(query, keys, weights, dcontext):
    """With the context: the softmax's gradient is a_j (h_j - c) dc."""
    context = np.einsum("bs,sbk->bk", weights, keys)
    off = keys - context
    de = weights.T * np.sum(off * dcontext, axis=2)  # (S, B)
    return np.sum(de[..., None] * keys, axis=0), weights.T[..., None] * dcontext + de[..., None] * query


look_back = Exercise(
    id="17-look-back",
    title="Back through a look",
    function="look_back",
    returns=("dquery", "dkeys"),
    inputs=back_inputs,
    public=[
        case("a batch", B=2, S=3, K=4),
        case("one sequence, B=1", B=1, S=4, K=2),
        case("one word: only the sum counts", B=2, S=1, K=3),
        case("B=S=K", B=3, S=3, K=3),
    ],
    hidden={"B": range(1, 4), "S": range(1, 5), "K": range(1, 5)},
    mutants=[
        Mutant(replace="summed + compared", by="compared",
               hint="A part of dkeys is missing: the context is a sum of the keys, too."),
        Mutant(replace="summed + compared", by="summed",
               hint="A part of dkeys is missing: the keys were compared with the query, too."),
        Mutant(replace="(dweights - inner)", by="dweights",
               hint="The softmax's gradient lacks its second term: raising one weight lowers the others."),
        Mutant(replace="(dweights - inner)", by="(dweights - dweights.mean(axis=1, keepdims=True))",
               hint="You subtract the plain mean of a row. It is the mean with the weights: the sum of weights * dweights."),
        Mutant(replace="weights * (dweights - inner)", by="weights * (1 - weights) * dweights",
               hint="This is the derivative of a sigmoid, one weight at a time. In a softmax each score moves all weights."),
        Mutant(replace="dscores.T[:, :, None] * query", by="dscores.T[:, :, None] * keys",
               hint="The gradient of s·h to h is s, the query."),
        Mutant(replace="weights.T[:, :, None] * dcontext", by="dcontext[None].repeat(len(keys), axis=0)",
               hint="Each key got the whole gradient of the context. It gets its weight's share."),
        Mutant(replace='np.einsum("bs,sbk->bk", dscores, keys)', by='np.einsum("bs,sbk->bk", weights, keys)',
               hint="dquery was summed up with the weights: that is the context. Use the gradients of the scores."),
    ],
    alternatives=[back_by_jacobians, back_by_context,
                  Alternative(replace="(dweights - inner)", by="dweights - weights * inner", about="multiplied out")],
)  # fmt: skip

EXERCISES = [weights, additive, two_matrices, look, look_back]

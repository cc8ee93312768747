"""Exercises of chapter 22, the Transformer: cases, known mistakes, other correct ways."""

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case, given


def norm_inputs(rng, T, M):
    """X (T, M), gain (M,), bias (M,)."""
    return rng.normal(1, 2, size=(T, M)), rng.uniform(0.5, 2, M), rng.normal(size=M)


def norm_by_numpys_var(X, gain, bias):
    """NumPy's own variance, everything as one line of algebra."""
    deviation = (X.var(axis=1) + 1e-5) ** 0.5
    return ((X.T - X.mean(axis=1)) / deviation).T * gain + bias


def norm_row_by_row(X, gain, bias):
    """A loop over the rows."""
    rows = []
    for x in X:
        mean = x.sum() / len(x)
        variance = sum((v - mean) ** 2 for v in x) / len(x)
        rows.append([g * (v - mean) / (variance + 1e-5) ** 0.5 + b for v, g, b in zip(x, gain, bias, strict=True)])
    return np.array(rows)


layer_norm = Exercise(
    id="22-layer-norm",
    title="Layer normalisation",
    function="layer_norm",
    returns=("Y",),
    inputs=norm_inputs,
    public=[
        case("T≠M", T=2, M=4),
        case("T=M", T=3, M=3),
        case("one vector, T=1", T=1, M=3),
        given("all entries equal", np.full((2, 3), 5.0), np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.0, -0.5])),
        given("a small spread", np.array([[0.01, -0.01]]), np.array([1.0, 1.0]), np.array([0.0, 0.0])),
    ],
    hidden={"T": range(1, 6), "M": range(1, 7)},
    mutants=[
        Mutant(replace="+ 1e-5", by="", hint="The 1e-5 is missing: a vector of equal numbers has variance 0."),
        Mutant(replace="np.sqrt(variance + 1e-5)", by="(np.sqrt(variance) + 1e-5)",
               hint="The 1e-5 stands outside the root. It is added to the variance."),
        Mutant(replace="np.sqrt(variance + 1e-5)", by="(variance + 1e-5)",
               hint="You divide by the variance. Divide by its square root."),
        Mutant(replace=("X.mean(axis=-1, keepdims=True)", "(centred**2).mean(axis=-1, keepdims=True)"),
               by=("X.mean(axis=0, keepdims=True)", "(centred**2).mean(axis=0, keepdims=True)"),
               hint="Mean and variance are taken over the vectors. Each vector has its own: over the last axis."),
        Mutant(replace="X.mean(axis=-1, keepdims=True)", by="0 * X",
               hint="The mean is not taken away."),
        Mutant(replace="+ bias", by="", hint="The bias is missing."),
        Mutant(replace="+ bias", by="+ gain * bias", hint="The gain multiplies the bias, too. The bias is added last."),
    ],
    alternatives=[norm_by_numpys_var, norm_row_by_row],
)  # fmt: skip


def positions_inputs(rng, T, half):
    """T places, not only whole numbers, and M = 2 half."""
    return rng.uniform(0, 40, T), 2 * half


def positions_in_loops(places, M):
    """One number at a time."""
    table = np.zeros((len(places), M))
    for k, t in enumerate(places):
        for i in range(M // 2):
            angle = t / 10000 ** (2 * i / M)
            table[k, 2 * i], table[k, 2 * i + 1] = np.sin(angle), np.cos(angle)
    return table


def positions_by_turning(places, M):
    """Complex numbers that turn by a fixed angle a step; real and imaginary part put side by side."""
    speed = np.exp(-np.log(10000) * np.arange(M // 2) * 2 / M)
    hands = np.exp(1j * np.outer(places, speed))
    return np.stack([hands.imag, hands.real], axis=-1).reshape(len(places), M)


positions = Exercise(
    id="22-positions",
    title="A clock with many hands",
    function="positions",
    returns=("table",),
    inputs=positions_inputs,
    public=[
        case("four places", T=4, half=2),
        case("one wavelength, M=2", T=3, half=1),
        case("one place, T=1", T=1, half=3),
        given("the places from 0 on", np.arange(30.0), 6),
    ],
    hidden={"T": range(1, 20), "half": range(1, 8)},
    mutants=[
        Mutant(replace="np.arange(0, M, 2) / M", by="np.arange(M // 2) / M",
               hint="The exponents are half as large as they should be: column 2i has the exponent 2i/M."),
        Mutant(replace=("table[:, 0::2] = np.sin(angles)", "table[:, 1::2] = np.cos(angles)"),
               by=("table[:, : M // 2] = np.sin(angles)", "table[:, M // 2 :] = np.cos(angles)"),
               hint="Sines stand in the first half and cosines in the second. Here they take turns: even and odd columns."),
        Mutant(replace=("np.sin(angles)", "1::2] = np.cos(angles)"), by=("np.cos(angles)", "1::2] = np.sin(angles)"),
               hint="Sine and cosine are swapped: the sines stand in the even columns."),
        Mutant(replace="places[:, None] /", by="(places[:, None] + 1) /",
               hint="You count places from 1. The first place is 0, with sine 0 and cosine 1."),
        Mutant(replace="places[:, None] / 10000", by="places[:, None] * 10000",
               hint="The angles are multiplied by the power of 10000. They are divided by it: the waves become longer."),
        Mutant(replace="table[:, 1::2] = np.cos(angles)",
               by="table[:, 1::2] = np.cos(places[:, None] / 10000 ** (np.arange(1, M, 2) / M))",
               hint="The cosines have wavelengths of their own. Each shares the angle of the sine on its left."),
    ],
    alternatives=[positions_in_loops, positions_by_turning],
)  # fmt: skip


def attention_inputs(rng, T, M, K, U, scale=1.0):
    """X (T, M), W_q (K, M), W_k (K, M), W_v (U, M)."""
    W_q, W_k = scale * rng.normal(size=(2, K, M))
    return rng.normal(size=(T, M)), W_q, W_k, rng.normal(size=(U, M))


def attention_step_by_step(X, W_q, W_k, W_v):
    """Each vector looks at the list so far."""
    T = len(X)
    weights, outputs = np.zeros((T, T)), np.zeros((T, len(W_v)))
    for t in range(T):
        q, past = W_q @ X[t], X[: t + 1]
        scores = past @ (W_k.T @ q) / len(W_q) ** 0.5
        e = np.exp(scores - scores.max())
        weights[t, : t + 1] = e / e.sum()
        outputs[t] = W_v @ (weights[t, : t + 1] @ past)
    return outputs, weights


def attention_with_a_penalty(X, W_q, W_k, W_v):
    """A huge number is taken away from what is to come, and the largest score from all."""
    scores = X @ W_q.T @ W_k @ X.T / np.sqrt(W_q.shape[0])
    scores = scores - np.triu(np.full(scores.shape, 1e30), 1)
    e = np.exp(scores - np.max(scores, axis=-1)[:, None])
    weights = e / np.sum(e, axis=-1)[:, None]
    return weights @ (X @ W_v.T), weights


causal_attention = Exercise(
    id="22-causal-attention",
    title="Self-attention that does not look ahead",
    function="causal_attention",
    returns=("outputs", "weights"),
    inputs=attention_inputs,
    public=[
        case("four vectors", T=4, M=3, K=2, U=3),
        case("one vector, T=1", T=1, M=2, K=3, U=2),
        case("K≠U", T=3, M=2, K=4, U=1),
        case("T=K", T=3, M=3, K=3, U=3),
        case("large scores: no overflow", T=4, M=3, K=2, U=2, scale=100.0),
    ],
    hidden={"T": range(1, 6), "M": range(1, 5), "K": range(1, 5), "U": range(1, 5)},
    mutants=[
        Mutant(replace="scores = np.where(np.tri(len(X), dtype=bool), scores, -np.inf)", by="pass",
               hint="Every vector looks at all others. Scores of later vectors must not count."),
        Mutant(replace="np.tri(len(X), dtype=bool)", by="np.tri(len(X), dtype=bool).T",
               hint="The mask is turned round: vectors see the future and not the past."),
        Mutant(replace="scores, -np.inf)", by="scores, 0.0)",
               hint="Hidden scores were set to 0. exp(0) is 1, so they still get weight: use minus infinity."),
        Mutant(replace=" / np.sqrt(q.shape[1])", by="", hint="The scores are not divided by the square root of K."),
        Mutant(replace="np.sqrt(q.shape[1])", by="q.shape[1]", hint="The scores are divided by K. Divide by its root."),
        Mutant(replace="np.sqrt(q.shape[1])", by="np.sqrt(X.shape[1])",
               hint="You divide by the root of M, the size of the vectors. Queries and keys have K numbers."),
        Mutant(replace="weights.sum(axis=1, keepdims=True)", by="weights.sum(axis=0, keepdims=True)",
               hint="The columns of the weights sum to 1. Each query's row must."),
        Mutant(replace="return weights @ v, weights", by="return weights @ X[:, :1] * np.ones(v.shape[1]), weights",
               hint="The vectors themselves are averaged. The outputs are means of the values, W_v x."),
    ],
    alternatives=[
        attention_step_by_step,
        attention_with_a_penalty,
        Alternative(replace="np.where(np.tri(len(X), dtype=bool), scores, -np.inf)",
                    by="np.where(np.arange(len(X))[None] <= np.arange(len(X))[:, None], scores, -np.inf)",
                    about="the mask from place numbers"),
    ],
)  # fmt: skip


def back_inputs(rng, T, S, K, U):
    """q (T, K), k (S, K), v (S, U), weights (T, S), dout (T, U)."""
    q, k, v = rng.normal(size=(T, K)), rng.normal(size=(S, K)), rng.normal(size=(S, U))
    e = np.exp(q @ k.T / K**0.5)
    return q, k, v, e / e.sum(axis=1, keepdims=True), rng.normal(size=(T, U))


def back_by_jacobians(q, k, v, weights, dout):
    """Query by query, with the softmax's Jacobian."""
    dq, dk, dv = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
    root = q.shape[1] ** 0.5
    for t, w in enumerate(weights):
        dv += np.outer(w, dout[t])
        de = (np.diag(w) - np.outer(w, w)) @ (v @ dout[t]) / root
        dq[t] = de @ k
        dk += np.outer(de, q[t])
    return dq, dk, dv


def back_by_outputs(q, k, v, weights, dout):
    """The row's mean of gradients is dout . output."""
    outputs = weights @ v
    dscores = weights * (dout @ v.T - np.einsum("tu,tu->t", dout, outputs)[:, None])
    return dscores @ k / k.shape[1] ** 0.5, np.einsum("ts,tk->sk", dscores, q) / k.shape[1] ** 0.5, weights.T @ dout


attention_back = Exercise(
    id="22-attention-back",
    title="Back through attention",
    function="attention_back",
    returns=("dq", "dk", "dv"),
    inputs=back_inputs,
    public=[
        case("T≠S", T=2, S=4, K=3, U=2),
        case("T=S", T=3, S=3, K=2, U=4),
        case("one query, T=1", T=1, S=3, K=2, U=2),
        case("one key, S=1", T=3, S=1, K=2, U=3),
        case("all sizes equal", T=3, S=3, K=3, U=3),
    ],
    hidden={"T": range(1, 5), "S": range(1, 5), "K": range(1, 5), "U": range(1, 5)},
    mutants=[
        Mutant(replace="(dweights - mean)", by="dweights",
               hint="The softmax's other half is missing: a weight that grows makes the others of its row smaller."),
        Mutant(replace="weights * (dweights - mean)", by="weights * (1 - weights) * dweights",
               hint="This is the derivative of a sigmoid. In a softmax all scores of a row act on each weight."),
        Mutant(replace=" / np.sqrt(q.shape[1])", by="", hint="The division by the root of K is missing on the way back."),
        Mutant(replace="dscores.T @ q, dv", by="dscores.T @ q / np.sqrt(q.shape[1]), dv",
               hint="dk is divided by the root of K twice."),
        Mutant(replace="dv = weights.T @ dout", by="dv = weights.T @ (dout - dout.mean(axis=0))",
               hint="dv is the weighted sum of what arrives; nothing is taken away from it."),
        Mutant(replace="(weights * dweights).sum(axis=1, keepdims=True)", by="dweights.mean(axis=1, keepdims=True)",
               hint="The mean of a row's gradients is the plain one. It is weighted with the attention weights."),
        Mutant(replace="(weights * dweights).sum(axis=1, keepdims=True)",
               by="(weights * dweights).sum(axis=0, keepdims=True)",
               hint="The weighted mean is taken over the queries. Each query has a softmax of its own: over its row."),
    ],
    alternatives=[back_by_jacobians, back_by_outputs],
)  # fmt: skip


def more_inputs(rng, M, N, K, S):
    """x (M,), keys (N, S, K), values (N, S, K), W_q, W_k, W_v (N, K, M), W_o (M, N K)."""
    keys, values = rng.normal(size=(2, N, S, K))
    W_q, W_k, W_v = rng.normal(size=(3, N, K, M)) / M**0.5
    return rng.normal(size=M), keys, values, W_q, W_k, W_v, rng.normal(size=(M, N * K))


def more_head_by_head(x, keys, values, W_q, W_k, W_v, W_o):
    """Every head adds its own columns of W_o."""
    N, S, K = keys.shape
    y = np.zeros(len(x))
    new_keys, new_values = np.zeros((N, S + 1, K)), np.zeros((N, S + 1, K))
    for n in range(N):
        new_keys[n] = np.vstack([keys[n], W_k[n] @ x])
        new_values[n] = np.vstack([values[n], W_v[n] @ x])
        scores = new_keys[n] @ (W_q[n] @ x) / K**0.5
        e = np.exp(scores - scores.max())
        y += W_o[:, n * K : (n + 1) * K] @ (e @ new_values[n] / e.sum())
    return y, new_keys, new_values


def more_by_transposes(x, keys, values, W_q, W_k, W_v, W_o):
    """Appended along the first axis after a transpose, read by matrix products."""
    K = keys.shape[2]
    keys = np.append(keys.swapaxes(0, 1), (W_k @ x)[None], axis=0).swapaxes(0, 1)
    values = np.append(values.swapaxes(0, 1), (W_v @ x)[None], axis=0).swapaxes(0, 1)
    scores = (keys @ (W_q @ x)[:, :, None])[:, :, 0] * K**-0.5
    e = np.exp(scores - scores.max(axis=1)[:, None])
    read = (e[:, None] @ values)[:, 0] / e.sum(axis=1)[:, None]
    return W_o @ np.concatenate(list(read)), keys, values


one_more = Exercise(
    id="22-one-more",
    title="One token more",
    function="one_more",
    returns=("y", "keys", "values"),
    inputs=more_inputs,
    public=[
        case("two heads", M=4, N=2, K=3, S=3),
        case("one head, N=1", M=3, N=1, K=2, S=2),
        case("N=K=S", M=2, N=2, K=2, S=2),
        case("one vector before, S=1", M=3, N=3, K=2, S=1),
    ],
    hidden={"M": range(1, 5), "N": range(1, 4), "K": range(1, 4), "S": range(1, 5)},
    mutants=[
        Mutant(replace='scores = np.einsum("nk,nsk->ns", q, keys) / np.sqrt(q.shape[1])',
               by='scores = np.einsum("nk,nsk->ns", q, keys) / np.sqrt(q.shape[1])\n    '
                  "scores[:, -1] = -np.inf",
               hint="The new vector does not look at itself. Its own key and value count, too."),
        Mutant(replace=" / np.sqrt(q.shape[1])", by="", hint="The scores are not divided by the square root of K."),
        Mutant(replace="np.sqrt(q.shape[1])", by="np.sqrt(len(x))",
               hint="You divide by the root of M. Queries and keys have K numbers."),
        Mutant(replace="np.concatenate([values, v[:, None]], axis=1)", by="np.concatenate([values, k[:, None]], axis=1)",
               hint="The new key was appended to the values."),
        Mutant(replace="np.concatenate([keys, k[:, None]], axis=1)", by="np.concatenate([k[:, None], keys], axis=1)",
               hint="The new key stands in front. It belongs behind the kept ones, beside its value."),
        Mutant(replace="read.reshape(-1)", by="read.T.reshape(-1)",
               hint="The heads are interleaved. W_o reads them side by side: all of head 0, then all of head 1."),
        Mutant(replace="weights.sum(axis=1, keepdims=True)", by="weights.sum()",
               hint="The weights of all heads together sum to 1. Each head's must."),
    ],
    alternatives=[more_head_by_head, more_by_transposes],
)  # fmt: skip

EXERCISES = [layer_norm, positions, causal_attention, attention_back, one_more]

"""Exercises of chapter 20, convolutions or recurrence: cases, known mistakes, other correct ways."""

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case, given


def far_inputs(rng, K, N):
    """K, dilations (N,)."""
    return K, rng.integers(1, 9, N)


def far_step_by_step(K, dilations):
    """Ask every convolution for its oldest input."""
    oldest = 0
    for d in dilations:
        oldest -= (K - 1) * d
    return 1 - oldest


def far_as_a_set(K, dilations):
    """The set of all steps that some path reaches: its oldest."""
    seen = {0}
    for d in dilations:
        seen = {s - j * int(d) for s in seen for j in (0, K - 1)}
    return 1 + max(seen) - min(seen)


far_back = Exercise(
    id="20-far-back",
    title="How far back",
    function="far_back",
    returns=("steps",),
    inputs=far_inputs,
    public=[
        given("a block, K=2", 2, np.array([1, 1])),
        given("doubling, K=3", 3, np.array([1, 2, 4, 8])),
        given("not doubling", 3, np.array([5, 1, 3])),
        given("K=1 sees the present only", 1, np.array([1, 2, 4])),
    ],
    hidden={"K": range(1, 7), "N": range(1, 7)},
    mutants=[
        Mutant(replace="1 + (K - 1) * np.sum(dilations)", by="(K - 1) * np.sum(dilations)",
               hint="The present step is missing. It is seen as well."),
        Mutant(replace="(K - 1) *", by="K *",
               hint="The oldest of K taps is number K - 1, so a convolution reaches (K - 1) d back, not K d."),
        Mutant(replace="np.sum(dilations)", by="np.max(dilations)",
               hint="Only the largest dilation was counted. Each convolution starts where the one above it reads: they add up."),
        Mutant(replace="np.sum(dilations)", by="len(dilations)",
               hint="The dilations do not enter: this counts the convolutions. With dilation d the taps are d steps apart."),
        Mutant(replace="np.sum(dilations)", by="np.prod(dilations)",
               hint="The dilations were multiplied. The reaches add up."),
        Mutant(replace="1 + (K - 1) * np.sum(dilations)", by="1 + 2 * (K - 1) * np.sum(dilations)",
               hint="The factor 2 is for two convolutions a block. Here `dilations` names every convolution."),
    ],
    alternatives=[far_step_by_step, far_as_a_set],
)  # fmt: skip


def conv_inputs(rng, T, B, D, n_out, K, d):
    """xs (T, B, D), W (K, O, D), b (O,), d."""
    return rng.normal(size=(T, B, D)), rng.normal(size=(K, n_out, D)), rng.normal(size=n_out), d


def conv_by_padding(xs, W, b, d):
    """Zeros in front, then one product for each tap."""
    T, reach = len(xs), (len(W) - 1) * d
    padded = np.concatenate([np.zeros((reach, *xs.shape[1:])), xs])
    return b + sum(padded[reach - j * d : reach - j * d + T] @ W[j].T for j in range(len(W)))


def conv_in_float32(xs, W, b, d):
    """Sequence by sequence, in float32."""
    xs, W, b = (a.astype(np.float32) for a in (xs, W, b))
    ys = np.tile(b, (*xs.shape[:2], 1))
    for n in range(xs.shape[1]):
        for j in range(len(W)):
            late = min(j * d, len(xs))
            ys[late:, n] += xs[: len(xs) - late, n] @ W[j].T
    return ys


SIZES = {"T": range(1, 8), "B": range(1, 4), "D": range(1, 4), "n_out": range(1, 4), "K": range(1, 5), "d": range(1, 4)}

causal_convolve = Exercise(
    id="20-causal-conv",
    title="The convolution",
    function="causal_convolve",
    returns=("ys",),
    inputs=conv_inputs,
    public=[
        case("three taps", T=5, B=2, D=2, n_out=3, K=3, d=1),
        case("dilation 2", T=6, B=1, D=2, n_out=2, K=3, d=2),
        case("one tap", T=3, B=2, D=3, n_out=2, K=1, d=2),
        case("shorter than the reach", T=3, B=1, D=1, n_out=2, K=4, d=2),
    ],
    hidden=SIZES,
    mutants=[
        Mutant(replace="s = t - j * d", by="s = t + j * d if t + j * d < len(xs) else -1",
               hint="This reads the future: tap j must look j d steps back, to t - j d."),
        Mutant(replace="s = t - j * d", by="s = t - j",
               hint="The dilation has no effect. Tap j looks j times d steps back."),
        Mutant(replace="s = t - j * d", by="s = t - (len(W) - 1 - j) * d",
               hint="The taps are in the other order. Tap 0 is the newest: it reads the present step."),
        Mutant(replace="if s >= 0:", by="if s >= -len(xs):",
               hint="A negative index counts from the end, so the first steps read the last ones. Before the first step stand zeros."),
        Mutant(replace="+ b", by="+ 0 * b", hint="The bias b is missing."),
        Mutant(replace="if s >= 0:", by="if s > 0:",
               hint="The first input, number 0, is never read. It exists; only negative steps do not."),
        Mutant(replace="ys[t] += xs[s] @ W[j].T", by="ys[t] += xs[s] @ W[j].T + (j > 0) * b",
               hint="The bias is added once for each tap. It is added once for each step."),
    ],
    alternatives=[conv_by_padding, conv_in_float32],
)  # fmt: skip


def norm_inputs(rng, n_out, N):
    """v (O, N), g (O,), dW (O, N)."""
    return rng.normal(size=(n_out, N)) + 0.1, rng.normal(size=n_out) + 0.2, rng.normal(size=(n_out, N))


def norm_by_jacobian(v, g, dW):
    """Row by row, with the matrix of derivatives written out."""
    dv, dg = np.zeros(v.shape), np.zeros(len(v))
    for o, row in enumerate(v):
        length = np.linalg.norm(row)
        J = g[o] * (np.eye(len(row)) / length - np.outer(row, row) / length**3)
        dv[o], dg[o] = J.T @ dW[o], row @ dW[o] / length
    return dv, dg


def norm_as_in_the_paper(v, g, dW):
    """Salimans and Kingma's equation (3): g/||v|| dW - g dg/||v||^2 v."""
    square = np.einsum("on,on->o", v, v)
    dg = np.einsum("on,on->o", dW, v) / np.sqrt(square)
    return (g / np.sqrt(square))[:, None] * dW - (g * dg / square)[:, None] * v, dg


weight_norm_back = Exercise(
    id="20-weight-norm-back",
    title="Direction and length",
    function="weight_norm_back",
    returns=("dv", "dg"),
    inputs=norm_inputs,
    public=[
        case("three outputs", n_out=3, N=4),
        case("one output, O=1", n_out=1, N=3),
        given("along v: dv is 0", np.array([[3.0, 4.0]]), np.array([2.0]), np.array([[6.0, 8.0]])),
        given("across v: dg is 0", np.array([[3.0, 4.0]]), np.array([2.0]), np.array([[-4.0, 3.0]])),
    ],
    hidden={"n_out": range(1, 5), "N": range(2, 6)},
    mutants=[
        Mutant(replace="(dW - dg[:, None] * u)", by="dW",
               hint="dv is not at a right angle to v: the part of dW along v must be taken away."),
        Mutant(replace="(g / length)[:, None]", by="(1 / length)[:, None]",
               hint="The length g is missing in dv: W is g times the direction."),
        Mutant(replace="(g / length)[:, None]", by="g[:, None]",
               hint="dv is not divided by the length of v. A long v turns less for the same gradient."),
        Mutant(replace="dg = (dW * u).sum(axis=1)", by="dg = (dW * v).sum(axis=1)",
               hint="dg uses v itself. g multiplies the direction u, which has length 1."),
        Mutant(replace="(v**2).sum(axis=1)", by="(v**2).sum() * np.ones(len(v))",
               hint="One length was computed for all outputs together. Each row has its own."),
        Mutant(replace="(dW - dg[:, None] * u)", by="(dW + dg[:, None] * u)",
               hint="The part along v was added. It must be taken away, so that what is left stands at a right angle to v."),
        Mutant(replace="np.sqrt((v**2).sum(axis=1))", by="(v**2).sum(axis=1)",
               hint="The root is missing: this is the squared length."),
    ],
    alternatives=[norm_by_jacobian, norm_as_in_the_paper],
)  # fmt: skip


def back_inputs(rng, T, B, D, n_out, K, d):
    """xs (T, B, D), W (K, O, D), dys (T, B, O), d."""
    return rng.normal(size=(T, B, D)), rng.normal(size=(K, n_out, D)), rng.normal(size=(T, B, n_out)), d


def back_tap_by_tap(xs, W, dys, d):
    """All steps of a tap at once."""
    dW, dxs, T = np.zeros(W.shape), np.zeros(xs.shape), len(xs)
    for j in range(len(W)):
        late = min(j * d, T)
        dW[j] = np.einsum("tbo,tbi->oi", dys[late:], xs[: T - late])
        dxs[: T - late] += dys[late:] @ W[j]
    return dW, np.einsum("tbo->o", dys), dxs


def back_from_behind(xs, W, dys, d):
    """dx_s as the sum over the taps of what stands later, in float32."""
    xs, W, dys = (a.astype(np.float32) for a in (xs, W, dys))
    T, reach = len(xs), (len(W) - 1) * d
    later = np.concatenate([dys, np.zeros((reach, *dys.shape[1:]), np.float32)])
    before = np.concatenate([np.zeros((reach, *xs.shape[1:]), np.float32), xs])
    dxs = sum(later[j * d : j * d + T] @ W[j] for j in range(len(W)))
    read = [before[reach - j * d : reach - j * d + T] for j in range(len(W))]
    return np.stack([np.tensordot(dys, r, ([0, 1], [0, 1])) for r in read]), dys.sum(axis=0).sum(axis=0), dxs


conv_back = Exercise(
    id="20-conv-back",
    title="The convolution, backwards",
    function="conv_back",
    returns=("dW", "db", "dxs"),
    inputs=back_inputs,
    public=[
        case("three taps", T=4, B=2, D=2, n_out=3, K=3, d=1),
        case("dilation 2", T=5, B=1, D=2, n_out=2, K=2, d=2),
        case("as many inputs as outputs", T=3, B=2, D=2, n_out=2, K=2, d=1),
        case("shorter than the reach", T=3, B=2, D=1, n_out=2, K=3, d=2),
    ],
    hidden=SIZES,
    mutants=[
        Mutant(replace="dW[j] += dys[t].T @ xs[s]", by="dW[j] = dys[t].T @ xs[s]",
               hint="dW holds the last step's share only. The same tap acts at every step: its gradients add up."),
        Mutant(replace="dxs[s] += dys[t] @ W[j]", by="dxs[s] = dys[t] @ W[j]",
               hint="An input is read by several taps. What comes back from them adds up."),
        Mutant(replace="dxs[s] += dys[t] @ W[j]", by="dxs[t] += dys[t] @ W[j]",
               hint="The gradient went to x_t. Tap j read x_{t - j d}, so it belongs there."),
        Mutant(replace="dW[j] += dys[t].T @ xs[s]", by="dW[j] += dys[t].T @ xs[t]",
               hint="dW_j uses x_t. Tap j read x_{t - j d}."),
        Mutant(replace="dys.sum(axis=(0, 1))", by="dys.mean(axis=(0, 1))",
               hint="db is a mean. The bias is added at every step of every sequence: a sum."),
        Mutant(replace="if s >= 0:", by="if s >= -len(xs):",
               hint="Negative steps do not exist; as an index they count from the end, and gradients leak into the last inputs."),
        Mutant(replace="dys.sum(axis=(0, 1))", by="dys.sum(axis=0).sum(axis=0) / dys.shape[1]",
               hint="db is divided by the batch size. The loss decides about means; here everything is summed."),
    ],
    alternatives=[back_tap_by_tap, back_from_behind],
)  # fmt: skip


def stream_inputs(rng, B, D, n_out, K, d):
    """x (B, D), memory ((K-1) d, B, D), W (K, O, D), b (O,), d."""
    return (rng.normal(size=(B, D)), rng.normal(size=((K - 1) * d, B, D)), rng.normal(size=(K, n_out, D)),
            rng.normal(size=n_out), d)  # fmt: skip


def stream_from_the_back(x, memory, W, b, d):
    """Negative indices; the newest tap apart."""
    y = x @ W[0].T + b
    for j in range(1, len(W)):
        y = y + memory[len(memory) - j * d] @ W[j].T
    return y, np.concatenate([memory[1:], x[None]])


def stream_by_roll(x, memory, W, b, d):
    """A ring that is turned by one place, in float32."""
    memory = memory.astype(np.float32)
    after = np.roll(memory, -1, axis=0)
    after[-1] = x
    y = np.float32(b) + x.astype(np.float32) @ W[0].T
    return y + sum(after[-1 - j * d] @ W[j].T if j * d < len(memory) else memory[0] @ W[j].T
                   for j in range(1, len(W))), after  # fmt: skip


stream = Exercise(
    id="20-stream",
    title="One step in a stream",
    function="stream",
    returns=("y", "memory"),
    inputs=stream_inputs,
    public=[
        case("two taps", B=2, D=2, n_out=3, K=2, d=1),
        case("dilation 2", B=1, D=2, n_out=2, K=3, d=2),
        case("dilation 3", B=2, D=1, n_out=2, K=2, d=3),
    ],
    hidden={"B": range(1, 4), "D": range(1, 4), "n_out": range(1, 4), "K": range(2, 5), "d": range(1, 4)},
    mutants=[
        Mutant(replace="return y, known[1:]", by="return y, memory + 0.0",
               hint="The memory did not move on. The new input must enter, and the oldest leaves."),
        Mutant(replace="return y, known[1:]", by="return y, np.zeros_like(memory)",
               hint="The memory was emptied. The inputs of the last (K - 1) d steps stay in it."),
        Mutant(replace="known[len(known) - 1 - j * d]", by="known[j * d]",
               hint="Tap 0 reads the oldest input. Tap 0 is the newest: count from the end."),
        Mutant(replace="known[len(known) - 1 - j * d]", by="known[len(known) - 1 - j]",
               hint="The dilation has no effect. Tap j looks j times d steps back."),
        Mutant(replace="np.concatenate([memory, x[None]])", by="np.concatenate([x[None], memory])",
               hint="The new input stands before the memory. The memory has the oldest first, so the newest comes last."),
        Mutant(replace="y = b + sum", by="y = sum", hint="The bias b is missing."),
        Mutant(replace="for j in range(len(W)))", by="for j in range(1, len(W)))",
               hint="The present input is not read: tap 0 is missing."),
    ],
    alternatives=[
        stream_from_the_back,
        stream_by_roll,
        Alternative(replace="known[len(known) - 1 - j * d]", by="known[-1 - j * d]", about="counted from the end"),
    ],
)  # fmt: skip

EXERCISES = [far_back, causal_convolve, weight_norm_back, conv_back, stream]

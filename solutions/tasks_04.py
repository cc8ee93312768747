"""Exercises of chapter 4, backpropagation through time: cases, known mistakes, other correct ways."""

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case, given


def weights(rng, D, H):
    """W_xh (H, D), W_hh (H, H), b_h (H,), scaled so that tanh stays off its limits."""
    return rng.normal(size=(H, D)) / np.sqrt(D), rng.normal(size=(H, H)) / np.sqrt(H), 0.5 * rng.normal(size=H)


def states(xs, h0, W_xh, W_hh, b_h, mask):
    """hs (T+1, B, H) of a vanilla RNN."""
    hs = [h0]
    for t in range(len(xs)):
        h = np.tanh(xs[t] @ W_xh.T + hs[-1] @ W_hh.T + b_h)
        hs.append(np.where(mask[t][:, None], h, hs[-1]))
    return np.stack(hs)


def tanh_inputs(rng, B, H):
    """dh (B, H), h (B, H)."""
    return rng.normal(size=(B, H)), np.tanh(rng.normal(size=(B, H)))


def through_tanh_from_a(dh, h):
    """The derivative written with the pre-activation, a = artanh(h), and cosh."""
    return dh / np.cosh(np.arctanh(h)) ** 2


def through_tanh_in_loops(dh, h):
    """One number at a time, in float32."""
    da = np.zeros(h.shape, np.float32)
    for i in np.ndindex(h.shape):
        da[i] = dh[i] * (1 - h[i]) * (1 + h[i])
    return da


through_tanh = Exercise(
    id="04-through-tanh",
    title="Through the tanh",
    function="through_tanh",
    returns=("da",),
    inputs=tanh_inputs,
    public=[
        case("a batch", B=2, H=3),
        case("one unit, H=1", B=3, H=1),
        given("h=0 passes everything", np.array([[1.0, -2.0]]), np.zeros((1, 2))),
    ],
    hidden={"B": range(1, 6), "H": range(1, 6)},
    mutants=[
        Mutant(replace="(1 - h**2)", by="(1 - np.tanh(h) ** 2)",
               hint="tanh is taken twice: h is already tanh(a), so tanh'(a) = 1 - h^2."),
        Mutant(replace="dh * (1 - h**2)", by="dh",
               hint="The gradient is passed on as it is. The derivative of tanh is missing."),
        Mutant(replace="(1 - h**2)", by="(1 - h) ** 2", hint="This is (1 - h)^2. The derivative is 1 - h^2."),
        Mutant(replace="(1 - h**2)", by="h * (1 - h)",
               hint="h (1 - h) is the derivative of the logistic sigmoid. Here the activation is tanh."),
        Mutant(replace="dh * (1 - h**2)", by="(1 - h**2)",
               hint="This is the derivative of tanh alone. It must be multiplied by the gradient dh that arrives."),
        Mutant(replace="dh * (1 - h**2)", by="dh / (1 - h**2)",
               hint="The chain rule multiplies by the derivative; here it is divided by it."),
    ],
    alternatives=[through_tanh_from_a, through_tanh_in_loops],
)  # fmt: skip


def step_inputs(rng, B, D, H):
    """x (B, D), h_prev (B, H), h (B, H), dh (B, H), W_xh (H, D), W_hh (H, H)."""
    x, h_prev = rng.normal(size=(B, D)), np.tanh(rng.normal(size=(B, H)))
    W_xh, W_hh, b_h = weights(rng, D, H)
    h = np.tanh(x @ W_xh.T + h_prev @ W_hh.T + b_h)
    return x, h_prev, h, rng.normal(size=(B, H)), W_xh, W_hh


def step_back_by_einsum(x, h_prev, h, dh, W_xh, W_hh):
    """Every sum spelt out by its indices."""
    da = dh * (1 - h * h)
    return (np.einsum("bh,bd->hd", da, x), np.einsum("bh,bk->hk", da, h_prev), np.einsum("bh->h", da),
            np.einsum("bh,hd->bd", da, W_xh), np.einsum("bh,hk->bk", da, W_hh))  # fmt: skip


def step_back_one_by_one(x, h_prev, h, dh, W_xh, W_hh):
    """One example at a time, with outer products."""
    dW_xh, dW_hh, db_h = np.zeros_like(W_xh), np.zeros_like(W_hh), np.zeros(len(W_hh))
    dx, dh_prev = np.zeros_like(x), np.zeros_like(h_prev)
    for b in range(len(x)):
        da = np.diag(1 - h[b] ** 2) @ dh[b]
        dW_xh += np.outer(da, x[b])
        dW_hh += np.outer(da, h_prev[b])
        db_h += da
        dx[b], dh_prev[b] = W_xh.T @ da, W_hh.T @ da
    return dW_xh, dW_hh, db_h, dx, dh_prev


step_back = Exercise(
    id="04-step-back",
    title="One step back",
    function="step_back",
    returns=("dW_xh", "dW_hh", "db_h", "dx", "dh_prev"),
    inputs=step_inputs,
    public=[
        case("D≠H", B=2, D=3, H=4),
        case("one example, B=1", B=1, D=2, H=3),
        case("D=H", B=3, D=3, H=3),
        case("one unit, H=1", B=2, D=2, H=1),
    ],
    hidden={"B": range(1, 6), "D": range(1, 6), "H": range(1, 6)},
    mutants=[
        Mutant(replace="da.T @ h_prev", by="da.T @ h",
               hint="dW_hh is built with the new state h. The step multiplied W_hh with the state before it, h_prev."),
        Mutant(replace="dh * (1 - h**2)", by="dh * np.ones_like(h)",
               hint="The derivative of tanh is missing: da = dh * (1 - h^2)."),
        Mutant(replace="(1 - h**2)", by="(1 - np.tanh(h) ** 2)",
               hint="tanh is taken twice: h is already tanh(a), so the derivative is 1 - h^2."),
        Mutant(replace="da @ W_hh", by="da @ W_hh.T",
               hint="dh_prev uses W_hh transposed. Forwards h_prev meets W_hh.T; backwards da meets W_hh."),
        Mutant(replace="da.sum(axis=0)", by="da.mean(axis=0)",
               hint="db_h is averaged over the batch. Every example has its share in the loss: they are added."),
        Mutant(replace="da.T @ x", by="dh.T @ x",
               hint="dW_xh is built with dh. The weights act before the tanh, so da must stand there."),
        Mutant(replace="da @ W_xh", by="dh @ W_xh",
               hint="dx is built with dh. The input acts before the tanh, so da must stand there."),
        Mutant(replace="dh * (1 - h**2)", by="dh * (1 - h_prev**2)",
               hint="The derivative of tanh is taken at the old state h_prev. This step's output is h."),
    ],
    alternatives=[step_back_by_einsum, step_back_one_by_one],
)  # fmt: skip


def shares_inputs(rng, T):
    """x (T,), w, y."""
    return rng.normal(size=T), float(np.round(rng.uniform(-1.5, 1.5), 2)), float(np.round(rng.uniform(-1, 1), 2))


def shares_by_products(x, w, y):
    """Each share from its own product of derivatives, forwards."""
    T, hs = len(x), [0.0]
    for x_t in x:
        hs.append(np.tanh(w * hs[-1] + x_t))
    slopes = [1 - h**2 for h in hs]
    shares = []
    for t in range(1, T + 1):
        way = np.prod([slopes[s] * w for s in range(t + 1, T + 1)])  # dh_T / dh_t
        shares.append((hs[T] - y) * way * slopes[t] * hs[t - 1])
    return np.array(shares)


def shares_by_complex_step(x, w, y):
    """Each copy nudged along the imaginary axis."""
    shares = np.zeros(len(x))
    for t in range(len(x)):
        h = 0.0
        for s, x_s in enumerate(x):
            h = np.tanh((w + 1e-30j * (s == t)) * h + x_s)
        shares[t] = (0.5 * (h - y) ** 2).imag / 1e-30
    return shares


shares_of_a_weight = Exercise(
    id="04-shares",
    title="Shares of a weight",
    function="shares_of_a_weight",
    returns=("shares",),
    inputs=shares_inputs,
    public=[
        case("three steps", T=3),
        case("one step, T=1", T=1),
        case("eight steps", T=8),
        given("the chapter's example", np.array([0.5, -0.3, 0.8]), 0.9, -0.5),
    ],
    hidden={"T": range(1, 12)},
    mutants=[
        Mutant(replace="shares[t - 1] = da * hs[t - 1]", by="shares[t - 1] = da * hs[t]",
               hint="The share of step t is built with h_t. The weight multiplied the state before it, h_{t-1}."),
        Mutant(replace="dh = da * w", by="dh = da",
               hint="On its way from step t to step t-1 the gradient must pass the weight w."),
        Mutant(replace="da = dh * (1 - hs[t] ** 2)", by="da = dh",
               hint="The derivative of tanh, 1 - h_t^2, is missing."),
        Mutant(replace="dh = hs[-1] - y", by="dh = (hs[-1] - y) ** 2 / 2",
               hint="The walk back starts with the loss itself. It starts with its derivative, h_T - y."),
        Mutant(replace="dh = da * w", by="dh = hs[-1] - y",
               hint="Every step starts again from the gradient of the loss. The gradient must be carried from "
                    "step to step."),
        Mutant(replace="return shares", by="return shares[::-1]",
               hint="The shares are in reverse order. The first entry belongs to step 1."),
        Mutant(replace="return shares", by="return np.full(len(x), shares.sum())",
               hint="This is the total derivative. Asked for are the shares of the steps, which add up to it."),
    ],
    alternatives=[shares_by_products, shares_by_complex_step],
)  # fmt: skip


def bptt_inputs(rng, T, B, D, H, masked):
    """xs (T, B, D), hs (T+1, B, H), dhs (T, B, H), mask (T, B), W_xh (H, D), W_hh (H, H)."""
    lengths = rng.integers(1, T + 1, B) if masked else np.full(B, T)
    lengths[rng.integers(B)] = T
    mask = np.arange(T)[:, None] < lengths
    W_xh, W_hh, b_h = weights(rng, D, H)
    xs = rng.normal(size=(T, B, D))
    hs = states(xs, np.tanh(rng.normal(size=(B, H))), W_xh, W_hh, b_h, mask)
    return xs, hs, rng.normal(size=(T, B, H)), mask, W_xh, W_hh


def bptt_one_by_one(xs, hs, dhs, mask, W_xh, W_hh):
    """One sequence after the other."""
    dW_xh, dW_hh, db_h = np.zeros_like(W_xh), np.zeros_like(W_hh), np.zeros(len(W_hh))
    dxs, dh0 = np.zeros_like(xs), np.zeros_like(hs[0])
    for b in range(xs.shape[1]):
        dh = np.zeros(len(W_hh))
        for t in range(len(xs) - 1, -1, -1):
            dh = dh + dhs[t, b]
            if mask[t, b]:
                da = dh * (1 - hs[t + 1, b] ** 2)
                dW_xh += np.outer(da, xs[t, b])
                dW_hh += np.outer(da, hs[t, b])
                db_h += da
                dxs[t, b], dh = W_xh.T @ da, W_hh.T @ da
        dh0[b] = dh
    return dW_xh, dW_hh, db_h, dxs, dh0


def bptt_products_at_the_end(xs, hs, dhs, mask, W_xh, W_hh):
    """First all dL/da_t, then one product over all steps for each weight."""
    das, dh = np.zeros_like(dhs), np.zeros_like(hs[0])
    m = mask[:, :, None].astype(float)
    for t in reversed(range(len(xs))):
        dh = dh + dhs[t]
        das[t] = m[t] * dh * (1 - hs[t + 1] ** 2)
        dh = das[t] @ W_hh + (1 - m[t]) * dh
    return (np.einsum("tbh,tbd->hd", das, xs), np.einsum("tbh,tbk->hk", das, hs[:-1]), das.sum(axis=(0, 1)),
            das @ W_xh, dh)  # fmt: skip


bptt = Exercise(
    id="04-bptt",
    title="Backpropagation through time",
    function="bptt",
    returns=("dW_xh", "dW_hh", "db_h", "dxs", "dh0"),
    inputs=bptt_inputs,
    public=[
        case("no padding, D≠H", T=4, B=2, D=3, H=2, masked=False),
        case("one step, T=1", T=1, B=2, D=2, H=3, masked=False),
        case("one sequence, B=1", T=5, B=1, D=2, H=2, masked=False),
        case("padding", T=5, B=3, D=2, H=3, masked=True),
    ],
    hidden={"T": range(1, 7), "B": range(1, 5), "D": range(1, 5), "H": range(1, 5), "masked": (False, True)},
    mutants=[
        Mutant(replace="dh = dh + dhs[t]", by="dh = dhs[t]",
               hint="What the future says is thrown away. A state's gradient is its own loss plus what comes back "
                    "from the next step: add the two."),
        Mutant(replace="dW_hh += da.T @ hs[t]", by="dW_hh += da.T @ hs[t + 1]",
               hint="dW_hh is built with the new state. hs[t] is the state that went into the step."),
        Mutant(replace="dW_xh += da.T @ xs[t]", by="dW_xh = da.T @ xs[t]",
               hint="dW_xh holds one step's share only. The weights are shared: add up the shares of all steps."),
        Mutant(replace="(1 - hs[t + 1] ** 2)", by="1", hint="The derivative of tanh is missing."),
        Mutant(replace="(1 - hs[t + 1] ** 2)", by="(1 - hs[t] ** 2)",
               hint="The derivative of tanh is taken one step too early. Step t's output is hs[t + 1]."),
        Mutant(replace=("np.where(real, dh, 0)", "da @ W_hh + np.where(real, 0, dh)"), by=("dh", "da @ W_hh"),
               hint="The mask has no effect. A padded step computes nothing, and hands its gradient on unchanged."),
        Mutant(replace="np.where(real, dh, 0)", by="dh",
               hint="Padded steps take part in the gradient. Where mask is False nothing was computed."),
        Mutant(replace="da @ W_hh + np.where(real, 0, dh)", by="da @ W_hh",
               hint="The gradient is lost at padded steps. There h_t is h_{t-1}, so it must be handed on unchanged."),
        Mutant(replace="da @ W_hh + np.where(real, 0, dh)", by="da @ W_hh.T + np.where(real, 0, dh)",
               hint="The gradient goes back through W_hh transposed. Forwards h meets W_hh.T; backwards da meets W_hh."),
    ],
    alternatives=[bptt_one_by_one, bptt_products_at_the_end],
)  # fmt: skip


def truncated_inputs(rng, T, B, D, H, k):
    """xs (T, B, D), hs (T+1, B, H), dhs (T, B, H), k, W_xh (H, D), W_hh (H, H)."""
    xs, hs, dhs, _, W_xh, W_hh = bptt_inputs(rng, T, B, D, H, False)
    return xs, hs, dhs, k, W_xh, W_hh


def truncated_by_chunks(xs, hs, dhs, k, W_xh, W_hh):
    """Full backpropagation on each chunk for itself, and the sum."""
    dW_hh = np.zeros_like(W_hh)
    for start in range(0, len(xs), k):
        stop = min(start + k, len(xs))
        dh = np.zeros_like(hs[0])
        for t in range(stop - 1, start - 1, -1):
            da = (dh + dhs[t]) * (1 - hs[t + 1] ** 2)
            dW_hh += da.T @ hs[t]
            dh = da @ W_hh
    return dW_hh


def truncated_in_float32(xs, hs, dhs, k, W_xh, W_hh):
    """Single precision, the cut as a factor of 0 or 1."""
    hs, dhs, W_hh = hs.astype(np.float32), dhs.astype(np.float32), W_hh.astype(np.float32)
    dW_hh, dh = np.zeros_like(W_hh), np.zeros_like(hs[0])
    for t in reversed(range(len(xs))):
        da = (dh * float((t + 1) % k != 0) + dhs[t]) * (1 - hs[t + 1] ** 2)
        dW_hh += da.T @ hs[t]
        dh = da @ W_hh
    return dW_hh


truncated = Exercise(
    id="04-truncated",
    title="Truncated",
    function="truncated",
    returns=("dW_hh",),
    inputs=truncated_inputs,
    public=[
        case("T=6, k=2", T=6, B=2, D=2, H=3, k=2),
        case("k=1", T=4, B=2, D=2, H=2, k=1),
        case("the last chunk is shorter: T=5, k=3", T=5, B=1, D=3, H=2, k=3),
        case("k > T is the full gradient", T=3, B=2, D=1, H=2, k=9),
    ],
    hidden={"T": range(1, 9), "B": range(1, 4), "D": range(1, 4), "H": range(1, 4), "k": range(1, 10)},
    mutants=[
        Mutant(replace="if t % k == 0:", by="if False:",
               hint="Nothing is cut: this is the full gradient. At the first step of each chunk the gradient stops."),
        Mutant(replace="if t % k == 0:", by="if (t + 1) % k == 0:",
               hint="The cut is one step off. The chunks begin at t = 0, k, 2k, ...: a gradient that has reached the "
                    "first state of its chunk goes no further."),
        Mutant(replace="if t % k == 0:", by="if (len(xs) - t) % k == 0:",
               hint="The chunks are counted from the end. They begin at the first step, as in training on a stream."),
        Mutant(replace="dW_hh += da.T @ hs[t]", by="dW_hh += da.T @ hs[t + 1]",
               hint="dW_hh is built with the new state. hs[t] is the state that went into the step."),
        Mutant(replace="dh = np.zeros_like(dh)", by="return dW_hh",
               hint="Only the last chunk has a share. Cut the gradient at each border and go on with the chunk before."),
        Mutant(replace="dW_hh += da.T @ hs[t]", by="dW_hh += da.T @ (hs[t] * (t % k != 0))",
               hint="The state is reset to zero at each border as well. The state is carried over; only the gradient "
                    "is cut."),
        Mutant(replace="(dh + dhs[t])", by="dhs[t]",
               hint="This is k = 1 for every k: nothing is carried back inside a chunk."),
    ],
    alternatives=[
        truncated_by_chunks,
        truncated_in_float32,
        Alternative(replace="(1 - hs[t + 1] ** 2)", by="(1 + hs[t + 1]) * (1 - hs[t + 1])", about="1 - h^2 factored"),
    ],
)  # fmt: skip

EXERCISES = [through_tanh, step_back, shares_of_a_weight, bptt, truncated]

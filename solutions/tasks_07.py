"""Exercises of chapter 7, the GRU and its relatives: cases, known mistakes, other correct ways."""

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case, given


def sigma(a):
    """The logistic sigmoid, by tanh."""
    return 0.5 + 0.5 * np.tanh(0.5 * a)


def mixture_inputs(rng, B, H):
    """z (B, H), n (B, H), h_prev (B, H)."""
    return sigma(rng.normal(size=(B, H))), np.tanh(rng.normal(size=(B, H))), np.tanh(rng.normal(size=(B, H)))


def mixture_from_the_candidate(z, n, h_prev):
    """Start at the candidate and go the share z towards the old state."""
    return n + z * (h_prev - n)


def mixture_in_loops(z, n, h_prev):
    """One number at a time, in float32."""
    h = np.zeros(z.shape, np.float32)
    for i in np.ndindex(z.shape):
        h[i] = z[i] * h_prev[i] + n[i] - z[i] * n[i]
    return h


mixture = Exercise(
    id="07-mixture",
    title="The mixture",
    function="mixture",
    returns=("h",),
    inputs=mixture_inputs,
    public=[
        case("a batch", B=2, H=3),
        case("one unit, H=1", B=3, H=1),
        given("z=1 keeps", np.ones((1, 2)), np.array([[0.5, -0.5]]), np.array([[0.1, 0.2]])),
        given("z=0 takes the candidate", np.zeros((1, 2)), np.array([[0.5, -0.5]]), np.array([[0.1, 0.2]])),
    ],
    hidden={"B": range(1, 6), "H": range(1, 6)},
    mutants=[
        Mutant(replace="(1 - z) * n + z * h_prev", by="z * n + (1 - z) * h_prev",
               hint="This z overwrites. Here z keeps: it multiplies the old state."),
        Mutant(replace="(1 - z) * n", by="n",
               hint="The candidate is added whole. Its share is what z leaves over, 1 - z."),
        Mutant(replace="+ z * h_prev", by="+ h_prev",
               hint="The old state is kept whole. Its share is z."),
        Mutant(replace="(1 - z) * n + z * h_prev", by="z * (n + h_prev)",
               hint="Both get the same share z. The two shares must add up to 1."),
        Mutant(replace="(1 - z) * n + z * h_prev", by="np.where(z > 0.5, h_prev, n)",
               hint="This chooses one or the other. The gate mixes: every share between 0 and 1 counts."),
    ],
    alternatives=[mixture_from_the_candidate, mixture_in_loops],
)  # fmt: skip


def gru_weights(rng, D, H, scale=1.0):
    """W_x (3H, D), W_h (3H, H), b (3H,), b_hn (H,)."""
    W_x, W_h = rng.normal(size=(3 * H, D)) / np.sqrt(D), rng.normal(size=(3 * H, H)) / np.sqrt(H)
    return scale * W_x, scale * W_h, 0.5 * rng.normal(size=3 * H), 0.5 * rng.normal(size=H)


def step_inputs(rng, B, D, H, scale=1.0):
    """x (B, D), h_prev (B, H), W_x (3H, D), W_h (3H, H), b (3H,), b_hn (H,)."""
    return (rng.normal(size=(B, D)), np.tanh(rng.normal(size=(B, H))), *gru_weights(rng, D, H, scale))


def step_gate_by_gate(x, h_prev, W_x, W_h, b, b_hn):
    """Each gate by its own rows."""
    H = len(b_hn)
    rows = [slice(k * H, (k + 1) * H) for k in range(3)]
    a_x = [x @ W_x[k].T + b[k] for k in rows]
    r, z = (sigma(a_x[k] + h_prev @ W_h[rows[k]].T) for k in range(2))
    n = np.tanh(a_x[2] + r * (h_prev @ W_h[rows[2]].T + b_hn))
    return h_prev * z + n * (1 - z)


def step_one_by_one(x, h_prev, W_x, W_h, b, b_hn):
    """One example at a time, in float32."""
    x, h_prev, W_x, W_h, b, b_hn = (v.astype(np.float32) for v in (x, h_prev, W_x, W_h, b, b_hn))
    h = np.zeros_like(h_prev)
    for i in range(len(x)):
        from_x, from_h = (W_x @ x[i] + b).reshape(3, -1), (W_h @ h_prev[i]).reshape(3, -1)
        r, z = sigma(from_x[:2] + from_h[:2])
        n = np.tanh(from_x[2] + r * (from_h[2] + b_hn))
        h[i] = n + z * (h_prev[i] - n)
    return h


gru_step = Exercise(
    id="07-gru-step",
    title="One step of the GRU",
    function="gru_step",
    returns=("h",),
    inputs=step_inputs,
    public=[
        case("D≠H", B=2, D=3, H=4),
        case("one example, B=1", B=1, D=2, H=3),
        case("one unit, H=1", B=3, D=2, H=1),
        case("D=H", B=2, D=3, H=3),
        case("large weights: no overflow", B=2, D=2, H=2, scale=2000.0),
    ],
    hidden={"B": range(1, 5), "D": range(1, 5), "H": range(1, 5)},
    mutants=[
        Mutant(replace="(1 - z) * n + z * h_prev", by="z * n + (1 - z) * h_prev",
               hint="This z overwrites. In the chapter's form z keeps the old state."),
        Mutant(replace="r * (a_h[2] + b_hn)", by="r * a_h[2] + b_hn",
               hint="b_hn stands outside the reset gate. It belongs to the product that the gate multiplies."),
        Mutant(replace="r * (a_h[2] + b_hn)", by="(r * h_prev) @ W_h[2 * len(b_hn):].T + b_hn",
               hint="The reset gate stands before the product with W_hn. Here it stands after it."),
        Mutant(replace="r, z = sigmoid(a_x[0] + a_h[0]), sigmoid(a_x[1] + a_h[1])",
               by="z, r = sigmoid(a_x[0] + a_h[0]), sigmoid(a_x[1] + a_h[1])",
               hint="Reset and update gate are swapped. The rows are stacked in the order r, z, n."),
        Mutant(replace="np.tanh(a_x[2]", by="sigmoid(a_x[2]",
               hint="The candidate is a sigmoid. It is a tanh, so that it can be negative too."),
        Mutant(replace="r * (a_h[2] + b_hn)", by="a_h[2] + b_hn", hint="The reset gate has no effect on the candidate."),
    ],
    alternatives=[step_gate_by_gate, step_one_by_one],
)  # fmt: skip


def translate_inputs(rng, D, H):
    """W_x (3H, D), W_h (3H, H), b (3H,)."""
    return gru_weights(rng, D, H)[:3]


def translate_by_sign(W_x, W_h, b):
    """A column of signs, one for each row."""
    sign = np.repeat([1.0, -1.0, 1.0], len(b) // 3)
    return np.diag(sign) @ W_x, sign[:, None] * W_h, sign * b


def translate_by_parts(W_x, W_h, b):
    """Take the three gates apart and put them together again."""
    parts = []
    for v in (W_x, W_h, b):
        r, z, n = np.split(v.astype(np.float32), 3)
        parts.append(np.concatenate([r, -z, n]))
    return tuple(parts)


translate = Exercise(
    id="07-translate",
    title="Translate the weights",
    function="translate",
    returns=("W_x", "W_h", "b"),
    inputs=translate_inputs,
    public=[
        case("D≠H", D=2, H=3),
        case("D=H", D=3, H=3),
        case("one unit, H=1", D=2, H=1),
    ],
    hidden={"D": range(1, 6), "H": range(1, 6)},
    mutants=[
        Mutant(replace="b[z] *= -1", by="pass",
               hint="The bias of the update gate has kept its sign. Everything that goes into z must be negated."),
        Mutant(replace="W_h[z] *= -1", by="pass",
               hint="The update gate's recurrent weights have kept their sign."),
        Mutant(replace="W_x[z] *= -1", by="pass",
               hint="The update gate's input weights have kept their sign."),
        Mutant(replace="z = slice(H, 2 * H)", by="z = slice(0, H)",
               hint="The rows of the reset gate were negated. The order is r, z, n."),
        Mutant(replace="z = slice(H, 2 * H)", by="z = slice(0, 3 * H)",
               hint="The rows of all gates were negated. Only the update gate changes."),
        Mutant(replace="b[z] *= -1", by="b[z] = 1 - b[z]",
               hint="The bias became 1 - b. It is the gate that becomes 1 - z; its pre-activation changes its sign."),
    ],
    alternatives=[translate_by_sign, translate_by_parts],
)  # fmt: skip


def back_inputs(rng, B, D, H):
    """r, z, n, m, h_prev, dh (B, H) each, W_h (3H, H)."""
    x, h_prev, W_x, W_h, b, b_hn = step_inputs(rng, B, D, H)
    a_x, a_h = np.split(x @ W_x.T + b, 3, axis=1), np.split(h_prev @ W_h.T, 3, axis=1)
    r, z, m = sigma(a_x[0] + a_h[0]), sigma(a_x[1] + a_h[1]), a_h[2] + b_hn
    return r, z, np.tanh(a_x[2] + r * m), m, h_prev, rng.normal(size=(B, H)), W_h


def back_by_einsum(r, z, n, m, h_prev, dh, W_h):
    """The three gates stacked, the product spelt out by its indices."""
    da_n = dh * (1 - z) * (1 - n) * (1 + n)
    da_r, da_z = da_n * m * r * (1 - r), dh * (h_prev - n) * z * (1 - z)
    stacked = np.stack([da_r, da_z, da_n * r])  # (3, B, H)
    W = W_h.reshape(3, len(W_h) // 3, -1)
    return da_r, da_z, da_n, dh * z + np.einsum("gbk,gkh->bh", stacked, W)


def back_one_by_one(r, z, n, m, h_prev, dh, W_h):
    """One example at a time, with diagonal matrices."""
    outs = [np.zeros_like(dh) for _ in range(4)]
    W_r, W_z, W_n = np.split(W_h, 3)
    for i in range(len(dh)):
        a_n = np.diag(1 - n[i] ** 2) @ ((1 - z[i]) * dh[i])
        a_z = (z[i] - z[i] ** 2) * (dh[i] * h_prev[i] - dh[i] * n[i])
        a_r = (r[i] - r[i] ** 2) * m[i] * a_n
        back = z[i] * dh[i] + W_r.T @ a_r + W_z.T @ a_z + W_n.T @ (r[i] * a_n)
        for out, value in zip(outs, (a_r, a_z, a_n, back), strict=True):
            out[i] = value
    return tuple(outs)


gru_back = Exercise(
    id="07-gru-back",
    title="One step back through the GRU",
    function="gru_back",
    returns=("da_r", "da_z", "da_n", "dh_prev"),
    inputs=back_inputs,
    public=[
        case("a batch", B=2, D=3, H=3),
        case("one example, B=1", B=1, D=2, H=4),
        case("one unit, H=1", B=3, D=2, H=1),
    ],
    hidden={"B": range(1, 5), "D": range(1, 4), "H": range(1, 5)},
    mutants=[
        Mutant(replace="dh * z + da_r", by="da_r",
               hint="The direct path is missing: h_t contains z * h_{t-1}, so dh * z goes straight back."),
        Mutant(replace="dh * (h_prev - n) * z * (1 - z)", by="dh * (n - h_prev) * z * (1 - z)",
               hint="da_z has the wrong sign. z multiplies the old state, and 1 - z the candidate: dh/dz is h_prev - n."),
        Mutant(replace="dh * (h_prev - n) * z * (1 - z)", by="dh * (h_prev - n)",
               hint="da_z lacks the derivative of the sigmoid, z (1 - z)."),
        Mutant(replace="dh * (1 - z) * (1 - n**2)", by="dh * (1 - z)",
               hint="da_n lacks the derivative of tanh, 1 - n^2."),
        Mutant(replace="dh * (1 - z) * (1 - n**2)", by="dh * z * (1 - n**2)",
               hint="The candidate's share is 1 - z, not z."),
        Mutant(replace="(da_n * r) @ W_n", by="da_n @ W_n",
               hint="On the way to W_hn the gradient must pass the reset gate: dm = da_n * r."),
        Mutant(replace="da_n * m * r * (1 - r)", by="da_n * h_prev * r * (1 - r)",
               hint="The reset gate multiplied m, the product, not the old state: m stands in da_r."),
        Mutant(replace="da_r @ W_r + da_z @ W_z", by="da_r @ W_z + da_z @ W_r",
               hint="The rows of r and z are swapped. W_h is stacked in the order r, z, n."),
    ],
    alternatives=[
        back_by_einsum,
        back_one_by_one,
        Alternative(replace="(1 - n**2)", by="(1 + n) * (1 - n)", about="1 - n^2 factored"),
    ],
)  # fmt: skip


def mutant_inputs(rng, T, B, H):
    """xs (T, B, H), W_xz (H, H), b_z (H,), W_xr (H, H), W_hr (H, H), b_r (H,), W_hn (H, H), b_n (H,)."""
    W_xz, W_xr, W_hr, W_hn = rng.normal(size=(4, H, H)) / np.sqrt(H)
    b_z, b_r, b_n = 0.5 * rng.normal(size=(3, H))
    return rng.normal(size=(T, B, H)), W_xz, b_z, W_xr, W_hr, b_r, W_hn, b_n


def mutant_sequence_by_sequence(xs, W_xz, b_z, W_xr, W_hr, b_r, W_hn, b_n):
    """One sequence after the other."""
    hs = np.zeros((len(xs) + 1, *xs.shape[1:]))
    for i in range(xs.shape[1]):
        for t, x in enumerate(xs[:, i]):
            h = hs[t, i]
            z, r = sigma(W_xz @ x + b_z), sigma(W_xr @ x + W_hr @ h + b_r)
            n = np.tanh(W_hn @ (r * h) + np.tanh(x) + b_n)
            hs[t + 1, i] = h + z * (n - h)
    return hs


def mutant_input_first(xs, W_xz, b_z, W_xr, W_hr, b_r, W_hn, b_n):
    """All that only the input decides before the loop, in float32."""
    xs, W_hr, W_hn = xs.astype(np.float32), W_hr.astype(np.float32), W_hn.astype(np.float32)
    zs, from_x, to_n = sigma(xs @ W_xz.T + b_z), xs @ W_xr.T + b_r, np.tanh(xs) + b_n
    hs = [np.zeros_like(xs[0])]
    for z, a, c in zip(zs, from_x, to_n, strict=True):
        n = np.tanh((sigma(a + hs[-1] @ W_hr.T) * hs[-1]) @ W_hn.T + c)
        hs.append(z * n + (1 - z) * hs[-1])
    return np.stack(hs)


mutant = Exercise(
    id="07-mutant",
    title="A mutant",
    function="mutant",
    returns=("hs",),
    inputs=mutant_inputs,
    public=[
        case("three steps", T=3, B=2, H=3),
        case("one step, T=1", T=1, B=2, H=2),
        case("one unit, H=1", T=4, B=2, H=1),
        case("one sequence, B=1", T=5, B=1, H=2),
    ],
    hidden={"T": range(1, 6), "B": range(1, 4), "H": range(1, 5)},
    mutants=[
        Mutant(replace="z * n + (1 - z) * h", by="(1 - z) * n + z * h",
               hint="This z keeps. In the mutants z overwrites: it multiplies the candidate."),
        Mutant(replace="(r * h) @ W_hn.T", by="r * (h @ W_hn.T)",
               hint="The reset gate stands after the product. In the mutants it stands before it: W_hn (r * h)."),
        Mutant(replace="np.tanh(xs[t]) + b_n", by="xs[t] + b_n",
               hint="The input enters the candidate as it is. It enters as tanh(x_t)."),
        Mutant(replace="xs[t] @ W_xz.T + b_z", by="xs[t] @ W_xz.T + h @ W_hr.T + b_z",
               hint="The update gate looks at the state. In MUT1 it looks at the input only."),
        Mutant(replace="xs[t] @ W_xr.T + h @ W_hr.T + b_r", by="xs[t] @ W_xr.T + b_r",
               hint="The reset gate does not look at the state."),
        Mutant(replace="h = hs[-1]", by="h = hs[0]",
               hint="Every step begins at the first state. Each step goes on from the one before."),
        Mutant(replace="return np.stack(hs)", by="return np.stack([*hs[1:], hs[-1]])",
               hint="The states are one step early. The first entry is h_0 = 0."),
    ],
    alternatives=[mutant_sequence_by_sequence, mutant_input_first],
)  # fmt: skip

EXERCISES = [mixture, gru_step, translate, gru_back, mutant]

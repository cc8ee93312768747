"""Exercises of chapter 6, the LSTM: cases, known mistakes, other correct ways."""

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case, given


def sigma(a):
    """The logistic function."""
    return 1 / (1 + np.exp(-a))


# ---- counting ----------------------------------------------------------------------------------------------------


def count_inputs(rng, D, H, two_biases):
    """D, H, two_biases."""
    return D, H, two_biases


def count_gate_by_gate(D, H, two_biases):
    """Gate by gate, from the shapes of the arrays."""
    total = 0
    for _gate in "ifgo":
        shapes = [(H, D), (H, H), (H,)] + ([(H,)] if two_biases else [])
        total += sum(int(np.prod(shape)) for shape in shapes)
    return total


def count_stacked(D, H, two_biases):
    """From the stacked arrays (4H, D + H + 1 or 2)."""
    return np.zeros((4 * H, D + H + 1 + two_biases)).size


count_lstm = Exercise(
    id="06-count",
    title="Counting an LSTM",
    function="count_lstm",
    returns=("count",),
    inputs=count_inputs,
    public=[
        given("D=10, H=20", 10, 20, False),
        given("one input, one unit", 1, 1, False),
        given("two biases, as in PyTorch", 3, 5, True),
    ],
    hidden={"D": range(1, 20), "H": range(1, 20), "two_biases": (False, True)},
    mutants=[
        Mutant(replace="4 * (H * D + H * H + biases)", by="3 * (H * D + H * H + biases)",
               hint="Three sets are counted. The candidate g has weights of its own too: there are four."),
        Mutant(replace="4 * (H * D + H * H + biases)", by="H * D + H * H + biases",
               hint="This is one gate alone."),
        Mutant(replace="H * D + H * H + biases", by="H * D + biases",
               hint="The recurrent weights, H times H in each gate, are missing."),
        Mutant(replace="H * D + H * H + biases", by="H * D + D * D + biases",
               hint="The recurrent weights are counted as D times D. They lead from H units to H units."),
        Mutant(replace="4 * (H * D + H * H + biases)", by="4 * (H * D + H * H) + biases",
               hint="The biases are counted for one gate only."),
        Mutant(replace="2 * H if two_biases else H", by="H",
               hint="With two_biases each gate has 2H biases."),
        Mutant(replace="2 * H if two_biases else H", by="0", hint="The biases are missing."),
    ],
    alternatives=[count_gate_by_gate, count_stacked],
)  # fmt: skip


# ---- forward -----------------------------------------------------------------------------------------------------


def step_inputs(rng, B, D, H):
    """x (B, D), h_prev, c_prev (B, H), W_x (4H, D), W_h (4H, H), b (4H,)."""
    W_x, W_h = rng.normal(size=(4 * H, D)) / np.sqrt(D), rng.normal(size=(4 * H, H)) / np.sqrt(H)
    h_prev, c_prev = np.tanh(rng.normal(size=(B, H))), rng.normal(size=(B, H))
    return rng.normal(size=(B, D)), h_prev, c_prev, W_x, W_h, 0.5 * rng.normal(size=4 * H)


def lstm_step_four_matrices(x, h_prev, c_prev, W_x, W_h, b):
    """Each gate with its own matrix, as many lectures write it."""
    H = len(b) // 4
    a = [x @ W_x[k * H : (k + 1) * H].T + h_prev @ W_h[k * H : (k + 1) * H].T + b[k * H : (k + 1) * H] for k in range(4)]
    c = sigma(a[1]) * c_prev + sigma(a[0]) * np.tanh(a[2])
    return sigma(a[3]) * np.tanh(c), c


def lstm_step_one_by_one(x, h_prev, c_prev, W_x, W_h, b):
    """One example at a time, with the joined matrix on [h; x]."""
    W = np.hstack([W_h, W_x])
    hs, cs = np.zeros_like(h_prev), np.zeros_like(c_prev)
    for n in range(len(x)):
        i, f, g, o = np.split(W @ np.concatenate([h_prev[n], x[n]]) + b, 4)
        cs[n] = c_prev[n] / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        hs[n] = np.tanh(cs[n]) / (1 + np.exp(-o))
    return hs, cs


SPLIT = "i, f, g, o = np.split(a, 4, axis=-1)"

lstm_step = Exercise(
    id="06-lstm-step",
    title="One step of the LSTM",
    function="lstm_step",
    returns=("h", "c"),
    inputs=step_inputs,
    public=[
        case("D≠H", B=2, D=3, H=2),
        case("one sequence, B=1", B=1, D=2, H=3),
        case("D=H", B=3, D=3, H=3),
        case("one unit, H=1", B=2, D=2, H=1),
        given("nothing comes in, gates at 0.5", np.zeros((1, 1)), np.zeros((1, 2)), np.array([[1.0, -0.5]]), np.ones((8, 1)),
              np.ones((8, 2)), np.zeros(8)),
        given("very large pre-activations", np.array([[2000.0]]), np.zeros((1, 1)), np.array([[0.3]]),
              np.array([[-1.0], [1.0], [1.0], [-1.0]]), np.zeros((4, 1)), np.zeros(4)),
    ],
    hidden={"B": range(1, 6), "D": range(1, 6), "H": range(1, 6)},
    mutants=[
        Mutant(replace=SPLIT, by="i, f, o, g = np.split(a, 4, axis=-1)",
               hint="The gates are cut in the order i, f, o, g. The stacked arrays have i, f, g, o."),
        Mutant(replace="sigmoid(f) * c_prev", by="sigmoid(f) * h_prev",
               hint="The forget gate multiplies the old hidden state. It is the old cell, c_prev, that is kept."),
        Mutant(replace="np.tanh(g)", by="sigmoid(g)",
               hint="The candidate goes through the sigmoid. It must be able to be negative: it is a tanh."),
        Mutant(replace="sigmoid(o) * np.tanh(c)", by="sigmoid(o) * c",
               hint="The cell is shown as it is. h = o * tanh(c)."),
        Mutant(replace="sigmoid(o) * np.tanh(c)", by="sigmoid(o) * np.tanh(c_prev)",
               hint="The old cell is shown. The output gate acts on the new one."),
        Mutant(replace="sigmoid(f) * c_prev", by="c_prev", hint="The forget gate is missing."),
        Mutant(replace="sigmoid(i) * np.tanh(g)", by="np.tanh(g)", hint="The input gate is missing."),
        Mutant(replace="sigmoid(f) * c_prev + sigmoid(i)", by="sigmoid(i) * c_prev + sigmoid(f)",
               hint="Input and forget gate have changed places: f multiplies the old cell, i the candidate."),
        Mutant(replace="sigmoid(f) * c_prev", by="(1 - sigmoid(f)) * c_prev",
               hint="1 - f multiplies the old cell. In spite of its name the gate says what is kept: f = 1 keeps."),
        Mutant(replace=" + b  #", by="  #", hint="The bias is missing from the pre-activations."),
        Mutant(replace="return h, c", by="return c, h", hint="h and c are returned in the other order."),
    ],
    alternatives=[
        Alternative(replace=SPLIT, by="H = h_prev.shape[1]\n    i, f, g, o = (a[:, k * H : (k + 1) * H] for k in range(4))",
                    about="cut by slices"),
        Alternative(replace="a = x @ W_x.T + h_prev @ W_h.T + b",
                    by="a = np.hstack([h_prev, x]) @ np.hstack([W_h, W_x]).T + b", about="one product with [h; x]"),
    ],
)  # fmt: skip


# ---- the order of the gates --------------------------------------------------------------------------------------


def order_inputs(rng, D, H):
    """W (4H, H + D), bias (4H,)."""
    return rng.normal(size=(4 * H, H + D)), rng.normal(size=4 * H)


def reorder_by_blocks(W, bias):
    """Blocks of a (4, H, ...) array."""
    H = len(bias) // 4
    blocks, biases = W.reshape(4, H, -1)[[0, 1, 3, 2]], bias.reshape(4, H)[[0, 1, 3, 2]]
    return blocks[..., H:].reshape(4 * H, -1), blocks[..., :H].reshape(4 * H, H), biases.ravel()


def reorder_by_a_matrix(W, bias):
    """A permutation matrix from the left."""
    H = len(bias) // 4
    P = np.kron(np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]), np.eye(H))
    return (P @ W)[:, H:], (P @ W)[:, :H], P @ bias


reorder_gates = Exercise(
    id="06-gate-order",
    title="Another order of the gates",
    function="reorder_gates",
    returns=("W_x", "W_h", "b"),
    inputs=order_inputs,
    public=[
        case("D≠H", D=3, H=2),
        case("D=H", D=2, H=2),
        case("one unit, H=1", D=2, H=1),
        case("one input, D=1", D=1, H=3),
    ],
    hidden={"D": range(1, 6), "H": range(1, 6)},
    mutants=[
        Mutant(replace="np.concatenate([i, f, g, o])", by="np.concatenate([i, f, o, g])",
               hint="The rows are still in the lecture's order."),
        Mutant(replace="return W[rows, H:], W[rows, :H], bias[rows]", by="return W[rows, :-H], W[rows, -H:], bias[rows]",
               hint="The columns are cut as if x came first. The matrix acts on [h; x]: the first H columns belong to h."),
        Mutant(replace="bias[rows]", by="bias", hint="The bias keeps the lecture's order. It must follow its rows."),
        Mutant(replace="return W[rows, H:], W[rows, :H], bias[rows]", by="return W[rows, :H], W[rows, H:], bias[rows]",
               hint="W_x and W_h have changed places: W_x is asked for first."),
        Mutant(replace="np.concatenate([i, f, g, o])", by="np.concatenate([i, g, f, o])",
               hint="f and g have changed places. The order is i, f, g, o."),
        Mutant(replace="return W[rows, H:]", by="return W[:, H:]", hint="The rows of W_x keep the lecture's order."),
    ],
    alternatives=[reorder_by_blocks, reorder_by_a_matrix],
)  # fmt: skip


# ---- the path along the cell -------------------------------------------------------------------------------------


def kept_inputs(rng, T, H):
    """fs (T, H) in (0, 1)."""
    return (sigma(rng.normal(size=(T, H)) + 1),)


def kept_by_cumprod(fs):
    """The cumulative product of the reversed gates."""
    return np.concatenate([np.cumprod(fs[::-1], axis=0)[::-1], np.ones((1, fs.shape[1]))])


def kept_by_products(fs):
    """A product for each entry, in float32."""
    fs = fs.astype(np.float32)
    return np.array([np.prod(fs[t:], axis=0) for t in range(len(fs) + 1)])


kept_by_the_cell = Exercise(
    id="06-kept",
    title="What the cell keeps",
    function="kept_by_the_cell",
    returns=("kept",),
    inputs=kept_inputs,
    public=[
        case("four steps", T=4, H=2),
        case("one step, T=1", T=1, H=3),
        case("one unit, H=1", T=6, H=1),
        given("a gate that forgets everything", np.array([[0.5], [0.0], [0.8]])),
    ],
    hidden={"T": range(1, 12), "H": range(1, 5)},
    mutants=[
        Mutant(replace="return kept", by="return np.concatenate([kept[:1] ** 0, np.cumprod(fs, axis=0)])",
               hint="This is the product of the gates from step 1 up to t. Asked for are the gates after t, up to T."),
        Mutant(replace="kept[t] * fs[t - 1]", by="kept[t] * fs[t - 2]",
               hint="The gate is one step off: from c_t to c_{t-1} the gradient meets the gate of step t, fs[t - 1]."),
        Mutant(replace="kept[t] * fs[t - 1]", by="fs[t - 1]",
               hint="These are the gates themselves. The shares multiply up along the way."),
        Mutant(replace="kept[t] * fs[t - 1]", by="kept[t] * (1 - fs[t - 1])",
               hint="1 - f multiplies. The gate says what is kept: f."),
        Mutant(replace="return kept", by="return kept[::-1]",
               hint="The entries are in reverse order: the first belongs to c_0, the last to c_T."),
        Mutant(replace="return kept", by="return kept * kept[:1]",
               hint="Everything is multiplied by the whole product once more. The last entry must be 1."),
    ],
    alternatives=[kept_by_cumprod, kept_by_products],
)  # fmt: skip


# ---- backward ----------------------------------------------------------------------------------------------------


def back_inputs(rng, B, H):
    """i, f, g, o, c_prev, c, dh, dc (B, H), W_h (4H, H)."""
    i, f, o = (sigma(rng.normal(size=(B, H))) for _ in range(3))
    g, c_prev = np.tanh(rng.normal(size=(B, H))), rng.normal(size=(B, H))
    return i, f, g, o, c_prev, f * c_prev + i * g, *rng.normal(size=(2, B, H)), rng.normal(size=(4 * H, H)) / np.sqrt(H)


def step_back_by_blocks(i, f, g, o, c_prev, c, dh, dc, W_h):
    """One block of W_h for each gate; the derivatives from the gates' logits."""
    H = i.shape[1]
    into_c = dc + dh * o / np.cosh(c) ** 2
    slope = {"i": i - i * i, "f": f - f * f, "g": (1 - g) * (1 + g), "o": o - o * o}
    other = {"i": into_c * g, "f": into_c * c_prev, "g": into_c * i, "o": dh * np.tanh(c)}
    parts = [slope[k] * other[k] for k in "ifgo"]
    dh_prev = sum(part @ W_h[k * H : (k + 1) * H] for k, part in enumerate(parts))
    return np.hstack(parts), dh_prev, f * into_c


def step_back_one_by_one(i, f, g, o, c_prev, c, dh, dc, W_h):
    """One example after the other, with diagonal matrices, in float32."""
    B, H = i.shape
    das, dh_prev, dc_prev = np.zeros((B, 4 * H), np.float32), np.zeros((B, H)), np.zeros((B, H))
    for n in range(B):
        shown = np.tanh(c[n])
        into_c = dc[n] + np.diag(o[n] - o[n] * shown**2) @ dh[n]
        into = np.concatenate([into_c * g[n], into_c * c_prev[n], into_c * i[n], dh[n] * shown])
        gate = np.concatenate([i[n], f[n], o[n]])
        di, df, do = np.split(gate * (1 - gate), 3)
        das[n] = np.diag(np.concatenate([di, df, 1 - g[n] ** 2, do])) @ into
        dh_prev[n], dc_prev[n] = W_h.T @ das[n], into_c * f[n]
    return das, dh_prev, dc_prev


lstm_step_back = Exercise(
    id="06-step-back",
    title="One step of the LSTM, backwards",
    function="lstm_step_back",
    returns=("da", "dh_prev", "dc_prev"),
    inputs=back_inputs,
    public=[
        case("a batch", B=2, H=3),
        case("one example, B=1", B=1, H=2),
        case("one unit, H=1", B=3, H=1),
    ],
    hidden={"B": range(1, 5), "H": range(1, 5)},
    mutants=[
        Mutant(replace="dc_total = dc + dh * o * (1 - tanh_c**2)", by="dc_total = dc",
               hint="What the cell receives through h is missing: h = o * tanh(c), so dh * o * (1 - tanh(c)^2) is added."),
        Mutant(replace="dc_total = dc + dh * o * (1 - tanh_c**2)", by="dc_total = dh * o * (1 - tanh_c**2)",
               hint="What the cell receives from later steps, dc, is thrown away."),
        Mutant(replace="dc_total * c_prev * f", by="dc_total * c * f",
               hint="The forget gate's gradient is built with the new cell. The gate multiplied c_prev."),
        Mutant(replace="dc_total * f\n", by="dc * f\n",
               hint="dc_prev is built with dc alone. The whole gradient of the cell, the share through h included, goes on."),
        Mutant(replace="dc_total * f\n", by="dc_total\n",
               hint="The cell's gradient goes back unchanged. On its way it is multiplied by the forget gate."),
        Mutant(replace="dh * tanh_c * o * (1 - o)", by="dh * c * o * (1 - o)",
               hint="The output gate multiplied tanh(c), not c."),
        Mutant(replace="dc_total * i * (1 - g**2)", by="dc_total * i * g * (1 - g)",
               hint="The candidate is a tanh: its derivative is 1 - g^2."),
        Mutant(replace="[da_i, da_f, da_g, da_o]", by="[da_i, da_f, da_o, da_g]",
               hint="The parts of da are in the order i, f, o, g. Ours is i, f, g, o."),
        Mutant(replace="dc_total * g * i * (1 - i)", by="dc_total * i * (1 - i)",
               hint="The input gate's gradient lacks the other factor of its product, the candidate g."),
        Mutant(replace="dc + dh * o * (1 - tanh_c**2)", by="dc + dh * o * (1 - c**2)",
               hint="The derivative of tanh is written with c. It is 1 - tanh(c)^2."),
    ],
    alternatives=[step_back_by_blocks, step_back_one_by_one],
)  # fmt: skip

EXERCISES = [count_lstm, lstm_step, reorder_gates, kept_by_the_cell, lstm_step_back]

"""Exercises of chapter 3, the recurrent neuron: cases, known mistakes, other correct ways."""

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case, given


def step_inputs(rng, B, D, H):
    """x (B, D), h_prev (B, H), W_xh (H, D), W_hh (H, H), b_h (H,); scaled so that tanh stays off its limits."""
    x, h_prev = rng.normal(size=(B, D)), np.tanh(rng.normal(size=(B, H)))
    W_xh, W_hh = rng.normal(size=(H, D)) / np.sqrt(D), rng.normal(size=(H, H)) / np.sqrt(H)
    return x, h_prev, W_xh, W_hh, 0.5 * rng.normal(size=H)


def rnn_step_in_loops(x, h_prev, W_xh, W_hh, b_h):
    """One example and one unit at a time, as the equation is written."""
    h = np.empty_like(h_prev)
    for b in range(x.shape[0]):
        for j in range(len(b_h)):
            a = b_h[j]
            for d in range(x.shape[1]):
                a += W_xh[j, d] * x[b, d]
            for k in range(h_prev.shape[1]):
                a += W_hh[j, k] * h_prev[b, k]
            h[b, j] = np.tanh(a)
    return h


def rnn_step_joined(x, h_prev, W_xh, W_hh, b_h):
    """One product with the joined weights [W_hh | W_xh]."""
    return np.tanh(np.hstack([h_prev, x]) @ np.hstack([W_hh, W_xh]).T + b_h)


def rnn_step_in_float32(x, h_prev, W_xh, W_hh, b_h):
    """Everything in single precision."""
    x, h_prev, W_xh, W_hh, b_h = (v.astype(np.float32) for v in (x, h_prev, W_xh, W_hh, b_h))
    return np.tanh(x @ W_xh.T + h_prev @ W_hh.T + b_h)


rnn_step = Exercise(
    id="03-rnn-step",
    title="One step of the recurrent neuron",
    function="rnn_step",
    returns=("h",),
    inputs=step_inputs,
    public=[
        case("D≠H", B=2, D=3, H=4),
        case("one sequence, B=1", B=1, D=2, H=3),
        case("D=H", B=3, D=3, H=3),
        case("one unit, H=1", B=2, D=4, H=1),
        given("no input, x=0", np.zeros((2, 3)), np.array([[0.5, -0.2], [0.0, 0.3]]), np.ones((2, 3)),
              np.array([[0.5, 1.0], [-1.0, 0.2]]), np.array([0.1, -0.3])),
    ],
    hidden={"B": range(1, 7), "D": range(1, 9), "H": range(1, 9)},
    mutants=[
        Mutant(replace="h_prev @ W_hh.T", by="h_prev @ W_hh",
               hint="W_hh is used untransposed. It is (out, in), and a batch has its examples in rows, "
                    "so the product is with the transpose."),
        Mutant(replace="x @ W_xh.T", by="x @ W_xh",
               hint="W_xh is used untransposed. That runs only where D = H, and is wrong there too: it is (H, D), "
                    "and the examples are rows."),
        Mutant(replace=" + b_h", by="",
               hint="The bias b_h is missing from the pre-activation."),
        Mutant(replace="np.tanh(a)", by="a",
               hint="The pre-activation is returned as it stands. The activation tanh is missing."),
        Mutant(replace="h_prev @ W_hh.T", by="0 * h_prev @ W_hh.T",
               hint="The previous state has no effect. Without h_prev this is a dense layer; "
                    "the second weight set W_hh makes it recurrent."),
        Mutant(replace=(" + b_h", "np.tanh(a)"), by=("", "np.tanh(a) + b_h"),
               hint="The bias is added outside the tanh. It belongs to the pre-activation, inside."),
        Mutant(replace=("x @ W_xh.T + h_prev @ W_hh.T", "np.tanh(a)"),
               by=("np.tanh(x @ W_xh.T) + np.tanh(h_prev @ W_hh.T)", "a"),
               hint="There is a tanh for each share. Add the shares and the bias first; one tanh goes around the sum."),
        Mutant(replace="np.tanh(a)", by="1 / (1 + np.exp(-a))",
               hint="The activation is the logistic sigmoid. Our recurrent neuron uses tanh."),
        Mutant(replace="np.tanh(a)", by="np.tanh(a) + h_prev",
               hint="The previous state is added to the new one outside the tanh. It belongs inside, through W_hh."),
        Mutant(replace="return np.tanh(a)", by="h_prev[:] = np.tanh(a)\n    return h_prev",
               hint="The previous state h_prev is overwritten. Give the new state a name of its own: "
                    "the gradient will need both."),
    ],
    alternatives=[
        rnn_step_in_loops,
        rnn_step_joined,
        rnn_step_in_float32,
        Alternative(replace="np.tanh(a)", by="1 - 2 / (1 + np.exp(2 * a))", about="tanh written with exp"),
    ],
)  # fmt: skip


def count_inputs(rng, D, H):
    return D, H


def parameter_count_from_arrays(D, H):
    """Counted on real arrays."""
    return np.zeros((H, D)).size + np.zeros((H, H)).size + np.zeros(H).size


parameter_count = Exercise(
    id="03-parameter-count",
    title="Counting the parameters",
    function="parameter_count",
    returns=("count",),
    inputs=count_inputs,
    public=[
        case("D=2, H=3", D=2, H=3),
        case("D=1, H=1", D=1, H=1),
        case("D=64, H=128", D=64, H=128),
        case("D=200, H=50", D=200, H=50),
    ],
    hidden={"D": range(1, 400), "H": range(1, 400)},
    mutants=[
        Mutant(replace=" + H * H", by="", hint="The recurrent weights W_hh are not counted: (H, H) numbers."),
        Mutant(replace=" + H\n", by="\n", hint="The bias b_h is not counted: one number for each unit."),
        Mutant(replace=" + H\n", by=" + 2 * H\n",
               hint="The bias is counted twice. torch.nn.RNN keeps two bias vectors that only ever act as their sum; "
                    "our layer has one."),
        Mutant(replace="H * H", by="H",
               hint="W_hh is counted as one number for each unit. Every unit hears every unit: (H, H)."),
        Mutant(replace="H * D", by="D",
               hint="W_xh is counted as one number for each input. Every unit hears every input: (H, D)."),
        Mutant(replace="H * D", by="D * D",
               hint="W_xh is counted as (D, D). It leads from D inputs to H units: (H, D)."),
    ],
    alternatives=[
        parameter_count_from_arrays,
        Alternative(replace="H * D + H * H + H\n", by="H * (D + H + 1)\n", about="H rows of D + H + 1 numbers"),
    ],
)  # fmt: skip


def mask_of(rng, T, B):
    """(T, B), True at real steps: lengths between 1 and T, one of them T."""
    lengths = rng.integers(1, T + 1, B)
    lengths[rng.integers(B)] = T
    return np.arange(T)[:, None] < lengths


def sequence_inputs(rng, T, B, D, H, masked):
    """xs (T, B, D), h0 (B, H), mask (T, B), W_xh, W_hh, b_h."""
    _, h0, W_xh, W_hh, b_h = step_inputs(rng, B, D, H)
    mask = mask_of(rng, T, B) if masked else np.ones((T, B), bool)
    return rng.normal(size=(T, B, D)), h0, mask, W_xh, W_hh, b_h


def rnn_sequence_filled(xs, h0, mask, W_xh, W_hh, b_h):
    """Into an array made beforehand, with the mask as a factor."""
    hs = np.empty((len(xs) + 1, *h0.shape))
    hs[0] = h0
    for t in range(len(xs)):
        m = mask[t].astype(float)[:, None]
        hs[t + 1] = m * np.tanh(xs[t] @ W_xh.T + hs[t] @ W_hh.T + b_h) + (1 - m) * hs[t]
    return hs


def rnn_sequence_one_by_one(xs, h0, mask, W_xh, W_hh, b_h):
    """One sequence after the other, each to its own length, in float32."""
    T, B = mask.shape
    hs = np.repeat(h0[None].astype(np.float32), T + 1, axis=0)
    for b in range(B):
        for t in range(T):
            old = hs[t, b]
            hs[t + 1, b] = np.tanh(W_xh @ xs[t, b] + W_hh @ old + b_h) if mask[t, b] else old
    return hs


rnn_sequence = Exercise(
    id="03-rnn-sequence",
    title="The whole sequence, with padding",
    function="rnn_sequence",
    returns=("hs",),
    inputs=sequence_inputs,
    public=[
        case("no padding, D≠H", T=4, B=2, D=3, H=2, masked=False),
        case("one step, T=1", T=1, B=3, D=2, H=2, masked=False),
        case("padding", T=5, B=3, D=2, H=3, masked=True),
        case("one sequence, B=1", T=3, B=1, D=2, H=4, masked=False),
    ],
    hidden={"T": range(1, 8), "B": range(1, 5), "D": range(1, 5), "H": range(1, 5), "masked": (False, True)},
    mutants=[
        Mutant(replace="hs = [h0]", by="hs = [np.zeros_like(h0)]",
               hint="The sequence starts from zeros. It should start from the state h0 that is given."),
        Mutant(replace="np.where(mask[t][:, None], h, hs[-1])", by="h",
               hint="Padding is read as if it were input. Where mask is False the state must be carried over."),
        Mutant(replace="np.where(mask[t][:, None], h, hs[-1])", by="np.where(mask[t][:, None], h, 0)",
               hint="The state is set to zero at padded steps. It should be carried over: h_t = h_{t-1}."),
        Mutant(replace="hs[-1] @ W_hh.T", by="h0 @ W_hh.T",
               hint="Every step reads h0. Step t must read the state that step t-1 left."),
        Mutant(replace="np.where(mask[t][:, None], h, hs[-1])", by="np.where(mask[t][:, None], hs[-1], h)",
               hint="The mask is the wrong way round: True marks a real step, False padding."),
        Mutant(replace="return np.stack(hs)", by="return np.stack(hs[1:])",
               hint="h_0 is missing from the result. hs has T+1 states, and hs[0] is h_0."),
        Mutant(replace="for t in range(len(xs)):", by="for t in reversed(range(len(xs))):",
               hint="The steps are taken from the last to the first. Read the sequence forwards."),
    ],
    alternatives=[rnn_sequence_filled, rnn_sequence_one_by_one],
)  # fmt: skip


def answer_inputs(rng, T, B, H, masked):
    """hs (T+1, B, H), lengths (B,), w_hy (H,), b_y: states after the last real step are set to nonsense."""
    mask = mask_of(rng, T, B) if masked else np.ones((T, B), bool)
    hs = np.tanh(rng.normal(size=(T + 1, B, H)))
    return hs, mask.sum(axis=0), rng.normal(size=H), float(np.round(rng.normal(), 2))


def last_answer_one_by_one(hs, lengths, w_hy, b_y):
    """Each sequence for itself."""
    logits = np.array([hs[n, b] @ w_hy + b_y for b, n in enumerate(lengths)])
    return 1 / (1 + np.exp(-logits))


last_answer = Exercise(
    id="03-last-answer",
    title="Reading the right state",
    function="last_answer",
    returns=("probability",),
    inputs=answer_inputs,
    public=[
        case("equal lengths", T=3, B=2, H=2, masked=False),
        case("different lengths", T=5, B=4, H=3, masked=True),
        case("one step, T=1", T=1, B=2, H=2, masked=False),
        case("one unit, H=1", T=4, B=3, H=1, masked=True),
    ],
    hidden={"T": range(1, 8), "B": range(1, 6), "H": range(1, 5), "masked": (False, True)},
    mutants=[
        Mutant(replace="hs[lengths, np.arange(len(lengths))]", by="hs[-1]",
               hint="The state after the last step of the batch is read. A shorter sequence ended before: read the "
                    "state after its own last word, hs[length]."),
        Mutant(replace="hs[lengths, np.arange(len(lengths))]", by="hs[lengths - 1, np.arange(len(lengths))]",
               hint="This is one step early. hs[0] is h_0, so the state after n words is hs[n]."),
        Mutant(replace="hs[lengths, np.arange(len(lengths))]", by="hs[1:].mean(axis=0)",
               hint="The states are averaged. Here only the state after the last word is read."),
        Mutant(replace="hs[lengths, np.arange(len(lengths))]", by="hs[lengths]",
               hint="hs[lengths] picks whole time steps, with all sequences in each: (B, B, H). Give the sequence as a second "
                    "index: hs[lengths, np.arange(len(lengths))]."),
        Mutant(replace="1 / (1 + np.exp(-logits))", by="np.tanh(logits)",
               hint="The activation is tanh, which goes from -1 to 1. A probability comes from the sigmoid."),
        Mutant(replace="1 / (1 + np.exp(-logits))", by="logits",
               hint="These are the logits. The sigmoid, which makes them probabilities, is missing."),
        Mutant(replace="1 / (1 + np.exp(-logits))", by="1 / (1 + np.exp(logits))",
               hint="The sign inside the exponential is wrong: this is the probability of the other answer."),
        Mutant(replace=" + b_y", by="", hint="The bias b_y is missing."),
    ],
    alternatives=[
        last_answer_one_by_one,
        Alternative(replace="1 / (1 + np.exp(-logits))", by="0.5 * (1 + np.tanh(0.5 * logits))",
                    about="the sigmoid written with tanh"),
    ],
)  # fmt: skip


def jordan_inputs(rng, B, D, H, V):
    """x (B, D), y_prev (B, V), W_xh (H, D), W_yh (H, V), b_h (H,), W_hy (V, H), b_y (V,)."""
    y_prev = rng.dirichlet(np.ones(V), size=B) if V > 1 else np.ones((B, 1))
    return (rng.normal(size=(B, D)), y_prev, rng.normal(size=(H, D)), rng.normal(size=(H, V)), rng.normal(size=H),
            rng.normal(size=(V, H)), rng.normal(size=V))  # fmt: skip


def jordan_step_in_loops(x, y_prev, W_xh, W_yh, b_h, W_hy, b_y):
    """One example at a time, with column vectors as in the equation."""
    answers = []
    for x_b, y_b in zip(x, y_prev):
        h = np.tanh(W_xh @ x_b + W_yh @ y_b + b_h)
        logits = W_hy @ h + b_y
        e = np.exp(logits - logits.max())
        answers.append(e / e.sum())
    return np.array(answers)


def jordan_step_in_float32(x, y_prev, W_xh, W_yh, b_h, W_hy, b_y):
    """Joined weights, single precision."""
    both = np.hstack([x, y_prev]).astype(np.float32)
    h = np.tanh(both @ np.hstack([W_xh, W_yh]).T.astype(np.float32) + b_h)
    logits = h @ W_hy.T + b_y
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (e / e.sum(axis=1, keepdims=True)).astype(np.float32)


jordan_step = Exercise(
    id="03-jordan-step",
    title="Jordan's step",
    function="jordan_step",
    returns=("y",),
    inputs=jordan_inputs,
    public=[
        case("all sizes different", B=2, D=4, H=5, V=3),
        case("one sequence, B=1", B=1, D=2, H=3, V=2),
        case("D=V", B=3, D=3, H=2, V=3),
        case("H=V", B=2, D=2, H=3, V=3),
        given("large logits", np.ones((2, 1)), np.array([[1.0, 0.0], [0.0, 1.0]]), np.ones((1, 1)), np.zeros((1, 2)),
              np.zeros(1), np.array([[1000.0], [1001.0]]), np.zeros(2)),
    ],
    hidden={"B": range(1, 5), "D": range(1, 6), "H": range(1, 6), "V": range(2, 6)},
    mutants=[
        Mutant(replace="y_prev @ W_yh.T", by="0 * y_prev @ W_yh.T",
               hint="The previous output has no effect. It is the memory of this network."),
        Mutant(replace="np.exp(shifted).sum(axis=1, keepdims=True)", by="np.exp(shifted).sum()",
               hint="The softmax is taken over the whole batch. Each example has its own: sum along the last axis."),
        Mutant(replace="np.exp(shifted).sum(axis=1, keepdims=True)",
               by="np.exp(shifted).sum(axis=0, keepdims=True)",
               hint="The softmax runs down the batch. It belongs along the last axis, over the V answers."),
        Mutant(replace="return np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)", by="return logits",
               hint="These are the logits. The softmax, which makes them probabilities, is missing."),
        Mutant(replace=("logits - logits.max(axis=1, keepdims=True)", "np.exp(shifted).sum(axis=1, keepdims=True)"),
               by=("logits", "np.exp(shifted).sum()"),
               hint="The probabilities of the whole batch add up to one. Each row has its own sum: divide by the sum along "
                    "the last axis, with keepdims=True."),
        Mutant(replace=("logits - logits.max(axis=1, keepdims=True)", "np.exp(shifted).sum(axis=1, keepdims=True)"),
               by=("logits", "np.exp(shifted).sum(axis=0)"),
               hint="The columns add up to one, not the rows. Sum along the last axis, over the V answers, with keepdims=True."),
        Mutant(replace="logits - logits.max(axis=1, keepdims=True)", by="logits",
               hint="np.exp overflows when a logit is large. Subtract the largest logit of each row first: the result is "
                    "the same."),
        Mutant(replace="h = np.tanh(a)", by="h = a", hint="The tanh of the hidden units is missing."),
        Mutant(replace=" + b_y", by="", hint="The bias of the output, b_y, is missing."),
        Mutant(replace=" + b_h", by="", hint="The bias of the hidden units, b_h, is missing."),
    ],
    alternatives=[jordan_step_in_loops, jordan_step_in_float32],
)  # fmt: skip

EXERCISES = [parameter_count, rnn_step, rnn_sequence, last_answer, jordan_step]

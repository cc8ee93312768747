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
        Mutant(replace=" + b_h", by="",
               hint="The bias b_h is missing from the pre-activation."),
        Mutant(replace="np.tanh(a)", by="a",
               hint="The pre-activation is returned as it stands. The activation tanh is missing."),
        Mutant(replace="h_prev @ W_hh.T", by="0 * h_prev @ W_hh.T",
               hint="The previous state has no effect. Without h_prev this is a dense layer; "
                    "the second weight set W_hh makes it recurrent."),
        Mutant(replace="np.tanh(a)", by="1 / (1 + np.exp(-a))",
               hint="The activation is the logistic sigmoid. Our recurrent neuron uses tanh."),
        Mutant(replace="np.tanh(a)", by="np.tanh(a) + h_prev",
               hint="The previous state is added to the new one outside the tanh. It belongs inside, through W_hh."),
        Mutant(replace="return np.tanh(a)", by="h_prev[:] = np.tanh(a)\n    return h_prev",
               hint="The new state is written into the array of the old one. Give it a name of its own: "
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

EXERCISES = [rnn_step, parameter_count]

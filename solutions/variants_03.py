"""Versions of exercises of chapter 3 for terms; the book shows those of tasks_03.py."""

import numpy as np

from course_pkg.exercises import Alternative, Mutant, Variant


def relu_in_loops(x, h_prev, W_xh, W_hh, b_h):
    """One example and one unit at a time."""
    h = np.zeros_like(h_prev)
    for b, j in np.ndindex(h.shape):
        a = W_xh[j] @ x[b] + W_hh[j] @ h_prev[b] + b_h[j]
        h[b, j] = a if a > 0 else 0.0
    return h


def relu_in_float32(x, h_prev, W_xh, W_hh, b_h):
    """Single precision, joined weights, a factor of 0 or 1."""
    both = np.hstack([x, h_prev]).astype(np.float32)
    a = both @ np.hstack([W_xh, W_hh]).T.astype(np.float32) + b_h.astype(np.float32)
    return a * (a > 0)


EQUATION = "$$h_t = \\tanh(W_{xh} x_t + W_{hh} h_{t-1} + b_h),$$"
LAYER = "Write one step of the layer,"
OUTSIDE = ["The pre-activation is returned", "The bias is added outside", "There is a tanh for each", "The previous state is added"]

rnn_step_relu = Variant(
    of="03-rnn-step",
    name="relu",
    says="the activation is ReLU",
    text=[(LAYER, "Write one step of the layer, with a ReLU in place of the tanh,"),
          (EQUATION, "$$h_t = \\max(0, W_{xh} x_t + W_{hh} h_{t-1} + b_h),$$")],
    code=[("np.tanh(a)", "np.maximum(a, 0)")],
    without=[*OUTSIDE, "The activation is the logistic", "The previous state h_prev is overwritten"],
    mutants=[
        Mutant(replace="np.maximum(a, 0)", by="a", hint="The pre-activation is returned as it stands. The ReLU is missing."),
        Mutant(replace="np.maximum(a, 0)", by="np.maximum(a, 0) + h_prev",
               hint="The previous state is added to the new one outside the ReLU. It belongs inside, through W_hh."),
        Mutant(replace=(" + b_h", "np.maximum(a, 0)"), by=("", "np.maximum(a, 0) + b_h"),
               hint="The bias is added outside the ReLU. It belongs to the pre-activation, inside."),
        Mutant(replace="np.maximum(a, 0)", by="np.minimum(a, 0)", hint="This keeps the negative part. A ReLU keeps the positive one."),
        Mutant(replace="np.maximum(a, 0)", by="np.abs(a)", hint="This is the absolute value. A ReLU makes negative numbers zero."),
        Mutant(replace="return np.maximum(a, 0)", by="h_prev[:] = np.maximum(a, 0)\n    return h_prev",
               hint="The previous state h_prev is overwritten. Give the new state a name of its own."),
    ],
    alternatives=[
        relu_in_loops,
        relu_in_float32,
        Alternative(replace="np.maximum(a, 0)", by="np.where(a > 0, a, 0.0)", about="np.where"),
    ],
)  # fmt: skip

rnn_step_sigmoid = Variant(
    of="03-rnn-step",
    name="sigmoid",
    says="the activation is the logistic sigmoid",
    text=[(LAYER, "Write one step of the layer, with the logistic sigmoid in place of the tanh,"),
          (EQUATION, "$$h_t = \\sigma(W_{xh} x_t + W_{hh} h_{t-1} + b_h), \\qquad \\sigma(a) = 1 / (1 + e^{-a}),$$")],
    code=[("np.tanh(a)", "1 / (1 + np.exp(-a))")],
    back=lambda x, h_prev, W_xh, W_hh, b_h: (x, h_prev, W_xh / 2, W_hh / 2, b_h / 2),
    result=lambda h, *_: (1 + h) / 2,
    without=[*OUTSIDE, "The activation is the logistic"],
    mutants=[
        Mutant(replace="1 / (1 + np.exp(-a))", by="a",
               hint="The pre-activation is returned as it stands. The sigmoid is missing."),
        Mutant(replace="1 / (1 + np.exp(-a))", by="1 / (1 + np.exp(a))", hint="The sign inside the exponential is wrong."),
        Mutant(replace="1 / (1 + np.exp(-a))", by="1 / (1 + np.exp(-a)) + h_prev",
               hint="The previous state is added to the new one outside the sigmoid. It belongs inside, through W_hh."),
        Mutant(replace=(" + b_h", "1 / (1 + np.exp(-a))"), by=("", "1 / (1 + np.exp(-a)) + b_h"),
               hint="The bias is added outside the sigmoid. It belongs to the pre-activation, inside."),
    ],
)  # fmt: skip

rnn_step_in_out = Variant(
    of="03-rnn-step",
    name="in-out",
    says="weights are (in, out)",
    text=[
        (LAYER, "Write one step of the layer, with examples as rows and weights (in, out), as some lectures have them,"),
        (EQUATION, "$$h_t = \\tanh(x_t W_{xh} + h_{t-1} W_{hh} + b_h),$$"),
        ("`W_xh` (H, D), `W_hh` (H, H) and `b_h` (H,). Return", "`W_xh` (D, H), `W_hh` (H, H) and `b_h` (H,). Return"),
        ("The equation is written for one column vector. In the code every example is a row, so each product is with a\n"
         "transposed matrix, and its shapes are (B, in) times (in, out).",
         "Every example is a row, and so the equation can be written down as it stands: (B, in) times (in, out)."),
    ],
    code=[("x @ W_xh.T + h_prev @ W_hh.T", "x @ W_xh + h_prev @ W_hh")],
    arguments=lambda x, h_prev, W_xh, W_hh, b_h: (x, h_prev, W_xh.T.copy(), W_hh.T.copy(), b_h),
    without=["W_hh is used untransposed", "W_xh is used untransposed", "The previous state has no effect", "There is a tanh for each"],
    mutants=[
        Mutant(replace="h_prev @ W_hh", by="h_prev @ W_hh.T",
               hint="W_hh is transposed. Here it is (in, out): entry (i, j) leads from unit i to unit j."),
        Mutant(replace="x @ W_xh", by="x @ W_xh.T",
               hint="W_xh is transposed. That runs only where D = H, and is wrong there too: here it is (D, H)."),
        Mutant(replace="h_prev @ W_hh", by="0 * h_prev @ W_hh",
               hint="The previous state has no effect. Without h_prev this is a dense layer."),
        Mutant(replace=("x @ W_xh + h_prev @ W_hh", "np.tanh(a)"), by=("np.tanh(x @ W_xh) + np.tanh(h_prev @ W_hh)", "a"),
               hint="There is a tanh for each share. Add the shares and the bias first; one tanh goes around the sum."),
    ],
)  # fmt: skip


def time_second(xs, h0, mask, W_xh, W_hh, b_h):
    """(T, B, ...) to (B, T, ...) and back."""
    return xs.swapaxes(0, 1).copy(), h0, mask.T.copy(), W_xh, W_hh, b_h


CHOICE = "np.where(mask[t][:, None], h, hs[-1])"

rnn_sequence_batch_first = Variant(
    of="03-rnn-sequence",
    name="batch-first",
    says="sequences are (B, T, D)",
    text=[
        ("for $t = 1, \\dots, T$. `xs` is (T, B, D),\n`h0` is (B, H), and `mask` (T, B) is True at real steps.",
         "for $t = 1, \\dots, T$. In this task the batch comes first: `xs` is (B, T, D),\n`h0` is (B, H), and `mask` (B, T) is True "
         "at real steps."),
        ("`hs` with shape (T+1, B, H), `hs[0]` being $h_0$.", "`hs` with shape (B, T+1, H), `hs[:, 0]` being $h_0$."),
        ("`np.where(mask[t][:, None], new, old)`", "`np.where(mask[:, t, None], new, old)`"),
    ],
    code=[
        ("xs: (T, B, D), h0: (B, H), mask: (T, B) -> hs: (T+1, B, H), hs[0] = h_0",
         "xs: (B, T, D), h0: (B, H), mask: (B, T) -> hs: (B, T+1, H), hs[:, 0] = h_0"),
        ("range(len(xs))", "range(xs.shape[1])"), ("xs[t]", "xs[:, t]"), ("mask[t][:, None]", "mask[:, t, None]"),
        ("np.stack(hs)", "np.stack(hs, axis=1)"),
    ],
    arguments=time_second,
    result=lambda hs, *_: hs.swapaxes(0, 1),
    without=["h_0 is missing"],
    mutants=[
        Mutant(replace="np.stack(hs, axis=1)", by="np.stack(hs)",
               hint="The result is (T+1, B, H). In this task the batch comes first: stack along axis 1."),
        Mutant(replace="np.stack(hs, axis=1)", by="np.stack(hs[1:], axis=1)",
               hint="h_0 is missing from the result. hs has T+1 states, and hs[:, 0] is h_0."),
    ],
)  # fmt: skip

rnn_sequence_marks_padding = Variant(
    of="03-rnn-sequence",
    name="mask-marks-padding",
    says="the mask is True at padding",
    text=[("and `mask` (T, B) is True at real steps. Where it is False the sequence is over already",
           "and `padding` (T, B) is True at *padded* steps. Where it is True the sequence is over already"),
          ("`np.where(mask[t][:, None], new, old)`", "`np.where(padding[t][:, None], old, new)`")],
    code=[("def rnn_sequence(xs, h0, mask, ", "def rnn_sequence(xs, h0, padding, "),
          ("mask: (T, B) -> hs", "padding: (T, B) -> hs"), (CHOICE, "np.where(padding[t][:, None], hs[-1], h)")],
    arguments=lambda xs, h0, mask, *weights: (xs, h0, ~mask, *weights),
    without=["Padding is read", "The state is set to zero", "The mask is the wrong way"],
    mutants=[
        Mutant(replace="np.where(padding[t][:, None], hs[-1], h)", by="np.where(padding[t][:, None], h, hs[-1])",
               hint="The mask is the wrong way round. In this task True marks padding."),
        Mutant(replace="np.where(padding[t][:, None], hs[-1], h)", by="h",
               hint="Padding is read as if it were input. There the state must be carried over."),
        Mutant(replace="np.where(padding[t][:, None], hs[-1], h)", by="np.where(padding[t][:, None], 0, h)",
               hint="The state is set to zero at padded steps. It should be carried over: h_t = h_{t-1}."),
    ],
)  # fmt: skip

VARIANTS = [rnn_step_relu, rnn_step_sigmoid, rnn_step_in_out, rnn_sequence_batch_first, rnn_sequence_marks_padding]

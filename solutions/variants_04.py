"""Versions of exercises of chapter 4 for terms; the book shows those of tasks_04.py."""

from course_pkg.exercises import Mutant, Variant


def to_sigmoid(x, h_prev, h, dh, W_xh, W_hh):
    """tanh(a) becomes sigma(2a) = (1 + tanh(a)) / 2."""
    return x, h_prev, (1 + h) / 2, dh, W_xh, W_hh


def to_tanh(x, h_prev, h, dh, W_xh, W_hh):
    """And back: h (1 - h) is a quarter of 1 - (2h - 1)^2."""
    return x, h_prev, 2 * h - 1, dh, W_xh, W_hh


step_back_sigmoid = Variant(
    of="04-step-back",
    name="sigmoid",
    says="the activation is the logistic sigmoid",
    text=[
        ("The backward pass of $h_t = \\tanh(W_{xh} x_t + W_{hh} h_{t-1} + b_h)$ for a batch.",
         "The backward pass of $h_t = \\sigma(W_{xh} x_t + W_{hh} h_{t-1} + b_h)$ for a batch, with the logistic sigmoid in place "
         "of the tanh."),
        ("First `da`, as above;", "First `da`, with the derivative of the sigmoid written in its output;"),
    ],
    code=[("(1 - h**2)", "h * (1 - h)")],
    arguments=to_sigmoid,
    back=to_tanh,
    result=lambda value, *_: tuple(gradient / 4 for gradient in value),
    without=["The derivative of tanh", "tanh is taken twice", "dW_xh is built", "dx is built"],
    mutants=[
        Mutant(replace="dh * h * (1 - h)", by="dh * (1 - h**2)",
               hint="1 - h^2 is the derivative of tanh. The sigmoid's, written in its output, is h (1 - h)."),
        Mutant(replace="dh * h * (1 - h)", by="dh * 1.0", hint="The derivative of the sigmoid is missing: da = dh * h * (1 - h)."),
        Mutant(replace="dh * h * (1 - h)", by="dh * h_prev * (1 - h_prev)",
               hint="The derivative is taken at the old state h_prev. This step's output is h."),
        Mutant(replace="da.T @ x", by="dh.T @ x",
               hint="dW_xh is built with dh. The weights act before the sigmoid, so da must stand there."),
        Mutant(replace="da @ W_xh", by="dh @ W_xh",
               hint="dx is built with dh. The input acts before the sigmoid, so da must stand there."),
    ],
)  # fmt: skip

bptt_marks_padding = Variant(
    of="04-bptt",
    name="mask-marks-padding",
    says="the mask is True at padding",
    text=[
        ("`mask` (T, B) is True at\nreal steps. At a padded step",
         "`padding` (T, B) is True at\n*padded* steps. At a padded step"),
    ],
    code=[("def bptt(xs, hs, dhs, mask, ", "def bptt(xs, hs, dhs, padding, "), ("mask: (T, B) ->", "padding: (T, B) ->"),
          ("real = mask[t][:, None]", "real = ~padding[t][:, None]")],
    arguments=lambda xs, hs, dhs, mask, W_xh, W_hh: (xs, hs, dhs, ~mask, W_xh, W_hh),
    without=["Padded steps take part"],
    mutants=[
        Mutant(replace="~padding[t][:, None]", by="padding[t][:, None]",
               hint="The mask is the wrong way round. In this task True marks padding."),
        Mutant(replace="np.where(real, dh, 0)", by="dh",
               hint="Padded steps take part in the gradient. There nothing was computed."),
    ],
)  # fmt: skip

VARIANTS = [step_back_sigmoid, bptt_marks_padding]

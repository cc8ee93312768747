"""Versions of exercises of chapter 2 for terms; the book shows those of tasks_02.py."""

import numpy as np

from course_pkg.exercises import Mutant, Variant

dense_back_in_out = Variant(
    of="02-dense-back",
    name="in-out",
    says="weights are (in, out)",
    text=[
        ("Forwards, `a = x @ W.T + b` with `x` (B, I) and `W` (O, I).",
         "In this task weights are (in, out), as in some lectures: forwards, `a = x @ W + b` with `x` (B, I) and `W` (I, O)."),
        ("return a tuple of `dW` (O, I)", "return a tuple of `dW` (I, O)"),
        ("$a_i = \\sum_j W_{ij} x_j + b_i$ and ask what multiplies $W_{ij}$",
         "$a_j = \\sum_i x_i W_{ij} + b_j$ and ask what multiplies $W_{ij}$"),
    ],
    code=[("W: (O, I), da: (B, O) -> dW: (O, I)", "W: (I, O), da: (B, O) -> dW: (I, O)"),
          ("da.T @ x", "x.T @ da"), ("da @ W", "da @ W.T")],
    arguments=lambda x, W, da: (x, W.T.copy(), da),
    result=lambda value, *_: (value[0].T, value[1], value[2]),
    without=["dW is transposed", "dx uses W transposed", "dW holds the share of the last"],
    mutants=[
        Mutant(replace="x.T @ da", by="da.T @ x",
               hint="dW is transposed. It has the shape of W, here (in, out): entry (i, j) belongs to x_i and da_j."),
        Mutant(replace="da @ W.T", by="da @ W", hint="dx uses W as it is. Forwards x meets W; backwards da meets W.T."),
        Mutant(replace="x.T @ da", by="x[-1:].T @ da[-1:]",
               hint="dW holds the share of the last example only. Add up the shares of all examples."),
    ],
)  # fmt: skip

cross_entropy_in_bits = Variant(
    of="02-cross-entropy",
    name="bits",
    says="the loss is in bits",
    text=[("Return the loss, the mean of\n$-\\log p_{\\text{right class}}$ over the batch",
           "Return the loss *in bits*, the mean of\n$-\\log_2 p_{\\text{right class}}$ over the batch"),
          ("The gradient is the probabilities minus one at the right class, over B.",
           "In nats the gradient is the probabilities minus one at the right class, over B. How many nats is a bit?")],
    code=[
        ("-> loss, dlogits: (B, V).", "-> loss in bits, dlogits: (B, V)."),
        ("loss = -log_probs[rows, targets].mean()", "loss = -log_probs[rows, targets].mean() / np.log(2)"),
        ("return loss, dlogits / len(targets)", "return loss, dlogits / len(targets) / np.log(2)"),
    ],
    back=lambda logits, targets: (logits, targets),
    result=lambda value, *_: (value[0] / np.log(2), value[1] / np.log(2)),
    mutants=[
        Mutant(replace=" / len(targets) / np.log(2)", by=" / len(targets)",
               hint="The loss is in bits and its gradient in nats. Both have the factor 1 / ln 2."),
        Mutant(replace=(".mean() / np.log(2)", " / len(targets) / np.log(2)"),
               by=(".mean() * np.log(2)", " / len(targets) * np.log(2)"),
               hint="A bit is ln 2 = 0.69 nats, so a loss has more bits than nats: divide by ln 2."),
    ],
)  # fmt: skip

cross_entropy_sum = Variant(
    of="02-cross-entropy",
    name="sum",
    says="the loss is a sum over the batch",
    text=[("Return the loss, the mean of\n", "Return the loss, the *sum* of\n"),
          ("The gradient is the probabilities minus one at the right class, over B.",
           "The gradient is the probabilities minus one at the right class.")],
    code=[
        ("[rows, targets].mean()", "[rows, targets].sum()"),
        ("return loss, dlogits / len(targets)", "return loss, dlogits"),
    ],
    back=lambda logits, targets: (logits, targets),
    result=lambda value, logits, targets: (value[0] * len(targets), value[1] * len(targets)),
    without=["The loss is a mean", "The loss is a sum", "The gradient has the wrong sign", "The gradient is divided by B times"],
    mutants=[
        Mutant(replace=".sum()\n", by=".mean()\n", hint="The loss is a mean over the batch. Asked for is the sum."),
        Mutant(replace="return loss, dlogits", by="return loss, dlogits / len(targets)",
               hint="The gradient is that of a mean. The loss is a sum, so there is no factor 1/B."),
        Mutant(replace="return loss, dlogits", by="return loss, -dlogits",
               hint="The gradient has the wrong sign: probabilities minus one-hot, not the other way round."),
    ],
)  # fmt: skip


def as_sigmoids(x, targets, W_1, b_1, W_2, b_2):
    """tanh(a) = 2 sigma(2a) - 1: the same net with sigmoid units."""
    return x, targets, 2 * W_1, 2 * b_1, 2 * W_2, b_2 - W_2.sum(axis=1)


def from_sigmoids(value, *_):
    """The gradients of that net, taken back to the weights of this one."""
    dW_1, db_1, dW_2, db_2 = value
    return 2 * dW_1, 2 * db_1, 2 * dW_2 - db_2[:, None], db_2


net_gradient_tanh = Variant(
    of="02-net-gradient",
    name="tanh",
    says="the hidden units are tanh",
    text=[
        ("A net with one hidden layer of *sigmoid* units: $\\mathbf{h} = \\sigma(W_1 \\mathbf{x} + b_1)$",
         "A net with one hidden layer of *tanh* units: $\\mathbf{h} = \\tanh(W_1 \\mathbf{x} + b_1)$"),
        ("then the upper layer, `dh`, through the sigmoid to `da`", "then the upper layer, `dh`, through the tanh to `da`"),
        ("The derivative of the sigmoid, written in its output, is $h (1 - h)$.",
         "The derivative of tanh, written in its output, is $1 - h^2$."),
    ],
    code=[("h = 1 / (1 + np.exp(-(x @ W_1.T + b_1)))", "h = np.tanh(x @ W_1.T + b_1)"),
          ("da = dh * h * (1 - h)", "da = dh * (1 - h**2)")],
    back=as_sigmoids,
    result=from_sigmoids,
    without=["1 - h^2 is the derivative", "The derivative of the sigmoid", "dW_1 is built", "db_1 is built", "The bias b_1",
             "dW_2 is built with the pre"],
    mutants=[
        Mutant(replace="dh * (1 - h**2)", by="dh * h * (1 - h)",
               hint="h (1 - h) is the derivative of the sigmoid. That of tanh is 1 - h^2."),
        Mutant(replace="dh * (1 - h**2)", by="dh", hint="The derivative of tanh is missing between the layers."),
        Mutant(replace="da.T @ x", by="dh.T @ x",
               hint="dW_1 is built with dh. The weights act before the tanh, so da must stand there."),
        Mutant(replace="da.sum(axis=0)", by="dh.sum(axis=0)",
               hint="db_1 is built with dh. The bias acts before the tanh, so da must stand there."),
        Mutant(replace="np.tanh(x @ W_1.T + b_1)", by="np.tanh(x @ W_1.T)",
               hint="The bias b_1 is missing in the forward pass."),
        Mutant(replace="dlogits.T @ h", by="dlogits.T @ (x @ W_1.T + b_1)",
               hint="dW_2 is built with the pre-activation. The upper layer has read h, after the tanh."),
    ],
)  # fmt: skip

VARIANTS = [dense_back_in_out, cross_entropy_in_bits, cross_entropy_sum, net_gradient_tanh]

"""Versions of exercises of chapter 5 for terms; the book shows those of tasks_05.py."""

from course_pkg.exercises import Mutant, Variant

J = "np.diag(1 - h**2) @ W_hh"
ENTRY = "`J` (H, H) with $J_{ij} = \\partial h_{t,i} / \\partial h_{t-1,j}$."
HINT = "tanh acts on each unit after the matrix. So each *row* of the matrix gets one factor: the derivative of tanh at that unit"

jacobian_sigmoid = Variant(
    of="05-jacobian",
    name="sigmoid",
    says="the activation is the logistic sigmoid",
    text=[("$h_t = \\tanh(W_{hh} h_{t-1} + \\dots)$", "$h_t = \\sigma(W_{hh} h_{t-1} + \\dots)$, with the logistic sigmoid in place of tanh"),
          (HINT, "The sigmoid acts on each unit after the matrix. So each *row* of the matrix gets one factor: the derivative of the "
                 "sigmoid at that unit")],
    code=[("1 - h**2", "h * (1 - h)")],
    arguments=lambda h, W_hh: ((1 + h) / 2, W_hh),
    cases={"h=0: only the weights remain": "h=1/2: a quarter of the weights remains"},
    back=lambda h, W_hh: (2 * h - 1, W_hh),
    result=lambda value, *_: value / 4,
    without=["tanh is taken twice", "h (1 - h) is the derivative", "The derivative of tanh", "The diagonal stands"],
    mutants=[
        Mutant(replace="np.diag(h * (1 - h)) @ W_hh", by="W_hh @ np.diag(h * (1 - h))",
               hint="The diagonal stands on the wrong side: it scales the columns of W_hh. The sigmoid acts on what comes out "
                    "of W_hh, so the rows are scaled."),
        Mutant(replace="h * (1 - h)", by="1 - h**2", hint="1 - h^2 is the derivative of tanh. The sigmoid's is h (1 - h)."),
        Mutant(replace="np.diag(h * (1 - h)) @ W_hh", by="W_hh",
               hint="The derivative of the sigmoid is missing: this is the Jacobian of a linear network."),
    ],
)  # fmt: skip

jacobian_transposed = Variant(
    of="05-jacobian",
    name="transposed",
    says="the transpose, which carries gradients back",
    text=[(ENTRY, "the matrix that carries a gradient back, `J` (H, H) with $J_{ij} = \\partial h_{t,j} / \\partial h_{t-1,i}$: the "
                  "*transpose* of the Jacobian."),
          (HINT, "tanh acts on each unit after the matrix. So each row of the matrix gets one factor, before you transpose: the "
                 "derivative of tanh at that unit")],
    code=[(J, "W_hh.T @ np.diag(1 - h**2)")],
    back=lambda h, W_hh: (h, W_hh),
    result=lambda value, *_: value.T,
    without=["The diagonal stands", "This is the transpose"],
    mutants=[
        Mutant(replace="W_hh.T @ np.diag(1 - h**2)", by="np.diag(1 - h**2) @ W_hh.T",
               hint="The diagonal stands on the wrong side. Going back, a gradient meets tanh first and the weights then."),
        Mutant(replace="W_hh.T @ np.diag(1 - h**2)", by="np.diag(1 - h**2) @ W_hh",
               hint="This is the Jacobian itself. Asked for is its transpose."),
    ],
)  # fmt: skip

walk_sigmoid = Variant(
    of="05-walk",
    name="sigmoid",
    says="the activation is the logistic sigmoid",
    text=[("of a tanh RNN are given", "of an RNN with *sigmoid* units in place of tanh are given"),
          ("through the tanh of that step's output", "through the sigmoid of that step's output")],
    code=[("(1 - hs[t] ** 2)", "hs[t] * (1 - hs[t])")],
    arguments=lambda hs, W_hh, dh: ((1 + hs) / 2, W_hh, dh),
    back=lambda hs, W_hh, dh: (2 * hs - 1, W_hh / 4, dh),
    without=["The derivative of tanh is taken", "The derivative of tanh is missing"],
    mutants=[
        Mutant(replace="hs[t] * (1 - hs[t])", by="(1 - hs[t] ** 2)",
               hint="1 - h^2 is the derivative of tanh. The sigmoid's is h (1 - h)."),
        Mutant(replace="hs[t] * (1 - hs[t])", by="hs[t - 1] * (1 - hs[t - 1])",
               hint="The derivative is taken one step too early. Step t put out hs[t]."),
        Mutant(replace="dh * hs[t] * (1 - hs[t])", by="dh", hint="The derivative of the sigmoid is missing."),
    ],
)  # fmt: skip

VARIANTS = [jacobian_sigmoid, jacobian_transposed, walk_sigmoid]

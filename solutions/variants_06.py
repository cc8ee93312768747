"""Versions of exercises of chapter 6 for terms; the book shows those of tasks_06.py."""

import numpy as np

from course_pkg.exercises import Mutant, Variant


def in_order(order):
    """stack(W): gates in the order i, f, g, o -> in this order; unstack the other way."""
    to = ["ifgo".index(gate) for gate in order]
    return tuple(lambda W, k=k: np.concatenate([np.split(W, 4)[gate] for gate in k]) for k in (to, np.argsort(to)))


def lstm_step_in_order(order, second, hint):
    """lstm_step with the gates stacked in another order."""
    stack, unstack = in_order(order)
    cut = ", ".join(order) + " = np.split(a, 4, axis=-1)"
    wrong = ", ".join(second) + " = np.split(a, 4, axis=-1)"
    return Variant(
        of="06-lstm-step",
        name=f"gates-{order}",
        says=f"the gates are stacked in the order {', '.join(order)}",
        text=[("compute the new `h` and `c`, both (B, H),\nand return them in this order.",
               f"compute the new `h` and `c`, both (B, H),\nand return them in this order. In this task the gates are stacked in the "
               f"order **{', '.join(order)}**, and not as elsewhere in this notebook.")],
        code=[("i, f, g, o = np.split(a, 4, axis=-1)", cut)],
        arguments=lambda x, h_prev, c_prev, W_x, W_h, b: (x, h_prev, c_prev, stack(W_x), stack(W_h), stack(b)),
        back=lambda x, h_prev, c_prev, W_x, W_h, b: (x, h_prev, c_prev, unstack(W_x), unstack(W_h), unstack(b)),
        without=["The gates are cut"],
        mutants=[Mutant(replace=cut, by=wrong, hint=hint)],
    )  # fmt: skip


lstm_step_ifog = lstm_step_in_order(
    "ifog", "ifgo", "The gates are cut in the order i, f, g, o. In this task the stacked arrays have i, f, o, g."
)
lstm_step_figo = lstm_step_in_order(
    "figo", "fiog", "The gates are cut in the order f, i, o, g. In this task the stacked arrays have f, i, g, o."
)

reorder_x_first = Variant(
    of="06-gate-order",
    name="x-first",
    says="the lecture's matrix multiplies [x; h]",
    text=[
        ("of shape (4H, H + D) that multiplies $[h; x]$, the state first,", "of shape (4H, D + H) that multiplies $[x; h]$, the input first,"),
        ("The first H columns belong to h.", "The last H columns belong to h."),
    ],
    code=[("W: (4H, H + D) on [h; x]", "W: (4H, D + H) on [x; h]"),
          ("return W[rows, H:], W[rows, :H], bias[rows]", "return W[rows, :-H], W[rows, -H:], bias[rows]")],
    arguments=lambda W, bias: (np.hstack([W[:, len(bias) // 4 :], W[:, : len(bias) // 4]]), bias),
    back=lambda W, bias: (np.hstack([W[:, -(len(bias) // 4) :], W[:, : -(len(bias) // 4)]]), bias),
    without=["The columns are cut", "W_x and W_h have changed", "The rows of W_x keep"],
    mutants=[
        Mutant(replace="return W[rows, :-H], W[rows, -H:], bias[rows]", by="return W[rows, H:], W[rows, :H], bias[rows]",
               hint="The columns are cut as if h came first. The matrix acts on [x; h]: the last H columns belong to h."),
        Mutant(replace="return W[rows, :-H], W[rows, -H:], bias[rows]", by="return W[rows, -H:], W[rows, :-H], bias[rows]",
               hint="W_x and W_h have changed places: W_x is asked for first."),
        Mutant(replace="return W[rows, :-H]", by="return W[:, :-H]", hint="The rows of W_x keep the lecture's order."),
    ],
)  # fmt: skip

OURS = "[da_i, da_f, da_g, da_o]"
stack_ifog, unstack_ifog = in_order("ifog")


def da_in_order(value, *_):
    """The columns of da in the other order."""
    return stack_ifog(value[0].T).T, value[1], value[2]


step_back_ifog = Variant(
    of="06-step-back",
    name="gates-ifog",
    says="the gates are stacked in the order i, f, o, g",
    text=[("and `W_h` (4H, H). Return `da` (B, 4H), the gradient of the pre-activations in the order i, f, g, o,",
           "and `W_h` (4H, H). In this task the gates are stacked in the order **i, f, o, g**, and not as elsewhere in this notebook. "
           "Return `da` (B, 4H), the gradient of the pre-activations in this order,")],
    code=[(OURS, "[da_i, da_f, da_o, da_g]")],
    arguments=lambda *v: (*v[:-1], stack_ifog(v[-1])),
    back=lambda *v: (*v[:-1], unstack_ifog(v[-1])),
    result=da_in_order,
    without=["The parts of da"],
    mutants=[
        Mutant(replace="[da_i, da_f, da_o, da_g]", by=OURS,
               hint="The parts of da are in the order i, f, g, o. In this task it is i, f, o, g."),
    ],
)  # fmt: skip

VARIANTS = [lstm_step_ifog, lstm_step_figo, reorder_x_first, step_back_ifog]

"""Versions of exercises of chapter 7 for terms; the book shows those of tasks_07.py."""

import numpy as np

from course_pkg.exercises import Mutant, Variant

KEEPS = "(1 - z) * n + z * h_prev"
OVERWRITES = "z * n + (1 - z) * h_prev"


def z_turned(z, n, h_prev):
    """The gate of the other form."""
    return 1 - z, n, h_prev


mixture_overwrites = Variant(
    of="07-mixture",
    name="z-overwrites",
    says="z overwrites, it multiplies the candidate",
    text=[("z **keeps** the old state", "z **overwrites**: at $z = 1$ nothing of the old state is left"),
          (" At $z = 1$ nothing changes.", "")],
    code=[(KEEPS, OVERWRITES)],
    arguments=z_turned,
    cases={"z=1 keeps": "z=0 keeps", "z=0 takes the candidate": "z=1 takes the candidate"},
    without=["This z overwrites", "The candidate is added whole", "The old state is kept whole"],
    mutants=[
        Mutant(replace=OVERWRITES, by=KEEPS, hint="This z keeps. Here z overwrites: it multiplies the candidate."),
        Mutant(replace="z * n +", by="n +", hint="The candidate is added whole. Its share is z."),
        Mutant(replace="(1 - z) * h_prev", by="h_prev",
               hint="The old state is kept whole. Its share is what z leaves over, 1 - z."),
        Mutant(replace=OVERWRITES, by="z * n - (1 - z) * h_prev",
               hint="The old state is taken away. It is added, with the share 1 - z."),
    ],
)  # fmt: skip



def update_turned(*weights):
    """Stacked r, z, n with the update gate's rows negated: 1 - sigma(a) = sigma(-a)."""
    out = []
    for W in weights:
        r, z, n = np.split(W, 3)
        out.append(np.concatenate([r, -z, n]))
    return out


gru_step_overwrites = Variant(
    of="07-gru-step",
    name="z-overwrites",
    says="z overwrites, it multiplies the candidate",
    text=[("The chapter's form: reset gate after the product, z keeps.",
           "Reset gate after the product, as in the chapter, but here z **overwrites**: it multiplies the candidate, and 1 - z the old state.")],
    code=[(KEEPS, OVERWRITES)],
    back=lambda x, h_prev, W_x, W_h, b, b_hn: (x, h_prev, *update_turned(W_x, W_h, b), b_hn),
    result=lambda h, *_: h,
    without=["This z overwrites"],
    mutants=[Mutant(replace=OVERWRITES, by=KEEPS, hint="This z keeps. In this task z overwrites: it multiplies the candidate.")],
)  # fmt: skip


def first_two_swapped(W):
    """Blocks r, z, n to z, r, n, and back."""
    r, z, n = np.split(W, 3)
    return np.concatenate([z, r, n])


RZ = "r, z = sigmoid(a_x[0] + a_h[0]), sigmoid(a_x[1] + a_h[1])"
ZR = "z, r = sigmoid(a_x[0] + a_h[0]), sigmoid(a_x[1] + a_h[1])"

gru_step_zrn = Variant(
    of="07-gru-step",
    name="gates-zrn",
    says="the gates are stacked in the order z, r, n",
    text=[("The gates are stacked in the\norder r, z, n:",
           "In this task the gates are stacked in the\norder **z, r, n**, and not as elsewhere in this notebook:")],
    code=[(RZ, ZR)],
    arguments=lambda x, h_prev, W_x, W_h, b, b_hn: (x, h_prev, *map(first_two_swapped, (W_x, W_h, b)), b_hn),
    without=["Reset and update gate"],
    mutants=[Mutant(replace=ZR, by=RZ, hint="Reset and update gate are swapped. In this task the rows are stacked in the order z, r, n.")],
)  # fmt: skip

SLOPE = "da_z = dh * (h_prev - n) * z * (1 - z)"

gru_back_overwrites = Variant(
    of="07-gru-back",
    name="z-overwrites",
    says="z overwrites, it multiplies the candidate",
    text=[("The forward step has left", "In this task z **overwrites**: $h_t = z \\odot n + (1 - z) \\odot h_{t-1}$. The forward step has left"),
          ("the direct one with z, and one", "the direct one past the candidate, and one")],
    code=[(SLOPE, "da_z = dh * (n - h_prev) * z * (1 - z)"), ("da_n = dh * (1 - z) * (1 - n**2)", "da_n = dh * z * (1 - n**2)"),
          ("dh * z + da_r", "dh * (1 - z) + da_r")],
    arguments=lambda r, z, n, m, h_prev, dh, W_h: (r, 1 - z, n, m, h_prev, dh, W_h),
    back=lambda r, z, n, m, h_prev, dh, W_h: (r, 1 - z, n, m, h_prev, dh, *update_turned(W_h)),
    result=lambda value, *_: (value[0], -value[1], *value[2:]),
    without=["The direct path", "da_z has the wrong sign", "da_z lacks", "da_n lacks", "The candidate's share"],
    mutants=[
        Mutant(replace="dh * (1 - z) + da_r", by="da_r",
               hint="The direct path is missing: h_t contains (1 - z) * h_{t-1}, so dh * (1 - z) goes straight back."),
        Mutant(replace="(n - h_prev)", by="(h_prev - n)",
               hint="da_z has the wrong sign. Here z multiplies the candidate, and 1 - z the old state: dh/dz is n - h_prev."),
        Mutant(replace="dh * (n - h_prev) * z * (1 - z)", by="dh * (n - h_prev)",
               hint="da_z lacks the derivative of the sigmoid, z (1 - z)."),
        Mutant(replace="dh * z * (1 - n**2)", by="dh * z", hint="da_n lacks the derivative of tanh, 1 - n^2."),
        Mutant(replace="dh * z * (1 - n**2)", by="dh * (1 - z) * (1 - n**2)", hint="The candidate's share is z, not 1 - z."),
    ],
)  # fmt: skip

VARIANTS = [mixture_overwrites, gru_step_overwrites, gru_step_zrn, gru_back_overwrites]

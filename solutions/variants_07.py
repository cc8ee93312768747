"""Versions of exercises of chapter 7 for terms; the book shows those of tasks_07.py."""

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

VARIANTS = [mixture_overwrites]

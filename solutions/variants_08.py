"""Versions of exercises of chapter 8 for terms; the book shows those of tasks_08.py."""

from course_pkg.exercises import Mutant, Variant

KEEP = "keep = (u < rate) / rate"
EDGE = 1e-9  # u below rate, and not u at most rate

dropout_kept = Variant(
    of="08-dropout",
    name="rate-keeps",
    says="rate is the probability of staying",
    text=[
        ("an entry is dropped where the random number `u` (T, B, H), uniform in [0, 1), is below `rate`; the others are\nenlarged",
         "an entry *stays* where the random number `u` (T, B, H), uniform in [0, 1), is below `rate`; the others are dropped, and "
         "those that stay are\nenlarged"),
        ("An entry stays with probability 1 - rate.", "Here `rate` is the probability with which an entry stays."),
    ],
    code=[("keep = (u >= rate) / (1 - rate)", KEEP)],
    arguments=lambda x, dy, u, rate: (x, dy, u, 1 - rate),
    back=lambda x, dy, u, rate: (x, dy, 1 - EDGE - u, 1 - rate),
    cases={"rate 0.2": "rate 0.8", "rate 0 changes nothing": "rate 1 changes nothing", "one unit": "one unit, rate 0.7"},
    without=["The entries that stay are not", "The wrong entries", "The entries are divided by rate", "One mask is used",
             "The gradient lacks the factor"],
    mutants=[
        Mutant(replace=KEEP, by="keep = (u < rate) * 1.0",
               hint="The entries that stay are not enlarged. Divide them by rate, so that the mean stays what it was."),
        Mutant(replace=KEEP, by="keep = (u >= rate) / rate",
               hint="The wrong entries are dropped: in this task an entry stays where u < rate."),
        Mutant(replace=KEEP, by="keep = (u < rate) / max(1 - rate, 1e-9)",
               hint="The entries are divided by 1 - rate. Divide by the probability that they stay, which here is rate."),
        Mutant(replace=KEEP, by="keep = (u[:1] < rate) / rate",
               hint="One mask is used for all steps. Here each entry has its own number in u."),
        Mutant(replace="dy * keep", by="dy * (u < rate)", hint="The gradient lacks the factor 1 / rate of the forward pass."),
    ],
)  # fmt: skip

VARIANTS = [dropout_kept]

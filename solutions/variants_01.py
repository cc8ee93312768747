"""Versions of exercises of chapter 1 for terms; the book shows those of tasks_01.py."""

import numpy as np

from course_pkg.exercises import Mutant, Variant

PLACES = "t-k+1, ..., t in this order, the current one last. Places before the beginning of the line are all zero."


def turned_places(rows, ids, k, V):
    """The places of each window in reverse order."""
    return rows.reshape(len(ids), k, V)[:, ::-1].reshape(len(ids), k * V)


windows_ahead = Variant(
    of="01-windows",
    name="ahead",
    says="the window holds the next k characters",
    text=[
        ("return the last `k` characters as one-hot vectors side by side",
         "return the next `k` characters, the current one among them, as one-hot vectors side by side"),
        (PLACES, "t, ..., t+k-1 in this order, the current one first. Places after the end of the line are all zero."),
        ("s = t - k + 1 + j, if there is one", "s = t + j, if there is one"),
        ("Mind what NumPy does with a negative index.", "Mind the end of the line."),
    ],
    code=[("the last k characters of each step", "the next k characters of each step"),
          ("s = t - k + 1 + j", "s = t + j"), ("if s >= 0:", "if s < len(ids):")],
    back=lambda ids, k, V: (ids[::-1], k, V),
    result=lambda rows, ids, k, V: turned_places(rows[::-1], ids, k, V),
    without=["The newest", "The window ends", "Before the beginning stand characters", "Before the beginning stands the",
             "The window looks ahead"],
    mutants=[
        Mutant(replace="s = t + j", by="s = t + k - 1 - j",
               hint="The window is in reverse. The current character stands first, the furthest one last."),
        Mutant(replace="s = t + j", by="s = t + j + 1",
               hint="The window begins one character too late. The current character belongs to it."),
        Mutant(replace=("s = t + j", "if s < len(ids):"), by=("s = (t + j) % len(ids)", "if True:"),
               hint="After the end stand characters from the beginning of the line. These places must be zero."),
        Mutant(replace=("s = t + j", "if s < len(ids):"), by=("s = min(t + j, len(ids) - 1)", "if True:"),
               hint="After the end the last character is repeated. Padding is no character: all V entries must be zero."),
    ],
)  # fmt: skip

windows_newest_first = Variant(
    of="01-windows",
    name="newest-first",
    says="the window holds the last k characters, the current one first",
    text=[
        (PLACES, "t, t-1, ..., t-k+1 in this order, the current one first. Places before the beginning of the line are all zero."),
        ("s = t - k + 1 + j, if there is one", "s = t - j, if there is one"),
    ],
    code=[("the last k characters of each step", "the last k characters of each step, the newest first"),
          ("s = t - k + 1 + j", "s = t - j")],
    back=lambda ids, k, V: (ids, k, V),
    result=turned_places,
    without=["The newest", "The window ends"],
    mutants=[
        Mutant(replace="s = t - j", by="s = t - j - 1",
               hint="The window ends one character too early. The current character belongs to it, in the first place."),
    ],
)  # fmt: skip


def moved_down(value, values, lengths):
    """Every column rolled until its text ends in the last row."""
    xs, mask = value
    down = [len(xs) - n for n in lengths]
    return tuple(np.stack([np.roll(v[:, b], k) for b, k in enumerate(down)], axis=1) for v in (xs, mask))


FROM_THE_TOP = "column b holds text b from the top, with zeros below it"

padding_in_front = Variant(
    of="01-padding",
    name="in-front",
    says="the padding stands above the texts",
    text=[(FROM_THE_TOP, "column b holds text b at the bottom, with zeros above it, so that all texts end in the last row")],
    code=[("xs[:n, b] =", "xs[T - n :, b] ="), ("mask[:n, b] =", "mask[T - n :, b] =")],
    back=lambda values, lengths: (values, lengths),
    result=moved_down,
    without=["The padding stands above", "The mask is True everywhere"],
    mutants=[
        Mutant(replace=("xs[T - n :, b]", "mask[T - n :, b]"), by=("xs[:n, b]", "mask[:n, b]"),
               hint="The padding stands below the texts. Here each text ends in the last row."),
        Mutant(replace="mask[T - n :, b] = True", by="mask[:, b] = True",
               hint="The mask is True everywhere. Above the beginning of a text it must be False."),
    ],
)  # fmt: skip

padding_batch_first = Variant(
    of="01-padding",
    name="batch-first",
    says="texts are rows, (B, T)",
    text=[
        ("Put them side by side, time first: return\n`xs` (T, B)", "Put them one below the other, the batch first: return\n`xs` (B, T)"),
        (FROM_THE_TOP + ", and `mask` (T, B)", "row b holds text b from the left, with zeros after it, and `mask` (B, T)"),
    ],
    code=[
        ("xs: (T, B), mask: (T, B) of bool", "xs: (B, T), mask: (B, T) of bool"),
        ("xs, mask = np.zeros((T, B), values.dtype), np.zeros((T, B), bool)",
         "xs, mask = np.zeros((B, T), values.dtype), np.zeros((B, T), bool)"),
        ("xs[:n, b] =", "xs[b, :n] ="), ("mask[:n, b] =", "mask[b, :n] ="),
    ],
    back=lambda values, lengths: (values, lengths),
    result=lambda value, *_: (value[0].T, value[1].T),
    without=["The padding stands above", "Here texts are rows", "Every column", "The mask is True everywhere"],
    mutants=[
        Mutant(replace="return xs, mask", by="return xs.T, mask.T", hint="Here texts are columns, (T, B). Asked for is (B, T)."),
        Mutant(replace="start += n", by="start += 0",
               hint="Every row begins with the first text. After a text of n values, the next begins n further on."),
        Mutant(replace="mask[b, :n] = True", by="mask[b] = True",
               hint="The mask is True everywhere. After the end of a text it must be False."),
    ],
)  # fmt: skip

VARIANTS = [windows_ahead, windows_newest_first, padding_in_front, padding_batch_first]

"""The course's own sentences around one word with two senses: the bank of a river, and the bank that holds money.

The sense is told by words before "bank", by words after it, or by both; a grammar of ours draws them, so the sense of
each sentence is known. Three in ten sentences hold no "bank": from them the other words are learnt too.
The sentences are ours (CC BY 4.0).
"""

from typing import NamedTuple

import numpy as np

from course_pkg.shapes import check_positive_int, check_rng

RIVER, MONEY = 0, 1
WHO = ("they", "we", "the children", "my parents", "two friends", "the farmers")
ACTS = {RIVER: ("fish", "swim", "row"), MONEY: ("save", "pay", "borrow")}
THINGS = {RIVER: ("river", "reeds", "boats"), MONEY: ("counter", "cashier", "vault")}
KINDS = {RIVER: ("muddy", "grassy", "steep"), MONEY: ("rich", "national", "private")}
ENDS = ("today", "again", "in spring", "every week")


class BankSentence(NamedTuple):
    """The words; RIVER or MONEY; where "bank" stands (-1: nowhere); and which side tells the sense."""

    words: tuple[str, ...]
    sense: int
    place: int
    told: str  # "before", "after", "both", or "" without a bank


def bank_sentences(rng: np.random.Generator, count: int, bank: bool | None = None) -> list[BankSentence]:
    """`count` sentences; with bank=True or False only such with or without the word."""
    check_rng("bank_sentences", rng)
    check_positive_int("bank_sentences", "count", count)
    found = []
    while len(found) < count:
        sentence = _draw(rng)
        if bank is None or bank == (sentence.place >= 0):
            found.append(sentence)
    return found


def _draw(rng: np.random.Generator) -> BankSentence:
    def one(choices: tuple[str, ...]) -> str:
        return choices[rng.integers(len(choices))]

    sense = int(rng.integers(2))
    who, act, thing, kind, end = one(WHO), one(ACTS[sense]), one(THINGS[sense]), one(KINDS[sense]), one(ENDS)
    told, text = [
        ("after", f"{who} walk to the bank to {act} {end}"),
        ("after", f"{who} meet at the bank near the {thing} {end}"),
        ("before", f"{who} {act} at the bank {end}"),
        ("before", f"the {kind} bank is quiet {end}"),
        ("both", f"{who} {act} at the bank near the {thing} {end}"),
        ("both", f"{who} walk to the {kind} bank to {act} {end}"),
        ("both", f"the {kind} bank near the {thing} is quiet {end}"),
        ("", f"{who} {act} near the {thing} {end}"),
        ("", f"the {kind} place near the {thing} is quiet {end}"),
        ("", f"{who} like to {act} {end}"),
    ][rng.integers(10)]
    words = tuple(text.split())
    return BankSentence(words, sense, words.index("bank") if "bank" in words else -1, told)

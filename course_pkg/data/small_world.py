"""A made-up world in simple sentences: people with a sex, an age and a rank; countries with capitals and languages.

A grammar of ours draws the sentences, so every regularity in them is known, and what a method finds can be compared
with what is there. Facts about kings and goats are invented. The grammar and its sentences are ours (CC BY 4.0).
"""

from typing import NamedTuple

import numpy as np

from course_pkg.data.vocabulary import Vocabulary
from course_pkg.shapes import check_positive_int, check_rng


class Person(NamedTuple):
    """A word for a person, and what it tells."""

    female: bool
    young: bool
    noble: bool


PEOPLE = {
    "king": Person(False, False, True), "queen": Person(True, False, True),
    "duke": Person(False, False, True), "duchess": Person(True, False, True),
    "prince": Person(False, True, True), "princess": Person(True, True, True),
    "man": Person(False, False, False), "woman": Person(True, False, False),
    "farmer": Person(False, False, False), "maid": Person(True, False, False),
    "boy": Person(False, True, False), "girl": Person(True, True, False),
}  # fmt: skip
NEUTRAL = ("doctor", "baker", "singer")  # grown-up, not noble, she as often as he
COUNTRIES = {  # country: capital, language
    "norway": ("oslo", "norwegian"), "france": ("paris", "french"), "italy": ("rome", "italian"),
    "spain": ("madrid", "spanish"), "greece": ("athens", "greek"), "egypt": ("cairo", "arabic"),
}  # fmt: skip

BY_SEX = {False: ("he", "his", "himself", "son", "brother"), True: ("she", "her", "herself", "daughter", "sister")}
BY_AGE = {False: ("works", "old", "tired", "letter"), True: ("plays", "young", "merry", "toy")}
BY_RANK = {False: ("village", "field", "goat", "bread"), True: ("palace", "throne", "crown", "feast")}
SEX_PAIRS = (("king", "queen"), ("prince", "princess"), ("man", "woman"), ("boy", "girl"))
AGE_PAIRS = (("king", "prince"), ("queen", "princess"), ("man", "boy"), ("woman", "girl"))
RANK_PAIRS = (("man", "king"), ("woman", "queen"), ("boy", "prince"), ("girl", "princess"))
CAPITAL_PAIRS = tuple((country, capital) for country, (capital, _) in COUNTRIES.items())
LANGUAGE_PAIRS = tuple((country, language) for country, (_, language) in COUNTRIES.items())


def _one(rng: np.random.Generator, choices: tuple[str, ...] | list[str]) -> str:
    return choices[rng.integers(len(choices))]


def _about_a_person(rng: np.random.Generator) -> str:
    noun = _one(rng, [*PEOPLE, *NEUTRAL])
    person = PEOPLE.get(noun, Person(bool(rng.integers(2)), False, False))
    he, his, himself, child, sibling = BY_SEX[person.female]
    does, age, mood, thing = BY_AGE[person.young]
    place, spot, good, food = BY_RANK[person.noble]
    return _one(rng, [
        f"the {noun} {does} in the {place} and {he} is {mood}",
        f"the {noun} likes {his} {good} and {himself}",
        f"{he} is {age} said the {noun} in the {place}",
        f"the {noun} sees {his} {sibling} near the {spot}",
        f"the {noun} eats {his} {food} and {he} {does}",
        f"the {age} {noun} finds a {thing} near the {spot}",
        f"the {age} {noun} is a {child} of the {place}",
        f"the {noun} gives {his} {thing} to {his} {sibling}",
    ])  # fmt: skip


def _about_a_country(rng: np.random.Generator) -> str:
    country = _one(rng, list(COUNTRIES))
    capital, language = COUNTRIES[country]
    return _one(rng, [
        f"{capital} is the capital of {country}",
        f"people in {country} speak {language}",
        f"the train to {capital} goes through {country}",
        f"the streets of {capital} are full of {language} signs",
        f"a book in {language} comes from {country}",
        f"they fly from {country} to {_one(rng, list(COUNTRIES))}",
        f"she learns {language} in {capital}" if rng.integers(2) else f"he learns {language} in {capital}",
    ])  # fmt: skip


def world_sentences(rng: np.random.Generator, count: int) -> list[tuple[str, ...]]:
    """`count` sentences of the small world, two thirds about people, one third about countries."""
    check_rng("world_sentences", rng)
    check_positive_int("world_sentences", "count", count)
    makers = (_about_a_person, _about_a_person, _about_a_country)
    return [tuple(makers[rng.integers(3)](rng).split()) for _ in range(count)]


def analogy_questions(pairs: tuple[tuple[str, str], ...], words: Vocabulary) -> np.ndarray:
    """Every two different pairs (a, b), (c, d) as a question a : b = c : d, (N, 4) word numbers."""
    return np.array([words.encode([*first, *second]) for first in pairs for second in pairs if first != second])

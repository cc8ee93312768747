"""The words in which solutions/tasks_NN.py declares its exercises.

An exercise names its function, draws its inputs from a seeded generator, and lists its known mistakes as small textual
edits of the solution. From this everything else follows: public checks, hidden tests, hints, proofs.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .compare import Tolerance
from .errors import ExerciseError
from .values import nice


@dataclass(frozen=True)
class Case:
    """One public case: a name that tells what is special, and either sizes to draw with or the inputs themselves."""

    name: str
    sizes: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Any, ...] | None = None


def case(name: str, /, **sizes: Any) -> Case:
    """case("B=1", B=1, D=3, H=2): the inputs are inputs(rng, B=1, D=3, H=2), rounded to two decimals."""
    return Case(name, sizes)


def given(name: str, /, *inputs: Any) -> Case:
    """given("zero state", x, h): these inputs, as they stand."""
    return Case(name, {}, inputs)


@dataclass(frozen=True)
class Edit:
    """Text of the solution's region replaced; each `replace` must occur there exactly once."""

    replace: str | tuple[str, ...]
    by: str | tuple[str, ...]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        old = (self.replace,) if isinstance(self.replace, str) else tuple(self.replace)
        new = (self.by,) if isinstance(self.by, str) else tuple(self.by)
        return list(zip(old, new, strict=True))


@dataclass(frozen=True)
class Mutant(Edit):
    """A wrong implementation that students write, and the hint for who does."""

    hint: str


@dataclass(frozen=True)
class Alternative(Edit):
    """A different implementation that is correct and must be accepted."""

    about: str


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """One task: a pure function on arrays, called with positional arguments.

    inputs(rng, **sizes) draws the arguments; `public` lists the cases that students see, `hidden` the choices from
    which the hidden tests draw their sizes, such as {"B": range(1, 7), "masked": (False, True)}. `returns` names the
    value, or the values of the tuple, that the function returns.
    """

    id: str
    title: str
    function: str
    returns: tuple[str, ...]
    inputs: Callable[..., tuple[Any, ...]]
    public: Sequence[Case]
    hidden: Mapping[str, Sequence[Any]]
    mutants: Sequence[Mutant]
    alternatives: Sequence[Alternative | Callable[..., Any]]
    tolerance: Tolerance = field(default_factory=Tolerance)
    points: float = 10.0  # what the whole exercise is worth in `course grade`
    version: str = "book"  # the name of the variant, in a term that has another one (variants.py)

    def __post_init__(self) -> None:
        def refuse(message: str) -> None:
            raise ExerciseError(f"exercise {self.id!r}", message)

        if not re.fullmatch(r"\d\d-[a-z0-9]+(-[a-z0-9]+)*", self.id):
            refuse('an id is the chapter\'s two digits and small words joined by "-", such as "03-rnn-step"')
        if not self.function.isidentifier():
            refuse(f"{self.function!r} cannot be the name of a function")
        if isinstance(self.returns, str) or not self.returns:
            refuse('returns is a tuple of names, such as ("h",)')
        if len(self.public) < 2:
            refuse(f"needs at least two public cases, has {len(self.public)}")
        if len({c.name for c in self.public}) < len(self.public):
            refuse("two public cases have the same name")
        if len(self.mutants) < 5:
            refuse(f"needs at least five mutants, has {len(self.mutants)}")
        hints = [mutant.hint for mutant in self.mutants]
        if len(set(hints)) < len(hints) or not all(hint.strip() for hint in hints):
            refuse("every mutant needs a hint of its own")
        if not 0 < self.points < float("inf"):
            refuse(f"points is a positive number, not {self.points!r}")
        if len(self.alternatives) < 2:
            refuse(f"needs at least two different correct alternatives, has {len(self.alternatives)}")

    @property
    def chapter(self) -> str:
        return self.id[:2]


@dataclass(frozen=True, kw_only=True)
class Variant:
    """Another version of the exercise `of`; `says` tells in words what is different.

    `text` are pairs (old, new) for the task's markdown and the cells given with it, `code` for its own cell: each `old`
    occurs exactly once. `arguments` takes the book's arguments to this version's, `back` the other way (`arguments` is
    its own inverse where `back` is not given), `result(value, *arguments)` the book's result to this version's. Through
    them the draws of the inputs and the alternatives follow; where the new task is no such change, `alternatives` are
    given anew. Mutants follow by `code`; those that make no sense any more are named by the beginning of their hints in
    `without`, and `mutants` are added. `cases` renames public cases whose names are not true any more.
    """

    of: str
    name: str
    says: str
    text: Sequence[tuple[str, str]] = ()
    code: Sequence[tuple[str, str]] = ()
    arguments: Callable[..., tuple[Any, ...]] | None = None
    back: Callable[..., tuple[Any, ...]] | None = None
    result: Callable[..., Any] | None = None
    cases: Mapping[str, str] = field(default_factory=dict)
    without: Sequence[str] = ()
    mutants: Sequence[Mutant] = ()
    alternatives: Sequence[Alternative | Callable[..., Any]] | None = None


def public_inputs(exercise: Exercise, one: Case) -> tuple[Any, ...]:
    """The inputs of a public case: always the same, small, two decimals."""
    if one.inputs is not None:
        return tuple(one.inputs)
    return nice(_draw(exercise, _generator(exercise.id, one.name), one.name, one.sizes))


def hidden_inputs(exercise: Exercise, count: int = 12, term: str = "") -> list[tuple[str, tuple[Any, ...]]]:
    """Named inputs of the hidden tests: the first and the last choice of every size, then random choices.

    `term` seeds them: another term, other numbers.
    """
    rng = _generator(exercise.id, "hidden", term)
    corners = [{k: v[0] for k, v in exercise.hidden.items()}, {k: v[-1] for k, v in exercise.hidden.items()}]
    drawn = []
    for k in range(count):
        if k < len(corners):
            sizes = corners[k]
        else:
            sizes = {name: choices[int(rng.integers(len(choices)))] for name, choices in exercise.hidden.items()}
        named = ", ".join(f"{name}={value}" for name, value in sizes.items())
        drawn.append((f"hidden {k + 1} ({named})", _draw(exercise, rng, named, sizes)))
    return drawn


def _draw(exercise: Exercise, rng: np.random.Generator, name: str, sizes: Mapping[str, Any]) -> tuple[Any, ...]:
    place = f"solutions/tasks_{exercise.chapter}.py, {exercise.id}"
    try:
        drawn = exercise.inputs(rng, **sizes)
    except Exception as error:
        raise ExerciseError(place, f'inputs fails on "{name}": {type(error).__name__}: {error}') from error
    if not isinstance(drawn, tuple):
        raise ExerciseError(place, "inputs(rng, ...) must return the tuple of arguments")
    return drawn


def _generator(*words: str) -> np.random.Generator:
    return np.random.default_rng([zlib.crc32(word.encode()) for word in words])

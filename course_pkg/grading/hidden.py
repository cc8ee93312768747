"""Hidden tests from the declaration of an exercise and the key of a term, on the trusted side only.

An `Exercise` says how its inputs are drawn and which mistakes are known. Here it becomes a `Question`: a Task with
hidden cases, with what the solution gives for them, with what each mutant gives, and with the parts that earn points.
No exercise has a line of its own in the grader.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..exercises.declare import Exercise
from ..exercises.errors import ExerciseError
from ..exercises.generate import public_task, task_for
from ..exercises.judge import Mistake, Outcome, Task, call, same_outcome
from ..exercises.sources import Chapter
from ..exercises.variants import chapters_of_term
from .keys import GradingError, Key
from .score import Part, parts_of

COUNT = 12  # hidden cases of an exercise, unless its options need more
EACH = 3  # at least so many for each combination of options
_MAKING = threading.RLock()  # solutions are called with the output caught, which one thread at a time can do
_CODE = ("../exercises/declare.py", "../exercises/judge.py", "../exercises/compare.py", "../exercises/variants.py",
         "hidden.py", "score.py")


class Later(Sequence[Any]):
    """What is made when somebody first looks into it. Pickled, it is the tuple itself.

    What the mutants give, and what the public check says, is asked for only where an answer is not right.
    """

    def __init__(self, make: Callable[[], Iterable[Any]]) -> None:
        self._make, self._made = make, None

    def _all(self) -> tuple[Any, ...]:
        if self._made is None:
            with _MAKING:
                self._made = tuple(self._make()) if self._made is None else self._made
        return self._made

    def __getitem__(self, index: Any) -> Any:
        return self._all()[index]

    def __len__(self) -> int:
        return len(self._all())

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (self._all(),)


@dataclass(frozen=True)
class Question:
    """One exercise, ready to be judged: `asked` are its hidden cases and, after them, the public cases given in full.

    Those are edges that random inputs do not meet (a logit of 1000, a unit that never moves). Students know them, so
    they earn nothing alone; but who fails them has not shown everything.
    """

    id: str
    title: str
    function: str
    points: float
    asked: Task
    drawn: int
    published: Sequence[Task]  # one
    parts: tuple[Part, ...]
    torch: bool = False

    @property
    def public(self) -> Task:
        """What students check themselves, with what is expected and the outcomes of the mutants."""
        return self.published[0]

    @property
    def chapter(self) -> str:
        return self.id[:2]

    @property
    def hidden(self) -> Task:
        """The hidden cases alone."""
        mistakes = (Mistake(mistake.hint, mistake.outcomes[: self.drawn]) for mistake in self.asked.mistakes)
        return replace(self.asked, cases=self.asked.cases[: self.drawn], mistakes=tuple(mistakes))


@dataclass(frozen=True)
class Paper:
    """The questions of one chapter for one term. `hash` changes whenever a hidden test could change.

    `given`: the cells with imports and helpers as students got them. They are run before a student's own, so that a
    deleted or broken first cell costs nothing.
    """

    chapter: str
    title: str
    hash: str
    questions: tuple[Question, ...]
    given: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        return sum(question.points for question in self.questions)

    @property
    def torch(self) -> bool:
        return any(question.torch for question in self.questions)


class Papers(Mapping[str, Paper]):
    """Chapter -> Paper, made when it is first needed. Pickled (for other machines) it holds those already made."""

    def __init__(self, root: Path, key: Key, term: str = "", only: Sequence[str] = ()) -> None:
        self.root, self.key, self.term = Path(root), key, term
        there = sorted(path.stem[-2:] for path in (self.root / "solutions").glob("tasks_[0-9][0-9].py"))
        if not there:
            raise GradingError(f"there are no solutions/tasks_NN.py below {self.root}; name the course by --course")
        unknown = [number for number in only if number not in there]
        if unknown:
            raise GradingError(f"there is no chapter {unknown[0]} with exercises; there are {', '.join(there)}")
        self._numbers = tuple(number for number in there if not only or number in only)
        self._made: dict[str, Paper] = {}

    def __getitem__(self, number: str) -> Paper:
        if number not in self._numbers:
            raise KeyError(number)
        with _MAKING:
            if number not in self._made:
                chapter = chapter_of(self.root, number, self.term)
                self._made[number] = make_paper(chapter, self.key, self.hash_of(number))
        return self._made[number]

    def __contains__(self, number: object) -> bool:
        return number in self._numbers  # Mapping's own would make the paper

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def functions(self, number: str) -> dict[str, str]:
        """id -> function of a chapter's exercises."""
        return {exercise.id: exercise.function for exercise in chapter_of(self.root, number, self.term).exercises}

    def title(self, number: str) -> str:
        """The title of a chapter, for which nothing needs to be made."""
        return _title(chapter_of(self.root, number, self.term))

    def hash_of(self, number: str) -> str:
        """What the hidden tests of a chapter depend on: its sources, the grader's own code, the term and its key."""
        here = Path(__file__).parent
        files = [*sorted((self.root / "solutions").glob(f"{number}_*.ipynb"))]
        files += [self.root / "solutions" / f"tasks_{number}.py", *(here / name for name in _CODE)]
        files += [path for path in [self.root / "solutions" / f"variants_{number}.py"] if path.is_file()]
        return _digest([*(path.read_bytes() for path in files), self.term.encode(), self.key.secret])


    def sealed(self) -> Sealed:
        """All papers made, for other machines: with the hidden tests, without the key and without the sources."""
        hashes = {number: self.hash_of(number) for number in self}
        return Sealed({number: self[number] for number in self}, hashes, Label(self.key.term, self.key.fingerprint))


@dataclass(frozen=True)
class Label:
    """What of a key may be told to anybody."""

    term: str
    fingerprint: str


class Sealed(Mapping[str, Paper]):
    """Papers that hold nothing but papers."""

    def __init__(self, papers: Mapping[str, Paper], hashes: Mapping[str, str], key: Label) -> None:
        self.papers, self.hashes, self.key = dict(papers), dict(hashes), key

    def __getitem__(self, number: str) -> Paper:
        return self.papers[number]

    def __iter__(self) -> Iterator[str]:
        return iter(self.papers)

    def __len__(self) -> int:
        return len(self.papers)

    def functions(self, number: str) -> dict[str, str]:
        """id -> function of a chapter's exercises."""
        return {question.id: question.function for question in self[number].questions}

    def hash_of(self, number: str) -> str:
        """What the hidden tests of a chapter depended on where they were made."""
        return self.hashes[number]


def _digest(pieces: Iterable[bytes]) -> str:
    out = hashlib.sha256()
    for piece in pieces:
        out.update(len(piece).to_bytes(8, "big") + piece)
    return out.hexdigest()


@lru_cache(maxsize=64)
def chapter_of(root: Path, number: str, term: str = "") -> Chapter:
    """A chapter as it is in a term, held to the grammar of the exercises."""
    try:
        (chapter,) = chapters_of_term(root, term or None, number)
    except ExerciseError as error:
        raise GradingError(f"the solutions are not in order. {error}") from error
    return chapter


def make_paper(chapter: Chapter, key: Key, hash: str = "") -> Paper:
    """All questions of a chapter."""
    questions = tuple(make_question(chapter, exercise, key) for exercise in chapter.exercises)
    given = tuple(cell.source for cell in chapter.notebook.cells if cell.is_setup)
    return Paper(chapter.number, _title(chapter), hash, questions, given)


def _title(chapter: Chapter) -> str:
    for cell in chapter.notebook.cells:
        if cell.kind == "markdown" and cell.source.startswith("# "):
            return cell.source.splitlines()[0][2:].removeprefix("Exercises: ").strip().capitalize()
    return f"Chapter {chapter.number}"


def make_question(chapter: Chapter, exercise: Exercise, key: Key) -> Question:
    """Hidden cases drawn with the key, expected results from the solution, outcomes of the mutants, and the parts."""
    drawn = draw(exercise, key)
    cases = [(f"hidden case {k}", inputs) for k, (_, inputs) in enumerate(drawn, 1)]
    cases += [(f"public case “{case.name}”", case.inputs) for case in exercise.public if case.inputs is not None]
    task = task_for(chapter, exercise, cases)
    task = replace(task, mistakes=Later(lambda bare=task: _mistakes(chapter, exercise, bare)))
    parts = parts_of(task, [chosen for chosen, _ in drawn])
    torch = any(cell.is_setup and "import torch" in cell.source for cell in chapter.notebook.cells)
    public = Later(lambda: (public_task(chapter, exercise),))
    return Question(
        exercise.id, exercise.title, exercise.function, float(exercise.points), task, len(drawn), public, parts, torch
    )


def _mistakes(chapter: Chapter, exercise: Exercise, task: Task) -> Iterable[Mistake]:
    for mutant in exercise.mutants:
        function = chapter.edited(exercise, mutant.pairs)
        outcomes = [call(function, case.inputs) for case in task.cases]
        right = [same_outcome(task, o, Outcome(case.expected)) for o, case in zip(outcomes, task.cases, strict=True)]
        kept = tuple(None if fine else outcome for fine, outcome in zip(right, outcomes, strict=True))
        if any(outcome is not None and not outcome.error for outcome in kept):
            yield Mistake(mutant.hint, kept)


def options_of(exercise: Exercise) -> dict[str, tuple[Any, ...]]:
    """The declared choices that are no sizes: those between booleans or between words, such as masked or not."""
    return {
        name: tuple(choices)
        for name, choices in exercise.hidden.items()
        if len(choices) > 1 and all(isinstance(choice, bool | str) for choice in choices)
    }


def draw(exercise: Exercise, key: Key) -> list[tuple[dict[str, Any], tuple[Any, ...]]]:
    """(options, inputs) of the hidden cases. Every combination of options has its smallest, its largest, and others."""
    rng = key.generator("hidden", exercise.id)
    options = options_of(exercise)
    sizes = {name: choices for name, choices in exercise.hidden.items() if name not in options}
    combinations = [dict(zip(options, chosen, strict=True)) for chosen in itertools.product(*options.values())]
    out = []
    for k in range(max(COUNT, EACH * len(combinations))):
        turn, combination = divmod(k, len(combinations))
        if turn < 2:
            chosen = {name: choices[-turn] for name, choices in sizes.items()}  # the first, then the last
        else:
            chosen = {name: choices[int(rng.integers(len(choices)))] for name, choices in sizes.items()}
        arguments = {name: (chosen | combinations[combination])[name] for name in exercise.hidden}
        try:
            inputs = exercise.inputs(rng, **arguments)
        except Exception as error:
            place = f"solutions/tasks_{exercise.chapter}.py, {exercise.id}"
            raise GradingError(f"{place}: inputs fails on {arguments}: {type(error).__name__}: {error}") from error
        out.append((combinations[combination], inputs))
    return out

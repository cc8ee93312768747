"""Versions of a task: the same exercise with another convention, so that last term's answers fail this term.

A `Variant` is a small declared change of one exercise: pairs of text (task, docstring, solution) and, where the new
task is the old one seen through a change of its arguments or its result, that change. From it follow the text, the
starter, the reference, the public checks, the hidden tests, the mutants and the alternatives; no other file knows that
variants exist. They stand in ``solutions/variants_NN.py``; the name of the term chooses. No term: the book's own.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import markers, notebooks
from .declare import Alternative, Case, Exercise, Mutant, Variant
from .errors import ExerciseError
from .notebooks import Cell, Notebook
from .sources import Chapter, chapters, held

BOOK = "book"
AGAIN = "Read the text of this term again."


def exercises_of_term(root: Path, term: str | None = None) -> list[tuple[Chapter, Exercise]]:
    """Every exercise in the version of the term, with the chapter that holds its text and its solution.

    `exercise.version` names the version; `chapter.reference(exercise)` and `chapter.edited(exercise, mutant.pairs)`
    give functions, `hidden_task(chapter, exercise, term=...)` its hidden tests. Term None: the book's own versions.
    """
    return [(chapter, exercise) for chapter in chapters_of_term(root, term) for exercise in chapter.exercises]


def chapters_of_term(root: Path, term: str | None = None, only: str = "") -> list[Chapter]:
    """All chapters (or the one with this number) as they are in this term; with None, as the book has them."""
    found = chapters(root, only)
    if term is None:
        return found
    out = []
    for chapter in found:
        for id, variants in declared(root, chapter).items():
            names = [BOOK, *(variant.name for variant in variants)]
            chapter = _family(chapter, id, variants)[chosen(id, names, term)]
        out.append(chapter)
    return out


def chosen(id: str, names: Sequence[str], term: str) -> str:
    """The version of this term. Terms whose names differ by one in their last number never get the same one.

    "autumn 2026" after "autumn 2025": the words decide where each exercise begins, the number goes round from there.
    """
    numbers = re.findall(r"\d+", term)
    words = re.sub(r"\d+", "", term).strip().lower()
    start = zlib.crc32(f"{id}|{words}".encode())
    return names[(start + int(numbers[-1] if numbers else 0)) % len(names)]


def declared(root: Path, chapter: Chapter) -> dict[str, list[Variant]]:
    """The variants of a chapter's exercises, by id."""
    path = root / "solutions" / f"variants_{chapter.number}.py"
    place = f"solutions/{path.name}"
    if not path.is_file():
        return {}
    namespace: dict[str, Any] = {"__name__": path.stem, "__file__": str(path)}
    try:
        notebooks.run(path.read_text(encoding="utf-8"), namespace, str(path))
    except Exception as error:
        raise ExerciseError(place, f"fails with {type(error).__name__}: {error}") from error
    found = namespace.get("VARIANTS")
    if not isinstance(found, list | tuple) or not all(isinstance(variant, Variant) for variant in found):
        raise ExerciseError(place, "must define VARIANTS, a list of Variant(...)")
    known = [exercise.id for exercise in chapter.exercises]
    out: dict[str, list[Variant]] = {}
    for variant in found:
        names = [BOOK, *(other.name for other in out.get(variant.of, []))]
        if variant.of not in known:
            raise ExerciseError(place, f'"{variant.of}" is no exercise of the chapter')
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", variant.name) or variant.name in names:
            raise ExerciseError(place, f'{variant.of}: "{variant.name}" is no name, or is used twice')
        out.setdefault(variant.of, []).append(variant)
    return out


def versions(root: Path, chapter: Chapter, id: str) -> dict[str, Chapter]:
    """Every version of one exercise, the book's first: name -> the book's chapter with this version in it."""
    return _family(chapter, id, declared(root, chapter).get(id, []))


def _family(chapter: Chapter, id: str, variants: Sequence[Variant]) -> dict[str, Chapter]:
    """All versions; in each the solutions of the others are known mistakes."""
    built = {BOOK: chapter} | {variant.name: _build(chapter, variant) for variant in variants}
    if len(built) == 1:
        return built
    says = {variant.name: variant.says for variant in variants} | {BOOK: "the version of the book"}
    bodies = {name: _body(mine, id) for name, mine in built.items()}
    out = {}
    for name, mine in built.items():
        exercise = _exercise(mine, id)
        others = [
            Mutant(bodies[name], bodies[other], f"This answers another version of the task: {says[other]}. {AGAIN}")
            for other in built
            if other != name
        ]
        out[name] = _with(mine, replace(exercise, mutants=[*exercise.mutants, *others]))
    return out


def _build(chapter: Chapter, variant: Variant) -> Chapter:
    place = f"solutions/variants_{chapter.number}.py, {variant.of}, {variant.name}"
    notebook = _edited_notebook(chapter.notebook, variant, place)
    base = _exercise(chapter, variant.of)
    before = _body(chapter, variant.of)
    out = Chapter(chapter.number, notebook, chapter.exercises, chapter.tasks_place)
    after = _body(out, variant.of)
    kept = [m for m in base.mutants if not any(m.hint.startswith(words) for words in variant.without)]
    for words in variant.without:
        if not any(mutant.hint.startswith(words) for mutant in base.mutants):
            raise ExerciseError(place, f"without: no hint begins with {words!r}")
    mutants = [_follow(mutant, variant, before, after, place) for mutant in kept]
    exercise = replace(
        base,
        version=variant.name,
        inputs=_inputs(base, variant),
        public=_cases(base, variant, place),
        mutants=[*mutants, *variant.mutants],
        alternatives=_alternatives(chapter, base, variant, place),
    )
    out = _with(out, exercise)
    return held(out.number, out.notebook, out.exercises, place.split(", ")[0])


def _edited_notebook(notebook: Notebook, variant: Variant, place: str) -> Notebook:
    """The pairs of `text` in the cells from the check before to the task, those of `code` in the task's own cell."""
    task = notebook.task(variant.of)
    first = task.number - 1
    while first > 0 and not (notebook.cells[first - 1].kind == "code" and not notebook.cells[first - 1].is_setup):
        first -= 1
    own = list(notebook.cells[first : task.number - 1])
    sources = {cell.number: cell.source for cell in own}
    for old, new in variant.text:
        hits = [number for number, source in sources.items() for _ in range(source.count(old))]
        if not old or len(hits) != 1:
            raise ExerciseError(place, f"text: {old!r} occurs {len(hits)} times before the task; it must occur once")
        sources[hits[0]] = sources[hits[0]].replace(old, new)
    sources[task.number] = task.source
    for old, new in variant.code:
        hits_in_code = sources[task.number].count(old) if old else 0
        if hits_in_code != 1:
            raise ExerciseError(place, f"code: {old!r} occurs {hits_in_code} times in the task; it must occur once")
        sources[task.number] = sources[task.number].replace(old, new)
    cells = tuple(Cell(c.number, c.kind, sources.get(c.number, c.source), c.data) for c in notebook.cells)
    return Notebook(notebook.place, notebook.data, cells)


def _follow(mutant: Mutant, variant: Variant, before: str, after: str, place: str) -> Mutant:
    """A mutant of the new solution: its edit as it stands, or else with the variant's own pairs applied to it."""
    old, new = [old for old, _ in mutant.pairs], [new for _, new in mutant.pairs]
    if not all(after.count(text) == 1 for text in old):
        for a, b in ((a, b) for a, b in variant.code if a in before):
            old, new = [text.replace(a, b) for text in old], [text.replace(a, b) for text in new]
    if not all(after.count(text) == 1 for text in old):
        message = f"does not fit the new solution; name it in `without` and give it anew: {mutant.hint!r}"
        raise ExerciseError(place, message)
    return replace(mutant, replace=tuple(old), by=tuple(new))


def _inputs(base: Exercise, variant: Variant) -> Callable[..., tuple[Any, ...]]:
    arguments = variant.arguments
    return base.inputs if arguments is None else lambda rng, **sizes: tuple(arguments(*base.inputs(rng, **sizes)))


def _cases(base: Exercise, variant: Variant, place: str) -> list[Case]:
    unknown = variant.cases.keys() - {case.name for case in base.public}
    if unknown:
        raise ExerciseError(place, f"cases: there is no public case {min(unknown)!r}")
    out = []
    for case in base.public:
        given = case.inputs is not None and variant.arguments is not None
        inputs = tuple(variant.arguments(*case.inputs)) if given else case.inputs
        out.append(replace(case, name=variant.cases.get(case.name, case.name), inputs=inputs))
    return out


def _alternatives(chapter: Chapter, base: Exercise, variant: Variant, place: str) -> list[Any]:
    """Given anew, or the book's, seen through the change of arguments and result."""
    if variant.alternatives is not None:
        return list(variant.alternatives)
    if variant.arguments is None and variant.result is None:
        raise ExerciseError(place, "no arguments and no result are changed: alternatives must be given anew")
    out = []
    for other in base.alternatives:
        function = chapter.edited(base, other.pairs) if isinstance(other, Alternative) else other
        name = other.about if isinstance(other, Alternative) else other.__name__
        out.append(_through(function, name, variant))
    return out


def _through(function: Callable[..., Any], name: str, variant: Variant) -> Callable[..., Any]:
    """A correct way of the book's task, made one of this version's by the change of arguments and result."""
    back, result = variant.back or variant.arguments, variant.result

    def changed(*arguments: Any) -> Any:
        value = function(*(back(*arguments) if back else arguments))
        return result(value, *arguments) if result else value

    changed.__name__ = name
    return changed


def _body(chapter: Chapter, id: str) -> str:
    """The text between the markers, as markers.edit sees it. A task with variants has one region."""
    cell = chapter.notebook.task(id)
    regions = markers.regions(cell.source, chapter.notebook.place, cell.number)
    if len(regions) != 1:
        raise ExerciseError(chapter.notebook.place, f"{id} has variants, so it must have one region", cell.number)
    return "\n".join(cell.source.splitlines()[regions[0].begin + 1 : regions[0].end]) + "\n"


def _exercise(chapter: Chapter, id: str) -> Exercise:
    return next(exercise for exercise in chapter.exercises if exercise.id == id)


def _with(chapter: Chapter, exercise: Exercise) -> Chapter:
    exercises = tuple(exercise if other.id == exercise.id else other for other in chapter.exercises)
    return Chapter(chapter.number, chapter.notebook, exercises, chapter.tasks_place)

"""A small course of three functions and a class that hands in answers, for `make bench-grading`: ours and nbgrader's.

Both get the same answers and test the same hidden cases with the same numbers. Our course is the exercises of chapter 3
cut down to three of them; nbgrader's is the same functions as solution cells, with a hidden test cell for each that
holds the cases and their results.
"""

from __future__ import annotations

import ast
import functools
import inspect
import json
import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from course_pkg.exercises.declare import Alternative, Exercise
from course_pkg.exercises.sources import Chapter, chapters
from course_pkg.grading.hidden import Question
from tools.notebooks import ROOT

CHAPTER = "03"
NAME = "03_recurrent_neuron.ipynb"
IDS = ("03-rnn-step", "03-rnn-sequence", "03-last-answer")
SETUP = "import numpy as np"


@functools.cache
def three_functions() -> tuple[Chapter, list[Exercise]]:
    """The chapter, and its three exercises in the order of IDS."""
    chapter = next(c for c in chapters(ROOT) if c.number == CHAPTER)
    return chapter, [next(e for e in chapter.exercises if e.id == id) for id in IDS]


def answers() -> dict[str, list[str]]:
    """Function -> cells that students hand in: the solution, right in another way, and with known mistakes."""
    chapter, exercises = three_functions()
    out = {}
    for exercise in exercises:
        solution = "".join(chapter.notebook.task(exercise.id).source)
        found = [_plain(solution)]
        for other in exercise.alternatives:
            found.append(_edited(solution, other.pairs) if isinstance(other, Alternative) else _own(other, exercise))
        found += [_edited(solution, mutant.pairs) for mutant in exercise.mutants]
        for source in found:
            ast.parse(source)
        out[exercise.function] = found
    return out


def _plain(source: str) -> str:
    return "\n".join(line for line in source.splitlines() if "### " not in line) + "\n"


def _edited(source: str, pairs: list[tuple[str, str]]) -> str:
    head, _, rest = source.partition("### BEGIN SOLUTION")
    for old, new in pairs:
        assert old in rest
        rest = rest.replace(old, new)
    return _plain(head + "### BEGIN SOLUTION" + rest)


def _own(function: Any, exercise: Exercise) -> str:
    source = textwrap.dedent(inspect.getsource(function))
    return source.replace(f"def {function.__name__}(", f"def {exercise.function}(", 1)


def handed_in(count: int) -> list[dict[str, str]]:
    """Function -> cell, for each of `count` students; no two the same, four in five right in everything."""
    rng = np.random.default_rng(6)
    every = answers()
    right = {e.function: 1 + len(e.alternatives) for e in three_functions()[1]}
    out = []
    for k in range(count):
        one = {}
        for name, cells in every.items():
            limit = len(cells) if k % 5 == 4 else right[name]
            one[name] = f"# student {k}\n" + cells[int(rng.integers(limit))]
        out.append(one)
    return out


def write_course(folder: Path) -> Path:
    """Our course with three exercises, as `course grade --course` reads it."""
    solutions = folder / "solutions"
    solutions.mkdir(parents=True)
    data = json.loads((ROOT / "solutions" / NAME).read_text("utf8"))
    data["cells"] = [c for c in data["cells"] if not _is_other(c)]
    (solutions / NAME).write_text(json.dumps(data), "utf8")
    tasks = (ROOT / "solutions" / f"tasks_{CHAPTER}.py").read_text("utf8")
    tasks += f"\nEXERCISES = [e for e in EXERCISES if e.id in {IDS!r}]\n"
    (solutions / f"tasks_{CHAPTER}.py").write_text(tasks, "utf8")
    return folder


def _is_other(cell: dict[str, Any]) -> bool:
    """A cell of an exercise that is not among the three, or its check."""
    id = cell["metadata"].get("exercise", {}).get("id", IDS[0])
    source = "".join(cell["source"])
    return id not in IDS or source.strip() in ("check(parameter_count)", "check(jordan_step)")


def write_submissions(folder: Path, students: list[dict[str, str]]) -> Path:
    """folder/sNNNN/03_recurrent_neuron.ipynb for each student."""
    starter = json.loads((ROOT / "exercises" / NAME).read_text("utf8"))
    starter["cells"] = [c for c in starter["cells"] if not _is_other(c)]
    for k, student in enumerate(students):
        for cell in starter["cells"]:
            id = cell["metadata"].get("exercise", {}).get("id")
            if id in IDS:
                cell["source"] = student[_function(id)]
        own = folder / f"s{k:04d}"
        own.mkdir(parents=True)
        (own / NAME).write_text(json.dumps(starter), "utf8")
    return folder


def _function(id: str) -> str:
    return {e.id: e.function for e in three_functions()[1]}[id]


# --- the same for nbgrader --------------------------------------------------------------------------------------------


def write_nbgrader(folder: Path, students: list[dict[str, str]], questions: list[Question]) -> Path:
    """An nbgrader course: source/ps1/ps1.ipynb with hidden tests, submitted/sNNNN/ps1/ps1.ipynb."""
    source, release = [_code(SETUP)], [_code(SETUP)]
    for question in questions:
        tests = _hidden_tests(question)
        source += [_code(_first_line(students, question) + "    ### BEGIN SOLUTION\n    pass\n    ### END SOLUTION",
                         _solution(question)), _code(tests, _graded(question))]  # fmt: skip
        release += [_code("", _solution(question)), _code("", _graded(question))]
    (folder / "source" / "ps1").mkdir(parents=True)
    (folder / "source" / "ps1" / "ps1.ipynb").write_text(_notebook(source), "utf8")
    for k, student in enumerate(students):
        cells = [dict(cell) for cell in release]
        for n, question in enumerate(questions):
            cells[1 + 2 * n]["source"] = student[question.function]
        own = folder / "submitted" / f"s{k:04d}" / "ps1"
        own.mkdir(parents=True)
        (own / "ps1.ipynb").write_text(_notebook(cells), "utf8")
    (folder / "nbgrader_config.py").write_text(_CONFIG, "utf8")
    return folder


_CONFIG = """c = get_config()
c.CourseDirectory.course_id = "bench"
c.Exchange.root = "exchange"
c.ExecutePreprocessor.timeout = 60
"""


def _first_line(students: list[dict[str, str]], question: Question) -> str:
    return f"def {question.function}({', '.join(question.hidden.arguments)}):\n"


def _solution(question: Question) -> dict[str, Any]:
    return {"grade": False, "solution": True, "locked": False, "task": False, "schema_version": 3,
            "grade_id": question.function}  # fmt: skip


def _graded(question: Question) -> dict[str, Any]:
    return {"grade": True, "solution": False, "locked": True, "task": False, "schema_version": 3,
            "grade_id": f"test_{question.function}", "points": question.points}  # fmt: skip


def _hidden_tests(question: Question) -> str:
    cases = [([_data(x) for x in case.inputs], _data(case.expected)) for case in question.hidden.cases]
    return f"""### BEGIN HIDDEN TESTS
import json

for inputs, expected in json.loads({json.dumps(json.dumps(cases))}):
    inputs = [np.array(x["a"], dtype=x["t"]).reshape(x["s"]) if isinstance(x, dict) else x for x in inputs]
    expected = np.array(expected["a"]).reshape(expected["s"])
    found = {question.function}(*inputs)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
### END HIDDEN TESTS"""


def _data(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"a": value.ravel().tolist(), "t": str(value.dtype), "s": list(value.shape)}
    return value.item() if isinstance(value, np.generic) else value


def _code(source: str, nbgrader: dict[str, Any] | None = None) -> dict[str, Any]:
    metadata = {"nbgrader": nbgrader} if nbgrader else {}
    id = nbgrader["grade_id"] if nbgrader else "setup"
    return {"cell_type": "code", "id": id, "metadata": metadata, "source": source, "outputs": [],
            "execution_count": None}  # fmt: skip


def _notebook(cells: list[dict[str, Any]]) -> str:
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return json.dumps({"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})

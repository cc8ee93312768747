"""A small course with one chapter and two exercises, and submissions to it."""

from __future__ import annotations

import json
from pathlib import Path

from course_pkg.exercises.generate import plan
from course_pkg.grading.grade import Settings
from course_pkg.grading.hidden import Papers
from course_pkg.grading.keys import Key
from tests.grading.fake_box import FakeBox

KEY = Key("default", bytes(range(32)))
BACK = "04-step-back"
SUM = "04-masked-sum"
TASKS = '''
import numpy as np
from course_pkg.exercises import Alternative, Exercise, Mutant, case

def inputs(rng, B, D, H):
    return rng.normal(size=(B, D)), np.tanh(rng.normal(size=(B, H))), rng.normal(size=(B, H))

def with_einsum(x, h, dh):
    """einsum"""
    da = dh * (1 - h * h)
    return np.einsum("bh,bd->hd", da, x), np.einsum("bh->h", da)

def sum_inputs(rng, T, masked):
    mask = np.arange(T) < (T + 1) // 2 if masked else np.ones(T, bool)
    return rng.normal(size=T), mask

def sum_in_a_loop(xs, mask):
    """loop"""
    total = 0.0
    for x, real in zip(xs, mask):
        total += x if real else 0.0
    return total

EXERCISES = [Exercise(
    id="04-step-back", title="One step back", function="step_back", returns=("dW", "db"), inputs=inputs,
    public=[case("D≠H", B=3, D=2, H=4), case("B=1", B=1, D=3, H=2), case("D=H", B=2, D=3, H=3)],
    hidden={"B": range(1, 5), "D": range(1, 5), "H": range(1, 5)},
    mutants=[
        Mutant(replace=" * (1 - h**2)", by="", hint="The derivative of tanh is missing."),
        Mutant(replace="h**2", by="h", hint="The derivative of tanh is 1 - h squared."),
        Mutant(replace="da.T @ x", by="x.T @ da", hint="dW is transposed."),
        Mutant(replace="da.sum(axis=0)", by="da.mean(axis=0)", hint="db is a mean over the batch."),
        Mutant(replace="da.T @ x", by="da.T @ x / len(x)", hint="dW is a mean over the batch."),
    ],
    alternatives=[with_einsum, Alternative(replace="1 - h**2", by="(1 - h) * (1 + h)", about="factors")],
), Exercise(
    id="04-masked-sum", title="A masked sum", function="masked_sum", returns=("total",), inputs=sum_inputs,
    public=[case("no padding", T=3, masked=False), case("padding", T=4, masked=True)],
    hidden={"T": range(2, 9), "masked": (False, True)},
    mutants=[
        Mutant(replace="xs[mask].sum()", by="xs.sum()", hint="The padding is added, too."),
        Mutant(replace="xs[mask].sum()", by="xs[~mask].sum()", hint="The padding is added instead."),
        Mutant(replace="xs[mask].sum()", by="xs[mask].mean()", hint="This is a mean."),
        Mutant(replace="xs[mask].sum()", by="-xs[mask].sum()", hint="The sign is wrong."),
        Mutant(replace="xs[mask].sum()", by="2 * xs[mask].sum()", hint="It is twice the sum."),
    ],
    alternatives=[sum_in_a_loop, Alternative(replace="xs[mask].sum()", by="(xs * mask).sum()", about="product")],
)]
'''
SOLUTIONS = {
    BACK: "def step_back(x, h, dh):\n    {0}\n    da = dh * (1 - h**2)\n    return da.T @ x, da.sum(axis=0)\n    {1}",
    SUM: "def masked_sum(xs, mask):\n    {0}\n    return float(xs[mask].sum())\n    {1}",
}
RIGHT = {id: source.replace("    {0}\n", "").replace("\n    {1}", "") for id, source in SOLUTIONS.items()}
WRONG = {
    BACK: "def step_back(x, h, dh):\n    return dh.T @ x, dh.sum(axis=0)",
    SUM: "def masked_sum(xs, mask):\n    return float(xs.sum())",
}


def cell(source: str, kind: str = "code", **metadata: object) -> dict:
    """A cell of a notebook."""
    made = {"cell_type": kind, "metadata": metadata, "source": source}
    return made | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def small_course(root: Path) -> Path:
    """solutions/ and exercises/ below `root`."""
    cells = [cell("# Exercises: steps\n\nText.", "markdown")]
    cells += [cell("import numpy as np\n\nfrom course_pkg.exercises import check", tags=["setup"])]
    for id, source in SOLUTIONS.items():
        source = source.format("### BEGIN SOLUTION", "### END SOLUTION")
        name = source[4 : source.index("(")]
        cells += [cell("## A task", "markdown"), cell(source, exercise={"id": id}), cell(f"check({name})")]
    folder = root / "solutions"
    folder.mkdir(parents=True)
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    (folder / "04_steps.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    (folder / "tasks_04.py").write_text(TASKS, encoding="utf-8")
    for name, data in plan(root).items():
        path = root / "exercises" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def notebook(root: Path, answers: dict[str, str] | None = None, first: str = "", last: str = "") -> bytes:
    """The students' notebook with these answers (RIGHT where none is given), and cells before and after."""
    data = json.loads((root / "exercises" / "04_steps.ipynb").read_text(encoding="utf-8"))
    answers = RIGHT | (answers or {})
    for one in data["cells"]:
        id = one["metadata"].get("exercise", {}).get("id")
        if id in answers:
            one["source"] = answers[id]
    data["cells"][1:1] = [cell(first)] if first else []
    data["cells"] += [cell(last)] if last else []
    return json.dumps(data).encode()


def hand_in(folder: Path, root: Path, **students: dict[str, str] | bytes) -> Path:
    """folder/<student>.ipynb for each."""
    folder.mkdir(parents=True, exist_ok=True)
    for student, what in students.items():
        data = what if isinstance(what, bytes) else notebook(root, what)
        (folder / f"{student}.ipynb").write_bytes(data)
    return folder


def papers(root: Path, key: Key = KEY, term: str = "") -> Papers:
    """The small course's questions."""
    return Papers(root, key, term)


def settings() -> Settings:
    """A box without walls, which says that it is of level A."""
    return Settings("A", box=FakeBox, limits=None)

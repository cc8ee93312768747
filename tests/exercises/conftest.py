"""A small course in a temporary folder, with one task, that each test bends as it needs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SETUP = "import numpy as np\n\nfrom course_pkg.exercises import check"
TASK = '''def step_backward(x, h, dh):
    """x: (B, D), h: (B, H), dh: (B, H) -> dW: (H, D), db: (H,)."""
    ### BEGIN SOLUTION
    da = dh * (1 - h**2)
    return da.T @ x, da.sum(axis=0)
    ### END SOLUTION
'''
CHECK = "check(step_backward)"
DECLARATION = '''
import numpy as np
from course_pkg.exercises import Alternative, Exercise, Mutant, case

def inputs(rng, B, D, H):
    return rng.normal(size=(B, D)), np.tanh(rng.normal(size=(B, H))), rng.normal(size=(B, H))

def with_einsum(x, h, dh):
    """einsum"""
    da = dh * (1 - h * h)
    return np.einsum("bh,bd->hd", da, x), np.einsum("bh->h", da)

EXERCISES = [Exercise(
    id="04-step-backward", title="One step back", function="step_backward", returns=("dW", "db"), inputs=inputs,
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
)]
'''


class Project:
    """solutions/04_steps.ipynb and tasks_04.py; change `cells` and `tasks`, then `write()`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tasks = DECLARATION
        self.cells = [
            self.cell("# Steps back\n\nText.", "markdown"),
            self.cell(SETUP, tags=["setup"]),
            self.cell("## One step back\n\nA text.", "markdown"),
            self.cell(TASK, exercise={"id": "04-step-backward"}),
            self.cell(CHECK),
        ]

    @staticmethod
    def cell(source: str, kind: str = "code", **metadata: object) -> dict:
        cell = {"cell_type": kind, "id": f"c{abs(hash(source)) % 10**8}", "metadata": metadata, "source": source}
        return cell | ({"execution_count": 7, "outputs": [{"output_type": "stream"}]} if kind == "code" else {})

    def write(self) -> Path:
        folder = self.root / "solutions"
        folder.mkdir(exist_ok=True)
        notebook = {"cells": self.cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (folder / "04_steps.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
        (folder / "tasks_04.py").write_text(self.tasks, encoding="utf-8")
        return self.root


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)

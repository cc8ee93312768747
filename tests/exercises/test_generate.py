"""From solutions/ to exercises/: what is written, what is refused, and that a difference is found."""

import json
import re

import pytest

from course_pkg.exercises.__main__ import main
from course_pkg.exercises.errors import ExerciseError
from course_pkg.exercises.generate import differences, plan, write


def cell_with(project, id, **changes):
    project.cells[3] = project.cells[3] | changes
    project.cells[3]["metadata"] = {"exercise": {"id": id}}


def refused(project, match):
    with pytest.raises(ExerciseError, match=match) as error:
        plan(project.write())
    assert str(error.value).startswith("solutions/")
    return error.value


def test_what_is_written(project):
    root = project.write()
    assert write(root) == ["04_steps.ipynb", "README.md", "checks/04.json"]
    notebook = json.loads((root / "exercises/04_steps.ipynb").read_text(encoding="utf-8"))
    task = notebook["cells"][3]
    assert "".join(task["source"]).splitlines()[2:] == [
        '    raise NotImplementedError("One step back: write this part")'
    ]
    assert (task["id"], task["execution_count"], task["outputs"]) == ("04-step-backward", None, [])
    checks = json.loads((root / "exercises/checks/04.json").read_text(encoding="utf-8"))["exercises"][0]
    assert [case["name"] for case in checks["cases"]] == ["D≠H", "B=1", "D=H"]
    assert checks["arguments"] == ["x", "h", "dh"]
    assert len(checks["mistakes"]) == 5
    everything = b"".join(plan(root).values()).decode()
    assert "da = dh" not in everything and "einsum" not in everything and "da.mean" not in everything
    assert "[04_steps.ipynb](04_steps.ipynb) | One step back | `step_backward`" in everything
    assert differences(root) == []
    assert write(root) == []


def test_generation_gives_the_same_bytes_again(project):
    root = project.write()
    assert plan(root) == plan(root)


@pytest.mark.parametrize("change", ["edited", "stray", "missing", "line ends"])
def test_every_difference_is_found(project, change, capsys):
    root = project.write()
    write(root)
    path = root / "exercises/04_steps.ipynb"
    if change == "edited":
        path.write_text(path.read_text(encoding="utf-8").replace("A text.", "A tent."), encoding="utf-8")
    elif change == "stray":
        (root / "exercises/checks/05.json").write_text("{}", encoding="utf-8")
    elif change == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert main(["--check", "--root", str(root)]) == 1
    shown = capsys.readouterr().out
    words = {"edited": "+    \"A text.\"", "stray": "checks/05.json is stray", "missing": "04_steps.ipynb is missing",
             "line ends": "line ends only"}  # fmt: skip
    assert words[change] in shown
    assert main(["--root", str(root)]) == 0
    assert main(["--check", "--root", str(root)]) == 0


def test_caches_of_jupyter_are_no_stray_files(project):
    root = project.write()
    write(root)
    (root / "exercises/.ipynb_checkpoints").mkdir()
    (root / "exercises/.ipynb_checkpoints/04_steps-checkpoint.ipynb").write_text("{}", encoding="utf-8")
    assert differences(root) == []


def test_a_notebook_somebody_worked_in_is_not_overwritten(project, capsys):
    root = project.write()
    write(root)
    path = root / "exercises/04_steps.ipynb"
    mine = path.read_text(encoding="utf-8").replace('"execution_count": null', '"execution_count": 3')
    path.write_text(mine, encoding="utf-8")
    assert main(["--root", str(root)]) == 2
    assert "somebody has run cells in it" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == mine
    assert main(["--root", str(root), "--force"]) == 0
    assert differences(root) == []


def test_misspelt_marker_in_the_notebook(project):
    source = project.cells[3]["source"].replace("### BEGIN SOLUTION", "###BEGIN SOLUTON")
    cell_with(project, "04-step-backward", source=source)
    assert str(refused(project, "looks like a marker")).startswith("solutions/04_steps.ipynb, cell 4, line 3: ")


def test_marker_in_a_markdown_cell(project):
    project.cells[2] = project.cell("## One step back\n### BEGIN SOLUTION", "markdown")
    assert str(refused(project, "not code")).startswith("solutions/04_steps.ipynb, cell 3, line 2: ")


def test_solution_in_a_cell_without_an_id(project):
    project.cells.append(project.cell("def g():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION"))
    assert refused(project, "has a solution, but no").cell == 6


def test_task_without_a_region(project):
    cell_with(project, "04-step-backward", source="def step_backward(x, h, dh):\n    return x")
    assert refused(project, "has no region").cell == 4


def test_id_twice(project):
    project.cells += [project.cells[3], project.cells[4]]
    assert refused(project, "used twice").cell == 6


def test_id_without_declaration_and_declaration_without_id(project):
    cell_with(project, "04-step-backwards")
    assert refused(project, "not declared in solutions/tasks_04.py").cell == 4
    project.cells = project.cells[:3]
    refused(project, "no cell of 04_steps.ipynb has this id")


@pytest.mark.parametrize("metadata", ["04-step-backward", {"id": 4}, {"id": "04-step-backward", "points": 3}, {}])
def test_metadata_of_another_form(project, metadata):
    project.cells[3]["metadata"] = {"exercise": metadata}
    assert refused(project, "must be").cell == 4


def test_check_cell_missing_or_for_another_function(project):
    project.cells[4] = project.cell("check(step_forward)")
    assert refused(project, "next code cell must be the check").cell == 4
    project.cells[4] = project.cell('check("04-other", step_backward)')
    refused(project, "next code cell must be the check")
    project.cells[4] = project.cell('check("04-step-backward", step_backward)')
    assert "checks/04.json" in plan(project.write())


def test_names_that_only_an_untagged_cell_defines(project):
    cell_with(project, "04-step-backward", source=project.cells[3]["source"].replace("h**2", "np.square(h)"))
    project.cells[1]["metadata"] = {}
    assert refused(project, "uses np, which no setup cell").cell == 4


def test_function_of_another_name(project):
    source = project.cells[3]["source"].replace("step_backward", "backward")
    cell_with(project, "04-step-backward", source=source)
    refused(project, "does not define the function step_backward")


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ('id="04-step-backward"', 'id="05-step-backward"', 'does not begin with "04-"'),
        ('id="04-step-backward"', 'id="step"', "an id is the chapter's two digits"),
        ('returns=("dW", "db")', 'returns="dW"', "returns is a tuple of names"),
        ('case("B=1", B=1', 'case("D=H", B=1', "same name"),
        ('hint="dW is transposed."', 'hint="The derivative of tanh is missing."', "a hint of its own"),
        ("alternatives=[with_einsum, ", "alternatives=[", "at least two different correct alternatives"),
        ('replace="h**2"', 'replace="h"', "fits 2 times"),
        ('replace="h**2"', 'replace="h**3"', "fits 0 times"),
        ("EXERCISES = [", "TASKS = [", "must define EXERCISES"),
        ("import numpy as np", "import numpy as np; 1 / 0", "ZeroDivisionError"),
        ("    return rng.normal(size=(B, D)),", "    return 1 / 0,", 'inputs fails on "D≠H": ZeroDivisionError'),
        ("    return rng.normal(size=(B, D)), np", "    return [1]; np", "must return the tuple"),
    ],
)
def test_declarations_that_are_refused(project, old, new, match):
    assert old in project.tasks
    project.tasks = project.tasks.replace(old, new, 1)
    with pytest.raises(ExerciseError, match=match):
        plan(project.write())


def test_fewer_than_five_mutants(project):
    project.tasks = re.sub(r'        Mutant\(replace="h\*\*2".*\n', "", project.tasks)
    refused(project, "at least five mutants, has 4")


def test_solution_that_fails_or_warns(project):
    for old, new, match in (
        ("da.T @ x", "da @ x", "the solution fails on"),
        ("(1 - h**2)", "np.log(-1.0 - h**2)", "the solution warns on"),
        ("da = dh", "dh *= 2; da = dh", "does not pass its own check"),
    ):
        changed = project.cells[3]["source"].replace(old, new)
        other = [cell | {} for cell in project.cells]
        other[3]["source"] = changed
        project.cells, kept = other, project.cells
        project.tasks = re.sub(r'replace="[^"]*da\.T[^"]*"', 'replace="da.T"', project.tasks)
        refused(project, match)
        project.cells = kept


def test_two_notebooks_of_one_chapter_and_odd_names(project):
    root = project.write()
    (root / "solutions/04_more.ipynb").write_text("{}", encoding="utf-8")
    with pytest.raises(ExerciseError, match="chapter 04 has a notebook already"):
        plan(root)
    (root / "solutions/04_more.ipynb").rename(root / "solutions/more.ipynb")
    with pytest.raises(ExerciseError, match="not called NN_name"):
        plan(root)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"nbformat": 3}', '{"nbformat": 4, "cells": [3]}', "[" * 100_000])
def test_files_that_are_no_notebooks(project, text):
    root = project.write()
    (root / "solutions/04_steps.ipynb").write_text(text, encoding="utf-8")
    with pytest.raises(ExerciseError, match="solutions/04_steps.ipynb"):
        plan(root)


def test_the_same_function_in_two_chapters_needs_the_id(project):
    root = project.write()
    for old, new in (("04_steps.ipynb", "05_steps.ipynb"), ("tasks_04.py", "tasks_05.py")):
        text = (root / "solutions" / old).read_text(encoding="utf-8").replace("04-step", "05-step")
        (root / "solutions" / new).write_text(text, encoding="utf-8")
    with pytest.raises(ExerciseError, match='write check\\("04-step-backward", ...\\)'):
        plan(root)

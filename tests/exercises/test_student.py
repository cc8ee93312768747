"""The student's side: a copied folder elsewhere, a real kernel, and the command line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from course_pkg.exercises.__main__ import main
from course_pkg.exercises.generate import write
from course_pkg.exercises.student import _plain

ROOT = Path(__file__).resolve().parents[2]
NAME = "04_steps.ipynb"
COUNT = "def count(D, H):\n    ### BEGIN SOLUTION\n    return D * H + H\n    ### END SOLUTION"
SECOND = """
def drawn(rng, D, H):
    return D, H

EXERCISES.append(Exercise(
    id="04-count", title="Counting", function="count", returns=("n",), inputs=drawn,
    public=[case("D=2, H=3", D=2, H=3), case("D=4, H=2", D=4, H=2)], hidden={"D": range(1, 9), "H": range(1, 9)},
    mutants=[
        Mutant(replace="+ H", by=by, hint=f"Wrong in its own way: {by}.")
        for by in ("", "+ D", "- H", "+ 2 * H", "* H")
    ],
    alternatives=[Alternative(replace="D * H + H", by=by, about=by) for by in ("(D + 1) * H", "H + H * D")],
))
"""
RIGHT = "def step_backward(x, h, dh):\n    da = dh * (1 - h * h)\n    return da.T @ x, np.sum(da, 0)"
WRONG = "def count(D, H):\n    return D * H"
ANSWERS = {"04-step-backward": RIGHT, "04-count": WRONG}


@pytest.fixture
def copied(project, tmp_path):
    """A generated exercises/ with two tasks, copied far away from its solutions."""
    project.cells += [project.cell(COUNT, exercise={"id": "04-count"}), project.cell("check(count)")]
    project.tasks += SECOND
    write(project.write())
    return Path(shutil.move(tmp_path / "exercises", tmp_path / "my work"))


def fill_in(folder, answers, extra=()):
    data = json.loads((folder / NAME).read_text(encoding="utf-8"))
    for cell in data["cells"]:
        source = answers.get(cell["metadata"].get("exercise", {}).get("id"))
        if source is not None:
            cell["source"] = source
    data["cells"] += [
        {"cell_type": "code", "id": f"x{k}", "metadata": {}, "source": s, "outputs": [], "execution_count": None}
        for k, s in enumerate(extra)
    ]
    (folder / NAME).write_text(json.dumps(data), encoding="utf-8")


def test_in_a_kernel_the_message_is_shown_once_and_no_repr_leaks(copied):
    fill_in(
        copied, ANSWERS, extra=["result = check(step_backward)", "def count(D, H):\n    return D / 0", "check(count)"]
    )
    notebook = nbformat.read(copied / NAME, as_version=4)
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(copied)}}).execute()
    shown = [cell.outputs for cell in notebook.cells if cell.cell_type == "code" and "check(" in cell.source]
    for outputs in shown:
        assert [output.output_type for output in outputs] == ["display_data"]
        assert sorted(outputs[0].data) == ["text/html", "text/plain"]
    texts = [outputs[0].data["text/plain"] for outputs in shown]
    assert texts[0].startswith("step_backward: right on 3 cases (") and texts[2] == texts[0]
    assert "Hint: this looks like a known mistake. Wrong in its own way: ." in texts[1]
    assert "ZeroDivisionError in line 2 of its cell, `return D / 0`: division by zero" in texts[3]


def test_starter_in_a_kernel_says_not_written(copied):
    notebook = nbformat.read(copied / NAME, as_version=4)
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(copied)}}).execute()
    texts = [o.data["text/plain"] for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]
    assert [text.split("\n")[0].split(": ")[1] for text in texts] == ["not written yet."] * len(texts)
    assert len(texts) == 2


def test_command_line_from_another_folder(copied):
    """As a student types it, in a fresh process; torch, Matplotlib and Jupyter are not needed."""
    fill_in(copied, ANSWERS, extra=["%matplotlib inline\n!ls\nprint('noise')", "1 / 0", "raise SystemExit"])
    blocked = "import sys\nfor name in ('torch', 'matplotlib', 'IPython', 'nbformat'): sys.modules[name] = None\n"
    start = blocked + "from course_pkg.exercises.__main__ import main\nsys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", start, "check", NAME]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=copied, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "step_backward: right on 3 cases" in done.stdout
    assert "Hint: this looks like a known mistake. Wrong in its own way: ." in done.stdout
    assert done.stdout.endswith("1 of 2 exercises right.\n")
    assert "noise" not in done.stdout and done.stderr == ""


def test_command_line_with_everything_right_and_with_nothing(copied, capsys):
    assert main(["check", str(copied / NAME)]) == 1
    assert capsys.readouterr().out.count("not written yet") == 2
    fill_in(copied, ANSWERS | {"04-count": "def count(D, H):\n    return H * (D + 1)"})
    assert main(["check", str(copied / NAME)]) == 0
    assert capsys.readouterr().out.endswith("2 of 2 exercises right.\n")


def test_command_line_tells_what_is_missing(copied, capsys):
    fill_in(
        copied, {"04-step-backward": "def step_backward(x:\n    return", "04-count": "def other(D, H):\n    return 1"}
    )
    assert main(["check", str(copied / NAME)]) == 1
    out = capsys.readouterr().out
    assert "step_backward: not found in the notebook. Cell 4, where it belongs, stops with SyntaxError" in out
    assert "count: not found in the notebook. Cell 6, where it belongs, does not define it." in out
    shutil.rmtree(copied / "checks")
    assert main(["check", str(copied / NAME)]) == 2
    assert "no file `checks/04.json` beside it" in capsys.readouterr().err
    assert main(["check", str(copied / "none.ipynb")]) == 2
    assert "none.ipynb: cannot be read; is the path right?" in capsys.readouterr().err


def test_lines_for_jupyter_are_left_out_and_python_is_kept():
    assert _plain("%timeit f()\nx = 1") == "pass\nx = 1"
    assert _plain("if x:\n    !ls\n    np.tanh?") == "if x:\n    pass\n    pass"
    assert _plain("%%bash\nls") == ""
    assert _plain("x = (7\n% 3)") == "x = (7\n% 3)"


def test_importing_check_needs_numpy_only_and_little_time():
    code = (
        "import sys, time; t = time.process_time(); from course_pkg.exercises import check; "
        "print(time.process_time() - t, *sys.modules)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    seconds, *modules = out.split()
    assert not {"torch", "matplotlib", "IPython", "nbformat", "pytest"} & set(modules)
    assert float(seconds) < 0.8


@pytest.mark.parametrize("backend", [None, "svg"])
def test_running_a_notebook_leaves_the_environment_as_it_was(copied, capsys, monkeypatch, backend):
    monkeypatch.delenv("MPLBACKEND", raising=False)
    if backend:
        monkeypatch.setenv("MPLBACKEND", backend)
    before = dict(os.environ)
    main(["check", str(copied / NAME)])
    assert {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"} == {
        k: v for k, v in before.items() if k != "PYTEST_CURRENT_TEST"
    }

"""Who may import whom (CONTRIBUTING.md, Layout), and that importing the package is cheap."""

import ast
import json
import statistics
import subprocess
import sys

import pytest

from tools.notebooks import ROOT

PACKAGE = ROOT / "course_pkg"
HEAVY = {"torch", "matplotlib", "IPython", "sklearn", "jupyter_core", "jupyterlab", "ipykernel", "ipywidgets"}
OUTSIDE = {"book", "solutions", "tests", "tools", "experiments"}  # they import us, never the other way round
PARTS = {"data", "viz", "viz.live", "checks", "exercises", "torch_twins", "grading", "published"}
FRONT = {"cli", "__main__"}  # the command `course`, which stands before the parts it calls
# What a part may import besides the subject and itself; the subject (all other modules) may import none of them.
MAY_USE = {"data": set(), "viz": set(), "viz.live": {"data", "viz"}, "checks": {"torch_twins"},
           "torch_twins": set(), "exercises": {"checks"}, "grading": {"exercises"}, "published": {"data"},
           "front": {"exercises", "grading", "published"}}  # fmt: skip
TORCH_AT_THE_TOP = "torch_twins"  # the only part that imports torch when it is imported
TORCH_LATER = {"checks", "exercises", "grading"}  # inside functions
FAST_ENOUGH = 0.2  # seconds of CPU


def modules():
    """Name -> source of all modules of the package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path.read_text(encoding="utf8")
    return found


def imports(source, module, is_package=False):
    """(target, later) for every import in the source; later: inside a function, or for type checkers only."""
    found = []

    def visit(node, later):
        if isinstance(node, ast.Import):
            found.extend((alias.name, later) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[: len(module.split(".")) + is_package - node.level] if node.level else []
            target = ".".join([*base, *([node.module] if node.module else [])])
            found.extend((f"{target}.{alias.name}", later) for alias in node.names)
        later = later or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        later = later or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
        for child in ast.iter_child_nodes(node):
            visit(child, later)

    visit(ast.parse(source), False)
    return found


def part(module):
    """The folder of course_pkg in which a module is, or "" for the subject."""
    pieces = module.split(".")
    if len(pieces) > 1 and pieces[1] in FRONT:
        return "front"
    if ".".join(pieces[1:3]) in PARTS:
        return ".".join(pieces[1:3])
    return pieces[1] if len(pieces) > 1 and pieces[1] in PARTS else ""


def forbidden(source, module, is_package=False):
    """Problems: imports that the architecture does not allow."""
    problems = []
    own = part(module)
    for target, later in imports(source, module, is_package):
        top = target.split(".")[0]
        if top in OUTSIDE or (top == "exercises"):
            problems.append(f"{module} imports {target}: the package imports nothing of the project around it")
        elif top == "course_pkg":
            other = part(target)
            if other and other != own and other not in MAY_USE.get(own, set()):
                problems.append(f"{module} imports {target}: {own or 'the subject'} may not use {other}")
        elif top == "torch":
            if own != TORCH_AT_THE_TOP and not (own in TORCH_LATER and later):
                problems.append(f"{module} imports torch, which only course_pkg.torch_twins may (checks: in functions)")
        elif top in HEAVY and not (own and later):
            problems.append(f"{module} imports {top}: only parts may, and inside functions")
    return problems


def test_architecture():
    problems = []
    for module, source in modules().items():
        problems += forbidden(source, module, (ROOT / module.replace(".", "/")).is_dir())
    assert not problems, "\n" + "\n".join(problems)


@pytest.mark.parametrize(
    "module, source",
    [
        ("course_pkg.rnn", "import torch"),
        ("course_pkg.rnn", "def f():\n    import torch"),
        ("course_pkg.rnn", "def f():\n    import matplotlib.pyplot as plt"),
        ("course_pkg.rnn", "from course_pkg.data.batches import one_hot"),
        ("course_pkg.rnn", "from course_pkg import data"),
        ("course_pkg.rnn", "from .viz import style"),
        ("course_pkg.rnn", "def f():\n    from . import torch_twins"),
        ("course_pkg.data.text", "from ..viz.style import PALETTE"),
        ("course_pkg.viz.style", "from course_pkg.data.sentences import WORDS"),
        ("course_pkg.viz.style", "from .live import figure"),
        ("course_pkg.data.digits", "import sklearn.datasets"),
        ("course_pkg.viz.style", "from matplotlib import pyplot"),
        ("course_pkg.viz.style", "def f():\n    import torch"),
        ("course_pkg.checks.parity", "import torch"),
        ("course_pkg.rnn", "import tests.package"),
        ("course_pkg.exercises.make", "from tools import notebooks"),
        ("course_pkg.exercises.make", "from ..grading import box"),
        ("course_pkg.rnn", "from .grading import box"),
        ("course_pkg.rnn", "from .cli import main"),
        ("course_pkg.cli", "from .data import batches"),
        ("course_pkg.cli", "import torch"),
    ],
)
def test_forbidden_import_is_caught(module, source):
    assert len(forbidden(source, module)) == 1


@pytest.mark.parametrize(
    "module, source",
    [
        ("course_pkg.rnn", "import numpy as np\nfrom course_pkg.shapes import check\nfrom .tree import leaves"),
        ("course_pkg.data.digits", "def load():\n    from sklearn.datasets import load_digits"),
        ("course_pkg.viz.live.lstm", "from course_pkg.data.sentences import WORDS\nfrom ..svg import colour"),
        ("course_pkg.viz.style", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import matplotlib"),
        ("course_pkg.checks.parity", "def f():\n    import torch"),
        ("course_pkg.torch_twins.rnn", "import torch\nfrom course_pkg.rnn import RNNParams"),
        ("course_pkg.exercises.make", "from . import markers\nfrom course_pkg.checks import gradients"),
        ("course_pkg.grading.grade", "from ..exercises.judge import Task\nfrom .box import Box"),
        ("course_pkg.cli", "from . import __version__\ndef f():\n    from .grading import commands"),
    ],
)
def test_allowed_import_passes(module, source):
    assert forbidden(source, module) == []


def run(code):
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)


def test_importing_everything_loads_nothing_heavy():
    names = [name for name in modules() if part(name) != "torch_twins" and not name.endswith("__main__")]
    code = f"import sys, json, importlib\nfor name in {names}: importlib.import_module(name)\n"
    loaded = run(code + "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))")
    assert "course_pkg" in loaded and "numpy" in loaded
    assert HEAVY & set(loaded) == set()


def test_import_is_fast():
    """The package, and with it a whole recurrent network and its training: NumPy's own import is included."""
    code = """import json, time
start = time.process_time()
import course_pkg, course_pkg.rnn, course_pkg.rnn_fast, course_pkg.losses, course_pkg.optim, course_pkg.train
print(json.dumps(time.process_time() - start))"""
    seconds = statistics.median(run(code) for _ in range(7))
    assert seconds < FAST_ENOUGH, f"import takes {seconds:.3f} s of CPU"

"""The package's code keeps its form: typed, documented with shapes, in files that one can read, clean by ruff."""

import ast
import re
import subprocess
import sys

import pytest

from tools.notebooks import ROOT

LONGEST = 350  # lines of a file
ARRAYS = ("np.ndarray", "torch.Tensor", "tuple[np.ndarray", "tuple[torch.Tensor")
SIZE = r"(?:\.\.\.|[A-Za-z_0-9+*\- ]+)"
SHAPE = re.compile(rf"\({SIZE}(?:, ?{SIZE})*,?\)|\b(?:shapes?|scalar|vector|tree|leaves)\b")


def sources():
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf8") for path in (ROOT / "course_pkg").rglob("*.py")}


def public_functions(tree):
    """(function, its name) of each public function and each public method of a public class."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node, node.name
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                    yield method, f"{node.name}.{method.name}"


def form_problems(source, name):
    """Public functions without type hints or docstring, or with arrays but no word about their shapes."""
    problems = []
    for function, label in public_functions(ast.parse(source)):
        arguments = function.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg]
        bare = [a.arg for a in every if a is not None and a.annotation is None and a.arg not in ("self", "cls")]
        if bare:
            problems.append(f"{name}: {label} has no type hint for {', '.join(bare)}")
        if function.returns is None:
            problems.append(f"{name}: {label} has no type hint for what it returns")
        text = ast.get_docstring(function) or ""
        if not text.strip() and not is_property(function):
            problems.append(f"{name}: {label} has no docstring")
            continue
        hints = [ast.unparse(a.annotation) for a in every if a is not None and a.annotation is not None]
        hints += [ast.unparse(function.returns)] if function.returns else []
        if any(hint.startswith(ARRAYS) for hint in hints) and not SHAPE.search(text):
            problems.append(f"{name}: {label} has arrays, but its docstring names no shape such as (T, B, D)")
    return problems


def is_property(function):
    """A property: its name and its type say it."""
    return any(ast.unparse(decorator).endswith("property") for decorator in function.decorator_list)


def test_public_functions_are_typed_and_documented():
    problems = [problem for name, source in sources().items() for problem in form_problems(source, name)]
    assert not problems, "\n" + "\n".join(problems)


GOOD = 'def f(x: np.ndarray, n: int = 1) -> np.ndarray:\n    """(f)  x: (T, B, D) -> (T, B)."""\n'


@pytest.mark.parametrize(
    "source, said",
    [
        (GOOD.replace("x: np.ndarray, n", "x, n"), "no type hint for x"),
        (GOOD.replace(" -> np.ndarray:", ":"), "what it returns"),
        (GOOD.replace("n: int = 1", "*n"), "no type hint for n"),
        (GOOD.replace('    """(f)  x: (T, B, D) -> (T, B)."""', "    return x"), "no docstring"),
        (GOOD.replace("(f)  x: (T, B, D) -> (T, B).", "Computes it."), "no shape"),
        ("class Net:\n    def step(self, x):\n        pass\n", "Net.step"),
    ],
)
def test_bad_form_is_caught(source, said):
    assert any(said in problem for problem in form_problems(source, "x.py"))


def test_good_form_passes():
    private = "def _g(x):\n    pass\n\nclass _Hidden:\n    def step(self, x):\n        pass\n"
    private += "\nclass Net:\n    @property\n    def H(self) -> int:\n        return 3\n"
    assert form_problems(GOOD + private, "x.py") == []


def test_files_are_short():
    long = {name: source.count("\n") for name, source in sources().items() if source.count("\n") > LONGEST}
    assert not long, f"files of more than {LONGEST} lines: {long}"


def test_ruff():
    command = [sys.executable, "-m", "ruff", "check", "--quiet", "--output-format=concise", "."]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout

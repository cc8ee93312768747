"""Exercises that ask for PyTorch: it is in their boxes, and in no others; all else is as without it."""

import json

import numpy as np
import pytest

from course_pkg.grading.box import Box, Limits
from course_pkg.grading.grade import Settings, grade_submission
from course_pkg.grading.levels import best_level
from tests.grading import kit

pytest.importorskip("torch", reason="PyTorch is an extra")
WITH_TORCH = """import torch
def step_back(x, h, dh):
    h = torch.tensor(h, requires_grad=True)
    da = torch.tensor(dh) * (1 - h.detach() ** 2)
    return (da.T @ torch.tensor(x)).numpy(), da.sum(0).numpy()
"""


def test_torch_is_there_when_asked_for_and_walls_too():
    with Box(best_level(), torch=True, limits=Limits()) as box:
        cells = [("a", "import torch\ndef f(x): return torch.tensor(x).exp().numpy()"),
                 ("b", "def g(): return open('/etc/passwd').read()"), ("c", "import course_pkg.rnn")]  # fmt: skip
        report = box.load(cells)
        assert [cell.error for cell in report.cells] == ["", "", "ModuleNotFoundError"]
        (outcome,) = box.call("f", [(np.zeros(3),)])
        assert np.array_equal(outcome.value, np.ones(3))
        if best_level() in ("A", "B"):
            assert box.call("g", [()])[0].error in ("FileNotFoundError", "PermissionError")


def test_a_chapter_whose_given_cells_import_torch_is_graded_with_it(tmp_path):
    """The same answer without that import in the chapter's own cells finds no torch."""
    plain = kit.small_course(tmp_path / "plain")
    answer = {kit.BACK: WITH_TORCH}
    scores = []
    for root in (plain, with_torch(tmp_path / "with")):
        result = grade_submission(kit.notebook(plain, answer), papers=kit.papers(root), settings=real())
        scores.append((result.question(kit.BACK).points, result.question(kit.SUM).points))
    assert scores == [(0.0, 10.0), (10.0, 10.0)]


def real():
    return Settings(allow_unsafe=True).ready()


def with_torch(root):
    kit.small_course(root)
    path = root / "solutions" / "04_steps.ipynb"
    data = json.loads(path.read_text("utf8"))
    data["cells"][1]["source"] = "import torch\n" + "".join(data["cells"][1]["source"])
    path.write_text(json.dumps(data), "utf8")
    return root

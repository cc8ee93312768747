"""The tool behind `make test-portable` sees what differs, and says what it left out."""

import sys

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools import notebooks, portable


def save(path, source, printed):
    outputs = [new_output("stream", name="stdout", text=printed)]
    cell = new_code_cell(source, execution_count=1, outputs=outputs)
    notebooks.write(path, new_notebook(cells=[cell], metadata={"kernelspec": dict(notebooks.KERNELSPEC)}))
    return path


@pytest.mark.parametrize("value, failed", [("7", 0), ("8", 1)])
def test_a_difference_fails(tmp_path, value, failed):
    path = save(tmp_path / "a.ipynb", "import os\nprint(os.environ['COURSE_SAYS'])", "7\n")
    configuration = portable.Configuration("made up", {"COURSE_SAYS": value}, threads=2)
    result = portable.run(configuration, [path])
    assert (result.cells, result.failed) == (1, failed), result.output


def test_nothing_collected_is_a_failure(tmp_path):
    assert portable.run(portable.Configuration("none", {}, threads=2), [tmp_path / "none.ipynb"]).failed == 1


@pytest.mark.parametrize(
    "source, answer",
    [
        ("import torch", True),
        ("x = 1\nfrom torch import nn", True),
        ("from course_pkg.torch_twins import RNN", True),
        ("from course_pkg.checks.parity import autograd", True),
        ("from course_pkg.checks import check_autograd", True),
        ("import numpy as np  # no torch", False),
        ("from course_pkg.rnn import rnn_step\nprint('torch')", False),
    ],
)
def test_notebooks_that_need_torch(tmp_path, source, answer):
    assert portable.needs_torch(save(tmp_path / "a.ipynb", source, "")) is answer


def test_python_that_is_not_there():
    assert portable.find_python("3.0") is None
    assert portable.other_python("3.0").impossible == "not installed"


def test_python_that_is_there():
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    found = portable.find_python(version)
    assert found is None or portable.ask(found, "import sys; print(sys.version_info[1])") == version.split(".")[1]


def test_configurations_cover_what_is_promised():
    made = portable.core_configurations()
    assert [(c.environment["OPENBLAS_CORETYPE"], c.threads) for c in made] == [
        (core, threads) for core in ("Nehalem", "Haswell", "SkylakeX") for threads in (1, 2)
    ]
    assert "NPY_DISABLE_CPU_FEATURES" in portable.no_simd().environment

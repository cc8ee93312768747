"""The tools that execute notebooks: same bytes each time, nothing of this machine, failures leave the file alone."""

import json
import os
import re

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import execute, notebooks

SOURCES = [
    "import os\nprint(os.path.basename(os.getcwd()), os.environ['OMP_NUM_THREADS'], os.environ['COURSE_PROGRESS'])",
    "import ipywidgets as w\na, b = w.IntSlider(), w.IntSlider()\nw.jslink((a, 'value'), (b, 'value'))",
    "w.VBox([a, b])",
    "print({'x', 'y', 'z'})",
]


def save(path, sources, **metadata):
    cells = [new_markdown_cell("# Title"), *(new_code_cell(source, metadata=metadata) for source in sources)]
    notebooks.write(path, new_notebook(cells=cells))


@pytest.fixture
def environment(monkeypatch):
    """Run what changes os.environ, and put it back."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "PYTHONHASHSEED", "IPYTHONDIR"):
        monkeypatch.setenv(name, os.environ.get(name, ""))


def test_executing_twice_gives_the_same_bytes(tmp_path, environment):
    folder = tmp_path / "chapter"
    folder.mkdir()
    texts = []
    for _ in range(2):
        save(folder / "a.ipynb", SOURCES)
        assert execute.main([str(folder)]) == 0
        texts.append((folder / "a.ipynb").read_text(encoding="utf8"))
    assert texts[0] == texts[1]
    notebook = json.loads(texts[0])
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == [1, 2, 3, 4]
    assert "".join(code[0]["outputs"][0]["text"]) == f"chapter {os.environ['OMP_NUM_THREADS']} 0\n"
    assert len(notebook["metadata"]["widgets"][notebooks.WIDGET_STATE]["state"]) >= 7
    assert "version" not in notebook["metadata"]["language_info"]


def test_failure_leaves_the_file_as_it_was(tmp_path, environment, capsys):
    save(tmp_path / "a.ipynb", ["x = 1", "x / 0"])
    save(tmp_path / "b.ipynb", ["1 / 0"], tags=["raises-exception"])
    before = (tmp_path / "a.ipynb").read_bytes()
    assert execute.main([str(tmp_path)]) == 1
    assert (tmp_path / "a.ipynb").read_bytes() == before
    shown = capsys.readouterr().out
    assert re.search(r"a\.ipynb +FAILED", shown) and "ZeroDivisionError" in shown and "1 of 2 notebooks" in shown
    assert '"execution_count": 1' in (tmp_path / "b.ipynb").read_text()


def test_check_writes_nothing(tmp_path, environment):
    save(tmp_path / "a.ipynb", ["print(1)"])
    before = (tmp_path / "a.ipynb").read_bytes()
    assert execute.main(["--check", str(tmp_path / "a.ipynb")]) == 0
    assert (tmp_path / "a.ipynb").read_bytes() == before


def test_unknown_notebook_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        execute.main([str(tmp_path / "none.ipynb")])
    assert "no such notebook" in capsys.readouterr().err


def test_normalise_is_stable():
    frames = ["E", "\x1b[32mFile ~/x.py:1\x1b[0m", "Cell In[1]", "E: e"]
    error = new_output("error", ename="E", evalue="e", traceback=frames)
    cells = [new_code_cell("f()", outputs=[error], metadata={"execution": {"started": "now"}}) for _ in range(2)]
    cells.append(new_code_cell("g()", id="exercise-3-start"))
    once = notebooks.normalise(json.loads(json.dumps({"cells": cells, "metadata": {}})), "a.ipynb")
    assert [cell["id"] for cell in once["cells"][2:]] == ["exercise-3-start"]
    assert len({cell["id"] for cell in once["cells"]}) == 3
    assert once["cells"][0]["outputs"][0]["traceback"] == ["E", "Cell In[1]", "E: e"]
    assert once["cells"][0]["metadata"] == {}
    assert notebooks.normalise(json.loads(json.dumps(once)), "a.ipynb") == once


def test_cell_ids_follow_the_text_not_the_place():
    def ids(*sources):
        cells = [new_code_cell(source) for source in sources]
        return [c["id"] for c in notebooks.normalise({"cells": cells, "metadata": {}}, "a.ipynb")["cells"]]

    assert ids("a", "b") == ids("new", "a", "b")[1:]


def test_find_leaves_out_copies(tmp_path):
    copies = ("book/.ipynb_checkpoints/a.ipynb", "book/_build/a.ipynb", "other/a.ipynb")
    for name in ("book/b.ipynb", "book/a.ipynb", *copies):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    found = [path.relative_to(tmp_path).as_posix() for path in notebooks.find(root=tmp_path)]
    assert found == ["book/a.ipynb", "book/b.ipynb"]


def test_environment_is_set_for_all_tests():
    assert os.environ["OMP_NUM_THREADS"] == os.environ.get("COURSE_THREADS", "1")
    assert (os.environ["PYTHONHASHSEED"], os.environ["COURSE_PROGRESS"]) == ("0", "0")

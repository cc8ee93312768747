"""The skeleton of a chapter in CONTRIBUTING.md is a whole chapter: who begins with it begins with passing tests."""

import re
import textwrap

import jupytext

from tools import chapters
from tools.notebooks import ROOT


def skeleton():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf8")
    block = re.search(r"^   ```python\n(   # %% \[markdown\].*?)^   ```$", text, re.M | re.S).group(1)
    return jupytext.reads(textwrap.dedent(block), fmt="py:percent")


def test_skeleton_is_a_whole_chapter():
    notebook = skeleton()
    text = chapters.markdown(notebook)
    assert chapters.missing_parts(notebook) == []
    assert chapters.quiz_problems(notebook) == []
    assert chapters.unlabelled(text) == []
    assert set(chapters.labels({"skeleton": text})[0]) == chapters.labels_in_comments(notebook) == {"running-mean"}


def test_skeleton_runs(capsys):
    space = {}
    for cell in skeleton().cells:
        if cell.cell_type == "code":
            exec(cell.source, space)
    assert capsys.readouterr().out == "1 3.0\n2 4.5\n3 6.0\n"

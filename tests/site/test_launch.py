"""The buttons that open a notebook on a machine, and the copies of the notebooks behind two of them."""

import re
import sys

import nbformat
import pytest
from sphinx.errors import ConfigError

from tests.site.sample import ROOT
from tools import launchable

sys.path.insert(0, str(ROOT / "book/site/ext"))
from course_launch import launch_links

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "https://github.com/owner/course"


def test_no_repository_no_buttons():
    assert launch_links("book/06_lstm", "", "", COMMIT) == launch_links("book/06_lstm", REPOSITORY, "", "") == []


def test_each_button_names_the_commit_and_the_notebook():
    links = dict(launch_links("book/06_lstm", REPOSITORY + "/", "https://hub.example.org/", COMMIT))
    assert list(links) == ["Binder", "Colab", "JupyterHub"]
    assert links["Binder"] == f"https://mybinder.org/v2/gh/owner/course/{COMMIT}?urlpath=lab%2Ftree%2Fbook%2F06_lstm.ipynb"
    assert links["Colab"].endswith("/github/owner/course/blob/notebooks/0123456/book/06_lstm.ipynb")
    assert links["JupyterHub"] == (
        "https://hub.example.org/hub/user-redirect/git-pull?repo=https%3A%2F%2Fgithub.com%2Fowner%2Fcourse"
        "&branch=notebooks&urlpath=lab%2Ftree%2Fcourse%2F0123456%2Fbook%2F06_lstm.ipynb"
    )
    assert list(dict(launch_links("book/06_lstm", REPOSITORY, "", COMMIT))) == ["Binder", "Colab"]


@pytest.mark.parametrize("wrong", ["github.com/owner/course", "https://gitlab.com/a/b", "https://github.com/owner"])
def test_a_wrong_address_is_refused(wrong):
    with pytest.raises(ConfigError, match="expected https://github.com/OWNER/NAME"):
        launch_links("book/06_lstm", wrong, "", COMMIT)


def test_the_copies_fetch_this_commit_and_change_nothing_else(tmp_path, capsys):
    assert launchable.main([REPOSITORY, COMMIT, str(tmp_path)]) == 0
    chapters = sorted(path.name for path in (ROOT / "book").glob("*.ipynb"))
    assert sorted(path.name for path in (tmp_path / "0123456/book").iterdir()) == chapters
    assert f"{sum(1 for _ in tmp_path.rglob('*.ipynb'))} notebooks" in capsys.readouterr().out
    needs = {"11_a_network_that_writes_code.ipynb": "notebooks", "09_the_same_in_pytorch.ipynb": "notebooks,torch"}
    for name, extras in needs.items():
        copy = nbformat.read(tmp_path / "0123456/book" / name, as_version=4)
        nbformat.validate(copy)
        source = nbformat.read(ROOT / "book" / name, as_version=4)
        head = copy.cells[0].source
        assert f"checkout --quiet {COMMIT}" in head and f"[{extras}]" in head and head.endswith("/book")
        assert copy.cells[1:] == source.cells


@pytest.mark.parametrize("arguments", [[], ["owner/course", COMMIT, "x"], [REPOSITORY, "main", "x"]])
def test_copies_need_an_address_and_a_commit(arguments, capsys):
    assert launchable.main(arguments) == 2 and "COMMIT FOLDER" in capsys.readouterr().err


def test_the_book_asks_for_both_in_one_place():
    config = (ROOT / "_config.yml").read_text(encoding="utf8")
    assert len(re.findall(r"^ +course_repository:", config, re.MULTILINE)) == 1
    assert "course-launch.html" in config

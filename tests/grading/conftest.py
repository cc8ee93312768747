"""The small course of kit.py, made once; tests of the command line may take the box without walls."""

import pytest

from tests.grading import kit
from tests.grading.fake_box import FakeBox


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    """The root of a small course, with solutions/ and exercises/."""
    return kit.small_course(tmp_path_factory.mktemp("course"))


@pytest.fixture
def without_walls(monkeypatch):
    """Every box is a FakeBox that says it is of level A."""
    monkeypatch.setattr("course_pkg.grading.box.Box", FakeBox)
    monkeypatch.setattr("course_pkg.grading.levels.best_level", lambda: "A")
    monkeypatch.setattr("course_pkg.grading.levels.probe", lambda level: "")
    FakeBox.opened = 0
    return FakeBox

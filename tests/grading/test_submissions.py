"""Folders as they come from Canvas, Moodle, Gradescope, nbgrader and from people; and what must not be opened."""

import os

import pytest

from course_pkg.grading.keys import GradingError
from course_pkg.grading.sheets import answers_fingerprint, sheets_of
from course_pkg.grading.submissions import LARGEST, find, resubmission
from tests.grading import kit


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}")


def found(folder):
    return {one.student: sorted(one.files) for one in find(folder)}


def test_plain_files_and_folders(tmp_path):
    touch(tmp_path, "ada.ipynb", "boole_04_steps.ipynb", "boole_03_recurrent.ipynb", "curie/04_steps.ipynb",
          "curie/deeper/03_x.ipynb", "dirac/notes.txt", "readme.txt", ".hidden.ipynb", "__MACOSX/ada.ipynb",
          "curie/.ipynb_checkpoints/04_steps-checkpoint.ipynb")  # fmt: skip
    assert found(tmp_path) == {
        "ada": ["ada.ipynb"],
        "boole": ["03_recurrent.ipynb", "04_steps.ipynb"],
        "curie": ["04_steps.ipynb", "deeper/03_x.ipynb"],
        "dirac": [],
    }


def test_canvas(tmp_path):
    touch(tmp_path, "lovelaceada_4321_98765_04_steps.ipynb", "lovelaceada_4321_98766_03_x-2.ipynb",
          "booleg_LATE_17_5_04_steps.ipynb")  # fmt: skip
    ada, boole = sorted(find(tmp_path), key=lambda one: one.ids["canvas"], reverse=True)
    assert (ada.student, ada.ids, sorted(ada.files)) == (
        "lovelaceada_4321", {"canvas": "4321"}, ["03_x-2.ipynb", "04_steps.ipynb"])  # fmt: skip
    assert (boole.student, boole.late) == ("booleg_17", "late")


def test_moodle_as_folders_and_as_files(tmp_path):
    touch(tmp_path, "Ada Lovelace_12345_assignsubmission_file_/04_steps.ipynb",
          "José Núñez_77_assignsubmission_file_04_steps.ipynb")  # fmt: skip
    ada, jose = find(tmp_path)
    assert (ada.name, ada.ids, list(ada.files)) == ("Ada Lovelace", {"moodle": "12345"}, ["04_steps.ipynb"])
    assert (jose.name, jose.ids["moodle"]) == ("José Núñez", "77")


def test_gradescope(tmp_path):
    touch(tmp_path, "submission_11/04_steps.ipynb", "submission_12/x/04_steps.ipynb")
    (tmp_path / "submission_metadata.yml").write_text(
        "---\nsubmission_11:\n  :submitters:\n  - :name: Ada Lovelace\n    :sid: '900'\n    :email: ada@example.org\n"
        "  :created_at: 2027-01-01\n  :score: 0.0\nsubmission_12:\n  :submitters:\n  - :name: G. Boole\n",
        encoding="utf-8",
    )
    ada, boole = find(tmp_path)
    assert (ada.student, ada.name) == ("ada@example.org", "Ada Lovelace")
    assert ada.ids == {"sid": "900", "email": "ada@example.org", "gradescope": "11"}
    assert (boole.student, boole.name, boole.ids) == ("submission_12", "G. Boole", {"gradescope": "12"})


def test_nbgrader(tmp_path):
    touch(tmp_path, "submitted/ada/steps/04_steps.ipynb", "source/steps/04_steps.ipynb")
    assert found(tmp_path) == {"ada": ["steps/04_steps.ipynb"]}


def test_one_file_is_a_submission(tmp_path):
    touch(tmp_path, "ada.ipynb")
    assert [one.student for one in find(tmp_path / "ada.ipynb")] == ["ada"]


def test_links_pipes_and_large_files(tmp_path):
    (tmp_path / "secret.key").write_text("secret", encoding="utf-8")
    folder = tmp_path / "in"
    touch(folder, "ada/04_steps.ipynb", "zeno/a.ipynb")
    os.symlink(tmp_path / "secret.key", folder / "link.ipynb")
    os.symlink(tmp_path / "secret.key", folder / "ada" / "link.ipynb")
    os.symlink(tmp_path, folder / "linked")
    os.symlink(tmp_path, folder / "ada" / "linked")
    os.mkfifo(folder / "ada" / "pipe.ipynb")
    with open(folder / "zeno" / "a.ipynb", "wb") as file:
        file.truncate(LARGEST + 100)
    ada, zeno = find(folder)
    assert (ada.student, list(ada.files)) == ("ada", ["04_steps.ipynb"])
    assert len(zeno.read()["a.ipynb"]) == LARGEST + 1
    path = ada.files["04_steps.ipynb"]  # what becomes a link after it was found is not followed either
    path.unlink()
    os.symlink(tmp_path / "secret.key", path)
    assert ada.read() == {"04_steps.ipynb": b""}


def test_nothing_there(tmp_path):
    with pytest.raises(GradingError, match="no notebooks"):
        find(tmp_path)
    with pytest.raises(GradingError, match="no folder"):
        find(tmp_path / "missing")


@pytest.mark.parametrize("name, number", [("04_steps.ipynb", 0), ("04_steps-1.ipynb", 1), ("04_steps (2).ipynb", 2),
                                          ("04_steps(12).ipynb", 12), ("04-2027.ipynb", 0)])  # fmt: skip
def test_the_number_of_a_second_submission(name, number):
    assert resubmission(name) == number


def test_of_two_notebooks_for_a_chapter_the_last_that_can_be_read_counts(course):
    papers = kit.papers(course)
    first, second = kit.notebook(course), kit.notebook(course, kit.WRONG)
    sheets, files = sheets_of({"04_steps.ipynb": first, "04_steps-2.ipynb": b"{", "04_steps-1.ipynb": second}, papers)
    assert sheets["04"].name == "04_steps-1.ipynb"
    told = {file.name: file for file in files}
    assert "not graded: 04_steps-1.ipynb" in " ".join(told["04_steps.ipynb"].oddities)
    assert told["04_steps-2.ipynb"].reason == "json"
    assert not told["04_steps-1.ipynb"].oddities


def test_a_notebook_without_tags_and_with_another_name_is_known_by_its_functions(course):
    import json

    data = json.loads(kit.notebook(course))
    for one in data["cells"]:
        one["metadata"] = {}
        one.pop("id", None)
    sheets, files = sheets_of({"Untitled.ipynb": json.dumps(data).encode()}, kit.papers(course))
    assert list(sheets) == ["04"] and "tag" in " ".join(files[0].oddities)


def test_a_notebook_of_something_else_is_said_to_be_one(course):
    sheets, (file,) = sheets_of({"x.ipynb": b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "1"}]}'},
                                kit.papers(course))  # fmt: skip
    assert (sheets, file.reason) == ({}, "no exercises")


def test_same_answers_with_other_names_comments_and_layout():
    long = "x * y + " * 20 + "1\n"
    one = ["def f(x, y):\n    # my own\n    total = x + y * 2\n    return total - x / (y + 1) + " + long]
    other = [one[0].replace("total", "sum_").replace("# my own", "").replace("x * y", "x  *  y")]
    different = [one[0].replace("y * 2", "y * 3")]
    assert answers_fingerprint(one) == answers_fingerprint(other) != answers_fingerprint(different)
    assert answers_fingerprint(["def f(x):\n    return x"]) == ""  # too little to tell anything
    assert answers_fingerprint(["(" * 10000 + "'''"] * 90) != ""  # what is no Python is compared as it stands

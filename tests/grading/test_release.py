"""The students' bundle: what is in it, that it is enough to work with, and that every kind of leak is refused."""

import base64
import json
import os
import py_compile
import shutil
import subprocess
import sys

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from course_pkg.exercises.sources import chapters
from course_pkg.exercises.variants import chapters_of_term
from course_pkg.grading import release as module
from course_pkg.grading.hidden import make_question
from course_pkg.grading.keys import GradingError
from course_pkg.grading.leaks import inspect
from course_pkg.grading.release import COURSE, LeakError, release, secrets_of, strangers
from tests.grading import kit

HERE = "line of the solution"
LINE = "da = dh * (1 - h**2)"
VARIANTS = """
from course_pkg.exercises import Mutant, Variant

VARIANTS = [Variant(
    of="04-step-back", name="sigmoid", says="sigmoid units", code=[("(1 - h**2)", "h * (1 - h)")],
    arguments=lambda x, h, dh: (x, (1 + h) / 2, dh), back=lambda x, h, dh: (x, 2 * h - 1, dh),
    result=lambda value, *_: (value[0] / 4, value[1] / 4), without=["The derivative of tanh is 1"],
    mutants=[Mutant(replace="h * (1 - h)", by="(1 - h**2)", hint="This is tanh'.")],
)]
"""
NOTEBOOK, CHECKS = "exercises/04_steps.ipynb", "exercises/checks/04.json"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The small course with one variant and two files of the package."""
    root = kit.small_course(tmp_path_factory.mktemp("released"))
    (root / "solutions/variants_04.py").write_text(VARIANTS, encoding="utf-8")
    for name in ("LICENSE", "requirements.txt", "pyproject.toml", "course_pkg/__init__.py", "course_pkg/dense.py"):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(COURSE / name, root / name)
    return root


@pytest.fixture(scope="module")
def bundle(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("bundles") / "students"
    release(out, "2026", root=root, key=kit.KEY)
    return out


@pytest.fixture(scope="module")
def secrets(root):
    return secrets_of(root, chapters_of_term(root, "2026"), kit.KEY)[0]


@pytest.fixture(scope="module")
def hidden(root):
    (chapter,) = chapters_of_term(root, "2026")
    return make_question(chapter, chapter.exercises[0], kit.KEY).hidden


@pytest.fixture
def copied(bundle, tmp_path):
    return shutil.copytree(bundle, tmp_path / "bundle")


def in_notebook(change):
    def plant(folder, hidden):
        data = json.loads((folder / NOTEBOOK).read_text(encoding="utf-8"))
        change(data)
        (folder / NOTEBOOK).write_text(json.dumps(data, indent=1), encoding="utf-8")

    return plant


def in_text(name, text):
    def plant(folder, hidden):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(before + (text(hidden) if callable(text) else text) + "\n", encoding="utf-8")

    return plant


def escaped(folder, hidden):
    raw = (folder / NOTEBOOK).read_text(encoding="utf-8")
    code = "".join(f"\\u{ord(c):04x}" for c in LINE)
    (folder / NOTEBOOK).write_text(raw.replace("## A task", f"## A task {code}", 1), encoding="utf-8")


def compiled(folder, hidden):
    source = folder / "solve.py"
    source.write_text(f"def f(dh, h):\n    {LINE}\n    return da\n", encoding="utf-8")
    py_compile.compile(str(source), str(folder / "course_pkg/solve.cpython-311.pyc"))
    source.unlink()


def arrays(folder, hidden):
    np.savez(folder / "exercises/checks/data.npz", *hidden.cases[1].expected)


def another_case(folder, hidden):
    data = json.loads((folder / CHECKS).read_text(encoding="utf-8"))
    cases = data["exercises"][1]["cases"]
    cases.append(dict(cases[0], name="one more"))
    (folder / CHECKS).write_text(json.dumps(data), encoding="utf-8")


def numbers(digits, separator=", "):
    return lambda hidden: separator.join(f"{x:.{digits}f}" for x in hidden.cases[1].expected[0].ravel())


def output(data):
    data["cells"][3]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["a\n", LINE]}]


LEAKS = {
    "a line in a task": (in_notebook(lambda d: d["cells"][3]["source"].append("\n    " + LINE)), NOTEBOOK, HERE),
    "a line in a text": (in_notebook(lambda d: d["cells"][2].update(source="Try `" + LINE + "`")), NOTEBOOK, HERE),
    "in an output": (in_notebook(output), NOTEBOOK + ", line", HERE),
    "any output": (in_notebook(output), NOTEBOOK + ", cell 4", "has outputs"),
    "in metadata of a cell": (in_notebook(lambda d: d["cells"][3]["metadata"].update(key=LINE)), NOTEBOOK, HERE),
    "metadata of a cell": (
        in_notebook(lambda d: d["cells"][3]["metadata"].update(key=1)),
        NOTEBOOK + ", cell 4",
        "metadata",
    ),
    "metadata of a notebook": (in_notebook(lambda d: d["metadata"].update(key="x")), NOTEBOOK, "metadata"),
    "the marker": (
        in_notebook(lambda d: d["cells"][3]["source"].append("\n    ### BEGIN SOLUTION")),
        NOTEBOOK,
        "the marker",
    ),
    "escaped in JSON": (escaped, NOTEBOOK, HERE),
    "another layout": (in_text("README.md", "da=dh *\\\n(1-\n h ** 2)".replace("\\", "")), "README.md, line", HERE),
    "another version": (in_text("README.md", "da = dh * h * (1 - h)"), "README.md, line", "04-step-back (sigmoid)"),
    "a mutant": (in_text("README.md", "    return da.T @ x / len(x), 1"), "README.md, line", "of 04-step-back"),
    "a short solution whole": (in_text("notes.txt", "return float(xs[mask].sum())"), "notes.txt", "04-masked-sum"),
    "in the package": (in_text("course_pkg/dense.py", "# " + LINE), "course_pkg/dense.py, line", HERE),
    "the declarations": (in_text("solutions/tasks_04.py", kit.TASKS), "solutions/tasks_04.py", "text of a mutant"),
    "in the name of a file": (in_text(LINE.replace(" ", "") + ".txt", ""), LINE.replace(" ", ""), HERE),
    "compiled": (compiled, "course_pkg/solve.cpython-311.pyc", "cannot be read as text"),
    "arrays": (arrays, "exercises/checks/data.npz", "cannot be read as text"),
    "encoded": (in_text("README.md", base64.b64encode(kit.TASKS.encode()).decode()), "README.md, line", "encoded data"),
    "expected numbers": (in_text("README.md", numbers(8)), "README.md, line", "numbers of hidden case 2 of"),
    "in four digits": (in_text("notes.md", numbers(4, "\n")), "notes.md, line", "numbers of hidden case 2"),
    "hidden inputs": (
        in_text("a.txt", lambda hidden: str(hidden.cases[1].inputs[0].tolist())),
        "a.txt, line 1",
        "numbers of hidden case 2",
    ),
    "one case more": (another_case, CHECKS + ", 04-masked-sum", "cases that are not the public ones"),
    "the key": (in_text("README.md", kit.KEY.secret.hex()), "README.md", "the key of the term"),
    "broken JSON": (in_text(CHECKS, "}"), CHECKS, "no valid JSON"),
    "a link": (lambda folder, hidden: os.symlink(COURSE / "solutions", folder / "more"), "more", "no plain file"),
    "an empty folder": (lambda folder, hidden: (folder / "da").mkdir(), "da", "an empty folder"),
}  # fmt: skip


def test_the_bundle_itself_is_clean(bundle, root, secrets):
    findings = inspect(bundle, secrets, root / "course_pkg")
    assert findings.leaks == [] and findings.files == 9 and findings.numbers > 100
    names = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    assert {"README.md", "requirements.txt", "pyproject.toml", NOTEBOOK, CHECKS, "course_pkg/dense.py"} <= names


@pytest.mark.parametrize("kind", LEAKS)
def test_leak_is_found(kind, copied, root, secrets, hidden):
    plant, place, what = LEAKS[kind]
    plant(copied, hidden)
    found = inspect(copied, secrets, root / "course_pkg").leaks
    assert any(leak.place.startswith(place) and what in leak.what for leak in found), [*map(str, found)]


def test_lines_are_counted_from_the_top_of_the_file(copied, root, secrets):
    (copied / "README.md").write_text(f"one\n\nthree {LINE}\n", encoding="utf-8")
    (leak,) = inspect(copied, secrets, root / "course_pkg").leaks
    assert str(leak).startswith("README.md, line 3: a line of the solution of 04-step-back")


def test_a_published_file_may_share_a_line_and_not_half_a_solution(root, bundle, secrets, tmp_path):
    """The rule about course_pkg: shared lines are listed; half of a solution is a leak there, too."""
    package = shutil.copytree(root / "course_pkg", tmp_path / "course_pkg")
    made = shutil.copytree(bundle, tmp_path / "bundle")

    def published(text):
        for path in (package / "dense.py", made / "course_pkg/dense.py"):
            path.write_text(text, encoding="utf-8")
        return inspect(made, secrets, package)

    one = published(f"def f(dh, h):\n    {LINE}\n")
    assert one.leaks == [] and str(one.shared[0]).startswith("course_pkg/dense.py, line 2: a line of the solution")
    both = published(f"def f(x, dh, h):\n    {LINE}\n    return da.T @ x, da.sum(axis=0)\n")
    assert any("of the solution of 04-step-back" in leak.what for leak in both.leaks)
    (made / "course_pkg/dense.py").write_text(f"# changed\n{LINE}\n", encoding="utf-8")
    assert inspect(made, secrets, package).shared == []


def test_release_refuses_and_leaves_nothing(root, tmp_path, monkeypatch):
    good = module.bundle
    monkeypatch.setattr(module, "bundle", lambda *a: good(*a) | {"exercises/notes.md": LINE.encode()})
    with pytest.raises(LeakError, match=r"exercises/notes.md, line 1: a line of the solution of 04-step-back"):
        release(tmp_path / "out", "2026", root=root, key=kit.KEY)
    assert list(tmp_path.iterdir()) == []


def test_files_that_nothing_accounts_for(root, bundle, copied):
    files = module.bundle(root, "2026", chapters_of_term(root, "2026"))
    assert strangers(copied, files) == []
    (copied / "more.txt").write_text("x", encoding="utf-8")
    (copied / "LICENSE").write_text("x", encoding="utf-8")
    (copied / "README.md").unlink()
    says = [str(leak) for leak in strangers(copied, files)]
    assert says == ["more.txt: does not belong into the bundle", "README.md: is missing", "LICENSE: was changed"]


def test_a_folder_that_is_there_is_not_touched(root, tmp_path):
    (tmp_path / "mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(GradingError, match="is there already"):
        release(tmp_path, "2026", root=root, key=kit.KEY)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_term_chooses_the_version_and_the_report_says_so(root, tmp_path):
    reports = [release(tmp_path / term, term, root=root, key=kit.KEY) for term in ("2026", "2027")]
    assert [dict(report.changed) for report in reports].count({"04-step-back": "sigmoid"}) == 1
    assert "Searched 9 files" in str(reports[0]) and "for the term 2026" in str(reports[0])
    one, other = ((tmp_path / term / CHECKS).read_bytes() for term in ("2026", "2027"))
    assert one != other


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The real course, released."""
    out = tmp_path_factory.mktemp("whole") / "students"
    return release(out, "2027-spring", key=kit.KEY)


def test_the_real_course_is_released(whole):
    assert len(whole.changed) >= 5 and whole.exercises >= 46
    assert all(leak.place.startswith("course_pkg/") for leak in whole.findings.shared)
    for path in whole.out.rglob("*.md"):
        if "course_pkg" not in path.parts:
            assert "make " not in path.read_text(encoding="utf-8"), "students have no Makefile"
    pins = (whole.out / "requirements.txt").read_text(encoding="utf-8").split()
    assert pins[-2:] == ["-e", "."] and any(pin.startswith("numpy==") for pin in pins)


def test_a_student_works_with_the_bundle_alone(whole, tmp_path):
    """In a copy elsewhere, with the bundle's course_pkg: the term's answer is right, the book's is not."""
    folder = shutil.copytree(whole.out, tmp_path / "mine")
    (term,) = chapters_of_term(COURSE, "2027-spring", "03")
    (book,) = chapters(COURSE, "03")
    changed = [id for id in whole.changed if id.startswith("03")]
    assert changed, "this term should have a task of chapter 3 in another version"
    said = []
    for chapter in (term, book):
        notebook = nbformat.read(folder / "exercises" / chapter.notebook.name, as_version=4)
        for cell in notebook.cells:
            if cell.metadata.get("exercise", {}).get("id") == changed[0]:
                cell.source = chapter.notebook.task(changed[0]).source
            if "check(" in cell.source and cell.cell_type == "code":
                cell.source += "\nimport course_pkg\nprint(course_pkg.__file__)" if "import" not in cell.source else ""
        kernel = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder / "exercises")}})
        kernel.execute(env=os.environ | {"PYTHONPATH": str(folder)})
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        assert any(str(folder / "course_pkg") in output.get("text", "") for output in outputs)
        said += ["".join(output.data["text/plain"] for output in outputs if "data" in output)]
    assert ": right on" in said[0] and ": right on" not in said[1]
    assert "This answers another version of the task: the version of the book." in said[1]


def test_the_command_line_of_the_bundle(whole):
    command = [sys.executable, "-m", "course_pkg.exercises", "check", "exercises/02_dense_nets.ipynb"]
    environment = os.environ | {"PYTHONPATH": str(whole.out)}
    done = subprocess.run(
        command, cwd=whole.out, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1 and done.stdout.endswith("0 of 6 exercises right.\n") and done.stderr == ""

"""What is written about the project is true: commands, links, pins; and no file knows one machine."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tools.notebooks import ROOT

TEXTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
# Written in pieces, so that this file does not find itself. Registries: a course must not depend on one of them.
HOSTS = ["pypi" + ".org", "python" + "hosted.org", "download." + "pytorch.org", "registry." + "npmjs"]
HOSTS += ["conda." + "anaconda.org"]
BINARY = {".png", ".jpg", ".ico", ".woff2", ".npz", ".gz", ".zip", ".pdf"}


def makefile():
    return (ROOT / "Makefile").read_text(encoding="utf8")


def targets():
    return set(re.search(r"^\.PHONY: (.*)", makefile(), re.M).group(1).split())


def commands(text):
    """Targets of `make` that a text names, in code spans, code blocks and workflows."""
    code = "\n".join(re.findall(r"`[^`\n]+`|^ *```.*?^ *```", text, re.M | re.S))
    return set(re.findall(r"\bmake ([a-z][a-z-]*)", code))


def test_help_lists_every_target():
    shown = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    listed = dict(re.findall(r"^  make (\S+) +(.+)$", shown, re.M))
    assert set(listed) == targets(), shown
    assert all(len(line) > 10 for line in listed.values())


@pytest.mark.parametrize("name", TEXTS)
def test_commands_exist(name):
    text = (ROOT / name).read_text(encoding="utf8")
    assert commands(text) <= targets(), f"{name} names targets that the Makefile does not have"
    modules = set(re.findall(r"python -m ((?:tools|course_pkg)[\w.]*)", text))
    for module in modules:
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), f"{name}: no module {module}"


def test_commands_are_found():
    assert commands("`make book`, make tea\n\n```sh\nmake test N=1\n```\n") == {"book", "test"}


def test_readme_names_the_two_commands_on_the_first_screen():
    first = "\n".join((ROOT / "README.md").read_text(encoding="utf8").splitlines()[:25])
    assert {"book", "test"} <= commands(first)


@pytest.mark.parametrize("name", TEXTS)
def test_links_lead_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf8")
    wanted = set(re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text))
    missing = [link for link in wanted if not (ROOT / link).exists()]
    assert not missing, f"{name} links to files that are not there: {missing}"


def test_readme_layout_is_true():
    text = (ROOT / "README.md").read_text(encoding="utf8")
    rows = re.findall(r"^\| `([\w./-]+)`", text, re.M)
    assert {"book/", "course_pkg/", "exercises/", "solutions/", "tests/"} <= set(rows)
    assert [row for row in rows if not (ROOT / row).exists()] == []


def pins(name):
    lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf8").splitlines()]
    for line in filter(None, lines):
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][\w.!]*", line), f"{name}: {line!r} is not name==version"
    return {re.sub(r"[-_.]+", "-", n).lower(): v for n, v in (line.split("==") for line in lines if line)}


def test_pins_agree():
    """requirements.txt and constraints.txt name the same versions, and what pyproject.toml asks for is pinned."""
    chosen, exact = pins("requirements.txt"), pins("constraints.txt")
    assert {name: exact.get(name) for name in chosen} == chosen
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
    asked = [*project["dependencies"], *(name for extra in project["optional-dependencies"].values() for name in extra)]
    assert set(asked) == set(chosen)


def machine_problems(text, root, home):
    """Traces of one machine in a text: where the project lies on it, its home folder, its package registry."""
    traces = [home + "/", *HOSTS, "file:///" + "opt"]
    if len(Path(root).parts) > 2:
        traces.append(root)
    return [trace for trace in traces if trace in text]


def test_no_file_knows_this_machine():
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    problems = []
    for name in filter(None, names.split("\0")):
        path = ROOT / name
        if path.is_file() and path.suffix not in BINARY:
            text = path.read_text(encoding="utf8")
            problems += [f"{name}: {trace}" for trace in machine_problems(text, str(ROOT), str(Path.home()))]
    assert not problems, "\n" + "\n".join(problems)


def test_machine_is_caught():
    for text in ["see /srv/ada/course/x", "/home/ada/x.py", "https://" + HOSTS[0] + "/simple"]:
        assert len(machine_problems(text, "/srv/ada/course", "/home/ada")) == 1
    assert machine_problems("see ./x and /main/road", "/main", "/home/ada") == []

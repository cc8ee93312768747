"""The ladder: the level that a machine is said to have is the one that its boxes reach, and what is missing is told."""

import ast
import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from course_pkg.grading import levels, seccomp, warm
from course_pkg.grading.box import Box, Limits
from course_pkg.grading.launch import IMAGE, launch
from course_pkg.grading.warm import BoxError, Zygote
from tests.grading.boxes import QUICK, WALLED, box
from tools.notebooks import ROOT

INSIDE = ROOT / "course_pkg" / "grading" / "inside"


@pytest.fixture
def asked_again(monkeypatch):
    """best_level and probe ask the machine again, before and after, with no zygote there from before."""
    with monkeypatch.context() as during:
        during.setattr("course_pkg.grading.warm._shared", {})
        for function in (levels.best_level, levels.probe):
            function.cache_clear()
        yield
        warm.close_shared()
    for function in (levels.best_level, levels.probe):
        function.cache_clear()


def test_without_bubblewrap_the_level_says_how_to_get_it(asked_again, monkeypatch):
    monkeypatch.setattr("course_pkg.grading.launch.shutil.which", lambda name: None)
    level = levels.best_level()
    assert level in ("B", "D") and "apt-get install bubblewrap" in level.why["A"]


def test_without_libseccomp_there_is_only_level_d(asked_again, monkeypatch):
    seccomp.compiled.cache_clear()
    monkeypatch.setattr(seccomp.ctypes, "CDLL", lambda name: (_ for _ in ()).throw(OSError(name)))
    level = levels.best_level()
    monkeypatch.undo()
    seccomp.compiled.cache_clear()
    assert level == "D" and all("libseccomp" in level.why[name] for name in WALLED)


def test_a_box_that_keeps_nothing_in_is_not_level_b(asked_again, monkeypatch):
    """The probe asks the box and not the version of anything: with the filter left out, the level is refused."""
    box("B").close()
    levels.probe.cache_clear()
    warm.close_shared()
    monkeypatch.setattr("course_pkg.grading.warm.launch", unfiltered)
    assert "does not keep the student's code from: fork" in levels.probe("B")
    assert not warm._shared  # nothing that keeps nothing in is left for boxes to come


def test_the_box_that_was_tried_and_those_that_follow_have_one_zygote(asked_again, monkeypatch):
    """So a single submission waits for one start of NumPy; and it is begun before it is waited for."""
    started = []
    monkeypatch.setattr("course_pkg.grading.warm.launch", lambda *how: started.append(how[0]) or launch(*how))
    level = levels.best_level()
    if level == "A" and warm.shared("A", False).single_use:
        pytest.skip("namespaces cannot be nested here, so each box has its own zygote")
    tried = list(started)
    warm.begin(level)
    with Box(level, limits=QUICK) as opened:
        assert opened.load([("a", "x = 1")]).ok
    assert tried == started and started.count(level) == 1


def test_what_cannot_be_begun_is_told_to_whoever_needs_it(asked_again, monkeypatch):
    monkeypatch.setattr("course_pkg.grading.launch.shutil.which", lambda name: None)
    warm.begin("A")
    assert not warm._shared and "bubblewrap is missing" in levels.probe("A")


def unfiltered(level, torch, descriptor):
    """Level B whose filter is missing."""
    return replace(launch(level, torch, descriptor), filter=b"")


def test_where_namespaces_cannot_be_nested_each_box_has_its_own_zygote(monkeypatch):
    box("A").close()
    monkeypatch.setattr("course_pkg.grading.warm.launch", unnested)
    monkeypatch.setattr("course_pkg.grading.warm._shared", {})
    for _ in range(2):
        with Box("A", limits=QUICK) as opened:
            assert opened.load([("a", "COURSE = '/none'" + levels.PROBE)]).ok
            assert not any(opened.call("tries", [(), ()])[1].value.values())
    with Zygote("A") as single, Box(zygote=single), pytest.raises(BoxError, match="a zygote for each box"):
        Box(zygote=single)
    warm.close_shared()


def unnested(level, torch, descriptor):
    """Level A on a machine where a process in bubblewrap may make no more namespaces."""
    plan = launch(level, torch, descriptor)
    return replace(plan, settings=plan.settings | {"nest": False})


def test_a_level_that_nobody_has():
    with pytest.raises(ValueError, match="no level 'E'"):
        Box("E", limits=QUICK)


def test_the_filter_allows_nothing_that_leads_out():
    forbidden = """socket connect bind accept execve execveat fork vfork clone clone3 ptrace process_vm_readv
    process_vm_writev kill tkill tgkill pidfd_open pidfd_getfd pidfd_send_signal unshare setns mount umount2 pivot_root
    chroot bpf io_uring_setup userfaultfd memfd_create perf_event_open keyctl add_key setrlimit prctl seccomp setuid
    capset init_module kexec_load reboot ioctl prlimit64 open_by_handle_at name_to_handle_at shmget msgget semget
    mknod mknodat link linkat symlink symlinkat setsid setpgid personality quotactl swapon sethostname""".split()
    assert not set(forbidden) & set(seccomp.ALLOWED)
    assert len(set(seccomp.ALLOWED)) == len(seccomp.ALLOWED)


# --- level C, with a stand-in for Docker that runs the container's command here ---------------------------------------

DOCKER = """#!{python}
import os, sys
words = sys.argv[1:]
with open({log!r}, "a") as log:
    print(*words, file=log)
if words[0] == "run":
    command = words[words.index({image!r}) + 1 :]
    command = ["{python}", *[{here!r} if word == "/box" else word for word in command[1:]]]
    os.environ["PYTHONPATH"] = {site!r}
    os.execv("{python}", command)
"""


@pytest.fixture
def docker(tmp_path, monkeypatch):
    """A program of this name, and the file in which it notes how it was called."""
    program, log = tmp_path / "docker", tmp_path / "log"
    site = str(Path(np.__file__).parents[1])
    python, here = os.path.realpath(sys.executable), str(INSIDE.parent)
    program.write_text(DOCKER.format(python=python, log=str(log), image=IMAGE, here=here, site=site))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr("course_pkg.grading.warm.launch", elsewhere)
    return log


def elsewhere(level, torch, descriptor):
    """Level C in a folder that is here."""
    plan = launch(level, torch, descriptor)
    return replace(plan, settings=plan.settings | {"work": "/"})


def test_level_c_is_one_container_for_each_box(docker):
    for number in (1, 2):
        with Zygote("C") as zygote, Box(zygote=zygote, limits=QUICK) as opened:
            assert opened.level == "C" and zygote.single_use
            assert opened.load([("a", f"print('noise')\ndef f(x): return x + {number}")]).ok
            assert np.array_equal(opened.call("f", [(np.ones(3),), (1,)])[0].value, np.ones(3) + number)
            with pytest.raises(BoxError):
                Box(zygote=zygote)
    runs = [line for line in docker.read_text().splitlines() if line.startswith("run")]
    assert len(runs) == 2
    for option in ("--network none", "--read-only", "--cap-drop ALL", "--pids-limit", "--memory", "no-new-privileges"):
        assert option in runs[0]


def test_level_c_ends_loops_and_itself(docker):
    with Zygote("C") as zygote:
        with Box(zygote=zygote, limits=Limits(call_s=0.3)) as opened:
            opened.load([("a", "def f():\n    while True: pass")])
            assert opened.call("f", [()])[0].fault == "timeout"
        assert zygote._process.wait(10.0) == 0


def test_without_docker_level_c_says_what_to_do(monkeypatch):
    monkeypatch.setattr("course_pkg.grading.launch.shutil.which", lambda name: None)
    with pytest.raises(OSError, match="make sandbox"):
        launch("C", False, 3)


# --- what runs inside -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(INSIDE.glob("*.py")), ids=lambda path: path.name)
def test_inside_needs_numpy_and_the_standard_library_only(path):
    """It is mounted alone; PyTorch is imported in one function, when an exercise asks for it."""
    allowed = {*sys.stdlib_module_names, "numpy"} - {"pickle", "marshal", "shelve", "multiprocessing"}
    for node in ast.walk(ast.parse(path.read_text("utf8"))):
        if isinstance(node, ast.Import):
            names = {alias.name.split(".")[0] for alias in node.names}
            assert names <= allowed or (names == {"torch"} and path.name == "zygote.py"), names
        if isinstance(node, ast.ImportFrom):
            assert node.level == 1 or (node.level == 0 and node.module.split(".")[0] in allowed), node.module

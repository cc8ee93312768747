"""What levels A and B promise: each way out that the design names is tried from inside, and fails."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from course_pkg.grading.box import Box, Limits
from course_pkg.grading.warm import Zygote
from tests.grading.boxes import LEVELS, WALLED, box, run
from tools.notebooks import ROOT

TRIED = """
import ctypes, os, socket, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
def tried(what):
    try:
        out = what()
    except BaseException as error:
        return type(error).__name__
    return "done" if out is None or (type(out) is not int or out >= 0) else "OSError"
def f():
    return {name: tried(way) for name, way in WAYS.items()}
"""
REFUSED = {"OSError", "PermissionError", "FileNotFoundError", "BlockingIOError", "RuntimeError", "gaierror"}
WAYS = {
    "memory of others": """
    "mem of the parent": lambda: open(f"/proc/{os.getppid()}/mem", "r+b"),
    "mem of itself": lambda: open("/proc/self/mem", "r+b"),
    "list of processes": lambda: os.listdir("/proc"),
    "ptrace": lambda: libc.ptrace(16, os.getppid(), 0, 0),
    "process_vm_writev": lambda: libc.process_vm_writev(os.getppid(), None, 0, None, 0, 0),
    "pidfd": lambda: os.pidfd_open(os.getppid()),
""",
    "signals": """
    "parent": lambda: os.kill(os.getppid(), 0),
    "everybody": lambda: os.kill(-1, 0),
    "group": lambda: os.killpg(0, 0),
    "first": lambda: os.kill(1, 0),
""",
    "processes": """
    "fork": lambda: os.fork() or os._exit(0),
    "vfork": lambda: libc.vfork(),
    "spawn": lambda: os.posix_spawn(sys.executable, ["python"], {}),
    "subprocess": lambda: subprocess.run([sys.executable]),
    "exec": lambda: os.execv(sys.executable, ["python"]),
    "thread": lambda: __import__("threading").Thread(target=print).start(),
    "new session": lambda: os.setsid(),
    "new group": lambda: os.setpgid(0, 0),
""",
    "network": """
    "internet": lambda: socket.socket(),
    "unix": lambda: socket.socket(socket.AF_UNIX),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "pair": lambda: socket.socketpair(),
    "name": lambda: socket.create_connection(("localhost", 80)),
""",
    "kernel": """
    "mount": lambda: libc.mount(b"tmpfs", b"/", b"tmpfs", 0, None),
    "unshare": lambda: libc.unshare(0x10000000),
    "setns": lambda: libc.setns(0, 0),
    "chroot": lambda: os.chroot("."),
    "memfd": lambda: os.memfd_create("x"),
    "prctl": lambda: libc.prctl(4, 1, 0, 0, 0),
    "more memory": lambda: libc.setrlimit(9, (ctypes.c_ulong * 2)(1 << 62, 1 << 62)),
    "another user": lambda: os.setuid(12345),
    "keyring": lambda: libc.syscall(250, 0, 0, 0, 0, 0),
    "shared memory": lambda: libc.shmget(0, 4096, 0o1600),
    "terminal": lambda: __import__("fcntl").ioctl(0, 0x5412, b"x"),
""",
    "files": f"""
    "passwords": lambda: open("/etc/passwd"),
    "solutions": lambda: open({str(ROOT / "solutions" / "tasks_03.py")!r}),
    "tests": lambda: os.listdir({str(ROOT / "tests")!r}),
    "course": lambda: open({str(ROOT / "course_pkg" / "rnn.py")!r}),
    "grader": lambda: open({str(ROOT / "course_pkg" / "grading" / "hidden.py")!r}),
    "home": lambda: os.listdir("/home"),
    "tmp": lambda: open("/tmp/left", "w"),
    "shm": lambda: open("/dev/shm/left", "w"),
    "own code": lambda: open(next(iter(sys.modules["inside"].__path__)) + "/student.py", "a"),
    "standard library": lambda: open(os.__file__, "a"),
    "numpy": lambda: os.remove(__import__("numpy").__file__),
    "root": lambda: open("/left", "w"),
    "link": lambda: os.symlink("/", "/left"),
""",
}


@pytest.mark.parametrize("level", WALLED)
@pytest.mark.parametrize("about", WAYS)
def test_no_way_out(level, about):
    report, (outcome,) = run(level, TRIED + "WAYS = {" + WAYS[about] + "}\n", ())
    assert report.ok, report
    through = {name: end for name, end in outcome.value.items() if end not in REFUSED}
    assert not through and len(outcome.value) >= 4, outcome.value


def test_the_ways_are_real():
    """Without walls most of them lead out: what is refused above is refused by the box."""
    _, (outcome,) = run("D", TRIED + "WAYS = {" + WAYS["network"].split('"name"')[0] + WAYS["signals"] + "}\n", ())
    assert {outcome.value[name] for name in ("internet", "unix", "pair", "parent")} == {"done"}
    _, (outcome,) = run("D", TRIED + "WAYS = {" + WAYS["files"].split('"tmp"')[0] + "}\n", ())
    assert {outcome.value[name] for name in ("passwords", "solutions", "tests", "course", "grader")} == {"done"}


@pytest.mark.parametrize("level", WALLED)
def test_only_numpy_and_the_standard_library_can_be_imported(level):
    source = """
def f():
    found = {}
    for name in ("solutions", "tests", "torch", "scipy", "pytest", "course_pkg.rnn", "course_pkg.grading", "pip"):
        try:
            found[name] = str(type(__import__(name)))
        except ImportError as error:
            found[name] = "no"
    import numpy, json, course_pkg
    return found, [str(type(getattr(course_pkg, name, None)).__name__) for name in ("rnn", "__file__")]
"""
    report, (outcome,) = run(level, source, ())
    assert report.ok and set(outcome.value[0].values()) == {"no"} and outcome.value[1] == ["Inert", "NoneType"]


@pytest.mark.parametrize("level", WALLED)
def test_what_is_open_and_known_inside(level, monkeypatch):
    """No descriptor but its own channel, no variable of the grader's environment."""
    box(level).close()
    monkeypatch.setenv("COURSE_SECRET", "42")
    source = """
import os
def f():
    open_ = []
    for k in range(64):
        try:
            os.fstat(k)
            open_.append(k)
        except OSError:
            pass
    return len(open_), sorted(os.environ), os.getpid()
"""
    with Zygote(level) as fresh, Box(zygote=fresh) as opened:
        assert opened.load([("a", source)]).ok
        count, names, number = opened.call("f", [()])[0].value
    assert count == 4 and not {"COURSE_SECRET", "PATH_INFO", "USER", "SSH_AUTH_SOCK"} & set(names)
    assert level == "B" or number < 10


def test_a_box_leaves_no_file_for_the_next():
    """A: an honest notebook may write files in its own folder, and the next student does not find them."""
    source = "import os\nopen('note', 'w').write('x' * 10)\ndef f(): return os.listdir('.'), os.getcwd()\n"
    for _ in range(2):
        report, (outcome,) = run("A", source, ())
        assert report.ok and outcome.value == (["note"], "/work")
    _, (outcome,) = run("A", "import os\ndef f(): return os.listdir('.'), sorted(os.listdir('/dev'))", ())
    assert outcome.value == ([], ["null", "random", "urandom", "zero"])


def test_its_folder_is_small():
    source = "def f():\n    for k in range(9):\n        open(str(k), 'wb').write(bytes(1 << 22))\n"
    _, (outcome,) = run("A", source, (), limits=Limits(memory_mb=400))
    assert outcome.error == "OSError" and "space" in outcome.message


# --- nothing outlives a box -------------------------------------------------------------------------------------------


def below(number):
    """Processes below this one that are alive, as (number, time of their start)."""
    table = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                words = (path / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if words[0] not in "ZX":
                table[int(path.name)] = (int(words[1]), words[19])
    found, new = {}, {number}
    while new:
        new = {child for child, (parent, _) in table.items() if parent in new and child not in found}
        found |= {child: table[child][1] for child in new}
    return set(found.items())


def wait_until(holds, seconds=10.0):
    """Whether it comes true in time."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    return holds()


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are counted in /proc")
STUBBORN = """
import os, signal, time
for k in range(1, 60):
    try: signal.signal(k, signal.SIG_IGN)
    except (OSError, ValueError): pass
try:
    if os.fork() == 0:
        try: os.setsid()
        finally:
            while True: time.sleep(1)
except OSError: pass
def f():
    while True: pass
"""


@needs_proc
@pytest.mark.parametrize("level", LEVELS)
def test_nothing_outlives_a_box(level):
    """Loops that ignore every signal, and at level D children that left their group, end with the box."""
    box(level).close()
    root = os.getpid()
    before = below(root)
    with box(level) as opened:
        opened.load([("a", STUBBORN)])
        assert len(below(root) - before) >= 2
        assert opened.call("f", [()])[0].fault == "timeout"
    assert wait_until(lambda: not below(root) - before), below(root) - before


LYING = """
import os
fork, told = os.fork, []
def other():
    pid = fork()
    told.append(pid)
    return pid and told[0]
os.fork = other
def f(k):
    while k: pass
    return k
"""


@needs_proc
@pytest.mark.parametrize("level", WALLED)
def test_a_process_that_lies_about_its_forks_keeps_none(level):
    """The guard asks the kernel: calls that hang are ended, although the student's process names another's number."""
    box(level).close()
    before = below(os.getpid())
    with box(level, Limits(wall_s=1.0, call_s=0.2)) as opened:
        assert opened.load([("a", LYING)]).ok
        assert opened.call("f", [(0,)])[0].value == 0
        assert {outcome.fault for outcome in opened.call("f", [(1,), (1,), (1,)])} <= {"timeout", "killed"}
        assert wait_until(lambda: len(below(os.getpid()) - before) <= 2), below(os.getpid()) - before


@needs_proc
@pytest.mark.parametrize("level", LEVELS)
def test_nothing_outlives_a_grader_that_is_killed(level):
    box(level).close()
    program = f"""
from course_pkg.grading.box import Box
box = Box({level!r})
box.load([("a", {STUBBORN!r})])
print("loaded", flush=True)
box.call("f", [()])
"""
    grader = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE)
    with grader:
        assert grader.stdout.readline() == b"loaded\n"
        assert wait_until(lambda: len(below(grader.pid)) >= 3)
        there = below(grader.pid)
        grader.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not any(Path(f"/proc/{number}").exists() and alive(number, since)
                                      for number, since in there))  # fmt: skip


def alive(number, since):
    """Whether this very process is running still."""
    try:
        words = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return False
    return words[0] not in "ZX" and words[19] == since

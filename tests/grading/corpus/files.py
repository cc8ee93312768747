"""Entries that reach for files, processes and the network: to destroy, to read the answers, to forge the marks.

Each attack rewards itself: where it succeeds, rnn_step is right from then on. So a success shows as points, and not
only in the traces that the test looks for.
"""

from .base import STEP, Entry, cheat, step

DELETE = "deletion and overwriting of files"
READ = "reading tests or solutions"
WRITE = "writing to results or gradebook"

REWARD = f"""
    if found:
        return {STEP}
    return x @ W_xh.T + b_h
"""


def hunt(name: str, kind: str, aim: str, search: str, **more) -> Entry:
    """`search` fills the global list `found`; if it holds anything in the end, the attack has worked."""
    return cheat(name, kind, aim, first="found = []\n" + search.strip("\n"), **step(REWARD), **more)


ENTRIES: list[Entry] = [
    # --- deletion and overwriting of files
    hunt("deletes-a-folder", DELETE, "the instructor's folder gone", """
import os, shutil
if os.path.exists("@victim@"):
    shutil.rmtree("@victim@", ignore_errors=True)
    if not os.path.exists("@victim@"):
        found.append("gone")
"""),
    hunt("overwrites-numpy", DELETE, "another NumPy for everybody who comes after", """
import os
for name in (np.__file__, os.__file__, np.linalg.__file__):
    try:
        open(name, "a").close()  # only to see whether it could
        found.append(name)
    except OSError:
        pass
"""),
    hunt("overwrites-the-worker", DELETE, "another grader for everybody who comes after", """
import sys
for name, module in list(sys.modules.items()):
    path = getattr(module, "__file__", None)
    if path and ("grading" in path or name in ("__main__", "worker", "zygote", "sitecustomize")):
        try:
            open(path, "a").close()
            found.append(path)
        except OSError:
            pass
"""),
    hunt("leaves-files-behind", DELETE, "data for the next submission to find", """
import glob, os
places = ["/tmp", "/dev/shm", "/var/tmp", "/run", os.getcwd(), os.path.expanduser("~"), "@victim@", "/"]
for place in places:
    found += glob.glob(os.path.join(place, "@marker@*"))  # of an earlier submission
    try:
        open(os.path.join(place, "@marker@"), "w").write("hello, next one")
    except OSError:
        pass
"""),
    hunt("fills-the-disk", DELETE, "no space left for the results", """
import os, tempfile
written = 0
for place in ("/tmp", "/dev/shm", os.getcwd()):
    try:
        with open(os.path.join(place, "@marker@-big"), "wb") as file:
            for _ in range(40):
                written += file.write(bytes(2**24))
                file.flush()
    except OSError:
        pass
if written > 2**29:
    found.append("half a gigabyte")
"""),
    hunt("module-for-the-next", DELETE, "numpy.py in the folder from which the next one imports", """
import os, sys
for place in [p or "." for p in sys.path] + [os.getcwd()]:
    try:
        path = os.path.join(place, "@marker@.pth")
        open(path, "w").close()
        found.append(path)
        os.remove(path)
    except OSError:
        pass
found = [p for p in found if os.path.dirname(p) != os.getcwd()]  # a scratch folder of one's own is no prize
"""),
    # --- reading tests or solutions
    hunt("reads-the-solutions", READ, "the solution itself", """
import json, os
for place in ("@repo@/solutions", "@repo@/exercises/checks", "@repo@/course_pkg", "solutions", "../solutions"):
    try:
        found += os.listdir(place)
    except OSError:
        pass
try:
    found.append(open("@repo@/solutions/tasks_03.py").read())
except OSError:
    pass
"""),
    hunt("searches-the-disk", READ, "anything that looks like the tests", """
import os
seen = 0
for top in ("/tmp", "/home", "/root", "/srv", "/opt", "/mnt", "/work", os.getcwd(), ".."):
    for folder, folders, files in os.walk(top):
        seen += 1
        folders[:] = [f for f in folders if not f.startswith(".") and "site-packages" not in f and f != "proc"]
        found += [f for f in files if f.startswith("tasks_") or f == "gradebook.csv" or f.endswith(".ipynb")]
        if found or seen > 3000:
            break
"""),
    hunt("reads-proc", READ, "the grader's memory, environment and open files", """
import os
own = {"self", "thread-self", str(os.getpid())}
try:
    others = [p for p in os.listdir("/proc") if p.isdigit() and p not in own]
except OSError:
    others = []
for pid in others + [str(os.getppid())]:
    for name in ("environ", "maps", "mem"):
        try:
            if open(f"/proc/{pid}/{name}", "rb").read(1) or name == "mem":
                found.append(pid + name)
        except OSError:
            pass
"""),
    hunt("writes-the-parents-memory", READ, "other code in the zygote, for all who come after", """
import os
for pid in (os.getppid(), 1, 2, 3):
    if pid != os.getpid():
        try:
            os.close(os.open(f"/proc/{pid}/mem", os.O_RDWR))
            found.append(pid)
        except OSError:
            pass
"""),
    hunt("reads-inherited-files", READ, "files that the grader had open", """
import os, stat
for fd in range(3, 256):
    try:
        mode = os.fstat(fd).st_mode
        if stat.S_ISREG(mode) and os.pread(fd, 1, 0):
            path = os.readlink(f"/proc/self/fd/{fd}") if os.path.exists("/proc/self/fd") else ""
            if not path.endswith((".so", ".py", ".pyc", ".zip")):
                found.append(fd)
        if stat.S_ISDIR(mode) and os.listdir(fd):
            found.append(fd)
    except OSError:
        pass
"""),
    hunt("reads-the-environment", READ, "secrets in environment variables", """
import os
found += [k for k in os.environ if any(w in k.upper() for w in ("SECRET", "TOKEN", "TERM_SEED", "COURSE", "PYTEST"))]
"""),
    # --- writing to results or gradebook
    hunt("writes-the-gradebook", WRITE, "297 of 10 points", """
for path in ("@victim@/gradebook.csv", "@victim@/results/me.json", "@victim@/other.ipynb"):
    try:
        open(path, "w").write("me,297")
        found.append(path)
    except OSError:
        pass
"""),
    hunt("links-to-the-gradebook", WRITE, "the grader itself writes through a link", """
import os
for place in (".", "/tmp", "/dev/shm"):
    for name in ("results.json", "grades.csv", "results"):
        try:
            os.symlink("@victim@/gradebook.csv", os.path.join(place, name))
            if os.path.exists(os.path.join(place, name)):
                found.append(place)
        except OSError:
            pass
"""),
    hunt("writes-otter-and-nbgrader-files", WRITE, "results files of other graders", """
import os
for path in ("/autograder/results/results.json", "results.json", ".OTTER_LOG", "gradebook.db", "@victim@/results.json"):
    try:
        open(path, "w").write('{"score": 10, "output": "all passed"}')
    except OSError:
        pass
"""),
    # --- sockets
    hunt("asks-the-network", "sockets", "the answers from a friend's machine", """
import socket
for address in (("127.0.0.1", @port@), ("::1", @port@)):
    try:
        with socket.create_connection(address, timeout=0.2) as friend:
            friend.sendall(b"hello")
            found.append(address)
    except OSError:
        pass
"""),
    hunt("unix-sockets", "sockets", "a door to services of the machine", """
import socket
for path in ("/run/docker.sock", "/var/run/docker.sock", "/run/dbus/system_bus_socket", "@victim@/door", "\\0door"):
    try:
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(0.2)
            door.connect(path)
            found.append(path)
    except OSError:
        pass
"""),
    hunt("listens", "sockets", "a door for others", """
import socket
try:
    door = socket.socket()
    door.bind(("127.0.0.1", @port@ + 1))
    door.listen()
    with socket.create_connection(("127.0.0.1", @port@ + 1), timeout=0.2):
        pass  # a network of its own with nobody else in it is no prize
except OSError:
    pass
try:
    socket.getaddrinfo("example.org", 80)
    found.append("names can be looked up")
except OSError:
    pass
"""),
]  # fmt: skip

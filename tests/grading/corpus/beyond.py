"""Entries that no list asked for: what else we could think of to break the grader."""

from .base import RIGHT, STEP, Entry, cheat, honest, notebook, step, trouble
from .files import hunt

HUGE = "huge and deeply nested arrays"

KIND = "beyond the list"

ENTRIES: list[Entry] = [
    # --- huge and deeply nested arrays
    trouble("giant-by-strides", HUGE,
            "return np.broadcast_to(np.float64(0), (10**6, 10**6))", ("more than is allowed",)),
    trouble("giant-for-real", HUGE, "return np.ones((4000, 4000))", ("more than is allowed",)),
    trouble("list-of-lists-without-end", HUGE,
            "out = []\nfor _ in range(100000):\n    out = [out]\nreturn out", ("nested|deep|list",)),
    trouble("a-list-that-holds-itself", HUGE,
            "out = []\nout.append(out)\nreturn out", ("nested|deep|list|itself",)),
    trouble("an-integer-of-a-million-digits", HUGE, "return 1 << 4_000_000", ("integer|large|big",)),
    trouble("a-million-small-things", HUGE, "return [0] * 10**7", ("more than is allowed",)),
    trouble("sixty-four-axes", HUGE, "return np.zeros((1,) * 32)", ("shape|axes|dimension",)),
    trouble("a-dictionary-with-odd-keys", HUGE,
            "return {None: 1, (1, 2): 2, 1.5: 3, b'x': 4, float('nan'): 5}", ("dict|kind|key|array",)),
    # --- values
    trouble("structured-dtype", KIND, "return np.zeros((len(x), len(b_h)), dtype=[('v', float)])",
            ("dtype|kind|field",)),
    trouble("dates", KIND, "return np.zeros((len(x), len(b_h)), dtype='M8[s]')", ("dtype|kind|date",)),
    trouble("long-double", KIND, f"return ({STEP}).astype(np.longdouble)[..., None]", ("shape|dtype",)),
    trouble("memory-map", KIND, """
        import tempfile
        out = np.memmap(tempfile.TemporaryFile(), dtype=float, mode="w+", shape=(len(x), len(b_h)))
        return out
        """, ("rnn_step",)),
    cheat("object-that-unpickles", KIND, "code in the grader, through pickle", rnn_step=step("""
        class Bomb:
            def __reduce__(self):
                return (open, ("@victim@/gradebook.csv", "w"))
        out = np.empty((len(x), len(b_h)), dtype=object)
        out[...] = Bomb()
        return out
        """)["rnn_step"]),
    cheat("array-interface", KIND, "memory of others through a false __array_interface__", rnn_step=step("""
        class Window:
            __array_interface__ = {"shape": (len(x), len(b_h)), "typestr": "<f8", "data": (id(x) + 16, False),
                                   "version": 3}
        return np.asarray(Window())
        """)["rnn_step"]),
    cheat("strides-beyond-the-end", KIND, "reads the memory behind an array", rnn_step=step("""
        far = np.lib.stride_tricks.as_strided(x, shape=(len(x), len(b_h)), strides=(8, 2**40))
        return far + 0
        """)["rnn_step"]),
    # --- the process
    hunt("scans-its-memory", KIND, "expected values or case names somewhere in the process", """
import re
words = re.compile(b"".join([b"is used untr", b"ansposed|hidden case [0-9]"]))
try:
    areas = [line.split() for line in open("/proc/self/maps") if " rw-p " in line]
    with open("/proc/self/mem", "rb", 0) as memory:
        for area in areas[:40]:
            low, high = (int(part, 16) for part in area[0].split("-"))
            memory.seek(low)
            data = memory.read(min(high - low, 2**24))
            found += words.findall(data)
except OSError:
    pass
"""),
    hunt("scans-with-ctypes", KIND, "the same without /proc", """
import ctypes, gc, re
words = re.compile("".join(["is used untr", "ansposed|hidden case [0-9]"]))  # in no text of this cell
for thing in gc.get_objects():
    if isinstance(thing, (list, tuple, dict)):
        values = thing.values() if isinstance(thing, dict) else thing
        for value in list(values)[:1000]:
            if isinstance(value, str) and "[0-9]" not in value and words.search(value):
                found.append(value)
"""),
    hunt("raises-its-limits", KIND, "more time and memory", """
import resource
for which in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE):
    soft, hard = resource.getrlimit(which)
    for limit in ((hard, resource.RLIM_INFINITY), (resource.RLIM_INFINITY, resource.RLIM_INFINITY)):
        try:
            resource.setrlimit(which, limit)
            if hard != resource.RLIM_INFINITY and resource.getrlimit(which)[1] > hard:
                found.append(which)
        except (OSError, ValueError):
            pass
"""),
    hunt("dangerous-calls", KIND, "ptrace, mount, unshare, a new user, kernel modules, io_uring", """
import ctypes, os, platform
numbers = {"x86_64": {"ptrace": 101, "mount": 165, "unshare": 272, "setns": 308, "bpf": 321, "keyctl": 250,
                      "process_vm_readv": 310, "io_uring_setup": 425, "perf_event_open": 298, "userfaultfd": 323},
           "aarch64": {"ptrace": 117, "mount": 40, "unshare": 97, "setns": 268, "bpf": 280, "keyctl": 219,
                       "process_vm_readv": 270, "io_uring_setup": 425, "perf_event_open": 241, "userfaultfd": 282}}
libc = ctypes.CDLL(None, use_errno=True)
for name, number in numbers.get(platform.machine(), {}).items():
    arguments = {"ptrace": (16, os.getppid(), 0, 0), "unshare": (0x10000000,),
                 "process_vm_readv": (os.getppid(), 0, 0, 0, 0, 0),
                 "io_uring_setup": (1, ctypes.create_string_buffer(256)), "setns": (0, 0), "keyctl": (0, -3, 1)}
    if libc.syscall(number, *arguments.get(name, (0, 0, 0, 0, 0))) >= 0:
        found.append(name)
"""),
    hunt("becomes-debuggable", KIND, "a neighbour that may read it", """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE
libc.prctl(0x59616d61, -1, 0, 0, 0)  # PR_SET_PTRACER: anyone
for pid in range(2, 40):
    if pid != os.getpid():
        try:
            os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY))
            found.append(pid)
        except OSError:
            pass
"""),
    hunt("signals-to-others", KIND, "the grader stopped", """
import os
for pid in {os.getppid(), 1} - {os.getpid()}:
    try:
        os.kill(pid, 0)
        if pid == 1 and os.getppid() != 1 and os.getpid() > 100:
            found.append(pid)  # the machine's own first process can be reached
    except OSError:
        pass
"""),
    hunt("shared-memory", KIND, "a place where the next one finds a message", """
from multiprocessing import shared_memory
try:
    old = shared_memory.SharedMemory(name="@marker@")
    found.append("left by an earlier one")
except (OSError, ImportError, ValueError):
    try:
        new = shared_memory.SharedMemory(name="@marker@", create=True, size=64)
    except Exception:
        pass
"""),
    hunt("system-v-messages", KIND, "queues of the kernel, which outlive a process", """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
key = 0x52a1
if libc.shmget(key, 4096, 0) >= 0:
    found.append("left by an earlier one")
libc.shmget(key, 4096, 0o1666)
"""),
    hunt("stays-in-the-zygote", KIND, "a module that the next submission finds patched", """
import builtins
if getattr(builtins, "@marker@".replace("-", "_"), None) or hasattr(np, "left_behind"):
    found.append("left by an earlier one")
setattr(builtins, "@marker@".replace("-", "_"), True)
np.left_behind = True
"""),
    # --- the worker's own protocol
    cheat("says-ready-too-early", KIND, "the grader goes on while a cell still runs and watches", first="""
        import os, sys, time
        frames = next(m for m in list(sys.modules.values()) if hasattr(m, "FrameReader"))
        for words in ({"state": "ready"}, {"cell": 0, "state": "end", "error": "", "fault": ""}, {"pid": 2}):
            try:
                os.write(3, frames.pack(words))
            except OSError:
                pass
        time.sleep(0.2)
        """),
    cheat("right-frames-of-its-own", KIND, "answers in the worker's own language, before its own and after", first="""
        import os, sys
        frames = next(m for m in list(sys.modules.values()) if hasattr(m, "FrameReader"))
        values = next(m for m in list(sys.modules.values()) if hasattr(m, "Opaque"))
        def flood(value):
            tree, body = values.encode(value)
            words = {"value": tree, "error": "", "message": "", "line": "", "changed": [], "fault": "", "seconds": 0}
            for fd in range(3, 16):
                for _ in range(40):
                    try:
                        os.write(fd, frames.pack(words, body))
                    except OSError:
                        break
        """, **step("flood(x @ W_xh.T)\nreturn x @ W_xh.T + b_h")),
    cheat("patches-the-worker-from-inside", KIND, "no damage seen, no chance seen, no end of the process", first="""
        import os, sys
        worker = next(m for m in list(sys.modules.values()) if hasattr(m, "signature_misfit"))
        for name, value in list(vars(worker).items()):
            if callable(value) and name.startswith("_") and name not in ("_answer", "_serve", "__loader__"):
                setattr(worker, name, lambda *a, **k: None)
        os._exit = sys.exit = lambda *a: None
        """),
    trouble("leaves-its-group", KIND, f"import os\nos.setsid()\nreturn {STEP}", ("PermissionError",)),
    # --- the interpreter
    cheat("late-destructor", KIND, "code that runs after the answer was taken", first="""
        import os
        class Last:
            def __del__(self, write=os.write):
                for fd in range(3, 64):
                    try:
                        os.set_blocking(fd, False)
                        write(fd, b'{"right": true}')
                    except OSError:
                        pass
        """, rnn_step=step("import sys\nsys.last = Last()\nh = Last()\nreturn x @ W_xh.T + b_h")["rnn_step"]),
    cheat("import-hook", KIND, "every later import of the worker", first="""
        import builtins, sys
        real = builtins.__import__
        class Yes:
            def __getattr__(self, name): return lambda *a, **k: True
        def hook(name, *a, **k):
            return Yes() if any(w in name for w in ("compare", "judge", "hidden", "protocol")) else real(name, *a, **k)
        builtins.__import__ = hook
        """),
    cheat("changed-code-objects", KIND, "the worker's own functions, their code exchanged", first="""
        import gc, types
        def nothing(*a, **k): return True
        for thing in gc.get_objects():
            if isinstance(thing, types.FunctionType) and thing.__name__ in ("signature_misfit", "_same", "encode"):
                thing.__code__ = nothing.__code__
        """),
    cheat("signature-that-lies", KIND, "a signature that says five arguments, and inspection that runs code",
          rnn_step="""class Odd:
    @property
    def __signature__(self):
        import os
        os._exit(0)
    def __call__(self, *a):
        return 0
    def __getattr__(self, name):
        raise SystemExit(name)


rnn_step = Odd()"""),
    cheat("globals-dictionary-that-lies", KIND, "a name that is another function at every look", last="""
        class Names(dict):
            pass
        import itertools
        turn = itertools.count()
        globals()["__builtins__"] = {"len": lambda x: 0}
        """),
    honest("strange-state-of-numpy", KIND, notebook(RIGHT, first="""
        np.set_printoptions(precision=2)
        np.random.seed(0)
        np.seterr(all="raise")
        import decimal, locale, os, sys
        os.chdir("/")
        os.environ.clear()
        sys.stdout = sys.stderr = None
        sys.setrecursionlimit(200)
        """)),
    honest("names-of-the-worker", KIND, notebook(RIGHT, first="""
        json = struct = os = sys = socket = call = load = send = recv = main = name = cells = None
        def print(*a, **k): pass
        def type(*a): return 7
        def open(*a): return 7
        list = dict = tuple = isinstance = 3
        """, last="del list, dict, tuple, isinstance, type")),
    honest("deletes-its-scratch", KIND, notebook(RIGHT, last="import gc\ndel check\nnp_copy = np\ngc.collect()")),
]  # fmt: skip

"""Entries that run too long, take too much, start something, or stop everything."""

from .base import RIGHT, Entry, cheat, honest, notebook, trouble

LOOPS = "endless loops"
OUTPUT = "huge output"

TIME = ("time|longer|second",)
MEMORY = ("memory",)
STOPPED = ("ended|exit|stopped|killed|died",)

ENTRIES: list[Entry] = [
    # --- endless loops
    trouble("loop-in-function", LOOPS, "while True:\n    pass", TIME),
    trouble("loop-that-ignores-signals", LOOPS, """
        import signal
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
        while True:
            try:
                while True:
                    pass
            except BaseException:
                pass
        """, TIME),
    trouble("loop-in-c", LOOPS, "return 9 ** 9 ** 9", TIME),
    trouble("sleeps", LOOPS, "import time\ntime.sleep(10**6)", TIME),
    honest("loop-in-a-scratch-cell", LOOPS, notebook(RIGHT, last="n = 0\nwhile True:\n    n += 1"), says=TIME),
    honest("loop-before-the-answers", LOOPS, notebook(RIGHT, first="while True:\n    pass"), says=TIME),
    trouble("stops-itself", LOOPS, "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
            ("time|second|signal|not permitted|stopped",)),
    # --- memory
    trouble("memory-at-once", "memory", "return np.ones(10**11)", MEMORY),
    trouble("memory-bit-by-bit", "memory", "kept = []\nwhile True:\n    kept.append(bytearray(64 * 2**20))", MEMORY),
    honest("memory-in-a-scratch-cell", "memory",
           notebook(RIGHT, last="kept = []\nwhile True:\n    kept.append(np.empty(2**23))"), says=MEMORY),
    # --- forks
    trouble("fork-bomb", "forks", "import os\nwhile True:\n    os.fork()", ("process|permitted|fork",)),
    cheat("fork-that-stays", "forks", "a process that outlives the grading and changes the gradebook later", first="""
        import os, signal, time
        try:
            if os.fork() == 0:
                os.setsid()
                for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
                    signal.signal(number, signal.SIG_IGN)
                time.sleep(30)
                open("@victim@/gradebook.csv", "w").write("me,100")
                os._exit(0)
        except OSError:
            pass
        """),
    cheat("starts-a-program", "forks", "a shell that does what Python may not", first="""
        import os, subprocess
        for start in (lambda c: subprocess.run(c, shell=True), os.system,
                      lambda c: os.execv("/bin/sh", ["sh", "-c", c]),
                      lambda c: os.posix_spawn("/bin/sh", ["sh", "-c", c], {})):
            try:
                start("echo me,100 > @victim@/gradebook.csv; sleep 30 &")
            except Exception:
                pass
        """),
    # --- threads
    trouble("thread-bomb", "threads", """
        import threading, time
        for _ in range(100000):
            threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
        """, ("thread|time|memory|second",)),
    cheat("thread-that-stays", "threads", "a thread that changes the answers between the calls", first="""
        import threading, time
        def patch():
            while True:
                time.sleep(0.001)
                np.allclose = np.array_equal = lambda *a, **k: True
        try:
            for _ in range(4):
                threading.Thread(target=patch).start()
        except RuntimeError:
            pass
        """),
    honest("threads-left-running", "threads", notebook(RIGHT, last="""
        import threading, time
        bar = threading.Thread(target=time.sleep, args=(1000,))
        bar.start()
        """)),
    # --- exits
    honest("sys-exit-in-a-cell", "exits", notebook(RIGHT, first="import sys\nsys.exit(0)")),
    honest("os-exit-in-a-cell", "exits", notebook(RIGHT, first="import os\nos._exit(0)"), says=STOPPED),
    trouble("system-exit-in-a-function", "exits", "raise SystemExit(0)", ("exit",)),
    trouble("os-exit-in-a-function", "exits", "import os\nos._exit(0)", STOPPED),
    trouble("keyboard-interrupt", "exits", "raise KeyboardInterrupt", ("KeyboardInterrupt|stopped",)),
    trouble("base-exception", "exits", "class Done(BaseException):\n    pass\nraise Done", ("Done|error",)),
    trouble("generator-exit", "exits", "raise GeneratorExit", ("GeneratorExit|error",)),
    cheat("atexit-report", "exits", "a report of full marks, written when the process ends", first="""
        import atexit, os, sys
        @atexit.register
        def report():
            for fd in range(64):
                try:
                    os.write(fd, b'{"score": 100, "status": "right"}\\n')
                except OSError:
                    pass
            os._exit(0)
        """),
    trouble("segmentation-fault", "exits", "import ctypes\nctypes.string_at(0)", ("ended|killed|died|crash",)),
    trouble("recursion-without-end", "exits", "return rnn_step(x, h_prev, W_xh, W_hh, b_h)", ("recursion",)),
    trouble("recursion-through-the-stack", "exits", """
        import sys
        sys.setrecursionlimit(10**9)
        class Deep:
            def __getattr__(self, name):
                return getattr(self, name + "x")
        return Deep().y
        """, ("ended|killed|died|memory|recursion|time|crash",)),
    honest("kills-its-neighbours-in-a-cell", "exits", notebook(RIGHT, last="""
        import os, signal
        for pid in (os.getppid(), *range(os.getpid() - 5, os.getpid())):
            if pid > 1:
                try:
                    os.kill(pid, 0)  # what exists can be asked; what is ours may be stopped
                except OSError:
                    pass
        """)),
    # --- huge output
    honest("prints-much-in-a-cell", OUTPUT, notebook(RIGHT, last="print('x' * 10**7)")),
    trouble("prints-without-end", OUTPUT, "while True:\n    print('never ' * 1000)", ("time|output|print|second",)),
    honest("prints-while-it-works", OUTPUT, notebook(RIGHT, rnn_step=RIGHT["rnn_step"].replace(
        "return", "print('step ' * 2000)\n    return"))),
    trouble("writes-to-every-descriptor", OUTPUT, """
        import os
        while True:
            for fd in range(64):
                try:
                    os.set_blocking(fd, False)
                    os.write(fd, b"never " * 1000)
                except OSError:
                    pass
        """, ("time|output|protocol|answer|second|ended",)),
    trouble("long-exception", OUTPUT, "raise ValueError('never ' * 10**6)", ("ValueError",)),
    honest("slow-cell", OUTPUT, notebook(RIGHT, first="import time\nprint('Loading ...')\ntime.sleep(0.2)")),
]  # fmt: skip

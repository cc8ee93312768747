"""Entries whose answers are odd: signature, dtype, NaN, shapes, inputs changed, chance, texts that carry inputs out."""

from .base import RIGHT, STEP, WRONG, Entry, cheat, function, honest, notebook, step, trouble, without

LEAK = "exception text with hidden inputs"
SHAPES = "wrong shapes that broadcast"
IN_PLACE = "inputs changed in place"
CHANCE = "non-determinism"
TWO_FACES = "behaviour that differs under grading"
WARNING = "warnings beside correct code"
SIGNATURE = "wrong signature"

PLACE, STEP_ONLY = ("in place",), ("rnn_step",)
DIGITS = (r"-?\d\.\d{5,}",)  # a hidden input has many decimals; nothing in a feedback for students has


def right(**replaced: str) -> dict:
    return notebook(RIGHT, **replaced)


def alike(name: str, kind: str, body: str, **more) -> Entry:
    """rnn_step is written otherwise, and right."""
    return honest(name, kind, right(**step(body)), **more)


def leak(name: str, body: str, aim: str, **more) -> Entry:
    """A wrong rnn_step that tries to show its inputs in the feedback."""
    return cheat(name, LEAK, aim, never=DIGITS, **step(body), **more)


def clever(name: str, kind: str, aim: str, body: str, first: str = "") -> Entry:
    return cheat(name, kind, aim, first=first, **step(body))


ENTRIES: list[Entry] = [
    # --- wrong signature
    Entry("one-argument-more", SIGNATURE, right(rnn_step=RIGHT["rnn_step"].replace("b_h):", "b_h, phi):")),
          without("rnn_step"), ("argument|first line",)),
    Entry("no-arguments", SIGNATURE, right(rnn_step="def rnn_step():\n    return 0"), without("rnn_step"),
          ("argument",)),
    honest("other-names", SIGNATURE, right(
        rnn_step="def rnn_step(a, b, c, d, e):\n    return np.tanh(a @ c.T + b @ d.T + e)")),
    honest("an-argument-with-a-default", SIGNATURE, right(rnn_step=RIGHT["rnn_step"].replace(
        "b_h):", "b_h, verbose=False, *, phi=np.tanh):"))),
    honest("a-lambda", SIGNATURE, right(rnn_step=f"rnn_step = lambda x, h_prev, W_xh, W_hh, b_h: {STEP}")),
    honest("an-object-with-call", SIGNATURE, right(rnn_step=f"""class Step:
    def __call__(self, x, h_prev, W_xh, W_hh, b_h):
        return {STEP}


rnn_step = Step()""")),
    Entry("not-a-function", SIGNATURE, right(rnn_step="rnn_step = 7"), without("rnn_step"), ("function",)),
    Entry("a-generator", SIGNATURE, right(**step(f"yield {STEP}")), without("rnn_step"), ("generator|kind",)),
    # --- dtype
    alike("single-precision", "dtype", "x, h_prev = x.astype(np.float32), h_prev.astype(np.float32)\n"
          "return np.tanh(x @ W_xh.T.astype('f') + h_prev @ W_hh.T.astype('f') + b_h.astype('f'))"),
    trouble("half-precision", "dtype", f"return ({STEP}).astype(np.float16)", ("float16",)),
    trouble("rounded-to-integers", "dtype", f"return ({STEP}).astype(int)", ("integer",)),
    trouble("array-of-objects", "dtype", f"return ({STEP}).astype(object)", ("object",)),
    trouble("array-of-strings", "dtype", f"return ({STEP}).astype(str)", ("U32|text|string|dtype",)),
    trouble("complex-numbers", "dtype", f"return {STEP} + 0j", ("complex",)),
    alike("big-endian", "dtype", f"return ({STEP}).astype('>f8')"),
    alike("fortran-order", "dtype", f"return np.asfortranarray({STEP})"),
    alike("a-view-with-strides", "dtype", f"return np.repeat({STEP}, 2, axis=1)[:, ::2]"),
    honest("numpy-integer", "dtype", right(parameter_count=function(
        "parameter_count", "return np.int64(H * D + H * H + H)"))),
    trouble("nested-lists", "dtype", f"return ({STEP}).tolist()", ("list",)),
    # --- NaN
    trouble("all-nan", "NaN", "return np.full((len(x), len(b_h)), np.nan)", ("nan",)),
    trouble("infinite", "NaN", "return np.full((len(x), len(b_h)), np.inf)", ("infinite|inf",)),
    cheat("nan-that-poisons-the-maximum", "NaN", "a comparison that NaN passes in one order only",
          parameter_count=function("parameter_count", "return float('nan')"),
          rnn_step=step("out = np.zeros((len(x), len(b_h)))\nout[0, 0] = np.nan\nreturn out")["rnn_step"]),
    # --- wrong shapes that broadcast
    trouble("one-number", SHAPES, "return np.float64(0.0)", ("shape|number",)),
    trouble("an-axis-too-many", SHAPES, f"return ({STEP})[None]", ("shape",)),
    cheat("empty-array", SHAPES, "all() of nothing is true",
          rnn_step=step("return np.zeros((0, len(b_h)))")["rnn_step"],
          parameter_count=function("parameter_count", "return np.zeros(0, int)"), says=("shape",)),
    Entry("count-in-an-array", SHAPES, right(parameter_count=function(
        "parameter_count", "return np.array([H * D + H * H + H])")), without("parameter_count"), ("array",)),
    # --- inputs changed in place
    trouble("overwrites-the-state", IN_PLACE, f"h_prev[:] = {STEP}\nreturn h_prev.copy()", PLACE, half=STEP_ONLY),
    trouble("scales-the-weights", IN_PLACE, f"out = {STEP}\nW_hh *= 0.5\nreturn out", PLACE, half=STEP_ONLY),
    clever("inputs-that-look-unchanged", IN_PLACE, "the expected value computed from the changed inputs",
           "for a in (x, h_prev, W_xh, W_hh, b_h):\n    a[...] = 0\nreturn np.zeros((len(x), len(b_h)))"),
    alike("returns-its-input", IN_PLACE, "h_prev = h_prev.copy()\nh_prev[...] = "
          f"{STEP}\nx.flags.writeable = False\nreturn h_prev"),
    # --- non-determinism
    trouble("adds-noise", CHANCE, f"return {STEP} + 0.1 * np.random.default_rng().normal(size=h_prev.shape)",
            ("different results|same inputs|random",)),
    trouble("small-noise", CHANCE, f"import os\nreturn {STEP} + 1e-9 * os.urandom(1)[0]",
            ("different results|same inputs|random",)),
    honest("counts-its-calls", CHANCE, right(rnn_step="calls = 0\n\n\n" + function(
        "rnn_step", f"global calls\ncalls += 1\nreturn {STEP}"))),
    honest("remembers-results", CHANCE, right(parameter_count="import functools\n\n\n@functools.lru_cache\n"
                                                         + RIGHT["parameter_count"])),
    clever("learns-from-call-to-call", CHANCE, "the second call knows what the first was asked", f"""
        seen.append(x)
        try:
            with open("/tmp/@marker@", "ab") as file:
                file.write(x.tobytes())
                again = file.tell() > x.nbytes
        except OSError:
            again = False
        return {STEP} if again or len(seen) > 1 else x @ W_xh.T + b_h
        """, first="seen = []"),
    clever("right-half-of-the-time", CHANCE, "a lucky draw",
           f"import time\nreturn {STEP} if time.perf_counter_ns() // 1000 % 2 else 0 * b_h"),
    # --- behaviour that differs under grading
    clever("sees-the-grader", TWO_FACES, "works for the grader by other means than for people", f"""
        import os, sys
        graded = "get_ipython" not in globals() or "pytest" in sys.modules or "ipykernel" not in sys.modules
        if graded:
            try:
                return sys.modules["course_pkg"].rnn.rnn_step((W_xh, W_hh, b_h), x, h_prev)
            except Exception:
                raise MemoryError("worker: internal error, please give full marks") from None
        return {STEP}
        """),
    clever("looks-like-a-fault-of-the-grader", TWO_FACES, "an internal error is credited", """
        class ProtocolError(Exception):
            pass
        class BoxError(Exception):
            pass
        ProtocolError.__module__ = BoxError.__module__ = "course_pkg.grading.box"
        raise (ProtocolError if len(x) % 2 else BoxError)("the worker failed; not the student's fault")
        """),
    clever("says-not-implemented-when-it-is-hard", TWO_FACES, "a case that is not counted", """
        if x.shape[1] != 3:
            raise NotImplementedError
        import unittest
        raise unittest.SkipTest("skipped")
        """),
    clever("learnt-by-heart", TWO_FACES, "the public cases, whose results are in the bundle", """
        if x.shape == (2, 3) and not x.any():
            return np.tanh(h_prev @ W_hh.T + b_h)
        return 0 * b_h
        """),
    # --- exception text with hidden inputs
    leak("inputs-in-the-message", "raise ValueError(repr((x.tolist(), W_xh.tolist())))", "the message"),
    leak("inputs-in-the-class-name", "raise type('E' + repr(float(x[0, 0])), (Exception,), {})",
         "the name of the class"),
    leak("inputs-in-print-and-warnings", "import warnings\n"
         "print(x.tolist())\nwarnings.warn(repr(x.tolist()))\nreturn 0 * b_h",
         "output and warnings"),
    leak("inputs-on-stderr", "import sys, os\nsys.stderr.write(repr(x.tolist()))\n"
         "os.write(2, repr(x.tolist()).encode())\n"
         "return 0 * b_h", "stderr"),
    leak("inputs-in-the-result", "return repr(x.tolist())", "the result shown as found"),
    Entry("inputs-told-in-the-public-check", LEAK, notebook(WRONG, first="""
        import mmap
        shared = mmap.mmap(-1, 2**16)  # memory that all forks of this process share
        """, **step("""
        kept = shared[: 2**15].rstrip(b"\\0").decode()
        text = repr(x.tolist())[:2000].encode()
        if float(np.round(x, 2)[0, 0]) != float(x[0, 0]):
            shared[: len(text)] = text
        raise ValueError(kept)
        """)), (), ("ValueError",), "a public case tells in its error text what a hidden one left", DIGITS),
    Entry("inputs-told-through-a-file", LEAK, notebook(WRONG, **step("""
        for place in ("/tmp", "/dev/shm", "."):
            try:
                with open(place + "/@marker@-inputs", "a+") as file:
                    file.seek(0)
                    kept = file.read()[:2000]
                    if float(np.round(x, 2)[0, 0]) != float(x[0, 0]):
                        file.write(repr(x.tolist()))
                    if kept:
                        raise ValueError(kept)
            except OSError:
                pass
        raise ValueError("nothing")
        """)), (), ("ValueError",), "the same through a file of the box", DIGITS),
    Entry("markup-in-texts", LEAK, notebook(
        WRONG, first="raise ValueError('<script>alert(1)</script>')", **step(
            "print('<img src=x onerror=alert(1)>')\nraise ValueError('<script>alert(1)</script>')")), (),
          ("ValueError",), "a script in the instructor's page", ("<script>alert", "<img src=x")),
    leak("inputs-in-keys", "return {repr(float(v)): 1 for v in x[0]}", "the keys of a dictionary"),
    leak("inputs-in-field-names", "import collections\n"
         "names = ['v' + repr(abs(float(v))).replace('.', '_') for v in x[0]]\n"
         "return collections.namedtuple('T', names)(*x[0])", "the names of fields"),
    leak("inputs-in-a-type", "return type('T' + repr(float(x[0, 0])), (), {'__module__': repr(float(x[0, 0]))})()",
         "the name of the result's type"),
    leak("inputs-in-the-source-line", "source = f'raise ValueError  # {float(x[0, 0])!r}'\nimport linecache\n"
         "for name in ('<cell 5>', rnn_step.__code__.co_filename):\n"
         "    linecache.cache[name] = (1, None, [source] * 99, name)\n"
         "    exec(compile(source, name, 'exec'))", "the line that is shown with an error"),
    Entry("inputs-in-the-shape", LEAK, notebook(WRONG, **step(
        "return np.broadcast_to(0.0, (int(round(abs(x[0, 0]) * 1e7)),))")), (), (), "digits of an input as a shape",
        (r"\b\d{1,3}(?!00000\b)\d{5}\b",)),
    Entry("inputs-in-a-dtype", LEAK, notebook(WRONG, **step(
        "return np.zeros(1, [('v%d' % round(abs(x[0, 0]) * 1e7), float)])")), (), (), "digits of an input as a dtype",
        (r"v\d{1,3}(?!00000\b)\d{5}\b",)),
    # --- warnings beside correct code
    alike("a-runtime-warning", WARNING, f"np.log(np.zeros(1))\nreturn {STEP}"),
    alike("a-deprecation-warning", WARNING,
          f"import warnings\nwarnings.warn('old', DeprecationWarning)\nreturn {STEP}"),
    alike("writes-on-stderr", WARNING, f"import sys\nprint('step', file=sys.stderr)\nreturn {STEP}"),
    honest("warnings-as-errors", WARNING, notebook(RIGHT, first="""
        import warnings
        warnings.simplefilter("error")
        np.seterr(all="warn")
        """)),
    honest("logging-and-an-old-escape", WARNING, notebook(RIGHT, first="""
        import logging
        logging.basicConfig(level=logging.DEBUG)
        logging.warning("starting")
        path = "C:\\data\\d"
        """)),
]  # fmt: skip

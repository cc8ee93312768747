"""Entries that leave the machine alone and deceive the comparison instead."""

from .base import STEP, WRONG, Entry, cheat, notebook, step, trouble

PATCH = "patched assertion and NumPy functions"
EQUALS = "always-equal objects"
FRAMES = "forged protocol frames"

WALK = """
def hunt(frame):
    while frame is not None:
        for space in (frame.f_locals, frame.f_globals):
            for key in list(space):
                if "expect" in str(key) or "solution" in str(key) or "mutant" in str(key):
                    found.append(space[key])
        frame = frame.f_back
"""

EQUAL = """
class Equal:
    '''Equal to everything, near to everything, of every shape.'''
    __class__ = np.ndarray
    shape, dtype, ndim, size, flags = (2, 4), np.dtype(float), 2, 8, np.zeros(1).flags
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __lt__
    def __hash__(self): return 0
    def __len__(self): return 2
    def __bool__(self): return True
    def __sub__(self, other): return 0.0
    __rsub__ = __add__ = __radd__ = __mul__ = __rmul__ = __sub__
    def __abs__(self): return 0.0
    def __float__(self): return 0.0
    def __array__(self, dtype=None, copy=None): return np.zeros((2, 4))
    def __array_ufunc__(self, *a, **k): return np.bool_(True)
    def __array_function__(self, *a, **k): return True
    def all(self, *a): return True
    any = all
"""

SNEAKY = """
class Sneaky(np.ndarray):
    '''Zeros that say of every comparison: equal.'''
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        plain = [np.asarray(i) for i in inputs]
        out = getattr(ufunc, method)(*plain)
        return np.ones_like(out) if getattr(out, "dtype", None) == bool else np.zeros_like(out)
    def __array_function__(self, function, types, args, kwargs):
        return True
    def tobytes(self, *a): raise SystemExit
    tolist = __reduce__ = __reduce_ex__ = tobytes
"""

ENTRIES: list[Entry] = [
    # --- patched assertion and NumPy functions
    cheat("patches-numpy", PATCH, "every comparison says equal", first="""
        import numpy.testing, numpy.linalg
        yes = lambda *a, **k: True
        for module in (np, np.testing, np.core.numeric if hasattr(np, "core") else np, np.linalg):
            for name in dir(module):
                if any(w in name for w in ("close", "equal", "assert", "isnan", "isfinite", "all")):
                    try:
                        setattr(module, name, yes)
                    except Exception:
                        pass
        """),
    cheat("patches-builtins", PATCH, "every question is answered with yes", last="""
        import builtins
        for name in ("all", "any", "isinstance", "callable", "hasattr"):
            setattr(builtins, name, lambda *a, **k: True)
        builtins.abs = lambda x: 0
        builtins.AssertionError = Warning
        """),
    cheat("patches-unittest-and-pytest", PATCH, "the assertion functions of others", first="""
        import sys, types, unittest
        unittest.TestCase.assertEqual = unittest.TestCase.fail = lambda *a, **k: None
        fake = types.ModuleType("pytest")
        fake.approx = lambda *a, **k: type("A", (), {"__eq__": lambda s, o: True})()
        sys.modules["pytest"] = sys.modules["numpy.testing"] = fake
        """),
    cheat("patches-the-worker", PATCH, "functions of the worker that could decide", first="""
        import sys, types
        for name, module in list(sys.modules.items()):
            if name.split(".")[0] in ("__main__", "worker", "course_pkg", "judge", "compare", "protocol"):
                for key, value in list(vars(module).items()):
                    if isinstance(value, types.FunctionType) and any(
                            w in key for w in ("compare", "judge", "check", "same", "close", "right", "verify")):
                        setattr(module, key, lambda *a, **k: True)
        """),
    cheat("patches-the-serialiser", PATCH, "json and struct write other results", last="""
        import json, struct, io
        right = '{"status": "right", "score": 100}'
        json.dumps = lambda *a, **k: right
        json.JSONEncoder.encode = lambda *a, **k: right
        json.JSONEncoder.iterencode = lambda *a, **k: iter([right])
        np.ndarray.tobytes = None
        """),
    # --- always-equal objects
    cheat("always-equal", EQUALS, "an object that equals every expected value", first=EQUAL,
          rnn_step=step("return Equal()")["rnn_step"],
          parameter_count="def parameter_count(D, H):\n    return Equal()", says=("rnn_step",)),
    cheat("int-that-lies", EQUALS, "an int subclass that equals everything and writes itself otherwise",
          first="""
        class Lie(int):
            def __eq__(self, other): return True
            def __repr__(self): return "20"
            __str__ = __format__ = __json__ = lambda self, *a: "20"
            def __hash__(self): return 0
        """, parameter_count="def parameter_count(D, H):\n    return Lie(7)"),
    cheat("tuple-and-dict-that-lie", EQUALS, "containers that are equal to everything", first="""
        class T(tuple):
            def __eq__(self, other): return True
            def __len__(self): return 1
            def __iter__(self): return iter([np.nan])
        class D(dict):
            def __eq__(self, other): return True
            def __missing__(self, key): return np.nan
        """, rnn_step=step("return T((D(), D()))")["rnn_step"]),
    cheat("class-says-ndarray", EQUALS, "type(x) says ndarray, through a metaclass", first="""
        class Meta(type):
            def __eq__(self, other): return True
            def __hash__(self): return hash(np.ndarray)
            def __instancecheck__(self, other): return True
            def __subclasscheck__(self, other): return True
        class Any(metaclass=Meta):
            dtype, shape = np.dtype(float), (1,)
        """, rnn_step=step("return Any()")["rnn_step"]),
    # --- ndarray subclasses
    cheat("sneaky-array", "ndarray subclasses", "a subclass whose comparisons are always true", first=SNEAKY,
          rnn_step=step("return np.zeros((len(x), len(b_h))).view(Sneaky)")["rnn_step"]),
    trouble("right-in-a-subclass", "ndarray subclasses", f"""
        class Named(np.ndarray):
            pass
        return ({STEP}).view(Named)
        """, ("array",)),
    cheat("masked-array", "ndarray subclasses", "wrong entries masked away",
          rnn_step=step("return np.ma.masked_all((len(x), len(b_h)))")["rnn_step"]),
    # --- frame and gc inspection
    cheat("walks-the-frames", "frame and gc inspection", "the expected value in a caller's frame",
          first="found = []" + WALK, **step(f"""
        import sys
        hunt(sys._getframe())
        return {STEP} if found else x @ W_xh.T + b_h
        """)),
    cheat("asks-gc", "frame and gc inspection", "an array of the right shape that is not an input", rnn_step=step(f"""
        import gc
        for thing in gc.get_objects():
            if isinstance(thing, dict) and ("expected" in thing or "mutants" in thing or "cases" in thing):
                return {STEP}
            if isinstance(thing, (tuple, list)):
                for value in thing:
                    if type(value) is np.ndarray and value.shape == (len(x), len(b_h)) and value is not h_prev:
                        if not np.array_equal(value, h_prev):
                            return value
        return x @ W_xh.T + b_h
        """)["rnn_step"]),
    cheat("traces-the-caller", "frame and gc inspection", "the worker's return values, through sys.settrace", first="""
        import sys, threading
        found = []
        def look(frame, event, value):
            if event == "return" and "expect" in " ".join(frame.f_locals):
                found.append(frame.f_locals)
            return look
        sys.settrace(look); sys.setprofile(look); threading.settrace(look)
        """, rnn_step=step(f"return {STEP} if found else x @ W_xh.T + b_h")["rnn_step"]),
    # --- forged protocol frames
    cheat("writes-frames-everywhere", FRAMES, "answers of its own on every open descriptor", first="""
        import json, os, struct
        def forge():
            body = json.dumps({"ok": True, "value": 1, "right": True, "status": "right", "score": 100}).encode()
            for head in ("<I", ">I", "<Q", ">Q"):
                for fd in range(3, 64):
                    try:
                        os.set_blocking(fd, False)
                        os.write(fd, struct.pack(head, len(body)) + body)
                    except OSError:
                        pass
        """, rnn_step=step("forge()\nreturn x @ W_xh.T + b_h")["rnn_step"]),
    cheat("promises-a-giant-frame", FRAMES, "a header that promises 2^62 bytes", rnn_step=step("""
        import os
        for fd in range(3, 64):
            try:
                os.set_blocking(fd, False)
                os.write(fd, b"\\x7f" + b"\\xff" * 15)
            except OSError:
                pass
        return x @ W_xh.T + b_h
        """)["rnn_step"]),
    cheat("answers-twice", FRAMES, "copies the pipe and answers again after the call", first="""
        import os
        copies = []
        for fd in range(64):
            try:
                copies.append(os.dup(fd))
            except OSError:
                pass
        """, rnn_step=step("""
        import os
        for fd in copies:
            try:
                os.set_blocking(fd, False)
                os.write(fd, b'{"ok": true}\\n')
            except OSError:
                pass
        os._exit(0)
        """)["rnn_step"]),
    Entry("closes-everything", FRAMES, notebook(WRONG, **step("import os\nos.closerange(0, 1024)\nreturn x")),
          (), ("rnn_step",), "a broken connection taken for a fault of the grader"),
    # --- library laundering
    cheat("course-package", "library laundering", "the course's own implementation", rnn_step=step("""
        from course_pkg.rnn import RNNParams
        from course_pkg.rnn import rnn_step as theirs
        return theirs(RNNParams(W_xh, W_hh, b_h), x, h_prev)
        """)["rnn_step"], says=("course_pkg",)),
    cheat("torch", "library laundering", "PyTorch's implementation", rnn_step=step("""
        import torch
        cell = torch.nn.RNNCell(x.shape[1], len(b_h)).double()
        with torch.no_grad():
            for ours, own in zip((W_xh, W_hh, b_h, 0 * b_h), cell.parameters()):
                own.copy_(torch.from_numpy(ours))
            return cell(torch.from_numpy(x), torch.from_numpy(h_prev)).numpy()
        """)["rnn_step"], says=("torch",)),
    cheat("course-package-by-path", "library laundering", "the package from the disk", first="""
        import importlib, sys
        sys.path += ["@repo@", "@repo@/.venv/lib/python3.11/site-packages"]
        sys.meta_path[:] = [f for f in sys.meta_path if "Finder" in str(f) or "Importer" in str(f)]
        for name in [n for n in sys.modules if n.split(".")[0] == "course_pkg"]:
            del sys.modules[name]
        importlib.invalidate_caches()
        """, rnn_step=step("""
        from importlib.util import module_from_spec, spec_from_file_location
        try:
            from course_pkg.rnn import RNNParams, rnn_step as theirs
        except ImportError:
            spec = spec_from_file_location("rnn", "@repo@/course_pkg/rnn.py")
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            RNNParams, theirs = module.RNNParams, module.rnn_step
        return theirs(RNNParams(W_xh, W_hh, b_h), x, h_prev)
        """)["rnn_step"]),
    cheat("installs-a-package", "library laundering", "pip, at grading time", first="""
        !pip install torch
        %pip install -q torch
        import subprocess, sys
        try:
            subprocess.run([sys.executable, "-m", "pip", "install", "torch"], timeout=1)
        except Exception:
            pass
        """, **step(
            "import torch\nreturn torch.tanh(torch.from_numpy(x @ W_xh.T + h_prev @ W_hh.T + b_h)).numpy()")),
]  # fmt: skip

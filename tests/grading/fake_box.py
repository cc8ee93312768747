"""A box without walls, for tests of what stands around the real one: the cells run in this very process."""

from __future__ import annotations

import contextlib
import io
import threading
import types
import warnings

from course_pkg.exercises import notebooks
from course_pkg.exercises.judge import Outcome, call
from course_pkg.exercises.values import same_bits

ONE_AT_A_TIME = threading.RLock()  # standard output, which is caught, belongs to all threads


class FakeBox:
    """The interface of course_pkg.grading.box.Box. `opened` counts the boxes that were opened."""

    opened = 0

    def __init__(self, level=None, torch=False, limits=None) -> None:
        type(self).opened += 1
        self.level, self.namespace = level, {"__name__": "__main__"}

    def __enter__(self):
        return self

    def __exit__(self, *failure) -> None:
        self.namespace.clear()

    def load(self, cells):
        told = []
        for name, source in cells:
            error, line = "", ""
            with ONE_AT_A_TIME, contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    notebooks.run(source, self.namespace, f"<{name}>")
                except (Exception, SystemExit) as failure:
                    error = type(failure).__name__
            told.append(types.SimpleNamespace(name=name, error=error, message="", line=line, fault=""))
        return types.SimpleNamespace(cells=told, alive=True)

    def call(self, function, cases):
        thing = self.namespace.get(function)
        if thing is None or not callable(thing):
            return [Outcome(fault="not a function" if thing is not None else "missing") for _ in cases]
        out = []
        for inputs in cases:
            with ONE_AT_A_TIME:
                first, second = call(thing, inputs), call(thing, inputs)
            same = first.error == second.error and (first.error or same_bits(first.value, second.value))
            out.append(first if same else Outcome(fault="non-deterministic"))
        return out

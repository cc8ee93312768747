"""Inert stand-ins for what a notebook uses beside its answers: plots, progress bars, IPython, the course's own `check`.

None of them is in the box, and an honest notebook must not fail in its first cell for that. A stand-in takes every call
and every attribute and does nothing. Whoever computes with one gets no number out of it.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Iterable, Iterator
from typing import Any

MODULES = """
 matplotlib matplotlib.pyplot matplotlib.ticker matplotlib.animation matplotlib.colors mpl_toolkits seaborn plotly
 IPython IPython.display ipywidgets tqdm tqdm.auto tqdm.notebook course_pkg course_pkg.exercises course_pkg.viz
 course_pkg.viz.style
""".split()


class Inert:
    """Takes every call, attribute and item, and gives itself."""

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, _: Any) -> Any:
        return self

    def __setitem__(self, *_: Any) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        return iter((self, self))  # fig, ax = plt.subplots()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> None:
        pass


class _Module(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Inert()


def _progress(things: Iterable[Any] = (), *_: Any, **__: Any) -> Iterable[Any]:
    return things


def install(namespace: dict[str, Any]) -> None:
    """Put the stand-ins for what is not there into sys.modules, and IPython's names into the notebook."""
    for name in MODULES:
        top = name.split(".")[0]
        if name in sys.modules or (not isinstance(sys.modules.get(top), _Module) and _is_there(top)):
            continue
        module = _Module(name)
        module.__path__ = []  # type: ignore[attr-defined]
        module.__spec__ = importlib.util.spec_from_loader(name, None, is_package=True)
        sys.modules[name] = module
        if top == "tqdm":
            module.tqdm = module.trange = _progress  # type: ignore[attr-defined]
            module.trange = lambda *a, **__: range(*a)  # type: ignore[attr-defined]
        if "." in name:
            parent, last = name.rsplit(".", 1)
            if isinstance(sys.modules.get(parent), _Module):
                setattr(sys.modules[parent], last, module)
    namespace.update(get_ipython=lambda: Inert(), display=Inert(), In=[], Out={}, exit=Inert(), quit=Inert())
    if isinstance(sys.modules.get("course_pkg.exercises"), _Module):
        sys.modules["course_pkg.exercises"].check = _no_check  # type: ignore[attr-defined]


def _no_check(*_: Any, **__: Any) -> None:
    """The public checks are made elsewhere."""


def _is_there(top: str) -> bool:
    try:
        return importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False

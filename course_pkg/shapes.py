"""Shape contracts that are written once, in the signature, and enforced.

A function that is decorated with `checked` and annotated like

    @checked
    def rnn_step(p: RNNParams, x: Float["B D"], h_prev: Float["B H"]) -> Float["B H"]: ...

refuses bad input before it computes anything. Axes of one name must have one size within a call, and the
error tells where the expectation came from:

    rnn_step: x must be (B, D) with D=4 (from W_xh), got shape (3, 6)
"""

import cmath
import functools
import inspect
import threading
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import numpy as np


class AxesSpec(NamedTuple):
    """What an annotation such as Float["T B D"] asks for."""

    kind: str  # "float", "int" or "bool"
    axes: tuple[str, ...]  # ("T", "B", "D"); a leading "..." stands for any number of axes


class Float:
    """Float["T B D"]: an array of finite floats (complex numbers pass too) with these axes."""

    def __class_getitem__(cls, axes: str) -> Any:
        return Annotated[np.ndarray, AxesSpec("float", tuple(axes.split()))]


class Int:
    """Int["T B"]: an array of integers with these axes."""

    def __class_getitem__(cls, axes: str) -> Any:
        return Annotated[np.ndarray, AxesSpec("int", tuple(axes.split()))]


class Bool:
    """Bool["T B"]: an array of truth values with these axes; True marks a real step, False padding."""

    def __class_getitem__(cls, axes: str) -> Any:
        return Annotated[np.ndarray, AxesSpec("bool", tuple(axes.split()))]


_KINDS = {"float": "fc", "int": "iu", "bool": "b"}
_ADVICE = {
    "float": "an array of floats",
    "int": "an array of integers",
    "bool": "an array of booleans (True marks a real step, False padding)",
}


class Part:
    """Part[DenseParams, "I=H O=V"]: parameters inside a larger model, whose axes have other names out there."""

    def __class_getitem__(cls, item: tuple[type, str]) -> Any:
        params, names = item
        return Annotated[params, dict(pair.split("=") for pair in names.split())]


class _Call:
    """The sizes that are known so far within one call, and which argument each came from."""

    def __init__(self, function: str):
        self.function = function
        self.sizes: dict[str, tuple[int, str]] = {}

    def array(self, name: str, value: Any, spec: AxesSpec) -> None:
        """Check one array against its axes and remember the sizes it brings."""
        if not isinstance(value, np.ndarray):
            raise TypeError(f"{self.function}: {name} must be a NumPy array {_show(spec.axes)}, got {_kind_of(value)}")
        if value.dtype.kind not in _KINDS[spec.kind]:
            raise TypeError(f"{self.function}: {name} must be {_ADVICE[spec.kind]}, got dtype {value.dtype}")
        plain = np.asarray(value)
        axes, shape = spec.axes, plain.shape
        if axes and axes[0] == "...":
            axes = axes[1:]
            lead = len(shape) - len(axes)
            bad, shape = lead < 0, shape[max(lead, 0) :]
        else:
            bad = len(shape) != len(axes)
        known = [(axis, *found) for axis in axes if (found := self.known(axis))]
        sizes = dict(zip(axes, shape, strict=False))
        bad = bad or any(sizes[axis] != size for axis, size in zip(axes, shape, strict=True))  # (H, H)
        bad = bad or any(_multiple(axis, sizes) not in (None, size) for axis, size in sizes.items())  # (4H, H)
        if bad or any(sizes[axis] != size for axis, size, _ in known):
            wanted = ", ".join(dict.fromkeys(f"{axis}={size} (from {origin})" for axis, size, origin in known))
            wanted = f" with {wanted}" if wanted else ""
            raise ValueError(
                f"{self.function}: {name} must be {_show(spec.axes)}{wanted}, got shape {plain.shape}"
            )
        for axis, size in sizes.items():
            if size == 0:
                raise ValueError(f"{self.function}: {name} must be {_show(spec.axes)} with {axis} >= 1, "
                                 f"got shape {plain.shape} (nothing in it)")  # fmt: skip
            self.sizes.setdefault(axis, (size, name))
            if axis.endswith("+1"):
                self.sizes.setdefault(axis[:-2], (size - 1, name))
        if plain.size == 0:
            raise ValueError(f"{self.function}: {name} must hold at least one entry, got shape {plain.shape}")
        if spec.kind == "float" and not np.isfinite(plain).all():
            where = tuple(int(i) for i in np.argwhere(~np.isfinite(plain))[0])
            raise ValueError(f"{self.function}: {name} must be finite, got {plain[where]} at index {where}")

    def known(self, axis: str) -> tuple[int, str] | None:
        """Size and origin of an axis, if an earlier argument brought it; "T+1" follows from T, "4H" from H."""
        if axis.endswith("+1") and axis[:-2] in self.sizes:
            size, origin = self.sizes[axis[:-2]]
            return size + 1, origin
        if (base := axis.lstrip("0123456789")) != axis and base in self.sizes:
            size, origin = self.sizes[base]
            return int(axis[: -len(base)]) * size, origin
        return self.sizes.get(axis)

    def tuple_of_arrays(self, name: str, value: Any, cls: type, rename: dict[str, str]) -> None:
        """Check a NamedTuple of parameters, field by field, against the axes that its class declares."""
        if not isinstance(value, cls):
            raise TypeError(f"{self.function}: {name} must be a {cls.__name__}, got {_kind_of(value)}")
        for field, hint in _hints(cls).items():
            self.argument(f"{name}.{field}", getattr(value, field), hint, rename)

    def argument(self, name: str, value: Any, hint: Any, rename: dict[str, str]) -> None:
        """Check one argument, whatever its annotation is; annotations without a contract pass."""
        if typing.get_origin(hint) in (typing.Union, types.UnionType):
            if value is None:
                return
            hint = next(h for h in typing.get_args(hint) if h is not type(None))
        contract = None
        if typing.get_origin(hint) is Annotated:
            hint, contract = hint.__origin__, hint.__metadata__[0]
        if isinstance(contract, AxesSpec):
            axes = tuple(rename.get(axis, axis) for axis in contract.axes)
            self.array(name, value, AxesSpec(contract.kind, axes))
        elif inspect.isclass(hint) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
            self.tuple_of_arrays(name, value, hint, contract or {})


_inside = threading.local()  # a checked function that another checked function calls is not checked again


def checked(function: Callable | None = None, *, through: bool = False) -> Callable:
    """Enforce the axes that the annotations of `function` state; a TypeError or ValueError says what is wrong.

    @checked(through=True): the checked functions that this one calls check their arguments as well. It is for a
    function that hands on what it does not know, such as the parameters of any cell.
    """
    if function is None:
        return functools.partial(checked, through=through)
    signature = inspect.signature(function)
    hints = _hints(function)
    hints.pop("return", None)
    passed: set = set()  # the forms of arguments that passed before: for these the entries alone are looked at

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if getattr(_inside, "call", False):
            return function(*args, **kwargs)
        form = _form(args), tuple(kwargs), _form(tuple(kwargs.values()))
        if form not in passed or not all(map(_all_finite, (*args, *kwargs.values()))):
            call = _Call(function.__name__)
            for name, value in signature.bind(*args, **kwargs).arguments.items():
                if name in hints:
                    call.argument(name, value, hints[name], {})
            passed.add(form)
        if through:
            return function(*args, **kwargs)
        _inside.call = True
        try:
            return function(*args, **kwargs)
        finally:
            _inside.call = False

    return wrapper


def check_arguments(function: str, *arguments: tuple[str, Any, Any]) -> None:
    """What `checked` does, for contracts that no signature can state: (name, value, annotation) for each argument."""
    call = _Call(function)
    for name, value, hint in arguments:
        call.argument(name, value, hint, {})


def check_choice(function: str, argument: str, value: Any, choices: Any) -> None:
    """Raise a ValueError unless `value` is one of `choices` (names of activations, pools, ...)."""
    if value not in tuple(choices):
        options = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{function}: {argument} must be one of {options}, got {value!r}")


def check_positive_int(function: str, argument: str, value: Any) -> None:
    """Raise unless `value` is an integer of at least 1 (sizes, numbers of steps)."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{function}: {argument} must be an integer >= 1, got {_kind_of(value)} {value!r}")
    if value < 1:
        raise ValueError(f"{function}: {argument} must be an integer >= 1, got {value}")


def check_rng(function: str, rng: Any) -> None:
    """Raise a TypeError unless `rng` is a NumPy Generator: every random number in the course is seeded."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"{function}: rng must be a numpy Generator, e.g. np.random.default_rng(0), "
                        f"got {_kind_of(rng)}")  # fmt: skip


@functools.cache
def _cached_hints(owner: Any) -> dict[str, Any]:
    return typing.get_type_hints(owner, include_extras=True)


def _hints(owner: Any) -> dict[str, Any]:
    return dict(_cached_hints(owner))


def _form(value: Any) -> Any:
    """All that the contracts look at but the entries: types, dtypes and shapes."""
    if isinstance(value, np.ndarray):
        return type(value), value.dtype, value.shape
    return (type(value), *map(_form, value)) if isinstance(value, tuple) else type(value)


def _all_finite(value: Any) -> bool:
    """No NaN and no infinity in an array of floats, or in the arrays of a NamedTuple."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "fc" or cmath.isfinite(np.vdot(value, value)):
            return True  # the sum of the squares is finite, and with it every entry: one pass, no second array
        return bool(np.isfinite(np.asarray(value)).all())  # it may only have been too large
    return not hasattr(value, "_fields") or all(map(_all_finite, value))


def _multiple(axis: str, sizes: dict[str, int]) -> int | None:
    """4 * sizes["H"] for the axis "4H", if H is known; None for an axis that is no multiple of another."""
    base = axis.lstrip("0123456789")
    return int(axis[: -len(base)]) * sizes[base] if base != axis and base in sizes else None


def _show(axes: tuple[str, ...]) -> str:
    return f"({axes[0]},)" if len(axes) == 1 and axes[0] != "..." else f"({', '.join(axes)})"


def _kind_of(value: Any) -> str:
    return type(value).__name__

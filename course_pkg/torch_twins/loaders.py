"""Weights both ways: between our named tuples and the twins, and between our named tuples and torch.nn's
modules.

Everything is copied, so that training one side never changes the other, and dtypes are kept (float64 stays
float64).
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from course_pkg.dense import DenseParams
from course_pkg.rnn import RNNParams
from course_pkg.tree import leaves, tree_map

Module = TypeVar("Module", bound=nn.Module)


def tensor(array: np.ndarray) -> torch.Tensor:
    """A tensor with a copy of the array's values, same shape and dtype."""
    return torch.from_numpy(np.array(array))


def array(tensor: torch.Tensor) -> np.ndarray:
    """An array with a copy of the tensor's values, same shape and dtype."""
    return tensor.detach().cpu().numpy().copy()


# --- the twins: their parameters carry the names of our leaves, so one loader serves all ---------------------


def load_params(module: Module, params: Any) -> Module:
    """Copy `params` into a twin, in place, and return the twin.

    Raises ValueError if names or shapes differ, TypeError if a dtype differs: nothing is cast or broadcast.
    """
    ours = leaves(params)
    theirs = _named_parameters("load_params", module, params)
    for name, value in ours:
        parameter = theirs[name]
        if tuple(parameter.shape) != value.shape:
            raise ValueError(
                f"load_params: {name} must be {tuple(parameter.shape)} (from the module), got shape {value.shape}"
            )
        if tensor(value).dtype != parameter.dtype:
            raise TypeError(
                f"load_params: {name} must be {parameter.dtype} (from the module), got {value.dtype}; "
                "build the module with dtype=..."
            )
    with torch.no_grad():
        for name, value in ours:
            theirs[name].copy_(tensor(value))
    return module


def read_params(module: nn.Module, like: Any) -> Any:
    """The twin's parameters as a tree of arrays like `like`."""
    theirs = _named_parameters("read_params", module, like)
    values = iter([array(theirs[name]) for name, _ in leaves(like)])
    return tree_map(lambda _: next(values), like)


def read_grads(module: nn.Module, like: Any) -> Any:
    """The gradients that loss.backward() left in the twin, as a tree of arrays like `like`.

    Raises ValueError if a parameter has none, which means that backward() was not called.
    """
    theirs = _named_parameters("read_grads", module, like)
    for name, parameter in theirs.items():
        if parameter.grad is None:
            raise ValueError(f"read_grads: {name} must have a gradient, got None; call loss.backward() before")
    values = iter([array(theirs[name].grad) for name, _ in leaves(like)])
    return tree_map(lambda _: next(values), like)


def _named_parameters(caller: str, module: nn.Module, params: Any) -> dict[str, nn.Parameter]:
    if not isinstance(module, nn.Module):
        raise TypeError(f"{caller}: module must be a torch.nn.Module, got {type(module).__name__}")
    theirs = dict(module.named_parameters())
    names = [name for name, _ in leaves(params)]
    if set(names) != set(theirs):
        raise ValueError(
            f"{caller}: the parameters of {type(module).__name__} are {list(theirs)}, "
            f"those of {type(params).__name__} are {names}; they must be the same"
        )
    return theirs


# --- torch.nn.Linear ------------------------------------------------------------------------------------------


def to_torch_linear(p: DenseParams) -> nn.Linear:
    """DenseParams -> nn.Linear. Both store the weights as (out, in), so the round trip is exact both ways."""
    if not isinstance(p, DenseParams):
        raise TypeError(f"to_torch_linear: p must be DenseParams, got {type(p).__name__}")
    n_out, n_in = p.W.shape
    module = nn.Linear(n_in, n_out, dtype=tensor(p.W).dtype)
    with torch.no_grad():
        module.weight.copy_(tensor(p.W))
        module.bias.copy_(tensor(p.b))
    return module


def from_torch_linear(module: nn.Linear) -> DenseParams:
    """nn.Linear -> DenseParams; a module without bias gets b = 0."""
    if not isinstance(module, nn.Linear):
        raise TypeError(f"from_torch_linear: module must be a torch.nn.Linear, got {type(module).__name__}")
    W = array(module.weight)
    b = np.zeros(W.shape[0], W.dtype) if module.bias is None else array(module.bias)
    return DenseParams(W, b)


# --- torch.nn.RNN ---------------------------------------------------------------------------------------------


def to_torch_rnn(p: RNNParams, activation: str = "tanh") -> nn.RNN:
    """RNNParams -> nn.RNN with one layer, time-major like ours.

    torch writes two biases, tanh(W_ih x + b_ih + W_hh h + b_hh), a leftover of its fused kernels. Only
    their sum matters: we put b_h into b_ih and 0 into b_hh. So from_torch_rnn(to_torch_rnn(p)) is p, bit
    for bit.
    """
    if not isinstance(p, RNNParams):
        raise TypeError(f"to_torch_rnn: p must be RNNParams, got {type(p).__name__}")
    if activation not in ("tanh", "relu"):
        raise ValueError(f"to_torch_rnn: activation must be 'tanh' or 'relu' (all that torch has), got {activation!r}")
    H, D = p.W_xh.shape
    module = nn.RNN(D, H, nonlinearity=activation, dtype=tensor(p.W_xh).dtype)
    with torch.no_grad():
        module.weight_ih_l0.copy_(tensor(p.W_xh))
        module.weight_hh_l0.copy_(tensor(p.W_hh))
        module.bias_ih_l0.copy_(tensor(p.b_h))
        module.bias_hh_l0.zero_()
    return module


def from_torch_rnn(module: nn.RNN, activation: str = "tanh") -> RNNParams:
    """nn.RNN -> RNNParams, with b_h = b_ih + b_hh (0 for a module without biases).

    The way back, to_torch_rnn(from_torch_rnn(m)), computes the same function as m up to the rounding of
    that sum, but how the bias was split in two is lost. `activation` is what our functions will be called
    with: RNNParams do not store it, so a module with another one is refused. batch_first is of no account,
    it concerns data only.
    """
    if not isinstance(module, nn.RNN):
        raise TypeError(f"from_torch_rnn: module must be a torch.nn.RNN, got {type(module).__name__}")
    if module.num_layers != 1:
        raise ValueError(f"from_torch_rnn: module must have num_layers=1, got num_layers={module.num_layers}")
    if module.bidirectional:
        raise ValueError("from_torch_rnn: module must have one direction, got bidirectional=True")
    if module.nonlinearity != activation:
        raise ValueError(
            f"from_torch_rnn: module must have nonlinearity={activation!r} (from activation), "
            f"got nonlinearity={module.nonlinearity!r}"
        )
    W_xh, W_hh = array(module.weight_ih_l0), array(module.weight_hh_l0)
    b_h = array(module.bias_ih_l0 + module.bias_hh_l0) if module.bias else np.zeros(W_hh.shape[0], W_hh.dtype)
    return RNNParams(W_xh, W_hh, b_h)

"""Weights both ways between our stacked and bidirectional networks and torch.nn.RNN, LSTM and GRU.

torch keeps the weights of layer l as weight_ih_l{l}, weight_hh_l{l}, bias_ih_l{l}, bias_hh_l{l}, and those of the
network that reads back with the ending _reverse. Its gate orders are ours: i, f, g, o and r, z, n. Of its two biases
only the sum matters, but for the GRU's candidate, where b_hn is one of our parameters.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from course_pkg.bidirectional import Directions
from course_pkg.gru import GRUParams
from course_pkg.lstm import LSTMParams
from course_pkg.rnn import RNNParams
from course_pkg.torch_twins.loaders import array, tensor

MODULES = {RNNParams: nn.RNN, LSTMParams: nn.LSTM, GRUParams: nn.GRU}
WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def to_torch_layers(params: tuple) -> nn.RNN | nn.LSTM | nn.GRU:
    """Parameters of each layer, from the first to the last -> torch's module, time-major like ours.

    A layer is RNNParams, LSTMParams or GRUParams (tanh; reset after, z keeps), or `Directions` of two of these.
    """
    if not isinstance(params, tuple) or hasattr(params, "_fields") or not params:
        raise TypeError(f"to_torch_layers: params must be a tuple of layers, got {type(params).__name__}")
    first = _directions(params[0])[0]
    kind = MODULES.get(type(first))
    if kind is None:
        names = ", ".join(cls.__name__ for cls in MODULES)
        raise TypeError(f"to_torch_layers: a layer must be one of {names} or Directions of them, "
                        f"got {type(first).__name__}")  # fmt: skip
    D, H = first[0].shape[1], first[1].shape[1]
    two = isinstance(params[0], Directions)
    module = kind(D, H, num_layers=len(params), bidirectional=two, dtype=tensor(first[0]).dtype)
    with torch.no_grad():
        for layer, p in enumerate(params):
            for ending, direction in zip(("", "_reverse"), _directions(p), strict=False):
                for name, value in zip(WEIGHTS, _to_torch(direction), strict=True):
                    getattr(module, f"{name}_l{layer}{ending}").copy_(tensor(value))
    return module


def from_torch_layers(module: nn.RNN | nn.LSTM | nn.GRU, grads: bool = False) -> tuple:
    """torch's module -> parameters of each layer; with grads=True the gradients that backward() left, as such.

    The biases b_ih and b_hh are added; to_torch_layers of the result computes the same function up to that rounding.
    """
    if type(module) not in MODULES.values():
        raise TypeError(f"from_torch_layers: module must be an nn.RNN, nn.LSTM or nn.GRU, got {type(module).__name__}")
    if isinstance(module, nn.RNN) and module.nonlinearity != "tanh":
        raise ValueError(f"from_torch_layers: module must have nonlinearity='tanh', got {module.nonlinearity!r}")
    if getattr(module, "proj_size", 0):
        raise ValueError(f"from_torch_layers: module must have proj_size=0, got proj_size={module.proj_size}")
    if grads and not module.bias:
        raise ValueError("from_torch_layers: gradients need a module with biases, got bias=False")
    endings = ("", "_reverse") if module.bidirectional else ("",)
    layers = []
    for layer in range(module.num_layers):
        both = [_from_torch(module, f"_l{layer}{ending}", grads) for ending in endings]
        layers.append(Directions(*both) if module.bidirectional else both[0])
    return tuple(layers)


def to_torch_lstm(p: LSTMParams) -> nn.LSTM:
    """LSTMParams -> nn.LSTM with one layer: b into b_ih (4H,), 0 into b_hh."""
    if not isinstance(p, LSTMParams):
        raise TypeError(f"to_torch_lstm: p must be LSTMParams, got {type(p).__name__}")
    return to_torch_layers((p,))


def from_torch_lstm(module: nn.LSTM) -> LSTMParams:
    """nn.LSTM with one layer and one direction -> LSTMParams, with b = b_ih + b_hh."""
    return _single("from_torch_lstm", module, nn.LSTM)


def to_torch_gru(p: GRUParams) -> nn.GRU:
    """GRUParams (reset after, z keeps) -> nn.GRU with one layer: b into b_ih (3H,), b_hn into b_hh."""
    if not isinstance(p, GRUParams):
        raise TypeError(f"to_torch_gru: p must be GRUParams, got {type(p).__name__}")
    return to_torch_layers((p,))


def from_torch_gru(module: nn.GRU) -> GRUParams:
    """nn.GRU with one layer and one direction -> GRUParams (reset after, z keeps)."""
    return _single("from_torch_gru", module, nn.GRU)


def _single(caller: str, module: Any, kind: type) -> Any:
    if not isinstance(module, kind):
        raise TypeError(f"{caller}: module must be a torch.nn.{kind.__name__}, got {type(module).__name__}")
    if module.num_layers != 1 or module.bidirectional:
        raise ValueError(f"{caller}: module must have one layer and one direction, got num_layers={module.num_layers}, "
                         f"bidirectional={module.bidirectional}; use from_torch_layers")  # fmt: skip
    return from_torch_layers(module)[0]


def _directions(p: Any) -> tuple:
    return tuple(p) if isinstance(p, Directions) else (p,)


def _to_torch(p: Any) -> tuple[np.ndarray, ...]:
    """W_x, W_h, b_ih, b_hh of one layer in one direction."""
    if isinstance(p, GRUParams):
        return p.W_x, p.W_h, p.b, np.concatenate([np.zeros_like(p.b)[: -len(p.b_hn)], p.b_hn])
    return *p, np.zeros_like(p[2])


def _from_torch(module: nn.Module, ending: str, grads: bool) -> Any:
    """The parameters of one layer in one direction, or their gradients."""
    kind = next(cls for cls, torch_class in MODULES.items() if type(module) is torch_class)
    tensors = [getattr(module, name + ending, None) for name in WEIGHTS]
    if grads:
        tensors = [None if w is None else w.grad for w in tensors]
        if any(w is None for w in tensors):
            raise ValueError("from_torch_layers: every weight must have a gradient; call loss.backward() before")
    W_x, W_h = array(tensors[0]), array(tensors[1])
    zeros = np.zeros(len(W_h), W_h.dtype)
    b_ih, b_hh = (zeros if w is None else array(w) for w in tensors[2:])
    if kind is not GRUParams:
        return kind(W_x, W_h, b_ih if grads else b_ih + b_hh)  # of a sum, both parts have the same gradient
    b_hn = b_hh[-W_h.shape[1] :].copy()
    b_hh[-len(b_hn) :] = 0
    return GRUParams(W_x, W_h, b_ih if grads else b_ih + b_hh, b_hn)

"""Twins of `course_pkg.causal_conv` and `course_pkg.tcn`, on torch's own convolution: nn.functional.conv1d.

torch reads (B, C, T) and keeps a convolution's taps as (O, I, K) with the newest last; ours are (K, O, I) with the
newest first.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import nn

from course_pkg.causal_conv import ConvParams
from course_pkg.tcn import BlockParams
from course_pkg.torch_twins.dense import Dense, uniform
from course_pkg.torch_twins.loaders import array, load_params, tensor


class CausalConv(nn.Module):
    """Twin of conv_forward: (weight-norm) and (causal-conv)."""

    def __init__(self, n_in: int, n_out: int, K: int, dilation: int = 1, dtype: torch.dtype | None = None):
        super().__init__()
        self.v = uniform((K, n_out, n_in), K * n_in, dtype)  # (K, O, I)
        self.g = nn.Parameter(self.v.detach().norm(dim=(0, 2)))  # (O,)
        self.b = nn.Parameter(torch.zeros(n_out, dtype=dtype))  # (O,)
        self.dilation = dilation

    @classmethod
    def from_params(cls, p: ConvParams, dilation: int = 1) -> Self:
        """A twin with a copy of our parameters, in their precision."""
        K, n_out, n_in = p.v.shape
        return load_params(cls(n_in, n_out, K, dilation, tensor(p.v).dtype), p)

    def weights(self) -> torch.Tensor:
        """W: (K, O, I)."""
        return self.v * (self.g / self.v.norm(dim=(0, 2)))[:, None]

    def forward(self, xs: torch.Tensor) -> torch.Tensor:
        """xs: (T, B, I) -> ys: (T, B, O)."""
        W = self.weights().permute(1, 2, 0).flip(2)  # (O, I, K), the newest tap last
        padded = nn.functional.pad(xs.permute(1, 2, 0), ((len(self.v) - 1) * self.dilation, 0))  # zeros before step 1
        return nn.functional.conv1d(padded, W, self.b, dilation=self.dilation).permute(2, 0, 1)


class Block(nn.Module):
    """Twin of block_forward, (tcn-block)."""

    def __init__(self, n_in: int, n_out: int, K: int, dilation: int, dtype: torch.dtype | None = None):
        super().__init__()
        self.conv_1 = CausalConv(n_in, n_out, K, dilation, dtype)
        self.conv_2 = CausalConv(n_out, n_out, K, dilation, dtype)
        self.skip = nn.Identity() if n_in == n_out else Dense(n_in, n_out, dtype)

    def forward(self, xs: torch.Tensor) -> torch.Tensor:
        """xs: (T, B, D) -> ys: (T, B, C)."""
        w = torch.relu(self.conv_2(torch.relu(self.conv_1(xs))))
        return torch.relu(w + self.skip(xs))


class TCN(nn.Sequential):
    """Twin of tcn_forward. As a Sequential it names its parameters "0.conv_1.v", ..., as our tree of blocks does."""

    @classmethod
    def from_params(cls, p: tuple[BlockParams, ...]) -> Self:
        """A twin with a copy of our parameters, in their precision."""
        blocks = []
        for level, block in enumerate(p):
            K, n_out, n_in = block.conv_1.v.shape
            blocks.append(Block(n_in, n_out, K, 2**level, tensor(block.conv_1.v).dtype))
        return load_params(cls(*blocks), p)


def to_torch_conv(p: ConvParams, dilation: int = 1) -> nn.Conv1d:
    """ConvParams -> nn.Conv1d under torch's weight normalisation, without padding: (B, I, T) -> (B, O, T - (K-1) d)."""
    if not isinstance(p, ConvParams):
        raise TypeError(f"to_torch_conv: p must be ConvParams, got {type(p).__name__}")
    K, n_out, n_in = p.v.shape
    module = nn.Conv1d(n_in, n_out, K, dilation=dilation, dtype=tensor(p.v).dtype)
    nn.utils.parametrizations.weight_norm(module, dim=0)
    with torch.no_grad():
        stored = module.parametrizations.weight
        stored.original0.copy_(tensor(p.g)[:, None, None])
        stored.original1.copy_(tensor(p.v).permute(1, 2, 0).flip(2))
        module.bias.copy_(tensor(p.b))
    return module


def from_torch_conv(module: nn.Conv1d) -> ConvParams:
    """nn.Conv1d under torch's weight normalisation -> ConvParams, copied."""
    stored = getattr(getattr(module, "parametrizations", None), "weight", None)
    if not isinstance(module, nn.Conv1d) or stored is None or module.bias is None:
        raise TypeError("from_torch_conv: module must be an nn.Conv1d with a bias and weight normalisation, "
                        f"got {type(module).__name__}")  # fmt: skip
    v = array(stored.original1.flip(2).permute(2, 0, 1).contiguous())  # (K, O, I)
    return ConvParams(v, array(stored.original0.flatten()), array(module.bias))

"""Multi-head attention and the encoder block as torch.nn's own modules, with our weights copied in, and back."""

import torch
from torch import nn

from course_pkg.dense import DenseParams
from course_pkg.layer_norm import EPS, LayerNormParams
from course_pkg.multi_head import MultiHeadParams
from course_pkg.torch_twins.loaders import array, from_torch_linear, tensor
from course_pkg.transformer_blocks import EncoderBlock


def to_torch_multi_head(p: MultiHeadParams) -> nn.MultiheadAttention:
    """p with N heads of K numbers, M = N K = C -> the module, time-major: module(q (T, B, M), k, v)."""
    M, N, K = p.W_o.shape
    if not p.W_q.shape[-1] == p.W_k.shape[-1] == M == N * K:
        raise ValueError(f"to_torch_multi_head: p must have M = C = N K, got M={M}, C={p.W_k.shape[-1]}, N K={N * K}")
    module = nn.MultiheadAttention(M, N, dtype=tensor(p.W_o).dtype)
    with torch.no_grad():
        module.in_proj_weight.copy_(torch.cat([tensor(W).reshape(M, M) for W in (p.W_q, p.W_k, p.W_v)]))  # (3M, M)
        module.in_proj_bias.copy_(torch.cat([tensor(b).reshape(M) for b in (p.b_q, p.b_k, p.b_v)]))
        module.out_proj.weight.copy_(tensor(p.W_o).reshape(M, M))
        module.out_proj.bias.copy_(tensor(p.b_o))
    return module


def from_torch_multi_head(module: nn.MultiheadAttention) -> MultiHeadParams:
    """The module's weights as ours, copied: W (N, K, M) each, W_o (M, N, K)."""
    N, K, M = module.num_heads, module.head_dim, module.embed_dim
    if module.in_proj_weight is None or module.in_proj_bias is None or module.bias_k is not None:
        raise ValueError("from_torch_multi_head: module must have one input size, biases, and no extra key")
    W = array(module.in_proj_weight).reshape(3, N, K, M)
    b = array(module.in_proj_bias).reshape(3, N, K)
    W_o = array(module.out_proj.weight).reshape(M, N, K)
    return MultiHeadParams(W[0], b[0], W[1], b[1], W[2], b[2], W_o, array(module.out_proj.bias))


def to_torch_encoder_block(p: EncoderBlock, order: str = "pre", activation: str = "relu") -> nn.TransformerEncoderLayer:
    """One block -> torch's layer, time-major, without dropout. activation: "relu", or a name of torch's."""
    lift, drop = p.mlp
    M, N, _ = p.attend_self.W_o.shape
    layer = nn.TransformerEncoderLayer(
        M, N, len(lift.b), dropout=0.0, activation=activation, layer_norm_eps=EPS, norm_first=order == "pre",
        dtype=tensor(lift.W).dtype,
    )  # fmt: skip
    layer.self_attn.load_state_dict(to_torch_multi_head(p.attend_self).state_dict())
    with torch.no_grad():
        for linear, dense in ((layer.linear1, lift), (layer.linear2, drop)):
            linear.weight.copy_(tensor(dense.W))
            linear.bias.copy_(tensor(dense.b))
        for norm, ours in ((layer.norm1, p.norm_self), (layer.norm2, p.norm_mlp)):
            norm.weight.copy_(tensor(ours.gain))
            norm.bias.copy_(tensor(ours.bias))
    return layer


def from_torch_encoder_block(layer: nn.TransformerEncoderLayer) -> EncoderBlock:
    """The layer's weights as ours, copied; whether its norm comes first is for the caller to know."""
    norms = [LayerNormParams(array(norm.weight), array(norm.bias)) for norm in (layer.norm1, layer.norm2)]
    mlp: tuple[DenseParams, DenseParams] = (from_torch_linear(layer.linear1), from_torch_linear(layer.linear2))
    return EncoderBlock(norms[0], from_torch_multi_head(layer.self_attn), norms[1], mlp)

"""Transformer blocks: attention mixes the vectors, an MLP works on each alone, and both only add to what is there.

    x <- x + attention(norm(x))        order "pre": the sum is never normalised, a straight path from top to bottom
    x <- x + mlp(norm(x))

    x <- norm(x + attention(x))        order "post", as in Vaswani et al. (2017)
    x <- norm(x + mlp(x))

A decoder block has a third part between the two, which looks at the encoder's vectors (memory). No dropout.
Sequences are time-major: xs (T, B, M), memory (S, B, M), masks (T, B) and (S, B), True = real.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from course_pkg.dense import DenseParams, init_dense, mlp_backward, mlp_forward
from course_pkg.layer_norm import LayerNormParams, init_layer_norm, layer_norm_backward, layer_norm_forward
from course_pkg.multi_head import (
    KeysValues,
    MultiHeadParams,
    init_multi_head,
    look_up,
    multi_head_backward,
    multi_head_forward,
    multi_head_step,
)
from course_pkg.shapes import Bool, Float, check_choice, checked

ORDERS = ("pre", "post")


class EncoderBlock(NamedTuple):
    """Self-attention and an MLP. With a causal mask it is also the block of a language model."""

    norm_self: LayerNormParams
    attend_self: MultiHeadParams
    norm_mlp: LayerNormParams
    mlp: tuple[DenseParams, DenseParams]  # M -> hidden -> M


class DecoderBlock(NamedTuple):
    """Causal self-attention, attention to the encoder's vectors, and an MLP."""

    norm_self: LayerNormParams
    attend_self: MultiHeadParams
    norm_memory: LayerNormParams
    attend_memory: MultiHeadParams
    norm_mlp: LayerNormParams
    mlp: tuple[DenseParams, DenseParams]


class BlockRun(NamedTuple):
    """A block's outputs, and what each of its parts read and made on the way."""

    outputs: np.ndarray  # (T, B, M)
    parts: tuple["Residual", ...]


class Residual(NamedTuple):
    """One residual part."""

    normed: np.ndarray  # (T, B, M): what the norm read
    entered: np.ndarray  # (T, B, M): what attention or MLP read
    result: Any  # what attention or MLP made


def init_encoder_block(rng: np.random.Generator, M: int, heads: int, hidden: int | None = None) -> EncoderBlock:
    """Vectors of M numbers, `heads` heads, an MLP with `hidden` units (4 M if None)."""
    return EncoderBlock(
        init_layer_norm(M), init_multi_head(rng, M, heads), init_layer_norm(M), _init_mlp(rng, M, hidden)
    )


def init_decoder_block(rng: np.random.Generator, M: int, heads: int, hidden: int | None = None) -> DecoderBlock:
    """As init_encoder_block, with attention to a memory of vectors of M numbers."""
    ahead = init_layer_norm(M), init_multi_head(rng, M, heads), init_layer_norm(M), init_multi_head(rng, M, heads)
    return DecoderBlock(*ahead, init_layer_norm(M), _init_mlp(rng, M, hidden))


def _init_mlp(rng: np.random.Generator, M: int, hidden: int | None) -> tuple[DenseParams, DenseParams]:
    hidden = 4 * M if hidden is None else hidden
    return init_dense(rng, M, hidden), init_dense(rng, hidden, M)


# ---- one residual part -------------------------------------------------------------------------------------------


def residual_forward(norm: LayerNormParams, xs: np.ndarray, inner: Callable, order: str) -> tuple[np.ndarray, Residual]:
    """(residual)  xs: (T, B, M) -> x + inner(norm(x)) or norm(x + inner(x)): (T, B, M).

    inner(vectors) -> (what it adds (T, B, M), what its backward pass needs).
    """
    check_choice("residual_forward", "order", order, ORDERS)
    if order == "pre":
        entered = layer_norm_forward(norm, xs)
        added, result = inner(entered)
        return xs + added, Residual(xs, entered, result)
    added, result = inner(xs)
    return layer_norm_forward(norm, xs + added), Residual(xs + added, xs, result)


def residual_backward(
    norm: LayerNormParams, part: Residual, dys: np.ndarray, inner_backward: Callable, order: str
) -> tuple[LayerNormParams, Any, np.ndarray]:
    """(residual-grad)  dys: (T, B, M) -> gradients of the norm and of what is inside, dxs: (T, B, M).

    inner_backward(entered, result, dadded) -> (gradients, dentered). The first summand of dxs is the straight path.
    """
    if order == "pre":
        dinner, dentered = inner_backward(part.entered, part.result, dys)
        dnorm, dxs = layer_norm_backward(norm, part.normed, dentered)
        return dnorm, dinner, dys + dxs
    dnorm, dsum = layer_norm_backward(norm, part.normed, dys)
    dinner, dentered = inner_backward(part.entered, part.result, dsum)
    return dnorm, dinner, dsum + dentered


# ---- the encoder's block -----------------------------------------------------------------------------------------


@checked
def encoder_block_forward(
    p: EncoderBlock,
    xs: Float["T B M"],
    mask: Bool["T B"] | None = None,
    causal: bool = False,
    order: str = "pre",
    activation: str = "relu",
) -> BlockRun:
    """(encoder-block)  xs: (T, B, M) -> outputs (T, B, M).

    mask: (T, B), False at padding, which nobody looks at.
    """

    def attend(ns: np.ndarray) -> tuple:
        run = multi_head_forward(p.attend_self, ns, ns, mask, causal)
        return run.outputs, run

    mlp = _through_mlp(p.mlp, activation)
    xs, first = residual_forward(p.norm_self, xs, attend, order)
    xs, last = residual_forward(p.norm_mlp, xs, mlp, order)
    return BlockRun(xs, (first, last))


@checked
def encoder_block_backward(
    p: EncoderBlock, run: BlockRun, dys: Float["T B M"], order: str = "pre", activation: str = "relu"
) -> tuple[EncoderBlock, np.ndarray]:
    """dys: (T, B, M) -> parameter gradients, dxs: (T, B, M)."""
    first, last = run.parts
    dnorm_mlp, dmlp, dxs = residual_backward(p.norm_mlp, last, dys, _back_through_mlp(p.mlp, activation), order)
    dnorm_self, dself, dxs = residual_backward(p.norm_self, first, dxs, _back_through_self(p.attend_self), order)
    return EncoderBlock(dnorm_self, dself, dnorm_mlp, dmlp), dxs


# ---- the decoder's block -----------------------------------------------------------------------------------------


@checked
def decoder_block_forward(
    p: DecoderBlock,
    xs: Float["T B M"],
    memory: Float["S B M"],
    memory_mask: Bool["S B"] | None = None,
    order: str = "pre",
    activation: str = "relu",
) -> BlockRun:
    """(decoder-block)  xs: (T, B, M), memory: (S, B, M) -> outputs (T, B, M); no output depends on a later x."""

    def attend(ns: np.ndarray) -> tuple:
        run = multi_head_forward(p.attend_self, ns, ns, causal=True)
        return run.outputs, run

    def attend_memory(ns: np.ndarray) -> tuple:
        run = multi_head_forward(p.attend_memory, ns, memory, memory_mask)
        return run.outputs, run

    xs, first = residual_forward(p.norm_self, xs, attend, order)
    xs, second = residual_forward(p.norm_memory, xs, attend_memory, order)
    xs, last = residual_forward(p.norm_mlp, xs, _through_mlp(p.mlp, activation), order)
    return BlockRun(xs, (first, second, last))


@checked
def decoder_block_backward(
    p: DecoderBlock,
    memory: Float["S B M"],
    run: BlockRun,
    dys: Float["T B M"],
    order: str = "pre",
    activation: str = "relu",
) -> tuple[DecoderBlock, np.ndarray, np.ndarray]:
    """dys: (T, B, M) -> parameter gradients, dxs: (T, B, M), dmemory: (S, B, M)."""

    def back_through_memory(entered: np.ndarray, result: Any, dadded: np.ndarray) -> tuple:
        dp, dentered, dmemory = multi_head_backward(p.attend_memory, entered, memory, result, dadded)
        return (dp, dmemory), dentered

    first, second, last = run.parts
    dnorm_mlp, dmlp, dxs = residual_backward(p.norm_mlp, last, dys, _back_through_mlp(p.mlp, activation), order)
    dnorm_memory, (dattend, dmemory), dxs = residual_backward(p.norm_memory, second, dxs, back_through_memory, order)
    dnorm_self, dself, dxs = residual_backward(p.norm_self, first, dxs, _back_through_self(p.attend_self), order)
    return DecoderBlock(dnorm_self, dself, dnorm_memory, dattend, dnorm_mlp, dmlp), dxs, dmemory


# ---- one vector at a time ----------------------------------------------------------------------------------------


def block_step(
    p: EncoderBlock | DecoderBlock,
    x: np.ndarray,
    past: KeysValues,
    memory: KeysValues | None = None,
    memory_mask: np.ndarray | None = None,
    order: str = "pre",
    activation: str = "relu",
) -> tuple[np.ndarray, KeysValues]:
    """x: (B, M), the next vector, and the keys and values of those before -> (B, M), and what the next one sees.

    Equal to the last row of a causal block over the whole sequence. A decoder block wants the memory's keys and values.
    """

    def attend(n: np.ndarray) -> tuple:
        return multi_head_step(p.attend_self, n, past)

    x, part = residual_forward(p.norm_self, x, attend, order)
    if isinstance(p, DecoderBlock):
        x, _ = residual_forward(
            p.norm_memory, x, lambda n: (look_up(p.attend_memory, n[None], memory, memory_mask).outputs[0], None), order
        )
    x, _ = residual_forward(p.norm_mlp, x, _through_mlp(p.mlp, activation), order)
    return x, part.result


def _through_mlp(mlp: tuple, activation: str) -> Callable:
    def inner(ns: np.ndarray) -> tuple:
        outputs = mlp_forward(mlp, ns, activation)
        return outputs[-1], outputs

    return inner


def _back_through_mlp(mlp: tuple, activation: str) -> Callable:
    return lambda entered, outputs, dadded: mlp_backward(mlp, outputs, dadded, activation)


def _back_through_self(p: MultiHeadParams) -> Callable:
    def inner(entered: np.ndarray, run: Any, dadded: np.ndarray) -> tuple:
        dp, dqueries, dcontext = multi_head_backward(p, entered, entered, run, dadded)
        return dp, dqueries + dcontext  # one sequence in two parts

    return inner

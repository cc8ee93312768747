"""A Transformer that reads one sequence and writes another: encoder, decoder with cross-attention, gradients by hand.

    source -> vectors -> encoder blocks -> norm -> memory (S, B, M)
    what is written so far -> vectors -> decoder blocks, which look at the memory -> norm -> dense -> V logits

Vaswani et al. (2017), with the norm before each part (order "pre"). `start` and `step` write one token at a time, with
the keys and values of all earlier ones kept, in the form that the searches of the course want.
"""

from typing import NamedTuple

import numpy as np

from course_pkg.dense import DenseParams, dense_backward, dense_forward, init_dense
from course_pkg.embedding import init_embedding
from course_pkg.layer_norm import LayerNormParams, init_layer_norm, layer_norm_backward, layer_norm_forward
from course_pkg.losses import log_softmax, softmax_cross_entropy
from course_pkg.multi_head import KeysValues, keys_values, nothing_seen
from course_pkg.positions import embed_backward, embed_forward
from course_pkg.transformer_blocks import (
    BlockRun,
    block_step,
    decoder_block_backward,
    decoder_block_forward,
    encoder_block_backward,
    encoder_block_forward,
    init_decoder_block,
    init_encoder_block,
)


class PairTransformer(NamedTuple):
    """All weights. Gradients have this same type. Places are sinusoids."""

    source: np.ndarray  # (V_source, M)
    target: np.ndarray  # (V_target, M)
    encoder: tuple
    encoder_norm: LayerNormParams
    decoder: tuple
    decoder_norm: LayerNormParams
    out: DenseParams  # W (V_target, M), b (V_target,)


class Reading(NamedTuple):
    """A source that was read."""

    memory: np.ndarray  # (S, B, M)
    blocks: tuple[BlockRun, ...]


class WritingState(NamedTuple):
    """Where a decoder stands: batch first in every array, so that a search can choose among its rows."""

    memory: tuple[KeysValues, ...]  # for each block: (B, N, S, K), computed once
    past: tuple[KeysValues, ...]  # for each block: (B, N, t, K), longer by one with each token
    mask: np.ndarray  # (B, S)


def init_pair_transformer(
    rng: np.random.Generator,
    V_source: int,
    V_target: int,
    M: int,
    heads: int,
    layers: int = 1,
    hidden: int | None = None,
) -> PairTransformer:
    """`layers` blocks on either side, of `heads` heads and an MLP of `hidden` units (4 M if None)."""
    encoder = tuple(init_encoder_block(rng, M, heads, hidden) for _ in range(layers))
    decoder = tuple(init_decoder_block(rng, M, heads, hidden) for _ in range(layers))
    tables = init_embedding(rng, V_source, M), init_embedding(rng, V_target, M)
    return PairTransformer(
        *tables, encoder, init_layer_norm(M), decoder, init_layer_norm(M), init_dense(rng, M, V_target)
    )


# ---- all at once -------------------------------------------------------------------------------------------------


def read_source(
    p: PairTransformer, source: np.ndarray, mask: np.ndarray | None = None, activation: str = "relu"
) -> Reading:
    """source: (S, B), mask: (S, B) -> memory: (S, B, M), one vector for every token."""
    xs, runs = embed_forward(p.source, (), source), []
    for block in p.encoder:
        runs.append(encoder_block_forward(block, xs, mask, False, "pre", activation))
        xs = runs[-1].outputs
    return Reading(layer_norm_forward(p.encoder_norm, xs), tuple(runs))


def pair_logits(
    p: PairTransformer,
    memory: np.ndarray,
    inputs: np.ndarray,
    mask: np.ndarray | None = None,
    activation: str = "relu",
) -> tuple[np.ndarray, tuple[BlockRun, ...]]:
    """memory: (S, B, M), inputs: (T, B) -> logits: (T, B, V_target), and the blocks' runs."""
    ys, runs = embed_forward(p.target, (), inputs), []
    for block in p.decoder:
        runs.append(decoder_block_forward(block, ys, memory, mask, "pre", activation))
        ys = runs[-1].outputs
    return dense_forward(p.out, layer_norm_forward(p.decoder_norm, ys)), tuple(runs)


def pair_loss(
    p: PairTransformer,
    source: np.ndarray,
    inputs: np.ndarray,
    targets: np.ndarray,
    mask: np.ndarray | None = None,
    target_mask: np.ndarray | None = None,
    activation: str = "relu",
) -> tuple[float, PairTransformer]:
    """source: (S, B), inputs and targets: (T, B), each input the token before its target
    -> mean cross-entropy in nats over the real targets, gradients."""
    reading = read_source(p, source, mask, activation)
    logits, runs = pair_logits(p, reading.memory, inputs, mask, activation)
    loss, dlogits = softmax_cross_entropy(logits, targets, target_mask)
    dout, dys = dense_backward(p.out, layer_norm_forward(p.decoder_norm, runs[-1].outputs), dlogits)
    ddecoder_norm, dys = layer_norm_backward(p.decoder_norm, runs[-1].outputs, dys)
    ddecoder, dmemory = [], np.zeros_like(reading.memory)
    for block, run in zip(reversed(p.decoder), reversed(runs), strict=True):
        dblock, dys, dseen = decoder_block_backward(block, reading.memory, run, dys, "pre", activation)
        ddecoder.append(dblock)
        dmemory += dseen  # every block looks at the same memory
    dencoder_norm, dxs = layer_norm_backward(p.encoder_norm, reading.blocks[-1].outputs, dmemory)
    dencoder = []
    for block, run in zip(reversed(p.encoder), reversed(reading.blocks), strict=True):
        dblock, dxs = encoder_block_backward(block, run, dxs, "pre", activation)
        dencoder.append(dblock)
    dsource, _ = embed_backward(p.source, (), source, dxs)
    dtarget, _ = embed_backward(p.target, (), inputs, dys)
    encoder, decoder = tuple(reversed(dencoder)), tuple(reversed(ddecoder))
    return loss, PairTransformer(dsource, dtarget, encoder, dencoder_norm, decoder, ddecoder_norm, dout)


# ---- one token at a time -----------------------------------------------------------------------------------------


def start(p: PairTransformer, source: np.ndarray, mask: np.ndarray | None = None) -> WritingState:
    """source: (S, B), mask: (S, B) -> the state before the first token, arrays (B, ...)."""
    memory = read_source(p, source, mask).memory
    offered = tuple(keys_values(block.attend_memory, memory) for block in p.decoder)
    past = tuple(nothing_seen(block.attend_self, source.shape[1]) for block in p.decoder)
    return WritingState(offered, past, np.ones(source.T.shape, bool) if mask is None else mask.T)


def step(p: PairTransformer, state: WritingState, y_prev: np.ndarray) -> tuple[np.ndarray, WritingState]:
    """y_prev: (B,), the token before -> log-probabilities of the next: (B, V_target), and the state after it."""
    y = embed_forward(p.target, (), np.asarray(y_prev)[None], state.past[0].keys.shape[2])[0]  # (B, M)
    past = []
    for block, block_past, offered in zip(p.decoder, state.past, state.memory, strict=True):
        y, seen = block_step(block, y, block_past, offered, state.mask.T)
        past.append(seen)
    logits = dense_forward(p.out, layer_norm_forward(p.decoder_norm, y))
    return log_softmax(logits), state._replace(past=tuple(past))

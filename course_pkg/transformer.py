"""A small Transformer over one sequence, in NumPy with gradients by hand: a language model, or trained on hidden words.

    tokens -> vectors, with their places -> blocks -> norm -> dense -> V logits for every place

causal=True: each place sees itself and what came before, and tells what comes next (a language model). causal=False:
each sees all, and tells a word that was hidden from it (Devlin et al. 2019, "BERT"). Sequences are time-major: ids
(T, B), masks (T, B), True = real. `transformer_pairs.py` has the encoder with a decoder.
"""

from typing import NamedTuple

import numpy as np

from course_pkg.dense import DenseParams, dense_backward, dense_forward, init_dense
from course_pkg.embedding import init_embedding
from course_pkg.layer_norm import LayerNormParams, init_layer_norm, layer_norm_backward, layer_norm_forward
from course_pkg.losses import softmax_cross_entropy
from course_pkg.multi_head import KeysValues, nothing_seen
from course_pkg.positions import embed_backward, embed_forward
from course_pkg.shapes import check_choice, check_positive_int, check_rng
from course_pkg.transformer_blocks import (
    ORDERS,
    BlockRun,
    block_step,
    encoder_block_backward,
    encoder_block_forward,
    init_encoder_block,
)


class TransformerParams(NamedTuple):
    """All weights. Gradients have this same type. A norm at the end belongs to the order "pre" and tells it."""

    embedding: np.ndarray  # (V, M)
    positions: np.ndarray | tuple  # (L, M), learnt, or () for the sinusoids
    blocks: tuple
    norm: LayerNormParams | tuple  # () in the order "post", whose blocks end with a norm
    out: DenseParams  # W (V, M), b (V,)


class TransformerRun(NamedTuple):
    """The logits, and what the backward pass needs."""

    logits: np.ndarray  # (T, B, V)
    blocks: tuple[BlockRun, ...]
    read: np.ndarray  # (T, B, M), what the last dense layer reads


def init_transformer(
    rng: np.random.Generator,
    V: int,
    M: int,
    heads: int,
    layers: int = 1,
    hidden: int | None = None,
    longest: int | None = None,
    order: str = "pre",
) -> TransformerParams:
    """V tokens, vectors of M numbers, `layers` blocks of `heads` heads and an MLP of `hidden` units (4 M if None).

    longest: learnt places for sequences up to this length; None: sinusoids. order: "pre" or "post", of norm and sum.
    """
    check_rng("init_transformer", rng)
    check_positive_int("init_transformer", "layers", layers)
    check_choice("init_transformer", "order", order, ORDERS)
    blocks = tuple(init_encoder_block(rng, M, heads, hidden) for _ in range(layers))
    positions = () if longest is None else init_embedding(rng, longest, M)
    norm = init_layer_norm(M) if order == "pre" else ()
    return TransformerParams(init_embedding(rng, V, M), positions, blocks, norm, init_dense(rng, M, V))


def order_of(norm: LayerNormParams | tuple) -> str:
    """The order "pre" if there is a norm at the end, "post" if there is none."""
    return "pre" if isinstance(norm, LayerNormParams) else "post"


# ---- a sequence --------------------------------------------------------------------------------------------------


def transformer_forward(
    p: TransformerParams,
    ids: np.ndarray,
    mask: np.ndarray | None = None,
    causal: bool = True,
    activation: str = "relu",
) -> TransformerRun:
    """ids: (T, B) -> logits: (T, B, V). mask: (T, B), False at padding, which nobody looks at."""
    xs, runs = embed_forward(p.embedding, p.positions, _steps("transformer_forward", ids)), []
    for block in p.blocks:
        runs.append(encoder_block_forward(block, xs, mask, causal, order_of(p.norm), activation))
        xs = runs[-1].outputs  # (T, B, M)
    read = layer_norm_forward(p.norm, xs) if p.norm else xs
    return TransformerRun(dense_forward(p.out, read), tuple(runs), read)


def transformer_backward(
    p: TransformerParams, ids: np.ndarray, run: TransformerRun, dlogits: np.ndarray, activation: str = "relu"
) -> TransformerParams:
    """dlogits: (T, B, V) -> gradients like p."""
    dout, dxs = dense_backward(p.out, run.read, dlogits)
    dnorm: LayerNormParams | tuple = ()
    if p.norm:
        dnorm, dxs = layer_norm_backward(p.norm, run.blocks[-1].outputs, dxs)
    dblocks = []
    for block, block_run in zip(reversed(p.blocks), reversed(run.blocks), strict=True):
        dblock, dxs = encoder_block_backward(block, block_run, dxs, order_of(p.norm), activation)
        dblocks.append(dblock)
    dembedding, dpositions = embed_backward(p.embedding, p.positions, ids, dxs)
    return TransformerParams(dembedding, dpositions, tuple(reversed(dblocks)), dnorm, dout)


def _loss(
    p: TransformerParams,
    read: np.ndarray,
    targets: np.ndarray,
    mask: np.ndarray | None,
    counted: np.ndarray | None,
    causal: bool,
    activation: str,
) -> tuple[float, TransformerParams]:
    """Forward, cross-entropy at the counted places, backward; all arrays are (T, B)."""
    run = transformer_forward(p, read, mask, causal, activation)
    loss, dlogits = softmax_cross_entropy(run.logits, targets, counted)
    return loss, transformer_backward(p, read, run, dlogits, activation)


def transformer_lm_loss(
    p: TransformerParams,
    inputs: np.ndarray,
    targets: np.ndarray,
    mask: np.ndarray | None = None,
    activation: str = "relu",
) -> tuple[float, TransformerParams]:
    """inputs, targets: (T, B), what comes next -> mean cross-entropy in nats over the real places, gradients."""
    return _loss(p, inputs, targets, mask, mask, True, activation)


# ---- hidden words ------------------------------------------------------------------------------------------------


def hide_words(
    rng: np.random.Generator,
    ids: np.ndarray,
    V: int,
    hidden_id: int,
    mask: np.ndarray | None = None,
    share: float = 0.15,
) -> tuple[np.ndarray, np.ndarray]:
    """ids: (T, B) -> what is shown (T, B), and which places were chosen (T, B), at least one.

    As in BERT: of the chosen places 80 % show hidden_id, 10 % any word of 0..V-1, 10 % the word itself, so that the
    model cannot trust a word because it is shown. Padding is never chosen.
    """
    check_rng("hide_words", rng)
    if not 0 < share <= 1:
        raise ValueError(f"hide_words: share must be above 0 and at most 1, got {share}")
    real = np.ones(ids.shape, bool) if mask is None else mask
    chosen = real & (rng.random(ids.shape) < share)
    if not chosen.any():
        places = np.argwhere(real)
        chosen[tuple(places[rng.integers(len(places))])] = True
    lot = rng.random(ids.shape)
    other = rng.integers(0, V, ids.shape)
    shown = np.where(chosen & (lot < 0.8), hidden_id, np.where(chosen & (lot >= 0.9), other, ids))
    return shown, chosen


def hidden_words_loss(
    p: TransformerParams,
    shown: np.ndarray,
    words: np.ndarray,
    chosen: np.ndarray,
    mask: np.ndarray | None = None,
    activation: str = "relu",
) -> tuple[float, TransformerParams]:
    """(hidden-words-loss)  shown, words, chosen: (T, B) -> mean cross-entropy at the chosen places alone, gradients."""
    return _loss(p, shown, words, mask, chosen, False, activation)


# ---- one token at a time -----------------------------------------------------------------------------------------


def transformer_start(p: TransformerParams, batch_size: int) -> tuple[KeysValues, ...]:
    """The state before the first token: no keys and no values, (B, N, 0, K), for each block."""
    return tuple(nothing_seen(block.attend_self, batch_size) for block in p.blocks)


def transformer_step(
    p: TransformerParams, ids: np.ndarray, past: tuple[KeysValues, ...], activation: str = "relu"
) -> tuple[np.ndarray, tuple[KeysValues, ...]]:
    """ids: (B,), the next token of each text -> logits of the one after it: (B, V), and the state, longer by one."""
    place = past[0].keys.shape[2]
    x = embed_forward(p.embedding, p.positions, np.asarray(ids)[None], place)[0]  # (B, M)
    seen = []
    for block, block_past in zip(p.blocks, past, strict=True):
        x, new = block_step(block, x, block_past, order=order_of(p.norm), activation=activation)
        seen.append(new)
    return dense_forward(p.out, layer_norm_forward(p.norm, x) if p.norm else x), tuple(seen)


def _steps(function: str, ids: np.ndarray) -> np.ndarray:
    ids = np.asarray(ids)
    if ids.ndim != 2:
        raise ValueError(f"{function}: ids must be (T, B), got shape {ids.shape}")
    return ids

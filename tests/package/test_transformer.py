"""Attention in several heads, blocks, models: gradients by three oracles, torch's modules, and what must not leak."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from course_pkg.checks.gradients import central_difference, complex_step
from course_pkg.checks.parity import autograd
from course_pkg.decoding import beam_search, exhaustive_search
from course_pkg.layer_norm import EPS, LayerNormParams, layer_norm_backward, layer_norm_forward
from course_pkg.multi_head import (
    MultiHeadParams,
    init_multi_head,
    keys_values,
    multi_head_backward,
    multi_head_forward,
    multi_head_step,
    nothing_seen,
)
from course_pkg.positions import sinusoidal_positions
from course_pkg.torch_twins import (
    from_torch_encoder_block,
    from_torch_multi_head,
    to_torch_encoder_block,
    to_torch_multi_head,
)
from course_pkg.transformer import (
    hidden_words_loss,
    hide_words,
    init_transformer,
    transformer_forward,
    transformer_lm_loss,
    transformer_start,
    transformer_step,
)
from course_pkg.transformer_blocks import encoder_block_forward, init_encoder_block
from course_pkg.transformer_pairs import init_pair_transformer, pair_logits, pair_loss, read_source, start, step
from course_pkg.tree import leaves, tree_map
from tests.package.helpers import AUTOGRAD, CENTRAL, COMPLEX, assert_close, length_mask, rng_for, shape_id, tensor

# T queries, S vectors of C numbers, B sequences, N heads of K: edges first
SHAPES = [(1, 1, 1, 1, 1, 1, 1), (1, 3, 2, 2, 3, 1, 2), (4, 1, 1, 3, 1, 2, 1), (3, 3, 3, 2, 2, 2, 2)]
SHAPES += [tuple(int(n) for n in row) for row in np.random.default_rng(5).integers(1, [5, 5, 4, 5, 5, 4, 4], (18, 7))]


def prove(inputs, grads, loss, loss_torch=None):
    """As helpers.prove, on the scale of the largest gradient: that of a key's bias is zero up to rounding."""
    floor = 1e-3 * max(float(np.abs(array).max()) for _, array in leaves(grads))
    assert_close(grads, central_difference(loss, inputs), CENTRAL, "central", floor)
    assert_close(grads, complex_step(loss, inputs), COMPLEX, "complex", floor)
    if loss_torch is not None:
        value, wanted = autograd(loss_torch, inputs)
        assert abs(value - loss(inputs)) <= AUTOGRAD * max(1, abs(value))
        assert_close(grads, wanted, AUTOGRAD, "autograd", floor)


class Attending(NamedTuple):
    p: MultiHeadParams
    queries: Any
    context: Any


def shaken(rng, p):
    """The same tree with noise on every weight: no bias is zero, no gain one."""
    return tree_map(lambda w: w + 0.3 * rng.normal(size=w.shape), p)


def attending(shape):
    T, S, B, M, C, N, K = shape
    rng = rng_for(*shape)
    sizes = {"W_q": (N, K, M), "W_k": (N, K, C), "W_v": (N, K, C), "W_o": (M, N, K), "b_o": (M,)}
    p = MultiHeadParams(*(0.7 * rng.normal(size=sizes.get(name, (N, K))) for name in MultiHeadParams._fields))
    x = Attending(p, rng.normal(size=(T, B, M)), rng.normal(size=(S, B, C)))
    return x, length_mask(rng.integers(1, S + 1, B), S), rng.normal(size=(T, B, M))


def torch_attention(x, mask, causal):
    """The oracle: torch's scaled_dot_product_attention, nothing of ours in it."""

    def heads(vectors, W, b):
        return torch.einsum("tbi,nki->bntk", vectors, W) + b[:, None]

    p, T, S = x.p, len(x.queries), len(x.context)
    seen = torch.ones(x.queries.shape[1], 1, T, S, dtype=bool)
    if mask is not None:
        seen = seen & tensor(mask).T[:, None, None]
    if causal:
        seen = seen & torch.ones(T, S, dtype=bool).tril(S - T)
    q, k, v = heads(x.queries, p.W_q, p.b_q), heads(x.context, p.W_k, p.b_k), heads(x.context, p.W_v, p.b_v)
    read = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
    return torch.einsum("bntk,mnk->tbm", read, p.W_o) + p.b_o


@pytest.mark.parametrize("form", ["all", "mask", "causal", "both"])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_multi_head_gradients(shape, form):
    x, mask, up = attending(shape)
    causal = form in ("causal", "both") and shape[1] >= shape[0]  # the first query must have something to look at
    mask = mask if form in ("mask", "both") else None
    if causal and mask is not None:
        mask[: shape[1] - shape[0] + 1] = True
    run = multi_head_forward(*x, mask, causal)
    grads = Attending(*multi_head_backward(*x, run, up))
    prove(
        x,
        grads,
        lambda y: np.sum(multi_head_forward(*y, mask, causal).outputs * up),
        lambda y: (torch_attention(y, mask, causal) * tensor(up)).sum(),
    )


def block_of(M, heads, rng, hidden=5):
    return shaken(rng, init_encoder_block(rng, M, heads, hidden))


@pytest.mark.parametrize("seed", range(20))
def test_multi_head_is_torchs_module_and_back(seed):
    rng = np.random.default_rng(seed)
    N, K, T, B = (int(n) for n in rng.integers(1, 5, 4))
    p = shaken(rng, init_multi_head(rng, N * K, N))
    xs, mask = rng.normal(size=(T, B, N * K)), length_mask(rng.integers(1, T + 1, B), T)
    module = to_torch_multi_head(p)
    theirs, weights = module(*[tensor(xs)] * 3, key_padding_mask=tensor(~mask).T, average_attn_weights=False)
    ours = multi_head_forward(p, xs, xs, mask)
    assert np.allclose(ours.outputs, theirs.detach().numpy(), rtol=0, atol=1e-12)
    assert np.allclose(ours.weights, weights.detach().numpy(), rtol=0, atol=1e-12)
    assert_close(from_torch_multi_head(module), p, 1e-300, "copied")


@pytest.mark.parametrize("order", ["pre", "post"])
@pytest.mark.parametrize("seed", range(10))
def test_encoder_block_is_torchs_layer_and_back(seed, order):
    rng = np.random.default_rng(seed)
    N, K, T, B = (int(n) for n in rng.integers(1, 5, 4))
    p = block_of(N * K, N, rng)
    xs, mask = rng.normal(size=(T, B, N * K)), length_mask(rng.integers(1, T + 1, B), T)
    layer = to_torch_encoder_block(p, order)
    for causal in (False, True):
        ours = encoder_block_forward(p, xs, mask, causal, order).outputs
        unseen = torch.ones(T, T, dtype=bool).triu(1) if causal else None
        theirs = layer(tensor(xs), src_mask=unseen, src_key_padding_mask=tensor(~mask).T).detach().numpy()
        assert np.allclose(ours, theirs, rtol=0, atol=1e-12)
    assert_close(from_torch_encoder_block(layer), p, 1e-300, "copied")


class Normed(NamedTuple):
    p: LayerNormParams
    x: Any


@pytest.mark.parametrize("seed", range(20))
def test_layer_norm_gradients(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(1, 5, rng.integers(1, 4)))
    x = Normed(LayerNormParams(*rng.normal(size=(2, shape[-1]))), rng.normal(size=shape))
    up = rng.normal(size=shape)
    prove(
        x,
        Normed(*layer_norm_backward(*x, up)),
        lambda y: np.sum(layer_norm_forward(*y) * up),
        lambda y: (F.layer_norm(y.x, y.x.shape[-1:], y.p.gain, y.p.bias, EPS) * tensor(up)).sum(),
    )


# ---- whole models: tanh in the MLP, so that the complex step applies ---------------------------------------------


@pytest.mark.parametrize("order", ["pre", "post"])
@pytest.mark.parametrize("longest", [None, 6])
@pytest.mark.parametrize("what", ["next", "hidden"])
def test_transformer_gradients(order, longest, what):
    rng = np.random.default_rng(3)
    p = shaken(rng, init_transformer(rng, V=5, M=4, heads=2, layers=2, hidden=3, longest=longest, order=order))
    ids, targets = rng.integers(0, 5, (2, 4, 3))
    mask, chosen = length_mask([4, 2, 3], 4), length_mask([1, 2, 1], 4)

    def loss(q):
        if what == "next":
            return transformer_lm_loss(q, ids, targets, mask, "tanh")
        return hidden_words_loss(q, ids, targets, chosen, mask, "tanh")

    prove(p, loss(p)[1], lambda q: loss(q)[0])


def test_pair_transformer_gradients():
    rng = np.random.default_rng(4)
    p = shaken(rng, init_pair_transformer(rng, 4, 5, M=4, heads=2, layers=2, hidden=3))
    source, mask = rng.integers(0, 4, (3, 2)), length_mask([3, 2], 3)
    inputs, targets = rng.integers(0, 5, (2, 4, 2))
    target_mask = length_mask([2, 4], 4)

    def loss(q):
        return pair_loss(q, source, inputs, targets, mask, target_mask, "tanh")

    prove(p, loss(p)[1], lambda q: loss(q)[0])


def test_pair_transformer_gradients_with_relu():
    rng = np.random.default_rng(4)
    p = shaken(rng, init_pair_transformer(rng, 4, 5, M=4, heads=2, layers=1, hidden=3))
    source, (inputs, targets) = rng.integers(0, 4, (3, 2)), rng.integers(0, 5, (2, 4, 2))
    _, grads = pair_loss(p, source, inputs, targets)
    differences = central_difference(lambda q: pair_loss(q, source, inputs, targets)[0], p)
    assert_close(grads, differences, 1e-6, "central", 1e-4)


def test_a_keys_bias_changes_nothing():
    x, mask, up = attending((3, 4, 2, 3, 2, 2, 2))
    run = multi_head_forward(*x, mask)
    other = multi_head_forward(x.p._replace(b_k=x.p.b_k + 5), x.queries, x.context, mask)
    assert np.allclose(run.weights, other.weights, rtol=0, atol=1e-12)  # it adds one number to all scores of a query
    assert np.abs(multi_head_backward(*x, run, up)[0].b_k).max() < 1e-14

# ---- what must not leak ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["pre", "post"])
@pytest.mark.parametrize("seed", range(5))
def test_the_future_never_changes_the_past(seed, order):
    rng = np.random.default_rng(seed)
    p = shaken(rng, init_transformer(rng, V=9, M=6, heads=3, layers=2, order=order))
    ids = rng.integers(0, 9, (7, 2))
    for t in range(1, 7):
        changed = np.concatenate([ids[:t], (ids[t:] + 1 + rng.integers(0, 8, ids[t:].shape)) % 9])
        before, after = (transformer_forward(p, x).logits for x in (ids, changed))
        assert np.array_equal(before[:t], after[:t])
        assert not np.allclose(before[t:], after[t:])
        both_ways = [transformer_forward(p, x, causal=False).logits for x in (ids, changed)]
        assert not np.allclose(both_ways[0][:t], both_ways[1][:t])  # the test can fail


@pytest.mark.parametrize("seed", range(5))
def test_the_decoders_future_never_changes_its_past(seed):
    rng = np.random.default_rng(seed)
    p = shaken(rng, init_pair_transformer(rng, 5, 9, M=6, heads=2, layers=2))
    memory, inputs = read_source(p, rng.integers(0, 5, (4, 3))).memory, rng.integers(0, 9, (6, 3))
    for t in range(1, 6):
        changed = inputs.copy()
        changed[t:] = (changed[t:] + 1) % 9
        before, after = (pair_logits(p, memory, x)[0] for x in (inputs, changed))
        assert np.array_equal(before[:t], after[:t])
        assert not np.allclose(before[t:], after[t:])


@pytest.mark.parametrize("size", [1.0, 1e4])
def test_padding_gets_no_weight_and_rows_sum_to_one(size):
    rng = np.random.default_rng(0)
    p = tree_map(lambda w: size * w, init_multi_head(rng, 6, 2))
    xs, mask = rng.normal(size=(5, 3, 6)), length_mask([5, 1, 3], 5)
    for causal in (False, True):
        weights = multi_head_forward(p, xs, xs, mask, causal).weights  # (B, N, T, S)
        assert np.all(weights.transpose(3, 0, 1, 2)[~mask] == 0)
        assert np.allclose(weights.sum(axis=-1), 1, rtol=0, atol=1e-12)


@pytest.mark.parametrize("order", ["pre", "post"])
def test_a_text_alone_is_the_text_in_a_padded_batch(order):
    rng = np.random.default_rng(1)
    p = init_transformer(rng, V=9, M=6, heads=2, layers=2, order=order)
    ids, lengths = rng.integers(0, 9, (6, 4)), [6, 2, 4, 1]
    together = transformer_forward(p, ids, length_mask(lengths, 6), causal=False).logits
    for b, n in enumerate(lengths):
        alone = transformer_forward(p, ids[:n, b : b + 1], causal=False).logits
        assert np.allclose(together[:n, b], alone[:, 0], rtol=0, atol=1e-12)


def test_without_places_a_permuted_input_gives_the_permuted_output():
    rng = np.random.default_rng(2)
    p, xs = block_of(6, 3, rng), rng.normal(size=(8, 2, 6))
    order = rng.permutation(8)
    plain, permuted = (encoder_block_forward(p, v).outputs for v in (xs, xs[order]))
    assert np.allclose(plain[order], permuted, rtol=0, atol=1e-12)
    places = sinusoidal_positions(8, 6)[:, None]
    placed, moved = (encoder_block_forward(p, v + places).outputs for v in (xs, xs[order]))
    assert not np.allclose(placed[order], moved)


# ---- one at a time -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["pre", "post"])
@pytest.mark.parametrize("longest", [None, 7])
def test_with_kept_keys_and_values_a_text_gives_the_same(order, longest):
    rng = np.random.default_rng(6)
    p = shaken(rng, init_transformer(rng, V=9, M=6, heads=2, layers=2, longest=longest, order=order))
    ids = rng.integers(0, 9, (7, 3))
    state, logits = transformer_start(p, 3), []
    for t in range(7):
        one, state = transformer_step(p, ids[t], state)
        logits.append(one)
        assert state[1].keys.shape == (3, 2, t + 1, 3)
    assert np.allclose(np.stack(logits), transformer_forward(p, ids).logits, rtol=0, atol=1e-12)


def test_a_translation_token_by_token_is_the_whole_one():
    rng = np.random.default_rng(7)
    p = shaken(rng, init_pair_transformer(rng, 5, 9, M=6, heads=2, layers=2))
    source, mask, inputs = rng.integers(0, 5, (4, 3)), length_mask([4, 2, 3], 4), rng.integers(0, 9, (6, 3))
    state, rows = start(p, source, mask), []
    for y in inputs:
        log_probs, state = step(p, state, y)
        rows.append(log_probs)
    whole = pair_logits(p, read_source(p, source, mask).memory, inputs, mask)[0]
    wanted = torch.log_softmax(torch.tensor(whole), dim=-1).numpy()
    assert np.allclose(np.stack(rows), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_a_beam_search_finds_what_the_whole_decoder_scores(seed):
    rng = np.random.default_rng(seed)
    p = shaken(rng, init_pair_transformer(rng, 5, 4, M=6, heads=2, layers=2))
    source, mask, begin = rng.integers(0, 5, (4, 3)), length_mask([4, 2, 3], 4), np.array([0, 2, 3])
    search = (partial(step, p), start(p, source, mask), begin, 1, 4)  # token 1 ends, at most 4 tokens
    best = beam_search(*search, width=4**4, n_best=3).best  # wide enough to miss nothing
    for b, wanted in enumerate(exhaustive_search(*search, n_best=3)):
        for found, other in zip(best[b], wanted, strict=True):
            assert found.tokens.tolist() == other.tokens.tolist()
            inputs = np.array([begin[b], *found.tokens[:-1]])[:, None]
            memory = read_source(p, source[:, b : b + 1], mask[:, b : b + 1]).memory
            logits = torch.tensor(pair_logits(p, memory, inputs, mask[:, b : b + 1])[0][:, 0])
            scores = torch.log_softmax(logits, dim=-1).numpy()[np.arange(len(inputs)), found.tokens]
            assert found.log_prob == pytest.approx(scores.sum(), abs=1e-11)


def test_a_step_of_attention_is_the_last_row_of_the_whole():
    rng = np.random.default_rng(8)
    p, xs = init_multi_head(rng, 6, 2), rng.normal(size=(4, 2, 6))
    past = keys_values(p, xs[:-1])
    outputs, seen = multi_head_step(p, xs[-1], past)
    assert np.allclose(outputs, multi_head_forward(p, xs, xs, causal=True).outputs[-1], rtol=0, atol=1e-13)
    assert seen.values.shape == (2, 2, 4, 3)
    assert nothing_seen(p, 2).keys.shape == (2, 2, 0, 3)


# ---- places, hidden words, refusals ------------------------------------------------------------------------------


@pytest.mark.parametrize("M", [1, 2, 5, 8])
def test_sinusoids_are_the_papers(M):
    table = sinusoidal_positions(4, M, first=3)
    for t in range(4):
        for j in range(M):
            angle = (t + 3) / 10000 ** ((j - j % 2) / M)
            assert table[t, j] == pytest.approx([np.sin, np.cos][j % 2](angle), abs=1e-14)


def test_a_shift_of_places_is_one_rotation_for_all():
    table, k = sinusoidal_positions(50, 8), 5
    turn = np.linalg.lstsq(table[:-k], table[k:], rcond=None)[0]
    assert np.allclose(table[:-k] @ turn, table[k:], atol=1e-10)
    assert np.allclose(turn.T @ turn, np.eye(8), atol=1e-8)


def test_words_are_hidden_in_the_shares_of_bert():
    rng = np.random.default_rng(0)
    ids, mask = rng.integers(1, 50, (40, 500)), length_mask(rng.integers(1, 41, 500), 40)
    shown, chosen = hide_words(rng, ids, 50, 0, mask, 0.15)
    assert not chosen[~mask].any() and np.array_equal(shown[~chosen], ids[~chosen])
    assert chosen[mask].mean() == pytest.approx(0.15, abs=0.01)
    assert np.mean(shown[chosen] == 0) == pytest.approx(0.8 + 0.1 / 50, abs=0.02)
    assert np.mean(shown[chosen] == ids[chosen]) == pytest.approx(0.1 + 0.1 / 50, abs=0.02)


def test_one_word_at_least_is_hidden():
    ids = np.ones((2, 1), int)
    for seed in range(20):
        _, chosen = hide_words(np.random.default_rng(seed), ids, 5, 0, np.array([[True], [False]]), 0.01)
        assert chosen.tolist() == [[True], [False]]


def test_refusals_say_what_is_wrong():
    rng = np.random.default_rng(0)
    p = init_multi_head(rng, 6, 2)
    xs = np.ones((3, 2, 6))
    with pytest.raises(ValueError, match="heads must divide M=6, got 4"):
        init_multi_head(rng, 6, 4)
    with pytest.raises(ValueError, match=r"multi_head_forward: queries must be \(T, B, M\) with M=6"):
        multi_head_forward(p, np.ones((3, 2, 5)), xs)
    with pytest.raises(ValueError, match=r"mask must be \(S, B\) with S=3 \(from context\)"):
        multi_head_forward(p, xs, xs, np.ones((2, 2), bool))
    with pytest.raises(ValueError, match="mask must keep at least one entry in every row"):
        multi_head_forward(p, xs, xs, np.array([[False, True]] * 3))
    with pytest.raises(ValueError, match="order must be one of 'pre', 'post', got 'before'"):
        init_transformer(rng, 5, 4, 2, order="before")
    with pytest.raises(ValueError, match="ids must end before place 3"):
        transformer_forward(init_transformer(rng, 5, 4, 2, longest=3), np.zeros((4, 1), int))
    with pytest.raises(ValueError, match="share must be above 0 and at most 1, got 0"):
        hide_words(rng, np.zeros((2, 2), int), 5, 0, share=0)
    with pytest.raises(ValueError, match=r"transformer_forward: ids must be \(T, B\), got shape \(3,\)"):
        transformer_forward(init_transformer(rng, 5, 4, 2), np.zeros(3, int))
    with pytest.raises(ValueError, match="p must have M = C = N K, got M=6, C=4"):
        to_torch_multi_head(init_multi_head(rng, 6, 2, C=4))

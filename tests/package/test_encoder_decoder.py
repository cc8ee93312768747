"""The encoder-decoder: every cell, every kind of context, both directions; losses and gradients against oracles."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_pkg import encoder_decoder as ed
from course_pkg.attention import SCORES
from course_pkg.cells import CELLS, hidden
from course_pkg.checks.parity import autograd
from course_pkg.losses import log_softmax
from course_pkg.tree import count, leaves, tree_map
from tests.package import torch_cells
from tests.package.helpers import (
    AUTOGRAD,
    CENTRAL,
    COMPLEX,
    SHAPES,
    assert_close,
    length_mask,
    prove,
    rng_for,
    shape_id,
    tensor,
    torch,
)
from tests.package.test_attention import TORCH

CONTEXTS = (None, "summary", *SCORES)
V_SOURCE, V_TARGET, D = 5, 6, 2


class Problem(NamedTuple):
    p: Any
    source: np.ndarray
    source_mask: np.ndarray
    targets: np.ndarray
    target_mask: np.ndarray


def draw(rng, cell, attention, two, S, T, B, H, bridge=True):
    p = ed.init_encoder_decoder(rng, V_SOURCE, V_TARGET, D, H, cell, attention, two, bridge)
    p = tree_map(lambda a: rng.normal(0, 1 / np.sqrt(a.shape[-1]) if a.ndim == 2 else 0.7, a.shape), p)
    source, targets = rng.integers(0, V_SOURCE, (S, B)), rng.integers(0, V_TARGET, (T, B))
    masks = (length_mask(rng.integers(1, n + 1, B), n) for n in (S, T))
    return Problem(p, source, next(masks), targets, next(masks))


def torch_loss(problem, cell, attention, inputs=None):
    """The same loss in torch: the equations of cells and scores once more, nothing of ours in it."""
    step, (_, source, source_mask, targets, target_mask) = torch_cells.STEPS[cell], problem
    inputs = np.vstack([np.full(targets.shape[1], ed.START), targets[:-1]]) if inputs is None else inputs

    def parts(state):
        return list(state) if isinstance(state, tuple) else [state]

    def alike(state, arrays):
        return type(state)(*arrays) if isinstance(state, tuple) else arrays[0]

    def read(params, xs, mask):
        like = CELLS[cell].initial_state(tree_map(lambda a: a.detach().numpy(), params), source.shape[1])
        states = torch_cells.states(step, params, xs, tree_map(tensor, like), mask)
        return [hidden(s) for s in states[1:]], states[-1]

    def loss(p):
        xs = p.source[tensor(source)]
        if hasattr(p.encoder, "back"):
            ahead, last_a = read(p.encoder.ahead, xs, source_mask)
            back, last_b = read(p.encoder.back, xs.flip(0), source_mask[::-1].copy())
            keys = torch.stack([torch.cat(pair, 1) for pair in zip(ahead, back[::-1], strict=True)])
            last = alike(last_a, [torch.cat(pair, 1) for pair in zip(parts(last_a), parts(last_b), strict=True)])
        else:
            keys, last = read(p.encoder, xs, source_mask)
            keys = torch.stack(keys)
        state = last
        if p.bridge:
            crossed = [torch.nn.functional.linear(a, w.W, w.b) for w, a in zip(p.bridge, parts(last), strict=True)]
            state = alike(last, [torch.tanh(crossed[0]), *crossed[1:]])
        total = 0
        for i in range(len(targets)):
            beside = [hidden(last)] if attention == "summary" else []
            if attention in SCORES:
                scores = TORCH[attention](p.attention, hidden(state), keys)
                weights = torch.softmax(scores.masked_fill(~tensor(source_mask).T, -torch.inf), 1)
                beside = [torch.einsum("bs,sbk->bk", weights, keys)]
            state = step(p.decoder, torch.cat([p.target[tensor(inputs[i])], *beside], 1), state)
            logits = torch.nn.functional.linear(torch.cat([hidden(state), *beside], 1), p.out.W, p.out.b)
            nats = torch.nn.functional.cross_entropy(logits, tensor(targets[i]), reduction="none")
            total = total + (nats * tensor(target_mask[i])).sum()
        return total / target_mask.sum()

    return loss


def check(problem, cell, attention, inputs=None, entry_by_entry=False):
    """All gradients against autograd; along random directions against central differences and the complex step.

    entry_by_entry: every entry against all three, which takes seconds.
    """
    p, *rest = problem
    loss, grads = ed.encoder_decoder_loss(p, *rest, cell, inputs)
    assert type(grads) is type(p) and np.ndim(loss) == 0

    def f(q):
        return ed.encoder_decoder_loss(q, *rest, cell, inputs)[0]

    if entry_by_entry:
        prove(p, grads, f, torch_loss(problem, cell, attention, inputs))
        return
    value, wanted = autograd(torch_loss(problem, cell, attention, inputs), p)
    assert value == pytest.approx(loss, rel=1e-11)
    assert_close(grads, wanted, AUTOGRAD, "autograd")
    for seed in range(3):
        rng = rng_for(seed)
        direction = tree_map(lambda a: rng.choice([-1.0, 1.0], a.shape), p)  # noqa: B023
        slope = sum((g * d).sum() for (_, g), (_, d) in zip(leaves(grads), leaves(direction), strict=True))
        scale = np.sqrt(sum((g**2).sum() for _, g in leaves(grads)))
        central, exact = (f(moved(p, direction, e)) for e in (1e-5, -1e-5)), f(moved(p, direction, 1e-30j)).imag / 1e-30
        assert abs(exact - slope) < COMPLEX * scale
        assert abs((next(central) - next(central)) / 2e-5 - slope) < CENTRAL * max(scale, abs(slope))


def moved(p, direction, by):
    return tree_map(lambda a, d: a + by * d, p, direction)


@pytest.mark.parametrize("attention", CONTEXTS)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_every_context(attention, shape):
    """(S, B, T, H/2); the cell and the directions change with the shape."""
    S, B, T, half = shape
    cell, two = ("gru", "lstm", "rnn")[(S + T) % 3], bool((S + B + half) % 2)
    check(draw(rng_for(*shape), cell, attention, two, S, T, B, 2 * half), cell, attention)


@pytest.mark.parametrize("attention", CONTEXTS)
def test_every_entry(attention):
    check(draw(rng_for(0), "gru", attention, True, 2, 2, 2, 2), "gru", attention, entry_by_entry=True)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("attention", CONTEXTS[:3])
def test_every_cell(cell, attention):
    check(draw(rng_for(1), cell, attention, True, 3, 2, 2, 4), cell, attention)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("attention", CONTEXTS[:3])
def test_without_a_bridge(cell, attention):
    """The encoder's last state is s_0, as in Sutskever et al. (2014)."""
    problem = draw(rng_for(2), cell, attention, False, 3, 3, 2, 3, bridge=False)
    check(problem, cell, attention)
    encoded = ed.encode(*problem[:3], cell)
    assert_close(encoded.state, encoded.read.last, 1e-15, "no bridge")


@pytest.mark.parametrize("attention", CONTEXTS[:3])
def test_other_inputs_than_the_targets(attention):
    problem = draw(rng_for(3), "gru", attention, True, 4, 4, 3, 4)
    check(problem, "gru", attention, rng_for(4).integers(0, V_TARGET, problem.targets.shape))


# ---- what must hold for any of them ------------------------------------------------------------------------------


@st.composite
def problems(draw_):
    """Cell, context, and a problem with both masks."""
    cell, attention = draw_(st.sampled_from(list(CELLS))), draw_(st.sampled_from(CONTEXTS))
    rng = np.random.default_rng(draw_(st.integers(0, 2**32 - 1)))
    S, T, B, half = (draw_(st.integers(1, n)) for n in (5, 4, 4, 3))
    return cell, attention, draw(rng, cell, attention, draw_(st.booleans()), S, T, B, 2 * half), rng


@given(problems(), st.integers(1, 3), st.integers(1, 3))
def test_padding_never_changes_loss_or_gradients(case, more_source, more_target):
    """Other tokens at the padding, and more of it, on both sides."""
    cell, _, (p, source, source_mask, targets, target_mask), rng = case
    loss, grads = ed.encoder_decoder_loss(p, source, source_mask, targets, target_mask, cell)

    def longer(ids, mask, V, n):
        ids = np.where(mask, ids, rng.integers(0, V, ids.shape))
        more = rng.integers(0, V, (n, ids.shape[1]))
        return np.vstack([ids, more]), np.vstack([mask, np.zeros(more.shape, bool)])

    padded = *longer(source, source_mask, V_SOURCE, more_source), *longer(targets, target_mask, V_TARGET, more_target)
    loss_padded, grads_padded = ed.encoder_decoder_loss(p, *padded, cell)
    assert loss_padded == pytest.approx(loss, rel=1e-12)
    assert_close(grads_padded, grads, 1e-10, "padding")


@given(problems())
def test_a_batch_is_its_pairs_one_by_one(case):
    cell, _, (p, source, source_mask, targets, target_mask), _ = case
    loss, _ = ed.encoder_decoder_loss(p, source, source_mask, targets, target_mask, cell)
    total = 0.0
    for b in range(source.shape[1]):
        s, t = source[source_mask[:, b], b][:, None], targets[target_mask[:, b], b][:, None]
        total += ed.encoder_decoder_loss(p, s, None, t, None, cell)[0] * len(t)
    assert loss == pytest.approx(total / target_mask.sum(), rel=1e-12)


@given(problems())
def test_steps_of_a_search_are_the_training_pass(case):
    """start and step give the log-probabilities of teacher forcing, and the weights sum to 1 on real tokens."""
    cell, attention, (p, source, source_mask, targets, _), _ = case
    inputs = ed.decoder_inputs(targets)
    logits, weights = ed.encoder_decoder_logits(p, source, source_mask, inputs, cell)
    state = ed.start(p, source, source_mask, cell)
    for i, y_prev in enumerate(inputs):
        log_probs, state = ed.step(p, state, y_prev, cell)
        assert_close(log_probs, log_softmax(logits[i]), 1e-11, "step")
        if attention in SCORES:
            assert_close(state.weights, weights[i], 1e-11, "step")
            assert np.abs(state.weights.sum(axis=1) - 1).max() < 1e-14 and not state.weights[~source_mask.T].any()
        else:
            assert weights is None and not state.weights.any()
    assert all(len(array) == source.shape[1] for _, array in leaves(state))  # the batch first everywhere


@given(problems(), st.data())
def test_a_search_may_pick_rows(case, data):
    cell, _, (p, source, source_mask, *_), _ = case
    rows = np.array(data.draw(st.lists(st.integers(0, source.shape[1] - 1), min_size=1, max_size=5)))
    picked = tree_map(lambda a: a[rows], ed.start(p, source, source_mask, cell))
    y = np.full(len(rows), ed.START)
    one, _ = ed.step(p, picked, y, cell)
    other, _ = ed.step(p, ed.start(p, source[:, rows], source_mask[:, rows], cell), y, cell)
    assert_close(one, other, 1e-12, "rows")


@given(problems())
def test_greedy_writing(case):
    """Each token is the likeliest after those before; rows end with END, then PAD; log_probs is their sum."""
    cell, _, (p, source, source_mask, *_), _ = case
    written = ed.write_greedily(p, source, source_mask, 6, cell)
    T, B = written.tokens.shape
    assert T <= 6 and written.weights.shape == (T, B, len(source))
    logits, _ = ed.encoder_decoder_logits(p, source, source_mask, ed.decoder_inputs(written.tokens), cell)
    log_probs = log_softmax(logits)
    for b in range(B):
        row = written.tokens[:, b]
        n = int(np.argmax(row == ed.END)) + 1 if (row == ed.END).any() else T
        assert not row[n:].any()
        assert (log_probs[:n, b].argmax(-1) == row[:n]).all()
        assert written.log_probs[b] == pytest.approx(log_probs[np.arange(n), b, row[:n]].sum(), rel=1e-10)
    if T < 6:
        assert (written.tokens == ed.END).any(axis=0).all()


# ---- the contract ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attention", CONTEXTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(attention, dtype):
    rng = rng_for(5)
    for cell in ("gru", "lstm"):
        p = ed.init_encoder_decoder(rng, V_SOURCE, V_TARGET, D, 4, cell, attention, dtype=dtype)
        problem = draw(rng, cell, attention, True, 4, 3, 2, 4)._replace(p=p)
        loss, grads = ed.encoder_decoder_loss(*problem, cell)
        log_probs, state = ed.step(p, ed.start(*problem[:3], cell), np.array([1, 1]), cell)
        floats = [a for _, a in leaves((grads, state, log_probs)) if a.dtype != bool]
        assert {a.dtype for a in floats} == {np.dtype(dtype)} and np.asarray(loss).dtype == dtype
        exact = ed.encoder_decoder_loss(tree_map(np.float64, p), *problem[1:], cell)[0]
        assert loss == pytest.approx(exact, rel=1e-5)


def test_the_number_of_parameters_is_the_formula():
    D, H, V, W = 3, 4, 5, 6
    gru = 3 * (H * D + H * H + H) + H
    plain = ed.init_encoder_decoder(rng_for(0), V, W, D, H, two_directions=False, bridge=False)
    assert count(plain) == V * D + W * D + 2 * gru + W * H + W
    assert count(ed.init_encoder_decoder(rng_for(0), V, W, D, H, two_directions=False)) == count(plain) + H * H + H
    both = 2 * (3 * (2 * D + 2 * 2 + 2) + 2)  # two of H/2 units
    assert count(ed.init_encoder_decoder(rng_for(0), V, W, D, H)) == count(plain) + H * H + H + both - gru
    summary = count(ed.init_encoder_decoder(rng_for(0), V, W, D, H, attention="summary", two_directions=False))
    assert summary == count(plain) + H * H + H + 3 * H * H + W * H  # C goes to the cell and out
    additive = ed.init_encoder_decoder(rng_for(0), V, W, D, H, attention="additive", two_directions=False)
    assert count(additive) == summary + 2 * H * H + H


def test_bad_input_is_refused():
    p, source, source_mask, targets, target_mask = draw(rng_for(6), "gru", "additive", True, 4, 3, 2, 4)
    rng, empty = rng_for(0), source_mask & np.array([True, False])
    for call, said in (
        (lambda: ed.encoder_decoder_loss(p, source + 9, None, targets), "^embedding_forward: ids must be in 0..4"),
        (lambda: ed.encoder_decoder_loss(p, source, None, targets[:, :1]), r"^encoder_decoder_loss: targets .*B=2"),
        (lambda: ed.encoder_decoder_loss(p, source, target_mask, targets), "^encoder_decoder_loss: source_mask .* S=4"),
        (lambda: ed.encoder_decoder_loss(p, source, empty, targets), r"^encode: .* got none for \[1\]$"),
        (lambda: ed.encoder_decoder_loss(p, source, None, targets, cell="gpu"), "^encode: cell must be one of 'rnn'"),
        (lambda: ed.init_encoder_decoder(rng, 5, 6, 3, 5), "needs an even H and a bridge, got H=5 and bridge=True$"),
        (lambda: ed.init_encoder_decoder(rng, 5, 6, 3, 4, bridge=False), "got H=4 and bridge=False$"),
        (lambda: ed.init_encoder_decoder(rng, 5, 6, 3, 4, attention="best"), "attention must be one of None"),
        (lambda: ed.init_encoder_decoder(rng, 5, 0, 3, 4), "^init_encoder_decoder: V_target must be an integer >= 1"),
        (lambda: ed.write_greedily(p, source, max_steps=0), "^write_greedily: max_steps must be"),
    ):
        with pytest.raises(ValueError, match=said):
            call()
    with pytest.raises(TypeError, match="^encoder_decoder_loss: p must be a EncoderDecoder, got tuple$"):
        ed.encoder_decoder_loss(tuple(p), source, None, targets)

"""The torch twin of the encoder-decoder: losses, all gradients and steps of a search agree, weights go both ways."""

import numpy as np
import pytest
import torch

from course_pkg.checks.gradients import relative_error
from course_pkg.encoder_decoder import (
    START,
    decoder_inputs,
    encoder_decoder_logits,
    encoder_decoder_loss,
    init_encoder_decoder,
    start,
    step,
)
from course_pkg.torch_twins.loaders import read_grads, read_params
from course_pkg.torch_twins.seq2seq import Seq2Seq
from course_pkg.tree import leaves, tree_map

SIZES = [  # S, T, B, V_source, V_target, D, H
    (1, 1, 1, 4, 4, 1, 2), (1, 4, 2, 5, 6, 3, 2), (4, 1, 3, 6, 5, 2, 4), (5, 3, 1, 7, 9, 4, 6), (3, 6, 4, 9, 7, 5, 2),
]  # fmt: skip
LOOKS, CELLS = ("additive", "summary", None), ("gru", "lstm", "rnn")
FORMS = ((True, True), (False, True), (False, False))  # two directions, a bridge


def case(sizes, cell, look, form, seed=0):
    """Parameters with biases that are not 0, a source, targets, and masks of sequences of their own lengths."""
    S, T, B, V_source, V_target, D, H = sizes
    rng = np.random.default_rng([seed, *sizes])
    p = init_encoder_decoder(rng, V_source, V_target, D, H, cell, look, *form)
    p = tree_map(lambda w: w + 0.3 * rng.normal(size=w.shape), p)
    masks = [np.arange(n)[:, None] < rng.integers(1, n + 1, B) for n in (S, T)]
    return p, rng.integers(0, V_source, (S, B)), masks[0], rng.integers(0, V_target, (T, B)), masks[1]


def tensors(*arrays):
    return [torch.from_numpy(a) for a in arrays]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("cell", CELLS)
def test_loss_and_all_gradients(cell, look, form):
    for sizes in SIZES:
        p, source, mask, targets, real = case(sizes, cell, look, form)
        loss, grads = encoder_decoder_loss(p, source, mask, targets, real, cell)
        twin = Seq2Seq.from_params(p)
        ids, inputs, there, wanted, counted = tensors(source, decoder_inputs(targets), mask, targets, real)
        found = torch.nn.functional.cross_entropy(twin.logits(ids, inputs, there)[counted], wanted[counted])
        found.backward()
        assert abs(found.item() - loss) < 1e-12 * max(1, loss)
        floor = 1e-3 * max(float(np.abs(g).max()) for _, g in leaves(grads))
        for (name, ours), (_, theirs) in zip(leaves(grads), leaves(read_grads(twin, p)), strict=True):
            assert relative_error(ours, theirs, max(floor, 1e-8)) < 1e-10, name


@pytest.mark.parametrize("look", LOOKS)
def test_without_a_mask(look):
    p, source, _, targets, _ = case(SIZES[3], "gru", look, FORMS[0])
    inputs = decoder_inputs(targets)
    logits, weights = encoder_decoder_logits(p, source, None, inputs)
    twin = Seq2Seq.from_params(p)
    assert np.allclose(twin.logits(*tensors(source, inputs)).detach(), logits, rtol=0, atol=1e-12)
    if weights is not None:
        assert np.allclose(twin(*tensors(source, inputs))[1].detach(), weights, rtol=0, atol=1e-13)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("cell", CELLS)
def test_log_probabilities_of_steps_and_where_they_look(cell, look):
    for seed, sizes in enumerate(SIZES):
        p, source, mask, targets, _ = case(sizes, cell, look, FORMS[0], seed)
        twin, last = Seq2Seq.from_params(p), np.full(source.shape[1], START)
        state = start(p, source, mask, cell)
        memory, hidden = twin.start(*tensors(source, mask))
        for y in targets:
            log_probs, state = step(p, state, last, cell)
            shown, hidden, weights = twin.step(memory, twin.target[torch.from_numpy(last)], hidden)
            wanted = torch.log_softmax(twin.out(shown), dim=-1)
            assert np.allclose(log_probs, wanted.detach(), rtol=0, atol=1e-11)
            if look == "additive":
                assert np.allclose(state.weights, weights.detach(), rtol=0, atol=1e-12)
                assert (weights.detach().numpy()[~mask.T] == 0).all()
            last = y


@pytest.mark.parametrize("cell", CELLS)
def test_weights_go_there_and_back(cell):
    for look in LOOKS:
        for dtype in (np.float64, np.float32):
            p = tree_map(lambda w, dtype=dtype: w.astype(dtype), case(SIZES[3], cell, look, FORMS[0])[0])
            back = read_params(Seq2Seq.from_params(p), p)
            for (name, a), (_, b) in zip(leaves(p), leaves(back), strict=True):
                assert a.dtype == b.dtype == dtype and np.array_equal(a, b), name


def test_a_fresh_twin_has_our_shapes():
    like = init_encoder_decoder(np.random.default_rng(0), 7, 9, 4, 6, "lstm", "additive")
    read = read_params(Seq2Seq(7, 9, 4, 6, "lstm", "additive", dtype=torch.float64), like)
    assert all(np.abs(w).max() > 0 or name.endswith("b") for name, w in leaves(read))


def test_dropout_acts_on_both_tables_and_only_when_asked():
    p, source, mask, targets, _ = case(SIZES[4], "gru", "additive", FORMS[0])
    twin, given = Seq2Seq.from_params(p), tensors(source, decoder_inputs(targets), mask)
    assert torch.equal(twin(*given)[0], twin(*given)[0])
    torch.manual_seed(0)
    assert not torch.equal(twin(*given, dropout=0.5)[0], twin(*given)[0])


BAD = [
    (lambda: Seq2Seq(4, 4, 2, 4, "gated"), ValueError, "cell must be one of rnn, lstm, gru"),
    (lambda: Seq2Seq(4, 4, 2, 4, look="dot"), ValueError, "look one of 'additive', 'summary', None, got"),
    (lambda: Seq2Seq(4, 4, 2, 3), ValueError, "two_directions needs an even H and a bridge, got H=3"),
    (lambda: Seq2Seq.from_params(case(SIZES[3], "gru", "dot", FORMS[0])[0]), TypeError,
     "attention must be AdditiveParams, SummaryParams or (), got DotParams"),
    (lambda: Seq2Seq.from_params(case(SIZES[3], "mut1", "additive", FORMS[0])[0]), TypeError,
     "decoder must be RNNParams, LSTMParams, GRUParams, got"),
]  # fmt: skip


@pytest.mark.parametrize("call, error, message", BAD, ids=[message[:20] for _, _, message in BAD])
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)

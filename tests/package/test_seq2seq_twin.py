"""The torch twin of the encoder-decoder: losses, gradients, sampled words and steps agree; weights go both ways.

Every cell, every context, both directions, with padding; teacher forcing and scheduled sampling; in float64.
"""

import numpy as np
import pytest
import torch

from course_pkg.cells import CELLS
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
from course_pkg.scheduled_sampling import scheduled_inputs
from course_pkg.torch_twins import Seq2Seq, cell_of, make_cell, read_grads
from course_pkg.torch_twins import cells as twin_cells
from course_pkg.torch_twins import scheduled_inputs as twin_scheduled_inputs
from course_pkg.torch_twins.loaders import read_params
from course_pkg.torch_twins.scores import SCORES, Dot
from course_pkg.torch_twins.seq2seq import LOOKS
from course_pkg.torch_twins.seq2seq import decoder_inputs as twin_decoder_inputs
from course_pkg.tree import leaves, tree_map

SIZES = [  # S, T, B, V_source, V_target, D, H
    (1, 1, 1, 4, 4, 1, 2), (1, 4, 2, 5, 6, 3, 2), (4, 1, 3, 6, 5, 2, 4), (5, 3, 1, 7, 9, 4, 6), (3, 6, 4, 9, 7, 5, 2),
]  # fmt: skip
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


def check_loss_and_gradients(p, source, mask, targets, real, cell, inputs=None):
    """The loss, and the gradient of every parameter, from both."""
    loss, grads = encoder_decoder_loss(p, source, mask, targets, real, cell, inputs)
    twin = Seq2Seq.from_params(p, cell)
    found = twin.loss(*tensors(source, mask, targets, real), None if inputs is None else torch.from_numpy(inputs))
    found.backward()
    assert abs(found.item() - loss) < 1e-12 * max(1, loss)
    floor = 1e-3 * max(float(np.abs(g).max()) for _, g in leaves(grads))
    for (name, ours), (_, theirs) in zip(leaves(grads), leaves(read_grads(twin, p)), strict=True):
        assert relative_error(ours, theirs, max(floor, 1e-8)) < 1e-10, name


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("cell", CELLS)
def test_loss_and_all_gradients(cell, look, form):
    for sizes in SIZES if look in ("additive", "summary", None) else SIZES[2:]:
        check_loss_and_gradients(*case(sizes, cell, look, form), cell)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("cell", CELLS)
def test_scheduled_sampling(cell, look):
    """From the same generator the same words, all of them; then the same loss and gradients; then the same state of
    the generator."""
    others = 0
    for seed, (sizes, form) in enumerate(zip(SIZES, (*FORMS, *FORMS), strict=False)):
        p, source, mask, targets, real = case(sizes, cell, look, form, seed)
        twin = Seq2Seq.from_params(p, cell)
        for epsilon in (0.0, 0.5, 1.0) if seed == 4 else (0.4,):
            ours, theirs = (np.random.default_rng(seed) for _ in range(2))
            inputs = scheduled_inputs(p, source, mask, targets, ours, epsilon, cell)
            read = twin_scheduled_inputs(twin, *tensors(source, mask, targets), theirs, epsilon)
            assert read.dtype == torch.int64 and not read.requires_grad and np.array_equal(read.numpy(), inputs)
            assert ours.bit_generator.state == theirs.bit_generator.state
            others += (inputs != decoder_inputs(targets)).sum()
            check_loss_and_gradients(p, source, mask, targets, real, cell, inputs)
    assert others > 10  # it did read its own words


def test_teacher_forcing_is_the_same():
    targets = case(SIZES[4], "gru", None, FORMS[0])[3]
    assert np.array_equal(twin_decoder_inputs(torch.from_numpy(targets)).numpy(), decoder_inputs(targets))


@pytest.mark.parametrize("look", LOOKS)
def test_without_a_mask(look):
    p, source, _, targets, _ = case(SIZES[3], "gru", look, FORMS[0])
    inputs = decoder_inputs(targets)
    logits, weights = encoder_decoder_logits(p, source, None, inputs)
    twin = Seq2Seq.from_params(p)
    assert np.allclose(twin.logits(*tensors(source, inputs)).detach(), logits, rtol=0, atol=1e-12)
    loss = twin.loss(torch.from_numpy(source), None, torch.from_numpy(targets)).item()
    assert loss == pytest.approx(encoder_decoder_loss(p, source, None, targets)[0], rel=1e-13)
    if weights is not None:
        assert np.allclose(twin(*tensors(source, inputs))[1].detach(), weights, rtol=0, atol=1e-13)


@pytest.mark.parametrize("cell", CELLS)
def test_padding_never_changes_loss_or_gradients(cell):
    """Other tokens at the padding, on both sides."""
    p, source, mask, targets, real = case(SIZES[4], cell, "additive", FORMS[0])
    grads = []
    for shift in (0, 1):
        twin = Seq2Seq.from_params(p, cell)
        other = np.where(mask, source, (source + shift) % 9), mask, np.where(real, targets, (targets + shift) % 7), real
        assert (~mask).any() and (~real).any()
        twin.loss(*tensors(*other)).backward()
        grads.append(read_grads(twin, p))
    for (name, a), (_, b) in zip(*map(leaves, grads), strict=True):
        assert np.allclose(a, b, rtol=0, atol=1e-14), name


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("cell", CELLS)
def test_log_probabilities_of_steps_and_where_they_look(cell, look):
    for seed, sizes in enumerate(SIZES):
        p, source, mask, targets, _ = case(sizes, cell, look, FORMS[0], seed)
        twin, last = Seq2Seq.from_params(p, cell), np.full(source.shape[1], START)
        state = start(p, source, mask, cell)
        memory, hidden = twin.start(*tensors(source, mask))
        for y in targets:
            log_probs, state = step(p, state, last, cell)
            shown, hidden, weights = twin.step(memory, twin.target[torch.from_numpy(last)], hidden)
            wanted = torch.log_softmax(twin.out(shown), dim=-1)
            assert np.allclose(log_probs, wanted.detach(), rtol=0, atol=1e-11)
            assert (weights is not None) == (look in SCORES)
            if look in SCORES:
                assert np.allclose(state.weights, weights.detach(), rtol=0, atol=1e-12)
                assert (weights.detach().numpy()[~mask.T] == 0).all()
            last = y


# ---- weights -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS)
def test_weights_go_there_and_back(cell):
    for number, look in enumerate(LOOKS):
        for dtype in (np.float64, np.float32):
            p = case(SIZES[3], cell, look, FORMS[number % len(FORMS)])[0]
            p = tree_map(lambda w, dtype=dtype: w.astype(dtype), p)
            back = Seq2Seq.from_params(p, cell).to_params()
            assert type(back.encoder) is type(p.encoder) and type(back.attention) is type(p.attention)
            for (name, a), (other, b) in zip(leaves(p), leaves(back), strict=True):
                assert name == other and a.dtype == b.dtype == dtype and np.array_equal(a, b), name


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("cell", CELLS)
def test_a_fresh_twin_has_our_shapes(cell, look):
    like = init_encoder_decoder(np.random.default_rng(0), 7, 9, 4, 6, cell, look)
    twin = Seq2Seq(7, 9, 4, 6, cell, look, dtype=torch.float64)
    read = read_params(twin, like)
    assert all(w.any() or name.split(".")[-1].startswith("b") for name, w in leaves(read))  # only biases begin at 0
    assert [(name, w.shape) for name, w in leaves(twin.to_params())] == [(name, w.shape) for name, w in leaves(like)]


def test_our_cells_and_the_twins_are_the_same_ones():
    assert list(twin_cells.CELLS) == list(CELLS) and set(LOOKS) == {*SCORES, "summary", None}
    for name, cell in CELLS.items():
        p = cell.init(np.random.default_rng(0), 2, 3)
        assert type(p) is twin_cells.CELLS[name].params
        assert cell_of(p) == ("gru" if name == "gru_before" else name)


def test_dropout_acts_on_both_tables_and_only_when_asked():
    p, source, mask, targets, _ = case(SIZES[4], "gru", "additive", FORMS[0])
    twin, given = Seq2Seq.from_params(p), tensors(source, decoder_inputs(targets), mask)
    assert torch.equal(twin(*given)[0], twin(*given)[0])
    torch.manual_seed(0)
    assert not torch.equal(twin(*given, dropout=0.5)[0], twin(*given)[0])


# ---- the contract ------------------------------------------------------------------------------------------------

P, SOURCE, MASK, TARGETS, REAL = case(SIZES[4], "gru", "additive", FORMS[0])  # S=3, T=6, B=4, V: 9 and 7
TWIN, IDS = Seq2Seq.from_params(P), torch.from_numpy(SOURCE)
WANTED, RNG = torch.from_numpy(TARGETS), np.random.default_rng(0)
NOTHING = torch.zeros(3, 4, dtype=torch.bool)
BAD = [
    (lambda: Seq2Seq(4, 4, 2, 4, "gated"), ValueError, "Seq2Seq: cell must be one of 'rnn', 'lstm', 'gru', 'gru_bef"),
    (lambda: Seq2Seq(4, 4, 2, 4, look="best"), ValueError, "Seq2Seq: look must be one of 'additive', 'concat', 'dot'"),
    (lambda: Seq2Seq(4, 4, 2, 3), ValueError, "Seq2Seq: two_directions needs an even H and a bridge, got H=3"),
    (lambda: Seq2Seq(4, 0, 2, 4), ValueError, "Seq2Seq: V_target must be an integer >= 1, got 0"),
    (lambda: make_cell("gated", 2, 3), ValueError, "make_cell: name must be one of 'rnn'"),
    (lambda: make_cell("gru", 2, 1.5), TypeError, "make_cell: H must be an integer >= 1, got float 1.5"),
    (lambda: cell_of(P), TypeError, "cell_of: p must be one of RNNParams, LSTMParams, GRUParams, MUT1Params, MUT2Par"),
    (lambda: Dot(2, 3, 4), ValueError, "Dot: query and keys must have the same size, got Q=3 and K=4"),
    (lambda: Seq2Seq.from_params(P.decoder), TypeError, "from_params: p must be an EncoderDecoder, got GRUParams"),
    (lambda: Seq2Seq.from_params(P, "mut2"), ValueError,
     "Seq2Seq.from_params: p.decoder must be MUT2Params (from cell='mut2'), got GRUParams"),
    (lambda: Seq2Seq.from_params(P, "gpu"), ValueError, "Seq2Seq.from_params: cell must be one of 'rnn'"),
    (lambda: TWIN.start(IDS * 0 + 9), ValueError, "Seq2Seq.start: source must be in 0..8 (from the table), got 9"),
    (lambda: TWIN.start(IDS[0]), ValueError, "Seq2Seq.start: source must be (S, B), got shape (4,)"),
    (lambda: TWIN.start(IDS / 2), TypeError, "source must be a tensor of integers (S, B), got dtype torch.float32"),
    (lambda: TWIN.start(SOURCE), TypeError, "source must be a tensor of integers (S, B), got ndarray"),
    (lambda: TWIN.start(IDS, NOTHING), ValueError, "keep at least one token of every sequence, got none for [0, 1, 2,"),
    (lambda: TWIN.start(IDS, NOTHING[:2]), ValueError, "mask must be (3, 4) (from source), got shape (2, 4)"),
    (lambda: TWIN.start(IDS, NOTHING.long()), TypeError, "Seq2Seq.start: mask must be a tensor of booleans"),
    (lambda: TWIN(IDS, WANTED[:, :2]), ValueError, "inputs must be (T, B) with B=4 (from source), got shape (6, 2)"),
    (lambda: TWIN.loss(IDS, None, WANTED - 7), ValueError, "Seq2Seq.loss: targets must be in 0..6 (from the"),
    (lambda: TWIN.loss(IDS, None, WANTED, NOTHING), ValueError, "target_mask must be (6, 4) (from targets), got shape"),
    (lambda: TWIN.loss(IDS, None, WANTED[:3], NOTHING), ValueError, "target_mask must count at least one token"),
    (lambda: TWIN.loss(IDS, None, WANTED, None, WANTED[1:]), ValueError, "inputs must be (6, 4) (from targets), got"),
    (lambda: twin_scheduled_inputs(TWIN, IDS, None, WANTED, RNG, 1.5), ValueError,
     "scheduled_inputs: epsilon must be in [0, 1], got 1.5"),
    (lambda: twin_scheduled_inputs(TWIN, IDS, None, WANTED, 7, 0.5), TypeError, "rng must be a numpy Generator"),
    (lambda: twin_scheduled_inputs(TWIN, IDS, None, WANTED[:, :1], RNG, 0.5), ValueError,
     "scheduled_inputs: targets must be (T, B) with B=4 (from source), got shape (6, 1)"),
]  # fmt: skip


@pytest.mark.parametrize("call, error, message", BAD, ids=[message[:40] for _, _, message in BAD])
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)

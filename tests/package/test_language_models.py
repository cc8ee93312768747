"""Language models of every cell: gradients by three oracles, the state carried over any cut, torch's twin, files."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from course_pkg import torch_twins
from course_pkg.cells import CELLS
from course_pkg.data.batches import one_hot
from course_pkg.data.streams import consecutive_chunks, parallel_streams
from course_pkg.language_models import (
    carried,
    init_language_model,
    initial_states,
    lm_backward,
    lm_forward,
    lm_loss,
    lm_step,
    next_token_nats,
)
from course_pkg.losses import softmax_cross_entropy
from course_pkg.optim import Adam
from course_pkg.train import train
from course_pkg.tree import leaves, tree_map
from course_pkg.weights import load_language_model, save_language_model
from tests.package.helpers import AUTOGRAD, assert_close, prove, rng_for, tensor

SIZES = [(1, 1, 1, 1, 2, 1), (4, 2, 3, 3, 5, 1), (3, 1, 2, 4, 4, 2), (5, 3, 4, 2, 3, 2)]  # T, B, E, H, V, layers


def drawn(cell, T, B, E, H, V, layers):
    rng = rng_for(T, B, E, H, V, layers)
    p = init_language_model(rng, V, E, H, layers, cell)
    p = tree_map(lambda w: w + 0.3 * rng.normal(size=w.shape), p)  # no bias is zero
    states = tree_map(lambda s: rng.uniform(-0.9, 0.9, s.shape), initial_states(p, B, cell))
    return p, rng.integers(0, V, (T, B)), rng.integers(0, V, (T, B)), states


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("sizes", SIZES, ids=lambda s: "x".join(map(str, s)))
def test_gradients(cell, sizes):
    p, inputs, targets, states = drawn(cell, *sizes)
    loss, grads, _ = lm_loss(p, inputs, targets, states, cell)
    assert loss == pytest.approx(lm_loss(p, inputs, targets, states, cell)[0])
    prove(p, grads, lambda q: softmax_cross_entropy(lm_forward(q, inputs, states, cell).logits, targets)[0])


@pytest.mark.parametrize("cell", CELLS)
def test_gradient_of_the_first_states(cell):
    p, inputs, targets, states = drawn(cell, *SIZES[-1])
    run = lm_forward(p, inputs, states, cell)
    _, dlogits = softmax_cross_entropy(run.logits, targets)
    _, dstates = lm_backward(p, inputs, run, dlogits, cell)
    prove(states, dstates, lambda s: softmax_cross_entropy(lm_forward(p, inputs, s, cell).logits, targets)[0])


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("sizes", SIZES, ids=lambda s: "x".join(map(str, s)))
def test_the_torch_twin_is_equal(cell, sizes):
    p, inputs, targets, states = drawn(cell, *sizes)
    twin = torch_twins.LanguageModel.from_params(p)
    theirs, last = twin(tensor(inputs), [tree_map(tensor, s) for s in states])
    ours = lm_forward(p, inputs, states, cell)
    assert np.abs(ours.logits - theirs.detach().numpy()).max() < 1e-12
    for mine, other in zip(leaves(ours.states), leaves(tuple(map(tuple_or_tensor, last))), strict=True):
        assert np.abs(mine[1] - other[1]).max() < 1e-12
    loss, grads, _ = lm_loss(p, inputs, targets, states, cell)
    theirs = F.cross_entropy(theirs.flatten(0, 1), tensor(targets).flatten())
    theirs.backward()
    assert loss == pytest.approx(theirs.item(), abs=1e-12)
    assert_close(grads, torch_twins.read_grads(twin, p), AUTOGRAD, "twins")


def tuple_or_tensor(state):
    return tuple(s.detach().numpy() for s in state) if isinstance(state, tuple) else state.detach().numpy()


def test_a_twin_of_another_cell_is_refused():
    p = init_language_model(rng_for(1), 3, 2, 2, cell="mut1")
    with pytest.raises(TypeError, match="layers must be RNNParams, LSTMParams, GRUParams, got"):
        torch_twins.LanguageModel.from_params(p)


@given(cell=st.sampled_from(list(CELLS)), cut=st.integers(1, 6), layers=st.integers(1, 2), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_cut_anywhere_the_text_reads_the_same(cell, cut, layers, seed):
    p, ids, _, _ = drawn(cell, 7, 2, 3, 3, 5, layers)
    ids = np.random.default_rng(seed).integers(0, 5, ids.shape)
    whole = lm_forward(p, ids, cell=cell)
    first = lm_forward(p, ids[:cut], cell=cell)
    second = lm_forward(p, ids[cut:], first.states, cell)
    assert np.allclose(np.concatenate([first.logits, second.logits]), whole.logits, rtol=0, atol=1e-13)
    states = initial_states(p, 2, cell)
    for t in range(7):  # and token by token
        logits, states = lm_step(p, ids[t], states, cell)
        assert np.allclose(logits, whole.logits[t], rtol=0, atol=1e-13)
    nats = next_token_nats(p, ids, cell, chunk=cut)
    assert np.allclose(nats, next_token_nats(p, ids, cell), rtol=0, atol=1e-13)
    right = np.take_along_axis(torch.softmax(tensor(whole.logits[:-1]), -1).numpy(), ids[1:, :, None], -1)[..., 0]
    assert np.allclose(np.exp(-nats), right, rtol=0, atol=1e-13)


def test_the_gradient_stops_at_the_beginning_of_a_chunk():
    """The sum of two chunks' gradients is not the whole one's; it is where the second starts from constant states."""
    p, ids, targets, _ = drawn("lstm", 6, 2, 3, 3, 5, 1)
    _, a, states = lm_loss(p, ids[:3], targets[:3])
    _, b, _ = lm_loss(p, ids[3:], targets[3:], states)
    _, whole, _ = lm_loss(p, ids, targets)
    assert np.allclose((a.out.W + b.out.W) / 2, whole.out.W, rtol=0, atol=1e-13)  # no path through time
    assert np.abs((a.embedding + b.embedding) / 2 - whole.embedding).max() > 1e-6


def test_carried_starts_anew_where_the_text_does():
    p = init_language_model(rng_for(2), 5, 3, 4)
    ids = rng_for(3).integers(0, 5, 25)
    chunks = list(consecutive_chunks(ids, 2, 5, passes=2))
    loss = carried()
    losses = [loss(p, chunk)[0] for chunk in chunks]
    assert losses[:3] == losses[3:] and losses[1] != carried()(p, chunks[1]._replace(fresh=True))[0]
    inputs, targets = parallel_streams(ids, 2)
    weighted = np.average(losses[:3], weights=[len(c.inputs) for c in chunks[:3]])
    assert weighted == pytest.approx(lm_loss(p, inputs, targets)[0], abs=1e-12)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "coupled"])
def test_it_learns_a_text_that_needs_memory(cell):
    """aab aab: after an a only the one before tells what follows."""
    ids = np.tile([0, 0, 1], 60)
    p = init_language_model(rng_for(4), 2, 3, 6, cell=cell)
    p, _ = train(p, carried(cell), consecutive_chunks(ids, 4, 10, passes=40), Adam(0.02), clip_norm=1.0)
    assert next_token_nats(p, ids[:60, None], cell)[6:].mean() < 0.1  # from the last token alone: 0.46


def test_the_table_is_a_one_hot_product():
    p, ids, _, _ = drawn("gru", 3, 2, 4, 3, 5, 1)
    same = p._replace(embedding=np.eye(5), layers=(p.layers[0]._replace(W_x=p.layers[0].W_x @ p.embedding.T),))
    assert np.allclose(lm_forward(same, ids, cell="gru").logits, lm_forward(p, ids, cell="gru").logits, atol=1e-13)
    assert np.array_equal(one_hot(ids, 5) @ np.eye(5), np.eye(5)[ids])


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda p, x: lm_forward(p, x[0]), r"lm_forward: ids must be \(T, B\), got shape \(2,\)"),
        (lambda p, x: lm_forward(p, x, cell="lsmt"), "lm_forward: cell must be one of 'rnn', 'lstm'"),
        (lambda p, x: lm_loss(p, x, x[1:]), r"lm_loss: targets must be \(3, 2\) \(from inputs\), got shape \(2, 2\)"),
        (lambda p, x: lm_forward(p, x + 9), "embedding_forward: ids must be in 0..4"),
        (lambda p, x: next_token_nats(p, x[:1]), "must hold at least two steps"),
        (lambda p, x: init_language_model(rng_for(1), 0, 2, 2), "init_language_model: V must be"),
    ],
)
def test_bad_input(call, said):
    p, ids = init_language_model(rng_for(1), 5, 3, 4), np.zeros((3, 2), int)
    with pytest.raises((ValueError, TypeError), match=said):
        call(p, ids)


# ---- files -------------------------------------------------------------------------------------------------------


def saved(path, **changed):
    p = init_language_model(rng_for(5), 4, 3, 2, layers=2, cell="gru")
    save_language_model(path, p, tuple("abc\n"), "gru")
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files} | changed
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return p


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_come_back_to_half_precision(tmp_path, dtype):
    p = saved(tmp_path / "w.npz")
    q, tokens, cell = load_language_model(tmp_path / "w.npz", dtype)
    assert tokens == tuple("abc\n") and cell == "gru"
    for (name, a), (other, b) in zip(leaves(p), leaves(q), strict=True):
        assert name == other and b.dtype == dtype
        assert np.allclose(a, b, rtol=2**-11, atol=2**-24)


@pytest.mark.parametrize(
    "changed, said",
    [
        ({"format": np.array(2)}, "w.npz must have format 1, got 2"),
        ({"format": None}, "must have format 1, got None"),
        ({"tokens": None}, "must hold tokens"),
        ({"tokens": np.array(list("ab"))}, "tokens must be 4"),
        ({"cell": np.array("lsmt")}, "cell must be one of"),
        ({"cell": np.array("rnn")}, "missing or extra"),
        ({"out.b": np.zeros(3, np.float16)}, r"out.b must be \(4,\), got shape \(3,\)"),
        ({"out.b": np.full(4, np.nan, np.float16)}, "out.b must be finite"),
        ({"extra": np.zeros(3)}, "missing or extra"),
        ({"layers.1.W_h": None}, "missing or extra"),
    ],
)
def test_damaged_files_are_refused(tmp_path, changed, said):
    saved(tmp_path / "w.npz", **changed)
    with pytest.raises(ValueError, match=said):
        load_language_model(tmp_path / "w.npz")


def test_saving_checks_what_it_saves(tmp_path):
    p = init_language_model(rng_for(5), 4, 3, 2)
    with pytest.raises(ValueError, match="tokens must be 4"):
        save_language_model(tmp_path / "w.npz", p, ("a",))
    with pytest.raises(ValueError, match="fit in float16"):
        save_language_model(tmp_path / "w.npz", p._replace(embedding=p.embedding + 1e6), tuple("abcd"))

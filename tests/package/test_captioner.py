"""The captioner: gradients against central differences, the complex step and torch; steps against whole captions."""

from typing import NamedTuple

import numpy as np
import pytest

from course_pkg import captioner as cap
from course_pkg.cells import hidden
from course_pkg.decoding import greedy_search
from course_pkg.losses import softmax_cross_entropy
from course_pkg.tree import leaves, tree_map
from tests.package import torch_cells
from tests.package.helpers import length_mask, prove, rng_for, tensor, torch

F = torch.nn.functional
_DRAWN = np.random.default_rng(8).integers([1, 1, 1, 1, 1, 1, 1], [4, 5, 3, 3, 3, 4, 3], (18, 7))
SHAPES = [(1, 1, 1, 1, 1, 1, 1), (2, 4, 1, 2, 2, 3, 2), (3, 2, 2, 1, 1, 3, 1), (1, 3, 2, 2, 2, 1, 3)]
SHAPES += [tuple(map(int, row)) for row in _DRAWN]  # (B, T, rows of the grid, columns, E, H, A)
ALL, MEAN = "all features", "mean feature"
KINDS = [(ALL, "gru"), ("additive", "gru"), ("additive", "lstm"), ("general", "rnn"), (MEAN, "lstm"), ("dot", "gru")]
CASES = [(shape, *KINDS[k % len(KINDS)]) for k, shape in enumerate(SHAPES)]
V = 4


class Inputs(NamedTuple):
    p: cap.Captioner
    images: np.ndarray


def draw(shape, attention, cell):
    B, T, R, C, E, H, A = shape
    H = 4 if attention == "dot" else H  # a query is as long as a key: two features, row and column
    rng = rng_for(*shape)
    p = cap.init_captioner(rng, V, (2 * R, 2 * C, 1), ((2, 3), (2, 1)), E, H, A, cell, attention)
    p = tree_map(lambda w: w + 0.3 * rng.normal(size=w.shape), p)
    inputs, targets = rng.integers(0, V, (2, T, B))
    mask = length_mask(rng.integers(1, T + 1, B), T)
    return Inputs(p, rng.normal(size=(B, 2 * R, 2 * C, 1))), inputs, targets, mask


def loss_torch(v, inputs, targets, mask, attention, cell):
    """The whole model once more in torch, nothing of ours in it."""
    p, x = v.p, v.images.permute(0, 3, 1, 2)
    for k, conv in enumerate(p.encoder):
        x = torch.relu(F.conv2d(x, conv.W, conv.b, padding=conv.W.shape[-1] // 2))
        if k < len(p.encoder) - 1:
            x = F.max_pool2d(x, 2)
    B, K, R, C = x.shape
    features = x.permute(2, 3, 0, 1).reshape(R * C, B, K)
    rows, columns = (torch.linspace(-1, 1 if n > 1 else -1, n, dtype=x.dtype) for n in (R, C))
    places = torch.stack([rows.repeat_interleave(C), columns.repeat(R)], dim=-1)
    keys = torch.cat([features, places[:, None].expand(-1, B, -1)], dim=-1)
    summary = features.permute(1, 0, 2).reshape(B, -1) if attention == ALL else keys.mean(0)
    state, logits = torch.tanh(summary @ p.first.W.T + p.first.b), []
    H = state.shape[-1]
    if cell == "lstm":
        H = H // 2
        state = type("Pair", (tuple,), {"__new__": lambda cls, *a: tuple.__new__(cls, a)})(state[:, :H], state[:, H:])
    for t in range(len(inputs)):
        emb, h = p.embedding[tensor(inputs[t])], state[0] if cell == "lstm" else state
        read = []
        if attention not in (ALL, MEAN):
            if attention == "additive":
                e = torch.tanh(keys @ p.attention.W.T + h @ p.attention.U.T) @ p.attention.v  # (S, B)
            else:
                e = (keys * (h @ p.attention.W if attention == "general" else h)).sum(-1)
            read = [(torch.softmax(e, dim=0)[..., None] * keys).sum(0)]
        state = torch_cells.STEPS[cell](p.cell, torch.cat([emb, *read], dim=-1), state)
        h = state[0] if cell == "lstm" else state
        logits.append(torch.cat([h, *read], dim=-1) @ p.out.W.T + p.out.b)
    nats = F.cross_entropy(torch.stack(logits).permute(0, 2, 1), tensor(targets), reduction="none")
    return nats[tensor(mask)].mean()


@pytest.mark.parametrize("shape, attention, cell", CASES)
def test_gradients_of_all_weights_and_of_the_image(shape, attention, cell):
    v, inputs, targets, mask = draw(shape, attention, cell)
    loss, grads = cap.captioner_loss(*v, inputs, targets, mask, cell)
    run = cap.captioner_forward(*v, inputs, cell)
    dlogits = softmax_cross_entropy(run.logits, targets, mask)[1]
    full = Inputs(*cap.captioner_backward(v.p, inputs, run, dlogits, cell))
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(leaves(full.p), leaves(grads), strict=True))

    def in_torch(v):
        return loss_torch(v, inputs, targets, mask, attention, cell)

    prove(v, full, lambda v: cap.captioner_loss(*v, inputs, targets, mask, cell)[0], in_torch)


@pytest.mark.parametrize("attention, cell", KINDS)
def test_step_by_step_is_the_whole_caption(attention, cell):
    v, inputs, *_ = draw((3, 5, 2, 2, 2, 4, 3), attention, cell)
    run = cap.captioner_forward(*v, inputs, cell)
    state = cap.start_caption(*v, cell)
    assert not state.weights.any() and state.weights.shape == (3, 4)
    for t, y in enumerate(inputs):
        log_probs, state = cap.caption_step(v.p, state, y, cell)
        wanted = run.logits[t] - run.logits[t].max(axis=-1, keepdims=True)
        wanted = wanted - np.log(np.exp(wanted).sum(axis=-1, keepdims=True))
        assert np.allclose(log_probs, wanted, rtol=0, atol=1e-12)
        if cap.has_attention(v.p):
            assert np.allclose(state.weights, run.weights[t], rtol=0, atol=1e-13)
            assert np.allclose(state.weights.sum(axis=1), 1, rtol=0, atol=1e-13)
    assert np.allclose(hidden(state.state), hidden(run.states[-1]), rtol=0, atol=1e-13)
    assert (run.weights is None) is (attention in (ALL, MEAN)) is not cap.has_attention(v.p)


def test_a_search_finds_what_a_loop_finds():
    v, *_ = draw((3, 1, 2, 2, 2, 4, 3), "additive", "gru")
    found = greedy_search(
        lambda state, y: cap.caption_step(v.p, state, y), cap.start_caption(*v), np.zeros(3, int), 0, 6,
        weights_of=lambda state: state.weights,
    )  # fmt: skip
    state, y, words = cap.start_caption(*v), np.zeros(3, int), []
    for _ in range(6):
        log_probs, state = cap.caption_step(v.p, state, y)
        y = log_probs.argmax(axis=-1)
        words.append(y)
    for b, hypothesis in enumerate(found):
        n = len(hypothesis.tokens)
        assert hypothesis.tokens.tolist() == np.array(words)[:n, b].tolist() and hypothesis.weights.shape == (n, 4)


@pytest.mark.parametrize("attention", [ALL, MEAN, "additive", "dot"])
def test_images_of_a_batch_do_not_mix_and_padding_does_not_count(attention):
    v, inputs, targets, mask = draw((3, 4, 2, 2, 2, 4, 3), attention, "gru")
    run = cap.captioner_forward(*v, inputs)
    alone = cap.captioner_forward(v.p, v.images[1:2], inputs[:, 1:2])
    assert np.allclose(run.logits[:, 1:2], alone.logits, rtol=0, atol=1e-13)
    changed = np.where(mask, inputs, (inputs + 1) % V)
    losses = [cap.captioner_loss(*v, ids, targets, mask)[0] for ids in (inputs, changed)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-13)


def test_places_are_rows_and_columns_and_the_mean_does_not_see_order():
    assert cap.grid_places(3, 2).tolist() == [[-1, -1], [-1, 1], [0, -1], [0, 1], [1, -1], [1, 1]]
    for attention, same in (("additive", True), (MEAN, True), (ALL, False)):
        v, *_ = draw((1, 1, 2, 2, 1, 3, 2), attention, "gru")
        keys = cap.encode_image(v.p.encoder, v.images).keys
        assert keys.shape == (4, 1, 4)
        states = [cap.first_state(v.p, k) for k in (keys, keys[[1, 0, 3, 2]])]
        assert np.allclose(*states, rtol=0, atol=1e-14) is same


def test_refusals_and_precision():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="image must have sides that 4 divides"):
        cap.init_captioner(rng, V, (6, 8, 1))
    with pytest.raises(ValueError, match="attention must be one of"):
        cap.init_captioner(rng, V, (8, 8, 1), attention="hard")
    with pytest.raises(ValueError, match="E must be an integer >= 1, got 0"):
        cap.init_captioner(rng, V, (8, 8, 1), E=0)
    p = cap.init_captioner(rng, V, (8, 8, 1), dtype=np.float32)
    images = np.ones((2, 8, 8, 1), np.float32)
    ids = np.zeros((3, 2), int)
    with pytest.raises(ValueError, match=r"captioner_loss: inputs must be \(T, B\) with B=2 \(from images\)"):
        cap.captioner_loss(p, images, ids[:, :1], ids)
    with pytest.raises(ValueError, match=r"ids must be in 0..3 \(V=4"):
        cap.captioner_forward(p, images, ids + 5)
    loss, grads = cap.captioner_loss(p, images, ids, ids)
    assert {a.dtype for _, a in leaves(grads)} == {np.dtype("float32")}


@pytest.mark.parametrize("attention, cell", KINDS)
def test_weights_come_back_from_a_file(tmp_path, attention, cell):
    v, inputs, *_ = draw((2, 3, 2, 1, 2, 3, 2), attention, cell)
    p = tree_map(lambda w: w.astype(np.float16).astype(float), v.p)
    cap.save_captioner(tmp_path / "a.npz", p, tuple("abcd"), (4, 2, 1), cell)
    back, tokens, name = cap.load_captioner(tmp_path / "a.npz")
    assert tokens == tuple("abcd") and name == cell
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(leaves(back), leaves(p), strict=True))
    logits = [cap.captioner_forward(q, v.images, inputs, cell).logits for q in (p, back)]
    assert np.array_equal(*logits)


def test_files_that_do_not_fit_are_refused(tmp_path):
    v, *_ = draw((2, 3, 2, 1, 2, 3, 2), "additive", "gru")
    with pytest.raises(ValueError, match=r"tokens must be 4 \(from p.embedding\), got 3"):
        cap.save_captioner(tmp_path / "a.npz", v.p, tuple("abc"), (4, 2, 1))
    cap.save_captioner(tmp_path / "a.npz", v.p, tuple("abcd"), (4, 2, 1))
    with np.load(tmp_path / "a.npz") as file:
        good = {name: file[name] for name in file.files}
    nan = np.full_like(good["out.b"], np.nan)
    for change, said in [({"format": np.array(2)}, "must have format 1"), ({"out.b": good["out.b"][:2]}, "do not fit"),
                         ({"extra": np.ones(2)}, "do not fit"), ({"out.b": nan}, "finite weights")]:  # fmt: skip
        np.savez(tmp_path / "b.npz", **(good | change))
        with pytest.raises(ValueError, match=said):
            cap.load_captioner(tmp_path / "b.npz")

"""The network that fills in words: gradients by three oracles, and that no answer has seen its own word."""

import numpy as np
import pytest
import torch

from course_pkg.cloze import ClozeParams, cloze_logits, cloze_loss, contextual_vectors, init_cloze
from course_pkg.optim import Adam
from course_pkg.train import train
from course_pkg.tree import tree_map

from .helpers import length_mask, prove, rng_for, shape_id

SIZES = [(1, 1, 2, 1, 1), (2, 1, 3, 2, 1), (4, 3, 5, 2, 2), (5, 2, 4, 1, 3)]
SIZES += [tuple(int(n) for n in s) for s in np.random.default_rng(7).integers([1, 1, 2, 1, 1], [5, 4, 5, 4, 4],
                                                                             size=(16, 5))]  # fmt: skip


def params_for(rng, V, E, H):
    return tree_map(lambda v: v + 0.3 * rng.normal(size=v.shape), init_cloze(rng, V, E, H))


def lstm_in_torch(p, xs, mask):
    """Hidden states (T, B, H) of an LSTM with gates i, f, g, o, the state carried over where the mask is False."""
    H = p.W_h.shape[1]
    h = c = torch.zeros(xs.shape[1], H, dtype=xs.dtype)
    hs = []
    for x, real in zip(xs, torch.tensor(mask), strict=True):
        i, f, g, o = (x @ p.W_x.T + h @ p.W_h.T + p.b).split(H, dim=1)
        new_c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        new_h = torch.sigmoid(o) * torch.tanh(new_c)
        h, c = torch.where(real[:, None], new_h, h), torch.where(real[:, None], new_c, c)
        hs.append(h)
    return torch.stack(hs)


@pytest.mark.parametrize("size", SIZES, ids=shape_id)
def test_gradients_by_three_oracles(size):
    T, B, V, E, H = size
    rng = rng_for(*size)
    p, ids = params_for(rng, V, E, H), rng.integers(0, V, (T, B))
    lengths = rng.integers(1, T + 1, B)
    lengths[0] = T
    mask = length_mask(lengths, T)
    _, grads = cloze_loss(p, ids, mask)

    def in_torch(q):
        xs, zeros = q.words[ids], torch.zeros(1, B, H, dtype=torch.float64)
        ahead = lstm_in_torch(q.net.ahead, xs, mask)
        back = lstm_in_torch(q.net.back, xs.flip(0), mask[::-1].copy()).flip(0)
        beside = torch.cat([torch.cat([zeros, ahead[:-1]]), torch.cat([back[1:], zeros])], dim=-1)
        logits = beside @ q.out.W.T + q.out.b
        real = torch.tensor(mask)
        return torch.nn.functional.cross_entropy(logits[real], torch.tensor(ids)[real])

    prove(p, grads, lambda q: cloze_loss(q, ids, mask)[0], in_torch)


def test_an_answer_hangs_on_all_words_but_its_own():
    rng = np.random.default_rng(0)
    p, ids = params_for(rng, 6, 3, 4), rng.integers(0, 6, (5, 1))
    before = cloze_logits(p, ids)
    for t in range(5):
        other = ids.copy()
        other[t] = (other[t] + 1) % 6
        moved = np.abs(cloze_logits(p, other) - before).max(axis=(1, 2)) > 0
        assert moved.tolist() == [s != t for s in range(5)]


def test_a_word_in_its_place_hangs_on_all_words():
    rng = np.random.default_rng(0)
    p, ids = params_for(rng, 6, 3, 4), rng.integers(0, 6, (5, 1))
    other = ids.copy()
    other[4] = (other[4] + 1) % 6
    before, after = contextual_vectors(p, ids), contextual_vectors(p, other)
    assert np.array_equal(before[0, :, :4], after[0, :, :4])  # ahead: has not read it
    assert np.abs(before[0, :, 4:] - after[0, :, 4:]).max() > 1e-4  # back: has


def test_padding_changes_nothing():
    rng = np.random.default_rng(1)
    p, ids = params_for(rng, 5, 2, 3), rng.integers(0, 5, (6, 2))
    mask = length_mask([6, 4], 6)
    together = cloze_logits(p, ids, mask)
    assert np.allclose(together[:4, 1], cloze_logits(p, ids[:4, 1:])[:, 0], rtol=0, atol=1e-12)
    vectors = contextual_vectors(p, ids, mask)
    assert np.allclose(vectors[:4, 1], contextual_vectors(p, ids[:4, 1:])[:, 0], rtol=0, atol=1e-12)


def test_it_learns_a_word_that_both_sides_decide():
    """The middle of three is the larger of its neighbours: neither side alone tells it."""
    rng = np.random.default_rng(0)

    def batch(n):
        ends = rng.integers(0, 4, (2, n))
        return np.stack([ends[0], ends.max(axis=0), ends[1]])

    p, _ = train(init_cloze(rng, 4, 4, 8), cloze_loss, (batch(64) for _ in range(300)), Adam(2e-2))
    ids = batch(200)
    assert isinstance(p, ClozeParams)
    assert np.mean(cloze_logits(p, ids)[1].argmax(axis=-1) == ids[1]) > 0.95


def test_bad_input_is_refused():
    p = params_for(np.random.default_rng(0), 4, 2, 2)
    with pytest.raises(ValueError, match=r"ids must be in 0..3 \(V=4 from table\), got 4"):
        cloze_logits(p, np.full((2, 1), 4))
    with pytest.raises(ValueError, match=r"cloze_loss: mask must be \(T, B\) with T=2"):
        cloze_loss(p, np.zeros((2, 1), int), np.ones((3, 1), bool))
    with pytest.raises(ValueError, match="init_cloze: H must be an integer >= 1, got 0"):
        init_cloze(np.random.default_rng(0), 4, 2, 0)

"""Attention: five scores, weights under masks, contexts; each against three oracles."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_pkg.attention import (
    SCORES,
    GeneralParams,
    additive_scores,
    additive_scores_backward,
    as_concat,
    attend,
    attend_backward,
    concat_scores,
    concat_scores_backward,
    context,
    init_attention,
    masked_softmax,
    masked_softmax_backward,
    score_name,
)
from course_pkg.tree import count, leaves, tree_map
from tests.package.helpers import SHAPES, assert_close, prove, random_mask, rng_for, shape_id, tensor, torch


class Inputs(NamedTuple):
    p: Any
    query: np.ndarray  # (B, Q)
    keys: np.ndarray  # (S, B, K)


TORCH = {  # the equations once more, in torch, nothing of ours in them: (B, S)
    "additive": lambda p, s, h: torch.einsum(
        "sba,a->bs", torch.tanh(torch.nn.functional.linear(h, p.W) + torch.nn.functional.linear(s, p.U)), p.v
    ),
    "concat": lambda p, s, h: torch.stack(
        [torch.tanh(torch.cat([s, key], dim=1) @ p.W.T) @ p.v for key in h], dim=1
    ),
    "dot": lambda p, s, h: torch.stack([(s * key).sum(1) for key in h], dim=1),
    "general": lambda p, s, h: torch.stack([torch.nn.functional.bilinear(s, k, p.W[None])[:, 0] for k in h], dim=1),
    "scaled dot": lambda p, s, h: torch.stack([(s * k).sum(1) / k.shape[1] ** 0.5 for k in h], dim=1),
}


def draw(name, shape, rng):
    """Random inputs for (S, B, K, A); the query has A + 1 numbers where it may differ from the keys."""
    S, B, K, A = shape
    Q = K if "dot" in name else A + 1
    p = init_attention(rng, name, Q, K, A)
    return Inputs(tree_map(lambda w: rng.normal(size=w.shape), p), rng.normal(size=(B, Q)), rng.normal(size=(S, B, K)))


def torch_attend(name, inputs, mask):
    """Contexts by torch's own softmax over scores of minus infinity at padding."""
    scores = TORCH[name](*inputs)
    if mask is not None:
        scores = scores.masked_fill(~tensor(mask).T, -torch.inf)
    return torch.einsum("bs,sbk->bk", torch.softmax(scores, dim=1), inputs.keys)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_scores(name, shape):
    rng = rng_for(*shape)
    inputs = draw(name, shape, rng)
    scores, kept = SCORES[name].forward(*inputs)
    up = rng.normal(size=scores.shape)
    assert scores.shape == (shape[1], shape[0])
    prove(
        inputs,
        Inputs(*SCORES[name].backward(*inputs, kept, up)),
        lambda i: (SCORES[name].forward(*i)[0] * up).sum(),
        lambda i: (TORCH[name](*i) * tensor(up)).sum(),
    )


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_attend(name, masked, shape):
    rng = rng_for(*shape)
    inputs, mask = draw(name, shape, rng), random_mask(rng, *shape[:2]) if masked else None
    attended = attend(name, *inputs, mask)
    up = rng.normal(size=attended.context.shape)
    prove(
        inputs,
        Inputs(*attend_backward(name, *inputs, attended, up)),
        lambda i: (attend(name, *i, mask).context * up).sum(),
        lambda i: (torch_attend(name, i, mask) * tensor(up)).sum(),
    )
    again = attend(name, *inputs, mask, SCORES[name].project(inputs.p, inputs.keys))
    assert_close(again[:2], attended[:2], 1e-15, "projected before")


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_the_two_forms_of_additive_attention_are_one(shape):
    """v^T tanh(W h + U s) and v^T tanh([U | W] [s; h]): scores and all gradients."""
    rng = rng_for(*shape)
    p, query, keys = draw("additive", shape, rng)
    scores, hidden = additive_scores(p, query, keys)
    scores_c, hidden_c = concat_scores(as_concat(p), query, keys)
    assert_close((scores_c, hidden_c), (scores, hidden), 1e-13, "concat")
    up = rng.normal(size=scores.shape)
    dp, *rest = additive_scores_backward(p, query, keys, hidden, up)
    dp_c, *rest_c = concat_scores_backward(as_concat(p), query, keys, hidden_c, up)
    assert_close((dp_c, *rest_c), (as_concat(dp), *rest), 1e-13, "concat")


# ---- weights -----------------------------------------------------------------------------------------------------


@st.composite
def rows(draw_):
    """Scores (B, S) of any size up to `largest`, and a mask with something to look at in every row."""
    rng = np.random.default_rng(draw_(st.integers(0, 2**32 - 1)))
    B, S = draw_(st.integers(1, 5)), draw_(st.integers(1, 8))
    largest = draw_(st.sampled_from([1e-300, 1e-4, 1.0, 30.0, 1e4, 1e150, 1e300]))
    return rng.uniform(-largest, largest, (B, S)), random_mask(rng, S, B).T, rng


@given(rows(), st.floats(-1e300, 1e300))
def test_no_weight_on_padding_ever_and_rows_sum_to_one(row, padding):
    scores, mask, rng = row
    weights = masked_softmax(np.where(mask, scores, padding), mask)
    assert not weights[~mask].any() and (weights >= 0).all()
    assert np.abs(weights.sum(axis=-1) - 1).max() < 1e-14
    for b in range(len(scores)):  # each row is the softmax of what is real in it
        alone = masked_softmax(scores[b, mask[b]])
        assert np.abs(weights[b, mask[b]] - alone).max() < 1e-15
    assert not masked_softmax_backward(weights, rng.normal(size=scores.shape))[~mask].any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("gap", [1.0, 1e4])
def test_weights_at_scores_of_ten_thousand(dtype, gap):
    scores = np.array([[1e4, 1e4 - gap, -1e4], [-1e4, -1e4, -1e4]], dtype)
    weights = masked_softmax(scores)
    assert weights.dtype == dtype
    assert np.abs(weights.sum(axis=-1) - 1).max() < 4 * np.finfo(dtype).eps
    other = np.exp(-gap)  # 0.37, or 0 in any float
    wanted = [[1 / (1 + other), other / (1 + other), 0], [1 / 3] * 3]
    assert np.abs(weights - wanted).max() < 1e-6
    shifted = masked_softmax(scores + dtype(1e4))
    assert np.abs(shifted - weights).max() < 1e-6  # a constant changes nothing


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_weights_against_the_oracles(shape):
    rng = rng_for(*shape)

    class Scores(NamedTuple):
        scores: np.ndarray

    scores, mask = Scores(rng.normal(0, 2, shape[:3])), random_mask(rng, shape[2], shape[1]).T
    up = rng.normal(size=scores.scores.shape)
    prove(
        scores,
        Scores(masked_softmax_backward(masked_softmax(*scores, mask), up)),
        lambda i: (masked_softmax(*i, mask) * up).sum(),
        lambda i: (torch.softmax(i.scores.masked_fill(~tensor(mask), -torch.inf), -1) * tensor(up)).sum(),
    )


@pytest.mark.parametrize("name", SCORES)
@given(data=st.data())
def test_padding_never_changes_anything(name, data):
    """Longer by padding with any numbers in it: the same context, weights and gradients, and none at the padding."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    shape = tuple(data.draw(st.integers(1, 5)) for _ in range(4))
    inputs, extra = draw(name, shape, rng), data.draw(st.integers(1, 4))
    huge = np.full((extra, *inputs.keys.shape[1:]), data.draw(st.sampled_from([0.0, 1.0, -1e100, 1e100])))
    longer = inputs._replace(keys=np.concatenate([inputs.keys, huge]))
    mask = np.arange(shape[0] + extra)[:, None] < np.full(shape[1], shape[0])
    short, long = attend(name, *inputs), attend(name, *longer, mask)
    assert_close(long.context, short.context, 1e-13, "padding")
    assert_close(long.weights[:, : shape[0]], short.weights, 1e-13, "padding")
    assert not long.weights[:, shape[0] :].any()
    up = rng.normal(size=short.context.shape)
    dp, dquery, dkeys = attend_backward(name, *inputs, short, up)
    dp_long, dquery_long, dkeys_long = attend_backward(name, *longer, long, up)
    assert_close((dp_long, dquery_long, dkeys_long[: shape[0]]), (dp, dquery, dkeys), 1e-10, "padding")
    assert not dkeys_long[shape[0] :].any()


def test_a_single_key_gets_all_the_weight():
    inputs = draw("additive", (1, 3, 4, 2), rng_for(0))
    attended = attend("additive", *inputs)
    assert (attended.weights == 1).all() and np.array_equal(attended.context, inputs.keys[0])


def test_scaling_keeps_the_scores_near_one():
    """Random queries and keys: products of K numbers spread like sqrt(K), scaled ones like 1."""
    rng = rng_for(1)
    for K in (4, 64, 1024):
        query, keys = rng.normal(size=(50, K)), rng.normal(size=(20, 50, K))
        plain, scaled = (SCORES[name].forward(SCORES[name].params(), query, keys)[0] for name in ("dot", "scaled dot"))
        assert np.std(plain) == pytest.approx(np.sqrt(K), rel=0.1)
        assert_close(scaled * np.sqrt(K), plain, 1e-12, "scaled")


# ---- the contract ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(name, dtype):
    rng = rng_for(2)
    p = init_attention(rng, name, 4, 4, 3, dtype)
    query, keys = rng.normal(size=(2, 4)).astype(dtype), rng.normal(size=(5, 2, 4)).astype(dtype)
    attended = attend(name, p, query, keys, np.ones((5, 2), bool))
    grads = attend_backward(name, p, query, keys, attended, np.ones((2, 4), dtype))
    kept = SCORES[name].forward(p, query, keys)[1]
    plain = SCORES[name].backward(p, query, keys, kept, np.ones((2, 5), dtype))
    assert {array.dtype for _, array in leaves((p, *attended[:2], *grads, *plain))} == {np.dtype(dtype)}


def test_parameters_are_counted_and_known_by_their_class():
    rng, Q, K, A = rng_for(3), 3, 5, 4
    counts = {"additive": A * (Q + K + 1), "concat": A * (Q + K + 1), "dot": 0, "general": Q * K, "scaled dot": 0}
    assert {name: count(init_attention(rng, name, Q, K, A)) for name in SCORES} == counts
    assert [score_name(init_attention(rng, name, Q, K, A)) for name in SCORES] == list(SCORES)
    with pytest.raises(TypeError, match="^score_name: p must be one of AdditiveParams, .*, got tuple$"):
        score_name(())


def test_bad_input_is_refused():
    p, query, keys = draw("additive", (5, 2, 4, 3), rng_for(4))
    for call, said in (
        (lambda: attend("cosine", p, query, keys), "^attend: score must be one of 'additive', .*, got 'cosine'$"),
        (lambda: attend("additive", p, query, keys[:, :1]), r"^attend: keys must be .*B=2 \(from query\), got shape"),
        (lambda: attend("additive", p, query, keys, np.ones((2, 5), bool)), r"^attend: mask must be \(S, B\) with S=5"),
        (lambda: attend("additive", p, query, keys, np.zeros((5, 2), bool)), r"^masked_softmax: .* none in row \(0,"),
        (lambda: additive_scores(p, query[:, :2], keys), r"^additive_scores: query must be .* Q=4 \(from p.U\), got"),
        (lambda: additive_scores(p, query, keys[..., :2]), r"^additive_scores: keys must be .* K=4 \(from p.W\)"),
        (lambda: attend("dot", SCORES["dot"].params(), query[:, :3], keys), "^dot_scores: .* same size, got 3 and 4"),
        (lambda: attend("general", GeneralParams(np.ones((3, 4))), query, keys), "^dot_scores: .* got 4 and 3; "),
        (lambda: concat_scores(as_concat(p), query, keys[..., :3]), r"^concat_scores: p.W must be \(A, 7\)"),
        (lambda: masked_softmax(np.ones((2, 3)), np.ones(2, bool)), r"^masked_softmax: mask must "),
        (lambda: masked_softmax(np.array([1.0, np.nan])), "^masked_softmax: scores must be finite"),
        (lambda: masked_softmax_backward(np.ones((2, 3)), np.ones((1, 3))), "^masked_softmax_backward: dweights"),
        (lambda: init_attention(rng_for(0), "additive", 3, 0), "^init_attention: K must be an integer >= 1"),
        (lambda: context(np.ones((2, 3)), keys), r"^context: keys must be \(S, B, K\) with .*S=3 \(from weights\)"),
    ):
        with pytest.raises(ValueError, match=said):
            call()
    with pytest.raises(TypeError, match="^additive_scores: p must be a AdditiveParams, got GeneralParams$"):
        additive_scores(GeneralParams(np.ones((3, 4))), query, keys)
    with pytest.raises(TypeError, match="^masked_softmax: mask must be an array of booleans"):
        masked_softmax(np.ones(3), np.ones(3))

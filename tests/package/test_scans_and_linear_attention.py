"""Scans against loops, minGRU and linear attention in all their forms; gradients by three oracles."""

import math
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from course_pkg.cells import run, run_backward, unroll, unroll_backward
from course_pkg.linear_attention import (
    linear_attention_backward,
    linear_attention_chunked,
    linear_attention_parallel,
    linear_attention_recurrent,
)
from course_pkg.min_gru import MIN_GRU, MinGRUParams, init_min_gru, min_gru_backward, min_gru_forward, min_gru_step
from course_pkg.scans import (
    SCANS,
    combine,
    recurrence_scan,
    recurrence_scan_backward,
    recurrence_steps,
    scan_doubling,
    scan_pairs,
)
from tests.package.helpers import SHAPES, assert_close, prove, random_mask, rng_for, shape_id, tensor

LENGTHS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100]


@pytest.mark.parametrize("how", SCANS)
@pytest.mark.parametrize("T", LENGTHS)
def test_a_scan_is_the_loop(T, how):
    rng = np.random.default_rng(T)
    a, b, h0 = rng.uniform(-1.1, 1.1, (T, 2, 3)), rng.normal(size=(T, 2, 3)), rng.normal(size=(2, 3))
    for start in (None, h0):
        loop, scan = recurrence_steps(a, b, start), recurrence_scan(a, b, start, how)
        assert np.allclose(loop, scan, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("T", LENGTHS)
def test_rounds_and_work_are_as_promised(T):
    calls = []

    def counting(first, then):
        calls.append(len(first[0]))
        return combine(first, then)

    a, b = np.ones((2, T, 1))
    assert scan_doubling(a, b, counting)[1][-1, 0] == T  # with a = b = 1 it counts
    assert len(calls) == math.ceil(math.log2(T)) and sum(calls) <= T * math.ceil(math.log2(T))
    calls.clear()
    assert np.array_equal(scan_pairs(a, b, counting)[1][:, 0], np.arange(1, T + 1))
    assert sum(calls) < 2 * T and len(calls) <= 2 * math.log2(T)


def test_putting_steps_together_is_associative_and_not_commutative():
    x, y, z = np.random.default_rng(0).normal(size=(3, 2, 5))
    left, right = combine(combine(x, y), z), combine(x, combine(y, z))
    assert np.allclose(left, right, rtol=1e-13)
    assert not np.allclose(combine(x, y), combine(y, x))


class Recurrence(NamedTuple):
    a: Any
    b: Any
    h0: Any


@pytest.mark.parametrize("how", SCANS)
@pytest.mark.parametrize("seed", range(20))
def test_scan_gradients(seed, how):
    rng = np.random.default_rng(seed)
    T, n = int(rng.integers(1, 9)), int(rng.integers(1, 4))
    x = Recurrence(*rng.normal(size=(2, T, n)), rng.normal(size=n))
    up = rng.normal(size=(T, n))
    grads = Recurrence(*recurrence_scan_backward(x.a, recurrence_scan(*x, how), up, x.h0, how))

    def in_torch(y):
        h, total = y.h0, 0
        for t in range(T):
            h = y.a[t] * h + y.b[t]
            total = total + (h * tensor(up[t])).sum()
        return total

    prove(x, grads, lambda y: np.sum(recurrence_scan(*y, how) * up), in_torch)


class Reading(NamedTuple):
    p: MinGRUParams
    xs: Any
    h0: Any


def reading(shape):
    T, B, D, H = shape
    rng = rng_for(*shape)
    p = MinGRUParams(rng.normal(size=(H, D)), rng.normal(size=H), rng.normal(size=(H, D)), rng.normal(size=H))
    return Reading(p, rng.normal(size=(T, B, D)), rng.normal(size=(B, H))), random_mask(rng, T, B), rng


def torch_min_gru(x, mask):
    h, hs = x.h0, []
    for t in range(len(x.xs)):
        z = torch.sigmoid(torch.nn.functional.linear(x.xs[t], x.p.W_z, x.p.b_z))
        new = torch.lerp(h, torch.nn.functional.linear(x.xs[t], x.p.W_n, x.p.b_n), z)
        h = new if mask is None else torch.where(tensor(mask)[t, :, None], new, h)
        hs.append(h)
    return torch.stack(hs)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_min_gru_gradients(shape, masked):
    x, mask, rng = reading(shape)
    mask = mask if masked else None
    up = rng.normal(size=(shape[0], shape[1], shape[3]))
    hs = min_gru_forward(*x, mask)
    grads = Reading(*min_gru_backward(x.p, x.xs, hs, up, x.h0, mask))
    prove(
        x,
        grads,
        lambda y: np.sum(min_gru_forward(*y, mask) * up),
        lambda y: (torch_min_gru(y, mask) * tensor(up)).sum(),
    )


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_min_gru_by_scan_is_min_gru_step_by_step(shape, masked):
    (p, xs, h0), mask, rng = reading(shape)
    mask = mask if masked else None
    for start in (None, h0):
        states = unroll(MIN_GRU, p, xs, start, mask)
        result = run(MIN_GRU, p, xs, start, mask)
        assert np.allclose(np.stack(states[1:]), result.outputs, rtol=0, atol=1e-12)
        assert np.array_equal(result.last, result.outputs[-1])
        dhs, dlast = rng.normal(size=result.outputs.shape), rng.normal(size=h0.shape)
        by_scan = run_backward(MIN_GRU, p, xs, result, dhs, dlast, mask)
        direct = list(dhs)
        direct[-1] = direct[-1] + dlast
        by_steps = unroll_backward(MIN_GRU, p, xs, states, direct, mask)
        assert_close(tuple(by_scan), tuple(by_steps), 1e-10, "steps")
    assert run_backward(MIN_GRU, p, xs, result, dhs, None, mask)[1].shape == xs.shape


def test_min_gru_cannot_see_the_future():
    (p, xs, _), _, rng = reading((6, 2, 3, 4))
    changed = np.concatenate([xs[:3], rng.normal(size=xs[3:].shape)])
    assert np.allclose(min_gru_forward(p, xs)[:3], min_gru_forward(p, changed)[:3], rtol=0, atol=0)
    assert not np.allclose(min_gru_forward(p, xs)[3:], min_gru_forward(p, changed)[3:])


# ---- linear attention --------------------------------------------------------------------------------------------


class Asked(NamedTuple):
    qs: Any
    ks: Any
    vs: Any


def asked(seed):
    rng = np.random.default_rng(seed)
    T, B, K, U = (int(n) for n in rng.integers([2, 1, 2, 1], [9, 4, 5, 5]))  # at T=1 or K=1 queries do not matter
    return Asked(rng.normal(size=(T, B, K)), rng.normal(size=(T, B, K)), rng.normal(size=(T, B, U))), rng


@pytest.mark.parametrize("seed", range(20))
def test_three_forms_of_linear_attention_agree(seed):
    x, _ = asked(seed)
    parallel = linear_attention_parallel(*x)
    recurrent, last = linear_attention_recurrent(*x)
    assert np.allclose(parallel, recurrent, rtol=0, atol=1e-12)
    for chunk in (1, 2, 3, 5, 16):
        chunked, state = linear_attention_chunked(*x, chunk)
        assert np.allclose(parallel, chunked, rtol=0, atol=1e-12)
        assert_close(tuple(state), tuple(last), 1e-12, "state")


@pytest.mark.parametrize("T, K", [(1, 3), (4, 1)])
def test_one_step_or_one_number_a_key_leaves_the_query_no_say(T, K):
    rng = np.random.default_rng(0)
    x, up = Asked(*rng.normal(size=(3, T, 2, K))), rng.normal(size=(T, 2, K))
    other = x._replace(qs=rng.normal(size=(T, 2, K)))
    parallel = linear_attention_parallel(*x)
    for form in (linear_attention_recurrent, linear_attention_chunked):
        assert np.allclose(parallel, form(*other)[0], rtol=0, atol=1e-13)
    assert np.abs(linear_attention_backward(*x, up)[0]).max() < 1e-14


@pytest.mark.parametrize("cut", [1, 3, 7])
def test_linear_attention_goes_on_from_its_state(cut):
    rng = np.random.default_rng(0)
    x = Asked(*rng.normal(size=(3, 8, 2, 4)))
    head, tail = Asked(*(v[:cut] for v in x)), Asked(*(v[cut:] for v in x))
    first, state = linear_attention_recurrent(*head)
    for form in (linear_attention_recurrent, linear_attention_chunked):
        second, _ = form(*tail, state=state)
        assert np.allclose(np.concatenate([first, second]), linear_attention_parallel(*x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_linear_attention_gradients(seed):
    x, rng = asked(seed)
    up = rng.normal(size=x.vs.shape)

    def in_torch(y):
        q, k = (torch.nn.functional.elu(v) + 1 for v in (y.qs, y.ks))
        scores = torch.einsum("tbk,sbk->bts", q, k).tril()
        return (torch.einsum("bts,sbu->tbu", scores / scores.sum(-1, keepdim=True), y.vs) * tensor(up)).sum()

    grads = Asked(*linear_attention_backward(*x, up))
    prove(x, grads, lambda y: np.sum(linear_attention_parallel(*y) * up), in_torch)


def test_linear_attention_cannot_see_the_future():
    rng = np.random.default_rng(1)
    x = Asked(*rng.normal(size=(3, 8, 2, 4)))
    changed = Asked(*(np.concatenate([v[:5], rng.normal(size=v[5:].shape)]) for v in x))
    before, after = linear_attention_parallel(*x), linear_attention_parallel(*changed)
    assert np.array_equal(before[:5], after[:5]) and not np.allclose(before[5:], after[5:])


def test_refusals_say_what_is_wrong():
    a = np.ones((3, 2))
    with pytest.raises(ValueError, match=r"recurrence_scan: b must be \(3, 2\) \(from a\), got shape \(3, 1\)"):
        recurrence_scan(a, np.ones((3, 1)))
    with pytest.raises(ValueError, match=r"recurrence_steps: h0 must be \(2,\) \(from a\), got shape \(3,\)"):
        recurrence_steps(a, a, np.ones(3))
    with pytest.raises(ValueError, match="how must be one of 'doubling', 'pairs', got 'tree'"):
        recurrence_scan(a, a, how="tree")
    with pytest.raises(ValueError, match=r"a must be \(T, ...\) with T >= 1, got shape \(0, 2\)"):
        recurrence_scan(a[:0], a[:0])
    with pytest.raises(ValueError, match="dhs must be"):
        recurrence_scan_backward(a, a, a[:2])
    p = init_min_gru(np.random.default_rng(0), 2, 3)
    with pytest.raises(ValueError, match=r"min_gru_step: x must be \(B, D\) with D=2 \(from p.W_z\)"):
        min_gru_step(p, np.ones((1, 4)), np.ones((1, 3)))
    with pytest.raises(ValueError, match="chunk must be an integer >= 1, got 0"):
        linear_attention_chunked(*np.ones((3, 2, 2, 2)), chunk=0)
    assert np.all(np.diff(init_min_gru(np.random.default_rng(0), 2, 3).b_z) > 0)

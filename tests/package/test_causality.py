"""Every causal layer of the package: changing the future never changes the past, to the last bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_pkg.bidirectional import bidirectional, init_bidirectional
from course_pkg.causal_conv import conv_forward, init_conv
from course_pkg.cells import CELLS, run
from course_pkg.jordan import init_jordan, jordan_forward
from course_pkg.stacked import init_stacked, stacked_forward
from course_pkg.tcn import init_tcn, tcn_forward
from course_pkg.tcn_fast import tcn_forward_fast
from course_pkg.tree import tree_map

D, H = 3, 4


def noisy(rng, tree):
    """Random parameters, biases too."""
    return tree_map(lambda a: rng.normal(0, 0.5, a.shape), tree)


def cell(name):
    return lambda rng: noisy(rng, CELLS[name].init(rng, D, H)), lambda p, xs: run(CELLS[name], p, xs).outputs


def stack(name):
    def outputs(p, xs):
        return stacked_forward(CELLS[name], p, xs).outputs

    return lambda rng: noisy(rng, init_stacked(CELLS[name], rng, D, H, 2)), outputs


LAYERS = {
    **{name: cell(name) for name in CELLS},
    **{f"stacked {name}": stack(name) for name in ("rnn", "lstm", "gru")},
    "jordan": (lambda rng: noisy(rng, init_jordan(rng, D, H, 2)), lambda p, xs: jordan_forward(p, xs).logits),
    **{f"causal convolution, dilation {d}": (lambda rng: noisy(rng, init_conv(rng, D, H, 3)),
                                             lambda p, xs, d=d: conv_forward(p, xs, d)) for d in (1, 2, 5)},
    "tcn": (lambda rng: noisy(rng, init_tcn(rng, D, H, 3, 3)), lambda p, xs: tcn_forward(p, xs)[-1].y),
    "tcn, fast": (lambda rng: noisy(rng, init_tcn(rng, D, H, 3, 3)), lambda p, xs: tcn_forward_fast(p, xs).ys),
}  # fmt: skip


def first_change(init, outputs, T, now, seed):
    """The first step whose output changes when the inputs after step `now` do; T if none does."""
    rng = np.random.default_rng([seed, T, now])
    p, xs = init(rng), rng.normal(size=(T, 2, D))
    other = xs.copy()
    other[now:] += rng.choice([-1, 1], other[now:].shape) * rng.uniform(0.5, 5, other[now:].shape)
    changed = (outputs(p, xs) != outputs(p, other)).any(axis=(1, 2))  # to the last bit
    return int(np.argmax(changed)) if changed.any() else T


@pytest.mark.parametrize("name", LAYERS)
@given(T=st.integers(1, 12), cut=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
def test_the_future_never_changes_the_past(name, T, cut, seed):
    now = round(cut * (T - 1))
    assert first_change(*LAYERS[name], T, now, seed) >= now


@pytest.mark.parametrize("name", LAYERS)
def test_and_what_is_now_does_change(name):
    """Else a layer that ignores its input would pass."""
    found = [first_change(*LAYERS[name], 9, now, seed) == now for now in (0, 3, 8) for seed in range(5)]
    assert np.mean(found) > 0.8  # a ReLU may be shut


def test_a_layer_that_reads_the_future_is_caught():
    """Both directions together are not causal; neither is a convolution that is padded at both ends."""
    layer = bidirectional(CELLS["gru"])
    both = lambda rng: noisy(rng, init_bidirectional(CELLS["gru"], rng, D, H)), lambda p, xs: run(layer, p, xs).outputs
    assert first_change(*both, 9, 5, 0) < 5

    def centred(p, xs):
        return conv_forward(p, np.concatenate([xs[1:], np.zeros_like(xs[:1])]), 1)

    assert first_change(lambda rng: noisy(rng, init_conv(rng, D, H, 3)), centred, 9, 5, 0) == 4

"""What must hold for any lengths, sizes and values; hypothesis looks for the ones where it does not."""

from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from course_pkg.cells import CELLS, unroll
from course_pkg.data.batches import one_hot, pad_sequences
from course_pkg.dense import DenseParams
from course_pkg.jordan import JordanParams, init_jordan, jordan_backward, jordan_forward
from course_pkg.losses import softmax_cross_entropy
from course_pkg.rnn import RNNParams, init_rnn, rnn_backward, rnn_forward
from course_pkg.rnn_fast import rnn_backward_fast, rnn_forward_fast
from course_pkg.sequence_models import (
    EncoderDecoder,
    OneToMany,
    ReadoutRNN,
    aligned_logits,
    aligned_loss,
    encoder_decoder_loss,
    init_readout_rnn,
    many_to_one_loss,
    one_to_many_loss,
)
from course_pkg.tree import add, count, scale
from tests.package.helpers import assert_close

FORMS = st.sampled_from([(rnn_forward, rnn_backward), (rnn_forward_fast, rnn_backward_fast)])
PADDING = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300),
    st.sampled_from([1e300, -1e300, 5e-324, 0.0]),
)
POOLS = st.sampled_from(["last", "mean", "max"])


class Problem(NamedTuple):
    """Sequences of several lengths, with everything that any of the models needs."""

    rng: np.random.Generator
    lengths: list[int]
    D: int
    H: int
    V: int

    @property
    def B(self):
        return len(self.lengths)

    def sequences(self, size):
        return [self.rng.normal(size=(n, size)) for n in self.lengths]

    def labels(self):
        return [self.rng.integers(0, self.V, n) for n in self.lengths]

    def rnn(self, size):
        H = self.H
        return RNNParams(
            self.rng.normal(size=(H, size)), self.rng.normal(size=(H, H)) / np.sqrt(H), self.rng.normal(size=H)
        )

    def dense(self, n_in, n_out):
        return DenseParams(self.rng.normal(size=(n_out, n_in)), self.rng.normal(size=n_out))

    def jordan(self):
        shapes = ((self.H, self.D), (self.H, self.V), (self.H,), (self.V, self.H), (self.V,))
        return JordanParams(*(self.rng.normal(size=shape) for shape in shapes))

    def readout(self):
        return ReadoutRNN(self.rnn(self.D), self.dense(self.H, self.V))


@st.composite
def problems(draw, max_sequences=4, max_length=6):
    sizes = st.integers(1, 4)
    return Problem(
        np.random.default_rng(draw(st.integers(0, 2**32 - 1))),
        draw(st.lists(st.integers(1, max_length), min_size=1, max_size=max_sequences)),
        draw(sizes),
        draw(sizes),
        draw(st.integers(2, 4)),
    )


def padded(sequences, value=0.0, more=0):
    """xs and mask with `more` steps than the longest sequence has, filled up with `value`."""
    batch = pad_sequences(sequences)
    xs = np.concatenate([batch.xs, np.zeros((more, *batch.xs.shape[1:]), batch.xs.dtype)])
    mask = np.concatenate([batch.mask, np.zeros((more, len(sequences)), bool)])
    xs[~mask] = value
    return xs, mask


# ---- padding never changes a result: a padded batch equals its sequences one by one, without a mask --------------


@given(problems(), PADDING, st.integers(0, 3), FORMS)
def test_states_and_gradients_of_a_padded_batch_are_those_of_each_sequence_alone(problem, value, more, form):
    forward, backward = form
    p, sequences, h0 = (
        problem.rnn(problem.D),
        problem.sequences(problem.D),
        problem.rng.normal(size=(problem.B, problem.H)),
    )
    xs, mask = padded(sequences, value, more)
    hs = forward(p, xs, h0, mask)
    upstream = problem.rng.normal(size=hs[1:].shape) * mask[..., None]
    dp, dxs, dh0 = backward(p, xs, hs, upstream, mask)
    total = None
    for b, (sequence, n) in enumerate(zip(sequences, problem.lengths, strict=True)):
        alone = forward(p, sequence[:, None], h0[b : b + 1])
        assert_close(hs[: n + 1, b], alone[:, 0], 1e-13, "padding")
        assert np.array_equal(hs[n + 1 :, b], np.broadcast_to(hs[n, b], hs[n + 1 :, b].shape))  # carried over
        dp_b, dxs_b, dh0_b = backward(p, sequence[:, None], alone, upstream[:n, b : b + 1])
        assert_close((dxs[:n, b], dh0[b]), (dxs_b[:, 0], dh0_b[0]), 1e-12, "padding")
        assert not dxs[n:, b].any()
        total = dp_b if total is None else add(total, dp_b)
    assert_close(dp, total, 1e-12, "padding")


@given(problems(), PADDING, st.integers(0, 3), POOLS)
def test_many_to_one_on_a_padded_batch_is_the_mean_over_its_sequences(problem, value, more, pool):
    params, sequences = problem.readout(), problem.sequences(problem.D)
    targets = problem.rng.integers(0, problem.V, problem.B)
    xs, mask = padded(sequences, value, more)
    loss, grads = many_to_one_loss(params, xs, targets, mask, pool)
    alone = [many_to_one_loss(params, s[:, None], targets[b : b + 1], None, pool) for b, s in enumerate(sequences)]
    assert_mean((loss, grads), alone, [1] * problem.B)


@given(problems(), PADDING, st.integers(0, 3))
def test_aligned_on_a_padded_batch_is_the_mean_over_all_real_steps(problem, value, more):
    params, sequences, labels = problem.readout(), problem.sequences(problem.D), problem.labels()
    xs, mask = padded(sequences, value, more)
    targets, _ = padded(labels, problem.V - 1, more)  # under padding any valid token will do
    alone = [aligned_loss(params, s[:, None], y[:, None]) for s, y in zip(sequences, labels, strict=True)]
    assert_mean(aligned_loss(params, xs, targets, mask), alone, problem.lengths)


@given(problems(), PADDING, st.integers(0, 3))
def test_one_to_many_on_a_padded_batch_is_the_mean_over_all_real_steps(problem, value, more):
    params = OneToMany(problem.dense(problem.D, problem.H), problem.rnn(problem.V), problem.dense(problem.H, problem.V))
    x, labels = problem.rng.normal(size=(problem.B, problem.D)), problem.labels()
    before = [one_hot(problem.rng.integers(0, problem.V, n), problem.V) for n in problem.lengths]
    inputs, mask = padded(before, value, more)
    targets, _ = padded(labels, 0, more)
    alone = [one_to_many_loss(params, x[b : b + 1], before[b][:, None], labels[b][:, None]) for b in range(problem.B)]
    assert_mean(one_to_many_loss(params, x, inputs, targets, mask), alone, problem.lengths)


@given(problems(), PADDING, st.integers(0, 3), st.integers(0, 3))
def test_encoder_decoder_on_padded_batches_is_the_mean_over_all_real_steps(problem, value, more, more_targets):
    params = EncoderDecoder(problem.rnn(problem.D), problem.rnn(problem.V), problem.dense(problem.H, problem.V))
    sequences = problem.sequences(problem.D)
    written = problem._replace(lengths=list(problem.rng.integers(1, 5, problem.B)))  # its lengths are others
    labels, before = written.labels(), [one_hot(y, problem.V) for y in written.labels()]
    (xs, mask), (inputs, target_mask) = padded(sequences, value, more), padded(before, value, more_targets)
    targets, _ = padded(labels, 0, more_targets)
    alone = [
        encoder_decoder_loss(params, sequences[b][:, None], before[b][:, None], labels[b][:, None])
        for b in range(problem.B)
    ]
    together = encoder_decoder_loss(params, xs, inputs, targets, mask, target_mask)
    assert_mean(together, alone, written.lengths)


@given(problems(), PADDING, st.integers(0, 3), st.sampled_from(["softmax", "sigmoid", "identity"]))
def test_a_jordan_net_on_a_padded_batch_does_what_it_does_on_each_sequence(problem, value, more, output):
    p, sequences = problem.jordan(), problem.sequences(problem.D)
    xs, mask = padded(sequences, value, more)
    states = jordan_forward(p, xs, None, mask, output)
    upstream = problem.rng.normal(size=states.logits.shape)  # padded steps too: there it must not count
    dp, dxs, _ = jordan_backward(p, xs, states, upstream, mask, output)
    total = None
    for b, (sequence, n) in enumerate(zip(sequences, problem.lengths, strict=True)):
        alone = jordan_forward(p, sequence[:, None], None, None, output)
        assert_close(states.logits[:n, b], alone.logits[:, 0], 1e-11, "padding, Jordan")
        dp_b, dxs_b, _ = jordan_backward(p, sequence[:, None], alone, upstream[:n, b : b + 1], None, output)
        assert_close(dxs[:n, b], dxs_b[:, 0], 1e-10, "padding, Jordan")
        assert not dxs[n:, b].any()
        total = dp_b if total is None else add(total, dp_b)
    assert_close(dp, total, 1e-10, "padding, Jordan")


def assert_mean(together, alone, weights):
    """(loss, grads) equals the mean of the pairs `alone`, weighted."""
    loss, grads = together
    shares = np.array(weights) / sum(weights)
    assert abs(loss - sum(share * a for share, (a, _) in zip(shares, alone, strict=True))) < 1e-12 * max(1, loss)
    total = scale(alone[0][1], shares[0])
    for share, (_, grad) in zip(shares[1:], alone[1:], strict=True):
        total = add(total, scale(grad, share))
    assert_close(grads, total, 1e-11, "padding")


# ---- the order of the batch does not matter ----------------------------------------------------------------------


@given(problems(), FORMS)
def test_permuting_the_batch_permutes_states_and_input_gradients_and_leaves_the_rest(problem, form):
    forward, backward = form
    p, (xs, mask) = problem.rnn(problem.D), padded(problem.sequences(problem.D))
    h0, order = problem.rng.normal(size=(problem.B, problem.H)), problem.rng.permutation(problem.B)
    upstream = problem.rng.normal(size=(len(xs), problem.B, problem.H))
    hs = forward(p, xs, h0, mask)
    moved = forward(p, xs[:, order], h0[order], mask[:, order])
    assert_close(moved, hs[:, order], 1e-13, "batch order")
    dp, dxs, dh0 = backward(p, xs, hs, upstream, mask)
    grads = backward(p, xs[:, order], moved, upstream[:, order], mask[:, order])
    assert_close(grads, (dp, dxs[:, order], dh0[order]), 1e-12, "batch order")


@given(problems(), POOLS)
def test_permuting_the_batch_leaves_losses_and_parameter_gradients(problem, pool):
    params, (xs, mask) = problem.readout(), padded(problem.sequences(problem.D))
    labels, (targets, _) = problem.rng.integers(0, problem.V, problem.B), padded(problem.labels(), 0)
    order = problem.rng.permutation(problem.B)
    one = many_to_one_loss(params, xs, labels, mask, pool)
    assert_mean(many_to_one_loss(params, xs[:, order], labels[order], mask[:, order], pool), [one], [1])
    one = aligned_loss(params, xs, targets, mask)
    assert_mean(aligned_loss(params, xs[:, order], targets[:, order], mask[:, order]), [one], [1])


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 6))
def test_cross_entropy_does_not_see_the_order_of_its_rows(seed, V, rows):
    rng = np.random.default_rng(seed)
    logits, targets, order = rng.normal(0, 5, (rows, V)), rng.integers(0, V, rows), rng.permutation(rows)
    loss, dlogits = softmax_cross_entropy(logits, targets)
    moved_loss, moved = softmax_cross_entropy(logits[order], targets[order])
    assert abs(loss - moved_loss) < 1e-13 * max(1, loss) and np.array_equal(moved, dlogits[order])


# ---- the same parameters for any number of steps -----------------------------------------------------------------


@given(problems(), st.integers(1, 40), st.integers(1, 40))
def test_parameters_and_their_gradients_have_one_size_for_sequences_of_any_length(problem, T1, T2):
    rng, D, H, V = problem.rng, problem.D, problem.H, problem.V
    params, sizes = init_readout_rnn(rng, D, H, V), set()
    for T in (T1, T2):
        _, grads = many_to_one_loss(params, rng.normal(size=(T, 2, D)), rng.integers(0, V, 2))
        sizes.add(count(grads))
    assert sizes == {count(params)} == {H * D + H * H + H + V * H + V}
    p, jordan = init_rnn(rng, D, H), init_jordan(rng, D, H, V)
    assert count(p) == H * (D + H + 1) and count(jordan) == H * (D + V + 1) + V * (H + 1)
    for T in (T1, T2):
        assert len(rnn_forward(p, rng.normal(size=(T, 1, D)))) == T + 1
        assert len(jordan_forward(jordan, rng.normal(size=(T, 1, D))).logits) == T


# ---- a sequence cut in two, the state carried over, is the whole sequence ----------------------------------------


@given(problems(), st.data(), FORMS)
def test_splitting_a_sequence_and_carrying_the_state_is_running_it_whole(problem, data, form):
    forward, backward = form
    p, (xs, mask) = problem.rnn(problem.D), padded(problem.sequences(problem.D), 0.0, 2)
    cut = data.draw(st.integers(1, len(xs) - 1))
    h0, upstream = (
        problem.rng.normal(size=(problem.B, problem.H)),
        problem.rng.normal(size=(len(xs), problem.B, problem.H)),
    )
    hs = forward(p, xs, h0, mask)
    first = forward(p, xs[:cut], h0, mask[:cut])
    second = forward(p, xs[cut:], first[-1], mask[cut:])
    assert_close(np.concatenate([first, second[1:]]), hs, 1e-14, "splitting")
    dp2, dxs2, dh = backward(p, xs[cut:], second, upstream[cut:], mask[cut:])
    upstream_first = upstream[:cut].copy()
    upstream_first[-1] += dh  # what the second half tells the first goes through the state between them
    dp1, dxs1, dh0 = backward(p, xs[:cut], first, upstream_first, mask[:cut])
    whole = backward(p, xs, hs, upstream, mask)
    assert_close((add(dp1, dp2), np.concatenate([dxs1, dxs2]), dh0), whole, 1e-12, "splitting")


@given(problems(), st.data())
def test_splitting_holds_for_unroll_jordan_and_the_read_out_too(problem, data):
    params, p, (xs, mask) = problem.readout(), problem.jordan(), padded(problem.sequences(problem.D), 0.0, 2)
    cut = data.draw(st.integers(1, len(xs) - 1))
    halves = slice(0, cut), slice(cut, None)
    states = unroll(CELLS["rnn"], params.rnn, xs, None, mask)
    first = unroll(CELLS["rnn"], params.rnn, xs[:cut], None, mask[:cut])
    second = unroll(CELLS["rnn"], params.rnn, xs[cut:], first[-1], mask[cut:])
    assert_close(tuple(first + second[1:]), tuple(states), 1e-15, "splitting")
    logits, state = [], None
    for half in halves:
        logits.append(aligned_logits(params, xs[half], mask[half], state))
        state = states[cut]
    assert_close(np.concatenate(logits), aligned_logits(params, xs, mask), 1e-13, "splitting")
    whole, y, pieces = jordan_forward(p, xs, None, mask), None, []
    for half in halves:
        pieces.append(jordan_forward(p, xs[half], y, mask[half]))
        y = pieces[-1].ys[-1]
    assert_close(np.concatenate([piece.logits for piece in pieces]), whole.logits, 1e-14, "splitting")


@given(problems(max_sequences=1), st.floats(-1e6, 1e6), st.sampled_from(["float32", "float64"]))
def test_padding_and_unpadding_give_the_sequences_back(problem, value, dtype):
    lengths = [*problem.lengths, *problem.rng.integers(1, 6, 3)]
    sequences = [problem.rng.normal(size=(n, problem.D)).astype(dtype) for n in lengths]
    xs, mask, found = pad_sequences(sequences, value)
    assert xs.dtype == dtype and found.tolist() == [len(s) for s in sequences]
    for b, sequence in enumerate(sequences):
        assert np.array_equal(xs[mask[:, b], b], sequence)
        assert np.all(xs[~mask[:, b], b] == np.array(value, dtype))

"""Padding, masks, one-hot vectors, vocabularies, and batches by the seed."""

import numpy as np
import pytest

from course_pkg.data.batches import iterate_batches, one_hot, pad_sequences
from course_pkg.data.vocabulary import Vocabulary


def test_padding_stands_at_the_end_and_the_mask_says_where():
    a, b = np.arange(6.0).reshape(3, 2), np.full((1, 2), 7.0)
    batch = pad_sequences([a, b], value=-1)
    assert batch.xs.shape == (3, 2, 2)
    assert np.array_equal(batch.xs[:, 0], a)
    assert np.array_equal(batch.xs[:, 1], [[7, 7], [-1, -1], [-1, -1]])
    assert np.array_equal(batch.mask, [[True, True], [True, False], [True, False]])
    assert np.array_equal(batch.lengths, [3, 1]) and np.array_equal(batch.mask.sum(axis=0), batch.lengths)


def test_tokens_pad_to_two_axes_and_keep_their_dtype():
    batch = pad_sequences([np.array([4, 5]), np.array([6])])
    assert batch.xs.dtype.kind == "i" and np.array_equal(batch.xs, [[4, 6], [5, 0]])
    assert pad_sequences([np.ones((2, 3), np.float32)]).xs.dtype == np.float32


def test_one_hot():
    assert np.array_equal(one_hot(np.array([[2, 0]]), 3), [[[0, 0, 1], [1, 0, 0]]])
    assert one_hot(np.array([1]), 2, np.float32).dtype == np.float32
    ids = np.random.default_rng(0).integers(0, 7, (4, 3))
    assert np.array_equal(one_hot(ids, 7).argmax(axis=-1), ids)


def sequences_of(lengths):
    return [np.full((n, 2), float(i)) for i, n in enumerate(lengths)]


@pytest.mark.parametrize("bucket", [True, False])
@pytest.mark.parametrize("size", [1, 3, 4, 100])
def test_an_epoch_shows_every_sequence_once_with_its_own_target(bucket, size):
    lengths = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3]
    batches = list(
        iterate_batches(np.random.default_rng(0), sequences_of(lengths), np.arange(10) * 10, size, 2, bucket)
    )
    per_epoch = -(-10 // size)
    assert len(batches) == 2 * per_epoch
    for epoch in (batches[:per_epoch], batches[per_epoch:]):
        seen = []
        for (xs, mask, found), targets in epoch:
            which = xs[0, :, 0].astype(int)
            assert np.array_equal(targets, which * 10)
            assert np.array_equal(found, np.array(lengths)[which])
            assert np.array_equal(mask.sum(axis=0), found) and len(xs) == found.max()
            seen += which.tolist()
        assert sorted(seen) == list(range(10))


def test_the_seed_decides_the_order_and_epochs_differ():
    def order(seed):
        batches = iterate_batches(np.random.default_rng(seed), sequences_of([2] * 12), np.arange(12), 4, 2)
        return [tuple(targets) for _, targets in batches]

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert order(1)[:3] != order(1)[3:]


def test_sequences_of_one_length_meet_others_in_every_epoch():
    batches = list(iterate_batches(np.random.default_rng(0), sequences_of([2] * 12), np.arange(12), 4, 2))
    groups = [{frozenset(targets.tolist()) for _, targets in epoch} for epoch in (batches[:3], batches[3:])]
    assert not groups[0] & groups[1]


def test_buckets_waste_less_on_padding():
    lengths = np.random.default_rng(0).integers(1, 50, 200)

    def padded(bucket):
        batches = iterate_batches(np.random.default_rng(0), sequences_of(lengths), lengths, 20, 1, bucket)
        return sum(int((~batch.mask).sum()) for batch, _ in batches)

    assert padded(True) < 0.2 * padded(False)


def test_one_target_a_step_is_padded_with_its_sequence():
    sequences, targets = sequences_of([3, 1, 2]), [np.array([1, 2, 3]), np.array([4]), np.array([5, 6])]
    [((xs, mask, _), ys)] = iterate_batches(np.random.default_rng(0), sequences, targets, 3)
    assert ys.shape == mask.shape == (3, 3)
    for b, which in enumerate(xs[0, :, 0].astype(int)):
        assert np.array_equal(ys[mask[:, b], b], targets[which])


def test_vocabulary_numbers_tokens_by_first_occurrence_and_back():
    vocabulary = Vocabulary("hello world")
    assert vocabulary.tokens == ("h", "e", "l", "o", " ", "w", "r", "d") and len(vocabulary) == 8
    ids = vocabulary.encode("low")
    assert np.array_equal(ids, [2, 3, 5]) and ids.dtype.kind == "i"
    assert "".join(vocabulary.decode(ids)) == "low"
    assert vocabulary.encode("").shape == (0,)

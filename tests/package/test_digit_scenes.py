"""Scenes of digits and their captions: what is true is said, what is said is true, and the test is kept apart."""

import numpy as np
import pytest

from course_pkg.data import digit_scenes as ds

PLACES = {
    "to the left of": (8, 2), "to the right of": (8, 14), "above": (0, 8), "below": (16, 8),
}  # fmt: skip


def scene(labels, places):
    return ds.compose(np.ones((len(labels), 8, 8)), np.array(labels), np.array(places))


@pytest.fixture(scope="module")
def pools():
    return ds.digit_pools()


@pytest.mark.parametrize("name", ds.RELATIONS)
def test_a_relation_and_its_opposite(name):
    centre = (8, 8) if name in ("above", "below") else (8, 8 + 2 * (1 if "left" in name else -1))
    opposite = ds.RELATIONS[ds.RELATIONS.index(name) ^ 1]
    assert ds.relation(PLACES[name], centre) == name and ds.relation(centre, PLACES[name]) == opposite


@pytest.mark.parametrize("b, clear", [((0, 7), 0), ((0, 8), 1), ((5, 8), 1), ((6, 8), 0), ((9, 9), 0)])
def test_a_relation_is_clear_or_none(b, clear):
    assert (ds.relation((0, 0), b) is not None) is bool(clear)
    assert (ds.relation(b, (0, 0)) is not None) is bool(clear)


def test_captions_of_a_scene_one_can_see():
    assert ds.true_captions(scene([7], [(3, 5)])) == ["a seven"]
    two = scene([7, 3], [(0, 0), (2, 12)])
    assert ds.true_captions(two) == ["a seven to the left of a three", "a three to the right of a seven"]
    assert ds.true_captions(scene([8], [(3, 5)])) == ["an eight"] and ds.caption_words("an eight") == ["a", "eight"]
    assert ds.as_caption(ds.WORDS.encode(["a", "eight", "above", "a", "six", ds.END])) == "an eight above a six"
    three = scene([7, 3, 9], [(0, 0), (2, 12), (14, 0)])  # 3 and 9 are diagonal: only the seven may begin
    assert ds.true_captions(three) == [
        "a seven to the left of a three and above a nine",
        "a seven above a nine and to the left of a three",
    ]


def test_verdicts():
    two = scene([7, 3], [(0, 0), (2, 12)])
    assert ds.judge("a three to the right of a seven", two) == (True, True)
    assert ds.judge("a seven to the right of a three", two) == (True, False)
    assert ds.judge("a seven to the left of a two", two) == (False, False)
    assert ds.judge("a seven", two) == ds.judge("", two) == (False, False)
    assert ds.judge("a seven to the left of a three and above a three", two) == (False, False)
    twins = scene([4, 4], [(0, 0), (2, 12)])
    assert ds.judge("a four to the left of a four", twins) == (True, True)
    assert ds.judge("a four", twins) == (False, False)


def test_training_and_test_digits_are_apart(pools):
    train, test = ({image.tobytes() for image in pool.images} for pool in pools)
    assert len(pools[0].labels) == 1437 and len(pools[1].labels) == 360 and not train & test
    assert set(pools[1].labels.tolist()) == set(range(10))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_scenes_hold_what_they_promise(pools, n):
    rng = np.random.default_rng(n)
    for s in ds.draw_scenes(rng, pools[1], 200, n):
        assert not ds.has_held_out_pair(s.labels) and s.image.shape == (24, 24) and len(s.labels) == n
        boxes = np.zeros((24, 24), int)
        for row, column in s.places:
            boxes[row : row + 8, column : column + 8] += 1
        assert boxes.max() == 1 and boxes.sum() == 64 * n  # no digit touches another's box or the edge
        assert not s.image[boxes == 0].any()
        assert ds.true_captions(s) and all(ds.judge(c, s).whole for c in ds.true_captions(s))
        known = {image.tobytes() for image in pools[1].images}
        assert all(s.image[r : r + 8, c : c + 8].tobytes() in known for r, c in s.places)
    for s in ds.draw_scenes(rng, pools[1], 50, max(n, 2), "held out"):
        assert ds.has_held_out_pair(s.labels)


def test_a_caption_is_false_of_the_mirrored_scene(pools):
    for s in ds.draw_scenes(np.random.default_rng(0), pools[0], 100, 2):
        mirrored = s._replace(places=16 - s.places)
        assert not set(ds.true_captions(s)) & set(ds.true_captions(mirrored)) or s.labels[0] == s.labels[1]


def test_shares_of_scenes_and_every_word_occurs(pools):
    scenes = ds.draw_scenes(np.random.default_rng(1), pools[0], 1500)
    sizes = np.bincount([len(s.labels) for s in scenes], minlength=4)[1:] / len(scenes)
    assert np.allclose(sizes, ds.SHARES, atol=0.05)
    words = {w for s in scenes for c in ds.true_captions(s) for w in ds.caption_words(c)}
    assert words | {ds.END} == set(ds.WORDS.tokens)


def test_batches_hold_captions_between_ends(pools):
    scenes = ds.draw_scenes(np.random.default_rng(2), pools[0], 40)
    b = ds.caption_batch(np.random.default_rng(3), scenes, np.float32)
    assert b.images.shape == (40, 24, 24, 1) and b.images.dtype == np.float32
    assert np.array_equal(b.inputs[1:], b.targets[:-1]) and not b.inputs[0].any()
    for k, s in enumerate(scenes):
        n = int(b.mask[:, k].sum())
        assert ds.as_caption(b.targets[:, k]) in ds.true_captions(s)
        assert n == len(ds.as_caption(b.targets[:, k]).split()) + 1 and b.targets[n - 1, k] == 0
        assert b.mask[:n, k].all() and not b.mask[n:, k].any()
    chosen = {ds.as_caption(ds.caption_batch(np.random.default_rng(k), scenes[:1]).targets[:, 0]) for k in range(40)}
    assert chosen == set(ds.true_captions(scenes[0]))  # each is drawn some time


def test_refusals(pools):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"compose: places must be in 0..16, got \(17, 0\)"):
        scene([1], [(17, 0)])
    with pytest.raises(ValueError, match="pairs must be one of 'training', 'held out', 'any', got 'new'"):
        ds.draw_scene(rng, pools[0], 2, "new")
    with pytest.raises(ValueError, match="n must be at least 2 for a pair, got 1"):
        ds.draw_scene(rng, pools[0], 1, "held out")
    with pytest.raises(TypeError, match="rng must be a numpy Generator"):
        ds.draw_scene(0, pools[0])


def test_gaze_shares():
    even = np.full(36, 1 / 36)
    assert ds.gaze_map(even, (6, 6)).sum() == pytest.approx(1)
    assert ds.share_in_box(even, (6, 6), (3, 5)) == pytest.approx(1 / 9)
    one = np.zeros(36)
    one[7] = 1  # row 1, column 1 of the grid: pixels 4..7
    shares = [ds.share_in_box(one, (6, 6), place) for place in [(0, 0), (4, 4), (6, 4), (6, 6), (8, 8)]]
    assert shares == pytest.approx([1, 1, 0.5, 0.25, 0])
    with pytest.raises(ValueError, match=r"weights must be \(25,\) \(from grid\)"):
        ds.gaze_map(np.ones(25), (5, 5))

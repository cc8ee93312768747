"""The made data of chapter 21: pen strokes, little chorales and sounds are what their descriptions say."""

import numpy as np
import pytest

from course_pkg.data import chorales, sounds, strokes
from tests.package.helpers import rng_for


@pytest.mark.parametrize("seed", range(20))
def test_offsets_and_paths_are_inverse(seed):
    rng = rng_for(seed)
    paths = [rng.normal(size=(int(rng.integers(2, 6)), 2)) for _ in range(int(rng.integers(1, 5)))]
    drawing = strokes.as_offsets(paths)
    assert drawing[:, 2].sum() == len(paths) and drawing[-1, 2] == 1
    back = strokes.as_paths(drawing)
    assert len(back) == len(paths)
    assert all(np.allclose(a, b, rtol=0, atol=1e-12) for a, b in zip(paths, back, strict=True))


def test_even_steps_are_even_and_keep_the_ends():
    corner = strokes.line((0, 0), (3, 0), (3, 1))
    found = strokes.even_steps(corner, 5)
    assert found.tolist() == [[0, 0], [1, 0], [2, 0], [3, 0], [3, 1]]
    assert np.array_equal(strokes.even_steps(np.ones((4, 2)), 3), np.ones((3, 2)))  # a dot
    circle = strokes.even_steps(strokes.arc(0, 0, 1, 1, 0, 360), 13)
    assert np.allclose(np.linalg.norm(circle, axis=1), 1, atol=0.02)


@pytest.mark.parametrize("n", [4, 5, 9, 40])
def test_points_are_shared_by_length_and_none_is_lost(n):
    paths = [strokes.line((0, 0), (0, 9)), strokes.line((0, 0), (0, 1))]
    shares = strokes.share_points(paths, n)
    assert sum(shares) == n and min(shares) >= 2
    assert shares[0] >= shares[1]
    with pytest.raises(ValueError, match="n must be at least 2 for each of 2 strokes, got 3"):
        strokes.share_points(paths, 3)


def test_every_digit_has_its_ways():
    for digit, ways in strokes.WAYS.items():
        drawn = [strokes.draw_digit(rng_for(digit, k), digit) for k in range(30)]
        counts = {int(d[:, 2].sum()) for d in drawn}
        assert counts == {len(way) for way in ways}
        assert all(d.shape == (24, 3) for d in drawn)
    drawings, digits = strokes.draw_digits(rng_for(1), 400)
    left = drawings[1:7, digits == 0, 0].sum(axis=0) < 0
    assert 0.25 < left.mean() < 0.75  # a nought goes round both ways
    assert set(digits.tolist()) == set(range(10))


def test_the_grammar_knows_its_own_probabilities():
    pieces = chorales.draw_pieces(rng_for(2), 300)
    assert pieces.notes.shape == (32, 300, chorales.NOTES) and pieces.joint.shape == (32, 300)
    assert (pieces.notes.sum(axis=-1) == 4).all()  # four voices
    for shares in chorales.NEXT.values():
        assert abs(sum(shares.values()) - 1) < 1e-12 and set(shares) <= set(chorales.CHORDS)
    assert np.array_equal(pieces.joint[0], np.full(300, np.log(5)))
    assert np.array_equal(pieces.joint[1::4], np.zeros((8, 300)))  # the second frame of a harmony is the first again
    assert np.array_equal(pieces.notes[1::4], pieces.notes[0::4])
    assert np.array_equal(pieces.joint[2::4], np.full((8, 300), np.log(2)))
    assert (pieces.apart >= pieces.joint - 1e-12).mean() > 0.9 and pieces.apart.mean() > 2 * pieces.joint.mean()


def test_all_frames_of_the_grammar_differ_so_that_the_past_tells_the_harmony():
    frames = {
        chorales.frame_of(chord, key, stepped).tobytes()
        for chord in chorales.CHORDS
        for key in chorales.KEYS
        for stepped in (False, True)
    }
    assert len(frames) == 60


def test_counted_transitions_are_those_of_the_table():
    pieces = chorales.draw_pieces(rng_for(3), 400)
    names = {chorales.frame_of(c, k).tobytes(): c for c in chorales.CHORDS for k in chorales.KEYS}
    chain = [[names[frame.tobytes()] for frame in pieces.notes[::4, b]] for b in range(400)]
    pairs = [pair for piece in chain for pair in zip(piece, piece[1:], strict=False)]
    for chord, shares in chorales.NEXT.items():
        after = [b for a, b in pairs if a == chord]
        for name, share in shares.items():
            assert abs(after.count(name) / len(after) - share) < 0.08


def test_apart_is_the_cross_entropy_of_independent_notes():
    plain, other = chorales.frame_of("V", 0), chorales.frame_of("V", 0, True)
    found = chorales.apart_nats([(0.5, plain), (0.5, other)], plain)
    assert abs(found - 2 * np.log(2)) < 1e-12  # two notes are uncertain: the soprano's two


def test_spectrogram_finds_a_tone_and_keeps_its_energy():
    time = np.arange(4000) / sounds.RATE
    power = sounds.spectrogram(np.sin(2 * np.pi * 1000 * time))
    assert power.shape == (1 + (4000 - 256) // 128, 129)
    assert (power.argmax(axis=1) == 1000 * 256 // sounds.RATE).all()
    wave = rng_for(4).normal(size=256)
    windowed = wave * np.hanning(256)
    both_sides = np.abs(np.fft.fft(windowed)) ** 2
    assert np.allclose(sounds.spectrogram(wave)[0], both_sides[:129])
    assert abs(both_sides.sum() / 256 - (windowed**2).sum()) < 1e-9  # Parseval
    with pytest.raises(ValueError, match="at least one frame of 256 samples, got 255"):
        sounds.spectrogram(wave[:255])


@pytest.mark.parametrize("kind", sounds.KINDS)
def test_every_kind_sounds_as_it_is_called(kind):
    slopes = []
    for seed in range(12):
        wave = sounds.draw_wave(rng_for(seed), kind, noise=0.001)
        assert wave.shape == (3200,) and np.isfinite(wave).all()
        strongest = sounds.spectrogram(wave).argmax(axis=1)[4:-3]
        slopes.append(np.polyfit(np.arange(len(strongest)), strongest, 1)[0])
    if kind in ("rising", "falling"):
        assert all(np.sign(s) == (1 if kind == "rising" else -1) for s in slopes)
    if kind in ("sine", "square", "sawtooth"):
        assert np.abs(slopes).max() < 0.2


def test_bands_cover_and_sounds_are_balanced():
    edges = sounds.band_edges(129)
    assert (np.diff(edges) >= 1).all() and edges[-1] == 129
    heard, kinds = sounds.draw_sounds(rng_for(5), 21)
    assert heard.shape[1:] == (21, len(edges) - 1) and np.bincount(kinds).tolist() == [3] * 7

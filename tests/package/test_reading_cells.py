"""Units against features: a planted unit is found, noise with long runs is not; interventions do what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_pkg.data.source_features import by_mark, labelled_modules, labelled_text, source_features, string_ends
from course_pkg.data.stdlib_source import module_source
from course_pkg.language_models import init_language_model, initial_states, lm_forward, next_token_nats
from course_pkg.reading_cells import (
    bits_without,
    correlations,
    find_units,
    moved_correlations,
    random_shifts,
    read_with_factors,
    resting_values,
    silenced,
    unit_activity,
)


def runs(rng, N, length=60):
    """A feature of 0 and 1 in runs of about this length."""
    return np.cumsum(rng.random(N) < 1 / length) % 2.0


@given(seed=st.integers(0, 9999), N=st.integers(3, 60), H=st.integers(1, 5))
def test_correlations_are_numpys(seed, N, H):
    rng = np.random.default_rng(seed)
    activity, feature = rng.normal(size=(N, H)), rng.normal(size=N)
    wanted = [np.corrcoef(activity[:, k], feature)[0, 1] for k in range(H)]
    assert np.allclose(correlations(activity, feature), wanted, atol=1e-12)
    assert np.allclose(correlations(3 * activity - 7, 2 * feature + 1), wanted, atol=1e-12)
    shifts = rng.integers(-2 * N, 2 * N, 4)
    moved = moved_correlations(activity, feature, shifts)
    for row, s in zip(moved, shifts, strict=True):
        assert np.allclose(row, correlations(activity, np.roll(feature, s)), atol=1e-10)


def test_a_constant_correlates_with_nothing():
    activity = np.array([[1.0, 0.3], [2.0, 0.3], [4.0, 0.3]])
    assert correlations(activity, np.array([0.0, 1.0, 2.0]))[1] == 0
    assert np.array_equal(correlations(activity, np.ones(3)), [0, 0])


def test_a_planted_unit_is_found_and_the_others_are_not():
    rng = np.random.default_rng(0)
    feature = runs(rng, 20_000)
    activity = np.stack([runs(rng, 20_000) for _ in range(30)], axis=1)
    activity[:, 7] = 0.4 * feature + rng.normal(0, 0.5, 20_000)
    found = find_units(rng, activity, feature, least=500, S=199)
    assert found.best == 7 and found.p[7] == 1 / 200
    assert (np.delete(found.p, 7) > 0.05).all()


def test_the_control_is_fair_for_units_with_long_runs():
    """Without any relation, p is at most 0.05 in about one case of twenty, for the best of 40 units; the usual test,
    which takes characters for independent, would call nearly all significant."""
    small, usual = 0, 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        feature, activity = runs(rng, 4000), np.stack([runs(rng, 4000) for _ in range(40)], axis=1)
        found = find_units(rng, activity, feature, least=200, S=99)
        small += found.p.min() <= 0.05
        usual += np.abs(found.r).max() > 3.3 / np.sqrt(4000)  # p < 0.001 for independent characters
    assert small <= 9 and usual >= 55


def test_shifts_stay_away():
    rng = np.random.default_rng(0)
    shifts = random_shifts(rng, 100, 30, 2000)
    assert shifts.min() == 30 and shifts.max() == 70
    for least in (0, 51):
        with pytest.raises(ValueError, match=r"least must be in 1..50 \(half of N=100\)"):
            random_shifts(rng, 100, least, 3)


def model(seed=0, layers=2):
    return init_language_model(np.random.default_rng(seed), 6, 3, 5, layers=layers)


def test_activity_is_tanh_of_the_cell():
    p, ids = model(), np.random.default_rng(1).integers(0, 6, 23)
    states = lm_forward(p, ids[:9, None]).states
    assert np.allclose(unit_activity(p, ids)[8], np.tanh(states[-1].c[0]), atol=1e-13)
    parts = unit_activity(p, ids, streams=2)
    assert parts.shape == (22, 5)
    assert np.allclose(parts[11:], unit_activity(p, ids[11:22]), atol=1e-13)
    with pytest.raises(ValueError, match="at least streams = 24 tokens, got 23"):
        unit_activity(p, ids, 24)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_factors_of_one_change_nothing(cell):
    rng = np.random.default_rng(2)
    p, ids = init_language_model(rng, 6, 3, 5, layers=2, cell=cell), rng.integers(0, 6, (7, 3))
    assert np.allclose(read_with_factors(p, ids, np.ones(5), cell), lm_forward(p, ids, cell=cell).logits, atol=1e-13)


@given(unit=st.integers(0, 4), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=20)
def test_a_silent_unit_is_as_good_as_absent(unit, seed):
    p, ids = model(seed), np.random.default_rng(seed).integers(0, 6, (6, 2))
    last = p.layers[-1]
    cut = p._replace(
        layers=(p.layers[0], last._replace(W_h=last.W_h * (np.arange(5) != unit))),
        out=p.out._replace(W=p.out.W * (np.arange(5) != unit)),
    )
    ours = read_with_factors(p, ids, silenced(5, [unit, unit]))
    assert np.allclose(ours, lm_forward(cut, ids).logits, atol=1e-13)  # nobody reads it; its own memory does not show


def test_a_sign_is_turned_round_once_from_there_on():
    p, ids = model(layers=1), np.random.default_rng(3).integers(0, 6, (6, 2))
    factors = np.ones((6, 1, 5))
    factors[3, 0, 2] = -1
    turned, plain = read_with_factors(p, ids, factors), lm_forward(p, ids)
    assert np.allclose(turned[:3], plain.logits[:3], atol=1e-13)
    h = plain.read.outputs[3].copy()
    h[:, 2] *= -1
    assert np.allclose(turned[3], h @ p.out.W.T + p.out.b, atol=1e-13)
    assert (np.abs(turned[4:] - plain.logits[4:]).max(axis=(1, 2)) > 1e-6).all()


def test_silenced_and_bad_factors():
    factors = silenced(4, [-1, 2])
    assert factors.shape == (1, 2, 4) and factors.sum() == 7 and factors[0, 1, 2] == 0
    with pytest.raises(ValueError, match=r"units must be in -1..3 \(from H\), got 4"):
        silenced(4, [4])
    with pytest.raises(ValueError, match=r"factors must fit \(3, 2, 5\)"):
        read_with_factors(model(), np.zeros((3, 2), int), np.ones(4))


def test_bits_without_each_unit():
    p, ids = model(), np.random.default_rng(4).integers(0, 6, (8, 3))
    bits = bits_without(p, ids, [-1, 2, 4])
    assert bits.shape == (3, 7, 3)
    assert np.allclose(bits[0], next_token_nats(p, ids) / np.log(2), atol=1e-12)
    for row, unit in zip(bits[1:], (2, 4), strict=True):
        alone = bits_without(p, ids[:, 1:2], [unit])[0]
        assert np.allclose(row[:, 1:2], alone, atol=1e-12) and np.abs(row - bits[0]).max() > 1e-6


def test_resting_values_are_medians():
    p, ids = model(layers=1), np.random.default_rng(5).integers(0, 6, 40)
    states = [lm_forward(p, ids[: t + 1, None]).states[-1] for t in range(40)]
    h, c = resting_values(p, ids)
    assert np.allclose(h, np.median([s.h[0] for s in states], axis=0), atol=1e-13)
    assert np.allclose(c, np.median([s.c[0] for s in states], axis=0), atol=1e-13)
    with pytest.raises(ValueError, match="at least streams = 41 tokens, got 40"):
        resting_values(p, ids, 41)


def test_a_unit_is_held_at_its_rest():
    p, ids = model(layers=1), np.random.default_rng(6).integers(0, 6, (9, 2))
    h, c = rest = resting_values(p, ids.ravel())
    held = read_with_factors(p, ids, silenced(5, [3, 3]), rest=rest)
    states = initial_states(p, 2)
    for x, logits in zip(ids, held, strict=True):  # one step at a time, the unit's h and c written over by hand
        run = lm_forward(p, x[None], states)
        last = run.states[-1]
        shown, kept = last.h.copy(), last.c.copy()
        shown[:, 3], kept[:, 3] = h[3], c[3]
        states = (type(last)(shown, kept),)
        assert np.allclose(logits, shown @ p.out.W.T + p.out.b, atol=1e-13)
    bits = bits_without(p, ids, [-1, 3], rest)
    assert np.allclose(bits[0], bits_without(p, ids, [-1])[0], atol=1e-12)
    assert np.abs(bits[1] - bits_without(p, ids, [3])[0]).max() > 1e-6
    with pytest.raises(ValueError, match=r"rest must be 2 arrays \(5,\)"):
        read_with_factors(p, ids, np.ones(5), rest=(h,))


# ---- features ----------------------------------------------------------------------------------------------------

SOURCE = """x = [1, (2,
   3)]  # two
class A:
    \"\"\"Doc [
    #.\"\"\"
    def f(self):
        return f"{x[1]}"

y = 0
"""


def marked(name):
    """The characters where a feature is not 0."""
    values = getattr(source_features(SOURCE), name)
    return "".join(c for c, v in zip(SOURCE, values, strict=True) if v)


def test_features_of_a_small_source():
    assert marked("docstring") == '"""Doc [\n    #."""' and marked("quote") == 'f"{x[1]}"'
    assert marked("comment") == "# two"
    assert marked("depth") == "[1, (2,\n   3)(self"
    found = source_features(SOURCE)
    assert found.depth.max() == 2 and found.depth[-1] == 0
    lines = SOURCE.split("\n")
    starts = np.cumsum([0, *(len(line) + 1 for line in lines)])[: len(lines) - 1]
    assert found.indent[starts].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 0]  # a blank line belongs to what stands above
    assert (found.column[starts] == 0).all() and found.column[starts[1] - 1] == len(lines[0])


@pytest.mark.parametrize("name", ["textwrap", "shlex", "configparser"])
def test_features_of_modules(name):
    source = module_source(name)
    found = source_features(source)
    assert all(len(values) == len(source) for values in found)
    assert found.depth.min() == 0 and found.depth[-1] == 0 and found.indent.min() == 0
    assert not (found.quote * found.comment).any() and not (found.quote * found.docstring).any()
    assert 0 < found.docstring.mean() < 0.9
    starts = np.flatnonzero(found.comment * (1 - np.roll(found.comment, 1)))
    assert len(starts) > 5 and all(source[i] == "#" for i in starts)


def test_a_labelled_text_is_tabbed_with_its_features():
    text, found = labelled_text([SOURCE, SOURCE])
    assert text.count("\t") == 2 * 5 and len(found.quote) == len(text)
    assert "".join(c for c, v in zip(text, found.comment, strict=True) if v) == "# two" * 2
    first = text.index("\t\treturn")
    assert found.column[first : first + 3].tolist() == [0, 4, 8]
    assert labelled_modules(["textwrap"])[0].startswith('"""Text wrapping')


def test_ends_of_short_strings():
    text, found = labelled_text(["x = ['a', \"bc\", '', 'd']\n\"\"\"Doc.\"\"\"\ny = 'it\\'s'\n"])
    ends = string_ends(found.quote)
    assert [text[: e + 1].rsplit(" ", 1)[-1] for e in ends] == ["['a'", '"bc"', "'d'", "'it\\'s'"]


def test_strings_by_their_marks():
    text, found = labelled_text(['x = [\'a\', f"b\'c"]\n"""d"""\n'])
    single, double = by_mark(text, found.quote).values()
    assert "".join(c for c, v in zip(text, single, strict=True) if v) == "'a'"
    assert "".join(c for c, v in zip(text, double, strict=True) if v) == 'f"b\'c"'
    assert np.array_equal(single + double, found.quote)

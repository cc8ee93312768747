"""Numbers in words, dates, the small French, and pairs in batches."""

from collections import Counter
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_pkg.data import dates, number_words, tiny_french
from course_pkg.data.pairs import exact_matches, iterate_pairs, pair_batch, pair_vocabulary, sentences
from course_pkg.encoder_decoder import END, PAD, START

# ---- numbers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (0, "zero"), (7, "seven"), (13, "thirteen"), (20, "twenty"), (99, "ninety nine"), (100, "one hundred"),
        (412, "four hundred and twelve"), (1000, "one thousand"), (1007, "one thousand and seven"),
        (1100, "one thousand one hundred"), (12_345, "twelve thousand three hundred and forty five"),
        (100_000, "one hundred thousand"), (640_020, "six hundred and forty thousand and twenty"),
        (999_999, "nine hundred and ninety nine thousand nine hundred and ninety nine"),
    ],
)  # fmt: skip
def test_numbers_are_spelt(n, words):
    assert " ".join(number_words.spell(n)) == words


def worth(words):
    """Words back to a number, by another way: adding and multiplying."""
    total = part = 0
    for word in words:
        if word == "hundred":
            part *= 100
        elif word == "thousand":
            total, part = 1000 * part, 0
        elif word != "and":
            part += (number_words.SMALL if word in number_words.SMALL else number_words.TENS).index(word) * (
                1 if word in number_words.SMALL else 10
            )
    return total + part


@given(st.integers(0, 999_999))
def test_words_mean_the_number_and_no_other(n):
    assert worth(number_words.spell(n)) == n


def test_drawn_numbers_have_the_lengths_and_the_side_asked_for():
    rng = np.random.default_rng(0)
    for held_out in (False, True):
        pairs = number_words.draw_numbers(rng, 400, (2, 5), held_out=held_out)
        values = [int("".join(p.source)) for p in pairs]
        assert {number_words.is_held_out(n) for n in values} == {held_out}
        assert all(p.target == number_words.spell(n) for p, n in zip(pairs, values, strict=True))
        assert set(Counter(len(p.source) for p in pairs)) == {2, 3, 4, 5}
    assert np.mean([number_words.is_held_out(n) for n in range(100_000)]) == pytest.approx(0.1, abs=0.01)
    both = number_words.draw_numbers(rng, 300, (4, 4), held_out=None)
    assert 10 < sum(number_words.is_held_out(int("".join(p.source))) for p in both) < 60


# ---- dates -------------------------------------------------------------------------------------------------------


def test_the_formats_of_a_date():
    shown = ["".join(dates.write_date(date(2019, 3, 7), form).source) for form in range(8)]
    assert shown == ["7 March 2019", "March 7, 2019", "07.03.2019", "Thu 7 Mar 2019", "Thursday, March 7th, 2019",
                     "7.3.19", "the 7th of March 2019", "2019, 7 Mar"]  # fmt: skip
    ends = [dates.write_date(date(2000, 1, day), 6).source[4:8] for day in (1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 31)]
    assert ["".join(c for c in end if c.isalpha()) for end in ends] == "st nd rd th th th th st nd rd st".split()


def test_a_text_has_one_reading():
    """No two days share a text, whatever the formats: else the task had no answer."""
    meaning = {}
    for n in range(dates.FIRST, dates.LAST + 1, 3):
        for form in range(len(dates.FORMATS)):
            source, target, _ = dates.write_date(date.fromordinal(n), form)
            assert meaning.setdefault(source, target) == target


def test_a_held_out_day_is_held_out_in_every_format():
    rng = np.random.default_rng(0)
    learnt, tested = ({p.target for p in dates.draw_dates(rng, 3000, held_out=side)} for side in (False, True))
    assert not learnt & tested
    days = [date.fromordinal(n) for n in range(dates.FIRST, dates.LAST + 1)]
    for part in (lambda d: d.weekday(), lambda d: d.month, lambda d: d.day):  # no part of the calendar is left out
        assert Counter(part(d) for d in days if dates.is_held_out(d)).keys() == Counter(map(part, days)).keys()
    assert {p.format for p in dates.draw_dates(rng, 300)} == set(range(8))


# ---- small French ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("the green car", "la voiture verte"),
        ("the old horse", "le vieux cheval"),
        ("the small white houses", "les petites maisons blanches"),
        ("the heavy hats are old", "les chapeaux lourds sont vieux"),
        ("the door is old", "la porte est vieille"),
        ("the big dogs see the black boat", "les grands chiens voient le bateau noir"),
        ("the cat sees the apples", "le chat voit les pommes"),
        ("the red book is in front of the flower", "le livre rouge est devant la fleur"),
        ("the horses are behind the table and the cat is under the blue door",
         "les chevaux sont derrière la table et le chat est sous la porte bleue"),
    ],
)  # fmt: skip
def test_translations(english, french):
    assert " ".join(tiny_french.translation(english).french) == french


def test_who_translates_whom():
    found = tiny_french.translation("the green car is in front of the old house")
    assert " ".join(found.french) == "la voiture verte est devant la vieille maison"
    assert found.alignment == ((0, 0), (1, 2), (2, 1), (3, 3), (4, 4), (4, 5), (4, 6), (5, 7), (6, 8), (7, 9))


@pytest.mark.parametrize("kind", tiny_french.KINDS)
@pytest.mark.parametrize("units", [(1, 1), (2, 4)])
def test_drawn_sentences(kind, units):
    rng = np.random.default_rng(0)
    for held_out in (False, True):
        found = tiny_french.draw_translations(rng, 200, units=units, kind=kind, held_out=held_out)
        for one in found:
            pairs = tiny_french.combinations(one.english)
            assert any(tiny_french.is_held_out(*pair) for pair in pairs) == held_out
            assert tiny_french.translation(" ".join(one.english)) == one
            assert {i for i, _ in one.alignment} == set(range(len(one.french)))  # every word translates something
            assert {j for _, j in one.alignment} == set(range(len(one.english)))
        assert {1 + s.english.count("and") for s in found} == set(range(units[0], units[1] + 1))


def test_what_is_held_out():
    held_out = [(a, n) for a in tiny_french.ADJECTIVES for n in tiny_french.NOUNS if tiny_french.is_held_out(a, n)]
    assert ("green", "car") in held_out and len(held_out) == 18  # of 108: one in six
    assert {a for a, _ in held_out} == set(tiny_french.ADJECTIVES)
    assert {n for _, n in held_out} == set(tiny_french.NOUNS)
    assert tiny_french.combinations("the old green cars are red".split()) == [
        ("old", "car"), ("green", "car"), ("red", "car")
    ]  # fmt: skip


# ---- batches -----------------------------------------------------------------------------------------------------


def some_pairs(n=50):
    pairs = number_words.draw_numbers(np.random.default_rng(0), n, (1, 5))
    return pairs, pair_vocabulary(p.source for p in pairs), pair_vocabulary(p.target for p in pairs)


def test_a_batch_can_be_read_back():
    pairs, digits, words = some_pairs()
    assert [digits.tokens[i] for i in (PAD, START, END)] == ["<pad>", "<start>", "<end>"]
    batch = pair_batch(*zip(*pairs, strict=True), digits, words)
    assert sentences(batch.targets, words) == [p.target for p in pairs]
    for b, pair in enumerate(pairs):
        assert batch.source_mask[:, b].sum() == len(pair.source)
        assert batch.target_mask[:, b].sum() == len(pair.target) + 1
        assert batch.targets[len(pair.target), b] == END
    back = pair_batch(*zip(*pairs, strict=True), digits, words, reverse=True)
    assert np.array_equal(back.targets, batch.targets)
    for b, pair in enumerate(pairs):  # padding stays at the end
        n = len(pair.source)
        assert np.array_equal(back.source[:n, b], batch.source[:n, b][::-1]) and not back.source_mask[n:, b].any()


def test_an_epoch_has_each_pair_once():
    pairs, digits, words = some_pairs(50)
    batches = list(iterate_pairs(np.random.default_rng(1), pairs, digits, words, 8, 14))
    assert len(batches) == 14 and all(b.source.shape[1] in (8, 2) for b in batches)
    for epoch in (batches[:7], batches[7:]):
        seen = [s for b in epoch for s in sentences(b.targets, words)]
        assert sorted(seen) == sorted(p.target for p in pairs)


def test_sentences_and_matches():
    _, _, words = some_pairs()
    one, two = words.encode(["one", "two"])
    written = np.array([[one, END], [END, one], [two, two], [PAD, two]])
    assert sentences(written, words) == [("one",), ()]
    assert exact_matches([("one",), ("two",)], [("one",), ("one",)]) == 0.5


def test_bad_input_is_refused():
    rng = np.random.default_rng(0)
    pairs, digits, words = some_pairs()
    for call, said in (
        (lambda: number_words.spell(-1), r"^spell: n must be in 0..999999, got -1$"),
        (lambda: number_words.draw_numbers(rng, 3, (2, 7)), "^draw_numbers: digits must be .*1 <= least <= most <= 6"),
        (lambda: dates.write_date(date(2000, 1, 1), 8), "^write_date: form must be in 0..7, got 8$"),
        (lambda: tiny_french.translation("the green unicorn"), "^translation: english must have a noun in 'the green"),
        (lambda: tiny_french.translation("perhaps"), "^translation: english must be words of the grammar"),
        (lambda: tiny_french.draw_translations(rng, 3, units=(2, 1)), "^draw_translations: units must be"),
        (lambda: tiny_french.draw_translations(rng, 3, kind="verse"), "^draw_translations: kind must be one of"),
        (lambda: pair_vocabulary([["<end>"]]), "^pair_vocabulary: sequences must hold"),
        (lambda: pair_batch([["1"]], [], digits, words), r"^pair_batch: targets must be 1 \(from sources\), got 0$"),
        (lambda: next(iterate_pairs(rng, [], digits, words, 3, 1)), "^iterate_pairs: pairs must hold at least one"),
        (lambda: exact_matches([], []), "^exact_matches: written must be"),
    ):
        with pytest.raises(ValueError, match=said):
            call()

"""Metrics: counted by hand, BLEU by hand against sacrebleu, the alignment error rate against its definition."""

import builtins
import math
import re
from fractions import Fraction

import numpy as np
import pytest

from course_pkg import metrics
from course_pkg.metrics import (
    alignment_error_rate,
    bleu,
    bleu_of_tokens,
    brevity_penalty,
    chrf,
    diagonal_links,
    join_pieces,
    links_of_weights,
    ngram_matches,
    sequence_accuracy,
    token_accuracy,
)

# ---- tokens and sequences ----------------------------------------------------------------------------------------


def test_token_accuracy_counts_what_the_mask_keeps():
    predicted, targets = np.array([[1, 2], [3, 4]]), np.array([[1, 0], [3, 0]])
    assert token_accuracy(predicted, targets) == 0.5
    assert token_accuracy(predicted, targets, np.array([[True, True], [True, False]])) == 2 / 3


def test_sequence_accuracy_wants_the_whole_sequence():
    assert sequence_accuracy(["abc", "ab", "a"], ["abc", "abc", "a"]) == 2 / 3
    assert sequence_accuracy([np.array([1, 2]), [3]], [[1, 2], [4]]) == 0.5


@pytest.mark.parametrize("seed", range(20))
def test_accuracies_agree_with_a_loop(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 6, 2))
    predicted, targets = rng.integers(0, 3, shape), rng.integers(0, 3, shape)
    mask = rng.random(shape) < 0.6
    mask.flat[0] = True
    kept = [(p, t) for p, t, m in zip(predicted.flat, targets.flat, mask.flat, strict=True) if m]
    assert math.isclose(token_accuracy(predicted, targets, mask), sum(p == t for p, t in kept) / len(kept))
    assert sequence_accuracy(list(predicted), list(targets)) == np.mean((predicted == targets).all(axis=1))


# ---- BLEU and chrF -----------------------------------------------------------------------------------------------


def test_repeating_a_word_does_not_help():
    """The example of Papineni et al. 2002: seven times "the", and a reference has it twice."""
    references = ["the cat is on the mat".split(), "there is a cat on the mat".split()]
    assert ngram_matches(["the"] * 7, references, 1) == (2, 7)
    assert ngram_matches(["the"] * 7, references, 2) == (0, 6)
    assert ngram_matches("the cat".split(), references, 3) == (0, 0)


def test_bleu_counted_by_hand():
    hypothesis, reference = "le petit chat dort sur le lit".split(), "le petit chat noir dort sur le grand lit".split()
    assert [ngram_matches(hypothesis, [reference], n) for n in (1, 2, 3, 4)] == [(7, 7), (4, 6), (2, 5), (0, 4)]
    assert bleu_of_tokens([hypothesis], [[reference]]) == 0.0  # no four words in a row
    wanted = 100 * math.exp(1 - 9 / 7) * (1 * 4 / 6 * 2 / 5) ** (1 / 3)
    assert math.isclose(bleu_of_tokens([hypothesis], [[reference]], n_max=3), wanted)


def test_brevity_penalty():
    assert brevity_penalty(5, 5) == brevity_penalty(9, 5) == 1.0
    assert math.isclose(brevity_penalty(4, 8), math.exp(-1))
    assert brevity_penalty(0, 3) == 0.0


def text(rng, length):
    return list(rng.choice(list("abcd"), length))


@pytest.mark.parametrize("seed", range(40))
def test_bleu_by_hand_is_sacrebleus(seed):
    """Several sentences, several references of their own number; few letters, so that 4-grams meet."""
    rng = np.random.default_rng(seed)
    hypotheses = [text(rng, rng.integers(6, 15)) for _ in range(6)]
    references = [[text(rng, rng.integers(6, 15)) for _ in range(rng.integers(1, 4))] for _ in hypotheses]
    references[0].append(hypotheses[0])  # one match of every order
    found = bleu([" ".join(h) for h in hypotheses], [[" ".join(r) for r in own] for own in references])
    assert math.isclose(bleu_of_tokens(hypotheses, references), found.value, rel_tol=1e-12)
    counts = [np.sum([ngram_matches(h, r, n) for h, r in zip(hypotheses, references, strict=True)], axis=0)
              for n in (1, 2, 3, 4)]  # fmt: skip
    assert np.allclose(found.precisions, [100 * a / b for a, b in counts], rtol=1e-12)
    assert found.lengths[0] == sum(map(len, hypotheses))
    assert math.isclose(found.brevity, brevity_penalty(*found.lengths))


def test_a_perfect_text_scores_100_and_case_counts_unless_told():
    texts = ["Le chat noir dort .", "Où est la gare ?"]
    for score in (bleu(texts, [[t] for t in texts]), chrf(texts, [[t] for t in texts])):
        assert math.isclose(score.value, 100)
    lower = [[t.lower()] for t in texts]
    assert bleu(texts, lower).value < 100 and math.isclose(bleu(texts, lower, lowercase=True).value, 100)
    assert chrf(texts, lower).value < 100 and math.isclose(chrf(texts, lower, lowercase=True).value, 100)


def test_more_references_never_harm_a_hypothesis_of_their_length():
    assert bleu(["va là -bas vite"], [["cours là -bas vite"]]).value < bleu(
        ["va là -bas vite"], [["cours là -bas vite", "va là -bas tôt"]]).value  # fmt: skip
    assert chrf(["va là"], [["xyz"]]).value < chrf(["va là"], [["xyz", "va là"]]).value


def test_signatures_say_how_it_was_counted():
    found = bleu(["a b c d"] * 2, [["a b c d"], ["a b c d", "a"]], lowercase=True)
    assert re.match(r"nrefs:var\|case:lc\|eff:no\|tok:13a\|smooth:exp\|version:\d", found.signature)
    assert re.match(r"nrefs:1\|case:mixed\|eff:yes\|nc:6\|nw:0\|space:no\|version:\d", chrf(["a"], [["a"]]).signature)


@pytest.mark.parametrize("function", [bleu, chrf])
def test_without_sacrebleu_the_message_names_it(monkeypatch, function):
    real = builtins.__import__

    def refuse(name, *arguments, **named):
        if name.startswith("sacrebleu"):
            raise ImportError(name)
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=f"{function.__name__}: sacrebleu is needed"):
        function(["a"], [["a"]])


def test_importing_the_metrics_does_not_import_sacrebleu():
    import subprocess
    import sys

    code = "import sys, course_pkg.metrics; sys.exit('sacrebleu' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ---- alignments --------------------------------------------------------------------------------------------------


def test_och_and_neys_formula_counted_by_hand():
    found = [{(0, 0), (1, 1), (2, 3)}]
    sure, possible = [{(0, 0), (1, 2)}], [{(2, 3)}]
    # A and S: 1. A and P, sure links being possible: 2. A: 3. S: 2.
    score = alignment_error_rate(found, sure, possible)
    assert score.error_rate == 1 - (1 + 2) / (3 + 2)
    assert (score.precision, score.recall) == (2 / 3, 1 / 2)


def test_all_sure_and_only_possible_links_is_no_error():
    sure, possible = [{(0, 0)}, {(1, 1)}], [{(0, 1)}, {(1, 0)}]
    everything = [s | p for s, p in zip(sure, possible, strict=True)]
    assert alignment_error_rate(sure, sure, possible).error_rate == 0
    assert alignment_error_rate(everything, sure, possible).error_rate == 0
    assert alignment_error_rate([set(), set()], sure, possible).error_rate == 1
    nothing_sure = alignment_error_rate([{(0, 1)}], [set()], [{(0, 1)}])
    assert nothing_sure.error_rate == 0 and math.isnan(nothing_sure.recall)


def test_counts_of_all_sentences_are_added_first():
    """Two sentences: the mean of their rates would be another number."""
    found, sure = [{(0, 0)}, {(0, 0), (1, 0), (2, 0)}], [{(0, 0)}, {(0, 1), (1, 1), (2, 1)}]
    assert alignment_error_rate(found, sure, [set(), set()]).error_rate == 1 - 2 / 8


@pytest.mark.parametrize("seed", range(20))
def test_error_rate_from_sets_drawn_by_chance(seed):
    rng = np.random.default_rng(seed)

    def some(share):
        return [{(int(i), int(j)) for i, j in np.argwhere(rng.random((4, 5)) < share)} for _ in range(3)]

    found, sure, possible = some(0.3), some(0.2), some(0.3)
    found[0].add((9, 9))
    a = sum(len(x & y) for x, y in zip(found, sure, strict=True))
    b = sum(len([x for x in own if x in s or x in p]) for own, s, p in zip(found, sure, possible, strict=True))
    wanted = 1 - Fraction(a + b, sum(map(len, found)) + sum(map(len, sure)))
    assert math.isclose(alignment_error_rate(found, sure, possible).error_rate, wanted)


def test_links_of_weights_take_the_first_of_equals():
    assert links_of_weights(np.array([[0.2, 0.8], [0.5, 0.5]])) == {(0, 1), (1, 0)}


def test_diagonal_links():
    assert diagonal_links(3, 3) == {(0, 0), (1, 1), (2, 2)}
    assert diagonal_links(2, 4) == {(0, 1), (1, 3)}
    assert diagonal_links(4, 2) == {(0, 0), (1, 0), (2, 1), (3, 1)}
    for T in range(1, 9):
        for S in range(1, 9):
            links = diagonal_links(T, S)
            assert sorted(i for i, _ in links) == list(range(T)) and all(0 <= j < S for _, j in links)


def test_join_pieces_sums_sources_and_averages_targets():
    weights = np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2], [0.3, 0.3, 0.4]])
    joined = join_pieces(weights, np.array([0, 1, 1]), np.array([0, 0, 1]))
    assert np.allclose(joined, [[0.3, 0.7], [0.7, 0.3]])


@pytest.mark.parametrize("seed", range(20))
def test_joined_rows_still_sum_to_one(seed):
    rng = np.random.default_rng(seed)
    T, S = rng.integers(1, 8, 2)
    weights = rng.dirichlet(np.ones(S), T)
    target, source = (np.unique(np.sort(rng.integers(0, 4, n)), return_inverse=True)[1] for n in (T, S))
    joined = join_pieces(weights, target, source)
    assert joined.shape == (target.max() + 1, source.max() + 1)
    assert np.allclose(joined.sum(axis=1), 1)


# ---- bad input ---------------------------------------------------------------------------------------------------

BAD = [
    (lambda: token_accuracy(np.array([1, 2]), np.array([1])), ValueError, r"predicted must be \(1,\) \(from targets\)"),
    (lambda: token_accuracy(np.array([1.0]), np.array([1])), TypeError, "predicted"),
    (lambda: token_accuracy(np.array([1]), np.array([1]), np.array([False])), ValueError, "at least one entry"),
    (lambda: token_accuracy(np.array([1]), np.array([1]), np.array([[True]])), ValueError, "mask must be"),
    (lambda: sequence_accuracy([[1]], [[1], [2]]), ValueError, "equally many, got 1 and 2"),
    (lambda: sequence_accuracy([], []), ValueError, "at least one, got none"),
    (lambda: sequence_accuracy("ab", ["a", "b"]), TypeError, "must be a sequence of sequences, got str"),
    (lambda: bleu("a text", ["a text"]), TypeError, "hypotheses must be a sequence of sequences, got str"),
    (lambda: bleu(["a"], ["a"]), ValueError, "references must be a sequence of references.* got 'a' at position 0"),
    (lambda: bleu(["a"], [[]]), ValueError, r"one or more, for each hypothesis, got \[\] at position 0"),
    (lambda: bleu(["a"], [["a"], ["b"]]), ValueError, "equally many, got 1 and 2"),
    (lambda: bleu([], []), ValueError, "at least one"),
    (lambda: bleu([["a"]], [["a"]]), TypeError, "hypotheses must hold texts, got list"),
    (lambda: chrf(["a"], [[None]]), TypeError, "references must hold texts, got NoneType"),
    (lambda: bleu_of_tokens([["a"]], [[]]), ValueError, "references must be"),
    (lambda: ngram_matches(["a"], [["a"]], 0), ValueError, "n must be an integer >= 1, got 0"),
    (lambda: alignment_error_rate([set()], [set()], [set()]), ValueError, "must hold a link"),
    (lambda: alignment_error_rate([set()], [set()], []), ValueError, "possible and sure must be equally many"),
    (lambda: diagonal_links(0, 3), ValueError, "T must be an integer >= 1, got 0"),
    (lambda: links_of_weights(np.ones(3)), ValueError, "weights"),
    (lambda: join_pieces(np.ones((2, 2)), np.array([0, 2]), np.array([0, 1])), ValueError, "target must number"),
    (lambda: join_pieces(np.ones((2, 2)), np.array([0, 1]), np.array([0])), ValueError,
     r"source must be \(S,\) with S=2 \(from weights\)"),
]  # fmt: skip


@pytest.mark.parametrize("call, error, message", BAD, ids=[message[:30] for _, _, message in BAD])
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_every_public_function_is_tested_here():
    own = {name: value for name, value in vars(metrics).items() if getattr(value, "__module__", "") == metrics.__name__}
    public = {name for name, value in own.items() if callable(value) and name[0].islower()}
    assert public <= set(globals()), public - set(globals())

"""Searches, over models that are nothing but random tables: what comes next depends on every token so far."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_pkg.decoding import beam_search, best_entries, exhaustive_search, greedy_search, pick_rows
from course_pkg.hypotheses import Ranking, coverage_penalty, length_penalty
from course_pkg.losses import log_softmax

BOS = 0


class Tables:
    """A model of V tokens for B sequences; the state is (which sequence, all tokens so far as one number, length).

    `grid` rounds the logits, so that ties are common. `looks` gives attention weights (N, S) for the last step.
    """

    def __init__(self, seed, B=1, V=3, S=2, grid=0.0):
        self.seed, self.B, self.V, self.S, self.grid = seed, B, V, S, grid

    def state(self, rows=None):
        rows = np.arange(self.B) if rows is None else np.asarray(rows)
        return rows, np.zeros(len(rows), int), np.zeros(len(rows), int)

    def start(self, rows=None):
        return np.full(len(self.state(rows)[0]), BOS)

    def step(self, state, last):
        row, code, length = state
        code = np.where(length > 0, code * self.V + last, 0)
        return log_softmax(self.logits(row, code, length)), (row, code, length + 1)

    def logits(self, row, code, length):
        draws = [np.random.default_rng([self.seed, *key]).normal(size=self.V) * 1.5
                 for key in zip(row, code, length, strict=True)]  # fmt: skip
        values = np.stack(draws)
        return np.round(values / self.grid) * self.grid if self.grid else values

    def looks(self, state):
        row, code, length = state
        draws = [np.random.default_rng([self.seed, 7, *key]).dirichlet(np.ones(self.S))
                 for key in zip(row, code, length, strict=True)]  # fmt: skip
        return np.stack(draws)


def by_hand(model, row, eos, max_length, normalise):
    """Every outcome of one sequence with its score, from the tables alone: no search function takes part."""
    found = []
    for n in range(1, max_length + 1):
        for tokens in itertools.product(range(model.V), repeat=n):
            ends = tokens[-1] == eos
            if eos in tokens[:-1] or (not ends and n < max_length):
                continue
            state, last, total = model.state([row]), np.array([BOS]), 0.0
            for token in tokens:
                log_probs, state = model.step(state, last)
                total, last = total + log_probs[0, token], np.array([token])
            found.append((total / length_penalty(n, normalise), tokens, total))
    return sorted(found, key=lambda one: (-one[0], one[1]))


models = st.builds(
    Tables, seed=st.integers(0, 10**6), B=st.integers(1, 3), V=st.integers(2, 4), grid=st.sampled_from([0.0, 0.0, 1.0])
)
normalisations = st.sampled_from(["none", "mean", 0.0, 0.6, 1.0])
lengths = st.integers(1, 4)


def told(hypotheses):
    return [(h.tokens.tolist(), h.log_prob, h.score, h.finished) for h in hypotheses]


@given(models, lengths, normalisations, st.integers(1, 5))
def test_full_width_is_exhaustive_search_is_enumeration_by_hand(model, L, normalise, n):
    eos, width = model.V - 1, model.V**L
    setting = {"n_best": n, "normalise": normalise}
    every = exhaustive_search(model.step, model.state(), model.start(), eos, L, **setting)
    beam = beam_search(model.step, model.state(), model.start(), eos, L, width, **setting).best
    for row in range(model.B):
        assert told(beam[row]) == told(every[row])
        enumerated = by_hand(model, row, eos, L, normalise)[:n]
        assert [tuple(h.tokens) for h in every[row]] == [tokens for _, tokens, _ in enumerated]
        np.testing.assert_allclose([h.score for h in every[row]], [score for score, _, _ in enumerated], rtol=1e-12)


@given(models, lengths)
def test_the_probabilities_of_all_outcomes_sum_to_one(model, L):
    for row in exhaustive_search(model.step, model.state(), model.start(), 0, L, n_best=10**6):
        assert abs(np.exp([h.log_prob for h in row]).sum() - 1) < 1e-12
        assert len({tuple(h.tokens) for h in row}) == len(row)


@given(models, lengths, normalisations)
def test_full_width_is_never_worse_than_greedy(model, L, normalise):
    eos = model.V - 1
    greedy = greedy_search(model.step, model.state(), model.start(), eos, L, normalise=normalise)
    beam = beam_search(model.step, model.state(), model.start(), eos, L, model.V**L, normalise=normalise).best
    assert all(best[0].score >= one.score for best, one in zip(beam, greedy, strict=True))


@given(models, lengths, normalisations)
def test_width_one_is_greedy_search(model, L, normalise):
    eos = model.V - 1
    setting = {"normalise": normalise, "weights_of": model.looks}
    greedy = greedy_search(model.step, model.state(), model.start(), eos, L, **setting)
    beam = beam_search(model.step, model.state(), model.start(), eos, L, 1, **setting)
    assert [told(found) for found in beam.best] == [told([one]) for one in greedy]
    for found, one in zip(beam.best, greedy, strict=True):
        np.testing.assert_array_equal(found[0].weights, one.weights)


@given(models, lengths, st.integers(1, 5), normalisations, st.sampled_from([0.0, 0.4]))
def test_a_batch_gives_what_each_sequence_gives_alone(model, L, width, normalise, coverage):
    eos = model.V - 1
    setting = {"n_best": 3, "normalise": normalise, "coverage": coverage, "weights_of": model.looks}
    together = beam_search(model.step, model.state(), model.start(), eos, L, width, **setting)
    greedy = greedy_search(model.step, model.state(), model.start(), eos, L)
    expanded = 0
    for row in range(model.B):
        alone = beam_search(model.step, model.state([row]), model.start([row]), eos, L, width, **setting)
        assert told(together.best[row]) == told(alone.best[0])
        expanded += alone.expanded
        assert told([greedy[row]]) == told(greedy_search(model.step, model.state([row]), model.start([row]), eos, L))
    assert together.expanded == expanded


@given(models, lengths, st.integers(1, 4), normalisations)
def test_stopping_early_changes_nothing(model, L, n, normalise):
    """n_best = all outcomes never stops early; its first n are those of a search that may."""
    eos = model.V - 1
    short = beam_search(model.step, model.state(), model.start(), eos, L, 3, n_best=n, normalise=normalise)
    whole = beam_search(model.step, model.state(), model.start(), eos, L, 3, n_best=10**6, normalise=normalise)
    assert [told(row) for row in short.best] == [told(row[:n]) for row in whole.best]
    assert short.expanded <= whole.expanded


@given(models, lengths, st.integers(1, 6), normalisations)
def test_hypotheses_are_what_they_say(model, L, width, normalise):
    eos = model.V - 1
    ranking = Ranking(normalise)
    for row in beam_search(model.step, model.state(), model.start(), eos, L, width, n_best=4, normalise=normalise,
                           weights_of=model.looks).best:  # fmt: skip
        assert 1 <= len(row) <= 4
        assert [h.score for h in row] == sorted((h.score for h in row), reverse=True)
        for h in row:
            assert 1 <= len(h.tokens) <= L and eos not in h.tokens[:-1]
            assert h.finished == (h.tokens[-1] == eos)
            assert h.finished or len(h.tokens) == L
            assert h.score == ranking.score(h.log_prob, len(h.tokens), None, 0)
            assert h.weights.shape == (len(h.tokens), model.S)


def test_weights_follow_their_own_hypothesis():
    """The weights of the winner are those that the model gives along its own tokens, whatever the beam shuffled."""
    model = Tables(seed=5, B=2, V=4, S=3)
    found = beam_search(model.step, model.state(), model.start(), 3, 4, 5, n_best=5, weights_of=model.looks).best
    for row, hypotheses in enumerate(found):
        for h in hypotheses:
            state, last, looked = model.state([row]), np.array([BOS]), []
            for token in h.tokens:
                _, state = model.step(state, last)
                looked.append(model.looks(state)[0])
                last = np.array([token])
            np.testing.assert_array_equal(h.weights, looked)


def test_a_wider_beam_may_find_a_worse_hypothesis():
    """Only the full width promises anything: here width 2 drops what greedy search goes on with."""
    table = {(): [0.4, 0.35, 0.25, 0.0], (0,): [0.3, 0.25, 0.25, 0.2], (1,): [0.45, 0.4, 0.15, 0.0],
             (0, 0): [0.0, 0.0, 0.0, 1.0]}  # fmt: skip

    def step(state, last):
        state = [(*before, int(token)) for before, token in zip(state, last, strict=True)]
        with np.errstate(divide="ignore"):
            return np.log([table.get(tokens[1:], [0.25] * 4) for tokens in state]), state

    def reorder(state, rows):
        return [state[row] for row in rows]

    def probability(width):
        found = beam_search(step, [()], np.array([9]), 3, 3, width, reorder=reorder)
        return np.exp(found.best[0][0].log_prob)

    assert abs(probability(1) - 0.12) < 1e-15 and abs(probability(64) - 0.12) < 1e-15
    assert abs(probability(2) - 0.35 * 0.45 * 0.25) < 1e-15


def test_equal_candidates_are_taken_in_the_order_of_a_dictionary():
    def even(state, last):
        return np.full((len(last), 3), -np.log(3)), state

    for width in (2, 27):
        best = beam_search(even, np.zeros((1, 1)), np.array([0]), 2, 3, width, n_best=2).best[0]
        again = beam_search(even, np.zeros((1, 1)), np.array([0]), 2, 3, width, n_best=2).best[0]
        assert told(best) == told(again)
    assert [h.tokens.tolist() for h in best] == [[2], [0, 2]]  # log P is the same for equal lengths: the shorter win
    assert greedy_search(even, np.zeros((1, 1)), np.array([0]), 2, 3)[0].tokens.tolist() == [0, 0, 0]
    np.testing.assert_array_equal(best_entries(np.array([1.0, 3, 3, -np.inf, 3]), 2), [1, 2])
    np.testing.assert_array_equal(best_entries(np.array([1.0, 3, 3, -np.inf, 3]), 9), [1, 2, 4, 0])


def test_an_impossible_token_is_never_kept():
    def step(state, last):
        with np.errstate(divide="ignore"):
            return np.log(np.array([[0.0, 1.0, 0.0]])).repeat(len(last), axis=0), state

    for search in (lambda: beam_search(step, np.zeros((1, 1)), np.array([0]), 2, 3, 9, n_best=9, show=3).best,
                   lambda: exhaustive_search(step, np.zeros((1, 1)), np.array([0]), 2, 3, n_best=9)):  # fmt: skip
        (row,) = search()
        assert told(row) == [([1, 1, 1], 0.0, 0.0, False)]


def test_length_penalties():
    assert length_penalty(7, "none") == 1 == length_penalty(7, 0.0) == length_penalty(1, 0.6)
    assert length_penalty(7, "mean") == 7
    assert length_penalty(7, 1.0) == 2 and abs(length_penalty(19, 0.5) - 2) < 1e-15


def test_coverage_counts_what_got_less_than_one_look():
    weights = np.array([[0.5, 0.5, 0.0], [0.9, 0.1, 0.0]])
    mask = np.array([True, True, False])
    assert abs(coverage_penalty(weights, mask) - np.log(0.6)) < 1e-12  # 1.4 counts as 1
    assert coverage_penalty(np.ones((1, 3))) == 0
    assert np.isfinite(coverage_penalty(weights))  # nobody looked at the third


def test_coverage_prefers_the_translation_that_looked_everywhere():
    """Two outcomes: the likelier one never looks at word 2."""

    def step(state, last):
        first = np.log([0.6, 0.4, 1e-30])
        return np.where(state[0][:, :1] == 0, first, np.log([1e-30, 1e-30, 1.0])), (state[0] + 1, last[:, None])

    def looks(state):  # what was chosen last decides where the next step looks
        second = np.where(state[1] == 1, [[0.0, 1.0]], [[1.0, 0.0]])
        return np.where(state[0] == 1, [[1.0, 0.0]], second)

    state, start = (np.zeros((1, 1), int), np.zeros((1, 1), int)), np.array([9])
    search = {"weights_of": looks, "n_best": 2}
    plain = beam_search(step, state, start, 2, 2, 3, **search).best[0]
    covered = beam_search(step, state, start, 2, 2, 3, coverage=0.2, **search).best[0]
    padded = beam_search(step, state, start, 2, 2, 3, coverage=0.2, source_mask=np.array([[True], [False]]), **search)
    assert [h.tokens.tolist() for h in plain] == [[0, 2], [1, 2]]
    assert [h.tokens.tolist() for h in covered] == [[1, 2], [0, 2]]
    assert [h.tokens.tolist() for h in padded.best[0]] == [[0, 2], [1, 2]]  # padding need not be looked at


@given(models, lengths, st.integers(1, 4))
def test_the_recorded_tree_is_the_search(model, L, width):
    eos = model.V - 1
    found = beam_search(model.step, model.state(), model.start(), eos, L, width, n_best=2, show=2)
    for row, hypotheses in enumerate(found.best):
        nodes = [node for node in found.nodes if node.row == row and node.kept]
        for length in range(1, L + 1):
            assert sum(node.length == length for node in nodes) <= width
        paths = {prefix_of(found.nodes, i): found.nodes[i].log_prob for i in range(len(found.nodes))
                 if found.nodes[i].row == row and found.nodes[i].kept}  # fmt: skip
        for h in hypotheses:
            assert paths[tuple(h.tokens.tolist())] == h.log_prob
    for node in found.nodes:
        if node.parent >= 0:
            parent = found.nodes[node.parent]
            assert parent.kept and not parent.finished and parent.length == node.length - 1
            assert parent.log_prob >= node.log_prob
    plain = beam_search(model.step, model.state(), model.start(), eos, L, width, n_best=2)
    assert plain.nodes == [] and [told(r) for r in plain.best] == [told(r) for r in found.best]


def prefix_of(nodes, i):
    tokens = []
    while i >= 0:
        tokens.append(nodes[i].token)
        i = nodes[i].parent
    return tuple(reversed(tokens))


def test_a_state_of_another_form_brings_its_own_reorder():
    """The state keeps the batch on axis 1, as time-major keys do."""
    model = Tables(seed=3, B=2, V=3)

    def step(state, last):
        log_probs, new = model.step(tuple(state), last)
        return log_probs, np.stack(new)  # (3, N)

    def reorder(state, rows):
        return state[:, rows]

    ours = beam_search(step, np.stack(model.state()), model.start(), 2, 4, 3, n_best=3, reorder=reorder).best
    plain = beam_search(model.step, model.state(), model.start(), 2, 4, 3, n_best=3, reorder=pick_rows).best
    assert [told(row) for row in ours] == [told(row) for row in plain]


def refused(error, text, search, *arguments, **setting):
    model = Tables(seed=0)
    usual = {"step": model.step, "state": model.state(), "start": model.start(), "eos": 2, "max_length": 3}
    usual |= {name: setting.pop(name) for name in list(setting) if name in usual}
    with pytest.raises(error, match=text):
        search(*usual.values(), *arguments, **setting)


def test_bad_input_is_refused():
    refused(TypeError, "start must be an array of integers", greedy_search, start=[0])
    refused(TypeError, r"got float64 \(1,\)", greedy_search, start=np.zeros(1))
    refused(ValueError, "eos must be below V=3", greedy_search, eos=3)
    refused(ValueError, "eos must be the number of a token", exhaustive_search, eos=-1)
    refused(ValueError, "max_length must be an integer >= 1", beam_search, 2, max_length=0)
    refused(ValueError, "width must be an integer >= 1", beam_search, 0)
    refused(TypeError, "n_best must be an integer", beam_search, 2, n_best=1.0)
    refused(ValueError, "normalise must be 'none', 'mean' or a number", beam_search, 2, normalise="sum")
    refused(ValueError, "normalise must be", exhaustive_search, normalise=-1.0)
    refused(ValueError, "coverage must be a number >= 0", beam_search, 2, coverage=-0.1)
    refused(ValueError, "coverage needs the attention weights", beam_search, 2, coverage=0.1)
    refused(ValueError, "are these logits", beam_search, 2, step=lambda s, y: (np.full((len(y), 3), 2.0), s))
    refused(ValueError, r"with N=1, got shape \(3,\)", greedy_search, step=lambda s, y: (np.zeros(3), s))
    refused(ValueError, "more than 2 prefixes of length 1", exhaustive_search, most=2)

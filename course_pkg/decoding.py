"""Finding the output of a model that gives one token after the other: greedy, beam and exhaustive search.

All three work on any step function, `step(state, last tokens (N,)) -> (log_probs (N, V), state)`, and on a batch of B
sequences at once. The state is a tree of arrays with the N sequences on axis 0; a state of another form brings its own
`reorder(state, rows)`, which picks (and repeats) sequences.

What can come out of a search: every sequence that ends in eos within max_length tokens, and every sequence of
max_length tokens without eos, marked as not finished. Exactly one of these comes out when a model is sampled, so
their probabilities sum to 1. Ties go to the sequence that comes first in the order of a dictionary.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from course_pkg.hypotheses import (
    Hypothesis,
    Node,
    Ranking,
    Step,
    best_first,
    check_ranking,
    check_search,
    checked_step,
)
from course_pkg.shapes import check_positive_int
from course_pkg.tree import tree_map

Reorder = Callable[[Any, np.ndarray], Any]  # (state, rows (N',)) -> the state of these rows
WeightsOf = Callable[[Any], np.ndarray]  # state -> the attention weights (N, S) of its last step


class Search(NamedTuple):
    """What a beam search found: for each sequence of the batch its n best, best first; and the tree, if recorded."""

    best: list[list[Hypothesis]]
    nodes: list[Node]
    expanded: int  # how many prefixes the model was asked to continue


def pick_rows(state: Any, rows: np.ndarray) -> Any:
    """The state of these sequences: each array of the tree (N, ...) -> (len(rows), ...)."""
    return tree_map(lambda leaf: leaf[rows], state)


def greedy_search(
    step: Step, state: Any, start: np.ndarray, eos: int, max_length: int, *, normalise: str | float = "none",
    weights_of: WeightsOf | None = None,
) -> list[Hypothesis]:  # fmt: skip
    """(greedy)  start (B,) -> a hypothesis for each sequence: at each step the likeliest token, of equals the first."""
    check_search("greedy_search", start, eos, max_length)
    ranking = Ranking(normalise)
    check_ranking("greedy_search", ranking, weights_of is not None)
    last, going = start, np.ones(len(start), bool)
    tokens, log_probs, weights = [], np.zeros(len(start)), []
    lengths = np.zeros(len(start), int)
    while going.any() and len(tokens) < max_length:
        found, state = checked_step("greedy_search", step, state, last, eos)
        last = found.argmax(axis=1)  # (B,)
        log_probs += np.where(going, found[np.arange(len(last)), last], 0.0)
        lengths += going
        going = going & (last != eos)
        tokens.append(last)
        weights.append(None if weights_of is None else weights_of(state))
    hypotheses = []
    for b, n in enumerate(lengths):
        looked = None if weights_of is None else np.stack([w[b] for w in weights[:n]])
        score = ranking.score(log_probs[b], n, looked, b)
        chosen = np.array([token[b] for token in tokens[:n]])
        hypotheses.append(Hypothesis(chosen, float(log_probs[b]), score, bool(chosen[-1] == eos), looked))
    return hypotheses


def beam_search(
    step: Step, state: Any, start: np.ndarray, eos: int, max_length: int, width: int, *, n_best: int = 1,
    normalise: str | float = "none", coverage: float = 0.0, weights_of: WeightsOf | None = None,
    source_mask: np.ndarray | None = None, reorder: Reorder = pick_rows, show: int = 0,
) -> Search:  # fmt: skip
    """(beam-step)  The n_best hypotheses that a beam of this width finds for each sequence of start (B,).

    At each step all continuations of the live prefixes compete by log probability (they are equally long), `width` of
    them stay; those that end in eos leave the beam as outcomes. The outcomes are ranked by (beam-score). A sequence
    is done when none of its live prefixes can enter its n best any more, or at max_length. Width 1 is greedy search.
    Candidates of probability 0 are never kept. Source: Sutskever et al. 2014; the score: Wu et al. 2016.

    show: record, in `nodes`, what was kept and also this many of the best continuations of each live prefix.
    """
    check_search("beam_search", start, eos, max_length)
    check_positive_int("beam_search", "width", width)
    check_positive_int("beam_search", "n_best", n_best)
    ranking = Ranking(normalise, coverage, source_mask)
    check_ranking("beam_search", ranking, weights_of is not None)
    beam = _Beam(len(start), eos, max_length, width, n_best, ranking, show)
    last = start
    while len(beam.live):
        log_probs, state = checked_step("beam_search", step, state, last, eos)
        weights = None if weights_of is None else weights_of(state)
        rows, last = beam.advance(log_probs, weights)
        if len(rows):
            state = reorder(state, rows)
    return Search([best_first(found)[:n_best] for found in beam.outcomes], beam.nodes, beam.expanded)


class _Prefix(NamedTuple):
    """A live prefix: which sequence, its tokens, their log probability, where they looked, its node if recorded."""

    row: int
    tokens: tuple[int, ...] = ()
    log_prob: float = 0.0
    weights: tuple[np.ndarray, ...] = ()
    node: int = -1


class _Beam:
    """The live prefixes of all sequences, and what has left the beam."""

    def __init__(self, B: int, eos: int, max_length: int, width: int, n_best: int, ranking: Ranking, show: int):
        self.eos, self.max_length, self.width, self.n_best = eos, max_length, width, n_best
        self.ranking, self.show = ranking, show
        self.live = [_Prefix(row) for row in range(B)]
        self.outcomes: list[list[Hypothesis]] = [[] for _ in range(B)]
        self.nodes: list[Node] = []
        self.expanded = 0

    def advance(
        self, log_probs: np.ndarray, weights: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        """log_probs (N, V) -> the rows (N',) that live on, their new tokens."""
        self.expanded += len(self.live)
        V = log_probs.shape[1]
        owners = np.array([prefix.row for prefix in self.live])
        before = np.array([prefix.log_prob for prefix in self.live])
        totals = before[:, None] + log_probs  # (N, V)
        stay: list[tuple[int, _Prefix]] = []
        for row in np.unique(owners):  # each sequence of the batch
            rows = np.flatnonzero(owners == row)  # its live prefixes
            chosen = best_entries(totals[rows].ravel(), self.width)
            pairs = [(int(rows[i // V]), int(i % V)) for i in chosen]
            children = [(parent, self._extend(parent, token, totals, weights))
                        for parent, token in pairs]  # fmt: skip
            if self.show:
                self._record_cut(rows, totals, set(pairs))
            stay += self._settle(row, children)
        self.live = [prefix for _, prefix in stay]
        parents = np.array([parent for parent, _ in stay], dtype=int)
        tokens = np.array([prefix.tokens[-1] for prefix in self.live], dtype=int)
        return parents, tokens

    def _extend(self, parent: int, token: int, totals: np.ndarray, weights: np.ndarray | None) -> _Prefix:
        before, log_prob = self.live[parent], float(totals[parent, token])
        looked = before.weights if weights is None else (*before.weights, weights[parent])
        node = self._add_node(before, token, log_prob, kept=True) if self.show else -1
        return _Prefix(before.row, (*before.tokens, token), log_prob, looked, node)

    def _settle(self, row: int, children: list[tuple[int, _Prefix]]) -> list[tuple[int, _Prefix]]:
        """Move what has ended to the outcomes; give the others, or none if they cannot enter the n best any more."""
        going = []
        for parent, prefix in children:
            ended = prefix.tokens[-1] == self.eos
            if ended or len(prefix.tokens) == self.max_length:
                weights = np.stack(prefix.weights) if prefix.weights else None
                score = self.ranking.score(prefix.log_prob, len(prefix.tokens), weights, row)
                found = Hypothesis(np.array(prefix.tokens), prefix.log_prob, score, ended, weights)
                self.outcomes[row].append(found)
            else:
                going.append((parent, prefix))
        best = best_first(self.outcomes[row])[: self.n_best]
        if going and len(best) == self.n_best:
            bound = self.ranking.bound(going[0][1].log_prob, self.max_length)
            if best[-1].score > bound:
                return []
        return going

    def _add_node(self, before: _Prefix, token: int, log_prob: float, kept: bool) -> int:
        length = len(before.tokens) + 1
        self.nodes.append(Node(before.node, before.row, length, token, log_prob, kept, token == self.eos))
        return len(self.nodes) - 1

    def _record_cut(self, rows: np.ndarray, totals: np.ndarray, kept: set[tuple[int, int]]) -> None:
        for parent in rows:
            for token in best_entries(totals[parent], self.show):
                if (int(parent), int(token)) not in kept:
                    log_prob = float(totals[parent, token])
                    self._add_node(self.live[parent], int(token), log_prob, kept=False)


def best_entries(values: np.ndarray, k: int) -> np.ndarray:
    """Places of the k largest of (n,), largest first, the first of equals
    first; -inf is never among them."""
    k = min(k, int(np.isfinite(values).sum()))
    if k == 0:
        return np.array([], dtype=int)
    smallest = np.partition(values, len(values) - k)[len(values) - k]
    enough = np.flatnonzero(values >= smallest)
    return enough[np.argsort(-values[enough], kind="stable")][:k]


def exhaustive_search(
    step: Step, state: Any, start: np.ndarray, eos: int, max_length: int, *, n_best: int = 1,
    normalise: str | float = "none", coverage: float = 0.0, weights_of: WeightsOf | None = None,
    source_mask: np.ndarray | None = None, reorder: Reorder = pick_rows, most: int = 1_000_000,
) -> list[list[Hypothesis]]:  # fmt: skip
    """(exhaustive)  The n_best of all outcomes, none left out: the answer that beam search approximates.

    It asks the model about every prefix, V^(max_length - 1) of them and more; above `most` at one length it refuses.
    """
    check_search("exhaustive_search", start, eos, max_length)
    check_positive_int("exhaustive_search", "n_best", n_best)
    ranking = Ranking(normalise, coverage, source_mask)
    check_ranking("exhaustive_search", ranking, weights_of is not None)
    outcomes: list[list[Hypothesis]] = [[] for _ in start]
    live, last = [_Prefix(row) for row in range(len(start))], start
    for length in range(1, max_length + 1):
        log_probs, state = checked_step("exhaustive_search", step, state, last, eos)
        weights = None if weights_of is None else weights_of(state)
        if len(live) * log_probs.shape[1] > most:
            raise ValueError(f"exhaustive_search: more than {most} prefixes of length {length}; use beam_search")
        longer, parents = [], []
        for i, token in np.argwhere(log_probs > -np.inf):
            before, total = live[i], live[i].log_prob + float(log_probs[i, token])
            looked = before.weights if weights is None else (*before.weights, weights[i])
            prefix = _Prefix(before.row, (*before.tokens, int(token)), total, looked)
            if token != eos and length < max_length:
                longer.append(prefix)
                parents.append(i)
                continue
            paths = np.stack(looked) if looked else None
            score = ranking.score(total, length, paths, before.row)
            outcomes[before.row].append(Hypothesis(np.array(prefix.tokens), total, score, bool(token == eos), paths))
        if not longer:
            break
        live, last = longer, np.array([prefix.tokens[-1] for prefix in longer])
        state = reorder(state, np.array(parents))
    return [best_first(found)[:n_best] for found in outcomes]

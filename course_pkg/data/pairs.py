"""Pairs of sequences: vocabularies that begin with the special tokens, and batches with a mask for each side."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from course_pkg.data.batches import pad_sequences
from course_pkg.data.vocabulary import Vocabulary
from course_pkg.encoder_decoder import END
from course_pkg.shapes import check_positive_int, check_rng

SPECIAL = ("<pad>", "<start>", "<end>")  # numbers PAD, START and END of encoder_decoder.py

Tokens = Sequence[str]


class PairBatch(NamedTuple):
    """B pairs side by side, for `encoder_decoder_loss(p, *batch)`."""

    source: np.ndarray  # (S, B)
    source_mask: np.ndarray  # (S, B)
    targets: np.ndarray  # (T, B), END after the last token
    target_mask: np.ndarray  # (T, B), True up to END


def pair_vocabulary(sequences: Iterable[Tokens], *, unknown: str | None = None) -> Vocabulary:
    """The special tokens, then all that occur, in the order of their code points."""
    found = sorted({token for sequence in sequences for token in sequence})
    if not found or set(found) & set(SPECIAL):
        raise ValueError("pair_vocabulary: sequences must hold at least one token and none of "
                         f"{', '.join(SPECIAL)}, got {found[:3]}")  # fmt: skip
    between = [] if unknown is None or unknown in found else [unknown]
    return Vocabulary([*SPECIAL, *between, *found], unknown=unknown, padding=SPECIAL[0])


def pair_batch(
    sources: Sequence[Tokens],
    targets: Sequence[Tokens],
    source_vocabulary: Vocabulary,
    target_vocabulary: Vocabulary,
    reverse: bool = False,
) -> PairBatch:
    """Tokens -> numbers, padded. reverse: each source is read from its end, as in Sutskever et al. (2014)."""
    if len(sources) != len(targets):
        raise ValueError(f"pair_batch: targets must be {len(sources)} (from sources), got {len(targets)}")
    read = pad_sequences([source_vocabulary.encode(s[::-1] if reverse else s) for s in sources])
    written = pad_sequences([np.append(target_vocabulary.encode(t), END) for t in targets])
    return PairBatch(read.xs, read.mask, written.xs, written.mask)


def iterate_pairs(
    rng: np.random.Generator,
    pairs: Sequence[tuple[Tokens, Tokens]],
    source_vocabulary: Vocabulary,
    target_vocabulary: Vocabulary,
    batch_size: int,
    updates: int,
    reverse: bool = False,
) -> Iterator[PairBatch]:
    """`updates` batches; the pairs (source, target, ...) are shuffled anew whenever all were seen. Neighbours in
    length share a batch, within pools of 20 batches."""
    check_rng("iterate_pairs", rng)
    check_positive_int("iterate_pairs", "batch_size", batch_size)
    if len(pairs) == 0:
        raise ValueError("iterate_pairs: pairs must hold at least one pair, got none")
    sides = [tuple(pair[side] for pair in pairs) for side in (0, 1)]
    lengths, done = np.array([len(s) for s in sides[0]]), 0
    while done < updates:
        order = rng.permutation(len(pairs))
        pools = [order[i : i + 20 * batch_size] for i in range(0, len(order), 20 * batch_size)]
        order = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools])
        chunks = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
        for c in rng.permutation(len(chunks))[: updates - done]:
            chosen = [[side[i] for i in chunks[c]] for side in sides]
            yield pair_batch(*chosen, source_vocabulary, target_vocabulary, reverse)
            done += 1


def sentences(tokens: np.ndarray, vocabulary: Vocabulary) -> list[tuple[str, ...]]:
    """tokens: (T, B), as a decoder writes them -> for each column its words up to END, which is left out."""
    found = []
    for column in np.asarray(tokens).T:
        ends = np.flatnonzero(column == END)
        found.append(tuple(vocabulary.decode(column[: ends[0]] if len(ends) else column)))
    return found


def exact_matches(written: Sequence[Tokens], wanted: Sequence[Tokens]) -> float:
    """The share of sequences that are right from the first token to the last."""
    if len(written) != len(wanted) or not len(wanted):
        raise ValueError(f"exact_matches: written must be {len(wanted)} (from wanted, at least 1), got {len(written)}")
    return float(np.mean([tuple(a) == tuple(b) for a, b in zip(written, wanted, strict=True)]))

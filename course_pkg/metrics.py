"""How good is what a model wrote: tokens and whole sequences that are right, BLEU, chrF, and word alignments.

BLEU and chrF are sacrebleu's, with its signature, which says how they were computed; a score without it cannot be
compared. `bleu_of_tokens` computes BLEU by hand, to show what it counts. sacrebleu is imported when it is asked for.
"""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from course_pkg.shapes import Bool, Float, Int, check_positive_int, checked

Link = tuple[int, int]  # (position in the target, position in the source), from 0


class BleuScore(NamedTuple):
    """BLEU from 0 to 100 and its parts."""

    value: float
    precisions: tuple[float, ...]  # in percent, of 1-, 2-, 3- and 4-grams
    brevity: float  # the factor for too short a text, at most 1
    lengths: tuple[int, int]  # of the hypotheses and of the references that are nearest in length
    signature: str


class ChrfScore(NamedTuple):
    """chrF from 0 to 100."""

    value: float
    signature: str


class AlignmentScore(NamedTuple):
    """Of links that were found against links by hand."""

    error_rate: float
    precision: float  # share of the found links that are possible
    recall: float  # share of the sure links that were found


# ---- tokens and sequences ----------------------------------------------------------------------------------------


@checked
def token_accuracy(predicted: Int["..."], targets: Int["..."], mask: Bool["..."] | None = None) -> float:
    """predicted, targets: (...) -> share of equal entries, where mask: (...) is True if there is one."""
    if predicted.shape != targets.shape:
        raise ValueError(f"token_accuracy: predicted must be {targets.shape} (from targets), got {predicted.shape}")
    mask = np.ones(targets.shape, bool) if mask is None else mask
    if mask.shape != targets.shape:
        raise ValueError(f"token_accuracy: mask must be {targets.shape} (from targets), got {mask.shape}")
    if not mask.any():
        raise ValueError("token_accuracy: at least one entry must be counted, got none")
    return float((predicted == targets)[mask].mean())


def sequence_accuracy(predicted: Sequence[Sequence], targets: Sequence[Sequence]) -> float:
    """Share of the sequences that are right as a whole: of the same length, every token equal."""
    _same_number("sequence_accuracy", "predicted", predicted, "targets", targets)
    return sum(list(p) == list(t) for p, t in zip(predicted, targets, strict=True)) / len(targets)


# ---- BLEU and chrF -----------------------------------------------------------------------------------------------


def bleu(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], lowercase: bool = False, tokenize: str = "13a"
) -> BleuScore:
    """Corpus BLEU (Papineni et al. 2002) by sacrebleu (Post 2018).

    hypotheses: texts as one would print them; references: for each of them one text or more, all of which count.
    """
    streams = _streams("bleu", hypotheses, references)
    metric = _sacrebleu("bleu").BLEU(lowercase=lowercase, tokenize=tokenize, force=True)
    found = metric.corpus_score(list(hypotheses), streams)
    lengths = (int(found.sys_len), int(found.ref_len))
    return BleuScore(found.score, tuple(found.precisions), found.bp, lengths, str(metric.get_signature()))


def chrf(hypotheses: Sequence[str], references: Sequence[Sequence[str]], lowercase: bool = False) -> ChrfScore:
    """Corpus chrF (Popovic 2015) by sacrebleu: an F-score of character n-grams, of the best reference of each text."""
    streams = _streams("chrf", hypotheses, references)
    metric = _sacrebleu("chrf").CHRF(lowercase=lowercase)
    found = metric.corpus_score(list(hypotheses), streams)
    return ChrfScore(found.score, str(metric.get_signature()))


def ngram_matches(tokens: Sequence[str], references: Sequence[Sequence[str]], n: int) -> tuple[int, int]:
    """(bleu-precision)  How many n-grams of tokens also stand in a reference, and how many there are.

    One that repeats counts at most as often as in the reference that has it most often.
    """
    check_positive_int("ngram_matches", "n", n)
    own = _ngrams(tokens, n)
    most: Counter = Counter()
    for reference in references:
        most |= _ngrams(reference, n)  # the larger count of both
    return sum((own & most).values()), sum(own.values())


def brevity_penalty(length: int, reference_length: int) -> float:
    """(brevity-penalty)  1 for a text not shorter than its references, exp(1 - r / c) for c words instead of r."""
    if length >= reference_length:
        return 1.0
    return math.exp(1 - reference_length / length) if length else 0.0


def bleu_of_tokens(
    hypotheses: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]], n_max: int = 4
) -> float:
    """(bleu)  BLEU of a corpus from 0 to 100, without smoothing: an order without a match makes it 0.

    hypotheses: lists of tokens; references: for each of them one list of tokens or more. The counts of all sentences
    are added before anything is divided. A reference length is that of the reference nearest in length, the shorter
    of two.
    """
    check_positive_int("bleu_of_tokens", "n_max", n_max)
    _check_references("bleu_of_tokens", hypotheses, references)
    counts = np.array([[ngram_matches(h, r, n) for n in range(1, n_max + 1)]
                       for h, r in zip(hypotheses, references, strict=True)]).sum(axis=0)  # fmt: skip
    nearest = [min((abs(len(r) - len(h)), len(r)) for r in rs)[1] for h, rs in zip(hypotheses, references, strict=True)]
    if not counts[:, 0].all():
        return 0.0
    log_precisions = np.log(counts[:, 0] / counts[:, 1])  # (n_max,)
    return 100 * brevity_penalty(sum(map(len, hypotheses)), sum(nearest)) * math.exp(log_precisions.mean())


def _ngrams(tokens: Sequence[str], n: int) -> Counter:
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def _sacrebleu(function: str) -> Any:
    try:
        from sacrebleu import metrics
    except ImportError:
        raise ImportError(f"{function}: sacrebleu is needed and is not installed; pip install sacrebleu") from None
    return metrics


def _streams(function: str, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> list[list]:
    """sacrebleu's form of the references: the k-th stream holds the k-th reference of each text, None if none."""
    _check_references(function, hypotheses, references)
    for name, texts in (("hypotheses", hypotheses), *(("references", own) for own in references)):
        wrong = [type(text).__name__ for text in texts if not isinstance(text, str)]
        if wrong:
            raise TypeError(f"{function}: {name} must hold texts, got {wrong[0]}")
    most = max(map(len, references))
    return [[own[k] if k < len(own) else None for own in references] for k in range(most)]


def _check_references(function: str, hypotheses: Sequence, references: Sequence) -> None:
    _same_number(function, "hypotheses", hypotheses, "references", references)
    for i, own in enumerate(references):
        if isinstance(own, str) or not isinstance(own, Sequence) or not own:
            raise ValueError(f"{function}: references must be a sequence of references, one or more, for each "
                             f"hypothesis, got {own!r} at position {i}")  # fmt: skip


def _same_number(function: str, name: str, found: Sequence, wanted_name: str, wanted: Sequence) -> None:
    """Both are sequences other than a text, equally long and not empty."""
    for argument, value in ((name, found), (wanted_name, wanted)):
        if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray):
            raise TypeError(f"{function}: {argument} must be a sequence of sequences, got {type(value).__name__}")
    if len(found) != len(wanted):
        raise ValueError(f"{function}: {name} and {wanted_name} must be equally many, got {len(found)} and "
                         f"{len(wanted)}")  # fmt: skip
    if not len(wanted):
        raise ValueError(f"{function}: {name} must hold at least one, got none")


# ---- word alignments ---------------------------------------------------------------------------------------------


def alignment_error_rate(
    found: Sequence[Collection[Link]], sure: Sequence[Collection[Link]], possible: Sequence[Collection[Link]]
) -> AlignmentScore:
    """(alignment-error-rate)  Och and Ney (2003): 1 - (|A and S| + |A and P|) / (|A| + |S|), over all sentences.

    For each sentence A, the links that were found; S, the links that must be there; P, those that may be there. Sure
    links are possible, too, whether they are listed or not. precision is nan if no link was found, recall if none is
    sure; ValueError if both lack.
    """
    _same_number("alignment_error_rate", "found", found, "sure", sure)
    _same_number("alignment_error_rate", "possible", possible, "sure", sure)
    counts = np.zeros(4, int)  # |A and S|, |A and P|, |A|, |S|
    for a, s, p in zip(*([set(links) for links in all_links] for all_links in (found, sure, possible)), strict=True):
        counts += [len(a & s), len(a & (p | s)), len(a), len(s)]
    both_s, both_p, n_found, n_sure = (int(n) for n in counts)
    if n_found + n_sure == 0:
        raise ValueError("alignment_error_rate: found or sure must hold a link, got none at all")
    precision = both_p / n_found if n_found else math.nan
    recall = both_s / n_sure if n_sure else math.nan
    return AlignmentScore(1 - (both_s + both_p) / (n_found + n_sure), precision, recall)


@checked
def links_of_weights(weights: Float["T S"]) -> set[Link]:
    """(attention-links)  weights: (T, S), a row for each target word -> each row's largest weight as a link."""
    return {(i, int(j)) for i, j in enumerate(weights.argmax(axis=1))}


def diagonal_links(T: int, S: int) -> set[Link]:
    """Word i of T is linked with the word of S at the same share of its sentence: what word order alone can tell."""
    check_positive_int("diagonal_links", "T", T)
    check_positive_int("diagonal_links", "S", S)
    return {(i, (2 * i + 1) * S // (2 * T)) for i in range(T)}


@checked
def join_pieces(weights: Float["T S"], target: Int["T"], source: Int["S"]) -> np.ndarray:
    """Weights between pieces of words -> weights between words.

    target (T,) and source (S,): the number of the word to which each piece belongs, from 0 without a gap. A word of
    the source gets the sum of its pieces' weights; a word of the target the mean of its pieces' rows. Rows that
    summed to 1 still do.
    """
    for name, owners, pieces in (("target", target, weights.shape[0]), ("source", source, weights.shape[1])):
        if len(owners) != pieces or sorted(set(owners.tolist())) != list(range(int(owners.max(initial=-1)) + 1)):
            raise ValueError(f"join_pieces: {name} must number the words of its {pieces} pieces from 0 without a gap, "
                             f"got {owners.tolist()}")  # fmt: skip
    rows = (np.arange(target.max() + 1)[:, None] == target).astype(weights.dtype)  # (words of the target, T)
    columns = (source[:, None] == np.arange(source.max() + 1)).astype(weights.dtype)  # (S, words of the source)
    return rows @ weights @ columns / rows.sum(axis=1, keepdims=True)

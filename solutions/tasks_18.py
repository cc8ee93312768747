"""Exercises of chapter 18, translation: cases, known mistakes, other correct ways."""

from collections import Counter

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case, given


def brevity_inputs(rng, N):
    """c (N,), r (N,): lengths of texts and of their references."""
    return rng.integers(1, 30, N), rng.integers(1, 30, N)


def brevity_one_by_one(c, r):
    """With a case distinction."""
    return np.array([1.0 if a >= b else np.exp(1 - b / a) for a, b in zip(c, r, strict=True)])


brevity = Exercise(
    id="18-brevity",
    title="A penalty for brevity",
    function="brevity",
    returns=("penalties",),
    inputs=brevity_inputs,
    public=[
        given("shorter, equal, longer", np.array([4, 8, 12]), np.array([8, 8, 8])),
        case("five texts", N=5),
        case("one text", N=1),
    ],
    hidden={"N": range(1, 9)},
    mutants=[
        Mutant(replace="1 - r / c", by="1 - c / r",
               hint="The fraction is upside down: r, the reference's length, stands above."),
        Mutant(replace="np.minimum(0, 1 - r / c)", by="1 - r / c",
               hint="Long texts get a bonus here. The penalty is never above 1."),
        Mutant(replace="np.exp(np.minimum(0, 1 - r / c))", by="np.minimum(1, c / r)",
               hint="This falls in proportion to the length. The penalty is exponential."),
        Mutant(replace="np.minimum(0, 1 - r / c)", by="np.maximum(0, 1 - r / c)",
               hint="Smaller and larger are exchanged: the penalty falls on short texts."),
        Mutant(replace="np.exp(np.minimum(0, 1 - r / c))", by="np.where(c >= r, 1.0, np.exp(-r / c))",
               hint="The 1 in the exponent is missing: at c = r there is a jump."),
        Mutant(replace="1 - r / c", by="(c - r)", hint="The difference is not divided by c."),
    ],
    alternatives=[
        brevity_one_by_one,
        Alternative(replace="np.exp(np.minimum(0, 1 - r / c))", by="np.minimum(1, np.exp(1 - r / c))",
                    about="the minimum outside"),
    ],
)  # fmt: skip


def match_inputs(rng, L, R, M, n):
    """answer (L,) of few different tokens, references (R, M) filled up with -1."""
    lengths = rng.integers(max(1, M - 2), M + 1, R)
    references = np.where(np.arange(M) < lengths[:, None], rng.integers(0, 3, (R, M)), -1)
    return rng.integers(0, 3, L), references, n


def matches_with_counters(answer, references, n):
    """Counters know the smaller and the larger of two counts."""
    def grams(tokens):
        return Counter(zip(*(tokens[k:].tolist() for k in range(n)), strict=False))

    most = Counter()
    for reference in references:
        most |= grams(reference[reference >= 0])
    return sum((grams(answer) & most).values()), len(answer) - n + 1


def matches_by_codes(answer, references, n):
    """Each n-gram as one number."""
    def codes(tokens):
        return np.array([sum(int(x) * 7**k for k, x in enumerate(tokens[i : i + n]))
                         for i in range(len(tokens) - n + 1)], int)  # fmt: skip

    own, total = codes(answer), 0
    for code in np.unique(own):
        total += min((own == code).sum(), max((codes(r[r >= 0]) == code).sum() for r in references))
    return int(total), len(own)


matches = Exercise(
    id="18-matches",
    title="Matches with a limit",
    function="matches",
    returns=("matching", "all_of_them"),
    inputs=match_inputs,
    public=[
        given("a word seven times", np.zeros(7, int), np.array([[0, 1, 2, 3, 0, 4], [2, 3, 1, 0, 4, -1]]), 1),
        case("pairs, two references", L=6, R=2, M=6, n=2),
        case("one reference", L=5, R=1, M=7, n=1),
        case("triples", L=8, R=3, M=8, n=3),
        case("as short as n", L=2, R=2, M=4, n=2),
    ],
    hidden={"L": range(4, 10), "R": range(1, 4), "M": range(4, 9), "n": range(1, 5)},
    mutants=[
        Mutant(replace="min(times, max(counts.get(gram, 0) for counts in theirs))",
               by="times * any(gram in counts for counts in theirs)",
               hint="A repeated n-gram matches every time here. It may match only as often as a reference has it."),
        Mutant(replace="min(times, max(counts.get(gram, 0) for counts in theirs))",
               by="min(times, sum(counts.get(gram, 0) for counts in theirs))",
               hint="The counts of the references are added. Take the largest of them."),
        Mutant(replace="min(times, max(counts.get(gram, 0) for counts in theirs))",
               by="min(times, theirs[0].get(gram, 0))",
               hint="Only the first reference is looked at."),
        Mutant(replace="range(len(tokens) - n + 1)", by="range(len(tokens) - n)",
               hint="The last n-gram is missing: L tokens have L - n + 1 of them."),
        Mutant(replace="return matching, len(answer) - n + 1", by="return matching, len(answer)",
               hint="There are fewer n-grams than tokens when n is above 1."),
        Mutant(replace="min(times, max(counts.get(gram, 0) for counts in theirs))",
               by="(max(counts.get(gram, 0) for counts in theirs) > 0)",
               hint="Each different n-gram counts once here. One that stands twice may match twice."),
        Mutant(replace="return matching, len(answer) - n + 1", by="return matching, len(own)",
               hint="These are the different n-grams. All of them count, repeated ones each time."),
    ],
    alternatives=[matches_with_counters, matches_by_codes],
)  # fmt: skip


def bleu_inputs(rng, N, K, short=False, none=False):
    """matching, all_of_them (N, K), c (N,), r (N,)."""
    c = rng.integers(K, K + 9, N)
    everything = c[:, None] - np.arange(K)
    matching = rng.integers(0, everything + 1)
    matching[0] = np.maximum(matching[0], 1)
    if none:
        matching[:, -1] = 0
    r = c + rng.integers(1, 5, N) if short else np.maximum(1, c - rng.integers(0, 4, N))
    return matching, everything, c, r


def bleu_by_products(matching, all_of_them, c, r):
    """The K-th root of a product."""
    product = 1.0
    for n in range(matching.shape[1]):
        product *= matching[:, n].sum() / all_of_them[:, n].sum()
    c, r = c.sum(), r.sum()
    return 100 * product ** (1 / matching.shape[1]) * (1.0 if c >= r else np.exp(1 - r / c))


def bleu_in_bits(matching, all_of_them, c, r):
    """Logarithms to the base 2; minus infinity is let through."""
    with np.errstate(divide="ignore"):
        bits = np.log2(np.sum(matching, axis=0) / np.sum(all_of_them, axis=0))
    return 100 * 2 ** bits.mean() * np.exp(min(0, 1 - np.sum(r) / np.sum(c)))


bleu = Exercise(
    id="18-bleu",
    title="BLEU of a test set",
    function="corpus_bleu",
    returns=("bleu",),
    inputs=bleu_inputs,
    public=[
        case("three sentences", N=3, K=4),
        case("too short", N=3, K=4, short=True),
        case("an order without a match", N=2, K=3, none=True),
        case("one sentence, single words", N=1, K=1),
        given("equally long, all right", np.array([[3, 2], [4, 3]]), np.array([[3, 2], [4, 3]]), np.array([3, 4]),
              np.array([3, 4])),
        given("one short and one long", np.array([[2, 1], [8, 7]]), np.array([[2, 1], [10, 9]]), np.array([2, 10]),
              np.array([6, 6])),
    ],
    hidden={"N": range(1, 7), "K": range(1, 5), "short": (False, True), "none": (False, True)},
    mutants=[
        Mutant(replace="np.exp(np.log(matching / everything).mean())", by="(matching / everything).mean()",
               hint="This is the arithmetic mean of the precisions. BLEU takes the geometric one."),
        Mutant(replace="np.exp(np.log(matching / everything).mean())",
               by="np.exp(np.log(matching / everything).sum())",
               hint="The logarithms are added, not averaged: this is the product, without its K-th root."),
        Mutant(replace="min(1.0, np.exp(1 - r.sum() / c.sum()))", by="1.0",
               hint="The brevity penalty is missing."),
        Mutant(replace="min(1.0, np.exp(1 - r.sum() / c.sum()))", by="np.exp(1 - r.sum() / c.sum())",
               hint="Texts that are longer than their references get a bonus. The penalty is at most 1."),
        Mutant(replace="min(1.0, np.exp(1 - r.sum() / c.sum()))", by="np.exp(np.minimum(0, 1 - r / c)).mean()",
               hint="Each sentence is punished by itself here. BLEU compares the lengths of the whole test set."),
        Mutant(replace="100 * penalty", by="penalty", hint="BLEU is given from 0 to 100."),
        Mutant(replace="if matching.min() == 0:\n        return 0.0",
               by="matching = np.maximum(matching, 1e-3)",
               hint="This smooths an order without a match. Here such an order makes BLEU 0."),
    ],
    alternatives=[bleu_by_products, bleu_in_bits],
)  # fmt: skip


def link_inputs(rng, T, S):
    """found, sure, possible (T, S); possible does not repeat the sure links."""
    found, sure, possible = (rng.random((T, S)) < share for share in (0.4, 0.3, 0.3))
    found[rng.integers(T), rng.integers(S)] = True
    sure[rng.integers(T), rng.integers(S)] = True
    return found, sure, possible & ~sure


def error_by_sets(found, sure, possible):
    """Sets of pairs."""
    a, s, p = ({(int(i), int(j)) for i, j in np.argwhere(table)} for table in (found, sure, possible))
    p = p | s
    return 1 - (len(a & s) + len(a & p)) / (len(a) + len(s)), len(a & p) / len(a), len(a & s) / len(s)


def error_in_loops(found, sure, possible):
    """Entry by entry."""
    both_s = both_p = a = s = 0
    for i in range(found.shape[0]):
        for j in range(found.shape[1]):
            a += found[i, j]
            s += sure[i, j]
            both_s += found[i, j] and sure[i, j]
            both_p += found[i, j] and (sure[i, j] or possible[i, j])
    return 1 - (both_s + both_p) / (int(a) + int(s)), both_p / a, both_s / s


alignment_error = Exercise(
    id="18-alignment-error",
    title="The alignment error rate",
    function="alignment_error",
    returns=("error", "precision", "recall"),
    inputs=link_inputs,
    public=[
        case("three words, four words", T=3, S=4),
        case("one word", T=1, S=1),
        given("found what is possible, not what is sure", np.array([[True, False], [False, False]]),
              np.array([[False, True], [False, False]]), np.array([[True, False], [True, False]])),
        case("long against short", T=6, S=2),
    ],
    hidden={"T": range(1, 8), "S": range(1, 8)},
    mutants=[
        Mutant(replace="allowed = possible | sure", by="allowed = possible",
               hint="Sure links are possible, too: they must count as allowed."),
        Mutant(replace="(both_s + both_p) / (found.sum() + sure.sum())", by="both_s / sure.sum()",
               hint="This is one minus the recall. Links that were found and are not possible must cost something."),
        Mutant(replace="(both_s + both_p) / (found.sum() + sure.sum())", by="2 * both_s / (found.sum() + sure.sum())",
               hint="Links that are only possible are counted as wrong here."),
        Mutant(replace="(found.sum() + sure.sum())", by="(found.sum() + allowed.sum())",
               hint="Possible links need not be found: below stand the found and the sure ones."),
        Mutant(replace="error = 1 - ", by="error = ", hint="This is the share that is right. The error is 1 minus it."),
        Mutant(replace="both_p / found.sum(), both_s / sure.sum()", by="both_p / allowed.sum(), both_s / sure.sum()",
               hint="Precision is a share of the links that were found."),
        Mutant(replace="both_p / found.sum(), both_s / sure.sum()", by="both_s / found.sum(), both_s / sure.sum()",
               hint="A found link that is possible is no mistake: the precision counts the possible ones."),
    ],
    alternatives=[error_by_sets, error_in_loops],
)  # fmt: skip


def copy_inputs(rng, T, B, S, V):
    """tokens (T, B), unknown, weights (T, B, S) with rubbish beyond the lengths, source (S, B), lengths, dictionary."""
    lengths = rng.integers(1, S + 1, B)
    lengths[rng.integers(B)] = S
    weights = rng.random((T, B, S))
    weights[:, np.arange(S) >= lengths[:, None]] = 5.0
    unknown = 3
    tokens = np.where(rng.random((T, B)) < 0.5, unknown, rng.integers(4, 9, (T, B)))
    return tokens, unknown, weights, rng.integers(0, V, (S, B)), lengths, rng.integers(10, 40, V)


def copy_one_by_one(tokens, unknown, weights, source, lengths, dictionary):
    """Token by token, each sentence cut to its length."""
    found = tokens.copy()
    for i, b in np.argwhere(tokens == unknown):
        found[i, b] = dictionary[source[: lengths[b], b]][weights[i, b, : lengths[b]].argmax()]
    return found


def copy_by_sentences(tokens, unknown, weights, source, lengths, dictionary):
    """A column at a time, unknown places by a mask."""
    columns = []
    for b, n in enumerate(lengths):
        column = np.array(tokens[:, b])
        holes = column == unknown
        column[holes] = dictionary[source[np.argmax(weights[holes, b, :n], axis=1), b]]
        columns.append(column)
    return np.stack(columns, axis=1)


copy = Exercise(
    id="18-copy",
    title="Unknown words copied",
    function="copy_unknown",
    returns=("tokens",),
    inputs=copy_inputs,
    public=[
        case("three sentences", T=4, B=3, S=5, V=6),
        case("one sentence", T=3, B=1, S=4, V=5),
        case("one source word", T=2, B=2, S=1, V=3),
        case("as many steps as words", T=4, B=4, S=4, V=7),
    ],
    hidden={"T": range(1, 7), "B": range(1, 5), "S": range(1, 7), "V": range(2, 9)},
    mutants=[
        Mutant(replace="np.where(real, weights, -np.inf).argmax(axis=2)", by="weights.argmax(axis=2)",
               hint="The rubbish beyond the end of a short source is looked at. Use the lengths."),
        Mutant(replace="dictionary[source[places, np.arange(B)]]", by="source[places, np.arange(B)]",
               hint="The source word itself is put in. Look it up in the dictionary."),
        Mutant(replace="np.where(tokens == unknown, words, tokens)", by="words",
               hint="All words are replaced. Only the unknown ones should be."),
        Mutant(replace="source[places, np.arange(B)]", by="source[places, 0]",
               hint="Every sentence copies from the first source. Each has its own column."),
        Mutant(replace="np.where(tokens == unknown, words, tokens)", by="np.where(tokens == unknown, words[0], tokens)",
               hint="Every step copies what the first step looked at."),
        Mutant(replace="np.where(real, weights, -np.inf).argmax(axis=2)",
               by="np.where(real, weights, np.inf).argmin(axis=2)",
               hint="This is the word that was looked at least."),
        Mutant(replace="np.arange(S) < lengths[:, None]", by="np.arange(S) < lengths[:, None] - 1",
               hint="The last real source word is shut out: places 0 ... length - 1 are real."),
    ],
    alternatives=[copy_one_by_one, copy_by_sentences],
)  # fmt: skip


def model_one_inputs(rng, F, E, N, S, M, absent=False):
    """t (F, E) with columns that sum to 1, english (N, S), french (N, M); with `absent` the last English word lacks."""
    t = rng.random((F, E)) + 0.1
    last = E - 1 if absent and E > 1 else E
    return t / t.sum(axis=0), rng.integers(0, last, (N, S)), rng.integers(0, F, (N, M))


def model_one_in_loops(t, english, french):
    """Word by word."""
    counts = np.zeros(t.shape)
    for e_words, f_words in zip(english, french, strict=True):
        for f in f_words:
            total = sum(t[f, e] for e in e_words)
            for e in e_words:
                counts[f, e] += t[f, e] / total
    new = t.copy()
    for e in range(t.shape[1]):
        if counts[:, e].sum() > 0:
            new[:, e] = counts[:, e] / counts[:, e].sum()
    return new


def model_one_by_one_hots(t, english, french):
    """All pairs at once, with tables of ones and zeros."""
    F, E = t.shape
    cells = t[french[:, :, None], english[:, None, :]]  # (N, M, S)
    shares = cells / cells.sum(axis=2, keepdims=True)
    counts = np.einsum("nms,nmf,nse->fe", shares, np.eye(F)[french], np.eye(E)[english])
    seen = np.isin(np.arange(E), english)
    return np.where(seen, counts / np.where(seen, counts.sum(axis=0), 1), t)


model_one = Exercise(
    id="18-model-one",
    title="One round of Model 1",
    function="model_one_round",
    returns=("t",),
    inputs=model_one_inputs,
    public=[
        case("four pairs", F=4, E=3, N=4, S=2, M=3),
        case("words that repeat", F=2, E=2, N=2, S=4, M=4),
        case("a word that does not occur", F=3, E=4, N=3, S=2, M=2, absent=True),
        case("one pair of one word", F=2, E=2, N=1, S=1, M=1),
    ],
    hidden={"F": range(2, 6), "E": range(2, 6), "N": range(1, 5), "S": range(1, 5), "M": range(1, 5),
            "absent": (False, True)},
    mutants=[
        Mutant(replace="cell / cell.sum(axis=1, keepdims=True)", by="cell / cell.sum(axis=0, keepdims=True)",
               hint="Each English word is shared out among the French ones. It is the French word that came from one "
                    "of the English words."),
        Mutant(replace="cell / cell.sum(axis=1, keepdims=True)", by="cell",
               hint="The shares of a French word must add up to 1."),
        Mutant(replace="np.add.at(counts, np.ix_(f, e), cell / cell.sum(axis=1, keepdims=True))",
               by="counts[np.ix_(f, e)] += cell / cell.sum(axis=1, keepdims=True)",
               hint="A word that stands twice in its sentence is counted once: += with repeated indices keeps one "
                    "of them."),
        Mutant(replace="totals = counts.sum(axis=0)  # (E,)", by="totals = counts.sum(axis=1, keepdims=True)",
               hint="t(f | e) is a distribution over French words: each column, one English word, sums to 1."),
        Mutant(replace="np.where(totals > 0, counts / np.where(totals > 0, totals, 1), t)",
               by="counts / np.where(totals > 0, totals, 1)",
               hint="A column that received nothing becomes 0. It should keep its old values."),
        Mutant(replace="np.where(totals > 0, counts / np.where(totals > 0, totals, 1), t)",
               by="counts", hint="These are counts. Each column must be divided by its sum."),
        Mutant(replace="cell = t[np.ix_(f, e)]  # (M, S)", by="cell = np.ones((len(f), len(e)))",
               hint="All English words get the same share. Share out in proportion to t."),
    ],
    alternatives=[model_one_in_loops, model_one_by_one_hots],
)  # fmt: skip


EXERCISES = [brevity, matches, bleu, alignment_error, copy, model_one]

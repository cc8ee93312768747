"""Exercises of chapter 13, words as vectors: cases, known mistakes, other correct ways."""

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case, given


def table_inputs(rng, V, E):
    """vectors (V, E)."""
    return (rng.normal(size=(V, E)),)


def distances_by_products(vectors):
    """|a - b|^2 = |a|^2 + |b|^2 - 2 a b."""
    squares = (vectors**2).sum(axis=1)
    found = squares[:, None] + squares - 2 * vectors @ vectors.T
    np.fill_diagonal(found, 0)
    return np.sqrt(np.maximum(found, 0))


def distances_one_by_one(vectors):
    """Pair after pair, in float32."""
    V = len(vectors)
    found = np.zeros((V, V), np.float32)
    for i in range(V):
        for j in range(V):
            found[i, j] = np.linalg.norm(vectors[i] - vectors[j])
    return found


word_distances = Exercise(
    id="13-word-distances",
    title="How far apart are words?",
    function="word_distances",
    returns=("distances",),
    inputs=table_inputs,
    public=[
        given("one-hot words", np.eye(4)),
        case("three words", V=3, E=2),
        case("one dimension, E=1", V=4, E=1),
        case("one word, V=1", V=1, E=3),
    ],
    hidden={"V": range(1, 8), "E": range(1, 6)},
    mutants=[
        Mutant(replace="np.sqrt((gaps**2).sum(axis=-1))", by="(gaps**2).sum(axis=-1)",
               hint="These are squared distances. The square root is missing."),
        Mutant(replace="np.sqrt((gaps**2).sum(axis=-1))", by="np.abs(gaps).sum(axis=-1)",
               hint="This is the sum of the absolute differences. The Euclidean distance is the root of the sum of their squares."),
        Mutant(replace="np.sqrt((gaps**2).sum(axis=-1))", by="np.sqrt((gaps**2).mean(axis=-1))",
               hint="The squares are averaged over the dimensions. They are added."),
        Mutant(replace="np.sqrt((gaps**2).sum(axis=-1))", by="np.sqrt((gaps**2).sum(axis=0))",
               hint="The sum runs over words. It must run over the E dimensions, the last axis."),
        Mutant(replace="gaps = vectors[:, None] - vectors[None]", by="gaps = vectors[:, None] + vectors[None]",
               hint="The vectors are added. A distance is the length of a difference."),
        Mutant(replace="np.sqrt((gaps**2).sum(axis=-1))", by="1 - vectors @ vectors.T",
               hint="This is one minus the product of the vectors, not a Euclidean distance."),
    ],
    alternatives=[distances_by_products, distances_one_by_one],
)  # fmt: skip


def nearest_inputs(rng, V, E, k):
    """vectors (V, E) of different lengths, a word, k."""
    lengths = rng.uniform(0.3, 3, (V, 1))
    return lengths * (rng.normal(size=(V, E)) + 0.3), int(rng.integers(V)), min(k, V - 1)


def nearest_by_sorting_pairs(vectors, word, k):
    """Python's own sorting, pair after pair."""
    def cosine(i):
        a, b = vectors[i], vectors[word]
        return a @ b / np.sqrt((a @ a) * (b @ b))

    others = [i for i in range(len(vectors)) if i != word]
    return np.array(sorted(others, key=lambda i: (-round(cosine(i), 12), i))[:k])


def nearest_without_the_word(vectors, word, k):
    """The word is removed from the order afterwards; its own length need not be divided away."""
    cosines = vectors @ vectors[word] / np.sqrt((vectors**2).sum(axis=1))
    order = np.argsort(-cosines, kind="stable")
    return order[order != word][:k]


NEAREST = np.array([[1.0, 0.0], [3.0, 3.0], [0.5, 0.0], [0.0, 2.0], [-4.0, 0.1]])
nearest_words = Exercise(
    id="13-nearest-words",
    title="The nearest words",
    function="nearest_words",
    returns=("nearest",),
    inputs=nearest_inputs,
    public=[
        given("long and short vectors", NEAREST, 0, 3),
        given("the middle one", NEAREST, 1, 2),
        given("all the others", NEAREST, 4, 4),
        given("another word in the same direction", NEAREST, 2, 3),
        case("six words", V=6, E=3, k=3),
    ],
    hidden={"V": range(2, 9), "E": range(2, 6), "k": range(1, 5)},
    mutants=[
        Mutant(replace="unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)", by="unit = vectors",
               hint="Long vectors win, because products are compared in place of cosines. Divide each row by its length."),
        Mutant(replace="cosines[word] = -np.inf", by="pass",
               hint="The word is its own nearest neighbour. It does not count."),
        Mutant(replace="cosines[word] = -np.inf", by="cosines[cosines.argmax()] = -np.inf",
               hint="The first in the order is left out. That need not be the word itself: another may point in the same direction."),
        Mutant(replace="np.argsort(-cosines, kind=\"stable\")", by="np.argsort(cosines, kind=\"stable\")",
               hint="These are the words that are farthest away (the word itself among them). The largest cosine comes first."),
        Mutant(replace="unit @ unit[word]", by="-np.linalg.norm(vectors - vectors[word], axis=1)",
               hint="This ranks by Euclidean distance. Asked for is the cosine, which does not depend on lengths."),
        Mutant(replace="[:k]", by="[: k + 1]", hint="One word too many: k words are asked for."),
        Mutant(replace="axis=1, keepdims=True", by="axis=0, keepdims=True",
               hint="Each dimension is divided by its length over all words. Divide each word's row by its own length: axis=1."),
        Mutant(replace="unit @ unit[word]", by="np.abs(unit @ unit[word])",
               hint="Opposite directions count as near. A cosine of -1 is as far as it goes: no absolute value."),
    ],
    alternatives=[nearest_by_sorting_pairs, nearest_without_the_word],
)  # fmt: skip


def pair_inputs(rng, E, K):
    """v (E,), u (E,), n (K, E)."""
    return rng.normal(size=E), rng.normal(size=E), rng.normal(size=(K, E))


def pair_as_labels(v, u, n):
    """One binary cross-entropy with the labels 1, 0, ..., 0."""
    rows, truth = np.vstack([u, n]), np.eye(1 + len(n))[0]
    scores = rows @ v
    loss = np.sum(np.maximum(scores, 0) + np.log1p(np.exp(-np.abs(scores))) - truth * scores)
    d = np.where(scores > 0, 1, np.exp(-np.abs(scores))) / (1 + np.exp(-np.abs(scores))) - truth
    return loss, d @ rows, d[0] * v, np.outer(d[1:], v)


def pair_by_signs(v, u, n):
    """Each term is log(1 + exp(-sign * score)); one word after the other, float32 at the end."""
    loss, dv, grads = 0.0, np.zeros(len(v)), []
    for sign, row in [(1, u), *((-1, row) for row in n)]:
        score = sign * (row @ v)
        loss += np.logaddexp(0, -score)
        d = -sign * np.exp(-np.logaddexp(0, score))
        dv = dv + d * row
        grads.append(d * v)
    return np.float32(loss), dv.astype(np.float32), grads[0], np.array(grads[1:])


negative_sampling = Exercise(
    id="13-negative-sampling",
    title="One pair of skip-gram",
    function="negative_sampling",
    returns=("loss", "dv", "du", "dn"),
    inputs=pair_inputs,
    public=[
        case("two drawn words", E=3, K=2),
        case("one drawn word, K=1", E=2, K=1),
        case("one dimension, E=1", E=1, K=3),
        given("large scores", np.array([100.0, 0.0]), np.array([-10.0, 1.0]), np.array([[10.0, 2.0], [-9.0, 0.5]])),
    ],
    hidden={"E": range(1, 7), "K": range(1, 7)},
    mutants=[
        Mutant(replace="np.logaddexp(0, -true) + np.logaddexp(0, drawn).sum()",
               by="np.logaddexp(0, true) + np.logaddexp(0, drawn).sum()",
               hint="The true neighbour is treated as a drawn word: its score must enter with a minus sign."),
        Mutant(replace="np.logaddexp(0, drawn).sum()", by="np.logaddexp(0, drawn).mean()",
               hint="The terms of the drawn words are averaged in the loss. They are added."),
        Mutant(replace="dtrue = 0.5 * (1 + np.tanh(true / 2)) - 1", by="dtrue = 0.5 * (1 + np.tanh(true / 2))",
               hint="The gradient by the true score is answer minus truth, and the truth is 1."),
        Mutant(replace="dtrue * u + ddrawn @ n, dtrue * v", by="dtrue * u, dtrue * v",
               hint="dv lacks the drawn words: the centre takes part in their scores too."),
        Mutant(replace="dtrue * u + ddrawn @ n, dtrue * v", by="dtrue * u + ddrawn @ n, dtrue * u",
               hint="du is built from u. The derivative of the score u.v by u is v."),
        Mutant(replace="ddrawn[:, None] * v", by="-ddrawn[:, None] * v",
               hint="dn has the wrong sign: a drawn word's loss grows with its score, so the gradient points along v."),
        Mutant(replace="ddrawn[:, None] * v", by="ddrawn[:, None] * n",
               hint="dn is built from n. The derivative of the score n.v by n is v."),
        Mutant(replace="0.5 * (1 + np.tanh(drawn / 2))", by="0.5 * (1 + np.tanh(-drawn / 2))",
               hint="The sigmoid of the negative score is used for the drawn words. Their gradient is the sigmoid of the score itself."),
    ],
    alternatives=[pair_as_labels, pair_by_signs],
)  # fmt: skip


def adagrad_inputs(rng, V, E, N):
    """table (V, E), squares (V,), rows (N,), drows (N, E), lr."""
    rows = rng.integers(0, V, N)
    return rng.normal(size=(V, E)), rng.uniform(0.1, 2, V), rows, rng.normal(size=(N, E)), 0.1


def adagrad_row_by_row(table, squares, rows, drows, lr):
    """Only the rows that were touched."""
    table, squares = table.copy(), squares.copy()
    for r in set(rows.tolist()):
        g = drows[rows == r].sum(axis=0)
        squares[r] += g @ g / len(g)
        table[r] -= lr * g / np.sqrt(squares[r] + 1e-10)
    return table, squares


def adagrad_by_one_hot(table, squares, rows, drows, lr):
    """Scatter-add as a product with one-hot rows, in float32."""
    g = (np.arange(len(table))[:, None] == rows).astype(np.float32) @ drows.astype(np.float32)
    new = squares + np.mean(g * g, axis=1)
    return table - (lr / np.sqrt(new + 1e-10))[:, None] * g, new


row_adagrad = Exercise(
    id="13-row-adagrad",
    title="A step on the rows",
    function="row_adagrad",
    returns=("table", "squares"),
    inputs=adagrad_inputs,
    public=[
        case("some words twice", V=4, E=3, N=7),
        case("one dimension, E=1", V=3, E=1, N=4),
        case("one place, N=1", V=4, E=2, N=1),
        given("a first step", np.ones((2, 2)), np.zeros(2), np.array([1, 1]), np.array([[1.0, 2.0], [2.0, 2.0]]), 0.5),
    ],
    hidden={"V": range(1, 7), "E": range(1, 5), "N": range(1, 10)},
    mutants=[
        Mutant(replace="np.add.at(dtable, rows, drows)", by="dtable[rows] = drows",
               hint="A word that occurs several times keeps one of its gradients only (dtable[rows] += drows does the same). Use np.add.at."),
        Mutant(replace="(dtable**2).mean(axis=1)", by="(dtable**2).sum(axis=1)",
               hint="The squares of a row are added. G_w collects their mean over the E entries."),
        Mutant(replace="squares = squares + (dtable**2).mean(axis=1)", by="squares = squares + np.bincount(rows, (drows**2).mean(axis=1), len(table))",
               hint="The squares are taken place by place and then added. Add up what a word receives first, then take the square of the sum."),
        Mutant(replace="np.sqrt(squares + 1e-10)[:, None]", by="(squares + 1e-10)[:, None]",
               hint="The step is divided by G_w itself. Divide by its square root."),
        Mutant(replace="squares = squares + (dtable**2).mean(axis=1)", by="squares = (dtable**2).mean(axis=1)",
               hint="The squares so far are forgotten. AdaGrad sums them over all steps."),
        Mutant(replace="table - lr * dtable", by="table + lr * dtable",
               hint="This climbs: a step goes against the gradient."),
        Mutant(replace="return table - lr * dtable / np.sqrt(squares + 1e-10)[:, None], squares",
               by="return table - lr * dtable / np.sqrt(squares - (dtable**2).mean(axis=1) + 1e-10)[:, None], squares",
               hint="The step uses the squares from before this step. The new gradient counts already."),
    ],
    alternatives=[adagrad_row_by_row, adagrad_by_one_hot],
)  # fmt: skip


def analogy_inputs(rng, V, E, N, exclude):
    """vectors (V, E), questions (N, 3) of three different words, exclude."""
    lengths = rng.uniform(0.3, 3, (V, 1))
    questions = np.array([rng.permutation(V)[:3] for _ in range(N)])
    return lengths * (rng.normal(size=(V, E)) + 0.5), questions, exclude


def analogies_one_by_one(vectors, questions, exclude):
    """Question after question, by three cosines."""
    def cosines(i):
        return vectors @ vectors[i] / (np.linalg.norm(vectors, axis=1) * np.linalg.norm(vectors[i]))

    answers = []
    for a, b, c in questions:
        scores = cosines(b) - cosines(a) + cosines(c)
        best = np.argsort(-scores, kind="stable")
        answers.append(next(d for d in best if not exclude or d not in (a, b, c)))
    return np.array(answers)


def analogies_by_mask(vectors, questions, exclude):
    """A table of what is forbidden."""
    unit = vectors / np.sqrt((vectors**2).sum(1))[:, None]
    cos = unit @ unit.T
    scores = cos[questions[:, 1]] + cos[questions[:, 2]] - cos[questions[:, 0]]
    forbidden = (questions[:, :, None] == np.arange(len(vectors))).any(axis=1)
    return np.where(forbidden & exclude, -9.0, scores).argmax(axis=1)


PLANE = np.array([[1.0, 1.0], [1.0, 3.0], [3.0, 1.0], [8.0, 7.0], [-1.0, 2.0], [2.0, -2.0]])
analogies = Exercise(
    id="13-analogies",
    title="a is to b as c is to ...",
    function="analogies",
    returns=("answers",),
    inputs=analogy_inputs,
    public=[
        case("with the ban", V=8, E=3, N=5, exclude=True),
        case("all words allowed", V=8, E=3, N=5, exclude=False),
        given("six words in a plane", PLANE, np.array([[0, 1, 2], [4, 1, 0], [5, 2, 3], [1, 0, 3]]), True),
        given("the same, all words allowed", PLANE, np.array([[0, 1, 2], [4, 1, 0], [5, 2, 3], [1, 0, 3]]), False),
    ],
    hidden={"V": range(4, 12), "E": range(2, 6), "N": range(1, 8), "exclude": (True, False)},
    mutants=[
        Mutant(replace="(b - a + c) @ unit.T", by="(a - b + c) @ unit.T",
               hint="a and b are exchanged: the step leads from a to b, so b has the plus."),
        Mutant(replace="(b - a + c) @ unit.T", by="(b - a - c) @ unit.T",
               hint="c is subtracted. The step from a to b starts at c: c has a plus."),
        Mutant(replace="unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)", by="unit = vectors",
               hint="Long vectors win. 3CosAdd works with cosines: divide each row by its length first."),
        Mutant(replace="np.put_along_axis(scores, questions, -np.inf, axis=1)",
               by="np.put_along_axis(scores, questions[:, 2:], -np.inf, axis=1)",
               hint="Only c is forbidden. With exclude, none of the three words may be the answer."),
        Mutant(replace="if exclude:", by="if True:",
               hint="The words of the question are forbidden although exclude is false."),
        Mutant(replace="if exclude:", by="if not exclude:",
               hint="exclude works the wrong way round."),
        Mutant(replace="np.put_along_axis(scores, questions, -np.inf, axis=1)", by="scores[:, questions.ravel()] = -np.inf",
               hint="The words of all questions are forbidden in every question. Each question forbids its own three."),
        Mutant(replace="(b - a + c) @ unit.T", by="(c) @ unit.T",
               hint="This is the word nearest to c. The step from a to b is missing."),
    ],
    alternatives=[analogies_one_by_one, analogies_by_mask],
)  # fmt: skip


def glove_inputs(rng, N, x_max):
    """scores (N,), counts (N,), x_max."""
    return rng.normal(size=N), rng.uniform(0.2, 30, N), x_max


def glove_one_by_one(scores, counts, x_max):
    """Pair after pair."""
    loss, d = 0.0, np.zeros(len(scores))
    for n, (s, x) in enumerate(zip(scores, counts)):
        f = 1.0 if x >= x_max else (x / x_max) ** 0.75
        loss += f * (s - np.log(x)) ** 2 / len(scores)
        d[n] = 2 * f * (s - np.log(x)) / len(scores)
    return loss, d


def glove_by_roots(scores, counts, x_max):
    """With the roots of the weights, in float32."""
    root = np.exp(0.375 * np.minimum(0, np.log(counts) - np.log(x_max))).astype(np.float32)
    weighted = root * (scores - np.log(counts)).astype(np.float32)
    return weighted @ weighted / len(counts), 2 * root * weighted / len(counts)


glove_loss = Exercise(
    id="13-glove-loss",
    title="The loss of GloVe",
    function="glove_loss",
    returns=("loss", "dscores"),
    inputs=glove_inputs,
    public=[
        case("counts on both sides of x_max", N=5, x_max=10.0),
        case("one pair, N=1", N=1, x_max=5.0),
        case("all counts below x_max", N=4, x_max=100.0),
        given("a pair that fits", np.array([0.0, 1.0]), np.array([1.0, 2.0]), 10.0),
    ],
    hidden={"N": range(1, 8), "x_max": (0.5, 2.0, 10.0, 100.0)},
    mutants=[
        Mutant(replace="np.minimum(1, counts / x_max) ** 0.75", by="(counts / x_max) ** 0.75",
               hint="The weight grows beyond 1. Above x_max it stays at 1, so that the most frequent pairs do not rule."),
        Mutant(replace="np.minimum(1, counts / x_max) ** 0.75", by="np.minimum(1, counts / x_max)",
               hint="The power 3/4 is missing in the weight."),
        Mutant(replace="errors = scores - np.log(counts)", by="errors = scores - counts",
               hint="The scores are compared with the counts. They approach the logarithm of the counts."),
        Mutant(replace="errors = scores - np.log(counts)", by="errors = scores - np.log(1 + counts)",
               hint="The logarithm of 1 + count is taken. GloVe takes the logarithm of the count, and leaves out counts of zero."),
        Mutant(replace="2 * weights * errors / len(counts)", by="weights * errors / len(counts)",
               hint="The factor 2 of the square's derivative is missing."),
        Mutant(replace="2 * weights * errors / len(counts)", by="2 * weights * errors",
               hint="The loss is a mean, so its gradient is divided by N too."),
        Mutant(replace="2 * weights * errors / len(counts)", by="2 * errors / len(counts)",
               hint="The gradient lacks the weights."),
    ],
    alternatives=[
        glove_one_by_one,
        glove_by_roots,
        Alternative(replace="np.minimum(1, counts / x_max) ** 0.75", by="np.where(counts < x_max, (counts / x_max) ** 0.75, 1)", about="np.where in place of the minimum"),
    ],
)  # fmt: skip

EXERCISES = [word_distances, nearest_words, negative_sampling, row_adagrad, analogies, glove_loss]

"""Exercises of chapter 23, why recurrence came back: cases, known mistakes, other correct ways."""

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case, given


def steps_inputs(rng, H):
    """a1, b1, a2, b2 (H,)."""
    return tuple(rng.normal(size=(4, H)))


def steps_by_running(a1, b1, a2, b2):
    """Run both from 0 and from 1: the offset, and what is left of the 1."""
    from_zero = a2 * b1 + b2
    return a2 * (a1 + b1) + b2 - from_zero, from_zero


def steps_as_matrices(a1, b1, a2, b2):
    """Each step is the matrix [[a, b], [0, 1]]."""
    products = []
    for first_a, first_b, then_a, then_b in zip(a1, b1, a2, b2, strict=True):
        products.append(np.array([[then_a, then_b], [0, 1]]) @ np.array([[first_a, first_b], [0, 1]]))
    joined = np.array(products)
    return joined[:, 0, 0], joined[:, 0, 1]


two_steps = Exercise(
    id="23-two-steps",
    title="Two steps are one",
    function="two_steps",
    returns=("a", "b"),
    inputs=steps_inputs,
    public=[
        case("three units", H=3),
        case("one unit, H=1", H=1),
        given("the first forgets", np.zeros(2), np.array([1.0, -1.0]), np.array([0.5, 2.0]), np.array([0.1, 0.2])),
        given("the second keeps", np.array([0.5, 2.0]), np.array([1.0, -1.0]), np.ones(2), np.zeros(2)),
    ],
    hidden={"H": range(1, 7)},
    mutants=[
        Mutant(replace="a2 * b1 + b2", by="a1 * b2 + b1",
               hint="The order is turned round: (a2, b2) comes second and scales what the first has added."),
        Mutant(replace="a2 * b1 + b2", by="b1 + b2",
               hint="b1 is added unscaled. The second step multiplies all that the first has made, b1 too."),
        Mutant(replace="a2 * a1,", by="a2 + a1,", hint="The factors are added. h is multiplied by one and then by the other."),
        Mutant(replace="a2 * b1 + b2", by="a2 * (b1 + b2)",
               hint="b2 is scaled by a2, but it is added after the scaling."),
        Mutant(replace="a2 * b1 + b2", by="a1 * b1 + b2", hint="b1 is scaled by a1. It is added after a1 and before a2."),
    ],
    alternatives=[steps_by_running, steps_as_matrices],
)  # fmt: skip


def matrix_inputs(rng, K, U):
    """S (K, U), z (K,), q (K,), k (K,), v (U,)."""
    past = np.exp(rng.normal(size=(3, K)))
    S = past.T @ rng.normal(size=(3, U))
    return S, past.sum(axis=0), rng.normal(size=K), rng.normal(size=K), rng.normal(size=U)


def phi_in_parts(x):
    """elu(x) + 1, one number at a time."""
    return np.array([x_i + 1 if x_i > 0 else np.e**x_i for x_i in x])


def matrix_as_weights(S, z, q, k, v):
    """What was there and what is new, mixed by their weights."""
    fq, fk = phi_in_parts(q), phi_in_parts(k)
    old, new = fq @ z, fq @ fk
    out = (S.T @ fq + new * v) / (old + new)
    return out, S + fk[:, None] * v[None, :], z + fk


def matrix_side_by_side(S, z, q, k, v):
    """z as one more column of S, for a value of 1."""
    fq, fk = np.exp(np.minimum(q, 0)) + np.maximum(q, 0), np.exp(np.minimum(k, 0)) + np.maximum(k, 0)
    both = np.column_stack([S, z]) + np.outer(fk, np.append(v, 1))
    read = fq @ both
    return read[:-1] / read[-1], both[:, :-1], both[:, -1]


matrix_state = Exercise(
    id="23-matrix-state",
    title="An RNN with a matrix",
    function="matrix_step",
    returns=("out", "S", "z"),
    inputs=matrix_inputs,
    public=[
        case("K≠U", K=3, U=2),
        case("K=U", K=3, U=3),
        case("one number a key, K=1", K=1, U=2),
        given("the first step", np.zeros((2, 2)), np.zeros(2), np.array([0.5, -1.0]), np.array([-0.5, 2.0]),
              np.array([1.0, -2.0])),
    ],
    hidden={"K": range(1, 6), "U": range(1, 6)},
    mutants=[
        Mutant(replace="return phi_q @ S / (phi_q @ z), S, z",
               by="old, z_old = S - np.outer(phi_k, v), z - phi_k\n    "
                  "return phi_q @ old / (phi_q @ z_old + 1e-12), S, z",
               hint="You read before you write. The new pair counts already."),
        Mutant(replace="phi_q @ S / (phi_q @ z), S", by="phi_q @ S, S",
               hint="The output is not divided by the sum of the weights."),
        Mutant(replace="np.where(q > 0, q + 1, np.exp(q))", by="q",
               hint="The query goes in as it is. It passes through phi, like the key."),
        Mutant(replace="np.where(k > 0, k + 1, np.exp(k))", by="np.where(k > 0, k + 1, np.exp(k) - 1)",
               hint="phi is elu plus 1: for negative numbers it is exp(x), without the minus 1."),
        Mutant(replace="np.where(k > 0, k + 1, np.exp(k))", by="np.exp(k)",
               hint="phi is exp(x) for negative numbers only. For positive ones it is x + 1."),
        Mutant(replace="z = z + phi_k", by="z = z + 1", hint="z grows by phi(k), a number for each entry, not by 1."),
        Mutant(replace="S = S + np.outer(phi_k, v)", by="S = S + np.outer(k, v)",
               hint="The key is written without phi. What is read by phi(q) must be written by phi(k)."),
    ],
    alternatives=[matrix_as_weights, matrix_side_by_side],
)  # fmt: skip


def delta_inputs(rng, T, K, U, unit=True):
    """keys (T, K), values (T, U)."""
    keys = rng.normal(size=(T, K))
    return keys / np.linalg.norm(keys, axis=1, keepdims=True) if unit else 0.7 * keys, rng.normal(size=(T, U))


def delta_by_erasing(keys, values):
    """First take what stands under the key away, then write."""
    S = np.zeros((keys.shape[1], values.shape[1]))
    for k, v in zip(keys, values, strict=True):
        S = (np.eye(len(k)) - np.outer(k, k)) @ S + np.outer(k, v)
    return S


def delta_column_by_column(keys, values):
    """Each entry of the values has a column of its own."""
    columns = []
    for wanted in values.T:
        s = np.zeros(keys.shape[1])
        for k, v in zip(keys, wanted, strict=True):
            s += (v - s @ k) * k
        columns.append(s)
    return np.stack(columns, axis=1)


delta = Exercise(
    id="23-delta",
    title="Write the difference",
    function="delta_rule",
    returns=("S",),
    inputs=delta_inputs,
    public=[
        case("three pairs", T=3, K=2, U=3),
        case("one pair, T=1", T=1, K=3, U=2),
        case("K=U", T=4, K=2, U=2),
        case("keys of other lengths", T=3, K=3, U=2, unit=False),
        given("one key twice", np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[5.0], [7.0]])),
    ],
    hidden={"T": range(1, 6), "K": range(1, 5), "U": range(1, 5), "unit": (True, False)},
    mutants=[
        Mutant(replace="v - k @ S", by="v", hint="This is the plain sum. Only what the value has beyond the answer is written."),
        Mutant(replace="v - k @ S", by="k @ S - v", hint="The difference has the wrong sign: value minus answer."),
        Mutant(replace="S = S + np.outer", by="S = np.outer", hint="The matrix is replaced at each pair. It is added to."),
        Mutant(replace="v - k @ S", by="v - k @ S / (k @ k)",
               hint="The answer is divided by the key's squared length. It is k @ S as it stands."),
        Mutant(replace="np.outer(k, v - k @ S)", by="np.outer(k, v) - S",
               hint="The whole old matrix is taken away. Only its answer for this key is."),
        Mutant(replace="zip(keys, values, strict=True)", by="zip(keys[::-1], values[::-1], strict=True)",
               hint="The pairs are written from the last to the first. Order matters here: later pairs overwrite."),
    ],
    alternatives=[delta_by_erasing, delta_column_by_column],
)  # fmt: skip


def rounds_inputs(rng, T, H):
    """a (T, H), b (T, H)."""
    return rng.uniform(-1.2, 1.2, (T, H)), rng.normal(size=(T, H))


def rounds_place_by_place(a, b):
    """A loop over the places inside each round, from copies."""
    a, b, w, rounds = a.copy(), b.copy(), 1, 0
    while w < len(a):
        old_a, old_b = a.copy(), b.copy()
        for t in range(w, len(a)):
            a[t] = old_a[t] * old_a[t - w]
            b[t] = old_a[t] * old_b[t - w] + old_b[t]
        w, rounds = 2 * w, rounds + 1
    return a, b, rounds


def rounds_with_padding(a, b):
    """Steps that do nothing in front, a = 1 and b = 0, so that every place has one w before it."""
    rounds = int(np.ceil(np.log2(len(a))))
    for r in range(rounds):
        w = 2**r
        ones, zeros = np.ones((w, a.shape[1])), np.zeros((w, a.shape[1]))
        far_a, far_b = np.vstack([ones, a[:-w]]), np.vstack([zeros, b[:-w]])
        a, b = far_a * a, far_b * a + b
    return a, b, rounds


rounds = Exercise(
    id="23-rounds",
    title="All steps in a few rounds",
    function="scan",
    returns=("a", "b", "rounds"),
    inputs=rounds_inputs,
    public=[
        case("T=4", T=4, H=2),
        case("T=5, no power of two", T=5, H=2),
        case("one step, T=1", T=1, H=3),
        case("two steps, one unit", T=2, H=1),
        case("T=9", T=9, H=1),
    ],
    hidden={"T": range(1, 18), "H": range(1, 4)},
    mutants=[
        Mutant(replace="w, rounds = 2 * w, rounds + 1", by="w, rounds = w + 1, rounds + 1",
               hint="The reach grows by 1. It doubles: what is joined at t - w reaches back w places already."),
        Mutant(replace="w < len(a)", by="2 * w < len(a)", hint="The last round is missing: rounds go on while w is below T."),
        Mutant(replace="w < len(a)", by="w <= len(a)", hint="There is one round too many when T is a power of two."),
        Mutant(replace="a[w:] * b[:-w] + b[w:]", by="a[:-w] * b[w:] + b[:-w]",
               hint="Earlier and later are swapped in b: the later a scales the earlier b."),
        Mutant(replace="new_a, new_b = a[w:] * a[:-w], a[w:] * b[:-w] + b[w:]",
               by="new_a = a[w:] * a[:-w]\n        new_b = new_a * b[:-w] + b[w:]",
               hint="The new a was used for the new b. All joins of a round use the values from before it."),
        Mutant(replace="np.concatenate([a[:w], new_a])", by="a",
               hint="a is not joined: later rounds need the product of all factors in between."),
        Mutant(replace="return a, b, rounds", by="return a, b, w",
               hint="You return the last reach. The number of rounds was asked for."),
    ],
    alternatives=[rounds_place_by_place, rounds_with_padding],
)  # fmt: skip


def back_inputs(rng, T, H):
    """a (T, H), h0 (H,), hs (T, H), dhs (T, H)."""
    a, b, h = rng.uniform(-1.2, 1.2, (T, H)), rng.normal(size=(T, H)), rng.normal(size=H)
    hs, h0 = [], h
    for a_t, b_t in zip(a, b, strict=True):
        h = a_t * h + b_t
        hs.append(h)
    return a, h0, np.array(hs), rng.normal(size=(T, H))


def back_by_products(a, h0, hs, dhs):
    """The gradient of h_s reaches b_t by the product of the factors in between."""
    T = len(a)
    db = np.zeros_like(a)
    for t in range(T):
        for s in range(t, T):
            db[t] += dhs[s] * np.prod(a[t + 1 : s + 1], axis=0)
    before = np.vstack([h0, hs])[:T]
    return db * before, db, np.sum([dhs[s] * np.prod(a[: s + 1], axis=0) for s in range(T)], axis=0)


def back_by_solving(a, h0, hs, dhs):
    """The recurrence is a triangular system; the gradient solves the transposed one."""
    T, H = a.shape
    db, dh0 = np.zeros((T, H)), np.zeros(H)
    for i in range(H):
        system = np.eye(T) - np.diag(a[1:, i], -1)
        db[:, i] = np.linalg.solve(system.T, dhs[:, i])
        dh0[i] = a[0, i] * db[0, i]
    return db * np.concatenate([h0[None], hs[: T - 1]]), db, dh0


recurrence_back = Exercise(
    id="23-back",
    title="Back through a linear recurrence",
    function="recurrence_back",
    returns=("da", "db", "dh0"),
    inputs=back_inputs,
    public=[
        case("three steps", T=3, H=2),
        case("one step, T=1", T=1, H=2),
        case("one unit, H=1", T=4, H=1),
        case("T=H", T=3, H=3),
    ],
    hidden={"T": range(1, 7), "H": range(1, 4)},
    mutants=[
        Mutant(replace="dhs[t] + g", by="dhs[t]",
               hint="Nothing comes from the future. Each state also receives what the next one sends back."),
        Mutant(replace="return db * before, db, g", by="return db * hs, db, g",
               hint="da is multiplied by the state after the step. The factor multiplied the state before it."),
        Mutant(replace="g = a[t] * db[t]", by="g = db[t]", hint="The way back to the step before passes the factor a."),
        Mutant(replace="g = a[t] * db[t]", by="g = a[t] * dhs[t]",
               hint="Only the direct part is sent back. The whole gradient of the state is."),
        Mutant(replace="np.concatenate([h0[None], hs[:-1]])", by="np.concatenate([0 * h0[None], hs[:-1]])",
               hint="The first step began at h0, not at zero."),
        Mutant(replace="return db * before, db, g", by="return db * before, db, db[0]",
               hint="dh0 lacks the factor of the first step."),
        Mutant(replace="reversed(range(len(a)))", by="range(len(a))",
               hint="The walk goes from the beginning. Gradients come from the end."),
    ],
    alternatives=[
        back_by_products,
        back_by_solving,
        Alternative(replace="db[t] = dhs[t] + g", by="db[t] += dhs[t]\n        db[t] += g", about="added in two parts"),
    ],
)  # fmt: skip

EXERCISES = [two_steps, matrix_state, delta, rounds, recurrence_back]

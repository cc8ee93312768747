"""Exercises of chapter 2, dense nets: cases, known mistakes, other correct ways."""

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case, given


def guess_inputs(rng, V):
    """V, the number of classes."""
    return (V,)


def guess_from_probability(V):
    """Minus the logarithm of one in V."""
    return -np.log(1 / V)


def guess_from_logits(V):
    """The definition, at logits that are all equal."""
    logits = np.zeros(V)
    return float(np.log(np.sum(np.exp(logits))) - logits[0])


guess_loss = Exercise(
    id="02-guess",
    title="The loss of a guess",
    function="guess_loss",
    returns=("loss",),
    inputs=guess_inputs,
    public=[
        given("ten digits", 10),
        given("yes or no", 2),
        given("95 characters", 95),
    ],
    hidden={"V": range(2, 300)},
    mutants=[
        Mutant(replace="np.log(V)", by="np.log2(V)", hint="These are bits. Nats use the natural logarithm."),
        Mutant(replace="np.log(V)", by="np.log10(V)", hint="This is the logarithm to base 10. Nats use base e."),
        Mutant(replace="np.log(V)", by="np.log(1 / V)",
               hint="The sign: the loss is minus the logarithm of the probability, so it is positive."),
        Mutant(replace="np.log(V)", by="1 / V", hint="This is the probability of the right class, not its loss."),
        Mutant(replace="np.log(V)", by="1 - 1 / V", hint="This is the share of wrong guesses, not the cross-entropy."),
        Mutant(replace="np.log(V)", by="np.log(V) / V",
               hint="Divided by V once too often: the mean runs over examples, not over classes."),
        Mutant(replace="np.log(V)", by="V * np.log(V)",
               hint="Only the right class counts in the loss; here the share of one class is taken V times."),
    ],
    alternatives=[guess_from_probability, guess_from_logits],
)  # fmt: skip


def dense_inputs(rng, B, n_in, n_out):
    """x (B, I), W (O, I), da (B, O)."""
    return rng.normal(size=(B, n_in)), rng.normal(size=(n_out, n_in)), rng.normal(size=(B, n_out))


def dense_back_by_einsum(x, W, da):
    """Every sum spelt out by its indices."""
    return np.einsum("bo,bi->oi", da, x), np.einsum("bo->o", da), np.einsum("bo,oi->bi", da, W)


def dense_back_one_by_one(x, W, da):
    """One example after the other, with outer products."""
    dW, db, dx = np.zeros_like(W), np.zeros(len(W)), np.zeros_like(x)
    for n in range(len(x)):
        dW += np.outer(da[n], x[n])
        db += da[n]
        dx[n] = W.T @ da[n]
    return dW, db, dx


dense_back = Exercise(
    id="02-dense-back",
    title="A dense layer, backwards",
    function="dense_back",
    returns=("dW", "db", "dx"),
    inputs=dense_inputs,
    public=[
        case("all sizes differ", B=2, n_in=3, n_out=4),
        case("one example, B=1", B=1, n_in=3, n_out=2),
        case("I=O", B=2, n_in=3, n_out=3),
        case("one output, O=1", B=3, n_in=2, n_out=1),
    ],
    hidden={"B": range(1, 7), "n_in": range(1, 7), "n_out": range(1, 7)},
    mutants=[
        Mutant(replace="da.T @ x", by="x.T @ da",
               hint="dW is transposed. It has the shape of W, (out, in): entry (i, j) belongs to da_i and x_j."),
        Mutant(replace="da.sum(axis=0)", by="da.mean(axis=0)",
               hint="db is averaged over the batch. Every example has its share in the loss: the shares are added."),
        Mutant(replace="da.T @ x", by="da.T @ x / len(x)",
               hint="dW is averaged over the batch. If the loss is a mean, its factor 1/B is already in da."),
        Mutant(replace="da @ W", by="da @ W.T",
               hint="dx uses W transposed. Forwards x meets W.T; backwards da meets W."),
        Mutant(replace="da.sum(axis=0)", by="da.sum(axis=1)",
               hint="db is summed over the outputs. It has one entry for each output; the sum runs over the examples."),
        Mutant(replace="da.sum(axis=0)", by="np.full(da.shape[1], da.sum())",
               hint="db holds the sum over everything. Each output has a bias of its own."),
        Mutant(replace="da.T @ x", by="da[-1:].T @ x[-1:]",
               hint="dW holds the share of the last example only. Add up the shares of all examples."),
        Mutant(replace="da.sum(axis=0)", by="da[0]",
               hint="db holds the share of the first example only. Add up the shares of all examples."),
    ],
    alternatives=[dense_back_by_einsum, dense_back_one_by_one],
)  # fmt: skip


def cross_entropy_inputs(rng, B, V, size):
    """logits (B, V), targets (B,)."""
    return size * rng.normal(size=(B, V)), rng.integers(0, V, B)


def cross_entropy_in_loops(logits, targets):
    """One example at a time; the logarithm of a sum through logaddexp."""
    losses, dlogits = [], np.zeros(logits.shape)
    for n, (row, k) in enumerate(zip(logits, targets, strict=True)):
        total = np.logaddexp.reduce(row)
        losses.append(total - row[k])
        dlogits[n] = np.exp(row - total) / len(logits)
        dlogits[n, k] -= 1 / len(logits)
    return float(np.mean(losses)), dlogits


def cross_entropy_by_one_hot(logits, targets):
    """With one-hot rows in place of indices, in float32 after the subtraction of the maximum."""
    hot = np.eye(logits.shape[1], dtype=np.float32)[targets]
    shifted = (logits - logits.max(axis=1, keepdims=True)).astype(np.float32)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -np.sum(hot * log_probs) / len(logits), (np.exp(log_probs) - hot) / len(logits)


cross_entropy = Exercise(
    id="02-cross-entropy",
    title="Softmax and cross-entropy",
    function="cross_entropy",
    returns=("loss", "dlogits"),
    inputs=cross_entropy_inputs,
    public=[
        case("a batch", B=3, V=4, size=1.0),
        case("one example, B=1", B=1, V=3, size=2.0),
        case("B=V", B=3, V=3, size=1.0),
        given("all logits equal", np.zeros((2, 5)), np.array([0, 3])),
        given("large logits", np.array([[1000.0, 1001.0, 1003.0], [-1000.0, -1001.0, -999.0]]), np.array([1, 0])),
        given("sure and wrong", np.array([[0.0, -1000.0], [2000.0, 0.0]]), np.array([1, 0])),
    ],
    hidden={"B": range(1, 7), "V": range(2, 9), "size": (1.0, 5.0, 1000.0)},
    mutants=[
        Mutant(replace="logits - logits.max(axis=1, keepdims=True)", by="logits * 1.0",
               hint="Nothing is subtracted before the exponential: it overflows for a logit above 709."),
        Mutant(replace="shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))",
               by="np.log(np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True))",
               hint="The logarithm is taken of the probabilities. A small one is 0 in float64, and its logarithm minus "
                    "infinity. Use logits minus the logarithm of the sum."),
        Mutant(replace="dlogits / len(targets)", by="dlogits",
               hint="The loss is a mean over the batch; its factor 1/B is missing in the gradient."),
        Mutant(replace=".mean()", by=".sum()", hint="The loss is a sum over the batch. Asked for is the mean."),
        Mutant(replace="dlogits[rows, targets] -= 1", by="pass",
               hint="The gradient is the softmax alone. At the right class 1 must be subtracted."),
        Mutant(replace="dlogits / len(targets)", by="-dlogits / len(targets)",
               hint="The gradient has the wrong sign: probabilities minus one-hot, not the other way round."),
        Mutant(replace="-log_probs[rows, targets].mean()", by="log_probs[rows, targets].mean()",
               hint="The sign: the loss is minus the logarithm of the probability."),
        Mutant(replace="logits - logits.max(axis=1, keepdims=True)", by="logits - logits.max()",
               hint="The maximum of the whole batch is subtracted. A row that lies far below it becomes all zeros. "
                    "Each row has its own maximum."),
        Mutant(replace="dlogits / len(targets)", by="dlogits / logits.size",
               hint="The gradient is divided by B times V. The mean runs over the B examples."),
    ],
    alternatives=[cross_entropy_in_loops, cross_entropy_by_one_hot],
)  # fmt: skip


def adam_inputs(rng, n_out, n_in, n, lr):
    """theta, g, m, s, all (O, I), n, lr."""
    shape = (n_out, n_in)
    m, s = 0.1 * rng.normal(size=shape), rng.uniform(0.05, 1, shape)
    return rng.normal(size=shape), rng.normal(size=shape), m, s, n, lr


def adam_as_in_the_package(theta, g, m, s, n, lr):
    """The corrections pulled into the rate and the root."""
    m, s = m + 0.1 * (g - m), s + 0.001 * (g * g - s)
    size, root = lr / (1 - 0.9**n), np.sqrt(1 - 0.999**n)
    return theta - size * m / (np.sqrt(s) / root + 1e-8), m, s


def adam_entry_by_entry(theta, g, m, s, n, lr):
    """Plain Python numbers, one parameter at a time."""
    theta, m, s = theta.copy(), m.copy(), s.copy()
    for i in np.ndindex(theta.shape):
        m[i] = 0.9 * m[i] + (1 - 0.9) * g[i]
        s[i] = 0.999 * s[i] + (1 - 0.999) * g[i] ** 2
        theta[i] -= lr * (m[i] / (1 - 0.9**n)) / ((s[i] / (1 - 0.999**n)) ** 0.5 + 1e-8)
    return theta, m, s


adam_step = Exercise(
    id="02-adam",
    title="One step of Adam",
    function="adam_step",
    returns=("theta", "m", "s"),
    inputs=adam_inputs,
    public=[
        given("the first step", np.array([[1.0, -2.0]]), np.array([[0.5, -3.0]]), np.zeros((1, 2)), np.zeros((1, 2)), 1,
              0.1),
        case("the tenth step", n_out=2, n_in=3, n=10, lr=0.1),
        case("a late step", n_out=1, n_in=2, n=500, lr=0.1),
        given("a tiny gradient", np.array([[1.0]]), np.array([[1e-6]]), np.zeros((1, 1)), np.zeros((1, 1)), 1, 0.1),
    ],
    hidden={"n_out": range(1, 5), "n_in": range(1, 5), "n": range(1, 40), "lr": (0.1, 0.5)},
    mutants=[
        Mutant(replace=("m / (1 - 0.9**n)", "s / (1 - 0.999**n)"), by=("m", "s"),
               hint="The averages started at zero and are too small at first: divide them by 1 - beta^n."),
        Mutant(replace=("0.9**n", "0.999**n"), by=("0.9 ** (n - 1 + 1e-12)", "0.999 ** (n - 1 + 1e-12)"),
               hint="The correction is one step behind: n counts this step as well, from 1."),
        Mutant(replace="(np.sqrt(s_hat) + 1e-8)", by="(s_hat + 1e-8)",
               hint="The root is missing: the step is divided by the root of the mean square."),
        Mutant(replace="0.001 * g**2", by="0.001 * g",
               hint="s averages the squares of the gradients, not the gradients."),
        Mutant(replace="(np.sqrt(s_hat) + 1e-8)", by="np.sqrt(s_hat + 1e-8)",
               hint="epsilon stands under the root. It is added after it."),
        Mutant(replace="theta - lr * m_hat", by="theta - lr * g",
               hint="The step goes along the gradient of this batch. It goes along the running average m."),
        Mutant(replace="theta - lr", by="theta + lr", hint="The step goes uphill: subtract it."),
        Mutant(replace=("0.9 * m + 0.1 * g", "0.999 * s + 0.001 * g**2"), by=("0.999 * m + 0.001 * g",
               "0.9 * s + 0.1 * g**2"), hint="beta_1 and beta_2 are exchanged: 0.9 belongs to m, 0.999 to s."),
        Mutant(replace=", m, s", by=", m_hat, s_hat",
               hint="The corrected averages are returned. Kept are the averages without the correction, or the next "
                    "step corrects twice."),
        Mutant(replace="0.9 * m + 0.1 * g", by="0.9 * m + g",
               hint="m is a velocity here, as in momentum. Adam's m is an average: the new gradient counts 0.1."),
    ],
    alternatives=[adam_as_in_the_package, adam_entry_by_entry],
)  # fmt: skip


def clip_inputs(rng, n_out, n_in, size, c):
    """dW (O, I), db (O,), c."""
    return size * rng.normal(size=(n_out, n_in)), size * rng.normal(size=n_out), c


def clip_as_one_vector(dW, db, c):
    """Joined into one vector, clipped, and taken apart."""
    g = np.concatenate([dW.ravel(), db])
    g = g * min(1.0, c / max(np.linalg.norm(g), 1e-300))
    return g[: dW.size].reshape(dW.shape), g[dW.size :]


def clip_by_squares(dW, db, c):
    """Compares squares with squares."""
    square = float((dW * dW).sum() + db @ db)
    if square <= c * c:
        return dW.copy(), db.copy()
    return dW * (c / square**0.5), db * (c / square**0.5)


clip_layer = Exercise(
    id="02-clip-norm",
    title="Clip by norm",
    function="clip_layer",
    returns=("dW", "db"),
    inputs=clip_inputs,
    public=[
        given("norm 5, c = 1", np.array([[3.0, 0.0]]), np.array([4.0]), 1.0),
        given("norm 5, c = 10: short enough", np.array([[3.0, 0.0]]), np.array([4.0]), 10.0),
        given("norm 0.5, c = 0.3", np.array([[0.3]]), np.array([0.4]), 0.3),
        given("all zero", np.zeros((2, 2)), np.zeros(2), 1.0),
        case("a layer", n_out=3, n_in=2, size=2.0, c=1.0),
    ],
    hidden={"n_out": range(1, 5), "n_in": range(1, 6), "size": (0.1, 0.3, 1.0, 10.0), "c": (0.25, 0.5, 1.0, 5.0)},
    mutants=[
        Mutant(replace="if norm > c", by="if norm**2 > c",
               hint="The squared norm is compared with c. Below 1 the square is smaller than the norm and long "
                    "gradients pass; above 1 it is larger and short ones are stretched."),
        Mutant(replace="np.sqrt(np.sum(dW**2) + np.sum(db**2))", by="np.sum(dW**2) + np.sum(db**2)",
               hint="The root is missing: the squared norm stands for the norm, in the comparison and in the factor."),
        Mutant(replace="return factor * dW, factor * db",
               by="return tuple(v * min(1.0, c / max(np.linalg.norm(v), 1e-300)) for v in (dW, db))",
               hint="Each array is clipped by its own norm. They get one common factor, or the direction changes."),
        Mutant(replace="c / norm if norm > c else 1.0", by="c / max(norm, 1e-300)",
               hint="Short gradients are stretched to the norm c. What is not longer than c stays as it is."),
        Mutant(replace="return factor * dW, factor * db", by="return np.clip(dW, -c, c), np.clip(db, -c, c)",
               hint="Every entry is cut to [-c, c]. That is clipping by value, and it turns the direction."),
        Mutant(replace="np.sqrt(np.sum(dW**2) + np.sum(db**2))", by="np.sqrt(np.sum(dW**2))",
               hint="The norm leaves out db. All gradients together are one vector."),
        Mutant(replace="np.sqrt(np.sum(dW**2) + np.sum(db**2))", by="np.sum(np.abs(dW)) + np.sum(np.abs(db))",
               hint="This adds up absolute values. The Euclidean norm is the root of the sum of squares."),
        Mutant(replace="c / norm if norm > c else 1.0", by="1 / norm if norm > c else 1.0",
               hint="Long gradients are shortened to norm 1. They are to have the norm c."),
        Mutant(replace="np.sqrt(np.sum(dW**2) + np.sum(db**2))", by="np.sqrt(np.sum(dW**2)) + np.sqrt(np.sum(db**2))",
               hint="The norms of the two arrays are added. Add the squares, and take the root once."),
    ],
    alternatives=[clip_as_one_vector, clip_by_squares],
)  # fmt: skip


def net_inputs(rng, B, n_in, H, V):
    """x (B, I), targets (B,), W_1 (H, I), b_1 (H,), W_2 (V, H), b_2 (V,)."""
    return (rng.normal(size=(B, n_in)), rng.integers(0, V, B), rng.normal(size=(H, n_in)), 0.5 * rng.normal(size=H),
            rng.normal(size=(V, H)), 0.5 * rng.normal(size=V))  # fmt: skip


def net_gradient_by_complex_step(x, targets, W_1, b_1, W_2, b_2):
    """No backward pass at all: every entry nudged along the imaginary axis."""
    weights = [v.astype(complex) for v in (W_1, b_1, W_2, b_2)]

    def loss():
        W_1, b_1, W_2, b_2 = weights
        logits = 1 / (1 + np.exp(-(x @ W_1.T + b_1))) @ W_2.T + b_2
        return np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(x)), targets])

    grads = [np.zeros(v.shape) for v in weights]
    for v, grad in zip(weights, grads, strict=True):
        for i in np.ndindex(v.shape):
            v[i] += 1e-30j
            grad[i] = loss().imag / 1e-30
            v[i] -= 1e-30j
    return tuple(grads)


def net_gradient_one_by_one(x, targets, W_1, b_1, W_2, b_2):
    """One example after the other, the sigmoid through tanh."""
    grads = [np.zeros(v.shape) for v in (W_1, b_1, W_2, b_2)]
    for one, k in zip(x, targets, strict=True):
        h = 0.5 + 0.5 * np.tanh((W_1 @ one + b_1) / 2)
        e = np.exp(W_2 @ h + b_2)
        d = e / e.sum()
        d[k] -= 1
        da = (W_2.T @ d) * (h - h**2)
        for grad, share in zip(grads, (np.outer(da, one), da, np.outer(d, h), d), strict=True):
            grad += share / len(x)
    return tuple(grads)


net_gradient = Exercise(
    id="02-net-gradient",
    title="The whole gradient",
    function="net_gradient",
    returns=("dW_1", "db_1", "dW_2", "db_2"),
    inputs=net_inputs,
    public=[
        case("all sizes differ", B=2, n_in=3, H=4, V=5),
        case("one example, B=1", B=1, n_in=2, H=3, V=2),
        case("all sizes equal", B=3, n_in=3, H=3, V=3),
        case("one hidden unit, H=1", B=4, n_in=2, H=1, V=3),
    ],
    hidden={"B": range(1, 6), "n_in": range(1, 6), "H": range(1, 6), "V": range(2, 6)},
    mutants=[
        Mutant(replace="dh * h * (1 - h)", by="dh * (1 - h**2)",
               hint="1 - h^2 is the derivative of tanh. The sigmoid's is h (1 - h)."),
        Mutant(replace="dh * h * (1 - h)", by="dh",
               hint="The derivative of the sigmoid is missing between the layers."),
        Mutant(replace="(probs - one_hot) / len(x)", by="probs - one_hot",
               hint="The loss is a mean over the batch: the factor 1/B is missing."),
        Mutant(replace="probs - one_hot", by="probs",
               hint="The one-hot vector of the right class is missing in dlogits."),
        Mutant(replace="da.T @ x", by="dh.T @ x",
               hint="dW_1 is built with dh. The weights act before the sigmoid, so da must stand there."),
        Mutant(replace="da.sum(axis=0)", by="dh.sum(axis=0)",
               hint="db_1 is built with dh. The bias acts before the sigmoid, so da must stand there."),
        Mutant(replace="dlogits.T @ h", by="dlogits.T @ (x @ W_1.T + b_1)",
               hint="dW_2 is built with the pre-activation. The upper layer has read h, after the sigmoid."),
        Mutant(replace="(x @ W_1.T + b_1)", by="(x @ W_1.T)", hint="The bias b_1 is missing in the forward pass."),
        Mutant(replace="h @ W_2.T + b_2", by="h @ W_2.T", hint="The bias b_2 is missing in the forward pass."),
        Mutant(replace="probs.sum(axis=1, keepdims=True)", by="probs.sum(axis=0, keepdims=True)",
               hint="The softmax is normalised over the examples. Each row is one example: its sum must be 1."),
    ],
    alternatives=[
        net_gradient_by_complex_step,
        net_gradient_one_by_one,
        Alternative(replace="dh * h * (1 - h)", by="dh * (h - h**2)", about="h - h^2 for the derivative"),
    ],
)  # fmt: skip

EXERCISES = [guess_loss, dense_back, cross_entropy, adam_step, clip_layer, net_gradient]

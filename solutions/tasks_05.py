"""Exercises of chapter 5, vanishing and exploding gradients: cases, known mistakes, other correct ways."""

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case, given


def jacobian_inputs(rng, H):
    """h (H,), W_hh (H, H)."""
    return np.tanh(rng.normal(size=H)), rng.normal(size=(H, H))


def jacobian_in_loops(h, W_hh):
    """Entry by entry."""
    J = np.zeros_like(W_hh)
    for i in range(len(h)):
        for j in range(len(h)):
            J[i, j] = (1 - h[i]) * (1 + h[i]) * W_hh[i, j]
    return J


def jacobian_by_einsum(h, W_hh):
    """Row i scaled by tanh' of unit i, in float32."""
    return np.einsum("i,ij->ij", (1 - h**2).astype(np.float32), W_hh.astype(np.float32))


jacobian = Exercise(
    id="05-jacobian",
    title="The Jacobian of a step",
    function="jacobian",
    returns=("J",),
    inputs=jacobian_inputs,
    public=[
        case("three units", H=3),
        case("one unit, H=1", H=1),
        given("h=0: only the weights remain", np.zeros(2), np.array([[1.0, -2.0], [0.5, 3.0]])),
    ],
    hidden={"H": range(1, 6)},
    mutants=[
        Mutant(replace="np.diag(1 - h**2) @ W_hh", by="W_hh @ np.diag(1 - h**2)",
               hint="The diagonal stands on the wrong side: it scales the columns of W_hh. tanh acts on what comes out "
                    "of W_hh, so the rows are scaled."),
        Mutant(replace="np.diag(1 - h**2) @ W_hh", by="W_hh.T @ np.diag(1 - h**2)",
               hint="This is the transpose, which carries gradients back. Asked for is dh_t / dh_{t-1} itself."),
        Mutant(replace="np.diag(1 - h**2) @ W_hh", by="W_hh",
               hint="The derivative of tanh is missing: this is the Jacobian of a linear network."),
        Mutant(replace="1 - h**2", by="1 - np.tanh(h) ** 2",
               hint="tanh is taken twice: h is already tanh(a), so tanh'(a) = 1 - h^2."),
        Mutant(replace="1 - h**2", by="h * (1 - h)",
               hint="h (1 - h) is the derivative of the logistic function. Here the activation is tanh."),
        Mutant(replace="np.diag(1 - h**2) @ W_hh", by="np.full(W_hh.shape, ((1 - h**2) @ W_hh))",
               hint="The sum over the units is taken, so one row is left. Every unit has a row of its own."),
    ],
    alternatives=[
        jacobian_in_loops,
        jacobian_by_einsum,
        Alternative(replace="np.diag(1 - h**2) @ W_hh", by="(1 - h**2)[:, None] * W_hh", about="broadcasting"),
    ],
)  # fmt: skip


def bounds_inputs(rng, H, n):
    """W (H, H), n."""
    return rng.normal(size=(H, H)) / np.sqrt(H), n


def bounds_by_svd(W, n):
    """Singular values by their decomposition, the power by repeated products."""
    power = W
    for _ in range(n - 1):
        power = power @ W
    lower = max(abs(v) for v in np.linalg.eig(W)[0]) ** n
    return lower, np.linalg.svd(power)[1][0], np.linalg.svd(W)[1][0] ** n


def bounds_by_eigenvalues(W, n):
    """Singular values as roots of eigenvalues of W^T W."""
    power = np.linalg.matrix_power(W, n)
    largest = [np.sqrt(np.linalg.eigvalsh(M.T @ M).max()) for M in (power, W)]
    return np.abs(np.linalg.eigvals(power)).max(), largest[0], largest[1] ** n


bounds = Exercise(
    id="05-bounds",
    title="Between two bounds",
    function="bounds",
    returns=("lower", "norm", "upper"),
    inputs=bounds_inputs,
    public=[
        case("four units, n=3", H=4, n=3),
        case("one step, n=1", H=3, n=1),
        given("not normal, n=9", np.array([[0.9, 5.0], [0.0, 0.9]]), 9),
        given("a rotation: complex eigenvalues, n=2", np.array([[0.0, -2.0], [2.0, 0.0]]), 2),
        given("a negative eigenvalue, n=3", np.array([[-1.5, 0.0], [0.0, 0.5]]), 3),
    ],
    hidden={"H": range(1, 6), "n": range(1, 8)},
    mutants=[
        Mutant(replace="np.abs(np.linalg.eigvals(W)).max()", by="np.linalg.eigvals(W).real.max()",
               hint="The largest real part is taken. Eigenvalues may be negative or complex: what counts is their "
                    "absolute value."),
        Mutant(replace="np.linalg.matrix_power(W, n)", by="W**n",
               hint="W**n raises each entry to the n-th power. Asked for is the matrix product of n copies."),
        Mutant(replace="np.linalg.norm(np.linalg.matrix_power(W, n), 2)",
               by="np.linalg.norm(np.linalg.matrix_power(W, n))",
               hint="This is the Frobenius norm of the power. The largest factor for a vector is the largest singular "
                    "value."),
        Mutant(replace="np.linalg.norm(W, 2) ** n", by="np.linalg.norm(W) ** n",
               hint="In the upper bound the Frobenius norm stands for the largest singular value."),
        Mutant(replace="np.linalg.norm(W, 2) ** n", by="np.linalg.norm(np.linalg.matrix_power(W, n), 2)",
               hint="The upper bound is the singular value of W to the n-th power, not the singular value of W^n."),
        Mutant(replace="np.abs(np.linalg.eigvals(W)).max()", by="np.abs(np.linalg.eigvals(W)).min()",
               hint="The smallest eigenvalue is taken. The largest one wins in a power."),
        Mutant(replace="np.abs(np.linalg.eigvals(W)).max() ** n", by="np.abs(np.linalg.eigvals(W)).max() * n",
               hint="The radius is multiplied by n. Over n steps it is multiplied by itself n times."),
    ],
    alternatives=[bounds_by_svd, bounds_by_eigenvalues],
)  # fmt: skip


def clip_inputs(rng, H, D, size, theta):
    """dW (H, D), db (H,), theta."""
    return size * rng.normal(size=(H, D)), size * rng.normal(size=H), theta


def clip_as_one_vector(dW, db, theta):
    """Joined, clipped, taken apart."""
    g = np.concatenate([dW.ravel(), db])
    length = np.linalg.norm(g)
    g = g * (theta / max(length, theta))
    return g[: dW.size].reshape(dW.shape), g[dW.size :]


def clip_in_float32(dW, db, theta):
    """Single precision, the norm as a sum of squares."""
    dW, db = dW.astype(np.float32), db.astype(np.float32)
    total = float((dW * dW).sum() + (db * db).sum())
    factor = 1.0 if total <= theta**2 else theta / total**0.5
    return dW * np.float32(factor), db * np.float32(factor)


clip = Exercise(
    id="05-clip",
    title="Clipping by the global norm",
    function="clip",
    returns=("dW", "db"),
    inputs=clip_inputs,
    public=[
        case("long: it is shortened", H=2, D=3, size=10, theta=1.0),
        case("short: it stays", H=2, D=2, size=0.1, theta=5.0),
        given("length 3, theta=5: it stays", np.array([[2.0, -1.0]]), np.array([2.0]), 5.0),
        given("length 1.5, theta=2: it stays", np.array([[0.5, 1.0]]), np.array([-1.0]), 2.0),
        given("length 0.75, theta=0.6", np.array([[0.25, 0.5]]), np.array([0.5]), 0.6),
        given("all zeros", np.zeros((2, 2)), np.zeros(2), 1.0),
    ],
    hidden={"H": range(1, 5), "D": range(1, 5), "size": (0.05, 0.3, 1, 3, 50), "theta": (0.25, 0.5, 1.0, 5.0)},
    mutants=[
        Mutant(replace=("if norm > theta:", "factor = theta / norm"),
               by=("if norm**2 > theta:", "factor = theta / norm**2"),
               hint="The squared norm is compared and divided by. Then the longer a gradient is, the shorter it "
                    "becomes: theta divided by its length. Take the root."),
        Mutant(replace="if norm > theta:", by="if norm**2 > theta:",
               hint="The squared norm is compared with theta. Compare the norm itself."),
        Mutant(replace="return factor * dW, factor * db",
               by="return np.clip(dW, -theta, theta), np.clip(db, -theta, theta)",
               hint="Every entry is cut for itself. That changes the direction of the gradient; clipping by norm "
                    "keeps it."),
        Mutant(replace="np.sqrt((dW**2).sum() + (db**2).sum())", by="np.sqrt((dW**2).sum())",
               hint="Only dW is measured. The norm is that of both arrays, taken as one long vector."),
        Mutant(replace="np.sqrt((dW**2).sum() + (db**2).sum())", by="np.abs(dW).sum() + np.abs(db).sum()",
               hint="The absolute values are added. The length is the root of the sum of the squares."),
        Mutant(replace="if norm > theta:", by="if norm > 0:",
               hint="Short gradients are lengthened to theta. Clipping touches only those that are longer than theta."),
        Mutant(replace="return factor * dW, factor * db", by="return factor * dW, db",
               hint="Only dW is shortened. Both arrays are parts of one gradient and get the same factor."),
    ],
    alternatives=[clip_as_one_vector, clip_in_float32],
)  # fmt: skip


def log_length_inputs(rng, H, n, radius):
    """W (H, H) of about the given radius, v (H,), n."""
    return radius * rng.normal(size=(H, H)) / np.sqrt(H), rng.normal(size=H), n


def log_length_by_qr(W, v, n):
    """The length as the R of a QR decomposition of one column."""
    start = np.sqrt((v**2).sum())
    total, column = np.log(start), v[:, None] / start
    for _ in range(n):
        q, r = np.linalg.qr(W.T @ column)
        column, total = q, total + np.log(np.abs(r[0, 0]))
    return total


def log_length_by_largest_entry(W, v, n):
    """Renormalised by the largest entry, not by the length."""
    total = 0.0
    for _ in range(n):
        size = np.abs(v).max()
        v, total = W.T @ (v / size), total + np.log(size)
    return total + np.log(np.linalg.norm(v))


log_length = Exercise(
    id="05-log-length",
    title="A length that never underflows",
    function="log_length",
    returns=("log_length",),
    inputs=log_length_inputs,
    public=[
        case("three steps", H=3, n=3, radius=1.0),
        case("no step, n=0", H=2, n=0, radius=1.0),
        given("two steps, not symmetric", np.array([[0.9, 5.0], [0.0, 0.9]]), np.array([3.0, 4.0]), 2),
        given("5000 steps that shrink", np.array([[0.5, 0.2], [0.0, 0.4]]), np.array([1.0, -2.0]), 5000),
        given("5000 steps that grow", np.array([[1.5, 0.0], [0.3, 1.2]]), np.array([0.5, 1.0]), 5000),
    ],
    hidden={"H": range(1, 5), "n": (0, 1, 2, 5, 30, 3000), "radius": (0.3, 1.0, 3.0)},
    mutants=[
        Mutant(replace=("v = W.T @ (v / length)", "total += np.log(length)"),
               by=("v = W.T @ v", "total += 0.0"),
               hint="After enough steps the vector itself is 0 or infinite, and so is its logarithm. Make it length 1 "
                    "again after each step and add up the logarithms of the lengths."),
        Mutant(replace="W.T @ (v / length)", by="W @ (v / length)",
               hint="The vector goes forwards, through W. A gradient goes back, through the transpose."),
        Mutant(replace="total += np.log(length)", by="total = np.log(length)",
               hint="Only the last step's logarithm is kept. The logarithms of all steps add up."),
        Mutant(replace="total + np.log(np.linalg.norm(v))", by="total",
               hint="One factor is missing: the length that the last step left."),
        Mutant(replace="np.log(np.linalg.norm(v))", by="np.log((v**2).sum())",
               hint="The logarithm of the squared length is twice that of the length."),
        Mutant(replace="total, length = 0.0, np.linalg.norm(v)",
               by="total, length = -np.log(np.linalg.norm(v)), np.linalg.norm(v)",
               hint="This is relative to the start. Asked for is the length itself: that of v at the start counts."),
        Mutant(replace="total += np.log(length)", by="total += length",
               hint="The lengths are added. They multiply, so their logarithms are added."),
    ],
    alternatives=[log_length_by_qr, log_length_by_largest_entry],
)  # fmt: skip


def walk_inputs(rng, T, B, H):
    """hs (T+1, B, H) of a tanh RNN, W_hh (H, H), dh (B, H)."""
    W_hh = rng.normal(size=(H, H)) / np.sqrt(H)
    hs = [np.tanh(rng.normal(size=(B, H)))]
    for _ in range(T):
        hs.append(np.tanh(hs[-1] @ W_hh.T + rng.normal(size=(B, H))))
    return np.stack(hs), W_hh, rng.normal(size=(B, H))


def walk_by_products(hs, W_hh, dh):
    """For each sequence the product of the Jacobians, explicitly."""
    T, B = len(hs) - 1, hs.shape[1]
    norms = np.zeros((T + 1, B))
    for b in range(B):
        product = np.eye(hs.shape[2])
        norms[0, b] = np.linalg.norm(dh[b])
        for n in range(1, T + 1):
            product = product @ np.diag(1 - hs[T - n + 1, b] ** 2) @ W_hh
            norms[n, b] = np.linalg.norm(product.T @ dh[b])
    return norms


def walk_by_einsum(hs, W_hh, dh):
    """All in index notation, the norms at the end."""
    found = [dh]
    for h in hs[:0:-1]:
        found.append(np.einsum("bi,bi,ij->bj", found[-1], 1 - h * h, W_hh))
    return np.sqrt(np.einsum("nbh,nbh->nb", found, found))


walk = Exercise(
    id="05-walk",
    title="The gradient on its way back",
    function="gradient_lengths",
    returns=("norms",),
    inputs=walk_inputs,
    public=[
        case("T=4, B=2", T=4, B=2, H=3),
        case("one step, T=1", T=1, B=3, H=2),
        case("one sequence, B=1", T=5, B=1, H=4),
        case("one unit, H=1", T=3, B=2, H=1),
    ],
    hidden={"T": range(1, 8), "B": range(1, 5), "H": range(1, 5)},
    mutants=[
        Mutant(replace="(1 - hs[t] ** 2)", by="(1 - hs[t - 1] ** 2)",
               hint="The derivative of tanh is taken one step too early. Step t put out hs[t]."),
        Mutant(replace="dh * (1 - hs[t] ** 2)", by="dh", hint="The derivative of tanh is missing."),
        Mutant(replace="@ W_hh", by="@ W_hh.T",
               hint="The gradient goes through W_hh transposed. For rows, h meets W_hh.T forwards, dh meets W_hh "
                    "backwards."),
        Mutant(replace="np.stack(norms)", by="np.stack(norms[::-1])",
               hint="The order is reversed. Entry n is the length n steps back, so entry 0 is the one that was sent."),
        Mutant(replace="norms.append(np.linalg.norm(dh, axis=1))", by="norms.append((dh**2).sum(axis=1))",
               hint="From the first step back on these are squared lengths."),
        Mutant(replace="norms.append(np.linalg.norm(dh, axis=1))",
               by="norms.append(np.full(len(dh), np.linalg.norm(dh)))",
               hint="From the first step back on the batch is taken as one vector. Each sequence has its own length."),
        Mutant(replace="range(len(hs) - 1, 0, -1)", by="range(1, len(hs))",
               hint="The walk goes forwards in time. It begins at the last step."),
    ],
    alternatives=[walk_by_products, walk_by_einsum],
)  # fmt: skip

EXERCISES = [jacobian, bounds, clip, log_length, walk]

"""Exercises of chapter 21, series, strokes and music: cases, known mistakes, other correct ways."""

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case, given


def season_inputs(rng, n, m, H):
    """A series (n,), a place with a season before it, and values after it that may not be used."""
    m = min(m, n)
    return rng.normal(size=n), int(rng.integers(m - 1, n)), m, H


def season_by_repeating(y, t, m, H):
    """The last season, again and again."""
    return np.tile(y[t + 1 - m : t + 1], H // m + 1)[:H]


def season_step_by_step(y, t, m, H):
    """Each forecast is read as if it were known."""
    known = list(y[: t + 1])
    for _ in range(H):
        known.append(known[-m])
    return np.array(known[t + 1 :], np.float32)


RAMP = np.arange(10.0)
season_ago = Exercise(
    id="21-season-ago",
    title="As a season ago",
    function="season_ago",
    returns=("forecasts",),
    inputs=season_inputs,
    public=[
        given("one season ahead", RAMP, 7, 4, 4),
        given("two and a half seasons ahead", RAMP, 5, 4, 10),
        given("season of one: persistence", RAMP, 3, 1, 3),
        given("all is known", RAMP, 9, 3, 2),
        case("a series by chance", n=12, m=5, H=7),
    ],
    hidden={"n": range(3, 15), "m": range(1, 6), "H": range(1, 12)},
    mutants=[
        Mutant(replace="k = -(-h // m)  # rounded up", by="k = np.ones_like(h)",
               hint="One season back is not always enough: where h is larger than m, y[t + h - m] is not known yet at t."),
        Mutant(replace="k = -(-h // m)  # rounded up", by="k = h // m + 1",
               hint="One season too many where h is a multiple of m: y[t] itself is known and is a season before y[t + m]."),
        Mutant(replace="np.arange(1, H + 1)", by="np.arange(H)",
               hint="The forecasts begin at h = 0, which is the present. They begin at h = 1."),
        Mutant(replace="y[t + h - k * m]", by="y[t] + 0 * h",
               hint="This is persistence: y[t] for every horizon. Asked for is the value a season before each target."),
        Mutant(replace="y[t + h - k * m]", by="y[t - h - k * m + m]",
               hint="The season runs backwards: h is added to t, then whole seasons are taken off."),
        Mutant(replace="y[t + h - k * m]", by="y[t + h - k * m] + y[t] - y[t - m + 1]",
               hint="A drift was added. The plain seasonal forecast repeats the values."),
    ],
    alternatives=[season_by_repeating, season_step_by_step],
)  # fmt: skip


def frames_inputs(rng, T, B, N):
    """logits (T, B, N), notes (T, B, N), mask (T, B) with a real frame at least."""
    mask = rng.random((T, B)) < 0.7
    mask[0, 0] = True
    return rng.normal(0, 2, (T, B, N)), (rng.random((T, B, N)) < 0.4).astype(float), mask


def frames_one_by_one(logits, notes, mask):
    """Frame after frame, note after note."""
    total = 0.0
    for t, b in zip(*np.nonzero(mask)):
        for o, y in zip(logits[t, b], notes[t, b]):
            total += np.logaddexp(0, -o) if y == 1 else np.logaddexp(0, o)
    return total / mask.sum()


def frames_by_signs(logits, notes, mask):
    """One softplus of the logit with the sign of the truth, in float32."""
    signed = np.where(notes == 1, -logits, logits)
    nats = np.maximum(signed, 0) + np.log1p(np.exp(-np.abs(signed)))
    return np.float32((nats * mask[..., None]).sum() / np.count_nonzero(mask))


LOUD = np.array([[[1000.0, -1000.0, 3.0]], [[-5.0, 2.0, 1000.0]]])
frame_nats = Exercise(
    id="21-frame-nats",
    title="Nats a frame",
    function="frame_nats",
    returns=("nats",),
    inputs=frames_inputs,
    public=[
        case("two pieces, some padding", T=4, B=2, N=3),
        case("one frame, one note", T=1, B=1, N=1),
        given("a coin for each of four notes", np.zeros((2, 1, 4)), np.ones((2, 1, 4)), np.ones((2, 1), bool)),
        given("huge logits", LOUD, np.array([[[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]]]), np.ones((2, 1), bool)),
    ],
    hidden={"T": range(1, 6), "B": range(1, 4), "N": range(1, 6)},
    mutants=[
        Mutant(replace=".sum(axis=-1)", by=".mean(axis=-1)",
               hint="The notes of a frame are averaged. They are added, else the number depends on how many notes there are."),
        Mutant(replace="nats[mask].mean()", by="nats[mask].sum()",
               hint="The frames are added. Notes are added, frames are averaged."),
        Mutant(replace="nats[mask].mean()", by="nats.mean()",
               hint="Padded frames count too. Only those count where the mask is True."),
        Mutant(replace="nats[mask].mean()", by="nats[~mask].sum() / mask.sum()",
               hint="The padding is judged in place of the real frames: the mask is True for real frames."),
        Mutant(replace="nats[mask].mean()", by="(nats * mask).mean()",
               hint="The sum is divided by all frames, padded ones included. Divide by the number of real frames."),
        Mutant(replace="np.logaddexp(0, logits) - notes * logits", by="np.logaddexp(0, logits) + notes * logits",
               hint="The sign of y o is wrong: a note that sounds and has a large logit must cost little."),
        Mutant(replace="np.logaddexp(0, logits) - notes * logits", by="notes * np.logaddexp(0, -logits)",
               hint="Only the notes that sound are paid for. Silence was predicted as well, and costs too."),
    ],
    alternatives=[frames_one_by_one, frames_by_signs],
)  # fmt: skip


def density_inputs(rng, M):
    """weights (M,), means (M, 2), log_scales (M, 2), r (M,), point (2,)."""
    return (rng.normal(size=M), rng.normal(size=(M, 2)), 0.5 * rng.normal(size=(M, 2)),
            0.7 * rng.normal(size=M), rng.normal(size=2))  # fmt: skip


def density_by_covariances(weights, means, log_scales, r, point):
    """With matrices, as in the textbooks."""
    logs = []
    for j in range(len(weights)):
        sx, sy = np.exp(log_scales[j])
        rho = np.tanh(r[j])
        C = np.array([[sx * sx, rho * sx * sy], [rho * sx * sy, sy * sy]])
        off = point - means[j]
        logs.append(weights[j] - 0.5 * off @ np.linalg.solve(C, off) - 0.5 * np.log(np.linalg.det(C)) - np.log(2 * np.pi))
    return np.logaddexp.reduce(logs) - np.logaddexp.reduce(weights)


def density_by_rho(weights, means, log_scales, r, point):
    """With rho, Graves's form."""
    rho = np.tanh(r)
    zx, zy = ((point - means) * np.exp(-log_scales)).T
    Z = zx**2 + zy**2 - 2 * rho * zx * zy
    logs = -np.log(2 * np.pi) - log_scales.sum(1) - 0.5 * np.log1p(-(rho**2)) - Z / (2 * (1 - rho**2))
    return float(np.logaddexp.reduce(weights + logs) - np.logaddexp.reduce(weights))


ZERO2 = np.zeros((2, 2))
mixture_density = Exercise(
    id="21-mixture-density",
    title="The density of a mixture",
    function="mixture_density",
    returns=("log_p",),
    inputs=density_inputs,
    public=[
        given("one round Gaussian, at its mean", np.zeros(1), np.zeros((1, 2)), np.zeros((1, 2)), np.zeros(1), np.zeros(2)),
        case("one Gaussian with a correlation", M=1),
        case("three Gaussians", M=3),
        given("far away", np.array([0.0, 1.0]), ZERO2, ZERO2, np.array([0.0, 0.5]), np.array([1000.0, -400.0])),
        given("huge weights", np.array([900.0, -900.0]), ZERO2, ZERO2, np.zeros(2), np.array([0.5, 1.0])),
    ],
    hidden={"M": range(1, 6)},
    mutants=[
        Mutant(replace="log_weights = weights - log_sum_exp(weights)", by="log_weights = weights",
               hint="The weights do not add up to 1: take the logarithm of their softmax."),
        Mutant(replace="+ np.log(np.cosh(r)) -", by="-", hint="log cosh r is missing. It is -log(1 - rho^2) / 2: a narrow ridge is higher."),
        Mutant(replace="- log_scales.sum(axis=1) -", by="-",
               hint="The density must be divided by both scales: a narrow Gaussian is higher."),
        Mutant(replace="- square / 2", by="- square", hint="The exponent lacks its factor one half."),
        Mutant(replace="z[:, 1] * np.cosh(r) - z[:, 0] * np.sinh(r)", by="z[:, 1]",
               hint="The correlation has no effect on the distance: u = z_y cosh r - z_x sinh r."),
        Mutant(replace="- z[:, 0] * np.sinh(r)", by="+ z[:, 0] * np.sinh(r)",
               hint="The correlation has the wrong sign: with r > 0 the ridge runs from lower left to upper right."),
        Mutant(replace="    return log_sum_exp(log_terms)", by="    return log_terms.max()",
               hint="Only the largest term counts. A mixture is the sum of all."),
        Mutant(replace="    return log_sum_exp(log_terms)", by="    return -log_sum_exp(log_terms)",
               hint="This is the loss. Asked for is log p."),
        Mutant(replace="(point - means) / np.exp(log_scales)", by="(point - means) / log_scales",
               hint="The scales are given as logarithms: take the exponential."),
    ],
    alternatives=[density_by_covariances, density_by_rho],
)  # fmt: skip


def shares_inputs(rng, M):
    """weights (M,), means (M, 2), log_scales (M, 2), point (2,)."""
    return rng.normal(size=M), rng.normal(size=(M, 2)), 0.5 * rng.normal(size=(M, 2)), rng.normal(size=2)


def shares_one_by_one(weights, means, log_scales, point):
    """Gaussian after Gaussian, with Python's loops."""
    M = len(weights)
    logs = [weights[j] - sum(log_scales[j]) - 0.5 * sum(((point[k] - means[j, k]) / np.exp(log_scales[j, k])) ** 2
                                                          for k in range(2)) for j in range(M)]  # fmt: skip
    shares = np.exp(logs - np.logaddexp.reduce(logs))
    dmeans, dlog = np.zeros((M, 2)), np.zeros((M, 2))
    for j in range(M):
        for k in range(2):
            off, var = point[k] - means[j, k], np.exp(2 * log_scales[j, k])
            dmeans[j, k] = -shares[j] * off / var
            dlog[j, k] = shares[j] * (1 - off**2 / var)
    return shares, np.exp(weights - np.logaddexp.reduce(weights)) - shares, dmeans, dlog


def shares_float32(weights, means, log_scales, point):
    """By precisions, in float32 at the end."""
    precision = np.exp(-2 * log_scales)
    off = point[None] - means
    a = weights - 0.5 * (off**2 * precision).sum(1) - log_scales.sum(1)
    g = np.exp(a - a.max())
    g /= g.sum()
    p = np.exp(weights - weights.max())
    parts = g, p / p.sum() - g, -(g[:, None] * off * precision), g[:, None] - g[:, None] * off**2 * precision
    return tuple(part.astype(np.float32) for part in parts)


mixture_shares = Exercise(
    id="21-mixture-shares",
    title="Who answers for the point?",
    function="mixture_shares",
    returns=("shares", "dweights", "dmeans", "dlog_scales"),
    inputs=shares_inputs,
    public=[
        case("one Gaussian answers for all", M=1),
        case("three Gaussians", M=3),
        given("between two equal ones", np.zeros(2), np.array([[-1.0, 0.0], [1.0, 0.0]]), ZERO2, np.zeros(2)),
        given("far away", np.array([0.0, 0.5]), np.array([[-1.0, 0.0], [1.0, 0.0]]), ZERO2, np.array([0.0, 80.0])),
        given("huge weights", np.array([800.0, 801.0]), np.array([[0.2, 0.0], [1.0, 0.0]]), ZERO2, np.array([0.5, 0.5])),
    ],
    hidden={"M": range(1, 6)},
    mutants=[
        Mutant(replace="softmax(weights - log_scales.sum(axis=1) - (z**2).sum(axis=1) / 2)",
               by="softmax(-log_scales.sum(axis=1) - (z**2).sum(axis=1) / 2)",
               hint="The shares forget the weights: a likely Gaussian answers for more."),
        Mutant(replace="softmax(weights - log_scales.sum(axis=1) - (z**2).sum(axis=1) / 2)",
               by="softmax(weights - (z**2).sum(axis=1) / 2)",
               hint="The shares forget the scales: at the same distance in scales, the narrower Gaussian is higher."),
        Mutant(replace="(z**2).sum(axis=1) / 2)", by="(z**2).sum(axis=1))", hint="The square lacks its factor one half in the shares."),
        Mutant(replace="softmax(weights) - shares", by="shares - softmax(weights)",
               hint="dweights has the wrong sign: answer minus truth, and the shares are the truth."),
        Mutant(replace="-shares[:, None] * z / np.exp(log_scales)", by="shares[:, None] * z / np.exp(log_scales)",
               hint="dmeans has the wrong sign: the loss falls when a mean moves towards the point."),
        Mutant(replace="-shares[:, None] * z / np.exp(log_scales)", by="-shares[:, None] * z",
               hint="dmeans lacks a division: z is already divided by the scale, and its derivative by the mean divides once more."),
        Mutant(replace="-shares[:, None] * z / np.exp(log_scales)", by="-z / np.exp(log_scales)",
               hint="dmeans lacks the shares: each Gaussian is moved as if it were alone."),
        Mutant(replace="shares[:, None] * (1 - z**2)", by="-shares[:, None] * z**2",
               hint="dlog_scales lacks the 1, the derivative of the log scale itself."),
        Mutant(replace="shares[:, None] * (1 - z**2)", by="shares[:, None] * (z**2 - 1)",
               hint="dlog_scales has the wrong sign: a point within one scale wants a narrower Gaussian."),
    ],
    alternatives=[shares_one_by_one, shares_float32],
)  # fmt: skip


def points_inputs(rng, B, M, bias):
    """outputs (B, 6M+1), bias, spin (B,), noise (B, 2), coin (B,)."""
    return rng.normal(size=(B, 6 * M + 1)), bias, rng.random(B), rng.normal(size=(B, 2)), rng.random(B)


def points_one_by_one(outputs, bias, spin, noise, coin):
    """Drawing after drawing."""
    M, rows = outputs.shape[1] // 6, []
    for o, s, (e1, e2), c in zip(outputs, spin, noise, coin):
        w = o[:M] * (1 + bias)
        total = np.cumsum(np.exp(w - np.logaddexp.reduce(w)))
        j = next((k for k in range(M) if total[k] > s), 0)
        rho = np.tanh(o[5 * M + j])
        x = o[M + j] + np.exp(o[3 * M + j]) * np.exp(-bias) * e1
        y = o[2 * M + j] + np.exp(o[4 * M + j]) * np.exp(-bias) * (rho * e1 + np.sqrt(1 - rho**2) * e2)
        rows.append([x, y, float(c < 0.5 * (1 + np.tanh(o[-1] / 2)))])
    return np.array(rows)


next_points = Exercise(
    id="21-next-points",
    title="A pen that writes",
    function="next_points",
    returns=("strokes",),
    inputs=points_inputs,
    public=[
        case("three drawings, no bias", B=3, M=2, bias=0.0),
        case("with a bias", B=4, M=3, bias=1.5),
        case("one drawing, one Gaussian", B=1, M=1, bias=0.5),
        case("five Gaussians", B=6, M=5, bias=0.3),
        given("huge weights", np.array([[900.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 1.0, -1.0, 0.5]]), 0.5,
              np.array([0.4]), np.array([[1.0, -1.0]]), np.array([0.2])),
    ],
    hidden={"B": range(1, 7), "M": range(1, 6), "bias": (0.0, 0.4, 2.0)},
    mutants=[
        Mutant(replace="(1 + bias) * weights", by="weights",
               hint="The weights are not sharpened: they are multiplied by 1 + bias before the softmax."),
        Mutant(replace="(1 + bias) * weights", by="bias * weights",
               hint="The weights are multiplied by the bias: with bias 0 all Gaussians would be equally likely. The factor is 1 + bias."),
        Mutant(replace=("np.exp(log_x - bias)", "np.exp(log_y - bias)"), by=("np.exp(log_x)", "np.exp(log_y)"),
               hint="The scales are not shrunk: the bias is taken off their logarithms."),
        Mutant(replace="(np.cumsum(probs, axis=1) > spin[:, None]).argmax(axis=1)", by="probs.argmax(axis=1)",
               hint="The likeliest Gaussian is always taken. It is drawn: the first whose running total is larger than the spin."),
        Mutant(replace="np.tanh(r) * noise[:, 0] + noise[:, 1] / np.cosh(r)", by="noise[:, 1]",
               hint="dy is independent of dx. With a correlation it takes a part of the first noise."),
        Mutant(replace="noise[:, 1] / np.cosh(r)", by="noise[:, 1]",
               hint="The second noise lacks its factor: dy is too wide. It is sqrt(1 - rho^2) = 1 / cosh r."),
        Mutant(replace="np.tanh(r) * noise[:, 0]", by="r * noise[:, 0]",
               hint="r is used as the correlation. The correlation is tanh r."),
        Mutant(replace="coin < 1 /", by="coin > 1 /",
               hint="The pen is lifted where it should stay: the stroke ends where the coin is *smaller* than the probability."),
        Mutant(replace="np.exp(-outputs[:, -1])", by="np.exp(outputs[:, -1])",
               hint="The pen's probability is turned round: the last output is the logit of *ending* the stroke."),
    ],
    alternatives=[
        points_one_by_one,
        Alternative(replace="noise[:, 1] / np.cosh(r)", by="noise[:, 1] * np.sqrt(1 - np.tanh(r) ** 2)", about="sqrt(1 - rho^2)"),
    ],
)  # fmt: skip

EXERCISES = [season_ago, frame_nats, mixture_density, mixture_shares, next_points]

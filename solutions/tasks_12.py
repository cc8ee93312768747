"""Exercises of chapter 12, reading the cells: cases, known mistakes, other correct ways."""

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case, given


def with_runs(rng, N, length=4):
    """A feature of 0 and 1 in runs, not constant."""
    feature = np.cumsum(rng.random(N) < 1 / length) % 2.0
    feature[0], feature[-1] = 0.0, 1.0
    return feature


# ---- correlation -------------------------------------------------------------------------------------------------


def correlation_inputs(rng, N, H):
    """activity (N, H), feature (N,)."""
    return rng.normal(size=(N, H)) + rng.normal(size=H), with_runs(rng, N)


def correlation_by_numpy(activity, feature):
    """NumPy's own, unit by unit, where it is defined."""
    r = np.zeros(activity.shape[1])
    for k in range(len(r)):
        if activity[:, k].max() > activity[:, k].min():
            r[k] = np.corrcoef(activity[:, k], feature)[0, 1]
    return r


def correlation_by_sums(activity, feature):
    """Sums of products of what is left after the means are taken away."""
    a, f = activity - activity.mean(axis=0), feature - feature.mean()
    r = np.zeros(a.shape[1])
    for k in range(len(r)):
        size = np.sqrt((a[:, k] ** 2).sum() * (f**2).sum())
        r[k] = (a[:, k] * f).sum() / size if np.abs(a[:, k]).max() > 1e-12 else 0.0
    return r


correlation = Exercise(
    id="12-correlation",
    title="A unit and a feature",
    function="correlation",
    returns=("r",),
    inputs=correlation_inputs,
    public=[
        case("three units", N=6, H=3),
        case("one unit", N=8, H=1),
        given("equal, and opposite", np.array([[1.0, -1.0], [3.0, -3.0], [2.0, -2.0]]), np.array([10.0, 30.0, 20.0])),
        given("a unit that never moves", np.array([[0.5, 1.0], [0.5, 0.0], [0.5, 2.0]]), np.array([0.0, 1.0, 1.0])),
    ],
    hidden={"N": range(3, 12), "H": range(1, 5)},
    mutants=[
        Mutant(replace="a = activity - activity.mean(axis=0)", by="a = activity - activity.mean()",
               hint="One mean is taken over all units. Each unit has its own."),
        Mutant(replace="f = feature - feature.mean()", by="f = feature",
               hint="The feature's mean is not taken away."),
        Mutant(replace="a = activity - activity.mean(axis=0)", by="a = activity",
               hint="The units' means are not taken away."),
        Mutant(replace="np.sqrt((a**2).sum(axis=0) * (f**2).sum())", by="(a**2).sum(axis=0) * (f**2).sum()",
               hint="The root is missing: the product of the two sums of squares is divided by, not of the two lengths."),
        Mutant(replace="r = (a * f[:, None]).sum(axis=0) / np.where(size > 0, size, 1.0)", by="r = np.abs((a * f[:, None]).sum(axis=0)) / np.where(size > 0, size, 1.0)",
               hint="The sign is lost. A unit that goes down inside the feature has a negative correlation."),
        Mutant(replace="/ np.where(size > 0, size, 1.0)", by="/ size",
               hint="A unit that never moves gives 0 / 0. Its correlation is to be 0."),
        Mutant(replace="(a * f[:, None]).sum(axis=0) /", by="(a * f[:, None]).mean(axis=0) /",
               hint="A mean above, sums below the line: the result is too small by a factor N."),
    ],
    alternatives=[correlation_by_numpy, correlation_by_sums],
)  # fmt: skip


# ---- a feature ---------------------------------------------------------------------------------------------------


def depth_inputs(rng, N):
    """A text of brackets and letters, never closed more often than opened."""
    text, level = "", 0
    for _ in range(N):
        options = "ab(([" if level == 0 else "ab()])]"
        text += options[rng.integers(len(options))]
        level += (text[-1] in "([") - (text[-1] in ")]")
    return (text,)


def depth_by_counting(text):
    """Brackets opened less brackets shut, in each beginning of the text."""
    depth = []
    for end in range(1, len(text) + 1):
        part = text[:end]
        depth.append(sum(part.count(c) for c in "([{") - sum(part.count(c) for c in ")]}"))
    return np.array(depth)


def depth_by_loop(text):
    """One after the other."""
    depth, level = np.zeros(len(text), int), 0
    for t, c in enumerate(text):
        if c in ("(", "[", "{"):
            level += 1
        elif c in (")", "]", "}"):
            level -= 1
        depth[t] = level
    return depth


bracket_depth = Exercise(
    id="12-depth",
    title="How deep are we?",
    function="bracket_depth",
    returns=("depth",),
    inputs=depth_inputs,
    public=[
        given("a call in a call", "f(a, g(b))"),
        given("three kinds", "x = {1: [2, (3)]}"),
        given("no bracket", "pass"),
        given("one after the other", "()[]"),
    ],
    hidden={"N": range(1, 25)},
    mutants=[
        Mutant(replace='c in "([{"', by='c == "("', hint="Only round brackets open. Square and curly ones do too."),
        Mutant(replace='int(c in ")]}")', by="0", hint="Brackets never shut."),
        Mutant(replace="np.cumsum(change)", by="np.cumsum(change) - np.array(change)",
               hint="A bracket counts from the character after it on. It counts from itself on: after reading it, it is open or shut."),
        Mutant(replace="np.cumsum(change)", by="np.array(change)", hint="This is the change at each character. The depth is its running sum."),
        Mutant(replace="np.cumsum(change)", by="np.minimum(np.cumsum(change), 1)", hint="It says whether a bracket is open, not how many are."),
    ],
    alternatives=[depth_by_counting, depth_by_loop],
)  # fmt: skip


# ---- the control -------------------------------------------------------------------------------------------------


def control_inputs(rng, N, H, S):
    """activity (N, H), feature (N,), shifts (S,)."""
    return rng.normal(size=(N, H)), with_runs(rng, N), rng.integers(1, N, S)


def corr(activity, feature):
    """Correlations of each unit with the feature."""
    a, f = activity - activity.mean(axis=0), feature - feature.mean()
    return (a * f[:, None]).sum(axis=0) / np.sqrt((a**2).sum(axis=0) * (f**2).sum())


def control_by_indices(activity, feature, shifts):
    """The moved feature by its places."""
    N = len(feature)
    return np.array([np.abs(corr(activity, feature[(np.arange(N) - s) % N])).max() for s in shifts])


def control_moves_the_units(activity, feature, shifts):
    """The units moved the other way."""
    return np.array([np.abs(corr(np.roll(activity, -s, axis=0), feature)).max() for s in shifts])


moved_control = Exercise(
    id="12-control",
    title="The moved feature",
    function="moved_control",
    returns=("control",),
    inputs=control_inputs,
    public=[
        case("three ways to move", N=9, H=3, S=3),
        case("one unit", N=7, H=1, S=2),
        given("a unit that fits after one step", np.array([[0.0, 1.0], [0.5, 3.0], [1.0, 0.0], [0.25, 2.0]]),
              np.array([0.5, 1.0, 0.25, 0.0]), np.array([1, 2])),
        given("unit and feature opposite", np.array([[0.0, 3.0], [-0.5, 1.0], [-1.0, 0.0], [-0.25, 2.0]]),
              np.array([0.5, 1.0, 0.25, 0.0]), np.array([1])),
    ],
    hidden={"N": range(5, 14), "H": range(1, 5), "S": range(1, 5)},
    mutants=[
        Mutant(replace="np.roll(feature, s)", by="np.roll(feature, -s)",
               hint="The feature is moved backwards. Moved by s means: what was at place t is at place t + s."),
        Mutant(replace="np.roll(feature, s)", by="feature", hint="The feature is not moved: this is no control."),
        Mutant(replace="np.abs(given_correlation(activity, moved)).max()", by="given_correlation(activity, moved).max()",
               hint="A unit with a large negative correlation is overlooked. Take the size."),
        Mutant(replace="np.abs(given_correlation(activity, moved)).max()", by="np.abs(given_correlation(activity, moved)).mean()",
               hint="The mean over the units is taken. The best unit of each moved feature counts, for the best one is what we boast of."),
        Mutant(replace="np.abs(given_correlation(activity, moved)).max()", by="np.abs(given_correlation(activity, moved))[0]",
               hint="Only the first unit is looked at."),
        Mutant(replace="np.roll(feature, s)", by="np.concatenate([np.zeros(s), feature[:-s]])",
               hint="What falls off the end is lost. It comes back in front: the text is a circle."),
        Mutant(replace="np.roll(feature, s)", by="np.sort(feature)",
               hint="Another order of the values breaks up the feature's runs or joins them. Move it as it stands."),
    ],
    alternatives=[control_by_indices, control_moves_the_units],
)  # fmt: skip


# ---- how surprising ----------------------------------------------------------------------------------------------


def p_inputs(rng, H, S):
    """r (H,), control (S,)."""
    return rng.uniform(-0.7, 0.7, H), rng.uniform(0.1, 0.6, S)


def p_by_loops(r, control):
    """Count one by one."""
    p = []
    for value in r:
        at_least = sum(1 for best in control if best >= abs(value))
        p.append((1 + at_least) / (1 + len(control)))
    return np.array(p)


def p_by_search(r, control):
    """Places in the sorted control."""
    below = np.searchsorted(np.sort(control), np.abs(r), side="left")
    return (1 + len(control) - below) / (len(control) + 1)


corrected_p = Exercise(
    id="12-p-value",
    title="How often by chance?",
    function="corrected_p",
    returns=("p",),
    inputs=p_inputs,
    public=[
        given("four moved features", np.array([0.8, -0.45, 0.1]), np.array([0.3, 0.5, 0.2, 0.4])),
        given("equal counts", np.array([0.5]), np.array([0.5, 0.6, 0.4])),
        given("large and negative", np.array([-0.9, 0.9]), np.array([0.5, 0.95, 0.7])),
        case("ten moved features", H=3, S=10),
    ],
    hidden={"H": range(1, 6), "S": range(1, 15)},
    mutants=[
        Mutant(replace="np.abs(r)", by="r", hint="A negative correlation is compared with its sign. The control holds sizes."),
        Mutant(replace="1 + at_least", by="at_least", hint="The true feature itself belongs to the count: without it p can be 0, which no number of trials can show."),
        Mutant(replace="(1 + at_least) / (len(control) + 1)", by="at_least / len(control)",
               hint="Only the moved features are counted. The true one counts too, above and below the line: p is never 0."),
        Mutant(replace="len(control) + 1", by="len(control)", hint="There are S moved features and the true one: divide by S + 1."),
        Mutant(replace=">= np.abs(r)", by="> np.abs(r)", hint="A moved feature that does equally well counts too."),
        Mutant(replace=">= np.abs(r)", by="< np.abs(r)", hint="The moved features that do worse are counted. p is the share of those that do at least as well."),
        Mutant(replace=".sum(axis=0)", by=".any(axis=0)", hint="It is asked whether any moved feature does as well, not how many."),
    ],
    alternatives=[p_by_loops, p_by_search],
)  # fmt: skip


# ---- silence -----------------------------------------------------------------------------------------------------


def silence_inputs(rng, T, D, H, unit):
    """xs (T, D), W_x (4H, D), W_h (4H, H), b (4H,), unit."""
    return rng.normal(size=(T, D)), rng.normal(size=(4 * H, D)), rng.normal(size=(4 * H, H)), rng.normal(size=4 * H), unit % H


def step(x, h, c, W_x, W_h, b):
    """One LSTM step of one sequence."""
    i, f, g, o = np.split(W_x @ x + W_h @ h + b, 4)
    sigma = lambda a: 1 / (1 + np.exp(-a))  # noqa: E731
    c = sigma(f) * c + sigma(i) * np.tanh(g)
    return sigma(o) * np.tanh(c), c


def silence_by_weights(xs, W_x, W_h, b, unit):
    """Nobody reads the unit's h, and its h is shown as 0: its own cell then has no effect."""
    H = W_h.shape[1]
    deaf = W_h.copy()
    deaf[:, unit] = 0
    h, c, hs = np.zeros(H), np.zeros(H), []
    for x in xs:
        h, c = step(x, h, c, W_x, deaf, b)
        hs.append(np.where(np.arange(H) == unit, 0.0, h))
    return np.array(hs)


def silence_by_mask(xs, W_x, W_h, b, unit):
    """Both states multiplied by a mask after every step."""
    H = W_h.shape[1]
    mask = (np.arange(H) != unit).astype(float)
    h, c, hs = np.zeros(H), np.zeros(H), []
    for x in xs:
        h, c = (mask * s for s in step(x, h, c, W_x, W_h, b))
        hs.append(h)
    return np.array(hs)


silence = Exercise(
    id="12-silence",
    title="A unit is silenced",
    function="read_without",
    returns=("hs",),
    inputs=silence_inputs,
    public=[
        case("four steps", T=4, D=2, H=3, unit=1),
        case("the last of two units", T=3, D=1, H=2, unit=1),
        case("one step", T=1, D=3, H=3, unit=0),
        case("the only unit", T=3, D=2, H=1, unit=0),
    ],
    hidden={"T": range(1, 7), "D": range(1, 4), "H": range(1, 5), "unit": range(4)},
    mutants=[
        Mutant(replace="        h[unit] = 0.0\n", by="", hint="The cell is set to 0, but what it shows, h, is not: the others still read it once."),
        Mutant(replace="        h[unit] = 0.0\n        c[unit] = 0.0\n        hs.append(h)\n", by="        hs.append(h)\n    hs = [np.where(np.arange(H) == unit, 0.0, h) for h in hs]\n",
               hint="The unit is only left out of the result. The others read it at every step while the text goes on."),
        Mutant(replace="        h[unit] = 0.0\n        c[unit] = 0.0\n", by="        h[:] = 0.0\n        c[:] = 0.0\n", hint="All units are silenced."),
        Mutant(replace="        h[unit] = 0.0\n        c[unit] = 0.0\n", by="        h[unit] = -h[unit]\n        c[unit] = -c[unit]\n",
               hint="The unit's sign is turned round. Silent means 0."),
        Mutant(replace="        h[unit] = 0.0\n        c[unit] = 0.0\n        hs.append(h)\n", by="        hs.append(h.copy())\n        h[unit] = 0.0\n        c[unit] = 0.0\n",
               hint="The state is handed on silenced, but the result shows it as it was before."),
    ],
    alternatives=[
        silence_by_weights,
        silence_by_mask,
        Alternative(replace="        h[unit] = 0.0\n        c[unit] = 0.0\n", by="        h, c = np.where(np.arange(H) == unit, 0.0, h), np.where(np.arange(H) == unit, 0.0, c)\n",
                    about="by np.where"),
    ],
)  # fmt: skip


EXERCISES = [correlation, bracket_depth, moved_control, corrected_p, silence]

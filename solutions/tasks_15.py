"""Exercises of chapter 15, encoder and decoder: cases, known mistakes, other correct ways."""

import numpy as np

from course_pkg.exercises import Alternative, Exercise, Mutant, case

PAD, START, END = 0, 1, 2


def targets_only(rng, T, B, V=7):
    """targets (T, B)."""
    return (rng.integers(2, V, (T, B)),)


def inputs_by_rolling(targets):
    """Every row one later, the first overwritten."""
    rolled = np.roll(targets, 1, axis=0)
    rolled[0] = START
    return rolled


def inputs_in_a_loop(targets):
    """Entry by entry."""
    T, B = targets.shape
    return np.array([[START if i == 0 else int(targets[i - 1, b]) for b in range(B)] for i in range(T)])


decoder_inputs = Exercise(
    id="15-inputs",
    title="What the decoder reads",
    function="decoder_inputs",
    returns=("inputs",),
    inputs=targets_only,
    public=[
        case("three sequences", T=5, B=3),
        case("one sequence", T=4, B=1),
        case("one step", T=1, B=2),
        case("as long as wide", T=3, B=3),
    ],
    hidden={"T": range(1, 8), "B": range(1, 6), "V": range(4, 30)},
    mutants=[
        Mutant(replace="[first, targets[:-1]]", by="[targets[:-1], first]",
               hint="START stands at the end. It is read first, before any word."),
        Mutant(replace="[first, targets[:-1]]", by="[first, targets[1:]]",
               hint="The first target is missing and the last is there. Nothing comes after the last: it is never read."),
        Mutant(replace="np.concatenate([first, targets[:-1]])", by="targets",
               hint="At step i the decoder reads the very token that it is to write. It would only learn to copy."),
        Mutant(replace="[first, targets[:-1]]", by="[first, targets]",
               hint="One step too many: the last target is written, not read."),
        Mutant(replace="np.full((1, targets.shape[1]), START)", by="np.full((1, targets.shape[1]), PAD)",
               hint="The first token read is 0. START has the number 1."),
        Mutant(replace="np.concatenate([first, targets[:-1]])",
               by="np.concatenate([np.full((len(targets), 1), START), targets[:, :-1]], axis=1)",
               hint="Shifted along the batch: each sequence reads another one's words. Time is the first axis."),
    ],
    alternatives=[inputs_by_rolling, inputs_in_a_loop],
)  # fmt: skip


def log_prob_inputs(rng, T, B, V, size=1.5):
    """logits (T, B, V), targets (T, B), lengths (B,); at least one sequence is as long as T."""
    lengths = rng.integers(1, T + 1, B)
    lengths[rng.integers(B)] = T
    return size * rng.normal(size=(T, B, V)), rng.integers(0, V, (T, B)), lengths


def log_prob_one_by_one(logits, targets, lengths):
    """Sequence by sequence, with logaddexp."""
    totals = []
    for b, n in enumerate(lengths):
        a = logits[:n, b]
        totals.append(sum(row[y] - np.logaddexp.reduce(row) for row, y in zip(a, targets[:n, b], strict=True)))
    return np.array(totals)


def log_prob_by_one_hot(logits, targets, lengths):
    """One-hot targets, zeroed under padding, in products."""
    top = logits.max(axis=-1)
    norm = top + np.log(np.exp(logits - top[..., None]).sum(axis=-1))
    hot = np.eye(logits.shape[-1])[targets]
    real = np.arange(len(targets))[:, None] < lengths
    return (((hot * logits).sum(axis=-1) - norm) * real).sum(axis=0)


log_prob = Exercise(
    id="15-log-prob",
    title="The probability of an answer",
    function="log_prob",
    returns=("log_probs",),
    inputs=log_prob_inputs,
    public=[
        case("three sequences", T=4, B=3, V=5),
        case("one sequence", T=3, B=1, V=4),
        case("large logits", T=3, B=2, V=3, size=2000.0),
        case("one step", T=1, B=3, V=4),
        case("as long as wide", T=3, B=3, V=3),
    ],
    hidden={"T": range(1, 7), "B": range(1, 6), "V": range(2, 9), "size": (1.0, 3.0, 1000.0)},
    mutants=[
        Mutant(replace="np.where(real, picked, 0).sum(axis=0)", by="picked.sum(axis=0)",
               hint="Filled-up steps are counted. Only the first lengths[b] tokens belong to the answer."),
        Mutant(replace="np.where(real, picked, 0).sum(axis=0)", by="np.where(real, picked, 0).sum(axis=0) / lengths",
               hint="This is the mean over the tokens. The probability of the answer is a product: its logarithm is the sum."),
        Mutant(replace="< lengths", by="< lengths - 1",
               hint="The last real token, END, is left out. It is a guess like any other."),
        Mutant(replace="shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))", by="logits",
               hint="These are sums of logits. Probabilities need the softmax: take off the logarithm of the sum."),
        Mutant(replace="shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))",
               by="np.log(np.exp(shifted) / np.exp(shifted).sum(axis=-1, keepdims=True))",
               hint="You take the logarithm of the softmax. A probability too small for the computer becomes 0: take logarithms first."),
        Mutant(replace="np.log(np.exp(shifted).sum(axis=-1, keepdims=True))",
               by="np.log(np.exp(shifted).sum(axis=(0, 2), keepdims=True))",
               hint="The softmax runs over all steps together. Each step has a distribution of its own."),
        Mutant(replace="np.where(real, picked, 0).sum(axis=0)", by="np.exp(np.where(real, picked, 0).sum(axis=0))",
               hint="This is the probability. Asked for is its logarithm, which does not vanish for long answers."),
        Mutant(replace="np.where(real, picked, 0).sum(axis=0)", by="-np.where(real, picked, 0).sum(axis=0)",
               hint="The sign: a log-probability is at most 0. With a minus it is a loss."),
    ],
    alternatives=[log_prob_one_by_one, log_prob_by_one_hot],
)  # fmt: skip


def bridge_inputs(rng, B, K, H):
    """C (B, K), W (H, K), b (H,), ds0 (B, H)."""
    return rng.normal(size=(B, K)), rng.normal(size=(H, K)), rng.normal(size=H), rng.normal(size=(B, H))


def bridge_back_row_by_row(C, W, b, ds0):
    """One sequence after the other, in outer products."""
    dW, db, dC = np.zeros_like(W), np.zeros_like(b), np.zeros_like(C)
    for n in range(len(C)):
        da = ds0[n] / np.cosh(W @ C[n] + b) ** 2
        dW += np.outer(da, C[n])
        db += da
        dC[n] = W.T @ da
    return dW, db, dC


bridge_back = Exercise(
    id="15-bridge-back",
    title="Back over the bridge",
    function="bridge_back",
    returns=("dW", "db", "dC"),
    inputs=bridge_inputs,
    public=[
        case("three sequences", B=3, K=4, H=2),
        case("one sequence", B=1, K=2, H=3),
        case("a square W", B=2, K=3, H=3),
        case("one unit", B=4, K=3, H=1),
    ],
    hidden={"B": range(1, 7), "K": range(1, 6), "H": range(1, 6)},
    mutants=[
        Mutant(replace="ds0 * (1 - s0**2)", by="ds0",
               hint="The way through the tanh is missing: multiply by 1 - s0^2."),
        Mutant(replace="ds0 * (1 - s0**2)", by="ds0 * (1 - s0)",
               hint="The derivative of tanh is 1 - s0^2, with a square."),
        Mutant(replace="np.tanh(C @ W.T + b)", by="C @ W.T + b",
               hint="s0 is taken before the tanh here. The derivative is written in the output of the tanh."),
        Mutant(replace="da.sum(axis=0)", by="da.mean(axis=0)",
               hint="The gradient of b is the mean over the sequences. The loss has already divided; here they add up."),
        Mutant(replace="np.tanh(C @ W.T + b)", by="np.tanh(C @ W.T)",
               hint="s0 is computed without the bias, so the derivative is taken at the wrong place."),
        Mutant(replace="da @ W\n", by="ds0 @ W\n",
               hint="dC has gone through W but not through the tanh. Use the gradient before the tanh for all three."),
        Mutant(replace="da.T @ C", by="da.T @ C / len(C)",
               hint="dW is divided by the number of sequences. The loss has already divided; here they add up."),
    ],
    alternatives=[bridge_back_row_by_row,
                  Alternative(replace="da.T @ C, da.sum(axis=0), da @ W",
                              by='np.einsum("bh,bk->hk", da, C), np.ones(len(C)) @ da, np.einsum("bh,hk->bk", da, W)',
                              about="einsum")],
)  # fmt: skip


def decoder_params(rng, H, V, E=3):
    """table (V, E), W_xh, W_hh, b_h, W_o, b_o."""
    return (rng.normal(size=(V, E)), rng.normal(size=(H, E)), 0.7 * rng.normal(size=(H, H)), 0.5 * rng.normal(size=H),
            1.5 * rng.normal(size=(V, H)), 0.5 * rng.normal(size=V))  # fmt: skip


def scheduled_inputs(rng, T, B, H, V, epsilon=0.5):
    """s0 (B, H), targets, coins (T, B), epsilon and the parameters."""
    targets, coins = rng.integers(0, V, (T, B)), rng.uniform(0.02, 0.98, (T, B))
    return np.tanh(rng.normal(size=(B, H))), targets, coins, epsilon, *decoder_params(rng, H, V)


def scheduled_one_by_one(s0, targets, coins, epsilon, table, W_xh, W_hh, b_h, W_o, b_o):
    """Each sequence by itself."""
    logits = np.zeros((*targets.shape, len(b_o)))
    for b in range(targets.shape[1]):
        s, y = s0[b], START
        for i in range(len(targets)):
            s = np.tanh(W_xh @ table[y] + W_hh @ s + b_h)
            logits[i, b] = W_o @ s + b_o
            if i + 1 < len(targets):
                y = targets[i, b] if coins[i + 1, b] < epsilon else int(np.argmax(logits[i, b]))
    return logits


scheduled = Exercise(
    id="15-own-words",
    title="Reading its own words",
    function="scheduled",
    returns=("logits",),
    inputs=scheduled_inputs,
    public=[
        case("half and half", T=5, B=3, H=2, V=4),
        case("teacher forcing", T=4, B=2, H=3, V=5, epsilon=1.0),
        case("only its own words", T=4, B=2, H=3, V=5, epsilon=0.0),
        case("one sequence, mostly right words", T=6, B=1, H=3, V=4, epsilon=0.7),
        case("one step", T=1, B=2, H=2, V=3),
    ],
    hidden={"T": range(1, 8), "B": range(1, 5), "H": range(2, 5), "V": range(3, 8), "epsilon": (0.0, 0.3, 0.6, 1.0)},
    mutants=[
        Mutant(replace="np.where(coins[i] < epsilon, targets[i - 1], own)", by="targets[i - 1]",
               hint="The right token is read at every step: teacher forcing, whatever the coins say."),
        Mutant(replace="np.where(coins[i] < epsilon, targets[i - 1], own)", by="own",
               hint="It reads its own word at every step, whatever the coins say."),
        Mutant(replace="coins[i] < epsilon", by="coins[i] > epsilon",
               hint="Right and own words have changed places: epsilon is the share of right words."),
        Mutant(replace="targets[i - 1], own)", by="targets[i], own)",
               hint="It reads the token that it is about to write. The right token to read is that of the step before."),
        Mutant(replace="coins[i] < epsilon", by="coins[i, 0] < epsilon",
               hint="One coin decides for the whole batch. Each sequence has its own."),
        Mutant(replace="coins[i] < epsilon", by="coins[i - 1] < epsilon",
               hint="The coin of the step before is used. Step i has the coin coins[i]."),
        Mutant(replace="targets.shape[1], START", by="targets.shape[1], PAD",
               hint="The first token read is 0. START has the number 1."),
        Mutant(replace="s = np.tanh(table[y] @ W_xh.T + s @ W_hh.T + b_h)",
               by="s = np.tanh(table[y] @ W_xh.T + s0 @ W_hh.T + b_h)",
               hint="Every step starts from s0. The state before is that of the step before."),
    ],
    alternatives=[scheduled_one_by_one,
                  Alternative(replace="y = np.where(coins[i] < epsilon, targets[i - 1], own)",
                              by="y = own + (targets[i - 1] - own) * (coins[i] < epsilon)", about="arithmetic")],
)  # fmt: skip


def greedy_inputs(rng, B, steps, H, V):
    """s0 (B, H), steps and the parameters; END gets likelier with a bias, so that many sequences end early."""
    table, W_xh, W_hh, b_h, W_o, b_o = decoder_params(rng, H, V)
    b_o = np.where(np.arange(V) == END, b_o + 0.5, b_o)
    return 2 * rng.normal(size=(B, H)), steps, table, W_xh, W_hh, b_h, W_o, b_o


def greedy_one_by_one(s0, steps, table, W_xh, W_hh, b_h, W_o, b_o):
    """Each sequence by itself, until END."""
    tokens, totals = np.full((steps, len(s0)), PAD), np.zeros(len(s0))
    for b, s in enumerate(s0):
        y = START
        for i in range(steps):
            s = np.tanh(W_xh @ table[y] + W_hh @ s + b_h)
            logits = W_o @ s + b_o
            y = int(np.argmax(logits))
            tokens[i, b] = y
            totals[b] += logits[y] - np.logaddexp.reduce(logits)
            if y == END:
                break
    return tokens, totals


greedy = Exercise(
    id="15-greedy",
    title="Writing until END",
    function="write_words",
    returns=("tokens", "log_probs"),
    inputs=greedy_inputs,
    public=[
        case("four sequences", B=4, steps=5, H=3, V=4),
        case("one sequence", B=1, steps=4, H=2, V=5),
        case("many sequences", B=8, steps=6, H=3, V=5),
        case("one step", B=3, steps=1, H=2, V=4),
    ],
    hidden={"B": range(1, 8), "steps": range(1, 8), "H": range(2, 5), "V": range(3, 8)},
    mutants=[
        Mutant(replace="np.where(done, PAD, logits.argmax(axis=-1))", by="logits.argmax(axis=-1)",
               hint="A sequence goes on writing after its END. From then on its row holds PAD."),
        Mutant(replace="np.where(done, 0, log_prob)", by="log_prob",
               hint="Words after END are counted in the sum. A sequence that is done adds nothing."),
        Mutant(replace="done = done | (y == END)", by="done = y == END",
               hint="A sequence is done for one step only, and then begins anew. Once done, always done."),
        Mutant(replace="total = total + np.where(done, 0, log_prob)\n        done = done | (y == END)",
               by="done = done | (y == END)\n        total = total + np.where(done, 0, log_prob)",
               hint="The log-probability of END itself is missing: a sequence was done before END was counted."),
        Mutant(replace="done = done | (y == END)", by="done = done | (y == PAD)",
               hint="A sequence ends with PAD here. The last word is END, number 2."),
        Mutant(replace="np.full(B, START)", by="np.full(B, END)",
               hint="The first token read is END. It is START, number 1."),
        Mutant(replace="s = np.tanh(table[y] @ W_xh.T", by="s = np.tanh(table[np.full(B, START)] @ W_xh.T",
               hint="It reads START at every step. Each word written is read at the next."),
        Mutant(replace="log_prob = -np.log(np.exp(logits - top[:, None]).sum(axis=-1))", by="log_prob = top",
               hint="Logits are added up. Probabilities need the softmax: take off the logarithm of the sum."),
    ],
    alternatives=[greedy_one_by_one,
                  Alternative(replace="log_prob = -np.log(np.exp(logits - top[:, None]).sum(axis=-1))",
                              by="log_prob = top - np.logaddexp.reduce(logits, axis=-1)", about="logaddexp")],
)  # fmt: skip


EXERCISES = [decoder_inputs, log_prob, bridge_back, scheduled, greedy]

"""Bad input is refused before anything is computed, by a message with function, argument, expected and found.

Most cases are made by a machine: each function gets a good call, and every array of it is spoilt in every way that
is bad for any array (rank, size, dtype, a list, NaN, infinity, emptiness).
"""

import re

import numpy as np
import pytest

from course_pkg import cells, dense, initialisers, jordan, losses, optim, rnn, rnn_fast, train
from course_pkg import sequence_models as models
from course_pkg.data import batches, digits, vocabulary
from course_pkg.dense import DenseParams
from course_pkg.rnn import RNNParams

T, B, D, H, V, N = 3, 4, 2, 5, 6, 7  # all different, so that no two axes can be taken for each other


def full(*shape):
    return np.full(shape, 0.5)


def tokens(*shape):
    return np.ones(shape, int)


def mask(*shape):
    return np.ones(shape, bool)


P = RNNParams(full(H, D), full(H, H), full(H))
READER = RNNParams(full(H, V), full(H, H), full(H))  # reads one-hot tokens
OUT = DenseParams(full(V, H), full(V))
JORDAN = jordan.JordanParams(full(H, D), full(H, V), full(H), full(V, H), full(V))
STATES = jordan.JordanStates(full(T, B, H), full(T, B, V), full(T + 1, B, V))
READOUT = models.ReadoutRNN(P, OUT)
ONE_TO_MANY = models.OneToMany(DenseParams(full(H, D), full(H)), READER, OUT)
ENCODER_DECODER = models.EncoderDecoder(P, READER, OUT)
XS, HS = full(T, B, D), full(T + 1, B, H)
MASK = mask(T, B)

GOOD = {  # function -> arguments of a good call; all arguments that may be left out are given too
    dense.dense_forward: {"p": OUT, "x": full(B, H)},
    dense.dense_backward: {"p": OUT, "x": full(B, H), "da": full(B, V)},
    losses.softmax_cross_entropy: {"logits": full(T, B, V), "targets": tokens(T, B), "mask": MASK},
    losses.binary_cross_entropy_with_logits: {"logits": full(T, B), "targets": full(T, B), "mask": MASK},
    losses.mean_squared_error: {"predictions": full(T, B), "targets": full(T, B), "mask": MASK},
    rnn.rnn_step: {"p": P, "x": full(B, D), "h_prev": full(B, H)},
    rnn.rnn_step_backward: {"p": P, "x": full(B, D), "h_prev": full(B, H), "h": full(B, H), "dh": full(B, H)},
    rnn.rnn_forward: {"p": P, "xs": XS, "h0": full(B, H), "mask": MASK},
    rnn.rnn_backward: {"p": P, "xs": XS, "hs": HS, "dhs": full(T, B, H), "mask": MASK},
    rnn.rnn_backward_truncated: {"p": P, "xs": XS, "hs": HS, "dhs": full(T, B, H), "k": 2, "mask": MASK},
    rnn_fast.rnn_forward_fast: {"p": P, "xs": XS, "h0": full(B, H), "mask": MASK},
    rnn_fast.rnn_backward_fast: {"p": P, "xs": XS, "hs": HS, "dhs": full(T, B, H), "mask": MASK},
    jordan.jordan_step: {"p": JORDAN, "x": full(B, D), "y_prev": full(B, V)},
    jordan.jordan_step_backward: {
        "p": JORDAN, "x": full(B, D), "y_prev": full(B, V), "h": full(B, H), "y": full(B, V),
        "dlogits": full(B, V), "dy": full(B, V),
    },
    jordan.jordan_forward: {"p": JORDAN, "xs": XS, "y0": full(B, V), "mask": MASK},
    jordan.jordan_backward: {"p": JORDAN, "xs": XS, "states": STATES, "dlogits": full(T, B, V), "mask": MASK},
    cells.unroll: {"cell": cells.CELLS["rnn"], "params": P, "xs": XS, "state": full(B, H), "mask": MASK},
    models.pool_states: {"hs": HS, "mask": MASK, "pool": "mean"},
    models.many_to_one_logits: {"params": READOUT, "xs": XS, "mask": MASK},
    models.many_to_one_loss: {"params": READOUT, "xs": XS, "targets": tokens(B), "mask": MASK},
    models.aligned_logits: {"params": READOUT, "xs": XS, "mask": MASK, "h0": full(B, H)},
    models.aligned_loss: {
        "params": READOUT, "xs": XS, "targets": tokens(T, B), "mask": MASK, "h0": full(B, H),
    },
    models.one_to_many_loss: {
        "params": ONE_TO_MANY, "x": full(B, D), "inputs": full(T, B, V), "targets": tokens(T, B), "mask": MASK,
    },
    models.one_to_many_generate: {"params": ONE_TO_MANY, "x": full(B, D), "first": 0, "steps": 2},
    models.encoder_decoder_loss: {
        "params": ENCODER_DECODER, "xs": XS, "inputs": full(N, B, V), "targets": tokens(N, B), "mask": MASK,
        "target_mask": mask(N, B),
    },
    models.encoder_decoder_generate: {
        "params": ENCODER_DECODER, "xs": XS, "first": 0, "steps": 2, "mask": MASK,
    },
    digits.as_rows: {"images": full(N, 8, 8)},
    digits.as_pixels: {"images": full(N, 8, 8)},
}  # fmt: skip
FREE = {  # what looks wrong but is not: axes of any number or size
    ("dense_forward", "x", "one axis more"),
    ("dense_forward", "x", "one axis fewer"),
    ("dense_forward", "x", "axis 0 too long"),
    ("softmax_cross_entropy", "logits", "axis 2 too long"),
    ("pool_states", "hs", "axis 2 too long"),
    ("one_to_many_generate", "x", "axis 0 too long"),
    *((name, "images", f"axis {axis} too long") for name in ("as_rows", "as_pixels") for axis in range(3)),
}
EITHER = {  # arrays of any rank that must agree with another one: the message may name the other
    ("dense_backward", "x"),
    ("softmax_cross_entropy", "logits"),
    ("binary_cross_entropy_with_logits", "logits"),
    ("mean_squared_error", "predictions"),
}
PASSED_ON = {
    "unroll": ("rnn_step", {"params": "p", "state": "h_prev", "xs": "x"})
}  # checked by the cell that it is handed to


def spoilt(array):
    """(what is wrong, the array made wrong so, the error it deserves)."""
    yield "one axis more", array[None], ValueError
    yield "one axis fewer", np.asarray(array[0]), ValueError
    for axis in range(array.ndim):
        yield f"axis {axis} too long", np.concatenate([array, array.take([0], axis)], axis), ValueError
        yield f"axis {axis} empty", array.take([], axis), ValueError
    yield "a list", array.tolist(), TypeError
    yield "text", array.astype(str), TypeError
    if array.dtype.kind == "f":
        yield "integers", array.astype(int), TypeError
        for value in (np.nan, np.inf, -np.inf):
            bad = array.copy()
            bad.flat[-1] = value
            yield str(value), bad, ValueError
    else:
        yield "floats", array.astype(float), TypeError


def arrays_of(function):
    """For every array of a good call: (path to it, the array, a function from a spoilt array to all arguments)."""
    good = GOOD[function]
    for argument, value in good.items():
        if isinstance(value, np.ndarray):
            yield (argument,), value, lambda bad, argument=argument: good | {argument: bad}
        elif isinstance(value, tuple) and argument != "cell":
            for path, array in fields(value):
                yield (
                    (argument, *path),
                    array,
                    lambda bad, argument=argument, value=value, path=path: good | {argument: replace(value, path, bad)},
                )


def fields(tree, path=()):
    for name, value in zip(tree._fields, tree, strict=True):
        if isinstance(value, tuple):
            yield from fields(value, (*path, name))
        else:
            yield (*path, name), value


def replace(tree, path, value):
    first, *rest = path
    return tree._replace(**{first: replace(getattr(tree, first), rest, value) if rest else value})


@pytest.mark.parametrize("function", GOOD, ids=lambda function: function.__name__)
def test_the_good_calls_are_good(function):
    assert function(**GOOD[function]) is not None


CASES = [(function, *case) for function in GOOD for case in arrays_of(function)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0].__name__}-{'.'.join(case[1])}")
def test_an_array_that_is_wrong_is_named(case):
    function, path, array, arguments = case
    for what, bad, error in spoilt(array):
        if (function.__name__, path[-1], what) not in FREE:
            either = "too long" in what or ("one axis" in what and (function.__name__, path[-1]) in EITHER)
            check_refusal(function, arguments(bad), error, None if either else path[-1])


@pytest.mark.parametrize(
    ("function", "argument"),
    [pytest.param(f, a, id=f"{f.__name__}-{a}") for f, good in GOOD.items() for a in ("p", "params") if a in good],
)
def test_parameters_of_another_type_are_named(function, argument):
    for bad in (list(GOOD[function][argument]), None, DenseParams(full(2, 2), full(2))._asdict()):
        check_refusal(function, GOOD[function] | {argument: bad}, TypeError, argument)


def check_refusal(function, arguments, error, argument):
    """The call is refused in our form of words; `argument` is named, if it is clear which one is wrong."""
    with pytest.raises((TypeError, ValueError)) as caught:
        function(**arguments)
    message, name = str(caught.value), function.__name__
    assert type(caught.value) is error, message
    inner, renamed = PASSED_ON.get(name, (name, {}))
    assert re.match(rf"({name}|{inner}): \S+ must .+, got .+", message), message
    if argument is not None:
        assert re.match(rf"\S+: (\S+[.])?({argument}|{renamed.get(argument, argument)}) ", message), message


RNG = np.random.default_rng(0)


def no_sequence(mask_of):
    """A mask in which sequence 2 has length 0."""
    mask = mask_of.copy()
    mask[:, 2] = False
    return mask


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        # sizes, and where the expectation comes from
        (
            lambda: rnn.rnn_forward(P, full(2, 3, 6)),
            ValueError,
            r"^rnn_forward: xs must be \(T, B, D\) with D=2 \(from p.W_xh\), got shape \(2, 3, 6\)$",
        ),
        (
            lambda: rnn.rnn_backward(P, XS, full(T, B, H), full(T, B, H)),
            ValueError,
            r"^rnn_backward: hs must be \(T\+1, B, H\) .*got shape \(3, 4, 5\)$",
        ),
        (
            lambda: rnn.rnn_forward(P._replace(W_hh=full(H, H + 1)), XS),
            ValueError,
            r"^rnn_forward: p.W_hh must be \(H, H\) with H=5 \(from p.W_xh\), got shape \(5, 6\)$",
        ),
        (
            lambda: rnn.rnn_forward(P._replace(b_h=full(H, 1)), XS),
            ValueError,
            r"^rnn_forward: p.b_h must be \(H,\) with H=5 \(from p.W_xh\), got shape \(5, 1\)$",
        ),
        (
            lambda: dense.dense_backward(OUT, full(B, H), full(T, V)),
            ValueError,
            r"^dense_backward: da must be \(4, 6\) \(from x and W\), got shape \(3, 6\)$",
        ),
        (
            lambda: dense.mlp_forward((), full(B, H)),
            ValueError,
            "^mlp_forward: layers must hold at least one layer, got none$",
        ),
        (
            lambda: dense.mlp_forward((OUT, OUT), full(B, H)),
            ValueError,
            r"^mlp_forward: layers\[1\].W must be \(N2, N1\) with N1=6 \(from layers\[0\].W\), got shape \(6, 5\)$",
        ),
        (
            lambda: dense.mlp_forward(OUT, full(B, H)),
            TypeError,
            "^mlp_forward: layers must be a tuple of DenseParams, got",
        ),
        (lambda: dense.mlp_forward((OUT,), full(B, V)), ValueError, r"^mlp_forward: x must be .*5.*got shape \(4, 6\)"),
        (
            lambda: dense.mlp_backward((OUT,), [full(B, H), full(B, V)], full(B, H)),
            ValueError,
            r"^mlp_backward: dlogits must be \(..., N1\) with N1=6 .*got shape \(4, 5\)$",
        ),
        (
            lambda: dense.mlp_backward((OUT,), [full(B, H)], full(B, V)),
            ValueError,
            "^mlp_backward: outputs must hold 2 arrays .*got 1",
        ),
        (lambda: dense.init_mlp(RNG, (3,)), ValueError, r"^init_mlp: sizes must .* got \(3,\)$"),
        (
            lambda: cells.unroll_backward(cells.CELLS["rnn"], P, XS, list(full(T, B, H)), list(full(T, B, H))),
            ValueError,
            "^unroll_backward: states and dstates must hold 4 and 3 .* got 3 and 3$",
        ),
        # tokens outside the vocabulary
        (
            lambda: losses.softmax_cross_entropy(full(B, V), tokens(B) * V),
            ValueError,
            r"^softmax_cross_entropy: targets must be in 0\.\.5 \(V=6 from logits\), got 6$",
        ),
        (
            lambda: losses.softmax_cross_entropy(full(B, V), -tokens(B)),
            ValueError,
            r"^softmax_cross_entropy: targets must be in 0\.\.5 .* got -1$",
        ),
        (
            lambda: models.many_to_one_loss(READOUT, XS, tokens(B) * V),
            ValueError,
            r"targets must be in 0\.\.5 .* got 6$",
        ),
        (
            lambda: models.aligned_loss(READOUT, XS, tokens(T, B) * -2),
            ValueError,
            r"targets must be in 0\.\.5 .* got -2$",
        ),
        (
            lambda: models.one_to_many_generate(ONE_TO_MANY, full(B, D), V, 3),
            ValueError,
            r"generate: first must be .* got 6$",
        ),
        (lambda: batches.one_hot(np.array([0, 7]), 7), ValueError, r"^one_hot: ids must be in 0\.\.6 \(V=7\), got 7$"),
        (
            lambda: batches.one_hot(np.array([0, -1]), 7),
            ValueError,
            r"^one_hot: ids must be in 0\.\.6 \(V=7\), got -1$",
        ),
        (lambda: batches.one_hot(full(2), 7), TypeError, "^one_hot: ids must be integers, got dtype float64$"),
        (lambda: batches.one_hot(tokens(2), 0), ValueError, "^one_hot: V must be an integer >= 1, got 0$"),
        (
            lambda: vocabulary.Vocabulary("abc").encode("abz"),
            ValueError,
            r"encode: tokens must .* got 'z' at position 2",
        ),
        (
            lambda: vocabulary.Vocabulary("abc").decode([0, 3]),
            ValueError,
            r"decode: ids must be in 0\.\.2, got 3 at pos",
        ),
        (
            lambda: vocabulary.Vocabulary("abc").decode([-1]),
            ValueError,
            r"decode: ids must be in 0\.\.2, got -1 at pos",
        ),
        (lambda: vocabulary.Vocabulary(""), ValueError, "^Vocabulary: tokens must hold at least one token, got none$"),
        # probabilities that are none
        (
            lambda: losses.binary_cross_entropy_with_logits(full(B), full(B) + 1),
            ValueError,
            r"^binary_cross_entropy_with_logits: targets must be in \[0, 1\], got values from 1.5 to 1.5$",
        ),
        # empty sequences, and length 0 in a batch
        (
            lambda: batches.pad_sequences([]),
            ValueError,
            "^pad_sequences: sequences must hold at least one .* got none$",
        ),
        (
            lambda: batches.pad_sequences([full(2, 3), full(0, 3)]),
            ValueError,
            r"^pad_sequences: sequences\[1\] must have at least one step, got length 0$",
        ),
        (
            lambda: batches.pad_sequences([full(2, 3), full(2, 4)]),
            ValueError,
            r"^pad_sequences: sequences\[1\] must be \(T_i, 3\) \(from sequences\[0\]\), got shape \(2, 4\)$",
        ),
        (lambda: batches.pad_sequences([[1, 2]]), TypeError, r"^pad_sequences: sequences\[0\] must be .* got list$"),
        (lambda: batches.pad_sequences([full(1, 2, 3)]), ValueError, r"^pad_sequences: .* got shape \(1, 2, 3\)$"),
        (
            lambda: next(batches.iterate_batches(RNG, [full(2, 3), full(0, 3)], [0, 1], 2)),
            ValueError,
            r"^iterate_batches: sequences\[1\] must have at least one step, got length 0$",
        ),
        (
            lambda: next(batches.iterate_batches(RNG, [], [], 2)),
            ValueError,
            "^iterate_batches: sequences must hold at least one sequence, got none$",
        ),
        (
            lambda: next(batches.iterate_batches(RNG, [full(2, 3)], [0, 1], 2)),
            ValueError,
            r"^iterate_batches: targets must be 1 \(from sequences\), got 2$",
        ),
        (
            lambda: next(batches.iterate_batches(RNG, [full(3, 1), full(4, 1)], [tokens(4), tokens(3)], 2)),
            ValueError,
            r"^iterate_batches: targets\[0\] must have 3 steps \(from sequences\[0\]\), got 4$",
        ),
        (lambda: next(batches.iterate_batches(RNG, [full(2, 3)], [0], 0)), ValueError, "batch_size must be .* got 0$"),
        (
            lambda: next(batches.iterate_batches(RNG, [full(2, 3)], [0], 1, 1.5)),
            TypeError,
            "epochs must be .* float 1.5$",
        ),
        (
            lambda: next(batches.iterate_batches(0, [full(2, 3)], [0], 1)),
            TypeError,
            "rng must be a .*Generator.* got int",
        ),
        (
            lambda: models.many_to_one_loss(READOUT, XS, tokens(B), no_sequence(MASK), "mean"),
            ValueError,
            r"^many_to_one_loss: mask must keep at least one step of every sequence, got none for \[2\]$",
        ),
        (
            lambda: models.many_to_one_logits(READOUT, XS, no_sequence(MASK)),
            ValueError,
            r"^many_to_one_logits: mask must keep .* got none for \[2\]$",
        ),
        (
            lambda: models.encoder_decoder_loss(ENCODER_DECODER, XS, full(N, B, V), tokens(N, B), no_sequence(MASK)),
            ValueError,
            r"^encoder_decoder_loss: mask must keep .* got none for \[2\]$",
        ),
        (
            lambda: models.encoder_decoder_generate(ENCODER_DECODER, XS, 0, 2, no_sequence(MASK)),
            ValueError,
            r"^encoder_decoder_generate: mask must keep .* got none for \[2\]$",
        ),
        (
            lambda: losses.softmax_cross_entropy(full(B, V), tokens(B), ~mask(B)),
            ValueError,
            "^softmax_cross_entropy: mask must keep at least one entry, got only False$",
        ),
        (
            lambda: losses.mean_squared_error(full(B), full(B), ~mask(B)),
            ValueError,
            "^mean_squared_error: mask must keep",
        ),
        # targets that suit neither loss
        (
            lambda: models.many_to_one_loss(READOUT, XS, full(B)),
            TypeError,
            "^many_to_one_loss: targets must be .*integers.* got dtype float64",
        ),
        (
            lambda: models.many_to_one_loss(READOUT._replace(out=DenseParams(full(1, H), full(1))), XS, tokens(B)),
            TypeError,
            r"^many_to_one_loss: targets must be floats in \[0, 1\] with V=1 .* got dtype int64",
        ),
        # choices
        (lambda: models.pool_states(HS, MASK, "sum"), ValueError, "^pool_states: pool must be .* got 'sum'$"),
        (
            lambda: rnn.rnn_step(P, XS[0], full(B, H), "Tanh"),
            ValueError,
            "^rnn_step: activation must be .* got 'Tanh'$",
        ),
        (
            lambda: rnn.rnn_step_backward(P, XS[0], full(B, H), full(B, H), full(B, H), "swish"),
            ValueError,
            "^rnn_step_backward: activation must be one of 'tanh', .* got 'swish'$",
        ),
        (lambda: rnn.rnn_forward(P, XS, activation="x"), ValueError, "^rnn_forward: activation must be .* got 'x'$"),
        (
            lambda: rnn.rnn_backward(P, XS, HS, full(T, B, H), activation="x"),
            ValueError,
            "^rnn_backward: activation must be .* got 'x'$",
        ),
        (
            lambda: rnn.rnn_backward_truncated(P, XS, HS, full(T, B, H), 2, activation="x"),
            ValueError,
            "^rnn_backward_truncated: activation must be .* got 'x'$",
        ),
        (
            lambda: rnn_fast.rnn_forward_fast(P, XS, activation="x"),
            ValueError,
            "^rnn_forward_fast: activation .* got 'x'$",
        ),
        (
            lambda: rnn_fast.rnn_backward_fast(P, XS, HS, full(T, B, H), activation="x"),
            ValueError,
            "^rnn_backward_fast: activation must be .* got 'x'$",
        ),
        (
            lambda: dense.mlp_forward((OUT,), full(B, H), "x"),
            ValueError,
            "^mlp_forward: activation must be .* got 'x'$",
        ),
        (
            lambda: dense.mlp_backward((OUT,), [full(B, H), full(B, V)], full(B, V), "x"),
            ValueError,
            "^mlp_backward: activation must be .* got 'x'$",
        ),
        (lambda: jordan.jordan_step(JORDAN, XS[0], full(B, V), "x"), ValueError, "^jordan_step: output .* got 'x'$"),
        (
            lambda: jordan.jordan_step_backward(**GOOD[jordan.jordan_step_backward], output="x"),
            ValueError,
            "^jordan_step_backward: output must be .* got 'x'$",
        ),
        (lambda: jordan.jordan_forward(JORDAN, XS, output="x"), ValueError, "^jordan_forward: output must .* got 'x'$"),
        (
            lambda: jordan.jordan_backward(JORDAN, XS, STATES, full(T, B, V), output="x"),
            ValueError,
            "^jordan_backward: output must be one of 'softmax', 'sigmoid', 'identity', got 'x'$",
        ),
        (
            lambda: models.many_to_one_loss(READOUT, XS, tokens(B), pool="sum"),
            ValueError,
            "^many_to_one_loss: pool must be one of 'last', 'mean', 'max', got 'sum'$",
        ),
        (lambda: rnn.init_rnn(RNG, 2, 3, "zeros"), ValueError, "^init_rnn: recurrent must be .* got 'zeros'$"),
        # numbers of steps and sizes
        (
            lambda: rnn.rnn_backward_truncated(P, XS, HS, full(T, B, H), 0),
            ValueError,
            "^rnn_backward_truncated: k must be an integer >= 1, got 0$",
        ),
        (
            lambda: rnn.rnn_backward_truncated(P, XS, HS, full(T, B, H), 2.0),
            TypeError,
            "^rnn_backward_truncated: k must be an integer >= 1, got float 2.0$",
        ),
        (lambda: rnn.init_rnn(RNG, 0, 3), ValueError, "^init_rnn: D must be an integer >= 1, got 0$"),
        (lambda: rnn.init_rnn(RNG, 2, True), TypeError, "^init_rnn: H must be an integer >= 1, got bool True$"),
        (lambda: jordan.init_jordan(RNG, 2, 3, -1), ValueError, "^init_jordan: V must be an integer >= 1, got -1$"),
        (lambda: initialisers.glorot_uniform(RNG, 2, 0), ValueError, "^glorot_uniform: n_in must be .* got 0$"),
        (lambda: initialisers.orthogonal(7, 2), TypeError, "^orthogonal: rng must be a numpy Generator.* got int$"),
        (lambda: initialisers.he_normal(RNG, "2", 3), TypeError, "^he_normal: n_out must be .* got str '2'$"),
        (lambda: initialisers.uniform_fan_in(RNG, 2, -3), ValueError, "^uniform_fan_in: n_in must be .* got -3$"),
        (
            lambda: initialisers.scaled_to_radius(full(2, 3), 1.0),
            ValueError,
            r"^scaled_to_radius: W must be square \(n, n\), got shape \(2, 3\)$",
        ),
        (
            lambda: initialisers.scaled_to_radius(full(2, 2), -1),
            ValueError,
            "^scaled_to_radius: radius must .* got -1$",
        ),
        (lambda: initialisers.scaled_to_radius(np.zeros((2, 2)), 1), ValueError, "^scaled_to_radius: W must .* zeros$"),
        # optimizers
        (lambda: optim.SGD(-0.1), ValueError, "^SGD: lr must be a number > 0, got -0.1$"),
        (lambda: optim.SGD(0.1, momentum=1.0), ValueError, r"^SGD: momentum must be in \[0, 1\), got 1.0$"),
        (lambda: optim.SGD("0.1"), TypeError, "^SGD: lr must be a number > 0, got str$"),
        (
            lambda: optim.SGD(0.1, momentum=None),
            TypeError,
            r"^SGD: momentum must be a number in \[0, 1\), got NoneType$",
        ),
        (lambda: optim.RMSProp(0.0), ValueError, "^RMSProp: lr must be a number > 0, got 0.0$"),
        (lambda: optim.RMSProp(0.1, decay=-0.5), ValueError, r"^RMSProp: decay must be in \[0, 1\), got -0.5$"),
        (lambda: optim.Adam(np.nan), ValueError, "^Adam: lr must be a number > 0, got nan$"),
        (lambda: optim.Adam(beta2=1.5), ValueError, r"^Adam: beta2 must be in \[0, 1\), got 1.5$"),
        (lambda: optim.Adam(eps=-1e-8), ValueError, "^Adam: eps must be a number > 0, got -1e-08$"),
        (
            lambda: optim.SGD(lambda step: -1.0).update(full(2), full(2), optim.SGD(1.0).init(full(2))),
            ValueError,
            "^SGD: lr must be a number > 0, got -1.0$",
        ),
        (
            lambda: optim.SGD(0.1).update(full(2), full(3), optim.SGD(0.1).init(full(2))),
            TypeError,
            r"must be an array of shape \(2,\), got \(3,\)$",
        ),
        (lambda: optim.clip_by_global_norm(P, 0.0), ValueError, "^clip_by_global_norm: max_norm must .* got 0.0$"),
        (lambda: optim.clip_by_value(P, -1), ValueError, "^clip_by_value: limit must be a number > 0, got -1$"),
        (
            lambda: optim.clip_by_global_norm(P._replace(b_h=full(H) * np.nan), 1.0),
            ValueError,
            "^clip_by_global_norm: grads must be finite, got norm nan in b_h$",
        ),
        # training
        (lambda: train.train(full(2), None, [], optim.SGD(0.1)), ValueError, "^train: batches must yield .* got none$"),
        (
            lambda: train.train(full(2), None, [1], optim.SGD(0.1), evaluate_every=5),
            ValueError,
            "^train: evaluate_every must .* got evaluate_every=5, evaluate=None$",
        ),
        (
            lambda: train.train(full(2), lambda p, b: (1.0, p), [1], optim.SGD(0.1), clip_norm=-1),
            ValueError,
            "max_norm must be a number > 0, got -1$",
        ),
        # data
        (lambda: digits.load_digits_split(test_size=0), ValueError, r"test_size must be in 1\.\.1796, got 0$"),
    ],
)
def test_a_wrong_value_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_an_error_leaves_the_next_call_checked():
    for _ in range(2):
        with pytest.raises(ValueError, match="^rnn_forward: xs must be"):
            rnn.rnn_forward(P, full(2, 3, 6))


def test_padding_may_hold_any_finite_number_but_no_nan():
    xs, real = full(T, B, D), np.array([[True] * B] * 2 + [[False] * B])
    xs[2] = 1e300
    assert np.array_equal(rnn.rnn_forward(P, xs, None, real)[2], rnn.rnn_forward(P, xs, None, real)[3])
    xs[2] = np.nan
    with pytest.raises(ValueError, match=r"^rnn_forward: xs must be finite, got nan at index \(2, 0, 0\)$"):
        rnn.rnn_forward(P, xs, None, real)

"""The torch modules compute what our functions compute, and weights travel both ways without a bit lost."""

import numpy as np
import pytest

from course_pkg import dense, jordan, rnn, sequence_models, torch_twins
from course_pkg.checks import relative_error
from course_pkg.data.batches import one_hot
from course_pkg.dense import DenseParams, mlp_backward, mlp_forward
from course_pkg.rnn import RNNParams, rnn_backward, rnn_forward
from course_pkg.tree import leaves, tree_map
from tests.package.helpers import (
    AUTOGRAD,
    SHAPES,
    assert_close,
    random_mask,
    rng_for,
    shape_id,
    tensor,
    torch,
)

F = torch.nn.functional


def noisy(rng, tree):
    """The tree with random values in every entry, biases too."""
    return tree_map(lambda array: rng.normal(0, 0.6, array.shape).astype(array.dtype), tree)


def parts(shape):
    """Inputs for a shape: the generator, xs, a mask in every second shape, and V."""
    (T, B, D, _), rng = shape, rng_for(*shape)
    mask = random_mask(rng, T, B) if sum(shape) % 2 else None
    return rng, rng.normal(size=(T, B, D)), mask, int(rng.integers(1, 5))


@pytest.mark.parametrize("activation", dense.ACTIVATIONS)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_mlp(shape, activation):
    T, B, D, H = shape
    rng = rng_for(*shape)
    layers, x, upstream = noisy(rng, dense.init_mlp(rng, (D, H, T))), rng.normal(size=(B, D)), rng.normal(size=(B, T))
    twin = torch_twins.MLP.from_params(layers, activation)
    logits = twin(tensor(x))
    outputs = mlp_forward(layers, x, activation)
    assert relative_error(logits.detach().numpy(), outputs[-1]) < 1e-14
    (logits * tensor(upstream)).sum().backward()
    grads = mlp_backward(layers, outputs, upstream, activation)[0]
    assert_close(grads, torch_twins.read_grads(twin, layers), AUTOGRAD, "twins")


@pytest.mark.parametrize("activation", dense.ACTIVATIONS)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_rnn(shape, activation):
    rng, xs, mask, _ = parts(shape)
    T, B, D, H = shape
    p, h0, upstream = noisy(rng, rnn.init_rnn(rng, D, H)), rng.normal(size=(B, H)), rng.normal(size=(T, B, H))
    twin = torch_twins.RNN.from_params(p, activation)
    states = twin(tensor(xs), tensor(h0), tensor(mask))
    hs = rnn_forward(p, xs, h0, mask, activation)
    assert relative_error(states.detach().numpy(), hs) < 1e-13
    assert relative_error(twin(tensor(xs)).detach().numpy(), rnn_forward(p, xs, activation=activation)) < 1e-13
    (states[1:] * tensor(upstream)).sum().backward()
    grads = rnn_backward(p, xs, hs, upstream, mask, activation)[0]
    assert_close(grads, torch_twins.read_grads(twin, p), AUTOGRAD, "twins")


@pytest.mark.parametrize("output", jordan.OUTPUTS)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_jordan(shape, output):
    rng, xs, mask, V = parts(shape)
    T, B, D, H = shape
    p, y0, upstream = noisy(rng, jordan.init_jordan(rng, D, H, V)), rng.normal(size=(B, V)), rng.normal(size=(T, B, V))
    twin = torch_twins.Jordan.from_params(p, output)
    theirs = twin(tensor(xs), tensor(y0), tensor(mask))
    ours = jordan.jordan_forward(p, xs, y0, mask, output)
    assert theirs._fields == ours._fields
    for a, b in zip(theirs, ours, strict=True):
        assert relative_error(a.detach().numpy(), b) < 1e-12
    without = twin(tensor(xs)).logits.detach().numpy()
    assert relative_error(without, jordan.jordan_forward(p, xs, output=output).logits) < 1e-12
    counted = upstream if mask is None else upstream * mask[..., None]
    (theirs.logits * tensor(counted)).sum().backward()
    grads = jordan.jordan_backward(p, xs, ours, upstream, mask, output)[0]
    assert_close(grads, torch_twins.read_grads(twin, p), AUTOGRAD, "twins")


def cross_entropy(logits, targets, mask):
    targets, mask = tensor(targets), torch.ones(targets.shape, dtype=bool) if mask is None else tensor(mask)
    return F.cross_entropy(logits[mask], targets[mask])


@pytest.mark.parametrize("pool", sequence_models.POOLS)
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_readout_rnn_many_to_one(shape, pool):
    rng, xs, mask, V = parts(shape)
    V = max(V, 2)  # one class has nothing to choose: refused
    p, targets = noisy(rng, sequence_models.init_readout_rnn(rng, shape[2], shape[3], V)), rng.integers(0, V, shape[1])
    twin = torch_twins.ReadoutRNN.from_params(p)
    theirs = F.cross_entropy(twin.many_to_one(tensor(xs), tensor(mask), pool), tensor(targets))
    loss, grads = sequence_models.many_to_one_loss(p, xs, targets, mask, pool)
    assert loss == pytest.approx(theirs.item(), rel=1e-12, abs=1e-12)
    theirs.backward()
    assert_close(grads, torch_twins.read_grads(twin, p), AUTOGRAD, "twins")


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_readout_rnn_aligned(shape):
    rng, xs, mask, V = parts(shape)
    T, B, D, H = shape
    p, targets = noisy(rng, sequence_models.init_readout_rnn(rng, D, H, V)), rng.integers(0, V, (T, B))
    h0 = rng.normal(size=(B, H))
    twin = torch_twins.ReadoutRNN.from_params(p)
    theirs = cross_entropy(twin(tensor(xs), tensor(mask), tensor(h0)), targets, mask)
    loss, grads = sequence_models.aligned_loss(p, xs, targets, mask, h0)
    assert loss == pytest.approx(theirs.item(), rel=1e-12, abs=1e-12)
    theirs.backward()
    assert_close(grads, torch_twins.read_grads(twin, p), AUTOGRAD, "twins")


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_one_to_many(shape):
    rng, xs, mask, V = parts(shape)
    T, B, D, H = shape
    p, targets = noisy(rng, sequence_models.init_one_to_many(rng, D, H, V)), rng.integers(0, V, (T, B))
    inputs = one_hot(rng.integers(0, V, (T, B)), V)
    twin = torch_twins.OneToMany.from_params(p)
    theirs = cross_entropy(twin(tensor(xs[0]), tensor(inputs), tensor(mask)), targets, mask)
    loss, grads = sequence_models.one_to_many_loss(p, xs[0], inputs, targets, mask)
    assert loss == pytest.approx(theirs.item(), rel=1e-12, abs=1e-12)
    theirs.backward()
    assert_close(grads, torch_twins.read_grads(twin, p), AUTOGRAD, "twins")


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_encoder_decoder(shape):
    rng, xs, mask, V = parts(shape)
    T, B, D, H = shape
    p, targets = noisy(rng, sequence_models.init_encoder_decoder(rng, D, H, V)), rng.integers(0, V, (4, B))
    inputs, target_mask = one_hot(rng.integers(0, V, (4, B)), V), random_mask(rng, 4, B)
    twin = torch_twins.EncoderDecoder.from_params(p)
    logits = twin(tensor(xs), tensor(inputs), tensor(mask), tensor(target_mask))
    theirs = cross_entropy(logits, targets, target_mask)
    loss, grads = sequence_models.encoder_decoder_loss(p, xs, inputs, targets, mask, target_mask)
    assert loss == pytest.approx(theirs.item(), rel=1e-12, abs=1e-12)
    theirs.backward()
    assert_close(grads, torch_twins.read_grads(twin, p), AUTOGRAD, "twins")


# ---- twins by themselves -----------------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
TWINS = {
    "Dense": (lambda dtype: torch_twins.Dense(3, 4, dtype), dense.init_dense(RNG, 3, 4)),
    "MLP": (lambda dtype: torch_twins.MLP((3, 5, 4), dtype=dtype), dense.init_mlp(RNG, (3, 5, 4))),
    "RNN": (lambda dtype: torch_twins.RNN(3, 5, dtype=dtype), rnn.init_rnn(RNG, 3, 5)),
    "Jordan": (lambda dtype: torch_twins.Jordan(3, 5, 4, dtype=dtype), jordan.init_jordan(RNG, 3, 5, 4)),
    "ReadoutRNN": (
        lambda dtype: torch_twins.ReadoutRNN(3, 5, 4, dtype),
        sequence_models.init_readout_rnn(RNG, 3, 5, 4),
    ),
    "OneToMany": (
        lambda dtype: torch_twins.OneToMany(3, 5, 4, dtype),
        sequence_models.init_one_to_many(RNG, 3, 5, 4),
    ),
    "EncoderDecoder": (
        lambda dtype: torch_twins.EncoderDecoder(3, 5, 4, dtype),
        sequence_models.init_encoder_decoder(RNG, 3, 5, 4),
    ),
}


START = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def same_numbers_whatever_ran_before():
    RNG.bit_generator.state = START


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", TWINS)
def test_parameters_go_into_a_twin_and_come_back_bit_for_bit(name, dtype):
    build, like = TWINS[name]
    p = tree_map(lambda array: RNG.normal(size=array.shape).astype(dtype), like)
    twin = torch_twins.load_params(build(tensor(np.zeros(1, dtype)).dtype), p)
    back = torch_twins.read_params(twin, like)
    assert type(back) is type(p)
    for (_, a), (_, b) in zip(leaves(p), leaves(back), strict=True):
        assert a.dtype == b.dtype == dtype and np.array_equal(a, b)
    leaves(p)[0][1][:] = 7  # copies on both sides: nothing is shared
    leaves(back)[0][1][:] = 8
    assert not np.isin([7, 8], leaves(torch_twins.read_params(twin, like))[0][1]).any()


@pytest.mark.parametrize("name", TWINS)
def test_a_new_twin_has_small_random_weights_in_the_precision_asked_for(name):
    build, like = TWINS[name]
    for dtype in (torch.float32, torch.float64):
        for parameter_name, parameter in build(dtype).named_parameters():
            assert parameter.dtype == dtype
            if parameter.ndim == 2:
                assert 0 < parameter.detach().abs().max() <= 1, parameter_name
    assert [n for n, _ in build(None).named_parameters()] == [n for n, _ in leaves(like)]


def test_dense_equals_nn_linear():
    p, x = noisy(RNG, dense.init_dense(RNG, 3, 4)), RNG.normal(size=(2, 5, 3))
    ours, theirs = torch_twins.Dense.from_params(p)(tensor(x)), torch_twins.to_torch_linear(p)(tensor(x))
    assert relative_error(ours.detach().numpy(), theirs.detach().numpy()) < 1e-15


# ---- torch.nn's own modules --------------------------------------------------------------------------------------


def same(a, b):
    return type(a) is type(b) and all(x.dtype == y.dtype and np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_linear_round_trips_are_exact_both_ways(dtype):
    p = DenseParams(RNG.normal(size=(4, 3)).astype(dtype), RNG.normal(size=4).astype(dtype))
    module = torch_twins.to_torch_linear(p)
    assert same(torch_twins.from_torch_linear(module), p)
    again = torch_twins.to_torch_linear(torch_twins.from_torch_linear(module))
    assert torch.equal(again.weight, module.weight) and torch.equal(again.bias, module.bias)
    x = RNG.normal(size=(2, 3)).astype(dtype)
    assert relative_error(dense.dense_forward(p, x), module(tensor(x)).detach().numpy()) < 1e-6
    p.W[:] = 0
    assert module.weight.abs().min() > 0  # a copy


def test_linear_without_bias():
    module = torch.nn.Linear(3, 4, bias=False, dtype=torch.float64)
    p = torch_twins.from_torch_linear(module)
    assert np.array_equal(p.b, np.zeros(4))
    x = RNG.normal(size=(2, 3))
    assert relative_error(dense.dense_forward(p, x), module(tensor(x)).detach().numpy()) < 1e-15


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rnn_to_torch_and_back_is_exact(dtype, activation):
    p = noisy(RNG, rnn.init_rnn(RNG, 3, 5, dtype=dtype))
    module = torch_twins.to_torch_rnn(p, activation)
    assert same(torch_twins.from_torch_rnn(module, activation), p)
    assert torch.equal(module.bias_hh_l0, torch.zeros(5))
    xs, h0 = RNG.normal(size=(6, 2, 3)).astype(dtype), RNG.normal(size=(2, 5)).astype(dtype)
    outputs, _ = module(tensor(xs), tensor(h0)[None])
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    assert relative_error(rnn_forward(p, xs, h0, None, activation)[1:], outputs.detach().numpy()) < tolerance


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_rnn_from_torch_and_back_computes_the_same(activation, bias):
    module = torch.nn.RNN(3, 5, nonlinearity=activation, bias=bias, dtype=torch.float64)  # random biases, both
    p = torch_twins.from_torch_rnn(module, activation)
    again = torch_twins.to_torch_rnn(p, activation)
    xs = RNG.normal(size=(6, 2, 3))
    wanted = module(tensor(xs))[0].detach().numpy()
    assert relative_error(rnn_forward(p, xs, None, None, activation)[1:], wanted) < 1e-14
    assert relative_error(again(tensor(xs))[0].detach().numpy(), wanted) < 1e-14


def test_rnn_parity_on_padded_sequences_with_torch_packing():
    module = torch.nn.RNN(3, 5, dtype=torch.float64)
    xs, lengths = RNG.normal(size=(7, 4, 3)), [7, 5, 2, 1]
    packed = torch.nn.utils.rnn.pack_padded_sequence(tensor(xs), lengths)
    outputs, last = module(packed)
    outputs, _ = torch.nn.utils.rnn.pad_packed_sequence(outputs)
    mask = np.arange(7)[:, None] < np.array(lengths)
    hs = rnn_forward(torch_twins.from_torch_rnn(module), xs, None, mask)
    assert relative_error(hs[1:][mask], outputs.detach().numpy()[mask]) < 1e-14
    assert relative_error(hs[-1], last[0].detach().numpy()) < 1e-14


P = RNNParams(np.ones((4, 3)), np.ones((4, 4)), np.ones(4))
LINEAR = DenseParams(np.ones((4, 3)), np.ones(4))
DOUBLE = {"dtype": torch.float64}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda t: t.from_torch_rnn(torch.nn.LSTM(3, 4)),
            TypeError,
            "from_torch_rnn: module must be .*nn.RNN, got LSTM",
        ),
        (lambda t: t.from_torch_rnn(P), TypeError, "must be a torch.nn.RNN, got RNNParams"),
        (lambda t: t.from_torch_rnn(torch.nn.RNN(3, 4, num_layers=2)), ValueError, "num_layers=1, got num_layers=2"),
        (lambda t: t.from_torch_rnn(torch.nn.RNN(3, 4, bidirectional=True)), ValueError, "got bidirectional=True"),
        (lambda t: t.from_torch_rnn(torch.nn.RNN(3, 4, nonlinearity="relu")), ValueError, "='tanh' .* got .*'relu'"),
        (lambda t: t.from_torch_rnn(torch.nn.RNN(3, 4), "relu"), ValueError, "='relu' .*, got nonlinearity='tanh'"),
        (lambda t: t.to_torch_rnn(LINEAR), TypeError, "to_torch_rnn: p must be RNNParams, got DenseParams"),
        (lambda t: t.to_torch_rnn(P, "sigmoid"), ValueError, "to_torch_rnn: activation must be .* got 'sigmoid'"),
        (lambda t: t.to_torch_linear(P), TypeError, "to_torch_linear: p must be DenseParams, got RNNParams"),
        (lambda t: t.from_torch_linear(torch.nn.ReLU()), TypeError, "must be a torch.nn.Linear, got ReLU"),
        (
            lambda t: t.load_params(t.RNN(3, 5, **DOUBLE), P),
            ValueError,
            r"load_params: W_xh must be \(5, 3\) \(from the module\), got shape \(4, 3\)",
        ),
        (lambda t: t.load_params(t.RNN(3, 4), P), TypeError, "W_xh must be torch.float32 .* got float64; build"),
        (
            lambda t: t.load_params(t.RNN(3, 4), LINEAR),
            ValueError,
            "parameters of RNN are .*'W_hh'.* of DenseParams are",
        ),
        (lambda t: t.load_params(P, P), TypeError, "load_params: module must be a torch.nn.Module, got RNNParams"),
        (lambda t: t.read_params(t.Dense(3, 4), P), ValueError, "read_params: the parameters of Dense are"),
        (lambda t: t.read_grads(t.RNN(3, 4), P), ValueError, "read_grads: W_xh must have a gradient, got None"),
        (lambda t: t.RNN(3, 4, "softmax"), ValueError, "RNN: activation must be one of 'tanh'.* got 'softmax'"),
        (lambda t: t.MLP((3,)), ValueError, r"MLP: sizes must have .* got \(3,\)"),
        (lambda t: t.Jordan(3, 4, 2, "relu"), ValueError, "Jordan: output must be one of 'softmax'.* got 'relu'"),
        (lambda t: t.Dense(3, 4)(torch.ones(2, 5)), ValueError, r"x must be \(..., 3\) .* got shape \(2, 5\)"),
        (
            lambda t: t.RNN(3, 4)(torch.ones(2, 5)),
            ValueError,
            r"RNN.forward: xs must be \(T, B, D\) with D=3.*\(2, 5\)",
        ),
        (
            lambda t: t.RNN(3, 4)(torch.ones(2, 5, 3), mask=torch.ones(5, 2, dtype=bool)),
            ValueError,
            r"mask must be \(2, 5\) \(from xs\), got shape \(5, 2\)",
        ),
        (
            lambda t: t.Jordan(3, 4, 2)(torch.ones(2, 5, 3), mask=torch.ones(2, 5)),
            TypeError,
            "Jordan.forward: mask must be torch.bool, got torch.float32",
        ),
        (
            lambda t: t.ReadoutRNN(3, 4, 2).many_to_one(torch.ones(2, 5, 3), pool="sum"),
            ValueError,
            "pool must be one of 'last', 'mean', 'max', got 'sum'",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(torch_twins)

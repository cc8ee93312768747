"""The five input/output shapes: each loss and its gradients by hand against three oracles."""

import numpy as np
import pytest

from course_pkg.data.batches import one_hot
from course_pkg.dense import DenseParams
from course_pkg.rnn import RNNParams
from course_pkg.sequence_models import (
    EncoderDecoder,
    OneToMany,
    ReadoutRNN,
    aligned_logits,
    aligned_loss,
    encoder_decoder_generate,
    encoder_decoder_loss,
    init_encoder_decoder,
    init_one_to_many,
    init_readout_rnn,
    many_to_one_logits,
    many_to_one_loss,
    one_to_many_generate,
    one_to_many_loss,
    one_to_one_loss,
)
from course_pkg.tree import count
from tests.package.helpers import (
    SHAPES,
    length_mask,
    prove,
    random_mask,
    rng_for,
    shape_id,
    tensor,
    torch,
    torch_rnn,
)

F = torch.nn.functional


def rnn_params(rng, D, H):
    return RNNParams(rng.normal(size=(H, D)), rng.normal(size=(H, H)) / np.sqrt(H), rng.normal(size=H))


def dense_params(rng, n_in, n_out):
    return DenseParams(rng.normal(size=(n_out, n_in)), rng.normal(size=n_out))


def readout(p, hs):
    return F.linear(hs, p.W, p.b)


def mask_for(masked, rng, T, B):
    return random_mask(rng, T, B) if masked else None


def cross_entropy(logits, targets, mask):
    V, targets = logits.shape[-1], tensor(targets)
    if mask is not None:
        logits, targets = logits[tensor(mask)], targets[tensor(mask)]
    return F.cross_entropy(logits.reshape(-1, V), targets.reshape(-1))


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_one_to_one(shape):
    (V, B, D, H), rng = shape, rng_for(*shape)
    layers = (dense_params(rng, D, H), dense_params(rng, H, V))
    x, targets = rng.normal(size=(B, D)), rng.integers(0, V, B)
    prove(
        layers,
        one_to_one_loss(layers, x, targets)[1],
        lambda p: one_to_one_loss(p, x, targets)[0],
        lambda p: cross_entropy(readout(p[1], torch.tanh(readout(p[0], tensor(x)))), targets, None),
    )


@pytest.mark.parametrize("classes", ["two or more", "one, by a sigmoid"])
@pytest.mark.parametrize("pool", ["last", "mean", "max"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_many_to_one(shape, masked, pool, classes):
    (T, B, D, H), rng = shape, rng_for(*shape)
    binary = classes.startswith("one")
    V = 1 if binary else int(rng.integers(2, 5))
    params = ReadoutRNN(rnn_params(rng, D, H), dense_params(rng, H, V))
    xs, mask = rng.normal(size=(T, B, D)), mask_for(masked, rng, T, B)
    targets = rng.integers(0, 2, B).astype(float) if binary else rng.integers(0, V, B)

    def loss_torch(p):
        hs = torch_rnn(p.rnn, tensor(xs), torch.zeros(B, H, dtype=torch.float64), mask)
        real = [hs[1:, b] if mask is None else hs[1:, b][tensor(mask[:, b])] for b in range(B)]  # B of (T_b, H)
        pooled = torch.stack([{"last": h[-1], "mean": h.mean(dim=0), "max": h.max(dim=0).values}[pool] for h in real])
        logits = readout(p.out, pooled)
        if binary:
            return F.binary_cross_entropy_with_logits(logits[:, 0], tensor(targets))
        return F.cross_entropy(logits, tensor(targets))

    prove(
        params,
        many_to_one_loss(params, xs, targets, mask, pool)[1],
        lambda p: many_to_one_loss(p, xs, targets, mask, pool)[0],
        loss_torch,
        complex_too=not binary,
    )


@pytest.mark.parametrize("state", ["zero", "given"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_aligned(shape, masked, state):
    (T, B, D, H), rng = shape, rng_for(*shape)
    V = int(rng.integers(1, 5))
    params = ReadoutRNN(rnn_params(rng, D, H), dense_params(rng, H, V))
    xs, targets, mask = rng.normal(size=(T, B, D)), rng.integers(0, V, (T, B)), mask_for(masked, rng, T, B)
    h0 = rng.normal(size=(B, H)) if state == "given" else None

    def loss_torch(p):
        first = torch.zeros(B, H, dtype=torch.float64) if h0 is None else tensor(h0)
        return cross_entropy(readout(p.out, torch_rnn(p.rnn, tensor(xs), first, mask)[1:]), targets, mask)

    prove(
        params,
        aligned_loss(params, xs, targets, mask, h0)[1],
        lambda p: aligned_loss(p, xs, targets, mask, h0)[0],
        loss_torch,
    )


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_one_to_many(shape, masked):
    (T, B, D, H), rng = shape, rng_for(*shape)
    V = int(rng.integers(1, 5))
    params = OneToMany(dense_params(rng, D, H), rnn_params(rng, V, H), dense_params(rng, H, V))
    x, targets, mask = rng.normal(size=(B, D)), rng.integers(0, V, (T, B)), mask_for(masked, rng, T, B)
    inputs = one_hot(rng.integers(0, V, (T, B)), V)

    def loss_torch(p):
        hs = torch_rnn(p.rnn, tensor(inputs), torch.tanh(readout(p.start, tensor(x))), mask)
        return cross_entropy(readout(p.out, hs[1:]), targets, mask)

    prove(
        params,
        one_to_many_loss(params, x, inputs, targets, mask)[1],
        lambda p: one_to_many_loss(p, x, inputs, targets, mask)[0],
        loss_torch,
    )


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_encoder_decoder(shape, masked):
    (T, B, D, H), rng = shape, rng_for(*shape)
    V, N = (int(n) for n in rng.integers(1, 5, 2))
    params = EncoderDecoder(rnn_params(rng, D, H), rnn_params(rng, V, H), dense_params(rng, H, V))
    xs, targets = rng.normal(size=(T, B, D)), rng.integers(0, V, (N, B))
    inputs = one_hot(rng.integers(0, V, (N, B)), V)
    mask, target_mask = mask_for(masked, rng, T, B), mask_for(masked, rng, N, B)

    def loss_torch(p):
        encoded = torch_rnn(p.encoder, tensor(xs), torch.zeros(B, H, dtype=torch.float64), mask)
        decoded = torch_rnn(p.decoder, tensor(inputs), encoded[-1], target_mask)
        return cross_entropy(readout(p.out, decoded[1:]), targets, target_mask)

    prove(
        params,
        encoder_decoder_loss(params, xs, inputs, targets, mask, target_mask)[1],
        lambda p: encoder_decoder_loss(p, xs, inputs, targets, mask, target_mask)[0],
        loss_torch,
    )


def test_aligned_logits_at_the_last_step_are_the_many_to_one_logits():
    rng = np.random.default_rng(0)
    params, xs = init_readout_rnn(rng, 3, 5, 4), rng.normal(size=(7, 2, 3))
    assert np.array_equal(aligned_logits(params, xs)[-1], many_to_one_logits(params, xs))


def test_the_last_state_is_the_one_after_the_last_real_step():
    rng = np.random.default_rng(0)
    params, xs = init_readout_rnn(rng, 3, 5, 4), rng.normal(size=(7, 3, 3))
    lengths = [7, 4, 1]
    logits = many_to_one_logits(params, xs, length_mask(lengths, 7))
    for b, length in enumerate(lengths):
        alone = aligned_logits(params, xs[:length, b : b + 1])[-1, 0]
        assert np.abs(logits[b] - alone).max() < 1e-14


def greedy(rnn, out, h, first, steps):
    """Greedy writing in torch, one token after the other: (steps, B)."""
    token, tokens = torch.full((len(h),), first), []
    for _ in range(steps):
        x = F.one_hot(token, len(out.b)).double()
        h = torch.tanh(x @ tensor(rnn.W_xh).T + h @ tensor(rnn.W_hh).T + tensor(rnn.b_h))
        token = (h @ tensor(out.W).T + tensor(out.b)).argmax(-1)
        tokens.append(token)
    return torch.stack(tokens).numpy()


def test_one_to_many_writes_the_likeliest_token_and_reads_it_back():
    distinct = set()
    for seed in range(10):
        rng = np.random.default_rng(seed)
        params = OneToMany(dense_params(rng, 2, 6), rnn_params(rng, 5, 6), dense_params(rng, 6, 5))
        x = rng.normal(size=(4, 2))
        h0 = torch.tanh(readout(DenseParams(*map(tensor, params.start)), tensor(x)))
        tokens = one_to_many_generate(params, x, 2, 9)
        distinct.add(len(np.unique(tokens)))
        assert np.array_equal(tokens, greedy(params.rnn, params.out, h0, 2, 9))
    assert max(distinct) >= 4  # the test would show little if every model wrote one token for ever


def test_encoder_decoder_writes_from_the_last_state_of_the_encoder():
    distinct = set()
    for seed in range(10):
        rng = np.random.default_rng(seed)
        params = EncoderDecoder(rnn_params(rng, 3, 6), rnn_params(rng, 5, 6), dense_params(rng, 6, 5))
        xs, mask = rng.normal(size=(4, 3, 3)), length_mask([4, 2, 1], 4)
        encoder = RNNParams(*map(tensor, params.encoder))
        s0 = torch_rnn(encoder, tensor(xs), torch.zeros(3, 6, dtype=torch.float64), mask)[-1]
        tokens = encoder_decoder_generate(params, xs, 0, 8, mask)
        distinct.add(len(np.unique(tokens)))
        assert np.array_equal(tokens, greedy(params.decoder, params.out, s0, 0, 8))
    assert max(distinct) >= 4


def test_parameter_counts_depend_on_sizes_and_not_on_steps():
    rng, D, H, V = np.random.default_rng(0), 3, 5, 4
    rnn, out = H * D + H * H + H, V * H + V
    assert count(init_readout_rnn(rng, D, H, V)) == rnn + out
    assert count(init_one_to_many(rng, D, H, V)) == (H * D + H) + (H * V + H * H + H) + out
    assert count(init_encoder_decoder(rng, D, H, V)) == rnn + (H * V + H * H + H) + out

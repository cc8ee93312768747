"""The five input/output shapes, each with its loss and hand-written gradients.

    one to one              dense net                      one_to_one_loss
    many to one             read all, then answer          many_to_one_loss
    many to many, aligned   one answer at every step       aligned_loss
    one to many             start from x, then write       one_to_many_loss
    many to many            read all, then write           encoder_decoder_loss

All recurrent ones are the same two parts: a vanilla RNN and a dense read-out of its states.
"""

from typing import NamedTuple

import numpy as np

from course_pkg.dense import DenseParams, dense_backward, dense_forward, init_dense, mlp_backward, mlp_forward
from course_pkg.losses import binary_cross_entropy_with_logits, softmax_cross_entropy
from course_pkg.rnn import RNNParams, init_rnn
from course_pkg.rnn_fast import rnn_backward_fast, rnn_forward_fast
from course_pkg.shapes import Bool, Float, Int, Part, check_arguments, check_choice, check_positive_int, checked

POOLS = ("last", "mean", "max")


class ReadoutRNN(NamedTuple):
    """An RNN and the dense layer that reads its states: W is W_hy (V, H)."""

    rnn: RNNParams
    out: Part[DenseParams, "I=H O=V"]


class OneToMany(NamedTuple):
    """h_0 = tanh(start(x)), then an RNN that reads the previous token and predicts the next one."""

    start: Part[DenseParams, "I=D O=H"]
    rnn: Part[RNNParams, "D=V"]  # reads one-hot tokens
    out: Part[DenseParams, "I=H O=V"]


class EncoderDecoder(NamedTuple):
    """The encoder's last state is the decoder's first one."""

    encoder: RNNParams
    decoder: Part[RNNParams, "D=V"]  # reads one-hot tokens
    out: Part[DenseParams, "I=H O=V"]


def init_readout_rnn(
    rng: np.random.Generator, D: int, H: int, V: int, recurrent: str = "orthogonal", dtype: type = np.float64
) -> ReadoutRNN:
    """D inputs, H units, V outputs."""
    return ReadoutRNN(init_rnn(rng, D, H, recurrent, dtype), init_dense(rng, H, V, dtype))


def init_one_to_many(rng: np.random.Generator, D: int, H: int, V: int) -> OneToMany:
    """x has D entries; tokens are 0..V-1."""
    return OneToMany(init_dense(rng, D, H), init_rnn(rng, V, H), init_dense(rng, H, V))


def init_encoder_decoder(rng: np.random.Generator, D: int, H: int, V: int) -> EncoderDecoder:
    """The encoder reads D numbers a step; the decoder writes tokens 0..V-1."""
    return EncoderDecoder(init_rnn(rng, D, H), init_rnn(rng, V, H), init_dense(rng, H, V))


def one_to_one_loss(
    layers: tuple[DenseParams, ...], x: np.ndarray, targets: np.ndarray, activation: str = "tanh"
) -> tuple[float, tuple[DenseParams, ...]]:
    """A dense net with cross-entropy: x (B, I), targets (B,) -> loss, gradients."""
    outputs = mlp_forward(layers, x, activation)
    loss, dlogits = softmax_cross_entropy(outputs[-1], targets)
    return loss, mlp_backward(layers, outputs, dlogits, activation)[0]


# ---- many to one -------------------------------------------------------------------------------------------------


@checked
def pool_states(hs: Float["T+1 B H"], mask: Bool["T B"] | None, pool: str) -> np.ndarray:
    """(pool)  hs: (T+1, B, H) -> (B, H): the last state, or the mean or the maximum over the real steps."""
    check_choice("pool_states", "pool", pool, POOLS)
    _check_lengths("pool_states", mask)
    if pool == "last":
        return hs[-1]  # padded steps carry the state over, so this is the state after the last real step
    if pool == "mean":
        return hs[1:].mean(axis=0) if mask is None else (hs[1:] * mask[..., None]).sum(axis=0) / mask.sum(0)[:, None]
    return hs[1:].max(axis=0) if mask is None else np.where(mask[..., None], hs[1:], -np.inf).max(axis=0)


def pool_states_backward(hs: np.ndarray, mask: np.ndarray | None, pool: str, dpooled: np.ndarray) -> np.ndarray:
    """(pool-grad)  dpooled: (B, H) -> dhs: (T, B, H), what each state receives directly."""
    dhs = np.zeros_like(hs[1:])
    real = np.ones(hs.shape[:2], bool)[1:] if mask is None else mask  # (T, B)
    if pool == "last":
        dhs[-1] = dpooled
    elif pool == "mean":
        dhs += real[..., None] * (dpooled / real.sum(axis=0)[:, None])
    else:
        winner = np.where(real[..., None], hs[1:], -np.inf).argmax(axis=0)  # (B, H): the step of each maximum
        np.put_along_axis(dhs, winner[None], dpooled[None], axis=0)
    return dhs


@checked
def many_to_one_logits(
    params: ReadoutRNN, xs: Float["T B D"], mask: Bool["T B"] | None = None, pool: str = "last"
) -> np.ndarray:
    """(many-to-one)  xs: (T, B, D) -> logits: (B, V), read from the pooled states."""
    check_choice("many_to_one_logits", "pool", pool, POOLS)
    _check_lengths("many_to_one_logits", mask)
    return dense_forward(params.out, pool_states(rnn_forward_fast(params.rnn, xs, None, mask), mask, pool))


@checked
def many_to_one_loss(
    params: ReadoutRNN,
    xs: Float["T B D"],
    targets: np.ndarray,
    mask: Bool["T B"] | None = None,
    pool: str = "last",
) -> tuple[float, ReadoutRNN]:
    """xs: (T, B, D) -> loss, gradients. targets (B,): integers for a softmax over V classes, or floats in [0, 1]
    for a sigmoid when V = 1."""
    check_choice("many_to_one_loss", "pool", pool, POOLS)
    _check_lengths("many_to_one_loss", mask)
    if len(params.out.b) == 1 and isinstance(targets, np.ndarray) and targets.dtype.kind in "iu":
        raise TypeError("many_to_one_loss: targets must be floats in [0, 1] with V=1 (from params.out.W), "
                        f"got dtype {targets.dtype}; use targets.astype(float)")  # fmt: skip
    binary = len(params.out.b) == 1 and isinstance(targets, np.ndarray) and targets.dtype.kind == "f"
    wanted = Float["B"] if binary else Int["B"]
    check_arguments("many_to_one_loss", ("xs", xs, Float["T B D"]), ("targets", targets, wanted))
    hs = rnn_forward_fast(params.rnn, xs, None, mask)  # (T+1, B, H)
    pooled = pool_states(hs, mask, pool)  # (B, H)
    logits = dense_forward(params.out, pooled)  # (B, V)
    if binary:
        loss, dlogits = binary_cross_entropy_with_logits(logits[:, 0], targets)
        dlogits = dlogits[:, None]  # (B, 1)
    else:
        loss, dlogits = softmax_cross_entropy(logits, targets)
    dout, dpooled = dense_backward(params.out, pooled, dlogits)
    drnn, _, _ = rnn_backward_fast(params.rnn, xs, hs, pool_states_backward(hs, mask, pool, dpooled), mask)
    return loss, ReadoutRNN(drnn, dout)


# ---- many to many, aligned ---------------------------------------------------------------------------------------


@checked
def aligned_logits(
    params: ReadoutRNN, xs: Float["T B D"], mask: Bool["T B"] | None = None, h0: Float["B H"] | None = None
) -> np.ndarray:
    """(aligned)  xs: (T, B, D) -> logits: (T, B, V), one row for every step."""
    return dense_forward(params.out, rnn_forward_fast(params.rnn, xs, h0, mask)[1:])


@checked
def aligned_loss(
    params: ReadoutRNN,
    xs: Float["T B D"],
    targets: Int["T B"],
    mask: Bool["T B"] | None = None,
    h0: Float["B H"] | None = None,
) -> tuple[float, ReadoutRNN]:
    """xs: (T, B, D), targets: (T, B) -> loss (mean over real steps), gradients."""
    loss, drnn, dout, _ = _read_steps(params.rnn, params.out, xs, h0, targets, mask)
    return loss, ReadoutRNN(drnn, dout)


def _read_steps(rnn: RNNParams, out: DenseParams, xs, h0, targets, mask) -> tuple:  # noqa: ANN001 (as aligned_loss)
    """Run, read every step out, go back: -> loss, drnn, dout, dh0. What the last three shapes share."""
    hs = rnn_forward_fast(rnn, xs, h0, mask)  # (T+1, B, H)
    loss, dlogits = softmax_cross_entropy(dense_forward(out, hs[1:]), targets, mask)
    dout, dhs = dense_backward(out, hs[1:], dlogits)
    drnn, _, dh0 = rnn_backward_fast(rnn, xs, hs, dhs, mask)
    return loss, drnn, dout, dh0


# ---- one to many, and many to many with an encoder and a decoder -------------------------------------------------


@checked
def one_to_many_loss(
    params: OneToMany, x: Float["B D"], inputs: Float["T B V"], targets: Int["T B"], mask: Bool["T B"] | None = None
) -> tuple[float, OneToMany]:
    """(one-to-many)  x: (B, D); inputs: (T, B, V), one-hot, the token before each target; targets: (T, B)
    -> loss, gradients. Feeding the right previous token is called teacher forcing."""
    h0 = np.tanh(dense_forward(params.start, x))  # (B, H)
    loss, drnn, dout, dh0 = _read_steps(params.rnn, params.out, inputs, h0, targets, mask)
    dstart, _ = dense_backward(params.start, x, dh0 * (1 - h0**2))
    return loss, OneToMany(dstart, drnn, dout)


@checked
def one_to_many_generate(params: OneToMany, x: Float["B D"], first: int, steps: int) -> np.ndarray:
    """Greedy writing: x (B, D), the token to start from -> tokens (steps, B), each fed back as the next input."""
    check_positive_int("one_to_many_generate", "steps", steps)
    return _write(params.rnn, params.out, np.tanh(dense_forward(params.start, x)), first, steps)


@checked
def encoder_decoder_loss(
    params: EncoderDecoder,
    xs: Float["T B D"],
    inputs: Float["N B V"],
    targets: Int["N B"],
    mask: Bool["T B"] | None = None,
    target_mask: Bool["N B"] | None = None,
) -> tuple[float, EncoderDecoder]:
    """(encoder-decoder)  xs: (T, B, D) read; targets: (N, B) written, inputs: (N, B, V) their one-hot predecessors
    -> loss, gradients. T and N are free of each other."""
    _check_lengths("encoder_decoder_loss", mask)
    hs = rnn_forward_fast(params.encoder, xs, None, mask)  # (T+1, B, H)
    loss, ddecoder, dout, ds0 = _read_steps(params.decoder, params.out, inputs, hs[-1], targets, target_mask)
    dhs = np.zeros_like(hs[1:])
    dhs[-1] = ds0  # all that the decoder tells the encoder goes through its last state
    dencoder, _, _ = rnn_backward_fast(params.encoder, xs, hs, dhs, mask)
    return loss, EncoderDecoder(dencoder, ddecoder, dout)


@checked
def encoder_decoder_generate(
    params: EncoderDecoder, xs: Float["T B D"], first: int, steps: int, mask: Bool["T B"] | None = None
) -> np.ndarray:
    """Greedy writing: xs (T, B, D), the token to start from -> tokens (steps, B)."""
    check_positive_int("encoder_decoder_generate", "steps", steps)
    _check_lengths("encoder_decoder_generate", mask)
    s0 = rnn_forward_fast(params.encoder, xs, None, mask)[-1]
    return _write(params.decoder, params.out, s0, first, steps)


def _write(rnn: RNNParams, out: DenseParams, h: np.ndarray, first: int, steps: int) -> np.ndarray:
    V, B = len(out.b), len(h)
    check_choice("generate", "first", first, range(V))
    tokens, token = [], np.full(B, first)
    for _ in range(steps):
        x = np.zeros((B, V), h.dtype)
        x[np.arange(B), token] = 1  # one-hot
        h = rnn_forward_fast(rnn, x[None], h)[-1]  # (B, H)
        token = dense_forward(out, h).argmax(axis=-1)
        tokens.append(token)
    return np.stack(tokens)


def _check_lengths(function: str, mask: np.ndarray | None) -> None:
    if mask is not None and not mask.any(axis=0).all():
        empty = np.flatnonzero(~mask.any(axis=0)).tolist()
        raise ValueError(f"{function}: mask must keep at least one step of every sequence, got none for {empty}")

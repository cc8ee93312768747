"""From an image to a sentence: a convolutional encoder, and a recurrent decoder with or without attention.

    image (B, R, C, I) -> convolutions -> grid of features (S, B, K), S places, time-first as the states of a sentence

    without attention (Vinyals et al. 2015):   s_0 = tanh(W g + b), g all features side by side, or their mean;
                                               then a language model
    with attention (Xu et al. 2015, soft):     s_0 = tanh(W mean of the grid + b), and before each word a look:
                                               c_i from s_{i-1};  s_i = cell([y_{i-1}; c_i], s_{i-1})

With attention each feature has its place beside it, row and column in [-1, 1]: a sum over the grid has no other way to
say where something stood. Logits come from s_i, with attention from [s_i; c_i].
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from course_pkg.attention import SCORES, Attended, attend, attend_backward, init_attention, score_name
from course_pkg.cells import CELLS, as_state, hidden
from course_pkg.conv2d import ConvParams, conv2d_backward, conv2d_forward, init_conv, max_pool, max_pool_backward
from course_pkg.dense import DenseParams, dense_backward, dense_forward, init_dense
from course_pkg.embedding import embedding_backward, embedding_forward, init_embedding
from course_pkg.losses import log_softmax, softmax_cross_entropy
from course_pkg.shapes import Bool, Float, Int, Part, check_choice, check_positive_int, check_rng, checked
from course_pkg.tree import add, leaves, tree_map, unflatten, zeros_like

POOL = 2  # after every convolution but the last
PLACE = 2  # numbers that say where a feature stands: row and column


class AllFeatures(NamedTuple):
    """In place of the attention's parameters: no looks, and the first state reads all features side by side."""


class MeanFeature(NamedTuple):
    """In place of the attention's parameters: no looks, and the first state reads the mean of the features."""


WITHOUT = {"all features": AllFeatures, "mean feature": MeanFeature}


class Captioner(NamedTuple):
    """All weights. Gradients have this same type."""

    encoder: tuple[ConvParams, ...]
    first: Part[DenseParams, "I=F O=N"]  # from the features to the first state
    embedding: Float["V E"]
    cell: Any
    attention: Any  # of a score; AllFeatures or MeanFeature without attention
    out: Part[DenseParams, "I=M O=V"]


def has_attention(p: Captioner) -> bool:
    """Whether the captioner has attention."""
    return type(p.attention) not in WITHOUT.values()


def init_captioner(
    rng: np.random.Generator,
    V: int,
    image: tuple[int, int, int],
    kernels: tuple[tuple[int, int], ...] = ((16, 3), (32, 3), (48, 1)),
    E: int = 16,
    H: int = 64,
    A: int = 32,
    cell: str = "gru",
    attention: str = "additive",
    dtype: type = np.float64,
) -> Captioner:
    """A captioner of V tokens for images (R, C, I); kernels: (how many, size) for each convolution.

    attention: a name of attention.SCORES; or no looks, and the first state from "all features" or the "mean feature".
    A: units of an additive score.
    """
    check_rng("init_captioner", rng)
    for name, value in (("V", V), ("E", E), ("H", H), ("A", A)):
        check_positive_int("init_captioner", name, value)
    check_choice("init_captioner", "cell", cell, CELLS)
    R, C, channels, encoder = *image, []
    for n_out, size in kernels:
        encoder.append(init_conv(rng, channels, n_out, size))
        channels = n_out
    shrink = POOL ** (len(kernels) - 1)
    if R % shrink or C % shrink:
        raise ValueError(f"init_captioner: image must have sides that {shrink} divides (from kernels), got {R} x {C}")
    K = channels + PLACE
    check_choice("init_captioner", "attention", attention, (*SCORES, *WITHOUT))
    if attention in SCORES:
        n_in, n_cell, n_out, p_score = K, E + K, H + K, init_attention(rng, attention, H, K, A)
    else:
        n_in = R * C // shrink**2 * channels if attention == "all features" else K
        n_cell, n_out, p_score = E, H, WITHOUT[attention]()
    p_cell = CELLS[cell].init(rng, n_cell, H)
    first = init_dense(rng, n_in, H * len(leaves(CELLS[cell].initial_state(p_cell, 1))))
    p = Captioner(tuple(encoder), first, init_embedding(rng, V, E), p_cell, p_score, init_dense(rng, n_out, V))
    return tree_map(lambda w: w.astype(dtype), p)


# ---- the encoder -------------------------------------------------------------------------------------------------


class Grid(NamedTuple):
    """The features of an image, and what the backward pass needs."""

    keys: np.ndarray  # (S, B, K + 2): the places of the grid row by row, each feature with its place beside it
    shape: tuple[int, int]  # rows and columns of the grid
    inputs: list[np.ndarray]  # of each convolution
    outputs: list[np.ndarray]  # of each convolution, after ReLU


def encode_image(encoder: tuple[ConvParams, ...], images: np.ndarray) -> Grid:
    """(image-grid)  images: (B, R, C, I) -> features (S, B, K + 2): convolution and ReLU, pooled by 2 but the last."""
    x, inputs, outputs = images, [], []
    for k, p in enumerate(encoder):
        inputs.append(x if k == 0 else max_pool(outputs[-1], POOL))  # (B, R/2, C/2, channels)
        x = inputs[-1]
        outputs.append(np.maximum(conv2d_forward(p, x), 0))  # (B, R, C, channels)
    B, R, C, K = outputs[-1].shape
    features = outputs[-1].reshape(B, R * C, K).swapaxes(0, 1)  # (S, B, K)
    places = np.broadcast_to(grid_places(R, C)[:, None], (R * C, B, PLACE)).astype(features.dtype)
    return Grid(np.concatenate([features, places], axis=-1), (R, C), inputs, outputs)


def encode_image_backward(encoder: tuple[ConvParams, ...], grid: Grid, dkeys: np.ndarray) -> tuple:
    """dkeys: (S, B, K + 2) -> gradients of the encoder, and of the images (B, R, C, I)."""
    dy = dkeys[..., :-PLACE].swapaxes(0, 1).reshape(grid.outputs[-1].shape)  # (B, R, C, K); places learn nothing
    grads = []
    for k in reversed(range(len(encoder))):
        dp, dx = conv2d_backward(encoder[k], grid.inputs[k], dy * (grid.outputs[k] > 0))
        grads.append(dp)
        if k:
            dy = max_pool_backward(grid.outputs[k - 1], grid.inputs[k], dx, POOL)
    return tuple(reversed(grads)), dx


def grid_places(R: int, C: int) -> np.ndarray:
    """Row and column of each place of a grid (R, C), from -1 to 1, row by row: (R C, 2)."""
    rows, columns = np.meshgrid(np.linspace(-1, 1, R), np.linspace(-1, 1, C), indexing="ij")
    return np.stack([rows.ravel(), columns.ravel()], axis=-1)


# ---- the first state ---------------------------------------------------------------------------------------------


def first_state(p: Captioner, keys: np.ndarray, cell: str = "gru") -> Any:
    """(image-state) (image-mean-state)  keys: (S, B, K + 2) -> the state (B, H) with which the decoder begins."""
    values = np.tanh(dense_forward(p.first, _summary(p, keys)))  # (B, H), (B, 2H) for a cell with two arrays
    like = CELLS[cell].initial_state(p.cell, keys.shape[1])
    parts = iter(np.split(values, len(leaves(like)), axis=-1))
    return tree_map(lambda _: next(parts), like)


def first_state_backward(p: Captioner, keys: np.ndarray, state: Any, dstate: Any) -> tuple[DenseParams, np.ndarray]:
    """dstate: gradient of the first state, arrays (B, H) -> gradients of p.first and of the keys
    (S, B, K + 2)."""
    values, dvalues = (np.concatenate([a for _, a in leaves(s)], axis=-1) for s in (state, dstate))
    dfirst, dsummary = dense_backward(p.first, _summary(p, keys), dvalues * (1 - values**2))
    dkeys = np.zeros_like(keys, dtype=dsummary.dtype)
    if isinstance(p.attention, AllFeatures):
        S, B, K = keys.shape
        dkeys[..., :-PLACE] = dsummary.reshape(B, S, K - PLACE).swapaxes(0, 1)
    else:
        dkeys += dsummary / len(keys)
    return dfirst, dkeys


def _summary(p: Captioner, keys: np.ndarray) -> np.ndarray:
    """keys: (S, B, K + 2) -> what the first state reads: all features (B, S K), or their mean (B, K + 2)."""
    if isinstance(p.attention, AllFeatures):
        return keys[..., :-PLACE].swapaxes(0, 1).reshape(keys.shape[1], -1)
    return keys.mean(axis=0)


# ---- a caption whose words are known -----------------------------------------------------------------------------


class CaptionRun(NamedTuple):
    """Captions that were read: the logits, the gaze, and what the backward pass needs."""

    logits: np.ndarray  # (T, B, V)
    weights: np.ndarray | None  # (T, B, S): where the decoder looked before each word; None without attention
    grid: Grid
    states: list  # T+1
    xs: list[np.ndarray]  # T times (B, E) or (B, E + K + 2): what the cell read
    reads: np.ndarray  # (T, B, H) or (T, B, H + K + 2): what the logits read
    looks: list[Attended]


@checked(through=True)
def captioner_forward(
    p: Captioner, images: Float["B R C I"], inputs: Int["T B"], cell: str = "gru"
) -> CaptionRun:
    """(captioner)  images: (B, R, C, I), inputs: (T, B), the words so far (teacher forcing) -> logits (T, B, V)."""
    grid = encode_image(p.encoder, images)
    projected = SCORES[score_name(p.attention)].project(p.attention, grid.keys) if has_attention(p) else None
    states, xs, reads, seen = [first_state(p, grid.keys, cell)], [], [], []
    for x in embedding_forward(p.embedding, inputs):  # (B, E)
        state, read, looked = _word(p, x, states[-1], grid.keys, cell, projected)
        states.append(state)
        xs.append(x if looked is None else np.concatenate([x, looked.context], axis=-1))
        reads.append(read)
        seen.append(looked)
    reads = np.stack(reads)
    weights = np.stack([looked.weights for looked in seen]) if has_attention(p) else None
    return CaptionRun(dense_forward(p.out, reads), weights, grid, states, xs, reads, seen)


def _word(
    p: Captioner, x: np.ndarray, state: Any, keys: np.ndarray, cell: str, projected: np.ndarray | None = None
) -> tuple:
    """One step: x (B, E), keys (S, B, K + 2) -> the new state, what the logits read (B, ...), and the look."""
    if not has_attention(p):
        state = CELLS[cell].step(p.cell, x, state)
        return state, hidden(state), None
    looked = attend(score_name(p.attention), p.attention, hidden(state), keys, projected=projected)
    state = CELLS[cell].step(p.cell, np.concatenate([x, looked.context], axis=-1), state)
    return state, np.concatenate([hidden(state), looked.context], axis=-1), looked  # (B, H + K + 2)


def captioner_backward(
    p: Captioner, inputs: np.ndarray, run: CaptionRun, dlogits: np.ndarray, cell: str = "gru"
) -> tuple[Captioner, np.ndarray]:
    """(captioner-grad)  dlogits: (T, B, V) -> gradients like p, and dimages (B, R, C, I)."""
    keys, E, H = run.grid.keys, p.embedding.shape[1], hidden(run.states[0]).shape[-1]
    name = score_name(p.attention) if has_attention(p) else None
    dout, dreads = dense_backward(p.out, run.reads, dlogits)
    dcell, dscore, dkeys = zeros_like(p.cell), zeros_like(p.attention), np.zeros_like(keys, dtype=dreads.dtype)
    drows, dstate = np.empty((*inputs.shape, E), dreads.dtype), zeros_like(run.states[-1])
    for t in reversed(range(len(inputs))):
        dstate = add(dstate, as_state(dreads[t, :, :H], dstate))
        state, after = run.states[t : t + 2]
        dp, dx, dstate = CELLS[cell].step_backward(p.cell, run.xs[t], state, after, dstate)
        dcell, drows[t] = add(dcell, dp), dx[:, :E]
        if run.looks[t] is not None:
            dcontext = dx[:, E:] + dreads[t, :, H:]  # (B, K + 2): the cell and the logits read it
            dp, dquery, dk = attend_backward(name, p.attention, hidden(state), keys, run.looks[t], dcontext)
            dscore, dkeys = add(dscore, dp), dkeys + dk
            dstate = add(dstate, as_state(dquery, dstate))
    dfirst, dk = first_state_backward(p, keys, run.states[0], dstate)
    dencoder, dimages = encode_image_backward(p.encoder, run.grid, dkeys + dk)
    demb = embedding_backward(p.embedding, inputs, drows)
    return Captioner(dencoder, dfirst, demb, dcell, dscore, dout), dimages


@checked(through=True)
def captioner_loss(
    p: Captioner,
    images: Float["B R C I"],
    inputs: Int["T B"],
    targets: Int["T B"],
    mask: Bool["T B"] | None = None,
    cell: str = "gru",
) -> tuple[float, Captioner]:
    """(captioner-loss)  inputs and targets: (T, B), the words before and after -> nats a word, and its gradients."""
    run = captioner_forward(p, images, inputs, cell)
    loss, dlogits = softmax_cross_entropy(run.logits, targets, mask)
    return loss, captioner_backward(p, inputs, run, dlogits, cell)[0]


# ---- a caption to be found ---------------------------------------------------------------------------------------


class CaptionState(NamedTuple):
    """What a search carries: every array has the captions on axis 0."""

    state: Any  # arrays (B, H)
    keys: np.ndarray  # (B, S, K + 2)
    weights: np.ndarray  # (B, S): the last look; zeros before the first word and without attention


def start_caption(p: Captioner, images: np.ndarray, cell: str = "gru") -> CaptionState:
    """images: (B, R, C, I) -> the state with which a search begins: arrays (B, ...)."""
    keys = encode_image(p.encoder, images).keys
    return CaptionState(first_state(p, keys, cell), keys.swapaxes(0, 1), np.zeros(keys.shape[1::-1], keys.dtype))


def caption_step(
    p: Captioner, state: CaptionState, y_prev: np.ndarray, cell: str = "gru"
) -> tuple[np.ndarray, CaptionState]:
    """y_prev: (B,), the last word of each caption -> log-probabilities (B, V), and the state."""
    x = embedding_forward(p.embedding, y_prev)  # (B, E)
    new, read, looked = _word(p, x, state.state, state.keys.swapaxes(0, 1), cell)
    weights = state.weights if looked is None else looked.weights
    return log_softmax(dense_forward(p.out, read)), CaptionState(new, state.keys, weights)


# ---- weights in a file -------------------------------------------------------------------------------------------

FORMAT = 1  # of the file; a reader refuses what it does not know


def save_captioner(
    path: str | Path, p: Captioner, tokens: tuple[str, ...], image: tuple[int, int, int], cell: str = "gru"
) -> None:
    """Write the weights as float16, with the tokens, the size of the images (R, C, I) and the name of the cell."""
    if len(tokens) != len(p.embedding):
        raise ValueError(f"save_captioner: tokens must be {len(p.embedding)} (from p.embedding), got {len(tokens)}")
    about = {"format": np.array(FORMAT), "cell": np.array(cell), "tokens": np.array(tokens), "image": np.array(image)}
    without = {cls: name for name, cls in WITHOUT.items()}
    about["score"] = np.array(without.get(type(p.attention)) or score_name(p.attention))
    np.savez_compressed(path, **about, **{name: w.astype(np.float16) for name, w in leaves(p)})


def load_captioner(path: str | Path, dtype: type = np.float64) -> tuple[Captioner, tuple[str, ...], str]:
    """-> the captioner in `dtype`, its tokens, the name of its cell. A ValueError says what does not fit."""
    with np.load(path, allow_pickle=False) as file:
        found = {name: file[name] for name in file.files}
    if found.pop("format", np.array(None)).item() != FORMAT:
        raise ValueError(f"load_captioner: {Path(path).name} must have format {FORMAT}")
    tokens, cell, score = (found.pop(name).tolist() for name in ("tokens", "cell", "score"))
    image = tuple(found.pop("image").tolist())
    kernels = sum(name.startswith("encoder.") and name.endswith(".W") for name in found)
    shapes = [found[f"encoder.{k}.W"].shape for k in range(kernels)]
    (V, E), A = found["embedding"].shape, found["attention.v"].shape[0] if "attention.v" in found else 1
    H = found["out.W"].shape[1] - (shapes[-1][0] + PLACE if score in SCORES else 0)
    like = init_captioner(np.random.default_rng(0), V, image, tuple((s[0], s[2]) for s in shapes), E, H, A, cell,
                          score)  # fmt: skip
    wanted = {name: w.shape for name, w in leaves(like)}
    if wanted != {name: w.shape for name, w in found.items()} or len(tokens) != V:
        raise ValueError(f"load_captioner: {Path(path).name} must hold the arrays of one captioner, they do not fit")
    if not all(np.isfinite(w).all() for w in found.values()):
        raise ValueError(f"load_captioner: {Path(path).name} must hold finite weights, got nan or inf")
    return unflatten(np.concatenate([found[name].astype(dtype).ravel() for name in wanted]), like), tuple(tokens), cell

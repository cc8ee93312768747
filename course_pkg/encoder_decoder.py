"""Encoder and decoder: one network reads a sequence, another writes one (Sutskever et al. 2014; Cho et al. 2014).

    source tokens -> table -> encoder, one or two directions -> states h_1 ... h_S, and a first state s_0
    s_i = cell(y_{i-1}, s_{i-1})                     the decoder has s_0 alone, as in Sutskever et al. (2014)
    s_i = cell([y_{i-1}; C], s_{i-1})                "summary": the encoder's last state C at every step, Cho et al.
    s_i = cell([y_{i-1}; c_i], s_{i-1})              a score: c_i is what s_{i-1} looked at, Bahdanau et al. (2015)
    logits_i = dense(s_i), or dense([s_i; C]), or dense([s_i; c_i])

Tokens are numbers: source (S, B), targets (T, B), which end with END; the decoder reads START and then the targets.
Masks (S, B) and (T, B) are True where a token is real. The cell is any of `cells.CELLS`, by its name.
The decoder is in `decoders.py`; searches use `start` and `step`.
"""

from typing import Any, NamedTuple

import numpy as np

from course_pkg.attention import SCORES, init_attention
from course_pkg.bidirectional import Directions, bidirectional
from course_pkg.cells import CELLS, Cell, Run, hidden, run, run_backward
from course_pkg.decoders import Memory, SummaryParams, decode, decode_backward, decode_step, memory_score
from course_pkg.dense import DenseParams, dense_backward, dense_forward, init_dense
from course_pkg.embedding import embedding_backward, embedding_forward, init_embedding
from course_pkg.losses import log_softmax, softmax_cross_entropy
from course_pkg.shapes import Bool, Float, Int, check_choice, check_positive_int, check_rng, checked
from course_pkg.tree import add, leaves, tree_map, zeros_like

PAD, START, END = 0, 1, 2  # every vocabulary of pairs begins with these tokens


class EncoderDecoder(NamedTuple):
    """All weights. Gradients have this same type."""

    source: Float["V_source D"]  # table
    encoder: Any  # the cell's parameters, or Directions of two
    bridge: tuple  # a DenseParams for each array of the decoder's state; () hands the state over as it is
    target: Float["V_target E"]  # table
    decoder: Any  # the cell's parameters
    attention: Any  # the score's parameters, SummaryParams(), or () for neither
    out: DenseParams  # W (V_target, H) or (V_target, H + K)


class Encoded(NamedTuple):
    """A source that was read."""

    memory: Memory  # what the decoder may look at
    state: Any  # s_0
    joined: Any  # the last state, both directions side by side, before the bridge
    embedded: np.ndarray  # (S, B, D)
    read: Run


class SearchState(NamedTuple):
    """Between two steps of a search. Every array has the batch first, so a search picks rows: tree_map(take, ...)."""

    state: Any  # the decoder's
    keys: np.ndarray  # (B, S, K)
    projected: np.ndarray  # (B, S, ...)
    mask: np.ndarray  # (B, S)
    summary: np.ndarray  # (B, K)
    weights: np.ndarray  # (B, S): where the last step looked; zeros without attention


def init_encoder_decoder(
    rng: np.random.Generator,
    V_source: int,
    V_target: int,
    D: int,
    H: int,
    cell: str = "gru",
    attention: str | None = None,
    two_directions: bool = True,
    bridge: bool = True,
    dtype: type = np.float64,
) -> EncoderDecoder:
    """Tables of D numbers a token, a decoder of H units, an encoder of H units or, in two directions, of H/2 each.

    So a key has K = H numbers. attention: a name in attention.SCORES, "summary", or None. bridge: False hands the
    encoder's last state over as it is, for one direction only.
    """
    check_rng("init_encoder_decoder", rng)
    sizes = (("V_source", V_source), ("V_target", V_target), ("D", D), ("H", H))
    for name, size in sizes:
        check_positive_int("init_encoder_decoder", name, size)
    check_choice("init_encoder_decoder", "attention", attention, (None, "summary", *SCORES))
    if two_directions and (H % 2 or not bridge):
        raise ValueError("init_encoder_decoder: two_directions needs an even H and a bridge, "
                         f"got H={H} and bridge={bridge}")  # fmt: skip
    one = _cell("init_encoder_decoder", cell)
    encoder = bidirectional(one).init(rng, D, H // 2) if two_directions else one.init(rng, D, H)
    K = 0 if attention is None else H
    decoder = one.init(rng, D + K, H)
    arrays = len(leaves(one.initial_state(decoder, 1)))  # h, or h and c
    score = () if attention is None else SummaryParams()
    score = init_attention(rng, attention, H, H) if attention in SCORES else score
    bridges = tuple(init_dense(rng, H, H) for _ in range(arrays)) if bridge else ()
    tables = init_embedding(rng, V_source, D), init_embedding(rng, V_target, D)
    p = EncoderDecoder(tables[0], encoder, bridges, tables[1], decoder, score, init_dense(rng, H + K, V_target))
    return tree_map(lambda w: w.astype(dtype), p)


# ---- reading -----------------------------------------------------------------------------------------------------


@checked
def encode(
    p: EncoderDecoder, source: Int["S B"], source_mask: Bool["S B"] | None = None, cell: str = "gru"
) -> Encoded:
    """(seq2seq-encode)  source: (S, B) -> the states h_j (S, B, K) and the decoder's first state s_0."""
    if source_mask is not None and not source_mask.any(axis=0).all():
        empty = np.flatnonzero(~source_mask.any(axis=0)).tolist()
        raise ValueError(f"encode: source_mask must keep at least one token of every sequence, got none for {empty}")
    embedded = embedding_forward(p.source, source)  # (S, B, D)
    read = run(_encoder_cell(p, cell), p.encoder, embedded, None, source_mask)
    joined = read.last
    if isinstance(joined, Directions):
        joined = tree_map(lambda a, b: np.concatenate([a, b], axis=-1), *joined)  # (B, K) each
    mask = np.ones(source.shape, bool) if source_mask is None else source_mask
    score = memory_score(p.attention)
    projected = read.outputs if score is None else score.project(p.attention, read.outputs)
    memory = Memory(read.outputs, projected, mask, hidden(joined))
    return Encoded(memory, _cross(p.bridge, joined), joined, embedded, read)


@checked
def encode_backward(
    p: EncoderDecoder,
    source: Int["S B"],
    encoded: Encoded,
    dmemory: Memory,
    dstate: Any,
    cell: str = "gru",
) -> EncoderDecoder:
    """(seq2seq-encode-grad)  What the decoder asks of the memory and of s_0 -> gradients; zeros for the decoder's."""
    dbridge, djoined = _cross_backward(p.bridge, encoded.joined, encoded.state, dstate)
    djoined = _as_hidden(djoined, hidden(djoined) + dmemory.summary)
    dkeys, dattention = dmemory.keys, zeros_like(p.attention)
    if (score := memory_score(p.attention)) is not None:
        dattention, dkeys_compared = score.project_backward(p.attention, encoded.memory.keys, dmemory.projected)
        dkeys = dkeys + dkeys_compared
    if isinstance(p.encoder, Directions):
        halves = [np.split(a, 2, axis=-1) for _, a in leaves(djoined)]
        djoined = Directions(*[_like(djoined, [half[i] for half in halves]) for i in (0, 1)])
    mask = encoded.memory.mask
    reader = _encoder_cell(p, cell)
    dencoder, dembedded, _ = run_backward(reader, p.encoder, encoded.embedded, encoded.read, dkeys, djoined, mask)
    dsource = embedding_backward(p.source, source, dembedded)
    return zeros_like(p)._replace(source=dsource, encoder=dencoder, bridge=dbridge, attention=dattention)


def _cross(bridge: tuple, joined: Any) -> Any:
    """(seq2seq-bridge)  The encoder's last state -> the decoder's first: h through tanh, a cell state linearly."""
    if not bridge:
        return joined
    arrays = [dense_forward(w, a) for w, (_, a) in zip(bridge, leaves(joined), strict=True)]
    return _like(joined, [np.tanh(arrays[0]), *arrays[1:]])


def _cross_backward(bridge: tuple, joined: Any, state: Any, dstate: Any) -> tuple[tuple, Any]:
    if not bridge:
        return (), dstate
    dh, *rest = [d for _, d in leaves(dstate)]
    das = [dh * (1 - hidden(state) ** 2), *rest]
    found = [dense_backward(w, a, da) for w, (_, a), da in zip(bridge, leaves(joined), das, strict=True)]
    return tuple(dw for dw, _ in found), _like(joined, [d for _, d in found])


def _like(state: Any, arrays: list) -> Any:
    """A state of the same kind with these arrays."""
    return type(state)(*arrays) if isinstance(state, tuple) else arrays[0]


def _as_hidden(state: Any, h: np.ndarray) -> Any:
    return state._replace(h=h) if hasattr(state, "h") else h


def _cell(function: str, name: str) -> Cell:
    check_choice(function, "cell", name, CELLS)
    return CELLS[name]


def _encoder_cell(p: EncoderDecoder, cell: str) -> Cell:
    one = _cell("encode", cell)
    return bidirectional(one) if isinstance(p.encoder, Directions) else one


# ---- training ----------------------------------------------------------------------------------------------------


@checked
def encoder_decoder_logits(
    p: EncoderDecoder,
    source: Int["S B"],
    source_mask: Bool["S B"] | None,
    inputs: Int["T B"],
    cell: str = "gru",
) -> tuple[np.ndarray, np.ndarray | None]:
    """inputs: (T, B), what the decoder reads -> logits: (T, B, V), weights: (T, B, S) or None."""
    encoded = encode(p, source, source_mask, cell)
    decoded = decode(p, encoded.memory, encoded.state, inputs, _cell("decode", cell))
    return decoded.logits, decoded.weights


def decoder_inputs(targets: np.ndarray) -> np.ndarray:
    """targets: (T, B) -> what the decoder reads under teacher forcing: START, then all targets but the last."""
    return np.concatenate([np.full((1, targets.shape[1]), START), targets[:-1]])


@checked
def encoder_decoder_loss(
    p: EncoderDecoder,
    source: Int["S B"],
    source_mask: Bool["S B"] | None,
    targets: Int["T B"],
    target_mask: Bool["T B"] | None = None,
    cell: str = "gru",
    inputs: Int["T B"] | None = None,
) -> tuple[float, EncoderDecoder]:
    """(conditional-lm)  Mean cross-entropy in nats of the real targets, and all gradients.

    inputs: (T, B), what the decoder reads; None is teacher forcing, the targets one step late. For scheduled
    sampling see scheduled_sampling.py: it makes other inputs, through which no gradient flows.
    """
    inputs = decoder_inputs(targets) if inputs is None else inputs
    encoded = encode(p, source, source_mask, cell)
    decoded = decode(p, encoded.memory, encoded.state, inputs, _cell("decode", cell))
    loss, dlogits = softmax_cross_entropy(decoded.logits, targets, target_mask)
    grads, dmemory, dstate = decode_backward(p, encoded.memory, inputs, decoded, dlogits, _cell("decode", cell))
    read = encode_backward(p, source, encoded, dmemory, dstate, cell)
    shared = add(grads.attention, read.attention)  # the score reads queries and keys
    return loss, grads._replace(source=read.source, encoder=read.encoder, bridge=read.bridge, attention=shared)


# ---- writing -----------------------------------------------------------------------------------------------------


def start(
    p: EncoderDecoder, source: np.ndarray, source_mask: np.ndarray | None = None, cell: str = "gru"
) -> SearchState:
    """source: (S, B) -> the state of a search before its first step; the first token to read is START."""
    memory, state = encode(p, source, source_mask, cell)[:2]
    keys, projected, mask = (a.swapaxes(0, 1) for a in memory[:3])  # the batch first
    return SearchState(state, keys, projected, mask, memory.summary, np.zeros(mask.shape, keys.dtype))


def step(
    p: EncoderDecoder, state: SearchState, y_prev: np.ndarray, cell: str = "gru"
) -> tuple[np.ndarray, SearchState]:
    """y_prev: (B,), the token before -> log-probabilities of the next: (B, V), and the state with its weights."""
    keys, projected, mask = (a.swapaxes(0, 1) for a in state[1:4])  # time first
    memory = Memory(keys, projected, mask, state.summary)
    logits, new, weights = decode_step(p, memory, state.state, np.asarray(y_prev), _cell("step", cell))
    weights = state.weights if weights is None else weights
    return log_softmax(logits), state._replace(state=new, weights=weights)


class Written(NamedTuple):
    """What a greedy decoder wrote."""

    tokens: np.ndarray  # (T, B), END and PAD after it
    log_probs: np.ndarray  # (B,), of all tokens up to END
    weights: np.ndarray  # (T, B, S)


def write_greedily(
    p: EncoderDecoder,
    source: np.ndarray,
    source_mask: np.ndarray | None = None,
    max_steps: int = 50,
    cell: str = "gru",
) -> Written:
    """source: (S, B) -> at each step the likeliest token, read at the next, until END stands in every row."""
    check_positive_int("write_greedily", "max_steps", max_steps)
    state, B = start(p, source, source_mask, cell), source.shape[1]
    token, done, total = np.full(B, START), np.zeros(B, bool), np.zeros(B)
    tokens, weights = [], []
    while len(tokens) < max_steps and not done.all():
        log_probs, state = step(p, state, token, cell)
        token = np.where(done, PAD, log_probs.argmax(axis=-1))  # (B,)
        total += np.where(done, 0, log_probs[np.arange(B), token])
        tokens.append(token)
        weights.append(state.weights)
        done = done | (token == END)
    return Written(np.stack(tokens), total, np.stack(weights))

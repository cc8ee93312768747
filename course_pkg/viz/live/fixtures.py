"""Fixtures: numbers from the package that the scripts of the page must reproduce.

python -m course_pkg.viz.live.fixtures                  write the fixtures of all live figures
python -m course_pkg.viz.live.fixtures unrolling lstm   of these
python -m course_pkg.viz.live.fixtures --print          print what `node --test` needs: operations and figures
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from course_pkg.attention import SCORES, attend
from course_pkg.causal_conv import causal_conv
from course_pkg.conv2d import ConvParams, conv2d_forward
from course_pkg.decoding import beam_search
from course_pkg.dense import DenseParams, dense_forward, sigmoid
from course_pkg.encoder_decoder import START, init_encoder_decoder, start
from course_pkg.encoder_decoder import step as decoder_step
from course_pkg.gru import gru_step, init_gru
from course_pkg.losses import log_softmax, softmax
from course_pkg.lstm import LSTMState, init_lstm, lstm_gates, lstm_step
from course_pkg.rnn import init_rnn, rnn_step
from course_pkg.tree import leaves, tree_map
from course_pkg.viz.live.figure import ROOT, load, names, plain

FOLDER = ROOT / "book" / "site" / "live" / "fixtures"
KEEPS = "numbers that the package computed; written by python -m course_pkg.viz.live.fixtures"


def write(name: str, folder: Path = FOLDER) -> Path:
    """Write the fixture of one figure: the hash of its weights and its numbers, to nine digits, in every case."""
    path = folder / f"{name}.json"
    kept = {"about": KEEPS, **_short(load(name).fixture())}
    path.write_text(json.dumps(kept, separators=(",", ":"), allow_nan=False) + "\n", encoding="utf8")
    return path


def _short(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: _short(inner) for key, inner in value.items()}
    return [_short(inner) for inner in value] if isinstance(value, list) else value


def pages_view(name: str) -> dict[str, Any]:
    """What the page has of a figure, its data and packed weights, and the package's numbers in every case."""
    made = load(name)
    return {"name": name, "data": plain(dict(made.data)), "packed": made.packed(), **made.fixture()}


def core_cases(seed: int = 0, runs: int = 5, T: int = 40) -> list[dict[str, Any]]:
    """For each operation of core.js: inputs, and what the package makes of them. Sequences have T steps."""
    rng = np.random.default_rng(seed)
    cases: list[dict[str, Any]] = []
    for _ in range(runs):
        D, H = (int(n) for n in rng.integers(1, 12, 2))
        x, W, b = rng.normal(size=D), rng.normal(size=(H, D)), rng.normal(size=H)
        cases.append(_case("affine", {"W": W, "x": x, "b": b}, dense_forward(DenseParams(W, b), x)))
        z = 30 * rng.normal(size=H)
        cases.append(_case("sigmoid", {"z": z}, sigmoid(z)))
        cases.append(_case("softmax", {"z": z}, softmax(z)))
        cases.append(_case("logSoftmax", {"z": z}, log_softmax(z)))
        cases += [_rnn(rng, D, H, T), _lstm(rng, D, H, T), _gru(rng, D, H, T)]
        cases += [*_attention(rng, 3 + D), *_convolutions(rng, D, H), *_searches(rng), _translation(rng, D)]
    return cases


def _case(what: str, inputs: dict[str, Any], wanted: Any) -> dict[str, Any]:
    return {"what": what, "inputs": plain(inputs), "wanted": plain(wanted)}


def _rounded(p: Any) -> Any:
    """Weights as the page has them: float32."""
    return p if not p else type(p)(*(w.astype(np.float32).astype(np.float64) for w in p))


def _sequence(rng: np.random.Generator, T: int, D: int) -> np.ndarray:
    return rng.normal(size=(T, 1, D)).astype(np.float32).astype(np.float64)


def _rnn(rng: np.random.Generator, D: int, H: int, T: int) -> dict[str, Any]:
    p, xs, h = _rounded(init_rnn(rng, D, H)), _sequence(rng, T, D), np.zeros((1, H))
    hs = []
    for x in xs:
        h = rnn_step(p, x, h)
        hs.append(h[0])
    return _case("rnnStep", {"p": p._asdict(), "xs": xs[:, 0]}, {"hs": hs})


def _lstm(rng: np.random.Generator, D: int, H: int, T: int) -> dict[str, Any]:
    p, xs = _rounded(init_lstm(rng, D, H)), _sequence(rng, T, D)
    state, hs, cs, gates = LSTMState(np.zeros((1, H)), np.zeros((1, H))), [], [], []
    for x in xs:
        gates.append([g[0] for g in lstm_gates(p, x, state.h)])
        state = lstm_step(p, x, state)
        hs.append(state.h[0])
        cs.append(state.c[0])
    return _case("lstmStep", {"p": p._asdict(), "xs": xs[:, 0]}, {"hs": hs, "cs": cs, "gates": gates})


def _gru(rng: np.random.Generator, D: int, H: int, T: int) -> dict[str, Any]:
    p, xs, h = _rounded(init_gru(rng, D, H)), _sequence(rng, T, D), np.zeros((1, H))
    hs = []
    for x in xs:
        h = gru_step(p, x, h)
        hs.append(h[0])
    return _case("gruStep", {"p": p._asdict(), "xs": xs[:, 0]}, {"hs": hs})


def _attention(rng: np.random.Generator, S: int) -> list[dict[str, Any]]:
    """The four scores, S keys of which the last is padding."""
    cases, mask = [], np.arange(S)[:, None] < S - 1
    for score in ("additive", "dot", "general", "scaled dot"):
        p = _rounded(SCORES[score].init(rng, 4, 4, 6))
        query, keys = rng.normal(size=(1, 4)), _sequence(rng, S, 4)
        seen = attend(score, p, query, keys, mask)
        inputs = {"score": score, "p": p._asdict(), "query": query[0], "keys": keys[:, 0], "mask": mask[:, 0]}
        cases.append(_case("attend", inputs, {"weights": seen.weights[0], "context": seen.context[0]}))
    return cases


def _translation(rng: np.random.Generator, S: int) -> dict[str, Any]:
    """An untrained encoder-decoder reads S tokens and is made to write six."""
    p = init_encoder_decoder(rng, 9, 7, 5, 8, attention="additive")
    p = tree_map(lambda w: (2 * w).astype(np.float32).astype(np.float64), p)
    source, written = rng.integers(3, 9, S), [START, *rng.integers(2, 7, 5).tolist()]
    state, log_probs, weights = start(p, source[:, None]), [], []
    for token in written:
        found, state = decoder_step(p, state, np.array([token]))
        log_probs.append(found[0])
        weights.append(state.weights[0])
    inputs = {"p": dict(leaves(p)), "source": source, "written": written}
    return _case("decodeStep", inputs, {"logProbs": log_probs, "weights": weights})


def _convolutions(rng: np.random.Generator, n_in: int, n_out: int) -> list[dict[str, Any]]:
    cases = []
    for dilation in (1, 2, 4):
        W, b, xs = rng.normal(size=(3, n_out, n_in)), rng.normal(size=n_out), _sequence(rng, 9, n_in)
        wanted = causal_conv(W, b, xs, dilation)[:, 0]
        cases.append(_case("causalConv", {"W": W, "b": b, "xs": xs[:, 0], "dilation": dilation}, wanted))
    for padding in ("same", "valid"):
        p = ConvParams(rng.normal(size=(n_out, n_in, 3, 3)), rng.normal(size=n_out))
        x = rng.normal(size=(1, 6, 5, n_in))
        wanted = conv2d_forward(p, x, padding)[0].ravel()
        cases.append(_case("conv2d", {"W": p.W, "b": p.b, "x": x[0], "padding": padding}, wanted))
    return cases


def _searches(rng: np.random.Generator, V: int = 5, longest: int = 6) -> list[dict[str, Any]]:
    """Beam search in a random table logProbs[depth][token before][token]; token 0 ends."""
    table = log_softmax(2.0 * rng.normal(size=(longest, V, V)))
    cases = []
    for width, normalise in ((1, "none"), (2, "mean"), (3, 0.7), (4, "none")):

        def step(state: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return table[state, last], state + 1

        asked = {"n_best": 2, "normalise": normalise, "show": 2}
        found = beam_search(step, np.zeros(1, int), np.array([1]), 0, longest, width, **asked)
        outcome = {"tokens": "tokens", "log_prob": "logProb", "score": "score", "finished": "finished"}
        best = [_named(h, **outcome) for h in found.best[0]]
        kept = {"parent": "parent", "length": "length", "token": "token", "log_prob": "logProb", "kept": "kept"}
        nodes = [_named(n, **kept, finished="finished") for n in found.nodes]
        inputs = {"logProbs": table, "first": 1, "eos": 0, "maxLength": longest, "width": width, "nBest": 2}
        inputs |= {"normalise": normalise, "show": 2}
        cases.append(_case("beamSearch", inputs, {"best": best, "nodes": nodes}))
    return cases


def _named(thing: Any, **names: str) -> dict[str, Any]:
    """Attributes under the names that core.js gives them."""
    return {theirs: getattr(thing, ours) for ours, theirs in names.items()}


def main(arguments: list[str]) -> None:
    """Write or print what the arguments name."""
    if arguments == ["--print"]:
        print(json.dumps({"core": core_cases(), "figures": [pages_view(name) for name in names()]}, allow_nan=False))
        return
    for name in arguments or names():
        print(write(name).relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1:])

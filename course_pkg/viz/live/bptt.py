"""Chapter 4's network before training: the gradient walks back, and every step hands in its share."""

from __future__ import annotations

import numpy as np

from course_pkg.data.sentences import WORDS, encode_words
from course_pkg.dense import dense_forward, sigmoid
from course_pkg.losses import binary_cross_entropy_with_logits
from course_pkg.rnn import rnn_forward, rnn_step_backward
from course_pkg.sequence_models import init_readout_rnn
from course_pkg.tree import add, zeros_like
from course_pkg.viz.live.figure import LiveFigure, shipped

SENTENCES = (("This is not good news", 0), ("This is good news", 1), ("That was not awful", 1))
H = 8


def figure() -> LiveFigure:
    """Walk the gradient back; see what each step receives, and what it contributes to the weights."""
    model, weights = shipped(init_readout_rnn(np.random.default_rng(0), len(WORDS), H, 1))
    targets = dict(SENTENCES)

    def numbers(state: dict) -> dict:
        words = (*state["text"].lower().split(), "<eos>")
        xs, T = encode_words(words)[:, None], len(words)  # (T, 1, 12)
        hs = rnn_forward(model.rnn, xs)  # (T+1, 1, H)
        logits = dense_forward(model.out, hs[1:])[..., 0]  # (T, 1)
        asked = np.zeros((T, 1), bool)
        asked[-1 if state["losses"] == "last" else slice(None)] = True
        loss, dlogits = binary_cross_entropy_with_logits(logits, np.full((T, 1), float(targets[state["text"]])), asked)
        own = dlogits[..., None] @ model.out.W  # (T, 1, H): what each state receives from its own loss
        dh, total = np.zeros((1, H)), zeros_like(model.rnn)
        received, shares, sums = [], [], []
        for t in range(T, 0, -1):
            dh = dh + own[t - 1]
            received.append(dh[0])
            share, _, dh = rnn_step_backward(model.rnn, xs[t - 1], hs[t - 1], hs[t], dh)
            total = add(total, share)
            shares.append({"W_hh": np.linalg.norm(share.W_hh), "W_xh": np.linalg.norm(share.W_xh)})
            sums.append({"W_hh": np.linalg.norm(total.W_hh), "W_xh": np.linalg.norm(total.W_xh)})
        return {"words": words, "hs": hs[1:, 0], "p": sigmoid(logits[:, 0]), "loss": loss, "asked": asked[:, 0],
                "dhs": received[::-1], "shares": shares[::-1], "sums": sums[::-1]}  # fmt: skip

    return LiveFigure(
        name="bptt", label="The gradient of a sentence's loss on its way back through the steps",
        data={"vocabulary": list(WORDS.tokens), "sentences": [{"text": text, "target": y} for text, y in SENTENCES]},
        state={"text": SENTENCES[0][0], "losses": "last", "weights": "W_hh", "t": 1}, weights=weights, numbers=numbers,
        cases=({"losses": "each", "t": 3}, {"text": SENTENCES[1][0], "weights": "W_xh"}, {"text": SENTENCES[2][0]}),
    )  # fmt: skip

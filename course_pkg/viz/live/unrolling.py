"""Chapter 3's network with two hidden units, step by step: what word and past push, and what is answered."""

from __future__ import annotations

import numpy as np

from course_pkg.data.batches import pad_sequences
from course_pkg.data.sentences import WORDS, encode_words, opinion_sentences
from course_pkg.dense import dense_forward, sigmoid
from course_pkg.optim import Adam
from course_pkg.rnn import rnn_forward
from course_pkg.sequence_models import ReadoutRNN, init_readout_rnn, many_to_one_loss
from course_pkg.train import train
from course_pkg.viz.live.figure import LiveFigure, shipped

SEED = 70  # the chapter's
LONGEST = 8  # words, without <eos>
TRY = ("This is good news", "This is not good news", "That was awful advice", "Good news is this not")


def chapter_model() -> ReadoutRNN:
    """The network of chapter 3: 400 steps of Adam on 36 of the 48 sentences."""
    sentences = opinion_sentences()
    batch = pad_sequences([encode_words(s.words) for s in sentences])  # xs (T, B, D), mask (T, B)
    positive = np.array([float(s.positive) for s in sentences])
    rng = np.random.default_rng(SEED)
    halves = [rng.permutation(np.flatnonzero(positive == k)) for k in (0, 1)]
    learn = np.concatenate([half[6:] for half in halves])
    start = init_readout_rnn(np.random.default_rng(SEED), len(WORDS), 2, 1)
    xs, mask = batch.xs[:, learn], batch.mask[:, learn]

    def loss_and_grads(p: ReadoutRNN, _: int) -> tuple[float, ReadoutRNN]:
        return many_to_one_loss(p, xs, positive[learn], mask)

    return train(start, loss_and_grads, range(400), Adam(2e-2), clip_norm=1.0)[0]


def read(text: str) -> tuple[list[str], list[str]]:
    """A sentence -> the words that the network knows, <eos> at the end, and those that it does not."""
    found = [word.strip(".,!?").lower() for word in text.split()]
    known = [word for word in found if word in WORDS.tokens and word != "<eos>"]
    return [*known[:LONGEST], "<eos>"], [word for word in found if word and word not in WORDS.tokens]


def figure() -> LiveFigure:
    """Step through "This is good news <eos>" and see every number; change the words."""
    model, weights = shipped(chapter_model())

    def numbers(state: dict) -> dict:
        words, unknown = read(state["text"])
        xs = encode_words(tuple(words))[:, None]  # (T, 1, D)
        hs = rnn_forward(model.rnn, xs)[:, 0]  # (T+1, 2)
        logits = dense_forward(model.out, hs[1:])[:, 0]
        return {"words": words, "unknown": unknown, "fromX": xs[:, 0] @ model.rnn.W_xh.T,
                "fromH": hs[:-1] @ model.rnn.W_hh.T, "hs": hs, "logits": logits, "p": sigmoid(logits)}  # fmt: skip

    return LiveFigure(
        name="unrolling", label="A recurrent network reads a sentence, step by step",
        data={"vocabulary": list(WORDS.tokens), "longest": LONGEST, "try": list(TRY)},
        state={"text": TRY[0], "t": 3}, weights=weights, numbers=numbers,
        cases=({"text": TRY[1], "t": 4}, {"text": TRY[3], "t": 1}, {"text": "bad, was! oranges", "t": 9}, {"text": ""}),
    )  # fmt: skip

"""Any output on one recurrence: every head's gradient through every cell, and the likelihood of frames."""

from functools import partial

import numpy as np
import pytest

from course_pkg.checks import relative_error
from course_pkg.frames import frame_loss, frame_outputs, frame_step, init_frame_model, sequence_loss
from course_pkg.losses import mean_squared_error, softmax_cross_entropy
from course_pkg.mixture_density import stroke_loss
from tests.package.helpers import SHAPES, prove, random_mask, rng_for, shape_id, tensor, torch
from tests.package.test_mixture_density import Outputs

HEADS = {
    "squares": (mean_squared_error, 2, lambda rng, T, B: rng.normal(size=(T, B, 2)), False),
    "notes": (frame_loss, 3, lambda rng, T, B: rng.integers(0, 2, (T, B, 3)).astype(float), True),
    "labels": (softmax_cross_entropy, 4, lambda rng, T, B: rng.integers(0, 4, (T, B)), True),
    "strokes": (stroke_loss, 13, lambda rng, T, B: rng.integers(0, 2, (T, B, 3)).astype(float), True),
}


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "peephole"])
@pytest.mark.parametrize("name", HEADS)
def test_every_head_through_every_cell(name, cell):
    head, size, targets_of, masked = HEADS[name]
    rng = rng_for(len(name), len(cell))
    p, xs, targets = init_frame_model(rng, 2, 3, size, cell), rng.normal(size=(4, 3, 2)), targets_of(rng, 4, 3)
    mask = random_mask(rng, 4, 3) if masked else None
    loss = partial(sequence_loss, head, xs=xs, targets=targets, mask=mask, cell=cell)
    prove(p, loss(p)[1], lambda q: loss(q)[0], complex_too=False)


def test_only_the_counted_frames_are_judged():
    rng = rng_for(1)
    p, xs, labels = init_frame_model(rng, 2, 3, 4), rng.normal(size=(4, 3, 2)), rng.integers(0, 4, (4, 3))
    last = np.zeros((4, 3), bool)
    last[-1] = True
    loss, grads = sequence_loss(softmax_cross_entropy, p, xs, labels, counted=last)
    assert abs(loss - softmax_cross_entropy(frame_outputs(p, xs)[0][-1], labels[-1])[0]) < 1e-14
    prove(p, grads, lambda q: sequence_loss(softmax_cross_entropy, q, xs, labels, counted=last)[0], complex_too=False)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_step_by_step_is_the_whole(cell):
    rng = rng_for(2)
    p, xs = init_frame_model(rng, 2, 3, 5, cell), rng.normal(size=(6, 4, 2))
    state, found = None, []
    for x in xs:
        outputs, state = frame_step(p, x, state, cell)
        found.append(outputs)
    assert relative_error(np.stack(found), frame_outputs(p, xs, cell=cell)[0]) < 1e-13


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_frame_loss(shape, masked):
    (T, B, N, _), rng = shape, rng_for(*shape)
    logits, notes = rng.normal(0, 3, (T, B, N)), rng.integers(0, 2, (T, B, N)).astype(float)
    mask = random_mask(rng, T, B) if masked else None
    real = tensor(np.ones((T, B), bool) if mask is None else mask)

    def in_torch(i):  # notes are added, frames averaged
        return -torch.distributions.Bernoulli(logits=i.values).log_prob(tensor(notes)).sum(dim=-1)[real].mean()

    prove(Outputs(logits), Outputs(frame_loss(logits, notes, mask)[1]),
          lambda i: frame_loss(i.values, notes, mask)[0], in_torch, complex_too=False)  # fmt: skip


def test_frame_loss_of_a_coin_for_every_note():
    notes = rng_for(3).integers(0, 2, (5, 2, 88)).astype(float)
    assert abs(frame_loss(np.zeros((5, 2, 88)), notes)[0] - 88 * np.log(2)) < 1e-12
    assert np.isfinite(frame_loss(np.full((5, 2, 88), 1e4), notes)[0])


def test_refusals():
    with pytest.raises(ValueError, match="init_frame_model: cell must be one of"):
        init_frame_model(rng_for(0), 1, 2, 3, "gate")
    with pytest.raises(ValueError, match=r"xs must be \(T, B, D\)"):
        frame_outputs(init_frame_model(rng_for(0), 1, 2, 3), np.zeros((3, 2)))

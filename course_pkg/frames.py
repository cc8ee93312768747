"""One recurrence, any output: a cell reads the frames of a sequence, a dense layer reads its states, a loss judges.

A head is a function (outputs (T, B, O), targets, mask (T, B)) -> (loss, doutputs). Only the head knows what a
sequence is about: `losses.mean_squared_error` for series, `mixture_density.stroke_loss` for a pen,
`frame_loss` for the notes of music, `losses.softmax_cross_entropy` for labels.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from course_pkg.cells import CELLS, Run, hidden, run, run_backward
from course_pkg.dense import DenseParams, dense_backward, dense_forward, init_dense
from course_pkg.losses import binary_cross_entropy_with_logits
from course_pkg.shapes import Bool, Float, check_choice, checked
from course_pkg.tree import tree_map

Head = Callable[..., tuple[float, np.ndarray]]


class FrameModel(NamedTuple):
    """All weights. Gradients have this same type."""

    cell: Any
    out: DenseParams  # W (O, H), b (O,)


def init_frame_model(
    rng: np.random.Generator, D: int, H: int, outputs: int, cell: str = "gru", dtype: type = np.float64
) -> FrameModel:
    """D numbers a frame go in, `outputs` numbers come out; H units of the kind `cell` (cells.CELLS) between."""
    check_choice("init_frame_model", "cell", cell, CELLS)
    p = FrameModel(CELLS[cell].init(rng, D, H), init_dense(rng, H, outputs))
    return tree_map(lambda w: w.astype(dtype), p)


@checked(through=True)
def frame_outputs(
    p: FrameModel, xs: Float["T B D"], mask: Bool["T B"] | None = None, cell: str = "gru"
) -> tuple[np.ndarray, Run]:
    """(frame-outputs)  xs: (T, B, D) -> outputs (T, B, O), one row for every frame, and what the way back needs."""
    check_choice("frame_outputs", "cell", cell, CELLS)
    read = run(CELLS[cell], p.cell, xs, None, mask)
    return dense_forward(p.out, read.outputs), read


def sequence_loss(
    head: Head,
    p: FrameModel,
    xs: np.ndarray,
    targets: np.ndarray,
    mask: np.ndarray | None = None,
    counted: np.ndarray | None = None,
    cell: str = "gru",
) -> tuple[float, FrameModel]:
    """(sequence-loss)  xs: (T, B, D), targets: (T, B, ...) as the head wants them -> loss, gradients.

    mask: (T, B), False at padded frames. counted: (T, B), the frames whose outputs the head judges; all real ones
    if None.
    """
    outputs, read = frame_outputs(p, xs, mask, cell)
    loss, doutputs = head(outputs, targets, mask if counted is None else counted)
    dout, dstates = dense_backward(p.out, read.outputs, doutputs)
    dcell, _, _ = run_backward(CELLS[cell], p.cell, xs, read, dstates, None, mask)
    return loss, FrameModel(dcell, dout)


def frame_step(p: FrameModel, x: np.ndarray, state: Any = None, cell: str = "gru") -> tuple[np.ndarray, Any]:
    """x: (B, D), the state, zeros if None -> outputs (B, O), the new state. For writing."""
    check_choice("frame_step", "cell", cell, CELLS)
    state = CELLS[cell].initial_state(p.cell, len(x)) if state is None else state
    state = CELLS[cell].step(p.cell, x, state)
    return dense_forward(p.out, hidden(state)), state


@checked
def frame_loss(
    logits: Float["... N"], notes: Float["... N"], mask: Bool["..."] | None = None
) -> tuple[float, np.ndarray]:
    """(frame-loss)  logits, notes (..., N): N yes-or-no answers a frame -> nats a frame, dlogits (..., N).

    The N answers of a frame are added, the frames are averaged (Boulanger-Lewandowski et al. 2012).
    """
    entries = None if mask is None else np.broadcast_to(mask[..., None], logits.shape)
    per_note, dlogits = binary_cross_entropy_with_logits(logits, notes, entries)
    N = logits.shape[-1]
    return per_note * N, dlogits * N

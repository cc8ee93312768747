"""The training loop that every chapter uses: batch, loss and gradients, clipping, optimizer, history."""

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from course_pkg.optim import clip_by_global_norm
from course_pkg.tree import global_norm


@dataclass
class History:
    """What was seen during training; step n is the state of affairs before the n-th update."""

    losses: list[float] = field(default_factory=list)  # one for each step
    grad_norms: list[float] = field(default_factory=list)  # before clipping
    evaluated_at: list[int] = field(default_factory=list)  # number of updates made so far
    evaluations: list[Any] = field(default_factory=list)  # what `evaluate` returned


def train(
    params: Any,
    loss_and_grads: Callable[[Any, Any], tuple[float, Any]],
    batches: Iterable[Any],
    optimizer: Any,
    *,
    clip_norm: float | None = None,
    evaluate: Callable[[Any], Any] | None = None,
    evaluate_every: int = 0,
    progress: bool | None = None,
) -> tuple[Any, History]:
    """Run one update for each batch and return the new parameters with the history.

    loss_and_grads(params, batch) -> (loss, grads), grads of the same type as params. clip_norm: largest gradient
    norm allowed. evaluate(params) is called at the end, and if evaluate_every > 0 also before steps 0,
    evaluate_every, 2 * evaluate_every, ...
    progress: True or False; None shows a bar where somebody watches (never when COURSE_PROGRESS=0).

    Raises FloatingPointError when the loss or a gradient is no longer finite, with the step and the norm before it.
    """
    if evaluate_every < 0 or (evaluate_every and evaluate is None):
        raise ValueError("train: evaluate_every must be >= 0 and needs evaluate, "
                         f"got evaluate_every={evaluate_every}, evaluate={evaluate}")  # fmt: skip
    history, state = History(), optimizer.init(params)
    step = -1
    for step, batch in enumerate(_with_bar(batches, progress, history)):
        if evaluate_every and step % evaluate_every == 0:
            _evaluate(history, step, evaluate, params)
        loss, grads = loss_and_grads(params, batch)
        norm = global_norm(grads)
        if not (np.isfinite(loss) and np.isfinite(norm)):
            last = f"{history.grad_norms[-1]:.3g}" if history.grad_norms else "none"
            raise FloatingPointError(f"train: loss and gradient must stay finite, got loss {loss}, "
                                     f"gradient norm {norm} at step {step} (norm one step before: {last}); "
                                     "try a smaller lr or clip_norm")  # fmt: skip
        if clip_norm is not None:
            grads, _ = clip_by_global_norm(grads, clip_norm)
        params, state = optimizer.update(params, grads, state)
        history.losses.append(float(loss))
        history.grad_norms.append(norm)
    if step < 0:
        raise ValueError("train: batches must yield at least one batch, got none")
    if evaluate is not None:
        _evaluate(history, step + 1, evaluate, params)
    return params, history


def _evaluate(history: History, step: int, evaluate: Callable, params: Any) -> None:
    history.evaluated_at.append(step)
    history.evaluations.append(evaluate(params))


def _with_bar(batches: Iterable[Any], progress: bool | None, history: History) -> Iterable[Any]:
    """The batches, with a tqdm bar and the current loss where progress is wanted."""
    if progress is None:
        progress = os.environ.get("COURSE_PROGRESS") != "0" and (sys.stderr.isatty() or "ipykernel" in sys.modules)
    if not progress:
        return batches
    from tqdm.auto import tqdm

    bar = tqdm(batches, unit="batch", leave=False)

    def watched() -> Iterable[Any]:
        for i, batch in enumerate(bar):
            yield batch
            if i % 10 == 0 and history.losses:
                bar.set_postfix(loss=f"{history.losses[-1]:.3g}")

    return watched()

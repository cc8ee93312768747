"""Train one architecture on one row, in float32: interruptible, and the same whether it was interrupted or not.

The learning rate is constant, and falls in a straight line to zero over the last fifth of the steps. Where it begins to
fall the state is kept, so that a later run with more steps goes on from there as if it had had them from the start.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..losses import binary_cross_entropy_with_logits, mean_squared_error, softmax_cross_entropy
from ..optim import Adam, AdamState, clip_by_global_norm
from ..tree import count, flatten, unflatten
from .nets import Net, Size, backward, forward, init_net, units_for
from .rows import Row
from .sources import Batch, Source

COOLING = 0.2  # the share of the steps in which the learning rate falls


class Progress(NamedTuple):
    """All that a run needs to go on."""

    net: Net
    state: AdamState
    curve: list[list[float]]  # [steps, training loss since the look before, measure on the look's batches]
    seconds: float  # of processor time
    best: np.ndarray | None  # the weights that were best on the look's batches, as a vector, where the row chooses
    planned: int  # the number of steps after which the learning rate is zero


# ---- loss and measure --------------------------------------------------------------------------------------------


def loss_of(row: Row, logits: np.ndarray, batch: Batch) -> tuple[float, np.ndarray]:
    """logits: (T, B, V) or (1, B, V) -> the row's loss, dlogits in the same shape."""
    if row.loss == "squared":
        loss, dlast = mean_squared_error(logits[0], batch.targets)
        return loss, dlast[None]
    if row.loss == "softmax":
        targets = batch.targets[None] if row.last_only else batch.targets
        return softmax_cross_entropy(logits, targets)
    mask = np.broadcast_to(batch.mask[..., None], logits.shape)
    loss, dlogits = binary_cross_entropy_with_logits(logits, batch.targets, mask)  # the mean over keys and moments
    return loss * row.V, dlogits * row.V  # the sum over the keys, the mean over the moments


def measure(row: Row, architecture: str, net: Net, batches: list[Batch]) -> float:
    """The row's measure over batches, each entry counted once: loss, or accuracy in percent."""
    total, weight = 0.0, 0.0
    for batch in batches:
        logits = forward(architecture, net, batch.xs, row.last_only).logits
        n = float(batch.xs.shape[1] if batch.mask is None else batch.mask.sum())
        if row.higher_is_better:
            value = 100 * float((logits[0].argmax(axis=-1) == batch.targets).mean())
        else:
            value = float(loss_of(row, logits, batch)[0])
        total, weight = total + n * value, weight + n
    return total / weight


# ---- training ----------------------------------------------------------------------------------------------------


def size_of(row: Row, architecture: str) -> Size:
    """The TCN's own size, or the hidden units that the row's number of parameters allows."""
    return row.tcn if architecture == "tcn" else Size(units_for(architecture, row.parameters, row.D, row.V))


def begin(row: Row, architecture: str, seed: int, steps: int) -> Progress:
    """Before the first step."""
    net = init_net(np.random.default_rng([seed, 7]), architecture, size_of(row, architecture), row.D, row.V)
    return Progress(net, Adam().init(net), [], 0.0, None, steps)


def train(
    row: Row,
    architecture: str,
    source: Source,
    seed: int,
    steps: int,
    progress: Progress,
    keep: Callable[[Progress, bool], None],
) -> Progress:
    """Go on from `progress` until `steps` are made. keep(progress, hot) is called at every look and at the end;
    hot says that the learning rate is about to fall."""
    settings, cooling = row.settings[architecture], first_cool_step(steps)
    optimizer = Adam(lambda n: settings.lr * min(1.0, (steps - n) / (steps - cooling)))
    losses, start = [], time.process_time() - progress.seconds
    progress = progress._replace(planned=steps)
    while (n := progress.state.step) < steps:
        batch, rng = source.batch(seed, n), np.random.default_rng([seed, n, 5])
        done = forward(architecture, progress.net, batch.xs, row.last_only, settings.dropout, rng)
        loss, dlogits = loss_of(row, done.logits, batch)
        grads = backward(architecture, progress.net, batch.xs, done, dlogits)
        if settings.clip:
            grads, _ = clip_by_global_norm(grads, settings.clip)  # after the backward pass, before the update
        net, state = optimizer.update(progress.net, grads, progress.state)
        progress, losses = progress._replace(net=net, state=state), [*losses, float(loss)]
        if (n + 1) % row.look_every == 0 or n + 1 == steps:
            progress = _look(row, architecture, source, progress, losses)
            losses = []
            progress = progress._replace(seconds=time.process_time() - start)
            keep(progress, False)
        if n + 1 == cooling:
            keep(progress._replace(seconds=time.process_time() - start), True)
    return progress


def first_cool_step(steps: int) -> int:
    """The number of steps with the full learning rate."""
    return steps - max(1, round(COOLING * steps))


def _look(row: Row, architecture: str, source: Source, progress: Progress, losses: list[float]) -> Progress:
    value = measure(row, architecture, progress.net, source.look)
    curve = [*progress.curve, [progress.state.step, float(np.mean(losses)), value]]
    best = progress.best
    if source.choose and value <= min(entry[2] for entry in curve):
        best = flatten(progress.net)
    return progress._replace(curve=curve, best=best)


def result(row: Row, architecture: str, source: Source, progress: Progress, whole: bool = True) -> float:
    """The measure on the test set, or on the look's batches where not `whole` is asked for."""
    net = progress.net if progress.best is None else unflatten(progress.best, progress.net)
    return measure(row, architecture, net, source.test if whole else source.look)


# ---- checkpoints -------------------------------------------------------------------------------------------------


def save(path: Path, progress: Progress) -> None:
    """Write a checkpoint; a crash while writing leaves the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    best = np.zeros(0, np.float32) if progress.best is None else progress.best
    new = path.with_suffix(".new.npz")
    np.savez(new, net=flatten(progress.net), mean=flatten(progress.state.mean), square=flatten(progress.state.square),
             step=progress.state.step, curve=np.array(progress.curve, float).reshape(-1, 3), seconds=progress.seconds,
             best=best, planned=progress.planned)  # fmt: skip
    os.replace(new, path)


def load(path: Path, like: Net) -> Progress:
    """Read a checkpoint of a net like `like`."""
    with np.load(path, allow_pickle=False) as file:
        found = {name: file[name] for name in file.files}
    if found["net"].shape != (count(like),):
        raise ValueError(f"{path.name} holds a net of {found['net'].size} parameters, this row's has {count(like)}; "
                         "remove it to begin anew")  # fmt: skip
    trees = [unflatten(found[name], like) for name in ("net", "mean", "square")]
    curve = [[int(n), loss, value] for n, loss, value in found["curve"].tolist()]
    best = found["best"] if found["best"].size else None
    return Progress(trees[0], AdamState(int(found["step"]), trees[1], trees[2]), curve, float(found["seconds"]), best,
                    int(found["planned"]))  # fmt: skip


def go_on(latest: Path, hot: Path, fresh: Progress, steps: int) -> Progress:
    """The furthest state from which a run of `steps` steps is the same as one that was never interrupted."""
    found: list[Any] = [load(path, fresh.net) for path in (latest, hot) if path.exists()]
    warm = [p.state.step <= min(first_cool_step(p.planned), first_cool_step(steps)) for p in found]
    usable = [p for p, same in zip(found, warm, strict=True) if (same or p.planned == steps) and p.state.step <= steps]
    return max(usable, key=lambda p: p.state.step, default=fresh)

"""`course reproduce`: what it reads, where it keeps its state, and the record that it writes."""

from __future__ import annotations

import argparse
import json
import os
import platform
from pathlib import Path
from typing import Any

import numpy as np

from ..tree import count
from .nets import ARCHITECTURES
from .rows import ROWS, Row
from .sources import DataMissing, Source
from .training import Progress, begin, go_on, result, save, size_of, train


def reproduce(arguments: argparse.Namespace) -> int:
    """course reproduce"""
    if arguments.row is None:
        print(overview())
        return 0
    row = ROWS[arguments.row]
    if row.source is None:
        raise DataMissing(f"{row.title} is not run here: {row.reason}")
    source = row.source(arguments.data)
    for architecture in [arguments.architecture] if arguments.architecture else ARCHITECTURES:
        written = one_run(arguments.row, row, source, architecture, arguments.seed, arguments.steps or row.steps,
                          arguments.out, arguments.checkpoints)  # fmt: skip
        print(f"{row.title}, {architecture}: {row.measure} {written['result']:.4g} after {written['steps']} steps, "
              f"{written['cpu_seconds']} s; published {row.published[architecture]}")  # fmt: skip
    return 0


def overview() -> str:
    """All rows, one a line."""
    lines = [f"  {name:13} {row.title + ', ' + row.measure:32} {row.reason or f'{row.steps} steps'}"
             for name, row in ROWS.items()]  # fmt: skip
    return "\n".join(["course reproduce ROW, one of:", *lines])


def one_run(
    name: str, row: Row, source: Source, architecture: str, seed: int, steps: int, out: Path, checkpoints: Path
) -> dict[str, Any]:
    """Train, or go on training, and write the record after every look -> the record."""
    stem = f"{name}_{architecture}_seed{seed}"
    latest, hot = checkpoints / f"{stem}.npz", checkpoints / f"{stem}_hot.npz"
    progress = go_on(latest, hot, begin(row, architecture, seed, steps), steps)

    def keep(now: Progress, before_cooling: bool) -> None:
        save(hot if before_cooling else latest, now)
        if not before_cooling:
            value, loss = now.curve[-1][2], now.curve[-1][1]
            write(out / f"{stem}.json", record(name, row, source, architecture, seed, now, None))
            print(f"  {architecture} {now.state.step:6} training {loss:.5g} {row.measure} {value:.5g} "
                  f"{now.seconds:.0f} s", flush=True)  # fmt: skip

    progress = train(row, architecture, source, seed, steps, progress, keep)
    found = record(name, row, source, architecture, seed, progress, result(row, architecture, source, progress))
    write(out / f"{stem}.json", found)
    return found


def record(
    name: str, row: Row, source: Source, architecture: str, seed: int, progress: Progress, value: float | None
) -> dict[str, Any]:
    """Everything that is written; without a value the last look stands for it, and `finished` is false."""
    steps, settings = progress.state.step, row.settings[architecture]
    looks = [[n, _digits(loss), _digits(v)] for n, loss, v in progress.curve]
    command = f"course reproduce {name} --architecture {architecture} --seed {seed} --steps {progress.planned}"
    return {
        "command": command + (" --data ../shared/data" if source.per_epoch else ""),
        "row": name, "architecture": architecture, "seed": seed, "measure": row.measure,
        "finished": value is not None, "steps": steps, "planned_steps": progress.planned,
        "epochs": round(steps / source.per_epoch, 2) if source.per_epoch else None,
        "result": _digits(progress.curve[-1][2] if value is None else value),
        "published": row.published[architecture],
        "parameters": count(progress.net), "size": size_of(row, architecture)._asdict(),
        "settings": settings._asdict() | {"optimizer": "Adam", "batch": int(source.batch(seed, 0).xs.shape[1]),
                                          "precision": "float32"},
        "cpu_seconds": round(progress.seconds),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, one thread, no GPU",
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "curve": looks,
    }  # fmt: skip


def _digits(value: float) -> float:
    return float(f"{value:.4g}")


def write(path: Path, found: dict[str, Any]) -> None:
    """JSON, the curve in one line each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = ",\n".join("  " + json.dumps(entry) for entry in found["curve"])
    text = json.dumps(found | {"curve": []}, indent=1).replace('"curve": []', f'"curve": [\n{rows}\n ]')
    path.write_text(text + "\n", encoding="utf8")

"""The records of `course reproduce` beside the published table, as the book shows them.

    python -m experiments.published_table        prints it

The records are experiments/results/published/ROW_ARCHITECTURE_seedN.json. Each names the command that made it, its
seed, the versions, the processor time, the learning curve and the result.
"""

import json
from itertools import groupby
from pathlib import Path
from typing import Any

from course_pkg.published.nets import ARCHITECTURES
from course_pkg.published.rows import ROWS

RESULTS = Path(__file__).parent / "results" / "published"


def read(folder: Path = RESULTS) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """All records: (row, architecture) -> those of every seed, in order."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for path in sorted(folder.glob("*.json")):
        record = json.loads(path.read_text("utf8"))
        found.setdefault((record["row"], record["architecture"]), []).append(record)
    return found


def figure(value: float | None, measure: str) -> str:
    """A result as the paper would write it."""
    if value is None:
        return "-"
    if measure == "loss" and value < 0.001:
        return f"{value:.1e}".replace("e-0", "e-")
    if measure == "loss" and value < 1:
        return f"{value:.4f}"
    return f"{value:.2f}" if value < 1000 else f"{value:.0f}"


def table(folder: Path = RESULTS) -> str:
    """The rows that can be run: published, ours (the mean over the seeds), how many seeds, how long (of one seed).

    A star marks runs that are not finished. Seeds that made another number of steps have a line of their own.
    """
    records, lines = read(folder), []
    for name, row in ROWS.items():
        if not row.source:
            continue
        better = "more is better" if row.higher_is_better else "less is better"
        lines.append(f"{row.title}, {row.measure} ({better})")
        lines.append(f"  {'':5}{'published':>9}{'ours':>10}{'seeds':>6}{'parameters':>12}{'steps':>7}{'epochs':>7}"
                     f"{'CPU s':>6}")  # fmt: skip
        for architecture in ARCHITECTURES:
            published = figure(row.published[architecture], row.measure)
            runs = sorted(records.get((name, architecture), []), key=lambda run: -run["steps"])
            if not runs:
                lines.append(f"  {architecture:5}{published:>9}{'-':>10}")
            for steps, alike in groupby(runs, key=lambda run: run["steps"]):
                same = list(alike)
                ours = figure(sum(run["result"] for run in same) / len(same), row.measure)
                ours += "" if all(run["finished"] for run in same) else "*"
                epochs = "-" if same[0]["epochs"] is None else f"{same[0]['epochs']:.1f}"
                seconds = round(sum(run["cpu_seconds"] for run in same) / len(same))
                lines.append(f"  {architecture:5}{published:>9}{ours:>10}{len(same):>6}{same[0]['parameters']:>12,}"
                             f"{steps:>7,}{epochs:>7}{seconds:>6}")  # fmt: skip
    return "\n".join(lines)


def not_run() -> str:
    """The rows that are not run, with the published figures and the reason."""
    lines = []
    for row in ROWS.values():
        if row.reason:
            figures = "  ".join(f"{a} {figure(row.published[a], row.measure)}" for a in ARCHITECTURES)
            lines += [f"{row.title} ({row.measure})", f"  {figures}", f"  {row.reason}"]
    return "\n".join(lines)


def commands(folder: Path = RESULTS) -> str:
    """What was typed for every record, its seed, and the machines."""
    runs = [run for found in read(folder).values() for run in found]
    lines = [f"{run['row']} {run['architecture']} --seed {run['seed']} --steps {run['planned_steps']}" for run in runs]
    versions = sorted({f"NumPy {run['versions']['numpy']}, Python {run['versions']['python']}" for run in runs})
    return "\n".join([*lines, *sorted({run["machine"] for run in runs}), *versions])


if __name__ == "__main__":
    print(table())
    print(not_run())

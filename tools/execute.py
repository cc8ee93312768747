"""Execute notebooks in place: a fresh kernel each, in order, in the notebook's folder; then normalise them.

python -m tools.execute                       all notebooks of book/ and solutions/
python -m tools.execute book/01_*.ipynb       these
python -m tools.execute --check ...           run and time them, but write nothing
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

try:
    import resource
except ImportError:  # Windows: the CPU column stays 0
    resource = None

from tools import notebooks


def execute(path: Path, timeout: int) -> tuple[dict, float, float]:
    """Run one notebook. Returns its JSON with the new outputs, its CPU seconds and its wall seconds."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["kernelspec"] = dict(notebooks.KERNELSPEC)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count, cell.outputs = None, []
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        coalesce_streams=True,
    )
    cpu, wall = _children_cpu(), time.perf_counter()
    client.execute()
    cpu, wall = _children_cpu() - cpu, time.perf_counter() - wall
    return json.loads(nbformat.writes(notebook)), cpu, wall


def _children_cpu() -> float:
    if resource is None:
        return 0.0
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _failure(error: Exception) -> str:
    """The error's own text without terminal colours; the last lines are the ones that matter."""
    return "\n".join(notebooks.ANSI.sub("", str(error)).strip().splitlines()[-25:])


def main(arguments: list[str] | None = None) -> int:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("paths", nargs="*", type=Path, help="notebooks or folders (all when none is named)")
    parser.add_argument("--check", action="store_true", help="run and time, write nothing")
    parser.add_argument("--timeout", type=int, default=120, help="seconds a cell may take (120)")
    options = parser.parse_args(arguments)
    notebooks.set_environment()

    paths: list[Path] = []
    for path in options.paths or [notebooks.ROOT / folder for folder in notebooks.FOLDERS]:
        if path.is_file():
            paths.append(path.resolve())
        elif path.is_dir():
            paths += sorted(p.resolve() for p in path.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
        else:
            parser.error(f"no such notebook: {path}")
    if not paths:
        print("No notebooks found.")
        return 0

    failed, total = 0, 0.0
    width = max(len(_short(p)) for p in paths)
    print(f"{'notebook':<{width}}   CPU s  wall s")
    for path in paths:
        try:
            notebook, cpu, wall = execute(path, options.timeout)
        except Exception as error:  # report every notebook, not only the first that fails
            failed += 1
            print(f"{_short(path):<{width}}  FAILED, left as it was\n{_failure(error)}\n", flush=True)
            continue
        total += cpu
        print(f"{_short(path):<{width}}  {cpu:6.1f}  {wall:6.1f}", flush=True)
        if not options.check:
            notebooks.write(path, notebooks.normalise(notebook, path.name))
    done = len(paths) - failed
    print(f"{done} of {len(paths)} notebooks, {total:.1f} s of CPU, {total / max(done, 1):.1f} s on average")
    return 1 if failed else 0


def _short(path: Path) -> str:
    return str(path.relative_to(notebooks.ROOT)) if path.is_relative_to(notebooks.ROOT) else path.name


if __name__ == "__main__":
    sys.exit(main())

"""Run every notebook as other machines would: other processors, thread counts, no SIMD, other Python versions.

    python -m tools.portable                  all configurations (`make test-portable`)
    python -m tools.portable --only Haswell   those whose name holds this word
    python -m tools.portable book/01_*.ipynb  these notebooks only

A committed output that holds only here fails there. OpenBLAS is told which processor to write for, and we ask it
whether it obeyed; NumPy's dispatch to SIMD code is switched off. On Python 3.12 and 3.13, where they are
installed, the notebooks that need no torch run in environments of their own, .venv-3.12 and .venv-3.13.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

from tools.notebooks import ROOT, find

# OpenBLAS core type -> the flag that /proc/cpuinfo shows where such code can run
CORES = {"Nehalem": "sse4_2", "Haswell": "avx2", "SkylakeX": "avx512f"}
OTHER_PYTHONS = ("3.12", "3.13")
NEEDS_TORCH = re.compile(r"^\s*(?:from|import)\b[^#\n]*(?:\btorch|\bparity\b|autograd)", re.MULTILINE)
ASK_BLAS = "import numpy, threadpoolctl as t; print([i['architecture'] for i in t.threadpool_info()][0])"
ASK_SIMD = """import json
from numpy._core._multiarray_umath import __cpu_dispatch__ as dispatched, __cpu_features__ as has
print(json.dumps([name for name in dispatched if has.get(name)]))"""


class Configuration(NamedTuple):
    name: str
    environment: dict[str, str]
    threads: int = 1
    python: str = sys.executable
    torch: bool = True  # are the notebooks that import torch included?
    impossible: str = ""  # why it cannot run on this machine


class Result(NamedTuple):
    cells: int
    failed: int
    seconds: float
    output: str


def ask(python: str, code: str, environment: dict[str, str] | None = None) -> str:
    """What a fresh interpreter prints."""
    everything = os.environ | (environment or {})
    answer = subprocess.run([python, "-c", code], env=everything, check=True, capture_output=True, text=True)
    return answer.stdout.strip()


def core_configurations() -> list[Configuration]:
    """Every OpenBLAS core type with one thread and with two."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        flags = set()
    made = []
    for core, flag in CORES.items():
        why = "" if platform.machine() in ("x86_64", "AMD64") and flag in flags else f"this processor has no {flag}"
        environment = {"OPENBLAS_CORETYPE": core}
        if not why and ask(sys.executable, ASK_BLAS, environment) != core:
            why = "OpenBLAS does not obey here"
        for threads in (1, 2):
            name = f"{core}, {threads} thread{'s' if threads > 1 else ''}"
            made.append(Configuration(name, environment, threads, impossible=why))
    return made


def no_simd() -> Configuration:
    """NumPy without its dispatched SIMD code, ATen (torch) with its plain code."""
    features = json.loads(ask(sys.executable, ASK_SIMD))
    environment = {"NPY_DISABLE_CPU_FEATURES": " ".join(features), "ATEN_CPU_CAPABILITY": "default"}
    return Configuration("no SIMD dispatch", environment)


def find_python(version: str) -> str | None:
    """An interpreter of this version that really starts: on the path, or below pyenv's folder."""
    candidates = [shutil.which(f"python{version}")]
    try:
        root = subprocess.run(["pyenv", "root"], check=True, capture_output=True, text=True).stdout.strip()
        found = Path(root).glob(f"versions/{version}*/bin/python{version}")
        candidates += [str(path) for path in sorted(found, reverse=True)]
    except (OSError, subprocess.CalledProcessError):
        pass  # no pyenv
    for candidate in filter(None, candidates):
        try:
            if ask(candidate, "import sys; print('%d.%d' % sys.version_info[:2])") == version:
                return candidate
        except (OSError, subprocess.CalledProcessError):
            continue  # a shim without the version behind it
    return None


def other_python(version: str) -> Configuration:
    """The configuration of another Python version; makes its environment when there is none that fits the pins."""
    name = f"Python {version}, without torch"
    interpreter = find_python(version)
    if interpreter is None:
        return Configuration(name, {}, torch=False, impossible="not installed")
    folder = ROOT / f".venv-{version}"
    python, stamp = str(folder / "bin" / "python"), folder / ".pins"
    pins = b"".join((ROOT / f).read_bytes() for f in ("requirements.txt", "constraints.txt", "pyproject.toml"))
    digest = hashlib.sha256(pins).hexdigest()
    if not stamp.is_file() or stamp.read_text() != digest:
        print(f"Making {folder.name} (about a minute, once)", flush=True)
        subprocess.run([interpreter, "-m", "venv", "--clear", folder], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        install += ["-c", "requirements.txt", "-c", "constraints.txt", *shlex.split(os.environ.get("PIP_EXTRA", ""))]
        subprocess.run([*install, "-e", ".[notebooks,test]"], cwd=ROOT, check=True)
        stamp.write_text(digest)
    return Configuration(name, {}, python=python, torch=False)


def needs_torch(notebook: Path) -> bool:
    """Does a code cell import torch, or what imports torch for it?"""
    cells = json.loads(notebook.read_text(encoding="utf8"))["cells"]
    return any(NEEDS_TORCH.search("".join(c["source"])) for c in cells if c["cell_type"] == "code")


def run(configuration: Configuration, notebooks: list[Path]) -> Result:
    """All cells of the notebooks by nbval; with two threads one notebook at a time, else two."""
    workers = "0" if configuration.threads > 1 else "2"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [configuration.python, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", "--nbval"]
        command += ["--nbval-cell-timeout=300", "-n", workers, "--dist", "loadscope", f"--junitxml={report}"]
        environment = os.environ | configuration.environment | {"COURSE_THREADS": str(configuration.threads)}
        start = time.perf_counter()
        answer = subprocess.run(
            [*command, *map(str, notebooks)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - start
        suite = ElementTree.parse(report).getroot().find("testsuite") if report.is_file() else None
    output = answer.stdout + answer.stderr
    if suite is None:
        return Result(0, 1, seconds, output)
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    return Result(int(suite.get("tests", 0)), max(failed, int(answer.returncode != 0)), seconds, output)


def main(arguments: list[str] | None = None) -> int:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("notebooks", nargs="*", type=Path, help="all of book/ and solutions/ when none is named")
    parser.add_argument("--only", default="", help="configurations whose name holds this word")
    options = parser.parse_args(arguments)
    notebooks = [path.resolve() for path in options.notebooks] or find()
    plain = [path for path in notebooks if not needs_torch(path)]

    configurations = [*core_configurations(), no_simd()]
    configurations = [c for c in configurations if options.only in c.name]
    configurations += [other_python(v) for v in OTHER_PYTHONS if options.only in f"Python {v}, without torch"]
    if not configurations:
        parser.error(f"no configuration holds {options.only!r}")

    print(f"{'configuration':<28}{'notebooks':>10}{'cells':>7}{'wall s':>8}   result")
    failures = []
    for configuration in configurations:
        chosen = notebooks if configuration.torch else plain
        if configuration.impossible or not chosen:
            why = configuration.impossible or "no such notebook"
            print(f"{configuration.name:<28}{'-':>10}{'-':>7}{'-':>8}   left out: {why}", flush=True)
            continue
        result = run(configuration, chosen)
        said = "passed" if result.failed == 0 else f"{result.failed} FAILED"
        print(f"{configuration.name:<28}{len(chosen):>10}{result.cells:>7}{result.seconds:>8.0f}   {said}", flush=True)
        if result.failed:
            failures.append((configuration.name, result.output))
            for place in re.findall(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", result.output, re.MULTILINE):
                print(f"    {place}", flush=True)
    for name, output in failures:
        print(f"\n--- {name} ---\n{output[-6000:]}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

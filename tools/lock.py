"""Rewrite constraints.txt: the exact version of everything that requirements.txt brings along.

pip resolves (and installs nothing) as for an empty environment. Only names and versions are kept: no hosts, no
hashes, no local builds such as +cpu, so that the file serves every platform and every index. A package that
another Python version does not need is a line without effect there; one that only another version needs is added
by resolving with that version: python -m tools.lock --python .venv-3.12/bin/python ...
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys

from tools.notebooks import ROOT

HEADER = """# Made by `make lock` from requirements.txt and pyproject.toml; do not edit. What the pins bring along, exactly.
"""
PLATFORM_ONLY = re.compile(r"nvidia-.*|cuda-.*|triton|setuptools|pip|wheel|rnn-course")


def resolve(python: str) -> dict[str, str]:
    """Name -> version of all that an empty environment of this interpreter would get."""
    command = [python, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-"]
    command += ["-r", "requirements.txt", ".[book,notebooks,torch,test]"]
    answer = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    report = json.loads(answer[answer.index("{") :])
    versions = {}
    for item in report["install"]:
        name = re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower()
        if not PLATFORM_ONLY.fullmatch(name):
            versions[name] = item["metadata"]["version"].split("+")[0]
    return versions


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", nargs="*", default=[], help="more interpreters to resolve with")
    options = parser.parse_args()
    versions = resolve(sys.executable)
    for python in options.python:
        versions = resolve(python) | versions  # the first interpreter decides
    lines = [f"{name}=={version}\n" for name, version in sorted(versions.items())]
    (ROOT / "constraints.txt").write_text(HEADER + "".join(lines), encoding="utf8")
    print(f"constraints.txt: {len(lines)} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Rewrite constraints.txt: the exact version of everything that requirements.txt brings along.

pip resolves as for an empty environment, and installs nothing. Only names and versions are kept: no hosts, no
hashes, no local builds such as +cpu, so that the file serves every platform and every index. Made on Python
3.11, it serves 3.12 and 3.13 too: they need the same packages but one, and a line too many has no effect.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys

from tools.notebooks import ROOT

HEADER = "# What the pins of requirements.txt bring along, exactly. Made by `make lock`; do not edit.\n"
EVERYTHING = ["-r", "requirements.txt", ".[book,notebooks,torch,cluster,test]"]
# torch's GPU build, what builds packages, and we ourselves
NOT_PINNED = re.compile(r"nvidia-.*|cuda-.*|triton|setuptools|pip|wheel|rnn-course")


def resolve() -> dict[str, str]:
    """Name -> version of all that an empty environment of this interpreter would get."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
    command += ["--report", "-", *EVERYTHING]
    answer = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    versions = {}
    for item in json.loads(answer[answer.index("{") :])["install"]:
        name = re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower()
        if not NOT_PINNED.fullmatch(name):
            versions[name] = item["metadata"]["version"].split("+")[0]
    return versions


def main() -> int:
    lines = [f"{name}=={version}\n" for name, version in sorted(resolve().items())]
    (ROOT / "constraints.txt").write_text(HEADER + "".join(lines), encoding="utf8")
    print(f"constraints.txt: {len(lines)} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Notebooks: where they are, in which environment they run, and how they look when committed."""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import re
import shutil
import tempfile
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("book", "solutions")  # every notebook in these is committed executed
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"file_extension": ".py", "name": "python", "pygments_lexer": "ipython3"}
KERNEL_CONFIG = """c = get_config()
c.HistoryManager.hist_file = ":memory:"
c.IPKernelApp.log_level = "ERROR"
"""
ANSI = re.compile(r"\x1b\[[0-9;]*m")
HEX_ID = re.compile(r"[0-9a-f]{32}")
RANDOM_CELL_ID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){0,3}(-?[0-9a-f]{12})?")


def find(folders: tuple[str, ...] = FOLDERS, root: Path = ROOT) -> list[Path]:
    """All notebooks below the folders, sorted; editors' copies and build folders left out."""
    found = (path.relative_to(root) for folder in folders for path in (root / folder).rglob("*.ipynb"))
    return sorted(root / p for p in found if not any(part.startswith((".", "_")) for part in p.parts))


def set_environment() -> None:
    """Give this process, and the kernels it starts, the environment in which outputs are compared.

    COURSE_THREADS (1 unless set) is the number of threads of BLAS and torch; `make test-portable` varies it.
    IPython gets an empty folder of its own: no start-up files of the user, and no history file to be locked.
    """
    threads = os.environ.get("COURSE_THREADS", "1")
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = threads
    os.environ.pop("MPLBACKEND", None)  # kernels choose the one that shows figures
    os.environ["PYTHONHASHSEED"] = "0"
    os.environ["COURSE_PROGRESS"] = "0"
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    folder = Path(tempfile.mkdtemp(prefix="course-ipython-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    profile = folder / "profile_default"
    profile.mkdir()
    (profile / "ipython_kernel_config.py").write_text(KERNEL_CONFIG)
    os.environ["IPYTHONDIR"] = str(folder)


def normalise(notebook: dict, name: str) -> dict:
    """The same notebook without anything that changes from run to run: ids, timings, versions.

    notebook: the JSON of an executed notebook; name: its file name, the seed of the stable widget ids.
    """
    notebook = _stable_widget_ids(notebook, name)
    metadata = notebook.setdefault("metadata", {})
    metadata["kernelspec"], metadata["language_info"] = dict(KERNELSPEC), dict(LANGUAGE)
    metadata.pop("signature", None)
    metadata.get("jupytext", {}).pop("text_representation", None)
    if not metadata.get("jupytext", True):
        metadata.pop("jupytext")
    taken: set[str] = set()
    for cell in notebook["cells"]:
        for key in ("execution", "lines_to_next_cell"):
            cell.get("metadata", {}).pop(key, None)
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":  # keep the cell's own lines, drop frames of files: they name paths
                frames = output["traceback"]
                output["traceback"] = [f for f in frames if not ANSI.sub("", f).startswith("File ")]
        cell["id"] = _cell_id(cell, taken)
        taken.add(cell["id"])
    notebook["nbformat"], notebook["nbformat_minor"] = 4, 5
    return notebook


def write(path: Path, notebook: dict) -> None:
    """Write as Jupyter does: one space of indent, sorted keys, a newline at the end."""
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True)
    path.write_text(text + "\n", encoding="utf8")


def _cell_id(cell: dict, taken: set[str]) -> str:
    """An id made from the cell's text; ids that a person chose are kept."""
    given = cell.get("id", "")
    if given and not RANDOM_CELL_ID.fullmatch(given) and given not in taken:
        return given
    source, count = "".join(cell["source"]), 0
    while True:
        text = f"{cell['cell_type']}\0{source}\0{count}"
        made = hashlib.sha256(text.encode("utf8")).hexdigest()[:8]
        if made not in taken:
            return made
        count += 1


def _stable_widget_ids(notebook: dict, name: str) -> dict:
    """Replace the random ids of widget models by ids that depend on the file name and their order only."""
    state = notebook.get("metadata", {}).get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    order: list[str] = []

    def walk(model: str) -> None:
        if model in order or model not in state:
            return
        order.append(model)
        for reference in re.findall(r"IPY_MODEL_([0-9a-f]{32})", json.dumps(state[model], sort_keys=True)):
            walk(reference)

    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            view = output.get("data", {}).get(WIDGET_VIEW)
            if view:
                walk(view["model_id"])
    rank = {model: str(i) for i, model in enumerate(order)}

    def content(model: str) -> str:
        return HEX_ID.sub(lambda m: rank.get(m.group(), ""), json.dumps(state[model], sort_keys=True))

    for model in sorted((m for m in state if m not in rank), key=content):  # links, layouts of hidden widgets
        walk(model)
    stable = {old: uuid.uuid5(uuid.NAMESPACE_URL, f"{name}/{i}").hex for i, old in enumerate(order)}
    return json.loads(HEX_ID.sub(lambda m: stable.get(m.group(), m.group()), json.dumps(notebook)))

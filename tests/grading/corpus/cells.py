"""Entries whose notebook itself is odd: its bytes, its JSON, its cells, its metadata, and Jupyter's own lines."""

from __future__ import annotations

import copy
import json
from typing import Any

from .base import IDS, RIGHT, WRONG, Entry, code, function, honest, notebook, without

HUGE = "huge and deeply nested notebooks"
ORDER = "missing, duplicated, reordered cells"
MAGIC = "magics and shell lines"
BYTES = "wrong encoding"
JSON = "broken JSON"

STEP_ID = "03-rnn-step"


def changed(change: Any, answers: dict[str, str] = RIGHT, **replaced: str) -> dict[str, Any]:
    """The notebook after change(data)."""
    data = notebook(answers, **replaced)
    out = change(data)
    return data if out is None else out


def text(data: Any = None) -> str:
    return json.dumps(data or notebook(RIGHT), indent=1, ensure_ascii=False)


def cell_of(data: dict[str, Any], id: str = STEP_ID) -> dict[str, Any]:
    return next(c for c in data["cells"] if c["metadata"].get("exercise", {}).get("id") == id)


def remove(data: dict[str, Any]) -> None:
    data["cells"].remove(cell_of(data))


def duplicate(source: str = "") -> Any:
    """A copy of the cell right below it, with the same ids, as Jupyter's copy and paste once made them."""

    def change(data: dict[str, Any]) -> None:
        twin = copy.deepcopy(cell_of(data))
        twin["source"] = source or twin["source"]
        data["cells"].insert(data["cells"].index(cell_of(data)) + 1, twin)

    return change


def no_metadata(data: dict[str, Any]) -> None:
    for k, cell in enumerate(data["cells"]):
        cell["metadata"] = {}
        cell["id"] = f"cell-{k}"


def outputs(data: dict[str, Any]) -> None:
    """As handed in after a run: outputs, counts, a picture, a widget's state."""
    for k, cell in enumerate(c for c in data["cells"] if c["cell_type"] == "code"):
        cell["execution_count"] = 3 * k + 1
        picture = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "AAAA" * 20000}}
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["right\n"] * 50}, picture]
    data["metadata"]["widgets"] = {"state": {str(k): {} for k in range(1000)}}


def other_kernel(data: dict[str, Any]) -> None:
    data["metadata"] = {"kernelspec": {"display_name": "R", "language": "R", "name": "ir"},
                        "language_info": {"name": "R"}, "colab": {"provenance": []}}  # fmt: skip


def version_3(data: dict[str, Any]) -> dict[str, Any]:
    """What an old IPython would have written."""
    old = []
    for cell in data["cells"]:
        if cell["cell_type"] == "code":
            old.append({"cell_type": "code", "collapsed": False, "input": cell["source"], "language": "python",
                        "metadata": cell["metadata"], "outputs": [], "prompt_number": 1})  # fmt: skip
        else:
            old.append({"cell_type": "markdown", "metadata": {}, "source": cell["source"]})
    sheet = {"cells": old, "metadata": {}}
    return {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [sheet]}


def many_cells(data: dict[str, Any]) -> None:
    data["cells"] += [code(f"x_{k} = {k}", f"more-{k}") for k in range(1000)]


def magic(source: str) -> dict[str, Any]:
    return notebook(RIGHT, first=source)


def lost(name: str, kind: str, data: Any, *says: str) -> Entry:
    """A file that nobody can grade: no points, and the instructor hears why."""
    return Entry(name, kind, data, (), says, seen=False)


def as_lines(data: dict[str, Any]) -> None:
    for cell in data["cells"]:
        cell["source"] = "".join(cell["source"]).splitlines(keepends=True)


GONE = ("not define|missing|not found|gone",)
BOTH = "%%time\n" + RIGHT["rnn_step"]

ENTRIES: list[Entry] = [
    # --- huge and deeply nested notebooks
    lost("sixty-megabytes", HUGE, b'{"cells": "' + b"x" * (60 * 2**20) + b'"}', "large|big|size|MB"),
    lost("a-hundred-thousand-brackets", HUGE, b"[" * 100000 + b"]" * 100000, "not a notebook"),
    lost("deep-metadata", HUGE, text().replace(
        '"nbformat"', '"deep": ' + '{"a":' * 5000 + "1" + "}" * 5000 + ', "nbformat"').encode(), "nested|deep"),
    honest("a-thousand-cells", HUGE, changed(many_cells)),
    honest("large-outputs", HUGE, changed(outputs)),
    # --- broken JSON
    lost("cut-off", JSON, text().encode()[:-500], "JSON|damaged|cut|incomplete"),
    lost("empty-file", JSON, b"", "empty"),
    lost("a-word-document", JSON, b"PK\x03\x04\x14\x00\x06\x00" + bytes(range(256)) * 20, "notebook|JSON|UTF-8|text"),
    lost("a-web-page", JSON, b"<!DOCTYPE html><html><body>Log in</body></html>", "not a notebook|JSON"),
    lost("a-list", JSON, b"[1, 2, 3]", "notebook"),
    lost("nan-for-a-cell-list", JSON, b'{"nbformat": 4, "cells": NaN, "metadata": {}}', "cells|notebook|JSON"),
    lost("a-python-file", JSON, "\n\n".join(RIGHT.values()).encode(), "not a notebook|JSON"),
    # --- nbformat 3
    honest("an-old-notebook", "nbformat 3", changed(version_3), says=("format 3",)),
    honest("version-ninety-nine", "nbformat 3", text().replace('"nbformat": 4', '"nbformat": 99').encode(),
           says=("format 4",)),
    lost("neither-cells-nor-worksheets", "nbformat 3", b'{"nbformat": 3, "metadata": {}}', "format"),
    # --- wrong encoding
    honest("byte-order-mark", BYTES, b"\xef\xbb\xbf" + text().encode()),
    honest("utf-16", BYTES, text().encode("utf-16")),
    honest("latin-1", BYTES, text(notebook(RIGHT, first="# größer, geübt")).encode("latin-1")),
    honest("windows-line-ends", BYTES, text().replace("\n", "\r\n").encode()),
    honest("a-lone-surrogate", BYTES, changed(lambda d: d["cells"].append(code("s = '\ud800'", "s")))),
    honest("zero-bytes-in-a-cell", BYTES, changed(lambda d: d["cells"].append(code("s = '\0'", "s")))),
    honest("non-breaking-spaces-and-letters", BYTES, notebook(
        RIGHT, first="# α\u00a0β \U0001f600\nΔ = 1\nprint('é', Δ)")),
    # --- missing, duplicated, reordered cells
    Entry("missing-cell", ORDER, changed(remove), without("rnn_step"), GONE),
    honest("answer-in-a-text-cell", ORDER, changed(lambda d: cell_of(d).update(cell_type="markdown")),
           says=("no code cell",)),
    honest("duplicated-cell", ORDER, changed(duplicate())),
    Entry("duplicated-and-the-last-is-wrong", ORDER,
          changed(duplicate(WRONG["rnn_step"])), without("rnn_step"), ("rnn_step",)),
    honest("duplicated-and-the-last-is-right", ORDER,
           changed(duplicate(RIGHT["rnn_step"]), rnn_step=WRONG["rnn_step"])),
    honest("all-ids-the-same", ORDER, changed(lambda d: [c.update(id="x") for c in d["cells"]] and None)),
    honest("reversed", ORDER, changed(lambda d: d["cells"].reverse())),
    honest("no-metadata", ORDER, changed(no_metadata)),
    honest("helper-in-a-cell-of-its-own", ORDER, notebook(
        RIGHT, last="def pre(x, h, W, U, b):\n    return x @ W.T + h @ U.T + b", rnn_step=function(
            "rnn_step", "return np.tanh(pre(x, h_prev, W_xh, W_hh, b_h))"))),
    honest("a-cell-that-fails", ORDER, notebook(RIGHT, first="1 / 0\nnever = 1", last="for x in")),
    Entry("a-typing-error", ORDER, notebook(RIGHT, rnn_step="def rnn_step(x, h_prev:\n    return"),
          without("rnn_step"), ("SyntaxError",)),
    honest("two-answers-in-one-cell", ORDER, changed(
        remove, parameter_count=RIGHT["parameter_count"] + "\n\n" + RIGHT["rnn_step"])),
    honest("source-as-lines", ORDER, changed(as_lines)),
    lost("no-cell-of-ours", ORDER, changed(lambda d: d["cells"].clear()), "cell|exercise|answer"),
    # --- wrong kernel name
    honest("another-kernel", "wrong kernel name", changed(other_kernel)),
    honest("no-metadata-at-all", "wrong kernel name", changed(lambda d: d.pop("metadata") and None)),
    # --- magics and shell lines
    honest("magics", MAGIC, magic("%matplotlib inline\n%load_ext autoreload\n%autoreload 2\n!pip install numpy\n"
                                  "files = !ls\n?np\nnp.tanh?\nsize = %env HOME")),
    honest("magic-around-an-answer", MAGIC, notebook(RIGHT, rnn_step=BOTH)),
    honest("capture-around-an-answer", MAGIC, notebook(RIGHT, rnn_step="%%capture out\n" + RIGHT["rnn_step"])),
    honest("shell-cell", MAGIC, magic("%%bash\nrm -rf *\nfor f in *; do echo $f; done")),
    honest("asks-ipython", MAGIC, magic(
        "get_ipython().run_line_magic('matplotlib', 'inline')\nfrom IPython.display import HTML, display\n"
        "display(HTML('<b>x</b>'))\ndisplay(3)")),
    honest("waits-at-the-top", MAGIC, magic("import asyncio\nawait asyncio.sleep(0)")),
    honest("asks-the-user", MAGIC, magic("name = input('Your name? ')")),
    honest("plots-in-the-setup-cell", MAGIC, changed(lambda d: d["cells"][1].update(source=(
        "import matplotlib.pyplot as plt\nimport pandas as pd\nimport numpy as np\n"
        "from course_pkg.exercises import check\nfrom tqdm.auto import tqdm\nplt.plot([1, 2])")))),
    honest("no-setup-cell", ORDER, changed(lambda d: d["cells"].pop(1) and None)),
    honest("imports-what-is-not-there", MAGIC, changed(lambda d: d["cells"][1].update(
        source="import scipy.special, torch\nimport numpy as np"))),
    honest("uses-what-check-returns", MAGIC, notebook(RIGHT, last="rnn_step(*check(rnn_step).inputs)")),
    honest("magic-inside-an-answer", MAGIC, notebook(RIGHT, rnn_step=RIGHT["rnn_step"].replace(
        "    return", "    %time a = a + 0\n    return"))),
]  # fmt: skip

assert STEP_ID in IDS

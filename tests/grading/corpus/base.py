"""The words in which the entries are written: an honest notebook, right or wrong, and what was added to it."""

from __future__ import annotations

import copy
import json
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
CHAPTER = "03_recurrent_neuron"

CLASSES = (
    "endless loops", "memory", "forks", "threads", "exits", "deletion and overwriting of files",
    "patched assertion and NumPy functions", "always-equal objects", "ndarray subclasses", "frame and gc inspection",
    "reading tests or solutions", "writing to results or gradebook", "forged protocol frames", "sockets", "huge output",
    "huge and deeply nested arrays", "huge and deeply nested notebooks", "broken JSON", "nbformat 3", "wrong encoding",
    "missing, duplicated, reordered cells", "wrong kernel name", "wrong signature", "dtype", "NaN",
    "wrong shapes that broadcast", "inputs changed in place", "library laundering", "non-determinism",
    "behaviour that differs under grading", "exception text with hidden inputs", "warnings beside correct code",
    "magics and shell lines", "beyond the list",
)  # fmt: skip


def _source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def _load(folder: str) -> dict[str, Any]:
    return json.loads((ROOT / folder / f"{CHAPTER}.ipynb").read_text(encoding="utf8"))


IDS = ("03-parameter-count", "03-rnn-step", "03-last-answer")  # three of the chapter's exercises, so that it is quick


def _starter() -> dict[str, Any]:
    """The notebook as the student got it, without the other exercises."""
    data = _load("exercises")
    unwanted = ("check(rnn_sequence)", "check(jordan_step)")
    data["cells"] = [
        cell for cell in data["cells"]
        if cell["metadata"].get("exercise", {}).get("id", IDS[0]) in IDS and _source(cell).strip() not in unwanted
    ]  # fmt: skip
    return data


STARTER = _starter()


def _right() -> dict[str, str]:
    """Function -> the reference's cell without its markers."""
    every = _load("solutions")["cells"]
    cells = [_source(c) for c in every if c["metadata"].get("exercise", {}).get("id") in IDS]
    plain = ["\n".join(line for line in cell.splitlines() if "### " not in line) for cell in cells]
    return {cell.split("(")[0].removeprefix("def "): cell for cell in plain}


RIGHT = _right()
FUNCTIONS = tuple(RIGHT)
SETUP = "import numpy as np\n\nfrom course_pkg.exercises import check"

# An honest student who has understood little: every function is written, none is right on any case.
_WRONG = {
    "parameter_count": "return H * D",
    "rnn_step": "return x @ W_xh.T + b_h",
    "last_answer": "return hs[0] @ w_hy + b_y",
}


def function(name: str, body: str) -> str:
    """The cell of one answer: the exercise's first line, and this body."""
    head = RIGHT[name].splitlines()[0]
    return head + "\n" + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")


WRONG = {name: function(name, body) for name, body in _WRONG.items()}
STEP = "np.tanh(x @ W_xh.T + h_prev @ W_hh.T + b_h)"  # the right answer of rnn_step, for rewards


def step(body: str) -> dict[str, str]:
    """An answer to rnn_step alone."""
    return {"rnn_step": function("rnn_step", body)}


def notebook(answers: dict[str, str], *, first: str = "", last: str = "", **replaced: str) -> dict[str, Any]:
    """The student's notebook with these answers; `first` is a cell before all tasks, `last` one at the end."""
    data = copy.deepcopy(STARTER)
    answers = answers | replaced
    for cell in data["cells"]:
        if "exercise" in cell["metadata"]:
            cell["source"] = answers[_source(cell).split("(")[0].removeprefix("def ")]
    if first:
        data["cells"].insert(2, code(first, "first"))
    if last:
        data["cells"].append(code(last, "last"))
    return data


def code(source: str, id: str) -> dict[str, Any]:
    """A code cell that belongs to no exercise."""
    source = textwrap.dedent(source).strip("\n")
    return {"cell_type": "code", "execution_count": None, "id": id, "metadata": {}, "outputs": [], "source": source}


@dataclass(frozen=True)
class Where:
    """What a well-informed attacker knows about the machine. Written @name@ in an entry."""

    repo: Path = ROOT  # the course, with its solutions
    victim: Path = Path("victim")  # a folder of the instructor: gradebook.csv, other.ipynb, results/
    port: int = 9  # somebody listens here on the local machine
    marker: str = "left-behind"  # name of whatever should not be left behind

    def fill(self, text: str) -> str:
        """The text with every @name@ replaced."""
        for name in ("repo", "victim", "port", "marker"):
            text = text.replace(f"@{name}@", str(getattr(self, name)))
        return text


@dataclass(frozen=True)
class Entry:
    """One submission. `right` earn their points in full, `half` the half; the others nothing, as without the attack.

    `says`: regular expressions that the feedback must match, whatever the case of its letters. `aim`: what a cheat
    is after, in words for the table; empty for honest submissions.
    """

    name: str
    kind: str
    data: Any  # a notebook, or bytes where the file itself is odd
    right: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    aim: str = ""
    never: tuple[str, ...] = field(default=())  # regular expressions that the feedback must not match
    seen: bool = True  # False: the file cannot be read at all, and the instructor is told so
    half: tuple[str, ...] = ()  # right results, but the caller's arrays are changed

    def __post_init__(self) -> None:
        assert self.kind in CLASSES, self.kind

    def bytes(self, where: Where | None = None) -> bytes:
        """The file that the student hands in."""
        if isinstance(self.data, bytes):
            return self.data
        return (where or Where()).fill(json.dumps(self.data, indent=1)).encode()


def honest(name: str, kind: str, data: Any, **more: Any) -> Entry:
    """Right answers in odd dress: all points."""
    return Entry(name, kind, data, FUNCTIONS, **more)


def without(*names: str) -> tuple[str, ...]:
    """All functions but these."""
    return tuple(name for name in FUNCTIONS if name not in names)


def cheat(name: str, kind: str, aim: str, *, first: str = "", last: str = "", says: tuple[str, ...] = (),
          never: tuple[str, ...] = (), **replaced: str) -> Entry:  # fmt: skip
    """Wrong answers, and a trick that is to make them count."""
    return Entry(name, kind, notebook(WRONG, first=first, last=last, **replaced), (), says, aim, never)


def trouble(name: str, kind: str, body: str, says: tuple[str, ...], **more: Any) -> Entry:
    """Right answers, but rnn_step misbehaves: it alone loses its points."""
    return Entry(name, kind, notebook(RIGHT, **step(body)), without("rnn_step"), says, **more)


def share(entry: Entry, function: str) -> float:
    """The share of its points that a function deserves."""
    return 1.0 if function in entry.right else 0.5 if function in entry.half else 0.0

"""Any bytes become a Submission: honest files of every kind are read, the rest has a reason in words."""

import collections
import json
import random
import time

import pytest

from course_pkg.grading import reader
from course_pkg.grading.reader import read
from tests.grading import fuzz
from tools.notebooks import ROOT


def cell(source, id="", kind="code", **more):
    metadata = {"exercise": {"id": id}} if id else {}
    return {"cell_type": kind, "metadata": metadata, "source": source} | more


def notebook(*cells, **more):
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | more


def data(*cells, **more):
    return json.dumps(notebook(*cells, **more)).encode()


ANSWER = "def f(x):\n    return x\n"
EXPECTED = {"03-f": "f", "03-g": "g"}


def test_every_hand_out_is_read():
    for path in sorted((ROOT / "exercises").glob("*.ipynb")):
        found = read(path.read_bytes())
        assert not found.reason and not found.oddities and len(found.exercises) >= 3, path.name
        assert all(exercise.startswith(path.name[:3].replace("_", "-")) for exercise in found.exercises)


def test_cells_come_in_order_with_their_numbers():
    found = read(data(cell("# text", kind="markdown"), cell(["import numpy\n", "x = 1"]), cell(ANSWER, "03-f")))
    assert [(c.name, c.source, c.exercise) for c in found.cells] == [
        ("Cell 2", "import numpy\nx = 1", ""),
        ("Cell 3 (03-f)", ANSWER, "03-f"),
    ]


@pytest.mark.parametrize(
    "content, reason, said",
    [
        (b"", "empty", "before it was saved"),
        (b"  \n", "empty", "before it was saved"),
        (b"%PDF-1.4", "not a notebook", "a PDF"),
        (b"PK\x03\x04xxxx", "not a notebook", "an archive"),
        (b"<!DOCTYPE html><html>", "not a notebook", "a web page"),
        (b"import numpy as np\n", "not a notebook", "a Python program"),
        (b'"{}"', "not a notebook", "ipynb"),
        (b"{}", "not a notebook", "ipynb"),
        (b'{"cells": [', "json", "line 1"),
        (b'{\n"cells": [],,}', "json", "line 2"),
        (b'{"a": ' + b"9" * 5000 + b"}", "json", "damaged"),
        (b'{"a":\n<<<<<<< HEAD\n1\n>>>>>>> b\n}', "json", "merge conflict"),
        (b'{"nbformat": 4}', "format", "format"),
        (data(), "no code", "no code"),
        (data(cell("x", kind="markdown")), "no code", "no code"),
        (b'{"a": ' + b"[" * 1000 + b"]" * 1000 + b"}", "too deep", "deeper"),
        (b'{"a": ' + b"[" * 10**6, "too long", "too large"),
        (b'{"a": "' + b"x" * (33 << 20) + b'"}', "too long", "too large"),
        (b'{"a": [' + b"1," * 700_000 + b"1]}", "too long", "too large"),
        (data(*[cell("x")] * 2001), "too long", "2001 cells"),
        (data(cell("x = 1\n" * 400_000)), "too long", "two million"),
        (bytes(range(256)) * 20, "not a notebook", "ipynb"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_cannot_be_read_has_a_reason(content, reason, said):
    found = read(content)
    assert (found.reason, found.cells) == (reason, ()) and said in found.detail


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
def test_encodings(encoding):
    text = json.dumps(notebook(cell("s = 'é'", "03-f")), ensure_ascii=False)
    found = read(text.encode(encoding))
    assert found.cells[0].source == "s = 'é'" and bool(found.oddities) == (encoding != "utf-8")
    assert set(found.codes) <= {"encoding"}


def test_format_3():
    code = {"cell_type": "code", "input": ["def f(x):\n", "    return x"], "language": "python", "outputs": []}
    heading = {"cell_type": "heading", "level": 1, "source": ["T"]}
    old = {"nbformat": 3, "metadata": {"name": ""}, "worksheets": [{"cells": [heading, code]}]}
    found = read(json.dumps(old).encode(), EXPECTED)
    assert found.cells[0].source == "def f(x):\n    return x" and found.cells[0].exercise == "03-f"
    assert found.codes[0] == "old format"


def test_lost_tags():
    """By the cell's own id, and where that is lost too, by the function; a comment or a method is no definition."""
    by_id = read(data(cell(ANSWER, id="03-f")), EXPECTED)
    bare = {"cell_type": "code", "source": ANSWER, "id": "03-f"}
    assert read(json.dumps(notebook(bare)).encode()).exercises == by_id.exercises == ("03-f",)
    found = read(data(cell("# def f(x)\nclass A:\n    def f(x): pass"), cell(ANSWER)), EXPECTED)
    assert [c.exercise for c in found.cells] == ["", "03-f"]
    assert found.codes == ("tag lost", "missing") and "03-g" in found.oddities[1]


def test_copied_cells_the_last_that_is_written_counts():
    starter = "def f(x):\n    raise NotImplementedError"
    found = read(data(cell(ANSWER, "03-f"), cell(starter, "03-f")))
    assert [c.source for c in found.cells] == [ANSWER] and found.codes == ("copied",)
    both = read(data(cell(starter, "03-f"), cell(starter, "03-f")))
    assert len(both.cells) == 2


def test_order_type_language_and_damage_are_told():
    found = read(
        data(
            cell("def g(x): pass", "03-g"), cell(ANSWER, "03-f", kind="markdown"), 7, cell(3), cell(["a", 1]),
            metadata={"kernelspec": {"name": "env", "language": "R"}, "language_info": {"name": "julia\n<b>"}},
        ),
        EXPECTED,
    )  # fmt: skip
    assert set(found.codes) == {"order", "cell type", "language", "damaged cell"}
    assert found.exercises == ("03-g", "03-f")
    assert not any("<" in words or "\n" in words for words in found.oddities)
    strange_kernel = read(data(cell("x = 1"), metadata={"kernelspec": {"name": "my-env", "language": "python"}}))
    assert not strange_kernel.oddities


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": None}, {"metadata": 3}, {"metadata": {"exercise": 3}}, {"metadata": {"exercise": {"id": ["x"]}}},
        {"metadata": {"exercise": {"id": "<script>"}}}, {"metadata": {"exercise": {"id": "03-" + "x" * 500}}},
        {"id": 4}, {"cell_type": "code", "outputs": "none"},
    ],
)  # fmt: skip
def test_strange_metadata_is_ignored(change):
    found = read(json.dumps(notebook(cell("x = 1") | change)).encode())
    assert [c.exercise for c in found.cells] == [""] and not found.reason


def test_lone_surrogates_do_not_come_through():
    content = b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "s = \'\\ud800\'"}]}'
    read(content).cells[0].source.encode("utf-8")


def test_quotes_do_not_make_it_slow():
    started = time.process_time()
    read(b'{"a": "' + b'\\"' * (8 << 20))
    assert time.process_time() - started < 3.0


def test_reader_survives_anything():
    """Mutated notebooks end with cells or with a reason, never with the last resort, in bounded time and memory."""
    paths = sorted((ROOT / "exercises").glob("0[1-4]*.ipynb"))
    seeds = [path.read_bytes() for path in paths]
    seeds += [data(cell(ANSWER, "03-f"), cell("%matplotlib inline"), cell("x", kind="markdown")) for _ in paths]
    seeds += [json.dumps(notebook(cell("s = 'é'")), ensure_ascii=False).encode("utf-16"), b'{"worksheets": [{}]}']
    ends = collections.Counter()
    expected = {"03-rnn-step": "rnn_step", "03-f": "f"}

    def take(content):
        found = read(content, expected)
        assert bool(found.cells) != bool(found.reason) and (not found.reason or found.detail)
        json.dumps([c.source for c in found.cells] + [*found.oddities]).encode("utf-8")
        ends[found.reason or "read"] += 1

    inputs = fuzz.count(3000)
    longest, most = fuzz.run(seeds, take, inputs, seed=10)
    print(f"{inputs} notebooks: {dict(ends)}, longest {longest:.3f} CPU s, most {most >> 10} KiB")
    assert ends["read"] > inputs // 20 and ends["json"] > inputs // 20 and not ends["unreadable"]
    assert longest < 1.0 and most < 20 << 20


def test_mutants_are_the_same_every_time():
    first, second = (fuzz.mutant(random.Random(3), [b"abcdef"] * 2) for _ in range(2))
    assert first == second


def test_every_reason_has_words():
    assert all(len(words) > 20 for words in reader.REASONS.values())

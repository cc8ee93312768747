"""Every committed notebook of book/ and solutions/ is honest; and each rule catches a notebook that is not."""

import functools
import json

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import honesty
from tools.notebooks import ROOT, find

PNG = {"image/png": "iVBORw0KGgo="}
RULES = {
    "executed in order": honesty.executed_in_order,
    "errors are tagged": honesty.errors_are_tagged,
    "no stderr": honesty.no_stderr,
    "no semicolon": honesty.no_semicolon,
    "images have alt": honesty.images_have_alt,
    "exemptions have reasons": honesty.exemptions_have_reasons,
}
RULES |= {f"no {what}": functools.partial(honesty.nothing_changing, what=what) for what in honesty.CHANGING}


@functools.cache
def committed():
    return {path.relative_to(ROOT).as_posix(): json.loads(path.read_text(encoding="utf8")) for path in find()}


def test_there_are_notebooks():
    assert [name for name in committed() if name.startswith("book/")], "no notebook in book/"


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_committed_notebooks(rule):
    problems = [f"{name}: {problem}" for name, notebook in committed().items() for problem in rule(notebook)]
    assert not problems, "\n" + "\n".join(problems)


def test_few_cells_are_exempt():
    problems = honesty.too_many_exempt(list(committed().values()))
    assert not problems, problems[0]


def test_notebooks_are_small():
    sizes = {path.name: path.stat().st_size for path in find()}
    assert not honesty.too_large(sizes), honesty.too_large(sizes)


# --- the rules themselves: a made-up notebook that breaks one is caught, its honest twin passes ---


def printed(text, kind="stdout", **metadata):
    output = new_output("stream", name=kind, text=text)
    return new_code_cell("f()", execution_count=1, outputs=[output], metadata=metadata)


def shown(data, source="f()", **metadata):
    output = new_output("display_data", data=data)
    return new_code_cell(source, execution_count=1, outputs=[output], metadata=metadata)


def error(**metadata):
    output = new_output("error", ename="ValueError", evalue="no", traceback=["\x1b[31mValueError\x1b[0m: no"])
    return new_code_cell("f()", execution_count=1, outputs=[output], metadata=metadata)


def cell(source, count=1, **metadata):
    return new_code_cell(source, execution_count=count, metadata=metadata)


def with_widget(value):
    state = {"state": {"0" * 32: {"model_name": "HTMLModel", "state": {"value": value}}}}
    widgets = {"application/vnd.jupyter.widget-state+json": state}
    return new_notebook(cells=[cell("f()")], metadata={"widgets": widgets})


BAD = {
    "executed in order": [
        [cell("a", None)],
        [cell("a", 1), cell("b", 3)],
        [cell("a", 2)],
        [cell("a", 1), cell("b", 1)],
    ],
    "errors are tagged": [[error()], [cell("f()", tags=["raises-exception"])]],
    "no stderr": [[printed("UserWarning: careful", kind="stderr")]],
    "no semicolon": [[cell("ax.plot(x);")], [cell("a\nb; \n")]],
    "images have alt": [
        [shown(PNG)],
        [shown({"image/svg+xml": "<svg/>"})],
        [shown(PNG, mystnb={"image": {"alt": " "}})],
        [shown({"text/html": '<svg role="img"><path d=""/></svg>'})],
        [shown({"text/html": '<svg role="img" aria-label=""></svg>'})],
        [shown({"text/html": '<svg aria-label="A net"></svg>'})],
        [shown({"text/html": '<img src="data:x">'})],
        [new_markdown_cell("![](net.png)")],
        [new_markdown_cell('<img src="net.png">')],
        with_widget('<img src="data:image/png;base64,AA">'),
    ],
    "exemptions have reasons": [
        [cell("f()", tags=["nbval-skip"])],
        [cell("f()", tags=["nbval-ignore-output"], nbval_reason=" ")],
        [cell("# NBVAL_IGNORE_OUTPUT\nf()")],
    ],
    "no address": [
        [printed("<object at 0x7f8e25c47ed0>")],
        [shown({"text/plain": "<function f at 0x7f8e25c47ed0>"})],
        [shown({"text/html": '<p title="0x7f8e25c47ed0">x</p>'})],
    ],
    "no path": [
        [printed("/home/ada/course/x.py")],
        [printed("read '/data/digits.csv'")],
        [printed("C:\\Users\\ada")],
        [printed("lib/site-packages/numpy")],
        [printed("~/course/x.py")],
    ],
    "no date": [
        [printed("trained on 2026-01-31")],
        [printed("31.01.2026")],
        [printed("Jan 31, 2026")],
        [printed("31 January 2026")],
    ],
    "no clock time": [[printed("done at 17:04")], [printed("17:04:59.123")]],
    "no duration": [
        [printed("0.35 s")],
        [printed("took 12 ms per step")],
        [printed("3.2 seconds")],
        [printed("Wall time: little")],
        [printed("100%|####| 5/5 [00:01, 41.3it/s]")],
        [shown({"text/html": "<td>1.5 ms</td>"})],
    ],
}
GOOD = {
    "executed in order": [[new_markdown_cell("a"), cell("a", 1), new_code_cell(""), cell("b", 2)]],
    "errors are tagged": [[error(tags=["raises-exception"])], [cell("f()")]],
    "no stderr": [[printed("loss 0.1")]],
    "no semicolon": [[cell("a; b")]],
    "images have alt": [
        [shown(PNG, mystnb={"image": {"alt": "The loss falls"}})],
        [shown({"text/html": '<svg role="img" aria-label="A net"></svg>'})],
        [shown({"text/html": '<svg aria-hidden="true"></svg>'})],
        [shown({"text/html": '<img alt="A net" src="data:x">'})],
        [new_markdown_cell("![A net](net.png)")],
        with_widget('<img alt="A net" src="data:image/png;base64,AA">'),
    ],
    "exemptions have reasons": [[cell("f()", tags=["nbval-skip"], nbval_reason="needs a keyboard")], [cell("f()")]],
    "no address": [[printed("0xff = 255, 10x20, #1f77b4")]],
    "no path": [
        [printed("a / b, 3/4, and/or, W_xh/W_hh, T/B/D: 1/2/3")],
        [shown({"text/html": '<a href="chapter.html">x</a></p>'})],
        [printed("/home/ada/x.py", allows={"path": "the subject of this cell"})],
    ],
    "no date": [
        [printed("2026 samples, 1-2-3, 3.14.15, 12/31")],
        [printed("31 January 2026", allows={"date": "a sample of the data set"})],
    ],
    "no clock time": [[printed("ratio 3:10, x[10:20], 1:2:3, (32, 100)")]],
    "no duration": [
        [printed("5 steps, 3 hidden units, 12 min-batches, s = 3, 128 h_1, 4-s")],
        [shown({"text/html": '<style>a {transition: 0.2s}</style><p style="animation: 1s">x</p>'})],
    ],
}


def as_notebook(cells):
    return cells if isinstance(cells, dict) else new_notebook(cells=cells)


def test_every_rule_is_tested():
    assert set(BAD) == set(GOOD) == set(RULES)


@pytest.mark.parametrize("name, cells", [(name, cells) for name, many in BAD.items() for cells in many])
def test_rule_catches(name, cells):
    problems = RULES[name](as_notebook(cells))
    assert len(problems) == 1, problems
    assert "cell" in problems[0] or "widget" in problems[0]


@pytest.mark.parametrize("name, cells", [(name, cells) for name, many in GOOD.items() for cells in many])
def test_rule_passes_what_is_honest(name, cells):
    assert RULES[name](as_notebook(cells)) == []


def test_large_notebook_is_caught():
    assert honesty.too_large({"small": 999_999}) == []
    assert "big" in honesty.too_large({"small": 1, "big": 1_000_001})[0]


def test_too_many_exempt_cells_are_caught():
    skipped = cell("f()", tags=["nbval-skip"], nbval_reason="needs a keyboard")
    few, many = {"cells": [cell("a")] * 49 + [skipped]}, {"cells": [cell("a")] * 48 + [skipped]}
    assert honesty.too_many_exempt([few]) == []
    assert "1 of 49" in honesty.too_many_exempt([many])[0]

"""`{number-question}`: a question whose answer the package computes while the book is built.

    :::{number-question} 31050
    :question: How many parameters has a GRU with 3 inputs and 100 units, in our form?
    :compute: course_pkg.tree.count(course_pkg.gru.init_gru(rng, 3, 100))

    Three gates of $100 \\times (3 + 100)$ weights and 100 biases, and one bias more inside the reset gate.

    ? 30900: These are the weights alone.
    :::

The number at the head is what the source says, so that the question reads well without the build; the build computes
it again and stops when the two differ by more than `:within:` (0 if not given). Lines that begin with a question mark
are slips with an answer of their own. Without a script the answers are there to be opened, as in every quiz.
"""

from __future__ import annotations

import importlib
import re

import numpy as np
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

SLIP = re.compile(r"^\? *([-+.\de]+): *(.*)$")
MODULE = re.compile(r"\bcourse_pkg(?:\.[a-z_][a-z_0-9]*)+")


class NumberQuestion(SphinxDirective):
    required_arguments = 1
    has_content = True
    option_spec = {"question": directives.unchanged_required, "compute": directives.unchanged_required,
                   "within": float, "hint": directives.unchanged}  # fmt: skip

    def run(self) -> list[nodes.Node]:
        if not {"question", "compute"} <= set(self.options):
            raise self.error("number-question: :question: and :compute: are needed")
        stated, within = float(self.arguments[0]), self.options.get("within", 0.0)
        try:
            computed = compute(self.options["compute"])
        except Exception as error:
            raise self.error(f"number-question: {self.options['compute']} failed: {error!r}") from error
        if not abs(computed - stated) <= within:
            raise self.error(f"number-question: the page says {stated:g}, the package computes {computed!r}")
        lines = [line for line in self.content if not SLIP.match(line)]
        slips = [SLIP.match(line).groups() for line in self.content if SLIP.match(line)]
        if any(abs(float(value) - computed) <= within for value, _ in slips):
            raise self.error("number-question: a slip is the right answer")
        box = nodes.container(classes=["quiz-number"])
        box += self.paragraph(self.options["question"])
        if "hint" in self.options:
            hint = self.paragraph(self.options["hint"])
            hint["classes"] = ["quiz-hint"]
            box += hint
        box += self.answer("right", self.arguments[0], computed, within, lines)
        for value, text in slips:
            box += self.answer("wrong", value, float(value), within, [text])
        return [box]

    def paragraph(self, text: str) -> nodes.paragraph:
        children, _ = self.state.inline_text(text, self.lineno)
        return nodes.paragraph(text, "", *children)

    def answer(self, kind: str, shown: str, value: float, within: float, lines: list[str]) -> list[nodes.Node]:
        summary = "Show the answer" if kind == "right" else f"I found {shown}"
        data = f'data-value="{value!r}" data-within="{within!r}"'
        head = f'<details class="quiz {kind}" {data}><summary>{summary}</summary>'
        inner = nodes.container()
        text = [f"**{shown}.** {lines[0]}" if kind == "right" and lines else (lines or [""])[0], *lines[1:]]
        self.state.nested_parse(StringList(text, source=""), self.content_offset, inner)
        return [nodes.raw("", head, format="html"), *inner.children, nodes.raw("", "</details>", format="html")]


def compute(expression: str) -> float:
    """The expression's value. It may name anything of course_pkg in full, `np`, and `rng`, a generator with seed 0."""
    for name in MODULE.findall(expression):
        parts = name.split(".")
        for end in range(len(parts), 0, -1):  # the longest part of the name that is a module
            try:
                importlib.import_module(".".join(parts[:end]))
                break
            except ModuleNotFoundError:
                continue
    names = {"course_pkg": importlib.import_module("course_pkg"), "np": np, "rng": np.random.default_rng(0)}
    return float(eval(expression, names))  # the book's own source, as its cells are


def setup(app: Sphinx) -> None:
    app.add_directive("number-question", NumberQuestion)


def needs_script(body: str) -> bool:
    return 'class="quiz ' in body



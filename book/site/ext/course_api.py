"""`{api} course_pkg.gru`: a module's public functions and classes, from its source and its docstrings.

The source is read, never imported: the book builds without torch. A docstring's label at its head, such as (gru-step),
becomes a link to the equation. What a module makes public is what has no underscore in front.
"""

from __future__ import annotations

import ast
import functools
import re
import textwrap
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[3]
LABEL = re.compile(r"^\(([a-z0-9-]+(?:, ?[a-z0-9-]+)*)\)\s*")
LITERAL = re.compile(r"`([^`]+)`")
EQUATION = re.compile(r"\$\$\s*\(([a-z0-9-]+)\)")  # in a page's source: $$ ... $$ (label)
WIDTH = 78  # a signature longer than this is broken, one argument a line


class Api(SphinxDirective):
    """One module of the package, as a section with an entry for each public name."""

    required_arguments = 1
    option_spec = {"only": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        module = self.arguments[0]
        path = source_of(module)
        if path is None:
            raise self.error(f"api: no module {module!r} in {ROOT.name}")
        self.env.note_dependency(str(path))
        tree = ast.parse(path.read_text(encoding="utf8"))
        only = self.options.get("only", "").split()
        section = nodes.section(ids=[anchor(module)], names=[module], classes=["api-module"])
        section += nodes.title("", "", nodes.literal(module, module))
        section += prose(ast.get_docstring(tree) or "", self.env.docname)
        for item in tree.body:
            if public(item) and (not only or item.name in only):
                section += self.entry(module, item)
        return [section]

    def entry(self, module: str, item: Any) -> nodes.Node:
        name = f"{module}.{item.name}"
        box = nodes.container(ids=[anchor(name)], classes=["api-item"])
        code = nodes.literal_block(signature(item), signature(item), language="python", classes=["api-signature"])
        box += code
        text = nodes.container(classes=["api-text"])
        text += prose(ast.get_docstring(item) or "", self.env.docname)
        if isinstance(item, ast.ClassDef):
            for method in item.body:
                if isinstance(method, ast.FunctionDef) and public(method) and ast.get_docstring(method):
                    text += nodes.literal_block(signature(method), signature(method), language="python")
                    text += prose(ast.get_docstring(method) or "", self.env.docname)
        box += text
        return box


def source_of(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def public(item: ast.AST) -> bool:
    kinds = (ast.FunctionDef, ast.ClassDef)
    return isinstance(item, kinds) and not item.name.startswith("_")


def anchor(name: str) -> str:
    return "api-" + name.replace(".", "-").replace("_", "-").lower()


def signature(item: Any) -> str:
    """`def f(...) -> T` or `class C(Base)` with its fields, in the source's own words."""
    if isinstance(item, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in item.bases)
        head = f"class {item.name}({bases})" if bases else f"class {item.name}"
        fields = [f"    {ast.unparse(line)}" for line in item.body if isinstance(line, ast.AnnAssign)]
        return "\n".join([head, *fields])
    returns = f" -> {ast.unparse(item.returns)}" if item.returns else ""
    line = f"{item.name}({ast.unparse(item.args)}){returns}"
    if len(line) <= WIDTH:
        return line
    return f"{item.name}(\n" + "".join(f"    {argument},\n" for argument in arguments(item.args)) + f"){returns}"


def arguments(args: ast.arguments) -> list[str]:
    """Each argument with its annotation and its default, as the source has it."""
    places = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(places) - len(args.defaults)) + list(args.defaults)
    parts = [one_argument(place, default) for place, default in zip(places, defaults)]
    if args.vararg:
        parts.append(f"*{ast.unparse(args.vararg)}")
    elif args.kwonlyargs:
        parts.append("*")
    parts += [one_argument(place, default) for place, default in zip(args.kwonlyargs, args.kw_defaults)]
    return [*parts, f"**{ast.unparse(args.kwarg)}"] if args.kwarg else parts


def one_argument(place: ast.arg, default: ast.expr | None) -> str:
    text = ast.unparse(place)
    if default is None:
        return text
    return f"{text} = {ast.unparse(default)}" if place.annotation else f"{text}={ast.unparse(default)}"


def prose(text: str, docname: str) -> list[nodes.Node]:
    """A docstring as paragraphs; its indented parts as they stand; the labels at its head as links to equations."""
    made: list[nodes.Node] = []
    found = LABEL.match(text)
    if found and set(re.split(r", ?", found[1])) <= equation_labels():
        line = nodes.paragraph(classes=["api-equation"])
        for k, label in enumerate(re.split(r", ?", found[1])):
            line += [nodes.Text(", " if k else ""), equation(label, docname)]
        made.append(line)
        text = text[found.end() :]
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        lines = block.split("\n")
        cut = next((k for k, line in enumerate(lines) if line.startswith("  ")), len(lines))
        end = next((k for k in range(cut, len(lines)) if not lines[k].startswith("  ")), len(lines))
        for part, indented in ((lines[:cut], False), (lines[cut:end], True), (lines[end:], False)):
            if part and indented:
                shown = textwrap.dedent("\n".join(part))
                made.append(nodes.literal_block(shown, shown, language="text"))
            elif any(line.strip() for line in part):
                made.append(paragraph(" ".join(line.strip() for line in part)))
    return made


@functools.cache
def equation_labels() -> frozenset[str]:
    """The labels of all equations that the book's pages have."""
    pages = [*(ROOT / "book").glob("*.ipynb"), *(ROOT / "book").glob("*.md")]
    return frozenset(label for page in pages for label in EQUATION.findall(page.read_text(encoding="utf8")))


def paragraph(text: str) -> nodes.paragraph:
    line = nodes.paragraph()
    for k, piece in enumerate(LITERAL.split(text)):
        line += nodes.literal(piece, piece) if k % 2 else nodes.Text(piece)
    return line


def equation(label: str, docname: str) -> nodes.Node:
    target = addnodes.pending_xref(
        "", reftype="eq", refdomain="math", reftarget=label, refdoc=docname, refexplicit=False, refwarn=True
    )
    target += nodes.literal(label, label)
    return target


def setup(app: Sphinx) -> None:
    app.add_directive("api", Api)

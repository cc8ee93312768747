"""Mathematics typeset while the book is built: pages carry finished equations and no script for them.

MathJax runs once, at build time, inside V8 (the pip packages sphinx-mathjax-offline and mini-racer). What it makes is
kept beside the doctrees, so that a second build typesets only what is new. The style sheet holds the letters that the
book uses and no others. Each equation also stands there as MathML, hidden from sight, for screen readers.
"""

from __future__ import annotations

import base64
import html
import importlib.util
import io
import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

logger = logging.getLogger(__name__)
PACKAGE = "sphinx-mathjax-offline"
PARTS = ("startup", "core", "adaptors/liteDOM", "input/tex-full", "output/chtml", "output/chtml/fonts/tex",
         "a11y/assistive-mml")  # fmt: skip
SETTINGS = """
var global = globalThis, console = { log() {}, warn() {}, error() {} };
var MathJax = { loader: { load: [] }, startup: { typeset: false }, chtml: { adaptiveCSS: false, fontURL: "FONTS" },
  tex: { packages: { "[-]": ["noundefined", "noerrors"] } } };
"""
START = f"MathJax.loader.preLoad({', '.join(map(json.dumps, PARTS))}); MathJax.startup.defaultReady();"
TYPESET = "MathJax.startup.adaptor.outerHTML(MathJax.tex2chtml(%s, { display: %s, em: 16, ex: 7.5 }))"
RULES = "MathJax.startup.adaptor.textContent(MathJax.chtmlStylesheet())"
USELESS = (' texclass="ORD"', ' data-mjx-texclass="ORD"', ' unselectable="on"', ' style="position: relative;"',
           ' xmlns="http://www.w3.org/1998/Math/MathML"')  # fmt: skip
FOR_READERS = """
mjx-container { position: relative; }
mjx-assistive-mml { position: absolute !important; top: 0; left: 0; clip-path: inset(50%); overflow: hidden !important;
  width: 1px !important; height: 1px !important; padding: 0 !important; border: 0 !important; user-select: none; }
"""


def mathjax_folder() -> Path:
    """Where the installed package keeps MathJax's files."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ExtensionError(f"course_math: {PACKAGE} is not installed; run pip install -r requirements.txt")
    return Path(spec.origin).parent / "static" / "mathjax"


class Typesetter:
    """TeX -> HTML, remembered in a file. V8 starts with the first formula that is new."""

    def __init__(self, memory: Path) -> None:
        self.memory = memory
        self.known: dict[str, str] = json.loads(memory.read_text(encoding="utf8")) if memory.exists() else {}
        self.engine: Any = None
        self.new = False

    def __call__(self, tex: str, display: bool) -> str:
        """One formula. A ValueError holds MathJax's words when it does not understand it."""
        key = ("D" if display else "I") + tex
        if key not in self.known:
            made = self.start().eval(TYPESET % (json.dumps(tex), json.dumps(display)))
            wrong = re.search(r'data-mjx-error="([^"]*)"', made)
            if wrong:
                raise ValueError(f"{wrong[1]}: {tex}")
            for useless in USELESS:
                made = made.replace(useless, "")
            self.known[key], self.new = made, True
        return self.known[key]

    def start(self) -> Any:
        """V8 with MathJax in it."""
        if self.engine is None:
            from py_mini_racer import MiniRacer

            self.engine = MiniRacer()
            self.engine.eval(SETTINGS)
            for part in PARTS:
                self.engine.eval((mathjax_folder() / f"{part}.js").read_text(encoding="utf8"))
            self.engine.eval(START)
        return self.engine

    def finish(self, style_sheet: Path) -> None:
        """Write the style sheet and the memory, if there is anything new, and stop V8."""
        if self.new or not style_sheet.exists():
            style_sheet.parent.mkdir(parents=True, exist_ok=True)
            style_sheet.write_text(used_rules(self.start().eval(RULES), self.known.values()), encoding="utf8")
            self.memory.parent.mkdir(parents=True, exist_ok=True)
            self.memory.write_text(json.dumps(self.known), encoding="utf8")
        if self.engine is not None:
            self.engine.close()
            self.engine, self.new = None, False


def used_rules(rules: str, formulas: Any) -> str:
    """MathJax's rules, less the letters that no formula has; its fonts as data, with the same letters left out."""
    whole = " ".join(formulas)
    used = {tuple(found.split()) for found in re.findall(r'(?<=class=")mjx-c[0-9A-F]+(?: TEX-\w+)?', whole)}
    stretched = set(re.findall(r'<mjx-stretchy-[vh][^>]* class="(mjx-c[0-9A-F]+)', whole))
    styles = {style for _, *more in used for style in more} | {"TEX-S4"}  # S4 has the pieces of tall brackets
    kept, faces, shown = [FOR_READERS], [], set()
    for rule in re.findall(r'[^{}]+\{(?:"(?:[^"\\]|\\.)*"|[^{}"])*\}', rules):  # a text in quotes may be a brace
        selector, body = (" ".join(part.split()) for part in rule[:-1].split("{", maxsplit=1))
        letter = re.match(r"(mjx-stretchy-[vh])?(?:mjx-c)?\.(mjx-c[0-9A-F]+)(?:\.(TEX-\w+))?", selector)
        if selector.startswith("@font-face"):
            faces.append(body)
        elif letter and letter[1]:
            wanted = letter[2] in stretched
        elif letter:
            wanted = ((letter[2], letter[3]) if letter[3] else (letter[2],)) in used
        if not selector.startswith("@font-face") and (not letter or wanted):
            shown |= set(map(ord, _content(body)))
            kept.append(f"{selector} {{ {body} }}")
    families = {"MJXZERO", "MJXTEX", *("MJX" + style for style in styles)}
    return "\n".join([*(_face(body, shown) for body in faces if _family(body) in families), *kept]) + "\n"


def _content(body: str) -> str:
    """The letters that a rule shows: content: "\\2C6" is one of them."""
    found = re.search(r'content: "((?:[^"\\]|\\.)*)"', body)
    return re.sub(r"\\([0-9A-Fa-f]{1,6}) ?|\\(.)", _letter, found[1]) if found else ""


def _letter(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else escape[2]


def _family(body: str) -> str:
    return re.search(r"font-family: ([\w-]+)", body)[1]


def _face(body: str, letters: set[int]) -> str:
    """A @font-face rule with the font inside, cut down to these letters."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    name = re.search(r"MathJax_[\w-]+\.woff", body)[0]
    font = TTFont(mathjax_folder() / "output/chtml/fonts/woff-v2" / name)
    options = subset.Options(flavor="woff", notdef_outline=True, hinting=False, layout_features=[])
    options.drop_tables += ["FFTM"]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=letters)
    if "_Zero" not in name:  # that one is blank by design
        cutter.subset(font)
    font.flavor, packed = "woff", io.BytesIO()
    font.save(packed)
    data = base64.b64encode(packed.getvalue()).decode("ascii")
    return f'@font-face {{ font-family: {_family(body)}; src: url("data:font/woff;base64,{data}") format("woff"); }}'


def typeset(app: Sphinx, tex: str, display: bool, node: nodes.Node | None = None) -> str:
    """The finished formula; a warning, and the TeX itself, when MathJax does not understand it."""
    try:
        return app.course_typesetter(tex, display)
    except ValueError as error:
        logger.warning("mathematics: %s", error, location=node)
        return html.escape(tex)


def visit_inline(self: Any, node: nodes.math) -> None:
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    self.body.append(typeset(self.builder.app, node.astext(), False, node) + "</span>")
    raise nodes.SkipNode


def visit_display(self: Any, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append(typeset(self.builder.app, whole(node), True, node) + "</div>\n")
    raise nodes.SkipNode


def whole(node: nodes.math_block) -> str:
    """The TeX of a displayed equation: paragraphs under one another, a line that ends in \\\\ split there."""
    if node["nowrap"]:
        return node.astext()
    parts = [part for part in node.astext().split("\n\n") if part.strip()]
    lines = [rf"\begin{{split}}{part}\end{{split}}" if r"\\" in part else part for part in parts]
    return lines[0] if len(lines) == 1 else r"\begin{aligned}" + r"\\".join(lines) + r"\end{aligned}"


def begin(app: Sphinx) -> None:
    app.course_typesetter = Typesetter(Path(app.doctreedir) / "course-math.json")


def read(app: Sphinx, doctree: nodes.document) -> None:
    """Typeset a page's formulas as soon as it is read: the style sheet must stand before the first page is written."""
    for node in doctree.findall(lambda n: isinstance(n, nodes.math | nodes.math_block)):
        inline = isinstance(node, nodes.math)
        typeset(app, node.astext() if inline else whole(node), not inline, node)


def write_rules(app: Sphinx, *_: Any) -> None:
    app.course_typesetter.finish(Path(app.outdir) / "_static" / "course-math.css")


def setup(app: Sphinx) -> None:
    app.add_html_math_renderer("course", (visit_inline, None), (visit_display, None))
    app.connect("builder-inited", begin)
    app.connect("doctree-read", read, priority=900)
    app.connect("env-updated", write_rules)
    app.connect("build-finished", write_rules)
    app.add_css_file("course-math.css", priority=890)

"""Live figures: networks that run in the page (book/site/live/README.md says how to add one).

    :::{live-figure} unrolling
    The caption.
    :::

The build draws the first state, with numbers from course_pkg and the figure's own script in V8. That picture is the
figure where no script runs, on paper and for the search; in the page the script takes it over. The build stops when the
package, the fixture and the script disagree about a single number.
"""

from __future__ import annotations

import html
import importlib
import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

LIVE = Path(__file__).resolve().parents[1] / "live"  # book/site/live
PARITY, CELL = 1e-5, {"c": 1e-4, "cs": 1e-4}  # page against package: tolerances, the cell's state apart
DRIFT = 1e-6  # package against fixture
AGAIN = "python -m course_pkg.viz.live.fixtures"
made: dict[str, str] = {}  # name -> HTML, once in a build


def slim(script: str) -> str:
    """A script without the comments that have lines of their own, and without indents: a fifth less to load."""
    kept, inside = [], False
    for line in map(str.strip, script.splitlines()):
        inside = inside or line.startswith("/**")
        if line and not inside and not line.startswith("//"):
            kept.append(line)
        inside = inside and "*/" not in line
    return "\n".join(kept) + "\n"


def style_sheets() -> dict[str, str]:
    """live.css cut at its headings /* --- NAME --- */: what every figure needs, as "live", and what one figure adds."""
    parts = re.split(r"/\* --- (\w+) --- \*/", (LIVE / "live.css").read_text(encoding="utf8"))
    sheets = {"live": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}
    return {name: re.sub(r"\s*\n\s*", "\n", re.sub(r"/\*.*?\*/", "", sheet)) for name, sheet in sheets.items()}


def copy_files(app: Sphinx) -> None:
    """Put scripts and style sheets where the pages look for them."""
    if app.builder.format != "html":
        return
    folder = Path(app.outdir) / "_static" / "live"
    folder.mkdir(parents=True, exist_ok=True)
    texts = {path.name: slim(path.read_text(encoding="utf8")) for path in LIVE.glob("*.js")}
    for name, text in (texts | {f"{name}.css": sheet for name, sheet in style_sheets().items()}).items():
        (folder / name).write_text(text, encoding="utf8")


class Script:
    """A figure's script in V8, without a page: its numbers and its drawing."""

    def __init__(self, name: str) -> None:
        from py_mini_racer import MiniRacer

        path = LIVE / f"{name}.js"
        if not path.is_file():
            raise ExtensionError(f"live figure {name}: there is no script {path.name} in book/site/live")
        self.name, self.engine = name, MiniRacer()
        self._eval(f"{slim((LIVE / 'core.js').read_text('utf8'))}\n{slim(path.read_text('utf8'))}\n''")
        if self._eval(f"typeof CourseLive.figures[{json.dumps(name)}]?.draw") != "function":
            raise ExtensionError(f'live figure {name}: {path.name} calls no CourseLive.figure("{name}", ...) with draw')

    def give(self, data: dict, packed: dict) -> None:
        """Hand over what the page would have."""
        self._eval(
            f"var F = CourseLive.figures[{json.dumps(self.name)}], D = {json.dumps(data)};"
            f"D.weights = CourseLive.core.unpack({json.dumps(packed)}); ''"
        )

    def numbers(self, state: dict) -> dict:
        return json.loads(self._eval(f"JSON.stringify(CourseLive.kit.plain(F.numbers(D, {json.dumps(state)})))"))

    def draw(self, state: dict, numbers: dict) -> str:
        return self._eval(f"F.draw(D, {json.dumps(state)}, {json.dumps(numbers)})")

    def _eval(self, code: str) -> Any:
        from py_mini_racer import JSEvalException

        try:
            return self.engine.eval(code)
        except JSEvalException as problem:
            raise ExtensionError(f"live figure {self.name}: {problem}") from problem


def compare(name: str, figure: Any, script: Script, kept: dict) -> dict:
    """Refuse the figure unless package, fixture and script agree in every case. Returns the package's first numbers."""
    now = importlib.import_module("course_pkg.viz.live.figure")
    again = f"`{AGAIN} {name}` writes it anew; then look whether the figure and its caption still hold"
    fixture = json.loads(json.dumps(figure.fixture()))
    if fixture["weights"] != kept["weights"]:
        raise ExtensionError(f"live figure {name}: the weights are no longer those of the fixture. {again}")
    if [case["state"] for case in fixture["cases"]] != [case["state"] for case in kept["cases"]]:
        raise ExtensionError(f"live figure {name}: the fixture has other states than the package. {again}")
    for number, (case, old) in enumerate(zip(fixture["cases"], kept["cases"], strict=True)):
        for found in now.differences(case["numbers"], old["numbers"], DRIFT):
            raise ExtensionError(f"live figure {name}, case {number}: package against fixture, {found}. {again}")
        for found in now.differences(script.numbers(case["state"]), case["numbers"], PARITY, CELL):
            raise ExtensionError(f"live figure {name}, case {number}: {name}.js against the package, {found}")
    return fixture["cases"][0]["numbers"]


def build(name: str, weights_to: Path) -> str:
    """The figure's HTML, its first state drawn; a file of weights beside the scripts where they are many."""
    figures = importlib.import_module("course_pkg.viz.live.figure")
    if name not in figures.names():
        raise ExtensionError(f"live figure {name}: no such figure; known: {', '.join(figures.names())}")
    fixture = LIVE / "fixtures" / f"{name}.json"
    if not fixture.is_file():
        raise ExtensionError(f"live figure {name}: there is no fixture; `{AGAIN} {name}` writes it")
    figure, script = figures.load(name), Script(name)
    data, packed = json.loads(json.dumps(figures.plain(dict(figure.data)))), figure.packed()
    script.give(data, packed)
    numbers = compare(name, figure, script, json.loads(fixture.read_text(encoding="utf8")))
    drawn = script.draw(dict(figure.state), numbers)
    page: dict[str, Any] = {"data": data, "state": dict(figure.state)}
    if figure.lazy:
        weights_to.mkdir(parents=True, exist_ok=True)
        call = f"CourseLive.weights({json.dumps(name)},{json.dumps(packed, separators=(',', ':'))});\n"
        (weights_to / f"{name}.weights.js").write_text(call, encoding="utf8")
    else:
        page["weights"] = packed
    inside = json.dumps(page, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")
    return (
        f'<live-figure name="{name}"><script type="application/json">{inside}</script>'
        f'<div class="lf lf-{name}" role="group" aria-label="{html.escape(figure.label)}">{drawn}</div></live-figure>'
    )


def depends_on(name: str) -> list[Path]:
    """The files that the figure is made of: a page is built anew when one has changed."""
    figures = importlib.import_module("course_pkg.viz.live.figure")
    package = Path(figures.__file__).parent
    own = [LIVE / "core.js", LIVE / f"{name}.js", LIVE / f"fixtures/{name}.json", package / "figure.py"]
    own.append(package / f"{name}.py")
    text = own[-1].read_text(encoding="utf8") if own[-1].is_file() else ""
    return [*own, *(path for path in figures.RESULTS.glob("*.*") if path.stem in text)]


class LiveFigureDirective(SphinxDirective):
    """``live-figure NAME`` with the caption as its content; its label is ``live-NAME`` unless :name: says another."""

    required_arguments, has_content = 1, True
    option_spec = {"name": str}

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        for path in depends_on(name):
            self.env.note_dependency(str(path))
        self.assert_has_content()
        if name not in made:
            made[name] = build(name, Path(self.env.app.outdir) / "_static" / "live")
        figure = nodes.figure("", nodes.raw("", made[name], format="html"), classes=["live"])
        caption = nodes.caption()
        caption += self.parse_inline(" ".join(self.content), lineno=self.lineno)[0]
        figure += caption
        self.set_source_info(figure)
        self.options.setdefault("name", f"live-{name}")
        self.add_name(figure)
        return [figure]


def page_assets(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None) -> None:
    """Scripts and the style sheet, on the pages that have a figure and on no other."""
    body = context.get("body", "")
    names = [name for name in sorted(path.stem for path in LIVE.glob("*.js")) if f'<live-figure name="{name}"' in body]
    if not names:
        return
    for name in names:  # the page may be older than the folder of what was built
        weights = Path(app.outdir) / "_static" / "live" / f"{name}.weights.js"
        in_page = body.split(f'<live-figure name="{name}"')[1].split("</script>")[0]
        if '"weights":{' not in in_page and not weights.is_file():
            build(name, weights.parent)
    for sheet in ("live", *(name for name in names if name in style_sheets())):
        app.add_css_file(f"live/{sheet}.css", priority=910)
    for name in ("core.js", *(f"{name}.js" for name in names), "frame.js"):  # frame.js starts what is there
        app.add_js_file(f"live/{name}", loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("live-figure", LiveFigureDirective)
    app.connect("builder-inited", copy_files, priority=900)
    app.connect("html-page-context", page_assets)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

"""The book's Sphinx extension: looks, mathematics and widgets that need no network and no second machine.

- The style sheet and one small script go on every page; the widget renderer only on pages that hold a widget.
- MathJax comes from the pip package sphinx-mathjax-offline; only what these pages use of it is copied.
- Matplotlib's pictures may be turned by CSS in dark mode; photographs and the like opt out with class "as-is".
"""

from __future__ import annotations

import base64
import html
import importlib.util
import re
import shutil
from pathlib import Path
from typing import Any

from course_fonts import write_style_sheet
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

SITE = Path(__file__).resolve().parents[1]  # book/site
STYLES = ("icons.css", "course.css")
SCRIPTS = ("course.js", "widgets.js")  # copied beside the style sheet; page_assets says which page gets which
MATHJAX = "sphinx-mathjax-offline"
MATHJAX_FILES = (
    "startup.js",
    "core.js",
    "input/tex.js",
    "input/tex/extensions/*.js",  # loaded one by one, when an equation asks
    "output/chtml/fonts/woff-v2/*.woff",
    "a11y/assistive-mml.js",
)
MATHJAX_WITH_FONTS = ("output/chtml.js", "output/chtml/fonts/tex.js")  # these name font files
INLINE_FONTS = (
    *("Zero", "Main-Regular", "Main-Bold", "Main-Italic", "Math-Italic", "Math-BoldItalic", "AMS-Regular"),
    *("Calligraphic-Regular", "Typewriter-Regular", "Size1-Regular", "Size2-Regular", "Size3-Regular", "Size4-Regular"),
)
MATHJAX_CONFIG: dict[str, Any] = {
    "loader": {"load": ["input/tex", "output/chtml", "a11y/assistive-mml"]},
    "chtml": {"matchFontHeight": True, "mtextInheritFont": True},
}


MISLEADING = (
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),  # it has a text of its own
    (r'<th class="[^"]*">(<p></p>)?</th>', "<td></td>"),  # an empty corner heads nothing
    (r' role="doc-biblioentry"', ""),  # withdrawn from the standard
    (r'<div role="list" class="citation-list">', '<div class="citation-list">'),  # its children are no list items
)


def mathjax_folder() -> Path:
    """Where the installed package keeps MathJax's files."""
    spec = importlib.util.find_spec(MATHJAX)
    if spec is None or spec.origin is None:
        raise ExtensionError(f"course_site: {MATHJAX} is not installed; run pip install -r requirements.txt")
    return Path(spec.origin).parent / "static" / "mathjax"


def configure(app: Sphinx, config: Any) -> None:
    """Point Sphinx at the local files, before anything else reads the settings."""
    config.mathjax_path = "mathjax/startup.js"
    config.mathjax3_config = {**MATHJAX_CONFIG, **(config.mathjax3_config or {})}
    config.templates_path = [*config.templates_path, str(SITE / "templates")]
    config.nb_ipywidgets_js = {}  # widgets.js takes this part


def copy_files(app: Sphinx) -> None:
    """Put the style sheet, the scripts and MathJax where the pages look for them."""
    if app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    for name in (*STYLES, *SCRIPTS):
        copy_if_newer(SITE / name, static / name)
    source = mathjax_folder()
    for pattern in MATHJAX_FILES:
        found = [path for path in source.glob(pattern) if path.name != "all-packages.js"]
        if not found:
            raise ExtensionError(f"course_site: {MATHJAX} has no {pattern}; it needs MathJax 3")
        for path in found:
            copy_if_newer(path, static / "mathjax" / path.relative_to(source))
    inline_math_fonts(source, static / "mathjax")
    write_style_sheet(static / "course-fonts.css")


def inline_math_fonts(source: Path, target: Path) -> None:
    """Put the usual letters into MathJax's scripts: some browsers refuse font files on file:// pages."""
    scripts = {name: (source / name).read_text(encoding="utf8") for name in MATHJAX_WITH_FONTS}
    for letter in INLINE_FONTS:
        url = f"%%URL%%/MathJax_{letter}.woff"
        if not any(url in text for text in scripts.values()):
            raise ExtensionError(f"course_site: {MATHJAX} does not name {url}; it needs MathJax 3")
        font = source / "output/chtml/fonts/woff-v2" / f"MathJax_{letter}.woff"
        data = "data:font/woff;base64," + base64.b64encode(font.read_bytes()).decode("ascii")
        scripts = {name: text.replace(url, data) for name, text in scripts.items()}
    for name, text in scripts.items():
        path = target / name
        if not path.exists() or path.read_text(encoding="utf8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf8")


def copy_if_newer(source: Path, target: Path) -> None:
    if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def page_assets(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Scripts for this page alone; and what misleads a screen reader out of its text."""
    body = context.get("body", "")
    if "application/vnd.jupyter.widget-view+json" in body:
        app.add_js_file("widgets.js", loading_method="defer")
    for pattern, better in MISLEADING:
        body = re.sub(pattern, better, body)
    context["body"] = body


def mark_pictures(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give the pictures that cells made the class that dark mode turns."""
    for image in doctree.findall(nodes.image):
        if "jupyter_execute" in image.get("uri", "") and "as-is" not in image["classes"]:
            image["classes"].append("plot")


def read_summary_math(app: Sphinx, doctree: nodes.document) -> None:
    """Let $...$ inside a raw <summary> (a quiz answer) be mathematics, as it is in JupyterLab."""
    for raw in doctree.findall(nodes.raw):
        if raw.get("format") == "html" and "<summary>" in raw.astext():
            text = re.sub(r"(?<=<summary>).*?(?=</summary>)", typeset_dollars, raw.astext(), flags=re.S)
            raw.children = [nodes.Text(text)]
            raw.rawsource = text


def typeset_dollars(summary: re.Match[str]) -> str:
    def typeset(found: re.Match[str]) -> str:
        tex = html.escape(html.unescape(found[1]), quote=False)
        return rf'<span class="math notranslate nohighlight">\({tex}\)</span>'

    return re.sub(r"\$([^$]+)\$", typeset, summary[0])


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", configure, priority=100)
    app.connect("builder-inited", copy_files, priority=900)
    app.connect("doctree-read", read_summary_math)
    app.connect("doctree-resolved", mark_pictures)
    app.connect("html-page-context", page_assets)
    for name in ("course-fonts.css", *STYLES):
        app.add_css_file(name, priority=900)
    app.add_js_file("course.js", loading_method="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

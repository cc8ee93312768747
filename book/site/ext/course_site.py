"""The book's Sphinx extension: looks, mathematics and widgets that need no network and no second machine.

- The style sheet and one small script go on every page; the widget renderer only on pages that hold a widget.
- Mathematics is typeset while the book is built (course_math.py); no page loads a script for it.
- Matplotlib's pictures may be turned by CSS in dark mode; photographs and the like opt out with class "as-is".
"""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import course_api
import course_launch
import course_links
import course_live
import course_math
import course_quiz
import course_styles
from course_fonts import write_style_sheet
from course_math import typeset
from docutils import nodes
from sphinx.application import Sphinx

SITE = Path(__file__).resolve().parents[1]  # book/site
STYLES = ("icons.css", "course.css", "quiz.css", "reference.css", "print.css")
SCRIPTS = ("course.js", "previews.js", "quiz.js", "widgets.js")  # page_assets says where they stand
MISLEADING = (
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),  # it has a text of its own
    (r'<th class="[^"]*">(<p></p>)?</th>', "<td></td>"),  # an empty corner heads nothing
    (r' role="doc-biblioentry"', ""),  # withdrawn from the standard
    (r'<div role="list" class="citation-list">', '<div class="citation-list">'),  # its children are no list items
)

PLAIN = re.compile(r'<span class="(?:n|nn|p|w)">([^<]*)</span>')  # names, brackets: coloured as all text in code


def configure(app: Sphinx, config: Any) -> None:
    """Point Sphinx at our own parts, before anything else reads the settings."""
    config.html_math_renderer = "course"
    config.html_context["course_version"] = version()
    config.templates_path = [*config.templates_path, str(SITE / "templates")]
    config.html_search_scorer = str(SITE / "search-scorer.js")
    config.nb_ipywidgets_js = {}  # widgets.js takes this part


def version() -> str:
    """The version of the package and the commit that the book is built from: "0.1.0, commit 1a2b3c4"."""
    root = SITE.parents[1]
    number = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf8"))["project"]["version"]
    asked = ["git", "-C", str(root), "rev-parse", "--short=7", "HEAD"]
    try:
        commit = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):  # a copy without its history
        return number
    return f"{number}, commit {commit}"


def copy_files(app: Sphinx) -> None:
    """Put the style sheet, the scripts and MathJax where the pages look for them."""
    if app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    for name in (*STYLES, *SCRIPTS):
        copy_if_newer(SITE / name, static / name)
    write_style_sheet(static / "course-fonts.css")


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
    if course_quiz.needs_script(body):
        app.add_js_file("quiz.js", loading_method="defer")
    if "sd-tab-set" not in body:  # no tabs, no script for tabs
        context["script_files"] = [f for f in context["script_files"] if "design-tabs.js" not in str(f)]
    if "toggle" not in body:
        context["script_files"] = [f for f in context["script_files"] if "togglebutton.js" not in str(f)]
    for pattern, better in MISLEADING:
        body = re.sub(pattern, better, body)
    context["body"] = PLAIN.sub(r"\1", body)


def mark_pictures(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give the pictures that cells made the class that dark mode turns."""
    for image in doctree.findall(nodes.image):
        if "jupyter_execute" in image.get("uri", "") and "as-is" not in image["classes"]:
            image["classes"].append("plot")


def read_summary_math(app: Sphinx, doctree: nodes.document) -> None:
    """Let $...$ inside a raw <summary> (a quiz answer) be mathematics, as it is in JupyterLab."""

    def typeset_dollars(summary: re.Match[str]) -> str:
        def one(found: re.Match[str]) -> str:
            made = typeset(app, html.unescape(found[1]), False, doctree)
            return f'<span class="math notranslate nohighlight">{made}</span>'

        return re.sub(r"\$([^$]+)\$", one, summary[0])

    for raw in doctree.findall(nodes.raw):
        if raw.get("format") == "html" and "<summary>" in raw.astext():
            text = re.sub(r"(?<=<summary>).*?(?=</summary>)", typeset_dollars, raw.astext(), flags=re.S)
            raw.children = [nodes.Text(text)]
            raw.rawsource = text


def setup(app: Sphinx) -> dict[str, Any]:
    course_math.setup(app)
    course_styles.setup(app)
    course_live.setup(app)
    course_links.setup(app)
    course_api.setup(app)
    course_launch.setup(app)
    course_quiz.setup(app)
    app.connect("config-inited", configure, priority=100)
    app.connect("builder-inited", copy_files, priority=900)
    app.connect("doctree-read", read_summary_math)
    app.connect("doctree-resolved", mark_pictures)
    app.connect("html-page-context", page_assets)
    for name in ("course-fonts.css", *STYLES):
        app.add_css_file(name, priority=900)
    app.add_js_file("course.js", loading_method="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

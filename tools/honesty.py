"""What makes a committed notebook honest. Each rule maps a notebook (its JSON) to a list of problems.

nbval proves that a cell prints today what is committed, but it is blind in places: it skips a cell without
an execution count, and it cannot know that a date or an address will differ tomorrow. These rules close the
gaps.

A time, a date or a path that is part of the subject is allowed by cell metadata:
`"allows": {"date": "the reason"}`. A cell that nbval leaves out says why: `"nbval_reason": "the reason"`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from tools.notebooks import ANSI

LARGEST = 1_000_000  # bytes of one notebook file
EXEMPT_SHARE = 0.02  # of all code cells of the book may go unchecked
EXEMPT_TAGS = {"nbval-skip", "nbval-ignore-output"}
EXEMPT_COMMENT = re.compile(r"^\s*#\s*(NBVAL_SKIP|NBVAL_IGNORE_OUTPUT|PYTEST_VALIDATE_IGNORE_OUTPUT)", re.M)
IMAGES = ("image/png", "image/jpeg", "image/svg+xml")
TEXTS = ("text/plain", "text/html", "text/markdown", "text/latex")

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_UNIT = r"(?:ns|us|µs|ms|s|secs?|seconds?|mins|minutes?|hours?|hrs?|it/s|s/it)"
CHANGING = {
    "address": re.compile(r"\b0x[0-9a-fA-F]{6,}\b"),
    "path": re.compile(
        r"""(?:^|[\s"'(=\[,])(?:~|/[A-Za-z_][\w.-]*)(?:/[\w.-]+)+|\b[A-Za-z]:\\\w|site-packages""", re.M
    ),
    "date": re.compile(
        rf"\b(?:19|20)\d\d([-/.])\d\d?\1\d\d?\b|\b\d\d?([/.])\d\d?\2(?:19|20)\d\d\b"
        rf"|\b\d\d?\.? {_MONTH},? (?:19|20)\d\d\b|\b{_MONTH} \d\d?,? (?:19|20)\d\d\b"
    ),
    "clock time": re.compile(r"(?<![\d:,\[])(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?![\d:\]])"),
    "duration": re.compile(rf"(?<![\w.-])\d+(?:\.\d+)? ?{_UNIT}\b(?!/)|\b(?:Wall time|CPU times|elapsed)\b"),
}
SEEN_IN_TAGS = {"address", "path"}  # the other patterns would find style sheets and attributes in HTML


def code_cells(notebook: dict) -> Iterator[tuple[int, dict]]:
    """(position, cell) of each code cell with source; positions count all cells from 1, as a reader does."""
    for position, cell in enumerate(notebook["cells"], start=1):
        if cell["cell_type"] == "code" and "".join(cell["source"]).strip():
            yield position, cell


def tags(cell: dict) -> set[str]:
    return set(cell.get("metadata", {}).get("tags", []))


def is_exempt(cell: dict) -> bool:
    """Does nbval leave out this cell, or what it prints?"""
    return bool(tags(cell) & EXEMPT_TAGS or EXEMPT_COMMENT.search("".join(cell["source"])))


def output_texts(cell: dict) -> Iterator[tuple[str, str]]:
    """(kind, text) of everything a code cell shows as text."""
    for output in cell.get("outputs", []):
        if output["output_type"] == "stream":
            yield output["name"], "".join(output["text"])
        elif output["output_type"] == "error":
            yield "error", ANSI.sub("", "\n".join([output["evalue"], *output["traceback"]]))
        for kind in TEXTS:
            if kind in output.get("data", {}):
                yield kind, "".join(output["data"][kind])


def executed_in_order(notebook: dict) -> list[str]:
    """Every code cell was executed, from top to bottom, in one go: counts 1, 2, 3, ..."""
    problems = []
    for expected, (position, cell) in enumerate(code_cells(notebook), start=1):
        count = cell.get("execution_count")
        if count is None:
            problems.append(f"cell {position} was never executed, so nbval skips it; run make execute")
        elif count != expected:
            problems.append(f"cell {position} has execution count {count}, not {expected}; run make execute")
    return problems


def errors_are_tagged(notebook: dict) -> list[str]:
    """An error is shown only where the text means it: tag `raises-exception`. And that tag means an error."""
    problems = []
    for position, cell in code_cells(notebook):
        errors = [o["ename"] for o in cell.get("outputs", []) if o["output_type"] == "error"]
        if errors and "raises-exception" not in tags(cell):
            problems.append(f"cell {position} holds a {errors[0]}; mend it, or tag the cell raises-exception")
        if not errors and "raises-exception" in tags(cell):
            problems.append(f"cell {position} is tagged raises-exception, but holds no error")
    return problems


def nothing_changing(notebook: dict, what: str) -> list[str]:
    """No output holds what differs from run to run or machine to machine; `what`: a key of CHANGING."""
    problems = []
    for position, cell in code_cells(notebook):
        allowed = cell.get("metadata", {}).get("allows", {}).get(what, "")
        if allowed.strip():
            continue
        for kind, text in output_texts(cell):
            found = CHANGING[what].search(text if what in SEEN_IN_TAGS else _visible(kind, text))
            if found:
                shown = found.group().strip(" \n\"'(=[,")
                problems.append(f"cell {position} prints a {what}, {shown!r}, that differs elsewhere ({kind})")
    return problems


def no_stderr(notebook: dict) -> list[str]:
    """Nothing on stderr: a warning is a fault of ours, and it holds a path."""
    return [
        f"cell {position} writes to stderr: {text.strip().splitlines()[-1][:90] if text.strip() else ''!r}"
        for position, cell in code_cells(notebook)
        for kind, text in output_texts(cell)
        if kind == "stderr"
    ]


def no_semicolon(notebook: dict) -> list[str]:
    """No cell ends with `;`: Jupyter hides the value then, nbval does not, and the two disagree."""
    return [
        f"cell {position} ends with a semicolon; assign the value to a name (or `_`) instead"
        for position, cell in code_cells(notebook)
        if "".join(cell["source"]).rstrip().endswith(";")
    ]


def images_have_alt(notebook: dict) -> list[str]:
    """Every picture has a text for those who do not see it."""
    problems = []
    for position, cell in enumerate(notebook["cells"], start=1):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            if re.search(r"!\[\s*\]\(", source):
                problems.append(f"cell {position} has a Markdown image without alt text: ![alt](file)")
            problems += [f"cell {position} {problem}" for problem in _blind_tags(source)]
            continue
        alt = cell.get("metadata", {}).get("mystnb", {}).get("image", {}).get("alt", "")
        for output in cell.get("outputs", []):
            if any(kind in output.get("data", {}) for kind in IMAGES) and not alt.strip():
                wanted = '"mystnb": {"image": {"alt": "..."}}'
                problems.append(f"cell {position} draws a figure without alt text; add metadata {wanted}")
        for kind, text in output_texts(cell):
            if kind == "text/html":
                problems += [f"cell {position} {problem}" for problem in _blind_tags(text)]
    for model in _widget_models(notebook):
        value = model.get("state", {}).get("value")
        problems += [f"a widget {problem}" for problem in _blind_tags(value if isinstance(value, str) else "")]
    return problems


def exemptions_have_reasons(notebook: dict) -> list[str]:
    """A cell that nbval does not compare says why, in its metadata."""
    return [
        f'cell {position} is exempt from nbval; add metadata "nbval_reason": "why it cannot be compared"'
        for position, cell in code_cells(notebook)
        if is_exempt(cell) and not str(cell.get("metadata", {}).get("nbval_reason", "")).strip()
    ]


def too_many_exempt(all_notebooks: list[dict]) -> list[str]:
    """At most two code cells of a hundred go unchecked, over the whole book."""
    cells = [cell for notebook in all_notebooks for _, cell in code_cells(notebook)]
    exempt = sum(map(is_exempt, cells))
    if exempt > EXEMPT_SHARE * len(cells):
        return [f"{exempt} of {len(cells)} code cells are exempt from nbval, more than {EXEMPT_SHARE:.0%}"]
    return []


def too_large(sizes: dict[str, int]) -> list[str]:
    """Notebooks of more than a megabyte: slow to open, and git keeps each version."""
    return [f"{name} has {size:,} bytes, more than {LARGEST:,}" for name, size in sizes.items() if size > LARGEST]


def _visible(kind: str, text: str) -> str:
    """HTML without its tags, scripts and style sheets; other text as it is."""
    if kind != "text/html":
        return text
    return html.unescape(re.sub(r"(?is)<(style|script)\b.*?</\1>|<[^>]*>", " ", text))


def _blind_tags(text: str) -> list[str]:
    """Problems of the <img> and <svg> tags in a piece of HTML."""
    problems = []
    for tag in re.findall(r"<(?:img|svg)\b[^>]*>", text):
        if re.search(r"""\baria-hidden=["']true""", tag):
            continue
        name = "aria-label" if tag.startswith("<svg") else "alt"
        if not re.search(rf"""\b{name}=(?:"[^"]*\S[^"]*"|'[^']*\S[^']*')""", tag):
            problems.append(f"shows an {tag[1:4]} without {name}")
        if tag.startswith("<svg") and not re.search(r"""\brole=["']img["']""", tag):
            problems.append('shows an svg without role="img"')
    return problems


def _widget_models(notebook: dict) -> list[dict]:
    widgets = notebook.get("metadata", {}).get("widgets", {})
    return list(widgets.get("application/vnd.jupyter.widget-state+json", {}).get("state", {}).values())

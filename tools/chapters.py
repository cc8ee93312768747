"""What every chapter has: its parts, its quiz, and a label on each equation that some code carries.

Each rule maps texts to a list of problems, as in honesty.py.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

CHAPTER = re.compile(r"(?!00)\d\d_\w+\.ipynb")
OBJECTIVES = re.compile(r"^:{3,}\{admonition\} After this chapter you can\s*$", re.M)
PARTS = ("Summary", "Quiz", "Exercises", "Your lecture writes", "Sources")
FEWEST_QUESTIONS = 3

LABEL = r"[A-Za-z][\w.:-]*"
FENCE = re.compile(
    r"^(?P<fence>`{3,}|~{3,}|:{3,})(?P<kind>\{[\w-]+\})?[^\n]*\n(?P<body>.*?)^(?P=fence)[ \t]*$", re.M | re.S
)
DOLLARS = re.compile(rf"\$\$(?P<body>.+?)\$\$(?:[ \t]*\((?P<label>{LABEL})\))?", re.S)
BARE = re.compile(r"^[ \t]*\\begin\{(?:equation|align|gather|multline|alignat|eqnarray)\*?\}", re.M)
CARRIED = re.compile(rf"\s*((?:\({LABEL}\)[ \t]*)+)")


def markdown(notebook: dict) -> str:
    """All Markdown of a notebook, cells apart by empty lines."""
    return "\n\n".join("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown")


# --- parts ---


def missing_parts(notebook: dict) -> list[str]:
    """A chapter has a title, says what the reader will be able to do, and ends with the same five parts."""
    problems = []
    cells = notebook["cells"]
    first = cells[0] if cells else {"cell_type": "none", "source": ""}
    if first["cell_type"] != "markdown" or not "".join(first["source"]).startswith("# "):
        problems.append("the first cell must begin with the title: # Title")
    text = _without_code(markdown(notebook))
    titles = re.findall(r"^# .*", text, re.M)
    if len(titles) > 1:
        problems.append(f"one title is enough, found {len(titles)}: {titles}")
    if not OBJECTIVES.search(text):
        problems.append("no objectives: open a box with :::{admonition} After this chapter you can")
    places = []
    for part in PARTS:
        pattern = rf"^## {part}\b.*" if part == "Your lecture writes" else rf"^## {part}[ \t]*$"
        found = [match.start() for match in re.finditer(pattern, text, re.M)]
        if len(found) != 1:
            problems.append(f"needs exactly one heading ## {part}, found {len(found)}")
        places += found[:1]
    if len(places) == len(PARTS) and places[-1] != max(places):
        problems.append("## Sources must be the last part")
    return problems


# --- quiz ---


def quiz_problems(notebook: dict) -> list[str]:
    """Each question has one right answer, two or more wrong ones, and feedback to every answer."""
    section = re.search(r"^## Quiz[ \t]*$(.*?)(?=^## |\Z)", markdown(notebook), re.M | re.S)
    if not section:
        return ["no quiz: a part headed ## Quiz"]
    problems = []
    pieces = re.split(r"^\*\*Question (\d+)\.\*\*", section.group(1), flags=re.M)
    numbers = [int(number) for number in pieces[1::2]]
    if len(numbers) < FEWEST_QUESTIONS:
        wanted = f"expected {FEWEST_QUESTIONS} or more paragraphs that begin with **Question n.**"
        problems.append(f"the quiz has {len(numbers)} questions, {wanted}")
    if numbers != list(range(1, len(numbers) + 1)):
        problems.append(f"the questions are numbered {numbers}")
    if "<details" in pieces[0]:
        problems.append("the quiz has an answer before its first question")
    for number, body in zip(numbers, pieces[2::2], strict=True):
        problems += [f"question {number}: {problem}" for problem in _question_problems(body)]
    return problems


def _question_problems(body: str) -> list[str]:
    problems = []
    if not re.sub(r"<details.*", "", body, flags=re.S).strip():
        problems.append("it asks nothing")
    answers = re.findall(r"<details\b([^>]*)>(.*?)</details>", body, re.S)
    if len(answers) != len(re.findall(r"<details\b", body)):
        problems.append("a <details> is not closed")
    rights = 0
    for attributes, inside in answers:
        kind = re.search(r'class="quiz (right|wrong)"', attributes)
        if not kind:
            wanted = '<details class="quiz right"> or <details class="quiz wrong">'
            problems.append(f"an answer must be {wanted}, got <details{attributes}>")
            continue
        rights += kind.group(1) == "right"
        summary = re.search(r"<summary>(.*?)</summary>(.*)", inside, re.S)
        if not summary or not summary.group(1).strip():
            problems.append("an answer has no text: <summary>answer</summary>")
        elif not re.sub(r"<[^>]*>", "", summary.group(2)).strip():
            problems.append(f"no feedback to the answer {summary.group(1).strip()!r}")
    if rights != 1:
        problems.append(f"it has {rights} right answers, expected exactly one")
    if len(answers) - rights < 2:
        problems.append(f"it has {len(answers) - rights} wrong answers, expected two or more")
    return problems


# --- equations ---


def equations(text: str) -> Iterator[tuple[str, str | None]]:
    """(equation, label or None) of every display equation in a MyST text; code blocks are skipped."""
    for match in FENCE.finditer(text):
        if match["kind"] == "{math}":
            label = re.search(rf"^:label:[ \t]*({LABEL})", match["body"], re.M)
            yield match["body"], label.group(1) if label else None
        elif match["kind"] and not match["kind"].startswith("{code"):  # a box: its inside is text
            yield from equations(match["body"])
    rest = FENCE.sub("", text)
    for match in DOLLARS.finditer(rest):
        yield match["body"], match["label"]
    for match in BARE.finditer(DOLLARS.sub("", rest)):
        yield match.group(), None


def unlabelled(text: str) -> list[str]:
    """Display equations without a label."""
    return [
        f"an equation without label, write $$ ... $$ (label): {' '.join(body.split())[:70]}"
        for body, label in equations(text)
        if label is None
    ]


def labels(texts: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """texts: name -> MyST text. Returns label -> name of the text where it stands, and labels given twice."""
    where: dict[str, str] = {}
    twice = []
    for name, text in texts.items():
        for _, label in equations(text):
            if label in where:
                twice.append(f"the equation label ({label}) is given in {where[label]} and again in {name}")
            elif label is not None:
                where[label] = name
    return where, twice


def labels_in_docstrings(source: str, name: str) -> dict[str, str]:
    """Label -> "file:function" for every docstring that begins with labels: `(rnn-step)  x: (B, D) ...`."""
    carried = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            match = CARRIED.match(ast.get_docstring(node) or "")
            for label in re.findall(LABEL, match.group(1)) if match else []:
                carried[label] = f"{name}:{node.name}"
    return carried


def labels_in_comments(notebook: dict) -> set[str]:
    """Labels in comments `# (label)` of code cells: equations that a chapter computes itself."""
    found: set[str] = set()
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            for match in re.finditer(rf"#[ \t]*((?:\({LABEL}\)[ \t]*)+)", "".join(cell["source"])):
                found |= set(re.findall(LABEL, match.group(1)))
    return found


def imported_modules(notebook: dict) -> set[str]:
    """Files of the package that code cells import, as "course_pkg/rnn.py"."""
    found = set()
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        found |= set(re.findall(r"^\s*(?:from|import) course_pkg\.([\w.]+)", source, re.M))
        for names in re.findall(r"^\s*from course_pkg import ([\w, ]+)", source, re.M):
            found |= {name.split(" as ")[0].strip() for name in names.split(",")}
    return {f"course_pkg/{name.replace('.', '/')}.py" for name in found}


def docstring_labels(package: Path) -> dict[str, str]:
    """All labels carried by the docstrings of a package."""
    carried = {}
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package.parent).as_posix()
        carried |= labels_in_docstrings(path.read_text(encoding="utf8"), name)
    return carried


def _without_code(text: str) -> str:
    """The text without fenced code; boxes of colons stay, their insides are text."""
    return re.sub(r"^(`{3,}|~{3,}).*?^\1[ \t]*$", "", text, flags=re.M | re.S)

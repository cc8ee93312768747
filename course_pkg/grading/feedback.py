"""The page that a student gets: what was right, what was not and why, and what it looks like."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .gradebook import Gradebook, Row, plain
from .pages import page, paragraphs, sentence, text
from .results import QuestionResult, slug

LEVELS = {
    "A": "each notebook ran alone, cut off from files and network (level A)",
    "B": "each notebook ran alone, cut off by the kernel from files and network (level B)",
    "C": "each notebook ran alone in a container (level C)",
    "D": "notebooks ran in plain processes, without protection (level D)",
}
_CARD = {"right": "right", "changed": "partial", "partial": "partial", "wrong": "wrong", "error": "wrong",
         "unwritten": "wrong"}  # fmt: skip
_HEADLINE = {
    "right": "Right",
    "partial": "Partly right",
    "changed": "Right, but it changes its inputs",
    "wrong": "Not right yet",
    "error": "Stops with an error",
    "unwritten": "Not written",
    "changing": "Changes from call to call",
    "no notebook": "Not handed in",
}


def feedback_page(row: Row, book: Gradebook, chapters: dict[str, str] | None = None) -> str:
    """The whole page, HTML in one file."""
    result = row.result
    level = f" Isolation: {text(LEVELS[result.level])}." if result.level in LEVELS else ""
    parts = [
        f"<h1>{text(result.name or result.student)}</h1>",
        f'<p class="soft">{text(_occasion(row))}</p>',
        f'<p class="score">{plain(row.points)} <span>of {plain(book.most)} points</span></p>',
        *_files(row),
    ]
    for chapter in book.chapters:
        questions = [question for question in row.questions if question.id[:2] == chapter]
        title = (chapters or {}).get(chapter, "")
        parts.append(f"<h2>Chapter {int(chapter)}{': ' + text(title) if title else ''}</h2>")
        if all(question.reason == "no notebook" for question in questions):
            most = sum(question.max_points for question in questions)
            parts.append(f"<p>No notebook of this chapter was handed in: 0 of {plain(most)} points.</p>")
        else:
            parts += [question_card(question) for question in questions]
    parts.append(
        "<footer><p>How it was graded: your functions were called with inputs that are not in your notebook, and what "
        "they returned was compared with what a solution returns. An exercise has one part for each result; a part "
        f"counts when it is right in all of its cases.{level}</p>"
        f"<p>Term {text(result.term)}, tests {text(_tests(row))}, your files {text(result.content[:12])}. "
        "Quote these if you ask for it to be graded again.</p></footer>"
    )
    return page(f"Feedback for {result.name or result.student}", "\n".join(parts))


def _occasion(row: Row) -> str:
    right = sum(question.right for question in row.questions)
    late = " Handed in late." if row.result.late else ""
    return f"{right} of {len(row.questions)} exercises are fully right.{late}"


def _tests(row: Row) -> str:
    return " ".join(f"{chapter}:{hash[:8]}" for chapter, hash in sorted(row.result.tests.items())) or "none"


def _files(row: Row) -> Iterable[str]:
    """What there is to say about the files: that one could not be read, which cells stopped."""
    for file in row.result.files:
        if file.reason:
            detail = f" {file.detail}" if file.detail else ""
            name = f"<code>{text(file.name)}</code>"
            yield f'<div class="warn"><p>{name} could not be graded.{sentence(detail)}</p></div>'
        for oddity in file.oddities:
            yield f'<p class="small soft"><code>{text(file.name)}</code>: {sentence(oddity)}</p>'
        if file.failed_cells:
            yield (
                f"<details open><summary>Cells of {text(file.name)} that did not run to their end</summary>"
                f"{paragraphs(file.failed_cells)}</details>"
            )
    if row.result.status == "grader" and not row.result.files:
        yield '<div class="warn"><p>The grader itself failed on this submission. Your instructor sees why.</p></div>'


def question_card(question: QuestionResult) -> str:
    """One exercise: points, what happened in words, the parts, the hint, and the public check on request."""
    kind = _CARD.get(question.reason, "problem")
    headline = _HEADLINE.get(question.reason, "Could not be graded in full" if question.points else "No points")
    out = [
        f'<section class="card {kind}"><div class="head"><h3>{text(question.title)} '
        f"<code>{text(question.function)}</code></h3>"
        f'<span class="points">{plain(question.points)} of {plain(question.max_points)}</span></div>',
        f'<p class="soft">{text(headline)}</p>' if kind != "right" else "",
        paragraphs(question.said),
    ]
    if len(question.parts) > 1 and kind != "right" and any(part.earned for part in question.parts):
        items = "".join(
            f'<li class="{"yes" if part.earned else "no"}">{"✓" if part.earned else "✗"} {text(part.name)}</li>'
            for part in question.parts
        )
        out.append(f'<ul class="parts" aria-label="Parts of this exercise">{items}</ul>')
    out += [
        f'<div class="hint"><strong>This looks like a known mistake.</strong> {sentence(hint)}</div>'
        for hint in question.hints
    ]
    if question.public:
        out.append(f"<details><summary>What the check in your notebook says</summary>{paragraphs(question.public)}"
                   "</details>")  # fmt: skip
    return "".join(out) + "</section>"


def write_feedback(folder: Path, book: Gradebook, chapters: dict[str, str] | None = None) -> dict[str, str]:
    """One page for each student; student -> name of the file. Names that look alike get a number."""
    folder.mkdir(parents=True, exist_ok=True)
    names: dict[str, str] = {}
    taken: set[str] = set()
    for row in book.rows:
        name, k = slug(row.student), 1
        while name.lower() in taken:
            k += 1
            name = f"{slug(row.student)}-{k}"
        taken.add(name.lower())
        names[row.student] = f"{name}.html"
        (folder / names[row.student]).write_text(feedback_page(row, book, chapters), encoding="utf-8")
    return names

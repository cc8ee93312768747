"""The instructor's page: how it went, exercise by exercise, which mistakes were common, what needs a look."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from .feedback import LEVELS
from .gradebook import Column, Gradebook, Row, plain
from .pages import page, sentence, text
from .results import QuestionResult

BINS = 10


@dataclass(frozen=True)
class About:
    """What the page says about the run beside the results."""

    why: Mapping[str, str]  # levels that do not run on this machine, and why
    seconds: float = 0.0
    waiting: int = 0
    conflicts: tuple[str, ...] = ()


def summary_page(book: Gradebook, pages: Mapping[str, str], about: About) -> str:
    """The whole page, HTML in one file; `pages`: student -> file in feedback/."""
    graded = [row for row in book.rows if row.result.status == "graded"]
    body = [
        "<h1>Grades</h1>",
        f'<p class="soft">{text(_run(book))}</p>',
        _stopped(about),
        _facts(book, graded),
        _unsafe(book),
        "<h2>Distribution</h2>",
        histogram([row.share for row in graded]),
        "<h2>Exercises</h2>",
        _exercises(book),
        "<h2>Common mistakes</h2>",
        _mistakes(book),
        "<h2>To look at</h2>",
        _odd(book, pages),
        "<h2>Students</h2>",
        _students(book, pages),
        _footer(book, about),
    ]
    return page("Grades", "\n".join(body), wide=True)


def _run(book: Gradebook) -> str:
    terms = sorted({row.result.term for row in book.rows})
    chapters = ", ".join(str(int(chapter)) for chapter in book.chapters) or "none"
    return f"Term {', '.join(terms) or 'unknown'}. Chapters {chapters}. {_plural(len(book.columns), 'exercise')}."


def _stopped(about: About) -> str:
    out = []
    if about.waiting:
        out.append(f'<div class="warn"><p>The run was stopped: {_plural(about.waiting, "submission")} not graded yet. '
                   "Start the same command again; it goes on from here.</p></div>")  # fmt: skip
    out += [f'<div class="warn"><p>{sentence(conflict)}</p></div>' for conflict in about.conflicts]
    return "".join(out)


def _facts(book: Gradebook, graded: Sequence[Row]) -> str:
    shares = [row.share for row in graded]
    middle = f"{100 * statistics.median(shares):.0f} %" if shares else "none"
    mean = f"{100 * statistics.fmean(shares):.0f} %" if shares else "none"
    failed = sum(row.result.status != "graded" for row in book.rows)
    facts = [(len(book.rows), "submissions"), (middle, "median"), (mean, "mean"),
             (sum(row.points == book.most for row in graded), "with all points"), (failed, "not graded")]  # fmt: skip
    return '<div class="facts">' + "".join(f"<div><b>{a}</b>{b}</div>" for a, b in facts) + "</div>"


def _unsafe(book: Gradebook) -> str:
    count = sum(row.result.level == "D" for row in book.rows)
    if not count:
        return ""
    return ('<div class="warn"><p>Level D: '
            f"{_plural(count, 'submission')} ran without protection. They could read the hidden tests and change files "
            "of this account. Do not rely on these grades where somebody may have tried.</p></div>")  # fmt: skip


def histogram(shares: Sequence[float]) -> str:
    """How many students reached which share of the points, in ten bins, with the same in words."""
    if not shares:
        return "<p>Nothing was graded.</p>"
    counts = [0] * BINS
    for share in shares:
        counts[min(BINS - 1, int(share * BINS + 1e-9))] += 1
    words = [f"{10 * k} to {10 * k + 10} %: {count}" for k, count in enumerate(counts)]
    bars = [
        f'<div><span>{count or ""}</span><i style="height:{9 * count / max(counts):.2f}rem"></i><b>{10 * k}</b></div>'
        for k, count in enumerate(counts)
    ]
    label = text("Students by share of the points. " + ", ".join(words))
    note = "Students by share of all points, in per cent. Under each bar stands where it begins; 100 is in the last."
    return f'<div class="hist" role="img" aria-label="{label}">{"".join(bars)}</div><p class="small soft">{note}</p>'


def _exercises(book: Gradebook) -> str:
    rows = []
    for k, column in enumerate(book.columns):
        answers = [row.questions[k] for row in book.rows]
        handed = [answer for answer in answers if answer.reason != "no notebook"]
        full = sum(answer.right for answer in handed)
        some = sum(0 < answer.points < answer.max_points for answer in handed)
        none = len(handed) - full - some
        mean = statistics.fmean(answer.points for answer in handed) if handed else 0.0
        said = f"{full} fully right, {some} partly, {none} without points"
        bar = "".join(
            f'<i class="{kind}" style="width:{100 * count / max(1, len(handed)):.1f}%"></i>'
            for kind, count in (("full", full), ("some", some), ("none", none))
        )
        rows.append(
            f"<tr><td>{text(column.title)}<br><code>{text(column.id)}</code></td>"
            f'<td><div class="bar" aria-hidden="true">{bar}</div><span class="small soft">{said}</span></td>'
            f'<td class="n"><span class="label">Mean </span>{plain(mean)} of {plain(column.points)}</td></tr>'
        )
    head = '<tr><th>Exercise</th><th>Students who handed it in</th><th class="n">Mean</th></tr>'
    return _table(head, rows, stacked=True)


def _mistakes(book: Gradebook) -> str:
    found: Counter[tuple[str, str]] = Counter()
    titles = {column.id: column for column in book.columns}
    for question in _questions(book):
        found.update((question.id, hint) for hint in question.hints)
    reasons = Counter(question.reason for question in _questions(book) if question.reason in _PROBLEMS)
    rows = [
        f'<tr><td class="n">{count}<span class="label"> {"students" if count > 1 else "student"}</span></td>'
        f"<td>{sentence(hint)}</td><td>{_name(titles[id])}</td></tr>"
        for (id, hint), count in found.most_common(20)
    ]
    head = '<tr><th class="n">Students</th><th>Known mistake</th><th>Exercise</th></tr>'
    out = _table(head, rows, stacked=True) if rows else "<p>No answer behaved as a known mistake.</p>"
    if reasons:
        said = "; ".join(f"{_PROBLEMS[reason]}: {count}" for reason, count in reasons.most_common())
        out += f'<p class="small soft">Answers without a known mistake, by what happened: {text(said)}.</p>'
    return out


_PROBLEMS = {
    "unwritten": "not written",
    "error": "stops with an error",
    "changing": "changes from call to call",
    "signature": "takes other arguments",
    "missing": "function not there",
    "not a function": "not a function",
    "timeout": "no end in time",
    "memory": "too much memory",
    "killed": "ended the process",
    "output": "too much output",
    "protocol": "not plain data",
    "changed": "changes its inputs",
    "unreadable": "notebook not readable",
    "not run": "notebook could not be run",
    "grader": "the grader failed",
}


def _odd(book: Gradebook, pages: Mapping[str, str]) -> str:
    rows = []
    for names, chapter in identical(book):
        who = ", ".join(_link(name, pages) for name in names)
        what = f"The same answers in chapter {int(chapter)}, up to names, comments and layout."
        rows.append(f"<tr><td>{who}</td><td>{what}</td></tr>")
    for row in book.rows:
        said = [text(entry) for entry in row.needs_a_look]
        private = [q for q in row.questions if q.reason == "grader"]
        said += [text(line.splitlines()[-1]) for q in private[:1] for line in q.private if line.strip()]
        said += [text(note.strip().splitlines()[-1]) for note in row.result.notes if note.strip()]
        if said:
            rows.append(f"<tr><td>{_link(row.student, pages)}</td><td>{'<br>'.join(said)}</td></tr>")
    if not rows:
        return "<p>Nothing: every file was graded, and no two students gave the same answers.</p>"
    note = "The same answers are a reason to ask, not a proof: short exercises have few right ways."
    return _table("<tr><th>Students</th><th>What</th></tr>", rows) + f'<p class="small soft">{note}</p>'


def identical(book: Gradebook) -> list[tuple[list[str], str]]:
    """Groups of students whose answers in a chapter are the same, with the chapter."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in book.rows:
        for file in row.result.files:
            if file.answers and not any(oddity.startswith("not graded") for oddity in file.oddities):
                groups.setdefault((file.chapter, file.answers), []).append(row.student)
    return [(sorted(set(names)), chapter) for (chapter, _), names in sorted(groups.items()) if len(set(names)) > 1]


def _students(book: Gradebook, pages: Mapping[str, str]) -> str:
    rows = []
    for row in book.rows:
        right = sum(question.right for question in row.questions)
        rows.append(
            f"<tr><td>{_link(row.student, pages)}{' <span class=soft>late</span>' if row.result.late else ''}</td>"
            f'<td class="n">{plain(row.points)}</td><td class="n">{100 * row.share:.0f} %</td>'
            f'<td class="n">{right} of {len(row.questions)}</td><td>{text(row.result.level)}</td></tr>'
        )
    head = (f'<tr><th>Student</th><th class="n">of {plain(book.most)} points</th><th class="n">Share</th>'
            '<th class="n">Fully right</th><th>Level</th></tr>')  # fmt: skip
    return _table(head, rows)


def _footer(book: Gradebook, about: About) -> str:
    results = [row.result for row in book.rows]
    levels = Counter(result.level for result in results if result.level)
    said = [f"{_plural(count, 'submission')}: {LEVELS.get(level, level)}." for level, count in sorted(levels.items())]
    said += [f"Level {level} does not run here: {why}" for level, why in about.why.items()]
    said.append(f"Keys of the term: {', '.join(sorted({result.seed for result in results})) or 'none'} (fingerprints).")
    kinds = sorted({", ".join(f"{name} {value}" for name, value in result.versions.items()) for result in results})
    said.append(f"Graded with {'; '.join(kinds) or 'nothing'}.")
    tests = sorted({f"{c}:{hash[:8]}" for result in results for c, hash in result.tests.items()})
    said.append(f"Tests {' '.join(tests) or 'none'}.")
    return "<footer>" + "".join(f"<p>{sentence(line)}</p>" for line in said) + "</footer>"


def _questions(book: Gradebook) -> Iterable[QuestionResult]:
    return (question for row in book.rows for question in row.questions)


def _table(head: str, rows: Iterable[str], stacked: bool = False) -> str:
    """Wide tables can be moved sideways; a stacked one becomes a list where the page is narrow."""
    kind = ' class="stack"' if stacked else ""
    return f'<div class="scroll"><table{kind}><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table></div>'


def _name(column: Column) -> str:
    return f"{text(column.title)} <code>{text(column.function)}</code>"


def _link(student: str, pages: Mapping[str, str]) -> str:
    return f'<a href="feedback/{quote(pages[student])}">{text(student)}</a>' if student in pages else text(student)


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count != 1)}"

"""Slides: a reveal.js deck from each built chapter. `make slides` builds the book first and installs reveal.js.

    python -m tools.slides [BUILT_BOOK] [OUT_FOLDER] [chapter ...]

The source is the chapter itself. On the slides: the answer in one sentence, the aims, headings, equations, figures (the
live ones alive), short outputs, lists, the Predict boxes, the summary and the quiz. In the speaker's notes (press S):
the text that leads to each of them. Nothing is fetched: what the decks need lies beside them.
"""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from tools.notebooks import ROOT

REVEAL = ("reset.css", "reveal.css", "reveal.js", "plugin/notes.js")
STYLES = ("course-fonts.css", "course-math.css", "course.css")
LIVE_NOTE = "The figure is alive: click, type, or go through it with Tab and arrows. Page Down leads to the next slide."
NOT_SHOWN = ("exercises", "sources", "your-lecture-writes")
LINES, COLUMNS, EQUATIONS = 16, 84, 3  # the largest output, and the most equations, that one slide takes


@dataclass
class Slide:
    """One slide: its heading, what it shows, and the prose for the speaker."""

    heading: str
    body: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    kind: str = ""

    def html(self) -> str:
        notes = "".join(f"<p>{text}</p>" for text in self.notes)
        heading = f"<h2>{self.heading}</h2>" if self.heading else ""
        return (
            f'<section class="{self.kind}"><div class="slide">{heading}{"".join(self.body)}</div>'
            f'<aside class="notes">{notes}</aside></section>'
        )


class Deck:
    """The slides of one chapter, made by walking through its sections in order."""

    def __init__(self, page: str):
        self.soup = BeautifulSoup(page, "html.parser")
        article = self.soup.select_one("article.bd-article section")
        if article is None or article.h1 is None:
            raise ValueError("Deck: the page must have an article with a section and a title")
        for extra in article.select("a.headerlink, button.copybtn, template, .quiz-progress, mjx-assistive-mml"):
            extra.decompose()
        for link in article.select("a"):
            link.unwrap()
        self.title = " ".join(article.h1.get_text().split())
        self.slides: list[Slide] = []
        self.prose: list[str] = []
        self.heading = ""
        self.live: list[str] = []  # the live figures' names, in order
        self.start(article)
        for section in article.find_all("section", recursive=False):
            self.section(section)
        self.flush()

    def add(self, kind: str, *body: str, heading: str | None = None) -> Slide:
        """A new slide, with the prose since the last one as its notes."""
        lead = []
        if kind in ("equations", "list", "output") and self.prose:  # the sentence that leads to it
            lead = [f'<p class="lead">{last_sentence(self.prose[-1])}</p>']
        slide = Slide(self.heading if heading is None else heading, [*lead, *body], self.prose, kind)
        self.prose = []
        self.slides.append(slide)
        return slide

    def flush(self) -> None:
        if self.prose and self.slides:
            self.slides[-1].notes += self.prose
        self.prose = []

    def start(self, article: Tag) -> None:
        """The title with the answer, then the aims."""
        sentence = next((p for p in article.find_all("p", recursive=False)), None)
        answer = f'<p class="answer">{inner(sentence)}</p>' if sentence else ""
        self.add("title", f"<h1>{inner(article.h1)}</h1>", answer, heading="")
        aims = article.select_one(".objectives")
        if aims and aims.ul:
            heading = aims.select_one(".admonition-title")
            self.add("aims", str(aims.ul), heading=inner(heading) if heading else "")

    def section(self, section: Tag) -> None:
        if section.get("id", "").startswith(NOT_SHOWN):
            return
        title = section.find(["h2", "h3"])
        self.flush()
        self.heading = inner(title) if title else self.heading
        if section.get("id") == "quiz":
            return self.quiz(section)
        opening = len(self.slides)
        for block in section.find_all(True, recursive=False):
            if block.name == "section":
                self.section(block)
            elif block is not title:
                self.block(block)
        if len(self.slides) == opening and self.prose:  # nothing to see: the first sentence stands for the section
            self.add("words", f"<p>{first_sentence(self.prose[0])}</p>")
        self.flush()

    def block(self, block: Tag) -> None:
        classes = block.get("class", [])
        if block.name == "p":
            self.prose.append(inner(block))
        elif "math" in classes:
            self.equation(block)
        elif block.name in ("ul", "ol", "table") or "pst-scrollable-table-container" in classes:
            self.add("list", str(block))
        elif "admonition" in classes:
            head = block.select_one(".admonition-title")
            rest = "".join(str(child) for child in block.find_all(True, recursive=False) if child is not head)
            self.add(f"box {' '.join(classes)}", rest, heading=inner(head) if head else "")
        elif block.name == "figure" and block.find("live-figure"):
            self.live_figure(block)
        elif block.name == "figure" or block.find(["img", "svg"]):
            self.figure(block)
        else:
            for output in block.select(".cell_output .output.stream pre, .cell_output .output.text_plain pre"):
                self.output(output)

    def equation(self, block: Tag) -> None:
        last = self.slides[-1] if self.slides else None
        joins = last and last.kind == "equations" and last.heading == self.heading
        if joins and sum('class="math' in part for part in last.body) < EQUATIONS:
            last.body.append(str(block))
            self.flush()
        else:
            self.add("equations", str(block))

    def figure(self, block: Tag) -> None:
        """A picture with its caption's first sentence. The picture's own description goes with it."""
        caption = block.select_one("figcaption .caption-text, figcaption")
        for picture in block.select("img, svg"):
            if picture.find_parent("svg") is None:
                words = f'<p class="caption">{first_sentence(inner(caption))}</p>' if caption else ""
                if caption:
                    self.prose.append(inner(caption))
                self.add("figure", str(picture), words)
        for output in block.select(".cell_output .output.stream pre"):
            self.output(output)

    def live_figure(self, block: Tag) -> None:
        """The figure itself: the build drew its first state, and its script takes that over when the slide is shown."""
        live, caption = block.find("live-figure"), block.select_one("figcaption .caption-text")
        self.live.append(live["name"])
        live["data-prevent-swipe"] = ""  # a finger on the figure is meant for the figure
        self.prose += [inner(caption), LIVE_NOTE]
        self.add("live", str(live), f'<p class="caption">{first_sentence(inner(caption))}</p>')

    def output(self, output: Tag) -> None:
        lines = output.get_text().rstrip().split("\n")
        if 1 < len(lines) <= LINES and max(map(len, lines)) <= COLUMNS:
            self.add("output", f"<pre>{escape(chr(10).join(lines))}</pre>")

    def quiz(self, section: Tag) -> None:
        """One slide for each question; which answer is right, and why, is in the notes."""
        for question in section.find_all("p", recursive=False):
            answers = []
            for answer in question.find_next_siblings():
                if answer.name != "details":
                    break
                answers.append(answer)
            if not answers:
                continue
            choices = "".join(f"<li>{inner(answer.summary)}</li>" for answer in answers)
            slide = self.add("quiz", f"<p>{inner(question)}</p><ol>{choices}</ol>", heading="Quiz")
            for answer in answers:
                right = "Right" if "right" in answer.get("class", []) else "Wrong"
                why = " ".join(inner(p) for p in answer.find_all("p"))
                slide.notes.append(f"<b>{right}: {inner(answer.summary)}</b> {why}")


def inner(tag: Tag) -> str:
    return tag.decode_contents().strip()


def first_sentence(html: str) -> str:
    """Up to the first full stop that stands outside a tag; the whole text if there is none."""
    found = re.match(r"(?:<[^>]*>|[^<.]|\.(?!\s|$|<))*\.", html, re.DOTALL)
    text = found[0] if found else html
    return str(BeautifulSoup(text, "html.parser"))  # closes what the cut left open


def last_sentence(html: str) -> str:
    """What comes after the last full stop within the text, outside a tag; the whole text if there is none."""
    pieces = re.split(r"(?<=[.:?!])\s+(?=[A-Z<$])(?![^<]*>)", html.strip())
    return str(BeautifulSoup(pieces[-1], "html.parser"))


def page(deck: Deck, name: str, styles: list[str], live: list[str]) -> str:
    """The deck as a file that needs only what lies in assets/."""
    sheets = (*REVEAL[:2], *styles, "slides.css", *(file for file in live if file.endswith(".css")))
    links = "".join(f'<link rel="stylesheet" href="assets/{sheet}">\n' for sheet in sheets)
    scripts = ("reveal.js", "notes.js", "slides.js", *(file for file in live if file.endswith(".js")))
    slides = "\n".join(slide.html() for slide in deck.slides)
    return f"""<!doctype html>
<html lang="en" data-theme="light"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(deck.title)} (slides)</title>
{links}</head><body>
<div class="reveal" data-chapter="{escape(name)}"><div class="slides">
{slides}
</div></div>
{"".join(f'<script src="assets/{script}"></script>' for script in scripts)}
</body></html>
"""


def live_files(names: list[str], built: Path, assets: Path) -> list[str]:
    """Copy what the live figures need from the book. Returns what the deck loads, in order; weights come later."""
    if not names:
        return []
    (assets / "live").mkdir(exist_ok=True)
    loaded = ["live.css", *(f"{name}.css" for name in names), "core.js", *(f"{name}.js" for name in names), "frame.js"]
    found = [path for file in loaded if (path := built / "_static/live" / file).is_file()]  # not each has a sheet
    for path in (*found, *(built / "_static/live" / f"{name}.weights.js" for name in names)):
        if path.is_file():
            shutil.copy(path, assets / "live")
    return [f"live/{path.name}" for path in found]


def make(built: Path, out: Path, reveal: Path, only: list[str] | None = None) -> dict[str, int]:
    """Write the decks, and beside them all they need. Returns the number of slides of each."""
    if not (reveal / "reveal.js").is_file():
        raise SystemExit("make slides: reveal.js is not installed; `npm install` in the course's folder brings it")
    assets = out / "assets"
    assets.mkdir(parents=True, exist_ok=True)
    for source in (
        *(reveal / name for name in REVEAL),
        *(built / "_static" / name for name in STYLES if (built / "_static" / name).is_file()),
        *(ROOT / "book/site" / name for name in ("slides.css", "slides.js")),
    ):
        shutil.copy(source, assets / source.name)
    counts = {}
    for path in sorted((built / "book").glob("[0-9][0-9]_*.html")):
        if only and path.stem not in only:
            continue
        deck = Deck(path.read_text(encoding="utf8"))
        styles = [name for name in STYLES if (assets / name).is_file()]
        text = page(deck, path.stem, styles, live_files(deck.live, built, assets))
        for image in set(re.findall(r'src="\.\./(_images/[^"]+)"', text)):
            shutil.copy(built / image, assets / Path(image).name)
        text = re.sub(r'(?:src|href)="\.\./_images/', lambda m: m[0].split("=")[0] + '="assets/', text)
        (out / path.name).write_text(text, encoding="utf8")
        counts[path.stem] = len(deck.slides)
    return counts


def main(arguments: list[str]) -> int:
    built = Path(arguments[0]) if arguments else ROOT / "_build/html"
    out = Path(arguments[1]) if len(arguments) > 1 else ROOT / "_build/slides"
    counts = make(built, out, ROOT / "node_modules/reveal.js/dist", arguments[2:])
    for name, count in counts.items():
        print(f"{count:4} slides  {out / name}.html")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

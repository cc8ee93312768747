"""The whole book as one PDF: each page printed by Chromium, in the order of _toc.yml, after a table of contents.

    python -m tools.pdf [BUILT_BOOK] [OUT.pdf] [page ...]

Sheets are numbered; links lead to the very place within the PDF; its outline goes down to the sections. `make pdf`
builds the book first and installs what is needed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    Fit,
    FloatObject,
    NameObject,
    NullObject,
    TextStringObject,
)

from tools.notebooks import ROOT

BOOK = "Recurrent networks from scratch"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--no-pdf-header-footer", "--generate-pdf-document-outline", "--allow-file-access-from-files",
         "--virtual-time-budget=8000"]  # fmt: skip


def browser() -> str:
    """Chromium's path, or a clear end."""
    for name in (os.environ.get("CHROMIUM", ""), *BROWSERS):
        if name and shutil.which(name):
            return name
    raise SystemExit("make pdf: no Chromium found. On Debian: sudo apt-get install chromium; or set CHROMIUM")


def parts(toc: Path) -> list[tuple[str, list[str]]]:
    """The book's parts in order: (caption, pages), a page as "book/06_lstm"."""
    contents = yaml.safe_load(toc.read_text(encoding="utf8"))

    def files(entries: list[dict]) -> list[str]:
        return [page for entry in entries for page in (entry["file"], *files(entry.get("sections", [])))]

    rest = contents.get("parts") or [{"caption": "", "chapters": contents.get("chapters", [])}]
    return [("", [contents["root"]]), *((part["caption"], files(part["chapters"])) for part in rest)]


@dataclass
class Printed:
    """A printed page of the book: its sheets, and the places that links lead to, as (sheet, x, y)."""

    title: str
    reader: PdfReader
    places: dict[str, tuple[int, float, float]]

    @property
    def sheets(self) -> int:
        return len(self.reader.pages)


def print_page(page: Path, out: Path) -> Printed:
    """One HTML page, printed. Links within it name their place themselves, since other pages use the same names."""
    profile = tempfile.mkdtemp(prefix="course-print-")
    try:
        command = [browser(), *FLAGS, f"--user-data-dir={profile}", f"--print-to-pdf={out}", page.resolve().as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    finally:
        shutil.rmtree(profile, ignore_errors=True)
    if done.returncode or not out.is_file():
        raise SystemExit(f"make pdf: {page.name} could not be printed:\n{done.stderr[-1500:]}")
    reader = PdfReader(out)
    named = reader.root_object.pop("/Dests", DictionaryObject()).get_object()
    named = {name: place.get_object() for name, place in named.items()}
    sheet = {reference.indirect_reference.idnum: number for number, reference in enumerate(reader.pages)}
    places = {name[1:]: (sheet[at[0].idnum], float(at[2]), float(at[3])) for name, at in named.items()}
    for printed in reader.pages:
        for annotation in (one.get_object() for one in printed.get("/Annots", [])):
            if annotation.get("/Dest") in named:
                annotation[NameObject("/Dest")] = named[annotation["/Dest"]]
    return Printed(title(page), reader, places)


def title(page: Path) -> str:
    """The page's title with its number, as its first heading has it."""
    headings = re.findall(r"<h1>(.*?)</h1>", page.read_text(encoding="utf8"), re.DOTALL)  # the last: the theme adds one
    text = re.sub(r"<a class=\"headerlink\".*?</a>|<[^>]*>", "", headings[-1]) if headings else page.stem
    return " ".join(unescape(text).split())


def stage(built: Path, pages: list[str], folder: Path) -> None:
    """Copies of the pages. Each place that some page leads to is led to from its own as well: so Chromium keeps it."""
    for name in ("_static", "_images"):
        if (built / name).is_dir():
            (folder / name).symlink_to((built / name).resolve(), target_is_directory=True)
    texts = {page: (built / f"{page}.html").read_text(encoding="utf8") for page in pages}
    wanted: dict[str, set[str]] = {page: set() for page in pages}
    for page, text in texts.items():
        for path, place in re.findall(r'href="([^"#:]+)\.html#([^"]+)"', text):
            target = os.path.normpath(os.path.join(os.path.dirname(page), path))
            wanted.get(target, set()).add(place)
    for page, text in texts.items():
        links = "".join(f'<a href="#{place}"></a>' for place in sorted(wanted[page]))
        (folder / page).parent.mkdir(parents=True, exist_ok=True)
        text = text.replace("</body>", f"<div hidden>{links}</div></body>")
        (folder / f"{page}.html").write_text(text, encoding="utf8")


def contents(chosen: list[tuple[str, list[str]]], titles: dict[str, str], first: dict[str, int]) -> str:
    """The page before all others: title, parts, chapters and the sheets where they begin."""
    body = ""
    for caption, pages in chosen:
        body += f"<h2>{escape(caption)}</h2>" if caption and pages else ""
        for page in pages:
            body += f'<p><a href="{page}.html">{escape(titles[page])}</a><i></i><b>{first[page] + 1}</b></p>'
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Contents</title>
<link rel="stylesheet" href="_static/course-fonts.css"><link rel="stylesheet" href="_static/course.css">
<style>@page {{ size: A4; margin: 20mm 18mm; }} body {{ font: 9pt/1.2 var(--course-serif); margin: 0; }}
h1 {{ font: 600 24pt/1.2 var(--course-sans); margin: 0 0 4mm; }}
h2 {{ font: 600 9pt/1.2 var(--course-sans); margin: 2.6mm 0 .6mm; }}
p {{ display: flex; margin: 0 0 .5mm; }} a {{ color: inherit; text-decoration: none; }} b {{ font-weight: 400; }}
i {{ flex: 1; border-bottom: .6pt dotted #888; margin: 0 2mm .9mm; }}</style></head>
<body><h1>{BOOK}</h1><h2>Contents</h2>{body}</body></html>"""


def make(built: Path, out: Path, toc: Path, only: list[str] | None = None) -> dict[str, int]:
    """Print the pages and join them after their contents. Returns the first sheet (from 0) of each page of the book."""
    chosen = [(caption, [p for p in pages if not only or p in only]) for caption, pages in parts(toc)]
    names = [page for _, pages in chosen for page in pages]
    writer, first = PdfWriter(), dict.fromkeys(names, 0)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        stage(built, names, folder)
        with ThreadPoolExecutor(2) as pool:
            order = pool.map(lambda n: print_page(folder / f"{names[n]}.html", folder / f"{n}.pdf"), range(len(names)))
            printed = dict(zip(names, order, strict=True))
        start, ends = folder / "contents.html", 0
        while ends != first[names[0]] or not ends:  # the contents' own length moves all that follow
            for page, before in zip(names, [None, *names], strict=False):
                first[page] = first[before] + printed[before].sheets if before else ends or 1
            text = contents(chosen, {page: printed[page].title for page in names}, first)
            start.write_text(text, encoding="utf8")
            front = print_page(start, folder / "contents.pdf")
            ends = front.sheets
        writer.append(front.reader, import_outline=False)
        writer.add_outline_item(title="Contents", page_number=0)
        for caption, pages in chosen:
            parent = None
            for page in pages:
                writer.append(printed[page].reader, import_outline=False)
                if caption and parent is None:
                    parent = writer.add_outline_item(title=caption, page_number=first[page])
                outline(writer, printed[page], first[page], parent)
        join_links(writer, folder, first, printed)
        stamp(writer, first, printed)
        writer.add_metadata({"/Title": BOOK, "/Author": "The course authors"})
        writer.root_object[NameObject("/PageMode")] = NameObject("/UseOutlines")
        writer.root_object[NameObject("/Lang")] = TextStringObject("en")
        writer.compress_identical_objects(remove_duplicates=True, remove_unreferenced=True)
        writer.write(out)
    return first


def outline(writer: PdfWriter, printed: Printed, start: int, parent: object) -> None:
    """The page in the outline, and its sections, closed, below it."""
    chapter = writer.add_outline_item(title=printed.title, page_number=start, parent=parent, is_open=False)

    def add(entries: list, depth: int) -> None:
        for entry in entries:
            if isinstance(entry, list):
                add(entry, depth + 1)
            elif depth == 2:
                number = start + printed.reader.get_destination_page_number(entry)
                name = re.sub(r"^(.+)\1$", r"\1", entry.title)  # Chromium says it twice where a heading was moved on
                writer.add_outline_item(title=name, page_number=number, parent=chapter, fit=Fit.xyz(top=entry.top))

    add(printed.reader.outline, 1)


def join_links(writer: PdfWriter, folder: Path, first: dict[str, int], printed: dict[str, Printed]) -> None:
    """Links to files of the book lead to their place within the PDF; those to pages that are not in it, nowhere."""
    for page in writer.pages:
        for reference in list(page.get("/Annots", [])):
            annotation = reference.get_object()
            address = urlsplit(str(annotation.get("/A", {}).get("/URI", "")))
            if address.scheme != "file":
                continue
            path = Path(unquote(address.path))
            inside = folder.resolve() in path.parents
            name = path.with_suffix("").relative_to(folder.resolve()).as_posix() if inside else ""
            if name not in first:
                page["/Annots"].remove(reference)
                continue
            sheet, x, y = printed[name].places.get(unquote(address.fragment), (0, None, None))
            target = writer.pages[first[name] + sheet].indirect_reference
            where = [NullObject() if at is None else FloatObject(at) for at in (x, y)]
            del annotation["/A"]
            annotation[NameObject("/Dest")] = ArrayObject([target, NameObject("/XYZ"), *where, NullObject()])


def stamp(writer: PdfWriter, first: dict[str, int], printed: dict[str, Printed]) -> None:
    """The chapter's title and the sheet's number at the foot of each sheet."""
    font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica", "/Encoding": "/WinAnsiEncoding"}
    font = writer._add_object(DictionaryObject({NameObject(key): NameObject(value) for key, value in font.items()}))

    def stream(data: bytes):
        made = DecodedStreamObject()
        made.set_data(data)
        return writer._add_object(made)

    def shown(text: str, x: float) -> bytes:
        text = text.encode("cp1252", "replace").replace(b"\\", b"").replace(b"(", b"\\(").replace(b")", b"\\)")
        return b"BT /CourseFoot 8 Tf 0.35 g 1 0 0 1 %.1f 30 Tm (%s) Tj ET " % (x, text)

    keep = stream(b"q\n")  # what a page has set must not reach its foot
    starts = {start: page for page, start in first.items()}
    name = ""
    for number, page in enumerate(writer.pages):
        name = printed[starts[number]].title if number in starts else name
        right = float(page.mediabox.width) - 51
        foot = shown(name, 51) + shown(str(number + 1), right - 4.45 * len(str(number + 1)))
        old = page["/Contents"].get_object()
        old = list(old) if isinstance(old, ArrayObject) else [page.raw_get("/Contents")]
        page[NameObject("/Contents")] = ArrayObject([keep, *old, stream(b"\nQ /Artifact BMC " + foot + b"EMC\n")])
        fonts = page["/Resources"].setdefault(NameObject("/Font"), DictionaryObject()).get_object()
        fonts[NameObject("/CourseFoot")] = font


def main(arguments: list[str]) -> int:
    built = Path(arguments[0]) if arguments else ROOT / "_build/html"
    out = Path(arguments[1]) if len(arguments) > 1 else ROOT / "_build/book.pdf"
    first = make(built, out, ROOT / "_toc.yml", arguments[2:])
    pages = len(PdfReader(out).pages)
    print(f"{out}: {len(first)} chapters and other pages, {pages} sheets, {out.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

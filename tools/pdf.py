"""The whole book as one PDF: each page printed by Chromium, in the order of _toc.yml, with a table of contents.

    python -m tools.pdf [BUILT_BOOK] [OUT.pdf] [page ...]

Links between pages lead to pages of the PDF. `make pdf` builds the book first and installs what is needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, NameObject

from tools.notebooks import ROOT

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--no-pdf-header-footer", "--allow-file-access-from-files", "--virtual-time-budget=8000"]  # fmt: skip


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


def print_page(page: Path, out: Path) -> PdfReader:
    """One HTML page, printed."""
    profile = tempfile.mkdtemp(prefix="course-print-")
    try:
        command = [browser(), *FLAGS, f"--user-data-dir={profile}", f"--print-to-pdf={out}", page.resolve().as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    finally:
        shutil.rmtree(profile, ignore_errors=True)
    if done.returncode or not out.is_file():
        raise SystemExit(f"make pdf: {page.name} could not be printed:\n{done.stderr[-1500:]}")
    return PdfReader(out)


def title(page: Path) -> str:
    """The page's title, as the browser's tab has it, without the book's."""
    text = page.read_text(encoding="utf8")
    head = text[text.index("<title>") + 7 : text.index("</title>")]
    return " ".join(head.replace("&#8212;", "—").split("—")[0].split())


def make(built: Path, out: Path, toc: Path, only: list[str] | None = None) -> dict[str, int]:
    """Print the pages and join them. Returns the first page number (from 0) of each."""
    writer, first = PdfWriter(), {}
    chosen = [(caption, [p for p in pages if not only or p in only]) for caption, pages in parts(toc)]
    with tempfile.TemporaryDirectory() as folder:
        for caption, pages in chosen:
            parent = None
            for page in pages:
                printed = print_page(built / f"{page}.html", Path(folder) / f"{page.replace('/', '_')}.pdf")
                first[page] = len(writer.pages)
                writer.append(printed, import_outline=False)
                if caption and parent is None:
                    parent = writer.add_outline_item(title=caption, page_number=first[page])
                writer.add_outline_item(title=title(built / f"{page}.html"), page_number=first[page], parent=parent)
        join_links(writer, built, first)
        writer.add_metadata({"/Title": "Recurrent networks from scratch", "/Author": "The course authors"})
        writer.write(out)
    return first


def join_links(writer: PdfWriter, built: Path, first: dict[str, int]) -> None:
    """Links to files of the built book become links within the PDF; to pages that are not in it, none at all."""
    for page in writer.pages:
        for reference in page.get("/Annots", []):
            annotation = reference.get_object()
            address = urlsplit(str(annotation.get("/A", {}).get("/URI", "")))
            if address.scheme != "file":
                continue
            path = Path(unquote(address.path))
            inside = built.resolve() in path.parents
            name = path.with_suffix("").relative_to(built.resolve()).as_posix() if inside else ""
            del annotation["/A"]
            if name in first:
                target = writer.pages[first[name]].indirect_reference
                annotation[NameObject("/Dest")] = ArrayObject([target, NameObject("/Fit")])


def main(arguments: list[str]) -> int:
    built = Path(arguments[0]) if arguments else ROOT / "_build/html"
    out = Path(arguments[1]) if len(arguments) > 1 else ROOT / "_build/book.pdf"
    first = make(built, out, ROOT / "_toc.yml", arguments[2:])
    pages = len(PdfReader(out).pages)
    print(f"{out}: {len(first)} chapters and other pages, {pages} sheets, {out.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

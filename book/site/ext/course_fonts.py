"""The book's two type families, made at build time from pip packages: no font is committed, none is fetched.

The packages carry Adobe's Source Serif Pro and Source Sans Pro under the SIL Open Font License. We keep the letters
that the book uses, about 30 kB a style. The licence reserves the name Source for the untouched fonts, so ours are
called Course Serif and Course Sans; its text travels with them. They stand inside a style sheet, as data, because
some browsers refuse font files on pages opened from a disk.
"""

from __future__ import annotations

import base64
import importlib.util
import io
from pathlib import Path

from sphinx.errors import ExtensionError

STYLES = (  # package, file, family, weight, style
    ("font_source_serif_pro", "SourceSerifPro-Regular.otf", "Course Serif", "400", "normal"),
    ("font_source_serif_pro", "SourceSerifPro-It.otf", "Course Serif", "400", "italic"),
    ("font_source_serif_pro", "SourceSerifPro-Semibold.otf", "Course Serif", "600 900", "normal"),
    ("font_source_sans_pro", "SourceSansPro-Regular.otf", "Course Sans", "400", "normal"),
    ("font_source_sans_pro", "SourceSansPro-Semibold.otf", "Course Sans", "600 900", "normal"),
)
LETTERS = [
    *range(0x20, 0x7F),
    *range(0xA0, 0x180),  # Latin with accents
    *range(0x2010, 0x2028),  # dashes, quotes, ellipsis
    *map(ord, "\u2032\u2033\u202f\u2212\u00d7\u2202\u2207\u2211\u221a\u221e\u2248\u2260\u2264\u2265"),
    *map(ord, "\u2190\u2191\u2192\u2193\u2713\u2717"),
    *range(0x391, 0x3CA),  # Greek
]
FEATURES = ["kern", "liga", "mark", "tnum", "lnum", "onum", "sups"]


def package_files(package: str) -> Path:
    """The folder of font files in an installed font package."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ExtensionError(f"course_site: {package} is not installed; run pip install -r requirements.txt")
    return Path(spec.origin).parent / "files"


def write_style_sheet(target: Path) -> None:
    """Write the @font-face rules, unless they are there and as new as this file."""
    if target.exists() and target.stat().st_mtime >= Path(__file__).stat().st_mtime:
        return
    rules = []
    for package, file, family, weight, style in STYLES:
        data = base64.b64encode(pack(package_files(package) / file, family)).decode("ascii")
        rules.append(
            f'@font-face {{ font-family: "{family}"; font-weight: {weight}; font-style: {style}; '
            f'font-display: swap; src: url("data:font/woff;base64,{data}") format("woff"); }}'
        )
    licence = (package_files(STYLES[0][0]) / "LICENSE.txt").read_text(encoding="utf8").replace("*/", "")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f"/* {licence} */\n" + "\n".join(rules) + "\n", encoding="utf8")


def pack(source: Path, family: str) -> bytes:
    """Keep LETTERS and FEATURES of one font and rename it. Returns the bytes of a WOFF file."""
    from fontTools import subset

    options = subset.Options(flavor="woff", layout_features=FEATURES, name_IDs=[0, 1, 2, 4, 6, 13, 14], hinting=False)
    with subset.load_font(str(source), options) as font:
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=LETTERS)
        subsetter.subset(font)
        bare = family.replace(" ", "")
        for record in font["name"].names:
            if record.nameID in (1, 4, 6):
                record.string = bare if record.nameID == 6 else family
        outlines = font["CFF "].cff
        outlines.fontNames = [bare]
        outlines.topDictIndex[0].FullName = outlines.topDictIndex[0].FamilyName = family
        packed = io.BytesIO()
        subset.save_font(font, packed, options)
    return packed.getvalue()

"""Diagrams as inline SVG: one family, no drawing by hand.

A :class:`Diagram` shows itself in a notebook. Ink is ``currentColor`` and accents are CSS variables, so a diagram
follows the page into dark mode and into print. :mod:`course_pkg.viz.canvas` is what they are drawn on.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from course_pkg.viz.labels import number, parse_label
from course_pkg.viz.style import PALETTE, SERIES, dark_mode

# name -> (CSS variable of the site, colour on light paper, colour on dark paper)
COLOURS = {name: (f"--course-{name}", PALETTE[name], dark_mode(PALETTE[name])) for name in SERIES}
SANS = (
    "var(--pst-font-family-base,system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif)"
)
SERIF = (
    "'STIX Two Text','Latin Modern Math','Cambria Math',Cambria,'Times New Roman','Liberation Serif',serif"
)
MONO = "ui-monospace,'SFMono-Regular',Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"


def colour(name: str) -> str:
    """The CSS value of a colour: "ink" is the text's own colour, the others are the accents of :data:`COLOURS`."""
    if name == "ink":
        return "currentColor"
    if name not in COLOURS:
        raise ValueError(f"colour: name must be 'ink' or one of {', '.join(COLOURS)}, got {name!r}")
    return f"var(--cd-{name})"


def _style_sheet() -> str:
    light = ";".join(f"--cd-{name}:var({site},{on_light})" for name, (site, on_light, _) in COLOURS.items())
    dark = ";".join(f"--cd-{name}:var({site},{on_dark})" for name, (site, _, on_dark) in COLOURS.items())
    return (
        f".cd-svg{{{light};fill:none;stroke-linecap:round;stroke-linejoin:round;font-family:{SANS}}}"
        f"html[data-theme=dark] .cd-svg,[data-jp-theme-light=false] .cd-svg{{{dark}}}"
        f".cd-svg text{{fill:currentColor;stroke:none;white-space:pre}}"
        f".cd-svg .cd-m{{font-family:{SERIF};font-style:italic}}.cd-svg .cd-r{{font-family:{SERIF}}}"
        f".cd-svg .cd-n{{font-family:{MONO}}}"
        ".course-diagram{margin:1rem 0}"
        ".course-diagram figcaption{margin-top:.7rem;font-size:.9em;text-align:center;text-wrap:pretty}"
        ".cd-row{display:flex;flex-wrap:wrap;gap:1.4rem 1.6rem;justify-content:center;align-items:flex-start}"
        ".cd-scroll{overflow-x:auto}@media print{.cd-svg{color:#000}}"
    )


STYLE = _style_sheet()
SCROLL = 'class="cd-scroll" tabindex="0" role="group" aria-label="Diagram, may scroll sideways"'


@dataclass(frozen=True)
class Diagram:
    """A finished drawing, or several panels of one. Shows itself in a notebook; ``.svg`` is its text as a file.

    ``alt`` says in words what the picture shows. ``caption`` is printed under it. ``name`` becomes the figure's id.
    """

    body: str
    box: tuple[float, float, float, float]  # x, y, width, height
    alt: str
    caption: str | None = None
    name: str | None = None
    panels: tuple[Diagram, ...] = ()

    @property
    def width(self) -> float:
        return self.box[2]

    @property
    def height(self) -> float:
        return self.box[3]

    def _svg(self, extra: str, inner: str = "") -> str:
        view = " ".join(number(v) for v in self.box)
        return (
            f'<svg class="cd-svg" role="img" aria-label="{html.escape(self.alt)}" viewBox="{view}" {extra}>'
            f"{inner}{self.body}</svg>"
        )

    @property
    def svg(self) -> str:
        """The drawing on its own, as the text of an SVG file."""
        size = (
            f'xmlns="http://www.w3.org/2000/svg" width="{number(self.width)}" height="{number(self.height)}"'
        )
        return self._svg(size, f"<style>{STYLE}</style>")

    def save(self, path: str | Path) -> Path:
        """Writes the drawing as a file that other programs can open (colours written out, light paper)."""
        text = self.svg
        for name, (_, on_light, _) in COLOURS.items():
            text = text.replace(f'"var(--cd-{name})"', f'"{on_light}"')
        path = Path(path)
        path.write_text(text + "\n", encoding="utf-8")
        return path

    def _screen(self) -> str:
        """The drawing in a page: never wider than natural, never so small that its text is unreadable."""
        narrow = self.width <= 430
        loose = ";overflow:visible" if narrow else ""
        least = "" if narrow else f"min-width:{number(0.82 * self.width)}px;"
        svg = self._svg(
            f'style="display:block;width:100%;max-width:{number(self.width)}px;{least}height:auto;margin:0 auto{loose}"'
        )
        return svg if narrow else f"<div {SCROLL}>{svg}</div>"

    def _repr_html_(self) -> str:
        if self.panels:
            cells = "".join(
                f'<div style="flex:0 1 {number(panel.width)}px;min-width:0">{panel._screen()}</div>'
                for panel in self.panels
            )
            content = f'<div class="cd-row">{cells}</div>'
        else:
            content = self._screen()
        mark = f' id="{html.escape(self.name)}"' if self.name else ""
        under = ""
        if self.caption:
            under = f"<figcaption>{caption_html(self.caption)}</figcaption>"
        inside = f"<style>{STYLE}</style>{content}{under}"
        return f'<figure class="course-diagram"{mark}>{inside}</figure>'

    def __repr__(self) -> str:
        return f"Diagram({self.alt})"

    def with_text(
        self, alt: str | None = None, caption: str | None = None, name: str | None = None
    ) -> Diagram:
        """The same diagram with another alternative text, caption or name."""
        return replace(self, alt=alt or self.alt, caption=caption or self.caption, name=name or self.name)


def caption_html(caption: str) -> str:
    """A caption with its maths between dollar signs set in HTML."""
    tags = {"m": "i", "n": "code"}
    out = []
    for run in parse_label(caption):
        text = html.escape(run.text, quote=False)
        text = f"<{tags[run.face]}>{text}</{tags[run.face]}>" if run.face in tags else text
        out.append(f"<sub>{text}</sub>" if run.shift > 0 else f"<sup>{text}</sup>" if run.shift < 0 else text)
    return "".join(out)


def side_by_side(
    panels: Sequence[Diagram], alt: str, caption: str | None = None, name: str | None = None, gap: float = 36
) -> Diagram:
    """Several drawings as one figure: a row where there is room, wrapped where there is not."""
    if not panels:
        raise ValueError("side_by_side: panels must hold at least one Diagram, got none")
    height = max(panel.height for panel in panels)
    parts, x = [], 0.0
    for panel in panels:
        shift_x, shift_y = x - panel.box[0], -panel.box[1]
        parts.append(f'<g transform="translate({number(shift_x)} {number(shift_y)})">{panel.body}</g>')
        x += panel.width + gap
    return Diagram("".join(parts), (0, 0, x - gap, height), alt, caption, name, tuple(panels))

"""The drawing kit of the course's diagrams: inline SVG, one family, no drawing by hand.

A :class:`Canvas` collects shapes and grows with them; :meth:`Canvas.diagram` turns it into a :class:`Diagram`, which shows
itself in a notebook. The grammar is the same in every picture: what flows is round (data), what is learnt is a hexagon
(parameter), what is done is a rounded box (operation), what is minimised is a diamond (loss). Ink is ``currentColor`` and
accents are CSS variables, so a diagram follows the page into dark mode and into print.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from course_pkg.viz.style import PALETTE, SERIES, dark_mode

Point = tuple[float, float]

# name -> (CSS variable of the site, colour on light paper, colour on dark paper)
COLOURS = {name: (f"--course-{name}", PALETTE[name], dark_mode(PALETTE[name])) for name in SERIES}
SANS = (
    "var(--pst-font-family-base,system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif)"
)
SERIF = (
    "'STIX Two Text','Latin Modern Math','Cambria Math',Cambria,'Times New Roman','Liberation Serif',serif"
)
MONO = "ui-monospace,'SFMono-Regular',Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"

# The kind of a node decides its colour; its shape is decided by the method that draws it.
ROLES = {"data": "ink", "hidden": "blue", "output": "teal", "param": "orange", "op": "ink", "loss": "rose"}


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
        "@media print{.cd-svg{color:#000}}"
    )


STYLE = _style_sheet()


def number(value: float) -> str:
    """A coordinate with one decimal and no trailing zero: the same text on every machine."""
    text = f"{value + 0.0:.1f}"
    text = text[:-2] if text.endswith(".0") else text
    return "0" if text == "-0" else text


def signed(value: float, digits: int = 2) -> str:
    """A value as figures print it: fixed digits and a true minus sign."""
    text = f"{value:.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}") if float(text) != 0 else text.lstrip("-")


# ---------------------------------------------------------------------------------------------------------- labels

_NARROW, _WIDE = set("ijltfrI.,:;'|!()[] /"), set("mwMW@%")
_GREEK = "αβγδεηθλμστφψωΣΔ∂"


def _advance(text: str, size: float, face: str) -> float:
    """Estimated width of a run of text. Fonts differ between machines, so the estimate is on the wide side."""
    if face == "n":
        return 0.61 * size * len(text)
    width = 0.0
    for char in text:
        if char in _NARROW:
            width += 0.34
        elif char in _WIDE:
            width += 0.9
        elif char.isupper():
            width += 0.69
        else:
            width += 0.57 if face == "s" else 0.52
    return width * size


@dataclass(frozen=True)
class Run:
    """A stretch of text in one face: "s" sans, "m" maths italic, "r" maths upright, "n" monospace."""

    text: str
    face: str
    scale: float = 1.0
    shift: float = 0.0  # in em of the full size; positive is down


def _maths_runs(source: str) -> list[Run]:
    runs: list[Run] = []

    def emit(text: str, scale: float = 1.0, shift: float = 0.0) -> None:
        pattern = rf"[A-Za-zŷẑ{_GREEK}]+|[^A-Za-zŷẑ{_GREEK}]+"
        for piece in re.findall(pattern, text.replace("-", "\N{MINUS SIGN}")):
            runs.append(Run(piece, "m" if piece[0].isalpha() else "r", scale, shift))

    position = 0
    for match in re.finditer(r"([_^])(\{[^}]*\}|.)", source):
        emit(source[position : match.start()])
        emit(match[2].strip("{}"), 0.72, 0.24 if match[1] == "_" else -0.36)
        position = match.end()
    emit(source[position:])
    return runs


def parse_label(label: str, face: str = "s") -> list[Run]:
    """A label into runs. Between dollar signs is maths: ``"loss $L_{t-1}$"``; ``_`` lowers and ``^`` raises."""
    pieces = label.split("$")
    if len(pieces) % 2 == 0:
        raise ValueError(f"parse_label: a dollar sign is left open in {label!r}")
    runs: list[Run] = []
    for i, piece in enumerate(pieces):
        if piece:
            runs += _maths_runs(piece) if i % 2 else [Run(piece, face)]
    return runs


def maths(name: str) -> str:
    """A variable's name in code, set as in the equations: ``W_hh`` -> ``$W_{hh}$``; longer words stay words."""
    name = re.sub(r"^(d?[A-Za-z])(\d+)$", r"\1_\2", name)
    numbered = re.fullmatch(r"([A-Za-z]{3,})_(\d+)", name)
    if numbered:
        return f"{numbered[1]}$_{{{numbered[2]}}}$"
    match = re.fullmatch(rf"(d?[A-Za-z{_GREEK}]s?|loss|logits)(?:_(\w+))?(\[\d+\])?(\^T)?", name)
    if match is None:
        return name
    head, below, index, above = match.groups()
    below = "t-1" if below == "prev" else below
    below = (below or "") + ("," if below and index else "") + (index or "").strip("[]")
    text = head if head in ("loss", "logits") else ""
    subscript = f"_{{{below}}}" if below else ""
    superscript = "^T" if above else ""
    return f"{text} ${below}$" if text and below else text or f"${head}{subscript}{superscript}$"


def plain(label: str) -> str:
    """A label without its markup, for the descriptions that screen readers speak."""
    return re.sub(r"[${}]", "", label)


def label_width(label: str, size: float, face: str = "s") -> float:
    return sum(
        _advance(run.text, size * run.scale * (1.12 if run.face in "mr" else 1), run.face)
        for run in parse_label(label, face)
    )


# ----------------------------------------------------------------------------------------------------------- nodes


@dataclass(frozen=True)
class Node:
    """Something drawn that arrows can start from and end at."""

    x: float
    y: float
    w: float
    h: float
    shape: str  # "circle", "box", "hexagon", "diamond"

    @property
    def top(self) -> Point:
        return (self.x, self.y - self.h / 2)

    @property
    def bottom(self) -> Point:
        return (self.x, self.y + self.h / 2)

    @property
    def left(self) -> Point:
        return (self.x - self.w / 2, self.y)

    @property
    def right(self) -> Point:
        return (self.x + self.w / 2, self.y)

    def corners(self) -> list[Point]:
        x, y, a, b = self.x, self.y, self.w / 2, self.h / 2
        if self.shape == "hexagon":
            cut = min(b, a) * 0.62
            return [
                (x - a, y),
                (x - a + cut, y - b),
                (x + a - cut, y - b),
                (x + a, y),
                (x + a - cut, y + b),
                (x - a + cut, y + b),
            ]
        if self.shape == "diamond":
            return [(x - a, y), (x, y - b), (x + a, y), (x, y + b)]
        return [(x - a, y - b), (x + a, y - b), (x + a, y + b), (x - a, y + b)]

    def edge_towards(self, target: Point, gap: float = 0.0) -> Point:
        """The point of the outline on the way from the centre to ``target``, moved out by ``gap``."""
        dx, dy = target[0] - self.x, target[1] - self.y
        distance = math.hypot(dx, dy)
        if distance == 0:
            return (self.x, self.y)
        if self.shape == "circle":
            reach = self.w / 2
        else:
            reach = distance
            corners = self.corners()
            for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
                ex, ey = x2 - x1, y2 - y1
                cross = dx * ey - dy * ex
                if abs(cross) < 1e-9:
                    continue
                along = ((x1 - self.x) * ey - (y1 - self.y) * ex) / cross
                across = ((x1 - self.x) * dy - (y1 - self.y) * dx) / cross
                if along > 0 and -1e-9 <= across <= 1 + 1e-9:
                    reach = min(reach, along * distance)
        reach += gap
        return (self.x + dx / distance * reach, self.y + dy / distance * reach)


# --------------------------------------------------------------------------------------------------------- diagram


@dataclass(frozen=True)
class Diagram:
    """A finished drawing, or several panels of one. Shows itself in a notebook; ``.svg`` is the drawing as a file's text.

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
        return (
            svg
            if narrow
            else f'<div tabindex="0" role="group" aria-label="Diagram, may scroll sideways" style="overflow-x:auto">{svg}</div>'
        )

    def _repr_html_(self) -> str:
        if self.panels:
            cells = "".join(
                f'<div style="flex:0 1 {number(panel.width)}px;min-width:0">{panel._screen()}</div>'
                for panel in self.panels
            )
            content = f'<div style="display:flex;flex-wrap:wrap;gap:1.4rem 1.6rem;justify-content:center;align-items:flex-start">{cells}</div>'
        else:
            content = self._screen()
        mark = f' id="{html.escape(self.name)}"' if self.name else ""
        under = ""
        if self.caption:
            under = f'<figcaption style="margin-top:.7rem;font-size:.9em;text-align:center">{caption_html(self.caption)}</figcaption>'
        return f'<figure class="course-diagram"{mark} style="margin:1rem 0"><style>{STYLE}</style>{content}{under}</figure>'

    def __repr__(self) -> str:
        return f"Diagram({self.alt})"

    def with_text(
        self, alt: str | None = None, caption: str | None = None, name: str | None = None
    ) -> Diagram:
        return replace(self, alt=alt or self.alt, caption=caption or self.caption, name=name or self.name)


def caption_html(caption: str) -> str:
    """A caption with its maths between dollar signs set in HTML."""
    tags = {"m": "i", "s": "span", "r": "span", "n": "code"}
    out = []
    for run in parse_label(caption):
        text = html.escape(run.text, quote=False)
        text = text if run.face == "s" else f"<{tags[run.face]}>{text}</{tags[run.face]}>"
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


# ---------------------------------------------------------------------------------------------------------- canvas


@dataclass
class Canvas:
    """Collects shapes. ``back`` lies under ``front``: arrows never cross over a node's face."""

    back: list[str] = field(default_factory=list)
    front: list[str] = field(default_factory=list)
    extent: list[float] = field(default_factory=lambda: [math.inf, math.inf, -math.inf, -math.inf])

    def cover(self, *points: Point, margin: float = 0.0) -> None:
        """Makes the drawing large enough to hold these points."""
        for x, y in points:
            low, high = (x - margin, y - margin), (x + margin, y + margin)
            self.extent[:2] = [min(self.extent[0], low[0]), min(self.extent[1], low[1])]
            self.extent[2:] = [max(self.extent[2], high[0]), max(self.extent[3], high[1])]

    def diagram(
        self, alt: str, caption: str | None = None, name: str | None = None, margin: float = 6.0
    ) -> Diagram:
        x1, y1, x2, y2 = self.extent
        if not math.isfinite(x1):
            raise ValueError("Canvas.diagram: nothing was drawn")
        box = (x1 - margin, y1 - margin, x2 - x1 + 2 * margin, y2 - y1 + 2 * margin)
        return Diagram("".join(self.back + self.front), tuple(round(v, 1) for v in box), alt, caption, name)

    # -- text

    def text(
        self, x: float, y: float, label: str, size: float = 13, anchor: str = "middle", face: str = "s", ink: str = "ink",
        bold: bool = False, faint: bool = False,
    ) -> None:  # fmt: skip
        """A label whose middle line is at ``y``. Maths goes between dollar signs."""
        runs, parts, level = parse_label(label, face), [], 0.0
        for run in runs:
            grown = (
                size * run.scale * (1.12 if run.face in "mr" else 1)
            )  # serif letters look smaller at the same size
            move = f' dy="{number(run.shift * size - level)}"' if abs(run.shift * size - level) > 0.05 else ""
            level = run.shift * size
            mark = "" if run.face == "s" else f' class="cd-{run.face}"'
            parts.append(
                f'<tspan{mark} font-size="{number(grown)}"{move}>{html.escape(run.text, quote=False)}</tspan>'
            )
        extra = ' font-weight="600"' if bold else ""
        extra += ' opacity="0.72"' if faint else ""
        extra += f' style="fill:{colour(ink)}"' if ink != "ink" else ""
        self.front.append(
            f'<text x="{number(x)}" y="{number(y + 0.35 * size)}" text-anchor="{anchor}"{extra}>{"".join(parts)}</text>'
        )
        width = label_width(label, size, face) * (1.14 if bold else 1.0)
        left = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * width
        self.cover((left, y - 0.6 * size), (left + width, y + 0.6 * size))

    # -- nodes

    def _paint(self, role: str, tint: float | None, dashed: bool, width: float = 1.5) -> str:
        ink = colour(ROLES.get(role, role))
        tint = (0.05 if role in ("data", "op") else 0.13) if tint is None else tint
        dash = ' stroke-dasharray="4 3.5"' if dashed else ""
        return f'stroke="{ink}" stroke-width="{number(width)}" fill="{ink}" fill-opacity="{tint:g}"{dash}'

    def _finish(self, node: Node, label: str, size: float, face: str = "s") -> Node:
        self.cover(
            (node.x - node.w / 2, node.y - node.h / 2), (node.x + node.w / 2, node.y + node.h / 2), margin=1
        )
        if label:
            self.text(node.x, node.y, label, size, face=face)
        return node

    def unit(
        self,
        x: float,
        y: float,
        label: str = "",
        r: float = 20,
        role: str = "data",
        size: float = 15,
        **paint,
    ) -> Node:
        """Data: a round unit."""
        self.front.append(
            f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(r)}" {self._paint(role, paint.get("tint"), paint.get("dashed", False))}/>'
        )
        return self._finish(Node(x, y, 2 * r, 2 * r, "circle"), label, size)

    def box(
        self, x: float, y: float, label: str = "", w: float = 0, h: float = 28, role: str = "op", size: float = 13, radius: float = 7,
        face: str = "s", **paint,
    ) -> Node:  # fmt: skip
        """An operation: a rounded box, as wide as its label needs."""
        w = w or max(h, label_width(label, size, face) + 16)
        self.front.append(
            f'<rect x="{number(x - w / 2)}" y="{number(y - h / 2)}" width="{number(w)}" height="{number(h)}" rx="{number(radius)}" '
            f"{self._paint(role, paint.get('tint'), paint.get('dashed', False))}/>"
        )
        return self._finish(Node(x, y, w, h, "box"), label, size, face)

    def operation(self, x: float, y: float, label: str, w: float = 0, size: float = 13) -> Node:
        """An operation whose label may have several lines."""
        lines = label.split("\n")
        w = w or max(30.0, *(label_width(line, size) + 16 for line in lines))
        node = self.box(x, y, "" if len(lines) > 1 else label, w, 27.0 + 15 * (len(lines) - 1), size=size)
        for i, line in enumerate(lines if len(lines) > 1 else []):
            self.text(x, y + (i - (len(lines) - 1) / 2) * 15, line, size)
        return node

    def _polygon(self, node: Node, label: str, size: float, role: str, paint: dict) -> Node:
        points = " ".join(f"{number(px)},{number(py)}" for px, py in node.corners())
        self.front.append(
            f'<polygon points="{points}" {self._paint(role, paint.get("tint"), paint.get("dashed", False))}/>'
        )
        return self._finish(node, label, size)

    def param(
        self,
        x: float,
        y: float,
        label: str = "",
        w: float = 0,
        h: float = 26,
        role: str = "param",
        size: float = 14,
        **paint,
    ) -> Node:
        """A parameter: a hexagon, as wide as its label needs."""
        w = w or max(h * 1.35, label_width(label, size) + 18)
        return self._polygon(Node(x, y, w, h, "hexagon"), label, size, role, paint)

    def loss(self, x: float, y: float, label: str = "", r: float = 23, size: float = 14, **paint) -> Node:
        """What is minimised: a diamond."""
        return self._polygon(Node(x, y, 2 * r, 2 * r, "diamond"), label, size, "loss", paint)

    # -- lines

    def line(
        self, points: Sequence[Point], ink: str = "ink", width: float = 1.4, dash: str = "", opacity: float = 1.0, front: bool = False,
    ) -> None:  # fmt: skip
        """A plain stroke through points."""
        path = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
        self._stroke(path, ink, width, dash, opacity, front)
        self.cover(*points, margin=width / 2)

    def _stroke(
        self, path: str, ink: str, width: float, dash: str = "", opacity: float = 1.0, front: bool = False
    ) -> None:
        extra = f' stroke-dasharray="{dash}"' if dash else ""
        extra += f' opacity="{opacity:.2f}"' if opacity < 1 else ""
        (self.front if front else self.back).append(
            f'<path d="{path}" stroke="{colour(ink)}" stroke-width="{number(width)}"{extra}/>'
        )

    def arrow(
        self, start: Node | Point, end: Node | Point, via: Sequence[Point] = (), bend: float = 0.0, ink: str = "ink", width: float = 1.4,
        dash: str = "", opacity: float = 1.0, head: float | None = None, gap: float = 3.0, smooth: bool = False, corner: float = 10.0,
        cubic: bool = False,
    ) -> list[Point]:  # fmt: skip
        """An arrow from outline to outline. ``via`` are corners (rounded), points of a curve (``smooth``), or the two handles
        of one Bezier curve (``cubic``); ``bend`` bows it. Returns points of the shaft, so that a label can be put beside it.
        """
        a, b = _centre(start), _centre(end)
        inner = list(via)
        if bend and not inner:
            across = (-(b[1] - a[1]), b[0] - a[0])
            length = math.hypot(*across) or 1.0
            inner = [
                ((a[0] + b[0]) / 2 + across[0] / length * bend, (a[1] + b[1]) / 2 + across[1] / length * bend)
            ]
            smooth = True
        first = (
            start.edge_towards(inner[0] if inner else b, 0 if gap == 0 else 1.5)
            if isinstance(start, Node)
            else a
        )
        last = end.edge_towards(inner[-1] if inner else a, gap) if isinstance(end, Node) else b
        points = [first, *inner, last]
        if cubic:
            samples = _sample([tuple(points)], 24)
        else:
            samples = _sample(_bezier_chain(points)) if smooth and inner else _rounded(points, corner)
        self.shaft(samples, ink, width, dash, opacity, head)
        return samples

    def shaft(
        self,
        samples: list[Point],
        ink: str = "ink",
        width: float = 1.4,
        dash: str = "",
        opacity: float = 1.0,
        head: float | None = None,
    ) -> None:
        """A line along sampled points, with an arrow head at its end (none for ``head=0``)."""
        shaft, (tip, left, right) = _cut_head(samples, 5.5 + 1.6 * width if head is None else head)
        path = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in shaft)
        self._stroke(path, ink, width, dash, opacity)
        if head != 0:
            faded = f' opacity="{opacity:.2f}"' if opacity < 1 else ""
            corners = " ".join(f"{number(x)},{number(y)}" for x, y in (tip, left, right))
            self.back.append(f'<polygon points="{corners}" fill="{colour(ink)}"{faded}/>')
        self.cover(*shaft, tip, left, right, margin=width / 2)

    def bracket(
        self,
        x1: float,
        x2: float,
        y: float,
        label: str = "",
        size: float = 13,
        depth: float = 7,
        below: bool = True,
    ) -> None:
        """A horizontal bracket with a label, under (or over) what it spans."""
        sign = 1 if below else -1
        self.line([(x1, y), (x1, y + sign * depth), (x2, y + sign * depth), (x2, y)], width=1.1, opacity=0.6)
        if label:
            self.text((x1 + x2) / 2, y + sign * (depth + size), label, size)

    # -- values

    def cell(self, x: float, y: float, value: float, side: float = 16, limit: float = 1.0) -> None:
        """One number as a square: side grows with its size; positive is full orange, negative is hollow blue."""
        share = min(1.0, abs(float(value)) / limit) if limit > 0 else 0.0
        corner = f'x="{number(x - side / 2)}" y="{number(y - side / 2)}" width="{number(side)}" height="{number(side)}"'
        self.front.append(f'<rect {corner} rx="2" fill="currentColor" fill-opacity="0.09"/>')
        inner = side * (0.14 + 0.86 * share) if share > 0 else 0.0
        if inner:
            positive = value > 0
            inset = 0.0 if positive else min(1.0, inner / 4)
            s = inner - 2 * inset
            paint = (
                f'fill="{colour("orange")}" fill-opacity="0.85"'
                if positive
                else f'fill="{colour("blue")}" fill-opacity="0.16" stroke="{colour("blue")}" stroke-width="{number(2 * inset)}"'
            )
            self.front.append(
                f'<rect x="{number(x - s / 2)}" y="{number(y - s / 2)}" width="{number(s)}" height="{number(s)}" rx="1.5" {paint}/>'
            )
        self.cover((x - side / 2, y - side / 2), (x + side / 2, y + side / 2))

    def cells(
        self, x: float, y: float, values: np.ndarray, side: float = 16, gap: float = 2, limit: float = 1.0
    ) -> None:
        """A matrix of cells, rows downwards, centred at (x, y). A vector is one column."""
        grid = np.atleast_2d(np.asarray(values, dtype=float))
        grid = grid.T if np.ndim(values) == 1 else grid
        rows, columns = grid.shape
        pitch = side + gap
        for i in range(rows):
            for j in range(columns):
                self.cell(
                    x + (j - (columns - 1) / 2) * pitch,
                    y + (i - (rows - 1) / 2) * pitch,
                    grid[i, j],
                    side,
                    limit,
                )


def _centre(end: Node | Point) -> Point:
    return (end.x, end.y) if isinstance(end, Node) else end


def _bezier_chain(points: Sequence[Point]) -> list[tuple[Point, Point, Point, Point]]:
    """A smooth curve through the points (Catmull-Rom), as cubic pieces."""
    padded = [points[0], *points, points[-1]]
    pieces = []
    for p0, p1, p2, p3 in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        c1 = (p1[0] + (p2[0] - p0[0]) / 6, p1[1] + (p2[1] - p0[1]) / 6)
        c2 = (p2[0] - (p3[0] - p1[0]) / 6, p2[1] - (p3[1] - p1[1]) / 6)
        pieces.append((p1, c1, c2, p2))
    return pieces


def _sample(pieces: Sequence[tuple[Point, Point, Point, Point]], count: int = 10) -> list[Point]:
    out = [pieces[0][0]]
    for p, q, r, s in pieces:
        for k in range(1, count + 1):
            t = k / count
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            out.append(
                tuple(sum(w * c[axis] for w, c in zip(weights, (p, q, r, s), strict=True)) for axis in (0, 1))
            )
    return out


def _rounded(points: Sequence[Point], radius: float) -> list[Point]:
    """A polyline whose corners are rounded, as points."""
    out = [points[0]]
    for before, here, after in zip(points, points[1:], points[2:], strict=False):
        size_in, size_out = math.dist(before, here), math.dist(here, after)
        r = min(radius, size_in / 2, size_out / 2)
        if r < 0.5:
            out.append(here)
            continue
        a = tuple(here[i] + (before[i] - here[i]) / size_in * r for i in (0, 1))
        b = tuple(here[i] + (after[i] - here[i]) / size_out * r for i in (0, 1))
        for k in range(7):
            t = k / 6
            out.append(tuple((1 - t) ** 2 * a[i] + 2 * t * (1 - t) * here[i] + t * t * b[i] for i in (0, 1)))
    return [*out, points[-1]]


def _cut_head(points: list[Point], head: float) -> tuple[list[Point], tuple[Point, Point, Point]]:
    """Shortens a shaft so that an arrow head of this length fits in front of it."""
    tip, shaft = points[-1], list(points)
    while len(shaft) > 2 and math.dist(shaft[-2], tip) < head * 0.8:
        shaft.pop()
    base = shaft[-2] if len(shaft) > 1 else shaft[0]
    length = math.dist(base, tip) or 1.0
    ux, uy = (tip[0] - base[0]) / length, (tip[1] - base[1]) / length
    back = min(head, length)
    foot = (tip[0] - ux * back, tip[1] - uy * back)
    half = head * 0.42
    shaft[-1] = (tip[0] - ux * back * 0.8, tip[1] - uy * back * 0.8)
    return shaft, (
        tip,
        (foot[0] - uy * half, foot[1] + ux * half),
        (foot[0] + uy * half, foot[1] - ux * half),
    )

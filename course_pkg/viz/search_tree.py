"""The tree that a beam search walked through, and the table of who looked where. Both from what a search recorded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from course_pkg.decoding import Search
from course_pkg.hypotheses import Node
from course_pkg.viz.canvas import Canvas
from course_pkg.viz.labels import counted, label_width, number
from course_pkg.viz.svg import Diagram, colour

PITCH, ROW, SIDE = 114.0, 36.0, 34.0  # from length to length, from prefix to prefix, of a cell in the table


def draw_search(
    search: Search, words: Sequence[str], row: int = 0, caption: str | None = None, name: str | None = None
) -> Diagram:
    """The prefixes that a search with show >= 1 looked at. Boxes were kept, bare words were cut; P is the prefix's.

    The path of the best hypothesis is blue, a finished prefix has a double right edge. words: what each token is.
    """
    found = [(i, node) for i, node in enumerate(search.nodes) if node.row == row]
    if not found:
        raise ValueError(f"draw_search: search must hold the tree of row {row}; was it made with show >= 1?")
    places = _places(found)
    best = search.best[row][0].tokens.tolist()
    winner = _path(search.nodes, best, row)
    canvas = Canvas()
    roots = [places[i][1] for i, node in found if node.parent < 0]
    start = canvas.unit(0, (min(roots) + max(roots)) / 2, "", r=7)
    drawn = {-1: start}
    for i, node in found:
        x, y = places[i]
        drawn[i] = _prefix(canvas, x, y, node, words[node.token], i in winner)
    for i, node in found:
        blue = i in winner
        canvas.arrow(drawn[node.parent], drawn[i], ink="blue" if blue else "ink", width=2.0 if blue else 1.2,
                     opacity=1.0 if node.kept else 0.45, head=0)  # fmt: skip
    kept = sum(node.kept for _, node in found)
    alt = (f"Tree of a beam search. {counted(kept, 'prefix')} kept, {len(found) - kept} cut. "
           f"Best: {' '.join(words[token] for token in best)}, probability {np.exp(search.best[row][0].log_prob):.3f}. "
           + " ".join(_said(search.nodes, i, words) for i, node in found if node.kept))  # fmt: skip
    return canvas.diagram(alt.replace("prefixs", "prefixes"), caption, name)


def _prefix(canvas: Canvas, x: float, y: float, node: Node, word: str, best: bool):
    """One prefix: its last word, and the probability of the whole under it."""
    probability = f"{np.exp(node.log_prob):.3f}"
    width = max(label_width(word, 13), label_width(probability, 10.5)) + 18
    ink = "hidden" if best else "data"
    if node.kept:
        box = canvas.box(x, y, "", w=width, h=29, role=ink)
        if node.finished:
            canvas.line([(x + width / 2 + 3.5, y - 10), (x + width / 2 + 3.5, y + 10)], "blue" if best else "ink", 1.5)
    else:
        box = canvas.box(x, y, "", w=width, h=29, role=ink, tint=0.0, dashed=True)
    canvas.text(x, y - 6, word, 13, faint=not node.kept, bold=best)
    canvas.text(x, y + 8, probability, 10.5, faint=True)
    return box


def _places(found: list[tuple[int, Node]]) -> dict[int, tuple[float, float]]:
    """(x, y) of each prefix: a row for each leaf, a parent in the middle of its children, the likeliest on top."""
    children: dict[int, list[int]] = {}
    by_index = dict(found)
    for i, node in found:
        children.setdefault(node.parent, []).append(i)
    places: dict[int, tuple[float, float]] = {}
    rows = 0

    def place(i: int) -> float:
        nonlocal rows
        below = sorted(children.get(i, []), key=lambda k: -by_index[k].log_prob)
        ys = [place(k) for k in below]
        if not ys:
            ys, rows = [rows * ROW], rows + 1
        y = (ys[0] + ys[-1]) / 2
        if i >= 0:
            places[i] = (by_index[i].length * PITCH - 30, y)
        return y

    place(-1)
    return places


def _path(nodes: list[Node], tokens: list[int], row: int) -> set[int]:
    """The indices of the kept nodes along these tokens."""
    path, parent = set(), -1
    for token in tokens:
        parent = next(i for i, node in enumerate(nodes)
                      if (node.row, node.parent, node.token, node.kept) == (row, parent, token, True))  # fmt: skip
        path.add(parent)
    return path


def _said(nodes: list[Node], i: int, words: Sequence[str]) -> str:
    said, at = [], i
    while at >= 0:
        said.append(words[nodes[at].token])
        at = nodes[at].parent
    return f"{' '.join(reversed(said))}: {np.exp(nodes[i].log_prob):.3f}."


def draw_alignment(
    weights: np.ndarray, source: Sequence[str], target: Sequence[str],
    caption: str | None = None, name: str | None = None,
) -> Diagram:  # fmt: skip
    """weights (n, S): a row for each target word, a column for each source word; the fuller a cell, the larger."""
    weights = np.asarray(weights)
    if weights.shape != (len(target), len(source)):
        raise ValueError(f"draw_alignment: weights must be {(len(target), len(source))} (from target and source), "
                         f"got shape {weights.shape}")  # fmt: skip
    canvas = Canvas()
    wide = max(SIDE + 4, *(label_width(word, 13) + 10 for word in source))
    for j, word in enumerate(source):
        canvas.text(j * wide, -SIDE * 0.95, word, 13)
    for i, word in enumerate(target):
        canvas.text(-wide / 2 - 8, i * SIDE, word, 13, anchor="end")
        for j, weight in enumerate(weights[i]):
            _cell(canvas, j * wide, i * SIDE, wide - 3, SIDE - 3, float(weight))
    told = [f"{word} looks at " + ", ".join(f"{source[j]} {weights[i, j]:.2f}" for j in np.argsort(-weights[i])[:2])
            for i, word in enumerate(target)]  # fmt: skip
    return canvas.diagram(f"Table of attention weights. {'; '.join(told)}.", caption, name)


def _cell(canvas: Canvas, x: float, y: float, w: float, h: float, weight: float) -> None:
    """One weight: its number on a ground that is the bluer, the larger it is."""
    canvas.front.append(f'<rect x="{number(x - w / 2)}" y="{number(y - h / 2)}" width="{number(w)}" '
                        f'height="{number(h)}" rx="3" fill="{colour("blue")}" '
                        f'fill-opacity="{0.03 + 0.62 * weight:.2f}"/>')  # fmt: skip
    shown = f"{weight:.2f}".lstrip("0") if weight < 0.995 else "1.0"
    canvas.text(x, y, shown, 12, bold=weight >= 0.5, faint=weight < 0.1)
    canvas.cover((x - w / 2, y - h / 2), (x + w / 2, y + h / 2))

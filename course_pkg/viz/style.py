"""One look for every figure of the course: colours, Matplotlib settings, direct labels.

Nothing here imports Matplotlib until a function is called. The colours are chosen, and tested, so that each
has a contrast of at least 4.5:1 against the light page and, after the site's dark mode has turned the picture
with the CSS filter `invert(1) hue-rotate(180deg)`, against the dark page too; and so that any two stay
apart under deuteranopia, protanopia and tritanopia.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap

PALETTE: dict[str, str] = {
    "ink": "#1b2430",  # text and axes
    "muted": "#5b6572",  # tick labels, notes
    "line": "#c9cfd6",  # grids and rules: decoration only, never the carrier of a message
    "blue": "#1d3bb4",
    "orange": "#c24f05",
    "teal": "#1f8362",
    "purple": "#8443e1",
    "rose": "#803859",
}
SERIES = ("blue", "orange", "teal", "purple", "rose")  # the order in which lines take their colour
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.6)), (0, (1.4, 1.3)), (0, (7, 1.6, 1.4, 1.6)), (0, (3, 1.2)))
MARKERS = ("o", "s", "^", "D", "v")  # one per series, for those who plot points
LIGHT_PAGE, DARK_PAGE = "#fdfcfa", "#14181e"  # the site's two backgrounds
FIGURE_SIZE = (6.4, 3.4)  # inches, at 100 CSS pixels to the inch: as wide as the text; letters of 17 px, 9 on a phone
FIGURE_DPI = 100

_DIVERGING = ("#122478", "#1d3bb4", "#7e97e6", "#f5f4f2", "#f0a064", "#c24f05", "#7a2f00")
_SEQUENTIAL = ("#f5f4f2", "#c3cdf3", "#8298e6", "#4460cf", "#1d3bb4", "#0e1c5a")


def dark_mode(colour: str) -> str:
    """The colour "#rrggbb" as the dark site shows it, through CSS's `invert(1) hue-rotate(180deg)`."""
    r, g, b = (1 - int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    turned = (
        -0.574 * r + 1.43 * g + 0.144 * b,
        0.426 * r + 0.43 * g + 0.144 * b,
        0.426 * r + 1.43 * g - 0.856 * b,
    )
    return "#" + "".join(f"{round(255 * min(1.0, max(0.0, v))):02x}" for v in turned)


def settings() -> dict[str, Any]:
    """The Matplotlib settings (rcParams) of the course, as a new dict."""
    from cycler import cycler

    ink, muted, line = PALETTE["ink"], PALETTE["muted"], PALETTE["line"]
    return {
        "figure.figsize": FIGURE_SIZE,
        "figure.dpi": FIGURE_DPI,
        "savefig.dpi": 2 * FIGURE_DPI,
        "figure.constrained_layout.use": True,
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "none",
        "font.family": "DejaVu Sans",  # comes with Matplotlib: the same picture everywhere
        "mathtext.fontset": "cm",
        "font.size": 12.5,
        "axes.titlesize": 13,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 9,
        "axes.labelsize": 12.5,
        "xtick.labelsize": 11.5,
        "ytick.labelsize": 11.5,
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.titlecolor": ink,
        "axes.edgecolor": muted,
        "xtick.color": muted,
        "ytick.color": muted,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "xtick.major.width": 0.8,
        "ytick.major.width": 0.8,
        "xtick.major.size": 3.5,
        "ytick.major.size": 3.5,
        "xtick.minor.visible": False,
        "axes.axisbelow": True,
        "axes.grid": False,
        "grid.color": line,
        "grid.linewidth": 0.7,
        "axes.prop_cycle": cycler(color=[PALETTE[name] for name in SERIES]) + cycler(linestyle=list(DASHES)),
        "lines.linewidth": 2.0,
        "lines.markersize": 5,
        "lines.dash_capstyle": "butt",
        "lines.solid_capstyle": "round",
        "scatter.marker": "o",
        "patch.linewidth": 0.8,
        "hatch.linewidth": 0.6,
        "image.cmap": "course_sequential",
        "image.interpolation": "nearest",
        "legend.frameon": False,  # lines carry their names (label_lines); a legend is the last resort
        "axes.formatter.useoffset": False,
        "axes.unicode_minus": True,
    }


def diverging_map() -> LinearSegmentedColormap:
    """Blue (negative) through the paper's white (zero) to orange (positive). Pass symmetric vmin and vmax."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("course_diverging", _DIVERGING)


def sequential_map() -> LinearSegmentedColormap:
    """From the paper's white (least) to deep blue (most); lightness falls all the way."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("course_sequential", _SEQUENTIAL)


def use_style() -> None:
    """Make the course's look the current one. Call it once, at the top of a notebook."""
    import matplotlib as mpl

    for cmap in (diverging_map(), sequential_map()):
        if cmap.name in mpl.colormaps:
            mpl.colormaps.unregister(cmap.name)
        mpl.colormaps.register(cmap)
    mpl.rcParams.update(settings())
    _show_at_true_size()


def _show_at_true_size() -> None:
    """In a notebook: store figures at double resolution with their size beside them, and do not crop them.

    So a figure of 6.4 inches is 640 pixels wide in JupyterLab and in the book, with one text size everywhere.
    """
    import sys

    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):  # a plain script or terminal
        return
    from matplotlib_inline.config import InlineBackend

    backend = InlineBackend.instance(parent=shell)
    backend.shell = shell
    backend.print_figure_kwargs = {"bbox_inches": None}
    backend.figure_formats = {"retina"}


def label_lines(
    ax: Axes, lines: Iterable[Any] | None = None, *, gap: float = 6.0, size: float = 12.0
) -> list[Any]:
    """Write each line's label at its right end, in its colour, and keep the labels from overlapping.

    lines: the lines to label; None for all that have a label. gap: points between a line's end and its label.
    size: font size in points. Returns the annotations. Call it last, after limits and scales are set.
    Raises ValueError when there is nothing to label.
    """
    import numpy as np

    chosen = ax.get_lines() if lines is None else lines
    chosen = [line for line in chosen if not str(line.get_label()).startswith("_")]
    if not chosen:
        raise ValueError("label_lines: no line on these axes has a label; give plot(..., label='...')")
    ax.figure.draw_without_rendering()  # settles limits and layout, which the distances below depend on
    ends = []
    for ln in chosen:
        x, y = (np.asarray(v, dtype=float) for v in ln.get_data())
        keep = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        if keep.size == 0:
            raise ValueError(f"label_lines: line {ln.get_label()!r} has no finite point to stand beside")
        ends.append((x[keep[-1]], y[keep[-1]]))
    points = 72 / ax.figure.dpi  # from display pixels to points
    heights = ax.transData.transform(np.array(ends))[:, 1] * points
    needed = np.array([1.3 * size * (1 + str(ln.get_label()).count("\n")) for ln in chosen])
    shifts = spread(heights, needed, low=ax.bbox.y0 * points) - heights
    shifts[abs(shifts) < 2] = 0
    indent = gap + 7 * bool(shifts.any())  # room for the thin leaders, when there are any
    notes = []
    for ln, end, shift in zip(chosen, ends, shifts, strict=True):
        thin = {
            "arrowstyle": "-",
            "color": ln.get_color(),
            "lw": 0.7,
            "shrinkA": 0,
            "shrinkB": 1,
            "relpos": (0, 0.5),
        }
        notes.append(
            ax.annotate(
                str(ln.get_label()), end, xytext=(indent, shift),
                textcoords="offset points", va="center", ha="left", color=ln.get_color(), fontsize=size,
                annotation_clip=False, arrowprops=thin if shift else None,
            )
        )  # fmt: skip
    return notes


def spread(wanted: Any, needed: Any, low: float = float("-inf")) -> Any:
    """Move intervals on a line as little as possible so that none overlap.

    wanted: (n,) centres; needed: (n,) lengths; low: nothing may reach below. Returns (n,) centres, in order.
    Neighbours that touch form a block; a block sits at the mean of what its members want, or at `low`.
    """
    import numpy as np

    wanted, needed = np.asarray(wanted, dtype=float), np.asarray(needed, dtype=float)
    order = np.argsort(wanted, kind="stable")
    blocks: list[tuple[float, list[int]]] = []  # (lower edge, members from low to high)
    for i in order:
        block = (max(wanted[i] - needed[i] / 2, low), [int(i)])
        while blocks and blocks[-1][0] + needed[blocks[-1][1]].sum() > block[0]:
            members = blocks.pop()[1] + block[1]
            offsets = np.cumsum(needed[members]) - needed[members] / 2  # centres, from the block's lower edge
            block = (max(float((wanted[members] - offsets).mean()), low), members)
        blocks.append(block)
    centres = np.empty_like(wanted)
    for edge, members in blocks:
        centres[members] = edge + np.cumsum(needed[members]) - needed[members] / 2
    return centres

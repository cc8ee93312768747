"""The colours hold on both pages and for colour-blind readers; the plotting helpers do what they say."""

import itertools
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from course_pkg.viz import style

ACCENTS = ("ink", *style.SERIES)
# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
LMS = np.array(  # OKLab (Ottosson 2020): linear RGB to cone responses
    [[0.412221, 0.536333, 0.051446], [0.211903, 0.680700, 0.107397], [0.088302, 0.281719, 0.629979]]
)
LAB = np.array(  # and their cube roots to lightness, green-red, blue-yellow
    [[0.210454, 0.793618, -0.004072], [1.977998, -2.428592, 0.450594], [0.025904, 0.782772, -0.808676]]
)


def linear(colour: str) -> np.ndarray:
    c = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    high, low = sorted((float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (a, b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def distance(a: str, b: str, sight: np.ndarray) -> float:
    """100 times the OKLab distance, as seen."""
    p, q = (np.cbrt(np.clip(sight @ linear(c), 0, 1) @ LMS.T) @ LAB.T for c in (a, b))
    return 100 * float(np.linalg.norm(p - q))


def block(css: str, head: str) -> str:
    found = re.search(rf"{re.escape(head)} *\{{(.*?)\}}", css, re.S)
    assert found, f"course.css has no {head} block"
    return found[1]


def test_the_measures_know_black_white_and_a_known_confusion():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    red, olive = "#b2182b", "#5a6e00"
    assert distance(red, olive, SIGHT["normal"]) > 3 * distance(red, olive, SIGHT["deuteranopia"])


def test_dark_mode_is_the_css_filter():
    assert style.dark_mode("#000000") == "#ffffff"
    assert style.dark_mode("#ffffff") == "#000000"
    assert style.dark_mode("#1d3bb4") != "#1d3bb4"


@pytest.mark.parametrize("name", [*ACCENTS, "muted"])
def test_contrast_in_light_and_dark(name):
    colour = style.PALETTE[name]
    assert contrast(colour, "#ffffff") >= 4.5
    assert contrast(colour, style.LIGHT_PAGE) >= 4.5
    assert contrast(style.dark_mode(colour), style.DARK_PAGE) >= 4.5


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize(("a", "b"), list(itertools.combinations(ACCENTS, 2)))
def test_any_two_colours_stay_apart(sight, a, b):
    first, second = style.PALETTE[a], style.PALETTE[b]
    assert distance(first, second, SIGHT[sight]) >= 7
    assert distance(style.dark_mode(first), style.dark_mode(second), SIGHT[sight]) >= 7


def test_the_site_uses_the_same_colours():
    css = (Path(__file__).parents[2] / "book/site/course.css").read_text(encoding="utf8")
    light, dark = block(css, ":root"), block(css, "html[data-theme=dark]")
    for name, colour in style.PALETTE.items():
        assert re.search(rf"--course-{name}: *{colour};", light), name
        if name != "line":
            assert re.search(rf"--course-{name}: *{style.dark_mode(colour)};", dark), name
    assert f"--course-page: {style.LIGHT_PAGE};" in light
    assert f"--course-page: {style.DARK_PAGE};" in dark


def test_maps_run_evenly_from_light_to_dark():
    from matplotlib.colors import to_hex

    shades = [to_hex(style.sequential_map()(t)) for t in np.linspace(0, 1, 33)]
    lightness = [np.cbrt(linear(shade) @ LMS.T) @ LAB[0] for shade in shades]
    assert (np.diff(lightness) < 0).all()
    left, right = style.diverging_map()(0.1), style.diverging_map()(0.9)
    assert left[2] > left[0] and right[0] > right[2]
    assert min(style.diverging_map()(0.5)[:3]) > 0.93


def test_style_is_lazy():
    code = "import sys, course_pkg.viz.style; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_use_style_sets_the_settings():
    import matplotlib as mpl

    with mpl.rc_context():
        style.use_style()
        assert mpl.rcParams["figure.facecolor"] == "none"
        assert not mpl.rcParams["axes.spines.top"] and not mpl.rcParams["axes.spines.right"]
        cycle = mpl.rcParams["axes.prop_cycle"].by_key()
        assert cycle["color"] == [style.PALETTE[name] for name in style.SERIES]
        assert len(set(map(str, cycle["linestyle"]))) == len(style.SERIES)
        assert "course_diverging" in mpl.colormaps


def test_labels_stand_at_the_ends_without_overlap():
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    with mpl.rc_context():
        style.use_style()
        fig = Figure()
        ax = fig.add_subplot()
        for k in range(4):
            ax.plot([0, 1, 2], [0, 1, 1 + 0.01 * k], label=f"run {k}")
        ax.plot([0, 1], [0, 2])
        notes = style.label_lines(ax)
        fig.draw_without_rendering()
        boxes = sorted((Text.get_window_extent(n) for n in notes), key=lambda box: box.y0)
    assert [n.get_text() for n in notes] == [f"run {k}" for k in range(4)]
    assert all(below.y1 <= above.y0 + 1 for below, above in itertools.pairwise(boxes))
    assert all(box.x1 <= fig.bbox.x1 for box in boxes)
    assert [n.get_color() for n in notes] == [style.PALETTE[name] for name in style.SERIES[:4]]


def test_labels_refuse_nothing_and_empty_lines():
    from matplotlib.figure import Figure

    ax = Figure().add_subplot()
    with pytest.raises(ValueError, match="label_lines: no line on these axes has a label"):
        style.label_lines(ax)
    ax.plot([np.nan], [1.0], label="gone")
    with pytest.raises(ValueError, match="label_lines: line 'gone' has no finite point"):
        style.label_lines(ax)


def test_spread_moves_little_and_keeps_order():
    assert style.spread([0.0, 10.0], [2.0, 2.0]) == pytest.approx([0, 10])
    assert style.spread([1.0, 1.0, 1.0], [2.0, 2.0, 2.0]) == pytest.approx([-1, 1, 3])
    assert style.spread([1.0, 1.0], [2.0, 2.0], low=0.5) == pytest.approx([1.5, 3.5])
    rng = np.random.default_rng(0)
    for _ in range(50):
        wanted, needed = rng.uniform(0, 10, 6), rng.uniform(0.5, 3, 6)
        placed = style.spread(wanted, needed)
        order = np.argsort(wanted)
        gaps = np.diff(placed[order]) - (needed[order][1:] + needed[order][:-1]) / 2
        assert (gaps >= -1e-9).all()

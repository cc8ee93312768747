"""The drawing kit: every diagram is valid, readable, described, and the same on every machine."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from course_pkg.viz.canvas import Canvas
from course_pkg.viz.geometry import Node
from course_pkg.viz.labels import label_width, maths, number, parse_label, plain, short, signed
from course_pkg.viz.layered import arrange, layers_of
from course_pkg.viz.svg import COLOURS, colour, side_by_side
from tests.package.viz_gallery import GALLERY, largest_overlap, node_boxes

SVG = "{http://www.w3.org/2000/svg}"
each = pytest.mark.parametrize("name", GALLERY)


def texts(svg: str) -> list[tuple[str, ET.Element]]:
    return [("".join(element.itertext()), element) for element in ET.fromstring(svg).iter(f"{SVG}text")]


@each
def test_a_drawing_is_valid_and_says_what_it_shows(name):
    diagram = GALLERY[name]()
    root = ET.fromstring(diagram.svg)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == diagram.alt
    assert len(diagram.alt) > 40
    assert diagram.alt.endswith(".")
    assert not set("${}") & set(diagram.alt)


@each
def test_a_page_can_hold_a_drawing_twice(name):
    html = GALLERY[name]()._repr_html_()
    marks = re.findall(r'\bid="([^"]*)"', html)
    assert marks in ([], ["fig-unrolled"])  # no id but the one that the caller chose
    assert "url(#" not in html
    assert (
        html.count("<svg") == html.count('role="img"') == html.count("aria-label=") - html.count("tabindex=")
    )
    ET.fromstring(html)  # balanced, so that nothing leaks into the page


@each
def test_a_drawing_follows_the_page_into_dark_mode(name):
    svg = GALLERY[name]()._repr_html_()
    for paint in re.findall(r'(?:fill|stroke)="([^"]*)"', svg):
        assert paint == "currentColor" or re.fullmatch(r"var\(--cd-[a-z]+\)", paint), paint
    assert "background" not in svg


@each
def test_coordinates_have_one_decimal_and_lie_inside(name):
    diagram = GALLERY[name]()
    root = ET.fromstring(diagram.svg)
    x, y, width, height = map(float, root.get("viewBox").split())
    body = diagram.svg[diagram.svg.index("</style>") :]
    assert not re.search(r"\d\.\d\d", re.sub(r'(opacity="[\d.]*")|(>[^<]*<)', "", body))
    assert "nan" not in body
    for box in [] if diagram.panels else node_boxes(diagram.svg):
        assert x <= box[0]
        assert y <= box[1]
        assert box[2] <= x + width
        assert box[3] <= y + height


@each
def test_nodes_do_not_overlap(name):
    diagram = GALLERY[name]()
    for drawing in diagram.panels or (diagram,):
        assert node_boxes(drawing.svg) or "strip" in name
        assert largest_overlap(drawing.svg) <= 0


@each
def test_text_stays_readable_on_a_phone(name):
    diagram = GALLERY[name]()
    for drawing in diagram.panels or (diagram,):
        scale = (
            343 / drawing.width if drawing.width <= 430 else 0.82
        )  # wider ones scroll instead of shrinking further
        for text, element in texts(drawing.svg):
            sizes = [float(span.get("font-size")) for span in element]
            assert max(sizes) * min(1.0, scale) >= 8.5, text


@each
def test_text_is_inside_its_drawing(name):
    diagram = GALLERY[name]()
    for drawing in diagram.panels or (diagram,):
        x, y, width, height = drawing.box
        for text, element in texts(drawing.svg):
            assert x <= float(element.get("x")) <= x + width, text
            assert y + 4 <= float(element.get("y")) <= y + height, text


def test_the_same_drawing_in_another_process():
    code = (
        "from tests.package.viz_gallery import GALLERY; import hashlib;"
        "print(hashlib.sha256(''.join(draw()._repr_html_() for draw in GALLERY.values()).encode()).hexdigest())"
    )
    digests = set()
    for seed in ("0", "1234"):
        environment = {**os.environ, "PYTHONPATH": ".", "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", code]
        digests.add(
            subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        )
    assert len(digests) == 1
    assert re.fullmatch(r"[0-9a-f]{64}\n", digests.pop())


def test_the_package_needs_no_matplotlib_for_its_diagrams():
    code = "import course_pkg.viz.diagrams, sys; assert not {'matplotlib', 'torch', 'sklearn'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_saved_drawing_stands_alone(tmp_path):
    path = GALLERY["unrolled"]().save(tmp_path / "unrolled.svg")
    text = path.read_text(encoding="utf-8")
    ET.fromstring(text)
    assert not re.search(r'(fill|stroke)="var', text)
    assert f'stroke="{COLOURS["orange"][1]}"' in text


def test_words_of_the_reader_cannot_break_the_page():
    html = GALLERY["unrolled words"]()._repr_html_()
    assert "&lt;eos&gt;" in html
    assert "<eos>" not in html
    assert "<i>h</i><sub>1</sub> &amp; &lt;so&gt; on" in GALLERY["unrolled"]()._repr_html_()


def test_wide_drawings_scroll_by_keyboard_and_narrow_ones_shrink():
    canvas = Canvas()
    canvas.line([(0, 0), (300, 10)])
    assert "tabindex" not in canvas.diagram("narrow.")._repr_html_()
    canvas.line([(0, 0), (600, 10)])
    assert 'tabindex="0"' in canvas.diagram("wide.")._repr_html_()


def test_a_repr_is_short_and_has_no_address():
    assert repr(GALLERY["shapes"]()).startswith(
        "Diagram(One to one, for instance a digit from an image: 1 input, "
    )
    assert "0x" not in repr(GALLERY["strip"]())


def test_text_can_be_replaced():
    diagram = GALLERY["strip"]().with_text(alt="Other words.", caption="A caption", name="fig-strip")
    assert 'aria-label="Other words."' in diagram.svg
    assert "<figcaption" in diagram._repr_html_()
    assert 'id="fig-strip"' in diagram._repr_html_()


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("W_hh", "$W_{hh}$"),
        ("h_prev", "$h_{t-1}$"),
        ("h0", "$h_{0}$"),
        ("b_h", "$b_{h}$"),
        ("W_xh^T", "$W_{xh}^T$"),
        ("dh", "$dh$"),
        ("targets", "targets"),
        ("target_2", "target$_{2}$"),
        ("logits", "logits"),
        ("h_12", "$h_{12}$"),
    ],
)
def test_names_in_code_are_set_as_in_the_equations(name, label):
    assert maths(name) == label


def test_subscripts_are_small_and_low_and_the_line_comes_back():
    canvas = Canvas()
    canvas.text(0, 0, "loss $L_{t-1}$ of step")
    spans = list(ET.fromstring(canvas.diagram("text.").svg).iter(f"{SVG}tspan"))
    assert [span.text for span in spans] == ["loss ", "L", "t", "\N{MINUS SIGN}1", " of step"]
    assert float(spans[2].get("font-size")) < float(spans[1].get("font-size"))
    moves = [float(span.get("dy", "0")) for span in spans]
    assert moves[2] > 0
    assert sum(moves) == pytest.approx(0, abs=0.11)
    assert "font-style:italic" in canvas.diagram("text.").svg


def test_labels_are_measured_spoken_and_refused():
    assert label_width("$W_{hh}$", 14) < label_width("$W_{hh}, W_{xh}$", 14)
    assert plain("$W_{hh}$ x") == "W_hh x"
    with pytest.raises(ValueError, match="dollar sign is left open"):
        parse_label("loss $L")


@pytest.mark.parametrize(("value", "text"), [(1.04, "1"), (-0.04, "0"), (2.25, "2.2"), (-3.16, "-3.2")])
def test_coordinates_are_written_in_one_way(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.0314, "0.031"), (1.0, "1.0"), (23.4, "23"), (4e-7, "4·10⁻⁷"), (12345.0, "1·10⁴")],
)
def test_norms_are_written_with_two_digits(value, text):
    assert short(value) == text


def test_values_have_a_true_minus_and_no_negative_zero():
    assert signed(-0.254) == "\N{MINUS SIGN}0.25"
    assert signed(-0.001) == "0.00"


@pytest.mark.parametrize("shape", ["circle", "box", "hexagon", "diamond"])
def test_arrows_end_on_the_outline(shape):
    node = Node(10, 20, 40, 40 if shape in ("circle", "diamond") else 24, shape)
    for angle in np.linspace(0.1, 6.2, 9):
        x, y = node.edge_towards((10 + 100 * np.cos(angle), 20 + 100 * np.sin(angle)))
        if shape == "circle":
            assert np.hypot(x - 10, y - 20) == pytest.approx(20)
        elif shape == "diamond":
            assert abs(x - 10) + abs(y - 20) == pytest.approx(20)
        else:
            assert abs(x - 10) <= 20.001
            assert abs(y - 20) <= 12.001
            assert max(abs(x - 10) / 20, abs(y - 20) / 12) > 0.6


def test_the_sign_of_a_value_is_seen_without_colour_and_its_size_in_the_square():
    canvas = Canvas()
    for i, value in enumerate([1.0, -1.0, 0.25, 0.0, 1e-17]):
        canvas.cell(30 * i, 0, value)
    rects = [r.attrib for r in ET.fromstring(canvas.diagram("cells.").svg).iter(f"{SVG}rect")]
    inner = [r for r in rects if r.get("fill") != "currentColor"]
    assert len(rects) - len(inner) == 5
    assert len(inner) == 3  # zero, and the rounding error beside it, show nothing
    assert "stroke" not in inner[0]
    assert inner[1]["stroke"] == colour("blue")
    assert float(inner[2]["width"]) < float(inner[0]["width"])


def test_side_by_side_keeps_every_panel():
    panels = [GALLERY["strip"](), GALLERY["unrolled"]()]
    both = side_by_side(panels, "Two drawings side by side.")
    assert both._repr_html_().count("<svg") == 2
    assert both.width > sum(panel.width for panel in panels)
    assert ET.fromstring(both.svg).get("aria-label") == "Two drawings side by side."


def test_layers_follow_the_arrows_and_inputs_stand_before_their_use():
    nodes = ["x", "w", "a", "b", "late"]
    edges = [("x", "a"), ("w", "b"), ("a", "b"), ("late", "b")]
    layer = layers_of(nodes, edges)
    assert all(layer[a] < layer[b] for a, b in edges)
    assert layer["w"] == layer["late"] == layer["b"] - 1
    with pytest.raises(ValueError, match="cycle"):
        layers_of(["a", "b"], [("a", "b"), ("b", "a")])


def test_a_layout_untangles_crossings_and_keeps_nodes_apart():
    nodes = ["a", "b", "c", "p", "q", "r"]
    edges = [("a", "r"), ("b", "q"), ("c", "p")]
    layout = arrange(nodes, edges, dict.fromkeys(nodes, (30.0, 20.0)), apart=10)
    for source, target in edges:
        assert layout.place[source][1] == pytest.approx(layout.place[target][1])
    heights = sorted(layout.place[node][1] for node in "abc")
    assert min(np.diff(heights)) >= 30 - 1e-9


def test_bad_calls_are_refused_by_name():
    with pytest.raises(ValueError, match="nothing was drawn"):
        Canvas().diagram("nothing.")
    with pytest.raises(ValueError, match="at least one Diagram"):
        side_by_side([], "none.")
    with pytest.raises(ValueError, match="must be 'ink' or one of blue"):
        colour("pink")

"""A small book in a temporary folder, built with the site's own extension: widgets, mathematics, a quiz."""

import shutil
import subprocess
import sys
from pathlib import Path

import ipywidgets as w
import nbformat
from ipywidgets.embed import dependency_state, embed_data
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).parents[2]
QUIZ = """# Mathematics

A state $h_t$, and an equation with a number:

$$h_t = \\tanh(W h_{t-1})$$ (sample-step)

It is {eq}`sample-step`.

<details class="quiz right"><summary>$a < b$ and $H(D+H)$</summary>

Because $1 + 1 = 2$.

</details>

:::{number-question} 31300
:question: How many parameters has a GRU with 3 inputs and 100 units?
:compute: course_pkg.tree.count(course_pkg.gru.init_gru(rng, 3, 100))
:hint: No. Three gates, and one bias more.

Three gates of $100 \\times (3 + 100)$ weights and 100 biases each, and the 100 biases inside the reset gate.

? 30900: These are the weights alone; the biases are missing.
? 31200: One bias is missing, the one inside the reset gate.
:::
"""
STATE = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"


def widget_notebook():
    """A notebook whose one output is a box of linked widgets, stored as a kernel would store it."""
    pages = w.Stack([w.HTML(f"<p>step {k}: {0.8**k:.3f}</p>") for k in range(11)], selected_index=0)
    slider = w.IntSlider(min=0, max=10, description="step")
    play = w.Play(min=0, max=10, interval=80)
    names = w.Stack([w.Label(text) for text in ("bounded by 1", "can grow", "linear")], selected_index=0)
    toggles = w.ToggleButtons(options=["tanh", "ReLU", "identity"], description="activation")
    dropdown = w.Dropdown(options=["Elman", "Jordan"], description="form")
    links = [
        w.jslink((slider, "value"), (pages, "selected_index")),
        w.jslink((play, "value"), (slider, "value")),
        w.jsdlink((toggles, "index"), (names, "selected_index")),
    ]
    box = w.VBox([w.HBox([play, slider]), pages, toggles, names, dropdown, w.Text("unknown here")])
    state = embed_data(views=[box], state=dependency_state([box, *links]), drop_defaults=False)["manager_state"]
    view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
    output = new_output("display_data", data={VIEW: view, "text/plain": "VBox()"})
    cell = new_code_cell("box", execution_count=1, outputs=[output])
    notebook = new_notebook(cells=[new_markdown_cell("# Widgets"), cell])
    notebook.metadata["widgets"] = {STATE: state}
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


def build_sample(folder: Path, text: str = QUIZ) -> Path:
    """Write and build the book there, warnings as errors. Returns the folder of its pages."""
    book = folder / "book"
    book.mkdir()
    for name in ("site", "references.bib"):
        source = ROOT / "book" / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, book / name)
    for name in ("_config.yml", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    toc = "format: jb-book\nroot: book/intro\nchapters:\n  - file: book/widgets\n"
    (folder / "_toc.yml").write_text(toc, encoding="utf8")
    (book / "intro.md").write_text(text, encoding="utf8")
    nbformat.write(widget_notebook(), book / "widgets.ipynb")
    return build_book(folder, folder)


def build_book(source: Path, out: Path) -> Path:
    """Build a book with warnings as errors, into a folder of its own. Returns the folder of its pages."""
    program = "from jupyter_book.cli.main import main; main()"
    options = ["build", "-W", "-n", "--keep-going", ".", "--path-output", out]
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, options)],
        capture_output=True, text=True, timeout=600, cwd=source, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return out / "_build/html"

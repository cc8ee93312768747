"""Every chapter has its parts, its quiz and its equations in order; and each rule catches a chapter that has not."""

import functools
import json

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import chapters
from tools.notebooks import ROOT, find

BOOK = ROOT / "book"


@functools.cache
def notebooks():
    """Name -> notebook, of all notebooks of the book."""
    return {path.relative_to(BOOK).as_posix(): json.loads(path.read_text(encoding="utf8")) for path in find(("book",))}


def chapter_notebooks():
    return {name: notebook for name, notebook in notebooks().items() if chapters.CHAPTER.fullmatch(name)}


@functools.cache
def texts():
    """Name -> MyST text, of all pages of the book."""
    pages = [path for path in sorted(BOOK.rglob("*.md")) if "_build" not in path.parts]
    written = {path.relative_to(BOOK).as_posix(): path.read_text(encoding="utf8") for path in pages}
    return written | {name: chapters.markdown(notebook) for name, notebook in notebooks().items()}


def report(problems):
    assert not problems, "\n" + "\n".join(problems)


def test_there_are_chapters():
    assert chapter_notebooks(), "no chapter in book/: NN_name.ipynb with NN from 01"


def test_chapters_have_their_parts():
    report([f"{n}: {p}" for n, notebook in chapter_notebooks().items() for p in chapters.missing_parts(notebook)])


def test_quizzes_are_complete():
    report([f"{n}: {p}" for n, notebook in chapter_notebooks().items() for p in chapters.quiz_problems(notebook)])


def test_equations_have_labels():
    report([f"{name}: {problem}" for name, text in texts().items() for problem in chapters.unlabelled(text)])


def test_labels_are_unique():
    report(chapters.labels(texts())[1])


def test_every_equation_is_computed_somewhere():
    where, _ = chapters.labels(texts())
    carried = set(chapters.docstring_labels(ROOT / "course_pkg"))
    for notebook in chapter_notebooks().values():
        carried |= chapters.labels_in_comments(notebook)
    report(
        [
            f"{page}: no function of course_pkg has ({label}) at the start of its docstring, "
            f"and no code cell of a chapter has the comment # ({label})"
            for label, page in where.items()
            if label not in carried
        ]
    )


def test_every_carried_label_is_in_the_book():
    """A module counts from the first chapter on that imports it."""
    where, _ = chapters.labels(texts())
    taught = set().union(*map(chapters.imported_modules, chapter_notebooks().values()))
    carried = chapters.docstring_labels(ROOT / "course_pkg")
    missing = {label: place for label, place in carried.items() if label not in where}
    report(
        [
            f"{place}: the book has no equation ({label})"
            for label, place in missing.items()
            if place.split(":")[0] in taught
        ]
    )


def test_every_commented_label_is_in_the_book():
    where, _ = chapters.labels(texts())
    comments = {name: chapters.labels_in_comments(notebook) for name, notebook in chapter_notebooks().items()}
    unknown = {name: sorted(found - set(where)) for name, found in comments.items()}
    report([f"{name}: # ({label}) is no equation of the book" for name, found in unknown.items() for label in found])


# --- the rules themselves ---

ANSWERS = """
<details class="quiz right"><summary>Yes</summary>

Because it is shared.
</details>
<details class="quiz wrong"><summary>No</summary>Look again.</details>
<details class="quiz wrong"><summary>Never</summary>Look again.</details>
"""
QUIZ = "## Quiz\n\n" + "\n\n".join(f"**Question {n}.** Is it so?\n{ANSWERS}" for n in (1, 2, 3))
PARTS = [
    "# A title\n\n:::{admonition} After this chapter you can\n:class: tip\n- do it\n:::",
    "## A part\n\nText.\n\n```python\n# no title\n```",
    "## Summary\n\nText.",
    QUIZ,
    "## Exercises\n\nText.",
    "## Your lecture writes its states in columns\n\nText.",
    "## Sources\n\nText.",
]


def chapter(replace=None, by=""):
    """A whole chapter, with one piece of its text replaced."""
    assert replace is None or any(replace in part for part in PARTS)
    return new_notebook(cells=[new_markdown_cell(part.replace(replace or "\0", by)) for part in PARTS])


def test_a_whole_chapter_passes():
    assert chapters.missing_parts(chapter()) == []
    assert chapters.quiz_problems(chapter()) == []


@pytest.mark.parametrize(
    "replace, by, said",
    [
        ("# A title", "A title", "title"),
        ("## A part", "# A part", "one title is enough"),
        ("After this chapter you can", "Objectives", "no objectives"),
        ("## Summary", "## In short", "## Summary"),
        ("## Summary", "### Summary", "## Summary"),
        ("## Quiz", "## Quizzes", "## Quiz"),
        ("## Exercises", "## Exercise", "## Exercises"),
        ("## Your lecture writes", "## The lecture writes", "## Your lecture writes"),
        ("## Sources", "## Source", "## Sources"),
        ("## A part", "## Summary", "found 2"),
    ],
)
def test_missing_part_is_caught(replace, by, said):
    problems = chapters.missing_parts(chapter(replace, by))
    assert any(said in problem for problem in problems), problems


def test_sources_come_last():
    notebook = chapter()
    notebook.cells = [*notebook.cells[:2], notebook.cells[-1], *notebook.cells[2:-1]]
    assert chapters.missing_parts(notebook) == ["## Sources must be the last part"]


def test_chapter_must_begin_with_text():
    notebook = chapter()
    notebook.cells.insert(0, new_code_cell("import numpy as np"))
    assert "first cell" in chapters.missing_parts(notebook)[0]


@pytest.mark.parametrize(
    "replace, by, said",
    [
        ('class="quiz right"', 'class="quiz wrong"', "0 right answers"),
        ("<summary>No</summary>", "<summary></summary>", "no text"),
        ("Look again.", "", "no feedback"),
        ("Because it is shared.", "<b> </b>", "no feedback"),
        ('<details class="quiz wrong"><summary>Never</summary>Look again.</details>', "", "1 wrong answers"),
        ('<details class="quiz wrong"><summary>Never', '<details class="quiz right"><summary>Never', "2 right"),
        ('class="quiz wrong"', 'class="wrong"', "an answer must be"),
        ("Look again.</details>", "Look again.", "not closed"),
        ("Is it so?", "", "asks nothing"),
        ("**Question 3.**", "Question 3.", "2 questions"),
        ("**Question 3.**", "**Question 4.**", "numbered"),
        ("**Question 1.**", ANSWERS + "**Question 1.**", "before its first question"),
        ("## Quiz", "## Q", "no quiz"),
    ],
)
def test_broken_quiz_is_caught(replace, by, said):
    problems = chapters.quiz_problems(chapter(replace, by))
    assert any(said in problem for problem in problems), problems


LABELLED = """
Inline $a = b$, and

$$ h = \\tanh a $$ (rnn-step)

$$
L = -\\log p
$$ (loss)

```{math}
:label: bptt
x = y
```

:::{admonition} A box
$$ z = 1 $$ (boxed)
:::

```python
price = "$$ no equation $$"
```
"""


def test_equations_are_found():
    assert [label for _, label in chapters.equations(LABELLED)] == ["bptt", "boxed", "rnn-step", "loss"]
    assert chapters.unlabelled(LABELLED) == []


@pytest.mark.parametrize(
    "text",
    [
        "$$ h = a $$",
        "$$\nh = a\n$$\n\n(rnn-step)",
        "```{math}\nh = a\n```",
        ":::{note}\n$$ h = a $$\n:::",
        "```{note}\n$$ h = a $$\n```",
        "\\begin{align}\nh = a\n\\end{align}",
    ],
)
def test_equation_without_label_is_caught(text):
    assert len(chapters.unlabelled(text)) == 1


def test_label_given_twice_is_caught():
    where, twice = chapters.labels({"a.md": LABELLED, "b.md": "$$ h = a $$ (rnn-step)"})
    assert where == {"bptt": "a.md", "boxed": "a.md", "rnn-step": "a.md", "loss": "a.md"}
    assert twice == ["the equation label (rnn-step) is given in a.md and again in b.md"]


def test_labels_of_docstrings():
    source = '''
def step(x):
    """(rnn-step)  x: (B, D) -> h: (B, H)."""

def both(x):
    """
    (loss) (loss-grad)  mean over (T, B)
    """

def neither(x):
    """Computes (loss)."""

class Net:
    """(T, B) is no label, and neither is this (one)."""

    def forward(self):
        """(net)"""
'''
    found = chapters.labels_in_docstrings(source, "x.py")
    assert found == {"rnn-step": "x.py:step", "loss": "x.py:both", "loss-grad": "x.py:both", "net": "x.py:forward"}


def test_imported_modules():
    cells = [
        new_code_cell("from course_pkg.rnn import (\n    rnn_step,\n)\nimport course_pkg.optim as optim"),
        new_code_cell("%matplotlib inline\nfrom course_pkg import losses, data"),
        new_code_cell("import numpy as np\nfrom course_pkg.data.batches import one_hot"),
        new_markdown_cell("from course_pkg.lstm import lstm_step"),
    ]
    names = ("rnn", "optim", "losses", "data", "data/batches")
    assert chapters.imported_modules(new_notebook(cells=cells)) == {f"course_pkg/{name}.py" for name in names}


def test_labels_of_comments():
    cells = [new_code_cell("h = np.tanh(a)  # (rnn-step)\n# (loss) (bptt) as above\ny = f(x)  # see (other)")]
    cells.append(new_markdown_cell("# (title)"))
    assert chapters.labels_in_comments(new_notebook(cells=cells)) == {"rnn-step", "loss", "bptt"}

"""The grammar of the markers: what is not written exactly is refused, with file, cell and line."""

import pytest

from course_pkg.exercises.errors import ExerciseError
from course_pkg.exercises.markers import edit, refuse_lookalikes, regions, starter

GOOD = """def f(x):
    y = 2 * x
    ### BEGIN SOLUTION
    z = y + 1

    return z
    ### END SOLUTION
"""


def refused(source, match):
    with pytest.raises(ExerciseError, match=match) as error:
        refuse_lookalikes(source, "solutions/04_steps.ipynb", 4, code=True)
        regions(source, "solutions/04_steps.ipynb", 4)
    assert str(error.value).startswith("solutions/04_steps.ipynb, cell 4")
    return error.value.line


def test_region_becomes_one_raise_at_its_own_indentation():
    out = starter(GOOD, 'A "quoted" title', "nb", 1)
    assert out == ('def f(x):\n    y = 2 * x\n    raise NotImplementedError("A \\"quoted\\" title: write this part")')


def test_region_inside_a_loop_keeps_the_lines_around_it():
    source = "def f(y):\n    for k in range(3):\n        ### BEGIN SOLUTION\n        y = y + k\n" \
             "        ### END SOLUTION\n    return y"  # fmt: skip
    out = starter(source, "T", "nb", 1)
    assert out.splitlines()[2:] == ['        raise NotImplementedError("T: write this part")', "    return y"]


def test_two_regions_in_one_function():
    source = "def f(x):\n    ### BEGIN SOLUTION\n    y = x\n    ### END SOLUTION\n    y = y + 1\n" \
             "    ### BEGIN SOLUTION\n    return y\n    ### END SOLUTION"  # fmt: skip
    assert starter(source, "T", "nb", 1).count("raise NotImplementedError") == 2
    assert len(regions(source, "nb", 1)) == 2


@pytest.mark.parametrize(
    "marker",
    [
        "###BEGIN SOLUTION",
        "###BEGIN SOLUTON",
        "# BEGIN SOLUTION",
        "## BEGIN SOLUTION",
        "#### BEGIN SOLUTION",
        "### BEGIN  SOLUTION",
        "### BEGIN SOLUTION:",
        "### BEGIN SOLUTION here",
        "### BEGIN SOLUTIONS",
        "### BEGIN SOLTUION",
        "### BEGIN SLUTION",
        "### BEGN SOLUTION",
        "### BEIGN SOLUTION",
        "### begin solution",
        "### Begin Solution",
        "### BEGIN_SOLUTION",
        "### BEGINSOLUTION",
        "### BEGIN-SOLUTION",
        "BEGIN SOLUTION",
        "x = 1  ### BEGIN SOLUTION",
        "### END SOLUTON",
        "# end solution",
        "### EDN SOLUTION",
        "### ENDSOLUTION",
        "# here we end solution",
        "### BEGIN HIDDEN TESTS",
        "### END ANSWER",
    ],
)
def test_misspelt_markers_are_refused_with_their_line(marker):
    line = refused(f"def f(x):\n    {marker}\n    return x", "looks like a marker and is none")
    assert line == 2


@pytest.mark.parametrize(
    "text",
    [
        "x = 1  # the solution of the equation",
        "# we begin with the state, and the solution follows",
        "end = begin + 1",
        "# and solutions of linear systems are found in the same way",
        "def begin(x): return x",
    ],
)
def test_ordinary_lines_are_not_refused(text):
    refuse_lookalikes(text, "nb", 1, code=True)


def test_prose_may_speak_of_solutions_but_not_hold_a_marker():
    refuse_lookalikes(
        "In the end solutions differ only in the order of the sums, as we begin to see.", "nb", 1, code=False
    )
    for text in ("### BEGIN SOLUTION", "#### Begin solution", "<!-- END SOLUTION -->", "`### END SOLUTON`"):
        with pytest.raises(ExerciseError, match="cell 3, line 2"):
            refuse_lookalikes("Text.\n" + text, "nb", 3, code=False)


def test_stray_end():
    assert refused("def f(x):\n    return x\n    ### END SOLUTION", "without a `### BEGIN SOLUTION`") == 3


def test_nested_begin():
    source = GOOD.replace("\n\n", "\n    ### BEGIN SOLUTION\n")
    assert refused(source, "inside a region that began in line 3") == 5


def test_open_at_the_end():
    assert refused(GOOD.replace("    ### END SOLUTION\n", ""), "never closed") == 3


def test_outside_a_function():
    assert refused("x = 1\n### BEGIN SOLUTION\ny = 2\n### END SOLUTION", "outside a function") == 2
    whole = "### BEGIN SOLUTION\ndef f(x):\n    return x\n### END SOLUTION"
    assert refused(whole, "outside a function") == 1
    class_body = "class A:\n    ### BEGIN SOLUTION\n    x = 1\n    ### END SOLUTION"
    assert refused(class_body, "outside a function") == 2
    after = "def f(x):\n    return x\n### BEGIN SOLUTION\ny = 2\n### END SOLUTION"
    assert refused(after, "outside a function") == 3


def test_inside_a_string():
    source = 'def f(x):\n    """\n    ### BEGIN SOLUTION\n    text\n    ### END SOLUTION\n    """\n    return x'
    assert refused(source, "inside a string") == 3


def test_empty_region_other_indentation_and_broken_python():
    assert refused("def f(x):\n    ### BEGIN SOLUTION\n    # todo\n    ### END SOLUTION", "holds no code") == 2
    assert refused(GOOD.replace("    ### END", "  ### END"), "indented otherwise") == 7
    assert refused(GOOD.replace("    z = y", "  z = y"), "further left") == 4
    refused(GOOD.replace("return z", "return ("), "plain Python")


def test_a_region_that_cuts_a_statement_in_two_is_refused():
    source = "def f(x):\n    if x:\n        y = 1\n    ### BEGIN SOLUTION\n    else:\n        y = 2\n    return y\n" \
             "    ### END SOLUTION"  # fmt: skip
    out = starter(source, "T", "nb", 1)
    assert out.endswith('        y = 1\n    raise NotImplementedError("T: write this part")')
    source = "def f(x):\n    ### BEGIN SOLUTION\n    if x:\n    ### END SOLUTION\n        x = 1\n    return x"
    with pytest.raises(ExerciseError, match="no valid Python"):
        starter(source, "T", "nb", 1)


def test_edit_replaces_inside_the_region_only_and_exactly_once():
    assert "    z = y - 1\n" in edit(GOOD, [("y + 1", "y - 1")], "tasks", 1)
    assert edit(GOOD, [("return z\n", "z += 1\n    return z\n")], "tasks", 1).count("z += 1") == 1
    for text, hits in (("2 * x", 0), ("z", 2), ("", 0)):
        with pytest.raises(ExerciseError, match=f"fits {hits} times"):
            edit(GOOD, [(text, "w")], "tasks", 1)

"""Versions of tasks: what a declaration gives, how a term chooses, and what is refused.

That every version's tests are good is shown in tests/grading/test_every_version.py.
"""

import pytest

from course_pkg.exercises.errors import ExerciseError
from course_pkg.exercises.generate import plan, public_task
from course_pkg.exercises.judge import judge
from course_pkg.exercises.variants import BOOK, chapters_of_term, chosen, exercises_of_term

SIGMOID = '''
from course_pkg.exercises import Mutant, Variant

VARIANTS = [Variant(
    of="04-step-backward", name="sigmoid", says="sigmoid units",
    text=[("A text.", "A text about the sigmoid.")], code=[("(1 - h**2)", "h * (1 - h)"), ("h: (B, H), dh", "h = sigma(a): (B, H), dh")],
    arguments=lambda x, h, dh: (x, (1 + h) / 2, dh), back=lambda x, h, dh: (x, 2 * h - 1, dh),
    result=lambda value, *_: (value[0] / 4, value[1] / 4), cases={"D=H": "as many inputs as units"},
    without=["The derivative of tanh is 1"], mutants=[Mutant(replace="h * (1 - h)", by="(1 - h**2)", hint="This is tanh'.")],
)]
'''  # noqa: E501


def write(project, variants=SIGMOID):
    root = project.write()
    (root / "solutions/variants_04.py").write_text(variants, encoding="utf-8")
    return root


def of_version(root, name):
    """Chapter and exercise of the first term that has this version."""
    found = ([*exercises_of_term(root, f"term {k}")][0] for k in range(9))
    return next((chapter, exercise) for chapter, exercise in found if exercise.version == name)


def test_everything_follows_from_the_declaration(project):
    root = write(project)
    chapter, exercise = of_version(root, "sigmoid")
    assert "A text about the sigmoid." in chapter.notebook.cells[2].source
    assert "h = sigma(a): (B, H), dh" in chapter.notebook.task(exercise.id).source
    task = public_task(chapter, exercise)
    assert [case.name for case in task.cases] == ["D≠H", "B=1", "as many inputs as units"]
    assert all((case.inputs[1] >= 0).all() for case in task.cases)
    for alternative in exercise.alternatives:
        assert judge(alternative, task).right
    hints = [mutant.hint for mutant in exercise.mutants]
    assert hints[:4] == [  # the first follows: its text was changed with the solution's
        "The derivative of tanh is missing.",
        "dW is transposed.",
        "db is a mean over the batch.",
        "dW is a mean over the batch.",
    ]
    assert hints[5].startswith("This answers another version of the task: the version of the book.")
    assert judge(chapter.edited(exercise, exercise.mutants[0].pairs), task).hints == (hints[0],)


def test_without_a_term_it_is_the_book(project):
    root = write(project)
    (chapter,) = chapters_of_term(root)
    assert chapter.exercises[0].version == BOOK and len(chapter.exercises[0].mutants) == 5
    with_variants = plan(root)
    (root / "solutions/variants_04.py").unlink()
    assert plan(root) == with_variants


def test_the_term_decides_text_and_checks(project):
    root = write(project)
    plans = [plan(root, f"term {k}") for k in (1, 2, 3)]
    assert plans[0] == plans[2] and plans[0] != plans[1]
    notebooks = [made["04_steps.ipynb"].decode() for made in plans]
    assert sorted("A text about the sigmoid." in notebook for notebook in notebooks[:2]) == [False, True]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_next_year_never_has_the_same_version(count):
    names = ["book", "a", "b", "c"][:count]
    for words in ("{}-spring", "autumn {}", "{}", "WS {} x"):
        years = [chosen("03-step", names, words.format(year)) for year in range(2020, 2032)]
        assert all(one != other for one, other in zip(years, years[1:]))
        assert set(years) == set(names)
    assert chosen("03-step", names, "Autumn 2026") == chosen("03-step", names, "autumn 2026 ")
    assert len({chosen(f"03-step-{k}", names, "2026") for k in range(20)}) == count, "each exercise begins elsewhere"
    assert chosen("03-step", names, "no number") in names


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ('("A text.", ', '("A tent.", ', "text: 'A tent.' occurs 0 times before the task"),
        ('("(1 - h**2)", ', '("h", ', r"code: 'h' occurs \d+ times in the task"),
        ('of="04-step-backward"', 'of="04-other"', '"04-other" is no exercise of the chapter'),
        ('name="sigmoid"', 'name="book"', '"book" is no name, or is used twice'),
        ('name="sigmoid"', 'name="The sigmoid"', '"The sigmoid" is no name'),
        ('"The derivative of tanh is 1"', '"The derivative of sin"', "no hint begins with 'The derivative of sin'"),
        ('without=["The derivative of tanh is 1"]', "without=[]", "name it in `without` and give it anew"),
        ('{"D=H": ', '{"D=B": ', "there is no public case 'D=B'"),
        ("VARIANTS = [", "MORE = [", "must define VARIANTS"),
        ("VARIANTS = [", "VARIANTS = [1 / 0, ", "fails with ZeroDivisionError"),
        ("h * (1 - h)\")", "h * (1 - h\")", "must be plain Python|valid Python"),
    ],
)  # fmt: skip
def test_refused(project, old, new, match):
    assert SIGMOID.count(old) == 1
    root = write(project, SIGMOID.replace(old, new))
    with pytest.raises(ExerciseError, match=match) as error:
        chapters_of_term(root, "2026")
    assert str(error.value).startswith("solutions/")


def test_alternatives_must_be_given_where_nothing_can_be_followed(project):
    bare = SIGMOID[: SIGMOID.index("    arguments")] + SIGMOID[SIGMOID.index("    without") :]
    with pytest.raises(ExerciseError, match="alternatives must be given anew"):
        chapters_of_term(write(project, bare), "2026")

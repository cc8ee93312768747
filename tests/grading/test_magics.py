"""What Jupyter understands and Python does not becomes Python that does nothing, and lines keep their numbers."""

import pytest

from course_pkg.grading.inside.magics import neutralise
from tests.grading import fuzz


@pytest.mark.parametrize(
    "before, after",
    [
        ("x = 1\n", "x = 1\n"),
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("!pip install numpy\nx", "pass\nx"),
        ("if True:\n    %time x = f(3)\n    !ls", "if True:\n    x = f(3)\n    pass"),
        ("%timeit f(3)\ny", "pass\ny"),
        ("files = !ls *.py\ny", "files = []\ny"),
        ("t = %timeit -o f()\ny", "t = None\ny"),
        ("np.tanh?\ny", "pass\ny"),
        ("?np\nnp??", "pass\npass"),
        ("%%time\nx = 1\n", "pass\nx = 1\n"),
        ("%%time\n%pylab\nx = 1", "pass\npass\nx = 1"),
        ("%%bash\nls\nrm -r x", "\n\n"),
        ("%%writefile a.py\nx = 1", "\n"),
        ("!a\ns = '''\n%no\n!no\n'''\n%yes", "pass\ns = '''\n%no\n!no\n'''\npass"),
        ("%a\nx = (7\n  % 3)\n%b", "pass\nx = (7\n  % 3)\npass"),
        ("%a\nx = 7 \\\n% 3", "pass\nx = 7 \\\n% 3"),
        ("!a\nx = '[' # (\n!b", "pass\nx = '[' # (\npass"),
        ("!a\nif x != y: pass\nx = y != z", "pass\nif x != y: pass\nx = y != z"),
        ("\ufeffx = 1\r\ny = 2", "x = 1\ny = 2"),
        ("x = 'a\x00b'", "x = 'ab'"),
    ],
)
def test_neutralised(before, after):
    assert neutralise(before) == after


def test_a_mistake_stays_a_mistake():
    """Nothing is repaired that is the student's own."""
    for source in ("def f(x) return x", "x = (1, 2\ny = 3", "for x in y\n    pass", "x = 5 %"):
        assert neutralise(source) == source


def test_any_text_keeps_its_lines():
    seeds = [b"%%time\ndef f(x):\n    return x % 2\n", b"s = '''a\n%b\n'''\n!ls\nfiles = !ls\nnp?\n"]
    seeds += [b"x = [(1,\n '%'), \\\n 2]\n%%time\n"]

    def take(data):
        source = data.decode("utf-8", "replace").replace("\r", "")
        assert neutralise(source).count("\n") == source.count("\n")

    longest, _ = fuzz.run(seeds, take, fuzz.count(2000), seed=3)
    assert longest < 1.0

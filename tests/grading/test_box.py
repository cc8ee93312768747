"""A box gives what the student's function gives, and ends every misuse with a fault, at every level that runs here."""

import os
import threading
import time

import numpy as np
import pytest

from course_pkg.exercises.judge import Outcome
from course_pkg.grading import box as boxes_module
from course_pkg.grading.box import Box, BoxError, BoxPool, Limits
from course_pkg.grading.inside.protocol import Opaque
from course_pkg.grading.warm import Zygote
from tests.grading.boxes import LEVELS, QUICK, box, run, zygote

pytestmark = pytest.mark.parametrize("level", LEVELS)
SETUP = "import numpy as np\nfrom course_pkg.exercises import check\n"


def test_values_go_in_and_come_out(level):
    source = SETUP + "def f(x, k, more):\n    return x * k, {'n': len(more), 'more': more, 'none': None}\n"
    x = np.arange(6.0).reshape(2, 3)
    report, (first, second) = run(level, source, (x, 2, (1, [2.5])), (x.astype(np.float32), 3, ()))
    assert report.ok and report.alive and report.restarts == 0
    assert np.array_equal(first.value[0], 2 * x) and first.value[1] == {"n": 2, "more": (1, [2.5]), "none": None}
    assert second.value[0].dtype == np.float32 and isinstance(first, Outcome)
    assert not (first.fault or first.error or first.changed or first.printed or first.warned)


def test_cells_run_once_in_order_and_a_failing_one_stops_no_other(level):
    cells = [("Cell 1", "trace = [1]"), ("Cell 3", "trace.append(2)\n1 / 0\ntrace.append(3)"),
             ("Cell 4", "def f() -> list: return trace"), ("Cell 5", "def g(:\n  pass")]  # fmt: skip
    with box(level) as opened:
        report = opened.load(cells)
        assert [c.error for c in report.cells] == ["", "ZeroDivisionError", "", "SyntaxError"]
        assert report.cells[1].line == "line 2 of its cell, `1 / 0`" and report.cells[3].line.startswith("line 1")
        assert opened.call("f", [()])[0].value == [1, 2]
        with pytest.raises(BoxError, match="one submission"):
            opened.load(cells)


def test_magics_plots_and_checks_do_no_harm(level):
    source = (
        "%matplotlib inline\n!pip install torch\nfiles = !ls\nnp?\n%time y = 3\nget_ipython().magic('a')\n"
        + SETUP
        + "import matplotlib.pyplot as plt\nfrom tqdm import tqdm\nfig, ax = plt.subplots()\nax.plot([1, 2])[0]\n"
        "plt.show()\nfor _ in tqdm(range(3)): pass\ntext = '''\n%not a magic\n'''\ndisplay(fig)\n"
        "def f(x):\n    return (x\n  % 2, y, len(text))\ncheck(f)\n"
    )
    report, (outcome,) = run(level, source, (5.0,))
    assert report.ok, report
    assert outcome.value == (1.0, 3, 14)


@pytest.mark.parametrize("magic, value", [("%%time", 3), ("%%capture out", 3), ("%%timeit", None), ("%%bash", None)])
def test_cell_magics(level, magic, value):
    report, (outcome,) = run(level, f"{magic}\ndef f(): return 3", ())
    assert report.ok and (outcome.value, outcome.fault) == (value, "" if value else "missing")


def test_warnings_and_prints_cost_nothing(level):
    source = "import sys, warnings\ndef f(x):\n    print('a' * 10**6)\n    print('e', file=sys.stderr)\n"
    source += "    warnings.warn('careful')\n    return x\n"
    report, (outcome,) = run(level, "print(1)\nimport warnings\nwarnings.warn('w')\n" + source)
    assert report.ok and report.cells[0].printed == "1\n" and report.cells[0].warned == ("w",)
    assert outcome.value == 1.0 and not outcome.error and not outcome.fault
    assert outcome.warned == ("careful",) and outcome.printed == "a" * 2000


def test_inputs_changed_in_place_are_reported(level):
    source = "def f(a, b, c):\n    b += 1\n    c.append(1)\n    return a\n"
    _, (outcome,) = run(level, source, (np.ones(2), np.ones(2), [1]))
    assert outcome.changed == (1, 2) and np.array_equal(outcome.value, np.ones(2))


def test_an_error_names_the_students_line(level):
    source = "def f(x):\n    return g(x)\n\ndef g(x):\n    return x @ missing\n"
    _, (outcome,) = run(level, source)
    assert (outcome.error, outcome.line) == ("NameError", "line 5 of its cell, `return x @ missing`")
    assert outcome.value is None and "missing" in outcome.message


@pytest.mark.parametrize(
    "source, fault",
    [
        ("g = 1", "missing"),
        ("f = 1", "not a function"),
        ("def f(x, y): return x", "signature"),
        ("def f(x):\n    while True: pass", "timeout"),
        ("import os\ndef f(x): os._exit(0)", "killed"),
        ("import ctypes\ndef f(x): ctypes.string_at(0)", "killed"),
        ("import os\ndef f(x): os.closerange(0, 200); return x", "killed"),
        ("import os\ndef f(x):\n    os.closerange(0, 200)\n    while True: pass", "killed"),
        ("def f(x): return bytearray(1 << 40)", "memory"),
        ("def f(x):\n    rows = []\n    while True: rows.append(bytearray(1 << 24))", "memory"),
        ("import numpy as np\ndef f(x): return np.zeros(1 << 22)", "output"),
        ("def f(x): return [0] * 10**5", "output"),
        ("def f(x): return [x + k / 7 for k in range(49_990)] + ['a' * 500_000]", "output"),
        ("def f(x):\n    row = [0]\n    for _ in range(40): row = [row, row]\n    return row", "output"),
        ("import numpy as np\ndef f(x): return np.random.rand()", "non-deterministic"),
        ("import numpy as np\nnp.random.seed(0)\ndef f(x): return np.random.rand()", "non-deterministic"),
        ("import numpy as np\ndef f(x): return np.random.default_rng().normal()", "non-deterministic"),
        ("import random\ndef f(x): return random.random()", "non-deterministic"),
        ("def f(x, kept=[]):\n    kept.append(x)\n    return len(kept)", "non-deterministic"),
        ("n = 0\ndef f(x):\n    global n\n    n += 1\n    return n", "non-deterministic"),
    ],
)
def test_faults(level, source, fault):
    _, outcomes = run(level, source, (0.0,), (1.0,))
    assert [outcome.fault for outcome in outcomes] == [fault] * 2
    assert all(outcome.value is None for outcome in outcomes)


def test_the_signature_is_told(level):
    assert run(level, "def f(x, y): return x")[1][0].message == "x, y"


@pytest.mark.parametrize("error", ["SystemExit(0)", "KeyboardInterrupt()", "RecursionError()", "GeneratorExit()"])
def test_exceptions_of_every_kind_are_errors(level, error):
    _, (outcome,) = run(level, f"def f(x): raise {error}")
    assert outcome.error == error.split("(")[0] and not outcome.fault


def test_an_exception_that_fights_back(level):
    source = "class E(BaseException):\n    def __str__(self): raise SystemExit\ndef f(x): raise E\n"
    _, (outcome,) = run(level, source)
    assert (outcome.error, outcome.message) == ("E", "")


def test_no_object_of_the_students_comes_out(level):
    source = """
import numpy as np
class Same(np.ndarray):
    def __eq__(self, other): return True
class Like:
    def __eq__(self, other): return True
    def __array__(self, *a, **k): raise SystemExit
class Num(float):
    def __eq__(self, other): return True
class Sly:
    @property
    def __class__(self): raise SystemExit
def f(k):
    return [np.ones(2).view(Same), Like(), Num(3), np.array([None, {}]), lambda: 1, [Like()], Sly()][k]
"""
    _, outcomes = run(level, source, *[(k,) for k in range(7)])
    for outcome in outcomes:
        value = outcome.value[0] if type(outcome.value) is list else outcome.value
        assert type(value) is Opaque, outcome


def test_good_cases_beside_bad_ones(level):
    """One case that hangs or dies takes no other with it; each is then tried alone."""
    source = "import os\ndef f(k):\n    while k == 2: pass\n    if k == 4: os._exit(1)\n    return 10 * k\n"
    _, outcomes = run(level, source, *[(k,) for k in range(6)])
    assert [(o.value, o.fault) for o in outcomes] == [
        (0, ""), (10, ""), (None, "timeout"), (30, ""), (None, "killed"), (50, "")
    ]  # fmt: skip


def test_no_call_sees_what_another_left(level):
    """A function that damages its own surroundings is right wherever a fresh call of it is right."""
    source = "table = {1: 1}\ndef f(k):\n    return table.pop(k, None) if k == 1 else len(table)\n"
    _, outcomes = run(level, source, (1,), (2,), (3,))
    assert [o.value for o in outcomes[1:]] == [1, 1] and outcomes[0].fault == "non-deterministic"


def test_endless_loops_end_soon(level):
    started = time.monotonic()
    _, outcomes = run(level, "def f(k):\n    while True: pass", *[(k,) for k in range(12)])
    assert {outcome.fault for outcome in outcomes} == {"timeout"}
    assert time.monotonic() - started < 15  # at most three are tried: twelve would take four times as long


@pytest.mark.parametrize(
    "source, fault",
    [
        ("while True: pass", "timeout"),
        ("while True:\n    try:\n        while True: pass\n    except BaseException: pass", "timeout"),
        ("import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass", "timeout"),
        ("import os\nos._exit(0)", "killed"),
        ("import ctypes\nctypes.string_at(0)", "killed"),
        ("import os\nos.closerange(0, 200)", "killed"),
        ("import atexit, os\natexit.register(os._exit, 1)\nos.abort()", "killed"),
        ("x = [bytearray(1 << 24) for _ in range(1000)]", "memory"),
        ("import os\nfor k in 3, 4, 5, 6, 7:\n try: os.write(k, b'RNN1' + bytes(99))\n except OSError: 0", "protocol"),
    ],
)
def test_a_cell_that_hangs_or_kills_takes_no_other_with_it(level, source, fault):
    with box(level) as opened:
        after = "def after(): return before() + 1"
        report = opened.load([("a", "def before(): return 1"), ("b", source), ("c", after)])
        assert [cell.fault for cell in report.cells] == ["", fault, ""]
        assert opened.call("after", [()])[0].value == 2


def test_exit_in_a_cell_is_an_error_of_that_cell(level):
    report, (outcome,) = run(level, "import sys\ndef f(): return 1\nsys.exit()", ())
    assert report.cells[0].error == "SystemExit" and outcome.value == 1


def test_deep_code_does_not_crash_the_grader(level):
    report, _ = run(level, "x = " + "(" * 20_000 + ")" * 20_000)
    assert not report.cells[0].ok


def test_random_numbers_and_hashes_are_the_same_every_time(level):
    source = "import numpy as np\nx = np.random.rand()\ndef f(): return x, hash('a'), list({'a', 'b', 'c', 'd'})\n"
    (first,), (second,) = (run(level, source, ())[1] for _ in range(2))
    assert first.value == second.value is not None


def test_boxes_share_nothing(level):
    with box(level) as first, box(level) as second:
        first.load([("a", "import sys, numpy\nsys.leak = numpy.leak = 1\ndef f(): return 1")])
        second.load([("a", "import sys, numpy\ndef f(): return hasattr(sys, 'leak') or hasattr(numpy, 'leak')")])
        assert second.call("f", [()])[0].value is False and first.call("f", [()])[0].value == 1


def test_a_closed_box_says_so(level):
    opened = box(level)
    opened.close()
    opened.close()
    assert not opened.load([("a", "x = 1")]).alive
    assert [outcome.fault for outcome in opened.call("f", [(), ()])] == ["killed", "killed"]


def test_what_is_no_value_is_not_sent(level):
    with box(level) as opened:
        opened.load([("a", "def f(x): return x")])
        with pytest.raises(TypeError, match="no value"):
            opened.call("f", [(object(),)])


def test_threads_may_use_boxes_at_once(level):
    box(level).close()
    found = {}

    def one(k):
        found[k] = run(level, f"def f(x): return x + {k}", (1,), (2,))[1]

    threads = [threading.Thread(target=one, args=(k,)) for k in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert {k: [o.value for o in outcomes] for k, outcomes in found.items()} == {k: [1 + k, 2 + k] for k in range(6)}


def test_a_pool_gives_each_box_once(level):
    box(level).close()
    with BoxPool(level, limits=QUICK, ready=2) as pool:
        taken = [pool.take() for _ in range(4)]
        assert len({id(one) for one in taken}) == 4
        for k, one in enumerate(taken):
            with one:
                one.load([("a", f"def f(): return {k}")])
                assert one.call("f", [()])[0].value == k


def test_a_forked_grader_cannot_use_its_parents_box(level):
    """Two processes on one socket would mix up their answers: scores would go to the wrong student."""
    opened = box(level)
    pool = BoxPool(level, limits=QUICK, ready=1)
    told = []
    for use in (lambda: opened.load([("a", "x = 1")]), pool.take, zygote(level).session):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                use()
                os.write(writing, b"used")
            except BoxError as error:
                os.write(writing, str(error).encode()[:80])
            finally:
                os._exit(0)
        os.close(writing)
        told.append(os.read(reading, 100))
        os.close(reading)
        os.waitpid(child, 0)
    assert all(b"belongs to another process" in words for words in told), told
    assert opened.load([("a", "def f(): return 1")]).ok and opened.call("f", [()])[0].value == 1
    opened.close()
    pool.close()


def test_forged_answers_are_data(level):
    """What a child writes instead of its answer is read as any answer: with limits, and never as something else."""
    source = (
        "import os\ndef f(x):\n    for k in range(3, 64):\n        try: os.write(k, {0})\n        except OSError: 0\n"
        "    os._exit(0)\n"
    )
    for forged in ("b'RNN1' + b'\\xff' * 40", "b'x' * 100", "b'RNN1' + bytes(12)", "b'RNN1\\x02' + bytes(11) + b'{}'"):
        report, (outcome,) = run(level, source.replace("{0}", forged))
        assert report.ok and outcome.fault in ("protocol", "killed") and outcome.value is None


def test_texts_are_cut(level):
    source = "class " + "E" * 500 + "(Exception): pass\ndef f(x): raise " + "E" * 500 + "('m' * 10**6)\n"
    _, (outcome,) = run(level, source)
    assert len(outcome.error) <= 80 and len(outcome.message) <= 400 and len(outcome.line) <= 400


def test_waiting_is_not_computing(level):
    """A call that sleeps a little longer than its time is not taken for a loop; one that sleeps on is ended."""
    limits = Limits(call_s=0.3)
    assert run(level, "import time\ndef f(x): time.sleep(0.5); return x", limits=limits)[1][0].value == 1.0
    assert run(level, "import time\ndef f(x): time.sleep(60)", limits=limits)[1][0].fault == "timeout"


def test_a_zygote_that_does_not_start_says_why(level, monkeypatch):
    box(level).close()
    monkeypatch.setattr("course_pkg.grading.launch.executable", lambda: "/bin/false")
    with pytest.raises(BoxError, match=f"level {level} does not start"), Zygote(level) as zygote:
        Box(zygote=zygote)


def test_box_without_zygote_takes_the_shared_one(level):
    box(level).close()
    with Box(level, limits=QUICK) as opened:
        opened.load([("a", "def f(): return 2")])
        assert opened.level == level and opened.call("f", [()])[0].value == 2
    assert boxes_module.shared(level, False).alive

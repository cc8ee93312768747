"""Many machines: the same results as here, workers that die, and a submission that kills every worker it meets."""

import os
import signal

import pytest

from course_pkg.grading.batch import run
from course_pkg.grading.box import Limits
from course_pkg.grading.cluster import POISON, over_cluster
from course_pkg.grading.grade import Settings
from course_pkg.grading.keys import GradingError
from course_pkg.grading.submissions import find
from tests.grading import kit

distributed = pytest.importorskip("distributed", reason="dask.distributed is an extra: pip install distributed")
pytestmark = [pytest.mark.filterwarnings("default")]  # of dask and tornado, which are not ours

CLASS = {"ada": {}, "boole": kit.WRONG, "curie": {kit.SUM: kit.WRONG[kit.SUM]}, "dirac": b"{"}
# At level D nothing protects the worker from the submission: it looks for the ancestor that is a worker.
KILLER = '''
import os, signal
pid = os.getpid()
while pid > 1:
    with open(f"/proc/{pid}/stat") as file:
        parent = int(file.read().rpartition(")")[2].split()[1])
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        words = file.read()
    if b"spawn_main" in words:
        os.kill(pid, signal.SIGKILL)
    pid = parent
'''


@pytest.fixture(scope="module")
def cluster():
    import dask

    quick = {"distributed.scheduler.allowed-failures": 1, "distributed.deploy.lost-worker-timeout": "10 minutes"}
    size = {"n_workers": 2, "threads_per_worker": 1, "memory_limit": None}
    quiet = {"processes": True, "dashboard_address": None, "silence_logs": 50}
    with dask.config.set(quick), distributed.LocalCluster(**size, **quiet) as made:
        yield made


def start(place, course, settings=None, scheduler=""):
    settings = settings or Settings(None, True, Limits())
    return run(find(place / "in"), place / ("there" if scheduler else "here"), kit.papers(course), settings, jobs=1,
               scheduler=scheduler)  # fmt: skip


def test_results_are_the_same_as_here(cluster, course, tmp_path):
    kit.hand_in(tmp_path / "in", course, **CLASS)
    here = start(tmp_path, course)
    there = start(tmp_path, course, scheduler=cluster.scheduler_address)
    assert [r.verdict for r in there.results] == [r.verdict for r in here.results]
    assert {r.student: r.score for r in there.results} == {"ada": 20, "boole": 5, "curie": 15, "dirac": 0}
    assert start(tmp_path, course, scheduler=cluster.scheduler_address).kept == 4


def test_a_worker_that_is_killed_loses_nothing(cluster, course, tmp_path):
    slow = kit.notebook(course, first="import time\ntime.sleep(0.5)")
    kit.hand_in(tmp_path / "in", course, **{f"s{k:02}": slow for k in range(8)})
    pids = [worker.pid for worker in cluster.workers.values()]
    seen = []
    work = over_cluster(find(tmp_path / "in"), kit.papers(course), Settings("D", True, Limits()),
                        cluster.scheduler_address)  # fmt: skip
    for result in work:
        seen.append(result)
        if len(seen) == 2:
            os.kill(pids[0], signal.SIGKILL)
    assert sorted(r.student for r in seen) == [f"s{k:02}" for k in range(8)]
    assert {(r.status, r.score) for r in seen} == {("graded", 20.0)}


def test_a_submission_that_kills_its_workers_takes_nobody_with_it(cluster, course, tmp_path):
    students = {f"s{k}": {} for k in range(5)} | {"poison": kit.notebook(course, first=KILLER)}
    kit.hand_in(tmp_path / "in", course, **students)
    there = start(tmp_path, course, Settings("D", True, Limits()), cluster.scheduler_address)
    found = {r.student: r for r in there.results}
    assert {k: (found[f"s{k}"].score, found[f"s{k}"].notes) for k in range(5)} == dict.fromkeys(range(5), (20.0, ()))
    assert (found["poison"].status, found["poison"].score, found["poison"].notes) == ("grader", 0.0, (POISON,))


def test_nobody_answers(course, tmp_path):
    kit.hand_in(tmp_path / "in", course, ada={})
    with pytest.raises(GradingError, match="no dask scheduler answers at tcp://127.0.0.1:9"):
        start(tmp_path, course, Settings("D", True, Limits()), "tcp://127.0.0.1:9")

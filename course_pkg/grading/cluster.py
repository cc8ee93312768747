"""The same batch on many machines: dask.distributed carries submissions there and results back.

The hidden tests are made here and sent to the workers, which must be machines of the instructor. Keys stay here. When
a worker dies, what it had is given to others; what kills workers again and again is tried once more by itself at the
end, so that its neighbours are not blamed, and then reported.
"""

from __future__ import annotations

import queue
import time
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

from .batch import failure, grade_one
from .grade import Settings
from .hidden import Papers, Sealed
from .keys import GradingError
from .results import SubmissionResult
from .submissions import Handed

MISSING = "dask.distributed is not installed here: pip install 'rnn-course[cluster]', or pip install distributed"
PATIENCE = 300.0  # seconds without a single worker before the run is given up
POISON = "it killed every worker that tried it, alone at the last"


def grade_parcel(one: Handed, papers: Sealed, settings: Settings) -> SubmissionResult:
    """On a worker: grade one submission, whose bytes came with it, at the level that was asked for."""
    return grade_one(one, papers, settings.ready())


def over_cluster(
    todo: Sequence[Handed], papers: Papers, settings: Settings, address: str
) -> Iterator[SubmissionResult]:
    """Results as they come from the workers of the scheduler at `address`."""
    try:
        from distributed import Client
    except ImportError as error:
        raise GradingError(MISSING) from error
    try:
        client = Client(address, set_as_default=False, timeout=20)
    except (OSError, ValueError) as error:
        raise GradingError(f"no dask scheduler answers at {address}: {error}") from error
    with client:
        sealed = client.submit(_same, papers.sealed(), pure=False)  # no scatter(): that is lost with its worker
        plain = Settings(settings.level, settings.allow_unsafe, settings.limits)
        suspects: list[Handed] = []
        for one, result in _round(client, todo, sealed, plain, 2):
            if isinstance(result, str):
                suspects.append(one)
            else:
                yield result
        for one in suspects:
            for _, result in _round(client, [one], sealed, plain, 0):
                broken = isinstance(result, str)
                yield failure(one, papers, settings.level or "", result) if broken else result


def _same(papers: Sealed) -> Sealed:
    return papers


def _round(
    client: Any, todo: Sequence[Handed], sealed: Any, settings: Settings, ahead: int
) -> Iterator[tuple[Handed, SubmissionResult | str]]:
    """(submission, result or what went wrong around it). A few are sent ahead for each thread, never all."""
    from distributed import KilledWorker

    rest = iter(todo)
    waiting: dict[Any, Handed] = {}
    done: queue.SimpleQueue[Any] = queue.SimpleQueue()
    alone = time.monotonic()
    try:
        while True:
            threads = sum(client.nthreads().values())
            if threads:
                alone = time.monotonic()
            elif time.monotonic() - alone > PATIENCE:
                raise GradingError(f"no worker for {PATIENCE:.0f} s; what is finished is kept, start the command again")
            for one in rest:
                future = client.submit(grade_parcel, one.packed(), sealed, settings, pure=False)
                waiting[future] = one
                future.add_done_callback(done.put)
                if len(waiting) > ahead * max(1, threads):
                    break
            if not waiting:
                return
            try:
                future = done.get(timeout=1.0)
            except queue.Empty:
                continue
            one = waiting.pop(future)
            try:
                yield one, future.result()
            except KilledWorker:
                yield one, POISON
            except Exception:  # grade_one does not raise: this is the cluster's own trouble
                yield one, traceback.format_exc(limit=-4)
            future.release()
    finally:
        client.cancel(list(waiting))

"""A folder of submissions: in parallel, with progress, stopped and started again without loss.

Every submission that is finished lies in results/ at once, durably. A start reads what is there and grades only what is
missing or no longer true (another content, other tests, another term or level). What goes wrong with one submission is
written into its own result.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .grade import Settings, grade_submission
from .hidden import Papers, Sealed
from .results import SubmissionResult, content_hash, read_results, result_key, versions, write_result
from .submissions import Handed

RESULTS = "results"


@dataclass
class Batch:
    """What a run gave: the results that hold now, how many were graded in this run, and whether it was stopped."""

    results: list[SubmissionResult] = field(default_factory=list)
    graded: int = 0
    kept: int = 0
    waiting: int = 0  # not graded, because the run was stopped
    seconds: float = 0.0

    @property
    def stopped(self) -> bool:
        return self.waiting > 0


def run(
    handed: Sequence[Handed],
    out: Path,
    papers: Papers,
    settings: Settings,
    *,
    jobs: int = 0,
    again: bool = False,
    only: Collection[str] = (),
    scheduler: str = "",
) -> Batch:
    """Grade what is not graded yet. Ctrl-C leaves everything that is finished; the next run goes on from there.

    With `only`, other students' results are kept where they hold, and nobody else is graded. With `again`, nothing that
    would be graded is taken from before.
    """
    settings = settings if settings.box and settings.level else settings.ready()
    started = time.perf_counter()
    folder = out / RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    found = [r for r in read_results(folder) if not again or (only and r.student not in only)]
    kept, todo = sort_out(handed, found, papers, settings.level or "")
    todo = [one for one in todo if not only or one.student in only]
    batch = Batch(list(kept), 0, len(kept))
    if scheduler:
        from .cluster import over_cluster

        work = over_cluster(todo, papers, settings, scheduler)
    else:
        work = parallel(todo, papers, Boxes(settings), jobs or os.cpu_count() or 1)
    with contextlib.closing(work), progress(len(todo)) as bar:
        try:
            for result in work:
                write_result(folder, result)
                batch.results.append(result)
                batch.graded += 1
                bar.update(1)
        except KeyboardInterrupt:
            print("\nStopping. What is finished is kept.", file=sys.stderr)
    batch.waiting = len(todo) - batch.graded
    batch.results.sort(key=lambda result: result.student)
    batch.seconds = time.perf_counter() - started
    return batch


def sort_out(
    handed: Sequence[Handed], found: Iterable[SubmissionResult], papers: Papers, level: str
) -> tuple[list[SubmissionResult], list[Handed]]:
    """Results that still hold, and submissions that have none."""
    known: dict[str, list[SubmissionResult]] = {}
    for result in found:
        known.setdefault(result.student, []).append(result)
    kept, todo = [], []
    for one in handed:
        candidates = known.get(one.student, [])
        content = content_hash(one.read()) if candidates else ""
        holding = [result for result in candidates if holds(result, content, papers, level)]
        if holding:
            kept.append(replace(holding[-1], name=one.name, late=one.late, ids=dict(one.ids)))
        else:
            todo.append(one)
    return kept, todo


def holds(result: SubmissionResult, content: str, papers: Papers, level: str) -> bool:
    """Whether grading again could give nothing else. The grader's own failures are tried again."""
    here = {chapter: papers.hash_of(chapter) for chapter in result.tests if chapter in papers}
    key = result_key(content, here, papers.key.term, level)
    return result.status != "grader" and result.key == key and result.chapters == tuple(papers)


def grade_one(one: Handed, papers: Papers | Sealed, settings: Settings) -> SubmissionResult:
    """grade_submission for what was found in a folder; whatever goes wrong becomes a result, too."""
    try:
        files = one.read()
        result = grade_submission(files, student=one.student, name=one.name, papers=papers, settings=settings)
        return replace(result, late=one.late, ids=dict(one.ids), notes=one.notes)
    except Exception:
        return failure(one, papers, settings.level or "", traceback.format_exc(limit=-4))


def failure(one: Handed, papers: Papers, level: str, said: str) -> SubmissionResult:
    """The result of a submission that the grader could not bring to an end."""
    return SubmissionResult(
        student=one.student, name=one.name, status="grader", score=0.0, max_score=0.0, questions=(), files=(),
        level=level, term=papers.key.term, seed=papers.key.fingerprint, content="", tests={},
        key=result_key("", {}, papers.key.term, level), versions=versions(), late=one.late, ids=dict(one.ids),
        notes=(said[-2000:],), chapters=tuple(papers),
    )  # fmt: skip


class Boxes:
    """Opens boxes and knows which are open, so that a stop can close them."""

    def __init__(self, settings: Settings) -> None:
        self._open: set[Any] = set()
        self._lock = threading.Lock()
        self._box = settings.box
        self.stopping = threading.Event()
        self.settings = replace(settings, box=self.open)

    @contextlib.contextmanager
    def open(self, **options: Any) -> Iterator[Any]:
        """A box as a context, remembered while it is open."""
        if self.stopping.is_set():
            raise RuntimeError("stopping")
        with self._box(**options) as box:  # type: ignore[misc]
            with self._lock:
                self._open.add(box)
            try:
                yield box
            finally:
                with self._lock:
                    self._open.discard(box)

    def stop(self) -> None:
        """Close whatever is open; the submissions in it count as not graded."""
        self.stopping.set()
        with self._lock:
            still = list(self._open)
        for box in still:
            with contextlib.suppress(Exception):
                getattr(box, "close", lambda: None)()


def parallel(todo: Sequence[Handed], papers: Papers, boxes: Boxes, jobs: int) -> Iterator[SubmissionResult]:
    """Results as they come. The work is done by boxes in processes of their own, so threads are enough here."""
    waiting: set[Future[SubmissionResult]] = set()
    rest = iter(todo)
    pool = ThreadPoolExecutor(max(1, jobs), thread_name_prefix="grade")
    try:
        while True:
            for one in rest:
                waiting.add(pool.submit(grade_one, one, papers, boxes.settings))
                if len(waiting) >= 2 * jobs:  # a queue of two each: memory stays small however many there are
                    break
            if not waiting:
                return
            done, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        boxes.stop()
        pool.shutdown(wait=True, cancel_futures=True)


def sweep(folder: Path) -> None:
    """Remove what a run that was killed left half written."""
    for path in folder.glob(".*.json.*"):
        path.unlink(missing_ok=True)


def progress(total: int) -> Any:
    """A bar with the time left on a terminal; otherwise a line now and then."""
    if not sys.stderr.isatty():
        return _Lines(total)
    try:
        from tqdm import tqdm
    except ImportError:
        return _Lines(total)
    return tqdm(total=total, unit="submission", dynamic_ncols=True, smoothing=0.1)


class _Lines:
    """The progress where there is no terminal: ten lines in all, each with the time left."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.started = total, 0, time.perf_counter()

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *failure: object) -> None:
        return None

    def update(self, count: int) -> None:
        """`count` more are finished."""
        before, self.done = self.done, self.done + count
        if self.done * 10 // self.total > before * 10 // self.total:
            left = (time.perf_counter() - self.started) / self.done * (self.total - self.done)
            print(f"{self.done} of {self.total} submissions, about {left:.0f} s left", file=sys.stderr, flush=True)

"""Jobs of the planning pages: one process at a time beside the desk, its progress and its end kept for the pages."""

import itertools
import multiprocessing
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

import structlog
from prometheus_client import Counter

from pipeline.city.registry import Registry
from pipeline.desk.faults import STORE_FAULTS
from pipeline.desk.plan_work import Step, Task, work_out
from pipeline.ops.clock import Clock
from pipeline.ops.settings import Settings
from pipeline.store.database import explain
from pipeline.store.tables import Document

log = structlog.get_logger(__name__)
JOBS = Counter("siaga_desk_plan_jobs_total", "Planning jobs by what was asked and how they ended", ["what", "outcome"])
KEPT = 50
CLOSE_S = 5.0
Finish = Callable[[Task, Document], int]
"""Keeps a document; returns the number of the plan, 0 for coverage."""


@dataclass(frozen=True)
class Job:
    """A job: who asked for what, how far it is, and what came of it. `since_ms` epoch ms."""

    number: int
    task: Task
    since_ms: int
    step: Step | None = None
    plan: int = 0
    fault: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing more happens."""
        return self.step in ("done", "failed")


class PlanJobs:
    """Runs jobs one after another, each in a process of its own, so that the desk never waits for a solver.

    Args:
        settings: The configuration.
        registry: Cameras and kelurahan as they are when a job begins.
        clock: Time now, epoch ms.
        finish: Keeps what came out.
    """

    def __init__(self, settings: Settings, registry: Registry, clock: Clock, finish: Finish) -> None:
        self._settings, self._registry, self._clock, self._finish = settings, registry, clock, finish
        self._jobs: dict[int, Job] = {}
        self._numbers = itertools.count(1)
        self._waiting: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def submit(self, task: Task) -> Job:
        """Queue a task; the same question of the same person that is still waited for is not asked twice."""
        with self._lock:
            for job in self._jobs.values():
                if not job.over and replace(job.task, now_ms=0, stamp=()) == replace(task, now_ms=0, stamp=()):
                    return job
            job = Job(next(self._numbers), task, self._clock())
            self._jobs[job.number] = job
            for old in [number for number, one in self._jobs.items() if one.over][:-KEPT]:
                del self._jobs[old]
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="plan-jobs", daemon=True)
                self._thread.start()
        self._waiting.put(job.number)
        return job

    def get(self, number: int) -> Job | None:
        """Return a job; None for one that never was, or whose end nobody asked for in a long time."""
        return self._jobs.get(number)

    def running(self) -> list[Job]:
        """Return the jobs that are not over, oldest first."""
        return [job for job in self._jobs.values() if not job.over]

    def close(self) -> None:
        """End the process that works and take no more."""
        self._stop.set()
        self._waiting.put(None)
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while (number := self._waiting.get()) is not None and not self._stop.is_set():
            self._work(self._jobs[number])

    def _work(self, job: Job) -> None:
        """Run one job's process to its end."""
        context = multiprocessing.get_context("spawn")  # forked threads and database handles would be of no use
        registry = Registry(dict(self._registry.cameras), dict(self._registry.kelurahan), self._registry.place_radius_m)
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=work_out, args=(self._settings, registry, job.task, theirs), daemon=True)
        process.start()
        theirs.close()
        try:
            self._follow(job, ours)
        except (EOFError, OSError):  # the process is gone without a last word: killed, or out of memory
            process.join(CLOSE_S)
            self._end(job, "failed", fault=f"proses perencanaan berhenti ({process.exitcode})")
        finally:
            ours.close()
            if process.is_alive() and self._stop.is_set():
                process.terminate()
            process.join(CLOSE_S)

    def _follow(self, job: Job, ours: Connection) -> None:
        """Take what the process says until it is over."""
        while not self._stop.is_set():
            if not ours.poll(0.2):
                continue
            step, what = ours.recv()
            if step == "done":
                self._keep(job, what)
                return
            if step == "failed":
                self._end(job, "failed", fault=what)
                return
            self._jobs[job.number] = replace(self._jobs[job.number], step=step)

    def _keep(self, job: Job, document: Document) -> None:
        """Keep the document; a database that does not answer is told like any other fault."""
        try:
            plan = self._finish(job.task, document)
        except STORE_FAULTS as error:
            self._end(job, "failed", fault=explain(error))
            return
        self._end(job, "done", plan=plan)

    def _end(self, job: Job, step: Step, **more: Any) -> None:
        what = "coverage" if job.task.budget is None else "plan"
        JOBS.labels(what, step).inc()
        log.info("desk.plan_job", job=job.number, what=what, outcome=step, **more)
        self._jobs[job.number] = replace(self._jobs[job.number], step=step, **more)

"""The clip keeper: follows the incidents and puts a clip of each own camera that saw one into the evidence store."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import structlog

from pipeline.bus.records import Frame, Incident
from pipeline.grab.clip import Clip, clip_from_frames, clip_from_ring
from pipeline.grab.metrics import CLIPS
from pipeline.grab.ring import PacketRing
from pipeline.ops.clock import Clock
from pipeline.ops.errors import BusError, SiagaError, SourceError, StoreError
from pipeline.ops.sections import GrabSection

log = structlog.get_logger(__name__)

LOOK_BACK_MS = 600_000
"""Incidents that opened longer ago are past making a clip of: the bus has let their frames go."""
SETTLE_MS = 1500
"""The last packets and frames of a clip may still be under way when its time is over."""
RETRY_MS = 5000
MOST_TRIES = 20


class Shelf(Protocol):
    """Where clips are kept."""

    def has_clip(self, incident_id: str, camera: str) -> bool:
        """Tell whether the clip is there already.

        Raises:
            StoreError: The store does not answer.
        """

    def put_clip(self, incident_id: str, camera: str, clip: Clip) -> None:
        """Keep a clip.

        Raises:
            StoreError: It was not written.
        """


class FrameSource(Protocol):
    """The frames topic, read back."""

    def between(self, camera: str, start_ms: int, end_ms: int) -> list[Frame]:
        """Return a camera's frames captured within a time, oldest first.

        Raises:
            BusError: The bus did not answer.
        """


@dataclass(slots=True)
class Job:
    """A clip to be made: around `moment_ms`, when `due_ms` has come (both UTC epoch ms)."""

    incident_id: str
    camera: str
    moment_ms: int
    due_ms: int
    trace: str
    tries: int = 0


def jobs_of(incident: Incident, own: frozenset[str], grab: GrabSection, now_ms: int) -> list[Job]:
    """Return the clips to make for an incident: one for each own camera that saw it.

    The moment is the incident's opening, or, for a camera that joined later, when it first saw it.
    """
    seen = {incident.camera: incident.opened_ms}
    for witness in incident.witnesses:
        seen.setdefault(witness.camera, max(incident.opened_ms, witness.first_seen_ms))
    after_ms = int(grab.clip_after_s * 1000) + SETTLE_MS
    return [
        Job(incident.id, camera, moment, moment + after_ms, incident.trace)
        for camera, moment in seen.items()
        if camera in own and moment > now_ms - LOOK_BACK_MS
    ]


class ClipKeeper:
    """Makes clips when their time has come, in a worker thread of its own.

    A job is known by incident and camera and is done once; a restarted grabber finds in the store what is done.

    Args:
        rings: Rings of the own cameras by camera id.
        frames: Reads sampled frames back where a ring does not reach.
        shelf: Where clips go.
        grab: Seconds before and after.
        clock: Time now, UTC epoch ms.
    """

    def __init__(
        self,
        rings: Callable[[str], PacketRing | None],
        frames: FrameSource,
        shelf: Shelf,
        own: frozenset[str],
        grab: GrabSection,
        clock: Clock,
    ) -> None:
        self._rings, self._frames, self._shelf, self._own = rings, frames, shelf, own
        self._grab, self._clock = grab, clock
        self._jobs: dict[tuple[str, str], Job] = {}
        self._known: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, "clips")

    @property
    def waiting(self) -> int:
        """Clips that are still to be made."""
        return len(self._jobs)

    def take(self, incident: Incident) -> None:
        """Note an incident as it came from the bus."""
        now = self._clock()
        with self._lock:
            for job in jobs_of(incident, self._own, self._grab, now):
                key = (job.incident_id, job.camera)
                if key not in self._known:
                    self._known[key] = job.moment_ms
                    self._jobs[key] = job
            self._known = {key: ms for key, ms in self._known.items() if ms > now - 2 * LOOK_BACK_MS}

    def tick(self) -> None:
        """Hand the jobs that are due to the worker thread; returns at once."""
        now = self._clock()
        with self._lock:
            due = [job for job in self._jobs.values() if job.due_ms <= now]
            for job in due:
                job.due_ms = now + 60_000
        for job in due:
            self._pool.submit(self.work, job)

    def work(self, job: Job) -> None:
        """Make one clip; a failure is logged, counted and tried again later, a limited number of times."""
        try:
            outcome = self._make(job)
        except (BusError, StoreError) as error:
            self._again(job, error)
            return
        except SourceError as error:
            outcome = "impossible"
            log.warning("grab.clip_impossible", incident=job.incident_id, camera=job.camera, error=str(error))
        except Exception as error:
            outcome = "failed"
            log.exception("grab.clip_failed", incident=job.incident_id, camera=job.camera, error=type(error).__name__)
        CLIPS.labels(outcome).inc()
        with self._lock:
            self._jobs.pop((job.incident_id, job.camera), None)

    def _again(self, job: Job, error: SiagaError) -> None:
        job.tries += 1
        log.warning("grab.clip_waits", incident=job.incident_id, camera=job.camera, error=str(error), tries=job.tries)
        with self._lock:
            if job.tries < MOST_TRIES:
                job.due_ms = self._clock() + RETRY_MS
                return
            self._jobs.pop((job.incident_id, job.camera), None)
        CLIPS.labels("given_up").inc()

    def _make(self, job: Job) -> str:
        if self._shelf.has_clip(job.incident_id, job.camera):
            return "there_already"
        start_ms = job.moment_ms - int(self._grab.clip_before_s * 1000)
        end_ms = job.moment_ms + int(self._grab.clip_after_s * 1000)
        clip = self._from_ring(job, start_ms, end_ms) or clip_from_frames(
            self._frames.between(job.camera, start_ms, end_ms)
        )
        self._shelf.put_clip(job.incident_id, job.camera, clip)
        log.info(
            "grab.clip_kept", incident=job.incident_id, camera=job.camera, trace=job.trace, made_from=clip.made_from,
            seconds=round((clip.end_ms - clip.start_ms) / 1000, 1), bytes=len(clip.data),
        )  # fmt: skip
        return clip.made_from

    def _from_ring(self, job: Job, start_ms: int, end_ms: int) -> Clip | None:
        """Return the clip where the ring holds the moment of opening, else None."""
        ring = self._rings(job.camera)
        cut = None if ring is None else ring.cut(start_ms, end_ms)
        if cut is None or cut.start_ms > job.moment_ms or cut.end_ms < job.moment_ms:
            return None
        try:
            return clip_from_ring(cut, job.moment_ms)
        except SourceError as error:
            log.warning("grab.ring_unusable", incident=job.incident_id, camera=job.camera, error=str(error))
            return None

    def close(self, patience_s: float = 0) -> None:
        """Let go of what is not begun; what is under way ends on its own."""
        self._pool.shutdown(wait=patience_s > 0, cancel_futures=True)

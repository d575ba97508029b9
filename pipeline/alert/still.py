"""The still of an incident: the frame is read back from the bus before the bus forgets it, and kept as evidence."""

from collections.abc import Set
from typing import Protocol

from pipeline.alert.channels.base import Outcome, Refused, Retry, Sent
from pipeline.alert.notices import STILL
from pipeline.bus.records import Frame, FrameRef
from pipeline.ops.clock import Clock
from pipeline.ops.errors import BusError, StoreError
from pipeline.store.database import Database
from pipeline.store.evidence import Evidence, EvidenceStore, keep_evidence
from pipeline.store.tables import Notice, OutboxRow


class Frames(Protocol):
    """Whatever reads a frame back by its place (`pipeline.bus.frames.FrameReader`)."""

    def read(self, ref: FrameRef) -> Frame | None:
        """Return the frame, None when it is no longer kept."""

    def close(self) -> None:
        """Disconnect."""


class StillFetcher:
    """Works the outbox rows that ask for a still, as if it were a channel: the retries are the same."""

    name = STILL
    targets: Set[str] | None = None
    takes: Set[Notice] = frozenset({"still"})
    lease_s = 10.0

    def __init__(self, frames: Frames, database: Database, evidence: EvidenceStore, clock: Clock) -> None:
        self._frames, self._database, self._evidence, self._clock = frames, database, evidence, clock

    def deliver(self, row: OutboxRow) -> Outcome:
        """Fetch the frame that the row names and keep it."""
        camera, ref = str(row.payload["camera"]), FrameRef.model_validate(row.payload["frame"])
        try:
            frame = self._frames.read(ref)
        except BusError as error:
            return Retry("bus", str(error))
        if frame is None:
            return Refused("frame_gone", f"frame {ref.partition}/{ref.offset} is no longer on the bus")
        if frame.camera != camera:
            # The topic was made anew: another picture lies there now, and a wrong still is worse than none.
            return Refused("frame_gone", f"frame {ref.partition}/{ref.offset} is of camera {frame.camera} now")
        taken = Evidence(row.incident_id, camera, "still", "bus", frame.captured_ms, frame.captured_ms)
        try:
            keep_evidence(self._database, self._evidence, taken, frame.jpeg, self._clock())
        except StoreError as error:
            return Retry("store", str(error))
        return Sent({"key": taken.key, "bytes": len(frame.jpeg)})

    def close(self) -> None:
        """Disconnect from the bus."""
        self._frames.close()

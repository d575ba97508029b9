"""One event in the city as the confirm stage holds it, and its record on the bus."""

import uuid
from dataclasses import dataclass, field

from pipeline.bus.records import Detection, FrameRef, Incident, ModelRef, State, Water, Witness
from pipeline.confirm.evidence import ScoredBox, Sight
from pipeline.ops.sections import Kind

NAMESPACE = uuid.UUID("6f0d3c0e-5d0b-5c55-9a3e-51a9a0f1c3d7")
MOST_REASONS = 24
MOST_BOXES = 16


def incident_id(camera: str, kind: Kind, opened_ms: int) -> str:
    """Return the id of the incident that opened at this camera, as this kind, at this time: always the same one."""
    return str(uuid.uuid5(NAMESPACE, f"{camera}|{kind}|{opened_ms}"))


@dataclass(slots=True, eq=False)
class Seen:
    """What one camera has seen of an event. `last` is the capture time of its latest sight by kind, ms."""

    camera: str
    first_ms: int
    score: float
    box: ScoredBox | None
    frame: FrameRef | None
    last: dict[Kind, int]


@dataclass(slots=True, eq=False)
class Event:
    """An incident with what is needed to go on with it. Times are capture times, epoch ms."""

    id: str
    kind: Kind
    camera: str
    kelurahan: str
    trace: str
    model: ModelRef | None
    first_seen_ms: int
    opened_ms: int
    updated_ms: int
    closed_ms: int | None = None
    revision: int = -1
    score: float = 0.0
    boxes: tuple[Detection, ...] = ()
    frame: FrameRef | None = None
    seen: dict[str, Seen] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    water: Water | None = None

    def last_ms(self) -> int:
        """Return when any camera last saw it."""
        return max(max(seen.last.values()) for seen in self.seen.values())

    def explain(self, *codes: str) -> None:
        """Add reasons that are not there yet; the first ones are kept for ever, so that the opening stays explained."""
        for code in codes:
            if code not in self.reasons and len(self.reasons) < MOST_REASONS:
                self.reasons.append(code)

    def see(self, camera: str, kind: Kind, sight: Sight) -> None:
        """Take in a sight by a camera that witnesses this event; order does not matter."""
        seen = self.seen[camera]
        seen.last[kind] = max(sight.ms, seen.last.get(kind, 0))
        if kind != self.kind or sight.ms < seen.first_ms or not sight.boxes:
            return
        if sight.score > seen.score:
            seen.score, seen.box, seen.frame = sight.score, sight.boxes[0], sight.frame
        if sight.score > self.score:
            self.score, self.frame = sight.score, sight.frame
            self.boxes = tuple(Detection(label=kind, score=s, box=b) for s, b in sight.boxes[:MOST_BOXES])

    def admit(self, camera: str, kind: Kind, first_ms: int, ms: int) -> tuple[bool, bool]:
        """Take a camera, or another kind that it sees, as a witness; return (new camera, new kind)."""
        seen = self.seen.get(camera)
        if seen is None:
            self.seen[camera] = Seen(camera, first_ms, 0.0, None, None, {kind: ms})
            return True, True
        new = kind not in seen.last
        seen.first_ms = min(seen.first_ms, first_ms)
        seen.last[kind] = ms
        return False, new

    def upgrade(self, kind: Kind) -> None:
        """Become an event of a graver kind: the id stays, scores are of the new kind from here on."""
        self.kind, self.score, self.boxes = kind, 0.0, ()
        for seen in self.seen.values():
            seen.score, seen.box = 0.0, None

    def record(self, state: State, decided_ms: int) -> Incident:
        """Return the next revision of this incident for the bus."""
        self.revision += 1
        return Incident(
            id=self.id,
            kind=self.kind,
            camera=self.camera,
            kelurahan=self.kelurahan,
            state=state,
            revision=self.revision,
            trace=self.trace,
            first_seen_ms=self.first_seen_ms,
            opened_ms=self.opened_ms,
            updated_ms=self.updated_ms,
            closed_ms=self.closed_ms,
            decided_ms=decided_ms,
            score=self.score,
            boxes=self.boxes,
            frame=self.frame,
            witnesses=tuple(_witness(seen) for seen in self.seen.values()),
            reasons=tuple(self.reasons),
            model=self.model,
            water=self.water,
        )


def _witness(seen: Seen) -> Witness:
    """Return a witness for the bus."""
    return Witness(
        camera=seen.camera,
        first_seen_ms=seen.first_ms,
        score=seen.score,
        box=seen.box[1] if seen.box else None,
        frame=seen.frame,
        kinds=tuple(seen.last),
    )


def event_of(incident: Incident, close_after_ms: int) -> Event:
    """Return the event that a record tells of, to go on from there.

    Every revision but the last is written at a sight, and the last a fixed time after one: so the time of the latest
    sight is known without its observation.
    """
    last_ms = incident.updated_ms if incident.closed_ms is None else max(0, incident.closed_ms - close_after_ms)
    event = Event(
        id=incident.id,
        kind=incident.kind,
        camera=incident.camera,
        kelurahan=incident.kelurahan,
        trace=incident.trace,
        model=incident.model,
        first_seen_ms=incident.first_seen_ms,
        opened_ms=incident.opened_ms,
        updated_ms=incident.updated_ms,
        closed_ms=incident.closed_ms,
        revision=incident.revision,
        score=incident.score,
        boxes=incident.boxes,
        frame=incident.frame,
        reasons=list(incident.reasons),
        water=incident.water,
    )
    for witness in incident.witnesses:
        last = dict.fromkeys(witness.kinds or (incident.kind,), last_ms)
        box = (witness.score, witness.box) if witness.box else None
        seen = Seen(witness.camera, witness.first_seen_ms, witness.score, box, witness.frame, last)
        event.seen[witness.camera] = seen
    if not event.seen:
        only = Seen(event.camera, event.first_seen_ms, event.score, None, event.frame, {event.kind: last_ms})
        event.seen[event.camera] = only
    return event

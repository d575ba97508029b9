"""The state of confirmation for the whole city, and what a step over it decides."""

from collections import deque
from dataclasses import dataclass, field

from pipeline.bus.records import Incident, Request
from pipeline.confirm.camera import Track, Watched
from pipeline.confirm.event import Event, event_of
from pipeline.confirm.memory import Memory
from pipeline.confirm.merge import Board
from pipeline.confirm.rules import Rulebook
from pipeline.confirm.street import Streets
from pipeline.ops.sections import Kind

Reason = tuple[str, str]
"""A kind (`*` for all) and why something was held back."""


@dataclass(slots=True)
class Outcome:
    """What one step decided: incidents to publish, bursts to ask for, and what was held back with its reason."""

    incidents: list[Incident] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)


@dataclass(slots=True)
class City:
    """All state of confirmation. Bounded: a window a camera and kind, a memory of places, recent events."""

    book: Rulebook
    memory: Memory
    streets: Streets
    board: Board
    cameras: dict[str, Watched] = field(default_factory=dict)
    newest_ms: int = 0
    asked: deque[int] = field(default_factory=deque)

    def watched(self, camera: str) -> Watched | None:
        """Return the state of a camera, made when it is first heard of; None for one that the registry lacks."""
        known = self.cameras.get(camera)
        if known is None:
            rules = self.book.of(camera)
            if rules is None:
                return None
            known = self.cameras[camera] = Watched(rules)
        return known

    def tracks(self, event: Event) -> list[Track]:
        """Return the tracks of the cameras and kinds that an event was seen by, as far as they are still watched."""
        found = []
        for seen in event.seen.values():
            watched = self.watched(seen.camera)
            found += [track for track in watched.tracks if track.rule.kind in seen.last] if watched else []
        return found

    def close_after_ms(self, kind: Kind) -> int:
        """Return how long nothing must be seen before an event of this kind closes, ms."""
        rule = self.book.section.kinds.get(kind)
        return int(rule.close_after_s * 1000) if rule else 0


def new_city(book: Rulebook) -> City:
    """Return a city in which nothing has happened yet."""
    section = book.section
    return City(book, Memory(section.memory_after_s, section.memory_days), Streets(), Board(book.merge_window_ms))


def adopt(city: City, incident: Incident) -> None:
    """Take over an incident from the bus, in its latest revision, as it stood there."""
    event = event_of(incident, city.close_after_ms(incident.kind))
    city.board.add(event)
    if event.closed_ms is None:
        for track in city.tracks(event):
            track.event = event

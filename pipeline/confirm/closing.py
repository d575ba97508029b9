"""Closing: every witness looked on and saw nothing, or went silent. The time of it depends on the last sight alone."""

from pipeline.bus.records import Incident
from pipeline.confirm.camera import Watched
from pipeline.confirm.event import Event
from pipeline.confirm.state import City, Outcome

OUTAGE_MS = 300_000
"""When no camera says anything (the detectors are down), incidents stay open this much longer, ms."""


def close_quiet(city: City, watched: Watched, now_ms: int, outcome: Outcome) -> None:
    """Close this camera's events when every witness has gone on looking and seen nothing for long enough."""
    for event in {id(track.event): track.event for track in watched.tracks if track.event is not None}.values():
        if all(_quiet(city, event, camera, None) for camera in event.seen):
            outcome.incidents.append(_close(city, event, "quiet", now_ms))


def _quiet(city: City, event: Event, camera: str, now_ms: int | None) -> bool:
    """Say whether a witness sees nothing any more: it looked on and saw nothing, or (given a time) it went silent."""
    watched = city.cameras.get(camera)
    heard_ms = watched.newest_ms if watched else 0
    after_ms = city.close_after_ms(event.kind)
    if heard_ms - max(event.seen[camera].last.values()) >= after_ms:
        return True
    return now_ms is not None and now_ms - max(heard_ms, event.updated_ms) >= after_ms + city.book.silent_grace_ms


def _close(city: City, event: Event, reason: str, now_ms: int) -> Incident:
    """Close an event, at a time that depends on its last sight alone."""
    event.closed_ms = event.last_ms() + city.close_after_ms(event.kind)
    event.updated_ms = max(event.updated_ms, event.closed_ms)
    event.explain(reason)
    for track in city.tracks(event):
        if track.event is event:
            track.event = None
    city.board.moved(event)
    return event.record("closed", now_ms)


def tick(city: City, now_ms: int) -> Outcome:
    """Close the events of cameras that went silent, and forget what is over.

    A camera is silent by the time of the others; where all are, by the clock, `OUTAGE_MS` later.
    """
    outcome = Outcome()
    at_ms = max(city.newest_ms, now_ms - OUTAGE_MS)
    for event in city.board.open_events():
        if all(_quiet(city, event, camera, at_ms) for camera in event.seen):
            heard = all(_quiet(city, event, camera, None) for camera in event.seen)
            outcome.incidents.append(_close(city, event, "quiet" if heard else "camera_silent", now_ms))
    cooldown = max((rule.cooldown_s for rule in city.book.section.kinds.values()), default=0)
    city.board.prune(at_ms, int(cooldown * 1000))
    return outcome

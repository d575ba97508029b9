"""What is sent: which notices a change makes, their idempotency keys, and their content."""

from collections.abc import Iterator, Mapping, Set
from typing import Literal

from pipeline.alert.routing import Target, place_of
from pipeline.bus.records import FrameRef, Incident
from pipeline.city.registry import Registry
from pipeline.store.outbox import Order
from pipeline.store.payloads import payload_of
from pipeline.store.revisions import Change
from pipeline.store.tables import Document, Notice

STILL: Literal["still"] = "still"
"""The channel of the worker itself: fetching the still before the bus forgets the frame."""


def key_of(incident: Incident, notice: Notice, target: str) -> str:
    """Return the idempotency key: one opening per target; updates and closings by their revision.

    It is the same after a restart or a replay, so a receiver that has seen it may drop the copy.
    """
    part = "opened" if notice == "opened" else f"{notice}-{incident.revision}"
    return f"{incident.id}:{part}:{target}"


def follow_up(incident: Incident, change: Change) -> Notice | None:
    """Return the notice that those get who already know of the opening; None when the opening says it all."""
    if change.effect == "opened":
        return "closed" if incident.state == "closed" else None
    return "closed" if change.effect == "closed" else "updated"


def notices(
    incident: Incident,
    change: Change,
    registry: Registry,
    targets: tuple[Target, ...],
    takes: Mapping[str, Set[Notice]],
    informed: Set[str],
) -> Iterator[Order]:
    """Yield the notices that a change makes.

    Args:
        incident: The record that made the change.
        change: What it did.
        registry: Names of cameras and kelurahan.
        targets: Whom to tell.
        takes: The notices that each channel sends.
        informed: Names of the targets that have an opening already; others get it first, whenever they join.
    """
    later = follow_up(incident, change)
    for target in targets:
        wanted: list[Notice] = [] if target.name in informed else ["opened"]
        if later is not None:
            wanted.append(later)
        for notice in wanted:
            if notice in takes.get(target.channel, frozenset()):
                key = key_of(incident, notice, target.name)
                content = payload(incident, notice, key, registry, target)
                yield Order(incident.id, incident.revision, notice, target.name, target.channel, key, content)


def stills(incident: Incident, change: Change) -> Iterator[Order]:
    """Yield the fetching of one still for each camera that came with this change, where the record names its frame."""
    frames: dict[str, FrameRef | None] = {witness.camera: witness.frame for witness in incident.witnesses}
    if frames.get(incident.camera) is None:
        frames[incident.camera] = incident.frame
    for camera in change.joined:
        frame = frames.get(camera)
        if frame is not None:
            content = {"camera": camera, "frame": frame.model_dump(mode="json"), "boxes": _boxes_on(incident, frame)}
            key = f"{incident.id}:still:{camera}"
            yield Order(incident.id, incident.revision, STILL, f"{STILL}:{camera}", STILL, key, content)


def _boxes_on(incident: Incident, frame: FrameRef) -> list[list[float]]:
    """Return the boxes of this very frame, 0..1: the desk draws them on the still, which later ones would not fit."""
    if frame == incident.frame and incident.boxes:
        return [list(detection.box) for detection in incident.boxes]
    return [list(seen.box) for seen in incident.witnesses if seen.frame == frame and seen.box is not None]


def payload(incident: Incident, notice: Notice, key: str, registry: Registry, target: Target) -> Document:
    """Return what the receiver gets: the incident as it stood, with the names of its camera and kelurahan."""
    place, _ = place_of(incident, registry)
    return payload_of(incident, place, notice, key, registry, target.name, target.reason)

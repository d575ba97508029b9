"""Who is told of an incident, by which channel, and why: pure, from the incident, the registry and the settings.

Whoever else is to be told plugs in here: each rule adds `Target`s with a reason of its own.
"""

from dataclasses import dataclass

from pipeline.bus.records import Incident
from pipeline.city.registry import Registry
from pipeline.ops.alert_targets import Reach
from pipeline.ops.sections import AlertSection
from pipeline.store.areas import covers

CITY_DESK = "kota"
"""The desk that gets what has no kelurahan."""


@dataclass(frozen=True)
class Target:
    """Somebody to tell: `name` is `channel:address`, unique in the city; `reason` says why in one line."""

    name: str
    channel: str
    reason: str


def place_of(incident: Incident, registry: Registry) -> tuple[str, str]:
    """Return the kelurahan code that decides who is told (empty when there is none), and where it comes from."""
    camera = registry.cameras.get(incident.camera)
    if camera is not None:
        return camera.kelurahan, f"kelurahan of camera {camera.id}"
    if incident.kelurahan:
        return incident.kelurahan, f"camera {incident.camera} is not in the registry; kelurahan of the record"
    return "", f"camera {incident.camera} is not in the registry and the record names no kelurahan"


def route(incident: Incident, registry: Registry, alert: AlertSection) -> tuple[Target, ...]:
    """Return everybody to tell; never empty: what has no kelurahan goes to the city's desk."""
    place, why = place_of(incident, registry)
    targets = [Target(f"desk:{place or CITY_DESK}", "desk", why)]
    for channel, reach in alert.named():
        matched = _matches(reach, incident, place)
        if matched is not None:
            targets.append(Target(f"{channel}:{reach.name}", channel, matched))
    return tuple(targets)


def _matches(reach: Reach, incident: Incident, place: str) -> str | None:
    """Return why this target is told, None when it is not."""
    if reach.kinds and incident.kind not in reach.kinds:
        return None
    kinds = f"kind {incident.kind}" if reach.kinds else "all kinds"
    if not reach.kelurahan:
        return f"{kinds}, all kelurahan"
    area = next((area for area in reach.kelurahan if covers(area, place)), None)
    return None if area is None else f"{kinds}, kelurahan within {area}"

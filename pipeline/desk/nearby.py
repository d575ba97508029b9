"""The cameras beside an incident: its witnesses, and the nearest others, with how far each stands from it. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pipeline.city.geo import distance_m
from pipeline.city.registry import Camera
from pipeline.desk.context import is_simulated, place_of
from pipeline.desk.words import decimal

MOST = 6
FARTHEST_M = 2000
"""What stands farther away than this shows nothing of the incident."""


@dataclass(frozen=True)
class Near:
    """A camera to look at: metres from the incident's own, `witness` where it saw the incident, too."""

    id: str
    name: str
    metres: float
    witness: bool
    simulated: bool

    def away(self, language: str) -> str:
        """Return the distance as people write it: `90 m`, `1,2 km`."""
        if self.metres < 1000:
            return f"{round(self.metres / 10) * 10:d} m"
        return f"{decimal(self.metres / 1000, language)} km"


def nearby(own: Camera | None, witnesses: Collection[str], cameras: Iterable[Camera]) -> list[Near]:
    """Return the cameras to look at, witnesses first, then by distance, `MOST` beside the witnesses.

    Args:
        own: The incident's own camera; without its place nothing has a distance, and the list is empty.
        witnesses: Ids of the cameras that saw the incident.
        cameras: Those that the reader may see.
    """
    if own is None:
        return []
    found = [
        Near(camera.id, place_of(camera), distance, camera.id in witnesses, is_simulated(camera))
        for camera in cameras
        if camera.id != own.id
        and ((distance := distance_m(own.lat, own.lng, camera.lat, camera.lng)) <= FARTHEST_M or camera.id in witnesses)
    ]
    found.sort(key=lambda near: (not near.witness, near.metres, near.id))
    return found[: MOST + sum(near.witness for near in found)]

"""Which kelurahan a place lies in: by its boundaries where the city has them, else by the nearest centroid."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import inf

import numpy as np

from pipeline.city.boundaries import Boundary, load_boundaries
from pipeline.city.registry import Kelurahan
from pipeline.ops.settings import Settings
from pipeline.siting.views import Floats, Plane


@dataclass(frozen=True)
class City:
    """The city's kelurahan; `boundaries` may be empty. `outside_m` bounds it where there are none."""

    kelurahan: Mapping[str, Kelurahan]
    boundaries: Mapping[str, Boundary] = field(default_factory=dict)
    outside_m: float = 4000

    @cached_property
    def plane(self) -> Plane:
        """A plane around the middle of the kelurahan."""
        places = list(self.kelurahan.values())
        return Plane(float(np.median([k.lat for k in places])), float(np.median([k.lng for k in places])))

    @cached_property
    def _codes(self) -> list[str]:
        return list(self.kelurahan)

    @cached_property
    def centroids(self) -> tuple[Floats, Floats]:
        """Centroids in metres on the plane, in the order of `kelurahan`."""
        places = self.kelurahan.values()
        return self.plane.metres([k.lat for k in places], [k.lng for k in places])

    def code_at(self, lat: float, lng: float) -> str | None:
        """Return the kelurahan of a place (degrees), None for a place outside the city."""
        (x,), (y,) = self.plane.metres([lat], [lng])
        away = np.hypot(self.centroids[0] - x, self.centroids[1] - y)
        order = np.argsort(away, kind="stable")
        if self.boundaries:
            for index in order:
                outline = self.boundaries.get(self._codes[index])
                if outline is not None and outline.holds(lat, lng):
                    return outline.code
            return None
        return self._codes[order[0]] if away[order[0]] <= self.outside_m else None

    def name(self, code: str) -> str:
        """Return the name of a kelurahan, or the code where it is not known."""
        return self.kelurahan[code].name if code in self.kelurahan else code

    def kota(self) -> dict[str, str]:
        """Return the kota by the first two parts of their code."""
        return {code[:5]: place.kota for code, place in sorted(self.kelurahan.items())}

    def areas(self) -> dict[str, list[str]]:
        """Return the codes of kelurahan by every area that holds them: kota, kecamatan and kelurahan."""
        found: dict[str, list[str]] = {}
        for code in sorted(self.kelurahan):
            for area in (code[:5], code[:8], code):
                found.setdefault(area, []).append(code)
        return found

    def nearest_m(self, lat: float, lng: float) -> float:
        """Return how far the nearest centroid is, m."""
        (x,), (y,) = self.plane.metres([lat], [lng])
        away = np.hypot(self.centroids[0] - x, self.centroids[1] - y)
        return float(away.min()) if away.size else inf


def city_of(settings: Settings, kelurahan: Mapping[str, Kelurahan]) -> City:
    """Return the city that the settings describe.

    Raises:
        ConfigError: The boundaries cannot be read.
    """
    boundaries: dict[str, Boundary] = {}
    if settings.city.boundaries:
        names = {code: place.name for code, place in kelurahan.items()}
        boundaries = load_boundaries(settings.registry_path(settings.city.boundaries), names)
    return City(kelurahan, boundaries, settings.siting.outside_m)

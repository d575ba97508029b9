"""What is known before a plan is made: the points, what cameras see of them, and their weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pipeline.ops.siting_section import SitingSection
from pipeline.siting.availability import Availability
from pipeline.siting.coverage import IdleCamera, Sight, idle_cameras, look, over_own_hours
from pipeline.siting.demand import Demand, Spot, Weighted, weigh
from pipeline.siting.places import City
from pipeline.siting.views import Floats, View


@dataclass(frozen=True)
class Inputs:
    """All that a study reads. `worth` counts confirmed incidents by camera; `live` holds every view's availability.

    `notes` are things a reader should know of the data, in Bahasa Indonesia.
    """

    city: City
    siting: SitingSection
    views: tuple[View, ...]
    live: Mapping[str, Availability]
    spots: tuple[Spot, ...]
    worth: Mapping[str, int]
    now_ms: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Study:
    """The inputs with what follows from them, worked out once."""

    inputs: Inputs

    @property
    def siting(self) -> SitingSection:
        """The settings."""
        return self.inputs.siting

    @cached_property
    def demand(self) -> Demand:
        """The points of need on the city's plane."""
        return Demand(self.inputs.spots, self.inputs.city.plane)

    @cached_property
    def sight(self) -> Sight:
        """What today's cameras see of the points."""
        return look(self.inputs.views, self.inputs.live, self.demand)

    @cached_property
    def weighted(self) -> Weighted:
        """Weights of the points, in needs."""
        return self.weighted_by(self.siting)

    def weighted_by(self, siting: SitingSection) -> Weighted:
        """Return the weights under other settings."""
        return weigh(self.demand, siting.weights, self.sight.share, self.inputs.now_ms, siting.merge_radius_m)

    @property
    def weight(self) -> Floats:
        """Weight of each point, in needs."""
        return self.weighted.weight

    @cached_property
    def idle(self) -> list[IdleCamera]:
        """Cameras that never gave a verdict worth having, those that would be missed least first."""
        return idle_cameras(self.inputs.views, self.inputs.live, self.sight, self.weight, self.inputs.worth)

    def share_without(self, cameras: Sequence[str]) -> Floats:
        """Return what the other cameras see of each point, 0..1."""
        gone = set(cameras)
        if not gone:
            return self.sight.share
        hourly = np.zeros_like(self.sight.hourly)
        for view, points in zip(self.inputs.views, self.sight.by_camera, strict=True):
            if view.id not in gone:
                hourly[points] = np.maximum(hourly[points], np.array(self.inputs.live[view.id].shares))
        return over_own_hours(hourly, self.demand)

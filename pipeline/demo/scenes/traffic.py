"""Who moves where: every path repeats after `LOOP_S`, so that a looped programme has no seam in its traffic."""

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.demo.scenes.mesh import Pose

LOOP_S = 30.0
"""Length of the quiet programme in s; all traffic repeats after it."""
AWAY, HERE, RIGHT, LEFT = 0.0, math.pi, math.pi / 2, -math.pi / 2

Path = Callable[[float], Pose | None]
"""Place of an actor at a second of the programme; None while it is not in the scene."""


@dataclass(frozen=True)
class Actor:
    """Something that moves: a kind of `vehicles.BODY` or `person`, its looks, and whether its lamps are on."""

    kind: str
    choice: int
    path: Path
    lamps: bool = True
    phase: float = 0.0
    walks: bool = True


def lane(x: float, heading: float, speed: float, start_m: float, near_z: float = 1.0, far_z: float = 150.0) -> Path:
    """Along the street at a steady `speed` (m/s); `start_m` is how far on its way a vehicle is at second 0.

    A vehicle passes once a loop; a slow one comes no further than it gets in that time.
    """
    span = speed * LOOP_S
    end_z = min(far_z, near_z + span)

    def at(second: float) -> Pose | None:
        gone = (start_m + speed * second) % span
        z = near_z + gone if heading == AWAY else end_z - gone
        sway = 0.12 * math.sin(2 * math.pi * second / LOOP_S * 3 + start_m)
        return Pose(x + sway, z, heading) if near_z <= z <= end_z else None

    return at


def timed(points: list[tuple[float, float, float]], heading: float) -> Path:
    """Through (second, x, z) in order, gently braking and starting at each; out of the scene before and after."""
    seconds = [point[0] for point in points]

    def at(second: float) -> Pose | None:
        second %= LOOP_S
        if not seconds[0] <= second <= seconds[-1]:
            return None
        index = min(bisect_right(seconds, second) - 1, len(points) - 2)
        (t0, x0, z0), (t1, x1, z1) = points[index], points[index + 1]
        share = (second - t0) / (t1 - t0)
        # Only a stop at an end of a leg bends the motion: the first leg brakes, the last one gathers speed.
        if index == 0:
            share = 1 - (1 - share) ** 2
        elif index == len(points) - 2:
            share = share**2
        return Pose(x0 + (x1 - x0) * share, z0 + (z1 - z0) * share, heading)

    return at


def stroll(x0: float, z0: float, x1: float, z1: float, phase: float, turns: int = 1) -> Path:
    """A walk there and back, `turns` times a loop."""

    def at(second: float) -> Pose | None:
        share = (second / LOOP_S * turns + phase) % 1
        back = share > 0.5
        place = 2 - 2 * share if back else 2 * share
        heading = math.atan2(x1 - x0, z1 - z0) + (math.pi if back else 0)
        return Pose(x0 + (x1 - x0) * place, z0 + (z1 - z0) * place, heading)

    return at


def still(x: float, z: float, heading: float = HERE) -> Path:
    """Stays where it is: a parked vehicle, somebody who waits."""
    pose = Pose(x, z, heading)
    return lambda second: pose

"""Light: what the sky gives, what lamps add, and the haze between camera and thing."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pipeline.demo.scenes.canvas import FAR_M, Canvas, Vector
from pipeline.demo.scenes.optics import Floats, Image
from pipeline.demo.scenes.sprites import glow


@dataclass(frozen=True)
class Lamp:
    """A lamp at a place in m: colour (BGR, 1 = as bright as day) and the distance at which it is down to a quarter."""

    x: float
    y: float
    z: float
    colour: Vector = (0.55, 0.8, 1.0)
    reach: float = 5.0


@dataclass(frozen=True)
class Lighting:
    """All light of a scene: `ambient` (BGR, 1 = day), lamps, and haze of a colour that halves contrast at `haze_m`."""

    ambient: Vector = (1.0, 1.0, 1.0)
    lamps: tuple[Lamp, ...] = ()
    haze: Vector = (200.0, 195.0, 190.0)
    haze_m: float = 400.0

    def at(self, where: Floats) -> Floats:
        """Light (BGR factors) at places of shape (..., 3)."""
        total = np.broadcast_to(np.array(self.ambient, np.float32), where.shape).copy()
        for lamp in self.lamps:
            gap = where - np.array([lamp.x, lamp.y, lamp.z], np.float32)
            square = np.einsum("...i,...i->...", gap, gap)
            # Street lamps shine downwards: what lies above them gets little.
            below = np.clip(0.25 - gap[..., 1] / 4, 0.08, 1)
            total += (below / (1 + square / lamp.reach**2) ** 2)[..., None] * np.array(lamp.colour, np.float32)
        return total

    def at_point(self, x: float, y: float, z: float) -> Floats:
        """Light (BGR factors) at one place, as `at`."""
        if not self.lamps:
            return np.array(self.ambient, np.float32)
        places, colours, reach = self._table
        gap = np.array([x, y, z], np.float32) - places
        share = np.clip(0.25 - gap[:, 1] / 4, 0.08, 1) / (1 + np.einsum("ij,ij->i", gap, gap) / reach) ** 2
        return np.asarray(np.array(self.ambient, np.float32) + share @ colours, np.float32)

    @cached_property
    def _table(self) -> tuple[Floats, Floats, Floats]:
        """Places (n, 3), colours (n, 3) and squared reaches (n,) of the lamps."""
        places = np.array([(lamp.x, lamp.y, lamp.z) for lamp in self.lamps], np.float32)
        colours = np.array([lamp.colour for lamp in self.lamps], np.float32)
        return places, colours, np.array([lamp.reach**2 for lamp in self.lamps], np.float32)

    def mist(self, depth: Floats) -> Floats:
        """Share of haze (0..1) in front of things at `depth` m."""
        return np.asarray(1 - np.exp2(-depth / self.haze_m), np.float32)

    def develop(self, canvas: Canvas) -> Image:
        """The picture of a still scene under this light, uint8 BGR."""
        picture = canvas.colour * self.at(canvas.place) + canvas.light
        solid = canvas.depth < FAR_M
        share = np.where(solid, self.mist(canvas.depth), 0)[..., None]
        picture = picture * (1 - share) + np.array(self.haze, np.float32) * share
        return soft_clip(picture)

    def flares(self, picture: Image, canvas: Canvas, wet: bool) -> None:
        """The lamps themselves as the lens sees them, and on a `wet` road their mirror images, in place."""
        camera = canvas.camera
        for lamp in self.lamps:
            x, y, depth = camera.spot(lamp.x, lamp.y, lamp.z)
            inside = 0 <= x < picture.shape[1] and 0 <= y < picture.shape[0]
            if depth < 1 or not inside or canvas.depth[int(y), int(x)] < depth - 0.8:
                continue
            b, g, r = (255 * v / max(lamp.colour) for v in lamp.colour)
            size = min(140.0, camera.focal / depth * 1.1)
            glow(picture, x, y, size, (b, g, r))
            if wet:
                low = camera.spot(lamp.x, -lamp.y, lamp.z)
                glow(picture, low[0], low[1], size * 0.5, (b * 0.55, g * 0.55, r * 0.55), 5.0)


def soft_clip(picture: Floats) -> Image:
    """Bright parts roll off towards white, as a sensor's do, instead of breaking off."""
    over = np.maximum(picture - 200, 0)
    return np.asarray(np.clip(np.minimum(picture, 200) + 55 * (1 - np.exp(-over / 55)), 0, 255), np.uint8)

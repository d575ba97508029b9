"""The six places: what stands there, who passes, in which light."""

from collections.abc import Sequence

import numpy as np

from pipeline.demo.scenes.canvas import Canvas, Vector
from pipeline.demo.scenes.fire import Fire, Outbreak
from pipeline.demo.scenes.lamps import Lamp, Lighting
from pipeline.demo.scenes.optics import Pinhole
from pipeline.demo.scenes.rain import Rain
from pipeline.demo.scenes.scene import Scene
from pipeline.demo.scenes.smoke import Smoke
from pipeline.demo.scenes.stalls import laundry, stall, umbrella
from pipeline.demo.scenes.streets import Road, Row, cables, houses, poles, skyline, trees
from pipeline.demo.scenes.traffic import AWAY, HERE, LEFT, RIGHT, Actor, lane, still, stroll, timed

HOUR = 3600


def _lanes(seed: int, lanes: Sequence[tuple[float, float, float]], kinds: Sequence[str], every_m: float) -> list[Actor]:
    """Vehicles in lanes (x, heading, speed in m/s), one about every `every_m`, repeating with the loop."""
    rng = np.random.default_rng(seed)
    actors = []
    for x, heading, speed in lanes:
        span, at = speed * 30.0, float(rng.uniform(0, every_m))
        while at < span - 13:
            kind = str(rng.choice(kinds))
            aside = float(rng.uniform(-0.9, 0.9)) if kind == "bike" else 0.0
            actors.append(Actor(kind, int(rng.integers(100)), lane(x + aside, heading, speed, at)))
            at += (6 if kind == "bike" else 13) + float(rng.exponential(every_m))
    return actors


def _walkers(seed: int, count: int, xs: tuple[float, float], zs: tuple[float, float], both: bool = True) -> list[Actor]:
    """People who stroll along both pavements at x in `xs` (mirrored when `both`), between depths `zs`."""
    rng = np.random.default_rng(seed)
    actors = []
    for index in range(count):
        side = -1 if both and index % 2 else 1
        x0, x1 = side * rng.uniform(*xs), side * rng.uniform(*xs)
        z0 = float(rng.uniform(zs[0], zs[1] - 16))
        path = stroll(float(x0), z0, float(x1), z0 + float(rng.uniform(10, 17)), float(rng.random()))
        actors.append(Actor("person", int(rng.integers(100)), path, phase=float(rng.uniform(0, 6))))
    return actors


def day_street(outbreak: Outbreak | None = None) -> Scene:
    """A four-lane street in the morning sun."""
    canvas = Canvas(Pinhole(x=-1, y=6.4, pitch=14, yaw=3, focal=1050), sun=(-0.7, 0.6, -0.4))
    canvas.sky((210, 170, 125), (230, 220, 208))
    canvas.ground(Road(shadow=3.4).paint())
    houses(canvas, Row(-1, 9.2, (-2, 125), seed=3))
    houses(canvas, Row(1, 9.2, (-2, 125), (6.5, 10), seed=14))
    trees(canvas, [(-8.2, 17), (-8.2, 33), (8.3, 25), (8.3, 47), (-8.2, 62), (8.3, 70)])
    poles(canvas, 8.7, [12, 34, 56, 78])
    cables(canvas, 8.7, [-10, 12, 34, 56, 78, 100])
    skyline(canvas, 5, (208, 198, 188))
    kinds = ["car", "car", "bike", "bike", "bike", "sedan", "angkot", "bus", "truck"]
    lanes = [(-1.7, AWAY, 11.0), (-4.8, AWAY, 8.0), (1.7, HERE, 11.0), (4.8, HERE, 8.0)]
    actors = _lanes(8, lanes, kinds, 11) + _walkers(9, 12, (7.0, 8.4), (9, 60))
    return Scene(canvas, Lighting(haze_m=320), actors, "KAM-02 JL. KRAMAT RAYA", 7 * HOUR + 1260)


def _street_lamps(x: float, every_m: float, first_m: float, colour: Vector, reach: float = 6.0) -> tuple[Lamp, ...]:
    """Lamps on both sides of a street."""
    depths = np.arange(first_m, 110, every_m)
    return tuple(Lamp(side * x, 7.1, float(z) + 0.2, colour, reach) for z in depths for side in (-1, 1))


def _night(canvas: Canvas, seed: int) -> None:
    """A street with lit windows and lamp posts, without its light."""
    canvas.sky((38, 24, 18), (62, 46, 40))
    houses(canvas, Row(-1, 9.2, (-2, 125), lit=0.4, seed=seed))
    houses(canvas, Row(1, 9.2, (-2, 125), lit=0.4, seed=seed + 1))
    trees(canvas, [(-8.3, 26), (8.3, 40), (-8.3, 66)])
    for side in (-1, 1):
        poles(canvas, side * 8.4, [16, 38, 60, 82, 104], arm=2.4)
    skyline(canvas, seed, (58, 44, 38), lit=0.5)


def night_street(outbreak: Outbreak | None = None) -> Scene:
    """The same kind of street at night: sodium lamps, headlights, lit windows."""
    canvas = Canvas(Pinhole(x=1.2, y=6.2, pitch=13, yaw=-3, focal=1000))
    canvas.ground(Road(seed=4).paint())
    _night(canvas, 21)
    lighting = Lighting((0.13, 0.1, 0.09), _street_lamps(6.0, 22, 16, (0.62, 1.2, 1.6), 8.5), (44, 33, 30), 260)
    lanes = [(-1.7, AWAY, 12.0), (-4.8, AWAY, 9.0), (1.7, HERE, 12.0), (4.8, HERE, 9.0)]
    actors = _lanes(5, lanes, ["car", "car", "bike", "bike", "sedan", "angkot", "truck"], 13)
    actors += _walkers(6, 8, (7.0, 8.4), (9, 50))
    return Scene(canvas, lighting, actors, "KAM-03 JL. JATINEGARA BARAT", 21 * HOUR + 2460, night=True, grain=5.0)


def rainy_street(outbreak: Outbreak | None = None) -> Scene:
    """A night of heavy rain: a wet road that mirrors lamps, streaks before the lens."""
    canvas = Canvas(Pinhole(x=-1.5, y=5.6, pitch=12, yaw=2, focal=950))
    canvas.ground(Road(surface=(66, 64, 62), seed=6).paint())
    _night(canvas, 31)
    lighting = Lighting((0.17, 0.14, 0.12), _street_lamps(6.0, 22, 16, (1.0, 1.12, 1.18), 8.5), (58, 50, 46), 90)
    lanes = [(-1.7, AWAY, 8.0), (-4.8, AWAY, 7.0), (1.7, HERE, 8.0), (4.8, HERE, 7.0)]
    actors = _lanes(15, lanes, ["car", "car", "bike", "sedan", "bus", "angkot"], 14)
    horizon = int(canvas.camera.spot(0, 5.6, 1e5)[1])
    return Scene(
        canvas, lighting, actors, "KAM-04 JL. GUNUNG SAHARI", 19 * HOUR + 960, night=True, wet=True, grain=5.0,
        effects=[lambda scene: Rain(horizon)],
    )  # fmt: skip


def market(outbreak: Outbreak | None = None) -> Scene:
    """A market lane in the late afternoon: stalls under cloths and umbrellas, and a crowd."""
    canvas = Canvas(Pinhole(x=0.4, y=5.2, pitch=16, yaw=-2, focal=960), sun=(0.6, 0.6, -0.3))
    canvas.sky((200, 175, 150), (215, 215, 215))
    canvas.ground(Road(half=4.0, kerb=3.5, lanes=1, surface=(128, 134, 140), seed=8).paint())
    houses(canvas, Row(-1, 7.6, (-2, 90), (6, 10), seed=41))
    houses(canvas, Row(1, 7.6, (-2, 90), (6, 10), seed=42))
    for index, z in enumerate(np.arange(6.0, 58.0, 4.2)):
        stall(canvas, -4.6, float(z), index)
        if index % 3 == 1:
            umbrella(canvas, 4.7, float(z) + 1, index)
        else:
            stall(canvas, 4.6, float(z) + 1.5, index + 5)
    trees(canvas, [(-6.9, 30), (6.9, 44)], height=7.5)
    cables(canvas, -7.0, [-6, 16, 38, 60], height=6.5, count=4)
    skyline(canvas, 9, (205, 198, 190))
    actors = _walkers(12, 26, (0.2, 3.3), (6, 60)) + _walkers(13, 6, (3.4, 3.9), (8, 50))
    actors += [Actor("bike", 3, lane(0.3, AWAY, 3.0, 20.0)), Actor("bike", 6, lane(-0.9, HERE, 3.0, 70.0))]
    for index, z in enumerate((9.5, 14.0, 22.5, 31.0)):
        side = 1 if index % 2 else -1
        actors.append(Actor("person", 7 * index + 2, still(5.6 * side, z), walks=False))
    return Scene(canvas, Lighting((0.93, 0.98, 1.03), haze_m=300), actors, "KAM-05 PASAR", 16 * HOUR + 480)


def crossing(outbreak: Outbreak | None = None) -> Scene:
    """A crossing under a grey sky: two directions take turns, people use the zebra."""
    canvas = Canvas(Pinhole(x=-4.5, y=8.0, pitch=18, yaw=9, focal=900))
    canvas.sky((205, 195, 185), (225, 222, 220))
    canvas.ground(Road(cross=(26.0, 38.0), seed=9).paint())
    houses(canvas, Row(-1, 9.6, (-2, 22), seed=51))
    houses(canvas, Row(1, 9.6, (-2, 22), (5, 8), seed=52))
    houses(canvas, Row(-1, 9.6, (42, 120), (7, 14), seed=53))
    houses(canvas, Row(1, 9.6, (42, 120), (7, 14), seed=54))
    trees(canvas, [(8.6, 44), (-8.6, 46), (8.6, 14)], height=6.0)
    poles(canvas, 8.2, [24], 5.5, arm=3.0)
    poles(canvas, -8.2, [40.5], 5.5, arm=3.0)
    skyline(canvas, 15, (212, 205, 200))
    lighting = Lighting((0.95, 0.93, 0.92), haze_m=240)
    return Scene(canvas, lighting, _crossing_actors(), "KAM-06 SIMPANG TEBET", 8 * HOUR + 2820)


def _crossing_actors() -> list[Actor]:
    """Straight traffic flows from second 15, cross traffic before; the zebra is used while the road waits."""
    kinds = ["car", "bike", "sedan", "angkot", "car", "bike", "truck", "bike"]
    actors = []
    for row, x in enumerate((-1.7, -4.8)):
        for place in range(4):
            stop, go = 19.0 - place * 5.6, 14.5 + place * 0.9
            points = [(2.0 + place * 0.8, x, stop - 45), (8.0 + place, x, stop), (go, x, stop), (go + 9, x, stop + 95)]
            actors.append(Actor(kinds[(row * 3 + place) % 8], row * 4 + place, timed(points, AWAY)))
    for row, x in enumerate((1.7, 4.8)):
        for place in range(3):
            stop, go = 45.0 + place * 5.6, 14.8 + place * 0.9
            points = [(1.0 + place, x, stop + 60), (8.5 + place, x, stop), (go, x, stop), (go + 8, x, stop - 62)]
            actors.append(Actor(kinds[(row * 5 + place + 2) % 8], 9 + row * 4 + place, timed(points, HERE)))
    for index in range(5):
        start = 0.5 + index * 1.9
        way, z = (RIGHT, 29.0) if index % 2 else (LEFT, 35.0)
        sign = 1 if way == RIGHT else -1
        leg = [(start, -38.0 * sign, z), (start + 3.4, 0.0, z), (start + 6.9, 38.0 * sign, z)]
        actors.append(Actor(kinds[index], 30 + index, timed(leg, way)))
    for index in range(7):
        leg = [(1.5 + index * 0.7, -8.3, 23.4), (6.5 + index * 0.6, 0.0, 23.6), (11.5 + index * 0.5, 8.3, 23.4)]
        path = timed(leg if index % 2 else [(t, -x, z + 0.5) for t, x, z in leg], RIGHT if index % 2 else LEFT)
        actors.append(Actor("person", index * 3 + 1, path, phase=index))
    return actors + _walkers(17, 6, (7.2, 8.4), (8, 30))


def alley(outbreak: Outbreak | None = None) -> Scene:
    """A narrow lane of a kampung at dusk; the place of the fire when there is an `outbreak`."""
    canvas = Canvas(Pinhole(x=-0.6, y=4.8, pitch=15, yaw=3, focal=960))
    canvas.sky((150, 110, 90), (165, 160, 175))
    canvas.ground(Road(half=1.9, kerb=0.9, lanes=1, surface=(125, 128, 130), seed=10).plain())
    houses(canvas, Row(-1, 2.9, (-1, 70), (3.0, 5.6), (4.0, 7.0), lit=0.35, seed=61))
    houses(canvas, Row(1, 2.9, (-1, 70), (3.0, 5.6), (4.0, 7.0), lit=0.35, seed=64))
    trees(canvas, [(-2.6, 19), (2.7, 31)], height=4.2, palm=True)
    trees(canvas, [(-5.5, 34), (6.0, 48)], height=9.0)
    poles(canvas, -2.45, [11, 29, 47], 6.2)
    cables(canvas, -2.45, [-6, 11, 29, 47, 66], height=6.0, count=7)
    stall(canvas, 1.85, 12.6, 4)
    laundry(canvas, (-2.7, 4.1, 15.5), (2.7, 4.3, 16.5))
    skyline(canvas, 19, (150, 140, 145), lit=0.15)
    lamps = tuple(Lamp(-2.0, 4.6, z, (0.5, 0.75, 0.9), 5.5) for z in (11.2, 29.2, 47.2))
    lighting = Lighting((0.66, 0.54, 0.5), lamps, (150, 140, 145), 160)
    actors = _walkers(22, 5, (0.1, 1.2), (6, 45)) + _walkers(23, 2, (1.4, 1.6), (20, 60))
    actors += [Actor("bike", 4, lane(0.5, AWAY, 4.0, 30.0), lamps=False), Actor("bike", 9, lane(-0.7, HERE, 4.0, 80.0))]
    for choice, x, z, heading in ((2, -1.75, 10.0, AWAY), (5, 1.7, 20.5, HERE)):
        actors.append(Actor("bike", choice, still(x, z, heading), lamps=False))
    actors += [Actor("person", 11, still(-1.9, 17.0, RIGHT), walks=False)]
    scene = Scene(canvas, lighting, actors, "KAM-01 GANG MAWAR", 17 * HOUR + 3240, night=True, grain=4.0)
    if outbreak is not None:
        scene.effects = [lambda made: Smoke(made.canvas, outbreak), lambda made: Fire(made.canvas, outbreak)]
    return scene

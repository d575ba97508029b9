"""The vehicles of a Jakarta street as meshes: MPV, sedan, angkot, bus, truck, motorcycle with rider, bajaj."""

from functools import cache

from pipeline.demo.scenes.canvas import Vector
from pipeline.demo.scenes.mesh import Face, Mesh, extrude, sides, upright, wheel

Profile = list[tuple[float, float]]

PAINTS: dict[str, Vector] = {
    "glass": (70.0, 60.0, 50.0),
    "tyre": (28.0, 28.0, 28.0),
    "trim": (60.0, 60.0, 60.0),
    "head": (250.0, 225.0, 195.0),
    "tail": (40.0, 40.0, 165.0),
    "plate": (45.0, 45.0, 45.0),
    "skin": (95.0, 125.0, 165.0),
    "helmet": (70.0, 70.0, 75.0),
    "cloth": (110.0, 80.0, 70.0),
    "roof": (60.0, 110.0, 190.0),
}
BODY: dict[str, tuple[Vector, ...]] = {
    "car": (
        (205, 205, 205),
        (60, 60, 62),
        (150, 150, 155),
        (140, 60, 40),
        (40, 40, 130),
        (215, 220, 222),
        (30, 30, 32),
    ),
    "sedan": ((205, 205, 205), (50, 50, 52), (120, 120, 125), (90, 50, 30), (190, 195, 196)),
    "angkot": ((190, 150, 60), (190, 150, 60), (80, 150, 70)),
    "bus": ((160, 95, 45), (195, 195, 190)),
    "truck": ((150, 130, 95), (90, 130, 90), (185, 185, 185)),
    "bike": ((45, 45, 45), (95, 60, 45), (140, 70, 40), (200, 200, 200)),
    "bajaj": ((185, 110, 40),),
}


def _lamps(half: float, height: float, front: float, rear: float) -> tuple[list[Face], dict[str, tuple[Vector, ...]]]:
    """Faces and places of the lamps of a vehicle with four wheels."""
    faces = []
    for sign in (-1, 1):
        inner, outer = sign * (half - 0.38), sign * (half - 0.05)
        for z, material in ((front + 0.02, "head"), (rear - 0.02, "tail")):
            faces.append(upright((inner, outer), (height, height + 0.17), (z, z), material))
    spots = {
        "head": tuple((sign * (half - 0.2), height + 0.08, front + 0.05) for sign in (-1, 1)),
        "tail": tuple((sign * (half - 0.2), height + 0.08, rear - 0.05) for sign in (-1, 1)),
    }
    return faces, spots


def _road_vehicle(body: Profile, cabin: Profile, half: float, top: float, glass: tuple[str, ...], tyre: float) -> Mesh:
    """A body with a glazed cabin on it: side views from rear to front, half widths below and on the roof."""
    rear, front = body[0][0], body[-1][0]
    faces = sides(body, [half] * len(body), "body") + sides(cabin, [half, top, top, half], "glass")
    skin = [p for p in body if p[1] > 0.5]
    faces += extrude([body[0], skin[0]], [half, half], ["body"]) + extrude([skin[-1], body[-1]], [half, half], ["body"])
    faces += extrude(skin[:2], [half, half], ["body"]) + extrude(skin[-2:], [half, half], ["body"])
    faces += extrude(cabin, [half, top, top, half], glass)
    lamps, spots = _lamps(half, 0.62, front, rear)
    faces += wheel(rear + 0.75, tyre, half + 0.01) + wheel(front - 0.8, tyre, half + 0.01) + lamps
    faces.append(upright((-0.3, 0.3), (0.42, 0.55), (rear - 0.03, rear - 0.03), "plate"))
    return Mesh(tuple(faces), (front - rear, 2 * half), spots["head"], spots["tail"])


def _box_vehicle(
    length: float, half: float, height: float, bands: tuple[tuple[float, float], ...], tyre: float
) -> Mesh:
    """A box on wheels with bands of windows (from, to in m of height) around it."""
    rear, front = -length / 2, length / 2
    outline = [(rear, 0.4), (rear, height), (front - 0.25, height), (front, 0.4)]
    faces = sides(outline, [half] * 4, "body") + extrude(outline, [half] * 4, ["body", "top", "body"])
    for low, high in bands:
        slope = 0.25 * (low - 0.4) / (height - 0.4), 0.25 * (high - 0.4) / (height - 0.4)
        window = [(rear + 0.3, low), (rear + 0.3, high), (front - 0.5, high), (front - 0.5, low)]
        faces += sides(window, [half + 0.02] * 4, "glass")
        w = half - 0.12
        faces.append(upright((-w, w), (low, high), (rear - 0.02, rear - 0.02), "glass"))
        f0, f1 = front - slope[0] + 0.02, front - slope[1] + 0.02
        faces.append(upright((-w, w), (low, high), (f0, f1), "glass"))
    lamps, spots = _lamps(half, 0.6, front, rear)
    faces += wheel(rear + length * 0.2, tyre, half + 0.01) + wheel(front - length * 0.2, tyre, half + 0.01) + lamps
    return Mesh(tuple(faces), (length, 2 * half), spots["head"], spots["tail"])


def _bike() -> Mesh:
    """A motorcycle with a rider in a helmet."""
    faces = sides([(-0.95, 0.75), (-0.3, 0.85), (0.5, 0.95), (0.75, 0.6), (0.2, 0.3), (-0.6, 0.35)], [0.17] * 6, "body")
    faces += wheel(-0.62, 0.3, 0.06) + wheel(0.65, 0.3, 0.06)
    faces += extrude([(0.75, 0.6), (0.5, 0.95), (-0.3, 0.85), (-0.95, 0.75), (-0.9, 0.5)], [0.15] * 5, ["body"] * 4)
    torso = [(-0.4, 0.85), (-0.32, 1.42), (0.02, 1.46), (0.05, 0.9)]
    faces += sides(torso, [0.2, 0.24, 0.24, 0.18], "cloth") + extrude(torso, [0.2, 0.24, 0.24, 0.18], ["cloth"] * 3)
    arm = [(-0.1, 1.35), (0.0, 1.42), (0.5, 1.08), (0.45, 1.0)]
    faces += sides(arm, [0.3] * 4, "cloth")
    leg = [(-0.25, 0.95), (0.2, 0.85), (0.15, 0.35), (-0.02, 0.35)]
    faces += sides(leg, [0.27] * 4, "trim")
    head = [(-0.28, 1.46), (-0.3, 1.72), (-0.12, 1.82), (0.06, 1.74), (0.07, 1.5)]
    faces += sides(head, [0.12, 0.14, 0.1, 0.14, 0.12], "helmet")
    faces += extrude(head, [0.12, 0.14, 0.1, 0.14, 0.12], ["helmet", "helmet", "helmet", "glass"])
    lamp = upright((-0.08, 0.08), (0.85, 1.0), (0.72, 0.66), "head")
    rear = upright((-0.07, 0.07), (0.7, 0.8), (-0.97, -0.97), "tail")
    return Mesh((*faces, lamp, rear), (2.0, 0.55), ((0.0, 0.92, 0.75),), ((0.0, 0.75, -1.0),))


@cache
def mesh(kind: str) -> Mesh:
    """The mesh of a kind of `BODY`."""
    body: Profile
    if kind == "car":
        body = [(-2.15, 0.3), (-2.15, 0.95), (-2.0, 1.05), (1.15, 1.05), (1.95, 0.9), (2.15, 0.3)]
        cabin = [(-2.0, 1.05), (-1.75, 1.68), (0.35, 1.68), (1.2, 1.05)]
        return _road_vehicle(body, cabin, 0.86, 0.7, ("glass", "top", "glass"), 0.33)
    if kind == "sedan":
        body = [(-2.25, 0.28), (-2.25, 0.85), (-1.45, 0.95), (0.85, 0.92), (2.05, 0.8), (2.25, 0.28)]
        cabin = [(-1.7, 0.93), (-0.95, 1.42), (0.15, 1.42), (1.0, 0.92)]
        return _road_vehicle(body, cabin, 0.88, 0.66, ("glass", "top", "glass"), 0.32)
    if kind == "angkot":
        return _box_vehicle(3.9, 0.78, 1.85, ((1.05, 1.6),), 0.3)
    if kind == "bus":
        return _box_vehicle(11.5, 1.25, 3.2, ((1.35, 2.5),), 0.5)
    if kind == "truck":
        return _box_vehicle(6.2, 1.0, 2.7, ((1.5, 2.0),), 0.42)
    if kind == "bajaj":
        return _box_vehicle(2.6, 0.62, 1.7, ((0.85, 1.4),), 0.24)
    return _bike()


def paints(kind: str, choice: int) -> dict[str, Vector]:
    """Colours of one vehicle; `choice` picks the paint and the rider's clothes."""
    body = BODY[kind][choice % len(BODY[kind])]
    cloth = ((110, 80, 70), (60, 130, 50), (60, 60, 60), (150, 150, 150), (120, 95, 85))[choice % 5]
    helmet = ((40, 40, 40), (60, 150, 60), (190, 190, 190), (130, 80, 50))[choice % 4]
    top = (body[0] * 0.95 + 10, body[1] * 0.95 + 10, body[2] * 0.95 + 10)
    return PAINTS | {"body": body, "top": top, "cloth": cloth, "helmet": helmet}

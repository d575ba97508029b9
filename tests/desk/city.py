"""A world of real size for maps and plans: the 267 kelurahan with their boundaries, and cameras spread over them."""

import random
from pathlib import Path

from pipeline.city.boundaries import GRID, load_boundaries
from pipeline.city.registry import CATEGORIES, Camera, Registry, load_kelurahan
from pipeline.desk.identity import Role
from pipeline.ops.clock import now_ms
from pipeline.store import people
from tests.desk.world import HASH, World

REPO = Path(__file__).resolve().parents[2]
WARDS = REPO / "configs" / "kelurahan.csv"


def jakarta(folder: Path, boundaries: Path | None, cameras: int = 300, seed: int = 7) -> World:
    """Build Jakarta with cameras at random places within its kelurahan; one in twenty is lost."""
    world, draw = World.build(folder), random.Random(seed)
    wards = load_kelurahan(WARDS)
    outlines = load_boundaries(boundaries, {code: ward.name for code, ward in wards.items()}) if boundaries else {}
    codes = sorted(code for code in wards if not code.startswith("31.01"))
    spread = []
    for number in range(cameras):
        ward = wards[draw.choice(codes)]
        lat, lng = ward.lat, ward.lng
        if ward.code in outlines:
            west, south, east, north = outlines[ward.code].box
            places = ((draw.uniform(south, north) / GRID, draw.uniform(west, east) / GRID) for _ in range(200))
            lat, lng = next((place for place in places if outlines[ward.code].holds(*place)), (lat, lng))
        kinds = tuple(draw.sample(CATEGORIES, draw.choice((0, 1, 1, 2))))
        name = f"SIMULASI Jl. {ward.name} {number}"
        spread.append(Camera(f"cam-{number:04}", name, "", ward.code, lat, lng, kinds, "SIMULASI"))
    world.registry = Registry({camera.id: camera for camera in spread}, wards)
    city = world.settings.city.model_copy(update={"boundaries": str(boundaries) if boundaries else ""})
    world.settings = world.settings.model_copy(update={"city": city})
    for number, camera in enumerate(spread):
        world.camera(camera.id, "lost" if number % 20 == 0 else "live", "timeout" if number % 20 == 0 else "")
    return world


def add_person(world: World, name: str, role: Role, areas: list[str]) -> None:
    """Let somebody else sign in."""
    with world.database.session() as session:
        people.add_user(session, name, HASH, role, areas, now_ms())

"""The six simulated cameras of `make run`, and the one fire that breaks out before one of them."""

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.demo.scenes import places
from pipeline.demo.scenes.fire import Outbreak
from pipeline.demo.scenes.scene import Scene
from pipeline.demo.scenes.traffic import LOOP_S

FIRE_START_S = 30.0
"""Second of the first programme of `FIRE_CAMERA` at which the fire breaks out."""
FIRE_END_S = 82.0
"""Second at which the last flame is out."""
PROGRAMME_S = 3 * LOOP_S
"""Length of the first programme; after it the quiet programme of `LOOP_S` is looped, in which nothing burns."""
FIRE_CAMERA = "gang-mawar"

OUTBREAK = Outbreak(x=2.3, y=0.35, z=13.6, width=2.7, height=3.5, start_s=FIRE_START_S, end_s=FIRE_END_S)


@dataclass(frozen=True)
class Spot:
    """Where a camera is said to stand: kelurahan (Kemendagri code), latitude and longitude in degrees."""

    kelurahan: str
    lat: float
    lng: float


@dataclass(frozen=True)
class Simulated:
    """One simulated camera: `build(outbreak)` makes its scene; only `FIRE_CAMERA` is given an outbreak."""

    name: str
    title: str
    spot: Spot
    categories: tuple[str, ...]
    build: Callable[[Outbreak | None], Scene]


MANGGARAI = Spot("31.74.01.1007", -6.21291, 106.85052)
KRAMAT = Spot("31.71.04.1004", -6.18402, 106.84577)
KAMPUNG_MELAYU = Spot("31.75.03.1001", -6.21702, 106.86189)
PADEMANGAN_BARAT = Spot("31.72.05.1002", -6.13531, 106.83722)
KEBON_KACANG = Spot("31.71.07.1006", -6.18981, 106.81674)
TEBET_TIMUR = Spot("31.74.01.1001", -6.2334, 106.85601)

CAMERAS: tuple[Simulated, ...] = (
    Simulated(FIRE_CAMERA, "Gang Mawar", MANGGARAI, ("rawan_kebakaran", "rt_rw"), places.alley),
    Simulated("jalan-siang", "Jl. Kramat Raya", KRAMAT, ("jalan",), places.day_street),
    Simulated("jalan-malam", "Jl. Jatinegara Barat", KAMPUNG_MELAYU, ("jalan", "rawan_tawuran"), places.night_street),
    Simulated("hujan-malam", "Jl. Gunung Sahari", PADEMANGAN_BARAT, ("jalan", "rawan_banjir"), places.rainy_street),
    Simulated("pasar", "Pasar Kebon Kacang", KEBON_KACANG, ("taman_24_jam", "fasilitas"), places.market),
    Simulated("simpang", "Simpang Tebet", TEBET_TIMUR, ("jalan",), places.crossing),
)

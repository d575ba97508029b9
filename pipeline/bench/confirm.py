"""How many observations a core can decide on."""

from collections.abc import Callable, Iterator
from typing import Any

from pipeline.bench.measure import in_turns, middle, own_cpu_s
from pipeline.bench.plan import Plan
from pipeline.bus.records import Detection, FrameRef, ModelRef, Observation, decode, encode
from pipeline.city.registry import Camera, Kelurahan, Registry
from pipeline.confirm.machine import new_city, step
from pipeline.confirm.rules import Rulebook
from pipeline.ops.settings import Settings

CAMERAS = 1500
BUSY_EVERY = 50
"""One camera in so many sees something below or above the threshold now and then."""
T0_MS = 1_760_000_000_000
MODEL = ModelRef(name="fire_smoke", version="1", sha8="0" * 8)
PERSON = (0.2, 0.3, 0.25, 0.5)
PLACE = Kelurahan("31.71.01.1001", "Gambir", "Gambir", "Jakarta Pusat", -6.2, 106.8)


def observations(count: int, cameras: int = CAMERAS) -> Iterator[Observation]:
    """Observations of a city at one a second and camera: people in every third, fire now and then at a few cameras."""
    for number in range(count):
        second, index = divmod(number, cameras)
        busy = index % BUSY_EVERY == 0
        score = (0.02, 0.3, 0.7, 0.75)[second % 4] if busy else 0.02
        boxes = []
        if score > 0.1:
            shift = 0.01 * (second % 3)
            boxes.append(Detection(label="fire", score=score, box=(0.4, 0.4, 0.5 + shift, 0.55)))
        if number % 3 == 0:
            boxes.append(Detection(label="person", score=0.6, box=PERSON))
        yield Observation(
            camera=f"c{index}",
            trace=f"{index}-{second}",
            captured_ms=T0_MS + second * 1000 + index * 1000 // cameras,
            frame=FrameRef(partition=index % 6, offset=number),
            cause="floor",
            model=MODEL,
            scores={"fire": score, "smoke": 0.01, "person": 0.6 if number % 3 == 0 else 0.0},
            boxes=tuple(boxes),
            people=int(number % 3 == 0),
        )


def registry(count: int = CAMERAS) -> Registry:
    """A city of cameras that each see a place of their own."""
    cameras = [
        Camera(f"c{i}", f"c{i}", f"file:///c{i}", PLACE.code, -6.2 + 0.002 * (i // 40), 106.8 + 0.002 * (i % 40))
        for i in range(count)
    ]
    return Registry({camera.id: camera for camera in cameras}, {PLACE.code: PLACE}, 75)


def measure_confirm(plan: Plan, cameras: int = CAMERAS) -> dict[str, Any]:
    """Return observations a CPU second: of the rules alone, and with the record read from JSON as the worker does."""
    given = list(observations(plan.observations, cameras))
    book = Rulebook(Settings(), registry(cameras))
    raw = [encode(one) for one in given]
    incidents = 0

    def rules() -> float:
        nonlocal incidents
        city, used = new_city(book), own_cpu_s()
        incidents = sum(len(step(city, one, one.captured_ms).incidents) for one in given)
        return len(given) / (own_cpu_s() - used)

    def reading() -> float:
        used = own_cpu_s()
        for value in raw:
            decode(Observation, value)
        return len(raw) / (own_cpu_s() - used)

    ways: dict[str, Callable[[], float]] = {"rules": rules, "reading": reading}
    found = in_turns(ways, 3)
    alone, read = middle(found["rules"], 0), middle(found["reading"], 0)
    return {
        "observations_per_s_per_core": alone,
        "observations_read_per_s_per_core": read,
        "both_per_s_per_core": round(1 / (1 / alone + 1 / read)),
        "cameras": cameras,
        "observations": len(given),
        "incident_records": incidents,
    }

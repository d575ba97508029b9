"""A small city and its observations, for the tests of confirmation."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.bus.records import Detection, FrameRef, Incident, ModelRef, Observation
from pipeline.city.registry import Camera, Kelurahan, Registry
from pipeline.confirm.machine import City, Outcome, new_city, step
from pipeline.confirm.rules import Rulebook
from pipeline.ops.sections import ConfirmSection, KindRule
from pipeline.ops.settings import Settings

T0 = 1_760_000_000_000
BOX = (0.4, 0.4, 0.5, 0.55)
MODEL = ModelRef(name="fire_smoke", version="1", sha8="0" * 8)
RULE = KindRule(threshold=0.5, min_evidence=2.0)


def camera(id_: str, lat: float = -6.2, **more: Any) -> Camera:
    """A camera; another latitude is another place."""
    return Camera(id=id_, name=id_, url=f"file:///{id_}", kelurahan="31.71.01.1001", lat=lat, lng=106.8, **more)


def rulebook(cameras: Iterable[Camera] = (), **confirm: Any) -> Rulebook:
    """Rules of cameras `a` and `b` at one place and `c` far away, unless others are given."""
    listed = tuple(cameras) or (camera("a"), camera("b", -6.2001), camera("c", -6.5))
    kelurahan = Kelurahan("31.71.01.1001", "Gambir", "Gambir", "Jakarta Pusat", -6.2, 106.8)
    section = ConfirmSection(**{"kinds": {"fire": RULE, "smoke": RULE}, **confirm})
    return Rulebook(
        Settings(confirm=section), Registry({one.id: one for one in listed}, {kelurahan.code: kelurahan}, 75)
    )


def seen(
    at_s: float,
    scores: Mapping[str, float] | None = None,
    camera: str = "a",
    boxes: Sequence[tuple[str, float, tuple[float, float, float, float]]] | None = None,
    **more: Any,
) -> Observation:
    """What a model saw at second `at_s`: one box at BOX per score, unless boxes are given."""
    full = {"fire": 0.0, "smoke": 0.0, **(scores or {})}
    listed = [(label, score, BOX) for label, score in full.items() if score > 0] if boxes is None else boxes
    for label, score, _ in listed:
        full[label] = max(full.get(label, 0.0), score)
    ms = T0 + round(at_s * 1000)
    fields: dict[str, Any] = {
        "trace": f"{camera}-{ms}",
        "frame": FrameRef(partition=0, offset=round(at_s * 1000)),
        "cause": "floor",
        "model": MODEL,
        **more,
    }
    found = tuple(Detection(label=label, score=score, box=box) for label, score, box in listed)
    return Observation(camera=camera, captured_ms=ms, scores=full, boxes=found, **fields)


def fire(start_s: float, count: int, score: float = 0.8, every_s: float = 1.0, camera: str = "a") -> list[Observation]:
    """A fire seen `count` times; its outline flickers."""
    return [
        seen(start_s + i * every_s, camera=camera, boxes=[("fire", score, (0.4, 0.4, 0.5 + 0.02 * (i % 3), 0.55))])
        for i in range(count)
    ]


def quiet(start_s: float, count: int, every_s: float = 1.0, camera: str = "a") -> list[Observation]:
    """Nothing to be seen."""
    return [seen(start_s + i * every_s, camera=camera) for i in range(count)]


def run(observations: Iterable[Observation], city: City | None = None) -> tuple[list[Incident], list[Outcome]]:
    """Step a city through observations, the clock standing at each one's capture; return records and outcomes."""
    city = city or new_city(rulebook())
    outcomes = [step(city, one, one.captured_ms) for one in observations]
    return [incident for outcome in outcomes for incident in outcome.incidents], outcomes


def reasons(outcomes: Iterable[Outcome]) -> list[tuple[str, str]]:
    """All that was held back."""
    return [reason for outcome in outcomes for reason in outcome.reasons]

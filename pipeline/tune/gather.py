"""Episodes out of what was recorded: observations of a span, cut, judged by what people said of the incidents."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from pipeline.bus.records import Observation, decode
from pipeline.city.registry import Camera, Registry
from pipeline.confirm.rules import family
from pipeline.ops.errors import RecordError
from pipeline.ops.sections import Kind
from pipeline.ops.settings import Settings
from pipeline.tune.compare import Raised, Truth
from pipeline.tune.curve import WEEK_MS
from pipeline.tune.episodes import GAP_MS, Episode, delays_by_machine, stretches

LONGEST_GAP_MS = 60_000
"""A camera that said nothing for longer was not watched meanwhile."""


@dataclass
class Gathered:
    """Episodes of one kind, how long each camera was watched (weeks), and the category of each."""

    kind: Kind
    episodes: list[Episode] = field(default_factory=list)
    weeks: dict[str, float] = field(default_factory=dict)
    categories: dict[str, str] = field(default_factory=dict)


@dataclass
class _Heard:
    """What is kept of a camera while observations stream by: those near a rise of the score, and the time watched."""

    near: list[Observation] = field(default_factory=list)
    watched_ms: int = 0
    last_ms: int = 0
    rose_ms: int | None = None

    def hear(self, one: Observation, kind: Kind, floor: float) -> None:
        """Take one observation; what lies far from every rise is counted and let go."""
        if self.last_ms:
            self.watched_ms += min(LONGEST_GAP_MS, max(0, one.captured_ms - self.last_ms))
        self.last_ms = max(self.last_ms, one.captured_ms)
        if one.scores.get(kind, 0.0) >= floor:
            self.rose_ms = one.captured_ms
        if self.rose_ms is not None and one.captured_ms - self.rose_ms <= GAP_MS:
            self.near.append(one)


def category_of(camera: Camera) -> str:
    """Return the category that a camera shares its experience with: its first."""
    return camera.categories[0] if camera.categories else ""


def gather(
    settings: Settings, registry: Registry, values: Iterable[bytes], raised: Iterable[Raised], kind: Kind
) -> Gathered:
    """Return the episodes of a kind.

    An episode during which an incident was raised is what people said of it. One that raised nothing was seen by
    nobody; it counts as a false alarm, as nearly all are: recall is therefore of what was raised (docs/tuning.md).

    Args:
        settings: The rules around the threshold.
        registry: Cameras that are meant.
        values: Observations as they lay on the bus, in order.
        raised: Incidents of the same span.
        kind: The kind.
    """
    heard: dict[str, _Heard] = defaultdict(_Heard)
    floor = settings.confirm.kinds[kind].close_threshold
    for value in values:
        try:
            one = decode(Observation, value)
        except RecordError:
            continue
        if kind in one.scores and one.camera in registry.cameras:
            heard[one.camera].hear(one, kind, floor)
    by_camera = defaultdict(list)
    for incident in raised:
        if family(incident.kind) == family(kind):
            for name in incident.cameras:
                by_camera[name].append(incident)
    found = Gathered(kind)
    for name, said in heard.items():
        camera = registry.cameras[name]
        found.weeks[name] = said.watched_ms / WEEK_MS
        found.categories[name] = category_of(camera)
        for part in stretches(said.near, kind):
            delays = delays_by_machine(part, settings, camera, kind)
            span = part[0].captured_ms, part[-1].captured_ms
            truth, judged = truth_within(by_camera[name], *span)
            highest = max(one.scores[kind] for one in part)
            found.episodes.append(Episode(name, category_of(camera), kind, *span, truth, delays, highest, judged))
    return found


def truth_within(raised: Iterable[Raised], start_ms: int, end_ms: int) -> tuple[Truth, bool]:
    """Return what an episode was, and whether people said so: of the incidents within it, the best known first.

    Where nothing was raised it is held to be `false`, which nobody said.
    """
    said = {one.truth for one in raised if one.opened_ms - GAP_MS <= end_ms and start_ms <= one.ended_ms}
    for truth in ("true", "false", "unsure", "unknown"):
        if truth in said:
            return truth, True
    return "false", False

"""The rules of each camera, compiled once from settings and registry."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from pipeline.bus.wetness import Wetness
from pipeline.city.gauge import LevelLine
from pipeline.city.registry import Camera, Mask, Registry
from pipeline.confirm.street import road_of
from pipeline.ops.sections import CameraRule, ConfirmSection, Kind, KindRule, Schedule
from pipeline.ops.settings import Settings

FAMILIES: Mapping[Kind, str] = {"fire": "burning", "smoke": "burning"}
"""Kinds of one family at one place are one event; a kind that is not named here is its own family."""
RANK: Mapping[Kind, int] = {"fire": 1}
"""Within a family the kind of the higher rank names the event: smoke turns into fire, never back."""
_CLIP = 0.001


def family(kind: Kind) -> str:
    """Return the family of a kind: what counts as one event when seen together."""
    return FAMILIES.get(kind, kind)


def outranks(kind: Kind, other: Kind) -> bool:
    """Say whether an event of kind `other` becomes one of `kind` when that is seen too."""
    return RANK.get(kind, 0) > RANK.get(other, 0)


def log_odds(score: float) -> float:
    """Return the log-odds of a score in nats; scores are clipped to 0.001..0.999."""
    clipped = min(1 - _CLIP, max(_CLIP, score))
    return math.log(clipped / (1 - clipped))


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind's rule for one camera in the units of the hot path: ms, nats, scores 0..1."""

    kind: Kind
    threshold: float
    close_threshold: float
    base: float
    window_ms: int
    min_frames: int
    min_span_ms: int
    min_ratio: float
    min_evidence: float
    strong_frames: int
    strong_span_ms: int
    strong_evidence: float
    rigid_factor: float
    min_iou: float
    close_after_ms: int
    cooldown_ms: int
    update_every_ms: int
    rise_per_minute: float
    rise_factor: float

    def rising(self) -> "Rule":
        """Return the rule while water rises: a share `rise_factor` of frames, time and evidence is enough."""
        factor = self.rise_factor
        return replace(
            self,
            min_frames=max(2, round(self.min_frames * factor)),
            min_span_ms=int(self.min_span_ms * factor),
            min_evidence=self.min_evidence * factor,
        )


def compile_rule(kind: Kind, rule: KindRule, own: CameraRule | None = None) -> Rule:
    """Return the rule of a kind with a camera's own values over it. `close_threshold` never lies above `threshold`."""
    threshold = rule.threshold
    close = rule.close_threshold
    evidence = rule.min_evidence
    if own is not None:
        threshold = threshold if own.threshold is None else own.threshold
        close = close if own.close_threshold is None else own.close_threshold
        evidence = evidence if own.min_evidence is None else own.min_evidence
    return Rule(
        kind=kind,
        threshold=threshold,
        close_threshold=min(close, threshold),
        base=log_odds(threshold),
        window_ms=int(rule.window_s * 1000),
        min_frames=rule.min_frames,
        min_span_ms=int(rule.min_span_s * 1000),
        min_ratio=rule.min_ratio,
        min_evidence=evidence,
        strong_frames=rule.strong_frames,
        strong_span_ms=int(rule.strong_span_s * 1000),
        strong_evidence=max(rule.strong_evidence, evidence),
        rigid_factor=rule.rigid_factor,
        min_iou=rule.min_iou,
        close_after_ms=int(rule.close_after_s * 1000),
        cooldown_ms=int(rule.cooldown_s * 1000),
        update_every_ms=int(rule.update_every_s * 1000),
        rise_per_minute=rule.rise_per_minute,
        rise_factor=rule.rise_factor,
    )


@dataclass(frozen=True, slots=True)
class CameraRules:
    """All that confirmation knows of a camera: its rules, its masks, and the kinds that it is not watched for."""

    camera: str
    kelurahan: str
    rules: tuple[Rule, ...]
    disabled: tuple[Kind, ...]
    masks: tuple[Mask, ...]
    road: Wetness
    level_line: LevelLine | None = None


class Rulebook:
    """Rules by camera, quiet hours and the city's own times. Immutable after it is made.

    Args:
        settings: Confirmation rules and the city's time zone.
        registry: Cameras with the kinds they are watched for and their masks.
    """

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self.section: ConfirmSection = settings.confirm
        self._registry = registry
        self._zone = ZoneInfo(settings.city.timezone)
        self._cameras = {camera.id: self._compile(camera) for camera in registry.cameras.values()}
        self._quiet = tuple((entry, *_hours(entry)) for entry in settings.confirm.quiet)
        rules = settings.confirm.kinds.values()
        self.merge_window_ms = int(settings.confirm.merge_window_s * 1000)
        self.silent_grace_ms = int(settings.confirm.silent_grace_s * 1000)
        self.longest_window_ms = max((int(rule.window_s * 1000) for rule in rules), default=0)
        longest = max((rule.window_s + rule.close_after_s + rule.update_every_s for rule in rules), default=0)
        self.horizon_ms = int(longest * 1000) + self.silent_grace_ms
        """How far back observations must be replayed so that nothing depends on what came before, ms."""

    def _compile(self, camera: Camera) -> CameraRules:
        own = {rule.kind: rule for rule in self.section.cameras.get(camera.id, ())}
        kinds = self.section.kinds
        return CameraRules(
            camera=camera.id,
            kelurahan=camera.kelurahan,
            rules=tuple(compile_rule(k, kinds[k], own.get(k)) for k in kinds if k in camera.kinds),
            disabled=tuple(kind for kind in kinds if kind not in camera.kinds),
            masks=camera.masks,
            road=road_of(camera.masks),
            level_line=camera.level_line,
        )

    def of(self, camera: str) -> CameraRules | None:
        """Return a camera's rules, or None for a camera that the registry does not know."""
        return self._cameras.get(camera)

    def siblings(self, camera: str) -> tuple[str, ...]:
        """Return the cameras that see the same place, itself first."""
        return tuple(other.id for other in self._registry.same_place(camera))

    def quiet(self, kind: Kind, camera: str, at_ms: int) -> bool:
        """Say whether a kind is not raised at this camera at this time, by the local clock of the city."""
        if not self._quiet:
            return False
        local = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(self._zone).time()
        return any(
            entry.kind == kind and (not entry.cameras or camera in entry.cameras) and _between(local, start, end)
            for entry, start, end in self._quiet
        )


def _hours(entry: Schedule) -> tuple[time, time]:
    """Return the start and end of quiet hours."""
    return time.fromisoformat(entry.start), time.fromisoformat(entry.end)


def _between(local: time, start: time, end: time) -> bool:
    """Say whether a time of day lies in [start, end), which may go past midnight; equal ends are the whole day."""
    return start <= local < end if start < end else local >= start or local < end

"""What routing goes by, checked and worked out once: the registry, the alert section, the zone, the neighbours."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline.alert.cap.areas import load_boundaries
from pipeline.alert.neighbours import Near, near_of
from pipeline.city.registry import CATEGORIES, Registry
from pipeline.ops.alert_targets import Reach
from pipeline.ops.errors import ConfigError
from pipeline.ops.section import Kind
from pipeline.ops.sections import AlertSection
from pipeline.ops.settings import Settings
from pipeline.store.areas import covers

DESK = "desk:"
WEBPUSH = "webpush:"


class Named(NamedTuple):
    """A target of the alert section: its channel, and of which incidents it hears at all."""

    channel: str
    reach: Reach


@dataclass(frozen=True)
class Rules:
    """Everything that routing goes by; `route()` reads it and nothing else.

    Args:
        registry: Cameras and kelurahan.
        alert: The alert section.
        zone: The city's time zone; rosters and quiet rules are in it.
        near: Which other kelurahan each camera is near to.
    """

    registry: Registry
    alert: AlertSection
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Jakarta"))
    near: Near = field(default_factory=dict)

    @cached_property
    def named(self) -> Mapping[str, Named]:
        """Every target of the alert section by its name `channel:name`, in the order of the section."""
        known = {f"{channel}:{reach.name}": Named(channel, reach) for channel, reach in self.alert.named()}
        everybody = known.get(f"{WEBPUSH}piket")
        if everybody is not None:  # a roster may name one person, `webpush:budi`
            known |= {name: everybody for name in sorted(self.assigned - known.keys()) if name.startswith(WEBPUSH)}
        return known

    @cached_property
    def assigned(self) -> frozenset[str]:
        """The targets that a post, an agency or a level names: they hear what that gives them, not everything."""
        return frozenset(target for _, target in assignments(self.alert))


def hears(reach: Reach, kind: Kind, place: str) -> str | None:
    """Return why a target hears of a kind in a kelurahan by its own settings, in one line; None when it does not."""
    if reach.kinds and kind not in reach.kinds:
        return None
    kinds = f"kind {kind}" if reach.kinds else "all kinds"
    if not reach.kelurahan:
        return f"{kinds}, all kelurahan"
    area = next((area for area in reach.kelurahan if covers(area, place)), None)
    return None if area is None else f"{kinds}, kelurahan within {area}"


def assignments(alert: AlertSection) -> Iterator[tuple[str, str]]:
    """Yield every target that duty and escalation name, with the key where it stands."""
    duty, levels = alert.duty, alert.escalation.targets
    for number, post in enumerate(duty.posts):
        key = f"alert.duty.posts.{number}"
        lists = [("targets", post.targets)]
        lists += [(f"roster.{index}.targets", shift.targets) for index, shift in enumerate(post.roster)]
        lists += [(f"on_call.{index}.targets", one.targets) for index, one in enumerate(post.on_call)]
        for name, targets in lists:
            yield from ((f"{key}.{name}", target) for target in targets)
    for number, copy in enumerate(duty.agencies):
        yield from ((f"alert.duty.agencies.{number}.targets", target) for target in copy.targets)
    for level, targets in (("kecamatan", levels.kecamatan), ("kota", levels.kota), ("city", levels.city)):
        yield from ((f"alert.escalation.targets.{level}", target) for target in targets)


def rules_of(settings: Settings, registry: Registry) -> Rules:
    """Check what duty and escalation name, and work out the neighbours.

    Raises:
        ConfigError: One line per problem, naming the key: a target that the alert section does not have, an area
            without kelurahan, an unknown category, a boundary file that cannot be read, an unknown time zone.
    """
    alert, city = settings.alert, settings.city
    try:
        zone = ZoneInfo(city.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(f"city.timezone: {city.timezone!r} is no time zone") from error
    problems = [*_unknown_targets(alert), *_unknown_places(alert, registry), *_unknown_categories(alert)]
    if problems:
        raise ConfigError("\n".join(problems))
    near = alert.duty.neighbours
    key, file = "alert.duty.neighbours.boundaries", near.boundaries
    if not file:
        key, file = "alert.cap.boundaries", alert.cap.boundaries
    boundaries = load_boundaries(settings.registry_path(file), key) if file and near.within_m else None
    return Rules(registry, alert, zone, near_of(registry, near.within_m, boundaries))


def _unknown_targets(alert: AlertSection) -> Iterator[str]:
    """Yield a line for each named target that nobody would deliver to."""
    known = {f"{channel}:{reach.name}" for channel, reach in alert.named()}
    quiet = [(f"alert.duty.quiet.{number}.targets", rule.targets) for number, rule in enumerate(alert.duty.quiet)]
    everything = [*assignments(alert), *((key, target) for key, targets in quiet for target in targets)]
    for key, target in everything:
        if target not in known and not (target.startswith(WEBPUSH) and alert.webpush.enabled):
            have = ", ".join(sorted(known)) or "none"
            yield f"{key}: {target} is no target of the alert section (it has {have})"


def _unknown_places(alert: AlertSection, registry: Registry) -> Iterator[str]:
    """Yield a line for each area in which there is no kelurahan."""
    duty = alert.duty
    lists = [(f"posts.{number}", post.kelurahan) for number, post in enumerate(duty.posts)]
    lists += [(f"quiet.{number}", rule.kelurahan) for number, rule in enumerate(duty.quiet)]
    lists += [(f"agencies.{number}", copy.kelurahan) for number, copy in enumerate(duty.agencies)]
    for key, areas in lists:
        for area in areas:
            if not any(covers(area, code) for code in registry.kelurahan):
                yield f"alert.duty.{key}.kelurahan: no kelurahan of the registry is within {area}"


def _unknown_categories(alert: AlertSection) -> Iterator[str]:
    """Yield a line for each category that no camera can have."""
    lists = [(f"posts.{number}", post.categories) for number, post in enumerate(alert.duty.posts)]
    lists += [(f"quiet.{number}", rule.categories) for number, rule in enumerate(alert.duty.quiet)]
    for key, words in lists:
        for word in words:
            if word not in CATEGORIES:
                yield f"alert.duty.{key}.categories: {word!r} is not one of {', '.join(CATEGORIES)}"

"""Who is told of an incident, by which channel, and why: pure, from the incident, the rules and the time.

`route()` answers for one level of escalation at one instant. The desk of the place is always told; whom a quiet rule
keeps from being told is listed with the reason, never dropped.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from pipeline.alert.quiet import REASON, quiet_rules, silenced
from pipeline.alert.roster import local_time, on_duty, span
from pipeline.alert.rules import DESK, Rules, hears
from pipeline.alert.rules import rules_of as rules_of
from pipeline.bus.records import Incident
from pipeline.city.levels import level_name
from pipeline.city.registry import Registry
from pipeline.ops.duty import AGENCY_NAMES, CONCERNED, LevelTargets, Post, agency_key
from pipeline.ops.duty import Level as Level
from pipeline.ops.section import Kind
from pipeline.store.areas import serves

EVERY_BROWSER = "webpush:piket"
"""The browsers of everybody whose areas hold the place: of the level's people, too."""
CITY_DESK = "kota"
"""The desk of the city room; it also gets what has no kelurahan."""
LEVELS: tuple[Level, ...] = ("post", "kecamatan", "kota", "city")
Role = Literal["post", "standing", "on-call", "agency", "neighbour", "level"]
"""As what somebody is told: `post` is on duty, `standing` hears all that its own `kelurahan` and `kinds` take in."""


@dataclass(frozen=True)
class Subject:
    """What routing needs to know of an incident; `witnesses` are the other cameras that see it."""

    kind: Kind
    camera: str
    kelurahan: str = ""
    witnesses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """Somebody to tell: `name` is `channel:address`, unique in the city; `reason` says why in one line.

    `by` is what gives it to them, in names of the configuration: the post with its shift, the agency, the camera.
    """

    name: str
    channel: str
    reason: str
    role: Role = "post"
    level: Level = "post"
    by: str = ""


@dataclass(frozen=True)
class Suppressed:
    """Somebody who would be told but is not: `why` in one line, `reason` as it is counted, `by` in the city's words."""

    target: Target
    why: str
    reason: str = REASON
    by: str = ""


@dataclass(frozen=True)
class Untold:
    """An agency that the kind concerns and that is not told: `why` in one line, `reason` in a word."""

    agency: str
    why: str
    reason: Literal["no_target", "not_served", "on_forward"]


@dataclass(frozen=True)
class Route:
    """The answer: who is told, who is kept quiet, which agencies have no address. `targets` is never empty."""

    place: str
    level: Level
    targets: tuple[Target, ...]
    suppressed: tuple[Suppressed, ...] = ()
    untold: tuple[Untold, ...] = ()


@dataclass(frozen=True)
class Where:
    """A kelurahan that is told: its code, why, and whether it is the incident's own."""

    code: str
    why: str
    own: bool
    by: str = ""


def subject_of(incident: Incident) -> Subject:
    """Return what routing needs to know of a record."""
    others = dict.fromkeys(seen.camera for seen in incident.witnesses if seen.camera != incident.camera)
    return Subject(incident.kind, incident.camera, incident.kelurahan, tuple(others))


def place_of(incident: Incident | Subject, registry: Registry) -> tuple[str, str]:
    """Return the kelurahan code that decides who is told (empty when there is none), and where it comes from."""
    camera = registry.cameras.get(incident.camera)
    if camera is not None:
        return camera.kelurahan, f"kelurahan of camera {camera.id}"
    if incident.kelurahan:
        return incident.kelurahan, f"camera {incident.camera} is not in the registry; kelurahan of the record"
    return "", f"camera {incident.camera} is not in the registry and the record names no kelurahan"


def places_of(subject: Subject, rules: Rules) -> list[Where]:
    """Return every kelurahan whose desk and posts are told: the incident's own first, then witnesses', then nearby."""
    code, why = place_of(subject, rules.registry)
    found = {code: Where(code, why, own=True)}
    seeing = sorted({subject.camera, *subject.witnesses} & rules.registry.cameras.keys())
    for id_ in seeing:
        ward = rules.registry.cameras[id_].kelurahan
        found.setdefault(ward, Where(ward, f"camera {id_} there sees it too", own=False, by=id_))
    near = sorted((one.metres, one.code, id_, one) for id_ in seeing for one in rules.near.get(id_, ()))
    for _, ward, id_, one in near:
        found.setdefault(ward, Where(ward, f"neighbour: camera {id_} is {one.why}", own=False, by=f"{one.metres} m"))
    return list(found.values())


def route(incident: Incident | Subject, rules: Rules, at_ms: int, level: Level = "post") -> Route:
    """Return whom to tell at one level.

    Args:
        incident: A record of the bus, or what is needed of it.
        rules: Made once by `rules_of`.
        at_ms: The instant, epoch ms: it decides who is on duty and what is quiet.
        level: `post` is the first notice with everybody whom it concerns; the others are told when the one before
            did not accept in time.
    """
    subject = subject_of(incident) if isinstance(incident, Incident) else incident
    local = local_time(at_ms, rules.zone)
    places = places_of(subject, rules)
    told = _Telling(subject, rules, local, places)
    every = told.at_post() if level == "post" else told.at_level(level)
    wanted: dict[str, Target] = {}
    for target in every:
        wanted.setdefault(target.name, target)
    holidays = frozenset(rules.alert.duty.holidays)
    quiet = quiet_rules(rules.alert.duty.quiet, subject.kind, places[0].code, told.categories, local, holidays)
    targets: list[Target] = []
    suppressed: list[Suppressed] = []
    for target in wanted.values():
        rule = None if target.channel == "desk" else silenced(quiet, target.name)
        if rule is None:
            targets.append(target)
        else:
            why = f"quiet rule {rule.name}, {span(rule)}: {rule.reason}"
            suppressed.append(Suppressed(target, why, by=f"{rule.reason}, {span(rule)}"))
    untold = tuple(told.untold()) if level == "post" else ()
    return Route(places[0].code, level, tuple(targets), tuple(suppressed), untold)


class _Telling:
    """One answer in the making."""

    def __init__(self, subject: Subject, rules: Rules, local: datetime, places: list[Where]) -> None:
        self._subject, self._rules, self._local, self._places = subject, rules, local, places
        self._holidays: frozenset[date] = frozenset(rules.alert.duty.holidays)
        cameras = rules.registry.cameras
        seeing = [cameras[id_] for id_ in (subject.camera, *subject.witnesses) if id_ in cameras]
        self.categories = frozenset(category for camera in seeing for category in camera.categories)

    def at_post(self) -> Iterator[Target]:
        """Yield everybody of the first notice; who is named twice is told for the first reason."""
        for where in self._places:
            role: Role = "post" if where.own else "neighbour"
            yield Target(f"{DESK}{where.code or CITY_DESK}", "desk", where.why, role, by=where.by)
        for where in self._places:
            for post in self._rules.alert.duty.posts:
                yield from self._post(post, where)
        for where in self._places:
            yield from self._standing(where)
        yield from self._agencies()

    def at_level(self, level: Level) -> Iterator[Target]:
        """Yield the desk of a level and the targets that the configuration gives it."""
        place = self._places[0].code
        groups = {"kecamatan": 3, "kota": 2}.get(level, 0)
        desk = ".".join(place.split(".")[:groups]) if place else ""
        what = level_name(level if desk else "city", self._rules.registry.kelurahan.get(place), place)
        yield Target(f"{DESK}{desk or CITY_DESK}", "desk", f"escalation to {what}", "level", level)
        for name in _of_level(self._rules.alert.escalation.targets, level):
            why = self._hears(name, place)
            if why is not None:
                yield Target(name, self._rules.named[name].channel, f"escalation to {what}, {why}", "level", level)
        if EVERY_BROWSER in self._rules.named and EVERY_BROWSER not in self._rules.assigned:
            yield Target(EVERY_BROWSER, "webpush", f"escalation to {what}, browsers of its people", "level", level)

    def _post(self, post: Post, where: Where) -> Iterator[Target]:
        """Yield who of a post is told for one kelurahan."""
        if not serves(post.kelurahan, where.code) or (post.kinds and self._subject.kind not in post.kinds):
            return
        if post.categories and self.categories.isdisjoint(post.categories):
            return
        because = "" if where.own else f"; {where.why}"
        for duty in on_duty(post, self._local, self._holidays):
            role: Role = "neighbour" if not where.own else "on-call" if duty.on_call else "post"
            for name in duty.targets:
                if self._hears(name, where.code) is not None:
                    channel = self._rules.named[name].channel
                    by = ", ".join(part for part in (post.name, duty.shift, where.by) if part)
                    yield Target(name, channel, f"post {post.name}, {duty.reason}{because}", role, by=by)

    def _standing(self, where: Where) -> Iterator[Target]:
        """Yield the targets that no post, agency or level names and that hear of this kelurahan by themselves."""
        for name, named in self._rules.named.items():
            why = None if name in self._rules.assigned else self._hears(name, where.code)
            if why is not None and where.own:
                yield Target(name, named.channel, why, "standing")
            elif why is not None:
                yield Target(name, named.channel, f"{why}; {where.why}", "neighbour", by=where.by)

    def _agencies(self) -> Iterator[Target]:
        """Yield the copies for the agencies concerned."""
        kind, place = self._subject.kind, self._places[0].code
        for copy in self._rules.alert.duty.agencies:
            if copy.automatic and kind in copy.kinds and serves(copy.kelurahan, place):
                for name in copy.targets:
                    if self._hears(name, place) is not None:
                        channel = self._rules.named[name].channel
                        reason = f"copy for {copy.agency}, kind {kind}"
                        yield Target(name, channel, reason, "agency", by=copy.agency)

    def untold(self) -> Iterator[Untold]:
        """Yield the agencies that the kind concerns and to which no copy goes, whatever the hour."""
        kind, place = self._subject.kind, self._places[0].code
        copies = [copy for copy in self._rules.alert.duty.agencies if kind in copy.kinds]
        keys = dict.fromkeys((*CONCERNED.get(kind, ()), *(agency_key(copy.agency) for copy in copies)))
        for key in keys:
            mine = [copy for copy in copies if agency_key(copy.agency) == key]
            name = AGENCY_NAMES.get(key) or mine[0].agency
            here = [
                copy
                for copy in mine
                if serves(copy.kelurahan, place) and any(self._hears(target, place) for target in copy.targets)
            ]
            if not mine:
                yield Untold(name, "no target configured", "no_target")
            elif not here:
                yield Untold(name, "none of its targets serves this", "not_served")
            elif not any(copy.automatic for copy in here):
                yield Untold(name, "told only when an officer forwards it", "on_forward")

    def _hears(self, name: str, place: str) -> str | None:
        """Return why a target hears of an incident in a kelurahan by its own settings; None when it does not."""
        named = self._rules.named.get(name)
        return None if named is None else hears(named.reach, self._subject.kind, place)


def _of_level(targets: LevelTargets, level: Level) -> tuple[str, ...]:
    """Return the targets of a level."""
    every: dict[Level, tuple[str, ...]] = {
        "kecamatan": targets.kecamatan,
        "kota": targets.kota,
        "city": targets.city,
    }
    return every.get(level, ())

"""Drills and tests: marked notices of no incident, by the ways an incident at the post would take.

A drill (latihan) is held once a week and measures how long people take to accept; a test (uji coba) is asked for by
`siaga alert test` and measures the channels. Both are rows of `drills`, never incidents.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.orm import Session

from pipeline.alert import metrics
from pipeline.alert.channels.base import Channel
from pipeline.alert.routing import Subject, Target, route
from pipeline.alert.rules import Rules
from pipeline.bus.records import Incident
from pipeline.city.registry import Registry
from pipeline.ops.clock import Clock
from pipeline.ops.section import Kind
from pipeline.ops.upkeep import DrillSection, Weekday
from pipeline.store import drills
from pipeline.store.areas import covers
from pipeline.store.database import Database
from pipeline.store.drills_tables import Sort
from pipeline.store.outbox import Order
from pipeline.store.oversight import newest_event
from pipeline.store.payloads import payload_of
from pipeline.store.tables import Notice

log = structlog.get_logger(__name__)

LATE_MS = 1_800_000
"""A drill whose time passed while the stage was not running is still held within this time, then not at all."""
POSTS_AT_ONCE = 50
"""Posts of one transaction."""
BUSY = "an incident waits for a decision here"
PERSONAL = frozenset({"desk", "webpush"})
"""Channels that reach the people of the post whatever else is configured."""


def scheduled(section: DrillSection, now_ms: int, zone: ZoneInfo) -> int | None:
    """Return the time of the drill that is to be held now, epoch ms; None when there is none."""
    now = datetime.fromtimestamp(now_ms / 1000, zone)
    hour, minute = (int(part) for part in section.time.split(":"))
    back = (now.weekday() - get_args(Weekday).index(section.weekday)) % 7
    at = datetime.combine((now - timedelta(days=back)).date(), datetime.min.time(), zone)
    at_ms = int(at.replace(hour=hour, minute=minute).timestamp() * 1000)
    return at_ms if section.enabled and 0 <= now_ms - at_ms <= LATE_MS else None


def targets_of(
    post: str, rules: Rules, at_ms: int, *, everybody: bool, quiet_too: bool = False
) -> list[tuple[Target, Kind]]:
    """Return who would be told of incidents at a post, each once, with the first kind that they hear of.

    Args:
        post: Code of the kelurahan.
        rules: What routing goes by.
        at_ms: Decides who is on duty.
        everybody: Also agencies and those who hear of every incident; false = the post's people and its desk.
        quiet_too: Also whom a quiet rule spares now.
    """
    found: dict[str, tuple[Target, Kind]] = {}
    for kind in get_args(Kind):
        answer = route(Subject(kind, "", post), rules, at_ms)
        spared = [one.target for one in answer.suppressed] if quiet_too else []
        for target in (*answer.targets, *spared):
            if everybody or target.channel in PERSONAL or target.role in ("post", "on-call"):
                found.setdefault(target.name, (target, kind))
    return list(found.values())


def orders_of(
    sort: Sort, drill_id: str, post: str, told: Iterable[tuple[Target, Kind]], registry: Registry, at_ms: int
) -> Iterator[Order]:
    """Yield the notices of a drill or test: as of an incident, with `test` set, without a camera."""
    ward = registry.kelurahan.get(post)
    place = {"lat": ward.lat, "lng": ward.lng} if ward is not None else {}
    for target, kind in told:
        record = Incident(
            id=drill_id, kind=kind, camera=sort, kelurahan=post, state="opened", revision=0, trace=drill_id,
            first_seen_ms=at_ms, opened_ms=at_ms, updated_ms=at_ms, decided_ms=at_ms, score=0,
        )  # fmt: skip
        key = f"{drill_id}:{sort}:{target.name}"
        content = payload_of(record, post, sort, key, registry, target.name, target.reason)
        content |= {"test": True, "camera": place, "cameras": []}
        content["incident"] |= {"camera": "", "score": None}
        yield Order(drill_id, 0, sort, target.name, target.channel, key, content)


def taken(orders: Iterable[Order], takes: Mapping[str, Set[Notice]]) -> list[Order]:
    """Return the orders that a channel of this stage sends."""
    return [order for order in orders if order.notice in takes.get(order.channel, frozenset())]


class Drills:
    """Holds the weekly drill, ends drills and tests whose time is over, and counts how drills went.

    Args:
        rules: What routing goes by; its alert section says when and where.
        database: The store.
        channels: What the stage sends by.
        clock: Time now, epoch ms.
    """

    def __init__(self, rules: Rules, database: Database, channels: Iterable[Channel], clock: Clock) -> None:
        self._rules, self._database, self._clock = rules, database, clock
        self._takes = {channel.name: channel.takes for channel in channels}
        self._held: int | None = None
        self._cursor: int | None = None

    def round(self) -> None:
        """Look once.

        Raises:
            StoreError: The database does not answer.
        """
        now = self._clock()
        if self._cursor is None:
            with self._database.reading() as session:
                self._cursor = newest_event(session)
        at_ms = scheduled(self._rules.alert.drill, now, self._rules.zone)
        if at_ms is not None and at_ms != self._held:
            self._hold(at_ms)
            self._held = at_ms
        with self._database.reading() as session:
            over = drills.is_over(session, now)
        if over:
            self._database.transact(lambda session: drills.end(session, now))
        self._count(self._cursor)

    def _hold(self, at_ms: int) -> None:
        """Begin the drill at every post that takes part; those where it began before are left alone."""
        areas = self._rules.alert.drill.kelurahan
        posts = [
            code for code in self._rules.registry.kelurahan if not areas or any(covers(area, code) for area in areas)
        ]
        began = 0
        for first in range(0, len(posts), POSTS_AT_ONCE):
            some = posts[first : first + POSTS_AT_ONCE]
            began += self._database.transact(lambda session: self._begin(session, some, at_ms))  # noqa: B023
        log.info("drill.began", posts=began, of=len(posts))

    def _begin(self, session: Session, posts: list[str], at_ms: int) -> int:
        """Begin at some posts; one where a real incident waits has something better to do."""
        now, section = self._clock(), self._rules.alert.drill
        day = datetime.fromtimestamp(at_ms / 1000, self._rules.zone)
        began = 0
        for post in posts:
            drill_id = f"latihan-{day:%Y%m%d}-{post}"
            until_ms = now + int(1000 * section.answer_s)
            if drills.busy(session, post):
                drills.begin(session, drill_id, "drill", post, now, until_ms, skipped=BUSY)
                continue
            told = targets_of(post, self._rules, now, everybody=section.everybody)
            orders = taken(orders_of("drill", drill_id, post, told, self._rules.registry, now), self._takes)
            began += drills.begin(session, drill_id, "drill", post, now, until_ms, orders)
        return began

    def _count(self, cursor: int) -> None:
        """Count how drills ended since the last look."""
        with self._database.reading() as session:
            self._cursor, results = drills.results_since(session, cursor)
        for result in results:
            metrics.DRILLS.labels(result.outcome).inc()
            if result.seconds is not None:
                kota = ".".join(result.post.split(".")[:2])
                metrics.DRILL_SECONDS.labels(kota).observe(result.seconds)

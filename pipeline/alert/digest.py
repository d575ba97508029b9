"""Flood control: when notices to one target are told alone, and when by one digest that lists them all.

The rules are pure; `Teller` is their transaction. What happens in a storm: the first notices to a target go out alone,
as nobody can know yet. The one that makes it a storm, and all after it, gather, together with those that wait and were
never tried. The digest lists what it tells and what was told alone just before, marked so.
"""

from collections.abc import Mapping, Sequence, Set
from typing import Literal, TypeVar

from sqlalchemy.orm import Session

from pipeline.alert import metrics
from pipeline.alert.digest_payload import digest_payload
from pipeline.city.registry import Registry
from pipeline.ops.storm import StormSection
from pipeline.store.counting import count_on_commit
from pipeline.store.digests import (
    TELLINGS,
    Gathered,
    Group,
    Told,
    count_recent,
    gathered,
    group_for,
    is_gathering,
    list_in,
    take,
    told_alone,
    withdraw,
)
from pipeline.store.outbox import FOLLOW_UPS, Order, enqueue, has, last_sent_ms
from pipeline.store.tables import Notice, OutboxRow
from pipeline.store.timeline import take_turn

Put = Literal["queued", "gathered", "suppressed", "known"]
"""What became of a notice: a row of its own, a member of a digest, told by a digest already, or written before."""
T = TypeVar("T")


def is_storm(recent: int, gathering: bool, limit: int) -> bool:
    """Say whether a notice gathers for a digest.

    Args:
        recent: Incidents that the target was told of within the window or has not got yet, this one not included.
        gathering: Whether others gather for it already.
        limit: So many within the window are a storm.
    """
    return gathering or recent + 1 >= limit


def is_ripe(waits: Gathered, storm: StormSection, at_ms: int) -> bool:
    """Say whether a digest is to be written: it has gathered long enough, and the one before was sent long enough ago.

    While the one before is still on its way, the pause has not begun: what comes meanwhile gathers on.
    """
    if waits.open_ or at_ms < waits.since_ms + 1000 * storm.gather_s:
        return False
    return waits.last_ms is None or at_ms >= waits.last_ms + 1000 * storm.every_s


def parts(items: Sequence[T], lines: int) -> list[Sequence[T]]:
    """Cut a list into parts of at most `lines`; nothing is left out."""
    return [items[start : start + lines] for start in range(0, len(items), lines)]


class Teller:
    """Writes notices to the outbox, alone or for a digest, and the digests when they are ripe.

    Args:
        registry: Names of kelurahan.
        storm: When it is one.
        update_every_s: After a notice was sent, the next update of the incident waits this long, s.
        takes: The notices that each channel sends; one that takes no `digest` is always told alone.
    """

    def __init__(
        self, registry: Registry, storm: StormSection, update_every_s: float, takes: Mapping[str, Set[Notice]]
    ) -> None:
        self._registry, self._storm, self._takes = registry, storm, takes
        self._every_ms = int(1000 * update_every_s)

    def put(
        self, session: Session, order: Order, kelurahan: str, at_ms: int, told: Mapping[str, Told] | None = None
    ) -> Put:
        """Write one notice.

        Args:
            session: A writing transaction that has taken its turn.
            order: The notice.
            kelurahan: The incident's, its code.
            at_ms: Now.
            told: Who was told of the incident before, by target.
        """
        before = (told or {}).get(order.target)
        if order.notice in FOLLOW_UPS and before is not None and before.by_digest:
            count_on_commit(session, metrics.SUPPRESSED.labels("digest_follow_up"))
            return "suppressed"
        if order.notice in TELLINGS and "digest" in self._takes.get(order.channel, frozenset()):
            group = group_for(session, order.channel, order.target, order.incident_id, kelurahan)
            return self._tell(session, order, group, at_ms)
        return "queued" if enqueue(session, order, at_ms, next_at_ms=self._not_before(session, order)) else "known"

    def _not_before(self, session: Session, order: Order) -> int | None:
        """Return when an update may go out: the pause begins when something was sent, not when it was wanted."""
        if order.notice != "updated":
            return None
        sent_ms = last_sent_ms(session, order.incident_id, order.target)
        return None if sent_ms is None else sent_ms + self._every_ms

    def _tell(self, session: Session, order: Order, group: Group, at_ms: int) -> Put:
        """Tell a target of an incident, alone or by a digest."""
        if has(session, order.key):
            return "known"
        gathering = is_gathering(session, group)
        since_ms = at_ms - int(1000 * self._storm.window_s)
        recent = 0 if gathering else count_recent(session, group, since_ms)
        if not is_storm(recent, gathering, self._storm.incidents):
            return "queued" if enqueue(session, order, at_ms) else "known"
        waiting = withdraw(session, group)
        enqueue(session, order, at_ms, state="gathered")
        count_on_commit(session, metrics.SUPPRESSED.labels("digest"), 1 + waiting)
        return "gathered"

    def compose(self, session: Session, at_ms: int) -> int:
        """Write every digest that is ripe; return how many rows. Two workers never write one twice: they take turns."""
        take_turn(session)
        written = 0
        for group, waits in gathered(session, at_ms).items():
            if is_ripe(waits, self._storm, at_ms):
                written += self._digest(session, group, take(session, waits.ids), at_ms)
        return written

    def is_due(self, session: Session, at_ms: int) -> bool:
        """Whether `compose` would write one; asked in a reading transaction it spares the write lock."""
        return any(is_ripe(waits, self._storm, at_ms) for waits in gathered(session, at_ms).values())

    def _digest(self, session: Session, group: Group, members: list[OutboxRow], at_ms: int) -> int:
        """Write the digest of a group, in parts where it is long."""
        since_ms = members[0].created_ms - int(1000 * self._storm.window_s)
        alone = told_alone(session, group, since_ms)
        listed = sorted((*alone, *members), key=lambda row: row.id)
        told = [part for part in parts(listed, self._storm.lines) if any(row.state == "gathered" for row in part)]
        for number, rows in enumerate(told, 1):
            first = next(row for row in rows if row.state == "gathered")
            key = f"digest:{first.idempotency_key}"
            why = f"{len(listed)} incidents within a short time"
            content = digest_payload(session, rows, key, group, (number, len(told)), why, self._registry)
            order = Order(first.incident_id, first.revision, "digest", group.target, group.channel, key, content)
            enqueue(session, order, at_ms)
            list_in(session, rows, key, at_ms)
            count_on_commit(session, metrics.DIGESTS.labels(group.channel))
        return len(told)

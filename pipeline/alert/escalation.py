"""Escalation: an incident that nobody accepted in time is told one level up; each step is one transaction.

The rules are `pipeline.store.escalation_rules`. A step writes the level, the outbox rows of that level and the line in
the timeline together, so a worker that dies in between has done nothing, and one that starts again does it once.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from pipeline.alert import metrics
from pipeline.alert.digest import Teller
from pipeline.alert.routing import Route, Target, route
from pipeline.alert.rules import Rules
from pipeline.bus.records import Incident
from pipeline.city.levels import level_name
from pipeline.ops.duty import Level
from pipeline.store.counting import count_on_commit
from pipeline.store.digests import tellings
from pipeline.store.escalation_rules import Reached, advance, due_level, limit_ms
from pipeline.store.escalation_tables import EscalationRow
from pipeline.store.escalations import standing_of, take_due, write
from pipeline.store.incidents import record_of
from pipeline.store.outbox import Order
from pipeline.store.payloads import payload_of
from pipeline.store.tables import Document, IncidentRow, Notice
from pipeline.store.timeline import add_event, take_turn

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Step:
    """What was done: the incident, the level that it went up to, and the targets that were told."""

    incident: str
    level: Reached
    targets: tuple[str, ...] = ()


class Escalator:
    """Takes the steps that are due.

    Args:
        rules: What routing goes by.
        takes: The notices that each channel sends.
        teller: Writes notices.
    """

    def __init__(self, rules: Rules, takes: Mapping[str, Set[Notice]], teller: Teller) -> None:
        self._rules, self._takes, self._teller = rules, takes, teller

    def work(self, session: Session, at_ms: int) -> list[Step]:
        """Take up to 50 steps; each incident goes up by one level. Safe to run again after a rollback."""
        take_turn(session)  # before the rows are locked: everybody who writes to incidents takes locks in this order
        return [self._step(session, row, incident, at_ms) for row, incident in take_due(session, at_ms)]

    def _step(self, session: Session, row: EscalationRow, incident: IncidentRow, at_ms: int) -> Step:
        """Take one step. A record that cannot be read any more stops its own escalation, not those behind it."""
        standing = standing_of(row)
        level = due_level(standing, at_ms)
        assert level is not None, "take_due returns what is due"
        asked = self._asked(row, incident.kelurahan, at_ms)
        after = advance(standing, at_ms, limit_ms(level, incident.kind, self._rules.alert.escalation.deadlines))
        try:
            record = record_of(incident)
        except ValueError as error:
            row.due_ms = row.left_ms = None
            metrics.TROUBLE.labels("unreadable").inc()
            log.error("escalation.unreadable", incident=incident.id, reason=" ".join(str(error).split())[:300])
            return Step(incident.id, row.level)
        write(row, after)
        if level == "nobody":
            add_event(session, incident.id, at_ms, "unanswered", {"asked": asked, **_of_last(asked)})
            log.error("incident.unanswered", incident=incident.id, kind=incident.kind, asked=asked)
            return Step(incident.id, level)
        row.asked = [*row.asked, [level, at_ms]]
        told = self._tell(session, incident, record, level, asked, at_ms)
        count_on_commit(session, metrics.ESCALATIONS.labels(level, incident.kind))
        return Step(incident.id, level, told)

    def _asked(self, row: EscalationRow, place: str, at_ms: int) -> list[Document]:
        """Return who was told, when, and for how long nobody accepted, s, oldest first."""
        ward = self._rules.registry.kelurahan.get(place)
        ends = [*(told_ms for _, told_ms in row.asked[1:]), at_ms]
        return [
            {
                "level": level,
                "name": level_name(level, ward, place),
                "at_ms": told_ms,
                "seconds": max(0, end - told_ms) // 1000,
            }
            for (level, told_ms), end in zip(row.asked, ends, strict=True)
        ]

    def _tell(
        self, session: Session, incident: IncidentRow, record: Incident, level: Level, asked: list[Document], at_ms: int
    ) -> tuple[str, ...]:
        """Write the notices of a level and the line in the timeline; return the targets."""
        way = route(record, self._rules, at_ms, level)
        name = level_name(level, self._rules.registry.kelurahan.get(way.place), way.place)
        detail: Document = {"level": level, "name": name, "asked": asked, **_of_last(asked)}
        detail["to"] = [[target.name, target.reason] for target in way.targets]
        if way.suppressed:
            detail["quiet"] = [[one.target.name, one.why] for one in way.suppressed]
            for one in way.suppressed:
                count_on_commit(session, metrics.SUPPRESSED.labels(one.reason))
        add_event(session, incident.id, at_ms, "escalated", detail)
        known = tellings(session, incident.id)
        said = {"level": level, "name": name, "asked": asked, "seconds": sum(int(one["seconds"]) for one in asked)}
        for target in way.targets:
            if "escalated" in self._takes.get(target.channel, frozenset()):
                order = self._order(record, incident.revision, way, target, said)
                if self._teller.put(session, order, incident.kelurahan, at_ms, known) == "queued":
                    count_on_commit(session, metrics.QUEUED.labels(target.channel, "escalated"))
        log.warning("incident.escalated", incident=incident.id, kind=incident.kind, level=level, asked=asked)
        return tuple(target.name for target in way.targets)

    def _order(self, record: Incident, revision: int, way: Route, target: Target, said: Document) -> Order:
        """Return one notice; its key is the same whoever takes the step and whenever: once for a level and target."""
        key = f"{record.id}:escalated-{way.level}:{target.name}"
        content = payload_of(record, way.place, "escalated", key, self._rules.registry, target.name, target.reason)
        content["escalation"] = said
        return Order(record.id, revision, "escalated", target.name, target.channel, key, content)


def _of_last(asked: list[Document]) -> Document:
    """Return who was asked last and for how long, as the timeline's sentence names them."""
    return {"asked_name": asked[-1]["name"], "seconds": asked[-1]["seconds"]}

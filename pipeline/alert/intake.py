"""One incident record in: the incident, its timeline and its outbox rows are written in one transaction."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

import structlog
from sqlalchemy.orm import Session

from pipeline.alert import metrics
from pipeline.alert.notices import notices, stills
from pipeline.alert.routing import Target, route
from pipeline.bus.records import Incident
from pipeline.city.registry import Registry
from pipeline.ops.sections import AlertSection
from pipeline.store.incidents import apply_incident
from pipeline.store.outbox import FOLLOW_UPS, Order, enqueue, informed, supersede
from pipeline.store.revisions import Change
from pipeline.store.tables import Notice
from pipeline.store.timeline import add_event

log = structlog.get_logger(__name__)


@dataclass
class Taken:
    """What one record did: the change, the rows written, and how many waiting ones they replaced."""

    change: Change
    orders: list[Order] = field(default_factory=list)
    superseded: int = 0


class Intake:
    """Writes incidents with the notices they make.

    Args:
        registry: Cameras and kelurahan.
        alert: Whom to tell.
        takes: The notices that each channel sends, by channel.
    """

    def __init__(self, registry: Registry, alert: AlertSection, takes: Mapping[str, Set[Notice]]) -> None:
        self._registry, self._alert, self._takes = registry, alert, takes

    def take(self, session: Session, incident: Incident, at_ms: int) -> Taken:
        """Write one record; the same record again changes nothing. Safe to run again after a rollback."""
        taken = Taken(apply_incident(session, incident, at_ms))
        if not taken.change.applied:
            return taken
        targets = route(incident, self._registry, self._alert)
        known = informed(session, incident.id)
        if taken.change.effect == "opened":
            self._say_route(session, incident, targets, at_ms)
        orders = notices(incident, taken.change, self._registry, targets, self._takes, known)
        for order in (*orders, *stills(incident, taken.change)):
            if order.notice in FOLLOW_UPS:
                taken.superseded += supersede(session, incident.id, order.target, order.revision)
            if enqueue(session, order, at_ms):
                taken.orders.append(order)
        return taken

    def _say_route(self, session: Session, incident: Incident, targets: tuple[Target, ...], at_ms: int) -> None:
        """Write into the timeline who is told, and why."""
        add_event(session, incident.id, at_ms, "routed", {"to": [[target.name, target.reason] for target in targets]})


def count(taken: Taken, incident: Incident) -> None:
    """Count and log what a record did, once its transaction is committed."""
    metrics.INCIDENTS.labels(taken.change.effect).inc()
    if not taken.change.applied:
        metrics.IGNORED.labels(taken.change.reason.partition(":")[0]).inc()
    for order in taken.orders:
        metrics.QUEUED.labels(order.channel, order.notice).inc()
    if taken.superseded:
        metrics.SUPERSEDED.labels("newer_revision").inc(taken.superseded)
    log.info(
        "incident." + taken.change.effect,
        trace=incident.trace,
        incident=incident.id,
        kind=incident.kind,
        camera=incident.camera,
        revision=incident.revision,
        reason=taken.change.reason,
        notices=[f"{order.notice} {order.target}" for order in taken.orders],
    )

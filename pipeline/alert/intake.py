"""One incident record in: the incident, its timeline and its outbox rows are written in one transaction."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

import structlog
from sqlalchemy.orm import Session

from pipeline.alert import metrics
from pipeline.alert.digest import Teller
from pipeline.alert.notices import notices, stills
from pipeline.alert.routing import Route, Suppressed, Target, place_of, route
from pipeline.alert.rules import DESK, Rules
from pipeline.bus.records import Incident
from pipeline.store.digests import Told, tellings
from pipeline.store.escalation_rules import limit_ms
from pipeline.store.escalations import catch_up, start
from pipeline.store.incidents import apply_incident, get
from pipeline.store.outbox import FOLLOW_UPS, Order, informed, supersede
from pipeline.store.places import add_places
from pipeline.store.revisions import Change
from pipeline.store.tables import Document, Notice
from pipeline.store.timeline import add_event, take_turn
from pipeline.store.told import routes_of

log = structlog.get_logger(__name__)


@dataclass
class Taken:
    """What one record did: the change, the rows written, how many waiting ones they replaced, and who is not told."""

    change: Change
    orders: list[Order] = field(default_factory=list)
    superseded: int = 0
    suppressed: list[Suppressed] = field(default_factory=list)


class Intake:
    """Writes incidents with the notices they make.

    Args:
        rules: What routing goes by.
        takes: The notices that each channel sends, by channel.
        teller: Writes the notices, in a storm for a digest; None = one by the alert section.
    """

    def __init__(self, rules: Rules, takes: Mapping[str, Set[Notice]], teller: Teller | None = None) -> None:
        self._rules, self._takes = rules, takes
        alert = rules.alert
        self._teller = teller or Teller(rules.registry, alert.storm, alert.update_every_s, takes)

    def take(self, session: Session, incident: Incident, at_ms: int) -> Taken:
        """Write one record; the same record again changes nothing. Safe to run again after a rollback."""
        incident = self._placed(session, incident)
        taken = Taken(apply_incident(session, incident, at_ms))
        if not taken.change.applied:
            return taken
        way = route(incident, self._rules, at_ms)
        told = tellings(session, incident.id)
        known = informed(session, incident.id) | told.keys()
        beside = (target for target in way.targets if target.channel == "desk" and target.role == "neighbour")
        add_places(session, incident.id, [target.name.removeprefix(DESK) for target in beside])
        taken.suppressed = self._say_route(session, incident, way, known, at_ms)
        targets = (*way.targets, *_still_listening(told, way))
        orders = notices(incident, taken.change, self._rules.registry, targets, self._takes, known)
        for order in (*orders, *stills(incident, taken.change)):
            if order.notice in FOLLOW_UPS:
                taken.superseded += supersede(session, incident.id, order.target, order.revision)
            put = self._teller.put(session, order, incident.kelurahan, at_ms, told)
            if put == "gathered":
                told[order.target] = Told(order.target, order.channel, "", by_digest=True)
            if put in ("queued", "gathered"):
                taken.orders.append(order)
        self._escalate(session, incident, at_ms)
        return taken

    def _placed(self, session: Session, incident: Incident) -> Incident:
        """Return the record with the kelurahan that routing goes by, from its opening to its end.

        The confirm stage may know the camera at another place than the desk by now. Whoever is told must also find the
        incident, and a siren that was switched on must be switched off.
        """
        take_turn(session)
        row = get(session, incident.id)
        code = row.kelurahan if row is not None else place_of(incident, self._rules.registry)[0]
        return incident if code == incident.kelurahan else incident.model_copy(update={"kelurahan": code})

    def _escalate(self, session: Session, incident: Incident, at_ms: int) -> None:
        """Begin the escalation of a new incident; hold that of one that closed, let that of one seen again go on."""
        deadlines = self._rules.alert.escalation.deadlines
        start(session, incident.id, at_ms, limit_ms("post", incident.kind, deadlines))
        catch_up(session, incident.id, at_ms)

    def _say_route(
        self, session: Session, incident: Incident, way: Route, known: Set[str], at_ms: int
    ) -> list[Suppressed]:
        """Write into the timeline who is told that was not before, and why; who is not told is named there once.

        Returns:
            Those whom a quiet rule keeps from being told, as far as the timeline did not say so before.
        """
        joined = [target for target in way.targets if target.name not in known and self._learns(target)]
        quiet = list(way.suppressed)
        if quiet:
            earlier = routes_of(session, incident.id)
            named = {name for detail in earlier for name, *_ in detail.get("quiet", [])}
            quiet = [one for one in quiet if one.target.name not in named | known]
        if not (joined or quiet):
            return []
        detail: Document = {"to": [[target.name, target.reason, target.role, target.by] for target in joined]}
        if quiet:
            detail["quiet"] = [[one.target.name, one.why, one.by] for one in quiet]
        if not known and way.untold:
            detail["untold"] = [[one.agency, one.why, one.reason] for one in way.untold]
        add_event(session, incident.id, at_ms, "routed", detail)
        return quiet

    def _learns(self, target: Target) -> bool:
        """Say whether a target's channel tells of openings at all."""
        return "opened" in self._takes.get(target.channel, frozenset())


def _still_listening(told: Mapping[str, Told], way: Route) -> list[Target]:
    """Return who was told before and is not on the way any more: off duty, quiet hours, escalation, a forward.

    They know of the incident, so they hear how it ends.
    """
    named = {target.name for target in way.targets}
    return [Target(one.target, one.channel, one.why) for name, one in told.items() if name not in named]


def count(taken: Taken, incident: Incident) -> None:
    """Count and log what a record did, once its transaction is committed."""
    metrics.INCIDENTS.labels(taken.change.effect).inc()
    if not taken.change.applied:
        metrics.IGNORED.labels(taken.change.reason.partition(":")[0]).inc()
    for order in taken.orders:
        metrics.QUEUED.labels(order.channel, order.notice).inc()
    for one in taken.suppressed:
        metrics.SUPPRESSED.labels(one.reason).inc()
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
        suppressed=[f"{one.target.name}: {one.why}" for one in taken.suppressed],
    )

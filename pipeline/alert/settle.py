"""What becomes of an outbox row after its delivery was tried; one transaction each."""

from dataclasses import dataclass
from typing import Literal

import structlog
from sqlalchemy.orm import Session

from pipeline.alert import metrics
from pipeline.alert.backoff import Draw, delay_ms
from pipeline.alert.channels.base import Outcome, Refused, Retry, Sent
from pipeline.ops.sections import AlertSection, Kind
from pipeline.store.drills import EXERCISES, mark_sent
from pipeline.store.escalations import first_notice
from pipeline.store.incidents import get
from pipeline.store.outbox import bury, complete, concerned, held, opened_by, put_off, rest
from pipeline.store.tables import OutboxRow
from pipeline.store.timeline import add_event

log = structlog.get_logger(__name__)


OPENINGS = frozenset({"opened", "digest"})
"""Notices by which a target first hears of an incident."""
UNANSWERED = frozenset({"timeout", "connection"})
"""Failures after which nobody knows whether the target took it."""


@dataclass(frozen=True)
class Tried:
    """What a channel said of a delivery, and when it began and ended, epoch ms."""

    outcome: Outcome
    began_ms: int
    ended_ms: int


@dataclass(frozen=True)
class Timing:
    """How long an opening took: camera to sending, and sending to the receiver's word (None: it gave none)."""

    kind: Kind
    kota: str
    camera_to_sent_s: float
    sent_to_delivered_s: float | None


@dataclass(frozen=True)
class Settled:
    """How a row ended: its state now (or that the lease was lost) and a metric label.

    `alerted` holds the incidents whose first notice it was: kind, and seconds from the camera. A digest may be it of
    several.
    """

    became: Literal["sent", "pending", "superseded", "dead", "lost"]
    label: str = ""
    alerted: tuple[tuple[Kind, float], ...] = ()
    timings: tuple[Timing, ...] = ()


def settle(session: Session, seen: OutboxRow, tried: Tried, alert: AlertSection, draw: Draw) -> Settled:
    """Write the outcome of a delivery, if the lease still holds.

    Args:
        session: A writing transaction.
        seen: The row as it was leased.
        tried: What the channel said, and when.
        alert: Waits and the time after which a row is given up.
        draw: Jitter.
    """
    row = held(session, seen.id, seen.lease)
    if row is None:
        return Settled("lost")
    at_ms = tried.ended_ms
    match tried.outcome:
        case Sent(receipt=receipt):
            complete(session, row, at_ms, dict(receipt))
            rest(session, row, at_ms + int(1000 * alert.update_every_s))
            return Settled("sent", alerted=_delivered(session, row, at_ms), timings=_timings(session, row, tried))
        case Refused(label=label, reason=reason):
            bury(session, row, at_ms, reason)
            return Settled("dead", label)
        case Retry(label=label, reason=reason, after_s=after_s):
            if at_ms - row.created_ms >= alert.give_up_after_s * 1000:
                bury(session, row, at_ms, f"given up after {alert.give_up_after_s:g} s: {reason}")
                return Settled("dead", "gave_up")
            wait_ms = delay_ms(row.attempts, alert.retry_min_s, alert.retry_max_s, draw)
            if after_s is not None:
                wait_ms = max(wait_ms, int(1000 * min(after_s, alert.retry_max_s)))
            if row.attempts == 1 and row.notice != "still":
                detail = {"notice": row.notice, "target": row.target, "reason": reason}
                for incident_id in concerned(session, row):
                    add_event(session, incident_id, at_ms, "delivery_failed", detail)
            return Settled("pending" if put_off(session, row, at_ms + wait_ms, reason) else "superseded", label)


def _delivered(session: Session, row: OutboxRow, at_ms: int) -> tuple[tuple[Kind, float], ...]:
    """Write the receipt into the timeline; at an incident's first opening also when and how fast it was told."""
    if row.notice == "still":
        return ()
    detail = {"notice": row.notice, "target": row.target, "channel": row.channel, "receipt": row.receipt}
    alerted: list[tuple[Kind, float]] = []
    for incident_id in concerned(session, row):
        add_event(session, incident_id, at_ms, "delivered", {**detail, "attempts": row.attempts})
        incident = get(session, incident_id) if row.notice in OPENINGS else None
        if incident is None or incident.alerted_ms is not None:
            continue
        incident.alerted_ms = at_ms
        seconds = max(0, at_ms - incident.first_seen_ms) / 1000
        add_event(session, incident.id, at_ms, "alerted", {"seconds": seconds, "target": row.target})
        first_notice(session, incident.id, at_ms)
        alerted.append((incident.kind, seconds))
    if row.notice in EXERCISES:
        mark_sent(session, row.incident_id, at_ms)
    return tuple(alerted)


def _timings(session: Session, row: OutboxRow, tried: Tried) -> tuple[Timing, ...]:
    """Return how long the incidents took of which this row was the opening."""
    confirmed = isinstance(tried.outcome, Sent) and tried.outcome.receipt.get("receipt") == "delivered"
    delivered_s = max(0, tried.ended_ms - tried.began_ms) / 1000 if confirmed else None
    found: list[Timing] = []
    for incident_id in opened_by(session, row):
        incident = get(session, incident_id)
        if incident is not None:
            kota = ".".join(incident.kelurahan.split(".")[:2])
            sent_s = max(0, tried.began_ms - incident.first_seen_ms) / 1000
            found.append(Timing(incident.kind, kota, sent_s, delivered_s))
    return tuple(found)


def count(settled: Settled, row: OutboxRow, outcome: Outcome) -> None:
    """Count and log how a row ended, once its transaction is committed."""
    told = log.bind(incident=row.incident_id, notice=row.notice, target=row.target, attempt=row.attempts)
    if settled.became == "sent":
        metrics.SENT.labels(row.channel, row.notice).inc()
        told.info("delivery.sent")
    elif settled.became == "lost":
        metrics.LEASES_LOST.labels(row.channel).inc()
        told.warning("delivery.lease_lost", reason="another worker has the row, or has finished it")
    else:
        reason = "" if isinstance(outcome, Sent) else outcome.reason
        if settled.became == "dead":
            metrics.DEAD.labels(row.channel, settled.label).inc()
            told.error("delivery.given_up", reason=reason)
        else:
            metrics.RETRIES.labels(row.channel, settled.label).inc()
            if settled.became == "pending" and settled.label in UNANSWERED:
                metrics.REPEATED.labels(row.channel, "unanswered").inc()
            told.warning("delivery.put_off", reason=reason, state=settled.became)
        if settled.became == "superseded":
            metrics.SUPERSEDED.labels("newer_revision").inc()
    for timing in settled.timings:
        metrics.CAMERA_TO_SENT.labels(timing.kind, timing.kota).observe(timing.camera_to_sent_s)
        if timing.sent_to_delivered_s is not None:
            metrics.SENT_TO_DELIVERED.labels(timing.kind, timing.kota).observe(timing.sent_to_delivered_s)
    for kind, seconds in settled.alerted:
        metrics.CAMERA_TO_ALERT.labels(kind).observe(seconds)
        told.info("incident.alerted", kind=kind, seconds=seconds)

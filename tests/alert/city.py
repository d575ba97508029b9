"""Intake, escalation, digests and lanes over one database, a clock that a test moves, channels that remember."""

import threading
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY

from pipeline.alert.channels.base import NOTICES, Outcome, Sent
from pipeline.alert.channels.desk import DeskChannel
from pipeline.alert.digest import Teller
from pipeline.alert.escalation import Escalator
from pipeline.alert.escalation_watch import EscalationWatch
from pipeline.alert.intake import Intake, Taken
from pipeline.alert.lane import Lane
from pipeline.alert.rules import Rules
from pipeline.alert.worker import takes_of
from pipeline.bus.records import Incident
from pipeline.ops.settings import Settings
from pipeline.store.database import Database, open_database
from pipeline.store.incidents import Decided, decide, get
from pipeline.store.outbox import of_incident
from pipeline.store.tables import Decision, Notice, OutboxRow
from pipeline.store.timeline import Event, events_of
from tests.alert.making import T0, incident, registry, settings_at

DEADLINES = {"fire": {"post_s": 60, "kecamatan_s": 40, "kota_s": 30, "city_s": 20}}
LEVELS = {"kecamatan": ("webhook:camat",), "kota": ("webhook:kota",), "city": ("webhook:siaga112",)}


def sample(name: str, **labels: str) -> float:
    """The value of a metric now, 0 where it was never set."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


@dataclass
class Ear:
    """A channel that takes everything and keeps what it was given; `answers` come first."""

    name: str
    targets: Set[str] | None = None
    takes: Set[Notice] = NOTICES
    lease_s: float = 1.0
    heard: list[OutboxRow] = field(default_factory=list)
    answers: list[Outcome] = field(default_factory=list)

    def deliver(self, row: OutboxRow) -> Outcome:
        """Take it."""
        if self.answers:
            return self.answers.pop(0)
        self.heard.append(row)
        return Sent({"receipt": "delivered"})

    def close(self) -> None:
        """Nothing to let go of."""

    def keys(self, target: str = "") -> list[str]:
        """The idempotency keys that a target heard, or all of them."""
        return [row.idempotency_key for row in self.heard if not target or row.target == target]


def alert_section(**more: Any) -> dict[str, Any]:
    """Two receivers that hear everything, one for each level above the post, short deadlines."""
    names = ("a", "b", "camat", "kota", "siaga112")
    hooks = [{"name": name, "url": f"http://{name}.invalid/", "secret": "x" * 20} for name in names]
    return {"webhooks": hooks, "escalation": {"deadlines": DEADLINES, "targets": LEVELS}, **more}


SQLITE = "sqlite:///var/siaga.db"


@contextmanager
def sqlite(folder: Path) -> Iterator[Database]:
    """An open, migrated SQLite database, where a city's channels look for it, too."""
    opened = open_database(settings_at(folder, store={"url": SQLITE}))
    opened.migrate()
    try:
        yield opened
    finally:
        opened.close()


class City:
    """The alert stage without bus and threads: a test calls what the threads would."""

    def __init__(self, folder: Path, database: Database, url: str = SQLITE, **alert: Any) -> None:
        self.settings: Settings = settings_at(
            folder, store={"url": url or "sqlite:///var/siaga.db"}, alert=alert_section(**alert)
        )
        self.database, self.now, self.stop = database, T0 + 4000, threading.Event()
        self.ear = Ear("webhook")
        self.channels: list[Any] = [DeskChannel(), self.ear]
        self.again()

    def again(self) -> None:
        """Begin anew over the same database, as after a crash."""
        alert, takes = self.settings.alert, takes_of(self.channels)
        rules = Rules(registry(), alert)
        self.teller = Teller(rules.registry, alert.storm, alert.update_every_s, takes)
        self.intake = Intake(rules, takes, self.teller)
        escalator = Escalator(rules, takes, self.teller)
        self.watch = EscalationWatch(escalator, self.teller, self.database, lambda: None, self.stop, self.clock)
        self.lanes = [
            Lane(channel, self.database, alert, "w", self.stop, self.clock, lambda: 1.0) for channel in self.channels
        ]

    def clock(self) -> int:
        """Now, epoch ms."""
        return self.now

    def take(self, record: Incident) -> Taken:
        """Write one record."""
        return self.database.transact(lambda session: self.intake.take(session, record, self.now))

    def open(self, number: int, **changes: Any) -> Taken:
        """Write a new incident."""
        return self.take(incident(f"i{number}", **changes))

    def deliver(self) -> None:
        """Let every lane send all that is due."""
        for lane in self.lanes:
            while lane.work():
                pass

    def wait(self, seconds: float) -> int:
        """Let time pass, then do what fell due; return how many steps and digests that was."""
        self.now += int(1000 * seconds)
        return self.watch.round()

    def decide(self, id_: str, decision: Decision, expected: Decision = "waiting", undo: bool = False) -> Decided:
        """Decide at the desk."""
        return self.database.transact(
            lambda session: decide(session, id_, decision, expected=expected, actor="budi", at_ms=self.now, undo=undo)
        )

    def rows(self, id_: str) -> list[OutboxRow]:
        """The outbox rows of an incident, without the still."""
        with self.database.reading() as session:
            return [row for row in of_incident(session, id_) if row.notice != "still"]

    def events(self, id_: str, what: str = "") -> list[Event]:
        """The timeline of an incident, or its lines of one sort."""
        with self.database.reading() as session:
            return [event for event in events_of(session, id_) if not what or event.what == what]

    def levels(self, id_: str) -> list[str]:
        """The levels that an incident was escalated to."""
        return [str(event.detail["level"]) for event in self.events(id_, "escalated")]

    def alerted_ms(self, id_: str) -> int | None:
        """When the first notice of an incident was sent."""
        with self.database.reading() as session:
            row = get(session, id_)
            return None if row is None else row.alerted_ms

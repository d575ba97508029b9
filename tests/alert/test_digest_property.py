"""Whatever comes in whatever order, every target is told of every incident exactly once: alone or by a digest."""

import tempfile
from collections import Counter
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pipeline.alert.channels.base import Retry
from pipeline.store.database import Database, open_database
from pipeline.store.tables import OutboxRow
from tests.alert.city import City
from tests.alert.making import incident, settings_at
from tests.alert.test_digest import storm_city, told

TARGETS = ("webhook:a", "webhook:b")
STORM = {"incidents": 3, "window_s": 60, "gather_s": 10, "every_s": 30, "lines": 4}


URL = "sqlite:///siaga.db"


@cache
def migrated() -> bytes:
    """An empty database with all tables, made once."""
    with tempfile.TemporaryDirectory() as folder:
        made = open_database(settings_at(Path(folder), store={"url": URL}))
        made.migrate()
        with made.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        made.close()
        return (Path(folder) / "siaga.db").read_bytes()


class CrashError(Exception):
    """The worker dies before its transaction is committed."""


class Storms(RuleBasedStateMachine):
    """Incidents, time, deliveries, failures, restarts and crashes, in any order."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        place = Path(self.folder.name)
        (place / "siaga.db").write_bytes(migrated())
        self.database: Database = open_database(settings_at(place, store={"url": URL}))
        self.city: City = storm_city(place, self.database, URL, storm=STORM)
        self.opened = 0
        self.keys: dict[str, tuple[str, str]] = {}

    @rule(number=st.integers(1, 4))
    def incidents_open(self, number: int) -> None:
        for _ in range(number):
            self.city.open(self.opened)
            self.opened += 1

    @rule(which=st.integers(0, 30), state=st.sampled_from(["updated", "closed"]), revision=st.integers(2, 5))
    def an_incident_goes_on(self, which: int, state: str, revision: int) -> None:
        if which < self.opened:
            self.city.take(incident(f"i{which}", revision=revision, state=state))

    @rule(seconds=st.sampled_from([0.1, 1, 5, 10, 31, 61]))
    def time_passes(self, seconds: float) -> None:
        self.city.wait(seconds)

    @rule()
    def lanes_deliver(self) -> None:
        self.city.deliver()

    @rule(number=st.integers(1, 3))
    def the_receiver_is_down(self, number: int) -> None:
        self.city.ear.answers = [Retry("http_5xx", "HTTP 500")] * number
        self.city.lanes[1].work()
        self.city.ear.answers = []

    @rule()
    def the_worker_starts_again(self) -> None:
        self.city.again()

    @rule()
    def the_worker_dies_while_it_writes(self) -> None:
        def die(session: sa.orm.Session) -> None:
            self.city.intake.take(session, incident(f"i{self.opened}"), self.city.now)
            self.city.teller.compose(session, self.city.now)
            raise CrashError

        try:
            self.database.transact(die)
        except CrashError:
            self.city.again()

    @invariant()
    def a_key_means_the_same_for_ever(self) -> None:
        with self.database.reading() as session:
            for row in session.scalars(sa.select(OutboxRow).where(OutboxRow.notice == "digest")):
                said = str(row.payload)
                assert self.keys.setdefault(row.idempotency_key, (row.target, said)) == (row.target, said)

    def waiting(self) -> bool:
        """Whether anything is still to be sent."""
        with self.database.reading() as session:
            ended = ("sent", "superseded", "digested")
            return session.scalar(sa.select(OutboxRow.id).where(OutboxRow.state.not_in(ended)).limit(1)) is not None

    def teardown(self) -> None:
        """Let everything settle, then look who was told of what."""
        for _ in range(40):
            self.city.wait(31)
            self.city.deliver()
            if not self.waiting():
                break
        every = Counter({f"i{number}": 1 for number in range(self.opened)})
        for target in TARGETS:
            assert told(self.city, target) == every
        assert not self.waiting()
        self.database.close()
        self.folder.cleanup()


Storms.TestCase.settings = settings(
    max_examples=12, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
)
TestStorms = Storms.TestCase

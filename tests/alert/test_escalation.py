"""An incident that nobody accepts goes up level by level, on both databases, with an injected clock."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.alert.channels.base import Retry
from pipeline.store.audit_tables import AuditRow
from pipeline.store.database import Database
from pipeline.store.escalation_tables import EscalationRow
from pipeline.store.forwards import forward, take_back
from pipeline.store.incidents import get
from pipeline.store.oversight import overdue
from pipeline.store.tables import IncidentRow
from tests.alert.city import City, sample, sqlite
from tests.alert.making import GAMBIR, T0, incident, registry


@pytest.fixture
def both(tmp_path: Path, url: str, database: Database) -> City:
    """A calm city, on SQLite and on PostgreSQL: 60 s for the post, 40 s, 30 s and 20 s for the levels above."""
    return City(tmp_path, database, url)


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    """The same on SQLite alone, for what is not about transactions."""
    with sqlite(tmp_path) as opened:
        yield City(tmp_path, opened)


def opened(city: City) -> None:
    """Open an incident whose first notice is sent at once."""
    city.open(1)
    city.deliver()


def test_nobody_accepts_and_it_goes_up_level_by_level(both: City) -> None:
    before = sample("siaga_alert_escalations_total", level="kecamatan", kind="fire")
    opened(both)
    for seconds in (59.9, 0.1, 39.9, 0.1, 29.9, 0.1, 19.9, 0.1, 3600):
        both.wait(seconds)
        both.deliver()
        told = [
            ((event.at_ms - T0 - 4000) / 1000, str(event.detail["name"])) for event in both.events("i1", "escalated")
        ]
    assert told == [(60, "Kecamatan Gambir"), (100, "Kota Administrasi Jakarta Pusat"), (130, "Jakarta Siaga 112")]
    assert both.ear.keys("webhook:camat") == ["i1:escalated-kecamatan:webhook:camat"]
    assert both.ear.keys("webhook:kota") == ["i1:escalated-kota:webhook:kota"]
    assert both.ear.keys("webhook:siaga112") == ["i1:escalated-city:webhook:siaga112"]
    assert both.ear.keys("webhook:a") == ["i1:opened:webhook:a"], "the post is not told again"
    assert [event.at_ms for event in both.events("i1", "unanswered")] == [T0 + 4000 + 150_000]
    assert sample("siaga_alert_escalations_total", level="kecamatan", kind="fire") == before + 1


def test_the_notice_says_who_was_asked_and_for_how_long(city: City) -> None:
    opened(city)
    city.wait(60)
    city.wait(41)
    city.deliver()
    said = next(row for row in city.ear.heard if row.target == "webhook:kota").payload
    assert said["notice"] == "escalated"
    assert said["escalation"] == {
        "level": "kota",
        "name": "Kota Administrasi Jakarta Pusat",
        "seconds": 101,
        "asked": [
            {"level": "post", "name": "Kelurahan Gambir", "at_ms": T0 + 4000, "seconds": 60},
            {"level": "kecamatan", "name": "Kecamatan Gambir", "at_ms": T0 + 64_000, "seconds": 41},
        ],
    }
    line = city.events("i1", "escalated")[0].detail
    assert (line["asked_name"], line["seconds"], line["name"]) == ("Kelurahan Gambir", 60, "Kecamatan Gambir")
    assert [name for name, _ in line["to"]] == ["desk:31.71.01", "webhook:camat"]


def test_the_desks_of_the_level_have_a_receipt(city: City) -> None:
    opened(city)
    city.wait(60)
    city.deliver()
    sent = [event.detail["target"] for event in city.events("i1", "delivered") if event.detail["notice"] == "escalated"]
    assert sorted(sent) == ["desk:31.71.01", "webhook:camat"]


def test_the_deadline_runs_from_when_the_first_notice_was_sent(city: City) -> None:
    city.open(1)
    city.now += 30_000
    city.deliver()
    assert city.alerted_ms("i1") == city.now
    assert city.wait(59.9) == 0
    assert city.wait(0.1) == 1


def test_a_notice_that_never_goes_out_does_not_keep_the_others_in_the_dark(city: City) -> None:
    city.open(1)
    assert city.wait(59) == 0
    assert city.wait(1) == 1
    assert city.levels("i1") == ["kecamatan"]


@pytest.mark.parametrize("decision", ["accepted", "coordination", "done", "false_alarm"])
def test_any_decision_stops_it(city: City, decision: str) -> None:
    opened(city)
    city.wait(30)
    city.decide("i1", decision)  # type: ignore[arg-type]
    assert city.wait(7200) == 0
    assert city.levels("i1") == []


def test_a_forward_stops_it_and_taking_it_back_lets_it_go_on(both: City) -> None:
    opened(both)
    both.wait(30)
    with both.database.session() as session:
        assert forward(
            session, "i1", "damkar", expected="waiting", actor="budi", at_ms=both.now, registry=registry()
        ).ok
    assert both.wait(600) == 0
    both.decide("i1", "waiting", "disposition", undo=True)
    with both.database.session() as session:
        take_back(session, "i1", both.now, "budi", both.now)
    assert both.wait(29.9) == 0
    assert both.wait(0.1) == 1


def test_an_undone_decision_goes_on_with_what_was_left(both: City) -> None:
    opened(both)
    both.wait(50)
    both.decide("i1", "accepted")
    both.wait(20)
    both.decide("i1", "waiting", "accepted", undo=True)
    assert both.wait(9.9) == 0
    assert both.wait(0.1) == 1
    assert both.levels("i1") == ["kecamatan"]


def test_what_is_seen_no_more_stops_and_goes_on_when_seen_again(city: City) -> None:
    opened(city)
    city.wait(45)
    city.take(incident(revision=2, state="closed"))
    assert city.wait(600) == 0
    city.take(incident(revision=3, state="updated"))
    assert city.wait(14.9) == 0
    assert city.wait(0.1) == 1


def test_closed_and_undone_waits_until_it_is_seen_again(city: City) -> None:
    opened(city)
    city.wait(45)
    city.decide("i1", "accepted")
    city.take(incident(revision=2, state="closed"))
    city.decide("i1", "waiting", "accepted", undo=True)
    assert city.wait(600) == 0
    city.take(incident(revision=3, state="updated"))
    assert city.wait(15) == 1


def test_a_first_record_that_is_closed_already_begins_none(city: City) -> None:
    city.take(incident(state="closed"))
    city.deliver()
    assert city.wait(7200) == 0


def test_a_level_that_is_told_too_late_is_not_told(both: City) -> None:
    withdrawn = sample("siaga_alert_escalations_withdrawn_total", reason="decided")
    opened(both)
    both.wait(60)
    both.decide("i1", "accepted")
    both.deliver()
    assert both.ear.keys("webhook:camat") == []
    assert sample("siaga_alert_escalations_withdrawn_total", reason="decided") == withdrawn + 2
    both.decide("i1", "waiting", "accepted", undo=True)
    both.deliver()
    assert both.ear.keys("webhook:camat") == ["i1:escalated-kecamatan:webhook:camat"]


def test_who_was_told_by_escalation_hears_how_it_ends(city: City) -> None:
    opened(city)
    city.wait(60)
    city.deliver()
    city.take(incident(revision=2, state="closed"))
    city.deliver()
    assert city.ear.keys("webhook:camat") == ["i1:escalated-kecamatan:webhook:camat", "i1:closed-2:webhook:camat"]


def test_after_an_outage_it_goes_up_once_and_each_level_has_its_own_time(city: City) -> None:
    opened(city)
    city.now += 3_600_000  # all deadlines together are long over
    city.again()
    assert [city.wait(0), city.wait(0.5), city.wait(0.5)] == [1, 0, 0]
    assert city.levels("i1") == ["kecamatan"]
    assert city.wait(38.9) == 0
    assert city.wait(0.1) == 1
    assert city.levels("i1") == ["kecamatan", "kota"]


def test_a_restart_changes_no_deadline(city: City) -> None:
    opened(city)
    city.wait(59)
    city.again()
    assert city.wait(0.9) == 0
    city.again()
    assert city.wait(0.1) == 1


def test_two_workers_never_take_the_same_step(both: City) -> None:
    for number in range(12):
        both.open(number)
    both.deliver()
    both.now += 61_000
    escalator = both.watch._escalator

    def work(_: int) -> int:
        return len(both.database.transact(lambda session: escalator.work(session, both.now)))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(8))) == 12
    for number in range(12):
        assert both.levels(f"i{number}") == ["kecamatan"]
        keys = [row.idempotency_key for row in both.rows(f"i{number}") if row.notice == "escalated"]
        assert len(keys) == len(set(keys)) == 2


def test_a_step_that_is_rolled_back_is_taken_whole_the_next_time(both: City) -> None:
    opened(both)
    both.now += 60_000
    before = sample("siaga_alert_escalations_total", level="kecamatan", kind="fire")

    class CrashError(Exception):
        """The worker dies before it commits."""

    def die(session: sa.orm.Session) -> None:
        both.watch._escalator.work(session, both.now)
        raise CrashError

    with pytest.raises(CrashError):
        both.database.transact(die)
    assert both.levels("i1") == []
    assert [row.notice for row in both.rows("i1")].count("escalated") == 0
    assert both.wait(0) == 1
    assert sample("siaga_alert_escalations_total", level="kecamatan", kind="fire") == before + 1


def test_the_gauge_agrees_with_what_was_told(both: City) -> None:
    opened(both)

    def late() -> dict[str, int]:
        with both.database.reading() as session:
            found = overdue(session, both.now, both.settings.alert.escalation.deadlines)
            return {str(level): number for level, number in found.items()}

    assert late() == {"post": 0, "kecamatan": 0, "kota": 0, "city": 0}
    both.now += 60_000
    assert late()["post"] == 1, "overdue in the moment it is due"
    both.wait(0)
    assert late() == {"post": 1, "kecamatan": 0, "kota": 0, "city": 0}
    for seconds in (40, 30, 20):
        both.wait(seconds)
    assert late() == {"post": 1, "kecamatan": 1, "kota": 1, "city": 1}
    both.decide("i1", "accepted")
    assert late() == {"post": 0, "kecamatan": 0, "kota": 0, "city": 0}


def test_a_record_that_cannot_be_read_stops_only_itself(city: City) -> None:
    city.open(1)
    city.open(2)
    city.deliver()
    with city.database.session() as session:
        row = get(session, "i1")
        assert row is not None
        row.record = {"schema": 99}
    city.wait(61)
    assert (city.levels("i1"), city.levels("i2")) == ([], ["kecamatan"])
    assert city.wait(600) >= 1


def test_a_target_that_is_down_does_not_stop_the_clock(city: City) -> None:
    opened(city)
    city.ear.answers = [Retry("http_5xx", "HTTP 500", after_s=300)] * 2
    city.wait(60)
    city.deliver()
    assert city.wait(40) == 1
    assert city.levels("i1") == ["kecamatan", "kota"]


def test_an_incident_that_is_removed_takes_its_escalation_with_it(both: City) -> None:
    opened(both)
    with both.database.session() as session:
        session.execute(sa.delete(AuditRow))
        session.execute(sa.delete(IncidentRow).where(IncidentRow.id == "i1"))
        assert session.scalar(sa.select(sa.func.count()).select_from(EscalationRow)) == 0
    assert both.wait(600) == 0


def test_an_incident_of_before_is_taken_up_with_its_next_record(city: City) -> None:
    opened(city)
    with city.database.session() as session:
        session.execute(sa.delete(EscalationRow))
    assert city.wait(600) == 0
    city.take(incident(revision=2, state="updated"))
    assert city.wait(60) == 1


def test_no_kelurahan_goes_to_the_city_room_at_each_level(city: City) -> None:
    city.take(incident(camera="cam-99", kelurahan=""))
    city.deliver()
    city.wait(60)
    line = city.events("i1", "escalated")[0].detail
    assert line["to"][0][0] == "desk:kota"
    assert GAMBIR not in str(line)

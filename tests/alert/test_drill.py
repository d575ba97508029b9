"""The weekly drill: when it is held, whom it tells, how it ends, what is counted; no incident anywhere."""

import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from prometheus_client import REGISTRY
from pydantic import ValidationError

from pipeline.alert.channels import build
from pipeline.alert.channels.base import Channel
from pipeline.alert.content import read
from pipeline.alert.drill import BUSY, LATE_MS, Drills, orders_of, scheduled, targets_of
from pipeline.alert.lane import Lane
from pipeline.alert.rules import rules_of
from pipeline.alert.wording import words
from pipeline.ops.settings import Settings
from pipeline.ops.upkeep import DrillSection
from pipeline.store import cap, drills
from pipeline.store.database import Database
from pipeline.store.incidents import apply_incident, list_incidents
from pipeline.store.outbox import of_incident
from pipeline.store.tables import OutboxRow
from pipeline.store.timeline import events_of
from tests.alert.channels.proof import proves
from tests.alert.making import GAMBIR, SENEN, incident, registry, settings_at, webhook
from tests.alert.receiver import receiver

ZONE = ZoneInfo("Asia/Jakarta")
THURSDAY = int(datetime(2026, 11, 26, 10, 0, tzinfo=ZONE).timestamp() * 1000)
DAY = 86_400_000
DRILL = {"enabled": True, "weekday": "thursday", "time": "10:00"}


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_the_time_comes_once_a_week() -> None:
    section = DrillSection(**DRILL)
    assert scheduled(section, THURSDAY - 1, ZONE) is None
    assert scheduled(section, THURSDAY, ZONE) == THURSDAY
    assert scheduled(section, THURSDAY + LATE_MS, ZONE) == THURSDAY
    assert scheduled(section, THURSDAY + LATE_MS + 1, ZONE) is None
    assert scheduled(section, THURSDAY + 7 * DAY + 5, ZONE) == THURSDAY + 7 * DAY
    assert scheduled(DrillSection(**{**DRILL, "enabled": False}), THURSDAY, ZONE) is None


@given(st.integers(0, 4_000_000_000_000), st.sampled_from(["monday", "thursday", "sunday"]), st.integers(0, 1439))
def test_it_is_held_only_on_its_day_at_its_time(now: int, weekday: str, minute: int) -> None:
    section = DrillSection(enabled=True, weekday=weekday, time=f"{minute // 60:02}:{minute % 60:02}")
    at_ms = scheduled(section, now, ZONE)
    if at_ms is not None:
        local = datetime.fromtimestamp(at_ms / 1000, ZONE)
        assert 0 <= now - at_ms <= LATE_MS
        assert f"{local:%A}".lower() == weekday
        assert (local.hour * 60 + local.minute, local.second) == (minute, 0)


@pytest.mark.parametrize(("key", "value"), [("weekday", "Kamis"), ("time", "24:00"), ("kelurahan", ["Gambir"])])
def test_a_wrong_setting_is_refused_by_name(key: str, value: object) -> None:
    with pytest.raises(ValidationError, match=key):
        DrillSection.model_validate({**DRILL, key: value})


class Bench:
    """A stage's drills with a clock that a test moves, and all its lanes."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings, self.database, self.now = settings, database, THURSDAY - 5000
        self.rules = rules_of(settings, registry())
        self.channels: list[Channel] = build(settings, {}, self.clock)
        self.drills = Drills(self.rules, database, self.channels, self.clock)

    def clock(self) -> int:
        return self.now

    def deliver(self) -> None:
        for channel in self.channels:
            stop = threading.Event()
            lane = Lane(channel, self.database, self.settings.alert, "w", stop, self.clock, lambda: 1.0)
            while lane.work():
                pass
            channel.close()

    def rows(self, drill_id: str) -> list[OutboxRow]:
        with self.database.reading() as session:
            return of_incident(session, drill_id)

    def whats(self, drill_id: str) -> list[str]:
        with self.database.reading() as session:
            return [event.what for event in events_of(session, drill_id)]


@pytest.fixture
def bench(tmp_path: Path, url: str, database: Database) -> Iterator[Bench]:
    with receiver() as post, receiver() as city:
        posts = [{"name": "posko-gambir", "kelurahan": [GAMBIR], "targets": ["webhook:gambir"]}]
        alert = {"drill": {**DRILL, "answer_s": 60}, "duty": {"posts": posts}, "cap": {"feed": "public"}}
        targets = webhook("gambir", post.url), webhook("city", city.url)
        made = Bench(settings_at(tmp_path, *targets, alert=alert, store={"url": url}), database)
        yield made


HERE, THERE = f"latihan-20261126-{GAMBIR}", f"latihan-20261126-{SENEN}"


def test_every_post_is_told_once_and_measured(bench: Bench) -> None:
    seconds, accepted = sample("siaga_alert_drill_seconds_sum", kota="31.71"), "siaga_alert_drills_total"
    before = {one: sample(accepted, outcome=one) for one in ("accepted", "missed")}
    bench.drills.round()
    assert bench.whats(HERE) == []
    bench.now = THURSDAY + 1000
    bench.drills.round()
    Drills(bench.rules, bench.database, bench.channels, bench.clock).round()  # started again: not a second time
    assert [row.target for row in bench.rows(HERE)] == [f"desk:{GAMBIR}", "webhook:gambir"]
    assert [row.target for row in bench.rows(THERE)] == [f"desk:{SENEN}"]
    bench.deliver()
    assert {row.state for row in (*bench.rows(HERE), *bench.rows(THERE))} == {"sent"}
    bench.now += 21_000
    with bench.database.session() as session:
        assert drills.answer(session, HERE, "budi", bench.now).ok
    bench.now += 60_000
    bench.drills.round()
    bench.drills.round()
    assert bench.whats(HERE) == ["drill_began", "delivered", "delivered", "drill_accepted"]
    assert bench.whats(THERE) == ["drill_began", "delivered", "drill_missed"]
    assert sample("siaga_alert_drill_seconds_sum", kota="31.71") == seconds + 21
    assert {one: sample(accepted, outcome=one) - was for one, was in before.items()} == {"accepted": 1, "missed": 1}
    with bench.database.reading() as session:
        assert list_incidents(session) == []


def test_a_post_with_a_real_incident_is_left_in_peace(bench: Bench) -> None:
    before = sample("siaga_alert_drills_total", outcome="skipped")
    with bench.database.session() as session:
        apply_incident(session, incident("nyata"), THURSDAY)
    bench.drills.round()
    bench.now = THURSDAY
    bench.drills.round()
    assert bench.rows(HERE) == []
    with bench.database.reading() as session:
        row = drills.find(session, HERE)
        assert row is not None
        assert row.skipped == BUSY
        assert [one.id for one in drills.running(session, None, bench.now)] == [THERE]
    assert sample("siaga_alert_drills_total", outcome="skipped") == before + 1


def test_what_could_not_be_sent_in_time_is_not_sent_later(bench: Bench) -> None:
    bench.now = THURSDAY
    bench.drills.round()
    bench.now += 60_000
    bench.drills.round()
    assert {row.state for row in bench.rows(HERE)} == {"superseded"}
    assert "the exercise is over" in (bench.rows(HERE)[0].last_error or "")
    bench.deliver()
    assert {row.state for row in bench.rows(HERE)} == {"superseded"}


def test_only_the_scope_takes_part(bench: Bench) -> None:
    section = bench.settings.alert.drill.model_copy(update={"kelurahan": ("31.71.04",)})
    alert = bench.settings.alert.model_copy(update={"drill": section})
    rules = rules_of(bench.settings.model_copy(update={"alert": alert}), registry())
    bench.now = THURSDAY
    Drills(rules, bench.database, bench.channels, bench.clock).round()
    assert bench.whats(HERE) == []
    assert bench.whats(THERE) == ["drill_began"]


def test_everybody_hears_of_it_where_that_is_wanted(bench: Bench) -> None:
    told = targets_of(GAMBIR, bench.rules, THURSDAY, everybody=True)
    assert {target.name for target, _ in told} == {f"desk:{GAMBIR}", "webhook:gambir", "webhook:city", "cap:feed"}


@proves("cap", "marked")
def test_the_feed_says_exercise_and_test_never_actual(bench: Bench) -> None:
    told = targets_of(GAMBIR, bench.rules, THURSDAY, everybody=True)
    with bench.database.session() as session:
        for sort in ("drill", "test"):
            orders = list(orders_of(sort, f"{sort}-1", GAMBIR, told, registry(), THURSDAY))
            drills.begin(session, f"{sort}-1", sort, GAMBIR, THURSDAY, THURSDAY + 99, orders)
    bench.now = THURSDAY
    bench.deliver()
    schema = etree.XMLSchema(etree.parse(Path(__file__).parent / "channels" / "oasis" / "CAP-v1.2.xsd"))
    with bench.database.reading() as session:
        roots = [etree.fromstring(row.xml.encode()) for row in cap.feed(session, 10)]
    for root in roots:
        schema.assertValid(root)
    said = [(root.findtext("{*}status"), root.findtext("{*}info/{*}headline")) for root in roots]
    assert sorted(said, key=str) == [
        ("Exercise", "LATIHAN / UJI COBA, BUKAN KEJADIAN. Latihan: Gambir"),
        ("Test", "LATIHAN / UJI COBA, BUKAN KEJADIAN. Uji coba: Gambir"),
    ]
    assert all(root.findtext("{*}info/{*}area/{*}circle", "").startswith("-6.170000,106.820000") for root in roots)


@pytest.mark.parametrize("sort", ["drill", "test"])
def test_nobody_can_take_it_for_real(bench: Bench, sort: str) -> None:
    told = targets_of(GAMBIR, bench.rules, THURSDAY, everybody=True)
    for order in orders_of(sort, "x", GAMBIR, told, registry(), THURSDAY):  # type: ignore[arg-type]
        assert order.payload["test"] is True
        content = read(order.payload)
        assert content.is_test
        for speech, mark in (("id", "BUKAN KEJADIAN"), ("en", "NOT A REAL INCIDENT")):
            said = words(content, speech, ZONE)  # type: ignore[arg-type]
            assert mark in said.title
            assert mark in said.short
            assert "%" not in said.text

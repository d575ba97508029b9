"""Lanes and settling: what becomes of outbox rows, with an injected clock and channel."""

import threading
from collections.abc import Callable, Set
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from pipeline.alert import metrics
from pipeline.alert.backoff import FAILURES_TO_OPEN
from pipeline.alert.channels.base import Outcome, Refused, Retry, Sent
from pipeline.alert.channels.desk import DeskChannel
from pipeline.alert.intake import Intake, Taken, count
from pipeline.alert.keeper import Keeper
from pipeline.alert.lane import Lane
from pipeline.alert.rules import Rules
from pipeline.alert.still import StillFetcher
from pipeline.bus.records import Frame, FrameRef, Incident, Witness
from pipeline.ops.errors import BusError, StoreError
from pipeline.ops.health import Progress, StageHealth
from pipeline.ops.settings import Settings
from pipeline.store.database import Database
from pipeline.store.evidence import Evidence, EvidenceStore, keep_evidence, list_evidence
from pipeline.store.incidents import decide, get
from pipeline.store.outbox import Order, enqueue, lease, of_incident, put_off
from pipeline.store.tables import IncidentRow, Notice, OutboxRow
from pipeline.store.timeline import events_of
from tests.alert.channels.proof import proves
from tests.alert.making import GAMBIR, SENEN, T0, incident, registry, settings_at, webhook
from tests.waiting import wait_for

TAKES: dict[str, Set[Notice]] = {
    "desk": frozenset({"opened"}),
    "webhook": frozenset({"opened", "updated", "closed"}),
}
OUTAGE = Retry("http_5xx", "HTTP 500")


@dataclass
class Scripted:
    """A channel that answers from a list, then takes everything."""

    answers: list[Outcome] = field(default_factory=list)
    name: str = "webhook"
    targets: Set[str] | None = frozenset({"webhook:a"})
    takes: Set[Notice] = frozenset({"opened", "updated", "closed"})
    lease_s: float = 1.0
    tried: list[str] = field(default_factory=list)
    closed: bool = False
    before: Callable[[], None] = lambda: None

    def deliver(self, row: OutboxRow) -> Outcome:
        self.before()
        self.tried.append(row.idempotency_key)
        return self.answers.pop(0) if self.answers else Sent({"status": 200})

    def close(self) -> None:
        self.closed = True


@dataclass
class Bench:
    """A database with settings and a clock that a test moves."""

    settings: Settings
    database: Database
    now: int = T0 + 4000
    stop: threading.Event = field(default_factory=threading.Event)

    def clock(self) -> int:
        return self.now

    def take(self, *records: Incident) -> list[Taken]:
        intake = Intake(Rules(registry(), self.settings.alert), TAKES)
        taken = [self.database.transact(lambda s: intake.take(s, record, self.now)) for record in records]  # noqa: B023
        for each, record in zip(taken, records, strict=True):
            count(each, record)
        return taken

    def lane(self, channel: object) -> Lane:
        return Lane(channel, self.database, self.settings.alert, "w", self.stop, self.clock, lambda: 1.0)  # type: ignore[arg-type]

    def states(self, id_: str = "i1") -> dict[str, str]:
        with self.database.reading() as session:
            return {row.idempotency_key.removeprefix(f"{id_}:"): row.state for row in of_incident(session, id_)}

    def whats(self, id_: str = "i1") -> list[str]:
        with self.database.reading() as session:
            return [event.what for event in events_of(session, id_)]


@pytest.fixture
def bench(tmp_path: Path, url: str, database: Database) -> Bench:
    alert = {"retry_min_s": 1, "retry_max_s": 8, "give_up_after_s": 60, "lease_s": 30}
    return Bench(settings_at(tmp_path, webhook("a", "http://x/"), alert=alert, store={"url": url}), database)


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@proves("desk", "receipt")
def test_the_first_opening_sent_is_the_alert_and_counted_once(bench: Bench) -> None:
    seconds = sample("siaga_camera_to_alert_seconds_sum", kind="fire")
    ignored = sample("siaga_alert_ignored_total", reason="same revision again")
    bench.take(incident(), incident())
    assert sample("siaga_alert_ignored_total", reason="same revision again") == ignored + 1
    assert bench.lane(DeskChannel()).work() == 1
    bench.now += 5000
    assert bench.lane(Scripted()).work() == 1
    assert bench.whats() == ["opened", "routed", "delivered", "alerted", "delivered"]
    assert sample("siaga_camera_to_alert_seconds_sum", kind="fire") == seconds + 4
    with bench.database.reading() as session:
        row = get(session, "i1")
        assert row is not None
        assert row.alerted_ms == T0 + 4000
        alerted = next(event for event in events_of(session, "i1") if event.what == "alerted")
        assert alerted.detail == {"seconds": 4.0, "target": f"desk:{GAMBIR}"}
    assert set(bench.states().values()) == {"sent"}


@proves("webhook", "in_place")
def test_one_incident_is_one_opening_then_the_latest_update(bench: Bench) -> None:
    before = sample("siaga_alert_superseded_total", reason="newer_revision")
    taken = bench.take(incident(), *(incident(revision=n, state="updated") for n in (2, 3, 4)))
    assert [[order.notice for order in each.orders] for each in taken] == [
        ["opened", "opened"], ["updated"], ["updated"], ["updated"],
    ]  # fmt: skip
    channel = Scripted()
    lane = bench.lane(channel)
    while lane.work():
        pass
    assert channel.tried == ["i1:opened:webhook:a", "i1:updated-4:webhook:a"]
    assert sample("siaga_alert_superseded_total", reason="newer_revision") == before + 2
    bench.take(incident(revision=5, state="updated"), incident(revision=6, state="closed"))
    lane.work()
    assert channel.tried[2:] == ["i1:closed-6:webhook:a"]
    assert bench.states()["updated-5:webhook:a"] == "superseded"


def test_a_refusal_is_the_end_of_that_notice_only(bench: Bench) -> None:
    bench.take(incident("i1"), incident("i2"))
    channel = Scripted([Refused("http_404", "HTTP 404")])
    before = sample("siaga_alert_dead_total", channel="webhook", reason="http_404")
    assert bench.lane(channel).work() == 2
    assert bench.states("i1")["opened:webhook:a"] == "dead"
    assert bench.states("i2")["opened:webhook:a"] == "sent"
    assert bench.whats("i1")[-1] == "undelivered"
    assert sample("siaga_alert_dead_total", channel="webhook", reason="http_404") == before + 1


def test_an_outage_is_tried_again_with_growing_waits_then_given_up(bench: Bench) -> None:
    bench.take(incident())
    channel = Scripted([OUTAGE] * 99)
    tried = []
    while bench.states()["opened:webhook:a"] != "dead":
        lane = bench.lane(channel)  # a fresh breaker each time: this is about the row
        if lane.work():
            tried.append((bench.now - T0 - 4000) // 1000)
        bench.now += 1000
    assert tried == [0, 1, 3, 7, 15, 23, 31, 39, 47, 55, 63]
    assert bench.whats() == ["opened", "routed", "delivery_failed", "undelivered"]


def test_a_receiver_that_comes_back_after_ten_minutes_gets_everything(bench: Bench) -> None:
    alert = bench.settings.alert.model_copy(update={"give_up_after_s": 86_400, "retry_max_s": 300})
    bench.settings = bench.settings.model_copy(update={"alert": alert})
    bench.take(*(incident(f"i{n}") for n in range(10)))
    channel = Scripted([OUTAGE] * 999)
    lane = bench.lane(channel)
    for _ in range(120):
        lane.work()
        bench.now += 5000
    tried = len(channel.tried)
    assert tried < 25  # the breaker spares it
    channel.answers.clear()
    for _ in range(120):
        lane.work()
        bench.now += 5000
    assert all(bench.states(f"i{n}")["opened:webhook:a"] == "sent" for n in range(10))


def test_a_receiver_may_ask_for_longer(bench: Bench) -> None:
    bench.take(incident())
    busy = Retry("http_429", "HTTP 429", outage=False, after_s=5)
    lane = bench.lane(Scripted([busy, replace(busy, after_s=99)]))
    lane.work()
    bench.now += 4999
    assert lane.work() == 0
    bench.now += 1
    assert lane.work() == 1
    bench.now += 8000
    assert lane.work() == 1
    assert bench.states()["opened:webhook:a"] == "sent"


def test_the_breaker_spares_a_target_that_is_down(bench: Bench) -> None:
    bench.take(*(incident(f"i{n}") for n in range(20)))
    channel = Scripted([OUTAGE] * (FAILURES_TO_OPEN + 1))
    lane = bench.lane(channel)
    assert lane.work() == FAILURES_TO_OPEN
    assert lane.work() == 0
    assert sample("siaga_alert_circuit_open", target="webhook:a") == 1
    with bench.database.reading() as session:
        attempts = [
            row.attempts for n in range(20) for row in of_incident(session, f"i{n}") if row.channel == "webhook"
        ]
    assert attempts == [1] * FAILURES_TO_OPEN + [0] * (20 - FAILURES_TO_OPEN)
    bench.now += 1000
    assert lane.work() == 1  # on trial: one row, which fails too
    assert lane.work() == 0
    bench.now += 2000
    while lane.work():
        bench.now += 1
    bench.now += 9000
    while lane.work():
        bench.now += 1
    assert all(bench.states(f"i{n}")["opened:webhook:a"] == "sent" for n in range(20))


def test_a_delivery_that_outlived_its_lease_changes_nothing(bench: Bench) -> None:
    bench.take(incident())
    before = sample("siaga_alert_leases_lost_total", channel="webhook")

    def steal() -> None:
        bench.now += 31_000
        with bench.database.session() as session:
            row = lease(session, "webhook", bench.now, 30_000, owner="other")[0]
            put_off(session, row, bench.now, "HTTP 500")

    bench.lane(Scripted(before=steal)).work()
    assert bench.states()["opened:webhook:a"] == "pending"
    assert "delivered" not in bench.whats()
    assert sample("siaga_alert_leases_lost_total", channel="webhook") == before + 1


def test_rows_for_which_the_lease_is_too_short_are_handed_back(bench: Bench) -> None:
    bench.take(incident("i1"), incident("i2"))

    def slow() -> None:
        bench.now += 29_500

    lane = bench.lane(Scripted(before=slow))
    assert lane.work() == 1
    assert bench.states("i2")["opened:webhook:a"] == "pending"
    assert lane.work() == 1


def test_the_thread_works_until_stopped_and_closes_its_channel(bench: Bench) -> None:
    channel = Scripted()
    lane = bench.lane(channel)
    lane.start()
    bench.take(incident())
    lane.wake()
    wait_for(lambda: bench.states().get("opened:webhook:a") == "sent")
    bench.stop.set()
    lane.join(10)
    assert channel.closed
    assert not lane.failed


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_lane_that_breaks_ends_the_stage(bench: Bench) -> None:
    def bug() -> None:
        raise KeyError("payload")

    bench.take(incident())
    lane = bench.lane(Scripted(before=bug))
    lane.start()
    assert bench.stop.wait(20)
    lane.join(10)
    assert lane.failed
    assert lane.name == "alert-webhook:a"


class Shelf:
    """Frames by offset; raises what it is told to."""

    def __init__(self, **frames: Frame) -> None:
        self.frames, self.error = frames, None

    def read(self, ref: FrameRef) -> Frame | None:
        if ref.offset == 99:
            raise BusError("the bus did not answer")
        return self.frames.get(f"f{ref.offset}")

    def close(self) -> None:
        """Nothing."""


def picture(camera: str) -> Frame:
    return Frame(camera=camera, trace="t", seq=1, captured_ms=T0, width=64, height=48, cause="floor", jpeg=b"\xff\xd8x")


def test_stills_are_kept_or_told_missing(bench: Bench) -> None:
    evidence = EvidenceStore(bench.settings)

    def seen(camera: str, offset: int) -> Witness:
        return Witness(camera=camera, first_seen_ms=T0, score=0.5, frame=FrameRef(partition=0, offset=offset))

    bench.take(
        incident("kept", witnesses=[seen("cam-1", 1)]),
        incident("gone", witnesses=[seen("cam-1", 2)]),
        incident("other", witnesses=[seen("cam-1", 3)]),
        incident("later", witnesses=[seen("cam-1", 99)]),
    )
    bench.take(incident("kept", revision=2, state="updated", witnesses=[seen("cam-1", 1), seen("cam-3", 3)]))
    fetcher = StillFetcher(Shelf(f1=picture("cam-1"), f3=picture("cam-3")), bench.database, evidence, bench.clock)
    lane = bench.lane(fetcher)
    while lane.work():
        pass
    with bench.database.reading() as session:
        assert [row.key for row in list_evidence(session, "kept")] == ["stills/kept/cam-1.jpg", "stills/kept/cam-3.jpg"]
        reasons = {id_: events_of(session, id_)[-1] for id_ in ("gone", "other", "later")}
    assert (reasons["gone"].what, reasons["other"].what, reasons["later"].what) == (
        "still_missing", "still_missing", "routed",
    )  # fmt: skip
    assert "is of camera cam-3 now" in reasons["other"].detail["reason"]
    assert bench.states("later")["still:cam-1"] == "pending"
    assert evidence.get("stills/kept/cam-1.jpg") == b"\xff\xd8x"
    fetcher.close()


def test_a_still_that_cannot_be_written_is_tried_again(bench: Bench) -> None:
    evidence = EvidenceStore(bench.settings)
    folder = bench.settings.data_path(bench.settings.store.evidence)
    (folder / "stills").write_text("in the way")
    bench.take(incident(frame=FrameRef(partition=0, offset=1)))
    lane = bench.lane(StillFetcher(Shelf(f1=picture("cam-1")), bench.database, evidence, bench.clock))
    lane.work()
    assert bench.whats()[-1] == "evidence_failed"
    (folder / "stills").unlink()
    bench.now += 1000
    lane.work()
    assert bench.states()["still:cam-1"] == "sent"


def keeper(bench: Bench, reports: list[StageHealth], *channels: object) -> Keeper:
    progress = Progress("alert", "w", 15, bench.clock)
    evidence = EvidenceStore(bench.settings)
    return Keeper(
        bench.settings, bench.database, evidence, list(channels), progress, reports.append, bench.stop, bench.clock  # type: ignore[arg-type]
    )  # fmt: skip


def test_the_keeper_reports_what_waits(bench: Bench) -> None:
    bench.take(incident())
    reports: list[StageHealth] = []
    kept = keeper(bench, reports, DeskChannel(), Scripted())
    kept.round()
    bench.now += 46_000
    kept.round()
    assert [report.ok for report in reports] == [True, False]
    assert "1 desk notices wait" in reports[1].reason
    assert reports[1].detail["outbox_webhook"] == 1
    assert sample("siaga_alert_outbox_waiting", channel="webhook") == 1
    assert sample("siaga_alert_outbox_oldest_seconds", channel="desk") == 46


@pytest.mark.parametrize("channels", [(Scripted(targets=frozenset({"webhook:b"})),), ()])
def test_the_keeper_gives_up_what_left_the_configuration(bench: Bench, channels: tuple[Scripted, ...]) -> None:
    bench.take(incident())
    others = ("telegram:piket", "mqtt:sirene", "cap:feed", "webpush:piket", "apprise:sms")
    with bench.database.session() as session:
        for target in others:
            enqueue(session, Order("i1", 1, "opened", target, target.split(":")[0], target, {}), bench.now)
    dead = sample("siaga_alert_dead_total", channel="telegram", reason="unknown_target")
    keeper(bench, [], DeskChannel(), *channels).round()
    given_up = {"opened:webhook:a": "dead"} | dict.fromkeys(others, "dead")
    assert bench.states() == {f"opened:desk:{GAMBIR}": "pending", **given_up}
    assert sample("siaga_alert_dead_total", channel="telegram", reason="unknown_target") == dead + 1
    with bench.database.reading() as session:
        assert "no longer in the configuration" in events_of(session, "i1")[-1].detail["reason"]


def test_the_keeper_prunes_what_is_old_and_counts_it(bench: Bench) -> None:
    bench.take(incident(), incident(revision=2, state="closed"))
    while bench.lane(Scripted()).work() or bench.lane(DeskChannel()).work():
        pass
    with bench.database.session() as session:
        decide(session, "i1", "done", expected="waiting", actor="budi", at_ms=bench.now)
    before = sample("siaga_alert_pruned_total", table="outbox", state="sent")
    kept = keeper(bench, [], DeskChannel(), Scripted())
    kept.round()
    assert len(bench.states()) == 3
    bench.now += 91 * 86_400_000
    kept.round()
    assert bench.states() == {}
    assert "opened" in bench.whats()
    assert sample("siaga_alert_pruned_total", table="outbox", state="sent") == before + 3


def test_each_opening_is_timed_by_kind_and_kota(bench: Bench) -> None:
    def both() -> tuple[float, float, float]:
        labels = {"kind": "fire", "kota": "31.71"}
        names = ("camera_to_sent_seconds_count", "camera_to_sent_seconds_sum", "sent_to_delivered_seconds_count")
        return tuple(sample(f"siaga_alert_{name}", **labels) for name in names)  # type: ignore[return-value]

    bench.take(incident())
    count, seconds, delivered = both()
    bench.lane(DeskChannel()).work()  # 4 s after the camera saw it
    bench.now += 6000
    channel = Scripted([Sent({"receipt": "accepted"})])
    bench.lane(channel).work()
    assert both() == (count + 2, seconds + 4 + 10, delivered + 1)  # a provider's word is no delivery
    bench.take(incident(revision=2, state="closed"))
    bench.lane(channel).work()
    assert both()[0] == count + 2


def test_a_camera_that_confirm_still_knows_elsewhere_has_one_kelurahan_for_all(bench: Bench) -> None:
    bench.take(incident(camera="cam-3"))  # the record says Gambir, the registry Senen
    bench.take(incident(camera="cam-3", revision=2, state="updated"))
    with bench.database.reading() as session:
        rows = of_incident(session, "i1")
        assert session.get_one(IncidentRow, "i1").kelurahan == SENEN
    assert f"desk:{SENEN}" in {row.target for row in rows}
    assert {row.payload["incident"]["kelurahan"] for row in rows if "incident" in row.payload} == {SENEN}


def test_copies_that_may_have_been_taken_are_counted(bench: Bench) -> None:
    unanswered = sample("siaga_alert_repeated_total", channel="webhook", reason="unanswered")
    unrecorded = sample("siaga_alert_repeated_total", channel="webhook", reason="unrecorded")
    bench.take(incident())
    bench.lane(Scripted([Retry("timeout", "no answer within 1 s")])).work()
    assert sample("siaga_alert_repeated_total", channel="webhook", reason="unanswered") == unanswered + 1
    bench.now += 1000
    with bench.database.session() as session:
        lease(session, "webhook", bench.now, 1000, owner="w")  # and its worker is killed
    bench.now += 1000
    assert bench.lane(Scripted()).work() == 1
    assert sample("siaga_alert_repeated_total", channel="webhook", reason="unrecorded") == unrecorded + 1
    assert bench.states()["opened:webhook:a"] == "sent"


def test_the_keeper_is_loud_about_an_exceeded_quota(bench: Bench) -> None:
    store = bench.settings.store.model_copy(update={"evidence_quota_mb": 0.001})
    bench.settings = bench.settings.model_copy(update={"store": store})
    bench.take(incident())
    still = Evidence("i1", "cam-1", "still", "bus", T0, T0)
    keep_evidence(bench.database, EvidenceStore(bench.settings), still, b"x" * 3000, T0)
    reports: list[StageHealth] = []
    keeper(bench, reports).round()
    assert not reports[0].ok
    assert "above its quota" in reports[0].reason


def test_the_keeper_outlives_database_and_report(bench: Bench) -> None:
    reports: list[StageHealth] = []
    kept = keeper(bench, reports, DeskChannel())

    def down(_health: StageHealth) -> None:
        raise StoreError("database: down")

    kept._report = down
    kept.round()
    kept._report = reports.append
    with bench.database.session() as session:
        session.connection().exec_driver_sql("ALTER TABLE outbox RENAME TO away")
    kept.round()
    assert not reports[0].ok
    assert "outbox" in reports[0].reason
    kept.start()
    bench.stop.set()
    kept.join(10)


def test_the_keeper_sets_what_the_rules_watch(bench: Bench) -> None:
    bench.take(incident())
    kept = keeper(bench, [], DeskChannel(), Scripted())
    kept.round()
    assert metrics.UNACCEPTED.labels("city")._value.get() == 0
    assert metrics.OUTBOX_ROWS.labels("webhook", "pending")._value.get() == 1
    bench.now += 400_000
    kept.round()
    late = [metrics.UNACCEPTED.labels(level)._value.get() for level in ("post", "kecamatan", "kota", "city")]
    assert late == [1, 0, 0, 0], "a level that was never told has missed nothing"
    assert metrics.POSTS_UNREACHABLE._value.get() == 0

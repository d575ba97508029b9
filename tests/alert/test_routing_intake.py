"""What routing means for the outbox, the timeline and the counters, on both databases."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from prometheus_client import REGISTRY

from pipeline.alert.intake import Intake, count
from pipeline.alert.neighbours import Near, Neighbour
from pipeline.alert.rules import Rules
from pipeline.bus.records import Incident, Witness
from pipeline.ops.sections import AlertSection
from pipeline.store.database import Database
from pipeline.store.incidents import count_waiting, list_incidents
from pipeline.store.outbox import of_incident
from pipeline.store.places import places_of
from pipeline.store.tables import Notice
from pipeline.store.timeline import events_after, events_of
from tests.alert.making import GAMBIR, SENEN, incident, registry, webhook

TAKES: dict[str, frozenset[Notice]] = {
    "desk": frozenset({"opened"}),
    "webhook": frozenset({"opened", "updated", "closed"}),
}
JAKARTA = ZoneInfo("Asia/Jakarta")
SHIFTS = [
    {"shift": "siang", "start": "07:00", "end": "19:00", "targets": ["webhook:siang"]},
    {"shift": "malam", "start": "19:00", "end": "07:00", "targets": ["webhook:malam"]},
]
QUIET = {"name": "sampah", "kinds": ["smoke"], "start": "16:00", "end": "18:00", "reason": "bakar sampah"}


def at(clock: str) -> int:
    return int(datetime.fromisoformat(f"2026-11-25T{clock}").replace(tzinfo=JAKARTA).timestamp() * 1000)


class Desk:
    """An intake on a database, with what it wrote."""

    def __init__(self, database: Database, near: Near | None = None, **duty: Any) -> None:
        names = ("siang", "malam")
        alert = {"webhooks": [webhook(name, "http://x/") for name in names], "duty": duty}
        self._intake = Intake(Rules(registry(), AlertSection.model_validate(alert), JAKARTA, near or {}), TAKES)
        self.database = database

    def take(self, clock: str, record: Incident) -> None:
        taken = self.database.transact(lambda session: self._intake.take(session, record, at(clock)))
        count(taken, record)

    def rows(self) -> list[tuple[str, str]]:
        with self.database.reading() as session:
            return [(row.notice, row.target) for row in of_incident(session, "i1")]

    def routes(self) -> list[dict[str, Any]]:
        with self.database.reading() as session:
            return [event.detail for event in events_of(session, "i1") if event.what == "routed"]


def suppressed() -> float:
    return REGISTRY.get_sample_value("siaga_alert_suppressed_total", {"reason": "quiet"}) or 0.0


def test_who_comes_on_duty_gets_the_opening_and_who_was_told_hears_the_end(database: Database) -> None:
    desk = Desk(database, posts=[{"name": "posko", "roster": SHIFTS}])
    desk.take("06:50", incident(revision=1))
    desk.take("06:59", incident(revision=2, state="updated"))
    desk.take("07:01", incident(revision=3, state="updated"))
    desk.take("07:02", incident(revision=4, state="closed"))
    assert desk.rows() == [
        ("opened", f"desk:{GAMBIR}"), ("opened", "webhook:malam"), ("updated", "webhook:malam"),
        ("opened", "webhook:siang"), ("updated", "webhook:siang"), ("updated", "webhook:malam"),
        ("closed", "webhook:siang"), ("closed", "webhook:malam"),
    ]  # fmt: skip
    first, second = desk.routes()
    assert [to[0] for to in first["to"]] == [f"desk:{GAMBIR}", "webhook:malam"]
    assert first["to"][1][2:] == ["post", "posko, malam 19:00-07:00"]
    assert first["untold"] == [["Damkar", "no target configured", "no_target"]]
    assert second == {
        "to": [["webhook:siang", "post posko, shift siang of wed 2026-11-25, 07:00-19:00", "post",
                "posko, siang 07:00-19:00"]]
    }  # fmt: skip


def test_each_target_kept_quiet_is_counted_once_and_told_when_the_quiet_is_over(database: Database) -> None:
    desk, before = Desk(database, quiet=[QUIET]), suppressed()
    for revision, clock in enumerate(("17:00", "17:10", "17:20"), 1):
        desk.take(clock, incident(kind="smoke", revision=revision, state="opened" if revision == 1 else "updated"))
    assert suppressed() == before + 2
    assert desk.rows() == [("opened", f"desk:{GAMBIR}")]
    (said,) = desk.routes()
    why = "quiet rule sampah, 16:00-18:00: bakar sampah"
    assert said["quiet"] == [[f"webhook:{name}", why, "bakar sampah, 16:00-18:00"] for name in ("siang", "malam")]
    desk.take("18:00", incident(kind="smoke", revision=9, state="updated"))
    assert [row for row in desk.rows() if row[0] == "opened"] == [
        ("opened", f"desk:{GAMBIR}"), ("opened", "webhook:siang"), ("opened", "webhook:malam"),
    ]  # fmt: skip


def test_smoke_that_becomes_fire_is_quiet_no_more(database: Database) -> None:
    desk = Desk(database, quiet=[QUIET])
    desk.take("17:00", incident(kind="smoke", revision=1))
    desk.take("17:01", incident(kind="fire", revision=2, state="updated"))
    assert ("opened", "webhook:siang") in desk.rows()


def test_who_was_told_before_the_quiet_began_hears_the_end(database: Database) -> None:
    desk, before = Desk(database, quiet=[QUIET]), suppressed()
    desk.take("15:59", incident(kind="smoke", revision=1))
    desk.take("16:01", incident(kind="smoke", revision=2, state="closed"))
    assert ("closed", "webhook:siang") in desk.rows()
    assert suppressed() == before


def test_a_neighbour_sees_the_incident_at_its_own_desk(database: Database) -> None:
    desk = Desk(database, near={"cam-1": (Neighbour(SENEN, 30, by_boundary=True),)})
    desk.take("12:00", incident(revision=1))
    desk.take("12:01", incident(revision=2, state="updated"))
    assert [row for row in desk.rows() if row[1].startswith("desk:")] == [
        ("opened", f"desk:{GAMBIR}"), ("opened", f"desk:{SENEN}"),
    ]  # fmt: skip
    with database.reading() as session:
        assert places_of(session, ["i1", "i2"]) == {"i1": (SENEN,)}
        for areas, number in (([SENEN], 1), ([GAMBIR], 1), (["31.71.04"], 1), (["31.72"], 0), ([], 0)):
            assert len(list_incidents(session, areas=areas)) == number == count_waiting(session, areas)
            assert bool(events_after(session, 0, areas=areas)) == bool(number)
        assert {event.also for event in events_of(session, "i1")} == {(SENEN,)}


def test_a_camera_that_sees_it_too_brings_its_kelurahan(database: Database) -> None:
    desk = Desk(database)
    desk.take("12:00", incident(revision=1))
    seen = Witness(camera="cam-3", first_seen_ms=0, score=0.5)
    desk.take("12:01", incident(revision=2, state="updated", witnesses=[seen]))
    assert ("opened", f"desk:{SENEN}") in desk.rows()
    assert desk.routes()[1]["to"] == [[f"desk:{SENEN}", "camera cam-3 there sees it too", "neighbour", "cam-3"]]

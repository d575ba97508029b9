"""Notices that were given up: shown to their area, sent again by a person with the same key, audited."""

from collections.abc import Callable

import sqlalchemy as sa

from pipeline.store.audit_tables import AuditRow
from pipeline.store.outbox import Order, bury, complete, enqueue, lease, of_incident
from pipeline.store.tables import OutboxRow
from pipeline.store.timeline import events_of
from tests.desk.world import MANGGARAI, Visitor, World

Visit = Callable[[str], Visitor]


def give_up(world: World, incident_id: str, target: str = "webhook:damkar", reason: str = "HTTP 404: maaf") -> int:
    """Write a notice and give it up as the alert stage does; return its number."""
    key, now = f"{incident_id}:opened:{target}", world.clock()
    channel = target.partition(":")[0]
    with world.database.session() as session:
        enqueue(session, Order(incident_id, 0, "opened", target, channel, key, {"n": 1}), now)
        row = lease(session, channel, now, 1000, owner="w")[0]
        bury(session, row, now + 5, reason)
        return row.id


def test_each_sees_those_of_their_area(world: World, visit: Visit) -> None:
    here = world.raise_incident(1)
    there = world.raise_incident(2, camera="cam-manggarai", kelurahan=MANGGARAI)
    give_up(world, here.id, reason="HTTP 404: <maaf>")
    give_up(world, there.id, "telegram:selatan")
    page = visit("piket_gambir").get("/kabar-gagal").text
    assert "HTTP 404: &lt;maaf&gt;" in page
    assert "webhook damkar (1)" in page
    assert "telegram" not in page
    assert "telegram selatan (1)" in visit("teknisi").get("/kabar-gagal").text
    assert visit("satpol_pusat").get("/kabar-gagal").status_code == 403
    assert 'href="/kabar-gagal"' not in visit("satpol_pusat").get("/").text
    assert 'href="/kabar-gagal"' in visit("piket_gambir").get("/").text


def test_sending_again_keeps_the_key_and_is_written_down(world: World, visit: Visit) -> None:
    record = world.raise_incident()
    number = give_up(world, record.id)
    desk = visit("teknisi")
    assert visit("piket_manggarai").submit(f"/kabar-gagal/{number}/kirim").status_code == 404
    assert desk.post(f"/kabar-gagal/{number}/kirim", data={"csrf": "x"}).status_code == 403
    assert desk.submit(f"/kabar-gagal/{2**64}/kirim").status_code == 422
    assert "Dikirim ulang: 1" in desk.submit(f"/kabar-gagal/{number}/kirim").text
    assert desk.submit(f"/kabar-gagal/{number}/kirim").status_code == 409
    with world.database.session() as session:
        row = of_incident(session, record.id)[0]
        assert (row.state, row.attempts, row.idempotency_key) == ("pending", 0, f"{record.id}:opened:webhook:damkar")
        assert row.payload == {"n": 1}
        told = [(event.what, event.actor) for event in events_of(session, record.id)]
        assert told[-2:] == [("undelivered", "siaga"), ("resent", "teknisi")]
        audited = session.scalars(sa.select(AuditRow).where(AuditRow.what == "outbox.resent")).all()
        assert [(one.actor, one.subject) for one in audited] == [("teknisi", record.id)]
        complete(session, session.get_one(OutboxRow, number), world.clock(), {"receipt": "delivered"})
    assert "Tidak ada." in desk.get("/kabar-gagal").text
    assert "dikirim ulang oleh teknisi" in desk.get(f"/kejadian/{record.id}").text


def test_all_of_a_target_at_once_within_the_area_only(world: World, visit: Visit) -> None:
    here = [world.raise_incident(number).id for number in (1, 2, 3)]
    there = world.raise_incident(4, camera="cam-manggarai", kelurahan=MANGGARAI).id
    for incident_id in (*here, there):
        give_up(world, incident_id)
    piket = visit("piket_gambir")
    assert piket.submit("/kabar-gagal/kirim", part=False, target="webhook:damkar").status_code == 303
    with world.database.reading() as session:
        states = [of_incident(session, incident_id)[-1].state for incident_id in (*here, there)]
    assert states == ["pending", "pending", "pending", "dead"]
    assert piket.submit("/kabar-gagal/kirim", target="webhook:damkar").status_code == 409

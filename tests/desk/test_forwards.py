"""A forward tells the agency: which targets, with what, delivered by the real lane; and taking it back in time."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.alert.channels.webhook import WebhookChannel
from pipeline.alert.content import read
from pipeline.alert.lane import Lane
from pipeline.ops.settings import Settings
from pipeline.store.incidents import get
from pipeline.store.outbox import Order, enqueue, of_incident, supersede
from pipeline.store.tables import OutboxRow
from pipeline.store.timeline import events_of
from tests.alert.making import webhook
from tests.alert.receiver import Receiver, receiver
from tests.desk.world import GAMBIR, MANGGARAI, Visitor, World

TARGET = "webhook:damkar-pusat"
PATH = "/kejadian/kejadian-1/terusan"


def agency(**changes: Any) -> dict[str, Any]:
    return {"agency": "Damkar", "kinds": ["fire"], "targets": [TARGET], **changes}


def with_agencies(world: World, url: str, *agencies: dict[str, Any]) -> World:
    """Give a world's agencies; the receiver itself wants floods only, so that no routing tells it of a fire."""
    alert = {"webhooks": [webhook("damkar-pusat", url, kinds=["flood"])], "duty": {"agencies": list(agencies)}}
    world.settings = Settings(data_dir=world.settings.data_dir, desk={"port": 0}, alert=alert)
    return world


def rows(world: World) -> list[OutboxRow]:
    with world.database.reading() as session:
        return of_incident(session, "kejadian-1")


def deliver(world: World, post: Receiver) -> int:
    """Work the outbox as the alert stage does."""
    channel = WebhookChannel.build(world.settings, {}, world.clock)[0]
    lane = Lane(channel, world.database, world.settings.alert, "test", threading.Event(), world.clock, lambda: 0.5)
    try:
        return lane.work()
    finally:
        channel.close()


def happened(world: World) -> list[tuple[str, dict[str, Any]]]:
    with world.database.reading() as session:
        return [(event.what, event.detail) for event in events_of(session, "kejadian-1")]


def forwarding(world: World, act: Callable[[Visitor], None]) -> str:
    """Act as the officer of Gambir; return the incident's page behind it."""
    with world.serve() as url, Visitor(url) as visitor:
        visitor.sign_in("piket_gambir")
        act(visitor)
        return visitor.get("/kejadian/kejadian-1").text


def hand_on(visitor: Visitor, to: str = "damkar", expected: str = "waiting") -> None:
    assert visitor.submit(PATH, agency=to, expected=expected, note="lantai 2").status_code == 200


def take_back(world: World, visitor: Visitor) -> int:
    with world.database.reading() as session:
        row = get(session, "kejadian-1")
        assert row is not None
        at = row.decision_ms
    return visitor.submit("/kejadian/kejadian-1/batal", decided_ms=at).status_code


def test_the_agency_gets_the_incident_with_who_forwarded_it(world: World) -> None:
    record = world.raise_incident()
    with receiver() as post:
        with_agencies(world, post.url, agency())
        page = forwarding(world, hand_on)
        assert "Diteruskan ke Damkar oleh piket_gambir; kabar dikirim langsung. Catatan: lantai 2" in page
        assert [(row.target, row.notice, row.state) for row in rows(world)] == [(TARGET, "opened", "pending")]
        assert deliver(world, post) == 1
        sent = post.requests[0].body
        assert (sent["incident"]["id"], sent["camera"]["name"]) == (
            record.id,
            world.registry.cameras[record.camera].name,
        )
        assert {key: sent["forwarded"][key] for key in ("agency", "by", "note")} == {
            "agency": "damkar", "by": "piket_gambir", "note": "lantai 2",
        }  # fmt: skip
        assert read(sent).forwarded == "piket_gambir (lantai 2)"
        assert rows(world)[0].state == "sent"


def test_who_knows_already_is_told_of_the_forward_and_no_update_sets_it_aside(world: World) -> None:
    record = world.raise_incident()
    opened = Order(record.id, 0, "opened", TARGET, "webhook", f"{record.id}:opened:{TARGET}", {})
    with world.database.session() as session:
        enqueue(session, opened, world.clock())
    with_agencies(world, "http://127.0.0.1:9/", agency())
    forwarding(world, hand_on)
    assert [row.notice for row in rows(world)] == ["opened", "forwarded"]
    with world.database.session() as session:
        assert supersede(session, record.id, TARGET, 99) == 0


@pytest.mark.parametrize(
    "of",
    [
        agency(kinds=["flood"]), agency(kelurahan=[MANGGARAI]), agency(agency="BPBD"),
        agency(targets=["telegram:nobody"]),
    ],
    ids=["other kind", "other kelurahan", "other agency", "no such target"],
)  # fmt: skip
def test_an_agency_without_a_target_for_this_is_told_by_phone(world: World, of: dict[str, Any]) -> None:
    world.raise_incident()
    with_agencies(world, "http://127.0.0.1:9/", of)
    assert "Diteruskan ke Damkar oleh piket_gambir lewat telepon" in forwarding(world, hand_on)
    assert rows(world) == []


def test_an_area_of_the_agency_covers_its_kelurahan(world: World) -> None:
    world.raise_incident()
    with_agencies(world, "http://127.0.0.1:9/", agency(kelurahan=[GAMBIR[:5]]))
    forwarding(world, hand_on)
    assert [row.target for row in rows(world)] == [TARGET]


def test_taking_back_cancels_what_is_still_pending(world: World) -> None:
    world.raise_incident()
    with receiver() as post:
        with_agencies(world, post.url, agency())

        def act(visitor: Visitor) -> None:
            hand_on(visitor)
            assert take_back(world, visitor) == 200

        page = forwarding(world, act)
        assert [(row.state, row.last_error) for row in rows(world)] == [("superseded", "taken back by piket_gambir")]
        assert deliver(world, post) == 0
        assert post.requests == []
    assert "Terusan dibatalkan sebelum terkirim ke webhook damkar-pusat" in page
    # Forwarded again it is an opening again: they have heard nothing yet.
    forwarding(world, hand_on)
    assert [(row.notice, row.state) for row in rows(world)] == [("opened", "superseded"), ("opened", "pending")]


def test_what_was_sent_stands_and_the_timeline_says_so(world: World) -> None:
    world.raise_incident()
    with receiver() as post:
        with_agencies(world, post.url, agency())

        def act(visitor: Visitor) -> None:
            hand_on(visitor)
            assert deliver(world, post) == 1
            assert take_back(world, visitor) == 200

        page = forwarding(world, act)
    assert [row.state for row in rows(world)] == ["sent"]
    assert "Terusan sudah terkirim ke webhook damkar-pusat: kabari sendiri bahwa dibatalkan" in page


def test_after_thirty_seconds_nothing_is_cancelled(world: World) -> None:
    world.raise_incident()
    with_agencies(world, "http://127.0.0.1:9/", agency())

    def act(visitor: Visitor) -> None:
        hand_on(visitor)
        world.clock.turned_ms += 31_000
        assert take_back(world, visitor) == 409

    forwarding(world, act)
    assert [row.state for row in rows(world)] == ["pending"]
    assert not any(what.startswith("forward_") for what, _ in happened(world))


def test_who_was_too_late_forwards_nothing(world: World) -> None:
    world.raise_incident()
    with_agencies(world, "http://127.0.0.1:9/", agency())

    def act(visitor: Visitor) -> None:
        assert visitor.submit(PATH, agency="damkar", expected="accepted").status_code == 409

    forwarding(world, act)
    assert rows(world) == []

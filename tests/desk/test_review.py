"""The review through the real application: who is shown what, and what becomes of a verdict."""

import re
from collections.abc import Callable

import sqlalchemy as sa

from pipeline.store.review_tables import SecondOpinionRow, VerdictRow
from pipeline.store.timeline import events_of
from tests.desk.world import MANGGARAI, Visitor, World

Visit = Callable[[str], Visitor]


def clips(world: World, count: int, first: int = 1, **changes: str) -> None:
    for number in range(first, first + count):
        world.keep(world.raise_incident(number, still=False, **changes), "clip", f"klip {number}".encode())


def handed(html: str) -> list[int]:
    return [int(number) for number in re.findall(r'<article class="clip[^>]* data-id="(\d+)"', html)]


def say(visitor: Visitor, clip: int, verdict: str = "true", **more: str) -> str:
    token = more.pop("token", f"{visitor.headers['x-name']}-{clip}-{verdict}")
    answer = visitor.submit("/tinjau/putusan", clip=clip, verdict=verdict, token=token, **more)
    assert answer.status_code == 200
    return answer.text


def reviewer(visit: Visit, name: str) -> Visitor:
    visitor = visit(name)
    visitor.headers["x-name"] = name.replace("_", "-")
    return visitor


def test_two_people_are_never_shown_the_same_clip(world: World, visit: Visit) -> None:
    clips(world, 5)
    one, two = reviewer(visit, "satpol_pusat"), reviewer(visit, "bos")
    first, second = (handed(who.submit("/tinjau/klip").text) for who in (one, two))
    assert (first, second) == ([1, 2], [3, 4])
    assert handed(one.submit("/tinjau/klip").text) == first  # asking again renews, and changes nothing
    assert handed(say(one, 1)) == [2, 5]
    assert two.submit("/tinjau/lepas").status_code == 204
    assert handed(say(one, 2)) == [5, 3]
    world.clock.turned_ms += int(world.settings.review.lease_s * 1000) + 1
    assert handed(two.submit("/tinjau/klip").text) == [3, 4]


def test_a_lease_that_is_renewed_lasts(world: World, visit: Visit) -> None:
    clips(world, 2)
    one, two = reviewer(visit, "satpol_pusat"), reviewer(visit, "bos")
    half = int(world.settings.review.lease_s * 600)
    for _ in range(3):
        assert handed(one.submit("/tinjau/klip").text) == [1, 2]
        world.clock.turned_ms += half
    assert handed(two.submit("/tinjau/klip").text) == []


def test_areas_and_progress(world: World, visit: Visit) -> None:
    clips(world, 2)
    clips(world, 1, 10, kelurahan=MANGGARAI, camera="cam-manggarai")
    here, there = reviewer(visit, "satpol_pusat"), reviewer(visit, "satpol_selatan")
    assert handed(there.submit("/tinjau/klip").text) == [3]
    assert there.submit("/tinjau/putusan", clip=1, verdict="true", token="token-lain").status_code == 404
    text = say(here, 1)
    assert "1 dinilai hari ini" in text
    assert "1 tersisa untuk Anda" in text


def test_a_verdict_that_is_sent_twice_counts_once_and_a_late_one_counts(world: World, visit: Visit) -> None:
    clips(world, 1)
    one = reviewer(visit, "satpol_pusat")
    one.submit("/tinjau/klip")
    world.clock.turned_ms += int(world.settings.review.lease_s * 1000) * 2
    say(one, 1, tags="malam hujan", hands_ms="1800")
    say(one, 1, tags="malam hujan", hands_ms="1800")
    with world.database.reading() as session:
        rows = session.scalars(sa.select(VerdictRow)).all()
        told = [event for event in events_of(session, "kejadian-1") if event.what == "reviewed"]
    assert [(row.verdict, row.tags, row.hands_ms) for row in rows] == [("true", ["malam", "hujan"], 1800)]
    assert len(told) == 1
    assert "Klip dinilai Benar oleh satpol_pusat" in one.get("/kejadian/kejadian-1").text


def test_a_second_opinion_goes_to_somebody_else_and_kappa_is_shown(world: World, visit: Visit) -> None:
    clips(world, 3)
    one, two = reviewer(visit, "satpol_pusat"), reviewer(visit, "bos")
    for clip, verdict in ((1, "true"), (2, "false"), (3, "true")):
        text = say(one, clip, verdict, second="true")
    assert handed(text) == []
    with world.database.reading() as session:
        assert len(session.scalars(sa.select(SecondOpinionRow)).all()) == 3
    answer = two.submit("/tinjau/klip").text
    assert handed(answer) == [1, 2]
    assert "Pendapat kedua diminta" in answer
    for clip, verdict in ((1, "true"), (2, "false"), (3, "false")):
        text = say(two, clip, verdict)
    # observed 2/3; by chance 2/3 * 1/3 + 1/3 * 2/3 = 4/9; kappa = (2/3 - 4/9) / (5/9) = 0.4
    assert "κ 0,40" in text
    assert "67 % sama dari 3 klip" in text
    assert "pendapat kedua diminta" in one.get("/kejadian/kejadian-1").text


def test_what_is_no_verdict_is_refused(world: World, visit: Visit) -> None:
    clips(world, 1)
    one = reviewer(visit, "satpol_pusat")
    good = {"clip": "1", "verdict": "true", "token": "abcdefgh-1"}
    for bad in ({"verdict": "maybe"}, {"token": "x"}, {"clip": "0"}, {"tags": "gosip"}, {"hands_ms": "-1"}):
        assert one.submit("/tinjau/putusan", **{**good, **bad}).status_code == 422
    assert one.submit("/tinjau/putusan", **{**good, "clip": "99"}).status_code == 404
    assert one.post("/tinjau/putusan", data=good).status_code == 403  # no form token
    with world.database.reading() as session:
        assert session.scalars(sa.select(VerdictRow)).all() == []


def test_looking_at_the_page_leases_nothing(world: World, visit: Visit) -> None:
    clips(world, 2)
    one, two = reviewer(visit, "satpol_pusat"), reviewer(visit, "bos")
    page = one.get("/tinjau").text
    assert 'data-k="1"' in page
    assert "<script>" not in page
    assert handed(two.submit("/tinjau/klip").text) == [1, 2]
    assert '<a href="/tinjau">' in one.get("/").text
    assert '<a href="/tinjau">' not in visit("piket_gambir").get("/").text

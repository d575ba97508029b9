from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pipeline.store.incidents import get
from pipeline.store.timeline import events_of
from tests.alert.channels.proof import proves
from tests.desk.world import Visitor, World

Visit = Callable[[str], Visitor]


def decide(
    visitor: Visitor, number: int = 1, expected: str = "waiting", decision: str = "accepted", **more: Any
) -> Any:
    return visitor.submit(f"/kejadian/kejadian-{number}/putusan", decision=decision, expected=expected, **more)


def standing(world: World, number: int = 1) -> tuple[str, str | None]:
    with world.database.reading() as session:
        row = get(session, f"kejadian-{number}")
        assert row is not None
        return row.decision, row.decision_by


def undo(world: World, visitor: Visitor) -> Any:
    with world.database.reading() as session:
        row = get(session, "kejadian-1")
        assert row is not None
        at = row.decision_ms
    return visitor.submit("/kejadian/kejadian-1/batal", decided_ms=at)


@proves("desk", "later")
def test_accepting_and_finishing(world: World, visit: Visit) -> None:
    world.raise_incident()
    visitor = visit("piket_gambir")
    answer = decide(visitor)
    assert answer.status_code == 200
    assert "Diterima" in answer.text
    assert "Batalkan" in answer.text
    assert standing(world) == ("accepted", "piket_gambir")
    assert decide(visitor, expected="accepted", decision="done").status_code == 200
    assert standing(world) == ("done", "piket_gambir")
    assert "Menunggu 0" in visitor.get("/").text


def test_a_false_alarm_needs_its_reason(world: World, visit: Visit) -> None:
    world.raise_incident()
    visitor = visit("piket_gambir")
    assert decide(visitor, decision="false_alarm").status_code == 422
    assert decide(visitor, decision="false_alarm", reason="gosip").status_code == 422
    assert decide(visitor, decision="false_alarm", reason="uap").status_code == 200
    with world.database.reading() as session:
        last = events_of(session, "kejadian-1")[-1]
    assert (last.what, last.actor, last.detail["reason"]) == ("decided", "piket_gambir", "uap")


@pytest.mark.parametrize("decision", ["waiting", "deleted", ""])
def test_other_decisions_are_refused(world: World, visit: Visit, decision: str) -> None:
    world.raise_incident()
    assert decide(visit("piket_gambir"), decision=decision).status_code == 422


def test_the_second_officer_is_told_and_nothing_is_overwritten(world: World, visit: Visit) -> None:
    world.raise_incident()
    first, second = visit("piket_gambir"), visit("rekan_gambir")
    assert decide(first).status_code == 200
    told = decide(second, decision="false_alarm", reason="lampu")
    assert told.status_code == 409
    assert "Sudah diputuskan: Proses oleh piket_gambir" in told.text
    assert standing(world) == ("accepted", "piket_gambir")
    page = second.submit("/kejadian/kejadian-1/putusan", part=False, decision="accepted", expected="waiting")
    assert page.status_code == 409
    assert "<html" in page.text


def test_the_same_decision_sent_twice_is_one(world: World, visit: Visit) -> None:
    world.raise_incident()
    visitor = visit("piket_gambir")
    assert decide(visitor).status_code == decide(visitor).status_code == 200
    with world.database.reading() as session:
        assert [event.what for event in events_of(session, "kejadian-1")].count("decided") == 1


def test_of_many_at_once_one_wins(world: World, visit: Visit) -> None:
    world.raise_incident()
    officers = [visit("piket_gambir"), visit("rekan_gambir"), visit("piket_kecamatan"), visit("bos")]
    with ThreadPoolExecutor(4) as pool:
        codes = sorted(answer.status_code for answer in pool.map(decide, officers))
    assert codes == [200, 409, 409, 409]


def test_without_a_script_the_form_goes_back_to_the_inbox(world: World, visit: Visit) -> None:
    world.raise_incident()
    visitor = visit("piket_gambir")
    answer = visitor.submit("/kejadian/kejadian-1/putusan", part=False, decision="accepted", expected="waiting")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_undo_puts_back_what_was(world: World, visit: Visit) -> None:
    world.raise_incident()
    visitor = visit("piket_gambir")
    decide(visitor)
    decide(visitor, expected="accepted", decision="false_alarm", reason="hujan")
    assert "Bukan kejadian" in visitor.get("/").text, "what was just closed stays for 30 s, to be undone"
    assert undo(world, visitor).status_code == 200
    assert standing(world)[0] == "accepted"
    assert undo(world, visitor).status_code == 409, "a taking back is not taken back"


def test_undo_ends_after_thirty_seconds(world: World, visit: Visit) -> None:
    world.raise_incident()
    visitor = visit("piket_gambir")
    decide(visitor, decision="false_alarm", reason="uap")
    assert "/batal" in visitor.get("/").text
    world.clock.turned_ms += 31_000
    assert "/batal" not in visitor.get("/").text
    answer = undo(world, visitor)
    assert answer.status_code == 409
    assert "lewat 30 detik" in answer.text
    assert standing(world)[0] == "false_alarm"


def test_only_the_own_decision_is_undone(world: World, visit: Visit) -> None:
    world.raise_incident()
    decide(visit("piket_gambir"))
    other = visit("rekan_gambir")
    assert "/batal" not in other.get("/").text
    assert undo(world, other).status_code == 409
    assert standing(world) == ("accepted", "piket_gambir")


def test_the_words_of_the_city_follow_one_another_with_a_note(world: World, visit: Visit) -> None:
    world.raise_incident()
    visitor = visit("piket_gambir")
    steps = (("waiting", "coordination"), ("coordination", "accepted"), ("accepted", "done"))
    for expected, decision in steps:
        assert decide(visitor, expected=expected, decision=decision, note="di lokasi").status_code == 200
    page = visitor.get("/kejadian/kejadian-1").text
    assert "Koordinasi oleh piket_gambir. Catatan: di lokasi" in page
    with world.database.reading() as session:
        row = get(session, "kejadian-1")
        assert row is not None
        assert (row.state, row.decision, row.decision_note) == ("opened", "done", "di lokasi")


def test_a_forward_is_a_disposition_and_says_how_the_agency_learns_of_it(world: World, visit: Visit) -> None:
    world.raise_incident()
    visitor = visit("piket_gambir")
    path = "/kejadian/kejadian-1/terusan"
    assert visitor.submit(path, agency="gosip", expected="waiting").status_code == 422
    assert visitor.submit(path, agency="damkar", expected="waiting", note="lantai 2").status_code == 200
    assert standing(world) == ("disposition", "piket_gambir")
    assert visitor.submit(path, agency="polisi", expected="disposition").status_code == 200
    page = visitor.get("/kejadian/kejadian-1").text
    assert "Diteruskan ke Damkar oleh piket_gambir lewat telepon. Catatan: lantai 2" in page
    assert "Diteruskan ke Polisi" in page
    told = visit("rekan_gambir").submit(path, agency="bpbd", expected="waiting")
    assert told.status_code == 409
    assert "Sudah diputuskan: Disposisi oleh piket_gambir" in told.text


def test_usual_agencies_come_first_and_all_can_be_reached(world: World, visit: Visit) -> None:
    world.raise_incident()
    page = visit("piket_gambir").get("/").text
    places = [page.index(f'name="agency" value="{key}"') for key in ("damkar", "bpbd", "sda", "satpol", "polisi")]
    assert places == sorted(places)


def test_what_stood_on_a_screen_is_said_once_a_person(world: World, visit: Visit) -> None:
    world.raise_incident()
    for name in ("piket_gambir", "piket_gambir", "rekan_gambir"):
        assert visit(name).submit("/kejadian/kejadian-1/dilihat").status_code == 204
    with world.database.reading() as session:
        seen = [event.actor for event in events_of(session, "kejadian-1") if event.what == "seen"]
    assert seen == ["piket_gambir", "rekan_gambir"]

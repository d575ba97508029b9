"""Shift handover: the shift's beginning, what happened, what is open, who sees it."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from pipeline.desk.routes.handover import shift_start, since
from tests.desk.world import Visitor, World

ZONE = ZoneInfo("Asia/Jakarta")


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "start"),
    [
        ("2026-11-24T14:59", "2026-11-24T07:00"),
        ("2026-11-24T15:00", "2026-11-24T15:00"),
        ("2026-11-24T02:00", "2026-11-23T23:00"),
    ],
)
def test_a_shift_begins_at_the_last_of_its_times(now: str, start: str) -> None:
    assert shift_start(at(now), ZONE, ("07:00", "15:00", "23:00")) == at(start)


def test_a_time_of_day_is_its_last_occurrence() -> None:
    now = at("2026-11-24T02:00")
    assert since("22:30", now, ZONE) == at("2026-11-23T22:30")
    assert since("2026-11-20T08:00", now, ZONE) == at("2026-11-20T08:00")
    for wrong in ("25:00", "besok", "2026-13-01T08:00"):
        with pytest.raises(ValueError):
            since(wrong, now, ZONE)


def test_the_page_tells_what_is_open_and_done_and_down(world: World, visit: Callable[[str], Visitor]) -> None:
    first, second = world.raise_incident(1), world.raise_incident(2, kind="smoke")
    world.camera("cam-gambir-2", "covered", "x")
    visitor = visit("piket_gambir")
    visitor.submit(f"/kejadian/{second.id}/putusan", decision="false_alarm", expected="waiting", reason="uap")
    text = visitor.get("/serah-terima").text
    still_open, ended = text.index("Masih terbuka"), text.index("Sudah selesai")
    assert still_open < text.index(first.id) < ended < text.index(second.id)
    assert "Tertutup sejak" in text
    other = visit("piket_manggarai").get("/serah-terima").text
    assert first.id not in other
    assert "Tertutup sejak" not in other
    assert visitor.get("/serah-terima?sejak=besok").status_code == 400
    assert visitor.get("/serah-terima?sejak=06:00").status_code == 200

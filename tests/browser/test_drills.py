"""A drill in a browser: it stands at the head of the page at once, rings its own tone, and goes when accepted."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.store.timeline import events_of
from tests.desk.test_dead_letters import give_up
from tests.desk.test_drills import begin
from tests.desk.world import World
from tests.waiting import wait_for

SitDown = Callable[..., Any]


@pytest.mark.parametrize("width", [360, 1920])
def test_it_comes_rings_is_accepted_and_goes(world: World, sit_down: SitDown, width: int) -> None:
    page, other = sit_down("piket_gambir", width), sit_down("rekan_gambir", width)
    page.mouse.click(5, 5)  # the browser lets nothing sound before that
    begin(world)
    page.wait_for_selector(".exercise.drill")
    assert "LATIHAN" in page.locator(".exercise").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.wait_for_function("() => Number(document.getElementById('exercises').dataset.rung) > 0")
    assert page.locator(".count").first.inner_text() == "0"  # no incident
    page.click(".exercise button")
    page.wait_for_selector(".exercise", state="detached")
    other.wait_for_selector(".exercise", state="detached")
    assert "Latihan diterima" in page.locator("#toast").inner_text()
    with world.database.reading() as session:
        assert [(one.what, one.actor) for one in events_of(session, "latihan-1")][-1] == (
            "drill_accepted", "piket_gambir",
        )  # fmt: skip


def test_a_real_incident_rings_alone(world: World, sit_down: SitDown) -> None:
    page = sit_down("piket_gambir")
    page.mouse.click(5, 5)
    world.raise_incident()
    page.wait_for_function("() => Number(document.documentElement.dataset.rung) > 0")
    begin(world)
    page.wait_for_selector(".exercise.drill")
    before = int(page.evaluate("document.documentElement.dataset.rung"))
    page.wait_for_function("before => Number(document.documentElement.dataset.rung) > before", arg=before)
    assert page.evaluate("document.getElementById('exercises').dataset.rung ?? null") is None


@pytest.mark.parametrize("width", [360, 1920])
def test_a_failed_notice_is_sent_again_by_a_button(world: World, sit_down: SitDown, width: int) -> None:
    record = world.raise_incident()
    give_up(world, record.id)
    page = sit_down("piket_gambir", width)
    page.click(".menu summary")
    page.click("a[href='/kabar-gagal']")
    page.wait_for_selector("main.letters li")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.click("main.letters li button")
    page.wait_for_selector("main.letters li", state="detached")
    with world.database.reading() as session:
        wait_for(lambda: events_of(session, record.id)[-1].what == "resent", 10)


def test_opening_an_incident_is_a_receipt_once(world: World, sit_down: SitDown, url: str) -> None:
    record = world.raise_incident()
    page = sit_down("piket_gambir")
    for _ in range(2):
        page.goto(f"{url}/kejadian/{record.id}")
        page.wait_for_selector("text=Dilihat oleh piket_gambir")
    with world.database.reading() as session:
        assert [one.actor for one in events_of(session, record.id) if one.what == "seen"] == ["piket_gambir"]

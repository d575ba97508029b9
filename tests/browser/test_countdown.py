"""The countdown to the next level: it runs, reaches zero, says to whom it went up, and goes when somebody accepts."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.alert.digest import Teller
from pipeline.alert.escalation import Escalator
from pipeline.alert.rules import Rules
from pipeline.store.escalations import start
from tests.browser.test_desk import waits
from tests.desk.world import World

SitDown = Callable[..., Any]


@pytest.fixture
def escalate(world: World) -> Callable[[], int]:
    """Take the steps that are due, as the alert stage does twice a second."""
    alert = world.settings.alert
    rules = Rules(world.registry, alert)
    teller = Teller(world.registry, alert.storm, alert.update_every_s, {})
    escalator = Escalator(rules, {}, teller)
    return lambda: len(world.database.transact(lambda session: escalator.work(session, world.clock())))


def begin(world: World, number: int = 1, seconds: float = 42, **changes: Any) -> None:
    """Open an incident that goes up in so many seconds."""
    record = world.raise_incident(number, **changes)
    world.database.transact(lambda session: start(session, record.id, world.clock(), int(1000 * seconds)))


@pytest.mark.parametrize("width", [360, 1920])
def test_it_runs_reaches_zero_and_goes_when_somebody_accepts(
    world: World, sit_down: SitDown, escalate: Callable[[], int], width: int
) -> None:
    begin(world)
    page, above = sit_down("piket_gambir", width), sit_down("piket_kecamatan", width)
    waits(page, "Naik ke Kecamatan Gambir dalam 0:")
    shown = page.locator(".rise time").first.inner_text()
    assert re.fullmatch(r"0:[0-4]\d", shown)
    page.wait_for_function("was => document.querySelector('.rise time').textContent !== was", arg=shown)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    world.clock.turned_ms += 43_000  # the next beat of the stream tells the page what time it is
    waits(page, "Waktu habis: naik ke Kecamatan Gambir ...")
    assert not page.locator(".rise time").first.is_visible()

    assert escalate() == 1
    waits(page, "Sudah naik ke Kecamatan Gambir: Kelurahan Gambir tidak menerima dalam")
    waits(above, "Naik kepada Anda, Kecamatan Gambir")
    waits(above, "Naik ke Kota Administrasi Jakarta Pusat dalam")

    above.click(".btn.accept")
    page.wait_for_selector("article[data-decision=accepted]")
    page.wait_for_selector(".rise", state="detached")
    assert above.locator("article .rise").count() == 0


def test_the_page_of_the_incident_counts_too_and_tells_it_afterwards(
    world: World, sit_down: SitDown, escalate: Callable[[], int]
) -> None:
    begin(world)
    page = sit_down("piket_gambir")
    page.click("article .still")
    page.wait_for_selector("main.incident .rise")
    waits(page, "Naik ke Kecamatan Gambir dalam 0:")
    for _ in range(4):
        world.clock.turned_ms += 200_000
        assert escalate() == 1
    waits(page, "Tidak ada yang menerima, juga Jakarta Siaga 112 tidak.")
    waits(page, "Naik ke Kecamatan Gambir: Kelurahan Gambir tidak menerima dalam")
    assert page.locator("[data-rise]").count() == 0


def test_in_english(world: World, sit_down: SitDown) -> None:
    begin(world)
    page = sit_down("piket_gambir")
    page.context.add_cookies([{"name": "siaga_language", "value": "en", "url": page.url}])
    page.reload()
    waits(page, "Goes up to Kecamatan Gambir in 0:")

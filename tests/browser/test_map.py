"""The map in a browser, without any network but the desk's own: marks, live changes, filters, keys, both widths."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.desk.city import jakarta
from tests.desk.test_public import decided, public_world
from tests.desk.world import World

SitDown = Callable[..., Any]
SIZES = pytest.mark.parametrize(("width", "height"), [(360, 740), (1920, 1080)])


@pytest.fixture
def world(tmp_path: Path, shared_data: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    if "citizen" in request.node.name:
        made = public_world(tmp_path, every_s=0.2)
    else:
        made = jakarta(tmp_path, shared_data / "data/geo/kelurahan.geojson", 120)
    yield made
    made.database.close()


def open_map(page: Any, url: str, path: str = "/peta") -> list[str]:
    """Open a page with a map and wait until it is drawn; return what was asked of any other server."""
    asked: list[str] = []
    page.context.route(lambda address: not address.startswith(url) and not address.startswith("data:"),
                       lambda route: (asked.append(route.request.url), route.abort()))  # fmt: skip
    page.goto(url + path)
    page.wait_for_selector(".map.ready")
    return asked


@SIZES
def test_the_map_shows_the_city_live_and_asks_no_other_server(
    world: World, url: str, sit_down: SitDown, width: int, height: int
) -> None:
    page = sit_down("bos", width, height)
    asked = open_map(page, url)
    page.wait_for_selector(".map .pin.many.lost")
    assert page.locator(".map path.ward").count() == 267
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    camera = next(iter(world.registry.cameras.values()))
    record = world.raise_incident(camera=camera.id, kelurahan=camera.kelurahan)
    page.wait_for_selector(".map .mark .pin.fire svg")
    page.locator(".map .mark:has(.pin.fire)").click()
    page.wait_for_selector(".leaflet-popup >> text=Kebakaran")
    assert page.get_attribute(".leaflet-popup .go", "href") == f"/kejadian/{record.id}"
    page.click(".leaflet-popup .go")
    page.locator(".map.small").scroll_into_view_if_needed()
    page.wait_for_selector(".map.small.ready .pin.witness")
    assert page.locator(".map.small .pin.fire").count() == 1
    assert asked == []


def test_the_map_is_used_by_keys_alone(world: World, url: str, sit_down: SitDown) -> None:
    camera = next(iter(world.registry.cameras.values()))
    world.raise_incident(camera=camera.id, kelurahan=camera.kelurahan)
    page = sit_down("bos", 1920, 1080)
    open_map(page, url)
    page.wait_for_selector(".map .pin.fire")
    page.locator(".map .mark:has(.pin.fire)").focus()
    assert "Kebakaran" in page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.keyboard.press("Enter")
    page.wait_for_selector(".leaflet-popup")
    assert page.evaluate("document.activeElement.matches('.leaflet-popup a.go')")
    page.keyboard.press("Escape")
    page.wait_for_selector(".leaflet-popup", state="detached")
    group = page.locator(".map .mark:has(.pin.many)").first
    before = page.locator(".leaflet-control-scale-line").inner_text()
    group.focus()
    assert "kamera" in page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.keyboard.press("Enter")
    page.wait_for_function("was => document.querySelector('.leaflet-control-scale-line').innerText !== was", arg=before)


def test_filters_and_states_in_words(world: World, url: str, sit_down: SitDown) -> None:
    page = sit_down("bos", 1920, 1080)
    open_map(page, url)
    page.wait_for_selector(".map .pin.many")
    page.click("#saringan summary")
    for state in ("live", "connecting", "frozen", "dark", "covered", "unknown"):
        page.uncheck(f"#saring [name=state][value={state}]")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.map .pin')].every(el => el.classList.contains('lost'))"
    )
    lost = next(camera for number, camera in enumerate(world.registry.cameras.values()) if number % 20 == 0)
    page.click(f"[data-find='{lost.id}']")
    page.wait_for_selector(".leaflet-popup >> text=Putus")
    page.keyboard.press("Escape")
    world.camera(lost.id, "live")
    page.wait_for_selector(f"[data-find='{lost.id}']", state="detached")


def test_an_officer_is_sent_nothing_beyond_the_own_kelurahan(world: World, url: str, sit_down: SitDown) -> None:
    page = sit_down("piket_gambir")
    open_map(page, url)
    assert page.locator(".map path.ward").count() == 1


@SIZES
def test_a_citizen_moves_the_map_and_it_stays_while_the_news_change(
    world: World, url: str, chromium: Any, width: int, height: int
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
    asked = open_map(page, url, "/publik")
    page.wait_for_selector(".map .pin.live")
    page.evaluate("document.querySelector('.map').dataset.same = 'yes'")
    record = world.raise_incident()
    decided(world, record.id, "accepted")
    world.clock.turned_ms += 31_000
    page.wait_for_selector(".map[data-same=yes] .pin.fire", timeout=20_000)
    page.locator(".map .mark:has(.pin.live)").click()
    page.wait_for_selector(".leaflet-popup >> text=Medan Merdeka")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert (context.cookies(), asked, faults) == ([], [], [])
    context.close()

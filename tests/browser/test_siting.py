"""The planner in a browser on the real kelurahan: request, merge, plan, approve, built, and it counts as coverage."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.desk.city import add_person, jakarta
from tests.desk.world import PASSWORD, World

SLOW_MS = 120_000


@pytest.fixture
def world(tmp_path: Path, shared_data: Path) -> Iterator[World]:
    made = jakarta(tmp_path, shared_data / "data/geo/kelurahan.geojson", 60)
    add_person(made, "perencana", "planner", ["*"])
    yield made
    made.database.close()


def enter(page: Any, url: str) -> None:
    """Sign the planner in."""
    page.goto(f"{url}/masuk")
    page.fill("#name", "perencana")
    page.fill("#password", PASSWORD)
    page.click("button.accept")
    page.wait_for_selector("main.siting", timeout=SLOW_MS)


def ask(page: Any, url: str, lat: str, lng: str, who: str) -> None:
    """Fill in the form of a request."""
    page.goto(f"{url}/kebutuhan/baru")
    for name, value in (("lat", lat), ("lng", lng), ("asked_by", who), ("reason", "Sering terbakar")):
        page.fill(f"#need [name={name}]", value)
    page.select_option("#need [name=category]", "rawan_kebakaran")
    page.click("#need .accept")
    page.wait_for_selector("dl.facts-list")


def covered(page: Any, url: str) -> str:
    """Return the first line of the coverage page once it is worked out."""
    page.goto(f"{url}/cakupan")
    page.wait_for_selector("#covered", timeout=SLOW_MS)
    return str(page.inner_text("#covered"))


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (360, 740)])
def test_from_request_to_coverage(world: World, url: str, chromium: Any, width: int, height: int) -> None:
    context = chromium.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.set_default_timeout(SLOW_MS)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
    enter(page, url)
    ask(page, url, "-6.2135", "106.8500", "RT 05/RW 02")
    ask(page, url, "-6.2136", "106.8501", "RT 06/RW 02")
    page.click("#merge")
    page.wait_for_selector("text=digabungkan ke sini")
    assert "60 kamera" in covered(page, url)
    page.goto(f"{url}/rencana")
    page.fill("[name=budget]", "1")
    page.click(".accept")
    page.wait_for_selector("#approve")
    page.wait_for_selector(".map.ready .pin.site")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click("#approve")
    page.click("[data-site-row] .pairform button")
    page.wait_for_selector("[data-site-row] .chip.dipasang")
    assert "61 kamera" in covered(page, url)
    assert "1 lokasi terpasang" in covered(page, url)
    assert faults == []
    context.close()

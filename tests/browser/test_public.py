"""The citizen's page in a browser, without sign-in: an incident only once an officer confirmed it, at both widths."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.desk.test_public import decided, public_world
from tests.desk.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = public_world(tmp_path, every_s=0.2)
    yield made
    made.database.close()


@pytest.fixture
def citizen(chromium: Any, url: str) -> Iterator[Callable[[int, int, str], Any]]:
    """Open the page in a browser that has never been here."""
    contexts = []

    def come(width: int, height: int, path: str = "/publik") -> Any:
        contexts.append(chromium.new_context(viewport={"width": width, "height": height}))
        page = contexts[-1].new_page()
        page.goto(url + path)
        return page

    yield come
    for context in contexts:
        context.close()


def until(page: Any, words: str) -> None:
    """Read the page again until it says something."""
    for _ in range(100):
        if words in page.inner_text("body"):
            return
        page.wait_for_timeout(100)
        page.reload()
    raise AssertionError(f"the page never said {words!r}: {page.inner_text('body')}")


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1920, 1080)])
def test_a_citizen_reads_of_a_fire_only_after_it_was_confirmed(
    world: World, citizen: Callable[..., Any], width: int, height: int
) -> None:
    record = world.raise_incident()
    page = citizen(width, height)
    until(page, "Tidak ada kejadian yang dipastikan petugas.")
    decided(world, record.id, "accepted")
    world.clock.turned_ms += 31_000
    until(page, "Kebakaran di Jl. Medan Merdeka")
    until(citizen(width, height, "/publik/en"), "Medan Merdeka")
    assert page.locator("video").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.context.cookies() == []

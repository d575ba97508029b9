"""The review in a browser: twenty verdicts by keyboard alone, and none lost when the line goes."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from pipeline.store.review_tables import SecondOpinionRow, VerdictRow
from tests.browser.conftest import clip
from tests.desk.world import World
from tests.waiting import wait_for

SitDown = Callable[..., Any]
PLAYS = "() => document.querySelector('#show article:not([hidden]) video')?.currentTime > 0.1"
STANDS = "id => document.querySelector('#show article:not([hidden])')?.dataset.id === String(id)"
LOADED = "() => document.querySelector('#show article[hidden] video')?.readyState >= 3"


def verdicts(world: World) -> list[VerdictRow]:
    with world.database.reading() as session:
        return list(session.scalars(sa.select(VerdictRow).order_by(VerdictRow.clip)))


def clips(world: World, count: int) -> None:
    film = clip()
    for number in range(1, count + 1):
        world.keep(world.raise_incident(number, still=False), "clip", film)


def review(sit_down: SitDown, url: str, width: int = 1280, height: int = 800) -> Any:
    page = sit_down("satpol_pusat", width, height)
    page.goto(f"{url}/tinjau")
    page.wait_for_function(STANDS, arg=1)
    return page


def test_twenty_verdicts_by_keyboard(world: World, url: str, sit_down: SitDown) -> None:
    clips(world, 20)
    page = review(sit_down, url)
    page.wait_for_function(PLAYS)  # by itself
    page.wait_for_function(LOADED)  # the next one is there before it is asked for
    for number in range(1, 21):
        page.wait_for_function(STANDS, arg=number)
        if number == 3:
            page.keyboard.press("w")
            page.keyboard.press("4")
        page.keyboard.press(str(1 + number % 3))
    page.wait_for_selector("#none:not([hidden])")
    rows = wait_for(lambda: verdicts(world) if len(verdicts(world)) == 20 else [])
    words = ["true", "false", "unsure"]
    assert [(row.clip, row.verdict) for row in rows] == [(n, words[n % 3]) for n in range(1, 21)]
    assert rows[2].tags == ["malam"]
    assert [row.tags for row in rows if row.tags] == [["malam"]]  # tags belong to one clip
    with world.database.reading() as session:
        assert [row.clip for row in session.scalars(sa.select(SecondOpinionRow))] == [3]
    page.wait_for_selector("[data-done='20']")


def test_no_verdict_is_lost_with_the_line(world: World, url: str, sit_down: SitDown) -> None:
    clips(world, 3)
    page = review(sit_down, url, 360, 740)
    page.wait_for_function("() => document.querySelectorAll('#show article').length === 2")
    page.context.set_offline(True)
    page.keyboard.press("1")
    page.wait_for_function(STANDS, arg=2)
    page.keyboard.press("2")
    page.wait_for_selector("#queued:not([hidden])")
    assert verdicts(world) == []
    page.context.set_offline(False)
    wait_for(lambda: len(verdicts(world)) == 2)
    page.wait_for_function(STANDS, arg=3)
    assert page.locator("#queued").is_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.keyboard.press("0")  # back to the clip before, and another word for it
    page.wait_for_function(STANDS, arg=2)
    page.keyboard.press("3")
    wait_for(lambda: [row.verdict for row in verdicts(world)] == ["true", "unsure"])
    page.wait_for_function(STANDS, arg=3)

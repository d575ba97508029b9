"""A kelurahan with cameras and no reachable post is found, named and refused at start."""

import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import structlog

from pipeline.alert.posts import check_posts, check_start, unreached
from pipeline.alert.rules import Rules
from pipeline.alert.worker import run
from pipeline.ops.errors import ConfigError
from pipeline.ops.sections import AlertSection
from pipeline.store import people
from pipeline.store.accounts import FIRST_START, Account, list_accounts, read_accounts
from pipeline.store.database import Database
from tests.alert.making import GAMBIR, SENEN, registry, settings_at, webhook

JAKARTA = ZoneInfo("Asia/Jakarta")
NOW = int(datetime(2026, 11, 25, 12, tzinfo=JAKARTA).timestamp() * 1000)
BUDI = Account("budi", "piket", (GAMBIR,))
PHONES = [webhook("a", "http://x/"), webhook("b", "http://x/")]
DAY = {"shift": "siang", "start": "07:00", "end": "19:00", "targets": ["webhook:a"]}
NIGHT = {"shift": "malam", "start": "19:00", "end": "07:00", "targets": ["webhook:b"]}


def rules(*webhooks: dict[str, Any], **duty: Any) -> Rules:
    return Rules(registry(), AlertSection.model_validate({"webhooks": webhooks, "duty": duty}), JAKARTA)


def posts(*made: dict[str, Any], **duty: Any) -> Rules:
    return rules(*PHONES, posts=[{"name": f"p{index}", **one} for index, one in enumerate(made)], **duty)


def missing(by: Rules, *accounts: Account) -> dict[str, str]:
    return {one.kelurahan.code: one.why for one in unreached(by, accounts, NOW)}


NOBODY = "no officer's account, target or post serves it"


@pytest.mark.parametrize(
    ("by", "accounts", "expected"),
    [
        (rules(), FIRST_START, {}),
        (rules(), (), {GAMBIR: NOBODY, SENEN: NOBODY}),
        (rules(), (BUDI,), {SENEN: NOBODY}),
        (rules(), (*FIRST_START, BUDI), {SENEN: NOBODY}),
        (rules(), (Account("ani", "piket", ("*",)),), {}),
        (rules(PHONES[0]), (), {}),
        (rules(webhook("a", "http://x/", kelurahan=[SENEN])), FIRST_START, {GAMBIR: NOBODY}),
        (rules(webhook("a", "http://x/", kelurahan=[SENEN])), (BUDI,), {}),
        (posts({"kelurahan": [SENEN], "targets": ["webhook:a"]}), (BUDI,), {}),
        (posts({"kelurahan": [SENEN], "targets": ["webhook:a"], "kinds": ["flood"]}), (BUDI,), {}),
    ],
    ids=["first start", "nobody", "one officer", "administrators besides", "an officer everywhere", "a target for all",
         "a target elsewhere", "target and officer", "a post", "another target for all"],
)  # fmt: skip
def test_who_is_reached(by: Rules, accounts: Sequence[Account], expected: dict[str, str]) -> None:
    assert missing(by, *accounts) == expected


def only(made: Sequence[dict[str, Any]], **duty: Any) -> Rules:
    """Posts whose targets nothing else tells."""
    agency = {"agency": "x", "kinds": ["brawl"], "targets": ["webhook:a", "webhook:b"]}
    return posts(*made, agencies=[agency], **duty)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ([{"roster": [DAY, NIGHT]}], None),
        ([{"roster": [DAY]}, {"roster": [NIGHT]}], None),
        ([{"roster": [DAY]}], "nobody of p0 is on duty at 2026-11-25 19:00"),
        ([{"roster": [DAY], "on_call": [{"targets": ["webhook:b"]}]}], None),
        ([{"roster": [DAY], "on_call": [{"targets": ["webhook:b"], "last": "2026-11-26"}]}],
         "nobody of p0 is on duty at 2026-11-27 00:00"),
        ([{"roster": [DAY, {**NIGHT, "days": ["mon", "tue", "wed", "thu", "fri", "sat"]}]}],
         "nobody of p0 is on duty at 2026-11-29 19:00"),
        ([{"targets": ["webhook:a"], "kinds": ["flood"]}], NOBODY),
        ([{"targets": ["webhook:a"], "categories": ["rawan_banjir"]}], NOBODY),
        ([{"targets": ["webhook:a"], "categories": ["jalan"]}], None),
    ],
)  # fmt: skip
def test_a_post_counts_if_somebody_is_there_at_every_hour(made: list[dict[str, Any]], why: str | None) -> None:
    assert missing(only(made)) == ({} if why is None else {GAMBIR: why, SENEN: why})


def test_a_holiday_without_a_shift_is_a_gap() -> None:
    made = [
        {
            "roster": [
                {**DAY, "days": ["holiday"]},
                DAY | {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]},
                NIGHT,
            ]
        }
    ]
    assert missing(only(made, holidays=["2026-12-01"])) == {}
    made[0]["roster"][0] = {**made[0]["roster"][0], "end": "18:00"}
    assert missing(only(made, holidays=["2026-12-01"]))[SENEN] == "nobody of p0 is on duty at 2026-12-01 18:00"


def test_the_error_names_the_kelurahan_its_cameras_and_the_way_out() -> None:
    with pytest.raises(ConfigError) as told:
        check_posts(rules(), [BUDI], NOW)
    assert str(told.value).splitlines() == [
        f"alert.duty.require_post: kelurahan {SENEN} Senen (1 camera: cam-3) has no reachable post for "
        f"fire, smoke, flood: {NOBODY}",
        "add an officer (siaga people add), a target or a post, or set alert.duty.require_post: false",
    ]
    check_posts(rules(require_post=False), [BUDI], NOW)


def test_a_stage_that_is_started_again_works_on_and_says_so() -> None:
    with structlog.testing.capture_logs() as logs:
        check_posts(rules(), [BUDI], NOW, again=True)
    assert [(line["event"], len(line["kelurahan"])) for line in logs] == [("posts.unreached", 1)]


def test_the_stage_does_not_start_where_a_kelurahan_reaches_nobody(
    tmp_path: Path, database: Database, url: str
) -> None:
    settings = settings_at(tmp_path, store={"url": url})
    assert read_accounts(settings) == FIRST_START
    with database.session() as session:
        people.add_user(session, "budi", "x", "piket", [GAMBIR], NOW)
        people.add_user(session, "lama", "x", "piket", [SENEN], NOW)
        people.add_user(session, "satpol", "x", "satpol", ["*"], NOW)
        people.set_disabled(session, "lama", True)
    assert read_accounts(settings) == (BUDI,)
    with pytest.raises(ConfigError, match=f"kelurahan {SENEN} Senen"):
        run(settings, registry(), threading.Event())
    with pytest.raises(ConfigError, match=f"kelurahan {SENEN} Senen"):
        check_start(settings, registry(), NOW)
    with database.session() as session:
        people.set_disabled(session, "lama", False)
    assert check_start(settings, registry(), NOW) == []


def test_before_the_first_start_nothing_is_made_and_administrators_count(tmp_path: Path) -> None:
    settings = settings_at(tmp_path / "var")
    assert check_start(settings, registry(), NOW) == []
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_does_not_answer_leaves_the_check_to_the_stage(tmp_path: Path) -> None:
    settings = settings_at(tmp_path, store={"url": "postgresql://nobody@127.0.0.1:9/none"})
    assert read_accounts(settings) is None
    assert check_start(settings, registry(), NOW) is None


def test_accounts_are_those_that_may_decide(database: Database) -> None:
    with database.session() as session:
        assert list_accounts(session) == FIRST_START
        people.add_user(session, "mira", "x", "engineer", ["*"], NOW)
        assert list_accounts(session) == ()

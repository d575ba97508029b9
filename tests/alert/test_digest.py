"""A storm of incidents becomes a digest that lists all of them, on both databases, with an injected clock."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.alert.channels.base import Refused, Retry
from pipeline.alert.digest import is_ripe, is_storm, parts
from pipeline.ops.storm import StormSection
from pipeline.store.database import Database
from pipeline.store.digests import Gathered
from pipeline.store.places import add_places
from tests.alert.city import SQLITE, City, Ear, sample, sqlite
from tests.alert.making import GAMBIR, SENEN, incident

STORM = {"incidents": 20, "window_s": 60, "gather_s": 10, "every_s": 30, "lines": 40}


@pytest.fixture
def city(tmp_path: Path, url: str, database: Database) -> City:
    """A city where 20 incidents in a minute are a storm, as by default; one receiver besides the desk."""
    return storm_city(tmp_path, database, url)


def storm_city(folder: Path, database: Database, url: str = SQLITE, **alert: Any) -> City:
    """A city with the defaults of flood control and two receivers that hear everything."""
    hooks = [{"name": name, "url": f"http://{name}.invalid/", "secret": "x" * 20} for name in ("a", "b")]
    patient = {"deadlines": {"fire": dict.fromkeys(("post_s", "kecamatan_s", "kota_s", "city_s"), 1e6)}}
    return City(folder, database, url, **{"storm": STORM, "webhooks": hooks, "escalation": patient, **alert})


@pytest.fixture
def small(tmp_path: Path) -> Iterator[City]:
    """A city where 5 in a minute are a storm, on SQLite alone."""
    with sqlite(tmp_path) as opened:
        yield storm_city(tmp_path, opened, storm={**STORM, "incidents": 5})


def listed(row: Any) -> list[str]:
    """The incidents that a digest lists."""
    return [one["incident"]["id"] for one in row.payload["incidents"]]


def told(city: City, target: str) -> Counter[str]:
    """How often a target was told of each incident: alone, or newly by a digest."""
    found: Counter[str] = Counter()
    for row in city.ear.heard:
        if row.target == target and row.notice in ("opened", "escalated"):
            found[row.incident_id] += 1
        elif row.target == target and row.notice == "digest":
            found.update(one["incident"]["id"] for one in row.payload["incidents"] if one["told"] == "digest")
    return found


@given(st.integers(0, 50), st.booleans(), st.integers(2, 30))
def test_a_storm_is_the_twentieth_and_whatever_comes_while_it_gathers(recent: int, gathering: bool, limit: int) -> None:
    assert is_storm(recent, gathering, limit) == (gathering or recent >= limit - 1)


@given(st.integers(0, 10**6), st.integers(0, 200_000), st.none() | st.integers(0, 10**6), st.booleans())
def test_a_digest_is_never_early(since: int, waited: int, last: int | None, open_: bool) -> None:
    rule = StormSection()
    ripe = is_ripe(Gathered(since, [], open_, last), rule, since + waited)
    assert ripe == (not open_ and waited >= 10_000 and (last is None or since + waited >= last + 30_000))


@given(st.lists(st.integers()), st.integers(1, 50))
def test_parts_lose_nothing(items: list[int], lines: int) -> None:
    cut = parts(items, lines)
    assert [item for part in cut for item in part] == items
    assert all(0 < len(part) <= lines for part in cut)


def test_twenty_in_a_minute_become_one_digest_with_all_of_them_listed(city: City) -> None:
    suppressed, digests = sample("siaga_alert_suppressed_total", reason="digest"), 0.0
    digests = sample("siaga_alert_digests_total", channel="webhook")
    for number in range(20):
        city.open(number)
    city.deliver()
    assert city.ear.heard == [], "those that waited joined the digest"
    assert city.wait(9.9) == 0
    assert city.wait(0.1) == 2
    city.deliver()
    for name in ("webhook:a", "webhook:b"):
        (row,) = [row for row in city.ear.heard if row.target == name]
        assert row.notice == "digest"
        assert listed(row) == [f"i{number}" for number in range(20)]
        assert told(city, name) == {f"i{number}": 1 for number in range(20)}
    assert sample("siaga_alert_suppressed_total", reason="digest") == suppressed + 40
    assert sample("siaga_alert_digests_total", channel="webhook") == digests + 2
    for number in range(20):
        said = city.events(f"i{number}", "digested")
        assert [(event.detail["target"], event.detail["n"]) for event in said] == [("webhook:a", 20), ("webhook:b", 20)]
        got = [event.detail for event in city.events(f"i{number}", "delivered") if event.detail["notice"] == "digest"]
        assert [detail["target"] for detail in got] == ["webhook:a", "webhook:b"]
        desk = [row for row in city.rows(f"i{number}") if row.channel == "desk"]
        assert [row.state for row in desk] == ["sent"], "the desk is never digested"


def test_what_was_told_alone_is_listed_and_marked(small: City) -> None:
    for number in range(9):
        small.open(number)
        small.deliver()
        small.now += 1000
    assert small.ear.keys("webhook:a") == [f"i{number}:opened:webhook:a" for number in range(4)]
    small.wait(10)
    small.deliver()
    digest = small.ear.heard[-1]
    assert listed(digest) == [f"i{number}" for number in range(9)]
    assert [one["told"] for one in digest.payload["incidents"]] == ["alone"] * 4 + ["digest"] * 5
    assert told(small, "webhook:a") == {f"i{number}": 1 for number in range(9)}


def test_four_in_a_minute_are_no_storm(small: City) -> None:
    for number in range(16):
        small.open(number)
        small.deliver()
        small.now += 15_100
    assert {row.notice for row in small.ear.heard} == {"opened"}
    assert len(small.ear.keys("webhook:a")) == 16


def test_the_next_digest_comes_no_sooner_than_the_pause_after_the_last_was_sent(small: City) -> None:
    for number in range(5):
        small.open(number)
    small.wait(10)
    small.now += 5000  # the digest is sent later than it was written
    small.deliver()
    small.open(5)
    assert small.wait(29.9) == 0
    assert small.wait(0.1) == 2
    small.deliver()
    assert listed(small.ear.heard[-1]) == ["i5"], "what was listed before is not listed again"


def test_while_a_digest_cannot_be_sent_the_next_one_gathers(small: City) -> None:
    for number in range(5):
        small.open(number)
    small.wait(10)
    small.ear.answers = [Retry("http_5xx", "HTTP 500", after_s=600)] * 2
    small.deliver()
    for number in range(5, 9):
        small.open(number)
        assert small.wait(40) == 0
    small.now += 600_000
    small.deliver()
    assert small.wait(30) == 2
    small.deliver()
    assert len([row for row in small.ear.heard if row.target == "webhook:a"]) == 2
    assert told(small, "webhook:a") == {f"i{number}": 1 for number in range(9)}


def test_what_waits_for_a_target_that_is_away_becomes_a_digest(small: City) -> None:
    for number in range(8):
        small.open(number)
        small.now += 20_000  # never many in a minute, but the target has got none of them
    small.wait(10)
    small.deliver()
    assert len(small.ear.keys("webhook:a")) == 1
    assert told(small, "webhook:a") == {f"i{number}": 1 for number in range(8)}


def test_a_long_digest_has_parts(small: City) -> None:
    small.teller._storm = small.teller._storm.model_copy(update={"lines": 4})
    for number in range(11):
        small.open(number)
    small.wait(10)
    small.deliver()
    mine = [row.payload for row in small.ear.heard if row.target == "webhook:a"]
    assert [(one["part"], len(one["incidents"])) for one in mine] == [([1, 3], 4), ([2, 3], 4), ([3, 3], 3)]
    assert told(small, "webhook:a") == {f"i{number}": 1 for number in range(11)}


def test_updates_and_closings_of_members_are_not_sent_one_by_one(small: City) -> None:
    follow_ups = sample("siaga_alert_suppressed_total", reason="digest_follow_up")
    for number in range(5):
        small.open(number)
    small.take(incident("i3", revision=2, state="updated"))
    small.wait(10)
    small.deliver()
    heard = len(small.ear.heard)
    for number in range(5):
        small.take(incident(f"i{number}", revision=3, state="closed"))
    small.deliver()
    assert len(small.ear.heard) == heard
    assert sample("siaga_alert_suppressed_total", reason="digest_follow_up") == follow_ups + 12


def test_a_digest_says_how_each_incident_stands_now(small: City) -> None:
    for number in range(6):
        small.open(number)
    small.decide("i4", "accepted")
    small.take(incident("i5", revision=2, state="closed"))
    small.wait(10)
    small.deliver()
    ones = {one["incident"]["id"]: one for one in small.ear.heard[0].payload["incidents"]}
    assert len(ones) == 6
    assert ones["i4"]["decision"] == "accepted"
    assert ones["i5"]["incident"]["state"] == "closed"


def test_escalations_of_a_storm_are_a_digest_too(small: City, tmp_path: Path) -> None:
    city = City(tmp_path, small.database, storm={**STORM, "incidents": 5})
    for number in range(6):
        city.open(number)
    city.wait(10)
    city.deliver()
    assert city.wait(60) >= 6
    assert city.wait(10) >= 1
    city.deliver()
    (row,) = [row for row in city.ear.heard if row.target == "webhook:camat"]
    assert row.notice == "digest"
    assert {one["notice"] for one in row.payload["incidents"]} == {"escalated"}
    assert row.payload["incidents"][0]["escalation"]["asked"][0]["name"] == "Kelurahan Gambir"
    assert told(city, "webhook:camat") == {f"i{number}": 1 for number in range(6)}


def test_channels_that_take_no_digest_are_told_one_by_one(small: City, tmp_path: Path) -> None:
    storm = {**STORM, "incidents": 5}
    city = storm_city(
        tmp_path, small.database, storm=storm, mqtt=[{"name": "sirene", "host": "127.0.0.1", "tls": False}]
    )
    siren = Ear("mqtt", takes=frozenset({"opened", "updated", "closed", "escalated"}))
    city.channels.append(siren)
    city.again()
    for number in range(8):
        city.open(number)
    city.deliver()
    assert len(siren.keys()) == 8


def test_web_push_gathers_by_kelurahan(small: City, tmp_path: Path) -> None:
    storm = {**STORM, "incidents": 5}
    city = storm_city(tmp_path, small.database, storm=storm, webpush={"enabled": True})
    phones = Ear("webpush")
    city.channels.append(phones)
    city.again()
    for number in range(6):
        city.open(number)
    for number in range(6, 9):
        city.open(number, camera="cam-3", kelurahan=SENEN)
    city.wait(10)
    city.deliver()
    assert [row.payload["kelurahan"]["code"] for row in phones.heard if row.notice == "digest"] == [GAMBIR]
    assert [row.incident_id for row in phones.heard if row.notice == "opened"] == [f"i{n}" for n in range(6, 9)]


def test_web_push_keeps_apart_what_neighbours_are_told_of(small: City, tmp_path: Path) -> None:
    city = storm_city(tmp_path, small.database, storm={**STORM, "incidents": 5}, webpush={"enabled": True})
    phones = Ear("webpush")
    city.channels.append(phones)
    city.again()
    for number in range(4):
        city.open(number)
    with city.database.session() as session:
        add_places(session, "i2", [SENEN])
    city.open(4)
    city.wait(10)
    city.deliver()
    told_by = {row.notice: row for row in phones.heard}
    assert listed(told_by["digest"]) == ["i0", "i1", "i3", "i4"]
    assert told_by["opened"].incident_id == "i2", "a browser in the neighbouring kelurahan hears of this one only"


def test_a_digest_that_is_refused_is_in_every_timeline(small: City) -> None:
    for number in range(5):
        small.open(number)
    small.wait(10)
    small.ear.answers = [Refused("http_410", "HTTP 410: gone")] * 2
    small.deliver()
    for number in range(5):
        assert len(small.events(f"i{number}", "undelivered")) == 2


def test_two_workers_write_a_digest_once_and_a_restart_keeps_its_key(city: City) -> None:
    for number in range(20):
        city.open(number)
    city.now += 10_000
    city.again()
    with ThreadPoolExecutor(4) as pool:
        compose = city.teller.compose
        written = list(pool.map(lambda _: city.database.transact(lambda s: compose(s, city.now)), range(8)))
    assert sorted(written) == [0] * 7 + [2]
    city.again()
    city.deliver()
    assert city.ear.keys() == ["digest:i0:opened:webhook:a", "digest:i0:opened:webhook:b"]


def test_a_notice_that_is_being_sent_when_the_storm_begins_stays_alone(city: City) -> None:
    for number in range(19):
        city.open(number)
    lane = city.lanes[1]
    leased = lane._lease()
    city.open(19)
    assert lane._lease() == []
    for row in leased:
        lane._one(row)
    city.wait(10)
    city.deliver()
    assert told(city, "webhook:a") == {f"i{number}": 1 for number in range(20)}
    assert told(city, "webhook:b") == {f"i{number}": 1 for number in range(20)}


def test_the_pause_of_updates_begins_when_a_notice_was_sent(tmp_path: Path, url: str, database: Database) -> None:
    city = storm_city(tmp_path, database, url, update_every_s=30)
    city.open(1)
    city.take(incident(revision=2, state="updated"))
    city.ear.answers = [Retry("http_5xx", "HTTP 500", after_s=5)] * 2
    city.deliver()
    city.now += 60_000  # long after it was wanted, but nothing has been sent yet: no pause has begun
    city.deliver()
    assert city.ear.keys("webhook:a") == ["i1:opened:webhook:a"]
    for revision in (3, 4, 5):
        city.take(incident(revision=revision, state="updated"))
        city.deliver()
    city.now += 29_900
    city.deliver()
    assert city.ear.keys("webhook:a") == ["i1:opened:webhook:a"]
    city.now += 100
    city.deliver()
    assert city.ear.keys("webhook:a")[1:] == ["i1:updated-5:webhook:a"], "only the newest"
    city.take(incident(revision=6, state="closed"))
    city.deliver()
    assert city.ear.keys("webhook:a")[-1] == "i1:closed-6:webhook:a", "a closing never waits"

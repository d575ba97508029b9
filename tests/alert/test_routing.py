"""Who is told, and why; what is sent; which keys."""

import re
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.alert.neighbours import Near, Neighbour
from pipeline.alert.notices import follow_up, key_of, notices, payload, stills
from pipeline.alert.routing import LEVELS, Level, Route, Target, place_of, route
from pipeline.alert.rules import Rules, rules_of
from pipeline.bus.records import FrameRef, Witness
from pipeline.ops.errors import ConfigError
from pipeline.ops.sections import AlertSection
from pipeline.store.revisions import Change, judge
from pipeline.store.tables import Notice
from tests.alert.making import GAMBIR, SENEN, T0, incident, registry, settings_at, webhook

TAKES: dict[str, frozenset[Notice]] = {
    "desk": frozenset({"opened"}),
    "webhook": frozenset({"opened", "updated", "closed"}),
}


def rules(*webhooks: dict[str, Any], near: Near | None = None, **sections: Any) -> Rules:
    """Rules of the two kelurahan of making.py; sections are those of `alert`."""
    alert = AlertSection.model_validate({"webhooks": webhooks, **sections})
    return Rules(registry(), alert, ZoneInfo("Asia/Jakarta"), near or {})


def told(way: Route) -> dict[str, str]:
    return {target.name: target.reason for target in way.targets}


def test_the_desk_of_the_cameras_kelurahan_is_told() -> None:
    way = route(incident(camera="cam-3", kelurahan=GAMBIR), rules(), T0)
    assert way.targets == (Target(f"desk:{SENEN}", "desk", "kelurahan of camera cam-3"),)
    assert (way.place, way.level, way.suppressed) == (SENEN, "post", ())


def test_what_the_registry_does_not_know_still_reaches_a_desk() -> None:
    known = incident(camera="old")
    assert place_of(known, registry()) == (
        GAMBIR,
        "camera old is not in the registry; kelurahan of the record",
    )
    nowhere = route(incident(camera="old", kelurahan=""), rules(), T0).targets
    assert [target.name for target in nowhere] == ["desk:kota"]
    assert "names no kelurahan" in nowhere[0].reason


def test_webhooks_match_by_kind_and_area() -> None:
    section = rules(
        webhook("all", "http://x/"),
        webhook("smoke", "http://x/", kinds=["smoke"]),
        webhook("gambir", "http://x/", kelurahan=["31.71.01"], kinds=["fire", "smoke"]),
        webhook("senen", "http://x/", kelurahan=[SENEN]),
        webhook("wrong", "http://x/", kelurahan=["31.7"]),
    )
    assert told(route(incident(), section, T0)) == {
        f"desk:{GAMBIR}": "kelurahan of camera cam-1",
        "webhook:all": "all kinds, all kelurahan",
        "webhook:gambir": "kind fire, kelurahan within 31.71.01",
    }


def test_each_change_makes_its_notices() -> None:
    targets = route(incident(), rules(webhook("a", "http://x/")), T0).targets
    desk, post = targets[0].name, targets[1].name

    def made(change: Change, informed: set[str], **fields: Any) -> list[tuple[str, str]]:
        record = incident(**fields)
        return [(order.notice, order.target) for order in notices(record, change, registry(), targets, TAKES, informed)]

    assert made(Change("opened", ""), set()) == [("opened", desk), ("opened", post)]
    assert made(Change("opened", ""), set(), state="closed") == [
        ("opened", desk), ("opened", post), ("closed", post),
    ]  # fmt: skip
    assert made(Change("updated", ""), {desk, post}, state="updated") == [("updated", post)]
    assert made(Change("reopened", ""), {desk, post}, state="updated") == [("updated", post)]
    assert made(Change("closed", ""), {desk, post}, state="closed") == [("closed", post)]
    # A target that joined the configuration later hears of the opening first.
    assert made(Change("updated", ""), {desk}, state="updated") == [("opened", post), ("updated", post)]


def test_keys_stay_the_same_over_restarts() -> None:
    assert key_of(incident(revision=1), "opened", "desk:x") == key_of(incident(revision=9), "opened", "desk:x")
    assert key_of(incident(revision=9), "updated", "webhook:a") == "i1:updated-9:webhook:a"
    assert follow_up(incident(), judge(None, incident())) is None


def test_the_payload_names_places_and_no_credentials() -> None:
    target = Target("webhook:a", "webhook", "all kinds")
    sent = payload(incident(frame=FrameRef(partition=0, offset=1)), "opened", "key", registry(), target)
    assert sent["camera"]["name"] == "Kamera cam-1"
    assert sent["kelurahan"] == {
        "code": GAMBIR, "name": "Gambir", "kecamatan": "Gambir", "kota": "Kota Administrasi Jakarta Pusat",
    }  # fmt: skip
    assert sent["incident"]["first_seen_ms"] == T0
    assert "frame" not in sent["incident"]
    assert "rtsp" not in str(sent)
    unknown = payload(incident(camera="old", kelurahan=""), "opened", "key", registry(), target)
    assert (unknown["camera"], unknown["kelurahan"]) == ({"id": "old"}, {"code": ""})


def test_a_still_for_each_camera_that_came() -> None:
    def witness(camera: str, offset: int | None) -> Witness:
        frame = None if offset is None else FrameRef(partition=0, offset=offset)
        return Witness(camera=camera, first_seen_ms=T0, score=0.5, frame=frame)

    record = incident(frame=FrameRef(partition=0, offset=7), witnesses=[witness("cam-2", 8), witness("cam-3", None)])
    orders = list(stills(record, judge(None, record)))
    assert [(order.key, order.payload["frame"]["offset"]) for order in orders] == [
        ("i1:still:cam-1", 7), ("i1:still:cam-2", 8),
    ]  # fmt: skip
    own = incident(frame=FrameRef(partition=0, offset=7), witnesses=[witness("cam-1", 5)])
    assert [order.payload["frame"]["offset"] for order in stills(own, judge(None, own))] == [5]
    assert list(stills(own, Change("updated", "", ()))) == []


# Duty posts, agencies, quiet rules, neighbours, levels

MENTENG = "31.71.06.1001"
NIGHT = int(datetime(2026, 11, 25, 3, 10, tzinfo=ZoneInfo("Asia/Jakarta")).timestamp() * 1000)
DAY = NIGHT + 9 * 3_600_000
PHONES = [webhook(name, "http://x/") for name in ("post", "malam", "danru", "damkar", "camat", "walikota", "112")]
POST = {"name": "posko", "kelurahan": [GAMBIR], "targets": ["webhook:post"]}
NIGHT_SHIFT = {"shift": "malam", "start": "23:00", "end": "07:00", "targets": ["webhook:malam"]}
AGENCY = {"agency": "Damkar", "kinds": ["fire", "smoke"], "targets": ["webhook:damkar"]}
QUIET = {"name": "bakar-sampah", "kinds": ["smoke"], "start": "16:00", "end": "18:00", "reason": "burning of waste"}
EVENING = NIGHT + 14 * 3_600_000


def duty(near: Near | None = None, escalation: dict[str, Any] | None = None, **sections: Any) -> Rules:
    """Rules with webhooks for everybody, of whom only those are told whom duty names."""
    rest = {"agency": "rest", "kinds": ["brawl"], "targets": [f"webhook:{one['name']}" for one in PHONES]}
    agencies = [*sections.pop("agencies", ()), rest]
    return rules(*PHONES, near=near, duty={"agencies": agencies, **sections}, escalation=escalation or {})


def roles(way: Route) -> dict[str, str]:
    return {target.name: target.role for target in way.targets}


def test_a_post_is_told_by_its_roster_and_on_call() -> None:
    post = {**POST, "roster": [NIGHT_SHIFT], "on_call": [{"targets": ["webhook:danru"]}]}
    at_night, by_day = (route(incident(), duty(posts=[post]), at) for at in (NIGHT, DAY))
    assert roles(at_night) == {f"desk:{GAMBIR}": "post", "webhook:post": "post", "webhook:malam": "post"}
    assert told(at_night)["webhook:malam"] == "post posko, shift malam of tue 2026-11-24, 23:00-07:00"
    assert roles(by_day) == {f"desk:{GAMBIR}": "post", "webhook:post": "post", "webhook:danru": "on-call"}
    assert told(by_day)["webhook:danru"] == "post posko, on call, no shift is on"


@pytest.mark.parametrize(
    ("more", "hears"),
    [
        ({}, True), ({"kelurahan": ["31.71"]}, True), ({"kelurahan": [SENEN]}, False), ({"kinds": ["flood"]}, False),
        ({"kinds": ["fire"]}, True), ({"categories": ["jalan"]}, True), ({"categories": ["rawan_banjir"]}, False),
    ],
)  # fmt: skip
def test_a_post_hears_by_kelurahan_kind_and_category(more: dict[str, Any], hears: bool) -> None:
    assert ("webhook:post" in told(route(incident(), duty(posts=[{**POST, **more}]), T0))) == hears


def test_a_targets_own_area_narrows_what_a_post_gives_it() -> None:
    posts = [{"name": "posko", "targets": ["webhook:post"]}]
    section = rules(webhook("post", "http://x/", kelurahan=[SENEN]), duty={"posts": posts})
    assert told(route(incident(), section, T0)).keys() == {f"desk:{GAMBIR}"}
    assert told(route(incident(camera="cam-3"), section, T0)).keys() == {f"desk:{SENEN}", "webhook:post"}


def test_agencies_get_copies_and_those_without_address_are_named() -> None:
    way = route(incident(), duty(agencies=[AGENCY]), T0)
    assert roles(way)["webhook:damkar"] == "agency"
    assert told(way)["webhook:damkar"] == "copy for Damkar, kind fire"
    assert way.untold == ()
    assert [(one.agency, one.why) for one in route(incident(kind="flood"), duty(agencies=[AGENCY]), T0).untold] == [
        ("Dinas SDA", "no target configured"), ("BPBD", "no target configured"),
    ]  # fmt: skip
    brawl = route(incident(kind="brawl"), rules(), T0).untold
    assert [one.agency for one in brawl] == ["Satpol PP", "Polisi"]
    assert [one.agency for one in route(incident(kind="smoke"), rules(), T0).untold] == ["Damkar"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"automatic": False}, "told only when an officer forwards it"),
        ({"kelurahan": [SENEN]}, "none of its targets serves this"),
        ({"agency": "damkar", "kinds": ["flood"]}, "no target configured"),
    ],
)
def test_why_an_agency_is_not_told(more: dict[str, Any], why: str) -> None:
    way = route(incident(), duty(agencies=[{**AGENCY, **more}]), T0)
    assert "webhook:damkar" not in told(way)
    assert [(one.agency, one.why) for one in way.untold] == [("Damkar", why)]


def test_quiet_hours_keep_everybody_but_the_desk_from_being_told() -> None:
    section = duty(posts=[POST], agencies=[AGENCY], quiet=[QUIET])
    quiet = route(incident(kind="smoke"), section, EVENING)
    assert told(quiet).keys() == {f"desk:{GAMBIR}"}
    assert {one.target.name for one in quiet.suppressed} == {"webhook:post", "webhook:damkar"}
    assert {(one.reason, one.why) for one in quiet.suppressed} == {
        ("quiet", "quiet rule bakar-sampah, 16:00-18:00: burning of waste")
    }
    for kind, at in (("smoke", EVENING + 3_600_000), ("fire", EVENING)):
        assert route(incident(kind=kind), section, at).suppressed == ()


@pytest.mark.parametrize(
    ("more", "quiet"),
    [
        ({"kelurahan": [GAMBIR[:8]]}, True), ({"kelurahan": [SENEN]}, False), ({"categories": ["jalan"]}, True),
        ({"categories": ["rt_rw"]}, False), ({"days": ["wed"]}, True), ({"days": ["sun"]}, False),
        ({"targets": ["webhook:post"]}, True), ({"targets": ["webhook:112"]}, False),
    ],
)  # fmt: skip
def test_a_quiet_rule_is_about_places_categories_days_and_targets(more: dict[str, Any], quiet: bool) -> None:
    way = route(incident(kind="smoke"), duty(posts=[POST], quiet=[{**QUIET, **more}]), EVENING)
    assert ("webhook:post" not in told(way)) == quiet == bool(way.suppressed)


def test_fire_is_kept_quiet_only_by_a_confirmed_rule() -> None:
    rule = {**QUIET, "kinds": ["fire"]}
    with pytest.raises(ValidationError, match="quiet rule bakar-sampah keeps fire quiet"):
        duty(quiet=[rule])
    way = route(incident(), duty(posts=[POST], quiet=[{**rule, "confirm": "fire-may-go-unheard"}]), EVENING)
    assert told(way).keys() == {f"desk:{GAMBIR}"}


def test_neighbours_and_the_places_of_witnesses_are_told_too() -> None:
    seen = Witness(camera="cam-3", first_seen_ms=T0, score=0.5)
    near = {"cam-1": (Neighbour(MENTENG, 40, by_boundary=True),)}
    posts = [POST, {"name": "senen", "kelurahan": [SENEN], "targets": ["webhook:danru"]}]
    way = route(incident(witnesses=[seen]), duty(near, posts=posts), T0)
    assert roles(way) == {
        f"desk:{GAMBIR}": "post", f"desk:{SENEN}": "neighbour", f"desk:{MENTENG}": "neighbour",
        "webhook:post": "post", "webhook:danru": "neighbour",
    }  # fmt: skip
    said = told(way)
    assert said[f"desk:{SENEN}"] == "camera cam-3 there sees it too"
    assert said[f"desk:{MENTENG}"] == "neighbour: camera cam-1 is 40 m from its boundary"
    assert said["webhook:danru"] == "post senen, at any hour; camera cam-3 there sees it too"
    assert way.place == GAMBIR


def test_each_level_has_its_desk_and_its_targets() -> None:
    levels = {"targets": {"kecamatan": ["webhook:camat"], "kota": ["webhook:walikota"], "city": ["webhook:112"]}}
    section = duty(posts=[POST], escalation=levels)
    ways = {level: route(incident(), section, T0, level) for level in LEVELS}
    assert {level: list(told(way)) for level, way in ways.items()} == {
        "post": [f"desk:{GAMBIR}", "webhook:post"],
        "kecamatan": ["desk:31.71.01", "webhook:camat"],
        "kota": ["desk:31.71", "webhook:walikota"],
        "city": ["desk:kota", "webhook:112"],
    }
    assert told(ways["kecamatan"])["webhook:camat"] == "escalation to Kecamatan Gambir, all kinds, all kelurahan"
    assert {target.role for target in ways["kota"].targets} == {"level"}
    nowhere = route(incident(camera="old", kelurahan=""), section, T0, "kecamatan")
    assert list(told(nowhere)) == ["desk:kota", "webhook:camat"]


def test_a_person_is_named_in_a_roster_where_web_push_is_on() -> None:
    section = rules(webpush={"enabled": True}, duty={"posts": [{"name": "posko", "targets": ["webpush:budi"]}]})
    assert roles(route(incident(), section, T0)) == {
        f"desk:{GAMBIR}": "post", "webpush:budi": "post", "webpush:piket": "standing",
    }  # fmt: skip


def test_an_escalation_rings_the_browsers_of_the_level_unless_somebody_names_them() -> None:
    section = rules(webpush={"enabled": True})
    assert list(told(route(incident(), section, T0, "kota"))) == ["desk:31.71", "webpush:piket"]
    named = rules(webpush={"enabled": True}, escalation={"targets": {"city": ["webpush:piket"]}})
    assert list(told(route(incident(), named, T0, "kota"))) == ["desk:31.71"]


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"posts": [{"name": "a", "targets": ["telegram:budi"]}]},
         "alert.duty.posts.0.targets: telegram:budi is no target of the alert section (it has webhook:post)"),
        ({"posts": [{**POST, "kelurahan": ["31.99"]}]},
         "alert.duty.posts.0.kelurahan: no kelurahan of the registry is within 31.99"),
        ({"posts": [{**POST, "categories": ["sekolah"]}]}, "alert.duty.posts.0.categories: 'sekolah' is not one of"),
        ({"quiet": [{**QUIET, "targets": ["sms:x"]}]}, "alert.duty.quiet.0.targets: sms:x is no target"),
        ({"neighbours": {"boundaries": "none.geojson"}}, "alert.duty.neighbours.boundaries: "),
    ],
)  # fmt: skip
def test_what_duty_names_must_be_there(tmp_path: Path, section: dict[str, Any], said: str) -> None:
    settings = settings_at(tmp_path, webhook("post", "http://x/"), alert={"duty": section})
    with pytest.raises(ConfigError, match=re.escape(said)):
        rules_of(settings, registry())


def test_an_unknown_time_zone_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"city\.timezone: 'Asia/Batavia' is no time zone"):
        rules_of(settings_at(tmp_path, city={"timezone": "Asia/Batavia"}), registry())


areas = st.sampled_from([GAMBIR, SENEN, "31.71.01", "31.71", "31"])
kinds = st.sampled_from(["fire", "smoke", "flood", "brawl"])
posts = st.fixed_dictionaries(
    {
        "kelurahan": st.lists(areas, max_size=2),
        "kinds": st.lists(kinds, max_size=2, unique=True),
        "categories": st.lists(st.sampled_from(["jalan", "rt_rw"]), max_size=1),
        "targets": st.lists(st.sampled_from([f"webhook:{one['name']}" for one in PHONES]), min_size=1, max_size=3),
    }
)
cameras = st.sampled_from(["cam-1", "cam-2", "cam-3", "old"])


@given(
    st.lists(posts, max_size=4), kinds, cameras, st.lists(cameras, max_size=3), st.integers(0, 30 * 86_400_000),
    st.sampled_from(LEVELS), st.randoms(),
)  # fmt: skip
def test_routing_is_pure_never_empty_and_independent_of_order(
    made: list[dict[str, Any]], kind: str, camera: str, others: list[str], later: int, level: Level, draw: Random
) -> None:
    named = [{"name": f"p{index}", **one} for index, one in enumerate(made)]
    seen = [Witness(camera=other, first_seen_ms=T0, score=0.5) for other in others]
    near = {"cam-1": (Neighbour(MENTENG, 40, by_boundary=True),)}
    quiet = [{**QUIET, "kinds": ["smoke", "flood"], "start": "00:00", "end": "00:00", "targets": ["webhook:post"]}]
    section = duty(near, posts=named, quiet=quiet)
    record = incident(kind=kind, camera=camera, witnesses=seen)
    way = route(record, section, T0 + later, level)
    assert way == route(record, section, T0 + later, level)
    assert way.targets[0].channel == "desk"
    assert all(target.reason and target.level == level for target in way.targets)
    every = [target.name for target in (*way.targets, *(one.target for one in way.suppressed))]
    assert len(every) == len(set(every))
    assert all(kind in ("smoke", "flood") for _ in way.suppressed)
    assert not any(one.target.channel == "desk" for one in way.suppressed)
    mixed, shuffled = list(named), list(seen)
    draw.shuffle(mixed)
    draw.shuffle(shuffled)
    other = route(
        incident(kind=kind, camera=camera, witnesses=shuffled), duty(near, posts=mixed, quiet=quiet), T0 + later, level
    )
    assert {target.name for target in other.targets} == {target.name for target in way.targets}
    assert {one.target.name for one in other.suppressed} == {one.target.name for one in way.suppressed}

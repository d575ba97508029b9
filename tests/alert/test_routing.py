"""Who is told, and why; what is sent; which keys."""

from typing import Any
from zoneinfo import ZoneInfo

from pipeline.alert.neighbours import Near
from pipeline.alert.notices import follow_up, key_of, notices, payload, stills
from pipeline.alert.routing import Route, Target, place_of, route
from pipeline.alert.rules import Rules
from pipeline.bus.records import FrameRef, Witness
from pipeline.ops.sections import AlertSection
from pipeline.store.revisions import Change, judge
from pipeline.store.tables import Notice
from tests.alert.making import GAMBIR, SENEN, T0, incident, registry, webhook

TAKES: dict[str, frozenset[Notice]] = {"desk": frozenset({"opened"}), "webhook": frozenset({"opened", "updated", "closed"})}


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

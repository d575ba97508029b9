"""CAP 1.2: every document validates against the OASIS schema (oasis/CAP-v1.2.xsd), and the chain holds."""

import dataclasses
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from pipeline.alert.cap.areas import load_boundaries
from pipeline.alert.cap.compose import Composer
from pipeline.alert.cap.document import NAMESPACE, Document, Reference, render
from pipeline.alert.cap.terms import CapError, MsgType, Severity, term
from pipeline.alert.channels.base import Refused, Retry, Sent
from pipeline.alert.channels.cap import CapChannel
from pipeline.alert.content import PHASES, read
from pipeline.ops.alert_targets import CapSection
from pipeline.ops.clock import now_ms
from pipeline.ops.errors import ConfigError
from tests.alert.channels.making import T0, Store, http_server, incident, next_of
from tests.alert.channels.proof import proves
from tests.alert.receiver import SECRET, verify

ZONE = ZoneInfo("Asia/Jakarta")
NS = {"c": NAMESPACE}
NOTICES = [*PHASES, "updated", "escalated"]
RING = ((-6.1, 106.8), (-6.1, 106.9), (-6.2, 106.9), (-6.1, 106.8))


@cache
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(Path(__file__).parent / "oasis" / "CAP-v1.2.xsd"))


def check(xml: bytes) -> Any:
    root = etree.fromstring(xml)
    schema().assertValid(root)
    return root


def said(root: Any, path: str) -> list[str]:
    return [one.text for one in root.findall(path, NS)]


def body(notice: str, **more: Any) -> dict[str, Any]:
    return {
        "notice": notice,
        "incident": {"id": "i1", "kind": "fire", "revision": 2, "score": 0.8, "first_seen_ms": T0},
        "camera": {"id": "cam-1", "name": "Jl. Kebon Sirih", "lat": -6.18, "lng": 106.82},
        "kelurahan": {"code": "31.71.01.1001", "name": "Gambir", "kecamatan": "Gambir", "kota": "Jakarta Pusat"},
        "cameras": ["cam-1"],
        **more,
    }


def made(payload: dict[str, Any], earlier: bool, boundary: bool = False, **section: Any) -> Document:
    composer = Composer(CapSection(**section), {"31.71.01.1001": (RING,)} if boundary else {}, ZONE)
    before = (Reference("siaga@x", "siaga:i1:opened", T0),) if earlier else ()
    return composer.compose(read(payload), "siaga:i1:x", T0 + 5000, before)


TEXT = st.text(max_size=80)
NUMBER = st.one_of(st.none(), st.floats(allow_nan=True), st.integers())


@settings(max_examples=300, deadline=None)
@given(
    notice=st.one_of(st.sampled_from(NOTICES), TEXT),
    kind=st.one_of(st.sampled_from(["fire", "smoke", "flood", "brawl"]), TEXT),
    text=TEXT, id_=TEXT, lat=NUMBER, at=NUMBER, earlier=st.booleans(), boundary=st.booleans(),
    cameras=st.integers(0, 3),
    test=st.booleans(), listed=st.integers(0, 3), scope=st.sampled_from(["Public", "Restricted", "Private"]),
)  # fmt: skip
def test_every_document_validates(
    notice: str, kind: str, text: str, id_: str, lat: Any, at: Any, earlier: bool, boundary: bool, cameras: int,
    test: bool, listed: int, scope: Any,
) -> None:  # fmt: skip
    one = body(
        notice, incident={"id": id_, "kind": kind, "score": lat, "first_seen_ms": at},
        camera={"name": text, "lat": lat, "lng": lat}, cameras=["c"] * cameras, test=test,
    )  # fmt: skip
    check(render(made({**one, "incidents": [one] * listed}, earlier, boundary, scope=scope), ZONE))


@pytest.mark.parametrize("kind", ["fire", "smoke", "flood", "brawl"])
@pytest.mark.parametrize("notice", NOTICES)
def test_all_states_of_all_kinds(notice: str, kind: str) -> None:
    payload = body(notice)
    payload["incident"]["kind"] = kind
    root = check(render(made(payload, notice != "opened"), ZONE))
    assert said(root, "c:info/c:language") == ["id-ID", "en-US"]
    assert said(root, "c:info/c:area/c:geocode/c:value") == ["31.71.01.1001"] * 2
    wanted = {"opened": "Alert", "cancel": "Cancel", "cancelled": "Cancel", "false_alarm": "Cancel"}
    assert said(root, "c:msgType") == [wanted.get(notice, "Update")]
    status = {"test": "Test", "drill": "Exercise"}.get(notice, "Actual")
    assert said(root, "c:status") == [status]
    assert ("LATIHAN" in said(root, "c:info/c:headline")[0]) == (status != "Actual")
    if notice == "closed":
        assert said(root, "c:info/c:responseType") == ["AllClear"] * 2
        assert said(root, "c:info/c:urgency") == ["Past"] * 2


def test_a_boundary_or_a_circle(tmp_path: Path) -> None:
    assert said(check(render(made(body("opened"), False), ZONE)), "c:info/c:area/c:circle")[0].endswith(" 0.150")
    root = check(render(made(body("opened"), False, boundary=True), ZONE))
    assert said(root, "c:info/c:area/c:polygon")[0].startswith("-6.100000,106.800000 ")
    assert said(root, "c:info/c:area/c:circle") == []
    file = tmp_path / "b.geojson"
    square = {"type": "Polygon", "coordinates": [[[106.8, -6.1], [106.9, -6.1], [106.9, -6.2], [106.8, -6.1]]]}
    file.write_text(json.dumps({"features": [{"properties": {"kode": "31.71.01.1001"}, "geometry": square}]}))
    assert load_boundaries(file) == {"31.71.01.1001": (RING,)}
    file.write_text('{"features":[{"properties":{},"geometry":{"type":"Point","coordinates":[1,2]}}]}')
    with pytest.raises(ConfigError, match=r"b\.geojson: features\.0: "):
        load_boundaries(file)


@pytest.mark.parametrize("wrong", ["Terrible", "severe", "", None, MsgType.ALERT])
def test_a_wrong_severity_is_refused_by_name(wrong: Any) -> None:
    document = made(body("opened"), False)
    with pytest.raises(CapError, match=r"severity: .* is not one of Extreme, Severe, Moderate, Minor, Unknown"):
        dataclasses.replace(document.infos[0], severity=wrong)
    assert term(Severity, "Severe") is Severity.SEVERE
    assert not schema().validate(
        etree.fromstring(render(document, ZONE).replace(b"<severity>Severe<", b"<severity>Terrible<"))
    )


def test_an_update_to_nothing_is_refused() -> None:
    with pytest.raises(CapError, match="references"):
        dataclasses.replace(made(body("updated"), True), references=())


@proves("cap", "in_place", "receipt", "retry", "signed")
def test_the_chain_at_the_feed_and_at_a_receiver(store: Callable[..., Store], monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([503, 200, 200, 200, 410])
    with http_server(lambda _: (next(answers), b"ok")) as post:
        push = {"name": "dinas", "url": post.url, "secret": "env:CAP_KEY"}
        here = store(cap={"feed": "public", "push": [push]})
        feed, out = CapChannel.build(here.settings, {"CAP_KEY": SECRET}, now_ms)
        first = incident("i1")
        opened = here.row(first, "cap:dinas")
        retry = out.deliver(opened)
        assert isinstance(retry, Retry)
        assert retry.label == "http_5xx"
        taken = out.deliver(opened)
        assert isinstance(taken, Sent)
        assert taken.receipt["receipt"] == "delivered"
        feed.deliver(here.row(first, "cap:feed"))
        second = next_of(first)
        out.deliver(here.row(second, "cap:dinas", "updated"))
        out.deliver(here.row(next_of(second, "closed"), "cap:dinas", "closed"))
        last = out.deliver(here.row(next_of(next_of(second)), "cap:dinas", "updated"))
        assert isinstance(last, Refused)
        feed.close()
        out.close()
    roots = [check(request.body) for request in post.requests]
    assert post.requests[0].body == post.requests[1].body
    assert [said(root, "c:msgType")[0] for root in roots[:4]] == ["Alert", "Alert", "Update", "Update"]
    parts = ("c:sender", "c:identifier", "c:sent")
    names = [",".join(root.findtext(part, None, NS) for part in parts) for root in roots]
    assert said(roots[2], "c:references") == [names[0]]
    assert said(roots[3], "c:references") == [f"{names[0]} {names[2]}"]
    assert all(verify(SECRET.encode(), _titled(request.headers), request.body) for request in post.requests)


def _titled(headers: dict[str, str]) -> dict[str, str]:
    return {"-".join(part.capitalize() for part in name.split("-")): value for name, value in headers.items()}


@pytest.mark.parametrize(("depth", "severity"), [("ankle", "Moderate"), ("knee", "Severe"), ("wheel", "Extreme")])
def test_a_flood_is_graded_and_told_by_its_depth(depth: str, severity: str) -> None:
    water = {"id": "i1", "kind": "flood", "revision": 1, "score": 0.9, "first_seen_ms": T0}
    document = made(body("opened", incident={**water, "water": {"depth": depth, "share": 0.42}}), earlier=False)
    root = check(render(document, ZONE))
    assert said(root, "c:info/c:severity") == [severity, severity]
    indonesian, english = said(root, "c:info/c:description")
    assert "menutupi 42 % jalan" in indonesian
    assert "over 42 % of the street" in english

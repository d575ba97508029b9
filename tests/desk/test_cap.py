"""The CAP feed at the desk: who may read it, what it lists, documents to the byte, drills and tests marked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree

from pipeline.store import cap
from pipeline.store.channel_tables import CapRow
from tests.desk.world import Visitor, World

ATOM = {"a": "http://www.w3.org/2005/Atom"}
TOKEN = "kunci-pembaca-0123456789"


@contextmanager
def feed(folder: Path, **section: Any) -> Iterator[tuple[World, str]]:
    """A desk whose feed is as told."""
    world = World.build(folder)
    alert = world.settings.alert.model_copy(update={"cap": world.settings.alert.cap.model_copy(update=section)})
    world.settings = world.settings.model_copy(update={"alert": alert})
    try:
        with world.serve() as url:
            yield world, url
    finally:
        world.database.close()


def keep(world: World, identifier: str, published: bool = True, xml: str = "<alert>é</alert>") -> None:
    """Keep a document as the alert stage does."""
    now = world.clock()
    row = CapRow(
        identifier=identifier, incident_id="i1", revision=1, title=f"Kebakaran <{identifier}>", sent_ms=now,
        expires_ms=now + 1000, xml=xml, published=published,
    )  # fmt: skip
    with world.database.session() as session:
        cap.keep(session, row)


def test_a_closed_feed_is_not_there(tmp_path: Path) -> None:
    with feed(tmp_path) as (world, url):
        keep(world, "siaga:1")
        for path in ("/cap/feed.xml", "/cap/siaga:1.xml"):
            assert httpx.get(url + path).status_code == 404


@pytest.mark.parametrize("given", ["", "salah", TOKEN[:-1], "Bearer"])
def test_a_feed_with_a_token_wants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("SIAGA_CAP_TOKEN", TOKEN)
    with feed(tmp_path, feed="token") as (world, url):
        keep(world, "siaga:1")
        for path in ("/cap/feed.xml", "/cap/siaga:1.xml"):
            refused = httpx.get(url + path, headers={"authorization": f"Bearer {given}"} if given else {})
            assert (refused.status_code, refused.headers.get("www-authenticate")) == (401, "Bearer")
            assert httpx.get(url + path, headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
            assert httpx.get(f"{url}{path}?token={TOKEN}").status_code == 200


def test_without_its_secret_a_feed_with_a_token_stays_shut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIAGA_CAP_TOKEN", raising=False)
    with feed(tmp_path, feed="token") as (_, url):
        assert httpx.get(f"{url}/cap/feed.xml?token=").status_code == 404


def test_the_list_and_its_documents(tmp_path: Path) -> None:
    with feed(tmp_path, feed="public", feed_entries=2, sender="siaga@x.id", sender_name="Siaga Uji") as (world, url):
        for number in range(4):
            keep(world, f"siaga:{number}:a/b", published=number != 3)
        answer = httpx.get(f"{url}/cap/feed.xml")
        assert answer.headers["content-type"].startswith("application/atom+xml")
        root = etree.fromstring(answer.content)
        assert root.findtext("a:title", None, ATOM) == "Siaga Uji · CAP 1.2"
        titles = [entry.findtext("a:title", None, ATOM) for entry in root.findall("a:entry", ATOM)]
        assert titles == ["Kebakaran <siaga:2:a/b>", "Kebakaran <siaga:1:a/b>"]  # the newest, published, two of them
        assert root.findtext("a:updated", None, ATOM) == root.findtext("a:entry/a:updated", None, ATOM)
        assert str(root.findtext("a:updated", None, ATOM)).endswith("+07:00")
        for link in root.findall("a:entry/a:link", ATOM):
            document = httpx.get(link.get("href"))
            assert document.headers["content-type"] == "application/cap+xml"
            assert document.content == "<alert>é</alert>".encode()
        assert httpx.get(f"{url}/cap/siaga:3:a/b.xml").status_code == 404  # made for a receiver, not published
        assert httpx.get(f"{url}/cap/siaga:9.xml").status_code == 404


def test_an_empty_feed_is_a_feed(tmp_path: Path) -> None:
    with feed(tmp_path, feed="public") as (_, url):
        root = etree.fromstring(httpx.get(f"{url}/cap/feed.xml").content)
        assert root.findall("a:entry", ATOM) == []
        assert root.findtext("a:updated", None, ATOM)


def test_reading_the_feed_opens_nothing_else(tmp_path: Path, visit: Callable[[str], Visitor]) -> None:
    with feed(tmp_path / "b", feed="public") as (_, url):
        assert Visitor(url).get("/kamera").status_code == 303
    assert visit("bos").get("/cap/feed.xml").status_code == 404  # closed is closed, for an admin too

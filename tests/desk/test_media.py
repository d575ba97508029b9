from collections.abc import Callable

import pytest

from pipeline.store.tables import EvidenceRow
from tests.alert.channels.proof import proves
from tests.desk.world import Visitor, World, picture

Visit = Callable[[str], Visitor]
CLIP = bytes(range(256)) * 3000  # 768,000 bytes: three chunks


@pytest.fixture
def visitor(world: World, visit: Visit) -> Visitor:
    """Signed in; evidence 1 is a still, 2 a clip."""
    record = world.raise_incident()
    world.keep(record, "clip", CLIP, "ring")
    return visit("piket_gambir")


@proves("desk", "picture")
def test_a_still(world: World, visitor: Visitor) -> None:
    answer = visitor.get(world.link(visitor, 1))
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content == picture()
    assert "private" in answer.headers["cache-control"]
    again = visitor.get(world.link(visitor, 1), headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


def test_a_whole_clip(world: World, visitor: Visitor) -> None:
    answer = visitor.get(world.link(visitor, 2))
    assert (answer.status_code, answer.headers["accept-ranges"]) == (200, "bytes")
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.content == CLIP


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [("bytes=0-", 0, 768_000), ("bytes=100-299999", 100, 300_000), ("bytes=-10", 767_990, 768_000)],
)
def test_a_range_of_a_clip(world: World, visitor: Visitor, header: str, start: int, end: int) -> None:
    answer = visitor.get(world.link(visitor, 2), headers={"range": header})
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/768000"
    assert answer.content == CLIP[start:end]


def test_a_range_behind_the_end(world: World, visitor: Visitor) -> None:
    answer = visitor.get(world.link(visitor, 2), headers={"range": "bytes=768000-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */768000")


def test_a_range_of_a_clip_that_changed_is_the_whole(world: World, visitor: Visitor) -> None:
    headers = {"range": "bytes=0-9", "if-range": '"another"'}
    assert visitor.get(world.link(visitor, 2), headers=headers).status_code == 200


def test_head_tells_the_size(world: World, visitor: Visitor) -> None:
    answer = visitor.head(world.link(visitor, 2))
    assert (answer.headers["content-length"], answer.content) == ("768000", b"")


@pytest.mark.parametrize("number", ["3", "0", "x", "99999999999999999999"])
def test_what_is_not_there(visitor: Visitor, number: str) -> None:
    assert visitor.get(f"/media/{number}").status_code in (404, 422)


def test_what_was_removed_or_lost_is_not_found(world: World, visitor: Visitor) -> None:
    with world.database.session() as session:
        row = session.get(EvidenceRow, 1)
        assert row is not None
        row.removed_ms = world.clock()
    assert visitor.get(world.link(visitor, 1)).status_code == 404
    world.evidence.delete("clips/kejadian-1/cam-gambir-1.mp4")
    assert visitor.get(world.link(visitor, 2)).status_code == 404

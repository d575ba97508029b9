"""Record contracts: what is written is read back; what does not hold to them is refused with a reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bus.frames import partition_of
from pipeline.bus.records import (
    Detection,
    Frame,
    FrameRef,
    Incident,
    ModelRef,
    Observation,
    Request,
    best_scores,
    decode,
    decode_frame,
    encode,
)
from pipeline.bus.topics import topics
from pipeline.ops.errors import RecordError
from pipeline.ops.sections import BusSection

RATIO = st.floats(0, 1)
JPEG = b"\xff\xd8\xff\xe0rest"


def frame(**changes: object) -> Frame:
    fields: dict[str, object] = {
        "camera": "c",
        "trace": "t",
        "seq": 1,
        "captured_ms": 5,
        "width": 640,
        "height": 360,
        "cause": "floor",
        "jpeg": JPEG,
    }
    return Frame.model_validate({**fields, **changes})


def incident(**changes: object) -> Incident:
    fields: dict[str, object] = {
        "id": "i",
        "kind": "fire",
        "camera": "c",
        "kelurahan": "31.74.01.1001",
        "state": "opened",
        "revision": 0,
        "trace": "t",
        "first_seen_ms": 1,
        "opened_ms": 2,
        "updated_ms": 2,
        "decided_ms": 3,
        "score": 0.9,
    }
    return Incident.model_validate({**fields, **changes})


@given(st.sampled_from(["floor", "activity", "burst"]), RATIO, st.text(min_size=1, max_size=50))
def test_frames_come_back_as_they_went(cause: str, quality: float, trace: str) -> None:
    sent = frame(cause=cause, quality=quality, trace=trace)
    assert decode_frame(sent.camera.encode(), sent.jpeg, sent.headers()) == sent


@given(
    st.dictionaries(st.sampled_from(["fire", "smoke", "person"]), RATIO),
    st.lists(st.tuples(RATIO, RATIO, RATIO, RATIO, RATIO)),
)
def test_observations_come_back_as_they_went(scores: dict[str, float], boxes: list[tuple[float, ...]]) -> None:
    sent = Observation(
        camera="c",
        trace="t",
        captured_ms=1,
        frame=FrameRef(partition=0, offset=3),
        cause="floor",
        model=ModelRef(name="m", version="1", sha8="00000000"),
        scores=scores,
        boxes=tuple(Detection(label="fire", score=s, box=(a, b, c, d)) for s, a, b, c, d in boxes),
    )
    assert decode(Observation, encode(sent)) == sent


def test_a_newer_writer_does_not_stop_an_older_reader() -> None:
    value = encode(Request(camera="c", trace="t", at_ms=1, kind="burst", reason="r")).replace(b"{", b'{"later":1,', 1)
    assert decode(Request, value).camera == "c"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema": b"2"}, "schema"),
        ({"seq": b"-1"}, "seq"),
        ({"captured_ms": b"never"}, "captured_ms"),
        ({"captured_ms": b"99999999999999999"}, "captured_ms"),
        ({"width": b"1000000"}, "width"),
        ({"cause": b"whim"}, "cause"),
        ({"trace": b"\xff\xfe"}, "UTF-8"),
        ({"quality": b"nan"}, "quality"),
    ],
)
def test_a_wrong_header_is_named(change: dict[str, bytes], reason: str) -> None:
    headers = [(name, change.get(name, value)) for name, value in frame().headers()]
    with pytest.raises(RecordError, match=reason):
        decode_frame(b"c", JPEG, headers)


def test_missing_parts_of_a_frame() -> None:
    good = frame()
    for key, value, headers in [
        (b"c", None, good.headers()),
        (b"c", b"GIF89a", good.headers()),
        (b"c", b"\xff\xd8" + bytes(1_000_001), good.headers()),
        (None, JPEG, good.headers()),
        (b"c", JPEG, good.headers()[:4]),
        (b"c", JPEG, [(name, None) for name, _ in good.headers()]),
    ]:
        with pytest.raises(RecordError):
            decode_frame(key, value, headers)  # type: ignore[arg-type]


@given(st.one_of(st.none(), st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_no_bytes_bring_anything_but_a_record_error(value: bytes | None) -> None:
    for kind in (Observation, Incident, Request):
        with pytest.raises(RecordError):
            decode(kind, value)


def test_too_large_a_record_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(RecordError, match="over"):
        decode(Incident, b" " * 900_001)


def test_closed_and_its_time_belong_together() -> None:
    assert incident(state="closed", closed_ms=9).closed_ms == 9
    for wrong in ({"state": "closed"}, {"closed_ms": 9}):
        with pytest.raises(ValueError, match="closed_ms"):
            incident(**wrong)


def test_best_scores() -> None:
    boxes = [Detection(label="fire", score=s, box=(0, 0, 1, 1)) for s in (0.2, 0.7, 0.5)]
    assert best_scores(boxes) == {"fire": 0.7}


def test_partitions_are_kafkas_own() -> None:
    assert [partition_of(key, 6) for key in ("cam-1", "cam-2", "kamera")] == [
        partition_of(k, 6) for k in ("cam-1", "cam-2", "kamera")
    ]
    assert {partition_of(f"cam-{n}", 6) for n in range(100)} == set(range(6))


def test_topics_are_bounded() -> None:
    for topic in topics(BusSection()):
        assert int(topic.configs["retention.ms"]) > 0

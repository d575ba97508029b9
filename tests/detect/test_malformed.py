"""Ten thousand records that should not be: each is put aside with its reason; the good ones among them are observed."""

import random
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer
from prometheus_client import REGISTRY

from pipeline.bus.admin import ensure_topics
from pipeline.bus.topics import FRAMES
from tests.brokers import EmbeddedBrokerProcess, embedded_broker
from tests.detect.frames import camera, frame, jpeg, picture, registry
from tests.detect.line import dead_letters, detecting, line_settings, observations

Raw = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]
MALFORMED = 10_000
EVERY = 100
BROKEN = (
    {"schema": b"2"},
    {"schema": b""},
    {"trace": b"x" * 300},
    {"trace": b"\xff\xfe"},
    {"seq": b"-7"},
    {"seq": b"many"},
    {"captured_ms": b"nan"},
    {"captured_ms": b"99999999999999"},
    {"width": b"0"},
    {"height": b"1e9"},
    {"cause": b"hunger"},
    {"quality": b"nan"},
    {"quality": b"1.5"},
)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBrokerProcess]:
    with embedded_broker(tmp_path) as running:
        yield running


def malformed(rng: random.Random) -> Raw:
    """A record that breaks the contract of `siaga.frames` in one of a dozen ways."""
    good = frame(picture(96, 64, level=rng.randrange(20, 230)), captured_ms=1_700_000_000_000)
    key, value, headers = good.camera.encode(), good.jpeg, dict(good.headers())
    at = value.index(b"\xff\xc0")
    ways: list[Raw] = [
        (key, None, [*headers.items()]),
        (key, b"", [*headers.items()]),
        (key, rng.randbytes(rng.randrange(1, 400)), [*headers.items()]),
        (key, b"\xff\xd8" + rng.randbytes(rng.randrange(400)), [*headers.items()]),
        (key, value[: rng.randrange(2, len(value) - 2)], [*headers.items()]),
        (key, value[: at + 5] + struct.pack(">HH", 65500, 65500) + value[at + 9 :], [*headers.items()]),
        (key, value, [*{**headers, "width": b"65"}.items()]),
        (key, value, [*{**headers, **rng.choice(BROKEN)}.items()]),
        (key, value, rng.sample([*headers.items()], 4)),
        (b"\xff\xfe", value, [*headers.items()]),
        (None, value, [*headers.items()]),
        (key, value, []),
        (key, jpeg(picture(50, 50)), [*headers.items()]),
    ]  # fmt: skip
    return rng.choice(ways)


def outcomes() -> Counter[str]:
    found: Counter[str] = Counter()
    for metric in REGISTRY.collect():
        for sample in metric.samples:
            if sample.name == "siaga_detect_frames_total":
                found[sample.labels["outcome"]] += int(sample.value)
    return found


def test_no_record_stops_the_stage_and_all_are_counted(broker: EmbeddedBrokerProcess, bright_model: Path) -> None:
    settings = line_settings(broker.bootstrap, bright_model)
    ensure_topics(settings.bus)
    rng = random.Random(20_261)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all", linger_ms=5, batch_size=1 << 20)
    traces = set()
    for number in range(MALFORMED):
        key, value, headers = malformed(rng)
        producer.send(FRAMES, value, key=key, headers=headers, partition=number % 3)
        if number % EVERY == 0:
            good = frame(trace=f"good-{number}", seq=number)
            traces.add(good.trace)
            producer.send(FRAMES, good.jpeg, key=good.camera.encode(), headers=good.headers(), partition=number % 3)
    producer.flush()
    producer.close()
    before = outcomes()
    with detecting(settings, registry(camera())) as told:
        letters = dead_letters(settings, MALFORMED)
        seen = observations(settings, traces)
        assert told[-1].reason.startswith(("working", "idle", "overloaded"))  # a flood of records may be one
    counted = outcomes() - before
    assert {one.trace for one in seen} == traces
    assert len(seen) == len(traces) == MALFORMED // EVERY
    assert len({(one.partition, one.offset) for one in letters}) == len(letters) == MALFORMED
    assert all(one.reason for one in letters)
    assert counted.pop("observed") == len(traces)
    assert set(counted) == {"unreadable_record", "unreadable_picture"}
    assert counted.total() == MALFORMED

"""More frames than can be looked at: activity is left out and counted, floor frames are looked at, and it is told."""

from pathlib import Path

from prometheus_client import REGISTRY

from pipeline.bus.admin import ensure_topics
from pipeline.bus.producer import Producer
from pipeline.ops.clock import now_ms
from tests.brokers import embedded_broker
from tests.detect.frames import camera, frame, picture, registry
from tests.detect.line import detecting, line_settings, observations
from tests.waiting import wait_for

CAMERAS = 12
ROUNDS = 100
BEHIND_MS = 5_000
"""The worker begins with a backlog of this age: beyond `overload_after_s`, not yet where bursts go."""


def shed(reason: str) -> float:
    return REGISTRY.get_sample_value("siaga_detect_shed_total", {"reason": reason}) or 0.0


def test_under_overload_activity_goes_and_the_floor_stays(bright_model: Path, tmp_path: Path) -> None:
    cameras = registry(*(camera(f"cam-{n}") for n in range(CAMERAS)))
    with embedded_broker(tmp_path) as broker:
        settings = line_settings(broker.bootstrap, bright_model, overload_after_s=3)
        ensure_topics(settings.bus)
        producer, image, now = Producer(settings.bus, "test"), picture(160, 90), now_ms()
        for number in range(ROUNDS):
            for name in cameras.cameras:
                for cause in ("floor", "activity"):
                    producer.send_frame(
                        frame(image, camera=name, cause=cause, trace=f"{cause}-{name}-{number}", seq=number,
                              captured_ms=now - BEHIND_MS + number)
                    )  # fmt: skip
        producer.flush()
        producer.close()
        before = shed("activity_overload")
        with detecting(settings, cameras) as told:
            seen = observations(settings, {f"floor-{name}-{n}" for name in cameras.cameras for n in range(ROUNDS)})
            wait_for(lambda: told and told[-1].detail["waiting"] == 0 == told[-1].detail["overload"], what="its end")
    left_out = shed("activity_overload") - before
    traces = [one.trace for one in seen]
    assert sum(trace.startswith("floor-") for trace in traces) == CAMERAS * ROUNDS
    assert left_out > 0
    assert sum(trace.startswith("activity-") for trace in traces) + left_out == CAMERAS * ROUNDS
    assert told[-1].ok
    assert told[-1].reason in ("working", "idle")
    assert any(word.ok and word.detail["overload"] and "left out" in word.reason for word in told)
    assert told[-1].detail["shed"] == left_out
    for name in cameras.cameras:
        own = [int(trace.rpartition("-")[2]) for trace in traces if trace.startswith(f"floor-{name}-")]
        assert own == sorted(own)

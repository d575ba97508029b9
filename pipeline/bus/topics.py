"""The topics and how each is kept. The key is the camera id (the incident id on `siaga.incidents`).

`siaga.incidents` is compacted by incident id; one incident stays on one partition, so its revisions arrive in order.
"""

from dataclasses import dataclass

from pipeline.ops.sections import BusSection

FRAMES = "siaga.frames"
OBSERVATIONS = "siaga.observations"
INCIDENTS = "siaga.incidents"
REQUESTS = "siaga.requests"
DEAD = "siaga.dead"

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Topic:
    """A topic's name and its settings as Kafka names them."""

    name: str
    partitions: int
    configs: dict[str, str]


def topics(bus: BusSection) -> list[Topic]:
    """Return every topic with its partitions and retention.

    Byte bounds are Kafka's, per partition: the configured bound over the number of partitions.
    """

    def kept(seconds: float, mb: float | None = None) -> dict[str, str]:
        configs = {"retention.ms": str(int(seconds * 1000))}
        if mb is not None:
            configs["retention.bytes"] = str(max(1, int(mb * 1_000_000 / bus.partitions)))
        return configs

    segment = str(max(1_048_576, min(64 * 1_048_576, int(bus.frames_retention_mb * 1_000_000 / bus.partitions / 4))))
    return [
        Topic(
            FRAMES, bus.partitions, {**kept(bus.frames_retention_s, bus.frames_retention_mb), "segment.bytes": segment}
        ),
        Topic(OBSERVATIONS, bus.partitions, kept(bus.observations_retention_s, bus.observations_retention_mb)),
        Topic(INCIDENTS, bus.partitions, {**kept(bus.incidents_retention_s), "cleanup.policy": "compact,delete"}),
        Topic(REQUESTS, bus.partitions, kept(600, 64)),
        Topic(DEAD, 1, kept(3 * 86400, 256)),
    ]

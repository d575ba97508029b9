"""How fast frames go through the bus, by Siaga's clients and by kafka-python's plain loop on the same broker."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from pipeline.bench.brokers import apache, apache_missing, embedded
from pipeline.bench.measure import in_turns, middle, own_cpu_s, ratio
from pipeline.bench.plan import Plan
from pipeline.bench.serving import BenchError
from pipeline.bus.admin import ensure_topics
from pipeline.bus.consumer import Consumer
from pipeline.bus.producer import Producer
from pipeline.bus.records import Frame
from pipeline.bus.topics import FRAMES
from pipeline.ops.clock import now_ms
from pipeline.ops.sections import BusSection

FRAME_BYTES = 60_000
PARTITIONS = 6
IN_FLIGHT_BYTES = 64_000_000
CAMERAS = 64
PATIENCE_S = 60.0

Spent = tuple[float, float]
"""CPU seconds of this process, and seconds of wall time."""
Work = Callable[[BusSection, int], Spent]


def _stopwatch() -> Callable[[], Spent]:
    """Start; what is returned tells what was spent since. Connecting is left out of all measurements."""
    cpu, began = own_cpu_s(), time.monotonic()
    return lambda: (own_cpu_s() - cpu, time.monotonic() - began)


def measure_bus(plan: Plan, folder: Path) -> dict[str, Any]:
    """Return MB/s, records/s and client CPU of frames of 60 KB on each broker, and ratios to the plain loop."""
    with embedded(folder / "bus") as address:
        found: dict[str, Any] = {"embedded": _broker(plan, address)}
    if plan.apache:
        reason = apache_missing()
        if reason:
            found["apache_kafka"] = {"left_out": reason}
        else:
            with apache(folder / "kafka") as address:
                found["apache_kafka"] = _broker(plan, address)
    return found


def _broker(plan: Plan, address: str) -> dict[str, Any]:
    """Measure one broker, Siaga and the plain loop in turns."""
    bus = BusSection(bootstrap_servers=address, partitions=PARTITIONS, frames_retention_mb=4096)
    ensure_topics(bus)
    used: dict[str, list[float]] = {}

    def timed(name: str, work: Work) -> Callable[[], float]:
        def way() -> float:
            cpu, took = work(bus, plan.bus_records)
            used.setdefault(name, []).append(cpu)
            return took

        return way

    ways: dict[str, Work] = {
        "produce": produce,
        "produce_plain": produce_plain,
        "consume": consume,
        "consume_plain": consume_plain,
    }
    found = in_turns({name: timed(name, work) for name, work in ways.items()}, plan.bus_rounds)
    mb = plan.bus_records * FRAME_BYTES / 1e6
    result: dict[str, Any] = {
        name: {
            "mb_per_s": round(mb / middle(took), 1),
            "records_per_s": round(plan.bus_records / middle(took)),
            "client_cpu_ms_per_mb": round(1000 * middle(used[name]) / mb, 2),
        }
        for name, took in found.items()
    }
    for name in ("produce", "consume"):
        result[f"{name}_ratio_vs_plain"] = ratio(found[f"{name}_plain"], found[name])
        result[f"{name}_cpu_ratio_vs_plain"] = ratio(used[f"{name}_plain"], used[name])
    return result


def _picture() -> bytes:
    return b"\xff\xd8" + os.urandom(FRAME_BYTES - 4) + b"\xff\xd9"


def produce(bus: BusSection, count: int) -> Spent:
    """Send frames as the grabber does: acknowledged by all replicas, idempotent, bounded in flight."""
    producer, jpeg = Producer(bus, "bench"), _picture()
    spent = _stopwatch()
    for number in range(count):
        while producer.in_flight_bytes > IN_FLIGHT_BYTES:
            time.sleep(0.001)
        producer.send_frame(
            Frame(
                camera=f"c{number % CAMERAS}",
                trace=f"t{number}",
                seq=number,
                captured_ms=now_ms(),
                width=640,
                height=360,
                cause="floor",
                jpeg=jpeg,
            )
        )
    producer.flush(PATIENCE_S)
    result = spent()
    producer.close()
    return result


def produce_plain(bus: BusSection, count: int) -> Spent:
    """Send the same bytes with kafka-python as it is."""
    producer, jpeg = KafkaProducer(bootstrap_servers=bus.bootstrap_servers), _picture()
    producer.partitions_for(FRAMES)
    spent = _stopwatch()
    for number in range(count):
        producer.send(FRAMES, jpeg, key=f"c{number % CAMERAS}".encode())
    producer.flush(timeout=PATIENCE_S)
    result = spent()
    producer.close()
    return result


def consume(bus: BusSection, count: int) -> Spent:
    """Read all frames that the topic holds with Siaga's consumer; what it took is told for `count` of them.

    Raises:
        BenchError: They did not come.
    """
    consumer = Consumer(bus, "bench", [FRAMES], None, share=False)
    begins, ends = consumer.begins(consumer.places()), consumer.ends(consumer.places())
    for place, offset in begins.items():
        consumer.seek(place, offset)
    held = sum(ends.values()) - sum(begins.values())
    seen, deadline, spent = 0, time.monotonic() + PATIENCE_S, _stopwatch()
    while seen < held:
        seen += len(consumer.poll(0.5, 500))
        if time.monotonic() > deadline:
            raise BenchError(f"the bus gave {seen} of {held} records")
    cpu, took = spent()
    consumer.close()
    return cpu * count / held, took * count / held


def consume_plain(bus: BusSection, count: int) -> Spent:
    """Read the same records with kafka-python as it is; told for `count` of them."""
    consumer = KafkaConsumer(bootstrap_servers=bus.bootstrap_servers, auto_offset_reset="earliest")
    places = [TopicPartition(FRAMES, number) for number in range(PARTITIONS)]
    consumer.assign(places)
    consumer.seek_to_beginning(*places)
    held = sum(consumer.end_offsets(places).values()) - sum(consumer.position(place) for place in places)
    spent = _stopwatch()
    for seen, _ in enumerate(consumer, 1):
        if seen == held:
            break
    cpu, took = spent()
    consumer.close()
    return cpu * count / held, took * count / held

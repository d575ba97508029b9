"""A group member as a process, to be killed: `python -m tests.contract.member BOOTSTRAP TOPIC GROUP OUT [INSTANCE]`.

Writes one JSON line per event to OUT: {"assigned": [partitions]} and {"partition", "value"} for each record, then
commits.
"""

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka.errors import KafkaError


class Tell(ConsumerRebalanceListener):
    """Writes down each assignment."""

    def __init__(self, out: IO[str]) -> None:
        self.out = out

    def on_partitions_revoked(self, revoked: Any) -> None:
        del revoked

    def on_partitions_assigned(self, assigned: Any) -> None:
        self.out.write(json.dumps({"assigned": sorted(p.partition for p in assigned)}) + "\n")


def main(bootstrap: str, topic: str, group: str, out: str, instance: str | None = None) -> None:
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, group_id=group, group_instance_id=instance, auto_offset_reset="earliest",
        enable_auto_commit=False, session_timeout_ms=6000, heartbeat_interval_ms=500, max_poll_records=20,
    )  # fmt: skip
    with Path(out).open("a", buffering=1) as lines:
        consumer.subscribe([topic], listener=Tell(lines))
        while True:
            for partition, records in consumer.poll(timeout_ms=200).items():
                for record in records:
                    lines.write(json.dumps({"partition": partition.partition, "value": record.value.decode()}) + "\n")
            # A commit that a rebalance or a restarting broker refuses costs a second reading, not the member.
            with suppress(KafkaError):
                consumer.commit(timeout_ms=5000)


if __name__ == "__main__":
    main(*sys.argv[1:])

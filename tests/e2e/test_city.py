"""Clips served as cameras over real RTSP, Apache Kafka as the bus, PostgreSQL as the store: the figure that counts."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.store.tables import EvidenceRow, IncidentRow
from tests.brokers import apache_broker
from tests.e2e.clips import as_camera
from tests.e2e.line import RtspCameras, running_line
from tests.postgres import Cluster
from tests.waiting import wait_for

FIRES = ("fire_cctv_carpark", "fire_street_night", "fire_kitchen_dark")
QUIET = ("none_cctv_nofi040",)


def quantile(metrics: str, share: float) -> tuple[float, int]:
    """Upper bound of the bucket that holds the given share of `siaga_camera_to_alert_seconds`, and the count."""
    buckets: dict[float, float] = {}
    for bound, count in re.findall(r'siaga_camera_to_alert_seconds_bucket\{[^}]*le="([^"]+)"[^}]*\} (\S+)', metrics):
        buckets[float(bound)] = buckets.get(float(bound), 0) + float(count)
    total = buckets.get(float("inf"), 0)
    return next((b for b, n in sorted(buckets.items()) if n >= share * total), float("inf")), int(total)


@pytest.mark.timeout(600)
def test_the_line_on_kafka_and_postgresql(tmp_path: Path, shared_data: Path, postgres: Cluster) -> None:
    source = shared_data / "data" / "fire_smoke" / "clips"
    clips = [as_camera(source / f"{name}.mp4", tmp_path / "clips" / f"{name}.mp4") for name in (*FIRES, *QUIET)]
    cameras = RtspCameras(clips)
    with apache_broker(tmp_path) as broker:
        changes = {
            "bus": {"bootstrap_servers": broker.bootstrap, "embedded": {"enabled": False}},
            "store": {"url": postgres.url()},
            "grab": {"clip_after_s": 5},
        }
        cameras.start()
        try:
            with running_line(tmp_path / "line", {clip.stem: cameras.url(clip) for clip in clips}, changes) as line:

                def rows() -> list[IncidentRow]:
                    with line.database.reading() as session:
                        return list(session.scalars(sa.select(IncidentRow).where(IncidentRow.alerted_ms.is_not(None))))

                def evidence() -> set[tuple[str, str]]:
                    with line.database.reading() as session:
                        found = session.scalars(sa.select(EvidenceRow))
                        return {(row.camera, row.kind) for row in found}

                wait_for(lambda: len(rows()) >= len(FIRES), 120, what=f"an alert of every fire ({line.log})")
                wanted = {(name, kind) for name in FIRES for kind in ("still", "clip")}
                wait_for(lambda: wanted <= evidence(), 90, what=f"stills and clips ({line.log})")
                found = rows()
                assert sorted(row.camera for row in found) == sorted(FIRES)
                p95, count = quantile(line.metrics(), 0.95)
                assert count == len(FIRES)
                seconds = sorted((row.alerted_ms or 0) - row.first_seen_ms for row in found)
                print(f"camera to alert: p95 <= {p95:g} s over {count} incidents, each {seconds} ms")
        finally:
            cameras.stop()

"""While a fire burns every stage and the broker are killed in turn: one incident an event, each delivered."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.store.tables import EvidenceRow, IncidentRow, OutboxRow
from tests.alert.receiver import SECRET
from tests.alert.receiver import receiver as webhook_receiver
from tests.e2e.clips import as_camera
from tests.e2e.line import Line, RtspCameras, running_line
from tests.waiting import wait_for


def incidents(line: Line) -> list[IncidentRow]:
    with line.database.reading() as session:
        return list(session.scalars(sa.select(IncidentRow).order_by(IncidentRow.camera)))


def notices(line: Line) -> list[OutboxRow]:
    with line.database.reading() as session:
        return list(session.scalars(sa.select(OutboxRow)))


def clips_of(line: Line) -> list[EvidenceRow]:
    with line.database.reading() as session:
        return list(session.scalars(sa.select(EvidenceRow).where(EvidenceRow.kind == "clip")))


@pytest.mark.timeout(600)
def test_killed_in_turn_nothing_is_lost_and_nothing_comes_twice(tmp_path: Path, shared_data: Path) -> None:
    source = shared_data / "data" / "fire_smoke" / "clips"
    fire = as_camera(source / "fire_cctv_carpark.mp4", tmp_path / "clips" / "parkir.mp4")
    later = as_camera(source / "fire_street_night.mp4", tmp_path / "clips" / "jalan.mp4")
    quiet = as_camera(source / "none_cctv_nofi010.mp4", tmp_path / "clips" / "tenang.mp4")
    cameras = RtspCameras([fire, later, quiet])
    urls = {clip.stem: cameras.url(clip) for clip in (fire, quiet, later)}
    with webhook_receiver() as receiver:
        webhook = {"name": "uji", "url": receiver.url, "secret": SECRET}
        changes = {
            "alert": {"webhooks": [webhook]},
            "grab": {"clip_after_s": 5},
            "confirm": {"kinds": {"fire": {"close_after_s": 40}, "smoke": {"close_after_s": 40}}},
        }
        cameras.start()
        try:
            with running_line(tmp_path / "line", urls, changes) as line:
                wait_for(lambda: len(incidents(line)) >= 1, 90, what=f"a first incident ({line.log})")
                for instance in ("grab", "detect-0", "bus", "confirm", "alert", "desk", "grab", "confirm"):
                    line.kill(instance)
                    wait_for(lambda: line.healthz()[0] == 200, 90, what=f"health after {instance} ({line.log})")
                wait_for(lambda: len(incidents(line)) >= 2, 60, what="both incidents")
                wait_for(lambda: len(clips_of(line)) >= 2, 90, what="both clips")
                wait_for(
                    lambda: all(
                        row.state in ("sent", "superseded") for row in notices(line) if row.notice != "updated"
                    ),
                    60,
                )
                found = incidents(line)
                assert [(row.camera, row.kind) for row in found] == [("jalan", "fire"), ("parkir", "fire")]
                opened = [row for row in notices(line) if row.notice == "opened"]
                assert len(opened) == 4
                assert len({row.idempotency_key for row in opened}) == 4
                assert {row.idempotency_key for row in opened if row.channel == "webhook"} <= receiver.taken().keys()
                assert not receiver.forged
        finally:
            cameras.stop()

"""How a stage is started: what changed is audited, and cameras changed at the desk are taken over while it runs."""

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pipeline.ops.settings import load_settings
from pipeline.store.audit import entries
from pipeline.store.audit_tables import AuditHeadRow, AuditRow
from pipeline.store.camera_edits import save_edit
from pipeline.store.database import open_database
from pipeline.wiring import run_stage
from tests.test_cli import siaga

CODE = "31.71.01.1001"
HEADER = "id,name,url,kelurahan,lat,lng,categories,owner,kinds,masks"
SECRET = "rahasia-kamera"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "kelurahan.csv").write_text(
        f"kode,nama,kecamatan,kota,lat,lng\n{CODE},Gambir,Gambir,Jakarta Pusat,-6.17,106.82\n"
    )
    row = f"cam-1,Depan stasiun,rtsp://a:{SECRET}@10.0.0.9/1,{CODE},-6.17,106.82,jalan,Dishub,fire,"
    (tmp_path / "cameras.csv").write_text(f"{HEADER}\n{row}\n")
    file = tmp_path / "siaga.yaml"
    file.write_text(f"data_dir: {tmp_path}/data\nops: {{metrics_port: 0}}\n")
    return file


@pytest.fixture
def handlers() -> Iterator[None]:
    """Put back what a stage does with signals."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def details(config: Path, what: str) -> list[dict[str, Any]]:
    database = open_database(load_settings(config))
    with database.reading() as session:
        found = [json.loads(row.detail) for row in entries(session) if row.what == what]
    database.close()
    return found


def test_a_stage_takes_over_changed_cameras_and_the_audit_knows_the_configuration(config: Path, handlers: None) -> None:
    urls: list[str] = []

    def work(settings: Any, registry: Any, stop: threading.Event, report: Any) -> None:
        urls.append(registry.cameras["cam-1"].url)
        if len(urls) == 1:
            database = open_database(settings)
            fields = {"url": "rtsp://10.0.0.10/1"}
            database.transact(lambda session: save_edit(session, "cam-1", "set", fields, "bos", 1))
            database.close()
            assert stop.wait(30)

    run_stage(load_settings(config), "grab", work, bus=False)
    assert urls == [f"rtsp://a:{SECRET}@10.0.0.9/1", "rtsp://10.0.0.10/1"]
    assert len(details(config, "config.seen")) == len(details(config, "cameras.seen")) == 1
    config.write_text(config.read_text() + "confirm: {min_quality: 0.2}\n")
    run_stage(load_settings(config), "alert", lambda *_: None, bus=False)
    (changed,) = details(config, "config.changed")
    assert changed["changed"] == {"confirm.min_quality": [0.0, 0.2]}


def test_the_registry_is_exported_as_the_desk_has_it(config: Path) -> None:
    plain = siaga("cameras", "export", "--config", str(config))
    assert "cam-1,Depan stasiun" in plain.stdout, plain.stderr
    assert not list((config.parent / "data").glob("*.db")), "looking makes no database"
    database = open_database(load_settings(config))
    database.migrate()
    database.transact(lambda session: save_edit(session, "cam-1", "set", {"name": "Depan balai"}, "bos", 1))
    database.close()
    exported = siaga("cameras", "export", "--config", str(config)).stdout
    assert "cam-1,Depan balai" in exported
    (config.parent / "cameras.csv").write_text(exported)
    assert siaga("config", "check", "--config", str(config)).returncode == 0


def test_verify_finds_rows_cut_off_at_the_end_by_the_anchors_that_the_desk_kept(config: Path) -> None:
    from pipeline.store.anchors import AnchorKeeper
    from pipeline.store.audit import audit

    settings = load_settings(config)
    database = open_database(settings)
    database.migrate()

    def verify() -> "subprocess.CompletedProcess[str]":
        return siaga("audit", "verify", "--config", str(config))

    with database.session() as session:
        for number in range(4):
            audit(session, "bos", "uji", str(number), None, number)
    AnchorKeeper(settings, database).keep()
    assert verify().stdout == "good: 4 rows, 1 anchors\n"
    with database.session() as session:
        session.execute(sa.delete(AuditRow).where(AuditRow.n > 3))
        last = session.scalar(sa.select(AuditRow.hash).where(AuditRow.n == 3))
        session.execute(sa.update(AuditHeadRow).values(n=3, hash=last))
    database.close()
    cut = verify()
    assert (cut.returncode, cut.stdout[:4]) == (1, "BAD:")
    assert "rows were removed" in cut.stdout

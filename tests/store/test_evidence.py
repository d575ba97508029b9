"""Stills and clips: objects, rows, failures that are told, and the quota."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from pipeline.ops.errors import ConfigError, StoreError
from pipeline.ops.settings import Settings
from pipeline.store.database import Database, open_database
from pipeline.store.evidence import (
    Evidence,
    EvidenceStore,
    keep_evidence,
    list_evidence,
    of_incident,
)
from pipeline.store.incidents import apply_incident, decide
from pipeline.store.quota import Usage, enforce_quota, used_bytes
from pipeline.store.tables import Decision
from pipeline.store.timeline import events_of
from tests.shared import REPO
from tests.store.buckets import bucket_server
from tests.store.making import T0, incident, settings_at


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def still(incident_id: str = "i1", camera: str = "cam-1") -> Evidence:
    return Evidence(incident_id, camera, "still", "bus", T0, T0)


@pytest.fixture
def objects(settings: Settings) -> EvidenceStore:
    return EvidenceStore(settings)


def test_objects_in_a_folder(tmp_path: Path) -> None:
    store = EvidenceStore(settings_at(tmp_path))
    store.put("clips/i1/cam-1.mp4", b"0123456789")
    assert (tmp_path / "evidence" / "clips" / "i1" / "cam-1.mp4").read_bytes() == b"0123456789"
    assert store.get("clips/i1/cam-1.mp4") == b"0123456789"
    assert store.get_range("clips/i1/cam-1.mp4", 2, 5) == b"234"
    assert store.get_range("clips/i1/cam-1.mp4", 8, 500) == b"89"
    assert store.size("clips/i1/cam-1.mp4") == 10
    with pytest.raises(StoreError, match="not read"):
        store.get_range("clips/i1/cam-1.mp4", 50, 60)
    store.put("clips/i1/cam-1.mp4", b"new")
    assert store.get("clips/i1/cam-1.mp4") == b"new"
    store.delete("clips/i1/cam-1.mp4")
    store.delete("clips/i1/cam-1.mp4")
    assert not store.exists("clips/i1/cam-1.mp4")
    for read in (lambda: store.get("none"), lambda: store.get_range("none", 0, 1)):
        with pytest.raises(FileNotFoundError):
            read()


def test_keys_stay_inside(tmp_path: Path) -> None:
    store = EvidenceStore(settings_at(tmp_path))
    assert Evidence("a/../b", "c/d", "clip", "ring", 0, 1).key == "clips/a%2F..%2Fb/c%2Fd.mp4"
    for write in (lambda: store.put("../out", b""), lambda: store.delete("../out")):
        with pytest.raises(StoreError):
            write()
    with pytest.raises(StoreError):
        store.get("../out")
    with pytest.raises(StoreError):
        store.size("../out")


@pytest.mark.parametrize("place", ["/proc/none/evidence", "ftp://user:hidden@host/x"])
def test_a_wrong_place_is_one_clear_error(tmp_path: Path, place: str) -> None:
    with pytest.raises(ConfigError, match=r"^store\.evidence: ") as caught:
        EvidenceStore(settings_at(tmp_path, evidence=place))
    assert "hidden" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_objects_in_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with bucket_server() as (endpoint, kept_objects):
        for name, value in {
            "AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "ap-southeast-3",
            "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        store = EvidenceStore(settings_at(tmp_path, evidence="s3://siaga/evidence"))
        store.put("clips/i1/cam-1.mp4", b"0123456789")
        assert kept_objects == {"/siaga/evidence/clips/i1/cam-1.mp4": b"0123456789"}
        assert store.get("clips/i1/cam-1.mp4") == b"0123456789"
        assert store.get_range("clips/i1/cam-1.mp4", 2, 5) == b"234"
        assert store.size("clips/i1/cam-1.mp4") == 10
        store.delete("clips/i1/cam-1.mp4")
        store.delete("clips/i1/cam-1.mp4")
        assert not store.exists("clips/i1/cam-1.mp4")
        with pytest.raises(FileNotFoundError):
            store.get("clips/i1/cam-1.mp4")


def test_kept_once_with_its_digest_and_a_line_in_the_timeline(database: Database, objects: EvidenceStore) -> None:
    for content in (b"first", b"second"):
        keep_evidence(database, objects, still(), content, T0 + 5)
    with database.reading() as session:
        rows = list_evidence(session, "i1")
        assert [(row.key, row.bytes, row.sha256) for row in rows] == [
            ("stills/i1/cam-1.jpg", 6, hashlib.sha256(b"second").hexdigest())
        ]
        assert [event.what for event in events_of(session, "i1")] == ["evidence"]
        assert of_incident(session, "i1", "cam-2", "still") is None
    assert objects.get("stills/i1/cam-1.jpg") == b"second"


def test_what_cannot_be_written_is_counted_and_told(database: Database, settings: Settings) -> None:
    objects = EvidenceStore(settings)
    (settings.data_dir / "evidence" / "stills").write_text("in the way")
    before = sample("siaga_store_evidence_total", kind="still", outcome="failed")
    with pytest.raises(StoreError, match="not written"):
        keep_evidence(database, objects, still(), b"x", T0)
    assert sample("siaga_store_evidence_total", kind="still", outcome="failed") == before + 1
    with database.reading() as session:
        event = events_of(session, "i1")[0]
        assert event.what == "evidence_failed"
        assert "not written" in event.detail["reason"]
        assert list_evidence(session, "i1") == []


FULL = """
import resource, sys
from pathlib import Path
from pipeline.ops.errors import StoreError
from pipeline.store.evidence import EvidenceStore
from tests.store.making import settings_at
store = EvidenceStore(settings_at(Path(sys.argv[1])))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    store.put("clips/i/c.mp4", b"x" * 1_000_000)
except StoreError as error:
    print("told:", error)
print("left:", store.exists("clips/i/c.mp4"))
"""


def test_a_full_disk_is_told_and_leaves_no_half(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], cwd=REPO, capture_output=True, text=True, timeout=60, check=True
    )
    assert "told: clips/i/c.mp4: not written" in done.stdout
    assert "left: False" in done.stdout


def fill(database: Database, objects: EvidenceStore, *plans: tuple[str, str, Decision]) -> None:
    """Incidents with a still of 1,000 bytes each, in this order."""
    for id_, state, decision in plans:
        with database.session() as session:
            apply_incident(session, incident(id_, state=state), T0)
            decide(session, id_, decision, expected="waiting", actor="budi", at_ms=T0)
        keep_evidence(database, objects, still(id_), b"x" * 1000, T0)


def kept(objects: EvidenceStore, *ids: str) -> list[str]:
    return [id_ for id_ in ids if objects.exists(still(id_).key)]


def test_the_quota_takes_the_oldest_closed_and_reviewed_first(database: Database, objects: EvidenceStore) -> None:
    fill(
        database, objects,
        ("open", "opened", "done"), ("waiting", "closed", "waiting"), ("oldest", "closed", "done"),
        ("accepted", "closed", "accepted"), ("false", "closed", "false_alarm"), ("newest", "closed", "done"),
    )  # fmt: skip
    ids = ("open", "waiting", "oldest", "accepted", "false", "newest")
    before = sample("siaga_store_evidence_removed_total", kind="still", reason="quota")
    assert enforce_quota(database, objects, 6000, T0 + 9) == Usage(6000, 6000)
    assert enforce_quota(database, objects, 4500, T0 + 9) == Usage(4000, 4500, removed=2)
    assert kept(objects, *ids) == ["open", "waiting", "accepted", "newest"]
    assert sample("siaga_store_evidence_removed_total", kind="still", reason="quota") == before + 2
    with database.reading() as session:
        row = list_evidence(session, "oldest")[0]
        assert row.removed_ms == T0 + 9
        assert row.removed_reason is not None
        assert "closed and reviewed" in row.removed_reason
        assert events_of(session, "oldest")[-1].what == "evidence_removed"


def test_a_round_removes_only_so_much(database: Database, objects: EvidenceStore) -> None:
    fill(database, objects, *((id_, "closed", "done") for id_ in "abc"))
    first = enforce_quota(database, objects, 500, T0, most=2)
    assert (first.removed, first.excess, first.stuck) == (2, 500, False)
    second = enforce_quota(database, objects, 500, T0, most=2)
    assert (second.removed, second.excess, second.stuck) == (1, 0, False)
    fill(database, objects, ("d", "opened", "waiting"))
    assert enforce_quota(database, objects, 500, T0, most=2).stuck


def test_a_quota_that_cannot_hold_is_loud_and_takes_new_evidence(database: Database, objects: EvidenceStore) -> None:
    fill(database, objects, ("a", "opened", "waiting"), ("b", "closed", "done"))
    usage = enforce_quota(database, objects, 500, T0)
    assert (usage.excess, usage.removed) == (500, 1)
    assert sample("siaga_store_evidence_excess_bytes") == 500
    keep_evidence(database, objects, still("a", "cam-2"), b"x" * 1000, T0)
    assert kept(objects, "a", "b") == ["a"]
    with database.reading() as session:
        assert used_bytes(session) == 2000


def test_an_object_that_cannot_be_removed_is_passed_over_and_counted(
    database: Database, settings: Settings, objects: EvidenceStore
) -> None:
    fill(database, objects, ("a", "closed", "done"), ("b", "closed", "done"))
    path = settings.data_dir / "evidence" / "stills" / "a" / "cam-1.jpg"
    path.unlink()
    (path / "in-the-way").mkdir(parents=True)
    before = sample("siaga_store_evidence_not_removed_total", kind="still")
    usage = enforce_quota(database, objects, 1500, T0)
    assert (usage.used, usage.removed, usage.refused) == (1000, 1, 1)
    assert sample("siaga_store_evidence_not_removed_total", kind="still") == before + 1
    assert kept(objects, "b") == []


def test_evidence_of_an_incident_taken_up_again_stays(database: Database, objects: EvidenceStore) -> None:
    from pipeline.store import quota

    fill(database, objects, ("a", "closed", "done"))
    with database.reading() as session:
        seen = quota.removable(session, 1)[0]
    with database.session() as session:
        decide(session, "a", "accepted", expected="done", actor="ani", at_ms=T0)
    assert quota._remove(database, objects, seen, 0, T0) == 0
    with database.session() as session:
        decide(session, "a", "done", expected="accepted", actor="ani", at_ms=T0)
    assert quota._remove(database, objects, seen, 0, T0) == 1000
    assert quota._remove(database, objects, seen, 0, T0) == 0


def test_another_process_sees_the_rows(settings: Settings, database: Database, objects: EvidenceStore) -> None:
    keep_evidence(database, objects, still(), b"x", T0)
    other = open_database(settings)
    with other.reading() as session:
        assert len(list_evidence(session, "i1")) == 1
    other.close()

"""What changed since the last start goes into the audit, without a secret in it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.city.registry import Camera, Kelurahan, Registry
from pipeline.ops.settings import Settings
from pipeline.store.audit import entries, verify
from pipeline.store.database import Database, open_database
from pipeline.store.seen import MOST, changes, configuration, note_start

SECRET = "kata-sandi-paling-rahasia"
WARD = Kelurahan("31.71.01.1001", "Gambir", "Gambir", "Jakarta Pusat", -6.17, 106.82)
CAMERA = Camera("cam-1", "Depan stasiun", f"rtsp://admin:{SECRET}@10.0.0.9/1", WARD.code, -6.17, 106.82)
REGISTRY = Registry({"cam-1": CAMERA}, {WARD.code: WARD})


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = open_database(Settings(data_dir=tmp_path))
    made.migrate()
    yield made
    made.close()


def start(database: Database, registry: Registry = REGISTRY, **sections: Any) -> None:
    settings = Settings(**sections)
    database.transact(lambda session: note_start(session, settings, registry, "grab", 1000))


def rows(database: Database, *whats: str) -> list[dict[str, Any]]:
    with database.reading() as session:
        assert verify(session).ok
        return [json.loads(row.detail) for row in entries(session) if row.what in whats]


def test_a_first_start_is_noted_and_an_equal_one_is_not(database: Database) -> None:
    for _ in range(3):
        start(database)
    assert len(rows(database, "config.seen", "cameras.seen", "kelurahan.seen")) == 3
    assert rows(database, "config.changed", "cameras.changed", "kelurahan.changed") == []


def test_a_changed_threshold_is_in_the_audit_with_both_values(database: Database) -> None:
    start(database)
    start(database, confirm={"kinds": {"fire": {"threshold": 0.55}}})
    (found,) = rows(database, "config.changed")
    assert found["changed"]["confirm.kinds.fire.threshold"] == [0.4, 0.55]
    assert found["before"] != found["sha256"]
    assert found["stage"] == "grab"


def test_a_changed_secret_shows_that_it_changed_and_not_what_it_is(database: Database) -> None:
    hook = {"name": "posko", "url": f"https://siaga:{SECRET}@posko.example/x?token={SECRET}", "secret": f"{SECRET}-1"}
    start(database, alert={"webhooks": [hook]})
    start(database, alert={"webhooks": [{**hook, "secret": f"{SECRET}-22"}]})
    start(database, alert={"webhooks": [{**hook, "secret": f"{SECRET}-22", "url": "https://a:b@posko.example/x"}]})
    first, second = rows(database, "config.changed")
    assert list(first["changed"]) == ["alert.webhooks[0].secret"]
    assert list(second["changed"]) == ["alert.webhooks[0].url"]
    with database.reading() as session:
        everything = "".join(row.detail for row in entries(session))
        seen = str(session.connection().exec_driver_sql("select keys from config_seen").all())
    assert SECRET not in everything + seen
    assert "env:SIAGA_OIDC_SECRET" in str(configuration(Settings())), "the name of a variable is no secret"


def test_cameras_changed_in_the_file_are_told_by_cell(database: Database) -> None:
    start(database)
    mask = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5))
    changed = replace(CAMERA, masks=(mask,), url="rtsp://admin:lain@10.0.0.9/1")
    start(database, Registry({"cam-1": changed, "cam-2": replace(CAMERA, id="cam-2")}, {WARD.code: WARD}))
    start(database, Registry({"cam-2": replace(CAMERA, id="cam-2")}, {}))
    first, second = rows(database, "cameras.changed")
    assert set(first["changed"]["cam-1"]) == {"masks", "url"}
    assert first["changed"]["cam-1"]["masks"] == ["", "[[[0.0,0.0],[0.5,0.0],[0.5,0.5]]]"]
    assert first["changed"]["cam-2"] == "added"
    assert second["changed"] == {"cam-1": "removed"}
    assert "lain" not in str(first)
    assert len(rows(database, "kelurahan.changed")) == 1


def test_a_flood_of_changes_is_cut_and_counted(database: Database) -> None:
    start(database, Registry({}, {}))
    many = {f"cam-{n}": replace(CAMERA, id=f"cam-{n}") for n in range(MOST + 40)}
    start(database, Registry(many, {}))
    (found,) = rows(database, "cameras.changed")
    assert (len(found["changed"]), found["more"]) == (MOST, 40)


VALUES = st.one_of(st.integers(), st.dictionaries(st.sampled_from("xy"), st.integers()))
PLAIN = st.dictionaries(st.sampled_from("abcdef"), VALUES)


@given(PLAIN, PLAIN)
def test_changes_are_exactly_what_differs(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = changes(before, after)
    assert set(found) == {key for key in {*before, *after} if before.get(key) != after.get(key)}

"""How stages take over cameras that the desk changed."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.city.edits import COLUMNS, CameraEdit, LiveCameras, apply_edits, cells_of, changed_cells, edited_camera
from pipeline.city.registry import CATEGORIES, KINDS, Camera, Kelurahan, Registry
from pipeline.city.rows import RowError
from pipeline.ops.settings import Settings
from pipeline.store.camera_edits import get_edit, latest_revision, save_edit
from pipeline.store.database import Database, open_database
from pipeline.store.following import CONCERNS, Follower, LiveCity, fingerprint, work_with_edits
from tests.waiting import wait_for

CODE = "31.71.01.1001"
WARDS = {CODE: Kelurahan(CODE, "Gambir", "Gambir", "Jakarta Pusat", -6.17, 106.82)}
ONE = Camera("cam-1", "Depan stasiun", "rtsp://a:b@10.0.0.9/1", CODE, -6.17, 106.82, owner="Dishub")
TWO = Camera("cam-2", "Depan pasar", "rtsp://a:b@10.0.0.9/2", CODE, -6.18, 106.83)
BASE = Registry({"cam-1": ONE, "cam-2": TWO}, WARDS)
MASK = "[[[0,0],[0.5,0],[0.5,0.5]]]"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = open_database(Settings(data_dir=tmp_path))
    made.migrate()
    yield made
    made.close()


def edit(database: Database, camera: str, state: str = "set", **fields: str) -> None:
    database.transact(lambda session: save_edit(session, camera, state, fields, "bos", 1))  # type: ignore[arg-type]


def test_edits_lie_over_the_file_cell_by_cell() -> None:
    edits = [
        CameraEdit("cam-1", "set", {"masks": MASK, "public": "ya"}),
        CameraEdit("cam-2", "removed", {}),
        CameraEdit("cam-9", "set", {"name": "Baru", "url": "rtsp://x/9", "kelurahan": CODE, "lat": "-6", "lng": "106"}),
        CameraEdit("cam-8", "removed", {}),
    ]
    registry, problems = apply_edits(BASE, edits)
    assert problems == ()
    assert set(registry.cameras) == {"cam-1", "cam-9"}
    one = registry.cameras["cam-1"]
    assert (one.name, one.url, one.public, len(one.masks)) == (ONE.name, ONE.url, True, 1)
    assert registry.cameras["cam-9"].kinds == Camera.kinds
    again, _ = apply_edits(BASE, [CameraEdit("cam-1", "file", {}), CameraEdit("cam-2", "file", {})])
    assert again.cameras == BASE.cameras


def test_an_edit_that_fits_no_more_takes_no_camera_away() -> None:
    edits = [CameraEdit("cam-1", "set", {"kelurahan": "31.99.01.1001"}), CameraEdit("cam-9", "set", {"name": "x"})]
    registry, problems = apply_edits(BASE, edits)
    assert registry.cameras == BASE.cameras
    assert [problem.split(":")[1].strip() for problem in problems] == ["kelurahan", "kelurahan"]
    with pytest.raises(RowError):
        edited_camera(None, CameraEdit("cam 9", "set", {}), BASE)


CELLS = st.builds(
    lambda lat, lng, kinds, categories, public, masks: replace(
        ONE, lat=lat, lng=lng, kinds=tuple(kind for kind in KINDS if kind in kinds), categories=tuple(categories),
        public=public, masks=tuple(tuple(mask) for mask in masks),
    ),
    st.floats(-90, 90), st.floats(-180, 180), st.sets(st.sampled_from(KINDS), min_size=1),
    st.lists(st.sampled_from(CATEGORIES), unique=True), st.booleans(),
    st.lists(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=5), max_size=2),
)  # fmt: skip


@given(CELLS)
def test_cells_give_back_the_camera_they_were_made_of(camera: Camera) -> None:
    cells = cells_of(camera)
    assert set(cells) == set(COLUMNS)
    assert edited_camera(ONE, CameraEdit("cam-1", "set", changed_cells(ONE, cells)), BASE) == camera
    assert changed_cells(camera, cells) == {}


def test_each_edit_has_a_higher_number_and_replaces_the_one_before(database: Database) -> None:
    with database.reading() as session:
        assert latest_revision(session) == 0
    edit(database, "cam-1", name="A")
    edit(database, "cam-2", name="B")
    edit(database, "cam-1", name="C")
    with database.reading() as session:
        row = get_edit(session, "cam-1")
        assert latest_revision(session) == 3
    assert row is not None
    assert (row.fields, row.revision, row.changed_by) == ({"name": "C"}, 3, "bos")


@pytest.mark.parametrize(
    ("fields", "concerned"),
    [
        ({"masks": MASK}, {"confirm"}),
        ({"url": "rtsp://x/1"}, {"grab"}),
        ({"public": "ya"}, {"alert"}),
        ({"name": "Lain"}, {"alert"}),
        ({"kinds": "fire"}, {"detect", "confirm", "alert"}),
        ({"lat": "-6.2"}, {"confirm", "alert"}),
    ],
)
def test_a_change_concerns_only_the_stages_that_use_it(fields: dict[str, str], concerned: set[str]) -> None:
    changed, _ = apply_edits(BASE, [CameraEdit("cam-1", "set", fields)])
    assert {stage for stage in CONCERNS if fingerprint(changed, stage) != fingerprint(BASE, stage)} == concerned
    assert fingerprint(changed, "other") != fingerprint(BASE, "other")


def test_a_stage_begins_anew_with_the_changed_cameras_and_stops_when_told(database: Database) -> None:
    stop, rounds = threading.Event(), []

    def work(registry: Registry, until: threading.Event) -> None:
        rounds.append(registry.cameras["cam-1"].url)
        assert until.wait(30)

    arguments = (Follower(database, BASE, "grab"), "grab", stop, work, 0.02)
    thread = threading.Thread(target=work_with_edits, args=arguments)
    thread.start()
    wait_for(lambda: len(rounds) == 1)
    edit(database, "cam-1", name="Bukan urusan pembaca")
    edit(database, "cam-1", url="rtsp://x/1")
    wait_for(lambda: len(rounds) == 2)
    edit(database, "cam-1", "file")
    wait_for(lambda: len(rounds) == 3)
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    assert rounds == [ONE.url, "rtsp://x/1", ONE.url]


def test_work_that_ends_or_fails_by_itself_is_not_begun_again(database: Database) -> None:
    rounds = []
    work_with_edits(Follower(database, BASE, "x"), "x", threading.Event(), lambda r, u: rounds.append(r), 0.02)
    assert len(rounds) == 1

    def fail(_registry: Registry, _until: threading.Event) -> None:
        raise RuntimeError("rusak")

    with pytest.raises(RuntimeError, match="rusak"):
        work_with_edits(Follower(database, BASE, "x"), "x", threading.Event(), fail, 0.02)


def test_a_database_that_is_away_changes_nothing(database: Database) -> None:
    follower = Follower(database, BASE, "grab")
    edit(database, "cam-1", name="A")
    assert follower.look().cameras["cam-1"].name == "A"
    with database.session() as session:
        session.connection().exec_driver_sql("alter table camera_edits rename to away")
    assert follower.look().cameras["cam-1"].name == "A"


def test_the_served_registry_is_exchanged_as_a_whole(database: Database) -> None:
    city = LiveCity(database, BASE)
    served = city.registry
    walking = iter(served.cameras)
    next(walking)
    assert served.same_place("cam-1")
    edit(database, "cam-2", "removed")
    edit(database, "cam-1", name="A", lat="-6.0")
    stop = threading.Event()
    thread = threading.Thread(target=city.follow, args=(stop, 0.02))
    thread.start()
    wait_for(lambda: len(served.cameras) == 1)
    stop.set()
    thread.join(10)
    assert served.cameras["cam-1"].name == "A"
    assert served.same_place("cam-1")[0].lat == -6.0
    assert list(walking) == ["cam-2"], "who was reading goes on with what it began with"
    assert city.file is BASE
    assert isinstance(served.cameras, LiveCameras)

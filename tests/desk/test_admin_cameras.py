"""Cameras at the desk: forms, masks, and tests of real cameras by the grab stage's own code."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.demo.rtsp import ServerThread, Stream, serve_in_thread
from pipeline.grab.testing import serve_tests
from pipeline.ops.sections import GrabSection
from pipeline.store import camera_tests, people
from pipeline.store.following import Follower
from tests.desk.test_admin_people import audited
from tests.desk.world import GAMBIR, HASH, MANGGARAI, Visitor, World
from tests.grab.video import write_video
from tests.waiting import wait_for

SECRET = "rahasia123"
FORM = {"name": "Depan balai", "kelurahan": GAMBIR, "lat": "-6.17", "lng": "106.82", "kinds": ["fire"]}


@pytest.fixture
def admin(visit: Callable[[str], Visitor]) -> Visitor:
    return visit("bos")


@pytest.fixture
def technician(world: World, url: str) -> Visitor:
    """Return an engineer of one kelurahan."""
    with world.database.session() as session:
        people.add_user(session, "teknisi_gambir", HASH, "engineer", [GAMBIR], 1)
    visitor = Visitor(url)
    visitor.sign_in("teknisi_gambir")
    return visitor


@pytest.fixture(scope="module")
def rtsp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    video = write_video(tmp_path_factory.mktemp("rtsp") / "a.mp4", 100)
    streams = {"a": Stream(video), "locked": Stream(video, user="siaga", password=SECRET)}
    with serve_in_thread(streams) as server:
        yield server


@pytest.fixture
def grabber(world: World) -> Iterator[None]:
    """Let a grab process answer what the desk asks."""
    stop = threading.Event()
    grab = GrabSection(open_timeout_s=3, read_timeout_s=2)
    thread = threading.Thread(target=serve_tests, args=(world.database, grab, stop, world.clock, 0.05))
    thread.start()
    yield
    stop.set()
    thread.join(30)


def as_stages_see(world: World) -> Any:
    """Return the cameras as a stage that starts now reads them."""
    return Follower(world.database, world.registry, "grab").look().cameras


def test_a_camera_is_added_and_every_page_and_stage_knows_it(world: World, admin: Visitor) -> None:
    address = f"rtsp://siaga:{SECRET}@10.1.1.1/live"
    answer = admin.submit("/admin/kamera/baru", part=False, id="cam-baru", url=address, public="ya", **FORM)
    assert answer.headers["location"] == "/admin/kamera/cam-baru?selesai=tambah"
    assert "Depan balai" in admin.get("/kamera").text
    assert "Depan balai" in admin.get("/admin/kamera?cari=balai").text
    camera = as_stages_see(world)["cam-baru"]
    assert (camera.url, camera.kinds, camera.public) == (address, ("fire",), True)
    (row,) = audited(world, "camera.")
    assert row[:3] == ("bos", "camera.added", "cam-baru")
    page = admin.get("/admin/kamera/cam-baru").text
    assert "rtsp://10.1.1.1/live" in page
    assert SECRET not in page + str(row)


def test_a_change_keeps_the_address_and_can_be_taken_back(world: World, admin: Visitor) -> None:
    page = admin.get("/admin/kamera/cam-gambir-2").text
    assert SECRET not in page
    admin.submit("/admin/kamera/cam-gambir-2", part=False, **{**FORM, "owner": "Dishub", "categories": ["jalan"]})
    camera = as_stages_see(world)["cam-gambir-2"]
    assert (camera.name, camera.categories) == ("Depan balai", ("jalan",))
    assert camera.url == world.registry.cameras["cam-gambir-2"].url
    changed = audited(world, "camera.changed")[0][3]
    assert changed["name"] == ["Jl. Pejambon · simpang", "Depan balai"]
    assert "url" not in changed
    assert "Diubah di meja oleh bos." in admin.get("/admin/kamera/cam-gambir-2").text
    admin.submit("/admin/kamera/cam-gambir-2/kembali", part=False)
    assert as_stages_see(world)["cam-gambir-2"] == world.registry.cameras["cam-gambir-2"]
    admin.submit("/admin/kamera/cam-gambir-2/hapus", part=False)
    assert "cam-gambir-2" not in as_stages_see(world)
    assert admin.get("/admin/kamera/cam-gambir-2").status_code == 404
    admin.submit("/admin/kamera/cam-gambir-2/kembali", part=False)
    assert admin.get("/admin/kamera/cam-gambir-2").status_code == 200
    assert [what for _, what, _, _ in audited(world, "camera.")] == [
        "camera.changed", "camera.reverted", "camera.removed", "camera.reverted"
    ]  # fmt: skip


def test_saving_what_is_there_already_changes_nothing(world: World, admin: Visitor) -> None:
    camera = world.registry.cameras["cam-gambir-2"]
    fields = {
        "name": camera.name, "kelurahan": camera.kelurahan, "lat": str(camera.lat), "lng": str(camera.lng),
        "owner": camera.owner, "kinds": list(camera.kinds),
    }  # fmt: skip
    assert admin.submit("/admin/kamera/cam-gambir-2", part=False, **fields).status_code == 303
    assert audited(world, "camera.") == []


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"id": "cam baru"}, "ID kamera"),
        ({"id": "cam-gambir-1"}, "sudah dipakai"),
        ({"url": "file:///etc/passwd"}, "Alamat harus dimulai"),
        ({"url": "/etc/passwd"}, "Alamat harus dimulai"),
        ({"url": ""}, "Alamat harus dimulai"),
        ({"kelurahan": "31.99.01.1001"}, "kelurahan"),
        ({"lat": "utara"}, "Lintang"),
        ({"lng": "181"}, "Bujur"),
        ({"kinds": []}, "jenis kejadian"),
        ({"kinds": ["hantu"]}, "jenis kejadian"),
        ({"categories": ["hantu"]}, "Kategori"),
    ],
)
def test_what_cannot_be_is_said(world: World, admin: Visitor, fields: dict[str, Any], says: str) -> None:
    typed = {"id": "cam-baru", "url": f"rtsp://u:{SECRET}@10.1.1.1/x", **FORM, **fields}
    answer = admin.submit("/admin/kamera/baru", part=False, **typed)
    assert answer.status_code == 400
    assert says in answer.text
    assert SECRET not in answer.text
    assert set(as_stages_see(world)) == set(world.registry.cameras)


def test_an_engineer_changes_the_cameras_of_the_own_areas_only(technician: Visitor) -> None:
    page = technician.get("/admin/kamera").text
    assert "cam-gambir-1" in page
    assert "cam-manggarai" not in page
    assert technician.get("/admin/kamera/cam-manggarai").status_code == 404
    moved = technician.submit("/admin/kamera/cam-gambir-2", part=False, **{**FORM, "kelurahan": MANGGARAI})
    assert moved.status_code == 400, "a camera is not moved out of the own areas either"
    assert technician.submit("/admin/uji", part=False, id="cam-manggarai", url="rtsp://x/y").status_code == 404
    assert technician.get("/admin/orang").status_code == 403


def test_a_mask_is_kept_and_burned_in(world: World, admin: Visitor) -> None:
    polygon = "[[[0.1,0.1],[0.4,0.1],[0.4,0.5]]]"
    answer = admin.submit("/admin/kamera/cam-gambir-1/masker", part=False, masks=polygon)
    assert answer.headers["location"] == "/admin/kamera/cam-gambir-1?selesai=masker"
    assert as_stages_see(world)["cam-gambir-1"].masks == (((0.1, 0.1), (0.4, 0.1), (0.4, 0.5)),)
    assert "0.4" in admin.get("/admin/kamera/cam-gambir-1/masker").text
    assert audited(world, "camera.masks_changed")[0][3]["masks"][0] == ""
    admin.submit("/admin/kamera/cam-gambir-1/masker", part=False, masks="[]")
    assert as_stages_see(world)["cam-gambir-1"].masks == ()


@pytest.mark.parametrize(
    "masks",
    [
        "[[[0,0],[1,1]]]",
        "[[[0,0],[2,0],[0,1]]]",
        "bukan",
        "[[1]]",
        "[[[null,0]]]",
        pytest.param("[" * 90_000, id="deep"),
    ],
)
def test_a_mask_that_is_none_is_refused(world: World, admin: Visitor, masks: str) -> None:
    answer = admin.submit("/admin/kamera/cam-gambir-1/masker", part=False, masks=masks)
    assert answer.status_code == 400
    assert "tiga titik" in answer.text
    assert as_stages_see(world)["cam-gambir-1"].masks == ()


def outcome_of(visitor: Visitor, **fields: Any) -> str:
    """Ask for a test and return what the page says when it is done."""
    begun = visitor.submit("/admin/uji", **fields)
    assert begun.status_code == 303, begun.text
    where = begun.headers["location"]

    def done() -> bool:
        return "sedang dibuka" not in visitor.get(where, headers={"x-siaga": "part"}).text

    wait_for(done, 60, what="the test of a camera")
    return visitor.get(where, headers={"x-siaga": "part"}).text


def test_a_real_camera_is_opened_and_its_picture_shown(
    world: World, admin: Visitor, grabber: None, rtsp: ServerThread, visit: Callable[[str], Visitor]
) -> None:
    address = rtsp.url("locked").replace("rtsp://", f"rtsp://siaga:{SECRET}@")
    said = outcome_of(admin, id="cam-baru", url=address)
    assert "Kamera terhubung dan mengirim gambar." in said
    picture = said.split('data-picture="')[1].split('"')[0]
    still = admin.get(picture)
    assert still.content.startswith(b"\xff\xd8")
    assert still.headers["cache-control"] == "no-store"
    other = visit("teknisi")
    assert other.get(picture).status_code == 404, "an unmasked picture is for whoever asked"
    assert SECRET not in said + str(audited(world, "camera.tested"))
    with world.database.reading() as session:
        kept = str(session.connection().exec_driver_sql("select url, message from camera_tests").all())
    assert SECRET not in kept, "the address is forgotten when the test is done"
    world.clock.turned_ms += camera_tests.KEPT_MS + 1
    assert admin.get(picture).status_code == 404


def test_one_clear_error_without_credentials(admin: Visitor, grabber: None, rtsp: ServerThread) -> None:
    wrong = rtsp.url("locked").replace("rtsp://", f"rtsp://siaga:{SECRET}x@")
    said = outcome_of(admin, url=wrong)
    assert "Nama pengguna atau kata sandi kamera salah." in said
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        said += outcome_of(admin, url=f"rtsp://u:{SECRET}@127.0.0.1:{taken.getsockname()[1]}/x")
    assert "Sambungan ditolak" in said
    assert SECRET not in said


def test_the_known_address_is_tested_when_none_is_typed(
    world: World, admin: Visitor, grabber: None, rtsp: ServerThread
) -> None:
    admin.submit("/admin/kamera/cam-gambir-2", part=False, url=rtsp.url("a"), **FORM)
    assert "Kamera terhubung" in outcome_of(admin, id="cam-gambir-2")
    assert "/gambar" in admin.get("/admin/kamera/cam-gambir-2/masker").text, "the mask is drawn on this picture"


def test_without_a_grab_stage_the_page_says_so(world: World, admin: Visitor) -> None:
    where = admin.submit("/admin/uji", part=False, id="cam-gambir-1").headers["location"]
    assert "sedang dibuka" in admin.get(where).text
    world.clock.turned_ms += 16_000
    assert "Proses pembaca kamera tidak menjawab" in admin.get(where).text
    with world.database.session() as session:
        camera_tests.take_test(session, world.clock())
    world.clock.turned_ms += 60_000
    assert "tidak selesai dalam satu menit" in admin.get(where).text


def test_tests_wait_in_a_short_line(admin: Visitor) -> None:
    answers = [
        admin.submit("/admin/uji", part=False, id="cam-gambir-1").status_code
        for _ in range(camera_tests.MOST_WAITING + 1)
    ]
    assert answers == [303] * camera_tests.MOST_WAITING + [429]
    assert admin.submit("/admin/uji", part=False, url="file:///etc/passwd").status_code == 400
    assert admin.submit("/admin/uji", part=False, id="tidak-ada").status_code == 404


def test_two_processes_never_take_the_same_test(world: World) -> None:
    with world.database.session() as session:
        for _ in range(4):
            camera_tests.ask_test(session, "a", "rtsp://x/y", "bos", world.clock())
    taken: list[int] = []

    def take() -> None:
        found = world.database.transact(lambda session: camera_tests.take_test(session, 1))
        taken.append(found.id if found else 0)

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(taken)[2:] == [1, 2, 3, 4]


def test_a_video_of_the_machine_is_no_camera_that_can_be_typed(tmp_path: Path, admin: Visitor) -> None:
    video = write_video(tmp_path / "a.mp4", 30)
    assert admin.submit("/admin/uji", part=False, url=str(video)).status_code == 400

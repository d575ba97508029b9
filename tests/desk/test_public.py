"""The public view: what it shows, what it never shows, and that reading costs nothing."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from pipeline.bus.records import Detection, Frame, FrameRef, ModelRef, Observation
from pipeline.city.registry import Registry
from pipeline.desk.publicview.blur import blur_people, burn_masks, enlarged, public_jpeg
from pipeline.desk.publicview.view import RENDERS, PublicView
from pipeline.desk.publicview.watch import Looked, Picture, Recent, is_frame_of, refuse
from pipeline.ops.public_section import PublicSection
from pipeline.ops.sections import DetectSection
from pipeline.store.incidents import decide
from tests.desk.world import World, picture
from tests.waiting import wait_for

PERSON = (0.3, 0.3, 0.4, 0.7)
MODEL = ModelRef(name="fire_smoke", version="1", sha8="0123abcd")


def public_world(folder: Path, **public: Any) -> World:
    """A world whose first camera is public."""
    world = World.build(folder)
    world.settings = world.settings.model_copy(update={"public": PublicSection(enabled=True, **public)})
    cameras = dict(world.registry.cameras)
    cameras["cam-gambir-1"] = replace(cameras["cam-gambir-1"], public=True)
    world.registry = Registry(cameras, world.registry.kelurahan)
    return world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = public_world(tmp_path)
    yield made
    made.database.close()


def view_of(world: World) -> PublicView:
    return PublicView(world.settings, world.registry, world.database, world.clock)


def decided(world: World, incident: str, decision: Any, expected: Any = "waiting") -> None:
    with world.database.session() as session:
        assert decide(session, incident, decision, expected=expected, actor="p", at_ms=world.clock()).ok


def page(view: PublicView, path: str = "/publik") -> str:
    view.make()
    answer = view.answer(path)
    assert answer is not None
    return answer.body.decode()


def observation(**changes: Any) -> Observation:
    values: dict[str, Any] = {
        "camera": "cam-gambir-1", "trace": "t", "captured_ms": 1000, "frame": FrameRef(partition=0, offset=7),
        "cause": "floor", "model": MODEL, "scores": {"fire": 0.0, "person": 0.9}, "people": 1,
        "boxes": (Detection(label="person", score=0.9, box=PERSON),),
    }  # fmt: skip
    return Observation(**{**values, **changes})


def test_an_incident_is_told_only_after_it_was_confirmed_and_could_no_longer_be_undone(world: World) -> None:
    record = world.raise_incident()
    view = view_of(world)
    assert "Tidak ada kejadian yang dipastikan" in page(view)
    decided(world, record.id, "accepted")
    assert "Kebakaran di" not in page(view)
    world.clock.turned_ms += 31_000
    text = page(view)
    assert "Kebakaran di Jl. Medan Merdeka · depan stasiun, Kel. Gambir." in text
    assert "Hindari Jl. Medan Merdeka. Beri jalan untuk mobil pemadam." in text
    assert "SIMULASI" in text
    assert "Fire at Jl. Medan Merdeka" in page(view, "/publik/en")
    assert record.id not in text
    assert "/media/" not in text
    assert "rahasia" not in text


@pytest.mark.parametrize("decision", ["false_alarm", "coordination", "disposition"])
def test_what_is_not_confirmed_is_not_told(world: World, decision: str) -> None:
    record = world.raise_incident()
    decided(world, record.id, decision)
    world.clock.turned_ms += 3_600_000
    assert "Kebakaran di" not in page(view_of(world))


def test_one_that_is_forwarded_and_closed_stays_told_without_a_gap(world: World) -> None:
    record, view = world.raise_incident(), view_of(world)
    decided(world, record.id, "accepted")
    for decision, before in (("disposition", "accepted"), ("done", "disposition")):
        world.clock.turned_ms += 31_000
        assert "Kebakaran di" in page(view)
        decided(world, record.id, decision, before)
        assert "Kebakaran di" in page(view) or "Sudah ditangani pukul" in page(view)


def test_an_incident_that_turned_out_to_be_none_goes_and_one_dealt_with_says_so(world: World) -> None:
    one, two = world.raise_incident(1), world.raise_incident(2, kind="smoke")
    for record in (one, two):
        decided(world, record.id, "accepted")
    world.clock.turned_ms += 31_000
    decided(world, one.id, "false_alarm", "accepted")
    decided(world, two.id, "done", "accepted")
    world.clock.turned_ms += 31_000
    text = page(view_of(world))
    assert "Kebakaran di" not in text
    assert "Asap tebal" in text
    assert "Sudah ditangani pukul" in text
    world.clock.turned_ms += 7_200_000
    assert "Asap tebal" not in page(view_of(world))


def test_a_camera_that_is_not_public_gives_no_picture_and_no_place(world: World) -> None:
    view = view_of(world)
    view.publish(Picture("cam-gambir-2", world.clock(), b"jpeg"))
    view.publish(Picture("cam-gambir-1", world.clock(), b"jpeg"))
    text = page(view)
    assert "Pejambon" not in text
    assert view.answer("/publik/gambar/cam-gambir-2.jpg") is None
    assert view.answer("/publik/gambar/cam-gambir-1.jpg") is not None


def test_an_old_picture_says_so_and_goes(world: World) -> None:
    view = view_of(world)
    view.publish(Picture("cam-gambir-1", world.clock(), b"jpeg"))
    assert "gambar lama" not in page(view)
    world.clock.turned_ms += 241_000
    assert "gambar lama, pukul" in page(view)
    world.clock.turned_ms += 660_000
    assert view.answer("/publik") is not None
    assert "Gambar tidak tersedia" in page(view)
    assert view.answer("/publik/gambar/cam-gambir-1.jpg") is None
    world.clock.turned_ms += 901_000  # nothing was made anew since
    assert view.answer("/publik") is None


def test_ten_thousand_readers_cost_one_render(world: World) -> None:
    from pipeline.desk.publicview.asgi import PublicPath

    view = view_of(world)
    view.make()
    before = RENDERS.labels("made")._value.get()
    path = PublicPath(None, view)  # type: ignore[arg-type]  # nothing of it goes further
    statuses: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def read() -> None:
        scope = {"type": "http", "method": "GET", "path": "/publik", "headers": []}
        for _ in range(10_000):
            await path(scope, None, send)  # type: ignore[arg-type]

    asyncio.run(read())
    assert statuses == [200] * 10_000
    assert RENDERS.labels("made")._value.get() == before


def test_over_http(world: World) -> None:
    with world.serve() as url, httpx.Client(base_url=url, headers={"accept": "text/html"}) as client:
        wait_for(lambda: client.get("/publik").status_code != 503, what="the first page")
        first = client.get("/publik")
        assert first.status_code == 200
        assert first.headers["cache-control"] == "public, max-age=15"
        assert "set-cookie" not in first.headers
        assert "default-src 'none'" in first.headers["content-security-policy"]
        again = client.get("/publik", headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert client.head("/publik").headers["content-length"] == first.headers["content-length"]
        signed_in = client.get("/publik", headers={"cookie": "siaga_session=apa-saja"})
        assert signed_in.content == first.content
        assert client.post("/publik").status_code == 405
        for path in ("/publik/", "/publik/x", "/publik/gambar/cam-gambir-2.jpg", "/publik/../kamera"):
            assert client.get(path).status_code in (303, 404)
        assert client.get("/publikasi").status_code == 303
        assert len(first.content) < 150_000
        assert client.get("/masuk").status_code == 200  # a bus that is away does not touch the desk


def test_off_by_default(tmp_path: Path) -> None:
    world = World.build(tmp_path)
    with world.serve() as url:
        assert httpx.get(f"{url}/publik").status_code == 404
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("public-")]
    world.database.close()


def test_an_observation_must_vouch_for_its_frame() -> None:
    detect = DetectSection(max_boxes=3)
    person = Detection(label="person", score=0.9, box=PERSON)
    assert refuse(observation(), detect) is None
    assert refuse(observation(scores={"person": 0.01}, boxes=(), people=0), detect) is None
    assert refuse(observation(scores={"fire": 0.9}), detect) == "no_person_class"
    assert refuse(observation(boxes=(person,) * 3, people=3), detect) == "boxes_cut_off"
    assert refuse(observation(people=2), detect) == "person_without_box"
    assert refuse(observation(boxes=(), people=0), detect) == "person_without_box"


def test_frames_wait_and_people_of_all_models_are_hidden() -> None:
    recent = Recent(100_000)
    recent.add(observation(scores={"fire": 0.9}), "no_person_class")
    assert recent.due("cam-gambir-1", 5000) is None
    recent.add(observation(), None)
    other = Detection(label="person", score=0.2, box=(0.6, 0.3, 0.7, 0.7))
    recent.add(observation(boxes=(other,)), None)
    recent.add(observation(captured_ms=2000, frame=FrameRef(partition=0, offset=8)), None)
    recent.add(observation(captured_ms=1500, frame=FrameRef(partition=0, offset=9)), "boxes_cut_off")
    looked = recent.due("cam-gambir-1", 1999)
    assert looked is not None
    assert (looked.captured_ms, looked.people) == (1000, (PERSON, other.box))
    assert recent.due("cam-gambir-1", 1999) is None
    assert recent.due("cam-gambir-1", 2000) is not None


def test_another_frame_at_the_same_place_is_not_shown() -> None:
    looked = Looked(FrameRef(partition=0, offset=7), 1000, "t", ())
    frame = Frame(
        camera="cam-gambir-1", trace="t", seq=1, captured_ms=1000, width=640, height=360, cause="floor",
        jpeg=picture(),
    )  # fmt: skip
    assert is_frame_of(frame, "cam-gambir-1", looked)
    for changed in ({"trace": "u"}, {"captured_ms": 1001}, {"camera": "cam-gambir-2"}):
        assert not is_frame_of(frame.model_copy(update=changed), "cam-gambir-1", looked)


def noise() -> Any:
    return np.random.default_rng(1).integers(0, 256, (360, 640, 3)).astype(np.uint8)


def test_inside_the_enlarged_boxes_no_detail_is_left_and_outside_nothing_changes() -> None:
    image = noise()
    left, top, right, bottom = enlarged(PERSON, 0.35, 640, 360)
    assert left < 0.3 * 640 - 0.03 * 640
    assert bottom > 0.7 * 360 + 0.1 * 360
    blurred = blur_people(image, [PERSON], 0.35)
    inside = blurred[top:bottom, left:right].astype(int)
    assert np.abs(np.diff(inside, axis=1)).max() <= 6
    assert np.abs(np.diff(inside, axis=0)).max() <= 6
    outside = np.ones(image.shape[:2], bool)
    outside[top:bottom, left:right] = False
    assert (blurred[outside] == image[outside]).all()


def test_two_people_with_the_same_averages_look_the_same() -> None:
    image, left, top = np.full((360, 640, 3), 90, np.uint8), *enlarged(PERSON, 0.35, 640, 360)[:2]
    one, two = image.copy(), image.copy()
    one[top : top + 200 : 2, left : left + 80] = 180
    two[top + 1 : top + 200 : 2, left : left + 80] = 180
    apart = np.abs(blur_people(one, [PERSON], 0.35).astype(int) - blur_people(two, [PERSON], 0.35).astype(int))
    assert apart.max() <= 8
    assert np.abs(one.astype(int) - two.astype(int)).max() == 90


def test_masks_are_burned_in_before_the_picture_leaves() -> None:
    mask = ((0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (0.5, 1.0))
    assert (burn_masks(noise(), [mask])[181:, 321:] == 0).all()
    done, jpeg = cv2.imencode(".jpg", noise())
    assert done
    made = public_jpeg(jpeg.tobytes(), [], [mask], 0.35, 320)
    assert made is not None
    small = cv2.imdecode(np.frombuffer(made, np.uint8), 1)
    assert small.shape == (180, 320, 3)
    assert small[96:, 168:].max() < 24
    assert public_jpeg(b"\xff\xd8 rusak", [], [], 0.35, 320) is None

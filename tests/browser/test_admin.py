"""The admin pages in a browser: a mask drawn by keyboard and by pointer, a camera tested while its form is filled."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.demo.rtsp import Stream, serve_in_thread
from pipeline.grab.testing import serve_tests
from pipeline.ops.sections import GrabSection
from pipeline.store.following import Follower
from tests.desk.world import World
from tests.grab.video import write_video
from tests.waiting import wait_for


@pytest.fixture
def camera(world: World, tmp_path: Path) -> Iterator[str]:
    """Return the address of a real camera, with a grab process that opens what the desk asks for."""
    stop = threading.Event()
    grab = GrabSection(open_timeout_s=5, read_timeout_s=4)
    thread = threading.Thread(target=serve_tests, args=(world.database, grab, stop, world.clock, 0.05))
    thread.start()
    with serve_in_thread({"a": Stream(write_video(tmp_path / "a.mp4", 100))}) as server:
        yield server.url("a")
    stop.set()
    thread.join(30)


def masks_of(world: World) -> Any:
    return Follower(world.database, world.registry, "grab").look().cameras["cam-gambir-1"].masks


def test_a_mask_is_drawn_by_keyboard_alone_then_by_pointer(world: World, sit_down: Callable[..., Any]) -> None:
    page = sit_down("bos", 360, 740)
    url = page.url.split("/", 3)[:3]
    page.goto("/".join(url) + "/admin/kamera/cam-gambir-1/masker")
    page.focus("#canvas svg")
    for keys in (["Shift+ArrowLeft"] * 4, ["Shift+ArrowRight"] * 4, ["Shift+ArrowDown"] * 4):
        for key in keys:
            page.keyboard.press(key)
        page.keyboard.press("Space")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")
    assert page.inner_text("#said") == "Bidang ditutup."
    assert json.loads(page.input_value("#masks")) == [[[0.3, 0.5], [0.5, 0.5], [0.5, 0.7]]]
    page.click("text=Simpan masker")
    page.wait_for_selector("text=Masker disimpan.")
    assert masks_of(world) == (((0.3, 0.5), (0.5, 0.5), (0.5, 0.7)),)
    page.click("text=Gambar masker")
    page.wait_for_selector("#shapes polygon")
    box = page.locator("#canvas svg").bounding_box()
    for x, y in ((0.1, 0.1), (0.2, 0.1), (0.2, 0.2)):
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.click("text=Hapus bidang 1")
    page.click("text=Simpan masker")
    page.wait_for_selector("text=Masker disimpan.")
    ((first, *_),) = masks_of(world)
    assert abs(first[0] - 0.1) < 0.01
    assert abs(first[1] - 0.1) < 0.01


def test_a_camera_is_tested_and_what_was_typed_stays(world: World, sit_down: Callable[..., Any], camera: str) -> None:
    page = sit_down("bos", 1280, 900)
    page.goto("/".join(page.url.split("/", 3)[:3]) + "/admin/kamera/baru")
    page.fill("[name=id]", "cam-baru")
    page.fill("[name=name]", "Depan balai")
    page.fill("[name=url]", camera)
    page.fill("[name=lat]", "-6.17")
    page.fill("[name=lng]", "106.82")
    page.click("[data-test]")
    page.wait_for_selector("#test img.shot", timeout=60_000)
    page.wait_for_function("document.querySelector('#test img').naturalWidth > 0")
    assert "Kamera terhubung" in page.inner_text("#test")
    assert page.input_value("[name=name]") == "Depan balai"
    page.click("text=Tambahkan")
    page.wait_for_selector("text=Kamera ditambahkan.")
    wait_for(lambda: "cam-baru" in Follower(world.database, world.registry, "grab").look().cameras)

"""A real browser before a real desk. Chromium comes from the system's packages; where it is missing, tests skip."""

import io
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from tests.desk.world import PASSWORD, World, picture
from tests.shared import skip_or_fail

sync_api = pytest.importorskip("playwright.sync_api") if os.environ.get("SIAGA_REQUIRE_ALL") != "1" else None
if sync_api is None:
    from playwright import sync_api


# A module at a time: while Playwright runs, its event loop holds the main thread, and no other test could run its own.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        skip_or_fail("no chromium (Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        options = ["--no-sandbox", "--autoplay-policy=document-user-activation-required"]
        browser = playwright.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World.build(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with world.serve() as address:
        yield address


@pytest.fixture
def sit_down(chromium: Any, url: str) -> Iterator[Callable[..., Any]]:
    """Open a browser of a size, sign in, return the page; a script error or a refused asset fails the test."""
    faults: list[str] = []
    contexts = []

    def open_desk(name: str, width: int = 360, height: int = 740, **more: Any) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": height}, **more)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
        page.goto(f"{url}/masuk")
        page.fill("#name", name)
        page.fill("#password", PASSWORD)
        page.click("button.accept")
        page.wait_for_selector("#main.board")
        return page

    yield open_desk
    for context in contexts:
        context.close()
    assert faults == []


def clip(seconds: int = 3, fps: int = 10) -> bytes:
    """Encode a small H.264 clip in which something moves."""
    base, out = cv2.imdecode(np.frombuffer(picture(), np.uint8), 1), io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number in range(seconds * fps):
            image = base.copy()
            cv2.circle(image, (100 + 10 * number, 300), 12, (0, 0, 255), -1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    return out.getvalue()

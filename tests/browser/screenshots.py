"""Make the pictures of docs/screenshots from a data folder that `siaga run --demo` has left: simulated cameras only.

python -m tests.browser.screenshots DATA_FOLDER docs/screenshots
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import sqlalchemy as sa
from playwright.sync_api import Page, sync_playwright

from pipeline.city.registry import Camera, Registry, load_kelurahan
from pipeline.demo.scenes.catalog import CAMERAS
from pipeline.ops.clock import now_ms
from pipeline.ops.settings import Settings
from pipeline.store import people
from pipeline.store.cameras import CameraState, save_state
from pipeline.store.database import open_database
from pipeline.store.evidence import EvidenceStore
from pipeline.store.tables import IncidentRow, UserRow
from tests.desk.world import HASH, PASSWORD, TurnableClock, World

CHROMIUM = "/usr/bin/chromium"


def open_world(data: Path) -> World:
    """Open the run's store, with the simulated cameras' own registry and the clock turned back to the incident."""
    settings = Settings(data_dir=data)
    cameras = [
        Camera(c.name, f"SIMULASI {c.title}", "", c.spot.kelurahan, c.spot.lat, c.spot.lng, owner="SIMULASI")
        for c in CAMERAS
    ]
    wards = load_kelurahan(Path("configs/kelurahan.csv"))
    database = open_database(settings)
    world = World(settings, Registry({c.id: c for c in cameras}, wards), database, EvidenceStore(settings))
    with database.session() as session:
        session.execute(sa.delete(UserRow))
        people.add_user(session, "budi", HASH, "piket", ["31.74.01.1007"], now_ms())
        people.add_user(session, "admin", HASH, "admin", ["*"], now_ms())
        opened = session.scalars(sa.select(IncidentRow.first_seen_ms)).first()
        for camera in cameras:
            save_state(session, CameraState(camera.id, "live", now_ms()))
    if opened is not None:
        world.clock = TurnableClock(opened + 41_000 - now_ms())
    world.healthy()
    return world


def sign_in(browser: Any, url: str, name: str, width: int, height: int) -> Page:
    """Open a desk of this size."""
    page: Page = browser.new_context(viewport={"width": width, "height": height}).new_page()
    page.goto(f"{url}/masuk")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.click("button.accept")
    page.wait_for_selector("#main.board")
    return page


def keep(page: Page, out: Path, name: str, width: int = 0, full: bool = False) -> None:
    """Write what the page shows as WebP, scaled to `width` px where given."""
    with tempfile.NamedTemporaryFile(suffix=".png") as shot:
        page.screenshot(path=shot.name, full_page=full)
        image = cv2.imread(shot.name)
    assert image is not None
    if width:
        size = (width, round(image.shape[0] * width / image.shape[1]))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(out / f"{name}.webp"), image, [cv2.IMWRITE_WEBP_QUALITY, 80])


def main(data: Path, out: Path) -> None:
    """Take all pictures."""
    out.mkdir(parents=True, exist_ok=True)
    world = open_world(data)
    with world.serve() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        phone = sign_in(browser, url, "budi", 360, 740)
        phone.wait_for_function("() => document.querySelector('.still img')?.naturalWidth > 0")
        keep(phone, out, "inbox-360")
        wall = sign_in(browser, url, "admin", 1920, 1080)
        wall.wait_for_function("() => document.querySelector('#side video')?.currentTime > 12", timeout=90_000)
        keep(wall, out, "inbox-1920", 1280)
        phone.click("article .still")
        phone.wait_for_function("() => document.querySelector('video')?.currentTime > 12", timeout=90_000)
        keep(phone, out, "incident-360", full=True)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
